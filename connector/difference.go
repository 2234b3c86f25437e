package connector

import (
	"fmt"
	"slices"
	"strings"
)

// rightsName stands for Rights, which no cmdlet of connectors has as a property.
const rightsName = "Rights"

// Difference is one property to which a change gives another value.
type Difference struct {
	Property string // as in [Settings], or "Rights"
	List     bool
	// Before and After are the values as Exchange prints them: one, or as many as a list has; none if nothing is told.
	Before, After []string
	// Unknown: the value before is not known, or not known completely, and that afterwards is. Lost: it is the other way round.
	Unknown, Lost bool
}

// Added returns the entries that a list gains, in the order of After, counting repetitions.
func (d Difference) Added() []string { return without(d.After, d.Before) }

// Removed returns the entries that a list loses, in the order of Before, counting repetitions.
func (d Difference) Removed() []string { return without(d.Before, d.After) }

// String prints "RemoteIPRanges +10.0.0.1 -10.0.0.0/24" or "AuthMechanism None -> Tls".
func (d Difference) String() string {
	if d.Lost {
		return d.Property + " " + textOr(d.Before, "nothing") + " -> unknown"
	}
	if d.List && !d.Unknown {
		parts := append(signed("+", d.Added()), signed("-", d.Removed())...)
		if len(parts) == 0 {
			return d.Property + " in another order"
		}
		return d.Property + " " + strings.Join(parts, " ")
	}
	before := textOr(d.Before, "nothing")
	if d.Unknown {
		before = "unknown"
	}
	return d.Property + " " + before + " -> " + textOr(d.After, "nothing")
}

// mostEntries is how many entries of a list are printed.
const mostEntries = 16

func signed(sign string, entries []string) (parts []string) {
	for i, e := range entries {
		if i == mostEntries {
			return append(parts, fmt.Sprintf("%s(another %d)", sign, len(entries)-i))
		}
		parts = append(parts, sign+e)
	}
	return parts
}

func textOr(values []string, none string) string {
	if len(values) == 0 {
		return none
	}
	return strings.Join(values, ", ")
}

// Differences returns the properties to which the change gives another value, in the order of [Settings], Rights last: for a connector
// that is created those that differ from an empty one, none for one that is removed. A value that is not told afterwards counts as
// unchanged where that means the default: MaxMessageSize and limits.
func (c Change) Differences() (all []Difference) {
	if c.After == nil {
		return nil
	}
	before := c.Before
	if before == nil {
		before = &ReceiveConnector{ID: c.After.ID}
	}
	for _, s := range settings {
		d := Difference{Property: s.name, List: s.list, Before: s.get(before), After: s.get(c.After)}
		was, is := before.Missing&s.property == 0, c.After.Missing&s.property == 0
		d.Unknown, d.Lost = !was && is, was && !is
		mayBeUntold := s.property&(PropertyMaxMessageSize|PropertyLimits) != 0
		untold := mayBeUntold && len(d.After) == 0
		d.Unknown = d.Unknown || mayBeUntold && len(d.Before) == 0 && len(d.After) > 0 && c.Before != nil
		if d.Unknown || d.Lost || !untold && !slices.Equal(d.Before, d.After) {
			all = append(all, d)
		}
	}
	rights := Difference{Property: rightsName, List: true, Before: grantTexts(before.Rights), After: grantTexts(c.After.Rights)}
	if !slices.Equal(rights.Before, rights.After) {
		all = append(all, rights)
	}
	return all
}

func grantTexts(grants []Grant) (texts []string) {
	for _, g := range grants {
		texts = append(texts, g.String())
	}
	return texts
}

// String prints the connector and what the change makes of it, in the few fields that differ.
func (c Change) String() string {
	switch {
	case c.Before == nil && c.After == nil:
		return c.Target.String() + ": nothing"
	case c.After == nil:
		return c.Target.String() + ": removed"
	}
	var parts []string
	for _, d := range c.Differences() {
		parts = append(parts, d.String())
	}
	switch {
	case c.Before == nil:
		return c.Target.String() + ": created; " + strings.Join(parts, "; ")
	case len(parts) == 0:
		return c.Target.String() + ": unchanged"
	}
	return c.Target.String() + ": " + strings.Join(parts, "; ")
}
