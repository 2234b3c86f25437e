package connector

import (
	"fmt"
	"strconv"
	"strings"
)

// Generation is a product generation of Exchange. Generations are ordered by age; zero is unknown.
type Generation uint8

const (
	Generation2007 Generation = iota + 1
	Generation2010
	Generation2013
	Generation2016
	Generation2019
	Generation2019OrSE // 15.2 without a build
	GenerationSE
)

var generationNames = [...]string{"", "2007", "2010", "2013", "2016", "2019", "2019 or SE", "SE"}

// String prints "2016", "SE", "2019 or SE"; nothing for an unknown generation.
func (g Generation) String() string {
	if int(g) < len(generationNames) {
		return generationNames[g]
	}
	return ""
}

// firstBuildSE is the build of 15.2 from which the product is Subscription Edition.
const firstBuildSE = 2562

// Version is a version of Exchange, as precise as it was given. The zero Version is unknown. Versions are comparable;
// two are equal if they print the same.
type Version struct {
	parts   uint8      // how much is known: 0 nothing, 1 the generation only, 2 to 4 so many numbers
	gen     Generation // set when parts is 1
	numbers [4]uint32  // major, minor, build, revision
}

// ParseVersion reads "Version 15.1 (Build 2507.6)" as Get-ExchangeServer prints AdminDisplayVersion, "15.01.2507.006",
// "15.1", or a generation: "2016", "2019 or SE", "SE". Every error is a [*ParseError].
func ParseVersion(s string) (Version, error) {
	fail := func(offset int, err error) (Version, error) {
		return Version{}, &ParseError{Kind: "version", Input: s, Offset: offset, Err: err}
	}
	body := strings.TrimSpace(s)
	at := strings.Index(s, body)
	if body == "" {
		return fail(0, ErrEmpty)
	}
	for g := Generation2007; g <= GenerationSE; g++ {
		if strings.EqualFold(body, g.String()) {
			return Version{parts: 1, gen: g}, nil
		}
	}
	numbers := body
	if rest, ok := cutPrefixFold(body, "Version "); ok {
		at += len(body) - len(rest)
		head, build, ok := strings.Cut(rest, " (Build ")
		numbers = head
		if ok {
			inner, closed := strings.CutSuffix(build, ")")
			if !closed {
				return fail(at+len(rest), ErrVersion)
			}
			numbers = head + "." + inner
		}
	}
	v := Version{}
	for field := range strings.SplitSeq(numbers, ".") {
		n, err := strconv.ParseUint(field, 10, 32)
		if err != nil || field[0] == '+' || int(v.parts) == len(v.numbers) {
			return fail(at, ErrVersion)
		}
		v.numbers[v.parts] = uint32(n)
		v.parts++
	}
	if v.parts < 2 {
		return fail(at, ErrVersion)
	}
	return v, nil
}

// MustParseVersion is [ParseVersion] for literals; it panics on an error.
func MustParseVersion(s string) Version {
	v, err := ParseVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

// IsValid tells whether anything is known of the version.
func (v Version) IsValid() bool { return v.parts != 0 }

// Generation returns the product generation, 0 if it is unknown. 15.2 is 2019 below build 2562, SE from there, and
// "2019 or SE" without a build.
func (v Version) Generation() Generation {
	if v.parts == 1 {
		return v.gen
	}
	switch major, minor := v.numbers[0], v.numbers[1]; {
	case major == 8:
		return Generation2007
	case major == 14:
		return Generation2010
	case major == 15 && minor == 0:
		return Generation2013
	case major == 15 && minor == 1:
		return Generation2016
	case major == 15 && minor == 2 && v.parts == 2:
		return Generation2019OrSE
	case major == 15 && minor == 2 && v.numbers[2] < firstBuildSE:
		return Generation2019
	case major == 15 && minor == 2:
		return GenerationSE
	}
	return 0
}

// String prints "Version 15.1 (Build 2507.6)" when all four numbers are known, else what is known: "15.1.2507", "15.1",
// "2016". The zero Version prints nothing. [ParseVersion] reads it back to an equal Version.
func (v Version) String() string {
	n := v.numbers
	switch v.parts {
	case 1:
		return v.gen.String()
	case 2:
		return fmt.Sprintf("%d.%d", n[0], n[1])
	case 3:
		return fmt.Sprintf("%d.%d.%d", n[0], n[1], n[2])
	case 4:
		return fmt.Sprintf("Version %d.%d (Build %d.%d)", n[0], n[1], n[2], n[3])
	}
	return ""
}

// AppendText appends what String returns.
func (v Version) AppendText(b []byte) ([]byte, error) { return append(b, v.String()...), nil }

// MarshalText returns what String returns.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText is [ParseVersion].
func (v *Version) UnmarshalText(text []byte) (err error) {
	*v, err = ParseVersion(string(text))
	return err
}
