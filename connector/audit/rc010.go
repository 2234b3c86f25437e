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

What is compared is what a source gets, at each port and in each family, at an address of the server: never the
names, the order or the spelling of connectors and ranges. A connector of another name that gives the same is no
difference. Addresses of Exchange servers are left out, because each server lists its peers and not itself; RC001 and RC009
are about them. A group is the servers of one DAG, or those of one site outside a DAG, of one generation and the same roles.

Most members answer alike; each that does not is reported, with what would move if it were replaced by one of the
others: from the connector there to the one here. Of two, the one that comes second by name is.

Source: what a source gets follows from the selected connector; that members should agree is advice of ours.`,
}

func checkRC010(p *Pass) error {
	record := p.Record()
	group := groupOf(record)
	members := p.drift.members[group]
	if group == "" || len(members) < 2 {
		return nil
	}
	reference := p.drift.reference(group)
	if strings.EqualFold(reference.server, p.Server) {
		return nil
	}
	own := profileOf(p.Index, record)
	f := Finding{Subject: connector.ID{Server: p.Server}, Certainty: Certain}
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
	f.Message = fmt.Sprintf("of %s in %s, this one answers these sources otherwise than %s does", plural(len(members), "server", "servers"), group, reference.server)
	p.Report(f)
	return nil
}

// groupOf names the servers that are taken for interchangeable with one: "" if there can be none, or too little is known.
func groupOf(s connector.Server) string {
	g := s.Version.Generation()
	name := "DAG " + s.DAG
	if s.DAG == "" {
		name = "site " + s.Site
	}
	if g == 0 || s.DAG == "" && s.Site == "" || s.Roles.Has(connector.RoleEdge) {
		return ""
	}
	name += ", Exchange " + g.String()
	if s.Roles != 0 {
		name += " " + s.Roles.String()
	}
	return name
}

// drift is what the servers of each group answer, as the audit found them.
type drift struct {
	x          *connector.Index
	places     *places
	members    map[string][]connector.Server // by group, in the order of their names
	references map[string]*profile
}

func driftOf(t *connector.Topology, x *connector.Index, pl *places) *drift {
	d := &drift{x: x, places: pl, members: make(map[string][]connector.Server), references: make(map[string]*profile)}
	for _, s := range t.AllServers() {
		if g := groupOf(s); g != "" && pl.configured[key(s.Name)] {
			d.members[g] = append(d.members[g], s)
		}
	}
	for _, m := range d.members {
		slices.SortFunc(m, func(a, b connector.Server) int { return cmp.Compare(key(a.Name), key(b.Name)) })
	}
	return d
}

// reference returns what most servers of a group answer, as the first of them does.
func (d *drift) reference(group string) *profile {
	if r := d.references[group]; r != nil {
		return r
	}
	var kinds []*profile
	var count []int
	for _, s := range d.members[group] {
		p := profileOf(d.x, s)
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
	d.references[group] = kinds[best]
	return kinds[best]
}
