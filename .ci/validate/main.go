// Validate holds files against schemas: those of SARIF 2.1.0, as it is published, or those of this project.
//
//	validate sarif FILE...
//	validate SCHEMA.json NAME FILE...    against the definition NAME in the schema; a file may hold several values
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // which carries the published schema
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: validate sarif FILE, or validate SCHEMA.json NAME FILE")
	}
	schema, files, err := load(args)
	if err != nil {
		return err
	}
	for _, file := range files {
		n, err := check(schema, file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		fmt.Printf("%s: %d valid\n", filepath.Base(file), n)
	}
	return nil
}

func load(args []string) (*jsonschema.Schema, []string, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	text, at, files := "", "schema.json", args[1:]
	var err error
	if args[0] == "sarif" {
		text, err = published()
	} else {
		var data []byte
		data, err = os.ReadFile(args[0])
		text, at, files = string(data), "schema.json#/$defs/"+args[1], args[2:]
	}
	if err != nil {
		return nil, nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	if err := c.AddResource("schema.json", doc); err != nil {
		return nil, nil, err
	}
	schema, err := c.Compile(at)
	return schema, files, err
}

// published returns the schema of SARIF, a constant of the module that carries it.
func published() (string, error) {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		return "", err
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "schema.go"), nil, 0)
	if err != nil {
		return "", err
	}
	if v, ok := f.Scope.Lookup("schema").Decl.(*ast.ValueSpec); ok {
		if text, ok := v.Values[0].(*ast.BasicLit); ok {
			return strconv.Unquote(text.Value)
		}
	}
	return "", errors.New("the module has no schema")
}

// check validates the values of a file, one after the other, and returns how many there are.
func check(schema *jsonschema.Schema, file string) (n int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.UseNumber()
	for ; ; n++ {
		var v any
		if err := d.Decode(&v); err == io.EOF {
			break
		} else if err != nil {
			return n, err
		}
		if err := schema.Validate(v); err != nil {
			return n, err
		}
	}
	if n == 0 {
		return 0, errors.New("there is nothing in it")
	}
	return n, nil
}
