package audit

import (
	"net/netip"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// A fix moves what it means to, where it means to.
func TestMovesOthers(t *testing.T) {
	meant := map[uint16]*netipx.IPSet{25: connector.IPSet(connector.MustParseRange("10.0.0.0/24"))}
	move := func(port uint16, addrs string) []connector.Move {
		return []connector.Move{{Local: netip.AddrPortFrom(netip.IPv4Unspecified(), port), Addrs: []connector.Range{connector.MustParseRange(addrs)}}}
	}
	for _, row := range []struct {
		why   string
		moves []connector.Move
		want  bool
	}{
		{"nothing moves", nil, false},
		{"what is meant moves", move(25, "10.0.0.5"), false},
		{"more than that moves", move(25, "10.0.0.0/23"), true},
		{"it moves at another port", move(587, "10.0.0.5"), true},
	} {
		assert.Equal(t, row.want, movesOthers(meant, row.moves), row.why)
	}
}

// Nobody comes to relay by a fix, neither by a move nor by what a connector offers.
func TestGivesRelay(t *testing.T) {
	bound := connector.ReceiveConnector{ID: connector.ID{Server: "A", Name: "To"}, Bindings: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:25")},
		RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.0.0/24")}}
	external := bound.Clone()
	external.AuthMechanism, external.PermissionGroups = connector.AuthExternalAuthoritative, connector.GroupExchangeServers
	groups, rights := bound.Clone(), bound.Clone()
	groups.Missing, rights.Missing = connector.PropertyPermissionGroups, connector.PropertyRights
	for _, row := range []struct {
		why           string
		before, after []connector.ReceiveConnector
		want          bool
	}{
		{"nothing changes", []connector.ReceiveConnector{external}, []connector.ReceiveConnector{external}, false},
		{"it comes to a connector without rights", nil, []connector.ReceiveConnector{bound}, false},
		{"it comes to an externally secured connector", nil, []connector.ReceiveConnector{external}, true},
		{"it comes to a connector whose groups are not known", nil, []connector.ReceiveConnector{groups}, true},
		{"it comes to a connector whose rights are not known", nil, []connector.ReceiveConnector{rights}, true},
		{"its connector gets externally secured", []connector.ReceiveConnector{bound}, []connector.ReceiveConnector{external}, true},
		{"its connector, of which nobody knew, gets externally secured", []connector.ReceiveConnector{groups}, []connector.ReceiveConnector{external}, true},
		{"its connector is externally secured no longer", []connector.ReceiveConnector{external}, []connector.ReceiveConnector{bound}, false},
		{"its connector is surely externally secured no longer", []connector.ReceiveConnector{external}, []connector.ReceiveConnector{groups}, false},
	} {
		compiled := func(cs []connector.ReceiveConnector) *connector.Index {
			x, err := connector.Compile(&connector.Topology{Connectors: cs})
			require.NoError(t, err)
			return x
		}
		before, after := compiled(row.before), compiled(row.after)
		assert.Equal(t, row.want, gainsRelay(accessChanges(before, after, "A", endpoints(before, after, "A"), []Access{AccessRelay})), row.why)
	}
}

// A connector that goes could be made again only if it is known.
func TestForgets(t *testing.T) {
	known, custom := connector.ReceiveConnector{}, connector.ReceiveConnector{PermissionGroups: connector.GroupCustom}
	granted := custom.Clone()
	granted.Rights = []connector.Grant{{Principal: "A", Right: "x"}}
	part, limits := connector.ReceiveConnector{Missing: connector.PropertyAuthMechanism}, connector.ReceiveConnector{Missing: connector.PropertyLimits}
	for _, row := range []struct {
		why    string
		change connector.Change
		want   bool
	}{
		{"one that is known", connector.Remove(known), false},
		{"one whose limits are not known", connector.Remove(limits), false},
		{"one of which something is not known", connector.Remove(part), true},
		{"one whose rights are not known", connector.Remove(custom), true},
		{"one whose rights are known", connector.Remove(granted), false},
		{"it is new", connector.Create(part), false},
		{"it stays", connector.SetEnabled(part, false), false},
	} {
		assert.Equal(t, row.want, forgets(row.change), row.why)
	}
}

// A flow that is needed for another reason, or no longer surely, is the same flow.
func TestFlowsPairWhateverTheNeed(t *testing.T) {
	flow := connector.Flow{From: "A", To: "B", Port: 25, Purpose: connector.Mail, Transport: connector.TransportSMTP, Need: connector.Required, Why: connector.Basis{Rule: "x"}}
	other := flow
	other.Need, other.Why = connector.Possible, connector.Basis{Rule: "y"}
	assert.Empty(t, flowChanges([]FlowResult{{Flow: flow, State: FlowPasses}}, []FlowResult{{Flow: other, State: FlowPasses}}))
	got := flowChanges([]FlowResult{{Flow: flow, State: FlowPasses}}, []FlowResult{{Flow: other, State: FlowFails}})
	require.Len(t, got, 1)
	assert.Equal(t, FlowChange{Flow: other, Before: FlowPasses, After: FlowFails}, got[0])
	other.Port = 587
	assert.Len(t, flowChanges([]FlowResult{{Flow: flow, State: FlowPasses}}, []FlowResult{{Flow: other, State: FlowPasses}}), 2)
}

// key must agree with strings.EqualFold, by which the core compares names, or a server would be missed here.
func TestKeyFoldsLikeTheCore(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if f := unicode.SimpleFold(r); f != r && strings.EqualFold(string(r), string(f)) && key(string(r)) != key(string(f)) {
			assert.Fail(t, "differ", "%U %U", r, f)
		}
	}
}
