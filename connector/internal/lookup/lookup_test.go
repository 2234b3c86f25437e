package lookup

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// built makes a table of runs that begin at the numbers, in any order; a run's identification is its position.
func built(v4 bool, starts []u128.Uint128) (*Table, []u128.Uint128) {
	starts = append(slices.Clone(starts), u128.Uint128{})
	slices.SortFunc(starts, u128.Uint128.Compare)
	starts = slices.Compact(starts)
	ids := make([]uint64, len(starts))
	for i := range ids {
		ids[i] = uint64(i)
	}
	if !v4 {
		return New6(starts, ids), starts
	}
	starts4 := make([]uint32, len(starts))
	for i, s := range starts {
		starts4[i] = uint32(s.Lo)
	}
	return New4(starts4, ids), starts
}

const other = ^uint64(0)

// checkAt asks for an address and its neighbours, and compares with a search that anybody can read.
func checkAt(t *testing.T, table *Table, v4 bool, starts []u128.Uint128, u u128.Uint128) {
	t.Helper()
	for _, u := range []u128.Uint128{u.Prev(), u, u.Next()} {
		if v4 {
			u = u128.Uint128{Lo: uint64(uint32(u.Lo))}
		} else if a := u.Addr(false); a.Is4In6() {
			continue
		}
		want := sort.Search(len(starts), func(i int) bool { return u.Less(starts[i]) }) - 1
		require.Equal(t, uint64(want), table.Find(u.Addr(v4), other), "%d runs, %s", len(starts), u.Addr(v4))
	}
}

// none: marks tell the run without a comparison.
const none = -1

// shape is a way in which runs lie: a source of where one begins.
type shape struct {
	name, why   string
	v4          bool
	start       func(r *rand.Rand) u128.Uint128
	comparisons int // of a search at most, among 100,000 runs; 0 where it is the logarithm
}

var shapes = []shape{
	{"anywhere", "most nodes have few runs", true, func(r *rand.Rand) u128.Uint128 { return u128.Uint128{Lo: uint64(r.Uint32())} }, 6},
	{"one /8", "the top byte tells nothing", true, func(r *rand.Rand) u128.Uint128 { return u128.Uint128{Lo: 10<<24 | r.Uint64N(1<<24)} }, 3},
	{"few /24", "marks with many bits", true, func(r *rand.Rand) u128.Uint128 {
		return u128.Uint128{Lo: 10<<24 | r.Uint64N(5)<<11 | r.Uint64N(256)}
	}, none},
	{"borders", "runs that begin where slots do", true, func(r *rand.Rand) u128.Uint128 {
		return u128.Uint128{Lo: uint64(r.Uint32()) &^ (1<<(8*r.IntN(5)) - 1) & 0xffffffff}
	}, 0},
	{"the ends", "0.0.0.0 and 255.255.255.255", true, func(r *rand.Rand) u128.Uint128 {
		return u128.Uint128{Lo: uint64(uint32(r.IntN(600) - 300))}
	}, none},
	{"anywhere", "few runs have a first byte in common", false, func(r *rand.Rand) u128.Uint128 { return u128.Uint128{Hi: r.Uint64(), Lo: r.Uint64()} }, 9},
	{"networks of a /32", "a long common beginning, no host bits", false, func(r *rand.Rand) u128.Uint128 {
		return u128.Uint128{Hi: 0x20010db8<<32 | uint64(r.Uint32())}
	}, 6},
	{"hosts of one /64", "the nodes cannot tell them apart", false, func(r *rand.Rand) u128.Uint128 {
		return u128.Uint128{Hi: 0x20010db8 << 32, Lo: r.Uint64N(10000)}
	}, 0},
	{"hosts in networks", "as in practice", false, func(r *rand.Rand) u128.Uint128 {
		return u128.Uint128{Hi: 0x20010db8<<32 | r.Uint64N(300)<<8, Lo: r.Uint64N(200)}
	}, 0},
	{"the ends", ":: and the last address", false, func(r *rand.Rand) u128.Uint128 {
		return u128.Uint128{Lo: r.Uint64N(300)}.Sub(u128.Uint128{Lo: 150})
	}, 0},
}

func (s *shape) numbers(r *rand.Rand, n int) []u128.Uint128 {
	numbers := make([]u128.Uint128, n)
	for i := range numbers {
		numbers[i] = s.start(r)
	}
	return numbers
}

func TestFindAgreesWithPlainSearch(t *testing.T) {
	for _, shape := range shapes {
		t.Run(fmt.Sprintf("%s/v4=%v", shape.name, shape.v4), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for _, n := range []int{0, 1, 2, 3, fewRuns - 1, fewRuns, fewRuns + 1, 100, fewRuns6 + 1, fewRunsOfByte6 - 1, fewRunsOfByte6 + 1, 3000, 40_000} {
				numbers := shape.numbers(r, n)
				table, starts := built(shape.v4, numbers)
				require.Equal(t, len(starts), table.Len())
				for i, s := range starts {
					start, id := table.Run(i)
					require.Equal(t, s, start)
					require.Equal(t, uint64(i), id)
					checkAt(t, table, shape.v4, starts, s)
				}
				for range 1000 {
					checkAt(t, table, shape.v4, starts, shape.start(r))
					checkAt(t, table, shape.v4, starts, u128.Uint128{Hi: r.Uint64(), Lo: r.Uint64()})
				}
			}
		})
	}
}

// What New4 and New6 promise holds whatever the runs.
func TestMemoryIsBounded(t *testing.T) {
	for _, shape := range shapes {
		r := rand.New(rand.NewPCG(3, 4))
		for _, n := range []int{1, fewRuns, 100, 5000, 26_000, 200_000} {
			numbers := shape.numbers(r, n)
			table, starts := built(shape.v4, numbers)
			perRun := 12
			if !shape.v4 {
				perRun = 24
			}
			limit := perRun * fewRuns
			if len(starts) > fewRuns {
				limit = perRun*len(starts) + allowance(len(starts))
				limit += limit / 8 // the runtime rounds slices up
			}
			assert.LessOrEqual(t, table.Bytes(), limit, "%s, %d runs", shape.name, len(starts))
		}
	}
}

// Every search ends: at most one node for each byte, and in a window that halving exhausts in the logarithm of the runs.
func TestSearchesAreBounded(t *testing.T) {
	for _, shape := range shapes {
		r := rand.New(rand.NewPCG(5, 6))
		numbers := shape.numbers(r, 100_000)
		table, starts := built(shape.v4, numbers)
		most := 0
		var walk func(s slot, depth int)
		walk = func(s slot, depth int) {
			if s < deeper {
				most = max(most, int(s>>positionBits))
				return
			}
			if shape.v4 && depth == 3 {
				return // marks: no comparison
			}
			require.Less(t, depth, 8, shape.name)
			for i := range uint32(fanOut) {
				walk(table.slots[s.next()+i], depth+1)
			}
		}
		walk(deeper, 0)
		limit := shape.comparisons
		switch limit {
		case none:
			limit = 0
			assert.Greater(t, len(table.marks), 1, shape.name)
		case 0:
			limit = bits.Len(uint(len(starts) - 1))
		}
		assert.LessOrEqual(t, most, limit, "%s: comparisons, of %d runs", shape.name, len(starts))
	}
}

func TestFindKnowsItsFamily(t *testing.T) {
	v4, _ := built(true, []u128.Uint128{{Lo: 10 << 24}})
	v6, _ := built(false, []u128.Uint128{{Hi: 0xfe80 << 48, Lo: 1}})
	for _, row := range []struct {
		table *Table
		addr  string
		want  uint64
		why   string
	}{
		{v4, "10.0.0.0", 1, "IPv4"}, {v4, "9.255.255.255", 0, "IPv4"},
		{v4, "::ffff:10.0.0.0", 1, "mapped is IPv4"}, {v4, "fe80::1", other, "IPv6 is not"},
		{v6, "fe80::1", 1, "IPv6"}, {v6, "fe80::1%11", 1, "the zone does not count"}, {v6, "fe80::", 0, "IPv6"},
		{v6, "10.0.0.0", other, "IPv4 is not"}, {v6, "::ffff:10.0.0.0", other, "mapped is IPv4"},
	} {
		assert.Equal(t, row.want, row.table.Find(netip.MustParseAddr(row.addr), other), "%s: %s", row.addr, row.why)
	}
	assert.Equal(t, other, v4.Find(netip.Addr{}, other))
	assert.Equal(t, other, v6.Find(netip.Addr{}, other))
}

func TestFindDoesNotAllocate(t *testing.T) {
	for _, shape := range shapes {
		r := rand.New(rand.NewPCG(7, 8))
		numbers := shape.numbers(r, 5000)
		table, _ := built(shape.v4, numbers)
		a := numbers[0].Addr(shape.v4)
		assert.Zero(t, testing.AllocsPerRun(1000, func() { table.Find(a, other) }), shape.name)
	}
}

// FuzzFind makes runs of bytes: the first says the family and how much of each number is fixed, the rest are the numbers.
func FuzzFind(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte("\x01\x0a\x00\x00\x01\x0a\x00\x00\x02\x0a\x00\x00\x03"))
	f.Add(append([]byte{2}, make([]byte, 200)...))
	many := []byte{3}
	for i := range 300 {
		many = binary.BigEndian.AppendUint32(many, uint32(i*i*7919))
	}
	f.Add(many)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || len(data) > 1<<14 {
			return
		}
		v4 := data[0]%2 == 1
		var numbers []u128.Uint128
		for rest := data[1:]; len(rest) >= 4; rest = rest[4:] {
			n := uint64(binary.BigEndian.Uint32(rest))
			switch {
			case v4:
				numbers = append(numbers, u128.Uint128{Lo: n})
			case data[0]&2 != 0:
				numbers = append(numbers, u128.Uint128{Hi: 0x20010db8<<32 | n>>8, Lo: n & 0xff})
			default:
				numbers = append(numbers, u128.Uint128{Hi: n << 32, Lo: n << 20})
			}
		}
		table, starts := built(v4, numbers)
		for _, s := range starts {
			checkAt(t, table, v4, starts, s)
		}
	})
}
