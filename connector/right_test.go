package connector_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

func rights(t *testing.T, short string) (r connector.Rights) {
	for name := range strings.SplitSeq(short, ", ") {
		one, err := connector.ParseRights("ms-Exch-" + name)
		require.NoError(t, err, name)
		r |= one
	}
	return r
}

// What each permission group gives to whom, a row each.
func TestGroupRights(t *testing.T) {
	const external = "SMTP-Submit, SMTP-Accept-Any-Recipient, SMTP-Accept-Any-Sender, SMTP-Accept-Authentication-Flag, SMTP-Accept-Authoritative-Domain-Sender, " +
		"SMTP-Accept-Exch50, Bypass-Anti-Spam, Bypass-Message-Size-Limit, Accept-Headers-Routing"
	const servers = external + ", Accept-Headers-Forest, Accept-Headers-Organization, SMTP-Accept-Xattr, SMTP-Accept-XProxyFrom, SMTP-Accept-XSessionParams, " +
		"SMTP-Accept-XShadow, SMTP-Accept-XSysProbe, SMTP-Send-XMessageContext"
	for _, row := range []struct {
		group     connector.PermissionGroups
		principal connector.Principal
		g         connector.Generation
		want      string
	}{
		{connector.GroupAnonymousUsers, connector.PrincipalAnonymous, connector.Generation2016, "SMTP-Submit, SMTP-Accept-Any-Sender, SMTP-Accept-Authoritative-Domain-Sender, Accept-Headers-Routing"},
		{connector.GroupAnonymousUsers, connector.PrincipalAnonymous, connector.Generation2007, "SMTP-Submit, SMTP-Accept-Any-Sender, Accept-Headers-Routing"},
		{connector.GroupExchangeUsers, connector.PrincipalAuthenticatedUsers, 0, "SMTP-Submit, SMTP-Accept-Any-Recipient, Bypass-Anti-Spam, Accept-Headers-Routing"},
		{connector.GroupExchangeUsers, connector.PrincipalAuthenticatedUsers, connector.Generation2007, "SMTP-Submit, SMTP-Accept-Any-Recipient, Bypass-Anti-Spam"},
		{connector.GroupExchangeServers, connector.PrincipalExchangeServers, 0, servers},
		{connector.GroupExchangeServers, connector.PrincipalHubTransportServers, 0, servers},
		{connector.GroupExchangeServers, connector.PrincipalEdgeTransportServers, 0, servers},
		{connector.GroupExchangeServers, connector.PrincipalExternallySecured, 0, external},
		{connector.GroupExchangeLegacyServers, connector.PrincipalExchangeLegacyInterop, 0, external},
		{connector.GroupPartners, connector.PrincipalPartnerServers, 0, "SMTP-Submit, Accept-Headers-Routing"},
	} {
		assert.Equal(t, rights(t, row.want).String(), connector.GroupRights(row.group, row.principal, row.g).String(), "%s %s", row.group, row.principal)
		for p := connector.PrincipalAnonymous; p <= connector.PrincipalPartnerServers; p++ {
			if p != row.principal && (row.group != connector.GroupExchangeServers || p < connector.PrincipalExchangeServers || p > connector.PrincipalExternallySecured) {
				assert.Zero(t, connector.GroupRights(row.group, p, row.g), "%s gives nothing to %s", row.group, p)
			}
		}
	}
}

func TestEffectiveRights(t *testing.T) {
	const submit, relay, spam = connector.RightSubmit, connector.RightAcceptAnyRecipient, connector.RightBypassAntiSpam
	grant := func(principal, right string) connector.Grant {
		return connector.Grant{Principal: principal, Right: "ms-Exch-" + right}
	}
	deny := func(principal, right string) connector.Grant {
		return connector.Grant{Principal: principal, Right: "MS-EXCH-" + strings.ToUpper(right), Deny: true}
	}
	const anonymous, users, servers = connector.PrincipalAnonymous, connector.PrincipalAuthenticatedUsers, connector.PrincipalExchangeServers
	for _, row := range []struct {
		why       string
		groups    connector.PermissionGroups
		rights    []connector.Grant
		missing   connector.Properties
		principal connector.Principal
		has, not  connector.Rights // held for sure, and surely not
		open      connector.Rights
	}{
		{"nothing", 0, nil, 0, anonymous, 0, submit | relay, 0},
		{"a right beside the group", connector.GroupAnonymousUsers, []connector.Grant{grant(`NT AUTHORITY\ANONYMOUS LOGON`, "SMTP-Accept-Any-Recipient")}, 0, anonymous, submit | relay, spam, 0},
		{"it is of nobody else", connector.GroupAnonymousUsers | connector.GroupExchangeUsers, []connector.Grant{grant(`NT AUTHORITY\ANONYMOUS LOGON`, "Bypass-Message-Size-Limit")}, 0, users, submit | relay, connector.RightBypassMessageSizeLimit, 0},
		{"by identifier", 0, []connector.Grant{grant("s-1-5-7", "SMTP-Submit")}, 0, anonymous, submit, relay, 0},
		{"by identifier of a system", 0, []connector.Grant{grant("S-1-9-1419165041-1139599005-3936102811-1022490595-22", "SMTP-Submit")}, 0, connector.PrincipalEdgeTransportServers, submit, relay, 0},
		{"whatever the domain", 0, []connector.Grant{grant(`contoso\exchange servers`, "SMTP-Submit")}, 0, servers, submit, relay, 0},
		{"to everyone", 0, []connector.Grant{grant("Everyone", "SMTP-Submit"), grant("S-1-1-0", "Bypass-Anti-Spam")}, 0, users, submit | spam, relay, 0},
		{"to somebody, who may be any user", 0, []connector.Grant{grant(`CONTOSO\Joe`, "SMTP-Submit")}, 0, users, 0, relay, submit},
		{"denied to a group that any user may be in", connector.GroupExchangeUsers, []connector.Grant{deny(`CONTOSO\Apprentices`, "SMTP-Accept-Any-Recipient")}, 0, users, submit, 0, relay},
		{"granted to a group as well as to all", connector.GroupExchangeUsers, []connector.Grant{grant(`CONTOSO\AppSenders`, "SMTP-Submit")}, 0, users, submit | relay, 0, 0},
		{"to somebody, who is not anonymous", 0, []connector.Grant{grant(`CONTOSO\Joe`, "SMTP-Submit")}, 0, anonymous, 0, submit, 0},
		{"to anonymous clients in another language", connector.GroupAnonymousUsers, []connector.Grant{grant(`NT-AUTORITÄT\ANONYMOUS-ANMELDUNG`, "SMTP-Accept-Any-Recipient")}, 0, anonymous, submit, 0, relay},
		{"in yet another", connector.GroupAnonymousUsers, []connector.Grant{grant(`NT AUTHORITY\INICIO DE SESIÓN ANÓNIMO`, "SMTP-Accept-Any-Recipient")}, 0, anonymous, submit, 0, relay},
		{"to the system itself", connector.GroupAnonymousUsers, []connector.Grant{grant(`NT AUTHORITY\SYSTEM`, "SMTP-Accept-Any-Recipient")}, 0, anonymous, submit, relay, 0},
		{"to everyone in another language", connector.GroupAnonymousUsers, []connector.Grant{grant(`Jeder`, "SMTP-Accept-Any-Recipient")}, 0, anonymous, submit, 0, relay},
		{"which is servers too", 0, []connector.Grant{grant(`Tout le monde`, "SMTP-Submit")}, 0, servers, 0, relay, submit},
		{"denied to everyone in another language", connector.GroupExchangeServers, []connector.Grant{deny(`Jeder`, "SMTP-Submit")}, 0, servers, relay, 0, submit},
		{"to everyone with an empty domain", 0, []connector.Grant{grant(`\Everyone`, "SMTP-Submit")}, 0, servers, submit, relay, 0},
		{"to an identifier that nobody resolved, of a group perhaps", 0, []connector.Grant{grant(`S-1-5-21-1-2-3-1105`, "SMTP-Submit")}, 0, users, 0, relay, submit},
		{"to an identifier that nobody resolved", 0, []connector.Grant{grant(`S-1-5-21-1-2-3-1105`, "SMTP-Submit")}, 0, servers, 0, submit, 0},
		{"to servers, who are no users", 0, []connector.Grant{grant(`CONTOSO\Exchange Servers`, "SMTP-Submit")}, 0, users, 0, submit, 0},
		{"what is denied counts more than the group", connector.GroupExchangeServers, []connector.Grant{deny(`CONTOSO\Exchange Servers`, "SMTP-Submit")}, 0, servers, relay, submit, 0},
		{"and more than a grant", 0, []connector.Grant{deny("Everyone", "SMTP-Submit"), grant(`NT AUTHORITY\ANONYMOUS LOGON`, "SMTP-Submit")}, 0, anonymous, 0, submit, 0},
		{"the many kinds of message context are one", 0, []connector.Grant{grant(`CONTOSO\Exchange Servers`, "SMTP-Send-XMessageContext-ADRecipientCache")}, 0, servers, connector.RightSendXMessageContext, submit, 0},
		{"a right of another kind", 0, []connector.Grant{grant("Everyone", "Store-Admin")}, 0, users, 0, submit, 0},
		{"Custom whose rights nobody told", connector.GroupAnonymousUsers | connector.GroupCustom, nil, 0, anonymous, submit, 0, relay | spam},
		{"Custom whose rights are told", connector.GroupAnonymousUsers | connector.GroupCustom, []connector.Grant{grant(`CONTOSO\Joe`, "SMTP-Submit")}, 0, anonymous, submit, relay, 0},
		{"rights known in part", connector.GroupAnonymousUsers, []connector.Grant{deny(`NT AUTHORITY\ANONYMOUS LOGON`, "Bypass-Anti-Spam")}, connector.PropertyRights, anonymous, submit, spam, relay},
		{"groups nobody told", 0, nil, connector.PropertyPermissionGroups, anonymous, 0, 0, submit | relay},
		{"groups nobody told, and the rights beside them", 0, []connector.Grant{grant(`CONTOSO\Joe`, "SMTP-Submit")}, connector.PropertyPermissionGroups, anonymous, 0, relay, submit},
	} {
		c := connector.ReceiveConnector{PermissionGroups: row.groups, Rights: row.rights, Missing: row.missing}
		e := c.EffectiveRights(row.principal, connector.Generation2016)
		assert.True(t, e.Held.Has(row.has), "%s: held %s", row.why, e.Held)
		assert.True(t, e.Open.Has(row.open), "%s: open %s", row.why, e.Open)
		assert.Zero(t, (e.Held|e.Open)&row.not, row.why)
		assert.Zero(t, e.Held&e.Open, row.why)
	}
}

// A principal that there is not has no rights.
func TestNoPrincipal(t *testing.T) {
	c := connector.ReceiveConnector{PermissionGroups: 63, Rights: []connector.Grant{{Principal: `CONTOSO\Joe`, Right: "ms-Exch-SMTP-Submit"}}}
	assert.Zero(t, c.EffectiveRights(connector.Principal(99), 0))
	assert.Zero(t, c.EffectiveRights(0, 0))
}

func TestMayRelay(t *testing.T) {
	for _, row := range []struct {
		why  string
		c    connector.ReceiveConnector
		want connector.StepState
	}{
		{"a default", connector.ReceiveConnector{PermissionGroups: connector.GroupAnonymousUsers | connector.GroupExchangeServers}, connector.StepRefused},
		{"externally secured", connector.ReceiveConnector{AuthMechanism: connector.AuthExternalAuthoritative, PermissionGroups: connector.GroupExchangeServers}, connector.StepDone},
		{"externally secured, and servers may not submit", connector.ReceiveConnector{AuthMechanism: connector.AuthExternalAuthoritative}, connector.StepRefused},
		{"a mechanism nobody told", connector.ReceiveConnector{Missing: connector.PropertyAuthMechanism}, connector.StepUnknown},
		{"in another language", connector.ReceiveConnector{PermissionGroups: connector.GroupAnonymousUsers, Rights: []connector.Grant{{Principal: `NT-AUTORITÄT\ANONYMOUS-ANMELDUNG`, Right: "ms-Exch-SMTP-Accept-Any-Recipient"}}}, connector.StepUnknown},
		{"with no sender but the null one", connector.ReceiveConnector{PermissionGroups: connector.GroupCustom, Rights: []connector.Grant{
			{Principal: "S-1-5-7", Right: "ms-Exch-SMTP-Accept-Any-Recipient"}, {Principal: "S-1-5-7", Right: "ms-Exch-SMTP-Submit"}}}, connector.StepUnknown},
		{"Custom nobody told", connector.ReceiveConnector{PermissionGroups: connector.GroupAnonymousUsers | connector.GroupCustom}, connector.StepUnknown},
	} {
		assert.Equal(t, row.want, row.c.MayRelay(0), row.why)
	}
}

func TestInGroups(t *testing.T) {
	c := connector.ReceiveConnector{PermissionGroups: connector.GroupAnonymousUsers | connector.GroupExchangeServers}
	for _, row := range []struct {
		why              string
		principal, right string
		deny             bool
		g                connector.Generation
		want             bool
	}{
		{"the group's own", `NT AUTHORITY\ANONYMOUS LOGON`, "ms-Exch-SMTP-Submit", false, 0, true},
		{"by identifier", "S-1-5-7", "ms-Exch-SMTP-Submit", false, 0, true},
		{"of another domain", `FABRIKAM\Exchange Servers`, "ms-exch-smtp-submit", false, 0, true},
		{"more than the group", `NT AUTHORITY\ANONYMOUS LOGON`, "ms-Exch-SMTP-Accept-Any-Recipient", false, 0, false},
		{"more than the group gave in 2007", `NT AUTHORITY\ANONYMOUS LOGON`, "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender", false, connector.Generation2007, false},
		{"denied", `NT AUTHORITY\ANONYMOUS LOGON`, "ms-Exch-SMTP-Submit", true, 0, false},
		{"of nobody known", `CONTOSO\Joe`, "ms-Exch-SMTP-Submit", false, 0, false},
		{"of everyone", "Everyone", "ms-Exch-SMTP-Submit", false, 0, false},
		{"of a group that is not there", `NT AUTHORITY\Authenticated Users`, "ms-Exch-SMTP-Submit", false, 0, false},
		{"a right nobody knows", `NT AUTHORITY\ANONYMOUS LOGON`, "ms-Exch-SMTP-New", false, 0, false},
	} {
		g := connector.Grant{Principal: row.principal, Right: row.right, Deny: row.deny}
		assert.Equal(t, row.want, c.InGroups(g, row.g), row.why)
	}
	_, err := connector.ParseRights("ms-Exch-SMTP-Submit, Send-As")
	requireParseError(t, err, "extended right", 21, connector.ErrUnknownName)
}

// Rights are known unless something stands for rights that nobody told.
func TestKnowsRights(t *testing.T) {
	told := []connector.Grant{{Principal: "A", Right: "ms-Exch-SMTP-Submit"}}
	for _, row := range []struct {
		why  string
		c    connector.ReceiveConnector
		want bool
	}{
		{"there are none", connector.ReceiveConnector{}, true},
		{"they are missing", connector.ReceiveConnector{Missing: connector.PropertyRights}, false},
		{"Custom stands for some", connector.ReceiveConnector{PermissionGroups: connector.GroupCustom}, false},
		{"Custom stands for these", connector.ReceiveConnector{PermissionGroups: connector.GroupCustom, Rights: told}, true},
		{"Custom may be among the groups", connector.ReceiveConnector{Missing: connector.PropertyPermissionGroups}, false},
	} {
		assert.Equal(t, row.want, row.c.Knows("rights"), row.why)
	}
}
