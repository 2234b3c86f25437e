package report

import (
	"cmp"
	"fmt"
	"io"

	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// junit writes the findings as tests, see [Format.Audit].
func (a Audit) junit(w io.Writer) error {
	all := junitSuites{Name: "audit"}
	for _, c := range a.checks() {
		suite := junitSuite{Name: c.ID + " " + c.Title}
		seen, named := make(map[string]int), make(map[string]int)
		for _, f := range a.Findings {
			if f.Check == c.ID {
				named[f.Subject.String()]++
			}
		}
		for _, f := range a.Findings {
			if f.Check != c.ID {
				continue
			}
			test := a.test(f)
			if named[test.Name] > 1 {
				test.Name += ": " + f.Message
			}
			if seen[test.Name]++; seen[test.Name] > 1 {
				test.Name += fmt.Sprintf(" (%d)", seen[test.Name])
			}
			suite.add(test)
		}
		if len(suite.Cases) == 0 {
			suite.add(junitCase{Class: c.ID, Name: "nothing found"})
		}
		all.add(suite.counted())
	}
	if a.Flows != nil && a.Checks == nil && a.FailOn <= audit.Error {
		all.add(a.flowTests())
	}
	return all.write(w)
}

// test is a finding: it fails if it is as severe as what counts, is skipped if it is accepted, and else tells what it has to say.
func (a Audit) test(f audit.Finding) junitCase {
	var b outline
	a.finding(&b, []audit.Finding{f})
	c := junitCase{Class: f.Check, Name: f.Subject.String(), File: f.Source.File, Line: f.Source.Line}
	switch {
	case f.Accepted != "":
		c.Skipped = &junitSkipped{"accepted: " + f.Accepted}
	case f.Severity >= cmp.Or(a.FailOn, audit.Error):
		c.Failure = &junitProblem{f.Severity.String(), f.Message, b.String()}
	default:
		c.Output = b.String()
	}
	return c
}

// flowTests are the required flows that fail, or that none does.
func (a Audit) flowTests() junitSuite {
	suite := junitSuite{Name: "required flows between servers"}
	for r := range a.Flows {
		if r.Broken() {
			suite.add(junitCase{Class: "flows", Name: r.Flow.String(), Failure: &junitProblem{r.State.String(), "taken by " + takenBy(r.Witness), r.Witness.Cause.Basis().String()}})
		}
	}
	if len(suite.Cases) == 0 {
		suite.add(junitCase{Class: "flows", Name: "none is known to fail"})
	}
	return suite.counted()
}

// checks are those that were run.
func (a Audit) checks() []*audit.Check {
	if a.Checks == nil {
		return audit.All()
	}
	return a.Checks
}
