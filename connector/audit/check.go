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
	idCaptured      = "RC001"
	idLatent        = "RC009"
	idRelay         = "RC201"
	idUnknownRights = "RC903"
)

// All returns every check, by ID. The slice is the caller's, the checks are shared and must not be changed.
func All() []*Check {
	return []*Check{rc001, rc002, rc003, rc004, rc005, rc006, rc007, rc008, rc009, rc010, rc011, rc012, rc013, rc014, rc015,
		rc102, rc103, rc104, rc105, rc106, rc107, rc108, rc109, rc110, rc111, rc201, rc202, rc203, rc204, rc205, rc206,
		rc301, rc302, rc303, rc304, rc305,
		rc901, rc902, rc903, rc904, rc905, rc906, rc907, rc908}
}

// ParseChecks reads a list of IDs and of their beginnings, in any case: "RC001, RC2" is RC001 and all of the two hundreds. The checks come in
// the order of [All], each once. Every error is a [*connector.ParseError].
func ParseChecks(s string) ([]*Check, error) {
	asked := make(map[*Check]bool)
	at := 0
	for part := range strings.SplitSeq(s, ",") {
		name := strings.TrimSpace(part)
		found := false
		for _, c := range All() {
			if name != "" && len(name) <= len(c.ID) && strings.EqualFold(c.ID[:len(name)], name) {
				asked[c], found = true, true
			}
		}
		if !found {
			err := connector.ErrUnknownName
			if name == "" {
				err = connector.ErrEmpty
			}
			return nil, &connector.ParseError{Kind: "check", Input: s, Offset: at + len(part) - len(strings.TrimLeft(part, " \t")), Err: err}
		}
		at += len(part) + 1
	}
	return slices.DeleteFunc(All(), func(c *Check) bool { return !asked[c] }), nil
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
	proposals  []proposal  // for the findings of the server at hand
	today      int         // where the findings of the server at hand begin
	latest     *attemptsOf // of the server that was asked for last
	space      *space      // of the server that was asked for last
	drift      *drift      // what the servers of each group answer
}

// Connectors returns the connectors of the server that is audited, in the order of the configuration. The slice is shared and must not
// be changed.
func (p *Pass) Connectors() []connector.ReceiveConnector { return p.connectors[key(p.Server)] }

// Record returns what is known of the server that is audited, see [connector.Topology.AllServers].
func (p *Pass) Record() connector.Server { return *p.traffic.servers[key(p.Server)] }

// attemptsOf are the connections of all flows toward one server, and what its connectors take latently.
type attemptsOf struct {
	server   string
	attempts []attempt  // but for those in passed
	passed   []attempt  // that are as they should be
	others   []attempt  // of flows that need no Exchange Server authentication
	ports    []uint16   // at which Exchange servers connect to it with Exchange Server authentication
	latents  []*holding // nil: not asked yet
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
				switch {
				case !f.ExchangeAuth:
					p.latest.others = append(p.latest.others, a)
				case a.passes():
					p.latest.passed = append(p.latest.passed, a)
				default:
					p.latest.attempts = append(p.latest.attempts, a)
				}
			}
			if !f.ExchangeAuth {
				continue
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
// and subject, and last those that t accepts, see [connector.Acceptance]. A finding of RC009 about a connector that RC001 reports is left out, unless it names further servers, and one of RC903
// about a connector that RC201 reports as possible.
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
	return p.settled(), nil
}

// settled returns the findings without those that others say, with what is accepted noted, in their order.
func (p *Pass) settled() []Finding {
	fs := fold(p.findings)
	needed := accept(fs, p.Topology.Accepted)
	if slices.Contains(p.checks, rc908) {
		unneeded := p.unneeded(needed)
		accept(unneeded, p.Topology.Accepted) // of which one may have been accepted in turn
		fs = append(fs, unneeded...)
	}
	slices.SortStableFunc(fs, Finding.compare)
	return fs
}

func newPass(ctx context.Context, t *connector.Topology, checks []*Check) (*Pass, error) {
	x, err := connector.Compile(t)
	if err != nil {
		return nil, err
	}
	tr := trafficOf(t)
	return &Pass{Topology: t, Index: x, ctx: ctx, checks: checks, traffic: tr, connectors: connectorsOf(t), servers: x.Servers(),
		drift: driftOf(t, x, tr.places)}, nil
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

// run fills p.findings, server by server: first what is wrong, then what mends it.
func (p *Pass) run() error {
	for _, p.Server = range p.servers {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		p.today, p.proposals = len(p.findings), nil
		for _, p.check = range p.checks {
			if err := p.check.Run(p); err != nil {
				return fmt.Errorf("%s: %w", p.check.ID, err)
			}
		}
		p.mend()
	}
	return nil
}

// fold leaves out what RC009 says about a connector that RC001 reports, unless it is about servers that RC001 does not
// name, and what RC903 says about one that RC201 finds possible by the same rights.
func fold(fs []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(fs), func(f Finding) bool { return f.foldedInto(fs) })
}

// foldedInto tells whether another finding says what f does.
func (f Finding) foldedInto(fs []Finding) bool {
	return (f.Check == idLatent || f.Check == idUnknownRights) && slices.ContainsFunc(fs, func(o Finding) bool {
		switch {
		case !o.Subject.Equal(f.Subject):
			return false
		case f.Check == idUnknownRights:
			return o.Check == idRelay && o.Certainty != Certain
		}
		return o.Check == idCaptured && (f.Certainty != Certain || o.contains(f.Addrs))
	})
}

// Report adds a finding of the running check. Check, Severity and Source are filled in; a Severity that is given is kept.
func (p *Pass) Report(f Finding) {
	f.Check = p.check.ID
	if f.Severity == 0 {
		f.Severity = f.Certainty.under(p.check.Severity)
	}
	f.Source = p.Record().Source
	if i := slices.IndexFunc(p.Connectors(), func(c connector.ReceiveConnector) bool { return c.ID.Equal(f.Subject) }); i >= 0 {
		f.Source = p.Connectors()[i].Source
	}
	p.findings = append(p.findings, f)
}

// proposal is what may mend a finding, asked for once all findings of the server are known.
type proposal struct {
	finding    int       // position in Pass.findings
	failing    []attempt // that have to authenticate afterwards
	candidates func() [][]candidate
}

// report is Report with the connections that fail; fixes for them are proposed, and those that hold are kept.
func (p *Pass) report(f Finding, failing []attempt) {
	p.Report(f)
	if len(failing) > 0 {
		p.proposals = append(p.proposals, proposal{len(p.findings) - 1, failing, func() [][]candidate { return p.candidates(failing) }})
	}
}

// mostProofs is for how many findings of one check on one server fixes are tried, if no mail between servers hangs on them.
const mostProofs = 20

// reportWith is Report with groups of alternatives that may mend the finding; those that hold are kept.
func (p *Pass) reportWith(f Finding, candidates func() [][]candidate) {
	p.Report(f)
	f = p.findings[len(p.findings)-1]
	n := 0
	for _, o := range p.proposals {
		n += one(p.findings[o.finding].Check == f.Check)
	}
	if n < mostProofs {
		p.proposals = append(p.proposals, proposal{len(p.findings) - 1, nil, candidates})
	}
}

// mend proves the proposals for the findings of the server at hand.
func (p *Pass) mend() {
	if p.proving {
		return
	}
	for _, o := range p.proposals {
		if f := &p.findings[o.finding]; !f.foldedInto(p.findings[p.today:]) {
			f.Fixes, f.Rejected = p.prove(*f, o.failing, o.candidates())
		}
	}
}
