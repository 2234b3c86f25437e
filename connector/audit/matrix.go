package audit

import (
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Matrix is what becomes of the flows between every two ends, source by target. It is made by [MatrixOf] and does not change.
type Matrix struct {
	sources, targets []End
	cells            map[[2]End]Cell
}

// End is one end of flows: a server, or a network of the topology.
type End struct {
	Name    string
	Network bool
}

// Cell is the flows from one end to another, in the order they were given.
type Cell []FlowResult

// MatrixOf arranges results of [Flows]. Sources and targets are in the order of their first flow as source; servers that are only
// targets come behind them.
func MatrixOf(results []FlowResult) Matrix {
	m := Matrix{cells: make(map[[2]End]Cell)}
	seen := make(map[End]bool)
	for _, r := range results {
		from, to := End{r.Flow.From, r.Flow.FromNetwork}, End{Name: r.Flow.To}
		if !seen[from] {
			seen[from] = true
			m.sources = append(m.sources, from)
		}
		m.cells[[2]End{from, to}] = append(m.cells[[2]End{from, to}], r)
	}
	isTarget := make(map[End]bool)
	for _, r := range results {
		isTarget[End{Name: r.Flow.To}] = true
	}
	for _, s := range m.sources {
		if isTarget[s] {
			m.targets = append(m.targets, s)
			delete(isTarget, s)
		}
	}
	for _, r := range results {
		if to := (End{Name: r.Flow.To}); isTarget[to] {
			m.targets = append(m.targets, to)
			delete(isTarget, to)
		}
	}
	return m
}

// Sources returns the ends that flows come from. The slice is the caller's.
func (m Matrix) Sources() []End { return slices.Clone(m.sources) }

// Targets returns the ends that flows go to. The slice is the caller's.
func (m Matrix) Targets() []End { return slices.Clone(m.targets) }

// Cell returns the flows from one end to another, nil if there are none. Do not write to it.
func (m Matrix) Cell(from, to End) Cell { return m.cells[[2]End{from, to}] }

// Of returns the flows of one purpose.
func (c Cell) Of(p connector.Purpose) (of Cell) {
	for _, r := range c {
		if r.Flow.Purpose == p {
			of = append(of, r)
		}
	}
	return of
}

// Worst returns the flow of the cell that matters most to whoever looks for faults, and whether there is one: required flows that
// fail, wholly or in part, before those that nobody can tell, possible ones that would fail, those that were not checked, those
// that pass, and those that connectors have no say in. Of equals it is the first.
func (c Cell) Worst() (worst FlowResult, ok bool) {
	for _, r := range c {
		if !ok || r.weight() > worst.weight() {
			worst, ok = r, true
		}
	}
	return worst, ok
}

// weight ranks flows for Worst.
func (r FlowResult) weight() int {
	required := r.Flow.Need == connector.Required
	switch r.State {
	case FlowFails:
		if required {
			return 8
		}
		return 5
	case FlowPartly:
		if required {
			return 7
		}
		return 4
	case FlowUnknown:
		return 6
	case FlowNoSource, FlowNoTarget, FlowNoListener:
		return 3
	case FlowPasses:
		return 2
	}
	if r.Flow.Need == connector.NotNeeded {
		return 0
	}
	return 1
}
