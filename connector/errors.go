package connector

import (
	"errors"
	"fmt"
	"strconv"
)

// Reasons a text is refused. A [ParseError] wraps one of them, so errors.Is tells them apart.
var (
	ErrEmpty         = errors.New("nothing given")
	ErrAddress       = errors.New("not an IP address")
	ErrZone          = errors.New("a zone holds letters and digits only")
	ErrRangeOrder    = errors.New("the range ends before it starts")
	ErrMixedFamilies = errors.New("one address is IPv4, the other IPv6")
	ErrPrefixLength  = errors.New("not a prefix length of this address family")
	ErrNetmask       = errors.New("not a contiguous IPv4 netmask")
	ErrMissingPort   = errors.New("the port is missing")
	ErrPort          = errors.New("a port is a number from 1 to 65535")
	ErrUnknownName   = errors.New("not a known value")
	ErrNoneNotAlone  = errors.New("the value None stands alone or not at all")
	ErrVersion       = errors.New("not a version of Exchange")
	ErrIdentity      = errors.New(`not of the form SERVER\Name`)
	ErrSize          = errors.New("not a number of bytes")
	ErrLimit         = errors.New("neither a number nor unlimited")
	ErrTimeSpan      = errors.New("not of the form hours:minutes:seconds")
)

// Reasons a model or a change is refused. A [ModelError] wraps one of them.
var (
	ErrDuplicate = errors.New("given more than once")
	ErrInvalid   = errors.New("not a valid value")
	ErrDrift     = errors.New("the topology does not hold the state the change starts from")
	ErrNotFound  = errors.New("not in the topology")
	ErrTooLarge  = errors.New("more than this library compiles")
)

// ParseError reports a text that is not in the grammar of its type.
type ParseError struct {
	Kind   string // what was expected: "range", "binding", "AuthMechanism", ...
	Input  string // the whole text, as given
	Offset int    // where in Input the error is, in bytes from 0
	Err    error  // why; one of the Err values of this package, perhaps with detail
}

// Error prints what was expected, what was given, where it is wrong and why.
func (e *ParseError) Error() string {
	return fmt.Sprintf("%s %s: byte %d: %v", e.Kind, clip(e.Input), e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *ParseError) Unwrap() error { return e.Err }

// Source is a place in a file. The zero Source means the value was not read from a file.
type Source struct {
	File string
	Line int // 1-based; 0 is unknown
	Col  int // 1-based, in bytes; 0 is unknown
}

// String prints file:line:col, without the parts that are not known.
func (s Source) String() string {
	switch {
	case s.Line == 0:
		return s.File
	case s.Col == 0:
		return s.File + ":" + strconv.Itoa(s.Line)
	}
	return s.File + ":" + strconv.Itoa(s.Line) + ":" + strconv.Itoa(s.Col)
}

// ModelError reports a value of a model that cannot be used, and where it came from.
type ModelError struct {
	Source Source
	Path   string // which value: connectors[3].remoteIPRanges[0]
	Err    error
}

// Error prints the place, the value and the reason, as far as they are known.
func (e *ModelError) Error() string {
	s := ""
	if e.Source != (Source{}) {
		s = e.Source.String() + ": "
	}
	if e.Path != "" {
		s += e.Path + ": "
	}
	return s + e.Err.Error()
}

// Unwrap returns the reason.
func (e *ModelError) Unwrap() error { return e.Err }

// clip quotes s for a message and cuts what nobody would read.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}
