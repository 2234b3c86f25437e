package connector

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"
)

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
