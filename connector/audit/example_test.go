package audit_test

import (
	"context"
	"fmt"

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
