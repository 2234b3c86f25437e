package psexport

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// ErrBoolean reports a value that is neither true nor false.
var ErrBoolean = errors.New("neither true nor false")

// mapper turns the properties of one object into fields of the model, with a warning for what is missing and an error for
// what cannot be read.
type mapper struct {
	reader  *Reader
	object  value
	name    string // of the object, for messages
	missing connector.Properties
	absent  []string // properties of small weight that are not in the export
	failed  bool
}

// complete tells that the object says by itself what is missing, as in the canonical text form, and nothing else is.
func (m *mapper) complete() bool { return m.object.has("Missing") }

// get returns a property that the export should have. One that is absent, null or empty is missing.
func (m *mapper) get(name string, p connector.Properties, unknown string) (value, bool) {
	v, ok := m.object.prop(name)
	src, lost := v.src, ""
	switch {
	case !ok:
		src, lost = m.object.src, "not in the export"
	case v.null:
		lost = "null in the export"
	case v.empty():
		lost = "empty in the export"
	case !v.list && lostType(v.text):
		lost = "exported as the name of a type instead of its value"
	default:
		return v, true
	}
	if !m.complete() {
		m.lose(src, name, p, lost, unknown)
	}
	return value{}, false
}

func (m *mapper) lose(src connector.Source, name string, p connector.Properties, lost, unknown string) {
	m.missing |= p
	m.reader.warn(Warning{src, m.name, name, lost, unknown})
}

func (m *mapper) fail(v value, property string, err error) {
	m.failed = true
	path := property
	if m.name != "" {
		path = m.name + ": " + property
	}
	m.reader.fail(&connector.ModelError{Source: v.src, Path: path, Err: err})
}

// text returns an optional property, "" if it is absent or null.
func (m *mapper) text(name string) string {
	v, _ := m.object.prop(name)
	s := v.scalar()
	if lostType(s) {
		return ""
	}
	return s
}

// named reads an optional property that the console may have cut off.
func (m *mapper) named(name string, p connector.Properties, unknown string) string {
	s := m.text(name)
	if _, cut := cutDots(s); cut {
		v, _ := m.object.prop(name)
		m.lose(v.src, name, p, "cut off with dots", unknown)
		return ""
	}
	return s
}

// flag reads a boolean.
func (m *mapper) flag(name string, p connector.Properties, unknown string, to *bool) {
	if v, ok := m.get(name, p, unknown); ok {
		m.boolean(v, name, to)
	}
}

// minor reads a boolean of small weight; those that are absent share one warning, which [mapper.tellAbsent] gives.
func (m *mapper) minor(name string, p connector.Properties, to *bool) {
	v, ok := m.object.prop(name)
	if !ok || v.null || v.scalar() == "" {
		m.miss(name, p)
		return
	}
	m.boolean(v, name, to)
}

func (m *mapper) miss(name string, p connector.Properties) {
	if m.complete() {
		return
	}
	m.missing |= p
	m.absent = append(m.absent, name)
}

// told tells whether the export has a value of a property.
func (m *mapper) told(name string) bool {
	v, ok := m.object.prop(name)
	return ok && !v.empty() && (v.list || !lostType(v.text))
}

// withhold notes a property that is not told and too small for a warning.
func (m *mapper) withhold(p connector.Properties) {
	if !m.complete() {
		m.missing |= p
	}
}

func (m *mapper) tellAbsent(unknown string) {
	if len(m.absent) > 0 {
		m.reader.warn(Warning{m.object.src, m.name, strings.Join(m.absent, ", "), "not in the export", unknown})
	}
}

func (m *mapper) boolean(v value, name string, to *bool) {
	b, err := parseBool(v.scalar())
	if err != nil {
		m.fail(v, name, err)
		return
	}
	*to = b
}

// The words for true and false: those of PowerShell, and those that spreadsheets write in other languages.
const (
	trueWords  = " true $true 1 wahr vrai verdadero verdadeiro vero waar sand sant sann prawda pravda igaz tosi doğru истина "
	falseWords = " false $false 0 falsch faux falso onwaar falsk falskt usann fałsz nepravda hamis epätosi yanliş ложь "
)

func parseBool(s string) (bool, error) {
	word := strings.ToLower(strings.TrimSpace(s))
	switch quoted := " " + word + " "; {
	case word != "" && strings.Contains(trueWords, quoted):
		return true, nil
	case word != "" && strings.Contains(falseWords, quoted):
		return false, nil
	}
	return false, fmt.Errorf("%q: %w", clip(s), ErrBoolean)
}

// dashes are what editors and web pages make of the dash of a range.
var dashes = strings.NewReplacer("–", "-", "—", "-", "−", "-", "‐", "-", "‑", "-")

func parseRange(s string) (connector.Range, error) { return connector.ParseRange(dashes.Replace(s)) }

// localVersion is AdminDisplayVersion in any language: "Versión 15.1 (compilación 2507.6)".
var localVersion = regexp.MustCompile(`^[^\d(]*(\d+)\.(\d+)\s*[(（]\D*(\d+)\.(\d+)\s*[)）]$`)

func parseVersion(s string) (connector.Version, error) {
	v, err := connector.ParseVersion(s)
	if m := localVersion.FindStringSubmatch(strings.TrimSpace(s)); err != nil && m != nil {
		return connector.ParseVersion(strings.Join(m[1:], "."))
	}
	return v, err
}

// parseAddress reads one address that a server can have; ok is false for those that say nothing about it: loopback, link-local
// and unspecified ones.
func parseAddress(s string) (a netip.Addr, ok bool, err error) {
	r, err := connector.ParseRange(s)
	if err != nil {
		return a, false, err
	}
	if r.Form() != connector.FormSingle {
		return a, false, &connector.ParseError{Kind: "address", Input: s, Err: connector.ErrAddress}
	}
	a = r.Span().From()
	return a, !a.IsUnspecified() && !a.IsLoopback() && !a.IsLinkLocalUnicast(), nil
}

// many reads a multi-valued property.
func many[T any](m *mapper, name string, p connector.Properties, unknown string, parse func(string) (T, error)) (list []T) {
	v, ok := m.get(name, p, unknown)
	if !ok {
		return nil
	}
	members := v.members()
	if loss := members.loss(); loss != "" {
		m.lose(v.src, name, p, loss, unknown)
	}
	for _, item := range members.items {
		parsed, err := parse(item.scalar())
		if err != nil {
			m.fail(item, name, err)
			continue
		}
		list = append(list, parsed)
	}
	return list
}

// one reads a property with a grammar; several texts, as some exports have for flags, are joined. Flags that the console cut
// off are lost.
func one[T any](m *mapper, name string, p connector.Properties, unknown string, parse func(string) (T, error)) (result T) {
	v, ok := m.get(name, p, unknown)
	if !ok {
		return result
	}
	text := v.scalar()
	if v.list {
		var parts []string
		for _, item := range v.items {
			parts = append(parts, item.scalar())
		}
		text = strings.Join(parts, ", ")
	}
	text = strings.Trim(text, "{}")
	if _, cut := cutDots(text); cut {
		m.lose(v.src, name, p, "cut off with dots", unknown)
		return result
	}
	result, err := parse(text)
	if err != nil {
		m.fail(v, name, err)
	}
	return result
}
