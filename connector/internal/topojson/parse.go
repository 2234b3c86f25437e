package topojson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/receiveconnector/receiveconnector/connector"
)

// parser reads JSON as encoding/json does, and notes where each value starts, which that does not tell.
type parser struct {
	name  string
	data  []byte
	at    int // offset of the next byte
	nodes int
	keys  map[string]string // one copy of each key, because exports repeat them
	// line is the line of the byte at scanned, whose line starts at lineStart.
	scanned, line, lineStart int
}

func newParser(name string, line int, r io.Reader) (*parser, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	p := &parser{name: name, data: data, line: line, keys: map[string]string{}}
	if err != nil {
		return nil, &connector.ModelError{Source: connector.Source{File: name, Line: line + bytes.Count(data, []byte("\n"))}, Err: err}
	}
	if len(data) > maxBytes {
		return nil, p.fail(ErrTooLarge)
	}
	return p, nil
}

// position turns an offset into line and column. Offsets may not go back.
func (p *parser) position(at int) (line, col int) {
	for ; p.scanned < at && p.scanned < len(p.data); p.scanned++ {
		if p.data[p.scanned] == '\n' {
			p.line++
			p.lineStart = p.scanned + 1
		}
	}
	return p.line, at - p.lineStart + 1
}

// fail reports what is wrong at the next byte.
func (p *parser) fail(err error) error {
	line, col := p.position(p.at)
	return &connector.ModelError{Source: connector.Source{File: p.name, Line: line, Col: col}, Err: err}
}

// unexpected reports that the next byte is not what the grammar wants there.
func (p *parser) unexpected(wanted string) error {
	if p.at >= len(p.data) {
		p.at = len(p.data)
		return p.fail(fmt.Errorf("the JSON ends too early: %w", io.ErrUnexpectedEOF))
	}
	r, _ := utf8.DecodeRune(p.data[p.at:])
	return p.fail(fmt.Errorf("not JSON: %q where %s should be", r, wanted))
}

// blanks moves to the next byte that is no white space.
func (p *parser) blanks() {
	for ; p.at < len(p.data); p.at++ {
		switch p.data[p.at] {
		case ' ', '\t', '\r', '\n':
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.data) {
		return p.data[p.at]
	}
	return 0
}

// next takes the next byte if it is c.
func (p *parser) next(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) value(depth int) (n Node, err error) {
	p.blanks()
	n.Line, n.Col = p.position(p.at)
	if p.nodes++; p.nodes > maxNodes {
		return n, p.fail(ErrTooMany)
	}
	switch c := p.peek(); {
	case c == '{' || c == '[':
		if depth == maxDepth {
			return n, p.fail(ErrTooDeep)
		}
		p.at++
		if c == '[' {
			n.Kind = Array
			return n, p.items(&n, depth)
		}
		n.Kind = Object
		return n, p.members(&n, depth)
	case c == '"':
		n.Kind = String
		n.Text, err = p.text()
	case c == '-' || isDigit(c):
		n.Kind = Number
		n.Text, err = p.number()
	case p.word("true"):
		n.Kind, n.Text = Bool, "true"
	case p.word("false"):
		n.Kind, n.Text = Bool, "false"
	case p.word("null"):
		n.Kind = Null
	default:
		err = p.unexpected("a value")
	}
	return n, err
}

// word takes a word if it comes next.
func (p *parser) word(s string) bool {
	if !bytes.HasPrefix(p.data[p.at:], []byte(s)) {
		return false
	}
	p.at += len(s)
	return true
}

func (p *parser) items(n *Node, depth int) error {
	return p.list(']', func() error {
		item, err := p.value(depth + 1)
		n.Items = append(n.Items, item)
		return err
	})
}

// list reads entries separated by commas up to the closing bracket or brace.
func (p *parser) list(end byte, entry func() error) error {
	if p.blanks(); p.next(end) {
		return nil
	}
	for {
		if err := entry(); err != nil {
			return err
		}
		p.blanks()
		switch {
		case p.next(end):
			return nil
		case !p.next(','):
			return p.unexpected(fmt.Sprintf("',' or %q", end))
		}
	}
}

func (p *parser) members(n *Node, depth int) error {
	seen := make(map[string]bool)
	return p.list('}', func() error {
		if p.blanks(); p.peek() != '"' {
			return p.unexpected("a key")
		}
		at := p.at
		key, err := p.text()
		if err != nil {
			return err
		}
		if seen[key] {
			p.at = at
			return p.fail(fmt.Errorf("%q: %w", key, ErrDuplicateKey))
		}
		seen[key] = true
		if kept, ok := p.keys[key]; ok {
			key = kept
		} else {
			p.keys[key] = key
		}
		if p.blanks(); !p.next(':') {
			return p.unexpected("':'")
		}
		v, err := p.value(depth + 1)
		n.Members = append(n.Members, Member{key, v})
		return err
	})
}

// text reads a string. One with escapes, or that is not UTF-8, is left to encoding/json.
func (p *parser) text() (string, error) {
	start, plain := p.at, true
	for p.at++; ; p.at++ {
		switch c := p.peek(); {
		case p.at >= len(p.data):
			return "", p.unexpected("")
		case c == '"':
			p.at++
			raw := p.data[start:p.at]
			if plain && utf8.Valid(raw) {
				return string(raw[1 : len(raw)-1]), nil
			}
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				p.at = start
				return "", p.fail(fmt.Errorf("not JSON: %w", err))
			}
			return s, nil
		case c == '\\':
			plain = false
			p.at++
		case c < ' ':
			return "", p.unexpected("the rest of a string")
		}
	}
}

// number reads a number as it stands there.
func (p *parser) number() (string, error) {
	start := p.at
	digits := func() error {
		if !isDigit(p.peek()) {
			return p.unexpected("a digit")
		}
		for isDigit(p.peek()) {
			p.at++
		}
		return nil
	}
	p.next('-')
	if !p.next('0') {
		if err := digits(); err != nil {
			return "", err
		}
	}
	if p.next('.') {
		if err := digits(); err != nil {
			return "", err
		}
	}
	if p.next('e') || p.next('E') {
		if !p.next('-') {
			p.next('+')
		}
		if err := digits(); err != nil {
			return "", err
		}
	}
	return string(p.data[start:p.at]), nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
