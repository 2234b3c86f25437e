package audit

import (
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc901 = &Check{
	ID:       "RC901",
	Title:    "the export has cut off a list",
	Severity: Note,
	Run:      checkRC901,
	Doc: `Of Bindings or RemoteIPRanges only the first entries are known. Format-List shows as many as
$FormatEnumerationLimit says, 16 in the Exchange Management Shell and 4 elsewhere, and writes dots behind them; the
console cuts at its width. Every decision that an entry behind them could change carries the doubt Missing.

Export-Clixml keeps all entries, and so does Format-List after $FormatEnumerationLimit = -1.

Source: public descriptions of the limit (observed).`,
}

func checkRC901(p *Pass) error {
	for _, c := range p.Connectors() {
		if cut := truncated(c); cut != 0 {
			p.Report(Finding{Subject: c.ID, Certainty: Certain, Message: fmt.Sprintf(
				"known in part: %s; Export-Clixml keeps all entries, and so does Format-List after $FormatEnumerationLimit = -1", cut)})
		}
	}
	return nil
}

// truncated returns the lists of which some entries are known and others are not.
func truncated(c connector.ReceiveConnector) (cut connector.Properties) {
	if len(c.Bindings) > 0 {
		cut |= connector.PropertyBindings
	}
	if len(c.RemoteIPRanges) > 0 {
		cut |= connector.PropertyRemoteIPRanges
	}
	return cut & c.Missing &^ c.Conflicting
}
