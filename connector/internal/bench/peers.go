package main

import (
	"net"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
	"github.com/yl2chen/cidranger"
	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// none is the position of the connector that serves a source no range contains.
const none = -1

// entry is one range of a configuration, with the position of its connector.
type entry struct {
	netipx.IPRange
	size      u128.Uint128 // addresses less one
	connector int32
}

// entries returns the ranges in the order of the configuration.
func entries(t *connector.Topology) (es []entry) {
	for i, c := range t.Connectors {
		for _, r := range c.RemoteIPRanges {
			s := r.Span()
			es = append(es, entry{s, u128.Of(s.To()).Sub(u128.Of(s.From())), int32(i)})
		}
	}
	return es
}

// narrowestFirst returns the ranges in the order in which they win: of equal ones the first of the configuration.
func narrowestFirst(es []entry) []entry {
	es = slices.Clone(es)
	slices.SortStableFunc(es, func(a, b entry) int { return a.size.Compare(b.size) })
	return es
}

// prefixed is a prefix, of which a range needs one or more.
type prefixed struct {
	netip.Prefix
	connector int32
}

// prefixes decomposes the ranges, the narrowest last: a table of prefixes keeps what comes last.
func prefixes(es []entry) (ps []prefixed) {
	for _, e := range slices.Backward(narrowestFirst(es)) {
		for _, p := range e.Prefixes() {
			ps = append(ps, prefixed{p, e.connector})
		}
	}
	return ps
}

// An impl is one way to find the connector of a source.
type impl interface {
	name() string
	// lookUp asks for all sources, one after the other, and keeps what it finds.
	lookUp(sources []netip.Addr)
	// found returns, after lookUp, the position of the connector that the i-th source has: of the last that were kept.
	found(i int) int32
}

// kept is how many results are kept: so few that writing them costs nobody anything.
const kept = 256

// index is this library, as one uses it: listeners are resolved once.
type index struct {
	v4, v6   connector.Listener
	position map[connector.ID]int32
	matches  [kept]connector.Match
}

func newIndex(t *connector.Topology) *index {
	x, err := connector.Compile(t)
	if err != nil {
		panic(err)
	}
	ours := &index{v4: x.Listener("EX01", gen.Local(netip.IPv4Unspecified())), v6: x.Listener("EX01", gen.Local(netip.IPv6Unspecified())),
		position: map[connector.ID]int32{{}: none}}
	for i, c := range t.Connectors {
		ours.position[c.ID] = int32(i)
	}
	return ours
}

func (x *index) name() string { return "index" }

func (x *index) lookUp(sources []netip.Addr) {
	v4, v6 := x.v4, x.v6
	for i, a := range sources {
		if a.Is4() {
			x.matches[i%kept] = v4.Select(a)
		} else {
			x.matches[i%kept] = v6.Select(a)
		}
	}
}

func (x *index) found(i int) int32 { return x.position[x.matches[i%kept].Connector()] }

// positions is where the other ways keep what they find.
type positions [kept]int32

func (p *positions) found(i int) int32 { return p[i%kept] }

// linear is the scan that people write, sorted so that the first range that contains the source wins.
type linear struct {
	entries []entry
	positions
}

func (l *linear) name() string { return "linear" }

func (l *linear) lookUp(sources []netip.Addr) {
	for i, a := range sources {
		l.positions[i%kept] = none
		for j := range l.entries {
			if l.entries[j].Contains(a) {
				l.positions[i%kept] = l.entries[j].connector
				break
			}
		}
	}
}

// bartTable and bartFast are alike to the letter, but one piece of code for both would ask them by way of an interface: a call more in what
// is measured.
type bartTable struct {
	bart.Table[int32]
	positions
}

func newBartTable(ps []prefixed) *bartTable {
	t := &bartTable{}
	for _, p := range ps {
		t.Insert(p.Prefix, p.connector)
	}
	return t
}

func (t *bartTable) name() string { return "bart.Table" }

func (t *bartTable) lookUp(sources []netip.Addr) {
	for i, a := range sources {
		found, ok := t.Lookup(a)
		if !ok {
			found = none
		}
		t.positions[i%kept] = found
	}
}

type bartFast struct {
	bart.Fast[int32]
	positions
}

func newBartFast(ps []prefixed) *bartFast {
	t := &bartFast{}
	for _, p := range ps {
		t.Insert(p.Prefix, p.connector)
	}
	return t
}

func (t *bartFast) name() string { return "bart.Fast" }

func (t *bartFast) lookUp(sources []netip.Addr) {
	for i, a := range sources {
		found, ok := t.Lookup(a)
		if !ok {
			found = none
		}
		t.positions[i%kept] = found
	}
}

type ranger struct {
	cidranger.Ranger
	positions
}

// rangerEntry is what cidranger wants to have.
type rangerEntry struct {
	network   net.IPNet
	connector int32
}

func (e *rangerEntry) Network() net.IPNet { return e.network }

func newRanger(ps []prefixed) *ranger {
	t := &ranger{Ranger: cidranger.NewPCTrieRanger()}
	for _, p := range ps {
		network := net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
		if err := t.Insert(&rangerEntry{network, p.connector}); err != nil {
			panic(err)
		}
	}
	return t
}

func (t *ranger) name() string { return "cidranger" }

func (t *ranger) lookUp(sources []netip.Addr) {
	for i, a := range sources {
		found, err := t.ContainingNetworks(a.AsSlice())
		if err != nil {
			panic(err)
		}
		if t.positions[i%kept] = none; len(found) > 0 {
			t.positions[i%kept] = found[len(found)-1].(*rangerEntry).connector // the longest prefix comes last
		}
	}
}
