package connector

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Limits are bounds of a connector's sessions that the cmdlets check. They decide nothing about who is served, so the zero value
// of each simply is "not told".
type Limits struct {
	ConnectionTimeout                       TimeSpan `json:"connectionTimeout,omitzero"`
	ConnectionInactivityTimeout             TimeSpan `json:"connectionInactivityTimeout,omitzero"`
	MaxHopCount                             Limit    `json:"maxHopCount,omitzero"`
	MaxLocalHopCount                        Limit    `json:"maxLocalHopCount,omitzero"`
	MaxInboundConnectionPerSource           Limit    `json:"maxInboundConnectionPerSource,omitzero"`
	MaxInboundConnectionPercentagePerSource Limit    `json:"maxInboundConnectionPercentagePerSource,omitzero"`
	MaxLogonFailures                        Limit    `json:"maxLogonFailures,omitzero"`
	MaxRecipientsPerMessage                 Limit    `json:"maxRecipientsPerMessage,omitzero"`
}

// LimitValue is a pointer to one of [Limits]: a *[Limit] or a *[TimeSpan]. Its text is empty if it is not told.
type LimitValue interface {
	String() string
	UnmarshalText(text []byte) error
	set(text string) // of the same type, or nothing
}

func (l *Limit) set(text string)    { *l, _ = ParseLimit(text) }
func (t *TimeSpan) set(text string) { *t, _ = ParseTimeSpan(text) }

// texts returns the text of every limit by name.
func (l Limits) texts() map[string]string {
	texts := make(map[string]string)
	for name, v := range l.All() {
		texts[name] = v.String()
	}
	return texts
}

// All yields every limit in the order of the fields, with the name of the property. What is set through the pointer is set in l.
func (l *Limits) All() iter.Seq2[string, LimitValue] {
	return func(yield func(string, LimitValue) bool) {
		_ = yield("ConnectionTimeout", &l.ConnectionTimeout) &&
			yield("ConnectionInactivityTimeout", &l.ConnectionInactivityTimeout) &&
			yield("MaxHopCount", &l.MaxHopCount) &&
			yield("MaxLocalHopCount", &l.MaxLocalHopCount) &&
			yield("MaxInboundConnectionPerSource", &l.MaxInboundConnectionPerSource) &&
			yield("MaxInboundConnectionPercentagePerSource", &l.MaxInboundConnectionPercentagePerSource) &&
			yield("MaxLogonFailures", &l.MaxLogonFailures) &&
			yield("MaxRecipientsPerMessage", &l.MaxRecipientsPerMessage)
	}
}

// Limit is a number that may be unlimited, printed as Exchange prints it. The zero Limit is "not told", which is not 0.
type Limit struct {
	told uint8 // 0: not told, 1: n, 2: unlimited
	n    uint32
}

// Unlimited is no limit.
var Unlimited = Limit{told: 2}

// LimitOf returns the limit n.
func LimitOf(n uint32) Limit { return Limit{told: 1, n: n} }

// ParseLimit reads "20" or "unlimited", in any case. Every error is a [*ParseError].
func ParseLimit(s string) (Limit, error) {
	body := strings.TrimSpace(s)
	if body == "" {
		return Limit{}, &ParseError{Kind: "limit", Input: s, Err: ErrEmpty}
	}
	if strings.EqualFold(body, "unlimited") {
		return Unlimited, nil
	}
	n, err := strconv.ParseUint(body, 10, 32)
	if err != nil || body[0] == '+' {
		return Limit{}, &ParseError{Kind: "limit", Input: s, Offset: strings.Index(s, body), Err: ErrLimit}
	}
	return LimitOf(uint32(n)), nil
}

// Number returns the number, and false if the limit is unlimited or not told.
func (l Limit) Number() (uint32, bool) { return l.n, l.told == 1 }

// String prints "20" or "Unlimited", nothing for the zero Limit.
func (l Limit) String() string {
	switch l.told {
	case 1:
		return strconv.FormatUint(uint64(l.n), 10)
	case 2:
		return "Unlimited"
	}
	return ""
}

// AppendText appends what String returns.
func (l Limit) AppendText(b []byte) ([]byte, error) { return append(b, l.String()...), nil }

// MarshalText returns what String returns.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText is [ParseLimit].
func (l *Limit) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLimit(string(text))
	return err
}

// TimeSpan is a number of seconds, printed as Exchange prints a span of time. Zero is "not told".
type TimeSpan uint32

// Units of a [TimeSpan].
const (
	Second TimeSpan = 1
	Minute          = 60 * Second
	Hour            = 60 * Minute
	Day             = 24 * Hour
)

// ParseTimeSpan reads "00:10:00" or, with days, "1.00:00:00"; fractions of a second are cut off. A span of nothing is refused.
// Every error is a [*ParseError].
func ParseTimeSpan(s string) (TimeSpan, error) {
	body := strings.TrimSpace(s)
	fail := func(err error) (TimeSpan, error) {
		return 0, &ParseError{Kind: "time span", Input: s, Offset: max(0, strings.Index(s, body)), Err: err}
	}
	if body == "" {
		return fail(ErrEmpty)
	}
	parts := strings.Split(body, ":")
	if len(parts) != 3 {
		return fail(ErrTimeSpan)
	}
	days, hours, hasDays := strings.Cut(parts[0], ".")
	if !hasDays {
		days, hours = "0", days
	}
	seconds, fraction, _ := strings.Cut(parts[2], ".")
	var total TimeSpan
	for _, p := range []struct {
		digits string
		unit   TimeSpan
		below  uint64
	}{{days, Day, 10_000}, {hours, Hour, 24}, {parts[1], Minute, 60}, {seconds, Second, 60}} {
		n, err := strconv.ParseUint(p.digits, 10, 32)
		if err != nil || n >= p.below || p.digits[0] == '+' {
			return fail(ErrTimeSpan)
		}
		total += TimeSpan(n) * p.unit
	}
	if strings.Trim(fraction, "0123456789") != "" || total == 0 {
		return fail(ErrTimeSpan)
	}
	return total, nil
}

// String prints "00:10:00", with days "1.00:00:00"; nothing for zero.
func (t TimeSpan) String() string {
	if t == 0 {
		return ""
	}
	text := fmt.Sprintf("%02d:%02d:%02d", t%Day/Hour, t%Hour/Minute, t%Minute)
	if days := t / Day; days > 0 {
		text = strconv.FormatUint(uint64(days), 10) + "." + text
	}
	return text
}

// AppendText appends what String returns.
func (t TimeSpan) AppendText(b []byte) ([]byte, error) { return append(b, t.String()...), nil }

// MarshalText returns what String returns.
func (t TimeSpan) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText is [ParseTimeSpan].
func (t *TimeSpan) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTimeSpan(string(text))
	return err
}
