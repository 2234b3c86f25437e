package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc104 = &Check{
	ID:       "RC104",
	Title:    "RequireTLS without Tls",
	Severity: Warning,
	Run:      checkRC104,
	Doc: `RequireTLS refuses mail in clear ("451 5.7.3 STARTTLS is required to send mail" or "530 5.7.0 Must issue a STARTTLS
command first"), and without Tls in AuthMechanism STARTTLS is not offered: whoever does not come with X-ANONYMOUSTLS sends
nothing here. The cmdlets refuse it.

The fix adds Tls, or switches RequireTLS off.

Source: New-ReceiveConnector, -RequireTLS (documented); the replies: observed.`,
}

func checkRC104(p *Pass) error {
	p.reportViolations(func(c connector.ReceiveConnector) []candidate {
		return []candidate{
			setting("add Tls", c, func(e *connector.ReceiveConnector) { e.AuthMechanism |= connector.AuthTLS }),
			setting("switch RequireTLS off", c, func(e *connector.ReceiveConnector) { e.RequireTLS = false }),
		}
	}, connector.RuleRequireTLS)
	return nil
}
