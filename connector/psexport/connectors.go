package psexport

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// receiveConnector reads an object of Get-ReceiveConnector.
func (r *Reader) receiveConnector(v value) {
	m := &mapper{reader: r, object: v}
	id, err := identity(v)
	if err != nil {
		m.fail(v, "Identity", err)
		return
	}
	if m.name = id.Name; id.Server != "" {
		m.name = id.String()
	}
	if _, cut := cutDots(id.Name); cut {
		m.lose(v.src, "Identity", 0, "cut off with dots", "the full name of the connector is unknown")
	}
	c := connector.ReceiveConnector{
		ID:     id,
		Source: v.src,
		Bindings: many(m, "Bindings", connector.PropertyBindings,
			"where the connector listens is unknown", connector.ParseBinding),
		RemoteIPRanges: many(m, "RemoteIPRanges", connector.PropertyRemoteIPRanges,
			"whom the connector serves is unknown", parseRange),
		AuthMechanism: one(m, "AuthMechanism", connector.PropertyAuthMechanism,
			"whether Exchange servers can authenticate is unknown", connector.ParseAuthMechanism),
		PermissionGroups: one(m, "PermissionGroups", connector.PropertyPermissionGroups,
			"who may submit is unknown", connector.ParsePermissionGroups),
		FQDN: m.named("Fqdn", connector.PropertyFQDN, "the name in the greeting is unknown"),
	}
	// Before 2013 there is no TransportRole, so one that is absent is not lost.
	if role, ok := v.prop("TransportRole"); ok && !role.null && role.scalar() != "" {
		c.TransportRole = one(m, "TransportRole", connector.PropertyTransportRole,
			"which service the connector belongs to is unknown", connector.ParseTransportRole)
	}
	enabled := true
	m.flag("Enabled", connector.PropertyEnabled, "whether the connector takes part is unknown", &enabled)
	c.Disabled = !enabled
	m.minor("RequireTLS", connector.PropertyRequireTLS, &c.RequireTLS)
	m.minor("SuppressXAnonymousTls", connector.PropertySuppressXAnonymousTLS, &c.SuppressXAnonymousTLS)
	m.minor("EnableAuthGSSAPI", connector.PropertyEnableAuthGSSAPI, &c.EnableAuthGSSAPI)
	m.minor("DomainSecureEnabled", connector.PropertyDomainSecure, &c.DomainSecure)
	if _, ok := v.prop("Fqdn"); !ok {
		m.miss("Fqdn", connector.PropertyFQDN)
	}
	m.announced(&c)
	for name, limit := range c.Limits.All() {
		if v, _ := m.object.prop(name); m.told(name) && limit.UnmarshalText([]byte(v.scalar())) != nil {
			m.lose(v.src, name, connector.PropertyLimits, "not a value that Exchange writes", "what the cmdlets check of it is unknown")
		}
	}
	m.tellAbsent("what clients are offered there is known in part only")
	rights := m.ownRights()
	c.Missing, c.Conflicting = m.missing|m.properties("Missing"), m.properties("Conflicting")
	if m.failed {
		return
	}
	if id.Server == "" {
		r.homeless = append(r.homeless, c)
		return
	}
	r.addConnector(c)
	if len(rights) > 0 {
		r.grants = append(r.grants, grants{id: id, src: v.src, rights: rights, own: true})
	}
}

// announced reads what the EHLO reply announces beside encryption and authentication. It decides nothing about mail, so what
// is absent is Missing without a warning. Older versions have no SmtpUtf8Enabled, so one that is absent is not lost.
func (m *mapper) announced(c *connector.ReceiveConnector) {
	for name, extension := range connector.ExtensionSwitches() {
		on := true
		if m.told(name) {
			m.minor(name, connector.PropertyExtensions, &on)
		} else if extension != connector.ExtensionSMTPUTF8 {
			m.withhold(connector.PropertyExtensions)
		}
		if !on {
			c.DisabledExtensions |= extension
		}
	}
	for _, s := range []struct {
		name string
		to   *bool
	}{{"OrarEnabled", &c.OrarEnabled}, {"LongAddressesEnabled", &c.LongAddressesEnabled}} {
		if m.told(s.name) {
			m.minor(s.name, connector.PropertyExtensions, s.to)
		} else {
			m.withhold(connector.PropertyExtensions)
		}
	}
	const unknown = "the size that is announced is unknown"
	if m.told("SizeEnabled") {
		c.SizeEnabled = one(m, "SizeEnabled", connector.PropertySizeEnabled, unknown, connector.ParseSizeMode)
	} else {
		m.withhold(connector.PropertySizeEnabled)
	}
	if !m.told("MaxMessageSize") {
		m.withhold(connector.PropertyMaxMessageSize)
		return
	}
	c.MaxMessageSize = one(m, "MaxMessageSize", connector.PropertyMaxMessageSize, unknown, connector.ParseByteSize)
	const least = 64 * connector.KB // that the cmdlet takes (documented)
	v, _ := m.object.prop("MaxMessageSize")
	if unitless := strings.Trim(v.scalar(), "0123456789 ") == ""; unitless && 0 < c.MaxMessageSize && c.MaxMessageSize < least {
		m.lose(v.src, "MaxMessageSize", connector.PropertyMaxMessageSize, "exported as a number without a unit", unknown)
		c.MaxMessageSize = 0
	}
}

// properties reads Missing and Conflicting, which the canonical text form has.
func (m *mapper) properties(name string) (p connector.Properties) {
	if v, ok := m.object.prop(name); ok && !v.null && v.scalar() != "" {
		p = one(m, name, 0, "", connector.ParseProperties)
	}
	return p
}

// identity finds SERVER\Name in Identity, in the ToString form of the object, or in Server and Name. If nothing tells the
// server, that part of the ID is empty.
func identity(v value) (connector.ID, error) {
	whole, _ := v.prop("Identity")
	whole = whole.expand()
	for _, text := range []string{whole.text, v.text} {
		if id, ok := connectorID(text); ok {
			return id, nil
		}
	}
	name, _ := v.prop("Name")
	if name.text == "" {
		name, _ = whole.prop("Name")
	}
	if name.text == "" && whole.text != "" {
		name = value{text: lastName(whole.text)}
	}
	server, _ := v.prop("Server")
	short := hostName(server.simpleName())
	if short == "" {
		dn, _ := v.prop("DistinguishedName")
		inner, _ := whole.prop("DistinguishedName")
		id, _ := connectorID(cmp.Or(dn.text, inner.text))
		short = id.Server
		name.text = cmp.Or(name.text, id.Name)
	}
	if name.text == "" {
		return connector.ID{}, fmt.Errorf("neither Identity nor Server and Name tell which connector it is: %w", connector.ErrIdentity)
	}
	return connector.ID{Server: short, Name: name.text}, nil
}

// connectorID reads what names a connector and its server:
//
//	EX01\Relay
//	CN=Relay,CN=SMTP Receive Connectors,CN=Protocols,CN=EX01,CN=Servers,...
//	contoso.com/Configuration/.../Servers/EX01/Protocols/SMTP Receive Connectors/Relay
func connectorID(s string) (connector.ID, bool) {
	const container = "SMTP Receive Connectors"
	if name, rest, ok := strings.Cut(s, ",CN="+container+",CN=Protocols,CN="); ok {
		server, _, _ := strings.Cut(rest, ",")
		name, ok := strings.CutPrefix(name, "CN=")
		return connector.ID{Server: server, Name: unescapeDN(name)}, ok && server != "" && name != ""
	}
	if path, name, ok := strings.Cut(s, "/Protocols/"+container+"/"); ok {
		server := path[strings.LastIndexByte(path, '/')+1:]
		return connector.ID{Server: server, Name: name}, server != "" && name != ""
	}
	id, err := connector.ParseID(s)
	id.Server = hostName(id.Server)
	return id, err == nil && id.Server != ""
}
