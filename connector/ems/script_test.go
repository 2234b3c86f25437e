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
	got, err := ems.Script(top, "EX01, EX02: four changes", steps...)
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

// The checks of a script name what the topology holds, and every connector that is touched.
func TestScriptChecks(t *testing.T) {
	top := twoServers()
	c, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	checks := func(script string) (there, back []string) {
		one, two, _ := strings.Cut(script, "\n} else {\n")
		for i, part := range []string{one, two} {
			for line := range strings.Lines(part) {
				l := strings.TrimSpace(line)
				if !strings.HasPrefix(l, "Assert-") {
					continue
				}
				if i == 0 {
					there = append(there, l)
				} else {
					back = append(back, l)
				}
			}
		}
		return there, back
	}
	for _, row := range []struct {
		why         string
		change      connector.Change
		there, back []string
	}{
		{"what is touched", connector.SetEnabled(c, false), []string{`Assert-Connector 'EX01\Relay' 'Enabled' @('True')`}, []string{`Assert-Connector 'EX01\Relay' 'Enabled' @('False')`}},
		{"a size is not checked, a limit that was not told neither", connector.Edit(c, func(c *connector.ReceiveConnector) {
			c.MaxMessageSize, c.MaxHopCount = connector.MB, connector.LimitOf(9)
		}), nil, nil},
		{"a name that was empty", connector.Edit(c, func(c *connector.ReceiveConnector) { c.FQDN = "a.b" }), []string{`Assert-Connector 'EX01\Relay' 'Fqdn' @()`}, []string{`Assert-Connector 'EX01\Relay' 'Fqdn' @('a.b')`}},
		{"another name", connector.Edit(c, func(c *connector.ReceiveConnector) { c.ID.Name, c.RequireTLS = "New", true }), []string{`Assert-Connector 'EX01\Relay' 'RequireTLS' @('False')`}, []string{`Assert-Connector 'EX01\New' 'RequireTLS' @('True')`}},
		{"one that goes", connector.Remove(c), []string{`Assert-Connector 'EX01\Relay' 'Enabled' @('True')`, `Assert-Connector 'EX01\Relay' 'Bindings' @('0.0.0.0:25','[::]:25')`, `Assert-Connector 'EX01\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24')`,
			`Assert-Connector 'EX01\Relay' 'AuthMechanism' @('None')`, `Assert-Connector 'EX01\Relay' 'PermissionGroups' @('AnonymousUsers')`}, []string{`Assert-NoConnector 'EX01\Relay'`}},
	} {
		got, err := ems.Script(top, "x", ems.Step{Change: row.change})
		if err != nil {
			require.ErrorIs(t, err, ems.ErrNoChange)
		}
		there, back := checks(got)
		assert.Equal(t, row.there, there, row.why)
		if strings.Contains(got, "cannot be undone") {
			continue
		}
		assert.Equal(t, row.back, back, row.why)
	}

	// A connector that is replaced: it is there at first.
	made := c.Clone()
	made.RemoteIPRanges = made.RemoteIPRanges[:1]
	got, err := ems.Script(top, "x", ems.Step{Change: connector.Remove(c)}, ems.Step{Change: connector.Create(made)})
	require.NoError(t, err)
	there, _ := checks(got)
	assert.NotContains(t, there, `Assert-NoConnector 'EX01\Relay'`)

	// Of an incomplete list only what comes and goes is written, it is not checked, and a connector with one does not come back.
	dark := c.Clone()
	dark.Missing = connector.PropertyRemoteIPRanges
	top = &connector.Topology{Connectors: []connector.ReceiveConnector{dark}}
	got, err = ems.Script(top, "x", ems.Step{Change: connector.AddRanges(dark, connector.MustParseRange("10.5.5.5"))})
	require.NoError(t, err)
	there, _ = checks(got)
	assert.Empty(t, there)
	got, err = ems.Script(top, "x", ems.Step{Change: connector.Remove(dark)})
	require.NoError(t, err)
	_, undo, _ := strings.Cut(got, "\n} else {\n")
	assert.Equal(t, "    throw 'This cannot be undone by a script: EX01\\Relay: RemoteIPRanges: what the command must name is not known completely'\n}\n", undo)
	_, err = ems.Script(top, "x", ems.Step{Change: connector.AddRanges(dark)})
	require.ErrorIs(t, err, ems.ErrNoChange)
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
		got, err := ems.Script(top, "x", steps...)
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
	script, err := ems.Script(t, "EX01: one change", ems.Step{Change: connector.SetEnabled(c, false), Why: []string{"nobody uses it"}})
	if err != nil {
		panic(err)
	}
	_, body, _ := strings.Cut(script, "if (-not $Rollback) {\n")
	fmt.Print(body)
	// Output:
	//     # Are the connectors as they were?
	//     Assert-Connector 'EX01\Joe''s Relay' 'Enabled' @('True')
	//     if ($CheckOnly) { return }
	//
	//     # 1. EX01\Joe's Relay: Enabled True -> False
	//     #    nobody uses it
	//     Set-ReceiveConnector -Identity 'EX01\Joe''s Relay' -Enabled $false -ErrorAction Stop
	// } else {
	//     # Are the connectors as they were?
	//     Assert-Connector 'EX01\Joe''s Relay' 'Enabled' @('False')
	//     if ($CheckOnly) { return }
	//
	//     Set-ReceiveConnector -Identity 'EX01\Joe''s Relay' -Enabled $true -ErrorAction Stop
	// }
}
