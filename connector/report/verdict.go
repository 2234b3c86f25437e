package report

import (
	"io"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Verdict writes what a peer gets: as text the explanation, the whole EHLO replies, each step of the session with its reply and
// rule, and the rights; as JSON one object on one line with what Explanation writes and beside it
//
//	{"peer", "offer": {"clear", "afterSTARTTLS", "afterXAnonymousTLS"}, "authentication", "cause", "principal",
//	 "session": [{"stage", "state", "code", "enhanced", "text", "side", "rule", "doubt"}], "rights", "openRights"}
//
// A line of an EHLO reply that is in doubt stands in brackets; a code of 0 is not known, or there is no reply.
func (f Format) Verdict(w io.Writer, v *connector.Verdict) error {
	if f == JSON {
		return writeJSON(w, verdictJSON(v), false)
	}
	var b outline
	verdict(&b, v)
	return f.outline(w, "What a peer gets", &b)
}

// verdict tells what a peer gets.
func verdict(b *outline, v *connector.Verdict) {
	explain(b, v.Explanation)
	o := v.Offer()
	for _, e := range []struct {
		state string
		lines connector.EHLO
	}{{"in clear", o.Clear}, {"after STARTTLS", o.AfterSTARTTLS}, {"after X-ANONYMOUSTLS", o.AfterXAnonymousTLS}} {
		if e.lines != nil {
			b.printf("  EHLO %s: %s\n", e.state, e.lines)
		}
	}
	if p := v.Peer; p.TLS == connector.TLSNever || !client(p) {
		b.printf("  what a peer of kind %s gets:\n", p.Kind)
	} else {
		b.printf("  what a peer of kind %s (TLS %s) gets:\n", p.Kind, p.TLS)
	}
	for _, s := range v.Session() {
		b.printf("    %s\n      %s\n", s, s.Basis)
	}
	if v.Cause != 0 {
		b.printf("  cause: %s: %s\n", v.Cause, v.Cause.Basis())
	}
	if r := v.Rights(); v.Principal != 0 {
		b.printf("  rights of %s: %s\n", v.Principal, r.Held)
		if r.Open != 0 {
			b.printf("    not known: %s\n", r.Open)
		}
	}
}

// client tells whether a peer decides for itself about STARTTLS.
func client(p connector.Peer) bool {
	return p.Kind == connector.PeerAnonymous || p.Kind == connector.PeerUser || p.Kind == connector.PeerPartner
}

type verdictObject struct {
	explanationObject
	Peer           string          `json:"peer"`
	Offer          offerObject     `json:"offer"`
	Authentication string          `json:"authentication"`
	Cause          string          `json:"cause"`
	Principal      string          `json:"principal"`
	Session        []sessionObject `json:"session"`
	Rights         string          `json:"rights"`
	OpenRights     string          `json:"openRights"`
}

type offerObject struct {
	Clear              []string `json:"clear"`
	AfterSTARTTLS      []string `json:"afterSTARTTLS"`
	AfterXAnonymousTLS []string `json:"afterXAnonymousTLS"`
}

type sessionObject struct {
	Stage    string `json:"stage"`
	State    string `json:"state"`
	Code     int    `json:"code"` // of the reply; 0 is not known, or there is none
	Enhanced string `json:"enhanced"`
	Text     string `json:"text"`
	Side     string `json:"side"` // who produces the reply
	Rule     string `json:"rule"`
	Doubt    string `json:"doubt"`
}

func verdictJSON(v *connector.Verdict) verdictObject {
	offer := v.Offer()
	o := verdictObject{
		explanationObject: explanationJSON(v.Explanation), Peer: v.Peer.Kind.String(), Authentication: v.Authentication.String(),
		Offer: offerObject{texts(offer.Clear), texts(offer.AfterSTARTTLS), texts(offer.AfterXAnonymousTLS)},
		Cause: v.Cause.String(), Principal: v.Principal.String(), Session: []sessionObject{}, Rights: v.Rights().Held.String(), OpenRights: v.Rights().Open.String(),
	}
	for _, s := range v.Session() {
		o.Session = append(o.Session, sessionObject{s.Stage.String(), s.State.String(), s.Reply.Code, s.Reply.Enhanced, s.Reply.Text, s.Reply.Side.String(), s.Basis.String(), s.Doubt.String()})
	}
	return o
}
