package topotest

import (
	"context"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// todayOf returns cases that ask what cases ask about and want what there is: a case that holds, or cannot be asked, as it is.
func todayOf(t *connector.Topology, cases []Case) ([]Case, error) {
	ctx := context.Background()
	results, err := Evaluate(ctx, t, cases)
	if err != nil {
		return nil, err
	}
	a, err := newAsker(t)
	if err != nil {
		return nil, err
	}
	e := &evaluator{asker: a, ctx: ctx}
	var today []Case
	for _, r := range results {
		c := r.Case
		switch {
		case r.Holds() || r.Err != nil:
			today = append(today, c)
		case c.Flow != nil:
			today = append(today, e.todaysFlows(c)...)
		case c.Findings != nil:
			c.Found = !c.Found
			today = append(today, c)
		default:
			today = append(today, e.todaysConnections(c)...)
		}
	}
	return today, nil
}

// todaysConnections returns cases that ask what a case asks and want what there is: one for each answer at each endpoint, if they differ.
func (e *evaluator) todaysConnections(c Case) (cases []Case) {
	q, _ := e.question(c) // it was asked before
	ps, _ := e.pieces(c, q)
	groups := e.answered(c, q, ps)
	for _, g := range groups {
		one := g.got
		one.Name, one.Why, one.Group = c.Name, c.Why, c.Group
		if len(groups) > 1 {
			one.Conn, one.From = connector.Conn{Server: g.first.server, Local: g.first.local}, rangeList(g.addrs)
		}
		cases = append(cases, one)
	}
	return cases
}

// todaysFlows returns cases that ask about the flows that a case is about and want what there is: one, if all get the same, else one each.
func (e *evaluator) todaysFlows(c Case) (cases []Case) {
	var asked, outside []audit.FlowResult
	index := newFlowIndex()
	index.add(*c.Flow)
	for f := range audit.EachFlow(e.t, e.x) {
		for range index.about(f.Flow) {
			if f.State == audit.FlowOutside {
				outside = append(outside, f)
			} else {
				asked = append(asked, f)
			}
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
