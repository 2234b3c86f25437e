package audit

import "github.com/receiveconnector/receiveconnector/connector"

const onlyBasic = connector.AuthTLS | connector.AuthBasic | connector.AuthBasicRequireTLS

var control303 = &Control{
	ID:         "RC303",
	Title:      "TLS before Basic authentication",
	Demands:    "AuthMechanism is Tls, BasicAuth, BasicAuthRequireTLS, and nothing else, on every receive connector of an Edge Transport server",
	Frameworks: []string{"DISA STIG V-259595 (Exchange 2019 Edge)", "EDCA TLS-038"},
	Safely:     "The purpose is that no password is sent in clear: add Tls and BasicAuthRequireTLS where BasicAuth is, and keep the other mechanisms, ExchangeServer among them.",
	applies:    onEdge,
	needs:      connector.PropertyAuthMechanism,
	letter:     func(c *connector.ReceiveConnector) { c.AuthMechanism = onlyBasic },
	purpose: func(c connector.ReceiveConnector) bool {
		return !c.AuthMechanism.Has(connector.AuthBasic) || c.AuthMechanism.Has(onlyBasic)
	},
	safe: func(c *connector.ReceiveConnector) {
		if c.AuthMechanism.Has(connector.AuthBasic) {
			c.AuthMechanism |= onlyBasic
		}
		if c.AuthMechanism == onlyBasic {
			c.AuthMechanism |= connector.AuthExchangeServer
		}
	},
}

var rc303 = control303.check(`The text, and the scanner that goes with it, want AuthMechanism of every connector of an Edge server to be exactly these three. The
connector that setup installs there has Tls, ExchangeServer: obeying removes ExchangeServer, and mail between the Mailbox servers and
the Edge server gets 451 5.7.3 Cannot achieve Exchange Server authentication. It had no Basic authentication to begin with.`)

func onEdge(s connector.Server, _ connector.ReceiveConnector) bool {
	return s.Roles.Has(connector.RoleEdge)
}
