package report

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Format is a form of output. Zero is not set and not valid. Not every report has every form: a method returns [ErrFormat] where it has none.
type Format uint8

const (
	Text     Format = iota + 1 // for people, see also [Terminal]
	JSON                       // for programs, by the schema of [Schema]
	Markdown                   // for tickets, reviews and wikis; headings, lists, tables and code of the same lines as Text
	HTML                       // for people, a page in one file that needs no network and no script; see [Format.Audit]
	SARIF                      // for code scanning: findings, SARIF 2.1.0
	JUnit                      // for continuous integration: findings and expectations as tests
)

var formatNames = [...]string{"", "text", "json", "markdown", "html", "sarif", "junit"}

// ErrFormat says that a report has no such form.
var ErrFormat = errors.New("this report has no such form")

// String prints "text", "json", "markdown", "html", "sarif" or "junit".
func (f Format) String() string {
	if int(f) < len(formatNames) {
		return formatNames[f]
	}
	return ""
}

// ParseFormat reads what String prints, in any case. Every error is a [*connector.ParseError].
func ParseFormat(s string) (Format, error) {
	for f := Text; f <= JUnit; f++ {
		if strings.EqualFold(s, f.String()) {
			return f, nil
		}
	}
	return 0, &connector.ParseError{Kind: "format", Input: s, Err: connector.ErrUnknownName}
}

// outline writes an outline in one of the forms for people; the title is that of a page.
func (f Format) outline(w io.Writer, title string, b *outline) error {
	switch f {
	case Text:
		return b.writeText(w)
	case Markdown:
		_, err := io.WriteString(w, b.markdown())
		return err
	case HTML:
		return pageOf(title, b).write(w)
	}
	return fmt.Errorf("%s: %w", f, ErrFormat)
}

//go:embed schema.json
var schema string

// Schema returns the JSON Schema, of the draft of 2020-12, of what is written as [JSON]: in $defs there is one for each method of [Format], by
// its name, such as #/$defs/audit for [Format.Audit] and #/$defs/whatIf for [Format.WhatIf]. Fields may be added; those that are there stay.
func Schema() string { return schema }

// writeJSON writes v on one line, or indented. Markup is not escaped: names are printed as they are.
func writeJSON(w io.Writer, v any, indent bool) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if indent {
		e.SetIndent("", "  ")
	}
	return e.Encode(v)
}

// texts renders values that print themselves; never nil, so that JSON has a list.
func texts[T interface{ String() string }](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return out
}
