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

// fixOf renders the fix of a kind, and tells which kind comes first.
func fixOf(t *testing.T, top *connector.Topology, kind audit.FixKind) (line string, first audit.FixKind) {
	fs := runAuth(t, top)
	require.NotEmpty(t, fs)
	require.Equal(t, "RC001", fs[0].Check)
	i := slices.IndexFunc(fs[0].Fixes, func(f audit.Fix) bool { return f.Kind == kind })
	require.GreaterOrEqual(t, i, 0, "%s is not among %v, rejected %v", kind, fs[0].Fixes, fs[0].Rejected)
	return fixLines(t, fs[0])[i], fs[0].Fixes[0].Kind
}

// What a fix must leave alone, and what it must do about connectors in the way.
func TestFixCandidates(t *testing.T) {
	relay := connectorOf("EX01", "Relay", 0, "10.2.0.0/24")
	lone := connectorOf("EX01", "Lone", 0, "10.2.0.1")
	const add = "safe: Set-ReceiveConnector -Identity 'EX01\\Default' -RemoteIPRanges @{Add='10.2.0.1'}"
	const alsoAdd = "; Set-ReceiveConnector -Identity 'EX01\\Default' -RemoteIPRanges @{Add='10.2.0.1'}"
	for _, row := range []struct {
		why        string
		connectors []connector.ReceiveConnector
		first      audit.FixKind
		kind       audit.FixKind
		want       string // the fix of that kind
	}{
		{"a connector on another port lists the address", []connector.ReceiveConnector{relay,
			bound(connectorOf("EX01", "Hub", exchangeAuth, "10.2.0.1", "10.9.9.9"), "0.0.0.0:2525")}, audit.FixAdd, audit.FixAdd, add},
		{"a connector on another port lists nothing else", []connector.ReceiveConnector{relay,
			bound(connectorOf("EX01", "Hub", exchangeAuth, "10.2.0.1"), "0.0.0.0:2525")}, audit.FixAdd, audit.FixAdd, add},
		{"another connector takes the address on a client port", []connector.ReceiveConnector{relay,
			bound(connectorOf("EX01", "Client", 0, "10.2.0.0/24"), "0.0.0.0:587")}, audit.FixAdd, audit.FixAdd, add},
		{"the relay's list is incomplete, so it may hold the address in another entry", []connector.ReceiveConnector{lacking(lone, connector.PropertyRemoteIPRanges)}, audit.FixMechanism, audit.FixCarve,
			"unsafe: Set-ReceiveConnector -Identity 'EX01\\Lone' -RemoteIPRanges @{Remove='10.2.0.1'}"},
		{"and nobody knows whom it serves through a binding", []connector.ReceiveConnector{lacking(lone, connector.PropertyRemoteIPRanges)}, audit.FixMechanism, audit.FixBinding,
			"unsafe: Set-ReceiveConnector -Identity 'EX01\\Lone' -Bindings '[::]:25'"},
		{"the relay lists nothing else", []connector.ReceiveConnector{lone}, audit.FixCarve, audit.FixCarve,
			"safe: Set-ReceiveConnector -Identity 'EX01\\Lone' -Enabled $false"},
		{"the relay lists others as well", []connector.ReceiveConnector{connectorOf("EX01", "Two", 0, "10.2.0.1", "10.9.9.9")}, audit.FixCarve, audit.FixCarve,
			"safe: Set-ReceiveConnector -Identity 'EX01\\Two' -RemoteIPRanges @{Remove='10.2.0.1'}"},
		{"the relay lists it twice", []connector.ReceiveConnector{connectorOf("EX01", "Two", 0, "10.2.0.1", "10.2.0.0/31", "10.9.9.9")}, audit.FixAdd, audit.FixCarve,
			"safe: Set-ReceiveConnector -Identity 'EX01\\Two' -RemoteIPRanges @{Add='10.2.0.0'; Remove='10.2.0.1','10.2.0.0/31'}"},
		{"behind it another relay waits, so it goes and the address is listed", []connector.ReceiveConnector{lone, relay}, audit.FixMechanism, audit.FixAdd,
			"safe: Remove-ReceiveConnector -Identity 'EX01\\Lone' -Confirm:$false" + alsoAdd},
		{"behind it another relay waits, so both give the address away", []connector.ReceiveConnector{lone, relay}, audit.FixMechanism, audit.FixCarve,
			"safe: Set-ReceiveConnector -Identity 'EX01\\Lone' -Enabled $false; Set-ReceiveConnector -Identity 'EX01\\Relay' -RemoteIPRanges @{Add='10.2.0.0','10.2.0.2-10.2.0.255'; Remove='10.2.0.0/24'}"},
		{"a disabled connector lists the very address", []connector.ReceiveConnector{relay, disabled(connectorOf("EX01", "Old", 0, "10.2.0.1"))}, audit.FixAdd, audit.FixAdd,
			"safe: Remove-ReceiveConnector -Identity 'EX01\\Old' -Confirm:$false" + alsoAdd},
		{"a disabled connector lists it among others", []connector.ReceiveConnector{relay, disabled(connectorOf("EX01", "Old", 0, "10.2.0.1", "10.9.9.9"))}, audit.FixAdd, audit.FixAdd,
			"safe: Set-ReceiveConnector -Identity 'EX01\\Old' -RemoteIPRanges @{Remove='10.2.0.1'}" + alsoAdd},
		{"an exact binding would win the tie", []connector.ReceiveConnector{bound(connectorOf("EX01", "Exact", 0, "10.2.0.1", "10.9.9.9"), "10.1.0.1:25")}, audit.FixCarve, audit.FixAdd,
			"safe: Set-ReceiveConnector -Identity 'EX01\\Exact' -RemoteIPRanges @{Remove='10.2.0.1'}" + alsoAdd},
		{"a connector of their own, at the binding they come through", []connector.ReceiveConnector{bound(connectorOf("EX01", "Exact", 0, "10.2.0.0/24"), "10.1.0.1:25")}, audit.FixAdd, audit.FixDedicated,
			"safe: New-ReceiveConnector -Name 'Exchange servers to EX01' -Server 'EX01' -Usage Custom -Bindings '10.1.0.1:25' -RemoteIPRanges '10.2.0.1' -AuthMechanism 'Tls, ExchangeServer' -PermissionGroups 'ExchangeServers'"},
		{"the mechanism and the group", []connector.ReceiveConnector{relay}, audit.FixAdd, audit.FixMechanism,
			"safe: Set-ReceiveConnector -Identity 'EX01\\Relay' -AuthMechanism 'Tls, ExchangeServer' -PermissionGroups 'ExchangeServers'"},
		{"the binding, at the price of all who come through it", []connector.ReceiveConnector{relay}, audit.FixAdd, audit.FixBinding,
			"unsafe: Set-ReceiveConnector -Identity 'EX01\\Relay' -Bindings '[::]:25'"},
	} {
		t.Run(row.why, func(t *testing.T) {
			line, first := fixOf(t, fourHubs(row.connectors...), row.kind)
			assert.Equal(t, row.want, line)
			assert.Equal(t, row.first.String(), first.String(), "the best kind")
		})
	}

	// The target listens on a second port, where the address would move as well: not safe, so a connector of their own is better.
	top := fourHubs(relay, bound(connectorOf("EX01", "Client", 0, "10.2.0.0/24"), "0.0.0.0:587"))
	top.Connectors[0] = bound(top.Connectors[0], "0.0.0.0:25", "0.0.0.0:587")
	line, first := fixOf(t, top, audit.FixAdd)
	assert.Equal(t, "un"+add, line)
	assert.Equal(t, audit.FixDedicated, first)

	// The Default connector lists the address already, and ties with the exact binding: only the removal is left to do, and it is told
	// once.
	top = fourHubs(bound(connectorOf("EX01", "Exact", 0, "10.2.0.1", "10.9.9.9"), "10.1.0.1:25"))
	top.Connectors[0].RemoteIPRanges = append(top.Connectors[0].RemoteIPRanges, connector.MustParseRange("10.2.0.1"))
	fs := run(t, top)
	require.NotEmpty(t, fs)
	lines := fixLines(t, fs[0])
	assert.Equal(t, "safe: Set-ReceiveConnector -Identity 'EX01\\Exact' -RemoteIPRanges @{Remove='10.2.0.1'}", lines[0])
	assert.NotContains(t, lines[1:], lines[0])
}

// A connector of the Transport service has taken port 25 of Front End Transport: give it to that service, and its range is one among
// others. Whatever else is set on the connector beside it, the cmdlet refuses.
func TestFixOfRole(t *testing.T) {
	top := &connector.Topology{}
	for i, name := range []string{"EX01", "EX02"} {
		s := connector.Server{Name: name, FQDN: strings.ToLower(name) + ".contoso.com", Site: "A", Version: connector.MustParseVersion([]string{"2016", "2010"}[i]), Addresses: []netip.Addr{netip.MustParseAddr([]string{"10.1.0.1", "10.2.0.1"}[i])}}
		top.Servers = append(top.Servers, s)
		top.Connectors = append(top.Connectors, connector.DefaultConnectors(s)...)
	}
	app := connectorOf("EX01", "App", 0, "10.9.0.0/24")
	app.TransportRole = connector.HubTransport
	top.Connectors = append(top.Connectors, app)
	line, first := fixOf(t, top, audit.FixRole)
	assert.Equal(t, "unsafe: Set-ReceiveConnector -Identity 'EX01\\App' -TransportRole FrontendTransport", line, "everybody who was refused is served again")
	assert.Equal(t, audit.FixRole, first)
	f := runAuth(t, top)[0]
	require.Len(t, f.Rejected, 1)
	assert.Equal(t, audit.FixDedicated, f.Rejected[0].Kind)
	assert.Equal(t, audit.RejectedByCmdlet, f.Rejected[0].Why)
	assert.Contains(t, f.Rejected[0].String(), `conflict with the settings on Receive connector "EX01\Default Frontend EX01"`)

	// Two of them: the cmdlet refuses the first, because the second is there.
	second := connectorOf("EX01", "App 2", 0, "10.9.1.0/24")
	second.TransportRole = connector.HubTransport
	top.Connectors = append(top.Connectors, second)
	f = runAuth(t, top)[0]
	assert.Empty(t, f.Fixes)
	assert.Equal(t, []audit.Rejection{audit.RejectedByCmdlet, audit.RejectedByCmdlet}, []audit.Rejection{f.Rejected[0].Why, f.Rejected[1].Why})
}

// Nobody listens for the server's second address: the connector that could is bound there as well.
func TestFixOfBinding(t *testing.T) {
	relay := connectorOf("EX01", "Relay", 0, "0.0.0.0/0")
	top := fourHubs(bound(relay, "0.0.0.0:25"))
	top.Connectors[0] = bound(top.Connectors[0], "10.1.0.9:25")
	line, first := fixOf(t, top, audit.FixBinding)
	assert.Equal(t, "unsafe: Set-ReceiveConnector -Identity 'EX01\\Default' -Bindings '10.1.0.9:25','10.1.0.1:25'", line)
	assert.NotEqual(t, audit.FixBinding, first)
}

// What is not known is not overwritten.
func TestNoFixOverUnknownProperties(t *testing.T) {
	for _, p := range []connector.Properties{connector.PropertyPermissionGroups, connector.PropertyFQDN} {
		top := fourHubs()
		top.Connectors[0] = lacking(connectorOf("EX01", "Default", connector.AuthTLS, "0.0.0.0/0"), p)
		fs := run(t, top)
		require.NotEmpty(t, fs)
		assert.Equal(t, []audit.FixKind{audit.FixDedicated}, kindsOf(fs[0].Fixes), p)
		assert.Equal(t, []string{fmt.Sprintf(`mechanism unknown: EX01\Default: %s`, p)}, rejectedLines(fs[0]))
	}
}

// A relay that takes a required sender and a planned server: one finding, one fix for both.
func TestPlannedServersJoinTheFinding(t *testing.T) {
	top := fourHubs(connectorOf("EX01", "Relay", 0, "10.0.0.0/8"))
	top.Networks = []connector.Network{{Name: "next", Kind: connector.NetworkPlanned, Ranges: []connector.Range{connector.MustParseRange("10.3.0.5")}}}
	fs := run(t, top)
	assert.Equal(t, []string{`RC001 error certain EX01\Relay: 10.2.0.1 10.3.0.5`}, describe(fs))
	assert.Equal(t, "safe: Set-ReceiveConnector -Identity 'EX01\\Default' -RemoteIPRanges @{Add='10.2.0.1','10.3.0.5'}", fixLines(t, fs[0])[0])

	// Too many to be listed one by one: they stay a finding of their own.
	top.Networks[0].Ranges[0] = connector.MustParseRange("10.3.0.0/16")
	fs = run(t, top)
	assert.Equal(t, []string{`RC001 error certain EX01\Relay: 10.2.0.1`, `RC009 warning certain EX01\Relay: 10.2.0.1 10.3.0.0/16`}, describe(fs))
	assert.NotEmpty(t, fs[0].Fixes)
	assert.Empty(t, fs[1].Fixes)
}

// Addresses at which nothing listens are no way out.
func TestUnboundFamilyIsNoAlternative(t *testing.T) {
	top := twoHubs(bound(connectorOf("EX01", "Relay", 0, "10.2.0.0/24"), "0.0.0.0:25"))
	top.Connectors[0] = bound(top.Connectors[0], "0.0.0.0:25")
	assert.Equal(t, []string{`RC001 error certain EX01\Relay: 10.2.0.1`}, describe(runAuth(t, top)))
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
	assert.Empty(t, runAuth(t, top))
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
		for _, f := range runAuth(t, top) {
			addrs := connector.IPSet(f.Addrs...)
			for _, fix := range f.Fixes {
				fixes++
				after, err := top.Apply(fix.Changes...)
				require.NoError(t, err)
				y, err := connector.Compile(after)
				require.NoError(t, err)
				c := f.Witness.Explanation.Conn
				require.Equal(t, connector.Authenticated, y.Simulate(c, f.Witness.Peer).Authentication, "seed %d, %s", seed, f.Subject)
				require.NoError(t, top.ValidateAll(fix.Changes...), "seed %d, %s: %s", seed, f.Subject, fix)
				now := passingFlows(t, after)
				for flow := range passing {
					require.True(t, now[flow], "seed %d: the fix of %s broke %s", seed, f.Subject, flow)
				}
				for _, change := range fix.Changes {
					s, _ := top.Server(change.Target.Server)
					_, err := ems.Commands(change, s.Version)
					require.NoError(t, err, "seed %d", seed)
					of := change.Before
					if of == nil {
						of = change.After
					}
					require.True(t, slices.ContainsFunc(of.Bindings, func(b netip.AddrPort) bool { return b.Port() == c.Local.Port() }), "seed %d: %s", seed, change.Target)
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
		// A binding that goes may take an address with it that nothing else tells; the server has it still.
		if r.State == audit.FlowPasses || r.State == audit.FlowNoSource {
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
		added bool
	}{
		{"as severe, and new", watch(audit.Error, false, false, audit.Certain), false},
		{"less severe", watch(audit.Warning, false, false, audit.Certain), true},
		{"as severe, and there before", watch(audit.Error, true, false, audit.Certain), true},
		{"as severe, there before, and now about more addresses", watch(audit.Error, true, true, audit.Certain), false},
		{"there before, and now more severe", watch(audit.Error, true, false, audit.PossiblyTrue), false},
	} {
		for _, f := range run(t, top, audit.All()[0], row.check) {
			if f.Check == "RC001" {
				assert.Equal(t, row.added, slices.Contains(kindsOf(f.Fixes), audit.FixAdd), row.why)
				if !row.added {
					require.Len(t, f.Rejected, 1, row.why)
					assert.Equal(t, audit.RejectedNewFinding, f.Rejected[0].Why)
					assert.Contains(t, f.Rejected[0].Detail, "RC999 EX01\\Default")
				}
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
