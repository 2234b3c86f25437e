// Package genlog writes SMTP receive logs of invented servers, as long as one likes, with deviations from the configuration planted in them.
package genlog

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/oracle"
)

// Client is who connects in a log: the connector that the log names is that of the topology, unless a deviation is planted.
type Client struct {
	Server    string
	Local     netip.AddrPort
	Remote    netip.Addr
	Connector connector.ID
	Planted   string // the name of the judgement that a replay must reach; empty for agreement
	Behaviour int
}

// What a client does.
const (
	Relays   = iota // sends in clear without authenticating
	Encrypts        // takes STARTTLS and sends
	LogsIn          // takes STARTTLS, authenticates with AUTH LOGIN and sends
	Exchange        // takes X-ANONYMOUSTLS, authenticates with X-EXPS EXCHANGEAUTH and sends
	GivesUp         // an Exchange server that finds nothing to authenticate with, and quits
	Refused         // asks for relay and is refused
)

// Topology returns servers of Exchange 2019 in two sites, each with the connectors of setup, a relay for a network, one for some printers
// in it, and two connectors that tie.
func Topology(servers int) *connector.Topology {
	t := &connector.Topology{}
	all := func(bindings ...string) (list []netip.AddrPort) {
		for _, b := range bindings {
			list = append(list, connector.MustParseBinding(b))
		}
		return list
	}
	for i := range servers {
		s := connector.Server{Name: fmt.Sprintf("EX%02d", i+1), Site: []string{"Vienna", "Graz"}[i%2], Version: connector.MustParseVersion("15.2.1544.4"),
			Addresses: []netip.Addr{Address(i)}}
		s.FQDN = fmt.Sprintf("ex%02d.corp.example", i+1)
		t.Servers = append(t.Servers, s)
		t.Connectors = append(t.Connectors, connector.DefaultConnectors(s)...)
		for _, c := range []struct {
			name   string
			ranges []string
		}{
			{"Relay", []string{fmt.Sprintf("10.%d.0.0/16", 20+i), "192.168.0.0/24"}},
			{"Printers, 2nd floor", []string{fmt.Sprintf("10.%d.7.0-10.%d.7.31", 20+i, 20+i), "192.168.7.77"}},
			{"Left", []string{"172.16.0.0/24"}},
			{"Right", []string{"172.16.0.0-172.16.0.255"}},
		} {
			r := connector.ReceiveConnector{ID: connector.ID{Server: s.Name, Name: c.name}, TransportRole: connector.FrontendTransport, Bindings: all("0.0.0.0:25"),
				PermissionGroups: connector.GroupAnonymousUsers, FQDN: s.FQDN}
			for _, text := range c.ranges {
				r.RemoteIPRanges = append(r.RemoteIPRanges, connector.MustParseRange(text))
			}
			t.Connectors = append(t.Connectors, r)
		}
	}
	return t
}

// Address is that of the i-th server.
func Address(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 1, 0, byte(11 + i)}) }

// Clients returns some of every kind for every server of a topology of this package, each decided by the oracle; with planted, the
// deviations as well.
func Clients(r *rand.Rand, t *connector.Topology, each int, planted bool) (clients []Client) {
	add := func(c Client) {
		d := oracle.Select(t, connector.Conn{Server: c.Server, Local: c.Local, Remote: c.Remote}, oracle.Mistakes{})
		if c.Connector.IsZero() {
			c.Connector = d.Connector
		}
		clients = append(clients, c)
	}
	for i, s := range t.Servers {
		v4, v6 := s.Addresses[0], netip.MustParseAddr(fmt.Sprintf("2001:db8:1::%x", 0x11+i))
		at := func(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }
		host := func(pattern string, args ...any) netip.Addr {
			return netip.MustParseAddr(fmt.Sprintf(pattern, args...))
		}
		for range each {
			add(Client{Server: s.Name, Local: at(v4, 25), Remote: host("10.%d.%d.%d", 20+i, r.IntN(6), 1+r.IntN(254)), Behaviour: Relays})
			add(Client{Server: s.Name, Local: at(v4, 25), Remote: host("10.%d.7.%d", 20+i, r.IntN(32)), Behaviour: Relays})
			add(Client{Server: s.Name, Local: at(v4, 25), Remote: host("198.51.%d.%d", r.IntN(256), r.IntN(256)), Behaviour: Encrypts})
			add(Client{Server: s.Name, Local: at(v4, 25), Remote: host("203.0.%d.%d", r.IntN(256), r.IntN(256)), Behaviour: Refused})
			add(Client{Server: s.Name, Local: at(v6, 25), Remote: host("2001:db8:%x::%x", 2+r.IntN(9), 1+r.IntN(999)), Behaviour: Encrypts})
			add(Client{Server: s.Name, Local: at(v4, 587), Remote: host("10.%d.9.%d", 20+i, r.IntN(256)), Behaviour: LogsIn})
		}
		for j, o := range t.Servers {
			if i != j {
				add(Client{Server: s.Name, Local: at(v4, 2525), Remote: o.Addresses[0], Behaviour: Exchange})
			}
		}
		if !planted {
			continue
		}
		plant := func(judgement, name string, local netip.AddrPort, remote netip.Addr) {
			add(Client{Server: s.Name, Local: local, Remote: remote, Connector: connector.ID{Server: s.Name, Name: name}, Planted: judgement, Behaviour: Relays})
		}
		plant("Tie", "Right", at(v4, 25), host("172.16.0.%d", 1+i))
		plant("NotInRange", "Printers, 2nd floor", at(v4, 25), host("10.%d.8.8", 20+i))
		plant("Narrower", "Default Frontend "+s.Name, at(v4, 25), host("10.%d.5.255", 20+i))
		plant("NotBound", "Client Frontend "+s.Name, at(v4, 25), host("198.18.0.%d", 1+i))
		plant("UnknownConnector", "Former Relay", at(v4, 25), host("198.19.0.%d", 1+i))
		clients = append(clients, Client{Server: "OLD" + s.Name, Local: at(v4, 25), Remote: host("198.19.1.%d", 1+i),
			Connector: connector.ID{Server: "OLD" + s.Name, Name: "Default"}, Planted: "UnknownServer", Behaviour: Relays})
	}
	return clients
}

// Header is what every file begins with.
const Header = "#Software: Microsoft Exchange Server\r\n#Version: 15.02.1544.004\r\n#Log-type: SMTP Receive Protocol Log\r\n#Date: 2026-11-16T00:00:00.000Z\r\n" +
	"#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context\r\n"

// Truth is what was written.
type Truth struct {
	Lines, Sessions, Messages int
	Planted                   map[string]int // sessions, by judgement; "" are those that agree
}

// session is one that is being written.
type session struct {
	head, ends []byte // connector,session, and local,remote,
	tails      [][]byte
	next       int
}

// Writer writes a log.
type Writer struct {
	Clients []Client
	Live    int           // sessions at a time; 12 if zero
	Pace    time.Duration // between lines, at most; 9 ms if zero
	Truth   Truth

	r    *rand.Rand
	id   uint64
	now  time.Time
	live []*session
	free []*session
}

// NewWriter returns a Writer with a fixed seed. The log begins on 2026-11-16.
func NewWriter(seed uint64, clients []Client) *Writer {
	return &Writer{Clients: clients, Truth: Truth{Planted: make(map[string]int)}, r: rand.New(rand.NewPCG(seed, 8)), id: 0x08DE249B_00000000 + seed<<24,
		now: time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)}
}

// Write writes at least n lines, with a header in front and every 100,000 lines, and ends every session.
func (l *Writer) Write(w io.Writer, n int) error {
	b := bufio.NewWriterSize(w, 1<<18)
	live, pace := l.Live, l.Pace
	if live == 0 {
		live = 12
	}
	if pace == 0 {
		pace = 9 * time.Millisecond
	}
	var line []byte
	for lines := 0; ; {
		for lines < n && len(l.live) < live {
			l.live = append(l.live, l.begin())
		}
		if len(l.live) == 0 {
			l.Truth.Lines += lines
			return b.Flush()
		}
		i := l.r.IntN(len(l.live))
		s := l.live[i]
		for k := 1 + l.r.IntN(4); k > 0 && s.next < len(s.tails); k-- {
			if lines%100_000 == 0 {
				if _, err := b.WriteString(Header); err != nil {
					return err
				}
			}
			l.now = l.now.Add(time.Duration(l.r.Int64N(int64(pace))))
			line = append(l.now.AppendFormat(line[:0], "2006-01-02T15:04:05.000Z"), ',')
			line = append(line, s.head...)
			line = append(strconv.AppendInt(line, int64(s.next), 10), ',')
			line = append(append(line, s.ends...), s.tails[s.next]...)
			if _, err := b.Write(append(line, "\r\n"...)); err != nil {
				return err
			}
			s.next++
			lines++
		}
		if s.next == len(s.tails) {
			l.live = slices.Delete(l.live, i, i+1)
			l.free = append(l.free, s)
		}
	}
}

func (l *Writer) begin() *session {
	c := &l.Clients[l.r.IntN(len(l.Clients))]
	s := &session{}
	if n := len(l.free); n > 0 {
		s, l.free = l.free[n-1], l.free[:n-1]
	}
	s.next, s.tails = 0, s.tails[:0]
	l.id += 1 + l.r.Uint64N(4096)
	s.head = fmt.Appendf(s.head[:0], "%s,%016X,", quote(c.Connector.String()), l.id)
	s.ends = fmt.Appendf(s.ends[:0], "%s,%s,", c.Local, netip.AddrPortFrom(c.Remote, uint16(1024+l.r.IntN(60000))))
	l.Truth.Sessions++
	l.Truth.Planted[c.Planted]++
	l.script(s, c)
	return s
}

// quote writes a field as Exchange does.
func quote(s string) string {
	for _, c := range s {
		if c == ',' {
			return `"` + s + `"`
		}
	}
	return s
}

const (
	basics      = " SIZE 37748736 PIPELINING DSN ENHANCEDSTATUSCODES"
	afterBasics = " 8BITMIME BINARYMIME CHUNKING XRDST,"
)

func (l *Writer) script(s *session, c *Client) {
	say := func(format string, args ...any) {
		if n := len(s.tails); n < cap(s.tails) {
			s.tails = s.tails[:n+1]
			s.tails[n] = fmt.Appendf(s.tails[n][:0], format, args...)
			return
		}
		s.tails = append(s.tails, fmt.Appendf(nil, format, args...))
	}
	hello := fmt.Sprintf("host-%d.corp.example", c.Remote.As16()[15])
	greet := func(offer string) {
		say("<,EHLO %s,", hello)
		say(">,250  mail.corp.example Hello [%s]%s%s%s", c.Remote, basics, offer, afterBasics)
	}
	say("+,,")
	say(`>,"220 mail.corp.example Microsoft ESMTP MAIL Service ready at Mon, 16 Nov 2026 %02d:%02d:%02d +0100",`, l.r.IntN(24), l.r.IntN(60), l.r.IntN(60))
	switch c.Behaviour {
	case Relays, Refused:
		greet("")
		say("*,SMTPSubmit SMTPAcceptAnyRecipient SMTPAcceptAnySender AcceptRoutingHeaders,Set Session Permissions")
	case Encrypts, LogsIn:
		greet(" STARTTLS")
		say("<,STARTTLS,")
		say(">,220 2.0.0 SMTP server ready,")
		say(`*,,"TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded using bulk encryption algorithm CALG_AES_256 with strength 256 bits, MAC hash algorithm CALG_SHA_384"`)
		greet(" AUTH LOGIN")
	case Exchange:
		hello = fmt.Sprintf("ex%02d.corp.example", c.Remote.As4()[3]-10)
		greet(" STARTTLS X-ANONYMOUSTLS AUTH NTLM X-EXPS GSSAPI NTLM")
		say("<,X-ANONYMOUSTLS,")
		say(">,220 2.0.0 SMTP server ready,")
		greet(" AUTH NTLM LOGIN X-EXPS EXCHANGEAUTH GSSAPI NTLM X-EXCHANGEAUTH SHA256")
		say("<,X-EXPS EXCHANGEAUTH SHA256,")
		say(">,235 <authentication response>,")
	case GivesUp:
		hello = fmt.Sprintf("ex%02d.corp.example", c.Remote.As4()[3]-10)
		greet("")
	}
	if c.Behaviour == LogsIn {
		say("<,AUTH LOGIN,")
		say(">,334 <authentication response>,")
		say(">,235 2.7.0 Authentication successful,")
	}
	switch c.Behaviour {
	case GivesUp:
	case Refused:
		say("<,MAIL FROM:<someone@example.net>,")
		say(">,250 2.1.0 Sender OK,")
		say("<,RCPT TO:<user%d@example.org>,", l.r.IntN(5000))
		say(">,550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain,")
	default:
		say("<,MAIL FROM:<app-%d@example.com> SIZE=%d,", l.r.IntN(900), 500+l.r.IntN(90000))
		say("*,%s;2026-11-16T00:00:00.113Z;1,receiving message", s.head[len(s.head)-17:len(s.head)-1])
		say("<,RCPT TO:<user%d@example.com>,", l.r.IntN(5000))
		say(">,250 2.1.0 Sender OK,")
		say(">,250 2.1.5 Recipient OK,")
		say("<,DATA,")
		say(">,354 Start mail input; end with <CRLF>.<CRLF>,")
		say(`>,"250 2.6.0 <%016x.%d@%s> [InternalId=%d, Hostname=ex.corp.example] %d bytes in 0.%03d, %d.%03d KB/sec Queued mail for delivery",`,
			l.r.Uint64(), l.r.IntN(1e6), hello, l.r.Uint64()>>16, l.r.IntN(90000), l.r.IntN(1000), l.r.IntN(90), l.r.IntN(1000))
		l.Truth.Messages++
	}
	say("<,QUIT,")
	say(">,221 2.0.0 Service closing transmission channel,")
	say("-,,Local")
}
