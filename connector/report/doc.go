// Package report writes what the other packages found out, for people ([Text]) and for programs ([JSON]).
//
// It decides nothing. Prose is made here, from data.
package report
