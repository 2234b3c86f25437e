package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
)

// Plans are the plans for the servers of a topology.
type Plans struct {
	Topology *connector.Topology
	Plans    []audit.Plan
}

// Plans writes the plans: as text one PowerShell script, see [ems.Script], in which comments say what is solved, who moves and what is
// left; as JSON one object:
//
//	{"plans": [{"server", "steps": [{"change", "why", "commands"}], "moves": [MOVE], "solved": [FINDING], "left": [FINDING], "new": [FINDING]}],
//	 "script"}
//
// with MOVE as in [Format.Moves] and FINDING as in [Format.Audit]. Where a step cannot be written as commands nothing is written, and the
// error says why.
func (f Format) Plans(w io.Writer, p Plans) error {
	script, err := p.script()
	if err != nil {
		return err
	}
	if f == JSON {
		o, err := p.json(script)
		if err != nil {
			return err
		}
		return writeJSON(w, o, true)
	}
	_, err = io.WriteString(w, script)
	return err
}

func (p Plans) script() (string, error) {
	var steps []ems.Step
	var names []string
	for _, plan := range p.Plans {
		names = append(names, plan.Server)
		for i, s := range plan.Steps {
			step := ems.Step{Change: s.Change, Why: s.Why}
			if i == len(plan.Steps)-1 {
				step.Why = append(step.Why[:len(step.Why):len(step.Why)], outcome(plan)...)
			}
			steps = append(steps, step)
		}
	}
	if len(steps) == 0 {
		return "# Nothing to do: no finding has a fix that is safe.\n", nil
	}
	return ems.Script(p.Topology, fmt.Sprintf("%s on %s: each fix was made to a copy and proved by re-simulation", count(len(steps), "change"), strings.Join(names, ", ")), steps...)
}

// outcome says what a plan does, a line each.
func outcome(p audit.Plan) (lines []string) {
	for _, f := range p.Solved {
		lines = append(lines, fmt.Sprintf("solved on %s: %s %s", p.Server, f.Check, f.Subject))
	}
	for _, m := range merged(p.Moves) {
		lines = append(lines, fmt.Sprintf("moves at %s: %s -> %s: %s", strings.Join(texts(m.locals), ", "), orRefused(m.From), orRefused(m.To), connector.CountAddresses(m.count())))
	}
	for _, f := range p.New {
		lines = append(lines, fmt.Sprintf("left over: %s %s %s: %s", f.Check, f.Severity, f.Subject, f.Message))
	}
	for _, f := range p.Left {
		if f.Severity > audit.Note {
			lines = append(lines, fmt.Sprintf("not solved: %s %s %s: %s", f.Check, f.Severity, f.Subject, f.Message))
		}
	}
	return lines
}

type plansObject struct {
	Plans  []planObject `json:"plans"`
	Script string       `json:"script"`
}

type planObject struct {
	Server string          `json:"server"`
	Steps  []stepOfPlan    `json:"steps"`
	Moves  []moveObject    `json:"moves"`
	Solved []findingObject `json:"solved"`
	Left   []findingObject `json:"left"`
	New    []findingObject `json:"new"`
}

type stepOfPlan struct {
	Change   changeObject `json:"change"`
	Why      []string     `json:"why"`
	Commands []string     `json:"commands"`
}

func (p Plans) json(script string) (plansObject, error) {
	o := plansObject{Plans: []planObject{}, Script: script}
	findings := func(fs []audit.Finding) []findingObject {
		list := []findingObject{}
		for _, f := range fs {
			list = append(list, *findingJSON(p.Topology, f))
		}
		return list
	}
	for _, plan := range p.Plans {
		x := planObject{Server: plan.Server, Steps: []stepOfPlan{}, Moves: movesJSON(plan.Moves), Solved: findings(plan.Solved), Left: findings(plan.Left), New: findings(plan.New)}
		s, _ := p.Topology.Server(plan.Server)
		for _, step := range plan.Steps {
			commands, err := ems.Commands(step.Change, s.Version)
			if err != nil {
				return o, err
			}
			x.Steps = append(x.Steps, stepOfPlan{changesJSON([]connector.Change{step.Change})[0], step.Why, commands})
		}
		o.Plans = append(o.Plans, x)
	}
	return o, nil
}
