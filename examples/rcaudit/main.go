// Rcaudit audits the receive connectors of Exchange servers: which mail between servers fails and why, and the commands
// that mend it. Without a file it audits the story that the project was founded on.
package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
	"github.com/receiveconnector/receiveconnector/examples/internal/input"
)

//go:embed founding_story.txtar
var stories embed.FS

const usage = `usage: rcaudit [flags] [FILE...]

FILEs are any mix of Get-ReceiveConnector and Get-ExchangeServer, written with Export-Clixml or ConvertTo-Json,
and of native JSON. Addresses of servers are in no export: give them with -addr.

  rcaudit                                              the founding story
  rcaudit -addr EX01=10.1.0.11 -addr EX02=10.1.0.12 connectors.xml servers.xml

exit status: 0 fine, 1 findings at or above -fail-on, 2 unusable input

`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := input.Flags("rcaudit", stderr)
	format, failOn := report.Text, audit.Error
	never := false
	flags.Func("format", "text or json (default text)", func(s string) (err error) {
		format, err = report.ParseFormat(s)
		return err
	})
	flags.Func("fail-on", "least severity that gives exit status 1: note, warning, error or never (default error)", func(s string) (err error) {
		if never = s == "never"; !never {
			failOn, err = audit.ParseSeverity(s)
		}
		return err
	})
	var addresses input.Addresses
	flags.Var(&addresses, "addr", "addresses of a server: `NAME=IP[,IP...]`; may be given several times")
	files, status, done := input.Parse(flags, usage, args)
	if done {
		return status
	}

	story := len(files) == 0
	t, ok := topology(files, addresses, stdout, stderr, format)
	if !ok {
		return input.ExitUnusable
	}
	x, err := connector.Compile(t)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	findings, err := audit.Run(context.Background(), t)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	err = format.Audit(stdout, report.Audit{Topology: t, Findings: findings, Flows: audit.Flows(t, x)})
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	if !story && !never && len(findings) > 0 && findings[0].Severity >= failOn { // the most severe comes first
		return input.ExitFindings
	}
	return input.ExitFine
}

// topology reads the files, or the embedded story if there are none.
func topology(files []string, addresses input.Addresses, stdout, stderr io.Writer, format report.Format) (*connector.Topology, bool) {
	if len(files) > 0 {
		return input.Read(files, addresses, stderr)
	}
	if len(addresses) > 0 {
		fmt.Fprintln(stderr, "-addr adds to the servers of files, and no file is given")
		return nil, false
	}
	story, err := topotest.Load(stories, "founding_story.txtar")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return nil, false
	}
	if format == report.Text {
		fmt.Fprintf(stdout, "%s\n\n", story.Story)
	}
	return story.Topology, true
}
