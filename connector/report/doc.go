// Package report writes what the other packages found out, for people ([Text]) and for programs ([JSON]).
//
// It decides nothing. Prose is made here, from data.
package report

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Format is a form of output. Zero is not set and not valid.
type Format uint8

const (
	Text Format = iota + 1
	JSON
)

// String prints "text" or "json".
func (f Format) String() string {
	switch f {
	case Text:
		return "text"
	case JSON:
		return "json"
	}
	return ""
}

// ParseFormat reads what String prints, in any case. Every error is a [*connector.ParseError].
func ParseFormat(s string) (Format, error) {
	for f := Text; f <= JSON; f++ {
		if strings.EqualFold(s, f.String()) {
			return f, nil
		}
	}
	return 0, &connector.ParseError{Kind: "format", Input: s, Err: connector.ErrUnknownName}
}

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
