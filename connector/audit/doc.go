// Package audit finds what is wrong with the receive connectors of a topology and proposes changes that are proved to
// help.
//
// A [Check] has a stable ID, its documentation and its code beside each other, one file a check. [Run] gives [Finding]
// values: what is wrong with which connector, for exactly which addresses, with a witness connection and the flows that
// break. A [Fix] is data; it was applied to a copy, and the copy was audited, before it is offered.
//
// Nothing here decides which connector wins: every check asks the [connector.Index].
package audit
