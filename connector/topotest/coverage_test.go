package topotest_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/oracle"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

func cover(t testing.TB, top *connector.Topology, lines ...string) *topotest.Coverage {
	t.Helper()
	var cases []topotest.Case
	for _, line := range lines {
		cases = append(cases, topotest.MustParseCase(line))
	}
	c, err := topotest.Cover(top, cases)
	require.NoError(t, err)
	return c
}

// What each kind of case touches: connectors, ranges, listeners, flows.
func TestCover(t *testing.T) {
	top := topotest.MustBuild(
		topotest.Exchange("2010", "EX01").Site("A").At("10.1.0.11").Roles("HubTransport, Mailbox").DefaultConnectors().Relay("10.0.5.0/24", "10.0.7.1", "10.0.5.0/25", "10.0.5.128/25"),
		topotest.Exchange("2010", "EX02").Site("B").At("10.2.0.11").Roles("HubTransport, Mailbox").DefaultConnectors().Set("Client EX02", "Enabled", "False"),
	)
	none := cover(t, top)
	all := func(c *topotest.Coverage) [4]int {
		return [4]int{c.Connectors.All, c.Ranges.All, c.Listeners.All, c.Flows.All}
	}
	touched := func(c *topotest.Coverage) [4]int {
		return [4]int{c.Connectors.Touched, c.Ranges.Touched, c.Listeners.Touched, c.Flows.Touched}
	}
	// The disabled connector serves nobody, and 10.0.5.0/24 decides about nobody.
	assert.Equal(t, [4]int{4, 9, 6, 6}, all(none))
	assert.Equal(t, [4]int{}, touched(none))
	assert.Zero(t, none.Percent())
	assert.Len(t, none.Connectors.Untouched, 4)
	assert.Equal(t, topotest.ConnectorRange{Connector: connector.ID{Server: "EX01", Name: "Relay"}, Range: connector.MustParseRange("10.0.7.1")}, none.Ranges.Untouched[4])

	for _, row := range []struct {
		line  string
		cases int
		want  [4]int
	}{
		{`EX01 10.1.0.11:25 10.0.5.7 -> EX01\Relay`, 1, [4]int{1, 1, 1, 0}},
		{`EX01 10.1.0.11:25 10.0.5.7 -> EX01\Default EX01`, 1, [4]int{1, 1, 1, 0}}, // it does not hold, and is about these all the same
		{`EX01 10.1.0.11:25 10.0.5.0/24 -> EX01\Relay`, 1, [4]int{1, 2, 1, 0}},
		{`EX01 10.1.0.11:25 10.0.0.0/8 -> EX01\Relay`, 1, [4]int{2, 4, 1, 0}},
		{`EX01 10.1.0.11:25 10.0.0.0/8 -> EX01\R*`, 1, [4]int{2, 4, 1, 0}},
		{`EX01 10.1.0.11:25 10.0.0.0/8 -> *\*`, 1, [4]int{2, 0, 1, 0}}, // by whom?
		{`EX01 10.1.0.11:25 10.0.0.0/8 -> served`, 1, [4]int{2, 0, 1, 0}},
		{`EX01 10.1.0.11:25 10.0.0.0/8 -> refused`, 1, [4]int{2, 4, 1, 0}},
		{`EX01 10.1.0.11:25 10.0.0.0/8 -> served by 10.0.0.0/8`, 1, [4]int{2, 4, 1, 0}},
		{`EX01 *:25 any as Anonymous -> may not relay`, 1, [4]int{2, 0, 2, 0}}, // who serves whom is not said
		{`EX01 * any -> refused`, 1, [4]int{3, 7, 4, 0}},
		{`* * any -> *\Default*`, 1, [4]int{4, 9, 6, 0}},
		{`EX01 *:2525 any -> refused`, 0, [4]int{}},
		{`flow EX01 EX09 * -> passes`, 0, [4]int{}},
		{`NOBODY *:25 any -> refused UnknownServer`, 0, [4]int{}},
		{`EX01 *:25 EX02 -> authenticated`, 1, [4]int{1, 0, 1, 3}},
		{`EX01 *:25 EX02 as ExchangeServer -> authenticated`, 1, [4]int{1, 0, 1, 3}},
		{`EX01 *:25 EX02 as Anonymous -> may not relay`, 1, [4]int{1, 0, 1, 0}},
		{`EX01 *:25 EX02 -> EX01\Default EX01`, 1, [4]int{1, 1, 1, 0}}, // the decision alone is not the flow
		{`flow EX01 EX02 Mail -> passes`, 1, [4]int{0, 0, 0, 1}},
		{`flow * * * -> passes`, 1, [4]int{0, 0, 0, 6}},
		{`no finding`, 0, [4]int{}},
		{`EX01 *:25 nobody -> served`, 0, [4]int{}},
		{`EX09 *:25 any -> served`, 0, [4]int{}},
	} {
		got := cover(t, top, row.line)
		assert.Equal(t, row.want, touched(got), row.line)
		assert.Equal(t, all(none), all(got), row.line)
		assert.Equal(t, row.cases, got.Cases, row.line)
	}

	full := cover(t, top, `* * any -> *\Default*`, `flow * * * -> passes`)
	assert.Equal(t, 100, full.Percent())
	assert.Empty(t, full.Addrs)
	assert.Equal(t, 100, full.Flows.Percent())
	half := cover(t, top, `* * any -> *\Default*`)
	assert.Equal(t, 75, half.Percent())
	assert.Equal(t, 100, half.Ranges.Percent())
	assert.Equal(t, 0, cover(t, &connector.Topology{}).Percent(), "nothing about nothing is untested")
	assert.Equal(t, 0, cover(t, &connector.Topology{}, `flow * * * -> passes`).Percent(), "and so is something about nothing")
	assert.Equal(t, 100, cover(t, &connector.Topology{}).Ranges.Percent())

	few := cover(t, top, `flow * * * -> passes`)
	assert.Equal(t, 25, few.Percent(), "each kind counts the same, however many flows there are")
	almost := cover(t, topotest.MustBuild(topotest.Exchange("2010", "EX01").Relay(manyRanges(300)...)), `EX01 *:25 0.0.0.0-10.1.42.127 -> EX01\Relay`)
	assert.Equal(t, 99, almost.Percent(), "100 is all: %d of %d ranges", almost.Ranges.Touched, almost.Ranges.All)

	// To a loopback address nobody else connects.
	local := topotest.MustBuild(topotest.Exchange("2010", "EX01").Connector(connector.UsageCustom, "Local", []string{"127.0.0.1:25"}, []string{"0.0.0.0-255.255.255.255", "10.0.0.0/8"}))
	c := cover(t, local, `EX01 *:25 127.0.0.1 -> EX01\Local`)
	assert.Equal(t, [4]int{1, 1, 1, 0}, all(c))
	assert.Equal(t, [4]int{1, 1, 1, 0}, touched(c))
	assert.Equal(t, "[{{EX01 127.0.0.1:25} EX01\\Local [127.0.0.0 127.0.0.2-127.255.255.255]}]", fmt.Sprint(c.Addrs))

	one := cover(t, top, `EX01 10.1.0.11:25 10.0.5.0/25,0.0.0.0-9.255.255.255 -> *\R*`)
	var rest []topotest.UntouchedAddrs
	for _, a := range one.Addrs {
		if a.Server == "EX01" && a.Local == netip.MustParseAddrPort("0.0.0.0:25") {
			rest = append(rest, a)
		}
	}
	require.Len(t, rest, 2)
	assert.Equal(t, "EX01\\Default EX01 [10.0.0.0-10.0.4.255 10.0.6.0-10.0.7.0 10.0.7.2-255.255.255.255]", fmt.Sprint(rest[0].Connector, " ", rest[0].Addrs))
	assert.Equal(t, "EX01\\Relay [10.0.5.128/25 10.0.7.1]", fmt.Sprint(rest[1].Connector, " ", rest[1].Addrs))

	_, err := topotest.Cover(&connector.Topology{Servers: []connector.Server{{Name: "A"}, {Name: "a"}}}, nil)
	require.ErrorIs(t, err, connector.ErrDuplicate)
	bad, err := topotest.Cover(top, []topotest.Case{{}})
	require.NoError(t, err)
	assert.Zero(t, bad.Cases)
}

// manyRanges are neighbours that do not touch.
func manyRanges(n int) (rs []string) {
	for i := range n {
		rs = append(rs, fmt.Sprintf("10.%d.%d.0/25", i/256, i%256))
	}
	return rs
}

// The addresses about which nothing is said are, at every endpoint, exactly those that no case asks about, with who serves them by the oracle.
func TestCoverAgainstOracle(t *testing.T) {
	for seed := range uint64(150) {
		r := gen.Rand(seed)
		top := gen.Topology(r)
		x, err := connector.Compile(top)
		require.NoError(t, err)
		type asked struct {
			server string
			local  netip.AddrPort
			r      connector.Range
		}
		var questions []asked
		var cases []topotest.Case
		for _, server := range x.Servers() {
			for _, local := range x.Endpoints(server) {
				for range r.IntN(3) {
					ask := gen.Range(r)
					if ask.Span().From().Is4() == local.Addr().Is4() {
						questions = append(questions, asked{server, local, ask})
						cases = append(cases, topotest.Case{Conn: connector.Conn{Server: server, Local: local}, From: ask.String(), Refused: true})
					}
				}
			}
		}
		c, err := topotest.Cover(top, cases)
		require.NoError(t, err)
		connectors, ranges := map[connector.ID]bool{}, map[topotest.ConnectorRange]bool{}
		for _, server := range x.Servers() {
			for _, local := range x.Endpoints(server) {
				for a := range gen.Universe(local.Addr().Is4()) {
					d := oracle.Select(top, connector.Conn{Server: server, Local: local, Remote: a}, oracle.Mistakes{})
					touched := false
					for _, q := range questions {
						touched = touched || q.server == server && q.local == local && q.r.Contains(a)
					}
					listed := false
					for _, u := range c.Addrs {
						if u.Server == server && u.Local == local && connector.IPSet(u.Addrs...).Contains(a) {
							listed = true
							assert.Equal(t, d.Connector, u.Connector)
						}
					}
					require.Equal(t, !touched && d.Outcome != connector.NotListening && d.Connector.Name != "Mailbox delivery Receive connector", listed, "seed %d: %s at %s %s", seed, a, server, local)
					if touched && d.Outcome == connector.Selected {
						connectors[d.Connector], ranges[topotest.ConnectorRange{Connector: d.Connector, Range: d.Range}] = true, true
					}
				}
			}
		}
		for _, id := range c.Connectors.Untouched {
			assert.False(t, connectors[id], "seed %d: %s", seed, id)
		}
		for _, cr := range c.Ranges.Untouched {
			assert.False(t, ranges[cr], "seed %d: %v", seed, cr)
		}
		assert.LessOrEqual(t, len(c.Connectors.Untouched)+c.Connectors.Touched, len(top.Connectors)+len(top.Servers))
	}
}

// Of many flows all are counted, and not all are listed.
func TestCoverListsSomeFlows(t *testing.T) {
	var parts []topotest.Part
	for i := range 110 {
		parts = append(parts, topotest.Exchange("2016", fmt.Sprintf("EX%03d", i)).Site(fmt.Sprint(i)).DefaultConnectors())
	}
	c := cover(t, topotest.MustBuild(parts...))
	assert.Len(t, c.Flows.Untouched, 10_000)
	assert.Greater(t, c.Flows.All, 11_000)
}

func ExampleCover() {
	top := topotest.MustBuild(topotest.Exchange("2016", "EX01").Site("A").At("10.1.0.11").DefaultConnectors().Relay("10.0.0.0/24", "10.9.9.9"))
	c, err := topotest.Cover(top, []topotest.Case{topotest.MustParseCase(`EX01 *:25 10.0.0.0/24 -> EX01\Relay`)})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d %% of the ranges\n", c.Ranges.Percent())
	for _, r := range c.Ranges.Untouched {
		fmt.Println(r.Connector, r.Range)
	}
	// Output:
	// 8 % of the ranges
	// EX01\Default Frontend EX01 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	// EX01\Default Frontend EX01 0.0.0.0-255.255.255.255
	// EX01\Client Frontend EX01 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	// EX01\Client Frontend EX01 0.0.0.0-255.255.255.255
	// EX01\Outbound Proxy Frontend EX01 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	// EX01\Outbound Proxy Frontend EX01 0.0.0.0-255.255.255.255
	// EX01\Default EX01 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	// EX01\Default EX01 0.0.0.0-255.255.255.255
	// EX01\Client Proxy EX01 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	// EX01\Client Proxy EX01 0.0.0.0-255.255.255.255
	// EX01\Relay 10.9.9.9
}
