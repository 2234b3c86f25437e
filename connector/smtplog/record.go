package smtplog

import (
	"errors"
	"io"
	"iter"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Record is one line of a protocol log. Source of the columns: Protocol logging (documented).
type Record struct {
	Source    connector.Source
	Direction Direction
	Time      time.Time // in UTC, with milliseconds
	Connector string    // connector-id as it stands there: SERVER\Name in a receive log, the name of a Send connector in a send log
	Session   string    // session-id
	Sequence  int       // from 0; may begin later, have gaps and repeat; -1 if it is no number
	// Local is the end of the server whose log it is, Remote the other one; the zero AddrPort if it is not there, as that of a send log
	// before it connects, or not readable.
	Local, Remote netip.AddrPort
	Event         Event
	Data, Context string
}

// Records yields the records of a log of Exchange 2007 or later, of either direction, in the order of the stream. Columns are found by the
// #Fields line, of which there may be several; without one they are the nine of all versions. The text may be in UTF-8 or UTF-16, and
// packed with gzip.
//
// An error that is a [*LineError] around one of the Err values of this package tells what was wrong with a line, or in one; reading goes
// on behind it. Any other, which comes from r, ends it. Records share nothing with the reader or each other.
func Records(name string, r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s := scanner{problem: func(e *LineError) bool { return yield(Record{}, e) }}
		s.record = func(_ []byte, f *fields, e Event) error {
			record := Record{Source: s.source(), Direction: s.of(f), Time: s.now, Connector: text(f[connectorID]), Session: text(f[sessionID]),
				Event: e, Data: text(f[dataColumn]), Context: text(f[contextColumn])}
			var err error
			if record.Sequence, err = strconv.Atoi(string(f[sequenceNumber])); err != nil || record.Sequence < 0 {
				record.Sequence = -1
			}
			record.Local = s.endpoint(f[localEndpoint], false)
			record.Remote = s.endpoint(f[remoteEndpoint], record.Direction == Receive)
			s.stopped = s.stopped || !yield(record, nil)
			return nil
		}
		if err := s.stream(name, r); err != nil && !s.stopped {
			yield(Record{}, err)
		}
	}
}

func text(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }

// endpoint reads an endpoint, which may be empty unless it is needed.
func (s *scanner) endpoint(b []byte, needed bool) netip.AddrPort {
	if at, ok := endpoint4(b); ok {
		return at
	}
	at, err := netip.ParseAddrPort(string(b))
	if err == nil {
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	if len(b) > 0 || needed {
		s.fail(ErrEndpoint, b)
	}
	return netip.AddrPort{}
}

func isEndpoint(b []byte) bool {
	_, err := netip.ParseAddrPort(string(b))
	return err == nil
}

// endpoint4 reads an IPv4 endpoint without allocating.
func endpoint4(b []byte) (netip.AddrPort, bool) {
	const parts = 5 // 10.0.0.1:25
	var value [parts]uint32
	part, digits := 0, 0
	for i, c := range b {
		switch {
		case '0' <= c && c <= '9':
			if digits > 0 && value[part] == 0 {
				return netip.AddrPort{}, false // netip knows what to say of a leading zero
			}
			value[part] = 10*value[part] + uint32(c-'0')
			if digits++; value[part] > 0xffff || part < 4 && value[part] > 0xff {
				return netip.AddrPort{}, false
			}
		case digits > 0 && i+1 < len(b) && (c == '.' && part < 3 || c == ':' && part == 3):
			part, digits = part+1, 0
		default:
			return netip.AddrPort{}, false
		}
	}
	if part != parts-1 || digits == 0 {
		return netip.AddrPort{}, false
	}
	a := netip.AddrFrom4([4]byte{byte(value[0]), byte(value[1]), byte(value[2]), byte(value[3])})
	return netip.AddrPortFrom(a, uint16(value[4])), true
}

// Sessions yields the sessions of a log, each as it ends; those that do not end in it follow at its end, in the order they began. What it
// reads and which errors come between is as with [Records]; a session whose endpoints are not readable is yielded all the same.
//
// Memory does not depend on the length of the log: where more than 32,768 sessions have not ended, those that had no line for longest are
// yielded as they are, without Ended, and what comes after of one of them is another Session without Started. Sessions share nothing with
// the reader or each other.
func Sessions(name string, r io.Reader) iter.Seq2[Session, error] {
	return func(yield func(Session, error) bool) {
		t := newTracker(
			func(s *live) bool { return yield(s.session(), nil) },
			func(e *LineError) bool { return yield(Session{}, e) })
		err := t.stream(name, r)
		t.flush()
		if err != nil && !t.stopped {
			yield(Session{}, err)
		}
	}
}

// reason returns the Err value of this package that err wraps, nil if it wraps none.
func reason(err error) error {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.err
		}
	}
	return nil
}
