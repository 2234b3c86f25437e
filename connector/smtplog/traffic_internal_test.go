package smtplog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

// shown is everything a Traffic tells.
func shown(t *testing.T, tr *Traffic) string {
	data, err := json.Marshal(tr)
	require.NoError(t, err)
	more, err := json.Marshal(struct {
		Connectors []ConnectorTraffic
		Total      Tally
	}{tr.Connectors(), tr.Total()})
	require.NoError(t, err)
	return string(data) + string(more)
}

// parts cuts a log between lines.
func parts(r *rand.Rand, log []byte, n int) (list [][]byte) {
	lines := bytes.SplitAfter(log, []byte("\n"))
	at := make([]int, n-1)
	for i := range at {
		at[i] = r.IntN(len(lines))
	}
	at = append(at, 0, len(lines))
	for i := range at {
		for j := range i {
			if at[i] < at[j] {
				at[i], at[j] = at[j], at[i]
			}
		}
	}
	for i := range n {
		list = append(list, bytes.Join(lines[at[i]:at[i+1]], nil))
	}
	return list
}

// Merge is associative and commutative, and merging the parts of a log tells what the log tells, wherever it is cut: sessions that go on
// in another part count once. So it is with a saved and loaded Traffic.
func TestMergeLaws(t *testing.T) {
	log := generated(t, 6000, 40)
	log = append(log, "bad line\n2026-11-20T08:00:00.000Z,EX01\\R,08DE,0,masked,x,+,,\n"...)
	whole := new(Reader)
	require.NoError(t, whole.Read("RECV.LOG", bytes.NewReader(log)))
	want := whole.Traffic().Connectors()
	r := rand.New(rand.NewPCG(7, 7))
	for range 20 {
		var traffics []*Traffic
		for i, part := range parts(r, log, 2+r.IntN(5)) {
			var reader Reader
			require.NoError(t, reader.Read(fmt.Sprintf("RECV-%d.LOG", i), bytes.NewReader(part)))
			traffics = append(traffics, reader.Traffic())
		}
		var first string
		for range 3 {
			r.Shuffle(len(traffics), func(i, j int) { traffics[i], traffics[j] = traffics[j], traffics[i] })
			left := list(traffics) // ((a+b)+c)+d
			for len(left) > 1 {
				i := r.IntN(len(left) - 1) // any two neighbours
				sum := new(Traffic)
				sum.Merge(left[i])
				sum.Merge(reloaded(t, left[i+1]))
				left = append(append(list(left[:i]), sum), left[i+2:]...)
			}
			if got := shown(t, left[0]); first == "" {
				first = got
			} else {
				require.Equal(t, first, got)
			}
			got := left[0].Connectors()
			require.Len(t, got, len(want))
			for i := range got {
				assert.Equal(t, withoutPlaces(want[i].All), withoutPlaces(got[i].All))
				require.Len(t, got[i].Clients, len(want[i].Clients))
				for j := range got[i].Clients {
					require.Equal(t, withoutPlaces(want[i].Clients[j].Tally), withoutPlaces(got[i].Clients[j].Tally))
				}
			}
		}
	}
}

func list(ts []*Traffic) []*Traffic { return append([]*Traffic{}, ts...) }

// withoutPlaces leaves out in which file and line a session is.
func withoutPlaces(t Tally) Tally {
	t.Example.Source = connector.Source{}
	return t
}

func reloaded(t *testing.T, tr *Traffic) *Traffic {
	data, err := json.Marshal(tr)
	require.NoError(t, err)
	var again Traffic
	require.NoError(t, json.Unmarshal(data, &again))
	require.Equal(t, shown(t, tr), shown(t, &again))
	return &again
}

// The texts of a session in pieces are those of the last piece that has them, in whatever order the pieces come.
func TestPieces(t *testing.T) {
	at := func(second int) time.Time { return time.Date(2026, 11, 20, 8, 0, second, 0, time.UTC) }
	pieces := []Session{
		{Direction: Send, Connector: "To Graz", ID: "1", First: at(0), Last: at(1), Started: true, Lines: 2, Remote: netip.MustParseAddrPort("10.2.0.11:25"), Source: connector.Source{File: "a", Line: 1}},
		{Direction: Send, Connector: "To Graz", ID: "1", First: at(2), Last: at(3), Lines: 3, Hello: "ex01", Messages: 1, Transient: 1, Reply: "451 x", Traits: Encrypted,
			Local: netip.MustParseAddrPort("10.1.0.11:999"), Remote: netip.MustParseAddrPort("10.2.0.11:25"), Source: connector.Source{File: "b", Line: 1}},
		{Direction: Send, Connector: "To Graz", ID: "1", First: at(4), Last: at(5), Ended: true, Lines: 1, Hello: "ex01.corp.example", Permanent: 1, Host: "ex11", Rights: "r",
			Local: netip.MustParseAddrPort("10.1.0.11:999"), Remote: netip.MustParseAddrPort("10.2.0.11:25"), Client: netip.MustParseAddr("10.9.9.9"), Source: connector.Source{File: "c", Line: 1}},
	}
	var first string
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		tr := new(Traffic)
		for _, i := range order {
			tr.Add(pieces[i])
		}
		c := tr.Connectors()
		require.Len(t, c, 1)
		require.Len(t, c[0].Clients, 1)
		client := c[0].Clients[0]
		assert.Equal(t, "10.1.0.11:0", client.Local.String())
		assert.Equal(t, "10.2.0.11:25", client.Remote.String())
		assert.Equal(t, "ex01.corp.example", client.Hello.Text)
		assert.Equal(t, []int{1, 0, 6, 1, 1, 1}, []int{client.Sessions, client.Partial, client.Lines, client.Messages, client.Transient, client.Permanent})
		assert.Equal(t, at(0), client.First)
		assert.Equal(t, at(5), client.Last)
		if first == "" {
			first = fmt.Sprint(c)
		}
		assert.Equal(t, first, fmt.Sprint(c))
	}
}

// Of a piece that is too long what was said is not kept; its counts are exact all the same.
func TestLongPieces(t *testing.T) {
	line := func(seq int, rest string) string {
		return fmt.Sprintf("2026-11-20T08:00:%02d.000Z,EX01\\Relay,08DE280000000001,%d,10.1.0.11:25,10.0.5.7:50001,%s\n", seq, seq, rest)
	}
	for filler, mechanism := range map[int]Traits{10: AuthLogin, 9000: AuthOther} {
		merged := new(Traffic)
		for i, part := range []string{line(0, "+,,") + line(1, "<,AUTH LOGIN,"), line(2, ">,235 ok,") + line(3, "<,"+strings.Repeat("x", filler)+",") + line(4, ">,550 no,") + line(5, "-,,Local")} {
			var r Reader
			require.NoError(t, r.Read(fmt.Sprint(i), strings.NewReader(part)))
			traffic := r.Traffic()
			for _, pieces := range traffic.open.entries {
				size := 0
				for _, l := range (*pieces)[0].piece.Lines {
					size += len(l.Data) + len(l.Context)
				}
				assert.LessOrEqual(t, size, mostSaid)
			}
			merged.Merge(reloaded(t, traffic))
		}
		total := merged.Total()
		assert.Equal(t, []int{1, 0, 6, 1}, []int{total.Sessions, total.Partial, total.Lines, total.Permanent})
		assert.Equal(t, "550 no", total.Reply.Text)
		assert.Equal(t, AuthInClear|mechanism, total.Traits.Seen())
	}
}

// A sample that is too small for its keys keeps the same ones, complete, whatever the order and grouping.
func TestSample(t *testing.T) {
	const limit, keys = 20, 200
	r := rand.New(rand.NewPCG(5, 5))
	counts := make(map[int]int)
	var adds []int
	for range 3000 {
		k := r.IntN(keys)
		adds = append(adds, k)
		counts[k]++
	}
	given := 0
	newOne := func() *sample[int, *int] {
		return newSample(limit, func(k int) []byte { return fmt.Append(nil, k) }, func(v *int) { given += *v })
	}
	add := func(s *sample[int, *int], k, n int) {
		if v, ok := s.get(k, func() *int { return new(int) }); ok {
			*v += n
		} else {
			given += n
		}
	}
	var want []int
	for round := range 20 {
		r.Shuffle(len(adds), func(i, j int) { adds[i], adds[j] = adds[j], adds[i] })
		given = 0
		s := newOne()
		for from := 0; from < len(adds); {
			part := newOne()
			to := min(len(adds), from+1+r.IntN(1000))
			for _, k := range adds[from:to] {
				add(part, k, 1)
			}
			from = to
			s.lower(part.bound)
			for k, v := range part.entries {
				add(s, k, *v)
			}
			assert.LessOrEqual(t, len(s.entries), limit+limit/4)
		}
		got := s.sorted(func(a, b int) int { return a - b })
		require.Len(t, got, limit)
		for _, k := range got {
			require.Equal(t, counts[k], *s.entries[k])
			given += counts[k]
		}
		require.Equal(t, len(adds), given, "nothing is lost")
		if round == 0 {
			want = got
		}
		require.Equal(t, want, got)
	}
}

// Of clients beyond the number that is kept the totals remain, and nothing is said about what they reached.
func TestTooManyClients(t *testing.T) {
	tr := new(Traffic)
	tr.init()
	const id = `EX01\Relay`
	c, _ := tr.connectors.get(connectorKey{Receive, id}, newConnectorTraffic)
	c.clients.limit = 8
	for i := range 100 {
		tr.Add(Session{Direction: Receive, Connector: id, ID: "1", Started: true, Ended: true, Lines: 1, Local: netip.MustParseAddrPort("10.1.0.11:25"),
			Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 5, byte(i)}), 9)})
	}
	all := tr.Connectors()
	require.Len(t, all, 1)
	assert.Len(t, all[0].Clients, 8)
	assert.Equal(t, 100, all[0].All.Sessions)
	assert.Equal(t, 92, all[0].Beyond)
	x, err := connector.Compile(&connector.Topology{})
	require.NoError(t, err)
	replay := tr.Replay(x)
	last := replay.NotJudged[len(replay.NotJudged)-1]
	assert.Equal(t, TooMany, last.Judgement)
	assert.Equal(t, 92, last.Tally.Sessions)
	b, err := tr.BackTest(&connector.Topology{})
	require.NoError(t, err)
	assert.Equal(t, 100, b.NotJudged)
}

// Of connectors beyond the number that is kept the totals remain, whatever is merged.
func TestTooManyConnectors(t *testing.T) {
	sum := new(Traffic)
	sum.init()
	sum.connectors.limit = 8
	for i := range 40 {
		tr := new(Traffic)
		for j := range 3 {
			tr.Add(Session{Direction: Receive, Connector: fmt.Sprintf(`EX01\%d`, 3*i+j), ID: "1", Started: true, Ended: true, Lines: 1})
		}
		if i%2 == 0 {
			tr = reloaded(t, tr)
		}
		sum.Merge(tr)
	}
	all := sum.Connectors()
	require.Len(t, all, 9)
	assert.Equal(t, []int{112, 112}, []int{all[8].All.Sessions, all[8].Beyond})
	assert.Zero(t, all[8].Direction)
	x, err := connector.Compile(&connector.Topology{})
	require.NoError(t, err)
	replay := sum.Replay(x)
	judged, _ := replay.Judged()
	notJudged := 0
	for _, g := range replay.NotJudged {
		notJudged += g.Tally.Sessions
	}
	assert.Equal(t, 120, judged+notJudged)
	used := 0
	for _, u := range sum.Usage(&connector.Topology{}) {
		used += u.All.Sessions
	}
	assert.Equal(t, 120, used)
	b, err := sum.BackTest(&connector.Topology{})
	require.NoError(t, err)
	assert.Equal(t, 120, b.NotJudged)
	total := sum.Total()
	assert.Equal(t, 120, total.Sessions)
	sum.Add(Session{Direction: Receive, Connector: `EX01\one more`, ID: "1", Started: true, Ended: true, Lines: 1})
	sum.Add(Session{Direction: Receive, Connector: `EX01\and another`, ID: "1", Started: true, Ended: true, Lines: 1})
	total = sum.Total()
	assert.Equal(t, 122, total.Sessions)
}

// Of sessions in pieces beyond the number that is kept each piece counts, the same ones in whatever order they come.
func TestTooManyPieces(t *testing.T) {
	piece := func(i int, started bool) Session {
		return Session{Direction: Receive, Connector: `EX01\Relay`, ID: fmt.Sprint(i), Started: started, Ended: !started, Lines: 1}
	}
	r := rand.New(rand.NewPCG(3, 3))
	want := 0
	for round := range 10 {
		var all []Session
		for i := range 100 {
			all = append(all, piece(i, true), piece(i, false))
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		sum := new(Traffic)
		sum.init()
		sum.open.limit = 60
		for len(all) > 0 {
			n := min(len(all), 1+r.IntN(50))
			part := new(Traffic)
			part.init()
			part.open.limit = 60
			for _, s := range all[:n] {
				part.Add(s)
			}
			all = all[n:]
			sum.Merge(part)
		}
		total := sum.Total()
		assert.Equal(t, 200, total.Lines)
		if round == 0 {
			want = total.Sessions
		}
		assert.Equal(t, want, total.Sessions)
	}
	assert.Greater(t, want, 100)
}

// What MarshalJSON cannot have written is refused, and leaves what was there alone.
func TestUnreadableTraffic(t *testing.T) {
	var reader Reader
	require.NoError(t, reader.Read("RECV.LOG", bytes.NewReader(append(generated(t, 100, 3), "x\n2026-11-16T00:00:00.000Z,EX01\\R,1,0,10.1.0.11:25,10.0.5.7:5,+,,\n"...))))
	data, err := json.Marshal(reader.Traffic())
	require.NoError(t, err)
	good := string(data)
	require.Contains(t, good, `"sessions":1,`)
	one := func(from, to string) string {
		require.Contains(t, good, from)
		return strings.Replace(good, from, to, 1)
	}
	var object trafficObject
	require.NoError(t, json.Unmarshal(data, &object))
	client := object.Connectors[0]
	for _, bad := range []string{`{}`, `{"format":"x"}`, `[`, `{"format":"smtplog traffic 1"}`, `null`,
		one(`"sessions":1,`, `"sessions":-1,`), one(`"sessions":1,`, `"sessions":9223372036854775807,`), one(`"sessions":1,`, `"sessions":1.5,`),
		one(`"files":1`, `"files":-1`), one(`"bound":18446744073709551615`, `"bound":0`), strings.ReplaceAll(good, `"bound":18446744073709551615`, `"x":1`),
		one(`"openBound":18446744073709551615`, `"openBound":7`), one(`"SawOffer":1`, `"SawOffer":-1`), one(`"SawOffer":1`, `"SawOffer":2`), one(`"SawOffer":1`, `"Nonsense":1`),
		one(`"SawOffer":1`, `"SawOffer, Encrypted":1`), one(`"direction":"receive"`, `"direction":""`), one(`"direction":"receive"`, `"direction":"sideways"`), one(`"direction":"receive"`, `"direction":"send"`),
		one(`"examples":[{`, `"examples":[],"x":[{`), one(`"kind":"fields","count":1`, `"kind":"fields","count":0`),
		one(`"Started":true`, `"Started":false,"Direction":""`), one(`"Ended":false`, `"Ended":true`), one(`"remote":"`, `"remote":"[fe80::1%11]:0","x":"`), one(`"remote":"`, `"remote":"[::ffff:10.0.0.1]:0","x":"`),
		one(`"connectors":[`, `"connectors":[{"direction":"receive","connector":`+quoted(t, client.Connector)+`,"bound":18446744073709551615},`),
		one(`"clients":[`, `"clients":[`+string(marshalled(t, client.Clients[0]))+`,`),
	} {
		var tr Traffic
		tr.Files = 7
		assert.Error(t, json.Unmarshal([]byte(bad), &tr), bad[:min(len(bad), 300)])
		assert.Equal(t, 7, tr.Files)
		assert.Empty(t, tr.Connectors())
	}
	var tr Traffic
	assert.ErrorContains(t, json.Unmarshal([]byte(`{"format":"x"}`), &tr), `format "x"`)
}

func marshalled(t *testing.T, v any) []byte {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

func quoted(t *testing.T, s string) string { return string(marshalled(t, s)) }

// What was wrong is counted by kind, with the first places of each, and survives saving.
func TestProblems(t *testing.T) {
	tr := new(Traffic)
	for i := range 10 {
		tr.Note(&LineError{Source: connector.Source{File: "b", Line: 10 - i}, Err: fmt.Errorf("%w: 3", ErrFields)})
	}
	tr.Note(&LineError{Source: connector.Source{File: "a", Line: 99}, Text: `"x"`, Err: ErrTime})
	tr.Note(errors.New("gone"))
	check := func(tr *Traffic) {
		var lines []string
		for _, p := range tr.Problems() {
			for _, e := range p.Examples {
				lines = append(lines, fmt.Sprint(p.Count, " ", e.Source.String(), " ", e.Err))
			}
		}
		assert.Equal(t, "10 b:1 not as many fields as the header names: 3|10 b:2 not as many fields as the header names: 3|10 b:3 not as many fields as the header names: 3|"+
			"1 a:99 not a time like 2026-11-20T08:00:00.000Z|1  gone", strings.Join(lines, "|"))
		assert.Equal(t, ErrFields, tr.Problems()[0].Err)
	}
	check(tr)
	check(reloaded(t, tr))
	twice := new(Traffic)
	twice.Merge(tr)
	twice.Merge(reloaded(t, tr))
	assert.Equal(t, 20, twice.Problems()[0].Count)
	assert.Len(t, twice.Problems()[0].Examples, mostExamples)
}

func TestTraitsParseAndPrint(t *testing.T) {
	for tr := Traits(1); tr < traitsEnd; tr <<= 1 {
		again, err := ParseTraits(strings.ToLower(tr.String()))
		require.NoError(t, err)
		assert.Equal(t, tr, again)
	}
	both := Encrypted | AuthLogin
	text, _ := both.MarshalText()
	var again Traits
	require.NoError(t, again.UnmarshalText(text))
	assert.Equal(t, both, again)
	assert.Equal(t, "None", Traits(0).String())
	none, err := ParseTraits("None")
	require.NoError(t, err)
	assert.Zero(t, none)
	for in, offset := range map[string]int{"x": 0, "Encrypted, x": 11, "Encrypted,  AuthLogin,y": 22} {
		_, err := ParseTraits(in)
		var e *connector.ParseError
		require.ErrorAs(t, err, &e)
		assert.Equal(t, offset, e.Offset, in)
		assert.ErrorIs(t, e, connector.ErrUnknownName)
	}
}

func TestDirections(t *testing.T) {
	for _, d := range []Direction{0, Receive, Send} {
		text, _ := d.MarshalText()
		var again Direction
		require.NoError(t, again.UnmarshalText(text))
		assert.Equal(t, d, again)
	}
	var d Direction
	assert.Error(t, d.UnmarshalText([]byte("sideways")))
	assert.Empty(t, Direction(9).String()+Judgement(99).String()+Judgement(99).Meaning()+Evidence(99).String()+Event(0).String())
}
