package topotest_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// Every form of a line, and what it is in Go. An empty second text is the first: the form in which a case is printed.
func TestParseCase(t *testing.T) {
	port25, all := netip.AddrPortFrom(netip.Addr{}, 25), netip.AddrPort{}
	local := netip.MustParseAddrPort("10.1.0.11:25")
	remote := netip.MustParseAddr("10.0.5.7")
	relay := connector.ID{Server: "EX01", Name: "Relay"}
	anonymous := &connector.Peer{Kind: connector.PeerAnonymous}
	conn := func(l netip.AddrPort) connector.Conn {
		return connector.Conn{Server: "EX01", Local: l, Remote: remote}
	}
	many := func(l netip.AddrPort) connector.Conn { return connector.Conn{Server: "EX01", Local: l} }
	for _, row := range []struct {
		line, printed string
		want          topotest.Case
	}{
		{`EX01 10.1.0.11:25 10.0.5.7 -> EX01\Relay`, "", topotest.Case{Conn: conn(local), Want: relay}},
		{`EX01 10.0.5.7 -> EX01\Relay`, `EX01 *:25 10.0.5.7 -> EX01\Relay`, topotest.Case{Conn: conn(port25), Want: relay}},
		{`EX01 10.0.5.7 as anonymous -> may relay`, `EX01 *:25 10.0.5.7 as Anonymous -> may relay`, topotest.Case{Conn: conn(port25), Peer: anonymous, Relay: connector.StepDone}},
		{"EX01 \t *  10.0.5.7   ->   refused  ", `EX01 * 10.0.5.7 -> refused`, topotest.Case{Conn: conn(all), Refused: true}},
		{`EX01 *:25 10.0.5.7 -> Refused norange`, `EX01 *:25 10.0.5.7 -> refused NoRange`, topotest.Case{Conn: conn(port25), Outcome: connector.NoRange}},
		{`EX01 *:25 10.0.5.7 -> served`, "", topotest.Case{Conn: conn(port25), Outcome: connector.Selected}},
		{`EX01 *:25 10.0.5.7 -> served by 10.0.5.0/24`, "", topotest.Case{Conn: conn(port25), By: connector.MustParseRange("10.0.5.0/24")}},
		{`EX01 *:25 10.0.5.0/24 -> EX01\Relay by 10.0.5.0-10.0.5.255 (doubt: Tie, Missing)`, "",
			topotest.Case{Conn: many(port25), From: "10.0.5.0/24", Want: relay, By: connector.MustParseRange("10.0.5.0-10.0.5.255"), Doubt: connector.DoubtTie | connector.DoubtMissing}},
		{`EX01 *:25 10.0.5.0/24,10.0.6.1,EX02 -> EX01\Relay`, "", topotest.Case{Conn: many(port25), From: "10.0.5.0/24,10.0.6.1,EX02", Want: relay}},
		{`EX01 *:25 'head office','a, b' -> EX01\Relay`, "", topotest.Case{Conn: many(port25), From: "head office,'a, b'", Want: relay}},
		{`* *:25 any -> *\Relay*`, "", topotest.Case{Conn: connector.Conn{Server: "*", Local: port25}, From: "any", Like: `*\Relay*`}},
		{`EX01 *:25 10.0.5.7 -> EX01\Re*y by 10.0.5.0/24`, "", topotest.Case{Conn: conn(port25), Like: `EX01\Re*y`, By: connector.MustParseRange("10.0.5.0/24")}},
		{`EX01 *:25 10.0.5.7 -> 'EX01\Relay*'`, "", topotest.Case{Conn: conn(port25), Want: connector.ID{Server: "EX01", Name: "Relay*"}}},
		{`EX01 *:25 'DC.2','any','10.0.0.1',any -> served`, "", topotest.Case{Conn: many(port25), From: "'DC.2','any','10.0.0.1',any", Outcome: connector.Selected}},
		{`EX01 10.0.5.1, 10.0.5.2 ,EX03 as User -> served`, `EX01 *:25 10.0.5.1,10.0.5.2,EX03 as User -> served`,
			topotest.Case{Conn: many(port25), From: "10.0.5.1,10.0.5.2,EX03", Peer: &connector.Peer{Kind: connector.PeerUser}, Outcome: connector.Selected}},
		{`EX01 *:25 '10.0.5.1 - 10.0.5.9' -> served`, "", topotest.Case{Conn: many(port25), From: "'10.0.5.1 - 10.0.5.9'", Outcome: connector.Selected}},
		{`EX01 [::]:25 fe80:: as Anonymous -> EX01\Relay`, "",
			topotest.Case{Conn: connector.Conn{Server: "EX01", Local: netip.MustParseAddrPort("[::]:25"), Remote: netip.MustParseAddr("fe80::")}, Peer: anonymous, Want: relay}},
		{`EX01 *:25 10.0.5.7 -> EX01\Default Frontend EX01`, "", topotest.Case{Conn: conn(port25), Want: connector.ID{Server: "EX01", Name: "Default Frontend EX01"}}},
		{`EX01 *:25 10.0.5.7 -> 'EX01\Relay, it''s by 10'`, "", topotest.Case{Conn: conn(port25), Want: connector.ID{Server: "EX01", Name: "Relay, it's by 10"}}},
		{`printers relay: EX01 *:25 10.0.5.7 -> EX01\Relay`, "", topotest.Case{Name: "printers relay", Conn: conn(port25), Want: relay}},
		{`'a: b -> c': EX01 *:25 10.0.5.7 -> EX01\Relay`, "", topotest.Case{Name: "a: b -> c", Conn: conn(port25), Want: relay}},
		{`EX01 *:25 EX03 -> encrypted, authenticated, mail accepted, may not relay, reply 550 5.7.54 'SMTP; it''s'`, "",
			topotest.Case{Conn: many(port25), From: "EX03", Encryption: connector.StepDone, Authentication: connector.Authenticated, Mail: connector.StepDone,
				Relay: connector.StepRefused, Reply: connector.Reply{Code: 550, Enhanced: "5.7.54", Text: "SMTP; it's"}}},
		{`EX01 *:25 EX03 -> reply 451, mail unknown, not authenticated, not encrypted`, `EX01 *:25 EX03 -> not encrypted, not authenticated, mail unknown, reply 451`,
			topotest.Case{Conn: many(port25), From: "EX03", Encryption: connector.StepRefused, Authentication: connector.NotAuthenticated, Mail: connector.StepUnknown, Reply: connector.Reply{Code: 451}}},
		{`EX01 *:25 EX03 -> authentication not sought, relay unknown, encryption unknown, reply 550 'no'`, `EX01 *:25 EX03 -> encryption unknown, authentication not sought, relay unknown, reply 550 'no'`,
			topotest.Case{Conn: many(port25), From: "EX03", Encryption: connector.StepUnknown, Authentication: connector.AuthenticationNotSought, Relay: connector.StepUnknown, Reply: connector.Reply{Code: 550, Text: "no"}}},
		{`EX01 *:25 10.0.5.7 as User tls=insists mechanism=basicauth wrongpassword -> authentication unknown`, `EX01 *:25 10.0.5.7 as User tls=Insists mechanism=BasicAuth WrongPassword -> authentication unknown`,
			topotest.Case{Conn: conn(port25), Authentication: connector.AuthenticationUnknown, Peer: &connector.Peer{Kind: connector.PeerUser, TLS: connector.TLSInsists, Mechanism: connector.AuthBasic, WrongPassword: true}}},
		{`EX01 *:25 10.0.5.7 as exchangeserver version='Version 14.3 (Build 1.2)' downgradedexchangeauth nocertificate KerberosFails -> authentication unknown`,
			`EX01 *:25 10.0.5.7 as ExchangeServer version='Version 14.3 (Build 1.2)' DowngradedExchangeAuth NoCertificate KerberosFails -> authentication unknown`,
			topotest.Case{Conn: conn(port25), Authentication: connector.AuthenticationUnknown, Peer: &connector.Peer{Version: connector.MustParseVersion("Version 14.3 (Build 1.2)"),
				DowngradedExchangeAuth: true, NoCertificate: true, KerberosFails: true}}},
		{`EX01 *:25 10.0.5.7 as CrossForest version=2016 tls=Insists -> mail unknown`, "", topotest.Case{Conn: conn(port25), Mail: connector.StepUnknown,
			Peer: &connector.Peer{Kind: connector.PeerCrossForest, TLS: connector.TLSInsists, Version: connector.MustParseVersion("2016")}}},
		{`EX01 *:25 10.0.5.7 as Partner tls=IfOffered NoCertificate -> authenticated`, "", topotest.Case{Conn: conn(port25), Authentication: connector.Authenticated,
			Peer: &connector.Peer{Kind: connector.PeerPartner, TLS: connector.TLSIfOffered, NoCertificate: true}}},
		{"EX01 *:25 10.0.5.7\t->\tEX01\\Relay\t(doubt: Tie)", `EX01 *:25 10.0.5.7 -> EX01\Relay (doubt: Tie)`, topotest.Case{Conn: conn(port25), Want: relay, Doubt: connector.DoubtTie}},
		{`flow EX01 EX03 PublicFolderReplication -> passes`, "", topotest.Case{Flow: &topotest.Flows{From: "EX01", To: "EX03", Purpose: connector.PublicFolderReplication}, State: audit.FlowPasses}},
		{`flow * * * -> partly fails`, "", topotest.Case{Flow: &topotest.Flows{}, State: audit.FlowPartly}},
		{`flow 'the cloud' * hybrid port=25 need=required -> no listener`, `flow 'the cloud' * Hybrid port=25 need=Required -> no listener`,
			topotest.Case{Flow: &topotest.Flows{From: "the cloud", Purpose: connector.Hybrid, Port: 25, Need: connector.Required}, State: audit.FlowNoListener}},
		{`no finding`, "", topotest.Case{Findings: &topotest.Findings{}}},
		{`no finding RC001,RC2 error of EX01\Default Frontend EX01`, `no finding RC001,RC2 error of 'EX01\Default Frontend EX01'`,
			topotest.Case{Findings: &topotest.Findings{Checks: "RC001,RC2", Severity: audit.Error, Subject: `EX01\Default Frontend EX01`}}},
		{`accepted: finding warning of EX01`, "", topotest.Case{Name: "accepted", Findings: &topotest.Findings{Severity: audit.Warning, Subject: "EX01"}, Found: true}},
		{`'flow' *:25 10.0.5.7 -> flow\Relay`, "", topotest.Case{Conn: connector.Conn{Server: "flow", Local: port25, Remote: remote}, Want: connector.ID{Server: "flow", Name: "Relay"}}},
	} {
		got, err := topotest.ParseCase(row.line)
		require.NoError(t, err, row.line)
		assert.Equal(t, row.want, got, row.line)
		if row.printed == "" {
			row.printed = row.line
		}
		assert.Equal(t, row.printed, got.String())
		assert.Equal(t, got, topotest.MustParseCase(got.String()), row.line)
	}
}

// Each error says where: at the mark ¦.
func TestParseCaseErrors(t *testing.T) {
	for _, row := range []struct{ line, why string }{
		{"¦", "QUESTION -> ANSWER"},
		{"EX01 *:25 10.0.5.7¦", "the arrow is missing"},
		{"EX01 *:25 10.0.5.7 ¦=> EX01\\Relay", "with a blank on either side"},
		{"EX01 *:25 10.0.5.7 ¦->EX01\\Relay", "with a blank on either side"},
		{"EX01 *:25 10.0.5.7 ¦→ EX01\\Relay", "with a blank on either side"},
		{"EX01 *:25 10.0.5.7 -> refused ¦InvalidConn", "NoRange, NotListening or UnknownServer"},
		{"¦EX01 *:25 10.0.5.7 as User mechanism=Tls -> authenticated", "nothing to do with"},
		{"¦EX01 *:25 10.0.5.7 as Anonymous WrongPassword -> mail refused", "nothing to do with"},
		{"¦EX01 *:25 10.0.5.7 as ExchangeServer tls=Insists -> mail refused", "nothing to do with"},
		{"¦EX01 -> EX01\\Relay", "SERVER LOCAL:PORT CLIENT"},
		{"¦: EX01 *:25 10.0.5.7 -> served", "name of the case is empty"},
		{"EX01 10.1.0.11¦ 10.0.5.7 -> served", "the port is missing"},
		{"EX01 *:¦0 10.0.5.7 -> served", "a port is a number"},
		{"EX01 *:¦x 10.0.5.7 -> served", "a port is a number"},
		{"EX01 *:25 ¦10.0.5.300 -> served", "not an IP address"},
		{"EX01 *:25 10.0.5.0/¦64 -> served", "not a prefix length"},
		{"EX01 *:25 10.0.5.1,¦10.0.5 -> served", "not an IP address"},
		{"EX01 *:25 10.0.5.1 ¦with user -> served", "as PEER"},
		{"EX01 *:25 10.0.5.1 ¦as -> served", "as PEER"},
		{"EX01 *:25 10.0.5.1 as ¦nobody -> served", "not a known value"},
		{"EX01 *:25 10.0.5.1 as User ¦drunk -> served", "not something that a peer can or cannot do"},
		{"EX01 *:25 10.0.5.1 as User tls=¦maybe -> served", "not a known value"},
		{"EX01 *:25 10.0.5.1 as User version=¦x -> served", "not a version"},
		{"EX01 *:25 10.0.5.1 as User mechanism=¦x -> served", "not a known value"},
		{"EX01 *:25 ¦'10.0.5.1 -> served", "a quotation mark is not closed"},
		{"EX01 *:25 10.0.5.1 -> ¦Relay", "neither SERVER\\Connector nor anything else"},
		{"EX01 *:25 10.0.5.1 -> ¦", "neither SERVER\\Connector nor anything else"},
		{"EX01 *:25 10.0.5.1 -> may relay, ¦may not relay", "given more than once: one thing is wanted of each kind"},
		{"EX01 *:25 10.0.5.1 -> EX01\\A, ¦EX01\\B", "given more than once"},
		{"EX01 *:25 10.0.5.1 -> served by 10.0.0.0/8, ¦served by 10.0.5.0/24", "given more than once"},
		{"EX01 *:25 10.0.5.1 -> refused NoRange, ¦refused", "given more than once"},
		{"EX01 *:25 10.0.5.1 -> served, ¦EX01\\A", "given more than once"},
		{"EX01 *:25 10.0.5.1 -> reply 550, ¦reply 551", "given more than once"},
		{"EX01 *:25 10.0.5.1 as User version=2010 ¦Version=2013 -> served", "given more than once"},
		{"flow * * * port=25 ¦port=26 -> passes", "each once"},
		{"EX01 *:25 ¦\"head office\" -> served", "names stand in single quotes"},
		{"EX01 *:25 10.0.5.1 -> ¦\"EX01\\A\"", "names stand in single quotes"},
		{"EX01 *:25 ¦'' -> served", "nothing given"},
		{"EX01 *:25 ¦10.* -> served", "any is every address"},
		{"EX01 ¦25 10.0.5.1 -> served", "a local endpoint is 10.1.0.11:25, *:25 or *"},
		{"EX01 *:25 10.0.5.1 -> EX01\\A*,¦served", "given more than once"},
		{"no finding ¦errors", "neither checks nor a severity: check: not a known value"},
		{"EX01 *:25 10.0.5.1 -> EX01\\A by 10.0.0.0/¦99", "not a prefix length"},
		{"EX01 *:25 10.0.5.1 -> refused ¦Perhaps", "not how a connection is refused"},
		{"EX01 *:25 10.0.5.1 -> reply¦", "the code of the reply is missing"},
		{"EX01 *:25 10.0.5.1 -> reply ¦4", "not the code of a reply"},
		{"EX01 *:25 10.0.5.1 -> reply 550 5.7.1 ¦Unable", "stands in single quotes"},
		{"EX01 *:25 10.0.5.1 -> ¦reply 550 'a''b", "a quotation mark is not closed"},
		{"EX01 *:25 10.0.5.1 -> EX01\\A (doubt: ¦Tie", "ends in a parenthesis"},
		{"EX01 *:25 10.0.5.1 -> EX01\\A (doubt: ¦Much)", "not a doubt"},
		{"EX01 *:25 10.0.5.1 -> EX01\\A, ¦refused", "given more than once"},
		{"¦flow EX01 EX02 -> passes", "flow FROM TO PURPOSE"},
		{"flow EX01 EX02 ¦Gossip -> passes", "not a purpose"},
		{"flow EX01 EX02 Mail ¦port=x -> passes", "neither port=NUMBER"},
		{"flow EX01 EX02 Mail -> ¦flies", "not what becomes of a flow"},
		{"¦no", "must be followed by finding"},
		{"no finding RC001 ¦-> none", "a finding has no answer"},
		{"no finding RC001,¦RC7", "not a known value"},
		{"no finding RC001 ¦RC002", "a finding is CHECK"},
		{"no finding RC001 ¦of", "must be followed by"},
	} {
		offset := strings.Index(row.line, "¦")
		line := strings.Replace(row.line, "¦", "", 1)
		_, err := topotest.ParseCase(line)
		var pe *connector.ParseError
		if !assert.ErrorAs(t, err, &pe, line) {
			continue
		}
		assert.Equal(t, offset, pe.Offset, "%s: %v", line, err)
		assert.Contains(t, err.Error(), row.why)
		assert.Equal(t, line, pe.Input)
	}
	assert.Panics(t, func() { topotest.MustParseCase("x") })
}

func TestParseCases(t *testing.T) {
	const file = "\ufeff# far above\r\n\r\n# Printers stand in the 5th subnet,\r\n# and send to customers.\r\nEX01 *:25 10.0.5.0/24 -> EX01\\Relay\r\n\r\n[ mail between servers ]\n\nflow * * Mail -> passes\nno finding RC001"
	cases, err := topotest.ParseCases("expect.txt", strings.NewReader(file))
	require.NoError(t, err)
	require.Len(t, cases, 3)
	assert.Equal(t, "Printers stand in the 5th subnet,\nand send to customers.", cases[0].Why)
	assert.Empty(t, cases[0].Group)
	assert.Equal(t, "mail between servers", cases[1].Group)
	assert.Equal(t, "mail between servers", cases[2].Group)
	assert.Equal(t, connector.Source{File: "expect.txt", Line: 10}, cases[2].Source)
	assert.Equal(t, `# Printers stand in the 5th subnet,
# and send to customers.
EX01 *:25 10.0.5.0/24 -> EX01\Relay

[mail between servers]
flow * * Mail -> passes
no finding RC001
`, topotest.FormatCases(cases))

	cases, err = topotest.ParseCases("expect.txt", strings.NewReader("  EX01 *:25 10.0.5.300 -> served\nno finding\nEX01 *:25 -> served\n"))
	assert.Len(t, cases, 1, "the others are read all the same")
	assert.EqualError(t, err, `expect.txt:1:13: case "EX01 *:25 10.0.5.300 -> served": byte 10: range: not an IP address: IPv4 field has value >255
expect.txt:3:6: case "EX01 *:25 -> served": byte 5: not a valid value: a client is addresses, ranges or names; any is every address`)

	// Windows PowerShell writes UTF-16.
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		data := order.AppendUint16(nil, 0xfeff)
		for _, u := range utf16.Encode([]rune("Köln: EX01 *:25 any -> served\r\n")) {
			data = order.AppendUint16(data, u)
		}
		cases, err := topotest.ParseCases("expect.txt", bytes.NewReader(data))
		require.NoError(t, err)
		assert.Equal(t, "Köln", cases[0].Name)
	}
	hostile := strings.Repeat("' -> ", 1<<17) + strings.Repeat("::: ,", 1<<17) + "\nEX01 *:25 " + strings.Repeat("10.0.0.1, ", 1<<17)
	cases, err = topotest.ParseCases("expect.txt", strings.NewReader(hostile+"\nno finding"))
	require.Error(t, err)
	assert.Len(t, cases, 1, "a long line takes no longer than many short ones")

	for why, row := range map[string]struct {
		r  io.Reader
		at string
	}{
		"no UTF-8":      {strings.NewReader("EX01 *:25 K\xf6ln -> served"), "expect.txt: not a text in UTF-8"},
		"UTF-16, cut":   {strings.NewReader("E\x00X\x00"), "expect.txt: not a text in UTF-8"},
		"too long":      {io.MultiReader(strings.NewReader("# "), infinite{}), "expect.txt: larger than 64 MiB"},
		"it breaks off": {iotest.ErrReader(errors.New("the disk is gone")), "expect.txt: the disk is gone"},
		"nonsense":      {strings.NewReader(strings.Repeat("nonsense\n", 1000)), "expect.txt: no line of it is a case; is it a file of expectations?"},
		"a case in it":  {strings.NewReader(strings.Repeat("nonsense\n", 1000) + "no finding\n"), "expect.txt: too many errors"},
	} {
		_, err := topotest.ParseCases("expect.txt", row.r)
		var me *connector.ModelError
		require.ErrorAs(t, err, &me, why)
		assert.Contains(t, err.Error(), row.at, why)
		assert.Less(t, len(err.Error()), 20_000, why)
	}
}

// infinite never ends.
type infinite struct{}

func (infinite) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// What is not well-formed as a value is told as what is not well-formed as text.
func TestCaseErrors(t *testing.T) {
	conn := connector.Conn{Server: "EX01", Local: netip.MustParseAddrPort("10.0.0.1:25"), Remote: netip.MustParseAddr("10.0.0.5")}
	for why, c := range map[string]topotest.Case{
		"nothing is wanted":                     {Conn: conn},
		"a flow is about flows":                 {Flow: &topotest.Flows{}, Findings: &topotest.Findings{}},
		"not about a connection":                {Flow: &topotest.Flows{}, State: audit.FlowPasses, Conn: conn},
		"findings are not about a connection":   {Findings: &topotest.Findings{}, From: "any"},
		"nothing is wanted of the flow":         {Flow: &topotest.Flows{}},
		"a state, but no flow":                  {Conn: conn, Refused: true, State: audit.FlowPasses},
		"a finding, but none is asked about":    {Conn: conn, Refused: true, Found: true},
		"the server is missing":                 {Conn: connector.Conn{Local: conn.Local, Remote: conn.Remote}, Refused: true},
		"the client is missing":                 {Conn: connector.Conn{Server: "EX01", Local: conn.Local}, Refused: true},
		"the client is given twice":             {Conn: conn, From: "any", Refused: true},
		"served and refused":                    {Conn: conn, Refused: true, Outcome: connector.Selected},
		"a range decides and nobody is served":  {Conn: conn, Refused: true, By: connector.MustParseRange("10.0.0.0/8")},
		"no server of that name":                {Conn: connector.Conn{Server: "EX09", Local: conn.Local, Remote: conn.Remote}, Refused: true},
		"no such client":                        {Conn: connector.Conn{Server: "EX01", Local: conn.Local}, From: "printers", Refused: true},
		"no address in the family":              {Conn: connector.Conn{Server: "EX01", Local: conn.Local}, From: "fd00::/8", Refused: true},
		"what connects is not said":             {Conn: conn, Relay: connector.StepRefused},
		"no such flow":                          {Flow: &topotest.Flows{From: "EX09"}, State: audit.FlowPasses},
		"the address of the server is unknown":  {Conn: connector.Conn{Server: "EX01", Local: conn.Local}, From: "EX01", Refused: true},
		"the check of a finding does not exist": {Findings: &topotest.Findings{Checks: "RC7"}},
	} {
		r := evaluate(t, topotest.MustBuild(topotest.Exchange("2016", "EX01").DefaultConnectors()), c)[0]
		require.Error(t, r.Err, why)
		assert.False(t, r.Holds(), why)
		assert.Contains(t, r.String(), "cannot be asked: ", why)
		var pe *connector.ParseError
		assert.True(t, errors.Is(r.Err, connector.ErrInvalid) || errors.Is(r.Err, connector.ErrNotFound) || errors.As(r.Err, &pe), "%s: %v", why, r.Err)
	}
}

// What can be read prints, and what is printed reads as the same.
func FuzzParseCase(f *testing.F) {
	for _, seed := range []string{
		`EX01 10.1.0.11:25 10.0.5.7 -> EX01\Relay`, `n: * * any as User tls=Insists version='Version 14.3 (Build 1.2)' -> served by ::/0, may not relay (doubt: Tie)`,
		`flow 'a b' * Mail port=25 need=Possible -> partly fails`, `no finding RC001,RC2 error of EX01\Relay x`, `EX01 *:25 'a, ''b',c -> 'EX01\it''s', reply 550 5.7.1 'x'`,
		`'a: ': EX01 [::1]:25 fe80::%1 -> refused NoRange`, `a:: b`, `''':`, `EX01 ' ',, -> x`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := topotest.ParseCase(line)
		if err != nil {
			var pe *connector.ParseError
			require.ErrorAs(t, err, &pe)
			require.LessOrEqual(t, pe.Offset, len(line))
			require.GreaterOrEqual(t, pe.Offset, 0)
			return
		}
		again, err := topotest.ParseCase(c.String())
		require.NoError(t, err, "%q printed %q", line, c.String())
		require.Equal(t, c, again, "%q printed %q", line, c.String())
	})
}

func ExampleParseCases() {
	cases, err := topotest.ParseCases("expect.txt", strings.NewReader(`
# Printers send to customers.
printers: EX01 *:25 10.0.5.0/24 as Anonymous -> EX01\Relay, may relay

flow * * Mail -> passes
no finding RC001
`))
	if err != nil {
		panic(err)
	}
	for _, c := range cases {
		fmt.Printf("%s: %s\n", c.Source, c)
	}
	// Output:
	// expect.txt:3: printers: EX01 *:25 10.0.5.0/24 as Anonymous -> EX01\Relay, may relay
	// expect.txt:5: flow * * Mail -> passes
	// expect.txt:6: no finding RC001
}
