package output_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/examples/internal/output"
)

// entries are the names in a folder.
func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// A file is there once it is kept, whole, with the mode it had; discarded, it leaves what was there before, and nothing else.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "report.html")
	f, err := output.Create(name)
	require.NoError(t, err)
	_, err = f.WriteString("new")
	require.NoError(t, err)
	assert.NoFileExists(t, name)
	require.NoError(t, f.Keep())
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, "new", string(data))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o644), info.Mode().Perm())
		require.NoError(t, os.Chmod(name, 0o600))
	}
	f, err = output.Create(name)
	require.NoError(t, err)
	_, err = f.WriteString("half")
	require.NoError(t, err)
	f.Discard()
	data, err = os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, "new", string(data))
	assert.Equal(t, []string{"report.html"}, entries(t, dir))
	require.NoError(t, output.Replace(name, "newer"))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "it keeps its mode")
	}
	assert.Equal(t, []string{"report.html"}, entries(t, dir))
	_, err = output.Create(filepath.Join(dir, "no", "folder"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.Error(t, output.Replace(dir, "x"), "a folder")
}

// A link leads where it led, be that there or not.
func TestCreateThroughLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // links need rights there
	}
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(target, link))
	for _, text := range []string{"first", "second"} {
		require.NoError(t, output.Replace(link, text))
		data, err := os.ReadFile(target)
		require.NoError(t, err)
		assert.Equal(t, text, string(data))
		info, err := os.Lstat(link)
		require.NoError(t, err)
		assert.NotZero(t, info.Mode()&fs.ModeSymlink)
	}
	// What was not kept is not there, and nothing beside it.
	absent := filepath.Join(dir, "absent")
	require.NoError(t, os.Symlink("absent", filepath.Join(dir, "toabsent")))
	half, err := output.Create(filepath.Join(dir, "toabsent"))
	require.NoError(t, err)
	_, err = half.WriteString("half")
	require.NoError(t, err)
	half.Discard()
	assert.NoFileExists(t, absent)
	assert.Equal(t, []string{"link", "target", "toabsent"}, entries(t, dir))
	require.NoError(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	_, err = output.Create(filepath.Join(dir, "loop"))
	assert.ErrorContains(t, err, "too many links")
	require.NoError(t, os.Symlink(".", filepath.Join(dir, "self")))
	assert.True(t, output.Same(filepath.Join(dir, "self", "new"), filepath.Join(dir, "new")), "through a linked folder")
	long := filepath.Join(dir, strings.Repeat("n", 250))
	assert.NoError(t, output.Replace(long, "x"), "a name as long as may be")
	require.NoError(t, output.Replace(os.DevNull, "nothing"))
	f, err := output.Create(os.DevNull)
	require.NoError(t, err)
	f.Discard()
	info, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	assert.False(t, info.Mode().IsRegular(), "a device stays one")
}

func TestNotRead(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	require.NoError(t, os.WriteFile(name, nil, 0o644))
	assert.ErrorContains(t, output.NotRead(filepath.Join(dir, ".", "a"), "x", name), "not written over, because it is read as well")
	assert.NoError(t, output.NotRead(filepath.Join(dir, "b"), name))
	assert.ErrorContains(t, output.NotRead(name, dir), "read as well", "in a folder that is read")
	assert.NoError(t, output.NotRead(filepath.Join(dir, "new"), dir), "a new file there")
	assert.NoError(t, output.WrittenBy("prog", "begin", name), "an empty file")
	require.NoError(t, os.WriteFile(name, []byte("beginning"), 0o644))
	assert.NoError(t, output.WrittenBy("prog", "begin", name))
	assert.ErrorContains(t, output.WrittenBy("prog", "other", name), "because prog did not write it")
	assert.NoError(t, output.WrittenBy("prog", "other", os.DevNull))
	assert.True(t, output.Same(filepath.Join(dir, "new"), filepath.Join(dir, "x", "..", "new")), "files that are not there yet")
}

// Nothing is written over what is read as standard input.
func TestStandardInputIsKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "addresses.txt")
	require.NoError(t, os.WriteFile(name, []byte("10.0.5.7"), 0o644))
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	defer func(stdin *os.File) { os.Stdin = stdin }(os.Stdin)
	os.Stdin = f
	assert.ErrorContains(t, output.NotRead(name), "read as well")
	assert.NoError(t, output.NotRead(name+"2"))
	assert.NoError(t, output.NotRead(os.DevNull))
}

// Whoever is interrupted leaves nothing behind.
func TestInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // a process cannot be interrupted there from outside
	}
	if name := os.Getenv("WRITES"); name != "" { // the process that is interrupted
		f, err := output.Create(name)
		require.NoError(t, err)
		defer output.DiscardOnInterrupt(f)()
		_, err = f.WriteString("half")
		require.NoError(t, err)
		self, err := os.FindProcess(os.Getpid())
		require.NoError(t, err)
		require.NoError(t, self.Signal(os.Interrupt))
		select {}
	}
	dir := t.TempDir()
	c := exec.Command(os.Args[0], "-test.run", "^TestInterrupted$")
	c.Env = append(os.Environ(), "WRITES="+filepath.Join(dir, "report.html"))
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, string(out))
	assert.Equal(t, 130, exit.ExitCode())
	assert.Empty(t, entries(t, dir))
}

// What is no terminal stays as it is.
func TestTo(t *testing.T) {
	var b bytes.Buffer
	assert.Same(t, &b, output.To(&b))
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	defer f.Close()
	assert.Same(t, f, output.To(f))
}
