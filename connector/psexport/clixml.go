package psexport

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Limits of one CLIXML file, far above what Exchange writes.
const (
	maxXMLDepth    = 100
	maxXMLToken    = 8 << 20 // bytes
	maxXMLValues   = 1 << 20 // in one top-level object, those it refers to included
	maxXMLRefs     = 1 << 21 // objects that could be referred to, in one file
	clixmlRoot     = "Objs"
	clixmlTruncate = "the XML ends too early"
	clixmlMark     = "#< CLIXML" // what a shell with -OutputFormat XML writes in front
)

// Reasons a CLIXML file is refused.
var (
	ErrNotCLIXML  = errors.New("XML, but not what Export-Clixml writes")
	ErrXMLTooDeep = fmt.Errorf("nested more than %d deep", maxXMLDepth)
	ErrXMLToken   = fmt.Errorf("one piece of XML of more than %d MiB", maxXMLToken>>20)
	ErrXMLValues  = fmt.Errorf("one object of more than %d values", maxXMLValues)
	ErrXMLRefs    = fmt.Errorf("more than %d objects", maxXMLRefs)
	ErrXMLRef     = errors.New("refers to an object that was not seen before")
)

// clixmlReader streams the top-level objects of Export-Clixml; memory is bounded by the largest of them, and a line or so
// for every object that could be referred to.
type clixmlReader struct {
	name    string
	skipped int // lines before the XML
	dec     *xml.Decoder
	budget  *tokenBudget
	depth   int
	values  int
	types   map[string]*origin
	refs    map[string]ref
	texts   map[string]string // one copy of each text that refs hold
}

// ref is what a later reference to an object could need: its text, or those of its items. Items of items are left out, so
// references cannot multiply.
type ref struct {
	text   string
	items  []string
	line   int
	null   bool
	number bool
	list   bool
}

// readCLIXML calls each for every top-level object; skipped lines were read before.
func readCLIXML(name string, skipped int, r io.Reader, each func(value)) error {
	b := &tokenBudget{r: r, left: maxXMLToken}
	x := &clixmlReader{name: name, skipped: skipped, dec: xml.NewDecoder(b), budget: b,
		types: map[string]*origin{}, refs: map[string]ref{}, texts: map[string]string{}}
	x.dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // decoded already
	root, err := x.start()
	if err != nil {
		return err
	}
	if root.Name.Local != clixmlRoot {
		return x.fail(fmt.Errorf("%w: the outermost element is <%s>; %s", ErrNotCLIXML, clip(root.Name.Local), exportInstead))
	}
	for {
		t, err := x.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			x.values = 0
			v, err := x.element(t)
			if err != nil {
				return err
			}
			eachObject(v, each)
		case xml.EndElement:
			if more, err := x.more(); !more {
				return err
			}
		}
	}
}

// more tells whether another export follows the outermost element, in a file that was put together of several. Blanks, comments
// and byte order marks may stand between them, and nothing else.
func (x *clixmlReader) more() (bool, error) {
	for {
		x.budget.left = maxXMLToken
		t, err := x.dec.Token()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, x.wrap(err)
		}
		switch t := t.(type) {
		case xml.Comment, xml.ProcInst:
			continue
		case xml.StartElement:
			if t.Name.Local == clixmlRoot {
				clear(x.types)
				clear(x.refs)
				return true, nil
			}
		case xml.CharData:
			if strings.Trim(string(t), "\ufeff \t\r\n") == "" {
				continue
			}
		}
		return false, x.fail(fmt.Errorf("%w: something follows </%s>", ErrNotCLIXML, clixmlRoot))
	}
}

// element reads the value whose start element was just read, to its end element.
func (x *clixmlReader) element(s xml.StartElement) (value, error) {
	v := value{src: x.source()}
	if x.values++; x.values > maxXMLValues {
		return v, x.fail(ErrXMLValues)
	}
	switch s.Name.Local {
	case "Obj":
		return x.object(s)
	case "Ref":
		target, ok := x.refs[attribute(s, "RefId")]
		if !ok {
			return v, x.fail(fmt.Errorf("<Ref RefId=%q>: %w", attribute(s, "RefId"), ErrXMLRef))
		}
		if x.values += len(target.items); x.values > maxXMLValues {
			return v, x.fail(ErrXMLValues)
		}
		return target.value(x.name), x.skip()
	case "Nil":
		v.null = true
		return v, x.skip()
	case "BA", "XD": // serialized .NET objects are never looked at
		return v, x.skip()
	}
	var err error
	v.text, err = x.text()
	v.number = strings.HasPrefix(s.Name.Local, "I") || strings.HasPrefix(s.Name.Local, "U")
	return v, err
}

// object reads <Obj>: type names, ToString, properties, extended properties, a collection, or the number of an enum.
func (x *clixmlReader) object(s xml.StartElement) (v value, err error) {
	v.src = x.source()
	if x.depth++; x.depth > maxXMLDepth {
		return v, x.fail(ErrXMLTooDeep)
	}
	defer func() { x.depth-- }()
	if id := attribute(s, "RefId"); id != "" {
		if len(x.refs) == maxXMLRefs {
			return v, x.fail(ErrXMLRefs)
		}
		x.refs[id] = ref{line: v.src.Line, null: true} // what an object inside that refers to it gets
		defer func() { x.refs[id] = x.light(v) }()
	}
	err = x.children(func(s xml.StartElement) error { return x.part(&v, s) })
	return v, err
}

func (x *clixmlReader) part(v *value, s xml.StartElement) (err error) {
	switch s.Name.Local {
	case "TN":
		v.origin, err = x.typeNames()
		x.types[attribute(s, "RefId")] = v.origin
	case "TNRef":
		v.origin = x.types[attribute(s, "RefId")]
		err = x.skip()
	case "ToString":
		v.text, err = x.text()
		v.number = false
	case "Props", "MS":
		err = x.properties(v)
	case "LST", "IE", "STK", "QUE":
		v.list = true
		v.items, err = x.items()
	case "DCT":
		err = x.dictionary(v)
	default: // the primitive behind an enum
		var inner value
		inner, err = x.element(s)
		if v.text == "" {
			v.text, v.number = inner.text, inner.number
		}
	}
	return err
}

// light returns what is kept of an object for references to it.
func (x *clixmlReader) light(v value) ref {
	keep := func(text string) string {
		if have, ok := x.texts[text]; ok {
			return have
		}
		x.texts[text] = text
		return text
	}
	l := ref{text: keep(v.scalar()), line: v.src.Line, null: v.null, number: v.number, list: v.list}
	for _, item := range v.items {
		l.items = append(l.items, keep(item.scalar()))
	}
	return l
}

func (r ref) value(file string) value {
	v := value{src: connector.Source{File: file, Line: r.line}, null: r.null, number: r.number, text: r.text, list: r.list}
	for _, text := range r.items {
		v.items = append(v.items, value{src: v.src, text: text})
	}
	return v
}

func (x *clixmlReader) typeNames() (*origin, error) {
	o := &origin{}
	items, err := x.items()
	for _, i := range items {
		o.types = append(o.types, i.text)
	}
	return o, err
}

func (x *clixmlReader) items() (items []value, err error) {
	err = x.children(func(s xml.StartElement) error {
		v, err := x.element(s)
		items = append(items, v)
		return err
	})
	return items, err
}

func (x *clixmlReader) properties(v *value) error {
	if v.props == nil {
		v.props = make(map[string]value)
	}
	return x.children(func(s xml.StartElement) error {
		p, err := x.element(s)
		v.set(propertyKey(unescape(attribute(s, "N"))), p)
		return err
	})
}

// dictionary reads the entries of a hash table, <En><S N="Key">...</S><S N="Value">...</S></En>, as properties.
func (x *clixmlReader) dictionary(v *value) error {
	if v.props == nil {
		v.props = make(map[string]value)
	}
	return x.children(func(xml.StartElement) error {
		var entry value
		err := x.properties(&entry)
		key, _ := entry.prop("Key")
		v.props[propertyKey(key.scalar())], _ = entry.prop("Value")
		return err
	})
}
