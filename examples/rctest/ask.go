package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
	"github.com/receiveconnector/receiveconnector/examples/internal/input"
	"github.com/receiveconnector/receiveconnector/examples/internal/output"
)

// test asks all expectations, and tells whether everything is as expected.
func (q *question) test(ctx context.Context, stdout, stderr io.Writer) (bool, error) {
	tests := report.Tests{Least: q.least, Everything: q.everything}
	if len(q.exports) > 0 {
		t, err := q.topology(stderr)
		if err != nil {
			return false, err
		}
		if t, tests.Refused, err = q.change(t, stderr); err != nil {
			return false, err
		}
		if tests.Refused != nil {
			return false, q.tell(tests, stdout)
		}
		if err := q.ask(ctx, t, &tests, stderr); err != nil {
			return false, err
		}
	}
	for _, name := range q.stories {
		suite, err := q.story(name)
		if err != nil {
			return false, err
		}
		tests.Suites = append(tests.Suites, suite)
	}
	return tests.Hold(), q.tell(tests, stdout)
}

// change makes the changes to a copy, unless the cmdlets would refuse them.
func (q *question) change(t *connector.Topology, stderr io.Writer) (changed *connector.Topology, refused, err error) {
	if len(q.commands) == 0 {
		return t, nil, nil
	}
	changes, notes, err := ems.Parse("change", t, strings.Join(q.commands, "\n"))
	if err != nil {
		return nil, nil, err
	}
	for _, n := range notes {
		fmt.Fprintf(stderr, "note: %s\n", n)
	}
	if len(changes) == 0 {
		return nil, nil, errors.New("rctest: there is no command in the changes")
	}
	if refused = t.ValidateAll(changes...); refused != nil {
		return nil, refused, nil
	}
	changed, err = t.Apply(changes...)
	return changed, nil, err
}

// tell writes the results.
func (q *question) tell(tests report.Tests, stdout io.Writer) error {
	var err error
	if q.junit == "-" {
		err = report.JUnit.Tests(stdout, tests)
	} else {
		err = q.Format.Tests(stdout, tests)
	}
	if err == nil && q.junit != "" && q.junit != "-" {
		err = q.writeJUnit(tests)
	}
	if err != nil {
		return outputError{err}
	}
	return nil
}

func (q *question) writeJUnit(tests report.Tests) error {
	var b strings.Builder
	if err := report.JUnit.Tests(&b, tests); err != nil {
		return err
	}
	return output.Replace(q.junit, b.String())
}

func (q *question) topology(stderr io.Writer) (*connector.Topology, error) {
	t, ok := input.Read(q.exports, q.Addresses, stderr)
	if !ok || !input.Answerable(t, q.exports, stderr) {
		if len(q.expectations) == 0 {
			fmt.Fprintln(stderr, "hint: a file of expectations in which no line can be read is taken for an export; -expect FILE says what it is")
		}
		return nil, errSaid
	}
	return t, nil
}

// ask asks the topology what the files expect, how much of it that covers, and what moved since the snapshot.
func (q *question) ask(ctx context.Context, t *connector.Topology, tests *report.Tests, stderr io.Writer) error {
	var all []topotest.Case
	var errs []error
	for _, name := range q.expectations {
		cases, err := readCases(name)
		errs = append(errs, err)
		results, err := topotest.Evaluate(ctx, t, cases)
		if err != nil {
			return err
		}
		tests.Suites = append(tests.Suites, report.TestSuite{Name: name, Cases: results})
		all = append(all, cases...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if q.snapshot != "" {
		if err := q.compare(t, tests, stderr); err != nil {
			return err
		}
	} else if len(q.expectations) == 0 {
		tests.Suites = append(tests.Suites, report.TestSuite{Name: strings.Join(q.exports, ", ")})
	}
	if !q.cover {
		return nil
	}
	var err error
	tests.Coverage, err = topotest.Cover(t, all)
	return err
}

// readCases reads a file of expectations.
func readCases(name string) ([]topotest.Case, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return topotest.ParseCases(name, f)
}

// compare tells what moved since the snapshot, and writes it anew if that is asked for.
func (q *question) compare(t *connector.Topology, tests *report.Tests, stderr io.Writer) error {
	tests.Snapshot = &report.SnapshotChange{Name: q.snapshot, Written: q.update}
	was, err := q.readSnapshot(stderr)
	if err != nil {
		return err
	}
	if len(was) > 0 {
		changes, err := topotest.Changed(was, t)
		if err != nil {
			return err
		}
		tests.Snapshot.Changes = *changes
	}
	if !q.update {
		return nil
	}
	is, err := topotest.Snapshot(t)
	if err != nil {
		return err
	}
	return output.Replace(q.snapshot, snapshotTitle+"What changes here, changes hands.\n\n"+topotest.FormatCases(is))
}

// snapshotTitle is how every snapshot begins, so that nothing else is written over.
const snapshotTitle = "# The decisions of these servers, written by rctest -snapshot. "

// readSnapshot reads the decisions of last time. Where they are to be written anew there may be none; a file that is none is left alone.
func (q *question) readSnapshot(stderr io.Writer) ([]topotest.Case, error) {
	text, err := os.ReadFile(q.snapshot)
	switch {
	case errors.Is(err, fs.ErrNotExist) && q.update:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w; -update writes the decisions of today", err)
	case err != nil:
		return nil, err
	}
	if q.update {
		if err := q.mayWrite(q.snapshot, snapshotTitle); err != nil {
			return nil, err
		}
	}
	was, err := topotest.ParseCases(q.snapshot, bytes.NewReader(text))
	switch {
	case err != nil && q.update:
		fmt.Fprintf(stderr, "warning: what changed is not told, because the last snapshot cannot be read: %v\n", err)
		return nil, nil
	case err == nil && len(was) == 0 && !q.update:
		return nil, fmt.Errorf("%s: no decision in it; -update writes those of today", q.snapshot)
	}
	return was, err
}

// story checks a story, after it was written anew if that is asked for.
func (q *question) story(name string) (suite report.TestSuite, err error) {
	load := func() (*topotest.Fixture, error) {
		f, err := topotest.Load(os.DirFS(filepath.Dir(name)), filepath.Base(name))
		if err != nil && errors.Is(err, fs.ErrNotExist) {
			_, err = os.Stat(name) // which names the file as it was given
		}
		return f, err
	}
	f, err := load()
	if err != nil {
		return suite, err
	}
	if q.update {
		text, err := f.Updated()
		if err != nil {
			return suite, err
		}
		if err := output.Replace(name, text); err != nil {
			return suite, err
		}
		if f, err = load(); err != nil {
			return suite, err
		}
	}
	return report.TestSuite{Name: name, Sections: f.Evaluate()}, nil
}
