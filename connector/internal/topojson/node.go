// Package topojson reads JSON with positions, and the native form of a topology with every error in its place.
package topojson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Kind tells what a [Node] is.
type Kind uint8

const (
	Null Kind = iota + 1
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"", "null", "a boolean", "a number", "a string", "an array", "an object"}

// String prints "an object", "a string", ...
func (k Kind) String() string { return kindNames[k] }

// Node is a JSON value and where it starts.
type Node struct {
	Kind      Kind
	Line, Col int      // 1-based; Col in bytes
	Text      string   // the string's value, or the literal of a number or boolean
	Items     []Node   // of an array
	Members   []Member // of an object, in order; no key twice
}

// Member is one key of an object with its value.
type Member struct {
	Key   string
	Value Node
}

// Limits keep hostile input from taking more memory than an export could need.
const (
	maxBytes = 64 << 20
	maxNodes = 1 << 21
	maxDepth = 100
)

// Reasons a text is refused.
var (
	ErrTooLarge     = fmt.Errorf("larger than %d MiB of JSON", maxBytes>>20)
	ErrTooMany      = fmt.Errorf("more than %d values", maxNodes)
	ErrTooDeep      = fmt.Errorf("nested more than %d deep", maxDepth)
	ErrDuplicateKey = errors.New("key given twice")
	ErrTrailing     = errors.New("something follows the JSON value")
)

// Parse reads one JSON value from r. Every error is a [*connector.ModelError] with the position in the file called name.
func Parse(name string, r io.Reader) (Node, error) {
	p, err := newParser(name, 1, r)
	if err != nil {
		return Node{}, err
	}
	n, err := p.value(0)
	if err != nil {
		return Node{}, err
	}
	at := p.next()
	if _, err := p.dec.Token(); err != io.EOF {
		return Node{}, p.fail(at, ErrTrailing)
	}
	return n, nil
}

// ParseAll is Parse for one value or several that follow each other, as in a file to which several commands were appended; r
// begins in the given line of the file. At least one value is there.
func ParseAll(name string, line int, r io.Reader) ([]Node, error) {
	p, err := newParser(name, line, r)
	if err != nil {
		return nil, err
	}
	var nodes []Node
	for {
		n, err := p.value(0)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		if p.next() == len(p.data) {
			return nodes, nil
		}
	}
}

func newParser(name string, line int, r io.Reader) (*parser, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	p := &parser{name: name, data: data, line: line}
	if err != nil {
		return nil, &connector.ModelError{Source: connector.Source{File: name, Line: line + bytes.Count(data, []byte("\n"))}, Err: err}
	}
	if len(data) > maxBytes {
		return nil, p.fail(0, ErrTooLarge)
	}
	p.dec = json.NewDecoder(bytes.NewReader(data))
	p.dec.UseNumber()
	return p, nil
}

type parser struct {
	name  string
	data  []byte
	dec   *json.Decoder
	nodes int
	// line is the line of the byte at scanned, whose line starts at lineStart.
	scanned, line, lineStart int
}

// next returns the offset of the first byte of the next token.
func (p *parser) next() int {
	at := int(p.dec.InputOffset())
	for ; at < len(p.data); at++ {
		switch p.data[at] {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return at
		}
	}
	return at
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

func (p *parser) fail(at int, err error) error {
	line, col := p.position(at)
	return &connector.ModelError{Source: connector.Source{File: p.name, Line: line, Col: col}, Err: err}
}

func (p *parser) token() (json.Token, Node, error) {
	at := p.next()
	t, err := p.dec.Token()
	if err != nil {
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax):
			at = max(at, int(syntax.Offset)-1)
			err = fmt.Errorf("not JSON: %w", err)
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			at = len(p.data)
			err = fmt.Errorf("the JSON ends too early: %w", io.ErrUnexpectedEOF)
		}
		return nil, Node{}, p.fail(at, err)
	}
	n := Node{}
	n.Line, n.Col = p.position(at)
	return t, n, nil
}

func (p *parser) value(depth int) (Node, error) {
	at := p.next()
	t, n, err := p.token()
	if err != nil {
		return n, err
	}
	if p.nodes++; p.nodes > maxNodes {
		return n, p.fail(at, ErrTooMany)
	}
	switch t := t.(type) {
	case nil:
		n.Kind = Null
	case bool:
		n.Kind, n.Text = Bool, fmt.Sprint(t)
	case json.Number:
		n.Kind, n.Text = Number, t.String()
	case string:
		n.Kind, n.Text = String, t
	case json.Delim:
		if depth == maxDepth {
			return n, p.fail(at, ErrTooDeep)
		}
		if t == '[' {
			n.Kind = Array
			return n, p.items(&n, depth)
		}
		n.Kind = Object
		return n, p.members(&n, depth)
	}
	return n, nil
}

func (p *parser) items(n *Node, depth int) error {
	for p.dec.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, item)
	}
	_, _, err := p.token()
	return err
}

func (p *parser) members(n *Node, depth int) error {
	seen := make(map[string]bool)
	for p.dec.More() {
		at := p.next()
		t, _, err := p.token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if seen[key] {
			return p.fail(at, fmt.Errorf("%q: %w", key, ErrDuplicateKey))
		}
		seen[key] = true
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.Members = append(n.Members, Member{key, v})
	}
	_, _, err := p.token()
	return err
}

// Member returns the value of a key, spelled exactly, and whether the object has it.
func (n Node) Member(key string) (Node, bool) {
	for _, m := range n.Members {
		if m.Key == key {
			return m.Value, true
		}
	}
	return Node{}, false
}
