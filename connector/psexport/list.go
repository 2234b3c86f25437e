package psexport

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// property is a line of Format-List with the lines that go on with it:
//
//	RemoteIPRanges : {::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,
//	                 0.0.0.0-255.255.255.255}
type property struct {
	key      string
	pieces   // of the value; the first keeps the blanks behind it
	line     line
	gap      int // blank lines before it
	indent   int // of the key, in bytes
	valueCol int // where the value begins, in bytes from 0
}

// computed is the line of a property that Select-Object computed, whose name is the whole expression.
var computed = regexp.MustCompile(`^(\s*)([^:]*\$(?:_|PSItem)\.[^:]*?)\s*:(?: (.*)|)$`)

// parseProperty reads "Key : value". A key has no blanks, unless it was computed.
func parseProperty(l line, gap int) (property, bool) {
	indent := len(l.text) - len(strings.TrimLeft(l.text, " \t"))
	end := indent
	for end < len(l.text) && isWord(l.text[end]) {
		end++
	}
	colon := end
	for colon < len(l.text) && (l.text[colon] == ' ' || l.text[colon] == '\t') {
		colon++
	}
	if end == indent || colon == len(l.text) || l.text[colon] != ':' || !isBlankAt(l.text, colon+1) || isDigit(l.text[indent]) {
		if !strings.Contains(l.text, "$") {
			return property{}, false
		}
		m := computed.FindStringSubmatchIndex(l.text)
		if m == nil {
			return property{}, false
		}
		indent, end, colon = m[3], m[5], m[5]+strings.IndexByte(l.text[m[5]:], ':')
	}
	p := property{key: propertyKey(l.text[indent:end]), line: l, gap: gap, indent: indent, valueCol: min(len(l.text), colon+2)}
	p.add(l.text[p.valueCol:], utf8.RuneCountInString(l.text))
	return p, true
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || isDigit(c)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isBlankAt tells whether a blank or the end of s is at position i.
func isBlankAt(s string, i int) bool { return i >= len(s) || s[i] == ' ' || s[i] == '\t' }

// takesOn adds a line to the property before if it goes on with it: it is indented to the value, or further than the keys
// without a key of its own, or the value before ends in the middle of a list.
func (p *textParser) takesOn(i, gap int) bool {
	l := p.lines[i]
	if len(p.properties) == 0 || gap > 1 || p.tableAt(i) > 0 {
		return false
	}
	last := &p.properties[len(p.properties)-1]
	if gap == 1 && last.gap == 0 && len(p.properties) > 1 {
		return false // the lines of this list have no blank lines between them
	}
	text := strings.TrimLeft(l.text, " \t")
	indent := len(l.text) - len(text)
	if indent > last.indent+1 && indent+2 >= last.valueCol {
		last.add(text, utf8.RuneCountInString(l.text))
		return true
	}
	if _, isProperty := parseProperty(l, 0); isProperty || indent <= last.indent && (!last.open() || isPrompt(text)) {
		return false
	}
	last.add(text, utf8.RuneCountInString(l.text))
	return true
}

// flush ends the list at hand and hands on its objects.
func (p *textParser) flush() {
	if len(p.properties) == 0 {
		return
	}
	width := 0
	for _, q := range p.properties {
		if len(q.texts) > 1 {
			width = max(width, slices.Max(q.lengths))
		}
	}
	for _, block := range splitBlocks(p.properties) {
		p.emit(p.object(block, width))
	}
	p.properties = nil
}

// splitBlocks cuts a list into objects. A new one begins where a property comes again, and at a blank line, unless blank lines
// stand behind every line, as in copies from web pages. What a blank line cut off is put back if it cannot be an object of its
// own: nothing names it, or what comes before, and both could be of one cmdlet.
func splitBlocks(all []property) (blocks [][]property) {
	usual := usualGap(all)
	seen := make(map[string]bool)
	blank := false // the current block was begun because of a blank line only
	start := 0
	cut := func(end int) {
		if last := len(blocks) - 1; blank && last >= 0 && belongTogether(blocks[last], all[start:end]) {
			blocks[last] = all[start-len(blocks[last]) : end]
		} else {
			blocks = append(blocks, all[start:end])
		}
	}
	for i, q := range all {
		if again := seen[q.key]; i > 0 && (again || q.gap > usual) {
			cut(i)
			start, blank, seen = i, !again, make(map[string]bool)
		}
		seen[q.key] = true
	}
	cut(len(all))
	return blocks
}

// usualGap returns how many blank lines stand between the properties of one object: 0, or 1 in copies from web pages.
func usualGap(all []property) int {
	tight := 0
	for _, q := range all[1:] {
		if q.gap == 0 {
			tight++
		}
	}
	if 2*tight < len(all)-1 {
		return 1
	}
	return 0
}

// belongTogether tells whether two blocks are halves of one object.
func belongTogether(a, b []property) bool {
	va, vb := keysOf(a), keysOf(b)
	for key := range vb.props {
		if _, twice := va.props[key]; twice {
			return false
		}
	}
	ka, kb := va.kindByProperties(), vb.kindByProperties()
	named := func(v value) bool { return v.hasAny("Identity", "Name") }
	return !(named(va) && named(vb)) && (ka == kindOther || kb == kindOther || ka == kb)
}

func keysOf(ps []property) value {
	v := value{props: make(map[string]value, len(ps))}
	for _, q := range ps {
		v.props[q.key] = value{}
	}
	return v
}

// object turns the properties of one object into a value. Names keep the blanks at their end, unless every line has some, as in
// copies from web pages and in buffers of a console.
func (p *textParser) object(ps []property, width int) value {
	v := value{src: p.source(ps[0].line, ps[0].indent), props: make(map[string]value, len(ps))}
	padded := !slices.ContainsFunc(ps, func(q property) bool {
		return q.texts[0] != "" && strings.TrimRight(q.texts[0], " ") == q.texts[0] && q.key != "name" && q.key != "identity"
	})
	for _, q := range ps {
		text := strings.TrimLeft(q.join(width, width-q.valueCol, q.key == "rights"), " \t")
		if padded || q.key != "name" && q.key != "identity" {
			text = strings.TrimRight(text, " \t")
		}
		v.set(q.key, value{src: p.source(q.line, q.valueCol), text: text})
	}
	return v
}
