// Rcreplay reads SMTP protocol logs and tells whether they agree with a configuration, who used which connector and range, and what a change
// would have moved.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
	"github.com/receiveconnector/receiveconnector/examples/internal/input"
	"github.com/receiveconnector/receiveconnector/examples/internal/logs"
	"github.com/receiveconnector/receiveconnector/examples/internal/output"
)

const usage = `usage: rcreplay [-config FILE]... [-change COMMAND]... [-save FILE] LOG...

LOGs are protocol logs of SMTP receive and send of Exchange 2007 or later, plain or packed with gzip, folders or zip
archives of them, what -save wrote, or - for standard input. -config takes FILEs as rcaudit does; without it the logs
alone are told. Each -change is a command as rcwhatif takes it, tried on the sessions of the logs.

  rcreplay -config exchange.xml logs/                             does the log agree, and who uses what?
  rcreplay -config exchange.xml -change "Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges 10.0.5.0/24" logs/
  rcreplay -config exchange.xml -format html -o logs.html logs/   the same as a page to look at
  rcreplay -save ex01.json logs/EX01                              reads once; ask it as often as you like:
  rcreplay -config exchange.xml ex01.json ex02.json               and several together

exit status: 0 fine; 1 sessions disagree with the configuration, clients lose something by the change, mail between servers
is not authenticated, or the cmdlets refuse the change (with -fail-on never: 0); 2 unusable input; 130 interrupted: what
was read until then is told and marked as partial.

`

const exitInterrupted = 130

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends it at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// question is what the arguments ask.
type question struct {
	input.Options
	config     []string
	commands   []string
	after      []string
	save       string
	everything bool
	processors int
	failOn     *input.Threshold
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var q question
	flags := input.Flags("rcreplay", stderr, &q.Options, report.SARIF)
	q.failOn = input.FailOn(flags)
	flags.Func("config", "`FILE`s of the configuration, separated by commas; may be given several times", list(&q.config, ","))
	flags.Func("change", "`COMMAND` to try on the sessions; may be given several times", list(&q.commands, ""))
	flags.Func("after", "`FILE`s of another configuration to try on the sessions", list(&q.after, ","))
	flags.StringVar(&q.save, "save", "", "write what was read to `FILE`, for later and for others; nothing else is told then unless -config is given")
	flags.BoolVar(&q.everything, "all", false, "list every source, and not only the first ten of a range")
	flags.IntVar(&q.processors, "processors", runtime.GOMAXPROCS(0), "how many logs to read at a time")
	names, status, done := input.Parse(flags, usage, args)
	if done {
		return status
	}
	fail := func(err any) int {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	switch {
	case len(names) == 0:
		return fail("rcreplay: name the logs, or folders of them; -h explains")
	case len(q.config) == 0 && len(q.commands)+len(q.after) > 0:
		return fail("rcreplay: a change needs the configuration that it changes: -config FILE")
	case q.Output != "" && q.save != "" && len(q.config) == 0:
		return fail("rcreplay: with -save alone nothing is told that -o could write; add -config FILE")
	case len(q.commands) > 0 && len(q.after) > 0:
		return fail("rcreplay: -change or -after, not both")
	}
	var t, after *connector.Topology
	if len(q.config) > 0 {
		var ok bool
		if t, ok = input.Read(q.config, q.Addresses, stderr); !ok || !input.Answerable(t, q.config, stderr) {
			return input.ExitUnusable
		}
	}
	if len(q.after) > 0 {
		var ok bool
		if after, ok = input.Read(q.after, q.Addresses, stderr); !ok || !input.Answerable(after, q.after, stderr) {
			return input.ExitUnusable
		}
	}
	changes, refused, err := q.changes(t, after)
	if err != nil {
		return fail(err)
	}
	traffic, err := logs.Read(ctx, names, q.processors, stdin, stderr)
	if err != nil {
		return fail(err)
	}
	if traffic.Records == 0 && !traffic.Interrupted {
		_ = report.Text.Replay(stderr, report.Replay{Traffic: traffic})
		return fail(strings.Join(names, ", ") + ": no record of an SMTP protocol log")
	}
	if q.save != "" && traffic.Records > 0 {
		if err := save(q.save, traffic); err != nil {
			return fail(err)
		}
		if t == nil && len(traffic.Problems()) > 0 {
			_ = report.Text.Replay(stderr, report.Replay{Traffic: traffic})
		}
	}
	status = input.ExitFine
	if q.save == "" || t != nil {
		r, err := answer(context.WithoutCancel(ctx), t, traffic, changes, refused)
		if err != nil {
			return fail(err)
		}
		r.Everything = q.everything
		status = q.Write(stdout, stderr, slices.Concat(names, q.config, q.after, []string{q.save}), func(out io.Writer) int {
			if err := q.Format.Replay(out, r); err != nil {
				return fail(err)
			}
			return q.status(r)
		})
	}
	if traffic.Interrupted && status != input.ExitUnusable {
		return exitInterrupted
	}
	return status
}

func list(to *[]string, separator string) func(string) error {
	return func(s string) error {
		parts := []string{s}
		if separator != "" {
			parts = strings.Split(s, separator)
		}
		*to = append(*to, parts...)
		return nil
	}
}

// changes reads the changes to try, and tells what the cmdlets say to them.
func (q *question) changes(t, after *connector.Topology) (changes []connector.Change, refused, err error) {
	if after != nil {
		return append([]connector.Change{}, connector.Changes(t, after)...), nil, nil
	}
	if len(q.commands) == 0 {
		return nil, nil, nil
	}
	changes, _, err = ems.Parse("change", t, strings.Join(q.commands, "\n"))
	if err != nil {
		return nil, nil, err
	}
	if len(changes) == 0 {
		return nil, nil, errors.New("rcreplay: there is no command in the changes")
	}
	return changes, t.ValidateAll(changes...), nil
}

// answer asks everything there is to ask.
func answer(ctx context.Context, t *connector.Topology, traffic *smtplog.Traffic, changes []connector.Change, refused error) (r report.Replay, err error) {
	r = report.Replay{Traffic: traffic, Topology: t}
	if t == nil {
		r.Usage = traffic.Usage(&connector.Topology{})
		return r, nil
	}
	x, err := connector.Compile(t)
	if err != nil {
		return r, err
	}
	r.Replay, r.Usage, r.Servers = traffic.Replay(x), traffic.Usage(t), traffic.ServerAddresses(t)
	r.Targets = traffic.Unauthenticated(t)
	r.Topology = smtplog.WithAddresses(t, r.Servers)
	unauthenticated, err := audit.ParseChecks("RC001")
	if err != nil {
		return r, err
	}
	if r.Findings, err = audit.Run(ctx, r.Topology, unauthenticated...); err != nil {
		return r, err
	}
	if changes != nil {
		r.Changes, r.Refused = changes, refused
		r.BackTest, err = traffic.BackTest(t, changes...)
	}
	return r, err
}

// status tells whether something calls for a look.
func (q *question) status(r report.Replay) int {
	found := r.Replay != nil && len(r.Replay.Disagreements) > 0 || r.BackTest != nil && r.BackTest.Losing > 0 || r.Refused != nil || len(r.Targets) > 0
	for _, f := range r.Findings {
		found = found || f.Accepted == "" && q.failOn.Reached(f.Severity)
	}
	if found && !q.failOn.Never() {
		return input.ExitFindings
	}
	return input.ExitFine
}

// saved is how every file of -save begins.
const saved = `{"format":`

// save writes traffic to a file, whole or not at all, and over none but one that was saved before.
func save(name string, traffic *smtplog.Traffic) error {
	if err := output.WrittenBy("rcreplay", saved, name); err != nil {
		return err
	}
	data, err := json.Marshal(traffic)
	if err != nil {
		return err
	}
	return output.Replace(name, string(data))
}
