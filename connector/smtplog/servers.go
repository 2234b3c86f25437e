package smtplog

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Evidence tells why an address is taken for that of a server; what comes first is stronger. Zero is not set.
type Evidence uint8

const (
	OwnReceiveLog Evidence = iota + 1 // the local end of sessions in the server's receive log
	OwnSendLog                        // the local end of sessions in a send log in which the server names itself
	Authenticated                     // who authenticated with X-EXPS gave the server's name
	Answered                          // who answered there under the server's name offers Exchange Server authentication
	Claimed                           // who connected from there gave the server's name, and proved nothing
)

var evidences = [...]string{"", "the local end of its receive log", "the local end of its send log", "authenticated with X-EXPS under its name",
	"answers under its name and offers X-EXPS", "gives its name in EHLO"}

// String says it in words.
func (e Evidence) String() string {
	if int(e) < len(evidences) {
		return evidences[e]
	}
	return ""
}

// Proven tells whether a stranger cannot bring it about by choosing a name.
func (e Evidence) Proven() bool { return e != 0 && e < Claimed }

// ServerAddress is an address that logs show to be that of a server of the topology.
type ServerAddress struct {
	Server   string // as the topology names it
	Addr     netip.Addr
	Evidence Evidence // the strongest
	Tally    Tally    // of the sessions that show it
	// Known: the topology has the address; Complete: it has others and not this one, though its list is to be complete.
	Known, Complete bool
}

// ServerAddresses recognises the Exchange servers of a topology in logs, by server and address. That the local end of a session is an
// address of the server, and that servers give their full names in EHLO, is inferred. Loopback addresses say nothing and are left out.
func (t *Traffic) ServerAddresses(top *connector.Topology) []ServerAddress {
	type key struct {
		server int
		addr   netip.Addr
	}
	servers := top.AllServers()
	found := make(map[key]*ServerAddress)
	note := func(server int, a netip.Addr, e Evidence, tally Tally) {
		if server < 0 || !a.IsValid() || a.IsLoopback() || a.IsUnspecified() {
			return
		}
		k := key{server, a}
		if found[k] == nil {
			s := servers[server]
			known := slices.Contains(s.Addresses, a)
			found[k] = &ServerAddress{Server: s.Name, Addr: a, Evidence: e, Known: known,
				Complete: !known && len(s.Addresses) > 0 && !s.Missing.Has(connector.PropertyAddresses)}
		}
		f := found[k]
		f.Evidence = min(f.Evidence, e)
		f.Tally.Merge(tally)
	}
	for _, c := range t.Connectors() {
		for _, client := range c.Clients {
			local, remote := client.Local.Addr(), client.Remote.Addr()
			hello := serverNamed(servers, client.Hello.Text)
			if client.Direction == Send {
				note(hello, local, OwnSendLog, client.Tally)
				note(serverNamed(servers, client.ServerHost.Text), remote, Answered, client.Tally)
				continue
			}
			if id, ok := client.ID(); ok {
				note(serverNamed(servers, id.Server), local, OwnReceiveLog, client.Tally)
			}
			authenticated := serverNamed(servers, client.ServerHello.Text)
			note(authenticated, remote, Authenticated, client.Tally)
			if hello != authenticated {
				note(hello, remote, Claimed, client.Tally)
			}
		}
	}
	var list []ServerAddress
	for _, f := range found {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b ServerAddress) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Server), strings.ToLower(b.Server)), a.Addr.Compare(b.Addr))
	})
	return list
}

// serverNamed returns the position of the server with a name, negative if there is none: its full name if that is known, else its short
// one with any domain; or the short one alone.
func serverNamed(servers []connector.Server, name string) int {
	if name == "" {
		return -1
	}
	short, _, full := strings.Cut(name, ".")
	return slices.IndexFunc(servers, func(s connector.Server) bool {
		if full && s.FQDN != "" {
			return strings.EqualFold(s.FQDN, name)
		}
		return strings.EqualFold(s.Name, short)
	})
}

// Useful tells whether the address may be added to the topology: it is new, the topology has no complete list that lacks it, and it is
// proven, or claimed from an address that is not public.
func (a ServerAddress) Useful() bool {
	private := a.Addr.IsPrivate() || a.Addr.IsLinkLocalUnicast()
	return !a.Known && !a.Complete && (a.Evidence.Proven() || private)
}

// WithAddresses returns a copy of a topology that has the useful ones of some addresses.
func WithAddresses(top *connector.Topology, addresses []ServerAddress) *connector.Topology {
	c := top.Clone()
	for _, a := range addresses {
		if !a.Useful() {
			continue
		}
		i := slices.IndexFunc(c.Servers, func(s connector.Server) bool { return strings.EqualFold(s.Name, a.Server) })
		if i < 0 {
			c.Servers = append(c.Servers, connector.UnlistedServer(a.Server))
			i = len(c.Servers) - 1
		}
		c.Servers[i].Addresses = append(c.Servers[i].Addresses, a.Addr)
	}
	return c
}

// Unauthenticated returns, of the send logs, the targets where the server could not authenticate with Exchange Server authentication: it raised
// 451 5.7.3, or the target gives the name of a server of the topology, and neither X-ANONYMOUSTLS nor X-EXPS was ever in its offer. They come
// by Send connector and endpoint. That the one who sends raises the error is known from study of the product.
func (t *Traffic) Unauthenticated(top *connector.Topology) (targets []Client) {
	servers := top.AllServers()
	for _, c := range t.Connectors() {
		for _, client := range c.Clients {
			if client.Direction != Send {
				continue
			}
			offered := client.Traits.Seen().Any(OfferedXAnonymousTLS | OfferedXEXPS | OfferedExchangeAuth)
			ofServer := serverNamed(servers, client.Host.Text) >= 0 && client.Traits.Of(SawOffer) > 0 && !offered
			if client.Traits.Of(CannotAchieve) > 0 || ofServer {
				targets = append(targets, client)
			}
		}
	}
	return targets
}

// Witnesses returns the clients of one connector among some addresses, those with most sessions first, then by endpoints: who was there that
// a finding is about.
func (t *Traffic) Witnesses(id connector.ID, ranges []connector.Range) (clients []Client) {
	for k, c := range t.settled().connectors.entries {
		logged, err := connector.ParseID(k.name)
		if k.direction != Receive || err != nil || !same(logged, id) {
			continue
		}
		for ends, tally := range c.clients.entries {
			if slices.ContainsFunc(ranges, func(r connector.Range) bool { return r.Contains(ends.remote.Addr()) }) {
				clients = append(clients, Client{k.direction, k.name, ends.local, ends.remote, *tally})
			}
		}
	}
	slices.SortFunc(clients, func(a, b Client) int {
		return cmp.Or(b.Sessions-a.Sessions, cmp.Compare(a.Connector, b.Connector), clientKey{a.Local, a.Remote}.compare(clientKey{b.Local, b.Remote}))
	})
	return clients
}
