package report

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
)

// Audit is an audit with what it was made from.
type Audit struct {
	Topology *connector.Topology
	Findings []audit.Finding
	Flows    iter.Seq[audit.FlowResult] // as [audit.EachFlow] yields them; nil if they are not told
	// AllFixes: text has the commands of every fix, and not only of the best one of each finding. JSON always has.
	AllFixes bool
	// About is what comes first, a paragraph or two: what the servers are, or what happened. JSON, SARIF and JUnit do without.
	About string
	// Checks are those that were run, nil if all were. SARIF lists them, and JUnit says of which nothing was found.
	Checks []*audit.Check
	// FailOn is the least severity that is a failed test of JUnit; zero stands for errors.
	FailOn audit.Severity
}

// mostFlows is how many flows of one kind, or of one finding, text has; JSON has all.
const mostFlows = 32

// Audit writes findings with their evidence and the commands of their fixes, and what becomes of the flows between the
// servers. As JSON it is one object:
//
//	{"findings": [{"check", "severity", "certainty", "subject", "source", "message", "accepted", "addresses", "flows": [FLOW],
//	               "witness": {...}, "reply", "cause", "related", "moves": [MOVE], "fixes": [{"kind", "title", "safe", "risks", "commands", "moves": [MOVE]}],
//	               "rejected": [{"kind", "title", "why", "detail"}]}],
//	 "flows": [FLOW], "flowGroups": [{"purpose", "transport", "port", "fate", "why", "count"}]}
//
// where FLOW is {"from", "to", "port", "purpose", "transport", "need", "state", "why"} and witness is what Explanation
// writes, MOVE what Moves does. A flow inside a finding has no state; flows are those that fail, wholly or in part, or
// of which that is not known, and flowGroups counts all but the required ones that fail, because a thousand servers have millions. Accepted is the reason why the topology accepts it, and moves are
// those of RC010: from the connectors of the other servers to those of this one.
//
// As SARIF a finding is a result at its place in the file, with the commands of its best fix in the message and in the property commands; what
// the topology accepts is suppressed. As JUnit there is a suite for each check and, where all were run and errors count, one for the required
// flows: a finding is a failed test from FailOn on, skipped if it is accepted, else passed with its text as output.
//
// As HTML it is one page: what it comes to in one line, the flows as a matrix of servers in which each cell leads to the reason, a map for the
// listeners that decide alike, as it is and as it would be after the safe fixes, and the findings with their commands. The matrix has 120
// servers and networks at most, those of which most flows fail, and there are 40 maps at most; the page says what is left out. The error may be
// that of [connector.Compile].
func (f Format) Audit(w io.Writer, a Audit) error {
	switch f {
	case JSON:
		return writeJSON(w, a.json(), true)
	case SARIF:
		return a.sarif().write(w)
	case JUnit:
		return a.junit(w)
	case HTML:
		p, err := a.page()
		if err != nil {
			return err
		}
		return p.write(w)
	}
	var b outline
	if a.About != "" {
		b.prose(a.About)
		b.WriteString("\n")
	}
	a.summary(&b)
	flows := summaryOf(a.Flows)
	a.flows(&b, flows)
	for rest := a.Findings; len(rest) > 0; {
		b.WriteString("\n")
		n := alike(rest)
		a.finding(&b, rest[:n])
		rest = rest[n:]
	}
	flows.others(&b)
	return f.outline(w, "Audit", &b)
}

func (a Audit) summary(b *outline) {
	counts := make(map[audit.Severity]int)
	accepted := 0
	for _, f := range a.Findings {
		if f.Accepted != "" {
			accepted++
			continue
		}
		counts[f.Severity]++
	}
	b.printf("%s, %s: ", count(len(a.Topology.AllServers()), "server"), count(len(a.Topology.Connectors), "receive connector"))
	if len(a.Findings) == 0 {
		b.WriteString("nothing found.\n")
		return
	}
	var parts []string
	for s := audit.Error; s >= audit.Note; s-- {
		if counts[s] > 0 {
			parts = append(parts, count(counts[s], s.String()))
		}
	}
	if accepted > 0 {
		parts = append(parts, fmt.Sprintf("%d accepted", accepted))
	}
	b.WriteString(strings.Join(parts, ", ") + ".\n")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// toneOf returns how bad a finding is.
func toneOf(f audit.Finding) tone {
	if f.Accepted != "" {
		return neutral
	}
	return [...]tone{audit.Note: note, audit.Warning: warning, audit.Error: bad}[f.Severity]
}

// alike returns how many findings at the front say the same of different subjects, and nothing but that.
func alike(fs []audit.Finding) int {
	plain := func(f audit.Finding) bool { return len(f.Addrs) == 0 && f.Witness == nil && len(f.Fixes) == 0 }
	n := 1
	for plain(fs[0]) && n < len(fs) && plain(fs[n]) && fs[n].Check == fs[0].Check && fs[n].Message == fs[0].Message && fs[n].Accepted == fs[0].Accepted {
		n++
	}
	return n
}

// finding writes a finding, or several that are alike.
func (a Audit) finding(b *outline, alike []audit.Finding) {
	f := alike[0]
	var subjects []connector.ID
	for _, f := range alike {
		subjects = append(subjects, f.Subject)
	}
	b.heading(toneOf(f))
	b.printf("%s %s (%s) %s\n", f.Check, f.Severity, f.Certainty, strings.Join(texts(subjects), ", "))
	if f.Accepted != "" {
		b.printf("  accepted: %s\n", f.Accepted)
	}
	if src := f.Source.String(); src != "" && len(alike) == 1 {
		b.printf("  from %s\n", src)
	}
	b.printf("  %s\n", f.Message)
	if len(f.Addrs) > 0 {
		b.printf("  addresses: %s\n", ranges(f.Addrs))
	}
	if len(f.Flows) > 0 {
		title := "flows that would fail"
		if slices.ContainsFunc(f.Flows, func(f connector.Flow) bool { return f.Need == connector.Required }) {
			title = "required flows that fail"
		}
		switch {
		case f.Certainty == audit.CannotTell:
			title = "required flows that may fail"
		case f.Severity == audit.Note: // a caution
			title = "flows that would fail"
		}
		b.printf("  %s:\n", title)
		for i, flow := range f.Flows {
			if i == mostFlows {
				b.printf("    and %d more\n", len(f.Flows)-i)
				break
			}
			b.printf("    %s\n", flow)
		}
	}
	if len(f.Moves) > 0 {
		b.WriteString("  what would move to it from another member:\n")
		writeMoves(b, "    ", f.Moves)
	} else if f.Witness != nil && client(f.Witness.Peer) && !strings.HasPrefix(f.Check, "RC2") { // which are about what clients get
		a.taken(b, f.Witness)
	} else if f.Witness != nil {
		a.witness(b, f.Witness)
	}
	a.writeFixes(b, f.Fixes)
	for _, r := range f.Rejected {
		b.printf("  no fix: %s\n    %s: %s\n", r.Title, r.Why, r.Detail)
	}
}

// writeFixes writes the best fix with its commands, and the others by their names, or all of them with commands.
func (a Audit) writeFixes(b *outline, fixes []audit.Fix) {
	for i, fix := range fixes {
		if i == 0 || a.AllFixes {
			a.fix(b, fix, i == 0)
			continue
		}
		b.printf("  or: %s\n", fix)
	}
}

// taken tells which connector won.
func (a Audit) taken(b *outline, v *connector.Verdict) {
	e := v.Explanation
	b.printf("  for example %s\n", e.Conn)
	if winner, ok := e.Winner(); ok {
		b.printf("    taken by %s\n      range %s, %s\n", winner.Connector, winner.Range, connector.CountAddresses(winner.Range.Size()))
	} else {
		b.printf("    %s: %s\n", e.Match, v.Cause.Basis())
	}
}

// witness tells which connector won, which one should have, what the client was offered, and what its queue shows.
func (a Audit) witness(b *outline, v *connector.Verdict) {
	a.taken(b, v)
	if len(v.Capable) > 0 {
		right := v.Capable[0]
		label := "right would be"
		if v.Authentication == connector.AuthenticationUnknown {
			label = "sure to be right is"
		}
		b.printf("    %s %s\n", label, right.Connector)
		if right.Range.IsValid() {
			b.printf("      range %s, %s\n", right.Range, connector.CountAddresses(right.Range.Size()))
		}
		b.printf("      %s: %s\n", right.Reason, right.Basis().Rule)
	}
	ending(b, v)
}

// ending tells what the session comes to: what is offered, what is not granted, and what the queue shows.
func ending(b *outline, v *connector.Verdict) {
	switch v.Cause {
	case connector.CauseWrongConnector, connector.CauseNoMechanism, connector.CauseSuppressed, connector.CauseNoCertificate:
		b.printf("    it is offered %s\n", offered(v.Offer().Clear.Security()))
	}
	if client(v.Peer) {
		writeSession(b, v)
	}
	if v.Cause != 0 && v.Explanation.Match.Outcome() == connector.Selected {
		b.printf("    cause: %s\n", v.Cause.Basis())
	}
	if v.Doubt != 0 {
		b.printf("    in doubt: %s\n", v.Doubt)
	}
	if v.Reply.Code != 0 {
		writeReply(b, v)
	}
}

// writeSession tells which steps of a client's session are not granted.
func writeSession(b *outline, v *connector.Verdict) {
	b.printf("    client: %s, TLS %s\n", v.Peer.Kind, v.Peer.TLS)
	for _, s := range v.Session() {
		if s.State == connector.StepRefused || s.State == connector.StepUnknown {
			b.printf("      %s\n", s)
		}
	}
}

func offered(lines connector.EHLO) string {
	if len(lines) == 0 {
		return "neither encryption nor authentication"
	}
	return lines.String() + ", and no Exchange Server authentication it could use"
}

func writeReply(b *outline, v *connector.Verdict) {
	b.printf("    reply: %s (raised by the %s)\n", v.Reply, v.Reply.Side)
	if g := v.Peer.Version.Generation(); g != 0 && v.Peer.Kind != connector.PeerUnifiedMessaging {
		b.printf("    queue on the sender (Exchange %s): %s\n", g, connector.QueueError(g, v.Reply, v.Explanation.Conn.Local))
	}
}

func (a Audit) fix(b *outline, fix audit.Fix, best bool) {
	kind := "proved by re-simulation, but not safe: " + strings.Join(fix.Risks, "; ")
	if fix.Safe {
		kind = "proved by re-simulation; moves nothing but these addresses"
		if len(fix.Moves) == 0 {
			kind = "proved by re-simulation; moves no source"
		}
	}
	label := "or"
	if best {
		label = "fix"
	}
	b.printf("  %s: %s\n    (%s)\n", label, fix.Title, kind)
	commands, err := a.commands(fix)
	if err != nil {
		b.printf("    cannot be written as commands: %v\n", err)
	}
	for _, c := range commands {
		b.command("    ", c)
	}
}

// errHidden is why a command cannot be copied.
var errHidden = errors.New("a name or a value holds a character that cannot be seen, so a copy would not be the command")

func (a Audit) commands(fix audit.Fix) ([]string, error) {
	commands := []string{}
	for _, c := range fix.Changes {
		s, _ := a.Topology.Server(c.Target.Server)
		lines, err := ems.Commands(c, s.Version)
		if err != nil {
			return []string{}, err
		}
		if slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "\n") || strings.ContainsFunc(l, hidden) }) {
			return []string{}, fmt.Errorf("%s: %w", c.Target, errHidden)
		}
		commands = append(commands, lines...)
	}
	return commands, nil
}
