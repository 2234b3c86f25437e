package smtplog

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Client is what one source did at one local endpoint through one connector; of a send log, what the server did at one remote endpoint.
type Client struct {
	Direction Direction `json:"direction"`
	Connector string    `json:"connector"` // as the log has it
	// The server's end and the other one, without zones; the zero AddrPort if the log does not tell. The port that whoever connected took
	// is 0: it is another one each time.
	Local  netip.AddrPort `json:"local,omitzero"`
	Remote netip.AddrPort `json:"remote,omitzero"`
	Tally
}

// ID returns the connector of a receive log; false if the log has no SERVER\Name.
func (c *Client) ID() (connector.ID, bool) {
	id, err := connector.ParseID(c.Connector)
	return id, err == nil && c.Direction == Receive
}

type connectorKey struct {
	direction Direction
	name      string
}

func (k connectorKey) compare(o connectorKey) int {
	return cmp.Or(cmp.Compare(k.direction, o.direction), cmp.Compare(k.name, o.name))
}

type clientKey struct{ local, remote netip.AddrPort }

func (k clientKey) compare(o clientKey) int {
	return cmp.Or(k.local.Compare(o.local), k.remote.Compare(o.remote))
}

// connectorTraffic is what came through one connector: by client, and of clients that are too many together.
type connectorTraffic struct {
	clients *sample[clientKey, *Tally]
	beyond  Tally
}

// all adds up everything.
func (c *connectorTraffic) all() Tally {
	sum := c.beyond
	for _, t := range c.clients.entries {
		sum.Merge(*t)
	}
	return sum
}

// list returns the clients in order.
func (c *connectorTraffic) list(k connectorKey) []Client {
	list := make([]Client, 0, len(c.clients.entries))
	for _, ends := range c.clients.sorted(clientKey.compare) {
		list = append(list, Client{k.direction, k.name, ends.local, ends.remote, *c.clients.entries[ends]})
	}
	return list
}

// Bounds of what is kept. A connector sees more clients only if it faces the internet.
const (
	mostConnectors = 1 << 12
	mostClients    = 1 << 17 // of one connector
	mostOpen       = 1 << 15
	mostExamples   = 3 // of problems of a kind
)

// Problem is what was wrong with logs, in one way.
type Problem struct {
	Err      error        // one of the Err values of this package, or another one that ended the reading of a file
	Count    int          // lines
	Examples []*LineError // the first ones, by file and line
}

// Traffic is what logs tell, counted: which clients reached which connector over which endpoint, and what they did. It does not depend on
// a topology. Memory grows with the number of clients, and not with that of sessions; of more than 131,072 clients of one connector those
// are kept that a hash picks, and the others are in the totals only.
//
// Traffics merge: that of a folder is that of its parts, however it is parted, sessions that go on from one part to another included. Only
// where a part of a session that is not its first one is longer than 8 KB, what the first lines would explain of the later ones - whether it is
// encrypted, which mechanism a reply is about - is known to nobody but a Reader that reads both. The zero Traffic is empty. It must not be
// copied, and is not safe for concurrent use.
type Traffic struct {
	// Files, Lines and Records tell how much was read. Lines are all of them, headers and empty ones included.
	Files, Lines, Records int
	// Interrupted: not all of it was read, see [Reader.Read].
	Interrupted bool

	connectors *sample[connectorKey, *connectorTraffic]
	beyond     Tally                        // of connectors that are too many
	open       *sample[openKey, *[]Session] // pieces of sessions whose beginning or end is not there
	problems   map[string]*Problem
	closed     *Traffic // what settled returned; nil once something is added
}

// openKey tells sessions apart. The ports are there.
type openKey struct {
	direction     Direction
	connector, id string
	local, remote netip.AddrPort
}

func (t *Traffic) init() {
	if t.connectors != nil {
		return
	}
	t.connectors = newSample[connectorKey, *connectorTraffic](mostConnectors, func(k connectorKey) []byte { return append([]byte{byte(k.direction)}, k.name...) }, nil)
	t.open = newSample[openKey, *[]Session](mostOpen, func(k openKey) []byte { return fmt.Append(nil, k) }, nil)
	t.problems = make(map[string]*Problem)
	t.bind()
}

// bind makes t the one that is told what its samples give up.
func (t *Traffic) bind() {
	t.connectors.dropped = func(c *connectorTraffic) { t.beyond.Merge(c.all()) }
	t.open.dropped = func(pieces *[]Session) {
		for i := range *pieces {
			t.count(&(*pieces)[i])
		}
	}
}

func newConnectorTraffic() *connectorTraffic {
	c := new(connectorTraffic)
	c.clients = newSample(mostClients, func(k clientKey) []byte {
		b, _ := k.local.AppendBinary(nil) // which never fails
		b, _ = k.remote.AppendBinary(b)
		return b
	}, func(t *Tally) { c.beyond.Merge(*t) })
	return c
}

// Add counts a session. A piece of one is kept until the others come, of this Traffic or one that is merged; of more than 32,768 sessions in
// pieces those that a hash does not pick count as one for each piece.
func (t *Traffic) Add(s Session) {
	t.init()
	t.closed = nil
	if s.Whole() {
		t.count(&s)
		return
	}
	k := openKey{s.Direction, s.Connector, s.ID, s.Local, s.Remote}
	if s.Direction == Send {
		k.local = netip.AddrPort{} // it may come later
	}
	pieces, ok := t.open.get(k, func() *[]Session { return new([]Session) })
	if !ok {
		t.count(&s)
		return
	}
	*pieces = append(*pieces, s)
}

// count counts a session that is complete as far as it goes.
func (t *Traffic) count(s *Session) {
	tally := t.tally(s)
	tally.add(s)
	tally.Example.merge(Example{s.ID, s.First, s.Source})
}

// countLive is count without making the text of an ID that nobody needs.
func (t *Traffic) countLive(s *live) {
	tally := t.tally(&s.Session)
	tally.add(&s.Session)
	if tally.Sessions == 1 || !tally.Example.At.Before(s.First) {
		tally.Example.merge(Example{text(s.id), s.First, s.Source})
	}
}

// tally returns the one that a session belongs to.
func (t *Traffic) tally(s *Session) *Tally {
	c, ok := t.connectors.get(connectorKey{s.Direction, s.Connector}, newConnectorTraffic)
	if !ok {
		return &t.beyond
	}
	k := clientKey{bare(s.Local), bare(s.Remote)}
	if s.Direction == Send {
		k.local = netip.AddrPortFrom(k.local.Addr(), 0)
	} else {
		k.remote = netip.AddrPortFrom(k.remote.Addr(), 0)
	}
	if tally, ok := c.clients.get(k, newTally); ok {
		return tally
	}
	return &c.beyond
}

func newTally() *Tally { return new(Tally) }

func bare(e netip.AddrPort) netip.AddrPort {
	if e.Addr().Is4() || e.Addr().Zone() == "" {
		return e
	}
	return netip.AddrPortFrom(e.Addr().WithZone(""), e.Port())
}

// Note counts what was wrong with a log: an error of [Records], [Sessions] or [Reader.Read].
func (t *Traffic) Note(err error) {
	var e *LineError
	if !errors.As(err, &e) {
		e = &LineError{Err: err}
	}
	t.note(e, 1)
}

func (t *Traffic) note(e *LineError, n int) {
	t.init()
	cause := cmp.Or(reason(e.Err), e.Err)
	p := t.problems[cause.Error()]
	if p == nil {
		p = &Problem{Err: cause}
		t.problems[cause.Error()] = p
	}
	p.Count += n
	if len(p.Examples) == mostExamples && compareLines(e, p.Examples[mostExamples-1]) >= 0 {
		return
	}
	i, found := slices.BinarySearchFunc(p.Examples, e, compareLines)
	if !found {
		p.Examples = slices.Insert(p.Examples, i, e)
		p.Examples = p.Examples[:min(len(p.Examples), mostExamples)]
	}
}

func compareLines(a, b *LineError) int {
	return cmp.Or(cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Line, b.Source.Line), cmp.Compare(a.Text, b.Text),
		cmp.Compare(a.Err.Error(), b.Err.Error()))
}

// Merge adds what another Traffic holds, which stays as it is. In which order Traffics are merged, and how they are grouped, makes no
// difference to what they tell.
func (t *Traffic) Merge(o *Traffic) {
	t.init()
	o.init()
	t.closed = nil
	t.Files += o.Files
	t.Lines += o.Lines
	t.Records += o.Records
	t.Interrupted = t.Interrupted || o.Interrupted
	t.beyond.Merge(o.beyond)
	t.connectors.lower(o.connectors.bound)
	for k, from := range o.connectors.entries {
		to, ok := t.connectors.get(k, newConnectorTraffic)
		if !ok {
			t.beyond.Merge(from.all())
			continue
		}
		to.beyond.Merge(from.beyond)
		to.clients.lower(from.clients.bound)
		for k, tally := range from.clients.entries {
			mine, ok := to.clients.get(k, newTally)
			if !ok {
				mine = &to.beyond
			}
			mine.Merge(*tally)
		}
	}
	t.open.lower(o.open.bound)
	for _, pieces := range o.open.entries {
		for _, s := range *pieces {
			t.Add(s)
		}
	}
	for _, p := range o.problems {
		t.note(p.Examples[0], p.Count)
		for _, e := range p.Examples[1:] {
			t.note(e, 0)
		}
	}
}

// settled returns t with the pieces that are open counted as sessions, those of one session as one; t stays as it is.
func (t *Traffic) settled() *Traffic {
	t.init()
	t.open.trim()
	if len(t.open.entries) == 0 {
		return t
	}
	if t.closed != nil {
		return t.closed
	}
	s := new(Traffic)
	s.Merge(t)
	open := s.open.entries
	s.open.entries = make(map[openKey]*[]Session)
	for _, pieces := range open {
		slices.SortFunc(*pieces, comparePieces)
		whole := joined(*pieces)
		s.count(&whole)
	}
	t.closed = s
	return s
}

func comparePieces(a, b Session) int {
	return cmp.Or(a.First.Compare(b.First), a.Last.Compare(b.Last), cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Line, b.Source.Line), cmp.Compare(a.ID, b.ID))
}

// Total returns all sessions.
func (t *Traffic) Total() Tally {
	s := t.settled()
	sum := s.beyond
	for _, c := range s.connectors.entries {
		sum.Merge(c.all())
	}
	return sum
}

// ConnectorTraffic is what came through one connector. One without Direction and name is about all connectors that are too many.
type ConnectorTraffic struct {
	Direction Direction
	Connector string   // as the logs have it
	Clients   []Client // by local and remote endpoint
	// All is everything, whatever the number of clients; Beyond is how many sessions are those of clients that are too many to be kept.
	All    Tally
	Beyond int
}

// Connectors returns what came through each connector, receive logs first, by name; at the end, if there are more than 4,096, what came
// through those that a hash does not pick. Slices and what they hold are the caller's.
func (t *Traffic) Connectors() []ConnectorTraffic {
	s := t.settled()
	var list []ConnectorTraffic
	for _, k := range s.connectors.sorted(connectorKey.compare) {
		c := s.connectors.entries[k]
		clients := c.list(k)
		list = append(list, ConnectorTraffic{k.direction, k.name, clients, c.all(), c.beyond.Sessions})
	}
	if s.beyond.Sessions > 0 {
		list = append(list, ConnectorTraffic{All: s.beyond, Beyond: s.beyond.Sessions})
	}
	return list
}

// Problems returns what was wrong with the logs, in the order of the Err values, then anything else by its text.
func (t *Traffic) Problems() []Problem {
	t.init()
	rank := func(p Problem) int {
		for i, k := range kinds {
			if p.Err == k.err {
				return i
			}
		}
		return len(kinds)
	}
	var list []Problem
	for _, p := range t.problems {
		list = append(list, Problem{p.Err, p.Count, slices.Clone(p.Examples)})
	}
	slices.SortFunc(list, func(a, b Problem) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a.Err.Error(), b.Err.Error())) })
	return list
}
