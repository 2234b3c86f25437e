package connector

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted is an address that counts how often it is compared.
type counted struct {
	netip.Addr
	comparisons *int
}

func (c counted) Less(o counted) bool {
	*c.comparisons++
	return c.Addr.Less(o.Addr)
}

func TestLookUpComparesLogarithmically(t *testing.T) {
	for _, n := range []int{1, 2, 3, 100, 1000, 100_000} {
		comparisons := 0
		starts := make([]counted, n)
		for i := range starts {
			starts[i] = counted{netip.AddrFrom4([4]byte{0, byte(i >> 16), byte(i >> 8), byte(i)}), &comparisons}
		}
		for _, i := range []int{0, n / 2, n - 1} {
			comparisons = 0
			assert.Equal(t, i, lastAtOrBefore(starts, starts[i]))
			assert.LessOrEqual(t, comparisons, 1+bits.Len(uint(n)), "%d runs", n)
		}
	}
}

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

func TestRankSet(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 63, 64, 65, 4096, 4097, 300_000} {
		s := newRankSet(n)
		plain := make(map[int]bool)
		for range 300 {
			i := r.IntN(n)
			if r.IntN(3) == 0 {
				s.remove(i)
				delete(plain, i)
			} else {
				s.add(i)
				plain[i] = true
			}
			from := r.IntN(n + 1)
			want := -1
			for i := range plain {
				if i >= from && (want < 0 || i < want) {
					want = i
				}
			}
			require.Equal(t, want, s.next(from), "%d of %d", from, n)
		}
	}
	assert.Equal(t, -1, newRankSet(0).next(0))
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
