package report

import (
	"encoding"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// documents are what the methods of Format write as JSON, by their names in the schema.
var documents = map[string]any{
	"audit": auditObject{}, "plans": plansObject{}, "whatIf": whatIfObject{}, "diagnosis": diagnosisObject{}, "explanation": explanationObject{},
	"verdict": verdictObject{}, "moves": []moveObject{}, "flows": []flowObject{}, "matrix": matrixObject{}, "shares": sharesObject{},
	"checks": []checkObject{}, "hardening": []controlObject{}, "warnings": []warningObject{}, "replay": replayObject{}, "tests": testsObject{},
}

// The schema is that of the objects that are written, and changes on purpose only.
func TestSchema(t *testing.T) {
	g := generator{defs: map[string]any{}, docs: map[string]string{}, enums: enums(), used: map[string]bool{}}
	g.readDocs(t, ".", "..", "../smtplog")
	for name, v := range documents {
		g.defs[name] = g.of(reflect.TypeOf(v), "")
	}
	text, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Reports of receiveconnector",
		"description": "What the methods of report.Format write as JSON, each under its name in $defs. Fields may be added; " +
			"those that are here stay, and stay what they are.",
		"$defs": g.defs,
	}, "", "  ")
	require.NoError(t, err)
	golden.Check(t, "schema.json", string(text)+"\n")
	assert.Equal(t, Schema(), string(text)+"\n")
	for name := range g.enums {
		assert.True(t, g.used[name], "%s: there is no such field", name)
	}
}

// generator makes a schema of types.
type generator struct {
	defs  map[string]any
	docs  map[string]string   // of types and fields: report.auditObject, report.auditObject.Findings
	enums map[string][]string // of fields
	used  map[string]bool
}

// enums are the values of fields that print constants.
func enums() map[string][]string {
	state := names(connector.StepDone)
	e := map[string][]string{
		"findingObject.Severity": names(audit.Note), "findingObject.Certainty": names(audit.Certain), "fixObject.Kind": names(audit.FixAdd),
		"rejectedObject.Kind": names(audit.FixAdd), "checkObject.Severity": names(audit.Note),
		"flowObject.Purpose": names(connector.Mail), "flowObject.Transport": names(connector.TransportSMTP), "flowObject.Need": names(connector.Required), "flowObject.State": names(audit.FlowPasses),
		"groupObject.Purpose": names(connector.Mail), "groupObject.Transport": names(connector.TransportSMTP),
		"explanationObject.Outcome": names(connector.Selected), "stepObject.Reason": names(connector.Disabled), "shareObject.Outcome": names(connector.Selected),
		"verdictObject.Authentication": names(connector.Authenticated), "verdictObject.Peer": names(connector.PeerExchangeServer), "sessionObject.Stage": names(connector.StageConnect), "sessionObject.State": state,
		"suspectObject.Likelihood": names(audit.Unlikely), "errorObject.Kind": names(audit.ErrorCannotAchieve),
		"controlObject.State": names(audit.ControlMet), "changeObject.Change": {"created", "changed", "removed", "unchanged"},
		"findingChangeObject.Change": names(audit.Worse), "flowChangeObject.Change": names(audit.Worse),
		"accessObject.Access": names(audit.AccessSubmit), "accessObject.Before": state, "accessObject.After": state,
		"judgedObject.Judgement": names(smtplog.Agrees), "serverAddressObject.Evidence": names(smtplog.OwnReceiveLog),
	}
	e["flowChangeObject.Before"] = append(names(audit.FlowPasses), "") // there is no such flow
	e["flowChangeObject.After"] = e["flowChangeObject.Before"]
	return e
}

// names are the names of all constants of a type, from the first.
func names[T interface {
	~uint8
	String() string
}](first T) (all []string) {
	if first > 0 && (first-1).String() != "" {
		panic(first.String() + " is not the first of its constants")
	}
	for v := first; v.String() != ""; v++ {
		all = append(all, v.String())
	}
	return all
}

// nullable are lists that are null where nobody asked for them.
var nullable = []string{"replayObject.Disagreements", "replayObject.NotJudged", "replayObject.Usage", "replayObject.Servers", "replayObject.Targets",
	"replayObject.Findings", "backTestObject.Groups", "lossObject.Clients", "logProblemObject.Examples"}

var text = reflect.TypeFor[encoding.TextMarshaler]()

// of returns the schema of a type; the field is the one that has it.
func (g *generator) of(t reflect.Type, field string) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[smtplog.Counts]():
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "integer"}}
	case t.Implements(text) || reflect.PointerTo(t).Implements(text):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{g.of(t.Elem(), field), map[string]any{"type": "null"}}}
	case reflect.Slice:
		s := map[string]any{"type": "array", "items": g.of(t.Elem(), field)}
		if slices.Contains(nullable, field) {
			s["type"] = []string{"array", "null"}
		}
		return s
	case reflect.Struct:
		if _, known := g.defs[t.Name()]; !known {
			g.defs[t.Name()] = nil
			g.defs[t.Name()] = g.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		s := map[string]any{"type": "string"}
		if values := g.enums[field]; values != nil {
			s["enum"] = values
			g.used[field] = true
		}
		return s
	case reflect.Int, reflect.Uint16:
		return map[string]any{"type": "integer"}
	}
	panic("no schema for " + t.String())
}

func (g *generator) object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous && f.Tag.Get("json") == "" || !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		owner := t
		if len(f.Index) > 1 {
			owner = t.FieldByIndex(f.Index[:1]).Type
		}
		path := owner.Name() + "." + f.Name
		s := g.of(f.Type, path)
		if doc := g.docs[packageOf(owner)+path]; doc != "" {
			s["description"] = doc
		}
		properties[name] = s
		if options == "" {
			required = append(required, name)
		}
	}
	o := map[string]any{"type": "object", "properties": properties, "required": required}
	if doc := g.docs[packageOf(t)+t.Name()]; doc != "" {
		o["description"] = doc
	}
	return o
}

// packageOf returns the name of a type's package with a dot.
func packageOf(t reflect.Type) string {
	return t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:] + "."
}

// readDocs reads the comments of types and fields.
func (g *generator) readDocs(t *testing.T, dirs ...string) {
	var files []string
	for _, dir := range dirs {
		of, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		files = append(files, of...)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			d, ok := n.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				return true
			}
			for _, spec := range d.Specs {
				s := spec.(*ast.TypeSpec)
				if fields, ok := s.Type.(*ast.StructType); ok {
					g.docs[f.Name.Name+"."+s.Name.Name] = oneLineOf(d.Doc)
					for _, field := range fields.Fields.List {
						for _, name := range field.Names {
							g.docs[f.Name.Name+"."+s.Name.Name+"."+name.Name] = strings.TrimSpace(oneLineOf(field.Doc) + " " + oneLineOf(field.Comment))
						}
					}
				}
			}
			return false
		})
	}
}

func oneLineOf(c *ast.CommentGroup) string {
	return strings.Join(strings.Fields(c.Text()), " ")
}

// What is written has a name in the schema for each of its types.
func TestSchemaNames(t *testing.T) {
	var s struct {
		Defs map[string]any `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal([]byte(Schema()), &s))
	for name := range documents {
		assert.Contains(t, s.Defs, name)
	}
	assert.Greater(t, len(s.Defs), 2*len(documents), fmt.Sprint(len(s.Defs)))
}
