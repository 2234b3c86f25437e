package connector

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Usage is the usage type with which a connector is created. Zero is not set.
// Source: New-ReceiveConnector, Receive connectors (documented).
type Usage uint8

const (
	UsageClient   Usage = iota + 1 // for mail clients; port 587 is given
	UsageCustom                    // nothing is given; nobody may submit until a permission group is added
	UsageInternal                  // for Exchange servers; port 25 is given
	UsageInternet                  // for everybody; all IPv4 addresses are given
	UsagePartner                   // for servers of partners
)

var usageNames = [...]string{"", "Client", "Custom", "Internal", "Internet", "Partner"}

// String prints the name of the constant without the word Usage.
func (u Usage) String() string {
	if int(u) < len(usageNames) {
		return usageNames[u]
	}
	return ""
}

// ParseUsage reads what String prints, in any case. Every error is a [*ParseError].
func ParseUsage(s string) (Usage, error) { return parseName[Usage]("usage", s, usageNames[:]) }

// usages is what each usage type gives: zero bindings or ranges must be said, others must not.
var usages = [...]struct {
	auth     AuthMechanism
	groups   PermissionGroups
	bindings string
	ranges   string
}{
	UsageClient:   {AuthTLS | AuthIntegrated | AuthBasic | AuthBasicRequireTLS, GroupExchangeUsers, "0.0.0.0:587", ""},
	UsageCustom:   {AuthTLS, 0, "", ""},
	UsageInternal: {AuthTLS | AuthExchangeServer, GroupExchangeServers | GroupExchangeLegacyServers, "0.0.0.0:25", ""},
	UsageInternet: {AuthTLS, GroupAnonymousUsers, "", "0.0.0.0-255.255.255.255"},
	UsagePartner:  {AuthTLS, GroupPartners, "", ""},
}

// NewConnector returns a connector as New-ReceiveConnector creates it with a usage type: its mechanisms, permission groups and
// what else is given. Custom and Partner need bindings and ranges; Internet needs bindings; Client and Internal need ranges. What
// is given must not be said. Everything can be changed afterwards, in the value as by Set-ReceiveConnector. The transport role is
// left unset: from 2013 on it must be said, by default it is probably HubTransport (inferred). Receive connectors says that the
// bindings of Client and Internal are those of IPv6 too; those of the cmdlet are taken.
//
// The error joins a [*ModelError] for each of these: around [ErrEmpty] for what is not said, around [ErrInvalid] for what must
// not be, or for a usage that there is not.
func NewConnector(u Usage, id ID, bindings []netip.AddrPort, ranges []Range) (ReceiveConnector, error) {
	if u == 0 || int(u) >= len(usages) {
		return ReceiveConnector{}, &ModelError{Path: id.String() + ": Usage", Err: ErrInvalid}
	}
	given := usages[u]
	c := ReceiveConnector{ID: id, AuthMechanism: given.auth, PermissionGroups: given.groups, Bindings: slices.Clone(bindings), RemoteIPRanges: slices.Clone(ranges)}
	var errs []error
	check := func(property string, said int, given string) {
		switch {
		case said == 0 && given == "":
			errs = append(errs, &ModelError{Path: id.String() + ": " + property, Err: fmt.Errorf("usage %s needs it: %w", u, ErrEmpty)})
		case said > 0 && given != "":
			errs = append(errs, &ModelError{Path: id.String() + ": " + property, Err: fmt.Errorf("usage %s gives %s: %w", u, given, ErrInvalid)})
		}
	}
	if id.Server == "" || id.Name == "" {
		errs = append(errs, &ModelError{Path: "Identity", Err: ErrIdentity})
	}
	check("Bindings", len(bindings), given.bindings)
	check("RemoteIPRanges", len(ranges), given.ranges)
	if err := errors.Join(errs...); err != nil {
		return ReceiveConnector{}, err
	}
	if given.bindings != "" {
		c.Bindings = []netip.AddrPort{MustParseBinding(given.bindings)}
	}
	if given.ranges != "" {
		c.RemoteIPRanges = []Range{MustParseRange(given.ranges)}
	}
	return c, nil
}
