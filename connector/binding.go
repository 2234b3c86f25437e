package connector

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ParseBinding reads one entry of Bindings: 0.0.0.0:25, [::]:25 or 10.0.0.1:25. The unspecified addresses stand for
// every local address of their family. [netip.AddrPort]'s String prints it back. Every error is a [*ParseError].
// Source: New-ReceiveConnector, -Bindings (documented).
func ParseBinding(s string) (netip.AddrPort, error) {
	fail := func(offset int, err error) (netip.AddrPort, error) {
		return netip.AddrPort{}, &ParseError{Kind: "binding", Input: s, Offset: offset, Err: err}
	}
	body := strings.TrimRight(s, " \t\r\n")
	start := len(body) - len(strings.TrimLeft(body, " \t\r\n"))
	body = body[start:]
	if body == "" {
		return fail(0, ErrEmpty)
	}
	host, port := body, ""
	hasPort := false
	addrAt := start
	if body[0] == '[' {
		end := strings.IndexByte(body, ']')
		if end < 0 {
			return fail(start, fmt.Errorf("%w: the bracket is not closed", ErrAddress))
		}
		host, addrAt = body[1:end], start+1
		port, hasPort = strings.CutPrefix(body[end+1:], ":")
	} else if i := strings.LastIndexByte(body, ':'); i >= 0 && strings.Count(body, ":") == 1 {
		host, port, hasPort = body[:i], body[i+1:], true
	}
	addr, err := parseAddr(host)
	if err != nil {
		return fail(addrAt, err)
	}
	if addr.Is6() && body[0] != '[' {
		return fail(start, fmt.Errorf("%w: an IPv6 address in a binding stands in brackets", ErrAddress))
	}
	if !hasPort || port == "" {
		return fail(start+len(body), ErrMissingPort)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port[0] == '0' || port[0] == '+' {
		return fail(start+len(body)-len(port), ErrPort)
	}
	return netip.AddrPortFrom(addr, uint16(n)), nil
}

// MustParseBinding is [ParseBinding] for literals; it panics on an error.
func MustParseBinding(s string) netip.AddrPort {
	b, err := ParseBinding(s)
	if err != nil {
		panic(err)
	}
	return b
}

// ListensAt tells whether the connector is enabled and bound to a local endpoint: to its very address, or to all of the family. The
// process of another transport role may have the endpoint all the same, see [Index.Explain]. Source: Receive connectors (documented).
func (c ReceiveConnector) ListensAt(local netip.AddrPort) bool {
	c.Bindings = distinct(c.Bindings)
	reason, _ := approach(&c, normalEndpoint(local))
	return reason == 0
}

// SharesBinding returns the first binding of each of two connectors, enabled or not, that stand for one local endpoint: of one port and
// family, and to one address or one of them to all. Source: New-ReceiveConnector, -Bindings (documented).
func (c ReceiveConnector) SharesBinding(o ReceiveConnector) (mine, its netip.AddrPort, ok bool) {
	for _, m := range c.Bindings {
		for _, b := range o.Bindings {
			if mine, its = normalEndpoint(m), normalEndpoint(b); shareEndpoint(mine, its) {
				return mine, its, true
			}
		}
	}
	return netip.AddrPort{}, netip.AddrPort{}, false
}

// shareEndpoint tells whether two bindings, of one port and family, are to one local address or one of them to all.
func shareEndpoint(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() && a.Addr().Is4() == b.Addr().Is4() &&
		(a.Addr() == b.Addr() || a.Addr().IsUnspecified() || b.Addr().IsUnspecified())
}
