package connector

import (
	"fmt"
	"strings"
)

// Authentication is how far a peer gets with authentication. Zero is not set.
type Authentication uint8

const (
	Authenticated           Authentication = iota + 1
	NotAuthenticated                       // Verdict.Cause says why
	AuthenticationUnknown                  // a property that decides it is missing
	AuthenticationNotSought                // the peer does not ask for it
)

// String prints "authenticated", "not authenticated", "unknown" or "not sought".
func (a Authentication) String() string {
	switch a {
	case Authenticated:
		return "authenticated"
	case NotAuthenticated:
		return "not authenticated"
	case AuthenticationUnknown:
		return "unknown"
	case AuthenticationNotSought:
		return "not sought"
	}
	return ""
}

// SenderStep is one rule of the sending server, in the order it follows them.
type SenderStep struct {
	Taken bool // the rule applied and the sender acted on it
	Basis Basis
}

// Verdict is what a peer gets that connects: which connector serves it, what it is offered, how far it gets. [Index.Simulate] makes
// it; what its methods return is computed anew by each call, from the index and not from the fields. They are safe for
// concurrent use. The zero Verdict answers nothing.
type Verdict struct {
	Explanation *Explanation
	Peer        Peer
	// Authentication tells how far authentication gets, Cause what stands in the way, Reply what ends the session or, of an
	// Exchange server, what its queue gets. Principal is on whose behalf a session that is not ended goes on.
	Authentication Authentication
	Cause          Cause
	Reply          Reply
	Principal      Principal
	// Doubt is that of the decision, and DoubtMissing if a property that decides authentication was assumed.
	Doubt Doubt
	// Capable are the other connectors at the endpoint with which a peer that must authenticate could, the nearest first.
	Capable []Step

	connector *ReceiveConnector // nil if none is selected
	receiver  *receiver
	admission admission
}

// outcomeCauses are those of the outcomes other than Selected.
var outcomeCauses = map[Outcome]Cause{NoRange: CauseNoRange, NotListening: CauseNotListening,
	UnknownServer: CauseUnknownServer, InvalidConn: CauseInvalidConn}

// Simulate tells what a peer gets over connection c. That Kerberos works, that no firewall rewrites the session, and that
// certificates can be used unless the topology says otherwise, is assumed.
func (x *Index) Simulate(c Conn, p Peer) *Verdict {
	v := &Verdict{Explanation: x.Explain(c), Peer: p}
	s := x.server(c.Server)
	if s != nil && p.Authenticates() {
		for _, step := range v.Explanation.Steps {
			if step.Reason < NotInRange || step.Reason == Won {
				continue
			}
			other, _ := x.connector(step.Connector)
			if other.admit(p, s.receiver).authentication == Authenticated {
				v.Capable = append(v.Capable, step)
			}
		}
	}
	v.conclude(s)
	return v
}

// Session is what [Verdict.Session] of [Index.Simulate] returns, without the explanation of the decision, which takes most of the time: for
// many questions about what clients get.
func (x *Index) Session(c Conn, p Peer) []SessionStep {
	v := &Verdict{Explanation: &Explanation{Conn: c, Match: x.Select(c)}, Peer: p}
	v.conclude(x.server(c.Server))
	return v.Session()
}

// Reach tells whether a stage of the session of a peer is granted, with whichever sender: StepDone if one is, else StepUnknown if that is
// not known of one, else StepRefused, whether it is refused, skipped, or the session does not get that far.
func (x *Index) Reach(c Conn, p Peer, stage Stage) StepState {
	reached := StepRefused
	for _, s := range x.Session(c, p) {
		if s.Stage == stage && (s.State == StepDone || s.State == StepUnknown && reached != StepDone) {
			reached = s.State
		}
	}
	return reached
}

// conclude fills in what follows from the decision.
func (v *Verdict) conclude(s *serverIndex) {
	p, m := v.Peer, v.Explanation.Match
	v.Doubt = m.Doubt()
	if m.Outcome() != Selected {
		v.Authentication, v.Cause = NotAuthenticated, outcomeCauses[m.Outcome()]
		if v.Cause == CauseUnknownServer || v.Cause == CauseInvalidConn {
			v.Authentication = AuthenticationUnknown
		}
		return
	}
	v.connector, v.receiver = m.connector(), s.receiver
	v.admission = v.connector.admit(p, s.receiver)
	a := v.admission
	v.Authentication, v.Cause, v.Reply = a.authentication, a.cause, a.reply
	if ended := a.authentication == NotAuthenticated && a.cause != CauseNoDirectTrust || a.cause == CauseNoSTARTTLS; !ended {
		v.Principal = a.principal
	}
	v.Doubt |= a.doubt
	if p.exchange() && v.Cause == CauseNoMechanism && len(v.Capable) > 0 {
		v.Cause = CauseWrongConnector
	}
	if v.Authentication == Authenticated && v.inClearWithoutTLS() {
		v.Cause = CauseRequireTLS
	}
	if v.Reply == (Reply{}) && (!p.exchange() || v.Cause == CauseNoDirectTrust || v.Cause == CauseRequireTLS) {
		v.Reply = refusalOf(v.Session())
	}
}

// inClearWithoutTLS tells whether the connector refuses to take mail because the session is in clear.
func (v *Verdict) inClearWithoutTLS() bool {
	return v.connector.RequireTLS && v.admission.encryption == inClear
}

// refusalOf returns the reply to MAIL FROM if every sender is refused.
func refusalOf(steps []SessionStep) (reply Reply) {
	for _, s := range steps {
		if s.Stage < StageOwnSender || s.Stage > StageForeignSender || s.State == StepSkipped {
			continue
		}
		if s.State != StepRefused {
			return Reply{}
		}
		reply = s.Reply
	}
	return reply
}

// connector finds the index's own copy of a connector.
func (x *Index) connector(id ID) (*ReceiveConnector, bool) {
	s := x.server(id.Server)
	if s == nil {
		return nil, false
	}
	for _, same := range []func(ID) bool{func(o ID) bool { return o == id }, id.Equal} { // the spelling of the topology is faster
		for _, i := range s.connectors {
			if same(x.connectors[i].ID) {
				return &x.connectors[i], true
			}
		}
	}
	return nil, false
}

// Offer returns what the selected connector announces, the zero Offer if none is selected or its AuthMechanism is not known.
func (v *Verdict) Offer() Offer {
	if v.connector == nil || v.connector.Missing.Has(PropertyAuthMechanism) {
		return Offer{}
	}
	return v.connector.offer(v.receiver)
}

// SenderSteps returns the rules that an Exchange server follows when it sees the offer, in order, and which it acts on; nothing
// for other peers, and if no connector is selected or its AuthMechanism is not known.
func (v *Verdict) SenderSteps() []SenderStep {
	if v.connector == nil || !v.Peer.exchange() || v.connector.Missing.Has(PropertyAuthMechanism) {
		return nil
	}
	var steps []SenderStep
	for i, taken := range v.connector.senderRules(v.Peer, v.receiver) {
		steps = append(steps, SenderStep{taken, senderRules[i]})
	}
	return steps
}

// Session returns every step of the session and what becomes of it, in order, as if the peer tried each kind of sender and, with
// one that is accepted, each kind of recipient. There is one step, refused without a reply, if no connector is selected, and
// none if the question cannot be answered.
func (v *Verdict) Session() []SessionStep {
	if v.Explanation == nil {
		return nil
	}
	switch v.Explanation.Match.Outcome() {
	case Selected:
		return v.connector.walk(v.Peer, v.receiver, v.admission)
	case NoRange, NotListening:
		w := &walker{}
		w.end(StageConnect, StepRefused, Reply{}, v.Cause.Basis())
		return w.steps
	}
	return nil
}

// Step returns one step of [Verdict.Session], and whether it has one.
func (v *Verdict) Step(s Stage) (SessionStep, bool) {
	for _, step := range v.Session() {
		if step.Stage == s {
			return step, true
		}
	}
	return SessionStep{}, false
}

// Rights returns what the peer may do in the session, none if there is no principal.
func (v *Verdict) Rights() EffectiveRights {
	if v.connector == nil || v.Principal == 0 {
		return EffectiveRights{}
	}
	return v.connector.EffectiveRights(v.Principal, v.receiver.generation)
}

// Mail tells whether the peer's mail to the organization goes through: for a peer that must authenticate, whether it does and may
// send as itself then; for any other, whether mail from a foreign sender to an accepted domain is taken.
func (v *Verdict) Mail() StepState {
	if v.Explanation == nil {
		return StepUnknown
	}
	if v.Peer.Authenticates() {
		switch {
		case v.Cause == CauseRequireTLS:
			return StepRefused
		case v.Authentication == Authenticated:
			return StepDone
		case v.Authentication == AuthenticationUnknown:
			return StepUnknown
		}
		return StepRefused
	}
	state := StepUnknown
	for _, step := range v.Session() {
		switch {
		case step.Stage <= StageEncrypt && step.State == StepRefused:
			return StepRefused
		case step.Stage == StageForeignSender:
			state = step.State
		case step.Stage == StageAcceptedRecipient && state == StepDone && step.State != StepDone:
			state = StepRefused
		}
	}
	return state
}

// String prints the decision, what is offered of encryption and authentication, what an Exchange server does with it, and the outcome; for any other peer the steps of
// the session.
func (v *Verdict) String() string {
	var b strings.Builder
	if v.Explanation == nil {
		return ""
	}
	b.WriteString(v.Explanation.String())
	if v.Explanation.Match.Outcome() == Selected {
		o := v.Offer()
		fmt.Fprintf(&b, "  offered in clear: %s\n", orNothing(o.Clear.Security()))
		if o.AfterSTARTTLS != nil && !v.Peer.exchange() {
			fmt.Fprintf(&b, "  offered after STARTTLS: %s\n", orNothing(o.AfterSTARTTLS.Security()))
		}
		if o.AfterXAnonymousTLS != nil && v.Peer.exchange() {
			fmt.Fprintf(&b, "  offered after X-ANONYMOUSTLS: %s\n", orNothing(o.AfterXAnonymousTLS.Security()))
		}
	}
	for _, s := range v.SenderSteps() {
		if s.Taken {
			fmt.Fprintf(&b, "  sender: %s\n", s.Basis.Rule)
		}
	}
	if !v.Peer.exchange() {
		for _, s := range v.Session() {
			fmt.Fprintf(&b, "  %s\n", s)
		}
	}
	what := "authentication"
	if v.Peer.exchange() {
		what = "Exchange Server authentication"
	}
	fmt.Fprintf(&b, "  %s: %s", what, v.Authentication)
	if v.Cause != 0 {
		fmt.Fprintf(&b, " (%s: %s)", v.Cause, v.Cause.Basis().Rule)
	}
	return b.String() + "\n"
}

func orNothing(lines EHLO) string {
	if len(lines) == 0 {
		return "nothing"
	}
	return lines.String()
}
