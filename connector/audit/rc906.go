package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc906 = &Check{
	ID:       "RC906",
	Title:    "the version of the server is not known",
	Severity: Note,
	Run:      checkRC906,
	Doc: `Which mail a server exchanges with others, and over which ports, follows from its version first. Without it
only port 25 is looked at, and only as possible, unless a FrontendTransport connector shows 2013 or later (inferred).

AdminDisplayVersion of Get-ExchangeServer tells it.

Source: the flows between servers by version (documented).`,
}

func checkRC906(p *Pass) error {
	s := p.Record()
	if listed(s) && !s.Version.IsValid() {
		p.Report(Finding{Subject: connector.ID{Server: s.Name}, Certainty: Certain,
			Message: "the version is not known, so neither is for certain which mail the server exchanges with others; Get-ExchangeServer tells it"})
	}
	return nil
}
