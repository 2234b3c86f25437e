package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// matrixView is a matrix as a table of a page.
type matrixView struct {
	Class     string // wide where the names of the targets stand upright, tiny where cells must be small to be seen together
	Targets   []string
	Rows      []matrixRow
	Legend    []legendView
	Witnesses []witnessView
	Left      string // what is left out
}

type matrixRow struct {
	Name  string
	Cells []cellView
}

// cellView is a cell; it is empty without a Witness, which is where the cell leads.
type cellView struct{ Class, Sign, Label, Witness string }

type legendView struct{ Class, Sign, Means string }

// witnessView is what cells lead to: the flows, and the explanation of one connection. Cells of one target that say the same share it.
type witnessView struct {
	ID, Tone, Title, Means string
	Blocks                 []block
}

// manyTargets is how many targets make cells small, and explanations be shared by cells that differ in the range that decides.
const manyTargets = 40

// mostEnds is how many sources and targets a matrix of a page has.
const mostEnds = 120

// matrixSection is the part of a page that shows a matrix.
func matrixSection(m audit.Matrix, left string) section {
	s := section{ID: "matrix", Title: "Mail between servers"}
	if len(m.Targets()) == 0 {
		s.Intro = []string{"No flows between servers are known."}
		return s
	}
	s.Matrix = viewOf(m)
	s.Matrix.Left = left
	return s
}

func viewOf(m audit.Matrix) *matrixView {
	targets := m.Targets()
	v := &matrixView{}
	switch {
	case len(targets) > manyTargets:
		v.Class = "wide tiny"
	case len(targets) > 10:
		v.Class = "wide"
	}
	used := make([]bool, len(signs))
	at := make(map[string]int)
	var sources [][]string // of the witnesses
	for _, t := range targets {
		v.Targets = append(v.Targets, t.Name)
	}
	for _, s := range m.Sources() {
		row := matrixRow{Name: label(s)}
		for _, t := range targets {
			cell := m.Cell(s, t)
			i := signOf(cell)
			if i < 0 {
				row.Cells = append(row.Cells, cellView{})
				continue
			}
			used[i] = true
			key := t.Name + "\n" + cellKey(cell, len(targets) <= manyTargets)
			n, known := at[key]
			if !known {
				n = len(v.Witnesses)
				at[key] = n
				v.Witnesses = append(v.Witnesses, witnessView{ID: "flow" + strconv.Itoa(n), Tone: signs[i].tone.class(), Means: signs[i].means, Blocks: cellBlocks(cell)})
				sources = append(sources, nil)
			}
			sources[n] = append(sources[n], label(s))
			row.Cells = append(row.Cells, cellView{signs[i].tone.class(), signs[i].glyph, fmt.Sprintf("%s to %s: %s", label(s), t.Name, signs[i].means), v.Witnesses[n].ID})
		}
		v.Rows = append(v.Rows, row)
	}
	for key, n := range at {
		target, _, _ := strings.Cut(key, "\n")
		v.Witnesses[n].Title = some(sources[n], 8) + " → " + target
	}
	for i, s := range signs {
		if used[i] {
			v.Legend = append(v.Legend, legendView{s.tone.class(), s.glyph, s.means})
		}
	}
	return v
}

// cellKey is the same for cells of which the same is to be said: of the connection, too, if that is exact, else of the connector, and where
// nothing fails of neither.
func cellKey(c audit.Cell, exact bool) string {
	var b strings.Builder
	for _, r := range c {
		fmt.Fprintf(&b, "%d %d %d %d %d %q ", r.Flow.Purpose, r.Flow.Transport, r.Flow.Port, r.Flow.Need, r.State, r.Flow.Why.Rule)
		switch w := r.Witness; {
		case w == nil:
		case exact:
			fmt.Fprintf(&b, "%s %d %s", w.Explanation.Match, w.Cause, w.Explanation.Conn.Local)
		case r.State != audit.FlowPasses:
			fmt.Fprintf(&b, "%s %d", w.Explanation.Match.Connector(), w.Cause)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// cellBlocks tells what flows there are, and explains one connection of the flow that matters most.
func cellBlocks(c audit.Cell) []block {
	var b outline
	c = slices.Clone(c)
	slices.SortStableFunc(c, func(x, y audit.FlowResult) int { return int(toneOfFlow(y)) - int(toneOfFlow(x)) })
	for _, r := range c {
		b.mark(plain, toneOfFlow(r))
		b.printf("%s: %s\n  %s\n", overText(r.Flow), r.Fate(), r.Flow.Why)
	}
	if worst, ok := c.Worst(); ok && worst.Witness != nil {
		b.section("For example "+overText(worst.Flow), toneOfFlow(worst))
		b.decision(worst.Witness.Explanation)
		var end outline
		ending(&end, worst.Witness)
		if worst.Witness.Cause != 0 && end.text.Len() > 0 {
			b.section("What the sender gets", toneOfFlow(worst))
			b.WriteString(end.text.String())
		}
	}
	return b.blocks()
}

// overText prints "Mail over SMTP on port 25, required".
func overText(f connector.Flow) string {
	over := fmt.Sprintf("%s over %s", f.Purpose, transportText(f.Transport))
	if f.Port != 0 {
		over += fmt.Sprintf(" on port %d", f.Port)
	}
	if f.Need == connector.Required {
		over += ", required"
	}
	return over
}

// toneOfFlow returns how bad what becomes of a flow is.
func toneOfFlow(r audit.FlowResult) tone { return signs[signOf(audit.Cell{r})].tone }

// verdict is what flows come to, in one line.
func (s flowSummary) verdict() (string, tone) {
	required := count(s.required, "required flow")
	switch {
	case !s.any:
		return "No flows between servers are known.", note
	case s.required == 0:
		return "No mail between servers that receive connectors decide about is known to be required.", note
	case len(s.failing) > 0:
		return fmt.Sprintf("Mail between servers fails: %d of %s (%s). %s takes it.", len(s.failing), required, purposesOf(s.failing), takers(s.failing)), bad
	case s.open == s.required:
		return fmt.Sprintf("Whether mail between servers passes is not known: none of %s could be checked.", required), note
	case s.open > 0:
		return fmt.Sprintf("Mail between servers is not known to fail; %d of %s could not be checked.", s.open, required), note
	}
	return fmt.Sprintf("Mail between servers passes: all of %s.", required), good
}

// purposesOf names what the flows are for.
func purposesOf(flows []audit.FlowResult) string {
	var names []string
	for _, r := range flows {
		if n := r.Flow.Purpose.String(); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

// takers names the connectors that take flows, those of one name on several servers together: Relay of EX01, EX02.
func takers(flows []audit.FlowResult) string {
	var order []string
	servers := make(map[string][]string)
	for _, r := range flows {
		id := r.Witness.Explanation.Match.Connector()
		name := "No connector"
		if !id.IsZero() {
			name = shortName(id)
		}
		if servers[name] == nil {
			order = append(order, name)
		}
		if !slices.Contains(servers[name], r.Flow.To) {
			servers[name] = append(servers[name], r.Flow.To)
		}
	}
	for i, name := range order {
		slices.Sort(servers[name])
		order[i] = name + " of " + some(servers[name], 4)
	}
	return some(order, 4)
}

// shortName returns the name of a connector without that of its server behind it: Default EX01 is Default.
func shortName(id connector.ID) string {
	n := len(id.Name) - len(id.Server) - 1
	if n > 0 && strings.EqualFold(id.Name[n:], " "+id.Server) {
		return id.Name[:n]
	}
	return id.Name
}
