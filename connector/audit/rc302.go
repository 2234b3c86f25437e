package audit

import "github.com/receiveconnector/receiveconnector/connector"

var control302 = &Control{
	ID:         "RC302",
	Title:      "internal connectors require TLS",
	Demands:    "RequireTLS is on for internal receive connectors; which are internal is left to the reader, and taken here to be those that offer Exchange Server authentication",
	Frameworks: []string{"DISA STIG V-228375 (Exchange 2016)", "DISA STIG V-259641 (Exchange 2019)", "EDCA TLS-021"},
	Safely: "Exchange servers encrypt with X-ANONYMOUSTLS by themselves. Only where it is suppressed, for WAN optimization devices, do they authenticate in " +
		"clear: offer it again before TLS is required, or leave such a connector out of the control with that reason.",
	applies: servesExchange,
	needs:   connector.PropertyAuthMechanism | connector.PropertyRequireTLS | connector.PropertySuppressXAnonymousTLS,
	letter:  func(c *connector.ReceiveConnector) { c.RequireTLS = true },
	purpose: func(c connector.ReceiveConnector) bool { return c.RequireTLS },
	safe: func(c *connector.ReceiveConnector) {
		c.RequireTLS, c.SuppressXAnonymousTLS = true, false
		c.AuthMechanism |= connector.AuthTLS
	},
}

var rc302 = control302.check(`Between servers, RequireTLS refuses mail on a session in clear. That is what sessions are on the documented connector for
WAN optimization devices: X-ANONYMOUSTLS is suppressed there, and the servers authenticate in clear on purpose. With RequireTLS their
mail is refused (451 5.7.3 STARTTLS is required to send mail), which is another error than that of a wrong connector.`)
