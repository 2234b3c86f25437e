package connector_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// sessionLines renders a session without what goes without saying.
func sessionLines(v *connector.Verdict) []string {
	var lines []string
	for _, s := range v.Session() {
		if s.Stage > connector.StageEHLO || s.State != connector.StepDone {
			lines = append(lines, s.String())
		}
	}
	return lines
}

// at returns what a peer gets at port 25 of server S that has these connectors.
func at(t *testing.T, s connector.Server, p connector.Peer, cs ...connector.ReceiveConnector) *connector.Verdict {
	s.Name = "S"
	for i := range cs {
		cs[i].ID.Server = "S"
	}
	top := &connector.Topology{Servers: []connector.Server{s}, Connectors: cs}
	return compile(t, top).Simulate(conn("S", "10.0.0.1:25", "10.0.0.2"), p)
}

// Whole sessions of every kind of peer.
func TestSessions(t *testing.T) {
	e2010, e2016 := exchange("S", "2010", "S1", connector.RoleHubTransport), exchange("S", "2016", "S1", 0)
	edge := exchange("S", "2016", "S1", connector.RoleEdge)
	edit := func(c connector.ReceiveConnector, f func(*connector.ReceiveConnector)) connector.ReceiveConnector {
		c = c.Clone()
		f(&c)
		return c
	}
	frontend, hub2010 := installedAs(t, e2016, "Default Frontend"), installedAs(t, e2010, "Default")
	client := edit(installedAs(t, e2016, "Client Frontend"), func(c *connector.ReceiveConnector) { c.Bindings = frontend.Bindings })
	external := edit(relay("S", "10.0.0.0/24"), func(c *connector.ReceiveConnector) {
		c.AuthMechanism, c.PermissionGroups = connector.AuthTLS|connector.AuthExternalAuthoritative, connector.GroupExchangeServers
	})
	open := edit(relay("S", "10.0.0.0/24"), func(c *connector.ReceiveConnector) {
		c.PermissionGroups = connector.GroupAnonymousUsers | connector.GroupCustom
		c.Rights = []connector.Grant{{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Any-Recipient"}}
	})
	partner := edit(relay("S", "10.0.0.0/24"), func(c *connector.ReceiveConnector) {
		c.AuthMechanism, c.PermissionGroups, c.DomainSecure = connector.AuthTLS, connector.GroupPartners, true
	})
	const (
		ready   = "encrypt: done, 220 2.0.0 SMTP server ready"
		inClear = "encrypt: skipped"
		noAuth  = "authenticate: skipped"
		noOwn   = "MAIL FROM own address: skipped"
		own     = "MAIL FROM own address: done, 250"
		ours    = "MAIL FROM accepted domain: done, 250"
		foreign = "MAIL FROM foreign domain: done, 250"
		mailbox = "RCPT TO accepted domain: done, 250"
		relayed = "RCPT TO foreign domain: done, 250"
	)
	skipped := func(from connector.Stage) (lines []string) {
		for s := from; s <= connector.StageForeignRecipient; s++ {
			lines = append(lines, s.String()+": skipped")
		}
		return lines
	}
	unknown := func(from connector.Stage) (lines []string) {
		for s := from; s <= connector.StageForeignRecipient; s++ {
			lines = append(lines, s.String()+": unknown")
		}
		return lines
	}
	const noTLS = ": refused, 451 5.7.3 STARTTLS is required to send mail"
	const notSender = ": refused, 550 5.7.60 SMTP; Client does not have permissions to send as this sender"
	for _, row := range []struct {
		why            string
		s              connector.Server
		c              connector.ReceiveConnector
		p              connector.Peer
		authentication connector.Authentication
		principal      connector.Principal
		mail           connector.StepState
		want           []string
	}{
		{"anonymous at Default Frontend", e2016, frontend, connector.Peer{Kind: connector.PeerAnonymous}, connector.AuthenticationNotSought, connector.PrincipalAnonymous, connector.StepDone,
			[]string{inClear, noAuth, noOwn, ours, foreign, mailbox, "RCPT TO foreign domain: refused, 550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"}},
		{"anonymous with TLS at an open relay of 2010", e2010, open, connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, connector.AuthenticationNotSought, connector.PrincipalAnonymous, connector.StepDone,
			[]string{inClear, noAuth, noOwn, ours, foreign, mailbox, relayed}},
		{"anonymous at Default of 2010", e2010, hub2010, connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, connector.AuthenticationNotSought, connector.PrincipalAnonymous, connector.StepRefused,
			append([]string{ready, noAuth, noOwn, "MAIL FROM accepted domain: refused, 530 5.7.1 Client was not authenticated",
				"MAIL FROM foreign domain: refused, 530 5.7.1 Client was not authenticated"}, skipped(connector.StageAcceptedRecipient)...)},
		{"a user with TLS on 587", e2016, client, connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered, Mechanism: connector.AuthBasic}, connector.Authenticated, connector.PrincipalAuthenticatedUsers, connector.StepDone,
			[]string{ready, "authenticate: done, 235", own, "MAIL FROM accepted domain" + notSender, "MAIL FROM foreign domain" + notSender, mailbox, relayed}},
		{"a user in clear: LOGIN only after TLS", e2016, client, connector.Peer{Kind: connector.PeerUser, Mechanism: connector.AuthBasic}, connector.NotAuthenticated, 0, connector.StepRefused,
			append([]string{inClear, "authenticate: refused, 504 5.7.4 Unrecognized authentication type"}, skipped(connector.StageOwnSender)...)},
		{"a user in clear: NTLM will do", e2016, client, connector.Peer{Kind: connector.PeerUser}, connector.Authenticated, connector.PrincipalAuthenticatedUsers, connector.StepDone,
			[]string{inClear, "authenticate: done, 235", own, "MAIL FROM accepted domain" + notSender, "MAIL FROM foreign domain" + notSender, mailbox, relayed}},
		{"a user at Default Frontend, where users may not submit", e2016, frontend, connector.Peer{Kind: connector.PeerUser}, connector.NotAuthenticated, 0, connector.StepRefused,
			append([]string{inClear, "authenticate: refused, by a reply whose code is unknown"}, skipped(connector.StageOwnSender)...)},
		{"an Exchange server", e2016, frontend, connector.Peer{}, connector.Authenticated, connector.PrincipalExchangeServers, connector.StepDone,
			[]string{ready, "authenticate: done, 235", own, ours, foreign, mailbox, relayed}},
		{"an Exchange server at a relay", e2016, open, connector.Peer{}, connector.NotAuthenticated, 0, connector.StepRefused,
			append([]string{inClear, "authenticate: refused, 451 5.7.3 Cannot achieve Exchange Server authentication"}, skipped(connector.StageOwnSender)...)},
		{"an Exchange server that downgrades", e2016, edit(frontend, func(c *connector.ReceiveConnector) { c.SuppressXAnonymousTLS = true }), connector.Peer{DowngradedExchangeAuth: true},
			connector.Authenticated, connector.PrincipalExchangeServers, connector.StepDone, []string{inClear, "authenticate: done, 235", own, ours, foreign, mailbox, relayed}},
		{"an Exchange server that downgrades where TLS is required", e2016, edit(frontend, func(c *connector.ReceiveConnector) { c.SuppressXAnonymousTLS, c.RequireTLS = true, true }), connector.Peer{DowngradedExchangeAuth: true},
			connector.Authenticated, connector.PrincipalExchangeServers, connector.StepRefused, append([]string{inClear, "authenticate: done, 235", "MAIL FROM own address" + noTLS, "MAIL FROM accepted domain" + noTLS, "MAIL FROM foreign domain" + noTLS},
				skipped(connector.StageAcceptedRecipient)...)},
		{"a user in clear where TLS is required", e2016, edit(client, func(c *connector.ReceiveConnector) { c.RequireTLS = true }), connector.Peer{Kind: connector.PeerUser}, connector.Authenticated, connector.PrincipalAuthenticatedUsers, connector.StepRefused,
			append([]string{inClear, "authenticate: done, 235", "MAIL FROM own address" + noTLS, "MAIL FROM accepted domain" + noTLS, "MAIL FROM foreign domain" + noTLS}, skipped(connector.StageAcceptedRecipient)...)},
		{"an Exchange server where TLS is required: X-ANONYMOUSTLS is TLS", e2016, edit(frontend, func(c *connector.ReceiveConnector) { c.RequireTLS = true }), connector.Peer{}, connector.Authenticated, connector.PrincipalExchangeServers, connector.StepDone,
			[]string{ready, "authenticate: done, 235", own, ours, foreign, mailbox, relayed}},
		{"another forest at an externally secured connector without Tls", e2016, edit(external, func(c *connector.ReceiveConnector) { c.AuthMechanism = connector.AuthExternalAuthoritative }), connector.Flow{Purpose: connector.CrossForest}.Peer(connector.Server{}),
			connector.Authenticated, connector.PrincipalExternallySecured, connector.StepDone, []string{inClear, "authenticate: done", own, ours, foreign, mailbox, relayed}},
		{"a hub to an Edge: direct trust, no AUTH command", edge, installedAs(t, edge, "Default internal receive connector"), connector.Peer{}, connector.Authenticated, connector.PrincipalHubTransportServers, connector.StepDone,
			[]string{ready, "authenticate: done", own, ours, foreign, mailbox, relayed}},
		{"an Edge to a hub: direct trust", e2010, hub2010, connector.Peer{Kind: connector.PeerEdge}, connector.Authenticated, connector.PrincipalEdgeTransportServers, connector.StepDone,
			[]string{ready, "authenticate: done", own, ours, foreign, mailbox, relayed}},
		{"an Edge whose certificate nobody knows goes on as anonymous", e2016, frontend, connector.Peer{Kind: connector.PeerEdge, NoCertificate: true}, connector.NotAuthenticated, connector.PrincipalAnonymous, connector.StepRefused,
			[]string{ready, noAuth, noOwn, ours, foreign, mailbox, "RCPT TO foreign domain: refused, 550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"}},
		{"anybody at an externally secured connector", e2016, external, connector.Peer{Kind: connector.PeerAnonymous}, connector.AuthenticationNotSought, connector.PrincipalExternallySecured, connector.StepDone,
			[]string{inClear, noAuth, own, ours, foreign, mailbox, relayed}},
		{"another forest at an externally secured connector", e2016, external, connector.Peer{Kind: connector.PeerCrossForest}, connector.Authenticated, connector.PrincipalExternallySecured, connector.StepDone,
			[]string{ready, "authenticate: done", own, ours, foreign, mailbox, relayed}},
		{"another forest with an account", e2016, frontend, connector.Peer{Kind: connector.PeerCrossForest}, connector.Authenticated, connector.PrincipalExchangeServers, connector.StepDone,
			[]string{ready, "authenticate: done, 235", own, ours, foreign, mailbox, relayed}},
		{"another forest at a relay", e2016, open, connector.Peer{Kind: connector.PeerCrossForest}, connector.NotAuthenticated, 0, connector.StepRefused,
			append([]string{inClear, "authenticate: refused"}, skipped(connector.StageOwnSender)...)},
		{"a partner with domain security", e2016, partner, connector.Peer{Kind: connector.PeerPartner, TLS: connector.TLSIfOffered}, connector.Authenticated, connector.PrincipalPartnerServers, connector.StepUnknown,
			[]string{ready, "authenticate: done", "MAIL FROM own address: unknown", "MAIL FROM accepted domain: unknown", "MAIL FROM foreign domain: unknown", mailbox,
				"RCPT TO foreign domain: refused, 550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"}},
		{"a partner without is an anonymous client", e2016, edit(partner, func(c *connector.ReceiveConnector) { c.DomainSecure = false }), connector.Peer{Kind: connector.PeerPartner, TLS: connector.TLSIfOffered},
			connector.AuthenticationNotSought, connector.PrincipalAnonymous, connector.StepRefused,
			append([]string{ready, noAuth, "MAIL FROM own address: refused, 530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
				"MAIL FROM accepted domain: refused, 530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
				"MAIL FROM foreign domain: refused, 530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"}, skipped(connector.StageAcceptedRecipient)...)},
		{"a partner that proves itself where partners may not submit", e2016, edit(partner, func(c *connector.ReceiveConnector) { c.PermissionGroups = connector.GroupAnonymousUsers }), connector.Peer{Kind: connector.PeerPartner, TLS: connector.TLSIfOffered},
			connector.Authenticated, connector.PrincipalPartnerServers, connector.StepRefused,
			append([]string{ready, "authenticate: done", "MAIL FROM own address: refused, by a reply whose code is unknown", "MAIL FROM accepted domain: refused, by a reply whose code is unknown",
				"MAIL FROM foreign domain: refused, by a reply whose code is unknown"}, skipped(connector.StageAcceptedRecipient)...)},
		{"Exchange Online insists on TLS and gets it", e2016, frontend, connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSInsists}, connector.AuthenticationNotSought, connector.PrincipalAnonymous, connector.StepDone,
			[]string{ready, noAuth, noOwn, ours, foreign, mailbox, "RCPT TO foreign domain: refused, 550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"}},
		{"a mechanism that nobody told", e2016, edit(frontend, func(c *connector.ReceiveConnector) { c.Missing = connector.PropertyAuthMechanism }), connector.Peer{Kind: connector.PeerAnonymous},
			connector.AuthenticationUnknown, connector.PrincipalAnonymous, connector.StepUnknown, unknown(connector.StageEncrypt)},
		{"rights that nobody told", e2016, edit(relay("S", "10.0.0.0/24"), func(c *connector.ReceiveConnector) { c.PermissionGroups = connector.GroupCustom }), connector.Peer{Kind: connector.PeerAnonymous},
			connector.AuthenticationNotSought, connector.PrincipalAnonymous, connector.StepUnknown, append([]string{inClear, noAuth}, unknown(connector.StageOwnSender)...)},
		{"a version that nobody told", connector.Server{}, relay("S", "10.0.0.0/24"), connector.Peer{Kind: connector.PeerAnonymous}, connector.AuthenticationNotSought, connector.PrincipalAnonymous, connector.StepRefused,
			append([]string{inClear, noAuth, noOwn,
				"MAIL FROM accepted domain: refused, 530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM (doubt: Version)",
				"MAIL FROM foreign domain: refused, 530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM (doubt: Version)"}, skipped(connector.StageAcceptedRecipient)...)},
	} {
		t.Run(row.why, func(t *testing.T) {
			v := at(t, row.s, row.p, row.c)
			assert.Equal(t, row.authentication, v.Authentication)
			assert.Equal(t, row.principal, v.Principal)
			assert.Equal(t, row.mail, v.Mail())
			assert.Equal(t, strings.Join(row.want, "\n"), strings.Join(sessionLines(v), "\n"))
			for _, s := range v.Session() {
				assert.NotEmpty(t, s.Basis.Rule, s.Stage)
				assert.NotZero(t, s.Basis.Mark, s.Stage)
			}
		})
	}
	refused := compile(t, &connector.Topology{Connectors: []connector.ReceiveConnector{relay("S", "10.9.0.0/24")}}).Simulate(conn("S", "10.0.0.1:25", "10.0.0.2"), connector.Peer{Kind: connector.PeerAnonymous})
	assert.Equal(t, append([]string{"connect: refused", "EHLO: skipped"}, skipped(connector.StageEncrypt)...), sessionLines(refused))
	assert.Equal(t, connector.StepRefused, refused.Mail())
	assert.Zero(t, refused.Rights())
	nobody := compile(t, &connector.Topology{}).Simulate(conn("S", "10.0.0.1:25", "10.0.0.2"), connector.Peer{Kind: connector.PeerAnonymous})
	assert.Empty(t, nobody.Session())
	assert.Equal(t, connector.StepUnknown, nobody.Mail())
	_, ok := nobody.Step(connector.StageConnect)
	assert.False(t, ok)
}

// Row by row: what an Exchange server gets that must authenticate.
func TestOutcomesOfExchangeServers(t *testing.T) {
	e2016 := exchange("S", "2016", "S1", 0)
	e2016.FQDN = "s.contoso.com"
	edge := exchange("S", "2016", "S1", connector.RoleEdge)
	base := installedAs(t, e2016, "Default Frontend")
	with := func(f func(*connector.ReceiveConnector)) connector.ReceiveConnector {
		c := base.Clone()
		f(&c)
		return c
	}
	narrow := with(func(c *connector.ReceiveConnector) {
		c.ID.Name, c.AuthMechanism, c.RemoteIPRanges = "Relay", connector.AuthTLS, []connector.Range{connector.MustParseRange("10.0.0.0/24")}
	})
	const cannot = "451 5.7.3 Cannot achieve Exchange Server authentication"
	until2013 := map[string]string{
		"530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM": "530 5.7.1 Client was not authenticated",
		"451 5.7.3 STARTTLS is required to send mail":                                           "530 5.7.0 Must issue a STARTTLS command first",
	}
	for _, row := range []struct {
		condition, source string
		s                 connector.Server
		cs                []connector.ReceiveConnector
		p                 connector.Peer
		want              connector.Authentication
		cause             connector.Cause
		reply             string
		side              connector.Side
	}{
		{"C lacks ExchangeServer, and a less specific connector has it", "NDR, KB979175; BW13, BW15, EMCH, FW, Z", e2016, []connector.ReceiveConnector{base, narrow}, connector.Peer{}, connector.NotAuthenticated, connector.CauseWrongConnector, cannot, connector.SideSender},
		{"C lacks ExchangeServer, no better connector", "KB979175", e2016, []connector.ReceiveConnector{narrow}, connector.Peer{}, connector.NotAuthenticated, connector.CauseNoMechanism, cannot, connector.SideSender},
		{"C is ExternalAuthoritative", "inferred; trace 4445548", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) {
			c.AuthMechanism = connector.AuthTLS | connector.AuthExternalAuthoritative
		})}, connector.Peer{}, connector.NotAuthenticated, connector.CauseNoMechanism, cannot, connector.SideSender},
		{"C.SuppressXAnonymousTls, sender not downgraded", "product; WOC, DISTLS", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.SuppressXAnonymousTLS = true })}, connector.Peer{},
			connector.NotAuthenticated, connector.CauseSuppressed, cannot, connector.SideSender},
		{"and downgraded allowed", "WOC", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.SuppressXAnonymousTLS = true })}, connector.Peer{DowngradedExchangeAuth: true},
			connector.Authenticated, 0, "", 0},
		{"C.Fqdn is neither server FQDN, NetBIOS nor empty", "H07 2e6d2fc3, NRC-old; code unknown", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.FQDN = "mail.contoso.com" })}, connector.Peer{},
			connector.NotAuthenticated, connector.CauseFQDN, "", connector.SideReceiver},
		{"C.Fqdn is the short name", "H07 2e6d2fc3", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.FQDN = "s" })}, connector.Peer{}, connector.Authenticated, 0, "", 0},
		{"C.Fqdn is empty", "H07 2e6d2fc3", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.FQDN = "" })}, connector.Peer{}, connector.Authenticated, 0, "", 0},
		{"C.Fqdn plays no part in direct trust", "inferred", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.FQDN = "mail.contoso.com" })}, connector.Peer{Kind: connector.PeerEdge}, connector.Authenticated, 0, "", 0},
		{"Kerberos fails: clock, SPN, replication, ports, trust", "KB979174", e2016, []connector.ReceiveConnector{base}, connector.Peer{KerberosFails: true}, connector.NotAuthenticated, connector.CauseKerberos,
			"454 4.7.0 Temporary authentication failure", connector.SideReceiver},
		{"Kerberos plays no part in direct trust", "TLS13", e2016, []connector.ReceiveConnector{base}, connector.Peer{Kind: connector.PeerEdge, KerberosFails: true}, connector.Authenticated, 0, "", 0},
		{"RequireTLS, and the sender downgrades in clear", "7.4; techcommunity 4445548", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.SuppressXAnonymousTLS, c.RequireTLS = true, true })},
			connector.Peer{DowngradedExchangeAuth: true}, connector.Authenticated, connector.CauseRequireTLS, "451 5.7.3 STARTTLS is required to send mail", connector.SideReceiver},
		{"Edge direct trust certificate not in AD, no AnonymousUsers", "documented; the wording of the reply is observed", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.PermissionGroups = connector.GroupExchangeServers })},
			connector.Peer{Kind: connector.PeerEdge, NoCertificate: true}, connector.NotAuthenticated, connector.CauseNoDirectTrust, "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM", connector.SideReceiver},
		{"the same at an Edge, whose anonymous rights let it in", "documented", edge, []connector.ReceiveConnector{installedAs(t, edge, "Default internal receive connector")}, connector.Peer{NoCertificate: true},
			connector.NotAuthenticated, connector.CauseNoDirectTrust, "", 0},
		{"Edge to a hub whose connector lacks Tls and ExchangeServer", "H07 a7c3484a", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.AuthMechanism = connector.AuthIntegrated })},
			connector.Peer{Kind: connector.PeerEdge}, connector.NotAuthenticated, connector.CauseNoMechanism, cannot, connector.SideSender},
		{"hub to an Edge whose connector lacks ExchangeServer", "public trace", edge, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.AuthMechanism = connector.AuthTLS })},
			connector.Peer{}, connector.NotAuthenticated, connector.CauseNoMechanism, cannot, connector.SideSender},
		{"group ExchangeServers missing", "RC, technet ff983318, bb218360; code unknown", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.PermissionGroups = connector.GroupAnonymousUsers })}, connector.Peer{},
			connector.NotAuthenticated, connector.CauseNotPermitted, "", connector.SideReceiver},
		{"ExchangeServers granted only to the legacy group", "inferred", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.PermissionGroups = connector.GroupExchangeLegacyServers })}, connector.Peer{},
			connector.NotAuthenticated, connector.CauseNotPermitted, "", connector.SideReceiver},
		{"no certificate of the receiver can be used", "product", connector.Server{Name: "S", NoCertificate: true}, []connector.ReceiveConnector{base.Clone()}, connector.Peer{}, connector.NotAuthenticated, connector.CauseNoCertificate, cannot, connector.SideSender},
		{"all fine but for Tls, which the documents of 2007 ask for", "7.1; H07 a7c3484a", e2016, []connector.ReceiveConnector{with(func(c *connector.ReceiveConnector) { c.AuthMechanism = connector.AuthExchangeServer })}, connector.Peer{}, connector.Authenticated, 0, "", 0},
		{"all fine", "public trace", e2016, []connector.ReceiveConnector{base}, connector.Peer{}, connector.Authenticated, 0, "", 0},
		{"the sender's certificate plays no part between hubs", "inferred", e2016, []connector.ReceiveConnector{base}, connector.Peer{NoCertificate: true}, connector.Authenticated, 0, "", 0},
	} {
		t.Run(row.condition, func(t *testing.T) {
			for _, g := range []string{"2007", "2010", "2013", "2016", "2019", "SE"} { // of the receiver: but for the wording all are the same
				s := row.s
				s.Version = connector.MustParseVersion(g)
				v := at(t, s, row.p, row.cs...)
				assert.Equal(t, row.want, v.Authentication, row.source)
				assert.Equal(t, row.cause, v.Cause, row.source)
				assert.Equal(t, row.side, v.Reply.Side, row.source)
				want := row.reply
				if old, ok := until2013[want]; ok && s.Version.Generation() <= connector.Generation2013 {
					want = old
				}
				assert.Equal(t, want, v.Reply.String(), row.source)
				wantDoubt := connector.Doubt(0)
				if g == "2007" && v.Authentication == connector.Authenticated && !row.cs[0].AuthMechanism.Has(connector.AuthTLS) {
					wantDoubt = connector.DoubtVersion
				}
				assert.Equal(t, wantDoubt, v.Doubt, g)
				if row.cause != 0 {
					assert.NotEmpty(t, v.Cause.Basis().Rule)
				}
			}
		})
	}
}

// The wording by version, a row each, as far as a receive connector decides it.
func TestNeighbouringReplies(t *testing.T) {
	plain := relay("S", "10.0.0.0/24")
	with := func(f func(*connector.ReceiveConnector)) connector.ReceiveConnector {
		c := plain.Clone()
		f(&c)
		return c
	}
	noSubmit := with(func(c *connector.ReceiveConnector) {})
	submit := with(func(c *connector.ReceiveConnector) { c.PermissionGroups = connector.GroupAnonymousUsers })
	guarded := with(func(c *connector.ReceiveConnector) {
		c.PermissionGroups = connector.GroupAnonymousUsers
		c.Rights = []connector.Grant{{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender", Deny: true}}
	})
	requires := with(func(c *connector.ReceiveConnector) {
		c.AuthMechanism, c.RequireTLS, c.PermissionGroups = connector.AuthTLS, true, connector.GroupAnonymousUsers
	})
	basic := with(func(c *connector.ReceiveConnector) {
		c.AuthMechanism, c.PermissionGroups = connector.AuthBasic, connector.GroupExchangeUsers
	})
	anonymous := connector.Peer{Kind: connector.PeerAnonymous}
	const startTLS = "451 5.7.3 STARTTLS is required to send mail"
	for _, row := range []struct {
		situation, source string
		c                 connector.ReceiveConnector
		p                 connector.Peer
		stage             connector.Stage
		old, later        string // up to 2013, and from 2016
		side              connector.Side
	}{
		{"a peer sends X-ANONYMOUSTLS to a connector without ExchangeServer", "NDR 5.3.3; exchangemaster 2017", submit, connector.Peer{Kind: connector.PeerUnifiedMessaging}, connector.StageEncrypt,
			"500 5.3.3 Unrecognized command", "500 5.3.3 Unrecognized command", connector.SideReceiver},
		{"anonymous session, no AnonymousUsers", "NDR; observed", noSubmit, anonymous, connector.StageForeignSender,
			"530 5.7.1 Client was not authenticated", "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM", connector.SideReceiver},
		{"relay without Any-Recipient", "NDR, AAR; observed", submit, anonymous, connector.StageForeignRecipient,
			"550 5.7.1 Unable to relay", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", connector.SideReceiver},
		{"sender not permitted", "observed", guarded, anonymous, connector.StageAcceptedSender,
			"550 5.7.1 Client does not have permissions to send as this sender", "550 5.7.60 SMTP; Client does not have permissions to send as this sender", connector.SideReceiver},
		{"RequireTLS, no STARTTLS", "techcommunity 4445548; CSScfg", requires, anonymous, connector.StageForeignSender,
			"530 5.7.0 Must issue a STARTTLS command first", startTLS, connector.SideReceiver},
		{"Exchange Online at a relay without Tls", "techcommunity 4445548", submit, connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSInsists}, connector.StageEncrypt, startTLS, startTLS, connector.SideSender},
		{"wrong password", "CSScfg", basic, connector.Peer{Kind: connector.PeerUser, WrongPassword: true}, connector.StageAuthenticate, "535 5.7.3 Authentication unsuccessful", "535 5.7.3 Authentication unsuccessful", connector.SideReceiver},
		{"mechanism not offered", "CSScfg", basic, connector.Peer{Kind: connector.PeerUser, Mechanism: connector.AuthIntegrated}, connector.StageAuthenticate,
			"504 5.7.4 Unrecognized authentication type", "504 5.7.4 Unrecognized authentication type", connector.SideReceiver},
	} {
		t.Run(row.situation, func(t *testing.T) {
			for g, want := range map[string]string{"2007": row.old, "2010": row.old, "2013": row.old, "2016": row.later, "2019": row.later, "15.2": row.later, "SE": row.later} {
				v := at(t, connector.Server{Version: connector.MustParseVersion(g)}, row.p, row.c.Clone())
				step, ok := v.Step(row.stage)
				require.True(t, ok)
				assert.Equal(t, connector.StepRefused, step.State, "%s: %s", g, row.source)
				assert.Equal(t, want, step.Reply.String(), "%s: %s", g, row.source)
				assert.Equal(t, row.side, step.Reply.Side, row.source)
				assert.Zero(t, step.Doubt, g)
			}
		})
	}
	v := at(t, connector.Server{Version: connector.MustParseVersion("2016")}, anonymous, requires)
	assert.Equal(t, startTLS, v.Reply.String(), "what ends the session is the reply")
	v = at(t, connector.Server{Version: connector.MustParseVersion("2016")}, connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, requires.Clone())
	assert.Equal(t, connector.StepDone, v.Mail())
	requires.RequireTLS, requires.Missing = false, connector.PropertyRequireTLS
	v = at(t, connector.Server{Version: connector.MustParseVersion("2016")}, anonymous, requires)
	step, _ := v.Step(connector.StageForeignSender)
	assert.Equal(t, connector.DoubtMissing, step.Doubt, "it may require TLS")
	assert.Equal(t, "MAIL FROM foreign domain: done, 250 (doubt: Missing)", step.String())
}

// What holds for every session of every peer on random connectors.
func TestSessionsOfRandomConnectors(t *testing.T) {
	kinds := []connector.PeerKind{connector.PeerExchangeServer, connector.PeerEdge, connector.PeerUnifiedMessaging, connector.PeerCrossForest, connector.PeerAnonymous, connector.PeerUser, connector.PeerPartner}
	sessions, ended := 0, 0
	for seed := range uint64(60) {
		top := gen.Organization(gen.Rand(seed))
		for i := range top.Servers {
			top.Servers[i].NoCertificate = seed%7 == 0
			if seed%3 == 0 {
				top.Servers[i].Roles = connector.RoleEdge
			}
		}
		x := compile(t, top)
		for _, c := range top.Connectors {
			s, _ := top.Server(c.ID.Server)
			g := s.Version.Generation()
			for p := connector.PrincipalAnonymous; p <= connector.PrincipalPartnerServers; p++ {
				e := c.EffectiveRights(p, g)
				wider, denied := c.Clone(), c.Clone()
				wider.PermissionGroups |= connector.GroupAnonymousUsers | connector.GroupExchangeServers
				denied.Rights = append(denied.Rights, connector.Grant{Principal: "Everyone", Right: "ms-Exch-SMTP-Submit", Deny: true})
				require.True(t, wider.EffectiveRights(p, g).Held.Has(e.Held), "a group more takes nothing away")
				require.False(t, (denied.EffectiveRights(p, g).Held | denied.EffectiveRights(p, g).Open).Has(connector.RightSubmit), "what everyone is denied nobody has")
			}
			if c.Disabled || len(c.Bindings) == 0 || len(c.RemoteIPRanges) == 0 {
				continue
			}
			for _, kind := range kinds {
				for _, tls := range []connector.TLSPolicy{connector.TLSNever, connector.TLSIfOffered, connector.TLSInsists} {
					v := x.Simulate(connector.Conn{Server: c.ID.Server, Local: c.Bindings[0], Remote: c.RemoteIPRanges[0].Span().From()}, connector.Peer{Kind: kind, TLS: tls, NoCertificate: seed%5 == 0})
					if v.Explanation.Match.Outcome() != connector.Selected {
						continue
					}
					sessions++
					checkSession(t, v)
					if v.Reply.Code >= 400 {
						ended++
					}
				}
			}
		}
	}
	assert.Greater(t, sessions, 1000)
	assert.Greater(t, ended, 100)
}

// The zero Verdict answers nothing.
func TestZeroVerdict(t *testing.T) {
	var v connector.Verdict
	assert.Empty(t, v.Session())
	assert.Empty(t, v.String())
	assert.Empty(t, v.SenderSteps())
	assert.Zero(t, v.Offer())
	assert.Zero(t, v.Rights())
	assert.Equal(t, connector.StepUnknown, v.Mail())
}

func checkSession(t *testing.T, v *connector.Verdict) {
	steps := v.Session()
	require.Len(t, steps, int(connector.StageForeignRecipient), v.String())
	sure := false
	for i, s := range steps {
		require.Equal(t, connector.Stage(i+1), s.Stage, "every stage once, in order")
		require.NotEmpty(t, s.Basis.Rule)
		require.NotEmpty(t, s.State.String())
		if s.State == connector.StepSkipped {
			require.Zero(t, s.Reply, "a step that is not taken has no reply: %s", s)
		}
		if s.State == connector.StepDone && s.Reply.Code != 0 {
			require.Less(t, s.Reply.Code, 400, s)
		}
		if s.State == connector.StepRefused && s.Reply.Code != 0 {
			require.GreaterOrEqual(t, s.Reply.Code, 400, s)
		}
		if s.Stage <= connector.StageAuthenticate && s.State == connector.StepRefused {
			for _, later := range steps[i+1:] {
				require.Equal(t, connector.StepSkipped, later.State, "nothing follows a refusal: %s", v)
			}
		}
		sure = sure || connector.StageOwnSender <= s.Stage && s.Stage <= connector.StageForeignSender && (s.State == connector.StepDone || s.State == connector.StepUnknown)
	}
	last := steps[len(steps)-1]
	require.Equal(t, sure, last.State != connector.StepSkipped, "with no sender there is no recipient: %s", v)
	rights := v.Rights()
	if last.State == connector.StepDone {
		require.True(t, (rights.Held | rights.Open).Has(connector.RightAcceptAnyRecipient|connector.RightSubmit))
	}
	if v.Authentication == connector.Authenticated && v.Peer.Kind != connector.PeerPartner { // whose certificate proves it in any case
		require.True(t, v.Cause == 0 || v.Cause == connector.CauseRequireTLS && v.Mail() == connector.StepRefused)
		require.True(t, (rights.Held | rights.Open).Has(connector.RightSubmit), "who may not submit does not authenticate: %s", v)
	}
	if v.Authentication == connector.NotAuthenticated {
		require.NotZero(t, v.Cause)
	}
	if v.Reply.Text == "Cannot achieve Exchange Server authentication" {
		_, offered := v.Offer().Clear.Line("X-ANONYMOUSTLS")
		require.False(t, offered, "the sender gives up only in clear")
	}
}

// Reach is the best state among the steps of a stage.
func TestReach(t *testing.T) {
	r := gen.Rand(11)
	for range 40 {
		top := gen.Organization(r)
		x, err := connector.Compile(top)
		require.NoError(t, err)
		for _, s := range x.Servers() {
			for _, local := range x.Endpoints(s) {
				conn := connector.Conn{Server: s, Local: local, Remote: gen.Addr(local.Addr().Is4(), r.IntN(256))}
				for kind := connector.PeerExchangeServer; kind <= connector.PeerPartner; kind++ {
					for stage := connector.StageConnect; stage <= connector.StageForeignRecipient; stage++ {
						want := connector.StepRefused
						var states []connector.StepState
						for _, step := range x.Simulate(conn, connector.Peer{Kind: kind}).Session() {
							if step.Stage == stage {
								states = append(states, step.State)
							}
						}
						if slices.Contains(states, connector.StepDone) {
							want = connector.StepDone
						} else if slices.Contains(states, connector.StepUnknown) {
							want = connector.StepUnknown
						}
						require.Equal(t, want, x.Reach(conn, connector.Peer{Kind: kind}, stage))
					}
				}
			}
		}
	}
}
