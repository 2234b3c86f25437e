package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

const goldens = "../../testdata/golden/"

func auditOf(t testing.TB, top *connector.Topology) report.Audit {
	t.Helper()
	x, err := connector.Compile(top)
	require.NoError(t, err)
	findings, err := audit.Run(context.Background(), top)
	require.NoError(t, err)
	return report.Audit{Topology: top, Findings: findings, Flows: audit.EachFlow(top, x)}
}

func story(t testing.TB, name string) *connector.Topology {
	t.Helper()
	f, err := topotest.Load(os.DirFS("../.."), name)
	require.NoError(t, err)
	return f.Topology
}

func text(t testing.TB, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, write(&b))
	return b.String()
}

func TestAuditText(t *testing.T) {
	for file, name := range map[string]string{
		"founding_story": "examples/rcaudit/founding_story.txtar",
		"closed":         "testdata/topologies/nobody_takes_the_server.txtar",
		"possible":       "testdata/topologies/relay_lists_peers_2019.txtar",
		"suppressed":     "testdata/topologies/downgraded_authentication_over_wan.txtar",
		"unknown":        "testdata/topologies/unknown_mechanism_is_not_none.txtar",
		"latent":         "testdata/topologies/wide_relay_without_server_list.txtar",
		"clean":          "testdata/topologies/relay_holds_only_itself.txtar",
	} {
		t.Run(file, func(t *testing.T) {
			a := auditOf(t, story(t, name))
			golden.Check(t, goldens+"audit_"+file+".txt", text(t, func(b *bytes.Buffer) error { return report.Text.Audit(b, a) }))
		})
	}
}

// The JSON of an audit has the promised fields, and only lists where lists are promised.
func TestAuditJSON(t *testing.T) {
	a := auditOf(t, story(t, "examples/rcaudit/founding_story.txtar"))
	var got struct {
		Findings []struct {
			Check, Severity, Certainty, Subject, Message, Reply, Cause string
			Addresses, Related                                         []string
			Flows                                                      []struct {
				From, To, Purpose, Need, Transport string
				Port                               int
			}
			Witness struct{ Outcome, Connector string }
			Fixes   []struct {
				Title    string
				Safe     bool
				Commands []string
			}
		}
		Flows      []struct{ From, To, Purpose, State, Why string }
		FlowGroups []struct{ Count int }
	}
	require.NoError(t, json.Unmarshal([]byte(text(t, func(b *bytes.Buffer) error { return report.JSON.Audit(b, a) })), &got))
	require.Len(t, got.Findings, 4)
	f := got.Findings[0]
	assert.Equal(t, []string{"RC001", "error", "certain", `EX01\Relay`}, []string{f.Check, f.Severity, f.Certainty, f.Subject})
	assert.Equal(t, []string{"10.1.0.12", "10.2.0.11", "10.2.0.12"}, f.Addresses)
	assert.Equal(t, []string{`EX01\Default EX01`}, f.Related)
	assert.Equal(t, "451 5.7.3 Cannot achieve Exchange Server authentication", f.Reply)
	assert.Equal(t, "WrongConnector", f.Cause)
	assert.Equal(t, "Selected", f.Witness.Outcome)
	require.Len(t, f.Flows, 2)
	assert.Equal(t, "PublicFolderReplication", f.Flows[0].Purpose)
	require.Len(t, f.Fixes, 4)
	assert.True(t, f.Fixes[0].Safe)
	assert.Equal(t, []string{`Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Add='10.1.0.12','10.2.0.11','10.2.0.12'}`}, f.Fixes[0].Commands)
	failing, others := 0, 0
	for r := range a.Flows {
		if r.State == audit.FlowFails || r.State == audit.FlowPartly || r.State == audit.FlowUnknown {
			failing++
		}
		if !r.Broken() {
			others++
		}
	}
	assert.Len(t, got.Flows, failing)
	for _, g := range got.FlowGroups {
		others -= g.Count
	}
	assert.Zero(t, others, "every flow is told or counted")

	none := text(t, func(b *bytes.Buffer) error {
		return report.JSON.Audit(b, report.Audit{Topology: &connector.Topology{}})
	})
	assert.JSONEq(t, `{"findings": [], "flows": [], "flowGroups": []}`, none)
}

// A fix that cannot be written as commands says why.
func TestFixWithoutCommands(t *testing.T) {
	a := auditOf(t, story(t, "testdata/topologies/relay_on_2007_takes_2013.txtar"))
	fix := &a.Findings[0].Fixes[0]
	fix.Changes = []connector.Change{connector.AddRanges(a.Topology.Connectors[0])}
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Audit(b, a) }), "cannot be written as commands: EX07\\Default EX07: the change changes nothing")
	j := text(t, func(b *bytes.Buffer) error { return report.JSON.Audit(b, a) })
	assert.Contains(t, j, `"commands": [],`)
	assert.Contains(t, j, `"problem": "EX07\\Default EX07: the change changes nothing"`)
}

func TestPartlyFailing(t *testing.T) {
	top := story(t, "testdata/topologies/relay_on_2016_takes_2010.txtar")
	top.Servers[0].Addresses = append(top.Servers[0].Addresses, netip.MustParseAddr("10.0.0.210"))
	out := text(t, func(b *bytes.Buffer) error { return report.Text.Audit(b, auditOf(t, top)) })
	assert.Contains(t, out, `EX10A -> EX16 port 25 Mail: in part, taken by EX16\Relay`)
}

func TestExplanation(t *testing.T) {
	x, err := connector.Compile(story(t, "testdata/topologies/narrowest_range_wins.txtar"))
	require.NoError(t, err)
	ask := func(remote string) *connector.Explanation {
		return x.Explain(connector.Conn{Server: "Exchange01", Local: netip.MustParseAddrPort("10.0.0.1:25"), Remote: netip.MustParseAddr(remote)})
	}
	golden.Check(t, goldens+"explanation.txt", text(t, func(b *bytes.Buffer) error { return report.Text.Explanation(b, ask("192.168.1.100")) }))
	assert.Equal(t, "192.168.1.75 -> Exchange01 10.0.0.1:25: Exchange01\\Custom Connector B by 192.168.1.75\n",
		text(t, func(b *bytes.Buffer) error { return report.Text.Match(b, ask("192.168.1.75")) }))

	var got struct {
		Outcome, Connector, Range, Binding, Doubt, Server, Local, Remote string
		Steps                                                            []struct{ Connector, Reason, Range, Rule string }
	}
	line := text(t, func(b *bytes.Buffer) error { return report.JSON.Match(b, ask("192.168.1.100")) })
	assert.Equal(t, 1, strings.Count(line, "\n"), "one line")
	require.NoError(t, json.Unmarshal([]byte(line), &got))
	assert.Equal(t, []string{"Selected", `Exchange01\Custom Connector A`, "192.168.1.0-192.168.1.255", "0.0.0.0:25", "", "Exchange01", "10.0.0.1:25", "192.168.1.100"},
		[]string{got.Outcome, got.Connector, got.Range, got.Binding, got.Doubt, got.Server, got.Local, got.Remote})
	require.Len(t, got.Steps, 3)
	assert.Equal(t, "LostToNarrower", got.Steps[1].Reason)
	assert.NotEmpty(t, got.Steps[1].Rule)

	refused := text(t, func(b *bytes.Buffer) error { return report.JSON.Explanation(b, x.Explain(connector.Conn{Server: "x"})) })
	assert.Contains(t, refused, `"outcome":"InvalidConn","connector":"","range":"","binding":"","doubt":"","steps":[]`)

	unknown := &connector.Topology{Connectors: []connector.ReceiveConnector{{ID: connector.ID{Server: "A", Name: "<B> & 'C'"}, Missing: connector.PropertyBindings}}}
	y, err := connector.Compile(unknown)
	require.NoError(t, err)
	line = text(t, func(b *bytes.Buffer) error {
		return report.JSON.Explanation(b, y.Explain(connector.Conn{Server: "A", Local: netip.MustParseAddrPort("10.0.0.1:25"), Remote: netip.MustParseAddr("10.0.0.2")}))
	})
	assert.Contains(t, line, `"missing":"Bindings"`)
	assert.Contains(t, line, `A\\<B> & 'C'`, "names are printed as they are")
}

func TestMovesAndFlows(t *testing.T) {
	top := story(t, "testdata/topologies/disabled_relay_falls_back.txtar")
	moves, err := connector.WhatIf(top, connector.SetEnabled(top.Connectors[1], true), connector.SetEnabled(top.Connectors[0], false))
	require.NoError(t, err)
	assert.Equal(t, `EX01 0.0.0.0:25: EX01\Default Frontend EX01 -> refused
  0.0.0.0-192.168.5.9, 192.168.5.12-255.255.255.255
  4,294,967,294 addresses, for example 0.0.0.0
EX01 0.0.0.0:25: EX01\Default Frontend EX01 -> EX01\Relay
  192.168.5.10/31
  2 addresses, for example 192.168.5.10
`, text(t, func(b *bytes.Buffer) error { return report.Text.Moves(b, moves) }))
	assert.JSONEq(t, `[{"server": "EX01", "locals": ["0.0.0.0:25"], "from": "EX01\\Default Frontend EX01", "to": "EX01\\Relay", "addresses": ["192.168.5.10/31"], "count": "2", "witness": "192.168.5.10", "doubt": ""}]`,
		text(t, func(b *bytes.Buffer) error { return report.JSON.Moves(b, moves[1:]) }))
	replaced := connector.Move{Server: "EX01", Local: moves[0].Local, From: connector.ID{Server: "EX01", Name: "A"}, To: connector.ID{Server: "EX01", Name: "A"}}
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Moves(b, []connector.Move{replaced}) }), `the former EX01\A -> EX01\A`)
	assert.Contains(t, replaced.String(), `the former EX01\A -> EX01\A:`)
	assert.Equal(t, "No source of any endpoint changes hands.\n", text(t, func(b *bytes.Buffer) error { return report.Text.Moves(b, nil) }))
	assert.JSONEq(t, `[]`, text(t, func(b *bytes.Buffer) error { return report.JSON.Moves(b, nil) }))

	a := auditOf(t, story(t, "testdata/topologies/relay_holds_only_itself.txtar"))
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Flows(b, slices.Collect(a.Flows)) }), "EX01 -> EX02 port 25 Mail: passes\n  Hub Transport sends")
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.JSON.Flows(b, slices.Collect(a.Flows)) }), `"state": "passes"`)
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	a := auditOf(t, story(t, "testdata/topologies/relay_holds_only_itself.txtar"))
	x, err := connector.Compile(a.Topology)
	require.NoError(t, err)
	e := x.Explain(connector.Conn{Server: "EX01", Local: netip.MustParseAddrPort("10.0.0.1:25"), Remote: netip.MustParseAddr("10.0.0.2")})
	for _, f := range []report.Format{report.Text, report.JSON} {
		require.ErrorIs(t, f.Audit(full{}, a), errFull)
		require.ErrorIs(t, f.Explanation(full{}, e), errFull)
		require.ErrorIs(t, f.Match(full{}, e), errFull)
		require.ErrorIs(t, f.Flows(full{}, slices.Collect(a.Flows)), errFull)
		require.ErrorIs(t, f.Moves(full{}, nil), errFull)
		require.ErrorIs(t, f.Plans(full{}, report.Plans{Topology: a.Topology}), errFull)
		require.ErrorIs(t, f.WhatIf(full{}, report.WhatIf{}), errFull)
		require.ErrorIs(t, f.Warnings(full{}, make([]psexport.Warning, 1)), errFull)
		require.ErrorIs(t, f.Moves(full{}, make([]connector.Move, 1)), errFull)
	}
}

func TestFormats(t *testing.T) {
	for f := report.Text; f <= report.JUnit; f++ {
		got, err := report.ParseFormat(f.String())
		require.NoError(t, err)
		assert.Equal(t, f, got)
	}
	_, err := report.ParseFormat("xml")
	require.ErrorIs(t, err, connector.ErrUnknownName)
	assert.Empty(t, report.Format(0).String())
}

func ExampleFormat_Match() {
	t := &connector.Topology{Connectors: []connector.ReceiveConnector{{
		ID:             connector.ID{Server: "EX01", Name: "Relay"},
		Bindings:       []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")},
		RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.5.0/24")},
	}}}
	x, err := connector.Compile(t)
	if err != nil {
		panic(err)
	}
	c := connector.Conn{Server: "EX01", Local: connector.MustParseBinding("10.0.0.1:25"), Remote: netip.MustParseAddr("10.0.5.7")}
	report.Text.Match(os.Stdout, x.Explain(c))
	report.Text.Explanation(os.Stdout, x.Explain(c))
	// Output:
	// 10.0.5.7 -> EX01 10.0.0.1:25: EX01\Relay by 10.0.5.0/24
	// 10.0.5.7 -> EX01 10.0.0.1:25: EX01\Relay by 10.0.5.0/24
	//   Won                EX01\Relay by 10.0.5.0/24 (256 addresses)
	//     its range has the fewest addresses of all that contain the source [documented: Receive connectors, New-ReceiveConnector]
}

// Warnings that say the same of several objects of one file are one line, in the order of the first.
func ExampleFormat_Warnings() {
	var r psexport.Reader
	err := r.Read("c.csv", strings.NewReader("Identity,Bindings,Enabled\nEX01\\A,0.0.0.0:25,True\nEX01\\B,0.0.0.0:26,\nEX01\\C,0.0.0.0:27,True\n"))
	if err != nil {
		fmt.Println(err)
	}
	_, warnings, _ := r.Topology()
	if err := report.Text.Warnings(os.Stdout, warnings); err != nil {
		fmt.Println(err)
	}
	if err := report.JSON.Warnings(os.Stdout, warnings[:1]); err != nil {
		fmt.Println(err)
	}
	// Output:
	// warning: c.csv:2: EX01\A: RemoteIPRanges: not in the export, so whom the connector serves is unknown (and 2 more like it)
	// warning: c.csv:2: EX01\A: AuthMechanism: not in the export, so whether Exchange servers can authenticate is unknown (and 2 more like it)
	// warning: c.csv:2: EX01\A: PermissionGroups: not in the export, so who may submit is unknown (and 2 more like it)
	// warning: c.csv:2: EX01\A: RequireTLS, SuppressXAnonymousTls, EnableAuthGSSAPI, DomainSecureEnabled, Fqdn: not in the export, so what clients are offered there is known in part only (and 2 more like it)
	// warning: c.csv:3:19: EX01\B: Enabled: empty in the export, so whether the connector takes part is unknown
	// [
	//   {
	//     "source": "c.csv:2",
	//     "object": "EX01\\A",
	//     "property": "RemoteIPRanges",
	//     "lost": "not in the export",
	//     "unknown": "whom the connector serves is unknown"
	//   }
	// ]
}

func ExampleFormat_Audit() {
	f, err := topotest.Load(os.DirFS("../../testdata/topologies"), "nobody_takes_the_server.txtar")
	if err != nil {
		panic(err)
	}
	x, err := connector.Compile(f.Topology)
	if err != nil {
		panic(err)
	}
	checks, _ := audit.ParseChecks("RC001") // all of them without
	findings, err := audit.Run(context.Background(), f.Topology, checks...)
	if err != nil {
		panic(err)
	}
	var b strings.Builder
	report.Text.Audit(&b, report.Audit{Topology: f.Topology, Findings: findings, Flows: audit.EachFlow(f.Topology, x)})
	fmt.Print(b.String()[:strings.Index(b.String(), "  for example")])
	// Output:
	// 2 servers, 2 receive connectors: 1 error.
	// 1 required flow between servers fails:
	//   EX02 -> EX01 port 25 Mail: taken by no connector
	//
	// RC001 error (certain) EX01
	//   from nobody_takes_the_server.txtar/topology.json:3:5
	//   no connector takes connections from EX02, although EX01\Default EX01 offers it
	//   addresses: 10.2.0.1
	//   required flows that fail:
	//     EX02 -> EX01 port 25 Mail
}

func ExampleFormat_Moves() {
	all, one := connector.MustParseRange("0.0.0.0/0"), connector.MustParseRange("10.0.5.7")
	c := connector.ReceiveConnector{ID: connector.ID{Server: "EX01", Name: "Default"},
		Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}, RemoteIPRanges: []connector.Range{all}}
	relay := c
	relay.ID.Name, relay.RemoteIPRanges = "Relay", []connector.Range{one}
	moves, err := connector.WhatIf(&connector.Topology{Connectors: []connector.ReceiveConnector{c}}, connector.Change{Target: relay.ID, After: &relay})
	if err != nil {
		panic(err)
	}
	report.Text.Moves(os.Stdout, moves)
	report.JSON.Moves(os.Stdout, moves)
	// Output:
	// EX01 0.0.0.0:25: EX01\Default -> EX01\Relay
	//   10.0.5.7
	//   1 address, for example 10.0.5.7
	// [
	//   {
	//     "server": "EX01",
	//     "locals": [
	//       "0.0.0.0:25"
	//     ],
	//     "from": "EX01\\Default",
	//     "to": "EX01\\Relay",
	//     "addresses": [
	//       "10.0.5.7"
	//     ],
	//     "count": "1",
	//     "witness": "10.0.5.7",
	//     "doubt": ""
	//   }
	// ]
}

func ExampleFormat_Flows() {
	t := &connector.Topology{Servers: []connector.Server{{Name: "EX10", Version: connector.MustParseVersion("2010")}}}
	x, err := connector.Compile(t)
	if err != nil {
		panic(err)
	}
	report.Text.Flows(os.Stdout, audit.Flows(t, x)[:1])
	// Output:
	// EX10 -> EX10 RPC Submission: meets no receive connector of the configuration
	//   inside a site Mailbox and Hub Transport talk RPC, not SMTP [documented: Exchange 2007 help, mail routing]
}
