package report

import (
	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

type testsObject struct {
	Holds    bool            `json:"holds"`
	Untested bool            `json:"untested"`
	Error    string          `json:"error"`
	Refused  []refusalObject `json:"refused"`
	Suites   []suiteObject   `json:"suites"`
	Snapshot *snapshotObject `json:"snapshot"`
	Coverage *coverageObject `json:"coverage"`
}

type suiteObject struct {
	Name     string              `json:"name"`
	Cases    []caseObject        `json:"cases"`
	Sections []testSectionObject `json:"sections"`
}

type caseObject struct {
	Name     string          `json:"name"`
	Group    string          `json:"group"`
	Question string          `json:"question"`
	Want     string          `json:"want"`
	Why      string          `json:"why"`
	Source   string          `json:"source"`
	Section  string          `json:"section,omitempty"` // of a story
	Holds    bool            `json:"holds"`
	Error    string          `json:"error"`
	Failures []failureObject `json:"failures"`
}

type failureObject struct {
	Got       string             `json:"got"`
	Server    string             `json:"server,omitempty"`
	Local     string             `json:"local,omitempty"`
	Addresses []string           `json:"addresses"`
	Witness   *explanationObject `json:"witness,omitempty"`
	Flow      *flowObject        `json:"flow,omitempty"`
	Finding   string             `json:"finding,omitempty"` // what it says
}

type testSectionObject struct {
	Name       string `json:"name"`
	Holds      bool   `json:"holds"`
	Error      string `json:"error"`
	Difference string `json:"difference"`
}

type snapshotObject struct {
	Name      string            `json:"name"`
	Written   bool              `json:"written"`
	Moves     []moveObject      `json:"moves"`
	Unsettled []moveObject      `json:"unsettled"`
	Unsaid    []untouchedObject `json:"unsaid"`
}

type coverageObject struct {
	Percent    int               `json:"percent"`
	Least      int               `json:"least"`
	Cases      int               `json:"cases"`
	Connectors touchedObject     `json:"connectors"`
	Ranges     touchedObject     `json:"ranges"`
	Listeners  touchedObject     `json:"listeners"`
	Flows      touchedObject     `json:"flows"`
	Addrs      []untouchedObject `json:"untouchedAddresses"`
}

type touchedObject struct {
	Touched   int      `json:"touched"`
	All       int      `json:"all"`
	Untouched []string `json:"untouched"`
}

type untouchedObject struct {
	Server    string   `json:"server"`
	Local     string   `json:"local"`
	Connector string   `json:"connector"` // empty: nobody is served
	Addresses []string `json:"addresses"`
	Count     string   `json:"count"`
}

func (t Tests) json() testsObject {
	o := testsObject{Holds: t.Hold(), Untested: t.Untested(), Error: errorText(t.Err), Refused: refusalsJSON(t.Refused), Suites: []suiteObject{}}
	for _, s := range t.Suites {
		o.Suites = append(o.Suites, s.json())
	}
	if s := t.Snapshot; s != nil {
		o.Snapshot = &snapshotObject{s.Name, s.Written, movesJSON(s.Moves), movesJSON(s.Unsettled), apartJSON(s.Unsaid)}
	}
	if c := t.Coverage; c != nil {
		o.Coverage = &coverageObject{
			Percent: c.Percent(), Least: t.Least, Cases: c.Cases, Addrs: apartJSON(c.Addrs),
			Connectors: touchedJSON(c.Connectors, connector.ID.String), Ranges: touchedJSON(c.Ranges, rangeText),
			Listeners: touchedJSON(c.Listeners, listenerText), Flows: touchedJSON(c.Flows, connector.Flow.String),
		}
	}
	return o
}

func apartJSON(list []topotest.UntouchedAddrs) []untouchedObject {
	o := []untouchedObject{}
	for _, u := range list {
		o = append(o, untouchedObject{u.Server, u.Local.String(), u.Connector.String(), texts(u.Addrs), countOf(u.Addrs).String()})
	}
	return o
}

func rangeText(r topotest.ConnectorRange) string {
	return r.Connector.String() + " " + r.Range.String()
}

func listenerText(l topotest.Listener) string { return l.Server + " " + l.Local.String() }

func touchedJSON[T any](t topotest.Touched[T], text func(T) string) touchedObject {
	o := touchedObject{t.Touched, t.All, []string{}}
	for _, v := range t.Untouched {
		o.Untouched = append(o.Untouched, text(v))
	}
	return o
}

func (s TestSuite) json() suiteObject {
	o := suiteObject{Name: s.Name, Cases: []caseObject{}, Sections: []testSectionObject{}}
	for e := range s.expectations {
		if e.result != nil {
			o.Cases = append(o.Cases, caseJSON(e))
		}
	}
	for _, r := range s.Sections {
		o.Sections = append(o.Sections, testSectionObject{r.Section, r.Holds(), errorText(r.Err), r.Difference})
	}
	return o
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func caseJSON(e expectation) caseObject {
	c := e.result.Case
	o := caseObject{Name: e.name, Group: c.Group, Question: c.Question(), Want: c.Wanted(), Why: c.Why, Section: e.section, Holds: e.holds, Error: errorText(e.result.Err), Failures: []failureObject{}}
	if c.Source != (connector.Source{}) {
		o.Source = c.Source.String()
	}
	for _, f := range e.result.Failures {
		fo := failureObject{Got: f.Got, Addresses: texts(f.Addrs)}
		switch {
		case f.Flow != nil:
			flow := flowsJSON([]audit.FlowResult{*f.Flow})[0]
			fo.Flow = &flow
		case f.Finding != nil:
			fo.Finding = f.Finding.Message
		case f.Verdict != nil:
			w := explanationJSON(f.Verdict.Explanation)
			fo.Server, fo.Local, fo.Witness = f.Conn.Server, f.Conn.Local.String(), &w
		}
		o.Failures = append(o.Failures, fo)
	}
	return o
}
