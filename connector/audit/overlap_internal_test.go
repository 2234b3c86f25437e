package audit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// someRanges returns random ranges in a closed universe of 256 addresses of each family.
func someRanges(r *rand.Rand, n int) (rs []connector.Range) {
	for range n {
		a, b := r.IntN(256), r.IntN(256)
		if r.IntN(2) == 0 {
			b = min(255, a+r.IntN(6))
		}
		format := "10.0.0.%d-10.0.0.%d"
		if r.IntN(3) == 0 {
			format = "fd00::%x-fd00::%x"
		}
		rs = append(rs, connector.MustParseRange(fmt.Sprintf(format, min(a, b), max(a, b))))
	}
	return rs
}

// cross tells whether two ranges have addresses in common and neither contains the other.
func cross(a, b netipx.IPRange) bool {
	inside := func(a, b netipx.IPRange) bool { return a.From().Compare(b.From()) >= 0 && a.To().Compare(b.To()) <= 0 }
	return a.Overlaps(b) && !inside(a, b) && !inside(b, a)
}

// The sweep finds what comparing every range with every other one does.
func TestCrossings(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	crossed := 0
	for range 3000 {
		as, bs := someRanges(r, r.IntN(7)), someRanges(r, r.IntN(7))
		var want netipx.IPSetBuilder
		any := false
		for _, a := range as {
			for _, b := range bs {
				if cross(a.Span(), b.Span()) {
					any = true
					want.AddSet(overlap(connector.IPSet(a), connector.IPSet(b)))
				}
			}
		}
		set, err := want.IPSet()
		require.NoError(t, err)
		both := []connector.ReceiveConnector{{RemoteIPRanges: as}, {RemoteIPRanges: bs}}
		all := crossings(both, func(int, int) bool { return true })
		require.Equal(t, any, len(all) == 1, "%v %v", as, bs)
		require.Empty(t, crossings(both, func(int, int) bool { return false }))
		got := crossing{set: &netipx.IPSet{}}
		if any {
			got = all[0]
		}
		require.Equal(t, fmt.Sprint(connector.RangesOf(set)), fmt.Sprint(connector.RangesOf(got.set)), "%v %v", as, bs)
		if any {
			crossed++
			require.True(t, cross(got.ranges[0].Span(), got.ranges[1].Span()))
			require.Contains(t, as, got.ranges[0])
			require.Contains(t, bs, got.ranges[1])
		}
		one := connector.ReceiveConnector{RemoteIPRanges: append(slices.Clone(as), bs...)}
		laminar := true
		for i, a := range one.RemoteIPRanges {
			for _, b := range one.RemoteIPRanges[i+1:] {
				laminar = laminar && !cross(a.Span(), b.Span())
			}
		}
		require.Equal(t, laminar, isLaminar([]connector.ReceiveConnector{one}), "%v", one.RemoteIPRanges)
	}
	assert.Greater(t, crossed, 500)
}

func TestNestedIn(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	for range 2000 {
		rs := someRanges(r, r.IntN(8))
		got, some := nestedIn(rs)
		found := false
		for i, a := range rs {
			want := false
			for j, b := range rs {
				inside := a.Span().From().Compare(b.Span().From()) >= 0 && a.Span().To().Compare(b.Span().To()) <= 0 && a.Span().From().Is4() == b.Span().From().Is4()
				want = want || i != j && inside && (a.Span() != b.Span() || j < i)
			}
			require.Equal(t, want, got[i], "%v in %v", a, rs)
			found = found || want
		}
		require.Equal(t, found, some)
	}
}
