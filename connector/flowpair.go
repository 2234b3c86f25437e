package connector

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
	um       bool // Unified Messaging: has or may have it
	umTold   bool // has it
}

// port25 tells whether mail from outside the organization may be sent to the server.
func (s *flowServer) port25() bool { return s.hub || s.frontEnd || s.alone || s.edge || !s.known }

// subscribed tells whether an Edge Transport server may be subscribed to the site of another server, and whether that is sure.
func (s *flowServer) subscribed(o *flowServer) (may, sure bool) {
	if s.Unsubscribed || s.Site != "" && o.Site != "" && compareFold(s.Site, o.Site) != 0 {
		return false, false
	}
	return true, s.Site != "" && o.Site != ""
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

// flowServerOf tells what a server does by its version and roles; frontend says that it has FrontendTransport connectors, which
// imply 2013 or later (inferred).
func flowServerOf(s Server, frontend bool) flowServer {
	g := s.Version.Generation()
	f := flowServer{Server: s, edge: s.Roles.Has(RoleEdge)}
	f.modern = g >= Generation2013 || g == 0 && frontend
	f.known = g != 0 || f.modern
	has := func(r ServerRoles) bool { return s.Roles == 0 || s.Roles.Has(r) }
	switch {
	case f.edge || !f.known:
	case !f.modern:
		f.hub, f.store = has(RoleHubTransport), has(RoleMailbox)
		f.um, f.umTold = has(RoleUnifiedMessaging), s.Roles.Has(RoleUnifiedMessaging)
	case g == Generation2013:
		f.backEnd, f.frontEnd = has(RoleMailbox), has(RoleClientAccess)
		f.alone = f.backEnd && !f.frontEnd
		f.um = f.backEnd
	default:
		f.backEnd, f.frontEnd = true, true
	}
	return f
}

// frontends returns the servers that have a FrontendTransport connector, by key.
func (t *Topology) frontends() map[string]bool {
	servers := make(map[string]bool)
	for _, c := range t.Connectors {
		if c.TransportRole == FrontendTransport {
			servers[foldKey(c.ID.Server)] = true
		}
	}
	return servers
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

// subscribed, maybeSubscribed: one of the pair is an Edge Transport server, and it is subscribed to the site of the other, or may be.
func (p pair) subscribed() bool {
	may, sure := p.edge()
	return may && sure
}

func (p pair) maybeSubscribed() bool {
	may, sure := p.edge()
	return may && !sure
}

func (p pair) edge() (may, sure bool) {
	switch {
	case p.from.edge && !p.to.edge:
		return p.from.subscribed(p.to)
	case p.to.edge && !p.from.edge:
		return p.to.subscribed(p.from)
	}
	return false, false
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
