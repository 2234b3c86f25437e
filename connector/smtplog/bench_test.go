package smtplog

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/genlog"
)

// benchLog is a log of about 60 MB, with what is to be found in it.
func benchLog(b *testing.B) ([]byte, genlog.Truth, *connector.Topology) {
	top := genlog.Topology(20)
	w := genlog.NewWriter(1, genlog.Clients(gen.Rand(1), top, 5, false))
	var log bytes.Buffer
	require.NoError(b, w.Write(&log, 400_000))
	return log.Bytes(), w.Truth, top
}

// BenchmarkRead reads a log into Traffic: as Reader does; with encoding/csv in place of this package's reading and everything else the same;
// with encoding/csv and nothing but sessions and messages counted by client, as a script would; and it counts the bytes and the lines.
func BenchmarkRead(b *testing.B) {
	log, truth, _ := benchLog(b)
	run := func(name string, read func() int, want int) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				if got := read(); got != want {
					b.Fatal(got, want)
				}
			}
		})
	}
	traffic := func(parts [][]byte) int {
		done := make(chan *Traffic)
		for i, part := range parts {
			go func() {
				var r Reader
				_ = r.Read(fmt.Sprint(i), bytes.NewReader(part)) // memory does not fail
				done <- r.Traffic()
			}()
		}
		sum := new(Traffic)
		for range parts {
			sum.Merge(<-done)
		}
		total := sum.Total()
		return total.Messages
	}
	half := bytes.LastIndexByte(log[:len(log)/2], '\n') + 1
	run("impl=ours/cores=1", func() int { return traffic([][]byte{log}) }, truth.Messages)
	run("impl=ours/cores=2", func() int { return traffic([][]byte{log[:half], log[half:]}) }, truth.Messages)
	run("impl=csv/cores=1", func() int { return csvTraffic(b, log) }, truth.Messages)
	run("impl=script/cores=1", func() int { return csvMessages(log) }, truth.Messages)
	run("impl=sessions/cores=1", func() (n int) {
		for s := range Sessions("RECV.LOG", bytes.NewReader(log)) {
			n += s.Messages
		}
		return n
	}, truth.Messages)
	run("impl=lines/cores=1", func() int { return bytes.Count(log, []byte("\n")) }, bytes.Count(log, []byte("\n")))
}

// csvTraffic does the same work as a Reader, with encoding/csv to take lines apart.
func csvTraffic(b *testing.B, log []byte) int {
	var r Reader
	r.init()
	t := r.tracker
	r.tracker.direction = Receive
	c := newCSV(log)
	var f fields
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(b, err)
		for i := range f {
			f[i] = append(f[i][:0], record[i]...)
		}
		at, ok := t.parse(f[dateTime])
		e, known := event(f[eventColumn])
		if !ok || !known {
			b.Fatal(record)
		}
		t.now = at
		if err := t.record(nil, &f, e); err != nil {
			b.Fatal(err)
		}
	}
	total := r.Traffic().Total()
	return total.Messages
}

func newCSV(log []byte) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(log))
	r.ReuseRecord, r.Comment = true, '#'
	return r
}

// csvMessages is what one writes without this package, and tells far less.
func csvMessages(log []byte) (messages int) {
	type client struct {
		connector string
		local     netip.AddrPort
		remote    netip.Addr
	}
	type counts struct{ sessions, messages int }
	clients := make(map[client]*counts)
	sessions := make(map[string]*counts)
	r := newCSV(log)
	for {
		f, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return -1
		}
		key := f[sessionID] + f[remoteEndpoint]
		c := sessions[key]
		if c == nil {
			local, _ := netip.ParseAddrPort(f[localEndpoint])
			remote, _ := netip.ParseAddrPort(f[remoteEndpoint])
			k := client{f[connectorID], local, remote.Addr()}
			if clients[k] == nil {
				clients[k] = new(counts)
			}
			c = clients[k]
			c.sessions++
			sessions[key] = c
		}
		switch f[eventColumn] {
		case ">":
			if bytes.HasPrefix([]byte(f[dataColumn]), queued) {
				c.messages++
			}
		case "-":
			delete(sessions, key)
		}
	}
	for _, c := range clients {
		messages += c.messages
	}
	return messages
}

// BenchmarkReplay judges what was read.
func BenchmarkReplay(b *testing.B) {
	log, truth, top := benchLog(b)
	var r Reader
	require.NoError(b, r.Read("RECV.LOG", bytes.NewReader(log)))
	traffic := r.Traffic()
	x, err := connector.Compile(top)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if replay := traffic.Replay(x); replay.Agreed != truth.Sessions {
			b.Fatal(replay.Agreed, truth.Sessions)
		}
	}
}
