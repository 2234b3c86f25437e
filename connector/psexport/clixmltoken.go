package psexport

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// tokenBudget fails when the decoder reads too much for one token.
type tokenBudget struct {
	r    io.Reader
	left int
}

func (b *tokenBudget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrXMLToken
	}
	n, err := b.r.Read(p[:min(len(p), 1<<12)])
	b.left -= n
	return n, err
}

func (x *clixmlReader) source() connector.Source {
	line, _ := x.dec.InputPos() // behind the element, so the column would mislead
	return connector.Source{File: x.name, Line: x.skipped + line}
}

func (x *clixmlReader) fail(err error) error {
	return &connector.ModelError{Source: x.source(), Err: err}
}

func (x *clixmlReader) wrap(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return &connector.ModelError{Source: connector.Source{File: x.name, Line: x.skipped + syntax.Line},
			Err: fmt.Errorf("not XML: %s", syntax.Msg)}
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", clixmlTruncate, io.ErrUnexpectedEOF)
	}
	return x.fail(err)
}

func (x *clixmlReader) token() (xml.Token, error) {
	x.budget.left = maxXMLToken
	t, err := x.dec.Token()
	if err != nil {
		return nil, x.wrap(err)
	}
	return t, nil
}

// start returns the next start element.
func (x *clixmlReader) start() (xml.StartElement, error) {
	for {
		t, err := x.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if s, ok := t.(xml.StartElement); ok {
			return s, nil
		}
	}
}

func attribute(s xml.StartElement, name string) string {
	for _, a := range s.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// children calls each for the elements up to the end element.
func (x *clixmlReader) children(each func(xml.StartElement) error) error {
	for {
		t, err := x.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if err := each(t); err != nil {
				return err
			}
		}
	}
}

// text reads character data up to the end element.
func (x *clixmlReader) text() (string, error) {
	var b strings.Builder
	for depth := 0; ; {
		t, err := x.token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			if b.Len()+len(t) > maxXMLToken {
				return "", x.fail(ErrXMLToken)
			}
			b.Write(t)
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return "", x.fail(ErrXMLTooDeep)
			}
		case xml.EndElement:
			if depth == 0 {
				return unescape(b.String()), nil
			}
			depth--
		}
	}
}

// skip reads up to the end element.
func (x *clixmlReader) skip() error {
	for depth := 0; ; {
		t, err := x.token()
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return x.fail(ErrXMLTooDeep)
			}
		case xml.EndElement:
			if depth == 0 {
				return nil
			}
			depth--
		}
	}
}
