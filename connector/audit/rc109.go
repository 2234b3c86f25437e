package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc109 = &Check{
	ID:       "RC109",
	Title:    "a value that the cmdlets would refuse",
	Severity: Warning,
	Run:      checkRC109,
	Doc: `A property has a value that New- and Set-ReceiveConnector do not take: a number outside its bounds, ConnectionTimeout not
longer than ConnectionInactivityTimeout, BinaryMimeEnabled without ChunkingEnabled, LongAddressesEnabled on a connector of Front
End Transport, a name of more than 64 characters.
It stems from an import, a directory edit or a file that was written by hand. At run time a configuration that is not valid is
ignored with event 1003, and the last one that was is kept.

ExchangeLegacyServers on an Edge Transport server is not reported: one document says that the group does not exist there, another
makes a connector with it.

Source: New-ReceiveConnector, Receive connectors (documented).`,
}

func checkRC109(p *Pass) error {
	p.reportViolations(func(connector.ReceiveConnector) []candidate { return nil }, connector.RuleName, connector.RuleLimit,
		connector.RuleBinaryMIME, connector.RuleTimeout, connector.RuleLongAddresses)
	return nil
}
