package ems_test

import (
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// From a command to the change that it is, and back to the one that undoes it.
func Example() {
	top := topotest.MustBuild(topotest.Exchange("2016", "EX01").DefaultConnectors().Relay("10.0.5.0/24"))
	changes, _, err := ems.Parse("change.ps1", top, `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges @{Add='10.0.6.7'}`)
	if err != nil {
		panic(err)
	}
	fmt.Println(changes[0])
	server, _ := top.Server("EX01")
	commands, err := ems.Commands(changes[0].Inverse(), server.Version)
	if err != nil {
		panic(err)
	}
	fmt.Println(commands[0])
	// Output:
	// EX01\Relay: RemoteIPRanges +10.0.6.7
	// Set-ReceiveConnector -Identity 'EX01\Relay' -RemoteIPRanges @{Remove='10.0.6.7'}
}
