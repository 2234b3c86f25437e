package connector

// AuthMechanism is the value of a connector's AuthMechanism: flags with Exchange's own bit values. Zero is "None".
// Source: New-ReceiveConnector, -AuthMechanism (documented); the numbers up to 16 are observed in real exports, 32 is
// inferred from the order of declaration.
type AuthMechanism uint8

const (
	AuthTLS                   AuthMechanism = 1 << iota // STARTTLS is offered
	AuthIntegrated                                      // AUTH NTLM
	AuthBasic                                           // AUTH LOGIN
	AuthBasicRequireTLS                                 // AUTH LOGIN only after TLS
	AuthExchangeServer                                  // X-ANONYMOUSTLS and X-EXPS: Exchange Server authentication
	AuthExternalAuthoritative                           // nothing is offered; the session is trusted
)

var authNames = []flagName{
	{uint64(AuthTLS), "Tls"},
	{uint64(AuthIntegrated), "Integrated"},
	{uint64(AuthBasic), "BasicAuth"},
	{uint64(AuthBasicRequireTLS), "BasicAuthRequireTLS"},
	{uint64(AuthExchangeServer), "ExchangeServer"},
	{uint64(AuthExternalAuthoritative), "ExternalAuthoritative"},
}

// ParseAuthMechanism reads "Tls, ExchangeServer", in any order and case, "None", or the decimal sum of the flags. Every
// error is a [*ParseError]. "None" beside another value is refused, as New-ReceiveConnector does (documented).
func ParseAuthMechanism(s string) (AuthMechanism, error) {
	v, err := parseFlags("AuthMechanism", s, authNames)
	return AuthMechanism(v), err
}

// Has tells whether all mechanisms of f are in m.
func (m AuthMechanism) Has(f AuthMechanism) bool { return m&f == f }

// String prints Exchange's spelling in ascending order of the flags: "Tls, ExchangeServer".
func (m AuthMechanism) String() string { return printFlags(uint64(m), authNames) }

// AppendText appends what String returns.
func (m AuthMechanism) AppendText(b []byte) ([]byte, error) { return append(b, m.String()...), nil }

// MarshalText returns what String returns.
func (m AuthMechanism) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText is [ParseAuthMechanism].
func (m *AuthMechanism) UnmarshalText(text []byte) (err error) {
	*m, err = ParseAuthMechanism(string(text))
	return err
}
