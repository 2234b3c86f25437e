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
			moves, unsettled, err := topotest.Changed(read, after)
			require.NoError(t, err)
			x, err := connector.Compile(before)
			require.NoError(t, err)
			y, err := connector.Compile(after)
			require.NoError(t, err)
			want, wantUnsettled := connector.Diff(x, y), connector.Unsettled(x, y)
			assert.Equal(t, texts(want), texts(moves), "seed %d", seed)
			assert.Equal(t, texts(wantUnsettled), texts(unsettled), "seed %d", seed)
			moved, doubts = moved+len(moves), doubts+len(unsettled)
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
	_, _, err = topotest.Changed(nil, bad)
	require.ErrorIs(t, err, connector.ErrDuplicate)
}

// What of a snapshot counts, and what it says of endpoints and servers that it does not name.
func TestChanged(t *testing.T) {
	server := topotest.Exchange("2010", "EX01").Roles("HubTransport").DefaultConnectors()
	cases, err := topotest.Snapshot(topotest.MustBuild(server))
	require.NoError(t, err)
	moved := func(snapshot []topotest.Case, parts ...topotest.Part) []string {
		moves, _, err := topotest.Changed(snapshot, topotest.MustBuild(parts...))
		require.NoError(t, err)
		return texts(moves)
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
		topotest.MustParseCase(`flow * * * -> passes`),
		topotest.MustParseCase(`no finding`),
	}
	assert.Equal(t, []string{`EX01 0.0.0.0:25: refused -> EX01\Default EX01: 10.0.1.0/24, for example 10.0.1.0`,
		`EX01 0.0.0.0:587: refused -> EX01\Client EX01: 0.0.0.0/0, for example 0.0.0.0`, `EX01 [::]:587: refused -> EX01\Client EX01: ::/0, for example ::`}, moved(part, server))

	for _, c := range []topotest.Case{topotest.MustParseCase(`EX01 0.0.0.0:25 printers -> EX01\Relay`), {Conn: connector.Conn{Server: "EX01", Local: netip.MustParseAddrPort("0.0.0.0:25")}}} {
		c.Source = connector.Source{File: "s", Line: 3}
		_, _, err := topotest.Changed([]topotest.Case{c}, topotest.MustBuild(server))
		var me *connector.ModelError
		require.ErrorAs(t, err, &me)
		assert.Equal(t, c.Source, me.Source)
	}
}

func ExampleChanged() {
	server := topotest.Exchange("2016", "EX01").At("10.1.0.11").DefaultConnectors()
	snapshot, err := topotest.Snapshot(topotest.MustBuild(server.Relay("10.0.5.0/24")))
	if err != nil {
		panic(err)
	}
	// Kept in a file, and compared a month later.
	moves, _, err := topotest.Changed(snapshot, topotest.MustBuild(server.Relay("10.0.5.0/24", "10.0.6.0/28")))
	if err != nil {
		panic(err)
	}
	for _, m := range moves {
		fmt.Println(m)
	}
	// Output: EX01 0.0.0.0:25: EX01\Default Frontend EX01 -> EX01\Relay: 10.0.6.0/28, for example 10.0.6.0
}
