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

// Pass is what a check works with: the topology, its index, and one server after the other.
type Pass struct {
	Topology *connector.Topology
	Index    *connector.Index
	Server   string // the one that is audited; checks report about it alone

	ctx        context.Context
	check      *Check
	checks     []*Check
	traffic    *traffic
	connectors map[string][]connector.ReceiveConnector // by key of the server
	servers    []string                                // in scope
	proving    bool                                    // the findings only prove a fix, so they need no fixes themselves
	findings   []Finding
	baseline   map[string][]Finding // findings of a server, without fixes
	latest     *attemptsOf          // of the server that was asked for last
}

// Connectors returns the connectors of the server that is audited, in the order of the configuration. The slice is shared and must not
// be changed.
func (p *Pass) Connectors() []connector.ReceiveConnector { return p.connectors[key(p.Server)] }

// Record returns what is known of the server that is audited, see [connector.Topology.AllServers].
func (p *Pass) Record() connector.Server { return *p.traffic.servers[key(p.Server)] }

// attemptsOf are the connections of all flows toward one server, and what its connectors take latently.
type attemptsOf struct {
	server   string
	attempts []attempt // but for those in passed
	passed   []attempt // that are as they should be
	ports    []uint16  // at which Exchange servers connect to it with Exchange Server authentication
	latents  []*latent // nil: not asked yet
}

// toward simulates all flows toward a server. Checks go server by server, so the latest answer is kept.
func (p *Pass) toward(server string) *attemptsOf {
	if p.latest == nil || !strings.EqualFold(p.latest.server, server) {
		probe := newProber(p.traffic.places, p.Index)
		before := p.latest
		p.latest = &attemptsOf{server: server, ports: []uint16{25}} // at which any pair of generations may meet
		if before != nil {
			p.latest.passed = before.passed[:0] // a thousand servers have thousands each, and nobody keeps them
		}
		for f := range p.traffic.toward(server) {
			for _, a := range probe.attempts(f) {
				if a.passes() {
					p.latest.passed = append(p.latest.passed, a)
				} else {
					p.latest.attempts = append(p.latest.attempts, a)
				}
			}
			if !slices.Contains(p.latest.ports, f.Port) {
				p.latest.ports = append(p.latest.ports, f.Port)
			}
		}
	}
	return p.latest
}

// attemptsToward returns the connections of the flows toward a server, but for those that pass and leave nothing to ask.
func (p *Pass) attemptsToward(server string) []attempt { return p.toward(server).attempts }

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
	return &Pass{Topology: t, Index: x, ctx: ctx, checks: checks, traffic: trafficOf(t), connectors: connectorsOf(t),
		servers: x.Servers(), baseline: map[string][]Finding{}}, nil
}

// connectorsOf returns the connectors of each server, by its key.
func connectorsOf(t *connector.Topology) map[string][]connector.ReceiveConnector {
	by := make(map[string][]connector.ReceiveConnector)
	for _, c := range t.Connectors {
		k := key(c.ID.Server)
		by[k] = append(by[k], c)
	}
	return by
}

// run fills p.findings, server by server.
func (p *Pass) run() error {
	for _, p.Server = range p.servers {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		for _, p.check = range p.checks {
			if err := p.check.Run(p); err != nil {
				return fmt.Errorf("%s: %w", p.check.ID, err)
			}
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
