package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// addressMap shows who serves which source at a local endpoint: a lane for each connector with its ranges, the narrowest on top, as if
// connections fell from above and the narrowest range caught them. Listeners that decide alike share one.
type addressMap struct {
	servers []string // whose listeners they are
	local   netip.AddrPort
	lanes   []lane
	regions []region
	// connectors are those of the lanes, on all of the servers.
	connectors []connector.ID
	pins       []pin
	scale      scale
	framed     []netipx.IPRange // sources that the map is about
	frame      string           // why they are framed
	number     int              // in a page
}

// lane is a connector.
type lane struct {
	id     connector.ID
	ranges []connector.Range // of the family, the widest first
	covers *netipx.IPSet
	offers string // what it offers to servers
	partly bool   // not all of its ranges are known
	colour int
}

// region is sources that get one answer.
type region struct {
	netipx.IPRange
	match connector.Match
	lane  int // -1: no connector
}

// pin is a server, or another source that somebody looks for.
type pin struct {
	addr netip.Addr
	name string
	tone tone
	told string // what becomes of its mail
	lane int    // that serves it; -1: no connector
}

// mapOf returns what an index decides at an endpoint, without a scale.
func mapOf(t *connector.Topology, x *connector.Index, server string, local netip.AddrPort) addressMap {
	m := addressMap{servers: []string{server}, local: local}
	v4 := local.Addr().Is4()
	first, _ := family(v4)
	for _, step := range x.Explain(connector.Conn{Server: server, Local: local, Remote: first}).Steps {
		if step.Reason < connector.NotInRange {
			continue
		}
		l := lane{id: step.Connector}
		c, known := t.Connector(step.Connector)
		l.offers, l.partly = offersText(c, known), c.Missing.Has(connector.PropertyRemoteIPRanges)
		for _, r := range c.RemoteIPRanges {
			if r.Span().From().Is4() == v4 {
				l.ranges = append(l.ranges, r)
			}
		}
		slices.SortStableFunc(l.ranges, func(a, b connector.Range) int { return b.Size().Cmp(a.Size()) })
		l.covers = connector.IPSet(l.ranges...)
		m.lanes = append(m.lanes, l)
		m.connectors = append(m.connectors, l.id)
	}
	slices.SortStableFunc(m.lanes, func(a, b lane) int { return a.widest().Compare(b.widest()) })
	for i := range m.lanes {
		m.lanes[i].colour = i
	}
	for r, match := range x.Regions(server, local) {
		m.regions = append(m.regions, region{r, match, m.laneOf(match.Connector())})
	}
	return m
}

// offersText says whether a connector offers servers what they ask for.
func offersText(c connector.ReceiveConnector, known bool) string {
	switch {
	case !known || c.Missing.Has(connector.PropertyAuthMechanism):
		return ""
	case c.AuthMechanism.Has(connector.AuthExchangeServer):
		return "Exchange Server authentication"
	case c.AuthMechanism.Has(connector.AuthExternalAuthoritative):
		return "takes all for trusted"
	}
	return "no Exchange Server authentication"
}

// widest returns the widest range; one that is not valid if there is none, which comes first.
func (l lane) widest() connector.Range {
	if len(l.ranges) == 0 {
		return connector.Range{}
	}
	return l.ranges[0]
}

func (m *addressMap) laneOf(id connector.ID) int {
	return slices.IndexFunc(m.lanes, func(l lane) bool { return !id.IsZero() && l.id.Equal(id) })
}

// regionAt returns the region that holds an address.
func (m *addressMap) regionAt(a netip.Addr) region {
	i, found := slices.BinarySearchFunc(m.regions, a, func(r region, a netip.Addr) int { return r.From().Compare(a) })
	if !found {
		i--
	}
	return m.regions[i]
}

// bounds are the spans that a scale for the map must show.
func (m *addressMap) bounds() (spans []netipx.IPRange, marked []netip.Addr) {
	for _, l := range m.lanes {
		if len(l.ranges) > mostOutlines { // those that touch are drawn as one
			spans = append(spans, l.covers.Ranges()...)
			continue
		}
		for _, r := range l.ranges {
			spans = append(spans, r.Span())
		}
	}
	for _, p := range m.pins {
		marked = append(marked, p.addr)
	}
	return append(spans, m.framed...), marked
}

// shape is the same for maps that show the same but for the names of the servers.
func (m *addressMap) shape() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s;", m.local)
	for _, l := range m.lanes {
		fmt.Fprintf(&b, "%q;%v;%s;", shortName(l.id), l.ranges, l.offers)
	}
	for _, r := range m.regions {
		fmt.Fprintf(&b, "%s %d %s %d;", r.IPRange, r.lane, r.match.Outcome(), r.match.Doubt())
	}
	for _, r := range m.framed {
		fmt.Fprintf(&b, "%s;", r)
	}
	return b.String()
}

// addPin marks a source. Of two of one name and address the worse stays, and of more than can be told apart the worst.
func (m *addressMap) addPin(p pin) {
	const most = 400
	p.lane = m.regionAt(p.addr).lane
	i := slices.IndexFunc(m.pins, func(o pin) bool { return o.addr == p.addr && o.name == p.name })
	if i < 0 && len(m.pins) == most {
		for j, o := range m.pins {
			if o.tone < p.tone && (i < 0 || o.tone < m.pins[i].tone) {
				i = j
			}
		}
		if i < 0 {
			return
		}
	}
	switch {
	case i < 0:
		m.pins = append(m.pins, p)
	case p.tone > m.pins[i].tone: // of several flows and servers the worst is told
		m.pins[i] = p
	}
}

// agrees tells whether what two maps show is the same, so that one can be shown for both: they have one shape, and of a source that both have
// the same becomes.
func (m *addressMap) agrees(o *addressMap) bool {
	for _, p := range o.pins {
		for _, q := range m.pins {
			if p.addr == q.addr && p.name == q.name && (p.tone != q.tone || p.told != q.told) {
				return false
			}
		}
	}
	return true
}

// take makes a map one for the listeners of another one, too, with which it agrees.
func (m *addressMap) take(o *addressMap) {
	m.servers, m.connectors = append(m.servers, o.servers...), append(m.connectors, o.connectors...)
	for _, p := range o.pins {
		m.addPin(p)
	}
}

// colourAs gives each connector the colour it has in another map, and those that are not there others.
func (m *addressMap) colourAs(o *addressMap) {
	next := len(o.lanes)
	for i, l := range m.lanes {
		if at := o.laneOf(l.id); at >= 0 {
			m.lanes[i].colour = o.lanes[at].colour
			continue
		}
		m.lanes[i].colour = next
		next++
	}
}

// finish puts the pins in order and lays out the columns, by the bounds of other maps, too, that are to be compared with this one.
func (m *addressMap) finish(others ...*addressMap) {
	slices.SortStableFunc(m.pins, func(a, b pin) int { return a.addr.Compare(b.addr) })
	spans, marked := m.bounds()
	for _, o := range others {
		s, a := o.bounds()
		spans, marked = append(spans, s...), append(marked, a...)
	}
	m.scale = newScale(m.local.Addr().Is4(), spans, marked)
}

// inDoubt tells whether an answer is.
func (m *addressMap) inDoubt() bool {
	return slices.ContainsFunc(m.regions, func(r region) bool { return r.match.Doubt() != 0 })
}

// worst is the worst that becomes of a pin's mail.
func (m *addressMap) worst() (worst tone) {
	for _, p := range m.pins {
		worst = max(worst, p.tone)
	}
	return worst
}
