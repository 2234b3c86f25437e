package audit

import (
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc110 = &Check{
	ID:       "RC110",
	Title:    "ExchangeServer is offered but ExchangeServers may not use it",
	Severity: Error,
	Run:      checkRC110,
	Doc: `The connector offers Exchange Server authentication, and permission group ExchangeServers is not given, or the right to
submit is denied. An Exchange server that connects takes the offer and is turned down: "The account provided valid
credentials, but is not authorized to use the server; failing authentication" (event 1020). The code on the wire is not
known; it is not 451 5.7.3 Cannot achieve Exchange Server authentication.

It is certain where a server is known whose mail lands here, and possible elsewhere. The addresses are those of such servers, the
flows theirs. Where the rights are not known it is a note.

The fix adds permission group ExchangeServers, or has another connector take the servers.

Source: without SMTP-Submit AUTH fails: Receive connectors, event 1020 (documented); the code: unknown.`,
}

func checkRC110(p *Pass) error {
	g := p.Record().Version.Generation()
	for _, c := range p.Connectors() {
		if c.Disabled || !c.AuthMechanism.Has(connector.AuthExchangeServer) || c.Missing.Has(connector.PropertyAuthMechanism) {
			continue
		}
		e := c.EffectiveRights(connector.PrincipalExchangeServers, g)
		if p.Record().Roles.Has(connector.RoleEdge) {
			e = c.EffectiveRights(connector.PrincipalHubTransportServers, g) // by direct trust
		}
		if e.Held.Has(connector.RightSubmit) {
			continue
		}
		f := Finding{Subject: c.ID, Certainty: PossiblyTrue, Message: "offers Exchange Server authentication, and Exchange servers have no right to submit here, so authentication fails"}
		if e.Open.Has(connector.RightSubmit) {
			f.Certainty = CannotTell
			f.Message = "offers Exchange Server authentication, and whether Exchange servers may submit here is not known; Get-ADPermission tells it"
		}
		failing := p.refusedAt(c.ID, &f)
		if len(failing) > 0 {
			f.Message += fmt.Sprintf("; mail from %s lands here", sendersText(f.Flows))
		}
		if f.Certainty == CannotTell {
			p.Report(f)
			continue
		}
		if len(failing) == 0 {
			p.reportWith(f, func() [][]candidate {
				return [][]candidate{{setting("give it permission group ExchangeServers", c, func(e *connector.ReceiveConnector) { e.PermissionGroups |= connector.GroupExchangeServers })}}
			})
			continue
		}
		p.report(f, failing)
	}
	return nil
}

// refusedAt returns the connections of Exchange servers that a connector takes and that fail for want of a right, and notes them in the
// finding.
func (p *Pass) refusedAt(id connector.ID, f *Finding) (failing []attempt) {
	for _, a := range p.attemptsToward(p.Server) {
		if !a.winner().Equal(id) || a.verdict.Cause != connector.CauseNotPermitted {
			continue
		}
		failing = append(failing, a)
		if n := len(f.Flows); n == 0 || f.Flows[n-1] != a.flow {
			f.Flows = append(f.Flows, a.flow)
		}
		if f.Witness == nil {
			f.Witness = a.verdict
		}
		if f.Certainty == PossiblyTrue && a.flow.Need == connector.Required && a.sure && a.verdict.Doubt == 0 {
			f.Certainty = Certain
		}
	}
	if len(failing) > 0 {
		f.Addrs = sources(failing)
	}
	return failing
}
