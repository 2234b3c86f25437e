package connector_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/oracle"
)

// oracleSeed is the first seed; topology i is made from oracleSeed + i.
const oracleSeed = 20261123

// oracleTopologies is how many random topologies are compared. ORACLE_TOPOLOGIES sets another number.
func oracleTopologies(t testing.TB) int {
	text := os.Getenv("ORACLE_TOPOLOGIES")
	if text == "" {
		return 400
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

func compile(t testing.TB, top *connector.Topology) *connector.Index {
	t.Helper()
	x, err := connector.Compile(top)
	require.NoError(t, err)
	return x
}

func serverNames(top *connector.Topology) []string {
	var names []string
	for _, s := range top.AllServers() {
		names = append(names, s.Name)
	}
	return append(names, "NOBODY")
}

// decided renders what oracle and index both know of a decision.
func decided(o connector.Outcome, id connector.ID, r connector.Range, b netip.AddrPort, d connector.Doubt) string {
	s := o.String()
	if o == connector.Selected {
		s = fmt.Sprintf("%s by %s of %s", id, r, b)
	}
	return s + " " + d.String()
}

func byIndex(m connector.Match) string {
	return decided(m.Outcome(), m.Connector(), m.Range(), m.Binding(), m.Doubt())
}

func byOracle(d oracle.Decision) string {
	return decided(d.Outcome, d.Connector, d.Range, d.Binding, d.Doubt)
}

// disagreement returns the first connection on which the index and the oracle with mistakes m differ, and how.
func disagreement(top *connector.Topology, x *connector.Index, m oracle.Mistakes) string {
	for _, server := range serverNames(top) {
		for local := range gen.Locals() {
			l := x.Listener(server, local)
			for remote := range gen.Universe(local.Addr().Is4()) {
				c := connector.Conn{Server: server, Local: local, Remote: remote}
				got, want := byIndex(l.Select(remote)), byOracle(oracle.Select(top, c, m))
				if got != want {
					return fmt.Sprintf("%s: index %s, oracle %s", c, got, want)
				}
			}
		}
	}
	return ""
}

func TestSelectAgreesWithOracle(t *testing.T) {
	n := oracleTopologies(t)
	for i := range n {
		top := gen.Topology(gen.Rand(oracleSeed + uint64(i)))
		require.Empty(t, disagreement(top, compile(t, top), oracle.Mistakes{}), "seed %d", oracleSeed+i)
	}
	t.Logf("%d topologies from seed %d", n, oracleSeed)
}

// Each mistake must be caught, or the comparison above proves nothing.
func TestOracleCatchesMistakes(t *testing.T) {
	for _, row := range []struct {
		name string
		m    oracle.Mistakes
	}{
		{"widest wins", oracle.Mistakes{WidestWins: true}},
		{"port ignored", oracle.Mistakes{IgnorePort: true}},
		{"wildcard ignored", oracle.Mistakes{IgnoreWildcard: true}},
		{"disabled kept", oracle.Mistakes{KeepDisabled: true}},
		{"off by one at the start", oracle.Mistakes{SkipFirst: true}},
		{"off by one at the end", oracle.Mistakes{SkipLast: true}},
		{"families mixed", oracle.Mistakes{MixFamilies: true}},
		{"last wins a tie", oracle.Mistakes{LastWinsTie: true}},
		{"exact binding first", oracle.Mistakes{ExactBindingFirst: true}},
		{"role ignored", oracle.Mistakes{IgnoreRole: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for i := range 100 {
				top := gen.Topology(gen.Rand(oracleSeed + uint64(i)))
				if disagreement(top, compile(t, top), row.m) != "" {
					return
				}
			}
			assert.Fail(t, "100 topologies did not catch the mistake")
		})
	}
}

func TestExplainEndsAsSelect(t *testing.T) {
	for i := range oracleTopologies(t) / 10 {
		top := gen.Topology(gen.Rand(oracleSeed + uint64(i)))
		x := compile(t, top)
		for _, server := range serverNames(top) {
			for local := range gen.Locals() {
				for remote := range gen.Universe(local.Addr().Is4()) {
					c := connector.Conn{Server: server, Local: local, Remote: remote}
					checkExplanation(t, top, x, c)
				}
			}
		}
	}
}

func checkExplanation(t *testing.T, top *connector.Topology, x *connector.Index, c connector.Conn) {
	e := x.Explain(c)
	m := x.Select(c)
	if e.Match != m {
		require.Equal(t, m, e.Match, c)
	}
	var ids []string
	won, ties := 0, 0
	for i, s := range e.Steps {
		ids = append(ids, s.Connector.String())
		if c.Local.Port() == 475 && m.Connector().Name == "Mailbox delivery Receive connector" && s.Reason > connector.WrongRole && s.Reason != connector.Won {
			require.Fail(t, "the implicit connector was challenged", "%s", e)
		}
		if i > 0 && s.Reason > e.Steps[i-1].Reason {
			require.Fail(t, "steps do not descend", "%s", e)
		}
		switch s.Reason {
		case connector.Won:
			won++
			if s.Connector != m.Connector() || s.Range != m.Range() || s.Binding != m.Binding() {
				require.Fail(t, "the winner's step is not the match", "%s", e)
			}
		case connector.LostTie:
			ties++
		case connector.LostToNarrower, connector.LostToExactBinding:
			if !s.Range.Contains(c.Remote) || s.Range.Compare(m.Range()) < 0 && s.Range.Size().Cmp(m.Range().Size()) < 0 {
				require.Fail(t, "a loser was narrower", "%s", e)
			}
		}
	}
	if (m.Outcome() == connector.Selected) != (won == 1) || won > 1 || (ties > 0) != m.Doubt().Has(connector.DoubtTie) {
		require.Fail(t, "winner or tie missing", "%s", e)
	}
	var want []string
	for _, rc := range top.Connectors {
		if strings.EqualFold(rc.ID.Server, c.Server) {
			want = append(want, rc.ID.String())
		}
	}
	if m.Connector().Name == "Mailbox delivery Receive connector" {
		want = append(want, m.Connector().String())
	}
	slices.Sort(want)
	slices.Sort(ids)
	if !slices.Equal(want, ids) {
		require.Equal(t, want, ids, "each connector once")
	}
}

func TestRegionsPartitionTheSpace(t *testing.T) {
	for i := range oracleTopologies(t) / 2 {
		top := gen.Topology(gen.Rand(oracleSeed + uint64(i)))
		x := compile(t, top)
		for _, server := range serverNames(top) {
			for local := range gen.Locals() {
				var last connector.Match
				next := netip.PrefixFrom(local.Addr(), 0).Masked().Addr()
				for r, m := range x.Regions(server, local) {
					require.Equal(t, next.String(), r.From().String(), "no gap, no overlap")
					require.NotEqual(t, last, m, "neighbours differ")
					for _, a := range []netip.Addr{r.From(), inside(r), r.To()} {
						require.Equal(t, m, x.Select(connector.Conn{Server: server, Local: local, Remote: a}), a)
					}
					last, next = m, r.To().Next()
				}
				require.False(t, next.IsValid(), "the last region ends with the space")
			}
		}
	}
}

// inside returns an address of the range that is not its end, where there is one.
func inside(r netipx.IPRange) netip.Addr {
	if a := r.From().Next(); a.IsValid() && r.Contains(a) {
		return a
	}
	return r.From()
}

// Reordering connectors changes a winner only where DoubtTie is set, and never DoubtTie.
func TestOrderDecidesTiesOnly(t *testing.T) {
	for i := range oracleTopologies(t) / 4 {
		top := gen.Topology(gen.Rand(oracleSeed + uint64(i)))
		x := compile(t, top)
		slices.Reverse(top.Connectors)
		y := compile(t, top)
		for _, server := range serverNames(top) {
			for local := range gen.Locals() {
				for remote := range gen.Universe(local.Addr().Is4()) {
					c := connector.Conn{Server: server, Local: local, Remote: remote}
					a, b := x.Select(c), y.Select(c)
					require.Equal(t, a.Doubt(), b.Doubt(), c)
					if !a.Doubt().Has(connector.DoubtTie) && byIndex(a) != byIndex(b) {
						require.Equal(t, byIndex(a), byIndex(b), c)
					}
				}
			}
		}
	}
}

// Random changes of every kind, one after the other, made to random topologies.
func TestDiffAgreesWithOracle(t *testing.T) {
	moved, unsettled := 0, 0
	for i := range oracleTopologies(t) / 2 {
		seed := oracleSeed + uint64(i)
		r := gen.Rand(seed)
		top := gen.Topology(r)
		original := top.Clone()
		var changes []connector.Change
		next := top
		for range 1 + r.IntN(5) {
			change, ok := randomChange(r, next)
			if !ok {
				continue
			}
			var err error
			next, err = next.Apply(change)
			require.NoError(t, err, "seed %d: %s", seed, change)
			changes = append(changes, change)
		}
		require.True(t, reflect.DeepEqual(original, top), "Apply changed its receiver")

		x, y := compile(t, top), compile(t, next)
		moves, mirrored := connector.Diff(x, y), connector.Diff(y, x)
		require.Empty(t, connector.Diff(x, x))
		require.Empty(t, connector.Unsettled(x, x))
		require.Len(t, mirrored, len(moves))
		checkMoves(t, top, next, moves)
		checkMoves(t, next, top, mirrored)
		checkUnsettled(t, top, next, connector.Unsettled(x, y))
		moved, unsettled = moved+len(moves), unsettled+len(connector.Unsettled(x, y))
		what, err := connector.WhatIf(top, changes...)
		require.NoError(t, err)
		checkFollowed(t, top, next, changes, what)
		whatComposed, err := connector.WhatIf(top, connector.Compose(changes...)...)
		require.NoError(t, err)
		require.Equal(t, what, whatComposed, "seed %d: composed they move the same", seed)

		// Composed they do the same, and undone they leave what was there.
		composed, err := top.Apply(connector.Compose(changes...)...)
		require.NoError(t, err, "seed %d", seed)
		require.True(t, composed.Equal(next), "seed %d", seed)
		back, err := next.Apply(connector.Inverse(changes...)...)
		require.NoError(t, err)
		if !slices.ContainsFunc(changes, func(c connector.Change) bool { return c.After == nil }) { // or it would come last
			require.True(t, back.Equal(top), "seed %d: the inverse undoes the changes", seed)
		}
	}
	assert.Positive(t, moved)
	assert.Positive(t, unsettled)
}

// checkFollowed asserts that an address moves if and only if another connector serves it afterwards, whatever its name: each is followed
// through the changes, one by one.
func checkFollowed(t *testing.T, before, after *connector.Topology, changes []connector.Change, moves []connector.Move) {
	now := make(map[connector.ID]connector.ID) // the name of those there were at first; zero if they are gone
	for _, c := range before.Connectors {
		now[c.ID] = c.ID
	}
	made := make(map[connector.ID]bool) // the names of those that the changes created
	for _, change := range changes {
		if change.Before == nil {
			made[change.After.ID] = true
			continue
		}
		if made[change.Target] {
			delete(made, change.Target)
			if change.After != nil {
				made[change.After.ID] = true
			}
			continue
		}
		for first, is := range now {
			if is.Equal(change.Target) {
				if now[first] = (connector.ID{}); change.After != nil {
					now[first] = change.After.ID
				}
			}
		}
	}
	for first, is := range now {
		if is.IsZero() && made[first] { // another one has its name now, which makes it the same
			now[first] = first
		}
	}
	checkPairs(t, before, after, moves, func(b, a oracle.Decision) (string, bool) {
		same := b.Connector == a.Connector && b.Connector.IsZero()
		if is, was := now[b.Connector]; was && !is.IsZero() {
			same = is == a.Connector
		} else if !was && !b.Connector.IsZero() { // the implicit connector
			same = b.Connector == a.Connector
		}
		return fmt.Sprintf("%s -> %s %s", b.Connector, a.Connector, b.Doubt|a.Doubt), !same
	})
}

// randomChange edits, creates or removes a connector.
func randomChange(r *rand.Rand, top *connector.Topology) (connector.Change, bool) {
	if r.IntN(6) == 0 {
		c := gen.Connector(r, connector.ID{Server: "EX01", Name: fmt.Sprintf("C%d", 1+r.IntN(9))}, r.IntN(2) == 0)
		_, taken := top.Connector(c.ID)
		return connector.Create(c), !taken
	}
	if len(top.Connectors) == 0 {
		return connector.Change{}, false
	}
	c := top.Connectors[r.IntN(len(top.Connectors))]
	other := gen.Connector(r, c.ID, true)
	switch r.IntN(8) {
	case 7: // a name that is free now, perhaps one that another connector had
		name := fmt.Sprintf("C%d", 1+r.IntN(9))
		if _, taken := top.Connector(connector.ID{Server: c.ID.Server, Name: name}); taken {
			return connector.Change{}, false
		}
		return connector.Edit(c, func(c *connector.ReceiveConnector) { c.ID.Name = name }), true
	case 0:
		return connector.AddRanges(c, gen.Range(r), gen.Range(r)), true
	case 1:
		return connector.RemoveRanges(c, c.RemoteIPRanges[:len(c.RemoteIPRanges)/2]...), true
	case 2:
		return connector.SetEnabled(c, c.Disabled), true
	case 3:
		return connector.Edit(c, func(c *connector.ReceiveConnector) { c.Bindings = other.Bindings }), true
	case 4:
		return connector.Edit(c, func(c *connector.ReceiveConnector) { c.TransportRole = other.TransportRole }), true
	case 5:
		return connector.Edit(c, func(c *connector.ReceiveConnector) { *c = other }), true
	}
	return connector.Remove(c), true
}

// checkMoves asserts that an address is in a move if and only if the two oracles disagree, and that From, To and Doubt are theirs.
func checkMoves(t *testing.T, before, after *connector.Topology, moves []connector.Move) {
	checkPairs(t, before, after, moves, func(b, a oracle.Decision) (string, bool) {
		return fmt.Sprintf("%s -> %s %s", b.Connector, a.Connector, b.Doubt|a.Doubt), b.Connector != a.Connector
	})
}

// checkUnsettled asserts the same of the answers that stay and came into doubt.
func checkUnsettled(t *testing.T, before, after *connector.Topology, moves []connector.Move) {
	checkPairs(t, before, after, moves, func(b, a oracle.Decision) (string, bool) {
		return fmt.Sprintf("%s -> %s %s", b.Connector, a.Connector, a.Doubt&^b.Doubt), b.Connector == a.Connector && a.Doubt&^b.Doubt != 0
	})
}

func checkPairs(t *testing.T, before, after *connector.Topology, moves []connector.Move, want func(b, a oracle.Decision) (string, bool)) {
	x, y := compile(t, before), compile(t, after)
	seen := make(map[string]bool)
	sets := make([]*netipx.IPSet, len(moves))
	for i, m := range moves {
		sets[i] = connector.IPSet(m.Addrs...)
		require.True(t, sets[i].Contains(m.Witness), "witness")
		key := fmt.Sprint(m.Server, m.Local, m.From, m.To, m.Doubt)
		require.False(t, seen[key], "one row for each pair of connectors")
		seen[key] = true
		require.Equal(t, rangeTexts(connector.RangesOf(sets[i])), rangeTexts(m.Addrs), "the fewest ranges")
	}
	servers := append(serverNames(before), serverNames(after)...)
	slices.Sort(servers)
	for _, server := range slices.Compact(servers) {
		endpoints := append(x.Endpoints(server), y.Endpoints(server)...)
		slices.SortFunc(endpoints, netip.AddrPort.Compare)
		for _, local := range slices.Compact(endpoints) {
			for remote := range gen.Universe(local.Addr().Is4()) {
				c := connector.Conn{Server: server, Local: local, Remote: remote}
				var got, wanted []string
				for i, m := range moves {
					if m.Server == server && m.Local == local && sets[i].Contains(remote) {
						got = append(got, fmt.Sprintf("%s -> %s %s", m.From, m.To, m.Doubt))
					}
				}
				if text, ok := want(oracle.Select(before, c, oracle.Mistakes{}), oracle.Select(after, c, oracle.Mistakes{})); ok {
					wanted = []string{text}
				}
				if !slices.Equal(wanted, got) {
					require.Equal(t, wanted, got, c)
				}
			}
		}
	}
}

func FuzzSelect(f *testing.F) {
	for i := range 8 {
		b := make([]byte, 64)
		r := gen.Rand(uint64(i))
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		top := gen.Topology(gen.FromBytes(b))
		require.Empty(t, disagreement(top, compile(t, top), oracle.Mistakes{}))
	})
}
