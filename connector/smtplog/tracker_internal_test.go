package smtplog

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/genlog"
)

// followed returns everything a tracker tells about a log; careful takes every line apart.
func followed(log []byte, careful bool) (told []string) {
	t := newTracker(
		func(s *live) bool {
			o := s.session()
			o.piece = nil
			told = append(told, fmt.Sprintf("%+v", o))
			if s.piece != nil {
				told = append(told, fmt.Sprintf("%+v", *s.piece))
			}
			return true
		},
		func(e *LineError) bool { told = append(told, e.Error()); return true })
	if careful {
		t.scanner.known = nil
	}
	if err := t.stream("RECV.LOG", bytes.NewReader(log)); err != nil {
		told = append(told, err.Error())
	}
	t.flush()
	return append(told, fmt.Sprint(t.read, t.line))
}

func generated(t testing.TB, lines, live int) []byte {
	top := genlog.Topology(5)
	w := genlog.NewWriter(3, genlog.Clients(gen.Rand(2), top, 5, true))
	w.Live = live
	var log bytes.Buffer
	require.NoError(t, w.Write(&log, lines))
	return log.Bytes()
}

// The quick way to read a line tells the same as taking it apart: of logs with few and many sessions at a time, and of damaged ones.
func TestQuickAndCarefulAgree(t *testing.T) {
	for _, liveSessions := range []int{1, 12, 6000} {
		log := generated(t, 30_000, liveSessions)
		assert.Equal(t, followed(log, true), followed(log, false))
	}
	log := generated(t, 2000, 12)
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		damaged := bytes.Clone(log)
		for range 1 + r.IntN(60) {
			damaged[r.IntN(len(damaged))] = "\x00\"\n,#0-Z\xff"[r.IntN(9)]
		}
		require.Equal(t, followed(damaged, true), followed(damaged, false))
	}
}

func FuzzQuickAndCareful(f *testing.F) {
	f.Add([]byte(genlog.Header + "2026-11-20T08:00:00.000Z,EX01\\R,08DE280000000001,0,10.1.0.11:25,10.0.5.7:1,+,,\n" +
		"2026-11-20T08:00:00.001Z,EX01\\R,08DE280000000001,1,10.1.0.11:25,10.0.5.7:1,<,EHLO a,\n2026-11-20T08:00:00.002Z,EX01\\R,08DE280000000001,2,10.1.0.11:25,10.0.5.7:1,-,,x"))
	f.Add([]byte("2026-11-20T08:00:00.000Z,\"EX01\\a,b\",08DE280000000001,0,10.1.0.11:25,[::1]:1,>,\"250 2.6.0 <a, b> \"\"x\"\"\",\n" +
		"2026-11-20T08:00:00.000Z,\"EX01\\a,b\",08DE280000000001,0,10.1.0.11:25,[::1]:1,>,\"451 5.7.3 Cannot \"\"x\"\", y\",\n"))
	f.Add([]byte("#Log-type: SMTP Send Protocol Log\n2026-11-20T08:00:00.000Z,To,08DE280000000001,0,,10.2.0.1:25,*,,connecting\n2026-11-20T08:00:00.000Z,To,08DE280000000001,1,10.1.0.1:9,10.2.0.1:25,+,,\n"))
	f.Add([]byte("#Fields: session-id,connector-id,date-time,event,remote-endpoint\n1,A\\b,2026-11-20T08:00:00.000Z,+,1.2.3.4:5\n"))
	f.Add([]byte("\xff\xfe#\x00\n\x00"))
	f.Fuzz(func(t *testing.T, log []byte) {
		quick := followed(log, false)
		require.Equal(t, followed(log, true), quick)
		// Records sees the same lines as records, and the same number of problems but for those of sessions.
		records := 0
		for _, err := range Records("RECV.LOG", bytes.NewReader(log)) {
			if err == nil {
				records++
			}
		}
		lines, ended := 0, 0
		for s, err := range Sessions("RECV.LOG", bytes.NewReader(log)) {
			lines += s.Lines
			if err != nil && reason(err) == ErrEnded {
				ended++
			}
		}
		assert.LessOrEqual(t, lines, records)
		assert.GreaterOrEqual(t, lines+ended+1, records-ended) // the last line may be cut off in one and not in the other
	})
}

// A line of a session that is known costs no allocation, whatever it says; nor does counting a session of a client that is known.
func TestKnownLinesDoNotAllocate(t *testing.T) {
	tr := newTracker(func(*live) bool { return true }, func(e *LineError) bool { t.Error(e); return true })
	tr.forget()
	head := `EX01\Relay,08DE280000000001,`
	text := func(seq int, rest string) []byte {
		return fmt.Appendf(nil, "2026-11-20T08:00:%02d.000Z,%s%d,10.1.0.11:25,10.0.5.7:50001,%s", seq, head, seq, rest)
	}
	block := bytes.Join([][]byte{text(0, "+,,"), text(1, "<,EHLO a,"), text(2, ">,250  EX01 Hello [10.0.5.7] SIZE STARTTLS X-EXPS GSSAPI,"),
		text(3, "*,SMTPSubmit SMTPAcceptAnyRecipient,Set Session Permissions"), text(4, "<,AUTH LOGIN,"), text(5, ">,535 5.7.3 Authentication unsuccessful,"),
		text(6, "*,,Inbound AUTH LOGIN failed because of LogonDenied"), text(7, "<,STARTTLS,"), text(8, ">,220 2.0.0 SMTP server ready,"),
		text(9, `*,,"TLS protocol X negotiation succeeded, and more"`), text(10, `>,"250 2.6.0 <a> [InternalId=1, Hostname=b] Queued mail for delivery",`),
		text(11, "<,MAIL FROM:<a@b>,"), text(12, ">,451 4.7.0 Temporary server error,")}, []byte("\n"))
	tr.block(block)
	assert.Zero(t, testing.AllocsPerRun(100, func() { tr.block(block) }))

	w := genlog.NewWriter(3, genlog.Clients(gen.Rand(2), genlog.Topology(5), 5, true))
	var logs []*bytes.Reader
	for range 7 {
		var log bytes.Buffer
		require.NoError(t, w.Write(&log, 20_000))
		logs = append(logs, bytes.NewReader(log.Bytes()))
	}
	var r Reader
	next := func() {
		_ = r.Read("RECV.LOG", logs[0])
		logs = logs[1:]
	}
	next()
	perLine := testing.AllocsPerRun(5, next) / 20_000
	assert.Less(t, perLine, 0.04, "a session has 20 lines; IPv6 endpoints make two allocations")
	assert.Empty(t, r.Traffic().Problems())
}

// Memory does not depend on the length of the log: sessions that never end are handed out once too many are kept, the oldest ones first.
func TestLiveSessionsAreBounded(t *testing.T) {
	const sessions = slots + 3*mostNew
	handed, most := 0, 0
	tr := newTracker(func(s *live) bool { handed++; return true }, func(*LineError) bool { return true })
	r, w := io.Pipe()
	go func() {
		for i := range sessions {
			fmt.Fprintf(w, "2026-11-20T08:00:00.000Z,EX01\\Relay,%016X,0,10.1.0.11:25,10.0.5.7:50001,+,,\n", i*0x9e3779b9)
		}
		w.Close()
	}()
	record := tr.scanner.record
	tr.scanner.record = func(line []byte, f *fields, e Event) error {
		most = max(most, len(tr.young)+len(tr.old))
		return record(line, f, e)
	}
	require.NoError(t, tr.stream("RECV.LOG", r))
	assert.LessOrEqual(t, most, 2*mostNew)
	assert.Positive(t, handed)
	tr.flush()
	assert.Equal(t, sessions, handed)
}

// A session that another one keeps out of its slot is found in either generation, and ends like any other.
func TestSessionsElsewhere(t *testing.T) {
	handed := make(map[string]int)
	tr := newTracker(func(s *live) bool { handed[string(s.id)] = s.Lines; return true }, func(e *LineError) bool { t.Error(e); return true })
	line := func(i, seq int, rest string) string {
		return fmt.Sprintf("2026-11-20T08:00:00.000Z,EX01\\Relay,%016X,%d,10.1.0.11:25,10.0.5.7:50001,%s\n", i*0x9e3779b9, seq, rest)
	}
	const sessions = slots + mostNew + 1000 // the older generation has some, and none is handed out
	var log strings.Builder
	for i := range sessions {
		log.WriteString(line(i, 0, "+,,"))
	}
	require.NoError(t, tr.stream("RECV.LOG", strings.NewReader(log.String())))
	require.Empty(t, handed)
	require.NotEmpty(t, tr.old)
	log.Reset()
	for i := range 200 {
		log.WriteString(line(i, 1, "<,EHLO a,") + line(sessions-1-i, 1, "<,EHLO a,"))
	}
	for _, s := range tr.old {
		log.WriteString("2026-11-20T08:00:00.000Z," + string(s.prefix) + "1," + string(s.ends) + "<,EHLO a,\n")
		break
	}
	for i := range sessions {
		log.WriteString(line(i, 2, "-,,"))
	}
	require.NoError(t, tr.stream("RECV.LOG", strings.NewReader(log.String())))
	assert.Len(t, handed, sessions)
	lines := 0
	for _, n := range handed {
		lines += n
	}
	assert.Equal(t, 2*sessions+401, lines)
	assert.Empty(t, tr.young)
	assert.Empty(t, tr.old)
}

// A session that has been idle for a day gives its slot to another one.
func TestIdleSessionsGo(t *testing.T) {
	var handed []string
	tr := newTracker(func(s *live) bool { handed = append(handed, string(s.id)); return true }, func(*LineError) bool { return true })
	ids := []string{}
	slot := slotOf([]byte("08DE280000000001"))
	for i := 1; len(ids) < 3; i++ {
		if id := fmt.Sprintf("%016X", 0x08DE280000000000+i); slotOf([]byte(id)) == slot {
			ids = append(ids, id)
		}
	}
	line := func(time, id, rest string) string {
		return time + `,EX01\Relay,` + id + ",0,10.1.0.11:25,10.0.5.7:50001," + rest + "\n"
	}
	log := line("2026-11-20T08:00:00.000Z", ids[0], "+,,") + line("2026-11-20T08:00:01.000Z", ids[1], "+,,") + line("2026-11-20T08:00:01.000Z", ids[1], "<,EHLO a,") +
		line("2026-11-21T08:00:01.000Z", ids[2], "+,,") + line("2026-11-21T08:00:02.000Z", ids[1], "-,,")
	require.NoError(t, tr.stream("RECV.LOG", strings.NewReader(log)))
	assert.Equal(t, []string{ids[0], ids[1]}, handed)
	tr.flush()
	assert.Equal(t, ids[2], handed[2])
}

// Long texts are kept neither whole nor for long.
func TestTextsAreBounded(t *testing.T) {
	w := newWords()
	long := bytes.Repeat([]byte("SMTPAcceptAnyRecipient "), 10_000)
	got := know(w.rights, long, relayGranted)
	assert.Equal(t, RelayGranted, got.traits)
	assert.LessOrEqual(t, len(got.text), longestWord)
	assert.Empty(t, w.rights)
	for i := range mostWords + 2 {
		w.of(fmt.Append(nil, i))
	}
	assert.LessOrEqual(t, len(w.texts), mostWords)
}

func TestEndsMinute(t *testing.T) {
	for i := range 8 {
		for c := range 256 {
			b := []byte(":07.123Z")
			b[i] = byte(c)
			_, want := parseStamp(append([]byte("2026-11-20T08:00"), b...))
			var n uint64
			for j, c := range b {
				n |= uint64(c) << (8 * j)
			}
			require.Equal(t, want, endsMinute(n), "%q", b)
		}
	}
}

func TestEndpoint4(t *testing.T) {
	for _, s := range []string{"10.1.0.11:25", "0.0.0.0:0", "255.255.255.255:65535", "10.1.0.11", "10.1.0.256:25", "10.1.0.11:65536", "10.1.0.11:", ":25", "10.1.0:25",
		"10.1.0.1.1:25", "10..0.1:25", "01.1.0.1:25", "10.1.0.1:025", "[::1]:25", "", "a", "10.1.0.1:25:25", "10.1.0.1.25", "4294967306.1.0.1:25"} {
		s4 := scanner{problem: func(*LineError) bool { return true }}
		got, ok := endpoint4([]byte(s))
		if ok {
			assert.Equal(t, s, got.String())
		} else {
			at := s4.endpoint([]byte(s), false)
			assert.True(t, !at.IsValid() || at.Addr().Is6() || strings.HasPrefix(s, "10.1.0.1:0"), s)
		}
	}
}
