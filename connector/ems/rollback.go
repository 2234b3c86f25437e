package ems

import (
	"fmt"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

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
	now := make(map[connector.ID]connector.ReceiveConnector)
	for _, c := range after.Connectors {
		now[c.ID.Key()] = c
	}
	removed := make(map[connector.ID]*connector.ReceiveConnector) // those that go, by name
	replaced := make([]*connector.ReceiveConnector, len(changes)) // of which a change makes a new one by that name
	made := make(map[connector.ID]bool)                           // new ones, which go again
	for i, c := range changes {
		switch id := c.Target.Key(); {
		case c.After == nil:
			removed[id] = c.Before
		case c.Before == nil && removed[id] != nil:
			replaced[i] = removed[id]
		case c.Before == nil || made[id]:
			made[c.After.ID.Key()] = true
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
			delete(now, back.Target.Key())
		}
		if back.After != nil {
			now[back.After.ID.Key()] = *back.After
		}
		w.changes = append(w.changes, back)
	}
	for _, r := range remarks {
		if !made[r.id.Key()] {
			w.remarks = append(w.remarks, "Not undone by -Rollback: "+r.id.String()+": "+r.text)
		}
	}
	if err := after.ValidateAll(w.changes...); err != nil {
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
func restorable(t *connector.Topology, now map[connector.ID]connector.ReceiveConnector, c connector.Change) (back connector.Change, remarks []remark) {
	tell := func(format string, args ...any) {
		remarks = append(remarks, remark{c.Target, fmt.Sprintf(format, args...)})
	}
	if c.Before == nil { // it may have values that could not be taken back
		is, there := now[c.After.ID.Key()]
		if !there {
			return back, nil // it was removed and did not come back
		}
		return connector.Remove(is), nil
	}
	if c.After == nil {
		if err := comesBack(t, *c.Before); err != nil {
			tell("it is removed and does not come back: %v", err)
			return back, remarks
		}
		tell("what the export did not tell of it: it comes back with the defaults of New-ReceiveConnector there")
		if !c.Before.Knows("Rights") {
			tell("rights beyond the permission groups, which are not known")
		}
		if c.Before.FQDN == "" && !c.Before.Missing.Has(connector.PropertyFQDN) {
			tell("Fqdn, which is empty, and may come back as the name of the server")
		}
		return connector.Create(*c.Before), remarks
	}
	is, there := now[c.After.ID.Key()]
	if !there {
		return back, nil // it did not come back either
	}
	to := is.Clone()
	to.ID = c.Before.ID
	for _, d := range c.Differences() {
		switch {
		case d.Property == "Rights" && !c.Before.Knows(d.Property):
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
