package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Check is one kind of fault. IDs are never reused and never renumbered.
type Check struct {
	ID       string
	Title    string
	Doc      string   // what it means, why it happens, what to do; plain text
	Severity Severity // of a certain finding
	Run      func(*Pass) error
}

// IDs of the checks that know of each other.
const (
	idCaptured = "RC001"
	idLatent   = "RC009"
)

// All returns every check, by ID. The slice is the caller's, the checks are shared and must not be changed.
func All() []*Check {
	return []*Check{rc001, rc009, rc901, rc902, rc903, rc904, rc905, rc906, rc907}
}

// Pass is what a check works with: the topology, its index and the traffic between its servers.
type Pass struct {
	Topology *connector.Topology
	Index    *connector.Index

	ctx      context.Context
	check    *Check
	checks   []*Check
	traffic  *traffic
	servers  []string // in scope
	proving  bool     // the findings only prove a fix, so they need no fixes themselves
	findings []Finding
	baseline map[string][]Finding // findings of a server, without fixes
	latest   *attemptsOf          // of the server that was asked for last
	alone    *connector.Topology  // with the connectors of the server aloneOf alone
	aloneOf  string
}

// attemptsOf are the connections of all flows toward one server, and what its connectors take latently.
type attemptsOf struct {
	server   string
	attempts []attempt
	latents  []*latent // nil: not asked yet
}

// attemptsToward simulates all flows toward a server. Checks go server by server, so the latest answer is kept.
func (p *Pass) attemptsToward(server string) []attempt {
	if p.latest == nil || !strings.EqualFold(p.latest.server, server) {
		probe := newProber(p.traffic.places, p.Index)
		p.latest = &attemptsOf{server: server}
		for _, f := range p.traffic.toward[key(server)] {
			p.latest.attempts = append(p.latest.attempts, probe.attempts(f)...)
		}
	}
	return p.latest.attempts
}

// Run audits t with the given checks, all of them if none is given. Findings come the most severe first, then by check
// and subject. A finding of RC009 about a connector that RC001 reports is left out, unless it names further servers.
//
// The error is that of [connector.Compile], of the context, or of a check.
func Run(ctx context.Context, t *connector.Topology, checks ...*Check) ([]Finding, error) {
	if len(checks) == 0 {
		checks = All()
	}
	p, err := newPass(ctx, t, checks)
	if err != nil {
		return nil, err
	}
	if err := p.run(); err != nil {
		return nil, err
	}
	return fold(p.findings), nil
}

func newPass(ctx context.Context, t *connector.Topology, checks []*Check) (*Pass, error) {
	x, err := connector.Compile(t)
	if err != nil {
		return nil, err
	}
	return &Pass{Topology: t, Index: x, ctx: ctx, checks: checks, traffic: trafficOf(t),
		servers: x.Servers(), baseline: map[string][]Finding{}}, nil
}

// run fills p.findings.
func (p *Pass) run() error {
	for _, c := range p.checks {
		p.check = c
		if err := c.Run(p); err != nil {
			return fmt.Errorf("%s: %w", c.ID, err)
		}
	}
	slices.SortStableFunc(p.findings, Finding.compare)
	return nil
}

// fold leaves out what RC009 says about a connector that RC001 reports, unless it is about servers that RC001 does not
// name.
func fold(fs []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(fs), func(f Finding) bool { return f.foldedInto(fs) })
}

// foldedInto tells whether one of the findings of RC001 says what f does.
func (f Finding) foldedInto(fs []Finding) bool {
	return f.Check == idLatent && slices.ContainsFunc(fs, func(o Finding) bool {
		return o.Check == idCaptured && o.Subject.Equal(f.Subject) && (f.Certainty != Certain || o.contains(f.Addrs))
	})
}

// Report adds a finding of the running check. Check, Severity and Source are filled in.
func (p *Pass) Report(f Finding) { p.report(f, nil) }

// report is Report with the connections that fail; fixes for them are proposed, and those that hold are kept.
func (p *Pass) report(f Finding, failing []attempt) {
	f.Check = p.check.ID
	f.Severity = f.Certainty.under(p.check.Severity)
	if c, ok := p.Topology.Connector(f.Subject); ok {
		f.Source = c.Source
	}
	if !p.proving && !f.foldedInto(p.findings) {
		f.Fixes, f.Rejected = p.prove(f, failing, p.candidates(failing))
	}
	p.findings = append(p.findings, f)
}

// eachServer calls check for the servers in scope until the context ends.
func (p *Pass) eachServer(check func(server string)) error {
	for _, s := range p.servers {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		check(s)
	}
	return nil
}

// eachConnector calls check for the connectors of the servers in scope, in the order of the configuration.
func (p *Pass) eachConnector(check func(connector.ReceiveConnector)) error {
	in := p.inScope()
	for _, c := range p.Topology.Connectors {
		if in[key(c.ID.Server)] {
			check(c)
		}
	}
	return p.ctx.Err()
}

// eachRecord calls check for what is known of the servers in scope, in the order of [connector.Topology.AllServers].
func (p *Pass) eachRecord(check func(connector.Server)) error {
	in := p.inScope()
	for _, s := range p.Topology.AllServers() {
		if in[key(s.Name)] {
			check(s)
		}
	}
	return p.ctx.Err()
}

// inScope returns the servers in scope by key.
func (p *Pass) inScope() map[string]bool {
	in := make(map[string]bool, len(p.servers))
	for _, s := range p.servers {
		in[key(s)] = true
	}
	return in
}
