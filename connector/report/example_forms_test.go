package report_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// stolen is a relay that takes the mail of the other server.
func stolen() report.Audit {
	top := topotest.MustBuild(
		topotest.Exchange("2010", "EX01").Roles("HubTransport").Site("A").At("10.1.0.11").DefaultConnectors().Relay("10.0.0.0/8"),
		topotest.Exchange("2010", "EX02").Roles("HubTransport").Site("B").At("10.2.0.11").DefaultConnectors())
	x, err := connector.Compile(top)
	if err != nil {
		panic(err)
	}
	checks, err := audit.ParseChecks("RC001")
	if err != nil {
		panic(err)
	}
	findings, err := audit.Run(context.Background(), top, checks...)
	if err != nil {
		panic(err)
	}
	return report.Audit{Topology: top, Findings: findings, Flows: audit.EachFlow(top, x), Checks: checks}
}

// Markdown is for tickets: the same lines as in text.
func ExampleFormat_Audit_markdown() {
	a := stolen()
	a.Flows = nil
	if err := report.Markdown.Audit(os.Stdout, a); err != nil {
		panic(err)
	}
	// Output:
	// 2 servers, 5 receive connectors: 1 error.
	//
	// ### RC001 error (certain) EX01\\Relay
	//
	// - takes mail from EX02 without Exchange Server authentication; EX01\\Default EX01 offers it
	// - addresses: 10.2.0.11
	// - required flows that fail:
	//   - EX02 -> EX01 port 25 Mail
	// - for example 10.2.0.11 -> EX01 10.1.0.11:25
	//   - taken by EX01\\Relay
	//     - range 10.0.0.0/8, 16,777,216 addresses
	//   - right would be EX01\\Default EX01
	//     - range 0.0.0.0-255.255.255.255, 4,294,967,296 addresses
	//     - LostToNarrower: of the ranges that contain the source the one with the fewest addresses wins
	//   - it is offered STARTTLS, and no Exchange Server authentication it could use
	//   - cause: the selected connector does not offer Exchange Server authentication although another one at the endpoint does; no other connector is tried \[documented: NDR 5.7.3, KB979175\]
	//   - reply: 451 5.7.3 Cannot achieve Exchange Server authentication (raised by the sender)
	//   - queue on the sender (Exchange 2010): 451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all alternate hosts.
	// - fix: add the servers' addresses to the connector that has Exchange Server authentication
	//   - (proved by re-simulation; moves nothing but these addresses)
	//
	//   ```powershell
	//   Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Add='10.2.0.11'}
	//   ```
	// - or: make a connector with Exchange Server authentication for these servers alone
	// - or: take the servers' addresses out of the ranges of the connector without Exchange Server authentication
	// - or: give the connector that takes the mail Exchange Server authentication and permission group ExchangeServers
}

// SARIF has the commands in the message, because its own fixes are edits of files.
func ExampleFormat_Audit_sarif() {
	var b strings.Builder
	if err := report.SARIF.Audit(&b, stolen()); err != nil {
		panic(err)
	}
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID, Level string
				Message       struct{ Text string }
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &log); err != nil {
		panic(err)
	}
	for _, r := range log.Runs[0].Results {
		fmt.Println(r.RuleID, r.Level)
		fmt.Println(r.Message.Text)
	}
	// Output:
	// RC001 error
	// EX01\Relay: takes mail from EX02 without Exchange Server authentication; EX01\Default EX01 offers it
	// Addresses: 10.2.0.11
	// Fix: add the servers' addresses to the connector that has Exchange Server authentication
	// Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Add='10.2.0.11'}
}

// JUnit makes a build fail where a finding is as severe as FailOn says.
func ExampleFormat_Audit_junit() {
	a := stolen()
	a.Findings, a.Flows = nil, nil
	if err := report.JUnit.Audit(os.Stdout, a); err != nil {
		panic(err)
	}
	// Output:
	// <?xml version="1.0" encoding="UTF-8"?>
	// <testsuites name="audit" tests="1" failures="0" errors="0">
	//   <testsuite name="RC001 server-to-server mail lands on a connector without Exchange Server authentication" tests="1" failures="0" errors="0" skipped="0">
	//     <testcase classname="RC001" name="nothing found"></testcase>
	//   </testsuite>
	// </testsuites>
}

// A page is one file; here what it says in one line.
func ExampleFormat_Audit_html() {
	var b strings.Builder
	if err := report.HTML.Audit(&b, stolen()); err != nil {
		panic(err)
	}
	_, title, _ := strings.Cut(b.String(), "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	fmt.Println(title)
	// Output:
	// Receive connectors of EX01, EX02: Mail between servers fails: 1 of 2 required flows (Mail). Relay of EX01 takes it.
}

// A terminal that is narrow gets lines that fit; with Colour the headings would be red.
func ExampleTerminal() {
	a := stolen()
	a.Flows = nil
	a.Findings[0].Fixes, a.Findings[0].Witness = nil, nil
	if err := report.Text.Audit(report.Terminal{Writer: os.Stdout, Width: 50}, a); err != nil {
		panic(err)
	}
	// Output:
	// 2 servers, 5 receive connectors: 1 error.
	//
	// RC001 error (certain) EX01\Relay
	//   takes mail from EX02 without Exchange Server
	//       authentication; EX01\Default EX01 offers it
	//   addresses: 10.2.0.11
	//   required flows that fail:
	//     EX02 -> EX01 port 25 Mail
}

// Answers to several questions are one page, or one after the other.
func ExampleFormat_Answers() {
	top := stolen().Topology
	x, err := connector.Compile(top)
	if err != nil {
		panic(err)
	}
	var a report.Answers
	for _, remote := range []string{"10.2.0.11", "192.0.2.7"} {
		c := connector.Conn{Server: "EX01", Local: connector.MustParseBinding("10.1.0.11:25"), Remote: connector.MustParseRange(remote).Span().From()}
		a.Explanations = append(a.Explanations, x.Explain(c))
	}
	a.Topology, a.Brief = top, true
	if err := report.Text.Answers(os.Stdout, a); err != nil {
		panic(err)
	}
	// Output:
	// 10.2.0.11 -> EX01 10.1.0.11:25: EX01\Relay by 10.0.0.0/8
	// 192.0.2.7 -> EX01 10.1.0.11:25: EX01\Default EX01 by 0.0.0.0-255.255.255.255
}

// What the schema says of a finding.
func ExampleSchema() {
	var schema struct {
		Defs map[string]struct {
			Required []string
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(report.Schema()), &schema); err != nil {
		panic(err)
	}
	fmt.Println(schema.Defs["findingObject"].Required)
	// Output:
	// [check severity certainty subject message addresses flows related fixes rejected]
}
