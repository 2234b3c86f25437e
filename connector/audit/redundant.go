package audit

import (
	"cmp"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// nestedIn tells of each range whether it lies in another one of the list, or equals an earlier one, and whether any does.
func nestedIn(rs []connector.Range) (nested []bool, some bool) {
	nested = make([]bool, len(rs))
	order := make([]int, len(rs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := rs[i].Span(), rs[j].Span()
		return cmp.Or(a.From().Compare(b.From()), b.To().Compare(a.To()), cmp.Compare(i, j))
	})
	var farthest netip.Addr
	for _, i := range order {
		s := rs[i].Span()
		if farthest.IsValid() && farthest.BitLen() == s.To().BitLen() && s.To().Compare(farthest) <= 0 {
			nested[i], some = true, true
			continue
		}
		farthest = s.To()
	}
	return nested, some
}

// unmoved makes an edit of a connector's ranges as far as it moves no source and, if it makes ranges that were not there, the cmdlets accept
// it: edit is told which addresses its last list moved, at first none, and asked for another one until nothing moves. It returns the
// list, nil if edit returns none that is shorter than the one there is.
func (p *Pass) unmoved(c connector.ReceiveConnector, makes bool, edit func(moved *netipx.IPSet) []connector.Range) []connector.Range {
	before := p.only(p.Server)
	x := mustCompile(before)
	moved := &netipx.IPSet{}
	for length := 0; ; {
		rs := edit(moved)
		if len(rs) >= len(c.RemoteIPRanges) || len(rs) <= length {
			return nil // or nothing was given back for what moved
		}
		length = len(rs)
		moved = movedBy(x, before, c, rs)
		if makes {
			moved = union(moved, connector.IPSet(refusedRanges(before, c, rs)...))
		}
		if isEmpty(moved) {
			return rs
		}
	}
}

// movedBy returns the sources that get another connector, or come into doubt, if a connector lists other ranges; x is the index of the
// topology as it is.
func movedBy(x *connector.Index, t *connector.Topology, c connector.ReceiveConnector, rs []connector.Range) *netipx.IPSet {
	after := *t
	after.Connectors = slices.Clone(t.Connectors)
	i := slices.IndexFunc(after.Connectors, func(o connector.ReceiveConnector) bool { return o.ID.Equal(c.ID) })
	after.Connectors[i].RemoteIPRanges = rs
	y := mustCompile(&after)
	var b netipx.IPSetBuilder
	for _, m := range append(connector.Diff(x, y), connector.Unsettled(x, y)...) {
		for _, r := range m.Addrs {
			b.AddRange(r.Span())
		}
	}
	set, _ := b.IPSet() // valid ranges do not fail
	return set
}

// refusedRanges returns the ranges of a new list that the cmdlet would refuse because of those of other connectors.
func refusedRanges(t *connector.Topology, c connector.ReceiveConnector, rs []connector.Range) (refused []connector.Range) {
	err := t.Validate(connector.Edit(c, func(e *connector.ReceiveConnector) { e.RemoteIPRanges = rs }))
	for _, r := range connector.Refusals(err) {
		if r.Rule == connector.RuleRangeConflict {
			refused = append(refused, r.Range)
		}
	}
	return refused
}
