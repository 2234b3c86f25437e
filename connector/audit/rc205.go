package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

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
connector that is selected for some of its addresses at ports that clients use. Where that is the connector for everybody,
nothing is given to anybody that others do not get, and it is a note; the addresses are those of the network.

Let the device keep client addresses, or give what is meant for single hosts another address or port. The fix takes the addresses
out of the ranges.

Source: the-little-things.net, receive connector tango, part 2 (observed).`,
}

func checkRC205(p *Pass) error {
	for _, n := range p.traffic.list {
		if !hides(n) {
			continue
		}
		network := connector.IPSet(n.Ranges...)
		for _, h := range p.spaceOf().holdings {
			set := overlap(h.won, network)
			if isEmpty(set) || !slices.ContainsFunc(h.at, func(e netip.AddrPort) bool { return !slices.Contains(serverPorts, e.Port()) }) {
				continue
			}
			f := Finding{Subject: h.connector.ID, Certainty: Certain, Addrs: connector.RangesOf(set)}
			if isEmpty(overlap(h.narrow, network)) {
				if !slices.ContainsFunc(h.at, func(e netip.AddrPort) bool { return e.Port() == 25 }) {
					continue // which clients log in at
				}
				f.Certainty, f.Severity = PossiblyTrue, Note
			}
			if conn, ok := p.connFrom(firstOf(set), h.connector.ID); ok {
				f.Witness = p.look(conn)
				f.Message = fmt.Sprintf("serves all that comes through %s, which hides many clients: they %s", networkText(n), p.given(conn))
			}
			p.reportWith(f, func() [][]candidate {
				if f.Certainty != Certain {
					return nil
				}
				return [][]candidate{p.carveOut(h.connector, set)}
			})
		}
	}
	return nil
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
