package audit_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

func whatIf(t testing.TB, top *connector.Topology, changes ...connector.Change) *audit.Comparison {
	t.Helper()
	c, err := audit.WhatIf(context.Background(), top, changes)
	require.NoError(t, err)
	return c
}

// told renders what differs; of the flows those of mail, which all others share their connections with.
func told(c *audit.Comparison) (lines []string) {
	for _, m := range c.Moves {
		lines = append(lines, m.String())
	}
	for _, m := range c.Unsettled {
		lines = append(lines, "unsettled "+m.String())
	}
	for _, f := range c.Findings {
		s := f.Change().String() + ":"
		for _, one := range []*audit.Finding{f.Before, f.After} {
			if one == nil {
				s += " -"
				continue
			}
			s += " " + describe([]audit.Finding{*one})[0]
		}
		lines = append(lines, s)
	}
	for _, f := range c.Flows {
		if f.Flow.Purpose == connector.Mail {
			lines = append(lines, fmt.Sprintf("%s: %s %s -> %s", f.Change(), f.Flow, f.Before, f.After))
		}
	}
	for _, a := range c.Access {
		lines = append(lines, fmt.Sprintf("access: %s %s %s %v %s -> %s", a.Server, a.Local, a.Access, a.Addrs, a.Before, a.After))
	}
	return lines
}

func TestWhatIf(t *testing.T) {
	top := fourHubs()
	def := top.Connectors[0]
	relay := connectorOf("EX01", "Relay", 0, "10.2.0.0/24")
	relay.PermissionGroups = connector.GroupAnonymousUsers
	relay.Rights = grant(`NT AUTHORITY\ANONYMOUS LOGON`, false)

	c := whatIf(t, top)
	assert.Empty(t, told(c))
	assert.False(t, c.Breaks())
	assert.Zero(t, c.Worst())
	assert.Empty(t, c.Servers())

	c = whatIf(t, top, connector.Create(relay))
	assert.Equal(t, []string{
		`EX01 0.0.0.0:25: EX01\Default -> EX01\Relay: 10.2.0.0/24, for example 10.2.0.0`,
		`worse: - RC001 error certain EX01\Relay: 10.2.0.1`,
		`worse: EX02 -> EX01 port 25 Mail passes -> fails`,
		`access: EX01 0.0.0.0:25 send to accepted domains without authenticating [10.2.0.0/24] refused -> done`,
		`access: EX01 0.0.0.0:25 relay to foreign domains without authenticating [10.2.0.0/24] refused -> done`,
		`access: EX01 0.0.0.0:25 encrypt with STARTTLS [10.2.0.0/24] done -> refused`,
	}, told(c))
	assert.True(t, c.Breaks())
	assert.Equal(t, audit.Error, c.Worst())
	assert.Equal(t, []string{"EX01"}, c.Servers())
	assert.NotNil(t, c.Flows[0].Witness)
	assert.Empty(t, c.Findings[0].After.Fixes, "findings that are compared need no fixes")

	// And back.
	with := c.After
	c = whatIf(t, with, connector.Remove(relay))
	assert.Equal(t, []string{
		`EX01 0.0.0.0:25: EX01\Relay -> EX01\Default: 10.2.0.0/24, for example 10.2.0.0`,
		`better: RC001 error certain EX01\Relay: 10.2.0.1 -`,
		`better: EX02 -> EX01 port 25 Mail fails -> passes`,
		`access: EX01 0.0.0.0:25 send to accepted domains without authenticating [10.2.0.0/24] done -> refused`,
		`access: EX01 0.0.0.0:25 relay to foreign domains without authenticating [10.2.0.0/24] done -> refused`,
		`access: EX01 0.0.0.0:25 encrypt with STARTTLS [10.2.0.0/24] refused -> done`,
	}, told(c))
	assert.False(t, c.Breaks())
	assert.Zero(t, c.Worst())

	// It shrinks, and is no error any more.
	c = whatIf(t, with, connector.AddRanges(def, connector.MustParseRange("10.2.0.1")))
	assert.Equal(t, []string{
		`EX01 0.0.0.0:25: EX01\Relay -> EX01\Default: 10.2.0.1, for example 10.2.0.1`,
		`worse: - RC009 note possible EX01\Relay: 10.2.0.0 10.2.0.2-10.2.0.255`,
		`better: RC001 error certain EX01\Relay: 10.2.0.1 -`,
		`better: EX02 -> EX01 port 25 Mail fails -> passes`,
		`access: EX01 0.0.0.0:25 send to accepted domains without authenticating [10.2.0.1] done -> refused`,
		`access: EX01 0.0.0.0:25 relay to foreign domains without authenticating [10.2.0.1] done -> refused`,
		`access: EX01 0.0.0.0:25 encrypt with STARTTLS [10.2.0.1] refused -> done`,
	}, told(c))
	assert.Equal(t, audit.Note, c.Worst())

	// Nobody moves, and mail breaks: the mechanism goes.
	c = whatIf(t, top, connector.SetAuth(def, connector.AuthTLS))
	assert.Equal(t, []string{`worse: - RC001 error certain EX01\Default: 10.2.0.1`, `worse: EX02 -> EX01 port 25 Mail passes -> fails`}, told(c))

	// The listener goes: nothing that the audit could call a fault, but mail breaks.
	c = whatIf(t, top, connector.SetEnabled(def, false))
	assert.Contains(t, told(c), `worse: EX02 -> EX01 port 25 Mail passes -> no listener`)
	assert.True(t, c.Breaks())

	// Another name is nothing, and what comes with it goes by the new name.
	rename := connector.Edit(def, func(c *connector.ReceiveConnector) { c.ID.Name = "Standard" })
	assert.Empty(t, told(whatIf(t, top, rename)))
	both := connector.Edit(def, func(c *connector.ReceiveConnector) { c.ID.Name, c.AuthMechanism = "Standard", 0 })
	assert.Equal(t, []string{`worse: - RC001 error certain EX01\Standard: 10.2.0.1`, `worse: EX02 -> EX01 port 25 Mail passes -> fails`,
		`access: EX01 0.0.0.0:25 encrypt with STARTTLS [0.0.0.0/0] done -> refused`, `access: EX01 [::]:25 encrypt with STARTTLS [::/0] done -> refused`}, told(whatIf(t, top, both)))
	assert.Empty(t, told(whatIf(t, with, connector.Edit(relay, func(c *connector.ReceiveConnector) { c.ID.Name = "Apps" }))), "the finding keeps to its connector")

	// The only connector of the server goes.
	c = whatIf(t, top, connector.Remove(def))
	assert.Contains(t, told(c), `worse: EX02 -> EX01 port 25 Mail passes -> no target`)
	assert.True(t, c.Breaks())

	// A name that another connector had, and one that a new one gets.
	c = whatIf(t, with, connector.Remove(relay), connector.Edit(def, func(c *connector.ReceiveConnector) { c.ID.Name = "Relay" }))
	assert.Contains(t, told(c), `better: RC001 error certain EX01\Relay (removed): 10.2.0.1 -`)
	assert.Contains(t, told(c), `EX01 0.0.0.0:25: the former EX01\Relay -> EX01\Relay: 10.2.0.0/24, for example 10.2.0.0`)
	assert.Equal(t, 2, whatIf(t, top, rename).Endpoints, "what was compared is counted whatever the name")

	// Doubt that is new, as of a twin.
	twin := connectorOf("EX01", "Twin", exchangeAuth, "0.0.0.0/0", "::/0")
	c = whatIf(t, top, connector.Create(twin))
	assert.Contains(t, told(c), `unsettled EX01 0.0.0.0:25: EX01\Default -> EX01\Default: 0.0.0.0/0, for example 0.0.0.0 (doubt: Tie)`)

	_, err := audit.WhatIf(context.Background(), top, []connector.Change{connector.Create(def)})
	require.ErrorIs(t, err, connector.ErrDrift)
}

// Two exports: of whatever is told in only one of them nothing is said to break.
func TestCompare(t *testing.T) {
	relay := connectorOf("EX01", "Relay", 0, "10.2.0.0/24")
	before, after := fourHubs(), fourHubs(relay)
	c, err := audit.Compare(context.Background(), before, after)
	require.NoError(t, err)
	require.Len(t, c.Changes, 1)
	assert.Equal(t, `EX01\Relay: created; Bindings +0.0.0.0:25 +[::]:25; RemoteIPRanges +10.2.0.0/24`, c.Changes[0].String())
	assert.True(t, c.Breaks())

	lost := fourHubs()
	lost.Connectors[0].Missing = connector.PropertyAuthMechanism
	lost.Connectors[0].AuthMechanism = 0
	c, err = audit.Compare(context.Background(), before, lost)
	require.NoError(t, err)
	assert.Contains(t, told(c), `other: EX02 -> EX01 port 25 Mail passes -> unknown`)
	assert.False(t, c.Breaks(), "an export that lost a column breaks nothing")
	half := &connector.Topology{Servers: before.Servers, Connectors: before.Connectors[1:]}
	c, err = audit.Compare(context.Background(), before, half)
	require.NoError(t, err)
	assert.Contains(t, told(c), `worse: EX02 -> EX01 port 25 Mail passes -> no target`)

	// A server more: its flows are new, and those that fail at once break something.
	more := fourHubs(connectorOf("EX01", "Relay", 0, "10.3.0.0/24"))
	more.Servers = append(more.Servers, hub("EX03", "C", "10.3.0.1"))
	more.Connectors = append(more.Connectors, connectorOf("EX03", "Default", exchangeAuth, "0.0.0.0/0", "::/0"))
	c, err = audit.Compare(context.Background(), before, more)
	require.NoError(t, err)
	assert.Contains(t, told(c), `worse: EX03 -> EX01 port 25 Mail  -> fails`)
	assert.Contains(t, told(c), `other: EX01 -> EX03 port 25 Mail  -> passes`)
	c, err = audit.Compare(context.Background(), more, before)
	require.NoError(t, err)
	assert.Contains(t, told(c), `other: EX03 -> EX01 port 25 Mail fails -> `)
	assert.False(t, c.Breaks())

	unusable := &connector.Topology{Servers: make([]connector.Server, 1)}
	_, err = audit.Compare(context.Background(), unusable, before)
	require.ErrorIs(t, err, connector.ErrEmpty)
	_, err = audit.Compare(context.Background(), before, unusable)
	require.ErrorIs(t, err, connector.ErrEmpty)
	broken := &audit.Check{ID: "RC999", Run: func(*audit.Pass) error { return connector.ErrInvalid }}
	_, err = audit.Compare(context.Background(), before, after, broken)
	require.ErrorIs(t, err, connector.ErrInvalid)
}

// How findings and flows change, in every direction.
func TestKindsOfChange(t *testing.T) {
	finding := func(s audit.Severity, addrs ...string) *audit.Finding {
		f := &audit.Finding{Check: "RC001", Severity: s}
		for _, a := range addrs {
			f.Addrs = append(f.Addrs, connector.MustParseRange(a))
		}
		return f
	}
	for _, row := range []struct {
		why           string
		before, after *audit.Finding
		want          audit.Change
	}{
		{"it appears", nil, finding(audit.Note), audit.Worse},
		{"it goes", finding(audit.Error), nil, audit.Better},
		{"it grows", finding(audit.Note, "10.0.0.1"), finding(audit.Note, "10.0.0.0/31"), audit.Worse},
		{"it shrinks", finding(audit.Note, "10.0.0.0/31"), finding(audit.Note, "10.0.0.1"), audit.Better},
		{"it gets more severe", finding(audit.Note), finding(audit.Error), audit.Worse},
		{"it gets less severe", finding(audit.Error), finding(audit.Note), audit.Better},
		{"it moves", finding(audit.Note, "10.0.0.1"), finding(audit.Note, "10.0.0.2"), audit.Other},
		{"it shrinks and gets more severe", finding(audit.Note, "10.0.0.0/31"), finding(audit.Error, "10.0.0.1"), audit.Other},
	} {
		c := audit.FindingChange{Before: row.before, After: row.after}
		assert.Equal(t, row.want.String(), c.Change().String(), row.why)
		all := audit.Comparison{Findings: []audit.FindingChange{c}}
		worst := audit.Severity(0)
		if row.want == audit.Worse {
			worst = row.after.Severity
		}
		if row.why == "it shrinks and gets more severe" {
			worst = audit.Error
		}
		assert.Equal(t, worst, all.Worst(), row.why)
	}
	for _, row := range []struct {
		before, after audit.FlowState
		want          audit.Change
	}{
		{audit.FlowPasses, audit.FlowFails, audit.Worse}, {audit.FlowPasses, audit.FlowPartly, audit.Worse}, {audit.FlowPartly, audit.FlowFails, audit.Worse},
		{audit.FlowPasses, audit.FlowNoListener, audit.Worse}, {audit.FlowPartly, audit.FlowNoListener, audit.Worse}, {audit.FlowPasses, audit.FlowNoTarget, audit.Worse}, {0, audit.FlowFails, audit.Worse}, {0, audit.FlowPartly, audit.Worse},
		{audit.FlowFails, audit.FlowPasses, audit.Better}, {audit.FlowFails, audit.FlowPartly, audit.Better}, {audit.FlowPartly, audit.FlowPasses, audit.Better},
		{0, audit.FlowPasses, audit.Other}, {audit.FlowFails, 0, audit.Other}, {audit.FlowPasses, audit.FlowUnknown, audit.Other}, {audit.FlowUnknown, audit.FlowFails, audit.Other},
		{audit.FlowFails, audit.FlowNoListener, audit.Other}, {audit.FlowNoListener, audit.FlowPasses, audit.Other}, {audit.FlowNoTarget, audit.FlowNoListener, audit.Other},
	} {
		assert.Equal(t, row.want.String(), audit.FlowChange{Before: row.before, After: row.after}.Change().String(), "%s -> %s", row.before, row.after)
	}
	for _, row := range []struct {
		before, after connector.StepState
		lost          bool
	}{
		{connector.StepRefused, connector.StepUnknown, false}, {connector.StepUnknown, connector.StepDone, false}, {connector.StepRefused, connector.StepDone, false},
		{connector.StepDone, connector.StepUnknown, true}, {connector.StepUnknown, connector.StepRefused, true}, {connector.StepDone, connector.StepRefused, true},
	} {
		assert.Equal(t, row.lost, audit.AccessChange{Before: row.before, After: row.after}.Lost())
	}
	assert.Empty(t, audit.Access(0).String()+audit.Access(99).String())
	assert.Empty(t, audit.Change(0).String())
}

// Whatever changes: what is said to break, to heal, to appear and to go is what two audits and two looks at the flows say.
func TestComparisonsAgreeWithAudits(t *testing.T) {
	broke, healed := 0, 0
	for seed := range uint64(400) {
		r := gen.Rand(9000 + seed)
		top := randomOrganization(r)
		c := top.Connectors[r.IntN(len(top.Connectors))]
		other := gen.Connector(r, c.ID, false)
		change := []connector.Change{connector.SetEnabled(c, c.Disabled), connector.Remove(c), connector.SetAuth(c, exchangeAuth&^c.AuthMechanism),
			connector.AddRanges(c, gen.Range(r)), connector.Edit(c, func(c *connector.ReceiveConnector) { c.Bindings = other.Bindings })}[r.IntN(5)]
		got := whatIf(t, top, change)
		after, err := top.Apply(change)
		require.NoError(t, err)
		was, is := states(t, top), states(t, after)
		for _, f := range got.Flows {
			name := f.Flow.String()
			require.Equal(t, was[name], f.Before, "seed %d: %s", seed, name)
			require.Equal(t, is[name], f.After, "seed %d: %s", seed, name)
			switch f.Change() {
			case audit.Worse:
				broke++
			case audit.Better:
				healed++
			}
			delete(was, name)
			delete(is, name)
		}
		for name, s := range was {
			if (s == audit.FlowPasses || s == audit.FlowFails) && is[name] != s {
				require.Equal(t, s, is[name], "seed %d: %s is left out", seed, name)
			}
		}
		old, now := keys(run(t, top)), keys(run(t, after))
		for _, f := range got.Findings {
			if f.Before == nil {
				require.Contains(t, now, key(*f.After))
			} else {
				require.Contains(t, old, key(*f.Before))
			}
		}
		for _, k := range now {
			if !contains(old, k) {
				require.True(t, reported(got, k), "seed %d: %s appears", seed, k)
			}
		}
		for _, k := range old {
			if !contains(now, k) {
				require.True(t, reported(got, k), "seed %d: %s goes", seed, k)
			}
		}
	}
	assert.Greater(t, broke, 10)
	assert.Greater(t, healed, 10)
}

// What clients gain and lose is what a session of each of them says, before and after, at every address of the universe.
func TestAccessAgreesWithSessions(t *testing.T) {
	reach := func(x *connector.Index, c connector.Conn, p connector.Peer, stage connector.Stage) connector.StepState {
		for _, s := range x.Simulate(c, p).Session() {
			if s.Stage == stage && (s.State == connector.StepDone || s.State == connector.StepUnknown) {
				return s.State
			}
		}
		return connector.StepRefused
	}
	found := 0
	for seed := range uint64(60) {
		r := gen.Rand(4000 + seed)
		top := randomOrganization(r)
		c := top.Connectors[r.IntN(len(top.Connectors))]
		other := gen.Connector(r, c.ID, false)
		change := connector.Edit(c, func(c *connector.ReceiveConnector) {
			c.RemoteIPRanges, c.Bindings, c.AuthMechanism = other.RemoteIPRanges, other.Bindings, connector.AuthMechanism(r.IntN(8))
			c.PermissionGroups, c.Rights, c.RequireTLS = connector.GroupAnonymousUsers|connector.GroupExchangeUsers, grant(`NT AUTHORITY\ANONYMOUS LOGON`, r.IntN(2) == 0), r.IntN(2) == 0
		})
		got := whatIf(t, top, change)
		x, err := connector.Compile(top)
		require.NoError(t, err)
		y, err := connector.Compile(got.After)
		require.NoError(t, err)
		for _, local := range append(x.Endpoints(c.ID.Server), y.Endpoints(c.ID.Server)...) {
			for remote := range gen.Universe(local.Addr().Is4()) {
				conn := connector.Conn{Server: c.ID.Server, Local: local, Remote: remote}
				for access, stage := range map[audit.Access]connector.Stage{audit.AccessSubmit: connector.StageAcceptedRecipient, audit.AccessRelay: connector.StageForeignRecipient, audit.AccessLogin: connector.StageAuthenticate} {
					p := connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}
					if access == audit.AccessLogin {
						p.Kind = connector.PeerUser
					}
					was, is := reach(x, conn, p, stage), reach(y, conn, p, stage)
					told := false
					for _, a := range got.Access {
						if a.Local == local && a.Access == access && connector.IPSet(a.Addrs...).Contains(remote) {
							told = true
							require.Equal(t, []connector.StepState{was, is}, []connector.StepState{a.Before, a.After}, "seed %d: %s %s", seed, conn, access)
							require.True(t, connector.IPSet(a.Addrs...).Contains(a.Witness))
						}
					}
					require.Equal(t, was != is, told, "seed %d: %s: %s %s -> %s", seed, conn, access, was, is)
				}
			}
		}
		found += len(got.Access)
	}
	assert.Greater(t, found, 60)
}

func states(t *testing.T, top *connector.Topology) map[string]audit.FlowState {
	x, err := connector.Compile(top)
	require.NoError(t, err)
	all := make(map[string]audit.FlowState)
	for _, r := range audit.Flows(top, x) {
		all[r.Flow.String()] = r.State
	}
	return all
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func reported(c *audit.Comparison, k string) bool {
	for _, f := range c.Findings {
		if f.Before != nil && key(*f.Before) == k || f.After != nil && key(*f.After) == k {
			return true
		}
	}
	return false
}

func ExampleWhatIf() {
	top := fourHubs()
	relay := connectorOf("EX01", "Relay", 0, "10.2.0.0/24")
	c, err := audit.WhatIf(context.Background(), top, []connector.Change{connector.Create(relay)})
	if err != nil {
		fmt.Println(err)
	}
	for _, m := range c.Moves {
		fmt.Println(m)
	}
	for _, f := range c.Findings {
		fmt.Println(f.Change(), f.After.Check, f.After.Subject)
	}
	for _, f := range c.Flows {
		fmt.Println(f.Change(), f.Flow, f.Before, "->", f.After)
	}
	fmt.Println("something breaks:", c.Breaks())
	// Output:
	// EX01 0.0.0.0:25: EX01\Default -> EX01\Relay: 10.2.0.0/24, for example 10.2.0.0
	// worse RC001 EX01\Relay
	// worse EX02 -> EX01 port 25 Mail passes -> fails
	// worse EX02 -> EX01 port 25 PublicFolderReplication passes -> fails
	// worse EX02 -> EX01 port 25 Shadow passes -> fails
	// something breaks: true
}
