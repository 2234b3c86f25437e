package gen

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Mix is the families of a large topology's ranges: [IPv4], [IPv6] or [Mixed], 70 % of them IPv4.
type Mix uint8

// The families of ranges that measurements are made with.
const (
	IPv4 Mix = iota + 1
	IPv6
	Mixed
)

// String prints "v4", "v6" or "mix".
func (m Mix) String() string { return [...]string{"", "v4", "v6", "mix"}[m] }

// ranges tells how many of n ranges are IPv4.
func (m Mix) ranges(n int) int { return [...]int{0, n, 0, (7*n + 5) / 10}[m] }

// Local returns the listener that a remote address comes to in a topology of [Large].
func Local(remote netip.Addr) netip.AddrPort {
	if remote.Is4() {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), 25)
	}
	return netip.AddrPortFrom(netip.IPv6Unspecified(), 25)
}

// Large returns a topology of one server, EX01, with n ranges as relay lists grow: one that holds all addresses of a family, private and
// public blocks, subnets in them, spans of hosts and of subnets, single hosts, some of them twice. The first connector has those
// that hold all addresses, the others about 650 each. If it is laminar, of two ranges one holds the other or they are apart; else 2 in
// 100 lie across the border of another one.
func Large(r *rand.Rand, n int, mix Mix, laminar bool) *connector.Topology {
	t := &connector.Topology{}
	for i := range max(4, n/650) {
		t.Connectors = append(t.Connectors, connector.ReceiveConnector{ID: connector.ID{Server: "EX01", Name: fmt.Sprintf("C%d", i)},
			Bindings: []netip.AddrPort{Local(netip.IPv4Unspecified()), Local(netip.IPv6Unspecified())}})
	}
	add := func(c int, rg connector.Range) {
		t.Connectors[c].RemoteIPRanges = append(t.Connectors[c].RemoteIPRanges, rg)
	}
	for _, v4 := range []bool{true, false} {
		want := mix.ranges(n)
		if !v4 {
			want = n - want
		}
		if want == 0 {
			continue
		}
		l := landscape{r: r, v4: v4, laminar: laminar, next: make(map[netip.Prefix]uint64)}
		all := netip.PrefixFrom(Local(map[bool]netip.Addr{true: netip.IPv4Unspecified(), false: netip.IPv6Unspecified()}[v4]).Addr(), 0)
		add(0, connector.MustParseRange(all.String()))
		for have := 1; have < want; have++ {
			add(1+r.IntN(len(t.Connectors)-1), l.draw(want))
		}
	}
	return t
}

// landscape hands out the ranges of one family.
//
// So that they are laminar, spans are numbered from the upper quarter of the octet (of the group, in IPv6) behind one of the borders,
// where no subnet that is longer than the border may be.
type landscape struct {
	r       *rand.Rand
	v4      bool
	laminar bool
	blocks  []netip.Prefix
	nets    []netip.Addr            // each stands for a network of 256 addresses, or of 64 bits, where hosts are
	next    map[netip.Prefix]uint64 // by border: where the next span begins
	slid    connector.Range         // the last span
}

// border is where spans are: units of 2^shift addresses behind a prefix.
type border struct {
	bits, shift   int
	first, behind uint64
}

func (l *landscape) borders() []border {
	if l.v4 {
		return []border{{16, 8, 192, 256}, {24, 0, 192, 256}}
	}
	return []border{{48, 64, 0xc000, 0x10000}, {64, 0, 0xc000, 0x10000}}
}

// roots are the blocks that there are in every large topology, most important first.
func (l *landscape) roots() []string {
	if l.v4 {
		return []string{"10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12"}
	}
	return []string{"2001:db8::/32", "fd12:3456:789a::/48"}
}

func (l *landscape) draw(want int) connector.Range {
	roots := l.roots()
	if len(l.blocks) < len(roots) && len(l.blocks) < 1+want/8 {
		return l.block(netip.MustParsePrefix(roots[len(l.blocks)]))
	}
	if len(l.blocks) < len(roots)+want/1500 {
		if l.v4 {
			return l.block(netip.PrefixFrom(plus(netip.IPv4Unspecified(), uint64(11+l.r.IntN(160))<<8|l.r.Uint64N(256), 16), 16))
		}
		return l.block(netip.PrefixFrom(plus(netip.IPv6Unspecified(), 0x26000000+l.r.Uint64N(0x6000000), 96), 32))
	}
	for {
		var rg connector.Range
		switch n := l.r.IntN(100); {
		case n < 35:
			a := l.address()
			rg, _ = connector.RangeFrom(a, a)
		case n < 70:
			rg = l.subnet()
		case n < 98 || l.laminar || !l.slid.IsValid():
			rg = l.span()
		default:
			rg = l.slide()
		}
		if rg.IsValid() {
			return rg
		}
	}
}

func (l *landscape) block(p netip.Prefix) connector.Range {
	l.blocks = append(l.blocks, p)
	return connector.MustParseRange(p.String())
}

// address returns one of a random block; mostly it lies in a network where there are others.
func (l *landscape) address() netip.Addr {
	if len(l.nets) == 0 || l.r.IntN(8) == 0 {
		b := l.blocks[l.r.IntN(len(l.blocks))]
		if l.v4 {
			l.nets = append(l.nets, plus(b.Addr(), l.r.Uint64N(1<<(32-b.Bits())), 0))
		} else {
			l.nets = append(l.nets, plus(b.Addr(), l.r.Uint64N(1<<(64-b.Bits())), 64))
		}
	}
	net := l.nets[l.r.IntN(len(l.nets))]
	switch {
	case l.v4:
		return plus(netip.PrefixFrom(net, 24).Masked().Addr(), l.r.Uint64N(256), 0)
	case l.r.IntN(4) == 0:
		return plus(net, l.r.Uint64(), 0)
	}
	return plus(net, 1+l.r.Uint64N(4096), 0)
}

// subnet returns a block in a random block, the zero Range where spans are, or if it would be too long.
func (l *landscape) subnet() connector.Range {
	parent := l.blocks[l.r.IntN(len(l.blocks))]
	longest, shift := 64, 64
	if l.v4 {
		longest, shift = 28, 0
	}
	bits := parent.Bits() + 1 + l.r.IntN(8)
	if bits > longest {
		return connector.Range{}
	}
	unit := shift + map[bool]int{true: 32, false: 64}[l.v4] - bits
	a := plus(parent.Addr(), l.r.Uint64N(1<<(bits-parent.Bits())), unit)
	for _, b := range l.borders() {
		if base := netip.PrefixFrom(a, b.bits).Masked().Addr(); bits > b.bits && !a.Less(plus(base, b.first, b.shift)) {
			return connector.Range{}
		}
	}
	return l.block(netip.PrefixFrom(a, bits))
}

// span returns 2 to 15 hosts or subnets, the zero Range where no more fit.
func (l *landscape) span() connector.Range {
	borders := l.borders()
	b := borders[l.r.IntN(len(borders))]
	base := netip.PrefixFrom(l.address(), b.bits).Masked()
	first := max(b.first, l.next[base]) + l.r.Uint64N(3)
	behind := first + 2 + l.r.Uint64N(14)
	if behind >= b.behind {
		return connector.Range{}
	}
	l.next[base] = behind
	rg, _ := connector.RangeFrom(plus(base.Addr(), first, b.shift), plus(base.Addr(), behind, b.shift).Prev())
	l.slid = rg
	return rg
}

// slide returns the last span moved across its own end.
func (l *landscape) slide() connector.Range {
	s := l.slid.Span()
	l.slid = connector.Range{}
	rg, _ := connector.RangeFrom(s.From().Next(), s.To().Next())
	return rg
}

// plus returns the address n * 2^shift behind a.
func plus(a netip.Addr, n uint64, shift int) netip.Addr {
	if a.Is4() {
		b := a.As4()
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n<<shift))
		return netip.AddrFrom4(b)
	}
	b := a.As16()
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	if shift >= 64 {
		hi += n << (shift - 64)
	} else {
		was := lo
		if lo += n << shift; lo < was {
			hi++
		}
	}
	binary.BigEndian.PutUint64(b[:8], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	return netip.AddrFrom16(b)
}

// Hits returns k sources that lie in ranges of a topology of [Large]: a random address of a random range, but not of those that hold
// all addresses.
func Hits(r *rand.Rand, t *connector.Topology, k int) []netip.Addr {
	var ranges []connector.Range
	for _, c := range t.Connectors[1:] {
		ranges = append(ranges, c.RemoteIPRanges...)
	}
	sources := make([]netip.Addr, k)
	for i := range sources {
		s := ranges[r.IntN(len(ranges))].Span()
		a := Anywhere(r, s.From().Is4())
		if p, ok := s.Prefix(); ok { // the prefix, and below it the random address
			net, host := p.Addr().AsSlice(), a.AsSlice()
			for bit := range p.Bits() {
				host[bit/8] = host[bit/8]&^(0x80>>(bit%8)) | net[bit/8]&(0x80>>(bit%8))
			}
			a, _ = netip.AddrFromSlice(host)
		} else if a = plus(s.From(), r.Uint64N(1<<12), 0); !s.Contains(a) {
			a = s.To()
		}
		sources[i] = a
	}
	return sources
}

// Anywhere returns a random address of a family; of IPv6 one of 2000::/3.
func Anywhere(r *rand.Rand, v4 bool) netip.Addr {
	if v4 {
		return plus(netip.IPv4Unspecified(), r.Uint64N(1<<32), 0)
	}
	return plus(plus(netip.IPv6Unspecified(), 1<<61|r.Uint64()>>3, 64), r.Uint64(), 0)
}

// Scattered returns k addresses from anywhere, of the families of a mix.
func Scattered(r *rand.Rand, mix Mix, k int) []netip.Addr {
	sources := make([]netip.Addr, k)
	for i := range sources {
		sources[i] = Anywhere(r, r.IntN(k) < mix.ranges(k))
	}
	return sources
}
