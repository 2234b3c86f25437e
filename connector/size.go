package connector

import (
	"fmt"
	"strconv"
	"strings"
)

// ByteSize is a number of bytes, printed as Exchange prints a ByteQuantifiedSize. Zero is "not told".
type ByteSize uint64

// Units of a [ByteSize].
const (
	KB ByteSize = 1 << 10
	MB ByteSize = 1 << 20
	GB ByteSize = 1 << 30
)

var byteUnits = []struct {
	name string
	size ByteSize
}{{"GB", GB}, {"MB", MB}, {"KB", KB}, {"B", 1}}

// ParseByteSize reads "36 MB (37,748,736 bytes)", of which the number of bytes counts, whatever separates its thousands;
// "36 MB", "36MB", "37748736B" and "37748736". Nothing has no bytes. Every error is a [*ParseError].
func ParseByteSize(s string) (ByteSize, error) {
	fail := func(at string, err error) (ByteSize, error) {
		return 0, &ParseError{Kind: "size", Input: s, Offset: max(0, strings.Index(s, at)), Err: err}
	}
	body := strings.TrimSpace(s)
	if body == "" {
		return fail(s, ErrEmpty)
	}
	if _, exact, ok := strings.Cut(body, "("); ok {
		digits := strings.Map(func(r rune) rune {
			if '0' <= r && r <= '9' {
				return r
			}
			return -1
		}, exact)
		n, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || n == 0 || !strings.HasSuffix(exact, ")") {
			return fail(exact, ErrSize)
		}
		return ByteSize(n), nil
	}
	number, unit := body, ByteSize(1)
	for _, u := range byteUnits {
		if rest, ok := cutSuffixFold(body, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n == 0 || number[0] == '+' || n > ^uint64(0)/uint64(unit) {
		return fail(body, ErrSize)
	}
	return ByteSize(n) * unit, nil
}

func cutSuffixFold(s, suffix string) (string, bool) {
	if n := len(s) - len(suffix); n >= 0 && strings.EqualFold(s[n:], suffix) {
		return s[:n], true
	}
	return s, false
}

// String prints "36 MB (37,748,736 bytes)", nothing for zero.
func (b ByteSize) String() string {
	for _, u := range byteUnits {
		if b >= u.size {
			whole := strings.TrimRight(strings.TrimRight(strconv.FormatFloat(float64(b)/float64(u.size), 'f', 3, 64), "0"), ".")
			return fmt.Sprintf("%s %s (%s bytes)", whole, u.name, thousands(strconv.FormatUint(uint64(b), 10)))
		}
	}
	return ""
}

// AppendText appends what String returns.
func (b ByteSize) AppendText(to []byte) ([]byte, error) { return append(to, b.String()...), nil }

// MarshalText returns what String returns.
func (b ByteSize) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText is [ParseByteSize].
func (b *ByteSize) UnmarshalText(text []byte) (err error) {
	*b, err = ParseByteSize(string(text))
	return err
}

// SizeMode is the value of a connector's SizeEnabled: how it announces SIZE in its EHLO reply. Zero is "not told" and counts
// as Enabled, the default. Source: New-ReceiveConnector, -SizeEnabled (documented). The numbers are this library's own.
type SizeMode uint8

const (
	SizeEnabled             SizeMode = iota + 1 // SIZE with MaxMessageSize in bytes
	SizeEnabledWithoutValue                     // SIZE alone
	SizeDisabled                                // no such line
)

var sizeModeNames = [...]string{"", "Enabled", "EnabledWithoutValue", "Disabled"}

// ParseSizeMode reads what String prints, in any case, or Exchange's number: 1 is Enabled and 2 EnabledWithoutValue
// (observed), 0 Disabled (inferred). Every error is a [*ParseError].
func ParseSizeMode(s string) (SizeMode, error) {
	switch strings.TrimSpace(s) {
	case "0":
		return SizeDisabled, nil
	case "1":
		return SizeEnabled, nil
	case "2":
		return SizeEnabledWithoutValue, nil
	}
	return parseName[SizeMode]("SizeEnabled", s, sizeModeNames[:])
}

// String prints Exchange's spelling, nothing for zero.
func (m SizeMode) String() string {
	if int(m) < len(sizeModeNames) {
		return sizeModeNames[m]
	}
	return ""
}

// AppendText appends what String returns.
func (m SizeMode) AppendText(b []byte) ([]byte, error) { return append(b, m.String()...), nil }

// MarshalText returns what String returns.
func (m SizeMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText is [ParseSizeMode].
func (m *SizeMode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseSizeMode(string(text))
	return err
}
