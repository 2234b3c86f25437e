// Package input reads the files and addresses that the example programs are given.
package input

import (
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
	"github.com/receiveconnector/receiveconnector/examples/internal/output"
)

// Exit statuses of all programs.
const (
	ExitFine     = 0
	ExitFindings = 1 // findings at or above -fail-on
	ExitUnusable = 2 // input or arguments
)

// Options are the flags that all programs have.
type Options struct {
	Format    report.Format      // -format text|json|...
	Addresses []connector.Server // -addr NAME=IP[,IP...], which may be given several times
	Output    string             // -o FILE
	// KeepUnusable: what was written is kept, too, where the input is of no use.
	KeepUnusable bool
}

// Flags returns the flags of a program with the common ones, which set o; besides text, JSON, Markdown and HTML it has the given formats. They
// report errors, a line each, instead of ending the program.
func Flags(name string, stderr io.Writer, o *Options, formats ...report.Format) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {} // an error is one line; help is for those who ask
	o.Format = report.Text
	formats = append([]report.Format{report.Text, report.JSON, report.Markdown, report.HTML}, formats...)
	var names []string
	for _, f := range formats {
		names = append(names, f.String())
	}
	flags.Func("format", "one of "+strings.Join(names, ", ")+" (default text)", func(s string) (err error) {
		if o.Format, err = report.ParseFormat(s); err == nil && !slices.Contains(formats, o.Format) {
			err = errors.New("not a form of this program: " + strings.Join(names, ", "))
		}
		return err
	})
	flags.StringVar(&o.Output, "o", "", "write to `FILE` instead of standard output, whole or not at all; - is standard output")
	flags.Func("addr", "addresses of a server: `NAME=IP[,IP...]`; may be given several times", func(s string) error {
		server, err := psexport.ParseServerAddresses(s)
		o.Addresses = append(o.Addresses, server)
		return err
	})
	return flags
}

// Threshold is the least severity of a finding that counts.
type Threshold struct {
	least audit.Severity
	never bool
}

// FailOn defines -fail-on.
func FailOn(flags *flag.FlagSet) *Threshold {
	t := &Threshold{least: audit.Error}
	flags.Func("fail-on", "least severity that gives exit status 1: note, warning, error or never (default error)", func(s string) (err error) {
		if t.never = s == "never"; !t.never {
			t.least, err = audit.ParseSeverity(s)
		}
		return err
	})
	return t
}

// Reached tells whether a severity counts; zero does not.
func (t *Threshold) Reached(s audit.Severity) bool { return !t.never && s >= t.least }

// Least returns the least severity that counts; one above all if nothing does.
func (t *Threshold) Least() audit.Severity {
	if t.never {
		return audit.Error + 1
	}
	return t.least
}

// Never tells whether nothing counts.
func (t *Threshold) Never() bool { return t.never }

// Parse parses the arguments, flags and files in any order, and returns the files; done tells that the program ends with
// the status, because help was asked for, which prints the usage, or an argument is wrong.
func Parse(flags *flag.FlagSet, usage string, args []string) (files []string, status int, done bool) {
	for {
		switch err := flags.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprint(flags.Output(), usage)
			flags.PrintDefaults()
			return nil, ExitFine, true
		case err != nil:
			return nil, ExitUnusable, true
		}
		if flags.NArg() == 0 {
			return files, 0, false
		}
		files = append(files, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

// Write calls a function that writes to standard output or to the file of -o, and returns its exit status. The file is not written where the
// input is of no use, and not if it is one of those that are read.
func (o *Options) Write(stdout, stderr io.Writer, read []string, write func(io.Writer) int) int {
	if o.Output == "" || o.Output == "-" || o.Output == "/dev/stdout" {
		return write(output.To(stdout))
	}
	fail := func(err error) int {
		fmt.Fprintln(stderr, err)
		return ExitUnusable
	}
	if err := output.NotRead(o.Output, read...); err != nil {
		return fail(err)
	}
	f, err := output.Create(o.Output)
	if err != nil {
		return fail(err)
	}
	defer output.DiscardOnInterrupt(f)()
	status := write(f)
	if status == ExitUnusable && !o.KeepUnusable {
		f.Discard()
		return status
	}
	if err := f.Keep(); err != nil {
		return fail(err)
	}
	return status
}

// Read merges the files and addresses into one topology. Warnings go to stderr, those that say the same of several objects in
// one line, and so do the errors of all files, a line each.
func Read(files []string, addresses []connector.Server, stderr io.Writer) (*connector.Topology, bool) {
	var r psexport.Reader
	var errs []error
	for _, name := range files {
		errs = append(errs, readFile(&r, name))
	}
	t, _, _ := r.Topology()
	for _, s := range addresses {
		short, _, _ := strings.Cut(s.Name, ".")
		if !slices.ContainsFunc(t.AllServers(), func(o connector.Server) bool { return strings.EqualFold(o.Name, short) }) {
			fmt.Fprintf(stderr, "warning: -addr %s: no file names a server of this name\n", s.Name)
		}
		errs = append(errs, r.AddServer(s))
	}
	t, warnings, err := r.Topology()
	_ = report.Text.Warnings(stderr, warnings)
	if err := errors.Join(append(errs, err)...); err != nil {
		fmt.Fprintln(stderr, err)
		return nil, false
	}
	return t, true
}

// Answerable tells whether there is anything to answer questions about, and says so if not: no answer must not look like a good
// one.
func Answerable(t *connector.Topology, files []string, stderr io.Writer) bool {
	if len(t.AllServers()) > 0 {
		return true
	}
	fmt.Fprintf(stderr, "%s: neither receive connectors nor servers\n", strings.Join(files, ", "))
	return false
}

// readFile reads one file; what is wrong in it comes again from the Reader.
func readFile(r *psexport.Reader, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return &connector.ModelError{Source: connector.Source{File: name}, Err: errors.New("a directory; name the files in it")}
	}
	_ = r.Read(name, f)
	return nil
}
