package output

import (
	"os"
	"syscall"
	"unsafe"
)

var (
	kernel32                   = syscall.NewLazyDLL("kernel32.dll")
	setConsoleMode             = kernel32.NewProc("SetConsoleMode")
	getConsoleScreenBufferInfo = kernel32.NewProc("GetConsoleScreenBufferInfo")
)

// terminal tells whether a file is a console, how many columns its window has, and whether it shows colours: those since Windows 10 do
// once they are asked to.
func terminal(f *os.File) (width int, colours, ok bool) {
	const virtualTerminalProcessing = 4
	handle := syscall.Handle(f.Fd())
	var mode uint32
	if syscall.GetConsoleMode(handle, &mode) != nil {
		return 0, false, false
	}
	set, _, _ := setConsoleMode.Call(uintptr(handle), uintptr(mode|virtualTerminalProcessing))
	var info struct {
		size, cursor             struct{ x, y int16 }
		attributes               uint16
		left, top, right, bottom int16
		most                     struct{ x, y int16 }
	}
	if got, _, _ := getConsoleScreenBufferInfo.Call(uintptr(handle), uintptr(unsafe.Pointer(&info))); got != 0 {
		width = int(info.right-info.left) + 1
	}
	return width, set != 0, true
}
