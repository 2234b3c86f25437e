package audit

import (
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// plural returns a number with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// names lists connectors.
func names(ids []connector.ID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return strings.Join(texts, ", ")
}

// senders returns the names of where flows come from, each once.
func senders(flows []connector.Flow) (names []string) {
	known := make(map[string]bool)
	for _, f := range flows {
		if !known[f.From] {
			known[f.From] = true
			names = append(names, f.From)
		}
	}
	return names
}

// sendersText names where flows come from, if they are not too many to be read.
func sendersText(flows []connector.Flow) string {
	const most = 12
	names := senders(flows)
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more servers", len(names)-most))
	}
	return strings.Join(names, ", ")
}
