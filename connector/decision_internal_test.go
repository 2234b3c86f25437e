package connector

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every part of a decision comes back, at its limits too, and does not touch another one.
func TestDecisionHoldsItsParts(t *testing.T) {
	require.Equal(t, 64, outcomeAt+3)
	require.Less(t, int(InvalidConn), 1<<3)
	require.Less(t, int(DoubtTie|DoubtMissing|DoubtRole|DoubtVersion), 1<<doubtBits)
	for _, connector := range []int{0, 1, maxConnectors - 1} {
		for _, entry := range []int{0, 1, maxCompeting - 1} {
			for _, binding := range []int{0, 1, maxEndpoints - 1} {
				for _, doubt := range []Doubt{0, DoubtTie, DoubtTie | DoubtMissing | DoubtRole | DoubtVersion} {
					d := selection(connector, binding).by(entry).in(doubt)
					got := []int{int(d.outcome()), d.connector(), d.entry(), d.binding(), int(d.doubt())}
					assert.Equal(t, []int{int(Selected), connector, entry, binding, int(doubt)}, got)
				}
			}
		}
	}
	for o := Selected; o <= InvalidConn; o++ {
		d := refusal(o, DoubtMissing)
		assert.Equal(t, []int{int(o), int(DoubtMissing), 0, 0, 0}, []int{int(d.outcome()), int(d.doubt()), d.connector(), d.entry(), d.binding()})
	}
}

// What does not fit in a decision is not compiled.
func TestDecisionsHaveRoom(t *testing.T) {
	assert.Equal(t, 1<<25, maxConnectors)
	top := &Topology{Connectors: []ReceiveConnector{{ID: ID{"EX01", "A"}}, {ID: ID{"EX01", "B"}}, {ID: ID{"EX02", "A"}}}}
	_, err := compile(top, 3)
	require.NoError(t, err)
	_, err = compile(top, 2)
	require.ErrorIs(t, err, ErrTooLarge)
	assert.Equal(t, "connectors: 3 of all servers: more than this library compiles, 2", err.Error())
}

// A connector's bindings count against the limit also where another service has the port, because decisions number them.
func TestBindingsBehindMailboxDeliveryCount(t *testing.T) {
	c := ReceiveConnector{ID: ID{"EX01", "A"}, RemoteIPRanges: []Range{MustParseRange("10.0.0.0/8")}}
	for i := range 1020 {
		c.Bindings = append(c.Bindings, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), portMailboxDelivery))
	}
	for range 2000 {
		c.Bindings = append(c.Bindings, c.Bindings[0]) // once is what counts
	}
	c.Bindings = append(c.Bindings, MustParseBinding("0.0.0.0:25"))
	server := Server{Name: "EX01", Version: MustParseVersion("2016"), Roles: RoleMailbox}
	top := &Topology{Servers: []Server{server}, Connectors: []ReceiveConnector{c}}
	x, err := Compile(top)
	require.NoError(t, err)
	m := x.Select(Conn{"EX01", MustParseBinding("10.9.9.9:25"), netip.MustParseAddr("10.0.0.1")})
	assert.Equal(t, "0.0.0.0:25", m.Binding().String())

	for i := range 10 {
		top.Connectors[0].Bindings = append(top.Connectors[0].Bindings, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, 0, byte(i)}), 25))
	}
	_, err = Compile(top)
	assert.ErrorIs(t, err, ErrTooLarge)
}

// Answers of one index that mean the same are equal, whichever way they came about.
func TestMatchesOfOneIndexCompare(t *testing.T) {
	x, err := Compile(&Topology{Connectors: []ReceiveConnector{{ID: ID{"EX01", "A"}, Bindings: []netip.AddrPort{MustParseBinding("0.0.0.0:25")}}}})
	require.NoError(t, err)
	local, v4, v6 := MustParseBinding("10.0.0.1:25"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("2001:db8::1")
	for _, row := range []struct {
		why   string
		conns []Conn
	}{
		{"not a connection", []Conn{{}, {Server: "EX01", Local: local}, {"EX01", local, v6}, {"EX09", local, v6}, {"EX01", MustParseBinding("10.0.0.1:587"), v6}, {Server: "EX01", Remote: v4}}},
		{"unknown server", []Conn{{"EX09", local, v4}, {"EX08", MustParseBinding("[::]:25"), v6}}},
		{"not listening", []Conn{{"EX01", MustParseBinding("10.0.0.1:587"), v4}, {"EX01", MustParseBinding("[::]:25"), v6}}},
		{"no range", []Conn{{"EX01", local, v4}, {"ex01", MustParseBinding("0.0.0.0:25"), netip.MustParseAddr("::ffff:10.0.0.2")}}},
	} {
		for _, c := range row.conns[1:] {
			assert.True(t, x.Select(row.conns[0]) == x.Select(c), "%s: %s", row.why, c)
		}
	}
	assert.Equal(t, InvalidConn, Listener{}.Select(v4).Outcome())
}
