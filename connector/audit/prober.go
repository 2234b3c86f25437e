package audit

import (
	"net/netip"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

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
