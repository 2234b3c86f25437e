package audit

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// space is who wins what on one server, over all of its endpoints: the same few questions of many checks, asked once.
type space struct {
	server     string
	holdings   []*holding                            // of the enabled connectors, in the order of the configuration
	refused    []refused                             // by endpoint
	shadowed   map[connector.ID][]connector.Range    // entries without which no source moves
	violations map[connector.ID][]*connector.Refusal // what the cmdlets would refuse of a connector alone
	deaf       []netip.AddrPort                      // endpoints that serve nobody
}

// holding is what one connector wins, endpoint by endpoint.
type holding struct {
	connector connector.ReceiveConnector
	parts     []part                   // of the endpoints where it wins something
	decides   map[connector.Range]bool // its entries that win something, or may
	all       [2]bool                  // whether it is there for everybody, in IPv6 and in IPv4
}

// part is what a connector wins at one endpoint.
type part struct {
	local           netip.AddrPort
	won, wide, tied *netipx.IPSet // everything, what is won by more than single hosts, and what another connector ties for
}

// where tells of an endpoint whether a question is about it.
type where func(netip.AddrPort) bool

func anywhere(netip.AddrPort) bool { return true }

// at returns the questions' endpoints by their ports.
func at(ports ...uint16) where {
	return func(e netip.AddrPort) bool { return slices.Contains(ports, e.Port()) }
}

// butAt is the contrary of at.
func butAt(ports ...uint16) where {
	return func(e netip.AddrPort) bool { return !slices.Contains(ports, e.Port()) }
}

func (h *holding) sets(w where, of func(part) *netipx.IPSet) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range h.parts {
		if w(p.local) {
			b.AddSet(of(p))
		}
	}
	set, _ := b.IPSet() // valid ranges do not fail
	return set
}

// won returns what the connector wins at some endpoints.
func (h *holding) won(w where) *netipx.IPSet {
	return h.sets(w, func(p part) *netipx.IPSet { return p.won })
}

// wide returns what it wins there by more than single hosts.
func (h *holding) wide(w where) *netipx.IPSet {
	return h.sets(w, func(p part) *netipx.IPSet { return p.wide })
}

// tied returns what it wins there and another connector ties for.
func (h *holding) tied(w where) *netipx.IPSet {
	return h.sets(w, func(p part) *netipx.IPSet { return p.tied })
}

// narrow returns what it wins there although it is not the connector for everybody.
func (h *holding) narrow(w where) *netipx.IPSet {
	return h.won(func(e netip.AddrPort) bool { return w(e) && !h.all[one(e.Addr().Is4())] })
}

// example returns a connection that the connector wins at one of some endpoints, from an address that a client may have, and whether there
// is one.
func (h *holding) example(w where) (connector.Conn, bool) {
	for _, p := range h.parts {
		if w(p.local) {
			return connector.Conn{Server: h.connector.ID.Server, Local: p.local, Remote: firstOf(p.won)}, true
		}
	}
	return connector.Conn{}, false
}

// isForEverybody tells whether the ranges of a connector hold more than half of all addresses of a family: also after some were carved
// out it is the one for everybody.
func isForEverybody(c connector.ReceiveConnector, v4 bool) bool {
	var b netipx.IPSetBuilder
	bits := uint(128)
	if v4 {
		bits = 32
	}
	for _, r := range c.RemoteIPRanges {
		if r.Span().From().Is4() == v4 {
			b.AddRange(r.Span())
		}
	}
	set, _ := b.IPSet() // valid ranges do not fail
	half := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return countOf(set).Cmp(half) > 0
}

// refused are the sources that an endpoint closes without a banner, although it serves others.
type refused struct {
	local netip.AddrPort
	set   *netipx.IPSet
	doubt connector.Doubt
}

// spaceOf is spaceAt of the server at hand.
func (p *Pass) spaceOf() *space { return p.spaceAt(p.Server) }

// spaceAt asks every region of every endpoint of a server. Checks go server by server, so the latest answer is kept.
func (p *Pass) spaceAt(server string) *space {
	if p.space != nil && strings.EqualFold(p.space.server, server) {
		return p.space
	}
	s := &space{server: server, violations: make(map[connector.ID][]*connector.Refusal), shadowed: make(map[connector.ID][]connector.Range)}
	of := make(map[connector.ID]*holding)
	for _, c := range p.connectors[key(server)] {
		if !c.Disabled {
			h := &holding{connector: c, decides: make(map[connector.Range]bool), all: [2]bool{isForEverybody(c, false), isForEverybody(c, true)}}
			of[c.ID] = h
			s.holdings = append(s.holdings, h)
		}
	}
	for _, local := range p.Index.Endpoints(server) {
		by := make(map[*holding]*sharing)
		var order []*holding
		var none netipx.IPSetBuilder
		doubt := connector.Doubt(0)
		for region, m := range p.Index.Regions(server, local) {
			switch h := of[m.Connector()]; {
			case m.Outcome() == connector.NoRange:
				none.AddRange(region)
				doubt |= m.Doubt()
			case h != nil:
				if by[h] == nil {
					by[h] = &sharing{}
					order = append(order, h)
				}
				by[h].add(region, m)
				h.decides[m.Range()] = true
			}
		}
		for _, h := range order {
			h.parts = append(h.parts, by[h].part(local))
		}
		if len(order) == 0 {
			s.deaf = append(s.deaf, local)
		} else if set, _ := none.IPSet(); !isEmpty(set) { // valid ranges do not fail
			s.refused = append(s.refused, refused{local, set, doubt})
		}
	}
	p.space = s
	return s
}

// sharing collects what a connector wins at an endpoint.
type sharing struct{ won, wide, tied netipx.IPSetBuilder }

func (s *sharing) add(region netipx.IPRange, m connector.Match) {
	s.won.AddRange(region)
	if !m.Range().IsSingle() {
		s.wide.AddRange(region)
	}
	if m.Doubt().Has(connector.DoubtTie) {
		s.tied.AddRange(region)
	}
}

func (s *sharing) part(local netip.AddrPort) part {
	p := part{local: local}
	p.won, _ = s.won.IPSet() // valid ranges do not fail
	p.wide, _ = s.wide.IPSet()
	p.tied, _ = s.tied.IPSet()
	return p
}

// look simulates an anonymous client, who shows which connector is selected and what that gives.
func (p *Pass) look(c connector.Conn) *connector.Verdict {
	return p.Index.Simulate(c, connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered})
}

// wins tells whether the connector is ever selected.
func (h *holding) wins() bool { return len(h.parts) > 0 }

// connFrom returns the first connection from an address that one of the connectors serves, and whether there is one.
func (p *Pass) connFrom(a netip.Addr, by ...connector.ID) (connector.Conn, bool) {
	for _, local := range p.Index.Endpoints(p.Server) {
		c := connector.Conn{Server: p.Server, Local: local, Remote: a}
		if id := p.Index.Select(c).Connector(); slices.ContainsFunc(by, id.Equal) {
			return c, true
		}
	}
	return connector.Conn{}, false
}

// overlap returns what two sets have in common.
func overlap(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	for r := range both(a.Ranges(), b.Ranges()) {
		x.AddRange(r)
	}
	set, _ := x.IPSet() // valid ranges do not fail
	return set
}

// less returns what is in a and not in b.
func less(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.RemoveSet(b)
	set, _ := x.IPSet() // valid ranges do not fail
	return set
}

// union returns what is in one of two sets.
func union(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.AddSet(b)
	set, _ := x.IPSet() // valid ranges do not fail
	return set
}

func isEmpty(s *netipx.IPSet) bool { return len(s.Ranges()) == 0 }

// firstOf returns the lowest address of a set that a client may have: not 0.0.0.0 or ::, unless there is no other.
func firstOf(s *netipx.IPSet) netip.Addr {
	for _, r := range s.Ranges() {
		if a := afterUnspecified(r); !a.IsUnspecified() {
			return a
		}
	}
	return s.Ranges()[0].From()
}

// nowhere are the addresses from which nobody connects, and those from which only the server itself does.
var nowhere = rangesOf("0.0.0.0", "127.0.0.0/8", "::", "::1")

// clients leaves out of a set the addresses from which no client connects, unless it holds all of a family, where nobody misses them.
func clients(set *netipx.IPSet) *netipx.IPSet {
	left := less(set, nowhere)
	for _, all := range []string{"0.0.0.0/0", "::/0"} {
		if r := connector.MustParseRange(all); set.ContainsRange(r.Span()) {
			left = union(left, connector.IPSet(r))
		}
	}
	return left
}
