package connector

import (
	"math/bits"
	"net/netip"
	"slices"
	"sort"
)

// conflictingRanges returns a range of each list that overlap without one containing the other, or, if equal ones count, that hold the same
// addresses: of the first of a's ranges that conflicts with one of b's. Only ranges of one family are looked at. O(n log n).
func conflictingRanges(a, b []Range, v4, equal bool) (ra, rb Range, ok bool) {
	same := make(map[span]Range)
	if equal {
		for _, r := range b {
			if s := spanOf(r); same[s] == (Range{}) {
				same[s] = r
			}
		}
	}
	over, under := newReach(b, v4, false), newReach(b, v4, true)
	for _, r := range a {
		if r.first.Is4() != v4 {
			continue
		}
		s := spanOf(r)
		if rb, ok = same[s]; ok {
			return r, rb, true
		}
		if rb, ok = over.crossing(s.first, s.last); ok {
			return r, rb, true
		}
		if rb, ok = under.crossing(s.last, s.first); ok {
			return r, rb, true
		}
	}
	return Range{}, Range{}, false
}

// span is what a range means.
type span struct{ first, last netip.Addr }

func spanOf(r Range) span { return span{r.Span().From(), r.Span().To()} }

// reach answers which range begins inside a span and ends behind it:
//
//	span        |---------|
//	crossing         |---------|
//
// Mirrored, it answers which one ends inside and begins before.
type reach struct {
	mirrored bool
	ranges   []reaching // of one family, by near
	far      [][]int    // far[k][i]: which of the 2^k ranges from i on reaches farthest
}

// reaching is a range with its ends as seen from where spans begin.
type reaching struct {
	near, far netip.Addr
	rng       Range
}

func newReach(rs []Range, v4, mirrored bool) *reach {
	x := &reach{mirrored: mirrored}
	for _, r := range rs {
		if r.first.Is4() != v4 {
			continue
		}
		s := spanOf(r)
		if mirrored {
			s.first, s.last = s.last, s.first
		}
		x.ranges = append(x.ranges, reaching{s.first, s.last, r})
	}
	slices.SortStableFunc(x.ranges, func(a, b reaching) int { return x.compare(a.near, b.near) })
	level := make([]int, len(x.ranges))
	for i := range level {
		level[i] = i
	}
	for width := 1; len(level) > 0; width *= 2 {
		x.far = append(x.far, level)
		var next []int
		for i := 0; i+width < len(level); i++ {
			next = append(next, x.farther(level[i], level[i+width]))
		}
		level = next
	}
	return x
}

// compare orders addresses in the direction of the spans.
func (x *reach) compare(a, b netip.Addr) int {
	if x.mirrored {
		return b.Compare(a)
	}
	return a.Compare(b)
}

func (x *reach) farther(i, j int) int {
	if x.compare(x.ranges[i].far, x.ranges[j].far) < 0 {
		return j
	}
	return i
}

// crossing returns the range that begins behind from, not behind to, and reaches farthest, if that is behind to.
func (x *reach) crossing(from, to netip.Addr) (Range, bool) {
	low, high := x.behind(from), x.behind(to)
	if low >= high {
		return Range{}, false
	}
	k := bits.Len(uint(high-low)) - 1
	r := x.ranges[x.farther(x.far[k][low], x.far[k][high-1<<k])]
	return r.rng, x.compare(r.far, to) > 0
}

// behind returns the position of the first range that begins behind a.
func (x *reach) behind(a netip.Addr) int {
	return sort.Search(len(x.ranges), func(i int) bool { return x.compare(x.ranges[i].near, a) > 0 })
}
