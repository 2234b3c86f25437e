package audit

import (
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// prove returns of each group of alternatives the first that holds.
func (p *Pass) prove(f Finding, failing []attempt, groups [][]Fix) []Fix {
	var proved []Fix
	for _, group := range groups {
		for _, fix := range group {
			if p.holds(f, failing, &fix) {
				proved = append(proved, fix)
				break
			}
		}
	}
	return proved
}

// holds applies a fix to a copy of the server's connectors, because a change of one server cannot matter to another, and
// tells whether there
//
//  1. every connection that failed reaches Exchange Server authentication, so the finding is gone,
//  2. no connection between servers that did before does not, and
//  3. no finding of its severity or above is new, or about addresses it was not about.
//
// It fills in what the fix moves, and whether it is safe.
func (p *Pass) holds(f Finding, failing []attempt, fix *Fix) bool {
	server := f.Subject.Server
	before := p.only(server)
	after, err := before.Apply(fix.Changes...)
	if err != nil || len(fix.Changes) == 0 {
		return false
	}
	y, err := connector.Compile(after)
	if err != nil {
		return false
	}
	doubt := connector.Doubt(0)
	for _, a := range failing {
		v := y.Simulate(a.conn(), a.verdict.Peer)
		if v.Authentication != connector.Authenticated {
			return false
		}
		doubt |= v.Doubt
	}
	asked := make(map[*connector.Verdict]bool) // flows share verdicts
	for _, a := range p.attemptsToward(server) {
		if asked[a.verdict] || a.verdict.Authentication != connector.Authenticated {
			continue
		}
		asked[a.verdict] = true
		if y.Simulate(a.conn(), a.verdict.Peer).Authentication != connector.Authenticated {
			return false
		}
	}
	later, err := p.audited(after, y, server)
	if err != nil || p.worse(f, later) {
		return false
	}
	x, err := connector.Compile(before)
	if err != nil {
		return false
	}
	fix.Moves = connector.Diff(x, y)
	fix.Safe = doubt == 0 && safe(meant(failing), fix.Moves, before, after)
	return true
}

// meant returns the sources that a fix is to move, by the port they connect to.
func meant(failing []attempt) map[uint16]*netipx.IPSet {
	byPort := make(map[uint16]*netipx.IPSetBuilder)
	for _, a := range failing {
		port := a.conn().Local.Port()
		if byPort[port] == nil {
			byPort[port] = new(netipx.IPSetBuilder)
		}
		byPort[port].Add(a.conn().Remote)
	}
	sets := make(map[uint16]*netipx.IPSet)
	for port, b := range byPort {
		sets[port], _ = b.IPSet() // valid addresses do not fail
	}
	return sets
}

// only returns the topology with the connectors of one server.
func (p *Pass) only(server string) *connector.Topology {
	t := *p.Topology
	t.Connectors = slices.DeleteFunc(slices.Clone(t.Connectors), func(c connector.ReceiveConnector) bool {
		return !strings.EqualFold(c.ID.Server, server)
	})
	return &t
}

// audited returns the findings about one server, all of them and without fixes.
func (p *Pass) audited(t *connector.Topology, x *connector.Index, server string) ([]Finding, error) {
	q := &Pass{Topology: t, Index: x, ctx: p.ctx, checks: p.checks, traffic: p.traffic, servers: []string{server}, proving: true}
	if x == p.Index {
		q.latest = p.latest
	}
	err := q.run()
	return q.findings, err
}

// worse tells whether a later audit has a finding of f's severity or above that today's has not, or not about all of its
// addresses.
func (p *Pass) worse(f Finding, later []Finding) bool {
	server := key(f.Subject.Server)
	today, ok := p.baseline[server]
	if !ok {
		today, _ = p.audited(p.Topology, p.Index, f.Subject.Server)
		p.baseline[server] = today
	}
	return slices.ContainsFunc(later, func(l Finding) bool {
		return l.Severity >= f.Severity && !slices.ContainsFunc(today, func(t Finding) bool { return t.covers(l) })
	})
}

// covers tells whether f says at least as much as l: the same, as severe, about all of l's addresses.
func (f Finding) covers(l Finding) bool {
	return f.same(l) && f.Severity >= l.Severity && f.contains(l.Addrs)
}
