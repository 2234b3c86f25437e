package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Skipped *junitSkipped `xml:"skipped"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

type junitProblem struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// junit writes the tests, see [Format.Tests].
func (t Tests) junit(w io.Writer) error {
	all := junitSuites{Name: "topotest"}
	if t.Err != nil {
		all.add(junitSuite{Name: "input"}.with(junitCase{Class: "input", Name: "it can be used", Error: &junitProblem{"unusable", t.Err.Error(), ""}}))
	}
	if t.Refused != nil {
		var b outline
		writeRefused(&b, t.Refused)
		all.add(junitSuite{Name: "change"}.with(junitCase{Class: "change", Name: "the cmdlets accept it", Failure: &junitProblem{"refused", "the cmdlets would refuse the change", b.String()}}))
	}
	for _, s := range t.Suites {
		var suite junitSuite
		suite.Name = s.Name
		suite.Cases = s.junit()
		if s.untested() {
			suite.add(junitCase{Class: s.Name, Name: "something is expected", Failure: &junitProblem{"untested", "nothing is expected", ""}})
		}
		all.add(suite.counted())
	}
	if s := t.Snapshot; s != nil {
		all.add(s.junit())
	}
	if t.Coverage != nil {
		c := junitCase{Class: "coverage", Name: fmt.Sprintf("at least %d %%", t.Least)}
		if !t.covered() {
			c.Failure = &junitProblem{"coverage", fmt.Sprintf("%d %%", t.Coverage.Percent()), ""}
		}
		all.add(junitSuite{Name: "coverage"}.with(c))
	}
	if t.Untested() && len(t.Suites) == 0 {
		all.add(junitSuite{Name: "expectations"}.with(junitCase{Class: "expectations", Name: "there are some",
			Failure: &junitProblem{"untested", "nothing is expected of this topology", ""}}))
	}
	return all.write(w)
}

// write writes XML. Characters that it cannot hold are replaced.
func (s junitSuites) write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuites) add(one junitSuite) {
	s.Tests, s.Failures, s.Errors = s.Tests+one.Tests, s.Failures+one.Failures, s.Errors+one.Errors
	s.Suites = append(s.Suites, one)
}

func (s *junitSuite) add(c junitCase) { s.Cases = append(s.Cases, c) }

func (s junitSuite) with(c junitCase) junitSuite {
	s.add(c)
	return s.counted()
}

// counted fills in the numbers.
func (s junitSuite) counted() junitSuite {
	s.Tests, s.Failures, s.Errors, s.Skipped = len(s.Cases), 0, 0, 0
	for _, c := range s.Cases {
		switch {
		case c.Error != nil:
			s.Errors++
		case c.Failure != nil:
			s.Failures++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	return s
}

// junit returns the tests of a suite, no two of one class and name: what is wanted is added where several have one question, and where even
// that is the same, a number.
func (s TestSuite) junit() (cases []junitCase) {
	type id struct{ class, name string }
	count := func() map[id]int {
		n := make(map[id]int)
		for _, c := range cases {
			n[id{c.Class, c.Name}]++
		}
		return n
	}
	var lines []string
	for e := range s.expectations {
		c := e.junit(s.Name)
		cases = append(cases, c)
		line := c.Name
		if e.result != nil {
			line = e.result.Case.String()
		}
		lines = append(lines, line)
	}
	n := count()
	for i := range cases {
		if c := &cases[i]; n[id{c.Class, c.Name}] > 1 {
			c.Name = lines[i]
		}
	}
	n = count()
	seen := make(map[id]int)
	for i := range cases {
		c := &cases[i]
		k := id{c.Class, c.Name}
		if seen[k]++; n[k] > 1 {
			c.Name += fmt.Sprintf(" (%d)", seen[k])
		}
	}
	return cases
}

func (e expectation) junit(suite string) junitCase {
	c := junitCase{Class: suite, Name: e.name}
	if e.group != "" {
		c.Class += "." + e.group
	}
	if e.result != nil {
		if e.section != "" { // a line of the section is none of the file
			c.Class, c.File = suite+"."+e.section, suite
		} else {
			c.File, c.Line = e.result.Case.Source.File, e.result.Case.Source.Line
		}
	}
	if e.holds {
		return c
	}
	p := &junitProblem{"failure", e.message(), e.text()}
	if e.broken {
		p.Type, c.Error = "cannot be asked", p
	} else {
		c.Failure = p
	}
	return c
}

// message is what does not hold, in one line.
func (e expectation) message() string {
	switch {
	case e.result == nil && e.broken:
		return strings.TrimSpace(e.text())
	case e.result == nil:
		return "does not hold"
	case e.result.Err != nil:
		return e.result.Err.Error()
	}
	var got []string
	for _, f := range e.result.Failures {
		if slices.Contains(got, f.Got) {
			continue
		}
		if len(got) == 3 {
			got = append(got, "...")
			break
		}
		got = append(got, f.Got)
	}
	return strings.Join(got, "; ") + " instead of " + wantedText(e)
}

func wantedText(e expectation) string {
	if w := e.result.Case.Wanted(); w != "" {
		return w
	}
	return e.result.Case.Question()
}

func (s *SnapshotChange) junit() junitSuite {
	suite := junitSuite{Name: s.Name}
	if s.holds() {
		return suite.with(junitCase{Class: s.Name, Name: "no source changes hands"})
	}
	add := func(m movement, who string) {
		var b outline
		m.write(&b, "", who)
		suite.add(junitCase{Class: s.Name, Name: m.Server + ": " + who, Failure: &junitProblem{"moved", ranges(m.Addrs), b.String()}})
	}
	for _, m := range merged(s.Moves) {
		add(m, m.who())
	}
	for _, m := range merged(s.Unsettled) {
		add(m, orRefused(m.From)+", or another one")
	}
	for _, u := range s.Unsaid {
		var b outline
		writeApart(&b, u)
		suite.add(junitCase{Class: s.Name, Name: fmt.Sprintf("%s %s: the snapshot says who is served, now %s", u.Server, u.Local, orRefused(u.Connector)),
			Failure: &junitProblem{"lost", ranges(u.Addrs), b.String()}})
	}
	return suite.counted()
}
