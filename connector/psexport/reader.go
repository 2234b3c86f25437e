package psexport

import (
	"bufio"
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
	ErrEmptyFile   = errors.New("the file is empty")
	ErrUnknownForm = errors.New("neither Export-Clixml, nor JSON of ConvertTo-Json, nor the native JSON of a topology")
	ErrOtherCmdlet = errors.New("not the output of Get-ReceiveConnector or Get-ExchangeServer")
	ErrConflict    = errors.New("told differently in two places")
)

// Warning reports what an export has lost and what is unknown for it.
type Warning struct {
	Source   connector.Source
	Object   string // the identity of the connector or the name of the server
	Property string // as Exchange spells it
	Lost     string // what was lost
	Unknown  string // what that makes unknown
}

// String prints file:line:col: object: property: what was lost, what is unknown for it.
func (w Warning) String() string {
	return fmt.Sprintf("%s: %s: %s: %s, so %s", w.Source, w.Object, w.Property, w.Lost, w.Unknown)
}

// Reader collects files into one topology. The zero Reader is ready for use. It is not safe for concurrent use.
type Reader struct {
	topology connector.Topology
	warnings []Warning
	errs     []error
}

// Read adds what r holds; name stands for the file in messages. The error joins a [*connector.ModelError] for everything
// that is wrong in the file, with line and column, and whatever [Reader.Topology] returns later is then incomplete.
//
// Files are refused rather than guessed at: another cmdlet's output ([ErrOtherCmdlet]), other XML ([ErrNotCLIXML]), any
// other text ([ErrUnknownForm]). Memory is bounded whatever r holds: JSON by 64 MiB of text and a million values, CLIXML by
// a million values for one object and half a million objects.
func (r *Reader) Read(name string, in io.Reader) error {
	before := len(r.errs)
	if err := r.read(name, decodeText(in)); err != nil {
		r.errs = append(r.errs, err)
	}
	return errors.Join(r.errs[before:]...)
}

func (r *Reader) read(name string, in *bufio.Reader) error {
	fail := func(err error) error {
		return &connector.ModelError{Source: connector.Source{File: name}, Err: err}
	}
	first, err := firstByte(in)
	switch {
	case errors.Is(err, io.EOF):
		return fail(ErrEmptyFile)
	case err != nil:
		return fail(err)
	}
	o := objects{reader: r, name: name}
	switch first {
	case '<':
		err = readCLIXML(name, in, o.add)
	case '{', '[':
		var n topojson.Node
		if n, err = topojson.Parse(name, in); err != nil {
			return err
		}
		if topojson.IsNative(n) {
			return r.native(name, n)
		}
		if n.Kind == topojson.Object && len(n.Members) == 0 {
			return fail(fmt.Errorf("{}: %w", ErrUnknownForm))
		}
		err = eachObject(fromJSON(name, n), o.add)
	default:
		return fail(ErrUnknownForm)
	}
	if err != nil {
		return err
	}
	return o.finish()
}

// firstByte skips blanks, at most 64 KiB of them, and returns the byte behind without consuming it.
func firstByte(in *bufio.Reader) (byte, error) {
	for range 1 << 16 {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(b)) {
			return b, in.UnreadByte()
		}
	}
	return ' ', nil
}

func (r *Reader) native(name string, n topojson.Node) error {
	t, err := topojson.Decode(name, n)
	if err != nil {
		return err
	}
	for _, s := range t.Servers {
		if err := r.AddServer(s); err != nil {
			r.errs = append(r.errs, err)
		}
	}
	here := make(map[string]connector.Source)
	for _, c := range t.Connectors {
		key := strings.ToLower(c.ID.String())
		if first, twice := here[key]; twice {
			r.errs = append(r.errs, &connector.ModelError{Source: c.Source,
				Err: fmt.Errorf("connector %s: %w, first at %s", c.ID, connector.ErrDuplicate, first)})
			continue
		}
		here[key] = c.Source
		r.addConnector(c)
	}
	r.topology.Databases = append(r.topology.Databases, t.Databases...)
	r.topology.Networks = append(r.topology.Networks, t.Networks...)
	return nil
}

// objects takes the exported objects of one file.
type objects struct {
	reader *Reader
	name   string
	taken  int
	others int
	other  value // the first object that nobody reads
}

// add takes one object; it never fails, so that all errors of a file are found.
func (o *objects) add(v value) error {
	switch v.kind() {
	case receiveConnector:
		o.taken++
		o.reader.receiveConnector(v)
	case exchangeServer:
		o.taken++
		o.reader.exchangeServer(v)
	default:
		if o.others++; o.others == 1 {
			o.other = v
		}
	}
	return nil
}

func (o *objects) finish() error {
	switch {
	case o.taken == 0 && o.others == 0:
		return &connector.ModelError{Source: connector.Source{File: o.name}, Err: fmt.Errorf("%w: it holds no objects", ErrOtherCmdlet)}
	case o.taken == 0:
		return &connector.ModelError{Source: o.other.src, Err: fmt.Errorf("%w: %s", ErrOtherCmdlet, o.other.describe())}
	case o.others > 0:
		o.reader.warnings = append(o.reader.warnings, Warning{o.other.src, o.other.describe(), "-",
			fmt.Sprintf("%d objects of other cmdlets are left out", o.others), "nothing they tell is used"})
	}
	return nil
}

// AddServer adds what is known of a server, such as addresses given by hand. Records of one server are merged; the error
// wraps [ErrConflict] if two of them contradict each other. Addresses add up.
func (r *Reader) AddServer(s connector.Server) error {
	for i := range r.topology.Servers {
		old := &r.topology.Servers[i]
		if !strings.EqualFold(old.Name, s.Name) {
			continue
		}
		if field := mergeServer(old, s); field != "" {
			return &connector.ModelError{Source: s.Source,
				Err: fmt.Errorf("server %s: %s: %w, the other is %s", s.Name, field, ErrConflict, whence(old.Source))}
		}
		return nil
	}
	s.Addresses = slices.Clone(s.Addresses)
	r.topology.Servers = append(r.topology.Servers, s)
	return nil
}

// whence names the place of a record for a message.
func whence(s connector.Source) string {
	if s == (connector.Source{}) {
		return "given by hand"
	}
	return s.String()
}

// mergeServer fills what old does not know from s and returns the name of a property that both know differently.
func mergeServer(old *connector.Server, s connector.Server) (conflict string) {
	merge := func(name string, p connector.Properties, known, told, same bool, take func()) {
		switch {
		case told && known && !same:
			conflict = name
		case told && !known:
			take()
			fallthrough
		case known:
			old.Missing &^= p
		}
	}
	old.Missing |= s.Missing // what either of them knows is taken out below
	merge("Fqdn", connector.PropertyFQDN, old.FQDN != "", s.FQDN != "", strings.EqualFold(old.FQDN, s.FQDN), func() { old.FQDN = s.FQDN })
	merge("Site", connector.PropertySite, old.Site != "", s.Site != "", strings.EqualFold(old.Site, s.Site), func() { old.Site = s.Site })
	merge("DAG", connector.PropertyDAG, old.DAG != "", s.DAG != "", strings.EqualFold(old.DAG, s.DAG), func() { old.DAG = s.DAG })
	if vague(old.Version, s.Version) {
		old.Version = s.Version
	}
	merge("Version", connector.PropertyVersion, old.Version.IsValid(), s.Version.IsValid(),
		old.Version.Generation() == s.Version.Generation() || vague(s.Version, old.Version), func() { old.Version = s.Version })
	merge("Roles", connector.PropertyRoles, old.Roles != 0, s.Roles != 0, old.Roles == s.Roles, func() { old.Roles = s.Roles })
	old.DowngradedExchangeAuth = old.DowngradedExchangeAuth || s.DowngradedExchangeAuth
	for _, a := range s.Addresses {
		if !slices.Contains(old.Addresses, a) {
			old.Addresses = append(old.Addresses, a)
		}
	}
	return conflict
}

// vague tells whether v leaves open what o says: 15.2 without a build is 2019 or SE.
func vague(v, o connector.Version) bool {
	g := o.Generation()
	return v.Generation() == connector.Generation2019OrSE && (g == connector.Generation2019 || g == connector.GenerationSE)
}

func (r *Reader) addConnector(c connector.ReceiveConnector) {
	if old, ok := r.topology.Connector(c.ID); ok {
		if !old.Equal(c) {
			r.errs = append(r.errs, &connector.ModelError{Source: c.Source,
				Err: fmt.Errorf("connector %s: %w, the other is %s", c.ID, ErrConflict, whence(old.Source))})
		}
		return
	}
	r.topology.Connectors = append(r.topology.Connectors, c)
}

// Topology returns everything read so far as a copy, the warnings in the order of reading, and all errors so far, joined.
func (r *Reader) Topology() (*connector.Topology, []Warning, error) {
	return r.topology.Clone(), slices.Clone(r.warnings), errors.Join(r.errs...)
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
