package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// folders are the organizations under test.
var folders = []string{"vienna"}

func each(t *testing.T, test func(t *testing.T, o *organization)) {
	for _, name := range folders {
		t.Run(name, func(t *testing.T) {
			o, err := open(name)
			if err != nil {
				t.Fatal(err)
			}
			test(t, o)
		})
	}
}

// Last night's exports hold what is expected of them.
func TestExpectations(t *testing.T) {
	each(t, func(t *testing.T, o *organization) {
		cases, err := o.cases("expect.txt")
		if err != nil {
			t.Fatal(err)
		}
		topotest.Run(t, o.top, cases)
	})
}

// At least so much is expected of them.
func TestCoverage(t *testing.T) {
	const least = 80
	each(t, func(t *testing.T, o *organization) {
		cases, err := o.cases("expect.txt")
		if err != nil {
			t.Fatal(err)
		}
		c, err := topotest.Cover(o.top, cases)
		if err != nil {
			t.Fatal(err)
		}
		if c.Percent() < least {
			t.Errorf("coverage is %d %%, not %d %%; no case is about\n%v\n%v\n%v", c.Percent(), least, c.Connectors.Untouched, c.Ranges.Untouched, c.Flows.Untouched)
		}
	})
}

// Nobody changed hands since the decisions were reviewed. REVIEW=1 writes those of today; the difference is what to review.
func TestDecisions(t *testing.T) {
	each(t, func(t *testing.T, o *organization) {
		if os.Getenv("REVIEW") != "" {
			today, err := topotest.Snapshot(o.top)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(o.name, "decisions.txt"), []byte(topotest.FormatCases(today)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		reviewed, err := o.cases("decisions.txt")
		if err != nil {
			t.Fatal(err)
		}
		changes, err := topotest.Changed(reviewed, o.top)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range append(changes.Moves, changes.Unsettled...) {
			t.Error(m)
		}
		for _, u := range changes.Unsaid {
			t.Errorf("the decisions say nothing about %v at %s %s", u.Addrs, u.Server, u.Local)
		}
	})
}

// Whoever was served last week is served today.
func TestClientsOfLastWeek(t *testing.T) {
	each(t, func(t *testing.T, o *organization) {
		traffic, err := o.traffic()
		if err != nil {
			t.Fatal(err)
		}
		cases, left := topotest.Clients(traffic)
		if left > 0 {
			t.Errorf("%d sessions cannot be asked about", left)
		}
		topotest.Run(t, o.top, cases)
	})
}

// What is planned for tonight keeps every expectation, and takes nothing from last week's clients.
func TestTonight(t *testing.T) {
	const tonight = `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges @{Add='10.0.6.7'}`
	o, err := open("vienna")
	if err != nil {
		t.Fatal(err)
	}
	changes, _, err := ems.Parse("tonight", o.top, tonight)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.top.ValidateAll(changes...); err != nil {
		t.Error(err)
	}
	after, err := o.top.Apply(changes...)
	if err != nil {
		t.Fatal(err)
	}
	topotest.Run(t, after, []topotest.Case{
		topotest.MustParseCase(`the new printer: EX01 *:25 10.0.6.7 as Anonymous -> EX01\Relay, may relay`),
		topotest.MustParseCase(`its neighbours: EX01 *:25 10.0.6.0-10.0.6.6,10.0.6.8-10.0.6.255 as Anonymous -> EX01\Default Frontend EX01, may not relay`),
	})
	traffic, err := o.traffic()
	if err != nil {
		t.Fatal(err)
	}
	test, err := traffic.BackTest(o.top, changes...)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range test.Groups {
		t.Errorf("%s -> %s: %d clients lose %s", g.From, g.To, len(g.Clients), g.Loses)
	}
}

// A topology that exists in a test only.
func TestRelayMustSpareServers(t *testing.T) {
	for _, row := range []struct {
		name, relay string
		state       audit.FlowState
	}{
		{"printers alone", "10.0.5.0/24", audit.FlowPasses},
		{"everything inside", "10.0.0.0/8", audit.FlowFails},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := topotest.Exchange("2010", "").Roles("HubTransport, Mailbox").DefaultConnectors().Relay(row.relay)
			top := topotest.MustBuild(server.Named("EX01").Site("Vienna").At("10.1.0.11"), server.Named("EX03").Site("Graz").At("10.2.0.11"))
			topotest.Run(t, top, []topotest.Case{{
				Flow:  &topotest.Flows{From: "EX01", To: "EX03", Purpose: connector.Mail},
				State: row.state,
			}})
		})
	}
}

func TestFailing(t *testing.T) {
	each(t, func(t *testing.T, o *organization) {
		flows, err := o.failing()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range flows {
			t.Error(f)
		}
	})
}
