package connector_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

// What an Exchange server gets, as far as it follows from connectors.
func TestSimulate(t *testing.T) {
	narrow := func(edit func(*connector.ReceiveConnector)) connector.ReceiveConnector {
		c := relay("EX01", "10.0.0.0/24")
		edit(&c)
		return c
	}
	const exchange = connector.AuthTLS | connector.AuthExchangeServer
	for _, row := range []struct {
		why        string
		connectors []connector.ReceiveConnector
		peer       connector.Peer
		want       connector.Authentication
		cause      connector.Cause
		reply      string
		side       connector.Side
		doubt      connector.Doubt
		capable    string
	}{
		{why: "the default connector", connectors: []connector.ReceiveConnector{standard("EX01")}, want: connector.Authenticated},
		{why: "a wrong connector won", connectors: []connector.ReceiveConnector{relay("EX01", "10.0.0.0/24"), standard("EX01")},
			want: connector.NotAuthenticated, cause: connector.CauseWrongConnector, side: connector.SideSender,
			reply: "451 5.7.3 Cannot achieve Exchange Server authentication", capable: `EX01\Default`},
		{why: "none has the mechanism", connectors: []connector.ReceiveConnector{relay("EX01", "10.0.0.0/24")},
			want: connector.NotAuthenticated, cause: connector.CauseNoMechanism, side: connector.SideSender,
			reply: "451 5.7.3 Cannot achieve Exchange Server authentication"},
		{why: "externally secured", connectors: []connector.ReceiveConnector{narrow(func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.PermissionGroups = connector.AuthExternalAuthoritative, connector.GroupExchangeServers
		})}, want: connector.NotAuthenticated, cause: connector.CauseNoMechanism, side: connector.SideSender,
			reply: "451 5.7.3 Cannot achieve Exchange Server authentication"},
		{why: "suppressed", connectors: []connector.ReceiveConnector{narrow(func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.PermissionGroups, c.SuppressXAnonymousTLS = exchange, connector.GroupExchangeServers, true
		})}, want: connector.NotAuthenticated, cause: connector.CauseSuppressed, side: connector.SideSender,
			reply: "451 5.7.3 Cannot achieve Exchange Server authentication"},
		{why: "suppressed, and the sender may downgrade", connectors: []connector.ReceiveConnector{narrow(func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.PermissionGroups, c.SuppressXAnonymousTLS = exchange, connector.GroupExchangeServers, true
		})}, peer: connector.Peer{DowngradedExchangeAuth: true}, want: connector.Authenticated},
		{why: "downgrading does not help without the mechanism", connectors: []connector.ReceiveConnector{relay("EX01", "10.0.0.0/24")},
			peer: connector.Peer{DowngradedExchangeAuth: true}, want: connector.NotAuthenticated, cause: connector.CauseNoMechanism,
			side: connector.SideSender, reply: "451 5.7.3 Cannot achieve Exchange Server authentication"},
		{why: "the group is missing: refused by the receiver, code unknown", connectors: []connector.ReceiveConnector{narrow(func(c *connector.ReceiveConnector) {
			c.AuthMechanism = exchange
		})}, want: connector.NotAuthenticated, cause: connector.CauseNotPermitted, side: connector.SideReceiver},
		{why: "the group was not exported", connectors: []connector.ReceiveConnector{narrow(func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.Missing = exchange, connector.PropertyPermissionGroups
		})}, want: connector.Authenticated, doubt: connector.DoubtMissing},
		{why: "custom rights that nobody told", connectors: []connector.ReceiveConnector{narrow(func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.PermissionGroups = exchange, connector.GroupCustom
		})}, want: connector.AuthenticationUnknown, cause: connector.CauseMissing},
		{why: "the right itself is granted", connectors: []connector.ReceiveConnector{narrow(func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.PermissionGroups = exchange, connector.GroupCustom
			c.Rights = []connector.Grant{{Principal: `CONTOSO\Exchange Servers`, Right: "ms-Exch-SMTP-Submit"}}
		})}, want: connector.Authenticated},
		{why: "the right is denied", connectors: []connector.ReceiveConnector{narrow(func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.PermissionGroups = exchange, connector.GroupCustom
			c.Rights = []connector.Grant{{Principal: `CONTOSO\Exchange Servers`, Right: "ms-Exch-SMTP-Submit", Deny: true}}
		})}, want: connector.NotAuthenticated, cause: connector.CauseNotPermitted, side: connector.SideReceiver},
		{why: "the mechanism was not exported: never read as None", connectors: []connector.ReceiveConnector{narrow(func(c *connector.ReceiveConnector) {
			c.Missing = connector.PropertyAuthMechanism
		}), standard("EX01")}, want: connector.AuthenticationUnknown, cause: connector.CauseMissing, capable: `EX01\Default`},
		{why: "the source is in no range", connectors: []connector.ReceiveConnector{relay("EX01", "10.1.0.0/24"), listening("EX01", "X", "0.0.0.0:25")},
			want: connector.NotAuthenticated, cause: connector.CauseNoRange},
		{why: "nothing listens", connectors: []connector.ReceiveConnector{listening("EX01", "X", "0.0.0.0:587", "0.0.0.0/0")},
			want: connector.NotAuthenticated, cause: connector.CauseNotListening},
		{why: "a server nobody told of", connectors: []connector.ReceiveConnector{standard("EX02")},
			want: connector.AuthenticationUnknown, cause: connector.CauseUnknownServer},
	} {
		t.Run(row.why, func(t *testing.T) {
			v := compile(t, &connector.Topology{Connectors: row.connectors}).Simulate(conn("EX01", "10.0.0.1:25", "10.0.0.2"), row.peer)
			assert.Equal(t, row.want, v.Authentication)
			assert.Equal(t, row.cause, v.Cause)
			assert.Equal(t, row.reply, v.Reply.String())
			assert.Equal(t, row.side, v.Reply.Side)
			assert.Equal(t, row.doubt, v.Doubt)
			var capable []string
			for _, s := range v.Capable {
				capable = append(capable, s.Connector.String())
			}
			assert.Equal(t, row.capable, strings.Join(capable, ", "))
		})
	}
	v := compile(t, &connector.Topology{}).Simulate(connector.Conn{}, connector.Peer{})
	assert.Equal(t, connector.CauseInvalidConn, v.Cause)
}

func TestSenderSteps(t *testing.T) {
	taken := func(v *connector.Verdict) (rules []string) {
		for _, s := range v.SenderSteps() {
			if s.Taken {
				rules = append(rules, s.Basis.Rule)
			}
		}
		return rules
	}
	x := compile(t, &connector.Topology{
		Servers:    []connector.Server{{Name: "EDGE", Roles: connector.RoleEdge}},
		Connectors: []connector.ReceiveConnector{standard("EX01"), relay("EX01", "10.0.0.9"), standard("EDGE")},
	})
	rules := taken(x.Simulate(conn("EX01", "10.0.0.1:25", "10.0.0.2"), connector.Peer{}))
	require.Len(t, rules, 2)
	assert.Contains(t, rules[0], "X-ANONYMOUSTLS is offered")
	assert.Contains(t, rules[1], "X-EXPS EXCHANGEAUTH")
	rules = taken(x.Simulate(conn("EX01", "10.0.0.1:25", "10.0.0.9"), connector.Peer{}))
	require.Len(t, rules, 1)
	assert.Contains(t, rules[0], "raise 451 5.7.3")
	rules = taken(x.Simulate(conn("EDGE", "10.0.0.1:25", "10.0.0.9"), connector.Peer{}))
	require.Len(t, rules, 2)
	assert.Contains(t, rules[1], "direct trust")
}

func TestQueueError(t *testing.T) {
	x := compile(t, &connector.Topology{Connectors: []connector.ReceiveConnector{relay("EX01", "0.0.0.0/0")}})
	r := x.Simulate(conn("EX01", "10.0.0.1:25", "10.0.0.2"), connector.Peer{}).Reply
	at := netip.MustParseAddrPort("10.0.0.1:25")
	const wrapped = `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all alternate hosts.`
	const late = "451 4.4.395 Target host responded with error. -> 451 5.7.3 Cannot achieve Exchange Server authentication"
	for g, want := range map[connector.Generation]string{
		connector.Generation2007: `451 5.7.3 "Cannot achieve Exchange Server authentication"`,
		connector.Generation2010: wrapped,
		connector.Generation2013: wrapped + " The last endpoint attempted was 10.0.0.1:25",
		connector.Generation2016: late, connector.Generation2019: late, connector.Generation2019OrSE: late, connector.GenerationSE: late,
		0: "451 5.7.3 Cannot achieve Exchange Server authentication",
	} {
		assert.Equal(t, want, connector.QueueError(g, r, at), g)
	}
	assert.Equal(t, wrapped, connector.QueueError(connector.Generation2013, r, netip.AddrPort{}))
	assert.Empty(t, connector.QueueError(connector.Generation2016, connector.Reply{}, at), "no reply, no text")
}

func TestVerdictText(t *testing.T) {
	x := compile(t, &connector.Topology{Connectors: []connector.ReceiveConnector{standard("EX01"), relay("EX01", "10.0.0.9")}})
	assert.Equal(t, `10.0.0.2 -> EX01 10.0.0.1:25: EX01\Default by 0.0.0.0-255.255.255.255
  Won                EX01\Default by 0.0.0.0-255.255.255.255 (4,294,967,296 addresses)
  NotInRange         EX01\Relay
  offered in clear: STARTTLS, X-ANONYMOUSTLS, X-EXPS GSSAPI NTLM
  offered after X-ANONYMOUSTLS: X-EXPS EXCHANGEAUTH GSSAPI NTLM, X-EXCHANGEAUTH SHA256
  sender: X-ANONYMOUSTLS is offered: take it and send EHLO again; STARTTLS is never taken to reach Exchange authentication
  sender: X-EXPS EXCHANGEAUTH is offered after X-ANONYMOUSTLS: authenticate
  Exchange Server authentication: authenticated
`, x.Simulate(conn("EX01", "10.0.0.1:25", "10.0.0.2"), connector.Peer{}).String())
	client := x.Simulate(conn("EX01", "10.0.0.1:25", "10.0.0.2"), connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}).String()
	for _, want := range []string{"  offered after STARTTLS: X-EXPS GSSAPI NTLM\n", "  encrypt: done, 220 2.0.0 SMTP server ready\n", "  RCPT TO foreign domain: skipped\n", "  authentication: not sought\n"} {
		assert.Contains(t, client, want)
	}
	assert.NotContains(t, client, "sender:")
	text := x.Simulate(conn("EX01", "10.0.0.1:25", "10.0.0.9"), connector.Peer{}).String()
	assert.Contains(t, text, "offered in clear: nothing")
	assert.Contains(t, text, "not authenticated (WrongConnector: ")
}

// A property that was not told never counts as its default: it puts the answer in doubt, or leaves it open.
func TestSimulateMissing(t *testing.T) {
	c := standard("EX01")
	top := &connector.Topology{Servers: []connector.Server{{Name: "EX01"}}, Connectors: []connector.ReceiveConnector{c}}
	from := conn("EX01", "10.0.0.1:25", "10.0.0.2")
	assert.Zero(t, compile(t, top).Simulate(from, connector.Peer{}).Doubt)
	top.Servers[0].Missing = connector.PropertyInternalTransportCertificate
	v := compile(t, top).Simulate(from, connector.Peer{})
	assert.Equal(t, connector.Authenticated, v.Authentication)
	assert.Equal(t, connector.DoubtMissing, v.Doubt, "X-ANONYMOUSTLS needs the certificate")

	// Groups that were not told count as those of a connector that works, and every step says so.
	top.Servers[0].Missing = 0
	top.Connectors[0].PermissionGroups, top.Connectors[0].Missing = 0, connector.PropertyPermissionGroups
	v = compile(t, top).Simulate(from, connector.Peer{})
	assert.Equal(t, connector.Authenticated, v.Authentication)
	step, _ := v.Step(connector.StageForeignRecipient)
	assert.Equal(t, connector.StepDone, step.State)
	assert.Equal(t, connector.DoubtMissing, step.Doubt)
	top.Connectors[0] = c

	// What nobody can say of a suppressed offer is what Unified Messaging is told.
	top.Connectors[0].SuppressXAnonymousTLS = true
	v = compile(t, top).Simulate(from, connector.Peer{Kind: connector.PeerUnifiedMessaging})
	assert.Equal(t, connector.CauseSuppressed, v.Cause)
	assert.Equal(t, connector.Reply{Side: connector.SideReceiver}, v.Reply)
	top.Connectors[0] = c

	// A user that insists on TLS gets nowhere without; a partner may be one where domain security was not told.
	v = compile(t, &connector.Topology{Connectors: []connector.ReceiveConnector{relay("EX01", "0.0.0.0/0")}}).Simulate(from, connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSInsists})
	assert.Equal(t, connector.NotAuthenticated, v.Authentication)
	assert.Equal(t, connector.CauseNoSTARTTLS, v.Cause)
	assert.Equal(t, connector.StepRefused, v.Mail())
	top.Connectors[0].Missing = connector.PropertyDomainSecure
	assert.Equal(t, connector.DoubtMissing, compile(t, top).Simulate(from, connector.Peer{Kind: connector.PeerPartner}).Doubt)
	top.Connectors[0] = c

	top.Servers[0].Missing = 0
	rc := &top.Connectors[0]
	rc.PermissionGroups, rc.Missing = connector.GroupCustom, connector.PropertyRights
	rc.Rights = []connector.Grant{{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Submit"}}
	assert.Equal(t, connector.AuthenticationUnknown, compile(t, top).Simulate(from, connector.Peer{}).Authentication, "the rights are known in part")
	rc.Missing = 0
	assert.Equal(t, connector.NotAuthenticated, compile(t, top).Simulate(from, connector.Peer{}).Authentication, "they are known, and not enough")
	rc.Rights = append(rc.Rights, connector.Grant{Principal: `CONTOSO\Exchange Servers`, Right: "ms-Exch-SMTP-Submit"})
	rc.Missing = connector.PropertyRights
	assert.Equal(t, connector.Authenticated, compile(t, top).Simulate(from, connector.Peer{}).Authentication, "what is known is enough")
}
