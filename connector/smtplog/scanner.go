package smtplog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/receiveconnector/receiveconnector/connector"
)

// scanner reads logs line by line.
type scanner struct {
	problem func(*LineError) bool                       // is told what is wrong; false stops
	known   func(line []byte) bool                      // reads a line that needs no taking apart; nil if there are none
	record  func(line []byte, f *fields, e Event) error // reads any other; the time is in now

	// What the name of the file and the header say.
	name      string
	line      int
	direction Direction
	layout    layout
	otherType bool // the header tells another type of log
	foreign   bool // nothing is read up to the next header
	inHeader  bool

	minute  [16]byte  // of the last line, as it is written
	began   time.Time // of that minute
	now     time.Time // of the last line that known did not read
	cut     bool      // the line lacks its end
	read    int       // records
	stopped bool
	split   fields // of that line
	blocks  blocks
}

// stream reads a log. The error is that of the reader, or an [ErrForeign], in a [LineError]; what was read before it counts.
func (s *scanner) stream(name string, r io.Reader) error {
	s.name, s.line, s.read, s.inHeader = name, 0, 0, false
	s.minute, s.began, s.now = [16]byte{}, time.Time{}, time.Time{}
	s.forget()
	r, err := decoded(r)
	if err == nil {
		err = s.blocks.each(r, s.block, s.long)
	}
	if err != nil {
		return &LineError{Source: s.source(), Err: err}
	}
	return nil
}

// forget goes back to what holds without a header.
func (s *scanner) forget() {
	s.direction, s.layout, s.otherType, s.foreign = directionOf(s.name), standardLayout, false, false
}

// directionOf tells what the name of a file says: RECV2026112008-1.LOG (observed).
func directionOf(name string) Direction {
	base := strings.ToUpper(path.Base(strings.ReplaceAll(name, `\`, "/")))
	switch {
	case strings.HasPrefix(base, "RECV"):
		return Receive
	case strings.HasPrefix(base, "SEND"):
		return Send
	}
	return 0
}

// of returns the direction of a record: without a header and a name that tells, a connector-id with a backslash is that of a receive log
// (observed).
func (s *scanner) of(f *fields) Direction {
	switch {
	case s.direction != 0:
		return s.direction
	case bytes.IndexByte(f[connectorID], '\\') >= 0:
		return Receive
	}
	return Send
}

func (s *scanner) source() connector.Source { return connector.Source{File: s.name, Line: s.line} }

// fail reports what is wrong with the line.
func (s *scanner) fail(err error, text []byte) {
	if s.stopped {
		return
	}
	const most = 60
	quoted := ""
	if len(text) > 0 {
		quoted = strconv.Quote(string(text[:min(len(text), most)]))
	}
	if len(text) > most {
		quoted += "..."
	}
	s.stopped = !s.problem(&LineError{Source: s.source(), Text: quoted, Err: err})
}

func (s *scanner) long(b []byte) bool {
	s.line++
	s.fail(ErrLong, b)
	return !s.stopped
}

func (s *scanner) block(b []byte) bool {
	for len(b) > 0 {
		line, rest := b, []byte(nil)
		n := bytes.IndexByte(b, '\n')
		if s.cut = n < 0; !s.cut {
			line, rest = b[:n], b[n+1:]
		}
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		b = rest
		s.line++
		if !s.sameMinute(line) || s.known == nil || !s.known(line) {
			s.learn(line)
		}
		if s.stopped {
			return false
		}
	}
	return true
}

// head is where the second field begins in the standard layout.
const head = stampLength + 1

// sameMinute tells whether a line of the standard layout begins with a time in the minute of the one before, and a comma.
func (s *scanner) sameMinute(line []byte) bool {
	return len(line) > head && [16]byte(line) == s.minute && endsMinute(binary.LittleEndian.Uint64(line[16:])) && line[stampLength] == ',' &&
		s.layout.standard && !s.foreign
}

// endsMinute tells whether eight bytes are the ":ss.mmmZ" of a time.
func endsMinute(b uint64) bool {
	const ( // the first byte is the lowest
		literals = 0x5a_30_30_30_2e_30_30_3a
		marks    = 0xff_00_00_00_ff_00_00_ff
		digits   = 0x00_f0_f0_f0_00_f0_f0_00
		carry    = 0x00_06_06_06_00_06_0a_00 // takes 10, or 6 in the tens of seconds, into the upper half
	)
	x := b ^ literals
	return x&(marks|digits) == 0 && (x+carry)&digits == 0
}

// learn reads any line.
func (s *scanner) learn(line []byte) {
	switch {
	case len(line) == 0:
		return
	case line[0] == '#':
		s.header(line)
		return
	}
	s.inHeader = false
	if s.foreign {
		s.fail(ErrForeign, nil)
		return
	}
	if err := s.fields(line); err != nil {
		switch {
		case bytes.IndexByte(line, 0) >= 0:
			err = ErrBinary
		case s.cut && s.read > 0:
			err = ErrCutOff
		}
		s.fail(err, line)
	}
}

// header reads a line that begins with #. Several headers in one stream are fine. Source: Protocol logging (documented); a log without a
// line Log-Type is observed.
func (s *scanner) header(line []byte) {
	name, value, _ := strings.Cut(string(line[1:]), ":")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	switch name {
	case "software", "version", "log-type", "date", "fields":
	default:
		return // a note
	}
	if !s.inHeader || name == "software" {
		s.forget()
	}
	s.inHeader = true
	switch name {
	case "log-type":
		switch strings.ToLower(value) {
		case "smtp receive protocol log":
			s.direction = Receive
		case "smtp send protocol log":
			s.direction = Send
		default:
			s.otherType, s.foreign = true, true
			s.fail(fmt.Errorf("%w: its type is %s", ErrForeign, strconv.Quote(value)), nil)
		}
	case "fields":
		if s.otherType {
			return
		}
		var err error
		s.layout, err = parseLayout(value)
		if s.foreign = err != nil; s.foreign {
			s.fail(err, line)
		}
	}
}

// fields reads a line that is to be a record.
func (s *scanner) fields(line []byte) error {
	f := &s.split
	if err := s.layout.split(line, f); err != nil {
		return err
	}
	t, ok := s.parse(f[dateTime])
	if !ok {
		return ErrTime
	}
	e, ok := event(f[eventColumn])
	if !ok || len(f[eventColumn]) == 0 && !isEndpoint(f[remoteEndpoint]) {
		return ErrEvent
	}
	for _, c := range [...]column{connectorID, sessionID} {
		if len(f[c]) == 0 || len(f[c]) > maxText {
			return ErrSession
		}
	}
	for _, c := range [...]column{localEndpoint, remoteEndpoint} {
		if len(f[c]) > maxText {
			return fmt.Errorf("%w: longer than %d bytes", ErrEndpoint, maxText)
		}
	}
	if s.now = t; [16]byte(f[dateTime]) != s.minute {
		minute := t.Truncate(time.Minute)
		if minute.Before(s.began.Add(-time.Minute)) {
			s.fail(ErrClock, f[dateTime])
		}
		s.minute, s.began = [16]byte(f[dateTime]), minute
	}
	if !utf8.Valid(f[connectorID]) {
		s.fail(ErrEncoding, f[connectorID])
	}
	if err := s.record(line, f, e); err != nil {
		return err
	}
	s.read++
	return nil
}

// parse is parseStamp, quicker for a time in the minute of the last line.
func (s *scanner) parse(b []byte) (time.Time, bool) {
	if len(b) != stampLength || [16]byte(b) != s.minute || !endsMinute(binary.LittleEndian.Uint64(b[16:])) {
		return parseStamp(b)
	}
	digit := func(i int) time.Duration { return time.Duration(b[i] - '0') }
	return s.began.Add((10*digit(17)+digit(18))*time.Second + (100*digit(20)+10*digit(21)+digit(22))*time.Millisecond), true
}
