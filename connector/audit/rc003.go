package audit

import (
	"fmt"
	"net/netip"

	"go4.org/netipx"

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

One finding for each connector that crosses others that come behind it; the addresses are all that the crossing ranges have in common.
If one of two is disabled, nothing is decided by it, but the cmdlets refuse all the same, so it is a note.

The fix splits at the border: the ranges that lose the common part give it up, where that moves no source.

Source: custom receive connectors, New-ReceiveConnector, -RemoteIPRanges (documented); that disabled connectors count, and
partly overlapping ranges of a wildcard and a specific binding: product.`,
}

func checkRC003(p *Pass) error {
	cs := p.Connectors()
	if isLaminar(cs) {
		return nil
	}
	found := crossings(cs, func(i, j int) bool {
		_, _, shared := cs[i].SharesBinding(cs[j])
		return shared && (cs[i].TransportRole == 0 || cs[j].TransportRole == 0 || cs[i].TransportRole == cs[j].TransportRole)
	})
	for len(found) > 0 {
		n := 1
		for n < len(found) && found[n].pair[0] == found[0].pair[0] {
			n++
		}
		p.reportCrossings(found[:n])
		found = found[n:]
	}
	return nil
}

// reportCrossings reports what one connector has in common with others.
func (p *Pass) reportCrossings(xs []crossing) {
	c := p.Connectors()[xs[0].pair[0]]
	f := Finding{Subject: c.ID, Certainty: PossiblyTrue}
	var others []connector.ReceiveConnector
	var b netipx.IPSetBuilder
	for _, x := range xs {
		d := p.Connectors()[x.pair[1]]
		others, f.Related = append(others, d), append(f.Related, d.ID)
		b.AddSet(x.set)
		if !c.Disabled && !d.Disabled {
			f.Certainty = Certain
		}
	}
	set, _ := b.IPSet() // valid ranges do not fail
	f.Addrs = connector.RangesOf(set)
	r, o := xs[0].ranges[0], xs[0].ranges[1]
	f.Message = fmt.Sprintf("%s and %s of %s overlap only partly, so the cmdlets refuse any further change of either connector; only the first holds %s, only the second %s, both %s",
		r, o, others[0].ID, onlyIn(r, o), onlyIn(o, r), firstOf(overlap(connector.IPSet(r), connector.IPSet(o))))
	if len(others) > 1 {
		f.Message += fmt.Sprintf("; so do ranges of %s", plural(len(others)-1, "other connector", "other connectors"))
	}
	if conn, ok := p.connFrom(firstOf(set), append([]connector.ID{c.ID}, f.Related...)...); ok {
		f.Witness = p.look(conn)
	}
	p.reportWith(f, func() [][]candidate {
		theirs := candidate{kind: FixSplit, title: "split at the border: take what both list out of the other"}
		for _, d := range others {
			theirs.changes = append(theirs.changes, trimmed(d, c))
		}
		ours := candidate{kind: FixSplit, title: "split at the border: take what both list out of " + c.ID.String(), changes: []connector.Change{trimmed(c, others...)}}
		return [][]candidate{{theirs, ours}}
	})
}

// onlyIn returns an address that is in one range and not in the other.
func onlyIn(r, o connector.Range) netip.Addr {
	return firstOf(less(connector.IPSet(r), connector.IPSet(o)))
}

// trimmed takes out of the entries of a connector what they have in common with entries of others that they cross.
func trimmed(c connector.ReceiveConnector, of ...connector.ReceiveConnector) connector.Change {
	if len(c.RemoteIPRanges) > 2*connector.MaxRemoteIPRanges {
		return connector.Edit(c, func(*connector.ReceiveConnector) {}) // which no directory holds
	}
	one := make([]connector.ReceiveConnector, 0, len(c.RemoteIPRanges)+len(of)) // each entry as a connector of its own
	for _, r := range c.RemoteIPRanges {
		one = append(one, connector.ReceiveConnector{RemoteIPRanges: []connector.Range{r}})
	}
	n := len(one)
	out := make(map[int][]*netipx.IPSet)
	for _, d := range of {
		for _, x := range crossings(append(one[:n:n], d), func(i, j int) bool { return j == n }) {
			out[x.pair[0]] = append(out[x.pair[0]], x.set)
		}
	}
	return connector.Edit(c, func(e *connector.ReceiveConnector) {
		e.RemoteIPRanges = nil
		for i, r := range c.RemoteIPRanges {
			left := connector.IPSet(r)
			for _, set := range out[i] {
				left = less(left, set)
			}
			if len(out[i]) == 0 {
				e.RemoteIPRanges = append(e.RemoteIPRanges, r)
			} else {
				e.RemoteIPRanges = append(e.RemoteIPRanges, connector.RangesOf(left)...)
			}
		}
	})
}
