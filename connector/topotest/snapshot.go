package topotest

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Snapshot returns the decisions of a topology as cases: for each server and endpoint the longest runs of sources that one connector
// serves, or nobody does, and the doubt. Together they are about every source of every endpoint, so [Changed] tells exactly
// what a later topology decides otherwise. The cases of an endpoint are a group. The error is that of [connector.Compile].
func Snapshot(t *connector.Topology) ([]Case, error) {
	return cases(t, func(m connector.Match) Case {
		return Case{Want: m.Connector(), Outcome: refusal(m), Doubt: m.Doubt()}
	})
}

// Regions returns a case for each region of a topology: the longest runs of sources for which one range of one connector decides. They
// say by which range, so they also notice what moves nobody. Groups and the error are as those of [Snapshot].
func Regions(t *connector.Topology) ([]Case, error) {
	return cases(t, func(m connector.Match) Case {
		return Case{Want: m.Connector(), By: m.Range(), Outcome: refusal(m), Doubt: m.Doubt()}
	})
}

// refusal returns how a connection is refused, 0 if it is not.
func refusal(m connector.Match) connector.Outcome {
	if m.Outcome() == connector.Selected {
		return 0
	}
	return m.Outcome()
}

// cases makes a case of each run of sources for which of returns the same one.
func cases(t *connector.Topology, of func(connector.Match) Case) ([]Case, error) {
	a, err := newAsker(t)
	if err != nil {
		return nil, err
	}
	var list []Case
	for _, server := range a.x.Servers() {
		for _, local := range a.x.Endpoints(server) {
			var spans []netipx.IPRange
			begin := len(list)
			for _, r := range a.runsAt(server, local) {
				c := of(r.match)
				c.Conn, c.Group = connector.Conn{Server: server, Local: local}, server+" "+local.String()
				if last := len(list) - 1; last >= begin && c == list[last] {
					spans[last-begin] = netipx.IPRangeFrom(spans[last-begin].From(), r.span.To())
					continue
				}
				list, spans = append(list, c), append(spans, r.span)
			}
			for i, s := range spans {
				c := &list[begin+i]
				if s.From() == s.To() {
					c.Conn.Remote = s.From()
					continue
				}
				c.From = rangeList(connector.RangesOf(connector.IPSet(rangeOf(s))))
			}
		}
	}
	return list, nil
}

// rangeOf returns a run of addresses as a range. Runs of an index have valid bounds; one that begins at an IPv4-mapped address, which
// ranges cannot, is not told.
func rangeOf(s netipx.IPRange) connector.Range {
	r, _ := connector.RangeFrom(s.From(), s.To())
	return r
}

// Changed compares a topology with a snapshot and tells exactly the sources that another connector serves now, as
// [connector.Diff] does between two topologies, and those whose answer is in a doubt that it was not in, as [connector.Unsettled] does. Of a
// snapshot only cases count that are about the decision at a certain endpoint of a certain server; sources that it says
// nothing about are not compared, but where it says nothing about an endpoint at all, nobody was served there. The error is that of
// [connector.Compile], or joins a [*connector.ModelError] for each case that cannot be asked.
func Changed(snapshot []Case, t *connector.Topology) (moves, unsettled []connector.Move, err error) {
	a, err := newAsker(t)
	if err != nil {
		return nil, nil, err
	}
	was, err := tableOf(a, snapshot)
	if err != nil {
		return nil, nil, err
	}
	c := &changes{asker: a}
	for _, l := range was.listeners(a.x) {
		c.at(l, was.answers(l))
	}
	return c.moves, c.unsettled, nil
}

// said is a decision of a snapshot about some sources.
type said struct {
	span  netipx.IPRange
	who   connector.ID // the zero ID is "refused"
	doubt connector.Doubt
}

// table is a snapshot by endpoint.
type table struct {
	names map[string]string // of servers, by key
	said  map[place][]said
}

func tableOf(a *asker, snapshot []Case) (*table, error) {
	was := &table{names: make(map[string]string), said: make(map[place][]said)}
	var errs []error
	for _, c := range snapshot {
		err := c.check()
		if err == nil && (c.Flow != nil || c.Findings != nil || !c.Conn.Local.IsValid() || !asked(c.Conn.Server) || c.Want.IsZero() && !c.Refused && c.Outcome <= connector.Selected) {
			continue
		}
		var set *netipx.IPSet
		if err == nil {
			set, _, err = a.sources(c)
		}
		if err != nil {
			errs = append(errs, &connector.ModelError{Source: c.Source, Path: c.Question(), Err: err})
			continue
		}
		p := place{key(c.Conn.Server), c.Conn.Local}
		if was.names[p.server] == "" {
			was.names[p.server] = c.Conn.Server
		}
		for _, s := range spans(set, p.local.Addr().Is4()) {
			was.said[p] = append(was.said[p], said{s, c.Want, c.Doubt})
		}
	}
	return was, errors.Join(errs...)
}

// listeners returns the endpoints of the snapshot and of today, by server and address.
func (was *table) listeners(x *connector.Index) []Listener {
	names := make(map[string]string)
	locals := make(map[string][]netip.AddrPort)
	for k, name := range was.names {
		names[k] = name
	}
	for p := range was.said {
		locals[p.server] = append(locals[p.server], p.local)
	}
	for _, server := range x.Servers() {
		names[key(server)] = server
		locals[key(server)] = append(locals[key(server)], x.Endpoints(server)...)
	}
	var ls []Listener
	for k, list := range locals {
		slices.SortFunc(list, netip.AddrPort.Compare)
		for _, local := range slices.Compact(list) {
			ls = append(ls, Listener{names[k], local})
		}
	}
	slices.SortFunc(ls, func(a, b Listener) int {
		return cmp.Or(connector.ID{Server: a.Server}.Compare(connector.ID{Server: b.Server}), a.Local.Compare(b.Local))
	})
	return ls
}

// answers returns what the snapshot says about an endpoint: if nothing, what it says about the wildcard, which stood for it; if nothing about
// that either, nobody was served.
func (was *table) answers(l Listener) []said {
	wildcard, all := netip.IPv6Unspecified(), everybody[1]
	if l.Local.Addr().Is4() {
		wildcard, all = netip.IPv4Unspecified(), everybody[0]
	}
	for _, local := range []netip.AddrPort{l.Local, netip.AddrPortFrom(wildcard, l.Local.Port())} {
		if list, ok := was.said[place{key(l.Server), local}]; ok {
			slices.SortStableFunc(list, func(a, b said) int { return a.span.From().Compare(b.span.From()) })
			return list
		}
	}
	return []said{{span: all.Span()}}
}

// changes collects what a snapshot and a topology decide differently.
type changes struct {
	*asker
	moves, unsettled []connector.Move
}

// change is what the sources of a Move have in common at one endpoint.
type change struct {
	from, to connector.ID
	doubt    connector.Doubt
	moves    bool
}

// at compares one endpoint.
func (c *changes) at(l Listener, was []said) {
	index := make(map[change]int)
	var list []change
	var sets []*netipx.IPSetBuilder
	for _, s := range was {
		for _, p := range c.cut(nil, l.Server, l.Local, []netipx.IPRange{s.span}) {
			k := change{from: s.who, to: p.match.Connector(), doubt: s.doubt | p.match.Doubt(), moves: true}
			if k.from.Equal(k.to) {
				k.doubt, k.moves = p.match.Doubt()&^s.doubt, false
				if k.doubt == 0 {
					continue
				}
			}
			i, ok := index[k]
			if !ok {
				i = len(list)
				index[k] = i
				list, sets = append(list, k), append(sets, new(netipx.IPSetBuilder))
			}
			sets[i].AddRange(p.span)
		}
	}
	for i, k := range list {
		set, _ := sets[i].IPSet() // valid ranges do not fail
		m := connector.Move{Server: l.Server, Local: l.Local, From: k.from, To: k.to, Addrs: connector.RangesOf(set), Witness: set.Ranges()[0].From(), Doubt: k.doubt}
		if k.moves {
			c.moves = append(c.moves, m)
		} else {
			c.unsettled = append(c.unsettled, m)
		}
	}
}
