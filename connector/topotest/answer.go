package topotest

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
)

// Answer returns what a section should say, by the topology of the story. The error is [ErrSection], or that of the
// library.
func (f *Fixture) Answer(section string) (string, error) {
	rest, after := strings.CutPrefix(section, "after ")
	t := f.Topology
	if section == expectSection || section == afterSection {
		t, cases, err := f.asked(section)
		if err != nil {
			return "", err
		}
		today, err := todayOf(t, cases)
		return FormatCases(today), err
	}
	if after {
		fixed, err := f.fixed()
		if err != nil {
			return "", err
		}
		t = fixed
	}
	x, err := connector.Compile(t)
	if err != nil {
		return "", err
	}
	if n, ok := strings.CutPrefix(rest, "explain "); ok {
		i, err := strconv.Atoi(n)
		if err != nil || i < 1 || i > len(f.Cases) || !f.Cases[i-1].isOne() {
			return "", fmt.Errorf("%s: %w: no decision about one connection of this number", section, ErrSection)
		}
		return x.Explain(f.Cases[i-1].Conn).String(), nil
	}
	if strings.HasPrefix(rest, "fix ") {
		return f.commands(rest)
	}
	switch rest {
	case "flows.txt":
		return flows(t, x), nil
	case "findings.txt":
		findings, err := audit.Run(context.Background(), t)
		return findingLines(findings), err
	case "suspects.txt":
		return suspects(t, f.Error)
	case "refusals.txt", "moves.txt":
		return f.changed(rest, t)
	case "hardening.txt":
		results, err := audit.Hardening(context.Background(), t)
		return controlLines(results), err
	case "networks.txt":
		return networks(t, x), nil
	}
	return "", fmt.Errorf("%s: %w", section, ErrSection)
}

// asked returns the cases of expect.txt, or of after.txt, which are those of expect.txt if it has none, and the topology they are about: that
// of the story, or the fixed one.
func (f *Fixture) asked(section string) (*connector.Topology, []Case, error) {
	if section == expectSection {
		return f.Topology, f.Cases, nil
	}
	t, err := f.fixed()
	if len(f.After) == 0 {
		return t, f.Cases, err
	}
	return t, f.After, err
}

// flows lists the flows that do not pass, other than those on which connectors have no say.
func flows(t *connector.Topology, x *connector.Index) string {
	var b strings.Builder
	for _, r := range audit.Flows(t, x) {
		if r.State != audit.FlowPasses && r.State != audit.FlowOutside {
			b.WriteString(r.String() + "\n")
		}
	}
	return b.String()
}

func findingLines(findings []audit.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s %s %s", f.Check, f.Severity, f.Certainty, f.Subject)
		if f.Accepted != "" {
			b.WriteString(" (accepted)")
		}
		if len(f.Addrs) > 0 {
			b.WriteByte(':')
		}
		for _, r := range f.Addrs {
			b.WriteString(" " + r.String())
		}
		b.WriteString("\n")
	}
	return b.String()
}

// suspects lists what is to blame for an error, the likeliest first, but for what the text speaks against.
func suspects(t *connector.Topology, text string) (string, error) {
	d, err := audit.Diagnose(context.Background(), t, text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, s := range d.Suspects {
		switch {
		case s.Likelihood < audit.Thinkable:
		case s.Outside():
			fmt.Fprintf(&b, "%s outside: %s\n", s.Likelihood, s.Title)
		default:
			fmt.Fprintf(&b, "%s %s: %s\n", s.Likelihood, s.Subject, s.Title)
		}
	}
	return b.String(), nil
}

// changed lists what the cmdlets refuse of the commands of the story, or what they would move.
func (f *Fixture) changed(section string, t *connector.Topology) (string, error) {
	changes, _, err := ems.Parse(f.Name+"/change.ps1", t, f.Change)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if section == "refusals.txt" {
		for _, r := range connector.Refusals(t.ValidateAll(changes...)) {
			fmt.Fprintf(&b, "%s\n", r)
		}
		return b.String(), nil
	}
	moves, err := connector.WhatIf(t, changes...)
	for _, m := range moves {
		fmt.Fprintf(&b, "%s\n", m)
	}
	return b.String(), err
}

// controlLines lists what meeting the controls to the letter does to mail, or would, and where the cmdlets refuse it.
func controlLines(results []audit.ControlResult) string {
	var b strings.Builder
	for _, r := range results {
		if len(r.Broken)+len(r.Breaks) == 0 && r.Refused == nil {
			continue
		}
		fmt.Fprintf(&b, "%s %s: %s", r.Control.ID, r.Subject, r.State)
		switch {
		case len(r.Broken) > 0:
			fmt.Fprintf(&b, ", to the letter, which breaks %s", r.Broken[0])
		case len(r.Breaks) > 0:
			fmt.Fprintf(&b, ", and the letter would break %s", r.Breaks[0])
		case r.Refused != nil:
			b.WriteString(", and the cmdlets refuse the letter")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// networks lists who serves the addresses of each network at each endpoint of port 25.
func networks(t *connector.Topology, x *connector.Index) string {
	var b strings.Builder
	for _, n := range t.Networks {
		for _, server := range x.Servers() {
			for _, local := range x.Endpoints(server) {
				if local.Port() != 25 {
					continue
				}
				for _, s := range x.Shares(server, local, n.Ranges...) {
					who := s.Connector.String()
					if s.Connector.IsZero() {
						who = "refused " + s.Outcome.String()
					}
					fmt.Fprintf(&b, "%s -> %s %s: %s:", n.Name, server, local, who)
					for _, r := range s.Addrs {
						b.WriteString(" " + r.String())
					}
					b.WriteString("\n")
				}
			}
		}
	}
	return b.String()
}
