package audit

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc108 = &Check{
	ID:       "RC108",
	Title:    "single address 0.0.0.0 where all addresses are meant",
	Severity: Note,
	Run:      checkRC108,
	Doc: `RemoteIPRanges lists 0.0.0.0, or ::, as a single address. In a binding that stands for all local addresses; in a list of
sources it is one address, from which nobody connects, so the entry serves nobody. All sources are
0.0.0.0-255.255.255.255 and ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff.

The fix writes that. It moves every source that no narrower range holds, so it is never safe: read the moves.

Source: New-ReceiveConnector, -RemoteIPRanges, whose example has it (documented); that it is one address: inferred.`,
}

func checkRC108(p *Pass) error {
	for _, c := range p.Connectors() {
		var out []connector.Range
		for _, r := range c.RemoteIPRanges {
			if r.IsSingle() && r.Span().From().IsUnspecified() {
				out = append(out, r)
			}
		}
		if len(out) == 0 {
			continue
		}
		p.reportWith(Finding{Subject: c.ID, Certainty: Certain, Addrs: out,
			Message: fmt.Sprintf("lists %s as a single address, from which nobody connects; all addresses of the family are written as a range", out[0])}, func() [][]candidate {
			return [][]candidate{{setting("list all addresses instead", c, func(e *connector.ReceiveConnector) {
				e.RemoteIPRanges = slices.Clone(c.RemoteIPRanges)
				for i, r := range e.RemoteIPRanges {
					if slices.Contains(out, r) {
						e.RemoteIPRanges[i] = everything(r.Span().From())
					}
				}
			})}}
		})
	}
	return nil
}

// everything returns all addresses of the family of one, as Exchange prints them.
func everything(a netip.Addr) connector.Range {
	if a.Is4() {
		return connector.MustParseRange("0.0.0.0-255.255.255.255")
	}
	return connector.MustParseRange("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
}
