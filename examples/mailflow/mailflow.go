// Command mailflow is a repository of exports under test, as a user of the library would keep it: a folder for each organization with last
// night's exports, what is expected of them, and the decisions of the last review. The program prints which mail between servers
// fails; the tests do the rest.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// organization is one folder.
type organization struct {
	name   string
	folder fs.FS
	top    *connector.Topology
}

// open reads the exports of a folder into one topology.
func open(name string) (*organization, error) {
	folder := os.DirFS(name)
	names, err := fs.Glob(folder, "*.csv")
	if err != nil {
		return nil, err
	}
	more, err := fs.Glob(folder, "*.json")
	if err != nil {
		return nil, err
	}
	var r psexport.Reader
	var errs []error
	for _, export := range append(names, more...) {
		errs = append(errs, with(folder, export, func(f fs.File) error { return r.Read(export, f) }))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	top, _, err := r.Topology()
	return &organization{name, folder, top}, err
}

// with opens a file for a function.
func with(folder fs.FS, name string, do func(fs.File) error) error {
	f, err := folder.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(do(f), f.Close())
}

// cases reads a file of expectations.
func (o *organization) cases(name string) (cases []topotest.Case, err error) {
	err = with(o.folder, name, func(f fs.File) (err error) {
		cases, err = topotest.ParseCases(name, f)
		return err
	})
	return cases, err
}

// traffic reads the protocol logs of the organization.
func (o *organization) traffic() (*smtplog.Traffic, error) {
	logs, _, err := smtplog.Files(o.folder)
	if err != nil {
		return nil, err
	}
	var r smtplog.Reader
	r.ReadFS(o.folder, logs...)
	return r.Traffic(), nil
}

// failing returns the flows between servers that fail, or may.
func (o *organization) failing() ([]audit.FlowResult, error) {
	x, err := connector.Compile(o.top)
	if err != nil {
		return nil, err
	}
	flows := audit.Flows(o.top, x)
	return slices.DeleteFunc(flows, func(f audit.FlowResult) bool {
		return f.State == audit.FlowPasses || f.State == audit.FlowOutside
	}), nil
}

func main() {
	names := os.Args[1:]
	if len(names) == 0 {
		names = []string{"vienna"}
	}
	for _, name := range names {
		if err := tell(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
}

// tell prints what fails in one folder.
func tell(name string) error {
	o, err := open(name)
	if err != nil {
		return err
	}
	flows, err := o.failing()
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d servers, %d flows that fail or may\n", name, len(o.top.AllServers()), len(flows))
	if len(flows) == 0 {
		return nil
	}
	return report.Text.Flows(os.Stdout, flows)
}
