package connector

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// setting is a property of a connector under the name that the cmdlets give it: how it reads, and how it is set from text.
type setting struct {
	name     string
	property Properties // that tells that it is not known; 0 for the name
	list     bool
	get      func(c *ReceiveConnector) []string // as Exchange prints it, a value each; none if nothing is told
	set      func(c *ReceiveConnector, values []string) error
}

// settings are all properties that New- and Set-ReceiveConnector have a parameter for and that the model holds, in the order in which
// differences are listed.
var settings = slices.Concat([]setting{
	{"Name", 0, false, func(c *ReceiveConnector) []string { return told(c.ID.Name) }, setName},
	{"Enabled", PropertyEnabled, false, func(c *ReceiveConnector) []string { return told(boolText(!c.Disabled)) },
		func(c *ReceiveConnector, values []string) error {
			return parseOne(values, parseBoolText, func(on bool) { c.Disabled = !on })
		}},
	scalar("TransportRole", PropertyTransportRole, func(c *ReceiveConnector) *TransportRole { return &c.TransportRole }, ParseTransportRole),
	listOf("Bindings", PropertyBindings, func(c *ReceiveConnector) *[]netip.AddrPort { return &c.Bindings }, ParseBinding),
	listOf("RemoteIPRanges", PropertyRemoteIPRanges, func(c *ReceiveConnector) *[]Range { return &c.RemoteIPRanges }, ParseRange),
	scalar("AuthMechanism", PropertyAuthMechanism, func(c *ReceiveConnector) *AuthMechanism { return &c.AuthMechanism }, ParseAuthMechanism),
	{"PermissionGroups", PropertyPermissionGroups, false, func(c *ReceiveConnector) []string { return told(c.PermissionGroups.String()) }, setGroups},
	{"Fqdn", PropertyFQDN, false, func(c *ReceiveConnector) []string { return told(c.FQDN) }, setFQDN},
	flag("RequireTLS", PropertyRequireTLS, func(c *ReceiveConnector) *bool { return &c.RequireTLS }),
	flag("SuppressXAnonymousTls", PropertySuppressXAnonymousTLS, func(c *ReceiveConnector) *bool { return &c.SuppressXAnonymousTLS }),
	flag("EnableAuthGSSAPI", PropertyEnableAuthGSSAPI, func(c *ReceiveConnector) *bool { return &c.EnableAuthGSSAPI }),
	flag("DomainSecureEnabled", PropertyDomainSecure, func(c *ReceiveConnector) *bool { return &c.DomainSecure }),
	{"SizeEnabled", PropertySizeEnabled, false, func(c *ReceiveConnector) []string { return told(c.sizeMode().String()) },
		func(c *ReceiveConnector, values []string) error {
			return parseOne(values, ParseSizeMode, func(m SizeMode) { c.SizeEnabled = m })
		}},
	scalar("MaxMessageSize", PropertyMaxMessageSize, func(c *ReceiveConnector) *ByteSize { return &c.MaxMessageSize }, ParseByteSize),
}, extensionSettings(), []setting{
	flag("OrarEnabled", PropertyExtensions, func(c *ReceiveConnector) *bool { return &c.OrarEnabled }),
	flag("LongAddressesEnabled", PropertyExtensions, func(c *ReceiveConnector) *bool { return &c.LongAddressesEnabled }),
}, limitSettings())

// sizeMode returns SizeEnabled with its default.
func (c *ReceiveConnector) sizeMode() SizeMode {
	if c.SizeEnabled == 0 {
		return SizeEnabled
	}
	return c.SizeEnabled
}

// told returns a text as the values of a setting: none if it is empty.
func told(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func setName(c *ReceiveConnector, values []string) error {
	name := strings.Join(values, "")
	switch {
	case name == "":
		return &ParseError{Kind: "Name", Err: ErrEmpty}
	case len(values) > 1:
		return &ParseError{Kind: "Name", Input: strings.Join(values, ", "), Err: ErrDuplicate}
	}
	c.ID.Name = name
	return nil
}

func setFQDN(c *ReceiveConnector, values []string) error {
	if len(values) > 1 {
		return &ParseError{Kind: "Fqdn", Input: strings.Join(values, ", "), Err: ErrDuplicate}
	}
	c.FQDN = strings.Join(values, "")
	return nil
}

// setGroups leaves Custom as it is, which Exchange sets by itself (observed).
func setGroups(c *ReceiveConnector, values []string) error {
	return parseOne([]string{strings.Join(values, ", ")}, ParsePermissionGroups, func(g PermissionGroups) {
		c.PermissionGroups = g&^GroupCustom | c.PermissionGroups&GroupCustom
	})
}

// parseOne parses the only value there is; flags may come in several, which belong together.
func parseOne[T any](values []string, parse func(string) (T, error), set func(T)) error {
	v, err := parse(strings.Join(values, ", "))
	if err == nil {
		set(v)
	}
	return err
}

func scalar[T fmt.Stringer](name string, p Properties, at func(*ReceiveConnector) *T, parse func(string) (T, error)) setting {
	return setting{name, p, false, func(c *ReceiveConnector) []string { return told((*at(c)).String()) },
		func(c *ReceiveConnector, values []string) error {
			return parseOne(values, parse, func(v T) { *at(c) = v })
		}}
}

func flag(name string, p Properties, at func(*ReceiveConnector) *bool) setting {
	return setting{name, p, false, func(c *ReceiveConnector) []string { return told(boolText(*at(c))) },
		func(c *ReceiveConnector, values []string) error {
			return parseOne(values, parseBoolText, func(on bool) { *at(c) = on })
		}}
}

func listOf[T fmt.Stringer](name string, p Properties, at func(*ReceiveConnector) *[]T, parse func(string) (T, error)) setting {
	return setting{name, p, true, func(c *ReceiveConnector) []string {
		var texts []string
		for _, v := range *at(c) {
			texts = append(texts, v.String())
		}
		return texts
	}, func(c *ReceiveConnector, values []string) error {
		var list []T
		for _, text := range values {
			v, err := parse(text)
			if err != nil {
				return err
			}
			list = append(list, v)
		}
		*at(c) = list
		return nil
	}}
}

func extensionSettings() (all []setting) {
	for name, e := range ExtensionSwitches() {
		all = append(all, setting{name, PropertyExtensions, false, func(c *ReceiveConnector) []string { return told(boolText(!c.DisabledExtensions.Has(e))) },
			func(c *ReceiveConnector, values []string) error {
				return parseOne(values, parseBoolText, func(on bool) {
					if c.DisabledExtensions |= e; on {
						c.DisabledExtensions &^= e
					}
				})
			}})
	}
	return all
}

func limitSettings() (all []setting) {
	for name := range new(Limits).All() {
		at := func(c *ReceiveConnector) (v LimitValue) {
			for n, limit := range c.Limits.All() {
				if n == name {
					v = limit
				}
			}
			return v
		}
		all = append(all, setting{name, PropertyLimits, false, func(c *ReceiveConnector) []string { return told(at(c).String()) },
			func(c *ReceiveConnector, values []string) error {
				return at(c).UnmarshalText([]byte(strings.Join(values, ", ")))
			}})
	}
	return all
}

func boolText(on bool) string {
	if on {
		return "True"
	}
	return "False"
}

func parseBoolText(s string) (bool, error) {
	switch {
	case strings.EqualFold(s, "True") || s == "1":
		return true, nil
	case strings.EqualFold(s, "False") || s == "0":
		return false, nil
	}
	return false, &ParseError{Kind: "boolean", Input: s, Err: ErrUnknownName}
}

// settingOf finds a setting by its name, in any case.
func settingOf(name string) (setting, bool) {
	i := slices.IndexFunc(settings, func(s setting) bool { return strings.EqualFold(s.name, name) })
	if i < 0 {
		return setting{}, false
	}
	return settings[i], true
}

// Settings returns the names under which [ReceiveConnector.Setting] and [ReceiveConnector.Set] know the properties of a connector: those
// of the parameters of Set-ReceiveConnector. The slice is the caller's.
func Settings() []string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.name
	}
	return names
}

// Setting returns the values of a property by its name in [Settings], in any case, as Exchange prints them: one, or as many as a list
// has; none if nothing is told. It tells whether there is such a property.
func (c ReceiveConnector) Setting(name string) (values []string, ok bool) {
	s, ok := settingOf(name)
	if !ok {
		return nil, false
	}
	return s.get(&c), true
}

// Knows tells whether a property, by its name in [Settings], is known and, if it is a list, complete. So are "Rights", see [Difference],
// unless there may be some beyond the permission groups that nobody told.
func (c ReceiveConnector) Knows(name string) bool {
	if strings.EqualFold(name, rightsName) {
		return !c.rightsUnknown()
	}
	s, ok := settingOf(name)
	return ok && c.Missing&s.property == 0
}

// Set gives a property a value by its name in [Settings], in any case, from text as Exchange prints it: lists are replaced, flags may
// come in one text or in several. The property then is known, so it is no longer in Missing; but for those that share a bit there, the
// extensions and the limits, of which the others stay unknown. PermissionGroups keeps Custom as it is, which Exchange sets by itself
// (observed). Every error is a [*ParseError], and c is unchanged then.
func (c *ReceiveConnector) Set(name string, values ...string) error {
	s, ok := settingOf(name)
	if !ok {
		return &ParseError{Kind: "property", Input: name, Err: ErrUnknownName}
	}
	next := *c
	if err := s.set(&next, values); err != nil {
		return err
	}
	next.know(s.property)
	*c = next
	return nil
}

// know takes a property out of those that are missing. Of one that stands for several, the others stay unknown.
func (c *ReceiveConnector) know(p Properties) {
	if p&(PropertyExtensions|PropertyLimits) != 0 {
		return
	}
	c.Missing &^= p
	c.Conflicting &^= p
}
