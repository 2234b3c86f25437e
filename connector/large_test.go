package connector_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// Servers too large for the closed universe: the index against the linear scan, at every bound of every range and beside it.
func TestLargeServersAgreeWithTheScan(t *testing.T) {
	for _, mix := range []gen.Mix{gen.IPv4, gen.IPv6, gen.Mixed} {
		for _, n := range []int{5, 17, 100, 700} {
			for seed := range uint64(3) {
				top := gen.Large(gen.Rand(seed), n, mix, false)
				x, err := connector.Compile(top)
				require.NoError(t, err)
				for _, c := range top.Connectors {
					for _, r := range c.RemoteIPRanges {
						s := r.Span()
						for _, a := range []netip.Addr{s.From().Prev(), s.From(), s.From().Next(), s.To().Prev(), s.To(), s.To().Next()} {
							if !a.IsValid() || a.Is4() != s.From().Is4() {
								continue
							}
							m := x.Select(connector.Conn{Server: "EX01", Local: gen.Local(a), Remote: a})
							require.Equal(t, top.Connectors[linear(top, a)].ID, m.Connector(), "%v, %d ranges, %s", mix, n, a)
							require.True(t, m.Range().Contains(a), "%s by %s", a, m.Range())
						}
					}
				}
			}
		}
	}
}

// Compile allocates for connectors and endpoints, not for ranges: only slices that it cannot measure before grow by doubling.
func TestCompileAllocatesLittle(t *testing.T) {
	allocs := func(n int) float64 {
		top := gen.Large(gen.Rand(1), n, gen.Mixed, false)
		return testing.AllocsPerRun(10, func() { _, _ = connector.Compile(top) })
	}
	assert.LessOrEqual(t, allocs(2500), allocs(50)+100)
}
