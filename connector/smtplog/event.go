package smtplog

import (
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Direction tells who connected to whom. Zero is not known.
type Direction uint8

const (
	Receive Direction = iota + 1 // a receive log: others connect to the server
	Send                         // a send log: the server connects to others
)

var directionNames = [...]string{"", "receive", "send"}

// String prints "receive" or "send", nothing for zero.
func (d Direction) String() string {
	if int(d) < len(directionNames) {
		return directionNames[d]
	}
	return ""
}

// MarshalText returns what String returns.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what String prints. The error is a [*connector.ParseError].
func (d *Direction) UnmarshalText(text []byte) error {
	for i, name := range directionNames {
		if name == string(text) {
			*d = Direction(i)
			return nil
		}
	}
	return &connector.ParseError{Kind: "direction", Input: string(text), Err: connector.ErrUnknownName}
}

// Event is the event column of a record, as it is written there. Source: Protocol logging (documented).
type Event byte

const (
	Connect     Event = '+'
	Disconnect  Event = '-'
	Sent        Event = '>' // by the server whose log it is
	Received    Event = '<' // by the server whose log it is
	Information Event = '*' // also where the column is empty, as pages that take the star for markup leave it
)

// String prints the character of the log.
func (e Event) String() string {
	if e == 0 {
		return ""
	}
	return string(rune(e))
}

// event reads the column.
func event(b []byte) (Event, bool) {
	if len(b) == 0 {
		return Information, true
	}
	switch e := Event(b[0]); e {
	case Connect, Disconnect, Sent, Received, Information:
		return e, len(b) == 1
	}
	return 0, false
}

// LineError tells what is wrong at one place of a log. It wraps one of the Err values of this package.
type LineError struct {
	Source connector.Source
	Text   string // the beginning of what is there, as Go would quote it; empty if it does not help
	Err    error
}

// Error prints file:line: what is wrong: what is there.
func (e *LineError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("%s: %v", e.Source, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Source, e.Err, e.Text)
}

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }
