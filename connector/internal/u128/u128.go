// Package u128 has addresses, and how many of them there are, as numbers of 128 bits.
package u128

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Uint128 is an unsigned number of 128 bits. Values wrap around.
type Uint128 struct{ Hi, Lo uint64 }

// Of returns the number of an address of either family, without its zone; that of an invalid one is 0.
func Of(a netip.Addr) Uint128 {
	switch {
	case a.Is4():
		return Uint128{0, uint64(Of4(a))}
	case a.Is6():
		return Of6(a)
	}
	return Uint128{}
}

// Of6 returns the number of an IPv6 address, without its zone.
func Of6(a netip.Addr) Uint128 {
	b := a.AsSlice() // stays on the stack; As16 copies the array, which takes five times as long
	return Uint128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:16])}
}

// Of4 returns the number of an IPv4 address.
func Of4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// Addr returns the address with this number, IPv4 or IPv6.
func (u Uint128) Addr(v4 bool) netip.Addr {
	if v4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(u.Lo))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], u.Hi)
	binary.BigEndian.PutUint64(b[8:], u.Lo)
	return netip.AddrFrom16(b)
}

// Sub returns u - v.
func (u Uint128) Sub(v Uint128) Uint128 {
	lo, borrow := bits.Sub64(u.Lo, v.Lo, 0)
	hi, _ := bits.Sub64(u.Hi, v.Hi, borrow)
	return Uint128{hi, lo}
}

// Next returns u + 1.
func (u Uint128) Next() Uint128 {
	lo, carry := bits.Add64(u.Lo, 1, 0)
	return Uint128{u.Hi + carry, lo}
}

// Prev returns u - 1.
func (u Uint128) Prev() Uint128 { return u.Sub(Uint128{0, 1}) }

// Compare returns -1, 0 or +1.
func (u Uint128) Compare(v Uint128) int {
	return cmp.Or(cmp.Compare(u.Hi, v.Hi), cmp.Compare(u.Lo, v.Lo))
}

// Less tells whether u < v.
func (u Uint128) Less(v Uint128) bool { return u.Borrow(v) == 1 }

// Borrow returns 1 if u < v, else 0, without a branch.
func (u Uint128) Borrow(v Uint128) uint64 {
	_, borrow := bits.Sub64(u.Lo, v.Lo, 0)
	_, borrow = bits.Sub64(u.Hi, v.Hi, borrow)
	return borrow
}
