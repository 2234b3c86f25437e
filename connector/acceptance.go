package connector

import (
	"slices"
	"strings"
)

// Acceptance records that whoever runs the servers knows of findings of an audit and accepts them, and why. The findings are reported all
// the same, as accepted.
type Acceptance struct {
	Check string `json:"check"` // RC009
	// Subject is the scope: EX01\Relay is one connector, *\Relay those of this name on every server, EX01 or EX01\* a server with all of its
	// connectors, and nothing or * is everything. Case is ignored.
	Subject string `json:"subject,omitzero"`
	// Ranges narrow the scope to findings about nothing but these addresses; none means whatever addresses they are about.
	Ranges []Range `json:"ranges,omitzero"`
	Reason string  `json:"reason"`
	Source Source  `json:"-"`
}

// Covers tells whether a finding of a check about a connector, or about a server alone, and some addresses is accepted: if Ranges are given,
// the finding must be about addresses, and all of them be among these.
func (a Acceptance) Covers(check string, subject ID, addrs []Range) bool {
	return strings.EqualFold(a.Check, check) && a.isAbout(subject) && a.holds(addrs)
}

func (a Acceptance) isAbout(subject ID) bool {
	server, name, ok := strings.Cut(a.Subject, `\`)
	switch {
	case a.Subject == "", a.Subject == "*":
		return true
	case !ok, name == "*":
		return compareFold(server, subject.Server) == 0
	case server == "*":
		return compareFold(name, subject.Name) == 0
	}
	return subject.Equal(ID{server, name})
}

func (a Acceptance) holds(addrs []Range) bool {
	if len(a.Ranges) == 0 {
		return true
	}
	set := IPSet(a.Ranges...)
	return len(addrs) > 0 && !slices.ContainsFunc(addrs, func(r Range) bool { return !set.ContainsRange(r.Span()) })
}

// Equal tells whether two records say the same, whatever their Source.
func (a Acceptance) Equal(o Acceptance) bool {
	return a.Check == o.Check && a.Subject == o.Subject && slices.Equal(a.Ranges, o.Ranges) && a.Reason == o.Reason
}

// String prints "RC009 EX01\Relay: reason".
func (a Acceptance) String() string {
	s := a.Check
	if a.Subject != "" {
		s += " " + a.Subject
	}
	for _, r := range a.Ranges {
		s += " " + r.String()
	}
	return s + ": " + a.Reason
}
