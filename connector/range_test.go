package connector_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// offsetOf strips the mark ¦ from a text and returns where it stood, -1 if nowhere.
func offsetOf(marked string) (text string, offset int) {
	offset = strings.Index(marked, "¦")
	return strings.Replace(marked, "¦", "", 1), offset
}

func requireParseError(t *testing.T, err error, kind string, offset int, want error) {
	t.Helper()
	var pe *connector.ParseError
	require.ErrorAs(t, err, &pe)
	assert.Equal(t, kind, pe.Kind)
	assert.Equal(t, offset, pe.Offset, pe.Error())
	assert.ErrorIs(t, err, want)
}

func TestParseRange(t *testing.T) {
	for _, row := range []struct{ in, prints, first, last, form, why string }{
		{"192.168.1.1", "192.168.1.1", "192.168.1.1", "192.168.1.1", "SingleAddress", "single IPv4"},
		{"fe80::39bd:88f7:6969:d223%11", "fe80::39bd:88f7:6969:d223%11", "fe80::39bd:88f7:6969:d223", "fe80::39bd:88f7:6969:d223", "SingleAddress", "a zone is kept in the text only"},
		{"192.168.1.1-192.168.1.254", "192.168.1.1-192.168.1.254", "192.168.1.1", "192.168.1.254", "LoHi", "span"},
		{"0.0.0.0 - 255.255.255.255", "0.0.0.0-255.255.255.255", "0.0.0.0", "255.255.255.255", "LoHi", "blanks around the dash are our leniency"},
		{"192.168.1.1/24", "192.168.1.0/24", "192.168.1.0", "192.168.1.255", "CIDR", "host bits mean the network"},
		{"2001:0DB8::CD3/60", "2001:db8::/60", "2001:db8::", "2001:db8:0:f:ffff:ffff:ffff:ffff", "CIDR", "host bits, IPv6"},
		{"fe80::1%11/64", "fe80::%11/64", "fe80::", "fe80::ffff:ffff:ffff:ffff", "CIDR", "zone and length"},
		{"fe80::1%a-fe80::2%b", "fe80::1%a-fe80::2%b", "fe80::1", "fe80::2", "LoHi", "each bound keeps its zone"},
		{"192.168.8.2(255.255.255.0)", "192.168.8.0(255.255.255.0)", "192.168.8.0", "192.168.8.255", "Netmask", "netmask form"},
		{"10.0.0.1(0.0.0.0)", "0.0.0.0(0.0.0.0)", "0.0.0.0", "255.255.255.255", "Netmask", "empty mask"},
		{"10.0.0.1(255.255.255.255)", "10.0.0.1(255.255.255.255)", "10.0.0.1", "10.0.0.1", "Netmask", "full mask"},
		{"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0", "255.255.255.255", "CIDR", "all IPv4"},
		{"::/0", "::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "CIDR", "all IPv6"},
		{"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "LoHi", "as the defaults print it"},
		{"10.0.0.5-10.0.0.5", "10.0.0.5-10.0.0.5", "10.0.0.5", "10.0.0.5", "LoHi", "a span of one address stays a span"},
		{"0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0", "SingleAddress", "one address, not everything"},
		{" \t10.0.0.1\r\n", "10.0.0.1", "10.0.0.1", "10.0.0.1", "SingleAddress", "blanks at the ends"},
		{"::ffff:10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1", "SingleAddress", "IPv4-mapped means IPv4"},
		{"::ffff:10.0.0.1/120", "10.0.0.0/24", "10.0.0.0", "10.0.0.255", "CIDR", "IPv4-mapped with a length of 128 bits"},
		{"::ffff:10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9", "10.0.0.1", "10.0.0.9", "LoHi", "mapped and plain are one family"},
	} {
		t.Run(row.why, func(t *testing.T) {
			r, err := connector.ParseRange(row.in)
			require.NoError(t, err)
			assert.Equal(t, row.prints, r.String())
			assert.Equal(t, row.first, r.Span().From().String())
			assert.Equal(t, row.last, r.Span().To().String())
			assert.Equal(t, row.form, r.Form().String())
			again, err := connector.ParseRange(r.String())
			require.NoError(t, err)
			assert.True(t, r == again, "printing and parsing give an equal value")
		})
	}
}

func TestParseRangeErrors(t *testing.T) {
	for _, row := range []struct {
		in   string
		want error
		why  string
	}{
		{"¦", connector.ErrEmpty, "nothing"},
		{"¦  ", connector.ErrEmpty, "blanks"},
		{"¦10.0.0", connector.ErrAddress, "three fields"},
		{"¦10.0.0.256", connector.ErrAddress, "field too large"},
		{"¦010.0.0.1", connector.ErrAddress, "a leading zero could be octal"},
		{" ¦mail.contoso.com", connector.ErrAddress, "a name"},
		{"10.0.0.9-¦10.0.0.1", connector.ErrRangeOrder, "Exchange refuses low above high"},
		{"10.0.0.9 - ¦10.0.0.1", connector.ErrRangeOrder, "offset behind the blanks"},
		{"10.0.0.1-¦::1", connector.ErrMixedFamilies, "families mixed"},
		{"10.0.0.1-¦", connector.ErrAddress, "no last address"},
		{"¦-10.0.0.1", connector.ErrAddress, "no first address"},
		{"10.0.0.1-¦10.0.0.2-10.0.0.3", connector.ErrAddress, "two dashes"},
		{"10.0.0.0/¦33", connector.ErrPrefixLength, "too long for IPv4"},
		{"::/¦129", connector.ErrPrefixLength, "too long for IPv6"},
		{"10.0.0.0/¦", connector.ErrPrefixLength, "no length"},
		{"10.0.0.0/¦+8", connector.ErrPrefixLength, "sign"},
		{"10.0.0.0/¦08", connector.ErrPrefixLength, "leading zero"},
		{"¦10.0.0.0/-1", connector.ErrAddress, "negative: the dash makes it a span"},
		{"::ffff:10.0.0.0/¦95", connector.ErrPrefixLength, "mapped, and shorter than the mapping"},
		{"10.0.0.0(¦255.0.255.0)", connector.ErrNetmask, "not contiguous"},
		{"10.0.0.0(¦255.255.255.0", connector.ErrNetmask, "not closed"},
		{"10.0.0.0(¦)", connector.ErrNetmask, "no mask"},
		{"fd00::(¦255.255.255.0)", connector.ErrNetmask, "IPv6 has no masks"},
		{"¦fe80::1%eth.0", connector.ErrZone, "zone of other characters"},
	} {
		t.Run(row.why, func(t *testing.T) {
			in, offset := offsetOf(row.in)
			_, err := connector.ParseRange(in)
			requireParseError(t, err, "range", offset, row.want)
		})
	}
}

func TestParseErrorText(t *testing.T) {
	_, err := connector.ParseRange("10.0.0.9-10.0.0.1")
	assert.EqualError(t, err, `range "10.0.0.9-10.0.0.1": byte 9: the range ends before it starts`)
	_, err = connector.ParseRange("10.0.0.300")
	assert.EqualError(t, err, `range "10.0.0.300": byte 0: not an IP address: IPv4 field has value >255`)
	_, err = connector.ParseRange(strings.Repeat("x", 1<<20))
	assert.Less(t, len(err.Error()), 250, "a huge input does not make a huge message")
}

func TestZeroRange(t *testing.T) {
	var r connector.Range
	assert.False(t, r.IsValid())
	assert.False(t, r.Contains(netip.MustParseAddr("10.0.0.1")))
	assert.False(t, r.IsSingle())
	assert.Equal(t, "invalid Range", r.String())
	assert.Equal(t, "0", r.Size().String())
	_, err := r.MarshalText()
	require.ErrorIs(t, err, connector.ErrEmpty)
	assert.Empty(t, connector.RangeForm(0).String())
}

func TestRangeContains(t *testing.T) {
	r := connector.MustParseRange("10.0.0.1-10.0.0.9")
	for text, want := range map[string]bool{"10.0.0.0": false, "10.0.0.1": true, "10.0.0.9": true, "10.0.0.10": false,
		"::ffff:10.0.0.5": true, "::a00:5": false} {
		assert.Equal(t, want, r.Contains(netip.MustParseAddr(text)), text)
	}
	assert.True(t, connector.MustParseRange("fe80::1%3").Contains(netip.MustParseAddr("fe80::1%4")), "zones are ignored")
	assert.False(t, r.Contains(netip.Addr{}))
}

// Compare is the decision order: fewer addresses first, whatever the notation.
func TestRangeCompare(t *testing.T) {
	ordered := []string{"10.0.0.5", "fd00::1", "10.0.0.0/31", "10.0.0.0/24", "10.0.1.0(255.255.255.0)", "10.0.0.0-10.0.1.0",
		"0.0.0.0/0", "fd00::/64", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "::/0"}
	for i, a := range ordered {
		for j, b := range ordered {
			got := connector.MustParseRange(a).Compare(connector.MustParseRange(b))
			switch {
			case i < j:
				assert.Negative(t, got, "%s %s", a, b)
			case i > j:
				assert.Positive(t, got, "%s %s", a, b)
			default:
				assert.Zero(t, got, "%s %s", a, b)
			}
		}
	}
	assert.Zero(t, connector.MustParseRange("10.0.0.0/24").Compare(connector.MustParseRange("10.0.0.0-10.0.0.255")))
}

func TestRangeSize(t *testing.T) {
	for text, want := range map[string]string{"10.0.0.1": "1", "10.0.0.0/24": "256", "0.0.0.0/0": "4294967296",
		"::/0": "340282366920938463463374607431768211456", "fd00::/64": "18446744073709551616"} {
		assert.Equal(t, want, connector.MustParseRange(text).Size().String(), text)
	}
	for text, want := range map[string]string{"10.0.0.1": "1 address", "10.0.0.0/16": "65,536 addresses",
		"0.0.0.0/0": "4,294,967,296 addresses", "::/0": "2^128 addresses", "fd00::-fd00::1:0:0:0": "281,474,976,710,657 addresses"} {
		assert.Equal(t, want, connector.CountAddresses(connector.MustParseRange(text).Size()), text)
	}
}

func TestRangeFrom(t *testing.T) {
	addr := netip.MustParseAddr
	r, err := connector.RangeFrom(addr("10.0.0.1"), addr("::ffff:10.0.0.1"))
	require.NoError(t, err)
	assert.Equal(t, "10.0.0.1", r.String())
	assert.Equal(t, connector.FormSingle, r.Form())
	r, err = connector.RangeFrom(addr("10.0.0.0"), addr("10.0.0.255"))
	require.NoError(t, err)
	assert.Equal(t, "10.0.0.0-10.0.0.255", r.String(), "a span stays a span")
	_, err = connector.RangeFrom(addr("10.0.0.2"), addr("10.0.0.1"))
	requireParseError(t, err, "range", 0, connector.ErrRangeOrder)
	_, err = connector.RangeFrom(addr("10.0.0.2"), addr("::1"))
	requireParseError(t, err, "range", 0, connector.ErrMixedFamilies)
	_, err = connector.RangeFrom(netip.Addr{}, addr("::1"))
	requireParseError(t, err, "range", 0, connector.ErrAddress)
}

func TestRangesOf(t *testing.T) {
	var b netipx.IPSetBuilder
	b.AddPrefix(netip.MustParsePrefix("10.0.0.0/24"))
	b.AddRange(netipx.MustParseIPRange("10.0.2.1-10.0.2.7"))
	b.Add(netip.MustParseAddr("fd00::1"))
	b.Add(netip.MustParseAddr("10.0.1.1"))
	set, err := b.IPSet()
	require.NoError(t, err)
	var texts []string
	for _, r := range connector.RangesOf(set) {
		texts = append(texts, r.String())
	}
	assert.Equal(t, []string{"10.0.0.0/24", "10.0.1.1", "10.0.2.1-10.0.2.7", "fd00::1"}, texts)
	again := connector.IPSet(append(connector.RangesOf(set), connector.Range{})...)
	assert.True(t, set.Equal(again), "the ranges cover exactly the set, and an invalid one adds nothing")
}

// IPv4-mapped addresses mean IPv4, so an IPv6 range that begins or ends among them could not be read back.
func TestRangesOfMappedAddresses(t *testing.T) {
	for in, want := range map[string][]string{
		"::ffff:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": {"::1:0:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		"::-::ffff:10.0.0.1":                         {"::-::fffe:ffff:ffff"},
		"::ffff:10.0.0.1-::ffff:10.0.0.2":            nil,
		"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": {"::/0"},
	} {
		var b netipx.IPSetBuilder
		first, last, _ := strings.Cut(in, "-")
		b.AddRange(netipx.IPRangeFrom(netip.MustParseAddr(first), netip.MustParseAddr(last)))
		set, err := b.IPSet()
		require.NoError(t, err)
		var got []string
		for _, r := range connector.RangesOf(set) {
			got = append(got, r.String())
			assert.Equal(t, r, connector.MustParseRange(r.String()))
		}
		assert.Equal(t, want, got, in)
	}
}

func TestRangeText(t *testing.T) {
	var r connector.Range
	require.NoError(t, r.UnmarshalText([]byte("10.0.0.1/24")))
	b, err := r.AppendText([]byte("x "))
	require.NoError(t, err)
	assert.Equal(t, "x 10.0.0.0/24", string(b))
	var pe *connector.ParseError
	assert.True(t, errors.As(r.UnmarshalText([]byte("?")), &pe))
	assert.Panics(t, func() { connector.MustParseRange("?") })
}

func TestParseBinding(t *testing.T) {
	for in, want := range map[string]string{"0.0.0.0:25": "0.0.0.0:25", "[::]:25": "[::]:25", " 10.10.1.1:2525 ": "10.10.1.1:2525",
		"[fe80::1%11]:25": "[fe80::1%11]:25", "[::ffff:10.0.0.1]:25": "10.0.0.1:25", "10.0.0.1:65535": "10.0.0.1:65535"} {
		b, err := connector.ParseBinding(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, b.String())
	}
	for _, row := range []struct {
		in   string
		want error
	}{
		{"¦", connector.ErrEmpty}, {"[::]:¦", connector.ErrMissingPort}, {"0.0.0.0¦", connector.ErrMissingPort},
		{"0.0.0.0:¦", connector.ErrMissingPort}, {"[::]¦", connector.ErrMissingPort},
		{"0.0.0.0:¦0", connector.ErrPort}, {"0.0.0.0:¦65536", connector.ErrPort}, {"0.0.0.0:¦025", connector.ErrPort},
		{"0.0.0.0:¦+25", connector.ErrPort}, {"0.0.0.0:¦smtp", connector.ErrPort},
		{"¦::25", connector.ErrAddress}, {"¦10.0.0.0/24:25", connector.ErrAddress}, {"¦[::1:25", connector.ErrAddress},
		{"[¦x]:25", connector.ErrAddress}, {" ¦localhost:25", connector.ErrAddress}, {"¦fd00::1", connector.ErrAddress},
	} {
		in, offset := offsetOf(row.in)
		_, err := connector.ParseBinding(in)
		requireParseError(t, err, "binding", offset, row.want)
	}
	assert.Panics(t, func() { connector.MustParseBinding("?") })
}

// The narrowest entry that holds a source is the one by which the connector would win if it did.
func TestNarrowestRange(t *testing.T) {
	r := gen.Rand(4)
	for range 50 {
		top := gen.Topology(r)
		x, err := connector.Compile(top)
		require.NoError(t, err)
		for _, s := range x.Servers() {
			for _, local := range x.Endpoints(s) {
				for a := range gen.Universe(local.Addr().Is4()) {
					for _, step := range x.Explain(connector.Conn{Server: s, Local: local, Remote: a}).Steps {
						c, ok := top.Connector(step.Connector)
						if !ok {
							continue
						}
						by, held := c.NarrowestRange(a)
						if step.Reason >= connector.LostToNarrower {
							require.True(t, held)
							require.Equal(t, step.Range.String(), by.String())
						} else if step.Reason == connector.NotInRange {
							require.False(t, held)
						}
					}
				}
			}
		}
	}
	_, ok := connector.ReceiveConnector{}.NarrowestRange(netip.Addr{})
	assert.False(t, ok)
	all := connector.ReceiveConnector{RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.0.0/8"), connector.MustParseRange("fe80::/10")}}
	by, ok := all.NarrowestRange(netip.MustParseAddr("fe80::1%11"))
	assert.True(t, ok)
	assert.Equal(t, "fe80::/10", by.String())
	_, ok = all.NarrowestRange(netip.Addr{})
	assert.False(t, ok)
}
