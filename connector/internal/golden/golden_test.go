package golden_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
)

// recorder keeps what a check reports.
type recorder struct{ errors []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(f string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(f, args...))
}

func TestCheck(t *testing.T) {
	t.Setenv("UPDATE_GOLDEN", "")
	file := filepath.Join(t.TempDir(), "g.txt")
	require.NoError(t, os.WriteFile(file, []byte("a\r\nb\n"), 0o644))
	var r recorder
	golden.Check(&r, file, "a\nb\n")
	assert.Empty(t, r.errors, "line ends do not matter")
	golden.Check(&r, file, "a\nc\n")
	golden.Check(&r, file, "a")
	golden.Check(&r, file+"x", "a")
	require.Len(t, r.errors, 3)
	assert.Contains(t, r.errors[0], "g.txt:2 differs; UPDATE_GOLDEN=1 writes it anew\nwant b\ngot  c")
	assert.Contains(t, r.errors[1], "got  (the end)")
	t.Setenv("UPDATE_GOLDEN", "1")
	golden.Check(&r, file, "new")
	golden.Check(&r, filepath.Join(file, "x"), "new")
	assert.Len(t, r.errors, 5, "a file that cannot be written is reported")
}
