package report

import (
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// Matrix writes what becomes of the flows between every two servers, and from networks: as text a line each source and a column
// each target, with a sign for the flow that matters most, and below it the flows that do not pass; as JSON one object:
//
//	{"sources": [{"name", "network"}], "targets": [...],
//	 "cells": [{"from", "network", "to", "worst": FLOW, "flows": [FLOW]}]}
//
// where FLOW is as in [Format.Audit]. Empty cells are left out.
func (f Format) Matrix(w io.Writer, m audit.Matrix) error {
	switch f {
	case JSON:
		return writeJSON(w, matrixJSON(m), true)
	case HTML:
		p := page{Title: "Flows between servers", Sections: []section{matrixSection(m, "")}}
		p.Verdict, p.tone = summaryOf(allOf(m)).verdict()
		return p.write(w)
	}
	var b outline
	targets := m.Targets()
	if len(targets) == 0 {
		b.WriteString("No flows between servers are known.\n")
	} else {
		grid(&b, m, targets)
	}
	return f.outline(w, "Flows between servers", &b)
}

// cellSign is a sign for cells, and which flow it stands for.
type cellSign struct {
	sign, glyph string // in text, and in a page
	tone        tone
	means       string
	is          func(audit.FlowResult) bool
}

// signs are those of the cells, by what becomes of the flow that matters most.
var signs = []cellSign{
	{"F", "✗", bad, "a required flow fails", func(r audit.FlowResult) bool { return r.Broken() && r.State == audit.FlowFails }},
	{"P", "½", bad, "a required flow fails in part", func(r audit.FlowResult) bool { return r.Broken() }},
	{"?", "?", note, "a property that decides it is missing", func(r audit.FlowResult) bool { return r.State == audit.FlowUnknown }},
	{"f", "✗", warning, "a flow that may occur would fail", func(r audit.FlowResult) bool { return r.State == audit.FlowFails }},
	{"p", "½", warning, "a flow that may occur would fail in part", func(r audit.FlowResult) bool { return r.State == audit.FlowPartly }},
	{"-", "–", neutral, "not checked: an address, a connector or a listener is not known", func(r audit.FlowResult) bool {
		return r.State == audit.FlowNoSource || r.State == audit.FlowNoTarget || r.State == audit.FlowNoListener
	}},
	{"+", "✓", good, "all flows pass", func(r audit.FlowResult) bool { return r.State == audit.FlowPasses }},
	{".", "·", neutral, "no flow that receive connectors decide about", func(audit.FlowResult) bool { return true }},
}

// allOf yields the flows of all cells.
func allOf(m audit.Matrix) iter.Seq[audit.FlowResult] {
	return func(yield func(audit.FlowResult) bool) {
		for _, s := range m.Sources() {
			for _, t := range m.Targets() {
				for _, r := range m.Cell(s, t) {
					if !yield(r) {
						return
					}
				}
			}
		}
	}
}

// signOf returns which of the signs a cell has, -1 if there is no flow in it.
func signOf(c audit.Cell) int {
	worst, ok := c.Worst()
	if !ok {
		return -1
	}
	return slices.IndexFunc(signs, func(s cellSign) bool { return s.is(worst) })
}

func label(e audit.End) string {
	if e.Network {
		return "network " + e.Name
	}
	return e.Name
}

func grid(b *outline, m audit.Matrix, targets []audit.End) {
	used := make([]bool, len(signs))
	rows := [][]string{{"from / to"}}
	for _, t := range targets {
		rows[0] = append(rows[0], t.Name)
	}
	for _, s := range m.Sources() {
		row := []string{label(s)}
		for _, t := range targets {
			sign := ""
			if at := signOf(m.Cell(s, t)); at >= 0 {
				sign, used[at] = signs[at].sign, true
			}
			row = append(row, sign)
		}
		rows = append(rows, row)
	}
	b.table(rows)
	b.WriteString("\n")
	for i, s := range signs {
		if used[i] {
			b.printf("  %s  %s\n", s.sign, s.means)
		}
	}
	notPassing(b, m, targets)
}

// notPassing lists the flows that do not pass, with the connector that takes them; of those that were not checked those of one cell
// and reason in one line.
func notPassing(b *outline, m audit.Matrix, targets []audit.End) {
	var lines []string
	for _, s := range m.Sources() {
		for _, t := range targets {
			cell := m.Cell(s, t)
			for i, r := range cell {
				switch {
				case r.Flow.Need == connector.NotNeeded || r.State == audit.FlowPasses || r.State == audit.FlowOutside:
				case r.Witness != nil:
					lines = append(lines, fmt.Sprintf("%s, taken by %s", r, takenBy(r.Witness)))
				case !slices.ContainsFunc(cell[:i], func(o audit.FlowResult) bool { return alikeFate(r, o) }):
					n := 0
					for _, o := range cell {
						if alikeFate(r, o) {
							n++
						}
					}
					lines = append(lines, fmt.Sprintf("%s -> %s: %s %s", label(s), t.Name, count(n, "flow"), r.Fate()))
				}
			}
		}
	}
	if len(lines) == 0 {
		return
	}
	b.section("Flows that do not pass:", neutral)
	for _, l := range lines {
		b.printf("  %s\n", l)
	}
}

// alikeFate tells whether two flows were not checked for one reason.
func alikeFate(a, b audit.FlowResult) bool {
	return a.State == b.State && a.Flow.Need != connector.NotNeeded && b.Flow.Need != connector.NotNeeded
}

type matrixObject struct {
	Sources []endObject  `json:"sources"`
	Targets []endObject  `json:"targets"`
	Cells   []cellObject `json:"cells"`
}

type endObject struct {
	Name    string `json:"name"`
	Network bool   `json:"network,omitempty"`
}

type cellObject struct {
	From    string       `json:"from"`
	Network bool         `json:"network,omitempty"`
	To      string       `json:"to"`
	Worst   flowObject   `json:"worst"`
	Flows   []flowObject `json:"flows"`
}

func matrixJSON(m audit.Matrix) matrixObject {
	ends := func(list []audit.End) []endObject {
		out := make([]endObject, len(list))
		for i, e := range list {
			out[i] = endObject{e.Name, e.Network}
		}
		return out
	}
	o := matrixObject{Sources: ends(m.Sources()), Targets: ends(m.Targets()), Cells: []cellObject{}}
	for _, s := range m.Sources() {
		for _, t := range m.Targets() {
			cell := m.Cell(s, t)
			if worst, ok := cell.Worst(); ok {
				o.Cells = append(o.Cells, cellObject{s.Name, s.Network, t.Name, flowsJSON([]audit.FlowResult{worst})[0], flowsJSON(cell)})
			}
		}
	}
	return o
}
