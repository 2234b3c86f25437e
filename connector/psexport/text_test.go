package psexport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

// brief prints what of a connector decides who is served.
func brief(cs []connector.ReceiveConnector) (texts []string) {
	for _, c := range cs {
		text := fmt.Sprintf("%s %v %v %s", c.ID, c.Bindings, c.RemoteIPRanges, c.AuthMechanism)
		if c.Disabled {
			text += " disabled"
		}
		if m := c.Missing & decides; m != 0 {
			text += " missing " + m.String()
		}
		texts = append(texts, text)
	}
	return texts
}

const decides = connector.PropertyBindings | connector.PropertyRemoteIPRanges | connector.PropertyAuthMechanism | connector.PropertyEnabled | connector.PropertyTransportRole

// about returns the warnings about a property.
func about(ws []psexport.Warning, property string) (texts []string) {
	for _, w := range ws {
		if w.Property == property {
			texts = append(texts, w.String())
		}
	}
	return texts
}

func TestFormatList(t *testing.T) {
	const all = "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
	for _, row := range []struct {
		name, why, in string
		want          []string
	}{
		{"two objects", "a blank line stands between them, long values are broken", `

Identity         : EX01\Default Frontend EX01
Bindings         : {[::]:25, 0.0.0.0:25}
RemoteIPRanges   : {::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,` + " " + `
                   0.0.0.0-255.255.255.255}
AuthMechanism    : Tls, Integrated, BasicAuth, BasicAuthRequireTLS,
                   ExchangeServer
Enabled          : True

Identity         : EX01\Relay
Bindings         : {0.0.0.0:25}
RemoteIPRanges   : {}
AuthMechanism    : None
Enabled          : False
`, []string{`EX01\Default Frontend EX01 [[::]:25 0.0.0.0:25] [` + all + ` 0.0.0.0-255.255.255.255] Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer`,
			`EX01\Relay [0.0.0.0:25] [] None disabled`}},
		{"a value broken in the middle", "a narrow console breaks an address that is longer than the line; nothing belongs in between", `
Identity       : EX01\A
Bindings       : {0.0.0.0:25}
RemoteIPRanges : {::-ffff:ffff:f
                 fff:ffff:ffff:f
                 fff:ffff:ffff, ` + `
                 10.0.0.1}
AuthMechanism  : Tls
Enabled        : True
`, []string{`EX01\A [0.0.0.0:25] [` + all + ` 10.0.0.1] Tls`}},
		{"a name broken between words", "there a blank belongs", `
Identity      : EX01\The relay of all
                the printers
Bindings      : {0.0.0.0:25}
AuthMechanism : Tls
Enabled       : True
`, []string{`EX01\The relay of all the printers [0.0.0.0:25] [] Tls missing RemoteIPRanges`}},
		{"a copy from a web page", "blank lines behind every line, blanks before the colon collapsed, a sentence around it", `Here it is:

Identity : EX01\A

Bindings : {0.0.0.0:25}

RemoteIPRanges : {10.0.0.1}

AuthMechanism : Tls

Enabled : True



Identity : EX01\B

Bindings : {0.0.0.0:26}

AuthMechanism : None

Enabled : True

Thanks
`, []string{`EX01\A [0.0.0.0:25] [10.0.0.1] Tls`, `EX01\B [0.0.0.0:26] [] None missing RemoteIPRanges`}},
		{"objects that follow each other at once", "the same property begins another one", `Identity : EX01\A
Bindings : {0.0.0.0:25}
Identity : EX01\B
Bindings : {0.0.0.0:26}
`, []string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`, `EX01\B [0.0.0.0:26] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
		{"an object that somebody cut in two", "the second half has no name of its own", `Identity : EX01\A
Bindings : {0.0.0.0:25}

RemoteIPRanges : {10.0.0.1}
AuthMechanism  : Tls
Enabled        : True
`, []string{`EX01\A [0.0.0.0:25] [10.0.0.1] Tls`}},
		{"indented by a quotation", "keys need not begin the line", `    Identity       : EX01\A
    Bindings       : {0.0.0.0:25,
                     [::]:25}
    RemoteIPRanges : {10.0.0.1}
    AuthMechanism  : Tls
    Enabled        : True
`, []string{`EX01\A [0.0.0.0:25 [::]:25] [10.0.0.1] Tls`}},
		{"a list that goes on without an indent", "it is open until its brace", `Identity : EX01\A
Bindings : {0.0.0.0:25,
[::]:25}
RemoteIPRanges : {10.0.0.1,
10.0.0.2,
fd00::1}
AuthMechanism : Tls,
ExchangeServer
Enabled : True
`, []string{`EX01\A [0.0.0.0:25 [::]:25] [10.0.0.1 10.0.0.2 fd00::1] Tls, ExchangeServer`}},
		{"pasted from a page", "no-break spaces, dashes of all kinds, blanks around them, invisible marks", "Identity\u00a0\u00a0 : EX01\\A\u200b\nBindings : {0.0.0.0:25}\nRemoteIPRanges : {10.0.0.1–10.0.0.9, 10.0.1.1 - 10.0.1.9, 10.0.2.1 — 10.0.2.9, 10.0.3.1‑10.0.3.9}\nAuthMechanism : Tls\nEnabled : True\n",
			[]string{`EX01\A [0.0.0.0:25] [10.0.0.1-10.0.0.9 10.0.1.1-10.0.1.9 10.0.2.1-10.0.2.9 10.0.3.1-10.0.3.9] Tls`}},
		{"a name with a blank at its end", "only the name has one, so it is the name's", "Identity : EX01\\A \nBindings : {0.0.0.0:25}\n", []string{`EX01\A  [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
		{"blanks at the end of every line", "they are the page's", "Identity : EX01\\A  \nBindings : {0.0.0.0:25}  \n", []string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
		{"without Identity", "Server and Name tell", "Name : A\nServer : EX01.contoso.com\nBindings : {0.0.0.0:25}\n", []string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
		{"computed properties", "Select-Object names them by the expression", "Name : A\nServer : EX01\n$_.Bindings -join ';' : 0.0.0.0:25;[::]:25\n$PSItem.RemoteIPRanges : {10.0.0.1}\n",
			[]string{`EX01\A [0.0.0.0:25 [::]:25] [10.0.0.1] None missing AuthMechanism, Enabled`}},
		{"grouped", "the heading of -GroupBy is a property of every object of its group, and of no other", `
[PS] C:\>Get-ReceiveConnector | fl -GroupBy Enabled Identity,Bindings

   Enabled: True

Identity : EX01\A
Bindings : {0.0.0.0:25}

Identity : EX01\B
Bindings : {0.0.0.0:26}


   Enabled: False


Identity : EX01\C
Bindings : {0.0.0.0:27}

[PS] C:\>Get-ReceiveConnector EX01\D | fl Identity,Bindings

Identity : EX01\D
Bindings : {0.0.0.0:28}
`, []string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism`, `EX01\B [0.0.0.0:26] [] None missing RemoteIPRanges, AuthMechanism`,
			`EX01\C [0.0.0.0:27] [] None disabled missing RemoteIPRanges, AuthMechanism`, `EX01\D [0.0.0.0:28] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
		{"a part of a property", "the first entry is not the list, nor is a bound the range", "Identity : EX01\\A\nBindings : {0.0.0.0:25}\n$_.RemoteIPRanges[0] : 10.0.0.1\n$_.RemoteIPRanges.LowerBound : 10.0.0.1\n$_.RemoteIPRanges | select -First 1 : 10.0.0.1\n!$_.Enabled : True\n",
			[]string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
		{"the whole of a property", "in other words", "Identity : EX01\\A\n[string]$_.Bindings : 0.0.0.0:25\n($_.RemoteIPRanges | % {$_.Expression}) -join ';' : 10.0.0.1;10.0.0.2\n$_.AuthMechanism.ToString() : Tls\n$_.Enabled : True\n",
			[]string{`EX01\A [0.0.0.0:25] [10.0.0.1 10.0.0.2] Tls`}},
		{"a remark behind the list", "an indented line behind a blank one belongs to no value", "Identity : EX01\\A\nBindings : {0.0.0.0:25}\nEnabled  : True\n\n   note by Bob\n",
			[]string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism`}},
		{"a title that names properties", "it is no header of CSV", "Server, Site and connectors of EX01\n\nIdentity : EX01\\A\nBindings : {0.0.0.0:25}\n", []string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
		{"colours of a console", "PowerShell 7 writes them", "\x1b[32;1mIdentity : \x1b[0mEX01\\A\n\x1b[32;1mBindings : \x1b[0m{0.0.0.0:25}\n", []string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, end := range []string{"\n", "\r\n"} {
				top, _ := read(t, strings.ReplaceAll(row.in, "\n", end))
				assert.Equal(t, row.want, brief(top.Connectors), row.why)
			}
		})
	}
}

// Dots behind the last entry: the list is known in part, in Missing and with a warning at its place.
func TestFormatListCutOff(t *testing.T) {
	for _, row := range []struct{ in, want, warning string }{
		{"{10.0.0.1, 10.0.0.2...}", "[10.0.0.1 10.0.0.2]", "cut off with dots"},
		{"{10.0.0.1, 10.0.0.2…}", "[10.0.0.1 10.0.0.2]", "cut off with dots"},
		{"{10.0.0.1, 10.0.0.2, ...}", "[10.0.0.1 10.0.0.2]", "cut off with dots"},
		{"{10.0.0.1, 10.0.0...", "[10.0.0.1]", "cut off with dots"},
		{"{10.0.0.1,", "[10.0.0.1]", "cut off with dots"},
		{"{...}", "[]", "cut off with dots"},
		{"", "[]", "empty in the export"},
		{"Microsoft.Exchange.Data.MultiValuedProperty`1[Microsoft.Exchange.Data.IPRange]", "[]", "exported as the name of a type instead of its value"},
		{"System.Object[]", "[]", "exported as the name of a type instead of its value"},
	} {
		top, warnings := read(t, "Identity       : EX01\\A\nBindings       : {0.0.0.0:25}\nRemoteIPRanges : "+row.in+"\n")
		require.Len(t, top.Connectors, 1, row.in)
		assert.Equal(t, row.want, fmt.Sprint(top.Connectors[0].RemoteIPRanges), row.in)
		assert.True(t, top.Connectors[0].Missing.Has(connector.PropertyRemoteIPRanges), row.in)
		assert.Equal(t, []string{`f0:3:18: EX01\A: RemoteIPRanges: ` + row.warning + `, so whom the connector serves is unknown`}, about(warnings, "RemoteIPRanges"), row.in)
	}
	// Those that only the canonical text form has, too.
	top, warnings := read(t, "Name : EX01\nServerRole : Mailbox\nAddresses : {10.0.0.1, 10.0.0...\nMissing : None\n\nIdentity : EX01\\A\nBindings : {0.0.0.0:25}\nRights : {x: ms-Exch-SMTP-Submit, x: ms-Exch...\nMissing : None\n")
	assert.Equal(t, []string{
		"f0:3:13: EX01: Addresses: cut off with dots, so the addresses of the server are known in part",
		`f0:8:10: EX01\A: Rights: cut off with dots, so what the rights beyond the groups allow is unknown`,
	}, lines(warnings))
	assert.Equal(t, "[10.0.0.1]", fmt.Sprint(top.Servers[0].Addresses))
	assert.Equal(t, connector.PropertyRights, top.Connectors[0].Missing&^announced)
	top, warnings = read(t, "Identity : EX01\\A\nBindings : {0.0.0.0:25}\nAuthMechanism : Tls, Integrated, Basic...\nFqdn : ex01.cont...\nTransportRole : Frontend...\n")
	assert.Equal(t, connector.PropertyAuthMechanism|connector.PropertyFQDN|connector.PropertyTransportRole, top.Connectors[0].Missing&(decides|connector.PropertyFQDN)&^connector.PropertyRemoteIPRanges&^connector.PropertyEnabled)
	assert.Len(t, about(warnings, "AuthMechanism"), 1)
	assert.Len(t, about(warnings, "Fqdn"), 1)
}

func TestFormatTable(t *testing.T) {
	for _, row := range []struct {
		name, why, in string
		want          []string
	}{
		{"the default view", "it has three columns; what is too long is cut", `
Identity                               Bindings                     Enabled
--------                               --------                     -------
EX01\Default EX01                      {0.0.0.0:2525, [::]:2525}    True
EX01\Outbound Proxy Frontend EX01 an... {[::]:717, 0.0.0.0:717}      True
EX01\Relay                             {10.0.0.12:25, 10.0.0.13:... False

`, []string{`EX01\Default EX01 [0.0.0.0:2525 [::]:2525] [] None missing RemoteIPRanges, AuthMechanism`,
			`EX01\Outbound Proxy Frontend EX01 an... [[::]:717 0.0.0.0:717] [] None missing RemoteIPRanges, AuthMechanism`,
			`EX01\Relay [10.0.0.12:25] [] None disabled missing Bindings, RemoteIPRanges, AuthMechanism`}},
		{"wrapped", "-Wrap breaks cells between words, behind commas and inside long entries", `
Name                  Server TransportRole Bindings        RemoteIPRanges          AuthMechanism
----                  ------ ------------- --------        --------------          -------------
Default Frontend EX01 EX01   FrontendTrans {[::]:25,       {::-ffff:ffff:ffff:ffff Tls, Integrated,
                             port          0.0.0.0:25}     :ffff:ffff:ffff:ffff,   BasicAuth,
                                                           0.0.0.0-255.255.255.255 BasicAuthRequireTLS,
                                                           }                       ExchangeServer
Relay for all the     EX01   FrontendTrans {0.0.0.0:25,    {10.0.0.0/24}           None
printers                     port          [::]:25}
`, []string{`EX01\Default Frontend EX01 [[::]:25 0.0.0.0:25] [::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 0.0.0.0-255.255.255.255] Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer missing Enabled`,
			`EX01\Relay for all the printers [0.0.0.0:25 [::]:25] [10.0.0.0/24] None missing Enabled`}},
		{"blanks collapsed", "the form of the values tells the columns apart", `Identity Bindings RemoteIPRanges Enabled
-------- -------- -------------- -------
EX01\Default Frontend EX01 {[::]:25, 0.0.0.0:25} {0.0.0.0-255.255.255.255} True
EX01\Relay {0.0.0.0:25} {10.0.0.1} False
`, []string{`EX01\Default Frontend EX01 [[::]:25 0.0.0.0:25] [0.0.0.0-255.255.255.255] None missing AuthMechanism`,
			`EX01\Relay [0.0.0.0:25] [10.0.0.1] None disabled missing AuthMechanism`}},
		{"line ends lost", "prompt, heads, dashes and rows in one line",
			`[PS] C:\>Get-ReceiveConnector Identity Bindings Enabled -------- -------- ------- EX01\Default EX01 {0.0.0.0:2525, [::]:2525} True EX01\Client Frontend EX... {[::]:587, 0.0.0.0:587} False `,
			[]string{`EX01\Default EX01 [0.0.0.0:2525 [::]:2525] [] None missing RemoteIPRanges, AuthMechanism`,
				`EX01\Client Frontend EX... [[::]:587 0.0.0.0:587] [] None disabled missing RemoteIPRanges, AuthMechanism`}},
		{"double-spaced", "a web page put a blank line behind each", "Identity    Bindings      Enabled\n\n--------    --------      -------\n\nEX01\\A      {0.0.0.0:25}  True\n\nEX01\\B      {0.0.0.0:26}  True\n\n\n",
			[]string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism`, `EX01\B [0.0.0.0:26] [] None missing RemoteIPRanges, AuthMechanism`}},
		{"grouped", "the heading of -GroupBy stands above each table", "\n   Server: EX01\n\nName Bindings     Enabled\n---- --------     -------\nA    {0.0.0.0:25}    True\nB    {0.0.0.0:26}   False\n\n\n   Server: EX02\n\nName Bindings     Enabled\n---- --------     -------\nA    {0.0.0.0:25}    True\n",
			[]string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism`, `EX01\B [0.0.0.0:26] [] None disabled missing RemoteIPRanges, AuthMechanism`, `EX02\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism`}},
		{"flags cut off", "with or without a comma before the dots", "Identity     AuthMechanism        Bindings      Enabled\n--------     -------------        --------      -------\nEX01\\A       Tls, Integrated,...  {0.0.0.0:25}  True\nEX01\\B       Tls, ...             {0.0.0.0:26}  True\n",
			[]string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism`, `EX01\B [0.0.0.0:26] [] None missing RemoteIPRanges, AuthMechanism`}},
		{"wide characters", "they take two cells of the console", "Identity     Bindings      Enabled\n--------     --------      -------\nEX01\\中继    {0.0.0.0:25}  True\n",
			[]string{`EX01\中继 [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, end := range []string{"\n", "\r\n"} {
				top, _ := read(t, strings.ReplaceAll(row.in, "\n", end))
				assert.Equal(t, row.want, brief(top.Connectors), row.why)
			}
		})
	}
}

// What a table does not hold is named, at the place of the row and the cell.
func TestFormatTableWarnings(t *testing.T) {
	_, warnings := read(t, "Identity    Bindings      Enabled\n--------    --------      -------\nEX01\\A...   {0.0.0.0:2... True\n")
	assert.Equal(t, []string{
		`f0:3: EX01\A...: Identity: cut off with dots, so the full name of the connector is unknown`,
		`f0:3:13: EX01\A...: Bindings: cut off with dots, so where the connector listens is unknown`,
		`f0:3: EX01\A...: RemoteIPRanges: not in the export, so whom the connector serves is unknown`,
		`f0:3: EX01\A...: AuthMechanism: not in the export, so whether Exchange servers can authenticate is unknown`,
		`f0:3: EX01\A...: PermissionGroups: not in the export, so who may submit is unknown`,
		`f0:3: EX01\A...: RequireTLS, SuppressXAnonymousTls, EnableAuthGSSAPI, DomainSecureEnabled, Fqdn: not in the export, so what clients are offered there is known in part only`,
	}, lines(warnings))

	top, warnings := read(t, "Identity Bindings Comment\n-------- -------- -------\nEX01\\A {0.0.0.0:25} the first\nEX01\\B 0.0.0.0:25 the second\n")
	assert.Len(t, top.Connectors, 1)
	assert.Contains(t, lines(warnings), "f0:4: a row of a table whose columns cannot be told apart, so its object is left out; use Format-List")

	top, warnings = read(t, `Identity Bindings Enabled -------- -------- ------- EX01\A {0.0.0.0:25} True and more`)
	assert.Len(t, top.Connectors, 1)
	assert.Contains(t, lines(warnings), `f0:1:78: the rest of a table in one line, from "and more" on, so its objects are left out; use Format-List`)
	require.ErrorIs(t, readError(t, `Bindings Identity -------- -------- {0.0.0.0:25} EX01\A {0.0.0.0:25} EX01\B`), psexport.ErrUnknownForm, "nothing tells where a row ends")
}

// A row with nothing but its first value is a row: names of servers and of what else may lack everything.
func TestFormatTableOfServers(t *testing.T) {
	top, warnings := read(t, `[PS] C:\>Get-ExchangeServer

Name                Site                 ServerRole  Edition     AdminDisplayVersion
----                ----                 ----------  -------     -------------------
EX01                contoso.com/Confi... Mailbox,... Enterprise  Version 15.1 (Bu...
EDGE01                                   Edge        Standard    Version 15.1 (Bu...

[PS] C:\>Get-TransportService | ft Name,InternalTransportCertificateThumbprint

Name   InternalTransportCertificateThumbprint
----   --------------------------------------
EX01   0123456789ABCDEF0123456789ABCDEF01234567
EDGE01
EX02   0123456789ABCDEF0123456789ABCDEF01234568
`)
	var got []string
	for _, s := range top.Servers {
		got = append(got, fmt.Sprint(s.Name, " ", s.Roles, " ", s.InternalTransportCertificate, " ", s.Missing))
	}
	assert.Equal(t, []string{
		"EX01 None 0123456789ABCDEF0123456789ABCDEF01234567 Site, Version, Roles, UseDowngradedExchangeServerAuth",
		"EDGE01 Edge  Version, UseDowngradedExchangeServerAuth, InternalTransportCertificateThumbprint",
		"EX02 None 0123456789ABCDEF0123456789ABCDEF01234568 Fqdn, Site, DAG, Version, Roles, Addresses, UseDowngradedExchangeServerAuth",
	}, got)
	assert.Len(t, about(warnings, "Site"), 1)
	wide := "[PS] C:\\>Get-ReceiveConnector\n" + strings.Repeat("a ", 2000) + "\n" + strings.Repeat("-- ", 2000) + "\n" + strings.Repeat("x ", 2000) + "\n"
	require.ErrorIs(t, readError(t, wide), psexport.ErrUnknownForm, "no table has so many columns")
}

// JSON and CSV behind prompts, warnings and titles, between other output, up to the next prompt.
func TestDataInText(t *testing.T) {
	top, warnings := read(t, `PS C:\> Get-ReceiveConnector EX01\A | ConvertTo-Json
WARNING: Resulting JSON is truncated as serialization has exceeded the set depth of 2.
{
  "Identity": "EX01\\A",
  "Bindings": "0.0.0.0:25"
}
PS C:\> Get-ReceiveConnector EX01\B | fl Identity,Bindings

Identity : EX01\B
Bindings : {0.0.0.0:26}

PS C:\> Get-ReceiveConnector EX01\C | ConvertTo-Csv
#TYPE Selected.Microsoft.Exchange.Data.Directory.SystemConfiguration.ReceiveConnector
"Identity","Bindings"
"EX01\C","0.0.0.0:27"
PS C:\> type old.csv
Identity,Bindings
EX01\D,0.0.0.0:28
PS C:\> type topology.json
{"connectors": [{"identity": "EX01\\E", "bindings": ["0.0.0.0:29"]}]}
PS C:\>
`)
	var ids []string
	for _, c := range top.Connectors {
		ids = append(ids, fmt.Sprint(c.ID, c.Bindings, c.Source))
	}
	assert.Equal(t, []string{`EX01\A [0.0.0.0:25] f0:3:1`, `EX01\B [0.0.0.0:26] f0:9:1`, `EX01\C [0.0.0.0:27] f0:15`, `EX01\D [0.0.0.0:28] f0:18`, `EX01\E [0.0.0.0:29] f0:20:17`}, ids)
	assert.Contains(t, lines(warnings), `f0:2:1: the shell says "WARNING: Resulting JSON is truncated as serialization has exceeded the set depth...", so the output may not be complete`)
	top, _ = read(t, "Connectors of EX01, as of today\n\nIdentity;Bindings\nEX01\\A;0.0.0.0:25\n")
	assert.Len(t, top.Connectors, 1)
	err := readError(t, "PS C:\\> x\n{\"a\": 1,\n}\n")
	assert.Equal(t, "f:3:1: not JSON: '}' where a key should be", err.Error())
}

// A connector whose name a table cut off is the one it can only be.
func TestCutNames(t *testing.T) {
	table := "Identity                   Bindings      Enabled\n--------                   --------      -------\nEX01\\Default Frontend E... {0.0.0.0:25}  True\nEX01\\Relay...              {0.0.0.0:26}  True\nEX01\\Client Frontend EX... {0.0.0.0:587} True\nEX01\\Client Proxy EX0...   {0.0.0.0:465} True\n"
	list := "Identity : EX01\\Client Proxy EX01\nRemoteIPRanges : {10.0.0.4}\n\nIdentity : EX01\\Default Frontend EX01\nRemoteIPRanges : {10.0.0.1}\n\nIdentity : EX01\\Relay 1\nRemoteIPRanges : {10.0.0.2}\n\nIdentity : EX01\\Relay 2\nRemoteIPRanges : {10.0.0.2}\n\nIdentity : EX01\\Client Frontend EX01\nRemoteIPRanges : {10.0.0.3}\n"
	for _, order := range [][]string{{table, list}, {list, table}} {
		top, _ := read(t, order...)
		for name, want := range map[string]string{"Default Frontend EX01": "[0.0.0.0:25] [10.0.0.1]", "Client Frontend EX01": "[0.0.0.0:587] [10.0.0.3]", "Client Proxy EX01": "[0.0.0.0:465] [10.0.0.4]"} {
			c, ok := top.Connector(connector.ID{Server: "EX01", Name: name})
			require.True(t, ok)
			assert.Equal(t, want, fmt.Sprint(c.Bindings, c.RemoteIPRanges), name)
		}
		assert.Len(t, top.Connectors, 6, "of Relay... there could be two")
	}
}

// A transcript of several cmdlets, with everything a shell writes around objects.
func TestTranscript(t *testing.T) {
	top, warnings := read(t, `**********************
Windows PowerShell transcript start
Start time: 20260101120000
Username: CONTOSO\admin
Machine: EX01 (Microsoft Windows NT 10.0.17763.0)
PSVersion: 5.1.17763.1
**********************
Transcript started, output file is C:\t.txt
[PS] C:\Windows\system32>Get-ExchangeServer | fl Name,Site,ServerRole,AdminDisplayVersion,Fqdn


Name                : EX01
Site                : contoso.com/Configuration/Sites/DC1
ServerRole          : Mailbox
AdminDisplayVersion : Versión 15.1 (compilación 2507.6)
Fqdn                : EX01.contoso.com

Name                : EX02
Site                : contoso.com/Configuration/Sites/DC2
ServerRole          : Mailbox
AdminDisplayVersion : 版本 15.1（内部版本 2507.6）
Fqdn                : EX02.contoso.com

PS C:\> Get-ReceiveConnector EX01\Relay |
>> Get-ADPermission | fl
WARNING: By default, only the first 1000 items
are returned.
Get-Nothing : The term 'Get-Nothing' is not recognized

User                 : NT AUTHORITY\ANONYMOUS LOGON
Identity             : EX01\Relay
Deny                 : False
AccessRights         : {ExtendedRight}
IsInherited          : False
Properties           :
ExtendedRights       : {ms-Exch-SMTP-Accept-Any-Recipient, ms-Exch-Store-Admin}

[PS] C:\>Get-ReceiveConnector | ft Identity,Bindings,RemoteIPRanges,AuthMechanism,PermissionGroups,Enabled

Identity   Bindings     RemoteIPRanges AuthMechanism PermissionGroups       Enabled
--------   --------     -------------- ------------- ----------------       -------
EX01\Relay {0.0.0.0:25} {10.0.0.1}     Tls           AnonymousUsers, Custom True

[PS] C:\>Get-DatabaseAvailabilityGroup

Name             Member Servers                                      Operational Servers
----             --------------                                      -------------------
DAG1             {EX01, EX02}

[PS] C:\>Get-DatabaseAvailabilityGroupNetwork

Name               : MapiDagNetwork
Subnets            : {{10.1.0.0/24,Up}}
Interfaces         : {{EX01,Up,10.1.0.11}, {EX02,Up,10.1.0.12}}
MapiAccessEnabled  : True
Identity           : DAG1\MapiDagNetwork

Name               : ReplicationDagNetwork01
Subnets            : {{192.168.1.0/24,Up}}
Interfaces         : {{EX01,Up,192.168.1.1}, {EX02,Up,192.168.1.2}}
MapiAccessEnabled  : False
Identity           : DAG1\ReplicationDagNetwork01

[PS] C:\>Resolve-DnsName ex02.contoso.com

Name                                           Type   TTL   Section    IPAddress
----                                           ----   ---   -------    ---------
ex02.contoso.com                               AAAA   1200  Answer     fd00::12
ex02.contoso.com                               A      1200  Answer     10.1.0.12
mail.contoso.com                               A      1200  Answer     10.1.0.99

[PS] C:\>Get-MailboxDatabase -Status | ft Name,Server,Mounted

Name Server Mounted
---- ------ -------
DB1  EX01      True
DB2  EX02     False
[PS] C:\>Get-PublicFolderDatabase | select Name,Server | fl
Name   : PF1
Server : EX02
[PS] C:\>Get-Date
Thursday
**********************
Windows PowerShell transcript end
End time: 20260101120500
**********************
`)
	assert.Equal(t, []string{
		`f0:26:1: the shell says "WARNING: By default, only the first 1000 items are returned.", so the output may not be complete`,
		`f0:28:1: the shell says "Get-Nothing : The term 'Get-Nothing' is not recognized", so the output may not be complete`,
		`f0:42: EX01\Relay: RequireTLS, SuppressXAnonymousTls, EnableAuthGSSAPI, DomainSecureEnabled, Fqdn: not in the export, so what clients are offered there is known in part only`,
		`f0:60:22: DAG1\ReplicationDagNetwork01: MapiAccessEnabled: the addresses of a network that is closed to MAPI, so whether mail comes from them is unknown`,
		`f0:79:1: PF1: MountedOnServer: not in the export without -Status, so the database is taken as mounted on EX02`,
		`f0:82:1: 1 line outside of all objects, so what they say is not used`,
		`f0:70: mail.contoso.com: an address of a host that no file calls an Exchange server, so it is left out`,
	}, lines(warnings))
	var servers []string
	for _, s := range top.Servers {
		servers = append(servers, fmt.Sprint(s.Name, " ", s.Site, " ", s.DAG, " ", s.Version, " ", s.Addresses, " ", s.Missing))
	}
	assert.Equal(t, []string{
		"EX01 DC1 DAG1 Version 15.1 (Build 2507.6) [10.1.0.11] None",
		"EX02 DC2 DAG1 Version 15.1 (Build 2507.6) [10.1.0.12 fd00::12] None",
	}, servers)
	assert.Equal(t, []string{`EX01\Relay [0.0.0.0:25] [10.0.0.1] Tls`}, brief(top.Connectors))
	assert.Equal(t, []connector.Grant{{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Any-Recipient"}}, top.Connectors[0].Rights)
	assert.Equal(t, []connector.Database{{Name: "DB1", Kind: connector.MailboxDatabase, Mounted: "EX01"}, {Name: "DB2", Kind: connector.MailboxDatabase},
		{Name: "PF1", Kind: connector.PublicFolderDatabase, Mounted: "EX02"}}, top.Databases)
}

// Tables of random connectors, wide and wrapped, hold what their columns do.
func TestTablesOfRandomConnectors(t *testing.T) {
	columns := []string{"Identity", "Bindings", "RemoteIPRanges", "AuthMechanism", "PermissionGroups", "Enabled", "Fqdn"}
	for seed := range uint64(200) {
		top := gen.Organization(gen.Rand(seed))
		for i := range top.Connectors {
			c := &top.Connectors[i]
			c.ID.Name = fmt.Sprintf("Relay %d for the printers", i)
			c.TransportRole, c.Rights, c.PermissionGroups = 0, nil, c.PermissionGroups&^connector.GroupCustom
			c.RequireTLS, c.SuppressXAnonymousTLS, c.EnableAuthGSSAPI, c.DomainSecure = false, false, false, false
			c.SizeEnabled, c.MaxMessageSize, c.DisabledExtensions, c.OrarEnabled, c.LongAddressesEnabled, c.Limits = 0, 0, 0, false, false, connector.Limits{}
			c.Missing = connector.PropertyRequireTLS | connector.PropertySuppressXAnonymousTLS | connector.PropertyEnableAuthGSSAPI | connector.PropertyDomainSecure | announced
		}
		if len(top.Connectors) == 0 {
			continue
		}
		for _, width := range []int{14, 24, 1000} {
			text := asTable(top.Connectors, columns, width)
			got, _ := read(t, text)
			want := &connector.Topology{Connectors: top.Connectors}
			require.Equal(t, nativeJSON(want), nativeJSON(got), "seed %d, width %d:\n%s", seed, width, text)
		}
	}
}

// asTable writes what Format-Table -Wrap shows with columns no wider than width.
func asTable(cs []connector.ReceiveConnector, columns []string, width int) string {
	rows := [][]string{columns, nil}
	for _, name := range columns {
		rows[1] = append(rows[1], strings.Repeat("-", len(name)))
	}
	for _, c := range cs {
		rows = append(rows, []string{c.ID.String(), "{" + strings.Join(stringsOf(c.Bindings), ", ") + "}", "{" + strings.Join(stringsOf(c.RemoteIPRanges), ", ") + "}",
			c.AuthMechanism.String(), c.PermissionGroups.String(), map[bool]string{true: "False", false: "True"}[c.Disabled], c.FQDN})
	}
	widths := make([]int, len(columns))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], min(len(text), max(width, len(columns[i]))))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var cells [][]string
		height := 0
		for i, text := range row {
			cells = append(cells, wrap(text, widths[i]))
			height = max(height, len(cells[i]))
		}
		for line := range height {
			for i, pieces := range cells {
				text := ""
				if line < len(pieces) {
					text = pieces[line]
				}
				fmt.Fprintf(&b, "%-*s ", widths[i], text)
			}
			b.WriteString("\n")
		}
	}
	return b.String() + "\n"
}
