package audit_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// fleet is an organization of n servers of 2016 in sites of ten, each with the five default connectors and five of its own, of a
// hundred ranges each. One server of fifty has a fault: a relay connector at the port of the Transport service that takes the mail of all others.
func fleet(n int) *connector.Topology {
	t := &connector.Topology{}
	for i := range n {
		s := connector.Server{Name: fmt.Sprintf("EX%04d", i), Site: fmt.Sprintf("S%d", i/10), DAG: fmt.Sprintf("D%d", i/10), Version: connector.MustParseVersion("2016"),
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i / 250), byte(i % 250), 1})}}
		s.FQDN = s.Name + ".contoso.com"
		t.Servers = append(t.Servers, s)
		t.Connectors = append(t.Connectors, connector.DefaultConnectors(s)...)
		for j := range 5 {
			var ranges []string
			for k := range 100 {
				ranges = append(ranges, fmt.Sprintf("172.%d.%d.%d", 16+j, k, 1+k%7))
			}
			c := connectorOf(s.Name, fmt.Sprintf("Relay %d", j), connector.AuthTLS, ranges...)
			c.TransportRole, c.PermissionGroups = connector.FrontendTransport, connector.GroupAnonymousUsers
			if i%50 == 7 && j == 0 {
				c.TransportRole, c.Bindings = connector.HubTransport, []netip.AddrPort{connector.MustParseBinding("0.0.0.0:2525")}
				c.RemoteIPRanges[0] = connector.MustParseRange("10.0.0.0/8")
			}
			t.Connectors = append(t.Connectors, c)
		}
	}
	return t
}

// BenchmarkFleet audits organizations of servers with ten connectors of a hundred ranges each.
func BenchmarkFleet(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		top := fleet(n)
		b.Run(fmt.Sprintf("servers=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fs, err := audit.Run(context.Background(), top)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(fs)), "findings")
			}
		})
	}
}
