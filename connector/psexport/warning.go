package psexport

import (
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Warning reports what an export has lost and what is unknown for it.
type Warning struct {
	Source   connector.Source
	Object   string // the identity of the connector or the name of the server; empty if it is about the file
	Property string // as Exchange spells it, or several with commas; empty if it is about the object
	Lost     string // what was lost
	Unknown  string // what that makes unknown
}

// String prints file:line:col: object: property: what was lost, so what is unknown.
func (w Warning) String() string {
	var b strings.Builder
	for _, part := range []string{w.Source.String(), w.Object, w.Property} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	return b.String() + w.Lost + ", so " + w.Unknown
}

// Limits of what is reported about one file, so that a file full of errors is not a message full of errors.
const (
	maxErrors   = 100
	maxWarnings = 10_000
)

func (r *Reader) warn(w Warning) {
	if r.fileWarnings++; r.fileWarnings <= maxWarnings {
		r.warnings = append(r.warnings, w)
	}
}

func (r *Reader) fail(err error) {
	if r.fileErrors++; r.fileErrors <= maxErrors {
		r.errs = append(r.errs, err)
	}
}

// tellRest says how much was left out of the report about a file.
func (r *Reader) tellRest(name string) {
	src := connector.Source{File: name}
	if n := r.fileErrors - maxErrors; n > 0 {
		r.errs = append(r.errs, &connector.ModelError{Source: src, Err: fmt.Errorf("%w: %d more are not reported", ErrTooManyErrors, n)})
	}
	if n := r.fileWarnings - maxWarnings; n > 0 {
		r.warnings = append(r.warnings, Warning{Source: src, Lost: fmt.Sprintf("%d more losses are not reported one by one", n),
			Unknown: "see Missing of the servers and connectors"})
	}
	r.fileErrors, r.fileWarnings = 0, 0
}

// tally counts what is reported once, with its first place.
type tally struct {
	count int
	first connector.Source
}

func (t *tally) add(src connector.Source) {
	if t.count++; t.count == 1 {
		t.first = src
	}
}

// plural prints "1 row" or "3 rows".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
