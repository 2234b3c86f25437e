// Package audit finds what is wrong with the receive connectors of a topology and proposes changes that are proved to
// help.
//
// A [Check] has a stable ID, its documentation and its code beside each other, one file a check. [Run] gives [Finding]
// values: what is wrong with which connector, for exactly which addresses, with a witness connection and the flows that
// break. A [Fix] is data; it was applied to a copy, and the copy was audited, before it is offered; what was tried and is none is told
// with the reason. [Plans] puts safe fixes together, one plan for each server. [WhatIf] and [Compare] tell what becomes of moves, findings
// and flows when something changes.
//
// Nothing here decides which connector wins: every check asks the [connector.Index].
package audit
