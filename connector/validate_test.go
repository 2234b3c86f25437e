package connector_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// refusals takes an error of Validate apart.
func refusals(t testing.TB, err error) (rs []*connector.Refusal) {
	t.Helper()
	rs = connector.Refusals(err)
	require.Equal(t, err == nil, len(rs) == 0, "%v", err)
	for _, r := range rs {
		assert.NotEmpty(t, r.Text)
		assert.NotEmpty(t, r.Basis().Rule)
		assert.Equal(t, r.Basis().Mark == connector.Product, r.Basis().Source == "")
	}
	return rs
}

func rules(t testing.TB, err error) (all []connector.RefusalRule) {
	for _, r := range refusals(t, err) {
		all = append(all, r.Rule)
	}
	return all
}

// mailbox is a server of 2016 with its default connectors and others.
func mailbox(others ...connector.ReceiveConnector) *connector.Topology {
	s := connector.Server{Name: "EX01", FQDN: "ex01.contoso.com", Version: connector.MustParseVersion("2016")}
	return &connector.Topology{Servers: []connector.Server{s}, Connectors: append(connector.DefaultConnectors(s), others...)}
}

// custom makes a connector of Front End Transport as New-ReceiveConnector does with a usage type.
func custom(t testing.TB, u connector.Usage, name, binding string, remote ...string) connector.ReceiveConnector {
	var bindings []netip.AddrPort
	if binding != "" {
		bindings = append(bindings, connector.MustParseBinding(binding))
	}
	c, err := connector.NewConnector(u, connector.ID{Server: "EX01", Name: name}, bindings, ranges(remote...))
	require.NoError(t, err)
	c.TransportRole = connector.FrontendTransport
	return c
}

// What the documents and public traces show of the cmdlets.
func TestValidateAsDocumented(t *testing.T) {
	hub := custom(t, connector.UsageCustom, "Hub", "0.0.0.0:25", "10.0.0.0/24")
	hub.TransportRole = connector.HubTransport
	hubHere := mailbox(hub)
	external := custom(t, connector.UsageCustom, "DSC", "0.0.0.0:25", "192.16.7.99")
	external.AuthMechanism, external.PermissionGroups, external.FQDN = connector.AuthTLS|connector.AuthExternalAuthoritative, connector.GroupAnonymousUsers|connector.GroupExchangeServers, "ex01.pester.com"
	three := []connector.ReceiveConnector{custom(t, connector.UsageCustom, "All", "0.0.0.0:26", "0.0.0.0"), custom(t, connector.UsageCustom, "Net", "0.0.0.0:26", "192.168.1.1/24"), custom(t, connector.UsageCustom, "Host", "0.0.0.0:26", "192.168.1.10")}
	edge := &connector.Topology{Servers: []connector.Server{{Name: "EX01", Version: connector.MustParseVersion("2016"), Roles: connector.RoleEdge}}}
	edge.Connectors = connector.DefaultConnectors(edge.Servers[0])
	internal := custom(t, connector.UsageInternal, "Inbound From Organization", "", "10.1.2.10", "10.1.2.15", "10.1.2.20")
	internal.TransportRole, internal.PermissionGroups = connector.HubTransport, connector.GroupExchangeServers
	many := custom(t, connector.UsageCustom, "Many", "0.0.0.0:25", "10.8.0.1")
	for i := range connector.MaxRemoteIPRanges - 2 {
		many.RemoteIPRanges = append(many.RemoteIPRanges, connector.MustParseRange(fmt.Sprintf("10.9.%d.%d", i/250, 1+i%250)))
	}
	full := mailbox(many)

	for _, row := range []struct {
		why    string
		source string
		in     *connector.Topology
		change connector.Change
		want   []connector.RefusalRule
		text   string // of the first
	}{
		{"a connector of the Transport service on the port of Front End Transport", "Q&A, practical365", mailbox(), connector.Create(hub), []connector.RefusalRule{connector.RuleRoleConflict},
			`The values that you specified for the Bindings and RemoteIPRanges parameters conflict with the settings on Receive connector "EX01\Default Frontend EX01". Receive connectors assigned to different Transport roles on a single server must listen on unique local IP address & port bindings.`},
		{"such a connector is there already, and setup sets MaxLocalHopCount", "practical365", hubHere,
			connector.Edit(hubHere.Connectors[0], func(c *connector.ReceiveConnector) { c.MaxLocalHopCount = connector.LimitOf(8) }), []connector.RefusalRule{connector.RuleRoleConflict},
			`The values that you specified for the Bindings and RemoteIPRanges parameters conflict with the settings on Receive connector "EX01\Hub". Receive connectors assigned to different Transport roles on a single server must listen on unique local IP address & port bindings.`},
		{"its role is set right", "KB2958036", hubHere, connector.Edit(hub, func(c *connector.ReceiveConnector) { c.TransportRole = connector.FrontendTransport }), nil, ""},
		{"a partner's network beside everybody", "custom receive connectors", mailbox(), connector.Create(custom(t, connector.UsagePartner, "Fabrikam.com TLS", "0.0.0.0:25", "17.17.17.1/24")), nil, ""},
		{"one host beside everybody", "custom receive connectors", mailbox(), connector.Create(custom(t, connector.UsageCustom, "Inbound From Service", "0.0.0.0:25", "192.168.10.5")), nil, ""},
		{"the organization's servers on Edge Transport", "custom receive connectors", edge, connector.Create(internal), nil, ""},
		{"a second connector for everybody on the same binding", "custom receive connectors", mailbox(), connector.Create(custom(t, connector.UsageInternet, "Internet", "0.0.0.0:25")), []connector.RefusalRule{connector.RuleRangeConflict},
			`range 0.0.0.0-255.255.255.255 and range 0.0.0.0-255.255.255.255 of EX01\Default Frontend EX01 are equal at 0.0.0.0:25`},
		{"a second one for everybody on one address, the first on all", "custom receive connectors", mailbox(), connector.Create(custom(t, connector.UsageInternet, "Internet", "10.10.1.1:25")), nil, ""},
		{"an externally secured connector with two groups and a name of its own", "a live test of a configuration module", mailbox(), connector.Create(external), nil, ""},
		{"everybody written as one address, a network, a host", "New-ReceiveConnector", &connector.Topology{Connectors: three[:2]}, connector.Create(three[2]), nil, ""},
		{"a foreign name beside ExchangeServer", "Exchange 2007 help", mailbox(), connector.Edit(mailbox().Connectors[0], func(c *connector.ReceiveConnector) { c.FQDN = "mail.contoso.com" }), []connector.RefusalRule{connector.RuleFQDN},
			`When the AuthMechanism parameter on a Receive connector is set to the value ExchangeServer, you must set the FQDN parameter on the Receive connector to one of the following values: the FQDN of the transport server "ex01.contoso.com", the NetBios name of the transport server "EX01", or $null.`},
		{"1,300 remote ranges", "granikos.eu", full, connector.AddRanges(many, ranges("10.10.0.1")...), []connector.RefusalRule{connector.RuleTooManyRanges}, `The administrative limit for this request was exceeded.`},
		{"one range less", "granikos.eu", full, connector.Edit(many, func(c *connector.ReceiveConnector) { c.RemoteIPRanges = c.RemoteIPRanges[1:] }), nil, ""},
	} {
		t.Run(row.why, func(t *testing.T) {
			err := row.in.Validate(row.change)
			require.Equal(t, row.want, rules(t, err), "%s: %v", row.source, err)
			if row.want != nil {
				assert.Equal(t, row.text, refusals(t, err)[0].Text)
				assert.Equal(t, row.want[0] != connector.RuleRangeConflict, refusals(t, err)[0].Quoted())
			}
		})
	}
	_, err := connector.ParseAuthMechanism("None, Tls")
	require.ErrorIs(t, err, connector.ErrNoneNotAlone, "None stands alone, so no change can hold it")
}

// Each rule about the connector itself: what violates it, and what just does not.
func TestValidateParameters(t *testing.T) {
	const tls, basic, basicTLS, external, exchange = connector.AuthTLS, connector.AuthBasic, connector.AuthBasicRequireTLS, connector.AuthExternalAuthoritative, connector.AuthExchangeServer
	base := custom(t, connector.UsageCustom, "C", "0.0.0.0:25", "10.0.0.1")
	s := connector.Server{Name: "EX01", FQDN: "ex01.contoso.com", Version: connector.MustParseVersion("2016")}
	edit := func(f func(c *connector.ReceiveConnector)) func(*connector.ReceiveConnector) { return f }
	auth := func(m connector.AuthMechanism, g connector.PermissionGroups) func(*connector.ReceiveConnector) {
		return func(c *connector.ReceiveConnector) { c.AuthMechanism, c.PermissionGroups = m, g }
	}
	for _, row := range []struct {
		why  string
		edit func(*connector.ReceiveConnector)
		want connector.RefusalRule
	}{
		{"a name of 65 characters", edit(func(c *connector.ReceiveConnector) { c.ID.Name = strings.Repeat("ü", 65) }), connector.RuleName},
		{"a name of 64 characters", edit(func(c *connector.ReceiveConnector) { c.ID.Name = strings.Repeat("ü", 64) }), 0},
		{"BasicAuthRequireTLS alone", auth(basicTLS, 0), connector.RuleBasicAuthRequireTLS},
		{"BasicAuthRequireTLS without Tls", auth(basicTLS|basic, 0), connector.RuleBasicAuthRequireTLS},
		{"BasicAuthRequireTLS without BasicAuth", auth(basicTLS|tls, 0), connector.RuleBasicAuthRequireTLS},
		{"BasicAuthRequireTLS with both", auth(basicTLS|basic|tls, 0), 0},
		{"ExternalAuthoritative with Integrated", auth(external|connector.AuthIntegrated, connector.GroupExchangeServers), connector.RuleExternalAuthoritative},
		{"ExternalAuthoritative with ExchangeServer", auth(external|exchange, connector.GroupExchangeServers), connector.RuleExternalAuthoritative},
		{"ExternalAuthoritative without the group", auth(external, connector.GroupAnonymousUsers), connector.RuleExternalAuthoritativeGroup},
		{"ExternalAuthoritative with the group", auth(external|tls, connector.GroupExchangeServers), 0},
		{"RequireTLS without Tls", edit(func(c *connector.ReceiveConnector) { c.AuthMechanism, c.RequireTLS = 0, true }), connector.RuleRequireTLS},
		{"RequireTLS with Tls", edit(func(c *connector.ReceiveConnector) { c.RequireTLS = true }), 0},
		{"a foreign FQDN beside ExchangeServer", edit(func(c *connector.ReceiveConnector) { c.AuthMechanism, c.FQDN = exchange, "mail.contoso.com" }), connector.RuleFQDN},
		{"the server's FQDN", edit(func(c *connector.ReceiveConnector) { c.AuthMechanism, c.FQDN = exchange, "EX01.contoso.com" }), 0},
		{"the server's short name", edit(func(c *connector.ReceiveConnector) { c.AuthMechanism, c.FQDN = exchange, "ex01" }), 0},
		{"a foreign FQDN without ExchangeServer", edit(func(c *connector.ReceiveConnector) { c.FQDN = "mail.contoso.com" }), 0},
		{"domain security without Tls", edit(func(c *connector.ReceiveConnector) { c.AuthMechanism, c.DomainSecure = basic, true }), connector.RuleDomainSecure},
		{"domain security, externally secured", edit(func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.PermissionGroups, c.DomainSecure = external|tls, connector.GroupExchangeServers, true
		}), connector.RuleDomainSecure},
		{"domain security with Tls", edit(func(c *connector.ReceiveConnector) { c.DomainSecure = true }), 0},
		{"BINARYMIME without CHUNKING", edit(func(c *connector.ReceiveConnector) { c.DisabledExtensions = connector.ExtensionChunking }), connector.RuleBinaryMIME},
		{"neither of them", edit(func(c *connector.ReceiveConnector) {
			c.DisabledExtensions = connector.ExtensionChunking | connector.ExtensionBinaryMIME
		}), 0},
		{"timeouts of one length", edit(func(c *connector.ReceiveConnector) {
			c.ConnectionTimeout, c.ConnectionInactivityTimeout = connector.Minute, connector.Minute
		}), connector.RuleTimeout},
		{"the right way round", edit(func(c *connector.ReceiveConnector) {
			c.ConnectionTimeout, c.ConnectionInactivityTimeout = connector.Minute+1, connector.Minute
		}), 0},
		{"only one timeout is told", edit(func(c *connector.ReceiveConnector) { c.ConnectionInactivityTimeout = connector.Minute }), 0},
		{"long addresses at the front end", edit(func(c *connector.ReceiveConnector) { c.LongAddressesEnabled = true }), connector.RuleLongAddresses},
		{"a size too small", edit(func(c *connector.ReceiveConnector) { c.MaxMessageSize = 65_535 }), connector.RuleLimit},
		{"the least size", edit(func(c *connector.ReceiveConnector) { c.MaxMessageSize = 65_536 }), 0},
		{"a size too large", edit(func(c *connector.ReceiveConnector) { c.MaxMessageSize = 2 * connector.GB }), connector.RuleLimit},
		{"no connections", edit(func(c *connector.ReceiveConnector) { c.MaxInboundConnectionPerSource = connector.LimitOf(0) }), connector.RuleLimit},
		{"unlimited connections", edit(func(c *connector.ReceiveConnector) { c.MaxInboundConnectionPerSource = connector.Unlimited }), 0},
		{"10,001 connections", edit(func(c *connector.ReceiveConnector) { c.MaxInboundConnectionPerSource = connector.LimitOf(10_001) }), connector.RuleLimit},
		{"101 percent", edit(func(c *connector.ReceiveConnector) {
			c.MaxInboundConnectionPercentagePerSource = connector.LimitOf(101)
		}), connector.RuleLimit},
		{"501 hops", edit(func(c *connector.ReceiveConnector) { c.MaxHopCount = connector.LimitOf(501) }), connector.RuleLimit},
		{"51 local hops", edit(func(c *connector.ReceiveConnector) { c.MaxLocalHopCount = connector.LimitOf(51) }), connector.RuleLimit},
		{"no local hops", edit(func(c *connector.ReceiveConnector) { c.MaxLocalHopCount = connector.LimitOf(0) }), 0},
		{"11 logons", edit(func(c *connector.ReceiveConnector) { c.MaxLogonFailures = connector.LimitOf(11) }), connector.RuleLimit},
		{"512,001 recipients", edit(func(c *connector.ReceiveConnector) { c.MaxRecipientsPerMessage = connector.LimitOf(512_001) }), connector.RuleLimit},
		{"no bindings", edit(func(c *connector.ReceiveConnector) { c.Bindings = nil }), connector.RuleRequired},
		{"no ranges", edit(func(c *connector.ReceiveConnector) { c.RemoteIPRanges = nil }), connector.RuleRequired},
	} {
		t.Run(row.why, func(t *testing.T) {
			var want []connector.RefusalRule
			if row.want != 0 {
				want = append(want, row.want)
			}
			c := base.Clone()
			row.edit(&c)
			empty := &connector.Topology{Servers: []connector.Server{s}}
			assert.Equal(t, want, rules(t, empty.Validate(connector.Create(c))), "created")
			if row.want != connector.RuleRequired {
				there := &connector.Topology{Servers: []connector.Server{s}, Connectors: []connector.ReceiveConnector{base}}
				assert.Equal(t, want, rules(t, there.Validate(connector.Edit(base, row.edit))), "set")
				if row.want == connector.RuleName {
					return // it is the other connector of the two below
				}
				there = &connector.Topology{Servers: []connector.Server{s}, Connectors: []connector.ReceiveConnector{c}}
				assert.Empty(t, rules(t, there.Validate(connector.Edit(c, func(c *connector.ReceiveConnector) { c.EnableAuthGSSAPI = true }))), "a change of something else is not held against it")
			}
		})
	}

	// What is not known violates nothing.
	c := base.Clone()
	c.Missing = connector.PropertyAuthMechanism | connector.PropertyPermissionGroups
	c.AuthMechanism = 0
	there := &connector.Topology{Servers: []connector.Server{s}, Connectors: []connector.ReceiveConnector{c}}
	assert.NoError(t, there.Validate(connector.Edit(c, func(c *connector.ReceiveConnector) { c.RequireTLS, c.DomainSecure, c.FQDN = true, true, "x.y" })))
	assert.NoError(t, there.Validate(connector.SetAuth(c, connector.AuthExternalAuthoritative)), "the groups are not known")

	old := &connector.Topology{Servers: []connector.Server{{Name: "EX01", Version: connector.MustParseVersion("2010")}}}
	assert.Equal(t, []connector.RefusalRule{connector.RuleTransportRole}, rules(t, old.Validate(connector.Create(base))))
	edge := &connector.Topology{Servers: []connector.Server{{Name: "EX01", Version: connector.MustParseVersion("2016"), Roles: connector.RoleEdge}}}
	users := base.Clone()
	users.PermissionGroups = connector.GroupExchangeUsers | connector.GroupPartners
	assert.Equal(t, []connector.RefusalRule{connector.RuleEdgeGroup}, rules(t, edge.Validate(connector.Create(users))))

	// All of them, in order.
	bad := base.Clone()
	bad.ID.Name, bad.RequireTLS, bad.AuthMechanism, bad.MaxHopCount = strings.Repeat("x", 65), true, basicTLS|external, connector.LimitOf(0)
	assert.Equal(t, []connector.RefusalRule{connector.RuleName, connector.RuleLimit, connector.RuleBasicAuthRequireTLS, connector.RuleExternalAuthoritative, connector.RuleExternalAuthoritativeGroup, connector.RuleRequireTLS},
		rules(t, old.Validate(connector.Create(withRole(bad, 0)))))
}

func withRole(c connector.ReceiveConnector, r connector.TransportRole) connector.ReceiveConnector {
	c.TransportRole = r
	return c
}

// Conflicts with other connectors: by binding, role and range.
func TestValidateConflicts(t *testing.T) {
	with := func(binding string, remote ...string) connector.ReceiveConnector {
		c := listening("EX01", "Other", binding, remote...)
		c.TransportRole = connector.FrontendTransport
		return c
	}
	c := custom(t, connector.UsageCustom, "C", "0.0.0.0:25", "10.0.0.0/24", "fd00::/64")
	for _, row := range []struct {
		why   string
		other connector.ReceiveConnector
		want  connector.RefusalRule
	}{
		{"equal, in another form", with("0.0.0.0:25", "10.0.0.0-10.0.0.255"), connector.RuleRangeConflict},
		{"inside", with("0.0.0.0:25", "10.0.0.128/25"), 0},
		{"around", with("0.0.0.0:25", "10.0.0.0/8"), 0},
		{"inside, from the same start", with("0.0.0.0:25", "10.0.0.0/25"), 0},
		{"inside, to the same end", with("0.0.0.0:25", "10.0.0.255"), 0},
		{"apart", with("0.0.0.0:25", "10.0.1.0/24"), 0},
		{"over the end", with("0.0.0.0:25", "10.0.0.255-10.0.1.0"), connector.RuleRangeConflict},
		{"over the start", with("0.0.0.0:25", "9.255.255.255-10.0.0.0"), connector.RuleRangeConflict},
		{"over the end, on a specific binding", with("10.0.0.9:25", "10.0.0.255-10.0.1.0"), connector.RuleRangeConflict},
		{"equal, on a specific binding", with("10.0.0.9:25", "10.0.0.0/24"), 0},
		{"over the end, on another port", with("0.0.0.0:26", "10.0.0.255-10.0.1.0"), 0},
		{"over the end, on the other family", with("[::]:25", "10.0.0.255-10.0.1.0"), 0},
		{"over the end in the family that the binding is not of", with("0.0.0.0:25", "fd00::ffff-fd01::"), 0},
		{"disabled", disabledOf(with("0.0.0.0:25", "10.0.0.0/24")), connector.RuleRangeConflict},
		{"another role, apart", withRole(with("0.0.0.0:25", "192.168.0.1"), connector.HubTransport), connector.RuleRoleConflict},
		{"another role, on a specific binding", withRole(with("10.0.0.9:25", "192.168.0.1"), connector.HubTransport), connector.RuleRoleConflict},
		{"another role, on another port", withRole(with("0.0.0.0:2525", "10.0.0.0/24"), connector.HubTransport), 0},
		{"another role, disabled", disabledOf(withRole(with("0.0.0.0:25", "192.168.0.1"), connector.HubTransport)), connector.RuleRoleConflict},
		{"no role is told", withRole(with("0.0.0.0:25", "192.168.0.1"), 0), 0},
	} {
		t.Run(row.why, func(t *testing.T) {
			top := &connector.Topology{Connectors: []connector.ReceiveConnector{row.other}}
			err := top.Validate(connector.Create(c))
			if row.want == 0 {
				require.NoError(t, err)
				return
			}
			require.Equal(t, []connector.RefusalRule{row.want}, rules(t, err), err)
			r := refusals(t, err)[0]
			assert.Equal(t, `EX01\Other`, r.Other.String())
			assert.Equal(t, "0.0.0.0:25", r.Binding.String())
			assert.Equal(t, row.other.Bindings[0], r.OtherBinding)
			assert.Equal(t, row.other.Disabled, r.OtherDisabled)
			assert.Equal(t, row.other.Disabled && row.want == connector.RuleRangeConflict, strings.Contains(err.Error(), "that it is disabled does not help"))
			if row.want == connector.RuleRangeConflict {
				assert.Equal(t, "10.0.0.0/24", r.Range.String())
				assert.Equal(t, row.other.RemoteIPRanges[0], r.OtherRange)
				assert.Equal(t, r.OtherBinding.Addr().IsUnspecified(), r.Basis().Mark == connector.Documented, "that of a wildcard and a specific binding is not documented")
			}

			// Whatever is set, and whatever of the two.
			top = &connector.Topology{Connectors: []connector.ReceiveConnector{c, row.other}}
			assert.Len(t, rules(t, top.Validate(connector.SetEnabled(row.other, row.other.Disabled))), 1)
			assert.NoError(t, top.Validate(connector.Remove(c)), "a removal conflicts with nothing")
			top.Connectors[1].ID.Server = "EX02"
			assert.NoError(t, top.Validate(connector.SetEnabled(c, false)), "a connector of another server")
		})
	}
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{c}}
	assert.NoError(t, top.Validate(connector.AddRanges(c, ranges("10.0.0.255-10.0.1.0")...)), "its own ranges may overlap")
	var me *connector.ModelError
	require.ErrorAs(t, top.Validate(connector.Create(c)), &me, "there is one already")
	require.ErrorIs(t, me, connector.ErrDrift)

	clash := &connector.Topology{Connectors: []connector.ReceiveConnector{c, with("0.0.0.0:25", "10.0.0.0/24")}}
	assert.Len(t, rules(t, clash.Validate(connector.AddRanges(c))), 1, "a Set that sets nothing is looked at")
	assert.NoError(t, clash.Validate(connector.Edit(c, func(c *connector.ReceiveConnector) { c.Rights = []connector.Grant{{Principal: "A", Right: "x"}} })), "rights are another cmdlet's")

	err := top.ValidateAll(connector.AddRanges(c, ranges("10.0.5.5")...), connector.Create(with("0.0.0.0:25", "10.0.5.5")))
	require.ErrorAs(t, err, &me)
	assert.Equal(t, "changes[1]", me.Path)
	var r *connector.Refusal
	require.ErrorAs(t, err, &r)
	assert.Equal(t, "10.0.5.5", r.Range.String())
	assert.Equal(t, []*connector.Refusal{r}, connector.Refusals(err))
	assert.Empty(t, connector.Refusals(connector.ErrDrift))
	require.NoError(t, top.ValidateAll(connector.Remove(c), connector.Create(c)))
	require.ErrorIs(t, top.ValidateAll(connector.Create(c)), connector.ErrDrift)
}

func disabledOf(c connector.ReceiveConnector) connector.ReceiveConnector {
	c.Disabled = true
	return c
}

// Ranges conflict exactly where every pair of them, looked at address by address, says so.
func TestRangeConflictsAgainstPairs(t *testing.T) {
	found := 0
	for seed := range uint64(3000) {
		r := gen.Rand(seed)
		a, b := gen.Connector(r, connector.ID{Server: "EX01", Name: "A"}, false), gen.Connector(r, connector.ID{Server: "EX01", Name: "B"}, false)
		a.Bindings = append(a.Bindings, connector.MustParseBinding([]string{"0.0.0.0:25", "192.168.0.1:25"}[r.IntN(2)]))
		b.Bindings = append(b.Bindings, connector.MustParseBinding("0.0.0.0:25"))
		top := &connector.Topology{Connectors: []connector.ReceiveConnector{b}}
		want := false
		for _, x := range a.Bindings {
			for _, y := range b.Bindings {
				if x.Port() != y.Port() || x.Addr().Is4() != y.Addr().Is4() || x.Addr() != y.Addr() && !x.Addr().IsUnspecified() && !y.Addr().IsUnspecified() {
					continue
				}
				for _, p := range a.RemoteIPRanges {
					for _, q := range b.RemoteIPRanges {
						if p.Span().From().Is4() == x.Addr().Is4() && q.Span().From().Is4() == x.Addr().Is4() {
							want = want || pairConflicts(p, q, x == y)
						}
					}
				}
			}
		}
		got := false
		for _, rule := range rules(t, ignoringDrift(top.Validate(connector.Create(a)))) {
			got = got || rule == connector.RuleRangeConflict
		}
		require.Equal(t, want, got, "seed %d: %v and %v", seed, a.RemoteIPRanges, b.RemoteIPRanges)
		if got {
			found++
		}
	}
	assert.Greater(t, found, 100)
}

func ignoringDrift(err error) error {
	if errors.Is(err, connector.ErrDrift) {
		return nil
	}
	return err
}

// pairConflicts tells whether neither range contains the other and they share an address, or whether they are equal.
func pairConflicts(p, q connector.Range, equal bool) bool {
	if p.Compare(q) == 0 {
		return equal
	}
	a, b := p.Span(), q.Span()
	shared := a.Overlaps(b)
	pInQ := b.Contains(a.From()) && b.Contains(a.To())
	qInP := a.Contains(b.From()) && a.Contains(b.To())
	return shared && !pInQ && !qInP
}

// A connector can list very many ranges; the check stays near linear.
func BenchmarkValidate(b *testing.B) {
	for _, n := range benchSizes {
		top := gen.Large(gen.Rand(1), n, gen.Mixed, false)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = top.Validate(connector.SetEnabled(top.Connectors[1], true))
			}
		})
	}
}
