package audit

import "github.com/receiveconnector/receiveconnector/connector"

// Tracer simulates the connections that flows could use. It remembers what it was asked, so it is not safe for concurrent use.
type Tracer struct{ prober *prober }

// Connection is one connection that a flow could use.
type Connection struct {
	Conn connector.Conn
	// Verdict is of this connection or, if it passes, of one that gets the same.
	Verdict *connector.Verdict
}

// NewTracer returns a tracer of the flows of t over x, its index.
func NewTracer(t *connector.Topology, x *connector.Index) *Tracer {
	return &Tracer{newProber(placesOf(t), x)}
}

// Connections simulates a flow as [Flows] does: between every two addresses of one family, or, if those of the target are not known, at each
// of its endpoints. There is none if the source has no known address, if no connector of the target is known, or if receive connectors have no
// say in the flow.
func (t *Tracer) Connections(f connector.Flow) []Connection {
	if !simulated(f) {
		return nil
	}
	var all []Connection
	for _, a := range t.prober.attempts(f) {
		all = append(all, Connection{a.conn, a.verdict})
	}
	return all
}

// Witness returns what shows best what becomes of a flow: the first connection that fails, else the first that is not decided, else the first
// of all; nil if there is none.
func (t *Tracer) Witness(f connector.Flow) *connector.Verdict {
	if !simulated(f) {
		return nil
	}
	as := t.prober.attempts(f)
	if w := witnessOf(as); w != nil || len(as) == 0 {
		return w
	}
	return t.prober.x.Simulate(as[0].conn, as[0].verdict.Peer) // and not one that gets the same
}
