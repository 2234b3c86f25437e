package audit

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// A search that takes too long ends with some blockers, and says that fewer may be enough.
func TestSmallestIsBounded(t *testing.T) {
	space := connector.IPSet(connector.MustParseRange("10.0.0.0/24"))
	b := &blockers{space: []*netipx.IPSet{space}}
	for i := range 256 { // pairs of neighbours: 128 are needed, and very many sets of 127 have to be ruled out
		b.ids = append(b.ids, connector.ID{Server: "S", Name: fmt.Sprint(i)})
		last := min(255, i+1)
		b.left = append(b.left, []*netipx.IPSet{less(space, connector.IPSet(connector.MustParseRange(fmt.Sprintf("10.0.0.%d-10.0.0.%d", i, last))))})
	}
	ids, sure := b.smallest()
	assert.False(t, sure)
	open := b.space
	for _, id := range ids {
		for i := range b.ids {
			if b.ids[i] == id {
				open = b.without(open, i)
			}
		}
	}
	assert.True(t, isEmpty(open[0]), "they do it all the same")
	assert.LessOrEqual(t, len(ids), 256)

	b.ids, b.left = b.ids[:1], b.left[:1]
	assert.Len(t, b.greedy(), 1, "what nobody takes ends it")
}
