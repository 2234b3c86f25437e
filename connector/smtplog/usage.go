package smtplog

import (
	"cmp"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// ConnectorUsage is who used one receive connector.
type ConnectorUsage struct {
	Connector  connector.ID
	Configured bool // the topology has it
	All        Tally
	Ranges     []RangeUsage // in the order of the configuration, those nobody used included
	// Outside is who came through the connector though none of its ranges holds them now, or from where the logs do not tell.
	Outside RangeUsage
	Beyond  int // sessions of clients that are too many to be kept
}

// RangeUsage is who was served by one entry of RemoteIPRanges: the narrowest of the connector that holds the source.
type RangeUsage struct {
	Range   connector.Range // the zero Range of Outside
	All     Tally
	Sources []Source // most sessions first, then by address
}

// Source is a client address that used a connector, over whichever endpoint.
type Source struct {
	Addr netip.Addr // the zero Addr if the logs do not tell
	Tally
}

// Wide tells whether the range holds more than 256 addresses, or in IPv6 more than a /64: sources that only such a range catches are
// those to look at before it is narrowed.
func (r *RangeUsage) Wide() bool {
	if !r.Range.IsValid() {
		return false
	}
	most := big.NewInt(256)
	if r.Range.Span().From().Is6() {
		most.Lsh(big.NewInt(1), 64)
	}
	return r.Range.Size().Cmp(most) > 0
}

// Unused returns the ranges that nobody used, in the order of the configuration: nobody of those who are kept, if Beyond is not 0.
func (u *ConnectorUsage) Unused() (unused []connector.Range) {
	for _, r := range u.Ranges {
		if r.All.Sessions == 0 {
			unused = append(unused, r.Range)
		}
	}
	return unused
}

// Usage tells who used each receive connector of a topology, and of the logs: first those of the topology in its order, then the others by
// name, then, without a name, connectors that are too many to be kept. A source stands under the narrowest range of the connector that holds
// it, whether or not the topology would have the connector serve it, see [connector.ReceiveConnector.NarrowestRange].
func (t *Traffic) Usage(top *connector.Topology) []ConnectorUsage {
	list := make([]ConnectorUsage, len(top.Connectors))
	sources := make([]sourceTallies, len(top.Connectors))
	for i, c := range top.Connectors {
		list[i] = ConnectorUsage{Connector: c.ID, Configured: true}
		for _, r := range c.RemoteIPRanges {
			list[i].Ranges = append(list[i].Ranges, RangeUsage{Range: r})
		}
		sources[i] = make(sourceTallies)
	}
	configured, others := len(list), Tally{}
	for _, c := range t.Connectors() {
		switch c.Direction {
		case Send:
			continue
		case Receive:
		default:
			others = c.All
			continue
		}
		id, err := connector.ParseID(c.Connector)
		if err != nil {
			id = connector.ID{Server: c.Connector} // which prints as it is
		}
		i := slices.IndexFunc(list, func(u ConnectorUsage) bool { return same(u.Connector, id) })
		if i < 0 {
			list, sources = append(list, ConnectorUsage{Connector: id}), append(sources, make(sourceTallies))
			i = len(list) - 1
		}
		list[i].All.Merge(c.All)
		list[i].Beyond += c.Beyond
		for _, client := range c.Clients {
			var by connector.Range
			if i < configured {
				by, _ = top.Connectors[i].NarrowestRange(client.Remote.Addr())
			}
			sources[i].add(by, &client)
		}
	}
	for i := range list {
		sources[i].fill(&list[i])
	}
	slices.SortFunc(list[configured:], func(a, b ConnectorUsage) int { return a.Connector.Compare(b.Connector) })
	if others.Sessions > 0 {
		list = append(list, ConnectorUsage{All: others, Beyond: others.Sessions})
	}
	return list
}

// sourceTallies counts by range and source.
type sourceTallies map[sourceKey]*Tally

type sourceKey struct {
	by   connector.Range
	addr netip.Addr
}

func (s sourceTallies) add(by connector.Range, c *Client) {
	k := sourceKey{by, c.Remote.Addr()}
	if s[k] == nil {
		s[k] = new(Tally)
	}
	s[k].Merge(c.Tally)
}

// fill puts the sources under their ranges. An entry that stands there twice is used where it stands first.
func (s sourceTallies) fill(u *ConnectorUsage) {
	at := make(map[connector.Range]*RangeUsage)
	for i := range u.Ranges {
		if r := &u.Ranges[i]; at[r.Range] == nil {
			at[r.Range] = r
		}
	}
	for k, tally := range s {
		r := at[k.by]
		if r == nil {
			r = &u.Outside
		}
		r.All.Merge(*tally)
		r.Sources = append(r.Sources, Source{k.addr, *tally})
	}
	order := func(a, b Source) int { return cmp.Or(b.Sessions-a.Sessions, a.Addr.Compare(b.Addr)) }
	slices.SortFunc(u.Outside.Sources, order)
	for i := range u.Ranges {
		slices.SortFunc(u.Ranges[i].Sources, order)
	}
}

// Authentication returns the mechanisms with which sessions of the tally authenticated, as commands name them: "AUTH LOGIN, X-EXPS".
func (t *Tally) Authentication() string {
	var names []string
	for _, m := range []struct {
		trait Traits
		name  string
	}{{AuthLogin, "AUTH LOGIN"}, {AuthNTLM, "AUTH NTLM"}, {AuthGSSAPI, "AUTH GSSAPI"}, {AuthOther, "another"}, {AuthXEXPS, "X-EXPS"}, {AuthExchange, "X-EXPS EXCHANGEAUTH"}} {
		if t.Traits.Of(m.trait) > 0 {
			names = append(names, m.name)
		}
	}
	return strings.Join(names, ", ")
}
