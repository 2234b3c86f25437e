package audit

import (
	"fmt"
	"net/netip"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc007 = &Check{
	ID:       "RC007",
	Title:    "range can never match: no binding of its family",
	Severity: Note,
	Run:      checkRC007,
	Doc: `The connector lists IPv6 sources and is bound to no IPv6 address, or IPv4 sources and to no IPv4 address. A
connection comes in over one family, and for each binding only the ranges of its own family count, so these entries do
nothing. The addresses are those entries.

Add a binding of the family if its sources are to be served, or take the entries out. A connector of which no entry can
match is reported by RC002.

Source: families are disjoint: product; separate bindings for each family: inferred.`,
}

func checkRC007(p *Pass) error {
	for _, c := range p.Connectors() {
		if c.Disabled || c.Missing.Has(connector.PropertyBindings) {
			continue
		}
		var bound, idle [2]bool
		for _, b := range c.Bindings {
			bound[one(b.Addr().Unmap().Is4())] = true
		}
		var out []connector.Range
		for _, r := range c.RemoteIPRanges {
			if v4 := one(r.Span().From().Is4()); !bound[v4] {
				idle[v4] = true
				out = append(out, r)
			}
		}
		if len(out) == 0 || len(out) == len(c.RemoteIPRanges) {
			continue
		}
		family := "IPv6"
		if idle[1] {
			family = "IPv4"
		}
		local := netip.AddrPortFrom(everything(out[0].Span().From()).Span().From(), c.Bindings[0].Port())
		p.Report(Finding{Subject: c.ID, Certainty: Certain, Addrs: out, Witness: p.look(connector.Conn{Server: p.Server, Local: local, Remote: firstOf(connector.IPSet(out...))}),
			Message: fmt.Sprintf("lists %s and has no %s binding: nothing ever matches there", plural(len(out), family+" range", family+" ranges"), family)})
	}
	return nil
}
