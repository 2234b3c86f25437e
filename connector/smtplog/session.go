package smtplog

import (
	"net/netip"
	"time"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Session is one SMTP session of a log, or as much of it as is there. What the log does not tell is zero.
type Session struct {
	Source    connector.Source // its first line
	Direction Direction
	Connector string         // connector-id as it stands there: SERVER\Name in a receive log, the name of a Send connector in a send log
	ID        string         // session-id
	Local     netip.AddrPort // the server's end
	Remote    netip.AddrPort // the other end
	First     time.Time      // of the first line, in UTC, with milliseconds
	Last      time.Time      // of the last line
	Started   bool           // the log holds the line of its beginning
	Ended     bool           // the log holds the line of its end
	Lines     int

	Traits    Traits
	Hello     string     // the last name that EHLO or HELO gave, at most 255 bytes
	Host      string     // the name that the reply to EHLO gives
	Rights    string     // those of the last line Set Session Permissions, as they stand there
	Client    netip.Addr // the client behind the front end, of a session with Proxied
	Messages  int        // that were accepted, as far as replies in the words of Exchange tell
	Transient int        // replies with a code 4xx
	Permanent int        // replies with a code 5xx
	Reply     string     // the last of these, at most 255 bytes

	piece *piece // of a session that is not whole
}

// Whole tells whether the log holds the session from its beginning to its end.
func (s *Session) Whole() bool { return s.Started && s.Ended }

// conclude tells what only the whole session shows.
func (s *Session) conclude() {
	s.Traits &^= MailAnonymous | MailInClear | MailBare | AuthInClear | AuthWithTLS
	clear := s.Started && !s.Traits.Has(Encrypted)
	anonymous := s.Started && !s.Traits.Any(AuthUser|AuthServer)
	for _, t := range [...]struct {
		holds bool
		trait Traits
	}{
		{s.Messages > 0 && anonymous, MailAnonymous}, {s.Messages > 0 && clear, MailInClear}, {s.Messages > 0 && anonymous && clear, MailBare},
		{s.Traits.Any(AuthUser) && clear, AuthInClear}, {s.Traits.Any(AuthUser) && s.Traits.Has(Encrypted), AuthWithTLS},
	} {
		if t.holds {
			s.Traits |= t.trait
		}
	}
}

// maxText is the most that is kept of what a peer may make as long as it likes.
const maxText = 255
