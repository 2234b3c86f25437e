package topotest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Part is a part of a topology that [Build] puts together: a [Server], or what [Mailboxes], [PublicFolders] and [Network] return.
type Part interface {
	addTo(t *connector.Topology) error
}

// Build makes a topology from its parts, so that a test reads like what it is about:
//
//	topotest.Build(
//		topotest.Exchange("2016", "EX01").Site("A").At("10.1.0.11").DefaultConnectors().Relay("10.0.0.0/24"),
//		topotest.Exchange("2016", "EX02").Site("B").At("10.2.0.11").DefaultConnectors(),
//	)
//
// The error joins a [*connector.ModelError] for everything that is wrong, in the order of the parts; Path says of what. A server, connector,
// database or network that is there twice is wrong, and so is a database on a server that is not there, and what [connector.Compile] refuses.
func Build(parts ...Part) (*connector.Topology, error) {
	t := new(connector.Topology)
	var errs []error
	for i, p := range parts {
		if p == nil {
			errs = append(errs, &connector.ModelError{Path: fmt.Sprintf("parts[%d]", i), Err: connector.ErrEmpty})
			continue
		}
		errs = append(errs, p.addTo(t))
	}
	errs = append(errs, consistent(t)...)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if _, err := connector.Compile(t); err != nil {
		return nil, err
	}
	return t, nil
}

// consistent tells what is there twice, and what is named and not there.
func consistent(t *connector.Topology) (errs []error) {
	fail := func(path string, err error) { errs = append(errs, &connector.ModelError{Path: path, Err: err}) }
	seen := make(map[connector.ID]bool)
	once := func(path string, id connector.ID) {
		if seen[id.Key()] {
			fail(path, connector.ErrDuplicate)
		}
		seen[id.Key()] = true
	}
	for _, s := range t.Servers {
		once(s.Name, connector.ID{Server: s.Name})
	}
	for _, c := range t.Connectors {
		once(c.ID.String(), c.ID)
	}
	for _, d := range t.Databases {
		path := "database " + d.Name
		if once(path, connector.ID{Name: path}); d.Name == "" {
			fail("database", connector.ErrEmpty)
		}
		for _, server := range append([]string{d.Mounted}, d.Copies...) {
			if !seen[connector.ID{Server: server}.Key()] {
				fail(path, notFound("no server is called "+server))
			}
		}
	}
	for _, n := range t.Networks {
		path := "network " + n.Name
		if once(path, connector.ID{Name: path}); n.Name == "" {
			fail("network", connector.ErrEmpty)
		}
		if seen[connector.ID{Server: n.Name}.Key()] {
			fail(path, invalid("a server has this name"))
		}
	}
	return errs
}

// MustBuild is [Build] for tests; it panics on an error.
func MustBuild(parts ...Part) *connector.Topology {
	t, err := Build(parts...)
	if err != nil {
		panic(err)
	}
	return t
}

// Server describes an Exchange server with its receive connectors. Its methods return a changed copy, so a server can be a
// template for others. What is said about the server itself counts wherever it is said; connectors are made and changed in the order in
// which they are said. The zero Server has no name and is refused.
type Server struct {
	name       string
	records    []step // about the server itself, which come first
	connectors []step
}

// step is something that is said about a server.
type step func(*connector.Topology, *connector.Server) error

// Exchange describes a server of a version, in any form that [connector.ParseVersion] reads, with every role that the version has. Without
// DefaultConnectors it has no connector.
func Exchange(version, name string) Server {
	return Server{name: name}.record(func(s *connector.Server) (err error) {
		s.Version, err = connector.ParseVersion(version)
		return err
	})
}

// Edge describes an Edge Transport server. Its Site is the one that it is subscribed to.
func Edge(version, name string) Server {
	return Exchange(version, name).property(func(s *connector.Server) { s.Roles = connector.RoleEdge })
}

// with adds something that is said about connectors.
func (s Server) with(one step) Server {
	s.connectors = append(slices.Clone(s.connectors), one)
	return s
}

// record adds something that is said about the server itself.
func (s Server) record(set func(*connector.Server) error) Server {
	s.records = append(slices.Clone(s.records), func(_ *connector.Topology, r *connector.Server) error { return set(r) })
	return s
}

// property is record for what cannot be wrong.
func (s Server) property(set func(*connector.Server)) Server {
	return s.record(func(r *connector.Server) error {
		set(r)
		return nil
	})
}

// Named is the same server under another name.
func (s Server) Named(name string) Server {
	s.name = name
	return s
}

// FQDN gives the full name; the default connectors have it too.
func (s Server) FQDN(name string) Server {
	return s.property(func(r *connector.Server) { r.FQDN = name })
}

// Site puts the server into an Active Directory site.
func (s Server) Site(site string) Server {
	return s.property(func(r *connector.Server) { r.Site = site })
}

// DAG makes the server a member of a database availability group.
func (s Server) DAG(name string) Server {
	return s.property(func(r *connector.Server) { r.DAG = name })
}

// Roles gives the server these roles instead of all of its version, as [connector.ParseServerRoles] reads them.
func (s Server) Roles(roles string) Server {
	return s.record(func(r *connector.Server) (err error) {
		r.Roles, err = connector.ParseServerRoles(roles)
		return err
	})
}

// At gives the server addresses, beside those that it has.
func (s Server) At(addresses ...string) Server {
	return s.record(func(r *connector.Server) error {
		var errs []error
		for _, a := range addresses {
			addr, err := netip.ParseAddr(a)
			if err == nil {
				r.Addresses = append(r.Addresses, addr)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

// DefaultConnectors adds the connectors that setup installs, see [connector.DefaultConnectors]. A server on which setup installs none is
// refused.
func (s Server) DefaultConnectors() Server {
	return s.with(func(t *connector.Topology, r *connector.Server) error {
		defaults := connector.DefaultConnectors(*r)
		if len(defaults) == 0 {
			return invalid("setup installs no receive connector on such a server")
		}
		t.Connectors = append(t.Connectors, defaults...)
		return nil
	})
}

// Relay adds a connector named Relay at port 25 of all local addresses, at which these sources may send anonymously to anybody, as the
// documents describe anonymous relay: usage Custom, group AnonymousUsers, and ms-Exch-SMTP-Accept-Any-Recipient for
// NT AUTHORITY\ANONYMOUS LOGON. From 2013 on its role is FrontendTransport.
func (s Server) Relay(ranges ...string) Server {
	return s.make(connector.UsageCustom, "Relay", []string{"0.0.0.0:25"}, ranges, func(c *connector.ReceiveConnector) {
		c.PermissionGroups = connector.GroupAnonymousUsers | connector.GroupCustom
		c.Rights = []connector.Grant{{Principal: connector.PrincipalAnonymous.String(), Right: connector.RightAcceptAnyRecipient.String()}}
	})
}

// Connector adds a connector as New-ReceiveConnector makes it, see [connector.NewConnector], for what is not said in bindings and
// ranges. From 2013 on its role is FrontendTransport, which Set changes.
func (s Server) Connector(usage connector.Usage, name string, bindings, ranges []string) Server {
	return s.make(usage, name, bindings, ranges, func(*connector.ReceiveConnector) {})
}

// make adds a new connector, changed.
func (s Server) make(usage connector.Usage, name string, bindings, ranges []string, change func(*connector.ReceiveConnector)) Server {
	return s.with(func(t *connector.Topology, r *connector.Server) error {
		var errs []error
		var bs []netip.AddrPort
		for _, text := range bindings {
			b, err := connector.ParseBinding(text)
			bs, errs = append(bs, b), append(errs, err)
		}
		var rs []connector.Range
		for _, text := range ranges {
			one, err := connector.ParseRange(text)
			rs, errs = append(rs, one), append(errs, err)
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		c, err := connector.NewConnector(usage, connector.ID{Server: r.Name, Name: name}, bs, rs)
		if err != nil {
			return err
		}
		if r.Version.Generation() >= connector.Generation2013 && !r.Roles.Has(connector.RoleEdge) {
			c.TransportRole = connector.FrontendTransport
		}
		change(&c)
		t.Connectors = append(t.Connectors, c)
		return nil
	})
}

// Set gives a property of a connector of the server values, by the name of the cmdlets' parameter, see [connector.ReceiveConnector.Set].
func (s Server) Set(name, property string, values ...string) Server {
	return s.edit(name, func(c *connector.ReceiveConnector) error { return c.Set(property, values...) })
}

// edit changes a connector of the server.
func (s Server) edit(name string, change func(*connector.ReceiveConnector) error) Server {
	return s.with(func(t *connector.Topology, r *connector.Server) error {
		id := connector.ID{Server: r.Name, Name: name}
		for i := range t.Connectors {
			if c := &t.Connectors[i]; c.ID.Equal(id) {
				return change(c)
			}
		}
		return notFound(id.String())
	})
}

// Without takes a connector away.
func (s Server) Without(name string) Server {
	return s.with(func(t *connector.Topology, r *connector.Server) error {
		id := connector.ID{Server: r.Name, Name: name}
		n := len(t.Connectors)
		t.Connectors = slices.DeleteFunc(t.Connectors, func(c connector.ReceiveConnector) bool { return c.ID.Equal(id) })
		if len(t.Connectors) == n {
			return notFound(id.String())
		}
		return nil
	})
}

func (s Server) addTo(t *connector.Topology) error {
	switch {
	case s.name == "":
		return &connector.ModelError{Path: "server", Err: connector.ErrEmpty}
	case strings.ContainsAny(s.name, `\*`):
		return &connector.ModelError{Path: s.name, Err: invalid("not the name of a server")}
	}
	r := connector.Server{Name: s.name}
	var errs []error
	for _, one := range slices.Concat(s.records, s.connectors) {
		if err := one(t, &r); err != nil {
			errs = append(errs, &connector.ModelError{Path: s.name, Err: err})
		}
	}
	t.Servers = append(t.Servers, r)
	return errors.Join(errs...)
}

// partFunc is a part that is not a server.
type partFunc func(*connector.Topology) error

func (f partFunc) addTo(t *connector.Topology) error { return f(t) }

// Mailboxes is a mailbox database on the server that it is mounted on, with copies on others.
func Mailboxes(name, mounted string, copies ...string) Part {
	return database(connector.MailboxDatabase, name, mounted, copies)
}

// PublicFolders is a public-folder database of Exchange 2010 or earlier.
func PublicFolders(name, mounted string) Part {
	return database(connector.PublicFolderDatabase, name, mounted, nil)
}

func database(kind connector.DatabaseKind, name, mounted string, copies []string) Part {
	return partFunc(func(t *connector.Topology) error {
		d := connector.Database{Name: name, Kind: kind, Mounted: mounted}
		if len(copies) > 0 {
			d.Copies = append([]string{mounted}, copies...)
		}
		t.Databases = append(t.Databases, d)
		return nil
	})
}

// Network gives addresses a meaning.
func Network(kind connector.NetworkKind, name string, ranges ...string) Part {
	return partFunc(func(t *connector.Topology) error {
		n := connector.Network{Name: name, Kind: kind}
		var errs []error
		for _, text := range ranges {
			r, err := connector.ParseRange(text)
			if err != nil {
				errs = append(errs, &connector.ModelError{Path: fmt.Sprintf("network %s", name), Err: err})
				continue
			}
			n.Ranges = append(n.Ranges, r)
		}
		t.Networks = append(t.Networks, n)
		return errors.Join(errs...)
	})
}
