package audit

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Likelihood ranks suspects. It ascends; zero is not set.
type Likelihood uint8

const (
	Unlikely   Likelihood = iota + 1 // the text speaks against it
	Thinkable                        // nothing speaks for it in particular
	Plausible                        // the topology or the text speaks for it
	VeryLikely                       // both do, or the topology leaves hardly anything else
)

// String prints "unlikely", "thinkable", "plausible" or "very likely".
func (l Likelihood) String() string {
	switch l {
	case Unlikely:
		return "unlikely"
	case Thinkable:
		return "thinkable"
	case Plausible:
		return "plausible"
	case VeryLikely:
		return "very likely"
	}
	return ""
}

// Suspect is a cause that an error may have.
type Suspect struct {
	Title      string
	Likelihood Likelihood
	// Subject is the connector to blame, or the server alone; the zero ID if the cause lies outside what the topology describes.
	Subject      connector.ID
	Addrs        []connector.Range  // the sources concerned, if they are known
	Witness      *connector.Verdict // one connection that shows it
	For, Against []string           // evidence
	Confirm      string             // what would confirm it or rule it out
	Remedy       string             // what mends it, in words
	Fixes        []Fix              // proved, the best first, where there are some
	Basis        connector.Basis
	weight       int
}

// Outside tells whether the cause lies outside what the topology describes.
func (s Suspect) Outside() bool { return s.Subject.IsZero() }

// Diagnosis is an error and its possible causes in a topology.
type Diagnosis struct {
	Error    ErrorText
	Meaning  connector.Basis
	Target   string    // name of the server that the error is about, if the text or the addresses of the topology tell
	Suspects []Suspect // the likeliest first
}

// Diagnose reads an error as [ReadError] does and ranks its possible causes in t: connectors that would bring it about, with the
// evidence for and against each, a witness connection, and proved fixes; and causes that t does not describe, with what would
// confirm each. A text of another kind than 451 5.7.3 "Cannot achieve Exchange Server authentication" is answered in its kind.
//
// The error is that of [connector.Compile], of the context, or of a check.
func Diagnose(ctx context.Context, t *connector.Topology, text string) (*Diagnosis, error) {
	p, err := newPass(ctx, t, []*Check{rc001, rc009})
	if err != nil {
		return nil, err
	}
	e := ReadError(text)
	d := &diagnosing{Pass: p, e: e, Diagnosis: Diagnosis{Error: e, Meaning: e.Kind.Meaning()}}
	d.findTarget()
	switch e.Kind {
	case ErrorCannotAchieve, ErrorUnrecognizedCommand, ErrorCutOff:
		err = d.wrongConnectors()
		d.failing(connector.CauseNoCertificate)
		d.failing(connector.CauseNotPermitted)
	case ErrorTemporaryAuth:
		d.failing(connector.CauseFQDN)
		d.failing(connector.CauseNotPermitted)
	case ErrorAuthUnsuccessful, ErrorNotAuthorized:
		d.failing(connector.CauseNotPermitted)
		d.refusingClients()
	case ErrorServiceNotAvailable, ErrorServiceNotActive:
		d.sharedEndpoints()
	default:
		d.refusingClients()
	}
	if err != nil {
		return nil, err
	}
	d.logLine()
	d.outside()
	for i := range d.Suspects {
		s := &d.Suspects[i]
		if s.Likelihood = likelihood(s.weight); e.Kind == ErrorCutOff {
			s.Likelihood = min(s.Likelihood, Plausible) // what the text would go on with is a guess
		}
	}
	slices.SortStableFunc(d.Suspects, func(a, b Suspect) int { return cmp.Compare(b.weight, a.weight) })
	return &d.Diagnosis, ctx.Err()
}

// diagnosing collects suspects.
type diagnosing struct {
	*Pass
	e ErrorText
	Diagnosis
}

// The weights of evidence. What a suspect weighs says how likely it is.
const (
	weightCertain   = 80  // a required flow fails by it, whatever else is not known
	weightPossible  = 35  // a flow would fail by it
	weightLatent    = 25  // an Exchange server at these addresses would
	weightUntold    = 28  // it would, and where the servers are nobody told
	weightIdle      = 10  // it would, and none is there
	weightWitness   = 40  // the connection that the text is about fails by it
	weightNamed     = 20  // the text names who is concerned
	weightElsewhere = -90 // the text is about another server
	weightOther     = -30 // the text names somebody else, or another port
	weightOutside   = 15  // a cause that the topology does not describe
	weightCleared   = 30  // of those, once the topology shows nothing wrong with the connection
)

func likelihood(weight int) Likelihood {
	switch {
	case weight >= 80:
		return VeryLikely
	case weight >= 30:
		return Plausible
	case weight > 0:
		return Thinkable
	}
	return Unlikely
}

// findTarget tells which server the error is about.
func (d *diagnosing) findTarget() {
	at := d.e.Endpoint.Addr()
	for _, s := range d.Topology.AllServers() {
		switch {
		case d.e.Selected.Server != "" && strings.EqualFold(d.e.Selected.Server, s.Name), at.IsValid() && d.owns(s.Name, at),
			d.e.Host != "" && (strings.EqualFold(d.e.Host, s.FQDN) || strings.EqualFold(d.e.Host, s.Name)):
			d.Target = s.Name
			return
		}
	}
}

// owns tells whether an address is one of a server's.
func (d *diagnosing) owns(server string, a netip.Addr) bool {
	own := d.traffic.own[key(server)]
	return own != nil && own.Contains(a)
}

// names tells whether the text names a server, by its name, its full name or one of its addresses.
func (d *diagnosing) names(server string) bool {
	if d.e.names(server) {
		return true
	}
	return slices.ContainsFunc(d.e.Mentions, func(a netip.Addr) bool { return d.owns(server, a) })
}

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

func (s *Suspect) add(weight int, format string, args ...any) {
	s.weight += weight
	text := fmt.Sprintf(format, args...)
	if weight < 0 {
		s.Against = append(s.Against, text)
	} else {
		s.For = append(s.For, text)
	}
}

// judge weighs what the text says of target, source, port and sender against a suspect. The witness becomes the connection of the
// text, if that is known and goes to the suspect.
func (d *diagnosing) judge(s *Suspect, flows []connector.Flow) {
	d.judgeTarget(s, flows)
	d.judgeSource(s, flows)
	d.judgeSender(s, flows)
}

func (d *diagnosing) judgeTarget(s *Suspect, flows []connector.Flow) {
	at := d.e.Endpoint
	switch {
	case d.e.Selected.Name != "" && s.Subject.Equal(d.e.Selected):
		s.add(weightWitness+weightNamed, "the line of the log says that this connector was selected")
	case d.e.Selected.Name != "":
		s.add(weightElsewhere, "the line of the log says that %s was selected", d.e.Selected)
	case d.Target != "" && strings.EqualFold(d.Target, s.Subject.Server):
		s.add(weightWitness, "the text names %s, which is %s", d.targetText(), d.Target)
	case d.Target != "":
		s.add(weightElsewhere, "the text names %s, which is %s", d.targetText(), d.Target)
	case d.names(s.Subject.Server):
		s.add(weightNamed, "the text names %s", s.Subject.Server)
	}
	if at.Port() == 0 || s.Witness == nil || d.e.Selected.Name != "" {
		return
	}
	if port := s.Witness.Explanation.Conn.Local.Port(); port != at.Port() && !slices.ContainsFunc(flows, func(f connector.Flow) bool { return f.Port == at.Port() }) {
		s.add(weightOther, "the text names port %d, and this is about port %d", at.Port(), port)
	}
}

func (d *diagnosing) judgeSource(s *Suspect, flows []connector.Flow) {
	if a := d.e.Source; a.IsValid() && len(s.Addrs) > 0 {
		in := slices.ContainsFunc(s.Addrs, func(r connector.Range) bool { return r.Contains(a) })
		if !in {
			s.add(weightOther, "the text is about a connection from %s, which is not among the sources concerned", a)
			return
		}
		s.add(weightNamed, "the text is about a connection from %s, which is among the sources concerned", a)
		if d.Target != "" && strings.EqualFold(d.Target, s.Subject.Server) && d.e.Endpoint.Port() != 0 && s.Witness != nil {
			c := connector.Conn{Server: d.Target, Local: d.e.Endpoint, Remote: a}
			if v := d.Index.Simulate(c, s.Witness.Peer); v.Explanation.Match.Connector().Equal(s.Subject) {
				s.Witness = v
			}
		}
		return
	}
	var named, all []string
	for _, f := range flows {
		if slices.Contains(all, f.From) || strings.EqualFold(f.From, d.Target) {
			continue
		}
		if all = append(all, f.From); d.names(f.From) {
			named = append(named, f.From)
		}
	}
	if len(named) > 0 {
		s.add(weightNamed, "the text names %s, whose mail it takes", strings.Join(named, ", "))
	}
}

// judgeSender compares the generation that the wrapper tells with those of the senders that fail.
func (d *diagnosing) judgeSender(s *Suspect, flows []connector.Flow) {
	if len(d.e.Senders) == 0 || len(flows) == 0 {
		return
	}
	var others []string
	for _, f := range flows {
		from := d.traffic.servers[key(f.From)]
		if from == nil {
			return
		}
		g := from.Version.Generation()
		if g == 0 || slices.Contains(d.e.Senders, g) {
			return
		}
		if text := fmt.Sprintf("%s (%s)", f.From, g); !slices.Contains(others, text) {
			others = append(others, text)
		}
	}
	s.add(weightOther, "a queue words it like this on %s, and the senders that fail are %s", generationsText(d.e.Senders), strings.Join(others, ", "))
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
			s := Suspect{Subject: id, Addrs: sources(as), Witness: as[0].verdict, Basis: cause.Basis(), Title: causeTitles[cause].title, Remedy: causeTitles[cause].remedy}
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

// causeTitles words the causes of [diagnosing.failing], and which error each brings about.
var causeTitles = map[connector.Cause]struct {
	title, remedy string
	replies       []ErrorKind
	against       string
}{
	connector.CauseNoCertificate: {"offers no X-ANONYMOUSTLS, because no certificate of the server can be used", "renew the internal transport certificate (New-ExchangeCertificate)", []ErrorKind{ErrorCannotAchieve},
		"a server without a certificate makes the sender raise 451 5.7.3 instead"},
	connector.CauseNotPermitted: {"lets Exchange servers not submit: permission group ExchangeServers is missing", "add ExchangeServers to PermissionGroups", []ErrorKind{ErrorAuthUnsuccessful, ErrorNotAuthorized, ErrorTemporaryAuth},
		"a missing group makes authentication itself fail, with event 1020 on the target; its code is unknown, probably 535 5.7.3 or 454 4.7.0"},
	connector.CauseFQDN: {"has an FQDN that is none of the server's names, so the service principal name does not fit", "set Fqdn to the full name of the server, its short name or $null", []ErrorKind{ErrorTemporaryAuth},
		"a wrong FQDN makes Kerberos fail instead, 454 4.7.0 likely"},
}

// sharedEndpoints makes suspects of local endpoints that connectors of both transport roles are bound to.
func (d *diagnosing) sharedEndpoints() {
	for _, server := range d.servers {
		for _, local := range d.Index.Endpoints(server) {
			e := d.Index.Explain(connector.Conn{Server: server, Local: local, Remote: anyAddress(local)})
			if !e.Match.Doubt().Has(connector.DoubtRole) {
				continue
			}
			s := Suspect{Subject: connector.ID{Server: server}, Basis: connector.WrongRole.Basis(), Title: fmt.Sprintf("connectors of both transport roles are bound to %s, so Front End Transport stops", local),
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

// trial is a client whose session may end as a text says.
type trial struct {
	peer  connector.Peer
	stage connector.Stage
	cause connector.Cause // if the reply has no words to compare
	what  string          // what the connector does to it
}

var trials = map[ErrorKind][]trial{
	ErrorNotAuthenticated: {{connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, connector.StageForeignSender, 0, "lets anonymous clients not submit"}},
	ErrorUnableToRelay:    {{connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, connector.StageForeignRecipient, 0, "lets anonymous clients submit, but not relay"}},
	ErrorSender: {
		{connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, connector.StageAcceptedSender, 0, "lets anonymous clients not send as somebody of an accepted domain"},
		{connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSIfOffered}, connector.StageForeignSender, 0, "lets anonymous clients not send as anybody"},
		{connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered}, connector.StageAcceptedSender, 0, "lets users send as themselves only"},
	},
	ErrorSTARTTLSRequired: {
		{connector.Peer{Kind: connector.PeerAnonymous}, connector.StageForeignSender, 0, "requires TLS, and the client stayed in clear"},
		{connector.Peer{Kind: connector.PeerAnonymous, TLS: connector.TLSInsists}, connector.StageEncrypt, 0, "offers no STARTTLS, and the client insists on it"},
	},
	ErrorAuthType: {
		{connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSNever, Mechanism: connector.AuthBasic}, connector.StageAuthenticate, 0, "offers no LOGIN in clear"},
		{connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered, Mechanism: connector.AuthBasic}, connector.StageAuthenticate, 0, "offers no LOGIN"},
		{connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered, Mechanism: connector.AuthIntegrated}, connector.StageAuthenticate, 0, "offers no NTLM"},
	},
	ErrorAuthUnsuccessful: {{connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered}, connector.StageAuthenticate, connector.CauseNotPermitted, "offers AUTH, but Authenticated Users may not submit"}},
	ErrorNotAuthorized:    {{connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSIfOffered}, connector.StageAuthenticate, connector.CauseNotPermitted, "offers AUTH, but Authenticated Users may not submit"}},
}

// remedies says what mends an error of a client.
var remedies = map[ErrorKind]string{
	ErrorNotAuthenticated: "let the client authenticate, or bring its address to a connector with AnonymousUsers",
	ErrorUnableToRelay:    "let the client authenticate, or bring its single address to a connector on which it may relay (ms-Exch-SMTP-Accept-Any-Recipient); never widen the right to everybody",
	ErrorSender:           "send as an own address, or grant the client Send As, or the right on a connector of its own",
	ErrorSTARTTLSRequired: "let the client take STARTTLS; where the connector does not offer it, add Tls to AuthMechanism and see that TlsCertificateName names a certificate that is there",
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
				remote := region.From()
				if next := remote.Next(); remote.IsUnspecified() && region.Contains(next) {
					remote = next // which a person takes for an address
				}
				found = d.tryClients(found, ts, connector.Conn{Server: server, Local: local, Remote: remote}, region, m)
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
	words := strings.ToLower(step.Reply.String())
	return slices.ContainsFunc(errorKinds[kind].phrases, func(p string) bool { return strings.Contains(words, p) })
}

// logLine adds what the topology makes of the connection that a line of a log is about, if no suspect has it.
func (d *diagnosing) logLine() {
	if d.Target == "" || !d.e.Source.IsValid() || d.e.Endpoint.Port() == 0 {
		return
	}
	c := connector.Conn{Server: d.Target, Local: d.e.Endpoint, Remote: d.e.Source}
	m := d.Index.Select(c)
	if d.e.Selected.Name == "" || m.Connector().Equal(d.e.Selected) {
		return
	}
	s := Suspect{Subject: d.e.Selected, Title: "the configuration has changed since, or is not known whole", Witness: d.Index.Simulate(c, anyPeer),
		Remedy: "export the connectors again", Basis: connector.Basis{Rule: "the log names the connector that was selected; by this topology it is another one", Mark: connector.Observed, Source: "receive log"}}
	s.add(weightWitness, "the line of the log names %s, and by the topology it is %s", d.e.Selected, m)
	d.Suspects = append(d.Suspects, s)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// targetText returns how the text names the target.
func (d *diagnosing) targetText() string {
	switch at := d.e.Endpoint; {
	case !at.IsValid():
		return d.e.Host
	case at.Port() == 0:
		return at.Addr().String()
	default:
		return at.String()
	}
}

func generationsText(gs []connector.Generation) string {
	names := make([]string, len(gs))
	for i, g := range gs {
		names[i] = g.String()
	}
	return strings.Join(names, ", ")
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
