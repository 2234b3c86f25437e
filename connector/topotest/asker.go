package topotest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// asker turns questions about connections into addresses at endpoints, and knows what the topology answers there.
type asker struct {
	t       *connector.Topology
	x       *connector.Index
	servers map[string]connector.Server // by key
	runs    map[place][]run
	peers   map[session]answers
}

// place is an endpoint of a server, by its key.
type place struct {
	server string
	local  netip.AddrPort
}

// run is sources that get one answer.
type run struct {
	span  netipx.IPRange
	match connector.Match
}

func newAsker(t *connector.Topology) (*asker, error) {
	x, err := connector.Compile(t)
	if err != nil {
		return nil, err
	}
	a := &asker{t: t, x: x, servers: make(map[string]connector.Server), runs: make(map[place][]run), peers: make(map[session]answers)}
	for _, s := range t.AllServers() {
		a.servers[key(s.Name)] = s
	}
	return a, nil
}

// key returns one spelling for all of a server's name.
func key(server string) string { return connector.ID{Server: server}.Key().Server }

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

// listens tells whether anything may be served at an endpoint.
func (a *asker) listens(server string, local netip.AddrPort) bool {
	return a.x.Select(connector.Conn{Server: server, Local: local, Remote: local.Addr()}).Outcome() != connector.NotListening
}

// piece is sources that a case asks about and that get one answer at one endpoint.
type piece struct {
	server string
	local  netip.AddrPort
	run
}

// conn is the connection from the first of the sources.
func (p piece) conn() connector.Conn {
	return connector.Conn{Server: p.server, Local: p.local, Remote: p.span.From()}
}

// question is a case about connections with all names looked up.
type question struct {
	servers []string
	sources *netipx.IPSet
	peer    *connector.Peer
	from    string // the one server that connects, if it is one
}

// question looks up what a case names. The error wraps [connector.ErrNotFound] or [connector.ErrInvalid].
func (a *asker) question(c Case) (q question, err error) {
	switch {
	case c.Conn.Server == everything:
		q.servers = a.x.Servers()
		if len(q.servers) == 0 {
			return q, notFound("the topology has no server")
		}
	default:
		if _, ok := a.servers[key(c.Conn.Server)]; !ok && c.Outcome != connector.UnknownServer {
			return q, notFound("no server is called " + c.Conn.Server)
		}
		q.servers = []string{c.Conn.Server}
	}
	q.peer = c.Peer
	if q.sources, q.from, err = a.sources(c); err != nil {
		return q, err
	}
	if !c.follows() || q.peer != nil {
		return q, nil
	}
	if q.from == "" {
		return q, invalid("what connects? A case about more than the decision needs a peer: as Anonymous, as User or as ExchangeServer")
	}
	p := peerOf(a.servers[q.from])
	q.peer = &p
	return q, nil
}

// peerOf returns what a server of the topology is to another one.
func peerOf(s connector.Server) connector.Peer {
	return connector.Flow{ExchangeAuth: true}.Peer(s)
}

func notFound(text string) error { return fmt.Errorf("%w: %s", connector.ErrNotFound, text) }

// sources returns who connects, and the key of the server if that is all.
func (a *asker) sources(c Case) (*netipx.IPSet, string, error) {
	if c.From == "" {
		r, err := connector.RangeFrom(c.Conn.Remote, c.Conn.Remote)
		return connector.IPSet(r), "", err
	}
	list := []string{c.From}
	if _, err := a.named(c.From); err != nil {
		list = nil
		for _, p := range parts(c.From) {
			list = append(list, p.text)
		}
	}
	var b netipx.IPSetBuilder
	from := ""
	for _, p := range list {
		rs, err := a.named(p)
		if err != nil {
			return nil, "", err
		}
		for _, r := range rs {
			b.AddRange(r.Span())
		}
		if _, ok := a.servers[key(p)]; ok && len(list) == 1 {
			from = key(p)
		}
	}
	set, err := b.IPSet()
	return set, from, err
}

// anybody is how a question names every address.
const anybody = "any"

// everybody is all addresses of both families.
var everybody = [...]connector.Range{connector.MustParseRange("0.0.0.0/0"), connector.MustParseRange("::/0")}

// named returns the addresses that one part of a From stands for.
func (a *asker) named(p string) ([]connector.Range, error) {
	if r, err := connector.ParseRange(p); err == nil {
		return []connector.Range{r}, nil
	}
	if strings.EqualFold(p, anybody) {
		return everybody[:], nil
	}
	var rs []connector.Range
	isNetwork := false
	for _, n := range a.t.Networks {
		if strings.EqualFold(n.Name, p) {
			rs, isNetwork = append(rs, n.Ranges...), true
		}
	}
	s, isServer := a.servers[key(p)]
	switch {
	case isNetwork && isServer:
		return nil, invalid(p + " is the name of a server and of a network")
	case isNetwork && len(rs) == 0:
		return nil, notFound("the network " + p + " has no address")
	case isNetwork:
		return rs, nil
	case !isServer:
		return nil, notFound(p + " is neither an address, a range, any, nor the name of a server or network of the topology")
	case len(s.Addresses) == 0:
		return nil, notFound("no address of the server " + s.Name + " is known")
	}
	for _, addr := range s.Addresses {
		r, err := connector.RangeFrom(addr, addr)
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// locals returns the endpoints of a server that a case asks about, of one family.
func (a *asker) locals(c Case, server string, v4 bool) []netip.AddrPort {
	local := c.Conn.Local
	if local.IsValid() {
		if local.Addr().Unmap().Is4() != v4 {
			return nil
		}
		return []netip.AddrPort{local}
	}
	listening := func(v4 bool) (ls []netip.AddrPort) {
		for _, e := range a.x.Endpoints(server) {
			if e.Addr().Is4() == v4 && (local.Port() == 0 || e.Port() == local.Port()) && a.listens(server, e) {
				ls = append(ls, e)
			}
		}
		return ls
	}
	ls := listening(v4)
	switch {
	case len(ls) > 0, local.Port() == 0:
	case strings.EqualFold(c.From, anybody) && len(listening(!v4)) > 0: // nobody of this family can be meant
	default:
		wildcard := netip.IPv6Unspecified()
		if v4 {
			wildcard = netip.IPv4Unspecified()
		}
		ls = append(ls, netip.AddrPortFrom(wildcard, local.Port()))
	}
	return ls
}

// pieces returns what a case asks about, by server, endpoint and address. There is at least one; if not, the error says so.
func (a *asker) pieces(c Case, q question) ([]piece, error) {
	var ps []piece
	for _, server := range q.servers {
		for _, v4 := range []bool{true, false} {
			asked := spans(q.sources, v4)
			if len(asked) == 0 {
				continue
			}
			for _, local := range a.locals(c, server, v4) {
				ps = a.cut(ps, server, local, asked)
			}
		}
	}
	if len(ps) == 0 {
		return nil, invalid("nothing is asked: there is no endpoint in the address family of the client")
	}
	return ps, nil
}

// spans returns the addresses of one family, in order.
func spans(set *netipx.IPSet, v4 bool) []netipx.IPRange {
	return slices.DeleteFunc(set.Ranges(), func(r netipx.IPRange) bool { return r.From().Is4() != v4 })
}

// cut appends what the sources get at an endpoint.
func (a *asker) cut(ps []piece, server string, local netip.AddrPort, asked []netipx.IPRange) []piece {
	if len(asked) == 1 && asked[0].From() == asked[0].To() { // the usual question, for which all that is there need not be known
		m := a.x.Select(connector.Conn{Server: server, Local: local, Remote: asked[0].From()})
		return append(ps, piece{server, local, run{asked[0], m}})
	}
	rs := a.runsAt(server, local)
	for _, r := range asked {
		i, _ := slices.BinarySearchFunc(rs, r.From(), func(o run, from netip.Addr) int { return o.span.To().Compare(from) })
		for ; i < len(rs) && !r.To().Less(rs[i].span.From()); i++ {
			from, to := rs[i].span.From(), rs[i].span.To()
			if from.Less(r.From()) {
				from = r.From()
			}
			if r.To().Less(to) {
				to = r.To()
			}
			ps = append(ps, piece{server, local, run{netipx.IPRangeFrom(from, to), rs[i].match}})
		}
	}
	return ps
}

// session is a peer and the decision about it, from which all else follows.
type session struct {
	match connector.Match
	peer  connector.Peer
}

// answers is what a session comes to, as far as cases can ask. Each has the doubt of its own.
type answers struct {
	authentication          connector.Authentication
	encryption, mail, relay state
	replies                 []connector.Reply // refusals, in order
	doubt                   connector.Doubt   // of the decision and of authentication
}

// state is how far a stage of a session is granted, with whichever sender.
type state struct {
	connector.StepState
	doubt connector.Doubt
}

// take adds a step of the stage. What is granted to one sender is granted; only the wording of a reply is not asked for.
func (s *state) take(step connector.SessionStep) {
	switch step.State {
	case connector.StepDone:
		s.StepState = connector.StepDone
	case connector.StepUnknown:
		if s.StepState != connector.StepDone {
			s.StepState = connector.StepUnknown
		}
	}
	s.doubt |= step.Doubt &^ connector.DoubtVersion
}

// follow simulates a session. Its outcome depends on the decision and not on the source.
func (a *asker) follow(p piece, peer connector.Peer) answers {
	k := session{p.match, peer}
	got, ok := a.peers[k]
	if ok {
		return got
	}
	v := a.x.Simulate(p.conn(), peer)
	refused := state{StepState: connector.StepRefused}
	got = answers{authentication: v.Authentication, doubt: v.Doubt, encryption: refused, mail: refused, relay: refused}
	if v.Reply.Code != 0 {
		got.replies = append(got.replies, v.Reply)
	}
	for _, s := range v.Session() {
		switch s.Stage {
		case connector.StageEncrypt:
			got.encryption.take(s)
		case connector.StageAcceptedRecipient:
			got.mail.take(s)
		case connector.StageForeignRecipient:
			got.relay.take(s)
		}
		if s.State == connector.StepRefused && s.Reply.Code != 0 && !slices.Contains(got.replies, s.Reply) {
			got.replies = append(got.replies, s.Reply)
		}
	}
	a.peers[k] = got
	return got
}
