package connector

import (
	"cmp"
	"math/big"
	"math/bits"
	"net/netip"
	"strconv"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// RangeForm is the notation a [Range] was written in. It has no influence on the decision.
type RangeForm uint8

const (
	FormSingle  RangeForm = iota + 1 // 10.0.0.5
	FormSpan                         // 10.0.0.1-10.0.0.9
	FormCIDR                         // 10.0.0.0/24
	FormNetmask                      // 10.0.0.0(255.255.255.0)
)

// String prints Exchange's RangeFormat. SingleAddress and LoHi are observed in real exports, CIDR and Netmask inferred.
func (f RangeForm) String() string {
	switch f {
	case FormSingle:
		return "SingleAddress"
	case FormSpan:
		return "LoHi"
	case FormCIDR:
		return "CIDR"
	case FormNetmask:
		return "Netmask"
	}
	return ""
}

// Range is one entry of RemoteIPRanges: a run of addresses of one family. The zero Range is invalid.
// Ranges are comparable; two are equal if they print the same.
//
// A zone (fe80::1%11) is kept in the text and ignored for matching.
type Range struct {
	form        RangeForm
	first, last netip.Addr // one family, never IPv4-mapped, first <= last; zones as typed
}

// RangeFrom returns the range from first to last, both included: a single address if they are equal, else a span.
// IPv4-mapped addresses are read as IPv4. The error is a [*ParseError].
func RangeFrom(first, last netip.Addr) (Range, error) {
	first, last = first.Unmap(), last.Unmap()
	fail := func(err error) (Range, error) {
		return Range{}, &ParseError{Kind: "range", Input: first.String() + "-" + last.String(), Err: err}
	}
	switch {
	case !first.IsValid() || !last.IsValid():
		return fail(ErrAddress)
	case first.Is4() != last.Is4():
		return fail(ErrMixedFamilies)
	case last.WithZone("").Less(first.WithZone("")):
		return fail(ErrRangeOrder)
	case first == last:
		return Range{FormSingle, first, last}, nil
	}
	return Range{FormSpan, first, last}, nil
}

// RangesOf returns the fewest ranges that cover exactly s, in address order, IPv4 first: each a single address, a CIDR
// block or a span, whichever says it shortest. A range that would begin or end with an IPv4-mapped address is cut there.
func RangesOf(s *netipx.IPSet) []Range {
	return rangesFrom(s.Ranges())
}

// rangesFrom is RangesOf for ranges that are apart and in order.
func rangesFrom(spans []netipx.IPRange) (rs []Range) {
	for _, r := range spans {
		if r = withoutMapped(r); r.IsValid() {
			rs = append(rs, fromIPRange(r))
		}
	}
	return rs
}

// withoutMapped moves the ends of a range out of the IPv4-mapped block of IPv6, whose addresses mean IPv4 and so cannot
// be written as the end of an IPv6 range.
func withoutMapped(r netipx.IPRange) netipx.IPRange {
	from, to := r.From(), r.To()
	mapped := netipx.RangeOfPrefix(netip.MustParsePrefix("::ffff:0:0/96"))
	if from.Is4In6() {
		from = mapped.To().Next()
	}
	if to.Is4In6() {
		to = mapped.From().Prev()
	}
	return netipx.IPRangeFrom(from, to)
}

func fromIPRange(r netipx.IPRange) Range {
	if r.From() == r.To() {
		return Range{FormSingle, r.From(), r.To()}
	}
	if p, ok := r.Prefix(); ok {
		return fromPrefix(FormCIDR, p, "")
	}
	return Range{FormSpan, r.From(), r.To()}
}

// IPSet returns the addresses of all the ranges. Invalid ranges add nothing.
func IPSet(rs ...Range) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, r := range rs {
		if r.IsValid() {
			b.AddRange(r.Span())
		}
	}
	s, err := b.IPSet()
	if err != nil {
		panic("connector: a valid range was refused by netipx: " + err.Error())
	}
	return s
}

// IsValid tells whether r is a range; the zero Range is not.
func (r Range) IsValid() bool { return r.form != 0 }

// Form returns the notation r is written in.
func (r Range) Form() RangeForm { return r.form }

// Span returns the first and last address of r, without zones.
func (r Range) Span() netipx.IPRange {
	return netipx.IPRangeFrom(r.first.WithZone(""), r.last.WithZone(""))
}

// Contains tells whether a lies in r. Zones are ignored; an IPv4-mapped address counts as IPv4; families never mix.
func (r Range) Contains(a netip.Addr) bool { return r.contains(a.Unmap().WithZone("")) }

// contains is Contains for an address without a zone that is not IPv4-mapped.
func (r *Range) contains(a netip.Addr) bool { return a.IsValid() && r.has(a.Is4(), u128.Of(a)) }

// has is contains for the number of an address of a family.
func (r *Range) has(v4 bool, n u128.Uint128) bool {
	if !r.IsValid() || r.first.Is4() != v4 {
		return false
	}
	if v4 {
		return uint64(u128.Of4(r.first)) <= n.Lo && n.Lo <= uint64(u128.Of4(r.last))
	}
	return !n.Less(u128.Of(r.first)) && !u128.Of(r.last).Less(n)
}

// IsSingle tells whether r holds exactly one address, in whatever form it is written.
func (r Range) IsSingle() bool { return r.IsValid() && r.size() == u128.Uint128{} }

// Size returns the number of addresses in r, 0 for the zero Range. The result is the caller's.
func (r Range) Size() *big.Int {
	if !r.IsValid() {
		return new(big.Int)
	}
	s := r.size()
	n := new(big.Int).SetUint64(s.Hi)
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(s.Lo))
	return n.Add(n, big.NewInt(1))
}

// Compare orders ranges as the decision does: the one with fewer addresses first; of equal size the one with the lower
// first address, IPv4 before IPv6. It returns 0 for ranges that hold the same addresses, in whatever form.
// Source: "most specific match" (documented), counted in addresses whatever the notation (product).
func (r Range) Compare(o Range) int {
	return cmp.Or(r.size().Compare(o.size()), r.first.WithZone("").Compare(o.first.WithZone("")))
}

// size is the number of addresses of a range less one, so that ::/0 fits.
func (r Range) size() u128.Uint128 { return u128.Of(r.last).Sub(u128.Of(r.first)) }

// String prints r as Exchange does, rebuilt from its bounds: 10.0.0.1/24 prints 10.0.0.0/24. [ParseRange] reads it back
// to an equal Range.
func (r Range) String() string {
	if !r.IsValid() {
		return "invalid Range"
	}
	return string(r.append(nil))
}

// AppendText appends what String returns. The zero Range is an error.
func (r Range) AppendText(b []byte) ([]byte, error) {
	if !r.IsValid() {
		return b, &ParseError{Kind: "range", Err: ErrEmpty}
	}
	return r.append(b), nil
}

// MarshalText returns what String returns. The zero Range is an error.
func (r Range) MarshalText() ([]byte, error) { return r.AppendText(nil) }

// UnmarshalText is [ParseRange].
func (r *Range) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRange(string(text))
	return err
}

func (r Range) append(b []byte) []byte {
	b = r.first.AppendTo(b)
	switch r.form {
	case FormSpan:
		b = r.last.AppendTo(append(b, '-'))
	case FormCIDR:
		b = strconv.AppendInt(append(b, '/'), int64(r.prefixLength()), 10)
	case FormNetmask:
		mask := netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), r.prefixLength()).Masked().Addr()
		b = append(mask.AppendTo(append(b, '(')), ')')
	}
	return b
}

// prefixLength is meant for the forms that are one CIDR block.
func (r Range) prefixLength() int {
	s := r.size()
	return r.first.BitLen() - bits.Len64(s.Hi) - bits.Len64(s.Lo)
}

// CountAddresses prints a number of addresses for people: "1 address", "65,536 addresses", "2^64 addresses".
func CountAddresses(n *big.Int) string {
	s := n.String()
	if n.BitLen() > 48 && n.TrailingZeroBits() == uint(n.BitLen()-1) {
		return "2^" + strconv.Itoa(n.BitLen()-1) + " addresses"
	}
	if s == "1" {
		return "1 address"
	}
	return thousands(s) + " addresses"
}

// thousands separates the thousands of a decimal number.
func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
