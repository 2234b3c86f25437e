package smtplog

import (
	"bytes"
	"fmt"
	"strings"
)

// column is a column of a log that is looked at.
type column uint8

const (
	dateTime column = iota
	connectorID
	sessionID
	sequenceNumber
	localEndpoint
	remoteEndpoint
	eventColumn
	dataColumn
	contextColumn
	columns
)

var columnNames = [columns]string{"date-time", "connector-id", "session-id", "sequence-number", "local-endpoint", "remote-endpoint", "event", "data", "context"}

// needed are the columns without which nothing can be said about sessions.
var needed = [...]column{dateTime, connectorID, sessionID, remoteEndpoint, eventColumn}

// layout tells which column stands where. Source: Protocol logging (documented); that the order has been one since 2007 is observed.
type layout struct {
	at       []column // by position; columns for one that is not looked at
	standard bool     // the nine columns in the order of all versions
}

// standardLayout is that of a log without a header.
var standardLayout = func() layout {
	l := layout{standard: true}
	for c := range columns {
		l.at = append(l.at, c)
	}
	return l
}()

// parseLayout reads what stands behind #Fields:. The error wraps [ErrForeign].
func parseLayout(s string) (l layout, err error) {
	has := make(map[column]bool)
	l.standard = true
	for i, name := range strings.Split(s, ",") {
		c := columns
		for known, n := range columnNames {
			if strings.EqualFold(strings.TrimSpace(name), n) {
				c = column(known)
			}
		}
		if c != columns && has[c] {
			return layout{}, fmt.Errorf("%w: the field %s comes twice", ErrForeign, columnNames[c])
		}
		has[c] = true
		l.at = append(l.at, c)
		l.standard = l.standard && c == column(i)
	}
	l.standard = l.standard && len(l.at) == int(columns)
	for _, c := range needed {
		if !has[c] {
			return layout{}, fmt.Errorf("%w: no field %s", ErrForeign, columnNames[c])
		}
	}
	return l, nil
}

// fields are those of one line, without quotation marks. They point into it, or into a copy where marks were doubled.
type fields [columns][]byte

// split takes a line apart. More or fewer fields than the header names are an [ErrFields]. Exchange puts a field into quotation marks if it
// holds a comma, and doubles the marks in it (observed). Where a mark is not closed, data and context are taken as they stand; in another
// column that is an [ErrQuote].
func (l *layout) split(line []byte, f *fields) error {
	*f = fields{}
	rest, last := line, len(l.at)-1
	for i, c := range l.at {
		value, behind, more, ok := cutField(rest)
		if !ok {
			if c < dataColumn {
				return fmt.Errorf("%w in the field %s", ErrQuote, columnNames[c])
			}
			value, behind, more = bytes.Cut(rest, comma)
		}
		if c != columns {
			f[c] = value
		}
		switch {
		case !more && i < last:
			return fmt.Errorf("%w: %d, not %d", ErrFields, i+1, len(l.at))
		case more && i == last:
			return fmt.Errorf("%w: more than %d", ErrFields, len(l.at))
		}
		rest = behind
	}
	return nil
}

var comma = []byte(",")

// cutField cuts the first field off, and tells whether there are more; ok is false if it begins with a quotation mark that no other one
// before a comma or the end closes.
func cutField(line []byte) (value, rest []byte, more, ok bool) {
	if len(line) == 0 || line[0] != '"' {
		value, rest, more = bytes.Cut(line, comma)
		return value, rest, more, true
	}
	doubled := false
	for i := 1; ; i += 2 {
		n := bytes.IndexByte(line[i:], '"')
		if n < 0 {
			return nil, nil, false, false
		}
		if i += n; i+1 < len(line) && line[i+1] == '"' {
			doubled = true
			continue
		}
		if value = line[1:i]; doubled {
			value = bytes.ReplaceAll(value, []byte(`""`), []byte(`"`))
		}
		if i+1 == len(line) {
			return value, nil, false, true
		}
		return value, line[i+2:], true, line[i+1] == ','
	}
}
