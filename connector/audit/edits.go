package audit

import (
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// edits collects what to add to and take out of the ranges of each connector.
type edits struct {
	order []connector.ID // by first mention
	of    map[connector.ID]*edit
}

// edit is what happens to one connector.
type edit struct {
	connector    connector.ReceiveConnector
	created      bool
	adds, leaves []connector.Range // entries
}

func newEdits() *edits { return &edits{of: map[connector.ID]*edit{}} }

func (es *edits) edit(c connector.ReceiveConnector) *edit {
	if es.of[c.ID] == nil {
		es.of[c.ID] = &edit{connector: c}
		es.order = append(es.order, c.ID)
	}
	return es.of[c.ID]
}

// create notes a connector that is to be made, as yet without ranges.
func (es *edits) create(c connector.ReceiveConnector) { es.edit(c).created = true }

func (es *edits) add(c connector.ReceiveConnector, r connector.Range) {
	if e := es.edit(c); !slices.Contains(e.adds, r) {
		e.adds = append(e.adds, r)
	}
}

func (es *edits) remove(c connector.ReceiveConnector, r connector.Range) {
	if e := es.edit(c); !slices.Contains(e.leaves, r) {
		e.leaves = append(e.leaves, r)
	}
}

// after returns the change that adds and removes the ranges.
func (e *edit) after() connector.Change {
	change := connector.AddRanges(e.connector, e.adds...)
	change.After = connector.RemoveRanges(*change.After, e.leaves...).After
	if e.created {
		change.Before = nil
	}
	return change
}

// emptied tells whether the connector would be left without a range. An incomplete list tells nothing.
func (e *edit) emptied() bool {
	return len(e.leaves) > 0 && len(e.after().After.RemoteIPRanges) == 0 && !e.connector.Missing.Has(connector.PropertyRemoteIPRanges)
}

func (es *edits) empties() bool {
	return slices.ContainsFunc(es.order, func(id connector.ID) bool { return es.of[id].emptied() })
}

// changes writes the edits down, what removes before what only adds; whenEmptied says what becomes of a connector that is
// left without a range. What would change nothing is left out.
func (es *edits) changes(whenEmptied func(connector.ReceiveConnector) connector.Change) []connector.Change {
	var first, second []connector.Change
	for _, id := range es.order {
		e := es.of[id]
		change := e.after()
		if e.emptied() {
			change = whenEmptied(e.connector)
		}
		switch {
		case change.IsNoop():
		case len(e.leaves) > 0:
			first = append(first, change)
		default:
			second = append(second, change)
		}
	}
	return append(first, second...)
}

func disable(c connector.ReceiveConnector) connector.Change { return connector.SetEnabled(c, false) }
