package smtplog_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

const (
	standard = "date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context"
	header   = "#Software: Microsoft Exchange Server\n#Version: 15.0.0.0\n#Log-type: SMTP Receive Protocol Log\n#Date: 2026-11-20T08:00:00.000Z\n#Fields: " + standard + "\n"
)

// line returns a line of a session.
func line(second int, connector, id string, seq int, rest string) string {
	return fmt.Sprintf("2026-11-20T08:%02d:%02d.000Z,%s,%s,%d,10.1.0.11:25,10.0.5.7:50001,%s\n", second/60, second%60, connector, id, seq, rest)
}

// whole returns a session that opens and ends.
func whole(second int, id string) string {
	return line(second, `EX01\Relay`, id, 0, "+,,") + line(second, `EX01\Relay`, id, 1, "<,EHLO a,") + line(second, `EX01\Relay`, id, 2, "-,,Local")
}

// read collects what an iterator yields.
func read[T any](seq iter.Seq2[T, error]) (values []T, errs []error) {
	for v, err := range seq {
		if err != nil {
			errs = append(errs, err)
		} else {
			values = append(values, v)
		}
	}
	return values, errs
}

func records(log string) ([]smtplog.Record, []error) {
	return read(smtplog.Records("RECV.LOG", strings.NewReader(log)))
}

func sessions(log string) ([]smtplog.Session, []error) {
	return read(smtplog.Sessions("RECV.LOG", strings.NewReader(log)))
}

func TestRecords(t *testing.T) {
	for _, row := range []struct {
		name, why, log string
		want           string // direction connector|session|sequence|local|remote|event|data|context, of the last record
	}{
		{"plain", "the nine columns", header + line(0, `EX01\Relay`, "08DE", 3, "<,EHLO a,"), `receive EX01\Relay|08DE|3|10.1.0.11:25|10.0.5.7:50001|<|EHLO a|`},
		{"without a header", "administrators cut lines out", line(0, `EX01\Relay`, "08DE", 3, "*,,Local"), `receive EX01\Relay|08DE|3|10.1.0.11:25|10.0.5.7:50001|*||Local`},
		{"comma in a name", "it stands in quotation marks", header + line(0, `"EX01\Printers, 2nd floor"`, "08DE", 3, "+,,"), `receive EX01\Printers, 2nd floor|08DE|3|10.1.0.11:25|10.0.5.7:50001|+||`},
		{"backslash and blanks in a name", "everything behind the first backslash is the name", header + line(0, `EX01\A \ b `, "08DE", 3, "+,,"), `receive EX01\A \ b |08DE|3|10.1.0.11:25|10.0.5.7:50001|+||`},
		{"marks in data", "doubled marks are one", header + line(0, `EX01\R`, "08DE", 3, `>,"250 ""ok"", fine","a, b"`), `receive EX01\R|08DE|3|10.1.0.11:25|10.0.5.7:50001|>|250 "ok", fine|a, b`},
		{"an open mark in data", "the data is taken as it stands", header + line(0, `EX01\R`, "08DE", 3, `<,"EHLO a,c`), `receive EX01\R|08DE|3|10.1.0.11:25|10.0.5.7:50001|<|"EHLO a|c`},
		{"no star", "pages take it for markup", header + line(0, `EX01\R`, "08DE", 3, `,,Local`), `receive EX01\R|08DE|3|10.1.0.11:25|10.0.5.7:50001|*||Local`},
		{"no sequence number", "it does not matter much", header + strings.Replace(line(0, `EX01\R`, "08DE", 3, `+,,`), ",3,", ",x,", 1), `receive EX01\R|08DE|-1|10.1.0.11:25|10.0.5.7:50001|+||`},
		{"IPv6", "in brackets, with a zone", header + `2026-11-20T08:00:00.000Z,EX01\R,08DE,0,[fe80::1%11]:25,[2001:db8::5]:50001,+,,`, `receive EX01\R|08DE|0|[fe80::1%11]:25|[2001:db8::5]:50001|+||`},
		{"mapped IPv4", "it is IPv4", header + `2026-11-20T08:00:00.000Z,EX01\R,08DE,0,[::ffff:10.1.0.11]:25,[::ffff:10.0.5.7]:1,+,,`, `receive EX01\R|08DE|0|10.1.0.11:25|10.0.5.7:1|+||`},
		{"send log", "told by the header", strings.Replace(header, "Receive", "Send", 1) + `2026-11-20T08:00:00.000Z,To Graz,08DE,0,,10.2.0.11:25,*,,attempting to connect`, `send To Graz|08DE|0|invalid AddrPort|10.2.0.11:25|*||attempting to connect`},
		{"other order", "columns are found by the header", "#Fields: Context, session-id,connector-id,extra,date-time,event,remote-endpoint\nc,08DE,EX01\\R,x,2026-11-20T08:00:00.000Z,+,10.0.5.7:1\n", `receive EX01\R|08DE|-1|invalid AddrPort|10.0.5.7:1|+||c`},
		{"two headers", "each holds for what follows", header + line(0, `EX01\R`, "1", 0, "+,,") + "#Log-type: SMTP Send Protocol Log\n#Fields: " + standard + "\n" + line(1, "To Graz", "2", 0, "+,,"), `send To Graz|2|0|10.1.0.11:25|10.0.5.7:50001|+||`},
		{"CRLF and a mark of order", "as Exchange writes and editors add", "\ufeff" + strings.ReplaceAll(header+line(0, `EX01\R`, "08DE", 3, "<,EHLO a,"), "\n", "\r\n"), `receive EX01\R|08DE|3|10.1.0.11:25|10.0.5.7:50001|<|EHLO a|`},
		{"no last line end", "a complete line counts", header + strings.TrimSuffix(line(0, `EX01\R`, "08DE", 3, "<,EHLO a,"), "\n"), `receive EX01\R|08DE|3|10.1.0.11:25|10.0.5.7:50001|<|EHLO a|`},
	} {
		t.Run(row.name, func(t *testing.T) {
			rs, errs := records(row.log)
			require.Empty(t, errs, row.why)
			require.NotEmpty(t, rs)
			r := rs[len(rs)-1]
			assert.Equal(t, row.want, fmt.Sprintf("%s %s|%s|%d|%s|%s|%s|%s|%s", r.Direction, r.Connector, r.Session, r.Sequence, r.Local, r.Remote, r.Event, r.Data, r.Context), row.why)
			assert.Equal(t, strings.Count(strings.TrimRight(row.log, "\n"), "\n")+1, r.Source.Line)
			assert.Equal(t, time.UTC, r.Time.Location())
		})
	}
}

// The name of the file tells the direction where nothing else does.
func TestDirectionByName(t *testing.T) {
	log := line(0, "Somewhere", "1", 0, "+,,")
	for name, want := range map[string]smtplog.Direction{`C:\Logs\RECV2026112008-1.LOG`: smtplog.Receive, "a/send20261120-1.log": smtplog.Send, "x.log": smtplog.Send} {
		rs, errs := read(smtplog.Records(name, strings.NewReader(log)))
		require.Empty(t, errs)
		assert.Equal(t, want, rs[0].Direction, name)
	}
}

func TestTimes(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"2026-11-20T08:00:59.123Z", "2026-11-20T08:00:59.123Z"},
		{"2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.999Z"},
		{"2026-02-29T08:00:00.000Z", ""}, {"2026-13-01T08:00:00.000Z", ""}, {"2026-11-20T24:00:00.000Z", ""}, {"2026-11-20T08:60:00.000Z", ""},
		{"2026-11-20T08:00:60.000Z", ""}, {"2026-11-20 08:00:00.000Z", ""}, {"2026-11-20T08:00:00.000", ""}, {"20.11.2026 08:00:00.000Z", ""}, {"2026-11-20T08:00:0x.000Z", ""},
	} {
		// Behind another line of the same minute times are read in another way.
		for _, before := range []string{"", line(0, `EX01\R`, "0", 0, "+,,")} {
			rs, errs := records(before + row.text + strings.TrimPrefix(line(0, `EX01\R`, "1", 0, "+,,"), "2026-11-20T08:00:00.000Z"))
			if row.want == "" {
				require.Len(t, errs, 1, row.text)
				assert.ErrorIs(t, errs[0], smtplog.ErrTime)
				continue
			}
			assert.Equal(t, row.want, rs[len(rs)-1].Time.Format("2006-01-02T15:04:05.000Z07:00"))
		}
	}
}

// What is wrong is told with its place and kind, counted, and the rest is read: by Records, by Sessions and by Reader alike.
func TestBadLines(t *testing.T) {
	good := whole(0, "08DE280000000001")
	after := whole(30, "08DE280000000002")
	first := strings.Count(header+good, "\n") + 1
	tracking := "#Software: Microsoft Exchange Server\n#Log-type: Message Tracking Log\n#Fields: date-time,client-ip,client-hostname,server-ip\n2026-11-20T08:00:00.000Z,10.0.0.1,a,10.0.0.2\n"
	iis := "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method\n2026-11-20 08:00:00 10.0.0.1 GET\n"
	type at struct {
		line int
		err  error
	}
	for _, row := range []struct {
		name, why, bad string
		wants          []at
		records        int // of the six good ones and others
	}{
		{"message tracking log", "told by its header", tracking, []at{{first + 1, smtplog.ErrForeign}, {first + 3, smtplog.ErrForeign}}, 6},
		{"IIS log", "told by its fields", iis, []at{{first + 1, smtplog.ErrForeign}, {first + 2, smtplog.ErrForeign}}, 6},
		{"a field twice", "which one counts?", "#Fields: " + standard + ",data\n", []at{{first, smtplog.ErrForeign}}, 6},
		{"tracking without header", "its fields do not fit", "2026-11-20T08:00:00.000Z,10.0.0.1,a,10.0.0.2,b,,,SMTP,RECEIVE,1,,,,\n", []at{{first, smtplog.ErrFields}}, 6},
		{"no event", "a line of another log with as many fields", "2018-10-08T15:09:27.508Z,00000000002A64E8,2,5.5.5.5:993,a:1,user,23,31,30\n", []at{{first, smtplog.ErrEvent}}, 6},
		{"glued lines", "a line end is missing", strings.Replace(whole(0, "08DE280000000003"), "\n", "", 1), []at{{first, smtplog.ErrFields}}, 7},
		{"glued lines of a known session", "the same, read in the quick way", line(0, `EX01\Relay`, "08DE280000000003", 0, "+,,") + strings.TrimSuffix(line(0, `EX01\Relay`, "08DE280000000003", 1, "<,EHLO a,"), "\n") + line(0, `EX01\Relay`, "08DE280000000003", 2, "-,,"), []at{{first + 1, smtplog.ErrFields}}, 7},
		{"long names", "bounded memory", line(0, `EX01\R`, strings.Repeat("1", 256), 0, "+,,") + line(0, `EX01\`+strings.Repeat("R", 256), "1", 0, "+,,"), []at{{first, smtplog.ErrSession}, {first + 1, smtplog.ErrSession}}, 6},
		{"a long endpoint", "bounded memory", strings.Replace(line(0, `EX01\R`, "1", 0, "+,,"), "10.0.5.7:", strings.Repeat("1", 256), 1), []at{{first, smtplog.ErrEndpoint}}, 6},
		{"too few fields", "a field is missing", "2026-11-20T08:00:00.000Z,EX01\\R,08DE,0,10.1.0.11:25,10.0.5.7:50001\n", []at{{first, smtplog.ErrFields}}, 6},
		{"no context", "the last comma is missing", "2026-11-20T08:00:00.000Z,EX01\\R,08DE,0,10.1.0.11:25,10.0.5.7:50001,<,EHLO a\n", []at{{first, smtplog.ErrFields}}, 6},
		{"no context of a known session", "the same, read in the quick way", whole(0, "X")[:0] + line(1, `EX01\Relay`, "08DE280000000003", 0, "+,,") + strings.Replace(line(1, `EX01\Relay`, "08DE280000000003", 1, "<,EHLO a,"), "a,\n", "a\n", 1), []at{{first + 1, smtplog.ErrFields}}, 7},
		{"other language", "another form of times", "20.11.2026 08:00:00,EX01\\R,08DE,0,10.1.0.11:25,10.0.5.7:50001,<,EHLO a,\n", []at{{first, smtplog.ErrTime}}, 6},
		{"NUL", "not text", "\x00\x01\x02binary\n", []at{{first, smtplog.ErrBinary}}, 6},
		{"no session", "nothing to tell it from others", line(0, `EX01\R`, "", 0, "+,,"), []at{{first, smtplog.ErrSession}}, 6},
		{"no connector", "nothing to judge", line(0, "", "08DE", 0, "+,,"), []at{{first, smtplog.ErrSession}}, 6},
		{"open mark in a name", "where does it end?", line(0, `"EX01\R`, "08DE", 0, "+,,"), []at{{first, smtplog.ErrQuote}}, 6},
		{"long line", "bounded memory", strings.Repeat("x", 3<<20) + "\n", []at{{first, smtplog.ErrLong}}, 6},
		{"masked endpoints", "the record is read without them", "2026-11-20T08:00:00.000Z,EX01\\R,08DE,0,10.**.0.11:25,x,+,,\n", []at{{first, smtplog.ErrEndpoint}, {first, smtplog.ErrEndpoint}}, 7},
		{"empty lines", "nothing is wrong with them", "\n\r\n", nil, 6},
		{"name not UTF-8", "the record is read", line(0, "EX01\\\xcf\xf0", "08DE", 0, "+,,"), []at{{first, smtplog.ErrEncoding}}, 7},
		{"clock goes back", "the record is read", strings.Replace(line(0, `EX01\R`, "08DE", 0, "+,,"), "T08", "T07", 1), []at{{first, smtplog.ErrClock}}, 7},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := header + good + row.bad + header + after
			rs, recordErrs := records(log)
			assert.Len(t, rs, row.records, row.why)
			ss, sessionErrs := sessions(log)
			n := 0
			for _, s := range ss {
				n += s.Lines
			}
			assert.Equal(t, row.records, n)
			for _, errs := range [][]error{recordErrs, sessionErrs} {
				require.Len(t, errs, len(row.wants), "%s: %v", row.why, errs)
				for i, want := range row.wants {
					var e *smtplog.LineError
					require.ErrorAs(t, errs[i], &e)
					assert.Equal(t, "RECV.LOG", e.Source.File)
					assert.Equal(t, want.line, e.Source.Line)
					assert.ErrorIs(t, e, want.err)
					assert.Less(t, len(e.Error()), 300)
				}
			}
			var r smtplog.Reader
			require.NoError(t, r.Read("RECV.LOG", strings.NewReader(log)))
			traffic := r.Traffic()
			assert.Equal(t, row.records, traffic.Records)
			assert.Equal(t, strings.Count(log, "\n"), traffic.Lines)
			counted := 0
			for _, p := range traffic.Problems() {
				counted += p.Count
				assert.Equal(t, row.wants[0].err, p.Err)
			}
			assert.Equal(t, len(row.wants), counted)
		})
	}
}

// A note between records is none of a header.
func TestNotes(t *testing.T) {
	log := "#Fields: session-id,connector-id,date-time,event,remote-endpoint\n1,EX01\\R,2026-11-20T08:00:00.000Z,+,10.0.5.7:1\n# a note\n#\n1,EX01\\R,2026-11-20T08:00:00.000Z,-,10.0.5.7:1\n"
	ss, errs := sessions(log)
	require.Empty(t, errs)
	require.Len(t, ss, 1)
	assert.Equal(t, 2, ss[0].Lines)
}

// A log whose every field stands in quotation marks, as Export-Csv writes.
func TestEveryFieldQuoted(t *testing.T) {
	var b strings.Builder
	for _, l := range strings.Split(strings.TrimSpace(whole(0, "08DE280000000001")), "\n") {
		b.WriteString(`"` + strings.ReplaceAll(l, ",", `","`) + "\"\n")
	}
	ss, errs := sessions(b.String())
	require.Empty(t, errs)
	require.Len(t, ss, 1)
	assert.Equal(t, 3, ss[0].Lines)
}

// Where the clock goes back a session does not end before it begins.
func TestClockGoesBackInASession(t *testing.T) {
	ss, _ := sessions(strings.Replace(whole(0, "08DE280000000001"), "T08:00:00.000Z,EX01\\Relay,08DE280000000001,2", "T07:00:00.000Z,EX01\\Relay,08DE280000000001,2", 1))
	require.Len(t, ss, 1)
	assert.Equal(t, ss[0].First, ss[0].Last)
}

// A session that has ended does not go on.
func TestAfterTheEnd(t *testing.T) {
	log := header + whole(0, "08DE280000000001") + line(1, `EX01\Relay`, "08DE280000000001", 2, "-,,Local")
	ss, errs := sessions(log)
	assert.Len(t, ss, 1)
	require.Len(t, errs, 1)
	assert.ErrorIs(t, errs[0], smtplog.ErrEnded)
	assert.EqualError(t, errs[0], `RECV.LOG:9: the session has ended before: "2026-11-20T08:00:01.000Z,EX01\\Relay,08DE280000000001,2,10.1."...`)
}

// The last line of a log that is being written is cut off anywhere; everything before it counts.
func TestCutOff(t *testing.T) {
	log := header + whole(0, "08DE280000000001")
	last := line(1, `EX01\Relay`, "08DE280000000002", 0, "+,,")
	for n := 1; n < len(last)-2; n++ {
		ss, errs := sessions(log + last[:n])
		require.Len(t, ss, 1, "%q", last[:n])
		require.Len(t, errs, 1)
		assert.ErrorIs(t, errs[0], smtplog.ErrCutOff)
	}
	ss, errs := sessions(log + strings.TrimSuffix(last, "\n"))
	assert.Len(t, ss, 2)
	assert.Empty(t, errs)
}

func packed(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func utf16Of(s string, little bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if little {
			b = append(b, byte(u), byte(u>>8))
		} else {
			b = append(b, byte(u>>8), byte(u))
		}
	}
	return b
}

func TestEncodings(t *testing.T) {
	log := header + line(0, `EX01\Прием 𝄞`, "08DE", 0, "+,,")
	for name, data := range map[string][]byte{
		"UTF-8": []byte(log), "gzip": packed([]byte(log)), "gzip of gzip": packed(packed([]byte(log))),
		"two members": append(packed([]byte(header)), packed([]byte(strings.TrimPrefix(log, header)))...),
		"UTF-16":      utf16Of("\ufeff"+log, true), "UTF-16 BE": utf16Of("\ufeff"+log, false), "UTF-16 without mark": utf16Of(log, true),
		"UTF-16 BE without mark": utf16Of(log, false), "UTF-16 in gzip": packed(utf16Of("\ufeff"+log, true)),
	} {
		for _, r := range []io.Reader{bytes.NewReader(data), iotest.OneByteReader(bytes.NewReader(data)), iotest.DataErrReader(bytes.NewReader(data))} {
			rs, errs := read(smtplog.Records("RECV.LOG", r))
			require.Empty(t, errs, name)
			require.Len(t, rs, 1, name)
			assert.Equal(t, `EX01\Прием 𝄞`, rs[0].Connector, name)
		}
	}
}

// What ends the reading is told with its place; what was read before it counts.
func TestBrokenFiles(t *testing.T) {
	log := header + strings.Repeat(whole(0, "08DE280000000001")+whole(1, "08DE280000000002"), 2000)
	gz := packed([]byte(log))
	broken := errors.New("the disk is gone")
	for _, row := range []struct {
		name string
		r    io.Reader
		want error
		some bool
	}{
		{"gzip cut off", bytes.NewReader(gz[:len(gz)-9]), io.ErrUnexpectedEOF, true},
		{"gzip header cut off", bytes.NewReader(gz[:5]), io.ErrUnexpectedEOF, false},
		{"disk", io.MultiReader(strings.NewReader(log), iotest.ErrReader(broken)), broken, true},
		{"zip", strings.NewReader("PK\x03\x04 and more"), smtplog.ErrForeign, false},
		{"packed often", bytes.NewReader(packed(packed(packed(gz)))), smtplog.ErrForeign, false},
		{"nothing comes", iotest.ErrReader(nil), io.ErrNoProgress, false},
		{"half of a character", bytes.NewReader(utf16Of("\ufeff"+log, true)[:1001]), io.ErrUnexpectedEOF, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			var r smtplog.Reader
			err := r.Read("RECV.LOG.gz", row.r)
			require.ErrorIs(t, err, row.want)
			var e *smtplog.LineError
			require.ErrorAs(t, err, &e)
			assert.Equal(t, "RECV.LOG.gz", e.Source.File)
			traffic := r.Traffic()
			assert.Equal(t, row.some, traffic.Records > 0)
			assert.Len(t, traffic.Problems(), 1+min(1, len(traffic.Problems())-1))
		})
	}
	_, errs := read(smtplog.Sessions("RECV.LOG", iotest.ErrReader(broken)))
	require.Len(t, errs, 1)
	assert.ErrorIs(t, errs[0], broken)
	_, errs = read(smtplog.Records("RECV.LOG", iotest.ErrReader(broken)))
	require.Len(t, errs, 1)
	assert.ErrorIs(t, errs[0], broken)
}

// Whoever stops an iterator is not called again.
func TestStop(t *testing.T) {
	log := header + whole(0, "1") + "bad\n" + "2026-11-20T07:00:00.000Z,EX01\\R,2,0,x,y,+,,\n" + line(1, `EX01\R`, "3", 0, "+,,") + strings.Repeat("x", 2<<20) + "\n" + line(1, `EX01\R`, "4", 0, "+,,")
	all, errs := records(log)
	for n := range len(all) + len(errs) {
		left := n
		for range smtplog.Records("RECV.LOG", strings.NewReader(log)) {
			if left--; left < 0 {
				break
			}
		}
	}
	ss, errs := sessions(log)
	for n := range len(ss) + len(errs) {
		left := n
		for range smtplog.Sessions("RECV.LOG", strings.NewReader(log)) {
			if left--; left < 0 {
				break
			}
		}
	}
}

func TestFiles(t *testing.T) {
	file := &fstest.MapFile{}
	fsys := fstest.MapFS{"FrontEnd/RECV2026112008-10.LOG": file, "FrontEnd/RECV2026112008-9.LOG": file, "FrontEnd/RECV2026112007-11.log.gz": file,
		"Hub/RECV20261120-2.LOG": file, "Hub/RECV20261120-1.LOG": file, "Hub/notes.txt": file, "other.log": file, "z-x.log": file}
	logs, others, err := smtplog.Files(fsys)
	require.NoError(t, err)
	assert.Equal(t, []string{"other.log", "z-x.log", "FrontEnd/RECV2026112007-11.log.gz", "FrontEnd/RECV2026112008-9.LOG", "FrontEnd/RECV2026112008-10.LOG",
		"Hub/RECV20261120-1.LOG", "Hub/RECV20261120-2.LOG"}, logs)
	assert.Equal(t, []string{"Hub/notes.txt"}, others)
}

// A session goes on from one file of a set to the next one, and a file that is not there is a problem and no more.
func TestRotatedSet(t *testing.T) {
	log := whole(0, "08DE280000000001") + whole(1, "08DE280000000002")
	cut := strings.Index(log, "<,EHLO")
	fsys := fstest.MapFS{"RECV-1.LOG": {Data: []byte(header + log[:strings.LastIndexByte(log[:cut], '\n')+1])},
		"RECV-2.LOG": {Data: packed([]byte(header + log[strings.LastIndexByte(log[:cut], '\n')+1:]))}}
	var r smtplog.Reader
	r.ReadFS(fsys, "RECV-1.LOG", "RECV-2.LOG", "RECV-3.LOG")
	traffic := r.Traffic()
	total := traffic.Total()
	assert.Equal(t, 2, total.Sessions)
	assert.Zero(t, total.Partial)
	assert.Equal(t, 2, traffic.Files)
	require.Len(t, traffic.Problems(), 1)
	assert.ErrorContains(t, traffic.Problems()[0].Err, "RECV-3.LOG")
}
