package audit

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc009 = &Check{
	ID:       idLatent,
	Title:    "latent: an Exchange server at these addresses would get 451 5.7.3",
	Severity: Warning,
	Run:      checkRC009,
	Doc: `At an endpoint where some connector offers Exchange Server authentication, another one that does not
wins these sources. Only ports at which Exchange servers connect to each other are looked at, and no server list is
needed. A server that is installed at, moved to, or renumbered into these addresses cannot deliver here: "451 5.7.3
Cannot achieve Exchange Server authentication".

If the addresses of known or planned servers are among them, the finding is about those addresses, and a warning:
traffic that only may occur, such as a reroute inside a site, would fail. Otherwise it is a note about every source
that the connector wins by a range wider than a single host. A relay connector scoped to single application hosts
is never reported, and neither is the address of the server itself, nor a network that the topology calls that of Exchange
Online, a partner or another forest, where no server of the organization stands. A connector that only suppresses X-ANONYMOUSTLS,
as between sites with WAN optimization devices, is left to RC001, which knows the servers that use it.

Source: as RC001.`,
}

// anyPeer may authenticate in every way there is: where even it cannot, no server can.
var anyPeer = connector.Peer{DowngradedExchangeAuth: true}

func checkRC009(p *Pass) error {
	for _, l := range p.latentsAt(p.Server) {
		p.reportLatent(p.Server, l)
	}
	return nil
}

// latentsAt returns what connectors of a server hold at endpoints at which it gets connections of Exchange servers, another connector could
// authenticate them, and they cannot; in the order of the configuration.
func (p *Pass) latentsAt(server string) []*holding {
	known := p.toward(server)
	if known.latents != nil {
		return known.latents
	}
	known.latents = []*holding{}
	for _, h := range p.spaceAt(server).holdings {
		l := &holding{connector: h.connector}
		for _, part := range h.parts {
			c := connector.Conn{Server: server, Local: part.local, Remote: part.won.Ranges()[0].From()} // any: it depends on the winner only
			if slices.Contains(known.ports, part.local.Port()) && p.Index.Simulate(c, anyPeer).Cause == connector.CauseWrongConnector {
				l.parts = append(l.parts, part)
			}
		}
		if l.wins() {
			known.latents = append(known.latents, l)
		}
	}
	return known.latents
}

// held returns the addresses of known and planned servers, but for the server itself, that the connector takes.
func (p *Pass) held(server string, l *holding) *netipx.IPSet {
	return less(overlap(l.won(anywhere), p.traffic.where), p.traffic.own[key(server)])
}

// heldBy returns a failing connection for each address of a known or planned server that a connector takes.
func (p *Pass) heldBy(id connector.ID) []attempt {
	for _, l := range p.latentsAt(id.Server) {
		if l.connector.ID.Equal(id) {
			return p.heldAttempts(l, p.held(id.Server, l))
		}
	}
	return nil
}

// mostSingles is how many addresses a fix may add one by one.
const mostSingles = 256

// heldAttempts returns the connections at which the connector takes the addresses, none if they are too many to be listed
// one by one.
func (p *Pass) heldAttempts(l *holding, held *netipx.IPSet) (as []attempt) {
	if !countable(held.Ranges()) {
		return nil
	}
	for _, one := range singles(held) {
		as = append(as, p.takenAt(l, one.Span().From())...)
	}
	return as
}

// takenAt returns the connections at which the connector takes an address, one for each of its endpoints.
func (p *Pass) takenAt(l *holding, a netip.Addr) (as []attempt) {
	for _, part := range l.parts {
		if part.won.Contains(a) {
			c := connector.Conn{Server: l.connector.ID.Server, Local: part.local, Remote: a}
			as = append(as, attempt{conn: c, verdict: p.Index.Simulate(c, anyPeer)})
		}
	}
	return as
}

func (p *Pass) reportLatent(server string, l *holding) {
	held := p.held(server, l)
	if len(held.Ranges()) > 0 {
		f := Finding{Subject: l.connector.ID, Certainty: Certain, Addrs: connector.RangesOf(held)}
		for _, a := range p.attemptsToward(server) {
			if n := len(f.Flows); a.failed() && a.winner().Equal(l.connector.ID) && (n == 0 || f.Flows[n-1] != a.flow) {
				f.Flows = append(f.Flows, a.flow)
			}
		}
		p.describe(&f, l, "Exchange servers at these addresses could not authenticate here; %s")
		p.report(f, p.heldAttempts(l, held))
		return
	}
	wide := clients(less(l.wide(anywhere), p.traffic.foreign))
	f := Finding{Subject: l.connector.ID, Certainty: PossiblyTrue, Addrs: connector.RangesOf(wide)}
	if len(f.Addrs) > 0 {
		p.describe(&f, l, "an Exchange server at one of these addresses could not authenticate here; %s")
		p.Report(f)
	}
}

// describe fills in a witness for the first address of a finding, and what follows from it.
func (p *Pass) describe(f *Finding, l *holding, format string) {
	f.Witness = p.takenAt(l, f.Addrs[0].Span().From())[0].verdict // it is taken at one of the endpoints at least
	for _, s := range f.Witness.Capable {
		f.Related = append(f.Related, s.Connector)
	}
	f.Message = fmt.Sprintf(format, capable(*f))
}

// both yields, in their order, what two sorted lists of ranges that do not touch have in common.
func both(as, bs []netipx.IPRange) iter.Seq[netipx.IPRange] {
	return func(yield func(netipx.IPRange) bool) {
		for len(as) > 0 && len(bs) > 0 {
			a, b := as[0], bs[0]
			from, to := a.From(), a.To()
			if from.Less(b.From()) {
				from = b.From()
			}
			if b.To().Less(to) {
				to = b.To()
			}
			if r := netipx.IPRangeFrom(from, to); r.IsValid() && !yield(r) {
				return
			}
			if a.To().Less(b.To()) {
				as = as[1:]
			} else {
				bs = bs[1:]
			}
		}
	}
}

// countable tells whether a set is small enough to be listed address by address.
func countable(rs []netipx.IPRange) bool {
	n := 0
	for _, r := range rs {
		for a := r.From(); a.IsValid() && r.Contains(a); a = a.Next() {
			if n++; n > mostSingles {
				return false
			}
		}
	}
	return true
}
