package report

import (
	"strings"
)

// markdown returns an outline as Markdown: what is not indented are headings and paragraphs, what is are lists. Commands are code of
// PowerShell.
func (b *outline) markdown() string {
	var m markdownWriter
	for l := range b.lines {
		m.line(l)
	}
	m.endCode()
	return strings.TrimLeft(m.text.String(), "\n")
}

// markdownWriter is Markdown that is being written.
type markdownWriter struct {
	text    strings.Builder
	indents []int  // of the lists that are open, in spaces of the outline
	code    string // what closes the block of commands that is open
}

func (m *markdownWriter) line(l line) {
	if l.kind == command {
		m.command(l)
		return
	}
	m.endCode()
	switch {
	case l.kind == script:
		m.indents = nil
		m.fence("powershell", visible(l.text))
	case l.kind == prose:
		m.indents = nil
		m.text.WriteString("\n")
		for line := range strings.SplitSeq(l.text, "\n") {
			m.text.WriteString(escaped(line) + "\n")
		}
	case l.kind == table:
		m.indents = nil
		m.table(l.rows)
	case l.text == "":
		m.indents = nil
	case l.kind == heading:
		m.indents = nil
		m.text.WriteString("\n### " + escaped(l.text) + "\n")
	case l.depth == 0:
		m.indents = nil
		m.text.WriteString("\n" + escaped(l.text) + "\n")
	default:
		if len(m.indents) == 0 {
			m.text.WriteString("\n")
		}
		m.text.WriteString(m.open(l.depth) + "- " + escaped(l.text) + "\n")
	}
}

// open opens and closes lists up to an indentation, and returns how far its items are indented.
func (m *markdownWriter) open(depth int) string {
	for len(m.indents) > 0 && m.indents[len(m.indents)-1] > depth {
		m.indents = m.indents[:len(m.indents)-1]
	}
	if len(m.indents) == 0 || m.indents[len(m.indents)-1] < depth {
		m.indents = append(m.indents, depth)
	}
	return strings.Repeat("  ", len(m.indents)-1)
}

// command writes a command into a block of its own or that of the one before, below the item it belongs to.
func (m *markdownWriter) command(l line) {
	for len(m.indents) > 0 && m.indents[len(m.indents)-1] >= l.depth {
		m.indents = m.indents[:len(m.indents)-1]
	}
	indent := strings.Repeat("  ", len(m.indents))
	if m.code == "" {
		m.text.WriteString("\n" + indent + "```powershell\n")
		m.code = indent + "```\n"
	}
	m.text.WriteString(indent + visible(l.text) + "\n")
}

func (m *markdownWriter) endCode() {
	m.text.WriteString(m.code)
	m.code = ""
}

// fence writes a block of code, in a fence that does not occur in it.
func (m *markdownWriter) fence(language, text string) {
	mark := "```"
	for strings.Contains(text, mark) {
		mark += "`"
	}
	m.text.WriteString("\n" + mark + language + "\n" + strings.TrimRight(text, "\n") + "\n" + mark + "\n")
}

func (m *markdownWriter) table(rows [][]string) {
	m.text.WriteString("\n")
	for i, row := range rows {
		m.text.WriteString("|")
		for _, cell := range row {
			m.text.WriteString(" " + escaped(oneLine(cell)) + " |")
		}
		m.text.WriteString("\n")
		if i == 0 {
			m.text.WriteString("|" + strings.Repeat("---|", len(row)) + "\n")
		}
	}
}

// apart is nothing, but keeps sites from making a link, a call or a picture of what stands on both sides of it.
const apart = "<!-- -->"

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// escaped returns text so that Markdown shows it as it is.
func escaped(s string) string {
	var b strings.Builder
	s = visible(s)
	for i, r := range s {
		switch r {
		case '\\', '`', '*', '_', '[', ']', '<', '|', '~', '$':
			b.WriteByte('\\')
		case '&':
			b.WriteString("&amp;")
			continue
		case '=', '>':
			if i == 0 { // else a line would begin with it
				b.WriteByte('\\')
			}
		case '+', '-':
			if i == 0 && (endsWord(s[1:]) || strings.Trim(s, "- ") == "") {
				b.WriteByte('\\')
			}
		case '#':
			begins, ends := strings.Trim(s[:i], "#") == "" && endsWord(strings.TrimLeft(s[i:], "#")), strings.Trim(s[i:], "# ") == ""
			if begins || ends { // a heading
				b.WriteByte('\\')
			} else if i+1 < len(s) && isDigit(s[i+1]) { // the number of an issue
				b.WriteString("#" + apart)
				continue
			}
		case ' ':
			if i > 0 && s[i-1] == ' ' { // else one is as good as two
				b.WriteString("&nbsp;")
				continue
			}
		case '@': // somebody is called, or gets mail
			if b.WriteRune(r); i+1 < len(s) && s[i+1] != ' ' {
				b.WriteString(apart)
			}
			continue
		case ':': // an address, or a picture
			b.WriteRune(r)
			if strings.HasPrefix(s[i+1:], "//") || (i == 0 || s[i-1] == ' ') && i+1 < len(s) && !isDigit(s[i+1]) && s[i+1] != ':' && s[i+1] != ' ' {
				b.WriteString(apart)
			}
			continue
		case '.', ')':
			if i > 2 && r == '.' && strings.EqualFold(s[i-3:i], "www") {
				b.WriteString(apart)
			}
			if isNumber(s[:i]) && endsWord(s[i+1:]) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// endsWord tells whether a word ends before the text.
func endsWord(s string) bool { return s == "" || s[0] == ' ' }

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
