package audit

import (
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// ErrorKind is what an error of a queue, an NDR or a log means. Texts that share a code are told apart by their words. Zero is not
// set.
type ErrorKind uint8

const (
	ErrorCannotAchieve       ErrorKind = iota + 1 // 451 5.7.3 Cannot achieve Exchange Server authentication
	ErrorSTARTTLSRequired                         // 451 5.7.3 STARTTLS is required to send mail, 530 5.7.0 Must issue a STARTTLS command first
	ErrorAuthUnsuccessful                         // 535 5.7.3 Authentication unsuccessful
	ErrorTemporaryAuth                            // 454 4.7.0 Temporary authentication failure
	ErrorUnrecognizedCommand                      // 500 5.3.3 Unrecognized command
	ErrorNotAuthenticated                         // 530 5.7.1, 5.7.57 Client was not authenticated
	ErrorUnableToRelay                            // 550 5.7.1, 5.7.54 Unable to relay
	ErrorSender                                   // 550 5.7.1, 5.7.60 Client does not have permissions to send as this sender
	ErrorAuthType                                 // 504 5.7.4 Unrecognized authentication type
	ErrorInvalidAddress                           // 501 5.1.7 Invalid address
	ErrorServiceNotActive                         // 412 4.3.2 Service not active
	ErrorServiceNotAvailable                      // 4.3.2 Service not available
	ErrorNotAuthorized                            // 5.7.3 Not Authorized
	ErrorDirectTrust                              // event 1036: direct trust failed
	ErrorMisconfigured                            // 5.3.5
	ErrorCutOff                                   // the text ends before the reply that tells
	ErrorOther                                    // none of these
)

// errorKinds are the texts, the more telling before those that other texts may hold as well.
var errorKinds = [...]struct {
	name    string
	phrases []string // in lower case; any of them
	own     []string // enhanced codes that no other text has
	codes   []string // that others share; they tell only if they stand alone
	meaning connector.Basis
}{
	ErrorCannotAchieve: {
		name:    "CannotAchieve",
		phrases: []string{"cannot achieve exchange server authentication"},
		codes:   []string{"451 5.7.3"},
		meaning: connector.Basis{
			Rule: "the sending server insists on Exchange Server authentication, and the target offers none that it may " +
				"use; the sending server raises this by itself, although it reads as if the target had said it",
			Mark: connector.Documented, Source: "NDR, KB979175; who raises it: product",
		},
	},
	ErrorSTARTTLSRequired: {
		name:    "STARTTLSRequired",
		phrases: []string{"starttls is required to send mail", "must issue a starttls command first"},
		codes:   []string{"451 5.7.3", "530 5.7.0"},
		meaning: connector.Basis{
			Rule: "the session is in clear, and one side insists on TLS; it shares the code 451 5.7.3 with missing " +
				"Exchange Server authentication and has nothing to do with it",
			Mark: connector.Observed, Source: "techcommunity 4445548",
		},
	},
	ErrorAuthUnsuccessful: {
		name: "AuthUnsuccessful",
		phrases: []string{"authentication unsuccessful", "inbound auth login failed because of", "inbound auth ntlm failed because of", "inbound auth gssapi failed because of",
			"the authentication mechanism is login", "the authentication mechanism is ntlm"},
		codes: []string{"535 5.7.3"},
		meaning: connector.Basis{
			Rule: "the credentials of a client do not hold, or do not allow it to submit",
			Mark: connector.Observed, Source: "receive logs, event 1020",
		},
	},
	ErrorTemporaryAuth: {
		name:    "TemporaryAuthFailure",
		phrases: []string{"temporary authentication failure", "outbound authentication failed with", "exchangeauth authentication failed", "the authentication mechanism is exchangeauth"},
		codes:   []string{"454 4.7.0"},
		meaning: connector.Basis{
			Rule: "Exchange Server authentication was offered and tried, and Kerberos failed: the right connector was " +
				"selected",
			Mark: connector.Documented, Source: "KB979174",
		},
	},
	ErrorNotAuthenticated: {
		name:    "NotAuthenticated",
		phrases: []string{"client was not authenticated"},
		own:     []string{"5.7.57"},
		codes:   []string{"530 5.7.1"},
		meaning: connector.Basis{
			Rule: "nobody authenticated in the session, and the connector lets anonymous clients not submit",
			Mark: connector.Documented, Source: "NDR",
		},
	},
	ErrorUnableToRelay: {
		name:    "UnableToRelay",
		phrases: []string{"unable to relay"},
		own:     []string{"5.7.54"},
		codes:   []string{"550 5.7.1"},
		meaning: connector.Basis{
			Rule: "the recipient is in no accepted domain, and the session has not the right to relay",
			Mark: connector.Documented, Source: "NDR, allow anonymous relay",
		},
	},
	ErrorSender: {
		name:    "SenderNotPermitted",
		phrases: []string{"does not have permissions to send as this sender"},
		own:     []string{"5.7.60"},
		codes:   []string{"550 5.7.1"},
		meaning: connector.Basis{
			Rule: "the session has not the right to send as this sender",
			Mark: connector.Observed, Source: "Receive connectors",
		},
	},
	ErrorAuthType: {
		name:    "AuthTypeUnrecognized",
		phrases: []string{"unrecognized authentication type"},
		codes:   []string{"504 5.7.4"},
		meaning: connector.Basis{
			Rule: "the client asked for a mechanism that the connector does not offer in this state of the session",
			Mark: connector.Observed, Source: "list of replies in a server's configuration",
		},
	},
	ErrorUnrecognizedCommand: {
		name:    "UnrecognizedCommand",
		phrases: []string{"unrecognized command", "expected: 220, actual: 500"},
		codes:   []string{"500 5.3.3"},
		meaning: connector.Basis{
			Rule: "the peer sent X-ANONYMOUSTLS or X-EXPS to a connector without Exchange Server authentication",
			Mark: connector.Documented, Source: "NDR 5.3.3",
		},
	},
	ErrorInvalidAddress: {
		name:    "InvalidAddress",
		phrases: []string{"5.1.7 invalid address"},
		codes:   []string{"501 5.1.7"},
		meaning: connector.Basis{
			Rule: "an address was refused for want of rights; seen with Unified Messaging",
			Mark: connector.Observed, Source: "exchangemaster.wordpress.com 2017",
		},
	},
	ErrorServiceNotActive: {
		name:    "ServiceNotActive",
		phrases: []string{"service not active"},
		codes:   []string{"412 4.3.2"},
		meaning: connector.Basis{
			Rule: "the transport component of the target is inactive",
			Mark: connector.Documented, Source: "KB2866822, NDR 4.3.2",
		},
	},
	ErrorServiceNotAvailable: {
		name:    "ServiceNotAvailable",
		phrases: []string{"service not available", "error: 10048", "socket error 10048", "(10048)"},
		codes:   []string{"4.3.2"},
		meaning: connector.Basis{
			Rule: "the target does not take mail, for example because a connector of the wrong transport role holds the " +
				"port",
			Mark: connector.Documented, Source: "NDR 4.3.2, KB2958036",
		},
	},
	ErrorNotAuthorized: {
		name:    "NotAuthorized",
		phrases: []string{"5.7.3 not authorized", "provided valid credentials, but is not authorized to use the server"},
		meaning: connector.Basis{
			Rule: "the session lacks a right on the connector",
			Mark: connector.Documented, Source: "NDR, event 1020",
		},
	},
	ErrorDirectTrust: {
		name:    "DirectTrust",
		phrases: []string{"direct trust authentication failed", "direct trust failed"},
		meaning: connector.Basis{
			Rule: "an Edge Transport server and its peer do not trust each other's certificate, so the session goes on as that of an " +
				"anonymous client",
			Mark: connector.Documented, Source: "TLS functionality and related terminology, event 1036; that it goes on: product",
		},
	},
	ErrorMisconfigured: {
		name: "Misconfigured",
		own:  []string{"5.3.5"},
		meaning: connector.Basis{
			Rule: "the target says that it is not configured to take the message; receive connectors are only one of many " +
				"reasons",
			Mark: connector.Documented, Source: "RFC 3463, 3.4",
		},
	},
	ErrorCutOff: {
		name: "CutOff",
		meaning: connector.Basis{
			Rule: "the text ends before the reply that tells, and the code alone means several things",
			Mark: connector.Documented, Source: "KB979175",
		},
	},
	ErrorOther: {
		name: "Other",
		meaning: connector.Basis{
			Rule: "this library knows no text like it; the code alone is not judged, because several texts share one",
			Mark: connector.Unknown,
		},
	},
}

// String prints the name of the constant without the word Error.
func (k ErrorKind) String() string {
	if int(k) < len(errorKinds) {
		return errorKinds[k].name
	}
	return ""
}

// Meaning returns what an error of the kind means.
func (k ErrorKind) Meaning() connector.Basis {
	if int(k) < len(errorKinds) {
		return errorKinds[k].meaning
	}
	return connector.Basis{}
}

// isSaidBy tells whether the words of a reply are those of the kind.
func (k ErrorKind) isSaidBy(r connector.Reply) bool {
	words := strings.ToLower(r.String())
	return slices.ContainsFunc(errorKinds[k].phrases, func(p string) bool { return strings.Contains(words, p) })
}
