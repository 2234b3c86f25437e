package connector

import (
	"net/netip"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector/internal/lookup"
	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
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

// normal returns c as ranges and bindings are compared with it: addresses unmapped and without zones.
func (c Conn) normal() Conn {
	c.Remote = c.Remote.Unmap().WithZone("")
	c.Local = normalEndpoint(c.Local)
	return c
}

func normalEndpoint(e netip.AddrPort) netip.AddrPort {
	if e.Addr().Is4() {
		return e
	}
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

// Match is the decision for one connection: two words, that keep the [Index] in memory. Matches of one Index can be compared with ==:
// equal means the same outcome, connector, binding, range and doubt. The zero Match is no decision.
type Match struct {
	x *Index // what the decision's positions are in; nil only of the zero Match and the zero Listener's
	d decision
}

// Outcome tells what happens. The other accessors return zero values unless it is [Selected]; only Doubt may also be set
// for [NoRange] and [NotListening].
func (m Match) Outcome() Outcome { return m.d.outcome() }

// connector returns the record of the connector that serves the connection, nil if none does.
func (m Match) connector() *ReceiveConnector {
	if m.Outcome() != Selected {
		return nil
	}
	return &m.x.connectors[m.d.connector()]
}

// Connector returns the connector that serves the connection, the zero ID if none does.
func (m Match) Connector() ID {
	if c := m.connector(); c != nil {
		return c.ID
	}
	return ID{}
}

// Binding returns the binding of the connector that the connection came through.
func (m Match) Binding() netip.AddrPort {
	if c := m.connector(); c != nil {
		return c.Bindings[m.d.binding()]
	}
	return netip.AddrPort{}
}

// Range returns the range by which the connector won: its narrowest that contains the source.
func (m Match) Range() Range {
	if c := m.connector(); c != nil {
		return c.RemoteIPRanges[m.d.entry()]
	}
	return Range{}
}

// Doubt tells what could make the answer another one.
func (m Match) Doubt() Doubt { return m.d.doubt() }

// String prints the connector and its range, or the name of the outcome, and the doubt.
func (m Match) String() string {
	s := m.Outcome().String()
	if m.Outcome() == Selected {
		s = m.Connector().String() + " by " + m.Range().String()
	}
	if m.Doubt() != 0 {
		s += " (doubt: " + m.Doubt().String() + ")"
	}
	return s
}

// Select picks the connector for c as Exchange does. It does not allocate, whatever the case of the server's name.
func (x *Index) Select(c Conn) Match { return x.Listener(c.Server, c.Local).Select(c.Remote) }

// Listener is one local endpoint of one server, resolved once: the hot path for many sources. The zero Listener answers
// [InvalidConn]. Listeners are immutable and safe for concurrent use.
type Listener struct{ at *listener }

// Listener resolves a local endpoint; see [Conn] for unspecified addresses. It does not allocate.
func (x *Index) Listener(server string, local netip.AddrPort) Listener {
	local = normalEndpoint(local)
	if !local.IsValid() || local.Port() == 0 {
		return x.invalid.at(true)
	}
	v4 := local.Addr().Is4()
	s := x.server(server)
	if s == nil {
		return x.unknownServer.at(v4)
	}
	if at := s.listener(local); at != nil {
		return Listener{at}
	}
	if s.bindingsMissing {
		return x.maybeNotListening.at(v4)
	}
	return x.notListening.at(v4)
}

// Select is [Index.Select] at this endpoint. It does not allocate.
func (l Listener) Select(remote netip.Addr) Match {
	if l.at == nil { // a variable more, and the compiler would not inline this: 1 ns of 7
		l.at = nowhere
	}
	return Match{l.at.x, decision(l.at.runs.Find(remote, invalid))}
}

// invalid is the decision for what is not a connection.
const invalid = uint64(InvalidConn) << outcomeAt

// nowhere is the listener of the zero Listener.
var nowhere = refuserOf(nil, InvalidConn, 0).v4

// refuser answers alike for all addresses, in IPv4 and in IPv6, which are one run each.
type refuser struct{ v4, v6 *listener }

func refuserOf(x *Index, o Outcome, doubt Doubt) refuser {
	ids := []uint64{uint64(refusal(o, doubt))}
	return refuser{
		&listener{x: x, v4: true, runs: *lookup.New4(make([]uint32, 1), ids)},
		&listener{x: x, runs: *lookup.New6(make([]u128.Uint128, 1), ids)},
	}
}

func (r *refuser) at(v4 bool) Listener {
	if v4 {
		return Listener{r.v4}
	}
	return Listener{r.v6}
}
