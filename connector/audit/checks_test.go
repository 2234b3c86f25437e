package audit_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// edited returns a connector of EX01 for a range, changed.
func edited(ranges string, edit func(*connector.ReceiveConnector)) connector.ReceiveConnector {
	c := connectorOf("EX01", "C", connector.AuthTLS, strings.Fields(ranges)...)
	c.PermissionGroups = connector.GroupAnonymousUsers
	edit(&c)
	return c
}

// onServer is a server of a version with its installed connectors and some more.
func onServer(version string, edit func(*connector.Server), cs ...connector.ReceiveConnector) *connector.Topology {
	s := connector.Server{Name: "EX01", FQDN: "ex01.contoso.com", Site: "A", Version: connector.MustParseVersion(version), Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
	if edit != nil {
		edit(&s)
	}
	return &connector.Topology{Servers: []connector.Server{s}, Connectors: append(connector.DefaultConnectors(s), cs...)}
}

var relayRight = connector.Grant{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Any-Recipient"}

// What a check finds at the edges of its rule.
func TestChecksAtTheirEdges(t *testing.T) {
	type c = connector.ReceiveConnector
	port := func(n ...string) []netip.AddrPort {
		bs := []netip.AddrPort{}
		for _, s := range n {
			bs = append(bs, connector.MustParseBinding(s))
		}
		return bs
	}
	lists := func(n int) (rs []connector.Range) {
		for i := range n {
			rs = append(rs, connector.MustParseRange(fmt.Sprintf("10.%d.%d.1", i/200, i%200)))
		}
		return rs
	}
	network := func(top *connector.Topology, kind connector.NetworkKind, ranges ...string) *connector.Topology {
		n := connector.Network{Name: "net", Kind: kind}
		for _, r := range ranges {
			n.Ranges = append(n.Ranges, connector.MustParseRange(r))
		}
		top.Networks = append(top.Networks, n)
		return top
	}
	for _, row := range []struct {
		check, why string
		top        *connector.Topology
		want       []string
	}{
		{"RC002", "a disabled one is not expected to be selected", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.Disabled = true })), nil},
		{"RC002", "one without bindings", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.Bindings = nil })), []string{`RC002 warning certain EX01\C: 10.9.9.9`}},
		{"RC002", "one whose bindings were not told", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.Bindings, c.Missing = nil, connector.PropertyBindings })), nil},
		{"RC002", "one without ranges", onServer("2016", nil, edited("", func(*c) {})), []string{`RC002 warning certain EX01\C:`}},
		{"RC002", "one whose ranges are known in part", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.Missing, c.TransportRole = connector.PropertyRemoteIPRanges, connector.FrontendTransport }),
			edited("10.9.9.9", func(c *c) {
				c.ID.Name, c.Bindings, c.TransportRole = "D", port("0.0.0.0:25"), connector.FrontendTransport
			})), []string{`RC002 note possible EX01\D: 10.9.9.9`}},
		{"RC002", "IPv6 ranges and no IPv6 binding", onServer("2016", nil, edited("2001:db8::1", func(c *c) { c.Bindings = port("0.0.0.0:25") })), []string{`RC002 warning certain EX01\C: 2001:db8::1`}},
		{"RC003", "the other one is disabled", onServer("2016", nil, edited("10.0.0.1-10.0.0.9", func(c *c) { c.Bindings = port("0.0.0.0:26") }), edited("10.0.0.5-10.0.0.20", func(c *c) { c.ID.Name, c.Bindings, c.Disabled = "D", port("0.0.0.0:26"), true })),
			[]string{`RC003 note possible EX01\C: 10.0.0.5-10.0.0.9`}},
		{"RC003", "on ports of their own", onServer("2016", nil, edited("10.0.0.1-10.0.0.9", func(c *c) { c.Bindings = port("0.0.0.0:26") }), edited("10.0.0.5-10.0.0.20", func(c *c) { c.ID.Name, c.Bindings = "D", port("0.0.0.0:27") })), nil},
		{"RC003", "on local addresses of their own", onServer("2016", nil, edited("10.0.0.1-10.0.0.9", func(c *c) { c.Bindings = port("10.0.0.1:26") }), edited("10.0.0.5-10.0.0.20", func(c *c) { c.ID.Name, c.Bindings = "D", port("10.0.0.2:26") })), nil},
		{"RC003", "ranges that touch", onServer("2016", nil, edited("10.0.0.1-10.0.0.9", func(c *c) { c.Bindings = port("0.0.0.0:26") }), edited("10.0.0.10-10.0.0.20", func(c *c) { c.ID.Name, c.Bindings = "D", port("0.0.0.0:26") })), nil},
		{"RC003", "two ranges of one connector", onServer("2016", nil, edited("10.0.0.1-10.0.0.9 10.0.0.5-10.0.0.20", func(c *c) { c.Bindings = port("0.0.0.0:26") })), nil},
		{"RC003", "three of them", onServer("2016", nil, edited("10.0.0.1-10.0.0.9", func(c *c) { c.Bindings = port("0.0.0.0:26") }), edited("10.0.0.5-10.0.0.20", func(c *c) { c.ID.Name, c.Bindings = "D", port("0.0.0.0:26") }), edited("10.0.0.8-10.0.0.30", func(c *c) { c.ID.Name, c.Bindings = "E", port("0.0.0.0:26") })),
			[]string{`RC003 warning certain EX01\C: 10.0.0.5-10.0.0.9`, `RC003 warning certain EX01\D: 10.0.0.8-10.0.0.20`}},
		{"RC005", "only part of a port of setup is known", onServer("2016", func(s *connector.Server) { s.Roles = connector.RoleMailbox }), nil},
		{"RC005", "the connectors of setup were not exported", &connector.Topology{Connectors: []connector.ReceiveConnector{edited("10.9.9.9", func(c *c) { c.Bindings = port("0.0.0.0:25") })}}, []string{`RC005 note possible EX01: 0.0.0.0-10.9.9.8 10.9.9.10-255.255.255.255`}},
		{"RC005", "a port of its own", &connector.Topology{Connectors: []connector.ReceiveConnector{edited("10.9.9.9", func(c *c) { c.Bindings = port("0.0.0.0:26") })}}, []string{`RC005 note certain EX01: 0.0.0.0-10.9.9.8 10.9.9.10-255.255.255.255`}},
		{"RC005", "a list that goes on", &connector.Topology{Connectors: []connector.ReceiveConnector{edited("10.9.9.9", func(c *c) { c.Bindings, c.Missing = port("0.0.0.0:26"), connector.PropertyRemoteIPRanges })}}, []string{`RC005 note possible EX01: 0.0.0.0-10.9.9.8 10.9.9.10-255.255.255.255`}},
		{"RC006", "the addresses are not known", onServer("2016", func(s *connector.Server) { s.Addresses = nil }, edited("10.9.9.9", func(c *c) { c.Bindings = port("10.0.0.9:25") })), nil},
		{"RC006", "loopback is of every server", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.Bindings = port("127.0.0.1:26", "[::1]:26") })), nil},
		{"RC006", "it is disabled", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.Bindings, c.Disabled = port("10.0.0.9:25"), true })), nil},
		{"RC006", "whether it is enabled is not known", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.Bindings, c.Missing = port("10.0.0.9:25"), connector.PropertyEnabled })), []string{`RC006 warning possible EX01\C:`}},
		{"RC007", "the bindings were not told", onServer("2016", nil, edited("10.9.9.9 fd00::1", func(c *c) { c.Bindings, c.Missing = port("0.0.0.0:25"), connector.PropertyBindings })), nil},
		{"RC007", "IPv4 ranges and no IPv4 binding", onServer("2016", nil, edited("10.9.9.9 fd00::1", func(c *c) { c.Bindings = port("[::]:25") })), []string{`RC007 note certain EX01\C: 10.9.9.9`}},
		{"RC008", "one of the two is disabled", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.TransportRole, c.Disabled = connector.HubTransport, true })), []string{`RC008 warning possible EX01\C:`}},
		{"RC008", "on another port", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.TransportRole, c.Bindings = connector.HubTransport, port("0.0.0.0:26") })), nil},
		{"RC008", "at another address, which the wildcard holds", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.TransportRole, c.Bindings = connector.HubTransport, port("10.0.0.1:25") })), []string{`RC008 error certain EX01\C:`}},
		{"RC008", "before there were roles", onServer("2010", nil, edited("10.9.9.9", func(*c) {})), nil},
		{"RC011", "one less", onServer("2016", nil, edited("", func(c *c) { c.RemoteIPRanges = lists(959) })), nil},
		{"RC011", "as many", onServer("2016", nil, edited("", func(c *c) { c.RemoteIPRanges = lists(960) })), []string{`RC011 note certain EX01\C:`}},
		{"RC012", "it is disabled", onServer("2016", nil, edited("10.0.0.0/24 10.0.0.7", func(c *c) { c.Disabled = true })), nil},
		{"RC012", "another connector is between the two", onServer("2016", nil, edited("10.0.0.0/24 10.0.0.7", func(c *c) { c.Bindings = port("0.0.0.0:26") }), edited("10.0.0.0/28", func(c *c) { c.ID.Name, c.Bindings = "D", port("0.0.0.0:26") })), nil},
		{"RC012", "one of two is needed", onServer("2016", nil, edited("10.0.0.0/24 10.0.0.0/28 10.0.0.7 10.0.0.99", func(c *c) { c.Bindings = port("0.0.0.0:26") }), edited("10.0.0.0/25", func(c *c) { c.ID.Name, c.Bindings = "D", port("0.0.0.0:26") })),
			[]string{`RC012 note certain EX01\C: 10.0.0.7`}},
		{"RC013", "bound to other ports in IPv6", onServer("2016", nil, edited("10.9.9.9 fd00::1", func(c *c) { c.Bindings = port("0.0.0.0:26", "[::]:27") })), []string{`RC013 note certain EX01\C:`}},
		{"RC013", "who is bound to another address of the family is not the one that serves nobody", onServer("2016", nil,
			edited("fd00::/64", func(c *c) { c.ID.Name, c.Bindings = "A", port("[fd00::2]:26") }),
			edited("10.9.9.9", func(c *c) { c.Bindings = port("0.0.0.0:26", "[fd00::1]:26") })), []string{`RC013 note certain EX01\C:`}},
		{"RC013", "an Edge server is installed with IPv4 alone", onServer("2016", func(s *connector.Server) { s.Roles = connector.RoleEdge }), nil},
		{"RC014", "a list in another order, an own name, the server's addresses", func() *connector.Topology {
			top := onServer("2016", nil)
			d := &top.Connectors[0]
			d.RemoteIPRanges = []connector.Range{d.RemoteIPRanges[1], d.RemoteIPRanges[0], connector.MustParseRange("10.0.0.1")}
			d.FQDN, d.MaxHopCount, d.MaxMessageSize = "", connector.LimitOf(30), 25*connector.MB
			return top
		}(), nil},
		{"RC014", "another number", func() *connector.Topology {
			top := onServer("2016", nil)
			top.Connectors[0].MaxHopCount = connector.LimitOf(31)
			return top
		}(), []string{`RC014 note certain EX01\Default Frontend EX01:`}},
		{"RC014", "the mechanism that the documents leave out", func() *connector.Topology {
			top := onServer("2016", nil)
			top.Connectors[3].AuthMechanism &^= connector.AuthBasicRequireTLS
			top.Connectors[3].MaxLocalHopCount = connector.LimitOf(8)
			return top
		}(), nil},
		{"RC015", "an entry that two others of its own make up", onServer("2016", nil, edited("10.0.0.0/31 10.0.0.0 10.0.0.1", func(c *c) { c.Bindings = port("0.0.0.0:26") }), edited("10.0.0.0-10.0.0.1 10.0.0.9", func(c *c) { c.ID.Name, c.Bindings = "D", port("10.0.0.1:26") })),
			[]string{`RC015 note certain EX01\C: 10.0.0.0/31`, `RC015 note certain EX01\D: 10.0.0.0-10.0.0.1`}},
		{"RC107", "the server may", onServer("2016", func(s *connector.Server) { s.DowngradedExchangeAuth = true }, edited("10.9.9.9", func(c *c) { c.SuppressXAnonymousTLS, c.AuthMechanism = true, exchangeAuth })), nil},
		{"RC107", "whether the server may is not known", onServer("2016", func(s *connector.Server) { s.Missing = connector.PropertyDowngradedExchangeAuth }, edited("10.9.9.9", func(c *c) { c.SuppressXAnonymousTLS, c.AuthMechanism = true, exchangeAuth })), []string{`RC107 note unknown EX01\C:`}},
		{"RC107", "it is disabled", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.SuppressXAnonymousTLS, c.AuthMechanism, c.Disabled = true, exchangeAuth, true })), []string{`RC107 note unknown EX01\C:`}},
		{"RC107", "there is nothing to hide", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.SuppressXAnonymousTLS = true })), nil},
		{"RC108", "of IPv6", onServer("2016", nil, edited("::", func(*c) {})), []string{`RC108 note certain EX01\C: ::`}},
		{"RC110", "rights that are not known", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.AuthMechanism, c.Missing = exchangeAuth, connector.PropertyRights })), []string{`RC110 note unknown EX01\C:`}},
		{"RC110", "a right of its own", onServer("2016", nil, edited("10.9.9.9", func(c *c) {
			c.AuthMechanism, c.Rights = exchangeAuth, []connector.Grant{{Principal: `CONTOSO\Exchange Servers`, Right: "ms-Exch-SMTP-Submit"}}
		})), nil},
		{"RC110", "a right that is denied", onServer("2016", nil, edited("10.9.9.9", func(c *c) {
			c.AuthMechanism, c.PermissionGroups, c.Rights = exchangeAuth, connector.GroupExchangeServers, []connector.Grant{{Principal: `CONTOSO\Exchange Servers`, Right: "ms-Exch-SMTP-Submit", Deny: true}}
		})), []string{`RC110 warning possible EX01\C:`}},
		{"RC111", "the name of nobody", onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.FQDN = "mail.contoso.com" })), nil},
		{"RC111", "the short name of another server", func() *connector.Topology {
			top := onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.FQDN, c.Disabled = "ex02", true }))
			top.Servers = append(top.Servers, connector.Server{Name: "EX02"})
			return top
		}(), []string{`RC111 note possible EX01\C:`}},
		{"RC201", "a subnet", onServer("2016", nil, edited("10.9.9.0/24", func(c *c) { c.Rights, c.TransportRole = []connector.Grant{relayRight}, connector.FrontendTransport })), nil},
		{"RC201", "more than a subnet", onServer("2016", nil, edited("10.9.8.0/23", func(c *c) { c.Rights, c.TransportRole = []connector.Grant{relayRight}, connector.FrontendTransport })), []string{`RC201 error certain EX01\C: 10.9.8.0/23`}},
		{"RC201", "a single public host", onServer("2016", nil, edited("17.17.17.1", func(c *c) { c.Rights, c.TransportRole = []connector.Grant{relayRight}, connector.FrontendTransport })), nil},
		{"RC201", "public hosts by a range", onServer("2016", nil, edited("17.17.17.0/30", func(c *c) { c.Rights, c.TransportRole = []connector.Grant{relayRight}, connector.FrontendTransport })), []string{`RC201 error certain EX01\C: 17.17.17.0/30`}},
		{"RC201", "an address of a gateway", network(onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.Rights, c.TransportRole = []connector.Grant{relayRight}, connector.FrontendTransport })), connector.NetworkGateway, "10.9.9.9"), []string{`RC201 error certain EX01\C: 10.9.9.9`}},
		{"RC201", "rights that were not exported", onServer("2016", nil, edited("10.9.8.0/23", func(c *c) { c.Missing, c.TransportRole = connector.PropertyRights, connector.FrontendTransport })), []string{`RC201 note possible EX01\C: 10.9.8.0/23`}},
		{"RC201", "who may not submit does not relay", onServer("2016", nil, edited("10.9.8.0/23", func(c *c) {
			c.Missing, c.PermissionGroups, c.TransportRole = connector.PropertyRights, connector.GroupExchangeUsers, connector.FrontendTransport
		})), nil},
		{"RC201", "groups that hint at rights", onServer("2016", nil, edited("10.9.8.0/23", func(c *c) {
			c.PermissionGroups |= connector.GroupCustom
			c.TransportRole = connector.FrontendTransport
		})), []string{`RC201 warning possible EX01\C: 10.9.8.0/23`}},
		{"RC201", "the right is denied", onServer("2016", nil, edited("10.9.8.0/23", func(c *c) {
			deny := relayRight
			deny.Deny = true
			c.Rights, c.TransportRole = []connector.Grant{relayRight, deny}, connector.FrontendTransport
		})), nil},
		{"RC202", "single hosts", onServer("2016", nil, edited("10.9.9.9 10.9.9.10", func(c *c) {
			c.AuthMechanism, c.PermissionGroups, c.TransportRole = connector.AuthExternalAuthoritative, connector.GroupExchangeServers, connector.FrontendTransport
		})), nil},
		{"RC202", "a host and a pair", onServer("2016", nil, edited("10.9.9.9 10.9.9.10/31", func(c *c) {
			c.AuthMechanism, c.PermissionGroups, c.TransportRole = connector.AuthExternalAuthoritative, connector.GroupExchangeServers, connector.FrontendTransport
		})), []string{`RC202 error certain EX01\C: 10.9.9.10/31`}},
		{"RC202", "a balancer, as a host", network(onServer("2016", nil, edited("10.9.9.9", func(c *c) {
			c.AuthMechanism, c.PermissionGroups, c.TransportRole = connector.AuthExternalAuthoritative, connector.GroupExchangeServers, connector.FrontendTransport
		})), connector.NetworkBalancer, "10.9.9.9"), []string{`RC202 error certain EX01\C: 10.9.9.9`}},
		{"RC202", "nobody has rights", onServer("2016", nil, edited("10.9.9.0/24", func(c *c) {
			c.AuthMechanism, c.TransportRole = connector.AuthExternalAuthoritative, connector.FrontendTransport
		})), nil},
		{"RC202", "the groups are not known", onServer("2016", nil, edited("10.9.9.0/24", func(c *c) {
			c.AuthMechanism, c.PermissionGroups, c.Missing, c.TransportRole = connector.AuthExternalAuthoritative, 0, connector.PropertyPermissionGroups, connector.FrontendTransport
		})), []string{`RC202 warning possible EX01\C: 10.9.9.0/24`}},
		{"RC203", "after STARTTLS only", onServer("2016", nil, edited("10.9.9.9", func(c *c) {
			c.AuthMechanism, c.TransportRole = connector.AuthTLS|connector.AuthBasic|connector.AuthBasicRequireTLS, connector.FrontendTransport
		})), nil},
		{"RC204", "2010 has no such ports", onServer("2010", nil, edited("10.9.9.9", func(c *c) { c.Bindings = port("0.0.0.0:587") })), nil},
		{"RC204", "by a right of its own", onServer("2016", nil, edited("10.9.9.9", func(c *c) {
			c.PermissionGroups, c.Bindings, c.TransportRole = 0, port("0.0.0.0:587"), connector.FrontendTransport
			c.Rights = []connector.Grant{{Principal: relayRight.Principal, Right: "ms-Exch-SMTP-Submit"}}
		})), []string{`RC204 note certain EX01\C: 10.9.9.9`}},
		{"RC205", "at a port of servers", network(onServer("2016", nil, edited("10.9.9.9", func(c *c) { c.Bindings, c.TransportRole = port("0.0.0.0:2525"), connector.HubTransport })), connector.NetworkGateway, "10.9.9.9"), []string{`RC205 note possible EX01\Default Frontend EX01: 10.9.9.9`}},
		{"RC205", "a planned network hides nobody", network(onServer("2016", nil, edited("10.9.9.9", func(*c) {})), connector.NetworkPlanned, "10.9.9.9"), nil},
		{"RC205", "a network without addresses", network(onServer("2016", nil), connector.NetworkGateway), nil},
		{"RC206", "nobody has ranges of its own", network(onServer("2016", nil), connector.NetworkPartner, "192.0.2.0/24"), nil},
		{"RC206", "a part is hung up on", network(&connector.Topology{Connectors: []connector.ReceiveConnector{edited("192.0.2.0-192.0.2.191", func(c *c) { c.Bindings = port("0.0.0.0:25") })}}, connector.NetworkPartner, "192.0.2.0/24"), []string{`RC206 warning certain EX01\C: 192.0.2.192/26`}},
		{"RC206", "a part is in doubt", network(&connector.Topology{Connectors: []connector.ReceiveConnector{edited("192.0.2.0-192.0.2.191", func(c *c) { c.Bindings, c.Missing = port("0.0.0.0:25"), connector.PropertyRemoteIPRanges })}}, connector.NetworkPartner, "192.0.2.0/24"), []string{`RC206 note possible EX01\C: 192.0.2.192/26`}},
		{"RC015", "who takes the sources at that port, and nobody else", onServer("2016", nil, edited("10.5.0.0/24 10.6.0.7", func(c *c) { c.Bindings, c.TransportRole = port("0.0.0.0:25"), connector.FrontendTransport }),
			edited("10.5.0.0/25 10.5.0.128/25", func(c *c) {
				c.ID.Name, c.Bindings, c.TransportRole = "D", port("0.0.0.0:25"), connector.FrontendTransport
			})), []string{`RC015 note certain EX01\C: 10.5.0.0/24`}},
		{"RC015", "a tie at another address silences nothing, and is none of its business", onServer("2016", nil, edited("10.5.0.0/24 10.6.0.7", func(c *c) { c.Bindings, c.TransportRole = port("0.0.0.0:25"), connector.FrontendTransport }),
			edited("10.5.0.0/25 10.5.0.128/25 10.6.0.7", func(c *c) {
				c.ID.Name, c.Bindings, c.TransportRole = "D", port("0.0.0.0:25"), connector.FrontendTransport
			})), []string{`RC015 note certain EX01\C: 10.5.0.0/24`}},
		{"RC004", "from 0.0.0.0 nobody connects", onServer("2016", nil, edited("0.0.0.0 10.5.0.1", func(c *c) { c.Bindings = port("0.0.0.0:26") }), edited("0.0.0.0", func(c *c) { c.ID.Name, c.Bindings = "D", port("0.0.0.0:26") })), nil},
		{"RC201", "addresses for documents are not public", onServer("2016", nil, edited("192.0.2.0/30", func(c *c) { c.Rights, c.TransportRole = []connector.Grant{relayRight}, connector.FrontendTransport })), nil},
		{"RC201", "the mechanism is not known, and by rights nobody relays", onServer("2016", nil, edited("10.9.8.0/23", func(c *c) { c.Missing, c.TransportRole = connector.PropertyAuthMechanism, connector.FrontendTransport })), nil},
		{"RC202", "the mechanism is not known, and the group would do", onServer("2016", nil, edited("10.9.8.0/23", func(c *c) {
			c.AuthMechanism, c.Missing, c.PermissionGroups, c.TransportRole = 0, connector.PropertyAuthMechanism, connector.GroupExchangeServers, connector.FrontendTransport
		})), []string{`RC202 note unknown EX01\C: 10.9.8.0/23`}},
		{"RC202", "loopback is the server itself", onServer("2016", nil, edited("127.0.0.0/8 10.9.9.0/30", func(c *c) {
			c.AuthMechanism, c.PermissionGroups, c.TransportRole = connector.AuthExternalAuthoritative, connector.GroupExchangeServers, connector.FrontendTransport
		})), []string{`RC202 error certain EX01\C: 10.9.9.0/30`}},
		{"RC204", "what it wins at that port", onServer("2016", nil, edited("10.5.0.0/24", func(c *c) {
			c.Bindings, c.TransportRole = port("0.0.0.0:25", "0.0.0.0:587"), connector.FrontendTransport
		}),
			edited("10.5.0.0/25", func(c *c) {
				c.ID.Name, c.Bindings, c.TransportRole, c.PermissionGroups = "D", port("0.0.0.0:587"), connector.FrontendTransport, connector.GroupExchangeUsers
			})), []string{`RC204 note certain EX01\C: 10.5.0.128/25`}},
		{"RC205", "the connector for everybody in two pieces", func() *connector.Topology {
			top := network(onServer("2016", nil, edited("10.0.0.5", func(c *c) { c.TransportRole = connector.FrontendTransport })), connector.NetworkBalancer, "10.1.0.1")
			top.Connectors[0].RemoteIPRanges = []connector.Range{connector.MustParseRange("0.0.0.0-10.0.0.4"), connector.MustParseRange("10.0.0.6-255.255.255.255")}
			return top
		}(), []string{`RC205 note possible EX01\Default Frontend EX01: 10.1.0.1`}},
		{"RC205", "one for the device alone that gives nothing", network(onServer("2016", nil, edited("10.9.0.1", func(c *c) {
			c.PermissionGroups, c.TransportRole = connector.GroupExchangeUsers, connector.FrontendTransport
		})), connector.NetworkBalancer, "10.9.0.1"), []string{`RC205 note possible EX01\C: 10.9.0.1`}},
		{"RC205", "one for the device and others", network(onServer("2016", nil, edited("10.9.0.0/24", func(c *c) {
			c.PermissionGroups, c.TransportRole = connector.GroupExchangeUsers, connector.FrontendTransport
		})), connector.NetworkBalancer, "10.9.0.1"), []string{`RC205 warning certain EX01\C: 10.9.0.1`}},
		{"RC206", "printers in the network of another forest", network(onServer("2016", nil, edited("172.16.5.0/24", func(c *c) { c.TransportRole = connector.FrontendTransport })), connector.NetworkCrossForest, "172.16.0.0/16"), nil},
		{"RC206", "a single host of a partner", network(onServer("2016", nil, edited("172.16.5.9", func(c *c) { c.TransportRole = connector.FrontendTransport })), connector.NetworkPartner, "172.16.5.0/28"), nil},
		{"RC206", "both families", network(onServer("2016", nil, edited("17.0.0.0/16 2a01:111::/49", func(c *c) { c.TransportRole = connector.FrontendTransport })), connector.NetworkHybrid, "17.0.0.0/15", "2a01:111::/48"), []string{`RC206 warning certain EX01\C: 17.1.0.0/16 2a01:111:0:8000::/49`}},
	} {
		t.Run(row.check+" "+row.why, func(t *testing.T) {
			fs := run(t, row.top, checksOf(t, row.check)...)
			assert.Equal(t, row.want, describe(fs))
			for _, f := range fs {
				require.NotEmpty(t, f.Message)
				if f.Witness != nil {
					assert.NotEmpty(t, f.Witness.String())
				}
			}
		})
	}
}

// Every finding of every story says something, is about a server of the topology, and shows connections that are those of its addresses.
func TestFindingsOfStoriesAreWhole(t *testing.T) {
	for name, story := range stories(t) {
		for _, f := range run(t, story.Topology) {
			assert.NotEmpty(t, f.Message, name)
			assert.NotZero(t, f.Severity, name)
			assert.NotZero(t, f.Certainty, name)
			assert.False(t, strings.Contains(f.Message, "%!"), f.Message)
			if f.Witness != nil && len(f.Addrs) > 0 && f.Check != "RC001" && f.Check != "RC010" {
				remote := f.Witness.Explanation.Conn.Remote
				assert.True(t, connector.IPSet(f.Addrs...).Contains(remote), "%s: %s %s: %s is none of its addresses", name, f.Check, f.Subject, remote)
			}
			for _, id := range f.Related {
				_, ok := story.Topology.Connector(id)
				assert.True(t, ok, "%s: %s: %s", name, f.Check, id)
				assert.False(t, id.Equal(f.Subject), "%s: %s is related to itself", name, id)
			}
		}
	}
}

// Topologies that nobody would write are no reason to fail.
func TestStrangeTopologies(t *testing.T) {
	everything := connectorOf("EX01", "All", exchangeAuth, "0.0.0.0/0", "::/0")
	for why, top := range map[string]*connector.Topology{
		"nothing":                {},
		"a server alone":         {Servers: []connector.Server{{Name: "EX01"}}},
		"a connector of nothing": {Connectors: []connector.ReceiveConnector{{ID: connector.ID{Server: "EX01", Name: "C"}}}},
		"networks alone":         {Networks: []connector.Network{{Name: "a", Kind: connector.NetworkGateway}, {Name: "a", Kind: connector.NetworkHybrid, Ranges: []connector.Range{connector.MustParseRange("::/0")}}}},
		"acceptances alone":      {Accepted: []connector.Acceptance{{Check: "RC001", Subject: `\`, Reason: "x"}, {Check: "?", Subject: `*\`, Reason: "y"}}},
		"all missing":            {Servers: []connector.Server{connector.UnlistedServer("EX01")}, Connectors: []connector.ReceiveConnector{{ID: connector.ID{Server: "EX01", Name: "C"}, Missing: ^connector.Properties(0)}}},
		"the same twice":         {Connectors: []connector.ReceiveConnector{everything, func() connector.ReceiveConnector { c := everything.Clone(); c.ID.Name = "Twin"; return c }()}},
		"mapped addresses": {Servers: []connector.Server{{Name: "EX01", Addresses: []netip.Addr{netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("fe80::1%7")}}},
			Connectors: []connector.ReceiveConnector{{ID: everything.ID, Bindings: []netip.AddrPort{netip.MustParseAddrPort("[::ffff:10.0.0.1]:25"), netip.MustParseAddrPort("[fe80::1%7]:25")}, RemoteIPRanges: everything.RemoteIPRanges}}},
	} {
		t.Run(why, func(t *testing.T) {
			first := fmt.Sprint(describe(run(t, top)))
			for range 3 {
				require.Equal(t, first, fmt.Sprint(describe(run(t, top))), "the same again")
			}
			plansOf(t, top)
		})
	}
}

func TestControlStates(t *testing.T) {
	assert.Equal(t, "met", audit.ControlMet.String())
	assert.Equal(t, "unknown", audit.ControlUnknown.String())
	assert.Empty(t, audit.ControlState(9).String())
	top := onServer("2016", func(s *connector.Server) { s.Roles = connector.RoleEdge })
	top.Connectors[0].Missing = connector.PropertyAuthMechanism
	results, err := audit.Hardening(t.Context(), top)
	require.NoError(t, err)
	for _, r := range results[:5] {
		assert.Equal(t, audit.ControlUnknown, r.State, r.Control.ID)
		assert.Empty(t, r.Change.Differences())
	}
}

// Which servers are held against each other, and at which of their addresses.
func TestGroupsOfDrift(t *testing.T) {
	pair := func(edit func(a, b *connector.Server), relay string) *connector.Topology {
		a := connector.Server{Name: "EX01", Site: "A", Version: connector.MustParseVersion("2019"), Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.11")}}
		b := connector.Server{Name: "EX02", Site: "A", Version: connector.MustParseVersion("2019"), Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.12")}}
		edit(&a, &b)
		top := &connector.Topology{Servers: []connector.Server{a, b}}
		for _, s := range top.Servers {
			top.Connectors = append(top.Connectors, bound(connectorOf(s.Name, "Default", exchangeAuth, "0.0.0.0/0"), "0.0.0.0:25"))
		}
		if relay != "" {
			c := bound(connectorOf("EX02", "Relay", 0, relay), "0.0.0.0:25")
			c.PermissionGroups = connector.GroupAnonymousUsers
			top.Connectors = append(top.Connectors, c)
		}
		return top
	}
	own := func(top *connector.Topology, a, b string) *connector.Topology {
		top.Connectors[0], top.Connectors[1] = bound(top.Connectors[0], a), bound(top.Connectors[1], b)
		return top
	}
	drifts := []string{"RC010 warning certain EX02: 10.7.0.5"}
	for _, row := range []struct {
		why  string
		top  *connector.Topology
		want []string
	}{
		{"of one site", pair(func(_, _ *connector.Server) {}, "10.7.0.5"), drifts},
		{"alike", pair(func(_, _ *connector.Server) {}, ""), nil},
		{"the address of a server is its own business", pair(func(_, _ *connector.Server) {}, "10.0.0.11"), nil},
		{"of two sites", pair(func(_, b *connector.Server) { b.Site = "B" }, "10.7.0.5"), nil},
		{"of two generations", pair(func(_, b *connector.Server) { b.Version = connector.MustParseVersion("2016") }, "10.7.0.5"), nil},
		{"of one DAG in two spellings and two sites", pair(func(a, b *connector.Server) { a.DAG, b.DAG, b.Site = "DAG1", "dag1", "B" }, "10.7.0.5"), drifts},
		{"roles that are told and those that are not", pair(func(a, _ *connector.Server) { a.Roles = connector.RoleMailbox }, "10.7.0.5"), drifts},
		{"other roles in 2013", pair(func(a, b *connector.Server) {
			a.Version, b.Version, a.Roles = connector.MustParseVersion("2013"), connector.MustParseVersion("2013"), connector.RoleMailbox
		}, "10.7.0.5"), nil},
		{"all roles in 2013", pair(func(a, b *connector.Server) {
			a.Version, b.Version, a.Roles = connector.MustParseVersion("2013"), connector.MustParseVersion("2013"), connector.RoleMailbox|connector.RoleClientAccess
		}, "10.7.0.5"), drifts},
		{"each bound to its own address, which is not the first", own(pair(func(_, b *connector.Server) {
			b.Addresses = append([]netip.Addr{netip.MustParseAddr("192.168.0.12")}, b.Addresses...)
		}, ""), "10.0.0.11:25", "10.0.0.12:25"), nil},
		{"each bound to its own address, one of which nobody told", own(pair(func(_, b *connector.Server) { b.Addresses = nil }, ""), "10.0.0.11:25", "10.0.0.12:25"), nil},
		{"one whose addresses nobody told", pair(func(_, b *connector.Server) { b.Addresses = nil }, "10.7.0.5"), []string{"RC010 note possible EX02: 10.7.0.5"}},
	} {
		t.Run(row.why, func(t *testing.T) { assert.Equal(t, row.want, describe(run(t, row.top, checksOf(t, "RC010")...))) })
	}

	top := pair(func(_, _ *connector.Server) {}, "")
	top.Connectors[1].Missing = connector.PropertyRights
	assert.Equal(t, []string{"RC010 note possible EX02: 0.0.0.0-10.0.0.10 10.0.0.13-255.255.255.255"}, describe(run(t, top, checksOf(t, "RC010")...)), "what is not known on one of the two is possible")
}

// Two acceptances of one finding are both needed, and a scope that names nobody is told as that.
func TestUnneededAcceptances(t *testing.T) {
	top := twoHubs(connectorOf("EX01", "Relay", 0, "10.9.0.0/24"))
	top.Accepted = []connector.Acceptance{{Check: "RC009", Subject: `*\relay`, Reason: "first"}, {Check: "RC009", Subject: `EX01\*`, Reason: "second"}, {Check: "RC009", Subject: "*", Reason: "third"},
		{Check: "RC009", Subject: `EX9\Relay`, Reason: "of nobody"}, {Check: "RC009", Subject: `EX01\Default`, Reason: "not found"}, {Check: "RC99", Reason: "no such"}}
	fs := run(t, top, checksOf(t, "RC001, RC009, RC908")...)
	var texts []string
	for _, f := range fs {
		if f.Check == "RC908" {
			texts = append(texts, f.Message)
		} else {
			assert.Equal(t, "first", f.Accepted)
		}
	}
	assert.ElementsMatch(t, []string{`no connector and no server is called EX9\Relay: RC009 EX9\Relay: of nobody`,
		`nothing is found that needs the acceptance: RC009 EX01\Default: not found`, "there is no check RC99: RC99: no such"}, texts)
	assert.Empty(t, run(t, top, checksOf(t, "RC908")...)[1:], "of checks that did not run nothing is told but that one does not exist")
}

// The safe form of a control is offered where its purpose is not met yet, and it is told why a fix is not safe.
func TestSafeFormAndRisks(t *testing.T) {
	top := stories(t)["edge_as_installed_against_the_guides"].Topology
	for _, f := range run(t, top, checksOf(t, "RC303, RC304")...) {
		switch f.Check {
		case "RC303":
			assert.Empty(t, f.Fixes, "nothing has to be done")
			assert.Empty(t, f.Rejected)
		case "RC304":
			require.Len(t, f.Fixes, 1)
			assert.False(t, f.Fixes[0].Safe)
			assert.Equal(t, []string{"it takes from clients what they can do today"}, f.Fixes[0].Risks)
		}
	}
	for name, story := range stories(t) {
		for _, f := range run(t, story.Topology) {
			for _, fix := range f.Fixes {
				assert.Equal(t, fix.Safe, len(fix.Risks) == 0, name)
			}
		}
	}
}
