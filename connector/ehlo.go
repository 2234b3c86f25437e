package connector

import (
	"strconv"
	"strings"
)

// EHLO is what follows the greeting line of an EHLO reply, in Exchange's order.
type EHLO []Line

// Line is one line of an EHLO reply and the rule it is there by.
type Line struct {
	Text  string
	Basis Basis
	// Doubt: the line may be missing or read differently, because a property is not known ([DoubtMissing]) or what the version does
	// ([DoubtVersion]).
	Doubt Doubt
}

// String prints the text, in brackets if it is in doubt.
func (l Line) String() string {
	if l.Doubt != 0 {
		return "[" + l.Text + "]"
	}
	return l.Text
}

// String prints the lines, separated by commas: "SIZE 37748736, PIPELINING, [SMTPUTF8]".
func (e EHLO) String() string {
	texts := make([]string, len(e))
	for i, l := range e {
		texts[i] = l.String()
	}
	return strings.Join(texts, ", ")
}

// Line returns the line that begins with a keyword, whatever its case, and whether there is one.
func (e EHLO) Line(keyword string) (Line, bool) {
	for _, l := range e {
		if word, _, _ := strings.Cut(l.Text, " "); strings.EqualFold(word, keyword) {
			return l, true
		}
	}
	return Line{}, false
}

// Security returns the lines about encryption and authentication alone.
func (e EHLO) Security() (lines EHLO) {
	for _, l := range e {
		switch word, _, _ := strings.Cut(l.Text, " "); word {
		case "STARTTLS", "X-ANONYMOUSTLS", "AUTH", "X-EXPS", "X-EXCHANGEAUTH":
			lines = append(lines, l)
		}
	}
	return lines
}

// Offer is what a connector announces, by the state of the session.
type Offer struct {
	Clear              EHLO // before any encryption
	AfterSTARTTLS      EHLO // nil if STARTTLS is not offered
	AfterXAnonymousTLS EHLO // nil if X-ANONYMOUSTLS is not offered
}

// receiver is what of a server matters to the sessions it receives.
type receiver struct {
	server     Server
	generation Generation
	edge       bool
}

// encryption is how a session is encrypted.
type encryption uint8

const (
	inClear encryption = iota + 1
	bySTARTTLS
	byXAnonymousTLS
)

// Where the rules of an EHLO reply are written; the forms of the lines are observed in traces.
var (
	basisSize      = Basis{"SIZE is announced as SizeEnabled says, with MaxMessageSize in bytes", Documented, "New-ReceiveConnector, -SizeEnabled"}
	basisExtension = Basis{"announced unless its property is $false", Documented, "New-ReceiveConnector"}
	basisSMTPUTF8  = Basis{"announced by newer servers unless SmtpUtf8Enabled is $false", Observed,
		"an export of Exchange 2019; traces of Exchange 2016 differ"}
	basisOptional  = Basis{"announced only where its property is $true; the place of the line is unknown", Documented, "New-ReceiveConnector"}
	basisSTARTTLS  = Basis{"Tls is in AuthMechanism, a certificate can be used, and the session is in clear", Documented, "Receive connectors"}
	basisAnonymous = Basis{"ExchangeServer is in AuthMechanism, X-ANONYMOUSTLS is not suppressed, the internal transport " +
		"certificate can be used, and the session is in clear; Tls is not needed", Product, "New-ReceiveConnector, " +
		"-SuppressXAnonymousTls"}
	basisAUTH = Basis{"Integrated offers NTLM, with EnableAuthGSSAPI GSSAPI as well; BasicAuth offers LOGIN, with " +
		"BasicAuthRequireTLS only once the session is encrypted", Documented, "New-ReceiveConnector, -AuthMechanism"}
	basisEXPS = Basis{"ExchangeServer is in AuthMechanism", Documented, "New-ReceiveConnector, -AuthMechanism; the " +
		"mechanisms are observed in traces"}
	basisEXPSEdge = Basis{"ExchangeServer is in AuthMechanism; an Edge Transport server offers NTLM alone and relies on direct " +
		"trust", Observed, "trace of an Edge Transport server"}
	basisEXCHANGE = Basis{"EXCHANGEAUTH is offered only after X-ANONYMOUSTLS", Observed, "trace of Exchange 2010"}
	basisHubLines = Basis{"shown by HubTransport connectors with ExchangeServer, by FrontendTransport ones XRDST alone; the " +
		"exact condition is unknown", Observed, "traces of Exchange 2010 and 2016, KB2866822"}
	basisEdgeLines = Basis{"shown by Edge Transport servers; the exact condition is unknown", Observed, "trace of an Edge Transport server"}
)

// EHLO returns what c, on server s, announces to a client whose session is in clear, after STARTTLS and after X-ANONYMOUSTLS. A
// server with no more than a name may be given; lines that depend on more are in doubt then. That certificates can be used
// is assumed unless s says otherwise.
func (c ReceiveConnector) EHLO(s Server) Offer {
	if c.Missing.Has(PropertyAuthMechanism) {
		return Offer{}
	}
	return c.offer(receiverOf(s, c.TransportRole == FrontendTransport))
}

// receiverOf draws from the record of a server, and from its having FrontendTransport connectors, what sessions ask for.
func receiverOf(s Server, frontend bool) *receiver {
	r := &receiver{server: s, generation: s.Version.Generation(), edge: s.Roles.Has(RoleEdge)}
	if frontend && r.generation == 0 {
		r.generation = later
	}
	return r
}

// later stands for a generation that is not known but 2013 or later: its server has FrontendTransport connectors (inferred).
const later = GenerationSE + 1

func (c *ReceiveConnector) offer(r *receiver) Offer {
	o := Offer{Clear: c.ehlo(inClear, r)}
	if c.offersSTARTTLS(r) {
		o.AfterSTARTTLS = c.ehlo(bySTARTTLS, r)
	}
	if c.offersXAnonymousTLS(r) {
		o.AfterXAnonymousTLS = c.ehlo(byXAnonymousTLS, r)
	}
	return o
}

func (c *ReceiveConnector) offersSTARTTLS(r *receiver) bool {
	return c.AuthMechanism.Has(AuthTLS) && !r.server.NoCertificate
}

func (c *ReceiveConnector) offersXAnonymousTLS(r *receiver) bool {
	return c.AuthMechanism.Has(AuthExchangeServer) && !c.SuppressXAnonymousTLS && !r.server.NoCertificate
}

// mechanisms returns those of the AUTH line.
func (c *ReceiveConnector) mechanisms(state encryption) (names []string) {
	if c.AuthMechanism.Has(AuthIntegrated) {
		if c.EnableAuthGSSAPI {
			names = append(names, "GSSAPI")
		}
		names = append(names, "NTLM")
	}
	if c.AuthMechanism.Has(AuthBasic) && (state != inClear || !c.AuthMechanism.Has(AuthBasicRequireTLS)) {
		names = append(names, "LOGIN")
	}
	return names
}

// ehloWriter collects lines.
type ehloWriter struct {
	c     *ReceiveConnector
	lines EHLO
}

func (w *ehloWriter) add(text string, b Basis, doubt Doubt) {
	w.lines = append(w.lines, Line{text, b, doubt})
}

// missing is the doubt about a line that rests on properties.
func (w *ehloWriter) missing(p Properties) Doubt {
	if w.c.Missing&p != 0 {
		return DoubtMissing
	}
	return 0
}

// extensions adds those of e that are not disabled.
func (w *ehloWriter) extensions(e Extensions) {
	for _, f := range extensionNames {
		if bit := Extensions(f.bit); e.Has(bit) && !w.c.DisabledExtensions.Has(bit) {
			w.add(f.name, basisExtension, w.missing(PropertyExtensions))
		}
	}
}

func (c *ReceiveConnector) ehlo(state encryption, r *receiver) EHLO {
	w := &ehloWriter{c: c, lines: EHLO{}}
	w.size(r)
	w.extensions(ExtensionPipelining | ExtensionDSN | ExtensionEnhancedStatusCodes)
	w.security(state, r)
	w.extensions(Extension8BitMIME | ExtensionBinaryMIME | ExtensionChunking)
	w.utf8(r)
	if c.OrarEnabled {
		w.add("XORAR", basisOptional, w.missing(PropertyExtensions))
	}
	if c.LongAddressesEnabled {
		w.add("XLONGADDR", basisOptional, w.missing(PropertyExtensions))
	}
	if c.AuthMechanism.Has(AuthExchangeServer) {
		w.internal(r)
	}
	return w.lines
}

func (w *ehloWriter) size(r *receiver) {
	doubt := w.missing(PropertySizeEnabled)
	switch w.c.SizeEnabled {
	case SizeDisabled:
	case SizeEnabledWithoutValue:
		w.add("SIZE", basisSize, doubt)
	default:
		size := w.c.MaxMessageSize
		if size == 0 && !w.c.Missing.Has(PropertyMaxMessageSize) {
			size = defaultMessageSize(r.generation)
		}
		if size == 0 {
			w.add("SIZE", basisSize, doubt|DoubtMissing)
			return
		}
		w.add("SIZE "+strconv.FormatUint(uint64(size), 10), basisSize, doubt)
	}
}

func (w *ehloWriter) security(state encryption, r *receiver) {
	c := w.c
	if state == inClear && c.offersSTARTTLS(r) {
		w.add("STARTTLS", basisSTARTTLS, 0)
	}
	if state == inClear && c.offersXAnonymousTLS(r) {
		w.add("X-ANONYMOUSTLS", basisAnonymous, c.doubtXAnonymousTLS(r))
	}
	if names := c.mechanisms(state); len(names) > 0 {
		w.add("AUTH "+strings.Join(names, " "), basisAUTH, w.missing(PropertyEnableAuthGSSAPI))
	}
	if !c.AuthMechanism.Has(AuthExchangeServer) {
		return
	}
	switch {
	case r.edge:
		w.add("X-EXPS NTLM", basisEXPSEdge, 0)
	case state == byXAnonymousTLS:
		w.add("X-EXPS EXCHANGEAUTH GSSAPI NTLM", basisEXCHANGE, 0)
		w.add("X-EXCHANGEAUTH SHA256", basisEXCHANGE, 0)
	default:
		w.add("X-EXPS GSSAPI NTLM", basisEXPS, 0)
	}
}

func (w *ehloWriter) utf8(r *receiver) {
	if w.c.DisabledExtensions.Has(ExtensionSMTPUTF8) {
		return
	}
	doubt := w.missing(PropertyExtensions)
	switch r.generation {
	case Generation2007, Generation2010, Generation2013:
		return
	case Generation2016, later, 0:
		doubt |= DoubtVersion
	}
	w.add("SMTPUTF8", basisSMTPUTF8, doubt)
}

// internal adds what Exchange servers say to each other.
func (w *ehloWriter) internal(r *receiver) {
	shadow, recorded := "XSHADOWREQUEST", Doubt(0) // recorded: by whom traces show these lines
	switch r.generation {
	case Generation2007:
		shadow, recorded = "", DoubtVersion
	case Generation2010:
		shadow = "XSHADOW"
	case 0:
		shadow, recorded = "XSHADOW", DoubtVersion
	}
	basis := basisHubLines
	switch {
	case r.edge:
		if basis = basisEdgeLines; r.generation != Generation2010 {
			recorded = DoubtVersion
		}
		w.add("XEXCH50", basis, recorded)
	case w.c.TransportRole == FrontendTransport:
		w.add("XRDST", basis, 0)
		return
	default:
		role := w.missing(PropertyTransportRole)
		if w.c.TransportRole == 0 && r.generation >= Generation2013 { // of mailbox delivery, or not told
			role = DoubtMissing
		}
		w.add("XEXCH50", basis, role|recorded)
		w.add("XRDST", basis, recorded)
		recorded |= role
	}
	if shadow != "" {
		w.add(shadow, basis, recorded)
	}
}
