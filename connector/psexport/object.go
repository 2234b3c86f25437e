package psexport

import (
	"cmp"
	"slices"
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
	props  map[string]value // keys in lower case
	types  []string         // .NET types, the most derived first, where the dialect tells
}

// prop returns a nested property, whatever the case of its name.
func (v value) prop(name string) (value, bool) {
	p, ok := v.props[strings.ToLower(name)]
	return p, ok
}

// kind tells which cmdlet an object came from: by its type where that is one of Exchange's, else by its properties.
func (v value) kind() objectKind {
	for _, t := range v.types {
		switch {
		case strings.HasSuffix(t, ".ReceiveConnector"):
			return receiveConnector
		case strings.HasSuffix(t, ".ExchangeServer"):
			return exchangeServer
		case strings.Contains(t, "Microsoft.Exchange."):
			return otherObject
		}
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { _, ok := v.prop(n); return !ok })
	}
	switch {
	case has("RemoteIPRanges") || has("Bindings", "PermissionGroups") || has("Bindings", "AuthMechanism"):
		return receiveConnector
	case has("ServerRole") || has("AdminDisplayVersion", "Site"):
		return exchangeServer
	}
	return otherObject
}

type objectKind uint8

const (
	otherObject objectKind = iota
	receiveConnector
	exchangeServer
)

// describe names an object that no reader knows, for a message.
func (v value) describe() string {
	if len(v.types) > 0 {
		return "an object of type " + v.types[0]
	}
	if len(v.props) == 0 {
		return "a value that is no object"
	}
	names := make([]string, 0, len(v.props))
	for name := range v.props {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > 5 {
		names = append(names[:5], "...")
	}
	return "an object with the properties " + strings.Join(names, ", ")
}

// scalar returns the text that stands for a value: its own, or the property that holds it in an object that lost its
// ToString on the way.
func (v value) scalar() string {
	if v.text != "" || len(v.props) == 0 {
		return v.text
	}
	for _, name := range []string{"Value", "Expression", "IPAddressToString", "Domain"} {
		if p, ok := v.prop(name); ok && p.text != "" {
			return p.text
		}
	}
	if low, ok := v.prop("LowerBound"); ok {
		high, _ := v.prop("UpperBound")
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
	name, _ := v.prop("Name")
	if name.text != "" {
		return name.text
	}
	dn, _ := v.prop("DistinguishedName")
	s := cmp.Or(v.text, dn.text)
	if first, ok := strings.CutPrefix(s, "CN="); ok {
		first, _, _ = strings.Cut(first, ",")
		return first
	}
	return s[strings.LastIndexByte(s, '/')+1:]
}

// elements returns the members of a multi-valued property, and whether there is one: an object or a text in which no
// member is left has lost them. A collection that was flattened to one text is split at blanks, commas and semicolons, none
// of which stands inside a range or a binding.
func (v value) elements() ([]value, bool) {
	if v.list {
		return v.items, true
	}
	if v.text == "{}" {
		return nil, true
	}
	text := strings.Trim(v.scalar(), "{} ")
	var items []value
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" ,;|\r\n\t", r) }) {
		items = append(items, value{src: v.src, text: part})
	}
	return items, len(items) > 0
}
