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

	configured map[connector.ID]bool // the connectors, by key
}

// place is an endpoint of a server, by its key.
type place struct {
	server string
	local  netip.AddrPort
}

func newAsker(t *connector.Topology) (*asker, error) {
	x, err := connector.Compile(t)
	if err != nil {
		return nil, err
	}
	a := &asker{t: t, x: x, servers: make(map[string]connector.Server), runs: make(map[place][]run), peers: make(map[session]answers),
		configured: make(map[connector.ID]bool)}
	for _, c := range t.Connectors {
		a.configured[c.ID.Key()] = true
	}
	for _, s := range t.AllServers() {
		a.servers[key(s.Name)] = s
	}
	return a, nil
}

// key returns one spelling for all of a server's name.
func key(server string) string { return connector.ID{Server: server}.Key().Server }

// loopback is who connects to a loopback address.
var loopback = connector.IPSet(connector.MustParseRange("127.0.0.0/8"), connector.MustParseRange("::1"))

// listens tells whether anything may be served at an endpoint.
func (a *asker) listens(server string, local netip.AddrPort) bool {
	return a.x.Select(connector.Conn{Server: server, Local: local, Remote: local.Addr()}).Outcome() != connector.NotListening
}

// isImplicit tells whether an endpoint is that of the connector of mailbox delivery, which is in no configuration.
func (a *asker) isImplicit(server string, local netip.AddrPort) bool {
	m := a.x.Select(connector.Conn{Server: server, Local: local, Remote: local.Addr()})
	return m.Outcome() == connector.Selected && !a.configured[m.Connector().Key()]
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
	written *netipx.IPSet // of the sources those that stand there as addresses
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
	if err := a.sources(c, &q); err != nil {
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
	f := connector.Flow{ExchangeAuth: true}
	if s.Roles.Has(connector.RoleEdge) {
		f.Purpose = connector.EdgeInbound
	}
	return f.Peer(s)
}

func notFound(text string) error { return fmt.Errorf("%w: %s", connector.ErrNotFound, text) }

// sources looks up who connects.
func (a *asker) sources(c Case, q *question) (err error) {
	if c.From == "" {
		r, err := connector.RangeFrom(c.Conn.Remote, c.Conn.Remote)
		q.sources = connector.IPSet(r)
		q.written = q.sources
		return err
	}
	var all, written netipx.IPSetBuilder
	list := parts(c.From)
	for _, p := range list {
		rs, err := a.part(p)
		if err != nil {
			return err
		}
		isRange := !p.isName() && !strings.EqualFold(p.text, anybody)
		for _, r := range rs {
			all.AddRange(r.Span())
			if isRange {
				written.AddRange(r.Span())
			}
		}
		if _, ok := a.servers[key(p.text)]; ok && p.isName() && len(list) == 1 {
			q.from = key(p.text)
		}
	}
	if q.sources, err = all.IPSet(); err == nil {
		q.written, err = written.IPSet()
	}
	return err
}

// anybody is how a question names every address.
const anybody = "any"

// everybody is all addresses of both families.
var everybody = [...]connector.Range{connector.MustParseRange("0.0.0.0/0"), connector.MustParseRange("::/0")}

// part returns the addresses that one part of a From stands for.
func (a *asker) part(t token) ([]connector.Range, error) {
	if t.isName() {
		return a.named(t.text)
	}
	if strings.EqualFold(t.text, anybody) {
		return everybody[:], nil
	}
	r, err := connector.ParseRange(t.text)
	return []connector.Range{r}, err
}

// named returns the addresses of a server or network.
func (a *asker) named(p string) ([]connector.Range, error) {
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

// listening returns the endpoints of a server at which something listens and that a case asks about, of one family.
func (a *asker) listening(c Case, server string, v4 bool) (ls []netip.AddrPort) {
	port := c.Conn.Local.Port()
	for _, e := range a.x.Endpoints(server) {
		if e.Addr().Is4() == v4 && (e.Port() == port || port == 0 && !a.isImplicit(server, e)) && a.listens(server, e) {
			ls = append(ls, e)
		}
	}
	return ls
}

// unspecified returns the address that stands for every local one of a family.
func unspecified(v4 bool) netip.Addr {
	if v4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// pieces returns what a case asks about, by server, endpoint and address: there is something of every server, and every address that
// stands in the case; if not, the error says why.
func (a *asker) pieces(c Case, q question) ([]piece, error) {
	var ps []piece
	for _, server := range q.servers {
		begin := len(ps)
		if c.Conn.Local.IsValid() {
			local := netip.AddrPortFrom(c.Conn.Local.Addr().Unmap(), c.Conn.Local.Port())
			v4 := local.Addr().Is4()
			if other := spans(q.written, !v4); len(other) > 0 {
				return nil, invalid(other[0].From().String() + " is not of the address family of the endpoint")
			}
			ps = a.cut(ps, server, local, spans(q.sources, v4))
		} else {
			ps = a.everywhere(ps, c, q, server)
		}
		if !c.wantsRefusals() {
			continue
		}
		// Where nothing listens, nobody is refused anything.
		n := len(ps)
		ps = append(ps[:begin], slices.DeleteFunc(ps[begin:], func(p piece) bool { return p.match.Outcome() == connector.NotListening })...)
		if len(ps) < n && c.Conn.Server != everything {
			return nil, invalid("nothing listens there, so nobody gets anything; want refused, if that is what is meant")
		}
	}
	if len(ps) == 0 {
		return nil, invalid("nothing is asked: nothing is known to listen there in the address family of the client")
	}
	return ps, nil
}

// wantsRefusals tells whether all that the case wants is that a session is refused something, which it also is where nobody serves it.
func (c Case) wantsRefusals() bool {
	granted := c.Authentication != 0 && c.Authentication != connector.NotAuthenticated || c.Reply != connector.Reply{}
	for _, state := range []connector.StepState{c.Encryption, c.Mail, c.Relay} {
		granted = granted || state != 0 && state != connector.StepRefused
	}
	return !c.decides() && !granted
}

// everywhere appends what sources get at all endpoints of a server, of one port or of each.
func (a *asker) everywhere(ps []piece, c Case, q question, server string) []piece {
	begin := len(ps)
	ls := [2][]netip.AddrPort{a.listening(c, server, true), a.listening(c, server, false)}
	port := c.Conn.Local.Port()
	if port == 0 {
		port = portSMTP // any at which nothing listens
	}
	for i, v4 := range []bool{true, false} {
		sources := spans(q.sources, v4)
		if len(ls[i]) == 0 && len(ls[1-i]) > 0 {
			sources = nil // where something listens in the other family alone, no address is meant that does not stand there
		}
		for _, local := range ls[i] {
			here := sources
			if local.Addr().IsLoopback() { // to which nobody connects but the server itself
				here = among(sources, loopback)
			}
			ps = a.cut(ps, server, local, here)
		}
		ps = a.cut(ps, server, netip.AddrPortFrom(unspecified(v4), port), a.left(ps[begin:], spans(q.written, v4)))
	}
	if len(ps) == begin {
		for _, v4 := range []bool{true, false} {
			ps = a.cut(ps, server, netip.AddrPortFrom(unspecified(v4), port), spans(q.sources, v4))
		}
	}
	return ps
}

// left returns the addresses about which no piece is.
func (a *asker) left(ps []piece, rs []netipx.IPRange) []netipx.IPRange {
	var b netipx.IPSetBuilder
	for _, r := range rs {
		b.AddRange(r)
	}
	for _, p := range ps {
		b.RemoveRange(p.span)
	}
	set, _ := b.IPSet() // valid ranges do not fail
	return set.Ranges()
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
