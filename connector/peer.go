package connector

// PeerKind is what connects. The zero PeerKind is [PeerExchangeServer].
type PeerKind uint8

const (
	// PeerExchangeServer is an Exchange server of the organization, which must authenticate as one.
	PeerExchangeServer PeerKind = iota
	// PeerEdge is a subscribed Edge Transport server, which authenticates by direct trust of its certificate.
	PeerEdge
	// PeerUnifiedMessaging is the Unified Messaging service, which asks for X-ANONYMOUSTLS without looking at the offer (observed).
	PeerUnifiedMessaging
	// PeerCrossForest is an Exchange server of another forest, or an Edge Transport server without a subscription: it uses Basic
	// authentication over TLS with an account in Exchange Servers, or a connector that is externally secured (documented).
	PeerCrossForest
	// PeerAnonymous is a client that does not authenticate.
	PeerAnonymous
	// PeerUser is a client that authenticates as a user with AUTH.
	PeerUser
	// PeerPartner is a server of another organization that presents a certificate for domain security.
	PeerPartner
)

var peerNames = [...]string{"ExchangeServer", "Edge", "UnifiedMessaging", "CrossForest", "Anonymous", "User", "Partner"}

// String prints the name of the constant without the word Peer.
func (k PeerKind) String() string {
	if int(k) < len(peerNames) {
		return peerNames[k]
	}
	return ""
}

// ParsePeerKind reads what String prints, in any case. Every error is a [*ParseError].
func ParsePeerKind(s string) (PeerKind, error) { return parseName[PeerKind]("peer", s, peerNames[:]) }

// TLSPolicy is what a client that is no Exchange server of the organization does about STARTTLS. The zero TLSPolicy is
// [TLSNever].
type TLSPolicy uint8

const (
	TLSNever     TLSPolicy = iota // stays in clear
	TLSIfOffered                  // takes STARTTLS where it is offered
	TLSInsists                    // does not go on without
)

var tlsPolicyNames = [...]string{"Never", "IfOffered", "Insists"}

// String prints the name of the constant without the letters TLS.
func (p TLSPolicy) String() string {
	if int(p) < len(tlsPolicyNames) {
		return tlsPolicyNames[p]
	}
	return ""
}

// ParseTLSPolicy reads what String prints, in any case. Every error is a [*ParseError].
func ParseTLSPolicy(s string) (TLSPolicy, error) {
	return parseName[TLSPolicy]("TLS policy", s, tlsPolicyNames[:])
}

// Peer is who connects and what it can do. The zero Peer is an Exchange server of the organization of an unknown version.
type Peer struct {
	Kind    PeerKind
	Version Version // of an Exchange server; unknown is legal. It decides what its queue shows

	// DowngradedExchangeAuth: the Exchange server may authenticate with X-EXPS GSSAPI in clear
	// (UseDowngradedExchangeServerAuth of Set-TransportService, default false).
	DowngradedExchangeAuth bool
	// NoCertificate: the server has no certificate that the other side trusts. Direct trust, to and from Edge Transport servers,
	// and domain security rest on one; Exchange Server authentication between other servers does not (inferred).
	NoCertificate bool

	// KerberosFails: a clock, a service principal name, a trust or a closed port keeps Kerberos from working between the two
	// servers. Direct trust does not need it.
	KerberosFails bool

	TLS TLSPolicy // of a client; Exchange servers of the organization never take STARTTLS (product)

	// Mechanism is how a user authenticates: [AuthIntegrated] or [AuthBasic]; zero is the best that is offered.
	Mechanism AuthMechanism
	// WrongPassword: the user's credentials do not hold.
	WrongPassword bool
}

// exchange tells whether the peer must reach Exchange Server authentication.
func (p Peer) exchange() bool {
	return p.Kind == PeerExchangeServer || p.Kind == PeerEdge || p.Kind == PeerUnifiedMessaging
}

// Authenticates tells whether the peer must authenticate before its mail counts for what it is.
func (p Peer) Authenticates() bool {
	return p.exchange() || p.Kind == PeerCrossForest || p.Kind == PeerUser
}
