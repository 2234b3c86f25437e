package connector_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/oracle"
)

// Every address of the ranges is in exactly one share, the one of the connector that the oracle names, and nothing else is.
func TestSharesAgainstTheOracle(t *testing.T) {
	split := 0
	for seed := range uint64(20) {
		r := gen.Rand(seed)
		top := gen.Topology(r)
		x := compile(t, top)
		var asked []connector.Range
		for range r.IntN(4) {
			asked = append(asked, gen.Range(r))
		}
		set := connector.IPSet(asked...)
		for _, server := range x.Servers() {
			for local := range gen.Locals() {
				shares := x.Shares(server, local, asked...)
				where := make(map[netip.Addr]connector.Share)
				for _, s := range shares {
					require.NotEmpty(t, s.Addrs)
					for a := range gen.Universe(local.Addr().Is4()) {
						if connector.IPSet(s.Addrs...).Contains(a) {
							require.NotContains(t, where, a)
							where[a] = s
						}
					}
				}
				if len(shares) > 1 {
					split++
				}
				for a := range gen.Universe(local.Addr().Is4()) {
					s, ok := where[a]
					require.Equal(t, set.Contains(a), ok, "seed %d: %s", seed, a)
					if !ok {
						continue
					}
					want := oracle.Select(top, connector.Conn{Server: server, Local: local, Remote: a}, oracle.Mistakes{})
					require.Equal(t, want.Outcome, s.Outcome, "seed %d: %s", seed, a)
					require.Equal(t, want.Connector.String(), s.Connector.String(), "seed %d: %s", seed, a)
				}
			}
		}
	}
	assert.Greater(t, split, 20)
	assert.Empty(t, compile(t, gen.Topology(gen.Rand(1))).Shares("EX01", netip.AddrPort{}, connector.MustParseRange("10.0.0.0/8")))
}

// What goes to one server is what goes anywhere, filtered.
func TestFlowsToAServer(t *testing.T) {
	for seed := range uint64(40) {
		top := gen.Organization(gen.Rand(seed))
		top.Networks = append(top.Networks, connector.Network{Name: "Online", Kind: connector.NetworkHybrid})
		table := top.FlowTable()
		for _, s := range top.AllServers() {
			var want, got []string
			for f := range top.Flows() {
				if f.To == s.Name {
					want = append(want, fmt.Sprint(f))
				}
			}
			for f := range table.To(s.Name) {
				got = append(got, fmt.Sprint(f))
			}
			require.Equal(t, want, got)
			for range table.To(s.Name) {
				break // and it can be left early
			}
		}
		for range table.To("nobody") {
			t.Fatal("nobody gets mail")
		}
	}
}

// The short way to a session ends as the long one.
func TestSessionIsThatOfSimulate(t *testing.T) {
	compared := 0
	for seed := range uint64(30) {
		top := gen.Topology(gen.Rand(seed))
		x := compile(t, top)
		for _, server := range append(x.Servers(), "nobody") {
			for local := range gen.Locals() {
				for _, kind := range []connector.PeerKind{connector.PeerExchangeServer, connector.PeerAnonymous, connector.PeerUser, connector.PeerCrossForest} {
					c := connector.Conn{Server: server, Local: local, Remote: gen.Addr(local.Addr().Is4(), int(seed))}
					p := connector.Peer{Kind: kind, TLS: connector.TLSIfOffered}
					if kind == connector.PeerExchangeServer {
						p.TLS = 0
					}
					require.Equal(t, fmt.Sprint(x.Simulate(c, p).Session()), fmt.Sprint(x.Session(c, p)), "seed %d: %s %s", seed, c, kind)
					compared++
				}
			}
		}
	}
	assert.Greater(t, compared, 1000)
}

func TestAcceptanceCovers(t *testing.T) {
	id := connector.ID{Server: "EX01", Name: "Relay"}
	some := []connector.Range{connector.MustParseRange("10.0.0.7"), connector.MustParseRange("10.0.1.0/24")}
	for _, row := range []struct {
		why  string
		a    connector.Acceptance
		want bool
	}{
		{"everything of the check", connector.Acceptance{Check: "RC009"}, true},
		{"the check is told in another case", connector.Acceptance{Check: "rc009", Subject: `ex01\relay`}, true},
		{"another check", connector.Acceptance{Check: "RC001"}, false},
		{"the server", connector.Acceptance{Check: "RC009", Subject: "ex01"}, true},
		{"another server", connector.Acceptance{Check: "RC009", Subject: "EX0"}, false},
		{"the connector of any server", connector.Acceptance{Check: "RC009", Subject: `*\relay`}, true},
		{"another connector of any server", connector.Acceptance{Check: "RC009", Subject: `*\Default`}, false},
		{"all of its addresses", connector.Acceptance{Check: "RC009", Ranges: []connector.Range{connector.MustParseRange("10.0.0.0/16")}}, true},
		{"most of its addresses", connector.Acceptance{Check: "RC009", Ranges: []connector.Range{connector.MustParseRange("10.0.1.0/24")}}, false},
	} {
		assert.Equal(t, row.want, row.a.Covers("RC009", id, some), row.why)
	}
	assert.False(t, connector.Acceptance{Check: "RC009", Ranges: some}.Covers("RC009", id, nil), "a finding about no addresses is not about these")
	assert.Equal(t, `RC009 EX01\Relay 10.0.0.7 10.0.1.0/24: reviewed`, connector.Acceptance{Check: "RC009", Subject: `EX01\Relay`, Ranges: some, Reason: "reviewed"}.String())
	assert.Equal(t, "RC009: reviewed", connector.Acceptance{Check: "RC009", Reason: "reviewed"}.String())
}

func ExampleIndex_Shares() {
	x, err := connector.Compile(&connector.Topology{Connectors: []connector.ReceiveConnector{
		{ID: connector.ID{Server: "EX01", Name: "Default"}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")},
			RemoteIPRanges: []connector.Range{connector.MustParseRange("0.0.0.0/0")}},
		{ID: connector.ID{Server: "EX01", Name: "Printers"}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")},
			RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.5.0/28")}},
	}})
	if err != nil {
		panic(err)
	}
	// Do all addresses of the subnet reach one connector, and which?
	for _, s := range x.Shares("EX01", connector.MustParseBinding("0.0.0.0:25"), connector.MustParseRange("10.0.5.0/24")) {
		fmt.Println(s.Connector, s.Addrs)
	}
	// Output:
	// EX01\Printers [10.0.5.0/28]
	// EX01\Default [10.0.5.16-10.0.5.255]
}

func ExampleAcceptance() {
	a := connector.Acceptance{Check: "RC202", Subject: `*\Scanners`, Ranges: []connector.Range{connector.MustParseRange("10.0.5.0/28")}, Reason: "a network of its own"}
	scanners := connector.ID{Server: "EX01", Name: "Scanners"}
	fmt.Println(a.Covers("RC202", scanners, []connector.Range{connector.MustParseRange("10.0.5.0/29")}))
	fmt.Println(a.Covers("RC202", scanners, []connector.Range{connector.MustParseRange("10.0.5.0/27")}))
	// Output:
	// true
	// false
}
