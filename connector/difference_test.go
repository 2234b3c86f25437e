package connector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

func TestChangeString(t *testing.T) {
	c := relay("EX01", "10.0.0.0/24")
	unknown := c.Clone()
	unknown.Missing = connector.PropertyAuthMechanism | connector.PropertyRemoteIPRanges
	var many []connector.Range
	for i := range 40 {
		many = append(many, connector.MustParseRange(fmt.Sprintf("10.1.0.%d", i)))
	}
	for _, row := range []struct {
		why    string
		change connector.Change
		want   string
	}{
		{"lists by what comes and goes", connector.Edit(c, func(c *connector.ReceiveConnector) { c.RemoteIPRanges = ranges("10.0.1.0/24", "10.0.2.1") }), `EX01\Relay: RemoteIPRanges +10.0.1.0/24 +10.0.2.1 -10.0.0.0/24`},
		{"values from and to", connector.Edit(c, func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.Disabled, c.FQDN = connector.AuthTLS, true, "a.b"
		}), `EX01\Relay: Enabled True -> False; AuthMechanism None -> Tls; Fqdn nothing -> a.b`},
		{"many entries", connector.AddRanges(c, many...), `EX01\Relay: RemoteIPRanges +` + strings.Join(rangeTexts(many[:16]), " +") + " +(another 24)"},
		{"another order", connector.Edit(connector.ReceiveConnector{ID: c.ID, RemoteIPRanges: ranges("10.0.0.1", "10.0.0.2")}, func(c *connector.ReceiveConnector) { c.RemoteIPRanges = ranges("10.0.0.2", "10.0.0.1") }), `EX01\Relay: RemoteIPRanges in another order`},
		{"a value that was not known, to what its absence means", connector.SetAuth(unknown, 0), `EX01\Relay: AuthMechanism unknown -> None`},
		{"more in an incomplete list", connector.AddRanges(unknown, ranges("10.0.5.5")...), `EX01\Relay: RemoteIPRanges +10.0.5.5`},
		{"the whole list, which was incomplete", connector.Edit(unknown, func(c *connector.ReceiveConnector) { require.NoError(t, c.Set("RemoteIPRanges", "10.0.0.0/24")) }), `EX01\Relay: RemoteIPRanges unknown -> 10.0.0.0/24`},
		{"a value that is not known any more", connector.SetAuth(unknown, 0).Inverse(), `EX01\Relay: AuthMechanism None -> unknown`},
		{"a list that is not known completely any more", connector.Edit(c, func(c *connector.ReceiveConnector) {
			c.RemoteIPRanges, c.Missing = nil, connector.PropertyRemoteIPRanges
		}), `EX01\Relay: RemoteIPRanges 10.0.0.0/24 -> unknown`},
		{"rights", connector.Edit(c, func(c *connector.ReceiveConnector) {
			c.Rights = []connector.Grant{{Principal: "A", Right: "ms-Exch-SMTP-Submit", Deny: true}}
		}), `EX01\Relay: Rights +deny A: ms-Exch-SMTP-Submit`},
		{"another name", connector.Edit(c, func(c *connector.ReceiveConnector) { c.ID.Name = "Relay 2" }), `EX01\Relay: Name Relay -> Relay 2`},
		{"a limit that is not told afterwards", connector.Edit(c, func(c *connector.ReceiveConnector) { c.MaxHopCount = connector.LimitOf(60) }).Inverse(), `EX01\Relay: unchanged`},
		{"a limit", connector.Edit(c, func(c *connector.ReceiveConnector) { c.MaxHopCount = connector.LimitOf(60) }), `EX01\Relay: MaxHopCount unknown -> 60`},
		{"created", connector.Create(c), `EX01\Relay: created; Bindings +0.0.0.0:25; RemoteIPRanges +10.0.0.0/24`},
		{"removed", connector.Remove(c), `EX01\Relay: removed`},
		{"the same", connector.AddRanges(c), `EX01\Relay: unchanged`},
		{"no change at all", connector.Change{Target: c.ID}, `EX01\Relay: nothing`},
	} {
		assert.Equal(t, row.want, row.change.String(), row.why)
	}
}

// Every setting of every random connector is read back from its own text, and setting all of one connector's makes it the other.
func TestSettingsCoverTheModel(t *testing.T) {
	r := gen.Rand(31)
	for range 200 {
		o := gen.Organization(r)
		for _, c := range o.Connectors {
			copied := connector.ReceiveConnector{ID: c.ID, Rights: c.Rights, PermissionGroups: c.PermissionGroups & connector.GroupCustom}
			for _, name := range connector.Settings() {
				values, ok := c.Setting(strings.ToUpper(name))
				require.True(t, ok)
				if len(values) > 0 || name == "Fqdn" || name == "Bindings" || name == "RemoteIPRanges" {
					require.NoError(t, copied.Set(name, values...), name)
				}
			}
			require.True(t, c.Equal(copied), "%s", connector.Change{Target: c.ID, Before: &c, After: &copied})
		}
	}
	var c connector.ReceiveConnector
	_, ok := c.Setting("Banner")
	assert.False(t, ok)
	c.MaxHopCount, c.ConnectionTimeout = connector.LimitOf(3), connector.Minute
	full := c.Clone()
	for name, values := range map[string][]string{"Banner": {"x"}, "Enabled": {"yes"}, "AuthMechanism": {"None", "Tls"}, "RemoteIPRanges": {"10.0.0.1", "10.0.0.300"}, "Name": nil, "Fqdn": {"a", "b"},
		"MaxHopCount": {"-1"}, "ConnectionTimeout": {"soon"}, "PermissionGroups": {"All"}, "RequireTLS": nil, "Bindings": {"0.0.0.0"}, "SizeEnabled": {"3"}, "ChunkingEnabled": {""}} {
		err := c.Set(name, values...)
		var pe *connector.ParseError
		require.ErrorAs(t, err, &pe, name)
		assert.True(t, c.Equal(full), "%s: unchanged", name)
	}
	require.Error(t, c.Set("Name", "a", "b"))
	require.NoError(t, c.Set("Enabled", "0"))
	assert.True(t, c.Disabled)
	require.NoError(t, c.Set("Enabled", "1"))
	assert.False(t, c.Disabled)
	unknown := c.Clone()
	unknown.Missing = connector.PropertyBindings
	assert.False(t, unknown.Knows("bindings"))
	assert.True(t, unknown.Knows("Fqdn"))
	assert.False(t, unknown.Knows("Banner"))
}

// What is set is known.
func TestSetMakesKnown(t *testing.T) {
	all := ^connector.Properties(0) >> 9
	for _, name := range connector.Settings() {
		c := relay("EX01", "10.0.0.1")
		c.Missing, c.Conflicting = all, all
		values, _ := c.Setting(name)
		if len(values) == 0 {
			continue
		}
		require.NoError(t, c.Set(name, values...))
		shared := strings.HasSuffix(name, "Enabled") && c.Missing.Has(connector.PropertyExtensions) && name != "Enabled" && name != "DomainSecureEnabled" && name != "SizeEnabled"
		assert.Equal(t, shared || name == "Name", c.Missing == all, name)
		assert.Equal(t, c.Missing, c.Conflicting, name)
	}
}

func TestCompose(t *testing.T) {
	a, b := relay("EX01", "10.0.0.0/24"), standard("EX01")
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{a, b}}
	one := connector.AddRanges(a, ranges("10.0.1.1")...)
	two := connector.SetAuth(*one.After, connector.AuthTLS)
	both, err := one.Then(two)
	require.NoError(t, err)
	assert.Equal(t, `EX01\Relay: RemoteIPRanges +10.0.1.1; AuthMechanism None -> Tls`, both.String())
	renamed := connector.Edit(*two.After, func(c *connector.ReceiveConnector) { c.ID.Name = "New" })
	disabled := connector.SetEnabled(*renamed.After, false)
	other := connector.AddRanges(b, ranges("10.0.1.1")...)

	all := connector.Compose(one, other, two, renamed, disabled)
	require.Len(t, all, 2)
	assert.Equal(t, `EX01\Relay: Name Relay -> New; Enabled True -> False; RemoteIPRanges +10.0.1.1; AuthMechanism None -> Tls`, all[0].String())
	assert.Equal(t, `EX01\Default: RemoteIPRanges +10.0.1.1`, all[1].String())
	stepwise, err := top.Apply(one, other, two, renamed, disabled)
	require.NoError(t, err)
	atOnce, err := top.Apply(all...)
	require.NoError(t, err)
	assert.True(t, stepwise.Equal(atOnce))
	back, err := atOnce.Apply(connector.Inverse(all...)...)
	require.NoError(t, err)
	assert.True(t, back.Equal(top), "undone, the name included")

	made := connector.Compose(connector.Create(a), renamedTo(a, "New"))
	require.Len(t, made, 1)
	got, err := (&connector.Topology{}).Apply(made...)
	require.NoError(t, err, "what is created under a name and gets another one is created under that")
	assert.Equal(t, "New", got.Connectors[0].ID.Name)
	swap := []connector.Change{renamedTo(a, "tmp"), renamedTo(b, "Relay")}
	swap = append(swap, renamedTo(*swap[0].After, "Default"))
	assert.Len(t, connector.Compose(swap...), 3, "the third name is needed")
	got, err = top.Apply(connector.Compose(swap...)...)
	require.NoError(t, err)
	assert.Equal(t, "Default", got.Connectors[0].ID.Name)

	assert.Empty(t, connector.Compose(one, one.Inverse()), "there and back is nothing")
	assert.Empty(t, connector.Compose(connector.Create(a), connector.Remove(a)))
	again := connector.Compose(connector.Remove(a), connector.Create(a))
	require.Len(t, again, 2, "it would come last, so it stays two changes")
	moved, err := top.Apply(again...)
	require.NoError(t, err)
	assert.Equal(t, "Default", moved.Connectors[0].ID.Name)
	_, err = again[0].Then(again[1])
	require.ErrorIs(t, err, connector.ErrInvalid)
	_, err = one.Then(other)
	require.ErrorIs(t, err, connector.ErrDrift)
	_, err = two.Then(one)
	require.ErrorIs(t, err, connector.ErrDrift)
}

func renamedTo(c connector.ReceiveConnector, name string) connector.Change {
	return connector.Edit(c, func(c *connector.ReceiveConnector) { c.ID.Name = name })
}

// Renaming keeps the place, moves nobody, and never makes two of one name.
func TestRename(t *testing.T) {
	a, b := relay("EX01", "10.0.0.0/24"), standard("EX01")
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{a, b}}
	next, err := top.Apply(renamedTo(a, "From applications"))
	require.NoError(t, err)
	assert.Equal(t, `EX01\From applications`, next.Connectors[0].ID.String())
	_, err = top.Apply(renamedTo(a, "DEFAULT"))
	require.ErrorIs(t, err, connector.ErrDrift)
	next, err = top.Apply(renamedTo(a, "RELAY"))
	require.NoError(t, err, "another spelling of its own name")
	assert.Equal(t, "RELAY", next.Connectors[0].ID.Name)
	other := renamedTo(a, "x")
	other.After.ID.Server = "EX02"
	_, err = top.Apply(other)
	require.ErrorIs(t, err, connector.ErrInvalid, "a connector cannot move to another server")

	moves, err := connector.WhatIf(top, renamedTo(a, "From applications"))
	require.NoError(t, err)
	assert.Empty(t, moves)
	changed := renamedTo(a, "From applications")
	changed.After.RemoteIPRanges = ranges("10.0.0.0/25")
	moves, err = connector.WhatIf(top, changed)
	require.NoError(t, err)
	require.Len(t, moves, 1)
	assert.Equal(t, `EX01 0.0.0.0:25: EX01\Relay -> EX01\Default: 10.0.0.128/25, for example 10.0.0.128`, moves[0].String())

	// Two connectors swap their names.
	swapped := []connector.Change{renamedTo(a, "x"), renamedTo(b, "Relay")}
	swapped = append(swapped, renamedTo(*swapped[0].After, "Default"))
	moves, err = connector.WhatIf(top, swapped...)
	require.NoError(t, err)
	assert.Empty(t, moves)

	// A name that another connector had: whoever it served moves, and whoever is served by the same one does not.
	removed := connector.Remove(a)
	taken := renamedTo(b, "Relay")
	moves, err = connector.WhatIf(top, removed, taken)
	require.NoError(t, err)
	require.Len(t, moves, 1)
	assert.Equal(t, `EX01 0.0.0.0:25: the former EX01\Relay -> EX01\Relay: 10.0.0.0/24, for example 10.0.0.0`, moves[0].String())
	first := renamedTo(a, "Z")
	second := connector.Create(listening("EX01", "Relay", "0.0.0.0:2600", "10.0.0.0/24"))
	moves, err = connector.WhatIf(top, first, second, connector.Remove(*second.After))
	require.NoError(t, err)
	assert.Empty(t, moves)
	assert.Equal(t, map[connector.ID]connector.ID{a.ID: {Server: "EX01", Name: "Z"}}, connector.Renamed(first, second, connector.Remove(*second.After)))
	assert.Empty(t, connector.Renamed(connector.Remove(a), connector.Create(a)), "anew under its name it is the same")
	assert.Equal(t, map[connector.ID]connector.ID{a.ID: {}}, connector.Renamed(connector.Remove(a), connector.Change{}))
}

// What turns one topology into another is found, and does it.
func TestChangesBetween(t *testing.T) {
	a, b, c := relay("EX01", "10.0.0.0/24"), standard("EX01"), listening("EX01", "Old", "0.0.0.0:26", "10.0.0.1")
	before := &connector.Topology{Connectors: []connector.ReceiveConnector{a, b, c}}
	edited := a.Clone()
	edited.ID.Name, edited.RequireTLS, edited.Source = "RELAY", true, connector.Source{File: "x"}
	other := b.Clone()
	other.Source.Line = 7
	after := &connector.Topology{Connectors: []connector.ReceiveConnector{listening("EX02", "New", "0.0.0.0:25", "10.0.0.1"), other, edited}}
	changes := connector.Changes(before, after)
	var lines []string
	for _, c := range changes {
		lines = append(lines, c.String())
	}
	assert.Equal(t, []string{`EX01\Old: removed`, `EX01\Relay: Name Relay -> RELAY; RequireTLS False -> True`, `EX02\New: created; Bindings +0.0.0.0:25; RemoteIPRanges +10.0.0.1`}, lines)
	got, err := before.Apply(changes...)
	require.NoError(t, err)
	assert.Empty(t, connector.Changes(got, after))
	same := got.Clone()
	for i := range same.Connectors {
		same.Connectors[i].ID.Server = strings.ToLower(same.Connectors[i].ID.Server)
		got.Connectors[i].Rights = []connector.Grant{{Principal: "A", Right: "x"}, {Principal: "B", Right: "y"}}
		same.Connectors[i].Rights = []connector.Grant{{Principal: "B", Right: "y"}, {Principal: "A", Right: "x"}}
	}
	assert.Empty(t, connector.Changes(got, same), "the case of a server's name and the order of rights are no change")
	assert.Empty(t, connector.Changes(before, before))
}
