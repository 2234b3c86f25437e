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
port 25 some of them meet another connector than the others: the list of the connector that is meant for it is out of date, or another
one covers a part. What comes from the rest gets another treatment: hybrid mail is taken for anonymous mail of the Internet, a
partner is refused.

The finding is about the connector that is taken to be the one that is meant for the network: it serves some of it by ranges of its own
that are wider than single hosts, it takes such mail, and of partners and other forests it serves more than half. The addresses are
those of the network that it does not serve, at any endpoint of port 25; the related connectors serve these. Where only the connector for
everybody serves the network, all of it is treated alike, and nothing is reported.

The fix adds the rest of the network to the connector. Whether that is the one that is meant only you know, so it is never safe.
Networks of kind Planned are the concern of RC009, those of gateways and balancers of RC205.

Source: KB2750145 (documented).`,
}

func checkRC206(p *Pass) error {
	for _, n := range p.traffic.list {
		if n.Kind == connector.NetworkHybrid || n.Kind == connector.NetworkPartner || n.Kind == connector.NetworkCrossForest {
			p.checkSplit(n)
		}
	}
	return nil
}

// checkSplit reports, for the connector that is meant for a network, what of it goes elsewhere at any endpoint.
func (p *Pass) checkSplit(n connector.Network) {
	var order []connector.ID
	found := make(map[connector.ID]*Finding)
	for _, local := range p.Index.Endpoints(p.Server) {
		if local.Port() != 25 {
			continue
		}
		shares := p.Index.Shares(p.Server, local, n.Ranges...)
		own, ok := p.meantFor(n, shares, local)
		if !ok || len(shares) < 2 {
			continue
		}
		f := found[own.Connector]
		if f == nil {
			f = &Finding{Subject: own.Connector, Certainty: Certain, Message: fmt.Sprintf("serves a part of network %s; the rest of it meets ", n.Name)}
			found[own.Connector], order = f, append(order, own.Connector)
		}
		for _, o := range shares {
			if o.Connector.Equal(own.Connector) {
				continue
			}
			f.Addrs = append(f.Addrs, o.Addrs...)
			if !o.Connector.IsZero() && !slices.ContainsFunc(f.Related, o.Connector.Equal) {
				f.Related = append(f.Related, o.Connector)
			}
			if o.Doubt|own.Doubt != 0 {
				f.Certainty = PossiblyTrue
			}
			if f.Witness == nil {
				f.Witness = p.look(connector.Conn{Server: p.Server, Local: local, Remote: firstOf(connector.IPSet(o.Addrs...))})
			}
		}
	}
	for _, id := range order {
		f := *found[id]
		f.Addrs = connector.RangesOf(connector.IPSet(f.Addrs...))
		f.Message += otherwise(f.Related)
		p.reportWith(f, func() [][]candidate {
			c, _ := p.only(p.Server).Connector(id)
			return [][]candidate{{{kind: FixAdd, title: "add the rest of the network to the connector", guess: true, changes: []connector.Change{connector.AddRanges(c, f.Addrs...)}}}}
		})
	}
}

// meantFor returns the share of the connector that is taken to be the one that is meant for a network.
func (p *Pass) meantFor(n connector.Network, shares []connector.Share, local netip.AddrPort) (best connector.Share, ok bool) {
	var most, all big.Int
	for _, s := range shares {
		all.Add(&all, countOf(connector.IPSet(s.Addrs...)))
	}
	for _, s := range shares {
		if s.Outcome != connector.Selected {
			continue
		}
		set := connector.IPSet(s.Addrs...)
		i := slices.IndexFunc(p.spaceOf().holdings, func(h *holding) bool { return h.connector.ID.Equal(s.Connector) })
		if i < 0 {
			continue
		}
		h := p.spaceOf().holdings[i]
		half := new(big.Int).Lsh(countOf(set), 1)
		switch {
		case h.all[one(local.Addr().Is4())], isEmpty(overlap(h.wide(func(e netip.AddrPort) bool { return e == local }), set)):
		case n.Kind != connector.NetworkHybrid && half.Cmp(&all) <= 0:
		case !p.takes(n, connector.Conn{Server: p.Server, Local: local, Remote: firstOf(set)}):
		case !ok || countOf(set).Cmp(&most) > 0:
			best, ok = s, true
			most.Set(countOf(set))
		}
	}
	return best, ok
}

// takes tells whether mail as it comes from a network is taken over a connection, or may be.
func (p *Pass) takes(n connector.Network, c connector.Conn) bool {
	peer := connector.Peer{Kind: connector.PeerPartner, TLS: connector.TLSIfOffered}
	switch n.Kind {
	case connector.NetworkHybrid:
		peer = connector.Flow{Purpose: connector.Hybrid}.Peer(connector.Server{})
	case connector.NetworkCrossForest:
		peer = connector.Flow{Purpose: connector.CrossForest}.Peer(connector.Server{})
	}
	return p.Index.Simulate(c, peer).Mail() != connector.StepRefused
}

func otherwise(ids []connector.ID) string {
	if len(ids) == 0 {
		return "no connector"
	}
	return names(ids)
}
