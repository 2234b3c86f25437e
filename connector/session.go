package connector

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Peer is an Exchange server that connects inside the organization and therefore must authenticate as one.
type Peer struct {
	Version Version // of the sender; unknown is legal
	// DowngradedExchangeAuth: the sender may authenticate with X-EXPS GSSAPI in clear
	// (UseDowngradedExchangeServerAuth of Set-TransportService, default false).
	DowngradedExchangeAuth bool
}

// Authentication is how far a peer that needs Exchange Server authentication gets. Zero is not set.
type Authentication uint8

const (
	Authenticated         Authentication = iota + 1
	NotAuthenticated                     // mail does not flow; Verdict.Cause says why
	AuthenticationUnknown                // a property that decides it is missing
)

// String prints "authenticated", "not authenticated" or "unknown".
func (a Authentication) String() string {
	switch a {
	case Authenticated:
		return "authenticated"
	case NotAuthenticated:
		return "not authenticated"
	case AuthenticationUnknown:
		return "unknown"
	}
	return ""
}

// Cause is why a peer does not get Exchange Server authentication. Zero is none.
type Cause uint8

const (
	CauseWrongConnector Cause = iota + 1 // the winner does not offer it, another connector at the endpoint does
	CauseNoMechanism                     // no connector at the endpoint offers it
	CauseSuppressed                      // X-ANONYMOUSTLS is suppressed and the sender may not authenticate in clear
	CauseNotPermitted                    // offered, but ExchangeServers is not among the permission groups
	CauseNoRange                         // accepted and closed without a banner: no connector's range contains the source
	CauseNotListening                    // nothing listens at the endpoint
	CauseMissing                         // a property that decides it is unknown
	CauseUnknownServer                   // the topology does not know the receiving server
	CauseInvalidConn                     // the question is not a connection
)

var causes = [...]struct {
	name  string
	basis Basis
}{
	CauseWrongConnector: {"WrongConnector", Basis{"the selected connector does not offer Exchange Server authentication although another one at the endpoint does; no other connector is tried",
		Documented, "NDR 5.7.3, KB979175"}},
	CauseNoMechanism: {"NoMechanism", Basis{"no connector at the endpoint offers Exchange Server authentication", Documented, "KB979175"}},
	CauseSuppressed: {"Suppressed", Basis{"SuppressXAnonymousTls hides X-ANONYMOUSTLS, and the sender may not use X-EXPS GSSAPI in clear (UseDowngradedExchangeServerAuth)",
		Product, "WAN optimization controllers, disable TLS between Active Directory sites"}},
	CauseNotPermitted: {"NotPermitted", Basis{"Exchange Servers lack the right to submit on the connector (permission group ExchangeServers), so authentication itself fails; the code on the wire is unknown",
		Documented, "Receive connectors, event 1020"}},
	CauseNoRange:       {"NoRange", Basis{"no connector's range contains the source; the connection is closed without a banner", Product, ""}},
	CauseNotListening:  {"NotListening", Basis{"no enabled connector is bound to the endpoint, so TCP refuses", Inferred, ""}},
	CauseMissing:       {"Missing", Basis{"a property that decides it is not known", Unknown, ""}},
	CauseUnknownServer: {"UnknownServer", Basis{"the topology does not know the receiving server", Unknown, ""}},
	CauseInvalidConn:   {"InvalidConn", Basis{"the question is not a connection", Unknown, ""}},
}

// String prints the name of the constant without the word Cause.
func (c Cause) String() string {
	if int(c) < len(causes) {
		return causes[c].name
	}
	return ""
}

// Basis returns the rule behind the cause.
func (c Cause) Basis() Basis {
	if int(c) < len(causes) {
		return causes[c].basis
	}
	return Basis{}
}

// Side says who produces a reply. Zero is not set.
type Side uint8

const (
	SideSender   Side = iota + 1 // the sending server raises it by itself, although a queue shows it as the target's answer
	SideReceiver                 // the receiving server sends it
)

// String prints "sender" or "receiver".
func (s Side) String() string {
	switch s {
	case SideSender:
		return "sender"
	case SideReceiver:
		return "receiver"
	}
	return ""
}

// Reply is an SMTP reply and who produces it. The zero Reply means that there is none; a Code of 0 beside a Side means
// that there is one and that its code is unknown.
type Reply struct {
	Side     Side
	Code     int
	Enhanced string // 5.7.3
	Text     string
}

// String prints "451 5.7.3 Cannot achieve Exchange Server authentication".
func (r Reply) String() string {
	if r.Code == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s %s", r.Code, r.Enhanced, r.Text)
}

// cannotAchieve is raised by the sending server (product; the queue reads as if the target had said it).
var cannotAchieve = Reply{SideSender, 451, "5.7.3", "Cannot achieve Exchange Server authentication"}

// SenderStep is one rule of the sending server, in the order it follows them.
type SenderStep struct {
	Taken bool // the rule applied and the sender acted on it
	Basis Basis
}

// Verdict is what an Exchange server gets that connects and must authenticate.
type Verdict struct {
	Explanation *Explanation
	Peer        Peer
	Offer       Offer        // of the selected connector; zero if none is
	Steps       []SenderStep // what the sender does with the offer; empty if no connector is selected
	// Authentication tells whether mail flows, Cause why not, Reply what the sender's queue gets.
	Authentication Authentication
	Cause          Cause
	Reply          Reply
	// Doubt is that of the decision, and DoubtMissing if a property that decides authentication was assumed.
	Doubt Doubt
	// Capable are the other connectors at the endpoint with which the peer could authenticate, the nearest first.
	Capable []Step
}

// Simulate tells what an Exchange server that must authenticate gets over connection c. That certificates are usable, that
// Kerberos works and that no firewall rewrites the session is assumed.
func (x *Index) Simulate(c Conn, p Peer) *Verdict {
	v := &Verdict{Explanation: x.Explain(c), Peer: p}
	m := v.Explanation.Match
	v.Doubt = m.Doubt()
	refused := map[Outcome]Cause{NoRange: CauseNoRange, NotListening: CauseNotListening,
		UnknownServer: CauseUnknownServer, InvalidConn: CauseInvalidConn}
	s := x.server(c.Server)
	if s != nil {
		for _, step := range v.Explanation.Steps {
			if step.Reason < NotInRange || step.Reason == Won {
				continue
			}
			other, _ := x.connector(step.Connector)
			if authentication, _, _ := other.authenticate(p, s.edge); authentication == Authenticated {
				v.Capable = append(v.Capable, step)
			}
		}
	}
	if m.Outcome() != Selected {
		v.Authentication, v.Cause = NotAuthenticated, refused[m.Outcome()]
		if v.Cause == CauseUnknownServer || v.Cause == CauseInvalidConn {
			v.Authentication = AuthenticationUnknown
		}
		return v
	}
	rc := &x.connectors[m.d.connector]
	if !rc.Missing.Has(PropertyAuthMechanism) {
		v.Offer = rc.offer(s.edge)
		v.Steps = senderSteps(v.Offer, p)
	}
	v.Authentication, v.Cause, v.Reply = rc.authenticate(p, s.edge)
	if v.Cause == CauseNoMechanism && len(v.Capable) > 0 {
		v.Cause = CauseWrongConnector
	}
	if rc.AuthMechanism.Has(AuthExchangeServer) && rc.Missing&(PropertyPermissionGroups|PropertySuppressXAnonymousTLS) != 0 {
		v.Doubt |= DoubtMissing
	}
	if rc.AuthMechanism.Has(AuthExchangeServer) && s.certificateMissing {
		v.Doubt |= DoubtMissing // X-ANONYMOUSTLS needs it (product)
	}
	return v
}

// connector finds the index's own copy of a connector.
func (x *Index) connector(id ID) (*ReceiveConnector, bool) {
	s := x.server(id.Server)
	if s == nil {
		return nil, false
	}
	for _, i := range s.connectors {
		if x.connectors[i].ID.Equal(id) {
			return &x.connectors[i], true
		}
	}
	return nil, false
}

// authenticate is the one place that decides whether an Exchange server can authenticate with c. It does not look at other
// connectors, so it never answers CauseWrongConnector.
func (c *ReceiveConnector) authenticate(p Peer, edge bool) (Authentication, Cause, Reply) {
	if c.Missing.Has(PropertyAuthMechanism) {
		return AuthenticationUnknown, CauseMissing, Reply{}
	}
	steps := senderSteps(c.offer(edge), p)
	if gaveUp := steps[len(steps)-1].Taken; !gaveUp {
		switch c.exchangeServersSubmit() {
		case NotAuthenticated:
			return NotAuthenticated, CauseNotPermitted, Reply{Side: SideReceiver}
		case AuthenticationUnknown:
			return AuthenticationUnknown, CauseMissing, Reply{}
		}
		return Authenticated, 0, Reply{}
	}
	if c.AuthMechanism.Has(AuthExchangeServer) {
		return NotAuthenticated, CauseSuppressed, cannotAchieve
	}
	return NotAuthenticated, CauseNoMechanism, cannotAchieve
}

// exchangeServersSubmit tells whether Exchange servers may submit on the connector, without which authentication itself
// fails (documented). Groups that were not exported do not count against it; extended rights that nobody told leave it open.
func (c *ReceiveConnector) exchangeServersSubmit() Authentication {
	switch {
	case c.PermissionGroups.Has(GroupExchangeServers) || c.Missing.Has(PropertyPermissionGroups):
		return Authenticated
	case slices.ContainsFunc(c.Rights, func(g Grant) bool {
		return !g.Deny && strings.EqualFold(g.Right, "ms-Exch-SMTP-Submit") && strings.HasSuffix(strings.ToLower(g.Principal), `\exchange servers`)
	}):
		return Authenticated
	case c.Missing.Has(PropertyRights) || c.PermissionGroups.Has(GroupCustom) && len(c.Rights) == 0:
		return AuthenticationUnknown
	}
	return NotAuthenticated
}

// senderSteps are the rules an intra-organization sender follows, in order (product). The last one is that it gives up.
func senderSteps(o Offer, p Peer) []SenderStep {
	offers := func(lines []string, line string) bool {
		return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l+" ", line+" ") })
	}
	anonymousTLS := offers(o.Clear, "X-ANONYMOUSTLS")
	exchangeAuth := anonymousTLS && offers(o.AfterXAnonymousTLS, "X-EXPS EXCHANGEAUTH")
	directTrust := anonymousTLS && !exchangeAuth
	downgraded := !anonymousTLS && p.DowngradedExchangeAuth && offers(o.Clear, "X-EXPS GSSAPI")
	done := exchangeAuth || directTrust || downgraded
	steps := []SenderStep{
		{anonymousTLS, Basis{"X-ANONYMOUSTLS is offered: take it and send EHLO again; STARTTLS is never taken to reach Exchange authentication", Product, ""}},
		{exchangeAuth, Basis{"X-EXPS EXCHANGEAUTH is offered after X-ANONYMOUSTLS: authenticate", Product, ""}},
	}
	if directTrust {
		steps = append(steps, SenderStep{true, Basis{"an Edge Transport server authenticates by direct trust of the certificate", Documented, "TLS functionality and related terminology"}})
	}
	return append(steps,
		SenderStep{downgraded, Basis{"X-EXPS GSSAPI is offered in clear and UseDowngradedExchangeServerAuth is $true: authenticate in clear", Documented, "WAN optimization controllers, Set-TransportService"}},
		SenderStep{!done, Basis{"still in clear with nothing to authenticate with: raise " + cannotAchieve.String(), Product, ""}})
}

// QueueError returns what the queue of the sending server shows as LastError for a reply, by the generation of the
// sender: the bare reply on 2007, the 4.4.0 wrapper on 2010 and 2013, the 4.4.395 wrapper on 2016, 2019 and SE. An unknown
// generation gives the bare reply. A valid endpoint is named by 2013. Sources: KB979175 and Exchange 2007 help
// (documented); the 4.4.395 form and the endpoint are observed, and early 2016 builds still wrote 4.4.0.
func QueueError(sender Generation, r Reply, endpoint netip.AddrPort) string {
	if r.Code == 0 {
		return ""
	}
	switch {
	case sender == Generation2007:
		return fmt.Sprintf("%d %s %q", r.Code, r.Enhanced, r.Text)
	case sender == Generation2010 || sender == Generation2013:
		s := fmt.Sprintf(`451 4.4.0 Primary target IP address responded with: "%s." Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all alternate hosts.`, r)
		if sender == Generation2013 && endpoint.IsValid() && !endpoint.Addr().IsUnspecified() {
			s += " The last endpoint attempted was " + endpoint.String()
		}
		return s
	case sender >= Generation2016:
		return "451 4.4.395 Target host responded with error. -> " + r.String()
	}
	return r.String()
}

// String prints the decision, the offer, what the sender does with it, and the outcome.
func (v *Verdict) String() string {
	var b strings.Builder
	b.WriteString(v.Explanation.String())
	if v.Explanation.Match.Outcome() == Selected {
		fmt.Fprintf(&b, "  offered in clear: %s\n", orNothing(v.Offer.Clear))
		if v.Offer.AfterXAnonymousTLS != nil {
			fmt.Fprintf(&b, "  offered after X-ANONYMOUSTLS: %s\n", orNothing(v.Offer.AfterXAnonymousTLS))
		}
	}
	for _, s := range v.Steps {
		if s.Taken {
			fmt.Fprintf(&b, "  sender: %s\n", s.Basis.Rule)
		}
	}
	fmt.Fprintf(&b, "  Exchange Server authentication: %s", v.Authentication)
	if v.Cause != 0 {
		fmt.Fprintf(&b, " (%s: %s)", v.Cause, v.Cause.Basis().Rule)
	}
	return b.String() + "\n"
}

func orNothing(lines []string) string {
	if len(lines) == 0 {
		return "nothing"
	}
	return strings.Join(lines, ", ")
}
