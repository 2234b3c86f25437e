package topotest

import (
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// Findings asks about the findings of an audit, without those that the topology accepts. All findings match the zero value.
type Findings struct {
	Checks   string         // IDs and beginnings of IDs, see audit.ParseChecks
	Severity audit.Severity // the least that counts
	Subject  string         // a scope, as of connector.Acceptance
}

// check tells what is wrong with the question.
func (f Findings) check() error {
	if f.Severity > audit.Error {
		return invalid("there is no such severity")
	}
	if f.Checks != "" {
		if _, err := audit.ParseChecks(f.Checks); err != nil {
			return err
		}
	}
	return plain(f.Subject)
}

// String prints the question about findings as a line of a file has it, if there must be none: "no finding RC001 of EX01\Relay".
func (f Findings) String() string { return f.question(false) }

func (f Findings) question(found bool) string {
	text := "no finding"
	if found {
		text = "finding"
	}
	if f.Checks != "" {
		text += " " + strings.ReplaceAll(f.Checks, " ", "")
	}
	if f.Severity != 0 {
		text += " " + f.Severity.String()
	}
	if f.Subject != "" {
		text += " of " + word(f.Subject)
	}
	return text
}

func (e *evaluator) askFindings(r *Result) error {
	f := r.Case.Findings
	if r.Err = e.subject(f.Subject); r.Err != nil {
		return nil
	}
	checks := audit.All()
	if f.Checks != "" {
		checks, _ = audit.ParseChecks(f.Checks) // Case.check has seen to it
	}
	if err := e.audit(); err != nil {
		return err
	}
	found := 0
	for i, o := range e.findings {
		if !f.match(o, checks) {
			continue
		}
		found++
		if !r.Case.Found {
			r.Failures = append(r.Failures, Failure{Got: o.Check + " " + o.Severity.String() + " " + o.Subject.String(), Finding: &e.findings[i]})
		}
	}
	r.Asked = max(1, found)
	if r.Case.Found && found == 0 {
		r.Failures = append(r.Failures, Failure{Got: "no such finding"})
	}
	return nil
}

// subject tells whether a scope has anything in it that a finding could be about: one of which nothing is found must be there.
func (e *evaluator) subject(scope string) error {
	if !asked(scope) {
		return nil
	}
	about := connector.Acceptance{Check: "any", Subject: scope}
	for _, s := range e.servers {
		if about.Covers("any", connector.ID{Server: s.Name}, nil) {
			return nil
		}
	}
	for _, c := range e.t.Connectors {
		if about.Covers("any", c.ID, nil) {
			return nil
		}
	}
	return notFound("no server and no connector is called " + scope)
}

// audit runs all checks, once: some fold what others say, so that a part of them would tell something else.
func (e *evaluator) audit() (err error) {
	if !e.audited {
		e.audited = true
		e.findings, err = audit.Run(e.ctx, e.t)
	}
	return err
}

// match tells whether the question is about a finding.
func (f Findings) match(o audit.Finding, checks []*audit.Check) bool {
	return o.Accepted == "" && o.Severity >= f.Severity && slices.ContainsFunc(checks, func(c *audit.Check) bool { return c.ID == o.Check }) &&
		connector.Acceptance{Check: o.Check, Subject: f.Subject}.Covers(o.Check, o.Subject, o.Addrs)
}
