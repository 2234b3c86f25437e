// Rcwhatif tells what a change of receive connectors would do before anybody makes it: whether the cmdlets accept it, which sources
// change hands, which findings appear and go, which mail between servers breaks and heals.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/examples/internal/input"
)

const usage = `usage: rcwhatif [flags] FILE... -- CHANGE...
       rcwhatif [flags] -before FILE[,FILE...] -after FILE[,FILE...]

FILEs are as those of rcaudit. A CHANGE is what you would type into the Exchange Management Shell: Set-, New- or
Remove-ReceiveConnector, Add- or Remove-ADPermission, with the values written out. Put each into one pair of quotation
marks, or all of them into one, a line each; - reads them from standard input, where PowerShell pipes (Get-Content FILE |).

  rcwhatif exchange.xml -- "Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges @{Add='10.0.0.0/24'}"
  rcwhatif exchange.xml -- "Get-ReceiveConnector EX01\* | Set-ReceiveConnector -AuthMechanism Tls"
  rcwhatif exchange.xml -- - < change.ps1
  rcwhatif -format html -o change.html exchange.xml -- - < change.ps1
  rcwhatif -before last-week.xml -after today.xml

exit status: 0 nothing breaks, 1 something does: mail between servers that passed or is new and fails, a finding at or
above -fail-on that appears or grows, or a change that the cmdlets refuse; 2 unusable input. What clients lose is told
and does not count; with -fail-on never nothing does.

`

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o input.Options
	flags := input.Flags("rcwhatif", stderr, &o, report.SARIF)
	failOn := input.FailOn(flags)
	force := false
	flags.BoolVar(&force, "force", false, "go on where the cmdlets refuse a change, as if they accepted it")
	var before, after []string
	for name, to := range map[string]*[]string{"before": &before, "after": &after} {
		flags.Func(name, "`FILE`s of the configuration "+name+" the change, separated by commas; may be given several times", func(s string) error {
			*to = append(*to, strings.Split(s, ",")...)
			return nil
		})
	}
	args, words, hasChanges := cut(args)
	files, status, done := input.Parse(flags, usage, args)
	if done {
		return status
	}
	fail := func(err any) int {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	var w report.WhatIf
	var err error
	switch between := len(before)+len(after) > 0; {
	case between && (len(before) == 0 || len(after) == 0):
		return fail("rcwhatif: -before and -after go together")
	case between && (hasChanges || len(files) > 0):
		return fail("rcwhatif: -before and -after, or FILEs with changes; not both")
	case between:
		w, err = compare(before, after, o, stderr)
	case len(files) == 0:
		return fail("rcwhatif: name the files of your servers, -- and the changes; -h explains")
	case !hasChanges || len(words) == 0:
		return fail("rcwhatif: which changes? Write them behind --; -h explains")
	default:
		w, err = change(files, words, o, force, stdin, stderr)
	}
	if errors.Is(err, errSaid) {
		return input.ExitUnusable
	}
	if err != nil {
		return fail(err)
	}
	return o.Write(stdout, stderr, slices.Concat(files, before, after), func(out io.Writer) int {
		if err := o.Format.WhatIf(out, w); err != nil {
			return fail(err)
		}
		return found(w, failOn)
	})
}

// found tells whether something breaks.
func found(w report.WhatIf, failOn *input.Threshold) int {
	if !failOn.Never() && (w.Refused != nil || w.Comparison.Breaks() || failOn.Reached(w.Comparison.Worst())) {
		return input.ExitFindings
	}
	return input.ExitFine
}

// errSaid is an error that was told already.
var errSaid = errors.New("")

// cut parts the arguments at --.
func cut(args []string) (before, behind []string, ok bool) {
	i := slices.Index(args, "--")
	if i < 0 {
		return args, nil, false
	}
	return args[:i], args[i+1:], true
}

// read reads files that can be asked about.
func read(files []string, o input.Options, stderr io.Writer) (*connector.Topology, error) {
	t, ok := input.Read(files, o.Addresses, stderr)
	if !ok || !input.Answerable(t, files, stderr) {
		return nil, errSaid
	}
	return t, nil
}

func compare(before, after []string, o input.Options, stderr io.Writer) (w report.WhatIf, err error) {
	was, err := read(before, o, stderr)
	if err != nil {
		return w, err
	}
	is, err := read(after, o, stderr)
	if err != nil {
		return w, err
	}
	if w.Comparison, err = audit.Compare(context.Background(), was, is); err == nil {
		w.Changes = w.Comparison.Changes
	}
	return w, err
}

// change reads the changes and tells what they do. Without force one that is refused ends it: nothing changes then.
func change(files, words []string, o input.Options, force bool, stdin io.Reader, stderr io.Writer) (w report.WhatIf, err error) {
	t, err := read(files, o, stderr)
	if err != nil {
		return w, err
	}
	text, err := commands(words, stdin)
	if err != nil {
		return w, err
	}
	changes, notes, err := ems.Parse("change", t, text)
	if err != nil {
		return w, err
	}
	if len(changes) == 0 {
		return w, errors.New("rcwhatif: there is no command in the changes")
	}
	if _, err := connector.Compile(t); err != nil {
		return w, err
	}
	w = report.WhatIf{Changes: changes, Notes: notes, Refused: t.ValidateAll(changes...)}
	if w.Refused != nil && !force {
		return w, nil
	}
	w.Comparison, err = audit.WhatIf(context.Background(), t, changes)
	return w, err
}

// commands returns the text of the changes: each argument is a text of commands, or they are the words of one.
func commands(words []string, stdin io.Reader) (string, error) {
	if slices.Equal(words, []string{"-"}) {
		const longest = 1<<20 + 1 // one byte more than is read, so that it is said
		data, err := io.ReadAll(io.LimitReader(stdin, longest))
		return fromUTF16(data), err
	}
	if strings.ContainsAny(words[0], " \t\n") || len(words) == 1 {
		return strings.Join(words, "\n"), nil
	}
	var b strings.Builder
	for _, w := range words {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word(w))
	}
	return b.String(), nil
}

// fromUTF16 returns a text that Windows PowerShell may have written in UTF-16, which its byte order mark tells.
func fromUTF16(data []byte) string {
	order := binary.ByteOrder(binary.LittleEndian)
	switch {
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	case !bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return string(data)
	}
	var units []uint16
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	return string(utf16.Decode(units))
}

// word writes a word whose quotation marks the shell of another system has taken off as it was.
func word(w string) string {
	bare := strings.HasPrefix(w, "-") || strings.HasPrefix(w, "@") || w == "|" || w == ";"
	if bare || w != "" && !strings.HasPrefix(w, "#") && !strings.ContainsAny(w, " \t\n'\"`(){};|") {
		return w
	}
	return ems.Quote(w)
}
