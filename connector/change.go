package connector

import (
	"fmt"
	"slices"
)

// Change replaces, adds or removes one connector. Before is nil to create, After is nil to remove. A Change is data: it
// can be stored, composed, inverted and applied to a copy. After may have another name on the same server.
type Change struct {
	Target ID                // of Before, or of what is created
	Before *ReceiveConnector // what the topology must hold
	After  *ReceiveConnector // what it will hold
}

// Create returns the change that adds c.
func Create(c ReceiveConnector) Change {
	c = c.Clone()
	return Change{Target: c.ID, After: &c}
}

// Remove returns the change that takes c away.
func Remove(c ReceiveConnector) Change {
	c = c.Clone()
	return Change{Target: c.ID, Before: &c}
}

// Edit returns the change that turns c into what edit makes of a copy of it. What edit makes known it must take out of Missing itself;
// [ReceiveConnector.Set] does.
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
	listed := spanSet(c.RemoteIPRanges)
	for _, r := range rs {
		if s := spanOf(r); !listed[s] {
			listed[s] = true
			c.RemoteIPRanges = append(c.RemoteIPRanges, r)
		}
	}
}

// spanSet returns what the ranges mean.
func spanSet(rs []Range) map[span]bool {
	set := make(map[span]bool, len(rs))
	for _, r := range rs {
		set[spanOf(r)] = true
	}
	return set
}

// RemoveRanges takes every entry out of c's RemoteIPRanges that holds exactly the addresses of one of rs.
func RemoveRanges(c ReceiveConnector, rs ...Range) Change {
	gone := spanSet(rs)
	return Edit(c, func(c *ReceiveConnector) {
		c.RemoteIPRanges = slices.DeleteFunc(c.RemoteIPRanges, func(o Range) bool { return gone[spanOf(o)] })
	})
}

// SetAuth sets c's AuthMechanism.
func SetAuth(c ReceiveConnector, m AuthMechanism) Change {
	return Edit(c, func(c *ReceiveConnector) { c.AuthMechanism = m; c.know(PropertyAuthMechanism) })
}

// SetPermissionGroups sets c's PermissionGroups.
func SetPermissionGroups(c ReceiveConnector, g PermissionGroups) Change {
	return Edit(c, func(c *ReceiveConnector) { c.PermissionGroups = g; c.know(PropertyPermissionGroups) })
}

// SetEnabled enables or disables c.
func SetEnabled(c ReceiveConnector, enabled bool) Change {
	return Edit(c, func(c *ReceiveConnector) { c.Disabled = !enabled; c.know(PropertyEnabled) })
}

// Inverse returns the change that undoes c. A connector that was removed comes back as the last one of the configuration.
func (c Change) Inverse() Change {
	target := c.Target
	if c.After != nil {
		target = c.After.ID
	}
	return Change{target, c.After, c.Before}
}

// Inverse returns the changes that undo all of them, the last one first.
func Inverse(changes ...Change) []Change {
	undo := make([]Change, len(changes))
	for i, c := range changes {
		undo[len(changes)-1-i] = c.Inverse()
	}
	return undo
}

// IsNoop tells whether the topology is the same before and after, Source aside.
func (c Change) IsNoop() bool {
	return c.Before == nil && c.After == nil || c.Before != nil && c.After != nil && c.Before.Equal(*c.After)
}

// Then returns the one change that does what c and then next do to the same connector. The error is [ErrDrift] if next does not start
// from what c leaves, and [ErrInvalid] if c removes the connector that next creates, because it would change its place among the
// connectors of the configuration.
func (c Change) Then(next Change) (Change, error) {
	switch {
	case c.After == nil:
		return Change{}, fmt.Errorf("%s: the connector is removed, and what follows cannot be one change with it: %w", c.Target, ErrInvalid)
	case next.Before == nil || !next.Target.Equal(c.After.ID) || !next.Before.Equal(*c.After):
		return Change{}, fmt.Errorf("%s: %w", c.Target, ErrDrift)
	}
	if c.Before == nil && next.After != nil {
		return Change{next.After.ID, nil, next.After}, nil
	}
	return Change{c.Target, c.Before, next.After}, nil
}

// Compose returns fewer changes that do what changes do in their order: one for each connector, where it is touched first, and none
// where nothing is left to do; more only where a connector gets a name that another one has to give up first, or is removed and created
// anew. What was one step each may be refused by the cmdlets as a whole, see [Topology.Validate].
func Compose(changes ...Change) []Change {
	var all []Change
	for _, next := range changes {
		i := slices.IndexFunc(all, func(c Change) bool { return c.After != nil && c.After.ID.Equal(next.Target) })
		if i < 0 {
			all = append(all, next)
			continue
		}
		both, err := all[i].Then(next)
		heldLater := next.After != nil && slices.ContainsFunc(all[i+1:], func(c Change) bool { return c.Before != nil && c.Target.Equal(next.After.ID) })
		if err != nil || heldLater {
			all = append(all, next)
			continue
		}
		all[i] = both
	}
	return slices.DeleteFunc(all, Change.IsNoop)
}

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
func without[T comparable](a, b []T) []T {
	left := make(map[T]int, len(b))
	for _, r := range b {
		left[r]++
	}
	var rest []T
	for _, r := range a {
		if left[r] > 0 {
			left[r]--
			continue
		}
		rest = append(rest, r)
	}
	return rest
}

// Changes returns what turns the connectors of before into those of after: removals first, then changes, each in the order of before,
// then creations in that of after. What differs in the order of connectors or rights alone, in the case of the server's name, or in their
// Source, is no change; a connector with another name is another connector.
func Changes(before, after *Topology) []Change {
	var removed, edited, created []Change
	index := func(t *Topology) map[ID]ReceiveConnector {
		all := make(map[ID]ReceiveConnector, len(t.Connectors))
		for _, c := range t.Connectors {
			all[c.ID.Key()] = c
		}
		return all
	}
	was, is := index(before), index(after)
	for _, c := range before.Connectors {
		next, there := is[c.ID.Key()]
		if next = next.Clone(); sameSet(c.Rights, next.Rights) {
			next.Rights = c.Rights
		}
		next.ID.Server = c.ID.Server // which Exchange prints as it likes
		switch {
		case !there:
			removed = append(removed, Remove(c))
		case !c.Equal(next):
			edited = append(edited, Edit(c, func(c *ReceiveConnector) { *c = next }))
		}
	}
	for _, c := range after.Connectors {
		if _, there := was[c.ID.Key()]; !there {
			created = append(created, Create(c))
		}
	}
	return slices.Concat(removed, edited, created)
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
	if err := t.fits(c); err != nil {
		return err
	}
	switch at := t.connectorIndex(c.Target); {
	case c.Before == nil:
		t.Connectors = append(t.Connectors, c.After.Clone())
	case c.After == nil:
		t.Connectors = slices.Delete(t.Connectors, at, at+1)
	default:
		t.Connectors[at] = c.After.Clone()
	}
	return nil
}

// fits tells why a change cannot be applied, nil if it can.
func (t *Topology) fits(c Change) error {
	at := t.connectorIndex(c.Target)
	switch {
	case c.Before == nil && c.After == nil:
		return fmt.Errorf("the change says nothing: %w", ErrInvalid)
	case c.After != nil && compareFold(c.After.ID.Server, c.Target.Server) != 0 || c.Before == nil && !c.After.ID.Equal(c.Target):
		return fmt.Errorf("the change makes another connector, %s: %w", c.After.ID, ErrInvalid)
	case c.After != nil && !c.After.ID.Equal(c.Target) && t.connectorIndex(c.After.ID) >= 0:
		return fmt.Errorf("there is a connector %s already: %w", c.After.ID, ErrDrift)
	case c.Before == nil && at >= 0:
		return fmt.Errorf("the connector exists: %w", ErrDrift)
	case c.Before != nil && at < 0:
		return fmt.Errorf("the connector does not exist: %w", ErrDrift)
	case c.Before != nil && !t.Connectors[at].Equal(*c.Before):
		return ErrDrift
	}
	return nil
}
