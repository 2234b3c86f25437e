// Package golden compares what a test renders with a file that was read in review.
package golden

import (
	"os"
	"strings"
)

// TB is the part of testing.TB that Check needs.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Updating tells whether files are to be written anew: UPDATE_GOLDEN=1 is set.
func Updating() bool { return os.Getenv("UPDATE_GOLDEN") != "" }

// Check compares got with the file. UPDATE_GOLDEN=1 writes the file instead.
func Check(t TB, file, got string) {
	t.Helper()
	if Updating() {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Errorf("%v", err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	want := strings.ReplaceAll(string(data), "\r\n", "\n")
	if got == want {
		return
	}
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	at := 0
	for at < len(wants) && at < len(gots) && wants[at] == gots[at] {
		at++
	}
	t.Errorf("%s:%d differs; UPDATE_GOLDEN=1 writes it anew\nwant %s\ngot  %s", file, at+1, line(wants, at), line(gots, at))
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(the end)"
}
