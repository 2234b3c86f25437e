package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc905 = &Check{
	ID:       "RC905",
	Title:    "the server is not in a list of servers",
	Severity: Note,
	Run:      checkRC905,
	Doc: `Only a connector, a DAG or an address names the server; its version, site and roles are not known. Which
mail it exchanges with the others follows from these, so its flows count as possible at most, unless a
FrontendTransport connector shows 2013 or later (inferred).

Get-ExchangeServer tells them.

Source: the flows between servers depend on version, role and site (documented).`,
}

func checkRC905(p *Pass) error {
	s := p.Record()
	if !listed(s) {
		p.Report(Finding{Subject: connector.ID{Server: s.Name}, Certainty: Certain,
			Message: "version, site and roles are not known, so neither is which mail the server exchanges with others; Get-ExchangeServer tells them"})
	}
	return nil
}

// listed tells whether anything of what Get-ExchangeServer tells is known of a server.
func listed(s connector.Server) bool {
	return !s.Missing.Has(connector.PropertyVersion | connector.PropertySite | connector.PropertyRoles)
}
