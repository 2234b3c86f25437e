package connector

import (
	"cmp"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// sorter sorts numbers by dealing them out by one byte after the other, the lowest first, and keeps its memory from one time to the next.
// It passes over bytes that are the same in all numbers. What it returns is good until the next time.
type sorter struct {
	items, spare []uint64 // a number in the upper 32 bits, and its position below
	order        []uint32
}

// fewNumbers is how many are sorted by comparisons.
const fewNumbers = 64

// sort128 returns the positions of numbers of 128 bits in ascending order, equal ones in theirs.
func (s *sorter) sort128(numbers []u128.Uint128) []uint32 {
	n := len(numbers)
	s.items, s.order = slices.Grow(s.items[:0], n)[:n], slices.Grow(s.order[:0], n)[:n]
	for i := range s.order {
		s.order[i] = uint32(i)
	}
	for word := range 4 {
		for i, at := range s.order {
			half := numbers[at].Lo
			if word >= 2 {
				half = numbers[at].Hi
			}
			s.items[i] = half>>(32*(word&1))<<32 | uint64(at)
		}
		s.sort()
		for i, item := range s.items {
			s.order[i] = uint32(item)
		}
	}
	return s.order
}

// sort sorts the items by their upper halves, stable, and returns them.
func (s *sorter) sort() []uint64 {
	n := len(s.items)
	if n <= fewNumbers {
		slices.SortStableFunc(s.items, func(a, b uint64) int { return cmp.Compare(a>>32, b>>32) })
		return s.items
	}
	s.spare = slices.Grow(s.spare[:0], n)[:n]
	var counts [4][256]uint32
	for _, item := range s.items {
		counts[0][byte(item>>32)]++
		counts[1][byte(item>>40)]++
		counts[2][byte(item>>48)]++
		counts[3][byte(item>>56)]++
	}
	for i := range counts {
		shift, places := 32+8*i, &counts[i]
		if int(places[byte(s.items[0]>>shift)]) == n {
			continue
		}
		place := uint32(0)
		for b, count := range places {
			places[b] = place
			place += count
		}
		for _, item := range s.items {
			b := byte(item >> shift)
			s.spare[places[b]] = item
			places[b]++
		}
		s.items, s.spare = s.spare, s.items
	}
	return s.items
}
