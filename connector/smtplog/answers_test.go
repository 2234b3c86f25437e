package smtplog_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/genlog"
	"github.com/receiveconnector/receiveconnector/connector/internal/oracle"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// receive returns a connector of EX01.
func receive(name, binding string, auth connector.AuthMechanism, groups connector.PermissionGroups, ranges ...string) connector.ReceiveConnector {
	c := connector.ReceiveConnector{ID: connector.ID{Server: "EX01", Name: name}, Bindings: []netip.AddrPort{connector.MustParseBinding(binding)}, AuthMechanism: auth, PermissionGroups: groups}
	for _, r := range ranges {
		c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange(r))
	}
	return c
}

// session returns a whole session at EX01's port 25.
func session(connectorID, remote string, traits smtplog.Traits) smtplog.Session {
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	s := smtplog.Session{Direction: smtplog.Receive, Connector: connectorID, ID: "08DE280000000001", Local: netip.MustParseAddrPort("10.1.0.11:25"), First: at, Last: at.Add(time.Second),
		Started: true, Ended: true, Lines: 5, Messages: 1, Traits: traits, Source: connector.Source{File: "RECV.LOG", Line: 6}}
	if remote != "" {
		s.Remote = netip.AddrPortFrom(netip.MustParseAddr(remote), 50001)
	}
	return s
}

func TestJudgements(t *testing.T) {
	all := "0.0.0.0-255.255.255.255"
	exact := receive("Exact", "10.1.0.11:25", 0, 0, "10.0.3.0/24")
	clipped := receive("Clipped", "0.0.0.0:25", 0, 0, "10.0.9.0/24")
	clipped.Missing = connector.PropertyRemoteIPRanges
	off := receive("Off", "0.0.0.0:25", 0, 0, all)
	off.Disabled = true
	top := &connector.Topology{
		Servers: []connector.Server{{Name: "EX01", Version: connector.MustParseVersion("15.2.1544.4")}},
		Connectors: []connector.ReceiveConnector{receive("Default", "0.0.0.0:25", 0, 0, all), receive("Relay ", "0.0.0.0:25", 0, 0, "10.0.5.0/24"),
			receive("Left", "0.0.0.0:25", 0, 0, "10.0.7.0/24"), receive("Right", "0.0.0.0:25", 0, 0, "10.0.7.0/24"), exact, receive("Loose", "0.0.0.0:25", 0, 0, "10.0.3.0/24"),
			receive("Client", "0.0.0.0:587", 0, 0, all), off},
	}
	withClipped := top.Clone()
	withClipped.Connectors = append(withClipped.Connectors, clipped)
	at475 := session(`EX01\Default Mailbox Delivery EX01`, "10.1.0.12", 0)
	at475.Local = netip.MustParseAddrPort("10.1.0.11:475")
	noEnd := session(`EX01\Default`, "", 0)
	for _, row := range []struct {
		name, why string
		top       *connector.Topology
		session   smtplog.Session
		want      smtplog.Judgement
	}{
		{"agrees", "", top, session(`EX01\Default`, "192.0.2.1", 0), smtplog.Agrees},
		{"case and blanks", "names are compared without them", top, session(`ex01\RELAY`, "10.0.5.7", 0), smtplog.Agrees},
		{"tie", "the first of the configuration is predicted", top, session(`EX01\Right`, "10.0.7.7", 0), smtplog.Tie},
		{"narrower", "the relay did not have the range then", top, session(`EX01\Default`, "10.0.5.7", 0), smtplog.Narrower},
		{"not in range", "the relay had another range then", top, session(`EX01\Relay`, "10.0.6.7", 0), smtplog.NotInRange},
		{"exact binding", "or the rule is not true there", top, session(`EX01\Loose`, "10.0.3.7", 0), smtplog.ExactBinding},
		{"not bound", "bound to another port now", top, session(`EX01\Client`, "10.0.6.7", 0), smtplog.NotBound},
		{"disabled", "it was enabled then", top, session(`EX01\Off`, "10.0.6.7", 0), smtplog.NotBound},
		{"unknown connector", "removed since", top, session(`EX01\Former`, "10.0.6.7", 0), smtplog.UnknownConnector},
		{"unknown server", "not exported", top, session(`EX02\Default`, "10.0.6.7", 0), smtplog.UnknownServer},
		{"incomplete", "the list of ranges is cut off", withClipped, session(`EX01\Clipped`, "10.0.6.7", 0), smtplog.Incomplete},
		{"no connector", "a name alone", top, session(`Default`, "10.0.6.7", 0), smtplog.NoConnector},
		{"no endpoint", "masked", top, noEnd, smtplog.NoEndpoint},
		{"two families", "that is no connection", top, session(`EX01\Default`, "2001:db8::1", 0), smtplog.NoEndpoint},
		{"implicit", "mailbox delivery", top, at475, smtplog.Implicit},
	} {
		t.Run(row.name, func(t *testing.T) {
			x, err := connector.Compile(row.top)
			require.NoError(t, err)
			traffic := new(smtplog.Traffic)
			traffic.Add(row.session)
			r := traffic.Replay(x)
			if row.want == smtplog.Agrees {
				assert.Equal(t, &smtplog.Replay{Agreed: 1}, r, row.why)
				return
			}
			groups := slices.Concat(r.Disagreements, r.NotJudged)
			require.Len(t, groups, 1)
			assert.Equal(t, row.want, groups[0].Judgement, row.why)
			assert.Equal(t, row.want.Judged(), len(r.Disagreements) == 1)
			assert.Equal(t, row.session.Connector, groups[0].Logged)
			assert.Equal(t, 1, groups[0].Tally.Sessions)
			assert.Equal(t, smtplog.Example{Session: row.session.ID, At: row.session.First, Source: row.session.Source}, groups[0].Tally.Example)
			assert.NotEmpty(t, row.want.Meaning()+row.want.String())
		})
	}
	x, err := connector.Compile(top)
	require.NoError(t, err)
	traffic := new(smtplog.Traffic)
	traffic.Add(session(`EX01\Left`, "10.0.7.7", 0))
	sent := session("To Graz", "10.2.0.11", 0)
	sent.Direction = smtplog.Send
	traffic.Add(sent)
	assert.Equal(t, &smtplog.Replay{Agreed: 1, InDoubt: 1, Sent: 1}, traffic.Replay(x), "the log settles a tie; send logs are not judged")
	judged, share := new(smtplog.Replay).Judged()
	assert.Zero(t, judged)
	assert.Zero(t, share)
}

// Every source of random logs is under the range by which the oracle says it was served, every range is there, and the sums add up.
func TestUsageAgreesWithTheOracle(t *testing.T) {
	top := genlog.Topology(4)
	w := genlog.NewWriter(1, genlog.Clients(gen.Rand(3), top, 8, true))
	var log bytes.Buffer
	require.NoError(t, w.Write(&log, 30_000))
	var r smtplog.Reader
	require.NoError(t, r.Read("RECV.LOG", &log))
	traffic := r.Traffic()
	want := make(map[string]bool) // connector range source
	for _, c := range w.Clients {
		d := oracle.Select(top, connector.Conn{Server: c.Server, Local: c.Local, Remote: c.Remote}, oracle.Mistakes{})
		if d.Connector.Equal(c.Connector) {
			want[fmt.Sprint(c.Connector, " ", d.Range, " ", c.Remote)] = true
		}
	}
	usage := traffic.Usage(top)
	ranges, all := 0, 0
	for i, u := range usage {
		assert.Equal(t, i < len(top.Connectors), u.Configured)
		sum := u.Outside.All.Sessions
		for _, used := range u.Ranges {
			ranges++
			sum += used.All.Sessions
			assert.Equal(t, used.All.Sessions == 0, slices.Contains(u.Unused(), used.Range))
			assert.True(t, slices.IsSortedFunc(used.Sources, func(a, b smtplog.Source) int { return b.Sessions - a.Sessions }))
			for _, s := range used.Sources {
				if key := fmt.Sprint(u.Connector, " ", used.Range, " ", s.Addr); want[key] {
					delete(want, key)
				} else {
					assert.True(t, used.Range.Contains(s.Addr), "%s: it lost there, but is in the range", key)
				}
			}
		}
		assert.Equal(t, u.All.Sessions, sum)
		all += sum
	}
	for key := range want {
		assert.NotContains(t, log.String(), key, "a client that was never drawn")
	}
	assert.Equal(t, w.Truth.Sessions, all)
	configured := 0
	for _, c := range top.Connectors {
		configured += len(c.RemoteIPRanges)
	}
	assert.Equal(t, configured, ranges)
	assert.Equal(t, "Former Relay", usage[len(top.Connectors)].Connector.Name)
	assert.Positive(t, usage[len(top.Connectors)].Outside.All.Sessions)
}

func TestUsageTellsWhatClientsDid(t *testing.T) {
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{receive("Relay", "0.0.0.0:25", 0, 0, "10.0.0.0/16", "10.0.5.0/24", "10.0.5.0/24", "2001:db8::/48", "2001:db8:1::/64")}}
	traffic := new(smtplog.Traffic)
	for i, traits := range []smtplog.Traits{smtplog.Encrypted | smtplog.AuthLogin, smtplog.MailInClear | smtplog.MailAnonymous, smtplog.AuthExchange | smtplog.AuthXEXPS} {
		s := session(`EX01\Relay`, "10.0.5.7", traits)
		s.First, s.Last = s.First.Add(time.Duration(i)*time.Hour), s.Last.Add(time.Duration(i)*time.Hour)
		s.Hello, s.Permanent, s.Reply = fmt.Sprint("host", i), i, fmt.Sprint("550 ", i)
		traffic.Add(s)
	}
	u := traffic.Usage(top)
	require.Len(t, u, 1)
	require.Len(t, u[0].Ranges[1].Sources, 1)
	s := u[0].Ranges[1].Sources[0]
	assert.Equal(t, []int{3, 3, 3, 1}, []int{s.Sessions, s.Messages, s.Permanent, s.Traits.Of(smtplog.Encrypted)})
	assert.Equal(t, "host2", s.Hello.Text)
	assert.Equal(t, "550 2", s.Reply.Text)
	assert.Equal(t, 2*time.Hour+time.Second, s.Last.Sub(s.First))
	assert.Equal(t, "AUTH LOGIN, X-EXPS, X-EXPS EXCHANGEAUTH", s.Authentication())
	assert.Equal(t, "10.0.0.0/16, 10.0.5.0/24, 2001:db8::/48, 2001:db8:1::/64", strings.Join(texts(u[0].Unused()), ", "), "an entry that stands there twice is used where it stands first")
	var wide []bool
	for _, used := range u[0].Ranges {
		wide = append(wide, used.Wide())
	}
	assert.Equal(t, []bool{true, false, false, true, false}, wide)
	assert.False(t, u[0].Outside.Wide())

	top.Connectors[0].Disabled = true
	u = traffic.Usage(top)
	assert.Len(t, u[0].Ranges[1].Sources, 1, "the range was used, though nobody would be served by it now")
	assert.Zero(t, u[0].Outside.All.Sessions)
}

func texts[T fmt.Stringer](values []T) (list []string) {
	for _, v := range values {
		list = append(list, v.String())
	}
	return list
}

// A back-test moves exactly the clients of which the oracle says so, with all of their sessions.
func TestBackTestAgreesWithTheOracle(t *testing.T) {
	top := genlog.Topology(4)
	w := genlog.NewWriter(1, genlog.Clients(gen.Rand(3), top, 8, true))
	var log bytes.Buffer
	require.NoError(t, w.Write(&log, 30_000))
	var reader smtplog.Reader
	require.NoError(t, reader.Read("RECV.LOG", &log))
	traffic := reader.Traffic()
	r := gen.Rand(9)
	for range 30 {
		var changes []connector.Change
		for range 1 + r.IntN(3) {
			c := top.Connectors[r.IntN(len(top.Connectors))]
			if slices.ContainsFunc(changes, func(o connector.Change) bool { return o.Target.Equal(c.ID) }) {
				continue
			}
			client := w.Clients[r.IntN(len(w.Clients))].Remote
			one, err := connector.RangeFrom(client, client)
			require.NoError(t, err)
			switch r.IntN(3) {
			case 0:
				changes = append(changes, connector.SetEnabled(c, false))
			case 1:
				changes = append(changes, connector.AddRanges(c, one))
			default:
				changes = append(changes, connector.RemoveRanges(c, c.RemoteIPRanges[r.IntN(len(c.RemoteIPRanges))]))
			}
		}
		after, err := top.Apply(changes...)
		require.NoError(t, err)
		b, err := traffic.BackTest(top, changes...)
		require.NoError(t, err)
		want := make(map[string]bool)
		moved, judged := 0, 0
		for _, ct := range traffic.Connectors() {
			for _, client := range ct.Clients {
				id, _ := client.ID()
				conn := connector.Conn{Server: id.Server, Local: client.Local, Remote: client.Remote.Addr()}
				was, is := oracle.Select(top, conn, oracle.Mistakes{}), oracle.Select(after, conn, oracle.Mistakes{})
				if was.Outcome == connector.UnknownServer {
					continue
				}
				judged += client.Sessions
				if !was.Connector.Equal(is.Connector) {
					moved += client.Sessions
					want[fmt.Sprint(client.Connector, client.Local, client.Remote, was.Connector, is.Connector)] = true
				}
			}
		}
		got := make(map[string]bool)
		for _, g := range b.Groups {
			sessions := 0
			for _, c := range g.Clients {
				sessions += c.Sessions
				if g.Moves {
					got[fmt.Sprint(c.Connector, c.Local, c.Remote, g.From, g.To)] = true
				}
			}
			assert.Equal(t, sessions, g.Tally.Sessions)
		}
		require.Equal(t, want, got)
		assert.Equal(t, moved, b.Moved)
		assert.Equal(t, judged, b.Sessions)
		total := traffic.Total()
		assert.Equal(t, total.Sessions-judged, b.NotJudged)
	}
}

func TestLosses(t *testing.T) {
	const (
		anonymous = connector.GroupAnonymousUsers
		users     = connector.GroupExchangeUsers
		servers   = connector.GroupExchangeServers
		five      = connector.AuthTLS | connector.AuthIntegrated | connector.AuthBasic | connector.AuthExchangeServer
	)
	relaying := receive("Relay", "0.0.0.0:25", connector.AuthTLS, anonymous, "10.0.5.0/24")
	relaying.Rights = []connector.Grant{{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Any-Recipient"}}
	top := &connector.Topology{
		Servers: []connector.Server{{Name: "EX01", Version: connector.MustParseVersion("15.2.1544.4"), FQDN: "ex01.corp.example"}},
		Connectors: []connector.ReceiveConnector{receive("Default", "0.0.0.0:25", five, anonymous|users|servers, "0.0.0.0-255.255.255.255"), relaying,
			receive("Closed", "0.0.0.0:25", 0, 0, "10.9.9.9"), receive("NoAuth", "0.0.0.0:25", 0, anonymous, "10.9.9.8")},
	}
	get := func(name string) connector.ReceiveConnector {
		c, ok := top.Connector(connector.ID{Server: "EX01", Name: name})
		require.True(t, ok)
		return c
	}
	give := func(name, client string) connector.Change {
		return connector.AddRanges(get(name), connector.MustParseRange(client))
	}
	set := func(name string, f func(*connector.ReceiveConnector)) connector.Change {
		before := get(name)
		after := before.Clone()
		f(&after)
		return connector.Change{Target: before.ID, Before: &before, After: &after}
	}
	const mail = smtplog.MailAnonymous | smtplog.MailInClear | smtplog.MailBare
	for _, row := range []struct {
		name, why string
		logged    string
		client    string
		traits    smtplog.Traits
		change    connector.Change
		moves     bool
		loses     smtplog.Losses
	}{
		{"nothing", "an anonymous client in clear can do the same there", "Default", "10.0.6.1", mail, give("NoAuth", "10.0.6.1"), true, 0},
		{"authentication", "no AUTH is offered there", "Default", "10.0.6.1", smtplog.AuthLogin, give("NoAuth", "10.0.6.1"), true, smtplog.LosesAuthentication | smtplog.LosesRelay},
		{"NTLM", "the same", "Default", "10.0.6.1", smtplog.AuthNTLM, give("NoAuth", "10.0.6.1"), true, smtplog.LosesAuthentication | smtplog.LosesRelay},
		{"TLS", "no STARTTLS is offered there", "Default", "10.0.6.1", smtplog.TookSTARTTLS | smtplog.Encrypted, give("NoAuth", "10.0.6.1"), true, smtplog.LosesTLS},
		{"server authentication", "no X-ANONYMOUSTLS is offered there", "Default", "10.0.6.1", smtplog.TookXAnonymousTLS | smtplog.AuthExchange, give("NoAuth", "10.0.6.1"), true, smtplog.LosesServerAuth},
		{"submission", "anonymous clients may not submit there", "Default", "10.0.6.1", mail, give("Closed", "10.0.6.1"), true, smtplog.LosesSubmission},
		{"relay", "the connector has no such right", "Relay", "10.0.5.7", mail, give("NoAuth", "10.0.5.7"), true, smtplog.LosesRelay},
		{"relay by the log", "the configuration does not tell the right, the log does", "NoAuth", "10.9.9.8", mail | smtplog.RelayGranted, connector.SetEnabled(get("NoAuth"), false), true, smtplog.LosesRelay},
		{"relay by the log, in place", "what the configuration does not tell is not lost where nothing changes", "NoAuth", "10.9.9.8", mail | smtplog.RelayGranted, give("Closed", "10.9.0.0/16"), false, 0},
		{"another connector", "it is left to the default", "Relay", "10.0.5.7", mail, connector.SetEnabled(get("Relay"), false), true, smtplog.LosesRelay},
		{"the connection", "nobody serves it", "Default", "10.0.6.1", mail, connector.SetEnabled(get("Default"), false), true, smtplog.LosesConnection},
		{"in place", "the connector stays, and offers less", "Default", "10.0.6.1", smtplog.AuthLogin, set("Default", func(c *connector.ReceiveConnector) { c.AuthMechanism = connector.AuthTLS }), false, smtplog.LosesAuthentication | smtplog.LosesRelay},
		{"another name", "a connector that is renamed is the same", "Relay", "10.0.5.7", mail, set("Relay", func(c *connector.ReceiveConnector) { c.ID.Name = "Scanners" }), false, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			traffic := new(smtplog.Traffic)
			traffic.Add(session(`EX01\`+row.logged, row.client, row.traits))
			b, err := traffic.BackTest(top, row.change)
			require.NoError(t, err)
			assert.Equal(t, 1, b.Sessions)
			if !row.moves && row.loses == 0 {
				assert.Empty(t, b.Groups, row.why)
				return
			}
			require.Len(t, b.Groups, 1, row.why)
			g := b.Groups[0]
			assert.Equal(t, row.loses.String(), g.Loses.String(), row.why)
			assert.Equal(t, "None", g.MayLose.String())
			assert.Equal(t, row.moves, g.Moves)
			assert.Equal(t, row.moves, b.Moved == 1)
			assert.Equal(t, row.loses != 0, b.Losing == 1)
			assert.True(t, g.Loses.Has(row.loses))
			assert.Zero(t, g.Disagree)
		})
	}
	t.Run("a connector that is gone and left its name", func(t *testing.T) {
		other := set("Closed", func(c *connector.ReceiveConnector) { c.ID.Name = "Relay" })
		other.After.RemoteIPRanges = append(other.After.RemoteIPRanges, connector.MustParseRange("10.0.5.0/24"))
		traffic := new(smtplog.Traffic)
		traffic.Add(session(`EX01\Relay`, "10.0.5.7", 0))
		b, err := traffic.BackTest(top, connector.Remove(get("Relay")), other)
		require.NoError(t, err)
		assert.Equal(t, 1, b.Moved)
		require.Len(t, b.Groups, 1)
		assert.True(t, b.Groups[0].Moves)
		assert.Equal(t, b.Groups[0].From, b.Groups[0].To, "by name")
	})
	t.Run("several behind one source", func(t *testing.T) {
		secure := smtplog.TookSTARTTLS | smtplog.Encrypted
		for _, row := range []struct {
			why      string
			sessions []smtplog.Traits
			change   connector.Change
			loses    smtplog.Losses
		}{
			{"the anonymous one loses submission, the user nothing", []smtplog.Traits{mail, smtplog.AuthLogin | smtplog.AuthInClear}, set("Default", func(c *connector.ReceiveConnector) { c.PermissionGroups = users }), smtplog.LosesSubmission},
			{"AUTH LOGIN goes, AUTH NTLM stays", []smtplog.Traits{smtplog.AuthLogin | smtplog.AuthInClear, smtplog.AuthNTLM | smtplog.AuthInClear}, set("Default", func(c *connector.ReceiveConnector) {
				c.AuthMechanism = connector.AuthTLS | connector.AuthIntegrated
			}), smtplog.LosesAuthentication | smtplog.LosesRelay},
			{"only with TLS", []smtplog.Traits{mail, secure | smtplog.MailAnonymous}, set("Default", func(c *connector.ReceiveConnector) { c.RequireTLS = true }), smtplog.LosesSubmission},
			{"that does with TLS alone loses nothing", []smtplog.Traits{secure | smtplog.MailAnonymous}, set("Default", func(c *connector.ReceiveConnector) { c.RequireTLS = true }), 0},
			{"nor does a user with TLS", []smtplog.Traits{secure | smtplog.AuthLogin | smtplog.AuthWithTLS}, set("Default", func(c *connector.ReceiveConnector) { c.AuthMechanism |= connector.AuthBasicRequireTLS }), 0},
			{"one in clear does", []smtplog.Traits{secure | smtplog.AuthLogin | smtplog.AuthWithTLS, smtplog.AuthLogin | smtplog.AuthInClear}, set("Default", func(c *connector.ReceiveConnector) {
				c.AuthMechanism |= connector.AuthBasicRequireTLS
			}), smtplog.LosesAuthentication | smtplog.LosesRelay},
		} {
			traffic := new(smtplog.Traffic)
			for _, traits := range row.sessions {
				traffic.Add(session(`EX01\Default`, "10.0.6.1", traits))
			}
			b, err := traffic.BackTest(top, row.change)
			require.NoError(t, err)
			var loses smtplog.Losses
			for _, g := range b.Groups {
				loses |= g.Loses | g.MayLose
			}
			assert.Equal(t, row.loses.String(), loses.String(), row.why)
		}
	})
	t.Run("perhaps", func(t *testing.T) {
		unknown := set("NoAuth", func(c *connector.ReceiveConnector) {
			c.Missing = connector.PropertyAuthMechanism
			c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange("10.0.6.1"))
		})
		traffic := new(smtplog.Traffic)
		traffic.Add(session(`EX01\Relay`, "10.0.6.1", smtplog.AuthLogin))
		b, err := traffic.BackTest(top, unknown)
		require.NoError(t, err)
		require.Len(t, b.Groups, 1)
		assert.True(t, b.Groups[0].MayLose.Has(smtplog.LosesAuthentication))
		assert.Equal(t, 1, b.Groups[0].Disagree, "the log has the client elsewhere")
	})
	_, err := new(smtplog.Traffic).BackTest(top, connector.Create(get("Relay")))
	assert.ErrorIs(t, err, connector.ErrDrift)
	_, err = new(smtplog.Traffic).BackTest(&connector.Topology{Connectors: []connector.ReceiveConnector{get("Relay"), get("Relay")}})
	assert.Error(t, err)
}

// Servers are recognised by what they cannot help showing, and by what they claim; an audit then finds the fault with sessions as witnesses
// though no address was known.
func TestServersAreRecognised(t *testing.T) {
	top := &connector.Topology{
		Servers: []connector.Server{
			{Name: "EX01", FQDN: "ex01.corp.example", Site: "Vienna", Version: connector.MustParseVersion("14.3.123.4"), Addresses: []netip.Addr{netip.MustParseAddr("10.1.0.11")}},
			{Name: "EX03", FQDN: "ex03.corp.example", Site: "Graz", Version: connector.MustParseVersion("14.3.123.4")},
			{Name: "EX04", FQDN: "ex04.corp.example", Site: "Graz", Version: connector.MustParseVersion("14.3.123.4")},
		},
		Connectors: []connector.ReceiveConnector{
			receive("Default EX01", "0.0.0.0:25", connector.AuthTLS|connector.AuthExchangeServer, connector.GroupExchangeServers, "0.0.0.0-255.255.255.255"),
			receive("Relay", "0.0.0.0:25", 0, connector.GroupAnonymousUsers, "10.2.0.0/24"),
		},
	}
	said := func(s smtplog.Session, hello, host string) smtplog.Session {
		s.Hello, s.Host = hello, host
		return s
	}
	send := func(s smtplog.Session, local, remote string) smtplog.Session {
		s.Direction, s.Connector = smtplog.Send, "To Vienna"
		s.Local, s.Remote = netip.MustParseAddrPort(local), netip.MustParseAddrPort(remote)
		return s
	}
	traffic := new(smtplog.Traffic)
	gaveUp := said(session(`EX01\Relay`, "10.2.0.11", smtplog.SawOffer), "ex03.corp.example", "")
	gaveUp.Messages = 0
	traffic.Add(gaveUp)
	traffic.Add(said(session(`EX01\Default EX01`, "203.0.113.9", 0), "EX04.corp.example", ""))     // anybody may say that
	traffic.Add(said(session(`EX01\Default EX01`, "10.3.0.1", 0), "ex04.elsewhere.example", ""))   // another one
	traffic.Add(said(session(`EX01\Default EX01`, "10.3.0.2", 0), "printer", ""))                  // nobody
	traffic.Add(said(session(`EX01\Default EX01`, "127.0.0.1", 0), "ex01.corp.example", ""))       // itself
	traffic.Add(said(session(`EX01\Default EX01`, "10.2.0.14", smtplog.AuthExchange), "ex04", "")) // proven
	traffic.Add(send(said(session("", "", smtplog.OfferedXEXPS), "ex04.corp.example", "ex01.corp.example"), "10.2.0.15:999", "10.1.0.12:25"))
	traffic.Add(send(said(session("", "", 0), "someone", "ex03.corp.example"), "10.2.0.16:999", "10.2.0.99:25")) // nothing of Exchange is offered

	traffic.Add(said(session(`EX01\Default EX01`, "203.0.113.5", smtplog.AuthXEXPS), "mail.elsewhere.example", "")) // another organization's
	later := said(session(`EX01\Default EX01`, "203.0.113.5", 0), "ex03.corp.example", "")                          // and somebody behind the same address
	later.First, later.Last = later.First.Add(time.Hour), later.Last.Add(time.Hour)
	traffic.Add(later)

	addresses := traffic.ServerAddresses(top)
	var lines []string
	for _, a := range addresses {
		lines = append(lines, fmt.Sprintf("%s %s: %s, proven %v, known %v, complete %v, useful %v", a.Server, a.Addr, a.Evidence, a.Evidence.Proven(), a.Known, a.Complete, a.Useful()))
	}
	assert.Equal(t, []string{
		"EX01 10.1.0.11: the local end of its receive log, proven true, known true, complete false, useful false",
		"EX01 10.1.0.12: answers under its name and offers X-EXPS, proven true, known false, complete true, useful false",
		"EX03 10.2.0.11: gives its name in EHLO, proven false, known false, complete false, useful true",
		"EX03 203.0.113.5: gives its name in EHLO, proven false, known false, complete false, useful false",
		"EX04 10.2.0.14: authenticated with X-EXPS under its name, proven true, known false, complete false, useful true",
		"EX04 10.2.0.15: the local end of its send log, proven true, known false, complete false, useful true",
		"EX04 203.0.113.9: gives its name in EHLO, proven false, known false, complete false, useful false",
	}, lines)

	traffic.Add(send(said(session("", "", smtplog.CannotAchieve), "", "mail.elsewhere.example"), "10.1.0.11:999", "198.51.100.7:25"))
	traffic.Add(send(said(session("", "", smtplog.SawOffer), "", "EX04.corp.example"), "10.1.0.11:999", "10.2.0.14:25"))
	traffic.Add(send(said(session("", "", smtplog.SawOffer|smtplog.OfferedXEXPS), "", "ex03.corp.example"), "10.1.0.11:999", "10.2.0.11:25"))
	var targets []string
	for _, c := range traffic.Unauthenticated(top) {
		targets = append(targets, c.Remote.String())
	}
	assert.Equal(t, []string{"10.2.0.14:25", "198.51.100.7:25"}, targets)

	before, err := audit.Run(context.Background(), top, rc001(t)...)
	require.NoError(t, err)
	assert.Empty(t, before, "nobody knows that the relay covers servers")
	known := smtplog.WithAddresses(top, addresses)
	assert.Empty(t, top.Servers[1].Addresses, "the topology stays as it is")
	after, err := audit.Run(context.Background(), known, rc001(t)...)
	require.NoError(t, err)
	require.NotEmpty(t, after)
	assert.Equal(t, `EX01\Relay`, after[0].Subject.String())
	assert.Equal(t, audit.Certain, after[0].Certainty)
	witnesses := traffic.Witnesses(after[0].Subject, after[0].Addrs)
	require.Len(t, witnesses, 1)
	assert.Equal(t, "10.2.0.11", witnesses[0].Remote.Addr().String())
	assert.Equal(t, 1, witnesses[0].Traits.Of(smtplog.SawOffer))
	assert.Zero(t, witnesses[0].Traits.Of(smtplog.OfferedXAnonymousTLS))

	unlisted := smtplog.WithAddresses(&connector.Topology{}, []smtplog.ServerAddress{{Server: "EX09", Addr: netip.MustParseAddr("10.9.0.9"), Evidence: smtplog.OwnReceiveLog}})
	require.Len(t, unlisted.Servers, 1)
	assert.Equal(t, "EX09", unlisted.Servers[0].Name)
}

func rc001(t *testing.T) []*audit.Check {
	checks, err := audit.ParseChecks("RC001")
	require.NoError(t, err)
	return checks
}
