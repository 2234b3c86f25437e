package topotest

import (
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// peerSwitches are what a peer can or cannot do, by the name it has in a line.
var peerSwitches = []struct {
	name string
	of   func(*connector.Peer) *bool
}{
	{"DowngradedExchangeAuth", func(p *connector.Peer) *bool { return &p.DowngradedExchangeAuth }},
	{"NoCertificate", func(p *connector.Peer) *bool { return &p.NoCertificate }},
	{"KerberosFails", func(p *connector.Peer) *bool { return &p.KerberosFails }},
	{"WrongPassword", func(p *connector.Peer) *bool { return &p.WrongPassword }},
}

// peerText prints a peer: "User tls=IfOffered mechanism=BasicAuth".
func peerText(p connector.Peer) string {
	words := []string{p.Kind.String()}
	if p.Version.IsValid() {
		words = append(words, "version="+word(p.Version.String()))
	}
	if p.TLS != connector.TLSNever {
		words = append(words, "tls="+p.TLS.String())
	}
	if p.Mechanism != 0 {
		words = append(words, "mechanism="+word(p.Mechanism.String()))
	}
	for _, s := range peerSwitches {
		if *s.of(&p) {
			words = append(words, s.name)
		}
	}
	return strings.Join(words, " ")
}

// checkPeer refuses what makes no difference for a peer of its kind, because whoever writes it down believes that it does.
func checkPeer(p connector.Peer) error {
	heard := connector.Peer{Kind: p.Kind}
	switch p.Kind {
	case connector.PeerExchangeServer, connector.PeerEdge, connector.PeerUnifiedMessaging:
		heard.Version, heard.DowngradedExchangeAuth, heard.NoCertificate, heard.KerberosFails = p.Version, p.DowngradedExchangeAuth, p.NoCertificate, p.KerberosFails
	case connector.PeerCrossForest:
		heard.Version, heard.TLS = p.Version, p.TLS
	case connector.PeerAnonymous:
		heard.TLS = p.TLS
	case connector.PeerUser:
		heard.TLS, heard.WrongPassword = p.TLS, p.WrongPassword
		if p.Mechanism == connector.AuthIntegrated || p.Mechanism == connector.AuthBasic {
			heard.Mechanism = p.Mechanism
		}
	case connector.PeerPartner:
		heard.TLS, heard.NoCertificate = p.TLS, p.NoCertificate
	}
	if p.Kind > connector.PeerPartner || p.TLS > connector.TLSInsists {
		return invalid("there is no such peer")
	}
	if heard != p {
		return invalid("a peer of kind " + p.Kind.String() + " has nothing to do with all of this: " + peerText(p))
	}
	return nil
}

// parsePeer reads what peerText prints, in any case and order but for the kind.
func parsePeer(c *Case, ts []token) error {
	kind, err := connector.ParsePeerKind(ts[0].text)
	if err != nil {
		return at(ts[0].offset, err)
	}
	p := &connector.Peer{Kind: kind}
	c.Peer = p
	given := make(map[string]bool)
next:
	for _, t := range ts[1:] {
		key, text, _ := strings.Cut(t.text, "=")
		if given[strings.ToLower(key)] {
			return at(t.offset, connector.ErrDuplicate)
		}
		given[strings.ToLower(key)] = true
		offset := t.offset + len(key) + 1
		switch strings.ToLower(key) {
		case "version":
			if p.Version, err = connector.ParseVersion(text); err != nil {
				return at(offset, err)
			}
			continue
		case "tls":
			if p.TLS, err = connector.ParseTLSPolicy(text); err != nil {
				return at(offset, err)
			}
			continue
		case "mechanism":
			if p.Mechanism, err = connector.ParseAuthMechanism(text); err != nil {
				return at(offset, err)
			}
			continue
		}
		for _, s := range peerSwitches {
			if strings.EqualFold(t.text, s.name) {
				*s.of(p) = true
				continue next
			}
		}
		return at(t.offset, invalid("not something that a peer can or cannot do"))
	}
	return nil
}
