package audit

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc012 = &Check{
	ID:       "RC012",
	Title:    "entry shadowed by another entry of its own connector",
	Severity: Note,
	Run:      checkRC012,
	Doc: `The connector lists addresses twice: these entries lie in wider entries of the same connector, or equal them, and
without them every source gets the connector it gets now, at every endpoint. They cost places under the limit of the
directory, and whoever reads the list takes them for exceptions, which they are not.

An entry that lies in a wider one and makes the connector the more specific of two is not shadowed, and not reported.
The addresses are the entries. The fix removes them, all at once, and is proved to move no source.

Source: of the ranges of one connector the smallest that holds the source counts: product.`,
}

func checkRC012(p *Pass) error {
	for _, c := range p.Connectors() {
		if out := p.shadowed(c); len(out) > 0 {
			f := Finding{Subject: c.ID, Certainty: Certain, Addrs: out,
				Message: fmt.Sprintf("lists %s a second time, in wider entries: without them every source gets the connector it gets now", plural(len(out), "entry", "entries"))}
			if conn, ok := p.connFrom(firstOf(connector.IPSet(out[0])), c.ID); ok {
				f.Witness = p.look(conn)
			}
			p.reportWith(f, func() [][]candidate {
				return [][]candidate{{{kind: FixRemove, title: "remove the entries that other entries of the connector hold", changes: []connector.Change{connector.RemoveRanges(c, unequal(c, out)...)}}}}
			})
		}
	}
	return nil
}

// mostGivenBack is how many entries that are to stay are tried one by one once more.
const mostGivenBack = 64

// shadowed returns the entries of a connector that lie in wider ones and without which no source moves, as many as can go together.
func (p *Pass) shadowed(c connector.ReceiveConnector) []connector.Range {
	s := p.spaceOf()
	gone, known := s.shadowed[c.ID]
	if !known {
		gone = p.findShadowed(c)
		s.shadowed[c.ID] = gone
	}
	return gone
}

func (p *Pass) findShadowed(c connector.ReceiveConnector) []connector.Range {
	nested, some := nestedIn(c.RemoteIPRanges)
	if !some || c.Disabled {
		return nil
	}
	out := slices.Clone(nested) // marks what goes
	split := func() (gone, left []connector.Range) {
		for i, r := range c.RemoteIPRanges {
			if out[i] {
				gone = append(gone, r)
			} else {
				left = append(left, r)
			}
		}
		return gone, left
	}
	all, _ := split()
	e := p.edit(c, connector.IPSet(all...))
	e.settle(false, func(moved *netipx.IPSet) []connector.Range {
		giveBack(c.RemoteIPRanges, out, moved)
		_, left := split()
		return left
	})
	tries := 0
	for i := range out { // of several that hold what moved, all were given back, and one may be enough
		if nested[i] && !out[i] && tries < mostGivenBack {
			tries++
			out[i] = true
			if _, left := split(); !isEmpty(e.moved(left)) {
				out[i] = false
			}
		}
	}
	gone, _ := split()
	return gone
}

// giveBack takes back what is marked as far as it has to: the narrowest of the marked ranges that hold what moved.
func giveBack(rs []connector.Range, marked []bool, moved *netipx.IPSet) {
	c := connector.ReceiveConnector{ID: connector.ID{Server: "S", Name: "C"}}
	for i, r := range rs {
		if marked[i] {
			c.RemoteIPRanges = append(c.RemoteIPRanges, r)
		}
	}
	narrowest := make(map[connector.Range]bool) // which is what a connector of the marked ranges alone would select by
	for _, all := range []string{"0.0.0.0:25", "[::]:25"} {
		local := connector.MustParseBinding(all)
		c.Bindings = []netip.AddrPort{local}
		for region, m := range alone(connector.Server{Name: "S"}, c).Regions("S", local) {
			if m.Outcome() == connector.Selected && moved.OverlapsRange(region) {
				narrowest[m.Range()] = true
			}
		}
	}
	for i, r := range rs {
		marked[i] = marked[i] && !narrowest[r]
	}
}

// unequal leaves out what the connector has a second time in the same extent, because no command removes one of two.
func unequal(c connector.ReceiveConnector, rs []connector.Range) []connector.Range {
	times := make(map[netipx.IPRange]int)
	for _, r := range c.RemoteIPRanges {
		times[r.Span()]++
	}
	return slices.DeleteFunc(slices.Clone(rs), func(r connector.Range) bool { return times[r.Span()] > 1 })
}
