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
			named := list[:begin]
			for i, s := range spans {
				if c, ok := about(list[begin+i], s); ok {
					named = append(named, c)
				}
			}
			list = named
		}
	}
	return list, nil
}

// about returns a case about a run of sources. There is none about IPv4-mapped IPv6 addresses, which count as IPv4.
func about(c Case, s netipx.IPRange) (Case, bool) {
	if s.From() == s.To() && !s.From().Is4In6() {
		c.Conn.Remote = s.From()
		return c, true
	}
	var b netipx.IPSetBuilder
	b.AddRange(s)
	set, _ := b.IPSet() // valid ranges do not fail
	c.From = rangeList(connector.RangesOf(set))
	return c, c.From != ""
}

// Changes is what a topology decides otherwise than a snapshot, by server, endpoint and first address.
type Changes struct {
	Moves     []connector.Move // sources that another connector serves, as of [connector.Diff]
	Unsettled []connector.Move // sources whose answer is in a doubt that it was not in, as of [connector.Unsettled]
	// Unsaid are sources about which the snapshot says nothing, although it says something about others at the endpoint: a part
	// of it is lost.
	Unsaid []UntouchedAddrs
}

// None tells whether nothing is otherwise.
func (c Changes) None() bool { return len(c.Moves)+len(c.Unsettled)+len(c.Unsaid) == 0 }

// Changed compares a topology with a snapshot. What it tells is exact: of what [Snapshot] returned it is what the two topologies decide
// differently. Of other cases those count that want a connector, or that the connection is refused, at a certain endpoint of a certain
// server. An endpoint that the snapshot does not name was served as the wildcard of its family and port, if it names that, else nobody was
// served there. The error is that of [connector.Compile], or joins a [*connector.ModelError] for each case that cannot be asked, or
// contradicts another one.
func Changed(snapshot []Case, t *connector.Topology) (*Changes, error) {
	a, err := newAsker(t)
	if err != nil {
		return nil, err
	}
	was, err := tableOf(a, snapshot)
	if err != nil {
		return nil, err
	}
	c := &comparer{asker: a}
	for _, l := range was.listeners(a.x) {
		c.at(l, was.answers(l))
	}
	return &c.Changes, nil
}

// said is a decision of a snapshot about some sources.
type said struct {
	span  netipx.IPRange
	who   connector.ID // the zero ID is "refused"
	doubt connector.Doubt
	by    *Case
}

// table is a snapshot by endpoint.
type table struct {
	names map[string]string // of servers, by key
	said  map[place][]said
}

func tableOf(a *asker, snapshot []Case) (*table, error) {
	was := &table{names: make(map[string]string), said: make(map[place][]said)}
	var errs []error
	fail := func(c *Case, err error) {
		errs = append(errs, &connector.ModelError{Source: c.Source, Path: c.Question(), Err: err})
	}
	for i := range snapshot {
		c := &snapshot[i]
		if err := c.check(); err != nil {
			fail(c, err)
			continue
		}
		decides := !c.Want.IsZero() || c.Refused || c.Outcome > connector.Selected
		if !decides || !c.Conn.Local.IsValid() || !asked(c.Conn.Server) {
			continue
		}
		var q question
		if err := a.sources(*c, &q); err != nil {
			fail(c, err)
			continue
		}
		p := place{key(c.Conn.Server), netip.AddrPortFrom(c.Conn.Local.Addr().Unmap(), c.Conn.Local.Port())}
		if was.names[p.server] == "" {
			was.names[p.server] = c.Conn.Server
		}
		list := spans(q.sources, p.local.Addr().Is4())
		if len(list) == 0 {
			fail(c, invalid("no address of the client is of the family of the endpoint"))
		}
		for _, s := range list {
			was.said[p] = append(was.said[p], said{s, c.Want, c.Doubt, c})
		}
	}
	for _, list := range was.said {
		slices.SortStableFunc(list, func(a, b said) int { return a.span.From().Compare(b.span.From()) })
		last := 0 // the one that reaches furthest
		for i := 1; i < len(list); i++ {
			a, b := list[last], list[i]
			if !a.span.To().Less(b.span.From()) && (!a.who.Equal(b.who) || a.doubt != b.doubt) {
				fail(b.by, invalid("contradicts "+cmp.Or(a.by.Source.String(), a.by.String())))
			}
			if a.span.To().Less(b.span.To()) {
				last = i
			}
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
	v4 := l.Local.Addr().Is4()
	for _, local := range []netip.AddrPort{l.Local, netip.AddrPortFrom(unspecified(v4), l.Local.Port())} {
		if list, ok := was.said[place{key(l.Server), local}]; ok {
			return list
		}
	}
	all := everybody[1]
	if v4 {
		all = everybody[0]
	}
	return []said{{span: all.Span()}}
}

// comparer collects what a snapshot and a topology decide differently.
type comparer struct {
	*asker
	Changes
}

// change is what the sources of a Move have in common at one endpoint.
type change struct {
	from, to connector.ID
	doubt    connector.Doubt
	moves    bool
}

// at compares one endpoint.
func (c *comparer) at(l Listener, was []said) {
	index := make(map[change]int)
	var list []change
	var sets []*netipx.IPSetBuilder
	var told netipx.IPSetBuilder
	for _, s := range was {
		told.AddRange(s.span)
		for _, p := range c.cut(nil, l.Server, l.Local, []netipx.IPRange{s.span}) {
			k := change{from: s.who, to: p.match.Connector(), doubt: s.doubt | p.match.Doubt(), moves: true}
			if !connector.ChangesHands(k.from, k.to, nil) {
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
			c.Moves = append(c.Moves, m)
		} else {
			c.Unsettled = append(c.Unsettled, m)
		}
	}
	all, _ := told.IPSet() // valid ranges do not fail
	c.Unsaid = append(c.Unsaid, apart(l, c.runsAt(l.Server, l.Local), all)...)
}
