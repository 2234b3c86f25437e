package connector_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

func ranges(texts ...string) (rs []connector.Range) {
	for _, t := range texts {
		rs = append(rs, connector.MustParseRange(t))
	}
	return rs
}

func rangeTexts(rs []connector.Range) []string {
	texts := []string{}
	for _, r := range rs {
		texts = append(texts, r.String())
	}
	return texts
}

func TestChangeConstructors(t *testing.T) {
	c := relay("EX01", "10.0.0.0/24", "10.0.1.1")
	add := connector.AddRanges(c, ranges("10.0.0.0-10.0.0.255", "10.0.2.1", "10.0.2.1")...)
	assert.Equal(t, []string{"10.0.0.0/24", "10.0.1.1", "10.0.2.1"}, rangeTexts(add.After.RemoteIPRanges), "what is listed in another form is not added")
	remove := connector.RemoveRanges(c, ranges("10.0.0.0-10.0.0.255", "10.9.9.9")...)
	assert.Equal(t, []string{"10.0.1.1"}, rangeTexts(remove.After.RemoteIPRanges))
	assert.Equal(t, []string{"10.0.0.0/24", "10.0.1.1"}, rangeTexts(c.RemoteIPRanges), "the argument stays")
	assert.Equal(t, connector.AuthTLS, connector.SetAuth(c, connector.AuthTLS).After.AuthMechanism)
	assert.Equal(t, connector.GroupPartners, connector.SetPermissionGroups(c, connector.GroupPartners).After.PermissionGroups)
	assert.True(t, connector.SetEnabled(c, false).After.Disabled)
	added, removed := connector.Change{Before: remove.After, After: add.After}.Ranges()
	assert.Equal(t, []string{"10.0.0.0/24", "10.0.2.1"}, rangeTexts(added))
	assert.Empty(t, removed)
	added, removed = connector.Change{Before: add.After}.Ranges()
	assert.Empty(t, added)
	assert.Len(t, removed, 3)
}

func TestApply(t *testing.T) {
	a, b := relay("EX01", "10.0.0.0/24"), standard("EX01")
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{a, b}}
	top.Connectors[0].Source = connector.Source{File: "x", Line: 1}

	next, err := top.Apply(connector.AddRanges(a, ranges("10.0.1.1")...))
	require.NoError(t, err, "Source is not part of the state")
	assert.Equal(t, []string{"10.0.0.0/24", "10.0.1.1"}, rangeTexts(next.Connectors[0].RemoteIPRanges))
	assert.Equal(t, "Relay", next.Connectors[0].ID.Name, "it keeps its place")

	created := listening("EX01", "New", "0.0.0.0:25", "10.0.5.0/24")
	next, err = top.Apply(connector.Change{Target: a.ID, Before: &a}, connector.Change{Target: created.ID, After: &created})
	require.NoError(t, err)
	require.Len(t, next.Connectors, 2)
	assert.Equal(t, "New", next.Connectors[1].ID.Name, "a created one comes last")
	created.RemoteIPRanges[0] = connector.MustParseRange("::1")
	assert.Equal(t, "10.0.5.0/24", next.Connectors[1].RemoteIPRanges[0].String(), "nothing is shared with the change")

	drifted := relay("EX01", "10.0.0.0/25")
	other := relay("EX02")
	for _, row := range []struct {
		why    string
		change connector.Change
		want   error
	}{
		{"drift", connector.AddRanges(drifted), connector.ErrDrift},
		{"it exists already", connector.Change{Target: a.ID, After: &a}, connector.ErrDrift},
		{"it does not exist", connector.AddRanges(other), connector.ErrDrift},
		{"it says nothing", connector.Change{Target: a.ID}, connector.ErrInvalid},
		{"it renames", connector.Change{Target: a.ID, Before: &a, After: &other}, connector.ErrInvalid},
	} {
		t.Run(row.why, func(t *testing.T) {
			next, err := top.Apply(connector.SetEnabled(b, false), row.change)
			require.ErrorIs(t, err, row.want)
			assert.Nil(t, next)
			var me *connector.ModelError
			require.ErrorAs(t, err, &me)
			assert.Equal(t, "changes[1]", me.Path)
			_, err = connector.WhatIf(top, row.change)
			require.ErrorIs(t, err, row.want)
		})
	}
	_, err = connector.WhatIf(top, connector.Edit(a, func(c *connector.ReceiveConnector) { c.Bindings = append(c.Bindings, c.Bindings[0], netipZero) }))
	require.ErrorIs(t, err, connector.ErrInvalid, "a change that makes the topology unusable")
}

func TestDiff(t *testing.T) {
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{relay("EX01", "10.0.0.0/24"), standard("EX01"),
		listening("EX01", "Six", "[::]:25", "fd00::/64"), listening("EX02", "Other", "0.0.0.0:25", "10.0.0.0/24")}}
	show := func(moves []connector.Move) (lines []string) {
		for _, m := range moves {
			s := m.Server + " " + m.Local.String() + " " + m.From.String() + " -> " + m.To.String() + ":"
			for _, r := range m.Addrs {
				s += " " + r.String()
			}
			lines = append(lines, s+" e.g. "+m.Witness.String())
		}
		return lines
	}
	what := func(changes ...connector.Change) []string {
		moves, err := connector.WhatIf(top, changes...)
		require.NoError(t, err)
		return show(moves)
	}
	assert.Empty(t, what(), "nothing changes, nothing moves")
	assert.Equal(t, []string{`EX01 0.0.0.0:25 EX01\Relay -> EX01\Default: 10.0.0.7 10.0.0.9 e.g. 10.0.0.7`},
		what(connector.AddRanges(top.Connectors[1], ranges("10.0.0.7", "10.0.0.9")...)))
	assert.Empty(t, what(connector.AddRanges(top.Connectors[0], ranges("10.0.0.7")...)), "another range of the same connector is no move")
	assert.Equal(t, []string{`EX01 [::]:25 EX01\Six -> : fd00::/64 e.g. fd00::`}, what(connector.SetEnabled(top.Connectors[2], false)),
		"an endpoint that closes")
	assert.Equal(t, []string{`EX01 0.0.0.0:587  -> EX01\Default: 0.0.0.0/0 e.g. 0.0.0.0`},
		what(connector.Edit(top.Connectors[1], func(c *connector.ReceiveConnector) {
			c.Bindings = append(c.Bindings, connector.MustParseBinding("0.0.0.0:587"))
		})), "an endpoint that opens")
	assert.Equal(t, []string{`EX02 0.0.0.0:25 EX02\Other -> : 10.0.0.0/24 e.g. 10.0.0.0`},
		what(connector.Change{Target: top.Connectors[3].ID, Before: &top.Connectors[3]}), "a server that is gone")
}

// A change can put an answer into doubt without another connector serving anybody.
func TestUnsettled(t *testing.T) {
	hub := listening("EX01", "Hub", "0.0.0.0:2525", "10.0.0.0/24")
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{relay("EX01", "10.0.0.0/24"), standard("EX01"), hub}}
	tie := connector.Edit(hub, func(c *connector.ReceiveConnector) { c.Bindings[0] = connector.MustParseBinding("0.0.0.0:25") })
	next, err := top.Apply(tie)
	require.NoError(t, err)
	moves := connector.Unsettled(compile(t, top), compile(t, next))
	require.Len(t, moves, 1)
	assert.Equal(t, `EX01 0.0.0.0:25: EX01\Relay -> EX01\Relay: 10.0.0.0/24, for example 10.0.0.0 (doubt: Tie)`, moves[0].String())
	closed, err := connector.WhatIf(top, tie)
	require.NoError(t, err)
	require.Len(t, closed, 1, "only the port that closes")
	assert.Equal(t, `EX01 0.0.0.0:2525: EX01\Hub -> refused: 10.0.0.0/24, for example 10.0.0.0`, closed[0].String())
	assert.Empty(t, connector.Unsettled(compile(t, next), compile(t, top)), "doubt that goes is no news")
}

var netipZero netip.AddrPort
