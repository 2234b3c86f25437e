package psexport

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// value is a property of an exported object in any dialect: a text, a list, nested properties, or several of them.
type value struct {
	src    connector.Source
	null   bool
	number bool   // text is a bare number, where a name was expected
	text   string // a scalar, or the ToString form of an object
	list   bool
	items  []value
	props  map[string]value // keys as propertyKey has them
	origin *origin          // nil if nothing tells
}

// origin is what the dialect tells of where an object came from; objects share it.
type origin struct {
	types   []string // .NET types, the most derived first
	command string   // the cmdlet that a transcript shows, in lower case
}

func (v value) types() []string {
	if v.origin == nil {
		return nil
	}
	return v.origin.types
}

// shown returns the kind of the cmdlet that a transcript shows.
func (v value) shown() kind {
	if v.origin == nil {
		return kindOther
	}
	return kindsByCommand[v.origin.command]
}

// prop returns a nested property, whatever the case of its name.
func (v value) prop(name string) (value, bool) {
	var key [64]byte // names are ASCII and short, so that looking up allocates nothing
	n := 0
	for ; n < len(name) && n < len(key); n++ {
		c := name[n]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		key[n] = c
	}
	p, ok := v.props[string(key[:n])]
	return p, ok
}

// set adds a property. If there are two of one name, as of Select-Object *,{$_.Bindings -join ';'}, the one that holds something
// counts, else the first.
func (v *value) set(key string, p value) {
	if old, ok := v.props[key]; ok && !old.null && (old.list || len(old.props) > 0 || old.text != "" && !lostType(old.text)) {
		return
	}
	v.props[key] = p
}

// empty tells whether a property holds nothing at all, not even an empty list.
func (v value) empty() bool { return v.null || v.text == "" && !v.list && len(v.props) == 0 }

// has tells whether v has all of the properties.
func (v value) has(names ...string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { _, ok := v.prop(n); return !ok })
}

// hasAny tells whether v has one of the properties.
func (v value) hasAny(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return v.has(n) })
}

// viewNames are the heads of the shell's own views that are not the name of the property.
var viewNames = map[string]string{"member servers": "servers", "operational servers": "operationalservers"}

// calculated are the expressions that hold the whole of a property; others, such as $_.RemoteIPRanges[0], are properties of
// their own.
var calculated = []*regexp.Regexp{
	regexp.MustCompile(`(?i)^\(*(?:\[string\]\s*)?\(*\$(?:_|PSItem)\.(\w+)(?:\.ToString\(\)|\s*\|\s*(?:%|foreach(?:-object)?)\s*\{\s*\$(?:_|PSItem)\.(?:Expression|ToString\(\))\s*\})?\)*(?:\s+-join\s+[^.\[|]+)?$`),
	regexp.MustCompile(`(?i)^\[string\]::join\([^,]*,\s*\$(?:_|PSItem)\.(\w+)\)$`),
}

// propertyKey returns the key of a property: its name in lower case. Select-Object {$_.Bindings -join ';'} names a property by
// the whole expression.
func propertyKey(name string) string {
	if strings.Contains(name, "$") {
		for _, form := range calculated {
			if m := form.FindStringSubmatch(strings.TrimSpace(name)); m != nil {
				name = m[1]
				break
			}
		}
	}
	key := strings.ToLower(strings.TrimSpace(name))
	return cmp.Or(viewNames[key], key)
}

// describe names an object that no reader knows, for a message.
func (v value) describe() string {
	if types := v.types(); len(types) > 0 {
		return "an object of type " + clip(types[0])
	}
	if len(v.props) == 0 {
		return "a value that is no object"
	}
	names := make([]string, 0, len(v.props))
	for name := range v.props {
		names = append(names, clip(name))
	}
	slices.Sort(names)
	if len(names) > 5 {
		names = append(names[:5], "...")
	}
	return "an object with the properties " + strings.Join(names, ", ")
}

// clip cuts what nobody would read in a message.
func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// expand returns v with the properties that its text spells out: @{Name=Relay; Server=EX01}, which is what PowerShell makes
// of an object that it has to squeeze into a text.
func (v value) expand() value {
	inner, ok := strings.CutPrefix(strings.TrimSpace(v.text), "@{")
	if !ok || len(v.props) > 0 {
		return v
	}
	inner, ok = strings.CutSuffix(inner, "}")
	if !ok {
		return v
	}
	w := value{src: v.src, props: map[string]value{}}
	last, from, at := "", 0, 0 // the property at hand, where its value begins, and the part at hand
	for part := range strings.SplitSeq(inner, squeezedSeparator) {
		if key, _, ok := strings.Cut(part, "="); ok && !strings.ContainsAny(key, " ,{") {
			last, from = propertyKey(key), at+len(key)+1
		}
		at += len(part) + len(squeezedSeparator)
		if from > 0 { // a value may hold the separator
			w.props[last] = value{src: v.src, text: inner[from : at-len(squeezedSeparator)]}
		}
	}
	return w
}

const squeezedSeparator = "; "

// scalar returns the text that stands for a value: its own, or the property that holds it in an object that lost its
// ToString on the way.
func (v value) scalar() string {
	v = v.expand()
	if v.text != "" || len(v.props) == 0 {
		return v.text
	}
	for _, name := range []string{"Value", "Expression", "IPAddressToString", "Domain", "RawIdentity"} {
		if p, ok := v.prop(name); ok && p.text != "" {
			return p.text
		}
	}
	if low, ok := v.prop("LowerBound"); ok {
		high, _ := v.prop("UpperBound")
		if low.scalar() == high.scalar() {
			return low.scalar()
		}
		return low.scalar() + "-" + high.scalar()
	}
	if port, ok := v.prop("Port"); ok {
		address, _ := v.prop("Address")
		host := address.scalar()
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return host + ":" + port.text
	}
	if major, ok := v.prop("Major"); ok {
		minor, _ := v.prop("Minor")
		build, _ := v.prop("Build")
		revision, _ := v.prop("Revision")
		return strings.Join([]string{major.text, minor.text, build.text, revision.text}, ".")
	}
	return v.simpleName()
}

// simpleName returns the last part of a directory name: EX01 for EX01, for contoso.com/Servers/EX01 and for
// CN=EX01,CN=Servers,DC=contoso.
func (v value) simpleName() string {
	v = v.expand()
	name, _ := v.prop("Name")
	if name.text != "" {
		return name.text
	}
	dn, _ := v.prop("DistinguishedName")
	return lastName(cmp.Or(v.text, dn.text))
}

// lastName is simpleName of a text.
func lastName(s string) string {
	if m := firstName.FindStringSubmatch(s); m != nil {
		return unescapeDN(m[1])
	}
	return s[strings.LastIndexByte(s, '/')+1:]
}

// firstName is the first part of a distinguished name, up to a comma that is not escaped.
var firstName = regexp.MustCompile(`^CN=((?:\\.|[^\\,])*)`)

// unescapeDN undoes what a distinguished name writes for its own signs: \, and \2C for a comma.
func unescapeDN(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:min(len(s), i+3)], 16, 8); err == nil && i+2 < len(s) {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// hostName returns the first label of a host's name: EX01 for EX01.contoso.com, and for EX01.
func hostName(s string) string {
	s = strings.TrimSpace(s)
	if first, _, _ := strings.Cut(s, "."); first != "" {
		return first
	}
	return s
}

// lostType tells whether a text is the name of a .NET type, which stands where Export-Csv had to write a collection.
func lostType(s string) bool {
	s = strings.TrimPrefix(s, "Deserialized.")
	return (strings.HasPrefix(s, "System.") || strings.HasPrefix(s, "Microsoft.")) && !strings.ContainsAny(strings.SplitN(s, "[", 2)[0], " ,;/\\")
}

// dots are what PowerShell writes where it cuts: PowerShell 7 has a character of its own.
var dots = [...]string{"...", "…"}

// cutDots takes the dots off the end of a text, and tells whether there were any.
func cutDots(s string) (string, bool) {
	for _, d := range dots {
		if head, cut := strings.CutSuffix(s, d); cut {
			return head, true
		}
	}
	return s, false
}

// members are the texts of a multi-valued property.
type members struct {
	items []value
	lost  bool // there was a list, and nothing of it is left
	cut   bool // the console or $FormatEnumerationLimit cut it off; items are those before
}

// wideDash is the dash of a range with blanks around it.
var wideDash = regexp.MustCompile(`(\S)[ \t]+[-–—−‐‑][ \t]+`)

// members returns what a multi-valued property holds. A collection that was flattened to one text is split at blanks, commas,
// semicolons, bars and line ends, none of which stands inside a range, a binding or the name of a right.
//
//	{10.0.0.1, 10.0.0.2...}   cut behind the second item, which is whole ($FormatEnumerationLimit)
//	{10.0.0.1, 10.0.0...      cut inside the second item, by the width of the console
func (v value) members() (m members) {
	if v.list {
		for _, item := range v.items {
			m.add(item, true)
		}
		return m
	}
	if several, ok := v.squeezed(); ok {
		return several
	}
	text := strings.TrimSpace(v.scalar())
	if text == "{}" {
		return m
	}
	closed := !strings.HasPrefix(text, "{") || strings.HasSuffix(text, "}")
	text = strings.Trim(text, "{} ")
	if text == "" || lostType(text) {
		return members{lost: true}
	}
	if strings.Contains(text, "- ") || strings.Contains(text, " -") || !isASCII(text) {
		text = wideDash.ReplaceAllString(text, "$1-")
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" ,;|\r\n\t", r) }) {
		m.add(value{src: v.src, text: strings.Trim(part, `"'`)}, closed)
	}
	if !closed {
		m.cut = true
	}
	return m
}

// squeezed returns the objects of a text into which a list of them was squeezed: @{...} @{...}
func (v value) squeezed() (m members, ok bool) {
	const start, border = "@{", "} @{"
	text := strings.TrimSpace(v.text)
	if !strings.HasPrefix(text, start) || !strings.Contains(text, border) {
		return m, false
	}
	inner, closed := strings.CutSuffix(text[len(start):], "}")
	if !closed { // the last of them is cut off
		inner, m.cut = inner[:strings.LastIndex(inner, border)], true
	}
	for part := range strings.SplitSeq(inner, border) {
		m.add(value{src: v.src, text: start + part + "}"}, true)
	}
	return m, true
}

// add takes one more item; whole tells that dots behind it stand for further items and not for the rest of this one.
func (m *members) add(item value, whole bool) {
	text, cut := cutDots(item.scalar())
	m.cut = m.cut || cut
	switch {
	case !cut:
		m.items = append(m.items, item)
	case whole && text != "":
		m.items = append(m.items, value{src: item.src, text: text})
	}
}

// loss says what was lost of a list, "" if it is whole.
func (m members) loss() string {
	switch {
	case m.lost:
		return "exported without its members"
	case m.cut:
		return "cut off with dots"
	}
	return ""
}

// names returns the names in a list of directory objects, in whatever form they are, and what was lost of it.
func (v value) names() (names []string, loss string) {
	if text := v.scalar(); !v.list && strings.Contains(text, "CN=") {
		for _, m := range distinguished.FindAllStringSubmatch(text, -1) {
			names = append(names, m[1])
		}
		return names, ""
	}
	m := v.members()
	for _, item := range m.items {
		if name := item.simpleName(); name != "" {
			names = append(names, name)
		}
	}
	return names, m.loss()
}

var distinguished = regexp.MustCompile(`CN=([^,=]+),CN=Servers,`)
