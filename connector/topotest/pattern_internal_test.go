package topotest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

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
