package connector

// decision is an answer of an [Index] in one word, so that a run of addresses needs no more to tell its own:
//
//	outcome | doubt  | connector | entry   | binding
//	3 bits  | 4 bits | 25 bits   | 22 bits | 10 bits
//
// The connector is a position in Index.connectors, the entry one in its RemoteIPRanges, the binding one in its Bindings; all are zero
// unless a connector is selected. Two decisions are equal if they mean the same.
type decision uint64

const (
	bindingBits   = 10
	entryBits     = 22
	connectorBits = 25
	doubtBits     = 4
)

const (
	entryAt     = bindingBits
	connectorAt = entryAt + entryBits
	doubtAt     = connectorAt + connectorBits
	outcomeAt   = doubtAt + doubtBits
)

// refusal returns the decision that no connector serves.
func refusal(o Outcome, doubt Doubt) decision {
	return decision(o)<<outcomeAt | decision(doubt)<<doubtAt
}

// selection returns the decision for a binding of a connector, by the first entry of its ranges.
func selection(connector, binding int) decision {
	return decision(Selected)<<outcomeAt | decision(connector)<<connectorAt | decision(binding)
}

// by returns the selection by another entry of the ranges, given that it is by the first.
func (d decision) by(entry int) decision { return d | decision(entry)<<entryAt }

// in returns the decision with a doubt.
func (d decision) in(doubt Doubt) decision { return d | decision(doubt)<<doubtAt }

// served returns the decision without the entry and the binding: what is left is who serves, and the doubt.
func (d decision) served() decision { return d &^ (1<<connectorAt - 1) }

func (d decision) outcome() Outcome { return Outcome(d >> outcomeAt) }
func (d decision) doubt() Doubt     { return Doubt(d >> doubtAt & (1<<doubtBits - 1)) }
func (d decision) connector() int   { return int(d >> connectorAt & (1<<connectorBits - 1)) }
func (d decision) entry() int       { return int(d >> entryAt & (1<<entryBits - 1)) }
func (d decision) binding() int     { return int(d & (1<<bindingBits - 1)) }
