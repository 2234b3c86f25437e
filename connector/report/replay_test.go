package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// replayed is what logs tell of two sites: a relay that takes the mail of the other one, connectors that changed since, a tie, a change that
// is tried, and all that can be wrong with logs.
func replayed(t *testing.T) report.Replay {
	at25 := []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}
	receive := func(server, name string, auth connector.AuthMechanism, groups connector.PermissionGroups, ranges ...string) connector.ReceiveConnector {
		c := connector.ReceiveConnector{ID: connector.ID{Server: server, Name: name}, Bindings: at25, AuthMechanism: auth, PermissionGroups: groups}
		for _, r := range ranges {
			c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange(r))
		}
		return c
	}
	version := connector.MustParseVersion("14.3.123.4")
	const five, all = connector.AuthTLS | connector.AuthIntegrated | connector.AuthBasic | connector.AuthExchangeServer, "0.0.0.0-255.255.255.255"
	top := &connector.Topology{
		Servers: []connector.Server{{Name: "EX01", FQDN: "ex01.corp.example", Site: "Vienna", Version: version}, {Name: "EX03", FQDN: "ex03.corp.example", Site: "Graz", Version: version},
			{Name: "EX04", FQDN: "ex04.corp.example", Site: "Graz", Version: version, Addresses: []netip.Addr{netip.MustParseAddr("10.9.0.14")}}},
		Connectors: []connector.ReceiveConnector{
			receive("EX01", "Default EX01", five, connector.GroupExchangeServers|connector.GroupExchangeUsers, all),
			receive("EX01", "Relay", connector.AuthTLS, connector.GroupAnonymousUsers, "10.0.0.0/16", "10.2.0.0/24", "10.3.0.7"),
			receive("EX01", "Left", 0, 0, "10.7.0.0/24"), receive("EX01", "Right", 0, 0, "10.7.0.0/24"),
			receive("EX03", "Default EX03", five, connector.GroupExchangeServers, all),
		},
	}
	traffic, n := new(smtplog.Traffic), 0
	add := func(id, remote string, sessions int, edit func(*smtplog.Session)) {
		for range sessions {
			n++
			at := time.Date(2026, 11, 19+n%3, 8, n%60, 0, 0, time.UTC)
			s := smtplog.Session{Direction: smtplog.Receive, Connector: id, ID: fmt.Sprintf("%016X", 0x08DE280000000000+n), Local: netip.MustParseAddrPort("10.1.0.11:25"), First: at, Last: at.Add(time.Second),
				Started: true, Ended: true, Lines: 5, Messages: 1, Source: connector.Source{File: "RECV.LOG", Line: 5 * n}}
			if remote != "" {
				s.Remote = netip.AddrPortFrom(netip.MustParseAddr(remote), 50001)
			}
			if edit != nil {
				edit(&s)
			}
			traffic.Add(s)
		}
	}
	for i := range 13 {
		add(`EX01\Relay`, fmt.Sprint("10.0.5.", i+1), 1+i%3, func(s *smtplog.Session) {
			s.Hello, s.Traits = fmt.Sprint("app", i), smtplog.MailAnonymous|smtplog.MailInClear
		})
	}
	add(`EX01\Relay`, "10.2.0.11", 4, func(s *smtplog.Session) {
		s.Hello, s.Messages, s.Traits = "ex03.corp.example", 0, smtplog.SawOffer|smtplog.OfferedSTARTTLS
	})
	add(`EX01\Default EX01`, "10.9.0.99", 2, func(s *smtplog.Session) {
		s.Hello, s.Traits = "EX04.corp.example", smtplog.SawOffer|smtplog.OfferedXEXPS
	})
	add(`EX01\Default EX01`, "10.9.0.98", 3, func(s *smtplog.Session) {
		s.Hello, s.Permanent, s.Transient, s.Messages = "a, b\u202e", 2, 1, 0
		s.Traits = smtplog.Encrypted | smtplog.TookSTARTTLS | smtplog.AuthLogin
		if n%2 == 0 {
			s.Traits = smtplog.AuthFailed
		}
	})
	add(`EX01\Default EX01`, "203.0.113.9", 1, func(s *smtplog.Session) { s.Hello = "ex03.corp.example" })
	add(`EX01\Default EX01`, "10.0.6.1", 2, nil)
	add(`EX01\Relay`, "10.3.0.8", 1, nil)
	add(`EX01\Left`, "10.7.0.1", 1, nil)
	add("EX01\\\x1b[2JLeft", "10.7.0.1", 1, nil)
	add(`EX01\Right`, "10.7.0.2", 2, nil)
	add(`EX01\Former`, "10.8.0.2", 1, nil)
	add(`EX02\Default`, "10.8.0.2", 1, nil)
	add(`Default`, "10.8.0.2", 1, nil)
	add(`EX01\Relay`, "", 1, func(s *smtplog.Session) { s.Ended = false })
	add("To Graz", "10.2.0.11", 1, func(s *smtplog.Session) {
		s.Direction, s.Host, s.Hello, s.Traits = smtplog.Send, "ex03.corp.example", "ex01.corp.example", smtplog.SawOffer|smtplog.CannotAchieve
	})
	traffic.Files, traffic.Lines, traffic.Records, traffic.Interrupted = 2, 300, 290, true
	traffic.Note(&smtplog.LineError{Source: connector.Source{File: "RECV.LOG", Line: 7}, Text: `"x"`, Err: smtplog.ErrTime})

	x, err := connector.Compile(top)
	require.NoError(t, err)
	r := report.Replay{Traffic: traffic, Replay: traffic.Replay(x), Usage: traffic.Usage(top), Servers: traffic.ServerAddresses(top), Targets: traffic.Unauthenticated(top)}
	r.Topology = smtplog.WithAddresses(top, r.Servers)
	checks, err := audit.ParseChecks("RC001")
	require.NoError(t, err)
	r.Findings, err = audit.Run(context.Background(), r.Topology, checks...)
	require.NoError(t, err)
	before := top.Connectors[1]
	after := before.Clone()
	after.RemoteIPRanges = after.RemoteIPRanges[1:]
	after.Missing = connector.PropertyAuthMechanism
	r.Changes = []connector.Change{{Target: before.ID, Before: &before, After: &after}}
	r.Refused = top.ValidateAll(r.Changes...)
	r.BackTest, err = traffic.BackTest(top, r.Changes...)
	require.NoError(t, err)
	return r
}

func TestReplayText(t *testing.T) {
	r := replayed(t)
	var b bytes.Buffer
	require.NoError(t, report.Text.Replay(&b, r))
	golden.Check(t, "../../testdata/golden/replay.txt", b.String())
	assert.NotContains(t, b.String(), "\u202e", "what strangers say is quoted")
	assert.NotContains(t, b.String(), "\x1b", "and nothing commands a terminal")

	r.Everything = true
	b.Reset()
	require.NoError(t, report.Text.Replay(&b, r))
	assert.NotContains(t, b.String(), "more sources")

	b.Reset()
	require.NoError(t, report.Text.Replay(&b, report.Replay{Traffic: new(smtplog.Traffic), Replay: new(smtplog.Replay), BackTest: new(smtplog.BackTest)}))
	assert.Equal(t, "0 records of 0 logs: 0 sessions, 0 messages\n\nNo session could be compared with the configuration.\n\n0 changes, tried on these sessions:\n  None of 0 sessions would have reached another connector or lost anything.\n", b.String())
}

func TestReplayJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, report.JSON.Replay(&b, replayed(t)))
	var got struct {
		Read struct {
			Interrupted bool
			Problems    []struct {
				Reason   string
				Count    int
				Examples []string
			}
		}
		Agreed, AgreedInDoubt, Judged, Sent int
		Disagreements, NotJudged            []struct {
			Judgement, Logged, Predicted, Range string
			All                                 smtplog.Tally
			Clients                             []string
		}
		Usage    []struct{ Connector string }
		Servers  []struct{ Server, Address string }
		Findings []struct{ Check string }
		Change   struct {
			Moved, Losing int
			Groups        []struct {
				From, To, Loses, MayLose string
				Clients                  []smtplog.Client
			}
		}
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	assert.True(t, got.Read.Interrupted)
	assert.Equal(t, `[{not a time like 2026-11-20T08:00:00.000Z 1 [RECV.LOG:7: not a time like 2026-11-20T08:00:00.000Z: "x"]}]`, fmt.Sprint(got.Read.Problems))
	assert.Equal(t, []int{1, 1}, []int{got.AgreedInDoubt, got.Sent})
	var kinds []string
	for _, d := range append(got.Disagreements, got.NotJudged...) {
		kinds = append(kinds, fmt.Sprint(d.Judgement, " ", d.All.Sessions, " ", d.Logged, " ", d.Predicted, " ", d.Range, d.Clients))
	}
	assert.Equal(t, strings.Join([]string{`Tie 2 EX01\Right EX01\Left 10.7.0.0/24[10.7.0.2]`, `NotInRange 1 EX01\Relay EX01\Default EX01 0.0.0.0-255.255.255.255[10.3.0.8]`,
		`Narrower 2 EX01\Default EX01 EX01\Relay 10.0.0.0/16[10.0.6.1]`, "UnknownConnector 1 EX01\\\x1b[2JLeft EX01\\Left 10.7.0.0/24[10.7.0.1]", `UnknownConnector 1 EX01\Former EX01\Default EX01 0.0.0.0-255.255.255.255[10.8.0.2]`,
		`UnknownServer 1 EX02\Default  [10.8.0.2]`, `NoConnector 1 Default  [10.8.0.2]`, `NoEndpoint 1 EX01\Relay  []`}, "\n"), strings.Join(kinds, "\n"))
	assert.Len(t, got.Usage, 9)
	assert.NotEmpty(t, got.Servers)
	require.Len(t, got.Findings, 1)
	assert.Equal(t, "RC001", got.Findings[0].Check)
	assert.Positive(t, got.Change.Moved)
	assert.NotEmpty(t, got.Change.Groups[0].Clients)

	b.Reset()
	require.NoError(t, report.JSON.Replay(&b, report.Replay{Traffic: new(smtplog.Traffic)}))
	for _, key := range []string{`"disagreements": null`, `"usage": null`, `"findings": null`, `"change": null`, `"problems": []`} {
		assert.Contains(t, b.String(), key)
	}
}

// A page of logs says in one line what they come to: first what a change would cost, then what fails, then whether they agree.
func TestReplayVerdicts(t *testing.T) {
	traffic := replayed(t).Traffic
	agrees := func() *smtplog.Replay { return &smtplog.Replay{Agreed: 3} }
	disagrees := agrees()
	disagrees.Disagreements = []smtplog.Group{{Judgement: smtplog.Narrower, Tally: smtplog.Tally{Sessions: 2}}}
	wrong := []audit.Finding{{Check: "RC001", Severity: audit.Error, Certainty: audit.Certain, Subject: connector.ID{Server: "EX01", Name: "Relay"}}}
	for want, r := range map[string]report.Replay{
		"bad: Of 3 sessions 1 are those of clients that would lose something by the change, or may.":             {Replay: agrees(), BackTest: &smtplog.BackTest{Sessions: 3, Losing: 1}},
		"bad: The cmdlets would refuse the change.":                                                              {Replay: agrees(), Refused: assert.AnError},
		"bad: Servers could not authenticate at 1 target.":                                                       {Replay: agrees(), Targets: make([]smtplog.Client, 1)},
		"bad: The logs do not disagree, and mail between servers fails by the configuration: RC001 EX01\\Relay.": {Replay: agrees(), Findings: wrong},
		"bad: The logs disagree with the configuration: 2 of 5 sessions reached another connector.":              {Replay: disagrees, Findings: wrong},
		"note: No session could be compared with the configuration.":                                             {Replay: &smtplog.Replay{}},
		"good: Of 3 sessions none would lose anything by the change.":                                            {Replay: agrees(), BackTest: &smtplog.BackTest{Sessions: 3}},
		"good: The logs agree: all of 3 sessions reached the connector that the configuration predicts.":         {Replay: agrees()},
	} {
		r.Traffic, r.Topology = traffic, &connector.Topology{}
		html := page(t, func(b *bytes.Buffer) error { return report.HTML.Replay(b, r) })
		tone, text, _ := strings.Cut(want, ": ")
		assert.Contains(t, html, "<title>Protocol logs: "+text+"</title>")
		assert.Contains(t, html, `<p class="verdict `+tone+`">`, want)
	}
}
