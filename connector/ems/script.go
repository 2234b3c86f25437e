package ems

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Step is one change of a script, and why it is made, a line each.
type Step struct {
	Change connector.Change
	Why    []string
}

// Script writes steps as one PowerShell script that begins with a title and remarks, to be read, and run in the Exchange Management Shell:
//
//	.\plan.ps1             checks, then makes the changes
//	.\plan.ps1 -CheckOnly  checks, and changes nothing
//	.\plan.ps1 -Rollback   checks, then undoes the changes, the last one first
//
// A check stops the script at the first property that a step changes and that has neither the value it had nor one it gets; a step is made
// only where its connector is as it was before it. So a script that stopped half-way can be run again, or rolled back. Extended rights,
// sizes and what is not known are not checked. Each server gets the commands of its version.
//
// What cannot be undone is told in the head of the script: values that are not known before stay as they are, connectors that are not known
// completely do not come back, and if the cmdlets would refuse to undo it, the rollback stops before it begins. A connector that was
// removed comes back with what is known of it.
//
// The steps must fit to t one after the other; the error is that of [connector.Topology.Apply], or of [Commands] for the first that cannot
// be written, or [ErrName]. The text begins with a byte order mark if it is not all ASCII, because Windows PowerShell needs one then. The
// script needs PowerShell 2.0, and is untested on a live server.
func Script(t *connector.Topology, title string, remarks []string, steps ...Step) (string, error) {
	changes := make([]connector.Change, len(steps))
	for i, s := range steps {
		changes[i] = s.Change
	}
	after, err := t.Apply(changes...)
	if err != nil {
		return "", err
	}
	back := wayBack(after, changes)
	for _, way := range [][]connector.Change{changes, back.changes} {
		if err := distinctNames(threads(way)); err != nil {
			return "", err
		}
	}
	b := &script{t: t}
	for _, r := range append(append([]string{title}, remarks...), back.remarks...) {
		b.comment(0, r)
	}
	b.comment(0, "Made from exported data. Read it, then run it in the Exchange Management Shell:")
	b.comment(0, `  .\plan.ps1             checks that what it changes is as it was exported, or changed already; then makes the changes`)
	b.comment(0, `  .\plan.ps1 -CheckOnly  checks, and changes nothing`)
	b.comment(0, `  .\plan.ps1 -Rollback   checks, then undoes the changes`)
	b.WriteString(preamble)
	b.line(0, "if (-not $Rollback) {")
	b.checks(changes)
	for i, s := range steps {
		b.line(0, "")
		b.comment(1, fmt.Sprintf("%d. %s", i+1, s.Change))
		for _, why := range s.Why {
			b.comment(1, "   "+why)
		}
		if err := b.commands(s.Change); err != nil {
			return "", err
		}
	}
	b.line(0, "} else {")
	if back.refused != "" {
		b.line(1, "throw "+Quote(back.refused))
	} else {
		b.checks(back.changes)
		b.line(0, "")
		for _, w := range back.remarks {
			b.line(1, "Write-Warning "+Quote(w))
		}
		for _, c := range back.changes {
			if err := b.commands(c); err != nil {
				return "", err
			}
		}
	}
	b.line(0, "}")
	return withMark(b.String()), nil
}

// withMark puts a byte order mark before a text that is not all ASCII.
func withMark(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "\ufeff" + text
	}
	return text
}

// Remarks writes texts as comments, a line each, whatever they hold: a script that does nothing.
func Remarks(texts ...string) string {
	b := &script{}
	for _, t := range texts {
		b.comment(0, t)
	}
	return withMark(b.String())
}

const preamble = `param([switch]$CheckOnly, [switch]$Rollback)
$ErrorActionPreference = 'Stop'

# Is there such a connector?
function Test-Connector($Identity) {
    [bool](Get-ReceiveConnector -Identity $Identity -ErrorAction SilentlyContinue)
}

# Has a property of a connector these values, in any order?
function Test-Property($Identity, $Property, $Expected) {
    $found = @((Get-ReceiveConnector -Identity $Identity -ErrorAction Stop).$Property | ForEach-Object { "$_" } | Sort-Object)
    $wanted = @($Expected | Sort-Object)
    ($found -join '|') -eq ($wanted -join '|')
}

# Stops the script unless a property has one of the values that follow: what it had, or gets on the way.
function Assert-Property($Identity, $Property) {
    foreach ($expected in $args) {
        if (Test-Property $Identity $Property $expected) { return }
    }
    $found = @((Get-ReceiveConnector -Identity $Identity).$Property | ForEach-Object { "$_" }) -join ', '
    throw "$Identity has changed: $Property is '$found'"
}

`

// script collects lines.
type script struct {
	strings.Builder
	t *connector.Topology
}

func (b *script) line(depth int, text string) {
	if text != "" {
		b.WriteString(strings.Repeat("    ", depth))
	}
	b.WriteString(text + "\n")
}

// comment writes a line of comment. What would end the line, or is not to be seen, is replaced: names may hold anything.
func (b *script) comment(depth int, text string) {
	b.line(depth, "# "+strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text))
}

// lines are the commands of a change. Cmdlets that come over the network do not see the script's $ErrorActionPreference, so each is told
// to stop at an error.
func (b *script) lines(c connector.Change) ([]string, error) {
	s, _ := b.t.Server(c.Target.Server)
	lines, err := (writer{change: c, generation: s.Version.Generation(), each: " -ErrorAction Stop"}).lines()
	if err == nil && (isPattern(c.Target.String()) || c.After != nil && isPattern(c.After.ID.String())) {
		err = ErrWildcard
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Target, err)
	}
	return lines, nil
}

// commands writes the commands of a change. Each but those of rights, which can be given twice, is made only where the connector is as it
// was before.
func (b *script) commands(c connector.Change) error {
	lines, err := b.lines(c)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if strings.HasPrefix(l, "Get-") {
			b.line(1, l)
			continue
		}
		b.line(1, "if ("+todo(c)+") {")
		b.line(2, l)
		b.line(1, "}")
	}
	return nil
}

// todo returns the condition under which a change is still to be made.
func todo(c connector.Change) string {
	exists := "Test-Connector " + Quote(c.Target.String())
	if c.Before == nil {
		return "-not (" + exists + ")"
	}
	conditions := []string{"(" + exists + ")"}
	for _, p := range properties([]*connector.ReceiveConnector{c.Before, c.After}) {
		conditions = append(conditions, fmt.Sprintf("(Test-Property %s %s %s)", Quote(c.Target.String()), Quote(p), array(valuesOf(c.Before, p))))
	}
	return strings.Join(conditions, " -and ")
}

func array(values []string) string { return "@(" + strings.TrimPrefix(list(values), "@()") + ")" }

func valuesOf(c *connector.ReceiveConnector, property string) []string {
	values, _ := c.Setting(property)
	return values
}

// thread is what becomes of one connector, from state to state; nil where there is none.
type thread []*connector.ReceiveConnector

// threads follows each connector through changes. One that is removed and created anew under its name is the same.
func threads(changes []connector.Change) (all []thread) {
	for _, c := range changes {
		i := slices.IndexFunc(all, func(t thread) bool {
			last := t[len(t)-1]
			if last == nil {
				return c.Before == nil && t[len(t)-2] != nil && t[len(t)-2].ID.Equal(c.Target)
			}
			return c.Before != nil && last.ID.Equal(c.Target)
		})
		if i < 0 {
			all = append(all, thread{c.Before})
			i = len(all) - 1
		}
		all[i] = append(all[i], c.After)
	}
	return all
}

// names returns the names that the connector of a thread has, in order.
func (t thread) names() (ids []connector.ID) {
	for _, c := range t {
		if c != nil && !slices.ContainsFunc(ids, c.ID.Equal) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// distinctNames asks that no two connectors have one name, one after the other: a script that is run again could not tell them apart.
func distinctNames(all []thread) error {
	var taken []connector.ID
	for _, t := range all {
		names := t.names()
		for _, id := range names {
			if slices.ContainsFunc(taken, id.Equal) {
				return fmt.Errorf("%s: %w", id, ErrName)
			}
		}
		taken = append(taken, names...)
	}
	return nil
}

// recognise are the properties by which a connector is recognised that is not there before, or after.
var recognise = []string{"Enabled", "Bindings", "RemoteIPRanges", "AuthMechanism", "PermissionGroups"}

// properties returns those in which states of a connector differ and which can be compared, with those by which it is recognised if there is
// none of it in some state. Not compared is what is not known in one of them, whose text depends on the language of the server, or to
// which Exchange adds by itself, as Custom to the groups where there are rights.
func properties(states []*connector.ReceiveConnector) (names []string) {
	there := slices.DeleteFunc(slices.Clone(states), func(c *connector.ReceiveConnector) bool { return c == nil })
	for _, name := range connector.Settings() {
		wanted := len(there) < len(states) && slices.Contains(recognise, name)
		comparable := name != "Name" && name != "MaxMessageSize"
		for _, c := range there {
			values := valuesOf(c, name)
			untold := len(values) == 0 && !slices.Contains([]string{"Bindings", "RemoteIPRanges", "Fqdn", "TransportRole"}, name)
			custom := name == "PermissionGroups" && (len(c.Rights) > 0 || c.PermissionGroups.Has(connector.GroupCustom))
			wanted = wanted || !slices.Equal(values, valuesOf(there[0], name))
			comparable = comparable && c.Knows(name) && !untold && !custom
		}
		if wanted && comparable {
			names = append(names, name)
		}
	}
	return names
}

// checks writes what must hold before changes are made: each connector is in one of the states that it goes through.
func (b *script) checks(changes []connector.Change) {
	b.comment(1, "Is everything as it was, or changed already?")
	for _, t := range threads(changes) {
		compared := properties(t)
		names := t.names()
		mayMiss := slices.Contains(t, nil)
		for i, id := range names {
			word := "if"
			if i > 0 {
				word = "} elseif"
			}
			b.line(1, word+" (Test-Connector "+Quote(id.String())+") {")
			for _, p := range compared {
				var alternatives []string
				for _, c := range t {
					if c == nil {
						continue
					}
					if values := array(valuesOf(c, p)); !slices.Contains(alternatives, values) {
						alternatives = append(alternatives, values)
					}
				}
				b.line(2, fmt.Sprintf("Assert-Property %s %s %s", Quote(id.String()), Quote(p), strings.Join(alternatives, " ")))
			}
		}
		if !mayMiss {
			b.line(1, "} else {")
			b.line(2, "throw "+Quote(names[0].String()+" does not exist"))
		}
		b.line(1, "}")
	}
	b.line(1, "if ($CheckOnly) { return }")
}

// way is a way back.
type way struct {
	changes []connector.Change // the last one first
	remarks []string           // what they do not undo
	refused string             // why they cannot be made; empty if they can
}

// wayBack returns the changes that undo others as far as the values before are known.
func wayBack(after *connector.Topology, changes []connector.Change) (w way) {
	now := after
	for _, c := range slices.Backward(changes) {
		back := restorable(now, c, &w)
		if back.IsNoop() {
			continue
		}
		next, err := now, now.Validate(back)
		if err == nil {
			next, err = now.Apply(back)
		}
		if err != nil {
			if rs := connector.Refusals(err); len(rs) > 0 {
				err = rs[0] // which is what the cmdlet says
			}
			w.refused = "The cmdlets would refuse to undo this: " + err.Error()
			w.remarks = append(w.remarks, "-Rollback does nothing. "+w.refused)
			return w
		}
		now = next
		w.changes = append(w.changes, back)
	}
	return w
}

// restorable returns the change that undoes c on what the topology holds now, without what cannot be undone, which it notes.
func restorable(now *connector.Topology, c connector.Change, w *way) connector.Change {
	s, _ := now.Server(c.Target.Server)
	remark := func(format string, args ...any) {
		w.remarks = append(w.remarks, "Not undone by -Rollback: "+c.Target.String()+": "+fmt.Sprintf(format, args...))
	}
	if c.Before == nil { // it may have values that could not be taken back
		is, _ := now.Connector(c.After.ID)
		return connector.Remove(is)
	}
	if c.After == nil {
		back := connector.Create(*c.Before)
		if _, err := (writer{change: back, generation: s.Version.Generation()}).lines(); err != nil {
			remark("it is removed and does not come back: %v", err)
			return connector.Change{}
		}
		w.remarks = append(w.remarks, "By -Rollback "+c.Target.String()+" comes back with what the export told of it, and with the defaults of New-ReceiveConnector for the rest.")
		if rightsUnknown(*c.Before) {
			remark("rights beyond the permission groups, which are not known")
		}
		return back
	}
	is, there := now.Connector(c.After.ID)
	if !there {
		return connector.Change{} // it did not come back either
	}
	to := is.Clone()
	to.ID = c.Before.ID
	for _, d := range c.Differences() {
		switch {
		case d.Property == "Rights" && rightsUnknown(*c.Before):
			remark("rights, because those it had are not known")
		case d.Property == "Rights":
			to.Rights = slices.Clone(c.Before.Rights)
		case d.Unknown || d.Property != "Bindings" && d.Property != "RemoteIPRanges" && !c.Before.Knows(d.Property):
			remark("%s, because the value it had is not known; it stays %s", d.Property, strings.Join(d.After, ", "))
		case d.Property != "Name":
			_ = to.Set(d.Property, d.Before...) // it was read from there
		}
	}
	to.PermissionGroups = to.PermissionGroups&^connector.GroupCustom | c.Before.PermissionGroups&connector.GroupCustom
	to.Missing |= c.Before.Missing & is.Missing
	return connector.Edit(is, func(c *connector.ReceiveConnector) { *c = to })
}

// rightsUnknown tells whether a connector may have rights that nobody told.
func rightsUnknown(c connector.ReceiveConnector) bool {
	return c.Missing.Has(connector.PropertyRights) || c.PermissionGroups.Has(connector.GroupCustom) && len(c.Rights) == 0
}
