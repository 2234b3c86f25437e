package smtplog

import (
	"cmp"
	"hash/fnv"
	"maps"
	"math"
	"slices"
)

// sample is a map that keeps a limited number of entries: those whose keys have the lowest hashes. Whatever the order in which entries
// came, and whatever samples were merged on the way, the same keys are left, and what was added to them is complete: a key that was once
// too many stays so, because the bound only falls.
type sample[K comparable, V any] struct {
	entries map[K]V
	limit   int
	key     func(K) []byte // what the hash is of
	dropped func(V)        // is told what is given up
	bound   uint64         // keys whose hash is above are too many
}

func newSample[K comparable, V any](limit int, key func(K) []byte, dropped func(V)) *sample[K, V] {
	return &sample[K, V]{entries: make(map[K]V), limit: limit, key: key, dropped: dropped, bound: math.MaxUint64}
}

func (s *sample[K, V]) hash(k K) uint64 {
	h := fnv.New64a()
	h.Write(s.key(k)) // which never fails
	const mix = 0x9e3779b97f4a7c15
	x := h.Sum64()
	x = (x ^ x>>32) * mix
	return x ^ x>>29
}

// get returns the entry of a key, which make makes; false if it is one too many.
func (s *sample[K, V]) get(k K, make func() V) (V, bool) {
	if v, ok := s.entries[k]; ok {
		return v, true
	}
	if s.bound != math.MaxUint64 && s.hash(k) > s.bound {
		var none V
		return none, false
	}
	v := make()
	s.entries[k] = v
	if len(s.entries) > s.limit+s.limit/4 {
		s.trim()
	}
	v, ok := s.entries[k]
	return v, ok
}

// lower gives up what another sample gave up.
func (s *sample[K, V]) lower(bound uint64) {
	if bound >= s.bound {
		return
	}
	s.bound = bound
	for k, v := range s.entries {
		if s.hash(k) > bound {
			delete(s.entries, k)
			s.dropped(v)
		}
	}
}

// restore sets the bound to one that was saved. It tells whether it can be that of the entries.
func (s *sample[K, V]) restore(bound *uint64) bool {
	if bound == nil || *bound != math.MaxUint64 && len(s.entries) < s.limit {
		return false
	}
	for k := range s.entries {
		if s.hash(k) > *bound {
			return false
		}
	}
	s.bound = *bound
	return true
}

// trim leaves no more than the limit.
func (s *sample[K, V]) trim() {
	if len(s.entries) <= s.limit {
		return
	}
	type ranked struct {
		hash uint64
		key  K
	}
	all := make([]ranked, 0, len(s.entries))
	for k := range s.entries {
		all = append(all, ranked{s.hash(k), k})
	}
	slices.SortFunc(all, func(a, b ranked) int { return cmp.Compare(a.hash, b.hash) })
	for _, r := range all[s.limit:] {
		if r.hash > all[s.limit-1].hash { // keys of one hash stay together
			v := s.entries[r.key]
			delete(s.entries, r.key)
			s.dropped(v)
		}
	}
	s.bound = all[s.limit-1].hash
}

// sorted trims and returns the keys in order.
func (s *sample[K, V]) sorted(compare func(a, b K) int) []K {
	s.trim()
	return slices.SortedFunc(maps.Keys(s.entries), compare)
}
