package report

import (
	"cmp"
	"io"
	"strings"
)

// Terminal is a writer that shows text to somebody. What [Text] writes to it is wrapped at Width columns, where that is not zero, but for
// commands and tables, and coloured if Colour is set. The other formats take it for the writer it holds. Whether there is a terminal, how
// wide it is, and whether colours are wanted (see NO_COLOR), is for the program to find out.
type Terminal struct {
	io.Writer
	Width  int
	Colour bool
}

// writeText writes an outline as it is, or as a terminal wants it.
func (b *outline) writeText(w io.Writer) error {
	t, ok := w.(Terminal)
	if !ok {
		_, err := io.WriteString(w, b.String())
		return err
	}
	var out strings.Builder
	for l := range b.lines {
		text := visible(cmp.Or(l.loose, l.text))
		switch l.kind {
		case plain, heading:
			text = wrap(text, l.depth, 4, t.Width)
		case prose:
			text = t.fill(text)
		default:
			text = strings.Repeat(" ", l.depth) + text
		}
		out.WriteString(t.paint(text, l.kind, l.tone) + "\n")
	}
	_, err := io.WriteString(t.Writer, out.String())
	return err
}

// fill breaks a paragraph anew, if its lines are too wide.
func (t Terminal) fill(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if columns(line) > t.Width && t.Width > 0 {
			return wrap(strings.ReplaceAll(text, "\n", " "), 0, 0, t.Width)
		}
	}
	return text
}

// wrap breaks a line at spaces so that it is not wider than width, if it can be; what is broken off is indented further.
func wrap(text string, depth, further, width int) string {
	indent := strings.Repeat(" ", depth)
	const least = 20 // columns are too few to wrap in
	if width-depth < least || depth+columns(text) <= width {
		return indent + text
	}
	var b strings.Builder
	b.WriteString(indent)
	at, gap := depth, "" // what stands between the last word and the next
	for word := range strings.SplitSeq(text, " ") {
		switch {
		case word == "" || b.Len() == len(indent): // one space of several, or the first word
		case at+len(gap)+columns(word) > width:
			b.WriteString("\n" + indent + strings.Repeat(" ", further))
			at, gap = depth+further, ""
		}
		if word != "" {
			b.WriteString(gap + word)
			at, gap = at+len(gap)+columns(word), ""
		}
		gap += " "
	}
	return b.String()
}

// colours are those of the tones, as numbers of SGR.
var colours = [...]string{neutral: "", good: "32", note: "36", warning: "33", bad: "31"}

func (t Terminal) paint(text string, k kind, c tone) string {
	sgr := colours[c]
	if k == heading {
		sgr = strings.Trim("1;"+sgr, ";")
	}
	if k == command {
		sgr = "36"
	}
	if !t.Colour || sgr == "" || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}
