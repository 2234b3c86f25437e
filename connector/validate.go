package connector

import (
	"errors"
	"fmt"
	"net/netip"
	"unicode/utf8"
)

// Validate tells what New-, Set- or Remove-ReceiveConnector would refuse of c on the server: nil if nothing. t stays as it is.
//
// The error joins, in the order in which they are looked at, a [*ModelError] as from [Topology.Apply] if c does not fit to t, or else a
// [*Refusal] for every rule that is violated. The first is what the cmdlet would say: its own order is not documented; it is taken to
// look at the connector first, then at the others, in configuration order, and to be stopped by the directory at last (inferred).
//
// Rules about properties of the connector are asked if the change touches one of them. Conflicts with other connectors of the server are
// asked at any change that leaves a connector, one that sets nothing included (observed), but for one of rights alone, and disabled
// connectors count (product); a connector is not held against itself. What is not known of a connector violates nothing. That SuppressXAnonymousTls needs UseDowngradedExchangeServerAuth on the
// server is documented, but not whether the cmdlet enforces it, so it is not refused here.
func (t *Topology) Validate(c Change) error {
	if err := t.fits(c); err != nil {
		return &ModelError{Path: c.Target.String(), Err: err}
	}
	if c.After == nil {
		return nil
	}
	v := validation{change: c, after: c.After}
	v.server, _ = t.Server(c.Target.Server)
	v.generation = v.server.Version.Generation()
	v.touched = make(map[string]bool)
	for _, d := range c.Differences() {
		v.touched[d.Property] = true
	}
	v.own()
	if len(v.touched) == 1 && v.touched["Rights"] {
		return errors.Join(v.errs...) // which Add-ADPermission and Remove-ADPermission change, and they look at nothing else
	}
	for _, other := range t.Connectors {
		if compareFold(other.ID.Server, c.Target.Server) == 0 && !other.ID.Equal(c.Target) {
			v.against(other)
		}
	}
	if v.touches("RemoteIPRanges") && len(c.After.RemoteIPRanges) >= MaxRemoteIPRanges {
		v.refuse(&Refusal{Rule: RuleTooManyRanges, Text: textTooMany, Mark: Documented})
	}
	return errors.Join(v.errs...)
}

// ValidateAll tells what the cmdlets would refuse of changes that are made one after the other, and at which of them: the error is a
// [*ModelError] with the path "changes[i]" around that of [Topology.Validate]. It stops at the first change that is refused.
func (t *Topology) ValidateAll(changes ...Change) error {
	next := t.Clone()
	for i, c := range changes {
		err := next.Validate(c)
		if err == nil {
			err = next.apply(c)
		}
		if err != nil {
			return &ModelError{Path: fmt.Sprintf("changes[%d]", i), Err: err}
		}
	}
	return nil
}

// validation collects what is wrong with one change.
type validation struct {
	change     Change
	after      *ReceiveConnector
	server     Server
	generation Generation
	touched    map[string]bool // settings that the change gives a value
	errs       []error
}

func (v *validation) refuse(r *Refusal) {
	r.Target = v.change.Target
	v.errs = append(v.errs, r)
}

func (v *validation) touches(names ...string) bool {
	for _, n := range names {
		if v.touched[n] {
			return true
		}
	}
	return false
}

func (v *validation) knows(p Properties) bool { return v.after.Missing&p == 0 }

// own asks the rules about the connector alone.
func (v *validation) own() {
	c := v.after
	created := v.change.Before == nil
	check := func(bad bool, r *Refusal) {
		if bad {
			v.refuse(r)
		}
	}
	const mostCharacters = 64
	check((created || v.touches("Name")) && utf8.RuneCountInString(c.ID.Name) > mostCharacters, ownWords(RuleName, "the name has %d characters, %d are allowed", utf8.RuneCountInString(c.ID.Name), mostCharacters))
	check(created && len(c.Bindings) == 0 && v.knows(PropertyBindings), ownWords(RuleRequired, "a connector cannot be created without Bindings"))
	check(created && len(c.RemoteIPRanges) == 0 && v.knows(PropertyRemoteIPRanges), ownWords(RuleRequired, "a connector cannot be created without RemoteIPRanges"))
	v.limits()
	check(v.touches("TransportRole") && c.TransportRole != 0 && v.generation != 0 && v.generation < Generation2013,
		ownWords(RuleTransportRole, "TransportRole does not exist on Exchange %s", v.generation))
	m := c.AuthMechanism
	if v.touches("AuthMechanism", "PermissionGroups", "RequireTLS", "Fqdn", "DomainSecureEnabled") && v.knows(PropertyAuthMechanism) {
		v.mechanism(m)
	}
	check(v.touches("BinaryMimeEnabled", "ChunkingEnabled") && v.knows(PropertyExtensions) && c.DisabledExtensions.Has(ExtensionChunking) && !c.DisabledExtensions.Has(ExtensionBinaryMIME),
		ownWords(RuleBinaryMIME, "BinaryMimeEnabled needs ChunkingEnabled"))
	check(v.touches("ConnectionTimeout", "ConnectionInactivityTimeout") && c.ConnectionTimeout != 0 && c.ConnectionTimeout <= c.ConnectionInactivityTimeout,
		ownWords(RuleTimeout, "ConnectionTimeout %s is not longer than ConnectionInactivityTimeout %s", c.ConnectionTimeout, c.ConnectionInactivityTimeout))
	check(v.touches("LongAddressesEnabled", "TransportRole") && c.LongAddressesEnabled && c.TransportRole == FrontendTransport,
		ownWords(RuleLongAddresses, "LongAddressesEnabled is not for connectors of Front End Transport"))
	if forbidden := c.PermissionGroups & (GroupExchangeUsers | GroupExchangeLegacyServers); v.touches("PermissionGroups") && v.server.Roles.Has(RoleEdge) {
		check(forbidden != 0, ownWords(RuleEdgeGroup, "%s cannot be given on an Edge Transport server", forbidden))
	}
}

// mechanism asks what AuthMechanism allows of the rest.
func (v *validation) mechanism(m AuthMechanism) {
	c := v.after
	check := func(touched bool, bad bool, r *Refusal) {
		if touched && bad {
			v.refuse(r)
		}
	}
	set := v.touches("AuthMechanism")
	check(set, m.Has(AuthBasicRequireTLS) && !m.Has(AuthBasic|AuthTLS), ownWords(RuleBasicAuthRequireTLS, "BasicAuthRequireTLS needs BasicAuth and Tls, not %s", m))
	external := m.Has(AuthExternalAuthoritative)
	check(set, external && m&^(AuthExternalAuthoritative|AuthTLS) != 0, ownWords(RuleExternalAuthoritative, "beside ExternalAuthoritative only Tls is allowed, not %s", m&^AuthExternalAuthoritative))
	check(set || v.touches("PermissionGroups"), external && v.knows(PropertyPermissionGroups) && !c.PermissionGroups.Has(GroupExchangeServers),
		ownWords(RuleExternalAuthoritativeGroup, "ExternalAuthoritative needs permission group ExchangeServers, not %s", c.PermissionGroups))
	check(set || v.touches("RequireTLS"), c.RequireTLS && v.knows(PropertyRequireTLS) && !m.Has(AuthTLS), ownWords(RuleRequireTLS, "RequireTLS needs Tls in AuthMechanism, which is %s", m))
	if (set || v.touches("Fqdn")) && m.Has(AuthExchangeServer) && v.knows(PropertyFQDN) && !c.FQDNAllowsExchangeServer(v.server) {
		full := v.server.FQDN
		if full == "" {
			full = c.ID.Server + ".domain.com" // as the document writes it
		}
		v.refuse(&Refusal{Rule: RuleFQDN, Text: fmt.Sprintf(textFQDN, full, c.ID.Server), Mark: Documented})
	}
	check(set || v.touches("DomainSecureEnabled"), c.DomainSecure && v.knows(PropertyDomainSecure) && (!m.Has(AuthTLS) || external),
		ownWords(RuleDomainSecure, "DomainSecureEnabled needs Tls and no ExternalAuthoritative in AuthMechanism, which is %s", m))
}

// bounds are what the parameters take.
var bounds = []struct {
	name        string
	least, most uint64
	of          func(c *ReceiveConnector) (n uint64, told bool)
}{
	{"MaxMessageSize", 65_536, 2_147_483_647, func(c *ReceiveConnector) (uint64, bool) {
		return uint64(c.MaxMessageSize), c.MaxMessageSize != 0
	}},
	{"MaxInboundConnectionPerSource", 1, 10_000, number(func(c *ReceiveConnector) Limit { return c.MaxInboundConnectionPerSource })},
	{"MaxInboundConnectionPercentagePerSource", 1, 100, number(func(c *ReceiveConnector) Limit { return c.MaxInboundConnectionPercentagePerSource })},
	{"MaxHopCount", 1, 500, number(func(c *ReceiveConnector) Limit { return c.MaxHopCount })},
	{"MaxLocalHopCount", 0, 50, number(func(c *ReceiveConnector) Limit { return c.MaxLocalHopCount })},
	{"MaxLogonFailures", 0, 10, number(func(c *ReceiveConnector) Limit { return c.MaxLogonFailures })},
	{"MaxRecipientsPerMessage", 1, 512_000, number(func(c *ReceiveConnector) Limit { return c.MaxRecipientsPerMessage })},
}

func number(of func(c *ReceiveConnector) Limit) func(c *ReceiveConnector) (uint64, bool) {
	return func(c *ReceiveConnector) (uint64, bool) {
		n, ok := of(c).Number()
		return uint64(n), ok
	}
}

func (v *validation) limits() {
	for _, b := range bounds {
		if n, told := b.of(v.after); told && v.touches(b.name) && (n < b.least || n > b.most) {
			v.refuse(ownWords(RuleLimit, "%s is from %d to %d, not %d", b.name, b.least, b.most, n))
		}
	}
}

// against asks what stands between the connector and another one of the server.
func (v *validation) against(other ReceiveConnector) {
	c := v.after
	shared := sharedBindings(c.Bindings, other.Bindings)
	if len(shared) == 0 {
		return
	}
	r := Refusal{Other: other.ID, OtherDisabled: other.Disabled, Binding: shared[0].mine, OtherBinding: shared[0].its}
	if c.TransportRole != 0 && other.TransportRole != 0 && c.TransportRole != other.TransportRole {
		r.Rule, r.Text, r.Mark = RuleRoleConflict, fmt.Sprintf(textRoleConflict, other.ID), Observed
		v.refuse(&r)
		return
	}
	for _, s := range shared {
		mine, its, ok := conflictingRanges(c.RemoteIPRanges, other.RemoteIPRanges, s.mine.Addr().Is4(), s.mine == s.its)
		if ok {
			r.Rule, r.Mark, r.Binding, r.OtherBinding, r.Range, r.OtherRange = RuleRangeConflict, Unknown, s.mine, s.its, mine, its
			r.Text = r.conflictText()
			v.refuse(&r)
			return
		}
	}
}

// bindingPair is a binding of each of two connectors, of one port and family, to one local address or one of them to all.
type bindingPair struct{ mine, its netip.AddrPort }

// sharedBindings returns the first pair of identical bindings of each family, then of those that are not identical.
func sharedBindings(mine, its []netip.AddrPort) (pairs []bindingPair) {
	type kind struct{ identical, v4 bool }
	first := make(map[kind]bindingPair)
	for _, m := range mine {
		for _, o := range its {
			p := bindingPair{normalEndpoint(m), normalEndpoint(o)}
			k := kind{p.mine == p.its, p.mine.Addr().Is4()}
			if _, found := first[k]; !found && shareEndpoint(p.mine, p.its) {
				first[k] = p
			}
		}
	}
	for _, k := range []kind{{true, true}, {true, false}, {false, true}, {false, false}} {
		if p, ok := first[k]; ok {
			pairs = append(pairs, p)
		}
	}
	return pairs
}
