package report

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// Flows writes what becomes of each flow: as text a line each with the reason for it, as JSON a list of FLOW, see
// [Format.Audit].
func (f Format) Flows(w io.Writer, flows []audit.FlowResult) error {
	if f == JSON {
		return writeJSON(w, flowsJSON(flows), true)
	}
	var b outline
	for _, r := range flows {
		b.printf("%s\n  %s\n", r, r.Flow.Why)
	}
	return f.outline(w, "Flows", &b)
}

// flowSummary is what an audit tells of all flows.
type flowSummary struct {
	any      bool
	required int                // flows that the organization depends on, and that receive connectors have a say in
	open     int                // of them those of which it is not known whether they pass
	failing  []audit.FlowResult // of them those that fail, wholly or in part
	told     []audit.FlowResult // all that fail, wholly or in part, or may
	groups   []group            // of the others, in the order of their first flow
}

// group is a set of flows that share purpose, fate and reason.
type group struct {
	purpose   connector.Purpose
	transport connector.Transport
	port      uint16
	fate      string
	why       connector.Basis
	count     int
}

func summaryOf(flows iter.Seq[audit.FlowResult]) flowSummary {
	var s flowSummary
	if flows == nil {
		return s
	}
	at := make(map[group]int)
	for r := range flows {
		s.any = true
		if r.Flow.Need == connector.Required && r.State != audit.FlowOutside {
			s.required++
			if !r.Broken() && r.State != audit.FlowPasses {
				s.open++
			}
		}
		if r.State == audit.FlowFails || r.State == audit.FlowPartly || r.State == audit.FlowUnknown {
			s.told = append(s.told, r)
		}
		if r.Broken() {
			s.failing = append(s.failing, r)
			continue
		}
		k := group{r.Flow.Purpose, r.Flow.Transport, r.Flow.Port, r.Fate(), r.Flow.Why, 0}
		i, known := at[k]
		if !known {
			i = len(s.groups)
			at[k] = i
			s.groups = append(s.groups, k)
		}
		s.groups[i].count++
	}
	return s
}

// flows lists the required flows that fail.
func (a Audit) flows(b *outline, s flowSummary) {
	switch {
	case a.Flows == nil:
		return
	case !s.any:
		b.WriteString("Flows between servers are not known: name the servers with versions and sites (Get-ExchangeServer) and their addresses.\n")
	case len(s.failing) == 0:
		b.mark(plain, good)
		b.WriteString("No required flow between servers is known to fail.\n")
	case len(s.failing) == 1:
		b.heading(bad)
		b.WriteString("1 required flow between servers fails:\n")
	default:
		b.heading(bad)
		b.printf("%d required flows between servers fail:\n", len(s.failing))
	}
	for i, r := range s.failing {
		if i == mostFlows {
			b.printf("  and %d more\n", len(s.failing)-i)
			break
		}
		taken := ""
		if r.State == audit.FlowPartly {
			taken = "in part, "
		}
		b.printf("  %s: %staken by %s\n", r.Flow, taken, takenBy(r.Witness))
		switch r.Witness.Cause {
		case connector.CauseNotPermitted, connector.CauseFQDN, connector.CauseNoDirectTrust, connector.CauseNoCertificate,
			connector.CauseRequireTLS: // which RC001 does not explain
			b.printf("    %s\n", r.Witness.Cause.Basis())
		}
	}
	a.unaddressed(b)
}

// unaddressed names the servers whose mail could not be followed because nobody told their addresses.
func (a Audit) unaddressed(b *outline) {
	var names []string
	for _, s := range a.Topology.AllServers() {
		if len(s.Addresses) == 0 {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		b.printf("Mail from %s was not followed: the addresses are not known (Get-NetIPAddress, Resolve-DnsName or -addr NAME=IP tells them).\n", strings.Join(names, ", "))
	}
}

// others lists, in groups, what else flows between the servers and why it does not fail.
func (s flowSummary) others(b *outline) {
	var purposes []string
	for _, r := range s.failing {
		if p := r.Flow.Purpose.String(); !slices.Contains(purposes, p) {
			purposes = append(purposes, p)
		}
	}
	switch {
	case len(s.groups) == 0:
		return
	case len(purposes) == 0:
		b.section("Flows between servers:", neutral)
	case len(purposes) == 1:
		b.section("Why only "+purposes[0]+"? Everything else between the servers:", neutral)
	default:
		b.section("Everything else between the servers:", neutral)
	}
	for _, g := range s.groups {
		b.printf("  %s\n    %s\n", g, g.why)
	}
}

// String prints "Mail over SMTP on port 25, 12 flows: passes".
func (g group) String() string {
	over := transportText(g.transport)
	if g.port != 0 {
		over = fmt.Sprintf("%s on port %d", over, g.port)
	}
	return fmt.Sprintf("%s over %s, %s: %s", g.purpose, over, count(g.count, "flow"), g.fate)
}

func transportText(t connector.Transport) string {
	if t == connector.TransportLogShipping {
		return "TCP"
	}
	return t.String()
}

func takenBy(v *connector.Verdict) string {
	if id := v.Explanation.Match.Connector(); !id.IsZero() {
		return id.String()
	}
	return "no connector"
}
