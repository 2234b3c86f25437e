package topotest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/internal/topojson"
	"github.com/receiveconnector/receiveconnector/connector/internal/txtar"
)

// Fixture is a story: a topology and what is expected of it.
type Fixture struct {
	Name     string
	Story    string // the comment before the first section
	Topology *connector.Topology
	Cases    []Case    // of expect.txt
	After    []Case    // of after.txt
	Error    string    // of error.txt
	Change   string    // of change.ps1
	Sections []Section // every section of which something is expected, in order

	archive *txtar.Archive
}

// Section is one expectation of a story, as text.
type Section struct{ Name, Want string }

// ErrSection reports a section that no story can have.
var ErrSection = errors.New("not a section of a story")

// Load reads a story from a text archive; the package documentation has the sections. The error joins a
// [*connector.ModelError] for everything that is wrong, with the line in the section.
func Load(fsys fs.FS, name string) (*Fixture, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	a := txtar.Parse(string(data))
	f := &Fixture{Name: name, Story: strings.TrimSpace(a.Comment), archive: a}
	for _, file := range a.Files {
		in := name + "/" + file.Name
		switch {
		case file.Name == "topology.json":
			n, err := topojson.Parse(in, strings.NewReader(file.Data))
			if err != nil {
				return nil, err
			}
			if f.Topology, err = topojson.Decode(in, n); err != nil {
				return nil, err
			}
			continue
		case file.Name == "expect.txt":
			if f.Cases, err = ParseCases(in, strings.NewReader(file.Data)); err != nil {
				return nil, err
			}
		case file.Name == "after.txt":
			if f.After, err = ParseCases(in, strings.NewReader(file.Data)); err != nil {
				return nil, err
			}
		case file.Name == "error.txt":
			f.Error = strings.TrimSpace(file.Data)
			continue
		case file.Name == "change.ps1":
			f.Change = file.Data
			continue
		}
		f.Sections = append(f.Sections, Section{file.Name, file.Data})
	}
	if f.Topology == nil {
		return nil, &connector.ModelError{Source: connector.Source{File: name}, Path: "topology.json", Err: connector.ErrNotFound}
	}
	return f, nil
}

// Check reports every section that does not hold, with the lines that are missing and those that are too many.
func (f *Fixture) Check(t TB) {
	t.Helper()
	for _, s := range f.Sections {
		if s.Name == "expect.txt" || s.Name == "after.txt" {
			f.checkCases(t, s.Name)
			continue
		}
		got, err := f.Answer(s.Name)
		if err != nil {
			t.Errorf("%s: %s: %v", f.Name, s.Name, err)
			continue
		}
		if want := uncommented(s.Want); got != want {
			t.Errorf("%s: %s does not hold:\n%s", f.Name, s.Name, difference(want, got))
		}
	}
}

// Updated returns the story with every section saying what it should, see [Fixture.Answer]; comments in cases stay, those in other sections
// that something is expected of go. Whoever writes it down instead of the story reads the difference.
func (f *Fixture) Updated() (string, error) {
	var errs []error
	updated := &txtar.Archive{Comment: f.archive.Comment, Files: slices.Clone(f.archive.Files)}
	for i, file := range updated.Files {
		if !slices.ContainsFunc(f.Sections, func(s Section) bool { return s.Name == file.Name }) {
			continue
		}
		answer, err := f.Answer(file.Name)
		errs = append(errs, err)
		updated.Files[i].Data = answer
	}
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return txtar.Format(updated), nil
}

// uncommented leaves out empty lines and those that begin with #.
func uncommented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if l := strings.TrimSpace(line); l != "" && !strings.HasPrefix(l, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// difference lists the lines of want that got has not, and the other way round; the whole of got if only the order
// differs.
func difference(want, got string) string {
	var b strings.Builder
	linesOf := func(text string) []string {
		return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
	}
	wants, gots := linesOf(want), linesOf(got)
	only := func(sign string, lines, others []string) {
		left := make(map[string]int)
		for _, l := range others {
			left[l]++
		}
		for _, l := range lines {
			if left[l]--; left[l] < 0 {
				b.WriteString("  " + sign + " " + l + "\n")
			}
		}
	}
	only("missing:", wants, gots)
	only("too many:", gots, wants)
	if b.Len() == 0 {
		return "  in another order:\n" + got
	}
	return b.String()
}

// checkCases reports every case of expect.txt or after.txt that does not hold.
func (f *Fixture) checkCases(t TB, section string) {
	t.Helper()
	results, err := f.results(section)
	if err != nil {
		t.Errorf("%s: %s: %v", f.Name, section, err)
	}
	for _, r := range results {
		if !r.Holds() {
			t.Errorf("%s", r)
		}
	}
}

// results asks the topology the cases of expect.txt, or the fixed one those of after.txt, which are those of expect.txt if it has none.
func (f *Fixture) results(section string) ([]Result, error) {
	if section == "expect.txt" {
		return Evaluate(context.Background(), f.Topology, f.Cases)
	}
	t, err := f.fixed()
	if err != nil {
		return nil, err
	}
	if len(f.After) == 0 {
		return Evaluate(context.Background(), t, f.Cases)
	}
	return Evaluate(context.Background(), t, f.After)
}

// Answer returns what a section should say, by the topology of the story. The error is [ErrSection], or that of the
// library.
func (f *Fixture) Answer(section string) (string, error) {
	rest, after := strings.CutPrefix(section, "after ")
	t := f.Topology
	if section == "expect.txt" || section == "after.txt" {
		results, err := f.results(section)
		return FormatCases(today(results)), err
	}
	if after {
		fixed, err := f.fixed()
		if err != nil {
			return "", err
		}
		t = fixed
	}
	x, err := connector.Compile(t)
	if err != nil {
		return "", err
	}
	if n, ok := strings.CutPrefix(rest, "explain "); ok {
		i, err := strconv.Atoi(n)
		if err != nil || i < 1 || i > len(f.Cases) || !f.Cases[i-1].Conn.Remote.IsValid() {
			return "", fmt.Errorf("%s: %w: no decision about one connection of this number", section, ErrSection)
		}
		return x.Explain(f.Cases[i-1].Conn).String(), nil
	}
	if strings.HasPrefix(rest, "fix ") {
		return f.commands(rest)
	}
	switch rest {
	case "flows.txt":
		return flows(t, x), nil
	case "findings.txt":
		findings, err := audit.Run(context.Background(), t)
		return findingLines(findings), err
	case "suspects.txt":
		return suspects(t, f.Error)
	case "refusals.txt", "moves.txt":
		return f.changed(rest, t)
	case "hardening.txt":
		results, err := audit.Hardening(context.Background(), t)
		return controlLines(results), err
	case "networks.txt":
		return networks(t, x), nil
	}
	return "", fmt.Errorf("%s: %w", section, ErrSection)
}

// flows lists the flows that do not pass, other than those on which connectors have no say.
func flows(t *connector.Topology, x *connector.Index) string {
	var b strings.Builder
	for _, r := range audit.Flows(t, x) {
		if r.State != audit.FlowPasses && r.State != audit.FlowOutside {
			b.WriteString(r.String() + "\n")
		}
	}
	return b.String()
}

func findingLines(findings []audit.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s %s %s", f.Check, f.Severity, f.Certainty, f.Subject)
		if f.Accepted != "" {
			b.WriteString(" (accepted)")
		}
		if len(f.Addrs) > 0 {
			b.WriteByte(':')
		}
		for _, r := range f.Addrs {
			b.WriteString(" " + r.String())
		}
		b.WriteString("\n")
	}
	return b.String()
}

// fixOf parses the name of a fix section: "fix RC001 1.ps1".
func fixOf(section string) (check string, n int, err error) {
	fields := strings.Fields(strings.TrimSuffix(section, ".ps1"))
	if len(fields) != 3 || fields[0] != "fix" || !strings.HasSuffix(section, ".ps1") {
		return "", 0, fmt.Errorf("%s: %w", section, ErrSection)
	}
	if n, err = strconv.Atoi(fields[2]); err != nil || n < 1 {
		return "", 0, fmt.Errorf("%s: %w: fixes are counted from 1", section, ErrSection)
	}
	return fields[1], n, nil
}

func (f *Fixture) commands(section string) (string, error) {
	fixes, err := f.fixes(section)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, fix := range fixes {
		for _, c := range fix.Changes {
			s, _ := f.Topology.Server(c.Target.Server)
			lines, err := ems.Commands(c, s.Version)
			if err != nil {
				return "", err
			}
			b.WriteString(strings.Join(lines, "\n") + "\n")
		}
	}
	return b.String(), nil
}

// fixes returns the N-th fix of each finding of a check that has so many.
func (f *Fixture) fixes(section string) ([]audit.Fix, error) {
	check, n, err := fixOf(section)
	if err != nil {
		return nil, err
	}
	findings, err := audit.Run(context.Background(), f.Topology)
	if err != nil {
		return nil, err
	}
	var fixes []audit.Fix
	for _, finding := range findings {
		if finding.Check == check && len(finding.Fixes) >= n {
			fixes = append(fixes, finding.Fixes[n-1])
		}
	}
	return fixes, nil
}

// fixed returns the topology with the fixes of every fix section applied: one after the other, each taken from an audit of
// what the ones before left, because two findings of one server may want to change the same connector.
func (f *Fixture) fixed() (*connector.Topology, error) {
	t := f.Topology
	for _, s := range f.Sections {
		if !strings.HasPrefix(s.Name, "fix ") {
			continue
		}
		check, n, err := fixOf(s.Name)
		if err != nil {
			return nil, err
		}
		for {
			findings, err := audit.Run(context.Background(), t)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(findings, func(o audit.Finding) bool { return o.Check == check && len(o.Fixes) >= n })
			if i < 0 {
				break // each fix removes its finding, so this comes
			}
			if t, err = t.Apply(findings[i].Fixes[n-1].Changes...); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}
