package u128

import (
	"math/big"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func wide(u Uint128) *big.Int {
	n := new(big.Int).SetUint64(u.Hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(u.Lo))
}

// Every operation is held against math/big, at the edges of the words above all.
func TestArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 128))
	words := []uint64{0, 1, 2, 1<<63 - 1, 1 << 63, ^uint64(0) - 1, ^uint64(0)}
	draw := func() uint64 {
		if r.IntN(3) == 0 {
			return r.Uint64()
		}
		return words[r.IntN(len(words))]
	}
	whole := new(big.Int).Lsh(big.NewInt(1), 128)
	for range 10_000 {
		u, v := Uint128{draw(), draw()}, Uint128{draw(), draw()}
		mod := func(n *big.Int) string { return n.Mod(n, whole).String() }
		require.Equal(t, mod(new(big.Int).Sub(wide(u), wide(v))), wide(u.Sub(v)).String())
		require.Equal(t, mod(new(big.Int).Add(wide(u), big.NewInt(1))), wide(u.Next()).String())
		require.Equal(t, mod(new(big.Int).Sub(wide(u), big.NewInt(1))), wide(u.Prev()).String())
		require.Equal(t, wide(u).Cmp(wide(v)), u.Compare(v))
		require.Equal(t, wide(u).Cmp(wide(v)) < 0, u.Less(v))
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]Uint128{
		"0.0.0.0": {}, "10.0.0.1": {0, 0x0a000001}, "255.255.255.255": {0, 1<<32 - 1},
		"::": {}, "2001:db8::5": {0x20010db800000000, 5}, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": {^uint64(0), ^uint64(0)},
		"::ffff:10.0.0.1": {0, 0xffff0a000001},
	} {
		a := netip.MustParseAddr(text)
		assert.Equal(t, want, Of(a), text)
		assert.Equal(t, text, want.Addr(a.Is4()).String())
	}
	assert.Equal(t, Uint128{0xfe80 << 48, 1}, Of(netip.MustParseAddr("fe80::1%11")), "without the zone")
	assert.Equal(t, Uint128{}, Of(netip.Addr{}))
	a6 := netip.MustParseAddr("2001:db8::5")
	assert.Zero(t, testing.AllocsPerRun(100, func() { Of(a6); Of6(a6) }))
}
