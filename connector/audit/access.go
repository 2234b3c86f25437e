package audit

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Access is something that a client can do at a local endpoint. Zero is not set.
type Access uint8

const (
	AccessSubmit        Access = iota + 1 // send to accepted domains without authenticating
	AccessSubmitInClear                   // the same, without TLS
	AccessRelay                           // send to foreign domains without authenticating
	AccessLogin                           // authenticate as a user
	AccessTLS                             // encrypt with STARTTLS
)

var accessNames = [...]string{"", "send to accepted domains without authenticating", "send without authenticating and without TLS",
	"relay to foreign domains without authenticating", "authenticate as users", "encrypt with STARTTLS"}

// String prints "send to accepted domains without authenticating", "relay to foreign domains without authenticating", ...
func (a Access) String() string {
	if int(a) < len(accessNames) {
		return accessNames[a]
	}
	return ""
}

// AccessChange is what some clients can do at a local endpoint only before, or only after.
type AccessChange struct {
	Server        string
	Local         netip.AddrPort
	Access        Access
	Before, After connector.StepState // StepDone, StepRefused or StepUnknown
	Addrs         []connector.Range   // exactly the sources concerned, in address order
	Witness       netip.Addr          // one of them
}

// Lost tells whether clients can no longer do it, or not surely.
func (a AccessChange) Lost() bool {
	return a.Before == connector.StepDone || a.After == connector.StepRefused
}

// gained tells whether clients can do it, or may, that could not, or not surely.
func (a AccessChange) gained() bool {
	return a.After == connector.StepDone || a.Before == connector.StepRefused
}

// abilities is what clients can do, by Access.
type abilities [AccessTLS + 1]connector.StepState

// clientPeers are the peers that are tried, and the stage they are to reach.
var clientPeers = [...]struct {
	peer  connector.Peer
	stage connector.Stage
}{
	AccessSubmit:        {connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, connector.StageAcceptedRecipient},
	AccessSubmitInClear: {connector.Peer{Kind: connector.PeerAnonymous}, connector.StageAcceptedRecipient},
	AccessRelay:         {connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, connector.StageForeignRecipient},
	AccessLogin:         {connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered}, connector.StageAuthenticate},
	AccessTLS:           {connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSInsists}, connector.StageEncrypt},
}

// accessOf simulates clients over a connection.
func accessOf(x *connector.Index, c connector.Conn, asked []Access) (all abilities) {
	for _, a := range asked {
		all[a] = x.Reach(c, clientPeers[a].peer, clientPeers[a].stage)
	}
	return all
}

// allAccess is everything that clients can do.
var allAccess = []Access{AccessSubmit, AccessSubmitInClear, AccessRelay, AccessLogin, AccessTLS}

// accessChanges compares what clients can do at the endpoints of a server. It depends on the connector alone, so one source stands for all
// that it serves.
func accessChanges(before, after *connector.Index, server string, endpoints []netip.AddrPort, asked []Access) (changes []AccessChange) {
	type side struct {
		x  *connector.Index
		id connector.ID
	}
	type kind struct {
		access        Access
		before, after connector.StepState
	}
	known := make(map[side]abilities)
	of := func(x *connector.Index, m connector.Match, c connector.Conn) abilities {
		k := side{x, m.Connector()}
		all, ok := known[k]
		if !ok {
			all = accessOf(x, c, asked)
			known[k] = all
		}
		return all
	}
	for _, local := range endpoints {
		var order []kind
		sets := make(map[kind]*netipx.IPSetBuilder)
		witness := make(map[kind]netip.Addr)
		for r, m := range connector.Pairs(before, after, server, local) {
			c := connector.Conn{Server: server, Local: local, Remote: r.From()}
			was, is := of(before, m[0], c), of(after, m[1], c)
			for _, a := range asked {
				k := kind{a, was[a], is[a]}
				if was[a] == is[a] || a == AccessSubmitInClear && was[AccessSubmit] != is[AccessSubmit] {
					continue
				}
				if sets[k] == nil {
					order = append(order, k)
					sets[k], witness[k] = new(netipx.IPSetBuilder), r.From()
				}
				sets[k].AddRange(r)
			}
		}
		for _, k := range order {
			set, _ := sets[k].IPSet() // valid ranges do not fail
			changes = append(changes, AccessChange{server, local, k.access, k.before, k.after, connector.RangesOf(set), witness[k]})
		}
	}
	return changes
}

// endpoints returns the local endpoints of a server, before and after.
func endpoints(before, after *connector.Index, server string) []netip.AddrPort {
	all := append(before.Endpoints(server), after.Endpoints(server)...)
	slices.SortFunc(all, netip.AddrPort.Compare)
	return slices.Compact(all)
}
