package audit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Severity ranks findings. Severities ascend; zero is not set.
type Severity uint8

const (
	Note Severity = iota + 1
	Warning
	Error
)

// String prints "note", "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Note:
		return "note"
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return ""
}

// ParseSeverity reads what String prints. Every error is a [*connector.ParseError].
func ParseSeverity(s string) (Severity, error) {
	for v := Note; v <= Error; v++ {
		if strings.EqualFold(s, v.String()) {
			return v, nil
		}
	}
	return 0, &connector.ParseError{Kind: "severity", Input: s, Err: connector.ErrUnknownName}
}

// Certainty tells how much a finding rests on what is not known. Zero is not set.
type Certainty uint8

const (
	// Certain follows from the topology.
	Certain Certainty = iota + 1
	// PossiblyTrue rests on traffic that may not occur, on an address that may not be used, or on a decision in doubt.
	PossiblyTrue
	// CannotTell: a property that decides it is missing.
	CannotTell
)

// String prints "certain", "possible" or "unknown".
func (c Certainty) String() string {
	switch c {
	case Certain:
		return "certain"
	case PossiblyTrue:
		return "possible"
	case CannotTell:
		return "unknown"
	}
	return ""
}

// under returns the severity a finding of this certainty has, given that of its check: a step less if it is only
// possible, a note if it cannot be told.
func (c Certainty) under(s Severity) Severity {
	switch c {
	case PossiblyTrue:
		return max(Note, s-1)
	case CannotTell:
		return Note
	}
	return s
}

// Finding is one thing that is wrong.
type Finding struct {
	Check     string // ID of the check
	Severity  Severity
	Certainty Certainty
	Subject   connector.ID // the connector; a server alone if no connector is to blame
	Source    connector.Source
	Message   string
	Accepted  string             // the reason why the topology accepts it; empty if it does not
	Addrs     []connector.Range  // exactly the sources concerned
	Flows     []connector.Flow   // that break, or may
	Witness   *connector.Verdict // one connection that shows it
	Related   []connector.ID     // other connectors that matter, the nearest first
	Moves     []connector.Move   // RC010: what would move to this server's connectors from those of the others
	// Fixes are proved, the best first: what moves no other address before what does, what lets nobody relay who could not, what
	// offers nobody else anything that another connector is there for, then the fewest ranges, the fewest changes, and the order of FixKind.
	// Where no mail between servers fails, fixes are tried for the first 20 findings of a check on a server.
	Fixes    []Fix
	settled  bool       // a caution about a control whose purpose is met
	Rejected []Rejected // what was tried beside and is no fix, in the order of FixKind
}

// compare orders findings: those that are not accepted first, of these the most severe, then by check and subject.
func (f Finding) compare(o Finding) int {
	return cmp.Or(cmp.Compare(one(f.Accepted != ""), one(o.Accepted != "")), cmp.Compare(o.Severity, f.Severity), strings.Compare(f.Check, o.Check), f.Subject.Compare(o.Subject),
		strings.Compare(f.Message, o.Message))
}

// same tells whether two findings of two audits are about the same thing.
func (f Finding) same(o Finding) bool {
	return f.Check == o.Check && f.Subject.Equal(o.Subject)
}

// contains tells whether all the addresses are among f's.
func (f Finding) contains(rs []connector.Range) bool {
	set := connector.IPSet(f.Addrs...)
	return !slices.ContainsFunc(rs, func(r connector.Range) bool { return !set.ContainsRange(r.Span()) })
}
