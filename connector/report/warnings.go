package report

import (
	"io"

	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

// Warnings writes what the exports have lost, in the order of reading. As text, warnings that say the same of several objects
// of one file are one line, at the place of the first. As JSON it is a list, one entry for each warning:
//
//	[{"source", "object", "property", "lost", "unknown"}]
func (f Format) Warnings(w io.Writer, warnings []psexport.Warning) error {
	if f == JSON {
		list := make([]warningObject, len(warnings))
		for i, x := range warnings {
			list[i] = warningObject{x.Source.String(), x.Object, x.Property, x.Lost, x.Unknown}
		}
		return writeJSON(w, list, true)
	}
	type topic struct{ file, property, lost, unknown string }
	var firsts []psexport.Warning
	more, at := []int{}, map[topic]int{}
	for _, x := range warnings {
		key := topic{x.Source.File, x.Property, x.Lost, x.Unknown}
		if i, ok := at[key]; ok {
			more[i]++
			continue
		}
		at[key] = len(firsts)
		firsts, more = append(firsts, x), append(more, 0)
	}
	var b outline
	for i, x := range firsts {
		b.printf("warning: %s", x)
		if more[i] > 0 {
			b.printf(" (and %d more like it)", more[i])
		}
		b.WriteString("\n")
	}
	return f.outline(w, "Warnings", &b)
}

type warningObject struct {
	Source   string `json:"source"`
	Object   string `json:"object,omitempty"`
	Property string `json:"property,omitempty"`
	Lost     string `json:"lost"`
	Unknown  string `json:"unknown"`
}
