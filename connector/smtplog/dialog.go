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
	greeting   greeting
	encrypting Traits // TookSTARTTLS or TookXAnonymousTLS, if that is asked for and not answered
	mechanism  Traits // how the peer tries to authenticate

	// The lines of a session whose beginning is not there, see piece.
	lines []said
	size  int // of them, in bytes
	cut   bool
}

// greeting is which reply is being read: to EHLO, to HELO, or neither.
type greeting uint8

const (
	toHELO greeting = iota + 1
	toEHLO
)

// word is a text, and what it tells in its place.
type word struct {
	text   string
	traits Traits
}

// words keeps texts that come again and again once, with what they tell: what peers say, which tells nothing, what servers offer, and rights.
type words struct{ texts, offers, rights map[string]word }

// Bounds of what is kept: how many texts, and how many bytes of one. A longer one is made anew each time, of the beginning.
const (
	mostWords   = 1 << 14
	longestWord = 1 << 10
)

func newWords() words {
	return words{make(map[string]word), make(map[string]word), make(map[string]word)}
}

func (w words) of(b []byte) word { return know(w.texts, b, func([]byte) Traits { return 0 }) }

// know returns a text and what read tells about it.
func know(m map[string]word, b []byte, read func([]byte) Traits) word {
	if known, ok := m[string(b)]; ok {
		return known
	}
	v := word{text(b[:min(len(b), longestWord)]), read(b)}
	if len(b) > longestWord {
		return v
	}
	if len(m) >= mostWords {
		clear(m)
	}
	m[string(b)] = v
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

// line is event for everything behind the event and a comma. It tells whether data and context are there, and nothing else.
func (d *dialog) line(e Event, tail []byte, w words) bool {
	var data, context []byte
	if len(tail) > 0 && tail[0] == '"' {
		value, rest, more, ok := cutField(tail)
		if !ok {
			value, rest, more = bytes.Cut(tail, comma)
		}
		if !more {
			return false
		}
		data, context = value, rest
	} else {
		i := bytes.IndexByte(tail, ',')
		if i < 0 {
			return false
		}
		data, context = tail[:i], tail[i+1:]
	}
	if len(context) > 0 {
		value, _, more, ok := cutField(context)
		if !ok {
			value, _, more = bytes.Cut(context, comma)
		}
		if more {
			return false
		}
		context = value
	}
	d.event(e, data, context, w)
	return true
}

// event reads a line. Which data and contexts there are is observed.
func (d *dialog) event(e Event, data, context []byte, w words) {
	if e == Connect {
		d.Started = true
		return
	}
	if !d.Started {
		d.record(e, data, context)
	}
	switch e {
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
	d.greeting = 0
	switch verb(data) {
	case verbEHLO, verbHELO:
		_, name, _ := bytes.Cut(data, blank)
		d.Hello = w.said(name)
		if d.greeting = toEHLO; verb(data) == verbHELO {
			d.greeting = toHELO
		}
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
		d.greeting, d.encrypting = 0, 0
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
		if d.greeting != 0 && !bytes.HasPrefix(data, enhanced) {
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
	words := bytes.TrimLeft(data[min(code, len(data)):], " ")
	if host, behind, ok := bytes.Cut(words, blank); ok && bytes.HasPrefix(behind, hello) { // 250  mail.example.com Hello [10.0.0.1] SIZE ...
		d.Host = w.said(host)
		_, words, _ = bytes.Cut(behind[len(hello):], blank)
	}
	last := len(data) < code || data[3] != '-'
	if d.greeting == toEHLO {
		d.offered(know(w.offers, words, readOffer).traits, last)
	}
	if last {
		d.greeting = 0
	}
}

// offered takes what a row of an offer tells. Where the beginning of the session is not there, it is in clear only if the offer of encryption
// says so.
func (d *dialog) offered(t Traits, last bool) {
	const encryption = OfferedSTARTTLS | OfferedXAnonymousTLS
	d.Traits |= t & OfferedExchangeAuth
	if d.Traits.Has(Encrypted) || !d.Started && !(d.Traits|t).Any(encryption) {
		return
	}
	d.Traits |= t &^ OfferedExchangeAuth
	if last {
		d.Traits |= SawOffer
	}
}

var hello = []byte("Hello ")

// readOffer reads the words of an offer.
func readOffer(data []byte) (t Traits) {
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
	if len(context) == 0 {
		if bytes.HasPrefix(data, cannotAchieve) {
			d.Traits |= CannotAchieve
		}
		return
	}
	switch context[0] {
	case 'S':
		if bytes.Equal(context, setPermissions) {
			granted := know(w.rights, data, relayGranted)
			d.Rights = granted.text
			d.Traits |= granted.traits
		}
	case 'a':
		if bytes.Equal(context, authenticated) {
			d.authenticated()
		}
	case 'T':
		switch {
		case bytes.HasPrefix(context, tlsFailed): // inferred: none of the logs that were studied has it
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
