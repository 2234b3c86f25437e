package smtplog

import (
	"cmp"
	"encoding/json"
	"math/bits"
	"time"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Tally counts sessions that have something in common. Tallies add up, in any order.
type Tally struct {
	Sessions  int       `json:"sessions"`
	Partial   int       `json:"partial,omitzero"` // of them those without their beginning or end
	Lines     int       `json:"lines"`
	Messages  int       `json:"messages"` // that were accepted, as far as replies in the words of Exchange tell
	Transient int       `json:"transient,omitzero"`
	Permanent int       `json:"permanent,omitzero"`
	First     time.Time `json:"first,omitzero"` // of the first line, in UTC
	Last      time.Time `json:"last,omitzero"`
	Traits    Counts    `json:"traits,omitzero"`
	Hello     Said      `json:"hello,omitzero"` // the last name that EHLO or HELO gave
	Host      Said      `json:"host,omitzero"`  // the last name that the reply to it gave
	// ServerHello is the last name of EHLO in a session that authenticated with X-EXPS, ServerHost the last name in a reply to EHLO that
	// offered X-EXPS.
	ServerHello Said    `json:"serverHello,omitzero"`
	ServerHost  Said    `json:"serverHost,omitzero"`
	Rights      Said    `json:"rights,omitzero"` // those of the last line Set Session Permissions
	Reply       Said    `json:"reply,omitzero"`  // the last reply 4xx or 5xx
	Example     Example `json:"example,omitzero"`
}

// Said is a text of the latest session that has one.
type Said struct {
	Text string    `json:"text"`
	At   time.Time `json:"at"` // the session's last line
}

func (s *Said) merge(o Said) {
	if o.Text != "" && (s.Text == "" || cmp.Or(o.At.Compare(s.At), cmp.Compare(o.Text, s.Text)) > 0) {
		*s = o
	}
}

// Example is the first session of several.
type Example struct {
	Session string           `json:"session"` // session-id
	At      time.Time        `json:"at"`      // its first line
	Source  connector.Source `json:"source"`
}

func (e *Example) merge(o Example) {
	none := o.Source == connector.Source{}
	if !none && ((e.Source == connector.Source{}) || o.compare(*e) < 0) {
		*e = o
	}
}

func (e Example) compare(o Example) int {
	return cmp.Or(e.At.Compare(o.At), cmp.Compare(e.Session, o.Session), cmp.Compare(e.Source.File, o.Source.File), cmp.Compare(e.Source.Line, o.Source.Line))
}

// Counts are numbers of sessions by trait.
type Counts [len(traitNames)]int

// Of returns how many sessions have a trait, which must be a single one.
func (c *Counts) Of(t Traits) int { return c[bits.TrailingZeros32(uint32(t))] }

// IsZero tells whether no session has a trait.
func (c Counts) IsZero() bool { return c == Counts{} }

// Seen returns the traits that at least one session has.
func (c *Counts) Seen() (t Traits) {
	for i, n := range c {
		if n > 0 {
			t |= 1 << i
		}
	}
	return t
}

// MarshalJSON writes an object of the names of traits and their numbers, without those of nobody.
func (c Counts) MarshalJSON() ([]byte, error) {
	m := make(map[string]int)
	for i, n := range c {
		if n != 0 {
			m[traitNames[i]] = n
		}
	}
	return json.Marshal(m)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Counts) UnmarshalJSON(data []byte) error {
	var m map[string]int
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	*c = Counts{}
	for name, n := range m {
		t, err := ParseTraits(name)
		if err != nil {
			return err
		}
		if bits.OnesCount32(uint32(t)) != 1 {
			return &connector.ParseError{Kind: "trait", Input: name, Err: connector.ErrUnknownName}
		}
		c[bits.TrailingZeros32(uint32(t))] = n
	}
	return nil
}

// add counts a session.
func (t *Tally) add(s *Session) {
	t.Sessions++
	if !s.Whole() {
		t.Partial++
	}
	t.Lines += s.Lines
	t.Messages += s.Messages
	t.Transient += s.Transient
	t.Permanent += s.Permanent
	if t.First.IsZero() || s.First.Before(t.First) {
		t.First = s.First
	}
	if s.Last.After(t.Last) {
		t.Last = s.Last
	}
	for left := uint32(s.Traits); left != 0; left &= left - 1 {
		t.Traits[bits.TrailingZeros32(left)]++
	}
	t.Hello.merge(Said{s.Hello, s.Last})
	t.Host.merge(Said{s.Host, s.Last})
	if s.Traits.Any(AuthServer) {
		t.ServerHello.merge(Said{s.Hello, s.Last})
	}
	if s.Traits.Any(OfferedXEXPS | OfferedExchangeAuth) {
		t.ServerHost.merge(Said{s.Host, s.Last})
	}
	t.Rights.merge(Said{s.Rights, s.Last})
	t.Reply.merge(Said{s.Reply, s.Last})
}

// Merge adds the sessions of another tally.
func (t *Tally) Merge(o Tally) {
	t.Sessions += o.Sessions
	t.Partial += o.Partial
	t.Lines += o.Lines
	t.Messages += o.Messages
	t.Transient += o.Transient
	t.Permanent += o.Permanent
	if t.First.IsZero() || !o.First.IsZero() && o.First.Before(t.First) {
		t.First = o.First
	}
	if o.Last.After(t.Last) {
		t.Last = o.Last
	}
	for i, n := range o.Traits {
		t.Traits[i] += n
	}
	t.Hello.merge(o.Hello)
	t.Host.merge(o.Host)
	t.ServerHello.merge(o.ServerHello)
	t.ServerHost.merge(o.ServerHost)
	t.Rights.merge(o.Rights)
	t.Reply.merge(o.Reply)
	t.Example.merge(o.Example)
}
