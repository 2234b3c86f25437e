package connector

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// n ranges cut the space into 2n+1 runs at most, whatever their overlaps.
func TestRunsAreBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		c := ReceiveConnector{ID: ID{"EX01", "A"}, Bindings: []netip.AddrPort{MustParseBinding("0.0.0.0:25")}}
		n := 1 + r.IntN(200)
		for range n {
			a := r.IntN(1 << 16)
			b := min(1<<16-1, a+r.IntN(1<<10))
			c.RemoteIPRanges = append(c.RemoteIPRanges, MustParseRange(fmt.Sprintf("10.0.%d.%d-10.0.%d.%d", a>>8, a&255, b>>8, b&255)))
		}
		x, err := Compile(&Topology{Connectors: []ReceiveConnector{c}})
		require.NoError(t, err)
		runs := 0
		for range x.Regions("EX01", c.Bindings[0]) {
			runs++
		}
		assert.LessOrEqual(t, runs, 2*n+1)
	}
}

func TestHeapGivesTheLeast(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var h heap
		var plain []uint64
		for range 300 {
			if len(plain) > 0 && r.IntN(3) == 0 {
				require.Equal(t, plain[0], h[0])
				h = h.pop()
				plain = plain[1:]
				continue
			}
			x := r.Uint64N(100)
			h = h.push(x)
			plain = append(plain, x)
			slices.Sort(plain)
		}
		require.Len(t, h, len(plain))
	}
}

// Numbers that differ in some bytes only, few and many, equal ones among them.
func TestSorterIsStable(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var s sorter
	for _, n := range []int{0, 1, 2, fewNumbers, fewNumbers + 1, 1000, 5000} {
		for _, mask := range []u128.Uint128{{}, {Lo: 0xff}, {Lo: 0xff00ff}, {Lo: ^uint64(0)}, {Hi: 0xff00, Lo: 0xf}, {Hi: ^uint64(0), Lo: ^uint64(0)}} {
			numbers := make([]u128.Uint128, n)
			want, want32 := make([]uint32, n), make([]uint64, n)
			for i := range numbers {
				numbers[i] = u128.Uint128{Hi: r.Uint64()&mask.Hi | 7<<20, Lo: r.Uint64()&mask.Lo | 5<<40}
				want[i], want32[i] = uint32(i), numbers[i].Lo<<32|uint64(i)
			}
			slices.SortStableFunc(want, func(i, j uint32) int { return numbers[i].Compare(numbers[j]) })
			slices.Sort(want32)
			assert.True(t, slices.Equal(want, s.sort128(numbers)), "%d of %x", n, mask)
			s.items = s.items[:0]
			for i, u := range numbers {
				s.items = append(s.items, u.Lo<<32|uint64(i))
			}
			assert.True(t, slices.Equal(want32, s.sort()), "%d of %x", n, mask)
		}
	}
}

// Many ranges of every kind of overlap, ends of the address space among them, against the decision order itself, at every bound.
func TestCutObeysTheDecisionOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var c cutter // one for all, as in Compile
	for round := range 120 {
		v4 := round%2 == 0
		n, span := 1+r.IntN(300), 1+r.IntN(1000)
		at := func(i int) netip.Addr { // of 1024 addresses, some at either end of the space
			u := u128.Uint128{Lo: uint64(i)}
			if i >= 1000 {
				u = highest(v4).Sub(u128.Uint128{Lo: uint64(1023 - i)})
			} else if i >= 50 && !v4 {
				u = u128.Uint128{Hi: uint64(1 + i/100), Lo: uint64(i%100) << 57}
			}
			return u.Addr(v4)
		}
		var ranges []Range
		var ranks []rank
		c.reset(v4, n)
		exact := r.IntN(n)
		for i := range n {
			a := r.IntN(1024)
			rg, err := RangeFrom(at(a), at(min(1023, a+r.IntN(span)*r.IntN(2))))
			require.NoError(t, err)
			ranges = append(ranges, rg)
			ranks = append(ranks, rank{rg.size(), i < exact, i / 10, i})
			c.add(&rg, i < exact, selection(i/10, 0).by(i))
		}
		table := c.cut(refusal(NoRange, 0))
		for i := range 1024 {
			best, tie := -1, false
			for j, rg := range ranges {
				if rg.contains(at(i)) && (best < 0 || compareRank(ranks[j], ranks[best]) < 0) {
					best = j
				}
			}
			want := refusal(NoRange, 0)
			if best >= 0 {
				want = selection(ranks[best].connector, 0).by(best)
				for j, rg := range ranges {
					tie = tie || rg.contains(at(i)) && ranks[j].connector != ranks[best].connector && compareVisible(ranks[j], ranks[best]) == 0
				}
			}
			if tie {
				want = want.in(DoubtTie)
			}
			require.Equal(t, want, decision(table.Find(at(i), invalid)), "round %d, %s", round, at(i))
		}
	}
}

// What is unknown is one rank a connector, however many ranges it lists: every decision is held against all of them.
func TestUnknownsAreBounded(t *testing.T) {
	c := ReceiveConnector{ID: ID{"EX01", "A"}, Missing: PropertyBindings}
	for i := range 1000 {
		c.RemoteIPRanges = append(c.RemoteIPRanges, MustParseRange(fmt.Sprintf("10.0.%d.0/%d", i%256, 24+i%8)))
	}
	x := &Index{connectors: []ReceiveConnector{c}}
	u := x.unknowns(&serverIndex{connectors: []int{0}}, MustParseBinding("0.0.0.0:25"), nil, 0)
	require.Len(t, u.best, 1)
	assert.Equal(t, MustParseRange("10.0.0.0/31").size(), u.best[0].size)
}

// A connector of which two things are unknown does not hide what another one might do.
func TestUnknownsAreOfTwoConnectors(t *testing.T) {
	a := ReceiveConnector{ID: ID{"EX01", "A"}, Bindings: []netip.AddrPort{MustParseBinding("10.0.0.1:25")},
		RemoteIPRanges: []Range{MustParseRange("10.0.0.0/24")}, Missing: PropertyBindings | PropertyRemoteIPRanges}
	b := ReceiveConnector{ID: ID{"EX01", "B"}, Bindings: []netip.AddrPort{MustParseBinding("0.0.0.0:25")}}
	c := Conn{"EX01", a.Bindings[0], netip.MustParseAddr("10.0.0.5")}
	for missing, want := range map[Properties]Doubt{0: 0, PropertyRemoteIPRanges: DoubtMissing} {
		b.Missing = missing
		x, err := Compile(&Topology{Connectors: []ReceiveConnector{a, b}})
		require.NoError(t, err)
		m := x.Select(c)
		assert.Equal(t, a.ID, m.Connector())
		assert.Equal(t, want, m.Doubt(), "B's unknown properties: %s", missing)
	}
}
