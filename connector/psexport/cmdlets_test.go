package psexport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

const relay = `{"Identity": "EX01\\Relay", "Bindings": ["0.0.0.0:25"], "RemoteIPRanges": ["10.0.0.1"], "AuthMechanism": 1, "PermissionGroups": "AnonymousUsers, Custom", "Enabled": true,
"Fqdn": "", "RequireTLS": false, "SuppressXAnonymousTls": false, "EnableAuthGSSAPI": false, "DomainSecureEnabled": false}`

// Rights come to their connector whatever names it, whatever the order of the files, once each; those that mean nothing in an
// SMTP session, and those that the permission groups give anyway, are left out.
func TestPermissions(t *testing.T) {
	permissions := `[{"Identity": "EX01\\Relay", "User": "NT AUTHORITY\\ANONYMOUS LOGON", "ExtendedRights": ["ms-Exch-SMTP-Submit"], "Deny": false},
{"Identity": {"Name": "Relay", "DistinguishedName": "CN=Relay,CN=SMTP Receive Connectors,CN=Protocols,CN=EX01,CN=Servers,CN=x"}, "User": {"RawIdentity": "NT AUTHORITY\\ANONYMOUS LOGON"},
 "ExtendedRights": [{"RawIdentity": "ms-Exch-SMTP-Accept-Any-Recipient"}, {"RawIdentity": "ms-exch-smtp-submit"}], "Deny": "False"},
{"Identity": "contoso.com/Configuration/Services/Microsoft Exchange/x/Servers/EX01/Protocols/SMTP Receive Connectors/Relay", "User": "CONTOSO\\svc", "ExtendedRights": "{ms-Exch-Accept-Headers-Routing, ms-Exch-Store-Admin}", "Deny": true},
{"Identity": "EX01\\Relay", "User": "CONTOSO\\Admins", "AccessRights": ["GenericAll"], "ExtendedRights": null, "Deny": false}]`
	for _, order := range [][]string{{relay, permissions}, {permissions, relay}, {permissions, relay, permissions}} {
		top, warnings := read(t, order...)
		assert.Empty(t, lines(warnings))
		require.Len(t, top.Connectors, 1)
		assert.Zero(t, top.Connectors[0].Missing&^announced)
		assert.Equal(t, []connector.Grant{
			{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Any-Recipient"},
			{Principal: `CONTOSO\svc`, Right: "ms-Exch-Accept-Headers-Routing", Deny: true},
		}, top.Connectors[0].Rights)
	}

	// Without the group they are all there is; with Custom and nothing else, they stay.
	const submit = `[{"Identity": "EX01\\Relay", "User": "NT AUTHORITY\\ANONYMOUS LOGON", "ExtendedRights": ["ms-Exch-SMTP-Submit"], "Deny": false}]`
	for groups, want := range map[string]int{"AnonymousUsers, Custom": 1, "AnonymousUsers": 0, "ExchangeUsers": 1} {
		top, _ := read(t, strings.Replace(relay, "AnonymousUsers, Custom", groups, 1), submit)
		assert.Len(t, top.Connectors[0].Rights, want, groups)
		assert.Zero(t, top.Connectors[0].Missing&^announced, groups)
	}
	// What 2007 did not give with the group is a right of its own there.
	const sender = `[{"Identity": "EX01\\Relay", "User": "S-1-5-7", "ExtendedRights": ["ms-Exch-SMTP-Accept-Authoritative-Domain-Sender"], "Deny": false}]`
	for version, want := range map[string]int{"Version 8.3 (Build 83.6)": 1, "Version 14.3 (Build 123.4)": 0} {
		top, _ := read(t, strings.Replace(relay, ", Custom", "", 1), sender, `{"Name": "EX01", "AdminDisplayVersion": "`+version+`", "Site": "S", "ServerRole": "HubTransport", "Fqdn": "ex01.contoso.com"}`)
		assert.Len(t, top.Connectors[0].Rights, want, version)
	}

	top, warnings := read(t, relay)
	assert.Equal(t, connector.PropertyRights, top.Connectors[0].Missing&^announced)
	assert.Equal(t, []string{`f0:1:1: EX01\Relay: PermissionGroups: Custom stands for rights that are in no file (Get-ADPermission tells them), so what the rights beyond the groups allow is unknown`}, lines(warnings))

	top, warnings = read(t, relay, `[{"Identity": "EX01\\Relay", "User": "x", "ExtendedRights": "{ms-Exch-SMTP-Submit...}"}, {"Identity": "EX01\\Relay", "User": "y", "Deny": true},
{"Identity": "contoso.com/Users/Joe", "User": "z", "ExtendedRights": ["Send-As"]}, {"Identity": "EX09\\Relay", "User": "z", "ExtendedRights": ["ms-Exch-SMTP-Submit"]}]`)
	assert.Equal(t, connector.PropertyRights, top.Connectors[0].Missing&^announced, "the rights are known in part")
	assert.Len(t, top.Connectors[0].Rights, 1)
	assert.Equal(t, []string{
		`f1:1:61: EX01\Relay: ExtendedRights: cut off with dots, so the rights of x are known in part`,
		`f1:1:90: EX01\Relay: ExtendedRights: not in the export, so the rights of y are unknown`,
		`f1:2:1: 2 objects of Get-ADPermission about no connector of the files, so what they grant is not used`,
	}, lines(warnings))

	// A principal that the console cut off is nobody.
	top, warnings = read(t, relay, "Identity   User                 ExtendedRights\n--------   ----                 --------------\nEX01\\Relay NT AUTHORITY\\ANON... {ms-Exch-SMTP-Submit}\n")
	assert.Equal(t, connector.PropertyRights, top.Connectors[0].Missing&^announced)
	assert.Empty(t, top.Connectors[0].Rights)
	assert.Len(t, about(warnings, "User"), 1)

	// Rights that lost their members on the way are not rights that are not there; an entry without extended rights is whole.
	for lost, want := range map[string]string{
		"Microsoft.Exchange.Configuration.Tasks.ExtendedRightIdParameter[]": "Rights",
		"{ms-Exch-SMTP-Submit": "Rights",
		"":                     "None",
		"{}":                   "None",
	} {
		top, warnings = read(t, strings.Replace(relay, ", Custom", "", 1), "Identity,User,Deny,ExtendedRights\nEX01\\Relay,x,False,"+lost+"\n")
		assert.Equal(t, want, (top.Connectors[0].Missing &^ announced).String(), lost)
		assert.Equal(t, want != "None", len(about(warnings, "ExtendedRights")) == 1, "%q: %s", lost, lines(warnings))
	}
	top, warnings = read(t, strings.Replace(relay, ", Custom", "", 1), `{"Identity": "EX01\\Relay", "User": "x", "Deny": false, "ExtendedRights": {"Count": 2}}`)
	assert.Equal(t, connector.PropertyRights, top.Connectors[0].Missing&^announced)
	assert.Equal(t, []string{`f1:1:75: EX01\Relay: ExtendedRights: exported without its members, so the rights of x are known in part`}, lines(warnings))

	// Names in a directory hide their own signs.
	top, _ = read(t, `{"DistinguishedName": "CN=A\\, B\\2C \\\\C,CN=SMTP Receive Connectors,CN=Protocols,CN=EX01,CN=Servers", "Bindings": "0.0.0.0:25"}`,
		`{"Identity": "CN=A\\, B\\2C \\\\C,CN=SMTP Receive Connectors,CN=Protocols,CN=EX01,CN=Servers", "User": "x", "ExtendedRights": "ms-Exch-SMTP-Submit"}`)
	assert.Equal(t, `EX01\A, B, \C`, top.Connectors[0].ID.String())
	assert.Len(t, top.Connectors[0].Rights, 1)

	err := readError(t, `[{"Identity": "EX01\\Relay", "User": null, "ExtendedRights": ["ms-Exch-SMTP-Submit"]}, {"Identity": "EX01\\Relay", "User": "x", "ExtendedRights": [], "Deny": "perhaps"}]`)
	assert.Equal(t, "f:1:2: EX01\\Relay: User: nothing given\nf:1:159: EX01\\Relay: Deny: \"perhaps\": neither true nor false", err.Error())
}

const twoServers = `[{"Name": "EX01", "Fqdn": "ex01.contoso.com", "Site": "A", "ServerRole": "Mailbox", "AdminDisplayVersion": "Version 15.1 (Build 2507.6)"},
{"Name": "EX02", "Fqdn": "ex02.contoso.com", "Site": "B", "ServerRole": "Mailbox", "AdminDisplayVersion": "Version 15.1 (Build 2507.6)"}]`

// Addresses come to the server that a host name means; hosts that are no Exchange servers are left out with a warning.
func TestAddresses(t *testing.T) {
	for _, row := range []struct {
		name, why, in string
		want          string
		warnings      []string
	}{
		{"Resolve-DnsName", "A and AAAA records; a CNAME and a SOA hold no address", `[{"Name": "EX01.contoso.com", "Type": 1, "IP4Address": "10.0.0.1"}, {"Name": "ex01.contoso.com.", "Type": 28, "IP6Address": "fd00::1"}, {"Name": "alias.contoso.com", "Type": 5, "IPAddress": null, "NameHost": "ex01.contoso.com"}, {"Name": "contoso.com", "Type": 6, "TTL": 1, "Section": 2, "PrimaryServer": "dc01.contoso.com"}]`,
			"[10.0.0.1 fd00::1]", nil},
		{"Resolve-DnsName as CLIXML", "records of other types hold no address", `<Objs><Obj RefId="0"><TN RefId="0"><T>Microsoft.DnsClient.Commands.DnsRecord_A</T></TN><Props><S N="Name">ex01.contoso.com</S><S N="IP4Address">10.0.0.1</S></Props></Obj><Obj RefId="1"><TN RefId="1"><T>Deserialized.Microsoft.DnsClient.Commands.DnsRecord_SOA</T></TN><Props><S N="Name">contoso.com</S></Props></Obj></Objs>`, "[10.0.0.1]", nil},
		{"a short name", "the first label is enough", `{"Name": "ex01", "Type": "A", "IPAddress": "10.0.0.1"}`, "[10.0.0.1]", nil},
		{"a server of another domain", "the short name is the same, the full one is not", `{"Name": "ex01.fabrikam.com", "Type": "A", "IPAddress": "10.0.0.1"}`, "[]",
			[]string{"f0:1:1: ex01.fabrikam.com: an address of a host that no file calls an Exchange server, so it is left out"}},
		{"Get-NetIPAddress", "of a remote session; loopback and link-local addresses say nothing", `[{"IPAddress": "10.0.0.1", "InterfaceAlias": "Ethernet", "PSComputerName": "EX01"}, {"IPAddress": "127.0.0.1", "InterfaceAlias": "x", "PSComputerName": "EX01"},
{"IPAddress": "fe80::1%11", "InterfaceAlias": "x", "PSComputerName": "EX01"}, {"IPAddress": "169.254.1.1", "InterfaceAlias": "x", "PSComputerName": "EX01"}, {"IPAddress": "10.0.0.1", "InterfaceAlias": "Ethernet", "PSComputerName": "ex01.contoso.com"}]`,
			"[10.0.0.1]", nil},
		{"a table that somebody made", "a name and addresses, and no more", "Name;IPAddress\nEX01;10.0.0.1 10.0.0.2\nEX02.contoso.com;10.0.0.3\nprinter;10.0.9.9\n", "[10.0.0.1 10.0.0.2]",
			[]string{"f0:4: printer: an address of a host that no file calls an Exchange server, so it is left out"}},
		{"the name of an address", "it is not the host's", `{"IPAddress": "10.0.0.1", "InterfaceAlias": "Ethernet", "Name": "EX01", "PrefixLength": 24}`, "[]",
			[]string{"f0:1:1: 10.0.0.1: PSComputerName: not in the export, so the server that has the address is unknown"}},
		{"Get-NetIPAddress on the server", "nothing tells which it was", `{"IPAddress": "10.0.0.1", "InterfaceAlias": "Ethernet", "PSComputerName": "localhost"}`, "[]",
			[]string{"f0:1:1: 10.0.0.1: PSComputerName: not in the export, so the server that has the address is unknown"}},
		{"without an address", "nothing is known", `{"IPAddress": null, "InterfaceAlias": "Ethernet", "PSComputerName": "EX01"}`, "[]",
			[]string{"f0:1:1: EX01: IPAddress: not in the export, so an address of the host is unknown"}},
		{"a DAG network", "objects of the interfaces", `{"Identity": "DAG1\\MapiDagNetwork", "Name": "MapiDagNetwork", "Subnets": [], "Interfaces": [{"NodeName": "ex01", "State": 0, "IPAddress": {"IPAddressToString": "10.0.0.1"}}], "MapiAccessEnabled": true}`, "[10.0.0.1]", nil},
		{"a DAG network, flattened", "texts, of which the last is cut", `{"Identity": "DAG1\\MapiDagNetwork", "Subnets": "{}", "Interfaces": "{{EX01,Up,10.0.0.1}, {EX01,Up,10.0..."}`, "[10.0.0.1]",
			[]string{`f0:1:69: DAG1\MapiDagNetwork: Interfaces: not of the form {SERVER,State,IP}: EX01,Up,10.0..., so the addresses of the members are unknown`}},
		{"a DAG network without interfaces", "the default view has none", `{"Identity": "DAG1\\MapiDagNetwork", "Subnets": "{}", "ReplicationEnabled": true}`, "[]",
			[]string{`f0:1:1: DAG1\MapiDagNetwork: Interfaces: not in the export, so the addresses of the members are unknown`}},
		{"a network closed to MAPI", "mail is not expected from it, which the warning says", `{"Identity": "DAG1\\Repl", "Subnets": "{}", "Interfaces": ["{EX01,Up,192.168.0.1}"], "MapiAccessEnabled": false}`, "[]",
			[]string{`f0:1:59: DAG1\Repl: MapiAccessEnabled: the addresses of a network that is closed to MAPI, so whether mail comes from them is unknown`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			top, warnings := read(t, row.in, twoServers)
			assert.Equal(t, row.warnings, lines(warnings))
			require.Len(t, top.Servers, 2)
			s, _ := top.Server("EX01")
			assert.Equal(t, row.want, fmt.Sprint(s.Addresses), row.why)
			assert.Zero(t, s.Missing)
		})
	}
	err := readError(t, `[{"IPAddress": "10.0.0.300", "InterfaceAlias": "x", "PSComputerName": "EX01"}, {"Name": "EX01", "Type": "A", "IPAddress": "10.0.0.0/8"}]`)
	assert.Equal(t, "f:1:16: EX01: IPAddress: range \"10.0.0.300\": byte 0: not an IP address: IPv4 field has value >255\nf:1:123: EX01: IPAddress: address \"10.0.0.0/8\": byte 0: not an IP address", err.Error())
}

// A connector makes its server known; a DAG, its network and its settings do too.
func TestServersKnownByOtherObjects(t *testing.T) {
	top, warnings := read(t, `{"Name": "EX01.contoso.com", "Type": "A", "IPAddress": "10.0.0.1"}`, relay, `{"Name": "DAG1", "Servers": ["EX02", {"Name": "EX03"}, {"DistinguishedName": "CN=EX04,CN=Servers,DC=x"}], "WitnessServer": "fs"}`,
		`{"Identity": "EX05", "UseDowngradedExchangeServerAuth": true, "InternalTransportCertificateThumbprint": "AB"}`)
	assert.Len(t, warnings, 1)
	var got []string
	for _, s := range top.Servers {
		got = append(got, fmt.Sprintf("%s %s %v %t %s: %s", s.Name, s.DAG, s.Addresses, s.DowngradedExchangeAuth, s.InternalTransportCertificate, s.Missing))
	}
	assert.Equal(t, []string{
		"EX02 DAG1 [] false : Fqdn, Site, Version, Roles, Addresses, UseDowngradedExchangeServerAuth",
		"EX03 DAG1 [] false : Fqdn, Site, Version, Roles, Addresses, UseDowngradedExchangeServerAuth",
		"EX04 DAG1 [] false : Fqdn, Site, Version, Roles, Addresses, UseDowngradedExchangeServerAuth",
		"EX05  [] true AB: Fqdn, Site, DAG, Version, Roles, Addresses",
		"EX01  [10.0.0.1] false : Fqdn, Site, DAG, Version, Roles, UseDowngradedExchangeServerAuth",
	}, got)
	// Who may stand behind the dots of a list is in no DAG for certain.
	top, _ = read(t, `{"Name": "DAG1", "Servers": "{EX01...}", "WitnessServer": "fs"}`, twoServers)
	assert.Equal(t, "None DAG", fmt.Sprint(top.Servers[0].Missing, " ", top.Servers[1].Missing))
	// Names with a domain are those of the servers.
	top, _ = read(t, `[{"Name": "EX01.contoso.com", "ServerRole": "Mailbox", "Site": "A"}, {"Fqdn": "EX02.contoso.com", "ServerRole": "Mailbox", "Site": "A"}]`, strings.Replace(relay, `EX01\\`, `EX01.contoso.com\\`, 1))
	assert.Equal(t, "EX01 EX01.contoso.com EX02 EX02.contoso.com EX01", fmt.Sprint(top.Servers[0].Name, " ", top.Servers[0].FQDN, " ", top.Servers[1].Name, " ", top.Servers[1].FQDN, " ", top.Connectors[0].ID.Server))
	var r psexport.Reader
	require.NoError(t, r.AddServer(connector.Server{Name: "EX01"}))
	require.NoError(t, r.AddServer(connector.Server{Name: "ex01.contoso.com", Site: "A"}))
	top, _, _ = r.Topology()
	require.Len(t, top.Servers, 1)
	assert.Equal(t, "EX01 ex01.contoso.com A", fmt.Sprint(top.Servers[0].Name, " ", top.Servers[0].FQDN, " ", top.Servers[0].Site))
	for text, want := range map[string]string{
		`{"Name": "DAG1", "Servers": "CN=EX01,CN=Servers,CN=First Organization CN=EX02,CN=Servers,CN=First Organization", "WitnessServer": "fs"}`: "EX01 EX02",
		`{"Name": "DAG1", "Servers": "{EX01, EX02...}", "WitnessServer": "fs"}`:                                                                   "EX01 EX02",
		`{"Name": "DAG1", "Servers": null, "WitnessServer": "fs"}`:                                                                                "",
		`{"Name": "DAG1", "Servers": {"Count": 2}, "WitnessServer": "fs"}`:                                                                        "",
	} {
		top, warnings := read(t, text)
		var names []string
		for _, s := range top.Servers {
			names = append(names, s.Name)
		}
		assert.Equal(t, want, strings.Join(names, " "), text)
		assert.Equal(t, !strings.Contains(text, "CN="), len(warnings) == 1, lines(warnings))
	}
}

// Settings come to the server; what is null is missing, and counts where it matters.
func TestTransportService(t *testing.T) {
	top, warnings := read(t, twoServers, `[{"Name": "EX01", "UseDowngradedExchangeServerAuth": true, "InternalTransportCertificateThumbprint": "AB12"},
{"Name": "EX02", "UseDowngradedExchangeServerAuth": null, "InternalTransportCertificateThumbprint": null}]`)
	assert.Equal(t, []string{
		"f1:2:53: EX02: UseDowngradedExchangeServerAuth: null in the export, so whether the server may authenticate in clear is unknown",
		"f1:2:101: EX02: InternalTransportCertificateThumbprint: null in the export, so whether X-ANONYMOUSTLS is offered is unknown",
	}, lines(warnings))
	assert.True(t, top.Servers[0].DowngradedExchangeAuth)
	assert.Equal(t, "AB12", top.Servers[0].InternalTransportCertificate)
	assert.Zero(t, top.Servers[0].Missing)
	assert.Equal(t, connector.PropertyDowngradedExchangeAuth|connector.PropertyInternalTransportCertificate, top.Servers[1].Missing)

	suppressing := strings.Replace(relay, `"SuppressXAnonymousTls": false`, `"SuppressXAnonymousTls": true`, 1)
	top, warnings = read(t, twoServers, strings.Replace(suppressing, ", Custom", "", 1), `{"Name": "EX01", "UseDowngradedExchangeServerAuth": false, "InternalTransportCertificateThumbprint": "AB12"}`)
	assert.Equal(t, []string{"f0:2:1: EX02: UseDowngradedExchangeServerAuth: in no file (Get-TransportService tells it), so whether the server gets past SuppressXAnonymousTls is unknown"}, lines(warnings))
	assert.Zero(t, top.Servers[0].Missing)
	assert.Equal(t, connector.PropertyDowngradedExchangeAuth, top.Servers[1].Missing)

	require.ErrorIs(t, readError(t, `{"Name": "EX01", "UseDowngradedExchangeServerAuth": "perhaps"}`), psexport.ErrBoolean)
}

func TestDatabases(t *testing.T) {
	top, warnings := read(t, twoServers, `[{"Name": "DB1", "EdbFilePath": "x", "Server": {"Name": "EX01"}, "Mounted": true, "MountedOnServer": "EX02.contoso.com", "Servers": ["EX01", "EX02"], "ObjectClass": ["top", "msExchPrivateMDB"]},
{"Name": "DB2", "Server": "EX01", "Mounted": false, "MountedOnServer": null, "DatabaseCopies": ["DB2\\EX01", "DB2\\EX02"], "MailboxRetention": "30.00:00:00"},
{"Name": "DB3", "Server": "EX01", "Mounted": null, "MountedOnServer": null, "Servers": "{EX01, EX02...}", "ProhibitSendReceiveQuota": "2 GB"},
{"Name": "PF1", "Server": "EX02", "Mounted": true, "MountedOnServer": "EX02.contoso.com", "ObjectClass": "top msExchPublicMDB"}]`)
	assert.Equal(t, []connector.Database{
		{Name: "DB1", Kind: connector.MailboxDatabase, Mounted: "EX02", Copies: []string{"EX01", "EX02"}},
		{Name: "DB2", Kind: connector.MailboxDatabase, Copies: []string{"EX01", "EX02"}},
		{Name: "DB3", Kind: connector.MailboxDatabase, Mounted: "EX01", Copies: []string{"EX01", "EX02"}},
		{Name: "PF1", Kind: connector.PublicFolderDatabase, Mounted: "EX02"},
	}, top.Databases)
	assert.Equal(t, []string{
		"f1:3:1: DB3: MountedOnServer: not in the export without -Status, so the database is taken as mounted on EX01",
		"f1:3:88: DB3: Servers: cut off with dots, so which servers hold a copy is known in part",
	}, lines(warnings))
	_, warnings = read(t, twoServers, `{"Name": "DB1", "Mounted": true, "MountedOnServer": "EX02", "Servers": "Microsoft.Exchange.Data.Directory.ADObjectId[]", "ProhibitSendReceiveQuota": "1"}`)
	assert.Equal(t, []string{"f1:1:72: DB1: Servers: exported without its members, so which servers hold a copy is known in part"}, lines(warnings))
	// What was assumed gives way to what is told, in any order.
	assumed := `{"Name": "DB1", "Server": "EX01", "ProhibitSendReceiveQuota": "1", "Servers": "EX01", "MasterServerOrAvailabilityGroup": "DAG1"}`
	told := `{"Name": "DB1", "Server": "EX01", "Mounted": true, "MountedOnServer": "EX02", "ProhibitSendReceiveQuota": "1"}`
	for _, order := range [][]string{{assumed, told}, {told, assumed}, {assumed, assumed, told}} {
		top, warnings := read(t, order...)
		assert.Equal(t, []connector.Database{{Name: "DB1", Kind: connector.MailboxDatabase, Mounted: "EX02", Copies: []string{"EX01"}}}, top.Databases)
		assert.NotContains(t, strings.Join(lines(warnings), "\n"), "differently")
	}
	require.ErrorIs(t, readError(t, `[{"Name": "DB1", "MountedOnServer": "EX01"}, {"Name": "", "MountedOnServer": "EX01"}]`), psexport.ErrDatabaseKind)

	// Of an organization with 2010 and earlier the public-folder databases may have been forgotten.
	old := strings.ReplaceAll(twoServers, "15.1 (Build 2507.6)", "14.3 (Build 123.4)")
	_, warnings = read(t, old, `{"Name": "DB1", "Mounted": true, "MountedOnServer": "EX01", "MailboxRetention": "30"}`)
	assert.Equal(t, []string{"f0:1:2: mailbox databases are told, and no public-folder database, so public-folder replication counts as not needed (Get-PublicFolderDatabase -Status tells them)"}, lines(warnings))
	_, warnings = read(t, old, `{"databases": [{"name": "DB1", "kind": "Mailbox", "mounted": "EX01"}]}`)
	assert.Empty(t, warnings, "who writes topologies by hand knows")
}

// ServerRole as a number says nothing, the booleans beside it do.
func TestServerRoles(t *testing.T) {
	top, warnings := read(t, `[{"Name": "EX01", "ServerRole": 54, "IsMailboxServer": true, "IsClientAccessServer": true, "IsUnifiedMessagingServer": false, "IsHubTransportServer": "True", "IsEdgeServer": false, "Site": "A", "AdminDisplayVersion": "2010"},
{"Name": "EDGE01", "ServerRole": "Edge", "Site": "", "AdminDisplayVersion": "2016"}, {"Name": "EDGE02", "ServerRole": "Edge", "Site": null, "AdminDisplayVersion": "2016"}]`)
	assert.Empty(t, lines(warnings))
	assert.Equal(t, "Mailbox, ClientAccess, HubTransport", top.Servers[0].Roles.String())
	assert.Equal(t, connector.RoleEdge, top.Servers[1].Roles)
	assert.Zero(t, top.Servers[2].Missing)
	assert.Zero(t, top.Servers[1].Missing, "an Edge server has no site unless it is subscribed")
	top, warnings = read(t, `{"Name": "EX01", "AdminDisplayVersion": "15.1", "Site": "A", "Fqdn": "ex01..."}`)
	assert.Equal(t, connector.PropertyRoles|connector.PropertyFQDN, top.Servers[0].Missing)
	assert.Len(t, warnings, 2)
	top, _ = read(t, "Name,Site,ServerRole\nEX01,,Mailbox\n")
	assert.Equal(t, connector.PropertySite|connector.PropertyVersion, top.Servers[0].Missing, "any other server has one")
	top, warnings = read(t, `[{"Name": "EX0...", "AdminDisplayVersion": "15.1", "Site": "A"}, {"Identity": {"Name": "EX02"}, "AdminDisplayVersion": "15.1", "Site": "A", "ServerRole": "Mailbox"}]`)
	assert.Len(t, top.Servers, 1)
	assert.Equal(t, []string{"f0:1:2: EX0...: Name: cut off with dots, so the server is left out"}, lines(warnings))
}

// Connectors without a server: of the one their installed names end with, of the only one there is, of one without a name; where
// that is not clear nothing is guessed.
func TestConnectorsWithoutServer(t *testing.T) {
	listOf := func(names ...string) string {
		var b strings.Builder
		for _, n := range names {
			fmt.Fprintf(&b, "Name : %s\nBindings : {0.0.0.0:25}\n\n", n)
		}
		return b.String()
	}
	for _, row := range []struct {
		why    string
		texts  []string
		server string // empty: an error
		says   string
	}{
		{"the installed names tell", []string{listOf("Default Frontend EX01", "Relay", "Client Proxy ex01"), twoServers}, "EX01", "which their names end with"},
		{"there is one server only", []string{listOf("Relay"), `{"servers": [{"name": "EX07"}]}`}, "EX07", "the only one there is"},
		{"there is no server at all", []string{listOf("Relay", "Default ")}, "?", "whose name is unknown"},
		{"two servers are named", []string{listOf("Default EX01", "Default EX02")}, "", "f0:1:1: Default EX01: Server: not of the form SERVER\\Name: nothing tells the server of 2 connectors, and their names end with several; add Identity to the export"},
		{"two servers are known", []string{listOf("Relay"), twoServers}, "", "2 servers are known"},
		{"a name comes twice", []string{listOf("Relay", "relay")}, "", "there are two called relay"},
	} {
		t.Run(row.why, func(t *testing.T) {
			var r psexport.Reader
			for i, text := range row.texts {
				require.NoError(t, r.Read(fmt.Sprintf("f%d", i), strings.NewReader(text)))
			}
			top, warnings, err := r.Topology()
			if row.server == "" {
				require.ErrorIs(t, err, connector.ErrIdentity)
				assert.Contains(t, err.Error(), row.says)
				return
			}
			require.NoError(t, err)
			require.NotEmpty(t, top.Connectors)
			for _, c := range top.Connectors {
				assert.True(t, strings.EqualFold(row.server, c.ID.Server), c.ID)
			}
			texts := about(warnings, "Server")
			require.Len(t, texts, 1)
			assert.Contains(t, texts[0], row.says)
		})
	}
	// What another file tells of the same connector is merged.
	top, warnings := read(t, listOf("Default EX01", "Relay"), "Identity : ex01\\relay\nRemoteIPRanges : {10.0.0.1}\nBindings : {0.0.0.0:26}\n", listOf("Relay", "Client EX01"))
	require.Len(t, top.Connectors, 3)
	c, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	assert.Equal(t, "[0.0.0.0:26] [10.0.0.1]", fmt.Sprint(c.Bindings, c.RemoteIPRanges))
	assert.Len(t, about(warnings, "Bindings"), 2, "and contradicted")
	// Two files without a server are of two.
	top, _ = read(t, listOf("Relay"), listOf("Scanner"))
	assert.Equal(t, `?\Relay ?2\Scanner`, fmt.Sprint(top.Connectors[0].ID, " ", top.Connectors[1].ID))
	// A second server does not hide the first group's.
	top, _ = read(t, listOf("Default Frontend EX01"), listOf("Default Frontend EX02", "Relay"))
	assert.Len(t, top.Connectors, 3)
	require.ErrorIs(t, readError(t, "Comment : x\nBindings : {0.0.0.0:25}\n"), connector.ErrIdentity)
}

// Collections of a script: hash tables and objects that hold what several cmdlets gave.
func TestNestedObjects(t *testing.T) {
	for why, text := range map[string]string{
		"an object as JSON":       `{"Collected": "today", "Connectors": [` + relay + `], "Organization": {"Servers": ` + twoServers + `}}`,
		"a hash table, lowercase": `{"connectors": [` + relay + `], "servers": ` + twoServers + `}`,
		"a hash table as CLIXML": `<Objs><Obj RefId="0"><TN RefId="0"><T>System.Collections.Hashtable</T><T>System.Object</T></TN><DCT>
<En><S N="Key">Connectors</S><Obj N="Value" RefId="1"><LST><Obj RefId="2"><TN RefId="1"><T>Deserialized.Microsoft.Exchange.Data.Directory.SystemConfiguration.ReceiveConnector</T></TN><Props><S N="Identity">EX01\Relay</S><S N="Bindings">0.0.0.0:25</S></Props></Obj></LST></Obj></En>
<En><S N="Key">Servers</S><Obj N="Value" RefId="3"><LST><Obj RefId="4"><Props><S N="Name">EX01</S><S N="ServerRole">Mailbox</S></Props></Obj><Obj RefId="5"><Props><S N="Name">EX02</S><S N="ServerRole">Mailbox</S></Props></Obj></LST></Obj></En>
<En><S N="Key">Itself</S><Ref N="Value" RefId="0" /></En></DCT></Obj></Objs>`,
	} {
		top, _ := read(t, text)
		assert.Len(t, top.Connectors, 1, why)
		assert.Len(t, top.Servers, 2, why)
	}
	// What an object of Exchange holds is its own business.
	err := readError(t, `<Objs><Obj RefId="0"><TN RefId="0"><T>Microsoft.Exchange.Data.Directory.Management.Mailbox</T></TN><Props><Obj N="x" RefId="1"><Props><S N="Identity">EX01\A</S><S N="Bindings">x</S></Props></Obj></Props></Obj></Objs>`)
	require.ErrorIs(t, err, psexport.ErrOtherCmdlet)
}

// Files of other kinds: one sentence that says what it is and what to export instead.
func TestForeignFiles(t *testing.T) {
	const instead = "; write Get-ReceiveConnector | Export-Clixml FILE and read that"
	for _, row := range []struct {
		why, in, says string
		want          error
	}{
		{"a web page", "\r\n<!DOCTYPE html>\n<html><body><pre>Identity : EX01\\A</pre></body></html>", "f: XML, but not what Export-Clixml writes, but a web page (HTML)" + instead, psexport.ErrHTML},
		{"a piece of a web page", "<HTML><body></body></html>", "a web page (HTML)" + instead, psexport.ErrNotCLIXML},
		{"the XML of a tool with a header", "<?xml version=\"1.0\"?>\n<report><header/></report>", "f:2: XML, but not what Export-Clixml writes: the outermost element is <report>" + instead, psexport.ErrNotCLIXML},
		{"the XML of another tool", "<?xml version=\"1.0\"?>\n<configuration/>", "f:2: XML, but not what Export-Clixml writes: the outermost element is <configuration>" + instead, psexport.ErrNotCLIXML},
		{"the JSON of another tool", "\n[{\"resource\": \"vm\"}]", "f:2:2: not the output of Get-ReceiveConnector or another cmdlet that is read here: an object with the properties resource" + instead, psexport.ErrOtherCmdlet},
		{"Exchange Online as JSON", `[{"Name": "In", "SenderIPAddresses": ["1.2.3.4"], "ConnectorType": "OnPremises"}]`, "an inbound connector of Exchange Online (Get-InboundConnector), which has no receive connectors; on a server write", psexport.ErrOtherCmdlet},
		{"Exchange Online as text", "[PS] C:\\>Get-InboundConnector | fl\n\nName : In\nEnabled : True\n", "an inbound connector of Exchange Online", psexport.ErrOtherCmdlet},
		{"Exchange Online as CLIXML", `<Objs><Obj><TN><T>Deserialized.Microsoft.Exchange.Management.SystemConfigurationTasks.TenantInboundConnector</T></TN></Obj></Objs>`, "an inbound connector of Exchange Online", psexport.ErrOtherCmdlet},
		{"Send connectors", "Identity : To Internet\nAddressSpaces : {SMTP:*;1}\nSmartHosts : {}\n", "f:1:1: not the output of Get-ReceiveConnector or another cmdlet that is read here: a Send connector (Get-SendConnector), which has no say about inbound connections" + instead, psexport.ErrOtherCmdlet},
		{"a protocol log", "#Software: Microsoft Exchange Server\r\n#Version: 15.0.0.0\r\n", "f: not what the Exchange Management Shell writes, but an SMTP protocol log, which does not tell how the connectors are set" + instead, psexport.ErrUnknownForm},
		{"lines of a protocol log", "2023-01-16T11:00:12.100Z,EX01\\A,08DAF,0,10.0.0.1:25,10.0.0.2:1,+,,\n", "an SMTP protocol log", psexport.ErrUnknownForm},
		{"a script", "# set it up\nNew-ReceiveConnector -Name Relay `\n  -Bindings 0.0.0.0:25\n", "commands of a script, not their output" + instead, psexport.ErrUnknownForm},
		{"a list of addresses", "\n10.0.0.1\n10.0.0.0/24\n", "a list of addresses, which does not tell the connector they belong to" + instead, psexport.ErrUnknownForm},
		{"a manual", "Run this:\n\nGet-DatabaseAvailabilityGroupNetwork\n\nNote: it takes long.\n", "an object with the properties note" + instead, psexport.ErrOtherCmdlet},
		{"a letter", "Dear all,\nit does not work.\n", "text that holds no properties of objects" + instead, psexport.ErrUnknownForm},
		{"a mark of CLIXML and no more", "#< CLIXML\n", "the file is empty", psexport.ErrEmptyFile},
	} {
		t.Run(row.why, func(t *testing.T) {
			err := readError(t, row.in)
			require.ErrorIs(t, err, row.want)
			assert.Contains(t, err.Error(), row.says)
			assert.NotContains(t, err.Error(), "\n", "one line")
		})
	}
	// With the mark of a shell that was told to answer in XML.
	top, _ := read(t, "#< CLIXML\r\n<Objs><Obj RefId=\"0\"><Props><S N=\"Identity\">EX01\\A</S><S N=\"Bindings\">0.0.0.0:25</S></Props></Obj></Objs>")
	assert.Equal(t, "f0:2", top.Connectors[0].Source.String())
}

// Objects that went through JSON and came back as text.
func TestSqueezedObjects(t *testing.T) {
	top, warnings := read(t, `[{"Identity": "@{OrgHierarchyToIgnore=; IsDeleted=False; Rdn=CN=Default; internal EX1; Depth=11; DistinguishedName=CN=Default; internal EX1,CN=SMTP Receive Connectors,CN=Protocols,CN=ex1,CN=Servers,CN=x; Name=Default; internal EX1}",
"PermissionGroups": "@{Value=AnonymousUsers, ExchangeServers, Partners}", "AuthMechanism": "@{value=17; Value=Tls, ExchangeServer}", "TransportRole": "@{Value=HubTransport}", "Bindings": ["@{Port=25; AddressFamily=2; Address=0.0.0.0}"],
"RemoteIPRanges": ["@{LowerBound=10.0.0.1; UpperBound=10.0.0.9; RangeFormat=1}", "@{LowerBound=10.3.0.1; UpperBound=10.3.0.1; RangeFormat=0}", "@{Expression=10.1.0.0/16}"], "Enabled": true, "Fqdn": "@{Domain=ex1.contoso.com; Length=15}", "RequireTLS": false, "SuppressXAnonymousTls": false, "EnableAuthGSSAPI": false, "DomainSecureEnabled": false}]`)
	assert.Empty(t, lines(warnings))
	require.Len(t, top.Connectors, 1)
	c := top.Connectors[0]
	assert.Equal(t, []string{`ex1\Default; internal EX1 [0.0.0.0:25] [10.0.0.1-10.0.0.9 10.3.0.1 10.1.0.0/16] Tls, ExchangeServer`}, brief(top.Connectors))
	assert.Equal(t, connector.GroupAnonymousUsers|connector.GroupExchangeServers|connector.GroupPartners, c.PermissionGroups)
	assert.Equal(t, "ex1.contoso.com", c.FQDN)
	top, _ = read(t, `{"Identity": "EX01\\R", "Bindings": "0.0.0.0:25", "RemoteIPRanges": "@{LowerBound=10.0.5.0; UpperBound=10.0.5.255; Expression=10.0.5.0/24} @{Expression=10.0.6.0/24}"}`)
	assert.Equal(t, "[10.0.5.0/24 10.0.6.0/24]", fmt.Sprint(top.Connectors[0].RemoteIPRanges))
	top, _ = read(t, `{"Identity": "EX01\\R", "Bindings": "0.0.0.0:25", "RemoteIPRanges": "@{Expression=10.0.5.0/24} @{Expression=10.0.6"}`)
	assert.True(t, top.Connectors[0].Missing.Has(connector.PropertyRemoteIPRanges), "the second is cut off")
	for _, broken := range []string{"@{", "@{x", "@{}", "@{=}", "@{a; b}"} {
		var r psexport.Reader
		_ = r.Read("f", strings.NewReader(`{"Identity": "`+broken+`", "Bindings": "`+broken+`"}`))
	}
}

// An Edge subscription tells the site of an Edge Transport server, and that there is one.
func TestEdgeSubscriptions(t *testing.T) {
	const server = `{"Name": "EDGE01", "Fqdn": "edge01.perimeter.contoso.com", "Site": "", "AdminDisplayVersion": "Version 15.1 (Build 2507.6)", "ServerRole": "Edge"}`
	for what, in := range map[string][]string{
		"as JSON":         {server, `[{"Name": "EDGE01", "Site": "contoso.com/Configuration/Sites/Main", "Domain": "perimeter.contoso.com"}]`},
		"before the list": {`[{"Name": "EDGE01", "Site": {"Name": "Main"}, "Domain": "perimeter.contoso.com"}]`, server},
		"as text":         {server, "[PS] C:\\>Get-EdgeSubscription | fl\n\nName : EDGE01\nSite : contoso.com/Configuration/Sites/Main\nDomain : perimeter.contoso.com\n"},
		"as a table":      {server, "Name            Site                 Domain\n----            ----                 ------\nEDGE01          contoso.com/Config... contoso.com\n"},
		"alone":           {`[{"Name": "EDGE01", "Site": "Main", "Domain": "perimeter.contoso.com"}]`},
	} {
		top, warnings := read(t, in...)
		require.Len(t, top.Servers, 1, what)
		s := top.Servers[0]
		assert.Equal(t, "EDGE01", s.Name, what)
		assert.Equal(t, connector.RoleEdge, s.Roles, what)
		if what == "as a table" {
			assert.Empty(t, s.Site)
			assert.True(t, s.Missing.Has(connector.PropertySite), "cut off")
			assert.Len(t, about(warnings, "Site"), 1)
			continue
		}
		assert.Equal(t, "Main", s.Site, what)
		assert.False(t, s.Missing.Has(connector.PropertySite), what)
	}
	var r psexport.Reader
	assert.ErrorIs(t, r.Read("f", strings.NewReader(`[{"Name": "", "Site": "Main", "Domain": "x"}]`)), connector.ErrEmpty)
}
