package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

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
	if f == JSON {
		return writeJSON(w, matrixJSON(m), true)
	}
	var b strings.Builder
	targets := m.Targets()
	if len(targets) == 0 {
		b.WriteString("No flows between servers are known.\n")
	} else {
		grid(&b, m, targets)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cellSign is a sign for cells, and which flow it stands for.
type cellSign struct {
	sign, means string
	is          func(audit.FlowResult) bool
}

// signs are those of the cells, by what becomes of the flow that matters most.
var signs = []cellSign{
	{"F", "a required flow fails", func(r audit.FlowResult) bool { return r.Broken() && r.State == audit.FlowFails }},
	{"P", "a required flow fails in part", func(r audit.FlowResult) bool { return r.Broken() }},
	{"?", "a property that decides it is missing", func(r audit.FlowResult) bool { return r.State == audit.FlowUnknown }},
	{"f", "a flow that may occur would fail", func(r audit.FlowResult) bool { return r.State == audit.FlowFails }},
	{"p", "a flow that may occur would fail in part", func(r audit.FlowResult) bool { return r.State == audit.FlowPartly }},
	{"-", "not checked: addresses or connectors are not known", func(r audit.FlowResult) bool {
		return r.State == audit.FlowNoSource || r.State == audit.FlowNoTarget || r.State == audit.FlowNoListener
	}},
	{"+", "all flows pass", func(r audit.FlowResult) bool { return r.State == audit.FlowPasses }},
	{".", "no flow that receive connectors decide about", func(audit.FlowResult) bool { return true }},
}

func label(e audit.End) string {
	if e.Network {
		return "network " + e.Name
	}
	return e.Name
}

func grid(b *strings.Builder, m audit.Matrix, targets []audit.End) {
	width := 0
	for _, s := range m.Sources() {
		width = max(width, utf8.RuneCountInString(label(s)))
	}
	used := make([]bool, len(signs))
	fmt.Fprintf(b, "%-*s  to\n%-*s ", width, "from", width, "")
	for _, t := range targets {
		fmt.Fprintf(b, " %s", t.Name)
	}
	b.WriteString("\n")
	for _, s := range m.Sources() {
		line := fmt.Sprintf("%-*s ", width, label(s))
		for _, t := range targets {
			sign := ""
			if worst, ok := m.Cell(s, t).Worst(); ok {
				at := slices.IndexFunc(signs, func(x cellSign) bool { return x.is(worst) })
				sign, used[at] = signs[at].sign, true
			}
			line += fmt.Sprintf(" %-*s", utf8.RuneCountInString(t.Name), sign)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	b.WriteString("\n")
	for i, s := range signs {
		if used[i] {
			fmt.Fprintf(b, "  %s  %s\n", s.sign, s.means)
		}
	}
	notPassing(b, m, targets)
}

// notPassing lists the flows that do not pass, with the connector that takes them; of those that were not checked those of one cell
// and reason in one line.
func notPassing(b *strings.Builder, m audit.Matrix, targets []audit.End) {
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
	if len(lines) > 0 {
		b.WriteString("\n" + strings.Join(lines, "\n") + "\n")
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
