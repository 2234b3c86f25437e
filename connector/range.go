package connector

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"
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

// ParseRange reads one entry of RemoteIPRanges in any form Exchange takes:
//
//	10.0.0.5                   one address, IPv4 or IPv6
//	10.0.0.1-10.0.0.9          first and last address
//	10.0.0.0/24                CIDR; host bits may be set and mean the enclosing network
//	10.0.0.0(255.255.255.0)    address and netmask, IPv4 only
//
// Blanks at either end and around the dash are accepted. An IPv4-mapped IPv6 address is read as the IPv4 address,
// which is how Exchange stores IPv4. Every error is a [*ParseError] with the offset of the part that is wrong.
// Source: New-ReceiveConnector, -RemoteIPRanges (documented); the netmask form is inferred.
func ParseRange(s string) (Range, error) {
	p := rangeParser{input: s}
	body := strings.TrimRight(s, " \t\r\n")
	start := len(body) - len(strings.TrimLeft(body, " \t\r\n"))
	body = body[start:]
	if body == "" {
		return Range{}, p.fail(0, ErrEmpty)
	}
	if i := strings.IndexByte(body, '('); i >= 0 {
		return p.netmask(body, start, i)
	}
	if i := strings.IndexByte(body, '-'); i >= 0 {
		return p.span(body, start, i)
	}
	if i := strings.IndexByte(body, '/'); i >= 0 {
		return p.cidr(body, start, i)
	}
	a, err := p.addr(body, start)
	if err != nil {
		return Range{}, err
	}
	return Range{FormSingle, a, a}, nil
}

// MustParseRange is [ParseRange] for literals; it panics on an error.
func MustParseRange(s string) Range {
	r, err := ParseRange(s)
	if err != nil {
		panic(err)
	}
	return r
}

type rangeParser struct{ input string }

func (p rangeParser) fail(offset int, err error) error {
	return &ParseError{Kind: "range", Input: p.input, Offset: offset, Err: err}
}

func (p rangeParser) addr(s string, offset int) (netip.Addr, error) {
	a, err := parseAddr(s)
	if err != nil {
		return netip.Addr{}, p.fail(offset, err)
	}
	return a, nil
}

func (p rangeParser) span(body string, start, dash int) (Range, error) {
	left := strings.TrimRight(body[:dash], " \t")
	right := strings.TrimLeft(body[dash+1:], " \t")
	rightAt := start + len(body) - len(right)
	first, err := p.addr(left, start)
	if err != nil {
		return Range{}, err
	}
	last, err := p.addr(right, rightAt)
	if err != nil {
		return Range{}, err
	}
	if first.Is4() != last.Is4() {
		return Range{}, p.fail(rightAt, ErrMixedFamilies)
	}
	if last.WithZone("").Less(first.WithZone("")) {
		return Range{}, p.fail(rightAt, ErrRangeOrder)
	}
	return Range{FormSpan, first, last}, nil
}

func (p rangeParser) cidr(body string, start, slash int) (Range, error) {
	raw, err := p.addr(body[:slash], start)
	if err != nil {
		return Range{}, err
	}
	digits, at := body[slash+1:], start+slash+1
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil || digits[0] == '+' || len(digits) > 1 && digits[0] == '0' {
		return Range{}, p.fail(at, ErrPrefixLength)
	}
	length := int(n)
	if mapped := raw.Is4() && strings.Contains(body[:slash], ":"); mapped {
		length -= 128 - 32
	}
	prefix, err := raw.WithZone("").Prefix(length)
	if err != nil {
		return Range{}, p.fail(at, ErrPrefixLength)
	}
	return fromPrefix(FormCIDR, prefix, raw.Zone()), nil
}

func (p rangeParser) netmask(body string, start, open int) (Range, error) {
	a, err := p.addr(body[:open], start)
	if err != nil {
		return Range{}, err
	}
	at := start + open + 1
	text, closed := strings.CutSuffix(body[open+1:], ")")
	mask, err := netip.ParseAddr(text)
	if err != nil || !closed || !a.Is4() || !mask.Is4() {
		return Range{}, p.fail(at, ErrNetmask)
	}
	m4 := mask.As4()
	m := binary.BigEndian.Uint32(m4[:])
	ones := bits.LeadingZeros32(^m)
	if m<<ones != 0 {
		return Range{}, p.fail(at, ErrNetmask)
	}
	return fromPrefix(FormNetmask, netip.PrefixFrom(a, ones).Masked(), ""), nil
}

func fromPrefix(f RangeForm, p netip.Prefix, zone string) Range {
	r := netipx.RangeOfPrefix(p)
	return Range{f, r.From().WithZone(zone), r.To().WithZone(zone)}
}

// parseAddr reads an address as Exchange stores it: IPv4-mapped means IPv4, a zone is letters and digits.
func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		reason := err.Error()
		if i := strings.LastIndex(reason, "): "); i >= 0 {
			reason = reason[i+len("): "):]
		}
		return netip.Addr{}, fmt.Errorf("%w: %s", ErrAddress, reason)
	}
	for _, c := range a.Zone() {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return netip.Addr{}, ErrZone
		}
	}
	return a.Unmap(), nil
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
// block or a span, whichever says it shortest.
func RangesOf(s *netipx.IPSet) []Range {
	var rs []Range
	for _, r := range s.Ranges() {
		rs = append(rs, fromIPRange(r))
	}
	return rs
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
func (r Range) contains(a netip.Addr) bool {
	return r.IsValid() && a.Is4() == r.first.Is4() && r.Span().Contains(a)
}

// IsSingle tells whether r holds exactly one address, in whatever form it is written.
func (r Range) IsSingle() bool { return r.IsValid() && r.size() == rangeSize{} }

// Size returns the number of addresses in r, 0 for the zero Range. The result is the caller's.
func (r Range) Size() *big.Int {
	if !r.IsValid() {
		return new(big.Int)
	}
	s := r.size()
	n := new(big.Int).SetUint64(s.hi)
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(s.lo))
	return n.Add(n, big.NewInt(1))
}

// Compare orders ranges as the decision does: the one with fewer addresses first; of equal size the one with the lower
// first address, IPv4 before IPv6. It returns 0 for ranges that hold the same addresses, in whatever form.
// Source: "most specific match" (documented), counted in addresses whatever the notation (product).
func (r Range) Compare(o Range) int {
	return cmp.Or(r.size().compare(o.size()), r.first.WithZone("").Compare(o.first.WithZone("")))
}

// rangeSize is the number of addresses of a range less one, in 128 bits, so that ::/0 fits.
type rangeSize struct{ hi, lo uint64 }

func (r Range) size() rangeSize {
	fh, fl := words(r.first)
	lh, ll := words(r.last)
	lo, borrow := bits.Sub64(ll, fl, 0)
	hi, _ := bits.Sub64(lh, fh, borrow)
	return rangeSize{hi, lo}
}

// compare is the only place that knows which of two ranges is narrower.
func (s rangeSize) compare(o rangeSize) int {
	return cmp.Or(cmp.Compare(s.hi, o.hi), cmp.Compare(s.lo, o.lo))
}

func words(a netip.Addr) (hi, lo uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

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
	return r.first.BitLen() - bits.Len64(s.hi) - bits.Len64(s.lo)
}

// CountAddresses prints a number of addresses for people: "1 address", "65,536 addresses", "2^64 addresses".
func CountAddresses(n *big.Int) string {
	s := n.String()
	if n.BitLen() > 48 && n.TrailingZeroBits() == uint(n.BitLen()-1) {
		return "2^" + strconv.Itoa(n.BitLen()-1) + " addresses"
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if s == "1" {
		return "1 address"
	}
	return s + " addresses"
}
