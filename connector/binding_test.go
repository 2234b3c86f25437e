package connector_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Where a connector listens is what the index says of a server that has no other, and two of them share a binding if there is an
// endpoint at which the cmdlets see both.
func TestListensAt(t *testing.T) {
	var all []netip.AddrPort
	for _, s := range []string{"0.0.0.0:25", "[::]:25", "10.0.0.1:25", "10.0.0.2:25", "[fd00::1]:25", "[::ffff:10.0.0.1]:25", "[fe80::1%1]:25", "0.0.0.0:26", "10.0.0.1:26"} {
		all = append(all, netip.MustParseAddrPort(s))
	}
	var cs []connector.ReceiveConnector
	for i, b := range all {
		for _, o := range all[i:] {
			cs = append(cs, connector.ReceiveConnector{ID: connector.ID{Server: "EX01", Name: "C"}, Bindings: []netip.AddrPort{b, o},
				RemoteIPRanges: []connector.Range{connector.MustParseRange("0.0.0.0/0"), connector.MustParseRange("::/0")}})
		}
	}
	listens := func(c connector.ReceiveConnector, local netip.AddrPort) bool {
		x, err := connector.Compile(&connector.Topology{Connectors: []connector.ReceiveConnector{c}})
		require.NoError(t, err)
		return x.Select(connector.Conn{Server: "EX01", Local: local, Remote: local.Addr()}).Outcome() == connector.Selected
	}
	for _, c := range cs {
		for _, local := range all {
			assert.Equal(t, listens(c, local), c.ListensAt(local), "%s at %s", c.Bindings, local)
			c.Disabled = true
			assert.False(t, c.ListensAt(local))
			c.Disabled = false
		}
		for _, o := range cs {
			shared := false
			for _, local := range all {
				shared = shared || c.ListensAt(local) && o.ListensAt(local)
			}
			mine, its, ok := c.SharesBinding(o)
			require.Equal(t, shared, ok, "%s and %s", c.Bindings, o.Bindings)
			if ok {
				assert.True(t, c.ListensAt(mine) && o.ListensAt(its))
				assert.True(t, o.ListensAt(mine) || c.ListensAt(its))
			}
		}
	}
	assert.False(t, cs[0].ListensAt(netip.AddrPort{}))
}
