package topotest

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// lineError is what is wrong in a line, and where.
type lineError struct {
	offset int // in bytes from 0
	err    error
}

func (e *lineError) Error() string { return e.err.Error() }

// at places an error in a line. A parse error of a part of it keeps what it is about, and its offset in the part.
func at(offset int, err error) error {
	var pe *connector.ParseError
	if errors.As(err, &pe) {
		offset += pe.Offset
		err = fmt.Errorf("%s%w", strings.TrimSuffix(err.Error(), pe.Error())+pe.Kind+": ", pe.Err)
	}
	return &lineError{offset, err}
}

// ParseCase reads one case as a line of a file has it, see the package documentation. Every error is a [*connector.ParseError] with the
// offset of what is wrong.
func ParseCase(line string) (Case, error) {
	c, err := parseLine(line)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		pe := &connector.ParseError{Kind: "case", Input: line, Err: err}
		var le *lineError
		if errors.As(err, &le) {
			pe.Offset, pe.Err = min(le.offset, len(line)), le.err
		}
		return Case{}, pe
	}
	return c, nil
}

// MustParseCase is [ParseCase] for literals; it panics on an error.
func MustParseCase(line string) Case {
	c, err := ParseCase(line)
	if err != nil {
		panic(err)
	}
	return c
}

const arrow = "->"

func parseLine(line string) (c Case, err error) {
	left, right, hasArrow := cutArrow(line)
	rest := left
	if name, behind, ok := cutName(left); ok {
		c.Name, rest = unquoted(strings.TrimSpace(name)), behind
		if c.Name == "" {
			return c, at(0, invalid("the name of the case is empty"))
		}
	}
	ts, err := tokens(rest, len(left)-len(rest))
	if err != nil {
		return c, err
	}
	wants := wantText{right, len(left) + len(arrow)}
	switch {
	case len(ts) == 0:
		return c, at(0, invalid("a case is QUESTION -> ANSWER"))
	case ts[0].is("no"), ts[0].is("finding"):
		if hasArrow {
			return c, at(len(left), invalid("a finding has no answer: no finding RC001 says it all"))
		}
		return c, parseFindings(&c, ts)
	case !hasArrow:
		for _, like := range []string{"=>", "\u2192", arrow, "-"} {
			if before, _, ok := cut(line, like); ok && (like != "-" || strings.HasSuffix(before, " ")) {
				return c, at(len(before), invalid("the arrow is -> with a blank on either side"))
			}
		}
		return c, at(len(line), invalid("a case is QUESTION -> ANSWER, and the arrow is missing"))
	case ts[0].is("flow"):
		if err := parseFlows(&c, ts); err != nil {
			return c, err
		}
		return c, wants.flow(&c)
	}
	if err := parseConnection(&c, ts); err != nil {
		return c, err
	}
	return c, wants.connection(&c)
}

func parseConnection(c *Case, ts []token) error {
	if len(ts) < 2 {
		return at(ts[0].offset, invalid("a connection is SERVER LOCAL:PORT CLIENT"))
	}
	c.Conn.Server = ts[0].text
	ts = joined(ts)
	client := ts[1]
	rest := ts[2:]
	c.Conn.Local = netip.AddrPortFrom(netip.Addr{}, portSMTP)
	if len(rest) > 0 && !rest[0].is("as") {
		local, err := parseLocal(client)
		if err != nil {
			return err
		}
		c.Conn.Local, client, rest = local, rest[0], rest[1:]
	}
	if err := parseFrom(c, client); err != nil {
		return err
	}
	if len(rest) == 0 {
		return nil
	}
	if !rest[0].is("as") || len(rest) < 2 {
		return at(rest[0].offset, invalid("behind SERVER LOCAL:PORT CLIENT comes nothing, or as PEER"))
	}
	return parsePeer(c, rest[1:])
}

// joined puts a list together that has blanks around its commas.
func joined(ts []token) (list []token) {
	for i := 0; i < len(ts); i++ {
		t, end := ts[i], i+1
		for i > 0 && end < len(ts) && (strings.HasSuffix(ts[end-1].raw, ",") || strings.HasPrefix(ts[end].raw, ",")) {
			end++
		}
		if end > i+1 {
			var raw strings.Builder
			for _, part := range ts[i:end] {
				raw.WriteString(part.raw)
			}
			t.raw = raw.String()
			t.text = unquoted(t.raw)
			i = end - 1
		}
		list = append(list, t)
	}
	return list
}

// portSMTP is the port of a question that does not say which.
const portSMTP = 25

func parseLocal(t token) (netip.AddrPort, error) {
	if t.text == everything {
		return netip.AddrPort{}, nil
	}
	if port, ok := strings.CutPrefix(t.text, everything+":"); ok {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return netip.AddrPort{}, at(t.offset+2, connector.ErrPort)
		}
		return netip.AddrPortFrom(netip.Addr{}, uint16(n)), nil
	}
	local, err := connector.ParseBinding(t.text)
	if err != nil {
		err = at(t.offset, err)
		var le *lineError
		if errors.As(err, &le) {
			le.err = fmt.Errorf("%w; a local endpoint is 10.1.0.11:25, *:25 or *", le.err)
		}
	}
	return local, err
}

// parseFrom reads who connects.
func parseFrom(c *Case, t token) error {
	list := parts(t.raw)
	for _, p := range list {
		if err := p.check(); err != nil {
			return at(t.offset+p.offset, err)
		}
	}
	if a, err := netip.ParseAddr(list[0].text); err == nil && len(list) == 1 && list[0].bare() {
		c.Conn.Remote = a
		return nil
	}
	c.From = fromOf(list)
	return nil
}

func parseFlows(c *Case, ts []token) error {
	if len(ts) < 4 {
		return at(ts[0].offset, invalid("a flow is flow FROM TO PURPOSE, with * for all"))
	}
	f := &Flows{From: ts[1].text, To: ts[2].text}
	c.Flow = f
	if f.From == everything {
		f.From = ""
	}
	if f.To == everything {
		f.To = ""
	}
	if p := ts[3]; p.text != everything {
		var ok bool
		if f.Purpose, ok = value(p.text, connector.Mail, connector.LogShipping); !ok {
			return at(p.offset, invalid("not a purpose of a flow"))
		}
	}
	for _, t := range ts[4:] {
		key, text, _ := strings.Cut(t.text, "=")
		ok := false
		switch key = strings.ToLower(key); {
		case key == "port" && f.Port == 0:
			n, err := strconv.ParseUint(text, 10, 16)
			f.Port, ok = uint16(n), err == nil && n > 0
		case key == "need" && f.Need == 0:
			f.Need, ok = value(text, connector.Required, connector.NotNeeded)
		}
		if !ok {
			return at(t.offset, invalid("neither port=NUMBER nor need=Required, Possible or NotNeeded, each once"))
		}
	}
	return nil
}

func parseFindings(c *Case, ts []token) error {
	f := &Findings{}
	c.Findings, c.Found = f, ts[0].is("finding")
	rest := ts[1:]
	if !c.Found {
		if len(rest) == 0 || !rest[0].is("finding") {
			return at(ts[0].offset, invalid("no must be followed by finding"))
		}
		rest = rest[1:]
	}
	for len(rest) > 0 {
		t := rest[0]
		severity, isSeverity := value(t.text, audit.Note, audit.Error)
		switch {
		case t.is("of") && len(rest) == 2:
			f.Subject = rest[1].text
			return nil
		case t.is("of") && len(rest) > 2: // a name with blanks, which needs no quotes at the end of the line
			var words []string
			for _, w := range rest[1:] {
				words = append(words, w.text)
			}
			f.Subject = strings.Join(words, " ")
			return nil
		case t.is("of"):
			return at(t.offset, invalid("of must be followed by a connector or server"))
		case isSeverity && f.Severity == 0:
			f.Severity = severity
		case f.Checks == "":
			if _, err := audit.ParseChecks(t.text); err != nil {
				return at(t.offset, fmt.Errorf("neither checks nor a severity: %w", err))
			}
			f.Checks = t.text
		default:
			return at(t.offset, invalid("a finding is CHECK, a severity, and of SUBJECT"))
		}
		rest = rest[1:]
	}
	return nil
}

// value finds a value by what it prints, in any case.
func value[T interface {
	~uint8
	String() string
}](text string, first, last T) (T, bool) {
	for v := first; v <= last; v++ {
		if strings.EqualFold(text, v.String()) {
			return v, true
		}
	}
	return 0, false
}
