package ems_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// twoServers have a relay each, and the first the connectors of setup.
func twoServers() *connector.Topology {
	first := connector.Server{Name: "EX01", FQDN: "ex01.contoso.com", Version: connector.MustParseVersion("2016")}
	second := connector.Server{Name: "EX02", Version: connector.MustParseVersion("2010")}
	t := &connector.Topology{Servers: []connector.Server{first, second}, Connectors: connector.DefaultConnectors(first)}
	for _, s := range []string{"EX01", "EX02"} {
		c := relay("10.0.0.1", "10.0.0.0/24")
		c.ID = connector.ID{Server: s, Name: "Relay"}
		c.PermissionGroups = connector.GroupAnonymousUsers
		t.Connectors = append(t.Connectors, c)
	}
	return t
}

func TestParse(t *testing.T) {
	for _, row := range []struct {
		why, in string
		want    []string // the changes
		notes   []string // the first words of each
	}{
		{"add a range", `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges @{Add='10.0.5.0/24'}`, []string{`EX01\Relay: RemoteIPRanges +10.0.5.0/24`}, nil},
		{"add and remove", `Set-ReceiveConnector -Identity 'ex01\relay' -RemoteIPRanges @{Add='10.0.5.1','10.0.5.2'; Remove='10.0.0.0-10.0.0.255'}`, []string{`EX01\Relay: RemoteIPRanges +10.0.5.1 +10.0.5.2 -10.0.0.0/24`}, nil},
		{"what the shell of another system made of the quotes", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add=10.0.5.0/24;Remove=10.0.0.1}`, []string{`EX01\Relay: RemoteIPRanges +10.0.5.0/24 -10.0.0.1`}, nil},
		{"the whole list", `Set-ReceiveConnector "EX01\Relay" -RemoteIPRanges 10.0.0.1, "10.0.9.0/24"`, []string{`EX01\Relay: RemoteIPRanges +10.0.9.0/24 -10.0.0.0/24`}, nil},
		{"as an array", `Set-ReceiveConnector "EX01\Relay" -RemoteIPRanges @("10.0.0.1","10.0.0.0/24","10.0.7.7")`, []string{`EX01\Relay: RemoteIPRanges +10.0.7.7`}, nil},
		{"over several lines", "Set-ReceiveConnector `\n  -Identity 'EX01\\Relay' `\r\n  -RemoteIPRanges @{ # who\n    Add = '10.0.5.1',\n   '10.0.5.2'\n  }\n", []string{`EX01\Relay: RemoteIPRanges +10.0.5.1 +10.0.5.2`}, nil},
		{"switches and numbers", `Set-ReceiveConnector EX01\Relay -Enabled $false -RequireTLS:$true -AuthMechanism Tls,BasicAuth -MaxHopCount 30 -Confirm:$false -WhatIf`, []string{`EX01\Relay: Enabled True -> False; AuthMechanism None -> Tls, BasicAuth; RequireTLS False -> True; MaxHopCount unknown -> 30`}, []string{"-WhatIf: read as if"}},
		{"flags in one text", `Set-ReceiveConnector EX01\Relay -PermissionGroups 'AnonymousUsers, ExchangeServers' -AuthMechanism "ExternalAuthoritative"`, []string{`EX01\Relay: AuthMechanism None -> ExternalAuthoritative; PermissionGroups AnonymousUsers -> AnonymousUsers, ExchangeServers`}, nil},
		{"parameters cut short, dashes of a word processor, typographic quotes", "Set-ReceiveConnector \u2013Ident \u2018EX01\\Relay\u2019 \u2014RemoteIP \u201c10.0.0.1\u201d", []string{`EX01\Relay: RemoteIPRanges -10.0.0.0/24`}, nil},
		{"bindings", `Set-ReceiveConnector EX01\Relay -Bindings @{Add="10.0.0.9:25"; Remove='[::]:25'}`, []string{`EX01\Relay: Bindings +10.0.0.9:25 -[::]:25`}, nil},
		{"no name", `Set-ReceiveConnector 'EX01\Default Frontend EX01' -Fqdn $null`, []string{`EX01\Default Frontend EX01: Fqdn ex01.contoso.com -> nothing`}, nil},
		{"an empty list", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @()`, []string{`EX01\Relay: RemoteIPRanges -10.0.0.1 -10.0.0.0/24`}, nil},
		{"a truth in words", `Set-ReceiveConnector EX01\Relay -Enabled False -Name True`, []string{`EX01\Relay: Name Relay -> True; Enabled True -> False`}, []string{"-Enabled: PowerShell takes $true or $false, and False is a text to it"}},
		{"a truth in quotation marks, for two", `Get-ReceiveConnector *\Relay | Set-ReceiveConnector -Enabled 'False' -RequireTLS $false`, []string{`EX01\Relay: Enabled True -> False`, `EX02\Relay: Enabled True -> False`}, []string{"-Enabled: PowerShell takes $true or $false"}},
		{"rename it, and go on with the new name", `Set-ReceiveConnector EX01\Relay -Name 'From apps'; Set-ReceiveConnector 'EX01\From apps' -Enabled $false`, []string{`EX01\Relay: Name Relay -> From apps`, `EX01\From apps: Enabled True -> False`}, nil},
		{"a name that is clear", `Set-ReceiveConnector "default frontend ex01" -ProtocolLoggingLevel Verbose -Banner "220 hello" -MaxMessageSize 25MB`, []string{`EX01\Default Frontend EX01: MaxMessageSize 36 MB (37,748,736 bytes) -> 25 MB (26,214,400 bytes)`}, []string{"-ProtocolLoggingLevel: not modelled", "-Banner: not modelled"}},
		{"the server with its domain", `Remove-ReceiveConnector EX01.contoso.com\Relay -Confirm:$false`, []string{`EX01\Relay: removed`}, nil},
		{"through the pipe", `Get-ReceiveConnector EX02\Relay | Remove-ReceiveConnector`, []string{`EX02\Relay: removed`}, nil},
		{"several through the pipe", "Get-ReceiveConnector *\\Rel*y |\n Set-ReceiveConnector -Enabled $false", []string{`EX01\Relay: Enabled True -> False`, `EX02\Relay: Enabled True -> False`}, nil},
		{"a pattern that fits to none of the others", `Get-ReceiveConnector 'EX01\D*t*F*EX01' | Set-ReceiveConnector -RequireTLS $true`, []string{`EX01\Default Frontend EX01: RequireTLS False -> True`}, nil},
		{"those of a server", `Get-ReceiveConnector -Server EX02 | Set-ReceiveConnector -AuthMechanism Tls`, []string{`EX02\Relay: AuthMechanism None -> Tls`}, nil},
		{"a right", `Get-ReceiveConnector "EX01\Relay" | Add-ADPermission -User "NT AUTHORITY\ANONYMOUS LOGON" -ExtendedRights "Ms-Exch-SMTP-Accept-Any-Recipient" | Out-Null`, []string{`EX01\Relay: Rights +NT AUTHORITY\ANONYMOUS LOGON: Ms-Exch-SMTP-Accept-Any-Recipient`}, nil},
		{"given, denied, and taken", `Add-ADPermission EX01\Relay -User A -AccessRights ExtendedRight -ExtendedRights ms-Exch-SMTP-Submit,ms-Exch-Bypass-Anti-Spam; Add-ADPermission EX01\Relay -User A -ExtendedRights ms-Exch-SMTP-Submit -Deny; Remove-ADPermission EX01\Relay -User a -ExtendedRights MS-EXCH-SMTP-SUBMIT; Remove-ADPermission EX01\Relay -User B -ExtendedRights ms-Exch-SMTP-Submit`,
			[]string{`EX01\Relay: Rights +A: ms-Exch-SMTP-Submit +A: ms-Exch-Bypass-Anti-Spam`, `EX01\Relay: Rights +deny A: ms-Exch-SMTP-Submit`, `EX01\Relay: Rights -A: ms-Exch-SMTP-Submit`}, []string{`Remove-ADPermission: B: ms-Exch-SMTP-Submit is not known to be granted on EX01\Relay`}},
		{"a right that is misspelt, and one of another kind", `Add-ADPermission EX01\Relay -User A -AccessRights GenericAll -ExtendedRights ms-Exch-SMTP-Accept-Any-Recipent`, []string{`EX01\Relay: Rights +A: ms-Exch-SMTP-Accept-Any-Recipent`}, []string{"-AccessRights: only extended rights", "-ExtendedRights: ms-Exch-SMTP-Accept-Any-Recipent is no right"}},
		{"values that mean something else", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges 0.0.0.0 -PermissionGroups AnonymousUsers,Custom`, []string{`EX01\Relay: RemoteIPRanges +0.0.0.0 -10.0.0.1 -10.0.0.0/24`}, []string{"-RemoteIPRanges: 0.0.0.0 is one address", "-PermissionGroups: Custom cannot be given"}},
		{"nothing that the model holds", `Set-ReceiveConnector EX01\Relay -Comment x`, []string{`EX01\Relay: unchanged`}, []string{"-Comment: not modelled"}},
		{"created as documents do", `New-ReceiveConnector -Name "Anonymous Relay" -Server EX01 -TransportRole FrontendTransport -Custom -Bindings 0.0.0.0:25 -RemoteIpRanges 192.168.5.10,192.168.5.11
Set-ReceiveConnector "Anonymous Relay" -PermissionGroups AnonymousUsers`, []string{`EX01\Anonymous Relay: created; TransportRole nothing -> FrontendTransport; Bindings +0.0.0.0:25; RemoteIPRanges +192.168.5.10 +192.168.5.11; AuthMechanism None -> Tls`, `EX01\Anonymous Relay: PermissionGroups None -> AnonymousUsers`}, nil},
		{"created without a role", `New-ReceiveConnector Relay2 -Server ex01.contoso.com -Usage custom -Bindings 0.0.0.0:2526 -RemoteIPRanges 10.0.0.9`, []string{`EX01\Relay2: created; TransportRole nothing -> HubTransport; Bindings +0.0.0.0:2526; RemoteIPRanges +10.0.0.9; AuthMechanism None -> Tls`}, []string{"New-ReceiveConnector: without -TransportRole it is taken to be HubTransport"}},
		{"created before there were roles", `New-ReceiveConnector -Name WAN -Server EX02 -RemoteIPRanges 10.0.2.0/24 -Internal`, []string{`EX02\WAN: created; Bindings +0.0.0.0:25; RemoteIPRanges +10.0.2.0/24; AuthMechanism None -> Tls, ExchangeServer; PermissionGroups None -> ExchangeServers, ExchangeLegacyServers`}, nil},
		{"created with what its usage gives", `New-ReceiveConnector -Name "From Internal Org" -Server EX02 -Usage Internal -AuthMechanism TLS,ExchangeServer -Bindings 10.1.1.2:25 -RemoteIPRanges 192.168.5.10`, []string{`EX02\From Internal Org: created; Bindings +10.1.1.2:25; RemoteIPRanges +192.168.5.10; AuthMechanism None -> Tls, ExchangeServer; PermissionGroups None -> ExchangeServers, ExchangeLegacyServers`}, []string{"New-ReceiveConnector: the documents disagree whether -Bindings"}},
		{"for everybody but some", `New-ReceiveConnector -Name I -Server EX02 -Internet -Bindings 10.1.1.2:25 -RemoteIPRanges 192.0.2.0/24`, []string{`EX02\I: created; Bindings +10.1.1.2:25; RemoteIPRanges +192.0.2.0/24; AuthMechanism None -> Tls; PermissionGroups None -> AnonymousUsers`}, []string{"New-ReceiveConnector: the documents disagree whether -RemoteIPRanges"}},
		{"removed, and made again", `Remove-ReceiveConnector EX01\Relay; New-ReceiveConnector -Name Relay -Server EX01 -Partner -TransportRole Frontend -Bindings 0.0.0.0:25 -RemoteIPRanges 10.0.0.1`, []string{`EX01\Relay: removed`, `EX01\Relay: created; TransportRole nothing -> FrontendTransport; Bindings +0.0.0.0:25; RemoteIPRanges +10.0.0.1; AuthMechanism None -> Tls; PermissionGroups None -> Partners`}, nil},
		{"what is there, and what is not", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add='10.0.0.0(255.255.255.0)'; Remove='10.0.0.7'}`, []string{`EX01\Relay: unchanged`}, []string{`-RemoteIPRanges: EX01\Relay does not list 10.0.0.7`, `-RemoteIPRanges: EX01\Relay lists 10.0.0.0(255.255.255.0) already`}},
		{"nothing", "  # only a comment\n\n<# and\nanother #> ;", nil, nil},
		{"escapes", "New-ReceiveConnector \"a`\"b\"\"c `$x`td\" -Server EX02 -Custom -Bindings 0.0.0.0:26 -RemoteIPRanges 10.0.0.1", []string{"EX02\\a\"b\"c $x\td: created; Bindings +0.0.0.0:26; RemoteIPRanges +10.0.0.1; AuthMechanism None -> Tls"}, nil},
		{"renamed through the pipe", `Get-ReceiveConnector *\Relay | Set-ReceiveConnector -Name Apps`, []string{`EX01\Relay: Name Relay -> Apps`, `EX02\Relay: Name Relay -> Apps`}, nil},
		{"a bare word with an escape", "Set-ReceiveConnector Default` Frontend` EX01 -Enabled $false", []string{`EX01\Default Frontend EX01: Enabled True -> False`}, nil},
	} {
		t.Run(row.why, func(t *testing.T) {
			top := twoServers()
			changes, notes, err := ems.Parse("c", top, row.in)
			require.NoError(t, err)
			var got []string
			for _, c := range changes {
				got = append(got, c.String())
			}
			assert.Equal(t, row.want, got)
			require.Len(t, notes, len(row.notes), notes)
			for i, n := range notes {
				assert.Contains(t, n.Text, row.notes[i])
				assert.NotZero(t, n.Source.Col)
			}
			assert.True(t, top.Equal(twoServers()), "the topology stays as it is")
			_, err = top.Apply(changes...)
			require.NoError(t, err)
		})
	}
}

// ¦ marks where the error is, and is taken out before the text is read.
func TestParseErrors(t *testing.T) {
	for _, row := range []struct {
		why, in string
		want    error
	}{
		{"another cmdlet", "\n ¦Get-Mailbox x", ems.ErrCmdlet},
		{"another parameter", `Set-ReceiveConnector EX01\Relay ¦-Colour red`, ems.ErrParameter},
		{"a parameter cut too short", `Set-ReceiveConnector EX01\Relay ¦-Max 3`, ems.ErrParameter},
		{"a variable", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges ¦$ips`, ems.ErrVariable},
		{"a variable in a string", `Set-ReceiveConnector "EX01\¦$name" -Enabled $true`, ems.ErrVariable},
		{"an expression", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges (¦$c.RemoteIPRanges + '10.0.0.1')`, ems.ErrVariable},
		{"a command in brackets", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges ((¦Get-ReceiveConnector EX01\Relay).RemoteIPRanges + '10.0.0.1')`, ems.ErrVariable},
		{"a variable that is a number", "Set-ReceiveConnector \"EX01\\¦$1A\" -Enabled $true", ems.ErrVariable},
		{"a name in two parts", `Set-ReceiveConnector EX01\Relay ¦-Name a,b`, connector.ErrDuplicate},
		{"both by pipe and by name", `Get-ReceiveConnector -Server EX01 | Set-ReceiveConnector ¦-Identity EX01\Relay -Enabled $false`, ems.ErrSyntax},
		{"what only reads", `¦Get-ReceiveConnector EX01\Relay`, ems.ErrSyntax},
		{"a right of a group", `Get-ReceiveConnector EX01\Relay | Remove-ADPermission -User 'NT AUTHORITY\ANONYMOUS LOGON' -ExtendedRights ¦ms-Exch-SMTP-Submit`, ems.ErrGroupRight},
		{"a variable that is set", `¦$c = Get-ReceiveConnector`, ems.ErrVariable},
		{"a string that does not end", `Set-ReceiveConnector ¦'EX01\Relay -Enabled $true`, ems.ErrSyntax},
		{"another one", `Set-ReceiveConnector ¦"EX01\Relay -Enabled 1`, ems.ErrSyntax},
		{"a bracket that does not end", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add='10.0.0.1'¦`, ems.ErrSyntax},
		{"another key", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{¦Replace='10.0.0.1'}`, ems.ErrSyntax},
		{"no equals sign", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add ¦'10.0.0.1'}`, ems.ErrSyntax},
		{"a key that is none", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{¦='10.0.0.1'}`, ems.ErrSyntax},
		{"a table for what is no list", `Set-ReceiveConnector EX01\Relay ¦-AuthMechanism @{Add='Tls'}`, ems.ErrSyntax},
		{"no value", `Set-ReceiveConnector EX01\Relay ¦-AuthMechanism -Enabled $true`, ems.ErrSyntax},
		{"a value that ends with a comma", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges 10.0.0.1,¦`, ems.ErrSyntax},
		{"a bad range", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges 10.0.0.1,¦10.0.0.300`, connector.ErrAddress},
		{"a bad range to add", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add='10.0.0.1',¦'10.0.0.9-10.0.0.1'}`, connector.ErrRangeOrder},
		{"a bad range to remove", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Remove=¦x}`, connector.ErrAddress},
		{"a bad binding to add", `Set-ReceiveConnector EX01\Relay -Bindings @{Add=¦'0.0.0.0'}`, connector.ErrMissingPort},
		{"a bad binding to remove", `Set-ReceiveConnector EX01\Relay -Bindings @{Remove=¦'0.0.0.0'}`, connector.ErrMissingPort},
		{"a bad mechanism", `Set-ReceiveConnector EX01\Relay -AuthMechanism ¦SSL`, connector.ErrUnknownName},
		{"None not alone", `Set-ReceiveConnector EX01\Relay ¦-AuthMechanism None,Tls`, connector.ErrNoneNotAlone},
		{"no boolean", `Set-ReceiveConnector EX01\Relay -Enabled ¦yes`, connector.ErrUnknownName},
		{"no such connector", `Set-ReceiveConnector ¦EX01\Other -Enabled $true`, connector.ErrNotFound},
		{"a name on two servers", `Set-ReceiveConnector ¦Relay -Enabled $true`, connector.ErrDuplicate},
		{"a wildcard where one is meant", `Remove-ReceiveConnector ¦*`, connector.ErrNotFound},
		{"which one", `¦Set-ReceiveConnector -Enabled $true`, ems.ErrSyntax},
		{"two at once", `Set-ReceiveConnector ¦-Identity 'EX01\Relay','EX02\Relay' -Enabled $true`, ems.ErrSyntax},
		{"a parameter twice", `Set-ReceiveConnector EX01\Relay -Enabled $true ¦-Enabled $false`, connector.ErrDuplicate},
		{"a value too many", `Set-ReceiveConnector EX01\Relay ¦EX02\Relay`, connector.ErrDuplicate},
		{"nothing found", `¦Get-ReceiveConnector EX03\* | Set-ReceiveConnector -Enabled $true`, connector.ErrNotFound},
		{"nothing piped", `New-ReceiveConnector A -Server EX02 -Custom -Bindings 0.0.0.0:26 -RemoteIPRanges 10.0.0.1 | ¦Set-ReceiveConnector -Enabled $true`, ems.ErrSyntax},
		{"piped into what takes nothing", `Get-ReceiveConnector | ¦Get-ReceiveConnector`, ems.ErrSyntax},
		{"a filter", `Get-ReceiveConnector | ¦where {$_.Enabled}`, nil},
		{"no name", `¦New-ReceiveConnector -Server EX01 -Custom`, ems.ErrSyntax},
		{"no server", `¦New-ReceiveConnector A -Custom`, ems.ErrSyntax},
		{"no such server", `New-ReceiveConnector A -Server ¦EX09 -Custom`, connector.ErrNotFound},
		{"no usage", `¦New-ReceiveConnector A -Server EX01`, ems.ErrSyntax},
		{"two usages", `¦New-ReceiveConnector A -Server EX01 -Custom -Usage Partner`, ems.ErrSyntax},
		{"another usage", `New-ReceiveConnector A -Server EX01 ¦-Usage Relay`, connector.ErrUnknownName},
		{"nothing to listen at", `New-ReceiveConnector ¦A -Server EX01 -Custom`, connector.ErrEmpty},
		{"a bad range at creation", `New-ReceiveConnector A -Server EX01 -Custom -Bindings 0.0.0.0:26 -RemoteIPRanges ¦'10.0.0.0/33'`, connector.ErrPrefixLength},
		{"a bad binding at creation", `New-ReceiveConnector A -Server EX01 -Custom -Bindings ¦'[::]:' -RemoteIPRanges 10.0.0.1`, connector.ErrMissingPort},
		{"there is one already", `¦New-ReceiveConnector relay -Server EX02 -Custom -Bindings 0.0.0.0:26 -RemoteIPRanges 10.0.0.1`, connector.ErrDuplicate},
		{"rights of nobody", `¦Add-ADPermission EX01\Relay -ExtendedRights x`, ems.ErrSyntax},
		{"no rights", `¦Add-ADPermission EX01\Relay -User x`, ems.ErrSyntax},
		{"a value for what takes none", `Out-Null ¦x`, ems.ErrSyntax},
		{"not a command", `¦'EX01\Relay'`, ems.ErrSyntax},
		{"two commands in a row", `Set-ReceiveConnector EX01\Relay -Enabled $true ¦) Set-ReceiveConnector`, ems.ErrSyntax},
		{"a null server", `New-ReceiveConnector A -Custom ¦-Server $null`, ems.ErrSyntax},
		{"a null name", `New-ReceiveConnector ¦-Name $null -Custom`, ems.ErrSyntax},
		{"a null user", `Add-ADPermission EX01\Relay ¦-User $null -ExtendedRights x`, ems.ErrSyntax},
		{"a null identity", `Get-ReceiveConnector ¦-Identity $null`, ems.ErrSyntax},
		{"a null usage", `New-ReceiveConnector A -Server EX01 ¦-Usage $null`, ems.ErrSyntax},
		{"two servers", `Get-ReceiveConnector ¦-Server EX01,EX02`, ems.ErrSyntax},
	} {
		t.Run(row.why, func(t *testing.T) {
			before, after, marked := strings.Cut(row.in, "¦")
			require.True(t, marked)
			changes, _, err := ems.Parse("c", twoServers(), before+after)
			require.Error(t, err)
			assert.Nil(t, changes)
			if row.want != nil {
				require.ErrorIs(t, err, row.want)
			}
			var me *connector.ModelError
			require.ErrorAs(t, err, &me)
			if row.want != nil {
				assert.Equal(t, fmt.Sprintf("c:%d:%d", 1+strings.Count(before, "\n"), len(before)-strings.LastIndexByte(before, '\n')), me.Source.String(), err)
			}
		})
	}
	// All of them, in order.
	_, _, err := ems.Parse("c", twoServers(), "Set-ReceiveConnector EX01\\Other -Enabled $true\nFoo\nSet-ReceiveConnector EX01\\Relay -Enabled )\nSet-ReceiveConnector EX01\\Relay -Enabled $false")
	require.Error(t, err)
	assert.Equal(t, 3, len(strings.Split(err.Error(), "\n")), err)
	assert.True(t, strings.HasPrefix(err.Error(), "c:1:22: EX01\\Other: no such receive connector"), err)
	_, _, err = ems.Parse("c", twoServers(), strings.Repeat(" ", 1<<20+1))
	require.ErrorIs(t, err, ems.ErrTooLong)
}

// What is not known of the server or the connector is said.
func TestParseOfWhatIsNotKnown(t *testing.T) {
	front := relay("10.0.0.0/24")
	front.TransportRole = connector.FrontendTransport
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{front}}
	const create = `New-ReceiveConnector New -Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 10.0.0.1`
	changes, notes, err := ems.Parse("c", top, create)
	require.NoError(t, err)
	assert.Equal(t, connector.HubTransport, changes[0].After.TransportRole, "its connectors have roles, so it is from 2013 or later")
	assert.Contains(t, notes[0].Text, "taken to be HubTransport")
	require.Error(t, top.ValidateAll(changes...), "which clashes with the front end")
	top.Connectors[0].TransportRole = 0
	changes, notes, err = ems.Parse("c", top, create)
	require.NoError(t, err)
	assert.Zero(t, changes[0].After.TransportRole)
	assert.Contains(t, notes[0].Text, "the version of EX01 is not known")

	top.Connectors[0].Missing = connector.PropertyRemoteIPRanges | connector.PropertyExtensions
	changes, notes, err = ems.Parse("c", top, `Set-ReceiveConnector "Joe's Relay" -RemoteIPRanges @{Remove='10.9.9.9'} -ChunkingEnabled $true`)
	require.NoError(t, err)
	assert.True(t, changes[0].IsNoop())
	require.Len(t, notes, 2)
	assert.Contains(t, notes[0].Text, "10.9.9.9 is not among the entries of EX01\\Joe's Relay that are known; whether it is listed is not known")
	assert.Contains(t, notes[1].Text, "-ChunkingEnabled: what it was is not known")

	top.Servers = []connector.Server{{Name: "EX01", Version: connector.MustParseVersion("2007")}}
	_, notes, err = ems.Parse("c", top, `Set-ReceiveConnector "Joe's Relay" -RemoteIPRanges @{Add='10.9.9.9'}`)
	require.NoError(t, err)
	assert.Contains(t, notes[0].Text, "Exchange 2007 takes whole lists only")

	// Usage Internal on Edge Transport, as a document has it.
	edge := connector.Server{Name: "EDGE", Version: connector.MustParseVersion("2016"), Roles: connector.RoleEdge}
	top = &connector.Topology{Servers: []connector.Server{edge}, Connectors: connector.DefaultConnectors(edge)}
	changes, notes, err = ems.Parse("c", top, `New-ReceiveConnector -Name "Inbound From Organization" -Internal -RemoteIPRanges 10.1.2.10,10.1.2.15,10.1.2.20`)
	require.NoError(t, err)
	assert.Empty(t, notes)
	require.NoError(t, top.ValidateAll(changes...))
}

// A long list is read in no time: what is added is looked up, not searched for.
func TestParseOfLongLists(t *testing.T) {
	var list []string
	for i := range 20_000 {
		list = append(list, fmt.Sprintf("10.%d.%d.1", i/200, i%200))
	}
	changes, _, err := ems.Parse("c", twoServers(), `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add=`+strings.Join(list, ",")+`; Remove=`+strings.Join(list, ",")+`}`)
	require.NoError(t, err)
	assert.Len(t, changes[0].After.RemoteIPRanges, 20_001)
}

// Whatever changes, the commands are read back as the same change.
func TestCommandsParseBack(t *testing.T) {
	r := gen.Rand(11)
	seen := 0
	for range 400 {
		top := gen.Organization(r)
		for i := range top.Servers {
			top.Servers[i].Version = connector.MustParseVersion("2016")
		}
		for i, c := range top.Connectors {
			top.Connectors[i].RemoteIPRanges = distinct(c.RemoteIPRanges)
			c = top.Connectors[i]
			other := top.Connectors[(i+1)%len(top.Connectors)].Clone()
			other.RemoteIPRanges = distinct(other.RemoteIPRanges)
			other.ID = c.ID
			if r.IntN(4) == 0 {
				other.ID.Name = "Renamed ‘x’ \"y\" $(z) `n " + c.ID.Name
			}
			if other.TransportRole == 0 {
				other.TransportRole = connector.HubTransport
			}
			// Custom stands for rights and is no value of its own.
			other.PermissionGroups = other.PermissionGroups&^connector.GroupCustom | c.PermissionGroups&connector.GroupCustom
			if len(other.Rights) == 0 {
				other.PermissionGroups &^= connector.GroupCustom
			}
			if other.Limits == (connector.Limits{}) {
				other.Limits = c.Limits // nothing takes a limit away
			}
			checkParseBack(t, top, connector.Change{Target: c.ID, Before: &c, After: &other})
			if len(other.RemoteIPRanges) > 0 && len(other.Bindings) > 0 {
				other.PermissionGroups &^= connector.GroupCustom
				other.ID.Name = "A new one"
				checkParseBack(t, top, connector.Create(other))
			}
			checkParseBack(t, top, connector.Remove(c))
			seen++
		}
	}
	assert.Greater(t, seen, 500)
}

// distinct leaves out ranges that hold the same addresses as another one, which a list has no use for.
func distinct(rs []connector.Range) (all []connector.Range) {
	for _, r := range rs {
		if !slices.ContainsFunc(all, func(o connector.Range) bool { return o.Compare(r) == 0 }) {
			all = append(all, r)
		}
	}
	return all
}

func checkParseBack(t *testing.T, top *connector.Topology, change connector.Change) {
	lines, err := ems.Commands(change, connector.MustParseVersion("2016"))
	if change.IsNoop() {
		require.ErrorIs(t, err, ems.ErrNoChange)
		return
	}
	require.NoError(t, err, "%s", change)
	changes, _, err := ems.Parse("c", top, strings.Join(lines, "\n"))
	require.NoError(t, err, "%s", lines)
	want, err := top.Apply(change)
	require.NoError(t, err)
	got, err := top.Apply(changes...)
	require.NoError(t, err)
	if !sameSets(want, got) {
		require.Fail(t, "read back as another change", "%s\n%s\n%s", change, strings.Join(lines, "\n"), changes)
	}
}

// sameSets tells whether two topologies are equal but for the order of lists, which commands that add and remove do not keep.
func sameSets(a, b *connector.Topology) bool {
	a, b = a.Clone(), b.Clone()
	for _, t := range []*connector.Topology{a, b} {
		slices.SortFunc(t.Connectors, func(c, o connector.ReceiveConnector) int { return c.ID.Compare(o.ID) })
		for i := range t.Connectors {
			c := &t.Connectors[i]
			sortBy(c.RemoteIPRanges)
			sortBy(c.Rights)
			if c.SizeEnabled == 0 {
				c.SizeEnabled = connector.SizeEnabled
			}
		}
	}
	return a.Equal(b)
}

func sortBy[T fmt.Stringer](list []T) {
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(a.String(), b.String()) })
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "Set-ReceiveConnector 'EX01\\Relay' -RemoteIPRanges @{Add='10.0.0.0/24'}", "Get-ReceiveConnector|Remove-ReceiveConnector", "((((", "@{", "-", "–", "`", "\"`", "\"$", "<#", "#", "'''", "a,b,\n", "New-ReceiveConnector x -Custom -Server EX01 -Bindings 0.0.0.0:1 -RemoteIPRanges ::/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		top := twoServers()
		changes, notes, err := ems.Parse("c", top, s)
		require.True(t, top.Equal(twoServers()))
		for _, n := range notes {
			require.NotEmpty(t, n.String())
		}
		if err != nil {
			require.Nil(t, changes)
			for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
				var me *connector.ModelError
				require.ErrorAs(t, e, &me)
				lines := strings.Split(s, "\n")
				require.LessOrEqual(t, me.Source.Line, len(lines))
				require.LessOrEqual(t, me.Source.Col, len(lines[me.Source.Line-1])+1)
			}
			return
		}
		_, err = top.Apply(changes...)
		require.NoError(t, err)
	})
}

// The command lines that the documents show; CORPUS names the folder.
func TestCorpusCommands(t *testing.T) {
	dir := os.Getenv("CORPUS")
	if dir == "" {
		return
	}
	f, err := os.Open(filepath.Join(dir, "exports", "msdocs-receiveconnector-commands.ps1.txt"))
	require.NoError(t, err)
	defer f.Close()
	top := &connector.Topology{}
	for _, name := range []string{"Mailbox01", "Hub01"} {
		s := connector.Server{Name: name, Version: connector.MustParseVersion("2016")}
		top.Servers = append(top.Servers, s)
		top.Connectors = append(top.Connectors, connector.DefaultConnectors(s)...)
	}
	for _, c := range []connector.ID{{Server: "Mailbox01", Name: "Anonymous Relay"}, {Server: "Mailbox01", Name: "WAN"}, {Server: "Mailbox01", Name: "Default internal Receive connector ServerName>"}} {
		rc := relay("10.0.0.1")
		rc.ID = c
		top.Connectors = append(top.Connectors, rc)
	}
	read := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "New-") && !strings.Contains(line, "-Server") {
			line += " -Server Mailbox01"
		}
		changes, notes, err := ems.Parse("c", top, line)
		if strings.Contains(line, `"[::]:"`) {
			require.Error(t, err, "the document forgot the port")
			continue
		}
		if strings.Contains(line, `"Anonymous Relay" -TransportRole`) {
			require.ErrorIs(t, err, connector.ErrDuplicate, "it is there")
			continue
		}
		require.NoError(t, err, line)
		for _, c := range changes {
			t.Log(c, notes)
			read++
		}
	}
	assert.Greater(t, read, 7)
}

func ExampleParse() {
	t := &connector.Topology{Connectors: []connector.ReceiveConnector{relay("10.0.0.0/24")}}
	changes, _, err := ems.Parse("command line", t, `Set-ReceiveConnector "EX01\Joe's Relay" -RemoteIPRanges @{Add='10.0.5.0/24'; Remove='10.0.0.0/24'} -AuthMechanism Tls`)
	fmt.Println(changes, err)
	_, _, err = ems.Parse("command line", t, `Set-ReceiveConnector "EX01\Joe's Relay" -RemoteIPRanges 10.0.5.0/33`)
	fmt.Println(err)
	// Output:
	// [EX01\Joe's Relay: RemoteIPRanges +10.0.5.0/24 -10.0.0.0/24; AuthMechanism None -> Tls] <nil>
	// command line:1:57: -RemoteIPRanges: range "10.0.5.0/33": byte 9: not a prefix length of this address family
}
