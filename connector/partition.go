package connector

import (
	"math"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector/internal/lookup"
	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// cutter makes partitions of the ranges that compete at one endpoint, and keeps its memory from one to the next.
type cutter struct {
	v4         bool
	most       int         // that there may be
	candidates []candidate // in the decision order, see [compareRank], but for their sizes
	exact      int         // how many of them, the first, come through a binding of the exact address
	begins     sorter      // where they begin

	bounds []u128.Uint128 // of IPv6: for each candidate its first address and the one behind its last
	sizes  []u128.Uint128
	coords []u128.Uint128 // the address that each coordinate stands for
	sorter sorter

	best, rival heap
	starts      []uint32 // of the runs so far, as coordinates
	ids         []uint64
}

// candidate is a range that competes. Its bounds are coordinates: the addresses themselves in IPv4; in IPv6 the bounds of all candidates,
// numbered in their order, so that the last one of a range lies before the bound behind it. Where it begins is in cutter.begins.
type candidate struct {
	last     uint32
	size     uint32   // ascends with the size; equal if that is
	decision decision // if it wins and nobody ties with it
}

// reset makes ready for the candidates of another endpoint, n at most.
func (c *cutter) reset(v4 bool, n int) {
	c.v4, c.most, c.exact = v4, n, 0
	c.candidates, c.begins.items, c.bounds = c.candidates[:0], c.begins.items[:0], c.bounds[:0]
}

// add adds a range of the family; exact ones come before others.
func (c *cutter) add(r *Range, exact bool, d decision) {
	i := len(c.candidates)
	if i == 0 {
		c.candidates, c.begins.items = slices.Grow(c.candidates, c.most), slices.Grow(c.begins.items, c.most)
	}
	if exact {
		c.exact++
	}
	if c.v4 {
		first, last := u128.Of4(r.first), u128.Of4(r.last)
		c.begins.items = append(c.begins.items, uint64(first)<<32|uint64(i))
		c.candidates = append(c.candidates, candidate{last, last - first, d})
		return
	}
	if i == 0 {
		c.bounds = slices.Grow(c.bounds, 2*c.most)
	}
	c.bounds = append(c.bounds, u128.Of(r.first), u128.Of(r.last).Next())
	c.candidates = append(c.candidates, candidate{decision: d})
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
	n := len(c.candidates)
	begins := c.begins.sort()
	keys := slices.Grow(c.begins.spare[:0], n)[:n] // of the heaps; gathered here because memory answers many questions at a time
	for k, b := range begins {
		i := uint32(b)
		keys[k] = uint64(c.candidates[i].size)<<32 | uint64(i)
	}
	c.best, c.rival = c.best[:0], c.rival[:0]
	c.starts, c.ids = slices.Grow(c.starts[:0], 2*n+1), slices.Grow(c.ids[:0], 2*n+1)

	const never = 1 << 32
	for at, k := uint64(0), 0; at < never; {
		for ; k < n && begins[k]>>32 == at; k++ {
			c.best.push(keys[k])
			c.rival.push(keys[k]&^math.MaxUint32 | uint64(c.mirrored(uint32(keys[k]))))
		}
		next := uint64(never)
		if k < n {
			next = begins[k] >> 32
		}
		d := none
		if c.dropEnded(&c.best, at, false); len(c.best) > 0 {
			i := uint32(c.best[0])
			w := &c.candidates[i]
			d = w.decision
			end := w.last
			if c.mirrored(i) != uint32(c.rival[0]) {
				c.dropEnded(&c.rival, at, true)
				r := &c.candidates[c.mirrored(uint32(c.rival[0]))]
				if r.decision.connector() != d.connector() {
					d = d.in(DoubtTie)
					end = min(end, r.last)
				}
			}
			next = min(next, uint64(end)+1)
		}
		if last := len(c.ids) - 1; last < 0 || c.ids[last] != uint64(d) {
			c.starts, c.ids = append(c.starts, uint32(at)), append(c.ids, uint64(d))
		}
		at = next
	}
	return c.table()
}

// mirrored turns the order of the candidates around, but exact ones still come before others. It is its own inverse.
func (c *cutter) mirrored(i uint32) uint32 {
	if exact := uint32(c.exact); i < exact {
		return exact - 1 - i
	} else {
		return exact + uint32(len(c.candidates)) - 1 - i
	}
}

// dropEnded removes those from the top of a heap that have ended before an address.
func (c *cutter) dropEnded(h *heap, at uint64, mirrored bool) {
	for len(*h) > 0 {
		i := uint32((*h)[0])
		if mirrored {
			i = c.mirrored(i)
		}
		if uint64(c.candidates[i].last) >= at {
			return
		}
		h.pop()
	}
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
	c.coords = append(slices.Grow(c.coords[:0], 1+len(c.bounds)), u128.Uint128{})
	for _, i := range c.sorter.sort128(c.bounds) {
		bound := c.bounds[i]
		if bound != c.coords[len(c.coords)-1] {
			c.coords = append(c.coords, bound)
		}
		at := uint32(len(c.coords) - 1)
		if w := &c.candidates[i/2]; i%2 == 0 {
			c.begins.items[i/2] |= uint64(at) << 32
		} else {
			w.last = at - 1 // behind the last address of all is 0, and so this the highest coordinate
		}
	}
	c.sizes = slices.Grow(c.sizes[:0], len(c.candidates))
	for i := range c.candidates {
		c.sizes = append(c.sizes, c.bounds[2*i+1].Sub(c.bounds[2*i]).Prev())
	}
	size, ordinal := u128.Uint128{}, uint32(0)
	for _, i := range c.sorter.sort128(c.sizes) {
		if c.sizes[i] != size {
			size = c.sizes[i]
			ordinal++
		}
		c.candidates[i].size = ordinal
	}
}
