package smtplog

import "errors"

// What can be wrong with a log. A [LineError] wraps one of them, perhaps with detail, so errors.Is tells them apart.
var (
	ErrForeign  = errors.New("not an SMTP protocol log") // up to the next line of #Fields
	ErrFields   = errors.New("not as many fields as the header names")
	ErrTime     = errors.New("not a time like 2026-11-20T08:00:00.000Z")
	ErrEvent    = errors.New("not an event")
	ErrSession  = errors.New("no connector or no session, or a name of more than 255 bytes")
	ErrEndpoint = errors.New("not an endpoint") // the record is read without it
	ErrQuote    = errors.New("a quotation mark is not closed")
	ErrLong     = errors.New("longer than 1 MB")
	ErrBinary   = errors.New("not text: it holds a NUL") // and is no record
	ErrEncoding = errors.New("a name is not UTF-8")      // the record is read, with replacement characters
	ErrCutOff   = errors.New("the last line is cut off")
	ErrClock    = errors.New("the clock goes back by minutes") // the record is read
	ErrEnded    = errors.New("the session has ended before")
)

// kinds are the reasons in the order of a report, with the words under which JSON has them.
var kinds = [...]struct {
	err  error
	name string
}{
	{ErrForeign, "foreign"}, {ErrFields, "fields"}, {ErrTime, "time"}, {ErrEvent, "event"}, {ErrSession, "session"}, {ErrEndpoint, "endpoint"},
	{ErrQuote, "quote"}, {ErrLong, "long"}, {ErrBinary, "binary"}, {ErrEncoding, "encoding"}, {ErrCutOff, "cutOff"}, {ErrClock, "clock"}, {ErrEnded, "ended"},
}
