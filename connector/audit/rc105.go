package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc105 = &Check{
	ID:       "RC105",
	Title:    "FQDN with ExchangeServer is not a name of the server",
	Severity: Warning,
	Run:      checkRC105,
	Doc: `A connector with Exchange Server authentication answers with its FQDN, and senders ask Kerberos for a ticket for that
name. Is it none of the server's own names, authentication fails: mail between servers stops, in practice after somebody gave the
Default connector the name that the Internet should see. From Exchange 2007 SP1 on the cmdlets refuse it; which code the queue shows
is not known, 454 4.7.0 is likely.

Give the name for the Internet to a connector without ExchangeServer. The fix restores the full name of the server, or leaves
the name empty.

Source: Exchange 2007 help, New-ReceiveConnector (documented); the code: unknown.`,
}

func checkRC105(p *Pass) error {
	full := p.Record().FQDN
	p.reportViolations(func(c connector.ReceiveConnector) (all []candidate) {
		if full != "" {
			all = append(all, setting("give it the full name of the server", c, func(e *connector.ReceiveConnector) { e.FQDN = full }))
		}
		return append(all, setting("leave the name empty", c, func(e *connector.ReceiveConnector) { e.FQDN = "" }))
	}, connector.RuleFQDN)
	return nil
}
