package ems

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Commands returns the lines that make change c on a server of version v, ready to be pasted. Of RemoteIPRanges they name
// only what comes and goes, from Exchange 2010 on; an unknown version is taken as one of those. Exchange 2007 gets the
// whole list, because Set-ReceiveConnector replaces it (documented). All other values are written whole, Bindings too if they are
// known completely.
//
// A connector that is created gets New-ReceiveConnector -Usage Custom, a removed one Remove-ReceiveConnector. Rights beyond the
// groups follow as Add-ADPermission and Remove-ADPermission, what goes before what comes.
//
// The error is [ErrNoChange], [ErrNoParameter], [ErrIncomplete] or [ErrWildcard], with the connector and the property.
func Commands(c connector.Change, v connector.Version) ([]string, error) {
	lines, err := (writer{change: c, generation: v.Generation()}).lines()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Target, err)
	}
	return lines, nil
}

type writer struct {
	change     connector.Change
	generation connector.Generation
	each       string // what every cmdlet is told beside
}

func (w writer) lines() ([]string, error) {
	c := w.change
	if c.Before == nil && c.After == nil {
		return nil, ErrNoChange
	}
	if c.After == nil {
		return []string{"Remove-ReceiveConnector -Identity " + Quote(c.Target.String()) + " -Confirm:$false" + w.each}, nil
	}
	head, missing := "Set-ReceiveConnector -Identity "+Quote(c.Target.String()), connector.Properties(0)
	if c.Before == nil {
		head, missing = w.newConnector(), c.After.Missing
	} else {
		missing = c.After.Missing &^ c.Before.Missing
	}
	// What is not known afterwards cannot be said; rights, limits and what is announced need not be. A role must be, where there are
	// roles, because another one would be taken.
	const minor = connector.PropertyRights | connector.PropertyLimits | connector.PropertyExtensions | connector.PropertySizeEnabled | connector.PropertyMaxMessageSize
	if c.Before == nil && c.After.TransportRole == 0 && w.generation >= connector.Generation2013 {
		missing |= connector.PropertyTransportRole
	}
	if missing &^= minor; missing != 0 {
		return nil, fmt.Errorf("%s: %w", missing, ErrIncomplete)
	}
	parameters, err := w.parameters()
	if err != nil {
		return nil, err
	}
	var lines []string
	if c.Before == nil || len(parameters) > 0 {
		lines = append(lines, strings.Join(append([]string{head}, parameters...), " ")+w.each)
	}
	rights, err := w.rights()
	if err != nil {
		return nil, err
	}
	lines = append(lines, rights...)
	if len(lines) == 0 {
		return nil, ErrNoChange
	}
	return lines, nil
}

// newConnector begins the command that creates a connector. Usage Custom brings mechanisms and groups of its own, so both are always
// said.
func (w writer) newConnector() string {
	c := w.change.After
	return fmt.Sprintf("New-ReceiveConnector -Name %s -Server %s -Usage Custom -Bindings %s -RemoteIPRanges %s -AuthMechanism %s -PermissionGroups %s",
		Quote(c.ID.Name), Quote(c.ID.Server), list(printed(c.Bindings)), list(printed(c.RemoteIPRanges)), Quote(c.AuthMechanism.String()), Quote(writable(c.PermissionGroups).String()))
}

// parameters returns a parameter for each property that differs, but for those that newConnector says.
func (w writer) parameters() (ps []string, err error) {
	for _, d := range w.change.Differences() {
		p := ""
		switch {
		case d.Property == "Rights":
			continue
		case d.Lost:
			err = ErrIncomplete
		case w.change.Before == nil && slices.Contains([]string{"Name", "Bindings", "RemoteIPRanges", "AuthMechanism", "PermissionGroups"}, d.Property):
			continue
		case d.List:
			p, err = w.list(d)
		default:
			p, err = w.value(d)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Property, err)
		}
		if p != "" {
			ps = append(ps, "-"+d.Property+" "+p)
		}
	}
	return ps, nil
}

// list writes the value of a list: what comes and goes, or the whole of it.
func (w writer) list(d connector.Difference) (string, error) {
	incomplete := map[string]connector.Properties{"Bindings": connector.PropertyBindings, "RemoteIPRanges": connector.PropertyRemoteIPRanges}[d.Property] & w.change.After.Missing
	added, removed := d.Added(), d.Removed()
	reordered := len(added)+len(removed) == 0
	whole := d.Unknown || reordered || w.removesTwin() || w.generation == connector.Generation2007 || d.Property == "Bindings" && incomplete == 0
	switch {
	case incomplete != 0 && w.generation == connector.Generation2007:
		return "", fmt.Errorf("only whole lists on Exchange 2007: %w", ErrIncomplete)
	case whole && incomplete != 0:
		return "", ErrIncomplete
	case whole:
		return list(d.After), nil
	}
	var parts []string
	if len(added) > 0 {
		parts = append(parts, "Add="+list(added))
	}
	if len(removed) > 0 {
		parts = append(parts, "Remove="+list(removed))
	}
	return "@{" + strings.Join(parts, "; ") + "}", nil
}

// removesTwin tells whether a range goes while another entry of the same addresses stays: what is removed by its value may be both.
func (w writer) removesTwin() bool {
	stay := make(map[netipx.IPRange]bool)
	for _, r := range w.change.After.RemoteIPRanges {
		stay[r.Span()] = true
	}
	_, removed := w.change.Ranges()
	return slices.ContainsFunc(removed, func(r connector.Range) bool { return stay[r.Span()] })
}

// value writes the value of a property that is no list; nothing if there is nothing to say.
func (w writer) value(d connector.Difference) (string, error) {
	after := strings.Join(d.After, ", ")
	switch {
	case d.Property == "Fqdn" && after == "":
		return "$null", nil
	case d.Property == "Name" || d.Property == "Fqdn":
		return Quote(after), nil
	case d.Property == "TransportRole" && (after == "" || w.generation != 0 && w.generation < connector.Generation2013):
		return "", ErrNoParameter
	case d.Property == "PermissionGroups":
		if w.change.Before != nil && !d.Unknown && writable(w.change.Before.PermissionGroups) == writable(w.change.After.PermissionGroups) {
			return "", nil // Custom alone, which Exchange sets by itself
		}
		return Quote(writable(w.change.After.PermissionGroups).String()), nil
	case d.Property == "MaxMessageSize":
		return Quote(strconv.FormatUint(uint64(w.change.After.MaxMessageSize), 10) + "B"), nil
	case after == "True" || after == "False":
		return "$" + strings.ToLower(after), nil
	case d.Property == "TransportRole" || d.Property == "SizeEnabled" || strings.HasPrefix(d.Property, "Max"):
		return after, nil
	}
	return Quote(after), nil
}

// rights returns the lines that take and give rights beyond the groups.
func (w writer) rights() (lines []string, err error) {
	var before []connector.Grant
	if w.change.Before != nil {
		before = w.change.Before.Rights
	}
	after := w.change.After.Rights
	for _, verb := range []struct {
		cmdlet, confirm string
		grants          []connector.Grant
	}{{"Remove-ADPermission", " -Confirm:$false", except(before, after)}, {"Add-ADPermission", "", except(after, before)}} {
		for rest := verb.grants; len(rest) > 0; {
			first := rest[0]
			var rights []string
			var others []connector.Grant
			for _, g := range rest {
				if g.Principal == first.Principal && g.Deny == first.Deny {
					rights = append(rights, g.Right)
				} else {
					others = append(others, g)
				}
			}
			deny := ""
			if first.Deny {
				deny = " -Deny"
			}
			lines = append(lines, fmt.Sprintf("Get-ReceiveConnector -Identity %s%s | %s -User %s -ExtendedRights %s%s%s%s",
				Quote(w.change.After.ID.String()), w.each, verb.cmdlet, Quote(first.Principal), list(rights), deny, verb.confirm, w.each))
			rest = others
		}
	}
	if len(lines) > 0 && isPattern(w.change.After.ID.String()) {
		return nil, ErrWildcard
	}
	return lines, nil
}

// isPattern tells whether Get-ReceiveConnector would take an identity for a pattern.
func isPattern(identity string) bool { return strings.ContainsAny(identity, "*?[]") }

// except returns the grants of a that are not in b.
func except(a, b []connector.Grant) []connector.Grant {
	return slices.DeleteFunc(slices.Clone(a), func(g connector.Grant) bool { return slices.Contains(b, g) })
}

// writable leaves out Custom, which Exchange sets by itself and does not take (observed).
func writable(g connector.PermissionGroups) connector.PermissionGroups {
	return g &^ connector.GroupCustom
}

func printed[T fmt.Stringer](values []T) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	return texts
}

// list writes values as a PowerShell array: 'a','b'.
func list(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = Quote(v)
	}
	if len(quoted) == 0 {
		return "@()"
	}
	return strings.Join(quoted, ",")
}
