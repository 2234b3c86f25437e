package audit

import (
	"iter"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// FlowState is what becomes of a flow. Zero is not set.
type FlowState uint8

const (
	FlowPasses     FlowState = iota + 1 // between all addresses at which something listens
	FlowFails                           // between all addresses at which something listens
	FlowPartly                          // fails between some addresses, passes or is not decided between others
	FlowUnknown                         // a property that decides it is missing
	FlowNoSource                        // no address of the source is known that could reach the target
	FlowNoTarget                        // no connector of the target is known
	FlowNoListener                      // no connector of the target is known that listens there
	FlowOutside                         // receive connectors have no say: not SMTP, an implicit connector, or not needed
)

var stateNames = [...]string{"", "passes", "fails", "partly fails", "unknown", "no source", "no target", "no listener", "outside"}

// String prints "passes", "fails", "partly fails", "unknown", "no source", "no target", "no listener" or "outside".
func (s FlowState) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return ""
}

// FlowResult is a flow and what becomes of it.
type FlowResult struct {
	Flow    connector.Flow
	State   FlowState
	Witness *connector.Verdict // of the first connection that fails or is not decided; nil if there is none
}

// String prints "EX01 -> EX03 port 25 PublicFolderReplication: fails".
func (r FlowResult) String() string { return r.Flow.String() + ": " + r.Fate() }

// Broken tells whether the organization depends on the flow and it fails, wholly or in part.
func (r FlowResult) Broken() bool { return r.Flow.Need == connector.Required && r.fails() }

// fails tells whether the flow fails, wholly or in part.
func (r FlowResult) fails() bool { return r.State == FlowFails || r.State == FlowPartly }

// Fate says in words what becomes of the flow, and of one that is only possible what would.
func (r FlowResult) Fate() string {
	bad := r.fails()
	part := map[bool]string{true: " in part"}[r.State == FlowPartly]
	switch {
	case r.Flow.Need == connector.NotNeeded:
		return "not needed"
	case r.State == FlowOutside:
		return "meets no receive connector of the configuration"
	case r.State == FlowNoSource:
		return "not checked, because no address of the sender is known that could reach the target"
	case r.State == FlowNoTarget:
		return "not checked, because the target's connectors are not known"
	case r.State == FlowNoListener:
		return "not checked, because no connector that listens there is known"
	case r.State == FlowUnknown:
		return "unknown, because a property that decides it is missing"
	case r.Flow.Need == connector.Possible && bad && !r.Flow.ExchangeAuth:
		return "possible, would be refused" + part
	case r.Flow.Need == connector.Possible && bad && r.Flow.Why.Mark == connector.Unknown:
		return "possible, would not authenticate" + part + "; what that does is unknown"
	case r.Flow.Need == connector.Possible && bad:
		return "possible, would fail" + part
	case r.Flow.Need == connector.Possible:
		return "possible, would pass"
	}
	return r.State.String()
}

// Flows simulates every flow of t over x, its index, in the order of [connector.Topology.Flows].
func Flows(t *connector.Topology, x *connector.Index) []FlowResult {
	return slices.Collect(EachFlow(t, x))
}

// EachFlow is [Flows] one by one, because a thousand servers have millions.
func EachFlow(t *connector.Topology, x *connector.Index) iter.Seq[FlowResult] {
	return func(yield func(FlowResult) bool) {
		p := newProber(placesOf(t), x)
		for f := range t.Flows() {
			r := FlowResult{Flow: f, State: FlowOutside}
			if simulated(f) {
				as := p.attempts(f)
				r.State, r.Witness = stateOf(as), witnessOf(as)
				if r.State == FlowNoSource {
					r.State = p.unreached(f)
				}
			}
			if !yield(r) {
				return
			}
		}
	}
}

// stateOf judges the connections of a flow. Those at which nothing is known to listen are no alternative to the others.
func stateOf(as []attempt) FlowState {
	passed, failed, open := 0, 0, 0
	for _, a := range as {
		switch {
		case a.verdict.Mail() == connector.StepDone:
			passed++
		case a.failed():
			failed++
		case a.verdict.Cause != connector.CauseNotListening:
			open++
		}
	}
	switch {
	case len(as) == 0:
		return FlowNoSource
	case passed+failed+open == 0:
		return FlowNoListener
	case failed > 0 && passed+open > 0:
		return FlowPartly
	case failed > 0:
		return FlowFails
	case open > 0:
		return FlowUnknown
	}
	return FlowPasses
}

func witnessOf(as []attempt) *connector.Verdict {
	var open *connector.Verdict
	for _, a := range as {
		if a.failed() {
			return a.verdict
		}
		if open == nil && a.verdict.Mail() != connector.StepDone {
			open = a.verdict
		}
	}
	return open
}
