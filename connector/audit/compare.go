package audit

import (
	"context"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Comparison is what becomes of everything when a topology changes.
type Comparison struct {
	Before, After *connector.Topology
	Changes       []connector.Change // of the connectors, those of [WhatIf], or what makes After of Before
	Moves         []connector.Move   // see [connector.Diff]
	Unsettled     []connector.Move   // see [connector.Unsettled]
	Findings      []FindingChange    // in the order of findings, those that appear or grow first
	Flows         []FlowChange       // that end otherwise, those that break first, in the order of [Flows]
	Access        []AccessChange     // what clients can do that they could not, or no longer, by server, endpoint and first address
	// Endpoints is how many local endpoints were compared on the servers whose connectors change, each over the whole address space of
	// its family; Doubt is that of all answers there, before and after.
	Endpoints int
	Doubt     connector.Doubt
}

// Change is how something changes for whoever runs the servers. Zero is not set.
type Change uint8

const (
	Worse  Change = iota + 1 // it appears, grows, gets more severe; a flow breaks
	Better                   // it goes, shrinks, gets less severe; a flow heals
	Other                    // neither is sure: some of both, or what cannot be told
)

// String prints "worse", "better" or "other".
func (c Change) String() string {
	switch c {
	case Worse:
		return "worse"
	case Better:
		return "better"
	case Other:
		return "other"
	}
	return ""
}

// FindingChange is a finding before and after, without its fixes. One of them may be nil.
type FindingChange struct{ Before, After *Finding }

// Change tells whether the finding appeared or grew ([Worse]), went or shrank ([Better]), or some of both ([Other]).
func (f FindingChange) Change() Change {
	switch {
	case f.Before == nil:
		return Worse
	case f.After == nil:
		return Better
	}
	was, is := f.Before.covers(*f.After), f.After.covers(*f.Before)
	switch {
	case was && !is:
		return Better
	case is && !was:
		return Worse
	}
	return Other
}

// finding returns what there is, the later one first.
func (f FindingChange) finding() Finding {
	if f.After != nil {
		return *f.After
	}
	return *f.Before
}

// FlowChange is a flow whose fate changes. A state of zero means that there is no such flow.
type FlowChange struct {
	Flow          connector.Flow
	Before, After FlowState
	Witness       *connector.Verdict // of the first connection that fails or is not decided afterwards, else before; nil if there is none
}

// Change tells whether the flow breaks, heals, or neither.
func (f FlowChange) Change() Change {
	was, is := f.Before.rank(), f.After.rank()
	passed := f.Before == FlowPasses || f.Before == FlowPartly
	switch {
	case passed && (f.After == FlowNoListener || f.After == FlowNoTarget): // there was one, so this is no gap of an export
		return Worse
	case is > 1 && is > was && (was > 0 || f.Before == 0):
		return Worse
	case was > 1 && is > 0 && is < was:
		return Better
	}
	return Other
}

// rank orders the states that are sure: 1 is best, 0 is for the others.
func (s FlowState) rank() int {
	return map[FlowState]int{FlowPasses: 1, FlowPartly: 2, FlowFails: 3}[s]
}

// WhatIf tells what becomes of everything if the changes are made to t one after the other; that the cmdlets accept them is not asked.
// Checks are as in [Run]. A connector that gets another name and nothing else makes no difference; elsewhere it goes by its new name. The
// errors are those of [Run] and [connector.Topology.Apply].
func WhatIf(ctx context.Context, t *connector.Topology, changes []connector.Change, checks ...*Check) (*Comparison, error) {
	after, err := t.Apply(changes...)
	if err != nil {
		return nil, err
	}
	c, err := compare(ctx, renamed(t, changes), after, changes, checks)
	if err != nil {
		return nil, err
	}
	c.Before = t
	c.Moves, err = connector.WhatIf(t, changes...)
	return c, err
}

// renamed returns t with the names that its connectors have after the changes. One that goes, and whose name another one gets, has a name
// that is no other's.
func renamed(t *connector.Topology, changes []connector.Change) *connector.Topology {
	t = t.Clone()
	names := connector.Renamed(changes...)
	taken := make(map[connector.ID]bool)
	for _, is := range names {
		taken[is.Key()] = true
	}
	for i := range t.Connectors {
		c := &t.Connectors[i]
		is, differs := names[c.ID]
		switch {
		case differs && !is.IsZero():
			c.ID = is
		case differs && taken[c.ID.Key()]:
			c.ID.Name += " (removed)"
		}
	}
	return t
}

// Compare tells what differs between two topologies. Checks are as in [Run]. The errors are those of [Run].
func Compare(ctx context.Context, before, after *connector.Topology, checks ...*Check) (*Comparison, error) {
	return compare(ctx, before, after, connector.Changes(before, after), checks)
}

func compare(ctx context.Context, before, after *connector.Topology, changes []connector.Change, checks []*Check) (*Comparison, error) {
	x, err := connector.Compile(before)
	if err != nil {
		return nil, err
	}
	y, err := connector.Compile(after)
	if err != nil {
		return nil, err
	}
	was, err := found(ctx, before, checks)
	if err != nil {
		return nil, err
	}
	is, err := found(ctx, after, checks)
	if err != nil {
		return nil, err
	}
	c := &Comparison{Before: before, After: after, Changes: changes, Moves: connector.Diff(x, y), Unsettled: connector.Unsettled(x, y),
		Findings: findingChanges(was, is), Flows: flowChanges(Flows(before, x), Flows(after, y))}
	for _, s := range c.Servers() {
		locals := endpoints(x, y, s)
		c.Endpoints += len(locals)
		c.Access = append(c.Access, accessChanges(x, y, s, locals, allAccess)...)
		for _, local := range locals {
			for _, i := range []*connector.Index{x, y} {
				for _, m := range i.Regions(s, local) {
					c.Doubt |= m.Doubt()
				}
			}
		}
	}
	return c, nil
}

// found is Run without fixes.
func found(ctx context.Context, t *connector.Topology, checks []*Check) ([]Finding, error) {
	if len(checks) == 0 {
		checks = All()
	}
	p, err := newPass(ctx, t, checks)
	if err != nil {
		return nil, err
	}
	p.proving = true
	if err := p.run(); err != nil {
		return nil, err
	}
	return p.settled(), nil
}

// findingChanges pairs findings about the same thing, those with the same words first, and leaves out what stays.
func findingChanges(was, is []Finding) []FindingChange {
	paired := make([]bool, len(was))
	about := make(map[string][]int) // the findings of before about one subject
	subject := func(f Finding) string { return f.Check + " " + key(f.Subject.String()) }
	for i, f := range was {
		about[subject(f)] = append(about[subject(f)], i)
	}
	pair := func(l Finding, sameWords bool) *Finding {
		for _, i := range about[subject(l)] {
			if !paired[i] && (was[i].Message == l.Message || !sameWords) {
				paired[i] = true
				return &was[i]
			}
		}
		return nil
	}
	all := make([]FindingChange, len(is))
	for _, sameWords := range []bool{true, false} {
		for i := range is {
			all[i].After = &is[i]
			if all[i].Before == nil {
				all[i].Before = pair(is[i], sameWords)
			}
		}
	}
	for i := range was {
		if !paired[i] {
			all = append(all, FindingChange{Before: &was[i]})
		}
	}
	all = slices.DeleteFunc(all, func(c FindingChange) bool {
		return c.Before != nil && c.After != nil && c.Before.covers(*c.After) && c.After.covers(*c.Before)
	})
	slices.SortStableFunc(all, func(a, b FindingChange) int {
		if c := int(a.Change()) - int(b.Change()); c != 0 {
			return c
		}
		return a.finding().compare(b.finding())
	})
	return all
}

// flowChanges pairs the flows of two topologies, whose need may differ, and leaves out those that end alike, and those that connectors have
// no say in.
func flowChanges(was, is []FlowResult) []FlowChange {
	same := func(f connector.Flow) connector.Flow {
		f.Need, f.Why = 0, connector.Basis{}
		return f
	}
	before := make(map[connector.Flow]FlowResult, len(was))
	for _, r := range was {
		before[same(r.Flow)] = r
	}
	var all []FlowChange
	for _, r := range is {
		b := before[same(r.Flow)]
		delete(before, same(r.Flow))
		all = append(all, FlowChange{r.Flow, b.State, r.State, first(r.Witness, b.Witness)})
	}
	for _, r := range was {
		if _, left := before[same(r.Flow)]; left {
			all = append(all, FlowChange{r.Flow, r.State, 0, r.Witness})
		}
	}
	all = slices.DeleteFunc(all, func(c FlowChange) bool {
		outside := func(s FlowState) bool { return s == 0 || s == FlowOutside }
		return c.Before == c.After || outside(c.Before) && outside(c.After) || c.Flow.Need == connector.NotNeeded
	})
	slices.SortStableFunc(all, func(a, b FlowChange) int { return int(a.Change()) - int(b.Change()) })
	return all
}

func first(verdicts ...*connector.Verdict) *connector.Verdict {
	for _, v := range verdicts {
		if v != nil {
			return v
		}
	}
	return nil
}

// Breaks tells whether mail between servers breaks: a flow that the organization depends on, or may, fails afterwards, wholly or in part,
// or has no listener any more, and passed before, or was not there. One of which it is not known afterwards does not count, and neither
// does what clients lose.
func (c *Comparison) Breaks() bool {
	return slices.ContainsFunc(c.Flows, func(f FlowChange) bool { return f.Change() == Worse })
}

// Worst returns the highest severity of findings that appear or grow and are not accepted, 0 if there are none.
func (c *Comparison) Worst() (worst Severity) {
	for _, f := range c.Findings {
		if f.After != nil && f.After.Accepted != "" {
			continue
		}
		if f.Change() == Worse || f.Change() == Other && f.After.Severity > f.Before.Severity {
			worst = max(worst, f.After.Severity)
		}
	}
	return worst
}

// Servers returns the names of the servers whose connectors change, in the order of the changes.
func (c *Comparison) Servers() (names []string) {
	for _, change := range c.Changes {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, change.Target.Server) }) {
			names = append(names, change.Target.Server)
		}
	}
	return names
}
