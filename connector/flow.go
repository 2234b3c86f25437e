package connector

import (
	"iter"
	"slices"
)

// Purpose is what a flow between two servers carries. Zero is not set.
type Purpose uint8

const (
	Mail                    Purpose = iota + 1 // messages from transport to transport
	PublicFolderReplication                    // Exchange 2010 and earlier
	FrontEndToTransport
	Submission // from the mailbox to transport
	Delivery   // from transport to the mailbox
	ClientProxy
	OutboundProxy
	Shadow       // redundant copies
	EdgeInbound  // from an Edge Transport server
	EdgeOutbound // to an Edge Transport server
	UMSubmission // voice messages and faxes
	CrossForest  // from Exchange servers of another forest, a [Network]
	Hybrid       // from Exchange Online, a [Network]
	LogShipping  // database copies of a DAG
)

var purposeNames = [...]string{"", "Mail", "PublicFolderReplication", "FrontEndToTransport", "Submission", "Delivery",
	"ClientProxy", "OutboundProxy", "Shadow", "EdgeInbound", "EdgeOutbound", "UMSubmission", "CrossForest", "Hybrid", "LogShipping"}

// String prints the name of the constant.
func (p Purpose) String() string {
	if int(p) < len(purposeNames) {
		return purposeNames[p]
	}
	return ""
}

// Transport is the protocol of a flow. Zero is not set.
type Transport uint8

const (
	TransportSMTP Transport = iota + 1
	TransportRPC
	TransportLogShipping // TCP 64327
)

// String prints "SMTP", "RPC" or "LogShipping".
func (t Transport) String() string {
	switch t {
	case TransportSMTP:
		return "SMTP"
	case TransportRPC:
		return "RPC"
	case TransportLogShipping:
		return "LogShipping"
	}
	return ""
}

// Need tells whether the organization depends on a flow. Zero is not set.
type Need uint8

const (
	Required  Need = iota + 1
	Possible       // it can occur; whether it does, or what a refusal means, does not follow from the topology
	NotNeeded      // the versions and roles would have it, the placement of databases rules it out
)

// String prints the name of the constant.
func (n Need) String() string {
	switch n {
	case Required:
		return "Required"
	case Possible:
		return "Possible"
	case NotNeeded:
		return "NotNeeded"
	}
	return ""
}

// Flow is traffic from one server to another, which may be the same one, and why there is or is none.
type Flow struct {
	From, To     string // names of servers
	FromNetwork  bool   // From is the name of a [Network] instead
	Port         uint16 // of the target; 0 for RPC
	Purpose      Purpose
	Transport    Transport
	Need         Need
	ExchangeAuth bool // the sender insists on Exchange Server authentication
	Why          Basis
}

// portMailboxDelivery is served by the implicit connector of [MailboxDelivery].
const portMailboxDelivery = 475

// MeetsConnectors tells whether receive connectors of the configuration decide about the flow: SMTP, and not to mailbox
// delivery on port 475, whose implicit connector no other one can shadow (documented).
func (f Flow) MeetsConnectors() bool {
	return f.Transport == TransportSMTP && f.Port != portMailboxDelivery
}

// Peer returns what the source of the flow is to the target, given its record, which is not looked at for a network.
func (f Flow) Peer(from Server) Peer {
	switch {
	case f.Purpose == Hybrid:
		return Peer{Kind: PeerAnonymous, TLS: TLSInsists}
	case !f.ExchangeAuth:
		return Peer{Kind: PeerCrossForest, TLS: TLSIfOffered}
	}
	p := Peer{Version: from.Version, DowngradedExchangeAuth: from.DowngradedExchangeAuth, NoCertificate: from.NoCertificate}
	switch f.Purpose {
	case EdgeInbound:
		p.Kind = PeerEdge
	case UMSubmission:
		p.Kind = PeerUnifiedMessaging
	}
	return p
}

// String prints "EX01 -> EX03 port 25 PublicFolderReplication".
func (f Flow) String() string {
	s := f.From + " -> " + f.To
	if f.FromNetwork {
		s = "network " + s
	}
	switch {
	case f.Transport == TransportRPC:
		s += " RPC"
	case f.Port != 0:
		s += " port " + utoa(f.Port)
	}
	return s + " " + f.Purpose.String()
}

// Flows yields what flows between the servers of t, by source, target and the rows of the table in flowrules.go; servers
// are in the order of [Topology.AllServers]. Behind them come, by network and target, those from networks of kind Hybrid and
// CrossForest. Flows that are not SMTP or not needed are there too, with the reason, so that
// "why only public folders?" is answered by filtering.
//
// Versions, roles, sites and DAGs decide which rows apply; databases only remove: with none given, every pair needs mail.
// A server whose version is unknown gets Possible flows on port 25.
func (t *Topology) Flows() iter.Seq[Flow] { return t.FlowTable().All() }

// FlowTable tells who sends what to whom in one topology, as it was when the table was made. Flows are made when they are asked
// for, because a thousand servers have millions. It is made by [Topology.FlowTable], never changes, and is safe for concurrent use.
type FlowTable struct {
	servers  []flowServer
	position map[string]int // of a server in servers, by key
	networks []Network
	at       placement
}

// FlowTable returns the table behind [Topology.Flows].
func (t *Topology) FlowTable() *FlowTable {
	table := &FlowTable{position: make(map[string]int), networks: slices.Clone(t.Networks)}
	frontend := t.frontends()
	for _, s := range t.AllServers() {
		key := foldKey(s.Name)
		table.position[key] = len(table.servers)
		table.servers = append(table.servers, flowServerOf(s, frontend[key]))
	}
	table.at = placementOf(t, table.servers)
	return table
}

// All yields every flow, in the order of [Topology.Flows].
func (t *FlowTable) All() iter.Seq[Flow] {
	return func(yield func(Flow) bool) {
		for i := range t.servers {
			for j := range t.servers {
				if !t.between(&t.servers[i], &t.servers[j], yield) {
					return
				}
			}
		}
		for _, n := range t.networks {
			for i := range t.servers {
				if !fromNetwork(n, &t.servers[i], yield) {
					return
				}
			}
		}
	}
}

// To yields the flows to one server, whatever the case of its name, in the order of [Topology.Flows].
func (t *FlowTable) To(server string) iter.Seq[Flow] {
	return func(yield func(Flow) bool) {
		j, ok := t.position[foldKey(server)]
		if !ok {
			return
		}
		for i := range t.servers {
			if !t.between(&t.servers[i], &t.servers[j], yield) {
				return
			}
		}
		for _, n := range t.networks {
			if !fromNetwork(n, &t.servers[j], yield) {
				return
			}
		}
	}
}

// between yields the flows from one server to another, and tells whether to go on.
func (t *FlowTable) between(from, to *flowServer, yield func(Flow) bool) bool {
	p := pair{from, to, &t.at}
	for i := range flowRules {
		if f, ok := flowRules[i].flow(p); ok && !yield(f) {
			return false
		}
	}
	return true
}

// fromNetwork yields the flows from a network to a server, and tells whether to go on.
func fromNetwork(n Network, to *flowServer, yield func(Flow) bool) bool {
	for i := range networkRules {
		if f, ok := networkRules[i].flow(n, to); ok && !yield(f) {
			return false
		}
	}
	return true
}
