package audit_test

import (
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

// The wrappers that versions put around a reply, a row each, and what people paste.
func TestReadErrorWrappers(t *testing.T) {
	const cannot = "451 5.7.3 Cannot achieve Exchange Server authentication"
	later := []connector.Generation{connector.Generation2016, connector.Generation2019, connector.Generation2019OrSE, connector.GenerationSE}
	early := []connector.Generation{connector.Generation2010, connector.Generation2013, connector.Generation2016}
	for _, row := range []struct {
		what, text string
		kind       audit.ErrorKind
		reply      string
		senders    []connector.Generation
		endpoint   string
	}{
		{"2007", `451 5.7.3 "Cannot achieve Exchange Server authentication"`, audit.ErrorCannotAchieve, cannot, []connector.Generation{connector.Generation2007}, ""},
		{"2010 to early 2016", `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all alternate hosts.`,
			audit.ErrorCannotAchieve, cannot, early, ""},
		{"2013 adds the endpoint", `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover to alternate host, but that did not succeed. The last endpoint attempted was 10.1.0.11:2525`,
			audit.ErrorCannotAchieve, cannot, early, "10.1.0.11:2525"},
		{"and what is in braces", `[{LRT=1/2/2026 3:04:05 PM};{LED=451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover};{FQDN=ex01.contoso.com};{IP=10.1.0.11}]`,
			audit.ErrorCannotAchieve, cannot, early, "10.1.0.11:0"},
		{"later", `451 4.4.395 Target host responded with error. -> 451 5.7.3 Cannot achieve Exchange Server authentication`, audit.ErrorCannotAchieve, cannot, later, ""},
		{"later, in braces", `[{LRT=};{LED=451 4.4.395 Target host responded with error. -> 451 5.7.3 Cannot achieve Exchange Server authentication};{FQDN=ex01.contoso.com};{IP=2001:db8::11}]`,
			audit.ErrorCannotAchieve, cannot, later, "[2001:db8::11]:0"},
		{"through a front end", `450 4.7.0 Proxy session setup failed on Frontend with '451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover to alternate host'`,
			audit.ErrorCannotAchieve, cannot, early, ""},
		{"quoted in a mail", "> 451 4.4.0 Primary target\r\n> IP address responded with: \"451 5.7.3\r\n>> Cannot achieve Exchange Server\r\n> authentication.\"", audit.ErrorCannotAchieve, cannot, early, ""},
		{"of a web page", `451 4.4.395 Target host responded with error. -&gt; 451 5.7.3 Cannot achieve Exchange&nbsp;Server authentication`, audit.ErrorCannotAchieve, cannot, later, ""},
		{"folded by a mail program", "451 5.7.3 Cannot achieve Exchange Ser=\r\nver authentication", audit.ErrorCannotAchieve, cannot, nil, ""},
		{"an NDR", "Generating server: EX03.contoso.com\n\njoe@contoso.com\n#< #4.4.7 smtp;400 4.4.7 Message delayed> #SMTP# 451 5.7.3 CANNOT ACHIEVE EXCHANGE SERVER AUTHENTICATION", audit.ErrorCannotAchieve, "451 5.7.3 CANNOT ACHIEVE EXCHANGE SERVER AUTHENTICATION", nil, ""},
		{"a multi-line reply", "451-5.7.3 STARTTLS is required to send mail", audit.ErrorSTARTTLSRequired, "451 5.7.3 STARTTLS is required to send mail", nil, ""},
		{"cut off by the console, with enough of it", `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exch...`, audit.ErrorCannotAchieve, "451 5.7.3 Cannot achieve Exch", early, ""},
		{"cut off too early", `451 4.4.0 Primary target IP address responded with: "451 5.7....`, audit.ErrorCutOff, "451 4.4.0 Primary target IP address responded with", early, ""},
		{"cut off early, but unlike any other", `451 5.7.3 Can…`, audit.ErrorCannotAchieve, "451 5.7.3 Can", nil, ""},
		{"cut off without dots", `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exch`, audit.ErrorCannotAchieve, "451 5.7.3 Cannot achieve Exch", early, ""},
		{"cut off, and the console goes on", "451 4.4.0 Primary target IP address responded with: \"451 5.7.3 Cannot achieve...\n[PS] C:\\>", audit.ErrorCannotAchieve, "451 5.7.3 Cannot achieve", early, ""},
		{"a row of a table, and the next row", "EX03\\7  SmtpRel...  Retry  451 5.7.3 Cannot achi...\nEX03\\8  MapiDel...  Ready\n", audit.ErrorCannotAchieve, "451 5.7.3 Cannot achi", nil, ""},
		{"cut off, and it could be two", "451 5.7.3 S...", audit.ErrorOther, "451 5.7.3 S", nil, ""},
		{"the code alone", "451 5.7.3", audit.ErrorOther, "451 5.7.3", nil, ""},
		{"with the endpoint behind it", "451 4.4.395 Target host responded with error. -> 451 5.7.3 Cannot achieve Exchange Server authentication The last endpoint attempted was [2001:db8::2]:2525", audit.ErrorCannotAchieve, cannot, later, "[2001:db8::2]:2525"},
		{"with another form of it", "[LRT=1];[LED=451 4.4.395 Target host responded with error. -> 451 5.7.3 Cannot achieve Exchange Server authentication];[LastAttemptedIP=10.1.0.12:25]", audit.ErrorCannotAchieve, cannot, later, "10.1.0.12:25"},
		{"on a web page, with its marks", "<p>451 5.7.3 Cannot achieve Exchange<br/>Server <b>authentication</b></p>", audit.ErrorCannotAchieve, cannot, nil, ""},
		{"an NDR with headers behind it", "#550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain ##\nOriginal message headers:\nReceived: from EX01.contoso.com (10.0.0.1)", audit.ErrorUnableToRelay, "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain ##", nil, ""},
		{"cut inside the port", `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover. The last endpoint attempted was 10.2.0.11:2`, audit.ErrorCannotAchieve, cannot, early, "10.2.0.11:0"},
		{"cut before the port", `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover. The last endpoint attempted was 10.2.0.11:...`, audit.ErrorCannotAchieve, cannot, early, "10.2.0.11:0"},
		{"cut inside the quotes", `451 4.4.0 Primary target IP address responded with: "451 5.7.3`, audit.ErrorCutOff, "451 5.7.3", early, ""},
		{"a line of a tracking log", "x,STOREDRIVER,SUBMITDEFER,451 4.4.395 Target host responded with error. -> 451 5.7.3 Cannot achieve Exchange Server authentication,5000,1,,,Subject", audit.ErrorCannotAchieve, cannot, later, ""},
		{"an NDR that names who answered", "Receiving server: ex10b.contoso.com (10.2.0.11)\n\njoe@contoso.com\n10.1.0.9\nServer at ex10b.contoso.com (10.2.0.11) returned '451 4.4.0 Primary target IP address responded with: \"451 5.7.3 Cannot achieve Exchange Server authentication.\"'",
			audit.ErrorCannotAchieve, cannot, early, "10.2.0.11:0"},
		{"of two errors the telling one", "Identity : EX01\\1\nLastError : 441 4.4.1 Error encountered. The last endpoint attempted was 10.1.0.12:25\n\nIdentity : EX01\\2\nLastError : 451 5.7.3 Cannot achieve Exchange Server authentication. The last endpoint attempted was 10.2.0.12:25\n",
			audit.ErrorCannotAchieve, cannot, nil, "10.2.0.12:25"},
		{"nothing", "", audit.ErrorOther, "", nil, ""},
		{"something else", "The mailbox is full.", audit.ErrorOther, "", nil, ""},
		{"an unknown reply", "550 5.1.1 User unknown", audit.ErrorOther, "550 5.1.1 User unknown", nil, ""},
		{"not UTF-8", "451 5.7.3 Cannot achieve Exchange Server authentication \xff\xfe", audit.ErrorCannotAchieve, cannot + " ?", nil, ""},
	} {
		t.Run(row.what, func(t *testing.T) {
			e := audit.ReadError(row.text)
			assert.Equal(t, row.kind, e.Kind, e.Kind.String())
			assert.Equal(t, row.reply, e.Reply)
			assert.Equal(t, row.senders, e.Senders)
			endpoint := ""
			if e.Endpoint.IsValid() {
				endpoint = e.Endpoint.String()
			}
			assert.Equal(t, row.endpoint, endpoint)
			assert.Equal(t, strings.Contains(row.text, "Frontend"), e.Purpose == connector.OutboundProxy)
		})
	}
}

// The replies of sessions, and those that share a code with another: told apart by their words.
func TestReadErrorKinds(t *testing.T) {
	for text, want := range map[string]audit.ErrorKind{
		"451 5.7.3 Cannot achieve Exchange Server authentication": audit.ErrorCannotAchieve,
		"451 5.7.3 STARTTLS is required to send mail":             audit.ErrorSTARTTLSRequired,
		"530 5.7.0 Must issue a STARTTLS command first":           audit.ErrorSTARTTLSRequired,
		"535 5.7.3 Authentication unsuccessful":                   audit.ErrorAuthUnsuccessful,
		"454 4.7.0 Temporary authentication failure":              audit.ErrorTemporaryAuth,
		"454 4.7.0": audit.ErrorTemporaryAuth,
		"454 4.7.0 TLS not available due to local problem": audit.ErrorOther,
		"550 5.1.3 Invalid address":                        audit.ErrorOther,
		"550 5.7.1":                                        audit.ErrorOther,
		"530 5.7.1":                                        audit.ErrorNotAuthenticated,
		"the queue EX01\\10048 says 441 4.4.1 Error encountered":                                       audit.ErrorOther,
		"500 5.3.3 Unrecognized command":                                                               audit.ErrorUnrecognizedCommand,
		"The SMTP server did not answer as it should. Expected: 220, actual: 500, whole response: ...": audit.ErrorUnrecognizedCommand,
		"530 5.7.1 Client was not authenticated":                                                       audit.ErrorNotAuthenticated,
		"530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM":        audit.ErrorNotAuthenticated,
		"550 5.7.1 Unable to relay":                                                                    audit.ErrorUnableToRelay,
		"550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain":                            audit.ErrorUnableToRelay,
		"550 5.7.1 Client does not have permissions to send as this sender":                            audit.ErrorSender,
		"550 5.7.60 SMTP; Client does not have permissions to send as this sender":                     audit.ErrorSender,
		"504 5.7.4 Unrecognized authentication type":                                                   audit.ErrorAuthType,
		"501 5.1.7 Invalid address":                                                                    audit.ErrorInvalidAddress,
		"412 4.3.2 Service not active":                                                                 audit.ErrorServiceNotActive,
		"421 4.3.2 Service not available":                                                              audit.ErrorServiceNotAvailable,
		"421 4.3.2 The maximum number of concurrent connections has exceeded a limit":                  audit.ErrorOther,
		"550 5.7.3 Not Authorized":                                                                     audit.ErrorNotAuthorized,
		"554 5.3.5 System incorrectly configured":                                                      audit.ErrorMisconfigured,
		"550 5.7.1 something nobody knows":                                                             audit.ErrorOther,
		"451 5.7.3 something nobody knows":                                                             audit.ErrorOther,
		"Inbound AUTH LOGIN failed because of LogonDenied":                                             audit.ErrorAuthUnsuccessful,
		"Outbound authentication failed with error LogonDenied for Send connector Intra-Organization SMTP Send Connector.":                       audit.ErrorTemporaryAuth,
		"Inbound authentication failed with error LogonDenied for Receive connector Default EX01. The authentication mechanism is ExchangeAuth.": audit.ErrorTemporaryAuth,
		`The account 'CONTOSO\EX03$' provided valid credentials, but is not authorized to use the server; failing authentication.`:               audit.ErrorNotAuthorized,
		"Outbound Authentication failed with LogonDenied":                   audit.ErrorTemporaryAuth,
		"Inbound ExchangeAuth authentication failed because of LogonDenied": audit.ErrorTemporaryAuth,
		"Inbound authentication failed with error LogonDenied for Receive connector Client Frontend EX01. The authentication mechanism is Login. The source IP address of the client who tried to authenticate to Microsoft Exchange is [10.0.0.9].": audit.ErrorAuthUnsuccessful,
		"Inbound direct trust authentication failed for certificate CN=edge. The source IP address of the server that tried to authenticate to Microsoft Exchange is [172.16.0.5].":                                                                  audit.ErrorDirectTrust,
		"event 1019: Failed to start listening (error: 10048). Binding: 0.0.0.0:25": audit.ErrorServiceNotAvailable,
		"15.3.5.1 is not a code": audit.ErrorOther,
	} {
		assert.Equal(t, want, audit.ReadError(text).Kind, text)
	}
	for text, want := range map[string]string{
		"451 5.7.3": "[CannotAchieve STARTTLSRequired]", "550 5.7.1 something nobody knows": "[UnableToRelay SenderNotPermitted]",
		"421 4.3.2 The maximum number of concurrent connections has exceeded a limit": "[ServiceNotAvailable]", "454 4.7.0 TLS not available due to local problem": "[TemporaryAuthFailure]", "550 5.1.1 x": "[]",
	} {
		assert.Equal(t, want, fmt.Sprint(audit.ReadError(text).SameCode), text)
	}
	for k := audit.ErrorCannotAchieve; k <= audit.ErrorOther; k++ {
		assert.NotEmpty(t, k.String())
		assert.NotEmpty(t, k.Meaning().Rule, k)
		assert.NotZero(t, k.Meaning().Mark, k)
	}
	assert.Empty(t, audit.ErrorKind(0).String())
	assert.Empty(t, audit.ErrorKind(99).String())
	assert.Empty(t, audit.ErrorKind(99).Meaning().Rule)
}

// Events name who logged them, who connected, and where.
func TestReadErrorEvents(t *testing.T) {
	e := audit.ReadError("Event ID: 1035\nComputer: EX10B.contoso.com\nDescription: Inbound authentication failed with error LogonDenied for Receive connector Default EX10B. The authentication mechanism is ExchangeAuth. The source IP address of the client who tried to authenticate to Microsoft Exchange is [10.1.0.21].")
	assert.Equal(t, audit.ErrorTemporaryAuth, e.Kind)
	assert.Equal(t, "ex10b.contoso.com", e.Host)
	assert.Equal(t, "10.1.0.21", e.Source.String())
	assert.Equal(t, connector.ID{Server: "ex10b", Name: "Default EX10B"}, e.Selected)
	e = audit.ReadError(`Computer: EX10B The account 'CONTOSO\EX16A$' provided valid credentials, but is not authorized to use the server; failing authentication.`)
	assert.Equal(t, []string{"ex10b", "ex16a"}, []string{e.Host, e.Sender})
	e = audit.ReadError(`The account 'CONTOSO\joe' provided valid credentials, but is not authorized to use the server; failing authentication.`)
	assert.Empty(t, e.Sender, "a user is no server")
	e = audit.ReadError("Generierender Server: EX03.contoso.com\n451 5.7.3 Cannot achieve Exchange Server authentication\n\n451 5.7.3 Cannot achieve Exchange Server authentication\n")
	assert.Equal(t, "ex03", e.Sender)
	assert.Equal(t, 1, e.More)
}

// Lines of protocol logs tell both endpoints, and a receive log the connector.
func TestReadErrorLogLines(t *testing.T) {
	for _, row := range []struct{ line, endpoint, source, selected string }{
		{"2026-11-04T06:00:35.402Z,Intra-Organization SMTP Send Connector,08D760DF231F00BC,27,10.2.0.11:37964,10.1.0.11:25,<,451 5.7.3 Cannot achieve Exchange Server authentication,", "10.1.0.11:25", "10.2.0.11", ""},
		{"2026-04-02T08:29:00.104Z,EX01\\Relay,08D7D4D2EFBC4D5E,0,10.1.0.11:25,10.2.0.11:58556,>,530 5.7.1 Client was not authenticated,", "10.1.0.11:25", "10.2.0.11", `EX01\Relay`},
		{"2026-04-02T08:29:00.104Z,EX01\\Printers, floor 2, east,08D7D4D2EFBC4D5E,0,10.1.0.11:25,10.2.0.11:58556,>,550 5.7.1 Unable to relay,", "10.1.0.11:25", "10.2.0.11", `EX01\Printers, floor 2, east`},
		{"noise\n2026-04-02T08:29:00.104Z,EX01\\Relay,08D7D4D2EFBC4D5E,0,[2001:db8::1]:25,[2001:db8::2]:58556,>,550 5.7.1 Unable to relay,\nmore", "[2001:db8::1]:25", "2001:db8::2", `EX01\Relay`},
		{"2026-04-02T08:29:00.104Z,EX01\\Relay,masked,0,10.**.**.31:25,10.**.**.168:58556,>,x,", "", "", ""},
		{"2026-04-02T08:29:00.104Z,too short", "", "", ""},
	} {
		e := audit.ReadError(row.line)
		endpoint, source := "", ""
		if e.Endpoint.IsValid() {
			endpoint = e.Endpoint.String()
		}
		if e.Source.IsValid() {
			source = e.Source.String()
		}
		assert.Equal(t, []string{row.endpoint, row.source, row.selected}, []string{endpoint, source, e.Selected.String()}, row.line)
	}
}

// What the library says a queue shows, it reads back: kind, reply and sender.
func TestReadErrorReadsQueueErrors(t *testing.T) {
	top := &connector.Topology{Servers: []connector.Server{{Name: "S", Version: connector.MustParseVersion("2016")}}, Connectors: []connector.ReceiveConnector{connectorOf("S", "Relay", connector.AuthTLS, "0.0.0.0/0")}}
	x, err := connector.Compile(top)
	require.NoError(t, err)
	at := netip.MustParseAddrPort("10.0.0.1:25")
	v := x.Simulate(connector.Conn{Server: "S", Local: at, Remote: netip.MustParseAddr("10.0.0.2")}, connector.Peer{})
	for _, g := range []connector.Generation{connector.Generation2007, connector.Generation2010, connector.Generation2013, connector.Generation2016, connector.Generation2019, connector.Generation2019OrSE, connector.GenerationSE} {
		e := audit.ReadError(connector.QueueError(g, v.Reply, at))
		assert.Equal(t, audit.ErrorCannotAchieve, e.Kind, g)
		assert.Equal(t, v.Reply.String(), e.Reply, g)
		assert.Contains(t, e.Senders, g)
		assert.Equal(t, g == connector.Generation2013, e.Endpoint == at, g)
	}
}

func FuzzReadError(f *testing.F) {
	for _, s := range []string{"", `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exch...`, "2026-04-02T08:29:00.104Z,EX01\\A, B,x,0,10.1.0.11:25,[::1]:58556,>,550 5.7.1 Unable to relay,",
		"[{LED=451 4.4.395 x -> 535 5.7.3 y};{IP=fe80::1%3}]", "last endpoint attempted was :", "> > >", "\xff451 5.7.3", strings.Repeat("4", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e := audit.ReadError(s)
		require.NotEmpty(t, e.Kind.String())
		require.LessOrEqual(t, len(e.Reply), 220)
		again := audit.ReadError(s + " ")
		require.Equal(t, e.Kind, again.Kind, "a blank at the end changes nothing")
		require.False(t, e.Endpoint.IsValid() && e.Endpoint.Addr().Zone() != "")
		require.True(t, slices.IsSortedFunc(e.Senders, func(a, b connector.Generation) int { return int(a) - int(b) }), fmt.Sprint(e.Senders))
	})
}

// Time grows with the text, not with its square: compare the sizes.
func BenchmarkReadError(b *testing.B) {
	for _, shape := range []struct{ name, text string }{{"codes", "451 5.7.9 x "}, {"addresses", "10.1.2.3:25 "}, {"lines", "2026-11-04T06:00:35.402Z,\n"}} {
		for _, size := range []int{1 << 10, 1 << 15, 1 << 20} {
			text := strings.Repeat(shape.text, size/len(shape.text)) + "451 5.7.3 Cannot achieve Exchange Server authentication"
			b.Run(fmt.Sprintf("%s/%dKB", shape.name, size>>10), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					audit.ReadError(text)
				}
			})
		}
	}
}
