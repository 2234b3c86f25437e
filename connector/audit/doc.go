// Package audit finds what is wrong with the receive connectors of a topology and proposes changes that are proved to
// help.
//
// A [Check] has a stable ID, its documentation and its code beside each other, one file a check. [Run] gives [Finding]
// values: what is wrong with which connector, for exactly which addresses, with a witness connection and the flows that
// break. A [Fix] is data; it was applied to a copy, and the copy was audited, before it is offered; what was tried and is none is told
// with the reason. [Plans] puts safe fixes together, one plan for each server. [WhatIf] and [Compare] tell what becomes of moves, findings
// and flows when something changes.
//
// The hundreds of the IDs are families:
//
//	RC0xx   who is selected: for Exchange servers (RC001, RC009), never, in a tie, not at all; bindings, lists, drift between servers
//	RC1xx   settings of a connector that contradict each other
//	RC2xx   what clients get: relay, trust, passwords in clear, who hides behind a gateway or balancer
//	RC3xx   published hardening controls that break mail if they are met to the letter, see [Hardening] and [Controls]
//	RC9xx   what is not known, and which input would tell it
//
// RC101 is for None beside other mechanisms, and no check: AuthMechanism cannot hold that, so the readers refuse it with its place.
//
// Severity is that of the check, a step less for a finding that is only possible, and a note for one that cannot be told. Findings that
// the topology accepts ([connector.Acceptance]) are reported with the reason, and acceptances that nothing needs are reported too.
//
// Nothing here decides which connector wins: every check asks the [connector.Index]. Checks go server by server, and a server costs time
// in proportion to its ranges and to the flows toward it.
package audit
