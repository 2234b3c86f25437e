package audit

import (
	"fmt"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// manyRanges is from how many entries on a connector is reported: four fifths of what the directory may refuse at the earliest.
const manyRanges = 960

var rc011 = &Check{
	ID:       "RC011",
	Title:    "connector is close to the limit of remote ranges",
	Severity: Note,
	Run:      checkRC011,
	Doc: `The directory holds 1,200 to 1,300 entries of RemoteIPRanges of one connector, whatever form they have; the
next Set-ReceiveConnector beyond that fails with "The administrative limit for this request was exceeded". From 960 on
a connector is reported.

The fix writes the same addresses as fewer entries: neighbours become one range. A larger range is a less specific one,
so that could hand sources to other connectors; where it would, or where the cmdlets would refuse the range, the entries stay as they
are. What is offered moves no source, and is proved not to.

Source: the limit: KB on RemoteIPRanges (documented); the numbers: observed.`,
}

func checkRC011(p *Pass) error {
	for _, c := range p.Connectors() {
		n := len(c.RemoteIPRanges)
		if n < manyRanges {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: Certain, Message: fmt.Sprintf("lists %d ranges; the directory refuses more than 1,200 to 1,300", n)}
		p.reportWith(f, func() [][]candidate {
			var stay netipx.IPSetBuilder
			rs := p.edit(c, connector.IPSet(c.RemoteIPRanges...)).settle(true, func(moved *netipx.IPSet) []connector.Range {
				stay.AddSet(moved)
				set, _ := stay.IPSet() // valid ranges do not fail
				return merged(c.RemoteIPRanges, set)
			})
			if rs == nil {
				return nil
			}
			return [][]candidate{{{kind: FixCompact, title: fmt.Sprintf("write the same addresses as %d entries", len(rs)), changes: []connector.Change{
				connector.Edit(c, func(e *connector.ReceiveConnector) { e.RemoteIPRanges = rs })}}}}
		})
	}
	return nil
}

// merged returns fewer ranges that hold the same addresses. Those that hold some of stay are left as they are.
func merged(rs []connector.Range, stay *netipx.IPSet) []connector.Range {
	var kept, others []connector.Range
	for _, r := range rs {
		if stay.OverlapsRange(r.Span()) {
			kept = append(kept, r)
		} else {
			others = append(others, r)
		}
	}
	return append(kept, connector.RangesOf(connector.IPSet(others...))...)
}
