package ems

import (
	"fmt"
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
