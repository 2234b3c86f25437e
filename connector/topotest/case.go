package topotest

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// TB is the part of [testing.TB] that this package needs.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Case is one expected decision.
type Case struct {
	Name string // unique; the connection if empty
	Why  string // printed when the case fails
	Conn connector.Conn
	// Want is the connector that serves the connection; the zero ID expects a refusal.
	Want connector.ID
	// Refused is the outcome expected of a refusal; zero is any.
	Refused connector.Outcome
	// Doubt is the doubt expected of the answer: none, unless it is said.
	Doubt connector.Doubt
}

// Check compares the decisions of x with the cases and reports each that differs, with the explanation.
func Check(t TB, x *connector.Index, cases []Case) {
	t.Helper()
	for _, c := range cases {
		m := x.Select(c.Conn)
		if c.meets(m) {
			continue
		}
		name := c.Name
		if name == "" {
			name = c.Conn.String()
		}
		if c.Why != "" {
			name += " (" + c.Why + ")"
		}
		t.Errorf("%s:\n  want %s\n  got  %s\n%s", name, c.want(), answer(m), x.Explain(c.Conn))
	}
}

func (c Case) meets(m connector.Match) bool {
	if m.Doubt() != c.Doubt || !m.Connector().Equal(c.Want) {
		return false
	}
	return !c.Want.IsZero() || c.Refused == 0 || m.Outcome() == c.Refused
}

func (c Case) want() string {
	s := c.Want.String()
	if c.Want.IsZero() {
		s = strings.TrimSpace("refused " + c.Refused.String())
	}
	return s + doubtText(c.Doubt)
}

// answer renders a decision as expect.txt has it.
func answer(m connector.Match) string {
	if m.Outcome() != connector.Selected {
		return "refused " + m.Outcome().String() + doubtText(m.Doubt())
	}
	return m.Connector().String() + doubtText(m.Doubt())
}

func doubtText(d connector.Doubt) string {
	if d == 0 {
		return ""
	}
	return " (doubt: " + d.String() + ")"
}

// line renders a case as a line of expect.txt, with another answer.
func (c Case) line(answer string) string {
	return fmt.Sprintf("%s %s %s -> %s", c.Conn.Server, c.Conn.Local, c.Conn.Remote, answer)
}

// parseCases reads expect.txt. Empty lines and those that begin with # are passed over.
func parseCases(file string, text string) ([]Case, error) {
	var cases []Case
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c, err := parseCase(line)
		if err != nil {
			return nil, &connector.ModelError{Source: connector.Source{File: file, Line: n}, Path: line, Err: err}
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func parseCase(line string) (c Case, err error) {
	question, want, ok := strings.Cut(line, " -> ")
	fields := strings.Fields(question)
	if !ok || len(fields) != 3 {
		return c, fmt.Errorf("%w: a decision is SERVER LOCAL:PORT REMOTE -> ANSWER", connector.ErrInvalid)
	}
	c.Conn.Server = fields[0]
	if c.Conn.Local, err = connector.ParseBinding(fields[1]); err != nil {
		return c, err
	}
	if c.Conn.Remote, err = netip.ParseAddr(fields[2]); err != nil {
		return c, err
	}
	want, doubt, _ := strings.Cut(strings.TrimSpace(want), " (doubt: ")
	for name := range strings.SplitSeq(strings.TrimSuffix(doubt, ")"), ", ") {
		for _, d := range []connector.Doubt{connector.DoubtTie, connector.DoubtMissing, connector.DoubtRole} {
			if name == d.String() {
				c.Doubt |= d
			}
		}
	}
	refusal, refused := strings.CutPrefix(want, "refused")
	if !refused {
		c.Want, err = connector.ParseID(want)
		return c, err
	}
	for o := connector.NoRange; o <= connector.InvalidConn; o++ {
		if strings.TrimSpace(refusal) == o.String() {
			c.Refused = o
		}
	}
	if c.Refused == 0 && strings.TrimSpace(refusal) != "" {
		return c, fmt.Errorf("%q: %w: not an outcome", refusal, connector.ErrInvalid)
	}
	return c, nil
}
