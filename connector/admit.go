package connector

import "strings"

// admission is how a connector takes a peer: how far encryption and authentication get.
type admission struct {
	encryption     encryption // zero: not known
	authentication Authentication
	cause          Cause
	reply          Reply     // that ends the session, if encryption or authentication does
	principal      Principal // on whose behalf the session goes on
	basis          Basis     // of what became of authentication
	assumed        bool      // that the principal may submit, although the groups are not known
	doubt          Doubt
}

// admit is the one place that decides how a peer authenticates on c, which is on r. It does not look at other connectors, so it
// never answers CauseWrongConnector.
func (c *ReceiveConnector) admit(p Peer, r *receiver) admission {
	if c.Missing.Has(PropertyAuthMechanism) {
		return admission{authentication: AuthenticationUnknown, cause: CauseMissing, principal: PrincipalAnonymous, basis: basisOpen}
	}
	if p.exchange() {
		return c.admitExchange(p, r)
	}
	return c.admitClient(p, r)
}

func (c *ReceiveConnector) admitExchange(p Peer, r *receiver) admission {
	a := admission{encryption: inClear, principal: PrincipalExchangeServers}
	refuse := func(cause Cause, reply Reply, b Basis) admission {
		a.authentication, a.cause, a.reply, a.basis = NotAuthenticated, cause, reply, b
		return a
	}
	rules := c.senderRules(p, r)
	a.doubt = c.doubtXAnonymousTLS(r)
	if rules[ruleAnonymousTLS] {
		a.encryption = byXAnonymousTLS
	}
	switch {
	case p.Kind == PeerUnifiedMessaging && !rules[ruleAnonymousTLS]:
		cause, reply := c.whyClear(r), replyUnknown
		if cause == CauseNoMechanism {
			reply = unrecognized
		}
		return refuse(cause, reply, cause.Basis())
	case rules[ruleGiveUp]:
		return refuse(c.whyClear(r), cannotAchieve, senderRules[ruleGiveUp])
	case rules[ruleUnauthenticated]:
		a.principal = PrincipalAnonymous
		return refuse(CauseNoDirectTrust, Reply{}, CauseNoDirectTrust.Basis())
	case rules[ruleDirectTrust]:
		a.basis, a.principal = senderRules[ruleDirectTrust], PrincipalHubTransportServers
		if p.Kind == PeerEdge {
			a.principal = PrincipalEdgeTransportServers
		}
	case rules[ruleDowngraded]:
		a.basis = senderRules[ruleDowngraded]
	default:
		a.basis = senderRules[ruleExchangeAuth]
	}
	if !rules[ruleDirectTrust] {
		switch {
		case !c.FQDNAllowsExchangeServer(r.server):
			return refuse(CauseFQDN, replyUnknown, CauseFQDN.Basis())
		case p.KerberosFails:
			return refuse(CauseKerberos, temporaryFailure, CauseKerberos.Basis())
		}
	}
	return c.submit(a, r)
}

// doubtXAnonymousTLS is the doubt about whether X-ANONYMOUSTLS is offered, where ExchangeServer is: a property that decides it is
// not known, or there is no Tls on 2007, whose documents ask for both.
func (c *ReceiveConnector) doubtXAnonymousTLS(r *receiver) (d Doubt) {
	if !c.AuthMechanism.Has(AuthExchangeServer) {
		return 0
	}
	if c.Missing.Has(PropertySuppressXAnonymousTLS) || r.server.Missing.Has(PropertyInternalTransportCertificate) {
		d = DoubtMissing
	}
	if c.offersXAnonymousTLS(r) && r.generation == Generation2007 && !c.AuthMechanism.Has(AuthTLS) {
		d |= DoubtVersion
	}
	return d
}

// whyClear tells why X-ANONYMOUSTLS is not offered.
func (c *ReceiveConnector) whyClear(r *receiver) Cause {
	switch {
	case !c.AuthMechanism.Has(AuthExchangeServer):
		return CauseNoMechanism
	case r.server.NoCertificate:
		return CauseNoCertificate
	}
	return CauseSuppressed
}

// submit asks whether the principal may submit, without which authentication itself fails (documented). Groups that were not
// exported do not count against it; extended rights that nobody told leave it open.
func (c *ReceiveConnector) submit(a admission, r *receiver) admission {
	a.authentication = Authenticated
	switch c.EffectiveRights(a.principal, r.generation).answer(RightSubmit) {
	case StepRefused:
		a.authentication, a.cause, a.reply, a.basis = NotAuthenticated, CauseNotPermitted, replyUnknown, basisNotAllowed
	case StepUnknown:
		if !c.Missing.Has(PropertyPermissionGroups) {
			a.authentication, a.cause, a.basis = AuthenticationUnknown, CauseMissing, basisOpen
			return a
		}
		a.assumed, a.doubt = true, a.doubt|DoubtMissing
	}
	return a
}

// The rules an intra-organization sender follows, in order.
const (
	ruleAnonymousTLS = iota
	ruleExchangeAuth
	ruleDirectTrust
	ruleDowngraded
	ruleGiveUp
	ruleUnauthenticated
)

var senderRules = [...]Basis{
	ruleAnonymousTLS: {"X-ANONYMOUSTLS is offered: take it and send EHLO again; STARTTLS is never taken to reach Exchange " +
		"authentication", Product, ""},
	ruleExchangeAuth: {"X-EXPS EXCHANGEAUTH is offered after X-ANONYMOUSTLS: authenticate", Product, ""},
	ruleDirectTrust: {"an Edge Transport server authenticates by direct trust of the certificate, and so does who sends to it", Documented,
		"TLS functionality and related terminology"},
	ruleDowngraded: {"X-EXPS GSSAPI is offered in clear and UseDowngradedExchangeServerAuth is $true: authenticate in clear", Documented,
		"WAN optimization controllers, Set-TransportService"},
	ruleGiveUp:          {"still in clear with nothing to authenticate with: raise " + cannotAchieve.String(), Product, ""},
	ruleUnauthenticated: {"encrypted with nothing to authenticate with: go on unauthenticated", Product, ""},
}

// senderRules tells which of the rules apply to p on c.
func (c *ReceiveConnector) senderRules(p Peer, r *receiver) (applies [len(senderRules)]bool) {
	encrypted := c.offersXAnonymousTLS(r)
	byTrust := r.edge || p.Kind == PeerEdge
	applies[ruleAnonymousTLS] = encrypted
	applies[ruleExchangeAuth] = encrypted && !byTrust
	applies[ruleDirectTrust] = encrypted && byTrust && !p.NoCertificate
	applies[ruleDowngraded] = !encrypted && p.DowngradedExchangeAuth && !byTrust && c.AuthMechanism.Has(AuthExchangeServer)
	applies[ruleGiveUp] = !encrypted && !applies[ruleDowngraded]
	applies[ruleUnauthenticated] = encrypted && byTrust && p.NoCertificate
	return applies
}

func (c *ReceiveConnector) admitClient(p Peer, r *receiver) admission {
	a := admission{encryption: inClear, principal: PrincipalAnonymous, authentication: AuthenticationNotSought, basis: basisNotSought}
	refuse := func(cause Cause, reply Reply, b Basis) admission {
		a.authentication, a.cause, a.reply, a.basis = NotAuthenticated, cause, reply, b
		return a
	}
	external := c.AuthMechanism.Has(AuthExternalAuthoritative)
	switch {
	case c.offersSTARTTLS(r) && (p.TLS != TLSNever || p.Kind == PeerCrossForest):
		a.encryption = bySTARTTLS
	case p.TLS == TLSInsists:
		a.cause, a.reply = CauseNoSTARTTLS, startTLSInsisted
		if p.Authenticates() {
			a.authentication = NotAuthenticated
		}
		return a
	}
	switch {
	case p.Kind == PeerUser:
		if !c.offersMechanism(p.Mechanism, a.encryption) {
			return refuse(CauseNotOffered, notOffered, basisNoUserAuth)
		}
		if p.WrongPassword {
			return refuse(CauseBadCredentials, unsuccessful, basisPassword)
		}
		a.principal, a.basis = PrincipalAuthenticatedUsers, basisUserAuth
		return c.submit(a, r)
	case external:
		a.principal, a.basis = PrincipalExternallySecured, basisTrusted
		if p.Kind == PeerCrossForest {
			return c.submit(a, r)
		}
	case p.Kind == PeerCrossForest:
		if a.encryption == inClear || !c.AuthMechanism.Has(AuthBasic) {
			return refuse(CauseNotOffered, Reply{}, basisNoAccount)
		}
		a.principal, a.basis = PrincipalExchangeServers, basisAccount
		return c.submit(a, r)
	case p.Kind == PeerPartner:
		a.basis = basisNoDomain
		if c.Missing.Has(PropertyDomainSecure) {
			a.doubt = DoubtMissing
		}
		if c.DomainSecure && a.encryption == bySTARTTLS && !p.NoCertificate {
			a.principal, a.authentication, a.basis = PrincipalPartnerServers, Authenticated, basisDomainTLS
		}
	}
	return a
}

// offersMechanism tells whether AUTH offers a mechanism, any at all if none is named.
func (c *ReceiveConnector) offersMechanism(m AuthMechanism, state encryption) bool {
	for _, name := range c.mechanisms(state) {
		if m == 0 || m.Has(AuthBasic) && name == "LOGIN" || m.Has(AuthIntegrated) && name != "LOGIN" {
			return true
		}
	}
	return false
}

// FQDNAllowsExchangeServer tells whether c's FQDN is one with which Exchange Server authentication works on server s: its full
// name, its short name, or none. Where the full name of s is not known, any that begins with the short one counts.
// Source: Exchange 2007 help; the cmdlet refuses any other with ExchangeServer (documented).
func (c ReceiveConnector) FQDNAllowsExchangeServer(s Server) bool {
	name := c.ID.Server
	return c.FQDN == "" || strings.EqualFold(c.FQDN, name) || strings.EqualFold(c.FQDN, s.FQDN) ||
		s.FQDN == "" && len(c.FQDN) > len(name) && strings.EqualFold(c.FQDN[:len(name)+1], name+".")
}
