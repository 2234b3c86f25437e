package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
	"github.com/receiveconnector/receiveconnector/connector/report"
)

// whatIf reads commands and tells what they do to a topology, refused or not.
func whatIf(t testing.TB, top *connector.Topology, commands string) report.WhatIf {
	t.Helper()
	changes, notes, err := ems.Parse("change", top, commands)
	require.NoError(t, err)
	c, err := audit.WhatIf(context.Background(), top, changes)
	require.NoError(t, err)
	return report.WhatIf{Changes: changes, Notes: notes, Refused: top.ValidateAll(changes...), Comparison: c}
}

func whatIfText(t testing.TB, w report.WhatIf) string {
	return text(t, func(b *bytes.Buffer) error { return report.Text.WhatIf(b, w) })
}

// The founding story, the other way round: from what is to be done to what it does; and a change that makes things worse in every way.
func TestWhatIfText(t *testing.T) {
	founding := story(t, "examples/rcaudit/founding_story.txtar")
	for name, commands := range map[string]string{
		"heals": `Set-ReceiveConnector 'EX01\Default EX01' -RemoteIPRanges @{Add='10.1.0.12','10.2.0.11','10.2.0.12'}`,
		"worse": `Set-ReceiveConnector 'EX01\Default EX01' -Bindings @{Add='10.1.0.11:25'} -Banner '220 x'
Get-ReceiveConnector 'EX01\Relay' | Add-ADPermission -User 'NT AUTHORITY\ANONYMOUS LOGON' -ExtendedRights 'ms-Exch-SMTP-Accept-Any-Recipient'
Remove-ReceiveConnector 'EX02\Default EX02'`,
		"doubt":   `New-ReceiveConnector -Name Twin -Server EX01 -Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 0.0.0.0-255.255.255.255 -AuthMechanism Tls,ExchangeServer -PermissionGroups ExchangeServers`,
		"nothing": `Set-ReceiveConnector 'EX01\Default EX01' -MaxHopCount 30`,
	} {
		golden.Check(t, goldens+"whatif_"+name+".txt", whatIfText(t, whatIf(t, founding, commands)))
	}
}

// That nobody changes hands is a proof, and says what it rests on.
func TestNobodyChangesHands(t *testing.T) {
	top := story(t, "examples/rcaudit/founding_story.txtar")
	assert.Contains(t, whatIfText(t, whatIf(t, top, `Set-ReceiveConnector EX01\Relay -AuthMechanism Tls`)), "Nobody changes hands: at 4 local endpoints of EX01 every source of the address family keeps its connector, or stays refused. All\naddresses were compared, range by range.\n\n")
	assert.Contains(t, whatIfText(t, whatIf(t, top, ``)), ", MaxRecipientsPerMessage.\n\nNobody changes hands.\n")
	top.Connectors[0].Missing = connector.PropertyRemoteIPRanges
	assert.Contains(t, whatIfText(t, whatIf(t, top, `Set-ReceiveConnector EX01\Relay -AuthMechanism Tls`)), "That holds for what is known: answers there are in doubt (Missing), before or after.\n")
	closed := &connector.Topology{Connectors: []connector.ReceiveConnector{{ID: connector.ID{Server: "EX01", Name: "A"}, Disabled: true}}}
	assert.Contains(t, whatIfText(t, whatIf(t, closed, `Set-ReceiveConnector EX01\A -AuthMechanism Tls`)), "Nobody changes hands: nothing listens, before or after.\n")
}

// What the cmdlets refuse is told in their words where these are known; what would follow is told if it was looked at.
func TestRefused(t *testing.T) {
	top := story(t, "examples/rcaudit/founding_story.txtar")
	w := whatIf(t, top, `Set-ReceiveConnector 'EX01\Default EX01' -Fqdn mail.contoso.com`)
	got := whatIfText(t, w)
	assert.Contains(t, got, `The cmdlets would refuse this:
  EX01\Default EX01: When the AuthMechanism parameter on a Receive connector is set to the value ExchangeServer, you must set`)
	assert.Contains(t, got, "[documented: Exchange 2007 help, New-ReceiveConnector]\nWhat follows is what would be if they did not.\n")
	w.Comparison = nil
	got = whatIfText(t, w)
	assert.NotContains(t, got, "What follows")
	assert.NotContains(t, got, "changes hands")
	w = whatIf(t, top, `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges 0.0.0.0/0`)
	assert.Contains(t, whatIfText(t, w), "  EX01\\Relay, in our words: range 0.0.0.0/0 and range 0.0.0.0-255.255.255.255 of EX01\\Default EX01 are equal at 0.0.0.0:25\n")
	w.Refused = connector.ErrDrift
	assert.Contains(t, whatIfText(t, w), "The cmdlets would refuse this:\n  the topology does not hold")

	var o struct {
		Refused []struct{ Connector, Text, Other, Rule string }
	}
	require.NoError(t, json.Unmarshal([]byte(text(t, func(b *bytes.Buffer) error { return report.JSON.WhatIf(b, w) })), &o))
	assert.Equal(t, connector.ErrDrift.Error(), o.Refused[0].Text)
}

func TestWhatIfJSON(t *testing.T) {
	top := story(t, "examples/rcaudit/founding_story.txtar")
	var o struct {
		Breaks  bool
		Changes []struct {
			Connector, Change string
			Differences       []struct {
				Property      string
				Before, After []string
			}
		}
		Notes   []string
		Refused []struct {
			Connector, Text, Other, Rule string
			Quoted                       bool
		}
		Moves, Unsettled []struct {
			Server, From, To, Count, Witness, Doubt string
			Locals, Addresses                       []string
		}
		Endpoints int
		Findings  []struct {
			Change        string
			Before, After *struct{ Check, Subject string }
		}
		Flows []struct {
			Change, Before, After string
			Flow                  struct{ From, To, Purpose string }
		}
		Access []struct {
			Lost                         bool
			Local, Access, Before, After string
		}
	}
	read := func(w report.WhatIf) {
		o.Findings = nil
		require.NoError(t, json.Unmarshal([]byte(text(t, func(b *bytes.Buffer) error { return report.JSON.WhatIf(b, w) })), &o))
	}
	read(whatIf(t, top, `Set-ReceiveConnector 'EX01\Default EX01' -RemoteIPRanges @{Add='10.1.0.12','10.2.0.11','10.2.0.12'} -Comment x`))
	assert.False(t, o.Breaks)
	assert.Equal(t, "changed", o.Changes[0].Change)
	assert.Equal(t, "RemoteIPRanges", o.Changes[0].Differences[0].Property)
	assert.Len(t, o.Changes[0].Differences[0].After, 5)
	assert.Equal(t, []string{"change:1:101: -Comment: not modelled, so it is left out"}, o.Notes)
	assert.Empty(t, o.Refused)
	assert.Equal(t, []string{"10.1.0.12", "10.2.0.11-10.2.0.12"}, o.Moves[0].Addresses)
	assert.Equal(t, "3", o.Moves[0].Count)
	assert.Equal(t, "better", o.Findings[len(o.Findings)-1].Change)
	assert.Nil(t, o.Findings[len(o.Findings)-1].After)
	assert.Equal(t, "passes", o.Flows[0].After)

	read(whatIf(t, top, `Remove-ReceiveConnector 'EX01\Default EX01'
Get-ReceiveConnector EX01\Relay | Add-ADPermission -User 'NT AUTHORITY\ANONYMOUS LOGON' -ExtendedRights ms-Exch-SMTP-Accept-Any-Recipient
New-ReceiveConnector -Name Twin -Server EX02 -Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 10.0.0.0/8`))
	assert.Equal(t, []string{"removed", "changed", "created"}, []string{o.Changes[0].Change, o.Changes[1].Change, o.Changes[2].Change})
	assert.Equal(t, `EX02\Relay`, o.Refused[0].Other)
	assert.False(t, o.Refused[0].Quoted)
	assert.NotEmpty(t, o.Unsettled)
	assert.Equal(t, "Tie", o.Unsettled[0].Doubt)
	assert.Equal(t, []string{"0.0.0.0:25", "authenticate as users", "done", "refused"}, []string{o.Access[0].Local, o.Access[0].Access, o.Access[0].Before, o.Access[0].After})
	assert.True(t, o.Access[0].Lost)
	assert.Empty(t, o.Moves[0].To, "refused")

	none := text(t, func(b *bytes.Buffer) error { return report.JSON.WhatIf(b, report.WhatIf{}) })
	assert.JSONEq(t, `{"breaks": false, "changes": [], "notes": [], "refused": [], "moves": [], "unsettled": [], "endpoints": 0, "doubt": "", "findings": [], "flows": [], "access": []}`, none)
}

// What clients lose and gain, for exactly which sources.
func TestAccessForReading(t *testing.T) {
	relay := func(name, remote string) connector.ReceiveConnector {
		return connector.ReceiveConnector{ID: connector.ID{Server: "EX01", Name: name}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")},
			RemoteIPRanges: []connector.Range{connector.MustParseRange(remote)}, PermissionGroups: connector.GroupAnonymousUsers}
	}
	open, closed, dark := relay("Open", "10.0.0.0/24"), relay("Closed", "0.0.0.0/0"), relay("Dark", "10.1.0.0/24")
	open.Rights = []connector.Grant{{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Any-Recipient"}}
	dark.Missing = connector.PropertyRights
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{open, closed, dark}}
	const relays = "relay to foreign domains without authenticating"
	for commands, want := range map[string]string{
		`Set-ReceiveConnector EX01\Open -RemoteIPRanges @{Add='10.5.0.1'}`:                         "What clients can do that they could not:\n  EX01 0.0.0.0:25: " + relays + "\n    10.5.0.1, for example 10.5.0.1\n",
		`Set-ReceiveConnector EX01\Dark -RemoteIPRanges @{Add='10.5.0.1'}`:                         "  EX01 0.0.0.0:25: " + relays + " (perhaps: what decides it is not known)\n    10.5.0.1, for",
		`Set-ReceiveConnector EX01\Closed -RemoteIPRanges @{Add='10.0.0.1'}`:                       "What clients can no longer do:\n  EX01 0.0.0.0:25: " + relays + "\n    10.0.0.1, for",
		`Set-ReceiveConnector EX01\Closed -RemoteIPRanges @{Add='10.1.0.1'}`:                       "  EX01 0.0.0.0:25: " + relays + " (perhaps they could before: what decided it is not known)\n    10.1.0.1, for",
		`Set-ReceiveConnector EX01\Closed -PermissionGroups None`:                                  "  EX01 0.0.0.0:25: send to accepted domains without authenticating\n    0.0.0.0-9.255.255.255, ",
		`Set-ReceiveConnector EX01\Open -AuthMechanism Tls -RequireTLS $true`:                      "  EX01 0.0.0.0:25: send without authenticating and without TLS\n    10.0.0.0/24, ",
		`Set-ReceiveConnector EX01\Open -AuthMechanism Integrated -PermissionGroups ExchangeUsers`: "What clients can do that they could not:\n  EX01 0.0.0.0:25: authenticate as users\n    10.0.0.0/24, ",
		`Set-ReceiveConnector EX01\Dark -AuthMechanism Tls`:                                        "  EX01 0.0.0.0:25: encrypt with STARTTLS\n    10.1.0.0/24, ",
	} {
		assert.Contains(t, whatIfText(t, whatIf(t, top, commands)), want, commands)
	}
	got := whatIfText(t, whatIf(t, top, `Set-ReceiveConnector EX01\Open -MaxHopCount 9`))
	assert.NotContains(t, got, "clients")
	assert.Contains(t, got, "Flows between servers are not known: name the servers")
	assert.Contains(t, got, "Mail from EX01 was not followed: the addresses are not known")
	got = whatIfText(t, whatIf(t, top, `Set-ReceiveConnector EX01\Open -TransportRole HubTransport`))
	assert.Contains(t, got, "EX01\\Open belongs to another service then: what servers that expect the old one at its bindings make of that is not modelled.\n")
}

// Many ranges are cut, moves at several endpoints are one block.
func TestMovesForReading(t *testing.T) {
	var m connector.Move
	m.Server, m.To, m.Witness = "EX01", connector.ID{Server: "EX01", Name: "A"}, netip.MustParseAddr("10.0.0.0")
	for i := range 20 {
		m.Addrs = append(m.Addrs, connector.MustParseRange(netip.AddrFrom4([4]byte{10, 0, 0, byte(2 * i)}).String()))
	}
	other := m
	m.Local, other.Local = netip.MustParseAddrPort("0.0.0.0:25"), netip.MustParseAddrPort("10.1.0.1:25")
	got := text(t, func(b *bytes.Buffer) error { return report.Text.Moves(b, []connector.Move{m, other}) })
	assert.Equal(t, 1, strings.Count(got, "EX01 "))
	assert.Contains(t, got, "EX01 0.0.0.0:25, 10.1.0.1:25: refused -> EX01\\A\n  10.0.0.0, 10.0.0.2,")
	assert.Contains(t, got, "and 8 more ranges\n  20 addresses, for example 10.0.0.0\n")
}

func TestPlans(t *testing.T) {
	top := story(t, "examples/rcaudit/founding_story.txtar")
	plans, err := audit.Plans(context.Background(), top)
	require.NoError(t, err)
	p := report.Plans{Topology: top, Plans: plans}
	script := text(t, func(b *bytes.Buffer) error { return report.Text.Plans(b, p) })
	golden.Check(t, goldens+"plan_founding_story.ps1", script)
	var o struct {
		Plans []struct {
			Server string
			Steps  []struct {
				Change   struct{ Connector string }
				Why      []string
				Commands []string
			}
			Moves             []struct{ Count string }
			Solved, Left, New []struct{ Check string }
		}
		Script string
	}
	require.NoError(t, json.Unmarshal([]byte(text(t, func(b *bytes.Buffer) error { return report.JSON.Plans(b, p) })), &o))
	require.Len(t, o.Plans, 4)
	assert.Equal(t, `EX01\Default EX01`, o.Plans[0].Steps[0].Change.Connector)
	assert.Equal(t, []string{`Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Add='10.1.0.12','10.2.0.11','10.2.0.12'}`}, o.Plans[0].Steps[0].Commands)
	assert.Equal(t, "RC001", o.Plans[0].Solved[0].Check)
	assert.Equal(t, script, o.Script)

	none := text(t, func(b *bytes.Buffer) error { return report.Text.Plans(b, report.Plans{Topology: top}) })
	assert.Equal(t, "# Nothing to do: no finding is more than a note.\n", none)

	// An Edge Transport server has its own shell; a server that nothing helps is not left out.
	top.Servers[0].Roles = connector.RoleEdge
	script = text(t, func(b *bytes.Buffer) error { return report.Text.Plans(b, p) })
	assert.Contains(t, script, "# Not here: 1 change of EX01, an Edge Transport server, on which its own script must run.\n")
	assert.NotContains(t, script, "Set-ReceiveConnector -Identity 'EX01")
	only := text(t, func(b *bytes.Buffer) error {
		return report.Text.Plans(b, report.Plans{Topology: top, Plans: []audit.Plan{plans[0], {Server: "EX09"}}})
	})
	assert.Equal(t, "# No change here.\n# Not here: 1 change of EX01, an Edge Transport server, on which its own script must run.\n", only)
	alone := text(t, func(b *bytes.Buffer) error {
		return report.Text.Plans(b, report.Plans{Topology: top, Plans: plans[:1]})
	})
	assert.Contains(t, alone, "Set-ReceiveConnector -Identity 'EX01")
	top.Servers[0].Roles = 0
	helpless := audit.Plan{Server: "EX09", Left: []audit.Finding{{Check: "RC001", Severity: audit.Error, Message: "nobody takes it\nRemove-Item /"}}} // names may hold anything
	script = text(t, func(b *bytes.Buffer) error {
		return report.Text.Plans(b, report.Plans{Topology: top, Plans: append([]audit.Plan{helpless}, plans...)})
	})
	assert.Contains(t, script, "# Not solved on EX09: RC001 error : nobody takes it Remove-Item /\n")
	script = text(t, func(b *bytes.Buffer) error {
		return report.Text.Plans(b, report.Plans{Topology: top, Plans: []audit.Plan{helpless}})
	})
	assert.Equal(t, "# No safe fix.\n# Not solved on EX09: RC001 error : nobody takes it Remove-Item /\n", script)

	// What is not solved is said; what cannot be written is an error.
	p.Plans[0].Left = []audit.Finding{{Check: "RC009", Severity: audit.Warning, Message: "still there"}, {Check: "RC902", Severity: audit.Note}}
	script = text(t, func(b *bytes.Buffer) error { return report.Text.Plans(b, p) })
	assert.Contains(t, script, "#    Not solved on EX01: RC009 warning : still there\n")
	assert.NotContains(t, script, "RC902")
	p.Plans[0].Steps[0].Change.After = p.Plans[0].Steps[0].Change.Before
	var b bytes.Buffer
	for _, f := range []report.Format{report.Text, report.JSON} {
		require.ErrorIs(t, f.Plans(&b, p), ems.ErrNoChange)
	}
	assert.Empty(t, b.String())
}

// All fixes have their commands if that is asked for.
func TestAllFixes(t *testing.T) {
	a := auditOf(t, story(t, "examples/rcaudit/founding_story.txtar"))
	brief := text(t, func(b *bytes.Buffer) error { return report.Text.Audit(b, a) })
	a.AllFixes = true
	all := text(t, func(b *bytes.Buffer) error { return report.Text.Audit(b, a) })
	assert.Equal(t, strings.Count(brief, "\n  or: "), strings.Count(all, "\n  or: "))
	assert.NotContains(t, brief, "New-ReceiveConnector")
	assert.Equal(t, 4, strings.Count(all, "    New-ReceiveConnector -Name 'Exchange servers to EX0"))
}

func ExampleFormat_WhatIf() {
	all, relay := connector.MustParseRange("0.0.0.0/0"), connector.MustParseRange("10.0.5.0/24")
	t := &connector.Topology{Connectors: []connector.ReceiveConnector{
		{ID: connector.ID{Server: "EX01", Name: "Default"}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}, RemoteIPRanges: []connector.Range{all}},
		{ID: connector.ID{Server: "EX01", Name: "Relay"}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}, RemoteIPRanges: []connector.Range{relay}},
	}}
	changes, notes, err := ems.Parse("command", t, `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add='10.0.6.0/24'}`)
	if err != nil {
		panic(err)
	}
	c, err := audit.WhatIf(context.Background(), t, changes)
	if err != nil {
		panic(err)
	}
	report.Text.WhatIf(os.Stdout, report.WhatIf{Changes: changes, Notes: notes, Refused: t.ValidateAll(changes...), Comparison: c})
	// Output:
	// 1 change:
	//   EX01\Relay: RemoteIPRanges +10.0.6.0/24
	//
	// Who changes hands:
	//   EX01 0.0.0.0:25: EX01\Default -> EX01\Relay
	//     10.0.6.0/24
	//     256 addresses, for example 10.0.6.0
	//
	// No finding appears, and none goes.
	//
	// No mail between servers is known to break, and none to heal.
	// Flows between servers are not known: name the servers with versions and sites (Get-ExchangeServer) and their addresses.
	// Mail from EX01 was not followed: the addresses are not known (Get-NetIPAddress, Resolve-DnsName or -addr NAME=IP tells them).
}

func ExampleFormat_Plans() {
	report.Text.Plans(os.Stdout, report.Plans{Topology: &connector.Topology{}})
	// Output: # Nothing to do: no finding is more than a note.
}
