package audit

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc009 = &Check{
	ID:       idLatent,
	Title:    "latent: an Exchange server at these addresses would get 451 5.7.3",
	Severity: Warning,
	Run:      checkRC009,
	Doc: `At an endpoint where some connector offers Exchange Server authentication, another one that does not
wins these sources. No server list is needed for that. A server that is installed at, moved to, or renumbered into
these addresses cannot deliver here: "451 5.7.3 Cannot achieve Exchange Server authentication".

If the addresses of known or planned servers are among them, the finding is about those addresses, and a warning:
traffic that only may occur, such as a reroute inside a site, would fail. Otherwise it is a note about every source
that the connector wins by a range wider than a single host. A relay connector scoped to single application hosts
is never reported, and neither is the address of the server itself. A connector that only suppresses X-ANONYMOUSTLS,
as between sites with WAN optimization devices, is left to RC001, which knows the servers that use it.

Source: as RC001.`,
}

// anyPeer may authenticate in every way there is: where even it cannot, no server can.
var anyPeer = connector.Peer{DowngradedExchangeAuth: true}

// latent is what one connector takes at endpoints where another could authenticate Exchange servers.
type latent struct {
	winner  connector.ID
	witness *connector.Verdict
	taken   netipx.IPSetBuilder // everything the connector wins
	wide    netipx.IPSetBuilder // the part of it won by more than a single host
}

func checkRC009(p *Pass) error {
	return p.eachServer(func(server string) {
		for _, l := range p.latents(server) {
			p.reportLatent(server, l)
		}
	})
}

// latents asks every region of every endpoint of a server; in the order of the first region.
func (p *Pass) latents(server string) []*latent {
	var ls []*latent
	for _, local := range p.Index.Endpoints(server) {
		verdicts := make(map[connector.ID]*connector.Verdict) // authentication depends on the winner only
		for region, m := range p.Index.Regions(server, local) {
			if m.Outcome() != connector.Selected {
				continue
			}
			v := verdicts[m.Connector()]
			if v == nil {
				v = p.Index.Simulate(connector.Conn{Server: server, Local: local, Remote: region.From()}, anyPeer)
				verdicts[m.Connector()] = v
			}
			if v.Authentication != connector.NotAuthenticated || len(v.Capable) == 0 || v.Cause == connector.CauseNotPermitted {
				continue
			}
			i := slices.IndexFunc(ls, func(l *latent) bool { return l.winner.Equal(m.Connector()) })
			if i < 0 {
				i = len(ls)
				ls = append(ls, &latent{winner: m.Connector(), witness: v})
			}
			ls[i].taken.AddRange(region)
			if !m.Range().IsSingle() {
				ls[i].wide.AddRange(region)
			}
		}
	}
	return ls
}

// held returns the addresses of known and planned servers, but for the server itself, that the connector takes.
func (p *Pass) held(server string, l *latent) *netipx.IPSet {
	l.taken.Intersect(&p.traffic.where)
	l.taken.RemoveSet(p.traffic.own[strings.ToLower(server)])
	set, _ := l.taken.IPSet() // valid ranges do not fail
	return set
}

func (p *Pass) reportLatent(server string, l *latent) {
	held := p.held(server, l)
	wide, _ := l.wide.IPSet()
	f := Finding{Subject: l.winner, Witness: l.witness}
	for _, s := range l.witness.Capable {
		f.Related = append(f.Related, s.Connector)
	}
	if len(held.Ranges()) == 0 {
		f.Certainty, f.Addrs = PossiblyTrue, connector.RangesOf(wide)
		if len(f.Addrs) > 0 {
			f.Message = fmt.Sprintf("an Exchange server at one of these addresses could not authenticate here; %s", capable(f))
			p.Report(f)
		}
		return
	}
	f.Certainty, f.Addrs = Certain, connector.RangesOf(held)
	for _, a := range p.attemptsToward(server) {
		if a.failed() && a.winner().Equal(l.winner) && !slices.Contains(f.Flows, a.flow) {
			f.Flows = append(f.Flows, a.flow)
		}
	}
	f.Message = fmt.Sprintf("Exchange servers at these addresses could not authenticate here; %s", capable(f))
	p.Report(f, p.candidatesFor(held, l)...)
}

// candidatesFor proposes what RC001 would, for a set of addresses that no known flow needs yet.
func (p *Pass) candidatesFor(held *netipx.IPSet, l *latent) []Fix {
	var as []attempt
	if addrs := held.Ranges(); countable(addrs) {
		for _, r := range singles(held) {
			c := l.witness.Explanation.Conn
			c.Remote = r.Span().From()
			if v := p.Index.Simulate(c, anyPeer); v.Explanation.Match.Connector().Equal(l.winner) {
				as = append(as, attempt{verdict: v})
			}
		}
	}
	return p.candidates(as)
}

// mostSingles is how many addresses a fix may add one by one.
const mostSingles = 256

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
