package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc107 = &Check{
	ID:       "RC107",
	Title:    "SuppressXAnonymousTls without UseDowngradedExchangeServerAuth",
	Severity: Warning,
	Run:      checkRC107,
	Doc: `SuppressXAnonymousTls hides X-ANONYMOUSTLS from Exchange servers, so that a WAN optimization device can see their mail in
clear. They then have to authenticate in clear, which each server does only where UseDowngradedExchangeServerAuth is set on it: a
sender without it gets "451 5.7.3 Cannot achieve Exchange Server authentication" at such a connector. The document asks for it on
every server that takes part, and it is not set on the one that has the connector. Servers that fail here are reported by RC001.

Set-TransportService -UseDowngradedExchangeServerAuth $true (before 2013 Set-TransportServer) on every server that takes part. The
fix, where no such device is in use, offers X-ANONYMOUSTLS again.

Source: WAN optimization controllers, New-ReceiveConnector, -SuppressXAnonymousTls (documented); whether the cmdlet enforces it: unknown.`,
}

func checkRC107(p *Pass) error {
	s := p.Record()
	for _, c := range p.Connectors() {
		if !c.SuppressXAnonymousTLS || c.Missing.Has(connector.PropertySuppressXAnonymousTLS) || !c.AuthMechanism.Has(connector.AuthExchangeServer) || s.DowngradedExchangeAuth {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: Certain,
			Message: "hides X-ANONYMOUSTLS, and UseDowngradedExchangeServerAuth is not set on the server, which the document asks for"}
		if s.Missing.Has(connector.PropertyDowngradedExchangeAuth) || c.Disabled || c.Missing.Has(connector.PropertyAuthMechanism) {
			f.Certainty = CannotTell
			f.Message = "hides X-ANONYMOUSTLS, and whether UseDowngradedExchangeServerAuth is set on the server is not known; Get-TransportService tells it"
			if c.Disabled {
				f.Message = "is disabled, and would hide X-ANONYMOUSTLS on a server where UseDowngradedExchangeServerAuth is not set"
			}
		}
		p.reportWith(f, func() [][]candidate {
			return [][]candidate{{setting("stop suppressing X-ANONYMOUSTLS", c, func(e *connector.ReceiveConnector) { e.SuppressXAnonymousTLS = false })}}
		})
	}
	return nil
}
