package report

import (
	"fmt"
	"io"
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
	for _, r := range flows {
		if _, err := fmt.Fprintf(w, "%s\n  %s\n", r, r.Flow.Why); err != nil {
			return err
		}
	}
	return nil
}

// failing returns the required flows that fail.
func (a Audit) failing() []audit.FlowResult {
	return slices.DeleteFunc(slices.Clone(a.Flows), func(r audit.FlowResult) bool { return !r.Broken() })
}

// flows lists the required flows that fail.
func (a Audit) flows(b *strings.Builder) {
	failing := a.failing()
	switch {
	case len(a.Flows) == 0:
		b.WriteString("Flows between servers are not known: name the servers with versions and sites (Get-ExchangeServer) and their addresses.\n")
	case len(failing) == 0:
		b.WriteString("No required flow between servers is known to fail.\n")
	case len(failing) == 1:
		b.WriteString("1 required flow between servers fails:\n")
	default:
		fmt.Fprintf(b, "%d required flows between servers fail:\n", len(failing))
	}
	for _, r := range failing {
		taken := ""
		if r.State == audit.FlowPartly {
			taken = "in part, "
		}
		fmt.Fprintf(b, "  %s: %staken by %s\n", r.Flow, taken, takenBy(r.Witness))
		switch r.Witness.Cause {
		case connector.CauseNotPermitted, connector.CauseFQDN, connector.CauseNoDirectTrust, connector.CauseNoCertificate,
			connector.CauseRequireTLS: // which no finding explains yet
			fmt.Fprintf(b, "    %s\n", r.Witness.Cause.Basis())
		}
	}
	a.unaddressed(b)
}

// unaddressed names the servers whose mail could not be followed because nobody told their addresses.
func (a Audit) unaddressed(b *strings.Builder) {
	var names []string
	for _, s := range a.Topology.AllServers() {
		if len(s.Addresses) == 0 {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		fmt.Fprintf(b, "Mail from %s was not followed: the addresses are not known (Get-NetIPAddress, Resolve-DnsName or -addr NAME=IP tells them).\n", strings.Join(names, ", "))
	}
}

// others lists, in groups, what else flows between the servers and why it does not fail.
func (a Audit) others(b *strings.Builder) {
	failing := a.failing()
	var purposes []string
	for _, r := range failing {
		if p := r.Flow.Purpose.String(); !slices.Contains(purposes, p) {
			purposes = append(purposes, p)
		}
	}
	gs := groups(a.Flows, failing)
	switch {
	case len(gs) == 0:
		return
	case len(purposes) == 0:
		b.WriteString("\nFlows between servers:\n")
	case len(purposes) == 1:
		fmt.Fprintf(b, "\nWhy only %s? Everything else between the servers:\n", purposes[0])
	default:
		b.WriteString("\nEverything else between the servers:\n")
	}
	for _, g := range gs {
		fmt.Fprintf(b, "  %s\n    %s\n", g.head, g.why)
	}
}

func takenBy(v *connector.Verdict) string {
	if id := v.Explanation.Match.Connector(); !id.IsZero() {
		return id.String()
	}
	return "no connector"
}

// group is a set of flows that share purpose, fate and reason.
type group struct{ head, why string }

func groups(all, leaveOut []audit.FlowResult) []group {
	type key struct {
		purpose   connector.Purpose
		transport connector.Transport
		port      uint16
		fate      string
		why       connector.Basis
	}
	left := make(map[connector.Flow]bool)
	for _, r := range leaveOut {
		left[r.Flow] = true
	}
	var order []key
	counts := make(map[key]int)
	for _, r := range all {
		if left[r.Flow] {
			continue
		}
		k := key{r.Flow.Purpose, r.Flow.Transport, r.Flow.Port, r.Fate(), r.Flow.Why}
		if counts[k] == 0 {
			order = append(order, k)
		}
		counts[k]++
	}
	var gs []group
	for _, k := range order {
		over := k.transport.String()
		if k.transport == connector.TransportLogShipping {
			over = "TCP"
		}
		if k.port != 0 {
			over = fmt.Sprintf("%s on port %d", over, k.port)
		}
		gs = append(gs, group{fmt.Sprintf("%s over %s, %s: %s", k.purpose, over, count(counts[k], "flow"), k.fate), k.why.String()})
	}
	return gs
}
