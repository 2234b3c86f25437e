// Package ems writes a [connector.Change] as lines for the Exchange Management Shell.
package ems

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Reasons a change cannot be written as commands.
var (
	// ErrIncomplete: the command must name the whole list, and the list is not known completely.
	ErrIncomplete = errors.New("the list of ranges is incomplete, and Exchange 2007 takes whole lists only")
	// ErrNoParameter: the change touches something that no cmdlet of this library's knowledge sets.
	ErrNoParameter = errors.New("no cmdlet parameter sets this")
	// ErrNoChange: Before and After say the same.
	ErrNoChange = errors.New("the change changes nothing")
)

// Commands returns the lines that make change c on a server of version v, ready to be pasted. Of RemoteIPRanges they name
// only what comes and goes, from Exchange 2010 on; an unknown version is taken as one of those. Exchange 2007 gets the
// whole list, because Set-ReceiveConnector replaces it (documented), and [ErrIncomplete] if the list is not known
// completely. All other values are written whole.
//
// A connector that is created gets New-ReceiveConnector -Usage Custom, a removed one Remove-ReceiveConnector.
func Commands(c connector.Change, v connector.Version) ([]string, error) {
	fail := func(err error) ([]string, error) { return nil, fmt.Errorf("%s: %w", c.Target, err) }
	switch {
	case c.Before == nil && c.After == nil:
		return fail(ErrNoChange)
	case c.After == nil:
		return []string{"Remove-ReceiveConnector -Identity " + Quote(c.Target.String()) + " -Confirm:$false"}, nil
	case c.Before == nil:
		return create(*c.After)
	}
	before, after := *c.Before, *c.After
	if !slices.Equal(before.Rights, after.Rights) {
		return fail(fmt.Errorf("rights: %w", ErrNoParameter))
	}
	parameters, err := ranges(c, v)
	if err != nil {
		return fail(err)
	}
	parameters = append(parameters, others(before, after)...)
	if len(parameters) == 0 {
		return fail(ErrNoChange)
	}
	return []string{"Set-ReceiveConnector -Identity " + Quote(c.Target.String()) + " " + strings.Join(parameters, " ")}, nil
}

// ranges returns the -RemoteIPRanges parameter, if one is needed.
func ranges(c connector.Change, v connector.Version) ([]string, error) {
	added, removed := c.Ranges()
	if len(added) == 0 && len(removed) == 0 {
		return nil, nil
	}
	if v.Generation() == connector.Generation2007 {
		if c.After.Missing.Has(connector.PropertyRemoteIPRanges) {
			return nil, ErrIncomplete
		}
		return []string{"-RemoteIPRanges " + list(c.After.RemoteIPRanges)}, nil
	}
	var parts []string
	if len(added) > 0 {
		parts = append(parts, "Add="+list(added))
	}
	if len(removed) > 0 {
		parts = append(parts, "Remove="+list(removed))
	}
	return []string{"-RemoteIPRanges @{" + strings.Join(parts, "; ") + "}"}, nil
}

// others returns a parameter for every other property that differs.
func others(before, after connector.ReceiveConnector) []string {
	if after.SizeEnabled == 0 {
		after.SizeEnabled = connector.SizeEnabled // the default
	}
	if before.SizeEnabled == 0 {
		before.SizeEnabled = connector.SizeEnabled
	}
	if after.MaxMessageSize == 0 {
		after.MaxMessageSize = before.MaxMessageSize // the default, which is the version's
	}
	var ps []string
	set := func(differs bool, name, value string) {
		if differs {
			ps = append(ps, "-"+name+" "+value)
		}
	}
	set(before.TransportRole != after.TransportRole, "TransportRole", after.TransportRole.String())
	set(before.Disabled != after.Disabled, "Enabled", boolean(!after.Disabled))
	set(!slices.Equal(before.Bindings, after.Bindings), "Bindings", list(after.Bindings))
	set(before.AuthMechanism != after.AuthMechanism, "AuthMechanism", Quote(after.AuthMechanism.String()))
	set(before.PermissionGroups != after.PermissionGroups, "PermissionGroups", Quote(writable(after.PermissionGroups).String()))
	set(before.FQDN != after.FQDN, "Fqdn", orNull(after.FQDN))
	set(before.RequireTLS != after.RequireTLS, "RequireTLS", boolean(after.RequireTLS))
	set(before.SuppressXAnonymousTLS != after.SuppressXAnonymousTLS, "SuppressXAnonymousTls", boolean(after.SuppressXAnonymousTLS))
	set(before.EnableAuthGSSAPI != after.EnableAuthGSSAPI, "EnableAuthGSSAPI", boolean(after.EnableAuthGSSAPI))
	set(before.DomainSecure != after.DomainSecure, "DomainSecureEnabled", boolean(after.DomainSecure))
	set(before.SizeEnabled != after.SizeEnabled, "SizeEnabled", after.SizeEnabled.String())
	set(before.MaxMessageSize != after.MaxMessageSize, "MaxMessageSize", Quote(strconv.FormatUint(uint64(after.MaxMessageSize), 10)+"B"))
	for name, e := range connector.ExtensionSwitches() {
		set(before.DisabledExtensions.Has(e) != after.DisabledExtensions.Has(e), name, boolean(!after.DisabledExtensions.Has(e)))
	}
	set(before.OrarEnabled != after.OrarEnabled, "OrarEnabled", boolean(after.OrarEnabled))
	set(before.LongAddressesEnabled != after.LongAddressesEnabled, "LongAddressesEnabled", boolean(after.LongAddressesEnabled))
	return ps
}

// writable leaves out Custom, which Exchange sets by itself and does not take (observed).
func writable(g connector.PermissionGroups) connector.PermissionGroups {
	return g &^ connector.GroupCustom
}

func create(c connector.ReceiveConnector) ([]string, error) {
	if len(c.Rights) > 0 {
		return nil, fmt.Errorf("%s: rights: %w", c.ID, ErrNoParameter)
	}
	// Usage Custom brings mechanisms and groups of its own, so both are always said.
	base := connector.ReceiveConnector{Bindings: c.Bindings, AuthMechanism: ^c.AuthMechanism, PermissionGroups: ^c.PermissionGroups}
	line := fmt.Sprintf("New-ReceiveConnector -Name %s -Server %s -Usage Custom -Bindings %s -RemoteIPRanges %s ",
		Quote(c.ID.Name), Quote(c.ID.Server), list(c.Bindings), list(c.RemoteIPRanges))
	return []string{line + strings.Join(others(base, c), " ")}, nil
}

func boolean(b bool) string {
	if b {
		return "$true"
	}
	return "$false"
}

func orNull(s string) string {
	if s == "" {
		return "$null"
	}
	return Quote(s)
}

// list writes values as a PowerShell array: 'a','b'.
func list[T fmt.Stringer](values []T) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = Quote(v.String())
	}
	if len(quoted) == 0 {
		return "@()"
	}
	return strings.Join(quoted, ",")
}

// Quote writes s as a single-quoted PowerShell string, in which nothing is expanded. PowerShell takes the typographic
// quotes U+2018 to U+201B for the apostrophe, so they are doubled as well.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		if isQuote(r) {
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String()
}

func isQuote(r rune) bool { return r == '\'' || '\u2018' <= r && r <= '\u201b' }
