package connector_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

// benchTopology has one server with 20 connectors that share n ranges behind one catch-all: subnets, spans and hosts, nested
// and partly overlapping, as relay lists grow.
func benchTopology(n int) (*connector.Topology, []netip.Addr) {
	r := rand.New(rand.NewPCG(uint64(n), 25))
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{standard("EX01")}}
	for i := range 20 {
		top.Connectors = append(top.Connectors, listening("EX01", fmt.Sprintf("Relay %d", i), "0.0.0.0:25"))
	}
	sources := make([]netip.Addr, 1<<12)
	var lasts []netip.Addr
	for i := range n {
		a := uint32(10<<24) | r.Uint32N(1<<24)
		b := a
		if i%3 == 0 {
			b = min(a+r.Uint32N(4096), 11<<24-1)
		}
		rg, _ := connector.RangeFrom(addr4(a), addr4(b))
		c := &top.Connectors[1+r.IntN(20)]
		c.RemoteIPRanges = append(c.RemoteIPRanges, rg)
		lasts = append(lasts, addr4(b))
	}
	for i := range sources {
		sources[i] = lasts[r.IntN(len(lasts))]
	}
	return top, sources
}

func addr4(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

var benchSizes = []int{20, 1000, 100_000}

// BenchmarkSelect compares the index with the linear scan that people write.
func BenchmarkSelect(b *testing.B) {
	for _, n := range benchSizes {
		top, sources := benchTopology(n)
		x, err := connector.Compile(top)
		require.NoError(b, err)
		l := x.Listener("EX01", netip.MustParseAddrPort("192.168.0.1:25"))
		b.Run(fmt.Sprintf("impl=index/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, a := range sources {
					if l.Select(a).Outcome() != connector.Selected {
						b.Fatal("wrong answer")
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(sources)), "ns/lookup")
		})
		if n > 1000 {
			sources = sources[:16]
		}
		b.Run(fmt.Sprintf("impl=linear/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, a := range sources {
					if linear(top, a) < 0 {
						b.Fatal("wrong answer")
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(sources)), "ns/lookup")
		})
	}
}

// linear returns the position of the connector with the narrowest range that contains a.
func linear(top *connector.Topology, a netip.Addr) int {
	winner, best := -1, connector.Range{}
	for i, c := range top.Connectors {
		for _, r := range c.RemoteIPRanges {
			if r.Contains(a) && (winner < 0 || r.Compare(best) < 0) {
				winner, best = i, r
			}
		}
	}
	return winner
}

// BenchmarkCompile stands beside sorting the same bounds.
func BenchmarkCompile(b *testing.B) {
	for _, n := range benchSizes {
		top, _ := benchTopology(n)
		b.Run(fmt.Sprintf("impl=compile/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := connector.Compile(top); err != nil {
					b.Fatal(err)
				}
			}
		})
		bounds := boundsOf(top)
		b.Run(fmt.Sprintf("impl=sort/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				slices.SortFunc(slices.Clone(bounds), netip.Addr.Compare)
			}
		})
	}
}

// BenchmarkDiff compares two configurations: one in which a single host moves, and one in which half of all ranges do. Beside it
// stands sorting the bounds of one side, which is what finding the borders takes at least.
func BenchmarkDiff(b *testing.B) {
	for _, n := range benchSizes {
		top, sources := benchTopology(n)
		x, err := connector.Compile(top)
		require.NoError(b, err)
		one, _ := connector.RangeFrom(sources[0], sources[0])
		little := connector.AddRanges(top.Connectors[0], one)
		var much []connector.Change
		for _, c := range top.Connectors[1:11] {
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
		bounds := boundsOf(top)
		b.Run(fmt.Sprintf("impl=sort/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				slices.SortFunc(slices.Clone(bounds), netip.Addr.Compare)
			}
		})
	}
}

func boundsOf(top *connector.Topology) (bounds []netip.Addr) {
	for _, c := range top.Connectors {
		for _, r := range c.RemoteIPRanges {
			bounds = append(bounds, r.Span().From(), r.Span().To())
		}
	}
	return bounds
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
