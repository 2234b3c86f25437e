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

	absent bool // the topology has no connector that is wanted
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

	unknown []string // what the topology lacks to know the answer
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
	var flows []*Result
	for i, c := range cases {
		r := &results[i]
		r.Case, r.Err = c, c.check()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch {
		case r.Err != nil:
		case c.Flow != nil:
			flows = append(flows, r)
		case c.Findings != nil:
			if err := e.askFindings(r); err != nil {
				return nil, err
			}
		default:
			e.askConnections(r)
		}
	}
	if len(flows) == 0 {
		return results, nil
	}
	return results, e.askFlows(flows)
}

type evaluator struct {
	*asker
	ctx      context.Context
	findings []audit.Finding
	audited  bool // the findings are there
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
		f := Failure{Got: g.text(r.Case), Conn: g.first.conn(), Addrs: g.addrs}
		if q.peer != nil {
			f.Verdict = e.x.Simulate(f.Conn, *q.peer)
		} else {
			f.Verdict = &connector.Verdict{Explanation: e.x.Explain(f.Conn)}
		}
		if g.open || g.got.open() {
			f.unknown = e.unknown(f.Verdict.Explanation, r.Case.follows())
		}
		r.Failures = append(r.Failures, f)
	}
	r.absent = !r.Holds() && !e.known(r.Case)
}

// open tells whether the answer is in doubt, or not known, because something is missing.
func (c Case) open() bool {
	return c.Doubt.Has(connector.DoubtMissing) || c.Authentication == connector.AuthenticationUnknown ||
		c.Encryption == connector.StepUnknown || c.Mail == connector.StepUnknown || c.Relay == connector.StepUnknown
}

// unknown lists what is not known of the connectors that may decide, and, if the case goes on, of what decides about the session.
func (e *evaluator) unknown(x *connector.Explanation, goesOn bool) (list []string) {
	const aside = connector.PropertyAddresses | connector.PropertySite | connector.PropertyDAG // which do not matter to a session
	if s := e.servers[key(x.Conn.Server)]; goesOn && s.Missing&^aside != 0 {
		list = append(list, s.Name+": "+(s.Missing&^aside).String())
	}
	for _, step := range x.Steps {
		missing := step.Missing
		if c, ok := e.t.Connector(step.Connector); ok && goesOn && step.Reason == connector.Won {
			missing |= c.Missing
			if c.PermissionGroups.Has(connector.GroupCustom) && len(c.Rights) == 0 {
				missing |= connector.PropertyRights
			}
		}
		if missing != 0 {
			list = append(list, step.Connector.String()+": "+missing.String())
		}
	}
	return list
}

// known tells whether the topology has a connector that the case wants, if it wants one.
func (e *evaluator) known(c Case) bool {
	if c.Want.IsZero() && c.Like == "" {
		return true
	}
	return slices.ContainsFunc(e.t.Connectors, func(o connector.ReceiveConnector) bool {
		return c.Want.Equal(o.ID) || c.Like != "" && isLike(c.Like, o.ID, o.ID.Server)
	})
}

// answered is sources that get one answer, as far as a case asks, at one endpoint.
type answered struct {
	first piece
	got   Case
	open  bool // what follows is not known
	holds bool
	addrs []connector.Range
}

// text is the answer in the words of the case.
func (g answered) text(c Case) string {
	text := g.got.Wanted()
	if c.Reply == (connector.Reply{}) || g.got.Reply != (connector.Reply{}) {
		return text
	}
	none := "no reply that refuses anything"
	if g.open {
		none = "reply unknown"
	}
	if text == "" {
		return none
	}
	return text + ", " + none
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
			open := q.peer != nil && c.Reply != connector.Reply{} && e.follow(p, *q.peer).open
			groups = append(groups, answered{first: p, got: got, open: open, holds: holds(c, got, p.server)})
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
	return r.Code == want.Code && (want.Enhanced == "" || r.Enhanced == want.Enhanced) && strings.HasPrefix(r.Text, want.Text)
}

// holds tells whether an answer of a server is what a case wants.
func holds(c, got Case, server string) bool {
	switch {
	case c.Doubt != got.Doubt:
	case !c.Want.IsZero() && !c.Want.Equal(got.Want):
	case c.Like != "" && !isLike(c.Like, got.Want, server):
	case c.By.IsValid() && (!got.By.IsValid() || c.By.Compare(got.By) != 0):
	case c.Outcome == connector.Selected && got.Want.IsZero():
	case c.Outcome > connector.Selected && c.Outcome != got.Outcome:
	case c.Refused && got.Outcome == 0:
	case c.Authentication != got.Authentication, c.Encryption != got.Encryption, c.Mail != got.Mail, c.Relay != got.Relay:
	case c.Reply != (connector.Reply{}) && !begins(got.Reply, c.Reply):
	default:
		return true
	}
	return false
}

// isLike tells whether a connector is one that is wanted of a server.
func isLike(like string, got connector.ID, server string) bool {
	want, err := connector.ParseID(like)
	if err != nil || got.IsZero() || want.Server != everything && key(want.Server) != key(server) {
		return false
	}
	return matches(connector.ID{Name: want.Name}.Key().Name, connector.ID{Name: got.Name}.Key().Name)
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

// rangeList prints ranges as the From of a case.
func rangeList(rs []connector.Range) string {
	texts := make([]string, len(rs))
	for i, r := range rs {
		texts[i] = r.String()
	}
	return strings.Join(texts, ",")
}
