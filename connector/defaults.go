package connector

import "net/netip"

// mechanismsOfDefault are those of every connector that Exchange servers use.
const mechanismsOfDefault = AuthTLS | AuthIntegrated | AuthBasic | AuthBasicRequireTLS | AuthExchangeServer

// DefaultConnectors returns the receive connectors that setup installs on a server of this version and these roles, in the order
// of the documents: none if the version is not known, or if the roles bring none. Without roles the server is taken to hold
// every role its version has. Each is the caller's own.
//
//	2007, 2010 Hub Transport   Default S, Client S
//	2013 ClientAccess          Default Frontend S, Client Frontend S, Outbound Proxy Frontend S
//	2013 Mailbox               Default S (on port 25 without ClientAccess), Client Proxy S
//	2016, 2019, SE             all five
//	Edge                       Default internal receive connector S
//
// The implicit connector of mailbox delivery is not among them, see [MailboxDelivery].
//
// Source: Receive connectors of 2013 and 2016, an export of Exchange 2019 (documented and observed); those of 2007 and 2010 are
// observed, those of Edge Transport up to 2013 inferred. SizeEnabled, EnableAuthGSSAPI and DomainSecureEnabled are those of the
// export and of traces where these show them.
func DefaultConnectors(s Server) []ReceiveConnector {
	f := flowServerOf(s, false)
	switch {
	case !f.known:
		return nil
	case f.edge:
		return []ReceiveConnector{edgeDefault(s)}
	case !f.modern && f.hub:
		d := installed(s, "Default", 0, 25, mechanismsOfDefault, GroupExchangeUsers|GroupExchangeServers|GroupExchangeLegacyServers)
		d.SizeEnabled = SizeEnabledWithoutValue
		return []ReceiveConnector{d, installed(s, "Client", 0, 587, mechanismsOfDefault&^AuthExchangeServer, GroupExchangeUsers)}
	}
	var all []ReceiveConnector
	if f.frontEnd {
		d := installed(s, "Default Frontend", FrontendTransport, 25, mechanismsOfDefault, GroupAnonymousUsers|GroupExchangeServers|GroupExchangeLegacyServers)
		c := installed(s, "Client Frontend", FrontendTransport, 587, mechanismsOfDefault&^AuthExchangeServer, GroupExchangeUsers)
		o := installed(s, "Outbound Proxy Frontend", FrontendTransport, 717, mechanismsOfDefault, GroupExchangeServers)
		d.DomainSecure, o.DomainSecure, c.EnableAuthGSSAPI = true, true, true
		all = append(all, d, c, o)
	}
	if f.backEnd {
		port := uint16(2525)
		if f.alone {
			port = 25
		}
		d := installed(s, "Default", HubTransport, port, mechanismsOfDefault, GroupExchangeUsers|GroupExchangeServers|GroupExchangeLegacyServers)
		p := installed(s, "Client Proxy", HubTransport, 465, mechanismsOfDefault, GroupExchangeUsers|GroupExchangeServers)
		d.SizeEnabled, p.EnableAuthGSSAPI = SizeEnabledWithoutValue, true
		if d.Limits != (Limits{}) { // of Exchange servers it takes more
			d.MaxInboundConnectionPerSource, d.MaxInboundConnectionPercentagePerSource, d.MaxRecipientsPerMessage = Unlimited, LimitOf(100), LimitOf(5000)
		}
		all = append(all, d, p)
	}
	return all
}

// installedLimits are those of the connectors in an export of Exchange 2019 (observed); for other versions they are not known.
func installedLimits(g Generation) Limits {
	if g < Generation2016 {
		return Limits{}
	}
	return Limits{
		ConnectionTimeout: 10 * Minute, ConnectionInactivityTimeout: 5 * Minute, MaxHopCount: LimitOf(60), MaxLocalHopCount: LimitOf(5),
		MaxInboundConnectionPerSource: LimitOf(20), MaxInboundConnectionPercentagePerSource: LimitOf(2), MaxLogonFailures: LimitOf(3),
		MaxRecipientsPerMessage: LimitOf(200),
	}
}

// installed returns a connector as setup names it, for everybody at a port of all local addresses.
func installed(s Server, name string, role TransportRole, port uint16, m AuthMechanism, g PermissionGroups) ReceiveConnector {
	return ReceiveConnector{
		ID: ID{Server: s.Name, Name: name + " " + s.Name}, TransportRole: role, Bindings: bindings(port), RemoteIPRanges: allAddresses(),
		AuthMechanism: m, PermissionGroups: g, FQDN: s.FQDN, MaxMessageSize: defaultMessageSize(s.Version.Generation()),
		Limits: installedLimits(s.Version.Generation()),
	}
}

func edgeDefault(s Server) ReceiveConnector {
	c := installed(s, "Default internal receive connector", HubTransport, 25, AuthTLS|AuthExchangeServer, GroupAnonymousUsers|GroupExchangeServers|GroupPartners)
	if s.Version.Generation() < Generation2013 {
		c.TransportRole = 0
	}
	c.Bindings, c.RemoteIPRanges, c.DomainSecure = c.Bindings[1:], c.RemoteIPRanges[1:], true // IPv4 alone
	if c.Limits = (Limits{}); s.Version.Generation() >= Generation2016 {
		c.ConnectionTimeout, c.ConnectionInactivityTimeout = 5*Minute, Minute // documented; the rest is not known
	}
	return c
}

// FromDefault returns the change that turned a connector into what the topology holds, from how setup installed it: a connector of
// the same name in [DefaultConnectors] of its server. Fields that the topology does not know count as unchanged. It tells whether
// there is such a default; if nothing differs, Before and After are equal.
func (t *Topology) FromDefault(id ID) (Change, bool) {
	c, ok := t.Connector(id)
	s, known := t.Server(id.Server)
	if !ok || !known {
		return Change{}, false
	}
	for _, d := range DefaultConnectors(s) {
		if d.ID.Equal(id) {
			before, after := d, c.Clone()
			after.fillFrom(d)
			return Change{id, &before, &after}, true
		}
	}
	return Change{}, false
}

// fillFrom takes from d what c does not know, and what c says in other words than d: lists with the same members in another order,
// and values that are not told because they are the default.
func (c *ReceiveConnector) fillFrom(d ReceiveConnector) {
	take := func(p Properties, same bool, from func()) {
		if same || c.Missing&p != 0 {
			from()
		}
	}
	c.ID, c.Source, c.Conflicting = d.ID, d.Source, 0
	take(PropertyBindings, sameSet(c.Bindings, d.Bindings), func() { c.Bindings = d.Bindings })
	take(PropertyRemoteIPRanges, sameSet(spans(c.RemoteIPRanges), spans(d.RemoteIPRanges)), func() { c.RemoteIPRanges = d.RemoteIPRanges })
	take(PropertyAuthMechanism, false, func() { c.AuthMechanism = d.AuthMechanism })
	take(PropertyPermissionGroups, false, func() { c.PermissionGroups = d.PermissionGroups })
	take(PropertyTransportRole, c.TransportRole == 0, func() { c.TransportRole = d.TransportRole })
	take(PropertyEnabled, false, func() { c.Disabled = d.Disabled })
	take(PropertyFQDN, d.FQDN == "" || foldKey(c.FQDN) == foldKey(d.FQDN), func() { c.FQDN = d.FQDN })
	take(PropertyRequireTLS, false, func() { c.RequireTLS = d.RequireTLS })
	take(PropertySuppressXAnonymousTLS, false, func() { c.SuppressXAnonymousTLS = d.SuppressXAnonymousTLS })
	take(PropertyEnableAuthGSSAPI, false, func() { c.EnableAuthGSSAPI = d.EnableAuthGSSAPI })
	take(PropertyDomainSecure, false, func() { c.DomainSecure = d.DomainSecure })
	take(PropertySizeEnabled, c.SizeEnabled == 0 || c.SizeEnabled == SizeEnabled && d.SizeEnabled == 0, func() { c.SizeEnabled = d.SizeEnabled })
	take(PropertyMaxMessageSize, c.MaxMessageSize == 0 || d.MaxMessageSize == 0, func() { c.MaxMessageSize = d.MaxMessageSize })
	take(PropertyExtensions, false, func() {
		c.DisabledExtensions, c.OrarEnabled, c.LongAddressesEnabled = d.DisabledExtensions, d.OrarEnabled, d.LongAddressesEnabled
	})
	installed := d.Limits.texts()
	for name, v := range c.Limits.All() {
		take(PropertyLimits, v.String() == "" || installed[name] == "", func() { v.set(installed[name]) })
	}
	c.Missing = 0
}

// sameSet tells whether two lists hold the same entries, in any order.
func sameSet[T comparable](a, b []T) bool {
	in := make(map[T]int)
	for _, v := range a {
		in[v]++
	}
	for _, v := range b {
		in[v]--
	}
	for _, n := range in {
		if n != 0 {
			return false
		}
	}
	return true
}

func spans(rs []Range) []span {
	list := make([]span, len(rs))
	for i, r := range rs {
		list[i] = spanOf(r)
	}
	return list
}

// defaultMessageSize returns MaxMessageSize as installed: 10 MB on 2007 and 2010 (documented), 36 MB from 2016 on (observed), and
// zero where it is not known. For 2013 the documents say 25 MB and later servers show 36 MB.
func defaultMessageSize(g Generation) ByteSize {
	switch g {
	case Generation2007, Generation2010:
		return 10 * MB
	case Generation2016, Generation2019, Generation2019OrSE, GenerationSE:
		return 36 * MB
	}
	return 0
}

// MailboxDelivery returns the implicit connector of Mailbox Transport Delivery on port 475 of a Mailbox server from 2013 on. No
// cmdlet shows it, and no other connector can shadow it (documented). [Index] has it for servers whose record tells the version.
func MailboxDelivery(s Server) ReceiveConnector {
	return ReceiveConnector{
		ID:               ID{Server: s.Name, Name: "Mailbox delivery Receive connector"},
		Bindings:         bindings(portMailboxDelivery),
		RemoteIPRanges:   allAddresses(),
		AuthMechanism:    AuthExchangeServer,
		PermissionGroups: GroupExchangeServers,
		FQDN:             s.FQDN,
	}
}

// bindings returns a port of all local addresses, IPv6 first.
func bindings(port uint16) []netip.AddrPort {
	return []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), port), netip.AddrPortFrom(netip.IPv4Unspecified(), port)}
}

func allAddresses() []Range {
	return []Range{MustParseRange("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), MustParseRange("0.0.0.0-255.255.255.255")}
}
