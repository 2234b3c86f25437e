// Package formtest is what the tests of all example programs ask about the forms of their output.
package formtest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// begins is how the forms begin, as far as they always begin alike.
var begins = map[string]string{"html": "<!DOCTYPE html>\n", "sarif": "{\n  \"$schema\": ", "junit": "<?xml "}

// Call runs a program with arguments.
type Call func(args ...string) (status int, stdout, stderr string)

// Check asserts that a program writes the same to a file and to a pipe in each of its forms, with one exit status, and another text in each;
// that it has text, JSON, Markdown, HTML, those that are named, and no others; and that it does not write over what it reads.
func Check(t *testing.T, call Call, more []string, read string, args ...string) {
	t.Helper()
	known := append([]string{"text", "json", "markdown", "html"}, more...)
	var outputs []string
	for _, form := range []string{"text", "json", "markdown", "html", "sarif", "junit", "pdf"} {
		with := append([]string{"-format", form}, args...)
		if !slices.Contains(known, form) {
			refuses(t, call, form, with)
			continue
		}
		out := writes(t, call, form, with)
		if slices.Contains(outputs, out) {
			t.Errorf("%s is as another form", form)
		}
		outputs = append(outputs, out)
	}
	before, errBefore := os.ReadFile(read)
	status, out, stderr := call(append([]string{"-o", read}, args...)...)
	if after, err := os.ReadFile(read); errBefore != nil || err != nil || !bytes.Equal(before, after) {
		t.Errorf("%s was read and is written over", read)
	}
	if status != 2 || out != "" || !strings.Contains(stderr, "not written over, because it is read as well") {
		t.Errorf("-o FILE that is read: exit status %d, %q, %q", status, out, stderr)
	}
	nowhere := filepath.Join(t.TempDir(), "no", "such", "folder")
	if status, _, stderr = call(append([]string{"-o", nowhere}, args...)...); status != 2 || stderr == "" {
		t.Errorf("-o in a folder that is not there: exit status %d, %q", status, stderr)
	}
}

// refuses asserts that a program does not know a form.
func refuses(t *testing.T, call Call, form string, args []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "out")
	status, out, stderr := call(append([]string{"-o", file}, args...)...)
	_, err := os.Stat(file)
	if status != 2 || out != "" || !strings.Contains(stderr, form) || err == nil {
		t.Errorf("%s: exit status %d, %q, %q", form, status, out, stderr)
	}
}

// writes returns what a program writes to a pipe, and asserts that it is what it writes to a file.
func writes(t *testing.T, call Call, form string, args []string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "out")
	status, out, stderr := call(args...)
	written, nothing, _ := call(append([]string{"-o", file}, args...)...)
	data, err := os.ReadFile(file)
	switch {
	case status > 1 || written != status:
		t.Errorf("%s: exit status %d to a pipe and %d to a file: %s", form, status, written, stderr)
	case err != nil || string(data) != out:
		t.Errorf("%s: another text in a file than on a pipe (%v)", form, err)
	case nothing != "" || out == "" || !strings.HasPrefix(out, begins[form]):
		t.Errorf("%s: %.80q on a pipe, and %q beside a file", form, out, nothing)
	}
	return out
}
