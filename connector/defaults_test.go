package connector_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

const (
	fiveOf = "Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer"
	fourOf = "Tls, Integrated, BasicAuth, BasicAuthRequireTLS"
	allOf  = "[::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 0.0.0.0-255.255.255.255]"
)

func both(port int) string { return fmt.Sprintf("[[::]:%d 0.0.0.0:%d]", port, port) }

// What setup installs, row by row: name, role, bindings, ranges, mechanisms, groups.
func TestDefaultConnectors(t *testing.T) {
	frontend := []string{
		"Default Frontend S | FrontendTransport | " + both(25) + " | " + allOf + " | " + fiveOf + " | AnonymousUsers, ExchangeServers, ExchangeLegacyServers",
		"Client Frontend S | FrontendTransport | " + both(587) + " | " + allOf + " | " + fourOf + " | ExchangeUsers",
		"Outbound Proxy Frontend S | FrontendTransport | " + both(717) + " | " + allOf + " | " + fiveOf + " | ExchangeServers",
	}
	backEnd := func(port int) []string {
		return []string{
			"Default S | HubTransport | " + both(port) + " | " + allOf + " | " + fiveOf + " | ExchangeUsers, ExchangeServers, ExchangeLegacyServers",
			"Client Proxy S | HubTransport | " + both(465) + " | " + allOf + " | " + fiveOf + " | ExchangeUsers, ExchangeServers",
		}
	}
	hub := []string{
		"Default S |  | " + both(25) + " | " + allOf + " | " + fiveOf + " | ExchangeUsers, ExchangeServers, ExchangeLegacyServers",
		"Client S |  | " + both(587) + " | " + allOf + " | " + fourOf + " | ExchangeUsers",
	}
	edge := func(role string) []string {
		return []string{"Default internal receive connector S | " + role + " | [0.0.0.0:25] | [0.0.0.0-255.255.255.255] | Tls, ExchangeServer | AnonymousUsers, ExchangeServers, Partners"}
	}
	for _, row := range []struct {
		section, version string
		roles            connector.ServerRoles
		want             []string
	}{
		{"5.1", "2016", 0, append(frontend[:3:3], backEnd(2525)...)},
		{"5.1", "15.2.1118.40", connector.RoleMailbox, append(frontend[:3:3], backEnd(2525)...)},
		{"5.1", "SE", 0, append(frontend[:3:3], backEnd(2525)...)},
		{"5.2, CAS", "2013", connector.RoleClientAccess, frontend},
		{"5.2, Mailbox", "2013", connector.RoleMailbox, backEnd(25)},
		{"5.2, multirole", "2013", multi2013, append(frontend[:3:3], backEnd(2525)...)},
		{"5.3", "2007", connector.RoleHubTransport, hub},
		{"5.3", "2010", multi2010, hub},
		{"5.3, no Hub Transport", "2010", connector.RoleMailbox, nil},
		{"5.4", "2016", connector.RoleEdge, edge("HubTransport")},
		{"5.4", "2013", connector.RoleEdge, edge("HubTransport")},
		{"5.4", "2010", connector.RoleEdge, edge("")},
		{"5.4", "2007", connector.RoleEdge, edge("")},
	} {
		s := exchange("S", row.version, "", row.roles)
		s.FQDN = "s.contoso.com"
		var got []string
		for _, c := range connector.DefaultConnectors(s) {
			got = append(got, fmt.Sprintf("%s | %s | %s | %s | %s | %s", c.ID.Name, c.TransportRole, c.Bindings, c.RemoteIPRanges, c.AuthMechanism, c.PermissionGroups))
			assert.Equal(t, "s.contoso.com", c.FQDN)
			assert.Equal(t, "S", c.ID.Server)
		}
		assert.Equal(t, row.want, got, "%s: %s %s", row.section, row.version, row.roles)
	}
	assert.Empty(t, connector.DefaultConnectors(connector.Server{Name: "S"}), "a version that is not known")

	d := connector.MailboxDelivery(connector.Server{Name: "S"})
	assert.Equal(t, `S\Mailbox delivery Receive connector | `+both(475)+" | "+allOf+" | ExchangeServer | ExchangeServers",
		fmt.Sprintf("%s | %s | %s | %s | %s", d.ID, d.Bindings, d.RemoteIPRanges, d.AuthMechanism, d.PermissionGroups))
}

// The other values, as a real export of Exchange 2019 has them.
func TestOtherValuesOfDefaults(t *testing.T) {
	var got []string
	for _, c := range connector.DefaultConnectors(exchange("S", "2019", "", 0)) {
		got = append(got, fmt.Sprintf("%s %s %s %t %t %t %t", c.ID.Name, c.MaxMessageSize, c.SizeEnabled, c.EnableAuthGSSAPI, c.DomainSecure, c.RequireTLS, c.SuppressXAnonymousTLS))
	}
	const size = "36 MB (37,748,736 bytes) "
	assert.Equal(t, []string{"Default Frontend S " + size + " false true false false", "Client Frontend S " + size + " true false false false", "Outbound Proxy Frontend S " + size + " false true false false",
		"Default S " + size + "EnabledWithoutValue false false false false", "Client Proxy S " + size + " true false false false"}, got)
	assert.Equal(t, 10*connector.MB, connector.DefaultConnectors(exchange("S", "2010", "", multi2010))[0].MaxMessageSize)
	assert.Zero(t, connector.DefaultConnectors(exchange("S", "2013", "", multi2013))[0].MaxMessageSize, "the sources disagree")
}

// With nothing but defaults every flow between supported versions passes, mailbox delivery included.
func TestDefaultsAuthenticateEveryPair(t *testing.T) {
	top := &connector.Topology{}
	roles := map[string]connector.ServerRoles{"2007": multi2010, "2010": multi2010 | connector.RoleUnifiedMessaging, "2013": multi2013}
	for i, v := range []string{"2007", "2010", "2013", "2016", "2019", "SE", "2007", "2010", "2013", "2016", "2019", "SE"} {
		s := exchange(fmt.Sprintf("EX%02d", i), v, fmt.Sprintf("Site%d", i/6), roles[v])
		s.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})}
		top.Servers = append(top.Servers, s)
	}
	for i, role := range []connector.ServerRoles{connector.RoleMailbox, connector.RoleClientAccess, connector.RoleEdge} {
		s := exchange(fmt.Sprintf("SEP%d", i), "2013", "Site0", role)
		s.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 1, byte(i + 1)})}
		top.Servers = append(top.Servers, s)
	}
	for _, s := range top.Servers {
		top.Connectors = append(top.Connectors, connector.DefaultConnectors(s)...)
	}
	x := compile(t, top)
	flows := 0
	for _, r := range audit.Flows(top, x) {
		if r.Flow.MeetsConnectors() {
			flows++
			assert.Equal(t, audit.FlowPasses, r.State, r.String())
		}
	}
	assert.Greater(t, flows, 500)
	v := x.Simulate(conn("EX04", "10.0.0.5:475", "10.0.0.4"), connector.Peer{})
	assert.Equal(t, connector.Authenticated, v.Authentication)
	assert.Equal(t, `EX04\Mailbox delivery Receive connector`, v.Explanation.Match.Connector().String())
}

// No connector can shadow mailbox delivery, and where it is not installed there is none.
func TestMailboxDelivery(t *testing.T) {
	thief := listening("S", "Thief", "10.0.0.1:475", "10.0.0.2")
	for _, row := range []struct {
		why  string
		s    connector.Server
		want string
	}{
		{"2016", exchange("s", "2016", "", 0), `s\Mailbox delivery Receive connector by 0.0.0.0-255.255.255.255`},
		{"2013 Mailbox", exchange("S", "2013", "", connector.RoleMailbox), `S\Mailbox delivery Receive connector by 0.0.0.0-255.255.255.255`},
		{"2013 ClientAccess", exchange("S", "2013", "", connector.RoleClientAccess), `S\Thief by 10.0.0.2`},
		{"2010", exchange("S", "2010", "", 0), `S\Thief by 10.0.0.2`},
		{"Edge", exchange("S", "2016", "", connector.RoleEdge), `S\Thief by 10.0.0.2`},
		{"a version nobody told", connector.Server{Name: "S"}, `S\Thief by 10.0.0.2`},
	} {
		x := compile(t, &connector.Topology{Servers: []connector.Server{row.s}, Connectors: []connector.ReceiveConnector{thief}})
		e := x.Explain(conn("S", "10.0.0.1:475", "10.0.0.2"))
		assert.Equal(t, row.want, e.Match.String(), row.why)
		if strings.Contains(row.want, "delivery") {
			require.Len(t, e.Steps, 2)
			assert.Equal(t, connector.WrongRole, e.Steps[1].Reason)
			assert.Equal(t, []string{"0.0.0.0:475", "[::]:475"}, []string{x.Endpoints("S")[0].String(), x.Endpoints("S")[1].String()})
			assert.Len(t, x.Explain(conn("S", "10.0.0.1:25", "10.0.0.2")).Steps, 1, "elsewhere it is not mentioned")
		}
	}
}

// What an audit can say of how a connector was installed.
func TestFromDefault(t *testing.T) {
	s := exchange("S", "2019", "", 0)
	s.FQDN = "s.contoso.com"
	top := &connector.Topology{Servers: []connector.Server{s}, Connectors: connector.DefaultConnectors(s)}
	for i := range top.Connectors {
		c := &top.Connectors[i]
		c.Bindings[0], c.Bindings[1] = c.Bindings[1], c.Bindings[0] // which means the same
		c.RemoteIPRanges = []connector.Range{connector.MustParseRange("0.0.0.0/0"), connector.MustParseRange("::/0")}
		c.FQDN = "S.contoso.com"
		change, ok := top.FromDefault(c.ID)
		require.True(t, ok)
		assert.True(t, change.Before.Equal(*change.After), c.ID)
	}
	c := &top.Connectors[0]
	c.PermissionGroups |= connector.GroupCustom
	c.AuthMechanism, c.Missing = 0, connector.PropertyAuthMechanism
	change, ok := top.FromDefault(connector.ID{Server: "s", Name: "default frontend s"})
	require.True(t, ok)
	assert.Equal(t, connector.GroupAnonymousUsers|connector.GroupExchangeServers|connector.GroupExchangeLegacyServers, change.Before.PermissionGroups)
	assert.Equal(t, connector.GroupAnonymousUsers|connector.GroupExchangeServers|connector.GroupExchangeLegacyServers|connector.GroupCustom, change.After.PermissionGroups)
	assert.Equal(t, change.Before.AuthMechanism, change.After.AuthMechanism, "what is not known is not different")
	c.RemoteIPRanges = c.RemoteIPRanges[:1]
	change, _ = top.FromDefault(c.ID)
	assert.Len(t, change.After.RemoteIPRanges, 1)
	// Nothing that is missing is different.
	*c = connector.ReceiveConnector{ID: c.ID, Missing: ^connector.Properties(0)}
	change, _ = top.FromDefault(c.ID)
	assert.True(t, change.Before.Equal(*change.After))
	*c = connector.ReceiveConnector{ID: c.ID, DisabledExtensions: connector.ExtensionDSN, SizeEnabled: connector.SizeEnabled}
	change, _ = top.FromDefault(c.ID)
	assert.Equal(t, connector.ExtensionDSN, change.After.DisabledExtensions)
	assert.Equal(t, change.Before.SizeEnabled, change.After.SizeEnabled, "Enabled is the default")
	assert.Equal(t, change.Before.MaxMessageSize, change.After.MaxMessageSize, "what is not said is the default")
	top.Connectors = append(top.Connectors, relay("S"))
	for _, id := range []connector.ID{{Server: "S", Name: "Relay"}, {Server: "S", Name: "Nobody"}, {Server: "X", Name: "Default X"}} {
		_, ok := top.FromDefault(id)
		assert.False(t, ok, id)
	}
}

// What each usage type gives, row by row.
func TestNewConnector(t *testing.T) {
	id := connector.ID{Server: "S", Name: "New"}
	b := []netip.AddrPort{connector.MustParseBinding("10.0.0.1:25")}
	r := []connector.Range{connector.MustParseRange("10.0.0.0/24")}
	for _, row := range []struct {
		usage    connector.Usage
		bindings []netip.AddrPort
		ranges   []connector.Range
		want     string
	}{
		{connector.UsageClient, nil, r, "ExchangeUsers | " + fourOf + " | [0.0.0.0:587] | [10.0.0.0/24]"},
		{connector.UsageCustom, b, r, "None | Tls | [10.0.0.1:25] | [10.0.0.0/24]"},
		{connector.UsageInternal, nil, r, "ExchangeServers, ExchangeLegacyServers | Tls, ExchangeServer | [0.0.0.0:25] | [10.0.0.0/24]"},
		{connector.UsageInternet, b, nil, "AnonymousUsers | Tls | [10.0.0.1:25] | [0.0.0.0-255.255.255.255]"},
		{connector.UsagePartner, b, r, "Partners | Tls | [10.0.0.1:25] | [10.0.0.0/24]"},
	} {
		c, err := connector.NewConnector(row.usage, id, row.bindings, row.ranges)
		require.NoError(t, err, row.usage)
		assert.Equal(t, row.want, fmt.Sprintf("%s | %s | %s | %s", c.PermissionGroups, c.AuthMechanism, c.Bindings, c.RemoteIPRanges), row.usage)
	}
	for _, row := range []struct {
		usage    connector.Usage
		id       connector.ID
		bindings []netip.AddrPort
		ranges   []connector.Range
		want     []string
	}{
		{connector.UsageClient, id, b, nil, []string{`S\New: Bindings: usage Client gives 0.0.0.0:587: not a valid value`, `S\New: RemoteIPRanges: usage Client needs it: nothing given`}},
		{connector.UsageInternet, id, nil, r, []string{`S\New: Bindings: usage Internet needs it: nothing given`, `S\New: RemoteIPRanges: usage Internet gives 0.0.0.0-255.255.255.255: not a valid value`}},
		{connector.UsagePartner, connector.ID{Name: "New"}, b, r, []string{`Identity: not of the form SERVER\Name`}},
		{0, id, b, r, []string{`S\New: Usage: not a valid value`}},
		{99, id, b, r, []string{`S\New: Usage: not a valid value`}},
	} {
		_, err := connector.NewConnector(row.usage, row.id, row.bindings, row.ranges)
		require.Error(t, err)
		assert.Equal(t, strings.Join(row.want, "\n"), err.Error())
		var me *connector.ModelError
		require.ErrorAs(t, err, &me)
	}
	c, err := connector.NewConnector(connector.UsageCustom, id, b, r)
	require.NoError(t, err)
	c.RemoteIPRanges[0], c.Bindings[0] = connector.MustParseRange("::1"), connector.MustParseBinding("[::]:1")
	assert.Equal(t, "10.0.0.0/24", r[0].String(), "the lists are copied")
	assert.Equal(t, "10.0.0.1:25", b[0].String())
}
