package audit

import (
	"net/netip"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// A fix is safe only if it moves what it means to, where it means to, and nobody comes to relay by it.
func TestSafe(t *testing.T) {
	from, to := connector.ID{Server: "A", Name: "From"}, connector.ID{Server: "A", Name: "To"}
	top := func(c connector.ReceiveConnector) *connector.Topology {
		c.ID = to
		return &connector.Topology{Connectors: []connector.ReceiveConnector{{ID: from}, c}}
	}
	plain := connector.ReceiveConnector{}
	meant := map[uint16]*netipx.IPSet{25: connector.IPSet(connector.MustParseRange("10.0.0.0/24"))}
	move := func(port uint16, addrs string) []connector.Move {
		return []connector.Move{{Local: netip.AddrPortFrom(netip.IPv4Unspecified(), port), From: from, To: to, Addrs: []connector.Range{connector.MustParseRange(addrs)}}}
	}
	for _, row := range []struct {
		why   string
		moves []connector.Move
		to    connector.ReceiveConnector
		want  bool
	}{
		{"nothing moves", nil, plain, true},
		{"what is meant moves", move(25, "10.0.0.5"), plain, true},
		{"more than that moves", move(25, "10.0.0.0/23"), plain, false},
		{"it moves at another port", move(587, "10.0.0.5"), plain, false},
		{"it comes to an externally secured connector", move(25, "10.0.0.5"), connector.ReceiveConnector{AuthMechanism: connector.AuthExternalAuthoritative, PermissionGroups: connector.GroupExchangeServers}, false},
		{"it comes to a connector whose groups are not known", move(25, "10.0.0.5"), connector.ReceiveConnector{Missing: connector.PropertyPermissionGroups}, false},
		{"it comes to a connector whose rights are not known", move(25, "10.0.0.5"), connector.ReceiveConnector{Missing: connector.PropertyRights}, false},
	} {
		movesOthers, givesRelay := sideEffects(meant, row.moves, top(plain), top(row.to))
		assert.Equal(t, row.want, !movesOthers && !givesRelay, row.why)
	}
}

// key must agree with strings.EqualFold, by which the core compares names, or a server would be missed here.
func TestKeyFoldsLikeTheCore(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if f := unicode.SimpleFold(r); f != r && strings.EqualFold(string(r), string(f)) && key(string(r)) != key(string(f)) {
			assert.Fail(t, "differ", "%U %U", r, f)
		}
	}
}
