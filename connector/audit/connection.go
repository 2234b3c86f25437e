package audit

import (
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// findConnection puts together the connection that the text is about, where it tells both ends. A line of a receive log that names
// another connector than the topology counts more than the topology.
func (d *diagnosing) findConnection() {
	at := d.e.Endpoint
	if d.Target == "" || at.Port() == 0 || !d.e.Source.IsValid() || at.Addr().Is4() != d.e.Source.Is4() {
		return
	}
	d.conn = connector.Conn{Server: d.Target, Local: at, Remote: d.e.Source}
	d.match = d.Index.Select(d.conn)
	d.decided = d.match.Outcome() == connector.Selected && (d.e.Selected.Name == "" || d.e.Selected.Equal(d.match.Connector()))
}

// sender returns what the source of the text's connection is, by what is known of it.
func (d *diagnosing) sender() connector.Peer {
	flow := connector.Flow{ExchangeAuth: true}
	var from connector.Server
	for _, s := range d.Topology.AllServers() {
		if !d.owns(s.Name, d.e.Source) {
			continue
		}
		if from = s; s.Roles.Has(connector.RoleEdge) {
			flow.Purpose = connector.EdgeInbound
		}
	}
	if d.e.Kind == ErrorUnrecognizedCommand || d.e.Kind == ErrorInvalidAddress {
		flow.Purpose = connector.UMSubmission
	}
	return flow.Peer(from)
}

// judgeConnection weighs what the topology makes of the connection of the text. Whoever takes it and ends it like this is a suspect,
// the others are not.
func (d *diagnosing) judgeConnection() {
	if !d.decided {
		return
	}
	winner := d.match.Connector()
	i := slices.IndexFunc(d.Suspects, func(s Suspect) bool { return s.Subject.Equal(winner) })
	v := d.Index.Simulate(d.conn, d.sender())
	open := false // a property that decides is not known
	if exchange := slices.Contains(exchangeErrors, d.e.Kind) || d.e.Kind == ErrorUnrecognizedCommand; exchange {
		ends := d.endsLikeText(v)
		open = v.Mail() == connector.StepUnknown
		if (ends || open) && i < 0 {
			s := Suspect{Subject: winner, Witness: v, Basis: v.Cause.Basis(),
				Title: "takes the connection of the text, and does not offer Exchange Server authentication that the sender may use"}
			if open {
				s.Title = "takes the connection of the text, and whether it offers Exchange Server authentication is not known"
			}
			d.judge(&s, nil)
			i = len(d.Suspects)
			d.Suspects = append(d.Suspects, s)
		}
		if !ends && !open {
			i = -1 // whatever it does to others, it does not do this to this one
		} else {
			d.Suspects[i].Witness = v
		}
	}
	for j := range d.Suspects {
		s := &d.Suspects[j]
		switch {
		case s.Subject.Equal(winner) && open:
			s.add(weightWitness, "by the topology it takes the connection of the text, %s, and whether the sender can authenticate there is not known", d.conn)
			s.guessed = true
		case s.Subject.Equal(winner) && i >= 0:
			s.add(weightConnection, "by the topology it takes the connection of the text, %s, and ends it like this", d.conn)
		case v.Mail() == connector.StepDone && slices.Contains(exchangeErrors, d.e.Kind):
			s.add(weightAcquitted, "by the topology %s takes the connection of the text, and the sender authenticates there", winner)
		default:
			s.add(weightAcquitted, "by the topology %s takes the connection of the text", winner)
		}
	}
	if i < 0 && d.e.Selected.Name != "" {
		s := Suspect{Subject: winner, Witness: v, Title: "would end the session otherwise by this topology: the configuration or its rights have changed since, or are not known whole",
			Remedy: "export the connectors and their rights again", Basis: connector.Basis{
				Rule: "the log shows what the server did; by this topology it would do something else", Mark: connector.Observed, Source: "receive log"}}
		s.add(weightConnection, "the line of the log names %s, and so does the topology", winner)
		d.Suspects = append(d.Suspects, s)
	}
}

// endsLikeText tells whether a session ends with the error of the text.
func (d *diagnosing) endsLikeText(v *connector.Verdict) bool {
	kind := d.e.Kind
	if kind == ErrorCutOff {
		kind = ErrorCannotAchieve
	}
	return kind.isSaidBy(v.Reply)
}

// otherConnector adds what a line of a receive log says where the topology selects another connector.
func (d *diagnosing) otherConnector() {
	if d.match.Outcome() == 0 || d.decided || d.e.Selected.Name == "" {
		return
	}
	s := Suspect{Subject: d.e.Selected, Title: "the configuration has changed since, or is not known whole", Witness: d.Index.Simulate(d.conn, anyPeer),
		Remedy: "export the connectors again", Basis: connector.Basis{
			Rule: "the log names the connector that was selected; by this topology it is another one", Mark: connector.Observed, Source: "receive log"}}
	s.add(weightWitness, "the line of the log names %s, and by the topology it is %s", d.e.Selected, d.match)
	d.Suspects = append(d.Suspects, s)
}

// judgeStranger weighs that the text names a target that is no known server, where all are known.
func (d *diagnosing) judgeStranger() {
	switch at := d.e.Endpoint.Addr(); {
	case d.Target != "":
	case at.IsValid() && d.everyAddressKnown():
		d.stranger = at.String()
	case !at.IsValid() && d.e.Host != "" && !slices.ContainsFunc(d.Topology.AllServers(), func(s connector.Server) bool { return s.FQDN == "" }):
		d.stranger = d.e.Host
	}
	if d.stranger == "" {
		return
	}
	for i := range d.Suspects {
		d.Suspects[i].add(weightStranger, "the text names %s, which is no known server", d.stranger)
	}
}
