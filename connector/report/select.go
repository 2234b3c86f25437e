package report

import (
	"io"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Explanation writes why a connection gets the connector it gets: as text a line for each connector of the server and the
// rules behind the reasons; as JSON one object on one line, so that many can be written one after the other:
//
//	{"server", "local", "remote", "outcome", "connector", "range", "binding", "doubt",
//	 "steps": [{"connector", "reason", "range", "rule", "missing"}]}
//
// The outcome is "Selected" or the name of the refusal.
func (f Format) Explanation(w io.Writer, e *connector.Explanation) error {
	if f == JSON {
		return writeJSON(w, explanationJSON(e), false)
	}
	var b outline
	explain(&b, e)
	return f.outline(w, "Which connector, and why", &b)
}

// explain tells why a connection gets the connector it gets.
func explain(b *outline, e *connector.Explanation) {
	b.heading(neutral)
	b.decision(e)
}

// decision tells which connector serves a connection, and of each what it came to.
func (b *outline) decision(e *connector.Explanation) {
	b.printf("%s: %s\n", e.Conn, e.Match)
	for i, s := range e.Steps {
		b.printf("  %s\n", s)
		if i == len(e.Steps)-1 || s.Reason != e.Steps[i+1].Reason { // steps of one reason are neighbours
			b.printf("    %s\n", s.Basis())
		}
	}
}

// Match writes the decision alone: as text one line, as JSON what Explanation writes.
func (f Format) Match(w io.Writer, e *connector.Explanation) error {
	if f == JSON {
		return f.Explanation(w, e)
	}
	var b outline
	b.printf("%s: %s\n", e.Conn, e.Match)
	return f.outline(w, "Which connector", &b)
}

type explanationObject struct {
	Server    string       `json:"server"`
	Local     string       `json:"local"` // ADDRESS:PORT
	Remote    string       `json:"remote"`
	Outcome   string       `json:"outcome"`   // Selected, or how the connection is refused
	Connector string       `json:"connector"` // empty if the connection is refused
	Range     string       `json:"range"`     // of the connector, that holds the source; empty if the connection is refused
	Binding   string       `json:"binding"`   // through which the connection comes
	Doubt     string       `json:"doubt"`     // why the answer is in doubt: empty, or names separated by commas
	Steps     []stepObject `json:"steps"`     // one for each connector of the server, the winner first
}

type stepObject struct {
	Connector string `json:"connector"`
	Reason    string `json:"reason"`            // how far the connector came
	Range     string `json:"range"`             // its narrowest range that holds the source
	Rule      string `json:"rule"`              // behind the reason, with its mark and source
	Missing   string `json:"missing,omitempty"` // properties that are not known and may decide
}

func explanationJSON(e *connector.Explanation) explanationObject {
	m := e.Match
	o := explanationObject{
		Server: e.Conn.Server, Local: e.Conn.Local.String(), Remote: e.Conn.Remote.String(),
		Outcome: m.Outcome().String(), Connector: m.Connector().String(), Doubt: m.Doubt().String(), Steps: []stepObject{},
	}
	if m.Outcome() == connector.Selected {
		o.Range, o.Binding = m.Range().String(), m.Binding().String()
	}
	for _, s := range e.Steps {
		step := stepObject{Connector: s.Connector.String(), Reason: s.Reason.String(), Rule: s.Basis().String()}
		if s.Range.IsValid() {
			step.Range = s.Range.String()
		}
		if s.Missing != 0 {
			step.Missing = s.Missing.String()
		}
		o.Steps = append(o.Steps, step)
	}
	return o
}
