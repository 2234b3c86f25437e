package psexport

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// exchangeServer reads an object of Get-ExchangeServer.
func (r *Reader) exchangeServer(v value) {
	m := &mapper{reader: r, object: v}
	m.name = cmp.Or(strings.TrimSpace(m.text("Name")), v.simpleName())
	fqdn := m.named("Fqdn", connector.PropertyFQDN, "the full name of the server is unknown")
	if m.name == "" {
		id, _ := v.prop("Identity")
		m.name = cmp.Or(id.simpleName(), fqdn)
	}
	if m.name == "" {
		m.fail(v, "Name", connector.ErrEmpty)
		return
	}
	if _, cut := cutDots(m.name); cut {
		m.lose(v.src, "Name", 0, "cut off with dots", "the server is left out")
		return
	}
	s := fullName(connector.Server{Name: m.name, Source: v.src, FQDN: fqdn})
	s.Roles = serverRoles(m)
	s.Site = siteOf(m, s.Roles)
	s.Version = one(m, "AdminDisplayVersion", connector.PropertyVersion, "the flows of the server are unknown", parseVersion)
	s.DAG = m.text("DatabaseAvailabilityGroup")
	s.InternalTransportCertificate = m.text("InternalTransportCertificateThumbprint")
	if v.has("UseDowngradedExchangeServerAuth") {
		m.minor("UseDowngradedExchangeServerAuth", connector.PropertyDowngradedExchangeAuth, &s.DowngradedExchangeAuth)
	}
	for _, flag := range []struct { // of the canonical text form
		name string
		to   *bool
	}{{"NoCertificate", &s.NoCertificate}, {"Unsubscribed", &s.Unsubscribed}} {
		if v.has(flag.name) {
			m.minor(flag.name, 0, flag.to)
		}
	}
	addresses := m.ownAddresses()
	s.Missing, s.Conflicting = m.missing|m.properties("Missing"), m.properties("Conflicting")
	if m.complete() {
		r.tellDowngraded(s)
	}
	if m.failed {
		return
	}
	r.addServer(s)
	if len(addresses) > 0 {
		r.facts = append(r.facts, fact{server: s.Name, src: v.src, proof: true, addresses: addresses, missing: notTold})
	}
}

// fullName takes a name with a domain for what it is: names of servers have no dots.
func fullName(s connector.Server) connector.Server {
	if short := hostName(s.Name); short != s.Name && short != "" {
		s.FQDN = cmp.Or(s.FQDN, s.Name)
		s.Name = short
	}
	return s
}

// siteOf reads Site. An Edge server that is not subscribed has none.
func siteOf(m *mapper, roles connector.ServerRoles) string {
	const unknown = "which servers are in one site is unknown"
	v, ok := m.object.prop("Site")
	if roles.Has(connector.RoleEdge) && ok && v.scalar() == "" {
		return ""
	}
	if v, ok = m.get("Site", connector.PropertySite, unknown); !ok {
		return ""
	}
	site := v.simpleName()
	if _, cut := cutDots(site); cut {
		m.lose(v.src, "Site", connector.PropertySite, "cut off with dots", unknown)
		return ""
	}
	return site
}

const everyRole = "the server is assumed to hold every role"

// serverRoles reads ServerRole, or where it is a number or absent the booleans beside it.
func serverRoles(m *mapper) (roles connector.ServerRoles) {
	v, _ := m.object.prop("ServerRole")
	if text := v.scalar(); text != "" && strings.Trim(text, "0123456789") != "" {
		return one(m, "ServerRole", connector.PropertyRoles, everyRole, connector.ParseServerRoles)
	}
	for _, role := range []struct {
		name string
		role connector.ServerRoles
	}{
		{"IsMailboxServer", connector.RoleMailbox}, {"IsClientAccessServer", connector.RoleClientAccess},
		{"IsUnifiedMessagingServer", connector.RoleUnifiedMessaging}, {"IsHubTransportServer", connector.RoleHubTransport},
		{"IsEdgeServer", connector.RoleEdge},
	} {
		if is, ok := m.object.prop(role.name); ok {
			held := false
			m.boolean(is, role.name, &held)
			if held {
				roles |= role.role
			}
		}
	}
	switch {
	case roles != 0:
	case v.scalar() == "":
		m.get("ServerRole", connector.PropertyRoles, everyRole)
	default:
		m.lose(v.src, "ServerRole", connector.PropertyRoles, "exported as a number, whose meaning is not documented", everyRole)
	}
	return roles
}

// ownAddresses reads Addresses, which the canonical text form has.
func (m *mapper) ownAddresses() (addresses []netip.Addr) {
	v, ok := m.object.prop("Addresses")
	if !ok || v.empty() {
		return nil
	}
	list := v.members()
	if loss := list.loss(); loss != "" {
		m.lose(v.src, "Addresses", connector.PropertyAddresses, loss, "the addresses of the server are known in part")
	}
	for _, item := range list.items {
		a, _, err := parseAddress(item.scalar())
		if err != nil {
			m.fail(item, "Addresses", err)
			continue
		}
		addresses = append(addresses, a)
	}
	return addresses
}

// fact is what an object other than the server's own tells about a server.
type fact struct {
	server string // as the object names it: EX01, or EX01.contoso.com
	src    connector.Source
	// proof: the object belongs to an Exchange server; otherwise the fact counts only if a server of the name is known.
	proof       bool
	dag         string
	site        string                // of an Edge Transport server
	roles       connector.ServerRoles // of one
	downgraded  bool
	certificate string
	missing     connector.Properties // what it does not tell
	null        connector.Properties // of that what it should
	addresses   []netip.Addr
}

// notTold is what a fact about something else leaves open; it has no value that could say so.
const notTold = connector.PropertyDowngradedExchangeAuth

// transportService reads an object of Get-TransportService or Get-TransportServer.
func (r *Reader) transportService(v value) {
	m := &mapper{reader: r, object: v}
	id, _ := v.prop("Identity")
	m.name = hostName(cmp.Or(v.simpleName(), id.simpleName()))
	if m.name == "" {
		m.fail(v, "Name", connector.ErrEmpty)
		return
	}
	f := fact{server: m.name, src: v.src, proof: true}
	m.flag("UseDowngradedExchangeServerAuth", connector.PropertyDowngradedExchangeAuth,
		"whether the server may authenticate in clear is unknown", &f.downgraded)
	if certificate, ok := m.get("InternalTransportCertificateThumbprint", connector.PropertyInternalTransportCertificate,
		"whether X-ANONYMOUSTLS is offered is unknown"); ok {
		f.certificate = certificate.scalar()
	}
	f.missing, f.null = m.missing, m.missing&connector.PropertyDowngradedExchangeAuth
	r.tellDowngraded(connector.Server{Name: m.name, Missing: m.missing})
	if !m.failed {
		r.facts = append(r.facts, f)
	}
}

// edgeSubscription reads an object of Get-EdgeSubscription: an Edge Transport server and the site it is subscribed to.
func (r *Reader) edgeSubscription(v value) {
	m := &mapper{reader: r, object: v}
	m.name = v.simpleName()
	if m.name == "" {
		m.fail(v, "Name", connector.ErrEmpty)
		return
	}
	f := fact{server: m.name, src: v.src, proof: true, roles: connector.RoleEdge, missing: notTold}
	if site, ok := m.get("Site", connector.PropertySite, "to which site the Edge server is subscribed is unknown"); ok {
		f.site = site.simpleName()
		if _, cut := cutDots(f.site); cut {
			m.lose(site.src, "Site", connector.PropertySite, "cut off with dots", "to which site the Edge server is subscribed is unknown")
			f.site = ""
		}
	}
	f.missing |= m.missing
	r.facts = append(r.facts, f)
}

// dag reads an object of Get-DatabaseAvailabilityGroup.
func (r *Reader) dag(v value) {
	m := &mapper{reader: r, object: v}
	m.name = v.simpleName()
	if m.name == "" {
		m.fail(v, "Name", connector.ErrEmpty)
		return
	}
	const unknown = "which servers are in the group is unknown"
	servers, ok := m.get("Servers", connector.PropertyDAG, unknown)
	if !ok {
		return
	}
	names, loss := servers.names()
	if loss != "" {
		r.dagCut = true
		m.lose(servers.src, "Servers", connector.PropertyDAG, loss, unknown+" in part")
	}
	for _, name := range names {
		r.facts = append(r.facts, fact{server: name, src: v.src, proof: true, dag: m.name, missing: notTold})
	}
}

// dagNetwork reads an object of Get-DatabaseAvailabilityGroupNetwork: the addresses of the members. Those of a network that is
// closed to MAPI are left out: mail is not expected from them (inferred), and the warning says so.
func (r *Reader) dagNetwork(v value) {
	m := &mapper{reader: r, object: v}
	id, _ := v.prop("Identity")
	m.name = cmp.Or(id.text, v.simpleName())
	mapi := true
	if v.has("MapiAccessEnabled") {
		m.minor("MapiAccessEnabled", 0, &mapi)
	}
	const unknown = "the addresses of the members are unknown"
	interfaces, ok := m.get("Interfaces", connector.PropertyAddresses, unknown)
	if !ok {
		return
	}
	if !mapi {
		m.lose(interfaces.src, "MapiAccessEnabled", 0, "the addresses of a network that is closed to MAPI", "whether mail comes from them is unknown")
		return
	}
	for _, i := range interfaceItems(interfaces) {
		node, _ := i.prop("NodeName")
		address, _ := i.prop("IPAddress")
		a, usable, err := parseAddress(address.scalar())
		if err != nil || node.scalar() == "" {
			m.lose(i.src, "Interfaces", 0, "not of the form {SERVER,State,IP}: "+clip(i.text), unknown)
			continue
		}
		if usable {
			r.facts = append(r.facts, fact{server: node.scalar(), src: v.src, proof: true, addresses: []netip.Addr{a}, missing: notTold})
		}
	}
}

// interfaceItems returns the interfaces of a DAG network with NodeName and IPAddress. As text they are
// {{EX01,Up,10.1.0.11}, {EX02,Up,10.1.0.12}}.
func interfaceItems(v value) (items []value) {
	texts := v.items
	if !v.list {
		for part := range strings.SplitSeq(v.scalar(), "}") {
			if i := strings.LastIndexByte(part, '{'); i >= 0 {
				texts = append(texts, value{src: v.src, text: part[i+1:]})
			} else if strings.Trim(part, ", {") != "" { // cut off
				texts = append(texts, value{src: v.src, text: part})
			}
		}
	}
	for _, item := range texts {
		if !item.has("NodeName", "IPAddress") {
			fields := strings.Split(strings.Trim(item.scalar(), "{} "), ",")
			if len(fields) == 3 {
				item.props = map[string]value{"nodename": {text: strings.TrimSpace(fields[0])}, "ipaddress": {text: strings.TrimSpace(fields[2])}}
			}
		}
		items = append(items, item)
	}
	return items
}

// netIPAddress reads an object of Get-NetIPAddress. It belongs to the server that a remote session or a column names.
func (r *Reader) netIPAddress(v value) {
	m := &mapper{reader: r, object: v}
	host := ""
	for _, name := range hostColumns {
		if name == "Name" && !v.isHostList() {
			continue // of the address, not of the host
		}
		if host = cmp.Or(host, m.text(name)); strings.EqualFold(host, "localhost") {
			host = ""
		}
	}
	m.name = host
	r.hostAddress(m, host, "IPAddress", "IPv4Address", "IPv6Address")
}

// dnsRecord reads an A or AAAA record of Resolve-DnsName; other records hold no address.
func (r *Reader) dnsRecord(v value) {
	m := &mapper{reader: r, object: v}
	host := m.text("Name")
	m.name = host
	names := []string{"IPAddress", "IP4Address", "IP6Address"}
	if !slices.ContainsFunc(names, func(n string) bool { return m.text(n) != "" }) {
		return
	}
	r.hostAddress(m, strings.TrimSuffix(host, "."), names...)
}

func (r *Reader) hostAddress(m *mapper, host string, names ...string) {
	at := slices.IndexFunc(names, func(n string) bool { return m.text(n) != "" })
	if at < 0 {
		m.lose(m.object.src, names[0], 0, "not in the export", "an address of the host is unknown")
		return
	}
	v, _ := m.object.prop(names[at])
	for _, item := range v.members().items {
		a, usable, err := parseAddress(item.scalar())
		switch {
		case err != nil:
			m.fail(item, names[at], err)
		case !usable:
		case host == "":
			m.name = a.String()
			m.lose(m.object.src, "PSComputerName", 0, "not in the export", "the server that has the address is unknown")
		default:
			r.facts = append(r.facts, fact{server: host, src: m.object.src, addresses: []netip.Addr{a}, missing: notTold})
		}
	}
}
