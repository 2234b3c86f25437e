package connector

import "strings"

// TransportRole is the service a connector belongs to, with Exchange's own values. Zero means unset, as on 2007 and
// 2010, where one process serves all connectors.
// Source: New-ReceiveConnector, -TransportRole (documented); the numbers are observed in real exports.
type TransportRole uint16

const (
	HubTransport      TransportRole = 32    // the Transport service
	FrontendTransport TransportRole = 16384 // the Front End Transport service
)

// ParseTransportRole reads "HubTransport" or "FrontendTransport" in any case, the short "Hub" and "Frontend" that
// PowerShell takes for them, or the number. Every error is a [*ParseError].
func ParseTransportRole(s string) (TransportRole, error) {
	switch name := strings.TrimSpace(s); strings.ToLower(name) {
	case "":
		return 0, &ParseError{Kind: "TransportRole", Input: s, Err: ErrEmpty}
	case "hubtransport", "hub", "32":
		return HubTransport, nil
	case "frontendtransport", "frontend", "16384":
		return FrontendTransport, nil
	default:
		return 0, &ParseError{Kind: "TransportRole", Input: s, Offset: strings.Index(s, name), Err: ErrUnknownName}
	}
}

// String prints Exchange's spelling, nothing for the unset role.
func (r TransportRole) String() string {
	switch r {
	case HubTransport:
		return "HubTransport"
	case FrontendTransport:
		return "FrontendTransport"
	}
	return ""
}

// AppendText appends what String returns.
func (r TransportRole) AppendText(b []byte) ([]byte, error) { return append(b, r.String()...), nil }

// MarshalText returns what String returns.
func (r TransportRole) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is [ParseTransportRole].
func (r *TransportRole) UnmarshalText(text []byte) (err error) {
	*r, err = ParseTransportRole(string(text))
	return err
}

// ServerRoles are the roles installed on a server, spelled as in Get-ExchangeServer's ServerRole. The bit values are this
// library's own. Zero is "None" and is taken as "not told": the server is then assumed to hold every role its version has.
type ServerRoles uint8

const (
	RoleMailbox ServerRoles = 1 << iota
	RoleClientAccess
	RoleUnifiedMessaging
	RoleHubTransport
	RoleEdge
)

var roleNames = []flagName{
	{uint64(RoleMailbox), "Mailbox"},
	{uint64(RoleClientAccess), "ClientAccess"},
	{uint64(RoleUnifiedMessaging), "UnifiedMessaging"},
	{uint64(RoleHubTransport), "HubTransport"},
	{uint64(RoleEdge), "Edge"},
}

// ParseServerRoles reads "Mailbox, ClientAccess, HubTransport" in any order and case. Every error is a [*ParseError];
// numbers are refused, because their meaning is not documented.
func ParseServerRoles(s string) (ServerRoles, error) {
	if t := strings.TrimSpace(s); t != "" && strings.Trim(t, "0123456789") == "" {
		return 0, &ParseError{Kind: "ServerRole", Input: s, Err: ErrUnknownName}
	}
	v, err := parseFlags("ServerRole", s, roleNames)
	return ServerRoles(v), err
}

// Has tells whether all roles of f are in r.
func (r ServerRoles) Has(f ServerRoles) bool { return r&f == f }

// String prints Exchange's spelling.
func (r ServerRoles) String() string { return printFlags(uint64(r), roleNames) }

// AppendText appends what String returns.
func (r ServerRoles) AppendText(b []byte) ([]byte, error) { return append(b, r.String()...), nil }

// MarshalText returns what String returns.
func (r ServerRoles) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is [ParseServerRoles].
func (r *ServerRoles) UnmarshalText(text []byte) (err error) {
	*r, err = ParseServerRoles(string(text))
	return err
}
