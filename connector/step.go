package connector

import "fmt"

// Stage is a step that a client takes in a session. Stages are in the order of the session; those of MAIL FROM are alternatives
// to each other, and so are those of RCPT TO. Zero is not set.
type Stage uint8

const (
	StageConnect Stage = iota + 1
	StageEHLO
	StageEncrypt           // STARTTLS or X-ANONYMOUSTLS
	StageAuthenticate      // AUTH, X-EXPS, direct trust or domain security
	StageOwnSender         // MAIL FROM the peer's own address
	StageAcceptedSender    // MAIL FROM another address of an accepted domain
	StageForeignSender     // MAIL FROM any other address
	StageAcceptedRecipient // RCPT TO an address of an accepted domain
	StageForeignRecipient  // RCPT TO any other address: relay
)

var stageNames = [...]string{"", "connect", "EHLO", "encrypt", "authenticate", "MAIL FROM own address", "MAIL FROM accepted domain",
	"MAIL FROM foreign domain", "RCPT TO accepted domain", "RCPT TO foreign domain"}

// String prints "connect", "EHLO", "encrypt", "authenticate", "MAIL FROM own address", "RCPT TO foreign domain", ...
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return ""
}

// StepState is what becomes of a step. Zero is not set.
type StepState uint8

const (
	StepDone    StepState = iota + 1 // granted
	StepRefused                      // and the session does not get any further by it
	StepSkipped                      // the peer does not take it, or does not get that far
	StepUnknown                      // not known, see the basis
)

var stepStateNames = [...]string{"", "done", "refused", "skipped", "unknown"}

// String prints "done", "refused", "skipped" or "unknown".
func (s StepState) String() string {
	if int(s) < len(stepStateNames) {
		return stepStateNames[s]
	}
	return ""
}

// SessionStep is one step of a session and its outcome.
type SessionStep struct {
	Stage Stage
	State StepState
	Reply Reply // the zero Reply if there is none or none is known
	Basis Basis
	Doubt Doubt // [DoubtVersion]: the wording is that of later versions; [DoubtMissing]: a property that matters is unknown
}

// String prints "RCPT TO foreign domain: refused, 550 5.7.1 Unable to relay".
func (s SessionStep) String() string {
	text := fmt.Sprintf("%s: %s", s.Stage, s.State)
	if r := s.Reply.String(); r != "" {
		text += ", " + r
	} else if s.Reply.Side != 0 {
		text += ", by a reply whose code is unknown"
	}
	if s.Doubt != 0 {
		text += fmt.Sprintf(" (doubt: %s)", s.Doubt)
	}
	return text
}

// The rules of the steps.
var (
	basisSkipped        = Basis{"an earlier step ended the session", Inferred, ""}
	basisGreeting       = Basis{"a connector was selected", Documented, "Receive connectors"}
	basisReady          = Basis{"the connector offers it, and the peer takes it", Observed, "public trace"}
	basisNoAnonymousTLS = Basis{"X-ANONYMOUSTLS is not offered, and STARTTLS is never taken to reach Exchange authentication", Product, ""}
	basisNoTLS          = Basis{"the peer stays in clear", Inferred, ""}
	basisNoSTARTTLS     = Basis{"STARTTLS is not offered, and the peer goes on in clear", Inferred, ""}
	basisInsists        = Basis{"STARTTLS is not offered, and the peer insists on it; the text is what the queue of Exchange Online " +
		"shows", Observed, "techcommunity 4445548"}
	basisUM = Basis{"Unified Messaging asks for X-ANONYMOUSTLS without looking at the offer, and the connector does not " +
		"know it", Observed, "exchangemaster.wordpress.com 2017, NDR 5.3.3"}
	basisNotSought = Basis{"the peer does not authenticate", Inferred, ""}
	basisTrusted   = Basis{"the connector is externally secured, so the session is trusted without a login", Documented, "Receive connectors"}
	basisUserAuth  = Basis{"the mechanism is offered and Authenticated Users may submit", Documented,
		"Receive connectors; reply 235 is observed"}
	basisNoUserAuth = Basis{"the connector does not offer the mechanism in this state of the session", Observed,
		"list of replies in a server's configuration"}
	basisPassword   = Basis{"the credentials do not hold", Observed, "list of replies in a server's configuration, receive logs"}
	basisNotAllowed = Basis{"the credentials hold, but the principal lacks ms-Exch-SMTP-Submit, so authentication itself fails; " +
		"the code is unknown", Documented, "Receive connectors, event 1020"}
	basisDomainTLS = Basis{"DomainSecureEnabled is $true and the peer proves itself by its certificate; that its domain is in " +
		"TLSReceiveDomainSecureList is assumed", Documented, "New-ReceiveConnector, -DomainSecureEnabled"}
	basisNoDomain = Basis{"without domain security a partner is an anonymous client", Inferred, "Receive connectors"}
	basisAccount  = Basis{"Basic authentication over TLS with an account in Exchange Servers", Documented,
		"configure a cross-forest Send connector"}
	basisNoAccount = Basis{"the connector offers no LOGIN over TLS, and is not externally secured", Documented,
		"configure a cross-forest Send connector"}
	basisNoSubmit  = Basis{"the principal lacks ms-Exch-SMTP-Submit; the code is unknown", Documented, "Receive connectors"}
	basisOwn       = Basis{"the principal may submit, and an own address passes the sender checks", Inferred, "Receive connectors"}
	basisNoOwn     = Basis{"an anonymous client has no address of its own", Inferred, ""}
	basisSender    = Basis{"the principal holds the right to send as such an address", Documented, "Receive connectors"}
	basisPartner   = Basis{"sender checks apply, and what they make of a partner's address is unknown", Unknown, ""}
	basisRecipient = Basis{"whoever may submit reaches the accepted domains", Documented, "Receive connectors"}
	basisRelay     = Basis{"the principal holds ms-Exch-SMTP-Accept-Any-Recipient", Documented, "Receive connectors, allow " +
		"anonymous relay"}
	basisOpen = Basis{"a right or property that decides it is not known", Unknown, ""}
)

// walker takes a peer through a session on a connector.
type walker struct {
	c     *ReceiveConnector
	r     *receiver
	p     Peer
	a     admission
	steps []SessionStep
	over  bool
}

func (w *walker) add(stage Stage, state StepState, reply Reply, b Basis, doubt Doubt) {
	w.steps = append(w.steps, SessionStep{stage, state, reply, b, doubt})
}

// end adds the step that ends the session, and those that are not reached.
func (w *walker) end(stage Stage, state StepState, reply Reply, b Basis) {
	w.add(stage, state, reply, b, 0)
	w.skip(stage + 1)
}

func (w *walker) skip(from Stage) { w.rest(from, StepSkipped, basisSkipped, 0) }

// rest adds one answer for a stage and all behind it.
func (w *walker) rest(from Stage, state StepState, b Basis, doubt Doubt) {
	for s := from; s <= StageForeignRecipient; s++ {
		w.add(s, state, Reply{}, b, doubt)
	}
	w.over = true
}

// walk returns every step of the session; a is what [ReceiveConnector.admit] says.
func (c *ReceiveConnector) walk(p Peer, r *receiver, a admission) []SessionStep {
	w := &walker{c: c, r: r, p: p, a: a}
	w.add(StageConnect, StepDone, replyBanner, basisGreeting, 0)
	w.add(StageEHLO, StepDone, replyOK, basisGreeting, 0)
	w.encrypt()
	if !w.over {
		w.authenticate()
	}
	if !w.over {
		w.send()
	}
	return w.steps
}

func (w *walker) encrypt() {
	a := w.a
	switch {
	case a.cause == CauseMissing && a.encryption == 0:
		w.add(StageEncrypt, StepUnknown, Reply{}, basisOpen, 0)
	case a.encryption == byXAnonymousTLS:
		w.add(StageEncrypt, StepDone, replyReady, senderRules[ruleAnonymousTLS], 0)
	case a.encryption == bySTARTTLS:
		w.add(StageEncrypt, StepDone, replyReady, basisReady, 0)
	case w.p.Kind == PeerUnifiedMessaging:
		w.end(StageEncrypt, StepRefused, a.reply, basisUM)
	case a.cause == CauseNoSTARTTLS:
		w.end(StageEncrypt, StepRefused, a.reply, basisInsists)
	case w.p.exchange():
		w.add(StageEncrypt, StepSkipped, Reply{}, basisNoAnonymousTLS, 0)
	case w.p.TLS == TLSNever && w.p.Kind != PeerCrossForest:
		w.add(StageEncrypt, StepSkipped, Reply{}, basisNoTLS, 0)
	default:
		w.add(StageEncrypt, StepSkipped, Reply{}, basisNoSTARTTLS, 0)
	}
}

func (w *walker) authenticate() {
	a := w.a
	switch {
	case a.authentication == Authenticated:
		w.add(StageAuthenticate, StepDone, a.success(), a.basis, a.doubt)
	case a.authentication == AuthenticationNotSought:
		w.add(StageAuthenticate, StepSkipped, Reply{}, a.basis, a.doubt)
	case a.authentication == AuthenticationUnknown:
		w.rest(StageAuthenticate, StepUnknown, basisOpen, 0)
	case a.cause == CauseNoDirectTrust: // goes on as an anonymous client
		w.add(StageAuthenticate, StepSkipped, Reply{}, a.basis, a.doubt)
	default:
		w.end(StageAuthenticate, StepRefused, a.reply, a.basis)
	}
}

// success is the reply to authentication: none where the session is trusted, or proves itself by its certificate.
func (a admission) success() Reply {
	switch a.principal {
	case PrincipalAuthenticatedUsers, PrincipalExchangeServers:
		return replyAuthenticated
	}
	return Reply{}
}

// send adds the steps of MAIL FROM and RCPT TO.
func (w *walker) send() {
	e, tls := w.c.EffectiveRights(w.a.principal, w.r.generation), Doubt(0)
	if w.a.encryption == inClear {
		if w.c.RequireTLS {
			reply, doubt := wordingStartTLS.of(w.r.generation)
			w.refuseSenders(reply, wordingStartTLS.basis, doubt)
			return
		}
		if w.c.Missing.Has(PropertyRequireTLS) {
			tls = DoubtMissing
		}
	}
	switch e.answer(RightSubmit) {
	case StepRefused:
		if w.a.principal != PrincipalAnonymous {
			w.refuseSenders(replyUnknown, basisNoSubmit, tls)
			return
		}
		reply, doubt := wordingNotAuthenticated.of(w.r.generation)
		w.refuseSenders(reply, wordingNotAuthenticated.basis, doubt|tls)
		return
	case StepUnknown:
		if !w.a.assumed {
			w.rest(StageOwnSender, StepUnknown, basisOpen, tls)
			return
		}
		e.Held |= e.Open // as authentication assumed
		e.Open, tls = 0, DoubtMissing
	}
	w.ownSender(e, tls)
	w.decide(StageAcceptedSender, e, RightAcceptAuthoritativeDomainSender, basisSender, wordingSender, tls)
	w.decide(StageForeignSender, e, RightAcceptAnySender, basisSender, wordingSender, tls)
	if !w.anySender() {
		w.skip(StageAcceptedRecipient)
		return
	}
	w.add(StageAcceptedRecipient, StepDone, replyOK, basisRecipient, tls)
	w.decide(StageForeignRecipient, e, RightAcceptAnyRecipient, basisRelay, wordingRelay, tls)
}

func (w *walker) refuseSenders(reply Reply, b Basis, doubt Doubt) {
	if w.noOwn() {
		w.add(StageOwnSender, StepSkipped, Reply{}, basisNoOwn, 0)
	} else {
		w.add(StageOwnSender, StepRefused, reply, b, doubt)
	}
	w.add(StageAcceptedSender, StepRefused, reply, b, doubt)
	w.add(StageForeignSender, StepRefused, reply, b, doubt)
	w.skip(StageAcceptedRecipient)
}

// noOwn tells whether the peer has no address that the server could take for its own.
func (w *walker) noOwn() bool {
	return w.a.principal == PrincipalAnonymous && w.p.Kind != PeerPartner
}

func (w *walker) ownSender(e EffectiveRights, doubt Doubt) {
	switch {
	case w.noOwn():
		w.add(StageOwnSender, StepSkipped, Reply{}, basisNoOwn, 0)
	case w.p.Kind == PeerPartner:
		w.decide(StageOwnSender, e, RightAcceptAnySender, basisSender, wordingSender, doubt)
	default:
		w.add(StageOwnSender, StepDone, replyOK, basisOwn, doubt)
	}
}

// decide adds a step that is done if a right is held.
func (w *walker) decide(stage Stage, e EffectiveRights, right Rights, granted Basis, refusal wording, doubt Doubt) {
	switch state := e.answer(right); {
	case state == StepDone:
		w.add(stage, state, replyOK, granted, doubt)
	case state == StepUnknown:
		w.add(stage, state, Reply{}, basisOpen, doubt)
	case w.a.principal == PrincipalPartnerServers && stage < StageAcceptedRecipient:
		w.add(stage, StepUnknown, Reply{}, basisPartner, doubt)
	default:
		reply, version := refusal.of(w.r.generation)
		w.add(stage, state, reply, refusal.basis, doubt|version)
	}
}

// anySender tells whether some sender got through, or may have.
func (w *walker) anySender() bool {
	for _, s := range w.steps {
		if s.Stage >= StageOwnSender && (s.State == StepDone || s.State == StepUnknown) {
			return true
		}
	}
	return false
}
