package audit

import (
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc204 = &Check{
	ID:       "RC204",
	Title:    "anonymous submission on an internal connector",
	Severity: Note,
	Run:      checkRC204,
	Doc: `From Exchange 2013 on the connectors at ports 2525, 465 and 717 are for Exchange servers, the one at 587 is for users who
log in. Setup gives AnonymousUsers to none of them. Here it was added, often while looking for something else, and whoever
reaches the port may submit mail to accepted domains past the connector that filters what comes from outside.

The addresses are all that the connector is selected for at these ports. The fix takes AnonymousUsers away; whoever
uses it loses that, so it is not safe.

Source: default Receive connectors by port (documented).`,
}

// internalPorts are those of connectors that are not for anonymous clients, from 2013 on.
var internalPorts = []uint16{2525, 465, 717, 587}

func checkRC204(p *Pass) error {
	g := p.Record().Version.Generation()
	if g != 0 && g < connector.Generation2013 {
		return nil
	}
	for _, h := range p.spaceOf().holdings {
		c := h.connector
		conn, there := h.example(at(internalPorts...))
		if !there || !c.EffectiveRights(connector.PrincipalAnonymous, g).Held.Has(connector.RightSubmit) || c.AuthMechanism.Has(connector.AuthExternalAuthoritative) {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: Certain, Addrs: connector.RangesOf(h.won(at(internalPorts...))), Witness: p.look(conn), Message: fmt.Sprintf("anonymous clients may submit at port %d", conn.Local.Port())}
		p.reportWith(f, func() [][]candidate {
			if !c.PermissionGroups.Has(connector.GroupAnonymousUsers) {
				return nil // by a right of its own
			}
			return [][]candidate{{{kind: FixAccess, title: "take AnonymousUsers out of its permission groups", changes: []connector.Change{
				connector.SetPermissionGroups(c, c.PermissionGroups&^connector.GroupAnonymousUsers)}}}}
		})
	}
	return nil
}
