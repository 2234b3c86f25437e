package topotest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// sessions writes a receive log with one session for each text, "CONNECTOR LOCAL REMOTE: line; line".
func sessions(t testing.TB, texts ...string) *smtplog.Traffic {
	t.Helper()
	var b strings.Builder
	b.WriteString("#Log-type: SMTP Receive Protocol Log\n#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context\n")
	for i, text := range texts {
		head, lines, _ := strings.Cut(text, ": ")
		fields := strings.Split(head, "|")
		n := 0
		line := func(event, data, context string) {
			fmt.Fprintf(&b, "2026-11-2%dT08:00:00.000Z,%s,08DE28000000%04d,%d,%s,%s,%s,%q,%s\n", i%10, fields[0], i, n, fields[1], fields[2], event, data, context)
			n++
		}
		line("+", "", "")
		for l := range strings.SplitSeq(lines, "; ") {
			if l == "" {
				continue
			}
			data, context, _ := strings.Cut(l[1:], "|")
			line(l[:1], data, context)
		}
		line("-", "", "Local")
	}
	var r smtplog.Reader
	require.NoError(t, r.Read("RECV.LOG", strings.NewReader(b.String())))
	return r.Traffic()
}

const (
	sends  = "<EHLO x; <MAIL FROM:<a@b>; >250 2.6.0 <1@x> [InternalId=1, Hostname=EX01] Queued mail for delivery"
	grants = "*SMTPSubmit SMTPAcceptAnyRecipient|Set Session Permissions; "
	login  = "<EHLO x; <AUTH NTLM; >235 2.7.0 Authentication successful; "
)

// Real clients become cases that hold for the topology they were seen at, and tell of one that takes something away.
func TestClients(t *testing.T) {
	traffic := sessions(t,
		`EX01\Relay|10.1.0.11:25|10.0.5.7:50001: `+grants+sends,
		`EX01\Relay|10.1.0.11:25|10.0.5.7:50002: `+grants+sends,
		`EX01\Relay|10.1.0.11:25|10.0.5.9:50003: `,
		`EX01\Default Frontend EX01|10.1.0.11:25|10.0.6.1:50004: `+sends,
		`EX01\Client Frontend EX01|10.1.0.11:587|10.0.6.1:50005: <EHLO x; <STARTTLS; >220 2.0.0 SMTP server ready; *TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded; `+login+sends,
		`EX01\Both|10.1.0.11:25|10.0.7.1:50006: `+grants+sends,
		`EX01\Both|10.1.0.11:25|10.0.7.1:50007: `+grants+login+sends,
		`nameless|10.1.0.11:25|10.0.5.7:50008: `+sends,
		`EX01\Relay||10.0.5.7:50009: `+sends,
	)
	cases, left := topotest.Clients(traffic)
	assert.Equal(t, 2, left, "no server, and no endpoint")
	text := topotest.FormatCases(cases)
	assert.Equal(t, `[EX01\Both]
# 2 sessions, 2026-11-25 to 2026-11-26
EX01 10.1.0.11:25 10.0.7.1 as Anonymous -> EX01\Both, mail accepted

# 2 sessions, 2026-11-25 to 2026-11-26
EX01 10.1.0.11:25 10.0.7.1 as User mechanism=Integrated -> EX01\Both, authenticated

[EX01\Client Frontend EX01]
# 1 session, 2026-11-24
EX01 10.1.0.11:587 10.0.6.1 as Anonymous tls=Insists -> EX01\Client Frontend EX01, encrypted

# 1 session, 2026-11-24
EX01 10.1.0.11:587 10.0.6.1 as User tls=IfOffered mechanism=Integrated -> EX01\Client Frontend EX01, authenticated

[EX01\Default Frontend EX01]
# 1 session, 2026-11-23
EX01 10.1.0.11:25 10.0.6.1 as Anonymous -> EX01\Default Frontend EX01, mail accepted

[EX01\Relay]
# 2 sessions, 2026-11-20 to 2026-11-21
EX01 10.1.0.11:25 10.0.5.7 as Anonymous -> EX01\Relay, mail accepted, may relay

# 1 session, 2026-11-22
EX01 10.1.0.11:25 10.0.5.9 -> EX01\Relay
`, text)

	cases = through(t, cases)
	server := topotest.Exchange("2016", "EX01").At("10.1.0.11").DefaultConnectors().Relay("10.0.5.0/24").
		Connector(connector.UsageCustom, "Both", []string{"0.0.0.0:25"}, []string{"10.0.7.1"}).
		Set("Both", "PermissionGroups", "AnonymousUsers, ExchangeUsers").Set("Both", "AuthMechanism", "Integrated")
	for _, r := range evaluate(t, topotest.MustBuild(server), cases...) {
		assert.True(t, r.Holds(), "%s", r)
	}
	var failing []string
	for _, r := range evaluate(t, topotest.MustBuild(server.Set("Relay", "RemoteIPRanges", "10.0.5.9").Set("Both", "PermissionGroups", "ExchangeUsers")), cases...) {
		if !r.Holds() {
			failing = append(failing, r.Case.Question()+": "+r.Failures[0].Got)
		}
	}
	assert.Equal(t, []string{`EX01 10.1.0.11:25 10.0.7.1 as Anonymous: EX01\Both, mail refused`,
		`EX01 10.1.0.11:25 10.0.5.7 as Anonymous: EX01\Default Frontend EX01, mail accepted, may not relay`}, failing)
}

func ExampleClients() {
	var r smtplog.Reader
	err := r.Read("RECV.LOG", strings.NewReader(`#Log-type: SMTP Receive Protocol Log
#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2026-11-20T08:00:00.000Z,EX01\Relay,08DE280000000001,0,10.1.0.11:25,10.0.5.7:50001,+,,
2026-11-20T08:00:00.010Z,EX01\Relay,08DE280000000001,1,10.1.0.11:25,10.0.5.7:50001,<,EHLO scanner,
2026-11-20T08:00:00.020Z,EX01\Relay,08DE280000000001,2,10.1.0.11:25,10.0.5.7:50001,>,"250 2.6.0 <1@scanner> [InternalId=1, Hostname=EX01] Queued mail for delivery",
2026-11-20T08:00:00.030Z,EX01\Relay,08DE280000000001,3,10.1.0.11:25,10.0.5.7:50001,-,,Local
`))
	if err != nil {
		panic(err)
	}
	cases, left := topotest.Clients(r.Traffic())
	fmt.Print(topotest.FormatCases(cases))
	fmt.Println(left, "sessions left out")
	// Output:
	// [EX01\Relay]
	// # 1 session, 2026-11-20
	// EX01 10.1.0.11:25 10.0.5.7 as Anonymous -> EX01\Relay, mail accepted
	// 0 sessions left out
}
