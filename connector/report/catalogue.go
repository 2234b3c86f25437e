package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// Checks writes the checks with their severities and titles: as text a line each, as JSON a list of {"id", "severity", "title", "doc"}.
func (f Format) Checks(w io.Writer, checks []*audit.Check) error {
	if f == JSON {
		list := []checkObject{}
		for _, c := range checks {
			list = append(list, checkObject{c.ID, c.Severity.String(), c.Title, c.Doc})
		}
		return writeJSON(w, list, true)
	}
	var b outline
	rows := [][]string{{"check", "severity", "title"}}
	for _, c := range checks {
		rows = append(rows, []string{c.ID, c.Severity.String(), c.Title})
	}
	b.table(rows)
	return f.outline(w, "Checks", &b)
}

type checkObject struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
	Doc      string `json:"doc"`
}

// Explain writes what the checks mean, why what they find happens, and what to do: as text a block each, as JSON what Checks does.
func (f Format) Explain(w io.Writer, checks []*audit.Check) error {
	if f == JSON {
		return f.Checks(w, checks)
	}
	var b outline
	for i, c := range checks {
		if i > 0 {
			b.WriteString("\n")
		}
		b.heading(neutral)
		b.printf("%s %s: %s\n\n", c.ID, c.Severity, c.Title)
		b.prose(c.Doc)
	}
	return f.outline(w, "Checks", &b)
}

// themes are what checks are about, by how their IDs begin.
var themes = [...]struct{ begin, name string }{
	{"RC0", "who is selected"}, {"RC1", "settings"}, {"RC2", "who may do what"}, {"RC3", "hardening guides"}, {"RC9", "what is not known"},
}

func themeOf(c *audit.Check) string {
	for _, theme := range themes {
		if strings.HasPrefix(c.ID, theme.begin) {
			return theme.name
		}
	}
	return ""
}

// CheckTable returns the table of checks in Markdown: a row for each theme, with a line in it for each check.
func CheckTable(checks []*audit.Check) string {
	var b outline
	b.WriteString("| about | checks |\n|---|---|\n")
	for _, theme := range themes {
		var lines []string
		for _, c := range checks {
			if strings.HasPrefix(c.ID, theme.begin) {
				lines = append(lines, fmt.Sprintf("%s %s: %s", c.ID, c.Severity, c.Title))
			}
		}
		if len(lines) > 0 {
			b.printf("| %s | %s |\n", theme.name, strings.Join(lines, "<br>"))
		}
	}
	return b.String()
}

// Hardening writes what becomes of controls: as text a block for each control with the connectors by state, and what meeting it to the
// letter does to mail; as JSON a list of
//
//	{"control", "title", "frameworks", "demands", "safely", "subject", "state", "letter", "differences", "refused", "breaks": [FLOW], "broken": [FLOW]}
//
// with FLOW as of Audit. State is met, not met, not applicable or unknown; letter tells whether it is met to the letter, differences what
// would have to change for that, breaks the flows that pass and would fail then, broken those that fail because it is met to the letter.
func (f Format) Hardening(w io.Writer, results []audit.ControlResult) error {
	if f == JSON {
		list := []controlObject{}
		for _, r := range results {
			list = append(list, controlJSON(r))
		}
		return writeJSON(w, list, true)
	}
	var b outline
	for len(results) > 0 {
		n := 1
		for n < len(results) && results[n].Control == results[0].Control {
			n++
		}
		writeControl(&b, results[:n])
		results = results[n:]
	}
	return f.outline(w, "Hardening controls", &b)
}

func writeControl(b *outline, rs []audit.ControlResult) {
	k := rs[0].Control
	b.heading(neutral)
	b.printf("%s %s\n  %s\n  demands: %s\n", k.ID, k.Title, strings.Join(k.Frameworks, ", "), k.Demands)
	var order []string
	subjects := make(map[string][]string)
	for s := audit.ControlMet; s <= audit.ControlUnknown; s++ {
		for _, letter := range []bool{true, false} {
			for _, r := range rs {
				if r.State != s || r.Letter != letter {
					continue
				}
				state := s.String()
				if s == audit.ControlMet && !letter {
					state = "met as far as its purpose goes, not to the letter"
				}
				if subjects[state] == nil {
					order = append(order, state)
				}
				subjects[state] = append(subjects[state], r.Subject.String())
			}
		}
	}
	for _, state := range order {
		list := strings.Join(subjects[state], ", ")
		if state == audit.ControlNotApplicable.String() {
			list = count(len(subjects[state]), "connector")
		}
		b.printf("  %s: %s\n", state, list)
	}
	caution := false
	for _, r := range rs {
		switch {
		case len(r.Broken) > 0:
			b.printf("  %s: it is met to the letter, and that breaks %s, first %s\n", r.Subject, count(len(r.Broken), "flow"), r.Broken[0])
		case len(r.Breaks) > 0:
			b.printf("  %s: to the letter (%s) it would break %s, first %s\n", r.Subject, differences(r.Change), count(len(r.Breaks), "flow"), r.Breaks[0])
		case r.Refused != nil:
			b.printf("  %s: the cmdlets refuse the letter (%s): %s\n", r.Subject, differences(r.Change), r.Refused.Text)
		default:
			continue
		}
		caution = true
	}
	if caution {
		b.printf("  safely: %s\n", k.Safely)
	}
	b.WriteString("\n")
}

func differences(c connector.Change) string {
	return strings.Join(texts(c.Differences()), "; ")
}

type controlObject struct {
	Control     string       `json:"control"`
	Title       string       `json:"title"`
	Frameworks  []string     `json:"frameworks"`
	Demands     string       `json:"demands"`
	Safely      string       `json:"safely"`
	Subject     string       `json:"subject"`
	State       string       `json:"state"`
	Letter      bool         `json:"letter"` // it is met to the letter
	Differences []string     `json:"differences"`
	Refused     string       `json:"refused,omitempty"`
	Breaks      []flowObject `json:"breaks"` // what meeting it to the letter would break
	Broken      []flowObject `json:"broken"` // what fails because it is met to the letter
}

func controlJSON(r audit.ControlResult) controlObject {
	k := r.Control
	o := controlObject{k.ID, k.Title, k.Frameworks, k.Demands, k.Safely, r.Subject.String(), r.State.String(), r.Letter, texts(r.Change.Differences()), "", []flowObject{}, []flowObject{}}
	if r.Refused != nil {
		o.Refused = r.Refused.Text
	}
	for _, f := range r.Breaks {
		o.Breaks = append(o.Breaks, flowJSON(f))
	}
	for _, f := range r.Broken {
		o.Broken = append(o.Broken, flowJSON(f))
	}
	return o
}

// Shares is which connectors some sources reach at a local endpoint.
type Shares struct {
	Name   string // of the sources: a range, or a network
	Server string
	Local  string
	Shares []connector.Share
}

// Shares writes which connectors some sources reach: as text a line, and a line for each connector if they are several; as JSON
//
//	{"sources", "server", "local", "shares": [{"outcome", "connector", "addresses", "count", "doubt"}]}
func (f Format) Shares(w io.Writer, s Shares) error {
	if f == JSON {
		return writeJSON(w, s.json(), false)
	}
	var b outline
	s.write(&b)
	return f.outline(w, "Which connectors", &b)
}

func (s Shares) write(b *outline) {
	b.printf("%s\n", s.text())
	if len(s.Shares) > 1 {
		for i, share := range s.Shares {
			b.printf("  %s: %s\n", s.who(i), ranges(share.Addrs))
		}
	}
}

// text is the answer in one line.
func (s Shares) text() string {
	text := fmt.Sprintf("%s -> %s %s: ", s.Name, s.Server, s.Local)
	switch len(s.Shares) {
	case 0:
		return text + "none of these addresses is of this family"
	case 1:
		return text + "all of them reach " + s.who(0)
	}
	return text + "they do not reach one connector"
}

func (s Shares) who(i int) string {
	share := s.Shares[i]
	who := share.Connector.String()
	if share.Connector.IsZero() {
		who = "no connector (" + share.Outcome.String() + ")"
	}
	if share.Doubt != 0 {
		who += " (doubt: " + share.Doubt.String() + ")"
	}
	return who
}

type sharesObject struct {
	Sources string        `json:"sources"`
	Server  string        `json:"server"`
	Local   string        `json:"local"`
	Shares  []shareObject `json:"shares"`
}

type shareObject struct {
	Outcome   string   `json:"outcome"`
	Connector string   `json:"connector"`
	Addresses []string `json:"addresses"`
	Count     string   `json:"count"`
	Doubt     string   `json:"doubt"`
}

func (s Shares) json() sharesObject {
	o := sharesObject{s.Name, s.Server, s.Local, []shareObject{}}
	for _, share := range s.Shares {
		o.Shares = append(o.Shares, shareObject{share.Outcome.String(), share.Connector.String(), texts(share.Addrs), countOf(share.Addrs).String(), share.Doubt.String()})
	}
	return o
}
