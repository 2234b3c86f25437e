package connector_test

import (
	"encoding"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

func TestAuthMechanism(t *testing.T) {
	five := connector.AuthTLS | connector.AuthIntegrated | connector.AuthBasic | connector.AuthBasicRequireTLS | connector.AuthExchangeServer
	assert.EqualValues(t, 31, five, "the sum a real export shows")
	assert.Equal(t, "Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer", five.String())
	assert.Equal(t, "None", connector.AuthMechanism(0).String())
	assert.Equal(t, "64", connector.AuthMechanism(64).String(), "a bit without a name prints the number")
	assert.True(t, five.Has(connector.AuthTLS|connector.AuthBasic))
	assert.False(t, five.Has(connector.AuthExternalAuthoritative))
	for in, want := range map[string]connector.AuthMechanism{
		"none": 0, "31": five, "exchangeserver,TLS": connector.AuthTLS | connector.AuthExchangeServer,
		" Tls , Tls ": connector.AuthTLS, "ExternalAuthoritative": 32, "0": 0,
	} {
		got, err := connector.ParseAuthMechanism(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for _, row := range []struct {
		in   string
		want error
	}{
		{"¦", connector.ErrEmpty}, {"¦ ", connector.ErrEmpty}, {"Tls, ¦Kerberos", connector.ErrUnknownName}, {"¦64", connector.ErrUnknownName},
		{"Tls, ¦None", connector.ErrNoneNotAlone}, {"¦None, Tls", connector.ErrNoneNotAlone}, {"Tls,¦", connector.ErrUnknownName},
	} {
		in, offset := offsetOf(row.in)
		_, err := connector.ParseAuthMechanism(in)
		requireParseError(t, err, "AuthMechanism", offset, row.want)
	}
}

func TestPermissionGroups(t *testing.T) {
	g := connector.GroupAnonymousUsers | connector.GroupExchangeServers | connector.GroupExchangeLegacyServers
	assert.EqualValues(t, 13, g, "the sum a real export shows")
	assert.Equal(t, "AnonymousUsers, ExchangeServers, ExchangeLegacyServers", g.String())
	_, err := connector.ParsePermissionGroups("Anonymous")
	requireParseError(t, err, "PermissionGroups", 0, connector.ErrUnknownName)
	assert.False(t, g.Has(connector.GroupCustom))
}

func TestByteSize(t *testing.T) {
	for in, want := range map[string]connector.ByteSize{
		"36 MB (37,748,736 bytes)": 36 * connector.MB, "36 MB (37.748.736 Bytes)": 36 * connector.MB, "36 Mo (37\u00a0748\u00a0736 octets)": 36 * connector.MB,
		"36MB": 36 * connector.MB, " 128 kb ": 128 * connector.KB, "2GB": 2 * connector.GB, "37748736B": 36 * connector.MB, "5": 5,
	} {
		got, err := connector.ParseByteSize(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for size, want := range map[connector.ByteSize]string{
		36 * connector.MB: "36 MB (37,748,736 bytes)", 256 * connector.KB: "256 KB (262,144 bytes)", 1536: "1.5 KB (1,536 bytes)",
		999: "999 B (999 bytes)", 100 * connector.MB: "100 MB (104,857,600 bytes)", 0: "",
	} {
		assert.Equal(t, want, size.String())
	}
	for _, row := range []struct {
		in   string
		want error
	}{
		{"¦", connector.ErrEmpty}, {"¦  ", connector.ErrEmpty}, {"¦36 XB", connector.ErrSize}, {"¦+5", connector.ErrSize}, {"¦MB", connector.ErrSize},
		{"36 MB (¦bytes)", connector.ErrSize}, {"36 MB (¦37,748", connector.ErrSize}, {" ¦17179869184GB", connector.ErrSize}, {"¦0", connector.ErrSize}, {"¦-1", connector.ErrSize},
	} {
		in, offset := offsetOf(row.in)
		_, err := connector.ParseByteSize(in)
		requireParseError(t, err, "size", offset, row.want)
	}
}

func TestSizeModeAndExtensions(t *testing.T) {
	for in, want := range map[string]connector.SizeMode{"enabledwithoutvalue": connector.SizeEnabledWithoutValue, "0": connector.SizeDisabled, "1": connector.SizeEnabled, " 2": connector.SizeEnabledWithoutValue} {
		got, err := connector.ParseSizeMode(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	_, err := connector.ParseSizeMode("On")
	requireParseError(t, err, "SizeEnabled", 0, connector.ErrUnknownName)

	e, err := connector.ParseExtensions("chunking, 8BITMIME")
	require.NoError(t, err)
	assert.Equal(t, "8BITMIME, CHUNKING", e.String())
	_, err = connector.ParseExtensions("DSN, XSHADOW")
	requireParseError(t, err, "EHLO extension", 5, connector.ErrUnknownName)
	var all connector.Extensions
	for name, e := range connector.ExtensionSwitches() {
		assert.False(t, all.Has(e), name)
		if all |= e; e == connector.ExtensionDSN {
			assert.Equal(t, "DeliveryStatusNotificationEnabled", name)
		}
	}
	assert.EqualValues(t, 127, all)
	for range connector.ExtensionSwitches() {
		break // stopping early is fine
	}
}

func TestRoles(t *testing.T) {
	for in, want := range map[string]connector.TransportRole{"HubTransport": 32, "frontend": 16384, "Hub": 32, "16384": 16384, "32": 32, " FrontendTransport": 16384} {
		got, err := connector.ParseTransportRole(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got)
	}
	_, err := connector.ParseTransportRole(" Edge")
	requireParseError(t, err, "TransportRole", 1, connector.ErrUnknownName)
	_, err = connector.ParseTransportRole("")
	requireParseError(t, err, "TransportRole", 0, connector.ErrEmpty)
	assert.Equal(t, "", connector.TransportRole(0).String())

	r, err := connector.ParseServerRoles("mailbox, ClientAccess, HubTransport")
	require.NoError(t, err)
	assert.True(t, r.Has(connector.RoleMailbox|connector.RoleHubTransport))
	_, err = connector.ParseServerRoles("54")
	requireParseError(t, err, "ServerRole", 0, connector.ErrUnknownName)

	p, err := connector.ParseProperties("AuthMechanism, RemoteIPRanges")
	require.NoError(t, err)
	assert.Equal(t, "RemoteIPRanges, AuthMechanism", p.String())
	assert.True(t, p.Has(connector.PropertyAuthMechanism))
}

func TestVersion(t *testing.T) {
	for in, want := range map[string]struct{ prints, generation string }{
		"Version 15.1 (Build 2507.6)":  {"Version 15.1 (Build 2507.6)", "2016"},
		"15.01.2507.006":               {"Version 15.1 (Build 2507.6)", "2016"},
		"version 8.3 (Build 83.6)":     {"Version 8.3 (Build 83.6)", "2007"},
		"14.3":                         {"14.3", "2010"},
		"15.0":                         {"15.0", "2013"},
		"15.2":                         {"15.2", "2019 or SE"},
		"15.2.2561":                    {"15.2.2561", "2019"},
		"15.2.2562":                    {"15.2.2562", "SE"},
		"Version 15.2 (Build 2562.17)": {"Version 15.2 (Build 2562.17)", "SE"},
		"2016":                         {"2016", "2016"},
		"se":                           {"SE", "SE"},
		"2019 or SE":                   {"2019 or SE", "2019 or SE"},
		"6.5":                          {"6.5", ""},
		"Version 15.2":                 {"15.2", "2019 or SE"},
	} {
		v, err := connector.ParseVersion(in)
		require.NoError(t, err, in)
		assert.Equal(t, want.prints, v.String(), in)
		assert.Equal(t, want.generation, v.Generation().String(), in)
		assert.Equal(t, v, connector.MustParseVersion(v.String()), in)
		assert.True(t, v.IsValid())
	}
	for _, in := range []string{"¦15", "¦2003", "¦15.x", "¦15.1.2.3.4", "Version ¦15.1 (Build 2", "¦1.+2", "¦", "¦15."} {
		text, offset := offsetOf(in)
		_, err := connector.ParseVersion(text)
		want := connector.ErrVersion
		if text == "" {
			want = connector.ErrEmpty
		}
		var pe *connector.ParseError
		require.ErrorAs(t, err, &pe)
		assert.ErrorIs(t, err, want)
		if !strings.Contains(in, "(") {
			assert.Equal(t, offset, pe.Offset, in)
		}
	}
	assert.Zero(t, connector.Version{}.Generation())
	assert.Empty(t, connector.Version{}.String())
	assert.Empty(t, connector.Generation(99).String())
	assert.Less(t, connector.Generation2019, connector.Generation2019OrSE)
	assert.Panics(t, func() { connector.MustParseVersion("?") })
}

func TestID(t *testing.T) {
	id, err := connector.ParseID(`EX01\Relay \x `)
	require.NoError(t, err)
	assert.Equal(t, connector.ID{Server: "EX01", Name: `Relay \x `}, id, "blanks and later backslashes belong to the name")
	assert.Equal(t, `EX01\Relay \x `, id.String())
	assert.True(t, id.Equal(connector.ID{Server: "ex01", Name: `RELAY \X `}))
	assert.False(t, id.Equal(connector.ID{Server: "EX01", Name: "Relay"}))
	assert.True(t, connector.ID{}.IsZero())
	assert.Equal(t, "EX01", connector.ID{Server: "EX01"}.String())
	for _, row := range []struct {
		in   string
		want error
	}{{"¦", connector.ErrEmpty}, {"Relay¦", connector.ErrIdentity}, {`¦\Relay`, connector.ErrIdentity}, {`EX01\¦`, connector.ErrIdentity}} {
		in, offset := offsetOf(row.in)
		_, err := connector.ParseID(in)
		requireParseError(t, err, "identity", offset, row.want)
	}
}

// Compare must be zero exactly where strings.EqualFold is true, or names would be found by one and not by the other.
func TestIDFoldsLikeStrings(t *testing.T) {
	names := []string{"", "a", "A", "b", "EX", "ex", "exa", "Straße", "STRASSE", "straße", "ſ", "s", "S", "K", "k", "K", "Ω", "Ω", "ω", "\xff", "\xfe", "é", "É", "é"}
	for _, a := range names {
		for _, b := range names {
			x, y := connector.ID{Server: a}, connector.ID{Server: b}
			assert.Equal(t, strings.EqualFold(a, b), x.Equal(y), "%q %q", a, b)
			assert.Equal(t, x.Equal(y), x.Key() == y.Key(), "%q %q", a, b)
			assert.Equal(t, x.Compare(y), -y.Compare(x), "%q %q", a, b)
		}
	}
}

type text interface {
	comparable
	encoding.TextMarshaler
	encoding.TextAppender
	String() string
}

func checkText[T text](t *testing.T, v T, read func(*T, []byte) error) {
	t.Helper()
	b, err := v.MarshalText()
	require.NoError(t, err)
	assert.Equal(t, v.String(), string(b))
	appended, err := v.AppendText([]byte("x"))
	require.NoError(t, err)
	assert.Equal(t, "x"+v.String(), string(appended))
	var back T
	require.NoError(t, read(&back, b))
	assert.True(t, v == back, v.String())
	require.Error(t, read(&back, []byte("?!")))
}

// What a value prints it reads back, in every way a value is read and written.
func TestTextRoundTrip(t *testing.T) {
	checkText(t, connector.MustParseRange("10.0.0.0/8"), (*connector.Range).UnmarshalText)
	checkText(t, connector.AuthTLS|connector.AuthExchangeServer, (*connector.AuthMechanism).UnmarshalText)
	checkText(t, connector.GroupPartners, (*connector.PermissionGroups).UnmarshalText)
	checkText(t, connector.HubTransport, (*connector.TransportRole).UnmarshalText)
	checkText(t, connector.RoleEdge|connector.RoleMailbox, (*connector.ServerRoles).UnmarshalText)
	checkText(t, connector.PropertyFQDN|connector.PropertyBindings, (*connector.Properties).UnmarshalText)
	checkText(t, connector.MustParseVersion("14.3"), (*connector.Version).UnmarshalText)
	checkText(t, connector.ID{Server: "A", Name: "B"}, (*connector.ID).UnmarshalText)
	checkText(t, 36*connector.MB, (*connector.ByteSize).UnmarshalText)
	checkText(t, connector.SizeEnabledWithoutValue, (*connector.SizeMode).UnmarshalText)
	checkText(t, connector.ExtensionDSN|connector.ExtensionChunking, (*connector.Extensions).UnmarshalText)
	for k := connector.MailboxDatabase; k <= connector.PublicFolderDatabase; k++ {
		checkText(t, k, (*connector.DatabaseKind).UnmarshalText)
	}
	for k := connector.NetworkGateway; k <= connector.NetworkCrossForest; k++ {
		checkText(t, k, (*connector.NetworkKind).UnmarshalText)
	}
}

// Enumerations print a word for each value and nothing for one that is not set.
func TestEnumerationsPrint(t *testing.T) {
	checkEnum(t, connector.Documented, connector.Unknown)
	checkEnum(t, connector.Selected, connector.InvalidConn)
	checkEnum(t, connector.Disabled, connector.Won)
	checkEnum(t, connector.Authenticated, connector.AuthenticationNotSought)
	checkEnum(t, connector.CauseWrongConnector, connector.CauseKerberos)
	checkEnum(t, connector.SideSender, connector.SideReceiver)
	checkEnum(t, connector.Mail, connector.LogShipping)
	checkEnum(t, connector.TransportSMTP, connector.TransportLogShipping)
	checkEnum(t, connector.Required, connector.NotNeeded)
	checkEnum(t, connector.FormSingle, connector.FormNetmask)
	checkEnum(t, connector.MailboxDatabase, connector.PublicFolderDatabase)
	checkEnum(t, connector.NetworkGateway, connector.NetworkCrossForest)
	checkEnum(t, connector.SizeEnabled, connector.SizeDisabled)
	checkEnum(t, connector.StageConnect, connector.StageForeignRecipient)
	checkEnum(t, connector.StepDone, connector.StepUnknown)
	checkEnum(t, connector.PrincipalAnonymous, connector.PrincipalPartnerServers)
	checkEnum(t, connector.UsageClient, connector.UsagePartner)
	for k := connector.PeerExchangeServer; k <= connector.PeerPartner; k++ {
		back, err := connector.ParsePeerKind(k.String())
		require.NoError(t, err)
		assert.Equal(t, k, back)
	}
	assert.Empty(t, (connector.PeerPartner + 1).String())
	for p := connector.TLSNever; p <= connector.TLSInsists; p++ {
		back, err := connector.ParseTLSPolicy(p.String())
		require.NoError(t, err)
		assert.Equal(t, p, back)
	}
	assert.Empty(t, (connector.TLSInsists + 1).String())
	for u := connector.UsageClient; u <= connector.UsagePartner; u++ {
		back, err := connector.ParseUsage(u.String())
		require.NoError(t, err)
		assert.Equal(t, u, back)
	}
	_, err := connector.ParsePeerKind("")
	requireParseError(t, err, "peer", 0, connector.ErrUnknownName)
	for r := connector.Disabled; r <= connector.Won; r++ {
		assert.NotEmpty(t, r.Basis().Rule, r)
	}
	for c := connector.CauseWrongConnector; c <= connector.CauseKerberos; c++ {
		assert.NotEmpty(t, c.Basis().Rule, c)
	}
	assert.Empty(t, connector.Reason(99).Basis().Rule)
	assert.Empty(t, connector.Cause(99).Basis().Rule)
	assert.Equal(t, "Tie, Missing, Role, Version", (connector.DoubtTie | connector.DoubtMissing | connector.DoubtRole | connector.DoubtVersion).String())
}

func checkEnum[T interface {
	~uint8
	String() string
}](t *testing.T, first, last T) {
	t.Helper()
	seen := make(map[string]bool)
	assert.EqualValues(t, 1, first)
	for v := first; v <= last; v++ {
		assert.NotEmpty(t, v.String(), "%d", v)
		assert.False(t, seen[v.String()], v.String())
		seen[v.String()] = true
	}
	assert.Empty(t, T(0).String())
	assert.Empty(t, (last + 1).String())
}
