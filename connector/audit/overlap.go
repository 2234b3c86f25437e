package audit

import (
	"cmp"
	"math/bits"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// crossing is what the ranges of two connectors have in common where neither of two contains the other.
type crossing struct {
	pair   [2]int             // positions of the connectors, the first one first
	set    *netipx.IPSet      // everything
	ranges [2]connector.Range // of each connector one, that cross: the first pair by where the common part begins
}

// crossings finds where a range of one connector begins inside a range of another one and ends behind it:
//
//	one connector      |-----------|
//	another                  |-----------|
//	common                   |-----|
//
// It goes through all ranges by where they begin, and asks of every other connector which of its ranges that began before ends last, but
// before this one: a bitmap of ends for each connector tells, and one for all of them that there is none. Pairs are in the order of the
// connectors; those that are not to be compared are left out.
func crossings(cs []connector.ReceiveConnector, compared func(i, j int) bool) []crossing {
	found := make(map[[2]int]*crossing)
	sets := make(map[[2]int]*netipx.IPSetBuilder)
	var order [][2]int
	for _, v4 := range []bool{true, false} {
		s := newSweep(cs, v4)
		for i := 0; i < len(s.ranges); {
			j := i // those that begin together do not cross each other
			for ; j < len(s.ranges) && s.ranges[j].span.From() == s.ranges[i].span.From(); j++ {
				r := s.ranges[j]
				least := s.endRank(r.span.From())
				if _, any := s.all.last(least, r.end); !any {
					continue
				}
				for c := range s.of {
					end, hit := s.of[c].last(least, r.end)
					if !hit || c == r.connector {
						continue
					}
					o := s.opened[c][end]
					pair := [2]int{min(c, r.connector), max(c, r.connector)}
					if found[pair] == nil {
						if !compared(pair[0], pair[1]) {
							continue
						}
						found[pair], sets[pair] = &crossing{pair: pair, ranges: [2]connector.Range{o.rng, r.rng}}, new(netipx.IPSetBuilder)
						if c > r.connector {
							found[pair].ranges = [2]connector.Range{r.rng, o.rng}
						}
						order = append(order, pair)
					}
					sets[pair].AddRange(netipx.IPRangeFrom(r.span.From(), o.span.To()))
				}
			}
			for ; i < j; i++ {
				s.open(s.ranges[i])
			}
		}
	}
	slices.SortFunc(order, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	all := make([]crossing, len(order))
	for i, pair := range order {
		found[pair].set, _ = sets[pair].IPSet() // valid ranges do not fail
		all[i] = *found[pair]
	}
	return all
}

// sweep is the ranges of some connectors, of one family, by where they begin.
type sweep struct {
	ranges []swept
	ends   []netip.Addr // of all ranges, ascending, each once: their ranks
	all    bitmap       // of the ends that a range seen so far has
	of     []bitmap     // the same of each connector
	opened []map[int]swept
}

// swept is a range of one of the connectors.
type swept struct {
	rng       connector.Range
	span      netipx.IPRange
	connector int
	end       int // rank of its last address
}

func newSweep(cs []connector.ReceiveConnector, v4 bool) *sweep {
	s := &sweep{}
	for i, c := range cs {
		for _, r := range c.RemoteIPRanges {
			if span := r.Span(); span.From().Is4() == v4 {
				s.ranges = append(s.ranges, swept{rng: r, span: span, connector: i})
				s.ends = append(s.ends, span.To())
			}
		}
	}
	slices.SortFunc(s.ends, netip.Addr.Compare)
	s.ends = slices.Compact(s.ends)
	words := len(s.ends)/64 + 1
	s.all = make(bitmap, words)
	for range cs {
		s.of, s.opened = append(s.of, make(bitmap, words)), append(s.opened, make(map[int]swept))
	}
	for i := range s.ranges {
		s.ranges[i].end = s.endRank(s.ranges[i].span.To())
	}
	slices.SortStableFunc(s.ranges, func(a, b swept) int {
		return cmp.Or(a.span.From().Compare(b.span.From()), cmp.Compare(a.end, b.end))
	})
	return s
}

// endRank returns the rank of the first end that is not before an address.
func (s *sweep) endRank(a netip.Addr) int {
	i, _ := slices.BinarySearchFunc(s.ends, a, netip.Addr.Compare)
	return i
}

// open notes a range as seen.
func (s *sweep) open(r swept) {
	s.all.set(r.end)
	s.of[r.connector].set(r.end)
	s.opened[r.connector][r.end] = r
}

type bitmap []uint64

func (b bitmap) set(i int) { b[i/64] |= 1 << (i % 64) }

// last returns the last bit that is set from least on and before end, and whether one is.
func (b bitmap) last(least, end int) (int, bool) {
	if least >= end {
		return 0, false
	}
	for word := (end - 1) / 64; word >= least/64; word-- {
		have := b[word]
		if word == (end-1)/64 && end%64 != 0 {
			have &= 1<<(end%64) - 1
		}
		if word == least/64 {
			have &^= 1<<(least%64) - 1
		}
		if have != 0 {
			return word*64 + 63 - bits.LeadingZeros64(have), true
		}
	}
	return 0, false
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
