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

// Script writes steps as one PowerShell script, to be read, and run in the Exchange Management Shell:
//
//	.\plan.ps1             checks that the connectors are as t has them, then makes the changes
//	.\plan.ps1 -CheckOnly  checks, and changes nothing
//	.\plan.ps1 -Rollback   checks that the connectors are as the script left them, then undoes the changes, the last one first
//
// A check stops the script at the first property that a step touches and that has another value; extended rights, sizes and what is not
// known are not checked. Each server gets the commands of its version. Where a change cannot be undone, the rollback says so and
// stops before it undoes anything. The steps must fit to t one after the other; the error is that of [Commands] for the first that
// cannot be written.
//
// The script is untested on a live server.
func Script(t *connector.Topology, title string, steps ...Step) (string, error) {
	changes := make([]connector.Change, len(steps))
	for i, s := range steps {
		changes[i] = s.Change
	}
	b := &script{t: t}
	b.comment(0, title)
	b.comment(0, "Made from exported data. Read it, then run it in the Exchange Management Shell:")
	b.comment(0, `  .\plan.ps1             checks that the connectors are as they were exported, then makes the changes`)
	b.comment(0, `  .\plan.ps1 -CheckOnly  checks, and changes nothing`)
	b.comment(0, `  .\plan.ps1 -Rollback   checks that the connectors are as this script left them, then undoes the changes`)
	b.WriteString(preamble)
	b.line(0, "if (-not $Rollback) {")
	b.checks(changes)
	for i, s := range steps {
		lines, err := Commands(s.Change, b.version(s.Change))
		if err != nil {
			return "", err
		}
		b.line(0, "")
		b.comment(1, fmt.Sprintf("%d. %s", i+1, s.Change))
		for _, why := range s.Why {
			b.comment(1, "   "+why)
		}
		for _, l := range lines {
			b.command(l)
		}
	}
	b.line(0, "} else {")
	b.rollback(changes)
	b.line(0, "}")
	return b.String(), nil
}

const preamble = `param([switch]$CheckOnly, [switch]$Rollback)
$ErrorActionPreference = 'Stop'

# Stops the script unless a property of a connector has these values, in any order.
function Assert-Connector($Identity, $Property, $Expected) {
    $found = @((Get-ReceiveConnector -Identity $Identity -ErrorAction Stop).$Property | ForEach-Object { "$_" } | Sort-Object)
    $wanted = @($Expected | Sort-Object)
    if (($found -join '|') -ne ($wanted -join '|')) {
        throw "$Identity has changed: $Property is '$($found -join ', ')' instead of '$($wanted -join ', ')'"
    }
}

# Stops the script if there is such a connector.
function Assert-NoConnector($Identity) {
    if (Get-ReceiveConnector -Identity $Identity -ErrorAction SilentlyContinue) {
        throw "$Identity exists already"
    }
}

`

// script collects lines.
type script struct {
	strings.Builder
	t *connector.Topology
}

func (b *script) version(c connector.Change) connector.Version {
	s, _ := b.t.Server(c.Target.Server)
	return s.Version
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

// checks writes what must hold before the changes are made.
func (b *script) checks(changes []connector.Change) {
	b.comment(1, "Are the connectors as they were?")
	gone := make(map[connector.ID]bool)
	for _, c := range connector.Compose(changes...) {
		switch {
		case c.Before == nil && !gone[c.Target]:
			b.line(1, "Assert-NoConnector "+Quote(c.Target.String()))
		case c.Before != nil:
			gone[c.Target] = c.After == nil || !c.After.ID.Equal(c.Target)
			b.check(c)
		}
	}
	b.line(1, "if ($CheckOnly) { return }")
}

// unchecked are properties whose text may depend on the language of the server, or that are no property of the connector.
var unchecked = []string{"Name", "MaxMessageSize", "Rights"}

// check writes what must hold of the connector that a change starts from: the properties that it touches, or, if it goes, those that
// count most.
func (b *script) check(c connector.Change) {
	touched := []string{"Enabled", "Bindings", "RemoteIPRanges", "AuthMechanism", "PermissionGroups"}
	if c.After != nil {
		touched = nil
		for _, d := range c.Differences() {
			if !d.Unknown && !slices.Contains(unchecked, d.Property) {
				touched = append(touched, d.Property)
			}
		}
	}
	for _, name := range touched {
		values, _ := c.Before.Setting(name)
		untold := len(values) == 0 && !slices.Contains([]string{"Bindings", "RemoteIPRanges", "Fqdn"}, name)
		if untold || !c.Before.Knows(name) {
			continue
		}
		b.line(1, fmt.Sprintf("Assert-Connector %s %s @(%s)", Quote(c.Target.String()), Quote(name), strings.TrimPrefix(list(values), "@()")))
	}
}

// rollback writes the way back.
func (b *script) rollback(changes []connector.Change) {
	undo := connector.Inverse(changes...)
	var all []string
	for _, c := range undo {
		lines, err := Commands(c, b.version(c))
		if err != nil {
			b.line(1, "throw "+Quote("This cannot be undone by a script: "+err.Error()))
			return
		}
		all = append(all, lines...)
	}
	b.checks(undo)
	for _, c := range undo {
		if c.Before == nil {
			b.comment(1, c.Target.String()+" comes back with what the export told of it, and with the defaults of New-ReceiveConnector for the rest")
		}
	}
	b.line(0, "")
	for _, l := range all {
		b.command(l)
	}
}

// command writes a line that makes a change. Cmdlets that come over the network do not see the script's $ErrorActionPreference, so
// each is told to stop at an error.
func (b *script) command(line string) { b.line(1, line+" -ErrorAction Stop") }
