// Package lookup finds the run that an address lies in. Runs cut the addresses of one family into pieces without a gap, and each has an
// identification, a word of the caller's.
//
// A table is a sorted array of where runs begin, which is all that a few runs need: branch-free binary search, in IPv4 without a loop even.
// Where there are more, nodes of 256 slots stand before it, one byte of the address each, from the top:
//
//	10.1.2.3      node --10--> node --1--> node --2--> marks --3--> run        IPv4
//	                 \             \           \
//	                  '--11--> run  '--> run    '--> run         where no run begins inside
//
//	2001:db8::5   node --20--> node --01--> node --0d--> ... --> window of 2^k runs, searched by halves        IPv6
//
// A slot has a node if many runs begin inside what it stands for; marks, in IPv4, if only the last byte is left: a bit for each of the
// 256 addresses at which a run begins, so that counting the bits up to an address tells the run; else a window of the array. Nodes and marks
// are made for as many slots as the memory allows that [New4] and [New6] promise, first where they save most.
package lookup

import (
	"math/bits"
	"net/netip"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// Table is a set of runs ready to be asked. It never changes, and is safe for concurrent use.
type Table struct {
	v4      bool
	runs    int
	slots   []slot         // nodes of fanOut slots, the root's first; none if there are few runs
	marks   []marks        // of IPv4
	starts4 []uint32       // the runs' first addresses, of IPv4
	starts6 []u128.Uint128 // and of IPv6
	ids     []uint64       // of the runs

	// Few runs are made up to fewRuns: by runs that begin at the last address of all and have the identification of the last run.
}

// slot is where a search goes on, in one word:
//
//	1 | position of the first slot of a node, or where only the last byte of IPv4 is left of marks
//	0 | k, 6 bits | position of the first of a window of 2^k runs, 25 bits
type slot uint32

const (
	deeper       slot = 1 << 31
	positionBits      = 25
	single       slot = 1 << positionBits // windows of one run are below
	fanOut            = 256
)

func (s slot) next() uint32 { return uint32(s &^ deeper) }

// marks tells at which of 256 addresses runs begin, except the first address.
type marks struct {
	has   [fanOut / 64]uint64
	below [fanOut / 64]uint8 // how many bits are set in the words before
	run   uint32             // the run that the first address lies in
}

func (m *marks) find(last byte) int {
	word := last / 64
	return int(m.run) + int(m.below[word]) + bits.OnesCount64(m.has[word]<<(63-last%64))
}

// Find returns the identification of the run that an address lies in, other if it is not of the table's family. An IPv4-mapped address
// counts as IPv4, zones are ignored. It does not allocate.
func (t *Table) Find(a netip.Addr, other uint64) uint64 {
	if !t.v4 {
		if !a.Is6() || a.Is4In6() {
			return other
		}
		return t.ids[t.find6(a)]
	}
	if !a.Is4() {
		if !a.Is4In6() {
			return other
		}
		a = a.Unmap()
	}
	x := u128.Of4(a)
	if len(t.slots) == 0 {
		starts := (*[fewRuns]uint32)(t.starts4)
		at := 8 * notAbove4(starts[8], x)
		at += 4 * notAbove4(starts[at+4], x)
		at += 2 * notAbove4(starts[(at+2)%fewRuns], x)
		at += notAbove4(starts[(at+1)%fewRuns], x)
		return t.ids[at]
	}
	s := t.slots[x>>24]
	if s >= deeper {
		if s = t.slots[s.next()+x>>16&0xff]; s >= deeper {
			s = t.slots[s.next()+x>>8&0xff]
			// Where it goes on is a matter of chance, so both ways are gone, without a branch.
			m := slot(int32(s) >> 31)
			v := slot(t.marks[s.next()&uint32(m)].find(byte(x)))
			s ^= (s ^ v) & m
		}
	}
	if s < single {
		return t.ids[s]
	}
	first, n := s.window(t.runs)
	for n > 1 {
		half := n / 2
		first += half & -notAbove4(t.starts4[first+half], x)
		n -= half
	}
	return t.ids[first]
}

// notAbove4 returns 1 if start is not above x, else 0, without a branch.
func notAbove4(start, x uint32) uint { return uint((uint64(x)-uint64(start))>>63 ^ 1) }

func (t *Table) find6(a netip.Addr) uint {
	x := u128.Of6(a)
	if len(t.slots) == 0 {
		starts := (*[fewRuns]u128.Uint128)(t.starts6)
		at := 8 * notAbove6(starts[8], x)
		at += 4 * notAbove6(starts[at+4], x)
		at += 2 * notAbove6(starts[(at+2)%fewRuns], x)
		at += notAbove6(starts[(at+1)%fewRuns], x)
		return at
	}
	s := deeper
	for shift := 56; s >= deeper; shift -= 8 {
		s = t.slots[s.next()+uint32(byte(x.Hi>>(shift&63)))]
	}
	if s < single {
		return uint(s)
	}
	first, n := s.window(t.runs)
	for n > 1 {
		half := n / 2
		first += half & -notAbove6(t.starts6[first+half], x)
		n -= half
	}
	return first
}

// notAbove6 is notAbove4 for IPv6.
func notAbove6(start, x u128.Uint128) uint { return uint(1 - x.Borrow(start)) }

// window returns the runs of a slot, of which the first begins at or before every address that comes to it.
func (s slot) window(runs int) (first, n uint) {
	first = uint(s & (single - 1))
	return first, min(1<<(s>>positionBits&31), uint(runs)-first)
}

// Len returns the number of runs.
func (t *Table) Len() int { return t.runs }

// Run returns the first address of the i-th run, as a number, and its identification.
func (t *Table) Run(i int) (start u128.Uint128, id uint64) {
	if t.v4 {
		return u128.Uint128{Lo: uint64(t.starts4[i])}, t.ids[i]
	}
	return t.starts6[i], t.ids[i]
}

// Bytes returns how much memory the table takes, beside the fixed size of a Table.
func (t *Table) Bytes() int {
	return 4*cap(t.slots) + 40*cap(t.marks) + 4*cap(t.starts4) + 16*cap(t.starts6) + 8*cap(t.ids)
}
