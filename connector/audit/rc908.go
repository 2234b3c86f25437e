package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc908 = &Check{
	ID:       "RC908",
	Title:    "an acceptance that no finding needs",
	Severity: Note,
	Run:      func(*Pass) error { return nil }, // asked once all findings are known, see [Pass.unneeded]
	Doc: `The topology file accepts findings that are not there: what was accepted has been mended, the connector has another name,
or the addresses went beyond those that were accepted, and then the finding is reported as not accepted. An acceptance that stays
behind would hide the next fault of its kind.

Take the entry out of "accepted", or correct its scope.

Source: the files that were read.`,
}

// accept notes in the findings which are accepted, and why, and returns the positions of the acceptances that were needed.
func accept(fs []Finding, all []connector.Acceptance) (needed map[int]bool) {
	needed = make(map[int]bool)
	for i := range fs {
		for j, a := range all {
			if a.Covers(fs[i].Check, fs[i].Subject, fs[i].Addrs) {
				fs[i].Accepted = cmp.Or(fs[i].Accepted, a.Reason) // that of the first
				needed[j] = true
			}
		}
	}
	return needed
}

// names tells whether the scope of an acceptance holds any connector or server.
func (p *Pass) names(subject string) bool {
	a := connector.Acceptance{Check: "RC", Subject: subject}
	for _, s := range p.Topology.AllServers() {
		if a.Covers("RC", connector.ID{Server: s.Name}, nil) {
			return true
		}
	}
	return slices.ContainsFunc(p.Topology.Connectors, func(c connector.ReceiveConnector) bool { return a.Covers("RC", c.ID, nil) })
}

// unneeded returns a finding for each acceptance of the checks that ran that no finding needs.
func (p *Pass) unneeded(needed map[int]bool) (fs []Finding) {
	for i, a := range p.Topology.Accepted {
		ran := slices.ContainsFunc(p.checks, func(c *Check) bool { return strings.EqualFold(c.ID, a.Check) })
		exists := slices.ContainsFunc(All(), func(c *Check) bool { return strings.EqualFold(c.ID, a.Check) })
		if needed[i] || exists && !ran {
			continue
		}
		f := Finding{Check: rc908.ID, Severity: Note, Certainty: Certain, Source: a.Source, Addrs: a.Ranges, Message: fmt.Sprintf("nothing is found that needs the acceptance: %s", a)}
		if !exists {
			f.Message = fmt.Sprintf("there is no check %s: %s", a.Check, a)
		} else if !p.names(a.Subject) {
			f.Message = fmt.Sprintf("no connector and no server is called %s: %s", a.Subject, a)
		}
		f.Subject.Server, f.Subject.Name, _ = strings.Cut(a.Subject, `\`)
		fs = append(fs, f)
	}
	return fs
}
