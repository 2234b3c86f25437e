package psexport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// grants are the rights that an object of Get-ADPermission tells of a connector.
type grants struct {
	id     connector.ID
	src    connector.Source
	rights []connector.Grant
	cut    bool
	own    bool // told by the connector itself, in the canonical text form, and beyond its groups
}

// smtpRights are how the names of the extended rights begin that count in an SMTP session; the others are about mailboxes and
// administration.
var smtpRights = []string{"ms-exch-smtp-", "ms-exch-accept-", "ms-exch-bypass-"}

// adPermission reads an object of Get-ADPermission: the extended rights that one principal is granted or denied.
func (r *Reader) adPermission(v value) {
	m := &mapper{reader: r, object: v}
	identity, _ := v.prop("Identity")
	id, ok := connectorID(identity.scalar())
	if dn, has := identity.prop("DistinguishedName"); !ok && has {
		id, ok = connectorID(dn.scalar())
	}
	m.name = id.String()
	if !ok {
		r.grants = append(r.grants, grants{src: v.src}) // of no connector
		return
	}
	user, _ := v.prop("User")
	principal := user.scalar()
	if principal == "" {
		m.fail(v, "User", connector.ErrEmpty)
		return
	}
	deny := false
	if v.has("Deny") {
		m.minor("Deny", 0, &deny)
	}
	g := grants{id: id, src: v.src}
	if _, cut := cutDots(principal); cut {
		g.cut = true
		m.lose(user.src, "User", connector.PropertyRights, "cut off with dots", "who has these rights is unknown")
		r.grants = append(r.grants, g)
		return
	}
	switch names, ok := v.prop("ExtendedRights"); {
	case !ok:
		g.cut = true
		m.lose(v.src, "ExtendedRights", 0, "not in the export", "the rights of "+principal+" are unknown")
	case !names.empty(): // an entry may grant rights of another kind alone
		list := names.members()
		for _, item := range list.items {
			if right := item.scalar(); isSMTPRight(right) {
				g.rights = append(g.rights, connector.Grant{Principal: principal, Right: right, Deny: deny})
			}
		}
		if loss := list.loss(); loss != "" {
			g.cut = true
			m.lose(names.src, "ExtendedRights", 0, loss, "the rights of "+principal+" are known in part")
		}
	}
	if !m.failed {
		r.grants = append(r.grants, g)
	}
}

func isSMTPRight(name string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc(smtpRights, func(prefix string) bool { return strings.HasPrefix(lower, prefix) })
}

// ownRights reads Rights, which the canonical text form has: one entry for each right, "principal: right", with a minus in
// front if it is denied.
func (m *mapper) ownRights() (rights []connector.Grant) {
	v, ok := m.object.prop("Rights")
	if !ok || v.null || v.list {
		return nil
	}
	text := strings.TrimSpace(v.scalar())
	if strings.HasPrefix(text, "{") && !strings.HasSuffix(text, "}") {
		m.lose(v.src, "Rights", connector.PropertyRights, "cut off with dots", "what the rights beyond the groups allow is unknown")
		return nil
	}
	for entry := range strings.SplitSeq(strings.Trim(text, "{} "), ", ") {
		principal, right, ok := strings.Cut(strings.TrimSpace(entry), ": ")
		if !ok {
			m.fail(v, "Rights", fmt.Errorf("%q: %w", clip(entry), connector.ErrInvalid))
			continue
		}
		principal, deny := strings.CutPrefix(principal, "-")
		rights = append(rights, connector.Grant{Principal: principal, Right: right, Deny: deny})
	}
	return rights
}

// grant adds rights that the connector does not have yet.
func grant(c *connector.ReceiveConnector, rights []connector.Grant) {
	folded := func(g connector.Grant) connector.Grant {
		return connector.Grant{Principal: fold(g.Principal), Right: fold(g.Right), Deny: g.Deny}
	}
	have := make(map[connector.Grant]bool, len(c.Rights))
	for _, g := range c.Rights {
		have[folded(g)] = true
	}
	for _, g := range rights {
		if !have[folded(g)] {
			have[folded(g)] = true
			c.Rights = append(c.Rights, g)
		}
	}
}
