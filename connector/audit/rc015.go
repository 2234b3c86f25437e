package audit

import (
	"fmt"
	"slices"

	"go4.org/netipx"

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
		if !h.wins() || p.contested(h.connector) {
			continue
		}
		var idle []connector.Range
		for _, r := range h.connector.RemoteIPRanges {
			if !h.decides[r] && h.bound(r.Span().From().Is4()) && !nowhere.ContainsRange(r.Span()) {
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
		ties := p.tiesOver(h.connector)
		idle = slices.DeleteFunc(idle, func(r connector.Range) bool { return repeated[r] || ties.OverlapsRange(r.Span()) })
		if len(idle) > 0 {
			p.Report(p.idle(h.connector, idle))
		}
	}
	return nil
}

// idle returns the finding about entries that never decide.
func (p *Pass) idle(c connector.ReceiveConnector, entries []connector.Range) Finding {
	f := Finding{Subject: c.ID, Certainty: Certain, Addrs: entries}
	if c.Missing&(connector.PropertyBindings|connector.PropertyTransportRole|connector.PropertyEnabled) != 0 {
		f.Certainty = PossiblyTrue
	}
	for _, local := range p.Index.Endpoints(p.Server) {
		if !c.ListensAt(local) {
			continue
		}
		for _, s := range p.Index.Shares(p.Server, local, entries...) {
			if s.Outcome == connector.Selected && !s.Connector.Equal(c.ID) && !slices.ContainsFunc(f.Related, s.Connector.Equal) {
				f.Related = append(f.Related, s.Connector)
			}
		}
	}
	who := "narrower entries of its own take"
	if len(f.Related) > 0 {
		who = names(f.Related) + " take"
		for _, r := range entries {
			if conn, ok := p.connFrom(firstOf(connector.IPSet(r)), f.Related...); ok {
				f.Witness = p.look(conn)
				break
			}
		}
	}
	f.Message = fmt.Sprintf("%s: %s the sources first", plural(len(entries), "entry never decides", "entries never decide"), who)
	return f
}

// tiesOver returns what any connector wins in a tie at the endpoints that one is bound to.
func (p *Pass) tiesOver(c connector.ReceiveConnector) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, h := range p.spaceOf().holdings {
		b.AddSet(h.tied(c.ListensAt))
	}
	set, _ := b.IPSet() // valid ranges do not fail
	return set
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
