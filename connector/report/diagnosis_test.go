package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
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

func diagnosisOf(t testing.TB, top *connector.Topology, errorText string) report.Diagnosis {
	t.Helper()
	d, err := audit.Diagnose(context.Background(), top, errorText)
	require.NoError(t, err)
	return report.Diagnosis{Topology: top, Diagnosis: d}
}

const queueError = `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover to alternate host, but that did not succeed. The last endpoint attempted was 10.1.0.12:25`

func TestDiagnosisText(t *testing.T) {
	founding := story(t, "examples/rcaudit/founding_story.txtar")
	for name, row := range map[string]struct {
		top  *connector.Topology
		text string
	}{
		"founding_story": {founding, queueError},
		"cut_off":        {founding, queueError[:70] + "..."},
		"relay":          {founding, "2026-11-04T06:00:35.402Z,EX01\\Relay,08D760DF231F00BC,27,10.1.0.11:25,10.9.9.9:37964,>,550 5.7.1 Unable to relay,"},
		"kerberos":       {founding, "454 4.7.0 Temporary authentication failure"},
		"nothing":        {founding, "The mailbox is full."},
	} {
		t.Run(name, func(t *testing.T) {
			d := diagnosisOf(t, row.top, row.text)
			golden.Check(t, goldens+"diagnosis_"+name+".txt", text(t, func(b *bytes.Buffer) error { return report.Text.Diagnosis(b, d) }))
		})
	}
	d := diagnosisOf(t, founding, strings.Split(queueError, " The last")[0])
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Diagnosis(b, d) }), "the text names no target that is known here")
	d = diagnosisOf(t, founding, "450 4.7.0 Proxy session setup failed on Frontend with '451 5.7.3 Cannot achieve Exchange Server authentication'")
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Diagnosis(b, d) }), "through a front end (OutboundProxy)")
	d = diagnosisOf(t, founding, queueError+"\n"+queueError)
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Diagnosis(b, d) }), "the text holds 1 more error of the kind; this is about the first")
	d = diagnosisOf(t, founding, "451 5.7.3")
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Diagnosis(b, d) }), "\n  the same code is that of CannotAchieve: ")
	d = diagnosisOf(t, founding, strings.Repeat("x ", 1<<20))
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Diagnosis(b, d) }), "only the first megabyte of the text was looked at")
	d = diagnosisOf(t, &connector.Topology{}, "554 5.3.5 x")
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Diagnosis(b, d) }), "\n1 possible cause:\n")
	assert.Error(t, report.Text.Diagnosis(full{}, d))
}

func TestDiagnosisJSON(t *testing.T) {
	var got struct {
		Error struct {
			Kind, Reply, Endpoint string
			Senders               []string
		}
		Meaning, Target string
		Suspects        []struct {
			Title, Likelihood, Subject, Reply, Cause, Confirm, Remedy, Basis string
			Addresses, For, Against                                          []string
			Witness                                                          *struct{ Outcome, Connector string }
			Fixes                                                            []struct {
				Title    string
				Safe     bool
				Commands []string
			}
		}
	}
	d := diagnosisOf(t, story(t, "examples/rcaudit/founding_story.txtar"), "2026-11-04T06:00:35.402Z,EX02\\Relay,08D760DF231F00BC,27,10.1.0.12:25,10.2.0.11:37964,>,"+strings.Split(queueError, " The last")[0])
	out := text(t, func(b *bytes.Buffer) error { return report.JSON.Diagnosis(b, d) })
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Equal(t, "CannotAchieve", got.Error.Kind)
	assert.Equal(t, "10.1.0.12:25", got.Error.Endpoint)
	assert.Equal(t, []string{"2010", "2013", "2016"}, got.Error.Senders)
	assert.Equal(t, "EX02", got.Target)
	first := got.Suspects[0]
	assert.Equal(t, []string{`EX02\Relay`, "very likely", "WrongConnector", "451 5.7.3 Cannot achieve Exchange Server authentication"}, []string{first.Subject, first.Likelihood, first.Cause, first.Reply})
	assert.Equal(t, `EX02\Relay`, first.Witness.Connector)
	assert.True(t, first.Fixes[0].Safe)
	assert.NotEmpty(t, first.Fixes[0].Commands)
	assert.NotContains(t, out, "null")
	last := got.Suspects[len(got.Suspects)-1]
	assert.Nil(t, d.Diagnosis.Suspects[1].Fixes)
	assert.NotEmpty(t, last.Basis)
}

// A matrix of everything that can become of flows, servers and networks alike.
func TestMatrix(t *testing.T) {
	server := func(name, version, site, address string) connector.Server {
		s := connector.Server{Name: name, Version: connector.MustParseVersion(version), Site: site}
		if address != "" {
			s.Addresses = []netip.Addr{netip.MustParseAddr(address)}
		}
		return s
	}
	top := &connector.Topology{
		Servers: []connector.Server{server("EX10", "2010", "A", "10.1.0.10"), server("EX16", "2016", "B", "10.2.0.16"), server("EX19", "2019", "B", ""), server("DARK", "2019", "C", "10.3.0.1")},
		Networks: []connector.Network{{Name: "Online", Kind: connector.NetworkHybrid, Ranges: []connector.Range{connector.MustParseRange("192.0.2.0/24"), connector.MustParseRange("10.1.0.0/30")}},
			{Name: "Fabrikam", Kind: connector.NetworkCrossForest, Ranges: []connector.Range{connector.MustParseRange("198.51.100.7")}}, {Name: "Empty", Kind: connector.NetworkHybrid}},
	}
	for _, s := range top.Servers[:3] {
		top.Connectors = append(top.Connectors, connector.DefaultConnectors(s)...)
	}
	relay, err := connector.NewConnector(connector.UsageCustom, connector.ID{Server: "EX16", Name: "Relay"}, []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}, []connector.Range{connector.MustParseRange("10.1.0.0/24")})
	require.NoError(t, err)
	relay.AuthMechanism, relay.TransportRole = 0, connector.FrontendTransport
	top.Connectors = append(top.Connectors, relay)
	x, err := connector.Compile(top)
	require.NoError(t, err)
	m := audit.MatrixOf(audit.Flows(top, x))
	golden.Check(t, goldens+"matrix.txt", text(t, func(b *bytes.Buffer) error { return report.Text.Matrix(b, m) }))

	var got struct {
		Sources, Targets []struct {
			Name    string
			Network bool
		}
		Cells []struct {
			From, To string
			Network  bool
			Worst    struct{ State, Purpose string }
			Flows    []struct{ State, From string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text(t, func(b *bytes.Buffer) error { return report.JSON.Matrix(b, m) })), &got))
	assert.Len(t, got.Targets, 4)
	assert.Len(t, got.Sources, 7)
	assert.True(t, got.Sources[4].Network)
	for _, c := range got.Cells {
		if c.From == "EX10" && c.To == "EX16" {
			assert.Equal(t, "fails", c.Worst.State)
			assert.Len(t, c.Flows, 1)
		}
	}
	assert.Equal(t, "No flows between servers are known.\n", text(t, func(b *bytes.Buffer) error { return report.Text.Matrix(b, audit.MatrixOf(nil)) }))
}

// What a peer gets, in full.
func TestVerdict(t *testing.T) {
	s := connector.Server{Name: "EX16", FQDN: "ex16.contoso.com", Version: connector.MustParseVersion("2016")}
	top := &connector.Topology{Servers: []connector.Server{s}, Connectors: connector.DefaultConnectors(s)}
	x, err := connector.Compile(top)
	require.NoError(t, err)
	c := connector.Conn{Server: "EX16", Local: netip.MustParseAddrPort("10.0.0.1:25"), Remote: netip.MustParseAddr("10.0.0.2")}
	for name, p := range map[string]connector.Peer{"anonymous": {Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, "exchange": {}} {
		golden.Check(t, goldens+"verdict_"+name+".txt", text(t, func(b *bytes.Buffer) error { return report.Text.Verdict(b, x.Simulate(c, p)) }))
	}
	var got struct {
		Outcome, Connector, Peer, Authentication, Cause, Principal, Rights string
		Offer                                                              struct{ Clear, AfterSTARTTLS, AfterXAnonymousTLS []string }
		Session                                                            []struct {
			Stage, State, Enhanced, Text, Side, Rule string
			Code                                     int
		}
	}
	out := text(t, func(b *bytes.Buffer) error {
		return report.JSON.Verdict(b, x.Simulate(c, connector.Peer{Kind: connector.PeerAnonymous}))
	})
	assert.Equal(t, 1, strings.Count(out, "\n"))
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Equal(t, []string{"Selected", `EX16\Default Frontend EX16`, "Anonymous", "not sought"}, []string{got.Outcome, got.Connector, got.Peer, got.Authentication})
	assert.Equal(t, "SIZE 37748736", got.Offer.Clear[0])
	last := got.Session[len(got.Session)-1]
	assert.Equal(t, []string{"RCPT TO foreign domain", "refused", "5.7.54", "receiver"}, []string{last.Stage, last.State, last.Enhanced, last.Side})
	assert.Equal(t, 550, last.Code)

	top.Connectors[0].PermissionGroups |= connector.GroupCustom
	x, err = connector.Compile(top)
	require.NoError(t, err)
	assert.Contains(t, text(t, func(b *bytes.Buffer) error {
		return report.Text.Verdict(b, x.Simulate(c, connector.Peer{Kind: connector.PeerAnonymous}))
	}), "    not known: ms-Exch-SMTP-Accept-Any-Recipient")
	c.Server = "EX17"
	assert.Contains(t, text(t, func(b *bytes.Buffer) error { return report.Text.Verdict(b, x.Simulate(c, connector.Peer{})) }), "cause: UnknownServer")
	assert.Error(t, report.Text.Verdict(full{}, x.Simulate(c, connector.Peer{})))
}

func ExampleFormat_Verdict() {
	s := connector.Server{Name: "EX10", Version: connector.MustParseVersion("2010"), Roles: connector.RoleHubTransport}
	x, _ := connector.Compile(&connector.Topology{Servers: []connector.Server{s}, Connectors: connector.DefaultConnectors(s)})
	v := x.Simulate(connector.Conn{Server: "EX10", Local: connector.MustParseBinding("10.0.0.1:587"), Remote: netip.MustParseAddr("10.0.0.2")},
		connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered, Mechanism: connector.AuthBasic})
	var b bytes.Buffer
	_ = report.Text.Verdict(&b, v)
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "  EHLO") || strings.HasPrefix(line, "    encrypt") || strings.HasPrefix(line, "    RCPT") {
			fmt.Fprint(os.Stdout, line)
		}
	}
	// Output:
	//   EHLO in clear: SIZE 10485760, PIPELINING, DSN, ENHANCEDSTATUSCODES, STARTTLS, AUTH NTLM, 8BITMIME, BINARYMIME, CHUNKING
	//   EHLO after STARTTLS: SIZE 10485760, PIPELINING, DSN, ENHANCEDSTATUSCODES, AUTH NTLM LOGIN, 8BITMIME, BINARYMIME, CHUNKING
	//     encrypt: done, 220 2.0.0 SMTP server ready
	//     RCPT TO accepted domain: done, 250
	//     RCPT TO foreign domain: done, 250
}

func ExampleFormat_Matrix() {
	top := &connector.Topology{}
	for i, name := range []string{"EX01", "EX02"} {
		s := connector.Server{Name: name, Site: name, Version: connector.MustParseVersion("2010"), Roles: connector.RoleHubTransport, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})}}
		top.Servers, top.Connectors = append(top.Servers, s), append(top.Connectors, connector.DefaultConnectors(s)...)
	}
	relay, _ := connector.NewConnector(connector.UsageCustom, connector.ID{Server: "EX02", Name: "Relay"}, []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")}, []connector.Range{connector.MustParseRange("10.0.0.0/24")})
	top.Connectors = append(top.Connectors, relay)
	x, _ := connector.Compile(top)
	_ = report.Text.Matrix(os.Stdout, audit.MatrixOf(audit.Flows(top, x)))
	// Output:
	// from / to EX01 EX02
	// EX01           F
	// EX02      +
	//
	//   F  a required flow fails
	//   +  all flows pass
	//
	// Flows that do not pass:
	//   EX01 -> EX02 port 25 Mail: fails, taken by EX02\Relay
	//   EX01 -> EX02 port 25 PublicFolderReplication: possible, would fail, taken by EX02\Relay
	//   EX01 -> EX02 port 25 Shadow: possible, would fail, taken by EX02\Relay
}
