package topotest

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Coverage tells what of a topology cases are about, and what nobody has said anything about.
//
// A case touches a listener and a connector if one of the sources that it asks about connects there, and is served by it. It touches ranges
// and addresses only if it says who serves them, or that nobody does: that they are served, or may not relay, says nothing about who is
// meant to serve whom. A flow is touched by a case about it, or about what comes behind the decision if the sender connects to the target. A
// case that cannot be asked, or is about findings, touches nothing. At loopback addresses only loopback addresses count, because nobody else
// connects there; the connector of mailbox delivery, which is in no configuration, does not count.
type Coverage struct {
	Cases      int                     // that touch something
	Connectors Touched[connector.ID]   // those that serve anybody, in the order of the configuration
	Ranges     Touched[ConnectorRange] // those that decide about anybody, in the order of the configuration
	Listeners  Touched[Listener]       // endpoints at which a connector of the configuration listens, by server
	Flows      Touched[connector.Flow] // those about which receive connectors decide; of the untouched the first 10,000
	Addrs      []UntouchedAddrs        // exactly the sources of listeners about which nothing is said
}

// Touched counts things of one kind.
type Touched[T any] struct {
	Touched, All int
	Untouched    []T
}

// Percent returns how much is touched, rounded down, so that 100 means all; 100 if there is nothing to touch.
func (t Touched[T]) Percent() int { return percent(t.Touched, t.All) }

func percent(touched, all int) int {
	if all == 0 {
		return 100
	}
	return touched * 100 / all
}

// ConnectorRange is an entry of RemoteIPRanges, as it stands there.
type ConnectorRange struct {
	Connector connector.ID
	Range     connector.Range
}

// Listener is a local endpoint of a server that needs an answer of its own, see [connector.Index.Endpoints].
type Listener struct {
	Server string
	Local  netip.AddrPort
}

// UntouchedAddrs are sources that get one answer at a listener, and about which nothing is said.
type UntouchedAddrs struct {
	Listener
	Connector connector.ID // that serves them; the zero ID: nobody does
	Addrs     []connector.Range
}

// Percent returns the mean of the percentages of connectors, ranges, listeners and flows, of those kinds that there are, so that each counts the
// same however many there are of it; it is rounded down, so that 100 means all. A topology about which there is no case is untested: 0.
func (c *Coverage) Percent() int {
	if c.Cases == 0 {
		return 0
	}
	sum, kinds := 0.0, 0
	all := true
	for _, n := range [][2]int{{c.Connectors.Touched, c.Connectors.All}, {c.Ranges.Touched, c.Ranges.All}, {c.Listeners.Touched, c.Listeners.All}, {c.Flows.Touched, c.Flows.All}} {
		if n[1] > 0 {
			sum += float64(n[0]) / float64(n[1])
			kinds++
			all = all && n[0] == n[1]
		}
	}
	if kinds == 0 {
		return 0
	}
	if all {
		return 100
	}
	return min(99, int(100*sum/float64(kinds)))
}

// mostFlows is how many flows are listed: a thousand servers have millions.
const mostFlows = 10_000

// Cover tells what of a topology the cases are about, whether or not they hold. The error is that of [connector.Compile].
func Cover(t *connector.Topology, cases []Case) (*Coverage, error) {
	a, err := newAsker(t)
	if err != nil {
		return nil, err
	}
	c := &coverer{asker: a, said: make(map[place]*netipx.IPSetBuilder), heard: make(map[place]bool), connectors: make(map[connector.ID]bool),
		ranges: make(map[ConnectorRange]bool), flows: newFlowIndex(), touching: make(map[int]bool), pairs: make(map[pair][]contact)}
	for _, one := range cases {
		c.touch(one)
	}
	return c.coverage(), nil
}

// coverer notes what cases touch. IDs are keys.
type coverer struct {
	*asker
	cases      int
	said       map[place]*netipx.IPSetBuilder // the sources of whom it is said who serves them
	heard      map[place]bool
	connectors map[connector.ID]bool
	ranges     map[ConnectorRange]bool
	flows      *flowIndex
	touching   map[int]bool       // the questions about flows that touch one
	pairs      map[pair][]contact // of cases about what comes behind the decision
}

// contact is what connects to a port of a server.
type contact struct {
	port uint16
	kind connector.PeerKind
}

func (c *coverer) touch(one Case) {
	if one.check() != nil || one.Findings != nil {
		return
	}
	if one.Flow != nil {
		c.flows.add(*one.Flow)
		return
	}
	q, err := c.question(one)
	if err != nil {
		return
	}
	ps, err := c.pieces(one, q)
	if err != nil {
		return
	}
	touches := false
	for _, p := range ps {
		if p.match.Outcome() == connector.NotListening || p.match.Outcome() == connector.UnknownServer || c.isImplicit(p.server, p.local) {
			continue
		}
		touches = true
		if to := (pair{q.from, key(p.server)}); q.from != "" && one.follows() && !p.local.Addr().IsLoopback() {
			if one := (contact{p.local.Port(), q.peer.Kind}); !slices.Contains(c.pairs[to], one) {
				c.pairs[to] = append(c.pairs[to], one)
			}
		}
		at := place{key(p.server), c.endpoint(p.server, p.local)}
		c.heard[at] = true
		id := p.match.Connector().Key()
		if p.match.Outcome() == connector.Selected {
			c.connectors[id] = true
		}
		if one.says() {
			if c.said[at] == nil {
				c.said[at] = new(netipx.IPSetBuilder)
			}
			c.said[at].AddRange(p.span)
			c.ranges[ConnectorRange{id, p.match.Range()}] = true
		}
	}
	if touches {
		c.cases++
	}
}

// endpoint returns the entry of [connector.Index.Endpoints] that answers at a local address.
func (c *coverer) endpoint(server string, local netip.AddrPort) netip.AddrPort {
	if slices.Contains(c.x.Endpoints(server), local) {
		return local
	}
	return netip.AddrPortFrom(unspecified(local.Addr().Is4()), local.Port())
}

// counted returns the runs of a listener that can be: at a loopback address those of loopback addresses.
func (c *coverer) counted(l Listener) (rs []run) {
	if !l.Local.Addr().IsLoopback() {
		return c.runsAt(l.Server, l.Local)
	}
	for _, r := range c.runsAt(l.Server, l.Local) {
		for _, span := range among([]netipx.IPRange{r.span}, loopback) {
			rs = append(rs, run{span, r.match})
		}
	}
	return rs
}

func (c *coverer) coverage() *Coverage {
	v := &Coverage{Cases: c.cases}
	serving := make(map[connector.ID]bool)
	deciding := make(map[ConnectorRange]bool)
	for _, server := range c.x.Servers() {
		for _, local := range c.x.Endpoints(server) {
			if !c.listens(server, local) || c.isImplicit(server, local) {
				continue
			}
			l := Listener{server, local}
			v.Listeners.add(l, c.heard[place{key(server), local}])
			for _, r := range c.counted(l) {
				if r.match.Outcome() == connector.Selected {
					id := r.match.Connector().Key()
					serving[id], deciding[ConnectorRange{id, r.match.Range()}] = true, true
				}
			}
			v.Addrs = append(v.Addrs, c.untouched(l)...)
		}
	}
	for _, rc := range c.t.Connectors {
		id := rc.ID.Key()
		if serving[id] {
			v.Connectors.add(rc.ID, c.connectors[id])
		}
		for _, r := range rc.RemoteIPRanges {
			k := ConnectorRange{id, r}
			if deciding[k] {
				v.Ranges.add(ConnectorRange{rc.ID, r}, c.ranges[k])
				delete(deciding, k) // of an entry that stands there twice, one counts
			}
		}
	}
	for f := range c.t.Flows() {
		if !f.MeetsConnectors() || f.Need == connector.NotNeeded {
			continue
		}
		touched := c.touches(f)
		if !touched && len(v.Flows.Untouched) == mostFlows {
			v.Flows.All++
			continue
		}
		v.Flows.add(f, touched)
	}
	v.Cases += len(c.touching)
	return v
}

// touches tells whether a case is about a flow.
func (c *coverer) touches(f connector.Flow) bool {
	touched := false
	for i := range c.flows.about(f) {
		touched, c.touching[i] = true, true
	}
	if touched {
		return true
	}
	if f.FromNetwork || len(c.pairs) == 0 {
		return false
	}
	from := c.flows.key(f.From)
	kind := f.Peer(c.servers[from]).Kind
	return slices.ContainsFunc(c.pairs[pair{from, c.flows.key(f.To)}], func(o contact) bool {
		return o.port == f.Port && o.kind == kind
	})
}

func (t *Touched[T]) add(v T, touched bool) {
	t.All++
	if touched {
		t.Touched++
	} else {
		t.Untouched = append(t.Untouched, v)
	}
}

// untouched returns the sources of a listener about which nothing is said.
func (c *coverer) untouched(l Listener) []UntouchedAddrs {
	said := new(netipx.IPSet)
	if b := c.said[place{key(l.Server), l.Local}]; b != nil {
		said, _ = b.IPSet() // valid ranges do not fail
	}
	return apart(l, c.counted(l), said)
}
