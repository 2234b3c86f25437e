package ems_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
)

// Everything a script can hold, to be read: a range that goes, one that comes, a connector that is made, one that goes, rights.
func TestScript(t *testing.T) {
	top := twoServers()
	one, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	def, _ := top.Connector(connector.ID{Server: "EX01", Name: "Default Frontend EX01"})
	old, _ := top.Connector(connector.ID{Server: "EX02", Name: "Relay"})
	made := relay("10.7.0.0/24")
	made.ID = connector.ID{Server: "EX01", Name: "Apps"}
	made.TransportRole, made.PermissionGroups = connector.FrontendTransport, connector.GroupAnonymousUsers
	made.Rights = []connector.Grant{{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Any-Recipient"}}
	steps := []ems.Step{
		{Change: connector.RemoveRanges(one, connector.MustParseRange("10.0.0.1")), Why: []string{"the first reason", "the second\nThrow 'a trap'"}},
		{Change: connector.Edit(def, func(c *connector.ReceiveConnector) {
			c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange("10.0.0.1"))
			c.FQDN, c.MaxHopCount = "", connector.LimitOf(30)
		})},
		{Change: connector.Create(made)},
		{Change: connector.Remove(old)},
	}
	got, err := ems.Script(top, "EX01, EX02: four changes", []string{"A remark."}, steps...)
	require.NoError(t, err)
	golden.Check(t, "../../testdata/golden/script.ps1", got)
	assert.NotContains(t, got, "\nThrow", "what a name holds stays in its comment")

	forward, back := readBack(t, top, got)
	want, err := top.Apply(changesOf(steps)...)
	require.NoError(t, err)
	assert.True(t, sameSets(want, forward))
	assert.True(t, sameSets(undone(t, want, steps), back))
}

func changesOf(steps []ems.Step) (changes []connector.Change) {
	for _, s := range steps {
		changes = append(changes, s.Change)
	}
	return changes
}

func undone(t *testing.T, top *connector.Topology, steps []ems.Step) *connector.Topology {
	back, err := top.Apply(connector.Inverse(changesOf(steps)...)...)
	require.NoError(t, err)
	return back
}

// readBack makes the commands of a script to a topology, those of either direction.
func readBack(t *testing.T, top *connector.Topology, script string) (forward, back *connector.Topology) {
	there, undo, ok := strings.Cut(script, "\n} else {\n")
	require.True(t, ok)
	forward = top
	for i, part := range []string{there, undo} {
		var commands []string
		for line := range strings.Lines(part) {
			if l := strings.TrimSpace(line); strings.HasPrefix(l, "Set-") || strings.HasPrefix(l, "New-") || strings.HasPrefix(l, "Remove-") || strings.HasPrefix(l, "Get-") {
				commands = append(commands, l)
			}
		}
		changes, _, err := ems.Parse("script", forward, strings.Join(commands, "\n"))
		require.NoError(t, err)
		next, err := forward.Apply(changes...)
		require.NoError(t, err)
		if i == 0 {
			forward = next
		} else {
			back = next
		}
	}
	return forward, back
}

// halves returns what a script does in either direction, without indentation and comments.
func halves(t *testing.T, script string) (there, back string) {
	_, body, ok := strings.Cut(script, "if (-not $Rollback) {\n")
	require.True(t, ok)
	one, two, ok := strings.Cut(body, "\n} else {\n")
	require.True(t, ok)
	plain := func(text string) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			if l := strings.TrimSpace(line); l != "" && !strings.HasPrefix(l, "#") {
				b.WriteString(l + "\n")
			}
		}
		return b.String()
	}
	return plain(one), plain(strings.TrimSuffix(two, "}\n"))
}

// What a script checks, under which condition it makes a change, and how it undoes it.
func TestScriptOfOneChange(t *testing.T) {
	top := twoServers()
	c, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	const check = "if ($CheckOnly) { return }\n"
	const exists = "if (-not (Test-Connector 'EX01\\Relay')) { throw 'EX01\\Relay does not exist' }\n"
	const recognised = `if (Test-Connector 'EX01\Relay') {
Assert-Property 'EX01\Relay' 'Enabled' @('True') @('True')
Assert-Property 'EX01\Relay' 'Bindings' @('0.0.0.0:25','[::]:25') @('0.0.0.0:25','[::]:25')
Assert-Property 'EX01\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24') @('10.0.0.1','10.0.0.0/24')
Assert-Property 'EX01\Relay' 'AuthMechanism' @('None') @('None')
Assert-Property 'EX01\Relay' 'PermissionGroups' @('AnonymousUsers') @('AnonymousUsers')
}
`
	granted := c.Clone()
	granted.Rights = []connector.Grant{{Principal: "A", Right: "ms-Exch-SMTP-Submit"}}
	for _, row := range []struct {
		why         string
		change      connector.Change
		there, back string
	}{
		{"what is touched, and made only if it is not yet", connector.SetEnabled(c, false),
			exists + "Assert-Property 'EX01\\Relay' 'Enabled' @('True') @('False')\n" + check + "if (-not ((Test-Property 'EX01\\Relay' 'Enabled' @('False')))) {\nSet-ReceiveConnector -Identity 'EX01\\Relay' -Enabled $false -ErrorAction Stop\n}\n",
			exists + "Assert-Property 'EX01\\Relay' 'Enabled' @('False') @('True')\n" + check + "if (-not ((Test-Property 'EX01\\Relay' 'Enabled' @('True')))) {\nSet-ReceiveConnector -Identity 'EX01\\Relay' -Enabled $true -ErrorAction Stop\n}\n"},
		{"what was not told is not checked, and stays in the way back", connector.Edit(c, func(c *connector.ReceiveConnector) {
			c.MaxMessageSize, c.MaxHopCount, c.RequireTLS = connector.MB, connector.LimitOf(9), true
		}), exists + "Assert-Property 'EX01\\Relay' 'RequireTLS' @('False') @('True')\n" + check + "Set-ReceiveConnector -Identity 'EX01\\Relay' -RequireTLS $true -MaxMessageSize '1048576B' -MaxHopCount 9 -ErrorAction Stop\n",
			exists + "Assert-Property 'EX01\\Relay' 'RequireTLS' @('True') @('False')\n" + check + "Write-Warning 'EX01\\Relay: MaxMessageSize was not exported, so it stays 1 MB (1,048,576 bytes)'\nWrite-Warning 'EX01\\Relay: MaxHopCount was not exported, so it stays 9'\n" +
				"if (-not ((Test-Property 'EX01\\Relay' 'RequireTLS' @('False')))) {\nSet-ReceiveConnector -Identity 'EX01\\Relay' -RequireTLS $false -ErrorAction Stop\n}\n"},
		{"nothing else is left to undo", connector.Edit(c, func(c *connector.ReceiveConnector) { c.MaxHopCount = connector.LimitOf(9) }),
			exists + check + "Set-ReceiveConnector -Identity 'EX01\\Relay' -MaxHopCount 9 -ErrorAction Stop\n", check + "Write-Warning 'EX01\\Relay: MaxHopCount was not exported, so it stays 9'\n"},
		{"a name that was empty", connector.Edit(c, func(c *connector.ReceiveConnector) { c.FQDN = "a.b" }),
			exists + "Assert-Property 'EX01\\Relay' 'Fqdn' @() @('a.b')\n" + check + "if (-not ((Test-Property 'EX01\\Relay' 'Fqdn' @('a.b')))) {\nSet-ReceiveConnector -Identity 'EX01\\Relay' -Fqdn 'a.b' -ErrorAction Stop\n}\n",
			exists + "Assert-Property 'EX01\\Relay' 'Fqdn' @('a.b') @()\n" + check + "if (-not ((Test-Property 'EX01\\Relay' 'Fqdn' @()))) {\nSet-ReceiveConnector -Identity 'EX01\\Relay' -Fqdn $null -ErrorAction Stop\n}\n"},
		{"another name", connector.Edit(c, func(c *connector.ReceiveConnector) { c.ID.Name, c.RequireTLS = "New", true }),
			"if (Test-Connector 'EX01\\Relay') {\nif (Test-Connector 'EX01\\New') { throw 'EX01\\New exists already' }\nAssert-Property 'EX01\\Relay' 'RequireTLS' @('False') @('True')\n} elseif (Test-Connector 'EX01\\New') {\nAssert-Property 'EX01\\New' 'RequireTLS' @('False') @('True')\n} else {\nthrow 'EX01\\Relay does not exist'\n}\n" +
				check + "if (Test-Connector 'EX01\\Relay') {\nSet-ReceiveConnector -Identity 'EX01\\Relay' -Name 'New' -RequireTLS $true -ErrorAction Stop\n}\n",
			"if (Test-Connector 'EX01\\New') {\nif (Test-Connector 'EX01\\Relay') { throw 'EX01\\Relay exists already' }\nAssert-Property 'EX01\\New' 'RequireTLS' @('True') @('False')\n} elseif (Test-Connector 'EX01\\Relay') {\nAssert-Property 'EX01\\Relay' 'RequireTLS' @('True') @('False')\n} else {\nthrow 'EX01\\New does not exist'\n}\n" +
				check + "if (Test-Connector 'EX01\\New') {\nSet-ReceiveConnector -Identity 'EX01\\New' -Name 'Relay' -RequireTLS $false -ErrorAction Stop\n}\n"},
		{"rights, which are not checked, nor are the groups then", connector.Change{Target: c.ID, Before: &c, After: &granted},
			exists + check + "Get-ReceiveConnector -Identity 'EX01\\Relay' -ErrorAction Stop | Add-ADPermission -User 'A' -ExtendedRights 'ms-Exch-SMTP-Submit' -ErrorAction Stop\n",
			exists + check + "Get-ReceiveConnector -Identity 'EX01\\Relay' -ErrorAction Stop | Remove-ADPermission -User 'A' -ExtendedRights 'ms-Exch-SMTP-Submit' -Confirm:$false -ErrorAction Stop\n"},
		{"one that goes", connector.Remove(c), recognised + check + "if (Test-Connector 'EX01\\Relay') {\nRemove-ReceiveConnector -Identity 'EX01\\Relay' -Confirm:$false -ErrorAction Stop\n}\n", ""},
	} {
		got, err := ems.Script(top, "x", nil, ems.Step{Change: row.change})
		require.NoError(t, err, row.why)
		there, back := halves(t, got)
		assert.Equal(t, row.there, there, row.why)
		if row.change.After != nil {
			assert.Equal(t, row.back, back, row.why)
			continue
		}
		assert.Equal(t, "throw 'This cannot be undone by a script: EX01\\Relay: TransportRole: what the command must name is not known completely'\n", back, "on 2016 a connector without a role would get another one")
	}

	// Where it was, without its role being wanted.
	old, _ := top.Connector(connector.ID{Server: "EX02", Name: "Relay"})
	old.Missing, old.PermissionGroups = connector.PropertyRights, old.PermissionGroups|connector.GroupCustom
	top.Connectors[len(top.Connectors)-1] = old
	got, err := ems.Script(top, "x", nil, ems.Step{Change: connector.Remove(old)})
	require.NoError(t, err)
	_, back := halves(t, got)
	assert.Contains(t, back, "Write-Warning 'EX02\\Relay comes back with what the export told of it, and with the defaults of New-ReceiveConnector for the rest'\n")
	assert.Contains(t, back, "Write-Warning 'EX02\\Relay: rights beyond the permission groups are not known, and do not come back'\n")
	assert.NotContains(t, got, "'PermissionGroups' @(", "Exchange adds Custom by itself")

	// A connector that is replaced, under its name in another spelling: it is there before and after, as one or the other.
	made := old.Clone()
	made.ID.Name, made.RemoteIPRanges, made.Missing = "RELAY", made.RemoteIPRanges[:1], 0
	got, err = ems.Script(top, "x", nil, ems.Step{Change: connector.Remove(old)}, ems.Step{Change: connector.Create(made)})
	require.NoError(t, err)
	there, _ := halves(t, got)
	assert.Contains(t, there, "Assert-Property 'EX02\\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24') @('10.0.0.1')\n")
	assert.Equal(t, 1, strings.Count(there, "Assert-Property"), there)

	// Of an incomplete list only what comes and goes is written, it is not checked, and a connector with one does not come back.
	dark := c.Clone()
	dark.Missing = connector.PropertyRemoteIPRanges
	top = &connector.Topology{Connectors: []connector.ReceiveConnector{dark}}
	got, err = ems.Script(top, "x", nil, ems.Step{Change: connector.AddRanges(dark, connector.MustParseRange("10.5.5.5"))})
	require.NoError(t, err)
	there, _ = halves(t, got)
	assert.Equal(t, exists+check+"Set-ReceiveConnector -Identity 'EX01\\Relay' -RemoteIPRanges @{Add='10.5.5.5'} -ErrorAction Stop\n", there)
	got, err = ems.Script(top, "x", nil, ems.Step{Change: connector.Remove(dark)})
	require.NoError(t, err)
	_, back = halves(t, got)
	assert.Equal(t, "throw 'This cannot be undone by a script: EX01\\Relay: RemoteIPRanges: what the command must name is not known completely'\n", back)
	_, err = ems.Script(top, "x", nil, ems.Step{Change: connector.AddRanges(dark)})
	require.ErrorIs(t, err, ems.ErrNoChange)

	// A mechanism that nobody knew cannot be brought back; neither can what is announced, and that is a warning.
	dark.Missing = connector.PropertyAuthMechanism | connector.PropertyExtensions | connector.PropertySizeEnabled
	top.Connectors[0] = dark
	got, err = ems.Script(top, "x", nil, ems.Step{Change: connector.SetAuth(dark, 0)})
	require.NoError(t, err)
	_, back = halves(t, got)
	assert.Contains(t, back, "throw 'This cannot be undone by a script: EX01\\Relay: AuthMechanism")
	got, err = ems.Script(top, "x", nil, ems.Step{Change: connector.Edit(dark, func(c *connector.ReceiveConnector) {
		require.NoError(t, c.Set("SizeEnabled", "Disabled"))
		require.NoError(t, c.Set("ChunkingEnabled", "False"))
	})})
	require.NoError(t, err)
	_, back = halves(t, got)
	assert.Equal(t, check+"Write-Warning 'EX01\\Relay: SizeEnabled was not exported, so it stays Disabled'\nWrite-Warning 'EX01\\Relay: ChunkingEnabled was not exported, so it stays False'\n", back)

	// Names that Get-ReceiveConnector would take for a pattern, and letters that Windows PowerShell needs to be told of.
	dark.ID.Name = "Relay*"
	_, err = ems.Script(&connector.Topology{Connectors: []connector.ReceiveConnector{dark}}, "x", nil, ems.Step{Change: connector.SetEnabled(dark, false)})
	require.ErrorIs(t, err, ems.ErrWildcard)
	granted.ID.Name = "Relay?"
	_, err = ems.Commands(connector.Create(granted), connector.Version{})
	require.ErrorIs(t, err, ems.ErrWildcard)
	dark.ID.Name = "Relé"
	got, err = ems.Script(&connector.Topology{Connectors: []connector.ReceiveConnector{dark}}, "x", nil, ems.Step{Change: connector.SetEnabled(dark, false)})
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(got, "\ufeff# x\n"))
}

// Any name, in any change: the commands of a script do the changes and undo them.
func TestScriptsReadBack(t *testing.T) {
	r := gen.Rand(5)
	for range 200 {
		top := gen.Organization(r)
		var steps []ems.Step
		next := top
		for _, c := range top.Connectors {
			if r.IntN(3) > 0 {
				continue
			}
			change := connector.SetEnabled(c, c.Disabled)
			if r.IntN(3) == 0 {
				change = connector.AddRanges(c, connector.MustParseRange(fmt.Sprintf("172.16.%d.0/24", r.IntN(256))))
			}
			steps = append(steps, ems.Step{Change: change, Why: []string{c.ID.Name}})
			var err error
			next, err = next.Apply(change)
			require.NoError(t, err)
		}
		got, err := ems.Script(top, "x", nil, steps...)
		require.NoError(t, err)
		forward, back := readBack(t, top, got)
		require.True(t, sameSets(next, forward))
		require.True(t, sameSets(top.Clone(), back))
		if dir := os.Getenv("SCRIPTS"); dir != "" { // to be looked at by a parser of the language
			require.NoError(t, os.WriteFile(fmt.Sprintf("%s/%d.ps1", dir, r.Uint32()), []byte(got), 0o644))
		}
	}
}

func ExampleScript() {
	c := relay("10.0.0.0/24")
	t := &connector.Topology{Connectors: []connector.ReceiveConnector{c}}
	script, err := ems.Script(t, "EX01: one change", nil, ems.Step{Change: connector.SetEnabled(c, false), Why: []string{"nobody uses it"}})
	if err != nil {
		panic(err)
	}
	_, body, _ := strings.Cut(script, "if (-not $Rollback) {\n")
	fmt.Print(body)
	// Output:
	//     # Is everything as it was, or changed already?
	//     if (-not (Test-Connector 'EX01\Joe''s Relay')) { throw 'EX01\Joe''s Relay does not exist' }
	//     Assert-Property 'EX01\Joe''s Relay' 'Enabled' @('True') @('False')
	//     if ($CheckOnly) { return }
	//
	//     # 1. EX01\Joe's Relay: Enabled True -> False
	//     #    nobody uses it
	//     if (-not ((Test-Property 'EX01\Joe''s Relay' 'Enabled' @('False')))) {
	//         Set-ReceiveConnector -Identity 'EX01\Joe''s Relay' -Enabled $false -ErrorAction Stop
	//     }
	// } else {
	//     # Is everything as it was, or changed already?
	//     if (-not (Test-Connector 'EX01\Joe''s Relay')) { throw 'EX01\Joe''s Relay does not exist' }
	//     Assert-Property 'EX01\Joe''s Relay' 'Enabled' @('False') @('True')
	//     if ($CheckOnly) { return }
	//
	//     if (-not ((Test-Property 'EX01\Joe''s Relay' 'Enabled' @('True')))) {
	//         Set-ReceiveConnector -Identity 'EX01\Joe''s Relay' -Enabled $true -ErrorAction Stop
	//     }
	// }
}
