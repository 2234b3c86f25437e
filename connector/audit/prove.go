package audit

import (
	"errors"
	"fmt"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// prove returns the candidates that hold, the best first, and why the others do not. Of each group of alternatives only the first that
// holds is taken, and what comes behind it is not tried.
func (p *Pass) prove(f Finding, failing []attempt, groups [][]candidate) (proved []Fix, rejected []Rejected) {
	for _, group := range groups {
		for _, c := range group {
			fix, no := p.judge(f, failing, c)
			if no == nil {
				proved = append(proved, fix)
				break
			}
			no.Kind, no.Title = c.kind, c.title
			rejected = append(rejected, *no)
		}
	}
	slices.SortStableFunc(proved, func(a, b Fix) int { return slices.Compare(a.rank[:], b.rank[:]) })
	return distinct(proved), rejected
}

// distinct leaves out fixes that make the changes of a better one.
func distinct(fixes []Fix) (kept []Fix) {
	for _, f := range fixes {
		if !slices.ContainsFunc(kept, func(k Fix) bool { return slices.EqualFunc(k.Changes, f.Changes, sameChange) }) {
			kept = append(kept, f)
		}
	}
	return kept
}

func sameChange(a, b connector.Change) bool {
	same := func(x, y *connector.ReceiveConnector) bool {
		return x == nil && y == nil || x != nil && y != nil && x.Equal(*y)
	}
	return a.Target.Equal(b.Target) && same(a.Before, b.Before) && same(a.After, b.After)
}

// judge applies a candidate to a copy of the server's connectors, because a change of one server cannot matter to another, and
// tells whether there
//
//  1. the cmdlets accept every change,
//  2. every connection that failed reaches Exchange Server authentication, and the finding is gone,
//  3. no connection between servers that did before does not, and
//  4. no finding of its severity or above, and above a note, is new, or about addresses it was not about.
func (p *Pass) judge(f Finding, failing []attempt, c candidate) (Fix, *Rejected) {
	reject := func(why Rejection, format string, args ...any) (Fix, *Rejected) {
		return Fix{}, &Rejected{Changes: c.changes, Why: why, Detail: fmt.Sprintf(format, args...)}
	}
	if c.unknown != 0 {
		return reject(RejectedUnknown, "%s: %s", c.of, c.unknown)
	}
	if len(c.changes) == 0 {
		return reject(RejectedStillFails, "there is nothing to change")
	}
	server := f.Subject.Server
	before := p.only(server)
	for _, change := range c.changes {
		if what := p.unsayable(change); what != 0 {
			return reject(RejectedUnknown, "%s: %s, which the command would have to name", change.Target, what)
		}
	}
	if err := before.ValidateAll(c.changes...); err != nil {
		return reject(RejectedByCmdlet, "%v", firstRefusal(err))
	}
	after, err := before.Apply(c.changes...)
	if err != nil {
		return reject(RejectedByCmdlet, "%v", err)
	}
	y, err := connector.Compile(after)
	if err != nil {
		return reject(RejectedByCmdlet, "%v", err)
	}
	changed, doubt := newProber(p.traffic.places, y), connector.Doubt(0)
	for _, a := range failing {
		v := changed.again(a)
		if v.Authentication != connector.Authenticated {
			return reject(RejectedStillFails, "%s: %s", a.conn, v.Explanation.Match)
		}
		doubt |= v.Doubt
	}
	known := p.toward(server)
	for _, as := range [][]attempt{known.attempts, known.passed} {
		for _, a := range as {
			if a.verdict.Authentication != connector.Authenticated {
				continue
			}
			if v := changed.again(a); v.Authentication != connector.Authenticated {
				return reject(RejectedBreaksFlow, "%s: %s", a.flow, v.Explanation.Match)
			}
		}
	}
	later, err := p.audited(after, y, f)
	if err != nil {
		return reject(RejectedStillFails, "%v", err)
	}
	if slices.ContainsFunc(later, f.remains) {
		return reject(RejectedStillFails, "the finding is still there")
	}
	if l, ok := p.worse(f, later); ok {
		return reject(RejectedNewFinding, "%s %s %s", l.Check, l.Subject, l.Message)
	}
	x, err := connector.Compile(before)
	if err != nil {
		return reject(RejectedStillFails, "%v", err)
	}
	fix := Fix{Kind: c.kind, Title: c.title, Changes: c.changes, Moves: connector.Diff(x, y)}
	for _, change := range c.changes {
		added, removed := change.Ranges()
		fix.Ranges += len(added) + len(removed)
	}
	others := movesOthers(meant(f, failing, fix.Moves), fix.Moves) || slices.ContainsFunc(c.changes, movesUnknown)
	asked := []Access{AccessRelay}
	if len(failing) == 0 {
		asked = allAccess // a fix for servers is about servers; any other must not take anything from clients
	}
	access := accessChanges(x, y, server, endpoints(x, y, server), asked)
	relay := gainsRelay(access)
	lost := slices.ContainsFunc(c.changes, forgets) || after.ValidateAll(connector.Inverse(c.changes...)...) != nil
	takes := len(failing) == 0 && slices.ContainsFunc(access, AccessChange.Lost)
	for _, risk := range []struct {
		is   bool
		text string
	}{
		{others, "it moves other sources as well, or may"}, {relay, "it may let clients relay that cannot"}, {takes, "it takes from clients what they can do today"},
		{lost, "it could not be taken back as it was"}, {doubt != 0, "a decision that counts is in doubt"}, {c.guess, "whether that is what is meant only you know"},
	} {
		if risk.is {
			fix.Risks = append(fix.Risks, risk.text)
		}
	}
	fix.Safe = len(fix.Risks) == 0
	fix.rank = [...]int{one(others), one(relay), one(lost), one(doubt != 0 || takes), one(offersOthers(c.changes, failing)), fix.Ranges, len(fix.Changes), int(fix.Kind)}
	return fix, nil
}

// unsayable returns what a command would have to name of a connector and what is not known: on Exchange 2007 whole lists, from 2013 on the
// role of a new one.
func (p *Pass) unsayable(c connector.Change) connector.Properties {
	s, _ := p.Topology.Server(c.Target.Server)
	added, removed := c.Ranges()
	switch g := s.Version.Generation(); {
	case c.After == nil:
	case c.Before == nil && g >= connector.Generation2013 && c.After.TransportRole == 0:
		return connector.PropertyTransportRole
	case c.Before != nil && g == connector.Generation2007 && len(added)+len(removed) > 0:
		return c.After.Missing & connector.PropertyRemoteIPRanges
	}
	return 0
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// firstRefusal returns what the cmdlet would say: the first of the reasons.
func firstRefusal(err error) error {
	var r *connector.Refusal
	if errors.As(err, &r) {
		return r
	}
	return err
}

// offersOthers tells whether the changes give a connector that was there another mechanism or other groups, which all of its clients see
// then, and not only the failing ones. Where nobody at the endpoint has what they need, that is what the documents tell to do.
func offersOthers(changes []connector.Change, failing []attempt) bool {
	if slices.ContainsFunc(failing, func(a attempt) bool { return len(a.verdict.Capable) == 0 }) {
		return false
	}
	served := connector.IPSet(sources(failing)...)
	return slices.ContainsFunc(changes, func(c connector.Change) bool {
		if c.Before == nil || c.After == nil || c.After.Disabled {
			return false
		}
		same := c.Before.AuthMechanism == c.After.AuthMechanism && c.Before.PermissionGroups == c.After.PermissionGroups && c.Before.SuppressXAnonymousTLS == c.After.SuppressXAnonymousTLS
		return !same && (c.After.Missing.Has(connector.PropertyRemoteIPRanges) || slices.ContainsFunc(c.After.RemoteIPRanges, func(r connector.Range) bool { return !served.ContainsRange(r.Span()) }))
	})
}

// movesUnknown tells whether a change stops a connector from listening somewhere of which it is not known whom it serves.
func movesUnknown(c connector.Change) bool {
	if c.Before == nil || !c.Before.Missing.Has(connector.PropertyRemoteIPRanges) {
		return false
	}
	return c.After == nil || c.After.Disabled != c.Before.Disabled || c.After.TransportRole != c.Before.TransportRole || !slices.Equal(c.After.Bindings, c.Before.Bindings)
}

// movesOthers tells whether anything moves that was not meant to, or at an endpoint it was not meant for.
func movesOthers(meant map[uint16]*netipx.IPSet, moves []connector.Move) bool {
	return slices.ContainsFunc(moves, func(m connector.Move) bool {
		set := meant[m.Local.Port()]
		return set == nil || slices.ContainsFunc(m.Addrs, func(r connector.Range) bool { return !set.ContainsRange(r.Span()) })
	})
}

// gainsRelay tells whether some sources may relay without authenticating that could not, or not surely.
func gainsRelay(access []AccessChange) bool {
	return slices.ContainsFunc(access, func(a AccessChange) bool { return a.Access == AccessRelay && a.gained() })
}

// forgets tells whether a change removes a connector that could not be made again as it was, because more of it than its limits and
// extensions is not known.
func forgets(c connector.Change) bool {
	if c.Before == nil || c.After != nil {
		return false
	}
	const details = connector.PropertyExtensions | connector.PropertyLimits
	return c.Before.Missing&^details != 0 || !c.Before.Knows("Rights")
}

// meant returns the sources that a fix is to move, by the port they connect to: those that fail, or else those of the finding.
func meant(f Finding, failing []attempt, moves []connector.Move) map[uint16]*netipx.IPSet {
	if len(failing) == 0 {
		all, sets := connector.IPSet(f.Addrs...), make(map[uint16]*netipx.IPSet)
		for _, m := range moves {
			sets[m.Local.Port()] = all
		}
		return sets
	}
	byPort := make(map[uint16]*netipx.IPSetBuilder)
	for _, a := range failing {
		port := a.conn.Local.Port()
		if byPort[port] == nil {
			byPort[port] = new(netipx.IPSetBuilder)
		}
		byPort[port].Add(a.conn.Remote)
	}
	sets := make(map[uint16]*netipx.IPSet)
	for port, b := range byPort {
		sets[port], _ = b.IPSet() // valid addresses do not fail
	}
	return sets
}

// audited returns the findings of checks that can be as severe as f, and of its own, about one server and without fixes.
func (p *Pass) audited(t *connector.Topology, x *connector.Index, f Finding) ([]Finding, error) {
	q := &Pass{Topology: t, Index: x, ctx: p.ctx, traffic: p.traffic, connectors: connectorsOf(t), servers: []string{f.Subject.Server}, drift: p.drift, proving: true}
	for _, c := range p.checks {
		if c.Severity >= max(f.Severity, Warning) || c.ID == f.Check {
			q.checks = append(q.checks, c)
		}
	}
	err := q.run()
	return q.findings, err
}

// worse returns the first finding of a later audit of f's severity or above, and above a note, that today's has not, or not about all of
// its addresses.
func (p *Pass) worse(f Finding, later []Finding) (Finding, bool) {
	today := p.findings[p.today:]
	least := max(f.Severity, Warning)
	i := slices.IndexFunc(later, func(l Finding) bool {
		return l.Severity >= least && !slices.ContainsFunc(today, func(t Finding) bool { return t.covers(l) })
	})
	if i < 0 {
		return Finding{}, false
	}
	return later[i], true
}

// remains tells whether a finding of a later audit is f, about one of its addresses at least.
func (f Finding) remains(l Finding) bool {
	return f.same(l) && !l.settled && (len(f.Addrs) == 0 || connector.IPSet(f.Addrs...).Overlaps(connector.IPSet(l.Addrs...)))
}

// covers tells whether f says at least as much as l: the same, as severe, about all of l's addresses.
func (f Finding) covers(l Finding) bool {
	return f.same(l) && f.Severity >= l.Severity && f.contains(l.Addrs)
}
