package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc002 = &Check{
	ID:       "RC002",
	Title:    "connector is never selected",
	Severity: Warning,
	Run:      checkRC002,
	Doc: `The connector is enabled, and no source is served by it at any endpoint of the server: wherever it listens,
other connectors have a narrower range for each of its addresses, or the same one on the exact local address. Or it has no binding of the family of its ranges. Whoever set it up
wanted something that does not happen: a relay that does not relay, a restriction that does not restrict.

The related connectors, of the first 64 such connectors of a server, are the smallest set that does it: with them and this one alone on the server it would still
never be selected, and with fewer of them it would be. The addresses are those that it lists.

Narrow the ranges that take its addresses, give it another binding, or remove it. Where it ties with another one, which
of the two is selected cannot be seen from outside, and the finding is only possible; where its bindings or ranges are
not known whole it is a note. Where the process of the other transport role has the port, it is RC008.

Source: the most specific range wins: Receive connectors (documented); the rest as Explain tells it.`,
}

func checkRC002(p *Pass) error {
	n := 0
	for _, h := range p.spaceOf().holdings {
		c := h.connector
		unknown := len(c.Bindings) == 0 && c.Missing.Has(connector.PropertyBindings) || len(c.RemoteIPRanges) == 0 && c.Missing.Has(connector.PropertyRemoteIPRanges)
		if !h.wins() && !unknown && !p.contested(c) {
			n++
			p.Report(p.unselected(c, n <= mostBlocked))
		}
	}
	return nil
}

// unselected returns the finding about a connector that wins nothing, if asked for with what comes before it.
func (p *Pass) unselected(c connector.ReceiveConnector, blocked bool) Finding {
	f := Finding{Subject: c.ID, Certainty: Certain, Addrs: c.RemoteIPRanges}
	if c.Missing&(connector.PropertyBindings|connector.PropertyRemoteIPRanges|connector.PropertyEnabled|connector.PropertyTransportRole) != 0 {
		f.Certainty = CannotTell
	}
	b := &blockers{}
	if blocked {
		b = p.blockersOf(c)
	}
	switch {
	case len(c.Bindings) == 0:
		f.Message = "is never selected: it has no binding"
	case len(c.RemoteIPRanges) == 0:
		f.Message = "is never selected: it has no range"
	case !blocked:
		f.Message = "is never selected, like many of this server, so what comes before it was not looked for"
	case len(b.space) == 0 && !slices.ContainsFunc(c.Bindings, func(e netip.AddrPort) bool { return e.Port() != portMailboxDelivery }):
		f.Message = fmt.Sprintf("is never selected: port %d belongs to the implicit connector of mailbox delivery", portMailboxDelivery)
	case len(b.space) == 0:
		f.Message = "is never selected: none of its bindings is of the family of a range"
	default:
		var smallest bool
		f.Related, smallest = b.smallest()
		f.Witness = p.look(connector.Conn{Server: p.Server, Local: b.at[0], Remote: firstOf(b.space[0])})
		if b.ties && f.Certainty == Certain {
			f.Certainty = PossiblyTrue
		}
		f.Message = fmt.Sprintf("is never selected: for each of its addresses %s comes first", strings.ReplaceAll(names(f.Related), ", ", " or "))
		if !smallest {
			f.Message += "; fewer may be enough"
		}
	}
	return f
}

// mostBlocked is for how many connectors of a server it is looked for what comes before them.
const mostBlocked = 64

// portMailboxDelivery is the port of [connector.MailboxDelivery].
const portMailboxDelivery = 475

// blockers are the connectors that come before another one, and what each of them leaves to it.
type blockers struct {
	at    []netip.AddrPort  // the endpoints at which the connector has something to win
	space []*netipx.IPSet   // what that is, by endpoint
	ids   []connector.ID    // who takes something of it
	left  [][]*netipx.IPSet // what it would win beside each of them alone, by endpoint
	ties  bool              // with one of them
}

// blockersOf asks what a connector would win beside each of the others alone.
func (p *Pass) blockersOf(c connector.ReceiveConnector) *blockers {
	b := &blockers{}
	about := connector.IPSet(c.RemoteIPRanges...).Ranges()
	alone := p.beside(c, about)
	for _, local := range p.Index.Endpoints(p.Server) {
		if set, _ := winsAt(alone, c.ID, local); !isEmpty(set) {
			b.at, b.space = append(b.at, local), append(b.space, set)
		}
	}
	for _, d := range p.Connectors() {
		if _, _, shared := c.SharesBinding(d); !shared || d.Disabled || d.ID.Equal(c.ID) || len(relevant(d.RemoteIPRanges, about)) == 0 {
			continue
		}
		x := p.beside(c, about, d)
		left := make([]*netipx.IPSet, len(b.at))
		takes := false
		for i, local := range b.at {
			set, tied := winsAt(x, c.ID, local)
			left[i] = set
			b.ties = b.ties || tied
			takes = takes || !isEmpty(less(b.space[i], set))
		}
		if takes {
			b.ids, b.left = append(b.ids, d.ID), append(b.left, left)
		}
	}
	return b
}

// winsAt returns what a connector wins at an endpoint, and whether any answer there is a tie.
func winsAt(x *connector.Index, id connector.ID, local netip.AddrPort) (won *netipx.IPSet, tied bool) {
	var set netipx.IPSetBuilder
	for region, m := range x.Regions(id.Server, local) {
		if m.Connector().Equal(id) {
			set.AddRange(region)
		}
		tied = tied || m.Doubt().Has(connector.DoubtTie)
	}
	won, _ = set.IPSet() // valid ranges do not fail
	return won, tied
}

// mostTries bounds the search for the smallest set.
const mostTries = 20_000

// smallest returns the fewest blockers that together leave nothing, and whether it is sure that fewer would not do: the search ends
// after a bounded number of tries, and then as few as were found by taking the one that takes most.
func (b *blockers) smallest() (ids []connector.ID, sure bool) {
	tries := 0
	for n := 1; n <= len(b.ids); n++ {
		if chosen, ok := b.search(b.space, n, &tries); ok {
			return chosen, true
		}
		if tries > mostTries {
			break
		}
	}
	return b.greedy(), false
}

// search looks for n blockers that leave nothing of what is open. One of them has to take the first address of it.
func (b *blockers) search(open []*netipx.IPSet, n int, tries *int) ([]connector.ID, bool) {
	e := slices.IndexFunc(open, func(s *netipx.IPSet) bool { return !isEmpty(s) })
	if e < 0 {
		return nil, true
	}
	first := open[e].Ranges()[0].From()
	for i, left := range b.left {
		if *tries++; n == 0 || *tries > mostTries {
			return nil, false
		}
		if left[e].Contains(first) {
			continue
		}
		if rest, ok := b.search(b.without(open, i), n-1, tries); ok {
			return append([]connector.ID{b.ids[i]}, rest...), true
		}
	}
	return nil, false
}

// without returns what a blocker leaves of what is open.
func (b *blockers) without(open []*netipx.IPSet, i int) []*netipx.IPSet {
	rest := make([]*netipx.IPSet, len(open))
	for e := range open {
		rest[e] = overlap(open[e], b.left[i][e])
	}
	return rest
}

// greedy takes blockers one by one, each time the first that takes the first address that is left.
func (b *blockers) greedy() (ids []connector.ID) {
	for open := b.space; ; {
		e := slices.IndexFunc(open, func(s *netipx.IPSet) bool { return !isEmpty(s) })
		if e < 0 {
			return ids
		}
		first := open[e].Ranges()[0].From()
		i := slices.IndexFunc(b.left, func(left []*netipx.IPSet) bool { return !left[e].Contains(first) })
		if i < 0 {
			return ids // which does not come: somebody wins it
		}
		ids, open = append(ids, b.ids[i]), b.without(open, i)
	}
}
