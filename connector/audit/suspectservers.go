package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// wrongConnectors makes suspects of the findings about Exchange Server authentication.
func (d *diagnosing) wrongConnectors() error {
	if err := d.run(); err != nil {
		return err
	}
	for _, f := range fold(d.findings) {
		s := Suspect{Title: f.Message, Subject: f.Subject, Addrs: f.Addrs, Witness: f.Witness, Fixes: f.Fixes, Basis: basisOf(f)}
		switch {
		case f.Check == idLatent && f.Certainty == Certain:
			s.add(weightLatent, "known servers are at addresses that it takes: %s", rangesText(f.Addrs))
		case f.Check == idLatent && d.everyAddressKnown():
			s.add(weightIdle, "it takes %s, but no Exchange server that is known is there", rangesText(f.Addrs))
		case f.Check == idLatent:
			s.add(weightUntold, "it takes %s, and whether an Exchange server is there is not known", rangesText(f.Addrs))
		case f.Certainty == Certain:
			s.add(weightCertain, "%s by it, by the topology", plural(len(f.Flows), "required flow fails", "required flows fail"))
		case f.Certainty == PossiblyTrue:
			s.add(weightPossible, "%s by it that may occur", plural(len(f.Flows), "flow fails", "flows fail"))
		default:
			s.add(weightLatent, "whether it offers Exchange Server authentication is not known")
		}
		if d.e.Kind == ErrorUnrecognizedCommand && slices.ContainsFunc(f.Flows, func(f connector.Flow) bool { return f.Purpose == connector.UMSubmission }) {
			s.add(weightNamed, "Unified Messaging is among those it takes mail from")
		}
		d.judge(&s, f.Flows)
		d.Suspects = append(d.Suspects, s)
	}
	return nil
}

// everyAddressKnown tells whether somebody told the addresses of all servers.
func (d *diagnosing) everyAddressKnown() bool {
	return !slices.ContainsFunc(d.Topology.AllServers(), func(s connector.Server) bool {
		return len(s.Addresses) == 0 || s.Missing.Has(connector.PropertyAddresses)
	})
}

func basisOf(f Finding) connector.Basis {
	if f.Witness != nil && f.Witness.Cause != 0 {
		return f.Witness.Cause.Basis()
	}
	return connector.CauseWrongConnector.Basis()
}

// failing makes suspects of connectors at which known servers fail for a cause that no check reports.
func (d *diagnosing) failing(cause connector.Cause) {
	for _, server := range d.servers {
		var order []connector.ID
		by := make(map[connector.ID][]attempt)
		for _, a := range d.attemptsToward(server) {
			if a.verdict.Cause != cause {
				continue
			}
			id := a.winner()
			if by[id] == nil {
				order = append(order, id)
			}
			by[id] = append(by[id], a)
		}
		for _, id := range order {
			as := by[id]
			s := Suspect{Subject: id, Addrs: sources(as), Witness: as[0].verdict, Basis: cause.Basis(),
				Title: causeTitles[cause].title, Remedy: causeTitles[cause].remedy}
			s.add(weightPossible, "%s at it", plural(len(as), "connection between known servers fails", "connections between known servers fail"))
			if !slices.Contains(causeTitles[cause].replies, d.e.Kind) {
				s.add(weightOther, "%s", causeTitles[cause].against)
			}
			var flows []connector.Flow
			for _, a := range as {
				flows = append(flows, a.flow)
			}
			d.judge(&s, flows)
			d.Suspects = append(d.Suspects, s)
		}
	}
}

// causeTitles words the causes of [diagnosing.failing], which errors each brings about, and what speaks against it where the error
// is another one.
var causeTitles = map[connector.Cause]struct {
	title, remedy string
	replies       []ErrorKind
	against       string
}{
	connector.CauseNoCertificate: {
		title:   "offers no X-ANONYMOUSTLS, because no certificate of the server can be used",
		remedy:  "renew the internal transport certificate (New-ExchangeCertificate)",
		replies: []ErrorKind{ErrorCannotAchieve},
		against: "a server without a certificate makes the sender raise 451 5.7.3 instead",
	},
	connector.CauseNotPermitted: {
		title:   "lets Exchange servers not submit: permission group ExchangeServers is missing",
		remedy:  "add ExchangeServers to PermissionGroups",
		replies: []ErrorKind{ErrorAuthUnsuccessful, ErrorNotAuthorized, ErrorTemporaryAuth},
		against: "a missing group makes authentication itself fail, with event 1020 on the target; its code is unknown, " +
			"probably 535 5.7.3 or 454 4.7.0",
	},
	connector.CauseFQDN: {
		title:   "has an FQDN that is none of the server's names, so the service principal name does not fit",
		remedy:  "set Fqdn to the full name of the server, its short name or $null",
		replies: []ErrorKind{ErrorTemporaryAuth},
		against: "a wrong FQDN makes Kerberos fail instead, 454 4.7.0 likely",
	},
}

// sharedEndpoints makes suspects of local endpoints that connectors of both transport roles are bound to.
func (d *diagnosing) sharedEndpoints() {
	for _, server := range d.servers {
		for _, local := range d.Index.Endpoints(server) {
			e := d.Index.Explain(connector.Conn{Server: server, Local: local, Remote: anyAddress(local)})
			if !e.Match.Doubt().Has(connector.DoubtRole) {
				continue
			}
			s := Suspect{Subject: connector.ID{Server: server}, Basis: connector.WrongRole.Basis(),
				Title:   fmt.Sprintf("connectors of both transport roles are bound to %s, so Front End Transport stops", local),
				Remedy:  "Set-ReceiveConnector -TransportRole FrontendTransport on the connector that was created with HubTransport",
				Confirm: "events 1018, 1019, 1036 or 1046 and socket error 10048 on the server"}
			var names []string
			for _, step := range e.Steps {
				if step.Reason >= connector.WrongRole {
					names = append(names, step.Connector.String())
				}
			}
			s.add(weightCertain, "they are %s", strings.Join(names, ", "))
			d.judgeTarget(&s, nil)
			d.Suspects = append(d.Suspects, s)
		}
	}
}

func anyAddress(local netip.AddrPort) netip.Addr {
	if local.Addr().Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// rangesText lists a few ranges.
func rangesText(rs []connector.Range) string {
	const few = 4
	var names []string
	for i, r := range rs {
		if i == few {
			names = append(names, fmt.Sprintf("%d more", len(rs)-few))
			break
		}
		names = append(names, r.String())
	}
	return strings.Join(names, ", ")
}
