package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// outline is a report as lines, each indented below the one it belongs to. All forms for people are made of it: as text it is itself,
// Markdown and HTML make headings, lists, tables and code of the same lines, so that none can say what another does not.
type outline struct {
	text  strings.Builder
	marks []mark // by where they begin
}

// mark tells what the lines from at are.
type mark struct {
	at, end int // in text
	kind    kind
	tone    tone
	rows    [][]string // of a table
}

// kind is what a line is.
type kind uint8

const (
	plain   kind = iota
	prose        // a paragraph of several lines
	heading      // of what follows
	command      // to copy
	script       // a file to keep: many lines
	table        // rows, aligned in the text
)

// tone is how good or bad a line is.
type tone uint8

const (
	neutral tone = iota
	good
	note
	warning
	bad
)

// printf writes a part of the text. No value can begin a line: a line break in one is written as what it is, but in an error, which may be
// several, a line each.
func (b *outline) printf(format string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case error:
			args[i] = strings.ReplaceAll(a.Error(), "\n", "\n    ")
		case string:
			args[i] = oneLine(a)
		case fmt.Stringer:
			args[i] = oneLine(a.String())
		}
	}
	fmt.Fprintf(&b.text, format, args...)
}

func oneLine(s string) string {
	return strings.ReplaceAll(s, "\n", `\n`)
}

// WriteString writes text of one or more lines as it is.
func (b *outline) WriteString(s string) { b.text.WriteString(s) }

// mark tells what the line is that begins here.
func (b *outline) mark(k kind, t tone) {
	b.marks = append(b.marks, mark{at: b.text.Len(), kind: k, tone: t})
}

// heading makes a heading of the line that begins here.
func (b *outline) heading(t tone) { b.mark(heading, t) }

// section begins a part with a heading, behind an empty line.
func (b *outline) section(title string, t tone) {
	b.WriteString("\n")
	b.heading(t)
	b.printf("%s\n", title)
}

// command writes a command, which is never wrapped.
func (b *outline) command(indent, text string) {
	b.mark(command, neutral)
	b.printf("%s%s\n", indent, text)
	b.marks[len(b.marks)-1].end = b.text.Len()
}

// prose writes paragraphs, which may have been broken into lines.
func (b *outline) prose(text string) {
	for i, p := range paragraphs(text) {
		if i > 0 {
			b.WriteString("\n")
		}
		b.mark(prose, neutral)
		b.WriteString(p + "\n")
		b.marks[len(b.marks)-1].end = b.text.Len()
	}
}

// paragraphs returns what stands between empty lines.
func paragraphs(text string) (all []string) {
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, p)
		}
	}
	return all
}

// script writes a file to keep.
func (b *outline) script(text string) {
	b.mark(script, neutral)
	b.WriteString(text)
	b.marks[len(b.marks)-1].end = b.text.Len()
}

// table writes rows, the first of which is the header, with their columns aligned.
func (b *outline) table(rows [][]string) {
	b.mark(table, neutral)
	m := &b.marks[len(b.marks)-1]
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(visible(oneLine(cell))))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = visible(oneLine(cell))
			line.WriteString(cell + strings.Repeat(" ", widths[i]-columns(cell)+1))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	m.rows, m.end = rows, b.text.Len()
}

// String returns the text.
func (b *outline) String() string { return visible(b.text.String()) }

// line is a line of an outline, or several that are one thing.
type line struct {
	depth int // how deep it is indented, in spaces
	text  string
	loose string // the text with the spaces that align it, if there are some
	mark
}

// lines yields the lines, those of a table, a script or a paragraph together.
func (b *outline) lines(yield func(line) bool) {
	all := b.text.String()
	marks := b.marks
	for at := 0; at < len(all); {
		var l line
		end := len(all)
		if n := strings.IndexByte(all[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		for len(marks) > 0 && marks[0].at <= at {
			if marks[0].at == at {
				l.mark = marks[0]
				end = max(end, l.end)
			}
			marks = marks[1:]
		}
		l.text = strings.TrimSuffix(all[at:end], "\n")
		if l.kind != script && l.kind != table && l.kind != prose {
			bare := strings.TrimLeft(l.text, " ")
			l.depth = len(l.text) - len(bare)
			l.text = bare
		}
		if word, rest, ok := strings.Cut(l.text, "  "); ok && l.kind == plain && !strings.ContainsFunc(word, func(r rune) bool { return r == ' ' || r == '\\' }) {
			l.text, l.loose = word+" "+strings.TrimLeft(rest, " "), l.text // the second word is aligned with those of other lines
		}
		if !yield(l) {
			return
		}
		at = end
	}
}

// visible writes what a terminal would take for a command, or would not show, as what it is: names are what somebody chose.
func visible(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			b.WriteString(codeOf(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// codeOf names a character by its number.
func codeOf(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf("\\U%08x", r)
	}
	return fmt.Sprintf("\\u%04x", r)
}

// hidden tells whether a character is a command to a terminal, changes the direction of others, or cannot be seen; spaces are none.
func hidden(r rune) bool {
	switch {
	case r == '\n':
		return false
	case r == 0x34f, r == 0x115f, r == 0x1160, r == 0x2800, r == 0x3164, r == 0xffa0: // letters and marks that are blank
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Variation_Selector)
}

// columns is how wide a text is on a terminal: letters of East Asia take two columns, marks that combine with a letter none.
func columns(s string) (n int) {
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func wide(r rune) bool {
	return r >= 0x1100 && (r <= 0x115f || // Hangul
		r >= 0x2e80 && r <= 0xa4cf || // CJK, Kana, Yi
		r >= 0xac00 && r <= 0xd7a3 || // Hangul
		r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || // CJK, compatible forms
		r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 || // full width
		r >= 0x1f300 && r <= 0x1faff || // pictures
		r >= 0x20000 && r <= 0x3fffd) // CJK
}

// class is the name of a tone in a page.
func (t tone) class() string {
	return [...]string{neutral: "neutral", good: "good", note: "note", warning: "warning", bad: "bad"}[t]
}

// sign is what a tone looks like where there is no colour.
func (t tone) sign() string {
	return [...]string{neutral: "•", good: "✓", note: "?", warning: "!", bad: "✗"}[t]
}
