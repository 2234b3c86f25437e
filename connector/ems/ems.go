// Package ems speaks the language of the Exchange Management Shell: it writes a [connector.Change] as commands ([Commands]) or as a
// script that checks, changes and undoes ([Script]), and reads commands as changes ([Parse]).
package ems

import (
	"errors"
	"strings"
)

// Reasons a change cannot be written as commands.
var (
	// ErrIncomplete: the command would have to name a value, or a whole list, that is not known completely.
	ErrIncomplete = errors.New("what the command must name is not known completely")
	// ErrNoParameter: the change touches something that the cmdlets of this version do not set.
	ErrNoParameter = errors.New("no cmdlet parameter sets this")
	// ErrWildcard: Get-ReceiveConnector takes the name for a pattern, and rights would be given on other connectors as well.
	ErrWildcard = errors.New("the name holds a wildcard, and Get-ReceiveConnector would find other connectors by it")
	// ErrName: two connectors would have one name, one after the other, and a script that is run again could not tell them apart.
	ErrName = errors.New("two connectors have this name, one after the other; such changes cannot be written as one script")
	// ErrNoChange: Before and After say the same.
	ErrNoChange = errors.New("the change changes nothing")
)

// Quote writes s as a single-quoted PowerShell string, in which nothing is expanded. PowerShell takes the typographic
// quotes U+2018 to U+201B for the apostrophe, so they are doubled as well.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		if isQuote(r) {
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String()
}

func isQuote(r rune) bool { return r == '\'' || '\u2018' <= r && r <= '\u201b' }
