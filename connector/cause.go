package connector

// Cause is why a peer does not get the authentication or encryption that it needs. Zero is none.
type Cause uint8

const (
	CauseWrongConnector Cause = iota + 1 // the winner does not offer it, another connector at the endpoint does
	CauseNoMechanism                     // no connector at the endpoint offers it
	CauseSuppressed                      // X-ANONYMOUSTLS is suppressed and the sender may not authenticate in clear
	CauseNotPermitted                    // offered, but ExchangeServers is not among the permission groups
	CauseNoRange                         // accepted and closed without a banner: no connector's range contains the source
	CauseNotListening                    // nothing listens at the endpoint
	CauseMissing                         // a property that decides it is unknown
	CauseUnknownServer                   // the topology does not know the receiving server
	CauseInvalidConn                     // the question is not a connection
	CauseFQDN                            // the connector's FQDN is none of the server's names, so Kerberos fails
	CauseNoCertificate                   // the receiving server has no certificate that can be used
	CauseNoDirectTrust                   // an Edge Transport server and its peer do not trust each other's certificate
	CauseNoSTARTTLS                      // the client insists on STARTTLS, which is not offered
	CauseNotOffered                      // the connector does not offer the client's mechanism
	CauseBadCredentials                  // the client's credentials do not hold
	CauseRequireTLS                      // authenticated in clear, and the connector requires TLS to send mail
	CauseKerberos                        // Kerberos does not work between the two servers
)

var causes = [...]struct {
	name  string
	basis Basis
}{
	CauseWrongConnector: {"WrongConnector", Basis{"the selected connector does not offer Exchange Server authentication although " +
		"another one at the endpoint does; no other connector is tried",
		Documented, "NDR 5.7.3, KB979175"}},
	CauseNoMechanism: {"NoMechanism", Basis{"no connector at the endpoint offers Exchange Server authentication", Documented, "KB979175"}},
	CauseSuppressed: {"Suppressed", Basis{"SuppressXAnonymousTls hides X-ANONYMOUSTLS, and the sender may not use X-EXPS GSSAPI " +
		"in clear (UseDowngradedExchangeServerAuth)",
		Product, "WAN optimization controllers, disable TLS between Active Directory sites"}},
	CauseNotPermitted: {"NotPermitted", Basis{"the peer lacks the right to submit on the connector (for Exchange servers " +
		"permission group ExchangeServers), so authentication itself fails; the code on the wire is unknown",
		Documented, "Receive connectors, event 1020"}},
	CauseNoRange:       {"NoRange", Basis{"no connector's range contains the source; the connection is closed without a banner", Product, ""}},
	CauseNotListening:  {"NotListening", Basis{"no enabled connector is bound to the endpoint, so TCP refuses", Inferred, ""}},
	CauseMissing:       {"Missing", Basis{"a property that decides it is not known", Unknown, ""}},
	CauseUnknownServer: {"UnknownServer", Basis{"the topology does not know the receiving server", Unknown, ""}},
	CauseInvalidConn:   {"InvalidConn", Basis{"the question is not a connection", Unknown, ""}},
	CauseFQDN: {"FQDN", Basis{"the connector's FQDN is neither the full nor the short name of the server, so the service " +
		"principal name does not fit and Kerberos fails; the code on the wire is unknown, 454 4.7.0 likely",
		Documented, "Exchange 2007 help, New-ReceiveConnector"}},
	CauseNoCertificate: {"NoCertificate", Basis{"no certificate of the receiving server can be used, so X-ANONYMOUSTLS is not " +
		"offered", Product, ""}},
	CauseNoDirectTrust: {"NoDirectTrust", Basis{"the certificate is not trusted (event 1036), so the session goes on " +
		"unauthenticated and the rights of anonymous clients decide", Documented, "TLS functionality and related terminology; " +
		"that it goes on: product"}},
	CauseNoSTARTTLS: {"NoSTARTTLS", Basis{"the client insists on STARTTLS, and the connector does not offer it", Observed, "techcommunity 4445548"}},
	CauseNotOffered: {"NotOffered", Basis{"the connector does not offer the client's mechanism in this state of the session", Documented, "New-ReceiveConnector, -AuthMechanism"}},
	CauseRequireTLS: {"RequireTLS", Basis{"the session stays in clear, and the connector takes no mail in clear", Documented, "New-ReceiveConnector, -RequireTLS"}},
	CauseKerberos: {"Kerberos", Basis{"Kerberos does not work between the two servers: a clock, a service principal name, a trust or a closed port",
		Documented, "KB979174"}},
	CauseBadCredentials: {"BadCredentials", Basis{"the client's credentials do not hold", Observed, "receive logs"}},
}

// String prints the name of the constant without the word Cause.
func (c Cause) String() string {
	if int(c) < len(causes) {
		return causes[c].name
	}
	return ""
}

// Basis returns the rule behind the cause.
func (c Cause) Basis() Basis {
	if int(c) < len(causes) {
		return causes[c].basis
	}
	return Basis{}
}
