package audit

import "github.com/receiveconnector/receiveconnector/connector"

var control301 = &Control{
	ID:         "RC301",
	Title:      "no anonymous submission on internal connectors",
	Demands:    "AnonymousUsers is in no permission groups of an internal receive connector; which are internal is left to the reader, and taken here to be those that offer Exchange Server authentication",
	Frameworks: []string{"DISA STIG V-259687 (Exchange 2019)", "DISA STIG V-228391 (Exchange 2016)"},
	Safely: "Where Exchange Online or other hosts deliver without authenticating through the connector, give them a connector of their own, with their " +
		"addresses and AnonymousUsers, before the group is taken away.",
	applies: servesExchange,
	needs:   connector.PropertyAuthMechanism | connector.PropertyPermissionGroups,
	letter:  func(c *connector.ReceiveConnector) { c.PermissionGroups &^= connector.GroupAnonymousUsers },
	purpose: func(c connector.ReceiveConnector) bool { return !c.PermissionGroups.Has(connector.GroupAnonymousUsers) },
	safe:    func(*connector.ReceiveConnector) {},
}

var rc301 = control301.check(`The Default Frontend connector has AnonymousUsers from setup on, because mail of the Internet and of Exchange Online arrives
there without authenticating. It also offers Exchange Server authentication, so a scanner that reads "internal" off that takes it for
an internal one; without the group everything from outside is refused (530 5.7.57 Client was not authenticated to send anonymous
mail).`)

// servesExchange tells whether a connector is one that Exchange servers use.
func servesExchange(_ connector.Server, c connector.ReceiveConnector) bool {
	return c.AuthMechanism.Has(connector.AuthExchangeServer)
}
