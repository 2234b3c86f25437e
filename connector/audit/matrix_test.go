package audit_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// The flow that matters most stands for a cell.
func TestWorst(t *testing.T) {
	result := func(state audit.FlowState, need connector.Need, p connector.Purpose) audit.FlowResult {
		return audit.FlowResult{Flow: connector.Flow{From: "A", To: "B", Need: need, Purpose: p}, State: state}
	}
	ascending := []audit.FlowResult{
		result(audit.FlowOutside, connector.NotNeeded, connector.LogShipping),
		result(audit.FlowOutside, connector.Required, connector.Delivery),
		result(audit.FlowPasses, connector.Required, connector.Mail),
		result(audit.FlowNoListener, connector.Required, connector.ClientProxy),
		result(audit.FlowPartly, connector.Possible, connector.Shadow),
		result(audit.FlowFails, connector.Possible, connector.Shadow),
		result(audit.FlowUnknown, connector.Required, connector.Submission),
		result(audit.FlowPartly, connector.Required, connector.Mail),
		result(audit.FlowFails, connector.Required, connector.Mail),
	}
	for n := 1; n <= len(ascending); n++ {
		for _, order := range [][]audit.FlowResult{ascending[:n], reversed(ascending[:n])} {
			m := audit.MatrixOf(order)
			worst, ok := m.Cell(audit.End{Name: "A"}, audit.End{Name: "B"}).Worst()
			require.True(t, ok)
			assert.Equal(t, ascending[n-1], worst)
		}
	}
	m := audit.MatrixOf(ascending)
	cell := m.Cell(audit.End{Name: "A"}, audit.End{Name: "B"})
	assert.Len(t, cell.Of(connector.Mail), 3)
	assert.Empty(t, cell.Of(connector.Hybrid))
	assert.Equal(t, []audit.End{{Name: "A"}}, m.Sources())
	assert.Equal(t, []audit.End{{Name: "B"}}, m.Targets(), "what is only a target comes last")
	_, ok := m.Cell(audit.End{Name: "B"}, audit.End{Name: "A"}).Worst()
	assert.False(t, ok)
}

func reversed(rs []audit.FlowResult) (back []audit.FlowResult) {
	for _, r := range rs {
		back = append([]audit.FlowResult{r}, back...)
	}
	return back
}

// Networks are asked at one address for each answer, whatever the order and number of their ranges; two of one name are one.
func TestFlowsFromNetworks(t *testing.T) {
	front := connectorOf("EX01", "Default", exchangeAuth, "0.0.0.0/0")
	front.PermissionGroups |= connector.GroupAnonymousUsers
	relay := connectorOf("EX01", "Relay", 0, "192.0.2.8/29")
	front.Bindings = []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}
	relay.Bindings = front.Bindings
	for _, row := range []struct {
		why    string
		ranges [][]string // of networks of one name
		want   audit.FlowState
	}{
		{"all on the default", [][]string{{"192.0.2.0/29", "198.51.100.0/24"}}, audit.FlowPasses},
		{"all on the relay", [][]string{{"192.0.2.9", "192.0.2.10"}}, audit.FlowFails},
		{"some on each", [][]string{{"192.0.2.0/24"}}, audit.FlowPartly},
		{"some on each, told in two places", [][]string{{"198.51.100.0/24"}, {"192.0.2.15"}}, audit.FlowPartly},
		{"no addresses", [][]string{{}}, audit.FlowNoSource},
		{"addresses of a family that nobody listens on", [][]string{{"2001:db8::/32"}}, audit.FlowNoListener},
	} {
		top := twoHubs(front, relay)
		top.Connectors = []connector.ReceiveConnector{front, relay}
		for _, rs := range row.ranges {
			n := connector.Network{Name: "Online", Kind: connector.NetworkHybrid}
			for _, r := range rs {
				n.Ranges = append(n.Ranges, connector.MustParseRange(r))
			}
			top.Networks = append(top.Networks, n)
		}
		x, err := connector.Compile(top)
		require.NoError(t, err)
		for _, r := range audit.Flows(top, x) {
			if r.Flow.FromNetwork && r.Flow.To == "EX01" {
				assert.Equal(t, row.want, r.State, "%s: %s", row.why, r)
				if r.State == audit.FlowFails || r.State == audit.FlowPartly {
					assert.Equal(t, `EX01\Relay`, r.Witness.Explanation.Match.Connector().String(), row.why)
				}
			}
		}
	}
}

func TestBroken(t *testing.T) {
	for _, need := range []connector.Need{connector.Required, connector.Possible, connector.NotNeeded} {
		for s := audit.FlowPasses; s <= audit.FlowOutside; s++ {
			want := need == connector.Required && (s == audit.FlowFails || s == audit.FlowPartly)
			assert.Equal(t, want, audit.FlowResult{Flow: connector.Flow{Need: need}, State: s}.Broken(), "%s %s", need, s)
		}
	}
}

// A tracer shows the connections of a flow, those that pass, too.
func TestTracer(t *testing.T) {
	top := topotest.MustBuild(
		topotest.Exchange("2010", "EX01").Site("A").Roles("HubTransport").At("10.1.0.11", "10.1.0.12").DefaultConnectors().Relay("10.2.0.0/24"),
		topotest.Exchange("2010", "EX02").Site("B").Roles("HubTransport").At("10.2.0.11", "10.3.0.11").DefaultConnectors())
	x, err := connector.Compile(top)
	require.NoError(t, err)
	tracer := audit.NewTracer(top, x)
	seen := make(map[audit.FlowState]int)
	for r := range audit.EachFlow(top, x) {
		seen[r.State]++
		connections, witness := tracer.Connections(r.Flow), tracer.Witness(r.Flow)
		switch r.State {
		case audit.FlowOutside:
			assert.Empty(t, connections)
			assert.Nil(t, witness)
			continue
		case audit.FlowPasses:
			assert.Equal(t, connector.StepDone, witness.Mail())
			assert.Equal(t, r.Flow.To, witness.Explanation.Conn.Server)
			assert.Equal(t, connections[0].Conn, witness.Explanation.Conn)
		default:
			assert.Equal(t, r.Witness.Explanation.Conn, witness.Explanation.Conn)
		}
		assert.Len(t, connections, 4, "two addresses of each")
		for _, c := range connections {
			assert.Equal(t, x.Select(c.Conn), c.Verdict.Explanation.Match)
			assert.Equal(t, c.Conn.Remote == netip.MustParseAddr("10.2.0.11"), c.Verdict.Mail() != connector.StepDone, c.Conn)
		}
	}
	assert.NotZero(t, seen[audit.FlowPasses])
	assert.NotZero(t, seen[audit.FlowPartly])
	top.Servers[0].Addresses = nil
	assert.Nil(t, audit.NewTracer(top, x).Witness(connector.Flow{From: "EX01", To: "EX02", Port: 25, Purpose: connector.Mail, Transport: connector.TransportSMTP, ExchangeAuth: true, Need: connector.Required}))
}
