package ems_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

func relay(ranges ...string) connector.ReceiveConnector {
	c := connector.ReceiveConnector{
		ID:       connector.ID{Server: "EX01", Name: "Joe's Relay"},
		Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25"), connector.MustParseBinding("[::]:25")},
	}
	for _, r := range ranges {
		c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange(r))
	}
	return c
}

func TestCommands(t *testing.T) {
	c := relay("10.0.0.1", "10.0.0.0/24")
	v2007, v2010, v2016 := connector.MustParseVersion("8.3"), connector.MustParseVersion("14.3"), connector.MustParseVersion("15.1")
	one, two := connector.MustParseRange("10.0.0.1"), connector.MustParseRange("10.0.0.2")
	incomplete := c.Clone()
	incomplete.Missing = connector.PropertyRemoteIPRanges
	const set = `Set-ReceiveConnector -Identity 'EX01\Joe''s Relay' `
	edit := func(f func(*connector.ReceiveConnector)) connector.Change { return connector.Edit(c, f) }
	both := connector.Change{Target: c.ID, Before: &c, After: connector.RemoveRanges(*connector.AddRanges(c, two).After, one).After}
	for _, row := range []struct {
		why    string
		change connector.Change
		v      connector.Version
		want   string
	}{
		{"add", connector.AddRanges(c, two), v2010, set + `-RemoteIPRanges @{Add='10.0.0.2'}`},
		{"remove", connector.RemoveRanges(c, one), v2010, set + `-RemoteIPRanges @{Remove='10.0.0.1'}`},
		{"both", both, v2010, set + `-RemoteIPRanges @{Add='10.0.0.2'; Remove='10.0.0.1'}`},
		{"unknown version", connector.AddRanges(c, two), connector.Version{}, set + `-RemoteIPRanges @{Add='10.0.0.2'}`},
		{"incomplete list, 2010", connector.AddRanges(incomplete, two), v2010, set + `-RemoteIPRanges @{Add='10.0.0.2'}`},
		{"whole list, 2007", connector.AddRanges(c, two), v2007, set + `-RemoteIPRanges '10.0.0.1','10.0.0.0/24','10.0.0.2'`},
		{"enabled", connector.SetEnabled(c, false), v2010, set + `-Enabled $false`},
		{"mechanism and groups", edit(func(c *connector.ReceiveConnector) {
			c.AuthMechanism, c.PermissionGroups = connector.AuthTLS|connector.AuthExchangeServer, connector.GroupExchangeServers|connector.GroupCustom
		}), v2010, set + `-AuthMechanism 'Tls, ExchangeServer' -PermissionGroups 'ExchangeServers'`},
		{"everything else", edit(func(c *connector.ReceiveConnector) {
			c.TransportRole, c.FQDN, c.RequireTLS, c.SuppressXAnonymousTLS = connector.HubTransport, "a.b", true, true
			c.EnableAuthGSSAPI, c.DomainSecure, c.Bindings = true, true, c.Bindings[:1]
		}), v2016, set + `-TransportRole HubTransport -Bindings '0.0.0.0:25' -Fqdn 'a.b' -RequireTLS $true -SuppressXAnonymousTls $true -EnableAuthGSSAPI $true -DomainSecureEnabled $true`},
		{"what is announced", edit(func(c *connector.ReceiveConnector) {
			c.SizeEnabled, c.MaxMessageSize, c.OrarEnabled = connector.SizeEnabledWithoutValue, 36*connector.MB, true
			c.DisabledExtensions, c.LongAddressesEnabled = connector.ExtensionDSN|connector.ExtensionChunking, true
		}), v2010, set + `-SizeEnabled EnabledWithoutValue -MaxMessageSize '37748736B' -DeliveryStatusNotificationEnabled $false -ChunkingEnabled $false -OrarEnabled $true -LongAddressesEnabled $true`},
		{"announced again", edit(func(c *connector.ReceiveConnector) {
			c.DisabledExtensions, c.SizeEnabled = connector.ExtensionDSN, connector.SizeDisabled
		}).Inverse(), v2010, set + `-SizeEnabled Enabled -DeliveryStatusNotificationEnabled $true`},
		{"no name", edit(func(c *connector.ReceiveConnector) { c.FQDN, c.Bindings = "x", nil }).Inverse(), v2010, set + `-Bindings '0.0.0.0:25','[::]:25' -Fqdn $null`},
		{"no bindings", edit(func(c *connector.ReceiveConnector) { c.Bindings = nil }), v2010, set + `-Bindings @()`},
		{"remove the connector", connector.Change{Target: c.ID, Before: &c}, v2010, `Remove-ReceiveConnector -Identity 'EX01\Joe''s Relay' -Confirm:$false`},
		{"an entry goes whose addresses another one keeps", connector.Edit(twin(c), func(c *connector.ReceiveConnector) { c.RemoteIPRanges = c.RemoteIPRanges[:2] }), v2010, set + `-RemoteIPRanges '10.0.0.1','10.0.0.0/24'`},
		{"bindings of an incomplete list", connector.Edit(lackingBindings(c), func(c *connector.ReceiveConnector) { c.Bindings = c.Bindings[1:] }), v2010, set + `-Bindings @{Remove='0.0.0.0:25'}`},
		{"ranges in another order", edit(func(c *connector.ReceiveConnector) {
			c.RemoteIPRanges = []connector.Range{c.RemoteIPRanges[1], c.RemoteIPRanges[0]}
		}), v2010, set + `-RemoteIPRanges '10.0.0.0/24','10.0.0.1'`},
		{"a list that was not known", connector.Edit(incomplete, func(c *connector.ReceiveConnector) { c.Missing = 0 }), v2010, set + `-RemoteIPRanges '10.0.0.1','10.0.0.0/24'`},
		{"a value that was not known", connector.SetAuth(lackingAuth(c), 0), v2010, set + `-AuthMechanism 'None'`},
		{"limits", edit(func(c *connector.ReceiveConnector) {
			c.MaxHopCount, c.MaxInboundConnectionPerSource, c.ConnectionTimeout = connector.LimitOf(60), connector.Unlimited, connector.Day
		}), v2010, set + `-ConnectionTimeout '1.00:00:00' -MaxHopCount 60 -MaxInboundConnectionPerSource Unlimited`},
		{"another name", edit(func(c *connector.ReceiveConnector) { c.ID.Name = "True" }), v2010, set + `-Name 'True'`},
		{"create it", connector.Change{Target: c.ID, After: &c}, v2010,
			`New-ReceiveConnector -Name 'Joe''s Relay' -Server 'EX01' -Usage Custom -Bindings '0.0.0.0:25','[::]:25' -RemoteIPRanges '10.0.0.1','10.0.0.0/24' -AuthMechanism 'None' -PermissionGroups 'None'`},
	} {
		t.Run(row.why, func(t *testing.T) {
			got, err := ems.Commands(row.change, row.v)
			require.NoError(t, err)
			assert.Equal(t, []string{row.want}, got)
		})
	}

	dark := c.Clone()
	dark.Missing = connector.PropertyAuthMechanism
	unbound := c.Clone()
	unbound.Missing = connector.PropertyBindings
	roled := c.Clone()
	roled.TransportRole = connector.HubTransport
	for why, row := range map[string]struct {
		change connector.Change
		v      connector.Version
		want   error
	}{
		"2007 takes whole lists":                {connector.AddRanges(incomplete, two), v2007, ems.ErrIncomplete},
		"whole lists of bindings, too":          {connector.Edit(unbound, func(c *connector.ReceiveConnector) { c.Bindings = c.Bindings[1:] }), v2007, ems.ErrIncomplete},
		"the value afterwards is not known":     {connector.SetAuth(dark, 0).Inverse(), v2010, ems.ErrIncomplete},
		"what is created is not known":          {connector.Create(dark), v2010, ems.ErrIncomplete},
		"there is no TransportRole before 2013": {connector.Create(roled), v2010, ems.ErrNoParameter},
		"nor can it be unset":                   {connector.Change{Target: c.ID, Before: &roled, After: &c}, v2016, ems.ErrNoParameter},
		"Custom comes by itself":                {edit(func(c *connector.ReceiveConnector) { c.PermissionGroups = connector.GroupCustom }), v2016, ems.ErrNoChange},
		"nothing changes":                       {connector.AddRanges(c), v2010, ems.ErrNoChange},
		"a change that says nothing":            {connector.Change{Target: c.ID}, v2010, ems.ErrNoChange},
	} {
		got, err := ems.Commands(row.change, row.v)
		require.ErrorIs(t, err, row.want, why)
		assert.Empty(t, got)
		assert.Contains(t, err.Error(), "Joe's Relay")
	}
}

// twin lists the same addresses twice.
func twin(c connector.ReceiveConnector) connector.ReceiveConnector {
	c = c.Clone()
	c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange("10.0.0.0-10.0.0.255"))
	return c
}

func lackingBindings(c connector.ReceiveConnector) connector.ReceiveConnector {
	c.Missing |= connector.PropertyBindings
	return c
}

func lackingAuth(c connector.ReceiveConnector) connector.ReceiveConnector {
	c.Missing |= connector.PropertyAuthMechanism
	return c
}

// Rights are another cmdlet's, what goes before what comes, those of one principal together.
func TestCommandsOfRights(t *testing.T) {
	before := relay("10.0.0.1")
	grant := func(who, right string, deny bool) connector.Grant {
		return connector.Grant{Principal: who, Right: right, Deny: deny}
	}
	before.Rights = []connector.Grant{grant("A", "ms-Exch-SMTP-Submit", false), grant("B", "ms-Exch-SMTP-Submit", true)}
	after := before.Clone()
	after.ID.Name = "New"
	after.Rights = []connector.Grant{grant("A", "ms-Exch-SMTP-Submit", false), grant("O'Neill", "ms-Exch-SMTP-Accept-Any-Recipient", false), grant("C", "ms-Exch-Bypass-Anti-Spam", true), grant("O'Neill", "ms-Exch-Bypass-Anti-Spam", false)}
	got, err := ems.Commands(connector.Change{Target: before.ID, Before: &before, After: &after}, connector.Version{})
	require.NoError(t, err)
	assert.Equal(t, []string{
		`Set-ReceiveConnector -Identity 'EX01\Joe''s Relay' -Name 'New'`,
		`Get-ReceiveConnector -Identity 'EX01\New' | Remove-ADPermission -User 'B' -ExtendedRights 'ms-Exch-SMTP-Submit' -Deny -Confirm:$false`,
		`Get-ReceiveConnector -Identity 'EX01\New' | Add-ADPermission -User 'O''Neill' -ExtendedRights 'ms-Exch-SMTP-Accept-Any-Recipient','ms-Exch-Bypass-Anti-Spam'`,
		`Get-ReceiveConnector -Identity 'EX01\New' | Add-ADPermission -User 'C' -ExtendedRights 'ms-Exch-Bypass-Anti-Spam' -Deny`,
	}, got)
	got, err = ems.Commands(connector.Create(before), connector.Version{})
	require.NoError(t, err)
	assert.Len(t, got, 3, "the connector and the rights of two")
}

// tokens reads a command line as PowerShell does: words, quoted strings, and the marks @{ } ( ) = ; , outside of them.
func tokens(line string) ([]string, error) {
	var ts []string
	rs := []rune(line)
	quote := func(r rune) bool { return strings.ContainsRune("'‘’‚‛", r) }
	for i := 0; i < len(rs); {
		switch r := rs[i]; {
		case r == ' ':
			i++
		case quote(r):
			text := ""
			for i++; ; i++ {
				if i >= len(rs) {
					return nil, fmt.Errorf("string not closed")
				}
				if quote(rs[i]) {
					if i+1 >= len(rs) || !quote(rs[i+1]) {
						break
					}
					i++
				}
				text += string(rs[i])
			}
			i++
			ts = append(ts, "'"+text)
		case strings.ContainsRune("@{}()=;,", r):
			ts = append(ts, string(r))
			i++
		default:
			word := ""
			for ; i < len(rs) && !quote(rs[i]) && !strings.ContainsRune(" @{}()=;,", rs[i]); i++ {
				word += string(rs[i])
			}
			ts = append(ts, word)
		}
	}
	return ts, nil
}

func TestTokenizer(t *testing.T) {
	got, err := tokens(`Set-X -Identity 'a''b' -R @{Add='1','2'; Remove='3'}`)
	require.NoError(t, err)
	assert.Equal(t, []string{"Set-X", "-Identity", "'a'b", "-R", "@", "{", "Add", "=", "'1", ",", "'2", ";", "Remove", "=", "'3", "}"}, got)
	_, err = tokens("'a")
	require.Error(t, err)
}

// Whatever the name, the tokenizer reads back the connector and the ranges of the change.
func TestCommandsReadBack(t *testing.T) {
	r := gen.Rand(7)
	for i := range 300 {
		id := connector.ID{Server: "EX01", Name: []string{"Relay", "Joe's", "‘x’ ‚y‛", "$(evil) `n \"q\" ; | & {}", "@'\n'@"}[i%5]}
		c := gen.Connector(r, id, true)
		change := connector.AddRanges(c, gen.Range(r), gen.Range(r))
		if i%3 == 0 && len(c.RemoteIPRanges) > 0 {
			change.After = connector.RemoveRanges(*change.After, c.RemoteIPRanges[0]).After
		}
		added, removed := change.Ranges()
		if len(added)+len(removed) == 0 {
			continue
		}
		commands, err := ems.Commands(change, connector.MustParseVersion("2016"))
		require.NoError(t, err)
		require.Len(t, commands, 1)
		ts, err := tokens(commands[0])
		require.NoError(t, err)
		require.Equal(t, []string{"Set-ReceiveConnector", "-Identity", "'" + id.String(), "-RemoteIPRanges", "@", "{"}, ts[:6])
		var gotAdded, gotRemoved []string
		list := &gotAdded
		for _, token := range ts[6:] {
			switch {
			case token == "Remove":
				list = &gotRemoved
			case strings.HasPrefix(token, "'"):
				*list = append(*list, token[1:])
			}
		}
		assert.Equal(t, texts(added), gotAdded)
		assert.Equal(t, texts(removed), gotRemoved)
	}
}

func texts(rs []connector.Range) (ts []string) {
	for _, r := range rs {
		ts = append(ts, r.String())
	}
	return ts
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "'", "''", "‘’‚‛", "a\nb", "`$(x)\"", "Default EX01", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // names are text
		}
		got, err := tokens("x " + ems.Quote(s) + " y")
		require.NoError(t, err)
		require.Equal(t, []string{"x", "'" + s, "y"}, got)
	})
}

func ExampleCommands() {
	c := connector.ReceiveConnector{ID: connector.ID{Server: "EX01", Name: "Default EX01"}}
	commands, err := ems.Commands(connector.AddRanges(c, connector.MustParseRange("10.2.0.11")), connector.MustParseVersion("2010"))
	fmt.Println(commands, err)
	// Output: [Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Add='10.2.0.11'}] <nil>
}

func ExampleQuote() {
	fmt.Println(ems.Quote("Joe's ‘relay’"))
	// Output: 'Joe''s ‘‘relay’’'
}
