package psexport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

// Everything a topology can hold comes back, down to what is missing and what was told twice; the order is by name, and what
// decides ties stays.
func TestWriteText(t *testing.T) {
	zone := connector.MustParseRange("fe80::1%11")
	top := &connector.Topology{
		Servers: []connector.Server{
			{Name: "ex02", FQDN: "ex02.contoso.com", Site: "Site with blanks", DAG: "DAG1", Version: connector.MustParseVersion("2019 or SE"), Roles: connector.RoleEdge,
				Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::2")}, DowngradedExchangeAuth: true, InternalTransportCertificate: "AB12",
				Missing: connector.PropertyDAG, Conflicting: connector.PropertyDAG},
			{Name: "EX01", Missing: connector.PropertyVersion | connector.PropertyAddresses | connector.PropertyDowngradedExchangeAuth},
			{Name: "EX03"},
		},
		Connectors: []connector.ReceiveConnector{
			{ID: connector.ID{Server: "EX02", Name: "Z"}, RemoteIPRanges: []connector.Range{zone}, Missing: connector.PropertyRemoteIPRanges | connector.PropertyRights, Conflicting: connector.PropertyRemoteIPRanges},
			{ID: connector.ID{Server: "EX01", Name: "of ex01 "}, Disabled: true, TransportRole: connector.HubTransport},
			{ID: connector.ID{Server: "ex02", Name: "A"}, Bindings: []netip.AddrPort{connector.MustParseBinding("[fe80::1]:25")}, PermissionGroups: connector.GroupCustom,
				Rights: []connector.Grant{{Principal: `CONTOSO\relay-svc`, Right: "ms-Exch-SMTP-Submit", Deny: true}}, Missing: connector.PropertyAuthMechanism | connector.PropertyEnabled},
		},
		Databases: []connector.Database{{Name: "PF 1", Kind: connector.PublicFolderDatabase, Mounted: "EX01", Copies: []string{"EX01"}}, {Name: "DB1", Kind: connector.MailboxDatabase}},
		Networks:  []connector.Network{{Name: "lab", Kind: connector.NetworkPlanned}, {Name: "balancers", Kind: connector.NetworkBalancer, Ranges: []connector.Range{connector.MustParseRange("10.9.0.0/24"), zone}}},
		Accepted:  []connector.Acceptance{{Check: "RC005", Reason: "meant"}, {Check: "RC202", Subject: `EX01\Relay`, Ranges: []connector.Range{connector.MustParseRange("10.0.5.0/28"), zone}, Reason: "a network of its own, since May"}},
	}
	text := written(psexport.WriteText, top)
	assert.Equal(t, `Name                      : EX01
ServerRole                : None
Missing                   : Version, Addresses, UseDowngradedExchangeServerAuth

Name                      : ex02
Fqdn                      : ex02.contoso.com
Site                      : Site with blanks
DatabaseAvailabilityGroup : DAG1
AdminDisplayVersion       : 2019 or SE
ServerRole                : Edge
Addresses                 : {10.0.0.2,
                            fd00::2}
UseDowngradedExchangeServerAuth: True
InternalTransportCertificateThumbprint: AB12
Missing                   : DAG
Conflicting               : DAG

Name                      : EX03
ServerRole                : None
Missing                   : None

Identity                  : EX01\of ex01 `+`
TransportRole             : HubTransport
Enabled                   : False
AuthMechanism             : None
PermissionGroups          : None
Missing                   : None

Identity                  : EX02\Z
Enabled                   : True
RemoteIPRanges            : {fe80::1%11}
AuthMechanism             : None
PermissionGroups          : None
Missing                   : RemoteIPRanges, Rights
Conflicting               : RemoteIPRanges

Identity                  : ex02\A
Enabled                   : True
Bindings                  : {[fe80::1]:25}
AuthMechanism             : None
PermissionGroups          : Custom
Rights                    : {-CONTOSO\relay-svc: ms-Exch-SMTP-Submit}
Missing                   : AuthMechanism, Enabled

Name                      : DB1
ObjectClass               : {msExchPrivateMDB}
Mounted                   : False
Missing                   : None

Name                      : PF 1
ObjectClass               : {msExchPublicMDB}
Mounted                   : True
MountedOnServer           : EX01
DatabaseCopies            : {EX01}
Missing                   : None

Name                      : balancers
NetworkKind               : Balancer
Ranges                    : {10.9.0.0/24,
                            fe80::1%11}
Missing                   : None

Name                      : lab
NetworkKind               : Planned
Missing                   : None

AcceptedCheck             : RC005
Reason                    : meant
Missing                   : None

AcceptedCheck             : RC202
Subject                   : EX01\Relay
Ranges                    : {10.0.5.0/28,
                            fe80::1%11}
Reason                    : a network of its own, since May
Missing                   : None
`, text)
	got, warnings := read(t, text)
	assert.Empty(t, lines(warnings))
	assert.Equal(t, text, written(psexport.WriteText, got))
	direct, _ := read(t, nativeJSON(top))
	assert.Equal(t, written(psexport.WriteJSON, direct), written(psexport.WriteJSON, func() *connector.Topology {
		back := got.Clone() // in the order of the original
		back.Servers[0], back.Servers[1] = back.Servers[1], back.Servers[0]
		back.Connectors[0], back.Connectors[1] = back.Connectors[1], back.Connectors[0]
		back.Databases[0], back.Databases[1] = back.Databases[1], back.Databases[0]
		back.Networks[0], back.Networks[1] = back.Networks[1], back.Networks[0]
		return back
	}()))
}

// What the text form cannot hold is refused, all of it, rather than written so that it reads as something else.
func TestWriteTextRefuses(t *testing.T) {
	id := connector.ID{Server: "EX01", Name: "A"}
	for why, top := range map[string]*connector.Topology{
		"a line end in a name":             {Connectors: []connector.ReceiveConnector{{ID: connector.ID{Server: "EX01", Name: "a\nb"}}}},
		"dots behind a name":               {Connectors: []connector.ReceiveConnector{{ID: connector.ID{Server: "EX01", Name: "a..."}}}},
		"a name that looks like an object": {Servers: []connector.Server{{Name: "@{a=b}"}}},
		"a name that looks like a list":    {Servers: []connector.Server{{Name: "{a}"}}},
		"a name that looks like a type":    {Servers: []connector.Server{{Name: "EX01", FQDN: "System.Object"}}},
		"a blank in front":                 {Servers: []connector.Server{{Name: " EX01"}}},
		"a blank behind":                   {Servers: []connector.Server{{Name: "EX01 "}}},
		"a no-break space":                 {Servers: []connector.Server{{Name: "EX\u00a001"}}},
		"a form feed in a name":            {Servers: []connector.Server{{Name: "a\fb"}}},
		"a no-break space in a principal":  {Connectors: []connector.ReceiveConnector{{ID: id, Rights: []connector.Grant{{Principal: "a\u00a0b", Right: "x"}}}}},
		"no name":                          {Servers: []connector.Server{{Site: "A"}}},
		"half a character":                 {Servers: []connector.Server{{Name: "EX\xff"}}},
		"a path for a site":                {Servers: []connector.Server{{Name: "EX01", Site: "a/b"}}},
		"a copy with a blank":              {Databases: []connector.Database{{Name: "DB1", Kind: connector.MailboxDatabase, Copies: []string{"a b"}}}},
		"a copy without a name":            {Databases: []connector.Database{{Name: "DB1", Kind: connector.MailboxDatabase, Copies: []string{""}}}},
		"a copy with a domain":             {Databases: []connector.Database{{Name: "DB1", Kind: connector.MailboxDatabase, Copies: []string{"EX01.contoso.com"}}}},
		"a mount with a domain":            {Databases: []connector.Database{{Name: "DB1", Kind: connector.MailboxDatabase, Mounted: "EX01.contoso.com"}}},
		"a colon in a principal":           {Connectors: []connector.ReceiveConnector{{ID: id, Rights: []connector.Grant{{Principal: "a: b", Right: "x"}}}}},
		"a dash before a principal":        {Connectors: []connector.ReceiveConnector{{ID: id, Rights: []connector.Grant{{Principal: "-a", Right: "x"}}}}},
		"a blank before a principal":       {Connectors: []connector.ReceiveConnector{{ID: id, Rights: []connector.Grant{{Principal: " a", Right: "x"}}}}},
		"a blank behind a right":           {Connectors: []connector.ReceiveConnector{{ID: id, Rights: []connector.Grant{{Principal: "a", Right: "x "}}}}},
		"a comma in a right":               {Connectors: []connector.ReceiveConnector{{ID: id, Rights: []connector.Grant{{Principal: "a", Right: "x,y"}}}}},
	} {
		t.Run(why, func(t *testing.T) {
			err := psexport.WriteText(io.Discard, top)
			require.ErrorIs(t, err, psexport.ErrNoText)
			var me *connector.ModelError
			require.ErrorAs(t, err, &me)
			assert.NotEmpty(t, me.Path)
		})
	}
	err := psexport.WriteText(io.Discard, &connector.Topology{Servers: []connector.Server{{Name: "a\nb"}, {Name: "c", Site: "d\te"}}})
	assert.Equal(t, "a\nb: Name: \"a\\nb\": cannot be written as text\nc: Site: \"d\\te\": cannot be written as text", err.Error())
}

type broken struct{}

var errDisk = errors.New("disk full")

func (broken) Write([]byte) (int, error) { return 0, errDisk }

func TestWriteErrors(t *testing.T) {
	top := gen.Organization(gen.Rand(1))
	require.ErrorIs(t, psexport.WriteText(broken{}, top), errDisk)
	require.ErrorIs(t, psexport.WriteJSON(broken{}, top), errDisk)
	require.Error(t, psexport.WriteJSON(io.Discard, &connector.Topology{Connectors: []connector.ReceiveConnector{{RemoteIPRanges: make([]connector.Range, 1)}}}), "an invalid range")
}

func ExampleWriteText() {
	var r psexport.Reader
	err := r.Read("relay.csv", strings.NewReader(`Identity,TransportRole,Bindings,RemoteIPRanges,AuthMechanism,PermissionGroups,Enabled
EX01\Relay,FrontendTransport,0.0.0.0:25,10.0.5.0/24;10.0.6.7,Tls,AnonymousUsers,True
`))
	if err != nil {
		fmt.Println(err)
	}
	t, _, _ := r.Topology()
	if err := psexport.WriteText(os.Stdout, t); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Identity                  : EX01\Relay
	// TransportRole             : FrontendTransport
	// Enabled                   : True
	// Bindings                  : {0.0.0.0:25}
	// RemoteIPRanges            : {10.0.5.0/24,
	//                             10.0.6.7}
	// AuthMechanism             : Tls
	// PermissionGroups          : AnonymousUsers
	// Missing                   : Fqdn, RequireTLS, SuppressXAnonymousTls, EnableAuthGSSAPI, DomainSecureEnabled, SizeEnabled, MaxMessageSize, Extensions
}

func ExampleWriteJSON() {
	t := &connector.Topology{Connectors: []connector.ReceiveConnector{{
		ID: connector.ID{Server: "EX01", Name: "Relay"}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")},
		RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.5.0/24")}, PermissionGroups: connector.GroupAnonymousUsers,
	}}}
	var b bytes.Buffer
	if err := psexport.WriteJSON(&b, t); err != nil {
		fmt.Println(err)
	}
	fmt.Print(b.String())
	// Output:
	// {
	//   "connectors": [
	//     {
	//       "identity": "EX01\\Relay",
	//       "bindings": [
	//         "0.0.0.0:25"
	//       ],
	//       "remoteIPRanges": [
	//         "10.0.5.0/24"
	//       ],
	//       "permissionGroups": "AnonymousUsers"
	//     }
	//   ]
	// }
}

// What a shell shows, cut off as shells do: the loss is told, with its place and what it makes unknown.
func ExampleReader_Read() {
	var r psexport.Reader
	err := r.Read("pasted.txt", strings.NewReader(`[PS] C:\>Get-ReceiveConnector EX01\Relay | fl Identity,Enabled,Bindings,RemoteIPRanges,AuthMechanism,PermissionGroups,Fqdn,RequireTLS,SuppressXAnonymousTls,EnableAuthGSSAPI,DomainSecureEnabled

Identity              : EX01\Relay
Enabled               : True
Bindings              : {0.0.0.0:25}
RemoteIPRanges        : {10.0.0.1–10.0.0.9, 10.0.1.1, 10.0.1.2, 10.0.1.3...}
AuthMechanism         : Tls
PermissionGroups      : AnonymousUsers
Fqdn                  : ex01.contoso.com
RequireTLS            : False
SuppressXAnonymousTls : False
EnableAuthGSSAPI      : False
DomainSecureEnabled   : False
`))
	t, warnings, _ := r.Topology()
	fmt.Println(t.Connectors[0].RemoteIPRanges, "missing:", t.Connectors[0].Missing)
	for _, w := range warnings {
		fmt.Println(w)
	}
	fmt.Println(err)
	// Output:
	// [10.0.0.1-10.0.0.9 10.0.1.1 10.0.1.2 10.0.1.3] missing: RemoteIPRanges, SizeEnabled, MaxMessageSize, Extensions
	// pasted.txt:6:25: EX01\Relay: RemoteIPRanges: cut off with dots, so whom the connector serves is unknown
	// <nil>
}

// What is accepted survives both forms, is told once by two files, and needs a check and a reason.
func TestAcceptances(t *testing.T) {
	top := &connector.Topology{Accepted: []connector.Acceptance{
		{Check: "RC202", Subject: `*\Scanners`, Ranges: []connector.Range{connector.MustParseRange("10.0.5.0/28")}, Reason: `a network of its own, "said" Bob`},
		{Check: "RC905", Reason: "nobody listed the servers"}}}
	for name, write := range map[string]func(io.Writer, *connector.Topology) error{"text": psexport.WriteText, "json": psexport.WriteJSON} {
		text := written(write, top)
		var r psexport.Reader
		require.NoError(t, r.Read("a", strings.NewReader(text)), name)
		require.NoError(t, r.Read("b", strings.NewReader(text)), name)
		got, warnings, err := r.Topology()
		require.NoError(t, err, name)
		assert.Empty(t, warnings, name)
		assert.True(t, top.Equal(got), "%s: %v", name, got.Accepted)
		assert.Equal(t, "a", got.Accepted[0].Source.File)
		assert.NotZero(t, got.Accepted[0].Source.Line)
	}
	var r psexport.Reader
	err := r.Read("a", strings.NewReader("AcceptedCheck : RC202\nSubject : EX01\nMissing : None\n"))
	var e *connector.ModelError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 1, e.Source.Line)
	assert.ErrorIs(t, err, connector.ErrEmpty)
	assert.ErrorIs(t, psexport.WriteText(io.Discard, &connector.Topology{Accepted: []connector.Acceptance{{Check: "RC1", Reason: "two\nlines"}}}), psexport.ErrNoText)
}
