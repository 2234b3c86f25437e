package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc006 = &Check{
	ID:       "RC006",
	Title:    "binding is not an address of the server",
	Severity: Error,
	Run:      checkRC006,
	Doc: `A binding names the local address at which a connector listens. This one is none of the server's addresses:
the cmdlets accept it, nothing ever arrives there, and the transport service may fail to start. Often the address of a
client was meant, which belongs into RemoteIPRanges.

It is asked only where the addresses of the server were told; if they were told in part, add the one that is missing
(-addr NAME=IP) and the finding is gone. Loopback addresses are of every server. A disabled connector is not reported.

Bind the connector to an address of the server, or to 0.0.0.0 or [::].

Source: New-ReceiveConnector, -Bindings (documented).`,
}

func checkRC006(p *Pass) error {
	s := p.Record()
	if len(s.Addresses) == 0 || s.Missing.Has(connector.PropertyAddresses) {
		return nil
	}
	own := make([]netip.Addr, len(s.Addresses))
	for i, a := range s.Addresses {
		own[i] = a.Unmap().WithZone("")
	}
	for _, c := range p.Connectors() {
		if c.Disabled {
			continue
		}
		var strange []string
		for _, b := range c.Bindings {
			if a := b.Addr().Unmap().WithZone(""); !a.IsUnspecified() && !a.IsLoopback() && !slices.Contains(own, a) {
				strange = append(strange, b.String())
			}
		}
		if len(strange) == 0 {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: Certain}
		if c.Missing.Has(connector.PropertyEnabled) {
			f.Certainty = PossiblyTrue
		}
		f.Message = fmt.Sprintf("is bound to %s, which is no address of %s that is known", strings.Join(strange, ", "), s.Name)
		if both := slices.DeleteFunc(slices.Clone(c.Bindings), func(b netip.AddrPort) bool {
			return !slices.Contains(strange, b.String()) || !slices.ContainsFunc(c.RemoteIPRanges, func(r connector.Range) bool { return r.IsSingle() && r.Contains(b.Addr()) })
		}); len(both) > 0 {
			f.Message += fmt.Sprintf("; %s is also one of the remote addresses it lists, as if the client's address had been entered twice", both[0].Addr())
		}
		p.Report(f)
	}
	return nil
}
