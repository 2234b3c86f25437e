package topotest_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"testing/fstest"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// A repository with a folder for each organization: last night's exports, and what is expected of them. In a program it is
// os.DirFS("."), and in the repository itself the test is three lines around guard.
var repository = fstest.MapFS{
	"vienna/connectors.csv": {Data: []byte("Identity,Bindings,RemoteIPRanges,AuthMechanism,PermissionGroups,Enabled\n" +
		"EX01\\Default EX01,0.0.0.0:25,0.0.0.0-255.255.255.255,\"Tls, ExchangeServer\",ExchangeServers,True\n" +
		"EX01\\Relay,0.0.0.0:25,10.0.5.0/24,Tls,AnonymousUsers,True\n")},
	"vienna/expect.txt": {Data: []byte("# Printers.\nEX01 *:25 10.0.5.0/24 -> EX01\\Relay\nEX01 *:25 10.0.4.0/24,10.0.6.0/24 -> EX01\\Default EX01\n")},
	"graz/connectors.csv": {Data: []byte("Identity,Bindings,RemoteIPRanges,AuthMechanism,PermissionGroups,Enabled\n" +
		"EX03\\Relay,0.0.0.0:25,10.0.5.0/24,Tls,AnonymousUsers,True\n")},
}

// guard checks one folder: the exports hold what is expected of them, and at least so much of them is expected.
func guard(folder fs.FS, least int) (report.Tests, error) {
	tests := report.Tests{Least: least}
	top, err := exports(folder)
	if err != nil {
		return tests, err
	}
	var cases []topotest.Case
	if f, err := folder.Open("expect.txt"); err == nil {
		defer f.Close()
		if cases, err = topotest.ParseCases("expect.txt", f); err != nil {
			return tests, err
		}
	}
	results, err := topotest.Evaluate(context.Background(), top, cases)
	if err != nil {
		return tests, err
	}
	tests.Suites = []report.TestSuite{{Name: "expect.txt", Cases: results}}
	tests.Coverage, err = topotest.Cover(top, cases)
	return tests, err
}

// exports reads all the exports of a folder into one topology.
func exports(folder fs.FS) (*connector.Topology, error) {
	var r psexport.Reader
	names, err := fs.Glob(folder, "*.csv")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := folder.Open(name)
		if err != nil {
			return nil, err
		}
		err = r.Read(name, f)
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	top, _, err := r.Topology()
	return top, err
}

// Guard a repository of exports: every folder must hold what is expected of it, and one of which nothing is expected does not pass.
func Example_guardARepository() {
	folders, err := fs.ReadDir(repository, ".")
	if err != nil {
		panic(err)
	}
	for _, d := range folders {
		folder, err := fs.Sub(repository, d.Name())
		if err != nil {
			panic(err)
		}
		tests, err := guard(folder, 50)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: passes: %t\n", d.Name(), tests.Hold())
		if err := report.Text.Tests(os.Stdout, tests); err != nil {
			panic(err)
		}
	}
	// Output:
	// graz: passes: false
	// UNTESTED expect.txt: nothing is expected
	// coverage: 0 %: 0 of 1 connectors, 0 of 1 ranges, 0 of 1 listeners, 0 of 0 flows
	// FAIL coverage: 0 %, and 50 % are asked for
	//   connectors that no case touches:
	//     EX03\Relay
	//   ranges about which no case says who is served:
	//     EX03\Relay 10.0.5.0/24
	//   listeners that no case touches:
	//     EX03 0.0.0.0:25
	//   addresses about which no case says who is served:
	//     EX03 0.0.0.0:25: refused: 4,294,967,040 addresses, 0.0.0.0-10.0.4.255, 10.0.6.0-255.255.255.255
	//     EX03 0.0.0.0:25: EX03\Relay: 256 addresses, 10.0.5.0/24
	// vienna: passes: true
	// ok   expect.txt: 2 expectations hold
	// coverage: 100 %: 2 of 2 connectors, 2 of 2 ranges, 1 of 1 listeners, 0 of 0 flows
	//   addresses about which no case says who is served:
	//     EX01 0.0.0.0:25: EX01\Default EX01: 4,294,966,528 addresses, 0.0.0.0-10.0.3.255, 10.0.7.0-255.255.255.255
}
