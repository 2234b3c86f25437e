package topotest_test

import (
	"context"
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// A topology, two expectations, and what becomes of them.
func Example() {
	top := topotest.MustBuild(
		topotest.Exchange("2016", "EX01").Site("A").At("10.1.0.11").DefaultConnectors().Relay("10.0.0.0/24"),
		topotest.Exchange("2016", "EX02").Site("B").At("10.2.0.11").DefaultConnectors(),
	)
	results, err := topotest.Evaluate(context.Background(), top, []topotest.Case{
		topotest.MustParseCase(`printers relay: EX01 *:25 10.0.0.0/24 as Anonymous -> EX01\Relay, may relay`),
		topotest.MustParseCase(`flow * * * -> passes`),
	})
	if err != nil {
		panic(err)
	}
	for _, r := range results {
		fmt.Print(r)
	}
	// Output:
	// printers relay: EX01 *:25 10.0.0.0/24 as Anonymous
	//   holds: EX01\Relay, may relay
	// flow * * *
	//   holds: passes
}
