package connector_test

import (
	"fmt"
	"net/netip"

	"github.com/receiveconnector/receiveconnector/connector"
)

// A test of a topology in three lines: a server as setup leaves it, and one connector more.
func ExampleDefaultConnectors() {
	server := connector.Server{Name: "EX01", Version: connector.MustParseVersion("2019")}
	relay := must(connector.NewConnector(connector.UsageCustom, connector.ID{Server: "EX01", Name: "Relay"},
		[]netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}, []connector.Range{connector.MustParseRange("10.0.5.0/24")}))
	relay.TransportRole = connector.FrontendTransport
	x := must(connector.Compile(&connector.Topology{
		Servers:    []connector.Server{server},
		Connectors: append(connector.DefaultConnectors(server), relay),
	}))
	for _, port := range []string{"25", "587", "2525", "475"} {
		c := inbound("10.0.5.7")
		c.Local = netip.MustParseAddrPort("10.0.0.1:" + port)
		fmt.Println(port, x.Select(c).Connector())
	}
	// Output:
	// 25 EX01\Relay
	// 587 EX01\Client Frontend EX01
	// 2525 EX01\Default EX01
	// 475 EX01\Mailbox delivery Receive connector
}

func ExampleNewConnector() {
	c, err := connector.NewConnector(connector.UsageInternal, connector.ID{Server: "EX01", Name: "WAN"}, nil,
		[]connector.Range{connector.MustParseRange("10.0.2.0/24")})
	fmt.Println(c.Bindings, c.AuthMechanism, "/", c.PermissionGroups, err)
	_, err = connector.NewConnector(connector.UsageInternet, c.ID, nil, c.RemoteIPRanges)
	fmt.Println(err)
	// Output:
	// [0.0.0.0:25] Tls, ExchangeServer / ExchangeServers, ExchangeLegacyServers <nil>
	// EX01\WAN: Bindings: usage Internet needs it: nothing given
	// EX01\WAN: RemoteIPRanges: usage Internet gives 0.0.0.0-255.255.255.255: not a valid value
}

func ExampleMailboxDelivery() {
	c := connector.MailboxDelivery(connector.Server{Name: "EX01", Version: connector.MustParseVersion("2019")})
	fmt.Println(c.ID, c.Bindings, c.AuthMechanism)
	// Output: EX01\Mailbox delivery Receive connector [[::]:475 0.0.0.0:475] ExchangeServer
}

func ExampleTopology_FromDefault() {
	server := connector.Server{Name: "EX01", Version: connector.MustParseVersion("2019")}
	t := &connector.Topology{Servers: []connector.Server{server}, Connectors: connector.DefaultConnectors(server)}
	t.Connectors[0].PermissionGroups = connector.GroupExchangeServers
	change, ok := t.FromDefault(connector.ID{Server: "EX01", Name: "Default Frontend EX01"})
	fmt.Println(ok, change.Before.PermissionGroups, "->", change.After.PermissionGroups)
	// Output: true AnonymousUsers, ExchangeServers, ExchangeLegacyServers -> ExchangeServers
}

func ExampleReceiveConnector_EHLO() {
	server := connector.Server{Name: "EX01", Version: connector.MustParseVersion("2016")}
	offer := connector.DefaultConnectors(server)[0].EHLO(server)
	fmt.Println(offer.Clear)
	fmt.Println(offer.AfterXAnonymousTLS.Security())
	line, _ := offer.Clear.Line("X-ANONYMOUSTLS")
	fmt.Println(line.Basis.Mark)
	// Output:
	// SIZE 37748736, PIPELINING, DSN, ENHANCEDSTATUSCODES, STARTTLS, X-ANONYMOUSTLS, AUTH NTLM, X-EXPS GSSAPI NTLM, 8BITMIME, BINARYMIME, CHUNKING, [SMTPUTF8], XRDST
	// AUTH NTLM LOGIN, X-EXPS EXCHANGEAUTH GSSAPI NTLM, X-EXCHANGEAUTH SHA256
	// product
}

func ExampleVerdict_Session() {
	server := connector.Server{Name: "EX01", Version: connector.MustParseVersion("2019")}
	x := must(connector.Compile(&connector.Topology{Servers: []connector.Server{server}, Connectors: connector.DefaultConnectors(server)}))
	v := x.Simulate(inbound("192.0.2.1"), connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered})
	for _, step := range v.Session() {
		fmt.Println(step)
	}
	fmt.Println(v.Mail())
	// Output:
	// connect: done, 220
	// EHLO: done, 250
	// encrypt: done, 220 2.0.0 SMTP server ready
	// authenticate: skipped
	// MAIL FROM own address: skipped
	// MAIL FROM accepted domain: done, 250
	// MAIL FROM foreign domain: done, 250
	// RCPT TO accepted domain: done, 250
	// RCPT TO foreign domain: refused, 550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain
	// done
}

func ExampleReceiveConnector_EffectiveRights() {
	relay := connector.ReceiveConnector{PermissionGroups: connector.GroupAnonymousUsers,
		Rights: []connector.Grant{{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Any-Recipient"}}}
	fmt.Println(relay.EffectiveRights(connector.PrincipalAnonymous, connector.Generation2016).Held.Has(connector.RightAcceptAnyRecipient))
	fmt.Println(relay.MayRelay(connector.Generation2016))
	// Output:
	// true
	// done
}

func ExampleParseByteSize() {
	size, err := connector.ParseByteSize("36 MB (37,748,736 bytes)")
	fmt.Println(uint64(size), size, err)
	// Output: 37748736 36 MB (37,748,736 bytes) <nil>
}

func ExampleIndex_Reach() {
	x, err := connector.Compile(&connector.Topology{Connectors: []connector.ReceiveConnector{{
		ID: connector.ID{Server: "EX01", Name: "Relay"}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")},
		RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.5.0/24")}, PermissionGroups: connector.GroupAnonymousUsers,
	}}})
	if err != nil {
		fmt.Println(err)
	}
	c := connector.Conn{Server: "EX01", Local: connector.MustParseBinding("10.1.0.11:25"), Remote: netip.MustParseAddr("10.0.5.7")}
	client := connector.Peer{Kind: connector.PeerAnonymous}
	fmt.Println(x.Reach(c, client, connector.StageAcceptedRecipient), x.Reach(c, client, connector.StageForeignRecipient))
	// Output: done refused
}
