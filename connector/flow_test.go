package connector_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/receiveconnector/receiveconnector/connector"
)

func exchange(name, version, site string, roles connector.ServerRoles) connector.Server {
	return connector.Server{Name: name, Version: connector.MustParseVersion(version), Site: site, Roles: roles}
}

const (
	multi2010 = connector.RoleMailbox | connector.RoleClientAccess | connector.RoleHubTransport
	multi2013 = connector.RoleMailbox | connector.RoleClientAccess
)

// flowLines renders the flows from one server to another: purpose, transport, port, need.
func flowLines(t *connector.Topology, from, to string) []string {
	var lines []string
	for f := range t.Flows() {
		if f.From == from && f.To == to {
			lines = append(lines, fmt.Sprintf("%s %s %d %s %v", f.Purpose, f.Transport, f.Port, f.Need, f.ExchangeAuth))
		}
	}
	slices.Sort(lines)
	return lines
}

// One row for each row of flowRules.
func TestFlows(t *testing.T) {
	const hub, mbx = connector.RoleHubTransport, connector.RoleMailbox
	for _, row := range []struct {
		rows     string
		from, to connector.Server
		want     []string
	}{
		{"1: mailbox and hub of one site", exchange("A", "2010", "S1", mbx), exchange("B", "2007", "S1", hub),
			[]string{"Submission RPC 0 Required false"}},
		{"1: hub and mailbox of one site", exchange("A", "2010", "S1", hub), exchange("B", "2007", "S1", mbx),
			[]string{"Delivery RPC 0 Required false"}},
		{"2a, 13, 17: hubs of two sites", exchange("A", "2010", "S1", hub), exchange("B", "2007", "S2", hub),
			[]string{"Mail SMTP 25 Required true", "PublicFolderReplication SMTP 25 Possible true", "Shadow SMTP 25 Possible true"}},
		{"1, 2b: hubs of one site", exchange("A", "2010", "S1", multi2010), exchange("B", "2010", "s1", multi2010),
			[]string{"Delivery RPC 0 Required false", "Mail SMTP 25 Possible true", "Submission RPC 0 Required false"}},
		{"hubs whose sites nobody told", exchange("A", "2010", "", hub), exchange("B", "2010", "", hub),
			[]string{"Mail SMTP 25 Possible true"}},
		{"4: Edge 2010 to hub", exchange("A", "2010", "S1", connector.RoleEdge), exchange("B", "2010", "S1", hub),
			[]string{"EdgeInbound SMTP 25 Required true"}},
		{"4: Edge 2010 to Mailbox 2013", exchange("A", "2010", "S1", connector.RoleEdge), exchange("B", "2013", "S1", mbx),
			[]string{"EdgeInbound SMTP 25 Required true"}},
		{"3: hub to Edge 2010", exchange("A", "2010", "S1", hub), exchange("B", "2010", "S1", connector.RoleEdge),
			[]string{"EdgeOutbound SMTP 25 Required true"}},
		{"3: hub to Edge 2016", exchange("A", "2007", "S1", hub), exchange("B", "2016", "s1", connector.RoleEdge),
			[]string{"EdgeOutbound SMTP 25 Required true"}},
		{"16: 2019 to Edge 2016", exchange("A", "2019", "S1", 0), exchange("B", "2016", "S1", connector.RoleEdge),
			[]string{"EdgeOutbound SMTP 25 Required true"}},
		{"16: to an Edge of another site", exchange("A", "2019", "S1", 0), exchange("B", "2016", "S2", connector.RoleEdge), nil},
		{"3, 16: an Edge whose site nobody told", exchange("A", "2010", "S1", hub), exchange("B", "2016", "", connector.RoleEdge),
			[]string{"EdgeOutbound SMTP 25 Possible true"}},
		{"5: an Edge whose site nobody told", exchange("A", "2016", "", connector.RoleEdge), exchange("B", "2016", "S1", 0),
			[]string{"EdgeInbound SMTP 25 Possible true"}},
		{"21: an Edge without a subscription to 2016", unsubscribed("A"), exchange("B", "2016", "S1", 0),
			[]string{"EdgeInbound SMTP 25 Possible false"}},
		{"21: 2016 to an Edge without a subscription", exchange("A", "2016", "S1", 0), unsubscribed("B"),
			[]string{"EdgeOutbound SMTP 25 Possible false"}},
		{"21: an Edge without a subscription to a Mailbox server that leaves port 25 to others", unsubscribed("A"), exchange("B", "2013", "S1", connector.RoleClientAccess),
			[]string{"EdgeInbound SMTP 25 Possible false"}},
		{"two Edge servers", exchange("A", "2016", "S1", connector.RoleEdge), exchange("B", "2016", "S1", connector.RoleEdge), nil},
		{"18: UM to hub", exchange("A", "2010", "S1", connector.RoleUnifiedMessaging), exchange("B", "2010", "S1", hub),
			[]string{"UMSubmission SMTP 25 Required true"}},
		{"18: UM whose site nobody told", exchange("A", "2010", "", connector.RoleUnifiedMessaging), exchange("B", "2010", "S1", hub),
			[]string{"UMSubmission SMTP 25 Possible true"}},
		{"18: UM of another site", exchange("A", "2010", "S2", connector.RoleUnifiedMessaging), exchange("B", "2010", "S1", hub), nil},
		{"18: roles nobody told", exchange("A", "2010", "S1", 0), exchange("B", "2010", "S1", hub),
			[]string{"Mail SMTP 25 Possible true", "Submission RPC 0 Required false", "UMSubmission SMTP 25 Possible true"}},
		{"18: 2013, where every Mailbox server may have it", exchange("A", "2013", "S1", mbx), exchange("B", "2013", "S1", mbx),
			[]string{"Delivery SMTP 475 Required true", "Mail SMTP 25 Possible true", "Shadow SMTP 25 Possible true", "Submission SMTP 25 Required true", "UMSubmission SMTP 25 Possible true"}},
		{"5: Edge 2016 to Mailbox 2019", exchange("A", "2016", "S1", connector.RoleEdge), exchange("B", "2019", "S1", 0),
			[]string{"EdgeInbound SMTP 25 Required true"}},
		{"Edge of another site", exchange("A", "2016", "S2", connector.RoleEdge), exchange("B", "2019", "S1", 0), nil},
		{"6, 7, 11, 12, 13: two of 2016 in two sites", exchange("A", "2016", "S1", 0), exchange("B", "2016", "S2", 0),
			[]string{"ClientProxy SMTP 465 Required true", "FrontEndToTransport SMTP 2525 Required true", "Mail SMTP 25 Possible true",
				"Mail SMTP 2525 Required true", "OutboundProxy SMTP 717 Possible true", "Shadow SMTP 2525 Possible true"}},
		{"8, 9: two of 2016 in one site", exchange("A", "2016", "S1", 0), exchange("B", "2016", "S1", 0),
			[]string{"ClientProxy SMTP 465 Required true", "Delivery SMTP 475 Required true", "FrontEndToTransport SMTP 2525 Required true",
				"Mail SMTP 25 Possible true", "Mail SMTP 2525 Possible true", "OutboundProxy SMTP 717 Possible true",
				"Shadow SMTP 2525 Possible true", "Submission SMTP 2525 Required true"}},
		{"7, 8, 9: two of 2016 whose sites nobody told", exchange("A", "2016", "", 0), exchange("B", "2016", "", 0),
			[]string{"ClientProxy SMTP 465 Required true", "Delivery SMTP 475 Possible true", "FrontEndToTransport SMTP 2525 Required true", "Mail SMTP 25 Possible true",
				"Mail SMTP 2525 Possible true", "OutboundProxy SMTP 717 Possible true", "Shadow SMTP 2525 Possible true", "Submission SMTP 2525 Possible true"}},
		{"6: 2013 with separate roles: port 25", exchange("A", "2013", "S1", connector.RoleClientAccess), exchange("B", "2013", "S2", mbx),
			[]string{"ClientProxy SMTP 465 Required true", "FrontEndToTransport SMTP 25 Required true"}},
		{"12: 2013 with separate roles, back", exchange("A", "2013", "S1", mbx), exchange("B", "2013", "S2", connector.RoleClientAccess),
			[]string{"OutboundProxy SMTP 717 Possible true"}},
		{"14: 2010 to 2016", exchange("A", "2010", "S1", hub), exchange("B", "2016", "S1", 0),
			[]string{"Mail SMTP 25 Required true"}},
		{"15: 2016 to 2010", exchange("A", "2016", "S1", 0), exchange("B", "2010", "S1", hub),
			[]string{"Mail SMTP 25 Required true"}},
		{"a version nobody told", connector.Server{Name: "A"}, exchange("B", "2010", "S1", hub),
			[]string{"Mail SMTP 25 Possible true"}},
		{"an Edge whose version nobody told", connector.Server{Name: "A", Roles: connector.RoleEdge}, exchange("B", "2010", "S1", hub),
			[]string{"EdgeInbound SMTP 25 Possible true"}},
		{"an Edge of this site whose version nobody told", connector.Server{Name: "A", Site: "S1", Roles: connector.RoleEdge}, exchange("B", "2010", "S1", hub),
			[]string{"EdgeInbound SMTP 25 Possible true"}},
		{"Edge 2016 to hub 2010", exchange("A", "2016", "S1", connector.RoleEdge), exchange("B", "2010", "S1", hub),
			[]string{"EdgeInbound SMTP 25 Possible true"}},
	} {
		t.Run(row.rows, func(t *testing.T) {
			top := &connector.Topology{Servers: []connector.Server{row.from, row.to}}
			assert.Equal(t, row.want, flowLines(top, "A", "B"))
		})
	}
}

// From == To where one server holds both ends.
func TestFlowsWithinAServer(t *testing.T) {
	top := &connector.Topology{Servers: []connector.Server{exchange("A", "2010", "", multi2010), exchange("B", "2019", "", 0)}}
	assert.Equal(t, []string{"Delivery RPC 0 Required false", "Submission RPC 0 Required false"}, flowLines(top, "A", "A"))
	assert.Equal(t, []string{"ClientProxy SMTP 465 Required true", "Delivery RPC 0 Required false", "Delivery SMTP 475 Required true",
		"FrontEndToTransport SMTP 2525 Required true", "OutboundProxy SMTP 717 Possible true", "Submission RPC 0 Required false",
		"Submission SMTP 2525 Required true"}, flowLines(top, "B", "B"))
}

// Row 19, and what databases remove.
func TestPlacementOnlyRemoves(t *testing.T) {
	a, b := exchange("A", "2010", "S1", multi2010), exchange("B", "2010", "S2", multi2010)
	a.DAG, b.DAG = "DAG1", "dag1"
	top := &connector.Topology{Servers: []connector.Server{a, b}}
	assert.Contains(t, flowLines(top, "A", "B"), "LogShipping LogShipping 64327 Required false")

	mail := func(server string) connector.Database {
		return connector.Database{Name: "M" + server, Kind: connector.MailboxDatabase, Mounted: server}
	}
	folders := func(server string) connector.Database {
		return connector.Database{Name: "P" + server, Kind: connector.PublicFolderDatabase, Mounted: server}
	}
	for _, row := range []struct {
		why       string
		databases []connector.Database
		want      string
	}{
		{"mail and folders on both sides", []connector.Database{mail("a"), mail("B"), folders("A"), folders("B")},
			"LogShipping NotNeeded, Mail Required, PublicFolderReplication Required, Shadow Possible"},
		{"mail on one side", []connector.Database{mail("A"), folders("A"), folders("B")},
			"LogShipping NotNeeded, Mail NotNeeded, PublicFolderReplication Required, Shadow NotNeeded"},
		{"folders on one side", []connector.Database{mail("A"), mail("B"), folders("B")},
			"LogShipping NotNeeded, Mail Required, PublicFolderReplication NotNeeded, Shadow Possible"},
		{"a copy on the other side ships logs and needs no mail", []connector.Database{{Name: "M", Kind: connector.MailboxDatabase, Mounted: "A", Copies: []string{"A", "b"}}},
			"LogShipping Required, Mail NotNeeded, PublicFolderReplication NotNeeded, Shadow NotNeeded"},
		{"public folders alone tell nothing of mail", []connector.Database{folders("A"), folders("B")},
			"LogShipping NotNeeded, Mail Required, PublicFolderReplication Required, Shadow Possible"},
		{"mounted on a server that nobody knows", []connector.Database{mail("A"), mail("EX2"), folders("EX3")},
			"LogShipping NotNeeded, Mail Required, PublicFolderReplication Possible, Shadow Possible"},
		{"dismounted counts for nothing", []connector.Database{{Name: "M", Kind: connector.MailboxDatabase}, mail("A")},
			"LogShipping NotNeeded, Mail NotNeeded, PublicFolderReplication NotNeeded, Shadow NotNeeded"},
	} {
		t.Run(row.why, func(t *testing.T) {
			top.Databases = row.databases
			var got []string
			for f := range top.Flows() {
				if f.From == "A" && f.To == "B" {
					got = append(got, f.Purpose.String()+" "+f.Need.String())
				}
			}
			slices.Sort(got)
			assert.Equal(t, row.want, strings.Join(got, ", "))
		})
	}
	top.Databases = []connector.Database{mail("A")}
	for f := range top.Flows() {
		if f.From == "A" && f.To == "B" && f.Purpose == connector.Mail {
			assert.Contains(t, f.Why.Rule, "no mailbox database is mounted in S2")
		}
	}
}

// From 2013 on a side is the DAG, which may span sites.
func TestSideOfModernServersIsTheDAG(t *testing.T) {
	a, b, c := exchange("A", "2016", "S1", 0), exchange("B", "2016", "S2", 0), exchange("C", "2016", "S3", 0)
	a.DAG, b.DAG = "D", "D"
	top := &connector.Topology{Servers: []connector.Server{a, b, c},
		Databases: []connector.Database{{Name: "M", Kind: connector.MailboxDatabase, Mounted: "A"}}}
	assert.Contains(t, flowLines(top, "A", "B"), "Submission SMTP 2525 Required true", "one DAG")
	assert.Contains(t, flowLines(top, "A", "C"), "Mail SMTP 2525 NotNeeded true")
	for f := range top.Flows() {
		if f.From == "C" && f.To == "B" && f.Need == connector.NotNeeded && f.Purpose == connector.Mail {
			assert.Contains(t, f.Why.Rule, "S3")
		}
	}
	top.Databases[0].Mounted = "C"
	assert.Contains(t, flowLines(top, "A", "C"), "Mail SMTP 2525 NotNeeded true")
	for f := range top.Flows() {
		if f.From == "A" && f.To == "C" && f.Need == connector.NotNeeded && f.Purpose == connector.Mail {
			assert.Contains(t, f.Why.Rule, "mounted in D")
		}
	}
}

// Two DAGs in one site are two groups.
func TestDAGsOfOneSiteAreTwoGroups(t *testing.T) {
	a, b := exchange("A", "2016", "S", 0), exchange("B", "2016", "S", 0)
	a.DAG, b.DAG = "D1", "D2"
	top := &connector.Topology{Servers: []connector.Server{a, b}}
	assert.Contains(t, flowLines(top, "A", "B"), "Mail SMTP 2525 Required true")
	assert.NotContains(t, flowLines(top, "A", "B"), "Submission SMTP 2525 Required true")
}

// A FrontendTransport connector implies 2013 or later, so a server without a record has the flows of those.
func TestFlowsOfServersWithoutRecord(t *testing.T) {
	front := listening("A", "Default Frontend A", "10.0.0.1:25", "0.0.0.0/0")
	front.TransportRole = connector.FrontendTransport
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{front, relay("B")}}
	assert.Contains(t, flowLines(top, "A", "A"), "FrontEndToTransport SMTP 2525 Required true")
	assert.Equal(t, []string{"Mail SMTP 25 Possible true"}, flowLines(top, "A", "B"))
	for range top.Flows() {
		break // stopping early is fine
	}
}

func TestFlowText(t *testing.T) {
	f := connector.Flow{From: "A", To: "B", Port: 25, Purpose: connector.Mail, Transport: connector.TransportSMTP}
	assert.Equal(t, "A -> B port 25 Mail", f.String())
	assert.True(t, f.MeetsConnectors())
	f.Port = 475
	assert.False(t, f.MeetsConnectors(), "mailbox delivery has an implicit connector")
	f = connector.Flow{From: "A", To: "B", Purpose: connector.Delivery, Transport: connector.TransportRPC}
	assert.Equal(t, "A -> B RPC Delivery", f.String())
	assert.False(t, f.MeetsConnectors())
}

// The founding story: exactly the eight flows of public-folder replication between the sites are required over SMTP.
func TestFoundingStoryNeedsEightFlows(t *testing.T) {
	top := loadStory(t, "../examples/rcaudit/founding_story.txtar").Topology
	var got []string
	for f := range top.Flows() {
		if f.Need == connector.Required && f.MeetsConnectors() {
			got = append(got, f.String())
		}
	}
	var want []string
	for _, from := range []string{"EX01", "EX02", "EX03", "EX04"} {
		others := map[bool][]string{true: {"EX03", "EX04"}, false: {"EX01", "EX02"}}[from <= "EX02"]
		for _, to := range others {
			want = append(want, from+" -> "+to+" port 25 PublicFolderReplication")
		}
	}
	assert.Equal(t, want, got)
	assert.True(t, slices.ContainsFunc(top.Servers[0].Addresses, netip.Addr.IsPrivate))
}

func unsubscribed(name string) connector.Server {
	s := exchange(name, "2016", "", connector.RoleEdge)
	s.Unsubscribed = true
	return s
}

// Rows 20 and 22: what comes from networks that the user names.
func TestFlowsFromNetworks(t *testing.T) {
	top := &connector.Topology{
		Servers: []connector.Server{exchange("A", "2016", "S1", 0), exchange("B", "2013", "S1", connector.RoleMailbox), exchange("C", "2010", "S1", connector.RoleMailbox),
			exchange("D", "2010", "S1", connector.RoleHubTransport), exchange("E", "2016", "S1", connector.RoleEdge)},
		Networks: []connector.Network{{Name: "Online", Kind: connector.NetworkHybrid}, {Name: "Fabrikam", Kind: connector.NetworkCrossForest}, {Name: "Other", Kind: connector.NetworkPartner}},
	}
	var got []string
	for f := range top.Flows() {
		if f.FromNetwork {
			got = append(got, f.String())
			assert.False(t, f.ExchangeAuth)
			assert.Equal(t, connector.Possible, f.Need)
		}
	}
	assert.Equal(t, []string{
		"network Online -> A port 25 Hybrid", "network Online -> B port 25 Hybrid", "network Online -> D port 25 Hybrid", "network Online -> E port 25 Hybrid",
		"network Fabrikam -> A port 25 CrossForest", "network Fabrikam -> B port 25 CrossForest", "network Fabrikam -> D port 25 CrossForest", "network Fabrikam -> E port 25 CrossForest",
	}, got, "a Mailbox server of 2010 does not listen")
	for f := range top.Flows() {
		if f.FromNetwork {
			break // stopping early is fine
		}
	}
}

// Who connects over a flow.
func TestFlowPeer(t *testing.T) {
	s := connector.Server{Version: connector.MustParseVersion("2016"), DowngradedExchangeAuth: true, NoCertificate: true}
	for purpose, want := range map[connector.Purpose]connector.PeerKind{connector.Mail: connector.PeerExchangeServer, connector.EdgeInbound: connector.PeerEdge,
		connector.EdgeOutbound: connector.PeerExchangeServer, connector.UMSubmission: connector.PeerUnifiedMessaging} {
		assert.Equal(t, connector.Peer{Kind: want, Version: s.Version, DowngradedExchangeAuth: true, NoCertificate: true}, connector.Flow{Purpose: purpose, ExchangeAuth: true}.Peer(s))
	}
	assert.Equal(t, connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSInsists}, connector.Flow{Purpose: connector.Hybrid}.Peer(s))
	for _, purpose := range []connector.Purpose{connector.CrossForest, connector.EdgeInbound, connector.EdgeOutbound} {
		assert.Equal(t, connector.PeerCrossForest, connector.Flow{Purpose: purpose}.Peer(s).Kind)
	}
}
