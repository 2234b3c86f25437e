package audit

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc014 = &Check{
	ID:       "RC014",
	Title:    "differs from the installed default",
	Severity: Note,
	Run:      checkRC014,
	Doc: `A connector that setup installed is no longer as it was installed, by version and roles of the server. Much of that
is meant; but who looks for a fault, or compares servers, wants to know which of the connectors were touched, and how.

Lists in another order, ranges in another form, single addresses of Exchange servers, which RC001 has added, and what is not
known count as unchanged; an IPv6 binding that is missing is left to RC013. Where the sources for the defaults contradict each
other, or only one export tells, both values count as installed: BasicAuthRequireTLS of the Default connector of the Transport service,
DomainSecureEnabled, EnableAuthGSSAPI, MaxHopCount of 30 and 60, MaxLocalHopCount of 5 and 8, MaxMessageSize of 25 and 36 MB.

FromDefault of package connector returns the change as data, and its inverse undoes it.

Source: Receive connectors (documented), an export of Exchange 2019 (observed); see DefaultConnectors.`,
}

func checkRC014(p *Pass) error {
	for _, c := range p.Connectors() {
		change, ok := p.only(p.Server).FromDefault(c.ID)
		if !ok {
			continue
		}
		p.forgive(&change)
		var texts []string
		for _, d := range change.Differences() {
			if !asInstalled(d) {
				texts = append(texts, d.String())
			}
		}
		if len(texts) > 0 {
			p.Report(Finding{Subject: c.ID, Certainty: Certain, Message: "was changed since setup: " + strings.Join(texts, "; ")})
		}
	}
	return nil
}

// forgive takes out of a change what is no difference to speak of: addresses of Exchange servers, which are added so that the connector is the
// more specific one for them, and IPv6, where it has no IPv6 binding, which RC013 is about.
func (p *Pass) forgive(change *connector.Change) {
	before, after := change.Before, change.After
	after.RemoteIPRanges = slices.DeleteFunc(slices.Clone(after.RemoteIPRanges), func(r connector.Range) bool {
		return r.IsSingle() && p.traffic.where.Contains(r.Span().From())
	})
	if before.TransportRole == 0 && after.TransportRole == connector.HubTransport {
		after.TransportRole = 0 // which is what there was before there were two
	}
	if len(portsIn(*after, false)) > 0 {
		return
	}
	for _, c := range []*connector.ReceiveConnector{before, after} {
		c.Bindings = slices.DeleteFunc(slices.Clone(c.Bindings), func(b netip.AddrPort) bool { return !b.Addr().Unmap().Is4() })
		c.RemoteIPRanges = slices.DeleteFunc(slices.Clone(c.RemoteIPRanges), func(r connector.Range) bool { return !r.Span().From().Is4() })
	}
}

// asInstalled tells whether the sources for the defaults have both values.
func asInstalled(d connector.Difference) bool {
	either := func(values ...string) bool {
		return len(d.Before) == 1 && len(d.After) == 1 && slices.Contains(values, d.Before[0]) && slices.Contains(values, d.After[0])
	}
	if d.List && len(d.Added()) == 0 && len(d.Removed()) == 0 {
		return true // in another order
	}
	switch d.Property {
	case "Fqdn":
		return len(d.After) == 0 // the server's own name then
	case "DomainSecureEnabled", "EnableAuthGSSAPI":
		return true
	case "AuthMechanism":
		return either("Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer", "Tls, Integrated, BasicAuth, ExchangeServer")
	case "MaxHopCount":
		return either("30", "60")
	case "MaxLocalHopCount":
		return either("5", "8")
	case "MaxMessageSize":
		return either((25 * connector.MB).String(), (36 * connector.MB).String())
	}
	return false
}
