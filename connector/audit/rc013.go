package audit

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc013 = &Check{
	ID:       "RC013",
	Title:    "IPv6 binding missing or unlike the IPv4 one",
	Severity: Note,
	Run:      checkRC013,
	Doc: `Setup binds its connectors to both families, and Windows prefers IPv6 where a name has both addresses. Reported are

  - a connector of setup that has lost its IPv6 binding, where no other one listens there: IPv6 connections to the port are
    refused, and the Hybrid Configuration wizard stops with HCW8010, because it looks for [::]:25;
  - an endpoint of one family that is open and serves nobody, while the same port serves the other family: each connection
    is closed without a banner;
  - a connector bound to other ports in IPv6 than in IPv4.

That a connector made by hand is bound to 0.0.0.0 alone is usual, and not reported. Edge Transport servers are installed
with IPv4 alone.

Source: Receive connectors, KB3087159 (documented); closed without a banner: product.`,
}

func checkRC013(p *Pass) error {
	installed := connector.DefaultConnectors(p.Record())
	for _, c := range p.Connectors() {
		if c.Disabled || c.Missing.Has(connector.PropertyBindings) {
			continue
		}
		v4, v6 := portsIn(c, true), portsIn(c, false)
		if len(v4) > 0 && len(v6) > 0 && !slices.Equal(v4, v6) {
			p.Report(Finding{Subject: c.ID, Certainty: Certain, Message: fmt.Sprintf("is bound to %s in IPv4 and to %s in IPv6", portsText(v4), portsText(v6))})
		}
		i := slices.IndexFunc(installed, func(d connector.ReceiveConnector) bool { return d.ID.Equal(c.ID) })
		if i < 0 || len(v6) > 0 {
			continue
		}
		for _, port := range portsIn(installed[i], false) {
			if slices.Contains(v4, port) && !slices.ContainsFunc(p.Connectors(), func(o connector.ReceiveConnector) bool {
				return !o.Disabled && (slices.Contains(portsIn(o, false), port) || o.Missing.Has(connector.PropertyBindings))
			}) {
				p.Report(Finding{Subject: c.ID, Certainty: Certain, Witness: p.look(overIPv6(p.Server, port)), Message: fmt.Sprintf(
					"has no binding [::]:%d as setup gives it, and nobody else listens there: IPv6 connections are refused, and the Hybrid Configuration wizard stops with HCW8010", port)})
			}
		}
	}
	p.deaf()
	return nil
}

// overIPv6 is a connection from the server itself to one of its ports.
func overIPv6(server string, port uint16) connector.Conn {
	return connector.Conn{Server: server, Local: netip.AddrPortFrom(netip.IPv6Unspecified(), port), Remote: netip.IPv6Loopback()}
}

// deaf reports endpoints that serve nobody while the same port serves the other family.
func (p *Pass) deaf() {
	s := p.spaceOf()
	for _, local := range s.deaf {
		var there, here []connector.ID
		for _, h := range s.holdings {
			if slices.ContainsFunc(h.parts, func(p part) bool { return p.local.Port() == local.Port() && p.local.Addr().Is4() != local.Addr().Is4() }) {
				there = append(there, h.connector.ID)
			}
			if h.connector.ListensAt(local) {
				here = append(here, h.connector.ID)
			}
		}
		if len(there) == 0 || len(here) == 0 {
			continue
		}
		there = slices.DeleteFunc(there, here[0].Equal)
		p.Report(Finding{Subject: here[0], Certainty: Certain, Related: there, Witness: p.look(connector.Conn{Server: p.Server, Local: local, Remote: local.Addr().Next()}), Message: fmt.Sprintf(
			"is bound to %s, where no connector lists a source of that family: every connection is closed without a banner, while the port serves the other family", local)})
	}
}
