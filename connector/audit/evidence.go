package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// The weights of evidence. What a suspect weighs says how likely it is.
const (
	weightCertain    = 80   // a required flow fails by it, whatever else is not known
	weightPossible   = 35   // a flow would fail by it
	weightLatent     = 25   // an Exchange server at these addresses would
	weightUntold     = 28   // it would, and where the servers are nobody told
	weightIdle       = 10   // it would, and none is there
	weightWitness    = 40   // the connection that the text is about fails by it
	weightNamed      = 20   // the text names who is concerned
	weightConnection = 60   // the topology ends the connection of the text like this
	weightAcquitted  = -200 // the topology gives that connection to another one
	weightStranger   = -70  // the target is no known server
	weightElsewhere  = -90  // the text is about another server
	weightOtherPort  = -130 // the text is about another port
	weightOther      = -30  // the text names somebody else
	weightOutside    = 15   // a cause that the topology does not describe
	weightCleared    = 30   // of those, once the topology shows nothing wrong with the connection
)

func likelihood(weight int) Likelihood {
	switch {
	case weight >= 80:
		return VeryLikely
	case weight >= 30:
		return Plausible
	case weight > 0:
		return Thinkable
	}
	return Unlikely
}

func (s *Suspect) add(weight int, format string, args ...any) {
	s.weight += weight
	text := fmt.Sprintf(format, args...)
	if weight < 0 {
		s.Against = append(s.Against, text)
	} else {
		s.For = append(s.For, text)
	}
}

// judge weighs what the text says of target, source, port and sender against a suspect. The witness becomes the connection of the
// text, if that is known and goes to the suspect.
func (d *diagnosing) judge(s *Suspect, flows []connector.Flow) {
	d.judgeTarget(s, flows)
	d.judgeSource(s, flows)
	d.judgeQueue(s, flows)
	d.judgeSender(s, flows)
}

func (d *diagnosing) judgeTarget(s *Suspect, flows []connector.Flow) {
	at := d.e.Endpoint
	switch {
	case d.e.Selected.Name != "" && s.Subject.Equal(d.e.Selected):
		s.add(weightWitness+weightNamed, "the line of the log says that this connector was selected")
	case d.e.Selected.Name != "":
		s.add(weightElsewhere, "the line of the log says that %s was selected", d.e.Selected)
	case d.Target != "" && strings.EqualFold(d.Target, s.Subject.Server):
		s.add(weightWitness, "the text names %s, which is %s", d.targetText(), d.Target)
	case d.Target != "":
		s.add(weightElsewhere, "the text names %s, which is %s", d.targetText(), d.Target)
	case d.names(s.Subject.Server) && !d.sends(s.Subject.Server):
		s.add(weightNamed, "the text names %s", s.Subject.Server)
	}
	if at.Port() == 0 || s.Witness == nil || d.e.Selected.Name != "" {
		return
	}
	if port := s.Witness.Explanation.Conn.Local.Port(); port != at.Port() && !slices.ContainsFunc(flows, func(f connector.Flow) bool { return f.Port == at.Port() }) {
		s.add(weightOtherPort, "the text names port %d, and this is about port %d", at.Port(), port)
	}
}

func (d *diagnosing) judgeSource(s *Suspect, flows []connector.Flow) {
	if a := d.e.Source; a.IsValid() && len(s.Addrs) > 0 {
		switch in := slices.ContainsFunc(s.Addrs, func(r connector.Range) bool { return r.Contains(a) }); {
		case d.decided: // which tells it exactly
		case in:
			s.add(weightNamed, "the text is about a connection from %s, which is among the sources concerned", a)
		default:
			s.add(weightOther, "the text is about a connection from %s, which is not among the sources concerned", a)
		}
		return
	}
	var named, all []string
	for _, f := range flows {
		if slices.Contains(all, f.From) || strings.EqualFold(f.From, d.Target) || d.sends(f.From) {
			continue
		}
		if all = append(all, f.From); d.names(f.From) {
			named = append(named, f.From)
		}
	}
	if len(named) > 0 {
		s.add(weightNamed, "the text names %s, whose mail it takes", strings.Join(named, ", "))
	}
}

// sends tells whether the text names a server as the one whose queue it is.
func (d *diagnosing) sends(server string) bool { return strings.EqualFold(d.e.Sender, server) }

// judgeQueue weighs what the text says of the queue: the server that it is on sends and is not the target, and the next hop is the
// site of the target.
func (d *diagnosing) judgeQueue(s *Suspect, flows []connector.Flow) {
	var from []string
	for _, f := range flows {
		if !slices.Contains(from, f.From) {
			from = append(from, f.From)
		}
	}
	_, known := d.traffic.servers[key(d.e.Sender)]
	switch {
	case !known || d.e.Sender == "":
	case d.sends(s.Subject.Server):
		s.add(weightElsewhere, "the queue is on %s, which is the sender and not the target", s.Subject.Server)
	case slices.ContainsFunc(from, d.sends):
		s.add(weightNamed, "the queue is on %s, whose mail it takes", d.traffic.servers[key(d.e.Sender)].Name)
	case len(from) > 0:
		s.add(weightOther, "the queue is on %s, and those whose mail it takes are %s", d.traffic.servers[key(d.e.Sender)].Name, strings.Join(from, ", "))
	}
	site := d.siteOfNextHop()
	if site == "" {
		return
	}
	if own := d.traffic.servers[key(s.Subject.Server)]; own != nil && strings.EqualFold(own.Site, site) {
		s.add(weightNamed, "the next hop of the queue is %s, the site of %s", site, own.Name)
	} else if own != nil && own.Site != "" {
		s.add(weightOther, "the next hop of the queue is %s, and %s is in %s", site, own.Name, own.Site)
	}
}

// siteOfNextHop returns the site that NextHopDomain names, as "dc2" or "site:dc2;version:14", if it is that of a known server.
func (d *diagnosing) siteOfNextHop() string {
	name := strings.TrimPrefix(d.e.NextHop, "site:")
	name, _, _ = strings.Cut(name, ";")
	for _, s := range d.Topology.AllServers() {
		if name != "" && strings.EqualFold(s.Site, name) {
			return s.Site
		}
	}
	return ""
}

// judgeSender compares the generation that the wrapper tells with those of the senders that fail.
func (d *diagnosing) judgeSender(s *Suspect, flows []connector.Flow) {
	if len(d.e.Senders) == 0 || len(flows) == 0 {
		return
	}
	var others []string
	for _, f := range flows {
		from := d.traffic.servers[key(f.From)]
		if from == nil {
			return
		}
		g := from.Version.Generation()
		if g == 0 || slices.Contains(d.e.Senders, g) {
			return
		}
		if text := fmt.Sprintf("%s (%s)", f.From, g); !slices.Contains(others, text) {
			others = append(others, text)
		}
	}
	s.add(weightOther, "a queue words it like this on %s, and the senders that fail are %s", generationsText(d.e.Senders), strings.Join(others, ", "))
}

// owns tells whether an address is one of a server's.
func (d *diagnosing) owns(server string, a netip.Addr) bool {
	own := d.traffic.own[key(server)]
	return own != nil && own.Contains(a)
}

// names tells whether the text names a server, by its name, its full name or one of its addresses.
func (d *diagnosing) names(server string) bool {
	if d.e.names(server) {
		return true
	}
	return slices.ContainsFunc(d.e.Mentions, func(a netip.Addr) bool { return d.owns(server, a) })
}

// targetText returns how the text names the target.
func (d *diagnosing) targetText() string {
	switch at := d.e.Endpoint; {
	case !at.IsValid() && d.e.Host == "":
		return d.e.NextHop
	case !at.IsValid():
		return d.e.Host
	case at.Port() == 0:
		return at.Addr().String()
	default:
		return at.String()
	}
}

func generationsText(gs []connector.Generation) string {
	names := make([]string, len(gs))
	for i, g := range gs {
		names[i] = g.String()
	}
	return strings.Join(names, ", ")
}
