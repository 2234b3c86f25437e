package audit

import (
	"cmp"
	"math/bits"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// crossing is what two lists of ranges have in common where none of two ranges contains the other.
type crossing struct {
	set          *netipx.IPSet   // everything
	first, other connector.Range // one pair of them: the first that is found by address
}

// crossings finds where a range of one list begins inside a range of the other and ends behind it:
//
//	one list      |-----------|
//	other list          |-----------|
//	common              |-----|
//
// It goes through all ranges by where they begin, and asks of the other list which of those that began before ends last, but before this
// one: O(n log n), but for a scan of a bitmap of n bits for each range.
func crossings(as, bs []connector.Range) (found crossing, ok bool) {
	var set netipx.IPSetBuilder
	for _, v4 := range []bool{true, false} {
		s := newSweep(as, bs, v4)
		for i := 0; i < len(s.ranges); {
			j := i // those that begin together do not cross each other
			for ; j < len(s.ranges) && s.ranges[j].span.From() == s.ranges[i].span.From(); j++ {
				r := s.ranges[j]
				o, hit := s.endsBefore(!r.second, r.end)
				if !hit || o.span.To().Less(r.span.From()) {
					continue
				}
				set.AddRange(netipx.IPRangeFrom(r.span.From(), o.span.To()))
				if !ok {
					found.first, found.other, ok = o.rng, r.rng, true
					if o.second {
						found.first, found.other = r.rng, o.rng
					}
				}
			}
			for ; i < j; i++ {
				s.open(s.ranges[i])
			}
		}
	}
	found.set, _ = set.IPSet() // valid ranges do not fail
	return found, ok
}

// sweep is the ranges of two lists, of one family, by where they begin.
type sweep struct {
	ranges []swept
	ended  [2][]uint64 // of each list, a bit for each rank of an end that a range seen so far has
	byEnd  [2][]swept  // and one such range
}

// swept is a range of one of the lists.
type swept struct {
	rng    connector.Range
	span   netipx.IPRange
	second bool // of the second list
	end    int  // rank of its last address
}

func newSweep(as, bs []connector.Range, v4 bool) *sweep {
	s := &sweep{}
	for i, list := range [][]connector.Range{as, bs} {
		for _, r := range list {
			if span := r.Span(); span.From().Is4() == v4 {
				s.ranges = append(s.ranges, swept{rng: r, span: span, second: i == 1})
			}
		}
	}
	slices.SortStableFunc(s.ranges, func(a, b swept) int { return a.span.To().Compare(b.span.To()) })
	rank := 0
	for i := range s.ranges {
		if i > 0 && s.ranges[i].span.To() != s.ranges[i-1].span.To() {
			rank++
		}
		s.ranges[i].end = rank
	}
	for i := range s.ended {
		s.ended[i], s.byEnd[i] = make([]uint64, rank/64+1), make([]swept, rank+1)
	}
	slices.SortStableFunc(s.ranges, func(a, b swept) int {
		return cmp.Or(a.span.From().Compare(b.span.From()), cmp.Compare(a.end, b.end))
	})
	return s
}

func list(second bool) int {
	if second {
		return 1
	}
	return 0
}

// open notes a range as seen.
func (s *sweep) open(r swept) {
	i := list(r.second)
	s.ended[i][r.end/64] |= 1 << (r.end % 64)
	s.byEnd[i][r.end] = r
}

// endsBefore returns the range of a list that ends last of those seen so far that end before a rank.
func (s *sweep) endsBefore(second bool, rank int) (swept, bool) {
	i := list(second)
	word := rank / 64
	for have := s.ended[i][word] & (1<<(rank%64) - 1); ; have = s.ended[i][word] {
		if have != 0 {
			return s.byEnd[i][word*64+63-bits.LeadingZeros64(have)], true
		}
		if word--; word < 0 {
			return swept{}, false
		}
	}
}

// isLaminar tells whether of all ranges of all connectors any two are apart or one contains the other.
func isLaminar(cs []connector.ReceiveConnector) bool {
	var spans []netipx.IPRange
	for _, c := range cs {
		for _, r := range c.RemoteIPRanges {
			spans = append(spans, r.Span())
		}
	}
	slices.SortFunc(spans, func(a, b netipx.IPRange) int {
		return cmp.Or(a.From().Compare(b.From()), b.To().Compare(a.To()))
	})
	var around []netip.Addr // the ends of those that the next one is in, the nearest last
	for _, s := range spans {
		for len(around) > 0 && around[len(around)-1].Less(s.From()) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 && around[len(around)-1].Less(s.To()) {
			return false
		}
		around = append(around, s.To())
	}
	return true
}

// shareBinding tells whether two connectors are bound to one local endpoint, exactly or by a wildcard.
func shareBinding(a, b connector.ReceiveConnector) (at [2]netip.AddrPort, ok bool) {
	for _, x := range a.Bindings {
		for _, y := range b.Bindings {
			xa, ya := x.Addr().Unmap().WithZone(""), y.Addr().Unmap().WithZone("")
			if x.Port() == y.Port() && xa.Is4() == ya.Is4() && (xa == ya || xa.IsUnspecified() || ya.IsUnspecified()) {
				return [2]netip.AddrPort{x, y}, true
			}
		}
	}
	return at, false
}
