package psexport

import (
	"errors"
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// ErrBoolean reports a value that is neither true nor false.
var ErrBoolean = errors.New("neither true nor false")

// mapper turns the properties of one object into fields of the model, with a warning for what is missing and an error for
// what cannot be read.
type mapper struct {
	reader  *Reader
	object  value
	name    string // of the object, for messages
	missing connector.Properties
}

// get returns a property that the export should have. One that is absent or null is missing.
func (m *mapper) get(name string, p connector.Properties, unknown string) (value, bool) {
	v, ok := m.object.prop(name)
	if ok && !v.null {
		return v, true
	}
	src, lost := m.object.src, "not in the export"
	if ok {
		src, lost = v.src, "null in the export"
	}
	m.lose(src, name, p, lost, unknown)
	return value{}, false
}

func (m *mapper) lose(src connector.Source, name string, p connector.Properties, lost, unknown string) {
	m.missing |= p
	m.reader.warnings = append(m.reader.warnings, Warning{src, m.name, name, lost, unknown})
}

func (m *mapper) fail(v value, property string, err error) {
	path := property
	if m.name != "" {
		path = m.name + ": " + property
	}
	m.reader.errs = append(m.reader.errs, &connector.ModelError{Source: v.src, Path: path, Err: err})
}

// text returns an optional property, "" if it is absent or null.
func (m *mapper) text(name string) string {
	v, _ := m.object.prop(name)
	return v.scalar()
}

// flag reads an optional boolean; absent is missing without a warning of its own, because the default is documented.
func (m *mapper) flag(name string, p connector.Properties, to *bool) {
	v, ok := m.object.prop(name)
	if !ok || v.null {
		m.missing |= p
		return
	}
	switch strings.ToLower(v.scalar()) {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		m.fail(v, name, fmt.Errorf("%q: %w", v.scalar(), ErrBoolean))
	}
}

// many reads a multi-valued property. An element that ends in dots was cut by the console.
func many[T any](m *mapper, name string, p connector.Properties, unknown string, parse func(string) (T, error)) (list []T) {
	v, ok := m.get(name, p, unknown)
	if !ok {
		return nil
	}
	items, ok := v.elements()
	if !ok {
		m.lose(v.src, name, p, "exported without its members", unknown)
	}
	for _, item := range items {
		text := item.scalar()
		if strings.HasSuffix(text, "...") || strings.HasSuffix(text, "…") {
			m.lose(item.src, name, p, "cut off with dots", unknown)
			continue
		}
		parsed, err := parse(text)
		if err != nil {
			m.fail(item, name, err)
			continue
		}
		list = append(list, parsed)
	}
	return list
}

// one reads a property with a grammar; several texts, as some exports have for flags, are joined.
func one[T any](m *mapper, name string, p connector.Properties, unknown string, parse func(string) (T, error)) (result T) {
	v, ok := m.get(name, p, unknown)
	if !ok {
		return result
	}
	text := v.scalar()
	if v.list {
		var parts []string
		for _, item := range v.items {
			parts = append(parts, item.scalar())
		}
		text = strings.Join(parts, ", ")
	}
	result, err := parse(text)
	if err != nil {
		m.fail(v, name, err)
	}
	return result
}

func (r *Reader) receiveConnector(v value) {
	m := &mapper{reader: r, object: v}
	id, err := identity(v)
	if err != nil {
		m.fail(v, "Identity", err)
		return
	}
	m.name = id.String()
	before := len(r.errs)
	c := connector.ReceiveConnector{
		ID:     id,
		Source: v.src,
		Bindings: many(m, "Bindings", connector.PropertyBindings,
			"where the connector listens is unknown", connector.ParseBinding),
		RemoteIPRanges: many(m, "RemoteIPRanges", connector.PropertyRemoteIPRanges,
			"whom the connector serves is unknown", connector.ParseRange),
		AuthMechanism: one(m, "AuthMechanism", connector.PropertyAuthMechanism,
			"whether Exchange servers can authenticate is unknown", connector.ParseAuthMechanism),
		PermissionGroups: one(m, "PermissionGroups", connector.PropertyPermissionGroups,
			"who may submit is unknown", connector.ParsePermissionGroups),
		FQDN: m.text("Fqdn"),
	}
	// Before 2013 there is no TransportRole, so one that is absent is not lost.
	if role, ok := v.prop("TransportRole"); ok && !role.null {
		if c.TransportRole, err = connector.ParseTransportRole(role.scalar()); err != nil {
			m.fail(role, "TransportRole", err)
		}
	}
	enabled := true
	m.flag("Enabled", connector.PropertyEnabled, &enabled)
	c.Disabled = !enabled
	m.flag("RequireTLS", connector.PropertyRequireTLS, &c.RequireTLS)
	m.flag("SuppressXAnonymousTls", connector.PropertySuppressXAnonymousTLS, &c.SuppressXAnonymousTLS)
	m.flag("EnableAuthGSSAPI", connector.PropertyEnableAuthGSSAPI, &c.EnableAuthGSSAPI)
	m.flag("DomainSecureEnabled", connector.PropertyDomainSecure, &c.DomainSecure)
	if _, ok := v.prop("Fqdn"); !ok {
		m.missing |= connector.PropertyFQDN
	}
	c.Missing = m.missing
	if len(r.errs) == before {
		r.addConnector(c)
	}
}

// identity finds SERVER\Name in Identity, in the ToString form of the object, or in Server and Name.
func identity(v value) (connector.ID, error) {
	id, _ := v.prop("Identity")
	for _, text := range []string{id.text, v.text} {
		if id, err := connector.ParseID(text); err == nil {
			return id, nil
		}
	}
	name, _ := v.prop("Name")
	server, _ := v.prop("Server")
	short := server.simpleName()
	if short == "" {
		dn, ok := v.prop("DistinguishedName")
		if !ok {
			dn, _ = id.prop("DistinguishedName")
		}
		short = serverOf(dn.text)
	}
	if short == "" || name.text == "" {
		return connector.ID{}, fmt.Errorf("neither Identity nor Server and Name tell which connector it is: %w", connector.ErrIdentity)
	}
	return connector.ID{Server: short, Name: name.text}, nil
}

// serverOf finds the server in the distinguished name of a connector:
// CN=Default EX01,CN=SMTP Receive Connectors,CN=Protocols,CN=EX01,CN=Servers,...
func serverOf(dn string) string {
	_, rest, ok := strings.Cut(dn, ",CN=SMTP Receive Connectors,CN=Protocols,CN=")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, ",")
	return name
}

func (r *Reader) exchangeServer(v value) {
	m := &mapper{reader: r, object: v}
	m.name = v.simpleName()
	if name := m.text("Name"); name != "" {
		m.name = name
	}
	if m.name == "" {
		m.fail(v, "Name", connector.ErrEmpty)
		return
	}
	before := len(r.errs)
	s := connector.Server{Name: m.name, Source: v.src, FQDN: m.text("Fqdn")}
	if site, ok := m.get("Site", connector.PropertySite, "which servers are in one site is unknown"); ok {
		s.Site = site.simpleName()
	}
	s.Version = one(m, "AdminDisplayVersion", connector.PropertyVersion,
		"the flows of the server are unknown", connector.ParseVersion)
	if roles, ok := m.get("ServerRole", connector.PropertyRoles, "the server is assumed to hold every role"); ok {
		if roles.number {
			m.lose(roles.src, "ServerRole", connector.PropertyRoles, "exported as a number, whose meaning is not documented",
				"the server is assumed to hold every role")
		} else {
			s.Roles = one(m, "ServerRole", connector.PropertyRoles, "", connector.ParseServerRoles)
		}
	}
	s.DAG = m.text("DatabaseAvailabilityGroup")
	s.Missing = m.missing
	if len(r.errs) > before {
		return
	}
	if err := r.AddServer(s); err != nil {
		r.errs = append(r.errs, err)
	}
}
