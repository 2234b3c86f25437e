package connector

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ID names a receive connector: SERVER\Name. Exchange ignores the case of both parts; the spelling is kept. The zero ID
// names no connector.
type ID struct{ Server, Name string }

// ParseID reads SERVER\Name. Everything behind the first backslash is the name, blanks included. Every error is a
// [*ParseError].
func ParseID(s string) (ID, error) {
	server, name, ok := strings.Cut(s, `\`)
	switch {
	case s == "":
		return ID{}, &ParseError{Kind: "identity", Input: s, Err: ErrEmpty}
	case !ok:
		return ID{}, &ParseError{Kind: "identity", Input: s, Offset: len(s), Err: ErrIdentity}
	case server == "":
		return ID{}, &ParseError{Kind: "identity", Input: s, Err: ErrIdentity}
	case name == "":
		return ID{}, &ParseError{Kind: "identity", Input: s, Offset: len(s), Err: ErrIdentity}
	}
	return ID{server, name}, nil
}

// Equal tells whether two IDs name the same connector. It ignores case and does not allocate.
func (id ID) Equal(o ID) bool { return id.Compare(o) == 0 }

// Compare orders IDs by server, then by name, ignoring case. It does not allocate.
func (id ID) Compare(o ID) int {
	return cmp.Or(compareFold(id.Server, o.Server), compareFold(id.Name, o.Name))
}

// IsZero tells whether the ID names no connector.
func (id ID) IsZero() bool { return id == ID{} }

// String prints SERVER\Name, the server alone if there is no name, and nothing for the zero ID.
func (id ID) String() string {
	if id.Name == "" {
		return id.Server
	}
	return id.Server + `\` + id.Name
}

// Key returns the same ID for all that [ID.Equal] calls equal, and another one for all others: the key of maps. It is not to be shown.
func (id ID) Key() ID { return ID{foldKey(id.Server), foldKey(id.Name)} }

// AppendText appends what String returns.
func (id ID) AppendText(b []byte) ([]byte, error) { return append(b, id.String()...), nil }

// MarshalText returns what String returns.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is [ParseID].
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// compareFold orders strings by their runes, upper and lower case being one. It returns 0 exactly where
// strings.EqualFold is true.
func compareFold(a, b string) int {
	if a == b {
		return 0
	}
	for a != "" && b != "" {
		ra, na := foldRune(a)
		rb, nb := foldRune(b)
		if ra != rb {
			return cmp.Compare(ra, rb)
		}
		a, b = a[na:], b[nb:]
	}
	return cmp.Compare(len(a), len(b))
}

// foldRune returns the first rune of s, the smallest of those that differ from it in case only, and its length in s.
func foldRune(s string) (rune, int) {
	if c := s[0]; c < utf8.RuneSelf {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		return rune(c), 1
	}
	r, n := utf8.DecodeRuneInString(s)
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least, n
}

// foldKey returns one spelling for all strings that compareFold calls equal.
func foldKey(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		r, n := foldRune(s)
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}
