package topotest_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// The names of subtests are those of the cases, and failures tell everything.
func TestRun(t *testing.T) {
	cases, err := topotest.ParseCases("expect.txt", strings.NewReader(`
EX01 *:25 10.0.5.7 -> EX01\Relay

[scanners]
# They send to customers.
relay: EX01 *:25 10.0.4.0/22 as Anonymous -> EX01\Relay, may relay
no finding RC001
finding RC007
`))
	require.NoError(t, err)
	cases = append(cases, topotest.MustParseCase("flow EX01 OLD Mail -> passes"), topotest.Case{Name: "nobody", From: "x"})
	var r recorder
	topotest.Run(&r, organization(), cases)
	assert.Equal(t, []string{`EX01 *:25 10.0.5.7`, "scanners", "scanners/relay", "scanners/no finding RC001", "scanners/finding RC007", "flow EX01 OLD Mail", "nobody"}, r.names)
	require.Len(t, r.errors, 5)
	assert.Equal(t, `expect.txt:6: relay: EX01 *:25 10.0.4.0/22 as Anonymous
  why  They send to customers.
  want EX01\Relay, may relay
  got  EX01\Default Frontend EX01, may not relay
       for 10.0.4.0/24 10.0.6.0-10.0.7.0 10.0.7.2-10.0.7.255 at EX01 0.0.0.0:25
    10.0.4.0 -> EX01 0.0.0.0:25: EX01\Default Frontend EX01 by 0.0.0.0-255.255.255.255
      Won                EX01\Default Frontend EX01 by 0.0.0.0-255.255.255.255 (4,294,967,296 addresses)
      NotInRange         EX01\Relay
      OtherPort          EX01\Client Frontend EX01
      OtherPort          EX01\Outbound Proxy Frontend EX01
      OtherPort          EX01\Default EX01
      OtherPort          EX01\Client Proxy EX01
`, r.errors[0][:strings.Index(r.errors[0], "      offered")])
	assert.Contains(t, r.errors[0], "RCPT TO foreign domain: refused, 550 5.7.54")
	assert.Contains(t, r.errors[1], "expect.txt:7: no finding RC001\n  want not found\n  got  RC001 error OLD\\Relay\n    ")
	assert.Equal(t, "expect.txt:8: finding RC007\n  want found\n  got  no such finding\n", r.errors[2])
	assert.Contains(t, r.errors[3], "flow EX01 OLD Mail\n  want passes\n  got  fails\n       EX01 -> OLD port 25 Mail\n       by rule: ")
	assert.Contains(t, r.errors[3], "10.1.0.11 -> OLD 10.1.0.21:25: OLD\\Relay by 10.0.0.0/8")
	assert.Contains(t, r.errors[4], "nobody: ")
	assert.Contains(t, r.errors[4], "cannot be asked: not a valid value: the server is missing")

	r = recorder{}
	topotest.Run(&r, organization(), nil)
	assert.Equal(t, []string{"no expectations: the topology is untested"}, r.errors, "nothing asked is nothing known")
	r = recorder{}
	topotest.Run(&r, &connector.Topology{Servers: []connector.Server{{Name: "A"}, {Name: "a"}}}, cases)
	require.Len(t, r.errors, 1)
	assert.Contains(t, r.errors[0], connector.ErrDuplicate.Error())

	many := topotest.MustBuild(topotest.Exchange("2010", "EX01").DefaultConnectors().Relay(slices.Collect(func(yield func(string) bool) {
		for i := range 40 {
			if !yield(fmt.Sprintf("10.0.%d.0/25", i)) {
				return
			}
		}
	})...))
	text := evaluate(t, many, topotest.MustParseCase(`EX01 *:25 10.0.0.0/16 -> EX01\Default EX01`))[0].String()
	assert.Contains(t, text, " and 30 more ranges at EX01 0.0.0.0:25")
	assert.Contains(t, evaluate(t, many, topotest.MustParseCase(`EX01 *:25 10.0.0.5 -> EX01\Relay`))[0].String(), "holds: EX01\\Relay")
	flows := evaluate(t, organization(), topotest.MustParseCase("flow * * * -> partly fails"))[0].String()
	assert.Less(t, strings.Index(flows, "  got  fails\n       EX01 -> OLD port 25 Mail\n"), strings.Index(flows, "  got  passes\n"), "what fails comes first, whatever there is of the rest")
	assert.Contains(t, flows, "\n       and ")
}

func ExampleRun() {
	t := &recorder{} // in a test, the *testing.T
	top := topotest.MustBuild(
		topotest.Exchange("2016", "EX01").Site("A").At("10.1.0.11").DefaultConnectors().Relay("10.0.0.0/24"),
		topotest.Exchange("2016", "EX02").Site("B").At("10.2.0.11").DefaultConnectors(),
	)
	topotest.Run(t, top, []topotest.Case{
		{Name: "printers", Conn: connector.Conn{Server: "EX01", Local: connector.MustParseBinding("10.1.0.11:25"), Remote: netip.MustParseAddr("10.0.0.7")},
			Want: connector.ID{Server: "EX01", Name: "Relay"}},
		{Name: "nobody else relays", Conn: connector.Conn{Server: "*"}, From: "10.0.1.0-255.255.255.255", Peer: &connector.Peer{Kind: connector.PeerAnonymous},
			Relay: connector.StepRefused},
		topotest.MustParseCase(`between sites: EX01 *:2525 EX02 -> EX01\Default EX01, authenticated`),
		topotest.MustParseCase(`EX01 *:25 10.0.0.0/23 -> EX01\Relay`),
	})
	fmt.Println(len(t.names), "cases")
	for _, e := range t.errors {
		fmt.Print(e)
	}
	// Output:
	// 4 cases
	// EX01 *:25 10.0.0.0/23
	//   want EX01\Relay
	//   got  EX01\Default Frontend EX01
	//        for 10.0.1.0/24 at EX01 0.0.0.0:25
	//     10.0.1.0 -> EX01 0.0.0.0:25: EX01\Default Frontend EX01 by 0.0.0.0-255.255.255.255
	//       Won                EX01\Default Frontend EX01 by 0.0.0.0-255.255.255.255 (4,294,967,296 addresses)
	//       NotInRange         EX01\Relay
	//       OtherPort          EX01\Client Frontend EX01
	//       OtherPort          EX01\Outbound Proxy Frontend EX01
	//       OtherPort          EX01\Default EX01
	//       OtherPort          EX01\Client Proxy EX01
}
