package audit

import (
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// violated returns what New-ReceiveConnector would refuse of a connector as it is, by one of some rules, if it were alone on its server.
func (p *Pass) violated(c connector.ReceiveConnector, rules ...connector.RefusalRule) (refusals []*connector.Refusal) {
	s := p.spaceOf()
	all, known := s.violations[c.ID]
	if !known {
		t := p.only(p.Server)
		t.Connectors = nil
		few := c // none of the rules about a connector alone looks at more than one range
		few.RemoteIPRanges = c.RemoteIPRanges[:min(1, len(c.RemoteIPRanges))]
		all = connector.Refusals(t.Validate(connector.Create(few)))
		s.violations[c.ID] = all
	}
	for _, r := range all {
		if slices.Contains(rules, r.Rule) {
			refusals = append(refusals, r)
		}
	}
	return refusals
}

// setting proposes an edit of a connector.
func setting(title string, c connector.ReceiveConnector, edit func(*connector.ReceiveConnector)) candidate {
	return candidate{kind: FixSetting, title: title, changes: []connector.Change{connector.Edit(c, edit)}}
}

// reportViolations reports every connector of the server of which the cmdlets would refuse what a rule is about, with edits of which
// each would do.
func (p *Pass) reportViolations(fixes func(connector.ReceiveConnector) []candidate, rules ...connector.RefusalRule) {
	for _, c := range p.Connectors() {
		for _, r := range p.violated(c, rules...) {
			p.reportWith(Finding{Subject: c.ID, Certainty: Certain, Message: r.Text}, func() (groups [][]candidate) {
				for _, f := range fixes(c) {
					groups = append(groups, []candidate{f})
				}
				return groups
			})
		}
	}
}
