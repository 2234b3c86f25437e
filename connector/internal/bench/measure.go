package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"time"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// sourcesOf are the two kinds of sources that are measured: those that lie in a range of their own, and random ones, most of which only the
// range of all addresses contains.
func sourcesOf(r *rand.Rand, t *connector.Topology, mix gen.Mix, n int) map[string][]netip.Addr {
	return map[string][]netip.Addr{"hits": gen.Hits(r, t, n), "random": gen.Scattered(r, mix, n)}
}

// impls returns the ways that can be measured with n ranges in a sensible time, ours first.
func impls(t *connector.Topology, n int) []impl {
	es := entries(t)
	ps := prefixes(es)
	all := []impl{newIndex(t), &linear{entries: narrowestFirst(es)}, newBartTable(ps), newBartFast(ps)}
	if n <= 13_000 {
		all = append(all, newRanger(ps))
	}
	return all
}

// wrong counts the sources for which a way, after lookUp, has another connector than ours.
func wrong(ours, other impl, n int) (k int) {
	for i := range n {
		if ours.found(i) != other.found(i) {
			k++
		}
	}
	return k
}

// interleaved runs all functions in turn, so many rounds, and returns the least time of each: what disturbs the machine for a while then
// disturbs all of them. Each runs twice, and the second time counts: the first brings into the caches what the one before has displaced.
func interleaved(rounds int, fs ...func()) []time.Duration {
	least := make([]time.Duration, len(fs))
	for round := range rounds {
		for i, f := range fs {
			f()
			start := time.Now()
			f()
			if d := time.Since(start); round == 0 || d < least[i] {
				least[i] = d
			}
		}
	}
	return least
}

// perSource measures nanoseconds per source of all ways.
func perSource(rounds int, all []impl, sources []netip.Addr) []float64 {
	fs := make([]func(), len(all))
	for i, way := range all {
		some := asked(way, sources)
		fs[i] = func() { way.lookUp(some) }
	}
	times := make([]float64, len(all))
	for i, d := range interleaved(rounds, fs...) {
		times[i] = float64(d.Nanoseconds()) / float64(len(asked(all[i], sources)))
	}
	return times
}

// asked returns the sources that a way is asked for: of one that takes very long, a few tell enough.
func asked(way impl, sources []netip.Addr) []netip.Addr {
	n := len(sources)
	switch w := way.(type) {
	case *linear:
		if len(w.entries) > 1000 {
			n = 64
		}
	case *ranger:
		n = 4096
	}
	return sources[:min(n, len(sources))]
}

// heapOf returns how many bytes what f makes keeps on the heap.
func heapOf(f func() any) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return after.HeapAlloc - min(after.HeapAlloc, before.HeapAlloc)
}

// thousands prints a number of ranges.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
