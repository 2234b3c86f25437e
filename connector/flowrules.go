package connector

import "strconv"

// flowRule is a row of the table of server-to-server flows.
type flowRule struct {
	row       string // its number, as flow_test.go names it
	purpose   Purpose
	transport Transport
	port      func(p pair) uint16
	when      func(p pair) bool
	need      func(p pair) (Need, string) // and why, beyond the rule
	auth      bool
	why       Basis
}

func (r *flowRule) flow(p pair) (Flow, bool) {
	if !r.when(p) {
		return Flow{}, false
	}
	f := Flow{From: p.from.Name, To: p.to.Name, Purpose: r.purpose, Transport: r.transport, ExchangeAuth: r.auth, Why: r.why}
	if r.port != nil {
		f.Port = r.port(p)
	}
	need, because := r.need(p)
	f.Need = need
	if because != "" {
		f.Why.Rule += "; " + because
	}
	return f, true
}

var flowRules = []flowRule{
	{"1", Submission, TransportRPC, nil,
		func(p pair) bool { return p.from.store && p.to.hub && p.sameSite() },
		required, false,
		Basis{"inside a site Mailbox and Hub Transport talk RPC, not SMTP", Documented, "Exchange 2007 help, mail routing"}},
	{"1", Delivery, TransportRPC, nil,
		func(p pair) bool { return p.from.hub && p.to.store && p.sameSite() },
		required, false,
		Basis{"inside a site Hub Transport and Mailbox talk RPC, not SMTP", Documented, "Exchange 2007 help, mail routing"}},
	{"2a", Mail, TransportSMTP, port(25),
		func(p pair) bool { return p.from.hub && p.to.hub && p.otherSite() },
		mailboxesOnBothSides, true,
		Basis{"Hub Transport sends to Hub Transport of another site over SMTP with Exchange Server authentication", Documented, "Exchange 2010 help"}},
	{"2b", Mail, TransportSMTP, port(25),
		func(p pair) bool { return p.from.hub && p.to.hub && p.sameSite() && !p.self() },
		possible, true,
		Basis{"inside a site Hub Transport may send to another Hub Transport: a multi-role DAG member reroutes mail for a database it has mounted itself, and connector sources and expansion servers are reached that way; what a refusal does is unknown", Unknown, ""}},
	{"2", Mail, TransportSMTP, port(25),
		func(p pair) bool { return p.from.hub && p.to.hub && !p.sameSite() && !p.otherSite() },
		possible, true,
		Basis{"whether the two Hub Transport servers are in one site is not known", Unknown, ""}},
	{"17", PublicFolderReplication, TransportSMTP, port(25),
		func(p pair) bool { return p.from.hub && p.to.hub && p.otherSite() },
		foldersOnBothSides, true,
		Basis{"public-folder replication between sites is SMTP from Hub Transport to Hub Transport", Observed, "byronwright.blogspot.com 2015/09"}},
	{"3", EdgeOutbound, TransportSMTP, port(25),
		func(p pair) bool { return p.to.edge && p.from.hub && p.subscribed() },
		required, true,
		Basis{"Hub Transport of the site sends to the subscribed Edge Transport server, with direct trust", Documented, "TLS functionality and related terminology, Edge subscriptions"}},
	{"4", EdgeInbound, TransportSMTP, port(25),
		func(p pair) bool { return p.from.edge && !p.from.modern && p.from.known && p.subscribed() && p.to.hub },
		required, true,
		Basis{"a subscribed Edge Transport server sends to Hub Transport of its site", Documented, "mail flow, Exchange 2013 help"}},
	{"4", EdgeInbound, TransportSMTP, port(25),
		func(p pair) bool {
			return p.from.edge && !p.from.modern && p.from.known && p.subscribed() && p.to.backEnd
		},
		required, true,
		Basis{"a subscribed Edge Transport server sends to Mailbox servers of its site; documented as past Front End Transport, which on a server with both roles owns port 25", Documented, "mail flow, Exchange 2013 help"}},
	{"5", EdgeInbound, TransportSMTP, port(25),
		func(p pair) bool { return p.from.edge && p.from.modern && p.subscribed() && p.to.backEnd },
		required, true,
		Basis{"a subscribed Edge Transport server sends to Mailbox servers of its site", Documented, "network ports for clients and mail flow"}},
	{"4, 5", EdgeInbound, TransportSMTP, port(25),
		func(p pair) bool {
			return p.from.edge && p.subscribed() && (!p.from.known && (p.to.hub || p.to.backEnd) || p.from.modern && p.to.hub)
		},
		possible, true,
		Basis{"whether this Edge Transport server sends to this server of its site is not known", Unknown, ""}},
	{"4, 5", EdgeInbound, TransportSMTP, port(25),
		func(p pair) bool { return p.from.edge && p.maybeSubscribed() && (p.to.hub || p.to.backEnd) },
		possible, true,
		Basis{"whether the Edge Transport server is subscribed to this site is not known", Unknown, ""}},
	{"16", EdgeOutbound, TransportSMTP, port(25),
		func(p pair) bool { return p.to.edge && p.from.backEnd && p.subscribed() },
		required, true,
		Basis{"Transport of the site sends to the subscribed Edge Transport server", Documented, "network ports for clients and mail flow"}},
	{"3, 16", EdgeOutbound, TransportSMTP, port(25),
		func(p pair) bool { return p.to.edge && p.maybeSubscribed() && (p.from.hub || p.from.backEnd) },
		possible, true,
		Basis{"whether the Edge Transport server is subscribed to this site is not known", Unknown, ""}},
	{"21", EdgeInbound, TransportSMTP, port(25),
		func(p pair) bool { return p.from.edge && p.from.Unsubscribed && !p.to.edge && p.to.port25() },
		possible, false,
		Basis{"an Edge Transport server without a subscription uses Basic authentication over TLS, or a connector that is externally secured; to which servers it sends is not known", Documented, "configure without EdgeSync"}},
	{"21", EdgeOutbound, TransportSMTP, port(25),
		func(p pair) bool { return p.to.edge && p.to.Unsubscribed && (p.from.hub || p.from.backEnd) },
		possible, false,
		Basis{"to an Edge Transport server without a subscription servers use Basic authentication over TLS, or a connector that is externally secured; which servers send to it is not known", Documented, "configure without EdgeSync"}},
	{"6", FrontEndToTransport, TransportSMTP, transportPort,
		func(p pair) bool { return p.from.frontEnd && p.to.backEnd },
		required, true,
		Basis{"Front End Transport passes mail on to Transport, on its own server or another", Documented, "network ports for clients and mail flow"}},
	{"7", Mail, TransportSMTP, transportPort,
		func(p pair) bool { return p.from.backEnd && p.to.backEnd && p.otherGroup() },
		mailboxesOnBothSides, true,
		Basis{"Transport sends to Transport of another DAG or site", Documented, "receive connectors"}},
	{"7", Mail, TransportSMTP, transportPort,
		func(p pair) bool { return p.from.backEnd && p.to.backEnd && p.sameGroup() && !p.self() },
		possible, true,
		Basis{"inside a DAG or site Transport may pass mail on to another Transport; what a refusal does is unknown", Unknown, ""}},
	{"7", Mail, TransportSMTP, transportPort,
		func(p pair) bool {
			return p.from.backEnd && p.to.backEnd && !p.sameGroup() && !p.otherGroup()
		},
		possible, true,
		Basis{"whether the two servers are in one DAG or site is not known", Unknown, ""}},
	{"7", Mail, TransportSMTP, port(25),
		func(p pair) bool { return p.from.backEnd && p.to.backEnd && !p.to.alone && !p.self() },
		possible, true,
		Basis{"mail between servers from 2013 on is documented for port 2525; single reports see it arrive on port 25", Observed, "frankysweb.de"}},
	{"8", Submission, TransportSMTP, transportPort,
		func(p pair) bool { return p.from.backEnd && p.to.backEnd && p.sameGroup() },
		required, true,
		Basis{"Mailbox Transport Submission sends to Transport", Documented, "send connectors, mail flow"}},
	{"8", Submission, TransportSMTP, transportPort,
		func(p pair) bool {
			return p.from.backEnd && p.to.backEnd && !p.sameGroup() && !p.otherGroup()
		},
		possible, true,
		Basis{"Mailbox Transport Submission sends to Transport of its DAG or site, and whether the two servers are in one is not known", Unknown, ""}},
	{"9", Delivery, TransportSMTP, port(portMailboxDelivery),
		func(p pair) bool { return p.from.backEnd && p.to.backEnd && p.sameGroup() },
		required, true,
		Basis{"Transport sends to Mailbox Transport Delivery, whose implicit connector no other one can shadow", Documented, "receive connectors"}},
	{"9", Delivery, TransportSMTP, port(portMailboxDelivery),
		func(p pair) bool {
			return p.from.backEnd && p.to.backEnd && !p.sameGroup() && !p.otherGroup()
		},
		possible, true,
		Basis{"Transport sends to Mailbox Transport Delivery of its DAG or site, and whether the two servers are in one is not known", Unknown, ""}},
	{"10", Submission, TransportRPC, nil,
		func(p pair) bool { return p.from.backEnd && p.self() },
		required, false,
		Basis{"Mailbox Transport talks RPC with the local database", Documented, "mail flow"}},
	{"10", Delivery, TransportRPC, nil,
		func(p pair) bool { return p.from.backEnd && p.self() },
		required, false,
		Basis{"Mailbox Transport talks RPC with the local database", Documented, "mail flow"}},
	{"11", ClientProxy, TransportSMTP, port(465),
		func(p pair) bool { return p.from.frontEnd && p.to.backEnd },
		required, true,
		Basis{"Front End Transport passes on what clients submit on port 587", Documented, "receive connectors"}},
	{"12", OutboundProxy, TransportSMTP, port(717),
		func(p pair) bool { return p.from.backEnd && p.to.frontEnd },
		possible, true,
		Basis{"Transport sends through Front End Transport where a Send connector says so", Documented, "receive connectors"}},
	{"13", Shadow, TransportSMTP, transportPort,
		func(p pair) bool { return p.from.backEnd && p.to.backEnd && !p.self() },
		possible, true,
		Basis{"Transport keeps redundant copies on another server", Documented, "shadow redundancy"}},
	{"13", Shadow, TransportSMTP, port(25),
		func(p pair) bool { return p.from.hub && p.to.hub && p.otherSite() },
		shadowOfMail, true,
		Basis{"between Hub Transport servers shadow redundancy rides on the mail itself", Documented, "shadow redundancy"}},
	{"14", Mail, TransportSMTP, port(25),
		func(p pair) bool { return p.from.hub && p.to.backEnd },
		mailboxesOnBothSides, true,
		Basis{"Hub Transport of 2007 and 2010 sends to later servers on port 25", Observed, "exchangemaster.ch, byronwright.blogspot.com 2013/06"}},
	{"15", Mail, TransportSMTP, port(25),
		func(p pair) bool { return p.from.backEnd && p.to.hub },
		mailboxesOnBothSides, true,
		Basis{"Transport sends to Hub Transport of 2007 and 2010 on port 25", Observed, "byronwright.blogspot.com 2013/06"}},
	{"18", UMSubmission, TransportSMTP, port(25),
		func(p pair) bool { return p.from.umTold && p.to.hub && p.sameSite() && !p.self() },
		required, true,
		Basis{"Unified Messaging submits to Hub Transport of its site", Observed, "exchangemaster.wordpress.com 2017, eightwone 2011"}},
	{"18", UMSubmission, TransportSMTP, port(25),
		func(p pair) bool { return p.from.umTold && p.to.hub && !p.sameSite() && !p.otherSite() },
		possible, true,
		Basis{"Unified Messaging submits to Hub Transport of its site, and whether the two servers are in one is not known", Unknown, ""}},
	{"18", UMSubmission, TransportSMTP, port(25),
		func(p pair) bool {
			return p.from.um && !p.from.umTold && !p.self() && (p.from.modern && p.to.backEnd && p.sameGroup() || !p.from.modern && p.to.hub && p.sameSite())
		},
		possible, true,
		Basis{"Unified Messaging submits on port 25; whether it is in use on this server is not known", Unknown, ""}},
	{"19", LogShipping, TransportLogShipping, port(64327),
		func(p pair) bool {
			return !p.self() && p.from.DAG != "" && compareFold(p.from.DAG, p.to.DAG) == 0
		},
		copiesOnBoth, false,
		Basis{"members of a DAG ship logs over a port of their own, not SMTP", Documented, "managing high availability"}},
	{"-", Mail, TransportSMTP, port(25),
		func(p pair) bool {
			return (!p.from.known || !p.to.known) && !p.self() && !p.from.edge && !p.to.edge
		},
		possible, true,
		Basis{"the version of one of the servers is not known, so neither is the traffic between them", Unknown, ""}},
}

// networkRule is a row about what comes from a network.
type networkRule struct {
	row     string
	kind    NetworkKind
	purpose Purpose
	why     Basis
}

var networkRules = []networkRule{
	{"20", NetworkCrossForest, CrossForest,
		Basis{"servers of another forest use Basic authentication over TLS with an account in Exchange Servers, or a connector that is externally secured, and no Exchange Server authentication; to which servers they send is not known", Documented, "configure a cross-forest Send connector"}},
	{"22", NetworkHybrid, Hybrid,
		Basis{"Exchange Online sends to the organization without Exchange Server authentication and insists on TLS; to which servers is not known", Observed, "techcommunity 4445548"}},
}

func (r *networkRule) flow(n Network, to *flowServer) (Flow, bool) {
	if n.Kind != r.kind || !to.port25() {
		return Flow{}, false
	}
	return Flow{From: n.Name, To: to.Name, FromNetwork: true, Port: 25, Purpose: r.purpose, Transport: TransportSMTP, Need: Possible, Why: r.why}, true
}

func port(n uint16) func(pair) uint16 { return func(pair) uint16 { return n } }

// transportPort is 2525, or 25 on a Mailbox server of 2013 without ClientAccess (documented).
func transportPort(p pair) uint16 {
	if p.to.alone {
		return 25
	}
	return 2525
}

func required(pair) (Need, string) { return Required, "" }
func possible(pair) (Need, string) { return Possible, "" }

func mailboxesOnBothSides(p pair) (Need, string) {
	if empty := p.without(p.at.mailTold, p.at.mail); empty != "" {
		return NotNeeded, "no mailbox database is mounted in " + empty
	}
	return Required, ""
}

func foldersOnBothSides(p pair) (Need, string) {
	if !p.at.foldersTold {
		return Possible, "where public-folder databases are is not known, so there may be some"
	}
	if empty := p.without(p.at.foldersTold, p.at.folders); empty != "" {
		return NotNeeded, "no public-folder database is mounted in " + empty
	}
	return Required, ""
}

func shadowOfMail(p pair) (Need, string) {
	if need, because := mailboxesOnBothSides(p); need == NotNeeded {
		return need, because
	}
	return Possible, ""
}

func copiesOnBoth(p pair) (Need, string) {
	if p.at.databases && !p.at.shareDatabase(p.from.Name, p.to.Name) {
		return NotNeeded, "no database has a copy on both"
	}
	return Required, ""
}

func utoa(n uint16) string { return strconv.Itoa(int(n)) }
