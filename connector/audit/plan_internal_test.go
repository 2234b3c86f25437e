package audit

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Two connectors that exchange ranges: no order of one change each is accepted, so what they lose goes first.
func TestArrangedSplitsWhatIsRefused(t *testing.T) {
	of := func(name string, ranges ...string) connector.ReceiveConnector {
		c := connector.ReceiveConnector{ID: connector.ID{Server: "A", Name: name}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}}
		for _, r := range ranges {
			c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange(r))
		}
		return c
	}
	x, y := of("X", "10.0.0.1", "10.1.0.0/16"), of("Y", "10.0.0.2", "10.2.0.0/16")
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{x, y}}
	one, two := connector.MustParseRange("10.0.0.1"), connector.MustParseRange("10.0.0.2")
	xLoses, yLoses := connector.RemoveRanges(x, one), connector.RemoveRanges(y, two)
	xGains, yGains := connector.AddRanges(*xLoses.After, two), connector.AddRanges(*yLoses.After, one)
	steps := []Step{{xLoses, []string{"a"}}, {yLoses, []string{"b"}}, {yGains, []string{"a"}}, {xGains, []string{"b", "a"}}}

	got := arranged(top, steps)
	var lines []string
	for _, s := range got {
		lines = append(lines, s.Change.String())
	}
	assert.Equal(t, []string{`A\X: RemoteIPRanges -10.0.0.1`, `A\Y: RemoteIPRanges -10.0.0.2`, `A\X: RemoteIPRanges +10.0.0.2`, `A\Y: RemoteIPRanges +10.0.0.1`}, lines)
	assert.Equal(t, []string{"a", "b"}, got[0].Why)
	require.NoError(t, top.ValidateAll(Plan{Steps: got}.Changes()...))

	// What would leave a connector without ranges stays whole, and the steps as they came are the last resort.
	x, y = of("X", "10.0.0.1"), of("Y", "10.0.0.2")
	top = &connector.Topology{Connectors: []connector.ReceiveConnector{x, y}}
	spare := connector.MustParseRange("10.9.9.9")
	aside := connector.Edit(x, func(c *connector.ReceiveConnector) { c.RemoteIPRanges = []connector.Range{spare} })
	given := connector.Edit(y, func(c *connector.ReceiveConnector) { c.RemoteIPRanges = []connector.Range{one} })
	taken := connector.Edit(*aside.After, func(c *connector.ReceiveConnector) { c.RemoteIPRanges = []connector.Range{two} })
	steps = []Step{{aside, nil}, {given, nil}, {taken, nil}}
	assert.Equal(t, steps, arranged(top, steps))

	// A connector that is made and one that goes.
	gone, made := connector.Remove(x), connector.Create(of("Z", "10.0.0.1"))
	got = arranged(top, []Step{{made, nil}, {gone, nil}})
	assert.Equal(t, []connector.Change{gone, made}, Plan{Steps: got}.Changes())
	assert.Equal(t, []Step{{gone, nil}}, split([]Step{{gone, nil}}))
}
