// Package topotest holds topologies under test: who serves which connection and what the peer gets there, what becomes of mail between
// servers, what an audit finds, and what a fix changes, written down and compared with what the library says today.
//
// # Cases
//
// A [Case] asks one question and says what is wanted. [Run] asks a table of them in subtests; [Build] makes the topology. In a file, which
// [ParseCases] reads, a case is a line:
//
//	# Comments directly above a case say why it is there, and are printed when it fails.
//	EX01 10.1.0.11:25 10.0.5.7 -> EX01\Relay
//	scanners relay: EX01 *:25 10.0.5.0/24 as Anonymous -> EX01\Relay by 10.0.5.0/24, may relay
//
//	[mail between servers]
//	EX03 *:25 EX01 -> EX03\Default EX03, authenticated
//	flow * * PublicFolderReplication -> passes
//	no finding RC001
//
// A line [NAME] begins a group, and NAME: in front of a question is the name of the case. A name that has blanks, or looks like something
// else, stands in single quotes, in which a quote is doubled; the names of connectors behind the arrow and subjects of findings need none for
// blanks. Case is ignored. The order of the lines does not matter.
//
// # Questions
//
//	SERVER [LOCAL] CLIENT [as PEER]  connections: they must hold for every address of the client at every endpoint
//	flow FROM TO PURPOSE             flows between servers, or from a network; * is all of them
//	[no] finding CHECKS              findings of an audit that the topology does not accept
//
// SERVER is a name, or * for every server. LOCAL is 10.1.0.11:25, whether or not the topology knows that the server has this address, or
// 0.0.0.0:25 for all local addresses that no binding names; *:25 is each of these at which something listens, and * those of every port that
// connectors are bound to. If LOCAL is left out, *:25 is meant. CLIENT is addresses and
// ranges, the name of a server or a network of the topology, any, or several of these separated by commas. Of names and any, addresses of
// a family do not count in which nothing listens at *:PORT while something does in the other; of * as SERVER those servers do not count at
// which nothing listens, if all that the line wants is that a session is refused something; and to a loopback address that the line does not
// name nobody connects but loopback addresses. Everything else is asked, and may get refused NotListening for an answer.
//
// PEER is what connects: Anonymous, User, ExchangeServer, Edge, UnifiedMessaging, CrossForest or Partner, and behind it, as in
// [connector.Peer], version=2010, tls=IfOffered or tls=Insists, mechanism=BasicAuth, DowngradedExchangeAuth, NoCertificate, KerberosFails,
// WrongPassword. A CLIENT that is one server connects as what the topology tells of it: an Exchange server, or an Edge Transport server.
//
// A flow may be narrowed by port=2525 and need=Required; CHECKS are IDs and their beginnings, as in RC001,RC2, a severity, which
// counts from there on, or both, and of SUBJECT limits them to a connector, or to a server with of EX01, as in an acceptance. What is named
// must be there: a line about a server, network, flow or subject that the topology does not have cannot be asked, and fails. So does one with
// an address that is not of the family of its endpoint, and one that wants nothing but refusals of sessions where nothing listens.
//
// # Answers
//
//	EX01\Relay                               the connector; 'EX01\Relay, old' with a comma, a *, or what looks like an answer in its name
//	*\Relay*                                 one of this pattern: * is any text, and in place of the server the one that is asked
//	EX01\Relay by 10.0.5.0/24                and the range that decides, in any notation
//	served, served by 10.0.5.0/24            by whichever connector
//	refused, refused NoRange                 by none; refused NotListening: nothing listens there; refused UnknownServer: it is not there
//	authenticated, not authenticated         as what the peer is; also: authentication not sought, authentication unknown
//	encrypted, not encrypted                 also: encryption unknown
//	mail accepted, mail refused              to an accepted domain, with whichever sender; also: mail unknown
//	may relay, may not relay                 to any other domain; also: relay unknown
//	reply 550 5.7.54 'SMTP; Unable'          a refusal of the session, as far as it is given
//	... (doubt: Tie)                         the doubt of the answer, none unless it is said
//	passes, fails, partly fails, unknown,    of a flow, see [audit.FlowState]
//	no source, no target, no listener, outside
//
// Several answers are separated by commas, the doubt comes last. What is not known is neither granted nor refused.
//
// # More than cases
//
// [Evaluate] gives the results as data. [Cover] tells what no case touches. [Snapshot] and [Regions] write the decisions of today as cases, [Changed] tells what moved since, and
// [Clients] makes cases of real clients in protocol logs.
//
// # Stories
//
// A story is a text archive that [Load] reads: a comment that tells it, then sections, of which only the first is required:
//
//	-- topology.json --     the native JSON of the topology
//	-- expect.txt --        cases, see above
//	-- explain N --         the explanation of the N-th case, if that is about one address at one endpoint
//	-- flows.txt --         every flow between servers that fails, or may
//	-- findings.txt --      every finding: check, severity, certainty, subject, addresses; nothing missing, nothing more
//	-- fix CHECK N.ps1 --   the commands of the N-th fix of each finding of that check
//	-- after.txt --         cases that hold once the fixes above are applied; none: those of expect.txt
//	-- after findings.txt --  the findings that are left then
//	-- after flows.txt --   the flows that still fail, or may
//	-- error.txt --         an error that a queue, an NDR or a log showed; nothing is expected of it by itself
//	-- suspects.txt --      what is to blame for it: likelihood and connector, or cause outside the topology
//	-- change.ps1 --        commands that are not carried out; nothing is expected of them by themselves
//	-- refusals.txt --      what the cmdlets refuse of them: the connector and the other one, by rule
//	-- moves.txt --         the sources that they would move
//	-- hardening.txt --     the controls that break mail, or would, if they are met to the letter, and those that the cmdlets refuse
//	-- networks.txt --      which connectors the addresses of each network reach, at port 25
package topotest
