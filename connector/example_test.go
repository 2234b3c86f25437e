package connector_test

import (
	"fmt"
	"net/netip"

	"github.com/receiveconnector/receiveconnector/connector"
)

// twoConnectors is a server with the Default connector and a relay for an application subnet.
func twoConnectors() *connector.Topology {
	all := connector.MustParseRange("0.0.0.0-255.255.255.255")
	port25 := []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}
	return &connector.Topology{Connectors: []connector.ReceiveConnector{
		{
			ID:               connector.ID{Server: "EX01", Name: "Default EX01"},
			Bindings:         port25,
			RemoteIPRanges:   []connector.Range{all},
			AuthMechanism:    connector.AuthTLS | connector.AuthExchangeServer,
			PermissionGroups: connector.GroupExchangeServers,
		},
		{
			ID:               connector.ID{Server: "EX01", Name: "Relay"},
			Bindings:         port25,
			RemoteIPRanges:   []connector.Range{connector.MustParseRange("10.0.5.0/24")},
			PermissionGroups: connector.GroupAnonymousUsers,
		},
	}}
}

func inbound(remote string) connector.Conn {
	return connector.Conn{Server: "EX01", Local: connector.MustParseBinding("10.0.0.1:25"), Remote: netip.MustParseAddr(remote)}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func Example() {
	x := must(connector.Compile(twoConnectors()))
	fmt.Println(x.Select(inbound("10.0.5.7")))
	fmt.Println(x.Select(inbound("192.0.2.1")))
	// Output:
	// EX01\Relay by 10.0.5.0/24
	// EX01\Default EX01 by 0.0.0.0-255.255.255.255
}

func ExampleParseRange() {
	for _, s := range []string{"192.168.1.1/24", "192.168.1.1-192.168.1.254", "192.168.8.2(255.255.255.0)", "10.0.0.9-10.0.0.1"} {
		r, err := connector.ParseRange(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(r, r.Form(), connector.CountAddresses(r.Size()))
	}
	// Output:
	// 192.168.1.0/24 CIDR 256 addresses
	// 192.168.1.1-192.168.1.254 LoHi 254 addresses
	// 192.168.8.0(255.255.255.0) Netmask 256 addresses
	// range "10.0.0.9-10.0.0.1": byte 9: the range ends before it starts
}

func ExampleRange_Compare() {
	host, subnet := connector.MustParseRange("10.0.0.5"), connector.MustParseRange("10.0.0.0/24")
	fmt.Println(host.Compare(subnet) < 0, subnet.Compare(connector.MustParseRange("10.0.0.0-10.0.0.255")))
	// Output: true 0
}

func ExampleRangeFrom() {
	fmt.Println(connector.RangeFrom(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.9")))
	// Output: 10.0.0.1-10.0.0.9 <nil>
}

func ExampleRangesOf() {
	set := connector.IPSet(connector.MustParseRange("10.0.0.0/25"), connector.MustParseRange("10.0.0.128-10.0.1.3"))
	fmt.Println(connector.RangesOf(set))
	// Output: [10.0.0.0-10.0.1.3]
}

func ExampleParseBinding() {
	b, err := connector.ParseBinding("[::]:25")
	fmt.Println(b, err)
	_, err = connector.ParseBinding("0.0.0.0")
	fmt.Println(err)
	// Output:
	// [::]:25 <nil>
	// binding "0.0.0.0": byte 7: the port is missing
}

func ExampleReceiveConnector_ListensAt() {
	scanners := connector.ReceiveConnector{Bindings: []netip.AddrPort{connector.MustParseBinding("10.0.0.1:25")}}
	everywhere := connector.ReceiveConnector{Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}}
	local := netip.MustParseAddrPort("10.0.0.2:25")
	fmt.Println(scanners.ListensAt(local), everywhere.ListensAt(local))
	fmt.Println(scanners.SharesBinding(everywhere))
	// Output:
	// false true
	// 10.0.0.1:25 0.0.0.0:25 true
}

func ExampleParseAuthMechanism() {
	m, err := connector.ParseAuthMechanism("exchangeserver, tls")
	fmt.Println(m, m.Has(connector.AuthExchangeServer), err)
	// Output: Tls, ExchangeServer true <nil>
}

func ExampleParsePermissionGroups() {
	fmt.Println(connector.ParsePermissionGroups("13"))
	// Output: AnonymousUsers, ExchangeServers, ExchangeLegacyServers <nil>
}

func ExampleVersion_Generation() {
	for _, s := range []string{"Version 15.1 (Build 2507.6)", "14.3", "15.2", "15.2.2562"} {
		fmt.Println(connector.MustParseVersion(s).Generation())
	}
	// Output:
	// 2016
	// 2010
	// 2019 or SE
	// SE
}

func ExampleParseID() {
	id, err := connector.ParseID(`EX01\Default EX01`)
	fmt.Println(id.Name, id.Equal(connector.ID{Server: "ex01", Name: "default ex01"}), err)
	// Output: Default EX01 true <nil>
}

// The hot path resolves the endpoint once and then looks up sources without allocating.
func ExampleIndex_Listener() {
	x := must(connector.Compile(twoConnectors()))
	l := x.Listener("EX01", connector.MustParseBinding("10.0.0.1:25"))
	for _, remote := range []string{"10.0.4.255", "10.0.5.0", "fd00::1"} {
		m := l.Select(netip.MustParseAddr(remote))
		fmt.Println(remote, m.Outcome(), m.Connector())
	}
	// Output:
	// 10.0.4.255 Selected EX01\Default EX01
	// 10.0.5.0 Selected EX01\Relay
	// fd00::1 InvalidConn
}

func ExampleIndex_Explain() {
	x := must(connector.Compile(twoConnectors()))
	e := x.Explain(inbound("10.0.5.7"))
	fmt.Print(e)
	fmt.Println(e.Steps[1].Basis())
	// Output:
	// 10.0.5.7 -> EX01 10.0.0.1:25: EX01\Relay by 10.0.5.0/24
	//   Won                EX01\Relay by 10.0.5.0/24 (256 addresses)
	//   LostToNarrower     EX01\Default EX01 by 0.0.0.0-255.255.255.255 (4,294,967,296 addresses)
	// of the ranges that contain the source the one with the fewest addresses wins [documented: Receive connectors: the most specific match is used; counted in addresses: product]
}

func ExampleIndex_Regions() {
	x := must(connector.Compile(twoConnectors()))
	for r, m := range x.Regions("EX01", connector.MustParseBinding("0.0.0.0:25")) {
		fmt.Println(r, m.Connector())
	}
	// Output:
	// 0.0.0.0-10.0.4.255 EX01\Default EX01
	// 10.0.5.0-10.0.5.255 EX01\Relay
	// 10.0.6.0-255.255.255.255 EX01\Default EX01
}

func ExampleIndex_Endpoints() {
	x := must(connector.Compile(twoConnectors()))
	fmt.Println(x.Servers(), x.Endpoints("EX01"))
	// Output: [EX01] [0.0.0.0:25]
}

// What an Exchange server gets that happens to stand in the relay's range.
func ExampleIndex_Simulate() {
	x := must(connector.Compile(twoConnectors()))
	v := x.Simulate(inbound("10.0.5.7"), connector.Peer{Version: connector.MustParseVersion("2016")})
	fmt.Println(v.Authentication, v.Cause)
	fmt.Printf("%s, raised by the %s\n", v.Reply, v.Reply.Side)
	fmt.Println("would be right:", v.Capable[0].Connector)
	// Output:
	// not authenticated WrongConnector
	// 451 5.7.3 Cannot achieve Exchange Server authentication, raised by the sender
	// would be right: EX01\Default EX01
}

func ExampleQueueError() {
	x := must(connector.Compile(twoConnectors()))
	v := x.Simulate(inbound("10.0.5.7"), connector.Peer{})
	fmt.Println(connector.QueueError(connector.Generation2019, v.Reply, v.Explanation.Conn.Local))
	// Output: 451 4.4.395 Target host responded with error. -> 451 5.7.3 Cannot achieve Exchange Server authentication
}

// Which mail flows between two hubs of different sites, and what the placement of databases rules out.
func ExampleTopology_Flows() {
	t := &connector.Topology{
		Servers: []connector.Server{
			{Name: "EX01", Version: connector.MustParseVersion("2010"), Site: "DC1", Roles: connector.RoleHubTransport},
			{Name: "EX02", Version: connector.MustParseVersion("2010"), Site: "DC2", Roles: connector.RoleHubTransport},
		},
		Databases: []connector.Database{{Name: "DB1", Kind: connector.MailboxDatabase, Mounted: "EX01"}},
	}
	for f := range t.Flows() {
		if f.From == "EX01" && f.Purpose == connector.Mail {
			fmt.Println(f, f.Need)
			fmt.Println(f.Why.Rule)
		}
	}
	// Output:
	// EX01 -> EX02 port 25 Mail NotNeeded
	// Hub Transport sends to Hub Transport of another site over SMTP with Exchange Server authentication; no mailbox database is mounted in DC2
}

// What if the Default connector listed the server in the relay's range?
func ExampleWhatIf() {
	t := twoConnectors()
	moves, err := connector.WhatIf(t, connector.AddRanges(t.Connectors[0], connector.MustParseRange("10.0.5.7")))
	for _, m := range moves {
		fmt.Println(m.Local, m.From, "->", m.To, m.Addrs)
	}
	fmt.Println(len(moves), err)
	// Output:
	// 0.0.0.0:25 EX01\Relay -> EX01\Default EX01 [10.0.5.7]
	// 1 <nil>
}

func ExampleDiff() {
	t := twoConnectors()
	after := must(t.Apply(connector.SetEnabled(t.Connectors[1], false)))
	for _, m := range connector.Diff(must(connector.Compile(t)), must(connector.Compile(after))) {
		fmt.Println(m.From, "->", m.To, m.Addrs, "for example", m.Witness)
	}
	// Output: EX01\Relay -> EX01\Default EX01 [10.0.5.0/24] for example 10.0.5.0
}

func ExampleTopology_Apply() {
	t := twoConnectors()
	change := connector.RemoveRanges(t.Connectors[1], connector.MustParseRange("10.0.5.0/24"))
	after, err := t.Apply(change)
	fmt.Println(len(t.Connectors[1].RemoteIPRanges), len(after.Connectors[1].RemoteIPRanges), err)
	_, err = after.Apply(change)
	fmt.Println(err)
	// Output:
	// 1 0 <nil>
	// changes[0]: EX01\Relay: the topology does not hold the state the change starts from
}

func ExampleReceiveConnector_NarrowestRange() {
	relay := connector.ReceiveConnector{RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.0.0/8"), connector.MustParseRange("10.0.5.0/24")}}
	fmt.Println(relay.NarrowestRange(netip.MustParseAddr("10.0.5.7")))
	// Output: 10.0.5.0/24 true
}

func ExampleChangesHands() {
	relay, scanners := connector.ID{Server: "EX01", Name: "Relay"}, connector.ID{Server: "EX01", Name: "Scanners"}
	fmt.Println(connector.ChangesHands(relay, scanners, nil), connector.ChangesHands(relay, scanners, map[connector.ID]connector.ID{relay: scanners}))
	// Output: true false
}
