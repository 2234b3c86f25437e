package topotest

import (
	"context"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// Result is what became of one case.
type Result struct {
	Case Case
	// Err tells why the case cannot be asked: it is not well-formed, or what it names is not in the topology. It wraps
	// connector.ErrInvalid, connector.ErrNotFound or a *connector.ParseError.
	Err error
	// Failures are the answers that are not what is wanted: by server, endpoint and address, in the order of the flows, or the findings.
	Failures []Failure
	// Asked is how many answers there were: decisions about runs of sources at endpoints, flows, or findings.
	Asked int

	today []Case // of a case that fails: what would hold
}

// Failure is an answer that is not what a case wants.
type Failure struct {
	// Got is the answer, in the words in which the case says what it wants.
	Got string
	// Of a connection: Conn is the first one that gets this answer, Addrs all sources that do at this endpoint, exactly and in address
	// order, and Verdict the decision, explained; if the case has no peer, it is that of the zero Peer and only its Explanation counts.
	Conn    connector.Conn
	Addrs   []connector.Range
	Verdict *connector.Verdict
	Flow    *audit.FlowResult // of a flow
	Finding *audit.Finding    // of a finding; nil if none was found
}

// Holds tells whether the topology answers as the case wants.
func (r Result) Holds() bool { return r.Err == nil && len(r.Failures) == 0 }

// Evaluate asks a topology all the cases; results are in their order. The error is that of [connector.Compile], of an audit, or of the
// context; a case that cannot be asked has one in its Result.
func Evaluate(ctx context.Context, t *connector.Topology, cases []Case) ([]Result, error) {
	a, err := newAsker(t)
	if err != nil {
		return nil, err
	}
	e := &evaluator{asker: a, ctx: ctx}
	results := make([]Result, len(cases))
	for i, c := range cases {
		results[i] = Result{Case: c}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := e.ask(&results[i]); err != nil {
			return nil, err
		}
	}
	return results, nil
}

type evaluator struct {
	*asker
	ctx      context.Context
	flows    []audit.FlowResult // all of them, once they are asked for
	findings []audit.Finding
	audited  bool // the findings are there
}

// ask fills in a result. The error ends it all.
func (e *evaluator) ask(r *Result) error {
	if r.Err = r.Case.check(); r.Err != nil {
		return nil
	}
	switch {
	case r.Case.Flow != nil:
		e.askFlows(r)
	case r.Case.Findings != nil:
		return e.askFindings(r)
	default:
		e.askConnections(r)
	}
	return nil
}

func (e *evaluator) askConnections(r *Result) {
	q, err := e.question(r.Case)
	if err != nil {
		r.Err = err
		return
	}
	ps, err := e.pieces(r.Case, q)
	if err != nil {
		r.Err = err
		return
	}
	r.Asked = len(ps)
	groups := e.answered(r.Case, q, ps)
	for _, g := range groups {
		if g.holds {
			continue
		}
		f := Failure{Got: g.got.Wanted(), Conn: g.first.conn(), Addrs: g.addrs}
		if q.peer != nil {
			f.Verdict = e.x.Simulate(f.Conn, *q.peer)
		} else {
			f.Verdict = &connector.Verdict{Explanation: e.x.Explain(f.Conn)}
		}
		r.Failures = append(r.Failures, f)
	}
	if len(r.Failures) > 0 {
		r.today = observedCases(r.Case, groups)
	}
}

// answered is sources that get one answer, as far as a case asks, at one endpoint.
type answered struct {
	first piece
	got   Case
	holds bool
	addrs []connector.Range
}

// answered groups what a case asks about by the answers, in the order of the pieces.
func (e *evaluator) answered(c Case, q question, ps []piece) []answered {
	type group struct {
		place
		got string
	}
	at := make(map[group]int)
	var groups []answered
	var sets []*netipx.IPSetBuilder
	for _, p := range ps {
		got := e.observe(c, q, p)
		k := group{place{key(p.server), p.local}, got.Wanted()}
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, answered{first: p, got: got, holds: holds(c, got, p.server)})
			sets = append(sets, new(netipx.IPSetBuilder))
		}
		sets[i].AddRange(p.span)
	}
	for i, b := range sets {
		set, _ := b.IPSet() // valid ranges do not fail
		groups[i].addrs = connector.RangesOf(set)
	}
	return groups
}

// observedCases returns cases that ask what a case asks and want what there is.
func observedCases(c Case, groups []answered) (cases []Case) {
	for _, g := range groups {
		one := g.got
		one.Name, one.Why, one.Group = c.Name, c.Why, c.Group
		if len(groups) > 1 {
			one.Conn, one.From = connector.Conn{Server: g.first.server, Local: g.first.local}, rangeList(g.addrs)
		}
		cases = append(cases, one)
	}
	return cases
}

// observe returns the case as the topology answers it: what is wanted of each kind is what there is.
func (e *evaluator) observe(c Case, q question, p piece) Case {
	got := Case{Conn: c.Conn, From: c.From, Peer: c.Peer, Doubt: p.match.Doubt()}
	if c.decides() {
		if p.match.Outcome() == connector.Selected {
			got.Want = p.match.Connector()
			if c.By.IsValid() {
				got.By = p.match.Range()
			}
		} else {
			got.Outcome = p.match.Outcome()
		}
	}
	if !c.follows() {
		return got
	}
	s := e.follow(p, *q.peer)
	got.Doubt |= s.doubt
	if c.Authentication != 0 {
		got.Authentication = s.authentication
	}
	for _, stage := range []struct {
		want connector.StepState
		is   state
		to   *connector.StepState
	}{{c.Encryption, s.encryption, &got.Encryption}, {c.Mail, s.mail, &got.Mail}, {c.Relay, s.relay, &got.Relay}} {
		if stage.want != 0 {
			*stage.to = stage.is.StepState
			got.Doubt |= stage.is.doubt
		}
	}
	if c.Reply == (connector.Reply{}) {
		return got
	}
	if i := slices.IndexFunc(s.replies, func(r connector.Reply) bool { return begins(r, c.Reply) }); i >= 0 {
		got.Reply = s.replies[i]
	} else if len(s.replies) > 0 {
		got.Reply = s.replies[0]
	}
	return got
}

// begins tells whether a reply is the one that is wanted, as far as that is given.
func begins(r, want connector.Reply) bool {
	return r.Code == want.Code && (want.Enhanced == "" || r.Enhanced == want.Enhanced) && (want.Side == 0 || r.Side == want.Side) &&
		strings.HasPrefix(r.Text, want.Text)
}

// holds tells whether an answer of a server is what a case wants.
func holds(c, got Case, server string) bool {
	switch {
	case c.Doubt != got.Doubt:
	case !c.Want.IsZero() && !isWanted(c.Want, got.Want, server):
	case c.By.IsValid() && (!got.By.IsValid() || c.By.Compare(got.By) != 0):
	case c.Outcome == connector.Selected && got.Want.IsZero():
	case c.Outcome > connector.Selected && c.Outcome != got.Outcome:
	case c.Refused && (got.Outcome == 0 || got.Outcome == connector.UnknownServer):
	case c.Authentication != got.Authentication, c.Encryption != got.Encryption, c.Mail != got.Mail, c.Relay != got.Relay:
	case c.Reply != (connector.Reply{}) && !begins(got.Reply, c.Reply):
	default:
		return true
	}
	return false
}

// isWanted tells whether a connector is the one that is wanted of a server.
func isWanted(want, got connector.ID, server string) bool {
	if got.IsZero() || want.Server != everything && key(want.Server) != key(got.Server) {
		return false
	}
	name := connector.ID{Name: want.Name}.Key().Name
	return matches(name, connector.ID{Name: got.Name}.Key().Name) && key(server) == key(got.Server)
}

// matches tells whether a name is of a pattern, in which * stands for any text.
func matches(pattern, name string) bool {
	first, rest, starred := strings.Cut(pattern, everything)
	if !starred {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	for {
		next, behind, more := strings.Cut(rest, everything)
		if !more {
			return strings.HasSuffix(name, next)
		}
		i := strings.Index(name, next)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(next):], behind
	}
}

func (e *evaluator) askFlows(r *Result) {
	f := r.Case.Flow
	if e.flows == nil {
		e.flows = audit.Flows(e.t, e.x)
	}
	var matching, outside []*audit.FlowResult
	for i := range e.flows {
		switch o := &e.flows[i]; {
		case !f.match(o.Flow):
		case o.State == audit.FlowOutside:
			outside = append(outside, o)
		default:
			matching = append(matching, o)
		}
	}
	if len(matching) == 0 {
		matching = outside
	}
	if len(matching) == 0 {
		r.Err = notFound("there is no such flow")
		return
	}
	r.Asked = len(matching)
	for _, o := range matching {
		if o.State != r.Case.State {
			r.Failures = append(r.Failures, Failure{Got: o.State.String(), Flow: o})
		}
		if one := r.Case; len(matching) == 1 {
			one.State = o.State
			r.today = []Case{one}
		} else {
			one.Flow = &Flows{From: o.Flow.From, To: o.Flow.To, Purpose: o.Flow.Purpose, Port: o.Flow.Port}
			one.State = o.State
			r.today = append(r.today, one)
		}
	}
}

// match tells whether the question is about a flow.
func (f Flows) match(o connector.Flow) bool {
	named := func(want, name string) bool { return !asked(want) || key(want) == key(name) }
	return named(f.From, o.From) && named(f.To, o.To) && (f.Purpose == 0 || f.Purpose == o.Purpose) &&
		(f.Port == 0 || f.Port == o.Port) && (f.Need == 0 || f.Need == o.Need)
}

func (e *evaluator) askFindings(r *Result) error {
	f := r.Case.Findings
	checks := audit.All()
	if f.Checks != "" {
		checks, _ = audit.ParseChecks(f.Checks) // Case.check has seen to it
	}
	if err := e.audit(); err != nil {
		return err
	}
	found := 0
	for i, o := range e.findings {
		if !f.match(o, checks) {
			continue
		}
		found++
		if !r.Case.Found {
			r.Failures = append(r.Failures, Failure{Got: o.Check + " " + o.Severity.String() + " " + o.Subject.String(), Finding: &e.findings[i]})
		}
	}
	r.Asked = max(1, found)
	opposite := r.Case
	opposite.Found = !opposite.Found
	r.today = []Case{opposite}
	if r.Case.Found && found == 0 {
		r.Failures = append(r.Failures, Failure{Got: "no such finding"})
	}
	return nil
}

// audit runs all checks, once: some fold what others say, so that a part of them would tell something else.
func (e *evaluator) audit() (err error) {
	if !e.audited {
		e.audited = true
		e.findings, err = audit.Run(e.ctx, e.t)
	}
	return err
}

// match tells whether the question is about a finding.
func (f Findings) match(o audit.Finding, checks []*audit.Check) bool {
	return o.Accepted == "" && o.Severity >= f.Severity && slices.ContainsFunc(checks, func(c *audit.Check) bool { return c.ID == o.Check }) &&
		connector.Acceptance{Check: o.Check, Subject: f.Subject}.Covers(o.Check, o.Subject, o.Addrs)
}

// rangeList prints ranges as the From of a case.
func rangeList(rs []connector.Range) string {
	texts := make([]string, len(rs))
	for i, r := range rs {
		texts[i] = r.String()
	}
	return strings.Join(texts, ",")
}

// today returns cases that ask what results are about and want what there is: a case that holds, or cannot be asked, as it is.
func today(results []Result) (cases []Case) {
	for _, r := range results {
		if r.Holds() || r.Err != nil {
			cases = append(cases, r.Case)
		} else {
			cases = append(cases, r.today...)
		}
	}
	return cases
}
