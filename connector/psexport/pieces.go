package psexport

import (
	"strings"
	"unicode/utf8"
)

// pieces is a value that the console broke over several lines, at its own width or at that of a column.
type pieces struct {
	texts   []string
	lengths []int // in characters, of what counts toward the width: of the line or of the cell
	braces  int   // opened and not closed
}

func (p *pieces) add(text string, length int) {
	p.texts = append(p.texts, text)
	p.lengths = append(p.lengths, length)
	p.braces += strings.Count(text, "{") - strings.Count(text, "}")
}

func (p *pieces) empty() bool { return len(p.texts) == 0 || len(p.texts) == 1 && p.texts[0] == "" }

// list tells whether the value is one of those that stand in braces.
func (p *pieces) list() bool { return strings.HasPrefix(strings.TrimSpace(p.texts[0]), "{") }

// open tells whether the value ends behind a comma, or before the brace that closes it.
func (p *pieces) open() bool {
	if p.empty() {
		return false
	}
	last := strings.TrimSpace(p.texts[len(p.texts)-1])
	_, cut := cutDots(last)
	return strings.HasSuffix(last, ",") || p.list() && p.braces > 0 && !cut
}

// join puts the pieces together again. Between two words a blank belongs there. Nothing does inside a word that had to be broken:
// in an entry of a list, which has no blanks, and where the first piece fills the width and the word is longer than room, which
// is what a line has for the value.
func (p *pieces) join(width, room int, words bool) string {
	if len(p.texts) == 1 {
		return p.texts[0]
	}
	words = words || !p.list()
	var b strings.Builder
	for i, text := range p.texts {
		text = strings.TrimSpace(text)
		b.WriteString(text)
		if i+1 == len(p.texts) {
			break
		}
		next, _, _ := strings.Cut(strings.TrimSpace(p.texts[i+1]), " ")
		word := utf8.RuneCountInString(text[strings.LastIndexByte(text, ' ')+1:]) + utf8.RuneCountInString(next)
		if strings.HasSuffix(text, ",") || words && (p.lengths[i] < width || word <= room) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
