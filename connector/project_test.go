package connector_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
	"github.com/receiveconnector/receiveconnector/connector/report"
)

// packages are the ones that others import, with those of the module that each may import itself.
var packages = map[string][]string{
	"connector":          {"connector/internal/lookup", "connector/internal/u128"},
	"connector/psexport": {"connector", "connector/internal/topojson"},
	"connector/audit":    {"connector"},
	"connector/smtplog":  {"connector"},
	"connector/ems":      {"connector"},
	"connector/topotest": {"connector", "connector/audit", "connector/ems", "connector/smtplog", "connector/internal/topojson", "connector/internal/txtar"},
	"connector/report":   {"connector", "connector/audit", "connector/ems", "connector/psexport", "connector/smtplog", "connector/topotest"},
}

const module = "github.com/receiveconnector/receiveconnector/"

// Who imports what is the architecture; the arrows point at the core.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	require.NoError(t, err)
	d := json.NewDecoder(bytes.NewReader(out))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, isPackage := packages[name]
		if isPackage {
			seen++
		}
		for _, i := range p.Imports {
			inside, ok := strings.CutPrefix(i, module)
			switch {
			case ok && isPackage:
				assert.Contains(t, allowed, inside, name)
			case ok:
			case strings.Contains(i, "."):
				assert.Equal(t, "go4.org/netipx", i, "%s: the only dependency at run time", name)
			case isPackage:
				assert.NotContains(t, []string{"os", "log", "reflect", "unsafe", "net/http", "testing"}, i, name)
				// Logs have times, and reports print them; nobody reads a clock, see TestNoClock.
				assert.True(t, i != "time" || name == "connector/smtplog" || name == "connector/report", "%s imports time", name)
			}
			if name == "connector" {
				assert.False(t, strings.HasPrefix(i, "encoding/") && i != "encoding/binary", "the core decodes nothing: %s", i)
			}
		}
	}
	assert.Equal(t, len(packages), seen)
}

// No package reads a clock, waits, or depends on where it runs.
func TestNoClock(t *testing.T) {
	allowed := regexp.MustCompile(`^(Time|Duration|Month|UTC|Date|Nanosecond|Microsecond|Millisecond|Second|Minute|Hour)$`)
	for name := range packages {
		files, err := filepath.Glob(filepath.Join("..", name, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			require.NoError(t, err)
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && x.Obj == nil {
						assert.Regexp(t, allowed, s.Sel.Name, file)
					}
				}
				return true
			})
		}
	}
}

// The exported names are a promise: the snapshot changes on purpose only.
func TestExportedAPI(t *testing.T) {
	var b strings.Builder
	names := make([]string, 0, len(packages))
	for name := range packages {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "package %s\n", name)
		for _, line := range exported(t, filepath.Join("..", name)) {
			b.WriteString("\t" + line + "\n")
		}
	}
	golden.Check(t, "../testdata/api.txt", b.String())
}

// exported returns the exported declarations of a package, sorted, and asserts that each has a doc comment.
func exported(t *testing.T, dir string) (lines []string) {
	fset := token.NewFileSet()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, d := range f.Decls {
			for _, node := range exportedNodes(t, file, d) {
				var b bytes.Buffer
				require.NoError(t, (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, fset, node))
				lines = append(lines, strings.Join(strings.Fields(b.String()), " "))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func exportedNodes(t *testing.T, file string, d ast.Decl) (nodes []ast.Node) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && (d.Recv == nil || receiverIsExported(d)) {
			assert.NotNil(t, d.Doc, "%s: %s has no doc comment", file, d.Name)
			return []ast.Node{&ast.FuncDecl{Recv: d.Recv, Name: d.Name, Type: d.Type}}
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					assert.True(t, s.Doc != nil || d.Doc != nil, "%s: %s has no doc comment", file, s.Name)
					nodes = append(nodes, &ast.GenDecl{Tok: d.Tok, Specs: []ast.Spec{publicType(s)}})
				}
			case *ast.ValueSpec:
				for _, name := range s.Names {
					if name.IsExported() {
						nodes = append(nodes, &ast.GenDecl{Tok: d.Tok, Specs: []ast.Spec{&ast.ValueSpec{Names: []*ast.Ident{name}}}})
					}
				}
			}
		}
	}
	return nodes
}

func receiverIsExported(d *ast.FuncDecl) bool {
	r := d.Recv.List[0].Type
	if star, ok := r.(*ast.StarExpr); ok {
		r = star.X
	}
	id, ok := r.(*ast.Ident)
	return ok && id.IsExported()
}

// publicType leaves out comments, tags and fields that are not exported.
func publicType(s *ast.TypeSpec) *ast.TypeSpec {
	st, ok := s.Type.(*ast.StructType)
	if !ok {
		return &ast.TypeSpec{Name: s.Name, Type: s.Type}
	}
	public := &ast.FieldList{}
	for _, f := range st.Fields.List {
		var names []*ast.Ident
		for _, n := range f.Names {
			if n.IsExported() {
				names = append(names, n)
			}
		}
		if len(names) > 0 {
			public.List = append(public.List, &ast.Field{Names: names, Type: f.Type})
		}
	}
	return &ast.TypeSpec{Name: s.Name, Type: &ast.StructType{Fields: public}}
}

// Every exported function of the core has an example, or a type's method has one that shows the type.
func TestCoreHasExamples(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	sessions, err := os.ReadFile("example_session_test.go")
	require.NoError(t, err)
	source = append(source, sessions...)
	for _, name := range []string{"ParseRange", "RangeFrom", "RangesOf", "IPSet", "ParseBinding", "ParseAuthMechanism", "ParsePermissionGroups",
		"MustParseVersion", "ParseID", "Compile", ".Select(", ".Listener(", ".Explain(", ".Regions(", ".Endpoints(", ".Simulate(", "QueueError",
		".Flows(", "WhatIf", "Diff", ".Apply(", "AddRanges", "RemoveRanges", "SetEnabled", "DefaultConnectors",
		"NewConnector", "MailboxDelivery", ".FromDefault(", ".EHLO(", ".Session(", ".Mail(", ".EffectiveRights(", ".MayRelay(", "ParseByteSize", ".NarrowestRange(", ".Reach(", "ChangesHands("} {
		assert.Contains(t, string(source), name)
	}
}

// Every package has an example of the whole of it, which its documentation begins with, and three tasks are shown in files of their own.
func TestPackagesHaveExamples(t *testing.T) {
	var all strings.Builder
	for name := range packages {
		files, err := filepath.Glob(filepath.Join("..", name, "*_test.go"))
		require.NoError(t, err)
		var source strings.Builder
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			source.Write(data)
		}
		assert.Contains(t, source.String(), "\nfunc Example() {\n", name)
		all.WriteString(source.String())
	}
	for _, task := range []string{"findWhoBreaks", "guardARepository", "backTestAChange"} {
		assert.Contains(t, all.String(), "\nfunc Example_"+task+"() {\n")
	}
}

// README is checked: its program compiles and prints what it says, its table of checks is the generated one, its commands are those that
// CI runs, and it stays short.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	readme := strings.ReplaceAll(string(data), "\r\n", "\n")
	table := report.CheckTable(audit.All())
	for _, c := range audit.All() {
		assert.Contains(t, table, fmt.Sprintf("%s %s: %s", c.ID, c.Severity, c.Title))
	}
	assert.LessOrEqual(t, strings.Count(readme, "\n"), 150)
	if begin, end := strings.Index(readme, "| about |"), strings.Index(readme, "\n\n## How it is known"); golden.Updating() {
		require.NoError(t, os.WriteFile("../README.md", []byte(readme[:begin]+table+readme[end+1:]), 0o644))
	} else {
		assert.Equal(t, table, readme[begin:end+1], "the table of checks; UPDATE_GOLDEN=1 writes it anew")
	}
	for name := range packages {
		assert.Contains(t, readme, "`"+name+"`")
	}
	assert.Contains(t, readme, "go run ./examples/rcaudit\n")

	program := regexp.MustCompile("(?s)```go\n(package main.*?)```\n").FindStringSubmatch(readme)
	output := regexp.MustCompile("(?s)prints\n\n```text\n(.*?)```").FindStringSubmatch(readme)
	require.Len(t, program, 2)
	require.Len(t, output, 2)
	dir, err := os.MkdirTemp(".", "readme")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program[1]), 0o644))
	got, err := exec.Command("go", "run", "./"+dir).CombinedOutput()
	require.NoError(t, err, string(got))
	assert.Equal(t, output[1], string(got))
}

// CI runs the test command that README gives.
func TestCIRunsTheReadmeCommand(t *testing.T) {
	data, err := os.ReadFile("../.ci/run")
	require.NoError(t, err)
	assert.Contains(t, string(data), "README.md")
}

// No path of a machine, no unfinished mark, no line nobody can read.
func TestTextHygiene(t *testing.T) {
	marks := regexp.MustCompile("TO" + "DO|FIX" + "ME|X" + "XX|not impl" + "emented")
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || bytes.IndexByte(data, 0) >= 0 {
			return err
		}
		for i, line := range strings.Split(string(data), "\n") {
			assert.False(t, marks.MatchString(line), "%s:%d", path, i+1)
			for _, root := range []string{"/wo" + "rk/", "/ro" + "ot/", "proxy.gol" + "ang"} {
				assert.False(t, strings.Contains(line, root), "%s:%d: %s", path, i+1, root)
			}
		}
		return nil
	})
	require.NoError(t, err)
}
