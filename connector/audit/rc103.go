package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc103 = &Check{
	ID:       "RC103",
	Title:    "ExternalAuthoritative with other mechanisms, or without ExchangeServers",
	Severity: Warning,
	Run:      checkRC103,
	Doc: `ExternalAuthoritative tells the server that the connection is secured by other means, so nobody authenticates, and
all sessions have the rights of externally secured servers, which permission group ExchangeServers gives. Beside it only
Tls may stand: whoever could authenticate would be two things at once. Without the group the sessions have no rights, and
mail is refused. The cmdlets refuse both.

The fix takes the other mechanisms out, or adds the group, or takes ExternalAuthoritative out; what that means to clients is
told with it.

Source: New-ReceiveConnector, -AuthMechanism (documented); that other groups may stand beside ExchangeServers: observed.`,
}

func checkRC103(p *Pass) error {
	p.reportViolations(func(c connector.ReceiveConnector) []candidate {
		return []candidate{
			setting("leave ExternalAuthoritative alone, with permission group ExchangeServers", c, func(e *connector.ReceiveConnector) {
				e.AuthMechanism &= connector.AuthExternalAuthoritative | connector.AuthTLS
				e.PermissionGroups |= connector.GroupExchangeServers
			}),
			setting("take ExternalAuthoritative out", c, func(e *connector.ReceiveConnector) { e.AuthMechanism &^= connector.AuthExternalAuthoritative }),
		}
	}, connector.RuleExternalAuthoritative, connector.RuleExternalAuthoritativeGroup)
	return nil
}
