package report

import (
	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

type auditObject struct {
	Findings []findingObject `json:"findings"`   // the most severe first
	Flows    []flowObject    `json:"flows"`      // those that fail, wholly or in part, or of which that is not known
	Groups   []groupObject   `json:"flowGroups"` // all but the required ones that fail, counted
}

// groupObject is flows that are alike.
type groupObject struct {
	Purpose   string `json:"purpose"`
	Transport string `json:"transport"`
	Port      uint16 `json:"port"`
	Fate      string `json:"fate"` // what becomes of the flows, in words
	Why       string `json:"why"`
	Count     int    `json:"count"`
}

type findingObject struct {
	Check     string             `json:"check"` // ID of the check: RC001
	Severity  string             `json:"severity"`
	Certainty string             `json:"certainty"`
	Subject   string             `json:"subject"`          // the connector, SERVER\\NAME, or a server alone
	Source    string             `json:"source,omitempty"` // FILE:LINE:COLUMN
	Message   string             `json:"message"`
	Accepted  string             `json:"accepted,omitempty"` // the reason
	Addresses []string           `json:"addresses"`          // exactly the sources concerned, as ranges
	Flows     []flowObject       `json:"flows"`              // that break, or may
	Witness   *explanationObject `json:"witness,omitempty"`
	Reply     string             `json:"reply,omitempty"` // what the session of the witness ends with
	Cause     string             `json:"cause,omitempty"`
	Related   []string           `json:"related"`         // other connectors that matter, the nearest first
	Moves     []moveObject       `json:"moves,omitempty"` // RC010
	Fixes     []fixObject        `json:"fixes"`           // proved, the best first
	Rejected  []rejectedObject   `json:"rejected"`        // what was tried and is no fix
}

type rejectedObject struct {
	Kind   string `json:"kind"`
	Title  string `json:"title"`
	Why    string `json:"why"`    // the kind of reason
	Detail string `json:"detail"` // the reason
}

type flowObject struct {
	From      string `json:"from"`
	Network   bool   `json:"network,omitempty"` // from is a network
	To        string `json:"to"`
	Port      uint16 `json:"port"`
	Purpose   string `json:"purpose"`
	Transport string `json:"transport"`
	Need      string `json:"need"`
	State     string `json:"state,omitempty"` // what becomes of it; left out inside a finding
	Why       string `json:"why"`             // the rule by which there is such a flow, its mark and source
}

type fixObject struct {
	Kind     string       `json:"kind"`
	Title    string       `json:"title"`
	Safe     bool         `json:"safe"`
	Risks    []string     `json:"risks,omitempty"`   // why it is not safe
	Commands []string     `json:"commands"`          // for the Exchange Management Shell, in their order
	Moves    []moveObject `json:"moves"`             // everything the fix moves
	Problem  string       `json:"problem,omitempty"` // why there are no commands
}

func flowJSON(f connector.Flow) flowObject {
	return flowObject{From: f.From, Network: f.FromNetwork, To: f.To, Port: f.Port, Purpose: f.Purpose.String(), Transport: f.Transport.String(),
		Need: f.Need.String(), Why: f.Why.String()}
}

func flowsJSON(rs []audit.FlowResult) []flowObject {
	list := make([]flowObject, len(rs))
	for i, r := range rs {
		list[i] = flowJSON(r.Flow)
		list[i].State = r.State.String()
	}
	return list
}

func (a Audit) fixes(fixes []audit.Fix) []fixObject {
	list := []fixObject{}
	for _, fix := range fixes {
		fo := fixObject{Kind: fix.Kind.String(), Title: fix.Title, Safe: fix.Safe, Risks: fix.Risks, Moves: movesJSON(fix.Moves)}
		commands, err := a.commands(fix)
		fo.Commands = commands
		if err != nil {
			fo.Problem = err.Error()
		}
		list = append(list, fo)
	}
	return list
}

func (a Audit) json() auditObject {
	o := auditObject{Findings: []findingObject{}, Groups: []groupObject{}}
	flows := summaryOf(a.Flows)
	o.Flows = flowsJSON(flows.told)
	for _, g := range flows.groups {
		o.Groups = append(o.Groups, groupObject{g.purpose.String(), g.transport.String(), g.port, g.fate, g.why.String(), g.count})
	}
	for _, f := range a.Findings {
		o.Findings = append(o.Findings, *findingJSON(a.Topology, f))
	}
	return o
}

func findingJSON(t *connector.Topology, f audit.Finding) *findingObject {
	x := findingObject{
		Check: f.Check, Severity: f.Severity.String(), Certainty: f.Certainty.String(), Subject: f.Subject.String(),
		Source: f.Source.String(), Message: f.Message, Accepted: f.Accepted, Addresses: texts(f.Addrs), Flows: []flowObject{},
		Related: texts(f.Related), Rejected: []rejectedObject{},
	}
	for _, flow := range f.Flows {
		x.Flows = append(x.Flows, flowJSON(flow))
	}
	if f.Witness != nil {
		e := explanationJSON(f.Witness.Explanation)
		x.Witness, x.Reply, x.Cause = &e, f.Witness.Reply.String(), f.Witness.Cause.String()
	}
	if len(f.Moves) > 0 {
		x.Moves = movesJSON(f.Moves)
	}
	x.Fixes = Audit{Topology: t}.fixes(f.Fixes)
	for _, r := range f.Rejected {
		x.Rejected = append(x.Rejected, rejectedObject{r.Kind.String(), r.Title, r.Why.String(), r.Detail})
	}
	return &x
}
