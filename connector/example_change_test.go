package connector_test

import (
	"errors"
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
)

func ExampleChange_String() {
	relay := twoConnectors().Connectors[1]
	change := connector.Edit(relay, func(c *connector.ReceiveConnector) {
		c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange("10.0.6.7"))
		c.AuthMechanism = connector.AuthTLS
	})
	fmt.Println(change)
	fmt.Println(change.Inverse())
	// Output:
	// EX01\Relay: RemoteIPRanges +10.0.6.7; AuthMechanism None -> Tls
	// EX01\Relay: RemoteIPRanges -10.0.6.7; AuthMechanism Tls -> None
}

func ExampleCompose() {
	relay := twoConnectors().Connectors[1]
	first := connector.AddRanges(relay, connector.MustParseRange("10.0.6.7"))
	second := connector.RemoveRanges(*first.After, connector.MustParseRange("10.0.5.0/24"))
	for _, c := range connector.Compose(first, second) {
		fmt.Println(c)
	}
	// Output: EX01\Relay: RemoteIPRanges +10.0.6.7 -10.0.5.0/24
}

// What New-ReceiveConnector would say of a connector for a subnet that crosses the border of another one's.
func ExampleTopology_Validate() {
	t := twoConnectors()
	app := connector.ReceiveConnector{
		ID: connector.ID{Server: "EX01", Name: "Applications"}, Bindings: t.Connectors[1].Bindings,
		RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.5.128-10.0.6.127")},
	}
	err := t.Validate(connector.Create(app))
	fmt.Println(err)
	var r *connector.Refusal
	if errors.As(err, &r) {
		fmt.Println("conflicts with", r.Other, "and its words are Exchange's own:", r.Quoted())
	}
	// Output:
	// EX01\Applications: range 10.0.5.128-10.0.6.127 and range 10.0.5.0/24 of EX01\Relay overlap in part at 0.0.0.0:25
	// conflicts with EX01\Relay and its words are Exchange's own: false
}

// A second connector with the same ranges. Nobody moves, but which of the two serves them nobody can see from outside.
func ExampleUnsettled() {
	t := twoConnectors()
	twin := t.Connectors[1].Clone()
	twin.ID.Name = "Twin"
	after := must(t.Apply(connector.Create(twin)))
	for _, m := range connector.Unsettled(must(connector.Compile(t)), must(connector.Compile(after))) {
		fmt.Println(m)
	}
	// Output: EX01 0.0.0.0:25: EX01\Relay -> EX01\Relay: 10.0.5.0/24, for example 10.0.5.0 (doubt: Tie)
}

func ExampleReceiveConnector_Set() {
	relay := twoConnectors().Connectors[1]
	fmt.Println(relay.Set("AuthMechanism", "Tls", "BasicAuth"), relay.Set("MaxHopCount", "sixty"))
	fmt.Println(relay.Setting("AuthMechanism"))
	// Output:
	// <nil> limit "sixty": byte 0: neither a number nor unlimited
	// [Tls, BasicAuth] true
}

func ExampleParseTimeSpan() {
	span, err := connector.ParseTimeSpan("1.00:10:00")
	fmt.Println(span == connector.Day+10*connector.Minute, span, err)
	// Output: true 1.00:10:00 <nil>
}

func ExampleParseLimit() {
	l, err := connector.ParseLimit("unlimited")
	fmt.Println(l, l == connector.Unlimited, connector.LimitOf(0) == connector.Limit{}, err)
	// Output: Unlimited true false <nil>
}
