package smtplog_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing/fstest"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

const log = `#Log-type: SMTP Receive Protocol Log
#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2026-11-20T08:00:00.000Z,EX01\Relay,08DE280000000001,0,10.1.0.11:25,10.0.5.7:50001,+,,
2026-11-20T08:00:00.010Z,EX01\Relay,08DE280000000001,1,10.1.0.11:25,10.0.5.7:50001,<,EHLO scanner,
2026-11-20T08:00:00.020Z,EX01\Relay,08DE280000000001,2,10.1.0.11:25,10.0.5.7:50001,>,"250 2.6.0 <1@scanner> [InternalId=1, Hostname=EX01] Queued mail for delivery",
2026-11-20T08:00:00.030Z,EX01\Relay,08DE280000000001,3,10.1.0.11:25,10.0.5.7:50001,-,,Local
2026-11-20T08:01:00.000Z,EX01\Default EX01,08DE280000000002,0,10.1.0.11:25,10.0.6.1:50002,+,,
2026-11-20T08:01:00.030Z,EX01\Default EX01,08DE280000000002,1,10.1.0.11:25,10.0.6.1:50002,-,,Remote
`

// server returns a server with two connectors.
func server() *connector.Topology {
	at := []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}
	return &connector.Topology{Connectors: []connector.ReceiveConnector{
		{ID: connector.ID{Server: "EX01", Name: "Default EX01"}, Bindings: at, RemoteIPRanges: []connector.Range{connector.MustParseRange("0.0.0.0-255.255.255.255")}},
		{ID: connector.ID{Server: "EX01", Name: "Relay"}, Bindings: at, RemoteIPRanges: []connector.Range{connector.MustParseRange("10.0.5.0/24"), connector.MustParseRange("10.0.6.1")}},
	}}
}

func ExampleRecords() {
	for record, err := range smtplog.Records("RECV.LOG", strings.NewReader(log)) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("line %d: %d %s%s\n", record.Source.Line, record.Sequence, record.Event, record.Data)
	}
	// Output:
	// line 3: 0 +
	// line 4: 1 <EHLO scanner
	// line 5: 2 >250 2.6.0 <1@scanner> [InternalId=1, Hostname=EX01] Queued mail for delivery
	// line 6: 3 -
	// line 7: 0 +
	// line 8: 1 -
}

func ExampleSessions() {
	for s, err := range smtplog.Sessions("RECV.LOG", strings.NewReader(log+"one more line")) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(s.Connector, s.Remote, s.Hello, s.Messages, s.Traits)
	}
	// Output:
	// EX01\Relay 10.0.5.7:50001 scanner 1 MailAnonymous, MailInClear, MailBare
	// EX01\Default EX01 10.0.6.1:50002  0 None
	// RECV.LOG:9: the last line is cut off: "one more line"
}

func ExampleTraffic_Replay() {
	var r smtplog.Reader
	if err := r.Read("RECV.LOG", strings.NewReader(log)); err != nil {
		fmt.Println(err)
	}
	x, err := connector.Compile(server())
	if err != nil {
		fmt.Println(err)
	}
	replay := r.Traffic().Replay(x)
	fmt.Println(replay.Judged())
	for _, g := range replay.Disagreements {
		fmt.Printf("%d logged at %s, predicted %s: %s\n", g.Tally.Sessions, g.Logged, g.Predicted, g.Judgement.Meaning())
	}
	// Output:
	// 2 0.5
	// 1 logged at EX01\Default EX01, predicted EX01\Relay by 10.0.6.1: the configuration has changed since: another connector has a narrower range
}

func ExampleTraffic_Usage() {
	var r smtplog.Reader
	r.ReadFS(fstest.MapFS{"RECV2026112008-1.LOG": {Data: []byte(log)}}, "RECV2026112008-1.LOG")
	t := server()
	for _, u := range r.Traffic().Usage(t) {
		for _, used := range u.Ranges {
			fmt.Println(u.Connector, used.Range, used.All.Sessions, used.Wide())
		}
		fmt.Println("  unused:", u.Unused())
	}
	// Output:
	// EX01\Default EX01 0.0.0.0-255.255.255.255 1 true
	//   unused: []
	// EX01\Relay 10.0.5.0/24 1 false
	// EX01\Relay 10.0.6.1 0 false
	//   unused: [10.0.6.1]
}

func ExampleTraffic_BackTest() {
	var r smtplog.Reader
	if err := r.Read("RECV.LOG", strings.NewReader(log)); err != nil {
		fmt.Println(err)
	}
	t := server()
	relay, _ := t.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	b, err := r.Traffic().BackTest(t, connector.RemoveRanges(relay, connector.MustParseRange("10.0.5.0/24")))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(b.Moved, "of", b.Sessions)
	for _, g := range b.Groups {
		fmt.Println(g.From, "->", g.To, g.Clients[0].Remote.Addr())
	}
	// Output:
	// 1 of 2
	// EX01\Relay -> EX01\Default EX01 10.0.5.7
}

func ExampleTraffic_Merge() {
	parts := strings.SplitAfter(log, "EHLO scanner,\n") // in the middle of a session
	merged := new(smtplog.Traffic)
	for i := len(parts) - 1; i >= 0; i-- {
		var r smtplog.Reader
		if err := r.Read(fmt.Sprintf("RECV-%d.LOG", i+1), strings.NewReader(parts[i])); err != nil {
			fmt.Println(err)
		}
		merged.Merge(r.Traffic())
	}
	total := merged.Total()
	fmt.Println(total.Sessions, total.Partial, total.Messages)
	// Output: 2 0 1
}

func ExampleTraffic_ServerAddresses() {
	var r smtplog.Reader
	if err := r.Read("RECV.LOG", strings.NewReader(log)); err != nil {
		fmt.Println(err)
	}
	for _, a := range r.Traffic().ServerAddresses(server()) {
		fmt.Println(a.Server, a.Addr, a.Evidence)
	}
	// Output: EX01 10.1.0.11 the local end of its receive log
}

// What a log tells, and whether a configuration agrees.
func Example() {
	var r smtplog.Reader
	if err := r.Read("RECV.LOG", strings.NewReader(log)); err != nil {
		fmt.Println(err)
	}
	traffic := r.Traffic()
	for _, through := range traffic.Connectors() {
		for _, client := range through.Clients {
			fmt.Println(through.Connector, client.Remote.Addr(), client.Hello.Text, client.Messages, "messages")
		}
	}
	x, err := connector.Compile(server())
	if err != nil {
		fmt.Println(err)
	}
	judged, agree := traffic.Replay(x).Judged()
	fmt.Println(judged, "judged,", agree*100, "% agree")
	// Output:
	// EX01\Default EX01 10.0.6.1  0 messages
	// EX01\Relay 10.0.5.7 scanner 1 messages
	// 2 judged, 50 % agree
}

// What a client was seen to do, as questions that a simulation answers.
func ExampleClient_Uses() {
	var r smtplog.Reader
	if err := r.Read("RECV.LOG", strings.NewReader(log)); err != nil {
		fmt.Println(err)
	}
	client := &r.Traffic().Connectors()[1].Clients[0]
	for _, u := range client.Uses() {
		fmt.Println(client.Remote.Addr(), "as", u.Peer.Kind, "gets to", u.Stage, "or loses", u.Loses)
	}
	// Output:
	// 10.0.5.7 as Anonymous gets to RCPT TO accepted domain or loses submission
	// 10.0.5.7 as Anonymous gets to RCPT TO foreign domain or loses relay
}
