package connector_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

func auth(t *testing.T, s string) connector.AuthMechanism {
	m, err := connector.ParseAuthMechanism(s)
	require.NoError(t, err)
	return m
}

// installedAs returns a connector that setup installs, by the beginning of its name.
func installedAs(t *testing.T, s connector.Server, name string) connector.ReceiveConnector {
	for _, c := range connector.DefaultConnectors(s) {
		if c.ID.Name == name+" "+s.Name {
			return c
		}
	}
	require.Fail(t, "no such default", name)
	return connector.ReceiveConnector{}
}

// EHLO replies that were recorded, a row each, with their source.
func TestRecordedEHLO(t *testing.T) {
	const first, last = "PIPELINING, DSN, ENHANCEDSTATUSCODES, ", "8BITMIME, BINARYMIME, CHUNKING"
	hub := exchange("H", "2010", "S", connector.RoleHubTransport)
	edge := exchange("E", "2010", "S", connector.RoleEdge)
	e2013, e2016, e2019 := exchange("S", "2013", "S", multi2013), exchange("S", "2016", "S", 0), exchange("S", "15.2.1118.40", "S", 0)
	relay2016 := func(m string) connector.ReceiveConnector {
		c := relay("S", "10.0.0.0/24")
		c.TransportRole, c.AuthMechanism, c.DisabledExtensions = connector.FrontendTransport, auth(t, m), connector.ExtensionSMTPUTF8
		return c
	}
	client2013 := installedAs(t, e2013, "Client Frontend")
	client2013.MaxMessageSize = 36 * connector.MB
	for _, row := range []struct {
		name, source                  string
		s                             connector.Server
		c                             connector.ReceiveConnector
		clear, startTLS, anonymousTLS string
	}{
		{"Default Frontend 2016", "TELNET; public trace", e2016, installedAs(t, e2016, "Default Frontend"),
			"SIZE 37748736, " + first + "STARTTLS, X-ANONYMOUSTLS, AUTH NTLM, X-EXPS GSSAPI NTLM, " + last + ", [SMTPUTF8], XRDST",
			"SIZE 37748736, " + first + "AUTH NTLM LOGIN, X-EXPS GSSAPI NTLM, " + last + ", [SMTPUTF8], XRDST",
			"SIZE 37748736, " + first + "AUTH NTLM LOGIN, X-EXPS EXCHANGEAUTH GSSAPI NTLM, X-EXCHANGEAUTH SHA256, " + last + ", [SMTPUTF8], XRDST"},
		{"Default 2013 (2525)", "KB2866822", e2013, installedAs(t, e2013, "Default"),
			"SIZE, " + first + "STARTTLS, X-ANONYMOUSTLS, AUTH NTLM, X-EXPS GSSAPI NTLM, " + last + ", XEXCH50, XRDST, XSHADOWREQUEST",
			"SIZE, " + first + "AUTH NTLM LOGIN, X-EXPS GSSAPI NTLM, " + last + ", XEXCH50, XRDST, XSHADOWREQUEST",
			"SIZE, " + first + "AUTH NTLM LOGIN, X-EXPS EXCHANGEAUTH GSSAPI NTLM, X-EXCHANGEAUTH SHA256, " + last + ", XEXCH50, XRDST, XSHADOWREQUEST"},
		{"Default 2010", "public trace", hub, installedAs(t, hub, "Default"),
			"SIZE, " + first + "STARTTLS, X-ANONYMOUSTLS, AUTH NTLM, X-EXPS GSSAPI NTLM, " + last + ", XEXCH50, XRDST, XSHADOW",
			"SIZE, " + first + "AUTH NTLM LOGIN, X-EXPS GSSAPI NTLM, " + last + ", XEXCH50, XRDST, XSHADOW",
			"SIZE, " + first + "AUTH NTLM LOGIN, X-EXPS EXCHANGEAUTH GSSAPI NTLM, X-EXCHANGEAUTH SHA256, " + last + ", XEXCH50, XRDST, XSHADOW"},
		{"Edge of the 2010 type", "public trace", edge, installedAs(t, edge, "Default internal receive connector"),
			"SIZE 10485760, " + first + "STARTTLS, X-ANONYMOUSTLS, X-EXPS NTLM, " + last + ", XEXCH50, XSHADOW",
			"SIZE 10485760, " + first + "X-EXPS NTLM, " + last + ", XEXCH50, XSHADOW",
			"SIZE 10485760, " + first + "X-EXPS NTLM, " + last + ", XEXCH50, XSHADOW"},
		{"Client 587", "nodemailer #145, docker-smtp #37", e2013, client2013,
			"SIZE 37748736, " + first + "STARTTLS, AUTH GSSAPI NTLM, " + last,
			"SIZE 37748736, " + first + "AUTH GSSAPI NTLM LOGIN, " + last, ""},
		{"Client 587 of 2019: the same and SMTPUTF8", "export of Exchange 2019", e2019, installedAs(t, e2019, "Client Frontend"),
			"SIZE 37748736, " + first + "STARTTLS, AUTH GSSAPI NTLM, " + last + ", SMTPUTF8",
			"SIZE 37748736, " + first + "AUTH GSSAPI NTLM LOGIN, " + last + ", SMTPUTF8", ""},
		{"relay without Tls", "techcommunity 4445548", e2016, relay2016("None"), "SIZE 37748736, " + first + last, "", ""},
		{"externally secured", "techcommunity 4445548", e2016, relay2016("ExternalAuthoritative"), "SIZE 37748736, " + first + last, "", ""},
		{"mailbox delivery", "Receive connectors", e2019, connector.MailboxDelivery(e2019),
			"SIZE 37748736, " + first + "X-ANONYMOUSTLS, X-EXPS GSSAPI NTLM, " + last + ", SMTPUTF8, [XEXCH50], XRDST, [XSHADOWREQUEST]", "",
			"SIZE 37748736, " + first + "X-EXPS EXCHANGEAUTH GSSAPI NTLM, X-EXCHANGEAUTH SHA256, " + last + ", SMTPUTF8, [XEXCH50], XRDST, [XSHADOWREQUEST]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := row.c.EHLO(row.s)
			assert.Equal(t, row.clear, o.Clear.String(), row.source)
			assert.Equal(t, row.startTLS, o.AfterSTARTTLS.String(), row.source)
			assert.Equal(t, row.anonymousTLS, o.AfterXAnonymousTLS.String(), row.source)
			assert.Equal(t, row.startTLS == "", o.AfterSTARTTLS == nil)
			assert.Equal(t, row.anonymousTLS == "", o.AfterXAnonymousTLS == nil)
			for _, l := range o.Clear {
				assert.NotZero(t, l.Basis.Mark, l.Text)
				assert.NotEmpty(t, l.Basis.Rule, l.Text)
			}
		})
	}
}

// What makes a line appear, change or go, in clear unless it says otherwise.
func TestEHLORules(t *testing.T) {
	s := exchange("S", "15.2.1118.40", "S", 0)
	base := relay("S", "10.0.0.0/24")
	base.TransportRole, base.AuthMechanism = connector.HubTransport, auth(t, "Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer")
	for _, row := range []struct {
		rule string
		edit func(*connector.ReceiveConnector, *connector.Server)
		gone []string // of what is there without the edit
		come []string
	}{
		{"SIZE: EnabledWithoutValue", func(c *connector.ReceiveConnector, s *connector.Server) {
			c.SizeEnabled = connector.SizeEnabledWithoutValue
		}, []string{"SIZE 37748736"}, []string{"SIZE"}},
		{"SIZE: Disabled", func(c *connector.ReceiveConnector, s *connector.Server) { c.SizeEnabled = connector.SizeDisabled }, []string{"SIZE 37748736"}, nil},
		{"SIZE: MaxMessageSize", func(c *connector.ReceiveConnector, s *connector.Server) { c.MaxMessageSize = 10 * connector.MB },
			[]string{"SIZE 37748736"}, []string{"SIZE 10485760"}},
		{"SIZE: a size that is not known", func(c *connector.ReceiveConnector, s *connector.Server) {
			c.Missing = connector.PropertyMaxMessageSize
		}, []string{"SIZE 37748736"}, []string{"[SIZE]"}},
		{"SIZE: a mode that is not known", func(c *connector.ReceiveConnector, s *connector.Server) {
			c.Missing = connector.PropertySizeEnabled
		}, []string{"SIZE 37748736"}, []string{"[SIZE 37748736]"}},
		{"PipeliningEnabled", disable(connector.ExtensionPipelining), []string{"PIPELINING"}, nil},
		{"DeliveryStatusNotificationEnabled", disable(connector.ExtensionDSN), []string{"DSN"}, nil},
		{"EnhancedStatusCodesEnabled", disable(connector.ExtensionEnhancedStatusCodes), []string{"ENHANCEDSTATUSCODES"}, nil},
		{"EightBitMimeEnabled", disable(connector.Extension8BitMIME), []string{"8BITMIME"}, nil},
		{"BinaryMimeEnabled", disable(connector.ExtensionBinaryMIME), []string{"BINARYMIME"}, nil},
		{"ChunkingEnabled", disable(connector.ExtensionChunking), []string{"CHUNKING"}, nil},
		{"SmtpUtf8Enabled", disable(connector.ExtensionSMTPUTF8), []string{"SMTPUTF8"}, nil},
		{"SMTPUTF8 on 2013", version("2013"), []string{"SIZE 37748736", "SMTPUTF8"}, []string{"[SIZE]"}},
		{"SMTPUTF8 on 2016", version("2016"), []string{"SMTPUTF8"}, []string{"[SMTPUTF8]"}},
		{"OrarEnabled", func(c *connector.ReceiveConnector, s *connector.Server) { c.OrarEnabled = true }, nil, []string{"XORAR"}},
		{"LongAddressesEnabled", func(c *connector.ReceiveConnector, s *connector.Server) { c.LongAddressesEnabled = true }, nil, []string{"XLONGADDR"}},
		{"extensions that are not known", func(c *connector.ReceiveConnector, s *connector.Server) {
			c.Missing = connector.PropertyExtensions
		}, []string{"PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8"},
			[]string{"[PIPELINING]", "[DSN]", "[ENHANCEDSTATUSCODES]", "[8BITMIME]", "[BINARYMIME]", "[CHUNKING]", "[SMTPUTF8]"}},
		{"STARTTLS needs Tls, X-ANONYMOUSTLS does not", mechanisms(t, "Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer"), []string{"STARTTLS"}, nil},
		{"both need a certificate", func(c *connector.ReceiveConnector, s *connector.Server) { s.NoCertificate = true }, []string{"STARTTLS", "X-ANONYMOUSTLS"}, nil},
		{"a certificate that is not known", func(c *connector.ReceiveConnector, s *connector.Server) {
			s.Missing = connector.PropertyInternalTransportCertificate
		}, []string{"X-ANONYMOUSTLS"}, []string{"[X-ANONYMOUSTLS]"}},
		{"SuppressXAnonymousTls", func(c *connector.ReceiveConnector, s *connector.Server) { c.SuppressXAnonymousTLS = true }, []string{"X-ANONYMOUSTLS"}, nil},
		{"EnableAuthGSSAPI", func(c *connector.ReceiveConnector, s *connector.Server) { c.EnableAuthGSSAPI = true }, []string{"AUTH NTLM"}, []string{"AUTH GSSAPI NTLM"}},
		{"EnableAuthGSSAPI that is not known", func(c *connector.ReceiveConnector, s *connector.Server) {
			c.Missing = connector.PropertyEnableAuthGSSAPI
		}, []string{"AUTH NTLM"}, []string{"[AUTH NTLM]"}},
		{"BasicAuth without BasicAuthRequireTLS", mechanisms(t, "Tls, Integrated, BasicAuth, ExchangeServer"), []string{"AUTH NTLM"}, []string{"AUTH NTLM LOGIN"}},
		{"neither Integrated nor BasicAuth in clear", mechanisms(t, "Tls, BasicAuth, BasicAuthRequireTLS, ExchangeServer"), []string{"AUTH NTLM"}, nil},
		{"without ExchangeServer nothing between servers", mechanisms(t, "Tls, Integrated"), []string{"X-ANONYMOUSTLS", "X-EXPS GSSAPI NTLM", "XEXCH50", "XRDST", "XSHADOWREQUEST"}, nil},
		{"a FrontendTransport connector shows XRDST alone", func(c *connector.ReceiveConnector, s *connector.Server) {
			c.TransportRole = connector.FrontendTransport
		}, []string{"XEXCH50", "XSHADOWREQUEST"}, nil},
		{"XSHADOW on 2010", version("2010"), []string{"SIZE 37748736", "SMTPUTF8", "XSHADOWREQUEST"}, []string{"SIZE 10485760", "XSHADOW"}},
		{"none on 2007, which has no shadow redundancy", version("2007"), []string{"SIZE 37748736", "SMTPUTF8", "XEXCH50", "XRDST", "XSHADOWREQUEST"}, []string{"SIZE 10485760", "[XEXCH50]", "[XRDST]"}},
		{"Edge", func(c *connector.ReceiveConnector, s *connector.Server) { s.Roles = connector.RoleEdge },
			[]string{"X-EXPS GSSAPI NTLM", "XEXCH50", "XRDST", "XSHADOWREQUEST"}, []string{"X-EXPS NTLM", "[XEXCH50]", "[XSHADOWREQUEST]"}},
		{"a version that is not known", func(c *connector.ReceiveConnector, s *connector.Server) { *s = connector.Server{Name: "S"} },
			[]string{"SIZE 37748736", "SMTPUTF8", "XEXCH50", "XRDST", "XSHADOWREQUEST"}, []string{"[SIZE]", "[SMTPUTF8]", "[XEXCH50]", "[XRDST]", "[XSHADOW]"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			c, on := base.Clone(), s
			row.edit(&c, &on)
			before, after := strings.Split(base.EHLO(s).Clear.String(), ", "), strings.Split(c.EHLO(on).Clear.String(), ", ")
			gone, come := listDifference(before, after)
			assert.Equal(t, row.gone, gone)
			assert.Equal(t, row.come, come)
		})
	}
	c := base.Clone()
	c.Missing = connector.PropertyAuthMechanism
	assert.Zero(t, c.EHLO(s), "a mechanism that is missing is not None")
	c.Missing = 0
	c.AuthMechanism = connector.AuthExchangeServer
	line, ok := c.EHLO(exchange("S", "2007", "S", 0)).Clear.Line("x-anonymoustls")
	assert.True(t, ok)
	assert.Equal(t, connector.DoubtVersion, line.Doubt, "the documents of 2007 ask for Tls as well")
	_, ok = c.EHLO(s).Clear.Line("STARTTLS")
	assert.False(t, ok)
	assert.Equal(t, "X-ANONYMOUSTLS, X-EXPS GSSAPI NTLM", c.EHLO(s).Clear.Security().String())
}

func disable(e connector.Extensions) func(*connector.ReceiveConnector, *connector.Server) {
	return func(c *connector.ReceiveConnector, _ *connector.Server) { c.DisabledExtensions = e }
}

func version(v string) func(*connector.ReceiveConnector, *connector.Server) {
	return func(_ *connector.ReceiveConnector, s *connector.Server) { s.Version = connector.MustParseVersion(v) }
}

func mechanisms(t *testing.T, m string) func(*connector.ReceiveConnector, *connector.Server) {
	return func(c *connector.ReceiveConnector, _ *connector.Server) { c.AuthMechanism = auth(t, m) }
}

// listDifference returns what is only in a and what is only in b.
func listDifference(a, b []string) (onlyA, onlyB []string) {
	in := make(map[string]bool)
	for _, s := range b {
		in[s] = true
	}
	for _, s := range a {
		if !in[s] {
			onlyA = append(onlyA, s)
		}
		delete(in, s)
	}
	for _, s := range b {
		if in[s] {
			onlyB = append(onlyB, s)
		}
	}
	return onlyA, onlyB
}
