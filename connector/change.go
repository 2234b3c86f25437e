package connector

import (
	"fmt"
	"slices"
)

// Change replaces, adds or removes one connector. Before is nil to create, After is nil to remove. A Change is data: it
// can be stored, inverted and applied to a copy.
type Change struct {
	Target ID
	Before *ReceiveConnector // what the topology must hold
	After  *ReceiveConnector // what it will hold
}

// Edit returns the change that turns c into what edit makes of a copy of it.
func Edit(c ReceiveConnector, edit func(*ReceiveConnector)) Change {
	before, after := c.Clone(), c.Clone()
	edit(&after)
	return Change{c.ID, &before, &after}
}

// AddRanges appends ranges to c's RemoteIPRanges; those it lists already, in whatever form, are left out.
func AddRanges(c ReceiveConnector, rs ...Range) Change {
	return Edit(c, func(c *ReceiveConnector) { c.addRanges(rs) })
}

func (c *ReceiveConnector) addRanges(rs []Range) {
	for _, r := range rs {
		if !slices.ContainsFunc(c.RemoteIPRanges, func(o Range) bool { return o.Compare(r) == 0 }) {
			c.RemoteIPRanges = append(c.RemoteIPRanges, r)
		}
	}
}

// RemoveRanges takes every entry out of c's RemoteIPRanges that holds exactly the addresses of one of rs.
func RemoveRanges(c ReceiveConnector, rs ...Range) Change {
	return Edit(c, func(c *ReceiveConnector) {
		c.RemoteIPRanges = slices.DeleteFunc(c.RemoteIPRanges, func(o Range) bool {
			return slices.ContainsFunc(rs, func(r Range) bool { return o.Compare(r) == 0 })
		})
	})
}

// SetAuth sets c's AuthMechanism.
func SetAuth(c ReceiveConnector, m AuthMechanism) Change {
	return Edit(c, func(c *ReceiveConnector) { c.AuthMechanism = m })
}

// SetPermissionGroups sets c's PermissionGroups.
func SetPermissionGroups(c ReceiveConnector, g PermissionGroups) Change {
	return Edit(c, func(c *ReceiveConnector) { c.PermissionGroups = g })
}

// SetEnabled enables or disables c.
func SetEnabled(c ReceiveConnector, enabled bool) Change {
	return Edit(c, func(c *ReceiveConnector) { c.Disabled = !enabled })
}

// Inverse returns the change that undoes c.
func (c Change) Inverse() Change { return Change{c.Target, c.After, c.Before} }

// Ranges returns the entries of RemoteIPRanges that the change adds and removes, each in the order of its list. An entry
// counts as kept only if it is written in the same form.
func (c Change) Ranges() (added, removed []Range) {
	return without(c.After.ranges(), c.Before.ranges()), without(c.Before.ranges(), c.After.ranges())
}

func (c *ReceiveConnector) ranges() []Range {
	if c == nil {
		return nil
	}
	return c.RemoteIPRanges
}

// without returns the elements of a that are not in b, counting repetitions.
func without(a, b []Range) []Range {
	left := make(map[Range]int, len(b))
	for _, r := range b {
		left[r]++
	}
	var rest []Range
	for _, r := range a {
		if left[r] > 0 {
			left[r]--
			continue
		}
		rest = append(rest, r)
	}
	return rest
}

// Apply returns a copy of t with the changes made in order. t stays as it is. A changed connector keeps its place, a
// created one comes last. The error is a [*ModelError] around [ErrDrift] if the topology does not hold what a change
// starts from, Source aside; nothing is applied then.
func (t *Topology) Apply(changes ...Change) (*Topology, error) {
	next := t.Clone()
	for i, c := range changes {
		if err := next.apply(c); err != nil {
			return nil, &ModelError{Path: fmt.Sprintf("changes[%d]", i), Err: fmt.Errorf("%s: %w", c.Target, err)}
		}
	}
	return next, nil
}

func (t *Topology) apply(c Change) error {
	at := t.connectorIndex(c.Target)
	switch {
	case c.Before == nil && c.After == nil:
		return fmt.Errorf("the change says nothing: %w", ErrInvalid)
	case c.After != nil && !c.After.ID.Equal(c.Target):
		return fmt.Errorf("the change makes another connector, %s: %w", c.After.ID, ErrInvalid)
	case c.Before == nil && at >= 0:
		return fmt.Errorf("the connector exists: %w", ErrDrift)
	case c.Before != nil && at < 0:
		return fmt.Errorf("the connector does not exist: %w", ErrDrift)
	case c.Before != nil && !t.Connectors[at].Equal(*c.Before):
		return ErrDrift
	case c.Before == nil:
		t.Connectors = append(t.Connectors, c.After.Clone())
	case c.After == nil:
		t.Connectors = slices.Delete(t.Connectors, at, at+1)
	default:
		t.Connectors[at] = c.After.Clone()
	}
	return nil
}
