// Rctest keeps a topology under test without Go: do the expectations hold, what is untested, and what moved since the last snapshot? It also
// writes expectations, from the topology and from protocol logs.
package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
	"github.com/receiveconnector/receiveconnector/examples/internal/input"
	"github.com/receiveconnector/receiveconnector/examples/internal/output"
)

const usage = `usage: rctest [-change COMMAND]... [-cover] [-min N] [-snapshot FILE [-update]] [-junit FILE] FILE...
       rctest -generate [-log LOG]... [FILE...]

FILEs are, in any order, exports as rcaudit takes them, expectations, and stories, *.txtar, which hold their own topology.
Expectations are told by what is in them, or by a name that ends in expect.txt or .expect (from a pipe: -expect FILE); they are
lines such as

  # Printers send to customers.
  EX01 *:25 10.0.5.0/24 as Anonymous -> EX01\Relay, may relay
  EX03 *:25 EX01 -> EX03\Default EX03, authenticated
  * *:25 any as Anonymous tls=IfOffered -> may not relay
  flow * * Mail -> passes
  no finding RC001

  rctest exchange.xml expect.txt                               do they hold?
  rctest -cover -min 80 exchange.xml expect.txt                and what is untested?
  rctest -format html -o tests.html exchange.xml expect.txt    the same as a page to look at
  rctest -change "Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges 10.0.0.0/8" exchange.xml expect.txt
                                                               would they hold after that?
  rctest -snapshot decisions.txt -update exchange.xml          writes the decisions of today
  rctest -snapshot decisions.txt exchange.xml                  what moved since?
  rctest -generate exchange.xml > expect.txt                   a case for each region of each endpoint
  rctest -generate -log logs/ > clients.expect                 a case for each real client and what it did

The coverage of -min is the mean of four percentages: connectors, ranges, listeners, flows.

exit status: 0 all hold; 1 one does not, something moved since the snapshot, less is covered than -min, of a topology or
in a file nothing is expected, or the cmdlets refuse a change; 2 unusable input.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// question is what the arguments ask.
type question struct {
	input.Options
	expectations, stories, exports []string
	logs, commands                 []string
	cover, everything              bool
	least                          int
	snapshot, junit                string
	update, generate               bool
}

// errSaid is an error that was told already.
var errSaid = errors.New("")

// outputError is why something cannot be written.
type outputError struct{ error }

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var q question
	flags := input.Flags("rctest", stderr, &q.Options, report.JUnit)
	q.define(flags)
	files, status, done := input.Parse(flags, usage, args)
	if done {
		return status
	}
	for i, name := range files {
		if !slices.Contains(files[:i], name) {
			q.sort(name)
		}
	}
	q.KeepUnusable = q.Format == report.JSON || q.Format == report.JUnit
	return q.Write(stdout, stderr, q.reads(), func(out io.Writer) int { return q.run(ctx, stdin, out, stderr) })
}

// run does what the arguments ask, and returns the exit status.
func (q *question) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int {
	var said bytes.Buffer // what is wrong with exports
	holds, err := q.do(ctx, stdin, stdout, io.MultiWriter(stderr, &said))
	switch {
	case err == nil && holds:
		return input.ExitFine
	case err == nil:
		return input.ExitFindings
	case errors.Is(err, errSaid):
		err = errors.New(strings.TrimSpace(said.String()))
	default:
		fmt.Fprintln(stderr, err)
	}
	if err := q.tellUnusable(err, stdout); err != nil {
		fmt.Fprintln(stderr, err)
	}
	return input.ExitUnusable
}

// tellUnusable writes for programs why nothing could be asked: what they read otherwise is nothing, or what was written before.
func (q *question) tellUnusable(err error, stdout io.Writer) error {
	if _, ok := err.(outputError); ok || q.generate {
		return nil
	}
	tests := report.Tests{Err: err}
	switch {
	case q.junit == "-":
		return report.JUnit.Tests(stdout, tests)
	case q.Format == report.JSON, q.Format == report.JUnit:
		err = q.Format.Tests(stdout, tests)
	default:
		err = nil
	}
	if q.junit != "" {
		err = errors.Join(err, q.writeJUnit(tests))
	}
	return err
}

// do does what the arguments ask, and tells whether everything is as expected.
func (q *question) do(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (bool, error) {
	if err := q.check(); err != nil {
		return false, err
	}
	if q.generate {
		return true, q.write(ctx, stdin, stdout, stderr)
	}
	return q.test(ctx, stdout, stderr)
}

func (q *question) define(flags *flag.FlagSet) {
	appendTo := func(list *[]string) func(string) error {
		return func(s string) error {
			*list = append(*list, s)
			return nil
		}
	}
	flags.Func("expect", "`FILE` of expectations, whatever its name; may be given several times", appendTo(&q.expectations))
	flags.Func("log", "protocol `LOG` for -generate, or a folder of them; may be given several times", appendTo(&q.logs))
	flags.Func("change", "`COMMAND` that is made first, as rcwhatif takes it; may be given several times", appendTo(&q.commands))
	flags.BoolVar(&q.cover, "cover", false, "tell what of the topology no expectation is about")
	flags.Func("min", "least coverage in `percent`; implies -cover", func(s string) error {
		if _, err := fmt.Sscanf(s+"\n", "%d\n", &q.least); err != nil || q.least < 0 || q.least > 100 {
			return errors.New("a number from 0 to 100")
		}
		q.cover = true
		return nil
	})
	flags.BoolVar(&q.everything, "all", false, "list all that is untested, and not the first 20 of a kind")
	flags.StringVar(&q.snapshot, "snapshot", "", "compare with the decisions in `FILE`")
	flags.BoolVar(&q.update, "update", false, "write the snapshot anew, and what stories should say today; then read the difference")
	flags.StringVar(&q.junit, "junit", "", "write the results as JUnit XML to `FILE` as well; - is standard output, and nothing else then")
	flags.BoolVar(&q.generate, "generate", false, "write expectations instead of asking them")
}

// reads are the names of all that is read.
func (q *question) reads() []string {
	return slices.Concat(q.expectations, q.stories, q.exports, q.logs)
}

// mayWrite refuses to write over a file that is read, or that does not begin as one that was written before.
func (q *question) mayWrite(name, begins string) error {
	if err := output.NotRead(name, q.reads()...); err != nil {
		return outputError{err}
	}
	if err := output.WrittenBy("rctest", begins, name); err != nil {
		return outputError{err}
	}
	return nil
}

// sort tells what a file is, by its name or by what is in it.
func (q *question) sort(name string) {
	switch base := strings.ToLower(filepath.Base(name)); {
	case strings.HasSuffix(base, ".txtar"):
		q.stories = append(q.stories, name)
	case strings.HasSuffix(base, "expect.txt"), strings.HasSuffix(base, ".expect"), holdsCases(name):
		q.expectations = append(q.expectations, name)
	default:
		q.exports = append(q.exports, name)
	}
}

// holdsCases tells whether a file begins like one of expectations: there is a case in it.
func holdsCases(name string) bool {
	const beginning = 64 << 10
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return false // a pipe can be read once only
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	cases, _ := topotest.ParseCases(name, io.LimitReader(f, beginning)) // the last line may be cut off
	return len(cases) > 0
}

// check tells what is wrong with the arguments.
func (q *question) check() error {
	if q.junit != "" && q.junit != "-" {
		if err := q.mayWrite(q.junit, xml.Header+`<testsuites name="topotest" `); err != nil {
			return err
		}
	}
	switch {
	case q.junit != "" && q.snapshot != "" && output.Same(q.junit, q.snapshot):
		return outputError{errors.New("rctest: -junit and -snapshot name one file")}
	case q.Output != "" && (q.junit != "" && output.Same(q.junit, q.Output) || q.snapshot != "" && output.Same(q.snapshot, q.Output)):
		return outputError{errors.New("rctest: -o and -junit or -snapshot name one file")}
	case q.generate && q.Format != report.Text:
		return errors.New("rctest: -generate writes lines of text")
	case q.junit == "-" && q.Format != report.Text:
		return outputError{errors.New("rctest: standard output is for one of -format and -junit -")}
	case q.generate && (q.cover || len(q.commands) > 0 || q.snapshot != "" || q.update || q.junit != "" || len(q.stories)+len(q.expectations) > 0):
		return errors.New("rctest: -generate goes with exports and -log alone")
	case q.generate && len(q.exports)+len(q.logs) == 0:
		return errors.New("rctest: -generate needs exports, or -log; -h explains")
	case q.generate && len(q.exports) > 0 && len(q.logs) > 0:
		return errors.New("rctest: expectations are generated from exports or from logs; not both at once")
	case !q.generate && len(q.logs) > 0:
		return errors.New("rctest: -log goes with -generate")
	case len(q.exports)+len(q.stories)+len(q.logs) == 0:
		return errors.New("rctest: name the files of your servers and of your expectations; -h explains")
	case q.update && (q.snapshot == "") == (len(q.stories) == 0):
		return errors.New("rctest: -update writes a snapshot or stories; name one of them, and not both")
	case q.update && len(q.commands) > 0:
		return errors.New("rctest: -update writes what is, and -change is not yet made")
	case len(q.exports) == 0 && (q.cover || len(q.commands) > 0 || q.snapshot != "" || len(q.expectations) > 0):
		return errors.New("rctest: name the exports that the expectations are about; a story has its own topology")
	}
	return nil
}
