package psexport

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// kind tells which cmdlet an object came from.
type kind uint8

const (
	kindOther kind = iota
	kindReceiveConnector
	kindExchangeServer
	kindADPermission
	kindDAG
	kindDAGNetwork
	kindTransportService
	kindEdgeSubscription
	kindNetIPAddress
	kindDNSRecord
	kindMailboxDatabase
	kindPublicFolderDatabase
	kindDatabase   // a database of which it cannot be told what it holds
	kindNetwork    // of the canonical text form
	kindAcceptance // of the canonical text form

	kindSendConnector    // from here on kinds are only recognised to be refused
	kindInboundConnector // of Exchange Online
	kindIPRange
)

// read tells whether objects of the kind are read.
func (k kind) read() bool { return kindOther < k && k < kindSendConnector }

// eachObject unpacks what holds objects: a collection that was exported as one object, a hash table or object of a script that
// collected the output of several cmdlets. An object of Exchange is never looked into.
func eachObject(v value, each func(value)) {
	if v.list && len(v.props) == 0 {
		for _, item := range v.items {
			eachObject(item, each)
		}
		return
	}
	if v.kind() == kindOther && !v.exchange() {
		if inside := v.inside(nil, 0); len(inside) > 0 {
			for _, o := range inside {
				each(o)
			}
			return
		}
	}
	each(v)
}

// inside appends the objects that are read and that v holds, at any depth a script would nest them.
func (v value) inside(found []value, depth int) []value {
	const deepest = 8
	if depth > deepest || v.exchange() && v.kind() == kindOther {
		return found
	}
	if v.kind().read() {
		return append(found, v)
	}
	for _, item := range v.items {
		found = item.inside(found, depth+1)
	}
	for _, name := range slices.Sorted(maps.Keys(v.props)) {
		found = v.props[name].inside(found, depth+1)
	}
	return found
}

// exchange tells whether v is an object of one of Exchange's own types.
func (v value) exchange() bool {
	return slices.ContainsFunc(v.types(), func(t string) bool { return strings.Contains(t, "Microsoft.Exchange.") })
}

// kindsByType are the ends of the .NET type names. "Selected." and "Deserialized." stand in front of them after Select-Object
// and in a remote session.
var kindsByType = []struct {
	suffix string
	kind   kind
}{
	{".ReceiveConnector", kindReceiveConnector},
	{".ExchangeServer", kindExchangeServer},
	{".ADAcePresentationObject", kindADPermission},
	{".DatabaseAvailabilityGroup", kindDAG},
	{".DatabaseAvailabilityGroupNetwork", kindDAGNetwork},
	{".TransportServer", kindTransportService},
	{".TransportService", kindTransportService},
	{".EdgeSubscription", kindEdgeSubscription},
	{"MSFT_NetIPAddress", kindNetIPAddress},
	{".MailboxDatabase", kindMailboxDatabase},
	{".PublicFolderDatabase", kindPublicFolderDatabase},
	{".SmtpSendConnectorConfig", kindSendConnector},
	{".TenantInboundConnector", kindInboundConnector},
	{".InboundConnector", kindInboundConnector},
	{".IPRange", kindIPRange},
}

// kindsByCommand are the cmdlets that a transcript may show.
var kindsByCommand = map[string]kind{
	"get-receiveconnector":                 kindReceiveConnector,
	"get-exchangeserver":                   kindExchangeServer,
	"get-adpermission":                     kindADPermission,
	"get-databaseavailabilitygroup":        kindDAG,
	"get-databaseavailabilitygroupnetwork": kindDAGNetwork,
	"get-transportserver":                  kindTransportService,
	"get-transportservice":                 kindTransportService,
	"get-edgesubscription":                 kindEdgeSubscription,
	"get-netipaddress":                     kindNetIPAddress,
	"resolve-dnsname":                      kindDNSRecord,
	"get-mailboxdatabase":                  kindMailboxDatabase,
	"get-publicfolderdatabase":             kindPublicFolderDatabase,
	"get-sendconnector":                    kindSendConnector,
	"get-inboundconnector":                 kindInboundConnector,
}

// kind tells which cmdlet v came from: by its type where that is one of Exchange's, else by its properties, else, if something
// names it, by the command in the transcript.
func (v value) kind() kind {
	for _, t := range v.types() {
		if strings.Contains(t, "Microsoft.DnsClient.Commands.DnsRecord") {
			return kindDNSRecord
		}
		for _, k := range kindsByType {
			if strings.HasSuffix(t, k.suffix) && (strings.Contains(t, "Microsoft.") || strings.Contains(t, "/")) {
				return k.kind
			}
		}
	}
	if v.exchange() || len(v.props) == 0 {
		return kindOther
	}
	k := v.kindByProperties()
	if k == kindOther && v.hasAny("Identity", "Name", "Server", "User", "IPAddress") {
		k = v.shown()
	}
	return k
}

func (v value) kindByProperties() kind {
	switch {
	case v.hasAny("AddressSpaces", "SmartHosts"):
		return kindSendConnector
	case v.hasAny("SenderIPAddresses", "RestrictDomainsToIPAddresses", "EFSkipIPs"):
		return kindInboundConnector
	case v.hasAny("RemoteIPRanges", "Bindings", "PermissionGroups"):
		return kindReceiveConnector
	case v.has("ServerRole") || v.has("AdminDisplayVersion", "Site"):
		return kindExchangeServer
	case v.hasAny("UseDowngradedExchangeServerAuth", "InternalTransportCertificateThumbprint"):
		return kindTransportService
	case v.has("Name", "Site", "Domain"):
		return kindEdgeSubscription
	case v.has("Subnets") && v.hasAny("Interfaces", "MapiAccessEnabled", "ReplicationEnabled"):
		return kindDAGNetwork
	case v.hasAny("WitnessServer", "DatacenterActivationMode", "PrimaryActiveManager", "OperationalServers") && v.has("Servers"):
		return kindDAG
	case v.has("User") && v.hasAny("ExtendedRights", "AccessRights", "Deny"):
		return kindADPermission
	case v.hasAny("MountedOnServer", "MasterServerOrAvailabilityGroup", "DatabaseCopies") || v.has("EdbFilePath", "Server") || v.has("ObjectClass", "Mounted") || v.has("Server", "ReplicationType"):
		return v.databaseKind()
	case v.has("IPAddress") && v.hasAny("InterfaceAlias", "InterfaceIndex", "PrefixLength", "PrefixOrigin"):
		return kindNetIPAddress
	case v.has("Name") && v.hasAny("IPAddress", "IP4Address", "IP6Address") && v.hasAny("TTL", "Section", "QueryType", "Type"), v.has("Name", "TTL", "Section"):
		return kindDNSRecord
	case v.isHostList():
		return kindNetIPAddress
	case v.has("NetworkKind"):
		return kindNetwork
	case v.has("AcceptedCheck"):
		return kindAcceptance
	case v.has("LowerBound", "UpperBound"):
		return kindIPRange
	}
	return kindOther
}

// isHostList tells a table of hosts and addresses that somebody made: with no more than them, a name means the host.
func (v value) isHostList() bool {
	return len(v.props) <= 3 && v.has("IPAddress") && v.hasAny(hostColumns...)
}

// hostColumns are the properties that may name the host of an address.
var hostColumns = []string{"PSComputerName", "Server", "ComputerName", "SystemName", "HostName", "MachineName", "Fqdn", "Name"}

// databaseKind tells mailbox databases from public-folder databases by what only one of them has.
func (v value) databaseKind() kind {
	class, _ := v.prop("ObjectClass")
	classes := strings.ToLower(class.scalar())
	for _, item := range class.items {
		classes += " " + strings.ToLower(item.scalar())
	}
	switch {
	case strings.Contains(classes, "msexchprivatemdb"), v.hasAny("MailboxRetention", "ProhibitSendReceiveQuota", "OfflineAddressBook", "PublicFolderDatabase"):
		return kindMailboxDatabase
	case strings.Contains(classes, "msexchpublicmdb"), v.hasAny("ReplicationPeriod", "ReplicationSchedule", "UseCustomReferralServerList", "ReplicationMessageSize"):
		return kindPublicFolderDatabase
	}
	return cmp.Or(v.shown(), kindDatabase)
}
