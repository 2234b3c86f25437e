package audit

import (
	"fmt"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc015 = &Check{
	ID:       "RC015",
	Title:    "entry never decides, because narrower ones take all of its addresses",
	Severity: Note,
	Run:      checkRC015,
	Doc: `The connector serves others, but this entry of its RemoteIPRanges is never the one by which it is selected: for each
of its addresses, at every endpoint where the connector listens, another connector comes first, or narrower entries of
its own. Whoever entered it wanted these sources here, and they are not, or not by it.

The addresses are such entries; the related connectors serve sources in them. A connector none of whose entries
decides is reported by RC002, entries that merely repeat others by RC012, entries without a binding of their family by
RC007.

Source: the most specific range wins: Receive connectors (documented).`,
}

func checkRC015(p *Pass) error {
	for _, h := range p.spaceOf().holdings {
		if !h.wins() || h.doubt.Has(connector.DoubtTie) || p.contested(h.connector) {
			continue
		}
		var idle []connector.Range
		for _, r := range h.connector.RemoteIPRanges {
			if !h.decides[r] && h.bound(r.Span().From().Is4()) {
				idle = append(idle, r)
			}
		}
		if len(idle) == 0 {
			continue
		}
		repeated := make(map[connector.Range]bool)
		for _, r := range p.shadowed(h.connector) {
			repeated[r] = true
		}
		idle = slices.DeleteFunc(idle, func(r connector.Range) bool { return repeated[r] })
		if len(idle) == 0 {
			continue
		}
		f := Finding{Subject: h.connector.ID, Certainty: Certain, Addrs: idle}
		if h.connector.Missing&(connector.PropertyBindings|connector.PropertyTransportRole|connector.PropertyEnabled) != 0 {
			f.Certainty = PossiblyTrue
		}
		for _, o := range p.spaceOf().holdings {
			if o != h && !isEmpty(overlap(o.won, connector.IPSet(idle...))) {
				f.Related = append(f.Related, o.connector.ID)
			}
		}
		who := "narrower entries of its own"
		if len(f.Related) > 0 {
			who = names(f.Related)
			if conn, ok := p.connFrom(firstOf(connector.IPSet(idle[0])), f.Related...); ok {
				f.Witness = p.look(conn)
			}
		}
		f.Message = fmt.Sprintf("%s: %s the sources first", plural(len(idle), "entry never decides", "entries never decide"), who+" take")
		p.Report(f)
	}
	return nil
}

// bound tells whether the connector has a binding of a family.
func (h *holding) bound(v4 bool) bool {
	for _, b := range h.connector.Bindings {
		if b.Addr().Unmap().Is4() == v4 {
			return true
		}
	}
	return false
}
