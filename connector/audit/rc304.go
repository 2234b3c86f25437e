package audit

import "github.com/receiveconnector/receiveconnector/connector"

var control304 = &Control{
	ID:         "RC304",
	Title:      "TLS on internal connectors of an Edge Transport server",
	Demands:    "AuthMechanism is Tls and RequireTLS is on, on the receive connectors of an Edge Transport server that offer Exchange Server authentication",
	Frameworks: []string{"EDCA TLS-039"},
	Safely:     "Set-ReceiveConnector replaces the whole list: give it all mechanisms, the ones that are there with Tls added, and RequireTLS.",
	applies: func(s connector.Server, c connector.ReceiveConnector) bool {
		return onEdge(s, c) && (servesExchange(s, c) || c.AuthMechanism == connector.AuthTLS && c.RequireTLS && c.PermissionGroups.Has(connector.GroupExchangeServers))
	},
	needs: connector.PropertyAuthMechanism | connector.PropertyRequireTLS,
	letter: func(c *connector.ReceiveConnector) {
		c.AuthMechanism, c.RequireTLS = connector.AuthTLS, true
	},
	purpose: func(c connector.ReceiveConnector) bool { return c.AuthMechanism.Has(connector.AuthTLS) && c.RequireTLS },
	safe: func(c *connector.ReceiveConnector) {
		c.RequireTLS = true
		c.AuthMechanism |= connector.AuthTLS | connector.AuthExchangeServer
	},
}

var rc304 = control304.check(`The step that is printed for this control sets AuthMechanism to Tls alone, on connectors that were picked because they have
ExchangeServer. As the cmdlet replaces the list, ExchangeServer goes, and mail from the Mailbox servers gets 451 5.7.3 Cannot achieve
Exchange Server authentication.`)
