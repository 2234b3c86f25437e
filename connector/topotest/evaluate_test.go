package topotest_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/oracle"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

func evaluate(t testing.TB, top *connector.Topology, cases ...topotest.Case) []topotest.Result {
	t.Helper()
	results, err := topotest.Evaluate(context.Background(), top, cases)
	require.NoError(t, err)
	require.Len(t, results, len(cases))
	return results
}

// organization is two sites, each with a server, and an older one that relays to everybody inside.
func organization() *connector.Topology {
	return topotest.MustBuild(
		topotest.Exchange("2016", "EX01").Site("A").At("10.1.0.11").DefaultConnectors().Relay("10.0.5.0/24", "10.0.7.1"),
		topotest.Exchange("2016", "EX02").Site("B").At("10.2.0.11").DefaultConnectors(),
		topotest.Exchange("2010", "OLD").Site("A").At("10.1.0.21").Roles("HubTransport, Mailbox").DefaultConnectors().Relay("10.0.0.0/8"),
		topotest.Network(connector.NetworkGateway, "head office", "10.0.5.8/29"),
	)
}

// What holds, and what is answered where it does not. An empty answer: it holds.
func TestEvaluate(t *testing.T) {
	top := organization()
	for _, row := range []struct{ line, got string }{
		{`EX01 10.1.0.11:25 10.0.5.7 -> EX01\Relay`, ""},
		{`ex01 *:25 10.0.5.7 -> EX01\RELAY by 10.0.5.0-10.0.5.255`, ""},
		{`EX01 *:25 10.0.5.7 -> EX01\Default Frontend EX01`, `EX01\Relay: 10.0.5.7`},
		{`EX01 *:25 10.0.5.7 -> EX02\Relay`, `EX01\Relay: 10.0.5.7`},
		{`EX01 *:25 10.0.5.7 -> served by 10.0.0.0/8`, `EX01\Relay by 10.0.5.0/24: 10.0.5.7`},
		{`EX01 *:25 10.0.5.7 -> refused`, `EX01\Relay: 10.0.5.7`},
		{`EX01 *:25 10.0.5.0/24,10.0.7.1 -> EX01\Relay`, ""},
		{`EX01 *:25 10.0.4.0/22 -> EX01\Relay`, `EX01\Default Frontend EX01: 10.0.4.0/24 10.0.6.0-10.0.7.0 10.0.7.2-10.0.7.255`},
		{`EX01 *:25 'head office' -> EX01\Relay`, ""},
		{`* *:25 10.9.9.9 -> *\Default*`, `OLD\Relay: 10.9.9.9`},
		{`EX01 *:587 any -> EX01\Client Frontend EX01`, ""},
		{`EX01 *:2526 any -> refused`, ""},
		{`EX01 *:2526 any -> refused NoRange`, `refused NotListening: 0.0.0.0/0; refused NotListening: ::/0`},
		{`EX01 *:2526 any -> served`, `refused NotListening: 0.0.0.0/0; refused NotListening: ::/0`},
		{`EX01 *:25 any -> served`, ""},
		{`NOBODY *:25 any -> refused UnknownServer`, ""},
		{`EX01 *:25 10.0.5.7 -> refused UnknownServer`, `EX01\Relay: 10.0.5.7`},
		{`EX01 *:25 10.0.5.0/24 as Anonymous -> may relay, mail accepted, not encrypted, authentication not sought`, ""},
		{`EX01 *:25 10.0.5.0/24 as Anonymous tls=IfOffered -> encrypted`, ""},
		{`EX01 *:25 any as Anonymous -> may not relay`, `may relay: 10.0.5.0/24 10.0.7.1`},
		{`EX01 *:25 10.0.6.1 as Anonymous -> reply 550 5.7.54 'SMTP; Unable to relay'`, ""},
		{`EX01 *:25 10.0.6.1 as Anonymous -> reply 550`, ""},
		{`EX01 *:25 10.0.6.1 as Anonymous -> reply 554`, `reply 550 5.7.54 'SMTP; Unable to relay recipient in non-accepted domain': 10.0.6.1`},
		{`EX01 *:25 10.0.5.1 as Anonymous -> reply 550`, `no reply that refuses anything: 10.0.5.1`},
		{`EX01 *:25 10.0.5.1 as Anonymous -> may not relay, reply 550`, `may relay, no reply that refuses anything: 10.0.5.1`},
		{`OLD *:25 EX01 -> OLD\Relay, not authenticated, mail refused, reply 451 5.7.3 'Cannot achieve Exchange Server authentication'`, ""},
		{`OLD *:25 EX01 -> OLD\Default OLD, authenticated`, `OLD\Relay, not authenticated: 10.1.0.11`},
		{`EX01 *:25 OLD,EX02 as ExchangeServer -> EX01\Default Frontend EX01, authenticated, encrypted`, ""},
		{`EX01 *:25 10.0.6.1 as User mechanism=BasicAuth -> not authenticated`, ""},
		{`EX01 *:587 10.0.6.1 as User mechanism=BasicAuth tls=IfOffered -> authenticated`, ""},
		{`EX01 *:2526 any as Anonymous -> refused, may not relay, not authenticated`, ""},
		{`* *:717 any as Anonymous -> may not relay`, ""}, // of those that listen there
		{`* * any as Anonymous tls=IfOffered -> encrypted`, ""},
		{`flow EX02 EX01 * port=2525 -> passes`, ""},
		{`flow OLD EX01 Mail -> passes`, ""},
		{`flow EX01 OLD Mail -> passes`, "fails"},
		{`flow EX01 OLD * need=Required -> fails`, ""},
		{`flow EX01 EX01 Delivery -> outside`, ""},
		{`no finding RC001 of EX01`, ""},
		{`no finding RC001 of EX02\*`, ""},
		{`no finding RC001 of *\Relay`, `RC001 error OLD\Relay`},
		{`no finding error`, `RC001 error OLD\Relay; RC201 error EX01\Relay; RC201 error OLD\Relay`},
		{`finding RC001 error`, ""},
		{`finding RC002 error`, "no such finding"},
	} {
		r := evaluate(t, top, topotest.MustParseCase(row.line))[0]
		require.NoError(t, r.Err, row.line)
		assert.Positive(t, r.Asked, row.line)
		var got []string
		for _, f := range r.Failures {
			text := f.Got
			if f.Addrs != nil {
				text += ":"
				for _, a := range f.Addrs {
					text += " " + a.String()
				}
				assert.Equal(t, f.Addrs[0].Span().From(), f.Conn.Remote)
				assert.Equal(t, f.Conn, f.Verdict.Explanation.Conn)
			}
			if len(got) == 0 || got[len(got)-1] != text { // the same at several endpoints
				got = append(got, text)
			}
		}
		slices.Sort(got)
		assert.Equal(t, row.got, strings.Join(slices.Compact(got), "; "), row.line)
		assert.Equal(t, row.got == "", r.Holds(), row.line)
	}
}

// Nothing listens in IPv6: every address is then every one of IPv4, but an IPv6 address that is asked about by itself is refused.
func TestAnyFamily(t *testing.T) {
	top := topotest.MustBuild(topotest.Exchange("2010", "EX01").Connector(connector.UsageInternet, "All", []string{"0.0.0.0:25"}, nil))
	for line, holds := range map[string]bool{
		`EX01 *:25 any -> EX01\All`: true, `EX01 * any -> EX01\All`: true, `EX01 *:25 ::/0 -> EX01\All`: false, `EX01 *:25 ::/0 -> refused NotListening`: true,
		`EX01 *:26 any -> refused NotListening`: true, `EX01 [::]:25 any -> EX01\All`: false, `EX01 *:25 any,fd00::1 -> EX01\All`: false,
	} {
		assert.Equal(t, holds, evaluate(t, top, topotest.MustParseCase(line))[0].Holds(), line)
	}
}

// What is meant by a server, a network or any follows where something listens; what stands there as an address is asked about.
func TestWhoIsMeant(t *testing.T) {
	v4 := topotest.Exchange("2010", "EX01").Roles("HubTransport").Connector(connector.UsageInternal, "In", nil, []string{"0.0.0.0-255.255.255.255"}).At("10.0.0.1", "fd00::1")
	top := topotest.MustBuild(v4, v4.Named("EX02").Site("B"),
		topotest.Exchange("2016", "EX03").At("10.0.0.3").DefaultConnectors().Connector(connector.UsageCustom, "App", []string{"127.0.0.1:25"}, []string{"0.0.0.0-255.255.255.255"}),
		topotest.Edge("2019", "EDGE").At("172.16.0.1").DefaultConnectors(), topotest.Network(connector.NetworkGateway, "firewall", "10.9.0.0/24", "fd09::/64"),
		topotest.Network(connector.NetworkPartner, "DC.2", "10.8.0.0/24"), topotest.Network(connector.NetworkPartner, "any", "10.7.0.0/24"), topotest.Network(connector.NetworkPartner, "O'Brien, Graz", "10.6.0.0/24"))
	for line, got := range map[string]string{
		`EX02 *:25 EX01 -> EX02\In, authenticated`:                    "",
		`EX02 *:25 firewall -> EX02\In`:                               "",
		`EX02 *:25 fd00::1 -> EX02\In`:                                "refused NotListening: fd00::1",
		`EX02 *:25 EX01,fd00::1 -> EX02\In`:                           "refused NotListening: fd00::1",
		`EX02 * fd00::/8 -> refused`:                                  "",
		`EX02 * 10.0.0.1,fd00::1 -> EX02\In`:                          "refused NotListening: fd00::1",
		`EX03 *:25 EX01 -> EX03\Default Frontend EX03, authenticated`: "", // nobody else connects to a loopback address
		`EX03 127.0.0.1:25 10.0.0.1 -> EX03\App`:                      "", // but who asks for it is answered
		`EX03 *:25 127.0.0.1 -> EX03\App`:                             `EX03\Default Frontend EX03: 127.0.0.1`,
		`EX03 *:25 'DC.2' -> EX03\Default Frontend EX03`:              "",
		`EX03 *:25 'any','O''Brien, Graz' -> EX03\App`:                `EX03\Default Frontend EX03: 10.6.0.0/24 10.7.0.0/24`,
		`EX02 *:25 EDGE -> reply 250`:                                 "no reply that refuses anything: 172.16.0.1",
	} {
		r := evaluate(t, top, topotest.MustParseCase(line))[0]
		require.NoError(t, r.Err, line)
		text := ""
		for _, f := range r.Failures {
			text += f.Got + ":"
			for _, a := range f.Addrs {
				text += " " + a.String()
			}
		}
		assert.Equal(t, got, text, line)
	}
	// An Edge server connects as one.
	edge := evaluate(t, top, topotest.MustParseCase(`EX02 *:25 EDGE -> not authenticated`))[0]
	require.Len(t, edge.Failures, 1)
	assert.Equal(t, connector.PeerEdge, edge.Failures[0].Verdict.Peer.Kind)

	// Nothing is passed over that stands there, and nobody is refused anything where nothing listens.
	for _, line := range []string{`EX02 10.0.0.2:25 10.0.0.1,fd00::1 -> EX02\In`, `EX02 *:25 EX01,fd00::1 as Anonymous -> mail refused`, `EX02 *:26 any as Anonymous -> may not relay`, `* *:26 any as Anonymous -> may not relay`,
		`EX02 *:25 fd00::1 as Anonymous -> may not relay`, `EX02 *:26 EX01 -> not authenticated`} {
		r := evaluate(t, top, topotest.MustParseCase(line))[0]
		assert.ErrorIs(t, r.Err, connector.ErrInvalid, line)
	}
	for _, line := range []string{`no finding RC001 of EX09`, `no finding of EX01\Inn`, `no finding of EX09\*`, `no finding of *\Inn`, `no finding RC001 of EX01\In # reviewed`} {
		assert.ErrorIs(t, evaluate(t, top, topotest.MustParseCase(line))[0].Err, connector.ErrNotFound, line)
	}
	for _, line := range []string{`no finding RC001 of EX01`, `no finding RC001 of EX01\*`, `no finding RC001 of *`, `no finding RC001 of *\in`, `no finding RC001 of ex01\IN`} {
		assert.True(t, evaluate(t, top, topotest.MustParseCase(line))[0].Holds(), line)
	}
	assert.Contains(t, evaluate(t, top, topotest.MustParseCase(`EX01 *:25 10.0.0.1 -> EX01\Inn may relay`))[0].String(), "  want EX01\\Inn may relay\n       of which name the topology has no connector\n")
	assert.NotContains(t, evaluate(t, top, topotest.MustParseCase(`EX01 *:25 10.0.0.1 -> EX03\*`))[0].String(), "no connector\n")
}

// Of each server everything is asked that the case is about; where nothing listens, that is the answer, but to a case that wants refusals alone.
func TestEveryServerIsAsked(t *testing.T) {
	all := []string{"0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}
	bare := topotest.Exchange("2010", "BARE")
	top := topotest.MustBuild(bare, bare.Named("EX01").At("10.1.0.1").Connector(connector.UsageCustom, "R", []string{"0.0.0.0:25", "[::]:25"}, all).Set("R", "PermissionGroups", "AnonymousUsers"),
		bare.Named("EX02").Site("B").Connector(connector.UsageCustom, "R", []string{"0.0.0.0:25", "[::1]:25"}, all), bare.Named("EX03").Connector(connector.UsageCustom, "R", []string{"127.0.0.1:25"}, all))
	for line, got := range map[string]string{
		`* * fd00::1 -> *\R`:                                      "BARE refused NotListening: fd00::1; EX02 refused NotListening: fd00::1; EX03 refused NotListening: fd00::1",
		`* * any -> served`:                                       "BARE refused NotListening: 0.0.0.0/0; BARE refused NotListening: ::/0",
		`* *:25 10.0.5.7 -> *\R`:                                  "BARE refused NotListening: 10.0.5.7; EX03 refused NotListening: 10.0.5.7",
		`EX02 *:25 fd00::1,::1 -> EX02\R`:                         "EX02 refused NotListening: fd00::1",
		`EX02 *:25 fd00::1,::1 as Anonymous -> mail accepted`:     "EX02 mail refused: ::1; EX02 mail refused: fd00::1",
		`* *:25 EX01 as Anonymous -> may not relay, mail refused`: "EX01 mail accepted, may not relay: 10.1.0.1", // of those that listen
		`* *:25 any as Anonymous -> mail accepted`:                "BARE mail refused: 0.0.0.0/0; BARE mail refused: ::/0; EX02 mail refused: 0.0.0.0/0; EX02 mail refused: ::1; EX03 mail refused: 127.0.0.0/8",
		`* *:25 any as Anonymous -> may not relay`:                "",
		`* *:587 10.1.0.1 as User -> refused, not authenticated`:  "",
	} {
		r := evaluate(t, top, topotest.MustParseCase(line))[0]
		require.NoError(t, r.Err, line)
		var texts []string
		for _, f := range r.Failures {
			text := f.Conn.Server + " " + f.Got + ":"
			for _, a := range f.Addrs {
				text += " " + a.String()
			}
			texts = append(texts, text)
		}
		slices.Sort(texts)
		assert.Equal(t, got, strings.Join(texts, "; "), line)
	}
	c := cover(t, top, `* *:25 EX01 -> not authenticated`)
	assert.Equal(t, 1, c.Flows.Touched, "of those servers that it asks: %v", c.Flows.Untouched)
	unknown := topotest.MustBuild(bare.Relay("10.0.0.0/8"))
	unknown.Connectors[0].Missing, unknown.Connectors[0].PermissionGroups, unknown.Connectors[0].Rights = connector.PropertyPermissionGroups|connector.PropertyRights, 0, nil
	assert.Contains(t, evaluate(t, unknown, topotest.MustParseCase(`BARE *:25 10.0.0.1 as Anonymous -> reply 550`))[0].String(), "  got  reply unknown\n       for 10.0.0.1 at BARE 0.0.0.0:25\n       not known of BARE\\Relay: PermissionGroups, Rights\n")
}

// A doubt is part of the answer: it must be said, and must be there.
func TestDoubts(t *testing.T) {
	tie := topotest.Exchange("2016", "EX01").At("10.1.0.11").DefaultConnectors().Relay("10.0.5.0/24").
		Connector(connector.UsageCustom, "Twin", []string{"0.0.0.0:25"}, []string{"10.0.5.0/24"})
	top := topotest.MustBuild(tie)
	unknown := topotest.MustBuild(tie.Without("Twin"))
	for i := range unknown.Connectors {
		if unknown.Connectors[i].ID.Name == "Relay" {
			unknown.Connectors[i].Missing = connector.PropertyAuthMechanism | connector.PropertyRights
			unknown.Connectors[i].Rights = nil
		}
	}
	for _, row := range []struct {
		top   *connector.Topology
		line  string
		holds bool
	}{
		{top, `EX01 *:25 10.0.5.7 -> EX01\Relay (doubt: Tie)`, true},
		{top, `EX01 *:25 10.0.5.7 -> EX01\Relay`, false},
		{top, `EX01 *:25 10.0.5.7 as Anonymous -> may relay`, false},
		{top, `EX01 *:25 10.0.5.7 as Anonymous -> may relay (doubt: Tie)`, true},
		{top, `EX01 *:25 10.0.6.7 -> EX01\Default Frontend EX01 (doubt: Tie)`, false},
		{unknown, `EX01 *:25 10.0.5.7 -> EX01\Relay`, true},
		{unknown, `EX01 *:25 10.0.5.7 as Anonymous -> may relay`, false},
		{unknown, `EX01 *:25 10.0.5.7 as Anonymous -> may not relay`, false},
		{unknown, `EX01 *:25 10.0.5.7 as Anonymous -> relay unknown`, true},
		{unknown, `EX01 *:25 10.0.5.7 as ExchangeServer -> authenticated`, false},
		{unknown, `EX01 *:25 10.0.5.7 as ExchangeServer -> not authenticated`, false},
		{unknown, `EX01 *:25 10.0.5.7 as ExchangeServer -> authentication unknown`, true},
	} {
		r := evaluate(t, row.top, topotest.MustParseCase(row.line))[0]
		assert.Equal(t, row.holds, r.Holds(), "%s", r)
	}
	text := evaluate(t, unknown, topotest.MustParseCase(`EX01 *:25 10.0.5.7 as Anonymous -> may relay`))[0].String()
	assert.Contains(t, text, "  got  relay unknown\n       for 10.0.5.7 at EX01 0.0.0.0:25\n       not known of EX01\\Relay: AuthMechanism, Rights\n")
	server := topotest.MustBuild(topotest.Exchange("2010", "EX01").Roles("HubTransport").DefaultConnectors().Relay("10.0.9.0/24"))
	server.Servers[0].Missing, server.Connectors[2].Missing = connector.PropertyAddresses|connector.PropertyInternalTransportCertificate, connector.PropertyRemoteIPRanges
	assert.Contains(t, evaluate(t, server, topotest.MustParseCase(`EX01 *:25 10.0.5.7 -> EX01\Default EX01`))[0].String(),
		"  got  EX01\\Default EX01 (doubt: Missing)\n       for 10.0.5.7 at EX01 0.0.0.0:25\n       not known of EX01\\Relay: RemoteIPRanges\n")
	assert.Contains(t, evaluate(t, server, topotest.MustParseCase(`EX01 *:25 10.0.5.7 as ExchangeServer -> authenticated`))[0].String(),
		"       not known of EX01: InternalTransportCertificateThumbprint\n       not known of EX01\\Relay: RemoteIPRanges\n")
}

// A case about many sources holds if and only if it holds for each, by the oracle; and the sources for which it fails are exactly those.
func TestEvaluateAgainstOracle(t *testing.T) {
	held, failed := 0, 0
	for seed := range uint64(400) {
		r := gen.Rand(seed)
		top := gen.Topology(r)
		x, err := connector.Compile(top)
		require.NoError(t, err)
		var cases []topotest.Case
		for server := range slices.Values(x.Servers()) {
			for range 6 {
				es := x.Endpoints(server)
				if len(es) == 0 {
					continue
				}
				ask := gen.Range(r)
				local := es[r.IntN(len(es))]
				if ask.Span().From().Is4() != local.Addr().Is4() || ask.Size().BitLen() > 9 {
					continue
				}
				// What an address of it gets is wanted of all of them.
				d := oracle.Select(top, connector.Conn{Server: server, Local: local, Remote: ask.Span().From()}, oracle.Mistakes{})
				c := topotest.Case{Conn: connector.Conn{Server: server, Local: local}, From: ask.String(), Want: d.Connector, Doubt: d.Doubt}
				if d.Outcome != connector.Selected {
					c.Outcome = d.Outcome
				} else if r.IntN(2) == 0 {
					c.By = d.Range
				}
				cases = append(cases, c)
			}
		}
		for i, result := range evaluate(t, top, cases...) {
			c := cases[i]
			require.NoError(t, result.Err)
			fails := connector.IPSet()
			for _, f := range result.Failures {
				fails = connector.IPSet(append(connector.RangesOf(fails), f.Addrs...)...)
			}
			span := connector.MustParseRange(c.From).Span()
			for a := span.From(); a.Compare(span.To()) <= 0; a = a.Next() {
				d := oracle.Select(top, connector.Conn{Server: c.Conn.Server, Local: c.Conn.Local, Remote: a}, oracle.Mistakes{})
				same := d.Connector.Equal(c.Want) && d.Doubt == c.Doubt && (!c.By.IsValid() || d.Range.Compare(c.By) == 0) && (c.Outcome == 0 || d.Outcome == c.Outcome)
				require.Equal(t, !same, fails.Contains(a), "seed %d: %s: %s", seed, c, a)
				if a == span.To() {
					break
				}
			}
			if result.Holds() {
				held++
			} else {
				failed++
			}
		}
	}
	assert.Greater(t, held, 500)
	assert.Greater(t, failed, 200)
}

func TestEvaluateEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := topotest.Evaluate(ctx, organization(), []topotest.Case{topotest.MustParseCase("no finding")})
	require.ErrorIs(t, err, context.Canceled)
	_, err = topotest.Evaluate(context.Background(), &connector.Topology{Servers: []connector.Server{{Name: "A"}, {Name: "a"}}}, nil)
	require.ErrorIs(t, err, connector.ErrDuplicate)
	empty := evaluate(t, &connector.Topology{}, topotest.MustParseCase(`* *:25 any -> refused`))[0]
	require.ErrorIs(t, empty.Err, connector.ErrNotFound)
	both := topotest.MustBuild(topotest.Exchange("2016", "EX01").At("10.0.0.1").DefaultConnectors(), topotest.Network(connector.NetworkPartner, "nobody"))
	both.Networks = append(both.Networks, connector.Network{Name: "ex01", Kind: connector.NetworkGateway})
	require.ErrorIs(t, evaluate(t, both, topotest.MustParseCase(`* *:25 EX01 -> served`))[0].Err, connector.ErrInvalid)
	require.ErrorIs(t, evaluate(t, both, topotest.MustParseCase(`* *:25 nobody -> served`))[0].Err, connector.ErrNotFound)
}

// A case costs what it asks, and not the size of the topology each time.
func TestEvaluateLooksUpOnce(t *testing.T) {
	top := gen.Large(gen.Rand(1), 1000, 1, false)
	x, err := connector.Compile(top)
	require.NoError(t, err)
	server := x.Servers()[0]
	c := topotest.Case{Conn: connector.Conn{Server: server, Local: netip.MustParseAddrPort("0.0.0.0:25"), Remote: netip.MustParseAddr("10.0.0.1")}, Outcome: connector.Selected}
	allocs := func(n int) float64 {
		return testing.AllocsPerRun(3, func() { evaluate(t, top, slices.Repeat([]topotest.Case{c}, n)...) })
	}
	base := allocs(1)
	assert.Less(t, allocs(1001)-base, 40.0*1000)
}
