package report

import (
	"fmt"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// listeners are the maps of a topology. Which of them a connection meets the index tells.
type listeners struct {
	x    *connector.Index
	maps []*addressMap
	of   map[connector.Listener]*addressMap
}

func newListeners(x *connector.Index) *listeners {
	return &listeners{x: x, of: make(map[connector.Listener]*addressMap)}
}

// listenersOf returns those of some servers.
func listenersOf(t *connector.Topology, x *connector.Index, servers []string) *listeners {
	ls := newListeners(x)
	for _, server := range servers {
		for _, local := range x.Endpoints(server) {
			m := mapOf(t, x, server, local)
			ls.add(&m)
		}
	}
	return ls
}

func (ls *listeners) add(m *addressMap) {
	ls.of[ls.x.Listener(m.servers[0], m.local)] = m
	ls.maps = append(ls.maps, m)
}

// merge makes one map of those that show the same, once all are marked.
func (ls *listeners) merge() (maps []*addressMap) {
	alike := make(map[string][]*addressMap)
	for _, m := range ls.maps {
		shape := m.shape()
		i := slices.IndexFunc(alike[shape], m.agrees)
		if i < 0 {
			alike[shape] = append(alike[shape], m)
			maps = append(maps, m)
			continue
		}
		alike[shape][i].take(m)
	}
	return maps
}

// at returns the map of a listener; nil if nothing listens there.
func (ls *listeners) at(c connector.Conn) *addressMap { return ls.of[ls.x.Listener(c.Server, c.Local)] }

// mark puts pins on the maps that the connections of a flow meet.
func (ls *listeners) mark(tracer *audit.Tracer, r audit.FlowResult) {
	for _, c := range tracer.Connections(r.Flow) {
		m := ls.at(c.Conn)
		if m == nil {
			continue
		}
		p := pin{addr: c.Conn.Remote.Unmap().WithZone(""), name: label(audit.End{Name: r.Flow.From, Network: r.Flow.FromNetwork})}
		switch c.Verdict.Mail() {
		case connector.StepDone:
			p.tone, p.told = good, "mail passes"
		case connector.StepUnknown:
			p.tone, p.told = note, "not known: "+c.Verdict.Cause.Basis().Rule
		default:
			p.tone, p.told = warning, "mail that may occur would not pass: "+c.Verdict.Cause.Basis().Rule
			if r.Flow.Why.Mark == connector.Unknown {
				p.told = "mail that may occur would not authenticate, and what that does is unknown: " + c.Verdict.Cause.Basis().Rule
			}
			if r.Flow.Need == connector.Required {
				p.tone, p.told = bad, "mail fails: "+c.Verdict.Cause.Basis().Rule
			}
		}
		if doubt := m.regionAt(p.addr).match.Doubt(); doubt != 0 {
			p.tone, p.told = max(p.tone, note), p.told+" (in doubt: "+doubt.String()+")"
		}
		m.addPin(p)
	}
}

const howToRead = "In a map, connections fall from the marks on top, and the narrowest range below catches them. A filled bar is where the connector answers, a faint one where it covers addresses that another connector answers."

// section has the maps at which mail fails or may, then those where connectors compete, then the others.
func (ls *listeners) section(draw func(*addressMap) mapCard) section {
	s := section{ID: "maps", Title: "Who answers whom", Intro: []string{
		"A server has several receive connectors and picks one for each connection, by the address it comes from: the connector with the narrowest range that holds the address. Nothing falls through to another one.",
		howToRead}}
	order := ls.merge()
	slices.SortStableFunc(order, func(a, b *addressMap) int {
		if d := int(b.worst()) - int(a.worst()); d != 0 {
			return d
		}
		return len(b.lanes) - len(a.lanes)
	})
	const most = 40
	var alone, nobody, beyond []string
	for _, m := range order {
		switch {
		case len(m.lanes) == 0:
			nobody = append(nobody, m.title())
			continue
		case len(m.lanes) == 1 && m.worst() <= good && !m.inDoubt():
			alone = append(alone, m.title())
			continue
		case len(s.Maps) == most:
			beyond = append(beyond, m.worst().sign()+" "+m.title())
			continue
		}
		m.number = len(s.Maps) + 1
		s.Maps = append(s.Maps, draw(m))
	}
	if len(s.Maps) == 0 {
		s.Intro = []string{"At no listener do several connectors compete."}
	}
	var b outline
	if len(beyond) > 0 {
		b.printf("Without a map, because there are too many:\n")
		for _, title := range beyond {
			b.printf("  %s\n", title)
		}
	}
	if len(nobody) > 0 {
		b.printf("No connector that is known answers there: %s.\n", some(nobody, 20))
	}
	if len(s.Maps) > 0 && len(alone) > 0 {
		b.printf("Without a map, because one connector alone answers there: %s.\n", some(alone, 20))
	}
	s.Blocks = b.blocks()
	return s
}

// id is that of the map in a page.
func (m *addressMap) id() string { return fmt.Sprintf("map%d", m.number) }

// title names the listeners of a map.
func (m *addressMap) title() string {
	where := "port " + fmt.Sprint(m.local.Port())
	switch {
	case !m.local.Addr().IsUnspecified():
		where = m.local.String()
	case m.local.Addr().Is6():
		where += " over IPv6"
	}
	return "Connections to " + where + " of " + some(m.servers, 8)
}
