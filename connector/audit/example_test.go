package audit_test

import (
	"context"
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// What is wrong with these servers, as far as mail between them goes, and what mends it?
func Example() {
	top := topotest.MustBuild(
		topotest.Exchange("2010", "OLD").Roles("HubTransport").At("10.0.0.10").Site("A").DefaultConnectors().Relay("10.0.0.0/24"),
		topotest.Exchange("2016", "NEW").At("10.0.0.16").Site("A").DefaultConnectors(),
	)
	checks, err := audit.ParseChecks("RC001") // without, all of them
	if err != nil {
		panic(err)
	}
	findings, err := audit.Run(context.Background(), top, checks...)
	if err != nil {
		panic(err)
	}
	for _, f := range findings {
		fmt.Println(f.Check, f.Severity, f.Subject)
		fmt.Println(f.Message)
		fmt.Println(f.Fixes[0].Changes[0])
	}
	// Output:
	// RC001 error OLD\Relay
	// takes mail from NEW without Exchange Server authentication; OLD\Default OLD offers it
	// OLD\Default OLD: RemoteIPRanges +10.0.0.16
}

// Each connection that a flow could use, those that pass, too.
func ExampleTracer() {
	t := topotest.MustBuild(
		topotest.Exchange("2010", "EX01").Roles("HubTransport").Site("A").At("10.1.0.11").DefaultConnectors().Relay("10.2.0.0/24"),
		topotest.Exchange("2010", "EX02").Roles("HubTransport").Site("B").At("10.2.0.11", "10.3.0.11").DefaultConnectors())
	x, err := connector.Compile(t)
	if err != nil {
		panic(err)
	}
	tracer := audit.NewTracer(t, x)
	for f := range t.Flows() {
		if f.To == "EX01" && f.Purpose == connector.Mail {
			for _, c := range tracer.Connections(f) {
				fmt.Println(c.Conn, c.Verdict.Explanation.Match.Connector(), c.Verdict.Authentication)
			}
		}
	}
	// Output:
	// 10.2.0.11 -> EX01 10.1.0.11:25 EX01\Relay not authenticated
	// 10.3.0.11 -> EX01 10.1.0.11:25 EX01\Default EX01 authenticated
}
