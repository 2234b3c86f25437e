// Package topojson reads JSON with positions, and the native form of a topology with every error in its place.
package topojson

import (
	"errors"
	"fmt"
	"io"
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
	if p.blanks(); p.at < len(p.data) {
		return Node{}, p.fail(ErrTrailing)
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
		if p.blanks(); p.at == len(p.data) {
			return nodes, nil
		}
	}
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
