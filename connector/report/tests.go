package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// Tests is what became of expectations about a topology.
type Tests struct {
	// Err is why nothing could be asked.
	Err error
	// Refused is what the cmdlets would say of a change that was to be made first, from [connector.Topology.ValidateAll]; nothing else
	// was asked then.
	Refused  error
	Suites   []TestSuite
	Snapshot *SnapshotChange    // nil: none was compared
	Coverage *topotest.Coverage // nil: it was not asked for
	// Least is the coverage in percent below which the tests fail.
	Least int
	// Everything lists all that no case touches, and not the first 20 of a kind.
	Everything bool
}

// TestSuite is a file of expectations: cases, or the sections of a story.
type TestSuite struct {
	Name     string
	Cases    []topotest.Result
	Sections []topotest.SectionResult
}

// SnapshotChange is what a snapshot and a topology decide differently, see [topotest.Changed].
type SnapshotChange struct {
	Name string
	topotest.Changes
	Written bool // the snapshot was written anew, so it is no failure any more
}

// Untested tells whether nothing was expected: of anything at all, or in one of the suites.
func (t Tests) Untested() bool {
	if t.Err != nil || t.Refused != nil {
		return false
	}
	return len(t.Suites) == 0 && t.Snapshot == nil || slices.ContainsFunc(t.Suites, TestSuite.untested)
}

func (s TestSuite) untested() bool {
	all, _ := s.count()
	return all == 0
}

// Hold tells whether everything is as expected: something is, in every suite, all cases and sections hold, nothing moved against the
// snapshot, and enough is covered.
func (t Tests) Hold() bool {
	_, failed := t.count()
	return t.Err == nil && t.Refused == nil && !t.Untested() && failed == 0 && (t.Snapshot == nil || t.Snapshot.holds()) && t.covered()
}

func (t Tests) covered() bool { return t.Coverage == nil || t.Coverage.Percent() >= t.Least }

func (s *SnapshotChange) holds() bool { return s.Written || s.None() }

// count tells how many expectations there are, and how many do not hold.
func (t Tests) count() (all, failed int) {
	for _, s := range t.Suites {
		a, f := s.count()
		all, failed = all+a, failed+f
	}
	return all, failed
}

func (s TestSuite) count() (all, failed int) {
	for e := range s.expectations {
		all++
		if !e.holds {
			failed++
		}
	}
	return all, failed
}

// expectation is a case or a section.
type expectation struct {
	group, name string
	holds       bool
	broken      bool   // it cannot be asked
	told        string // what became of a section
	result      *topotest.Result
	section     string
}

// text tells what became of it.
func (e expectation) text() string {
	if e.result != nil {
		return e.result.String()
	}
	return e.told
}

// expectations yields the cases of a suite, and the sections that are not made of cases, or have none to tell about.
func (s TestSuite) expectations(yield func(expectation) bool) {
	of := func(section string, cases []topotest.Result) bool {
		for i := range cases {
			c := &cases[i]
			if !yield(expectation{group: c.Case.Group, name: c.Case.Title(), holds: c.Holds(), broken: c.Err != nil, result: c, section: section}) {
				return false
			}
		}
		return true
	}
	if !of("", s.Cases) {
		return
	}
	for _, r := range s.Sections {
		if !of(r.Section, r.Cases) {
			return
		}
		if r.Cases != nil && r.Err == nil {
			continue
		}
		e := expectation{name: r.Section, holds: r.Holds(), section: r.Section}
		switch {
		case r.Err != nil:
			e.broken, e.told = true, fmt.Sprintf("%s: %s: %v\n", s.Name, r.Section, r.Err)
		case !e.holds:
			e.told = fmt.Sprintf("%s: %s does not hold:\n%s", s.Name, r.Section, r.Difference)
		}
		if !yield(e) {
			return
		}
	}
}

// Tests writes what became of expectations: as text first what does not hold, with its explanation, then a line for each suite, what moved
// against the snapshot, what is not covered, and the verdict; as JSON one object:
//
//	{"holds", "untested", "error", "refused", "suites": [{"name",
//	   "cases": [{"name", "group", "question", "want", "why", "source", "section", "holds", "error",
//	     "failures": [{"got", "server", "local", "addresses", "witness", "flow", "finding"}]}],
//	   "sections": [{"name", "holds", "error", "difference"}]}],
//	 "snapshot": {"name", "written", "moves", "unsettled", "unsaid": [UNSAID]},
//	 "coverage": {"percent", "least", "cases", "connectors": {"touched", "all", "untouched"}, "ranges", "listeners", "flows",
//	   "untouchedAddresses": [UNSAID]}}
//
// where UNSAID is {"server", "local", "connector", "addresses", "count"}, section is left out but of a story, refused is as in [Format.WhatIf],
// and moves and witness are as in [Format.Moves] and [Format.Explanation]; snapshot and coverage are null if they were not asked for.
//
// As JUnit it has a suite for each file, with a test for each case and section; one for the snapshot, with a test for each server and pair of
// connectors between which sources moved; one for coverage; one for a change that is refused. What cannot be asked is an error, all else that
// does not hold a failure; a suite without expectations is a failure, too. The class of a test is the suite, and the group of the case behind a
// dot; its name is that of the case, or the question, with what is wanted where several have one. Characters that XML cannot hold are
// replaced. Nothing depends on time.
func (f Format) Tests(w io.Writer, t Tests) error {
	switch f {
	case JSON:
		return writeJSON(w, t.json(), true)
	case JUnit:
		return t.junit(w)
	}
	var b outline
	if t.Err != nil {
		b.printf("Nothing could be asked: %v\n", t.Err)
	}
	writeRefused(&b, t.Refused)
	for _, s := range t.Suites {
		for e := range s.expectations {
			if !e.holds {
				b.heading(bad)
				b.WriteString("FAIL " + e.text() + "\n")
			}
		}
	}
	for _, s := range t.Suites {
		s.write(&b)
	}
	if t.Snapshot != nil {
		t.Snapshot.write(&b)
	}
	if t.Coverage != nil {
		t.writeCoverage(&b)
	}
	t.writeVerdict(&b)
	if f == HTML {
		p := pageOf("Expectations", &b)
		p.Verdict, p.tone = t.verdict()
		return p.write(w)
	}
	return f.outline(w, "Expectations", &b)
}

// verdict is what the tests come to, in one line.
func (t Tests) verdict() (string, tone) {
	all, failed := t.count()
	switch {
	case t.Err != nil:
		return "Nothing could be asked.", bad
	case t.Refused != nil:
		return "The cmdlets would refuse the change.", bad
	case failed > 0:
		return howMany(all, failed) + ".", bad
	case t.Untested():
		return "Untested: nothing is expected.", bad
	case t.Snapshot != nil && !t.Snapshot.holds():
		return "The decisions are not what the snapshot has.", bad
	case !t.covered():
		return fmt.Sprintf("Covered are %d %%, and %d %% are asked for.", t.Coverage.Percent(), t.Least), bad
	case all == 0 && t.Snapshot.Written:
		return "The snapshot is written.", good
	case all == 0:
		return "No source of any endpoint changes hands.", good
	}
	return howMany(all, 0) + ".", good
}

func (s TestSuite) write(b *outline) {
	all, failed := s.count()
	switch {
	case all == 0:
		b.mark(plain, bad)
		b.printf("UNTESTED %s: nothing is expected\n", s.Name)
	case failed == 0:
		b.mark(plain, good)
		b.printf("ok   %s: %s\n", s.Name, howMany(all, 0))
	default:
		b.mark(plain, bad)
		b.printf("FAIL %s: %s\n", s.Name, howMany(all, failed))
	}
}

// howMany says how many expectations hold, or do not.
func howMany(all, failed int) string {
	switch {
	case failed > 0:
		return fmt.Sprintf("%d of %s %s not hold", failed, count(all, "expectation"), map[bool]string{true: "does", false: "do"}[failed == 1])
	case all == 1:
		return "1 expectation holds"
	}
	return count(all, "expectation") + " hold"
}

func (s *SnapshotChange) write(b *outline) {
	switch {
	case s.None() && s.Written:
		b.printf("%s: written\n", s.Name)
	case s.None():
		b.mark(plain, good)
		b.printf("ok   %s: no source of any endpoint changes hands\n", s.Name)
	case s.Written:
		b.printf("%s: written anew; what is otherwise than the last time:\n", s.Name)
	default:
		b.mark(plain, bad)
		b.printf("FAIL %s: not what the snapshot has:\n", s.Name)
	}
	writeMoves(b, "  ", s.Moves)
	if len(s.Unsettled) > 0 {
		b.WriteString("  and these may change hands:\n")
		writeUnsettled(b, "  ", s.Unsettled)
	}
	if len(s.Unsaid) > 0 {
		b.WriteString("  the snapshot says nothing about these, so a part of it is lost:\n")
		for _, u := range s.Unsaid {
			writeApart(b, u)
		}
	}
}

// writeApart tells who serves sources about which nothing is said.
func writeApart(b *outline, u topotest.UntouchedAddrs) {
	b.printf("    %s %s: %s: %s, %s\n", u.Server, u.Local, orRefused(u.Connector), connector.CountAddresses(countOf(u.Addrs)), ranges(u.Addrs))
}

func (t Tests) writeVerdict(b *outline) {
	all, failed := t.count()
	switch {
	case t.Untested() && len(t.Suites) == 0:
		b.WriteString("UNTESTED: nothing is expected of this topology.\n")
	case all > 0 && len(t.Suites) > 1:
		b.printf("%s.\n", howMany(all, failed))
	}
}

// mostUntouched is how many untouched things of a kind are listed.
const mostUntouched = 20

func (t Tests) writeCoverage(b *outline) {
	c := t.Coverage
	b.printf("coverage: %d %%: %s, %s, %s, %s\n", c.Percent(), part(c.Connectors, "connectors"), part(c.Ranges, "ranges"), part(c.Listeners, "listeners"), part(c.Flows, "flows"))
	if !t.covered() {
		b.printf("FAIL coverage: %d %%, and %d %% are asked for\n", c.Percent(), t.Least)
	}
	list(b, t, "connectors that no case touches", c.Connectors, connector.ID.String)
	list(b, t, "ranges about which no case says who is served", c.Ranges, rangeText)
	list(b, t, "listeners that no case touches", c.Listeners, listenerText)
	list(b, t, "flows that no case touches", c.Flows, connector.Flow.String)
	if len(c.Addrs) == 0 {
		return
	}
	b.WriteString("  addresses about which no case says who is served:\n")
	for i, u := range c.Addrs {
		if i == mostUntouched && !t.Everything {
			b.printf("    and %d more\n", len(c.Addrs)-i)
			break
		}
		writeApart(b, u)
	}
}

func part[T any](t topotest.Touched[T], what string) string {
	return fmt.Sprintf("%d of %d %s", t.Touched, t.All, what)
}

// list prints what is untouched of one kind.
func list[T any](b *outline, t Tests, title string, of topotest.Touched[T], text func(T) string) {
	n := of.All - of.Touched
	if n == 0 {
		return
	}
	b.printf("  %s:\n", title)
	for i, v := range of.Untouched {
		if i == mostUntouched && !t.Everything {
			break
		}
		b.printf("    %s\n", text(v))
		n--
	}
	if n > 0 {
		b.printf("    and %d more\n", n)
	}
}
