package smtplog

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Judgement tells how the connector that a log names compares with the one that a topology predicts. Zero is not set.
type Judgement uint8

const (
	Agrees Judgement = iota + 1

	// What follows are causes of a disagreement.

	// Tie: the two are equal for the source; which one the server takes cannot be seen from a configuration, and the log tells.
	Tie
	// Incomplete: a property that decides is not known.
	Incomplete
	// NotInRange: no range of the logged connector holds the source. The configuration is not that of the log.
	NotInRange
	// Narrower: another connector has a narrower range for the source. The configuration is not that of the log.
	Narrower
	// ExactBinding: another connector has a range of the same size and is bound to the very address. The configuration is not that of the
	// log, or the rule, which is known from study of the product alone, is not true there.
	ExactBinding
	// NotBound: the logged connector is not bound to the endpoint, is disabled, or belongs to the process that does not have it. The
	// configuration is not that of the log.
	NotBound
	// UnknownConnector: the topology has no such connector on the server.
	UnknownConnector
	// UnknownServer: the topology does not have the server.
	UnknownServer

	// What follows are reasons why nothing can be said.

	// NoConnector: the log does not name the connector as SERVER\Name.
	NoConnector
	// NoEndpoint: an endpoint is not there or not readable, or the two are not of one address family.
	NoEndpoint
	// Implicit: the endpoint is that of mailbox delivery, whose connector no cmdlet shows; under which name logs have it is not known.
	Implicit
	// TooMany: the client, or the connector, is one of too many to be kept, see [Traffic].
	TooMany
)

var judgements = [...]struct{ name, meaning string }{
	{"", ""}, {"Agrees", "the log agrees"},
	{"Tie", "a tie: the two are equal for the source, and the configuration does not tell which one the server takes"},
	{"Incomplete", "a property that decides is not known"},
	{"NotInRange", "the configuration has changed since: no range of the logged connector holds the source"},
	{"Narrower", "the configuration has changed since: another connector has a narrower range"},
	{"ExactBinding", "the configuration has changed since, or the rule of the exact binding does not hold there: another connector has a range of the same size and is bound to the very address"},
	{"NotBound", "the configuration has changed since: the logged connector does not serve the endpoint"},
	{"UnknownConnector", "the configuration has no such connector"},
	{"UnknownServer", "the configuration does not have the server"},
	{"NoConnector", `the log does not name the connector as SERVER\Name`},
	{"NoEndpoint", "an endpoint is not there or not readable, or the two are not of one family"},
	{"Implicit", "the endpoint of mailbox delivery, whose implicit connector has a name in logs that is not known"},
	{"TooMany", "clients beyond the number that is kept of one connector, or connectors beyond the number that is kept"},
}

// String prints the name of the constant.
func (j Judgement) String() string {
	if int(j) < len(judgements) {
		return judgements[j].name
	}
	return ""
}

// Meaning says it in words.
func (j Judgement) Meaning() string {
	if int(j) < len(judgements) {
		return judgements[j].meaning
	}
	return ""
}

// Judged tells whether there is an answer: agreement or disagreement.
func (j Judgement) Judged() bool { return j != 0 && j < NoConnector }

// Group is the sessions of some clients that were judged alike: of one connector at one local endpoint, with one prediction.
type Group struct {
	Judgement Judgement
	Logged    string // the connector that the logs name
	Local     netip.AddrPort
	Predicted connector.Match // the zero Match if there is none
	Tally     Tally
	Clients   []netip.Addr // in address order
}

// Replay compares what logs tell with what a topology predicts.
type Replay struct {
	Agreed        int // sessions
	InDoubt       int // of them those where the prediction is in doubt: the logs tell which it was
	Disagreements []Group
	NotJudged     []Group
	Sent          int // sessions of send logs, which no receive connector of the log's server decides
}

// Judged returns how many sessions were judged, and which share of them agrees; 0 if none was.
func (r *Replay) Judged() (sessions int, share float64) {
	sessions = r.Agreed
	for _, g := range r.Disagreements {
		sessions += g.Tally.Sessions
	}
	if sessions == 0 {
		return 0, 0
	}
	return sessions, float64(r.Agreed) / float64(sessions)
}

// Replay judges every session of the receive logs by an index. Groups come by judgement, those with most sessions first.
func (t *Traffic) Replay(x *connector.Index) *Replay {
	r := new(Replay)
	groups := make(map[groupKey]*Group)
	for _, c := range t.Connectors() {
		if c.Direction == Send {
			r.Sent += c.All.Sessions
			continue
		}
		for _, client := range c.Clients {
			v := judge(x, &client)
			if v.judgement == Agrees {
				r.Agreed += client.Sessions
				if v.match.Doubt() != 0 {
					r.InDoubt += client.Sessions
				}
				continue
			}
			add(groups, groupKey{v.judgement, c.Connector, client.Local, v.match}, &client)
		}
		if c.Beyond > 0 {
			add(groups, groupKey{TooMany, c.Connector, netip.AddrPort{}, connector.Match{}}, &Client{Tally: Tally{Sessions: c.Beyond, First: c.All.First, Last: c.All.Last}})
		}
	}
	for _, g := range groups {
		slices.SortFunc(g.Clients, netip.Addr.Compare)
		g.Clients = slices.Compact(g.Clients)
		if g.Judgement.Judged() {
			r.Disagreements = append(r.Disagreements, *g)
		} else {
			r.NotJudged = append(r.NotJudged, *g)
		}
	}
	slices.SortFunc(r.Disagreements, compareGroups)
	slices.SortFunc(r.NotJudged, compareGroups)
	return r
}

type groupKey struct {
	judgement Judgement
	logged    string
	local     netip.AddrPort
	match     connector.Match
}

func add(groups map[groupKey]*Group, k groupKey, c *Client) {
	g := groups[k]
	if g == nil {
		g = &Group{Judgement: k.judgement, Logged: k.logged, Local: k.local, Predicted: k.match}
		groups[k] = g
	}
	g.Tally.Merge(c.Tally)
	if c.Remote.IsValid() {
		g.Clients = append(g.Clients, c.Remote.Addr())
	}
}

func compareGroups(a, b Group) int {
	return cmp.Or(int(a.Judgement)-int(b.Judgement), b.Tally.Sessions-a.Tally.Sessions, cmp.Compare(a.Logged, b.Logged), a.Local.Compare(b.Local),
		cmp.Compare(a.Predicted.String(), b.Predicted.String()))
}

// verdict is what is said of one client.
type verdict struct {
	judgement Judgement
	match     connector.Match // what the index predicts
	logged    connector.ID
}

// judge compares the connector of a client of a receive log with that of the index.
func judge(x *connector.Index, c *Client) (v verdict) {
	id, ok := c.ID()
	if !ok {
		return verdict{judgement: NoConnector}
	}
	v.logged = id
	if !c.Local.IsValid() || c.Local.Port() == 0 || !c.Remote.IsValid() {
		v.judgement = NoEndpoint
		return v
	}
	conn := connector.Conn{Server: id.Server, Local: c.Local, Remote: c.Remote.Addr()}
	v.match = x.Select(conn)
	switch {
	case v.match.Outcome() == connector.UnknownServer:
		v.judgement = UnknownServer
		return v
	case v.match.Outcome() == connector.InvalidConn:
		v.judgement = NoEndpoint
		return v
	case same(v.match.Connector(), id):
		v.judgement = Agrees
		return v
	case implicit(v.match):
		v.judgement = Implicit
		return v
	}
	v.judgement = UnknownConnector
	for _, s := range x.Explain(conn).Steps {
		if same(s.Connector, id) {
			v.judgement = causeOf(s.Reason)
			if v.match.Doubt().Has(connector.DoubtMissing) || s.Missing != 0 {
				v.judgement = Incomplete
			}
		}
	}
	return v
}

// same compares names as Exchange does, but for blanks at their ends, which logs and exports may lose.
func same(a, b connector.ID) bool {
	a.Name, b.Name = strings.TrimSpace(a.Name), strings.TrimSpace(b.Name)
	return a.Equal(b)
}

var implicitName = connector.MailboxDelivery(connector.Server{}).ID.Name

func implicit(m connector.Match) bool {
	const portMailboxDelivery = 475
	return m.Connector().Name == implicitName && m.Binding().Port() == portMailboxDelivery
}

func causeOf(r connector.Reason) Judgement {
	switch r {
	case connector.NotInRange:
		return NotInRange
	case connector.LostToNarrower:
		return Narrower
	case connector.LostToExactBinding:
		return ExactBinding
	case connector.LostTie:
		return Tie
	}
	return NotBound
}
