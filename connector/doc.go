// Package connector models the receive connectors of Microsoft Exchange servers and answers what a server will do with an
// inbound SMTP connection: which connector serves it, why each other one does not, what the peer gets there, and what would
// change.
//
// # The decision
//
// A server picks one connector for each connection, and no other one is tried afterwards:
//
//  1. Only connectors of the server that are enabled and bound to the local port take part, through a binding to the very
//     local address or to the wildcard of its family.
//  2. Where connectors of both transport roles are bound to the endpoint, those of HubTransport do; the answer then carries
//     [DoubtRole].
//  3. Of their remote ranges of the client's family those that contain the client compete. None: the connection is
//     accepted and closed without a banner ([NoRange]). Nobody bound to the endpoint: [NotListening].
//  4. The range with the fewest addresses wins, whatever its notation. A connector counts with its narrowest.
//  5. Between ranges of one size the connector bound to the exact local address wins.
//  6. Between equals the order decides in which the server read its connectors, which nobody can see from outside: the
//     answer is the first of the configuration and carries [DoubtTie].
//
// Rule 4 is documented ("most specific match"); counting addresses, rules 5 and 6 and the silent close are known from study
// of the product. [Reason.Basis] and [Cause.Basis] say for each answer how its rule is known, and from where. Where nothing
// is known the library says unknown.
//
// Port 475 of a Mailbox server from 2013 on has a connector of its own that no other one can shadow, see [MailboxDelivery].
//
// # The session
//
// The chosen connector decides what follows. [ReceiveConnector.EHLO] gives the whole reply, line by line with the rule of each, in
// clear, after STARTTLS and after X-ANONYMOUSTLS. [Index.Simulate] takes a [Peer] - an Exchange server, an Edge Transport server,
// Unified Messaging, another forest, an anonymous client, a user, a partner - through a session:
//
//  1. Encryption. An Exchange server takes X-ANONYMOUSTLS where it is offered and never STARTTLS; a client does as its
//     [TLSPolicy] says.
//  2. Authentication. An Exchange server that finds nothing to authenticate with raises 451 5.7.3 by itself. Whoever
//     authenticates without the right to submit fails in authentication itself.
//  3. The principal follows from that, and [ReceiveConnector.EffectiveRights] from the principal: what the permission groups
//     give, and the extended rights granted or denied beside them.
//  4. The rights decide about each kind of sender and recipient. Replies have the wording of the server's version.
//
// [DefaultConnectors] and [NewConnector] make connectors as setup and New-ReceiveConnector do, so that a test of a topology is
// short; [Topology.FromDefault] tells what was changed since.
//
// # The way through the package
//
// Text becomes values with ParseX functions ([ParseRange], [ParseBinding], [ParseAuthMechanism], ...); every type that has a
// grammar prints what it parses. Values make up a [Topology]: open records that people write, edit and store. [Compile]
// turns it into an [Index], which is immutable, safe for concurrent use, and the only place that decides. Everybody else
// asks it: [Index.Select], [Index.Explain], [Index.Regions], [Index.Simulate], [Diff]. [Topology.Flows] derives which mail flows
// between the servers.
//
// # Changes
//
// A [Change] is one connector before and after. It is data: it prints as the few fields that differ, is undone by [Change.Inverse], and
// several become one for each connector with [Compose]. [ReceiveConnector.Set] gives a property a value by the name of the cmdlets'
// parameter. [Topology.Apply] gives a changed copy and refuses drift; [Topology.Validate] tells what New- and Set-ReceiveConnector would
// refuse, each with its rule; [WhatIf] tells exactly the sources that change hands. If it returns none, that is a proof: every address
// of every endpoint was compared, range by range. Answers that come into doubt are told by [Unsettled].
//
// # The native JSON of a topology
//
// Plain encoding/json reads and writes a Topology; the psexport and topotest packages read the same form with every error
// in its place, and refuse unknown and duplicate keys. What the absence of a field means:
//
//	servers[].fqdn, site, dag, version      not known
//	servers[].roles                         every role the version has
//	servers[].addresses                     not known; no export of connectors or servers holds them
//	servers[].useDowngradedExchangeServerAuth  false, the default
//	servers[].internalTransportCertificateThumbprint  not told; one that can be used is assumed
//	servers[].noCertificate                 false: a certificate can be used
//	servers[].unsubscribed                  false: an Edge server without a site may be subscribed to any
//	connectors[].transportRole              unset, as before 2013; competes with connectors of either role
//	connectors[].disabled                   false: the connector is enabled
//	connectors[].bindings                   the connector listens nowhere
//	connectors[].remoteIPRanges             the connector serves nobody
//	connectors[].authMechanism, permissionGroups  None
//	connectors[].rights                     none beyond the groups; with group Custom: not known
//	connectors[].fqdn                       empty
//	connectors[].requireTLS, suppressXAnonymousTls, enableAuthGSSAPI, domainSecureEnabled  false
//	connectors[].sizeEnabled                Enabled, the default
//	connectors[].maxMessageSize             the default of the version; of 2013, and without a version, not known
//	connectors[].disabledExtensions         none: all that are on by default are announced
//	connectors[].orarEnabled, longAddressesEnabled  false, the default
//	connectors[].connectionTimeout and the other limits  not told
//	servers[].missing, connectors[].missing nothing: every field is known and complete
//	servers[].conflicting, connectors[].conflicting  nothing was told twice and differently
//	databases, networks                     none are told, so they rule nothing out
//	accepted                                no finding is accepted
//	accepted[].subject, ranges              whatever a finding is about; check and reason are required
//
// A property that is not known, rather than absent, is named in missing: "missing": "AuthMechanism, RemoteIPRanges".
package connector
