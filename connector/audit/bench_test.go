package audit_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// captured is an organization of n servers in sites of four, on each of which a relay connector takes the mail of all others.
func captured(n int) *connector.Topology {
	t := &connector.Topology{}
	for i := range n {
		s := connector.Server{Name: fmt.Sprintf("EX%03d", i), Site: fmt.Sprintf("S%d", i/4), Version: connector.MustParseVersion([]string{"2010", "2016"}[i%2]),
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i / 200), byte(i % 200), 1})}}
		t.Servers = append(t.Servers, s)
		t.Connectors = append(t.Connectors, connector.DefaultConnectors(s)...)
		for j, ranges := range [][]string{{"10.0.0.0/8"}, {"192.168.0.0/24", "192.168.7.1"}, {"172.16.0.0/12"}} {
			c := connectorOf(s.Name, fmt.Sprintf("Relay %d", j), 0, ranges...)
			if i%2 == 1 {
				c.TransportRole = connector.FrontendTransport
			}
			t.Connectors = append(t.Connectors, c)
		}
	}
	return t
}

// BenchmarkRun audits organizations in which every server has something to mend.
func BenchmarkRun(b *testing.B) {
	for _, n := range []int{4, 20, 80} {
		top := captured(n)
		b.Run(fmt.Sprintf("servers=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fs, err := audit.Run(context.Background(), top)
				if err != nil || len(fs) < n {
					b.Fatal(err, len(fs))
				}
			}
		})
	}
}

// BenchmarkRunRanges audits two servers, one of which lists very many ranges, those of the other server among them.
func BenchmarkRunRanges(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		top := captured(2)
		for _, c := range gen.Large(gen.Rand(1), n, gen.IPv4, false).Connectors[1:] {
			c.ID.Server, c.TransportRole = "EX001", connector.FrontendTransport
			top.Connectors = append(top.Connectors, c)
		}
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fs, err := audit.Run(context.Background(), top)
				if err != nil || len(fs) < 2 {
					b.Fatal(err, len(fs))
				}
			}
		})
	}
}
