package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Control is a demand that a published hardening guide makes on receive connectors. Guides look at one property of one connector at a time;
// what meeting it does to mail follows from the whole topology.
type Control struct {
	ID         string // RC301; where meeting it to the letter can break mail, that of the check that tells
	Title      string
	Demands    string   // on which connectors, and what, in our words
	Frameworks []string // where it is published: "DISA STIG V-259595"
	Safely     string   // how its purpose is met without breaking mail between servers

	applies func(connector.Server, connector.ReceiveConnector) bool
	needs   connector.Properties                  // that have to be known
	told    func(connector.ReceiveConnector) bool // nil: always
	letter  func(*connector.ReceiveConnector)
	purpose func(connector.ReceiveConnector) bool
	safe    func(*connector.ReceiveConnector)
}

// Controls returns the controls that are known, by ID. The slice is the caller's, the controls are shared and must not be changed.
func Controls() []*Control {
	return []*Control{control301, control302, control303, control304, control305, control306, control307}
}

// ControlState tells whether a connector meets a control. Zero is not set.
type ControlState uint8

const (
	ControlMet           ControlState = iota + 1 // to the letter, or as far as its purpose goes
	ControlNotMet                                // neither
	ControlNotApplicable                         // it makes no demand on this connector
	ControlUnknown                               // a property that decides it is not known
)

var controlStates = [...]string{"", "met", "not met", "not applicable", "unknown"}

// String prints "met", "not met", "not applicable" or "unknown".
func (s ControlState) String() string {
	if int(s) < len(controlStates) {
		return controlStates[s]
	}
	return ""
}

// ControlResult is what becomes of one control on one connector.
type ControlResult struct {
	Control *Control
	Subject connector.ID
	State   ControlState
	Letter  bool               // it is met to the letter; else, if it is met, as far as its purpose goes
	Change  connector.Change   // that would meet it to the letter; nothing changes if Letter, and it is zero if the control does not apply or cannot be told
	Refused *connector.Refusal // why the cmdlets would refuse that, whatever other connectors there are; nil if they would not
	Breaks  []connector.Flow   // what that would break of the flows that pass
	Broken  []connector.Flow   // what fails because it is met to the letter, and would not with the safe form
}

// Hardening evaluates every control on every connector, by control and in the order of the configuration: whether it is met, and by
// simulation what meeting it to the letter would do to the flows of the topology. The error is that of [connector.Compile], or of the
// context.
func Hardening(ctx context.Context, t *connector.Topology) ([]ControlResult, error) {
	p, err := newPass(ctx, t, nil)
	if err != nil {
		return nil, err
	}
	by := make(map[*Control][]ControlResult)
	for _, p.Server = range p.servers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, k := range Controls() {
			for _, c := range p.Connectors() {
				by[k] = append(by[k], p.evaluate(k, c))
			}
		}
	}
	var all []ControlResult
	for _, k := range Controls() {
		all = append(all, by[k]...)
	}
	return all, nil
}

// evaluate evaluates a control on a connector of the server at hand.
func (p *Pass) evaluate(k *Control, c connector.ReceiveConnector) ControlResult {
	r := ControlResult{Control: k, Subject: c.ID, State: ControlNotMet}
	switch {
	case c.Missing&k.needs != 0 || k.told != nil && !k.told(c):
		r.State = ControlUnknown
		return r
	case !k.applies(p.Record(), c):
		r.State = ControlNotApplicable
		return r
	}
	r.Change = connector.Edit(c, k.letter)
	if r.Letter = r.Change.IsNoop(); r.Letter || k.purpose(c) {
		r.State = ControlMet
	}
	if r.Letter {
		r.Broken = p.healed(c, connector.Edit(c, k.safe))
		return r
	}
	if rs := p.refusedAlone(r.Change); len(rs) > 0 {
		r.Refused = rs[0]
	}
	r.Breaks = p.broken(c, r.Change)
	return r
}

// refusedAlone returns what the cmdlets would refuse of a change whatever other connectors there are.
func (p *Pass) refusedAlone(c connector.Change) []*connector.Refusal {
	t := p.only(p.Server)
	t.Connectors = []connector.ReceiveConnector{*c.Before}
	return connector.Refusals(t.Validate(c))
}

// broken returns the flows that pass by a connector and would not after a change of what it offers and allows.
func (p *Pass) broken(c connector.ReceiveConnector, change connector.Change) (flows []connector.Flow) {
	if c.Disabled {
		return nil
	}
	breaks := make(map[*connector.Verdict]bool)
	var x *connector.Index
	known := p.toward(p.Server)
	for _, as := range [][]attempt{known.passed, known.others} {
		for _, a := range as {
			if a.verdict.Mail() != connector.StepDone || !a.winner().Equal(c.ID) {
				continue
			}
			is, asked := breaks[a.verdict]
			if !asked {
				if x == nil {
					x = alone(p.Record(), *change.After)
				}
				is = x.Simulate(a.conn, a.verdict.Peer).Mail() == connector.StepRefused
				breaks[a.verdict] = is
			}
			if n := len(flows); is && (n == 0 || flows[n-1] != a.flow) {
				flows = append(flows, a.flow)
			}
		}
	}
	return flows
}

// healed returns the flows that fail by a connector and would not after a change of what it offers and allows.
func (p *Pass) healed(c connector.ReceiveConnector, change connector.Change) (flows []connector.Flow) {
	if c.Disabled || change.IsNoop() {
		return nil
	}
	var x *connector.Index
	for _, a := range p.attemptsToward(p.Server) {
		if !a.failed() || !a.winner().Equal(c.ID) || a.flow.Why.Mark == connector.Unknown {
			continue
		}
		if x == nil {
			x = alone(p.Record(), *change.After)
		}
		if n := len(flows); x.Simulate(a.conn, a.verdict.Peer).Mail() == connector.StepDone && (n == 0 || flows[n-1] != a.flow) {
			flows = append(flows, a.flow)
		}
	}
	return flows
}

// check returns the check that tells where meeting the control to the letter breaks mail.
func (k *Control) check(doc string) *Check {
	return &Check{ID: k.ID, Title: "hardening: " + k.Title + ", to the letter, breaks mail", Severity: Warning, Doc: doc + "\n\nIt is a warning where the control was followed to the letter and a flow fails for that; a note, as a caution, where following it would break a " +
		"flow that passes, or where the cmdlets would refuse it.\n\n" + k.Safely + "\n\nPublished as: " + strings.Join(k.Frameworks, ", ") + ".",
		Run: func(p *Pass) error {
			for _, c := range p.Connectors() {
				p.reportControl(p.evaluate(k, c), c)
			}
			return nil
		}}
}

func (p *Pass) reportControl(r ControlResult, c connector.ReceiveConnector) {
	f := Finding{Subject: c.ID, Certainty: Certain}
	if len(r.Broken)+len(r.Breaks) == 0 && r.Refused == nil {
		return
	}
	what := strings.Join(r.Control.Frameworks, ", ")
	var texts []string
	for _, d := range r.Change.Differences() {
		texts = append(texts, d.String())
	}
	letter := strings.Join(texts, "; ")
	switch {
	case len(r.Broken) > 0:
		f.Flows = r.Broken
		f.Message = fmt.Sprintf("%s is met to the letter here, and that is why mail from %s fails", what, sendersText(f.Flows))
	case len(r.Breaks) > 0:
		f.Flows, f.Severity = r.Breaks, Note
		f.Message = fmt.Sprintf("%s to the letter (%s) would break mail from %s", what, letter, sendersText(f.Flows))
	case r.Refused != nil && r.State == ControlNotMet:
		f.Severity = Note
		f.Message = fmt.Sprintf("%s to the letter (%s) is refused by the cmdlets: %s", what, letter, r.Refused.Text)
	default:
		return
	}
	if len(f.Flows) > 0 && !slices.ContainsFunc(f.Flows, func(f connector.Flow) bool { return f.Need == connector.Required }) {
		f.Certainty = PossiblyTrue
	}
	if r.State == ControlMet && len(r.Broken) == 0 {
		f.settled = true
		f.Message += "; its purpose is met as it is"
	}
	safe := connector.Edit(c, r.Control.safe)
	p.reportWith(f, func() [][]candidate {
		if f.settled || safe.IsNoop() {
			return nil
		}
		return [][]candidate{{{kind: FixSetting, title: "meet it safely", changes: []connector.Change{safe}}}}
	})
}
