package lookup_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/lookup"
	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// What a large server's ranges take, per range: the goals are 40 bytes in IPv4 and 80 in IPv6.
func TestBytesPerRange(t *testing.T) {
	const n = 13_000
	for _, laminar := range []bool{true, false} {
		for seed := range uint64(3) {
			x, err := connector.Compile(gen.Large(gen.Rand(seed), n, gen.IPv4, laminar))
			require.NoError(t, err)
			var starts4 []uint32
			for r := range x.Regions("EX01", gen.Local(netip.IPv4Unspecified())) {
				starts4 = append(starts4, u128.Of4(r.From()))
			}
			assert.Greater(t, len(starts4), n)
			assert.LessOrEqual(t, lookup.New4(starts4, make([]uint64, len(starts4))).Bytes(), 40*n, "IPv4")

			x, err = connector.Compile(gen.Large(gen.Rand(seed), n, gen.IPv6, laminar))
			require.NoError(t, err)
			var starts6 []u128.Uint128
			for r := range x.Regions("EX01", gen.Local(netip.IPv6Unspecified())) {
				starts6 = append(starts6, u128.Of(r.From()))
			}
			assert.Greater(t, len(starts6), n)
			assert.LessOrEqual(t, lookup.New6(starts6, make([]uint64, len(starts6))).Bytes(), 80*n, "IPv6")
		}
	}
}
