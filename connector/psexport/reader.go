package psexport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/topojson"
)

// Reasons a file is refused.
var (
	ErrEmptyFile     = errors.New("the file is empty")
	ErrUnknownForm   = errors.New("not what the Exchange Management Shell writes")
	ErrOtherCmdlet   = errors.New("not the output of Get-ReceiveConnector or another cmdlet that is read here")
	ErrTextTooLarge  = fmt.Errorf("more than %d MiB of text; write the export with Export-Clixml, which is read piece by piece", maxText>>20)
	ErrTooManyErrors = errors.New("too many errors")
)

// Reader collects files into one topology. The zero Reader is ready for use. It is not safe for concurrent use.
type Reader struct {
	topology connector.Topology
	warnings []Warning
	errs     []error

	places     map[place]int                // of the records in topology
	downgraded map[string]bool              // servers that are told whether they may authenticate in clear
	homeless   []connector.ReceiveConnector // of an unknown server
	facts      []fact                       // about servers, in the order of reading
	grants     []grants                     // about connectors, likewise

	databasesExported bool         // and so what is not among them may have been forgotten
	mountAssumed      map[int]bool // positions of databases of which no file told where they are mounted
	dagCut            bool         // of some DAG not all members are known

	fileErrors, fileWarnings int // of the file at hand
}

// Read adds what in holds; name stands for the file in messages. The error joins a [*connector.ModelError] for everything
// that is wrong in the file, with line and column where they are known; what [Reader.Topology] returns later is then
// incomplete.
//
// The dialect and the encoding are told from the content. Files are refused rather than guessed at: another cmdlet's output
// ([ErrOtherCmdlet]), other XML ([ErrNotCLIXML]), any other text ([ErrUnknownForm]); the message says what it looks like and
// what to export instead. A file that holds objects of other cmdlets beside those that are read gives a warning.
//
// Memory is bounded whatever in holds: text, CSV and JSON by 64 MiB and, for JSON, two million values; CLIXML, which is read
// piece by piece, by a million values in one object and two million objects. Of one file 100 errors and 10,000 warnings
// are reported one by one.
func (r *Reader) Read(name string, in io.Reader) error {
	before := len(r.errs)
	t := decodeText(in)
	if err := r.read(name, t); err != nil {
		r.errs = append(r.errs, err)
	} else {
		r.tellEncoding(name, t)
	}
	r.tellRest(name)
	return errors.Join(r.errs[before:]...)
}

// tellEncoding warns of what was assumed to read the characters of a file.
func (r *Reader) tellEncoding(name string, t *text) {
	if t.page != nil {
		r.warn(Warning{Source: connector.Source{File: name, Line: t.pageLine}, Lost: "not UTF-8 and read as " + t.page.name,
			Unknown: "letters beyond ASCII in names may be others"})
	}
	if t.lost > 0 {
		r.warn(Warning{Source: connector.Source{File: name, Line: t.lostLine}, Lost: plural(t.lost, "character") + " without a meaning",
			Unknown: "the names they stand in are known in part"})
	}
}

func (r *Reader) read(name string, in *text) error {
	fail := func(err error) error {
		return &connector.ModelError{Source: connector.Source{File: name}, Err: err}
	}
	skipped, err := skipBlankLines(in)
	switch {
	case errors.Is(err, io.EOF):
		return fail(ErrEmptyFile)
	case err != nil:
		return fail(err)
	}
	if mark, _ := in.Peek(len(clixmlMark)); string(mark) == clixmlMark {
		in.Discard(len(clixmlMark))
		lines, err := skipBlankLines(in)
		if err != nil {
			return fail(ErrEmptyFile)
		}
		skipped += lines
	}
	head, _ := in.Peek(1 << 10)
	head = bytes.TrimLeft(head, " \t")
	o := &objects{reader: r, name: name}
	switch {
	case isHTML(head):
		return fail(ErrHTML)
	case bytes.HasPrefix(head, []byte("<")):
		err = readCLIXML(name, skipped, in, o.add)
	case isJSON(head):
		err = readJSON(name, skipped+1, in, o)
	default:
		err = readText(name, skipped, in, o)
	}
	if err != nil {
		return err
	}
	return o.finish()
}

// skipBlankLines skips lines without anything, 64 KiB at most, and returns how many there were. The line behind keeps its
// indentation, which means something in text. The error is [io.EOF] if nothing is behind.
func skipBlankLines(in *text) (lines int, err error) {
	for skipped := 0; skipped < 1<<16; {
		head, err := in.Peek(1 << 10)
		if len(head) == 0 {
			return lines, err
		}
		blank := len(head) - len(bytes.TrimLeft(head, " \t\r\n"))
		if blank < len(head) { // up to the line that the first character is in
			blank = 1 + bytes.LastIndexByte(head[:blank], '\n')
			lines += bytes.Count(head[:blank], []byte("\n"))
			in.Discard(blank)
			return lines, nil
		}
		lines += bytes.Count(head, []byte("\n"))
		skipped += len(head)
		in.Discard(len(head))
	}
	return lines, nil
}

// isJSON tells JSON from text that begins with the prompt "[PS] C:\>".
func isJSON(head []byte) bool {
	return len(head) > 0 && (head[0] == '{' || head[0] == '[' && !bytes.HasPrefix(head, []byte("[PS]")))
}

// readJSON reads one or more JSON values, the first of which begins in a line: native topologies, and objects of ConvertTo-Json.
func readJSON(name string, line int, in io.Reader, o *objects) error {
	nodes, err := topojson.ParseAll(name, line, in)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		switch {
		case topojson.IsNative(n):
			o.taken++
			if err := o.reader.native(name, n); err != nil {
				return err
			}
		case n.Kind == topojson.Object && len(n.Members) == 0:
			return &connector.ModelError{Source: connector.Source{File: name, Line: n.Line, Col: n.Col}, Err: fmt.Errorf("{}: %w", ErrUnknownForm)}
		default:
			eachObject(fromJSON(name, n), o.add)
		}
	}
	return nil
}

func (r *Reader) native(name string, n topojson.Node) error {
	t, err := topojson.Decode(name, n)
	if err != nil {
		return err
	}
	here := make(map[string]connector.Source)
	once := func(what, name string, src connector.Source) bool {
		first, twice := here[what+fold(name)]
		if twice {
			r.fail(&connector.ModelError{Source: src, Err: fmt.Errorf("%s %s: %w, first at %s", what, name, connector.ErrDuplicate, first)})
		}
		here[what+fold(name)] = src
		return !twice
	}
	for _, s := range t.Servers {
		if once("server", s.Name, s.Source) {
			r.tellDowngraded(s)
			r.addServer(s)
		}
	}
	for _, c := range t.Connectors {
		if once("connector", c.ID.String(), c.Source) {
			r.addConnector(c)
		}
	}
	for _, d := range t.Databases {
		r.addDatabase(d, false, connector.Source{File: name})
	}
	for _, n := range t.Networks {
		r.addNetwork(n)
	}
	for _, a := range t.Accepted {
		r.addAcceptance(a)
	}
	return nil
}

// tellDowngraded notes that of a server it is told whether it may authenticate in clear, unless that is missing.
func (r *Reader) tellDowngraded(s connector.Server) {
	if s.Missing.Has(connector.PropertyDowngradedExchangeAuth) {
		return
	}
	if r.downgraded == nil {
		r.downgraded = make(map[string]bool)
	}
	r.downgraded[fold(s.Name)] = true
}

// AddServer adds what is known of a server, such as addresses given by hand. The name may be the full one. It is merged with
// what the files tell, as two files are. The error is a [*connector.ModelError] if the name is empty.
func (r *Reader) AddServer(s connector.Server) error {
	if s.Name == "" {
		return &connector.ModelError{Source: s.Source, Path: "server", Err: connector.ErrEmpty}
	}
	r.addServer(fullName(s))
	return nil
}

// Topology returns everything read so far as a copy, the warnings in the order of reading, and all errors so far, joined.
// Files complete each other whatever their order: addresses, rights and settings come to the servers and connectors they
// belong to here.
//
// What several files tell of one server or connector is merged. Where they contradict each other the first stands, a
// warning says so, and the property is in Missing and in Conflicting.
func (r *Reader) Topology() (*connector.Topology, []Warning, error) {
	s := settle(r.topology.Clone())
	s.warnings, s.errs = slices.Clone(r.warnings), slices.Clone(r.errs)
	s.facts(r.facts, true)
	s.homeless(r.homeless)
	s.facts(r.facts, false)
	s.cutNames()
	s.rights(r.grants)
	s.downgraded(r.downgraded)
	if r.dagCut {
		s.membersUnknown()
	}
	if r.databasesExported {
		s.publicFolders()
	}
	return s.Topology, s.warnings, errors.Join(s.errs...)
}

// ParseServerAddresses reads NAME=IP[,IP...], as the programs take it. Every error is a [*connector.ParseError].
func ParseServerAddresses(s string) (connector.Server, error) {
	fail := func(offset int, err error) (connector.Server, error) {
		return connector.Server{}, &connector.ParseError{Kind: "server addresses", Input: s, Offset: offset, Err: err}
	}
	name, list, ok := strings.Cut(s, "=")
	if !ok || strings.TrimSpace(name) == "" {
		return fail(0, errors.New("not of the form NAME=IP,IP"))
	}
	server := connector.Server{Name: strings.TrimSpace(name)}
	at := len(name) + 1
	for part := range strings.SplitSeq(list, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(part))
		if err != nil || a.IsUnspecified() {
			return fail(at, connector.ErrAddress)
		}
		server.Addresses = append(server.Addresses, a.Unmap())
		at += len(part) + 1
	}
	return server, nil
}

// objects takes the exported objects of one file.
type objects struct {
	reader *Reader
	name   string
	taken  int
	others tally
	other  value // the first object that nobody reads
}

// add takes one object. What is wrong with it is noted, so that all errors of a file are found.
func (o *objects) add(v value) {
	r := o.reader
	k := v.kind()
	o.taken++
	switch k {
	case kindReceiveConnector:
		r.receiveConnector(v)
	case kindExchangeServer:
		r.exchangeServer(v)
	case kindADPermission:
		r.adPermission(v)
	case kindDAG:
		r.dag(v)
	case kindDAGNetwork:
		r.dagNetwork(v)
	case kindTransportService:
		r.transportService(v)
	case kindEdgeSubscription:
		r.edgeSubscription(v)
	case kindNetIPAddress:
		r.netIPAddress(v)
	case kindDNSRecord:
		r.dnsRecord(v)
	case kindMailboxDatabase, kindPublicFolderDatabase, kindDatabase:
		r.database(v, k)
	case kindNetwork:
		r.network(v)
	case kindAcceptance:
		r.acceptance(v)
	default:
		o.taken--
		if o.others.add(v.src); o.others.count == 1 {
			o.other = v
		}
	}
}

func (o *objects) finish() error {
	switch {
	case o.taken == 0 && o.reader.fileErrors > 0: // which say why
	case o.taken == 0 && o.others.count == 0:
		return &connector.ModelError{Source: connector.Source{File: o.name}, Err: fmt.Errorf("%w: it holds no objects; %s", ErrOtherCmdlet, exportInstead)}
	case o.taken == 0:
		return &connector.ModelError{Source: o.other.src, Err: o.other.refusal()}
	case o.others.count > 0:
		o.reader.warn(Warning{o.others.first, o.other.describe(), "", plural(o.others.count, "object") + " of other cmdlets left out",
			"nothing they tell is used"})
	}
	return nil
}
