package audit

import (
	"fmt"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

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
