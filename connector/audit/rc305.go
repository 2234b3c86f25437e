package audit

import "github.com/receiveconnector/receiveconnector/connector"

var control305 = &Control{
	ID:         "RC305",
	Title:      "domain security on an Edge Transport server",
	Demands:    "DomainSecureEnabled is on for the receive connectors of an Edge Transport server",
	Frameworks: []string{"DISA STIG V-259580 (Exchange 2019 Edge)", "EDCA TLS-037"},
	Safely:     "It needs Tls in AuthMechanism and no ExternalAuthoritative; an externally secured connector for named hosts stays as it is, or gets a binding that partners do not reach.",
	applies:    onEdge,
	needs:      connector.PropertyDomainSecure | connector.PropertyAuthMechanism,
	letter:     func(c *connector.ReceiveConnector) { c.DomainSecure = true },
	purpose:    func(c connector.ReceiveConnector) bool { return c.DomainSecure },
	safe: func(c *connector.ReceiveConnector) {
		if !c.AuthMechanism.Has(connector.AuthExternalAuthoritative) {
			c.DomainSecure = true
			c.AuthMechanism |= connector.AuthTLS
		}
	},
}

var rc305 = control305.check(`Domain security is mutual TLS with partners. Switched on as the text says, it is refused by the cmdlets on a connector without Tls
or with ExternalAuthoritative, and a script that goes over all connectors stops there.`)
