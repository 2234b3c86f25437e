package connector

import (
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// Move is a set of sources that another connector serves after a change, at one local endpoint.
type Move struct {
	Server   string
	Local    netip.AddrPort // an entry of [Index.Endpoints] of either index
	From, To ID             // the zero ID is "refused"
	Addrs    []Range        // exactly the sources that move, in address order
	Witness  netip.Addr     // one of them
}

// Diff returns what moves between two configurations, exactly: a source is in a Move if and only if another connector
// serves it, whatever range it won by. The order is by server, endpoint, and first address. The result is empty if and
// only if every source of every endpoint has the connector it had. It merges the two partitions of each endpoint, so it
// takes time linear in their runs.
func Diff(before, after *Index) []Move {
	names := append(before.Servers(), after.Servers()...)
	slices.SortStableFunc(names, compareFold)
	names = slices.CompactFunc(names, func(a, b string) bool { return compareFold(a, b) == 0 })
	var moves []Move
	for _, name := range names {
		endpoints := append(before.Endpoints(name), after.Endpoints(name)...)
		slices.SortFunc(endpoints, netip.AddrPort.Compare)
		for _, local := range slices.Compact(endpoints) {
			b, a := before.Listener(name, local).runs(local), after.Listener(name, local).runs(local)
			moves = append(moves, diffEndpoint(name, local, b, a)...)
		}
	}
	return moves
}

func diffEndpoint(server string, local netip.AddrPort, before, after *partition) []Move {
	type sides struct{ from, to ID }
	var order []sides
	sets := make(map[sides]*netipx.IPSetBuilder)
	witness := make(map[sides]netip.Addr)
	eachPair(before, after, func(r netipx.IPRange, b, a Match) {
		if b.Connector().Equal(a.Connector()) {
			return
		}
		k := sides{b.Connector(), a.Connector()}
		if sets[k] == nil {
			sets[k] = new(netipx.IPSetBuilder)
			witness[k] = r.From()
			order = append(order, k)
		}
		sets[k].AddRange(r)
	})
	var moves []Move
	for _, k := range order {
		set, err := sets[k].IPSet()
		if err != nil {
			panic("connector: a valid range was refused by netipx: " + err.Error())
		}
		moves = append(moves, Move{server, local, k.from, k.to, RangesOf(set), witness[k]})
	}
	return moves
}

// eachPair yields the common refinement of two partitions of one family, in address order.
func eachPair(before, after *partition, yield func(r netipx.IPRange, b, a Match)) {
	i, j := 0, 0
	for from := before.starts[0]; ; {
		// from is the start of a common run: before.at[i] and after.at[j] hold there.
		to := lastOf(from)
		nextB, nextA := i+1 < len(before.starts), j+1 < len(after.starts)
		if nextB {
			to = before.starts[i+1].Prev()
		}
		if nextA && after.starts[j+1].Prev().Less(to) {
			to = after.starts[j+1].Prev()
		}
		yield(netipx.IPRangeFrom(from, to), before.at[i], after.at[j])
		from = to.Next()
		if !from.IsValid() {
			return
		}
		if nextB && before.starts[i+1] == from {
			i++
		}
		if nextA && after.starts[j+1] == from {
			j++
		}
	}
}

// WhatIf returns what moves if the changes are made to t. The errors are those of [Compile] and [Topology.Apply].
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
	return Diff(before, after), nil
}
