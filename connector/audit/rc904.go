package audit

import (
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc904 = &Check{
	ID:       "RC904",
	Title:    "a property was not exported",
	Severity: Note,
	Run:      checkRC904,
	Doc: `A property that answers rest on is not known: its column was not selected, the file was cut, or it was
exported as the name of its type. It is never taken for its default: an AuthMechanism that is missing is not None, and
every answer that it could change says so.

Exporting the whole objects with Export-Clixml, without Select-Object, settles it.

Source: the files that were read.`,
}

func checkRC904(p *Pass) error {
	for _, c := range p.Connectors() {
		// What is announced of size and extensions, and limits, decide nothing about mail between servers.
		const small = connector.PropertyRights | connector.PropertySizeEnabled | connector.PropertyMaxMessageSize | connector.PropertyExtensions | connector.PropertyLimits
		p.reportUnknown(c.ID, c.Missing&^c.Conflicting&^truncated(c)&^small, "Get-ReceiveConnector | Export-Clixml")
	}
	s := p.Record()
	if !listed(s) {
		return nil
	}
	id, unknown := connector.ID{Server: s.Name}, s.Missing&^s.Conflicting
	const transport = connector.PropertyDowngradedExchangeAuth | connector.PropertyInternalTransportCertificate
	p.reportUnknown(id, unknown&transport, "Get-TransportService")
	p.reportUnknown(id, unknown&connector.PropertyDAG, "Get-DatabaseAvailabilityGroup")
	p.reportUnknown(id, unknown&(connector.PropertySite|connector.PropertyRoles|connector.PropertyFQDN), "Get-ExchangeServer")
	return nil
}

func (p *Pass) reportUnknown(id connector.ID, unknown connector.Properties, teller string) {
	if unknown != 0 {
		p.Report(Finding{Subject: id, Certainty: Certain, Message: fmt.Sprintf("not known: %s; %s tells it", unknown, teller)})
	}
}
