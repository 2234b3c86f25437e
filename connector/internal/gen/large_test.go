package gen

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

// crossings counts the ranges that lie across the border of another one: at most once each.
func crossings(ranges []connector.Range) (n int) {
	slices.SortStableFunc(ranges, func(a, b connector.Range) int {
		if c := a.Span().From().Compare(b.Span().From()); c != 0 {
			return c
		}
		return b.Compare(a) // the wider first
	})
	var open []netip.Addr // where those end that hold the next one, the innermost last
	for _, r := range ranges {
		s := r.Span()
		for len(open) > 0 && open[len(open)-1].Less(s.From()) {
			open = open[:len(open)-1]
		}
		if len(open) > 0 && open[len(open)-1].Less(s.To()) {
			n++
			continue
		}
		open = append(open, s.To())
	}
	return n
}

func TestLarge(t *testing.T) {
	for _, mix := range []Mix{IPv4, IPv6, Mixed} {
		for _, n := range []int{1, 5, 50, 1000, 13_000} {
			for _, laminar := range []bool{true, false} {
				name := fmt.Sprintf("%v, %d ranges, laminar %v", mix, n, laminar)
				top := Large(Rand(1), n, mix, laminar)
				again := Large(Rand(1), n, mix, laminar)
				require.True(t, top.Equal(again), name)
				families := make(map[bool][]connector.Range)
				for _, c := range top.Connectors {
					for _, r := range c.RemoteIPRanges {
						v4 := r.Span().From().Is4()
						families[v4] = append(families[v4], r)
					}
				}
				v4, v6 := families[true], families[false]
				assert.Equal(t, n, len(v4)+len(v6), name)
				assert.Equal(t, mix.ranges(n), len(v4), name)
				crossing := crossings(v4) + crossings(v6)
				if laminar {
					assert.Zero(t, crossing, name)
				} else if n >= 1000 {
					assert.Greater(t, crossing, n/500, name)
				}
				x, err := connector.Compile(top)
				require.NoError(t, err)
				if n < 5 {
					continue
				}
				for _, a := range Hits(Rand(2), top, 200) {
					m := x.Select(connector.Conn{Server: "EX01", Local: Local(a), Remote: a})
					assert.NotEqual(t, "C0", m.Connector().Name, "%s: %s lies in a range of its own", name, a)
				}
				for _, a := range Scattered(Rand(3), mix, 200) {
					assert.Equal(t, connector.Selected, x.Select(connector.Conn{Server: "EX01", Local: Local(a), Remote: a}).Outcome(), name)
				}
			}
		}
	}
}
