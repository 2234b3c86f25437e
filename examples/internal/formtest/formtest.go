// Package formtest is what the tests of all example programs ask about the forms of their output.
package formtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// begins is how the forms begin, as far as they always begin alike.
var begins = map[string]string{"html": "<!DOCTYPE html>\n", "sarif": "{\n  \"$schema\": ", "junit": "<?xml "}

// Check asserts that a program, which call runs with arguments, writes the same to a file and to a pipe in each of its forms, with one exit
// status; that it knows no others; and that it does not write over what it reads.
func Check(t *testing.T, call func(args ...string) (status int, stdout, stderr string), more []string, read string, args ...string) {
	t.Helper()
	known := append([]string{"text", "json", "markdown", "html"}, more...)
	file := filepath.Join(t.TempDir(), "out")
	outputs := make(map[string]string)
	for _, form := range []string{"text", "json", "markdown", "html", "sarif", "junit", "pdf"} {
		with := append([]string{"-format", form}, args...)
		status, out, stderr := call(with...)
		written, nothing, _ := call(append([]string{"-o", file}, with...)...)
		assert.Equal(t, status, written, form)
		assert.Empty(t, nothing, "%s: all is in the file", form)
		if !strings.Contains(strings.Join(known, " "), form) {
			assert.Equal(t, 2, status, form)
			assert.Empty(t, out)
			assert.Contains(t, stderr, form)
			assert.NoFileExists(t, file)
			continue
		}
		require.Less(t, status, 2, "%s: %s", form, stderr)
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.Remove(file))
		assert.Equal(t, out, string(data), form)
		assert.True(t, out != "" && strings.HasPrefix(out, begins[form]), form)
		for other, text := range outputs {
			assert.NotEqual(t, text, out, "%s and %s", form, other)
		}
		outputs[form] = out
	}
	before, err := os.ReadFile(read)
	require.NoError(t, err)
	status, out, stderr := call(append([]string{"-o", read}, args...)...)
	assert.Equal(t, 2, status)
	assert.Empty(t, out)
	assert.Contains(t, stderr, "not written over, because it is read as well")
	after, err := os.ReadFile(read)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	status, _, stderr = call(append([]string{"-o", filepath.Join(file, "no", "such", "folder")}, args...)...)
	assert.Equal(t, 2, status)
	assert.NotEmpty(t, stderr)
}
