package audit

import (
	"fmt"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc001 = &Check{
	ID:       idCaptured,
	Title:    "server-to-server mail lands on a connector without Exchange Server authentication",
	Severity: Error,
	Run:      checkRC001,
	Doc: `Exchange servers insist on Exchange Server authentication among themselves. The receiving server
picks one connector by the source address, the one with the narrowest matching range, and tries no other. If a
relay connector's range covers other Exchange servers, it takes their mail, offers them no X-ANONYMOUSTLS and no
X-EXPS, and the sending server raises "451 5.7.3 Cannot achieve Exchange Server authentication": its queue fills.
The queue text reads as if the target had said it.

One finding for each connector that takes such mail, or for the server if no connector takes it. Its addresses are
all those of known and planned Exchange servers that the connector takes wrongly; its flows are the required ones
that fail. Where only traffic is hit that may not occur, such as port 25 between servers from 2013 on, the finding
is a warning; traffic inside one site whose refusal has an unknown effect is left to RC009.

Fixes of several kinds are tried on a copy, and those that hold are offered, the best first: the servers' single
addresses are added to the connector that has Exchange Server authentication, which makes it the more specific one,
and taken out of any connector that lists the very same address, because the cmdlet refuses equal ranges; they are
carved out of the connectors that take them wrongly; they get a connector of their own; the connector that wins gets
the mechanism and the group; another transport role; another binding. The others are told with what stands against
them.

Source: NDR 5.7.3 and KB979175 (documented); who raises the reply: product.`,
}

// capture is what one connector, or a server without one, takes wrongly.
type capture struct {
	subject connector.ID
	failing []attempt
}

// captures returns, for each connector of a server that wins a connection whose sender cannot authenticate there, the
// failing attempts of all flows; in the order of the first failure.
func (p *Pass) captures(server string) []*capture {
	var cs []*capture
	for _, a := range p.attemptsToward(server) {
		if !a.failed() || !a.wrongly() {
			continue
		}
		i := slices.IndexFunc(cs, func(c *capture) bool { return c.subject.Equal(a.winner()) })
		if i < 0 {
			i = len(cs)
			cs = append(cs, &capture{subject: a.winner()})
		}
		cs[i].failing = append(cs[i].failing, a)
	}
	return cs
}

// wrongly tells whether the connector's place or mechanisms are to blame. A permission group, a name or a certificate that is not
// right is a fault of another kind.
func (a attempt) wrongly() bool {
	switch a.verdict.Cause {
	case connector.CauseNotPermitted, connector.CauseFQDN, connector.CauseNoCertificate, connector.CauseNoDirectTrust, connector.CauseRequireTLS:
		return false
	}
	return true
}

func checkRC001(p *Pass) error {
	for _, c := range p.captures(p.Server) {
		if f, ok := p.wrongConnector(c); ok {
			p.report(f, c.failing)
		}
	}
	p.undecided(p.Server)
	return nil
}

// wrongConnector turns a capture into a finding, if it is one of RC001.
func (p *Pass) wrongConnector(c *capture) (Finding, bool) {
	need := connector.Possible
	for _, a := range c.failing {
		if a.flow.Need == connector.Required {
			need = connector.Required
		}
	}
	f := Finding{Subject: c.subject, Certainty: PossiblyTrue}
	for _, a := range c.failing {
		if a.flow.Need != need || a.flow.Why.Mark == connector.Unknown {
			continue
		}
		if f.Witness == nil {
			f.Witness = a.verdict
		}
		if n := len(f.Flows); n == 0 || f.Flows[n-1] != a.flow { // those of one flow follow each other
			f.Flows = append(f.Flows, a.flow)
		}
		if need == connector.Required && a.sure && a.verdict.Doubt == 0 && a.everywhere {
			f.Certainty = Certain
		}
	}
	if f.Witness == nil {
		return Finding{}, false
	}
	c.failing = append(c.failing, p.heldBy(c.subject)...)
	f.Addrs = sources(c.failing)
	for _, s := range f.Witness.Capable {
		f.Related = append(f.Related, s.Connector)
	}
	f.Message = message(f)
	return f, true
}

// sources returns the remote addresses of the attempts as ranges.
func sources(as []attempt) []connector.Range {
	var b netipx.IPSetBuilder
	for _, a := range as {
		b.Add(a.conn.Remote)
	}
	set, _ := b.IPSet() // valid addresses do not fail
	return singles(set)
}

// singles returns the addresses of a small set one by one.
func singles(set *netipx.IPSet) []connector.Range {
	var rs []connector.Range
	for _, r := range set.Ranges() {
		for a := r.From(); a.IsValid() && r.Contains(a); a = a.Next() {
			rs = append(rs, connector.MustParseRange(a.String()))
		}
	}
	return rs
}

func message(f Finding) string {
	who := sendersText(f.Flows)
	switch f.Witness.Cause {
	case connector.CauseNoRange:
		if len(f.Related) == 0 {
			return fmt.Sprintf("no connector takes connections from %s, and %s", who, capable(f))
		}
		return fmt.Sprintf("no connector takes connections from %s, although %s", who, capable(f))
	case connector.CauseSuppressed:
		return fmt.Sprintf("takes mail from %s and hides X-ANONYMOUSTLS, and they may not authenticate in clear", who)
	case connector.CauseNoMechanism:
		return fmt.Sprintf("takes mail from %s without Exchange Server authentication; no connector at this endpoint offers it", who)
	}
	return fmt.Sprintf("takes mail from %s without Exchange Server authentication; %s", who, capable(f))
}

func capable(f Finding) string {
	if len(f.Related) == 0 {
		return "none at this endpoint offers Exchange Server authentication"
	}
	return f.Related[0].String() + " offers it"
}

// undecided reports required flows that hang on an AuthMechanism that is not known.
func (p *Pass) undecided(server string) {
	open := make(map[connector.ID]*Finding)
	var order []connector.ID
	for _, a := range p.attemptsToward(server) {
		if a.flow.Need != connector.Required || a.verdict.Cause != connector.CauseMissing {
			continue
		}
		id := a.winner()
		if open[id] == nil {
			open[id] = &Finding{Subject: id, Certainty: CannotTell, Witness: a.verdict,
				Message: "takes mail from Exchange servers, and whether they can authenticate is unknown: AuthMechanism or the rights are missing"}
			order = append(order, id)
		}
		if !slices.Contains(open[id].Flows, a.flow) {
			open[id].Flows = append(open[id].Flows, a.flow)
		}
		one := a.single()
		if !slices.Contains(open[id].Addrs, one) {
			open[id].Addrs = append(open[id].Addrs, one)
		}
	}
	for _, id := range order {
		p.Report(*open[id])
	}
}
