package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc102 = &Check{
	ID:       "RC102",
	Title:    "BasicAuthRequireTLS without BasicAuth and Tls",
	Severity: Warning,
	Run:      checkRC102,
	Doc: `BasicAuthRequireTLS says that AUTH LOGIN is offered only after STARTTLS. Without BasicAuth there is no AUTH LOGIN
to be offered, and without Tls no STARTTLS after which: users cannot log in, or not as was meant. The cmdlets refuse it.

The fix adds what is missing, or takes BasicAuthRequireTLS out.

Source: New-ReceiveConnector, -AuthMechanism (documented).`,
}

func checkRC102(p *Pass) error {
	p.reportViolations(func(c connector.ReceiveConnector) []candidate {
		return []candidate{
			setting("take BasicAuthRequireTLS out", c, func(e *connector.ReceiveConnector) { e.AuthMechanism &^= connector.AuthBasicRequireTLS }),
			setting("add BasicAuth and Tls", c, func(e *connector.ReceiveConnector) { e.AuthMechanism |= connector.AuthBasic | connector.AuthTLS }),
		}
	}, connector.RuleBasicAuthRequireTLS)
	return nil
}
