package topotest

import (
	"cmp"
	"fmt"
	"iter"
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

// check tells what is wrong with the question, or with the state that is wanted.
func (f Flows) check(state audit.FlowState) error {
	switch {
	case state == 0:
		return invalid("nothing is wanted of the flow: passes, for example")
	case state.String() == "", f.Purpose != 0 && f.Purpose.String() == "", f.Need != 0 && f.Need.String() == "":
		return invalid("there is no such value")
	}
	return plain(f.From, f.To)
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
	index := newFlowIndex()
	for _, r := range results {
		index.add(*r.Case.Flow)
	}
	for f := range audit.EachFlow(e.t, e.x) {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		for i := range index.about(f.Flow) {
			r := results[i]
			if f.State == audit.FlowOutside {
				if r.Asked == 0 {
					outside[i] = append(outside[i], Failure{Got: f.State.String(), Flow: &f})
				}
				continue
			}
			r.Asked++
			outside[i] = nil
			if f.State != r.Case.State {
				r.Failures = append(r.Failures, Failure{Got: f.State.String(), Flow: &f})
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
		slices.SortStableFunc(r.Failures, func(a, b Failure) int { return cmp.Compare(weight(a.Flow.State), weight(b.Flow.State)) })
	}
	return nil
}

// weight orders what becomes of flows: what fails comes first, then what is not known, and what passes last.
func weight(s audit.FlowState) int {
	if s == audit.FlowPasses {
		return int(audit.FlowOutside)
	}
	return int(s)
}

// flowIndex finds the questions that are about a flow: a thousand servers have millions of flows, and a question each.
type flowIndex struct {
	keys map[string]string // of names, so that each is made once
	of   []Flows
	by   map[pair][]int // by key of sender and target; no key: every one
}

// pair is two servers, by key.
type pair struct{ from, to string }

func newFlowIndex() *flowIndex {
	return &flowIndex{keys: make(map[string]string), by: make(map[pair][]int)}
}

func (x *flowIndex) key(name string) string {
	if !asked(name) {
		return ""
	}
	k, ok := x.keys[name]
	if !ok {
		k = key(name)
		x.keys[name] = k
	}
	return k
}

// add adds a question, which is known by its number from 0 on.
func (x *flowIndex) add(f Flows) {
	p := pair{x.key(f.From), x.key(f.To)}
	x.by[p] = append(x.by[p], len(x.of))
	x.of = append(x.of, f)
}

// about yields the numbers of the questions that are about a flow.
func (x *flowIndex) about(o connector.Flow) iter.Seq[int] {
	return func(yield func(int) bool) {
		from, to := x.key(o.From), x.key(o.To)
		for _, p := range []pair{{from, to}, {from, ""}, {"", to}, {"", ""}} {
			for _, i := range x.by[p] {
				f := x.of[i]
				if (f.Purpose == 0 || f.Purpose == o.Purpose) && (f.Port == 0 || f.Port == o.Port) && (f.Need == 0 || f.Need == o.Need) && !yield(i) {
					return
				}
			}
		}
	}
}
