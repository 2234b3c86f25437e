package psexport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/topojson"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

func read(t *testing.T, texts ...string) (*connector.Topology, []psexport.Warning) {
	t.Helper()
	var r psexport.Reader
	for i, text := range texts {
		require.NoError(t, r.Read(fmt.Sprintf("f%d", i), strings.NewReader(text)))
	}
	top, warnings, err := r.Topology()
	require.NoError(t, err)
	return top, warnings
}

func readError(t *testing.T, text string) error {
	t.Helper()
	var r psexport.Reader
	err := r.Read("f", strings.NewReader(text))
	require.Error(t, err)
	return err
}

// lines renders warnings, a line each.
func lines(ws []psexport.Warning) (s []string) {
	for _, w := range ws {
		s = append(s, w.String())
	}
	return s
}

// The same content in every dialect gives equal models, without a warning.
func TestDialectsAgree(t *testing.T) {
	for seed := range uint64(40) {
		top := inTextOrder(gen.Organization(gen.Rand(seed)))
		for name, write := range dialects {
			got, warnings := read(t, write(top))
			got.Databases = inTextOrder(got).Databases // cmdlets give them by kind
			assert.Empty(t, lines(warnings), "%s, seed %d", name, seed)
			if !top.Equal(got) {
				require.Equal(t, nativeJSON(top), nativeJSON(got), "%s, seed %d:\n%s", name, seed, write(top))
			}
		}
	}
}

func TestServers(t *testing.T) {
	clixml := `<Objs><Obj RefId="0"><TN RefId="0"><T>Deserialized.Microsoft.Exchange.Data.Directory.Management.ExchangeServer</T></TN>
<ToString>EX01</ToString><Props><S N="Name">EX01</S><S N="Fqdn">ex01.contoso.com</S>
<Obj N="Site" RefId="1"><ToString>contoso.com/Configuration/Sites/DC1</ToString></Obj>
<Obj N="ServerRole" RefId="2"><ToString>Mailbox, ClientAccess, HubTransport</ToString><I32>38</I32></Obj>
<Obj N="AdminDisplayVersion" RefId="3"><ToString>Version 14.3 (Build 123.4)</ToString></Obj>
<Obj N="ExchangeVersion" RefId="4"><ToString>0.1 (8.0.535.0)</ToString></Obj></Props></Obj></Objs>`
	json := `{"Name": "EX02", "Fqdn": "ex02.contoso.com", "Site": {"Name": "DC2", "DistinguishedName": "CN=DC2,CN=Sites"},
"ServerRole": "Mailbox, ClientAccess", "AdminDisplayVersion": {"Major": 15, "Minor": 1, "Build": 2507, "Revision": 6}, "DatabaseAvailabilityGroup": "DAG1"}`
	native := `{"servers": [{"name": "ex01", "addresses": ["10.0.0.1"], "dag": "DAG1", "version": "2010"}]}`
	for _, order := range [][]string{{clixml, json, native}, {native, json, clixml}} {
		top, warnings := read(t, order...)
		assert.Empty(t, warnings)
		require.Len(t, top.Servers, 2)
		s, _ := top.Server("EX01")
		assert.Equal(t, "DC1 DAG1 2010 Mailbox, ClientAccess, HubTransport", strings.Join([]string{s.Site, s.DAG, s.Version.Generation().String(), s.Roles.String()}, " "))
		assert.Equal(t, "ex01.contoso.com", s.FQDN)
		assert.Len(t, s.Addresses, 1)
		s, _ = top.Server("EX02")
		assert.Equal(t, "DC2 DAG1 Version 15.1 (Build 2507.6) Mailbox, ClientAccess", strings.Join([]string{s.Site, s.DAG, s.Version.String(), s.Roles.String()}, " "))
	}
}

func TestServerWarnings(t *testing.T) {
	top, warnings := read(t, `[{"Name": "EX01", "ServerRole": 54, "Site": null}]`)
	assert.Equal(t, connector.PropertySite|connector.PropertyVersion|connector.PropertyRoles, top.Servers[0].Missing)
	assert.Equal(t, []string{
		"f0:1:33: EX01: ServerRole: exported as a number, whose meaning is not documented, so the server is assumed to hold every role",
		"f0:1:45: EX01: Site: null in the export, so which servers are in one site is unknown",
		"f0:1:2: EX01: AdminDisplayVersion: not in the export, so the flows of the server are unknown",
	}, lines(warnings))

	// What another file tells is no longer missing.
	top, _ = read(t, `[{"Name": "EX01", "ServerRole": 54, "Site": null}]`, `{"servers": [{"name": "EX01", "site": "S", "version": "2016", "roles": "Mailbox"}]}`)
	assert.Zero(t, top.Servers[0].Missing)
}

func TestConnectorWarnings(t *testing.T) {
	top, warnings := read(t, `[{"Identity": "EX01\\A", "Bindings": ["0.0.0.0:25"], "RemoteIPRanges": ["10.0.0.1", "10.0.0.2..."], "AuthMechanism": null, "Enabled": true},
{"Name": "X", "ServerRole2": "y"}]`)
	require.Len(t, top.Connectors, 1)
	c := top.Connectors[0]
	assert.Equal(t, "RemoteIPRanges, AuthMechanism, PermissionGroups, Fqdn, RequireTLS, SuppressXAnonymousTls, EnableAuthGSSAPI, DomainSecureEnabled, SizeEnabled, MaxMessageSize, Extensions", c.Missing.String())
	assert.Len(t, c.RemoteIPRanges, 2, "the dots stand for what follows the second")
	assert.Equal(t, []string{
		`f0:1:72: EX01\A: RemoteIPRanges: cut off with dots, so whom the connector serves is unknown`,
		`f0:1:118: EX01\A: AuthMechanism: null in the export, so whether Exchange servers can authenticate is unknown`,
		`f0:1:2: EX01\A: PermissionGroups: not in the export, so who may submit is unknown`,
		`f0:1:2: EX01\A: RequireTLS, SuppressXAnonymousTls, EnableAuthGSSAPI, DomainSecureEnabled, Fqdn: not in the export, so what clients are offered there is known in part only`,
		`f0:2:1: an object with the properties name, serverrole2: 1 object of other cmdlets left out, so nothing they tell is used`,
	}, lines(warnings))
}

// Enums as text, as numbers, as value/Value objects, as lists; collections as lists, wrapped, as one text, as objects.
func TestJSONShapes(t *testing.T) {
	want, _ := read(t, `{"Identity": "EX01\\A", "Server": "EX01", "Bindings": ["0.0.0.0:25", "[::]:25"], "RemoteIPRanges": ["10.0.0.0/8", "10.0.0.1-10.0.0.9"],
"AuthMechanism": "Tls, ExchangeServer", "PermissionGroups": "ExchangeServers", "TransportRole": "FrontendTransport", "Enabled": false,
"Fqdn": "ex01.contoso.com", "RequireTLS": true, "SuppressXAnonymousTls": false, "EnableAuthGSSAPI": false, "DomainSecureEnabled": false}`)
	require.Len(t, want.Connectors, 1)
	require.True(t, want.Connectors[0].Disabled)
	for why, text := range map[string]string{
		"numbers and wrapped collections": `[{"Identity": "EX01\\A", "Bindings": {"value": ["0.0.0.0:25", "[::]:25"], "Count": 2}, "RemoteIPRanges": {"value": ["10.0.0.0/8", "10.0.0.1-10.0.0.9"], "Count": 2},
"AuthMechanism": 17, "PermissionGroups": {"value": 4}, "TransportRole": 16384, "Enabled": "False", "Fqdn": {"Domain": "ex01.contoso.com"}, "RequireTLS": "TRUE", "SuppressXAnonymousTls": false, "EnableAuthGSSAPI": false, "DomainSecureEnabled": false}]`,
		"value/Value objects and flattened collections": `{"Identity": {"Name": "A", "DistinguishedName": "CN=A,CN=SMTP Receive Connectors,CN=Protocols,CN=EX01,CN=Servers"}, "Name": "A",
"Bindings": "0.0.0.0:25 [::]:25", "RemoteIPRanges": "{10.0.0.0/8, 10.0.0.1-10.0.0.9}", "AuthMechanism": {"value": 17, "Value": "Tls, ExchangeServer"},
"PermissionGroups": {"Value": "ExchangeServers"}, "TransportRole": {"value": 16384, "Value": "FrontendTransport"}, "Enabled": false,
"Fqdn": "ex01.contoso.com", "RequireTLS": true, "SuppressXAnonymousTls": false, "EnableAuthGSSAPI": false, "DomainSecureEnabled": false}`,
		"objects as deep as they go": `{"value": [{"Name": "A", "Server": {"Name": "EX01"}, "Bindings": [{"Port": 25, "AddressFamily": 2, "Address": {"IPAddressToString": "0.0.0.0"}}, {"Port": 25, "Address": {"IPAddressToString": "::"}}],
"RemoteIPRanges": [{"Expression": "10.0.0.0/8", "LowerBound": "10.0.0.0"}, {"LowerBound": "10.0.0.1", "UpperBound": "10.0.0.9", "RangeFormat": 1}],
"AuthMechanism": ["Tls", "ExchangeServer"], "PermissionGroups": ["ExchangeServers"], "TransportRole": "Frontend", "Enabled": false,
"Fqdn": "ex01.contoso.com", "RequireTLS": true, "SuppressXAnonymousTls": false, "EnableAuthGSSAPI": false, "DomainSecureEnabled": false}], "Count": 1}`,
		"a distinguished name for the server": `{"Name": "A", "Server": "CN=EX01,CN=Servers,DC=contoso", "Bindings": ["0.0.0.0:25", "[::]:25"], "RemoteIPRanges": ["10.0.0.0/8", "10.0.0.1-10.0.0.9"],
"AuthMechanism": "Tls, ExchangeServer", "PermissionGroups": "ExchangeServers", "TransportRole": "FrontendTransport", "Enabled": false,
"Fqdn": "ex01.contoso.com", "RequireTLS": true, "SuppressXAnonymousTls": false, "EnableAuthGSSAPI": false, "DomainSecureEnabled": false}`,
	} {
		got, warnings := read(t, text)
		assert.Empty(t, warnings, why)
		assert.True(t, want.Equal(got), why)
	}
}

// Export-Clixml of Select-Object, of a collection as one object, with references and escapes.
func TestCLIXMLShapes(t *testing.T) {
	top, warnings := read(t, `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj RefId="0">
<TN RefId="0"><T>System.Object[]</T></TN><LST>
<Obj RefId="1"><TN RefId="1"><T>Selected.Microsoft.Exchange.ReceiveConnector</T></TN><MS>
<S N="Identity">EX01\Relay_x0020__x005F_ _xD834__xDD1E_ _xD83D__x0041_ _xZZZZ_</S>
<Obj N="Bindings" RefId="2"><LST><S>0.0.0.0:25</S></LST></Obj>
<Obj N="RemoteIPRanges" RefId="3"><LST><Obj RefId="4"><ToString>10.0.0.1</ToString><Props><S N="Size">::1</S></Props></Obj></LST></Obj>
<Obj N="AuthMechanism" RefId="5"><I32>17</I32></Obj><S N="PermissionGroups">None</S><B N="Enabled">true</B><Nil N="Fqdn" />
<S N="RequireTLS">False</S><B N="SuppressXAnonymousTls">false</B><B N="EnableAuthGSSAPI">false</B><B N="DomainSecureEnabled">false</B>
<BA N="SerializationData">AAEAAAD</BA><Obj N="Dictionary" RefId="9"><DCT><En><S N="Key">a</S></En></DCT></Obj></MS></Obj>
<Obj RefId="11"><TNRef RefId="1" /><MS><S N="Identity">EX02\Relay</S><Ref N="Bindings" RefId="2" /><Ref N="RemoteIPRanges" RefId="3" />
<Ref N="AuthMechanism" RefId="5" /><S N="PermissionGroups">None</S><B N="Enabled">true</B><Nil N="Fqdn" />
<B N="RequireTLS">false</B><B N="SuppressXAnonymousTls">false</B><B N="EnableAuthGSSAPI">false</B><B N="DomainSecureEnabled">false</B></MS></Obj>
</LST></Obj></Objs>
<!-- the end -->
`)
	assert.Empty(t, warnings)
	require.Len(t, top.Connectors, 2)
	assert.Equal(t, "Relay _ 𝄞 \ufffdA _xZZZZ_", top.Connectors[0].ID.Name)
	assert.Equal(t, "EX02", top.Connectors[1].ID.Server)
	for _, c := range top.Connectors {
		assert.Equal(t, "0.0.0.0:25", c.Bindings[0].String())
		assert.Equal(t, "10.0.0.1", c.RemoteIPRanges[0].String())
		assert.Equal(t, connector.AuthTLS|connector.AuthExchangeServer, c.AuthMechanism)
		assert.Zero(t, c.Missing&^announced)
	}
	assert.Equal(t, "f0:3", top.Connectors[0].Source.String())
}

// Everything that cannot be read is an error, with file, line, object, property, offset and reason.
func TestValueErrors(t *testing.T) {
	err := readError(t, `[{"Identity": "EX01\\A", "Bindings": ["0.0.0.0"], "RemoteIPRanges": ["10.0.0.9-10.0.0.1", "x"],
"AuthMechanism": "Tls, Kerberos", "PermissionGroups": "Everyone", "TransportRole": "Edge", "Enabled": "perhaps"},
{"Bindings": [], "RemoteIPRanges": []},
{"Name": "EX01", "ServerRole": "Pastry", "AdminDisplayVersion": "x", "Site": "s"}, {"ServerRole": "Mailbox"}]`)
	assert.Equal(t, strings.Join([]string{
		`f:1:39: EX01\A: Bindings: binding "0.0.0.0": byte 7: the port is missing`,
		`f:1:70: EX01\A: RemoteIPRanges: range "10.0.0.9-10.0.0.1": byte 9: the range ends before it starts`,
		`f:1:91: EX01\A: RemoteIPRanges: range "x": byte 0: not an IP address: unable to parse IP`,
		`f:2:18: EX01\A: AuthMechanism: AuthMechanism "Tls, Kerberos": byte 5: not a known value`,
		`f:2:55: EX01\A: PermissionGroups: PermissionGroups "Everyone": byte 0: not a known value`,
		`f:2:84: EX01\A: TransportRole: TransportRole "Edge": byte 0: not a known value`,
		`f:2:103: EX01\A: Enabled: "perhaps": neither true nor false`,
		`f:3:1: Identity: neither Identity nor Server and Name tell which connector it is: not of the form SERVER\Name`,
		`f:4:32: EX01: ServerRole: ServerRole "Pastry": byte 0: not a known value`,
		`f:4:65: EX01: AdminDisplayVersion: version "x": byte 0: not a version of Exchange`,
		`f:4:84: Name: nothing given`,
	}, "\n"), err.Error())
}

func TestRefusedFiles(t *testing.T) {
	for _, row := range []struct {
		why, in, says string
		want          error
	}{
		{"empty", "", "f: the file is empty", psexport.ErrEmptyFile},
		{"blank", " \r\n", "f: the file is empty", psexport.ErrEmptyFile},
		{"text", "Dear all", "no properties of objects; write Get-ReceiveConnector", psexport.ErrUnknownForm},
		{"text with one property", "Identity : EX01\\A", "f:1:1", psexport.ErrOtherCmdlet},
		{"an empty object", "{}", "", psexport.ErrUnknownForm},
		{"an empty list", "[]", "holds no objects", psexport.ErrOtherCmdlet},
		{"a list of numbers", "[1, 2]", "a value that is no object", psexport.ErrOtherCmdlet},
		{"Get-Mailbox as JSON", `[{"Alias": "joe", "Database": "DB1", "A": 1, "B": 1, "C": 1, "D": 1}]`, "an object with the properties a, alias, b, c, d, ...", psexport.ErrOtherCmdlet},
		{"Get-Mailbox as CLIXML", `<Objs><Obj RefId="0"><TN RefId="0"><T>Microsoft.Exchange.Data.Directory.Management.Mailbox</T></TN></Obj></Objs>`,
			"an object of type Microsoft.Exchange.Data.Directory.Management.Mailbox", psexport.ErrOtherCmdlet},
		{"objects with a version", `[{"Name": "DB1", "AdminDisplayVersion": "Version 15.1 (Build 1.1)", "EdbFilePath": "x"}]`, "admindisplayversion, edbfilepath, name", psexport.ErrOtherCmdlet},
		{"objects of a type with a version", `<Objs><Obj><TN><T>Microsoft.Exchange.Data.Directory.Management.ADOwaVirtualDirectory</T></TN><Props><S N="Name">owa</S><S N="ServerRole">x</S></Props></Obj></Objs>`,
			"ADOwaVirtualDirectory", psexport.ErrOtherCmdlet},
		{"HTML", "<!DOCTYPE html>\n<html><body></body></html>", "a web page", psexport.ErrNotCLIXML},
		{"no objects", "<Objs></Objs>", "holds no objects", psexport.ErrOtherCmdlet},
		{"something behind", "<Objs></Objs>x", "something follows </Objs>", psexport.ErrNotCLIXML},
		{"another document behind", "<Objs></Objs><a></a>", "something follows </Objs>", psexport.ErrNotCLIXML},
		{"cut off", "<Objs>\n<Obj>", "f:2", nil},
		{"cut off behind", "<Objs></Objs><a", "", nil},
		{"only a comment", "<!-- -->", "ends too early", io.ErrUnexpectedEOF},
		{"not XML", "<Objs>\n</Obj>", "f:2: not XML: element <Objs> closed by </Obj>", nil},
		{"a reference to nothing", `<Objs><Ref RefId="7" /></Objs>`, `<Ref RefId="7">`, psexport.ErrXMLRef},
		{"too deep", "<Objs>" + strings.Repeat("<Obj><Props>", 10_000), "nested more than", psexport.ErrXMLTooDeep},
		{"too deep in text", "<Objs><S>" + strings.Repeat("<S>", 10_000), "nested more than", psexport.ErrXMLTooDeep},
		{"too deep where nobody looks", "<Objs><Nil>" + strings.Repeat("<S>", 10_000), "nested more than", psexport.ErrXMLTooDeep},
		{"references to lists of references", refBomb(), "one object of more than", psexport.ErrXMLValues},
		{"too many values", "<Objs><Obj><LST>" + strings.Repeat("<Nil/>", 1<<20+1), "one object of more than", psexport.ErrXMLValues},
	} {
		t.Run(row.why, func(t *testing.T) {
			err := readError(t, row.in)
			if row.want != nil {
				require.ErrorIs(t, err, row.want)
			}
			assert.Contains(t, err.Error(), row.says)
			var me *connector.ModelError
			require.ErrorAs(t, err, &me)
			assert.Equal(t, "f", me.Source.File)
		})
	}
}

// refBomb is a list of 1,000 items that one object refers to 2,000 times.
func refBomb() string {
	return `<Objs><Obj RefId="0"><LST>` + strings.Repeat("<S>x</S>", 1000) + "</LST></Obj><Obj><LST>" + strings.Repeat(`<Ref RefId="0"/>`, 2000) + "</LST></Obj></Objs>"
}

// References to lists of references do not multiply, and nested lists are not copied at every level.
func TestReferencesDoNotMultiply(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<Objs><Obj RefId="0"><LST><S>x</S></LST></Obj>`)
	for level := range 20 {
		fmt.Fprintf(&b, `<Obj RefId="%d"><LST>%s</LST></Obj>`, level+1, strings.Repeat(fmt.Sprintf(`<Ref RefId="%d"/>`, level), 10))
	}
	b.WriteString("</Objs>")
	require.ErrorIs(t, readError(t, b.String()), psexport.ErrOtherCmdlet)

	nested := "<Objs>" + strings.Repeat(`<Obj RefId="1"><LST>`, 90) + strings.Repeat("<S>x</S>", 100_000) + strings.Repeat("</LST></Obj>", 90) + "</Objs>"
	require.ErrorIs(t, readError(t, nested), psexport.ErrOtherCmdlet)
}

// endless yields numbered objects for ever.
type endless struct {
	n       int
	pending string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.pending == "" {
		e.pending = fmt.Sprintf(`<Obj RefId="%d"></Obj>`, e.n)
		if e.n == 0 {
			e.pending = "<Objs>" + e.pending
		}
		e.n++
	}
	n := copy(p, e.pending)
	e.pending = e.pending[n:]
	return n, nil
}

func TestEndlessObjects(t *testing.T) {
	var r psexport.Reader
	require.ErrorIs(t, r.Read("f", &endless{}), psexport.ErrXMLRefs)
}

// A list that lost its members is missing, not empty.
func TestLostMembers(t *testing.T) {
	for text, lost := range map[string]bool{`{}`: true, `""`: true, `{"Count": 2, "IsReadOnly": false}`: true, `[]`: false, `"{}"`: false} {
		top, warnings := read(t, `{"Identity": "EX01\\A", "Bindings": ["0.0.0.0:25"], "RemoteIPRanges": `+text+`, "AuthMechanism": 0, "PermissionGroups": 0}`)
		assert.Equal(t, lost, top.Connectors[0].Missing.Has(connector.PropertyRemoteIPRanges), text)
		assert.Equal(t, lost, slices.ContainsFunc(warnings, func(w psexport.Warning) bool { return w.Property == "RemoteIPRanges" }), text)
	}
}

// Truncated anywhere, a file is refused or read in part, and never panics. Text and CSV do not say where they end.
func TestTruncatedFiles(t *testing.T) {
	top := inTextOrder(gen.Organization(gen.Rand(3)))
	top.Servers, top.Connectors = top.Servers[:1], top.Connectors[:1]
	for name, write := range dialects {
		text := write(top)
		for i := 0; i < len(text)-1; i += 1 + len(text)/1000 {
			var r psexport.Reader
			err := r.Read(name, strings.NewReader(text[:i]))
			if strings.Contains(name, "XML") || strings.Contains(name, "native") {
				assert.Error(t, err, "%s cut at %d", name, i)
			}
		}
	}
}

var errBroken = errors.New("broken disk")

type brokenAfter struct{ text io.Reader }

func (b brokenAfter) Read(p []byte) (int, error) {
	n, err := b.text.Read(p)
	if errors.Is(err, io.EOF) {
		err = errBroken
	}
	return n, err
}

func TestReadErrorsPassThrough(t *testing.T) {
	for _, text := range []string{"", "{", "<Objs>", "\xff\xfe{\x00"} {
		var r psexport.Reader
		require.ErrorIs(t, r.Read("f", brokenAfter{strings.NewReader(text)}), errBroken, text)
	}
}

// repeat is an endless file.
type repeat struct {
	head, body string
	at         int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.at < len(r.head) {
		n := copy(p, r.head[r.at:])
		r.at += n
		return n, nil
	}
	for i := range p {
		p[i] = r.body[(r.at-len(r.head))%len(r.body)]
		r.at++
	}
	return len(p), nil
}

// 100 MB and more of garbage takes bounded memory, and is refused for a reason.
func TestHugeInput(t *testing.T) {
	for _, row := range []struct {
		why        string
		head, body string
		want       error
	}{
		{"blanks", "", " ", psexport.ErrTextTooLarge},
		{"garbage", "x", "y", psexport.ErrTextTooLarge},
		{"a list that never ends", "Bindings : {", "\n0.0.0.0:25,", psexport.ErrTextTooLarge},
		{"a field that never ends", `"Identity","Bindings"` + "\n\"", "x\n", psexport.ErrTextTooLarge},
		{"one JSON string", `{"connectors": "`, "x", topojson.ErrTooLarge},
		{"a JSON list", `[`, "[],", topojson.ErrTooLarge},
		{"one XML name", "<", "a", psexport.ErrXMLToken},
		{"one XML text", "<Objs><S>", "a ", psexport.ErrXMLToken},
		{"one XML text in pieces", "<Objs><S>", "a<![CDATA[b]]>", psexport.ErrXMLToken},
		{"text before the first element", "<!-- -->", "a ", psexport.ErrXMLToken},
		{"a list in an object", "<Objs><Obj><LST>", "<S>x</S>", psexport.ErrXMLValues},
	} {
		t.Run(row.why, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var r psexport.Reader
			err := r.Read("f", io.LimitReader(&repeat{head: row.head, body: row.body}, 100<<20))
			require.ErrorIs(t, err, row.want)
			runtime.ReadMemStats(&after)
			assert.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, uint64(1000), "MiB allocated in all")
			runtime.GC()
			runtime.ReadMemStats(&after)
			assert.Less(t, after.HeapAlloc>>20, uint64(64), "MiB kept")
		})
	}
}

// 64 kB of hostile input take bounded memory, whatever they repeat, and twice as much takes not much more than twice as much.
func TestHostileInput(t *testing.T) {
	for why, row := range map[string][2]string{
		"a list that never ends":             {"Identity : A\\B\nBindings : {", "x,\n"},
		"a value that never ends":            {"Identity : A\\B\nComment : x", "\n     y"},
		"objects of one property":            {"", "Name : x\n"},
		"halves of objects":                  {"Name : x\n\n", "Bindings : {}\n\nA : b\n\n"},
		"an object of many properties":       {"", "\n%d : x"},
		"a list of empty entries":            {"Identity : A\\B\nBindings : {", ",,,,"},
		"braces":                             {"Identity : A\\B\nBindings : ", "{"},
		"braces of a DAG network":            {"Identity : A\\B\nSubnets : {}\nInterfaces : ", "{{a,b,c}, "},
		"a table of many rows":               {"Identity Bindings\n-------- --------\n", "A\\B      {x}\n"},
		"a table of one row":                 {"Identity Bindings\n-------- --------\nA\\B      {\n", "         x\n"},
		"a table of many columns":            {"Identity", " --"},
		"a table in one line":                {"Identity Bindings Enabled -------- -------- ------- ", "A\\B {x} True "},
		"a table in one line without an end": {"Identity Bindings Enabled -------- -------- ------- ", "A\\B {x "},
		"tables":                             {"", "Identity\n--------\n"},
		"prompts":                            {"", "[PS] C:\\>Get-ReceiveConnector\n"},
		"a prompt without an end":            {"[PS] C:", "\\"},
		"warnings":                           {"", "WARNING: x\n"},
		"a warning without an end":           {"WARNING: x\n", "yyyyyyyy\n"},
		"stars":                              {"", "**********\n"},
		"blank lines":                        {"Identity : A\\B\n", "\n"},
		"rows of CSV":                        {"Identity,Bindings\n", "A\\B,{}\n"},
		"fields of CSV":                      {"Identity,", "x,"},
		"tables of CSV":                      {"#TYPE x\nIdentity,Bindings\n", "#TYPE x\n"},
		"quotation marks":                    {"Identity,Bindings\n", `""""""`},
		"an object squeezed into a text":     {`{"Bindings": 1, "Identity": "@{a=`, "; "},
		"objects squeezed into a text":       {`{"Bindings": 1, "Identity": "@{a=`, "; b=c"},
		"distinguished names":                {`{"WitnessServer": 1, "Name": "x", "Servers": "`, "CN=x,CN=Servers,"},
		"JSON values":                        {"", "{} "},
		"JSON objects":                       {"[", `{"Identity":"A\\B","Bindings":[]},`},
		"JSON in JSON":                       {"", `{"a":[`},
		"rights":                             {"[", `{"Identity":"A\\B","User":"x","ExtendedRights":["ms-Exch-SMTP-Submit"]},`},
		"addresses":                          {"[", `{"Name":"A","Type":"A","IPAddress":"10.0.0.1"},`},
		"CLIXML objects":                     {"<Objs>", `<Obj RefId="1"><S N="Bindings">x</S></Obj>`},
		"CLIXML in CLIXML":                   {"<Objs>", `<Obj><LST>`},
		"CLIXML references":                  {`<Objs><Obj RefId="1"><LST><S>x</S><S>x</S><S>x</S><S>x</S></LST></Obj><Obj><LST>`, `<Ref RefId="1"/>`},
		"CLIXML hash tables":                 {`<Objs><Obj><DCT>`, `<En><S N="Key">k</S><S N="Value">v</S></En>`},
		"bytes that are not UTF-8":           {"Identity : A\\B\nName : ", "\xe9a"},
		"UTF-16":                             {"\xff\xfe", "\x1e\xd8"},
	} {
		t.Run(why, func(t *testing.T) {
			allocated := func(size int) uint64 {
				body := row[0] + strings.Repeat(row[1], size/len(row[1]))
				if strings.Contains(row[1], "%d") {
					var b strings.Builder
					for i := range size / len(row[1]) {
						fmt.Fprintf(&b, "\nk%d : x", i)
					}
					body = b.String()
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				var r psexport.Reader
				_ = r.Read("f", strings.NewReader(body))
				_, warnings, err := r.Topology()
				runtime.ReadMemStats(&after)
				assert.True(t, err != nil || len(warnings) > 0, "it is said that something is wrong")
				if err != nil {
					assert.LessOrEqual(t, strings.Count(err.Error(), "\n"), 101, "lines of the error")
				}
				return (after.TotalAlloc - before.TotalAlloc) >> 20 // MiB
			}
			once, twice := allocated(64<<10), allocated(128<<10)
			assert.Less(t, once, uint64(1024))
			assert.LessOrEqual(t, twice, 3*once+8)
		})
	}
}

// largeExport is an export of 300 servers with 10 connectors each, about 200 MB, most of it serialized data as in real ones. It
// notes how much memory is in use while it is read.
type largeExport struct {
	next, n int
	pending string
	read    int64
	most    uint64 // bytes of heap
}

func (l *largeExport) Read(p []byte) (int, error) {
	if l.pending == "" {
		switch {
		case l.next == 0:
			l.pending = "<Objs>"
		case l.next <= l.n:
			c := connector.ReceiveConnector{ID: connector.ID{Server: fmt.Sprintf("EX%03d", l.next/10), Name: fmt.Sprintf("C%d", l.next%10)}}
			body := asCLIXML(cmdletsOf(&connector.Topology{Connectors: []connector.ReceiveConnector{c}}), false)
			body = strings.TrimSuffix(body[strings.Index(body, "\n"):], "</Objs>")
			body = regexp.MustCompile(`RefId="(\d+)"`).ReplaceAllString(body, fmt.Sprintf(`RefId="%d$1"`, l.next))
			l.pending = strings.Replace(body, "<MS>", "<MS><BA N=\"SerializationData\">"+strings.Repeat("A", 64<<10)+"</BA>", 1)
		case l.next == l.n+1:
			l.pending = "</Objs>"
		default:
			return 0, io.EOF
		}
		if l.next++; l.next%200 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			l.most = max(l.most, m.HeapAlloc)
		}
	}
	n := copy(p, l.pending)
	l.pending = l.pending[n:]
	l.read += int64(n)
	return n, nil
}

// Exports that were put together in one file are read on.
func TestSeveralCLIXML(t *testing.T) {
	one := `<Objs><Obj RefId="0"><TN RefId="0"><T>x</T></TN><Props><S N="Identity">EX01\A</S><S N="Bindings">0.0.0.0:25</S></Props></Obj></Objs>`
	top, _ := read(t, "<?xml version=\"1.0\"?>"+one+"\r\n\ufeff\n<?xml version=\"1.0\"?>\n<!-- x -->"+strings.ReplaceAll(one, "A<", "B<"))
	require.Len(t, top.Connectors, 2)
	assert.Equal(t, "f0:4", top.Connectors[1].Source.String())
	require.ErrorIs(t, readError(t, one+`<Objs><Ref RefId="0"/></Objs>`), psexport.ErrXMLRef, "references do not reach over")
}

// A large export streams: what is kept is the connectors, not the text.
func TestLargeCLIXMLStreams(t *testing.T) {
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	in := &largeExport{n: 3000}
	var r psexport.Reader
	require.NoError(t, r.Read("large", in))
	top, warnings, err := r.Topology()
	require.NoError(t, err)
	assert.Empty(t, warnings)
	assert.Len(t, top.Connectors, 3000)
	assert.Greater(t, in.read, int64(190<<20), "bytes of the export")
	assert.Less(t, (in.most-min(in.most, before.HeapAlloc))>>20, uint64(64), "MiB in use while reading")
}

func TestMerging(t *testing.T) {
	one := `{"connectors": [{"identity": "EX01\\A", "bindings": ["0.0.0.0:25"]}], "databases": [{"name": "D", "kind": "Mailbox"}], "networks": [{"name": "N", "kind": "Gateway"}]}`
	top, _ := read(t, one, `{"connectors": [{"identity": "EX01\\A", "bindings": ["0.0.0.0:25"]}, {"identity": "EX01\\B"}]}`)
	assert.Len(t, top.Connectors, 2, "the same connector twice is one")
	assert.Len(t, top.Databases, 1)
	assert.Len(t, top.Networks, 1)

	twice := readError(t, `{"connectors": [{"identity": "EX01\\A"}, {"identity": "ex01\\a"}]}`)
	require.ErrorIs(t, twice, connector.ErrDuplicate, "twice in one file is not")
	assert.Equal(t, `f:1:42: connector ex01\a: given more than once, first at f:1:17`, twice.Error())

	var r psexport.Reader
	require.NoError(t, r.AddServer(connector.Server{Name: "EX01", FQDN: "a"}))
	require.NoError(t, r.AddServer(connector.Server{Name: "EX01", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, DowngradedExchangeAuth: true}))
	require.NoError(t, r.AddServer(connector.Server{Name: "EX01", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}}))
	top, _, _ = r.Topology()
	assert.Len(t, top.Servers[0].Addresses, 2)
	assert.True(t, top.Servers[0].DowngradedExchangeAuth)
	top.Servers[0].Addresses[0] = netip.MustParseAddr("::1")
	again, _, _ := r.Topology()
	assert.Equal(t, "10.0.0.1", again.Servers[0].Addresses[0].String(), "the result is a copy")
	require.ErrorIs(t, r.AddServer(connector.Server{}), connector.ErrEmpty)
}

// What the EHLO reply announces is read whole or noted as missing; a size without its unit is not a size.
func TestAnnounced(t *testing.T) {
	const object = `{"Identity": "EX01\\A", "Bindings": ["0.0.0.0:25"], "RemoteIPRanges": ["10.0.0.1"], "AuthMechanism": "Tls", "PermissionGroups": "None", "Enabled": true, "Fqdn": "",
"RequireTLS": false, "SuppressXAnonymousTls": false, "EnableAuthGSSAPI": false, "DomainSecureEnabled": false`
	const whole = object + `, "SizeEnabled": 2, "MaxMessageSize": "35 MB (36,700,160 bytes)", "PipeliningEnabled": false, "DeliveryStatusNotificationEnabled": true,
"EnhancedStatusCodesEnabled": true, "EightBitMimeEnabled": true, "BinaryMimeEnabled": true, "ChunkingEnabled": "False", "OrarEnabled": true, "LongAddressesEnabled": false`
	for _, row := range []struct {
		what, in string
		missing  connector.Properties
		disabled connector.Extensions
		warnings int
	}{
		{"all of it; older versions have no SmtpUtf8Enabled", whole + "}", 0, connector.ExtensionPipelining | connector.ExtensionChunking, 0},
		{"newer ones do", whole + `, "SmtpUtf8Enabled": false}`, 0, connector.ExtensionPipelining | connector.ExtensionChunking | connector.ExtensionSMTPUTF8, 0},
		{"nothing", object + "}", announced, 0, 0},
		{"one switch is not there", strings.Replace(whole, `"PipeliningEnabled": false, `, "", 1) + "}", connector.PropertyExtensions, connector.ExtensionChunking, 0},
		{"a small size with its unit", strings.Replace(whole, "35 MB (36,700,160 bytes)", "12.056 KB (12,345 bytes)", 1) + "}", 0, connector.ExtensionPipelining | connector.ExtensionChunking, 0},
		{"a limit in another language", whole + `, "MaxInboundConnectionPerSource": "unbegrenzt", "MaxHopCount": 60}`, connector.PropertyLimits, connector.ExtensionPipelining | connector.ExtensionChunking, 1},
		{"a size without a unit", strings.Replace(whole, "35 MB (36,700,160 bytes)", "35", 1) + "}", connector.PropertyMaxMessageSize, connector.ExtensionPipelining | connector.ExtensionChunking, 1},
	} {
		top, warnings := read(t, row.in)
		c := top.Connectors[0]
		assert.Equal(t, row.missing.String(), c.Missing.String(), row.what)
		assert.Equal(t, row.disabled.String(), c.DisabledExtensions.String(), row.what)
		assert.Equal(t, row.missing != announced, c.OrarEnabled, row.what)
		assert.Len(t, warnings, row.warnings, row.what)
		if row.missing == 0 {
			assert.Equal(t, connector.SizeEnabledWithoutValue, c.SizeEnabled)
			assert.Equal(t, map[bool]connector.ByteSize{false: 35 * connector.MB, true: 12345}[row.what == "a small size with its unit"], c.MaxMessageSize)
		}
	}
	var r psexport.Reader
	err := r.Read("f", strings.NewReader(strings.Replace(whole, "35 MB (36,700,160 bytes)", "a lot", 1)+"}"))
	var pe *connector.ParseError
	require.ErrorAs(t, err, &pe)
	assert.Equal(t, "size", pe.Kind)
}

// What two places tell differently is known by neither: the first stands, with a warning, in Missing and in Conflicting.
func TestContradictions(t *testing.T) {
	var r psexport.Reader
	require.NoError(t, r.Read("a", strings.NewReader(`{"connectors": [{"identity": "EX01\\A", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.0.1", "10.0.0.2"]}]}`)))
	require.NoError(t, r.Read("b", strings.NewReader(`{"connectors": [{"identity": "ex01\\a", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.0.2", "10.0.0.1"], "authMechanism": "Tls"}],
"servers": [{"name": "EX01", "site": "S", "version": "2016"}]}`)))
	require.NoError(t, r.Read("c", strings.NewReader(`{"servers": [{"name": "ex01", "site": "T", "version": "2016", "dag": "D"}], "databases": [{"name": "D", "kind": "Mailbox", "mounted": "EX01"}]}`)))
	require.NoError(t, r.Read("d", strings.NewReader(`{"databases": [{"name": "d", "kind": "Mailbox", "mounted": "EX02", "copies": ["EX01"]}]}`)))
	require.NoError(t, r.AddServer(connector.Server{Name: "EX02", FQDN: "x"}))
	require.NoError(t, r.AddServer(connector.Server{Name: "EX02", FQDN: "y"}))
	top, warnings, err := r.Topology()
	require.NoError(t, err)
	assert.Equal(t, []string{
		`b:1:17: ex01\a: AuthMechanism: told differently than at a:1:17, so the first is taken, and which of them holds is unknown`,
		`c:1:14: ex01: Site: told differently than at b:2:13, so the first is taken, and which of them holds is unknown`,
		`d: d: MountedOnServer: told differently in another place: EX01, so where the database is mounted is unknown, and the first is taken`,
		`EX02: Fqdn: told differently than given by hand, so the first is taken, and which of them holds is unknown`,
	}, lines(warnings))
	require.Len(t, top.Connectors, 1)
	c := top.Connectors[0]
	assert.Equal(t, connector.AuthMechanism(0), c.AuthMechanism)
	assert.Equal(t, connector.PropertyAuthMechanism, c.Missing&^announced)
	assert.Equal(t, connector.PropertyAuthMechanism, c.Conflicting)
	s, _ := top.Server("EX01")
	assert.Equal(t, "S D", s.Site+" "+s.DAG)
	assert.Equal(t, connector.PropertySite, s.Missing)
	assert.Equal(t, connector.PropertySite, s.Conflicting)
	assert.Equal(t, []string{"EX01"}, top.Databases[0].Copies)

	// A third voice does not settle it.
	require.NoError(t, r.Read("e", strings.NewReader(`{"connectors": [{"identity": "EX01\\A", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.0.2", "10.0.0.1"]}]}`)))
	top, _, _ = r.Topology()
	assert.Equal(t, connector.PropertyAuthMechanism, top.Connectors[0].Conflicting)
}

// Three files tell a connector in parts, one of them cut off: together they tell all there is, in any order.
func TestMergingCompletes(t *testing.T) {
	table := "Identity   Bindings     Enabled\n--------   --------     -------\nEX01\\Relay {0.0.0.0:25} False\n"
	list := "Identity : EX01\\Relay\nRemoteIPRanges : {10.0.0.1, 10.0.0.2...}\nAuthMechanism : Tls\nRequireTLS : True\n"
	whole := "Identity,RemoteIPRanges,TransportRole,PermissionGroups,Fqdn\nex01\\relay,10.0.0.3 10.0.0.2 10.0.0.1,FrontendTransport,AnonymousUsers,ex01\n"
	cut := "Identity : EX01\\Relay\nRemoteIPRanges : {10.0.0.1...}\n"
	for _, order := range [][]string{{table, list, whole, cut}, {whole, cut, table, list}, {list, whole, table, cut}, {cut, list, table, whole}} {
		top, warnings := read(t, order...)
		require.Len(t, top.Connectors, 1)
		c := top.Connectors[0]
		assert.Equal(t, "[0.0.0.0:25] [10.0.0.3 10.0.0.2 10.0.0.1] Tls FrontendTransport AnonymousUsersex01true true",
			fmt.Sprint(c.Bindings, c.RemoteIPRanges, c.AuthMechanism, c.TransportRole, c.PermissionGroups, c.FQDN, c.Disabled, c.RequireTLS))
		assert.Equal(t, connector.PropertySuppressXAnonymousTLS|connector.PropertyEnableAuthGSSAPI|connector.PropertyDomainSecure, c.Missing&^announced)
		assert.Zero(t, c.Conflicting)
		assert.NotContains(t, strings.Join(lines(warnings), "\n"), "told differently")
	}
	for _, order := range [][]string{{list, cut}, {cut, list}} {
		top, _ := read(t, order...)
		assert.Len(t, top.Connectors[0].RemoteIPRanges, 2, "of two parts the longer is kept")
		assert.True(t, top.Connectors[0].Missing.Has(connector.PropertyRemoteIPRanges))
	}
	// Rights, addresses of networks and copies of databases add up.
	one := `{"connectors": [{"identity": "EX01\\A", "rights": [{"principal": "a", "right": "r"}], "missing": "Rights"}], "databases": [{"name": "D", "kind": "Mailbox", "copies": ["EX01"]}],
"networks": [{"name": "N", "kind": "Gateway", "ranges": ["10.0.0.1"]}]}`
	two := `{"connectors": [{"identity": "EX01\\A", "rights": [{"principal": "A", "right": "R"}, {"principal": "b", "right": "r"}]}], "databases": [{"name": "d", "kind": "Mailbox", "copies": ["ex01", "EX02"]}],
"networks": [{"name": "n", "kind": "Gateway", "ranges": ["10.0.0.1", "10.0.0.2"]}]}`
	top, warnings := read(t, one, two)
	assert.Empty(t, lines(warnings))
	assert.Equal(t, []connector.Grant{{Principal: "a", Right: "r"}, {Principal: "b", Right: "r"}}, top.Connectors[0].Rights)
	assert.Zero(t, top.Connectors[0].Missing&^announced)
	assert.Equal(t, []string{"EX01", "EX02"}, top.Databases[0].Copies)
	assert.Len(t, top.Networks[0].Ranges, 2)
	// The same ranges in another notation are the same.
	_, warnings = read(t, `{"connectors": [{"identity": "EX01\\A", "remoteIPRanges": ["10.0.0.0/24", "10.0.1.1"]}]}`, `{"connectors": [{"identity": "EX01\\A", "remoteIPRanges": ["10.0.1.1-10.0.1.1", "10.0.0.0-10.0.0.255"]}]}`)
	assert.Empty(t, lines(warnings))
	// A list that differs in one entry is another one.
	_, warnings = read(t, `{"connectors": [{"identity": "EX01\\A", "remoteIPRanges": ["10.0.0.1", "10.0.0.1"]}]}`, `{"connectors": [{"identity": "EX01\\A", "remoteIPRanges": ["10.0.0.1", "10.0.0.2"]}]}`)
	assert.Len(t, about(warnings, "RemoteIPRanges"), 1)
}

// What one file leaves open another may say; the order does not matter.
func TestMergingIsSymmetric(t *testing.T) {
	vague := `{"servers": [{"name": "EX01", "version": "15.2", "addresses": ["10.0.0.1"]}]}`
	export := `[{"Name": "EX01", "AdminDisplayVersion": "Version 15.2 (Build 2562.17)", "ServerRole": 2, "Site": "S"}]`
	for _, order := range [][]string{{vague, export}, {export, vague}} {
		top, _ := read(t, order...)
		require.Len(t, top.Servers, 1)
		s := top.Servers[0]
		assert.Equal(t, connector.GenerationSE, s.Version.Generation())
		assert.Equal(t, connector.PropertyRoles, s.Missing, "the roles are known to neither")
		assert.Len(t, s.Addresses, 1)
	}
}

func TestParseServerAddresses(t *testing.T) {
	s, err := psexport.ParseServerAddresses("EX01=10.0.0.1, ::ffff:10.0.0.2,fd00::1")
	require.NoError(t, err)
	assert.Equal(t, "EX01", s.Name)
	require.Len(t, s.Addresses, 3)
	assert.Equal(t, "10.0.0.2", s.Addresses[1].String())
	for in, offset := range map[string]int{"EX01": 0, "=10.0.0.1": 0, "EX01=": 5, "EX01=10.0.0.1,x": 14, "EX01=0.0.0.0": 5} {
		_, err := psexport.ParseServerAddresses(in)
		var pe *connector.ParseError
		require.ErrorAs(t, err, &pe, in)
		assert.Equal(t, offset, pe.Offset, in)
	}
}

// Real exports; CORPUS names the folder. They are reference data and not part of the project.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("CORPUS")
	if dir == "" {
		return
	}
	defaults := []string{"Client Frontend", "Client Proxy", "Default", "Default Frontend", "Outbound Proxy Frontend"}
	for name, want := range map[string]struct {
		server     string
		connectors []string // by what their names begin with; none: the file is refused
		missing    connector.Properties
		warnings   int
		says       string
	}{
		"css-exchange-e19-GetReceiveConnector.clixml":                    {"WIN-CTD3L0RGEN4", defaults, 0, 0, ""},
		"css-exchange-GetReceiveConnectorEmptyTlsCertificateName.clixml": {"WIN-CTD3L0RGEN4", defaults, 0, 0, ""},
		"sammykrosoft-Sample_Export.csv":                                 {"E2016-02", []string{"Anonymous Known Hosts 2"}, connector.PropertyRights, 2, ""},
		"msqna-305565-default-frontend.fl.txt":                           {"LON-EX01", []string{"Default Frontend LON-EX01"}, connector.PropertyRights, 1, ""},
		"eslamelsayed-exserver-truncated.ft.txt":                         {"EXSERVER", defaults, connector.PropertyRemoteIPRanges | connector.PropertyAuthMechanism | connector.PropertyPermissionGroups, 21, ""},
		"check-receiveconnectorsettings-defaults.csv":                    {"?", defaults, 0, 6, ""},
		"exchange-mcp-mocks.json":                                        {"EX01", []string{"Default Frontend", "Inbound from Office 365"}, 0, 2, ""},
		"edca-report_sample-evidence.txt":                                {says: "no properties of objects"},
		"exchangedsc-integration-connector.ps1.txt":                      {says: "commands of a script"},
		"generator-golden-newreceiveconnector.ps1.txt":                   {says: "commands of a script"},
		"msdocs-receiveconnector-commands.ps1.txt":                       {says: "commands of a script"},
		"ip-range-forms.txt":                                             {says: "a list of addresses"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(filepath.Join(dir, "exports", name))
			require.NoError(t, err)
			defer f.Close()
			var r psexport.Reader
			err = r.Read(name, f)
			if want.connectors == nil {
				require.Error(t, err)
				assert.Contains(t, err.Error(), want.says)
				assert.Contains(t, err.Error(), "Export-Clixml")
				return
			}
			require.NoError(t, err)
			top, warnings, err := r.Topology()
			require.NoError(t, err)
			assert.Len(t, warnings, want.warnings)
			require.Len(t, top.Connectors, len(want.connectors))
			for _, begins := range want.connectors {
				assert.True(t, slices.ContainsFunc(top.Connectors, func(c connector.ReceiveConnector) bool { return strings.HasPrefix(c.ID.Name, begins) }), begins)
			}
			for _, c := range top.Connectors {
				const decisive = connector.PropertyBindings | connector.PropertyRemoteIPRanges | connector.PropertyAuthMechanism | connector.PropertyPermissionGroups | connector.PropertyRights
				assert.Equal(t, want.server, c.ID.Server)
				assert.Equal(t, want.missing, c.Missing&decisive)
				assert.NotEmpty(t, c.Bindings)
			}
			_, err = connector.Compile(top)
			require.NoError(t, err)
		})
	}
	logs, err := filepath.Glob(filepath.Join(dir, "logs", "*.*"))
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, name := range logs {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.ErrorIs(t, readError(t, string(data)), psexport.ErrUnknownForm, name)
	}
	literals, err := os.ReadFile(filepath.Join(dir, "exports", "ip-range-forms.txt"))
	require.NoError(t, err)
	list := "{" + strings.Join(strings.Fields(string(literals)), ", ") + "}"
	top, _ := read(t, "Identity : EX01\\A\nBindings : {0.0.0.0:25}\nRemoteIPRanges : "+list+"\n")
	assert.Len(t, top.Connectors[0].RemoteIPRanges, len(strings.Fields(string(literals))))
}

// checkRead reads hostile input: no panic, no endless loop, every error and warning has a place inside it, what was read can be
// written and read again, and it compiles or says why not.
func checkRead(t *testing.T, b []byte) {
	const limit = 10 * time.Second // generous: what takes milliseconds may wait for the other workers
	start := time.Now()
	defer func() { require.Less(t, time.Since(start), limit) }()
	b = b[:min(len(b), 64<<10)]
	var r psexport.Reader
	err := r.Read("f", bytes.NewReader(b))
	count := bytes.Count(b, []byte("\n")) + bytes.Count(b, []byte("\n\x00")) + 1
	var me *connector.ModelError
	if err != nil {
		require.ErrorAs(t, err, &me)
		require.LessOrEqual(t, me.Source.Line, count)
	}
	top, warnings, joined := r.Topology()
	if joined != nil {
		require.ErrorAs(t, joined, &me)
		return
	}
	require.NoError(t, err)
	for _, w := range warnings {
		require.LessOrEqual(t, w.Source.Line, count)
		require.NotEmpty(t, w.String())
	}
	for _, write := range []func(io.Writer, *connector.Topology) error{psexport.WriteJSON, psexport.WriteText} {
		var out bytes.Buffer
		if err := write(&out, top); err != nil {
			require.ErrorIs(t, err, psexport.ErrNoText)
			continue
		}
		if len(top.Servers)+len(top.Connectors)+len(top.Databases)+len(top.Networks) == 0 {
			continue
		}
		text := out.String()
		var again psexport.Reader
		require.NoError(t, again.Read("again", &out), text)
		back, _, err := again.Topology()
		require.NoError(t, err)
		require.Equal(t, nativeJSON(inTextOrder(top)), nativeJSON(inTextOrder(back)), text)
	}
	if _, err := connector.Compile(top); err != nil {
		require.ErrorAs(t, err, &me)
	}
}

// seeds are small files of each dialect, and what was found to be awkward.
func seeds(f *testing.F, dialect string, more ...string) {
	top := gen.Organization(gen.Rand(1))
	top.Servers, top.Connectors, top.Databases = top.Servers[:1], top.Connectors[:1], nil // small, so that the fuzzer is fast
	for name, write := range dialects {
		if strings.Contains(name, dialect) {
			f.Add([]byte(write(top)))
		}
	}
	for _, s := range more {
		f.Add([]byte(s))
	}
}

func FuzzReadCLIXML(f *testing.F) {
	seeds(f, "CLIXML", "<Objs><Obj RefId=\"0\"><LST><Ref RefId=\"0\"/></LST></Obj></Objs>", "#< CLIXML\n<Objs><Obj><DCT><En><S N=\"Key\">a</S></En></DCT></Obj></Objs>", "\xff\xfe<\x00")
	f.Fuzz(func(t *testing.T, b []byte) { checkRead(t, append([]byte("<Objs>"), b...)); checkRead(t, b) })
}

func FuzzReadJSON(f *testing.F) {
	seeds(f, "JSON", `{"connectors": [{"identity": "A\\B"}]}`, `[{"Name": "EX01", "ServerRole": "Mailbox"}]`, "\xef\xbb\xbf{}", `{"Value": {"Value": 1}, "value": [], "Count": {}}`, `{"Identity": "@{a=b; =c}", "Bindings": 1} [2]`)
	f.Fuzz(func(t *testing.T, b []byte) { checkRead(t, b) })
}

func FuzzReadCSV(f *testing.F) {
	seeds(f, "CSV", "#TYPE x\n#TYPE y\na,b\n", "sep=;\nIdentity;Bindings\n\"EX01\\A\n\";{...}", "Identity,Bindings\nA\\B,\"{\"", "sep=\"\n0")
	f.Fuzz(func(t *testing.T, b []byte) {
		checkRead(t, b)
		checkRead(t, append([]byte("Identity,Bindings,RemoteIPRanges,Name\n"), b...))
	})
}

func FuzzReadText(f *testing.F) {
	seeds(f, "ormat-List", "Identity Bindings\n-------- --------\nA\\B {0.0.0.0:25}\n", "a ---- ---- b", "[PS] C:\\>x\n>> y\n**********\n", "Name : \n : {\n  ,\n", "Interfaces : {{\nSubnets : }\n", "\xe9 : \x81\n")
	seeds(f, "text form")
	f.Fuzz(func(t *testing.T, b []byte) {
		checkRead(t, b)
		checkRead(t, append([]byte("Identity : A\\B\nBindings : {"), b...))
	})
}

func ExampleReader() {
	var r psexport.Reader
	err := r.Read("connectors.json", strings.NewReader(`{"Identity": "EX01\\Relay", "Bindings": ["0.0.0.0:25"],
 "RemoteIPRanges": ["10.0.5.0/24"], "AuthMechanism": 1, "PermissionGroups": "AnonymousUsers", "TransportRole": 16384, "Enabled": true}`))
	if err != nil {
		fmt.Println(err)
	}
	s, err := psexport.ParseServerAddresses("EX01=10.0.0.1")
	if err != nil {
		fmt.Println(err)
	}
	if err := r.AddServer(s); err != nil {
		fmt.Println(err)
	}
	top, warnings, err := r.Topology()
	c := top.Connectors[0]
	fmt.Println(c.ID, c.TransportRole, c.RemoteIPRanges, c.AuthMechanism, "unknown:", c.Missing)
	fmt.Println(top.Servers[0].Addresses, len(warnings), err)
	// Output:
	// EX01\Relay FrontendTransport [10.0.5.0/24] Tls unknown: Fqdn, RequireTLS, SuppressXAnonymousTls, EnableAuthGSSAPI, DomainSecureEnabled, SizeEnabled, MaxMessageSize, Extensions
	// [10.0.0.1] 1 <nil>
}
