// Rcselect tells which receive connector serves a connection, why each other one does not, and what the peer gets there.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/examples/internal/input"
)

const usage = `usage: rcselect [-server S] [-local A:P] -remote IP|- [-peer KIND] [-format FORM] [-o FILE] FILE...

Without -server every server is asked. Without -local the question is about port 25 at the server's own addresses, or,
where they are not known, at every endpoint its connectors tell apart. -remote - reads one address a line. With -peer
the answer goes on with the session: what EHLO offers, and what becomes of each step. Of an Exchange server at the
address the files tell whether it may authenticate in clear.

  rcselect -server EX01 -remote 192.168.1.75 connectors.xml
  rcselect -server EX01 -remote 192.168.1.75 -peer anonymous -tls ifoffered connectors.xml
  rcselect -local 0.0.0.0:587 -remote - -format json connectors.json < addresses.txt
  rcselect -remote 10.0.5.0/24 connectors.xml          do all of them reach one connector, and which?
  rcselect -remote 10.0.5.7 -format html -o why.html connectors.xml   a page with a map of who answers whom
  rcselect -remote firewall topology.json              the same of a network of the topology

exit status: 0 answered, even if the answer is a refusal; 2 unusable input

`

const portSMTP = 25

// question is what the arguments ask.
type question struct {
	server string
	local  netip.AddrPort // invalid: every endpoint on port 25
	batch  bool
	peer   *connector.Peer // nil: the decision alone is asked for
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o input.Options
	flags := input.Flags("rcselect", stderr, &o)
	var q question
	remote := ""
	flags.StringVar(&q.server, "server", "", "name of the server that is connected to")
	flags.StringVar(&remote, "remote", "", "address of the client, a range, or the name of a network of the topology; - reads addresses, one a line, from standard input")
	flags.Func("local", "endpoint that is connected to: `A:P`", func(s string) (err error) {
		q.local, err = connector.ParseBinding(s)
		return err
	})
	var peer connector.Peer
	asked := false
	flags.Func("peer", "what connects: exchangeserver, edge, unifiedmessaging, crossforest, anonymous, user or partner", func(s string) (err error) {
		peer.Kind, err = connector.ParsePeerKind(s)
		asked = true
		return err
	})
	flags.Func("tls", "what a client does about STARTTLS: never, ifoffered or insists (default never)", func(s string) (err error) {
		peer.TLS, err = connector.ParseTLSPolicy(s)
		return err
	})
	files, status, done := input.Parse(flags, usage, args)
	if done {
		return status
	}
	if remote == "" || len(files) == 0 {
		fmt.Fprintln(stderr, "rcselect: -remote and a file are needed; -h shows an example")
		return input.ExitUnusable
	}
	if asked {
		q.peer = &peer
	}
	if client := asked && peer.Kind >= connector.PeerAnonymous; peer.TLS != connector.TLSNever && !client {
		fmt.Fprintln(stderr, "rcselect: -tls says what a client does: -peer anonymous, user or partner")
		return input.ExitUnusable
	}
	t, ok := input.Read(files, o.Addresses, stderr)
	if !ok || !input.Answerable(t, files, stderr) {
		return input.ExitUnusable
	}
	x, err := connector.Compile(t)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	if name, sources, ok := several(t, remote); ok {
		if q.peer != nil {
			fmt.Fprintln(stderr, "rcselect: -peer is about one address")
			return input.ExitUnusable
		}
		return o.Write(stdout, stderr, files, func(out io.Writer) int {
			return end(o.Format.Answers(out, report.Answers{Topology: t, Shares: shares(t, x, q, name, sources)}), stderr)
		})
	}
	if _, err := netip.ParseAddr(strings.TrimSpace(remote)); err != nil && remote != "-" {
		fmt.Fprintf(stderr, "rcselect: -remote %s: neither an address nor a range, and no network of the files\n", remote)
		return input.ExitUnusable
	}
	lines := io.Reader(strings.NewReader(remote))
	name := "-remote"
	if q.batch = remote == "-"; q.batch {
		lines, name = stdin, "standard input"
	}
	return o.Write(stdout, stderr, files, func(out io.Writer) int {
		return end(answerAll(out, lines, name, t, x, q, o.Format), stderr)
	})
}

// end tells what is wrong, and returns the exit status.
func end(err error, stderr io.Writer) int {
	if err != nil {
		fmt.Fprintln(stderr, err)
		return input.ExitUnusable
	}
	return input.ExitFine
}

// several tells whether the question is about many sources: a range of more than one address, or a network of the topology.
func several(t *connector.Topology, remote string) (name string, sources []connector.Range, ok bool) {
	if r, err := connector.ParseRange(remote); err == nil {
		return r.String(), []connector.Range{r}, !r.IsSingle()
	}
	for _, n := range t.Networks {
		if strings.EqualFold(n.Name, remote) {
			name, sources, ok = n.Name, append(sources, n.Ranges...), true
		}
	}
	return name, sources, ok
}

// shares tells which connectors many sources reach, at each local endpoint that the question is about and in each family.
func shares(t *connector.Topology, x *connector.Index, q question, name string, sources []connector.Range) (all []report.Shares) {
	servers := x.Servers()
	if q.server != "" {
		servers = []string{q.server}
	}
	for _, server := range servers {
		for _, v4 := range []bool{true, false} {
			i := slices.IndexFunc(sources, func(r connector.Range) bool { return r.Span().From().Is4() == v4 })
			if i < 0 {
				continue
			}
			for _, local := range locals(t, x, q, server, sources[i].Span().From()) {
				all = append(all, report.Shares{Name: name, Server: server, Local: local.String(), Shares: x.Shares(server, local, sources...)})
			}
		}
	}
	return all
}

// answerAll answers for each address in lines; empty lines and those that begin with # are passed over. But for a page, which has all answers,
// each is written as soon as it is there.
func answerAll(w io.Writer, lines io.Reader, name string, t *connector.Topology, x *connector.Index, q question, f report.Format) error {
	all := report.Answers{Topology: t, Brief: q.batch}
	buffer := bufio.NewWriter(w)
	w, terminal := io.Writer(buffer), w
	if t, ok := terminal.(report.Terminal); ok {
		w = report.Terminal{Writer: buffer, Width: t.Width, Colour: t.Colour}
	}
	defer buffer.Flush()
	scanner := bufio.NewScanner(lines)
	for n := 1; scanner.Scan(); n++ {
		text := strings.TrimSpace(scanner.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		remote, err := netip.ParseAddr(text)
		if err != nil {
			return &connector.ModelError{Source: connector.Source{File: name, Line: n}, Err: err}
		}
		for _, e := range answers(t, x, q, remote) {
			if q.peer != nil {
				all.Verdicts = append(all.Verdicts, x.Simulate(e.Conn, known(t, *q.peer, e.Conn.Remote)))
			} else {
				all.Explanations = append(all.Explanations, e)
			}
		}
		if f != report.HTML {
			if err := f.Answers(w, all); err != nil {
				return err
			}
			all.Verdicts, all.Explanations = nil, nil
		}
	}
	if f == report.HTML {
		if err := f.Answers(w, all); err != nil {
			return err
		}
	}
	return errors.Join(scanner.Err(), buffer.Flush())
}

// known adds to a peer what the topology tells of the server that has the address.
func known(t *connector.Topology, p connector.Peer, remote netip.Addr) connector.Peer {
	for _, s := range t.AllServers() {
		if slices.Contains(s.Addresses, remote.Unmap()) {
			server := connector.Flow{ExchangeAuth: true}.Peer(s)
			server.Kind, server.TLS = p.Kind, p.TLS
			return server
		}
	}
	return p
}

// answers asks every server and endpoint the question is about. Endpoints of a server with one answer are asked once.
func answers(t *connector.Topology, x *connector.Index, q question, remote netip.Addr) []*connector.Explanation {
	servers := x.Servers()
	if q.server != "" {
		servers = []string{q.server}
	}
	var es []*connector.Explanation
	for _, server := range servers {
		seen := make(map[connector.Match]bool)
		for _, local := range locals(t, x, q, server, remote) {
			c := connector.Conn{Server: server, Local: local, Remote: remote}
			if m := x.Select(c); !seen[m] {
				seen[m] = true
				es = append(es, x.Explain(c))
			}
		}
	}
	return es
}

// locals returns the local endpoints the question is about, of the client's family.
func locals(t *connector.Topology, x *connector.Index, q question, server string, remote netip.Addr) []netip.AddrPort {
	if q.local.IsValid() {
		return []netip.AddrPort{q.local}
	}
	v4 := remote.Unmap().Is4()
	var ls []netip.AddrPort
	s, _ := t.Server(server)
	for _, a := range s.Addresses {
		if a.Is4() == v4 {
			ls = append(ls, netip.AddrPortFrom(a, portSMTP))
		}
	}
	if len(ls) > 0 {
		return ls
	}
	for _, e := range x.Endpoints(server) {
		if e.Port() == portSMTP && e.Addr().Is4() == v4 {
			ls = append(ls, e)
		}
	}
	if len(ls) > 0 {
		return ls
	}
	wildcard := netip.IPv6Unspecified()
	if v4 {
		wildcard = netip.IPv4Unspecified()
	}
	return []netip.AddrPort{netip.AddrPortFrom(wildcard, portSMTP)}
}
