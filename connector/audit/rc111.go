package audit

import (
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc111 = &Check{
	ID:       "RC111",
	Title:    "FQDN of the connector is the name of another server",
	Severity: Warning,
	Run:      checkRC111,
	Doc: `The connector answers with the name of another Exchange server. Who sends compares the name in the greeting with its own:
if a server meets its own name, it takes the connection for one with itself and returns the mail as a loop (5.3.5). It
happens when a connector is copied from one server to another together with its FQDN.

Give the connector a name of its own server, or one that no server has. The fix does the former.

Source: NDR 5.3.5 (documented).`,
}

func checkRC111(p *Pass) error {
	for _, c := range p.Connectors() {
		if c.FQDN == "" || c.Missing.Has(connector.PropertyFQDN) || c.FQDNAllowsExchangeServer(p.Record()) {
			continue
		}
		other := p.traffic.named(c.FQDN)
		if other == nil || strings.EqualFold(other.Name, p.Server) {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: Certain, Message: fmt.Sprintf("answers as %s, which is the name of %s", c.FQDN, other.Name)}
		if c.Disabled {
			f.Certainty = PossiblyTrue
		}
		p.reportWith(f, func() [][]candidate {
			own := p.Record().FQDN
			if own == "" {
				own = p.Server
			}
			return [][]candidate{{setting("give it the name of its own server", c, func(e *connector.ReceiveConnector) { e.FQDN = own })}}
		})
	}
	return nil
}

// named returns the server that has a name, short or full; nil if none does.
func (pl *places) named(name string) *connector.Server {
	if s := pl.servers[key(name)]; s != nil {
		return s
	}
	return pl.byFQDN[key(name)]
}
