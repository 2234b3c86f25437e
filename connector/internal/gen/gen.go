// Package gen makes random topologies in a small closed universe of addresses, so that a property can be checked at
// every one of them.
package gen

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Rand returns a source of randomness with a fixed seed.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5eed)) }

// FromBytes returns a source of randomness that is read off b, for fuzzers. Behind the end of b it goes on with a fixed
// sequence, because a source that repeats itself would make some draws endless.
func FromBytes(b []byte) *rand.Rand { return rand.New(&byteSource{b, rand.NewPCG(0, 0)}) }

type byteSource struct {
	rest   []byte
	behind *rand.PCG
}

func (s *byteSource) Uint64() uint64 {
	if len(s.rest) == 0 {
		return s.behind.Uint64()
	}
	v := uint64(s.rest[0]) << 56 // a draw looks at the high bits
	s.rest = s.rest[1:]
	return v | s.behind.Uint64()>>8
}

// Universe yields the 256 addresses of one family that topologies are about.
func Universe(v4 bool) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for i := range 256 {
			if !yield(Addr(v4, i)) {
				return
			}
		}
	}
}

// Addr returns the i-th address of the universe.
func Addr(v4 bool, i int) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
	}
	return netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i)})
}

// Locals are the local addresses that bindings and questions use.
var locals = []netip.Addr{
	netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::"),
	netip.MustParseAddr("192.168.0.1"), netip.MustParseAddr("192.168.0.2"), netip.MustParseAddr("fd01::1"),
}

var ports = []uint16{25, 25, 25, 25, 587, 475}

// Locals yields every local endpoint worth asking about: those that bindings can name, an address that none names, and a
// port that none names.
func Locals() iter.Seq[netip.AddrPort] {
	return func(yield func(netip.AddrPort) bool) {
		seen := make(map[netip.Addr]bool)
		for _, a := range append([]netip.Addr{netip.MustParseAddr("192.168.0.99"), netip.MustParseAddr("fd01::99")}, locals...) {
			if seen[a] {
				continue
			}
			seen[a] = true
			for _, p := range []uint16{25, 475, 587, 2525} {
				if !yield(netip.AddrPortFrom(a, p)) {
					return
				}
			}
		}
	}
}

// Topology returns 1 to 4 servers with 0 to 8 connectors each. Ranges are nested, disjoint, touching, equal and partly
// overlapping, of all four forms and both families.
func Topology(r *rand.Rand) *connector.Topology {
	t := &connector.Topology{}
	for s := range 1 + r.IntN(4) {
		name := fmt.Sprintf("EX%02d", s+1)
		if r.IntN(2) == 0 {
			s := connector.Server{Name: name, Addresses: []netip.Addr{Addr(true, r.IntN(256))}}
			if r.IntN(3) == 0 {
				s.Version = connector.MustParseVersion([]string{"2010", "2013", "2016"}[r.IntN(3)])
				s.Roles = []connector.ServerRoles{0, connector.RoleMailbox, connector.RoleClientAccess, connector.RoleEdge}[r.IntN(4)]
			}
			t.Servers = append(t.Servers, s)
		}
		mixed := r.IntN(6) == 0
		for c := range r.IntN(9) {
			t.Connectors = append(t.Connectors, Connector(r, connector.ID{Server: name, Name: fmt.Sprintf("C%d", c+1)}, mixed))
		}
	}
	r.Shuffle(len(t.Connectors), func(i, j int) { t.Connectors[i], t.Connectors[j] = t.Connectors[j], t.Connectors[i] })
	return t
}

// Connector returns a random connector; mixed draws its transport role as well.
func Connector(r *rand.Rand, id connector.ID, mixed bool) connector.ReceiveConnector {
	c := connector.ReceiveConnector{ID: id, Disabled: r.IntN(8) == 0}
	if mixed {
		c.TransportRole = []connector.TransportRole{0, connector.HubTransport, connector.FrontendTransport}[r.IntN(3)]
	}
	for range r.IntN(4) {
		c.Bindings = append(c.Bindings, netip.AddrPortFrom(locals[r.IntN(len(locals))], ports[r.IntN(len(ports))]))
	}
	for range r.IntN(5) {
		c.RemoteIPRanges = append(c.RemoteIPRanges, Range(r))
	}
	if r.IntN(2) == 0 {
		c.AuthMechanism, c.PermissionGroups = connector.AuthTLS|connector.AuthExchangeServer, connector.GroupExchangeServers
	}
	return c
}

// Range returns a random range, mostly inside the universe.
func Range(r *rand.Rand) connector.Range {
	v4 := r.IntN(3) != 0
	text := ""
	switch a := r.IntN(256); r.IntN(8) {
	case 0:
		text = map[bool]string{true: "0.0.0.0-255.255.255.255", false: "::/0"}[v4]
	case 1, 2:
		text = Addr(v4, a).String()
	case 3, 4:
		bits := map[bool]int{true: 32, false: 128}[v4] - r.IntN(9)
		text = fmt.Sprintf("%s/%d", Addr(v4, a), bits)
	case 5:
		if v4 {
			text = fmt.Sprintf("%s(255.255.255.%d)", Addr(v4, a), (256-1<<r.IntN(9))&0xff)
			break
		}
		fallthrough
	default:
		b := min(255, a+r.IntN(40))
		text = Addr(v4, a).String() + "-" + Addr(v4, b).String()
	}
	return connector.MustParseRange(text)
}

// Organization returns a random topology in which every property is told, as an export of all cmdlets would: connectors with
// names that are awkward to write, rights, servers with everything Exchange knows of them, databases.
func Organization(r *rand.Rand) *connector.Topology {
	t := &connector.Topology{}
	names := []string{"Relay", "Default Frontend", "Relé für Ärzte", `a, "b"; c|d`, "ends in a blank ", "O'Neill & <Sons>", "Реле 2", "x: y", "one rather long name for a connector that the console has to break somewhere"}
	for i := range 1 + r.IntN(4) {
		s := connector.Server{
			Name: fmt.Sprintf("EX%02d", i+1), FQDN: fmt.Sprintf("ex%02d.contoso.com", i+1), Site: fmt.Sprintf("Site %d", r.IntN(2)),
			Version:                connector.MustParseVersion([]string{"14.3.123.4", "15.0.1497.2", "15.1.2507.6", "15.2.1118.40", "15.2.2562.17"}[r.IntN(5)]),
			Roles:                  connector.RoleMailbox | connector.ServerRoles(r.IntN(2))*connector.RoleClientAccess,
			DowngradedExchangeAuth: r.IntN(2) == 0, InternalTransportCertificate: fmt.Sprintf("%040X", r.Uint64()),
		}
		if r.IntN(2) == 0 {
			s.DAG = "DAG1"
		}
		for j := range 1 + r.IntN(2) {
			s.Addresses = append(s.Addresses, Addr(j == 0, 16*i+r.IntN(16)))
		}
		t.Servers = append(t.Servers, s)
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names[:r.IntN(len(names))] {
			t.Connectors = append(t.Connectors, told(r, connector.ID{Server: s.Name, Name: name}))
		}
	}
	for i := range r.IntN(4) {
		d := connector.Database{Name: fmt.Sprintf("DB%d", i), Kind: connector.PublicFolderDatabase}
		if i > 0 && r.IntN(2) == 0 {
			d.Kind = connector.MailboxDatabase
		}
		for _, s := range t.Servers {
			d.Copies = append(d.Copies, s.Name)
		}
		if r.IntN(3) > 0 {
			d.Mounted = d.Copies[r.IntN(len(d.Copies))]
		}
		t.Databases = append(t.Databases, d)
	}
	return t
}

// told returns a random connector of which every property is told, down to the rights that group Custom stands for.
func told(r *rand.Rand, id connector.ID) connector.ReceiveConnector {
	c := Connector(r, id, true)
	coin := func() bool { return r.IntN(2) == 0 }
	c.AuthMechanism = connector.AuthMechanism(r.IntN(64))
	c.PermissionGroups = connector.PermissionGroups(r.IntN(64))
	c.RequireTLS, c.SuppressXAnonymousTLS, c.EnableAuthGSSAPI, c.DomainSecure = coin(), coin(), coin(), coin()
	if coin() {
		c.FQDN = id.Server + ".contoso.com"
	}
	c.SizeEnabled = connector.SizeMode(1 + r.IntN(3))
	c.MaxMessageSize = []connector.ByteSize{10 * connector.MB, 36 * connector.MB, 128*connector.KB + 1, 2 * connector.GB}[r.IntN(4)]
	c.DisabledExtensions = connector.Extensions(r.IntN(128))
	c.OrarEnabled, c.LongAddressesEnabled = coin(), coin()
	if coin() {
		c.ConnectionTimeout, c.ConnectionInactivityTimeout = connector.Day+10*connector.Minute, connector.TimeSpan(1+r.IntN(300))
		c.MaxHopCount, c.MaxLocalHopCount, c.MaxInboundConnectionPerSource = connector.LimitOf(1+r.Uint32N(500)), connector.LimitOf(0), connector.Unlimited
	}
	if c.PermissionGroups.Has(connector.GroupCustom) {
		c.Rights = []connector.Grant{
			{Principal: `NT AUTHORITY\ANONYMOUS LOGON`, Right: "ms-Exch-SMTP-Accept-Any-Recipient", Deny: coin()},
			{Principal: `CONTOSO\relay-svc`, Right: "ms-Exch-Bypass-Anti-Spam"},
		}
	}
	return c
}
