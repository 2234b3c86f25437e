//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package output

import (
	"os"
	"syscall"
	"unsafe"
)

// terminal tells whether a file is a terminal, how many columns it has, and whether it shows colours.
func terminal(f *os.File) (width int, colours, ok bool) {
	var size struct{ rows, columns, x, y uint16 }
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	return int(size.columns), true, errno == 0
}
