package psexport

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// maxHeader is how much of a text is looked at to tell whether it is CSV.
const maxHeader = 64 << 10

// Reasons a row of CSV is refused.
var (
	ErrCSVFields = errors.New("another number of fields than the header")
	ErrCSVQuote  = errors.New("a quotation mark is missing or in the wrong place")
)

// csvForm is what the first lines tell of a CSV file.
type csvForm struct {
	comma  rune
	known  int  // properties in the header that are read here
	fields int  // in the header
	marked bool // a line #TYPE or sep=, or quotation marks around the header
}

// delimiters are what Export-Csv -UseCulture and -Delimiter write, and people.
var delimiters = [...]rune{',', ';', '\t', '|'}

const typeLine, sepLine = "#TYPE ", "sep="

// isCSV tells CSV by its header: it is marked, or has several names of which one is a property that is read here.
func (f csvForm) isCSV() bool { return f.marked || f.known > 0 && f.fields > 1 }

// sniffCSV looks at the first lines of a text.
func sniffCSV(head string) (form csvForm) {
	first, rest, _ := strings.Cut(head, "\n")
	first = strings.TrimRight(first, "\r")
	if sep, found := strings.CutPrefix(first, sepLine); found && len(sep) == 1 && strings.Contains(",;\t|:", sep) {
		return csvForm{comma: rune(sep[0]), marked: true}
	}
	typed := strings.HasPrefix(first, typeLine)
	if typed {
		first, _, _ = strings.Cut(rest, "\n")
		first = strings.TrimRight(first, "\r")
	}
	quoted := len(first) > 2 && first[0] == '"' && strings.HasSuffix(first, `"`)
	form = csvForm{comma: ',', marked: typed || quoted}
	for _, d := range delimiters {
		names := strings.Split(first, string(d))
		known := 0
		for _, name := range names {
			if !quoted && !canBeName(name) {
				known = 0
				break
			}
			if readProperties[propertyKey(strings.Trim(name, `" `))] {
				known++
			}
		}
		if len(names) > form.fields && (known > 0 || form.known == 0) {
			form.fields, form.known, form.comma = len(names), known, d
		}
	}
	return form
}

// canBeName tells names of properties from prompts with commands, from Format-List, and from sentences.
func canBeName(s string) bool {
	return strings.Contains(s, "$") || !strings.ContainsAny(strings.TrimSpace(s), ` >\|=:`)
}

// readProperties are names by which a header is recognised, in lower case.
var readProperties = map[string]bool{
	"identity": true, "name": true, "server": true, "bindings": true, "remoteipranges": true, "authmechanism": true,
	"permissiongroups": true, "enabled": true, "transportrole": true, "fqdn": true, "requiretls": true,
	"distinguishedname": true, "site": true, "serverrole": true, "admindisplayversion": true, "user": true,
	"extendedrights": true, "servers": true, "interfaces": true, "subnets": true, "mountedonserver": true,
	"ipaddress": true, "interfacealias": true, "section": true, "usedowngradedexchangeserverauth": true,
	"internaltransportcertificatethumbprint": true, "lowerbound": true, "addressspaces": true, "senderipaddresses": true,
}

// readCSV hands on the rows of a CSV file as objects. A row that begins with #TYPE begins another table, as in a file to which
// several exports were appended. What is wrong is noted.
func readCSV(name string, skipped int, data string, form csvForm, o *objects) {
	c := csv.NewReader(strings.NewReader(data))
	c.Comma, c.FieldsPerRecord, c.ReuseRecord = form.comma, -1, true
	if strings.HasPrefix(data, sepLine) {
		c.Read()
	}
	var header []string
	var from *origin
	fail := func(line int, err error) {
		o.reader.fail(&connector.ModelError{Source: connector.Source{File: name, Line: skipped + line}, Err: err})
	}
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			line := 0
			if syntax := (*csv.ParseError)(nil); errors.As(err, &syntax) {
				line, err = syntax.StartLine, syntax.Err
			}
			fail(line, fmt.Errorf("%w: %w", ErrCSVQuote, err))
			return // what follows cannot be told from the inside of the field
		}
		at, _ := c.FieldPos(0)
		if t, ok := strings.CutPrefix(record[0], typeLine); ok {
			header, from = nil, &origin{types: []string{strings.TrimSpace(t)}}
			continue
		}
		if blank(record) {
			continue
		}
		if header == nil || isHeader(record) {
			if header != nil { // of another export, which #TYPE does not tell
				header, from = nil, nil
			}
			for _, field := range record {
				header = append(header, propertyKey(field))
			}
			continue
		}
		if len(record) != len(header) {
			fail(at, fmt.Errorf("%w: %d instead of %d", ErrCSVFields, len(record), len(header)))
			continue
		}
		v := value{src: connector.Source{File: name, Line: skipped + at}, origin: from, props: make(map[string]value, len(header))}
		for i, field := range record {
			line, col := c.FieldPos(i)
			v.set(header[i], value{src: connector.Source{File: name, Line: skipped + line, Col: col}, text: strings.Clone(asPlain(field))})
		}
		o.add(v)
	}
}

// isHeader tells whether a row names properties instead of having them, as where another export was appended.
func isHeader(record []string) bool {
	known := 0
	for _, field := range record {
		if strings.ContainsAny(field, " {,;:\\") && !strings.Contains(field, "$") {
			return false
		}
		if readProperties[propertyKey(field)] {
			known++
		}
	}
	return known > 1 && 2*known >= len(record)
}

func blank(record []string) bool {
	for _, field := range record {
		if strings.TrimSpace(field) != "" {
			return false
		}
	}
	return true
}
