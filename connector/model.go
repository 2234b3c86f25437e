package connector

import (
	"net/netip"
	"slices"
)

// Topology is everything known about an Exchange organization's mail servers: open records that people write, edit and
// store. [Compile] turns it into something that answers questions. The JSON form is described in the package
// documentation.
type Topology struct {
	Servers    []Server           `json:"servers,omitzero"`
	Connectors []ReceiveConnector `json:"connectors,omitzero"` // the order is the configuration order, which settles ties
	Databases  []Database         `json:"databases,omitzero"`
	Networks   []Network          `json:"networks,omitzero"`
	Accepted   []Acceptance       `json:"accepted,omitzero"` // findings that are known and accepted
}

// Server is an Exchange server. A server that is named only by its connectors need not have a record.
type Server struct {
	Name    string      `json:"name"`
	FQDN    string      `json:"fqdn,omitzero"`
	Site    string      `json:"site,omitzero"` // Active Directory site; of an Edge server the site it is subscribed to
	DAG     string      `json:"dag,omitzero"`
	Version Version     `json:"version,omitzero"`
	Roles   ServerRoles `json:"roles,omitzero"` // none: every role the version has

	// Addresses are the server's own. None means unknown, because a server without an address does not exist.
	Addresses []netip.Addr `json:"addresses,omitzero"`

	// DowngradedExchangeAuth is UseDowngradedExchangeServerAuth of Set-TransportService: the server may authenticate
	// with X-EXPS GSSAPI in clear. The default is false (documented).
	DowngradedExchangeAuth bool `json:"useDowngradedExchangeServerAuth,omitzero"`

	// InternalTransportCertificate is InternalTransportCertificateThumbprint of Get-TransportService: the certificate behind
	// X-ANONYMOUSTLS. Empty means not told; it is then assumed that there is one that can be used.
	InternalTransportCertificate string `json:"internalTransportCertificateThumbprint,omitzero"`

	// NoCertificate: no certificate of the server can be used, so it offers neither STARTTLS nor X-ANONYMOUSTLS (product), and
	// as a sender it cannot prove itself by one. No export tells that.
	NoCertificate bool `json:"noCertificate,omitzero"`

	// Unsubscribed: an Edge Transport server without an Edge subscription. One without a Site whose subscription nobody
	// told is taken for one that may be subscribed to any site.
	Unsubscribed bool `json:"unsubscribed,omitzero"`

	Missing     Properties `json:"missing,omitzero"`
	Conflicting Properties `json:"conflicting,omitzero"` // as of a ReceiveConnector
	Source      Source     `json:"-"`
}

// ReceiveConnector is a receive connector with the properties that decide who is served by it and what they get.
type ReceiveConnector struct {
	ID            ID            `json:"identity"`
	TransportRole TransportRole `json:"transportRole,omitzero"` // unset before 2013
	Disabled      bool          `json:"disabled,omitzero"`      // Enabled, turned round, so that a literal without it is enabled

	// Bindings are the local endpoints; 0.0.0.0 and [::] stand for every local address of their family.
	Bindings []netip.AddrPort `json:"bindings,omitzero"`
	// RemoteIPRanges are the sources the connector serves, in the order of the configuration.
	RemoteIPRanges []Range `json:"remoteIPRanges,omitzero"`

	AuthMechanism    AuthMechanism    `json:"authMechanism,omitzero"`
	PermissionGroups PermissionGroups `json:"permissionGroups,omitzero"`
	Rights           []Grant          `json:"rights,omitzero"` // extended rights, in addition to those of the groups

	FQDN                  string `json:"fqdn,omitzero"`
	RequireTLS            bool   `json:"requireTLS,omitzero"`
	SuppressXAnonymousTLS bool   `json:"suppressXAnonymousTls,omitzero"`
	EnableAuthGSSAPI      bool   `json:"enableAuthGSSAPI,omitzero"`
	DomainSecure          bool   `json:"domainSecureEnabled,omitzero"`

	// What the EHLO reply announces beside encryption and authentication.
	SizeEnabled          SizeMode   `json:"sizeEnabled,omitzero"`        // zero: Enabled, the default
	MaxMessageSize       ByteSize   `json:"maxMessageSize,omitzero"`     // zero: the default of the version
	DisabledExtensions   Extensions `json:"disabledExtensions,omitzero"` // of those that are on by default
	OrarEnabled          bool       `json:"orarEnabled,omitzero"`
	LongAddressesEnabled bool       `json:"longAddressesEnabled,omitzero"`

	Limits // what the cmdlets check beside

	Missing Properties `json:"missing,omitzero"`
	// Conflicting are the properties that two sources tell differently. The value is that of the first, and as nobody knows
	// which is right, they are in Missing as well.
	Conflicting Properties `json:"conflicting,omitzero"`
	Source      Source     `json:"-"`
}

// Grant is an extended right on a connector, as Get-ADPermission shows it.
type Grant struct {
	Principal string `json:"principal"` // NT AUTHORITY\ANONYMOUS LOGON
	Right     string `json:"right"`     // ms-Exch-SMTP-Accept-Any-Recipient
	Deny      bool   `json:"deny,omitzero"`
}

// String prints "NT AUTHORITY\ANONYMOUS LOGON: ms-Exch-SMTP-Accept-Any-Recipient", with "deny" before it where it is denied.
func (g Grant) String() string {
	s := g.Principal + ": " + g.Right
	if g.Deny {
		return "deny " + s
	}
	return s
}

// Connector returns the connector with this ID and whether there is one. The result shares its slices with t.
func (t *Topology) Connector(id ID) (ReceiveConnector, bool) {
	i := t.connectorIndex(id)
	if i < 0 {
		return ReceiveConnector{}, false
	}
	return t.Connectors[i], true
}

func (t *Topology) connectorIndex(id ID) int {
	return slices.IndexFunc(t.Connectors, func(c ReceiveConnector) bool { return c.ID.Equal(id) })
}

// Server returns the record of the server with this name, whatever its case, and whether there is one. The result shares
// its slices with t.
func (t *Topology) Server(name string) (Server, bool) {
	for _, s := range t.Servers {
		if compareFold(s.Name, name) == 0 {
			return s, true
		}
	}
	return Server{}, false
}

// AllServers returns the servers with a record, in their order, and behind them those that are named only by connectors,
// in the order of their first connector; of the latter Missing says that nothing else is known. The slices are shared
// with t, so do not write to them.
//
// A server without addresses gets those its connectors are bound to, and Missing then holds PropertyAddresses: a binding
// to a specific address is a possible address of the server (inferred).
func (t *Topology) AllServers() []Server {
	all := slices.Clone(t.Servers)
	at := make(map[string]int, len(all))
	for i, s := range all {
		at[foldKey(s.Name)] = i
	}
	told := len(all)
	unaddressed := func(i int) bool { return i >= told || len(t.Servers[i].Addresses) == 0 }
	for _, c := range t.Connectors {
		key := foldKey(c.ID.Server)
		i, ok := at[key]
		if !ok {
			i = len(all)
			at[key] = i
			all = append(all, UnlistedServer(c.ID.Server))
		}
		if !unaddressed(i) {
			continue
		}
		for _, b := range c.Bindings {
			if a := b.Addr(); a.IsValid() && !a.IsUnspecified() && !slices.Contains(all[i].Addresses, a) {
				all[i].Addresses = append(slices.Clip(all[i].Addresses), a)
			}
		}
	}
	for i := range all {
		if unaddressed(i) {
			all[i].Missing |= PropertyAddresses
		}
	}
	return all
}

// UnlistedServer returns the record of a server of which only the name is known: Missing says that nothing else is.
func UnlistedServer(name string) Server {
	return Server{Name: name, Missing: PropertySite | PropertyDAG | PropertyVersion | PropertyRoles | PropertyAddresses |
		PropertyDowngradedExchangeAuth | PropertyFQDN}
}

// Clone returns a copy that shares nothing with t.
func (t *Topology) Clone() *Topology {
	c := &Topology{
		Servers:    slices.Clone(t.Servers),
		Connectors: slices.Clone(t.Connectors),
		Databases:  slices.Clone(t.Databases),
		Networks:   slices.Clone(t.Networks),
		Accepted:   slices.Clone(t.Accepted),
	}
	for i := range c.Servers {
		c.Servers[i].Addresses = slices.Clone(c.Servers[i].Addresses)
	}
	for i := range c.Connectors {
		c.Connectors[i] = c.Connectors[i].Clone()
	}
	for i := range c.Databases {
		c.Databases[i].Copies = slices.Clone(c.Databases[i].Copies)
	}
	for i := range c.Networks {
		c.Networks[i].Ranges = slices.Clone(c.Networks[i].Ranges)
	}
	for i := range c.Accepted {
		c.Accepted[i].Ranges = slices.Clone(c.Accepted[i].Ranges)
	}
	return c
}

// Clone returns a copy that shares nothing with c.
func (c ReceiveConnector) Clone() ReceiveConnector {
	c.Bindings = slices.Clone(c.Bindings)
	c.RemoteIPRanges = slices.Clone(c.RemoteIPRanges)
	c.Rights = slices.Clone(c.Rights)
	return c
}

// Equal tells whether two topologies say the same in the same order and spelling. It ignores every Source and does not
// tell an empty list from a nil one.
func (t *Topology) Equal(o *Topology) bool {
	return slices.EqualFunc(t.Servers, o.Servers, Server.Equal) &&
		slices.EqualFunc(t.Connectors, o.Connectors, ReceiveConnector.Equal) &&
		slices.EqualFunc(t.Databases, o.Databases, Database.Equal) &&
		slices.EqualFunc(t.Networks, o.Networks, Network.Equal) &&
		slices.EqualFunc(t.Accepted, o.Accepted, Acceptance.Equal)
}

// Equal tells whether two records say the same, whatever their Source.
func (s Server) Equal(o Server) bool {
	return s.Name == o.Name && s.FQDN == o.FQDN && s.Site == o.Site && s.DAG == o.DAG && s.Version == o.Version &&
		s.Roles == o.Roles && slices.Equal(s.Addresses, o.Addresses) &&
		s.DowngradedExchangeAuth == o.DowngradedExchangeAuth &&
		s.InternalTransportCertificate == o.InternalTransportCertificate && s.NoCertificate == o.NoCertificate &&
		s.Unsubscribed == o.Unsubscribed && s.Missing == o.Missing && s.Conflicting == o.Conflicting
}

// Equal tells whether two connectors say the same in the same order and spelling, whatever their Source.
func (c ReceiveConnector) Equal(o ReceiveConnector) bool {
	return c.ID == o.ID && c.TransportRole == o.TransportRole && c.Disabled == o.Disabled &&
		slices.Equal(c.Bindings, o.Bindings) && slices.Equal(c.RemoteIPRanges, o.RemoteIPRanges) &&
		c.AuthMechanism == o.AuthMechanism && c.PermissionGroups == o.PermissionGroups &&
		slices.Equal(c.Rights, o.Rights) && c.FQDN == o.FQDN && c.RequireTLS == o.RequireTLS &&
		c.SuppressXAnonymousTLS == o.SuppressXAnonymousTLS && c.EnableAuthGSSAPI == o.EnableAuthGSSAPI &&
		c.DomainSecure == o.DomainSecure && c.SizeEnabled == o.SizeEnabled && c.MaxMessageSize == o.MaxMessageSize &&
		c.DisabledExtensions == o.DisabledExtensions && c.OrarEnabled == o.OrarEnabled &&
		c.LongAddressesEnabled == o.LongAddressesEnabled && c.Limits == o.Limits && c.Missing == o.Missing && c.Conflicting == o.Conflicting
}
