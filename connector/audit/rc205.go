package audit

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc205 = &Check{
	ID:       "RC205",
	Title:    "a gateway or balancer address hides many clients behind one source",
	Severity: Warning,
	Run:      checkRC205,
	Doc: `The server sees the address on the socket. Behind a gateway or load balancer that translates sources, all clients have its
address, so all of them meet one connector: the one that is selected for that address. If that is a connector for a few
hosts, everybody behind the device gets what those hosts get, the Internet included where the device is the firewall; and
connectors that list clients behind it never see them.

It needs the addresses as input: networks of kind Gateway or Balancer in the topology. One finding for each network and each
connector that is selected for some of its addresses at ports that clients use; the addresses are those. It is a note where
nothing comes of it that others do not get: at the connector for everybody, and at one for nothing but the network that lets nobody relay.

Let the device keep client addresses, or give what is meant for single hosts another address or port. The fix takes the addresses
out of the ranges, where another connector takes them: read what that one gives.

Source: the-little-things.net, receive connector tango, part 2 (observed).`,
}

func checkRC205(p *Pass) error {
	for _, n := range p.traffic.list {
		if !hides(n) {
			continue
		}
		network := connector.IPSet(n.Ranges...)
		for _, h := range p.spaceOf().holdings {
			if set := overlap(h.won(butAt(serverPorts...)), network); !isEmpty(set) {
				p.reportHiding(n, h, set)
			}
		}
	}
	return nil
}

func (p *Pass) reportHiding(n connector.Network, h *holding, set *netipx.IPSet) {
	network := connector.IPSet(n.Ranges...)
	f := Finding{Subject: h.connector.ID, Certainty: Certain, Addrs: connector.RangesOf(set)}
	narrow := h.narrow(butAt(serverPorts...))
	ownOnly := isEmpty(less(h.won(butAt(serverPorts...)), network)) // it was made for the network
	relays := h.connector.MayRelay(p.Record().Version.Generation()) != connector.StepRefused
	if isEmpty(overlap(narrow, network)) || ownOnly && !relays {
		if isEmpty(overlap(h.won(at(25)), network)) {
			return // at a port where clients log in
		}
		f.Certainty, f.Severity = PossiblyTrue, Note
	}
	for _, part := range h.parts {
		if there := overlap(part.won, set); !slices.Contains(serverPorts, part.local.Port()) && !isEmpty(there) {
			conn := connector.Conn{Server: p.Server, Local: part.local, Remote: firstOf(there)}
			f.Witness = p.look(conn)
			f.Message = fmt.Sprintf("serves all that comes through %s, which hides many clients: they %s", networkText(n), p.given(conn))
			break
		}
	}
	p.reportWith(f, func() [][]candidate {
		if f.Certainty != Certain {
			return nil
		}
		return [][]candidate{p.carveOut(h, set)}
	})
}

// given tells what clients can do over a connection.
func (p *Pass) given(c connector.Conn) string {
	var can []string
	for a, state := range accessOf(p.Index, c, []Access{AccessSubmit, AccessRelay, AccessLogin}) {
		switch state {
		case connector.StepDone:
			can = append(can, "may "+Access(a).String())
		case connector.StepUnknown:
			can = append(can, "may be able to "+Access(a).String())
		}
	}
	if len(can) == 0 {
		return "may neither send without authenticating nor log in"
	}
	return strings.Join(can, ", ")
}
