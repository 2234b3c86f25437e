package psexport

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxColumns is the most columns a table may have.
const maxColumns = 64

// isRuler tells whether a line is the dashes under the heads of a table.
func isRuler(s string) bool {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "--") || strings.Trim(s, "- ") != "" {
		return false
	}
	columns := strings.Fields(s)
	return len(columns) <= maxColumns && !slices.Contains(columns, "-")
}

// tableAt returns the line of dashes if the heads of a table stand in line i, else 0. In copies from web pages a blank line
// may stand between them.
func (p *textParser) tableAt(i int) int {
	for j := i + 1; j < min(len(p.lines), i+3); j++ {
		switch text := p.lines[j].text; {
		case isRuler(text):
			if isRuler(p.lines[i].text) {
				return 0
			}
			return j
		case strings.TrimSpace(text) != "":
			return 0
		}
	}
	return 0
}

// column is a column of Format-Table.
type column struct {
	key        string
	start, end int // in character cells, from 0; the last column has no end
	form       *regexp.Regexp
}

// table reads the table with its heads in line at and its dashes in line ruler, and returns its last line.
func (p *textParser) table(at, ruler int) (last int) {
	t := tableOf(p.lines[at].text, p.lines[ruler].text)
	usual, gap := ruler-at-1, 0
	var rows []row
	last = ruler
lines:
	for i := ruler + 1; i < len(p.lines); i++ {
		l := p.lines[i]
		switch {
		case strings.TrimSpace(l.text) == "":
			if gap++; gap > usual {
				break lines
			}
			continue
		case isPrompt(l.text), p.tableAt(i) > 0, isStars(l.text):
			break lines
		}
		gap, last = 0, i
		cells, aligned := cellsOf(t.columns, l.text)
		if n := len(rows); n > 0 && aligned && rows[n-1].goesOn(cells) {
			rows[n-1].add(cells)
			continue
		}
		rows = append(rows, row{t, l, cells, aligned})
	}
	for _, r := range rows {
		if !r.valid() && !r.reread() {
			p.reader.warn(Warning{Source: p.source(r.line, -1), Lost: "a row of a table whose columns cannot be told apart", Unknown: "its object is left out; use Format-List"})
			continue
		}
		p.row(r)
	}
	return last
}

// row is an object of a table: a line, and with Format-Table -Wrap those that go on with it.
type row struct {
	*table
	line    line
	cells   []cell
	aligned bool // the cells begin where the columns do
}

type cell struct {
	pieces
	at int // in bytes from 0
}

// neverEmpty are properties that always have a value, or braces: where it is not there, a row goes on.
var neverEmpty = map[string]bool{"enabled": true, "bindings": true, "remoteipranges": true, "authmechanism": true, "permissiongroups": true}

// goesOn tells whether cells belong to the row before: nothing stands in the first column or in one that is never empty, or a
// value of the row before is open.
func (r *row) goesOn(cells []cell) bool {
	for i, c := range cells {
		if c.empty() && (i == 0 || neverEmpty[r.columns[i].key]) {
			return r.aligned
		}
	}
	return r.aligned && slices.ContainsFunc(r.cells, func(c cell) bool { return c.open() })
}

// add puts the cells of a wrapped row behind those before.
func (r *row) add(cells []cell) {
	for i, c := range cells {
		if !c.empty() {
			r.cells[i].add(c.texts[0], c.lengths[0])
		}
	}
}

// text returns the value in a column.
func (r *row) text(i int) string {
	width := slices.Max(r.cells[i].lengths)
	if end := r.columns[i].end; end > 0 {
		width = end - r.columns[i].start - 1
	}
	return strings.TrimSpace(r.cells[i].join(width, width, false))
}

// valid tells whether the columns cut the row rightly: they are as wide as their values, or each cell has the form of its column.
func (r *row) valid() bool {
	if r.aligned && !r.collapsed {
		return true
	}
	for i, c := range r.columns {
		if text := r.text(i); text != "" && !c.form.MatchString(text) {
			return false
		}
	}
	return r.aligned
}

// reread tells the columns apart by the form of the values, where blanks were lost as in copies from web pages.
func (r *row) reread() bool {
	m := r.rowForm().FindStringSubmatchIndex(r.line.text)
	if m != nil {
		r.cells = cellsAt(r.line.text, m)
	}
	return m != nil
}

func (p *textParser) row(r row) {
	v := value{src: p.source(r.line, -1), props: make(map[string]value, len(r.columns))}
	for i, c := range r.columns {
		v.set(c.key, value{src: p.source(r.line, r.cells[i].at), text: r.text(i)})
	}
	p.emit(v)
}

// table is what the heads and the dashes of Format-Table tell.
type table struct {
	columns []column
	// collapsed: the dashes are as long as the heads, with one blank between them, so blanks may have been lost.
	collapsed bool
	form      *regexp.Regexp // of a row that lost its blanks; nil until one is seen
}

// tableOf returns the table with these heads and dashes: each column begins where its dashes do.
func tableOf(heads, ruler string) *table {
	spread := cells(ruler)
	var columns []column
	for i, r := range spread {
		if r == '-' && (i == 0 || spread[i-1] != '-') {
			columns = append(columns, column{start: i})
		}
	}
	for i := range columns[:len(columns)-1] {
		columns[i].end = columns[i+1].start
	}
	words := strings.Fields(heads)
	for i := range columns {
		c := &columns[i]
		if len(words) == len(columns) {
			c.key = propertyKey(words[i])
		} else {
			c.key = propertyKey(c.cut(cells(heads)).texts[0])
		}
		c.form = regexp.MustCompile(`^(?:` + c.pattern() + `)$`)
	}
	dashes := regexp.MustCompile(`\S`).ReplaceAllString(strings.Join(words, " "), "-")
	return &table{columns: columns, collapsed: strings.TrimSpace(ruler) == dashes}
}

func (t *table) rowForm() *regexp.Regexp {
	if t.form == nil {
		t.form = rowForm(t.columns, true)
	}
	return t.form
}

// cells spreads a line over the cells of a console, where wide characters take two; the second holds 0.
func cells(s string) []rune {
	var spread []rune
	for _, r := range s {
		spread = append(spread, r)
		if unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || 0xff01 <= r && r <= 0xff60 {
			spread = append(spread, 0)
		}
	}
	return spread
}

func newCell(text string, at, length int) cell {
	c := cell{at: at}
	c.add(text, length)
	return c
}

// cut returns the part of a line that stands in the column.
func (c column) cut(spread []rune) cell {
	end := len(spread)
	if c.end > 0 {
		end = min(end, c.end)
	}
	start := min(c.start, end)
	narrow := func(part []rune) string { return strings.ReplaceAll(string(part), "\x00", "") }
	text := strings.TrimRight(narrow(spread[start:end]), " ")
	blanks := len(text) - len(strings.TrimLeft(text, " "))
	return newCell(text[blanks:], len(narrow(spread[:start]))+blanks, utf8.RuneCountInString(text))
}

// cellsOf cuts a line at the columns; aligned tells whether no value goes over the border of its column.
func cellsOf(columns []column, text string) (cs []cell, aligned bool) {
	spread := cells(text)
	aligned = true
	for i, c := range columns {
		if i > 0 && c.start <= len(spread) && spread[c.start-1] != ' ' {
			aligned = false
		}
		cs = append(cs, c.cut(spread))
	}
	return cs, aligned
}

func cellsAt(text string, m []int) (cs []cell) {
	for i := 2; i < len(m); i += 2 {
		cs = append(cs, newCell(text[m[i]:m[i+1]], m[i], 0))
	}
	return cs
}

// The forms of values by the name of the property, for tables that lost their blanks.
const (
	listForm  = `\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\{\S.*?(?:\.\.\.|…)`
	boolForm  = `(?i:true|false)`
	wordForm  = `\S+`
	flagsForm = `[A-Za-z]+(?:, ?[A-Za-z]+)*(?:,? ?(?:\.\.\.|…))?`
	textForm  = `\S(?:.*?\S)?`
)

var forms = map[string]string{
	"bindings": listForm, "remoteipranges": listForm, "extendedrights": listForm, "accessrights": listForm, "servers": listForm,
	"subnets": listForm, "interfaces": listForm, "databasecopies": listForm,
	"enabled": boolForm, "requiretls": boolForm, "suppressxanonymoustls": boolForm, "enableauthgssapi": boolForm, "deny": boolForm,
	"domainsecureenabled": boolForm, "isinherited": boolForm, "inherited": boolForm, "mounted": boolForm, "usedowngradedexchangeserverauth": boolForm,
	"transportrole": wordForm, "type": wordForm, "ttl": wordForm, "section": wordForm, "ipaddress": wordForm, "prefixlength": wordForm,
	"addressfamily": wordForm, "interfaceindex": wordForm, "fqdn": wordForm, "server": wordForm, "mountedonserver": wordForm,
	"authmechanism": flagsForm, "permissiongroups": flagsForm, "serverrole": flagsForm,
}

func (c column) pattern() string {
	if f, ok := forms[c.key]; ok {
		return f
	}
	return textForm
}

// rowForm matches a row of a table that lost its blanks: from end to end of a line, or one of several in it.
func rowForm(columns []column, whole bool) *regexp.Regexp {
	var parts []string
	for _, c := range columns {
		parts = append(parts, "("+c.pattern()+")")
	}
	row := strings.Join(parts, `\s+`)
	if whole {
		return regexp.MustCompile(`^\s*` + row + `\s*$`)
	}
	return regexp.MustCompile(`^` + row + `(?:\s+|$)`)
}

// inlineTable is a table in one line, as copies that lost their line ends have it.
type inlineTable struct {
	line    line
	columns []column
	body    int // where the rows begin, in bytes from 0
}

var inlineRuler = regexp.MustCompile(`\s(-{4,}(?:\s+-{2,})+)\s`)

func findInlineTable(l line) (inlineTable, bool) {
	m := inlineRuler.FindStringSubmatchIndex(l.text)
	if m == nil {
		return inlineTable{}, false
	}
	n := len(strings.Fields(l.text[m[2]:m[3]]))
	heads := strings.Fields(l.text[:m[2]])
	if len(heads) < n || n > maxColumns {
		return inlineTable{}, false
	}
	t := inlineTable{line: l, body: m[1]}
	for _, h := range heads[len(heads)-n:] {
		t.columns = append(t.columns, column{key: propertyKey(h)})
	}
	return t, true
}

// inlineTable reads a table in one line, row by row. If the last column is free text, nothing tells where a row ends.
func (p *textParser) inlineTable(t inlineTable) {
	rest, at := t.line.text[t.body:], t.body
	form := rowForm(t.columns, false)
	if t.columns[len(t.columns)-1].pattern() != textForm {
		for {
			m := form.FindStringSubmatchIndex(rest)
			if m == nil {
				break
			}
			cs := cellsAt(rest, m)
			for i := range cs {
				cs[i].at += at
			}
			p.row(row{table: &table{columns: t.columns}, line: t.line, cells: cs})
			rest, at = rest[m[1]:], at+m[1]
		}
	}
	if strings.TrimSpace(rest) != "" {
		p.reader.warn(Warning{Source: p.source(t.line, at), Lost: fmt.Sprintf("the rest of a table in one line, from %q on", clip(rest)),
			Unknown: "its objects are left out; use Format-List"})
	}
}
