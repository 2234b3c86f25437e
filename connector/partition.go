package connector

import (
	"math"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector/internal/lookup"
	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// cutter makes partitions of the ranges that compete at one endpoint, the candidates, and keeps its memory from one to the next.
//
// Candidates are numbered in the decision order, see [compareRank], but for their sizes. Their bounds are coordinates: the addresses
// themselves in IPv4; in IPv6 the bounds of all candidates in their order, so that the last one of a range lies before the bound behind it.
type cutter struct {
	v4    bool
	most  int // that there may be
	exact int // how many, the first, come through a binding of the exact address

	begins    sorter // where each begins
	lasts     []uint32
	sizes     []uint32   // ascend with the size; equal if that is
	decisions []decision // if it wins and nobody ties with it

	bounds  []u128.Uint128 // of IPv6: for each candidate its first address and the one behind its last
	numbers []u128.Uint128 // of IPv6: the sizes
	coords  []u128.Uint128 // of IPv6: the address that each coordinate stands for
	sorter  sorter

	best, rival heap
	starts      []uint32 // of the runs, as coordinates
	ids         []uint64
}

// reset makes ready for the candidates of another endpoint, n at most.
func (c *cutter) reset(v4 bool, n int) {
	c.v4, c.most, c.exact = v4, n, 0
	c.begins.items, c.lasts, c.sizes, c.decisions, c.bounds = c.begins.items[:0], c.lasts[:0], c.sizes[:0], c.decisions[:0], c.bounds[:0]
}

// add adds a range of the family; exact ones come before others.
func (c *cutter) add(r *Range, exact bool, d decision) {
	i := len(c.decisions)
	if i == 0 {
		c.begins.items, c.decisions = slices.Grow(c.begins.items, c.most), slices.Grow(c.decisions, c.most)
		c.lasts, c.sizes = slices.Grow(c.lasts, c.most), slices.Grow(c.sizes, c.most)
	}
	if exact {
		c.exact++
	}
	c.decisions = append(c.decisions, d)
	if c.v4 {
		first, last := u128.Of4(r.first), u128.Of4(r.last)
		c.begins.items = append(c.begins.items, uint64(first)<<32|uint64(i))
		c.lasts, c.sizes = append(c.lasts, last), append(c.sizes, last-first)
		return
	}
	if i == 0 {
		c.bounds = slices.Grow(c.bounds, 2*c.most)
	}
	c.bounds = append(c.bounds, u128.Of(r.first), u128.Of(r.last).Next())
	c.begins.items = append(c.begins.items, uint64(i))
}

// cut returns the partition; none is the decision where no range is. It takes O(n log n).
//
// It sweeps over the addresses and stops wherever a candidate begins, and where the winner ends or the one that ties with it. Of those that
// have begun, the first in the decision order is on top of one heap, and on top of the other the one that is last among its equals: they
// are of different connectors if and only if two connectors tie. Those that have ended are removed when they come to the top.
func (c *cutter) cut(none decision) *lookup.Table {
	if !c.v4 {
		c.number()
	}
	n := len(c.decisions)
	begins := c.begins.sort()
	keys := slices.Grow(c.begins.spare[:0], n)[:n] // for the heaps; gathered here because memory answers many questions at a time
	for k, b := range begins {
		i := uint32(b)
		keys[k] = uint64(c.sizes[i])<<32 | uint64(i)
	}
	best, rival := c.best[:0], c.rival[:0]
	starts, ids := slices.Grow(c.starts[:0], 2*n+1), slices.Grow(c.ids[:0], 2*n+1)

	const never = 1 << 32
	for at, k := uint64(0), 0; at < never; {
		// Those that end where they begin are narrower than all others here, and gone behind it: they need not go through the heaps.
		single, rivalOfSingle := uint64(math.MaxUint64), uint64(math.MaxUint64)
		for ; k < n && begins[k]>>32 == at; k++ {
			key := keys[k]
			mirrored := key&^math.MaxUint32 | uint64(c.mirrored(uint32(key)))
			if uint64(c.lasts[uint32(key)]) == at {
				single, rivalOfSingle = min(single, key), min(rivalOfSingle, mirrored)
			} else {
				best, rival = best.push(key), rival.push(mirrored)
			}
		}
		next := uint64(never)
		if k < n {
			next = begins[k] >> 32
		}
		d := none
		if single != math.MaxUint64 {
			d, _ = c.decide(uint32(single), c.mirrored(uint32(rivalOfSingle)))
			next = min(next, at+1)
		} else {
			for len(best) > 0 && uint64(c.lasts[uint32(best[0])]) < at {
				best = best.pop()
			}
			if len(best) > 0 {
				for uint64(c.lasts[c.mirrored(uint32(rival[0]))]) < at {
					rival = rival.pop()
				}
				var end uint32
				d, end = c.decide(uint32(best[0]), c.mirrored(uint32(rival[0])))
				next = min(next, uint64(end)+1)
			}
		}
		if last := len(ids) - 1; last < 0 || ids[last] != uint64(d) {
			starts, ids = append(starts, uint32(at)), append(ids, uint64(d))
		}
		at = next
	}
	c.best, c.rival, c.starts, c.ids = best, rival, starts, ids
	return c.table()
}

// decide returns the decision where a candidate wins and another one, or itself, is last among its equals, and where that ends to hold.
func (c *cutter) decide(winner, rival uint32) (d decision, end uint32) {
	d, end = c.decisions[winner], c.lasts[winner]
	if rival != winner && c.decisions[rival].connector() != d.connector() {
		return d.in(DoubtTie), min(end, c.lasts[rival])
	}
	return d, end
}

// mirrored turns the order of the candidates around, but exact ones still come before others. It is its own inverse.
func (c *cutter) mirrored(i uint32) uint32 {
	sum := c.exact - 1
	if int(i) >= c.exact {
		sum += len(c.decisions)
	}
	return uint32(sum) - i
}

// table makes the table of the runs.
func (c *cutter) table() *lookup.Table {
	if c.v4 {
		return lookup.New4(c.starts, c.ids)
	}
	starts := make([]u128.Uint128, len(c.starts))
	for i, s := range c.starts {
		starts[i] = c.coords[s]
	}
	return lookup.New6(starts, c.ids)
}

// number gives the candidates of IPv6 their coordinates and sizes.
func (c *cutter) number() {
	n := len(c.decisions)
	c.lasts, c.sizes = c.lasts[:n], c.sizes[:n]
	c.coords = append(slices.Grow(c.coords[:0], 1+len(c.bounds)), u128.Uint128{})
	for _, i := range c.sorter.sort128(c.bounds) {
		bound := c.bounds[i]
		if bound != c.coords[len(c.coords)-1] {
			c.coords = append(c.coords, bound)
		}
		at := uint32(len(c.coords) - 1)
		if i%2 == 0 {
			c.begins.items[i/2] |= uint64(at) << 32
		} else {
			c.lasts[i/2] = at - 1 // behind the last address of all is 0, and so this the highest coordinate
		}
	}
	c.numbers = slices.Grow(c.numbers[:0], n)
	for i := range n {
		c.numbers = append(c.numbers, c.bounds[2*i+1].Sub(c.bounds[2*i]).Prev())
	}
	size, ordinal := u128.Uint128{}, uint32(0)
	for _, i := range c.sorter.sort128(c.numbers) {
		if c.numbers[i] != size {
			size = c.numbers[i]
			ordinal++
		}
		c.sizes[i] = ordinal
	}
}
