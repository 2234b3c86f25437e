package report

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// page returns the what-if as a page, with maps before and after of the listeners at which sources change hands.
func (c WhatIf) page() (page, error) {
	p := page{Title: "What a change would do"}
	p.Verdict, p.tone = c.verdict()
	p.Sections = []section{partOf("change", "The change", c.change)}
	if c.Comparison == nil {
		return p, nil
	}
	d := comparison{c.Comparison}
	hands := partOf("hands", "Who changes hands", d.hands)
	var err error
	if hands.Maps, err = d.maps(); err != nil {
		return p, err
	}
	p.Sections = append(p.Sections, hands, partOf("flows", "Mail between servers", func(b *outline) {
		d.flows(b)
		d.unfollowed(b)
	}), partOf("findings", "Findings", d.findings))
	if len(c.Comparison.Access) > 0 {
		p.Sections = append(p.Sections, partOf("access", "What clients can do", d.access))
	}
	return p, nil
}

// partOf makes a section of a part of an outline, whose first heading is left out where it is the title.
func partOf(id, title string, write func(*outline)) section {
	var b outline
	write(&b)
	s := section{ID: id, Title: title, Blocks: b.blocks()}
	if len(s.Blocks) > 0 && s.Blocks[0].Kind == "heading" && strings.TrimSuffix(s.Blocks[0].Text, ":") == title {
		s.Blocks = append(slices.Clone(s.Blocks[0].Children), s.Blocks[1:]...)
	}
	return s
}

// verdict is what the change comes to, in one line.
func (c WhatIf) verdict() (string, tone) {
	d := c.Comparison
	if d == nil {
		return "The cmdlets would refuse this.", bad
	}
	var breaks, heals, required int
	for _, f := range d.Flows {
		switch f.Change() {
		case audit.Worse:
			breaks++
		case audit.Better:
			heals++
			if f.Flow.Need == connector.Required {
				required++
			}
		}
	}
	parts, worst := []string{"No mail between servers is known to break."}, good
	say := func(t tone, text string) {
		parts, worst = append(parts, text), max(worst, t)
	}
	if d.Breaks() {
		parts, worst = []string{fmt.Sprintf("Mail between servers breaks: %s.", count(breaks, "flow"))}, bad
	}
	if heals > 0 {
		say(good, fmt.Sprintf("%s would heal, %d of them required.", count(heals, "flow"), required))
	}
	switch {
	case d.Worst() == audit.Error:
		say(bad, "An error appears or grows.")
	case d.Worst() == audit.Warning:
		say(warning, "A warning appears or grows.")
	}
	if slices.ContainsFunc(d.Access, audit.AccessChange.Lost) {
		say(warning, "Clients lose what they could do.")
	}
	switch {
	case len(d.Moves) > 0:
		say(good, "Sources change hands.")
	case len(d.Unsettled) > 0:
		say(note, "Sources may change hands.")
	default:
		say(good, "Nobody changes hands.")
	}
	text := strings.Join(parts, " ")
	if c.Refused != nil {
		return "The cmdlets would refuse this. If they did not: " + text, bad
	}
	return text, worst
}

// maps are those of the listeners at which sources change hands, before and after, with who does.
func (c comparison) maps() ([]mapCard, error) {
	before, err := connector.Compile(c.Before)
	if err != nil {
		return nil, err
	}
	after, err := connector.Compile(c.After)
	if err != nil {
		return nil, err
	}
	earlier, later := newSide(c.Before, before), newSide(c.After, after)
	type pair struct{ was, is *addressMap }
	var pairs []pair
	alike := make(map[string][]int)
	place := func(m connector.Move) string { return strings.ToLower(m.Server) + " " + m.Local.String() }
	moves := slices.Clone(c.Moves)
	slices.SortStableFunc(moves, func(a, b connector.Move) int { return strings.Compare(place(a), place(b)) })
	for len(moves) > 0 {
		n := 1
		for n < len(moves) && place(moves[n]) == place(moves[0]) {
			n++
		}
		was, is := mapOf(c.Before, before, moves[0].Server, moves[0].Local), mapOf(c.After, after, moves[0].Server, moves[0].Local)
		for _, m := range moves[:n] {
			for _, r := range m.Addrs {
				is.framed = append(is.framed, r.Span())
			}
		}
		slices.SortFunc(is.framed, func(a, b netipx.IPRange) int { return a.From().Compare(b.From()) })
		was.framed = is.framed
		was.frame, is.frame = "changes hands", "changes hands"
		moves = moves[n:]
		earlier.mark(&was)
		later.mark(&is)
		shape := was.shape() + is.shape()
		i := slices.IndexFunc(alike[shape], func(i int) bool { return pairs[i].was.agrees(&was) && pairs[i].is.agrees(&is) })
		if i >= 0 {
			i = alike[shape][i]
			pairs[i].was.take(&was)
			pairs[i].is.take(&is)
			continue
		}
		alike[shape] = append(alike[shape], len(pairs))
		pairs = append(pairs, pair{&was, &is})
	}
	const most = 20
	var cards []mapCard
	for i, p := range pairs[:min(len(pairs), most)] {
		p.was.finish(p.is)
		p.is.finish(p.was)
		p.is.colourAs(p.was)
		p.was.number, p.is.number = i+1, i+1
		cards = append(cards, mapCard{Tone: p.is.worst().class(), Title: p.is.title(), Intro: []string{"Who changes hands is framed."},
			Views: []mapView{p.was.view(p.was.id()+"-before", "Before"), p.is.view(p.is.id()+"-after", "After")}})
	}
	return cards, nil
}

// side is a topology before or after a change, ready to be asked about flows.
type side struct {
	x      *connector.Index
	table  *connector.FlowTable
	tracer *audit.Tracer
}

func newSide(t *connector.Topology, x *connector.Index) side {
	return side{x, t.FlowTable(), audit.NewTracer(t, x)}
}

// mark puts pins on a map for the flows to its server.
func (s side) mark(m *addressMap) {
	ls := newListeners(s.x)
	ls.add(m)
	for f := range s.table.To(m.servers[0]) {
		if f.Port == m.local.Port() {
			ls.mark(s.tracer, audit.FlowResult{Flow: f})
		}
	}
}
