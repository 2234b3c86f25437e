package connector

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// Move is a set of sources that another connector serves after a change, at one local endpoint.
type Move struct {
	Server   string
	Local    netip.AddrPort // an entry of [Index.Endpoints] of either index
	From, To ID             // by the names before and after; the zero ID is "refused"
	Addrs    []Range        // exactly the sources that move, in address order
	Witness  netip.Addr     // one of them
	Doubt    Doubt          // of the answer before, the one after, or both
}

// String prints "EX01 0.0.0.0:25: EX01\Relay -> EX01\Default: 10.0.0.7 10.0.0.9, for example 10.0.0.7", and the doubt.
func (m Move) String() string {
	var b strings.Builder
	former := "" // another one can have the name of one that is gone, or has another name now
	if m.From.Equal(m.To) && m.Doubt == 0 {
		former = "the former "
	}
	fmt.Fprintf(&b, "%s %s: %s%s -> %s:", m.Server, m.Local, former, orRefused(m.From), orRefused(m.To))
	for i, r := range m.Addrs {
		if i == mostEntries {
			fmt.Fprintf(&b, " and another %d ranges", len(m.Addrs)-i)
			break
		}
		b.WriteString(" " + r.String())
	}
	fmt.Fprintf(&b, ", for example %s", m.Witness)
	if m.Doubt != 0 {
		fmt.Fprintf(&b, " (doubt: %s)", m.Doubt)
	}
	return b.String()
}

func orRefused(id ID) string {
	if id.IsZero() {
		return "refused"
	}
	return id.String()
}

// Diff returns what moves between two configurations, exactly: a source is in a Move if and only if another connector
// serves it, whatever range it won by. There is one Move for each server, endpoint, pair of connectors and doubt; they are ordered
// by server, endpoint, and first address. The result is empty if and only if every source of every endpoint has the connector it
// had; answers that came into doubt are told by [Unsettled]. It merges the two partitions of each endpoint, so it takes time linear
// in their runs.
func Diff(before, after *Index) []Move { return diff(before, after, nil) }

// Unsettled returns the sources that keep their connector, but whose answer is in a doubt afterwards that it was not in before: they
// may move. From and To are equal, and Doubt is what is new. The order is that of [Diff].
func Unsettled(before, after *Index) []Move {
	return eachMove(before, after, func(b, a Match) (moveKey, bool) {
		k := moveKey{b.Connector(), a.Connector(), a.Doubt() &^ b.Doubt()}
		return k, k.doubt != 0 && k.same()
	})
}

// diff is Diff where connectors may have another name afterwards, which makes no move.
func diff(before, after *Index, renamed map[ID]ID) []Move {
	return eachMove(before, after, func(b, a Match) (moveKey, bool) {
		k := moveKey{b.Connector(), a.Connector(), b.Doubt() | a.Doubt()}
		return k, ChangesHands(k.from, k.to, renamed)
	})
}

// ChangesHands tells whether sources that one connector serves before and another, by the names of then and now, afterwards are served by
// another one: the zero ID is "refused", and renamed is what [Renamed] returns. A connector that is gone serves nobody, whoever has its name.
func ChangesHands(from, to ID, renamed map[ID]ID) bool {
	if now, ok := renamed[from]; ok {
		return now.IsZero() || !now.Equal(to)
	}
	return from != to && !from.Equal(to)
}

// moveKey is what the sources of one Move have in common, beside server and endpoint.
type moveKey struct {
	from, to ID
	doubt    Doubt
}

func (k moveKey) same() bool { return k.from == k.to || k.from.Equal(k.to) }

// eachMove collects the sources that of picks, by endpoint and key.
func eachMove(before, after *Index, of func(b, a Match) (moveKey, bool)) []Move {
	names := append(before.Servers(), after.Servers()...)
	slices.SortStableFunc(names, compareFold)
	names = slices.CompactFunc(names, func(a, b string) bool { return compareFold(a, b) == 0 })
	var moves []Move
	for _, name := range names {
		endpoints := append(before.Endpoints(name), after.Endpoints(name)...)
		slices.SortFunc(endpoints, netip.AddrPort.Compare)
		for _, local := range slices.Compact(endpoints) {
			b, a := before.Listener(name, local).at, after.Listener(name, local).at
			moves = append(moves, movesAt(name, local, b, a, of)...)
		}
	}
	return moves
}

func movesAt(server string, local netip.AddrPort, before, after *listener, of func(b, a Match) (moveKey, bool)) []Move {
	type set struct {
		key    moveKey
		ranges []netipx.IPRange
	}
	var sets []set // by first address
	at := make(map[moveKey]int)
	pairs := make(map[[2]decision]int) // the set of each pair that of has told about, -1 for none: names are compared once
	setOf := func(b, a Match) int {
		pair := [2]decision{b.d.served(), a.d.served()}
		i, known := pairs[pair]
		if !known {
			i = -1
			if k, ok := of(b, a); ok {
				if i, ok = at[k]; !ok {
					i = len(sets)
					sets = append(sets, set{key: k})
					at[k] = i
				}
			}
			pairs[pair] = i
		}
		return i
	}
	eachPair(before, after, func(r netipx.IPRange, b, a Match) bool {
		i := setOf(b, a)
		if i < 0 {
			return true
		}
		ranges := sets[i].ranges
		if last := len(ranges) - 1; last >= 0 && ranges[last].To().Next() == r.From() { // runs come in address order
			ranges[last] = netipx.IPRangeFrom(ranges[last].From(), r.To())
		} else {
			sets[i].ranges = append(ranges, r)
		}
		return true
	})
	var moves []Move
	for _, s := range sets {
		moves = append(moves, Move{server, local, s.key.from, s.key.to, rangesFrom(s.ranges), s.ranges[0].From(), s.key.doubt})
	}
	return moves
}

// Pairs yields the longest runs of remote addresses that get one answer before and one after at a local endpoint, in address order: the
// whole address space of its family, what stays as it is included.
func Pairs(before, after *Index, server string, local netip.AddrPort) iter.Seq2[netipx.IPRange, [2]Match] {
	b, a := before.Listener(server, local), after.Listener(server, local)
	return func(yield func(netipx.IPRange, [2]Match) bool) {
		if b.at != before.invalid.v4 {
			eachPair(b.at, a.at, func(r netipx.IPRange, b, a Match) bool { return yield(r, [2]Match{b, a}) })
		}
	}
}

// eachPair yields the common refinement of two partitions of one family, in address order, until yield returns false.
func eachPair(before, after *listener, yield func(r netipx.IPRange, b, a Match) bool) {
	i, j := 0, 0
	_, endB, b := before.run(i)
	_, endA, a := after.run(j)
	for from := (u128.Uint128{}); ; {
		// from is the start of a common run, in which b and a hold.
		to := endB
		if endA.Less(endB) {
			to = endA
		}
		if !yield(netipx.IPRangeFrom(from.Addr(before.v4), to.Addr(before.v4)), b, a) || to == highest(before.v4) {
			return
		}
		from = to.Next()
		if to == endB {
			i++
			_, endB, b = before.run(i)
		}
		if to == endA {
			j++
			_, endA, a = after.run(j)
		}
	}
}

// WhatIf returns what moves if the changes are made to t one after the other: nothing where a connector only gets another name. That
// the cmdlets accept the changes is not asked, see [Topology.ValidateAll]. The errors are those of [Compile] and [Topology.Apply].
func WhatIf(t *Topology, changes ...Change) ([]Move, error) {
	before, err := Compile(t)
	if err != nil {
		return nil, err
	}
	next, err := t.Apply(changes...)
	if err != nil {
		return nil, err
	}
	after, err := Compile(next)
	if err != nil {
		return nil, err
	}
	return diff(before, after, Renamed(changes...)), nil
}

// Renamed returns what becomes of the connectors that the changes, one after the other, give another name or take away, by the ID that
// each had: the ID it has at last, the zero ID if it is gone. Where one that is gone has left its name to one that the changes create,
// the two count as the same connector, and are not among them.
func Renamed(changes ...Change) map[ID]ID {
	type fate struct{ was, is ID } // a zero was: created by the changes
	var fates []fate
	of := func(is func(fate) bool) int { return slices.IndexFunc(fates, is) }
	for _, c := range changes {
		if c.Before == nil {
			if c.After == nil {
				continue
			}
			fates = append(fates, fate{is: c.After.ID})
			continue
		}
		i := of(func(f fate) bool { return f.is.Equal(c.Target) })
		if i < 0 {
			fates = append(fates, fate{was: c.Before.ID})
			i = len(fates) - 1
		}
		if fates[i].is = (ID{}); c.After != nil {
			fates[i].is = c.After.ID
		}
	}
	renamed := make(map[ID]ID)
	for _, f := range fates {
		anew := f.is.IsZero() && of(func(o fate) bool { return o.was.IsZero() && o.is.Equal(f.was) }) >= 0
		if !f.was.IsZero() && !f.was.Equal(f.is) && !anew {
			renamed[f.was] = f.is
		}
	}
	return renamed
}
