package psexport

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// settlement completes a topology with what the objects of several cmdlets tell about one server or connector.
type settlement struct {
	*connector.Topology
	byName, byFQDN map[string]int      // positions of the servers
	byID           map[string]int      // positions of the connectors
	named          map[string]string   // the servers that connectors name, as they spell them
	addresses      map[ownAddress]bool // that the servers have
	warnings       []Warning
	errs           []error
}

func (s *settlement) warn(w Warning) { s.warnings = append(s.warnings, w) }

// settle starts from what was read.
func settle(t *connector.Topology) *settlement {
	s := &settlement{Topology: t, byName: map[string]int{}, byFQDN: map[string]int{}, byID: map[string]int{},
		named: map[string]string{}, addresses: map[ownAddress]bool{}}
	for i, c := range t.Connectors {
		s.byID[fold(c.ID.String())] = i
		s.named[fold(c.ID.Server)] = c.ID.Server
	}
	for i, server := range t.Servers {
		s.byName[fold(server.Name)] = i
		if server.FQDN != "" {
			s.byFQDN[fold(server.FQDN)] = i
		}
		for _, a := range server.Addresses {
			s.addresses[ownAddress{i, a}] = true
		}
	}
	return s
}

// ownAddress is an address of a server, by its position.
type ownAddress struct {
	server int
	addr   netip.Addr
}

// server returns the position of the server that an object calls EX01 or EX01.contoso.com, and adds a record if a connector or
// proof says that there is such a server; negative if not.
func (s *settlement) server(name string, proof bool) int {
	short := hostName(name)
	if i, ok := s.byFQDN[fold(name)]; ok {
		return i
	}
	if i, ok := s.byName[fold(short)]; ok {
		if fqdn := s.Servers[i].FQDN; short == name || fqdn == "" {
			return i
		}
		return -1 // of another domain
	}
	if spelled, known := s.named[fold(short)]; known {
		short = spelled
	} else if !proof {
		return -1
	}
	s.byName[fold(short)] = len(s.Servers)
	s.Servers = append(s.Servers, connector.UnlistedServer(short))
	return len(s.Servers) - 1
}

// facts brings facts to their servers: those that prove that there is such a server, or the others, which come last.
func (s *settlement) facts(facts []fact, proof bool) {
	for _, f := range facts {
		if f.proof != proof {
			continue
		}
		i := s.server(f.server, proof)
		if i < 0 {
			s.warn(Warning{f.src, f.server, "", "an address of a host that no file calls an Exchange server", "it is left out"})
			continue
		}
		s.tell(i, f)
	}
}

// tell merges a fact into the record of its server.
func (s *settlement) tell(i int, f fact) {
	server := &s.Servers[i]
	for _, a := range f.addresses {
		if own := (ownAddress{i, a}); !s.addresses[own] {
			s.addresses[own] = true
			server.Addresses = append(server.Addresses, a)
		}
		server.Missing &^= connector.PropertyAddresses
	}
	told := connector.Server{DAG: f.dag, Site: f.site, Roles: f.roles, DowngradedExchangeAuth: f.downgraded, InternalTransportCertificate: f.certificate, Missing: f.missing}
	if p := mergeServer(server, told); p != 0 {
		s.warn(contradiction(server.Name, p, server.Source, f.src))
	}
	server.Missing |= f.null
}

// noServer stands for the server of connectors of which no file tells it, and nothing else does.
const noServer = "?" // of a second file ?2

// homeless gives the connectors of each file that tells no server to the server their installed names end with ("Default
// Frontend EX01", documented), else to the only server there is, else to one without a name. Where that is not clear, because
// there are several servers or a name comes twice, it is an error.
func (s *settlement) homeless(all []connector.ReceiveConnector) {
	known := s.AllServers()
	nameless := 0
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(c connector.ReceiveConnector) bool { return c.Source.File != all[0].Source.File })
		if n < 0 {
			n = len(all)
		}
		file := all[:n]
		all = all[n:]
		server, why, ok := homeOf(file, known)
		if !ok {
			s.errs = append(s.errs, &connector.ModelError{Source: file[0].Source, Path: file[0].ID.Name + ": Server", Err: fmt.Errorf(
				"%w: nothing tells the server of %s, and %s; add Identity to the export", connector.ErrIdentity, plural(n, "connector"), why)})
			continue
		}
		if server == noServer {
			if nameless++; nameless > 1 {
				server = fmt.Sprint(noServer, nameless)
			}
		}
		s.warn(Warning{file[0].Source, "", "Server", "not in the export", "the server of " + plural(n, "connector") + " is taken to be " + server + ", " + why})
		for _, c := range file {
			c.ID.Server = server
			s.add(c)
		}
	}
}

// homeOf returns the server of connectors without one, and why it is that one, or why there is none.
func homeOf(cs []connector.ReceiveConnector, known []connector.Server) (server, why string, ok bool) {
	names, servers := make(map[string]bool), make(map[string]string)
	for _, c := range cs {
		if names[fold(c.ID.Name)] {
			return "", "there are two called " + clip(c.ID.Name), false
		}
		names[fold(c.ID.Name)] = true
		if s := installedOn(c.ID.Name); s != "" {
			servers[fold(s)] = s
		}
	}
	for _, s := range servers {
		server = s
	}
	switch {
	case len(servers) == 1:
		return server, "which their names end with", true
	case len(servers) > 1:
		return "", "their names end with several", false
	case len(known) == 1:
		return known[0].Name, "the only one there is", true
	case len(known) > 1:
		return "", plural(len(known), "server") + " are known", false
	}
	return noServer, "whose name is unknown", true
}

// installedOn returns the server in the name of a connector that setup installed, "" in any other name.
func installedOn(name string) string {
	for _, prefix := range []string{"Default Frontend ", "Client Frontend ", "Outbound Proxy Frontend ", "Client Proxy ",
		"Default internal receive connector ", "Default ", "Client "} {
		if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			if server := name[len(prefix):]; !strings.ContainsAny(server, ` \.`) {
				return server
			}
		}
	}
	return ""
}

// add adds a connector, or merges it with the one there is.
func (s *settlement) add(c connector.ReceiveConnector) {
	key := fold(c.ID.String())
	i, ok := s.byID[key]
	if !ok {
		s.byID[key] = len(s.Connectors)
		s.named[fold(c.ID.Server)] = c.ID.Server
		s.Connectors = append(s.Connectors, c)
		return
	}
	s.merge(i, c)
}

func (s *settlement) merge(i int, c connector.ReceiveConnector) {
	old := &s.Connectors[i]
	if p := mergeConnector(old, c); p != 0 {
		s.warn(contradiction(old.ID.String(), p, old.Source, c.Source))
	}
}

// cutNames merges a connector whose name the console cut off with the one it can only be.
func (s *settlement) cutNames() {
	var whole []string // folded IDs, sorted, so that those with one beginning stand together
	for _, c := range s.Connectors {
		if _, cut := cutDots(c.ID.Name); !cut {
			whole = append(whole, fold(c.ID.String()))
		}
	}
	slices.Sort(whole)
	merged := make(map[string]bool)
	for _, c := range s.Connectors {
		head, cut := cutDots(c.ID.Name)
		if !cut {
			continue
		}
		head = fold(connector.ID{Server: c.ID.Server, Name: head}.String())
		i, _ := slices.BinarySearch(whole, head)
		begins := func(i int) bool { return i < len(whole) && strings.HasPrefix(whole[i], head) }
		if begins(i) && !begins(i+1) {
			s.merge(s.byID[whole[i]], c)
			merged[c.ID.String()] = true
		}
	}
	if len(merged) == 0 {
		return
	}
	s.Connectors = slices.DeleteFunc(s.Connectors, func(c connector.ReceiveConnector) bool { return merged[c.ID.String()] })
	clear(s.byID)
	for i, c := range s.Connectors {
		s.byID[fold(c.ID.String())] = i
	}
}

// rights brings rights to their connectors. On a connector with group Custom whose rights no file tells they are missing: the
// group stands for rights beyond the others (observed).
func (s *settlement) rights(all []grants) {
	var strangers tally
	told := make(map[int][]connector.Grant)
	for _, g := range all {
		i, ok := s.byID[fold(g.id.String())]
		if !ok {
			strangers.add(g.src)
			continue
		}
		if g.own {
			grant(&s.Connectors[i], g.rights)
		} else {
			told[i] = append(told[i], g.rights...)
		}
		if g.cut {
			s.Connectors[i].Missing |= connector.PropertyRights
		}
	}
	for i, rights := range told {
		grant(&s.Connectors[i], s.beyondGroups(s.Connectors[i], rights))
	}
	if strangers.count > 0 {
		s.warn(Warning{strangers.first, "", "", plural(strangers.count, "object") + " of Get-ADPermission about no connector of the files",
			"what they grant is not used"})
	}
	for i := range s.Connectors {
		c := &s.Connectors[i]
		if c.PermissionGroups.Has(connector.GroupCustom) && len(c.Rights) == 0 && c.Source != (connector.Source{}) {
			c.Missing |= connector.PropertyRights
			s.warn(Warning{c.Source, c.ID.String(), "PermissionGroups", "Custom stands for rights that are in no file (Get-ADPermission tells them)",
				"what the rights beyond the groups allow is unknown"})
		}
	}
}

// beyondGroups leaves out the rights that the permission groups give anyway: they come and go with the groups. Where nothing would
// be left although group Custom says that there is more, all of them stay.
func (s *settlement) beyondGroups(c connector.ReceiveConnector, rights []connector.Grant) []connector.Grant {
	g := connector.Generation(0)
	if i, ok := s.byName[fold(c.ID.Server)]; ok {
		g = s.Servers[i].Version.Generation()
	}
	beyond := slices.DeleteFunc(slices.Clone(rights), func(right connector.Grant) bool { return c.InGroups(right, g) })
	if len(beyond) == 0 && c.PermissionGroups.Has(connector.GroupCustom) {
		return rights
	}
	return beyond
}

// downgraded marks the servers of which no file tells whether they may authenticate in clear: those for which the property is
// null, and where it matters, because a connector suppresses X-ANONYMOUSTLS, all others.
func (s *settlement) downgraded(told map[string]bool) {
	matters := slices.ContainsFunc(s.Connectors, func(c connector.ReceiveConnector) bool { return c.SuppressXAnonymousTLS })
	for i := range s.Servers {
		switch server := &s.Servers[i]; {
		case told[fold(server.Name)]:
			server.Missing &^= connector.PropertyDowngradedExchangeAuth
		case matters && !server.DowngradedExchangeAuth && !server.Missing.Has(connector.PropertyDowngradedExchangeAuth):
			server.Missing |= connector.PropertyDowngradedExchangeAuth
			s.warn(Warning{server.Source, server.Name, "UseDowngradedExchangeServerAuth",
				"in no file (Get-TransportService tells it)", "whether the server gets past SuppressXAnonymousTls is unknown"})
		}
	}
}

// membersUnknown marks the servers that may be in a DAG whose list of members was cut off.
func (s *settlement) membersUnknown() {
	for i := range s.Servers {
		if s.Servers[i].DAG == "" {
			s.Servers[i].Missing |= connector.PropertyDAG
		}
	}
}

// publicFolders warns where mailbox databases were exported and public-folder databases were not, although there may be some:
// with databases told, replication counts as needed only where public-folder databases are.
func (s *settlement) publicFolders() {
	old := slices.IndexFunc(s.Servers, func(o connector.Server) bool {
		g := o.Version.Generation()
		return g == connector.Generation2007 || g == connector.Generation2010
	})
	has := func(k connector.DatabaseKind) bool {
		return slices.ContainsFunc(s.Databases, func(d connector.Database) bool { return d.Kind == k })
	}
	if old >= 0 && has(connector.MailboxDatabase) && !has(connector.PublicFolderDatabase) {
		s.warn(Warning{s.Servers[old].Source, "", "", "mailbox databases are told, and no public-folder database",
			"public-folder replication counts as not needed (Get-PublicFolderDatabase -Status tells them)"})
	}
}
