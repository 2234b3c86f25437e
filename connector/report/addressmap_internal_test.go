package report

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/oracle"
)

// A map says of every address what the oracle says, in random topologies.
func TestMapAgainstOracle(t *testing.T) {
	won, lost, partly := 0, 0, 0
	for seed := range uint64(60) {
		top := gen.Topology(gen.Rand(seed))
		x, err := connector.Compile(top)
		require.NoError(t, err)
		for _, server := range x.Servers() {
			for _, local := range x.Endpoints(server) {
				m := mapOf(top, x, server, local)
				v4 := local.Addr().Is4()
				for a := range gen.Universe(v4) {
					m.addPin(pin{addr: a, name: a.String()})
				}
				m.finish()
				v := m.view("m", "")
				for i, a := range slices.Collect(gen.Universe(v4)) {
					want := oracle.Select(top, connector.Conn{Server: server, Local: local, Remote: a}, oracle.Mistakes{}).Connector
					at := m.regionAt(a).lane
					if at < 0 {
						require.True(t, want.IsZero(), "%s %s %s", server, local, a)
					} else {
						require.Equal(t, want, m.lanes[at].id, "%s %s %s", server, local, a)
					}
					require.Equal(t, at, m.pins[i].lane)
					column := m.scale.columns[m.scale.at(a)]
					require.False(t, a.Less(column.first) || column.last.Less(a), "%s is in its column", a)
					for l := range m.lanes {
						class := barAt(v.Lanes[l].Bars, column)
						covered := slices.ContainsFunc(m.lanes[l].ranges, func(r connector.Range) bool { return r.Contains(a) })
						switch {
						case l == at:
							require.Contains(t, []string{"won", "partly"}, class)
							won++
						case covered:
							require.Contains(t, []string{"lost", "partly"}, class)
							lost++
						case class == "partly":
							partly++
						}
						if column.first == column.last {
							require.Equal(t, map[bool]string{true: "won", false: map[bool]string{true: "lost"}[covered]}[l == at], class, "%s in lane %d", a, l)
						}
					}
				}
			}
		}
	}
	assert.NotZero(t, won)
	assert.NotZero(t, lost)
}

// A connection meets the map of the listener that the index resolves it to, by a server's name in any case.
func TestMapOfConnection(t *testing.T) {
	met, none := 0, 0
	for seed := range uint64(20) {
		top := gen.Topology(gen.Rand(seed))
		x, err := connector.Compile(top)
		require.NoError(t, err)
		ls := listenersOf(top, x, x.Servers())
		for _, server := range x.Servers() {
			for local := range gen.Locals() {
				for i := range 256 {
					c := connector.Conn{Server: strings.ToLower(server), Local: local, Remote: gen.Addr(local.Addr().Is4(), i)}
					want := x.Select(c)
					m := ls.at(c)
					if want.Outcome() == connector.NotListening {
						require.Nil(t, m, "%s", c)
						none++
						continue
					}
					require.NotNil(t, m, "%s", c)
					require.Equal(t, want, m.regionAt(c.Remote).match, "%s", c)
					met++
				}
			}
		}
	}
	assert.NotZero(t, met)
	assert.NotZero(t, none)
}

// barAt returns what is drawn in a column; empty if nothing is.
func barAt(bars []bar, c column) string {
	middle := mapGutter + c.x + c.width/2
	for _, b := range bars {
		x, _ := strconv.ParseFloat(b.X, 64)
		w, _ := strconv.ParseFloat(b.W, 64)
		if x <= middle && middle < x+w {
			return b.Class
		}
	}
	return ""
}

// Columns cover the family without gaps, are few, and keep what is marked apart as long as there is room.
func TestScale(t *testing.T) {
	for _, v4 := range []bool{true, false} {
		for _, n := range []int{0, 1, 50, 5000} {
			var spans []netipx.IPRange
			var marked []netip.Addr
			for i := range n {
				a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
				if !v4 {
					b := netip.MustParseAddr("2001:db8::").As16()
					b[14], b[15] = byte(i>>8), byte(i)
					a = netip.AddrFrom16(b)
				}
				spans = append(spans, netipx.IPRangeFrom(a, a))
				if i%97 == 0 {
					marked = append(marked, a)
				}
			}
			first, last := family(v4)
			spans = append(spans, netipx.IPRangeFrom(first, last), netipx.IPRangeFrom(last, last))
			s := newScale(v4, spans, marked)
			assert.LessOrEqual(t, len(s.columns), mostColumns)
			assert.Equal(t, first, s.columns[0].first)
			assert.Equal(t, last, s.columns[len(s.columns)-1].last)
			end := 0.0
			for i, c := range s.columns {
				assert.InDelta(t, end, c.x, 1e-6)
				end = c.x + c.width
				assert.Positive(t, c.width)
				assert.Equal(t, i, s.at(c.first))
				assert.Equal(t, i, s.at(c.last))
				if i > 0 {
					assert.Equal(t, s.columns[i-1].last.Next(), c.first)
				}
			}
			assert.InDelta(t, mapPlot, end, 1e-6)
			for _, a := range marked {
				c := s.columns[s.at(a)]
				assert.True(t, c.first == a && c.last == a && c.marked, "%s has a column of its own", a)
			}
			x, w := s.span(netipx.IPRangeFrom(first, last))
			assert.InDelta(t, 0, x, 1e-6)
			assert.InDelta(t, mapPlot, w, 1e-6)
		}
	}
	// More marks than columns: they share them.
	var marked []netip.Addr
	for i := range 1000 {
		marked = append(marked, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	s := newScale(true, nil, marked)
	assert.LessOrEqual(t, len(s.columns), mostColumns)
}

// Labels in a row do not overlap, and stay in the drawing.
func TestLabels(t *testing.T) {
	top := gen.Topology(gen.Rand(1))
	x, err := connector.Compile(top)
	require.NoError(t, err)
	server := x.Servers()[0]
	for _, n := range []int{1, 12, 13, 300} {
		m := mapOf(top, x, server, x.Endpoints(server)[0])
		for i := range n {
			m.addPin(pin{addr: gen.Addr(true, i%256), name: "SERVER" + strconv.Itoa(i), tone: tone(i % 5)})
		}
		m.finish()
		labels := m.labels()
		for i, l := range labels {
			assert.GreaterOrEqual(t, l.x-l.width/2, -0.1)
			assert.LessOrEqual(t, l.x+l.width/2, mapPlot+0.1)
			for _, o := range labels[:i] {
				apart := l.row != o.row || l.x-l.width/2 >= o.x+o.width/2-0.1 || o.x-o.width/2 >= l.x+l.width/2-0.1
				assert.True(t, apart, "%q and %q", l.text, o.text)
			}
		}
		if n <= 12 {
			assert.Len(t, labels, n, "each has its own")
		}
	}
}

// A connector has one colour before and after a change, and a new one none of another.
func TestColours(t *testing.T) {
	lanes := func(names ...string) *addressMap {
		m := &addressMap{}
		for i, n := range names {
			m.lanes = append(m.lanes, lane{id: connector.ID{Server: "EX01", Name: n}, colour: i})
		}
		return m
	}
	before, after := lanes("Relay", "Default", "Old"), lanes("New", "Default", "Newer", "relay")
	after.colourAs(before)
	var got []int
	for _, l := range after.lanes {
		got = append(got, l.colour)
	}
	assert.Equal(t, []int{3, 1, 4, 0}, got)
}

func TestShape(t *testing.T) {
	server := func(name, ranges string) addressMap {
		c := func(id, r string) connector.ReceiveConnector {
			return connector.ReceiveConnector{ID: connector.ID{Server: name, Name: id}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}, RemoteIPRanges: []connector.Range{connector.MustParseRange(r)}}
		}
		top := &connector.Topology{Connectors: []connector.ReceiveConnector{c("Default "+name, "0.0.0.0-255.255.255.255"), c("Relay", ranges)}}
		x, err := connector.Compile(top)
		require.NoError(t, err)
		return mapOf(top, x, name, connector.MustParseBinding("0.0.0.0:25"))
	}
	one, same, other := server("EX01", "10.0.0.0/8"), server("ex2", "10.0.0.0/8"), server("EX03", "10.0.0.0/9")
	assert.Equal(t, one.shape(), same.shape(), "but for the names of the servers they are alike")
	assert.NotEqual(t, one.shape(), other.shape())
	assert.Equal(t, "Default", shortName(one.lanes[1].id))
	assert.Equal(t, "Relay", shortName(one.lanes[0].id), "the narrowest on top")
}
