package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// candidates proposes fixes for connections that reach a connector on which their sender cannot authenticate. They are
// not proved yet.
func (p *Pass) candidates(failing []attempt) []Fix {
	if p.proving || len(failing) == 0 {
		return nil
	}
	var fixes []Fix
	if plan := p.addToCapable(failing, false); plan != nil {
		fixes = append(fixes, Fix{Title: "add the servers' addresses to the connector that has Exchange Server authentication", Changes: plan})
	} else if plan := p.addToCapable(failing, true); plan != nil {
		fixes = append(fixes, Fix{Title: "disable the connector that serves nothing but these servers", Changes: plan})
	}
	return append(fixes, p.offerAtWinner(failing)...)
}

// addToCapable plans to list each source as a single address at the nearest connector that can authenticate it, and to
// take the very same address out of every other connector of the server, because the cmdlet refuses equal ranges. It
// returns nil if a source has no such connector. A connector that would lose its last range is disabled instead if
// disable is set, and its sources are then left to the connector they fall back to; otherwise there is no plan.
func (p *Pass) addToCapable(failing []attempt, disable bool) []connector.Change {
	adds := make(map[connector.ID][]connector.Range)
	removes := make(map[connector.ID][]connector.Range)
	var order []connector.ID
	touch := func(m map[connector.ID][]connector.Range, id connector.ID, r connector.Range) {
		if !slices.Contains(order, id) {
			order = append(order, id)
		}
		if !slices.Contains(m[id], r) {
			m[id] = append(m[id], r)
		}
	}
	for _, a := range failing {
		if len(a.verdict.Capable) == 0 {
			return nil
		}
		target := a.verdict.Capable[0].Connector
		one := connector.MustParseRange(a.conn().Remote.String())
		emptied := false
		for _, c := range p.Topology.Connectors {
			if !strings.EqualFold(c.ID.Server, target.Server) || c.ID.Equal(target) || !lists(c, one) {
				continue
			}
			touch(removes, c.ID, one)
			emptied = emptied || onlyHas(c, p.sourcesAt(c.ID, failing))
		}
		if emptied && !disable {
			return nil
		}
		if !emptied {
			touch(adds, target, one)
		}
	}
	return p.plan(order, adds, removes)
}

// plan writes the changes down, those that remove before those that only add.
func (p *Pass) plan(order []connector.ID, adds, removes map[connector.ID][]connector.Range) []connector.Change {
	var first, second []connector.Change
	for _, id := range order {
		c, _ := p.Topology.Connector(id)
		change := connector.AddRanges(c, adds[id]...)
		if rs := removes[id]; len(rs) > 0 {
			removed := connector.RemoveRanges(*change.After, rs...)
			change.After = removed.After
			if len(change.After.RemoteIPRanges) == 0 {
				change = connector.SetEnabled(c, false)
			}
			first = append(first, change)
			continue
		}
		if len(adds[id]) > 0 {
			second = append(second, change)
		}
	}
	return append(first, second...)
}

// lists tells whether a connector has an entry of exactly these addresses.
func lists(c connector.ReceiveConnector, r connector.Range) bool {
	return slices.ContainsFunc(c.RemoteIPRanges, func(o connector.Range) bool { return o.Compare(r) == 0 })
}

// onlyHas tells whether every entry of a connector is one of the single addresses.
func onlyHas(c connector.ReceiveConnector, singles []connector.Range) bool {
	return !c.Missing.Has(connector.PropertyRemoteIPRanges) && !slices.ContainsFunc(c.RemoteIPRanges, func(o connector.Range) bool {
		return !slices.ContainsFunc(singles, func(s connector.Range) bool { return s.Compare(o) == 0 })
	})
}

// sourcesAt returns the failing sources that a connector lists one by one.
func (p *Pass) sourcesAt(id connector.ID, failing []attempt) []connector.Range {
	c, _ := p.Topology.Connector(id)
	return slices.DeleteFunc(sources(failing), func(r connector.Range) bool { return !lists(c, r) })
}

// offerAtWinner proposes, where no connector at the endpoint can authenticate, that the one that wins does.
func (p *Pass) offerAtWinner(failing []attempt) []Fix {
	var changes []connector.Change
	title := "offer Exchange Server authentication on the connector that takes the mail"
	for _, a := range failing {
		c, ok := p.Topology.Connector(a.winner())
		if !ok || len(a.verdict.Capable) > 0 || !p.fqdnAllows(c) {
			return nil
		}
		var change connector.Change
		switch {
		case a.verdict.Cause == connector.CauseSuppressed:
			title = "stop suppressing X-ANONYMOUSTLS"
			change = connector.Edit(c, func(c *connector.ReceiveConnector) { c.SuppressXAnonymousTLS = false })
		case a.verdict.Cause == connector.CauseNoMechanism && !c.AuthMechanism.Has(connector.AuthExternalAuthoritative):
			change = connector.Edit(c, func(c *connector.ReceiveConnector) {
				c.AuthMechanism |= connector.AuthTLS | connector.AuthExchangeServer
				c.PermissionGroups |= connector.GroupExchangeServers
			})
		default:
			return nil
		}
		if !slices.ContainsFunc(changes, func(o connector.Change) bool { return o.Target.Equal(c.ID) }) {
			changes = append(changes, change)
		}
	}
	return []Fix{{Title: title, Changes: changes}}
}

// fqdnAllows tells whether the connector's FQDN is one with which the cmdlet takes ExchangeServer: the server's own, its
// short name, or none (documented).
func (p *Pass) fqdnAllows(c connector.ReceiveConnector) bool {
	s, _ := p.Topology.Server(c.ID.Server)
	return c.FQDN == "" || strings.EqualFold(c.FQDN, c.ID.Server) || strings.EqualFold(c.FQDN, s.FQDN) ||
		s.FQDN == "" && strings.HasPrefix(strings.ToLower(c.FQDN), strings.ToLower(c.ID.Server)+".")
}

// prove applies each candidate to a copy and keeps those after which the finding is gone and nothing of equal or higher
// severity is new.
func (p *Pass) prove(f Finding, candidates []Fix) []Fix {
	var proved []Fix
	for _, fix := range candidates {
		before := p.only(f.Subject.Server)
		after, err := before.Apply(fix.Changes...)
		if err != nil {
			continue
		}
		y, err := connector.Compile(after)
		if err != nil {
			continue
		}
		later, err := p.audited(after, y, f.Subject.Server)
		if err != nil || f.stillThere(later) || p.worse(f, later) {
			continue
		}
		x, err := connector.Compile(before)
		if err != nil {
			continue
		}
		fix.Moves = connector.Diff(x, y)
		fix.Safe = safe(f, fix.Moves, before, after)
		proved = append(proved, fix)
	}
	return proved
}

// only returns the topology with the connectors of one server: a change of one server cannot matter to another.
func (p *Pass) only(server string) *connector.Topology {
	t := *p.Topology
	t.Connectors = slices.DeleteFunc(slices.Clone(t.Connectors), func(c connector.ReceiveConnector) bool {
		return !strings.EqualFold(c.ID.Server, server)
	})
	return &t
}

// audited returns the findings about one server, without fixes.
func (p *Pass) audited(t *connector.Topology, x *connector.Index, server string) ([]Finding, error) {
	q := &Pass{Topology: t, Index: x, ctx: p.ctx, checks: p.checks, traffic: p.traffic, servers: []string{server}, proving: true}
	if x == p.Index {
		q.latest = p.latest
	}
	err := q.run()
	return q.findings, err
}

// worse tells whether a later audit has a finding of f's severity or above that today's has not.
func (p *Pass) worse(f Finding, later []Finding) bool {
	server := strings.ToLower(f.Subject.Server)
	today, ok := p.baseline[server]
	if !ok {
		today, _ = p.audited(p.Topology, p.Index, f.Subject.Server)
		p.baseline[server] = today
	}
	return slices.ContainsFunc(later, func(l Finding) bool {
		return l.Severity >= f.Severity && !slices.ContainsFunc(today, l.same)
	})
}

// safe tells whether all that moves was meant to, and no source comes to a connector on which it may relay.
func safe(f Finding, moves []connector.Move, before, after *connector.Topology) bool {
	meant := connector.IPSet(f.Addrs...)
	for _, m := range moves {
		if slices.ContainsFunc(m.Addrs, func(r connector.Range) bool { return !meant.ContainsRange(r.Span()) }) {
			return false
		}
		from, _ := before.Connector(m.From)
		to, _ := after.Connector(m.To)
		if mayRelay(to) && !mayRelay(from) {
			return false
		}
	}
	return true
}

// mayRelay tells whether a connector lets clients relay without authenticating, or might: it is externally secured, or
// rights beyond the groups were granted to anonymous clients or are not known.
func mayRelay(c connector.ReceiveConnector) bool {
	if c.AuthMechanism.Has(connector.AuthExternalAuthoritative) {
		return true
	}
	if c.PermissionGroups.Has(connector.GroupCustom) && len(c.Rights) == 0 {
		return true
	}
	return slices.ContainsFunc(c.Rights, func(g connector.Grant) bool {
		return !g.Deny && strings.EqualFold(g.Right, "ms-Exch-SMTP-Accept-Any-Recipient") &&
			strings.HasSuffix(strings.ToLower(g.Principal), "anonymous logon")
	})
}

// String prints the title.
func (f Fix) String() string {
	if f.Safe {
		return f.Title
	}
	return fmt.Sprintf("%s (not safe: read the moves)", f.Title)
}
