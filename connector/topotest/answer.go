package topotest

import (
	"context"
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
)

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
