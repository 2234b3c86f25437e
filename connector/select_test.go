package connector_test

import (
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

func TestSelectOutcomes(t *testing.T) {
	off := relay("EX01", "0.0.0.0/0")
	off.ID.Name, off.Disabled, off.Bindings[0] = "Off", true, netip.MustParseAddrPort("0.0.0.0:587")
	x := compile(t, &connector.Topology{
		Servers: []connector.Server{{Name: "EX02"}},
		Connectors: []connector.ReceiveConnector{
			relay("EX01", "10.0.0.0/8"), off, {ID: connector.ID{Server: "EX03", Name: "Bare"}},
			listening("EX04", "Six", "[::ffff:192.168.0.1]:25", "10.0.0.0/8"),
		},
	})
	for _, row := range []struct{ conn, why, want string }{
		{"EX01 192.168.0.1:25 10.0.0.1", "in range", `EX01\Relay by 10.0.0.0/8`},
		{"eX01 192.168.0.1:25 10.0.0.1", "case of the name", `EX01\Relay by 10.0.0.0/8`},
		{"EX01 [::ffff:192.168.0.1]:25 ::ffff:10.0.0.1", "IPv4-mapped", `EX01\Relay by 10.0.0.0/8`},
		{"EX01 192.168.0.1:25 11.0.0.1", "in no range", "NoRange"},
		{"EX01 192.168.0.1:26 10.0.0.1", "no such port", "NotListening"},
		{"EX01 192.168.0.1:587 10.0.0.1", "only a disabled connector", "NotListening"},
		{"EX01 [fd00::1]:25 fd00::2", "no binding of the family", "NotListening"},
		{"EX02 192.168.0.1:25 10.0.0.1", "a server without connectors", "NotListening"},
		{"EX03 192.168.0.1:25 10.0.0.1", "a connector without bindings", "NotListening"},
		{"EX04 192.168.0.1:25 10.0.0.1", "a binding written IPv4-mapped", `EX04\Six by 10.0.0.0/8`},
		{"EX09 192.168.0.1:25 10.0.0.1", "no such server", "UnknownServer"},
		{"EX01 192.168.0.1:0 10.0.0.1", "no port", "InvalidConn"},
		{"EX01 192.168.0.1:25 fd00::1", "families differ", "InvalidConn"},
	} {
		t.Run(row.why, func(t *testing.T) {
			c := connOf(t, row.conn)
			assert.Equal(t, row.want, x.Select(c).String())
			assert.Equal(t, x.Select(c), x.Explain(c).Match)
			assert.NotEmpty(t, x.Explain(c).String())
		})
	}
	assert.Equal(t, connector.InvalidConn, x.Select(connector.Conn{Server: "EX01"}).Outcome())
	assert.Equal(t, connector.InvalidConn, x.Listener("EX01", netip.AddrPort{}).Select(netip.MustParseAddr("10.0.0.1")).Outcome())
	for range x.Regions("EX01", netip.AddrPort{}) {
		assert.Fail(t, "an invalid endpoint has no regions")
	}
	_, won := x.Explain(connOf(t, "EX01 192.168.0.1:25 11.0.0.1")).Winner()
	assert.False(t, won)
	assert.Equal(t, []string{"EX01", "EX02", "EX03", "EX04"}, x.Servers())
	assert.Nil(t, x.Endpoints("EX09"))
	assert.Equal(t, "0.0.0.0:25", x.Endpoints("EX01")[0].String())
}

func connOf(t *testing.T, text string) connector.Conn {
	t.Helper()
	f := [3]string{}
	n := 0
	for i := range text {
		if text[i] == ' ' {
			n++
			continue
		}
		f[n] += text[i : i+1]
	}
	return conn(f[0], f[1], f[2])
}

func TestZeroMatch(t *testing.T) {
	var m connector.Match
	assert.Zero(t, m.Outcome())
	assert.True(t, m.Connector().IsZero())
	assert.False(t, m.Range().IsValid())
	assert.False(t, m.Binding().IsValid())
	assert.Zero(t, m.Doubt())
	assert.Empty(t, m.String())
	assert.Equal(t, connector.InvalidConn, connector.Listener{}.Select(netip.MustParseAddr("10.0.0.1")).Outcome())
}

// A missing property puts in doubt exactly the answers that it could change.
func TestDoubtMissing(t *testing.T) {
	all, host := "0.0.0.0/0", "10.0.0.5"
	wide := listening("EX01", "Wide", "0.0.0.0:25", all)
	single := listening("EX01", "Single", "0.0.0.0:25", host)
	lost := func(c connector.ReceiveConnector, p connector.Properties) connector.ReceiveConnector {
		c.Missing = p
		return c
	}
	exact := func(c connector.ReceiveConnector) connector.ReceiveConnector {
		c.Bindings = []netip.AddrPort{netip.MustParseAddrPort("192.168.0.1:25")}
		return c
	}
	disabled := func(c connector.ReceiveConnector) connector.ReceiveConnector { c.Disabled = true; return c }
	hub := func(c connector.ReceiveConnector) connector.ReceiveConnector {
		c.TransportRole = connector.HubTransport
		return c
	}
	frontend := func(c connector.ReceiveConnector) connector.ReceiveConnector {
		c.TransportRole = connector.FrontendTransport
		return c
	}
	const ranges, bindings = connector.PropertyRemoteIPRanges, connector.PropertyBindings
	for _, row := range []struct {
		why        string
		connectors []connector.ReceiveConnector
		remote     string
		want       string
	}{
		{"all is known", []connector.ReceiveConnector{wide, single}, "10.0.0.1", `EX01\Wide by 0.0.0.0/0`},
		{"the loser may hold the source", []connector.ReceiveConnector{wide, lost(single, ranges)}, "10.0.0.1", `EX01\Wide by 0.0.0.0/0 (doubt: Missing)`},
		{"the winner only gets narrower", []connector.ReceiveConnector{lost(wide, ranges), single}, "10.0.0.1", `EX01\Wide by 0.0.0.0/0`},
		{"one address could be tied", []connector.ReceiveConnector{lost(wide, ranges), single}, "10.0.0.5", `EX01\Single by 10.0.0.5 (doubt: Missing)`},
		{"one address at the exact binding cannot be beaten", []connector.ReceiveConnector{lost(wide, ranges), exact(single)}, "10.0.0.5", `EX01\Single by 10.0.0.5`},
		{"refusal is in doubt", []connector.ReceiveConnector{lost(single, ranges)}, "10.0.0.1", "NoRange (doubt: Missing)"},
		{"the loser may be bound elsewhere, but not better", []connector.ReceiveConnector{single, lost(listening("EX01", "Lost", "0.0.0.0:587", all), bindings)}, "10.0.0.5", `EX01\Single by 10.0.0.5`},
		{"the loser may be bound here", []connector.ReceiveConnector{wide, lost(listening("EX01", "Lost", "0.0.0.0:587", host), bindings)}, "10.0.0.5", `EX01\Wide by 0.0.0.0/0 (doubt: Missing)`},
		{"a range of the other family does not count", []connector.ReceiveConnector{wide, lost(listening("EX01", "Lost", "0.0.0.0:587", "fd00::1"), bindings)}, "10.0.0.5", `EX01\Wide by 0.0.0.0/0`},
		{"bindings and ranges are lost", []connector.ReceiveConnector{wide, lost(listening("EX01", "Lost", "0.0.0.0:587"), bindings|ranges)}, "10.0.0.5", `EX01\Wide by 0.0.0.0/0 (doubt: Missing)`},
		{"a disabled connector does not count", []connector.ReceiveConnector{wide, disabled(lost(single, ranges|bindings))}, "10.0.0.5", `EX01\Wide by 0.0.0.0/0`},
		{"nothing listens, as far as is known", []connector.ReceiveConnector{lost(listening("EX01", "Lost", "0.0.0.0:587", host), bindings)}, "10.0.0.5", "NotListening (doubt: Missing)"},
		{"the winner may be disabled", []connector.ReceiveConnector{wide, lost(single, connector.PropertyEnabled)}, "10.0.0.5", `EX01\Single by 10.0.0.5 (doubt: Missing)`},
		{"the loser may be disabled", []connector.ReceiveConnector{wide, lost(single, connector.PropertyEnabled)}, "10.0.0.6", `EX01\Wide by 0.0.0.0/0`},
		{"the role is lost", []connector.ReceiveConnector{wide, lost(single, connector.PropertyTransportRole)}, "10.0.0.5", `EX01\Single by 10.0.0.5 (doubt: Missing)`},
		{"the role of the only connector is lost", []connector.ReceiveConnector{lost(single, connector.PropertyTransportRole)}, "10.0.0.5", `EX01\Single by 10.0.0.5`},
		{"both roles claim the endpoint", []connector.ReceiveConnector{hub(wide), frontend(single)}, "10.0.0.5", `EX01\Wide by 0.0.0.0/0 (doubt: Role)`},
		{"the other role's lost list does not count", []connector.ReceiveConnector{hub(wide), lost(frontend(single), ranges)}, "10.0.0.5", `EX01\Wide by 0.0.0.0/0 (doubt: Role)`},
		{"what decides authentication does not decide selection", []connector.ReceiveConnector{wide, lost(single, connector.PropertyAuthMechanism)}, "10.0.0.1", `EX01\Wide by 0.0.0.0/0`},
	} {
		t.Run(row.why, func(t *testing.T) {
			x := compile(t, &connector.Topology{Connectors: row.connectors})
			e := x.Explain(conn("EX01", "192.168.0.1:25", row.remote))
			assert.Equal(t, row.want, e.Match.String(), e)
		})
	}
}

func TestExplainReasons(t *testing.T) {
	other := listening("EX01", "Other role", "0.0.0.0:25", "10.0.0.5")
	other.TransportRole = connector.FrontendTransport
	off := listening("EX01", "Off", "0.0.0.0:25", "10.0.0.5")
	off.Disabled = true
	hub := listening("EX01", "Hub", "0.0.0.0:25", "10.0.0.0/8")
	hub.TransportRole = connector.HubTransport
	cut := listening("EX01", "Cut", "0.0.0.0:587")
	cut.Missing = connector.PropertyRemoteIPRanges | connector.PropertyAuthMechanism
	x := compile(t, &connector.Topology{Connectors: []connector.ReceiveConnector{
		off, cut, listening("EX01", "Six", "[::]:25", "::/0"), listening("EX01", "Elsewhere", "192.168.0.9:25", "10.0.0.5"),
		other, listening("EX01", "Out", "0.0.0.0:25", "10.0.0.6"), hub,
		listening("EX01", "Wide", "0.0.0.0:25", "0.0.0.0/0", "10.0.0.0/7"),
		listening("EX01", "Exact", "192.168.0.1:25", "10.0.0.0/9"), listening("EX01", "Wild", "0.0.0.0:25", "10.0.0.0(255.128.0.0)"),
		listening("EX01", "Tie", "192.168.0.1:25", "10.0.0.0-10.127.255.255"),
		listening("EX02", "Not here", "0.0.0.0:25", "10.0.0.5"),
	}})
	e := x.Explain(conn("EX01", "192.168.0.1:25", "10.0.0.5"))
	assert.Equal(t, `10.0.0.5 -> EX01 192.168.0.1:25: EX01\Exact by 10.0.0.0/9 (doubt: Tie, Role)
  Won                EX01\Exact by 10.0.0.0/9 (8,388,608 addresses)
  LostTie            EX01\Tie by 10.0.0.0-10.127.255.255 (8,388,608 addresses)
  LostToExactBinding EX01\Wild by 10.0.0.0(255.128.0.0) (8,388,608 addresses)
  LostToNarrower     EX01\Hub by 10.0.0.0/8 (16,777,216 addresses)
  LostToNarrower     EX01\Wide by 10.0.0.0/7 (33,554,432 addresses)
  NotInRange         EX01\Out
  WrongRole          EX01\Other role
  OtherAddress       EX01\Elsewhere
  OtherFamily        EX01\Six
  OtherPort          EX01\Cut, unknown: RemoteIPRanges
  Disabled           EX01\Off
`, e.String())
	assert.Contains(t, e.Steps[3].Basis().String(), "documented")
	assert.Equal(t, "192.168.0.1:25", e.Steps[0].Binding.String())
	winner, ok := e.Winner()
	assert.True(t, ok)
	assert.Equal(t, "Exact", winner.Connector.Name)
}

func TestSelectDoesNotAllocate(t *testing.T) {
	var top connector.Topology
	for i := range 200 {
		top.Connectors = append(top.Connectors, gen.Connector(gen.Rand(uint64(i)), connector.ID{Server: "Servér01", Name: strconv.Itoa(i)}, false))
	}
	top.Connectors = append(top.Connectors, standard("Servér01"))
	x := compile(t, &top)
	for _, c := range []connector.Conn{conn("SERVÉR01", "192.168.0.1:25", "10.0.0.5"), conn("servér01", "[fd01::1]:25", "fd00::5"),
		conn("nobody", "192.168.0.1:25", "10.0.0.5"), conn("servér01", "192.168.0.1:99", "::ffff:10.0.0.5")} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { x.Select(c) }), c)
		l := x.Listener(c.Server, c.Local)
		assert.Zero(t, testing.AllocsPerRun(100, func() { l.Select(c.Remote) }), c)
	}
}

// The index is immutable: many may ask at once (run with -race).
func TestIndexIsSafeForConcurrentUse(t *testing.T) {
	top := gen.Topology(gen.Rand(oracleSeed))
	x := compile(t, top)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, s := range x.Servers() {
				for a := range gen.Universe(true) {
					c := connector.Conn{Server: s, Local: netip.MustParseAddrPort("192.168.0.1:25"), Remote: a}
					x.Select(c)
					x.Simulate(c, connector.Peer{})
				}
			}
		})
	}
	wg.Wait()
}

// Compile copies: what happens to the topology afterwards does not matter.
func TestCompileCopies(t *testing.T) {
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{relay("EX01", "10.0.0.0/8")}}
	x := compile(t, top)
	top.Connectors[0].RemoteIPRanges[0] = connector.MustParseRange("11.0.0.0/8")
	top.Connectors[0].Disabled = true
	assert.Equal(t, connector.Selected, x.Select(conn("EX01", "0.0.0.0:25", "10.0.0.1")).Outcome())
	require.Equal(t, "10.0.0.0/8", x.Select(conn("EX01", "0.0.0.0:25", "10.0.0.1")).Range().String())
}
