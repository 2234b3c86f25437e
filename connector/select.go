package connector

import (
	"net/netip"
	"strings"
)

// Conn is one inbound connection: who connects to which local endpoint of which server.
type Conn struct {
	Server string // name of the server, in any case
	// Local is the endpoint the client connects to. An unspecified address (0.0.0.0:25, [::]:25) stands for any local
	// address that no binding names.
	Local  netip.AddrPort
	Remote netip.Addr // the address on the socket: behind a translating gateway or a balancer, theirs
}

// String prints "10.0.0.2 -> EX01 10.0.0.1:25".
func (c Conn) String() string {
	return c.Remote.String() + " -> " + c.Server + " " + c.Local.String()
}

// normal returns c as the index wants it, with addresses unmapped and without zones, and whether it is a connection.
func (c Conn) normal() (Conn, bool) {
	c.Remote = c.Remote.Unmap().WithZone("")
	c.Local = normalEndpoint(c.Local)
	return c, c.Remote.IsValid() && c.Local.IsValid() && c.Local.Port() != 0 && c.Remote.Is4() == c.Local.Addr().Is4()
}

func normalEndpoint(e netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(e.Addr().Unmap().WithZone(""), e.Port())
}

// Outcome is what happens to a connection. Zero is not set.
type Outcome uint8

const (
	Selected      Outcome = iota + 1 // a connector serves it
	NoRange                          // accepted and closed without a banner: no connector's range contains the source
	NotListening                     // refused by TCP: no enabled connector of the server has such a binding
	UnknownServer                    // the topology does not know the server
	InvalidConn                      // not a connection: an address or the port is missing, or the families differ
)

var outcomeNames = [...]string{"", "Selected", "NoRange", "NotListening", "UnknownServer", "InvalidConn"}

// String prints the name of the constant.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return ""
}

// Doubt says what an answer rests on beside the configuration. Zero is no doubt.
type Doubt uint8

const (
	// DoubtTie: another connector's range is of the same size and its binding of the same kind. The answer is the first in
	// configuration order; which one Exchange takes cannot be seen from outside.
	DoubtTie Doubt = 1 << iota
	// DoubtMissing: a property that could change the answer is unknown.
	DoubtMissing
	// DoubtRole: connectors of both transport roles share the endpoint. Front End Transport then stops (KB2958036,
	// documented), so the answer is for HubTransport (inferred).
	DoubtRole
	// DoubtVersion: what the version of the server does, or which version it is, is not known.
	DoubtVersion
)

// Has tells whether all doubts of f are in d.
func (d Doubt) Has(f Doubt) bool { return d&f == f }

// String prints "Tie, Missing, Role, Version", as far as they apply; nothing for no doubt.
func (d Doubt) String() string {
	var parts []string
	for _, f := range []struct {
		bit  Doubt
		name string
	}{{DoubtTie, "Tie"}, {DoubtMissing, "Missing"}, {DoubtRole, "Role"}, {DoubtVersion, "Version"}} {
		if d.Has(f.bit) {
			parts = append(parts, f.name)
		}
	}
	return strings.Join(parts, ", ")
}

// Match is the decision for one connection. Matches of one [Index] can be compared with ==: equal means the same
// outcome, connector, binding, range and doubt. The zero Match is no decision.
type Match struct{ d *decision }

// decision is immutable and interned: an Index holds one for each answer it can give.
type decision struct {
	outcome   Outcome
	doubt     Doubt
	connector int // position in Index.connectors; -1 if none
	id        ID
	binding   netip.AddrPort
	rng       Range
}

var noDecision = &decision{connector: -1}

func (m Match) get() *decision {
	if m.d == nil {
		return noDecision
	}
	return m.d
}

// Outcome tells what happens. The other accessors return zero values unless it is [Selected]; only Doubt may also be set
// for [NoRange] and [NotListening].
func (m Match) Outcome() Outcome { return m.get().outcome }

// Connector returns the connector that serves the connection, the zero ID if none does.
func (m Match) Connector() ID { return m.get().id }

// Binding returns the binding of the connector that the connection came through.
func (m Match) Binding() netip.AddrPort { return m.get().binding }

// Range returns the range by which the connector won: its narrowest that contains the source.
func (m Match) Range() Range { return m.get().rng }

// Doubt tells what could make the answer another one.
func (m Match) Doubt() Doubt { return m.get().doubt }

// String prints the connector and its range, or the name of the outcome, and the doubt.
func (m Match) String() string {
	d := m.get()
	s := d.outcome.String()
	if d.outcome == Selected {
		s = d.id.String() + " by " + d.rng.String()
	}
	if d.doubt != 0 {
		s += " (doubt: " + d.doubt.String() + ")"
	}
	return s
}

var (
	unknownServer = Match{&decision{outcome: UnknownServer, connector: -1}}
	invalidConn   = Match{&decision{outcome: InvalidConn, connector: -1}}
	notListening  = Match{&decision{outcome: NotListening, connector: -1}}
	maybeNotHere  = Match{&decision{outcome: NotListening, connector: -1, doubt: DoubtMissing}}
)

// Select picks the connector for c as Exchange does. It does not allocate, whatever the case of the server's name.
func (x *Index) Select(c Conn) Match {
	n, ok := c.normal()
	if !ok {
		return invalidConn
	}
	return x.Listener(n.Server, n.Local).Select(n.Remote)
}

// Listener is one local endpoint of one server, resolved once: the hot path for many sources. The zero Listener answers
// [InvalidConn]. Listeners are immutable and safe for concurrent use.
type Listener struct {
	family family     // of the local address
	p      *partition // nil: nothing listens, and refusal is the answer
	refuse Match
}

// Listener resolves a local endpoint; see [Conn] for unspecified addresses. It does not allocate.
func (x *Index) Listener(server string, local netip.AddrPort) Listener {
	local = normalEndpoint(local)
	if !local.IsValid() || local.Port() == 0 {
		return Listener{refuse: invalidConn}
	}
	f := familyOf(local.Addr())
	s := x.server(server)
	if s == nil {
		return Listener{family: f, refuse: unknownServer}
	}
	if l := s.listener(local); l != nil {
		return Listener{family: f, p: &l.partition}
	}
	if s.bindingsMissing {
		return Listener{family: f, refuse: maybeNotHere}
	}
	return Listener{family: f, refuse: notListening}
}

// Select is [Index.Select] at this endpoint. It does not allocate.
func (l Listener) Select(remote netip.Addr) Match {
	remote = remote.Unmap().WithZone("")
	if !remote.IsValid() || familyOf(remote) != l.family {
		return invalidConn
	}
	if l.p == nil {
		return l.refuse
	}
	return l.p.find(remote)
}

// family is 4 or 6; zero belongs to no address.
type family uint8

func familyOf(a netip.Addr) family {
	switch {
	case a.Is4():
		return 4
	case a.Is6():
		return 6
	}
	return 0
}
