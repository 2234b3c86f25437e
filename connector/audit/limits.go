package audit

import "github.com/receiveconnector/receiveconnector/connector"

// Controls on numbers. Meeting them breaks no connection, so no check is about them.

var control306 = &Control{
	ID:         "RC306",
	Title:      "limited message size",
	Demands:    "MaxMessageSize is 25 MB at most",
	Frameworks: []string{"EDCA TLS-013", "DISA STIG V-259677"},
	Safely:     "Mail between servers through the connector is limited as well: the smallest limit on the way counts.",
	applies:    func(connector.Server, connector.ReceiveConnector) bool { return true },
	needs:      connector.PropertyMaxMessageSize,
	told:       func(c connector.ReceiveConnector) bool { return c.MaxMessageSize != 0 },
	letter: func(c *connector.ReceiveConnector) {
		if c.MaxMessageSize > 25*connector.MB {
			c.MaxMessageSize = 25 * connector.MB
		}
	},
	purpose: func(c connector.ReceiveConnector) bool {
		return c.MaxMessageSize <= 25*connector.MB
	},
	safe: func(*connector.ReceiveConnector) {},
}

var control307 = &Control{
	ID:         "RC307",
	Title:      "limited hop count",
	Demands:    "MaxHopCount is 60",
	Frameworks: []string{"EDCA TLS-015", "DISA STIG V-259678"},
	Safely:     "It is the value that an export of Exchange 2019 shows as installed.",
	applies:    func(connector.Server, connector.ReceiveConnector) bool { return true },
	needs:      connector.PropertyLimits,
	told:       func(c connector.ReceiveConnector) bool { return c.MaxHopCount != connector.Limit{} },
	letter:     func(c *connector.ReceiveConnector) { c.MaxHopCount = connector.LimitOf(60) },
	purpose:    func(connector.ReceiveConnector) bool { return false },
	safe:       func(*connector.ReceiveConnector) {},
}
