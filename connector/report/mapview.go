package report

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Sizes of a map, in units of its drawing.
const (
	mapWidth    = 1000
	mapGutter   = 204 // for the names of the lanes
	mapPlot     = mapWidth - mapGutter - 10
	laneHeight  = 34
	laneGap     = 8
	stripHeight = 16
	pinHeight   = 30 // of a row of labels
	letterWidth = 6.6
)

// mapView is a map as it is drawn.
type mapView struct {
	ID, Title, Label, Desc string
	Width, Height          int
	Dense                  bool // many pins
	StripY, StripTextY     string
	Strip, Framed          []bar
	Lanes                  []laneView
	Pins                   []pinView
	Captions               []caption
	Table                  [][]string
	More                   int // rows that the table leaves out
}

// bar is a rectangle.
type bar struct{ X, Y, W, H, Class, Title string }

type laneView struct {
	Name, Full, Class, Offers string
	TextY, OffersY            string
	Bars                      []bar
	Ranges                    []rangeView
}

// rangeView is the outline of a range; Label is empty where there is no room.
type rangeView struct {
	bar
	Label, LabelX, LabelY string
}

// pinView is a line from a label down to the lane that catches it.
type pinView struct {
	Class, Label, Sub, LabelX, LabelY, SubY string
	Lines                                   []pinLine
}

type pinLine struct{ X, Y1, Y2, Title string }

// caption says in words what becomes of some of the pins.
type caption struct{ Tone, Text string }

func num(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// view draws a map. The id makes names in the page that are its own.
func (m *addressMap) view(id, title string) mapView {
	rows := m.labels()
	top := 6.0
	if len(rows) > 0 {
		lowest := 0
		for _, l := range rows {
			lowest = max(lowest, l.row)
		}
		top = float64((lowest+1)*pinHeight + 10)
	}
	laneY := func(i int) float64 { return top + stripHeight + 2*laneGap + float64(i)*(laneHeight+laneGap) }
	v := mapView{ID: id, Title: title, Width: mapWidth, Height: int(laneY(len(m.lanes))) + 4, StripY: num(top), StripTextY: num(top + 13)}
	const many = 40
	v.Dense = len(m.pins) > many
	v.Strip = m.strip(top)
	for i, l := range m.lanes {
		v.Lanes = append(v.Lanes, m.lane(i, l, laneY(i)))
	}
	v.Framed = m.frames(top, float64(v.Height)-top-2)
	for _, l := range rows {
		v.Pins = append(v.Pins, m.pin(l, top, laneY))
	}
	v.Label = "Address map of " + strings.ToLower(m.title()[:1]) + m.title()[1:]
	if title != "" {
		v.Label += ", " + title
	}
	v.Captions = m.captions()
	v.Desc = m.describe(v.Captions)
	v.Table, v.More = m.table()
	return v
}

// frames are drawn around the sources that the map is about, one around neighbours.
func (m *addressMap) frames(y, height float64) (bars []bar) {
	framed := make([][]netipx.IPRange, len(m.scale.columns))
	for _, r := range m.framed {
		for i := m.scale.at(r.From()); i <= m.scale.at(r.To()); i++ {
			framed[i] = append(framed[i], r)
		}
	}
	for i := 0; i < len(framed); i++ {
		var ranges []string
		from := m.scale.columns[i].x
		for ; i < len(framed) && framed[i] != nil; i++ {
			for _, r := range framed[i] {
				if text := spanText(r); len(ranges) == 0 || ranges[len(ranges)-1] != text {
					ranges = append(ranges, text)
				}
			}
		}
		if len(ranges) > 0 {
			last := m.scale.columns[i-1]
			bars = append(bars, bar{num(mapGutter + from), num(y), num(max(last.x+last.width-from, 3)), num(height), "framed", m.frame + ": " + some(ranges, 4)})
		}
	}
	return bars
}

// runs draws bars over columns: tell returns the class and the title of one, given its first region; neighbours of which the same is told are
// one bar, and where there is no class there is none.
func (m *addressMap) runs(y float64, height int, tell func(c column, at int) (class, title string)) (bars []bar) {
	at, from := 0, 0.0
	var class, title string
	end := func(x float64) {
		if class != "" {
			bars = append(bars, bar{num(mapGutter + from), num(y), num(x - from), strconv.Itoa(height), class, title})
		}
	}
	for _, c := range m.scale.columns {
		for m.regions[at].To().Less(c.first) {
			at++
		}
		if k, t := tell(c, at); k != class || t != title {
			end(c.x)
			class, title, from = k, t, c.x
		}
	}
	end(mapPlot)
	return bars
}

// strip shows along the top who answers.
func (m *addressMap) strip(y float64) []bar {
	return m.runs(y, stripHeight, func(c column, at int) (class, title string) {
		first := m.regions[at].lane
		for ; at < len(m.regions) && m.regions[at].From().Compare(c.last) <= 0; at++ {
			if m.regions[at].lane != first {
				return "several", "several connectors"
			}
		}
		return m.laneClass(first), m.who(first)
	})
}

// who names a lane; -1 is no connector.
func (m *addressMap) who(lane int) string {
	if lane < 0 {
		return "no connector"
	}
	return shortName(m.lanes[lane].id)
}

// laneClass is how the lanes differ in colour.
func (m *addressMap) laneClass(i int) string {
	const colours = 6
	if i < 0 {
		return "nobody"
	}
	return "lane" + strconv.Itoa(m.lanes[i].colour%colours)
}

// mostOutlines is of how many ranges of a connector each has an outline.
const mostOutlines = 40

// lane draws a connector: where it wins, where it only covers, and its ranges around that.
func (m *addressMap) lane(i int, l lane, y float64) laneView {
	offers := l.offers
	if l.partly {
		offers = "not all of its ranges are known"
	}
	v := laneView{Name: clipped(shortName(l.id), 26), Full: l.id.String(), Class: m.laneClass(i), Offers: offers, TextY: num(y + laneHeight/2 - 2), OffersY: num(y + laneHeight/2 + 12)}
	titles := map[string]string{"won": "answers here", "lost": "covered, but another connector answers", "partly": "answers a part"}
	v.Bars = m.runs(y, laneHeight, func(c column, at int) (class, title string) {
		class = m.wins(i, l, c, at)
		return class, shortName(l.id) + ": " + titles[class]
	})
	if len(l.ranges) > mostOutlines {
		return v
	}
	for j, r := range l.ranges {
		depth := 0
		for _, o := range l.ranges[:j] {
			if o.Contains(r.Span().From()) && o.Contains(r.Span().To()) {
				depth++
			}
		}
		v.Ranges = append(v.Ranges, m.outline(r, y, min(depth, 3)))
	}
	return v
}

// outline draws the outline of a range that lies in others of its lane.
func (m *addressMap) outline(r connector.Range, y float64, depth int) rangeView {
	x, w := m.scale.span(r.Span())
	inset := float64(4 * depth)
	text := r.String()
	if first, last := family(m.local.Addr().Is4()); r.Contains(first) && r.Contains(last) {
		text = "every address"
	}
	v := rangeView{bar: bar{num(mapGutter + x), num(y + inset), num(w), num(laneHeight - 2*inset), "range", text}}
	pinned := slices.ContainsFunc(m.pins, func(p pin) bool { return r.IsSingle() && r.Contains(p.addr) }) // which has the address already
	if room := w - 8; !pinned && room > letterWidth*float64(len(text)) {
		v.Label, v.LabelX, v.LabelY = text, num(mapGutter+x+5), num(y+laneHeight/2+4)
	}
	return v
}

// wins tells whether a lane wins all, some or none of what it covers in a column; empty if it covers nothing.
func (m *addressMap) wins(i int, l lane, c column, at int) string {
	won, lost := false, false
	for ; at < len(m.regions) && m.regions[at].From().Compare(c.last) <= 0; at++ {
		r := m.regions[at]
		if r.lane == i {
			won = true
			continue
		}
		from, to := r.From(), r.To()
		if from.Less(c.first) {
			from = c.first
		}
		if c.last.Less(to) {
			to = c.last
		}
		lost = lost || l.covers.OverlapsRange(netipx.IPRangeFrom(from, to))
	}
	switch {
	case won && lost:
		return "partly"
	case won:
		return "won"
	case lost:
		return "lost"
	}
	return ""
}

// captions say what becomes of the pins whose mail does not pass, those of one kind together.
func (m *addressMap) captions() (list []caption) {
	type kind struct {
		tone tone
		told string
		lane int
	}
	var order []kind
	of := make(map[kind][]pin)
	for _, p := range m.pins {
		k := kind{p.tone, p.told, p.lane}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], p)
	}
	slices.SortStableFunc(order, func(a, b kind) int { return int(b.tone) - int(a.tone) })
	for _, k := range order {
		names, _ := pinNames(of[k])
		list = append(list, caption{k.tone.class(), k.tone.sign() + " " + names + " → " + m.who(k.lane) + ": " + k.told})
	}
	doubts := make(map[connector.Doubt][]string)
	for _, r := range m.regions {
		if d := r.match.Doubt(); d != 0 {
			doubts[d] = append(doubts[d], spanText(r.IPRange))
		}
	}
	for _, d := range slices.Sorted(maps.Keys(doubts)) {
		list = append(list, caption{note.class(), note.sign() + " who answers is in doubt (" + d.String() + ") for " + some(doubts[d], 4)})
	}
	return list
}

// describe says in words what the map shows.
func (m *addressMap) describe(captions []caption) string {
	var parts []string
	for _, l := range m.lanes {
		text := shortName(l.id) + " covers " + ranges(l.ranges)
		if len(l.ranges) == 0 {
			text = shortName(l.id) + " covers nothing that is known"
		}
		if l.partly {
			text += ", not all of its ranges are known"
		}
		if l.offers != "" {
			text += ", " + l.offers
		}
		parts = append(parts, text)
	}
	for _, c := range captions {
		parts = append(parts, c.Text)
	}
	return strings.Join(parts, ". ") + "."
}

// table lists the regions, if they are not too many to be read.
func (m *addressMap) table() (rows [][]string, more int) {
	const most = 64
	for i, r := range m.regions {
		if i == most {
			return rows, len(m.regions) - most
		}
		by, doubt := "", ""
		if r.lane >= 0 {
			by = r.match.Range().String()
		}
		if d := r.match.Doubt(); d != 0 {
			doubt = d.String()
		}
		rows = append(rows, []string{spanText(r.IPRange), m.who(r.lane), by, doubt})
	}
	return rows, 0
}

func spanText(r netipx.IPRange) string {
	if r.From() == r.To() {
		return r.From().String()
	}
	return r.From().String() + " – " + r.To().String()
}

// clipped cuts a text off that is longer than most letters.
func clipped(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
