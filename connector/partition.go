package connector

import (
	"cmp"
	"math/bits"
	"net/netip"
	"slices"
)

// candidate is a range that competes at one endpoint.
type candidate struct {
	rank
	first, last netip.Addr
}

// cut sweeps over the candidates' bounds and returns the partition of the family that starts at lowest. decide is asked
// for every stretch between two bounds, with the winner, nil if no range covers it, and whether another connector ties
// with it. O(n log n).
func cut(lowest netip.Addr, cands []candidate, decide func(w *candidate, tie bool) Match) partition {
	slices.SortFunc(cands, func(a, b candidate) int { return compareRank(a.rank, b.rank) })

	// Behind blockEnd[i] the candidates are of another connector or of another visible rank than i.
	blockEnd := make([]int, len(cands))
	for i := len(cands) - 1; i >= 0; i-- {
		blockEnd[i] = i + 1
		if i+1 < len(cands) && cands[i+1].connector == cands[i].connector && compareVisible(cands[i+1].rank, cands[i].rank) == 0 {
			blockEnd[i] = blockEnd[i+1]
		}
	}

	type bound struct {
		at     netip.Addr
		cand   int
		leaves bool
	}
	bounds := make([]bound, 0, 2*len(cands))
	for i, c := range cands {
		bounds = append(bounds, bound{c.first, i, false})
		if after := c.last.Next(); after.IsValid() {
			bounds = append(bounds, bound{after, i, true})
		}
	}
	slices.SortFunc(bounds, func(a, b bound) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.cand, b.cand)) })

	type answer struct {
		winner int
		tie    bool
	}
	known := make(map[answer]Match)
	active := newRankSet(len(cands))
	p := partition{}
	settle := func(at netip.Addr) {
		a := answer{winner: active.next(0)}
		if a.winner >= 0 {
			other := active.next(blockEnd[a.winner])
			a.tie = other >= 0 && compareVisible(cands[other].rank, cands[a.winner].rank) == 0
		}
		m, ok := known[a]
		if !ok {
			var w *candidate
			if a.winner >= 0 {
				w = &cands[a.winner]
			}
			m = decide(w, a.tie)
			known[a] = m
		}
		if n := len(p.at); n == 0 || p.at[n-1] != m {
			p.starts = append(p.starts, at)
			p.at = append(p.at, m)
		}
	}
	if len(bounds) == 0 || bounds[0].at != lowest {
		settle(lowest)
	}
	for i, b := range bounds {
		if b.leaves {
			active.remove(b.cand)
		} else {
			active.add(b.cand)
		}
		if i+1 == len(bounds) || bounds[i+1].at != b.at {
			settle(b.at)
		}
	}
	return p
}

// rankSet is a set of small numbers that finds its least member above a bound in O(log n): a tree of 64-way words.
//
//	levels[0]  one bit for each number
//	levels[1]  one bit for each word of levels[0]: set unless that word is zero
//	...        up to a level of one word
type rankSet struct{ levels [][]uint64 }

func newRankSet(n int) rankSet {
	var s rankSet
	for words := (n + 63) / 64; ; words = (words + 63) / 64 {
		s.levels = append(s.levels, make([]uint64, max(words, 1)))
		if words <= 1 {
			return s
		}
	}
}

func (s rankSet) add(i int) {
	for _, level := range s.levels {
		level[i/64] |= 1 << (i % 64)
		i /= 64
	}
}

func (s rankSet) remove(i int) {
	for _, level := range s.levels {
		level[i/64] &^= 1 << (i % 64)
		if level[i/64] != 0 {
			return
		}
		i /= 64
	}
}

// next returns the least member that is i or above, -1 if there is none.
func (s rankSet) next(i int) int {
	for up := range s.levels {
		if i/64 >= len(s.levels[up]) {
			return -1
		}
		if word := s.levels[up][i/64] >> (i % 64); word != 0 {
			i += bits.TrailingZeros64(word)
			for down := up - 1; down >= 0; down-- {
				i = i*64 + bits.TrailingZeros64(s.levels[down][i])
			}
			return i
		}
		i = i/64 + 1
	}
	return -1
}
