package audit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

func plansOf(t testing.TB, top *connector.Topology) []audit.Plan {
	t.Helper()
	plans, err := audit.Plans(context.Background(), top)
	require.NoError(t, err)
	return plans
}

// The founding story: a plan for each server, and with all of them every required flow passes.
func TestPlansOfTheFoundingStory(t *testing.T) {
	top := stories(t)["founding_story"].Topology
	plans := plansOf(t, top)
	require.Len(t, plans, 4)
	p := plans[0]
	assert.Equal(t, "EX01", p.Server)
	require.Len(t, p.Steps, 1)
	assert.Equal(t, `EX01\Default EX01: RemoteIPRanges +10.1.0.12 +10.2.0.11 +10.2.0.12`, p.Steps[0].Change.String())
	assert.Equal(t, []string{`RC001 EX01\Relay: add the servers' addresses to the connector that has Exchange Server authentication`}, p.Steps[0].Why)
	assert.Equal(t, []string{`RC001 error certain EX01\Relay: 10.1.0.12 10.2.0.11 10.2.0.12`}, describe(p.Solved))
	assert.Empty(t, p.Left)
	assert.Len(t, p.Moves, 1)
	next := top
	for _, p := range plans {
		for _, n := range p.New {
			assert.Equal(t, audit.Note, n.Severity)
		}
		require.NoError(t, next.ValidateAll(p.Changes()...))
		var err error
		next, err = next.Apply(p.Changes()...)
		require.NoError(t, err)
	}
	x, err := connector.Compile(next)
	require.NoError(t, err)
	for _, r := range audit.Flows(next, x) {
		assert.False(t, r.Broken(), r)
	}
}

// Two connectors in the way on one server: both findings are solved, what the fixes do to one connector is one step, and what is taken
// away comes first.
func TestPlanComposesFixes(t *testing.T) {
	top := fourHubs(connectorOf("EX01", "Lone", 0, "10.2.0.1", "10.9.9.9"), connectorOf("EX01", "Relay", 0, "10.3.0.0/16"))
	for i := range 2 {
		s := hub(fmt.Sprintf("EX1%d", i), fmt.Sprintf("C%d", i), fmt.Sprintf("10.3.0.%d", 1+i))
		top.Servers = append(top.Servers, s)
		top.Connectors = append(top.Connectors, connectorOf(s.Name, "Default", exchangeAuth, "0.0.0.0/0", "::/0"))
	}
	plans := plansOf(t, top)
	require.Len(t, plans, 1)
	var lines []string
	for _, s := range plans[0].Steps {
		lines = append(lines, s.Change.String())
	}
	assert.Equal(t, []string{`EX01\Lone: RemoteIPRanges -10.2.0.1`, `EX01\Default: RemoteIPRanges +10.3.0.1 +10.3.0.2`}, lines)
	assert.Len(t, plans[0].Solved, 2)
	assert.Equal(t, []string{`RC009 note possible EX01\Relay: 10.3.0.0 10.3.0.3-10.3.255.255`}, describe(plans[0].New), "what is left of it is no more than a note")
}

// Only unsafe fixes: there is no plan, and the finding is left.
func TestNoPlanWithoutSafeFixes(t *testing.T) {
	top := fourHubs(lacking(connectorOf("EX01", "Lone", 0, "10.2.0.1"), connector.PropertyRemoteIPRanges|connector.PropertyPermissionGroups))
	fs := run(t, top)
	require.NotEmpty(t, fs)
	require.NotEmpty(t, fs[0].Fixes)
	plans := plansOf(t, top)
	require.Len(t, plans, 1)
	assert.Empty(t, plans[0].Steps)
	assert.Equal(t, fs[0].Check, plans[0].Left[0].Check, "it is not left unmentioned")
	assert.Empty(t, plansOf(t, fourHubs()), "nothing to do")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := audit.Plans(ctx, top)
	require.ErrorIs(t, err, context.Canceled)
	_, err = audit.Plans(context.Background(), &connector.Topology{Servers: make([]connector.Server, 1)})
	require.ErrorIs(t, err, connector.ErrEmpty)
	broken := &audit.Check{ID: "RC999", Run: func(*audit.Pass) error { return connector.ErrInvalid }}
	_, err = audit.Plans(context.Background(), top, broken)
	require.ErrorIs(t, err, connector.ErrInvalid)
}

// Whatever the organization: the cmdlets accept every step, no flow between servers that passed fails, what is solved is not found
// again, nothing but addresses of findings moves, and the steps can be undone in reverse.
func TestPlansHoldInRandomOrganizations(t *testing.T) {
	steps, composed := 0, 0
	for seed := range uint64(600) {
		top := randomOrganization(gen.Rand(7000 + seed))
		passing := passingFlows(t, top)
		found := run(t, top)
		next := top
		for _, p := range plansOf(t, top) {
			require.NoError(t, next.ValidateAll(p.Changes()...), "seed %d", seed)
			after, err := next.Apply(p.Changes()...)
			require.NoError(t, err)
			moves, err := connector.WhatIf(next, p.Changes()...)
			require.NoError(t, err)
			require.Equal(t, moves, p.Moves, "seed %d", seed)
			var addrs []connector.Range
			for _, f := range found {
				if strings.EqualFold(f.Subject.Server, p.Server) {
					addrs = append(addrs, f.Addrs...)
				}
			}
			for _, n := range p.New {
				addrs = append(addrs, n.Addrs...)
			}
			set := connector.IPSet(addrs...)
			for _, m := range moves {
				for _, r := range m.Addrs {
					require.True(t, set.ContainsRange(r.Span()), "seed %d: %s moves", seed, r)
				}
			}
			require.NoError(t, after.ValidateAll(connector.Inverse(p.Changes()...)...), "seed %d: the way back", seed)
			back, err := after.Apply(connector.Inverse(p.Changes()...)...)
			require.NoError(t, err)
			require.Len(t, back.Connectors, len(next.Connectors))
			steps += len(p.Steps)
			for _, s := range p.Steps {
				if len(s.Why) > 1 {
					composed++
				}
			}
			next = after
		}
		now := passingFlows(t, next)
		for flow := range passing {
			require.True(t, now[flow], "seed %d: the plans broke %s", seed, flow)
		}
		for _, f := range run(t, next) {
			if f.Severity == audit.Error {
				require.True(t, len(f.Fixes) == 0 || !f.Fixes[0].Safe, "seed %d: %s could be fixed", seed, f.Subject)
			}
		}
	}
	t.Logf("%d steps, %d for several findings", steps, composed)
	assert.Greater(t, steps, 100)
}

func ExamplePlans() {
	top := fourHubs(connectorOf("EX01", "Relay", 0, "10.2.0.0/24"))
	plans, err := audit.Plans(context.Background(), top)
	if err != nil {
		fmt.Println(err)
	}
	for _, p := range plans {
		for _, s := range p.Steps {
			fmt.Println(s.Change)
			fmt.Println("because of", s.Why)
		}
		fmt.Println(len(p.Solved), "finding solved;", p.Moves)
	}
	// Output:
	// EX01\Default: RemoteIPRanges +10.2.0.1
	// because of [RC001 EX01\Relay: add the servers' addresses to the connector that has Exchange Server authentication]
	// 1 finding solved; [EX01 0.0.0.0:25: EX01\Relay -> EX01\Default: 10.2.0.1, for example 10.2.0.1]
}
