package audit

import (
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc203 = &Check{
	ID:       "RC203",
	Title:    "Basic authentication in clear",
	Severity: Warning,
	Run:      checkRC203,
	Doc: `The connector offers AUTH LOGIN before the session is encrypted, so a client may send its user's password in clear, and some
do. The addresses are all that the connector is selected for.

The fix adds BasicAuthRequireTLS, and Tls if it is missing: AUTH LOGIN is then offered only after STARTTLS. Clients that
cannot encrypt can no longer log in, so it is not safe.

Source: New-ReceiveConnector, -AuthMechanism (documented); what EHLO offers: observed.`,
}

func checkRC203(p *Pass) error {
	for _, h := range p.spaceOf().holdings {
		c := h.connector
		if !h.wins() || c.Missing.Has(connector.PropertyAuthMechanism) {
			continue
		}
		line, ok := c.EHLO(p.Record()).Clear.Line("AUTH")
		if !ok || !slices.Contains(strings.Fields(line.Text), "LOGIN") {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: Certain, Addrs: connector.RangesOf(h.won(anywhere)), Message: "offers " + line.Text + " before the session is encrypted"}
		if conn, ok := h.example(anywhere); ok {
			f.Witness = p.Index.Simulate(conn, connector.Peer{Kind: connector.PeerUser})
		}
		p.reportWith(f, func() [][]candidate {
			return [][]candidate{{setting("offer AUTH LOGIN only after STARTTLS", c, func(e *connector.ReceiveConnector) {
				e.AuthMechanism |= connector.AuthBasicRequireTLS | connector.AuthTLS
			})}}
		})
	}
	return nil
}
