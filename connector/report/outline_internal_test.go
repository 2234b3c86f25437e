package report

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What forms take grows with the lines, and not with their square.
func TestFormsAreLinear(t *testing.T) {
	lines := func(n int) *outline {
		b := &outline{}
		for i := range n {
			b.printf("line %d\n  of it\n", i)
		}
		return b
	}
	for name, write := range map[string]func(b *outline) error{
		"terminal": func(b *outline) error { return b.writeText(Terminal{Writer: io.Discard, Width: 80}) },
		"markdown": func(b *outline) error { return Markdown.outline(io.Discard, "", b) },
		"html":     func(b *outline) error { b.blocks(); return nil },
	} {
		bytes := func(n int) uint64 {
			o := lines(n)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			assert.NoError(t, write(o))
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		few, many := bytes(500), bytes(4000)
		assert.Less(t, many, 16*few, fmt.Sprintf("%s: 8 times the lines take %d bytes and %d", name, few, many))
	}
}

// Lines are what they were written as, whatever stands before them, and a line break in a value begins none.
func TestOutlineLines(t *testing.T) {
	var b outline
	b.printf("%s\n", "a\nb")
	b.heading(bad)
	b.printf("head\n  below %v\n", fmt.Errorf("one\ntwo"))
	b.command("    ", "Set-X")
	b.table([][]string{{"h", "i"}, {"long", "x"}})
	b.script("s1\n\ns2\n")
	b.prose("p1\np2\n\nq")
	b.WriteString("end")
	var got []string
	for l := range b.lines {
		got = append(got, fmt.Sprintf("%d %d %d %q", l.kind, l.tone, l.depth, l.text))
	}
	assert.Equal(t, []string{
		`0 0 0 "a\\nb"`, fmt.Sprintf(`%d %d 0 "head"`, heading, bad), `0 0 2 "below one"`, `0 0 4 "two"`, fmt.Sprintf(`%d 0 4 "Set-X"`, command),
		fmt.Sprintf(`%d 0 0 "h    i\nlong x"`, table), fmt.Sprintf(`%d 0 0 "s1\n\ns2"`, script), fmt.Sprintf(`%d 0 0 "p1\np2"`, prose), `0 0 0 ""`, fmt.Sprintf(`%d 0 0 "q"`, prose), `0 0 0 "end"`,
	}, got)
}
