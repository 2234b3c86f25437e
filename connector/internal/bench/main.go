// Command bench compares the library with the linear scan that people write and with tables of prefixes, on the same work in one process,
// and prints the ratios as Markdown. Results are compared before they are timed.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/lookup"
	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

func main() {
	sizes := flag.String("n", "5,50,1000,13000,100000,1000000", "numbers of ranges")
	rounds := flag.Int("rounds", 7, "rounds, of which the least time counts")
	flag.Parse()
	var ns []int
	for _, s := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "bench: %q is not a number of ranges\n", s)
			os.Exit(2)
		}
		ns = append(ns, n)
	}
	if *rounds < 1 {
		fmt.Fprintln(os.Stderr, "bench: at least one round is needed")
		os.Exit(2)
	}
	fmt.Printf("%s, %d CPUs (%s), %s %s/%s, least of %d rounds, `connector/internal/bench/run`\n", time.Now().Format(time.DateOnly), runtime.NumCPU(),
		cpu(), runtime.Version(), runtime.GOOS, runtime.GOARCH, *rounds)
	selects := selectTable(os.Stdout, ns, *rounds)
	compiles := compileTable(os.Stdout, ns, *rounds)
	summary(os.Stdout, ns, selects, compiles)
}

// cpu returns the name of the processor where the system tells it in a file.
func cpu() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(data), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(line, " \t:")
}

var mixes = []gen.Mix{gen.IPv4, gen.IPv6, gen.Mixed}

// tables is how many different configurations of a size are measured, together: one of few ranges says little about others.
func tables(n int) int {
	if n <= 50 {
		return 16
	}
	return 1
}

// row is what one size and mix gives, in nanoseconds per source.
type row struct {
	hits, random map[string]float64
	wrong, asked int // of bart.Table, where ranges overlap partly, of hits
}

// measure compares results and then times the ways. It panics if one of them is wrong where none may be.
func measure(n int, mix gen.Mix, rounds int) row {
	w := row{hits: make(map[string]float64), random: make(map[string]float64)}
	k := tables(n)
	for seed := range k {
		r := gen.Rand(uint64(seed))
		t := gen.Large(r, n, mix, true)
		all := impls(t, n)
		for kind, sources := range sourcesOf(r, t, mix, 1<<16) {
			check(all, sources)
			times := w.random
			if kind == "hits" {
				times = w.hits
			}
			for i, ns := range perSource(rounds, all, sources) {
				times[all[i].name()] += ns / float64(k)
			}
		}
		overlapping := gen.Large(r, n, mix, false)
		sources := gen.Hits(r, overlapping, 1<<14)
		ours, bart := newIndex(overlapping), newBartTable(prefixes(entries(overlapping)))
		for some := range slices.Chunk(sources, kept) {
			ours.lookUp(some)
			bart.lookUp(some)
			w.wrong += wrong(ours, bart, len(some))
		}
		w.asked += len(sources)
	}
	return w
}

// check panics unless all ways have our connector for every source that they are timed with.
func check(all []impl, sources []netip.Addr) {
	for _, way := range all[1:] {
		for some := range slices.Chunk(asked(way, sources), kept) {
			all[0].lookUp(some)
			way.lookUp(some)
			if k := wrong(all[0], way, len(some)); k > 0 {
				panic(fmt.Sprintf("%s has another connector than %s for %d of %d sources", way.name(), all[0].name(), k, len(some)))
			}
		}
	}
}

// of is a size in a mix of families.
type of struct {
	mix gen.Mix
	n   int
}

func selectTable(to io.Writer, sizes []int, rounds int) map[of]row {
	rows := make(map[of]row)
	fmt.Fprint(to, "\nSelect, ns per source; the others as multiples of it. Wrong: sources that lie in a range of their own for which prefixes\n"+
		"give another connector, where 2 % of the ranges lie across the border of another one.\n\n"+
		"| family | ranges | hits | linear | bart.Table | bart.Fast | cidranger | random | linear | bart.Table | bart.Fast | wrong |\n"+
		"|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, mix := range mixes {
		for _, n := range sizes {
			w := measure(n, mix, rounds)
			rows[of{mix, n}] = w
			fmt.Fprintf(to, "| %s | %s | %.1f |", mix, thousands(n), w.hits["index"])
			for _, name := range []string{"linear", "bart.Table", "bart.Fast", "cidranger"} {
				fmt.Fprintf(to, " %s |", times(w.hits, name))
			}
			fmt.Fprintf(to, " %.1f |", w.random["index"])
			for _, name := range []string{"linear", "bart.Table", "bart.Fast"} {
				fmt.Fprintf(to, " %s |", times(w.random, name))
			}
			fmt.Fprintf(to, " %.2f %% |\n", 100*float64(w.wrong)/float64(w.asked))
		}
	}
	return rows
}

// times prints how many times as long as ours a way takes.
func times(ns map[string]float64, name string) string {
	if ns[name] == 0 {
		return "–"
	}
	return multiple(ns[name] / ns["index"])
}

func multiple(x float64) string {
	if x < 0.1 {
		return fmt.Sprintf("%.2fx", x)
	}
	if x < 10 {
		return fmt.Sprintf("%.1fx", x)
	}
	unit := 1.0 // of the second digit: the scan of very many ranges is timed for few sources
	for x >= 100*unit {
		unit *= 10
	}
	return thousands(int(x/unit+0.5)*int(unit)) + "x"
}

// cost is what compiling takes, in nanoseconds, and keeps.
type cost struct {
	ours, sort, bart, insert float64
	index                    int // bytes of the tables alone
}

func compileTable(to io.Writer, sizes []int, rounds int) map[of]cost {
	costs := make(map[of]cost)
	fmt.Fprint(to, "\nCompile of the whole model, copy and checks included; the others as multiples of it. bart from ranges: sorted by size, decomposed and\n"+
		"inserted. Bytes a range: of the index, of all that Compile keeps, of bart.Table.\n\n"+
		"| family | ranges | Compile | slices.Sort of the bounds | bart, from ranges | bart, insert | index | all | bart.Table |\n"+
		"|---|---|---|---|---|---|---|---|---|\n")
	for _, mix := range mixes {
		for _, n := range sizes {
			t := gen.Large(gen.Rand(0), n, mix, false)
			es := entries(t)
			ps := prefixes(es)
			bounds4, bounds6 := bounds(es)
			repeat := max(1, 2000/n) // so that small ones can be told from the clock
			least := interleaved(rounds,
				func() {
					for range repeat {
						newIndex(t)
					}
				},
				func() {
					for range repeat {
						slices.Sort(slices.Clone(bounds4))
						slices.SortFunc(slices.Clone(bounds6), u128.Uint128.Compare)
					}
				},
				func() {
					for range repeat {
						newBartTable(prefixes(es))
					}
				},
				func() {
					for range repeat {
						newBartTable(ps)
					}
				})
			each := func(i int) float64 { return float64(least[i]) / float64(repeat) }
			c := cost{each(0), each(1), each(2), each(3), indexBytes(t)}
			costs[of{mix, n}] = c
			perRange := func(bytes uint64) float64 { return float64(bytes) / float64(n) }
			fmt.Fprintf(to, "| %s | %s | %s | %s | %s | %s | %.0f | %.0f | %.0f |\n", mix, thousands(n), milliseconds(c.ours),
				multiple(c.sort/c.ours), multiple(c.bart/c.ours), multiple(c.insert/c.ours), perRange(uint64(c.index)),
				perRange(heapOf(func() any { return compiled(t) })), perRange(heapOf(func() any { return newBartTable(ps) })))
			runtime.KeepAlive([]any{t, es, ps, bounds4, bounds6}) // or it would count as given back
		}
	}
	return costs
}

// summary prints the table of README.
func summary(to io.Writer, sizes []int, rows map[of]row, costs map[of]cost) {
	fmt.Fprint(to, "\n| ranges | IPv4 | linear | bart | IPv6 | linear | bart | mixed | bart | Compile, IPv4 | sort | bart | bytes a range, IPv4, IPv6 |\n"+
		"|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, n := range sizes {
		v4, v6, mix := rows[of{gen.IPv4, n}].hits, rows[of{gen.IPv6, n}].hits, rows[of{gen.Mixed, n}].hits
		c := costs[of{gen.IPv4, n}]
		fmt.Fprintf(to, "| %s | %.1f ns | %s | %s | %.1f ns | %s | %s | %.1f ns | %s | %s | %s | %s | %d, %d |\n", thousands(n),
			v4["index"], times(v4, "linear"), times(v4, "bart.Table"), v6["index"], times(v6, "linear"), times(v6, "bart.Table"),
			mix["index"], times(mix, "bart.Table"), milliseconds(c.ours), multiple(c.sort/c.ours), multiple(c.bart/c.ours),
			c.index/n, costs[of{gen.IPv6, n}].index/n)
	}
}

func milliseconds(ns float64) string { return fmt.Sprintf("%.3g ms", ns/1e6) }

// bounds returns the first and last addresses of the ranges, as what sorts fastest.
func bounds(es []entry) (v4 []uint32, v6 []u128.Uint128) {
	for _, e := range es {
		if e.From().Is4() {
			v4 = append(v4, u128.Of4(e.From()), u128.Of4(e.To()))
		} else {
			v6 = append(v6, u128.Of(e.From()), u128.Of(e.To()))
		}
	}
	return v4, v6
}

func compiled(t *connector.Topology) *connector.Index {
	x, err := connector.Compile(t)
	if err != nil {
		panic(err)
	}
	return x
}

// indexBytes returns how many bytes the tables of both listeners take.
func indexBytes(t *connector.Topology) int {
	x := compiled(t)
	var ids4, ids6 []uint64
	var starts4 []uint32
	var starts6 []u128.Uint128
	for r := range x.Regions("EX01", gen.Local(netip.IPv4Unspecified())) {
		starts4, ids4 = append(starts4, u128.Of4(r.From())), append(ids4, 0)
	}
	for r := range x.Regions("EX01", gen.Local(netip.IPv6Unspecified())) {
		starts6, ids6 = append(starts6, u128.Of(r.From())), append(ids6, 0)
	}
	return lookup.New4(starts4, ids4).Bytes() + lookup.New6(starts6, ids6).Bytes()
}
