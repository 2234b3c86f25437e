// Package oracle answers which connector serves a connection by trying every connector, binding and range in a plain
// loop. It is written from the published rule over the model types alone, shares no code with the index, and is what the
// index is held against.
package oracle

import (
	"math/big"
	"net/netip"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Mistakes are deliberate errors in the rule. The tests prove that the comparison of index and oracle catches each.
type Mistakes struct {
	WidestWins        bool
	IgnorePort        bool
	IgnoreWildcard    bool
	KeepDisabled      bool
	SkipFirst         bool // a range does not contain its first address
	SkipLast          bool // a range does not contain its last address
	MixFamilies       bool // a range of the other family counts
	LastWinsTie       bool
	ExactBindingFirst bool
	IgnoreRole        bool
}

// The rules that are not documented, as [connector.Product] and inferred facts.
const (
	// SizeDecidesWhateverTheNotation: specificity is the number of addresses.
	SizeDecidesWhateverTheNotation = true
	// RangeBeforeBinding: the remote range decides first, the exact binding only between ranges of one size.
	RangeBeforeBinding = true
	// HubOwnsSharedEndpoint: where both transport roles are bound to an endpoint, HubTransport answers.
	HubOwnsSharedEndpoint = true
)

// Decision is the oracle's answer.
type Decision struct {
	Outcome   connector.Outcome
	Connector connector.ID
	Range     connector.Range
	Binding   netip.AddrPort
	Doubt     connector.Doubt // DoubtTie and DoubtRole; the oracle knows no missing properties
}

type candidate struct {
	connector connector.ReceiveConnector
	binding   netip.AddrPort
	rng       connector.Range
	size      *big.Int
	exact     bool
}

// Select answers c, with mistakes made on purpose.
func Select(t *connector.Topology, c connector.Conn, m Mistakes) Decision {
	if !c.Remote.IsValid() || !c.Local.IsValid() || c.Local.Port() == 0 || c.Remote.Is4() != c.Local.Addr().Is4() {
		return Decision{Outcome: connector.InvalidConn}
	}
	known := false
	for _, s := range t.Servers {
		if !strings.EqualFold(s.Name, c.Server) {
			continue
		}
		known = true
		mailbox := s.Version.Generation() >= connector.Generation2013 && !s.Roles.Has(connector.RoleEdge) &&
			(s.Version.Generation() > connector.Generation2013 || s.Roles == 0 || s.Roles.Has(connector.RoleMailbox))
		if mailbox && c.Local.Port() == 475 { // the implicit connector
			d := Decision{Outcome: connector.Selected, Connector: connector.ID{Server: s.Name, Name: "Mailbox delivery Receive connector"},
				Range: connector.MustParseRange("0.0.0.0-255.255.255.255"), Binding: netip.MustParseAddrPort("0.0.0.0:475")}
			if c.Local.Addr().Is6() {
				d.Range, d.Binding = connector.MustParseRange("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), netip.MustParseAddrPort("[::]:475")
			}
			return d
		}
	}
	var listening []candidate
	hub, frontend := false, false
	for _, rc := range t.Connectors {
		if !strings.EqualFold(rc.ID.Server, c.Server) {
			continue
		}
		known = true
		if rc.Disabled && !m.KeepDisabled {
			continue
		}
		for _, b := range rc.Bindings {
			if b.Port() != c.Local.Port() && !m.IgnorePort || b.Addr().Is4() != c.Local.Addr().Is4() {
				continue
			}
			wildcard := b.Addr().IsUnspecified() && !m.IgnoreWildcard
			if b.Addr() != c.Local.Addr() && !wildcard {
				continue
			}
			listening = append(listening, candidate{connector: rc, binding: b, exact: !b.Addr().IsUnspecified()})
			hub = hub || rc.TransportRole == connector.HubTransport
			frontend = frontend || rc.TransportRole == connector.FrontendTransport
		}
	}
	if !known {
		return Decision{Outcome: connector.UnknownServer}
	}
	if len(listening) == 0 {
		return Decision{Outcome: connector.NotListening}
	}
	best := Decision{Outcome: connector.NoRange}
	if hub && frontend {
		best.Doubt |= connector.DoubtRole
	}
	var winner *candidate
	for _, l := range listening {
		if hub && l.connector.TransportRole == connector.FrontendTransport && !m.IgnoreRole {
			continue
		}
		for _, r := range l.connector.RemoteIPRanges {
			if !contains(r, c.Remote, m) {
				continue
			}
			l.rng, l.size = r, size(r)
			next := l
			switch order := compare(next, winner, m); {
			case order < 0:
				winner = &next
				best.Doubt &^= connector.DoubtTie
			case order == 0 && !next.connector.ID.Equal(winner.connector.ID):
				best.Doubt |= connector.DoubtTie
				if m.LastWinsTie {
					winner = &next
				}
			}
		}
	}
	if winner != nil {
		best.Outcome, best.Connector = connector.Selected, winner.connector.ID
		best.Range, best.Binding = winner.rng, winner.binding
	}
	return best
}

// compare tells whether a is better (negative), worse, or tied with the best so far.
func compare(a candidate, best *candidate, m Mistakes) int {
	if best == nil {
		return -1
	}
	bySize := a.size.Cmp(best.size)
	if m.WidestWins {
		bySize = -bySize
	}
	byBinding := 0
	if a.exact != best.exact {
		byBinding = 1
		if a.exact {
			byBinding = -1
		}
	}
	first, second := bySize, byBinding
	if m.ExactBindingFirst {
		first, second = byBinding, bySize
	}
	if first != 0 {
		return first
	}
	return second
}

func contains(r connector.Range, a netip.Addr, m Mistakes) bool {
	first, last := r.Span().From(), r.Span().To()
	if first.Is4() != a.Is4() {
		return m.MixFamilies
	}
	if a.Compare(first) < 0 || a.Compare(last) > 0 {
		return false
	}
	if m.SkipFirst && a == first || m.SkipLast && a == last {
		return false
	}
	return true
}

// size returns the number of addresses, as a whole number of any length.
func size(r connector.Range) *big.Int {
	first, last := new(big.Int).SetBytes(r.Span().From().AsSlice()), new(big.Int).SetBytes(r.Span().To().AsSlice())
	return last.Sub(last, first).Add(last, big.NewInt(1))
}
