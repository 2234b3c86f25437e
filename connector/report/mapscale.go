package report

import (
	"math/big"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// scale is where the addresses of a family are drawn: columns side by side that cover the family, cut wherever a range begins or ends. How
// wide a column is grows with the logarithm of its addresses, so that a single address can be seen beside the whole internet.
type scale struct{ columns []column }

// column is addresses that are drawn together.
type column struct {
	first, last netip.Addr
	x, width    float64
	marked      bool // a single address that has a pin
}

// mostColumns is how many columns a map has at most; beyond, neighbours are drawn together.
const mostColumns = 180

// newScale returns a scale of a family in which each of the spans begins and ends with a column, and each marked address has one, as long as
// they are not too many.
func newScale(v4 bool, spans []netipx.IPRange, marked []netip.Addr) scale {
	first, last := family(v4)
	cuts := []netip.Addr{first}
	cut := func(r netipx.IPRange) {
		if cuts = append(cuts, r.From()); r.To() != last {
			cuts = append(cuts, r.To().Next())
		}
	}
	for _, r := range spans {
		cut(r)
	}
	pins := make(map[netip.Addr]bool)
	for _, a := range marked {
		cut(netipx.IPRangeFrom(a, a))
		pins[a] = true
	}
	slices.SortFunc(cuts, netip.Addr.Compare)
	cuts = slices.Compact(cuts)
	var s scale
	for i, a := range cuts {
		c := column{first: a, last: last}
		if i+1 < len(cuts) {
			c.last = cuts[i+1].Prev()
		}
		c.marked = c.first == c.last && pins[a]
		s.columns = append(s.columns, c)
	}
	s.shrink()
	s.place()
	return s
}

// family returns the first and the last address of a family.
func family(v4 bool) (first, last netip.Addr) {
	all := netip.MustParsePrefix("::/0")
	if v4 {
		all = netip.MustParsePrefix("0.0.0.0/0")
	}
	return all.Addr(), netipx.PrefixLastIP(all)
}

// shrink joins neighbours until they are few enough: those of the fewest addresses first, and those with a pin only if nothing else helps.
func (s *scale) shrink() {
	for pins := true; len(s.columns) > mostColumns; {
		var pairs []int // that may be joined, by their first column
		for i := range len(s.columns) - 1 {
			if !pins || !s.columns[i].marked && !s.columns[i+1].marked {
				pairs = append(pairs, i)
			}
		}
		if len(pairs) == 0 {
			pins = false
			continue
		}
		size := func(i int) int { return bits(s.columns[i].first, s.columns[i+1].last) }
		slices.SortStableFunc(pairs, func(a, b int) int { return size(a) - size(b) })
		joins := make([]bool, len(s.columns))
		excess := len(s.columns) - mostColumns
		for _, i := range pairs {
			if excess > 0 && !joins[i+1] && (i == 0 || !joins[i-1]) {
				joins[i] = true
				excess--
			}
		}
		s.join(joins)
	}
}

// join joins each of the columns that are told with the next one.
func (s *scale) join(joins []bool) {
	joined := s.columns[:0:0]
	for i := 0; i < len(s.columns); i++ {
		c := s.columns[i]
		if joins[i] {
			i++
			c.last, c.marked = s.columns[i].last, c.marked || s.columns[i].marked
		}
		joined = append(joined, c)
	}
	s.columns = joined
}

// place gives each column its place and width.
func (s *scale) place() {
	total := 0.0
	weights := make([]float64, len(s.columns))
	for i, c := range s.columns {
		weights[i] = 1 + float64(bits(c.first, c.last))/8
		if c.marked {
			weights[i] = 2.5
		}
		total += weights[i]
	}
	x := 0.0
	for i := range s.columns {
		s.columns[i].x, s.columns[i].width = x, weights[i]/total*mapPlot
		x += s.columns[i].width
	}
}

// bits is the logarithm of the number of addresses from first to last.
func bits(first, last netip.Addr) int {
	a, b := first.As16(), last.As16()
	n := new(big.Int).SetBytes(b[:])
	return n.Sub(n, new(big.Int).SetBytes(a[:])).Add(n, big.NewInt(1)).BitLen() - 1
}

// at returns the index of the column that holds an address.
func (s *scale) at(a netip.Addr) int {
	i, found := slices.BinarySearchFunc(s.columns, a, func(c column, a netip.Addr) int { return c.first.Compare(a) })
	if !found {
		i--
	}
	return i
}

// span returns where a range is drawn.
func (s *scale) span(r netipx.IPRange) (x, width float64) {
	from, to := s.columns[s.at(r.From())], s.columns[s.at(r.To())]
	return from.x, to.x + to.width - from.x
}
