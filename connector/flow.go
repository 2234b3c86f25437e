package connector

import "iter"

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
	Shadow      // redundant copies
	EdgeInbound // from a subscribed Edge Transport server
	LogShipping // database copies of a DAG
)

var purposeNames = [...]string{"", "Mail", "PublicFolderReplication", "FrontEndToTransport", "Submission", "Delivery",
	"ClientProxy", "OutboundProxy", "Shadow", "EdgeInbound", "LogShipping"}

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
	From, To     string
	Port         uint16 // of the target; 0 for RPC
	Purpose      Purpose
	Transport    Transport
	Need         Need
	ExchangeAuth bool // the sender insists on Exchange Server authentication
	Why          Basis
}

// portMailboxDelivery is served by the implicit "Mailbox delivery Receive connector".
const portMailboxDelivery = 475

// MeetsConnectors tells whether receive connectors of the configuration decide about the flow: SMTP, and not to mailbox
// delivery on port 475, whose implicit connector no other one can shadow (documented).
func (f Flow) MeetsConnectors() bool {
	return f.Transport == TransportSMTP && f.Port != portMailboxDelivery
}

// String prints "EX01 -> EX03 port 25 PublicFolderReplication".
func (f Flow) String() string {
	s := f.From + " -> " + f.To
	switch {
	case f.Transport == TransportRPC:
		s += " RPC"
	case f.Port != 0:
		s += " port " + utoa(f.Port)
	}
	return s + " " + f.Purpose.String()
}

// Flows yields what flows between the servers of t, by source, target and the rows of the table in flowrules.go; servers
// are in the order of [Topology.AllServers]. Flows that are not SMTP or not needed are there too, with the reason, so that
// "why only public folders?" is answered by filtering.
//
// Versions, roles, sites and DAGs decide which rows apply; databases only remove: with none given, every pair needs mail.
// A server whose version is unknown gets Possible flows on port 25.
func (t *Topology) Flows() iter.Seq[Flow] {
	var servers []flowServer
	for _, s := range t.AllServers() {
		servers = append(servers, t.flowServer(s))
	}
	at := placementOf(t, servers)
	return func(yield func(Flow) bool) {
		for i := range servers {
			for j := range servers {
				p := pair{&servers[i], &servers[j], &at}
				for _, rule := range flowRules {
					if f, ok := rule.flow(p); ok && !yield(f) {
						return
					}
				}
			}
		}
	}
}

// flowServer is a server with what its version and roles make of it.
type flowServer struct {
	Server
	known    bool // the version is, at least as far as the rows ask
	hub      bool // 2007, 2010: Hub Transport
	store    bool // 2007, 2010: Mailbox
	backEnd  bool // 2013+: Transport, Mailbox Transport
	frontEnd bool // 2013+: Front End Transport
	edge     bool
	modern   bool // 2013+
	alone    bool // 2013 Mailbox without ClientAccess: Transport itself listens on port 25
}

// side is what has mailboxes of its own: for 2007 and 2010 a site, from 2013 a DAG or else a site.
type side struct {
	modern bool
	name   string
}

func (s *flowServer) side() side {
	if s.modern && s.DAG != "" {
		return side{true, foldKey(s.DAG)}
	}
	return side{s.modern, foldKey(s.Site)}
}

func (t *Topology) flowServer(s Server) flowServer {
	g := s.Version.Generation()
	f := flowServer{Server: s, edge: s.Roles.Has(RoleEdge)}
	f.modern = g >= Generation2013 || g == 0 && t.hasFrontend(s.Name)
	f.known = g != 0 || f.modern
	has := func(r ServerRoles) bool { return s.Roles == 0 || s.Roles.Has(r) }
	switch {
	case f.edge || !f.known:
	case !f.modern:
		f.hub, f.store = has(RoleHubTransport), has(RoleMailbox)
	case g == Generation2013:
		f.backEnd, f.frontEnd = has(RoleMailbox), has(RoleClientAccess)
		f.alone = f.backEnd && !f.frontEnd
	default:
		f.backEnd, f.frontEnd = true, true
	}
	return f
}

// hasFrontend tells whether the server has a FrontendTransport connector, which implies 2013 or later (inferred).
func (t *Topology) hasFrontend(server string) bool {
	for _, c := range t.Connectors {
		if c.TransportRole == FrontendTransport && compareFold(c.ID.Server, server) == 0 {
			return true
		}
	}
	return false
}

// placement is where databases are. What is not told rules nothing out: mailbox databases are told once there is one,
// public-folder databases once there is any database, and neither as long as one is mounted on a server that is not known.
type placement struct {
	databases   bool // there are some
	mailTold    bool
	foldersTold bool
	mail        map[side]bool // sides with a mounted mailbox database
	folders     map[side]bool // sides with a mounted public-folder database
	copies      []map[string]bool
}

func placementOf(t *Topology, servers []flowServer) placement {
	at := placement{databases: len(t.Databases) > 0, foldersTold: len(t.Databases) > 0, mail: map[side]bool{}, folders: map[side]bool{}}
	byName := make(map[string]*flowServer, len(servers))
	for i := range servers {
		byName[foldKey(servers[i].Name)] = &servers[i]
	}
	strays := make(map[DatabaseKind]bool)
	for _, d := range t.Databases {
		holders := map[string]bool{foldKey(d.Mounted): true}
		for _, c := range d.Copies {
			holders[foldKey(c)] = true
		}
		at.copies = append(at.copies, holders)
		at.mailTold = at.mailTold || d.Kind == MailboxDatabase
		s := byName[foldKey(d.Mounted)]
		switch {
		case s == nil:
			strays[d.Kind] = strays[d.Kind] || d.Mounted != ""
		case d.Kind == PublicFolderDatabase:
			at.folders[s.side()] = true
		default:
			at.mail[s.side()] = true
		}
	}
	at.mailTold = at.mailTold && !strays[MailboxDatabase]
	at.foldersTold = at.foldersTold && !strays[PublicFolderDatabase]
	return at
}

// shareDatabase tells whether some database has a copy on both servers.
func (p *placement) shareDatabase(a, b string) bool {
	for _, holders := range p.copies {
		if holders[foldKey(a)] && holders[foldKey(b)] {
			return true
		}
	}
	return false
}

// pair is a source and a target under the placement of databases.
type pair struct {
	from, to *flowServer
	at       *placement
}

func (p pair) self() bool { return p.from == p.to }

// sameSite, otherSite: at most one is true; neither is where a site is not known.
func (p pair) sameSite() bool {
	return p.self() || p.from.Site != "" && compareFold(p.from.Site, p.to.Site) == 0
}

func (p pair) otherSite() bool {
	return p.from.Site != "" && p.to.Site != "" && compareFold(p.from.Site, p.to.Site) != 0
}

// sameGroup, otherGroup: one delivery group is a DAG or, unless both servers are in one, a site.
func (p pair) sameGroup() bool {
	if p.from.DAG != "" && p.to.DAG != "" {
		return compareFold(p.from.DAG, p.to.DAG) == 0
	}
	return p.sameSite()
}

func (p pair) otherGroup() bool {
	if p.from.DAG != "" && p.to.DAG != "" {
		return !p.sameGroup()
	}
	return p.otherSite()
}

// without returns which side has no database, given the sides that have: "" if both do, or if that is not known.
func (p pair) without(told bool, has map[side]bool) string {
	for _, s := range []*flowServer{p.from, p.to} {
		if side := s.side(); told && side.name != "" && !has[side] {
			if s.modern && s.DAG != "" {
				return s.DAG
			}
			return s.Site
		}
	}
	return ""
}
