package topotest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/receiveconnector/receiveconnector/connector"
)

// How long a file with expectations may be, how many cases it may have, how many errors of one are told, and from how many on it is no such file
// if there is no case.
const (
	mostBytes  = 64 << 20
	mostCases  = 1 << 20
	mostErrors = 100
	noSuchFile = 3
)

// ParseCases reads a file of cases in UTF-8 or UTF-16, a line each, see the package documentation for the form. Comments directly above a
// case are its Why, and a line [NAME] begins a Group. The error joins a [*connector.ModelError] with file, line and column for every line
// that is wrong, the first 100 of them; the cases of all other lines are returned with it. Of a file in which there is no case, but other
// text, only the first error is told.
func ParseCases(file string, r io.Reader) ([]Case, error) {
	return readCases(file, r, mostBytes, mostCases)
}

func readCases(file string, r io.Reader, mostBytes, mostCases int) ([]Case, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(mostBytes)+1))
	in := connector.Source{File: file}
	if err != nil {
		return nil, &connector.ModelError{Source: in, Err: err}
	}
	if len(data) > mostBytes {
		return nil, &connector.ModelError{Source: in, Err: fmt.Errorf("larger than %d MiB of expectations", mostBytes>>20)}
	}
	text := utf8Text(data)
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return nil, &connector.ModelError{Source: in, Err: errors.New("not a text in UTF-8, nor in UTF-16 with a byte order mark")}
	}
	var cases []Case
	var errs []error
	var group string
	var why []string
	for line := range strings.Lines(text) {
		in.Line++
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "":
			why = nil
			continue
		case trimmed[0] == '#':
			why = append(why, strings.TrimSpace(trimmed[1:]))
			continue
		}
		if name, ok := heading(trimmed); ok {
			group, why = name, nil
			continue
		}
		c, err := ParseCase(trimmed)
		in.Col = 0
		if err == nil && len(cases) == mostCases {
			errs = append(errs, &connector.ModelError{Source: in, Err: fmt.Errorf("more than %d expectations", mostCases)})
			break
		}
		if err == nil {
			c.Why, c.Group, c.Source = strings.Join(why, "\n"), group, in
			cases = append(cases, c)
		} else if len(errs) <= mostErrors {
			errs = append(errs, inLine(in, line, err))
		}
		why = nil
	}
	switch {
	case len(cases) == 0 && len(errs) >= noSuchFile:
		errs = append(errs[:1], &connector.ModelError{Source: connector.Source{File: file}, Err: errors.New("no line of it is a case; is it a file of expectations?")})
	case len(errs) > mostErrors:
		errs[mostErrors] = &connector.ModelError{Source: connector.Source{File: file}, Err: errors.New("too many errors, the rest is not reported")}
	}
	return cases, errors.Join(errs...)
}

// inLine places an error of a line, of which ParseCase had the part without blanks around it.
func inLine(in connector.Source, line string, err error) error {
	var pe *connector.ParseError
	if errors.As(err, &pe) {
		in.Col = len(line) - len(strings.TrimLeftFunc(line, unicode.IsSpace)) + pe.Offset + 1
	}
	return &connector.ModelError{Source: in, Err: err}
}

// heading reads [NAME], in which quotes keep blanks at the ends of the name.
func heading(line string) (name string, ok bool) {
	if line[0] != '[' || !strings.HasSuffix(line, "]") {
		return "", false
	}
	name = strings.TrimSpace(line[1 : len(line)-1])
	if strings.HasPrefix(name, "'") {
		name = unquoted(name)
	}
	return name, true
}

// headingOf prints a line that heading reads.
func headingOf(name string) string {
	name = oneLine(name)
	if strings.HasPrefix(name, "'") || name != strings.TrimSpace(name) {
		name = quoted(name)
	}
	return "[" + name + "]\n"
}

// utf8Text returns a text without its byte order mark, which tells whether it is in UTF-16, as Windows PowerShell writes files with >.
func utf8Text(data []byte) string {
	var unit func([]byte) uint16
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		unit = binary.LittleEndian.Uint16
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		unit = binary.BigEndian.Uint16
	default:
		return strings.TrimPrefix(string(data), "\ufeff")
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, unit(data[i:]))
	}
	return string(utf16.Decode(units))
}

// FormatCases prints cases as a file that [ParseCases] reads, in their order, those of a group under its heading as long as they are
// neighbours.
func FormatCases(cases []Case) string {
	var b strings.Builder
	group := ""
	for i, c := range cases {
		why := strings.TrimSpace(oneLineEach(c.Why))
		if c.Group != group {
			if i > 0 {
				b.WriteString("\n")
			}
			group = c.Group
			b.WriteString(headingOf(group))
		} else if i > 0 && why != "" {
			b.WriteString("\n")
		}
		for line := range strings.Lines(why) {
			b.WriteString(strings.TrimSpace("# "+strings.TrimSpace(line)) + "\n")
		}
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// oneLineEach is oneLine for each line of a text.
func oneLineEach(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = oneLine(lines[i])
	}
	return strings.Join(lines, "\n")
}
