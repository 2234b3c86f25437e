package audit

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

// judged is a pass over two servers of 2010 in two sites, on the first of which a relay takes the mail of the second; a third one is
// served rightly.
func judged(t *testing.T) (*Pass, Finding, []attempt) {
	top := &connector.Topology{}
	for i, name := range []string{"EX01", "EX02", "EX03"} {
		s := connector.Server{Name: name, Site: name, Version: connector.MustParseVersion("2010"), Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i + 1), 0, 1})}}
		top.Servers = append(top.Servers, s)
		top.Connectors = append(top.Connectors, connector.DefaultConnectors(s)...)
	}
	relay := connector.ReceiveConnector{ID: connector.ID{Server: "EX01", Name: "Relay"}, Bindings: []netip.AddrPort{connector.MustParseBinding("0.0.0.0:25")},
		RemoteIPRanges: []connector.Range{connector.MustParseRange("10.2.0.0/24")}}
	top.Connectors = append(top.Connectors, relay)
	p, err := newPass(context.Background(), top, All())
	require.NoError(t, err)
	p.Server = "EX01"
	captures := p.captures("EX01")
	require.Len(t, captures, 1)
	p.check = rc001
	f, ok := p.wrongConnector(captures[0])
	require.True(t, ok)
	f.Check, f.Severity = rc001.ID, Error
	p.findings = append(p.findings, f)
	return p, f, captures[0].failing
}

// Every reason for which a candidate is no fix.
func TestJudgeRejects(t *testing.T) {
	p, f, failing := judged(t)
	def, _ := p.Topology.Connector(connector.ID{Server: "EX01", Name: "Default EX01"})
	relay, _ := p.Topology.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	one := connector.MustParseRange("10.2.0.1")
	stranger := connector.Edit(def, func(c *connector.ReceiveConnector) { c.FQDN = "x.y" })
	unusable := connector.Edit(relay, func(c *connector.ReceiveConnector) { c.Bindings = append(c.Bindings, netip.AddrPort{}) })
	drifted := relay.Clone()
	drifted.RequireTLS = true
	other := connector.Edit(def, func(c *connector.ReceiveConnector) {
		c.RemoteIPRanges = []connector.Range{one}
	})
	for _, row := range []struct {
		why    string
		c      candidate
		want   Rejection
		detail string
	}{
		{"it holds", candidate{changes: []connector.Change{connector.AddRanges(def, one)}}, 0, ""},
		{"not known", candidate{unknown: connector.PropertyFQDN, of: relay.ID}, RejectedUnknown, `EX01\Relay: Fqdn`},
		{"no change", candidate{}, RejectedStillFails, "nothing to change"},
		{"refused by the cmdlet", candidate{changes: []connector.Change{stranger}}, RejectedByCmdlet, "you must set the FQDN parameter"},
		{"drift", candidate{changes: []connector.Change{connector.Remove(drifted)}}, RejectedByCmdlet, "does not hold the state"},
		{"a topology that cannot be compiled", candidate{changes: []connector.Change{unusable}}, RejectedByCmdlet, "not a valid value"},
		{"the sender lands there still", candidate{changes: []connector.Change{connector.SetEnabled(relay, true)}}, RejectedStillFails, `10.2.0.1 -> EX01 10.1.0.1:25: EX01\Relay by 10.2.0.0/24`},
		{"the other server is refused", candidate{changes: []connector.Change{other}}, RejectedBreaksFlow, "EX03 -> EX01 port 25"},
	} {
		fix, no := p.judge(f, failing, row.c)
		if row.want == 0 {
			require.Nil(t, no, row.why)
			assert.True(t, fix.Safe)
			assert.Equal(t, 1, fix.Ranges)
			continue
		}
		require.NotNil(t, no, row.why)
		assert.Equal(t, row.want.String(), no.Why.String(), row.why)
		assert.Contains(t, no.Detail, row.detail, row.why)
	}

	// The connections reach authentication, and the finding is there for another reason.
	f.Addrs = append(f.Addrs, connector.MustParseRange("10.9.9.9"))
	p.checks = []*Check{{ID: rc001.ID, Severity: Error, Run: func(p *Pass) error {
		p.Report(Finding{Subject: relay.ID, Certainty: Certain, Addrs: []connector.Range{connector.MustParseRange("10.9.9.9")}})
		return nil
	}}}
	_, no := p.judge(f, failing, candidate{changes: []connector.Change{connector.AddRanges(def, one)}})
	require.NotNil(t, no)
	assert.Equal(t, "still fails: the finding is still there", no.Why.String()+": "+no.Detail)
	p.checks = []*Check{{ID: "RC999", Severity: Error, Run: func(*Pass) error { return connector.ErrInvalid }}}
	_, no = p.judge(f, failing, candidate{changes: []connector.Change{connector.AddRanges(def, one)}})
	require.NotNil(t, no)
	assert.Contains(t, no.Detail, connector.ErrInvalid.Error())

	assert.Empty(t, FixKind(99).String())
	assert.Empty(t, Rejection(99).String())
}
