package connector

// PermissionGroups is the value of a connector's PermissionGroups: flags with Exchange's own bit values. Zero is "None".
// Source: New-ReceiveConnector, -PermissionGroups (documented); the numbers up to 8 are observed in real exports, 16 and
// 32 are inferred from the order of declaration.
type PermissionGroups uint8

const (
	GroupAnonymousUsers PermissionGroups = 1 << iota
	GroupExchangeUsers
	GroupExchangeServers
	GroupExchangeLegacyServers
	GroupPartners
	GroupCustom // set by Exchange itself once extended rights were granted beside the groups
)

var groupNames = []flagName{
	{uint64(GroupAnonymousUsers), "AnonymousUsers"},
	{uint64(GroupExchangeUsers), "ExchangeUsers"},
	{uint64(GroupExchangeServers), "ExchangeServers"},
	{uint64(GroupExchangeLegacyServers), "ExchangeLegacyServers"},
	{uint64(GroupPartners), "Partners"},
	{uint64(GroupCustom), "Custom"},
}

// ParsePermissionGroups reads "AnonymousUsers, ExchangeServers", in any order and case, "None", or the decimal sum of
// the flags. Every error is a [*ParseError].
func ParsePermissionGroups(s string) (PermissionGroups, error) {
	v, err := parseFlags("PermissionGroups", s, groupNames)
	return PermissionGroups(v), err
}

// Has tells whether all groups of f are in g.
func (g PermissionGroups) Has(f PermissionGroups) bool { return g&f == f }

// String prints Exchange's spelling in ascending order of the flags.
func (g PermissionGroups) String() string { return printFlags(uint64(g), groupNames) }

// AppendText appends what String returns.
func (g PermissionGroups) AppendText(b []byte) ([]byte, error) { return append(b, g.String()...), nil }

// MarshalText returns what String returns.
func (g PermissionGroups) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText is [ParsePermissionGroups].
func (g *PermissionGroups) UnmarshalText(text []byte) (err error) {
	*g, err = ParsePermissionGroups(string(text))
	return err
}
