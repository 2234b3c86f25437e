package audit

import (
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc202 = &Check{
	ID:       "RC202",
	Title:    "externally secured connector reaches beyond named hosts",
	Severity: Error,
	Run:      checkRC202,
	Doc: `ExternalAuthoritative takes everybody who is selected for this connector for an externally secured server: without any
authentication they may relay, send as anybody, and pass the anti-spam agents and the limits of size, and their mail counts as internal.
That is meant for single hosts that are trusted, or secured by other means. Here the connector is selected by ranges wider than
single hosts, or for an address behind which a gateway or balancer hides others. The addresses are those; the message counts
what is in them.

List the hosts one by one, and keep the addresses of gateways and balancers out. The fix takes the latter out of the
ranges, where there are some and another connector takes them. Where AuthMechanism is not known it is a note.

Source: New-ReceiveConnector, -AuthMechanism, allow anonymous relay (documented).`,
}

func checkRC202(p *Pass) error {
	g := p.Record().Version.Generation()
	for _, h := range p.spaceOf().holdings {
		c := h.connector
		unknown := c.Missing.Has(connector.PropertyAuthMechanism)
		if unknown {
			c.AuthMechanism, c.Missing = connector.AuthExternalAuthoritative, c.Missing&^connector.PropertyAuthMechanism // if it were
		}
		may := c.MayRelay(g)
		if !h.wins() || !c.AuthMechanism.Has(connector.AuthExternalAuthoritative) || may == connector.StepRefused {
			continue
		}
		hidden := overlap(h.won(anywhere), p.traffic.hidden)
		set := clients(union(h.wide(anywhere), hidden))
		if isEmpty(set) {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: Certain, Addrs: connector.RangesOf(set), Message: "trusts without authentication " + p.exposureOf(set).String()}
		switch {
		case unknown:
			f.Certainty = CannotTell
			f.Message = "may trust without authentication, as AuthMechanism is not known (Get-ReceiveConnector tells it), " + p.exposureOf(set).String()
		case may == connector.StepUnknown:
			f.Certainty = PossiblyTrue
		}
		if conn, ok := p.connFrom(firstOf(set), c.ID); ok {
			f.Witness = p.look(conn)
		}
		p.reportWith(f, func() [][]candidate { return [][]candidate{p.carveOut(h, hidden)} })
	}
	return nil
}

// carveOut proposes to take the addresses of gateways and balancers out of the ranges of a connector, unless nobody else would take them.
func (p *Pass) carveOut(h *holding, hidden *netipx.IPSet) []candidate {
	if isEmpty(hidden) {
		return nil
	}
	others := p.only(p.Server)
	others.Connectors = slices.DeleteFunc(slices.Clone(others.Connectors), func(c connector.ReceiveConnector) bool { return c.ID.Equal(h.connector.ID) })
	x := mustCompile(others)
	for _, part := range h.parts {
		for _, s := range x.Shares(p.Server, part.local, connector.RangesOf(overlap(part.won, hidden))...) {
			if s.Outcome != connector.Selected {
				return nil
			}
		}
	}
	es := newEdits()
	carved(es, h.connector, connector.RangesOf(hidden))
	if es.empties() {
		return nil
	}
	return []candidate{{kind: FixCarve, title: "take the addresses of gateways and balancers out of its ranges", changes: es.changes(disable)}}
}
