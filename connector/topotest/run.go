package topotest

import (
	"context"
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// TB is the part of [testing.TB] that this package needs.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Runner is a test that has subtests, as [*testing.T] is.
type Runner[T TB] interface {
	TB
	Run(name string, f func(T)) bool
}

// Run asks a topology all the cases, each in a subtest of its name, or its question, those of a group in a subtest of the group's. What fails prints what
// was asked, what was wanted, the answer and its explanation. No cases at all are a failure: the topology is untested.
//
//	func TestMailFlow(t *testing.T) { topotest.Run(t, topology, cases) }
func Run[T Runner[T]](t T, top *connector.Topology, cases []Case) {
	t.Helper()
	if len(cases) == 0 {
		t.Errorf("no expectations: the topology is untested")
		return
	}
	results, err := Evaluate(context.Background(), top, cases)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	titles := make(map[string]int) // of a group, how often
	for _, r := range results {
		titles[r.Case.Group+"\n"+r.Case.Title()]++
	}
	for len(results) > 0 {
		n := 1
		group := results[0].Case.Group
		for n < len(results) && results[n].Case.Group == group {
			n++
		}
		if group == "" {
			each(t, results[:n], titles)
		} else {
			t.Run(group, func(t T) { each(t, results[:n], titles) })
		}
		results = results[n:]
	}
}

// each runs a subtest for each result. Where several have one question, what is wanted is in the name.
func each[T Runner[T]](t T, results []Result, titles map[string]int) {
	t.Helper()
	for _, r := range results {
		name := r.Case.Title()
		if titles[r.Case.Group+"\n"+name] > 1 {
			name = r.Case.String()
		}
		t.Run(name, func(t T) {
			t.Helper()
			if !r.Holds() {
				t.Errorf("%s", r)
			}
		})
	}
}

// mostTold is how many answers, of one how many instances, and of one of these how many ranges are printed.
const mostTold = 10

// String tells in several lines what became of a case: what was asked, what was wanted, each other answer with those that get it, the first ten
// of them, and the explanation of the first.
func (r Result) String() string {
	var b strings.Builder
	c := r.Case
	if c.Source != (connector.Source{}) {
		fmt.Fprintf(&b, "%s: ", c.Source)
	}
	if c.Name != "" {
		b.WriteString(c.Name + ": ")
	}
	b.WriteString(c.Question() + "\n")
	for line := range strings.Lines(c.Why) {
		fmt.Fprintf(&b, "  why  %s\n", strings.TrimSpace(line))
	}
	want := c.Wanted()
	if want == "" {
		want = map[bool]string{true: "found", false: "not found"}[c.Found]
	}
	switch {
	case r.Err != nil:
		fmt.Fprintf(&b, "  cannot be asked: %v\n", r.Err)
		return b.String()
	case r.Holds():
		fmt.Fprintf(&b, "  holds: %s\n", want)
		return b.String()
	}
	fmt.Fprintf(&b, "  want %s\n", want)
	if r.absent {
		b.WriteString("       of which name the topology has no connector\n")
	}
	alike := r.alike()
	for i, fs := range alike {
		if i == mostTold {
			fmt.Fprintf(&b, "  and %d other answers\n", len(alike)-i)
			break
		}
		writeAlike(&b, c, fs)
	}
	return b.String()
}

// alike groups the failures by the answer, in the order of the first of each.
func (r Result) alike() (groups [][]Failure) {
	at := make(map[string]int)
	for _, f := range r.Failures {
		i, ok := at[f.Got]
		if !ok {
			i = len(groups)
			at[f.Got] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	return groups
}

// writeAlike tells an answer, who gets it, and why the first one does.
func writeAlike(b *strings.Builder, c Case, fs []Failure) {
	fmt.Fprintf(b, "  got  %s\n", fs[0].Got)
	for i, f := range fs {
		if i == mostTold {
			fmt.Fprintf(b, "       and %d more\n", len(fs)-i)
			break
		}
		switch {
		case f.Flow != nil:
			fmt.Fprintf(b, "       %s\n", f.Flow.Flow)
		case f.Verdict != nil && !c.isOne():
			fmt.Fprintf(b, "       for %s at %s %s\n", rangesText(f.Addrs), f.Conn.Server, f.Conn.Local)
		}
	}
	first := fs[0]
	for _, text := range first.unknown {
		fmt.Fprintf(b, "       not known of %s\n", text)
	}
	switch {
	case first.Flow != nil:
		fmt.Fprintf(b, "       by rule: %s\n", first.Flow.Flow.Why)
		if first.Flow.Witness != nil {
			indent(b, first.Flow.Witness.String())
		}
	case first.Finding != nil:
		indent(b, first.Finding.Message)
	case first.Verdict != nil && c.follows():
		indent(b, first.Verdict.String())
	case first.Verdict != nil:
		indent(b, first.Verdict.Explanation.String())
	}
}

// rangesText prints ranges, if they are not too many to be read.
func rangesText(rs []connector.Range) string {
	var b strings.Builder
	for i, r := range rs {
		if i == mostTold {
			fmt.Fprintf(&b, " and %d more ranges", len(rs)-i)
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(r.String())
	}
	return b.String()
}

func indent(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
	}
}
