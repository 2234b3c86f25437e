package output_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/examples/internal/output"
)

// terminal opens a terminal of that many columns.
func terminal(t *testing.T, columns uint16) *os.File {
	t.Helper()
	control := func(f *os.File, request uintptr, argument unsafe.Pointer) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(argument))
		require.Zero(t, errno)
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { master.Close() })
	var unlocked, number int32
	control(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	control(master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	f, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	size := struct{ rows, columns, x, y uint16 }{24, columns, 0, 0}
	control(f, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	return f
}

// A new file may be read by whom the umask lets.
func TestUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	name := filepath.Join(t.TempDir(), "f")
	require.NoError(t, output.Replace(name, "x"))
	info, err := os.Stat(name)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// A terminal has its width, or that of COLUMNS, and colours unless NO_COLOR or TERM says no.
func TestTerminal(t *testing.T) {
	f := terminal(t, 97)
	for _, test := range []struct {
		columns, noColor, term string
		width                  int
		colour                 bool
	}{
		{"", "", "xterm", 97, true}, {"50", "", "xterm", 50, true}, {"x", "", "xterm", 97, true}, {"-3", "", "", 97, true},
		{"", "1", "xterm", 97, false}, {"", "", "dumb", 97, false},
	} {
		t.Setenv("COLUMNS", test.columns)
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("TERM", test.term)
		assert.Equal(t, report.Terminal{Writer: f, Width: test.width, Colour: test.colour}, output.To(f))
	}
}
