package psexport_test

import (
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

// Files of any mix become one topology, and what they do not tell is a warning.
func Example() {
	var r psexport.Reader
	for name, text := range map[string]string{
		"connectors.csv": "Identity,Bindings,RemoteIPRanges,AuthMechanism,PermissionGroups,Enabled,TransportRole,Fqdn,RequireTLS,SuppressXAnonymousTls,EnableAuthGSSAPI,DomainSecureEnabled,SizeEnabled,MaxMessageSize\n" +
			"EX01\\Relay,0.0.0.0:25,10.0.5.0/24,Tls,AnonymousUsers,True,FrontendTransport,,False,False,False,False,Enabled,36 MB\n",
		"servers.txt": "Name : EX01\nSite : contoso.com/Configuration/Sites/Vienna\nServerRole : Mailbox\nAdminDisplayVersion : Version 15.1 (Build 2507.6)\n",
	} {
		if err := r.Read(name, strings.NewReader(text)); err != nil {
			panic(err)
		}
	}
	top, warnings, err := r.Topology()
	if err != nil {
		panic(err)
	}
	fmt.Println(top.Servers[0].Name, top.Servers[0].Site, top.Servers[0].Version)
	fmt.Println(top.Connectors[0].ID, top.Connectors[0].RemoteIPRanges)
	for _, w := range warnings {
		fmt.Println(w)
	}
	// Output:
	// EX01 Vienna Version 15.1 (Build 2507.6)
	// EX01\Relay [10.0.5.0/24]
}
