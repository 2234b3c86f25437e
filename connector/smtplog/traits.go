package smtplog

import (
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Traits are what a log tells about a session. Zero is "None". The bit values are this library's own.
type Traits uint32

const (
	// SawOffer: the reply to EHLO in clear is in the log, so that what it does not offer is known not to be offered.
	SawOffer             Traits = 1 << iota
	OfferedSTARTTLS             // in clear
	OfferedXAnonymousTLS        // X-ANONYMOUSTLS, in clear
	OfferedXEXPS                // X-EXPS, in clear
	OfferedExchangeAuth         // X-EXPS EXCHANGEAUTH, after X-ANONYMOUSTLS
	Encrypted                   // by either way, or by one that the log does not show
	TookSTARTTLS                // and got it
	TookXAnonymousTLS           // and got it
	TLSFailed
	AuthLogin     // authenticated with AUTH LOGIN
	AuthNTLM      // with AUTH NTLM
	AuthGSSAPI    // with AUTH GSSAPI
	AuthXEXPS     // with X-EXPS GSSAPI or X-EXPS NTLM
	AuthExchange  // with X-EXPS EXCHANGEAUTH
	AuthOther     // with something else, or the log does not show how
	AuthFailed    // authentication was tried and failed
	MailAnonymous // a message was accepted, and the session, whose beginning is there, never authenticated
	MailInClear   // a message was accepted, and the session, whose beginning is there, never encrypted
	MailBare      // both
	AuthInClear   // authenticated as a user, and the session, whose beginning is there, never encrypted
	AuthWithTLS   // authenticated as a user in a session that encrypted
	RelayGranted  // the connector gave the right to send to any recipient
	CannotAchieve // 451 5.7.3 Cannot achieve Exchange Server authentication
	Proxied       // the session is that of a client behind a front end, which XPROXY names
	traitsEnd
)

// Sets of traits.
const (
	// AuthUser is authentication as a user, by whatever mechanism.
	AuthUser = AuthLogin | AuthNTLM | AuthGSSAPI | AuthOther
	// AuthServer is Exchange Server authentication.
	AuthServer = AuthXEXPS | AuthExchange
)

var traitNames = [...]string{"SawOffer", "OfferedSTARTTLS", "OfferedXAnonymousTLS", "OfferedXEXPS", "OfferedExchangeAuth", "Encrypted", "TookSTARTTLS",
	"TookXAnonymousTLS", "TLSFailed", "AuthLogin", "AuthNTLM", "AuthGSSAPI", "AuthXEXPS", "AuthExchange", "AuthOther", "AuthFailed", "MailAnonymous",
	"MailInClear", "MailBare", "AuthInClear", "AuthWithTLS", "RelayGranted", "CannotAchieve", "Proxied"}

// Has tells whether all traits of f are in t.
func (t Traits) Has(f Traits) bool { return t&f == f }

// Any tells whether one of f is in t.
func (t Traits) Any(f Traits) bool { return t&f != 0 }

// String prints the names of the constants in ascending order: "SawOffer, Encrypted, TookSTARTTLS".
func (t Traits) String() string {
	if t == 0 {
		return "None"
	}
	var names []string
	for i, name := range traitNames {
		if t&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// ParseTraits reads what String prints, in any order and case. Every error is a [*connector.ParseError].
func ParseTraits(s string) (t Traits, err error) {
	if s == "None" {
		return 0, nil
	}
	offset := 0
next:
	for _, part := range strings.Split(s, ",") {
		word := strings.TrimLeft(part, " ")
		for i, name := range traitNames {
			if strings.EqualFold(strings.TrimSpace(word), name) {
				t |= 1 << i
				offset += len(part) + 1
				continue next
			}
		}
		return 0, &connector.ParseError{Kind: "traits", Input: s, Offset: offset + len(part) - len(word), Err: connector.ErrUnknownName}
	}
	return t, nil
}

// MarshalText returns what String returns.
func (t Traits) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText is [ParseTraits].
func (t *Traits) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTraits(string(text))
	return err
}
