package topotest_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// through writes cases as a file and reads them again.
func through(t testing.TB, cases []topotest.Case) []topotest.Case {
	t.Helper()
	read, err := topotest.ParseCases("snapshot.txt", strings.NewReader(topotest.FormatCases(cases)))
	require.NoError(t, err)
	require.Len(t, read, len(cases))
	return read
}

// A snapshot holds, covers everything, and tells of a later topology what Diff and Unsettled tell, through a file with awkward names, too.
func TestChangedAgainstDiff(t *testing.T) {
	moved, doubts := 0, 0
	for seed := range uint64(120) {
		r := gen.Rand(seed)
		of := gen.Topology
		if seed%3 == 0 {
			of = gen.Organization
		}
		before, after := of(r), of(r)
		for _, make := range []func(*connector.Topology) ([]topotest.Case, error){topotest.Snapshot, topotest.Regions} {
			cases, err := make(before)
			require.NoError(t, err)
			read := through(t, cases)
			for _, result := range evaluate(t, before, read...) {
				require.True(t, result.Holds(), "seed %d: %s", seed, result)
			}
			if len(cases) > 0 {
				c, err := topotest.Cover(before, read)
				require.NoError(t, err)
				assert.Equal(t, [3]int{100, 100, 100}, [3]int{c.Connectors.Percent(), c.Ranges.Percent(), c.Listeners.Percent()})
				assert.Empty(t, c.Addrs)
			}
			changes, err := topotest.Changed(read, after)
			require.NoError(t, err)
			assert.Empty(t, changes.Unsaid)
			x, err := connector.Compile(before)
			require.NoError(t, err)
			y, err := connector.Compile(after)
			require.NoError(t, err)
			want, wantUnsettled := connector.Diff(x, y), connector.Unsettled(x, y)
			assert.Equal(t, texts(want), texts(changes.Moves), "seed %d", seed)
			assert.Equal(t, texts(wantUnsettled), texts(changes.Unsettled), "seed %d", seed)
			moved, doubts = moved+len(changes.Moves), doubts+len(changes.Unsettled)
		}
	}
	assert.Greater(t, moved, 1000)
	assert.Greater(t, doubts, 10)
}

func texts[T fmt.Stringer](list []T) (texts []string) {
	for _, v := range list {
		texts = append(texts, v.String())
	}
	return texts
}

// There is one case for each run of sources, and it says no more than it must.
func TestSnapshotAndRegions(t *testing.T) {
	top := topotest.MustBuild(topotest.Exchange("2010", "EX01").Roles("HubTransport").DefaultConnectors().Without("Client EX01").
		Relay("10.0.5.0/25", "10.0.5.128/25", "10.0.7.1").Set("Default EX01", "RemoteIPRanges", "10.0.0.0/8"))
	cases, err := topotest.Snapshot(top)
	require.NoError(t, err)
	assert.Equal(t, `[EX01 0.0.0.0:25]
EX01 0.0.0.0:25 0.0.0.0-9.255.255.255 -> refused NoRange
EX01 0.0.0.0:25 10.0.0.0-10.0.4.255 -> EX01\Default EX01
EX01 0.0.0.0:25 10.0.5.0/24 -> EX01\Relay
EX01 0.0.0.0:25 10.0.6.0-10.0.7.0 -> EX01\Default EX01
EX01 0.0.0.0:25 10.0.7.1 -> EX01\Relay
EX01 0.0.0.0:25 10.0.7.2-10.255.255.255 -> EX01\Default EX01
EX01 0.0.0.0:25 11.0.0.0-255.255.255.255 -> refused NoRange

[EX01 [::]:25]
EX01 [::]:25 ::/0 -> refused NoRange
`, topotest.FormatCases(cases))
	cases, err = topotest.Regions(top)
	require.NoError(t, err)
	assert.Contains(t, topotest.FormatCases(cases), `
EX01 0.0.0.0:25 10.0.0.0-10.0.4.255 -> EX01\Default EX01 by 10.0.0.0/8
EX01 0.0.0.0:25 10.0.5.0/25 -> EX01\Relay by 10.0.5.0/25
EX01 0.0.0.0:25 10.0.5.128/25 -> EX01\Relay by 10.0.5.128/25
`)
	bad := &connector.Topology{Servers: []connector.Server{{Name: "A"}, {Name: "a"}}}
	_, err = topotest.Snapshot(bad)
	require.ErrorIs(t, err, connector.ErrDuplicate)
	_, err = topotest.Changed(nil, bad)
	require.ErrorIs(t, err, connector.ErrDuplicate)
}

// What of a snapshot counts, and what it says of endpoints and servers that it does not name.
func TestChanged(t *testing.T) {
	server := topotest.Exchange("2010", "EX01").Roles("HubTransport").DefaultConnectors()
	cases, err := topotest.Snapshot(topotest.MustBuild(server))
	require.NoError(t, err)
	moved := func(snapshot []topotest.Case, parts ...topotest.Part) []string {
		changes, err := topotest.Changed(snapshot, topotest.MustBuild(parts...))
		require.NoError(t, err)
		return texts(changes.Moves)
	}
	assert.Empty(t, moved(cases, server))
	bound := server.Connector(connector.UsageCustom, "Bound", []string{"10.0.0.1:25"}, []string{"10.0.0.0/24"})
	assert.Equal(t, []string{`EX01 10.0.0.1:25: EX01\Default EX01 -> EX01\Bound: 10.0.0.0/24, for example 10.0.0.0`}, moved(cases, bound), "the wildcard stood for the new endpoint")
	assert.Equal(t, []string{`EX02 0.0.0.0:587: refused -> EX02\Client EX02: 0.0.0.0/0, for example 0.0.0.0`, `EX02 [::]:587: refused -> EX02\Client EX02: ::/0, for example ::`},
		moved(cases, server, server.Named("EX02").Without("Default EX02")), "a new server")
	assert.Len(t, moved(cases), 4, "the server is gone")

	part := []topotest.Case{
		topotest.MustParseCase(`EX01 0.0.0.0:25 10.0.0.0/24 -> EX01\Default EX01`),
		topotest.MustParseCase(`EX01 0.0.0.0:25 10.0.1.0/24 -> refused`),
		topotest.MustParseCase(`EX01 [::]:25 any -> EX01\Default EX01`),
		topotest.MustParseCase(`EX01 0.0.0.0:587 any -> served`), // says nothing that could be compared, like all below
		topotest.MustParseCase(`* 0.0.0.0:587 any -> *\Relay`),
		topotest.MustParseCase(`EX01 *:587 any -> EX01\Relay`),
		topotest.MustParseCase(`EX01 0.0.0.0:587 any -> EX01\Rel*`),
		topotest.MustParseCase(`flow * * * -> passes`),
		topotest.MustParseCase(`no finding`),
	}
	assert.Equal(t, []string{`EX01 0.0.0.0:25: refused -> EX01\Default EX01: 10.0.1.0/24, for example 10.0.1.0`,
		`EX01 0.0.0.0:587: refused -> EX01\Client EX01: 0.0.0.0/0, for example 0.0.0.0`, `EX01 [::]:587: refused -> EX01\Client EX01: ::/0, for example ::`}, moved(part, server))

	// A snapshot that has lost a line says so, and one that contradicts itself is refused.
	changes, err := topotest.Changed(part, topotest.MustBuild(server))
	require.NoError(t, err)
	assert.False(t, changes.None())
	assert.Equal(t, []topotest.UntouchedAddrs{{Listener: topotest.Listener{Server: "EX01", Local: netip.MustParseAddrPort("0.0.0.0:25")}, Connector: connector.ID{Server: "EX01", Name: "Default EX01"},
		Addrs: []connector.Range{connector.MustParseRange("0.0.0.0-9.255.255.255"), connector.MustParseRange("10.0.2.0-255.255.255.255")}}}, changes.Unsaid)
	for why, lines := range map[string][]string{
		"another one": {`EX01 0.0.0.0:25 10.0.0.0/8 -> EX01\A`, `EX01 0.0.0.0:25 10.0.5.0/24 -> EX01\A`, `EX01 0.0.0.0:25 10.9.0.0/16 -> EX01\B`},
		"a doubt":     {`EX01 0.0.0.0:25 10.0.0.0/8 -> EX01\A`, `EX01 0.0.0.0:25 10.9.0.0/16 -> EX01\A (doubt: Tie)`},
		"nobody":      {`EX01 0.0.0.0:25 10.9.0.0-10.10.0.0 -> refused`, `EX01 0.0.0.0:25 10.10.0.0 -> EX01\A`},
		"no family":   {`EX01 [::]:25 10.9.0.0/16 -> EX01\A`},
	} {
		var cases []topotest.Case
		for _, line := range lines {
			cases = append(cases, topotest.MustParseCase(line))
		}
		_, err := topotest.Changed(cases, topotest.MustBuild(server))
		require.ErrorIs(t, err, connector.ErrInvalid, why)
	}
	_, err = topotest.Changed([]topotest.Case{topotest.MustParseCase(`EX01 0.0.0.0:25 10.0.0.0/8 -> EX01\A`), topotest.MustParseCase(`EX01 0.0.0.0:25 10.0.5.0/24 -> EX01\A`)}, topotest.MustBuild(server))
	require.NoError(t, err, "the same twice is no contradiction")
	inGo := topotest.Case{Conn: connector.Conn{Server: "EX01", Local: netip.MustParseAddrPort("[::ffff:0.0.0.0]:25")}, From: "0.0.0.0/0", Want: connector.ID{Server: "EX01", Name: "Default EX01"}}
	assert.True(t, evaluate(t, topotest.MustBuild(server), inGo)[0].Holds())
	changes, err = topotest.Changed([]topotest.Case{inGo}, topotest.MustBuild(server.Without("Client EX01").Set("Default EX01", "Bindings", "0.0.0.0:25")))
	require.NoError(t, err)
	assert.True(t, changes.None())

	for _, c := range []topotest.Case{topotest.MustParseCase(`EX01 0.0.0.0:25 printers -> EX01\Relay`), {Conn: connector.Conn{Server: "EX01", Local: netip.MustParseAddrPort("0.0.0.0:25")}}} {
		c.Source = connector.Source{File: "s", Line: 3}
		_, err := topotest.Changed([]topotest.Case{c}, topotest.MustBuild(server))
		var me *connector.ModelError
		require.ErrorAs(t, err, &me)
		assert.Equal(t, c.Source, me.Source)
	}
}

// Ranges that end among the IPv4-mapped addresses, which no notation of IPv6 can begin or end with.
func TestSnapshotAtMappedAddresses(t *testing.T) {
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{
		{ID: connector.ID{Server: "EX01", Name: "A"}, Bindings: []netip.AddrPort{connector.MustParseBinding("[::]:25")}, RemoteIPRanges: []connector.Range{connector.MustParseRange("::-::fffe:ffff:ffff")}},
		{ID: connector.ID{Server: "EX01", Name: "B"}, Bindings: []netip.AddrPort{connector.MustParseBinding("[::]:25")}, RemoteIPRanges: []connector.Range{connector.MustParseRange("::/0")}},
	}}
	for _, write := range []func(*connector.Topology) ([]topotest.Case, error){topotest.Snapshot, topotest.Regions} {
		cases, err := write(top)
		require.NoError(t, err)
		read := through(t, cases)
		assert.Len(t, read, 2)
		for _, r := range evaluate(t, top, read...) {
			assert.True(t, r.Holds(), "%s", r)
		}
		changes, err := topotest.Changed(read, top)
		require.NoError(t, err)
		assert.True(t, changes.None(), "%v", changes)
		c, err := topotest.Cover(top, read)
		require.NoError(t, err)
		assert.Empty(t, c.Addrs)
	}
}

func ExampleChanged() {
	server := topotest.Exchange("2016", "EX01").At("10.1.0.11").DefaultConnectors()
	snapshot, err := topotest.Snapshot(topotest.MustBuild(server.Relay("10.0.5.0/24")))
	if err != nil {
		panic(err)
	}
	// Kept in a file, and compared a month later.
	changes, err := topotest.Changed(snapshot, topotest.MustBuild(server.Relay("10.0.5.0/24", "10.0.6.0/28")))
	if err != nil {
		panic(err)
	}
	for _, m := range changes.Moves {
		fmt.Println(m)
	}
	// Output: EX01 0.0.0.0:25: EX01\Default Frontend EX01 -> EX01\Relay: 10.0.6.0/28, for example 10.0.6.0
}
