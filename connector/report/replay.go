package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// Replay is what protocol logs tell about a topology. What is nil was not asked.
type Replay struct {
	Topology *connector.Topology // with the addresses that the logs show
	Traffic  *smtplog.Traffic
	Replay   *smtplog.Replay
	Usage    []smtplog.ConnectorUsage
	Servers  []smtplog.ServerAddress
	Targets  []smtplog.Client // of send logs, where the server could not authenticate
	Findings []audit.Finding  // about servers whose mail is not authenticated
	Changes  []connector.Change
	Refused  error // what the cmdlets say to the changes
	BackTest *smtplog.BackTest
	// Everything: text has every source, and not only the first ten of a range.
	Everything bool
}

// mostSources and mostClients are how many text has of a range, and of clients that were judged alike.
const (
	mostSources = 10
	mostClients = 5
)

// Replay writes what logs tell: what was read and what was wrong with it, whether the logs agree with the prediction, who used which
// connector and range, which addresses are those of servers, and, of a change, who would have moved and what clients would have lost.
// Times are in UTC. As JSON it is one object:
//
//	{"read": {"files", "lines", "records", "interrupted", "problems": [{"reason", "count", "examples"}]}, "total": TALLY,
//	 "agreed", "agreedInDoubt", "judged", "sent",
//	 "disagreements": [GROUP], "notJudged": [GROUP],
//	 "usage": [{"connector", "configured", "all": TALLY, "beyond", "unused", "ranges": [USED], "outside": USED}],
//	 "servers": [{"server", "address", "evidence", "proven", "known", "added", "sessions"}], "targets": [CLIENT], "findings": [FINDING],
//	 "change": {"changes", "refused", "sessions", "moved", "losing", "notJudged",
//	            "groups": [{"server", "local", "from", "to", "moves", "loses", "mayLose", "disagree", "all": TALLY, "clients": [CLIENT]}]}}
//
// GROUP is {"judgement", "meaning", "logged", "local", "predicted", "range", "all": TALLY, "clients"}, USED is {"range", "wide", "all": TALLY,
// "sources": [{"address", "all": TALLY}]}, CLIENT and TALLY are those of package smtplog, FINDING that of [Format.Audit]. What was not asked
// is null; where no topology was given, that is everything but usage.
func (f Format) Replay(w io.Writer, r Replay) error {
	switch f {
	case JSON:
		return writeJSON(w, r.json(), true)
	case SARIF:
		return r.sarif().write(w)
	case HTML:
		return r.page().write(w)
	}
	var b outline
	r.read(&b)
	r.agreement(&b)
	r.servers(&b)
	r.targets(&b)
	r.findings(&b)
	r.backTest(&b)
	r.usage(&b)
	return f.outline(w, "Protocol logs", &b)
}

const minuteFormat = "2006-01-02 15:04"

// span prints from when to when sessions were, in UTC.
func span(first, last time.Time) string {
	from, to := first.Format(minuteFormat), last.Format(minuteFormat)
	switch {
	case first.IsZero():
		return "at a time that is not known"
	case from == to:
		return "at " + from
	case from[:10] == to[:10]:
		return from + " to " + to[11:]
	}
	return from + " to " + to
}

func (r Replay) read(b *outline) {
	t := r.Traffic.Total()
	if r.Traffic.Interrupted {
		b.WriteString("PARTIAL: reading was interrupted; what follows is what was read until then.\n")
	}
	b.printf("%s of %s: %s, %s", count(r.Traffic.Records, "record"), count(r.Traffic.Files, "log"), count(t.Sessions, "session"), count(t.Messages, "message"))
	if t.Sessions > 0 {
		b.printf(", %s UTC", span(t.First, t.Last))
	}
	b.WriteString("\n")
	if t.Partial > 0 {
		b.printf("  %s without beginning or end in the logs\n", count(t.Partial, "session"))
	}
	sent := 0
	for _, c := range r.Traffic.Connectors() {
		if c.Direction == smtplog.Send {
			sent += c.All.Sessions
		}
	}
	if sent > 0 {
		b.printf("  %s of send logs, which no receive connector of these servers decides\n", count(sent, "session"))
	}
	for _, p := range r.Traffic.Problems() {
		b.printf("  not as expected, %s: %v\n", count(p.Count, "time"), p.Err)
		for _, e := range p.Examples {
			b.printf("    %v\n", e)
		}
	}
}

func (r Replay) agreement(b *outline) {
	if r.Replay == nil {
		return
	}
	judged, share := r.Replay.Judged()
	switch {
	case judged == 0:
		b.WriteString("\nNo session could be compared with the configuration.\n")
	case r.Replay.Agreed == judged && judged == 1:
		b.WriteString("\n")
		b.mark(plain, good)
		b.WriteString("The logs agree: the only session reached the connector that the configuration predicts.\n")
	case r.Replay.Agreed == judged:
		b.WriteString("\n")
		b.mark(plain, good)
		b.printf("The logs agree: all of %s reached the connector that the configuration predicts.\n", count(judged, "session"))
	default:
		b.WriteString("\n")
		b.mark(plain, bad)
		b.printf("The logs agree for %d of %s (%s %%), and not for %d.\n", r.Replay.Agreed, count(judged, "session"), percent(share), judged-r.Replay.Agreed)
	}
	if r.Replay.InDoubt > 0 {
		b.printf("  In %d of them the prediction was in doubt; the logs settle it.\n", r.Replay.InDoubt)
	}
	r.groups(b, "Disagreement", bad, r.Replay.Disagreements)
	r.groups(b, "Not judged", neutral, r.Replay.NotJudged)
}

// percent prints a share that is not all with as many digits as show that.
func percent(share float64) string {
	for digits := 1; digits < 9; digits++ {
		if s := fmt.Sprintf("%.*f", digits, 100*share); !strings.HasPrefix(s, "100") {
			return s
		}
	}
	return "almost 100"
}

func (r Replay) groups(b *outline, title string, t tone, groups []smtplog.Group) {
	for i, g := range groups {
		if i == 0 || g.Judgement != groups[i-1].Judgement {
			b.section(title+": "+g.Judgement.Meaning(), t)
		}
		b.printf("  %s, %s: logged %s", count(g.Tally.Sessions, "session"), span(g.Tally.First, g.Tally.Last), g.Logged)
		if g.Local.IsValid() {
			b.printf(" at %s", g.Local)
		}
		if g.Predicted != (connector.Match{}) && g.Judgement.Judged() {
			b.printf("; predicted %s", g.Predicted)
		}
		b.WriteString("\n")
		if len(g.Clients) > 0 {
			b.printf("    from %s\n", some(texts(g.Clients), mostClients))
		}
		if e := g.Tally.Example; e.Session != "" {
			b.printf("    for example session %s, %s\n", e.Session, e.Source)
		}
	}
}

// some joins the first ones of a list, and says how many more there are.
func some(list []string, most int) string {
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}

// quotedIfOdd prints what a stranger said so that it cannot pass for something else.
func quotedIfOdd(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == ',' || r == '"' || r > '~' }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}

func (r Replay) servers(b *outline) {
	if len(r.Servers) == 0 {
		return
	}
	b.section("Addresses of servers, as the logs show them:", neutral)
	for _, s := range r.Servers {
		state := "not taken over: it proves nothing, and the address is public"
		switch {
		case s.Known:
			state = "known"
		case s.Complete:
			state = "not taken over: the configuration has other addresses of the server"
		case s.Useful():
			state = "taken over"
		}
		b.printf("  %s %s: %s, %s (%s)\n", s.Server, s.Addr, s.Evidence, count(s.Tally.Sessions, "session"), state)
		if s.Tally.Traits.Of(smtplog.SawOffer) > 0 && (s.Evidence == smtplog.Claimed || s.Evidence == smtplog.Authenticated) {
			b.printf("    %s\n", offers(&s.Tally))
		}
	}
}

func (r Replay) targets(b *outline) {
	if len(r.Targets) == 0 {
		return
	}
	b.section("Where servers could not authenticate, by their send logs:", bad)
	for _, c := range r.Targets {
		b.printf("  %s to %s, EHLO reply from %s: %s\n    %s\n    for example session %s, %s\n", c.Connector, c.Remote, orNobody(c.Host.Text), tally(&c.Tally), offers(&c.Tally), c.Example.Session, c.Example.Source)
	}
}

func orNobody(name string) string {
	if name == "" {
		return "nobody"
	}
	return quotedIfOdd(name)
}

func (r Replay) findings(b *outline) {
	if len(r.Findings) == 0 {
		return
	}
	a := Audit{Topology: r.Topology, Findings: r.Findings}
	for _, f := range r.Findings {
		b.WriteString("\n")
		a.finding(b, []audit.Finding{f})
		witnesses := r.Traffic.Witnesses(f.Subject, f.Addrs)
		if len(witnesses) == 0 {
			b.WriteString("  seen in the logs: no session of these addresses there\n")
		}
		for i, c := range witnesses {
			if i == mostClients {
				b.printf("  and %d more\n", len(witnesses)-i)
				break
			}
			b.printf("  seen in the logs: %s at %s: %s\n    %s\n    for example session %s, %s\n", c.Remote.Addr(), c.Local, clientText(&c.Tally), offers(&c.Tally), c.Example.Session, c.Example.Source)
		}
	}
}

func (r Replay) backTest(b *outline) {
	if r.Changes == nil && r.BackTest == nil {
		return
	}
	b.section(count(len(r.Changes), "change")+", tried on these sessions:", neutral)
	for _, c := range r.Changes {
		b.printf("  %s\n", c)
	}
	if r.Refused != nil {
		b.WriteString("\n")
	}
	writeRefused(b, r.Refused)
	t := r.BackTest
	if t == nil {
		return
	}
	if t.Moved+t.Losing == 0 {
		b.printf("  None of %s would have reached another connector or lost anything.\n", count(t.Sessions, "session"))
	} else {
		b.printf("  Of %s %d would have reached another connector; %d are those of clients that lose something, or may.\n", count(t.Sessions, "session"), t.Moved, t.Losing)
	}
	if t.NotJudged > 0 {
		b.printf("  %s could not be tried: server, endpoint or client are not known.\n", count(t.NotJudged, "session"))
	}
	for _, g := range t.Groups {
		where := movement{Move: connector.Move{From: g.From, To: g.To}}.who()
		if !g.Moves {
			where = "stays at " + orRefused(g.To)
		}
		b.printf("\n  %s %s: %s: %s of %s\n", g.Server, g.Local, where, count(g.Tally.Sessions, "session"), count(len(g.Clients), "client"))
		if g.Loses != 0 {
			b.printf("    loses %s\n", g.Loses)
		}
		if g.MayLose != 0 {
			b.printf("    may lose %s: what decides it is not known\n", g.MayLose)
		}
		if g.Disagree > 0 {
			b.printf("    the logs have %d of them at another connector\n", g.Disagree)
		}
		for i, c := range g.Clients {
			if i == mostSources && !r.Everything && len(g.Clients) > mostSources+1 {
				b.printf("      and %d more clients\n", len(g.Clients)-i)
				break
			}
			b.printf("      %s: %s\n", c.Remote.Addr(), clientText(&c.Tally))
		}
	}
}
