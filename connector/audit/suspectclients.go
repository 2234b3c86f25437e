package audit

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// trial is a client whose session may end as a text says.
type trial struct {
	peer  connector.Peer
	stage connector.Stage
	cause connector.Cause // if the reply has no words to compare
	what  string          // what the connector does to it
}

// The clients of the trials.
var (
	anonymousInClear = connector.Peer{Kind: connector.PeerAnonymous}
	anonymous        = connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}
	anonymousByTLS   = connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSInsists}
	user             = connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered}
	loginInClear     = connector.Peer{Kind: connector.PeerUser, Mechanism: connector.AuthBasic}
	login            = connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered, Mechanism: connector.AuthBasic}
	ntlm             = connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered, Mechanism: connector.AuthIntegrated}
)

var trials = map[ErrorKind][]trial{
	ErrorNotAuthenticated: {{anonymous, connector.StageForeignSender, 0, "lets anonymous clients not submit"}},
	ErrorUnableToRelay:    {{anonymous, connector.StageForeignRecipient, 0, "lets anonymous clients submit, but not relay"}},
	ErrorSender: {
		{anonymous, connector.StageAcceptedSender, 0, "lets anonymous clients not send as somebody of an accepted domain"},
		{anonymous, connector.StageForeignSender, 0, "lets anonymous clients not send as anybody"},
		{user, connector.StageAcceptedSender, 0, "lets users send as themselves only"},
	},
	ErrorSTARTTLSRequired: {
		{anonymousInClear, connector.StageForeignSender, 0, "requires TLS, and the client stayed in clear"},
		{anonymousByTLS, connector.StageEncrypt, 0, "offers no STARTTLS, and the client insists on it"},
	},
	ErrorAuthType: {
		{loginInClear, connector.StageAuthenticate, 0, "offers no LOGIN in clear"},
		{login, connector.StageAuthenticate, 0, "offers no LOGIN"},
		{ntlm, connector.StageAuthenticate, 0, "offers no NTLM"},
	},
	ErrorAuthUnsuccessful: {{user, connector.StageAuthenticate, connector.CauseNotPermitted, "offers AUTH, but Authenticated Users may not submit"}},
	ErrorNotAuthorized:    {{user, connector.StageAuthenticate, connector.CauseNotPermitted, "offers AUTH, but Authenticated Users may not submit"}},
}

// remedies says what mends an error of a client.
var remedies = map[ErrorKind]string{
	ErrorNotAuthenticated: "let the client authenticate, or bring its address to a connector with AnonymousUsers",
	ErrorUnableToRelay: "let the client authenticate, or bring its single address to a connector on which it may relay " +
		"(ms-Exch-SMTP-Accept-Any-Recipient); never widen the right to everybody",
	ErrorSender: "send as an own address, or grant the client Send As, or the right on a connector of its own",
	ErrorSTARTTLSRequired: "let the client take STARTTLS; where the connector does not offer it, add Tls to AuthMechanism and see that " +
		"TlsCertificateName names a certificate that is there",
	ErrorAuthType:         "use a mechanism that the EHLO reply lists, after STARTTLS where BasicAuthRequireTLS is set",
	ErrorAuthUnsuccessful: "add ExchangeUsers to PermissionGroups, or use a connector for clients (port 587)",
	ErrorNotAuthorized:    "add the permission group of whoever connects",
}

// refusal is what one connector refuses at a server's endpoints.
type refusal struct {
	id      connector.ID
	trial   *trial
	witness *connector.Verdict
	addrs   netipx.IPSetBuilder
}

// serverPorts are those at which only Exchange servers connect.
var serverPorts = []uint16{465, 475, 717, 2525}

// refusingClients makes suspects of the connectors at which a client's session ends as the text says, with the sources that they
// win. One that takes everything at its endpoint counts like any other.
func (d *diagnosing) refusingClients() {
	ts := trials[d.e.Kind]
	for _, server := range d.servers {
		var found []*refusal
		for _, local := range d.Index.Endpoints(server) {
			if slices.Contains(serverPorts, local.Port()) && local.Port() != d.e.Endpoint.Port() {
				continue
			}
			for region, m := range d.Index.Regions(server, local) {
				if m.Outcome() != connector.Selected {
					continue
				}
				found = d.tryClients(found, ts, connector.Conn{Server: server, Local: local, Remote: afterUnspecified(region)}, region, m)
			}
		}
		for _, r := range found {
			set, _ := r.addrs.IPSet() // valid ranges do not fail
			s := Suspect{Subject: r.id, Title: r.trial.what, Addrs: connector.RangesOf(set), Witness: r.witness, Remedy: remedies[d.e.Kind]}
			step, _ := r.witness.Step(r.trial.stage)
			s.Basis = step.Basis
			s.add(weightLatent, "by its AuthMechanism, PermissionGroups and rights")
			d.judge(&s, nil)
			d.Suspects = append(d.Suspects, s)
		}
	}
}

// afterUnspecified returns the first address of a region that a person takes for one.
func afterUnspecified(region netipx.IPRange) netip.Addr {
	first := region.From()
	if next := first.Next(); first.IsUnspecified() && region.Contains(next) {
		return next
	}
	return first
}

// tryClients adds what a connector refuses of a region.
func (d *diagnosing) tryClients(found []*refusal, ts []trial, c connector.Conn, region netipx.IPRange, m connector.Match) []*refusal {
	for i := range ts {
		at := slices.IndexFunc(found, func(r *refusal) bool { return r.trial == &ts[i] && r.id.Equal(m.Connector()) })
		if at < 0 {
			v := d.Index.Simulate(c, ts[i].peer)
			step, ok := v.Step(ts[i].stage)
			if !ok || step.State != connector.StepRefused || !ts[i].ends(d.e.Kind, v, step) {
				continue
			}
			at = len(found)
			found = append(found, &refusal{id: m.Connector(), trial: &ts[i], witness: v})
		}
		found[at].addrs.AddRange(region)
	}
	return found
}

// ends tells whether a step ends with an error of a kind.
func (t *trial) ends(kind ErrorKind, v *connector.Verdict, step connector.SessionStep) bool {
	if t.cause != 0 {
		return v.Cause == t.cause
	}
	return kind.isSaidBy(step.Reply)
}
