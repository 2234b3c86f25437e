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

func TestCSVShapes(t *testing.T) {
	const all = "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
	for _, row := range []struct {
		name, why, in string
		want          []string
	}{
		{"of a script", "columns in any order and case, lists joined inside quotation marks, a name that ends in a blank",
			`"Enabled","RemoteIPranges","Authmechanism","Bindings","Identity"` + "\n" + `"True","` + all + `,0.0.0.0-255.255.255.255","Tls, ExchangeServer","0.0.0.0:2525,[::]:2525","EX01\Default "` + "\n",
			[]string{`EX01\Default  [0.0.0.0:2525 [::]:2525] [` + all + ` 0.0.0.0-255.255.255.255] Tls, ExchangeServer`}},
		{"the server is in the distinguished name", "there is neither Identity nor Server",
			"Name,DistinguishedName,Bindings,RemoteIPRanges,AuthMechanism,Enabled\nRelay 2,\"CN=Relay 2,CN=SMTP Receive Connectors,CN=Protocols,CN=EX-02,CN=Servers,CN=x\",0.0.0.0:25,10.0.0.1,Tls,True\n",
			[]string{`EX-02\Relay 2 [0.0.0.0:25] [10.0.0.1] Tls`}},
		{"saved by a spreadsheet", "semicolons, booleans in another language, a line that names the separator",
			"sep=;\r\nIdentity;Bindings;RemoteIPRanges;AuthMechanism;Enabled\r\nEX01\\A;0.0.0.0:25 [::]:25;10.0.0.1,10.0.0.5;Tls, BasicAuth;WAHR\r\nEX01\\B;0.0.0.0:26;10.0.0.1;None;FALSCH\r\n",
			[]string{`EX01\A [0.0.0.0:25 [::]:25] [10.0.0.1 10.0.0.5] Tls, BasicAuth`, `EX01\B [0.0.0.0:26] [10.0.0.1] None disabled`}},
		{"tabs", "-Delimiter is anything", "Identity\tBindings\tRemoteIPRanges\tAuthMechanism\tEnabled\nEX01\\A\t0.0.0.0:25\t10.0.0.1|10.0.0.2\tTls\t$true\n",
			[]string{`EX01\A [0.0.0.0:25] [10.0.0.1 10.0.0.2] Tls`}},
		{"bars", "between fields, and commas inside", "Identity|Bindings|RemoteIPRanges|AuthMechanism|Enabled\nEX01\\A|0.0.0.0:25|10.0.0.1,10.0.0.2|Tls|1\n",
			[]string{`EX01\A [0.0.0.0:25] [10.0.0.1 10.0.0.2] Tls`}},
		{"computed columns", "Select-Object names them by the expression", `"Name","Server","$_.Bindings","$_.RemoteIPRanges -join ' '"` + "\n" + `"A","EX01","0.0.0.0:25","10.0.0.1 10.0.0.2"` + "\n",
			[]string{`EX01\A [0.0.0.0:25] [10.0.0.1 10.0.0.2] None missing AuthMechanism, Enabled`}},
		{"several exports in one file", "each has a line #TYPE and a header of its own", "#TYPE Microsoft.Exchange.ReceiveConnector\r\n\"Identity\",\"Bindings\"\r\n\"EX01\\A\",\"0.0.0.0:25\"\r\n#TYPE Selected.Microsoft.Exchange.ReceiveConnector\r\n\"Bindings\",\"Identity\",\"Enabled\"\r\n\"0.0.0.0:26\",\"EX01\\B\",\"False\"\r\n",
			[]string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`, `EX01\B [0.0.0.0:26] [] None disabled missing RemoteIPRanges, AuthMechanism`}},
		{"empty rows and fields", "a spreadsheet leaves rows of delimiters behind", "Identity,Bindings,RemoteIPRanges,Comment\nEX01\\A,0.0.0.0:25,,\n,,,\n\n",
			[]string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
		{"exports without #TYPE in one file", "a row of names begins another one", "Identity,Bindings,Enabled\nEX01\\A,0.0.0.0:25,True\nIdentity,Enabled,Bindings\nEX01\\B,False,0.0.0.0:26\n",
			[]string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism`, `EX01\B [0.0.0.0:26] [] None disabled missing RemoteIPRanges, AuthMechanism`}},
		{"a column that lost its values, and another that has them", "Select-Object *,{...} writes both", "Identity,Bindings,RemoteIPRanges,$_.RemoteIPRanges -join ' ',$_.RemoteIPRanges.Count\nEX01\\A,0.0.0.0:25,System.Object[],10.0.0.1 10.0.0.2,2\n",
			[]string{`EX01\A [0.0.0.0:25] [10.0.0.1 10.0.0.2] None missing AuthMechanism, Enabled`}},
		{"a column twice", "the first counts", "Identity,Bindings,Bindings\nEX01\\A,0.0.0.0:25,0.0.0.0:26\n", []string{`EX01\A [0.0.0.0:25] [] None missing RemoteIPRanges, AuthMechanism, Enabled`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			top, _ := read(t, row.in)
			assert.Equal(t, row.want, brief(top.Connectors), row.why)
		})
	}
}

// What Export-Csv makes of collections is a loss, at the place of the field.
func TestCSVLoss(t *testing.T) {
	top, warnings := read(t, "#TYPE Microsoft.Exchange.Data.Directory.SystemConfiguration.ReceiveConnector\r\n"+
		"\"Identity\",\"Bindings\",\"RemoteIPRanges\",\"AuthMechanism\",\"PermissionGroups\",\"Enabled\",\"RequireTLS\",\"SuppressXAnonymousTls\",\"EnableAuthGSSAPI\",\"DomainSecureEnabled\",\"Fqdn\"\r\n"+
		"\"EX01\\A\",\"Microsoft.Exchange.Data.MultiValuedProperty`1[Microsoft.Exchange.Data.IPBinding]\",\"System.Collections.ArrayList\",\"\",\"None\",\"True\",\"False\",\"False\",\"False\",\"False\",\"\"\r\n")
	assert.Equal(t, connector.PropertyBindings|connector.PropertyRemoteIPRanges|connector.PropertyAuthMechanism, top.Connectors[0].Missing&^announced)
	assert.Equal(t, []string{
		`f0:3:10: EX01\A: Bindings: exported as the name of a type instead of its value, so where the connector listens is unknown`,
		`f0:3:93: EX01\A: RemoteIPRanges: exported as the name of a type instead of its value, so whom the connector serves is unknown`,
		`f0:3:124: EX01\A: AuthMechanism: empty in the export, so whether Exchange servers can authenticate is unknown`,
	}, lines(warnings))
}

func TestCSVErrors(t *testing.T) {
	for _, row := range []struct {
		why, in string
		says    []string
		want    error
	}{
		{"too few fields", "\r\nIdentity,Bindings,RemoteIPRanges\nEX01\\A,0.0.0.0:25\nEX01\\B,1,2,3\n", []string{
			"f:3: another number of fields than the header: 2 instead of 3", "f:4: another number of fields than the header: 4 instead of 3"}, psexport.ErrCSVFields},
		{"a quotation mark is missing", "Identity,Bindings\n\"EX01\\A\",\"0.0.0.0:25\nEX01\\B,0.0.0.0:26\n", []string{"f:2: a quotation mark is missing or in the wrong place"}, psexport.ErrCSVQuote},
		{"a quotation mark too many", "Identity,Bindings\nEX01\\\"A,0.0.0.0:25\n", []string{"f:2: a quotation mark is missing"}, psexport.ErrCSVQuote},
		{"a value that cannot be read", "Identity,Bindings,RemoteIPRanges\nEX01\\A,0.0.0.0:25,\"10.0.0.1,10.0.0.300\"\n", []string{`f:2:19: EX01\A: RemoteIPRanges: range "10.0.0.300": byte 0: not an IP address`}, connector.ErrAddress},
		{"another cmdlet", "\"Alias\",\"Database\"\n\"joe\",\"DB1\"\n", []string{"f:2: not the output of Get-ReceiveConnector or another cmdlet that is read here: an object with the properties alias, database; write"}, psexport.ErrOtherCmdlet},
		{"another type", "#TYPE Microsoft.Exchange.Data.Directory.Management.Mailbox\nName,Bindings\nx,y\n", []string{"an object of type Microsoft.Exchange.Data.Directory.Management.Mailbox"}, psexport.ErrOtherCmdlet},
		{"ranges alone", "\"LowerBound\",\"UpperBound\",\"RangeFormat\",\"Size\",\"Expression\"\n\"10.0.0.1\",\"10.0.0.1\",\"SingleAddress\",\"::1\",\"10.0.0.1\"\n", []string{"f:2: ", "ranges without the connector they belong to; write Get-ReceiveConnector"}, psexport.ErrOtherCmdlet},
		{"a header alone", "Identity,Bindings\n", []string{"it holds no objects"}, psexport.ErrOtherCmdlet},
		{"errors without end", "Identity,Bindings\n" + strings.Repeat("x\n", 1000), []string{"f:2: another number", "f:101: another number", "too many errors: 900 more are not reported"}, psexport.ErrCSVFields},
		{"values without end", "Identity,Bindings\n" + strings.Repeat("EX01\\A,y\n", 1000), []string{"f:2:8: ", "f: too many errors: 900 more are not reported"}, psexport.ErrTooManyErrors},
	} {
		t.Run(row.why, func(t *testing.T) {
			err := readError(t, row.in)
			require.ErrorIs(t, err, row.want)
			for _, says := range row.says {
				assert.Contains(t, err.Error(), says)
			}
			assert.LessOrEqual(t, strings.Count(err.Error(), "\n"), 101)
		})
	}
}

// Losses without end are counted, not listed.
func TestWarningsWithoutEnd(t *testing.T) {
	var b strings.Builder
	b.WriteString("Identity,Bindings,RemoteIPRanges\n")
	for i := range 4000 {
		fmt.Fprintf(&b, "EX01\\C%d,0.0.0.0:25,\n", i)
	}
	top, warnings := read(t, b.String())
	assert.Len(t, top.Connectors, 4000)
	require.Len(t, warnings, 10_001)
	assert.Equal(t, "f0: 10000 more losses are not reported one by one, so see Missing of the servers and connectors", warnings[10_000].String())
}
