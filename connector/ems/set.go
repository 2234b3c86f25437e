package ems

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// set reads Set-ReceiveConnector.
func (p *parser) set(rc connector.ReceiveConnector, args arguments) (connector.Change, error) {
	after := rc.Clone()
	if err := p.apply(&after, args); err != nil {
		return connector.Change{}, err
	}
	for _, name := range connector.Settings() {
		if a, ok := args[name]; ok && !after.Knows(name) && !a.table {
			p.note(a.at, "-%s: what it was is not known, so whether that changes anything is not known", name)
		}
	}
	s, _ := p.t.Server(rc.ID.Server)
	for _, name := range []string{"Bindings", "RemoteIPRanges"} {
		if a := args[name]; a.table && s.Version.Generation() == connector.Generation2007 {
			p.note(a.at, "-%s: Exchange 2007 takes whole lists only", name)
		}
	}
	return connector.Edit(rc, func(c *connector.ReceiveConnector) { *c = after }), nil
}

// apply gives a connector the values of all parameters that are settings.
func (p *parser) apply(c *connector.ReceiveConnector, args arguments) error {
	for _, name := range connector.Settings() {
		a, ok := args[name]
		if !ok {
			continue
		}
		p.doubtful(name, a)
		err := error(nil)
		if a.table {
			err = p.edit(c, name, a)
		} else {
			err = c.Set(name, texts(a.items)...)
		}
		if err != nil {
			return valueError(name, a, err)
		}
	}
	return nil
}

// doubtful notes values that mean something else than they look like.
func (p *parser) doubtful(name string, a argument) {
	values, _ := connector.ReceiveConnector{}.Setting(name)
	boolean := slices.Equal(values, []string{"True"}) || slices.Equal(values, []string{"False"})
	for _, i := range slices.Concat(a.items, a.add) {
		switch {
		case boolean && !i.flag && !i.null:
			p.note(i.at, "-%s: PowerShell takes $true or $false, and %s is a text to it", name, i.text)
		case name == "RemoteIPRanges" && (i.text == "0.0.0.0" || i.text == "::"):
			p.note(i.at, "-RemoteIPRanges: %s is one address; all of them are 0.0.0.0-255.255.255.255 and ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", i.text)
		case name == "PermissionGroups" && strings.Contains(strings.ToLower(i.text), "custom"):
			p.note(i.at, "-PermissionGroups: Custom cannot be given; Exchange shows it by itself where there are rights beyond the groups")
		}
	}
}

// valueError brings an error of a value to its place.
func valueError(name string, a argument, err error) error {
	var e *tokenError
	if errors.As(err, &e) {
		return err
	}
	at := a.at
	var pe *connector.ParseError
	if errors.As(err, &pe) {
		for _, i := range slices.Concat(a.items, a.add, a.remove) {
			if i.text == pe.Input {
				at = i.at
			}
		}
	}
	return fail(at, "-%s: %w", name, err)
}

// edit adds and removes entries of a list.
func (p *parser) edit(c *connector.ReceiveConnector, name string, a argument) error {
	switch name {
	case "RemoteIPRanges":
		return editList(p, *c, name, a, &c.RemoteIPRanges, connector.ParseRange, connector.Range.Span)
	case "Bindings":
		return editList(p, *c, name, a, &c.Bindings, connector.ParseBinding, func(b netip.AddrPort) netip.AddrPort { return b })
	}
	return fail(a.at, "-%s: %w: it is no list", name, ErrSyntax)
}

// editList removes, then adds, and notes what was not there and what was there already. Entries are the same if what they mean is.
func editList[T any, M comparable](p *parser, c connector.ReceiveConnector, name string, a argument, list *[]T, parse func(string) (T, error), meaning func(T) M) error {
	remove, err := parseAll(a.remove, parse)
	if err != nil {
		return err
	}
	add, err := parseAll(a.add, parse)
	if err != nil {
		return err
	}
	listed := make(map[M]bool, len(*list))
	for _, v := range *list {
		listed[meaning(v)] = true
	}
	gone := make(map[M]bool, len(remove))
	for i, v := range remove {
		m := meaning(v)
		switch {
		case listed[m]:
		case c.Knows(name):
			p.note(a.remove[i].at, "-%s: %s does not list %s, so nothing is removed", name, c.ID, a.remove[i].text)
		default:
			p.note(a.remove[i].at, "-%s: %s is not among the entries of %s that are known; whether it is listed is not known", name, a.remove[i].text, c.ID)
		}
		gone[m], listed[m] = true, false
	}
	*list = slices.DeleteFunc(*list, func(v T) bool { return gone[meaning(v)] })
	for i, v := range add {
		m := meaning(v)
		if listed[m] {
			p.note(a.add[i].at, "-%s: %s lists %s already", name, c.ID, a.add[i].text)
			continue
		}
		listed[m] = true
		*list = append(*list, v)
	}
	return nil
}

func parseAll[T any](items []item, parse func(string) (T, error)) (all []T, err error) {
	for _, text := range texts(items) {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// permission grants or takes extended rights.
func (p *parser) permission(add bool, c command, rc connector.ReceiveConnector, args arguments) (connector.Change, error) {
	user, ok, err := args.one("User")
	if err != nil {
		return connector.Change{}, err
	}
	rights := texts(args["ExtendedRights"].items)
	if !ok || len(rights) == 0 {
		return connector.Change{}, fail(c.at, "%s: %w: it needs -User and -ExtendedRights", c.name, ErrSyntax)
	}
	_, deny := args["Deny"]
	s, _ := p.t.Server(rc.ID.Server)
	for _, i := range args["ExtendedRights"].items {
		if _, err := connector.ParseRights(i.text); err != nil && !strings.HasPrefix(strings.ToLower(i.text), "ms-exch-smtp-send-xmessagecontext") {
			p.note(i.at, "-ExtendedRights: %s is no right that counts in a session, as far as this library knows", i.text)
		}
		if g := (connector.Grant{Principal: user.text, Right: i.text}); !add && !deny && rc.InGroups(g, s.Version.Generation()) {
			return connector.Change{}, fail(i.at, "%s: %s: %w", c.name, i.text, ErrGroupRight)
		}
	}
	return connector.Edit(rc, func(c *connector.ReceiveConnector) {
		for _, r := range rights {
			g := connector.Grant{Principal: user.text, Right: r, Deny: deny}
			i := slices.IndexFunc(c.Rights, func(o connector.Grant) bool {
				return strings.EqualFold(o.Principal, g.Principal) && strings.EqualFold(o.Right, g.Right) && o.Deny == g.Deny
			})
			switch {
			case add && i < 0:
				c.Rights = append(c.Rights, g)
			case !add && i >= 0:
				c.Rights = slices.Delete(c.Rights, i, i+1)
			case !add:
				p.note(user.at, "Remove-ADPermission: %s is not known to be granted on %s", g, c.ID)
			}
		}
		if len(c.Rights) == 0 && !c.Missing.Has(connector.PropertyRights) {
			c.PermissionGroups &^= connector.GroupCustom // which stands for such rights
		}
	}), nil
}
