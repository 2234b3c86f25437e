//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package output

import "os"

// terminal tells that nothing is known of terminals here.
func terminal(*os.File) (width int, colours, ok bool) { return 0, false, false }
