package topotest

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
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

// The sections of cases.
const (
	expectSection = "expect.txt"
	afterSection  = "after.txt"
)

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
		case file.Name == expectSection:
			if f.Cases, err = ParseCases(in, strings.NewReader(file.Data)); err != nil {
				return nil, err
			}
		case file.Name == afterSection:
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

// SectionResult is what became of one section of a story.
type SectionResult struct {
	Section string
	Cases   []Result // of expect.txt and after.txt
	// Difference lists, of any other section, the lines that are missing and those that are too many; empty if it holds.
	Difference string
	Err        error // why nothing can be said: [ErrSection], or an error of the library
}

// Holds tells whether the section says what it should.
func (r SectionResult) Holds() bool {
	return r.Err == nil && r.Difference == "" && !slices.ContainsFunc(r.Cases, func(c Result) bool { return !c.Holds() })
}

// Evaluate compares every section of which something is expected with what it should say, in their order. A story without any is untested.
func (f *Fixture) Evaluate() []SectionResult {
	var results []SectionResult
	for _, s := range f.Sections {
		r := SectionResult{Section: s.Name}
		if s.Name == expectSection || s.Name == afterSection {
			r.Cases, r.Err = f.results(s.Name)
		} else {
			var got string
			if got, r.Err = f.Answer(s.Name); r.Err == nil {
				if want := uncommented(s.Want); got != want {
					r.Difference = difference(want, got)
				}
			}
		}
		results = append(results, r)
	}
	return results
}

// Check reports every section that does not hold, with the lines that are missing and those that are too many, and every case, with its
// explanation.
func (f *Fixture) Check(t TB) {
	t.Helper()
	for _, r := range f.Evaluate() {
		if r.Err != nil {
			t.Errorf("%s: %s: %v", f.Name, r.Section, r.Err)
		}
		if r.Difference != "" {
			t.Errorf("%s: %s does not hold:\n%s", f.Name, r.Section, r.Difference)
		}
		for _, c := range r.Cases {
			if !c.Holds() {
				t.Errorf("%s", c)
			}
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

// results asks the cases of expect.txt or after.txt.
func (f *Fixture) results(section string) ([]Result, error) {
	t, cases, err := f.asked(section)
	if err != nil {
		return nil, err
	}
	return Evaluate(context.Background(), t, cases)
}
