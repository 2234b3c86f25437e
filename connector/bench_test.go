package connector_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

var benchSizes = []int{5, 50, 1000, 13_000, 100_000}

var benchMixes = []gen.Mix{gen.IPv4, gen.IPv6, gen.Mixed}

// BenchmarkSelect compares the index with the linear scan that people write. What peers do is measured in internal/bench.
func BenchmarkSelect(b *testing.B) {
	for _, mix := range benchMixes {
		for _, n := range benchSizes {
			top := gen.Large(gen.Rand(1), n, mix, false)
			x, err := connector.Compile(top)
			require.NoError(b, err)
			v4, v6 := x.Listener("EX01", gen.Local(netip.IPv4Unspecified())), x.Listener("EX01", gen.Local(netip.IPv6Unspecified()))
			for src, sources := range map[string][]netip.Addr{"hits": gen.Hits(gen.Rand(2), top, 1<<16), "random": gen.Scattered(gen.Rand(2), mix, 1<<16)} {
				perSource(b, fmt.Sprintf("impl=listener/family=%v/n=%d/src=%s", mix, n, src), sources, func(a netip.Addr) bool {
					if a.Is4() {
						return v4.Select(a).Outcome() == connector.Selected
					}
					return v6.Select(a).Outcome() == connector.Selected
				})
				perSource(b, fmt.Sprintf("impl=index/family=%v/n=%d/src=%s", mix, n, src), sources, func(a netip.Addr) bool {
					return x.Select(connector.Conn{Server: "EX01", Local: gen.Local(a), Remote: a}).Outcome() == connector.Selected
				})
				perSource(b, fmt.Sprintf("impl=linear/family=%v/n=%d/src=%s", mix, n, src), sources, func(a netip.Addr) bool { return linear(top, a) >= 0 })
			}
		}
	}
}

// perSource asks for a batch of sources an iteration, so that the loop costs nothing, and for all of them in turn.
func perSource(b *testing.B, name string, sources []netip.Addr, served func(netip.Addr) bool) {
	const batch = 64
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		at := 0
		for b.Loop() {
			for _, a := range sources[at : at+batch] {
				if !served(a) {
					b.Fatal("wrong answer")
				}
			}
			at = (at + batch) % len(sources)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/lookup")
	})
}

// linear returns the position of the connector with the narrowest range that contains a, of equal ones the first.
func linear(top *connector.Topology, a netip.Addr) int {
	winner, best := -1, u128.Uint128{}
	for i, c := range top.Connectors {
		for _, r := range c.RemoteIPRanges {
			if !r.Contains(a) {
				continue
			}
			s := r.Span()
			if size := u128.Of(s.To()).Sub(u128.Of(s.From())); winner < 0 || size.Less(best) {
				winner, best = i, size
			}
		}
	}
	return winner
}

// BenchmarkCompile stands beside sorting the same bounds.
func BenchmarkCompile(b *testing.B) {
	for _, mix := range benchMixes {
		for _, n := range benchSizes {
			top := gen.Large(gen.Rand(1), n, mix, false)
			b.Run(fmt.Sprintf("impl=compile/family=%v/n=%d", mix, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := connector.Compile(top); err != nil {
						b.Fatal(err)
					}
				}
			})
			v4, v6 := boundsOf(top)
			b.Run(fmt.Sprintf("impl=sort/family=%v/n=%d", mix, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					slices.Sort(slices.Clone(v4))
					slices.SortFunc(slices.Clone(v6), u128.Uint128.Compare)
				}
			})
		}
	}
}

// BenchmarkDiff compares two configurations: one in which a single host moves, and one in which half of all ranges do. Beside it
// stands sorting the bounds of one side, which is what finding the borders takes at least.
func BenchmarkDiff(b *testing.B) {
	for _, n := range benchSizes {
		top := gen.Large(gen.Rand(1), n, gen.Mixed, false)
		x, err := connector.Compile(top)
		require.NoError(b, err)
		one := top.Connectors[1].RemoteIPRanges[0].Span().From()
		host, _ := connector.RangeFrom(one, one)
		little := connector.AddRanges(top.Connectors[0], host)
		var much []connector.Change
		for _, c := range top.Connectors[1 : len(top.Connectors)/2] {
			much = append(much, connector.Remove(c))
		}
		for what, changes := range map[string][]connector.Change{"one host": {little}, "half of all": much} {
			next, err := top.Apply(changes...)
			require.NoError(b, err)
			y, err := connector.Compile(next)
			require.NoError(b, err)
			b.Run(fmt.Sprintf("impl=diff/moves=%s/n=%d", what, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if len(connector.Diff(x, y)) == 0 {
						b.Fatal("nothing moves")
					}
				}
			})
		}
		v4, v6 := boundsOf(top)
		b.Run(fmt.Sprintf("impl=sort/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				slices.Sort(slices.Clone(v4))
				slices.SortFunc(slices.Clone(v6), u128.Uint128.Compare)
			}
		})
	}
}

// boundsOf returns the first and last addresses of all ranges, as what sorts fastest.
func boundsOf(top *connector.Topology) (v4 []uint32, v6 []u128.Uint128) {
	for _, c := range top.Connectors {
		for _, r := range c.RemoteIPRanges {
			if s := r.Span(); s.From().Is4() {
				v4 = append(v4, u128.Of4(s.From()), u128.Of4(s.To()))
			} else {
				v6 = append(v6, u128.Of(s.From()), u128.Of(s.To()))
			}
		}
	}
	return v4, v6
}

func BenchmarkParseRange(b *testing.B) {
	for _, text := range []string{"10.0.0.5", "10.0.0.1-10.0.0.9", "10.0.0.0/24", "10.0.0.0(255.255.255.0)"} {
		b.Run("form="+connector.MustParseRange(text).Form().String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := connector.ParseRange(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
