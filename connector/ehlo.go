package connector

import "strings"

// Offer is the part of a connector's EHLO reply that decides encryption and authentication, a line each, in Exchange's
// order, by the state of the session.
type Offer struct {
	Clear              []string // before any encryption
	AfterSTARTTLS      []string // nil if STARTTLS is not offered
	AfterXAnonymousTLS []string // nil if X-ANONYMOUSTLS is not offered
}

// sessionState is how a session is encrypted.
type sessionState uint8

const (
	inClear sessionState = iota + 1
	afterSTARTTLS
	afterXAnonymousTLS
)

// offer returns what c offers, on an Edge Transport server or elsewhere. That certificates are usable is assumed.
func (c *ReceiveConnector) offer(edge bool) Offer {
	o := Offer{Clear: c.ehlo(inClear, edge)}
	if c.offersSTARTTLS() {
		o.AfterSTARTTLS = c.ehlo(afterSTARTTLS, edge)
	}
	if c.offersXAnonymousTLS() {
		o.AfterXAnonymousTLS = c.ehlo(afterXAnonymousTLS, edge)
	}
	return o
}

// Source of each condition: New-ReceiveConnector and NRC-old (documented); the forms of the lines are observed in traces;
// that X-ANONYMOUSTLS does not need Tls is known from the product.
func (c *ReceiveConnector) offersSTARTTLS() bool { return c.AuthMechanism.Has(AuthTLS) }

func (c *ReceiveConnector) offersXAnonymousTLS() bool {
	return c.AuthMechanism.Has(AuthExchangeServer) && !c.SuppressXAnonymousTLS
}

func (c *ReceiveConnector) ehlo(state sessionState, edge bool) []string {
	lines := []string{}
	if state == inClear && c.offersSTARTTLS() {
		lines = append(lines, "STARTTLS")
	}
	if state == inClear && c.offersXAnonymousTLS() {
		lines = append(lines, "X-ANONYMOUSTLS")
	}
	var auth []string
	if c.AuthMechanism.Has(AuthIntegrated) {
		if c.EnableAuthGSSAPI {
			auth = append(auth, "GSSAPI")
		}
		auth = append(auth, "NTLM")
	}
	if c.AuthMechanism.Has(AuthBasic) && (state != inClear || !c.AuthMechanism.Has(AuthBasicRequireTLS)) {
		auth = append(auth, "LOGIN")
	}
	if len(auth) > 0 {
		lines = append(lines, "AUTH "+strings.Join(auth, " "))
	}
	if !c.AuthMechanism.Has(AuthExchangeServer) {
		return lines
	}
	switch {
	case edge:
		lines = append(lines, "X-EXPS NTLM")
	case state == afterXAnonymousTLS:
		lines = append(lines, "X-EXPS EXCHANGEAUTH GSSAPI NTLM", "X-EXCHANGEAUTH SHA256")
	default:
		lines = append(lines, "X-EXPS GSSAPI NTLM")
	}
	return lines
}
