package audit

import (
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc003 = &Check{
	ID:       "RC003",
	Title:    "ranges of two connectors overlap only partly",
	Severity: Warning,
	Run:      checkRC003,
	Doc: `On one local endpoint, a range of one connector and a range of another have addresses in common, and neither
contains the other. New- and Set-ReceiveConnector refuse such a pair, so it stems from an import, a directory edit or an
early version; and they refuse it at any later change of either connector, whatever is set. In the common part the
smaller range wins, and if both are of one size, who does cannot be seen from outside.

One finding for each pair; the addresses are all that the crossing ranges have in common. If one of the two is disabled,
nothing is decided by it, but the cmdlets refuse all the same, so it is a note.

The fix splits at the border: the ranges that lose the common part give it up, where that moves no source.

Source: custom receive connectors, New-ReceiveConnector, -RemoteIPRanges (documented); that disabled connectors count, and
partly overlapping ranges of a wildcard and a specific binding: product.`,
}

func checkRC003(p *Pass) error {
	cs := p.Connectors()
	if isLaminar(cs) {
		return nil
	}
	for i, c := range cs {
		for _, d := range cs[i+1:] {
			if _, shared := shareBinding(c, d); !shared || c.TransportRole != 0 && d.TransportRole != 0 && c.TransportRole != d.TransportRole {
				continue
			}
			x, ok := crossings(c.RemoteIPRanges, d.RemoteIPRanges)
			if !ok {
				continue
			}
			f := Finding{Subject: c.ID, Certainty: Certain, Addrs: connector.RangesOf(x.set), Related: []connector.ID{d.ID}}
			f.Message = fmt.Sprintf("%s and %s of %s overlap only partly, so the cmdlets refuse any further change of either connector; only the first holds %s, only the second %s, both %s",
				x.first, x.other, d.ID, onlyIn(x.first, x.other), onlyIn(x.other, x.first), firstOf(overlap(connector.IPSet(x.first), connector.IPSet(x.other))))
			if c.Disabled || d.Disabled {
				f.Certainty = PossiblyTrue
			} else if conn, found := p.connFrom(firstOf(x.set), c.ID, d.ID); found {
				f.Witness = p.look(conn)
			}
			p.reportWith(f, func() [][]candidate { return [][]candidate{{trim(d, c), trim(c, d)}} })
		}
	}
	return nil
}

// onlyIn returns an address that is in one range and not in the other.
func onlyIn(r, o connector.Range) fmt.Stringer {
	return firstOf(less(connector.IPSet(r), connector.IPSet(o)))
}

const splitTitle = "split at the border: take what both list out of "

// trim proposes that the entries of one connector that cross those of another give up what they have in common.
func trim(c, of connector.ReceiveConnector) candidate {
	const most = 4_000_000 // more than two connectors have that the directory can hold
	if len(c.RemoteIPRanges)*len(of.RemoteIPRanges) > most {
		return candidate{kind: FixSplit, title: splitTitle + c.ID.String()}
	}
	after := connector.Edit(c, func(e *connector.ReceiveConnector) {
		var kept []connector.Range
		for _, r := range c.RemoteIPRanges {
			if x, crosses := crossings([]connector.Range{r}, of.RemoteIPRanges); crosses {
				kept = append(kept, connector.RangesOf(less(connector.IPSet(r), x.set))...)
				continue
			}
			kept = append(kept, r)
		}
		e.RemoteIPRanges = kept
	})
	return candidate{kind: FixSplit, title: splitTitle + c.ID.String(), changes: []connector.Change{after}}
}
