package audit

import (
	"context"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Plan is what to do on one server: safe fixes of its findings above notes that are not accepted, one after the other, the most severe first. It was made to a copy and
// audited again after each of them.
type Plan struct {
	Server string
	Steps  []Step           // in an order the cmdlets accept: as far as they do, removals before additions
	Moves  []connector.Move // everything the plan moves
	Solved []Finding        // findings of today that are gone afterwards, or smaller, or less severe
	Left   []Finding        // findings afterwards that today has as well
	New    []Finding        // findings that come with it, each less severe than one that is solved
}

// Step is one change of a plan.
type Step struct {
	Change connector.Change
	Why    []string // for each fix it belongs to: the finding and the idea
}

// Changes returns the changes of the steps.
func (p Plan) Changes() []connector.Change {
	changes := make([]connector.Change, len(p.Steps))
	for i, s := range p.Steps {
		changes[i] = s.Change
	}
	return changes
}

// mostRounds is how many fixes are made to one server at most.
const mostRounds = 200

// Plans returns a plan for each server with a finding above a note, in the order of the servers' names; one without steps where no finding
// has a safe fix. Checks are as in [Run].
//
// It is greedy: the first safe fix of the most severe finding is made to a copy, and the server is audited again, until no finding has
// one. What the fixes do to one connector becomes one change, as far as the cmdlets accept that. As a change of one server does not
// matter to another, plans can be carried out in any order.
func Plans(ctx context.Context, t *connector.Topology, checks ...*Check) ([]Plan, error) {
	if len(checks) == 0 {
		checks = All()
	}
	p, err := newPass(ctx, t, checks)
	if err != nil {
		return nil, err
	}
	var plans []Plan
	for _, server := range p.servers {
		plan, err := p.plan(server)
		if err != nil {
			return nil, err
		}
		if len(plan.Steps) > 0 || slices.ContainsFunc(plan.Left, func(f Finding) bool { return f.Severity > Note && f.Accepted == "" }) {
			plans = append(plans, plan)
		}
	}
	return plans, nil
}

// plan makes the plan of one server.
func (p *Pass) plan(server string) (Plan, error) {
	before := p.only(server)
	t, x := before, p.Index
	var steps []Step
	var today, later []Finding
	for round := range mostRounds {
		q := &Pass{Topology: t, Index: x, ctx: p.ctx, checks: p.checks, traffic: p.traffic, connectors: connectorsOf(t), servers: []string{server}, drift: p.drift}
		if err := q.run(); err != nil {
			return Plan{}, err
		}
		later = fold(q.findings)
		accept(later, p.Topology.Accepted)
		slices.SortStableFunc(later, Finding.compare)
		if round == 0 {
			today = later
		}
		f, fix, ok := firstSafe(later)
		if !ok {
			break
		}
		next, err := t.Apply(fix.Changes...)
		if err != nil {
			return Plan{}, err
		}
		for _, c := range fix.Changes {
			steps = append(steps, Step{c, []string{f.Check + " " + f.Subject.String() + ": " + fix.Title}})
		}
		t = next
		if x, err = connector.Compile(t); err != nil {
			return Plan{}, err
		}
	}
	plan := Plan{Server: server, Steps: arranged(before, steps)}
	if len(steps) == 0 {
		plan.Left = later
		return plan, nil
	}
	start, err := connector.Compile(before)
	if err != nil {
		return Plan{}, err
	}
	plan.Moves = connector.Diff(start, x)
	for _, f := range today {
		if !slices.ContainsFunc(later, func(l Finding) bool { return l.covers(f) }) {
			plan.Solved = append(plan.Solved, f)
		}
	}
	for _, l := range later {
		if slices.ContainsFunc(today, func(f Finding) bool { return f.covers(l) }) {
			plan.Left = append(plan.Left, l)
		} else {
			plan.New = append(plan.New, l)
		}
	}
	return plan, nil
}

// firstSafe returns the most severe finding above a note that is not accepted and has a safe fix, and the best of these.
func firstSafe(fs []Finding) (Finding, Fix, bool) {
	for _, f := range fs {
		for _, fix := range f.Fixes {
			if fix.Safe && f.Severity > Note && f.Accepted == "" {
				return f, fix, true
			}
		}
	}
	return Finding{}, Fix{}, false
}

// arranged brings steps into an order that the cmdlets accept: one change for each connector, removals before additions; where that is
// refused, with what a connector loses and what it gets apart; else as they were found, one by one.
func arranged(t *connector.Topology, steps []Step) []Step {
	whole := composed(steps)
	for _, order := range [][]Step{removalsFirst(whole), removalsFirst(split(whole))} {
		if t.ValidateAll(Plan{Steps: order}.Changes()...) == nil {
			return order
		}
	}
	return steps
}

// composed makes one step of all that touch one connector, where it is touched first.
func composed(steps []Step) (all []Step) {
	for _, s := range steps {
		i := slices.IndexFunc(all, func(o Step) bool { return o.Change.After != nil && o.Change.After.ID.Equal(s.Change.Target) })
		if i >= 0 {
			if both, err := all[i].Change.Then(s.Change); err == nil {
				all[i].Change = both
				for _, why := range s.Why {
					if !slices.Contains(all[i].Why, why) {
						all[i].Why = append(slices.Clip(all[i].Why), why)
					}
				}
				continue
			}
		}
		all = append(all, s)
	}
	return slices.DeleteFunc(all, func(s Step) bool { return s.Change.IsNoop() })
}

// removalsFirst sorts steps: what takes something away, what only adds, what creates.
func removalsFirst(steps []Step) []Step {
	rank := func(s Step) int {
		_, removed := s.Change.Ranges()
		switch c := s.Change; {
		case c.Before == nil:
			return 2
		case c.After == nil || len(removed) > 0 || c.After.Disabled && !c.Before.Disabled:
			return 0
		}
		return 1
	}
	sorted := slices.Clone(steps)
	slices.SortStableFunc(sorted, func(a, b Step) int { return rank(a) - rank(b) })
	return sorted
}

// split makes two steps of one that takes ranges from a connector and does something else to it.
func split(steps []Step) (all []Step) {
	for _, s := range steps {
		c := s.Change
		if c.Before == nil || c.After == nil {
			all = append(all, s)
			continue
		}
		_, removed := c.Ranges()
		first := connector.RemoveRanges(*c.Before, removed...)
		if len(removed) == 0 || len(first.After.RemoteIPRanges) == 0 || first.After.Equal(*c.After) {
			all = append(all, s)
			continue
		}
		all = append(all, Step{first, s.Why}, Step{connector.Change{Target: c.Target, Before: first.After, After: c.After}, s.Why})
	}
	return all
}
