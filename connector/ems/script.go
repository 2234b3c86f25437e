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
// A check stops the script at the first property that a step changes and that has neither the value it had nor the one it gets; so a
// script that stopped half-way can be run again, or rolled back. Extended rights, sizes and what is not known are not checked. Each server
// gets the commands of its version.
//
// What cannot be undone, because the value before is not known, the rollback leaves as it is and warns of; if a connector cannot be
// brought back at all, it says so and stops before it undoes anything. A connector that was removed comes back with what is known of it.
//
// The steps must fit to t one after the other; the error is that of [Commands] for the first that cannot be written. The text begins with
// a byte order mark if it is not all ASCII, because Windows PowerShell needs one then. The script needs PowerShell 2.0, and is untested on
// a live server.
func Script(t *connector.Topology, title string, remarks []string, steps ...Step) (string, error) {
	changes := make([]connector.Change, len(steps))
	for i, s := range steps {
		changes[i] = s.Change
	}
	b := &script{t: t}
	b.comment(0, title)
	for _, r := range remarks {
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
	b.rollback(changes)
	b.line(0, "}")
	text := b.String()
	if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
		text = "\ufeff" + text
	}
	return text, nil
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

# Stops the script unless a property has the values it had, or those it gets.
function Assert-Property($Identity, $Property, $Before, $After) {
    if (-not ((Test-Property $Identity $Property $Before) -or (Test-Property $Identity $Property $After))) {
        $found = @((Get-ReceiveConnector -Identity $Identity).$Property | ForEach-Object { "$_" }) -join ', '
        throw "$Identity has changed: $Property is '$found' instead of '$($Before -join ', ')'"
    }
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

// commands writes the commands of a change, each only if it is not made already.
func (b *script) commands(c connector.Change) error {
	lines, err := b.lines(c)
	if err != nil {
		return err
	}
	for i, l := range lines {
		condition := ""
		if i == 0 && !strings.HasPrefix(l, "Get-") { // rights can be given twice
			condition = todo(c)
		}
		if condition == "" {
			b.line(1, l)
			continue
		}
		b.line(1, "if ("+condition+") {")
		b.line(2, l)
		b.line(1, "}")
	}
	return nil
}

// todo returns the condition under which a change is still to be made; none if nothing tells.
func todo(c connector.Change) string {
	switch {
	case c.Before == nil:
		return "-not (Test-Connector " + Quote(c.Target.String()) + ")"
	case c.After == nil || !c.After.ID.Equal(c.Target):
		return "Test-Connector " + Quote(c.Target.String())
	}
	var made []string
	for _, d := range c.Differences() {
		if !checked(c, d) {
			return ""
		}
		made = append(made, fmt.Sprintf("(Test-Property %s %s %s)", Quote(c.Target.String()), Quote(d.Property), array(d.After)))
	}
	if len(made) == 0 {
		return ""
	}
	return "-not (" + strings.Join(made, " -and ") + ")"
}

func array(values []string) string { return "@(" + strings.TrimPrefix(list(values), "@()") + ")" }

// checked tells whether the value of a property can be compared: not if it is not known, if its text depends on the language of the
// server, or if Exchange adds to it by itself, as Custom to the groups where there are rights.
func checked(c connector.Change, d connector.Difference) bool {
	custom := d.Property == "PermissionGroups" && (len(c.Before.Rights) > 0 || len(c.After.Rights) > 0 || c.Before.PermissionGroups.Has(connector.GroupCustom))
	return !d.Unknown && !d.Lost && !custom && c.Before.Knows(d.Property) && !slices.Contains([]string{"Name", "MaxMessageSize", "Rights"}, d.Property)
}

// checks writes what must hold before the changes are made: of each connector it is what it was or what it will be.
func (b *script) checks(changes []connector.Change) {
	b.comment(1, "Is everything as it was, or changed already?")
	composed := connector.Compose(changes...)
	for i, c := range composed {
		same := func(o connector.Change) bool { return o.Target.Equal(c.Target) }
		switch anew := slices.IndexFunc(composed[i+1:], func(o connector.Change) bool { return o.Before == nil && same(o) }); {
		case slices.ContainsFunc(composed[:i], same): // it was removed before, and looked at
		case c.After == nil && anew >= 0:
			b.check(connector.Change{Target: c.Target, Before: c.Before, After: composed[i+1+anew].After}, nil)
		case c.After == nil:
			b.check(connector.Change{Target: c.Target, Before: c.Before, After: c.Before}, recognise)
		case c.Before == nil:
			b.check(connector.Change{Target: c.Target, Before: c.After, After: c.After}, recognise)
		default:
			b.check(c, nil)
		}
	}
	b.line(1, "if ($CheckOnly) { return }")
}

// recognise are the properties by which a connector is recognised that is to be there only before, or only after.
var recognise = []string{"Enabled", "Bindings", "RemoteIPRanges", "AuthMechanism", "PermissionGroups"}

// check writes the checks of one connector, of the given properties or of those that differ. One with given properties need not be there;
// one that gets another name has either.
func (b *script) check(c connector.Change, given []string) {
	differences := c.Differences()
	for _, name := range given {
		values, _ := c.Before.Setting(name)
		differences = append(differences, connector.Difference{Property: name, Before: values, After: values})
	}
	under := func(depth int, id connector.ID) {
		for _, d := range differences {
			if checked(c, d) {
				b.line(depth, fmt.Sprintf("Assert-Property %s %s %s %s", Quote(id.String()), Quote(d.Property), array(d.Before), array(d.After)))
			}
		}
	}
	is, was := "Test-Connector "+Quote(c.After.ID.String()), "Test-Connector "+Quote(c.Target.String())
	gone := "throw " + Quote(c.Target.String()+" does not exist")
	switch {
	case !c.After.ID.Equal(c.Target):
		b.line(1, "if ("+was+") {")
		b.line(2, "if ("+is+") { throw "+Quote(c.After.ID.String()+" exists already")+" }")
		under(2, c.Target)
		b.line(1, "} elseif ("+is+") {")
		under(2, c.After.ID)
		b.line(1, "} else {")
		b.line(2, gone)
		b.line(1, "}")
	case given != nil:
		b.line(1, "if ("+was+") {")
		under(2, c.Target)
		b.line(1, "}")
	default:
		b.line(1, "if (-not ("+was+")) { "+gone+" }")
		under(1, c.Target)
	}
}

// rollback writes the way back.
func (b *script) rollback(changes []connector.Change) {
	var undo []connector.Change
	var left []string
	for _, c := range changes {
		back, open := restorable(c)
		left = append(left, open...)
		if !back.IsNoop() {
			undo = append([]connector.Change{back}, undo...)
		}
	}
	for _, c := range undo {
		if _, err := b.lines(c); err != nil {
			b.line(1, "throw "+Quote("This cannot be undone by a script: "+err.Error()))
			return
		}
	}
	b.checks(undo)
	b.line(0, "")
	for _, text := range left {
		b.line(1, "Write-Warning "+Quote(text))
	}
	for _, c := range undo {
		if c.Before == nil {
			b.line(1, "Write-Warning "+Quote(c.Target.String()+" comes back with what the export told of it, and with the defaults of New-ReceiveConnector for the rest"))
			if c.After.Missing.Has(connector.PropertyRights) || c.After.PermissionGroups.Has(connector.GroupCustom) && len(c.After.Rights) == 0 {
				b.line(1, "Write-Warning "+Quote(c.Target.String()+": rights beyond the permission groups are not known, and do not come back"))
			}
		}
		_ = b.commands(c) // that was asked above
	}
}

// restorable returns the change that undoes c as far as the values before are known, and what it leaves as it is: sizes, limits and what
// is announced, of which the export did not tell the value.
func restorable(c connector.Change) (back connector.Change, left []string) {
	back = c.Inverse()
	if c.Before == nil || c.After == nil {
		return back, nil
	}
	after := back.After.Clone()
	for _, d := range c.Differences() {
		minor := strings.HasPrefix(d.Property, "Max") || strings.HasPrefix(d.Property, "Connection") || d.Property != "Enabled" && d.Property != "DomainSecureEnabled" && strings.HasSuffix(d.Property, "Enabled")
		if minor && (d.Unknown || !c.Before.Knows(d.Property)) {
			left = append(left, fmt.Sprintf("%s: %s was not exported, so it stays %s", c.Target, d.Property, strings.Join(d.After, ", ")))
			_ = after.Set(d.Property, d.After...) // it was read from there
		}
	}
	back.After = &after
	return back, left
}
