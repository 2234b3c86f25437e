package lookup

import (
	"math"
	"math/bits"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// What nodes and marks may take: so many bytes for each run; where runs are few more, but not more than a first-level cache has.
const (
	bytesPerRun    = 8
	bytesPerFewRun = 256
	bytesOfFewRuns = 32 << 10
)

// allowance is what nodes and marks may take for so many runs.
func allowance(runs int) int { return max(bytesPerRun*runs, min(bytesPerFewRun*runs, bytesOfFewRuns)) }

const (
	nodeBytes  = 4 * fanOut
	marksBytes = 40
	// Up to so many runs a search by halves is as fast, measured: of all, and of those inside one slot.
	fewRuns        = 16  // in four steps
	fewRuns4       = 1   // for marks come at last
	fewRunsOfByte6 = 512 // of the first byte: for the next nodes only repeat what all addresses of an organization begin with
	fewRuns6       = 64
)

// New4 returns the table of runs of IPv4, which begin at starts: 0, and ascending; ids are as many. It keeps neither slice. The table takes
// 20 bytes a run at most; or 12 and 32 KB, or 268, if that is more. It takes time linear in the runs.
func New4(starts []uint32, ids []uint64) *Table {
	t := &Table{v4: true, runs: len(starts)}
	t.starts4, t.ids = filled(starts, math.MaxUint32), filled(ids, ids[len(ids)-1])
	t.build()
	return t
}

// New6 is New4 for IPv6, with 12 bytes a run more.
func New6(starts []u128.Uint128, ids []uint64) *Table {
	t := &Table{runs: len(starts)}
	t.starts6, t.ids = filled(starts, u128.Uint128{Hi: math.MaxUint64, Lo: math.MaxUint64}), filled(ids, ids[len(ids)-1])
	t.build()
	return t
}

// filled returns a copy that is made up to fewRuns.
func filled[T any](s []T, with T) []T {
	s = append(make([]T, 0, max(len(s), fewRuns)), s...)
	for len(s) < fewRuns {
		s = append(s, with)
	}
	return s
}

func (t *Table) build() {
	if t.runs <= fewRuns {
		return
	}
	b := builder{table: t, left: allowance(t.runs)}
	b.build()
	if t.marks == nil {
		t.marks = make([]marks, 1) // that a search may look at, to throw away what it finds
	}
	t.slots, t.marks = slices.Clone(t.slots), slices.Clone(t.marks)
}

type builder struct {
	table   *Table
	left    int        // bytes that nodes and marks may still take
	waiting [32][]part // that have a window as yet, by the bits of what a node or marks would save
}

// part is what one slot stands for: all addresses that begin like lowest, but for so many low bits.
type part struct {
	slot   int    // position in the table's slots; -1 is the root
	lowest uint64 // the first 64 bits, in IPv6 all 64 behind them are zero
	bits   int    // of the first 64
	first  int    // the run that lowest lies in
	runs   int    // that and those that begin inside
}

func (b *builder) build() {
	b.left -= nodeBytes
	b.split(part{slot: -1, bits: 64, runs: b.table.runs})
	for saves := len(b.waiting) - 1; saves >= 0; {
		n := len(b.waiting[saves])
		if n == 0 {
			saves--
			continue
		}
		p := b.waiting[saves][n-1]
		b.waiting[saves] = b.waiting[saves][:n-1]
		if cost := b.cost(p); cost <= b.left {
			b.left -= cost
			b.split(p)
			saves = len(b.waiting) - 1
		}
	}
}

// add gives a part its window, and lets it wait for more.
func (b *builder) add(p part) {
	b.set(p, slot(bits.Len(uint(p.runs-1))<<positionBits|p.first))
	few := fewRuns6
	switch {
	case b.table.v4:
		few = fewRuns4
	case p.bits == 56:
		few = fewRunsOfByte6
	}
	if p.runs > few && p.bits > 0 {
		saves := bits.Len(uint(p.runs * nodeBytes / b.cost(p)))
		b.waiting[saves] = append(b.waiting[saves], p)
	}
}

func (b *builder) set(p part, s slot) {
	if p.slot >= 0 {
		b.table.slots[p.slot] = s
	}
}

// isLast tells whether the last byte of IPv4 is what a part's slot leaves open.
func (b *builder) isLast(p part) bool { return b.table.v4 && p.bits == 40 }

func (b *builder) cost(p part) int {
	if b.isLast(p) {
		return marksBytes
	}
	return nodeBytes
}

// split gives a part a node, with a part for each slot, or marks.
func (b *builder) split(p part) {
	t := b.table
	if b.isLast(p) {
		b.set(p, deeper|slot(len(t.marks)))
		t.marks = append(t.marks, b.marksOf(p))
		return
	}
	node := len(t.slots)
	b.set(p, deeper|slot(node))
	t.slots = append(t.slots, make([]slot, fanOut)...)
	slots := t.slots[node:]
	shift := p.bits - 8
	slotOf := func(run int) int { return int((b.start(run).Hi - p.lowest) >> shift) }
	run, behind := p.first, p.first+p.runs
	for i := 0; i < fanOut; i++ {
		next := run + 1
		stop := fanOut
		if next < behind {
			stop = slotOf(next)
		}
		for ; i < stop; i++ {
			slots[i] = slot(run)
		}
		if i == fanOut {
			break
		}
		lowest := p.lowest + uint64(i)<<shift
		if b.start(next) == (u128.Uint128{Hi: lowest}) {
			run = next
			next++
		}
		for next < behind && slotOf(next) == i {
			next++
		}
		if next == run+1 {
			slots[i] = slot(run)
		} else {
			b.add(part{node + i, lowest, shift, run, next - run})
		}
		run = next - 1
	}
}

func (b *builder) marksOf(p part) marks {
	m := marks{run: uint32(p.first)}
	for i := p.first + 1; i < p.first+p.runs; i++ {
		last := byte(b.table.starts4[i])
		m.has[last/64] |= 1 << (last % 64)
	}
	for i := 1; i < len(m.has); i++ {
		m.below[i] = m.below[i-1] + uint8(bits.OnesCount64(m.has[i-1]))
	}
	return m
}

// start returns where a run begins, an IPv4 address in the first of its 128 bits.
func (b *builder) start(run int) u128.Uint128 {
	if b.table.v4 {
		return u128.Uint128{Hi: uint64(b.table.starts4[run]) << 32}
	}
	return b.table.starts6[run]
}
