package audit

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// shareBinding tells whether two connectors are bound to one local endpoint, exactly or by a wildcard.
func shareBinding(a, b connector.ReceiveConnector) (at [2]netip.AddrPort, ok bool) {
	for _, x := range a.Bindings {
		for _, y := range b.Bindings {
			xa, ya := x.Addr().Unmap().WithZone(""), y.Addr().Unmap().WithZone("")
			if x.Port() == y.Port() && xa.Is4() == ya.Is4() && (xa == ya || xa.IsUnspecified() || ya.IsUnspecified()) {
				return [2]netip.AddrPort{x, y}, true
			}
		}
	}
	return at, false
}

// boundTo tells whether a connector is bound to a local endpoint, exactly or by the wildcard.
func boundTo(c connector.ReceiveConnector, local netip.AddrPort) bool {
	return slices.ContainsFunc(c.Bindings, func(b netip.AddrPort) bool {
		a := b.Addr().Unmap().WithZone("")
		return b.Port() == local.Port() && a.Is4() == local.Addr().Is4() && (a.IsUnspecified() || a == local.Addr())
	})
}

// portsIn returns the ports that a connector is bound to in a family, in ascending order.
func portsIn(c connector.ReceiveConnector, v4 bool) (ports []uint16) {
	for _, b := range c.Bindings {
		if b.Addr().Unmap().Is4() == v4 && !slices.Contains(ports, b.Port()) {
			ports = append(ports, b.Port())
		}
	}
	slices.Sort(ports)
	return ports
}

func portsText(ports []uint16) string {
	text := "port "
	for i, p := range ports {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(p)
	}
	return text
}
