// Rctest keeps a topology under test without Go: do the expectations hold, what is untested, and what moved since the last snapshot? It also
// writes expectations, from the topology and from protocol logs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
	"github.com/receiveconnector/receiveconnector/examples/internal/input"
	"github.com/receiveconnector/receiveconnector/examples/internal/logs"
)

const usage = `usage: rctest [-change COMMAND]... [-cover] [-min N] [-snapshot FILE [-update]] [-junit FILE] FILE...
       rctest -generate [-log LOG]... [FILE...]

FILEs are exports as rcaudit takes them, expectations, which are named *expect.txt or *.expect, and stories, *.txtar, which
hold their own topology. Expectations are lines such as

  # Printers send to customers.
  EX01 *:25 10.0.5.0/24 as Anonymous -> EX01\Relay, may relay
  EX03 *:25 EX01 -> EX03\Default EX03, authenticated
  * *:25 any as Anonymous tls=IfOffered -> may not relay
  flow * * Mail -> passes
  no finding RC001

  rctest exchange.xml expect.txt                               do they hold?
  rctest -cover -min 80 exchange.xml expect.txt                and what is untested?
  rctest -change "Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges 10.0.0.0/8" exchange.xml expect.txt
                                                               would they hold after that?
  rctest -snapshot decisions.txt -update exchange.xml          writes the decisions of today
  rctest -snapshot decisions.txt exchange.xml                  what moved since?
  rctest -generate exchange.xml > expect.txt                   a case for each region of each endpoint
  rctest -generate -log logs/ > clients.expect                 a case for each real client and what it did

exit status: 0 all hold; 1 one does not, something moved since the snapshot, less is covered than -min, nothing is
expected at all, or the cmdlets refuse a change; 2 unusable input.

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

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var q question
	flags := input.Flags("rctest", stderr, &q.Options)
	q.define(flags)
	files, status, done := input.Parse(flags, usage, args)
	if done {
		return status
	}
	for _, name := range files {
		q.sort(name)
	}
	err := q.check()
	holds := true
	switch {
	case err != nil:
	case q.generate:
		err = q.write(ctx, stdin, stdout, stderr)
	default:
		holds, err = q.test(ctx, stdout, stderr)
	}
	switch {
	case err == nil && holds:
		return input.ExitFine
	case err == nil:
		return input.ExitFindings
	case !errors.Is(err, errSaid):
		fmt.Fprintln(stderr, err)
	}
	return input.ExitUnusable
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

// sort tells by its name what a file is.
func (q *question) sort(name string) {
	switch base := strings.ToLower(filepath.Base(name)); {
	case strings.HasSuffix(base, ".txtar"):
		q.stories = append(q.stories, name)
	case strings.HasSuffix(base, "expect.txt"), strings.HasSuffix(base, ".expect"):
		q.expectations = append(q.expectations, name)
	default:
		q.exports = append(q.exports, name)
	}
}

// check tells what is wrong with the arguments.
func (q *question) check() error {
	switch {
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
	case q.update && q.snapshot == "" && len(q.stories) == 0:
		return errors.New("rctest: -update writes a snapshot or stories, and none is named")
	case q.update && len(q.commands) > 0:
		return errors.New("rctest: -update writes what is, and -change is not yet made")
	case len(q.exports) == 0 && (q.cover || len(q.commands) > 0 || q.snapshot != "" || len(q.expectations) > 0):
		return errors.New("rctest: name the exports that the expectations are about; a story has its own topology")
	}
	return nil
}

// test asks all expectations, and tells whether everything is as expected.
func (q *question) test(ctx context.Context, stdout, stderr io.Writer) (bool, error) {
	tests := report.Tests{Least: q.least, Everything: q.everything}
	if len(q.exports) > 0 {
		t, err := q.topology(stderr)
		if err != nil {
			return false, err
		}
		if t, tests.Refused, err = q.change(t, stderr); err != nil {
			return false, err
		}
		if tests.Refused != nil {
			return false, q.tell(tests, stdout)
		}
		if err := q.ask(ctx, t, &tests); err != nil {
			return false, err
		}
	}
	for _, name := range q.stories {
		suite, err := q.story(name)
		if err != nil {
			return false, err
		}
		tests.Suites = append(tests.Suites, suite)
	}
	return tests.Hold(), q.tell(tests, stdout)
}

// change makes the changes to a copy, unless the cmdlets would refuse them.
func (q *question) change(t *connector.Topology, stderr io.Writer) (changed *connector.Topology, refused, err error) {
	if len(q.commands) == 0 {
		return t, nil, nil
	}
	changes, notes, err := ems.Parse("change", t, strings.Join(q.commands, "\n"))
	if err != nil {
		return nil, nil, err
	}
	for _, n := range notes {
		fmt.Fprintf(stderr, "note: %s\n", n)
	}
	if len(changes) == 0 {
		return nil, nil, errors.New("rctest: there is no command in the changes")
	}
	if refused = t.ValidateAll(changes...); refused != nil {
		return nil, refused, nil
	}
	changed, err = t.Apply(changes...)
	return changed, nil, err
}

// tell writes the results.
func (q *question) tell(tests report.Tests, stdout io.Writer) error {
	switch q.junit {
	case "":
		return q.Format.Tests(stdout, tests)
	case "-":
		return tests.JUnit(stdout)
	}
	f, err := os.Create(q.junit)
	if err != nil {
		return err
	}
	if err := errors.Join(tests.JUnit(f), f.Close()); err != nil {
		return err
	}
	return q.Format.Tests(stdout, tests)
}

func (q *question) topology(stderr io.Writer) (*connector.Topology, error) {
	t, ok := input.Read(q.exports, q.Addresses, stderr)
	if !ok || !input.Answerable(t, q.exports, stderr) {
		return nil, errSaid
	}
	return t, nil
}

// ask asks the topology what the files expect, how much of it that covers, and what moved since the snapshot.
func (q *question) ask(ctx context.Context, t *connector.Topology, tests *report.Tests) error {
	var all []topotest.Case
	var errs []error
	for _, name := range q.expectations {
		cases, err := readCases(name)
		errs = append(errs, err)
		results, err := topotest.Evaluate(ctx, t, cases)
		if err != nil {
			return err
		}
		tests.Suites = append(tests.Suites, report.TestSuite{Name: name, Cases: results})
		all = append(all, cases...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if q.snapshot != "" {
		if err := q.compare(t, tests); err != nil {
			return err
		}
	}
	if !q.cover {
		return nil
	}
	var err error
	tests.Coverage, err = topotest.Cover(t, all)
	return err
}

// readCases reads a file of expectations.
func readCases(name string) ([]topotest.Case, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return topotest.ParseCases(name, f)
}

// compare tells what moved since the snapshot, and writes it anew if that is asked for.
func (q *question) compare(t *connector.Topology, tests *report.Tests) error {
	tests.Snapshot = &report.SnapshotChange{Name: q.snapshot, Written: q.update}
	was, err := readCases(q.snapshot)
	switch {
	case errors.Is(err, fs.ErrNotExist) && q.update: // the first one
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; -update writes the decisions of today", err)
	case err != nil:
		return err
	case len(was) == 0 && !q.update:
		return fmt.Errorf("%s: no decision in it; -update writes those of today", q.snapshot)
	default:
		if tests.Snapshot.Moves, tests.Snapshot.Unsettled, err = topotest.Changed(was, t); err != nil {
			return err
		}
	}
	if !q.update {
		return nil
	}
	is, err := topotest.Snapshot(t)
	if err != nil {
		return err
	}
	return replace(q.snapshot, "# The decisions of these servers, written by rctest -snapshot. What changes here, changes hands.\n\n"+topotest.FormatCases(is))
}

// replace writes a file, whole or not at all.
func replace(name, text string) error {
	if err := os.WriteFile(name+".new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// story checks a story, after it was written anew if that is asked for.
func (q *question) story(name string) (suite report.TestSuite, err error) {
	load := func() (*topotest.Fixture, error) {
		f, err := topotest.Load(os.DirFS(filepath.Dir(name)), filepath.Base(name))
		if err != nil && errors.Is(err, fs.ErrNotExist) {
			_, err = os.Stat(name) // which names the file as it was given
		}
		return f, err
	}
	f, err := load()
	if err != nil {
		return suite, err
	}
	if q.update {
		text, err := f.Updated()
		if err != nil {
			return suite, err
		}
		if err := replace(name, text); err != nil {
			return suite, err
		}
		if f, err = load(); err != nil {
			return suite, err
		}
	}
	return report.TestSuite{Name: name, Sections: f.Evaluate()}, nil
}

// write writes expectations from the topology, or from logs.
func (q *question) write(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	var cases []topotest.Case
	if len(q.logs) > 0 {
		traffic, err := logs.Read(ctx, q.logs, runtime.GOMAXPROCS(0), stdin, stderr)
		if err != nil {
			return err
		}
		if traffic.Interrupted {
			return errors.New("rctest: interrupted; nothing is written, because expectations of a part would look like all")
		}
		var left int
		if cases, left = topotest.Clients(traffic); left > 0 {
			fmt.Fprintf(stderr, "warning: sessions left out: %d; the log does not tell endpoint or server, or there are too many clients\n", left)
		}
		if len(traffic.Problems()) > 0 {
			_ = report.Text.Replay(stderr, report.Replay{Traffic: traffic})
		}
	} else {
		t, err := q.topology(stderr)
		if err != nil {
			return err
		}
		if cases, err = topotest.Regions(t); err != nil {
			return err
		}
	}
	if len(cases) == 0 {
		return errors.New("rctest: nothing to expect: no connector listens, or no session of a receive log was read")
	}
	_, err := io.WriteString(stdout, topotest.FormatCases(cases))
	return err
}
