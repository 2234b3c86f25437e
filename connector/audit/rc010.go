package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc010 = &Check{
	ID:       "RC010",
	Title:    "servers of one group answer the same source differently",
	Severity: Warning,
	Run:      checkRC010,
	Doc: `Clients and balancers take the members of a DAG, or the servers of a site, for interchangeable. Here a source gets
something else at this server than at the others of its group: it may relay at one and not at the other, log in,
encrypt, submit, or it is refused. Which member a message meets then decides whether it arrives.

What is compared is what a source gets, at each port and in each family, at the first address of the server that listens there: never
the names, the order or the spelling of connectors and ranges. A connector of another name that gives the same is no
difference. Addresses of Exchange servers are left out, because each server lists its peers and not itself; RC001 and RC009
are about them. A group is the servers of one DAG, or those of one site outside a DAG, of one generation and, in 2013, the same roles.
Where a property that decides is not known, it is only possible.

Most members answer alike; each that does not is reported, with what would move if it were replaced by one of the
others: from the connector there to the one here. Of two, the one that comes second by name is.

Source: what a source gets follows from the selected connector; that members should agree is advice of ours.`,
}

func checkRC010(p *Pass) error {
	record := p.Record()
	group, ok := groupOf(record)
	members := p.drift.members[group]
	if !ok || len(members) < 2 {
		return nil
	}
	reference := p.drift.reference(group)
	if strings.EqualFold(reference.server, p.Server) {
		return nil
	}
	own := profileOf(p.Index, record)
	f := Finding{Subject: connector.ID{Server: p.Server}, Certainty: Certain}
	if record.Missing.Has(connector.PropertyAddresses) {
		f.Certainty = PossiblyTrue
	}
	var all []connector.Range
	for _, m := range reference.against(own, p.traffic.places) {
		f.Moves = append(f.Moves, m)
		all = append(all, m.Addrs...)
		for _, id := range []connector.ID{m.To, m.From} {
			if !id.IsZero() && !slices.Contains(f.Related, id) {
				f.Related = append(f.Related, id)
			}
		}
		if m.Doubt != 0 {
			f.Certainty = PossiblyTrue
		}
	}
	if len(f.Moves) == 0 {
		return nil
	}
	f.Addrs = connector.RangesOf(connector.IPSet(all...))
	f.Witness = p.look(connector.Conn{Server: p.Server, Local: f.Moves[0].Local, Remote: f.Moves[0].Witness})
	f.Message = fmt.Sprintf("of %s in %s, this one answers these sources otherwise than %s does", plural(len(members), "server", "servers"), group.text(record), reference.server)
	p.Report(f)
	return nil
}

// group is the servers that are taken for interchangeable with one.
type group struct {
	dag, site  string // by key; the site of those outside a DAG
	generation connector.Generation
	roles      connector.ServerRoles // in 2013, when the roles that receive mail could be apart
}

// groupOf returns the group of a server, and false if there can be none, or too little is known.
func groupOf(s connector.Server) (group, bool) {
	g := group{dag: key(s.DAG), generation: s.Version.Generation()}
	if s.DAG == "" {
		g.site = key(s.Site)
	}
	const receiving = connector.RoleMailbox | connector.RoleClientAccess
	if g.generation == connector.Generation2013 {
		if g.roles = s.Roles & receiving; s.Roles == 0 {
			g.roles = receiving
		}
	}
	return g, g.generation != 0 && g.dag+g.site != "" && !s.Roles.Has(connector.RoleEdge)
}

// text names the group as one of its servers does.
func (g group) text(s connector.Server) string {
	if g.dag != "" {
		return "DAG " + s.DAG
	}
	return "site " + s.Site
}

// drift is what the servers of each group answer, as the audit found them.
type drift struct {
	x          *connector.Index
	places     *places
	members    map[group][]connector.Server // by group, in the order of their names
	references map[group]*profile
}

func driftOf(t *connector.Topology, x *connector.Index, pl *places) *drift {
	d := &drift{x: x, places: pl, members: make(map[group][]connector.Server), references: make(map[group]*profile)}
	for _, s := range t.AllServers() {
		if g, ok := groupOf(s); ok && pl.configured[key(s.Name)] {
			d.members[g] = append(d.members[g], s)
		}
	}
	for _, m := range d.members {
		slices.SortFunc(m, func(a, b connector.Server) int { return cmp.Compare(key(a.Name), key(b.Name)) })
	}
	return d
}

// mostKinds is how many kinds of servers in one group are told apart.
const mostKinds = 32

// reference returns what most servers of a group answer, as the first of them does.
func (d *drift) reference(g group) *profile {
	if r := d.references[g]; r != nil {
		return r
	}
	var kinds []*profile
	var count []int
	for _, s := range d.members[g] {
		p := profileOf(d.x, s)
		if len(kinds) == mostKinds {
			break // they have little in common anyway
		}
		i := slices.IndexFunc(kinds, func(k *profile) bool { return len(k.against(p, d.places)) == 0 })
		if i < 0 {
			i = len(kinds)
			kinds, count = append(kinds, p), append(count, 0)
		}
		count[i]++
	}
	best := 0
	for i := range count {
		if count[i] > count[best] {
			best = i
		}
	}
	d.references[g] = kinds[best]
	return kinds[best]
}
