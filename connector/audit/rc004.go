package audit

import (
	"fmt"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc004 = &Check{
	ID:       "RC004",
	Title:    "two connectors tie for the same addresses",
	Severity: Warning,
	Run:      checkRC004,
	Doc: `At one endpoint, two or more connectors have ranges of the same number of addresses that hold these sources,
and both are bound to the exact local address or both to the wildcard. The one the server read first serves them, and the
order cannot be seen from outside: every answer about these sources is in doubt, and may be another one after a restart.

One finding for each connector that comes first in the configuration; the related ones tie with it, at the first 100 places. The cmdlets refuse
equal ranges on one binding, so it stems from an import, a directory edit, or two bindings.

List the sources at one of the connectors only, or as single addresses at the one that is meant.

Source: the order in a tie: product.`,
}

func checkRC004(p *Pass) error {
	for _, h := range p.spaceOf().holdings {
		tied := clients(h.tied(anywhere))
		if isEmpty(tied) {
			continue
		}
		f := Finding{Subject: h.connector.ID, Certainty: Certain, Addrs: connector.RangesOf(tied), Related: p.tiedWith(h)}
		if conn, ok := p.connFrom(firstOf(tied), h.connector.ID); ok {
			f.Witness = p.look(conn)
		}
		f.Message = fmt.Sprintf("ties with %s: which of them serves these sources cannot be seen from outside", names(f.Related))
		p.Report(f)
	}
	return nil
}

// mostTies is at how many places the connectors that tie with one are looked for.
const mostTies = 100

// tiedWith returns the connectors that tie with one somewhere.
func (p *Pass) tiedWith(h *holding) (ids []connector.ID) {
	asked := 0
	for _, part := range h.parts {
		local := part.local
		for region, m := range p.Index.Regions(p.Server, local) {
			if !m.Doubt().Has(connector.DoubtTie) || m.Connector() != h.connector.ID {
				continue
			}
			if asked++; asked > mostTies {
				return ids
			}
			for _, s := range p.Index.Explain(connector.Conn{Server: p.Server, Local: local, Remote: region.From()}).Steps {
				if s.Reason == connector.LostTie && !slices.Contains(ids, s.Connector) {
					ids = append(ids, s.Connector)
				}
			}
		}
	}
	return ids
}
