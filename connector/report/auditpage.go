package report

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// page returns the audit as a page: the verdict, the matrix of flows, an address map for all listeners that decide alike, the findings, and
// what else flows.
func (a Audit) page() (page, error) {
	x, err := connector.Compile(a.Topology)
	if err != nil {
		return page{}, err
	}
	p := page{Title: a.title(), About: paragraphs(a.About)}
	if a.Flows != nil && len(x.Servers())+len(a.Topology.Networks) <= mostEnds { // all are drawn, and asked more than once
		a.Flows = slices.Values(slices.Collect(a.Flows))
	}
	summary := summaryOf(a.Flows)
	listeners := listenersOf(a.Topology, x, x.Servers())
	var results []audit.FlowResult
	if a.Flows != nil {
		var left string
		results, left = a.drawn()
		tracer := audit.NewTracer(a.Topology, x)
		for i, r := range results {
			listeners.mark(tracer, r)
			if r.Witness == nil {
				results[i].Witness = tracer.Witness(r.Flow)
			}
		}
		p.Sections = append(p.Sections, matrixSection(audit.MatrixOf(results), left))
	}
	p.Verdict, p.tone, p.Details = a.verdict(summary)
	findings, refs := a.findingSection()
	p.Sections = append(p.Sections, listeners.section(func(m *addressMap) mapCard { return a.mapCard(m, results, refs) }), findings)
	var b outline
	summary.others(&b)
	a.unaddressed(&b)
	if blocks := b.blocks(); len(blocks) > 0 {
		p.Sections = append(p.Sections, section{ID: "others", Title: "What else flows", Blocks: blocks})
	}
	return p, nil
}

// title names the servers.
func (a Audit) title() string {
	var names []string
	for _, s := range a.Topology.AllServers() {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return "Receive connectors"
	}
	return "Receive connectors of " + some(names, 6)
}

// verdict is what the audit comes to in one line, and what that means.
func (a Audit) verdict(s flowSummary) (verdict string, t tone, details []string) {
	var b outline
	a.summary(&b)
	details = []string{strings.TrimSpace(b.String())}
	verdict, t = s.verdict()
	if a.Flows == nil { // nobody asked
		verdict, t, details = details[0], good, nil
	}
	if i := slices.IndexFunc(s.failing, func(r audit.FlowResult) bool { return r.Witness.Reply.Code != 0 }); i >= 0 {
		w := s.failing[i].Witness
		what := "The sender gets"
		if w.Reply.Side == connector.SideSender && (s.failing[i].Flow.Purpose == connector.Mail || s.failing[i].Flow.Purpose == connector.PublicFolderReplication) {
			what = "It waits in the queues of the senders, for"
		}
		details = append([]string{fmt.Sprintf("%s %s. Why: %s.", what, w.Reply, w.Cause.Basis().Rule)}, details...)
	}
	worst := tone(0)
	for _, f := range a.Findings {
		worst = max(worst, toneOf(f))
	}
	if worst >= warning && worst > t { // notes leave a good verdict one
		if a.Flows != nil {
			details[len(details)-1] = verdict
		}
		verdict, t = strings.TrimSpace(b.String()), worst
	}
	return verdict, t, details
}

// drawn returns the flows that a matrix has room for: all, or those of the ends of which most fails, and says what is left out.
func (a Audit) drawn() (results []audit.FlowResult, left string) {
	fails := make(map[audit.End][bad + 1]int) // how many flows, by how bad that is
	all := make(map[audit.End]bool)
	for r := range a.Flows {
		from, to := audit.End{Name: r.Flow.From, Network: r.Flow.FromNetwork}, audit.End{Name: r.Flow.To}
		all[from], all[to] = true, true
		if tone := toneOfFlow(r); tone >= note {
			for _, e := range []audit.End{from, to} {
				n := fails[e]
				n[tone]++
				fails[e] = n
			}
		}
	}
	ends := slices.SortedFunc(maps.Keys(all), func(x, y audit.End) int {
		for t := bad; t >= note; t-- {
			if d := fails[y][t] - fails[x][t]; d != 0 {
				return d
			}
		}
		return strings.Compare(label(x), label(y))
	})
	if len(ends) > mostEnds {
		left = fmt.Sprintf("The matrix and the marks have %d of %d servers and networks, those of which most flows fail; the findings below are about all.", mostEnds, len(ends))
		ends = ends[:mostEnds]
	}
	keep := make(map[audit.End]bool)
	for _, e := range ends {
		keep[e] = true
	}
	for r := range a.Flows {
		if keep[audit.End{Name: r.Flow.From, Network: r.Flow.FromNetwork}] && keep[audit.End{Name: r.Flow.To}] {
			results = append(results, r)
		}
	}
	return results, left
}

// findingSection has a card for each finding, with the commands. It returns where the findings about a connector are.
func (a Audit) findingSection() (s section, refs map[connector.ID][]reference) {
	refs = make(map[connector.ID][]reference)
	s = section{ID: "findings", Title: "Findings"}
	if len(a.Findings) == 0 {
		s.Intro = []string{"Nothing was found."}
	}
	for rest := a.Findings; len(rest) > 0; {
		n := alike(rest)
		var b outline
		a.finding(&b, rest[:n])
		c := card{fmt.Sprintf("finding%d", len(s.Cards)+1), toneOf(rest[0]).class(), b.blocks()}
		s.Cards = append(s.Cards, c)
		for _, f := range rest[:n] {
			if toneOf(f) > note {
				refs[f.Subject.Key()] = append(refs[f.Subject.Key()], reference{c.ID, f.Check + " " + f.Subject.String()})
			}
		}
		rest = rest[n:]
	}
	return s, refs
}

// mapCard shows a map with what there is to do about its connectors and, where mail fails, as it would be after safe fixes, see afterFix.
func (a Audit) mapCard(m *addressMap, results []audit.FlowResult, refs map[connector.ID][]reference) mapCard {
	c := mapCard{Tone: m.worst().class(), Title: m.title()}
	for _, id := range m.connectors {
		c.Findings = append(c.Findings, refs[id.Key()]...)
	}
	const mostFindings = 12
	c.Findings = c.Findings[:min(len(c.Findings), mostFindings)]
	after, title := a.afterFix(m, results)
	if after == nil {
		m.finish()
		c.Views = []mapView{m.view(m.id(), "")}
		return c
	}
	m.finish(after)
	after.finish(m)
	after.colourAs(m)
	c.Views = []mapView{m.view(m.id(), "Now"), after.view(m.id()+"-fixed", title)}
	return c
}

// afterFix returns the map of the first server that has safe fixes for connectors that take mail wrongly, as it is after them; nil if none has.
func (a Audit) afterFix(m *addressMap, results []audit.FlowResult) (after *addressMap, title string) {
	if m.worst() < bad {
		return nil, ""
	}
	for _, server := range m.servers {
		var changes []connector.Change
		var titles []string
		for _, f := range a.Findings {
			if f.Accepted == "" && f.Severity == audit.Error && strings.EqualFold(f.Subject.Server, server) && atPort(f, m.local.Port()) && len(f.Fixes) > 0 && f.Fixes[0].Safe {
				changes = append(changes, f.Fixes[0].Changes...)
				if !slices.Contains(titles, f.Fixes[0].Title) {
					titles = append(titles, f.Fixes[0].Title)
				}
			}
		}
		if len(changes) > 0 {
			return a.changed(server, m.local, changes, results), "After the fix, on " + server + ": " + strings.Join(titles, "; ")
		}
	}
	return nil, ""
}

// atPort tells whether a finding is about flows to a port.
func atPort(f audit.Finding, port uint16) bool {
	return slices.ContainsFunc(f.Flows, func(f connector.Flow) bool { return f.Port == port })
}

// changed returns the map of a listener after changes; nil if they do not go together.
func (a Audit) changed(server string, local netip.AddrPort, changes []connector.Change, results []audit.FlowResult) *addressMap {
	t, err := a.Topology.Apply(changes...)
	if err != nil {
		return nil
	}
	x, err := connector.Compile(t)
	if err != nil {
		return nil
	}
	m := mapOf(t, x, server, local)
	ls := newListeners(x)
	ls.add(&m)
	tracer := audit.NewTracer(t, x)
	for _, r := range results {
		if strings.EqualFold(r.Flow.To, server) && r.Flow.Port == local.Port() {
			ls.mark(tracer, r)
		}
	}
	return &m
}
