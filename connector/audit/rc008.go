package audit

import (
	"fmt"
	"net/netip"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc008 = &Check{
	ID:       "RC008",
	Title:    "transport roles share a binding",
	Severity: Error,
	Run:      checkRC008,
	Doc: `From Exchange 2013 on two services receive mail, Front End Transport and Transport, each with the connectors
of its TransportRole. Both cannot listen on one local endpoint, whatever the ranges: the one that starts second gets socket
error 10048 (events 1018, 1019, 1036, 1046), Front End Transport stops, and mail comes and goes with each restart
("4.3.2 Service not available"). It happens when a connector for port 25 is made without -TransportRole FrontendTransport. Newer
cmdlets refuse such a pair, and then also any later change of either connector, that of a setup included.

One finding for each HubTransport connector that is in the way; the related ones are of Front End Transport. If one of the
two is disabled nothing fights, but the cmdlets refuse all the same, so it is a warning.

The fix gives the connector to Front End Transport.

Source: KB2958036, NDR 4.3.2 (documented); who answers meanwhile: inferred.`,
}

// contested tells whether an enabled connector of the other transport role shares a binding with one, so that who serves there is not for
// ranges to decide.
func (p *Pass) contested(c connector.ReceiveConnector) bool {
	for _, d := range p.Connectors() {
		if c.TransportRole != 0 && d.TransportRole != 0 && c.TransportRole != d.TransportRole && !d.Disabled {
			if _, _, shared := c.SharesBinding(d); shared {
				return true
			}
		}
	}
	return false
}

func checkRC008(p *Pass) error {
	for _, c := range p.Connectors() {
		if c.TransportRole != connector.HubTransport {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: PossiblyTrue}
		var at netip.AddrPort
		for _, d := range p.Connectors() {
			mine, _, shared := c.SharesBinding(d)
			if d.TransportRole != connector.FrontendTransport || !shared {
				continue
			}
			if len(f.Related) == 0 || f.Certainty != Certain && !d.Disabled {
				at = mine
			}
			f.Related = append(f.Related, d.ID)
			if !c.Disabled && !d.Disabled && (c.Missing|d.Missing)&connector.PropertyEnabled == 0 {
				f.Certainty = Certain
			}
		}
		if len(f.Related) == 0 {
			continue
		}
		f.Witness = p.look(connector.Conn{Server: p.Server, Local: at, Remote: at.Addr().Next()})
		f.Message = fmt.Sprintf("HubTransport, and bound to %s, where Front End Transport listens: one of the two services does not get the port", at)
		p.reportWith(f, func() [][]candidate {
			return [][]candidate{{{kind: FixRole, title: "give the connector to Front End Transport", changes: []connector.Change{
				connector.Edit(c, func(e *connector.ReceiveConnector) { e.TransportRole = connector.FrontendTransport })}}}}
		})
	}
	return nil
}
