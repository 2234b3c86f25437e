package report

import (
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Answers are answers to one question, which may be about several servers, endpoints and sources.
type Answers struct {
	Topology *connector.Topology // that was asked
	// What was answered: why, or what a peer gets, or which connectors many sources reach. Brief leaves out why.
	Explanations []*connector.Explanation
	Verdicts     []*connector.Verdict
	Shares       []Shares
	Brief        bool
}

// Answers writes answers one after the other, as [Format.Explanation], [Format.Match], [Format.Verdict] and [Format.Shares] do; as HTML they
// are one page, with a map of each listener that was asked and the sources marked on it.
func (f Format) Answers(w io.Writer, a Answers) error {
	if f == HTML {
		p, err := a.page()
		if err != nil {
			return err
		}
		return p.write(w)
	}
	for _, e := range a.Explanations {
		write := f.Explanation
		if a.Brief {
			write = f.Match
		}
		if err := write(w, e); err != nil {
			return err
		}
	}
	for _, v := range a.Verdicts {
		if err := f.Verdict(w, v); err != nil {
			return err
		}
	}
	for _, s := range a.Shares {
		if err := f.Shares(w, s); err != nil {
			return err
		}
	}
	return nil
}

func (a Answers) page() (page, error) {
	x, err := connector.Compile(a.Topology)
	if err != nil {
		return page{}, err
	}
	p := page{Title: "Which connector, and why"}
	var b outline
	var said []string // in one line each
	ls := listenersOf(a.Topology, x, a.servers())
	asked := make(map[*addressMap]bool)
	mark := func(e *connector.Explanation) {
		if m := ls.at(e.Conn); m != nil && e.Conn.Remote.IsValid() && e.Conn.Remote.Unmap().Is4() == m.local.Addr().Is4() {
			asked[m] = true
			m.addPin(pin{addr: e.Conn.Remote.Unmap().WithZone(""), name: "asked about", told: byText(e.Match)})
		}
	}
	for _, e := range a.Explanations {
		mark(e)
		said = append(said, decisionText(e))
		if a.Brief {
			b.printf("%s: %s\n", e.Conn, e.Match)
		} else {
			explain(&b, e)
		}
	}
	for _, v := range a.Verdicts {
		mark(v.Explanation)
		said = append(said, decisionText(v.Explanation)+", mail of "+v.Peer.Kind.String()+" "+v.Mail().String())
		verdict(&b, v)
	}
	for _, s := range a.Shares {
		s.write(&b)
		said = append(said, s.text())
		local, err := netip.ParseAddrPort(s.Local)
		m := ls.at(connector.Conn{Server: s.Server, Local: local})
		if err != nil || m == nil {
			continue
		}
		asked[m], m.frame = true, s.Name
		for _, share := range s.Shares {
			for _, r := range share.Addrs {
				m.framed = append(m.framed, r.Span())
			}
		}
	}
	slices.Sort(said)
	if said = slices.Compact(said); len(said) > 0 {
		p.Verdict = some(said, 4)
	}
	s := section{ID: "maps", Title: "Who answers whom"}
	ls.maps = slices.DeleteFunc(ls.maps, func(m *addressMap) bool { return !asked[m] || len(m.lanes) == 0 })
	for _, m := range ls.merge() {
		m.number = len(s.Maps) + 1
		m.finish()
		c := mapCard{Tone: "neutral", Title: m.title(), Views: []mapView{m.view(m.id(), "")}}
		if m.frame != "" {
			c.Intro = []string{m.frame + " is framed."}
		}
		s.Maps = append(s.Maps, c)
	}
	if len(s.Maps) > 0 {
		s.Intro = []string{howToRead}
		p.Sections = append(p.Sections, s)
	}
	p.Sections = append(p.Sections, section{ID: "answers", Title: "The answers", Blocks: b.blocks()})
	return p, nil
}

// decisionText names what serves a connection, or the server that refuses it.
func decisionText(e *connector.Explanation) string {
	if e.Match.Outcome() == connector.Selected {
		return e.Match.String()
	}
	return e.Conn.Server + ": " + e.Match.String()
}

// byText tells by which range a connection is served, or how it is refused.
func byText(m connector.Match) string {
	if m.Outcome() == connector.Selected {
		text := "by " + m.Range().String()
		if m.Doubt() != 0 {
			text += " (in doubt: " + m.Doubt().String() + ")"
		}
		return text
	}
	return m.Outcome().String()
}

// servers are those that were asked about.
func (a Answers) servers() (names []string) {
	add := func(name string) {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			names = append(names, name)
		}
	}
	for _, e := range a.Explanations {
		add(e.Conn.Server)
	}
	for _, v := range a.Verdicts {
		add(v.Explanation.Conn.Server)
	}
	for _, s := range a.Shares {
		add(s.Server)
	}
	return names
}
