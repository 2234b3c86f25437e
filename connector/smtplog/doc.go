// Package smtplog reads the SMTP protocol logs of Exchange 2007 and later, and holds a topology against them: a receive log names, for each
// session, the connector that the server really chose.
//
// # From files to answers
//
//  1. [Records] takes a log apart line by line, [Sessions] puts the lines of each session together. [Files] names the logs of a folder in the
//     order in which to read them.
//  2. [Reader] counts sessions as [Traffic]: for each connector, local endpoint and client how many sessions and messages there were, when,
//     and what the client did. Traffic does not depend on a topology; it is written and read as JSON, and it merges, in any order, so that
//     logs may be read wherever they are.
//  3. Traffic answers: [Traffic.Replay] whether the logs agree with what an index predicts, and why not; [Traffic.Usage] who used which
//     connector by which range, and which nobody used; [Traffic.BackTest] who would have moved, and what clients would have lost, if the
//     topology had been changed before; [Traffic.ServerAddresses] which addresses are those of servers, so that an audit of
//     [WithAddresses] finds what they are about, [Traffic.Witnesses] who was there, and [Traffic.Unauthenticated] where servers could not
//     authenticate by their own send logs.
//
// # What is read
//
// Receive and send logs, of the front end and of the hub, with columns by the line #Fields, of which there may be several; without one, the
// nine columns of all versions. Fields with commas stand in quotation marks, and marks in them are doubled (observed). Endpoints are
// a.b.c.d:port or [address]:port, with or without a zone. Times are in UTC, with milliseconds (documented). The text is UTF-8 or UTF-16, plain
// or packed with gzip. The last line may be cut off, as that of a log that is being written is.
//
// A line that is none of a protocol log is a [LineError], with file, line and reason; the rest is read. A log of another kind - message
// tracking, IIS - is told by its header. Lines longer than 1 MB are skipped.
//
// # What a session tells
//
// The name in EHLO; whether STARTTLS, X-ANONYMOUSTLS and X-EXPS were offered and taken; how the peer authenticated; messages, as far as
// replies in the words of Exchange tell ("250 2.6.0 <...> Queued mail for delivery"); replies 4xx and 5xx; the rights that the connector gave.
// All of that is observed in logs of 2010 to 2019, but for the words of a handshake that fails and of 451 5.7.3 in a send log, which are
// inferred, and varies with the level of logging; what a log does not show is not counted as refused.
// In a hub log the client of mail that came through the front end is the front end itself; XPROXY names the one behind it.
package smtplog
