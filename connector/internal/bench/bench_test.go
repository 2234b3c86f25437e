package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// borders returns the first and last addresses of all ranges, and their neighbours.
func borders(t *connector.Topology) (as []netip.Addr) {
	for _, e := range entries(t) {
		for _, a := range []netip.Addr{e.From(), e.To()} {
			as = append(as, a.Prev(), a, a.Next())
		}
	}
	return slices.DeleteFunc(as, func(a netip.Addr) bool { return !a.IsValid() })
}

// agree asserts that another way finds what ours does for all sources.
func agree(t *testing.T, ours, other impl, sources []netip.Addr) {
	t.Helper()
	for some := range slices.Chunk(sources, kept) {
		ours.lookUp(some)
		other.lookUp(some)
		for i, a := range some {
			require.Equal(t, ours.found(i), other.found(i), "%s: %s", other.name(), a)
		}
	}
}

// On laminar ranges tables of prefixes are right if the narrowest is inserted last, so all must agree: at random and at every border.
func TestAllAgreeOnLaminarRanges(t *testing.T) {
	for _, mix := range mixes {
		for _, n := range []int{5, 50, 1000, 13_000} {
			for seed := range uint64(tables(n)) {
				r := gen.Rand(seed)
				top := gen.Large(r, n, mix, true)
				all := impls(top, n)
				for _, other := range all[1:] {
					k := 20_000
					if n > 1000 && (other.name() == "linear" || other.name() == "cidranger") {
						k = 300
					}
					for _, sources := range sourcesOf(r, top, mix, k) {
						agree(t, all[0], other, sources)
					}
					at := borders(top)
					agree(t, all[0], other, at[:min(len(at), 20*k)])
				}
			}
		}
	}
}

// Where ranges lie across borders the scan is still right, and we with it; tables of prefixes are not.
func TestPrefixesAreWrongWhereRangesOverlapPartly(t *testing.T) {
	for _, mix := range mixes {
		top := gen.Large(gen.Rand(1), 1000, mix, false)
		ours, scan := newIndex(top), &linear{entries: narrowestFirst(entries(top))}
		at := borders(top)
		agree(t, ours, scan, at)
		agree(t, ours, scan, gen.Hits(gen.Rand(2), top, 5000))
		bart := newBartTable(prefixes(entries(top)))
		k := 0
		for some := range slices.Chunk(at, kept) {
			ours.lookUp(some)
			bart.lookUp(some)
			k += wrong(ours, bart, len(some))
		}
		assert.Positive(t, k, "the tables have no partly overlapping ranges in them, or the comparison does not see them")
	}
}

// The program's tables have what README shows of them.
func TestTables(t *testing.T) {
	var b strings.Builder
	rows := selectTable(&b, []int{5}, 1)
	costs := compileTable(&b, []int{5}, 1)
	summary(&b, []int{5}, rows, costs)
	for _, want := range []string{"| v4 | 5 |", "| v6 | 5 |", "| mix | 5 |", "cidranger", "slices.Sort", "\n| 5 | "} {
		assert.Contains(t, b.String(), want)
	}
	assert.Equal(t, "1,234,567", thousands(1_234_567))
	assert.Equal(t, "13,005", thousands(13_005))
	assert.Equal(t, "50", thousands(50))
}

func BenchmarkSelect(b *testing.B) {
	for _, mix := range mixes {
		for _, n := range []int{5, 50, 1000, 13_000, 100_000} {
			r := gen.Rand(0)
			top := gen.Large(r, n, mix, true)
			all := impls(top, n)
			for kind, sources := range sourcesOf(r, top, mix, 1<<16) {
				for _, way := range all {
					b.Run(fmt.Sprintf("impl=%s/family=%v/n=%d/src=%s", way.name(), mix, n, kind), func(b *testing.B) {
						b.ReportAllocs()
						at := 0
						for b.Loop() {
							way.lookUp(sources[at : at+64])
							at = (at + 64) % len(sources)
						}
						b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/lookup")
					})
				}
			}
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, mix := range mixes {
		for _, n := range []int{5, 50, 1000, 13_000, 100_000} {
			top := gen.Large(gen.Rand(0), n, mix, false)
			for name, build := range map[string]func(){
				"index":      func() { newIndex(top) },
				"bart.Table": func() { newBartTable(prefixes(entries(top))) },
			} {
				b.Run(fmt.Sprintf("impl=%s/family=%v/n=%d", name, mix, n), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						build()
					}
				})
			}
		}
	}
}
