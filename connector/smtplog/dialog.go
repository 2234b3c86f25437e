package smtplog

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
)

// dialog reads a session line by line.
type dialog struct {
	Session
	greeting   bool   // the reply to EHLO is being read
	encrypting Traits // TookSTARTTLS or TookXAnonymousTLS, if that is asked for and not answered
	mechanism  Traits // how the peer tries to authenticate
}

// word is a text, and what it tells in its place.
type word struct {
	text   string
	traits Traits
}

// words keeps texts that come again and again once, with what they tell.
type words map[string]word

// mostWords bounds it.
const mostWords = 1 << 16

func (w words) of(b []byte) word { return w.read(b, nil) }

// read returns a text and what f tells about it. A text must not be asked about in two ways.
func (w words) read(b []byte, f func([]byte) Traits) word {
	if known, ok := w[string(b)]; ok {
		return known
	}
	if len(w) >= mostWords {
		clear(w)
	}
	v := word{text: text(b)}
	if f != nil {
		v.traits = f(b)
	}
	w[string(b)] = v
	return v
}

// said is the text of what a peer says: what is too long is cut, at the end of a character.
func (w words) said(b []byte) string {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '"') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '"') {
		b = b[:len(b)-1]
	}
	if len(b) > maxText {
		b = bytes.ToValidUTF8(b[:maxText], nil)
	}
	return w.of(b).text
}

// line is event for everything behind the event and a comma. It tells whether data and context are there.
func (d *dialog) line(e Event, tail []byte, w words) bool {
	if len(tail) > 0 && tail[0] == '"' {
		if data, context, complete, ok := cutField(tail); ok {
			if complete {
				d.event(e, data, context, w)
			}
			return complete
		}
	}
	i := bytes.IndexByte(tail, ',')
	if i < 0 {
		return false
	}
	d.event(e, tail[:i], tail[i+1:], w)
	return true
}

// event reads a line. Which data and contexts there are is observed.
func (d *dialog) event(e Event, data, context []byte, w words) {
	switch e {
	case Connect:
		d.Started = true
	case Disconnect:
		d.Ended = true
	case Information:
		d.information(data, context, w)
	case Received:
		if d.Direction == Send {
			d.reply(data, w)
		} else {
			d.command(data, w)
		}
	case Sent:
		if d.Direction == Send {
			d.command(data, w)
		} else {
			d.reply(data, w)
		}
	}
}

// verb returns the first four letters of a command, in lower case, as one number.
func verb(b []byte) uint32 {
	const lower = 0x20202020
	if len(b) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b) | lower
}

// The commands that tell something, by their first four letters in lower case; a dash stays what it is.
const (
	verbEHLO     = 'e'<<24 | 'h'<<16 | 'l'<<8 | 'o'
	verbHELO     = 'h'<<24 | 'e'<<16 | 'l'<<8 | 'o'
	verbSTARTTLS = 's'<<24 | 't'<<16 | 'a'<<8 | 'r'
	verbXANON    = 'x'<<24 | '-'<<16 | 'a'<<8 | 'n'
	verbAUTH     = 'a'<<24 | 'u'<<16 | 't'<<8 | 'h'
	verbXEXPS    = 'x'<<24 | '-'<<16 | 'e'<<8 | 'x'
	verbXPROXY   = 'x'<<24 | 'p'<<16 | 'r'<<8 | 'o'
)

func (d *dialog) command(data []byte, w words) {
	d.greeting = false
	switch verb(data) {
	case verbEHLO, verbHELO:
		_, name, _ := bytes.Cut(data, blank)
		d.Hello = w.said(name)
		d.greeting = true
	case verbSTARTTLS:
		d.encrypting = TookSTARTTLS
	case verbXANON:
		d.encrypting = TookXAnonymousTLS
	case verbAUTH:
		d.mechanism = authMechanism(argument(data))
	case verbXEXPS:
		d.mechanism = AuthXEXPS
		if bytes.EqualFold(argument(data), exchangeAuth) {
			d.mechanism = AuthExchange
		}
	case verbXPROXY:
		if _, ip, ok := bytes.Cut(data, []byte(" IP=")); ok {
			ip, _, _ = bytes.Cut(ip, blank)
			if a, err := netip.ParseAddr(string(ip)); err == nil {
				d.Client = a.Unmap()
				d.Traits |= Proxied
			}
		}
	}
}

var (
	blank        = []byte(" ")
	exchangeAuth = []byte("EXCHANGEAUTH")
)

// argument returns the first word behind the command.
func argument(data []byte) []byte {
	_, behind, _ := bytes.Cut(data, blank)
	word, _, _ := bytes.Cut(bytes.TrimLeft(behind, " "), blank)
	return word
}

func authMechanism(word []byte) Traits {
	switch strings.ToUpper(string(word)) {
	case "LOGIN":
		return AuthLogin
	case "NTLM":
		return AuthNTLM
	case "GSSAPI":
		return AuthGSSAPI
	}
	return AuthOther
}

var (
	enhanced         = []byte("250 2.") // no reply to EHLO has such a code
	queued           = []byte("250 2.6.0 <")
	cannotAchieve    = []byte("451 5.7.3 Cannot achieve Exchange Server authentication")
	authUnsuccessful = []byte("535 ")
)

func (d *dialog) reply(data []byte, w words) {
	if len(data) < 3 {
		return
	}
	switch data[0] {
	case '2':
		d.positive(data, w)
	case '4', '5':
		if data[0] == '4' {
			d.Transient++
		} else {
			d.Permanent++
		}
		d.Reply = w.said(data)
		d.greeting, d.encrypting = false, 0
		switch {
		case bytes.HasPrefix(data, cannotAchieve):
			d.Traits |= CannotAchieve
		case d.mechanism != 0, bytes.HasPrefix(data, authUnsuccessful):
			d.Traits |= AuthFailed
			d.mechanism = 0
		}
	}
}

func (d *dialog) positive(data []byte, w words) {
	switch string(data[:3]) {
	case "220":
		d.Traits |= d.encrypting
		if d.encrypting != 0 {
			d.Traits |= Encrypted
		}
		d.encrypting = 0
	case "235":
		d.authenticated()
	case "250":
		if d.greeting && !bytes.HasPrefix(data, enhanced) {
			d.offer(data, w)
		}
		if bytes.HasPrefix(data, queued) {
			d.Messages++
		}
	}
}

func (d *dialog) authenticated() {
	if d.mechanism == 0 && !d.Traits.Any(AuthUser|AuthServer) {
		d.mechanism = AuthOther
	}
	d.Traits |= d.mechanism
	d.mechanism = 0
}

// offer reads the reply to EHLO: one row that holds all of it since 2013, one for each line before.
func (d *dialog) offer(data []byte, w words) {
	const code = len("250-")
	d.greeting = len(data) >= code && data[3] == '-'
	words := bytes.TrimLeft(data[min(code, len(data)):], " ")
	if host, behind, ok := bytes.Cut(words, blank); ok && bytes.HasPrefix(behind, hello) { // 250  mail.example.com Hello [10.0.0.1] SIZE ...
		d.Host = w.said(host)
		_, words, _ = bytes.Cut(behind[len(hello):], blank)
	}
	traits := w.read(words, offered).traits
	d.Traits |= traits & OfferedExchangeAuth
	// Where the beginning is not there, a session is in clear only if the offer of encryption says so.
	inClear := d.Started || d.Traits.Has(SawOffer) || traits.Any(OfferedSTARTTLS|OfferedXAnonymousTLS)
	if !d.Traits.Has(Encrypted) && inClear {
		d.Traits |= SawOffer | traits&^OfferedExchangeAuth
	}
}

var hello = []byte("Hello ")

// offered reads the words of an offer.
func offered(data []byte) (t Traits) {
	xexps := false // the words behind X-EXPS are its mechanisms
	for word := range bytes.FieldsSeq(data) {
		switch string(word) {
		case "STARTTLS":
			t |= OfferedSTARTTLS
		case "X-ANONYMOUSTLS":
			t |= OfferedXAnonymousTLS
		case "X-EXPS":
			t |= OfferedXEXPS
			xexps = true
		case "EXCHANGEAUTH":
			if xexps {
				t |= OfferedExchangeAuth
			}
		}
	}
	return t
}

var (
	tlsProtocol    = []byte("TLS protocol ")
	succeeded      = []byte(" negotiation succeeded")
	tlsFailed      = []byte("TLS negotiation failed")
	setPermissions = []byte("Set Session Permissions")
	authenticated  = []byte("authenticated")
	anyRecipient   = []byte("SMTPAcceptAnyRecipient")
	inbound        = []byte("Inbound ")
	outbound       = []byte("Outbound ")
	failed         = []byte(" failed ")
)

func (d *dialog) information(data, context []byte, w words) {
	if len(context) > 0 && context[0] == '"' {
		context = context[1:]
	}
	if len(context) == 0 {
		if bytes.HasPrefix(data, cannotAchieve) {
			d.Traits |= CannotAchieve
		}
		return
	}
	switch context[0] {
	case 'S':
		if bytes.Equal(context, setPermissions) {
			granted := w.read(data, relayGranted)
			d.Rights = granted.text
			d.Traits |= granted.traits
		}
	case 'a':
		if bytes.Equal(context, authenticated) {
			d.authenticated()
		}
	case 'T':
		switch {
		case bytes.HasPrefix(context, tlsFailed):
			d.Traits = d.Traits&^(Encrypted|TookSTARTTLS|TookXAnonymousTLS) | TLSFailed
		case bytes.HasPrefix(context, tlsProtocol) && bytes.Contains(context, succeeded):
			d.Traits |= Encrypted
		}
	case 'I', 'O':
		if (bytes.HasPrefix(context, inbound) || bytes.HasPrefix(context, outbound)) && bytes.Contains(context, failed) {
			d.Traits |= AuthFailed
			d.mechanism = 0
		}
	case '4':
		if bytes.HasPrefix(context, cannotAchieve) {
			d.Traits |= CannotAchieve
		}
	}
}

func relayGranted(rights []byte) Traits {
	if bytes.Contains(rights, anyRecipient) {
		return RelayGranted
	}
	return 0
}
