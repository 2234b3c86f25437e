package topotest

import (
	"fmt"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// Flows asks about the flows between servers. What is empty is not asked for: all flows match the zero value. Flows on which
// receive connectors have no say are asked about only where no others match.
type Flows struct {
	From, To string // names of servers, or From that of a network; * or nothing is every one
	Purpose  connector.Purpose
	Port     uint16
	Need     connector.Need
}

// String prints the question about flows as a line of a file has it: "flow EX01 EX03 PublicFolderReplication".
func (f Flows) String() string {
	text := "flow"
	for _, name := range []string{f.From, f.To} {
		if !asked(name) {
			name = everything
			text += " " + name
			continue
		}
		text += " " + word(name)
	}
	if f.Purpose == 0 {
		text += " " + everything
	} else {
		text += " " + f.Purpose.String()
	}
	if f.Port != 0 {
		text += fmt.Sprintf(" port=%d", f.Port)
	}
	if f.Need != 0 {
		text += " need=" + f.Need.String()
	}
	return text
}

// askFlows fills in the results of all cases about flows, in one pass over the flows, of which a thousand servers have millions.
func (e *evaluator) askFlows(results []*Result) error {
	outside := make([][]Failure, len(results)) // flows on which connectors have no say, as long as there are no others
	for f := range audit.EachFlow(e.t, e.x) {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		for i, r := range results {
			switch {
			case !r.Case.Flow.match(f.Flow):
			case f.State == audit.FlowOutside:
				if r.Asked == 0 {
					outside[i] = append(outside[i], Failure{Got: f.State.String(), Flow: &f})
				}
			default:
				r.Asked++
				outside[i] = nil
				if f.State != r.Case.State {
					r.Failures = append(r.Failures, Failure{Got: f.State.String(), Flow: &f})
				}
			}
		}
	}
	for i, r := range results {
		switch {
		case r.Asked > 0:
		case len(outside[i]) == 0:
			r.Err = notFound("there is no such flow")
		default:
			r.Asked = len(outside[i])
			if r.Case.State != audit.FlowOutside {
				r.Failures = outside[i]
			}
		}
	}
	return nil
}

// todaysFlows returns cases that ask about the flows that a case is about and want what there is: one, if all get the same, else one each.
func (e *evaluator) todaysFlows(c Case) (cases []Case) {
	var asked, outside []audit.FlowResult
	for f := range audit.EachFlow(e.t, e.x) {
		switch {
		case !c.Flow.match(f.Flow):
		case f.State == audit.FlowOutside:
			outside = append(outside, f)
		default:
			asked = append(asked, f)
		}
	}
	if len(asked) == 0 {
		asked = outside
	}
	same := !slices.ContainsFunc(asked, func(f audit.FlowResult) bool { return f.State != asked[0].State })
	for _, f := range asked {
		one := c
		one.State = f.State
		if same {
			return []Case{one}
		}
		one.Flow = &Flows{From: f.Flow.From, To: f.Flow.To, Purpose: f.Flow.Purpose, Port: f.Flow.Port}
		cases = append(cases, one)
	}
	return cases
}

// match tells whether the question is about a flow.
func (f Flows) match(o connector.Flow) bool {
	named := func(want, name string) bool { return !asked(want) || key(want) == key(name) }
	return named(f.From, o.From) && named(f.To, o.To) && (f.Purpose == 0 || f.Purpose == o.Purpose) &&
		(f.Port == 0 || f.Port == o.Port) && (f.Need == 0 || f.Need == o.Need)
}
