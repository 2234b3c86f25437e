package topotest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// Everything about a topology is expected, and it holds: what a snapshot of a large one costs to write, read, ask, cover and compare.
func BenchmarkSnapshot(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		top := gen.Large(gen.Rand(1), n, gen.IPv4, false)
		cases, err := topotest.Snapshot(top)
		require.NoError(b, err)
		text := topotest.FormatCases(cases)
		run := func(name string, f func() error) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, f())
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(cases)), "ns/case")
			})
		}
		run("write", func() error { _, err := topotest.Snapshot(top); return err })
		run("read", func() error { _, err := topotest.ParseCases("s", strings.NewReader(text)); return err })
		run("ask", func() error {
			results, err := topotest.Evaluate(context.Background(), top, cases)
			for _, r := range results {
				require.True(b, r.Holds())
			}
			return err
		})
		run("cover", func() error { _, err := topotest.Cover(top, cases); return err })
		run("compare", func() error {
			changes, err := topotest.Changed(cases, top)
			require.True(b, changes.None())
			return err
		})
	}
}
