package audit

import (
	"iter"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// places are the servers of a topology and where they are, by key of their names, and its networks.
type places struct {
	list       []connector.Network          // as the topology has them
	networks   map[networkKey]*netipx.IPSet // addresses
	servers    map[string]*connector.Server
	records    map[string]connector.Server  // of the servers that are told, and not only named
	byFQDN     map[string]*connector.Server // by key of the full name
	configured map[string]bool              // servers with a connector, enabled or not
	own        map[string]*netipx.IPSet     // addresses of a server
	where      *netipx.IPSet                // addresses of all servers that authenticate as such, and of planned ones
	foreign    *netipx.IPSet                // addresses of others: Exchange Online, partners, other forests
	hidden     *netipx.IPSet                // addresses of gateways and balancers
}

// key returns one spelling for all names that differ in case only.
func key(name string) string { return strings.ToLower(strings.ToUpper(name)) }

func placesOf(t *connector.Topology) *places {
	pl := &places{list: t.Networks, networks: map[networkKey]*netipx.IPSet{}, servers: map[string]*connector.Server{}, records: map[string]connector.Server{}, byFQDN: map[string]*connector.Server{}, configured: map[string]bool{}, own: map[string]*netipx.IPSet{}}
	for _, c := range t.Connectors {
		pl.configured[key(c.ID.Server)] = true
	}
	for _, s := range t.Servers {
		pl.records[key(s.Name)] = s
	}
	var where, foreign, hidden netipx.IPSetBuilder
	for _, s := range t.AllServers() {
		pl.servers[key(s.Name)] = &s
		if s.FQDN != "" && pl.byFQDN[key(s.FQDN)] == nil {
			pl.byFQDN[key(s.FQDN)] = &s
		}
		var own netipx.IPSetBuilder
		for _, a := range s.Addresses {
			own.Add(a.Unmap().WithZone(""))
		}
		set, _ := own.IPSet() // valid addresses do not fail
		pl.own[key(s.Name)] = set
		if !s.Unsubscribed { // an Edge server on its own does not
			where.AddSet(set)
		}
	}
	for _, n := range t.Networks {
		pl.addNetwork(n)
		switch n.Kind {
		case connector.NetworkPlanned:
			where.AddSet(connector.IPSet(n.Ranges...))
		case connector.NetworkHybrid, connector.NetworkPartner, connector.NetworkCrossForest:
			foreign.AddSet(connector.IPSet(n.Ranges...))
		case connector.NetworkGateway, connector.NetworkBalancer:
			hidden.AddSet(connector.IPSet(n.Ranges...))
		}
	}
	pl.where, _ = where.IPSet()
	pl.foreign, _ = foreign.IPSet()
	pl.hidden, _ = hidden.IPSet()
	return pl
}

// networkKey names a network.
type networkKey struct {
	name string
	kind connector.NetworkKind
}

// addNetwork notes the addresses of a network; one that is told twice has those of both.
func (pl *places) addNetwork(n connector.Network) {
	k := networkKey{n.Name, n.Kind}
	var b netipx.IPSetBuilder
	b.AddSet(connector.IPSet(n.Ranges...))
	if old := pl.networks[k]; old != nil {
		b.AddSet(old)
	}
	pl.networks[k], _ = b.IPSet() // valid ranges do not fail
}

// network returns the addresses that a flow from a network comes from.
func (pl *places) network(f connector.Flow) *netipx.IPSet {
	kind := connector.NetworkCrossForest
	if f.Purpose == connector.Hybrid {
		kind = connector.NetworkHybrid
	}
	return pl.networks[networkKey{f.From, kind}]
}

// traffic is what the servers of a topology exchange. It does not depend on what the connectors allow, so one value
// serves an audit and the proof of its fixes.
type traffic struct {
	*places
	table *connector.FlowTable
}

func trafficOf(t *connector.Topology) *traffic { return &traffic{placesOf(t), t.FlowTable()} }

// toward yields the flows to a server that are simulated.
func (tr *traffic) toward(server string) iter.Seq[connector.Flow] {
	return func(yield func(connector.Flow) bool) {
		for f := range tr.table.To(server) {
			if simulated(f) && !yield(f) {
				return
			}
		}
	}
}

// simulated tells whether connectors decide about a flow that is not ruled out.
func simulated(f connector.Flow) bool {
	return f.MeetsConnectors() && f.Need != connector.NotNeeded
}
