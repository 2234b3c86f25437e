package audit

import (
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc201 = &Check{
	ID:       idRelay,
	Title:    "unauthenticated relay for a large or public address set",
	Severity: Error,
	Run:      checkRC201,
	Doc: `Whoever connects from these addresses may send to any domain without authenticating: the connector gives anonymous
clients the rights to submit and to accept any recipient. The set is larger than a subnet (256 addresses), or holds public
addresses by more than single hosts, or an address behind which a gateway or balancer hides others. The message counts all
that, and the Exchange servers among them. That anonymous clients may submit to accepted domains, as on the Default Frontend
connector, is no relay, and a relay for a few named hosts is what most organizations need: neither is reported.

What counts are the effective rights: the groups, and what Get-ADPermission shows, denied rights first. Where it was not exported,
Custom among the groups tells that something was granted or denied, and the finding is possible; without Custom it is very
likely that nothing was, and it is a note.

Narrow the ranges to the hosts that need it. The fix takes the right from anonymous clients; all of them lose it, so it is
never safe.

Source: rights of anonymous relay: allow anonymous relay, Receive connectors (documented); Custom appears by itself (observed).`,
}

func checkRC201(p *Pass) error {
	g := p.Record().Version.Generation()
	for _, h := range p.spaceOf().holdings {
		c := h.connector
		if !h.wins() || c.AuthMechanism.Has(connector.AuthExternalAuthoritative) {
			continue
		}
		c.Missing &^= connector.PropertyAuthMechanism // which is about RC202
		may := c.MayRelay(g)
		won := clients(h.won(anywhere))
		e := p.exposureOf(won)
		if may == connector.StepRefused || !e.isLarge() && len(e.hiding) == 0 && isEmpty(overlap(h.wide(anywhere), publicAddresses)) {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: Certain, Addrs: connector.RangesOf(won), Message: "anybody may relay without authenticating from " + e.String()}
		if may == connector.StepUnknown {
			f.Certainty = PossiblyTrue
			f.Message = "anybody may be able to relay without authenticating, by rights that are not known (Get-ADPermission tells them), from " + e.String()
			if !hintsAtRights(c) {
				if !c.EffectiveRights(connector.PrincipalAnonymous, g).Held.Has(connector.RightSubmit) {
					continue // who may not even submit
				}
				f.Severity = Note
			}
		}
		if conn, ok := p.connFrom(firstOf(won), c.ID); ok {
			f.Witness = p.look(conn)
		}
		p.reportWith(f, func() [][]candidate {
			c := h.connector
			without := withoutRelay(c)
			if len(without.Rights) == len(c.Rights) {
				return nil
			}
			return [][]candidate{{{kind: FixAccess, title: "take the right to relay from anonymous clients", changes: []connector.Change{
				connector.Edit(c, func(e *connector.ReceiveConnector) {
					if e.Rights = without.Rights; len(e.Rights) == 0 {
						e.PermissionGroups &^= connector.GroupCustom // which goes by itself
					}
				})}}}}
		})
	}
	return nil
}

// hintsAtRights tells whether there are rights beyond the groups, as far as one can see.
func hintsAtRights(c connector.ReceiveConnector) bool {
	return c.PermissionGroups.Has(connector.GroupCustom) || len(c.Rights) > 0 || c.Missing.Has(connector.PropertyPermissionGroups)
}

// withoutRelay takes from a connector every grant that by itself gives anonymous clients the right to relay.
func withoutRelay(c connector.ReceiveConnector) connector.ReceiveConnector {
	c.Rights = slices.DeleteFunc(slices.Clone(c.Rights), func(grant connector.Grant) bool {
		alone := connector.ReceiveConnector{ID: c.ID, Rights: []connector.Grant{grant}}
		return alone.EffectiveRights(connector.PrincipalAnonymous, 0).Held.Has(connector.RightAcceptAnyRecipient)
	})
	return c
}
