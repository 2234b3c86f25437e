package audit

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// places are the servers of a topology and where they are, by key of their names, and its networks.
type places struct {
	list       []connector.Network          // as the topology has them
	networks   map[networkKey]*netipx.IPSet // addresses
	servers    map[string]*connector.Server
	records    map[string]connector.Server  // of the servers that are told, and not only named
	byFQDN     map[string]*connector.Server // by key of the full name
	configured map[string]bool              // servers with a connector, enabled or not
	own        map[string]*netipx.IPSet     // addresses of a server
	where      *netipx.IPSet                // addresses of all servers that authenticate as such, and of planned ones
	foreign    *netipx.IPSet                // addresses of others: Exchange Online, partners, other forests
	hidden     *netipx.IPSet                // addresses of gateways and balancers
}

// key returns one spelling for all names that differ in case only.
func key(name string) string { return strings.ToLower(strings.ToUpper(name)) }

func placesOf(t *connector.Topology) *places {
	pl := &places{list: t.Networks, networks: map[networkKey]*netipx.IPSet{}, servers: map[string]*connector.Server{}, records: map[string]connector.Server{}, byFQDN: map[string]*connector.Server{}, configured: map[string]bool{}, own: map[string]*netipx.IPSet{}}
	for _, c := range t.Connectors {
		pl.configured[key(c.ID.Server)] = true
	}
	for _, s := range t.Servers {
		pl.records[key(s.Name)] = s
	}
	var where, foreign, hidden netipx.IPSetBuilder
	for _, s := range t.AllServers() {
		pl.servers[key(s.Name)] = &s
		if s.FQDN != "" && pl.byFQDN[key(s.FQDN)] == nil {
			pl.byFQDN[key(s.FQDN)] = &s
		}
		var own netipx.IPSetBuilder
		for _, a := range s.Addresses {
			own.Add(a.Unmap().WithZone(""))
		}
		set, _ := own.IPSet() // valid addresses do not fail
		pl.own[key(s.Name)] = set
		if !s.Unsubscribed { // an Edge server on its own does not
			where.AddSet(set)
		}
	}
	for _, n := range t.Networks {
		pl.addNetwork(n)
		switch n.Kind {
		case connector.NetworkPlanned:
			where.AddSet(connector.IPSet(n.Ranges...))
		case connector.NetworkHybrid, connector.NetworkPartner, connector.NetworkCrossForest:
			foreign.AddSet(connector.IPSet(n.Ranges...))
		case connector.NetworkGateway, connector.NetworkBalancer:
			hidden.AddSet(connector.IPSet(n.Ranges...))
		}
	}
	pl.where, _ = where.IPSet()
	pl.foreign, _ = foreign.IPSet()
	pl.hidden, _ = hidden.IPSet()
	return pl
}

// networkKey names a network.
type networkKey struct {
	name string
	kind connector.NetworkKind
}

// addNetwork notes the addresses of a network; one that is told twice has those of both.
func (pl *places) addNetwork(n connector.Network) {
	k := networkKey{n.Name, n.Kind}
	var b netipx.IPSetBuilder
	b.AddSet(connector.IPSet(n.Ranges...))
	if old := pl.networks[k]; old != nil {
		b.AddSet(old)
	}
	pl.networks[k], _ = b.IPSet() // valid ranges do not fail
}

// network returns the addresses that a flow from a network comes from.
func (pl *places) network(f connector.Flow) *netipx.IPSet {
	kind := connector.NetworkCrossForest
	if f.Purpose == connector.Hybrid {
		kind = connector.NetworkHybrid
	}
	return pl.networks[networkKey{f.From, kind}]
}

// traffic is what the servers of a topology exchange. It does not depend on what the connectors allow, so one value
// serves an audit and the proof of its fixes.
type traffic struct {
	*places
	table *connector.FlowTable
}

func trafficOf(t *connector.Topology) *traffic { return &traffic{placesOf(t), t.FlowTable()} }

// toward yields the flows to a server that are simulated.
func (tr *traffic) toward(server string) iter.Seq[connector.Flow] {
	return func(yield func(connector.Flow) bool) {
		for f := range tr.table.To(server) {
			if simulated(f) && !yield(f) {
				return
			}
		}
	}
}

// simulated tells whether connectors decide about a flow that is not ruled out.
func simulated(f connector.Flow) bool {
	return f.MeetsConnectors() && f.Need != connector.NotNeeded
}

// attempt is one connection that a flow could use, and what becomes of it.
type attempt struct {
	flow       connector.Flow
	conn       connector.Conn
	verdict    *connector.Verdict // of this connection; if it passes, of one that gets the same
	sure       bool               // the address of the source was told, and whether it may authenticate in clear if that matters
	everywhere bool               // the flow fails between all addresses of its ends
}

// winner returns the connector that took the connection; the server alone if none did.
func (a attempt) winner() connector.ID {
	if id := a.verdict.Explanation.Match.Connector(); !id.IsZero() {
		return id
	}
	return connector.ID{Server: a.flow.To}
}

// passes tells whether the connection is as it should be, and leaves nothing to ask.
func (a attempt) passes() bool {
	return a.verdict.Mail() == connector.StepDone && a.verdict.Doubt == 0 && a.verdict.Cause == 0 && a.flow.Purpose != connector.UMSubmission
}

// prober simulates flows over one index. Connections that pass share the simulation of the first that gets the same.
type prober struct {
	*places
	x       *connector.Index
	from    string // the source at hand
	source  *connector.Server
	targets map[portOf]*target
	last    []attempt // what attempts returned
}

// portOf names a port of a server.
type portOf struct {
	server string
	port   uint16
}

// target is where flows arrive: the local endpoints of one port of a server.
type target struct{ places []listening }

// listening is one of them, with the simulations of connections that passed there.
type listening struct {
	local    netip.AddrPort
	listener connector.Listener
	passed   []passed
}

// passed is what the end of a session depends on, and how it ended.
type passed struct {
	match   connector.Match
	peer    connector.Peer
	verdict *connector.Verdict
}

func newProber(pl *places, x *connector.Index) *prober {
	return &prober{places: pl, x: x, targets: map[portOf]*target{}}
}

// simulate is [connector.Index.Simulate], or what it said of a connection that got the same and passed.
func (p *prober) simulate(l *listening, c connector.Conn, peer connector.Peer) *connector.Verdict {
	m := l.listener.Select(c.Remote)
	for _, known := range l.passed {
		if known.match == m && known.peer == peer {
			return known.verdict
		}
	}
	v := p.x.Simulate(c, peer)
	if v.Mail() == connector.StepDone {
		l.passed = append(l.passed, passed{m, peer, v})
	}
	return v
}

// again simulates a connection that was simulated over another index.
func (p *prober) again(a attempt) *connector.Verdict {
	t := p.target(portOf{a.conn.Server, a.conn.Local.Port()})
	for i := range t.places {
		if l := &t.places[i]; l.local == a.conn.Local {
			return p.simulate(l, a.conn, a.verdict.Peer)
		}
	}
	return p.x.Simulate(a.conn, a.verdict.Peer)
}

// attempts simulates a flow between every two addresses of one family. A target whose addresses are not known is tried at
// each of its endpoints. There is none if the source has no known address, or if no connector of the target is known. The slice is
// written anew by the next call.
func (p *prober) attempts(f connector.Flow) []attempt {
	if f.FromNetwork {
		return p.attemptsFromNetwork(f)
	}
	if p.from != f.From || p.source == nil {
		p.from, p.source = f.From, p.servers[key(f.From)]
	}
	peer := f.Peer(*p.source)
	sure := !p.source.Missing.Has(connector.PropertyAddresses)
	to := p.target(portOf{f.To, f.Port})
	as := p.last[:0]
	for _, a := range p.source.Addresses {
		remote := a.Unmap().WithZone("")
		for i := range to.places {
			l := &to.places[i]
			if remote.Is4() != l.local.Addr().Is4() {
				continue
			}
			c := connector.Conn{Server: f.To, Local: l.local, Remote: remote}
			v := p.simulate(l, c, peer)
			downgrade := v.Cause == connector.CauseSuppressed && p.source.Missing.Has(connector.PropertyDowngradedExchangeAuth)
			as = append(as, attempt{flow: f, conn: c, verdict: v, sure: sure && !downgrade})
		}
	}
	if stateOf(as) == FlowFails {
		for i := range as {
			as[i].everywhere = true
		}
	}
	p.last = as
	return as
}

// attemptsFromNetwork simulates a flow from one address of the network for each answer that some of its addresses get, which
// stands for all of them.
func (p *prober) attemptsFromNetwork(f connector.Flow) (as []attempt) {
	network := p.network(f)
	for _, at := range p.target(portOf{f.To, f.Port}).places {
		local := at.local
		answered := make(map[connector.Match]bool)
		for region, m := range p.x.Regions(f.To, local) {
			if answered[m] || !network.OverlapsRange(region) {
				continue
			}
			answered[m] = true
			c := connector.Conn{Server: f.To, Local: local, Remote: firstIn(network, region)}
			as = append(as, attempt{flow: f, conn: c, verdict: p.x.Simulate(c, f.Peer(connector.Server{})), sure: true})
		}
	}
	return as
}

// firstIn returns the first address of a range that is in a set; some are.
func firstIn(set *netipx.IPSet, region netipx.IPRange) netip.Addr {
	for _, r := range set.Ranges() {
		switch {
		case r.Contains(region.From()):
			return region.From()
		case region.Contains(r.From()):
			return r.From()
		}
	}
	panic("audit: a set overlaps a range and has no address in it")
}

// target returns the local endpoints at which flows to a port of a server may arrive.
func (p *prober) target(e portOf) *target {
	if t := p.targets[e]; t != nil {
		return t
	}
	t := &target{}
	p.targets[e] = t
	to := p.servers[key(e.server)]
	if to == nil || !p.configured[key(e.server)] {
		return t
	}
	add := func(local netip.AddrPort) {
		t.places = append(t.places, listening{local: local, listener: p.x.Listener(e.server, local)})
	}
	if to.Missing.Has(connector.PropertyAddresses) {
		for _, local := range p.x.Endpoints(e.server) {
			if local.Port() == e.port {
				add(local)
			}
		}
		return t
	}
	for _, a := range to.Addresses {
		add(netip.AddrPortFrom(a.Unmap().WithZone(""), e.port))
	}
	return t
}

// FlowState is what becomes of a flow. Zero is not set.
type FlowState uint8

const (
	FlowPasses     FlowState = iota + 1 // between all addresses at which something listens
	FlowFails                           // between all addresses at which something listens
	FlowPartly                          // fails between some addresses, passes or is not decided between others
	FlowUnknown                         // a property that decides it is missing
	FlowNoSource                        // no address of the source is known that could reach the target
	FlowNoTarget                        // no connector of the target is known
	FlowNoListener                      // no connector of the target is known that listens there
	FlowOutside                         // receive connectors have no say: not SMTP, an implicit connector, or not needed
)

var stateNames = [...]string{"", "passes", "fails", "partly fails", "unknown", "no source", "no target", "no listener", "outside"}

// String prints "passes", "fails", "partly fails", "unknown", "no source", "no target", "no listener" or "outside".
func (s FlowState) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return ""
}

// FlowResult is a flow and what becomes of it.
type FlowResult struct {
	Flow    connector.Flow
	State   FlowState
	Witness *connector.Verdict // of the first connection that fails or is not decided; nil if there is none
}

// String prints "EX01 -> EX03 port 25 PublicFolderReplication: fails".
func (r FlowResult) String() string { return r.Flow.String() + ": " + r.Fate() }

// Broken tells whether the organization depends on the flow and it fails, wholly or in part.
func (r FlowResult) Broken() bool { return r.Flow.Need == connector.Required && r.fails() }

// fails tells whether the flow fails, wholly or in part.
func (r FlowResult) fails() bool { return r.State == FlowFails || r.State == FlowPartly }

// Fate says in words what becomes of the flow, and of one that is only possible what would.
func (r FlowResult) Fate() string {
	bad := r.fails()
	switch {
	case r.Flow.Need == connector.NotNeeded:
		return "not needed"
	case r.State == FlowOutside:
		return "meets no receive connector of the configuration"
	case r.State == FlowNoSource:
		return "not checked, because no address of the sender is known that could reach the target"
	case r.State == FlowNoTarget:
		return "not checked, because the target's connectors are not known"
	case r.State == FlowNoListener:
		return "not checked, because no connector that listens there is known"
	case r.State == FlowUnknown:
		return "unknown, because a property that decides it is missing"
	case r.Flow.Need == connector.Possible && bad && !r.Flow.ExchangeAuth:
		return "possible, would be refused" + map[bool]string{true: " in part"}[r.State == FlowPartly]
	case r.Flow.Need == connector.Possible && bad && r.Flow.Why.Mark == connector.Unknown:
		return "possible, would not authenticate; what that does is unknown"
	case r.Flow.Need == connector.Possible && bad:
		return "possible, would fail"
	case r.Flow.Need == connector.Possible:
		return "possible, would pass"
	}
	return r.State.String()
}

// Flows simulates every flow of t over x, its index, in the order of [connector.Topology.Flows].
func Flows(t *connector.Topology, x *connector.Index) []FlowResult {
	return slices.Collect(EachFlow(t, x))
}

// EachFlow is [Flows] one by one, because a thousand servers have millions.
func EachFlow(t *connector.Topology, x *connector.Index) iter.Seq[FlowResult] {
	return func(yield func(FlowResult) bool) {
		p := newProber(placesOf(t), x)
		for f := range t.Flows() {
			r := FlowResult{Flow: f, State: FlowOutside}
			if simulated(f) {
				as := p.attempts(f)
				r.State, r.Witness = stateOf(as), witnessOf(as)
				if r.State == FlowNoSource {
					r.State = p.unreached(f)
				}
			}
			if !yield(r) {
				return
			}
		}
	}
}

// stateOf judges the connections of a flow. Those at which nothing is known to listen are no alternative to the others.
func stateOf(as []attempt) FlowState {
	passed, failed, open := 0, 0, 0
	for _, a := range as {
		switch {
		case a.verdict.Mail() == connector.StepDone:
			passed++
		case a.failed():
			failed++
		case a.verdict.Cause != connector.CauseNotListening:
			open++
		}
	}
	switch {
	case len(as) == 0:
		return FlowNoSource
	case passed+failed+open == 0:
		return FlowNoListener
	case failed > 0 && passed+open > 0:
		return FlowPartly
	case failed > 0:
		return FlowFails
	case open > 0:
		return FlowUnknown
	}
	return FlowPasses
}

// unreached tells why there is no connection to try.
func (p *prober) unreached(f connector.Flow) FlowState {
	switch {
	case !p.configured[key(f.To)]:
		return FlowNoTarget
	case f.FromNetwork && len(p.network(f).Ranges()) == 0:
		return FlowNoSource
	case f.FromNetwork:
		return FlowNoListener
	case len(p.servers[key(f.From)].Addresses) > 0 && len(p.target(portOf{f.To, f.Port}).places) == 0:
		return FlowNoListener
	}
	return FlowNoSource
}

// failed tells whether the connectors known let the attempt fail. An endpoint at which nothing is known to listen is more
// likely a connector that was not exported.
func (a attempt) failed() bool {
	return a.verdict.Mail() == connector.StepRefused && a.verdict.Cause != connector.CauseNotListening
}

func witnessOf(as []attempt) *connector.Verdict {
	var open *connector.Verdict
	for _, a := range as {
		if a.failed() {
			return a.verdict
		}
		if open == nil && a.verdict.Mail() != connector.StepDone {
			open = a.verdict
		}
	}
	return open
}
