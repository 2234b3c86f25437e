package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

const hub = "HubTransport"

func servers(relay ...string) *connector.Topology {
	return topotest.MustBuild(topotest.Exchange("2010", "EX01").Roles(hub).DefaultConnectors().Relay(relay...))
}

// results asks a topology what a file expects.
func results(t testing.TB, top *connector.Topology, file string) ([]topotest.Case, []topotest.Result) {
	t.Helper()
	cases, err := topotest.ParseCases("expect.txt", strings.NewReader(file))
	require.NoError(t, err)
	rs, err := topotest.Evaluate(context.Background(), top, cases)
	require.NoError(t, err)
	return cases, rs
}

const expectations = `[printers]
# They send to customers.
relay: EX01 *:25 10.0.5.0/24 as Anonymous -> EX01\Relay, may relay
EX01 *:25 10.0.4.0/23 -> EX01\Relay
[mail]
flow EX02 EX01 Mail -> passes
flow EX01 EX02 Mail -> fails
no finding RC201
EX01 *:25 scanners -> EX01\Relay
`

func everything(t testing.TB) report.Tests {
	server := topotest.Exchange("2010", "EX01").Roles(hub).Site("A").At("10.1.0.11").DefaultConnectors().Without("Client EX01")
	other := topotest.Exchange("2010", "EX02").Roles(hub).Site("B").At("10.2.0.11").DefaultConnectors()
	top := topotest.MustBuild(server.Relay("10.0.5.0/24"), other)
	snapshot, err := topotest.Snapshot(topotest.MustBuild(server.Relay("10.0.5.0/25"), other))
	require.NoError(t, err)
	cases, rs := results(t, top, expectations)
	w := report.Tests{Suites: []report.TestSuite{{Name: "expect.txt", Cases: rs}}, Least: 60}
	w.Coverage, err = topotest.Cover(top, cases)
	require.NoError(t, err)
	w.Snapshot = &report.SnapshotChange{Name: "decisions.txt"}
	changes, err := topotest.Changed(snapshot, top)
	require.NoError(t, err)
	w.Snapshot.Changes = *changes
	story, err := topotest.Load(fstest.MapFS{"s.txtar": {Data: []byte(`A story.
-- topology.json --
{"servers": [{"name": "EX01", "version": "14.3", "addresses": ["10.0.0.1"]}], "connectors": [{"identity": "EX01\\Relay", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.5.0/24"]}]}
-- expect.txt --
EX01 *:25 10.0.5.7 -> EX01\Relay
EX01 *:25 10.0.6.7 -> EX01\Relay
-- findings.txt --
RC001 error certain EX01\Relay
-- nonsense --
`)}}, "s.txtar")
	require.NoError(t, err)
	w.Suites = append(w.Suites, report.TestSuite{Name: "s.txtar", Sections: story.Evaluate()})
	return w
}

func testsText(t testing.TB, w report.Tests) string {
	return text(t, func(b *bytes.Buffer) error { return report.Text.Tests(b, w) })
}

func TestTestsText(t *testing.T) {
	w := everything(t)
	golden.Check(t, goldens+"tests.txt", testsText(t, w))
	assert.False(t, w.Hold())
	assert.False(t, w.Untested())

	// What holds takes a line; each thing that fails is enough for all to fail.
	top := servers("10.0.5.0/24")
	cases, good := results(t, top, "EX01 *:25 10.0.5.0/24 -> EX01\\Relay\n")
	fine := report.Tests{Suites: []report.TestSuite{{Name: "expect.txt", Cases: good}}}
	assert.True(t, fine.Hold())
	assert.Equal(t, "ok   expect.txt: 1 expectation holds\n", testsText(t, fine))
	twice := fine
	twice.Suites = append(twice.Suites, report.TestSuite{Name: "empty.txt"}, fine.Suites[0])
	assert.Equal(t, "ok   expect.txt: 1 expectation holds\nUNTESTED empty.txt: nothing is expected\nok   expect.txt: 1 expectation holds\n2 expectations hold.\n", testsText(t, twice))
	assert.True(t, twice.Untested(), "one of them is")
	assert.False(t, twice.Hold())
	assert.Contains(t, junit(t, twice), `<testcase classname="empty.txt" name="something is expected">`)

	none := report.Tests{}
	assert.True(t, none.Untested())
	assert.False(t, none.Hold(), "nothing expected is not fine")
	assert.Equal(t, "UNTESTED: nothing is expected of this topology.\n", testsText(t, none))

	c, err := topotest.Cover(top, cases)
	require.NoError(t, err)
	fine.Coverage, fine.Least = c, c.Percent()
	assert.True(t, fine.Hold())
	fine.Least++
	assert.False(t, fine.Hold())
	assert.Contains(t, testsText(t, fine), fmt.Sprintf("FAIL coverage: %d %%, and %d %% are asked for\n", c.Percent(), fine.Least))

	refused := report.Tests{Refused: errors.New("no")}
	assert.False(t, refused.Hold())
	assert.False(t, refused.Untested(), "that is not what is wrong")
	assert.Equal(t, "The cmdlets would refuse this:\n  no\n", testsText(t, refused))
	assert.Contains(t, junit(t, refused), `<failure type="refused" message="the cmdlets would refuse the change">The cmdlets would refuse this:`)
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.JSON.Tests(b, refused) }), `"text": "no"`)

	unusable := report.Tests{Err: errors.New("expect.txt:1: no")}
	assert.False(t, unusable.Hold())
	assert.Equal(t, "Nothing could be asked: expect.txt:1: no\n", testsText(t, unusable))
	assert.Contains(t, junit(t, unusable), `<error type="unusable" message="expect.txt:1: no">`)

	moved := report.Tests{Snapshot: &report.SnapshotChange{Name: "d.txt"}}
	assert.True(t, moved.Hold(), "a snapshot is an expectation")
	assert.Equal(t, "ok   d.txt: no source of any endpoint changes hands\n", testsText(t, moved))
	moved.Snapshot.Written = true
	assert.Equal(t, "d.txt: written\n", testsText(t, moved))
	moved.Snapshot.Moves = w.Snapshot.Moves
	assert.True(t, moved.Hold(), "it is written, and to be reviewed")
	assert.Contains(t, testsText(t, moved), "d.txt: written anew; what is otherwise than the last time:\n  EX01 0.0.0.0:25: EX01\\Default EX01 -> EX01\\Relay\n    10.0.5.128/25\n")
	moved.Snapshot.Written = false
	assert.False(t, moved.Hold())
	moved.Snapshot.Changes = topotest.Changes{}
	moved.Snapshot.Unsettled = []connector.Move{{Server: "EX01", Local: w.Snapshot.Moves[0].Local, From: w.Snapshot.Moves[0].To, To: w.Snapshot.Moves[0].To, Addrs: w.Snapshot.Moves[0].Addrs, Doubt: connector.DoubtTie}}
	assert.False(t, moved.Hold())
	assert.Contains(t, testsText(t, moved), "and these may change hands:\n  EX01 0.0.0.0:25: EX01\\Relay, or another one\n")
}

// Of what is untouched the first of each kind are listed, or all of it.
func TestCoverageListsSome(t *testing.T) {
	var parts []topotest.Part
	for i := range 25 {
		parts = append(parts, topotest.Exchange("2010", fmt.Sprintf("EX%02d", i)).Site(fmt.Sprint(i)).Roles(hub).DefaultConnectors())
	}
	c, err := topotest.Cover(topotest.MustBuild(parts...), nil)
	require.NoError(t, err)
	w := report.Tests{Coverage: c}
	short := testsText(t, w)
	assert.Contains(t, short, "    EX09\\Client EX09\n    and 30 more\n")
	assert.Contains(t, short, "    and 80 more\n", "addresses, too")
	w.Everything = true
	assert.NotContains(t, testsText(t, w), " more\n")
	assert.Contains(t, testsText(t, w), "    EX24\\Client EX24\n")
}

func TestTestsJSON(t *testing.T) {
	w := everything(t)
	var o struct {
		Holds, Untested bool
		Suites          []struct {
			Name  string
			Cases []struct {
				Name, Group, Question, Want, Why, Source, Section, Error string
				Holds                                                    bool
				Failures                                                 []struct {
					Got, Server, Local, Finding string
					Addresses                   []string
					Witness                     struct{ Connector string }
					Flow                        struct{ From, State string }
				}
			}
			Sections []struct {
				Name, Error, Difference string
				Holds                   bool
			}
		}
		Snapshot struct {
			Moves     []struct{ From, To string }
			Unsettled []any
		}
		Coverage struct {
			Percent, Least int
			Ranges         struct {
				Touched, All int
				Untouched    []string
			}
			UntouchedAddresses []struct{ Server, Connector, Count string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text(t, func(b *bytes.Buffer) error { return report.JSON.Tests(b, w) })), &o))
	assert.False(t, o.Holds)
	require.Len(t, o.Suites[0].Cases, 6)
	assert.Equal(t, "They send to customers.", o.Suites[0].Cases[0].Why)
	assert.Equal(t, "expect.txt:3", o.Suites[0].Cases[0].Source)
	assert.True(t, o.Suites[0].Cases[0].Holds)
	failing := o.Suites[0].Cases[1]
	assert.Equal(t, []string{"10.0.4.0/24"}, failing.Failures[0].Addresses)
	assert.Equal(t, `EX01\Default EX01`, failing.Failures[0].Witness.Connector)
	assert.Equal(t, "EX01 passes", o.Suites[0].Cases[3].Failures[0].Flow.From+" "+o.Suites[0].Cases[3].Failures[0].Flow.State)
	assert.Contains(t, o.Suites[0].Cases[5].Error, "scanners is neither an address")
	assert.Equal(t, "expect.txt", o.Suites[1].Cases[0].Section)
	assert.Contains(t, o.Suites[1].Sections[2].Error, "not a section")
	assert.Contains(t, o.Suites[1].Sections[1].Difference, "missing: RC001")
	assert.Equal(t, `EX01\Relay`, o.Snapshot.Moves[0].To)
	assert.Equal(t, 60, o.Coverage.Least)
	assert.Len(t, o.Coverage.Ranges.Untouched, o.Coverage.Ranges.All-o.Coverage.Ranges.Touched)
	assert.NotEmpty(t, o.Coverage.UntouchedAddresses)
}

func junit(t testing.TB, w report.Tests) string {
	return text(t, func(b *bytes.Buffer) error { return report.JUnit.Tests(b, w) })
}

func TestJUnit(t *testing.T) {
	w := everything(t)
	golden.Check(t, goldens+"tests.xml", junit(t, w))

	// The numbers add up, and names with markup or control characters do no harm.
	_, rs := results(t, servers("10.0.5.0/24"), `EX01 *:25 10.0.5.7 -> EX01\Relay`)
	rs[0].Case.Name = "<&\"'>\x01\u202e]]>"
	w.Suites = append(w.Suites, report.TestSuite{Name: "<suite>", Cases: rs})
	var o struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Cases    []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(junit(t, w)), &o))
	for _, s := range o.Suites {
		failures, errs := 0, 0
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errs++
			}
		}
		assert.Equal(t, []int{len(s.Cases), failures, errs}, []int{s.Tests, s.Failures, s.Errors})
	}
	require.Len(t, o.Suites, 5)
	assert.Equal(t, "<&\"'>\ufffd\u202e]]>", o.Suites[2].Cases[0].Name)

	assert.Contains(t, junit(t, report.Tests{}), `<failure type="untested" message="nothing is expected of this topology">`)
	quiet := report.Tests{Snapshot: &report.SnapshotChange{Name: "d.txt"}}
	assert.Contains(t, junit(t, quiet), `<testsuites name="topotest" tests="1" failures="0" errors="0">`)
	quiet.Snapshot.Unsettled = w.Snapshot.Moves
	quiet.Snapshot.Unsaid = w.Coverage.Addrs
	assert.Contains(t, junit(t, quiet), `or another one`)
	assert.Contains(t, junit(t, quiet), `: the snapshot says who is served, now EX01\Default EX01">`)
	assert.Contains(t, testsText(t, quiet), "  the snapshot says nothing about these, so a part of it is lost:\n    EX01 0.0.0.0:25: EX01\\Default EX01: ")
}

// Cases with one question have names of their own, and an answer of several endpoints is told once.
func TestJUnitNames(t *testing.T) {
	top := servers("10.0.5.0/24")
	_, rs := results(t, top, "EX01 * any as Anonymous -> may relay\nEX01 * any as Anonymous -> mail refused\nEX01 * any as Anonymous -> mail unknown\nEX01 * any as Anonymous -> mail unknown\n")
	got := junit(t, report.Tests{Suites: []report.TestSuite{{Name: "expect.txt", Cases: rs}}})
	for _, name := range []string{"may relay", "mail refused", "mail unknown (1)", "mail unknown (2)"} {
		assert.Equal(t, 1, strings.Count(got, `name="EX01 * any as Anonymous -&gt; `+name+`"`), got)
	}
	assert.Contains(t, got, `message="may not relay instead of may relay"`)
}

// A writer that is full is told.
func TestTestsWriteErrors(t *testing.T) {
	w := everything(t)
	full := errors.New("full")
	for n := range 3 {
		assert.ErrorIs(t, report.JUnit.Tests(&fullAfter{n, full}, w), full)
	}
	assert.ErrorIs(t, report.Text.Tests(&fullAfter{0, full}, w), full)
	assert.ErrorIs(t, report.JSON.Tests(&fullAfter{0, full}, w), full)
}

// fullAfter takes some writes.
type fullAfter struct {
	writes int
	err    error
}

func (f *fullAfter) Write(p []byte) (int, error) {
	if f.writes--; f.writes < 0 {
		return 0, f.err
	}
	return len(p), nil
}

func ExampleFormat_Tests() {
	top := topotest.MustBuild(topotest.Exchange("2010", "EX01").Roles("HubTransport").DefaultConnectors().Relay("10.0.5.0/24"))
	cases := []topotest.Case{topotest.MustParseCase(`printers: EX01 *:25 10.0.5.0/24 -> EX01\Relay by 10.0.5.0/24`)}
	results, err := topotest.Evaluate(context.Background(), top, cases)
	if err != nil {
		panic(err)
	}
	coverage, err := topotest.Cover(top, cases)
	if err != nil {
		panic(err)
	}
	tests := report.Tests{Suites: []report.TestSuite{{Name: "expect.txt", Cases: results}}, Coverage: coverage, Least: 10}
	if err := report.Text.Tests(os.Stdout, tests); err != nil {
		panic(err)
	}
	// Output:
	// ok   expect.txt: 1 expectation holds
	// coverage: 26 %: 1 of 3 connectors, 1 of 5 ranges, 1 of 4 listeners, 0 of 0 flows
	//   connectors that no case touches:
	//     EX01\Default EX01
	//     EX01\Client EX01
	//   ranges about which no case says who is served:
	//     EX01\Default EX01 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	//     EX01\Default EX01 0.0.0.0-255.255.255.255
	//     EX01\Client EX01 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	//     EX01\Client EX01 0.0.0.0-255.255.255.255
	//   listeners that no case touches:
	//     EX01 0.0.0.0:587
	//     EX01 [::]:25
	//     EX01 [::]:587
	//   addresses about which no case says who is served:
	//     EX01 0.0.0.0:25: EX01\Default EX01: 4,294,967,040 addresses, 0.0.0.0-10.0.4.255, 10.0.6.0-255.255.255.255
	//     EX01 0.0.0.0:587: EX01\Client EX01: 4,294,967,296 addresses, 0.0.0.0/0
	//     EX01 [::]:25: EX01\Default EX01: 2^128 addresses, ::/0
	//     EX01 [::]:587: EX01\Client EX01: 2^128 addresses, ::/0
}

func ExampleFormat_Tests_junit() {
	top := topotest.MustBuild(topotest.Exchange("2010", "EX01").Roles("HubTransport").DefaultConnectors().Relay("10.0.5.0/24"))
	results, err := topotest.Evaluate(context.Background(), top, []topotest.Case{topotest.MustParseCase(`printers: EX01 *:25 10.0.5.7 -> EX01\Relay`)})
	if err != nil {
		panic(err)
	}
	if err := report.JUnit.Tests(os.Stdout, report.Tests{Suites: []report.TestSuite{{Name: "expect.txt", Cases: results}}}); err != nil {
		panic(err)
	}
	// Output:
	// <?xml version="1.0" encoding="UTF-8"?>
	// <testsuites name="topotest" tests="1" failures="0" errors="0">
	//   <testsuite name="expect.txt" tests="1" failures="0" errors="0" skipped="0">
	//     <testcase classname="expect.txt" name="printers"></testcase>
	//   </testsuite>
	// </testsuites>
}
