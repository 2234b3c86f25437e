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

// editing is a connector whose list of ranges is tried otherwise, beside the other connectors of its server, as far as these have ranges at
// the addresses that the edit is about.
type editing struct {
	pass      *Pass
	connector connector.ReceiveConnector
	about     []netipx.IPRange // sorted, and apart
	around    *connector.Topology
	x         *connector.Index // of the server as it is
}

// edit prepares trying other ranges for a connector; whatever is tried must hold the same addresses outside of some.
func (p *Pass) edit(c connector.ReceiveConnector, about *netipx.IPSet) *editing {
	e := &editing{pass: p, connector: c, about: about.Ranges(), around: p.only(p.Server)}
	e.around.Connectors = slices.Clone(e.around.Connectors)
	for i := range e.around.Connectors {
		o := &e.around.Connectors[i]
		o.RemoteIPRanges = relevant(o.RemoteIPRanges, e.about)
	}
	e.x = mustCompile(e.around)
	return e
}

// relevant returns the ranges that hold some of the addresses of a sorted list.
func relevant(rs []connector.Range, about []netipx.IPRange) (some []connector.Range) {
	for _, r := range rs {
		s := r.Span()
		i, _ := slices.BinarySearchFunc(about, s.From(), func(a netipx.IPRange, from netip.Addr) int { return a.To().Compare(from) })
		if i < len(about) && about[i].From().Compare(s.To()) <= 0 {
			some = append(some, r)
		}
	}
	return some
}

// moved returns the sources that get another connector, or come into doubt, if the connector lists other ranges.
func (e *editing) moved(rs []connector.Range) *netipx.IPSet {
	after := *e.around
	after.Connectors = slices.Clone(e.around.Connectors)
	i := slices.IndexFunc(after.Connectors, func(o connector.ReceiveConnector) bool { return o.ID.Equal(e.connector.ID) })
	after.Connectors[i].RemoteIPRanges = relevant(rs, e.about)
	y := mustCompile(&after)
	var b netipx.IPSetBuilder
	for _, m := range append(connector.Diff(e.x, y), connector.Unsettled(e.x, y)...) {
		for _, r := range m.Addrs {
			b.AddRange(r.Span())
		}
	}
	set, _ := b.IPSet() // valid ranges do not fail
	return set
}

// settle edits the ranges as far as that moves no source and, if it makes ranges that were not there, the cmdlets accept it: list is told
// which addresses its last list moved, at first none, and asked for another one until nothing moves. It returns the list, nil if
// there is none that is shorter than the one there is.
func (e *editing) settle(makes bool, list func(moved *netipx.IPSet) []connector.Range) []connector.Range {
	moved := &netipx.IPSet{}
	for length := 0; ; {
		rs := list(moved)
		if len(rs) >= len(e.connector.RemoteIPRanges) || len(rs) <= length {
			return nil // or nothing was given back for what moved
		}
		length = len(rs)
		moved = e.moved(rs)
		if makes {
			moved = union(moved, connector.IPSet(refusedRanges(e.pass.only(e.pass.Server), e.connector, rs)...))
		}
		if isEmpty(moved) {
			return rs
		}
	}
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
