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
// with MOVE as in [Format.Moves] and FINDING as in [Format.Audit]. The connectors of an Edge Transport server are seen on that server only,
// so its steps are left out of the script, and a comment says so, unless the plans are those of one Edge Transport server. Where a step
// cannot be written as commands nothing is written, and the error says why.
func (f Format) Plans(w io.Writer, p Plans) error {
	script, err := p.script()
	if err == nil && strings.ContainsFunc(script, hidden) {
		err = errHidden
	}
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
	var b outline
	b.script(script)
	return f.outline(w, "Plan", &b)
}

func (p Plans) script() (string, error) {
	var steps []ems.Step
	var names, remarks []string
	none := "No safe fix."
	for _, plan := range p.Plans {
		if p.elsewhere(plan) {
			none = "No change here."
			remarks = append(remarks, fmt.Sprintf("Not here: %s of %s, an Edge Transport server, on which its own script must run.", count(len(plan.Steps), "change"), plan.Server))
			remarks = append(remarks, notSolved(plan)...)
			continue
		}
		if len(plan.Steps) == 0 {
			remarks = append(remarks, notSolved(plan)...)
			continue
		}
		names = append(names, plan.Server)
		for i, s := range plan.Steps {
			step := ems.Step{Change: s.Change, Why: s.Why}
			if i == len(plan.Steps)-1 {
				step.Why = append(step.Why[:len(step.Why):len(step.Why)], outcome(plan)...)
			}
			steps = append(steps, step)
		}
	}
	title := fmt.Sprintf("%s on %s: each fix was made to a copy and proved by re-simulation.", count(len(steps), "change"), strings.Join(names, ", "))
	switch {
	case len(p.Plans) == 0:
		return "# Nothing to do: no finding is more than a note.\n", nil
	case len(steps) == 0:
		return ems.Remarks(append([]string{none}, remarks...)...), nil
	}
	return ems.Script(p.Topology, title, remarks, steps...)
}

// elsewhere tells whether the steps of a plan cannot be in one script with those of others.
func (p Plans) elsewhere(plan audit.Plan) bool {
	s, _ := p.Topology.Server(plan.Server)
	return len(p.Plans) > 1 && len(plan.Steps) > 0 && s.Roles.Has(connector.RoleEdge)
}

// notSolved lists what a plan leaves, a line each.
func notSolved(p audit.Plan) (lines []string) {
	for _, f := range p.Left {
		if f.Severity > audit.Note {
			lines = append(lines, fmt.Sprintf("Not solved on %s: %s %s %s: %s", p.Server, f.Check, f.Severity, f.Subject, f.Message))
		}
	}
	return lines
}

// outcome says what a plan does, a line each.
func outcome(p audit.Plan) (lines []string) {
	for _, f := range p.Solved {
		lines = append(lines, fmt.Sprintf("solved on %s: %s %s", p.Server, f.Check, f.Subject))
	}
	for _, m := range merged(p.Moves) {
		lines = append(lines, fmt.Sprintf("moves at %s: %s: %s", strings.Join(texts(m.locals), ", "), m.who(), connector.CountAddresses(countOf(m.Addrs))))
	}
	for _, f := range p.New {
		lines = append(lines, fmt.Sprintf("left over: %s %s %s: %s", f.Check, f.Severity, f.Subject, f.Message))
	}
	return append(lines, notSolved(p)...)
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
