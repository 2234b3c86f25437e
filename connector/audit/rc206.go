package audit

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc206 = &Check{
	ID:       "RC206",
	Title:    "addresses of one network reach different connectors",
	Severity: Warning,
	Run:      checkRC206,
	Doc: `A network that the topology names as Exchange Online, a partner or another forest connects from all of its addresses, and at
one endpoint of port 25 some of them meet another connector than the others: the list of the connector that is meant for it is
out of date, or another one covers a part. What comes from the rest gets another treatment: hybrid mail is taken for anonymous mail
of the Internet, a partner is refused.

The finding is about the connector that serves most of the network by ranges of its own, which is taken to be the one that is
meant for it. The addresses are those of the network that it does not serve, the related connectors serve these. Where only the
connector for everybody serves the network, all of it is treated alike, and nothing is reported.

The fix adds the rest of the network to the connector. Networks of kind Planned are the concern of RC009, those of gateways and
balancers of RC205.

Source: KB2750145 (documented).`,
}

func checkRC206(p *Pass) error {
	for _, n := range p.traffic.list {
		if n.Kind != connector.NetworkHybrid && n.Kind != connector.NetworkPartner && n.Kind != connector.NetworkCrossForest {
			continue
		}
		for _, local := range p.Index.Endpoints(p.Server) {
			if local.Port() != 25 {
				continue
			}
			shares := p.Index.Shares(p.Server, local, n.Ranges...)
			if own, ok := p.meantFor(shares, local); ok && len(shares) > 1 {
				p.reportSplit(n, own, shares, local)
				break // the other endpoints would say the same
			}
		}
	}
	return nil
}

// meantFor returns the share of the connector that is most likely the one that is meant for a network: of those that serve it by ranges of
// their own, the one that serves most of it.
func (p *Pass) meantFor(shares []connector.Share, local netip.AddrPort) (best connector.Share, ok bool) {
	var most *big.Int
	for _, s := range shares {
		if n := countOf(connector.IPSet(s.Addrs...)); s.Outcome == connector.Selected && p.servesInPart(s, local) && (!ok || n.Cmp(most) > 0) {
			best, most, ok = s, n, true
		}
	}
	return best, ok
}

// servesInPart tells whether a connector serves a share by ranges of its own, and not because it serves everybody.
func (p *Pass) servesInPart(s connector.Share, local netip.AddrPort) bool {
	m := p.Index.Select(connector.Conn{Server: p.Server, Local: local, Remote: s.Addrs[0].Span().From()})
	return !isEverything(m.Range())
}

func (p *Pass) reportSplit(n connector.Network, s connector.Share, shares []connector.Share, local netip.AddrPort) {
	f := Finding{Subject: s.Connector, Certainty: Certain}
	for _, o := range shares {
		if o.Connector.Equal(s.Connector) {
			continue
		}
		f.Addrs = append(f.Addrs, o.Addrs...)
		if !o.Connector.IsZero() {
			f.Related = append(f.Related, o.Connector)
		}
		if o.Doubt|s.Doubt != 0 {
			f.Certainty = PossiblyTrue
		}
	}
	f.Addrs = connector.RangesOf(connector.IPSet(f.Addrs...))
	f.Witness = p.look(connector.Conn{Server: p.Server, Local: local, Remote: firstOf(connector.IPSet(f.Addrs...))})
	f.Message = fmt.Sprintf("serves a part of network %s at %s; the rest of it meets %s", n.Name, local, otherwise(f.Related))
	p.reportWith(f, func() [][]candidate {
		i := slices.IndexFunc(p.Connectors(), func(c connector.ReceiveConnector) bool { return c.ID.Equal(s.Connector) })
		return [][]candidate{{{kind: FixAdd, title: "add the rest of the network to the connector", changes: []connector.Change{connector.AddRanges(p.Connectors()[i], f.Addrs...)}}}}
	})
}

func otherwise(ids []connector.ID) string {
	if len(ids) == 0 {
		return "no connector"
	}
	return names(ids)
}
