package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
	"github.com/receiveconnector/receiveconnector/connector/report"
)

func TestChecks(t *testing.T) {
	checks, err := audit.ParseChecks("RC012, RC908")
	require.NoError(t, err)
	assert.Equal(t, `check severity title
RC012 note     entry shadowed by another entry of its own connector
RC908 note     an acceptance that no finding needs
`, text(t, func(b *bytes.Buffer) error { return report.Text.Checks(b, checks) }))
	both, err := audit.ParseChecks("RC001,RC012,RC908")
	require.NoError(t, err)
	assert.Equal(t, `| about | checks |
|---|---|
| who is selected | RC001 error: server-to-server mail lands on a connector without Exchange Server authentication<br>RC012 note: entry shadowed by another entry of its own connector |
| what is not known | RC908 note: an acceptance that no finding needs |
`, report.CheckTable(both))
	explained := text(t, func(b *bytes.Buffer) error { return report.Text.Explain(b, checks) })
	assert.Contains(t, explained, "RC012 note: entry shadowed by another entry of its own connector\n\nThe connector lists addresses twice")
	assert.Contains(t, explained, "\n\nRC908 note: ")
	for _, c := range checks {
		assert.Contains(t, explained, "\n\n"+c.Doc+"\n", "as it is")
	}
	narrow := text(t, func(b *bytes.Buffer) error { return report.Text.Explain(report.Terminal{Writer: b, Width: 50}, checks) })
	assert.Equal(t, strings.Fields(explained), strings.Fields(narrow))
	for line := range strings.Lines(narrow) {
		assert.LessOrEqual(t, len(line), 51)
	}
	page := text(t, func(b *bytes.Buffer) error { return report.HTML.Explain(b, checks) })
	assert.Contains(t, page, ">The connector lists addresses twice")
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return report.JSON.Checks(b, checks) }, func(b *bytes.Buffer) error { return report.JSON.Explain(b, checks) }} {
		var got []struct{ ID, Severity, Title, Doc string }
		require.NoError(t, json.Unmarshal([]byte(text(t, write)), &got))
		require.Len(t, got, 2)
		assert.Equal(t, "RC012", got[0].ID)
		assert.Equal(t, "note", got[0].Severity)
		assert.Equal(t, checks[0].Doc, got[0].Doc)
	}
	assert.Equal(t, "[]\n", text(t, func(b *bytes.Buffer) error { return report.JSON.Checks(b, nil) }))
}

func TestHardening(t *testing.T) {
	for file, name := range map[string]string{"asked": "edge_as_installed_against_the_guides", "obeyed": "edge_was_hardened_to_the_letter"} {
		top := story(t, "testdata/topologies/"+name+".txtar")
		results, err := audit.Hardening(context.Background(), top)
		require.NoError(t, err)
		golden.Check(t, goldens+"hardening_"+file+".txt", text(t, func(b *bytes.Buffer) error { return report.Text.Hardening(b, results) }))
		var got []struct {
			Control, Title, Demands, Safely, Subject, State, Refused string
			Frameworks, Differences                                  []string
			Letter                                                   bool
			Breaks, Broken                                           []struct{ From, To string }
		}
		require.NoError(t, json.Unmarshal([]byte(text(t, func(b *bytes.Buffer) error { return report.JSON.Hardening(b, results) })), &got))
		require.Len(t, got, len(results))
		breaks, broken, refused := 0, 0, 0
		for i, r := range results {
			assert.Equal(t, r.State.String(), got[i].State)
			assert.Equal(t, r.Control.ID, got[i].Control)
			assert.NotEmpty(t, got[i].Frameworks)
			assert.Equal(t, r.Letter, got[i].Letter)
			breaks, broken = breaks+len(got[i].Breaks), broken+len(got[i].Broken)
			if got[i].Refused != "" {
				refused++
			}
		}
		if file == "asked" {
			assert.Equal(t, []int{2, 0, 1}, []int{breaks, broken, refused})
		} else {
			assert.Equal(t, []int{0, 1, 0}, []int{breaks, broken, refused})
		}
	}
}

func TestShares(t *testing.T) {
	top := story(t, "testdata/topologies/hybrid_ranges_are_out_of_date.txtar")
	x, err := connector.Compile(top)
	require.NoError(t, err)
	at := connector.MustParseBinding("10.0.0.10:25")
	shares := func(rs ...connector.Range) report.Shares {
		return report.Shares{Name: "it", Server: "EX01", Local: at.String(), Shares: x.Shares("EX01", at, rs...)}
	}
	for want, s := range map[string]report.Shares{
		"it -> EX01 10.0.0.10:25: they do not reach one connector\n  EX01\\Default EX01: 104.47.0.0/17\n  EX01\\Inbound from Office 365: 207.46.163.0/24\n": shares(top.Networks[0].Ranges...),
		"it -> EX01 10.0.0.10:25: all of them reach EX01\\Default EX01\n":                                                                                   shares(connector.MustParseRange("10.0.0.0/8")),
		"it -> EX01 10.0.0.10:25: none of these addresses is of this family\n":                                                                              shares(connector.MustParseRange("2001:db8::/32")),
		"it -> EX01 10.0.0.10:25: all of them reach no connector (NotListening) (doubt: Missing)\n": {Name: "it", Server: "EX01", Local: at.String(),
			Shares: []connector.Share{{Outcome: connector.NotListening, Doubt: connector.DoubtMissing}}},
	} {
		assert.Equal(t, want, text(t, func(b *bytes.Buffer) error { return report.Text.Shares(b, s) }))
	}
	assert.JSONEq(t, `{"sources": "it", "server": "EX01", "local": "10.0.0.10:25", "shares": [{"outcome": "Selected", "connector": "EX01\\Default EX01",
		"addresses": ["10.0.0.0/8"], "count": "16777216", "doubt": ""}]}`, text(t, func(b *bytes.Buffer) error {
		return report.JSON.Shares(b, shares(connector.MustParseRange("10.0.0.0/8")))
	}))
}

// What is accepted is told as accepted, and drift as moves.
func TestAcceptedAndDrift(t *testing.T) {
	for file, name := range map[string]string{"accepted": "findings_are_accepted", "drift": "dag_member_relays_less"} {
		a := auditOf(t, story(t, "testdata/topologies/"+name+".txtar"))
		golden.Check(t, goldens+"audit_"+file+".txt", text(t, func(b *bytes.Buffer) error { return report.Text.Audit(b, a) }))
		var got struct {
			Findings []struct {
				Check, Accepted string
				Moves           []struct{ From, To string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(text(t, func(b *bytes.Buffer) error { return report.JSON.Audit(b, a) })), &got))
		accepted, moves := "", 0
		for _, f := range got.Findings {
			accepted += f.Accepted
			moves += len(f.Moves)
		}
		if file == "accepted" {
			assert.Equal(t, "a network of its own, reviewed in May", accepted)
		} else {
			assert.Equal(t, 1, moves)
		}
	}
}

func ExampleFormat_Hardening() {
	t := &connector.Topology{Servers: []connector.Server{{Name: "EDGE", Version: connector.MustParseVersion("2019"), Roles: connector.RoleEdge}}}
	t.Connectors = connector.DefaultConnectors(t.Servers[0])
	results, err := audit.Hardening(context.Background(), t)
	if err != nil {
		panic(err)
	}
	_ = report.Text.Hardening(os.Stdout, results[4:5])
	// Output:
	// RC305 domain security on an Edge Transport server
	//   DISA STIG V-259580 (Exchange 2019 Edge), EDCA TLS-037
	//   demands: DomainSecureEnabled is on for the receive connectors of an Edge Transport server
	//   met: EDGE\Default internal receive connector EDGE
}

func ExampleFormat_Checks() {
	checks, _ := audit.ParseChecks("RC001")
	_ = report.Text.Checks(os.Stdout, checks)
	// Output:
	// check severity title
	// RC001 error    server-to-server mail lands on a connector without Exchange Server authentication
}

func ExampleFormat_Shares() {
	x, err := connector.Compile(&connector.Topology{Connectors: connector.DefaultConnectors(connector.Server{Name: "EX01", Version: connector.MustParseVersion("2019")})})
	if err != nil {
		panic(err)
	}
	at, subnet := connector.MustParseBinding("10.0.0.1:25"), connector.MustParseRange("10.0.5.0/24")
	_ = report.Text.Shares(os.Stdout, report.Shares{Name: subnet.String(), Server: "EX01", Local: at.String(), Shares: x.Shares("EX01", at, subnet)})
	// Output:
	// 10.0.5.0/24 -> EX01 10.0.0.1:25: all of them reach EX01\Default Frontend EX01
}
