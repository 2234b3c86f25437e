// Package txtar reads and writes text archives: a comment, then files that each begin with a line "-- NAME --".
package txtar

import "strings"

// Archive is a comment and the files behind it.
type Archive struct {
	Comment string
	Files   []File
}

// File is one file of an archive.
type File struct{ Name, Data string }

// Parse reads an archive. Every text is one; line ends become LF, and every part that is not empty ends in one.
func Parse(text string) *Archive {
	a := &Archive{}
	data := &a.Comment
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		if name, ok := marker(line); ok {
			a.Files = append(a.Files, File{Name: name})
			data = &a.Files[len(a.Files)-1].Data
			continue
		}
		if !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		*data += line
	}
	return a
}

func marker(line string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimRight(line, "\n "), "-- ")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(rest, " --")
	return strings.TrimSpace(name), ok && strings.TrimSpace(name) != ""
}

// Format writes an archive so that Parse reads it back.
func Format(a *Archive) string {
	var b strings.Builder
	b.WriteString(a.Comment)
	for _, f := range a.Files {
		b.WriteString("-- " + f.Name + " --\n" + f.Data)
	}
	return b.String()
}
