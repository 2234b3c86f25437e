package audit

import (
	"fmt"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// outsideCause is a cause that a topology does not describe.
type outsideCause struct {
	kinds           []ErrorKind
	title           string
	confirm, remedy string
	basis           connector.Basis
	stranger        bool // only if the text names a target that is no known server
	byAddress       bool // not if a log tells which connector took the session
}

// exchangeErrors are the kinds that only servers of the organization get.
var exchangeErrors = []ErrorKind{ErrorCannotAchieve, ErrorCutOff}

// inspection is the cause that an EHLO reply tells.
const inspection = 0

var outsideCauses = []outsideCause{
	{
		kinds: append([]ErrorKind{ErrorUnrecognizedCommand}, exchangeErrors...),
		title: "a firewall between the servers inspects SMTP and hides X-ANONYMOUSTLS and X-EXPS",
		confirm: "connect from the sender to the target (Telnet, port of the text) and compare the EHLO reply with what " +
			"the connector offers here: a banner of asterisks, keywords overwritten with the letter X, or lines that are " +
			"missing tell it",
		remedy: "turn ESMTP inspection (Mailguard, fixup) off between Exchange servers",
		basis: connector.Basis{
			Rule: "inspection takes away what it does not know, so the sender finds nothing to authenticate with",
			Mark: connector.Documented, Source: "KB979175, NDR",
		},
	},
	{
		kinds: append([]ErrorKind{ErrorSTARTTLSRequired, ErrorUnrecognizedCommand}, exchangeErrors...),
		title: "the target is a balancer in front of the servers, a server that is not in the files, or a host outside the organization",
		confirm: "whose address or name it is, and what stands behind it: behind a balancer each server may answer, and sees the " +
			"balancer's address",
		remedy: "add the server to the files, or name its address (-addr NAME=IP)",
		basis: connector.Basis{
			Rule: "the address on the socket decides, and only the connectors of the server that it belongs to",
			Mark: connector.Observed, Source: "the-little-things.net, receive connector tango, part 2",
		},
		stranger: true,
	},
	{
		kinds: exchangeErrors,
		title: "the sender arrives under another address: a gateway or load balancer translates it",
		confirm: "the remote-endpoint of the session in the receive log of the target, and its connector-id, against what " +
			"this topology says",
		remedy: "let Exchange servers reach each other without translation, or take the translated address out of the " +
			"relay connector's ranges",
		basis: connector.Basis{
			Rule: "the address on the socket decides, so all behind a translation share one connector",
			Mark: connector.Observed, Source: "the-little-things.net, receive connector tango, part 2",
		},
	},
	{
		kinds: exchangeErrors,
		title: "the internal transport certificate of the target is missing or cannot be used, so X-ANONYMOUSTLS is not " +
			"offered",
		confirm: "Get-TransportService | fl InternalTransportCertificateThumbprint against Get-ExchangeCertificate on the " +
			"target, and the EHLO reply in clear",
		remedy: "renew it with New-ExchangeCertificate",
		basis: connector.Basis{
			Rule: "X-ANONYMOUSTLS needs the internal transport certificate",
			Mark: connector.Product,
		},
	},
	{
		kinds:   exchangeErrors,
		title:   "the connectors were changed after this export, or not all are in it",
		confirm: "Get-ReceiveConnector -Server on the target, all of them, against the files",
		remedy:  "export again",
		basis: connector.Basis{
			Rule: "an answer holds for the configuration that was read",
			Mark: connector.Inferred,
		},
	},
	{
		kinds:   []ErrorKind{ErrorTemporaryAuth},
		title:   "the clocks of the two servers, or of their domain controllers, differ by more than five minutes",
		confirm: "w32tm /stripchart /computer:TARGET on the sender",
		remedy:  "mend time synchronization",
		basis: connector.Basis{
			Rule: "Kerberos refuses tickets from clocks that differ by more than five minutes",
			Mark: connector.Documented, Source: "KB979174",
		},
	},
	{
		kinds:   []ErrorKind{ErrorTemporaryAuth},
		title:   "the service principal name SMTPSVC of the target is missing or registered twice",
		confirm: "setspn -Q SMTPSVC/TARGET.FQDN, and setspn -X for duplicates",
		remedy:  "register it once, on the target's computer account",
		basis: connector.Basis{
			Rule: "the sender asks for a ticket for SMTPSVC and the target's full name",
			Mark: connector.Documented, Source: "KB979174",
		},
	},
	{
		kinds: []ErrorKind{ErrorTemporaryAuth},
		title: "domain controllers do not replicate, a trust or the secure channel is broken, or Kerberos ports are closed",
		confirm: "event 1035 on the target (Inbound authentication failed ... ExchangeAuth) and 2017 on the sender, " +
			"repadmin /replsummary, nltest /sc_verify:DOMAIN, nltest /dsgetdc:DOMAIN",
		remedy: "mend Active Directory; the receive connectors are right",
		basis: connector.Basis{
			Rule: "Exchange Server authentication is Kerberos",
			Mark: connector.Documented, Source: "KB979174",
		},
	},
	{
		kinds: []ErrorKind{ErrorDirectTrust, ErrorNotAuthenticated},
		title: "an Edge Transport server and who it sends to do not trust each other's certificate, so the session goes on as " +
			"that of an anonymous client",
		confirm: "event 1036 (direct trust failed), and Get-EdgeSubscription",
		remedy:  "renew the Edge subscription (New-EdgeSubscription)",
		basis: connector.Basis{
			Rule: "Edge Transport servers authenticate by direct trust of certificates kept in the directory",
			Mark: connector.Documented, Source: "TLS functionality and related terminology; that the session goes on: product",
		},
	},
	{
		kinds: []ErrorKind{ErrorAuthUnsuccessful},
		title: "user name or password is wrong, or the account is locked or disabled",
		confirm: "events of the security log of a domain controller, and \"Inbound AUTH ... failed because of " +
			"LogonDenied\" in the receive log",
		remedy: "use valid credentials",
		basis: connector.Basis{
			Rule: "the connector is the right one and offered the mechanism; the logon itself failed",
			Mark: connector.Observed, Source: "receive logs",
		},
	},
	{
		kinds:   []ErrorKind{ErrorServiceNotActive, ErrorServiceNotAvailable},
		title:   "the transport component of the target is inactive, for example in maintenance mode",
		confirm: "Get-ServerComponentState TARGET: HubTransport and FrontendTransport should be Active",
		remedy:  "Set-ServerComponentState TARGET -Component ... -State Active -Requester ... by whoever made it inactive",
		basis: connector.Basis{
			Rule: "an inactive component refuses mail",
			Mark: connector.Documented, Source: "KB2866822, NDR 4.3.2",
		},
	},
	{
		kinds: []ErrorKind{ErrorSTARTTLSRequired},
		title: "the certificate that TlsCertificateName of the connector names is gone, so STARTTLS is not offered " +
			"although Tls is set",
		confirm: "Get-ReceiveConnector | fl TlsCertificateName against Get-ExchangeCertificate",
		remedy:  "Set-ReceiveConnector -TlsCertificateName to one that is there",
		basis: connector.Basis{
			Rule: "STARTTLS is offered only with a certificate that can be used",
			Mark: connector.Documented, Source: "Receive connectors; seen with a certificate that was removed",
		},
	},
	{
		kinds: []ErrorKind{ErrorUnableToRelay, ErrorNotAuthenticated},
		title: "the client arrives under another address than the one its connector lists: a load balancer or gateway " +
			"translates it",
		confirm: "the remote-endpoint and connector-id of the session in the receive log",
		remedy: "list the address under which it arrives, knowing that all behind it share the right; or let the balancer " +
			"keep client addresses",
		basis: connector.Basis{
			Rule: "the address on the socket decides",
			Mark: connector.Observed, Source: "the-little-things.net, receive connector tango, part 2",
		},
		byAddress: true,
	},
	{
		kinds:   []ErrorKind{ErrorUnableToRelay},
		title:   "the domain of the recipient should be an accepted domain and is not",
		confirm: "Get-AcceptedDomain",
		remedy:  "New-AcceptedDomain",
		basis: connector.Basis{
			Rule: "recipients of accepted domains need no right to relay",
			Mark: connector.Documented, Source: "Receive connectors",
		},
	},
	{
		kinds:   []ErrorKind{ErrorSender},
		title:   "the user has not the permission Send As for the mailbox it sends as",
		confirm: "Get-RecipientPermission, or Get-ADPermission of the mailbox",
		remedy:  "grant Send As, or send as the own address",
		basis: connector.Basis{
			Rule: "sender checks apply to whoever holds no right to send as anybody",
			Mark: connector.Documented, Source: "Receive connectors",
		},
	},
	{
		kinds:   []ErrorKind{ErrorInvalidAddress},
		title:   "Unified Messaging reached a connector that gives it no rights",
		confirm: "the connector-id of the session in the receive log",
		remedy:  "take the addresses of the Unified Messaging servers out of the relay connector's ranges",
		basis: connector.Basis{
			Rule: "an address is refused for want of rights",
			Mark: connector.Observed, Source: "exchangemaster.wordpress.com 2017",
		},
	},
	{
		kinds:   []ErrorKind{ErrorMisconfigured},
		title:   "a setting of the target that receive connectors do not decide",
		confirm: "the whole NDR, and the event log of the target",
		basis: connector.Basis{
			Rule: "enhanced code X.3.5 stands for a system that is configured wrongly; which setting it is, is not known",
			Mark: connector.Documented, Source: "RFC 3463, 3.4",
		},
	},
	{
		kinds:   []ErrorKind{ErrorNotAuthorized},
		title:   "a restriction on the recipient or group, which receive connectors do not decide",
		confirm: "the whole NDR, and the message restrictions of the recipient",
		basis: connector.Basis{
			Rule: "the text names no connector's right",
			Mark: connector.Inferred,
		},
	},
}

// expectedOffer tells what a known server should see at the target of the text, if one reaches Exchange Server authentication there.
func (d *diagnosing) expectedOffer() string {
	if d.Target == "" {
		return ""
	}
	for _, a := range d.toward(d.Target).passed {
		c := a.conn
		if d.e.Endpoint.Port() == 0 || d.e.Endpoint.Port() == c.Local.Port() {
			return fmt.Sprintf("; %s should see %s at %s", c.Remote, a.verdict.Offer().Clear, c.Local)
		}
	}
	return ""
}

// outside adds the causes of the kind that the topology does not describe. They weigh more once it shows nothing wrong with the
// connection of the text.
func (d *diagnosing) outside() {
	cleared := !slices.ContainsFunc(d.Suspects, func(s Suspect) bool { return s.weight >= weightLatent })
	for i, c := range outsideCauses {
		for _, kind := range c.kinds {
			if kind != d.e.Kind || c.stranger != (c.stranger && d.stranger != "") || c.byAddress && d.e.Selected.Name != "" {
				continue
			}
			s := Suspect{Title: c.title, Confirm: c.confirm, Remedy: c.remedy, Basis: c.basis}
			s.weight = max(1, weightOutside-i) // listed first is likelier
			if c.stranger {
				s.weight += weightOutside // which the text speaks for
			}
			if i == inspection {
				s.Confirm += d.expectedOffer()
			}
			if cleared {
				s.add(weightCleared, "the topology shows no connector that would bring it about for sure")
			}
			d.Suspects = append(d.Suspects, s)
		}
	}
}
