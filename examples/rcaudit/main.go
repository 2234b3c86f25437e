// Rcaudit audits the receive connectors of Exchange servers: which mail between servers fails and why, and the commands
// that mend it. Without a file it audits the story that the project was founded on.
package main

import (
	"context"
	"embed"
	"errors"
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
  rcaudit -list                                        every check; -explain RC001,RC2 tells what they mean
  rcaudit -checks RC001,RC2 -fail-on warning exchange.xml

exit status: 0 fine, 1 findings at or above -fail-on, with -error a connector very likely to blame, with -flows a required
flow that fails, with -hardening a control that has broken one, 2 unusable input; -plan and -topology print, whatever there is to
find. Findings that the topology file accepts do not count.

`

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o input.Options
	flags := input.Flags("rcaudit", stderr, &o)
	failOn := input.FailOn(flags)
	print := topologyForm("")
	flags.Var(&print, "topology", "print what was read instead of auditing it: -topology as native JSON, -topology=text as canonical text")
	errorText, flows := "", false
	flags.Func("error", "diagnose this `TEXT` instead: LastError of a queue, an NDR or a line of a protocol log; - reads it from standard input", func(s string) error {
		if errorText = s; strings.TrimSpace(s) == "" {
			return connector.ErrEmpty
		}
		return nil
	})
	flags.BoolVar(&flows, "flows", false, "print what becomes of the flows between every two servers instead")
	plan, allFixes, only, hardening, list := false, false, "", false, false
	var checks, explained []*audit.Check
	for name, to := range map[string]*[]*audit.Check{"checks": &checks, "explain": &explained} {
		what := map[string]string{"checks": "only these checks: a list of `IDs` and of their beginnings", "explain": "print what these checks mean instead: a list of `IDs` and of their beginnings"}[name]
		flags.Func(name, what, func(s string) (err error) {
			*to, err = audit.ParseChecks(s)
			return err
		})
	}
	flags.BoolVar(&list, "list", false, "print the list of all checks instead")
	flags.BoolVar(&hardening, "hardening", false, "print which published controls are met, and what meeting them to the letter would do to mail, instead")
	flags.BoolVar(&plan, "plan", false, "print the safe fixes of all servers as one PowerShell script instead, with checks before and the way back")
	flags.StringVar(&only, "server", "", "with -plan, the `NAME` of the server to plan for; those of Edge Transport servers run on the server itself")
	flags.BoolVar(&allFixes, "all-fixes", false, "print the commands of every fix that was proved, not only of the best")
	files, status, done := input.Parse(flags, usage, args)
	if done {
		return status
	}

	story := len(files) == 0
	modes := 0
	for _, asked := range []bool{print != "", errorText != "", flows, plan, hardening, list, explained != nil} {
		if asked {
			modes++
		}
	}
	if only != "" && !plan {
		fmt.Fprintln(stderr, "rcaudit: -server goes with -plan")
		return input.ExitUnusable
	}
	if modes > 1 {
		fmt.Fprintln(stderr, "rcaudit: of -error, -explain, -flows, -hardening, -list, -plan and -topology one at a time")
		return input.ExitUnusable
	}
	if list || explained != nil {
		if !story {
			fmt.Fprintln(stderr, "rcaudit: -list and -explain are about the checks, and take no file")
			return input.ExitUnusable
		}
		return about(list, explained, o, stdout, stderr)
	}
	if errorText != "" && story {
		fmt.Fprintln(stderr, "rcaudit: -error needs the files of your servers; without them there is only a made-up story")
		return input.ExitUnusable
	}
	t, ok := topology(files, o, print != "" || plan, stdout, stderr)
	if !ok {
		return input.ExitUnusable
	}
	if print != "" {
		if err := print.write(stdout, t); err != nil {
			fmt.Fprintln(stderr, err)
			return input.ExitUnusable
		}
		return input.ExitFine
	}
	if !input.Answerable(t, files, stderr) {
		return input.ExitUnusable
	}
	x, err := connector.Compile(t)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	if flows || errorText != "" {
		status := input.ExitFine
		if flows {
			status = matrix(t, x, o, stdout, stderr)
		} else {
			status = diagnose(errorText, t, o, stdin, stdout, stderr)
		}
		if status == input.ExitFindings && (story || failOn.Never()) {
			return input.ExitFine
		}
		return status
	}
	if plan {
		return printPlans(t, only, checks, o, stdout, stderr)
	}
	if hardening {
		status := printHardening(t, o, stdout, stderr)
		if status == input.ExitFindings && (story || failOn.Never()) {
			return input.ExitFine
		}
		return status
	}
	findings, err := audit.Run(context.Background(), t, checks...)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	err = o.Format.Audit(stdout, report.Audit{Topology: t, Findings: findings, Flows: audit.EachFlow(t, x), AllFixes: allFixes})
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	if !story && len(findings) > 0 && findings[0].Accepted == "" && failOn.Reached(findings[0].Severity) { // the most severe that is not accepted comes first
		return input.ExitFindings
	}
	return input.ExitFine
}

// about writes the list of all checks, or what some of them mean.
func about(list bool, explained []*audit.Check, o input.Options, stdout, stderr io.Writer) int {
	write, checks := o.Format.Explain, explained
	if list {
		write, checks = o.Format.Checks, audit.All()
	}
	if err := write(stdout, checks); err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	return input.ExitFine
}

// printHardening writes what becomes of the controls. One that has broken a flow counts as a finding.
func printHardening(t *connector.Topology, o input.Options, stdout, stderr io.Writer) int {
	results, err := audit.Hardening(context.Background(), t)
	if err == nil {
		err = o.Format.Hardening(stdout, results)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	if slices.ContainsFunc(results, func(r audit.ControlResult) bool { return len(r.Broken) > 0 }) {
		return input.ExitFindings
	}
	return input.ExitFine
}

// printPlans writes what there is to do, on one server if only names it.
func printPlans(t *connector.Topology, only string, checks []*audit.Check, o input.Options, stdout, stderr io.Writer) int {
	plans, err := audit.Plans(context.Background(), t, checks...)
	if only != "" {
		if !slices.ContainsFunc(t.AllServers(), func(s connector.Server) bool { return strings.EqualFold(s.Name, only) }) {
			fmt.Fprintf(stderr, "rcaudit: -server %s: no file names a server of this name\n", only)
			return input.ExitUnusable
		}
		plans = slices.DeleteFunc(plans, func(p audit.Plan) bool { return !strings.EqualFold(p.Server, only) })
	}
	if err == nil {
		err = o.Format.Plans(stdout, report.Plans{Topology: t, Plans: plans})
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	return input.ExitFine
}

// matrix shows the flows. A required one that fails counts as a finding.
func matrix(t *connector.Topology, x *connector.Index, o input.Options, stdout, stderr io.Writer) int {
	results := audit.Flows(t, x)
	if err := o.Format.Matrix(stdout, audit.MatrixOf(results)); err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	if slices.ContainsFunc(results, audit.FlowResult.Broken) {
		return input.ExitFindings
	}
	return input.ExitFine
}

// diagnose tells what an error means. A connector that is very likely to blame counts as a finding.
func diagnose(text string, t *connector.Topology, o input.Options, stdin io.Reader, stdout, stderr io.Writer) int {
	if text == "-" {
		const longest = 1<<20 + 1 // one byte more than is looked at, so that it is said
		data, err := io.ReadAll(io.LimitReader(stdin, longest))
		if err != nil {
			fmt.Fprintln(stderr, err)
			return input.ExitUnusable
		}
		text = string(data)
	}
	d, err := audit.Diagnose(context.Background(), t, text)
	if err == nil {
		err = o.Format.Diagnosis(stdout, report.Diagnosis{Topology: t, Diagnosis: d})
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	if slices.ContainsFunc(d.Suspects, func(s audit.Suspect) bool { return !s.Outside() && s.Likelihood == audit.VeryLikely }) {
		return input.ExitFindings
	}
	return input.ExitFine
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

// topology reads the files, or the embedded story if there are none; quiet leaves out what the story tells.
func topology(files []string, o input.Options, quiet bool, stdout, stderr io.Writer) (*connector.Topology, bool) {
	if len(files) > 0 {
		return input.Read(files, o.Addresses, stderr)
	}
	if len(o.Addresses) > 0 {
		fmt.Fprintln(stderr, "-addr adds to the servers of files, and no file is given")
		return nil, false
	}
	story, err := topotest.Load(stories, "founding_story.txtar")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return nil, false
	}
	if o.Format == report.Text && !quiet {
		fmt.Fprintf(stdout, "%s\n\n", story.Story)
	}
	return story.Topology, true
}
