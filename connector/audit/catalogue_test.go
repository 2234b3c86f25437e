package audit_test

import (
	"context"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/oracle"
)

func checksOf(t testing.TB, ids string) []*audit.Check {
	checks, err := audit.ParseChecks(ids)
	require.NoError(t, err)
	return checks
}

// wins tells by the oracle who serves each address of the universe at an endpoint.
func wins(top *connector.Topology, server string, local netip.AddrPort) map[netip.Addr]oracle.Decision {
	all := make(map[netip.Addr]oracle.Decision)
	for a := range gen.Universe(local.Addr().Is4()) {
		all[a] = oracle.Select(top, connector.Conn{Server: server, Local: local, Remote: a}, oracle.Mistakes{})
	}
	return all
}

// winner tells whether the oracle lets a connector win any address of the universe at any endpoint.
func winner(top *connector.Topology, id connector.ID, locals []netip.AddrPort) bool {
	for _, local := range locals {
		for _, a := range wins(top, id.Server, local) {
			if a.Outcome == connector.Selected && a.Connector.Equal(id) {
				return true
			}
		}
	}
	return false
}

// crowded is a server with a connector for eight addresses and others for a few of them.
func crowded(intN func(int) int) *connector.Topology {
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{bound(connectorOf("EX01", "Eight", 0, "10.0.0.0/29"), "0.0.0.0:25")}}
	for i := range 3 + intN(5) {
		first := intN(8)
		r := fmt.Sprintf("10.0.0.%d-10.0.0.%d", first, min(7, first+intN(4)))
		top.Connectors = append(top.Connectors, bound(connectorOf("EX01", fmt.Sprintf("C%d", i), 0, r), []string{"0.0.0.0:25", "192.168.0.1:25"}[intN(5)/4]))
	}
	return top
}

// What never wins by the oracle is reported, and nothing else; the related connectors keep it from winning, and no smaller set does.
func TestNeverSelectedAgainstTheOracle(t *testing.T) {
	reported, several := 0, 0
	for seed := range uint64(300) {
		top := gen.Topology(gen.Rand(seed))
		if seed%2 == 1 {
			top = crowded(gen.Rand(seed).IntN)
		}
		x, err := connector.Compile(top)
		require.NoError(t, err)
		for _, f := range run(t, top, checksOf(t, "RC002")...) {
			reported++
			locals := x.Endpoints(f.Subject.Server)
			require.False(t, winner(top, f.Subject, locals), "seed %d: %s", seed, f.Subject)
			if len(f.Related) == 0 || strings.Contains(f.Message, "binding") {
				continue
			}
			beside := func(others []connector.ID) *connector.Topology {
				few := *top
				few.Connectors = slices.DeleteFunc(slices.Clone(top.Connectors), func(c connector.ReceiveConnector) bool {
					return !c.ID.Equal(f.Subject) && !slices.ContainsFunc(others, c.ID.Equal)
				})
				return &few
			}
			require.False(t, winner(beside(f.Related), f.Subject, locals), "seed %d: %s beside %v", seed, f.Subject, f.Related)
			if len(f.Related) > 1 {
				several++
			}
			var others []connector.ID
			for _, c := range top.Connectors {
				if strings.EqualFold(c.ID.Server, f.Subject.Server) && !c.ID.Equal(f.Subject) && !c.Disabled {
					others = append(others, c.ID)
				}
			}
			for mask := range uint(1) << len(others) { // every smaller set lets it win
				if bits.OnesCount(mask) != len(f.Related)-1 {
					continue
				}
				var few []connector.ID
				for i, id := range others {
					if mask&(1<<i) != 0 {
						few = append(few, id)
					}
				}
				require.True(t, winner(beside(few), f.Subject, locals), "seed %d: %s is kept from winning by %v already, and not only by %v", seed, f.Subject, few, f.Related)
			}
		}
	}
	assert.Greater(t, reported, 50)
	assert.Greater(t, several, 5)
}

// What RC012 calls shadowed can go at once without any address of the universe getting another answer by the oracle, and what RC015 calls
// idle is never the deciding range.
func TestShadowedAgainstTheOracle(t *testing.T) {
	shadowed, idle := 0, 0
	for seed := range uint64(200) {
		top := gen.Topology(gen.Rand(9000 + seed))
		x, err := connector.Compile(top)
		require.NoError(t, err)
		for _, f := range run(t, top, checksOf(t, "RC012, RC015")...) {
			for _, local := range x.Endpoints(f.Subject.Server) {
				before := wins(top, f.Subject.Server, local)
				if f.Check == "RC015" {
					idle++
					for a, answer := range before {
						require.False(t, answer.Connector.Equal(f.Subject) && slices.Contains(f.Addrs, answer.Range), "seed %d: %s decides for %s", seed, answer.Range, a)
					}
					continue
				}
				shadowed++
				after := top.Clone()
				for i, c := range after.Connectors {
					if c.ID.Equal(f.Subject) {
						out := slices.Clone(f.Addrs)
						after.Connectors[i].RemoteIPRanges = slices.DeleteFunc(c.RemoteIPRanges, func(r connector.Range) bool {
							at := slices.Index(out, r)
							if at >= 0 {
								out = slices.Delete(out, at, at+1)
							}
							return at >= 0
						})
						require.Empty(t, out)
					}
				}
				for a, answer := range wins(after, f.Subject.Server, local) {
					require.Equal(t, before[a].Connector.String(), answer.Connector.String(), "seed %d: %s without %v", seed, a, f.Addrs)
				}
			}
			if f.Check == "RC012" {
				requireNoMoreShadowed(t, seed, top, f, x.Endpoints(f.Subject.Server))
			}
		}
	}
	assert.Greater(t, shadowed, 10)
	assert.Greater(t, idle, 10)
}

// requireNoMoreShadowed asserts that without any further entry that lies in another one some address gets another answer.
func requireNoMoreShadowed(t *testing.T, seed uint64, top *connector.Topology, f audit.Finding, locals []netip.AddrPort) {
	c, _ := top.Connector(f.Subject)
	out := slices.Clone(f.Addrs)
	left := slices.DeleteFunc(slices.Clone(c.RemoteIPRanges), func(r connector.Range) bool {
		at := slices.Index(out, r)
		if at >= 0 {
			out = slices.Delete(out, at, at+1)
		}
		return at >= 0
	})
	for i, r := range left {
		inside := slices.ContainsFunc(left, func(o connector.Range) bool {
			return o.Compare(r) != 0 && connector.IPSet(o).ContainsRange(r.Span())
		})
		if !inside {
			continue
		}
		after := top.Clone()
		for j := range after.Connectors {
			if after.Connectors[j].ID.Equal(f.Subject) {
				after.Connectors[j].RemoteIPRanges = slices.Delete(slices.Clone(left), i, i+1)
			}
		}
		differs := false
		for _, local := range locals {
			before := wins(top, f.Subject.Server, local)
			for a, answer := range wins(after, f.Subject.Server, local) {
				differs = differs || answer.Connector != before[a].Connector || answer.Doubt != before[a].Doubt
			}
		}
		require.True(t, differs, "seed %d: %s of %s could go as well, %v gone", seed, r, f.Subject, f.Addrs)
	}
}

// Every tie of the oracle is in a finding of RC004 with who ties, and every refused address of an endpoint that serves others in one of RC005.
func TestTiesAndRefusalsAgainstTheOracle(t *testing.T) {
	ties, closed := 0, 0
	for seed := range uint64(300) {
		top := gen.Topology(gen.Rand(5000 + seed))
		x, err := connector.Compile(top)
		require.NoError(t, err)
		fs := run(t, top, checksOf(t, "RC004, RC005")...)
		for _, server := range x.Servers() {
			for _, local := range x.Endpoints(server) {
				answers := wins(top, server, local)
				serves, role := false, false
				for region, m := range x.Regions(server, local) {
					serves = serves || m.Outcome() == connector.Selected
					role = role || m.Doubt().Has(connector.DoubtRole) && region.IsValid()
				}
				for a, answer := range answers {
					switch {
					case answer.Outcome == connector.Selected && answer.Doubt.Has(connector.DoubtTie):
						ties++
						require.True(t, slices.ContainsFunc(fs, func(f audit.Finding) bool {
							return f.Check == "RC004" && f.Subject.Equal(answer.Connector) && connector.IPSet(f.Addrs...).Contains(a) && len(f.Related) > 0
						}), "seed %d: %s at %s %s", seed, a, server, local)
					case answer.Outcome == connector.NoRange && serves && !role:
						closed++
						require.True(t, slices.ContainsFunc(fs, func(f audit.Finding) bool {
							return f.Check == "RC005" && f.Subject.Server == server && f.Witness.Explanation.Conn.Local == local && connector.IPSet(f.Addrs...).Contains(a)
						}), "seed %d: %s at %s %s", seed, a, server, local)
					}
				}
			}
		}
		for _, f := range fs {
			for _, r := range f.Addrs {
				if f.Check != "RC004" {
					continue
				}
				tied := false
				for _, local := range x.Endpoints(f.Subject.Server) {
					m := x.Select(connector.Conn{Server: f.Subject.Server, Local: local, Remote: r.Span().From()})
					tied = tied || m.Connector().Equal(f.Subject) && m.Doubt().Has(connector.DoubtTie)
				}
				require.True(t, tied, "seed %d: %s of %s", seed, r, f.Subject)
			}
		}
	}
	assert.Greater(t, ties, 1000)
	assert.Greater(t, closed, 1000)
}

// Whatever the check and the organization: a fix applies, the cmdlets accept it, its finding is gone, nothing between servers stops
// authenticating, and a safe one moves nothing but the addresses of the finding.
func TestAllFixesHoldInRandomOrganizations(t *testing.T) {
	byCheck := make(map[string]int)
	for seed := range uint64(400) {
		top := randomOrganization(gen.Rand(20_000 + seed))
		passing := passingFlows(t, top)
		for _, f := range run(t, top) {
			for _, fix := range f.Fixes {
				byCheck[f.Check]++
				require.NoError(t, top.ValidateAll(fix.Changes...), "seed %d: %s", seed, f.Check)
				after, err := top.Apply(fix.Changes...)
				require.NoError(t, err)
				now := passingFlows(t, after)
				for flow := range passing {
					require.True(t, now[flow], "seed %d: the fix of %s %s broke %s", seed, f.Check, f.Subject, flow)
				}
				later := run(t, after, checksOf(t, f.Check)...)
				require.False(t, slices.ContainsFunc(later, func(l audit.Finding) bool {
					return l.Subject.Equal(f.Subject) && l.Severity >= f.Severity && (len(f.Addrs) == 0 || connector.IPSet(l.Addrs...).Overlaps(connector.IPSet(f.Addrs...)))
				}), "seed %d: %s %s is there still", seed, f.Check, f.Subject)
				for _, m := range fix.Moves {
					for _, r := range m.Addrs {
						require.True(t, !fix.Safe || connector.IPSet(f.Addrs...).ContainsRange(r.Span()), "seed %d: %s %s moves", seed, f.Check, r)
					}
				}
			}
		}
	}
	for _, id := range []string{"RC001", "RC003", "RC012"} {
		assert.Greater(t, byCheck[id], 5, id)
	}
}

// Servers of a group that answer alike are not told apart by names, order or form, and one that does not is, at exactly the addresses.
func TestDriftAgainstTheOracle(t *testing.T) {
	drifted, alike := 0, 0
	for seed := range uint64(300) {
		r := gen.Rand(40_000 + seed)
		top := &connector.Topology{}
		for i := range 2 {
			top.Servers = append(top.Servers, connector.Server{Name: fmt.Sprintf("EX%d", i+1), Site: "A", Version: connector.MustParseVersion("2010")})
		}
		for j := range 1 + r.IntN(4) {
			c := gen.Connector(r, connector.ID{Server: "EX1", Name: fmt.Sprintf("C%d", j)}, false)
			c.TransportRole, c.Missing, c.Bindings = 0, 0, []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}
			twin := c.Clone()
			twin.ID = connector.ID{Server: "EX2", Name: fmt.Sprintf("Twin of %d", j)}
			slices.Reverse(twin.RemoteIPRanges)
			if r.IntN(4) == 0 {
				twin.RemoteIPRanges = append(twin.RemoteIPRanges, connector.MustParseRange(gen.Addr(true, r.IntN(256)).String()))
			}
			top.Connectors = append(top.Connectors, c, twin)
		}
		x, err := connector.Compile(top)
		require.NoError(t, err)
		fs := run(t, top, checksOf(t, "RC010")...)
		local := connector.MustParseBinding("0.0.0.0:25")
		what := func(server string, a netip.Addr) string {
			c := connector.Conn{Server: server, Local: local, Remote: a}
			answer := oracle.Select(top, c, oracle.Mistakes{})
			if answer.Outcome != connector.Selected {
				return "refused"
			}
			text := ""
			for _, p := range []connector.Peer{{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, {Kind: connector.PeerAnonymous}, {Kind: connector.PeerUser, TLS: connector.TLSIfOffered}, {Kind: connector.PeerAnonymous, TLS: connector.TLSInsists}} {
				for _, s := range x.Simulate(c, p).Session() {
					switch s.Stage {
					case connector.StageEncrypt, connector.StageAuthenticate, connector.StageAcceptedRecipient, connector.StageForeignRecipient:
						text += fmt.Sprint(s.Stage, s.State, " ")
					}
				}
			}
			return text + x.Simulate(c, connector.Peer{DowngradedExchangeAuth: true}).Authentication.String()
		}
		var found []connector.Range
		for _, f := range fs {
			require.Equal(t, "EX2", f.Subject.Server)
			found = append(found, f.Addrs...)
		}
		set := connector.IPSet(found...)
		for a := range gen.Universe(true) {
			if differs := what("EX1", a) != what("EX2", a); differs != set.Contains(a) {
				require.Equal(t, what("EX1", a), what("EX2", a), "seed %d: %s, found %v", seed, a, set.Contains(a))
			} else if differs {
				drifted++
			} else {
				alike++
			}
		}
	}
	assert.Greater(t, drifted, 100)
	assert.Greater(t, alike, 1000)
}

// An acceptance is about a connector, all of a name, a server or everything, and about no more than its addresses.
func TestAcceptances(t *testing.T) {
	relay := connectorOf("EX01", "Relay", 0, "10.9.0.0/24")
	for _, row := range []struct {
		why      string
		a        connector.Acceptance
		accepted bool
	}{
		{"the connector", connector.Acceptance{Check: "RC009", Subject: `ex01\RELAY`, Reason: "x"}, true},
		{"the check in lower case", connector.Acceptance{Check: "rc009", Subject: `EX01\Relay`, Reason: "x"}, true},
		{"all of this name", connector.Acceptance{Check: "RC009", Subject: `*\Relay`, Reason: "x"}, true},
		{"the server", connector.Acceptance{Check: "RC009", Subject: "EX01", Reason: "x"}, true},
		{"everything", connector.Acceptance{Check: "RC009", Reason: "x"}, true},
		{"these addresses and others", connector.Acceptance{Check: "RC009", Ranges: []connector.Range{connector.MustParseRange("10.0.0.0/8")}, Reason: "x"}, true},
		{"a part of the addresses", connector.Acceptance{Check: "RC009", Ranges: []connector.Range{connector.MustParseRange("10.9.0.0/25")}, Reason: "x"}, false},
		{"another check", connector.Acceptance{Check: "RC001", Reason: "x"}, false},
		{"another connector", connector.Acceptance{Check: "RC009", Subject: `EX01\Default`, Reason: "x"}, false},
		{"another server", connector.Acceptance{Check: "RC009", Subject: "EX02", Reason: "x"}, false},
	} {
		t.Run(row.why, func(t *testing.T) {
			top := twoHubs(relay)
			top.Accepted = []connector.Acceptance{row.a}
			fs := run(t, top, checksOf(t, "RC001, RC009, RC908")...)
			want := []string{`RC009 note possible EX01\Relay: 10.9.0.0/24`}
			if !row.accepted {
				want = append(want, "RC908 note certain "+subjectOf(row.a)+":"+ranges(row.a.Ranges))
			}
			assert.ElementsMatch(t, want, describe(fs))
			for _, f := range fs {
				assert.Equal(t, row.accepted && f.Check == "RC009", f.Accepted != "")
			}
		})
	}
}

func subjectOf(a connector.Acceptance) string {
	server, name, _ := strings.Cut(a.Subject, `\`)
	return connector.ID{Server: server, Name: name}.String()
}

func ranges(rs []connector.Range) (text string) {
	for _, r := range rs {
		text += " " + r.String()
	}
	return text
}

// What is accepted comes last, is left alone by plans, and does not make a change worse.
func TestAcceptedIsLeftAlone(t *testing.T) {
	top := stories(t)["founding_story"].Topology.Clone()
	top.Accepted = []connector.Acceptance{{Check: "RC001", Subject: "EX01", Reason: "goes next week"}}
	fs := run(t, top)
	last := fs[len(fs)-1]
	assert.Equal(t, `RC001 error certain EX01\Relay: 10.1.0.12 10.2.0.11 10.2.0.12`, describe(fs[len(fs)-1:])[0])
	assert.Equal(t, "goes next week", last.Accepted)
	for _, p := range plansOf(t, top) {
		assert.NotEqual(t, "EX01", p.Server)
	}
	relay, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	before, err := top.Apply(connector.SetEnabled(relay, false))
	require.NoError(t, err)
	c, err := audit.Compare(context.Background(), before, top)
	require.NoError(t, err)
	assert.Less(t, c.Worst(), audit.Error, "the error that comes is accepted")
	top.Accepted = nil
	c, err = audit.Compare(context.Background(), before, top)
	require.NoError(t, err)
	assert.Equal(t, audit.Error, c.Worst())
}

func TestParseChecks(t *testing.T) {
	for _, row := range []struct {
		in     string
		want   int
		offset int
		err    error
	}{
		{"RC001", 1, 0, nil}, {"rc001,RC001 , RC00", 9, 0, nil}, {"RC", len(audit.All()), 0, nil},
		{"", 0, 0, connector.ErrEmpty}, {"RC001,", 0, 6, connector.ErrEmpty}, {"RC001,  RC0011", 0, 8, connector.ErrUnknownName}, {"RC9x", 0, 0, connector.ErrUnknownName},
	} {
		got, err := audit.ParseChecks(row.in)
		assert.Len(t, got, row.want, row.in)
		if row.err == nil {
			assert.NoError(t, err, row.in)
			continue
		}
		var e *connector.ParseError
		require.ErrorAs(t, err, &e, row.in)
		assert.ErrorIs(t, err, row.err)
		assert.Equal(t, row.offset, e.Offset, row.in)
	}
}
