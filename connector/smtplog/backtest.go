package smtplog

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Losses are what clients did in the logs and cannot do after a change. Zero is "None".
type Losses uint8

const (
	LosesConnection     Losses = 1 << iota // no connector serves it any more
	LosesServerAuth                        // Exchange Server authentication: its queues get 451 5.7.3
	LosesAuthentication                    // as a user, with the mechanism it used
	LosesSubmission                        // mail without authentication, in clear if it was sent like that
	LosesRelay                             // mail to foreign domains; whether it was sent, the logs do not tell
	LosesTLS                               // STARTTLS
)

var lossNames = [...]string{"the connection", "Exchange Server authentication", "authentication", "submission", "relay", "TLS"}

// Has tells whether all losses of f are in l.
func (l Losses) Has(f Losses) bool { return l&f == f }

// String prints "authentication, relay", or "None".
func (l Losses) String() string {
	if l == 0 {
		return "None"
	}
	var names []string
	for i, name := range lossNames {
		if l&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Use is something that the logs show a client to do, and that it may lose. As Peer it can still do so if it gets as far as Stage, see
// [connector.Index.Reach].
type Use struct {
	Loses Losses // if it cannot any more, one of them
	Peer  connector.Peer
	Stage connector.Stage
}

// mechanisms are those of users.
var mechanisms = [...]struct {
	trait     Traits
	mechanism connector.AuthMechanism // zero: the best that is offered
}{{AuthLogin, connector.AuthBasic}, {AuthNTLM, connector.AuthIntegrated}, {AuthGSSAPI, connector.AuthIntegrated}, {AuthOther, 0}}

// Uses returns what the logs show a client to do. Several clients may be behind one source, so what one session did and another did not are
// uses of their own. That a client which sends mail relays, too, is a use that the logs cannot rule out. The slice is the caller's.
func (c *Client) Uses() (uses []Use) {
	seen := c.Traits.Seen()
	if seen.Any(AuthServer | TookXAnonymousTLS) {
		uses = append(uses, Use{LosesServerAuth, connector.Peer{}, connector.StageAuthenticate})
	}
	if seen.Has(TookSTARTTLS) {
		uses = append(uses, Use{LosesTLS, connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSInsists}, connector.StageEncrypt})
	}
	client := func(p connector.Peer, loss Losses, stage connector.Stage) {
		uses = append(uses, Use{loss, p, stage}, Use{LosesRelay, p, connector.StageForeignRecipient})
	}
	policies := func(inClear bool, withTLS bool) (list []connector.TLSPolicy) {
		if inClear || !withTLS {
			list = append(list, connector.TLSNever)
		}
		if withTLS {
			list = append(list, connector.TLSIfOffered)
		}
		return list
	}
	if n := c.Traits.Of(MailAnonymous); n > 0 {
		bare := c.Traits.Of(MailBare)
		for _, tls := range policies(bare > 0, n > bare) {
			client(connector.Peer{Kind: connector.PeerAnonymous, TLS: tls}, LosesSubmission, connector.StageAcceptedRecipient)
		}
	}
	for _, m := range mechanisms {
		if !seen.Has(m.trait) {
			continue
		}
		for _, tls := range policies(seen.Has(AuthInClear), seen.Has(AuthWithTLS)) {
			client(connector.Peer{Kind: connector.PeerUser, Mechanism: m.mechanism, TLS: tls}, LosesAuthentication, connector.StageAuthenticate)
		}
	}
	return uses
}

// ClientGroup is clients of the logs that a change concerns alike.
type ClientGroup struct {
	Server   string
	Local    netip.AddrPort
	From, To connector.ID // by the names before and after; the zero ID is "refused"
	Moves    bool         // another connector serves them afterwards; else they keep theirs and lose something. One that is gone may have left its name
	Loses    Losses
	MayLose  Losses // what decides it is not known
	Tally    Tally
	Clients  []Client // most sessions first, then by address
	// Disagree is how many of the sessions the logs have at another connector than From.
	Disagree int
}

// BackTest is what a change would have meant for the sessions of logs.
type BackTest struct {
	Sessions int // that could be judged
	Moved    int // of them those that another connector would have served, or none
	Losing   int // of them those of clients that would have lost something, or may have
	// Groups are by what they lose, most of it first, then those with most sessions.
	Groups    []ClientGroup
	NotJudged int // sessions of receive logs whose connector cannot be told before or after
}

// BackTest tells which clients of the receive logs another connector would have served, and what they would have lost, if the changes had
// been made to the topology before: each client is asked about as what the logs show it to be. That the cmdlets accept the changes is not
// asked. The errors are those of [connector.Compile] and [connector.Topology.Apply].
func (t *Traffic) BackTest(before *connector.Topology, changes ...connector.Change) (*BackTest, error) {
	after, err := before.Apply(changes...)
	if err != nil {
		return nil, err
	}
	x, err := connector.Compile(before)
	if err != nil {
		return nil, err
	}
	y, err := connector.Compile(after)
	if err != nil {
		return nil, err
	}
	b := &backTester{x: x, y: y, renamed: connector.Renamed(changes...), known: make(map[ability]connector.StepState), groups: make(map[lossKey]*ClientGroup)}
	for _, c := range t.Connectors() {
		if c.Direction == Send {
			continue
		}
		b.NotJudged += c.Beyond
		for _, client := range c.Clients {
			b.client(&client)
		}
	}
	return b.result(), nil
}

type backTester struct {
	BackTest
	x, y    *connector.Index // before and after
	renamed map[connector.ID]connector.ID
	known   map[ability]connector.StepState
	groups  map[lossKey]*ClientGroup
}

// ability is a question to a simulation. The answer depends on the connector and not on the source.
type ability struct {
	x     *connector.Index
	match connector.Match
	peer  connector.Peer
	stage connector.Stage
}

type lossKey struct {
	server       string
	local        netip.AddrPort
	from, to     connector.ID
	moves        bool
	loses, might Losses
}

func (b *backTester) client(c *Client) {
	v := judge(b.x, c)
	if v.match == (connector.Match{}) || v.judgement == UnknownServer || v.judgement == NoEndpoint {
		b.NotJudged += c.Sessions
		return
	}
	conn := connector.Conn{Server: v.logged.Server, Local: c.Local, Remote: c.Remote.Addr()}
	was, is := v.match, b.y.Select(conn)
	b.Sessions += c.Sessions
	k := lossKey{server: conn.Server, local: c.Local, from: was.Connector(), to: is.Connector()}
	k.moves = connector.ChangesHands(k.from, k.to, b.renamed)
	switch {
	case was.Outcome() == connector.Selected && is.Outcome() != connector.Selected:
		k.loses = LosesConnection
	case was.Outcome() == connector.Selected:
		k.loses, k.might = b.losses(passage{conn, was, is, k.moves}, c)
	}
	if !k.moves && k.loses|k.might == 0 {
		return
	}
	if k.moves {
		b.Moved += c.Sessions
	}
	if k.loses|k.might != 0 {
		b.Losing += c.Sessions
	}
	g := b.groups[k]
	if g == nil {
		g = &ClientGroup{Server: k.server, Local: k.local, From: k.from, To: k.to, Moves: k.moves, Loses: k.loses, MayLose: k.might}
		b.groups[k] = g
	}
	g.Tally.Merge(c.Tally)
	g.Clients = append(g.Clients, *c)
	if v.judgement != Agrees {
		g.Disagree += c.Sessions
	}
}

// passage is what becomes of the connections of a client.
type passage struct {
	conn    connector.Conn
	was, is connector.Match
	moves   bool
}

// losses compares what the client does before and after.
func (b *backTester) losses(p passage, c *Client) (sure, perhaps Losses) {
	seen := c.Traits.Seen()
	for _, u := range c.Uses() {
		before, after := b.able(ability{b.x, p.was, u.Peer, u.Stage}, p.conn), b.able(ability{b.y, p.is, u.Peer, u.Stage}, p.conn)
		if u.Loses == LosesRelay && seen.Has(RelayGranted) && p.moves {
			before = connector.StepDone // the logs have the right
		}
		switch {
		case before == connector.StepRefused || after == connector.StepDone:
		case after == connector.StepRefused && before == connector.StepDone:
			sure |= u.Loses
		case before != after || p.moves:
			perhaps |= u.Loses
		}
	}
	return sure, perhaps &^ sure
}

// able tells whether a peer gets as far as a stage.
func (b *backTester) able(a ability, conn connector.Conn) connector.StepState {
	state, ok := b.known[a]
	if !ok {
		state = a.x.Reach(conn, a.peer, a.stage)
		b.known[a] = state
	}
	return state
}

func (b *backTester) result() *BackTest {
	for _, g := range b.groups {
		slices.SortFunc(g.Clients, func(a, b Client) int { return cmp.Or(b.Sessions-a.Sessions, a.Remote.Compare(b.Remote)) })
		b.Groups = append(b.Groups, *g)
	}
	weight := func(l Losses) int { // the first loss is the worst
		for i := range lossNames {
			if l&(1<<i) != 0 {
				return i
			}
		}
		return len(lossNames)
	}
	slices.SortFunc(b.Groups, func(a, b ClientGroup) int {
		return cmp.Or(weight(a.Loses)-weight(b.Loses), weight(a.MayLose)-weight(b.MayLose), b.Tally.Sessions-a.Tally.Sessions,
			cmp.Compare(a.Server, b.Server), a.Local.Compare(b.Local), a.From.Compare(b.From), a.To.Compare(b.To))
	})
	return &b.BackTest
}
