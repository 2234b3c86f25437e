package connector

// Properties names fields of a [Server] or [ReceiveConnector] whose value is unknown or incomplete: a truncated list, a
// column that was not exported. Zero means that everything is known. The bit values are this library's own.
type Properties uint32

const (
	PropertyBindings Properties = 1 << iota
	PropertyRemoteIPRanges
	PropertyAuthMechanism
	PropertyPermissionGroups
	PropertyTransportRole
	PropertyEnabled
	PropertyFQDN
	PropertyRights
	PropertyRequireTLS
	PropertySuppressXAnonymousTLS
	PropertyEnableAuthGSSAPI
	PropertyDomainSecure
	PropertySite
	PropertyDAG
	PropertyVersion
	PropertyRoles
	PropertyAddresses
	PropertyDowngradedExchangeAuth
	PropertyInternalTransportCertificate
	PropertySizeEnabled
	PropertyMaxMessageSize
	PropertyExtensions // DisabledExtensions, OrarEnabled and LongAddressesEnabled
	PropertyLimits     // all of Limits
)

var propertyNames = []flagName{
	{uint64(PropertyBindings), "Bindings"},
	{uint64(PropertyRemoteIPRanges), "RemoteIPRanges"},
	{uint64(PropertyAuthMechanism), "AuthMechanism"},
	{uint64(PropertyPermissionGroups), "PermissionGroups"},
	{uint64(PropertyTransportRole), "TransportRole"},
	{uint64(PropertyEnabled), "Enabled"},
	{uint64(PropertyFQDN), "Fqdn"},
	{uint64(PropertyRights), "Rights"},
	{uint64(PropertyRequireTLS), "RequireTLS"},
	{uint64(PropertySuppressXAnonymousTLS), "SuppressXAnonymousTls"},
	{uint64(PropertyEnableAuthGSSAPI), "EnableAuthGSSAPI"},
	{uint64(PropertyDomainSecure), "DomainSecureEnabled"},
	{uint64(PropertySite), "Site"},
	{uint64(PropertyDAG), "DAG"},
	{uint64(PropertyVersion), "Version"},
	{uint64(PropertyRoles), "Roles"},
	{uint64(PropertyAddresses), "Addresses"},
	{uint64(PropertyDowngradedExchangeAuth), "UseDowngradedExchangeServerAuth"},
	{uint64(PropertyInternalTransportCertificate), "InternalTransportCertificateThumbprint"},
	{uint64(PropertySizeEnabled), "SizeEnabled"},
	{uint64(PropertyMaxMessageSize), "MaxMessageSize"},
	{uint64(PropertyExtensions), "Extensions"},
	{uint64(PropertyLimits), "Limits"},
}

// ParseProperties reads "AuthMechanism, RemoteIPRanges" in any order and case. Every error is a [*ParseError].
func ParseProperties(s string) (Properties, error) {
	v, err := parseFlags("property", s, propertyNames)
	return Properties(v), err
}

// Has tells whether all properties of f are in p.
func (p Properties) Has(f Properties) bool { return p&f == f }

// String prints the names in ascending order, "None" for zero.
func (p Properties) String() string { return printFlags(uint64(p), propertyNames) }

// AppendText appends what String returns.
func (p Properties) AppendText(b []byte) ([]byte, error) { return append(b, p.String()...), nil }

// MarshalText returns what String returns.
func (p Properties) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is [ParseProperties].
func (p *Properties) UnmarshalText(text []byte) (err error) {
	*p, err = ParseProperties(string(text))
	return err
}
