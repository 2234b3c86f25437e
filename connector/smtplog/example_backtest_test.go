package smtplog_test

import (
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// Last week's log: a scanner that sends mail through the relay connector, and a monitoring system that only connects.
const lastWeek = `#Log-type: SMTP Receive Protocol Log
#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2026-11-20T08:00:00.000Z,EX01\Relay,08DE280000000001,0,10.1.0.11:25,10.0.5.7:50001,+,,
2026-11-20T08:00:00.010Z,EX01\Relay,08DE280000000001,1,10.1.0.11:25,10.0.5.7:50001,*,SMTPSubmit SMTPAcceptAnyRecipient,Set Session Permissions
2026-11-20T08:00:00.010Z,EX01\Relay,08DE280000000001,2,10.1.0.11:25,10.0.5.7:50001,<,EHLO scanner,
2026-11-20T08:00:00.020Z,EX01\Relay,08DE280000000001,3,10.1.0.11:25,10.0.5.7:50001,>,"250 2.6.0 <1@scanner> [InternalId=1, Hostname=EX01] Queued mail for delivery",
2026-11-20T08:00:00.030Z,EX01\Relay,08DE280000000001,4,10.1.0.11:25,10.0.5.7:50001,-,,Local
2026-11-20T08:01:00.000Z,EX01\Relay,08DE280000000002,0,10.1.0.11:25,10.0.6.1:50002,+,,
2026-11-20T08:01:00.030Z,EX01\Relay,08DE280000000002,1,10.1.0.11:25,10.0.6.1:50002,-,,Remote
`

// changesOf reads what is about to be typed into the shell, and asks what the cmdlets would say to it.
func changesOf(top *connector.Topology, commands string) ([]connector.Change, error) {
	changes, _, err := ems.Parse("tonight.ps1", top, commands)
	if err != nil {
		return nil, err
	}
	return changes, top.ValidateAll(changes...)
}

// Back-test a change: whom of last week's clients would it have moved, and what would they have lost?
func Example_backTestAChange() {
	top := topotest.MustBuild(topotest.Exchange("2016", "EX01").At("10.1.0.11").DefaultConnectors().Relay("10.0.5.0/24", "10.0.6.0/24"))
	var logs smtplog.Reader
	if err := logs.Read("RECV2026112008-1.LOG", strings.NewReader(lastWeek)); err != nil {
		panic(err)
	}
	changes, err := changesOf(top, `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges 10.0.4.0/24`)
	if err != nil {
		panic(err)
	}
	test, err := logs.Traffic().BackTest(top, changes...)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\nmoves %d of %d sessions\n", changes[0], test.Moved, test.Sessions)
	for _, g := range test.Groups {
		fmt.Printf("%s -> %s, and they lose: %s\n", g.From, g.To, g.Loses)
		for _, c := range g.Clients {
			fmt.Printf("  %s %q, %d messages\n", c.Remote.Addr(), c.Hello.Text, c.Messages)
		}
	}
	// Output:
	// EX01\Relay: RemoteIPRanges +10.0.4.0/24 -10.0.5.0/24 -10.0.6.0/24
	// moves 2 of 2 sessions
	// EX01\Relay -> EX01\Default Frontend EX01, and they lose: relay
	//   10.0.5.7 "scanner", 1 messages
	// EX01\Relay -> EX01\Default Frontend EX01, and they lose: None
	//   10.0.6.1 "", 0 messages
}
