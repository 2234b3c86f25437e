package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// candidate is a fix that is not proved yet, or one that cannot even be tried.
type candidate struct {
	kind    FixKind
	title   string
	changes []connector.Change
	unknown connector.Properties // that would have to be overwritten, or built on
	of      connector.ID         // whose
	guess   bool                 // whether it is what is wanted nobody knows from here
}

// candidates proposes fixes for connections that reach a connector on which their sender cannot authenticate, in groups
// of alternatives, the better one first.
func (p *Pass) candidates(failing []attempt) [][]candidate {
	if len(failing) == 0 {
		return nil
	}
	return [][]candidate{p.addToCapable(failing), p.carve(failing), p.dedicated(failing), p.offerAtWinner(failing), p.otherRole(failing),
		p.unbindWinner(failing), p.bindCapable(failing)}
}

// addToCapable proposes to list each source as a single address at the nearest connector that can authenticate it, and to
// take the very same address out of the connectors that it would conflict or compete with there. A connector that would be left
// without a range, because it lists nothing but these sources, is removed. There is nothing to propose if a source has no
// capable connector.
func (p *Pass) addToCapable(failing []attempt) []candidate {
	es := newEdits()
	for _, a := range failing {
		if len(a.verdict.Capable) == 0 {
			return nil
		}
		target, _ := p.only(failing[0].conn.Server).Connector(a.verdict.Capable[0].Connector)
		es.add(target, a.single())
		p.clear(es, target, a)
	}
	title := "add the servers' addresses to the connector that has Exchange Server authentication"
	if es.empties() {
		title += ", and remove the one that serves nothing but these servers"
	}
	return []candidate{{kind: FixAdd, title: title, changes: es.changes(connector.Remove)}}
}

// single returns the source of an attempt as a range.
func (a attempt) single() connector.Range {
	r, _ := connector.RangeFrom(a.conn.Remote, a.conn.Remote) // a valid address does not fail
	return r
}

// clear takes a source, where it is listed as a single address, out of the connectors that would conflict or compete with a target
// that lists it as well.
func (p *Pass) clear(es *edits, target connector.ReceiveConnector, a attempt) {
	for _, c := range p.only(target.ID.Server).Connectors {
		if !c.ID.Equal(target.ID) && (conflict(c, target) || competes(c, a.verdict)) && lists(c, a.single()) {
			es.remove(c, a.single())
		}
	}
}

// conflict tells whether the cmdlet refuses equal ranges on two connectors of a server: only if they share a binding, and disabled
// connectors count (product).
func conflict(a, b connector.ReceiveConnector) bool {
	return slices.ContainsFunc(a.Bindings, func(x netip.AddrPort) bool { return slices.Contains(b.Bindings, x) })
}

// competes tells whether a connector took part in the decision for a connection with a single address.
func competes(c connector.ReceiveConnector, v *connector.Verdict) bool {
	return slices.ContainsFunc(v.Explanation.Steps, func(s connector.Step) bool {
		return s.Connector.Equal(c.ID) && s.Range.IsSingle()
	})
}

// lists tells whether a connector has an entry of exactly these addresses.
func lists(c connector.ReceiveConnector, r connector.Range) bool {
	return slices.ContainsFunc(c.RemoteIPRanges, func(o connector.Range) bool { return o.Compare(r) == 0 })
}

// carve proposes to take the sources out of the entries by which connectors take them that cannot authenticate them, one connector
// after the other until one that can is left. A connector that serves nothing but these sources is disabled.
func (p *Pass) carve(failing []attempt) []candidate {
	out := make(map[connector.ID][]connector.Range) // what to take out of whom
	var order []connector.ID
	for _, a := range failing {
		if len(a.verdict.Capable) == 0 {
			return nil
		}
		right := a.verdict.Capable[0].Connector
		for _, s := range a.verdict.Explanation.Steps {
			if s.Connector.Equal(right) {
				break // steps come the nearest first
			}
			if !s.Range.IsValid() {
				continue
			}
			if out[s.Connector] == nil {
				order = append(order, s.Connector)
			}
			if !slices.Contains(out[s.Connector], a.single()) {
				out[s.Connector] = append(out[s.Connector], a.single())
			}
		}
	}
	if len(order) == 0 {
		return nil // nobody takes them
	}
	es := newEdits()
	for _, id := range order {
		c, ok := p.only(failing[0].conn.Server).Connector(id)
		if !ok {
			return nil
		}
		carved(es, c, out[id])
	}
	title := "take the servers' addresses out of the ranges of the connector without Exchange Server authentication"
	switch {
	case es.empties() && len(order) == 1:
		title = "disable the connector that serves nothing but these servers"
	case es.empties():
		title += ", and disable the one that serves nothing else"
	}
	return []candidate{{kind: FixCarve, title: title, changes: es.changes(disable)}}
}

// carved replaces each entry of a connector that holds one of the addresses by what is left of it.
func carved(es *edits, c connector.ReceiveConnector, addrs []connector.Range) {
	for _, entry := range c.RemoteIPRanges {
		inside := slices.DeleteFunc(slices.Clone(addrs), func(a connector.Range) bool { return !entry.Span().Overlaps(a.Span()) })
		if len(inside) == 0 {
			continue
		}
		es.remove(c, entry)
		for _, rest := range connector.RangesOf(without(connector.IPSet(entry), inside)) {
			es.add(c, rest)
		}
	}
}

// dedicated proposes a connector for the sources alone, at the bindings through which they come.
func (p *Pass) dedicated(failing []attempt) []candidate {
	server := failing[0].conn.Server
	record, _ := p.Topology.Server(server)
	c := connector.ReceiveConnector{ID: p.unusedName(server), AuthMechanism: connector.AuthTLS | connector.AuthExchangeServer,
		PermissionGroups: connector.GroupExchangeServers, FQDN: record.FQDN}
	unknown := connector.Properties(0)
	for _, a := range failing {
		steps := a.verdict.Explanation.Steps
		i := slices.IndexFunc(steps, func(s connector.Step) bool { return s.Reason >= connector.NotInRange })
		if i < 0 {
			return nil // nobody listens there
		}
		if b := steps[i].Binding; !slices.Contains(c.Bindings, b) {
			c.Bindings = append(c.Bindings, b)
		}
		at, _ := p.only(server).Connector(steps[i].Connector)
		if c.TransportRole != 0 && at.TransportRole != c.TransportRole {
			return nil // one connector cannot belong to both services
		}
		c.TransportRole = at.TransportRole
		unknown |= at.Missing & connector.PropertyTransportRole
	}
	es := newEdits()
	es.create(c)
	for _, a := range failing {
		es.add(c, a.single())
		p.clear(es, c, a)
	}
	title := "make a connector with Exchange Server authentication for these servers alone"
	if es.empties() {
		title += ", and remove the one that served nothing else"
	}
	return []candidate{{kind: FixDedicated, title: title, changes: es.changes(connector.Remove), unknown: unknown, of: c.ID}}
}

// unusedName returns the ID for a new connector on a server.
func (p *Pass) unusedName(server string) connector.ID {
	id := connector.ID{Server: server, Name: "Exchange servers to " + server}
	for n := 2; ; n++ {
		if _, used := p.only(server).Connector(id); !used {
			return id
		}
		id.Name = fmt.Sprintf("Exchange servers to %s %d", server, n)
	}
}

// winner returns the connector that takes all of the connections, and false if it is not one and the same or there is none.
func (p *Pass) winner(failing []attempt) (connector.ReceiveConnector, bool) {
	id := failing[0].winner()
	for _, a := range failing {
		if !a.winner().Equal(id) {
			return connector.ReceiveConnector{}, false
		}
	}
	return p.only(failing[0].conn.Server).Connector(id)
}

// offerAtWinner proposes that the connector that wins offers what the senders need.
func (p *Pass) offerAtWinner(failing []attempt) []candidate {
	c, ok := p.winner(failing)
	if !ok {
		return nil
	}
	suppressed := !slices.ContainsFunc(failing, func(a attempt) bool { return a.verdict.Cause != connector.CauseSuppressed })
	if suppressed {
		return []candidate{{kind: FixMechanism, title: "stop suppressing X-ANONYMOUSTLS", changes: []connector.Change{
			connector.Edit(c, func(c *connector.ReceiveConnector) { c.SuppressXAnonymousTLS = false })}}}
	}
	missing := []string{}
	if !c.AuthMechanism.Has(connector.AuthExchangeServer) {
		missing = append(missing, "Exchange Server authentication")
	}
	if !c.PermissionGroups.Has(connector.GroupExchangeServers) {
		missing = append(missing, "permission group ExchangeServers")
	}
	if len(missing) == 0 {
		return nil
	}
	title := "give the connector that takes the mail " + strings.Join(missing, " and ")
	const mustKnow = connector.PropertyPermissionGroups | connector.PropertyAuthMechanism | connector.PropertyFQDN
	if unknown := c.Missing & mustKnow; unknown != 0 {
		return []candidate{{kind: FixMechanism, title: title, unknown: unknown, of: c.ID}}
	}
	return []candidate{{kind: FixMechanism, title: title, changes: []connector.Change{
		connector.Edit(c, func(c *connector.ReceiveConnector) {
			c.AuthMechanism |= connector.AuthTLS | connector.AuthExchangeServer
			c.PermissionGroups |= connector.GroupExchangeServers
		})}}}
}

// otherRole proposes, where connectors of both services are bound to the endpoint, to give those of the Transport service to Front
// End Transport (KB2958036).
func (p *Pass) otherRole(failing []attempt) []candidate {
	var changes []connector.Change
	for _, a := range failing {
		if !a.verdict.Doubt.Has(connector.DoubtRole) {
			return nil
		}
		for _, s := range a.verdict.Explanation.Steps {
			c, _ := p.only(failing[0].conn.Server).Connector(s.Connector)
			known := slices.ContainsFunc(changes, func(o connector.Change) bool { return o.Target.Equal(c.ID) })
			if s.Reason >= connector.NotInRange && c.TransportRole == connector.HubTransport && !known {
				changes = append(changes, connector.Edit(c, func(c *connector.ReceiveConnector) { c.TransportRole = connector.FrontendTransport }))
			}
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return []candidate{{kind: FixRole, title: "give the connector that has taken the port of Front End Transport to that service", changes: changes}}
}

// unbindWinner proposes to take the bindings through which the connections come from a connector that has others.
func (p *Pass) unbindWinner(failing []attempt) []candidate {
	c, ok := p.winner(failing)
	if !ok || c.Missing.Has(connector.PropertyBindings) {
		return nil
	}
	through := make(map[netip.AddrPort]bool)
	for _, a := range failing {
		if len(a.verdict.Capable) == 0 {
			return nil // nobody would take them instead
		}
		through[a.verdict.Explanation.Match.Binding()] = true
	}
	change := connector.Edit(c, func(c *connector.ReceiveConnector) {
		c.Bindings = slices.DeleteFunc(c.Bindings, func(b netip.AddrPort) bool { return through[b] })
	})
	if len(change.After.Bindings) == 0 {
		return nil
	}
	return []candidate{{kind: FixBinding, title: "take the binding through which they come from the connector without Exchange Server authentication", changes: []connector.Change{change}}}
}

// bindCapable proposes, where nobody at an endpoint can authenticate the sources, to bind a connector to it that listens on the same
// port elsewhere and could; if that is not enough, with their addresses.
func (p *Pass) bindCapable(failing []attempt) []candidate {
	change, with := connector.Change{}, connector.Change{}
	for _, a := range failing {
		if len(a.verdict.Capable) > 0 {
			return nil
		}
		local := a.conn.Local
		for _, s := range a.verdict.Explanation.Steps {
			c, _ := p.only(failing[0].conn.Server).Connector(s.Connector)
			elsewhere := s.Reason == connector.OtherAddress || s.Reason == connector.OtherFamily
			if !elsewhere || !c.AuthMechanism.Has(connector.AuthExchangeServer) || c.Missing.Has(connector.PropertyAuthMechanism) {
				continue
			}
			if change.Before != nil && !change.Target.Equal(c.ID) {
				continue
			}
			if change.Before == nil {
				change = connector.Edit(c, func(*connector.ReceiveConnector) {})
				with = connector.Edit(c, func(*connector.ReceiveConnector) {})
			}
			for _, to := range []*connector.ReceiveConnector{change.After, with.After} {
				if !slices.Contains(to.Bindings, local) {
					to.Bindings = append(to.Bindings, local)
				}
			}
			with.After = connector.AddRanges(*with.After, a.single()).After
			break
		}
	}
	if change.Before == nil {
		return nil
	}
	const title = "bind the connector that has Exchange Server authentication to this address as well"
	return []candidate{{kind: FixBinding, title: title, changes: []connector.Change{change}},
		{kind: FixBinding, title: title + ", and add the servers' addresses to it", changes: []connector.Change{with}}}
}

// without returns a set less some ranges.
func without(set *netipx.IPSet, rs []connector.Range) *netipx.IPSet {
	var b netipx.IPSetBuilder
	b.AddSet(set)
	for _, r := range rs {
		b.RemoveRange(r.Span())
	}
	rest, _ := b.IPSet() // valid ranges do not fail
	return rest
}
