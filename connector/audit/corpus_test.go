package audit_test

import (
	"bufio"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// Cases that others published; CORPUS names the folder. They are reference data and not part of the project. What each
// expects is a reading of its source, and some expect findings of checks that are not there yet.
func TestCorpusCases(t *testing.T) {
	dir := os.Getenv("CORPUS")
	if dir == "" {
		return
	}
	f, err := os.Open(filepath.Join(dir, "cases.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c corpusCase
		require.NoError(t, json.Unmarshal(lines.Bytes(), &c))
		t.Run(c.ID, func(t *testing.T) { c.check(t) })
	}
}

type corpusCase struct {
	ID      string
	Servers []struct {
		Name, Version string
		IPs           []string
		Connectors    []struct {
			Name, Role, Auth string
			Enabled          bool
			Bindings         []string
			RemoteIPRanges   []string `json:"remote_ip_ranges"`
			PermissionGroups string   `json:"permission_groups"`
		}
	}
	Probe struct {
		From     string
		Purpose  string
		ToServer string `json:"to_server"`
		ToAddr   string `json:"to_addr"`
	}
	Observed struct{ Response string }
	Expect   struct {
		Selected            *string
		ExchangeAuthFinding bool `json:"exchange_auth_finding"`
	}
}

// corpusFindings are the checks that cases are about, beside RC001. Of the last three, two have been given settings that they do not
// mention, and the documented connector stands on a server where the roles are not separate.
var corpusFindings = map[string]string{
	"zloeber-gateway-nat": "RC202", "exchangemaster-hub-on-25": "RC008", "kb2958036": "RC008", "msqna-305565-open-default-frontend": "RC201",
	"msqna-165982-relay-out": "RC006", "msqna-121626-spam-relay": "RC204", "kb3087159-hcw8010": "RC013",
	"setrc-docs-overlap": "RC110", "log-ipban-srv-xch03": "RC203", "msdocs-disable-tls-wan": "RC008",
}

func (c corpusCase) check(t *testing.T) {
	top := &connector.Topology{}
	for _, s := range c.Servers {
		server := connector.Server{Name: s.Name}
		version, isEdge := strings.CutSuffix(s.Version, " Edge")
		server.Version, _ = connector.ParseVersion(version)
		if isEdge {
			server.Roles = connector.RoleEdge
		}
		for _, ip := range s.IPs {
			a, err := netip.ParseAddr(ip)
			require.NoError(t, err)
			server.Addresses = append(server.Addresses, a)
		}
		top.Servers = append(top.Servers, server)
		for _, rc := range s.Connectors {
			x := connector.ReceiveConnector{ID: connector.ID{Server: s.Name, Name: rc.Name}, Disabled: !rc.Enabled}
			x.TransportRole, _ = connector.ParseTransportRole(rc.Role)
			x.AuthMechanism, _ = connector.ParseAuthMechanism(rc.Auth)
			x.PermissionGroups, _ = connector.ParsePermissionGroups(rc.PermissionGroups)
			for _, b := range rc.Bindings {
				x.Bindings = append(x.Bindings, connector.MustParseBinding(b))
			}
			for _, text := range rc.RemoteIPRanges {
				r, err := connector.ParseRange(text)
				if err != nil {
					return // a case that only tells how many there were
				}
				x.RemoteIPRanges = append(x.RemoteIPRanges, r)
			}
			top.Connectors = append(top.Connectors, x)
		}
	}
	c.fillIn(top)
	x, err := connector.Compile(top)
	require.NoError(t, err)
	local, err := netip.ParseAddrPort(c.Probe.ToAddr)
	remote, err2 := netip.ParseAddr(c.Probe.From)
	if err == nil && err2 == nil && c.Expect.Selected != nil {
		got := x.Explain(connector.Conn{Server: c.Probe.ToServer, Local: local, Remote: remote})
		assert.Equal(t, *c.Expect.Selected, got.Match.Connector().String(), got)
	}
	found := slices.ContainsFunc(runAuth(t, top), func(f audit.Finding) bool { return f.Severity >= audit.Warning })
	assert.Equal(t, c.Expect.ExchangeAuthFinding, found, describe(runAuth(t, top)))
	var checks []string // above notes, and the one that the case is about
	for _, f := range run(t, top) {
		if (f.Severity >= audit.Warning || f.Check == corpusFindings[c.ID]) && !slices.Contains(checks, f.Check) {
			checks = append(checks, f.Check)
		}
	}
	switch want := corpusFindings[c.ID]; {
	case c.Expect.ExchangeAuthFinding && want == "":
		assert.Contains(t, checks, "RC001")
	case want == "":
		assert.Empty(t, checks, describe(run(t, top)))
	default:
		assert.Equal(t, []string{want}, checks, describe(run(t, top)))
	}

	// From what the queue showed to the connector that the case blames, or to what no connector is to blame for.
	d := diagnose(t, top, c.Observed.Response)
	switch {
	case c.Expect.ExchangeAuthFinding:
		require.NotEmpty(t, d.Suspects)
		assert.Equal(t, *c.Expect.Selected, d.Suspects[0].Subject.String())
	case d.Error.Kind == audit.ErrorCannotAchieve || d.Error.Kind == audit.ErrorTemporaryAuth:
		require.NotEmpty(t, d.Suspects)
		assert.True(t, d.Suspects[0].Outside(), suspects(d))
	case d.Error.Kind != audit.ErrorOther && len(d.Suspects) > 0 && c.Expect.Selected != nil:
		blamed := slices.ContainsFunc(d.Suspects, func(s audit.Suspect) bool {
			return s.Outside() || s.Subject.String() == *c.Expect.Selected
		})
		assert.True(t, blamed, suspects(d))
	}
}

// fillIn adds what a case leaves to the reader: a sender that is not listed stands in another site, and an Edge server is
// subscribed to the site of the others.
func (c corpusCase) fillIn(top *connector.Topology) {
	from, err := netip.ParseAddr(c.Probe.From)
	isEdge := slices.ContainsFunc(top.Servers, func(s connector.Server) bool { return s.Roles == connector.RoleEdge })
	listed := slices.ContainsFunc(top.Servers, func(s connector.Server) bool { return slices.Contains(s.Addresses, from) })
	between := c.Probe.Purpose == "exchange-to-exchange" && err == nil
	if !isEdge && (listed || !between) {
		return
	}
	for i := range top.Servers {
		top.Servers[i].Site = "here"
	}
	if !listed && between {
		top.Servers = append(top.Servers, connector.Server{Name: "SENDER", Site: "there", Version: top.Servers[0].Version, Addresses: []netip.Addr{from}})
	}
}
