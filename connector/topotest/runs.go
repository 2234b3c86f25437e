package topotest

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// run is sources that get one answer.
type run struct {
	span  netipx.IPRange
	match connector.Match
}

// runsAt returns all sources of the family of an endpoint, by what they get there, in address order.
func (a *asker) runsAt(server string, local netip.AddrPort) []run {
	p := place{key(server), local}
	rs, ok := a.runs[p]
	if !ok {
		for span, m := range a.x.Regions(server, local) {
			rs = append(rs, run{span, m})
		}
		a.runs[p] = rs
	}
	return rs
}

// among returns the addresses that are in a set as well.
func among(rs []netipx.IPRange, set *netipx.IPSet) []netipx.IPRange {
	var b netipx.IPSetBuilder
	for _, r := range rs {
		b.AddRange(r)
	}
	b.Intersect(set)
	common, _ := b.IPSet() // valid ranges do not fail
	return common.Ranges()
}

// spans returns the addresses of one family, in order.
func spans(set *netipx.IPSet, v4 bool) []netipx.IPRange {
	return slices.DeleteFunc(set.Ranges(), func(r netipx.IPRange) bool { return r.From().Is4() != v4 })
}

// apart returns the sources of runs that are not in a set, by who serves them, in the order of their first address. That
// IPv4-mapped IPv6 addresses, which count as IPv4, are not in it does not matter.
func apart(l Listener, runs []run, set *netipx.IPSet) (list []UntouchedAddrs) {
	at := make(map[connector.ID]int)
	var sets []*netipx.IPSetBuilder
	said := set.Ranges()
	for _, r := range runs { // both are in address order
		for len(said) > 0 && said[0].To().Less(r.span.From()) {
			said = said[1:]
		}
		if len(said) > 0 && !r.span.From().Less(said[0].From()) && !said[0].To().Less(r.span.To()) {
			continue
		}
		id := r.match.Connector()
		i, ok := at[id]
		if !ok {
			i = len(list)
			at[id] = i
			list, sets = append(list, UntouchedAddrs{Listener: l, Connector: id}), append(sets, new(netipx.IPSetBuilder))
		}
		sets[i].AddRange(r.span)
	}
	rest := list[:0]
	for i, u := range list {
		sets[i].RemoveSet(set)
		left, _ := sets[i].IPSet() // valid ranges do not fail
		sets[i].RemovePrefix(mapped)
		if real, _ := sets[i].IPSet(); len(real.Ranges()) > 0 {
			u.Addrs = connector.RangesOf(left)
			rest = append(rest, u)
		}
	}
	return rest
}

// mapped is the IPv4-mapped IPv6 addresses.
var mapped = netip.MustParsePrefix("::ffff:0:0/96")
