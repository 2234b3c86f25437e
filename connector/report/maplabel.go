package report

import (
	"fmt"
	"slices"
	"strings"
)

// pinLabel is the label of one or several pins.
type pinLabel struct {
	pins  []pin
	text  string
	sub   string
	x     float64 // of its middle, in the plot
	row   int
	width float64
}

// labels puts a label over each pin, or one over neighbours of which the same becomes, in as few rows as keep them apart.
func (m *addressMap) labels() (all []pinLabel) {
	const few = 12
	alone := len(m.pins) <= few
	for _, p := range m.pins {
		if n := len(all); n > 0 && !alone && all[n-1].pins[0].tone == p.tone && all[n-1].pins[0].lane == p.lane {
			all[n-1].pins = append(all[n-1].pins, p)
			continue
		}
		all = append(all, pinLabel{pins: []pin{p}})
	}
	var ends []float64 // of the rows
	for i := range all {
		l := &all[i]
		l.text, l.sub = pinNames(l.pins)
		l.width = max(float64(columns(l.text))*letterWidth+18, float64(len(l.sub))*letterWidth*0.85) + 8
		first, last := m.scale.columns[m.scale.at(l.pins[0].addr)], m.scale.columns[m.scale.at(l.pins[len(l.pins)-1].addr)]
		l.x = (first.x + last.x + last.width) / 2
		left := min(max(l.x-l.width/2, 0), mapPlot-l.width)
		l.x = left + l.width/2
		for l.row = 0; l.row < len(ends) && ends[l.row] > left; l.row++ {
		}
		if l.row == len(ends) {
			ends = append(ends, 0)
		}
		ends[l.row] = left + l.width
	}
	return all
}

// pinNames names pins, and tells their addresses.
func pinNames(pins []pin) (names, addresses string) {
	var list []string
	for _, p := range pins {
		if !slices.Contains(list, p.name) {
			list = append(list, p.name)
		}
	}
	names = strings.Join(list, ", ")
	if n := len(list); n > 3 {
		names = fmt.Sprintf("%s … %s (%d)", clipped(list[0], 20), clipped(list[n-1], 20), n)
	}
	first, last := pins[0].addr.String(), pins[len(pins)-1].addr.String()
	if first == last {
		return clipped(names, 28), first
	}
	return clipped(names, 28), first + " … " + last
}

// pin draws a label with its lines.
func (m *addressMap) pin(l pinLabel, top float64, laneY func(int) float64) pinView {
	y := float64(l.row*pinHeight) + 13
	v := pinView{Class: l.pins[0].tone.class(), Label: l.pins[0].tone.sign() + " " + l.text, Sub: l.sub, LabelX: num(mapGutter + l.x), LabelY: num(y), SubY: num(y + 12)}
	for i, p := range l.pins {
		c := m.scale.columns[m.scale.at(p.addr)]
		x := mapGutter + c.x + c.width/2
		line := pinLine{X: num(x), Y1: num(y + 15), Y2: num(top + stripHeight), Title: p.name + " " + p.addr.String() + ": " + p.told}
		if p.lane >= 0 {
			line.Y2 = num(laneY(p.lane) + laneHeight/2)
		}
		if i > 0 && v.Lines[len(v.Lines)-1].X == line.X { // a column of several addresses
			continue
		}
		v.Lines = append(v.Lines, line)
	}
	return v
}
