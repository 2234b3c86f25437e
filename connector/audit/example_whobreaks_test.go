package audit_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

// What somebody pasted into a ticket: the connectors of two servers, and what they are.
const pasted = `
Identity              : EX01\Default EX01
Bindings              : {0.0.0.0:25}
RemoteIPRanges        : {0.0.0.0-255.255.255.255}
AuthMechanism         : Tls, ExchangeServer
PermissionGroups      : ExchangeServers
Enabled               : True
Fqdn                  : ex01.contoso.com
RequireTLS            : False
SuppressXAnonymousTls : False
EnableAuthGSSAPI      : False
DomainSecureEnabled   : False

Identity              : EX01\Relay
Bindings              : {0.0.0.0:25}
RemoteIPRanges        : {10.0.0.0/8}
AuthMechanism         : Tls
PermissionGroups      : AnonymousUsers
Enabled               : True
Fqdn                  : ex01.contoso.com
RequireTLS            : False
SuppressXAnonymousTls : False
EnableAuthGSSAPI      : False
DomainSecureEnabled   : False

Identity              : EX03\Default EX03
Bindings              : {0.0.0.0:25}
RemoteIPRanges        : {0.0.0.0-255.255.255.255}
AuthMechanism         : Tls, ExchangeServer
PermissionGroups      : ExchangeServers
Enabled               : True
Fqdn                  : ex03.contoso.com
RequireTLS            : False
SuppressXAnonymousTls : False
EnableAuthGSSAPI      : False
DomainSecureEnabled   : False
`

const listed = `Name,Site,AdminDisplayVersion,ServerRole
EX01,Vienna,Version 14.3 (Build 123.4),HubTransport
EX03,Graz,Version 14.3 (Build 123.4),HubTransport
`

// read makes a topology of exports; addresses of servers are in none of them.
func read(exports map[string]io.Reader, addresses ...string) (*connector.Topology, error) {
	var r psexport.Reader
	for name, export := range exports {
		if err := r.Read(name, export); err != nil {
			return nil, err
		}
	}
	for _, a := range addresses {
		server, err := psexport.ParseServerAddresses(a)
		if err != nil {
			return nil, err
		}
		if err := r.AddServer(server); err != nil {
			return nil, err
		}
	}
	top, _, err := r.Topology() // the warnings tell what an export has lost
	return top, err
}

// commands returns what to type for a fix.
func commands(top *connector.Topology, fix audit.Fix) (lines []string, err error) {
	for _, change := range fix.Changes {
		server, _ := top.Server(change.Target.Server)
		more, err := ems.Commands(change, server.Version)
		if err != nil {
			return nil, err
		}
		lines = append(lines, more...)
	}
	return lines, nil
}

// Find who breaks: which mail between servers fails, why, and which commands mend it - from what was pasted into a ticket.
func Example_findWhoBreaks() {
	top, err := read(map[string]io.Reader{"connectors.txt": strings.NewReader(pasted), "servers.csv": strings.NewReader(listed)},
		"EX01=10.1.0.11", "EX03=10.2.0.11")
	if err != nil {
		panic(err)
	}
	x, err := connector.Compile(top)
	if err != nil {
		panic(err)
	}
	for flow := range audit.EachFlow(top, x) {
		if flow.Broken() {
			fmt.Println(flow)
			fmt.Println("  taken by", flow.Witness.Explanation.Match.Connector(), "- the queue shows:", flow.Witness.Reply)
		}
	}
	findings, err := audit.Run(context.Background(), top)
	if err != nil {
		panic(err)
	}
	for _, f := range findings {
		if f.Severity < audit.Error || len(f.Fixes) == 0 {
			continue
		}
		lines, err := commands(top, f.Fixes[0])
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s %s, which this mends:\n  %s\n", f.Check, f.Subject, strings.Join(lines, "\n  "))
	}
	// Output:
	// EX03 -> EX01 port 25 Mail: fails
	//   taken by EX01\Relay - the queue shows: 451 5.7.3 Cannot achieve Exchange Server authentication
	// RC001 EX01\Relay, which this mends:
	//   Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Add='10.2.0.11'}
}
