package psexport

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/receiveconnector/receiveconnector/connector"
)

// maxText is the largest text that is read: Format-List, Format-Table and CSV have to be seen whole.
const maxText = 64 << 20

// line is a line of a text, without its end.
type line struct {
	text   string
	number int  // 1-based
	moved  bool // characters were replaced, so columns are not those of the file
}

// asPlain replaces what web pages and editors put for blanks and what nobody sees, and takes out the colours of a console.
func asPlain(s string) string {
	if !isASCII(s) {
		s = pasted.Replace(s)
	}
	if strings.Contains(s, "\x1b") {
		s = colours.ReplaceAllString(s, "")
	}
	return s
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

var pasted = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u200b", "", "\u200e", "", "\u200f", "", "\ufeff", "", "\u2060", "")

// readText reads what a shell shows or Export-Csv writes; skipped lines were read before.
func readText(name string, skipped int, in io.Reader, o *objects) error {
	data, err := io.ReadAll(io.LimitReader(in, maxText+1))
	fail := func(number int, err error) error {
		return &connector.ModelError{Source: connector.Source{File: name, Line: number}, Err: err}
	}
	if err != nil {
		return fail(skipped+1+bytes.Count(data, []byte("\n")), err)
	}
	if len(data) > maxText {
		return fail(0, ErrTextTooLarge)
	}
	if form := sniffCSV(string(data[:min(len(data), maxHeader)])); form.isCSV() {
		readCSV(name, skipped, string(data), form, o)
		return nil
	}
	p := &textParser{objects: o}
	number := skipped
	for raw := range strings.Lines(string(data)) {
		number++
		text := strings.TrimRight(raw, "\r\n")
		clean := asPlain(text)
		p.lines = append(p.lines, line{clean, number, clean != text})
	}
	p.parse()
	switch {
	case o.taken == 0 && o.others.count == 0 && o.reader.fileErrors == 0:
		return fail(0, textRefusal(p.lines))
	case o.taken > 0 && p.stray.count > 0:
		o.reader.warn(Warning{Source: p.stray.first, Lost: plural(p.stray.count, "line") + " outside of all objects", Unknown: "what they say is not used"})
	}
	return nil
}

// textParser finds the objects in what a shell shows: lists, tables, the output of ConvertTo-Json and ConvertTo-Csv, prompts with
// commands, headings of groups, the frame of a transcript.
type textParser struct {
	*objects
	lines []line

	from       *origin    // the cmdlet of the last prompt
	group      *property  // the heading that -GroupBy put above the objects
	properties []property // of the list at hand
	stray      tally
}

var (
	colours  = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	cmdlets  = regexp.MustCompile(`(?i)\b(?:Get-[A-Za-z]+|Resolve-DnsName)\b`)
	bare     = regexp.MustCompile(`(?i)^\s*(?:Get-[A-Za-z]+|Resolve-DnsName)\b[^:]*$`)
	notice   = regexp.MustCompile(`^(?:WARNING|VERBOSE|DEBUG|WARNUNG|AVERTISSEMENT|ADVERTENCIA|AVVISO|AVISO|ПРЕДУПРЕЖДЕНИЕ): (.*)$`)
	failures = regexp.MustCompile(`^[A-Z][a-z]+-[A-Za-z]+ ?: (.*)$`)
)

// prompted returns what stands behind the prompt of a line, "[PS] C:\>" or "PS C:\>", and whether there is one.
func prompted(s string) (command string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	rest, ok := strings.CutPrefix(s, "[PS]")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "PS"); !ok || rest == "" || rest[0] != ' ' && rest[0] != '>' {
			return "", false
		}
	}
	const longest = 260 // characters of a path
	end := strings.IndexByte(rest[:min(len(rest), longest)], '>')
	if end < 0 {
		return "", false
	}
	return strings.TrimLeft(rest[end:], "> "), true
}

// isPrompt tells whether a line begins with a prompt.
func isPrompt(s string) bool {
	_, ok := prompted(s)
	return ok
}

// isStars tells whether a line is one of those that frame the head and the end of a transcript.
func isStars(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) >= 10 && strings.Trim(s, "*") == ""
}

// parse walks through the lines once.
func (p *textParser) parse() {
	frame := false // of a transcript: between two lines of stars stands who ran it, and where
	gap := 0
	for i := 0; i < len(p.lines); i++ {
		l := p.lines[i]
		property, isProperty := parseProperty(l, gap)
		switch text := l.text; {
		case strings.TrimSpace(text) == "":
			gap++
			continue
		case isStars(text):
			p.flush()
			frame = !frame && p.opensFrame(i)
		case frame:
		case isProperty && p.isHeading(i, gap):
			p.flush()
			p.group = &property
		case p.takesOn(i, gap):
		case isProperty && !notice.MatchString(text):
			p.properties = append(p.properties, property)
		default:
			i = p.other(i)
		}
		gap = 0
	}
	p.flush()
}

// isHeading tells whether a line is what -GroupBy puts above a group: indented by three, without a blank before the colon, alone.
func (p *textParser) isHeading(i, gap int) bool {
	text, ok := strings.CutPrefix(p.lines[i].text, "   ")
	if !ok || text == "" || !isWord(text[0]) || !isBlankAt(text, strings.IndexByte(text, ':')+1) || text[strings.IndexByte(text, ':')-1] == ' ' {
		return false
	}
	above := gap > 0 || i == 0 || isPrompt(p.lines[i-1].text)
	below := i+1 == len(p.lines) || strings.TrimSpace(p.lines[i+1].text) == ""
	return above && below
}

// other reads a line that is no property: a prompt, a message of the shell, a table, or the first of JSON or CSV. It returns the
// last line it took.
func (p *textParser) other(i int) int {
	l := p.lines[i]
	inline, isInline := findInlineTable(l)
	switch ruler := p.tableAt(i); {
	case ruler > 0:
		p.flush()
		return p.table(i, ruler)
	case isPrompt(l.text) || bare.MatchString(l.text):
		p.flush()
		p.prompt(l)
	case notice.MatchString(l.text), failures.MatchString(l.text):
		return p.notice(i)
	case startsData(l.text):
		p.flush()
		return p.data(i)
	case !isInline && !strings.HasPrefix(l.text, ">>") && !strings.HasPrefix(l.text, "Transcript started, "):
		p.stray.add(p.source(l, 0))
	}
	if isInline {
		p.flush()
		p.inlineTable(inline)
	}
	return i
}

var jsonStart = regexp.MustCompile(`^\s*(?:[{[]\s*$|[{[]\s*["{[])`)

// startsData tells whether a line is the first of JSON, or the header of CSV beyond doubt.
func startsData(s string) bool {
	if jsonStart.MatchString(s) && !isPrompt(s) {
		return true
	}
	form := sniffCSV(s)
	return strings.HasPrefix(s, typeLine) || form.known > 1 || form.marked && form.known > 0
}

// data reads the JSON or CSV that begins in a line, up to the next prompt or the end of the transcript.
func (p *textParser) data(i int) (last int) {
	var b strings.Builder
	for last = i; last < len(p.lines); last++ {
		text := p.lines[last].text
		if last > i && (isPrompt(text) || isStars(text)) {
			break
		}
		if last > i {
			b.WriteByte('\n')
		}
		b.WriteString(text)
	}
	first := p.lines[i].number
	if jsonStart.MatchString(p.lines[i].text) {
		if err := readJSON(p.name, first, strings.NewReader(b.String()), p.objects); err != nil {
			p.reader.fail(err)
		}
	} else {
		readCSV(p.name, first-1, b.String(), sniffCSV(b.String()), p.objects)
	}
	return last - 1
}

// opensFrame tells whether a line of stars begins a frame, which the next such line within 30 lines ends.
func (p *textParser) opensFrame(i int) bool {
	for _, l := range p.lines[i+1 : min(len(p.lines), i+31)] {
		if isStars(l.text) {
			return true
		}
	}
	return false
}

// prompt notes the command behind a prompt.
func (p *textParser) prompt(l line) {
	command, ok := prompted(l.text)
	if !ok {
		command = l.text
	}
	p.from, p.group = nil, nil
	if all := cmdlets.FindAllString(command, -1); all != nil {
		p.from = &origin{command: strings.ToLower(all[len(all)-1])}
	}
}

// notice passes on what the shell itself warned of, such as a result that it limited; it ends at the next blank line or prompt.
func (p *textParser) notice(i int) int {
	l := p.lines[i]
	text := strings.TrimSpace(l.text)
	for i+1 < len(p.lines) {
		next := p.lines[i+1].text
		if _, isProperty := parseProperty(p.lines[i+1], 0); strings.TrimSpace(next) == "" || isPrompt(next) || isProperty || failures.MatchString(next) || startsData(next) || p.tableAt(i+1) > 0 {
			break
		}
		if len(text) < 200 {
			text += " " + strings.TrimSpace(next)
		}
		i++
	}
	p.reader.warn(Warning{Source: p.source(l, 0), Lost: fmt.Sprintf("the shell says %q", clip(text)), Unknown: "the output may not be complete"})
	return i
}

// source returns a place in a line; from is a byte of it, or negative for the line alone.
func (p *textParser) source(l line, from int) connector.Source {
	s := connector.Source{File: p.name, Line: l.number}
	if !l.moved && from >= 0 {
		s.Col = from + 1
	}
	return s
}

// emit hands on one object, with the property that the heading of its group tells.
func (p *textParser) emit(v value) {
	v.origin = p.from
	if p.group != nil && !v.has(p.group.key) {
		v.props[p.group.key] = value{src: p.source(p.group.line, p.group.valueCol), text: strings.TrimSpace(p.group.texts[0])}
	}
	p.add(v)
}
