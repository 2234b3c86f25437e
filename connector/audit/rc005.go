package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc005 = &Check{
	ID:       "RC005",
	Title:    "some addresses are refused on a port that others may use",
	Severity: Note,
	Run:      checkRC005,
	Doc: `At this endpoint, no connector has a range that holds these sources, and some have ranges for others. Their
connections are accepted and closed at once, without a banner and without a reply: a client, or a monitoring system,
sees a server that hangs up. That may be meant, where a port is there for a few hosts. It may be what is left when the
Default connector was restricted or disabled.

Where no connector at the port has a name that setup gives, those may just not have been exported, and it is only possible.
One finding for each endpoint; the related connectors are those that serve others there. Exchange servers among the
addresses that are needed are reported by RC001.

Source: a connection that no range holds is closed without a banner: product.`,
}

func checkRC005(p *Pass) error {
	s := p.spaceOf()
	for _, r := range s.refused {
		if r.doubt.Has(connector.DoubtRole) {
			continue // RC008 tells
		}
		f := Finding{Subject: connector.ID{Server: p.Server}, Certainty: Certain, Addrs: connector.RangesOf(r.set)}
		text := "at %s these sources are hung up on: no range holds them; others are served"
		switch {
		case r.doubt != 0:
			f.Certainty = PossiblyTrue // a range that is not known may hold them
		case p.lacksInstalled(r.local.Port()):
			f.Certainty = PossiblyTrue
			text += "; or the connector that setup installs for this port was not exported"
		}
		for _, h := range s.holdings {
			if slices.ContainsFunc(h.parts, func(p part) bool { return p.local == r.local }) {
				f.Related = append(f.Related, h.connector.ID)
			}
		}
		f.Witness = p.look(connector.Conn{Server: p.Server, Local: r.local, Remote: firstOf(r.set)})
		f.Message = fmt.Sprintf(text, r.local)
		p.Report(f)
	}
	return nil
}

// lacksInstalled tells whether setup installs connectors at a port, and no connector bound to it has such a name.
func (p *Pass) lacksInstalled(port uint16) bool {
	if !slices.Contains([]uint16{25, 587, 717, 465, 2525}, port) {
		return false
	}
	for _, c := range p.Connectors() {
		for _, name := range []string{"Default", "Client", "Outbound Proxy"} {
			installed := strings.HasPrefix(c.ID.Name, name+" ") && strings.HasSuffix(strings.ToLower(c.ID.Name), " "+strings.ToLower(c.ID.Server))
			if installed && slices.ContainsFunc(c.Bindings, func(b netip.AddrPort) bool { return b.Port() == port }) {
				return false
			}
		}
	}
	return true
}
