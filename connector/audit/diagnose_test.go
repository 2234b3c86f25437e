package audit_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

func diagnose(t testing.TB, top *connector.Topology, text string) *audit.Diagnosis {
	t.Helper()
	d, err := audit.Diagnose(context.Background(), top, text)
	require.NoError(t, err)
	return d
}

// suspects renders suspects, the likeliest first.
func suspects(d *audit.Diagnosis) (lines []string) {
	for _, s := range d.Suspects {
		subject := s.Subject.String()
		if s.Outside() {
			subject = "outside"
		}
		title, _, _ := strings.Cut(s.Title, ":")
		lines = append(lines, fmt.Sprintf("%s %s: %s", s.Likelihood, subject, title))
	}
	return lines
}

const queue2010 = `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all alternate hosts.`

// The founding story: the queue error as it was, and what more of the text changes.
func TestDiagnoseFoundingStory(t *testing.T) {
	top := stories(t)["founding_story"].Topology
	d := diagnose(t, top, queue2010)
	require.Greater(t, len(d.Suspects), 4)
	assert.Equal(t, audit.ErrorCannotAchieve, d.Error.Kind)
	assert.Empty(t, d.Target)
	for i, want := range []string{"EX01", "EX02", "EX03", "EX04"} {
		s := d.Suspects[i]
		assert.Equal(t, connector.ID{Server: want, Name: "Relay"}, s.Subject)
		assert.Equal(t, audit.VeryLikely, s.Likelihood)
		assert.Equal(t, []string{"2 required flows fail by it, by the topology"}, s.For)
		assert.Empty(t, s.Against)
		assert.Equal(t, connector.CauseWrongConnector, s.Witness.Cause)
		require.NotEmpty(t, s.Fixes)
		assert.True(t, s.Fixes[0].Safe)
	}
	for _, s := range d.Suspects[4:] {
		assert.True(t, s.Outside())
		assert.NotEmpty(t, s.Confirm, s.Title)
		assert.NotEmpty(t, s.Basis.Rule, s.Title)
		assert.Less(t, s.Likelihood, audit.Plausible)
	}
	assert.Contains(t, d.Suspects[4].Title, "firewall")

	// Exports do not hold the addresses of servers: without them the relay connectors are still the first suspects.
	bare := top.Clone()
	bare.Databases = nil
	for i := range bare.Servers {
		bare.Servers[i].Addresses = nil
	}
	d = diagnose(t, bare, queue2010)
	for i, want := range []string{"EX01", "EX02", "EX03", "EX04"} {
		assert.Equal(t, connector.ID{Server: want, Name: "Relay"}, d.Suspects[i].Subject)
		assert.Contains(t, d.Suspects[i].For[0], "whether an Exchange server is there is not known")
	}
	assert.True(t, d.Suspects[4].Outside())
	d = diagnose(t, bare, queue2010+";{FQDN=ex03.contoso.com}")
	assert.Equal(t, `EX03\Relay`, d.Suspects[0].Subject.String())
	assert.Equal(t, audit.Plausible, d.Suspects[0].Likelihood)
	bare = &connector.Topology{Connectors: bare.Connectors}
	d = diagnose(t, bare, queue2010)
	assert.Equal(t, `EX01\Relay`, d.Suspects[0].Subject.String(), "even without a list of servers")

	for _, row := range []struct {
		what, text, first, target string
		against                   string // of the last connector
	}{
		{"the endpoint", queue2010 + " The last endpoint attempted was 10.2.0.12:25", "EX04", "EX04", "the text names 10.2.0.12:25, which is EX04"},
		{"the address in braces", queue2010 + ";{FQDN=ex02.contoso.com};{IP=10.1.0.12}]", "EX02", "EX02", "the text names 10.1.0.12, which is EX02"},
		{"the name in braces", queue2010 + ";{FQDN=EX03.contoso.com}]", "EX03", "EX03", "the text names ex03.contoso.com, which is EX03"},
		{"a line of the send log", "2026-11-04T06:00:35.402Z,Send,08D760DF231F00BC,27,10.1.0.11:37964,10.2.0.12:25,<," + queue2010, "EX04", "EX04", ""},
		{"a line of the receive log", `2026-11-04T06:00:35.402Z,EX04\Relay,08D760DF231F00BC,27,10.2.0.12:25,10.1.0.11:37964,<,` + queue2010, "EX04", "EX04", `the line of the log says that EX04\Relay was selected`},
	} {
		t.Run(row.what, func(t *testing.T) {
			d := diagnose(t, top, row.text)
			assert.Equal(t, row.first+`\Relay`, d.Suspects[0].Subject.String())
			assert.Equal(t, audit.VeryLikely, d.Suspects[0].Likelihood)
			assert.Equal(t, row.target, d.Target)
			assert.Greater(t, len(d.Suspects[0].For), 1)
			if row.against != "" {
				for _, s := range d.Suspects[1:] {
					if !s.Outside() {
						assert.Contains(t, s.Against, row.against)
						assert.Less(t, s.Likelihood, audit.Plausible)
					}
				}
			}
		})
	}
	d = diagnose(t, top, "2026-11-04T06:00:35.402Z,Send,08D760DF231F00BC,27,10.1.0.11:37964,10.2.0.12:25,<,"+queue2010)
	assert.Equal(t, "10.1.0.11 -> EX04 10.2.0.12:25", d.Suspects[0].Witness.Explanation.Conn.String(), "the witness is the connection of the line")

	// The server whose queue it is sends, so it is not the target, and the others are asked for its mail.
	d = diagnose(t, top, "Identity      : EX01\\42\nDeliveryType  : SmtpRelayToRemoteAdSite\nNextHopDomain : dc2\nStatus        : Retry\nLastError     : "+queue2010)
	assert.Equal(t, []string{`EX03\Relay`, `EX04\Relay`}, []string{d.Suspects[0].Subject.String(), d.Suspects[1].Subject.String()})
	assert.Equal(t, []string{"2 required flows fail by it, by the topology", "the queue is on EX01, whose mail it takes", "the next hop of the queue is DC2, the site of EX03"}, d.Suspects[0].For)
	for _, s := range d.Suspects {
		switch s.Subject.Server {
		case "EX01":
			assert.Contains(t, s.Against, "the queue is on EX01, which is the sender and not the target")
			assert.Equal(t, audit.Unlikely, s.Likelihood)
		case "EX02":
			assert.Equal(t, []string{"the queue is on EX01, and those whose mail it takes are EX03, EX04", "the next hop of the queue is DC2, and EX02 is in DC1"}, s.Against)
		}
	}
	d = diagnose(t, top, "Generating server: EX03.contoso.com\n\n"+queue2010)
	assert.Equal(t, `EX01\Relay`, d.Suspects[0].Subject.String())
	assert.Equal(t, "ex03", d.Error.Sender)
	// The next hop may be the name of the target.
	d = diagnose(t, top, "NextHopDomain : ex04.contoso.com\nLastError : "+queue2010)
	assert.Equal(t, "EX04", d.Target)
	assert.Contains(t, d.Suspects[0].For, "the text names ex04.contoso.com, which is EX04")

	// Of two sessions in one text the one that failed counts.
	d = diagnose(t, top, "2026-11-04T06:00:35.402Z,Send,1,27,10.1.0.11:37964,10.1.0.12:25,<,250 2.1.5 Recipient OK,\n2026-11-04T06:00:36.402Z,Send,2,27,10.1.0.11:37965,10.2.0.12:25,<,"+queue2010)
	assert.Equal(t, "EX04", d.Target)
	assert.Equal(t, `EX04\Relay`, d.Suspects[0].Subject.String())

	// What the text says against the topology counts against it.
	d = diagnose(t, top, "451 4.4.395 Target host responded with error. -> 451 5.7.3 Cannot achieve Exchange Server authentication")
	assert.Contains(t, d.Suspects[0].Against[0], "a queue words it like this on 2016, 2019, 2019 or SE, SE, and the senders that fail are EX03 (2010), EX04 (2010)")
	d = diagnose(t, top, queue2010+" The last endpoint attempted was 10.2.0.12:2525")
	assert.True(t, d.Suspects[0].Outside(), "no connector known to fail listens there")
	for _, s := range d.Suspects {
		assert.True(t, s.Outside() || strings.Contains(strings.Join(s.Against, "; "), "the text names port 2525, and this is about port 25"), s.Against)
	}
	d = diagnose(t, top, "2026-11-04T06:00:35.402Z,Send,08D760DF231F00BC,27,192.0.2.7:37964,10.2.0.12:25,<,"+queue2010)
	assert.True(t, d.Suspects[0].Outside())
	for _, s := range d.Suspects {
		assert.True(t, s.Outside() || strings.Contains(strings.Join(s.Against, "; "), `by the topology EX04\Default EX04 takes the connection of the text, and the sender authenticates there`))
	}
}

// Once the topology shows nothing wrong, what it does not describe comes first: the same text, another cause.
func TestDiagnoseOutside(t *testing.T) {
	top := stories(t)["defaults_only"].Topology
	d := diagnose(t, top, queue2010+" The last endpoint attempted was 10.0.0.10:25")
	assert.Equal(t, "EX10", d.Target)
	assert.Equal(t, []string{
		"plausible outside: a firewall between the servers inspects SMTP and hides X-ANONYMOUSTLS and X-EXPS",
		"plausible outside: the sender arrives under another address",
		"plausible outside: the internal transport certificate of the target is missing or cannot be used, so X-ANONYMOUSTLS is not offered",
		"plausible outside: the connectors were changed after this export, or not all are in it",
	}, suspects(d))
	assert.Equal(t, []string{"the topology shows no connector that would bring it about for sure"}, d.Suspects[0].For)

	assert.Contains(t, d.Suspects[0].Confirm, "; 10.0.0.7 should see SIZE 10485760, PIPELINING, DSN, ENHANCEDSTATUSCODES, STARTTLS, X-ANONYMOUSTLS, AUTH NTLM, X-EXPS GSSAPI NTLM, 8BITMIME, BINARYMIME, CHUNKING, XEXCH50, XRDST, XSHADOW at 10.0.0.10:25")
	d = diagnose(t, top, queue2010+" The last endpoint attempted was 192.0.2.1:25")
	assert.NotContains(t, d.Suspects[0].Confirm, "should see", "a target that nobody knows")

	d = diagnose(t, top, "554 5.3.5 System incorrectly configured")
	assert.Equal(t, []string{"plausible outside: a setting of the target that receive connectors do not decide"}, suspects(d))
	d = diagnose(t, top, "The mailbox is full.")
	assert.Empty(t, d.Suspects, "what is not known is not guessed at")
	d = diagnose(t, top, queue2010[:60]+"...")
	assert.Equal(t, audit.ErrorCutOff, d.Error.Kind)
	assert.NotEmpty(t, d.Suspects, "it may be the usual one")
}

// Texts with the code, or the look, of another are answered in their kind.
func TestDiagnoseNeighbours(t *testing.T) {
	server := connector.Server{Name: "EX01", FQDN: "ex01.contoso.com", Version: connector.MustParseVersion("2016"), Addresses: []netip.Addr{netip.MustParseAddr("10.1.0.11")}}
	peer := connector.Server{Name: "EX02", FQDN: "ex02.contoso.com", Version: connector.MustParseVersion("2016"), Addresses: []netip.Addr{netip.MustParseAddr("10.1.0.12")}}
	um := connector.Server{Name: "UM10", Version: connector.MustParseVersion("2010"), Site: "S", Roles: connector.RoleUnifiedMessaging, Addresses: []netip.Addr{netip.MustParseAddr("10.1.0.20")}}
	hub := connector.Server{Name: "HUB10", Version: connector.MustParseVersion("2010"), Site: "S", Roles: connector.RoleHubTransport, Addresses: []netip.Addr{netip.MustParseAddr("10.1.0.21")}}
	with := func(edit func(t *connector.Topology)) *connector.Topology {
		top := &connector.Topology{Servers: []connector.Server{server, peer}}
		top.Connectors = append(connector.DefaultConnectors(server), connector.DefaultConnectors(peer)...)
		if edit != nil {
			edit(top)
		}
		return top
	}
	relay := func(edit func(c *connector.ReceiveConnector)) func(*connector.Topology) {
		return func(t *connector.Topology) {
			c := connectorOf("EX01", "Relay", 0, "10.9.0.0/24")
			c.TransportRole, c.PermissionGroups = connector.FrontendTransport, connector.GroupAnonymousUsers
			if edit != nil {
				edit(&c)
			}
			t.Connectors = append(t.Connectors, c)
		}
	}
	receiveLog := func(selected, source, reply string) string {
		return `2026-11-04T06:00:35.402Z,` + selected + `,08D760DF231F00BC,27,10.1.0.11:25,` + source + `:37964,>,"` + reply + `",`
	}
	for _, row := range []struct {
		what  string
		top   *connector.Topology
		text  string
		first []string // the beginnings of the likeliest
		cause connector.Cause
	}{
		{"relay refused, and the line says where", with(relay(nil)), receiveLog(`EX01\Relay`, "10.9.0.7", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"),
			[]string{`very likely EX01\Relay: lets anonymous clients submit, but not relay`}, 0},
		{"the same, told by a connection to the server alone", with(relay(nil)), "550 5.7.54 SMTP; Unable to relay from 10.1.0.11:25",
			[]string{`plausible EX01\Default Frontend EX01: lets anonymous clients submit, but not relay`, `plausible EX01\Relay: lets anonymous clients submit, but not relay`}, 0},
		{"anonymous clients may not submit", with(relay(func(c *connector.ReceiveConnector) { c.PermissionGroups = 0 })), receiveLog(`EX01\Relay`, "10.9.0.7", "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"),
			[]string{`very likely EX01\Relay: lets anonymous clients not submit`}, 0},
		{"STARTTLS is required, and not offered", with(relay(nil)), receiveLog(`EX01\Relay`, "10.9.0.7", "451 5.7.3 STARTTLS is required to send mail"),
			[]string{`very likely EX01\Relay: offers no STARTTLS, and the client insists on it`}, connector.CauseNoSTARTTLS},
		{"STARTTLS is required by the connector", with(relay(func(c *connector.ReceiveConnector) { c.AuthMechanism, c.RequireTLS = connector.AuthTLS, true })), receiveLog(`EX01\Relay`, "10.9.0.7", "451 5.7.3 STARTTLS is required to send mail"),
			[]string{`very likely EX01\Relay: requires TLS, and the client stayed in clear`}, 0},
		{"users may not submit", with(nil), receiveLog(`EX01\Default Frontend EX01`, "10.9.0.7", "535 5.7.3 Authentication unsuccessful"),
			[]string{`very likely EX01\Default Frontend EX01: offers AUTH, but Authenticated Users may not submit`}, connector.CauseNotPermitted},
		{"the password", with(func(t *connector.Topology) { t.Connectors = t.Connectors[1:2] }), "535 5.7.3 Authentication unsuccessful", []string{"plausible outside: user name or password is wrong, or the account is locked or disabled"}, 0},
		{"a mechanism that is not offered", with(relay(nil)), receiveLog(`EX01\Relay`, "10.9.0.7", "504 5.7.4 Unrecognized authentication type"),
			[]string{`very likely EX01\Relay: offers no LOGIN in clear`, `very likely EX01\Relay: offers no LOGIN`, `very likely EX01\Relay: offers no NTLM`}, connector.CauseNotOffered},
		{"a sender that is not permitted", with(relay(func(c *connector.ReceiveConnector) {
			c.Rights = []connector.Grant{{Principal: "S-1-5-7", Right: "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender", Deny: true}}
		})), receiveLog(`EX01\Relay`, "10.9.0.7", "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
			[]string{`very likely EX01\Relay: lets anonymous clients not send as somebody of an accepted domain`}, 0},
		{"both transport roles on one port", with(relay(func(c *connector.ReceiveConnector) { c.TransportRole = connector.HubTransport })), "421 4.3.2 Service not available",
			[]string{`very likely EX01: connectors of both transport roles are bound to 0.0.0.0`}, 0},
		{"an inactive component", with(nil), "412 4.3.2 Service not active", []string{"plausible outside: the transport component of the target is inactive, for example in maintenance mode"}, 0},
		{"Kerberos", with(nil), "454 4.7.0 Temporary authentication failure", []string{"plausible outside: the clocks of the two servers, or of their domain controllers, differ by more than five minutes",
			"plausible outside: the service principal name SMTPSVC of the target is missing or registered twice"}, 0},
		{"Kerberos, by the name of the connector", with(func(t *connector.Topology) { t.Connectors[3].FQDN = "mail.contoso.com" }), "454 4.7.0 Temporary authentication failure. The last endpoint attempted was 10.1.0.11:2525",
			[]string{`very likely EX01\Default EX01: has an FQDN that is none of the server's names, so the service principal name does not fit`}, connector.CauseFQDN},
		{"Unified Messaging", &connector.Topology{Servers: []connector.Server{um, hub}, Connectors: append(connector.DefaultConnectors(hub), connectorOf("HUB10", "Relay", 0, "10.1.0.0/24"))},
			"The Unified Messaging server could not submit. Expected: 220, actual: 500", []string{`very likely HUB10\Relay: takes mail of Unified Messaging without Exchange Server authentication`}, connector.CauseWrongConnector},
		{"Unified Messaging, and an address that was refused", &connector.Topology{Servers: []connector.Server{um, hub}, Connectors: append(connector.DefaultConnectors(hub), connectorOf("HUB10", "Relay", 0, "10.1.0.0/24"))},
			"501 5.1.7 Invalid address", []string{`very likely HUB10\Relay: takes mail of Unified Messaging without Exchange Server authentication`}, connector.CauseWrongConnector},
		{"a command that nobody knows, and no Unified Messaging", stories(t)["founding_story"].Topology, "500 5.3.3 Unrecognized command HELOO", []string{"plausible outside: a firewall between the servers inspects SMTP and hides X-ANONYMOUSTLS and X-EXPS"}, 0},
		{"an Edge server whose certificate nobody knows", edgeWithoutTrust(t), "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
			[]string{`very likely HUB10\Default HUB10: does not trust the certificate of an Edge Transport server or of who sends to it, so the session goes on as an anonymous client's`}, connector.CauseNoDirectTrust},
		{"a server that authenticates in clear where TLS is required", downgradedByTLS(), "451 5.7.3 STARTTLS is required to send mail",
			[]string{`very likely EX01\WAN: requires TLS, and takes servers that authenticate in clear (UseDowngradedExchangeServerAuth)`}, connector.CauseRequireTLS},
		{"Exchange 2007 without Tls", without2007TLS(), queue2010,
			[]string{`plausible EX01\Default: offers Exchange Server authentication without Tls, and the documents of 2007 ask for both`}, 0},
		{"an Edge server whose only connector lacks it, and no addresses", loneEdge(), queue2010 + ";{FQDN=EDGE1.contoso.com}",
			[]string{`plausible EDGE1\Inbound: offers no Exchange Server authentication, and neither does any other connector at this endpoint`}, connector.CauseNoMechanism},
		{"no list of servers, and the name of the target", &connector.Topology{Connectors: stories(t)["founding_story"].Topology.Connectors}, queue2010 + ";{FQDN=ex03.contoso.com}",
			[]string{`plausible EX03\Relay: takes addresses at which an Exchange server could not authenticate; EX03\Default EX03 offers it`}, connector.CauseWrongConnector},
		{"the configuration has changed since", with(relay(nil)), receiveLog(`EX01\Relay`, "10.8.0.7", "550 5.7.1 Unable to relay"),
			[]string{`plausible EX01\Relay: lets anonymous clients submit, but not relay`, `plausible EX01\Relay: the configuration has changed since, or is not known whole`}, 0},
		{"a group that is missing is no reason for 451, but asked for often", with(func(t *connector.Topology) { t.Connectors[3].PermissionGroups = connector.GroupExchangeUsers }), queue2010 + " The last endpoint attempted was 10.1.0.11:2525",
			[]string{`plausible EX01\Default EX01: lets Exchange servers not submit`}, connector.CauseNotPermitted},
		{"no certificate", with(func(t *connector.Topology) { t.Servers[0].NoCertificate = true }), queue2010, []string{`very likely EX01\Default EX01: offers no X-ANONYMOUSTLS, because no certificate of the server can be used`}, connector.CauseNoCertificate},
		{"the event of a server that is not authorized", with(func(t *connector.Topology) { t.Connectors[3].PermissionGroups = 0 }), `Computer: EX01.contoso.com The account 'CONTOSO\EX02$' provided valid credentials, but is not authorized to use the server; failing authentication.`,
			[]string{`very likely EX01\Default EX01: lets Exchange servers not submit`}, connector.CauseNotPermitted},
		{"the event of direct trust", edgeWithoutTrust(t), "Event 1036: Inbound direct trust authentication failed for certificate CN=EDGE. The source IP address of the server that tried to authenticate to Microsoft Exchange is [172.16.0.5].",
			[]string{`very likely HUB10\Default HUB10: does not trust the certificate of an Edge Transport server or of who sends to it, so the session goes on as an anonymous client's`}, connector.CauseNoDirectTrust},
		{"not authorized", with(nil), "550 5.7.3 Not Authorized", []string{`thinkable EX01\Default Frontend EX01: offers AUTH, but Authenticated Users may not submit`}, connector.CauseNotPermitted},
		{"an address that was refused", with(nil), "501 5.1.7 Invalid address", []string{"plausible outside: Unified Messaging reached a connector that gives it no rights"}, 0},
	} {
		t.Run(row.what, func(t *testing.T) {
			d := diagnose(t, row.top, row.text)
			got := suspects(d)
			require.GreaterOrEqual(t, len(got), len(row.first), got)
			assert.Equal(t, row.first, got[:len(row.first)], strings.Join(got, "\n"))
			if !d.Suspects[0].Outside() && d.Suspects[0].Witness != nil {
				assert.Equal(t, row.cause, d.Suspects[0].Witness.Cause)
			}
			for _, s := range d.Suspects {
				assert.NotEmpty(t, s.Basis.Rule, s.Title)
				assert.NotEqual(t, "", s.Likelihood.String())
				assert.True(t, s.Outside() || len(s.For) > 0, s.Title)
			}
		})
	}
	// Without direct trust the session goes on, and where anonymous clients may submit nobody is told to authenticate.
	trusting := edgeWithoutTrust(t)
	for i := range trusting.Connectors {
		trusting.Connectors[i].PermissionGroups |= connector.GroupAnonymousUsers
	}
	const distrust = "does not trust the certificate"
	assert.NotContains(t, strings.Join(suspects(diagnose(t, trusting, "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM")), "\n"), distrust)
	assert.Contains(t, suspects(diagnose(t, trusting, "Event 1036: Inbound direct trust authentication failed for certificate CN=EDGE."))[0], distrust)
	// What no connector takes does not end by an answer to X-ANONYMOUSTLS.
	refusing := &connector.Topology{Servers: []connector.Server{um, hub}, Connectors: []connector.ReceiveConnector{connectorOf("HUB10", "Relay", 0, "10.9.0.0/24")}}
	const takes = "takes mail of Unified Messaging"
	assert.NotContains(t, strings.Join(suspects(diagnose(t, refusing, "500 5.3.3 Unrecognized command")), "\n"), takes)
	refusing.Connectors = append(refusing.Connectors, connectorOf("HUB10", "Any", 0, "10.1.0.0/24"))
	taken := diagnose(t, refusing, "500 5.3.3 Unrecognized command")
	assert.Contains(t, suspects(taken)[0], takes)
	assert.Contains(t, taken.Suspects[0].Basis.Rule, "without looking at the offer")
	// Where nobody told the servers, whatever could take one is thinkable.
	untold := diagnose(t, &connector.Topology{Connectors: append(connector.DefaultConnectors(hub), connectorOf("HUB10", "Relay", 0, "10.1.0.0/24"))}, "500 5.3.3 Unrecognized command")
	at := slices.IndexFunc(untold.Suspects, func(s audit.Suspect) bool { return s.Subject.Name == "Relay" })
	require.GreaterOrEqual(t, at, 0)
	assert.Equal(t, audit.Thinkable, untold.Suspects[at].Likelihood)
	assert.Equal(t, "500 5.3.3 Unrecognized command", untold.Suspects[at].Witness.Reply.String())
	assert.Contains(t, untold.Suspects[at].Basis.Rule, "without looking at the offer")
	// A source that the connector does not serve speaks against it.
	d := diagnose(t, with(relay(nil)), receiveLog(`EX01\Default Frontend EX01`, "10.8.0.7", "550 5.7.1 Unable to relay"))
	assert.Equal(t, `EX01\Default Frontend EX01`, d.Suspects[0].Subject.String())
	for _, s := range d.Suspects {
		if s.Subject.Name == "Relay" {
			assert.Contains(t, strings.Join(s.Against, "; "), `by the topology EX01\Default Frontend EX01 takes the connection of the text`)
			assert.Equal(t, audit.Unlikely, s.Likelihood)
		}
	}
}

// A relay connector that takes no known server is named, behind what the topology does not describe.
func TestDiagnoseIdleRelay(t *testing.T) {
	top := stories(t)["defaults_only"].Topology.Clone()
	relay := connectorOf("EX10", "Relay", 0, "10.77.0.0/24")
	relay.RemoteIPRanges = append(relay.RemoteIPRanges, connectorOf("", "", 0, "10.78.0.0/24", "10.79.0.0/24", "10.80.0.0/24", "10.82.0.0/24", "10.84.0.0/24").RemoteIPRanges...)
	top.Connectors = append(top.Connectors, relay)
	d := diagnose(t, top, queue2010)
	assert.True(t, d.Suspects[0].Outside())
	last := d.Suspects[len(d.Suspects)-1]
	assert.Equal(t, `EX10\Relay`, last.Subject.String())
	assert.Equal(t, []string{"it takes 10.77.0.0/24, 10.78.0.0/24, 10.79.0.0/24, 10.80.0.0/24, 2 more, but no Exchange server that is known is there"}, last.For)

	relay.RemoteIPRanges = relay.RemoteIPRanges[:1]
	relay.Missing, relay.AuthMechanism = connector.PropertyAuthMechanism, 0
	top = twoHubs(connectorOf("EX01", "Held", 0, "10.2.0.1"), relay)
	d = diagnose(t, top, queue2010)
	assert.Equal(t, `EX01\Held`, d.Suspects[0].Subject.String())
}

func edgeWithoutTrust(t *testing.T) *connector.Topology {
	hub := connector.Server{Name: "HUB10", Version: connector.MustParseVersion("2010"), Site: "S", Roles: connector.RoleHubTransport, Addresses: []netip.Addr{netip.MustParseAddr("10.1.0.21")}}
	edge := connector.Server{Name: "EDGE", Version: connector.MustParseVersion("2010"), Site: "S", Roles: connector.RoleEdge, NoCertificate: true, Addresses: []netip.Addr{netip.MustParseAddr("172.16.0.5")}}
	return &connector.Topology{Servers: []connector.Server{hub, edge}, Connectors: connector.DefaultConnectors(hub)}
}

func downgradedByTLS() *connector.Topology {
	wan := connectorOf("EX01", "WAN", exchangeAuth, "10.2.0.0/24")
	wan.SuppressXAnonymousTLS, wan.RequireTLS = true, true
	top := twoHubs(wan)
	top.Servers[1].DowngradedExchangeAuth = true
	return top
}

func without2007TLS() *connector.Topology {
	top := twoHubs()
	top.Servers[0].Version = connector.MustParseVersion("2007")
	top.Connectors[0].AuthMechanism = connector.AuthExchangeServer
	return top
}

func loneEdge() *connector.Topology {
	return &connector.Topology{
		Servers:    []connector.Server{{Name: "EDGE1", Version: connector.MustParseVersion("2007"), Site: "S", Roles: connector.RoleEdge}, {Name: "HUB1", Version: connector.MustParseVersion("2007"), Site: "S", Roles: connector.RoleHubTransport}},
		Connectors: []connector.ReceiveConnector{connectorOf("EDGE1", "Inbound", connector.AuthTLS, "0.0.0.0/0")},
	}
}

// Where the text tells both ends, what the topology makes of that connection decides.
func TestDiagnoseConnection(t *testing.T) {
	send := func(from, to string) string {
		return "2020-11-02T15:11:09.006Z,Intra-Organization SMTP Send Connector,08D8,5," + from + ":45566," + to + ":25,*,,451 5.7.3 Cannot achieve Exchange Server authentication"
	}
	hosts := connectorOf("EX01", "Hosts", 0, "10.2.0.1", "10.9.0.7")
	top := twoHubs(hosts, connectorOf("EX01", "Wide", 0, "10.8.0.0/16"))
	bare := top.Clone()
	for i := range bare.Servers {
		bare.Servers[i].Addresses = nil
	}
	bare.Servers[0].FQDN = "ex01.contoso.com"

	// A relay connector that lists single hosts is a suspect as soon as nobody knows where the servers are.
	d := diagnose(t, bare, queue2010+";{FQDN=ex01.contoso.com}")
	assert.Equal(t, `EX01\Hosts`, d.Suspects[0].Subject.String())
	assert.Equal(t, "[10.2.0.1 10.9.0.7]", fmt.Sprint(d.Suspects[0].Addrs))
	assert.Equal(t, `EX01\Wide`, d.Suspects[1].Subject.String())

	// With the line of the log it is the one.
	d = diagnose(t, bare, send("10.9.0.7", "10.1.0.1")+" {FQDN=ex01.contoso.com}")
	assert.Equal(t, `EX01\Hosts`, d.Suspects[0].Subject.String())
	assert.Equal(t, audit.VeryLikely, d.Suspects[0].Likelihood)
	assert.Contains(t, d.Suspects[0].For, "by the topology it takes the connection of the text, 10.9.0.7 -> EX01 10.1.0.1:25, and ends it like this")
	assert.Equal(t, audit.Unlikely, d.Suspects[len(d.Suspects)-1].Likelihood)

	// Also if no finding names it, because its source is no known server.
	d = diagnose(t, top, send("10.9.0.7", "10.1.0.1"))
	assert.Equal(t, `EX01\Hosts`, d.Suspects[0].Subject.String())
	assert.Equal(t, audit.VeryLikely, d.Suspects[0].Likelihood)
	assert.Equal(t, "10.9.0.7 -> EX01 10.1.0.1:25", d.Suspects[0].Witness.Explanation.Conn.String())
	d = diagnose(t, twoHubs(connectorOf("EX01", "Single", 0, "10.9.0.7")), send("10.9.0.7", "10.1.0.1"))
	assert.Equal(t, `very likely EX01\Single: takes the connection of the text, and does not offer Exchange Server authentication that the sender may use`, suspects(d)[0])

	// A connection that passes by the topology acquits them all, in IPv6 as well.
	for _, line := range []string{send("10.77.0.1", "10.1.0.1"), send("[fd00:2::1]", "[fd00:1::1]")} {
		d = diagnose(t, top, line)
		assert.True(t, d.Suspects[0].Outside(), suspects(d))
		for _, s := range d.Suspects {
			assert.True(t, s.Outside() || s.Likelihood == audit.Unlikely, s.Against)
		}
	}

	// 500 in the receive log of a relay connector: it does not know the command.
	d = diagnose(t, top, `2020-11-02T15:11:09.006Z,EX01\Hosts,08D8,4,10.1.0.1:25,10.9.0.7:45566,>,500 5.3.3 Unrecognized command,`)
	assert.Equal(t, `EX01\Hosts`, d.Suspects[0].Subject.String())
	assert.Equal(t, audit.VeryLikely, d.Suspects[0].Likelihood)
	assert.Equal(t, "500 5.3.3 Unrecognized command", d.Suspects[0].Witness.Reply.String())

	// A log that shows what the topology would not do.
	may := hosts.Clone()
	may.ID.Name, may.PermissionGroups = "Relays", connector.GroupAnonymousUsers
	may.Rights = grant("S-1-5-7", false)
	d = diagnose(t, twoHubs(may), `2020-11-02T15:11:09.006Z,EX01\Relays,08D8,4,10.1.0.1:25,10.9.0.7:45566,>,550 5.7.1 Unable to relay,`)
	assert.Equal(t, `plausible EX01\Relays`, strings.Split(suspects(d)[0], ":")[0])
	assert.Contains(t, d.Suspects[0].Title, "would end the session otherwise by this topology")
	assert.NotContains(t, strings.Join(suspects(d), "; "), "the client arrives under another address", "the line tells its address")

	// A target that is no known server.
	d = diagnose(t, top, queue2010+" The last endpoint attempted was 192.0.2.1:25")
	assert.Contains(t, suspects(d)[0], "outside")
	assert.Contains(t, suspects(d)[0], "the target is a balancer in front of the servers")
	for _, s := range d.Suspects {
		assert.True(t, s.Outside() || strings.Contains(strings.Join(s.Against, "; "), "the text names 192.0.2.1, which is no known server"))
	}
	d = diagnose(t, bare, queue2010+" The last endpoint attempted was 192.0.2.1:25")
	assert.Equal(t, `EX01\Hosts`, d.Suspects[0].Subject.String(), "as long as nobody knows the servers it may be one")

	// A property that is missing makes nobody very likely.
	vague := connectorOf("EX01", "Vague", 0, "10.2.0.1")
	vague.Missing = connector.PropertyAuthMechanism
	d = diagnose(t, twoHubs(vague), queue2010+" The last endpoint attempted was 10.1.0.1:25")
	assert.Equal(t, `EX01\Vague`, d.Suspects[0].Subject.String())
	assert.Equal(t, audit.Plausible, d.Suspects[0].Likelihood)

	d = diagnose(t, twoHubs(vague), send("10.2.0.1", "10.1.0.1"))
	assert.Equal(t, `EX01\Vague`, d.Suspects[0].Subject.String())
	assert.Equal(t, audit.Plausible, d.Suspects[0].Likelihood)
	vague.RemoteIPRanges = []connector.Range{connector.MustParseRange("10.9.0.7")}
	d = diagnose(t, twoHubs(vague), send("10.9.0.7", "10.1.0.1"))
	assert.Equal(t, `EX01\Vague`, d.Suspects[0].Subject.String(), "even if no finding names it")
	assert.Contains(t, strings.Join(d.Suspects[0].For, "; "), "whether the sender can authenticate there is not known")

	// What Unified Messaging alone meets is another error.
	um := stories(t)["relay_takes_unified_messaging"].Topology
	d = diagnose(t, um, queue2010)
	assert.True(t, d.Suspects[0].Outside())
	assert.Contains(t, d.Suspects[len(d.Suspects)-1].Against, "Unified Messaging, whose mail it takes, gets 500 5.3.3 instead")
}

// A server whose name is a word of every such text is not named by it.
func TestDiagnoseOrdinaryNames(t *testing.T) {
	top := twoHubs(connectorOf("EX01", "Relay", 0, "10.2.0.0/24"))
	top.Servers[1].Name = "EXCHANGE"
	top.Connectors[1].ID.Server = "EXCHANGE"
	for _, s := range diagnose(t, top, queue2010).Suspects {
		assert.NotContains(t, strings.Join(s.For, "; "), "the text names")
	}
	d := diagnose(t, top, "the queue on EXCHANGE.contoso.com says "+queue2010)
	assert.Contains(t, d.Suspects[0].For, "the text names EXCHANGE, whose mail it takes")
}

func TestDiagnoseErrors(t *testing.T) {
	_, err := audit.Diagnose(context.Background(), &connector.Topology{Servers: []connector.Server{{}}}, queue2010)
	assert.ErrorIs(t, err, connector.ErrEmpty)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = audit.Diagnose(ctx, stories(t)["founding_story"].Topology, queue2010)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, audit.Likelihood(0).String())
}

func ExampleDiagnose() {
	default01 := connector.DefaultConnectors(connector.Server{Name: "EX01", Version: connector.MustParseVersion("2010"), Roles: connector.RoleHubTransport})
	relay, _ := connector.NewConnector(connector.UsageCustom, connector.ID{Server: "EX01", Name: "Relay"},
		[]netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}, []connector.Range{connector.MustParseRange("10.0.0.0/8")})
	t := &connector.Topology{
		Servers: []connector.Server{
			{Name: "EX01", Site: "DC1", Version: connector.MustParseVersion("2010"), Addresses: []netip.Addr{netip.MustParseAddr("10.1.0.11")}},
			{Name: "EX03", Site: "DC2", Version: connector.MustParseVersion("2010"), Addresses: []netip.Addr{netip.MustParseAddr("10.2.0.11")}},
		},
		Connectors: append(default01, relay),
	}
	d, err := audit.Diagnose(context.Background(), t, `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover`)
	if err != nil {
		panic(err)
	}
	fmt.Println(d.Error.Kind, "-", d.Error.Reply)
	for _, s := range d.Suspects[:2] {
		fmt.Println(s.Likelihood, s.Subject, s.Title)
		for _, text := range s.For {
			fmt.Println("  for:", text)
		}
	}
	// Output:
	// CannotAchieve - 451 5.7.3 Cannot achieve Exchange Server authentication
	// very likely EX01\Relay takes mail from EX03 without Exchange Server authentication; EX01\Default EX01 offers it
	//   for: 1 required flow fails by it, by the topology
	// thinkable  a firewall between the servers inspects SMTP and hides X-ANONYMOUSTLS and X-EXPS
}
