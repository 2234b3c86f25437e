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
	_, body, ok := strings.Cut(script, "if (-not $Rollback) {\n")
	require.True(t, ok)
	there, undo, ok := strings.Cut(body, "\n} else {\n")
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

// What scripts check, under which condition they make a change, how they undo it, and what they say they cannot undo: to be read.
func TestScripts(t *testing.T) {
	top := twoServers()
	c, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	old, _ := top.Connector(connector.ID{Server: "EX02", Name: "Relay"})
	granted, dark, made, custom := c.Clone(), c.Clone(), old.Clone(), old.Clone()
	granted.Rights = []connector.Grant{{Principal: "A", Right: "ms-Exch-SMTP-Submit"}}
	made.ID.Name, made.RemoteIPRanges = "RELAY", made.RemoteIPRanges[:1]
	dark.Missing = connector.PropertyRemoteIPRanges | connector.PropertyAuthMechanism | connector.PropertyExtensions | connector.PropertyRights
	custom.PermissionGroups |= connector.GroupCustom
	edit := func(c connector.ReceiveConnector, f func(*connector.ReceiveConnector)) []connector.Change {
		return []connector.Change{connector.Edit(c, f)}
	}
	set := func(c *connector.ReceiveConnector, name string, values ...string) {
		require.NoError(t, c.Set(name, values...))
	}
	one := connector.SetAuth(c, connector.AuthTLS)
	two := connector.Edit(*one.After, func(c *connector.ReceiveConnector) { c.ID.Name = "New" })
	fresh := c.Clone()
	fresh.ID.Name, fresh.TransportRole, fresh.RemoteIPRanges = "Fresh", connector.FrontendTransport, []connector.Range{connector.MustParseRange("10.7.0.1")}
	anew := fresh.Clone()
	anew.ID = c.ID
	var all strings.Builder
	for _, row := range []struct {
		why     string
		changes []connector.Change
	}{
		{"what is touched, and made only where it is not made yet", []connector.Change{connector.SetEnabled(c, false)}},
		{"what was not told is not checked, and stays as it is in the way back", edit(c, func(c *connector.ReceiveConnector) {
			c.MaxMessageSize, c.MaxHopCount, c.RequireTLS = connector.MB, connector.LimitOf(9), true
		})},
		{"nothing else is left to undo", edit(c, func(c *connector.ReceiveConnector) { c.MaxHopCount = connector.LimitOf(9) })},
		{"a name that was empty", edit(c, func(c *connector.ReceiveConnector) { c.FQDN = "a.b" })},
		{"rights, which are not checked, nor are the groups then", []connector.Change{{Target: c.ID, Before: &c, After: &granted}}},
		{"two steps with one connector, the second of which gives it another name", []connector.Change{one, two}},
		{"made, and set then", []connector.Change{connector.Create(fresh), connector.SetPermissionGroups(fresh, connector.GroupPartners)}},
		{"removed, where a role would have to be named to bring it back", []connector.Change{connector.Remove(c)}},
		{"replaced, where the old one does not come back", []connector.Change{connector.Remove(c), connector.Create(anew)}},
		{"a role, which cannot be taken back", edit(c, func(c *connector.ReceiveConnector) { c.TransportRole, c.RequireTLS = connector.FrontendTransport, true })},
		{"made, and given what was not known", []connector.Change{connector.Create(fresh), connector.Edit(fresh, func(c *connector.ReceiveConnector) { c.MaxHopCount = connector.LimitOf(9) })}},
		{"removed, with rights that nobody told", []connector.Change{connector.Remove(custom)}},
		{"replaced, under its name in another spelling", []connector.Change{connector.Remove(old), connector.Create(made)}},
		{"of an incomplete list only what comes and goes is written", []connector.Change{connector.AddRanges(dark, connector.MustParseRange("10.5.5.5"))}},
		{"a mechanism, an extension and rights that nobody knew", edit(dark, func(c *connector.ReceiveConnector) {
			set(c, "AuthMechanism", "None")
			set(c, "ChunkingEnabled", "False")
			set(c, "BinaryMimeEnabled", "False")
			c.Rights = granted.Rights
		})},
	} {
		in := twoServers()
		for i, c := range in.Connectors {
			if row.changes[0].Before != nil && c.ID.Equal(row.changes[0].Target) {
				in.Connectors[i] = *row.changes[0].Before
			}
		}
		var steps []ems.Step
		for _, c := range row.changes {
			steps = append(steps, ems.Step{Change: c})
		}
		got, err := ems.Script(in, "Title", nil, steps...)
		require.NoError(t, err, row.why)
		there, back := halves(t, got)
		fmt.Fprintf(&all, "== %s\n", row.why)
		for line := range strings.Lines(got) {
			if strings.Contains(line, "-Rollback: ") || strings.Contains(line, "By -Rollback") {
				all.WriteString(line)
			}
		}
		all.WriteString(there + "-- the way back\n" + back + "\n")
	}
	golden.Check(t, "../../testdata/golden/scripts.txt", all.String())
}

// What cannot be a script, and what is said of a way back that the cmdlets would refuse.
func TestScriptErrors(t *testing.T) {
	top := twoServers()
	a, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	b, _ := top.Connector(connector.ID{Server: "EX01", Name: "Default Frontend EX01"})
	rename := func(c connector.ReceiveConnector, name string) connector.Change {
		return connector.Edit(c, func(c *connector.ReceiveConnector) { c.ID.Name = name })
	}
	script := func(t *connector.Topology, changes ...connector.Change) (string, error) {
		var steps []ems.Step
		for _, c := range changes {
			steps = append(steps, ems.Step{Change: c})
		}
		return ems.Script(t, "x", nil, steps...)
	}
	made := a.Clone()
	made.TransportRole = connector.FrontendTransport
	for why, changes := range map[string][]connector.Change{
		"a name that another one gives up":       {rename(a, "Old"), rename(b, "Relay")},
		"a name that one has that goes":          {connector.Remove(a), rename(b, "Relay")},
		"a name that a new one gets":             {rename(a, "Old"), connector.Create(made)},
		"two that swap their names with a third": {rename(a, "tmp"), rename(b, "Relay"), rename(*rename(a, "tmp").After, "Default Frontend EX01")},
	} {
		_, err := script(top, changes...)
		require.ErrorIs(t, err, ems.ErrName, why)
	}
	// What is not compared cannot tell one from the other.
	twin := made.Clone()
	twin.TransportRole, twin.MaxMessageSize = a.TransportRole, connector.MB
	known := a.Clone()
	known.TransportRole, known.Missing, twin.TransportRole = connector.FrontendTransport, 0, connector.FrontendTransport
	likeOne := &connector.Topology{Servers: top.Servers, Connectors: []connector.ReceiveConnector{known}}
	for why, changes := range map[string][]connector.Change{
		"one like the one that goes":                         {connector.Remove(known), connector.Create(twin)},
		"one like the one that goes, which had another name": {rename(known, "Old"), connector.Remove(*rename(known, "Old").After), connector.Create(twin)},
	} {
		_, err := script(likeOne, changes...)
		require.ErrorIs(t, err, ems.ErrName, why)
	}
	_, err := script(top, connector.AddRanges(a))
	require.ErrorIs(t, err, ems.ErrNoChange)
	_, err = script(top, connector.Create(a))
	require.ErrorIs(t, err, connector.ErrDrift)
	star := a.Clone()
	star.ID.Name = "Relay*"
	_, err = script(&connector.Topology{Connectors: []connector.ReceiveConnector{star}}, connector.SetEnabled(star, false))
	require.ErrorIs(t, err, ems.ErrWildcard)
	star.Rights = []connector.Grant{{Principal: "A", Right: "x"}}
	_, err = ems.Commands(connector.Create(star), connector.Version{})
	require.ErrorIs(t, err, ems.ErrWildcard)

	// Two connectors that must not be what they are, as old configurations have it: what one gives up it cannot take back.
	one, two := relay("10.0.0.1"), relay("10.0.0.1", "10.9.0.0/24")
	two.ID.Name = "Twin"
	legacy := &connector.Topology{Connectors: []connector.ReceiveConnector{one, two}}
	got, err := script(legacy, connector.Remove(one))
	require.NoError(t, err)
	_, back := halves(t, got)
	const refused = `The cmdlets would refuse to undo this: EX01\Joe's Relay: range 10.0.0.1 and range 10.0.0.1 of EX01\Twin are equal at 0.0.0.0:25`
	assert.Equal(t, "throw "+ems.Quote(refused)+"\n", back)
	assert.Contains(t, got, "# -Rollback does nothing. "+refused+"\n")

	letters := a.Clone()
	letters.ID.Name = "Relé"
	got, err = script(&connector.Topology{Connectors: []connector.ReceiveConnector{letters}}, connector.SetEnabled(letters, false))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(got, "\ufeff# x\n"), "Windows PowerShell needs to be told of the letters")
	assert.Equal(t, "# a b\n# c\n", ems.Remarks("a\nb", "c"), "what a text holds stays in its comment")
	assert.Equal(t, "\ufeff# é\n", ems.Remarks("é"))
}

// Any name, in any change: the commands of a script do the changes and undo them.
func TestScriptsReadBack(t *testing.T) {
	r := gen.Rand(5)
	undone := 0
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
		if _, tail, _ := strings.Cut(got, "} else {\n    throw 'The cmdlets would refuse"); tail != "" {
			require.True(t, sameSets(next, back), "what the cmdlets would refuse to undo, as these organizations have it, is left as it is")
		} else {
			require.True(t, sameSets(top, back))
			undone++
		}
		if dir := os.Getenv("SCRIPTS"); dir != "" { // to be looked at by a parser of the language
			require.NoError(t, os.WriteFile(fmt.Sprintf("%s/%d.ps1", dir, r.Uint32()), []byte(got), 0o644))
		}
	}
	assert.Greater(t, undone, 50)
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
	//     # Where is each connector on its way, from what it was to what the last change leaves?
	//     $states1 = @(
	//         @{ Name = 'Joe''s Relay'; Enabled = @('True') },
	//         @{ Name = 'Joe''s Relay'; Enabled = @('False') }
	//     )
	//     $at1 = Find-State 'EX01' $states1
	//     if ($CheckOnly) { return }
	//
	//     # 1. EX01\Joe's Relay: Enabled True -> False
	//     #    nobody uses it
	//     if ($at1 -le 0) {
	//         Set-ReceiveConnector -Identity 'EX01\Joe''s Relay' -Enabled $false -ErrorAction Stop
	//     }
	//
	//     Confirm-State 'EX01' $states1
	// } else {
	//     # Where is each connector on its way, from what it was to what the last change leaves?
	//     $states1 = @(
	//         @{ Name = 'Joe''s Relay'; Enabled = @('False') },
	//         @{ Name = 'Joe''s Relay'; Enabled = @('True') }
	//     )
	//     $at1 = Find-State 'EX01' $states1
	//     if ($CheckOnly) { return }
	//
	//     if ($at1 -le 0) {
	//         Set-ReceiveConnector -Identity 'EX01\Joe''s Relay' -Enabled $true -ErrorAction Stop
	//     }
	//
	//     Confirm-State 'EX01' $states1
	// }
}
