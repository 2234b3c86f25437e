package report_test

import (
	"os"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// What a change moves, for people and for programs.
func Example() {
	top := topotest.MustBuild(topotest.Exchange("2010", "EX01").Roles("HubTransport").DefaultConnectors().Relay("10.0.5.0/24"))
	relay, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	moves, err := connector.WhatIf(top, connector.AddRanges(relay, connector.MustParseRange("10.0.6.0/28")))
	if err != nil {
		panic(err)
	}
	for _, format := range []report.Format{report.Text, report.JSON} {
		if err := format.Moves(os.Stdout, moves); err != nil {
			panic(err)
		}
	}
	// Output:
	// EX01 0.0.0.0:25: EX01\Default EX01 -> EX01\Relay
	//   10.0.6.0/28
	//   16 addresses, for example 10.0.6.0
	// [
	//   {
	//     "server": "EX01",
	//     "locals": [
	//       "0.0.0.0:25"
	//     ],
	//     "from": "EX01\\Default EX01",
	//     "to": "EX01\\Relay",
	//     "addresses": [
	//       "10.0.6.0/28"
	//     ],
	//     "count": "16",
	//     "witness": "10.0.6.0",
	//     "doubt": ""
	//   }
	// ]
}
