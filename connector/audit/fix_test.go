package audit_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// bound gives a connector other bindings.
func bound(c connector.ReceiveConnector, bindings ...string) connector.ReceiveConnector {
	c.Bindings = nil
	for _, b := range bindings {
		c.Bindings = append(c.Bindings, connector.MustParseBinding(b))
	}
	return c
}

func lacking(c connector.ReceiveConnector, p connector.Properties) connector.ReceiveConnector {
	c.Missing |= p
	return c
}

func disabled(c connector.ReceiveConnector) connector.ReceiveConnector {
	c.Disabled = true
	return c
}

// fourHubs is twoHubs with IPv4 alone.
func fourHubs(connectors ...connector.ReceiveConnector) *connector.Topology {
	top := twoHubs(connectors...)
	for i := range top.Servers {
		top.Servers[i].Addresses = top.Servers[i].Addresses[:1]
	}
	return top
}

// fixLines renders the fixes of a finding as commands.
func fixLines(t *testing.T, f audit.Finding) (fixes []string) {
	for _, fix := range f.Fixes {
		var lines []string
		for _, c := range fix.Changes {
			commands, err := ems.Commands(c, connector.Version{})
			require.NoError(t, err)
			lines = append(lines, commands...)
		}
		safe := map[bool]string{true: "safe: ", false: "unsafe: "}[fix.Safe]
		fixes = append(fixes, safe+strings.Join(lines, "; "))
	}
	return fixes
}

// What a fix must leave alone, and what it must do about connectors in the way.
func TestFixCandidates(t *testing.T) {
	relay := connectorOf("EX01", "Relay", 0, "10.2.0.0/24")
	lone := connectorOf("EX01", "Lone", 0, "10.2.0.1")
	const add = "safe: Set-ReceiveConnector -Identity 'EX01\\Default' -RemoteIPRanges @{Add='10.2.0.1'}"
	for _, row := range []struct {
		why        string
		connectors []connector.ReceiveConnector
		want       []string
	}{
		{"a connector on another port lists the address", []connector.ReceiveConnector{relay,
			bound(connectorOf("EX01", "Hub", exchangeAuth, "10.2.0.1", "10.9.9.9"), "0.0.0.0:2525")}, []string{add}},
		{"a connector on another port lists nothing else", []connector.ReceiveConnector{relay,
			bound(connectorOf("EX01", "Hub", exchangeAuth, "10.2.0.1"), "0.0.0.0:2525")}, []string{add}},
		{"the relay's list is incomplete, so it may hold more", []connector.ReceiveConnector{lacking(lone, connector.PropertyRemoteIPRanges)},
			[]string{"unsafe: Set-ReceiveConnector -Identity 'EX01\\Lone' -RemoteIPRanges @{Remove='10.2.0.1'}; " + strings.TrimPrefix(add, "safe: ")}},
		{"the relay lists nothing else", []connector.ReceiveConnector{lone},
			[]string{"safe: Set-ReceiveConnector -Identity 'EX01\\Lone' -Enabled $false"}},
		{"behind it another relay waits", []connector.ReceiveConnector{lone, relay},
			[]string{"safe: Remove-ReceiveConnector -Identity 'EX01\\Lone' -Confirm:$false; " + strings.TrimPrefix(add, "safe: ")}},
		{"a disabled connector lists the very address", []connector.ReceiveConnector{relay, disabled(connectorOf("EX01", "Old", 0, "10.2.0.1"))},
			[]string{"safe: Remove-ReceiveConnector -Identity 'EX01\\Old' -Confirm:$false; " + strings.TrimPrefix(add, "safe: ")}},
		{"a disabled connector lists it among others", []connector.ReceiveConnector{relay, disabled(connectorOf("EX01", "Old", 0, "10.2.0.1", "10.9.9.9"))},
			[]string{"safe: Set-ReceiveConnector -Identity 'EX01\\Old' -RemoteIPRanges @{Remove='10.2.0.1'}; " + strings.TrimPrefix(add, "safe: ")}},
		{"an exact binding would win the tie", []connector.ReceiveConnector{bound(connectorOf("EX01", "Exact", 0, "10.2.0.1", "10.9.9.9"), "10.1.0.1:25")},
			[]string{"safe: Set-ReceiveConnector -Identity 'EX01\\Exact' -RemoteIPRanges @{Remove='10.2.0.1'}; " + strings.TrimPrefix(add, "safe: ")}},
		{"another connector takes the address on a client port", []connector.ReceiveConnector{relay,
			bound(connectorOf("EX01", "Client", 0, "10.2.0.0/24"), "0.0.0.0:587")}, []string{add}},
	} {
		t.Run(row.why, func(t *testing.T) {
			fs := run(t, fourHubs(row.connectors...))
			require.NotEmpty(t, fs)
			assert.Equal(t, "RC001", fs[0].Check)
			assert.Equal(t, row.want, fixLines(t, fs[0]))
		})
	}

	// The target listens on a second port, where the address would move as well: not safe.
	top := fourHubs(relay, bound(connectorOf("EX01", "Client", 0, "10.2.0.0/24"), "0.0.0.0:587"))
	top.Connectors[0] = bound(top.Connectors[0], "0.0.0.0:25", "0.0.0.0:587")
	fs := run(t, top)
	require.NotEmpty(t, fs)
	assert.Equal(t, []string{"un" + add}, fixLines(t, fs[0]))

	// The Default connector lists the address already, and ties with the exact binding: only the removal is left to do.
	top = fourHubs(bound(connectorOf("EX01", "Exact", 0, "10.2.0.1", "10.9.9.9"), "10.1.0.1:25"))
	top.Connectors[0].RemoteIPRanges = append(top.Connectors[0].RemoteIPRanges, connector.MustParseRange("10.2.0.1"))
	fs = run(t, top)
	require.NotEmpty(t, fs)
	assert.Equal(t, []string{"safe: Set-ReceiveConnector -Identity 'EX01\\Exact' -RemoteIPRanges @{Remove='10.2.0.1'}"}, fixLines(t, fs[0]))
}

// What is not known is not overwritten.
func TestNoFixOverUnknownProperties(t *testing.T) {
	for _, p := range []connector.Properties{connector.PropertyPermissionGroups, connector.PropertyFQDN} {
		top := fourHubs()
		top.Connectors[0] = lacking(connectorOf("EX01", "Default", connector.AuthTLS, "0.0.0.0/0"), p)
		fs := run(t, top)
		require.NotEmpty(t, fs)
		assert.Empty(t, fs[0].Fixes, p)
	}
}

// A relay that takes a required sender and a planned server: one finding, one fix for both.
func TestPlannedServersJoinTheFinding(t *testing.T) {
	top := fourHubs(connectorOf("EX01", "Relay", 0, "10.0.0.0/8"))
	top.Networks = []connector.Network{{Name: "next", Kind: connector.NetworkPlanned, Ranges: []connector.Range{connector.MustParseRange("10.3.0.5")}}}
	fs := run(t, top)
	assert.Equal(t, []string{`RC001 error certain EX01\Relay: 10.2.0.1 10.3.0.5`}, describe(fs))
	assert.Equal(t, []string{"safe: Set-ReceiveConnector -Identity 'EX01\\Default' -RemoteIPRanges @{Add='10.2.0.1','10.3.0.5'}"}, fixLines(t, fs[0]))

	// Too many to be listed one by one: they stay a finding of their own.
	top.Networks[0].Ranges[0] = connector.MustParseRange("10.3.0.0/16")
	fs = run(t, top)
	assert.Equal(t, []string{`RC001 error certain EX01\Relay: 10.2.0.1`, `RC009 warning certain EX01\Relay: 10.2.0.1 10.3.0.0/16`}, describe(fs))
	assert.Len(t, fs[0].Fixes, 1)
	assert.Empty(t, fs[1].Fixes)
}

// Addresses at which nothing listens are no way out.
func TestUnboundFamilyIsNoAlternative(t *testing.T) {
	top := twoHubs(bound(connectorOf("EX01", "Relay", 0, "10.2.0.0/24"), "0.0.0.0:25"))
	top.Connectors[0] = bound(top.Connectors[0], "0.0.0.0:25")
	assert.Equal(t, []string{`RC001 error certain EX01\Relay: 10.2.0.1`}, describe(run(t, top)))
}

// Ports at which no Exchange server connects are nobody's latent fault.
func TestClientPortsAreNotLatent(t *testing.T) {
	top := fourHubs(bound(connectorOf("EX01", "App", exchangeAuth, "10.5.0.0/16"), "0.0.0.0:587"),
		bound(connectorOf("EX01", "Client", connector.AuthIntegrated, "0.0.0.0/0"), "0.0.0.0:587"))
	assert.Empty(t, run(t, top))
}

// A disabled connector is known, and nothing listens.
func TestDisabledTarget(t *testing.T) {
	top := fourHubs()
	top.Connectors[0].Disabled = true
	x, err := connector.Compile(top)
	require.NoError(t, err)
	for _, r := range audit.Flows(top, x) {
		if r.Flow.Purpose == connector.Mail && r.Flow.To == "EX01" {
			assert.Equal(t, audit.FlowNoListener, r.State)
		}
	}
	top.Servers[0].Addresses = nil
	for _, r := range audit.Flows(top, x) {
		if r.Flow.Purpose == connector.Mail && r.Flow.To == "EX01" {
			assert.Equal(t, audit.FlowNoListener, r.State)
		}
	}
}

// The group is missing: the finding is another check's, but the flow is not said to pass.
func TestNotPermittedIsNotRC001(t *testing.T) {
	top := fourHubs()
	top.Connectors[0].PermissionGroups = connector.GroupExchangeUsers
	assert.Empty(t, run(t, top))
	x, err := connector.Compile(top)
	require.NoError(t, err)
	for _, r := range audit.Flows(top, x) {
		if r.Flow.Purpose == connector.Mail && r.Flow.To == "EX01" {
			assert.Equal(t, audit.FlowFails, r.State)
			assert.Equal(t, connector.CauseNotPermitted, r.Witness.Cause)
		}
	}
}

// randomOrganization has servers of all ages with a capable connector each, and random connectors in the way.
func randomOrganization(r *rand.Rand) *connector.Topology {
	versions := []string{"2007", "2010", "2013", "2016", "2019"}
	top := &connector.Topology{}
	for i := range 2 + r.IntN(3) {
		name := fmt.Sprintf("EX%02d", i+1)
		s := connector.Server{Name: name, Version: connector.MustParseVersion(versions[r.IntN(5)]), Site: []string{"A", "B"}[r.IntN(2)]}
		for range r.IntN(3) {
			s.Addresses = append(s.Addresses, gen.Addr(r.IntN(4) != 0, r.IntN(256)))
		}
		top.Servers = append(top.Servers, s)
		top.Connectors = append(top.Connectors, connectorOf(name, "Default", exchangeAuth, "0.0.0.0/0", "::/0"))
		for j := range r.IntN(5) {
			c := gen.Connector(r, connector.ID{Server: name, Name: fmt.Sprintf("C%d", j)}, false)
			if r.IntN(2) == 0 {
				c.Bindings = []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}
			}
			if r.IntN(4) == 0 {
				c.Missing = connector.Properties(1 << r.IntN(6))
			}
			for range r.IntN(3) {
				c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange(gen.Addr(true, r.IntN(256)).String()))
			}
			top.Connectors = append(top.Connectors, c)
		}
	}
	return top
}

// Whatever the organization: a fix makes the witness authenticate, breaks no flow that passed, can be written as commands,
// and changes only connectors that share a port with the connection; a safe one moves only the finding's addresses.
func TestFixesHoldInRandomOrganizations(t *testing.T) {
	fixes := 0
	for seed := range uint64(1500) {
		top := randomOrganization(gen.Rand(seed))
		passing := passingFlows(t, top)
		for _, f := range run(t, top) {
			addrs := connector.IPSet(f.Addrs...)
			for _, fix := range f.Fixes {
				fixes++
				after, err := top.Apply(fix.Changes...)
				require.NoError(t, err)
				y, err := connector.Compile(after)
				require.NoError(t, err)
				c := f.Witness.Explanation.Conn
				require.Equal(t, connector.Authenticated, y.Simulate(c, f.Witness.Peer).Authentication, "seed %d, %s", seed, f.Subject)
				now := passingFlows(t, after)
				for flow := range passing {
					require.True(t, now[flow], "seed %d: the fix of %s broke %s", seed, f.Subject, flow)
				}
				for _, change := range fix.Changes {
					_, err := ems.Commands(change, connector.MustParseVersion("2016"))
					require.NoError(t, err, "seed %d", seed)
					require.True(t, slices.ContainsFunc(change.Before.Bindings, func(b netip.AddrPort) bool { return b.Port() == c.Local.Port() }), "seed %d: %s", seed, change.Target)
				}
				for _, m := range fix.Moves {
					for _, r := range m.Addrs {
						require.True(t, !fix.Safe || addrs.ContainsRange(r.Span()), "seed %d: %s moves", seed, r)
					}
				}
			}
		}
	}
	assert.Greater(t, fixes, 300, "the organizations need fixes")
}

func passingFlows(t *testing.T, top *connector.Topology) map[string]bool {
	x, err := connector.Compile(top)
	require.NoError(t, err)
	passing := make(map[string]bool)
	for _, r := range audit.Flows(top, x) {
		if r.State == audit.FlowPasses {
			passing[r.Flow.String()] = true
		}
	}
	return passing
}

// A fix that would make another check report something as severe is not offered, unless that was reported before.
func TestNoFixThatMakesANewFinding(t *testing.T) {
	always := connector.MustParseRange("192.0.2.1")
	// watch reports the Default connector: with a fixed address if it is told, with the single ones it lists, and with
	// another certainty as soon as there is one.
	watch := func(severity audit.Severity, before bool, addrs bool, certainty audit.Certainty) *audit.Check {
		return &audit.Check{ID: "RC999", Severity: severity, Run: func(p *audit.Pass) error {
			c, _ := p.Topology.Connector(connector.ID{Server: "EX01", Name: "Default"})
			f := audit.Finding{Subject: c.ID, Certainty: certainty, Addrs: []connector.Range{always}}
			listed := false
			for _, r := range c.RemoteIPRanges {
				if listed = listed || r.IsSingle(); r.IsSingle() && addrs {
					f.Addrs = append(f.Addrs, r)
				}
			}
			if listed {
				f.Certainty = audit.Certain
			}
			if listed || before {
				p.Report(f)
			}
			return nil
		}}
	}
	top := fourHubs(connectorOf("EX01", "Relay", 0, "10.2.0.0/24"))
	for _, row := range []struct {
		why   string
		check *audit.Check
		fixes int
	}{
		{"as severe, and new", watch(audit.Error, false, false, audit.Certain), 0},
		{"less severe", watch(audit.Warning, false, false, audit.Certain), 1},
		{"as severe, and there before", watch(audit.Error, true, false, audit.Certain), 1},
		{"as severe, there before, and now about more addresses", watch(audit.Error, true, true, audit.Certain), 0},
		{"there before, and now more severe", watch(audit.Error, true, false, audit.PossiblyTrue), 0},
	} {
		for _, f := range run(t, top, audit.All()[0], row.check) {
			if f.Check == "RC001" {
				assert.Len(t, f.Fixes, row.fixes, row.why)
			}
		}
	}
}

// A flow that fails from one address and is not decided from another fails in part.
func TestPartlyUndecided(t *testing.T) {
	top := fourHubs(connectorOf("EX01", "Relay", 0, "10.2.0.1", "10.9.9.9"),
		lacking(connectorOf("EX01", "Dark", 0, "10.2.0.2"), connector.PropertyAuthMechanism))
	top.Servers[1].Addresses = append(top.Servers[1].Addresses, netip.MustParseAddr("10.2.0.2"))
	x, err := connector.Compile(top)
	require.NoError(t, err)
	for _, r := range audit.Flows(top, x) {
		if r.Flow.Purpose == connector.Mail && r.Flow.To == "EX01" {
			assert.Equal(t, audit.FlowPartly, r.State)
		}
	}
	assert.Equal(t, []string{`RC001 warning possible EX01\Relay: 10.2.0.1`, `RC001 note unknown EX01\Dark: 10.2.0.2`, `RC904 note certain EX01\Dark:`}, describe(run(t, top)))
}
