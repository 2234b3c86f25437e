package psexport

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// merger merges what two sources tell about one server or connector. What only one of them knows is taken; where both know,
// and differently, the first stands and nobody knows which is right.
type merger struct {
	oldMissing, newMissing connector.Properties
	stillMissing           connector.Properties
	conflicting            connector.Properties
}

// property merges one property. known and told say whether the old and the new record have a value for it, beside what they
// call missing; take makes the new value the old record's.
func (m *merger) property(p connector.Properties, known, told, same bool, take func()) {
	known, told = known && !m.oldMissing.Has(p), told && !m.newMissing.Has(p)
	switch {
	case known && told && !same:
		m.conflicting |= p
	case told && !known:
		take()
	case !known && !told && (m.oldMissing | m.newMissing).Has(p):
		m.stillMissing |= p
	}
}

// result returns Missing and Conflicting of the merged record.
func (m *merger) result(conflicting connector.Properties) (missing, conflict connector.Properties) {
	conflict = conflicting | m.conflicting
	return m.stillMissing | conflict, conflict
}

// whence names the place of a record for a message.
func whence(s connector.Source) string {
	if s == (connector.Source{}) {
		return "given by hand"
	}
	return "at " + s.String()
}

// contradiction is the warning about properties that two sources tell differently.
func contradiction(object string, p connector.Properties, first, second connector.Source) Warning {
	return Warning{second, object, p.String(), "told differently than " + whence(first),
		"the first is taken, and which of them holds is unknown"}
}

// mergeServer fills what old does not know from s and returns the properties that both know differently.
func mergeServer(old *connector.Server, s connector.Server) connector.Properties {
	vagueOld, vagueNew := vague(old.Version, s.Version), vague(s.Version, old.Version)
	if vagueOld {
		old.Version = s.Version
	}
	m := &merger{oldMissing: old.Missing &^ old.Conflicting, newMissing: s.Missing &^ s.Conflicting}
	m.name(connector.PropertyFQDN, &old.FQDN, s.FQDN)
	m.name(connector.PropertySite, &old.Site, s.Site)
	m.name(connector.PropertyDAG, &old.DAG, s.DAG)
	m.name(connector.PropertyInternalTransportCertificate, &old.InternalTransportCertificate, s.InternalTransportCertificate)
	m.property(connector.PropertyVersion, old.Version.IsValid(), s.Version.IsValid(),
		vagueNew || old.Version.Generation() == s.Version.Generation(), func() { old.Version = s.Version })
	m.property(connector.PropertyRoles, old.Roles != 0, s.Roles != 0, old.Roles == s.Roles, func() { old.Roles = s.Roles })
	add := func() {} // what both tell adds up
	m.property(connector.PropertyAddresses, len(old.Addresses) > 0, len(s.Addresses) > 0, true, add)
	m.property(connector.PropertyDowngradedExchangeAuth, true, true, true, add)
	old.Addresses = appendNew(old.Addresses, s.Addresses)
	old.DowngradedExchangeAuth = old.DowngradedExchangeAuth || s.DowngradedExchangeAuth
	old.NoCertificate = old.NoCertificate || s.NoCertificate
	old.Unsubscribed = old.Unsubscribed || s.Unsubscribed
	old.Missing, old.Conflicting = m.result(old.Conflicting | s.Conflicting)
	return m.conflicting
}

func (m *merger) name(p connector.Properties, old *string, s string) {
	m.property(p, *old != "", s != "", strings.EqualFold(*old, s), func() { *old = s })
}

// vague tells whether v leaves open what o says: 15.2 without a build is 2019 or SE.
func vague(v, o connector.Version) bool {
	g := o.Generation()
	return v.Generation() == connector.Generation2019OrSE && (g == connector.Generation2019 || g == connector.GenerationSE)
}

func appendNew(list, more []netip.Addr) []netip.Addr {
	for _, a := range more {
		if !slices.Contains(list, a) {
			list = append(slices.Clip(list), a)
		}
	}
	return list
}

// mergeConnector fills what old does not know from c and returns the properties that both know differently. A list that is
// incomplete in one of them and complete in the other is taken from the latter.
func mergeConnector(old *connector.ReceiveConnector, c connector.ReceiveConnector) connector.Properties {
	m := &merger{oldMissing: old.Missing &^ old.Conflicting, newMissing: c.Missing &^ c.Conflicting}
	// A property that is not called missing is known, whatever its value, but for the transport role: an export without it
	// does not tell whether there is one.
	mergeList(m, connector.PropertyBindings, &old.Bindings, c.Bindings, func(b netip.AddrPort) netip.AddrPort { return b })
	mergeList(m, connector.PropertyRemoteIPRanges, &old.RemoteIPRanges, c.RemoteIPRanges, connector.Range.Span)
	m.property(connector.PropertyTransportRole, old.TransportRole != 0, c.TransportRole != 0, old.TransportRole == c.TransportRole,
		func() { old.TransportRole = c.TransportRole })
	merge := mergeValue[bool](m)
	merge(connector.PropertyEnabled, &old.Disabled, c.Disabled)
	merge(connector.PropertyRequireTLS, &old.RequireTLS, c.RequireTLS)
	merge(connector.PropertySuppressXAnonymousTLS, &old.SuppressXAnonymousTLS, c.SuppressXAnonymousTLS)
	merge(connector.PropertyEnableAuthGSSAPI, &old.EnableAuthGSSAPI, c.EnableAuthGSSAPI)
	merge(connector.PropertyDomainSecure, &old.DomainSecure, c.DomainSecure)
	merge(connector.PropertyExtensions, &old.OrarEnabled, c.OrarEnabled)
	merge(connector.PropertyExtensions, &old.LongAddressesEnabled, c.LongAddressesEnabled)
	mergeValue[connector.Extensions](m)(connector.PropertyExtensions, &old.DisabledExtensions, c.DisabledExtensions)
	m.property(connector.PropertySizeEnabled, old.SizeEnabled != 0, c.SizeEnabled != 0, old.SizeEnabled == c.SizeEnabled,
		func() { old.SizeEnabled = c.SizeEnabled })
	m.property(connector.PropertyMaxMessageSize, old.MaxMessageSize != 0, c.MaxMessageSize != 0, old.MaxMessageSize == c.MaxMessageSize,
		func() { old.MaxMessageSize = c.MaxMessageSize })
	mergeLimits(m, &old.Limits, c.Limits)
	mergeValue[connector.AuthMechanism](m)(connector.PropertyAuthMechanism, &old.AuthMechanism, c.AuthMechanism)
	mergeValue[connector.PermissionGroups](m)(connector.PropertyPermissionGroups, &old.PermissionGroups, c.PermissionGroups)
	m.property(connector.PropertyFQDN, true, true, strings.EqualFold(old.FQDN, c.FQDN), func() { old.FQDN = c.FQDN })
	m.property(connector.PropertyRights, len(old.Rights) > 0, len(c.Rights) > 0, true, func() {}) // they add up
	grant(old, c.Rights)
	old.Missing, old.Conflicting = m.result(old.Conflicting | c.Conflicting)
	return m.conflicting
}

// mergeLimits merges each limit by itself.
func mergeLimits(m *merger, old *connector.Limits, l connector.Limits) {
	told := make(map[string]string)
	for name, v := range l.All() {
		told[name] = v.String()
	}
	for name, v := range old.All() {
		known, text := v.String(), told[name]
		m.property(connector.PropertyLimits, known != "", text != "", known == text, func() { _ = v.UnmarshalText([]byte(text)) })
	}
}

// mergeValue merges a property that is known unless it is called missing.
func mergeValue[T comparable](m *merger) func(p connector.Properties, old *T, v T) {
	return func(p connector.Properties, old *T, v T) {
		m.property(p, true, true, *old == v, func() { *old = v })
	}
}

// mergeList merges a list that is known unless it is called missing; of two incomplete ones the longer is kept. Entries are the
// same if what they mean is.
func mergeList[T any, M comparable](m *merger, p connector.Properties, old *[]T, list []T, meaning func(T) M) {
	if m.oldMissing.Has(p) && m.newMissing.Has(p) && len(list) > len(*old) {
		*old = list
	}
	m.property(p, true, true, sameMembers(*old, list, meaning), func() { *old = list })
}

// sameMembers tells whether two lists hold the same, in any order: no decision depends on it.
func sameMembers[T any, M comparable](a, b []T, meaning func(T) M) bool {
	if len(a) != len(b) {
		return false
	}
	count := make(map[M]int, len(a))
	for _, v := range a {
		count[meaning(v)]++
	}
	for _, v := range b {
		m := meaning(v)
		if count[m]--; count[m] < 0 {
			return false
		}
	}
	return true
}

// fold returns one spelling for all names that differ in case only.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// place is where a record of the topology stands: what it is and its name, ignoring case.
type place struct {
	what string
	name string
}

// at returns the position of the record of a name, and whether there is one; if not, it notes next.
func (r *Reader) at(what, name string, next int) (int, bool) {
	if r.places == nil {
		r.places = make(map[place]int)
	}
	p := place{what, fold(name)}
	i, ok := r.places[p]
	if !ok {
		r.places[p], i = next, next
	}
	return i, ok
}

// addServer adds a record of a server, or merges it with the one there is.
func (r *Reader) addServer(s connector.Server) {
	i, ok := r.at("server", s.Name, len(r.topology.Servers))
	if !ok {
		s.Addresses = slices.Clone(s.Addresses)
		r.topology.Servers = append(r.topology.Servers, s)
		return
	}
	old := &r.topology.Servers[i]
	if p := mergeServer(old, s); p != 0 {
		r.warn(contradiction(s.Name, p, old.Source, s.Source))
	}
}

// addConnector adds a connector, or merges it with the one there is.
func (r *Reader) addConnector(c connector.ReceiveConnector) {
	i, ok := r.at("connector", c.ID.String(), len(r.topology.Connectors))
	if !ok {
		r.topology.Connectors = append(r.topology.Connectors, c)
		return
	}
	old := &r.topology.Connectors[i]
	if old.Source.File == c.Source.File && old.Equal(c) {
		r.warn(Warning{c.Source, c.ID.String(), "", "told more than once in this file, first " + whence(old.Source), "it counts once"})
	}
	if p := mergeConnector(old, c); p != 0 {
		r.warn(contradiction(c.ID.String(), p, old.Source, c.Source))
	}
}

// addDatabase adds a database. One that is told twice keeps what was told first, but for where it was assumed to be mounted;
// copies add up.
func (r *Reader) addDatabase(d connector.Database, assumed bool, src connector.Source) {
	i, ok := r.at(d.Kind.String()+"Database", d.Name, len(r.topology.Databases))
	if !ok {
		if assumed {
			if r.mountAssumed == nil {
				r.mountAssumed = make(map[int]bool)
			}
			r.mountAssumed[i] = true
		}
		r.topology.Databases = append(r.topology.Databases, d)
		return
	}
	old := &r.topology.Databases[i]
	switch {
	case assumed:
	case r.mountAssumed[i]:
		old.Mounted = d.Mounted
		delete(r.mountAssumed, i)
	case !strings.EqualFold(old.Mounted, d.Mounted):
		r.warn(Warning{src, d.Name, "MountedOnServer", "told differently in another place: " + cmp.Or(old.Mounted, "nowhere"),
			"where the database is mounted is unknown, and the first is taken"})
	}
	for _, c := range d.Copies {
		if !slices.ContainsFunc(old.Copies, func(o string) bool { return strings.EqualFold(o, c) }) {
			old.Copies = append(old.Copies, c)
		}
	}
}

// addNetwork adds a network. One that is told twice has the addresses of both.
func (r *Reader) addNetwork(n connector.Network) {
	i, ok := r.at(n.Kind.String()+"Network", n.Name, len(r.topology.Networks))
	if !ok {
		r.topology.Networks = append(r.topology.Networks, n)
		return
	}
	old := &r.topology.Networks[i]
	for _, rg := range n.Ranges {
		if !slices.Contains(old.Ranges, rg) {
			old.Ranges = append(old.Ranges, rg)
		}
	}
}

// addAcceptance adds an acceptance, unless another file has told the very same.
func (r *Reader) addAcceptance(a connector.Acceptance) {
	if !slices.ContainsFunc(r.topology.Accepted, a.Equal) {
		r.topology.Accepted = append(r.topology.Accepted, a)
	}
}
