package connector

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// Compile checks t and prepares it for questions. The index holds its own copy, so t may change afterwards. It takes
// O(n log n) time for n ranges on each local endpoint; nested, equal, partly overlapping and full-space ranges are all
// legal, and so is a connector without bindings or ranges, which never matches.
//
// The error joins a [*ModelError] for everything that cannot be used, in the order of the topology: a name that is
// missing, a server or connector given twice ([ErrDuplicate]), an invalid range, binding or address ([ErrInvalid]), a server
// with more than 1,024 local endpoints or 4 million ranges to compare at them, and more than 33 million connectors ([ErrTooLarge]).
func Compile(t *Topology) (*Index, error) { return compile(t, maxConnectors) }

func compile(t *Topology, most int) (*Index, error) {
	var check checker
	check.servers(t)
	x := &Index{connectors: make([]ReceiveConnector, 0, len(t.Connectors))}
	for i, c := range t.Connectors {
		check.connector(i, &c)
		c = c.Clone()
		c.Bindings = distinct(c.Bindings)
		x.connectors = append(x.connectors, c)
	}
	check.rest(t)
	if len(check.errs) > 0 {
		return nil, errors.Join(check.errs...)
	}
	at := make(map[string]int)
	serverAt := func(name string) *serverIndex {
		key := foldKey(name)
		i, ok := at[key]
		if !ok {
			i = len(x.servers)
			at[key] = i
			x.servers = append(x.servers, serverIndex{name: name})
		}
		return &x.servers[i]
	}
	frontend := t.frontends()
	for _, s := range t.Servers {
		serverAt(s.Name).receiver = receiverOf(s, frontend[foldKey(s.Name)])
	}
	for i, c := range x.connectors {
		s := serverAt(c.ID.Server)
		if s.receiver == nil {
			s.receiver = receiverOf(UnlistedServer(c.ID.Server), frontend[foldKey(c.ID.Server)])
		}
		s.connectors = append(s.connectors, i)
		s.bindingsMissing = s.bindingsMissing || !c.Disabled && c.Missing.Has(PropertyBindings)
	}
	for i := range x.servers {
		s := &x.servers[i]
		if s.delivery = -1; s.receiver.server.Version.IsValid() && flowServerOf(s.receiver.server, false).backEnd {
			s.delivery = len(x.connectors)
			x.connectors = append(x.connectors, MailboxDelivery(s.receiver.server))
		}
	}
	if err := tooMany("connectors", len(x.connectors), "of all servers", most); err != nil {
		return nil, err
	}
	var errs []error
	var cut cutter
	for i := range x.servers {
		errs = append(errs, x.compileServer(&x.servers[i], &cut))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(x.servers, func(a, b serverIndex) int { return compareFold(a.name, b.name) })
	x.byName = make(map[string]int, len(x.servers))
	for i, s := range x.servers {
		x.byName[s.name] = i
	}
	x.invalid, x.unknownServer = refuserOf(x, InvalidConn, 0), refuserOf(x, UnknownServer, 0)
	x.notListening, x.maybeNotListening = refuserOf(x, NotListening, 0), refuserOf(x, NotListening, DoubtMissing)
	return x, nil
}

// Limits far above what Exchange runs, so that hostile input cannot take all memory and a [decision] fits in a word: connectors in all; on
// one server local endpoints, and ranges counted once for each endpoint they compete at.
const (
	maxConnectors = 1 << connectorBits
	maxEndpoints  = 1 << bindingBits
	maxCompeting  = 1 << entryBits
)

// tooMany returns an error if n, of what is at path, is more than the most.
func tooMany(path string, n int, what string, most int) error {
	if n <= most {
		return nil
	}
	return &ModelError{Path: path, Err: fmt.Errorf("%d %s: %w, %d", n, what, ErrTooLarge, most)}
}

// distinct returns the bindings in the form that the index compares, each once, in order.
func distinct(bindings []netip.AddrPort) (bs []netip.AddrPort) {
	seen := make(map[netip.AddrPort]bool, len(bindings))
	for _, b := range bindings {
		if b = normalEndpoint(b); !seen[b] {
			seen[b] = true
			bs = append(bs, b)
		}
	}
	return bs
}

// compileServer makes a listener for each local endpoint that an enabled connector of the server is bound to.
func (x *Index) compileServer(s *serverIndex, cut *cutter) error {
	var endpoints []netip.AddrPort
	for _, i := range s.connectors {
		if !x.connectors[i].Disabled {
			endpoints = append(endpoints, x.connectors[i].Bindings...)
		}
	}
	slices.SortFunc(endpoints, netip.AddrPort.Compare)
	endpoints = slices.Compact(endpoints)
	if err := tooMany("server "+s.name, len(endpoints), "local endpoints", maxEndpoints); err != nil {
		return err
	}
	if s.delivery >= 0 {
		endpoints = slices.DeleteFunc(endpoints, func(e netip.AddrPort) bool { return e.Port() == portMailboxDelivery })
		endpoints = append(endpoints, x.connectors[s.delivery].Bindings...)
		slices.SortFunc(endpoints, netip.AddrPort.Compare)
	}
	competing := 0
	for _, local := range endpoints {
		for _, c := range x.contenders(s, local) {
			competing += len(x.connectors[c.connector].RemoteIPRanges)
		}
	}
	if err := tooMany("server "+s.name, competing, "ranges at its local endpoints together", maxCompeting); err != nil {
		return err
	}
	for _, local := range endpoints {
		s.listeners = append(s.listeners, x.compileListener(s, local, cut))
	}
	return nil
}

// contender is a connector that listens at an endpoint, and how.
type contender struct {
	connector int
	binding   int  // position in the connector's list
	exact     bool // the binding names the local address
}

func (c contender) rank() rank { return rank{exact: c.exact, connector: c.connector} }

// contenders returns the connectors of s that are enabled and bound to local, whatever their role, in decision order but for the ranges.
func (x *Index) contenders(s *serverIndex, local netip.AddrPort) []contender {
	var cs []contender
	connectors := s.connectors
	if s.delivers(local) {
		connectors = []int{s.delivery} // which no other connector can shadow
	}
	for _, i := range connectors {
		if reason, binding := approach(&x.connectors[i], local); reason == 0 {
			cs = append(cs, contender{i, binding, !x.connectors[i].Bindings[binding].Addr().IsUnspecified()})
		}
	}
	slices.SortFunc(cs, func(a, b contender) int { return compareRank(a.rank(), b.rank()) })
	return cs
}

// approach tells what keeps a connector from listening at a local endpoint, before role and source are looked at: zero if
// nothing does, and then the position of the binding that counts, the exact address before the wildcard.
func approach(c *ReceiveConnector, local netip.AddrPort) (reason Reason, binding int) {
	if c.Disabled {
		return Disabled, -1
	}
	wildcard := -1
	furthest := OtherPort
	for i, b := range c.Bindings {
		switch {
		case b == local:
			return 0, i
		case b.Port() != local.Port():
		case b.Addr().Is4() != local.Addr().Is4():
			furthest = max(furthest, OtherFamily)
		case b.Addr().IsUnspecified():
			wildcard = i
		default:
			furthest = OtherAddress
		}
	}
	if wildcard >= 0 {
		return 0, wildcard
	}
	return furthest, -1
}

// owner returns the transport role of the process that has the endpoint, and whether both roles claim it: the Transport
// service then answers. An unset role competes with all.
func (x *Index) owner(cs []contender) (role TransportRole, shared bool) {
	var hub, frontend bool
	for _, c := range cs {
		switch x.connectors[c.connector].TransportRole {
		case HubTransport:
			hub = true
		case FrontendTransport:
			frontend = true
		}
	}
	switch {
	case hub:
		return HubTransport, frontend
	case frontend:
		return FrontendTransport, false
	}
	return 0, false
}

// competes tells whether a connector belongs to the process that has the endpoint.
func (c *ReceiveConnector) competes(owner TransportRole) bool {
	return c.TransportRole == 0 || owner == 0 || c.TransportRole == owner
}

func (x *Index) compileListener(s *serverIndex, local netip.AddrPort, cut *cutter) *listener {
	v4 := local.Addr().Is4()
	contenders := x.contenders(s, local)
	owner, shared := x.owner(contenders)
	u := x.unknowns(s, local, contenders, owner)
	contenders = slices.DeleteFunc(contenders, func(c contender) bool { return !x.connectors[c.connector].competes(owner) })
	ranges := 0
	for _, c := range contenders {
		ranges += len(x.connectors[c.connector].RemoteIPRanges)
	}
	cut.reset(v4, ranges)
	doubts := Doubt(0)
	if shared {
		doubts |= DoubtRole
	}
	for _, c := range contenders {
		selected := selection(c.connector, c.binding).in(doubts)
		list := x.connectors[c.connector].RemoteIPRanges
		for entry := range list {
			r := &list[entry]
			if r.first.Is4() != v4 {
				continue
			}
			d := selected.by(entry)
			if u.any() && u.couldChange(rank{r.size(), c.exact, c.connector, entry}) {
				d = d.in(DoubtMissing)
			}
			cut.add(r, c.exact, d)
		}
	}
	if u.couldBeServed() {
		doubts |= DoubtMissing
	}
	return &listener{x, local, v4, owner, *cut.cut(refusal(NoRange, doubts))}
}

// unknowns is what the missing properties of a server's connectors could do at one endpoint.
type unknowns struct {
	all  bool         // every answer is in doubt
	won  map[int]bool // answers by these connectors are, because they may be disabled
	best []rank       // the best that a connector could hold beyond what is known, and the best that another one could
}

func (x *Index) unknowns(s *serverIndex, local netip.AddrPort, all []contender, owner TransportRole) unknowns {
	u := unknowns{won: make(map[int]bool)}
	for _, c := range all {
		rc := &x.connectors[c.connector]
		if rc.Missing.Has(PropertyTransportRole) && len(all) > 1 {
			u.all = true
		}
		if rc.Missing.Has(PropertyEnabled) {
			u.won[c.connector] = true
		}
		if rc.Missing.Has(PropertyRemoteIPRanges) && rc.competes(owner) {
			u.best = append(u.best, c.rank())
		}
	}
	for _, i := range s.connectors {
		rc := &x.connectors[i]
		if rc.Disabled || !rc.Missing.Has(PropertyBindings) {
			continue
		}
		if r, ok := rc.narrowestOf(local.Addr().Is4()); ok {
			u.best = append(u.best, rank{size: r, exact: !local.Addr().IsUnspecified(), connector: i})
		}
	}
	slices.SortFunc(u.best, compareRank)
	if len(u.best) > 0 {
		best := u.best[0]
		others := slices.DeleteFunc(u.best[1:], func(r rank) bool { return r.connector == best.connector })
		u.best = append(u.best[:1], others[:min(1, len(others))]...)
	}
	return u
}

// narrowestOf returns the size of the narrowest range of a family that the connector lists, or may list: a single address
// if its list is incomplete.
func (c *ReceiveConnector) narrowestOf(v4 bool) (least u128.Uint128, ok bool) {
	if c.Missing.Has(PropertyRemoteIPRanges) {
		return u128.Uint128{}, true
	}
	for _, r := range c.RemoteIPRanges {
		if r.first.Is4() == v4 && (!ok || r.size().Less(least)) {
			least, ok = r.size(), true
		}
	}
	return least, ok
}

// couldChange tells whether another connector might win where this rank does if all were known. It does not look at the source, so of a
// connector that may be bound to the endpoint any range counts.
func (u *unknowns) couldChange(w rank) bool {
	if u.all || u.won[w.connector] {
		return true
	}
	for _, r := range u.best {
		if r.connector != w.connector && compareVisible(r, w) <= 0 {
			return true
		}
	}
	return false
}

// any tells whether anything is unknown that matters.
func (u *unknowns) any() bool { return u.all || len(u.won) > 0 || len(u.best) > 0 }

// couldBeServed tells whether a connector might serve a source that none is known to.
func (u *unknowns) couldBeServed() bool { return u.all || len(u.best) > 0 }
