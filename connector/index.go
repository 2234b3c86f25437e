package connector

import (
	"iter"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector/internal/lookup"
	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// Index answers questions about a topology. It is made by [Compile], never changes, and is safe for concurrent use.
//
// Beside its copy of the topology it takes some hundred bytes for each local endpoint, and for each range that competes there about 40
// bytes at most in IPv4 and 64 in IPv6, more where the endpoint has less than some thousand: up to 32 KB together. A [Listener] answers
// within nanoseconds: at worst in the logarithm of the ranges, see README for what was measured.
type Index struct {
	connectors []ReceiveConnector // the index's own copy, in configuration order
	servers    []serverIndex      // sorted by name, ignoring case
	byName     map[string]int     // position of a server, by the spelling of the topology

	invalid, unknownServer, notListening, maybeNotListening refuser // answers where there is no listener
}

// serverIndex holds what competes on one server.
type serverIndex struct {
	name            string
	receiver        *receiver   // what sessions ask of the server
	connectors      []int       // positions in Index.connectors, ascending
	listeners       []*listener // sorted by local
	delivery        int         // position of the implicit connector of mailbox delivery; -1 if the server has none
	bindingsMissing bool        // of some connector it is unknown where it listens
}

// listener is a local endpoint that needs an answer of its own: an address that a binding names, or the wildcard, which
// stands for all the other local addresses of its family. Its runs are what all addresses of the family get, neighbours differ:
//
//	start     0.0.0.0    10.0.0.0   10.0.0.5   10.0.0.6   10.0.1.0
//	decision  Default    Relay      Default    Relay      Default
type listener struct {
	x     *Index
	local netip.AddrPort
	v4    bool
	owner TransportRole // of the process that has the endpoint; unset if no connector here says
	runs  lookup.Table
}

// run returns the i-th run.
func (l *listener) run(i int) (first, last u128.Uint128, m Match) {
	first, d := l.runs.Run(i)
	last = highest(l.v4)
	if i+1 < l.runs.Len() {
		next, _ := l.runs.Run(i + 1)
		last = next.Prev()
	}
	return first, last, Match{l.x, decision(d)}
}

// highest returns the last address of a family.
func highest(v4 bool) u128.Uint128 {
	if v4 {
		return u128.Uint128{Lo: 1<<32 - 1}
	}
	return u128.Uint128{Hi: ^uint64(0), Lo: ^uint64(0)}
}

// regions yields the runs in address order.
func (l *listener) regions(yield func(netipx.IPRange, Match) bool) {
	for i := range l.runs.Len() {
		first, last, m := l.run(i)
		if !yield(netipx.IPRangeFrom(first.Addr(l.v4), last.Addr(l.v4)), m) {
			return
		}
	}
}

// firstOf returns the lowest address of a's family.
func firstOf(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// server finds a server by name, ignoring case and without allocating; nil if there is none. The spelling of the topology is faster.
func (x *Index) server(name string) *serverIndex {
	i, ok := x.byName[name]
	if !ok {
		i, ok = slices.BinarySearchFunc(x.servers, name, func(s serverIndex, name string) int { return compareFold(s.name, name) })
	}
	if !ok {
		return nil
	}
	return &x.servers[i]
}

// listener returns what answers at a local endpoint, nil if nothing listens there.
func (s *serverIndex) listener(local netip.AddrPort) *listener {
	if l := s.listenerAt(local); l != nil {
		return l
	}
	return s.listenerAt(netip.AddrPortFrom(firstOf(local.Addr()), local.Port()))
}

// listenerAt returns the listener of this very endpoint. Few are looked through faster than searched.
func (s *serverIndex) listenerAt(local netip.AddrPort) *listener {
	if len(s.listeners) > 16 {
		i, ok := slices.BinarySearchFunc(s.listeners, local, func(l *listener, e netip.AddrPort) int { return l.local.Compare(e) })
		if ok {
			return s.listeners[i]
		}
		return nil
	}
	for _, l := range s.listeners {
		if l.local == local {
			return l
		}
	}
	return nil
}

// delivers tells whether a local endpoint is the one of mailbox delivery.
func (s *serverIndex) delivers(local netip.AddrPort) bool {
	return s.delivery >= 0 && local.Port() == portMailboxDelivery
}

// Servers returns the names of all servers, records and connectors together, in alphabetical order, ignoring case.
func (x *Index) Servers() []string {
	names := make([]string, len(x.servers))
	for i, s := range x.servers {
		names[i] = s.name
	}
	return names
}

// Endpoints returns the local endpoints of a server that need an answer of their own, IPv4 before IPv6: each address that
// a binding names, and the wildcard of each family and port, which stands for all other local addresses. An unknown
// server has none.
func (x *Index) Endpoints(server string) []netip.AddrPort {
	s := x.server(server)
	if s == nil {
		return nil
	}
	es := make([]netip.AddrPort, len(s.listeners))
	for i, l := range s.listeners {
		es[i] = l.local
	}
	return es
}

// Regions yields, in address order, the longest runs of remote addresses that get one answer at local, winning range and
// doubt included. They cover the whole space of local's family; IPv4-mapped IPv6 addresses are counted with IPv6 here,
// although Select takes them for IPv4. An endpoint at which nothing listens yields one run; an invalid one yields none.
func (x *Index) Regions(server string, local netip.AddrPort) iter.Seq2[netipx.IPRange, Match] {
	l := x.Listener(server, local)
	return func(yield func(netipx.IPRange, Match) bool) {
		if l.at != x.invalid.v4 {
			l.at.regions(yield)
		}
	}
}
