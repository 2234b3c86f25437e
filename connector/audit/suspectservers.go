package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// wrongConnectors makes suspects of the findings about Exchange Server authentication. Where the servers are is part of a finding;
// if nobody told it of all of them, every connector that could take one is a suspect, by single addresses as well.
func (d *diagnosing) wrongConnectors() error {
	if err := d.run(); err != nil {
		return err
	}
	untold := !d.everyAddressKnown()
	for _, f := range fold(d.findings) {
		if f.Check == idLatent && f.Certainty != Certain && untold {
			continue
		}
		s := Suspect{Title: f.Message, Subject: f.Subject, Addrs: f.Addrs, Witness: f.Witness, Fixes: f.Fixes, Basis: basisOf(f)}
		switch {
		case f.Check == idLatent && f.Certainty == Certain:
			s.Title = fmt.Sprintf(titleLatent, capable(f))
			s.add(weightLatent, "known servers are at addresses that it takes: %s", rangesText(f.Addrs))
		case f.Check == idLatent:
			s.Title = fmt.Sprintf(titleLatent, capable(f))
			s.add(weightIdle, "it takes %s, but no Exchange server that is known is there", rangesText(f.Addrs))
		case f.Certainty == Certain:
			s.add(weightCertain, "%s by it, by the topology", plural(len(f.Flows), "required flow fails", "required flows fail"))
		case f.Certainty == PossiblyTrue:
			s.add(weightPossible, "%s by it that may occur", plural(len(f.Flows), "flow fails", "flows fail"))
		default:
			s.add(weightLatent, "whether it offers Exchange Server authentication is not known")
			s.guessed = true
		}
		other := func(f connector.Flow) bool { return f.Purpose != connector.UMSubmission }
		if len(f.Flows) > 0 && !slices.ContainsFunc(f.Flows, other) {
			s.add(weightElsewhere, "Unified Messaging, whose mail it takes, gets 500 5.3.3 instead")
		}
		d.judge(&s, f.Flows)
		d.Suspects = append(d.Suspects, s)
	}
	if untold {
		d.untold()
	}
	return nil
}

// titleLatent goes on from the name of a connector.
const titleLatent = "takes addresses at which an Exchange server could not authenticate; %s"

// untold makes suspects of the connectors that win sources at an endpoint where another one could authenticate servers, unless they
// are suspects already.
func (d *diagnosing) untold() {
	for _, server := range d.servers {
		for _, l := range d.latentsAt(server) {
			if slices.ContainsFunc(d.Suspects, func(s Suspect) bool { return s.Subject.Equal(l.connector.ID) }) {
				continue
			}
			taken := less(less(l.won(anywhere), d.traffic.foreign), d.traffic.own[key(server)])
			f := Finding{Subject: l.connector.ID, Addrs: connector.RangesOf(taken)}
			if len(f.Addrs) == 0 {
				continue
			}
			d.describe(&f, l, titleLatent)
			s := Suspect{Title: f.Message, Subject: f.Subject, Addrs: f.Addrs, Witness: f.Witness, Basis: basisOf(f)}
			s.add(weightUntold, "it takes %s, and whether an Exchange server is there is not known", rangesText(f.Addrs))
			d.judge(&s, nil)
			d.Suspects = append(d.Suspects, s)
		}
	}
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

// offerless makes suspects of the connectors at an endpoint of Exchange servers where none offers Exchange Server authentication,
// which no flow tells if the addresses of the servers are not known.
func (d *diagnosing) offerless() {
	known := make(map[connector.ID]bool)
	for _, s := range d.Suspects {
		known[s.Subject] = true
	}
	for _, server := range d.servers {
		ports := d.toward(server).ports
		for _, local := range d.Index.Endpoints(server) {
			if !slices.Contains(ports, local.Port()) {
				continue
			}
			for region, m := range d.Index.Regions(server, local) {
				if m.Outcome() != connector.Selected || known[m.Connector()] {
					continue
				}
				known[m.Connector()] = true
				v := d.Index.Simulate(connector.Conn{Server: server, Local: local, Remote: afterUnspecified(region)}, anyPeer)
				if v.Cause != connector.CauseNoMechanism {
					continue
				}
				s := Suspect{Subject: m.Connector(), Witness: v, Basis: v.Cause.Basis(),
					Title:  "offers no Exchange Server authentication, and neither does any other connector at this endpoint",
					Remedy: "add Tls and ExchangeServer to AuthMechanism and ExchangeServers to PermissionGroups of the connector that is to take mail of Exchange servers"}
				if d.everyAddressKnown() {
					s.add(weightIdle, "it listens at %s, where no known server is known to fail", local)
				} else {
					s.add(weightUntold, "it listens at %s, and where the other servers are is not known", local)
				}
				d.judge(&s, nil)
				d.Suspects = append(d.Suspects, s)
			}
		}
	}
}

// without2007TLS makes suspects of connectors on 2007 that offer Exchange Server authentication without Tls: whether that is enough
// there is not known.
func (d *diagnosing) without2007TLS() {
	const title = "offers Exchange Server authentication without Tls, and the documents of 2007 ask for both"
	d.attempts(func(a attempt) bool {
		return a.verdict.Doubt.Has(connector.DoubtVersion) && a.verdict.Authentication == connector.Authenticated
	}, Suspect{Title: title, Remedy: "add Tls to AuthMechanism, and run EdgeSync anew where an Edge server is the sender",
		Basis: connector.Basis{Rule: title, Mark: connector.Documented, Source: "Exchange 2007 help"}}, "")
}

// unifiedMessaging makes suspects of the connectors that take mail of Unified Messaging without knowing X-ANONYMOUSTLS. Other servers
// would raise another error there.
func (d *diagnosing) unifiedMessaging() error {
	if err := d.run(); err != nil {
		return err
	}
	encrypting := func(v *connector.Verdict) connector.SessionStep {
		step, _ := v.Step(connector.StageEncrypt)
		return step
	}
	d.attempts(func(a attempt) bool {
		return a.flow.Purpose == connector.UMSubmission && encrypting(a.verdict).State == connector.StepRefused
	}, Suspect{Title: "takes mail of Unified Messaging without Exchange Server authentication",
		Remedy: "take the addresses of the Unified Messaging servers out of its ranges, or add them to the connector that has it"}, "")
	for i := range d.Suspects {
		s := &d.Suspects[i]
		s.Basis = encrypting(s.Witness).Basis
		for _, f := range d.findings {
			if f.Check == idCaptured && f.Subject.Equal(s.Subject) {
				s.Fixes = f.Fixes
			}
		}
	}
	for _, f := range fold(d.findings) {
		if f.Check != idCaptured || slices.ContainsFunc(d.Suspects, func(s Suspect) bool { return s.Subject.Equal(f.Subject) }) {
			continue
		}
		s := Suspect{Title: f.Message, Subject: f.Subject, Addrs: f.Addrs, Fixes: f.Fixes, Basis: ErrorUnrecognizedCommand.Meaning()}
		s.add(weightIdle, "it takes mail of Exchange servers without knowing X-ANONYMOUSTLS; but for Unified Messaging they do not ask for what is not offered")
		d.judge(&s, nil)
		d.Suspects = append(d.Suspects, s)
	}
	if d.everyAddressKnown() {
		return nil
	}
	told := len(d.Suspects)
	d.untold()
	for i := range d.Suspects[told:] {
		s := &d.Suspects[told+i]
		s.Witness = d.Index.Simulate(s.Witness.Explanation.Conn, connector.Peer{Kind: connector.PeerUnifiedMessaging})
		s.Basis = encrypting(s.Witness).Basis
	}
	return nil
}

// failing makes suspects of connectors at which known servers fail for a cause that no check reports.
func (d *diagnosing) failing(cause connector.Cause) {
	t := causeTitles[cause]
	against := ""
	if !slices.Contains(t.replies, d.e.Kind) {
		against = t.against
	}
	d.attempts(func(a attempt) bool {
		return a.verdict.Cause == cause && (d.e.Kind != ErrorNotAuthenticated || d.e.Kind.isSaidBy(a.verdict.Reply)) // else anonymous clients may submit
	}, Suspect{Title: t.title, Remedy: t.remedy, Basis: cause.Basis()}, against)
}

// attempts makes suspects like s of the connectors that take connections between known servers of a kind, with what speaks against
// all of them.
func (d *diagnosing) attempts(concerned func(attempt) bool, like Suspect, against string) {
	for _, server := range d.servers {
		var order []connector.ID
		by := make(map[connector.ID][]attempt)
		for _, a := range d.attemptsToward(server) {
			if !concerned(a) {
				continue
			}
			id := a.winner()
			if by[id] == nil {
				order = append(order, id)
			}
			by[id] = append(by[id], a)
		}
		for _, id := range order {
			as, s := by[id], like
			s.Subject, s.Addrs, s.Witness = id, sources(as), as[0].verdict
			weight := weightPossible
			var flows []connector.Flow
			for _, a := range as {
				if flows = append(flows, a.flow); a.flow.Need == connector.Required && against == "" && a.failed() {
					weight = weightCertain
				}
			}
			s.add(weight, "%s it, by the topology", plural(len(as), "connection between known servers concerns", "connections between known servers concern"))
			if against != "" {
				s.add(weightOther, "%s", against)
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
	connector.CauseNoDirectTrust: {
		title:   "does not trust the certificate of an Edge Transport server or of who sends to it, so the session goes on as an anonymous client's",
		remedy:  "renew the Edge subscription (New-EdgeSubscription), so that both sides know the certificates; event 1036 tells it",
		replies: []ErrorKind{ErrorNotAuthenticated, ErrorDirectTrust},
	},
	connector.CauseRequireTLS: {
		title:   "requires TLS, and takes servers that authenticate in clear (UseDowngradedExchangeServerAuth)",
		remedy:  "set RequireTLS to $false on the connector for servers that authenticate in clear",
		replies: []ErrorKind{ErrorSTARTTLSRequired},
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
