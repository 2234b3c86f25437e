package audit

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// candidates proposes fixes for connections that reach a connector on which their sender cannot authenticate, in groups
// of alternatives, the better one first. They are not proved yet.
func (p *Pass) candidates(failing []attempt) [][]Fix {
	if p.proving || len(failing) == 0 {
		return nil
	}
	return [][]Fix{p.addToCapable(failing), p.offerAtWinner(failing)}
}

// addToCapable proposes to list each source as a single address at the nearest connector that can authenticate it, and to
// take the very same address out of the connectors that it would conflict or compete with there. Where that would leave a
// connector without a range, because it lists nothing but these sources, the alternatives are to disable it and let its
// sources fall back, or to remove it. There is nothing to propose if a source has no capable connector.
func (p *Pass) addToCapable(failing []attempt) []Fix {
	plan := newPlan()
	neighbours := p.only(failing[0].conn().Server).Connectors
	for _, a := range failing {
		if len(a.verdict.Capable) == 0 {
			return nil
		}
		one := connector.MustParseRange(a.conn().Remote.String())
		target, _ := p.Topology.Connector(a.verdict.Capable[0].Connector)
		plan.add(target, one)
		for _, c := range neighbours {
			if !c.ID.Equal(target.ID) && (conflict(c, target) || competes(c, a.verdict)) && lists(c, one) {
				plan.remove(c, one)
			}
		}
	}
	const title = "add the servers' addresses to the connector that has Exchange Server authentication"
	if !plan.empties() {
		return []Fix{{Title: title, Changes: plan.changes(nil)}}
	}
	disable := func(c connector.ReceiveConnector) connector.Change { return connector.SetEnabled(c, false) }
	drop := func(c connector.ReceiveConnector) connector.Change {
		return connector.Change{Target: c.ID, Before: &c}
	}
	return []Fix{
		{Title: "disable the connector that serves nothing but these servers", Changes: plan.withoutAddsOfEmptied().changes(disable)},
		{Title: title + ", and remove the one that serves nothing but these servers", Changes: plan.changes(drop)},
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

// plan collects what to add to and take out of each connector.
type plan struct {
	order []connector.ID // by first mention
	edits map[connector.ID]*planEdit
}

type planEdit struct {
	connector    connector.ReceiveConnector
	adds, leaves []connector.Range
}

func newPlan() *plan { return &plan{edits: map[connector.ID]*planEdit{}} }

func (p *plan) edit(c connector.ReceiveConnector) *planEdit {
	if p.edits[c.ID] == nil {
		p.edits[c.ID] = &planEdit{connector: c}
		p.order = append(p.order, c.ID)
	}
	return p.edits[c.ID]
}

func (p *plan) add(c connector.ReceiveConnector, r connector.Range) {
	if e := p.edit(c); !slices.Contains(e.adds, r) {
		e.adds = append(e.adds, r)
	}
}

func (p *plan) remove(c connector.ReceiveConnector, r connector.Range) {
	if e := p.edit(c); !slices.Contains(e.leaves, r) {
		e.leaves = append(e.leaves, r)
	}
}

// after returns the connector with its ranges added and removed.
func (e *planEdit) after() connector.Change {
	change := connector.AddRanges(e.connector, e.adds...)
	change.After = connector.RemoveRanges(*change.After, e.leaves...).After
	return change
}

// emptied tells whether the connector would be left without a range. An incomplete list tells nothing.
func (e *planEdit) emptied() bool {
	return len(e.leaves) > 0 && len(e.after().After.RemoteIPRanges) == 0 && !e.connector.Missing.Has(connector.PropertyRemoteIPRanges)
}

func (p *plan) empties() bool {
	return slices.ContainsFunc(p.order, func(id connector.ID) bool { return p.edits[id].emptied() })
}

// withoutAddsOfEmptied leaves out the addresses that emptied connectors list, because these keep them.
func (p *plan) withoutAddsOfEmptied() *plan {
	var kept []connector.Range
	for _, e := range p.edits {
		if e.emptied() {
			kept = append(kept, e.leaves...)
		}
	}
	q := newPlan()
	for _, id := range p.order {
		e := *p.edits[id]
		e.adds = slices.DeleteFunc(slices.Clone(e.adds), func(r connector.Range) bool { return slices.Contains(kept, r) })
		q.order = append(q.order, id)
		q.edits[id] = &e
	}
	return q
}

// changes writes the plan down, what removes before what only adds; whenEmptied says what becomes of a connector that is
// left without a range. What would change nothing is left out.
func (p *plan) changes(whenEmptied func(connector.ReceiveConnector) connector.Change) []connector.Change {
	var first, second []connector.Change
	for _, id := range p.order {
		e := p.edits[id]
		change := e.after()
		if e.emptied() {
			change = whenEmptied(e.connector)
		}
		switch {
		case change.After != nil && change.After.Equal(*change.Before):
		case len(e.leaves) > 0:
			first = append(first, change)
		default:
			second = append(second, change)
		}
	}
	return append(first, second...)
}

// offerAtWinner proposes, where no connector at the endpoint can authenticate, that the one that wins does.
func (p *Pass) offerAtWinner(failing []attempt) []Fix {
	c, ok := p.Topology.Connector(failing[0].winner())
	const mustKnow = connector.PropertyPermissionGroups | connector.PropertyAuthMechanism | connector.PropertyFQDN
	if !ok || c.Missing&mustKnow != 0 || !p.fqdnAllows(c) {
		return nil
	}
	suppressed := false
	for _, a := range failing {
		if len(a.verdict.Capable) > 0 || !a.winner().Equal(c.ID) {
			return nil
		}
		suppressed = a.verdict.Cause == connector.CauseSuppressed
	}
	if suppressed {
		return []Fix{{Title: "stop suppressing X-ANONYMOUSTLS", Changes: []connector.Change{
			connector.Edit(c, func(c *connector.ReceiveConnector) { c.SuppressXAnonymousTLS = false })}}}
	}
	if c.AuthMechanism.Has(connector.AuthExternalAuthoritative) {
		return nil // which admits no other mechanism but Tls (documented)
	}
	return []Fix{{Title: "offer Exchange Server authentication on the connector that takes the mail", Changes: []connector.Change{
		connector.Edit(c, func(c *connector.ReceiveConnector) {
			c.AuthMechanism |= connector.AuthTLS | connector.AuthExchangeServer
			c.PermissionGroups |= connector.GroupExchangeServers
		})}}}
}

// fqdnAllows tells whether the cmdlet takes ExchangeServer beside the connector's FQDN.
func (p *Pass) fqdnAllows(c connector.ReceiveConnector) bool {
	s, _ := p.Topology.Server(c.ID.Server)
	return c.FQDNAllowsExchangeServer(s)
}

// mayRelay tells whether a connector lets clients relay without authenticating, or might.
func mayRelay(t *connector.Topology, c connector.ReceiveConnector) bool {
	s, _ := t.Server(c.ID.Server)
	return c.MayRelay(s.Version.Generation()) != connector.StepRefused
}

// safe tells whether all that moves was meant to, at the endpoints it was meant for, and no source comes to a connector on
// which it may relay.
func safe(meant map[uint16]*netipx.IPSet, moves []connector.Move, before, after *connector.Topology) bool {
	for _, m := range moves {
		set := meant[m.Local.Port()]
		if set == nil || slices.ContainsFunc(m.Addrs, func(r connector.Range) bool { return !set.ContainsRange(r.Span()) }) {
			return false
		}
		from, _ := before.Connector(m.From)
		to, _ := after.Connector(m.To)
		if mayRelay(after, to) && !mayRelay(before, from) {
			return false
		}
	}
	return true
}

// String prints the title, and a warning if the fix is not safe.
func (f Fix) String() string {
	if f.Safe {
		return f.Title
	}
	return f.Title + " (not safe: read the moves)"
}
