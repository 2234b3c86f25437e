package audit

import (
	"fmt"

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
		if r.doubt != 0 {
			f.Certainty = PossiblyTrue // a range that is not known may hold them
		}
		for _, h := range s.holdings {
			for _, local := range h.at {
				if local == r.local {
					f.Related = append(f.Related, h.connector.ID)
				}
			}
		}
		f.Witness = p.look(connector.Conn{Server: p.Server, Local: r.local, Remote: firstOf(r.set)})
		f.Message = fmt.Sprintf("at %s these sources are hung up on: no range holds them; others are served", r.local)
		p.Report(f)
	}
	return nil
}
