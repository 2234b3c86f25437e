package report_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// counter counts what is written.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// organization has a relay that takes the mail of the others on every tenth server.
func organization(servers int) *connector.Topology {
	var parts []topotest.Part
	for i := range servers {
		s := topotest.Exchange("2016", fmt.Sprintf("EX%03d", i)).Site(fmt.Sprint(i % 2)).At(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String()).DefaultConnectors()
		if i%10 == 0 {
			s = s.Relay("10.0.0.0/16")
		}
		parts = append(parts, s)
	}
	return topotest.MustBuild(parts...)
}

// What it takes to write an audit that was made, in each form, and how long it is.
func BenchmarkAudit(b *testing.B) {
	for _, n := range []int{4, 100} {
		top := organization(n)
		x, err := connector.Compile(top)
		require.NoError(b, err)
		findings, err := audit.Run(context.Background(), top)
		require.NoError(b, err)
		a := report.Audit{Topology: top, Findings: findings, Flows: audit.EachFlow(top, x)}
		for f := report.Text; f <= report.JUnit; f++ {
			b.Run(fmt.Sprintf("%s/%d", f, n), func(b *testing.B) {
				b.ReportAllocs()
				var c counter
				for b.Loop() {
					c = 0
					if err := f.Audit(&c, a); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(c), "bytes")
			})
		}
	}
}
