package audit

import (
	"cmp"
	"context"
	"slices"
	"strings"

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
	guessed      bool // a property that decides it is not known
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
	d.findConnection()
	if err := d.collect(); err != nil {
		return nil, err
	}
	d.judgeConnection()
	d.otherConnector()
	d.judgeStranger()
	d.outside()
	for i := range d.Suspects {
		s := &d.Suspects[i]
		if s.Likelihood = likelihood(s.weight); e.Kind == ErrorCutOff || s.guessed {
			s.Likelihood = min(s.Likelihood, Plausible) // what the text would go on with, or a property that decides, is not known
		}
	}
	slices.SortStableFunc(d.Suspects, func(a, b Suspect) int { return cmp.Compare(b.weight, a.weight) })
	return &d.Diagnosis, ctx.Err()
}

// collect makes the suspects that the topology holds, by the kind of the error.
func (d *diagnosing) collect() error {
	switch d.e.Kind {
	case ErrorCannotAchieve, ErrorCutOff:
		if err := d.wrongConnectors(); err != nil {
			return err
		}
		d.offerless()
		d.failing(connector.CauseNoCertificate)
		d.failing(connector.CauseNotPermitted)
		d.without2007TLS()
	case ErrorUnrecognizedCommand, ErrorInvalidAddress:
		return d.unifiedMessaging()
	case ErrorTemporaryAuth:
		d.failing(connector.CauseFQDN)
		d.failing(connector.CauseNotPermitted)
	case ErrorAuthUnsuccessful, ErrorNotAuthorized:
		d.failing(connector.CauseNotPermitted)
		if !d.e.ofServer {
			d.refusingClients()
		}
	case ErrorDirectTrust:
		d.failing(connector.CauseNoDirectTrust)
	case ErrorNotAuthenticated:
		d.failing(connector.CauseNoDirectTrust)
		d.refusingClients()
	case ErrorSTARTTLSRequired:
		d.failing(connector.CauseRequireTLS)
		d.refusingClients()
	case ErrorServiceNotAvailable, ErrorServiceNotActive:
		d.sharedEndpoints()
	default:
		d.refusingClients()
	}
	return nil
}

// diagnosing collects suspects.
type diagnosing struct {
	*Pass
	e ErrorText
	Diagnosis
	conn     connector.Conn  // of the text, if it tells both ends
	match    connector.Match // what the topology selects for it
	decided  bool            // and nothing speaks against that
	stranger string          // what the text calls a target that is no known server
}

// findTarget tells which server the error is about.
func (d *diagnosing) findTarget() {
	at := d.e.Endpoint.Addr()
	for _, s := range d.Topology.AllServers() {
		switch {
		case d.e.Selected.Server != "" && strings.EqualFold(d.e.Selected.Server, s.Name), at.IsValid() && d.owns(s.Name, at),
			isNamed(s, d.e.Host), isNamed(s, d.e.NextHop) && !isNamed(s, d.e.Sender):
			d.Target = s.Name
			return
		}
	}
}

// isNamed tells whether a name, full or short, is that of a server.
func isNamed(s connector.Server, name string) bool {
	short, _, full := strings.Cut(name, ".")
	return name != "" && (strings.EqualFold(name, s.FQDN) || strings.EqualFold(short, s.Name) && (!full || s.FQDN == ""))
}
