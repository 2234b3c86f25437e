// Rcaudit audits the receive connectors of Exchange servers: which mail between servers fails and why, and the commands
// that mend it. Without a file it audits the story that the project was founded on.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
	"github.com/receiveconnector/receiveconnector/examples/internal/input"
)

//go:embed founding_story.txtar
var stories embed.FS

const usage = `usage: rcaudit [flags] [FILE...]

FILEs are any mix of what the shell wrote of Get-ReceiveConnector, Get-ExchangeServer, Get-ADPermission,
Get-DatabaseAvailabilityGroup(Network), Get-TransportService, Get-EdgeSubscription, Get-MailboxDatabase,
Get-PublicFolderDatabase, Get-NetIPAddress and Resolve-DnsName, by Export-Clixml, ConvertTo-Json, Export-Csv or as
text, and of native JSON.

  rcaudit                                              the founding story
  rcaudit -addr EX01=10.1.0.11 -addr EX02=10.1.0.12 connectors.xml servers.xml
  rcaudit -error 'LastError of a queue' exchange.xml   what it means, and which connector is to blame
  rcaudit -plan exchange.xml > plan.ps1                what to do, as a script with checks and the way back
  rcaudit -flows exchange.xml                          what becomes of the mail between every two servers
  rcaudit -topology exchange.xml > topology.json       what was read, as native JSON; -topology=text as text
  rcaudit -hardening exchange.xml                      published controls: what is met, and what meeting them would do to mail
  rcaudit -format html -o audit.html exchange.xml      a page to look at; markdown, json, sarif and junit are there, too
  rcaudit -list                                        every check; -explain RC001,RC2 tells what they mean
  rcaudit -checks RC001,RC2 -fail-on warning exchange.xml

exit status: 0 fine, 1 findings at or above -fail-on, with -error a connector very likely to blame, with -flows a required
flow that fails, with -hardening a control that has broken one, 2 unusable input; -plan and -topology print, whatever there is to
find. Findings that the topology file accepts do not count.

`

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// question is what the arguments ask.
type question struct {
	input.Options
	failOn            *input.Threshold
	print             topologyForm
	errorText         string
	flows, plan       bool
	hardening, list   bool
	allFixes          bool
	only              string // server
	checks, explained []*audit.Check
	story             string // what the made-up story tells; empty if there are files
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var q question
	flags := input.Flags("rcaudit", stderr, &q.Options, report.SARIF, report.JUnit)
	q.define(flags)
	files, status, done := input.Parse(flags, usage, args)
	if done {
		return status
	}
	if err := q.check(len(files) > 0); err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	if q.list || q.explained != nil {
		return q.Write(stdout, stderr, nil, func(out io.Writer) int { return q.about(out, stderr) })
	}
	t, ok := q.topology(files, stderr)
	if !ok {
		return input.ExitUnusable
	}
	if q.print == "" && !input.Answerable(t, files, stderr) {
		return input.ExitUnusable
	}
	return q.Write(stdout, stderr, files, func(out io.Writer) int {
		status, err := q.answer(t, stdin, out)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return input.ExitUnusable
		}
		if status == input.ExitFindings && (q.story != "" || q.failOn.Never()) {
			return input.ExitFine
		}
		return status
	})
}

func (q *question) define(flags *flag.FlagSet) {
	q.failOn = input.FailOn(flags)
	flags.Var(&q.print, "topology", "print what was read instead of auditing it: -topology as native JSON, -topology=text as canonical text")
	flags.Func("error", "diagnose this `TEXT` instead: LastError of a queue, an NDR or a line of a protocol log; - reads it from standard input", func(s string) error {
		if q.errorText = s; strings.TrimSpace(s) == "" {
			return connector.ErrEmpty
		}
		return nil
	})
	flags.BoolVar(&q.flows, "flows", false, "print what becomes of the flows between every two servers instead")
	for name, to := range map[string]*[]*audit.Check{"checks": &q.checks, "explain": &q.explained} {
		what := map[string]string{"checks": "only these checks: a list of `IDs` and of their beginnings", "explain": "print what these checks mean instead: a list of `IDs` and of their beginnings"}[name]
		flags.Func(name, what, func(s string) (err error) {
			*to, err = audit.ParseChecks(s)
			return err
		})
	}
	flags.BoolVar(&q.list, "list", false, "print the list of all checks instead")
	flags.BoolVar(&q.hardening, "hardening", false, "print which published controls are met, and what meeting them to the letter would do to mail, instead")
	flags.BoolVar(&q.plan, "plan", false, "print the safe fixes of all servers as one PowerShell script instead, with checks before and the way back")
	flags.StringVar(&q.only, "server", "", "with -plan, the `NAME` of the server to plan for; those of Edge Transport servers run on the server itself")
	flags.BoolVar(&q.allFixes, "all-fixes", false, "print the commands of every fix that was proved, not only of the best")
}

// check tells what is wrong with the arguments.
func (q *question) check(files bool) error {
	modes := 0
	for _, asked := range []bool{q.print != "", q.errorText != "", q.flows, q.plan, q.hardening, q.list, q.explained != nil} {
		if asked {
			modes++
		}
	}
	switch {
	case q.only != "" && !q.plan:
		return errors.New("rcaudit: -server goes with -plan")
	case modes > 1:
		return errors.New("rcaudit: of -error, -explain, -flows, -hardening, -list, -plan and -topology one at a time")
	case (q.list || q.explained != nil) && files:
		return errors.New("rcaudit: -list and -explain are about the checks, and take no file")
	case q.errorText != "" && !files:
		return errors.New("rcaudit: -error needs the files of your servers; without them there is only a made-up story")
	case len(q.Addresses) > 0 && !files && !q.list && q.explained == nil:
		return errors.New("-addr adds to the servers of files, and no file is given")
	case modes > 0 && (q.Format == report.SARIF || q.Format == report.JUnit):
		return fmt.Errorf("rcaudit: -format %s is for findings, not for what was asked instead", q.Format)
	}
	return nil
}

// answer writes what was asked for, and returns the exit status.
func (q *question) answer(t *connector.Topology, stdin io.Reader, out io.Writer) (int, error) {
	if q.print != "" {
		return input.ExitFine, q.print.write(out, t)
	}
	x, err := connector.Compile(t)
	if err != nil {
		return 0, err
	}
	if q.story != "" && q.Format == report.Text && (q.flows || q.hardening) {
		fmt.Fprintf(out, "%s\n\n", q.story)
	}
	switch {
	case q.flows:
		return q.matrix(t, x, out)
	case q.errorText != "":
		return q.diagnose(t, stdin, out)
	case q.plan:
		return input.ExitFine, q.plans(t, out)
	case q.hardening:
		return q.controls(t, out)
	}
	findings, err := audit.Run(context.Background(), t, q.checks...)
	if err != nil {
		return 0, err
	}
	a := report.Audit{Topology: t, Findings: findings, Flows: audit.EachFlow(t, x), AllFixes: q.allFixes, About: q.story, Checks: q.checks, FailOn: q.failOn.Least()}
	if len(findings) > 0 && findings[0].Accepted == "" && q.failOn.Reached(findings[0].Severity) { // the most severe that is not accepted comes first
		return input.ExitFindings, q.Format.Audit(out, a)
	}
	return input.ExitFine, q.Format.Audit(out, a)
}

// about writes the list of all checks, or what some of them mean.
func (q *question) about(out, stderr io.Writer) int {
	write, checks := q.Format.Explain, q.explained
	if q.list {
		write, checks = q.Format.Checks, audit.All()
	}
	if err := write(out, checks); err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	return input.ExitFine
}

// controls writes what becomes of the controls. One that has broken a flow counts as a finding.
func (q *question) controls(t *connector.Topology, out io.Writer) (int, error) {
	results, err := audit.Hardening(context.Background(), t)
	if err != nil {
		return 0, err
	}
	return found(slices.ContainsFunc(results, func(r audit.ControlResult) bool { return len(r.Broken) > 0 })), q.Format.Hardening(out, results)
}

// found is the exit status.
func found(anything bool) int {
	if anything {
		return input.ExitFindings
	}
	return input.ExitFine
}

// plans writes what there is to do, on one server if only one is asked for.
func (q *question) plans(t *connector.Topology, out io.Writer) error {
	plans, err := audit.Plans(context.Background(), t, q.checks...)
	if err != nil {
		return err
	}
	if q.only != "" {
		if !slices.ContainsFunc(t.AllServers(), func(s connector.Server) bool { return strings.EqualFold(s.Name, q.only) }) {
			return fmt.Errorf("rcaudit: -server %s: no file names a server of this name", q.only)
		}
		plans = slices.DeleteFunc(plans, func(p audit.Plan) bool { return !strings.EqualFold(p.Server, q.only) })
	}
	return q.Format.Plans(out, report.Plans{Topology: t, Plans: plans})
}

// matrix shows the flows. A required one that fails counts as a finding. In a page each cell shows a connection, also where it passes.
func (q *question) matrix(t *connector.Topology, x *connector.Index, out io.Writer) (int, error) {
	results := audit.Flows(t, x)
	if q.Format == report.HTML {
		tracer := audit.NewTracer(t, x)
		for i, r := range results {
			if r.Witness == nil {
				results[i].Witness = tracer.Witness(r.Flow)
			}
		}
	}
	return found(slices.ContainsFunc(results, audit.FlowResult.Broken)), q.Format.Matrix(out, audit.MatrixOf(results))
}

// diagnose tells what an error means. A connector that is very likely to blame counts as a finding.
func (q *question) diagnose(t *connector.Topology, stdin io.Reader, out io.Writer) (int, error) {
	text := q.errorText
	if text == "-" {
		const longest = 1<<20 + 1 // one byte more than is looked at, so that it is said
		data, err := io.ReadAll(io.LimitReader(stdin, longest))
		if err != nil {
			return 0, err
		}
		text = string(data)
	}
	d, err := audit.Diagnose(context.Background(), t, text)
	if err != nil {
		return 0, err
	}
	blamed := slices.ContainsFunc(d.Suspects, func(s audit.Suspect) bool { return !s.Outside() && s.Likelihood == audit.VeryLikely })
	return found(blamed), q.Format.Diagnosis(out, report.Diagnosis{Topology: t, Diagnosis: d})
}

// topologyForm is the value of -topology: "" is not given.
type topologyForm string

func (f *topologyForm) IsBoolFlag() bool { return true }
func (f *topologyForm) String() string   { return string(*f) }

func (f *topologyForm) Set(s string) error {
	switch s {
	case "true":
		s = "json"
	case "false":
		s = ""
	case "json", "text":
	default:
		return errors.New("json or text")
	}
	*f = topologyForm(s)
	return nil
}

func (f topologyForm) write(w io.Writer, t *connector.Topology) error {
	if f == "text" {
		return psexport.WriteText(w, t)
	}
	return psexport.WriteJSON(w, t)
}

// topology reads the files, or the embedded story if there are none.
func (q *question) topology(files []string, stderr io.Writer) (*connector.Topology, bool) {
	if len(files) > 0 {
		return input.Read(files, q.Addresses, stderr)
	}
	story, err := topotest.Load(stories, "founding_story.txtar")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return nil, false
	}
	q.story = story.Story
	return story.Topology, true
}
