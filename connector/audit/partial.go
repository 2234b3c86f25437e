package audit

import (
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// only returns the topology as far as it is about one server: its record and its connectors. The connectors are shared, and callers do
// not change them.
func (p *Pass) only(server string) *connector.Topology {
	t := &connector.Topology{Connectors: p.connectors[key(server)]}
	if s, ok := p.traffic.records[key(server)]; ok {
		t.Servers = []connector.Server{s}
	}
	return t
}

// beside returns the index of the server as if a connector and some others were its only ones, as far as these have ranges at some
// addresses.
func (p *Pass) beside(c connector.ReceiveConnector, about []netipx.IPRange, others ...connector.ReceiveConnector) *connector.Index {
	t := p.only(p.Server)
	position := func(id connector.ID) int {
		return slices.IndexFunc(p.Connectors(), func(o connector.ReceiveConnector) bool { return o.ID.Equal(id) })
	}
	t.Connectors = []connector.ReceiveConnector{c}
	for _, o := range others {
		o.RemoteIPRanges = relevant(o.RemoteIPRanges, about)
		t.Connectors = append(t.Connectors, o)
	}
	slices.SortFunc(t.Connectors, func(a, b connector.ReceiveConnector) int { return position(a.ID) - position(b.ID) }) // which settles ties
	return mustCompile(t)
}

// alone returns the index of a server with one connector. What a session gets depends on the connector that was selected alone, and on
// the server.
func alone(s connector.Server, c connector.ReceiveConnector) *connector.Index {
	return mustCompile(&connector.Topology{Servers: []connector.Server{s}, Connectors: []connector.ReceiveConnector{c}})
}

// mustCompile compiles a part of a topology that was compiled, which does not fail.
func mustCompile(t *connector.Topology) *connector.Index {
	x, err := connector.Compile(t)
	if err != nil {
		panic("audit: a part of a topology does not compile: " + err.Error())
	}
	return x
}
