// Package report writes what the other packages found out, for people and for programs. It decides nothing: what is said is made from data
// here, once, and a page that shows who answers which address asks the index of [connector.Compile].
//
// Each kind of report is a method of [Format]; each format is for somebody:
//
//	Text      people, on a terminal (see Terminal) and in files: lines, each indented below the one it belongs to
//	Markdown  people, in tickets, reviews and wikis: the same lines as headings, lists, tables and code
//	HTML      people who want to see it: a page in one file, with a matrix of flows and maps of addresses
//	JSON      programs: the shapes are those of Schema, and told at each method
//	SARIF     code scanning: findings at their places in the exports
//	JUnit     continuous integration: findings and expectations as tests
//
// [Text], [Markdown], [HTML] and [JSON] are there for everything, [SARIF] where there are findings, and [JUnit] of audits and tests.
//
// Names are what somebody chose. In text and Markdown a character that a terminal would obey, or that nobody can see, is written as what it is
// (\u001b), and none begins a line; in a page no name is markup, and names that are written from right to left stand apart. A command with such
// a character is not written, because a copy of what is seen would be another one.
//
// A page loads nothing and needs no script; its policy lets nothing run but its own, which adds buttons to copy commands. It can be used by
// keyboard and screen reader, in light and dark, and on paper: each picture has its text, and each colour a sign.
//
// What methods return is what writing says, or [ErrFormat]; but for [Format.Answers], which may write several answers one after the other,
// they write once. Nothing is kept of what they are given, and they are safe for concurrent use.
package report
