package topotest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// What is built is what setup and the cmdlets make.
func TestBuild(t *testing.T) {
	top, err := topotest.Build(
		topotest.Exchange("15.1", "EX01").FQDN("ex01.contoso.com").Site("A").DAG("DAG1").At("10.1.0.11", "fd00::11").DefaultConnectors().Relay("10.0.0.0/24"),
		topotest.Exchange("2010", "OLD").Roles("HubTransport").DefaultConnectors().Without("Client OLD").Relay("10.0.0.7").
			Set("Relay", "Bindings", "10.1.0.21:25").Set("Default OLD", "AuthMechanism", "Tls"),
		topotest.Edge("2019", "EDGE").Site("A").DefaultConnectors(),
		topotest.Mailboxes("DB1", "EX01", "OLD"), topotest.Mailboxes("DB2", "OLD"), topotest.PublicFolders("PF1", "OLD"),
		topotest.Network(connector.NetworkGateway, "firewall", "10.1.0.1", "10.1.1.0/24"),
	)
	require.NoError(t, err)
	s, _ := top.Server("EX01")
	assert.Equal(t, "15.1 A DAG1 ex01.contoso.com [10.1.0.11 fd00::11] None", fmt.Sprint(s.Version, " ", s.Site, " ", s.DAG, " ", s.FQDN, " ", s.Addresses, " ", s.Roles))
	edge, _ := top.Server("EDGE")
	assert.Equal(t, connector.RoleEdge, edge.Roles)
	var names []string
	for _, c := range top.Connectors {
		names = append(names, c.ID.String())
		if d, ok := top.FromDefault(c.ID); ok && c.ID.Name != "Default OLD" {
			assert.Equal(t, d.Before, d.After, "as setup installs it: %s", c.ID)
		}
	}
	assert.Equal(t, []string{`EX01\Default Frontend EX01`, `EX01\Client Frontend EX01`, `EX01\Outbound Proxy Frontend EX01`, `EX01\Default EX01`, `EX01\Client Proxy EX01`,
		`EX01\Relay`, `OLD\Default OLD`, `OLD\Relay`, `EDGE\Default internal receive connector EDGE`}, names)
	relay, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	assert.Equal(t, connector.FrontendTransport, relay.TransportRole)
	old, _ := top.Connector(connector.ID{Server: "OLD", Name: "Relay"})
	assert.Zero(t, old.TransportRole)
	assert.Equal(t, "[10.1.0.21:25] [10.0.0.7] Tls AnonymousUsers, Custom [NT AUTHORITY\\ANONYMOUS LOGON: ms-Exch-SMTP-Accept-Any-Recipient]",
		fmt.Sprint(old.Bindings, " ", old.RemoteIPRanges, " ", old.AuthMechanism, " ", old.PermissionGroups, " ", old.Rights))
	assert.Equal(t, []string{"EX01", "OLD"}, top.Databases[0].Copies)
	assert.Equal(t, connector.PublicFolderDatabase, top.Databases[2].Kind)
	assert.Len(t, top.Networks[0].Ranges, 2)
	_, err = connector.Compile(top)
	require.NoError(t, err)
}

// The methods return copies: a template stays as it is, whatever is made of it.
func TestServersAreTemplates(t *testing.T) {
	base := topotest.Exchange("2010", "EX01").Roles("HubTransport").DefaultConnectors().Set("Default EX01", "Enabled", "False")
	relay, scan := base.Relay("10.0.0.1"), base.Connector(connector.UsageCustom, "Scan", []string{"0.0.0.0:26"}, []string{"10.0.0.2"})
	assert.Len(t, topotest.MustBuild(base).Connectors, 2)
	assert.Equal(t, "Relay", topotest.MustBuild(relay).Connectors[2].ID.Name)
	assert.Equal(t, "Scan", topotest.MustBuild(scan).Connectors[2].ID.Name)
	assert.Equal(t, topotest.MustBuild(relay), topotest.MustBuild(relay), "built twice, it is the same")
	later := topotest.MustBuild(topotest.Exchange("2010", "EX01").DefaultConnectors().Roles("HubTransport").FQDN("mail.contoso.com"))
	assert.Equal(t, "mail.contoso.com", later.Connectors[0].FQDN, "what is said about the server counts wherever it is said")
	one := topotest.Exchange("2010", "x").Roles("HubTransport").DefaultConnectors()
	assert.Equal(t, `EX07\Default EX07`, topotest.MustBuild(one.Named("EX07")).Connectors[0].ID.String())
}

func TestBuildErrors(t *testing.T) {
	for why, row := range map[string]struct {
		part topotest.Part
		path string
		is   error
	}{
		"no name":                {topotest.Server{}, "server", connector.ErrEmpty},
		"no version":             {topotest.Exchange("2008", "EX01"), "EX01", connector.ErrVersion},
		"no role":                {topotest.Exchange("2010", "EX01").Roles("Web"), "EX01", connector.ErrUnknownName},
		"no defaults":            {topotest.Exchange("2010", "EX01").Roles("Mailbox").DefaultConnectors(), "EX01", connector.ErrInvalid},
		"no range":               {topotest.Exchange("2010", "EX01").Relay("10.0.0.0/33"), "EX01", connector.ErrPrefixLength},
		"no ranges":              {topotest.Exchange("2010", "EX01").Relay(), "EX01", connector.ErrEmpty},
		"no binding":             {topotest.Exchange("2010", "EX01").Connector(connector.UsageCustom, "X", []string{"25"}, []string{"10.0.0.1"}), "EX01", nil},
		"what is given is said":  {topotest.Exchange("2010", "EX01").Connector(connector.UsageInternet, "X", []string{"0.0.0.0:25"}, []string{"10.0.0.1"}), "EX01", connector.ErrInvalid},
		"nothing to set":         {topotest.Exchange("2010", "EX01").Set("Relay", "Enabled", "False"), "EX01", connector.ErrNotFound},
		"no such property":       {topotest.Exchange("2010", "EX01").Relay("10.0.0.1").Set("Relay", "Colour", "red"), "EX01", connector.ErrUnknownName},
		"nothing to take away":   {topotest.Exchange("2010", "EX01").Without("Relay"), "EX01", connector.ErrNotFound},
		"no address":             {topotest.Exchange("2010", "EX01").At("10.0.0.1", "ten"), "EX01", nil},
		"no range of a network":  {topotest.Network(connector.NetworkGateway, "firewall", "x"), "network firewall", connector.ErrAddress},
		"an Edge server with it": {topotest.Edge("x", "EDGE"), "EDGE", connector.ErrVersion},
		"nothing":                {nil, "parts[1]", connector.ErrEmpty},
		"there already":          {topotest.Exchange("2016", "fine"), "fine", connector.ErrDuplicate},
		"a connector twice":      {topotest.Exchange("2016", "EX01").Relay("10.0.0.1").Relay("10.0.0.2"), `EX01\Relay`, connector.ErrDuplicate},
		"mounted nowhere":        {topotest.Mailboxes("DB1", "GONE"), "database DB1", connector.ErrNotFound},
		"a copy nowhere":         {topotest.Mailboxes("DB1", "FINE", "GONE"), "database DB1", connector.ErrNotFound},
		"a name twice":           {topotest.Network(connector.NetworkGateway, "FINE"), "network FINE", connector.ErrInvalid},
		"no database":            {topotest.Mailboxes("", "FINE"), "database", connector.ErrEmpty},
		"no server":              {topotest.Exchange("2016", `A\B`), `A\B`, connector.ErrInvalid},
		"no address of a server": {topotest.Exchange("2016", "EX01").At("0.0.0.0"), "servers[1].addresses[0]", connector.ErrInvalid},
		"a network of no name":   {topotest.Network(connector.NetworkGateway, ""), "network", connector.ErrEmpty},
	} {
		top, err := topotest.Build(topotest.Exchange("2016", "FINE"), row.part)
		assert.Nil(t, top, why)
		var me *connector.ModelError
		if assert.ErrorAs(t, err, &me, why) {
			assert.Equal(t, row.path, me.Path, why)
		}
		if row.is != nil {
			assert.ErrorIs(t, err, row.is, why)
		}
		assert.Panics(t, func() { topotest.MustBuild(topotest.Exchange("2016", "FINE"), row.part) }, why)
	}
	_, err := topotest.Build(topotest.Exchange("x", "A"), topotest.Exchange("y", "B"))
	require.ErrorContains(t, err, "A: version")
	require.ErrorContains(t, err, "B: version", "everything that is wrong is told")
}

// The founding story, as it is told.
func ExampleBuild() {
	server := topotest.Exchange("2010", "").DAG("DAG1").DefaultConnectors().Relay("10.0.0.0/8")
	top, err := topotest.Build(
		server.Named("EX01").Site("DC1").At("10.1.0.11"),
		server.Named("EX03").Site("DC2").At("10.2.0.11"),
		topotest.PublicFolders("PF1", "EX01"), topotest.PublicFolders("PF2", "EX03"),
	)
	if err != nil {
		panic(err)
	}
	t := &recorder{} // in a test, the *testing.T
	topotest.Run(t, top, []topotest.Case{topotest.MustParseCase("flow EX01 EX03 PublicFolderReplication -> passes")})
	for _, e := range t.errors {
		fmt.Print(e)
	}
	// Output:
	// flow EX01 EX03 PublicFolderReplication
	//   want passes
	//   got  fails
	//        EX01 -> EX03 port 25 PublicFolderReplication
	//        by rule: public-folder replication between sites is SMTP from Hub Transport to Hub Transport [observed: byronwright.blogspot.com 2015/09]
	//     10.1.0.11 -> EX03 10.2.0.11:25: EX03\Relay by 10.0.0.0/8
	//       Won                EX03\Relay by 10.0.0.0/8 (16,777,216 addresses)
	//       LostToNarrower     EX03\Default EX03 by 0.0.0.0-255.255.255.255 (4,294,967,296 addresses)
	//       OtherPort          EX03\Client EX03
	//       offered in clear: STARTTLS
	//       sender: still in clear with nothing to authenticate with: raise 451 5.7.3 Cannot achieve Exchange Server authentication
	//       Exchange Server authentication: not authenticated (WrongConnector: the selected connector does not offer Exchange Server authentication although another one at the endpoint does; no other connector is tried)
}
