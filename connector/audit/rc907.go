package audit

import (
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc907 = &Check{
	ID:       "RC907",
	Title:    "two sources contradict each other",
	Severity: Warning,
	Run:      checkRC907,
	Doc: `Two files, or two places in one, tell a property of one server or connector differently: exports of two days,
or a file that was edited. The value that was read first is used, and as nobody can tell from here which holds, every
answer that rests on it carries the doubt Missing.

Leaving the older file out settles it. The reader's warnings name both places.

Source: the files that were read.`,
}

func checkRC907(p *Pass) error {
	report := func(id connector.ID, conflicting connector.Properties) {
		if conflicting != 0 {
			p.Report(Finding{Subject: id, Certainty: Certain,
				Message: fmt.Sprintf("told differently in two places: %s; leave the older file out", conflicting)})
		}
	}
	for _, c := range p.Connectors() {
		report(c.ID, c.Conflicting)
	}
	s := p.Record()
	report(connector.ID{Server: s.Name}, s.Conflicting)
	return nil
}
