package report

import (
	"io"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
)

// WhatIf is a change and what it does.
type WhatIf struct {
	Changes []connector.Change
	Notes   []ems.Note // on what was read
	// Refused is what the cmdlets would say of the changes, from [connector.Topology.ValidateAll]; nil if they accept them, or if nobody
	// asks them.
	Refused error
	// Comparison is what the changes do; nil if they were not made, because they are refused.
	Comparison *audit.Comparison
}

// WhatIf writes what a change would do: what the cmdlets refuse, who changes hands, what findings appear and go, which mail between
// servers breaks and heals, what clients lose and gain. That nobody changes hands is said as what it is, a proof. As JSON it is one object:
//
//	{"breaks", "changes": [{"connector", "change", "differences": [{"property", "before", "after", "unknown", "lost"}]}],
//	 "notes": [...], "refused": [{"connector", "text", "quoted", "other", "rule"}],
//	 "moves": [MOVE], "unsettled": [MOVE], "endpoints", "doubt",
//	 "findings": [{"change", "before": FINDING, "after": FINDING}], "flows": [{"change", "flow": FLOW, "before", "after"}],
//	 "access": [{"lost", "server", "local", "access", "before", "after", "addresses", "witness"}]}
//
// with MOVE as in [Format.Moves], FINDING and FLOW as in [Format.Audit]. Change is "worse", "better" or "other"; that of a connector is
// "created", "changed", "unchanged" or "removed". Breaks is about mail between servers, see [audit.Comparison.Breaks]. Where the changes are
// refused and were not looked at, everything from moves on is empty.
//
// As SARIF it has the findings that appear (new), change (updated) and go (absent).
func (f Format) WhatIf(w io.Writer, c WhatIf) error {
	switch f {
	case JSON:
		return writeJSON(w, c.json(), true)
	case SARIF:
		return c.sarif().write(w)
	case HTML:
		p, err := c.page()
		if err != nil {
			return err
		}
		return p.write(w)
	}
	var b outline
	c.change(&b)
	if c.Comparison != nil {
		d := comparison{c.Comparison}
		d.hands(&b)
		d.findings(&b)
		d.flows(&b)
		d.unfollowed(&b)
		d.access(&b)
	}
	return f.outline(w, "What a change would do", &b)
}

// change tells what changes, and what the cmdlets would refuse of it.
func (c WhatIf) change(b *outline) {
	c.changes(b)
	if c.Refused != nil {
		b.WriteString("\n")
	}
	writeRefused(b, c.Refused)
	if c.Refused != nil && c.Comparison != nil {
		b.WriteString("What follows is what would be if they did not.\n")
	}
}

func (c WhatIf) changes(b *outline) {
	if len(c.Changes) == 0 {
		b.WriteString("No connector changes, as far as these go: rights, ")
		b.WriteString(strings.Join(connector.Settings(), ", ") + ".\n")
	} else {
		b.heading(neutral)
		b.printf("%s:\n", count(len(c.Changes), "change"))
	}
	for _, change := range c.Changes {
		b.printf("  %s\n", change)
	}
	for _, n := range c.Notes {
		b.printf("  note: %s\n", n)
	}
}

// writeRefused tells what the cmdlets would say of changes, if they do not accept them.
func writeRefused(b *outline, refused error) {
	if refused == nil {
		return
	}
	b.heading(bad)
	b.WriteString("The cmdlets would refuse this:\n")
	refusals := connector.Refusals(refused)
	if len(refusals) == 0 {
		b.printf("  %v\n", refused)
	}
	for _, r := range refusals {
		if r.Quoted() {
			b.printf("  %s: %s\n", r.Target, r.Text)
		} else {
			b.printf("  %s, in our words: %s\n", r.Target, r.Text)
		}
		b.printf("    %s\n", r.Basis())
	}
}

// comparison writes the parts of a comparison.
type comparison struct{ *audit.Comparison }

// hands tells who changes hands, or proves that nobody does.
func (c comparison) hands(b *outline) {
	switch {
	case len(c.Moves) > 0:
		b.section("Who changes hands:", neutral)
		writeMoves(b, "  ", c.Moves)
	case c.Endpoints > 0:
		b.WriteString("\n")
		b.mark(plain, good)
		b.printf("Nobody changes hands: at %s of %s every source of the address family keeps its connector, or stays refused. All\naddresses were compared, range by range.\n",
			count(c.Endpoints, "local endpoint"), strings.Join(c.Servers(), ", "))
		if c.Doubt != 0 {
			b.printf("That holds for what is known: answers there are in doubt (%s), before or after.\n", c.Doubt)
		}
	case len(c.Changes) == 0:
		b.WriteString("\nNobody changes hands.\n")
	default:
		b.WriteString("\nNobody changes hands: nothing listens, before or after.\n")
	}
	if len(c.Unsettled) > 0 {
		b.section("Who may change hands, because the answer comes into doubt:", warning)
		writeUnsettled(b, "  ", c.Unsettled)
	}
}

// findings lists what appears and what goes.
func (c comparison) findings(b *outline) {
	if len(c.Findings) == 0 {
		b.WriteString("\nNo finding appears, and none goes.\n")
		return
	}
	b.section("Findings:", neutral)
	for _, f := range c.Findings {
		verb, of := map[audit.Change]string{audit.Worse: "grows", audit.Better: "shrinks", audit.Other: "changes"}[f.Change()], f.After
		switch {
		case f.Before == nil:
			verb = "appears"
		case f.After == nil:
			verb, of = "goes", f.Before
		}
		b.printf("  %s: %s %s (%s) %s\n    %s\n", verb, of.Check, of.Severity, of.Certainty, of.Subject, of.Message)
		if len(of.Addrs) > 0 {
			b.printf("    addresses: %s\n", ranges(of.Addrs))
		}
	}
}

// flows lists the mail between servers that breaks, heals, or ends otherwise.
func (c comparison) flows(b *outline) {
	if len(c.Flows) == 0 {
		b.WriteString("\nNo mail between servers is known to break, and none to heal.\n")
		return
	}
	for _, kind := range []struct {
		change audit.Change
		title  string
	}{{audit.Worse, "Mail between servers that breaks:"}, {audit.Better, "Mail between servers that heals:"}, {audit.Other, "Mail between servers of which less or more is known:"}} {
		of := slices.DeleteFunc(slices.Clone(c.Flows), func(f audit.FlowChange) bool { return f.Change() != kind.change })
		if len(of) == 0 {
			continue
		}
		b.section(kind.title, [...]tone{audit.Worse: bad, audit.Better: good, audit.Other: warning}[kind.change])
		for i, f := range of {
			if i == mostFlows {
				b.printf("  and %d more\n", len(of)-i)
				break
			}
			b.printf("  %s", f.Flow)
			if f.Flow.Need == connector.Possible {
				b.WriteString(" (possible)")
			}
			b.printf(": %s -> %s", stateText(f.Before), stateText(f.After))
			if kind.change == audit.Worse && f.Witness != nil && f.Witness.Explanation.Match.Outcome() == connector.Selected {
				b.printf(", taken by %s", f.Witness.Explanation.Match.Connector())
			}
			b.WriteString("\n")
		}
	}
}

// unfollowed tells which mail could not be followed, so that no answer does not look like a good one.
func (c comparison) unfollowed(b *outline) {
	a := Audit{Topology: c.After}
	if len(a.Topology.Servers) == 0 {
		b.WriteString("Flows between servers are not known: name the servers with versions and sites (Get-ExchangeServer) and their addresses.\n")
	}
	a.unaddressed(b)
	for _, change := range c.Changes {
		if change.Before != nil && change.After != nil && change.Before.TransportRole != change.After.TransportRole {
			b.printf("%s belongs to another service then: what servers that expect the old one at its bindings make of that is not modelled.\n", change.Target)
		}
	}
}

func stateText(s audit.FlowState) string {
	if s == 0 {
		return "no such flow"
	}
	return s.String()
}

// access lists what clients can no longer do, and what they can do that they could not.
func (c comparison) access(b *outline) {
	for _, kind := range []struct {
		lost  bool
		title string
	}{{true, "What clients can no longer do:"}, {false, "What clients can do that they could not:"}} {
		of := slices.DeleteFunc(slices.Clone(c.Access), func(a audit.AccessChange) bool { return a.Lost() != kind.lost })
		if len(of) == 0 {
			continue
		}
		b.section(kind.title, map[bool]tone{true: bad, false: warning}[kind.lost])
		for _, a := range of {
			unsure := ""
			switch {
			case a.After == connector.StepUnknown:
				unsure = " (perhaps: what decides it is not known)"
			case a.Before == connector.StepUnknown:
				unsure = " (perhaps they could before: what decided it is not known)"
			}
			b.printf("  %s %s: %s%s\n    %s, for example %s\n", a.Server, a.Local, a.Access, unsure, ranges(a.Addrs), a.Witness)
		}
	}
}

type whatIfObject struct {
	Breaks    bool                  `json:"breaks"` // mail between servers does
	Changes   []changeObject        `json:"changes"`
	Notes     []string              `json:"notes"`
	Refused   []refusalObject       `json:"refused"`   // what the cmdlets would say
	Moves     []moveObject          `json:"moves"`     // who changes hands
	Unsettled []moveObject          `json:"unsettled"` // who may change hands
	Endpoints int                   `json:"endpoints"` // how many local endpoints were compared
	Doubt     string                `json:"doubt"`
	Findings  []findingChangeObject `json:"findings"`
	Flows     []flowChangeObject    `json:"flows"`
	Access    []accessObject        `json:"access"`
}

type changeObject struct {
	Connector   string             `json:"connector"`
	Change      string             `json:"change"`
	Differences []differenceObject `json:"differences"`
}

type differenceObject struct {
	Property string   `json:"property"`
	Before   []string `json:"before"`
	After    []string `json:"after"`
	Unknown  bool     `json:"unknown,omitempty"` // the value before is not known
	Lost     bool     `json:"lost,omitempty"`    // the value after is not known
}

type refusalObject struct {
	Connector string `json:"connector"`
	Text      string `json:"text"`
	Quoted    bool   `json:"quoted"` // the text is the cmdlet's
	Other     string `json:"other,omitempty"`
	Rule      string `json:"rule"`
}

type findingChangeObject struct {
	Change string         `json:"change"`
	Before *findingObject `json:"before"`
	After  *findingObject `json:"after"`
}

type flowChangeObject struct {
	Change string     `json:"change"`
	Flow   flowObject `json:"flow"`
	Before string     `json:"before"`
	After  string     `json:"after"`
}

type accessObject struct {
	Lost      bool     `json:"lost"`
	Server    string   `json:"server"`
	Local     string   `json:"local"`
	Access    string   `json:"access"`
	Before    string   `json:"before"`
	After     string   `json:"after"`
	Addresses []string `json:"addresses"`
	Witness   string   `json:"witness"`
}

func changesJSON(changes []connector.Change) []changeObject {
	list := []changeObject{}
	for _, c := range changes {
		o := changeObject{Connector: c.Target.String(), Change: "changed", Differences: []differenceObject{}}
		switch {
		case c.Before == nil:
			o.Change = "created"
		case c.After == nil:
			o.Change = "removed"
		case c.IsNoop():
			o.Change = "unchanged"
		}
		for _, d := range c.Differences() {
			o.Differences = append(o.Differences, differenceObject{d.Property, append([]string{}, d.Before...), append([]string{}, d.After...), d.Unknown, d.Lost})
		}
		list = append(list, o)
	}
	return list
}

func refusalsJSON(err error) []refusalObject {
	list := []refusalObject{}
	for _, r := range connector.Refusals(err) {
		list = append(list, refusalObject{r.Target.String(), r.Text, r.Quoted(), r.Other.String(), r.Basis().String()})
	}
	if err != nil && len(list) == 0 {
		list = append(list, refusalObject{Text: err.Error()})
	}
	return list
}

func (w WhatIf) json() whatIfObject {
	o := whatIfObject{Changes: changesJSON(w.Changes), Notes: texts(w.Notes), Refused: refusalsJSON(w.Refused), Moves: []moveObject{}, Unsettled: []moveObject{},
		Findings: []findingChangeObject{}, Flows: []flowChangeObject{}, Access: []accessObject{}}
	c := w.Comparison
	if c == nil {
		return o
	}
	o.Breaks, o.Moves, o.Unsettled, o.Endpoints, o.Doubt = c.Breaks(), movesJSON(c.Moves), movesJSON(c.Unsettled), c.Endpoints, c.Doubt.String()
	for _, f := range c.Findings {
		x := findingChangeObject{Change: f.Change().String()}
		if f.Before != nil {
			x.Before = findingJSON(c.Before, *f.Before)
		}
		if f.After != nil {
			x.After = findingJSON(c.After, *f.After)
		}
		o.Findings = append(o.Findings, x)
	}
	for _, f := range c.Flows {
		o.Flows = append(o.Flows, flowChangeObject{f.Change().String(), flowJSON(f.Flow), f.Before.String(), f.After.String()})
	}
	for _, a := range c.Access {
		o.Access = append(o.Access, accessObject{a.Lost(), a.Server, a.Local.String(), a.Access.String(), a.Before.String(), a.After.String(), texts(a.Addrs), a.Witness.String()})
	}
	return o
}
