package connector_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

// fuzzParse checks a grammar: what is accepted prints to something that parses to the same value, and what is refused
// names an offset inside the input.
func fuzzParse[T comparable](f *testing.F, parse func(string) (T, error), print func(T) string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parse(s)
		if err != nil {
			var pe *connector.ParseError
			require.True(t, errors.As(err, &pe))
			require.Equal(t, s, pe.Input)
			require.GreaterOrEqual(t, pe.Offset, 0)
			require.LessOrEqual(t, pe.Offset, len(s))
			return
		}
		again, err := parse(print(v))
		require.NoError(t, err, print(v))
		require.True(t, v == again, "%q prints %q", s, print(v))
	})
}

func FuzzParseRange(f *testing.F) {
	fuzzParse(f, func(s string) (connector.Range, error) {
		r, err := connector.ParseRange(s)
		if err == nil && (r.Span().From().Is4() != r.Span().To().Is4() || r.Span().To().Less(r.Span().From())) {
			panic("a range of two families, or one that ends before it starts")
		}
		return r, err
	}, connector.Range.String, "192.168.1.1", "192.168.1.1/24", "10.0.0.1 - 10.0.0.9", "10.0.0.1(255.255.255.0)", "fe80::1%11/64",
		"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.0.0.1/96", "10.0.0.1-::1", "::ffff:0:0/95", "fe80::1%1-fe80::2%2", "0.0.0.0/0", "–")
}

func FuzzParseBinding(f *testing.F) {
	fuzzParse(f, connector.ParseBinding, netip.AddrPort.String,
		"0.0.0.0:25", "[::]:25", "[fe80::1%11]:25", "[::ffff:1.2.3.4]:1", "[::]:", ":25", "[", "1:2:3")
}

func FuzzParseFlags(f *testing.F) {
	fuzzParse(f, connector.ParseAuthMechanism, connector.AuthMechanism.String, "Tls, ExchangeServer", "None", "None, Tls", "31", ",", "tls,,")
}

func FuzzParseByteSize(f *testing.F) {
	fuzzParse(f, connector.ParseByteSize, connector.ByteSize.String, "36 MB (37,748,736 bytes)", "36MB", "1B", "18446744073709551615", "9GB (")
}

func FuzzParseVersion(f *testing.F) {
	fuzzParse(f, connector.ParseVersion, connector.Version.String, "Version 15.1 (Build 2507.6)", "15.01.2507.006", "2016", "SE", "Version 15", "1.2.3.4.5")
}

func FuzzParseID(f *testing.F) {
	fuzzParse(f, connector.ParseID, connector.ID.String, `EX01\Default EX01`, `\`, `a\`, `a\b\c `)
}
