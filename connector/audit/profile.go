package audit

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// profile is what the sources get at the ports of one server.
type profile struct {
	server string
	doors  []door // by port, IPv4 first
}

// door is one port of a server in one family, at one of its addresses.
type door struct {
	port   uint16
	v4     bool
	local  netip.AddrPort
	shares []share // in the order of their first address
}

// share is what one connector serves there, or what is refused.
type share struct {
	id     connector.ID // zero: refused
	gets   behaviour
	addrs  *netipx.IPSet
	doubt  connector.Doubt
	ranges netipx.IPSetBuilder
}

// behaviour is what a source gets: the same for all sources that one connector serves.
type behaviour struct {
	served   bool
	access   abilities
	exchange connector.Authentication // of an Exchange server that could authenticate in every way there is
}

// surelyDiffers tells whether something that both know is not the same.
func (b behaviour) surelyDiffers(o behaviour) bool {
	for i, state := range b.access {
		if state != o.access[i] && state != connector.StepUnknown && o.access[i] != connector.StepUnknown {
			return true
		}
	}
	return b.served != o.served ||
		b.exchange != o.exchange && b.exchange != connector.AuthenticationUnknown && o.exchange != connector.AuthenticationUnknown
}

func profileOf(x *connector.Index, s connector.Server) *profile {
	p := &profile{server: s.Name}
	known := make(map[connector.ID]behaviour)
	for _, e := range x.Endpoints(s.Name) {
		v4 := e.Addr().Is4()
		if !slices.ContainsFunc(p.doors, func(d door) bool { return d.port == e.Port() && d.v4 == v4 }) {
			p.doors = append(p.doors, doorAt(x, s, e.Port(), v4, known))
		}
	}
	return p
}

// doorAt answers for a port in a family at the first address of the server at which something listens, of those that are known or that
// bindings name; at any other, if nothing listens at one of them.
func doorAt(x *connector.Index, s connector.Server, port uint16, v4 bool, known map[connector.ID]behaviour) door {
	local := netip.IPv6Unspecified()
	if v4 {
		local = netip.IPv4Unspecified()
	}
	for _, a := range s.Addresses {
		if a = a.Unmap().WithZone(""); a.Is4() == v4 && x.Select(connector.Conn{Server: s.Name, Local: netip.AddrPortFrom(a, port), Remote: a}).Outcome() != connector.NotListening {
			local = a
			break
		}
	}
	d := door{port: port, v4: v4, local: netip.AddrPortFrom(local, port)}
	for region, m := range x.Regions(s.Name, d.local) {
		id := m.Connector()
		i := slices.IndexFunc(d.shares, func(o share) bool { return o.id == id })
		if i < 0 {
			i = len(d.shares)
			c := connector.Conn{Server: s.Name, Local: d.local, Remote: region.From()}
			gets, asked := known[id]
			if m.Outcome() == connector.Selected && !asked {
				gets = behaviour{true, accessOf(x, c, allAccess), x.Simulate(c, anyPeer).Authentication}
				known[id] = gets
			}
			d.shares = append(d.shares, share{id: id, gets: gets})
		}
		d.shares[i].ranges.AddRange(region)
		d.shares[i].doubt |= m.Doubt()
	}
	for i := range d.shares {
		d.shares[i].addrs, _ = d.shares[i].ranges.IPSet() // valid ranges do not fail
	}
	return d
}

// against returns what sources get at another server that they do not get at this one, as if they moved from here to there; but for
// those of Exchange servers.
func (p *profile) against(o *profile, pl *places) (moves []connector.Move) {
	for _, port := range portsOf(p, o) {
		for _, v4 := range []bool{true, false} {
			here, there := p.door(port, v4), o.door(port, v4)
			for _, a := range here.shares {
				for _, b := range there.shares {
					if a.gets == b.gets {
						continue
					}
					set := overlap(a.addrs, b.addrs)
					if isEmpty(set) {
						continue
					}
					if set = less(set, pl.where); isEmpty(set) {
						continue
					}
					doubt := a.doubt | b.doubt
					if !a.gets.surelyDiffers(b.gets) {
						doubt |= connector.DoubtMissing
					}
					moves = append(moves, connector.Move{Server: o.server, Local: there.local, From: a.id, To: b.id,
						Addrs: connector.RangesOf(set), Witness: firstOf(set), Doubt: doubt})
				}
			}
		}
	}
	return moves
}

// door returns what answers at a port; where nothing listens all are refused.
func (p *profile) door(port uint16, v4 bool) door {
	for _, d := range p.doors {
		if d.port == port && d.v4 == v4 {
			return d
		}
	}
	all, unspecified := connector.MustParseRange("::/0"), netip.IPv6Unspecified()
	if v4 {
		all, unspecified = connector.MustParseRange("0.0.0.0/0"), netip.IPv4Unspecified()
	}
	return door{port: port, v4: v4, local: netip.AddrPortFrom(unspecified, port),
		shares: []share{{addrs: connector.IPSet(all)}}}
}

func portsOf(ps ...*profile) (ports []uint16) {
	for _, p := range ps {
		for _, d := range p.doors {
			if !slices.Contains(ports, d.port) {
				ports = append(ports, d.port)
			}
		}
	}
	slices.Sort(ports)
	return ports
}
