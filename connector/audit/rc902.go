package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc902 = &Check{
	ID:       "RC902",
	Title:    "no address of the server is known",
	Severity: Note,
	Run:      checkRC902,
	Doc: `Which connector takes the mail of a server depends on its addresses, and no export of Exchange's own
holds them. Mail from the server is not checked, or only from the addresses its connectors are bound to, which may be
its own (inferred).

Get-NetIPAddress over a remote session, Resolve-DnsName of the server's name, the networks of a DAG, -addr NAME=IP of
the programs, or addresses in the native JSON settle it.

Source: an export of Get-ReceiveConnector and Get-ExchangeServer holds no address (observed).`,
}

func checkRC902(p *Pass) error {
	s := p.Record()
	if len(s.Addresses) == 0 || s.Missing.Has(connector.PropertyAddresses) {
		p.Report(Finding{Subject: connector.ID{Server: s.Name}, Certainty: Certain, Message: "no address is known, so mail that it sends is not checked, " +
			"or only from what its connectors are bound to; Get-NetIPAddress, Resolve-DnsName or -addr NAME=IP tells it"})
	}
	return nil
}
