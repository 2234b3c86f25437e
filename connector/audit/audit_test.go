package audit_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

func stories(t testing.TB) map[string]*topotest.Fixture {
	files, err := filepath.Glob("../../testdata/topologies/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := make(map[string]*topotest.Fixture)
	for _, file := range append(files, "../../examples/rcaudit/founding_story.txtar") {
		f, err := topotest.Load(os.DirFS(filepath.Dir(file)), filepath.Base(file))
		require.NoError(t, err)
		all[strings.TrimSuffix(filepath.Base(file), ".txtar")] = f
	}
	return all
}

func run(t testing.TB, top *connector.Topology, checks ...*audit.Check) []audit.Finding {
	t.Helper()
	fs, err := audit.Run(context.Background(), top, checks...)
	require.NoError(t, err)
	return fs
}

// runAuth audits how servers authenticate, and what is missing to tell.
func runAuth(t testing.TB, top *connector.Topology) []audit.Finding {
	t.Helper()
	checks, err := audit.ParseChecks("RC001, RC009, RC9")
	require.NoError(t, err)
	return run(t, top, checks...)
}

func describe(fs []audit.Finding) (lines []string) {
	for _, f := range fs {
		s := fmt.Sprintf("%s %s %s %s:", f.Check, f.Severity, f.Certainty, f.Subject)
		for _, r := range f.Addrs {
			s += " " + r.String()
		}
		lines = append(lines, s)
	}
	return lines
}

// Every fix of every finding of every story, proved from outside: it applies, its finding is gone, nothing of equal or
// higher severity is new, a safe one moves nothing else, and its commands name the connectors it changes.
func TestFixesAreProved(t *testing.T) {
	proved := 0
	for name, story := range stories(t) {
		before := run(t, story.Topology)
		for _, f := range before {
			for _, fix := range f.Fixes {
				proved++
				after, err := story.Topology.Apply(fix.Changes...)
				require.NoError(t, err, name)
				later := run(t, after)
				addrs := connector.IPSet(f.Addrs...)
				for _, l := range later {
					if l.Check == f.Check && l.Subject.Equal(f.Subject) {
						assert.False(t, addrs.Overlaps(connector.IPSet(l.Addrs...)), "%s: %s is still there", name, f.Subject)
					}
					if l.Severity >= max(f.Severity, audit.Warning) {
						assert.Contains(t, keys(before), key(l), "%s: the fix made a new finding", name)
					}
				}
				moves, err := connector.WhatIf(story.Topology, fix.Changes...)
				require.NoError(t, err)
				assert.Equal(t, moves, fix.Moves, name)
				for _, m := range moves {
					if fix.Safe {
						for _, r := range m.Addrs {
							assert.True(t, addrs.ContainsRange(r.Span()), "%s: %s moves although the fix is safe", name, r)
						}
						assert.False(t, relaysAt(story.Topology, after, m), "%s: %s gives a right to relay", name, m)
					}
				}
				require.NoError(t, story.Topology.ValidateAll(fix.Changes...), "%s: the cmdlets refuse %s", name, fix)
				checkCommands(t, story.Topology, fix)
			}
			for _, r := range f.Rejected {
				assert.NotEmpty(t, r.Title)
				assert.NotEmpty(t, r.Why.String())
				assert.NotEmpty(t, r.Detail)
			}
		}
		provePlans(t, name, story.Topology, before)
	}
	assert.Greater(t, proved, 12, "the stories have fixes to prove")
}

// relaysAt tells whether somebody who moves can relay to foreign recipients afterwards and could not before: as an anonymous client at
// the witness of the move.
func relaysAt(before, after *connector.Topology, m connector.Move) bool {
	state := func(t *connector.Topology) connector.StepState {
		x, err := connector.Compile(t)
		if err != nil {
			return connector.StepUnknown
		}
		v := x.Simulate(connector.Conn{Server: m.Server, Local: m.Local, Remote: m.Witness}, connector.Peer{Kind: connector.PeerAnonymous})
		for _, s := range v.Session() {
			if s.Stage == connector.StageForeignRecipient {
				return s.State
			}
		}
		return connector.StepRefused
	}
	return state(after) == connector.StepDone && state(before) != connector.StepDone
}

// provePlans carries out the plans of a story: the cmdlets accept every step, what they solve is not found again, nothing as severe is
// new, and no flow that passed fails.
func provePlans(t *testing.T, name string, top *connector.Topology, before []audit.Finding) {
	passing := passingFlows(t, top)
	next := top
	for _, p := range plansOf(t, top) {
		require.NoError(t, next.ValidateAll(p.Changes()...), name)
		var err error
		next, err = next.Apply(p.Changes()...)
		require.NoError(t, err)
		for _, s := range p.Solved {
			for _, l := range run(t, next) {
				if l.Severity >= s.Severity {
					rest := connector.IPSet(l.Addrs...)
					whole := !slices.ContainsFunc(s.Addrs, func(r connector.Range) bool { return !rest.ContainsRange(r.Span()) })
					assert.False(t, key(l) == key(s) && len(s.Addrs) > 0 && whole, "%s: %s is there still", name, key(s))
				}
			}
		}
	}
	for _, l := range run(t, next) {
		if l.Severity > audit.Note {
			assert.Contains(t, keys(before), key(l), "%s: the plans made a new finding", name)
		}
	}
	now := passingFlows(t, next)
	for flow := range passing {
		assert.True(t, now[flow], "%s: the plans broke %s", name, flow)
	}
}

func key(f audit.Finding) string { return f.Check + " " + f.Subject.String() }

func keys(fs []audit.Finding) (ks []string) {
	for _, f := range fs {
		ks = append(ks, key(f))
	}
	return ks
}

// checkCommands asserts that there are commands for each change, removals before additions.
func checkCommands(t *testing.T, top *connector.Topology, fix audit.Fix) {
	added := false
	for _, c := range fix.Changes {
		s, _ := top.Server(c.Target.Server)
		commands, err := ems.Commands(c, s.Version)
		require.NoError(t, err)
		for _, line := range commands {
			name := c.Target.String()
			if c.Before == nil {
				name = c.Target.Name
			}
			assert.Contains(t, line, ems.Quote(name))
			assert.False(t, added && strings.Contains(line, "Remove="), "removals come first")
			added = added || strings.Contains(line, "Add=")
		}
	}
}

// Every check has a story in which it finds something, one in which it finds nothing, and a near miss that says so.
func TestEveryCheckHasItsStories(t *testing.T) {
	for _, c := range audit.All() {
		assert.Regexp(t, regexp.MustCompile(`^RC\d{3}$`), c.ID)
		assert.NotEmpty(t, c.Title)
		assert.Greater(t, len(c.Doc), 200, c.ID)
		positive, negative, near := false, false, false
		for _, story := range stories(t) {
			found := len(run(t, story.Topology, c)) > 0
			positive = positive || found
			negative = negative || !found
			near = near || !found && strings.Contains(story.Story, "near miss of ") && strings.Contains(story.Story, c.ID)
		}
		assert.True(t, positive, "%s: no story in which it finds something", c.ID)
		assert.True(t, negative, "%s: no story in which it finds nothing", c.ID)
		assert.True(t, near, "%s: no near miss", c.ID)
	}
}

func TestFoundingStory(t *testing.T) {
	top := stories(t)["founding_story"].Topology
	fs := run(t, top)
	assert.Equal(t, []string{
		`RC001 error certain EX01\Relay: 10.1.0.12 10.2.0.11 10.2.0.12`,
		`RC001 error certain EX02\Relay: 10.1.0.11 10.2.0.11 10.2.0.12`,
		`RC001 error certain EX03\Relay: 10.1.0.11 10.1.0.12 10.2.0.12`,
		`RC001 error certain EX04\Relay: 10.1.0.11 10.1.0.12 10.2.0.11`,
	}, describe(fs))
	failing := 0
	for _, f := range fs {
		require.NotEmpty(t, f.Fixes)
		assert.Equal(t, audit.FixAdd, f.Fixes[0].Kind, "the way the story was ended is the first")
		assert.True(t, f.Fixes[0].Safe)
		assert.Equal(t, f.Fixes[0].Title, f.Fixes[0].String())
		assert.Equal(t, connector.CauseWrongConnector, f.Witness.Cause)
		for _, flow := range f.Flows {
			failing++
			assert.Equal(t, connector.PublicFolderReplication, flow.Purpose)
			assert.Equal(t, connector.Required, flow.Need)
			assert.EqualValues(t, 25, flow.Port)
		}
		var err error
		top, err = top.Apply(f.Fixes[0].Changes...)
		require.NoError(t, err)
	}
	assert.Equal(t, 8, failing)
	for _, f := range run(t, top) {
		assert.Less(t, f.Severity, audit.Error, "no error is left")
	}
	x, err := connector.Compile(top)
	require.NoError(t, err)
	for _, r := range audit.Flows(top, x) {
		if r.State != audit.FlowOutside {
			assert.Equal(t, audit.FlowPasses, r.State, r)
		}
	}
}

func connectorOf(server, name string, auth connector.AuthMechanism, ranges ...string) connector.ReceiveConnector {
	c := connector.ReceiveConnector{ID: connector.ID{Server: server, Name: name}, AuthMechanism: auth,
		Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25"), connector.MustParseBinding("[::]:25")}}
	if auth.Has(connector.AuthExchangeServer) {
		c.PermissionGroups = connector.GroupExchangeServers
	}
	for _, r := range ranges {
		c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange(r))
	}
	return c
}

const exchangeAuth = connector.AuthTLS | connector.AuthExchangeServer

func hub(name, site string, addresses ...string) connector.Server {
	s := connector.Server{Name: name, Site: site, Version: connector.MustParseVersion("2010")}
	for _, a := range addresses {
		s.Addresses = append(s.Addresses, netip.MustParseAddr(a))
	}
	return s
}

// twoHubs are hubs of two sites; EX01 has the connectors, besides a Default that takes and authenticates everybody.
func twoHubs(connectors ...connector.ReceiveConnector) *connector.Topology {
	return &connector.Topology{
		Servers: []connector.Server{hub("EX01", "A", "10.1.0.1", "fd00:1::1"), hub("EX02", "B", "10.2.0.1", "fd00:2::1")},
		Connectors: append([]connector.ReceiveConnector{connectorOf("EX01", "Default", exchangeAuth, "0.0.0.0/0", "::/0"),
			connectorOf("EX02", "Default", exchangeAuth, "0.0.0.0/0", "::/0")}, connectors...),
	}
}

func TestCertainty(t *testing.T) {
	both := connectorOf("EX01", "Relay", 0, "10.2.0.1", "fd00:2::1", "10.9.9.9")
	four := connectorOf("EX01", "Relay", 0, "10.2.0.1", "10.9.9.9")
	tied := twoHubs(both, connectorOf("EX01", "Twin", 0, "10.2.0.1", "fd00:2::1"))
	inferred := twoHubs(both)
	inferred.Servers[1].Addresses = nil
	inferred.Connectors[1].Bindings = []netip.AddrPort{netip.MustParseAddrPort("10.2.0.1:25")}
	for _, row := range []struct {
		why  string
		top  *connector.Topology
		want []string
	}{
		{"all addresses fail", twoHubs(both), []string{`RC001 error certain EX01\Relay: 10.2.0.1 fd00:2::1`}},
		{"some addresses fail", twoHubs(four), []string{`RC001 warning possible EX01\Relay: 10.2.0.1`}},
		{"two connectors tie", tied, []string{`RC001 warning possible EX01\Relay: 10.2.0.1 fd00:2::1`}},
		{"the address is inferred from a binding", inferred, []string{`RC001 warning possible EX01\Relay: 10.2.0.1`, "RC902 note certain EX02:"}},
	} {
		t.Run(row.why, func(t *testing.T) { assert.Equal(t, row.want, describe(runAuth(t, row.top))) })
	}
}

// A target whose addresses nobody told is tried at each of its endpoints, a source at none.
func TestUnknownAddresses(t *testing.T) {
	top := twoHubs(connectorOf("EX01", "Relay", 0, "10.2.0.0/16"))
	top.Servers[0].Addresses = nil
	assert.Equal(t, []string{`RC001 warning possible EX01\Relay: 10.2.0.1`}, describe(run(t, top))[:1], "IPv6 fails nowhere, so the flow fails in part")
}

func TestUnknownSourceIsUnchecked(t *testing.T) {
	top := twoHubs(connectorOf("EX01", "Relay", 0, "10.2.0.1", "10.9.9.9"))
	top.Servers[1].Addresses = nil
	x, err := connector.Compile(top)
	require.NoError(t, err)
	states := make(map[string]audit.FlowState)
	for _, r := range audit.Flows(top, x) {
		states[r.Flow.String()] = r.State
	}
	assert.Equal(t, audit.FlowNoSource, states["EX02 -> EX01 port 25 Mail"])
	assert.Equal(t, audit.FlowPasses, states["EX01 -> EX02 port 25 Mail"])
	assert.Equal(t, []string{"RC902 note certain EX02:"}, describe(run(t, top)))
}

// What is missing is said once, with the cmdlet that tells it.
func TestMissing(t *testing.T) {
	relay := connectorOf("EX01", "Relay", 0, "10.9.9.9")
	relay.Missing = connector.PropertyRemoteIPRanges | connector.PropertyEnabled | connector.PropertyRights
	top := twoHubs(relay)
	top.Servers[0].Missing = connector.PropertySite | connector.PropertyDAG | connector.PropertyInternalTransportCertificate
	top.Servers[1] = connector.UnlistedServer("EX02")
	var got []string
	for _, f := range run(t, top) {
		if strings.HasPrefix(f.Check, "RC90") && f.Check != "RC001" {
			got = append(got, f.Check+" "+f.Subject.String()+": "+f.Message)
		}
	}
	assert.Equal(t, []string{
		`RC901 EX01\Relay: known in part: RemoteIPRanges; Export-Clixml keeps all entries, and so does Format-List after $FormatEnumerationLimit = -1`,
		`RC902 EX02: no address is known, so mail that it sends is not checked, or only from what its connectors are bound to; Get-NetIPAddress, Resolve-DnsName or -addr NAME=IP tells it`,
		`RC903 EX01\Relay: whether clients may relay without authenticating is not known; Get-ADPermission tells the rights beyond the groups`,
		`RC904 EX01: not known: DAG; Get-DatabaseAvailabilityGroup tells it`,
		`RC904 EX01: not known: InternalTransportCertificateThumbprint; Get-TransportService tells it`,
		`RC904 EX01: not known: Site; Get-ExchangeServer tells it`,
		`RC904 EX01\Relay: not known: Enabled; Get-ReceiveConnector | Export-Clixml tells it`,
		`RC905 EX02: version, site and roles are not known, so neither is which mail the server exchanges with others; Get-ExchangeServer tells them`,
	}, got)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range audit.All() {
		_, err := audit.Run(ctx, top, c)
		require.ErrorIs(t, err, context.Canceled, c.ID)
	}
}

// A server whose DowngradedExchangeAuth nobody told may get past SuppressXAnonymousTls.
func TestDowngradeUnknown(t *testing.T) {
	top := twoHubs()
	top.Connectors[0].SuppressXAnonymousTLS = true
	certain := describe(run(t, top, audit.All()[0]))
	require.Equal(t, []string{`RC001 error certain EX01\Default: 10.2.0.1 fd00:2::1`}, certain)
	top.Servers[1].Missing = connector.PropertyDowngradedExchangeAuth
	assert.Equal(t, []string{`RC001 warning possible EX01\Default: 10.2.0.1 fd00:2::1`}, describe(run(t, top, audit.All()[0])))
}

func TestSafe(t *testing.T) {
	custom := connectorOf("EX01", "Guarded", exchangeAuth, "10.2.0.0/24")
	custom.PermissionGroups |= connector.GroupCustom
	narrower := connectorOf("EX01", "Relay", 0, "10.2.0.0/25")
	for why, row := range map[string]struct {
		edit func(*connector.ReceiveConnector)
		safe bool
	}{
		"rights that nobody told": {func(c *connector.ReceiveConnector) {}, false},
		"anonymous clients may relay": {func(c *connector.ReceiveConnector) {
			c.PermissionGroups |= connector.GroupAnonymousUsers
			c.Rights = grant(`NT AUTHORITY\ANONYMOUS LOGON`, false)
		}, false},
		"without submitting nobody relays": {func(c *connector.ReceiveConnector) { c.Rights = grant(`NT AUTHORITY\ANONYMOUS LOGON`, false) }, true},
		"anonymous clients are denied":     {func(c *connector.ReceiveConnector) { c.Rights = grant(`NT AUTHORITY\ANONYMOUS LOGON`, true) }, true},
		"somebody else may":                {func(c *connector.ReceiveConnector) { c.Rights = grant(`CONTOSO\Joe`, false) }, true},
		"externally secured":               {func(c *connector.ReceiveConnector) { c.AuthMechanism |= connector.AuthExternalAuthoritative }, false},
		"no rights beyond the groups":      {func(c *connector.ReceiveConnector) { c.PermissionGroups &^= connector.GroupCustom }, true},
	} {
		guarded := custom.Clone()
		row.edit(&guarded)
		top := twoHubs(guarded, narrower)
		top.Servers[1].Addresses = top.Servers[1].Addresses[:1]
		fs := run(t, top)
		require.NotEmpty(t, fs, why)
		i := slices.IndexFunc(fs[0].Fixes, func(f audit.Fix) bool { return f.Kind == audit.FixAdd })
		require.GreaterOrEqual(t, i, 0, why)
		assert.Equal(t, row.safe, fs[0].Fixes[i].Safe, why)
		assert.Equal(t, row.safe, i == 0, "%s: what is safe comes first", why)
		if !row.safe {
			assert.Contains(t, fs[0].Fixes[i].String(), "not safe")
		}
	}
}

func grant(principal string, deny bool) []connector.Grant {
	return []connector.Grant{{Principal: principal, Right: "ms-Exch-SMTP-Accept-Any-Recipient", Deny: deny}}
}

// Where no candidate holds, none is offered.
func TestNoFixWithoutProof(t *testing.T) {
	// The exact binding would still beat the single address at the Default connector, and nothing may be taken from a
	// connector whose list is wider.
	exact := connectorOf("EX01", "Exact", 0, "10.2.0.1-10.2.0.1")
	exact.Bindings = []netip.AddrPort{netip.MustParseAddrPort("10.1.0.1:25")}
	other := twoHubs(exact)
	other.Servers[1].Addresses = other.Servers[1].Addresses[:1]
	fs := run(t, other)
	require.NotEmpty(t, fs)
	require.NotEmpty(t, fs[0].Fixes, "the only range is taken out by disabling the connector")
	assert.True(t, fs[0].Fixes[0].Changes[0].After.Disabled)

	// Behind it another relay waits: disabling the first alone would only move the fault, so it is removed, and the address
	// listed at the Default connector, or the second gives the address away as well.
	behind := connectorOf("EX01", "Behind", 0, "10.2.0.0/16")
	other.Connectors = append(other.Connectors, behind)
	fs = run(t, other)
	require.NotEmpty(t, fs)
	assert.Equal(t, "Exact", fs[0].Subject.Name)
	require.Len(t, fs[0].Fixes, 4)
	assert.Equal(t, []audit.FixKind{audit.FixMechanism, audit.FixAdd, audit.FixDedicated, audit.FixCarve}, kindsOf(fs[0].Fixes))
	assert.Nil(t, fs[0].Fixes[1].Changes[0].After)
	added, _ := fs[0].Fixes[1].Changes[1].Ranges()
	assert.Len(t, added, 1)

	// The only connector is externally secured: adding the mechanism would be refused.
	secured := connectorOf("EX01", "Secured", connector.AuthExternalAuthoritative, "0.0.0.0/0", "::/0")
	top := twoHubs()
	top.Connectors[0] = secured
	fs = run(t, top)
	require.NotEmpty(t, fs)
	assert.Equal(t, []audit.FixKind{audit.FixDedicated}, kindsOf(fs[0].Fixes))
	assert.Equal(t, []string{`mechanism refused by the cmdlet: EX01\Secured: beside ExternalAuthoritative only Tls is allowed, not Tls, ExchangeServer`}, rejectedLines(fs[0]))

	// Its FQDN is another name: the cmdlet refuses ExchangeServer then.
	named := connectorOf("EX01", "Named", connector.AuthTLS, "0.0.0.0/0", "::/0")
	named.FQDN = "mail.contoso.com"
	top.Connectors[0] = named
	fs = run(t, top)
	require.NotEmpty(t, fs)
	assert.Equal(t, []audit.FixKind{audit.FixDedicated}, kindsOf(fs[0].Fixes))
	require.Len(t, rejectedLines(fs[0]), 1)
	assert.Contains(t, rejectedLines(fs[0])[0], `mechanism refused by the cmdlet: EX01\Named: When the AuthMechanism parameter on a Receive connector is set to the value ExchangeServer`)
	for _, fqdn := range []string{"", "ex01", "EX01.contoso.com"} {
		top.Connectors[0].FQDN = fqdn
		fs = run(t, top)
		require.NotEmpty(t, fs)
		assert.Contains(t, kindsOf(fs[0].Fixes), audit.FixMechanism, fqdn)
	}

	// X-ANONYMOUSTLS is suppressed and nobody else offers it: undo that.
	suppressed := connectorOf("EX01", "Suppressed", exchangeAuth, "0.0.0.0/0", "::/0")
	suppressed.SuppressXAnonymousTLS = true
	top.Connectors[0] = suppressed
	fs = run(t, top)
	require.NotEmpty(t, fs)
	require.Len(t, fs[0].Fixes, 2)
	assert.Equal(t, "stop suppressing X-ANONYMOUSTLS", fs[0].Fixes[0].Title)
}

func kindsOf(fixes []audit.Fix) (kinds []audit.FixKind) {
	for _, f := range fixes {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func rejectedLines(f audit.Finding) (lines []string) {
	for _, r := range f.Rejected {
		lines = append(lines, fmt.Sprintf("%s %s: %s", r.Kind, r.Why, r.Detail))
	}
	return lines
}

// A fix that would push another server off its connector is not offered.
func TestNoFixThatMovesTheFault(t *testing.T) {
	top := twoHubs(connectorOf("EX01", "Relay", 0, "10.2.0.0/16"))
	top.Servers = append(top.Servers, hub("EX03", "C", "10.2.0.3"))
	top.Connectors = append(top.Connectors, connectorOf("EX03", "Default", exchangeAuth, "0.0.0.0/0", "::/0"))
	fs := run(t, top)
	require.Len(t, fs, 1)
	require.NotEmpty(t, fs[0].Fixes)
	added, _ := fs[0].Fixes[0].Changes[0].Ranges()
	assert.Len(t, added, 2, "one fix for all servers that the relay takes")
}

func TestPlannedNetworks(t *testing.T) {
	top := twoHubs(connectorOf("EX01", "Relay", 0, "10.9.0.0/16"))
	top.Networks = []connector.Network{{Name: "next year", Kind: connector.NetworkPlanned, Ranges: []connector.Range{connector.MustParseRange("10.9.0.0/17")}},
		{Name: "gateway", Kind: connector.NetworkGateway, Ranges: []connector.Range{connector.MustParseRange("10.9.128.1")}}}
	fs := runAuth(t, top)
	assert.Equal(t, []string{`RC009 warning certain EX01\Relay: 10.9.0.0/17`}, describe(fs))
	assert.Empty(t, fs[0].Fixes, "nobody lists 32,768 addresses one by one")
}

// RC009 stands alone where RC001 was not asked.
func TestChecksCanBeChosen(t *testing.T) {
	top := stories(t)["founding_story"].Topology
	latent, err := audit.ParseChecks("rc009")
	require.NoError(t, err)
	fs := run(t, top, latent...)
	require.Len(t, fs, 4)
	assert.Equal(t, "RC009", fs[0].Check)
	assert.Equal(t, audit.Warning, fs[0].Severity)
	assert.NotEmpty(t, fs[0].Flows)
	require.NotEmpty(t, fs[0].Fixes)
	assert.Equal(t, audit.FixAdd, fs[0].Fixes[0].Kind)
}

func TestRunErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := audit.Run(ctx, twoHubs())
	require.ErrorIs(t, err, context.Canceled)
	_, err = audit.Run(context.Background(), &connector.Topology{Servers: make([]connector.Server, 1)})
	require.ErrorIs(t, err, connector.ErrEmpty)
}

func TestFates(t *testing.T) {
	seen := make(map[string]bool)
	for _, story := range stories(t) {
		x, err := connector.Compile(story.Topology)
		require.NoError(t, err)
		for _, r := range audit.Flows(story.Topology, x) {
			assert.NotEmpty(t, r.State.String())
			seen[r.Fate()] = true
		}
	}
	for _, want := range []string{"fails", "passes", "not needed", "possible, would pass", "possible, would fail",
		"meets no receive connector of the configuration", "possible, would not authenticate; what that does is unknown",
		"unknown, because a property that decides it is missing"} {
		assert.True(t, seen[want], want)
	}
	top := twoHubs()
	top.Connectors[0].Bindings = []netip.AddrPort{connector.MustParseBinding("0.0.0.0:587")}
	top.Servers[1].Addresses = nil
	x, err := connector.Compile(top)
	require.NoError(t, err)
	var got []string
	for _, r := range audit.Flows(top, x) {
		if r.Flow.Purpose == connector.Mail {
			got = append(got, r.String())
		}
	}
	assert.Equal(t, []string{"EX01 -> EX02 port 25 Mail: passes",
		"EX02 -> EX01 port 25 Mail: not checked, because no address of the sender is known that could reach the target"}, got)
	top.Servers[1].Addresses = []netip.Addr{netip.MustParseAddr("10.2.0.1")}
	for _, r := range audit.Flows(top, x) {
		if r.Flow.Purpose == connector.Mail && r.Flow.To == "EX01" {
			assert.Equal(t, "not checked, because no connector that listens there is known", r.Fate())
		}
	}
	top.Connectors = top.Connectors[1:]
	x, err = connector.Compile(top)
	require.NoError(t, err)
	for _, r := range audit.Flows(top, x) {
		if r.Flow.Purpose == connector.Mail && r.Flow.To == "EX01" {
			assert.Equal(t, "not checked, because the target's connectors are not known", r.Fate())
		}
	}
}

func TestEnumerations(t *testing.T) {
	for s := audit.Note; s <= audit.Error; s++ {
		got, err := audit.ParseSeverity(s.String())
		require.NoError(t, err)
		assert.Equal(t, s, got)
	}
	_, err := audit.ParseSeverity("fatal")
	var pe *connector.ParseError
	require.ErrorAs(t, err, &pe)
	assert.Empty(t, audit.Severity(0).String())
	assert.Empty(t, audit.Certainty(0).String())
	assert.Empty(t, audit.FlowState(99).String())
	assert.Equal(t, "certain possible unknown", fmt.Sprint(audit.Certain, audit.PossiblyTrue, audit.CannotTell))
}

func ExampleRun() {
	all := connector.MustParseRange("0.0.0.0-255.255.255.255")
	port25 := []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}
	standard := func(server string) connector.ReceiveConnector {
		return connector.ReceiveConnector{ID: connector.ID{Server: server, Name: "Default " + server}, Bindings: port25,
			RemoteIPRanges: []connector.Range{all}, AuthMechanism: connector.AuthTLS | connector.AuthExchangeServer,
			PermissionGroups: connector.GroupExchangeServers}
	}
	t := &connector.Topology{
		Servers: []connector.Server{
			{Name: "EX10", Version: connector.MustParseVersion("2010"), Site: "A", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.10")}},
			{Name: "EX16", Version: connector.MustParseVersion("2016"), Site: "A", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.16")}},
		},
		Connectors: []connector.ReceiveConnector{standard("EX10"), standard("EX16"), {
			ID: connector.ID{Server: "EX10", Name: "Relay"}, Bindings: port25, PermissionGroups: connector.GroupAnonymousUsers,
			RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.0.0/24")},
		}},
	}
	checks, _ := audit.ParseChecks("RC001") // all of them without
	findings, err := audit.Run(context.Background(), t, checks...)
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range findings {
		fmt.Println(f.Check, f.Severity, f.Subject)
		fmt.Println(f.Message)
		for _, flow := range f.Flows {
			fmt.Println(flow)
		}
		for _, fix := range f.Fixes {
			fmt.Println(fix.Kind, fix.Safe, fix.Changes)
		}
		for _, r := range f.Rejected {
			fmt.Println("no:", r)
		}
	}
	// Output:
	// RC001 error EX10\Relay
	// takes mail from EX16 without Exchange Server authentication; EX10\Default EX10 offers it
	// EX16 -> EX10 port 25 Mail
	// add true [EX10\Default EX10: RemoteIPRanges +10.0.0.16]
	// dedicated true [EX10\Exchange servers to EX10: created; Bindings +0.0.0.0:25; RemoteIPRanges +10.0.0.16; AuthMechanism None -> Tls, ExchangeServer; PermissionGroups None -> ExchangeServers]
	// carve true [EX10\Relay: RemoteIPRanges +10.0.0.0/28 +10.0.0.17-10.0.0.255 -10.0.0.0/24]
	// mechanism true [EX10\Relay: AuthMechanism None -> Tls, ExchangeServer; PermissionGroups AnonymousUsers -> AnonymousUsers, ExchangeServers]
}

func ExampleFlows() {
	t := &connector.Topology{Servers: []connector.Server{{Name: "EX10", Version: connector.MustParseVersion("2010")}}}
	x, err := connector.Compile(t)
	if err != nil {
		fmt.Println(err)
	}
	for _, r := range audit.Flows(t, x) {
		fmt.Println(r)
	}
	// Output:
	// EX10 -> EX10 RPC Submission: meets no receive connector of the configuration
	// EX10 -> EX10 RPC Delivery: meets no receive connector of the configuration
}

func ExampleAll() {
	families := make(map[string]int)
	for _, c := range audit.All() {
		families[c.ID[:3]]++
		if c.ID == "RC001" {
			fmt.Println(c.ID, c.Severity, c.Title)
		}
	}
	fmt.Println(families["RC0"] > 0, families["RC1"] > 0, families["RC2"] > 0, families["RC3"] > 0, families["RC9"] > 0)
	// Output:
	// RC001 error server-to-server mail lands on a connector without Exchange Server authentication
	// true true true true true
}

func ExampleParseChecks() {
	checks, err := audit.ParseChecks("RC001, rc20")
	for _, c := range checks {
		fmt.Println(c.ID, c.Title)
	}
	fmt.Println(err)
	_, err = audit.ParseChecks("RC001, RC77")
	fmt.Println(err)
	// Output:
	// RC001 server-to-server mail lands on a connector without Exchange Server authentication
	// RC201 unauthenticated relay for a large or public address set
	// RC202 externally secured connector reaches beyond named hosts
	// RC203 Basic authentication in clear
	// RC204 anonymous submission on an internal connector
	// RC205 a gateway or balancer address hides many clients behind one source
	// RC206 addresses of one network reach different connectors
	// <nil>
	// check "RC001, RC77": byte 7: not a known value
}

// An Edge server as installed: what the controls would do if they were met to the letter.
func ExampleHardening() {
	t := &connector.Topology{Servers: []connector.Server{
		{Name: "EX01", Site: "A", Version: connector.MustParseVersion("2019"), Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
		{Name: "EDGE", Site: "A", Version: connector.MustParseVersion("2019"), Roles: connector.RoleEdge, Addresses: []netip.Addr{netip.MustParseAddr("172.16.0.5")}},
	}}
	for _, s := range t.Servers {
		t.Connectors = append(t.Connectors, connector.DefaultConnectors(s)...)
	}
	results, err := audit.Hardening(context.Background(), t)
	if err != nil {
		fmt.Println(err)
	}
	for _, r := range results {
		if len(r.Breaks) > 0 {
			fmt.Println(r.Control.ID, r.Control.Frameworks[0], r.State)
			fmt.Println(" ", r.Change)
			fmt.Println("  would break", r.Breaks[0])
		}
	}
	// Output:
	// RC303 DISA STIG V-259595 (Exchange 2019 Edge) met
	//   EDGE\Default internal receive connector EDGE: AuthMechanism Tls, ExchangeServer -> Tls, BasicAuth, BasicAuthRequireTLS
	//   would break EX01 -> EDGE port 25 EdgeOutbound
	// RC304 EDCA TLS-039 not met
	//   EDGE\Default internal receive connector EDGE: AuthMechanism Tls, ExchangeServer -> Tls; RequireTLS False -> True
	//   would break EX01 -> EDGE port 25 EdgeOutbound
}

func ExampleControls() {
	for _, c := range audit.Controls() {
		fmt.Println(c.ID, c.Title)
	}
	// Output:
	// RC301 no anonymous submission on internal connectors
	// RC302 internal connectors require TLS
	// RC303 TLS before Basic authentication
	// RC304 TLS on internal connectors of an Edge Transport server
	// RC305 domain security on an Edge Transport server
	// RC306 limited message size
	// RC307 limited hop count
}
