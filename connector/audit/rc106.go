package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc106 = &Check{
	ID:       "RC106",
	Title:    "DomainSecureEnabled without Tls, or with ExternalAuthoritative",
	Severity: Warning,
	Run:      checkRC106,
	Doc: `Domain security is mutual TLS with a partner. It needs Tls in AuthMechanism, and means nothing where
ExternalAuthoritative trusts everybody. The cmdlets refuse both. That it needs the partner's domain in
TLSReceiveDomainSecureList as well is not looked at.

The fix switches it off, or adds Tls.

Source: New-ReceiveConnector, -DomainSecureEnabled (documented).`,
}

func checkRC106(p *Pass) error {
	p.reportViolations(func(c connector.ReceiveConnector) []candidate {
		return []candidate{
			setting("switch DomainSecureEnabled off", c, func(e *connector.ReceiveConnector) { e.DomainSecure = false }),
			setting("add Tls", c, func(e *connector.ReceiveConnector) { e.AuthMechanism |= connector.AuthTLS }),
		}
	}, connector.RuleDomainSecure)
	return nil
}
