package topotest

import (
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// A pattern matches what the same expression of package regexp does.
func TestMatches(t *testing.T) {
	r := gen.Rand(1)
	matched := 0
	for range 20_000 {
		pick := func(alphabet string, n int) string {
			var b strings.Builder
			for range r.IntN(n) {
				b.WriteByte(alphabet[r.IntN(len(alphabet))])
			}
			return b.String()
		}
		pattern, name := pick("ab*", 6), pick("ab", 8)
		want := regexp.MustCompile("^" + strings.ReplaceAll(pattern, "*", ".*") + "$").MatchString(name)
		assert.Equal(t, want, matches(pattern, name), "%q %q", pattern, name)
		if want {
			matched++
		}
	}
	assert.Greater(t, matched, 2000)
}

// bits are what odd names are made of.
var bits = []string{"a", "B", " ", "  ", "'", "''", ",", ":", ": ", " -> ", "->", "*", "#", "[", "]", "\"", "\\", "=", ".", "/", "10.0.0.1", "::", "any", "flow", "no", "as", " by ", "(doubt: Tie)",
	"served", "refused", "reply 550", "Ä", "\u00a0", "\u2028", "\n", "\t", "\x01", "\xff", "-"}

func odd(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(bits[r.IntN(len(bits))])
	}
	return b.String()
}

// A case that can be asked, whatever its names, prints as a line that is read as the same case.
func TestCasesWithOddNames(t *testing.T) {
	r := gen.Rand(2)
	read := 0
	for range 60_000 {
		var c Case
		switch r.IntN(6) {
		case 0:
			c = Case{Flow: &Flows{From: odd(r), To: odd(r), Purpose: connector.Purpose(r.IntN(17)), Port: uint16(r.IntN(2) * 25)}, State: audit.FlowState(r.IntN(10))}
		case 1:
			c = Case{Findings: &Findings{Subject: odd(r), Severity: audit.Severity(r.IntN(5))}, Found: r.IntN(2) == 0}
		default:
			c = Case{Conn: connector.Conn{Server: odd(r), Local: []netip.AddrPort{{}, Port(25), netip.MustParseAddrPort("[::]:25")}[r.IntN(3)]}, From: odd(r)}
			switch r.IntN(5) {
			case 0:
				c.Want = connector.ID{Server: odd(r), Name: odd(r)}
			case 1:
				c.Like = odd(r) + "\\" + odd(r)
			case 2:
				c.Outcome = connector.Outcome(r.IntN(7))
			case 3:
				c.Reply = connector.Reply{Code: 550 * r.IntN(2), Text: odd(r)}
			case 4:
				c.Mail = connector.StepState(r.IntN(6))
				c.Peer = &connector.Peer{Kind: connector.PeerKind(r.IntN(9))}
			}
		}
		c.Name, c.Why, c.Group = odd(r), odd(r), odd(r)
		if c.check() != nil {
			continue
		}
		got, err := ParseCases("f", strings.NewReader(FormatCases([]Case{c})))
		require.NoError(t, err, "%#v\n%s", c, FormatCases([]Case{c}))
		require.Len(t, got, 1)
		read++
		again := got[0]
		require.Equal(t, FormatCases([]Case{c}), FormatCases(got))
		if again.From == "" && again.Conn.Remote.IsValid() {
			again.From = again.Conn.Remote.String()
		}
		assert.Equal(t, meaning(c.From), meaning(again.From), "%q", c.From)
		want := c
		want.Name, want.Why, want.Group, want.From, want.Source = again.Name, again.Why, again.Group, again.From, again.Source
		want.Conn.Remote = again.Conn.Remote // a single address that stood in From
		if want.Flow != nil {
			for _, name := range []*string{&want.Flow.From, &want.Flow.To} {
				if *name == everything {
					*name = ""
				}
			}
		}
		require.Equal(t, want, again)
		assert.Equal(t, strings.TrimSpace(oneLine(c.Group)), strings.TrimSpace(again.Group))
	}
	assert.Greater(t, read, 5000)
}

// meaning is what the parts of a From stand for.
func meaning(from string) (list []string) {
	if from == "" {
		return nil
	}
	for _, p := range parts(from) {
		text := p.text
		if !p.isName() {
			text = "range " + strings.ToLower(p.source())
		}
		list = append(list, text)
	}
	return list
}

// Memory is bounded, whatever a file holds.
func TestFileLimits(t *testing.T) {
	file := strings.Repeat("no finding\n", 9)
	cases, err := readCases("f", strings.NewReader(file), len(file), 9)
	require.NoError(t, err)
	assert.Len(t, cases, 9)
	cases, err = readCases("f", strings.NewReader(file), len(file), 8)
	assert.EqualError(t, err, "f:9: more than 8 expectations")
	assert.Len(t, cases, 8)
	_, err = readCases("f", strings.NewReader(file), len(file)-1, 9)
	assert.EqualError(t, err, "f: larger than 0 MiB of expectations")
}
