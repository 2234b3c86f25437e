package smtplog_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// What the lines of a session say, in a receive log and, with the directions turned round, in a send log.
func TestWhatASessionTells(t *testing.T) {
	const queued = `>"250 2.6.0 <1@a> [InternalId=1, Hostname=b] Queued mail for delivery",`
	for _, row := range []struct {
		name, why string
		lines     []string // event and data,context
		traits    smtplog.Traits
		want      string // hello|host|messages|4xx|5xx|reply
	}{
		{"nothing", "", nil, 0, "||0|0|0|"},
		{"offer in one row", "since 2013", []string{"<EHLO app.example,", ">250  ex01.example Hello [10.0.5.7] SIZE 1 STARTTLS X-ANONYMOUSTLS AUTH NTLM X-EXPS GSSAPI NTLM XRDST,"},
			smtplog.SawOffer | smtplog.OfferedSTARTTLS | smtplog.OfferedXAnonymousTLS | smtplog.OfferedXEXPS, "app.example|ex01.example|0|0|0|"},
		{"offer in many rows", "before", []string{"<EHLO app.example,", ">250-ex01.example Hello [10.0.5.7],", ">250-SIZE,", ">250-STARTTLS,", ">250-X-EXPS GSSAPI NTLM,", ">250 XRDST,", ">250-X-ANONYMOUSTLS,"},
			smtplog.SawOffer | smtplog.OfferedSTARTTLS | smtplog.OfferedXEXPS, "app.example|ex01.example|0|0|0|"},
		{"words that look alike", "X-EXPS is a word of its own, and so is EXCHANGEAUTH", []string{"<ehlo a,", ">250  X-EXPS Hello [10.0.5.7] NOSTARTTLS X-ANONYMOUSTLSX EXCHANGEAUTH,"}, smtplog.SawOffer, "a|X-EXPS|0|0|0|"},
		{"no offer", "what comes is the reply to something else", []string{"<EHLO a,", ">250 2.1.0 Sender OK STARTTLS,", "<NOOP,", ">250 STARTTLS,"}, 0, "a||0|0|0|"},
		{"HELO", "gives a name, too, and is offered nothing", []string{"<HELO  scanner ,", ">250  ex01.example Hello [10.0.5.7] X-EXPS GSSAPI,"}, 0, "scanner|ex01.example|0|0|0|"},
		{"STARTTLS", "what is offered behind it is no offer in clear", []string{"<EHLO a,", ">250 x Hello [1] STARTTLS,", "<STARTTLS,", ">220 2.0.0 SMTP server ready,", "<EHLO a,", ">250 x Hello [1] X-EXPS NTLM,"},
			smtplog.SawOffer | smtplog.OfferedSTARTTLS | smtplog.Encrypted | smtplog.TookSTARTTLS, "a|x|0|0|0|"},
		{"STARTTLS that fails", "the handshake comes behind the reply", []string{"<STARTTLS,", ">220 2.0.0 SMTP server ready,", "*,TLS negotiation failed with error SocketError"}, smtplog.TLSFailed, "||0|0|0|"},
		{"STARTTLS that is refused", "", []string{"<STARTTLS,", ">454 4.3.3 TLS not available,", ">220 x,"}, 0, "||0|1|0|454 4.3.3 TLS not available"},
		{"TLS by its context", "the command is not in the log", []string{`*,"TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded using X, Y"`}, smtplog.Encrypted, "||0|0|0|"},
		{"a context like it", "", []string{"*,TLS protocol is not known", "*,Some other words", "*,another", "*,Inbound mail", "*,4 words", "*,Internal"}, 0, "||0|0|0|"},
		{"Exchange authentication", "", []string{"<X-ANONYMOUSTLS,", ">220 2.0.0 SMTP server ready,", "<EHLO ex02,", ">250 ex01 Hello [1] X-EXPS EXCHANGEAUTH GSSAPI X-EXCHANGEAUTH SHA256,", "<X-EXPS exchangeauth SHA256 ,", ">235 <authentication response>,"},
			smtplog.Encrypted | smtplog.TookXAnonymousTLS | smtplog.OfferedExchangeAuth | smtplog.AuthExchange, "ex02|ex01|0|0|0|"},
		{"X-EXPS GSSAPI", "in clear", []string{"<X-EXPS GSSAPI,", ">334 <authentication response>,", ">235 ok,"}, smtplog.AuthXEXPS, "||0|0|0|"},
		{"AUTH login", "in any case", []string{"<AUTH login,", ">334 x,", ">235 2.7.0 Authentication successful,", queued}, smtplog.AuthLogin | smtplog.AuthInClear | smtplog.MailInClear, "||1|0|0|"},
		{"AUTH with TLS", "", []string{`*,"TLS protocol X negotiation succeeded, Y"`, "<AUTH login,", ">235 ok,", queued}, smtplog.Encrypted | smtplog.AuthLogin | smtplog.AuthWithTLS, "||1|0|0|"},
		{"an offer that is cut off", "its last row is not there", []string{"<EHLO a,", ">250-x Hello [1],", ">250-STARTTLS,", "<QUIT,"}, smtplog.OfferedSTARTTLS, "a|x|0|0|0|"},
		{"AUTH NTLM", "", []string{"<AUTH NTLM,", ">235 ok,"}, smtplog.AuthNTLM | smtplog.AuthInClear, "||0|0|0|"},
		{"AUTH GSSAPI", "", []string{"<AUTH GSSAPI YII,", ">235 ok,"}, smtplog.AuthGSSAPI | smtplog.AuthInClear, "||0|0|0|"},
		{"AUTH PLAIN", "not of Exchange", []string{"<AUTH PLAIN,", ">235 ok,"}, smtplog.AuthOther | smtplog.AuthInClear, "||0|0|0|"},
		{"authenticated by its context", "the command is not in the log", []string{"*user@example.com,authenticated"}, smtplog.AuthOther | smtplog.AuthInClear, "||0|0|0|"},
		{"authenticated twice said", "the context, then the reply", []string{"<AUTH LOGIN,", "*user@example.com,authenticated", ">235 ok,"}, smtplog.AuthLogin | smtplog.AuthInClear, "||0|0|0|"},
		{"wrong password", "", []string{"<AUTH LOGIN,", "*,Inbound AUTH LOGIN failed because of LogonDenied", ">535 5.7.3 Authentication unsuccessful,"}, smtplog.AuthFailed, "||0|0|1|535 5.7.3 Authentication unsuccessful"},
		{"outbound", "of a send log", []string{"*,Outbound Authentication failed with LogonDenied"}, smtplog.AuthFailed, "||0|0|0|"},
		{"mechanism that is refused", "", []string{"<AUTH NTLM,", ">504 5.7.4 Unrecognized authentication type,", ">235 ok,"}, smtplog.AuthFailed | smtplog.AuthOther | smtplog.AuthInClear, "||0|0|1|504 5.7.4 Unrecognized authentication type"},
		{"mail", "two messages, anonymous and in clear", []string{queued, queued, ">250 2.6.0 CHUNK received OK,"}, smtplog.MailAnonymous | smtplog.MailInClear | smtplog.MailBare, "||2|0|0|"},
		{"rights", "of the connector", []string{"*SMTPSubmit SMTPAcceptAnyRecipient,Set Session Permissions", "*SMTPSubmit,Set Session Permissions"}, smtplog.RelayGranted, "||0|0|0|"},
		{"replies", "4xx and 5xx, the last one in words", []string{">451 4.7.0 a,", `>"550 5.7.1 ""b"", c",`, ">25,", ">,", ">999 x,"}, 0, `||0|1|1|550 5.7.1 "b", c`},
		{"cannot achieve as a reply", "", []string{`<QUIT,`, ">451 5.7.3 Cannot achieve Exchange Server authentication,"}, smtplog.CannotAchieve, "||0|1|0|451 5.7.3 Cannot achieve Exchange Server authentication"},
		{"cannot achieve as information", "the server that sends raises it by itself", []string{"*451 5.7.3 Cannot achieve Exchange Server authentication,"}, smtplog.CannotAchieve, "||0|0|0|"},
		{"cannot achieve as context", "", []string{"*,451 5.7.3 Cannot achieve Exchange Server authentication"}, smtplog.CannotAchieve, "||0|0|0|"},
		{"XPROXY", "the client behind the front end", []string{"<XPROXY SID=1 IP=10.9.9.9 PORT=1,"}, smtplog.Proxied, "||0|0|0|"},
		{"XPROXY without an address", "", []string{"<XPROXY SID=1 IP=x,", "<XPROXYTO a,", "<EHL,"}, 0, "||0|0|0|"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, direction := range []string{"Receive", "Send"} {
				var b strings.Builder
				b.WriteString("#Log-type: SMTP " + direction + " Protocol Log\n")
				lines := append(append([]string{"+,"}, row.lines...), "-,Local")
				for i, l := range lines {
					event, rest := l[:1], l[1:]
					if direction == "Send" {
						event = map[string]string{"<": ">", ">": "<"}[event]
						if event == "" {
							event = l[:1]
						}
					}
					b.WriteString(line(i, `EX01\Relay`, "08DE280000000001", i, event+","+rest))
				}
				ss, errs := sessions(b.String())
				require.Empty(t, errs)
				require.Len(t, ss, 1)
				s := ss[0]
				assert.Equal(t, row.traits.String(), s.Traits.String(), "%s: %s", direction, row.why)
				assert.Equal(t, row.want, fmt.Sprintf("%s|%s|%d|%d|%d|%s", s.Hello, s.Host, s.Messages, s.Transient, s.Permanent, s.Reply), direction)
				assert.Equal(t, row.traits.Has(smtplog.Proxied), s.Client.IsValid())
				assert.Equal(t, len(lines), s.Lines)
				assert.True(t, s.Whole())
			}
		})
	}
}

// Of a session whose beginning is not there nobody knows whether it is in clear, unless it is offered encryption.
func TestOfferWithoutBeginning(t *testing.T) {
	for offer, want := range map[string]smtplog.Traits{"SIZE X-EXPS GSSAPI": 0, "SIZE STARTTLS X-EXPS GSSAPI": smtplog.SawOffer | smtplog.OfferedSTARTTLS | smtplog.OfferedXEXPS,
		"SIZE X-EXPS EXCHANGEAUTH": smtplog.OfferedExchangeAuth} {
		ss, errs := sessions(header + line(0, `EX01\R`, "1", 5, "<,EHLO a,") + line(0, `EX01\R`, "1", 6, ">,250  ex01 Hello [1] "+offer+","))
		require.Empty(t, errs)
		assert.Equal(t, want.String(), ss[0].Traits.String(), offer)
	}
}

// What a stranger says cannot change what servers are seen to offer and give.
func TestStrangersCannotHideOffers(t *testing.T) {
	poison := ""
	for i, name := range []string{"X-ANONYMOUSTLS", "X-EXPS GSSAPI NTLM", "SMTPSubmit SMTPAcceptAnyRecipient"} {
		poison += line(0, `EX01\R`, fmt.Sprint("9", i), 0, "+,,") + line(0, `EX01\R`, fmt.Sprint("9", i), 1, "<,EHLO "+name+",")
	}
	ss, errs := sessions(header + poison + line(0, `EX01\R`, "1", 0, "+,,") + line(0, `EX01\R`, "1", 1, "<,EHLO a,") + line(0, `EX01\R`, "1", 2, ">,250-x Hello [1],") +
		line(0, `EX01\R`, "1", 3, ">,250-X-ANONYMOUSTLS,") + line(0, `EX01\R`, "1", 4, ">,250 X-EXPS GSSAPI NTLM,") + line(0, `EX01\R`, "1", 5, "*,SMTPSubmit SMTPAcceptAnyRecipient,Set Session Permissions") +
		line(0, `EX01\R`, "1", 6, "-,,"))
	require.Empty(t, errs)
	assert.Equal(t, smtplog.SawOffer|smtplog.OfferedXAnonymousTLS|smtplog.OfferedXEXPS|smtplog.RelayGranted, ss[0].Traits)
}

// What a peer says without end is cut, at the end of a character.
func TestLongNames(t *testing.T) {
	ss, errs := sessions(header + line(0, `EX01\R`, "1", 0, "<,EHLO "+strings.Repeat("ä", 1000)+","))
	require.Empty(t, errs)
	assert.Len(t, ss[0].Hello, 254)
	assert.True(t, utf8.ValidString(ss[0].Hello))
}

// A session of a send log has no endpoints at first.
func TestSendLog(t *testing.T) {
	log := strings.Replace(header, "Receive", "Send", 1) +
		"2026-11-20T08:00:00.000Z,To Graz,08DE280000000001,0,,10.2.0.11:25,*,,attempting to connect\n" +
		"2026-11-20T08:00:01.000Z,To Graz,08DE280000000001,1,10.1.0.11:999,10.2.0.11:25,+,,\n" +
		"2026-11-20T08:00:02.000Z,To Graz,08DE280000000001,2,10.1.0.11:999,10.2.0.11:25,-,,Local\n"
	ss, errs := sessions(log)
	require.Empty(t, errs)
	require.Len(t, ss, 1)
	assert.Equal(t, "10.1.0.11:999 10.2.0.11:25 3", fmt.Sprint(ss[0].Local, " ", ss[0].Remote, " ", ss[0].Lines))
}

// Whoever stops the reading gets what was read so far, marked.
func TestInterrupted(t *testing.T) {
	log := header + whole(0, "1")
	var r smtplog.Reader
	require.ErrorIs(t, r.Read("RECV.LOG", &stopped{strings.NewReader(log)}), context.Canceled)
	traffic := r.Traffic()
	assert.True(t, traffic.Interrupted)
	assert.Equal(t, 3, traffic.Records)
	assert.Empty(t, traffic.Problems())
	sum := new(smtplog.Traffic)
	sum.Merge(traffic)
	assert.True(t, sum.Interrupted)
}

type stopped struct{ r *strings.Reader }

func (s *stopped) Read(p []byte) (int, error) {
	if n, err := s.r.Read(p); err == nil {
		return n, nil
	}
	return 0, context.Canceled
}

// All logs of the corpus are read, with the sessions that are in them.
func TestCorpus(t *testing.T) {
	corpus := os.Getenv("CORPUS")
	if corpus == "" {
		t.Skip("CORPUS is not set")
	}
	for name, want := range map[string]struct {
		sessions []string // session-id, lines, beginning and end
		problems int
	}{
		"crowdsec-exchange-smtp-bf.log":          {[]string{"08DA4F7C11473A60 9 false false"}, 0},
		"crowdsec-exchange-smtp-logs.log":        {[]string{"08DA4F7C11473A60 1 false false"}, 0},
		"dfir-notes-RECV2023011116-1.LOG":        {[]string{"123453EC62278461 16 false false"}, 0},
		"ipban-smtp_auth_successful.log":         {[]string{"08D7D4D2EFBC4CC6 22 true true"}, 0},
		"ipban-smtp_auth_unsuccessful.log":       {[]string{"08D7D4D2EFBC4D5E 17 true true", "08D7D4D2EFBC4D65 20 true true", "08DB994D2DD19B09 16 false true", "08D7D4D2EFBC3E30 1 false false", "08D8FE5F13DE618F 6 false false", "08DB994D2DD19B38 18 true false"}, 4},
		"unicom-smtpsend-454.log":                {[]string{"08D760DF231F00BC 19 false false"}, 2},
		"exchangelogreport-pester-lines.ps1.txt": {[]string{"08DF000000000001 3 true true", "08DF000000000002 7 true true", "08DF000000000200 4 true false"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(corpus, "logs", name))
			require.NoError(t, err)
			log := string(data)
			if strings.HasSuffix(name, ".txt") {
				log = unscripted(log)
			}
			ss, errs := read(smtplog.Sessions(name, strings.NewReader(log)))
			var got []string
			for _, s := range ss {
				got = append(got, fmt.Sprint(s.ID, " ", s.Lines, " ", s.Started, " ", s.Ended))
			}
			assert.Equal(t, want.sessions, got)
			assert.Len(t, errs, want.problems, "%v", errs)
			rs, _ := records(log)
			assert.NotEmpty(t, rs)
			if strings.HasPrefix(name, "dfir") {
				assert.True(t, ss[0].Traits.Has(smtplog.OfferedXAnonymousTLS|smtplog.OfferedXEXPS|smtplog.TookSTARTTLS|smtplog.AuthFailed))
			}
			if strings.HasPrefix(name, "ipban-smtp_auth_s") {
				assert.True(t, ss[0].Traits.Has(smtplog.SawOffer|smtplog.AuthLogin|smtplog.RelayGranted))
				assert.False(t, ss[0].Traits.Any(smtplog.OfferedXAnonymousTLS|smtplog.OfferedXEXPS))
			}
			if strings.HasPrefix(name, "unicom") {
				assert.Equal(t, smtplog.Send, ss[0].Direction)
				assert.True(t, ss[0].Traits.Has(smtplog.OfferedExchangeAuth|smtplog.AuthFailed))
			}
		})
	}
}

// unscripted makes the log of a script that writes one: lines in quotation marks, with variables.
func unscripted(script string) string {
	var b strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^ *"\$\(T (\d+)\),\$(cp?),(.*?)"\r?$`).FindAllStringSubmatch(script, -1) {
		name := map[string]string{"c": `EXCH01\Default Frontend EXCH01`, "cp": `EXCH01\Client Proxy EXCH01`}[m[2]]
		fmt.Fprintf(&b, "2026-10-01T08:0%s:00.000Z,%s,%s\n", m[1], name, strings.ReplaceAll(m[3], `""`, `"`))
	}
	return b.String()
}
