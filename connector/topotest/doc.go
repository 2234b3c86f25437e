// Package topotest holds topologies under test: who serves which connection, what an audit finds, and what a fix changes,
// written down beside the topology and compared with what the library says today.
//
// In Go, a table of [Case] values is checked with [Check]. In files, a story is a text archive that [Load] reads: a
// comment that tells it, then sections, of which only the first is required:
//
//	-- topology.json --     the native JSON of the topology
//	-- expect.txt --        one decision a line: SERVER LOCAL:PORT REMOTE -> SERVER\Connector, or -> refused OUTCOME
//	-- explain N --         the explanation of the N-th decision
//	-- flows.txt --         every flow between servers that fails, or may
//	-- findings.txt --      every finding: check, severity, certainty, subject, addresses; nothing missing, nothing more
//	-- fix CHECK N.ps1 --   the commands of the N-th fix of each finding of that check
//	-- after.txt --         the decisions of expect.txt once the fixes above are applied
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
