package topotest

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/receiveconnector/receiveconnector/connector"
)

// A line of a file is made of words, separated by blanks. What a word holds between single quotes stands for itself; a quote in it is
// doubled, as in the shell.

// token is a word of a line.
type token struct {
	text   string // without quotes
	raw    string // as it stands there
	offset int    // in the line, in bytes from 0
}

// bare tells whether the word is written without quotes, so that it can be a keyword.
func (t token) bare() bool { return t.text == t.raw }

// is tells whether the word is a keyword, in any case.
func (t token) is(keyword string) bool { return t.bare() && strings.EqualFold(t.text, keyword) }

const blanks = " \t"

// tokens splits a text that begins at an offset of its line. A quote that is not closed is an error at its offset.
func tokens(text string, offset int) ([]token, error) {
	var ts []token
	for i := 0; i < len(text); {
		if strings.IndexByte(blanks, text[i]) >= 0 {
			i++
			continue
		}
		n := span(text[i:], blanks)
		if n < 0 {
			return nil, &lineError{offset + i, invalid("a quotation mark is not closed")}
		}
		raw := text[i : i+n]
		if raw[0] == '"' {
			return nil, &lineError{offset + i, invalid("names stand in single quotes")}
		}
		ts = append(ts, token{unquoted(raw), raw, offset + i})
		i += n
	}
	return ts, nil
}

// span returns how long text goes on before one of the separators outside quotes, -1 if a quote is not closed.
func span(text, separators string) int {
	inside := false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\'':
			inside = !inside
		case !inside && strings.IndexByte(separators, c) >= 0:
			return i
		}
	}
	if inside {
		return -1
	}
	return len(text)
}

// cut is strings.Cut at a separator outside quotes.
func cut(text, separator string) (before, after string, ok bool) {
	inside := false
	for i := range len(text) {
		if text[i] == '\'' {
			inside = !inside
		} else if !inside && text[i] == separator[0] && strings.HasPrefix(text[i:], separator) {
			return text[:i], text[i+len(separator):], true
		}
	}
	return text, "", false
}

// cutArrow cuts a line at its arrow, which stands outside quotes and has blanks on either side.
func cutArrow(line string) (question, answer string, ok bool) {
	blank := func(i int) bool { return i == len(line) || strings.IndexByte(blanks, line[i]) >= 0 }
	inside := false
	for i := range len(line) {
		switch {
		case line[i] == '\'':
			inside = !inside
		case !inside && i > 0 && strings.HasPrefix(line[i:], arrow) && blank(i-1) && blank(i+len(arrow)):
			return line[:i], line[i+len(arrow):], true
		}
	}
	return line, "", false
}

// cutName cuts the name off in front of a question: it ends in a colon and a blank, outside quotes.
func cutName(text string) (name, rest string, ok bool) {
	inside := false
	for i := range len(text) {
		switch {
		case text[i] == '\'':
			inside = !inside
		case inside || !strings.HasPrefix(text[i:], ": "):
		case i > 0 && text[i-1] == ':': // an IPv6 address may end in two colons
		default:
			return text[:i], text[i+2:], true
		}
	}
	return "", text, false
}

// unquoted takes the quotes off a word.
func unquoted(raw string) string {
	if strings.IndexByte(raw, '\'') < 0 {
		return raw
	}
	var b strings.Builder
	inside := false
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] != '\'':
			b.WriteByte(raw[i])
		case inside && i+1 < len(raw) && raw[i+1] == '\'':
			b.WriteByte('\'')
			i++
		default:
			inside = !inside
		}
	}
	return b.String()
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// keywords are words that mean something at the beginning of a question or as a source.
var keywords = []string{"flow", "no", "finding", anybody, "as", "of", "note", "warning", "error"}

// word prints a name so that it is read back as one word that is no keyword.
func word(s string) string {
	keyword := slices.ContainsFunc(keywords, func(k string) bool { return strings.EqualFold(s, k) })
	if s == "" || keyword || strings.ContainsAny(s, "',:=\"") || strings.ContainsFunc(s, unicode.IsSpace) || strings.HasPrefix(s, "#") || strings.HasPrefix(s, "[") || strings.Contains(s, "->") {
		return quoted(s)
	}
	return s
}

// isName tells whether a part of a From is a name, and neither addresses nor any.
func (t token) isName() bool {
	_, err := connector.ParseRange(t.text)
	return !t.bare() || err != nil && !strings.EqualFold(t.text, anybody)
}

// check tells what is wrong with a part of a From. What is no address and no range is a name, that only a topology knows; but what looks like
// an address must be one, or stand in quotes.
func (t token) check() error {
	if t.text == "" {
		return connector.ErrEmpty
	}
	if !t.bare() {
		return nil
	}
	if strings.Contains(t.text, everything) {
		return invalid("a client is addresses, ranges or names; any is every address")
	}
	if isAddress(t.text) {
		_, err := connector.ParseRange(t.text)
		return err
	}
	return nil
}

// source prints a part of a From.
func (t token) source() string {
	switch {
	case !t.isName():
		if a, err := netip.ParseAddr(t.text); err == nil {
			return a.String()
		}
		if r, err := connector.ParseRange(t.text); err == nil && strings.ContainsFunc(t.text, unicode.IsSpace) {
			return r.String()
		}
		return t.text
	case !isBareName(t.text):
		return quoted(t.text)
	}
	return word(t.text)
}

// isBareName tells whether a text is read as a name without quotes, too, as far as what it looks like goes.
func isBareName(s string) bool {
	return token{text: s, raw: s}.isName() && !isAddress(s) && !strings.Contains(s, everything)
}

// isAddress tells whether a text looks like an address or a range, be it one or not.
func isAddress(s string) bool {
	return strings.ContainsAny(s, ".:/") && strings.Trim(s, "0123456789abcdefABCDEF.:/-()%") == ""
}

// name prints the name of a case in front of its question.
func name(s string) string {
	s = oneLine(s)
	if strings.ContainsAny(s, "':\"") || strings.Contains(s, "->") || strings.HasPrefix(s, "#") || strings.HasPrefix(s, "[") || s != strings.TrimSpace(s) || s == "" {
		return quoted(s)
	}
	return s
}

// answerWord prints a connector behind the arrow, where blanks need no quotes.
func answerWord(s string) string {
	for _, keyword := range []string{"refused", "reply"} {
		if _, ok := cutWord(s, keyword); ok {
			return quoted(s)
		}
	}
	if strings.ContainsAny(s, "',") || strings.HasPrefix(s, `"`) || strings.Contains(s, " by ") || strings.Contains(s, "(doubt: ") || strings.Contains(s, "->") || s != strings.TrimSpace(s) {
		return quoted(s)
	}
	return s
}

// parts returns what the From of a case names, and where it stands in it.
func parts(from string) (list []token) {
	for offset := 0; ; {
		n := span(from[offset:], ",")
		if n < 0 {
			n = len(from) - offset // a quote of the name itself
		}
		raw := strings.TrimSpace(from[offset : offset+n])
		list = append(list, token{unquoted(raw), raw, offset + strings.Index(from[offset:], raw)})
		if offset += n; offset == len(from) {
			return list
		}
		offset++
	}
}

// fromOf puts parts together so that parts takes them apart.
func fromOf(list []token) string {
	texts := make([]string, len(list))
	for i, p := range list {
		if texts[i] = p.text; p.isName() && !isBareName(p.text) || strings.ContainsAny(p.text, "',") || p.text != strings.TrimSpace(p.text) {
			texts[i] = quoted(p.text)
		}
	}
	return strings.Join(texts, ",")
}

// oneLine puts blanks in the place of what would end a line, and of other control characters.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
