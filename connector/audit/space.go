package audit

import (
	"net/netip"
	"slices"

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

// holding is what one connector wins.
type holding struct {
	connector connector.ReceiveConnector
	won       *netipx.IPSet            // everything
	wide      *netipx.IPSet            // the part of it won by more than a single host
	narrow    *netipx.IPSet            // the part of it won by less than all addresses of the family
	tied      *netipx.IPSet            // the part of it that another connector ties for
	decides   map[connector.Range]bool // its entries that win something, or may
	at        []netip.AddrPort         // the endpoints where it wins something
	first     connector.Conn           // the first connection it wins
	doubt     connector.Doubt          // of its decisions
	builders  [4]netipx.IPSetBuilder   // of won, wide, narrow, tied
}

// refused are the sources that an endpoint closes without a banner, although it serves others.
type refused struct {
	local netip.AddrPort
	set   *netipx.IPSet
	doubt connector.Doubt
}

// spaceOf asks every region of every endpoint of the server at hand. Checks go server by server, so the latest answer is kept.
func (p *Pass) spaceOf() *space {
	if p.space != nil && p.space.server == p.Server {
		return p.space
	}
	s := &space{server: p.Server, violations: make(map[connector.ID][]*connector.Refusal), shadowed: make(map[connector.ID][]connector.Range)}
	of := make(map[connector.ID]*holding)
	for _, c := range p.Connectors() {
		if !c.Disabled {
			h := &holding{connector: c, decides: make(map[connector.Range]bool)}
			of[c.ID] = h
			s.holdings = append(s.holdings, h)
		}
	}
	for _, local := range p.Index.Endpoints(p.Server) {
		var none netipx.IPSetBuilder
		served, doubt := false, connector.Doubt(0)
		for region, m := range p.Index.Regions(p.Server, local) {
			switch h := of[m.Connector()]; {
			case m.Outcome() == connector.NoRange:
				none.AddRange(region)
				doubt |= m.Doubt()
			case h != nil:
				served = true
				h.add(p.Server, local, region, m)
			}
		}
		if !served {
			s.deaf = append(s.deaf, local)
		}
		if set, _ := none.IPSet(); served && len(set.Ranges()) > 0 { // valid ranges do not fail
			s.refused = append(s.refused, refused{local, set, doubt})
		}
	}
	for _, h := range s.holdings {
		for i, set := range []**netipx.IPSet{&h.won, &h.wide, &h.narrow, &h.tied} {
			*set, _ = h.builders[i].IPSet() // valid ranges do not fail
		}
	}
	p.space = s
	return s
}

// add adds a region that the connector wins.
func (h *holding) add(server string, local netip.AddrPort, region netipx.IPRange, m connector.Match) {
	r := m.Range()
	h.builders[0].AddRange(region)
	if !r.IsSingle() {
		h.builders[1].AddRange(region)
	}
	if !isEverything(r) {
		h.builders[2].AddRange(region)
	}
	if m.Doubt().Has(connector.DoubtTie) {
		h.builders[3].AddRange(region)
	}
	h.decides[r] = true
	h.doubt |= m.Doubt()
	if n := len(h.at); n == 0 {
		h.first = connector.Conn{Server: server, Local: local, Remote: region.From()}
		h.at = append(h.at, local)
	} else if h.at[n-1] != local {
		h.at = append(h.at, local)
	}
}

// look simulates an anonymous client, who shows which connector is selected and what that gives.
func (p *Pass) look(c connector.Conn) *connector.Verdict {
	return p.Index.Simulate(c, connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered})
}

// wins tells whether the connector is ever selected.
func (h *holding) wins() bool { return len(h.at) > 0 }

// isEverything tells whether a range holds all addresses of its family.
func isEverything(r connector.Range) bool {
	s := r.Span()
	first := netip.IPv4Unspecified()
	if s.From().Is6() {
		first = netip.IPv6Unspecified()
	}
	return s.From() == first && !s.To().Next().IsValid()
}

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

// firstOf returns the lowest address of a set that is not 0.0.0.0 or ::, which nobody connects from.
func firstOf(s *netipx.IPSet) netip.Addr {
	return afterUnspecified(s.Ranges()[0])
}
