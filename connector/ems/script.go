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
// The check finds out, by the properties that change, where each connector is on its way, and stops the script at one that is neither as it
// was nor as a step leaves it; a step that is behind it is not made again. So a script that stopped half-way can be run again, or rolled
// back. At the end a warning tells which connector is not as it should be. Extended rights, sizes and what is not known are not checked;
// rights may be given twice. Each server gets the commands of its version.
//
// What cannot be undone is told in the head of the script: values that are not known before stay as they are, connectors that are not known
// completely do not come back, which may stop the check of a rollback, and if the cmdlets would refuse to undo it, the rollback stops
// before it begins. A connector that was removed comes back with what is known of it.
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
	there, err := pathsOf(t, changes)
	if err != nil {
		return "", err
	}
	back := wayBack(after, changes)
	again, err := pathsOf(t, back.changes)
	if err != nil {
		return "", err
	}
	b := &script{}
	for _, r := range append(append([]string{title}, remarks...), back.remarks...) {
		b.comment(0, r)
	}
	b.comment(0, "Made from exported data. Read it, then run it in the Exchange Management Shell:")
	b.comment(0, `  .\plan.ps1             checks that what it changes is as it was exported, or changed already; then makes the changes`)
	b.comment(0, `  .\plan.ps1 -CheckOnly  checks, and changes nothing`)
	b.comment(0, `  .\plan.ps1 -Rollback   checks, then undoes the changes`)
	b.WriteString(preamble)
	b.line(0, "if (-not $Rollback) {")
	b.checks(there)
	for i, s := range steps {
		b.line(0, "")
		b.comment(1, fmt.Sprintf("%d. %s", i+1, s.Change))
		for _, why := range s.Why {
			b.comment(1, "   "+why)
		}
		b.commands(there, i)
	}
	b.ends(there)
	b.line(0, "} else {")
	if back.refused != "" {
		b.line(1, "throw "+Quote(back.refused))
	} else {
		b.checks(again)
		b.line(0, "")
		for _, w := range back.remarks {
			b.line(1, "Write-Warning "+Quote(w))
		}
		for i := range back.changes {
			b.commands(again, i)
		}
		b.ends(again)
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

# Returns the connectors of a server that have one of the names in these states.
function Get-Named($Server, $States) {
    $names = @($States | ForEach-Object { $_['Name'] })
    Get-ReceiveConnector -Server $Server -ErrorAction Stop | Where-Object { $names -contains $_.Name }
}

# Puts values into one text, in any order.
function Join-Value($Values) {
    @($Values | ForEach-Object { "$_" } | Sort-Object) -join ', '
}

# Is there the connector of a state, with its values? In the state @{} there is none.
function Test-State($Found, $State) {
    if ($State.Count -eq 0) { return $Found.Count -eq 0 }
    if ($Found.Count -ne 1) { return $false }
    foreach ($property in $State.Keys) {
        if ((Join-Value ($Found[0].$property)) -ne (Join-Value ($State[$property]))) { return $false }
    }
    $true
}

# Names the connector of these states.
function Get-Title($Server, $States) {
    $names = @($States | ForEach-Object { $_['Name'] } | Where-Object { $_ } | Select-Object -Unique) -join ', then '
    "$Server\$names"
}

# Returns the number, from 0, of the first of the states that holds.
function Find-State($Server, $States) {
    $found = @(Get-Named $Server $States)
    for ($i = 0; $i -lt $States.Count; $i++) {
        if (Test-State $found $States[$i]) { return $i }
    }
    $keys = @($States | Where-Object { $_.Count -gt 0 })[0].Keys
    $is = @($found | ForEach-Object { $c = $_; $keys | ForEach-Object { "$_ is '$(Join-Value ($c.$_))'" } }) -join ', '
    if (-not $is) { $is = 'it does not exist' }
    throw "$(Get-Title $Server $States) has changed; it is neither as it was nor as one of the changes leaves it: $is"
}

# Warns if the last of the states does not hold.
function Confirm-State($Server, $States) {
    if (-not (Test-State @(Get-Named $Server $States) $States[-1])) {
        Write-Warning "$(Get-Title $Server $States) is not as it should be now"
    }
}

`

// script collects lines.
type script struct{ strings.Builder }

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

// ends writes what is looked at when all changes are made.
func (b *script) ends(ps paths) {
	b.line(0, "")
	for i, p := range ps.all {
		b.line(1, fmt.Sprintf("Confirm-State %s $states%d", Quote(p.server()), i+1))
	}
}

// checks writes what must hold before changes are made, and finds out which of them are made.
func (b *script) checks(ps paths) {
	b.comment(1, "Where is each connector on its way, from what it was to what the last change leaves?")
	for i, p := range ps.all {
		b.line(1, fmt.Sprintf("$states%d = @(", i+1))
		for j, literal := range p.literals {
			b.line(2, literal+map[bool]string{true: ","}[j < len(p.literals)-1])
		}
		b.line(1, ")")
		b.line(1, fmt.Sprintf("$at%d = Find-State %s $states%d", i+1, Quote(p.server()), i+1))
	}
	b.line(1, "if ($CheckOnly) { return }")
}

// commands writes the commands of a change.
func (b *script) commands(ps paths, change int) {
	for _, c := range ps.commands[change] {
		b.line(1, fmt.Sprintf("if ($at%d -le %d) {", c.path+1, c.state))
		for _, l := range c.lines {
			b.line(2, l)
		}
		b.line(1, "}")
	}
}

// path is what becomes of one connector, from state to state; nil where there is none.
type path struct {
	states   []*connector.ReceiveConnector
	numbers  []int    // those of the states among the literals
	literals []string // of the states in PowerShell, where some look the same one for all
}

// guarded is lines that are to be run if a connector has not come further than a state.
type guarded struct {
	path, state int
	lines       []string
}

// paths are what becomes of connectors by changes, and the commands of each change.
type paths struct {
	all      []path
	commands [][]guarded
}

// pathsOf follows each connector through changes. One that is removed and created anew under its name is the same.
func pathsOf(t *connector.Topology, changes []connector.Change) (ps paths, err error) {
	at := make(map[string]int) // which path the connector of a name is on
	for _, c := range changes {
		i, ok := at[folded(c.Target)]
		switch {
		case ok && (ps.all[i].last() == nil) == (c.Before == nil):
		case ok:
			return ps, fmt.Errorf("%s: %w", c.Target, ErrName)
		default:
			i = len(ps.all)
			ps.all = append(ps.all, path{states: []*connector.ReceiveConnector{c.Before}})
			at[folded(c.Target)] = i
		}
		if c.After != nil {
			if other, taken := at[folded(c.After.ID)]; taken && other != i {
				return ps, fmt.Errorf("%s: %w", c.After.ID, ErrName)
			}
			at[folded(c.After.ID)] = i
		}
		main, rights, err := linesOf(t, c)
		if err != nil {
			return ps, err
		}
		var commands []guarded
		for _, lines := range [][]string{main, rights} {
			if len(lines) > 0 {
				commands = append(commands, guarded{i, len(ps.all[i].states) - 1, lines})
				ps.all[i].states = append(ps.all[i].states, c.After)
			}
		}
		ps.commands = append(ps.commands, commands)
	}
	for i := range ps.all {
		if err := ps.all[i].print(); err != nil {
			return ps, err
		}
	}
	for _, commands := range ps.commands {
		for i := range commands {
			commands[i].state = ps.all[commands[i].path].numbers[commands[i].state]
		}
	}
	return ps, nil
}

// folded returns a name as a key.
func folded(id connector.ID) string { return strings.ToLower(strings.ToUpper(id.String())) }

// linesOf returns the commands of a change, and those of rights beyond the groups. Cmdlets that come over the network do not see the
// script's $ErrorActionPreference, so each is told to stop at an error.
func linesOf(t *connector.Topology, c connector.Change) (main, rights []string, err error) {
	s, _ := t.Server(c.Target.Server)
	lines, err := (writer{change: c, generation: s.Version.Generation(), each: " -ErrorAction Stop"}).lines()
	if err == nil && (isPattern(c.Target.String()) || c.After != nil && isPattern(c.After.ID.String())) {
		err = ErrWildcard
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.Target, err)
	}
	first := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Get-") })
	if first < 0 {
		first = len(lines)
	}
	return lines[:first], lines[first:], nil
}

func (p path) last() *connector.ReceiveConnector { return p.states[len(p.states)-1] }

// server returns the server on which the connector is, or is not.
func (p path) server() string {
	for _, c := range p.states {
		if c != nil {
			return c.ID.Server
		}
	}
	return ""
}

// print writes the states. Those before and after a connector is gone must not look the same.
func (p *path) print() error {
	compared := properties(p.states)
	var gone string // what the connector looked like before it went
	for i, c := range p.states {
		literal := "@{}"
		if c != nil {
			parts := []string{"Name = " + Quote(c.ID.Name)}
			for _, name := range compared {
				parts = append(parts, fmt.Sprintf("%s = @(%s)", name, strings.TrimPrefix(list(valuesOf(c, name)), "@()")))
			}
			literal = "@{ " + strings.Join(parts, "; ") + " }"
		}
		n := len(p.literals)
		if n == 0 || p.literals[n-1] != literal {
			if c == nil && n > 0 {
				gone = p.literals[n-1]
			} else if strings.EqualFold(literal, gone) {
				return fmt.Errorf("%s: %w", p.states[i].ID, ErrName)
			}
			p.literals = append(p.literals, literal)
			n++
		}
		p.numbers = append(p.numbers, n-1)
	}
	return nil
}

func valuesOf(c *connector.ReceiveConnector, property string) []string {
	values, _ := c.Setting(property)
	return values
}

// recognise are the properties by which a connector is recognised that is not there before, or after.
var recognise = []string{"Enabled", "Bindings", "RemoteIPRanges", "AuthMechanism", "PermissionGroups"}

// properties returns those in which states of a connector differ and which can be compared, with those by which it is recognised if there is
// none of it in some state. Not compared is what is not known in one of them, whose text depends on the language of the server, or to
// which Exchange adds by itself, as Custom to the groups where there are rights, and the name that it may give to one that is made without.
func properties(states []*connector.ReceiveConnector) (names []string) {
	there := slices.DeleteFunc(slices.Clone(states), func(c *connector.ReceiveConnector) bool { return c == nil })
	for _, name := range connector.Settings() {
		wanted := len(there) < len(states) && slices.Contains(recognise, name)
		comparable := name != "Name" && name != "MaxMessageSize"
		for _, c := range there {
			values := valuesOf(c, name)
			untold := len(values) == 0 && !slices.Contains([]string{"Bindings", "RemoteIPRanges", "Fqdn", "TransportRole"}, name)
			filled := name == "Fqdn" && len(there) < len(states) && c.FQDN == ""
			custom := name == "PermissionGroups" && (len(c.Rights) > 0 || c.PermissionGroups.Has(connector.GroupCustom))
			wanted = wanted || !slices.Equal(values, valuesOf(there[0], name))
			comparable = comparable && c.Knows(name) && !untold && !custom && !filled
		}
		if wanted && comparable {
			names = append(names, name)
		}
	}
	return names
}

// way is a way back.
type way struct {
	changes []connector.Change // the last one first
	remarks []string           // what they do not undo
	refused string             // why they cannot be made, of which there are none then; empty if they can
}

// remark is what a way back does not do to a connector.
type remark struct {
	id   connector.ID
	text string
}

// wayBack returns the changes that undo others as far as the values before are known.
func wayBack(after *connector.Topology, changes []connector.Change) (w way) {
	now := make(map[string]connector.ReceiveConnector)
	for _, c := range after.Connectors {
		now[folded(c.ID)] = c
	}
	removed := make(map[string]*connector.ReceiveConnector)       // those that go, by name
	replaced := make([]*connector.ReceiveConnector, len(changes)) // of which a change makes a new one by that name
	made := make(map[string]bool)                                 // new ones, which go again
	for i, c := range changes {
		switch id := folded(c.Target); {
		case c.After == nil:
			removed[id] = c.Before
		case c.Before == nil && removed[id] != nil:
			replaced[i] = removed[id]
		case c.Before == nil || made[id]:
			made[folded(c.After.ID)] = true
		}
	}
	var remarks []remark
	for i, c := range slices.Backward(changes) {
		if old := replaced[i]; old != nil && comesBack(after, *old) != nil {
			remarks = append(remarks, remark{c.Target, "it stays, because the one that it replaces does not come back"})
			continue
		}
		back, more := restorable(after, now, c)
		remarks = append(remarks, more...)
		if back.IsNoop() {
			continue
		}
		if back.Before != nil {
			delete(now, folded(back.Target))
		}
		if back.After != nil {
			now[folded(back.After.ID)] = *back.After
		}
		w.changes = append(w.changes, back)
	}
	for _, r := range remarks {
		if !made[folded(r.id)] {
			w.remarks = append(w.remarks, "Not undone by -Rollback: "+r.id.String()+": "+r.text)
		}
	}
	err := after.ValidateAll(w.changes...)
	if err == nil {
		_, err = after.Apply(w.changes...)
	}
	if err != nil {
		if rs := connector.Refusals(err); len(rs) > 0 {
			err = rs[0] // which is what the cmdlet says
		}
		w.changes, w.refused = nil, "The cmdlets would refuse to undo this: "+err.Error()
		w.remarks = append(w.remarks, "-Rollback does nothing. "+w.refused)
	}
	return w
}

// comesBack tells why a connector that was removed cannot be made again.
func comesBack(t *connector.Topology, c connector.ReceiveConnector) error {
	s, _ := t.Server(c.ID.Server)
	_, err := (writer{change: connector.Create(c), generation: s.Version.Generation()}).lines()
	return err
}

// restorable returns the change that undoes c on the connectors that there are now, by name, without what cannot be undone, which it tells.
func restorable(t *connector.Topology, now map[string]connector.ReceiveConnector, c connector.Change) (back connector.Change, remarks []remark) {
	tell := func(format string, args ...any) {
		remarks = append(remarks, remark{c.Target, fmt.Sprintf(format, args...)})
	}
	if c.Before == nil { // it may have values that could not be taken back
		return connector.Remove(now[folded(c.After.ID)]), nil
	}
	if c.After == nil {
		if err := comesBack(t, *c.Before); err != nil {
			tell("it is removed and does not come back: %v", err)
			return back, remarks
		}
		tell("what the export did not tell of it: it comes back with the defaults of New-ReceiveConnector there")
		if rightsUnknown(*c.Before) {
			tell("rights beyond the permission groups, which are not known")
		}
		if c.Before.FQDN == "" && !c.Before.Missing.Has(connector.PropertyFQDN) {
			tell("Fqdn, which is empty, and may come back as the name of the server")
		}
		return connector.Create(*c.Before), remarks
	}
	is, there := now[folded(c.After.ID)]
	if !there {
		return back, nil // it did not come back either
	}
	to := is.Clone()
	to.ID = c.Before.ID
	for _, d := range c.Differences() {
		switch {
		case d.Property == "Rights" && rightsUnknown(*c.Before):
			tell("rights, because those it had are not known")
		case d.Property == "Rights":
			to.Rights = slices.Clone(c.Before.Rights)
		case d.Unknown || !d.List && !c.Before.Knows(d.Property):
			tell("%s, because the value it had is not known; it stays %s", d.Property, strings.Join(d.After, ", "))
		case d.Property == "Name":
		case to.Set(d.Property, d.Before...) != nil:
			tell("%s, which was not set and cannot be taken back; it stays %s", d.Property, strings.Join(d.After, ", "))
		case !c.Before.Knows(d.Property) && len(d.Added()) > 0:
			tell("%s, if it was there before: the list is not known completely, and -Rollback takes it out of %s", strings.Join(d.Added(), ", "), d.Property)
		}
	}
	to.PermissionGroups = to.PermissionGroups&^connector.GroupCustom | c.Before.PermissionGroups&connector.GroupCustom
	to.Missing |= c.Before.Missing & is.Missing
	return connector.Edit(is, func(c *connector.ReceiveConnector) { *c = to }), remarks
}

// rightsUnknown tells whether a connector may have rights that nobody told.
func rightsUnknown(c connector.ReceiveConnector) bool {
	return c.Missing.Has(connector.PropertyRights) || c.PermissionGroups.Has(connector.GroupCustom) && len(c.Rights) == 0
}
