package audit

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

var (
	addresses      = regexp.MustCompile(`\[?[0-9a-f:.]*[0-9a-f]\]?(?::\d{1,5})?`)
	attempted      = regexp.MustCompile(`last[ \n]endpoint[ \n]attempted[ \n]was[ \n]([^\s;,]+)`)
	lastIP         = regexp.MustCompile(`lastattemptedip=([^\]\s;]+)`)
	labelled       = regexp.MustCompile(`\{ip=([^}]+)\}`)
	labelHost      = regexp.MustCompile(`\{fqdn=([^}]+)\}`)
	nextHop        = regexp.MustCompile(`nexthopdomain\s*:\s*(\S+)`)
	queueID        = regexp.MustCompile(`([a-z0-9][a-z0-9-]*)\\(?:\d+|submission|unreachable|poison|shadow)\b`)
	hostAndAddress = regexp.MustCompile(`([a-z0-9-]+(?:\.[a-z0-9-]+)+)[ \n]\(([0-9a-f.:]{3,45})\)`)
	account        = regexp.MustCompile(`the account '(?:[^'\\]*\\)?([^'\\]+)' provided valid`)
	computer       = regexp.MustCompile(`computer:\s*([a-z0-9][a-z0-9.-]*)`)
	sourceIP       = regexp.MustCompile(`source ip address[^\[]{0,80}\[([0-9a-f.:]+)\]`)
	eventConnector = regexp.MustCompile(`for receive connector ([^\n]{1,100}?)\. the (?:authentication|source)`)
	generated      = regexp.MustCompile(`gener(?:ating|ierender)[ \n]server:\s*([a-z0-9.-]+)`)
	logTime        = regexp.MustCompile(`^\d{4}-\d\d-\d\dt[\d:.]+z?,`)
	quoted         = regexp.MustCompile(`451 5\.7\.3 "cannot achieve`)
)

// readWrapper tells the sender's generation by what its queue wraps replies in. Sources: KB979175 (documented), the later form is
// observed.
func (e *ErrorText) readWrapper() {
	flat := strings.ReplaceAll(e.words, "\n", " ")
	switch {
	case strings.Contains(flat, "451 4.4.395 "):
		e.Senders = []connector.Generation{connector.Generation2016, connector.Generation2019, connector.Generation2019OrSE, connector.GenerationSE}
	case strings.Contains(flat, "4.4.0 primary target ip address responded with"):
		e.Senders = []connector.Generation{connector.Generation2010, connector.Generation2013, connector.Generation2016}
	case quoted.MatchString(flat):
		e.Senders = []connector.Generation{connector.Generation2007}
	}
	if strings.Contains(flat, "proxy session setup failed on frontend") {
		e.Purpose = connector.OutboundProxy
	}
}

// readRecord reads what belongs to the error where a text holds several: a log line is that of the telling words, or the last one
// before; what LastError is followed by stands behind it, and what a queue begins with before it.
func (e *ErrorText) readRecord(folded string) {
	before, behind := e.words[:e.at], e.words[e.at:]
	e.readLogLine(folded)
	for _, form := range []*regexp.Regexp{attempted, lastIP, labelled} {
		m := form.FindStringSubmatch(behind)
		if m == nil {
			m = form.FindStringSubmatch(before)
		}
		if m != nil && !e.Endpoint.IsValid() {
			e.Endpoint = e.told(strings.TrimRight(m[1], `.,;:"'])}`))
		}
	}
	if m := labelHost.FindStringSubmatch(behind); m != nil {
		e.Host = strings.TrimSpace(m[1])
	}
	e.readNDR(before)
	e.readEvent(folded)
	e.NextHop = lastMatch(nextHop, before)
	e.Sender = cmp.Or(e.Sender, lastMatch(queueID, before))
	if e.Sender == "" {
		e.Sender, _, _ = strings.Cut(lastMatch(generated, before), ".")
	}
}

// told reads an endpoint without a port that the end of the text or the dots of a console have cut off.
func (e *ErrorText) told(s string) netip.AddrPort {
	at := endpoint(s)
	rest := e.words[strings.Index(e.words, s)+len(s):]
	cut := strings.TrimLeft(rest, `."'])} `) == "" || strings.HasPrefix(rest, "...")
	if cut && !slices.Contains(transportPorts, at.Port()) {
		return netip.AddrPortFrom(at.Addr(), 0)
	}
	return at
}

// readNDR reads what an NDR says before its diagnostic, in any language: the host that answered, and its address in brackets.
func (e *ErrorText) readNDR(before string) {
	if e.Host != "" || e.Endpoint.IsValid() {
		return
	}
	all := hostAndAddress.FindAllStringSubmatch(before, -1)
	for i := len(all) - 1; i >= 0; i-- {
		if at := endpoint(all[i][2]); at.IsValid() {
			e.Host, e.Endpoint = all[i][1], at
			return
		}
	}
}

// readEvent reads what an event of the transport service says: the computer that logged it, the receive connector, the account and
// the address of who connected.
func (e *ErrorText) readEvent(folded string) {
	if m := account.FindStringSubmatch(e.words); m != nil {
		name, ofServer := strings.CutSuffix(m[1], "$")
		if e.ofServer = ofServer; ofServer {
			e.Sender = name
		}
	}
	if m := sourceIP.FindStringSubmatch(e.words); m != nil && !e.Source.IsValid() {
		e.Source = endpoint(m[1]).Addr()
	}
	m := computer.FindStringSubmatch(e.words)
	if m == nil || e.Host != "" || e.Selected.Name != "" {
		return
	}
	e.Host = m[1]
	if at := eventConnector.FindStringSubmatchIndex(e.words); at != nil && e.Kind != ErrorOther {
		server, _, _ := strings.Cut(e.Host, ".")
		e.Selected = connector.ID{Server: server, Name: strings.TrimSpace(folded[at[2]:at[3]])}
	}
}

// lastMatch returns the first group of the last match.
func lastMatch(form *regexp.Regexp, s string) string {
	all := form.FindAllStringSubmatch(s, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

// readLogLine reads the endpoints of a line of a protocol log: date-time, connector-id, session-id, sequence-number,
// local-endpoint, remote-endpoint, ... In a receive log the connector is SERVER\Name, and the local endpoint is the target.
func (e *ErrorText) readLogLine(folded string) {
	start := strings.LastIndexByte(e.words[:e.at], '\n') + 1
	for !logTime.MatchString(e.words[start:]) {
		if start == 0 {
			if start = e.firstLogLine(); start < 0 {
				return
			}
			break
		}
		start = strings.LastIndexByte(e.words[:start-1], '\n') + 1
	}
	line, _, _ := strings.Cut(folded[start:], "\n")
	fields := strings.Split(line, ",")
	for i := 2; i+1 < len(fields); i++ { // a name may hold commas
		local, remote := endpoint(asciiLower(fields[i])), endpoint(asciiLower(fields[i+1]))
		if local.Port() == 0 || remote.Port() == 0 {
			continue
		}
		if id, err := connector.ParseID(fields[1]); err == nil {
			e.Endpoint, e.Source, e.Selected = local, remote.Addr(), id
			e.Selected.Name = strings.TrimSpace(strings.Join(append([]string{id.Name}, fields[2:max(2, i-2)]...), ","))
		} else {
			e.Endpoint, e.Source = remote, local.Addr()
		}
		return
	}
}

// firstLogLine returns where the first line of a log begins, negative if there is none.
func (e *ErrorText) firstLogLine() int {
	for at := 0; at < len(e.words); {
		if logTime.MatchString(e.words[at:]) {
			return at
		}
		next := strings.IndexByte(e.words[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return -1
}

// transportPorts are those that Exchange servers listen on.
var transportPorts = []uint16{25, 465, 475, 587, 717, 2525}

// readMentions collects all addresses. One with a port that Exchange servers listen on is the endpoint, if nothing else tells.
func (e *ErrorText) readMentions() {
	seen := make(map[netip.Addr]bool)
	for _, s := range addresses.FindAllString(e.words, -1) {
		at := endpoint(s)
		if !at.IsValid() {
			continue
		}
		if !seen[at.Addr()] {
			seen[at.Addr()] = true
			if e.Mentions = append(e.Mentions, at.Addr()); len(e.Mentions) == mostMentions {
				return
			}
		}
		if !e.Endpoint.IsValid() && slices.Contains(transportPorts, at.Port()) {
			e.Endpoint = at
		}
	}
}

// endpoint reads an address with or without a port; the zero AddrPort if it is none.
func endpoint(s string) netip.AddrPort {
	s = strings.TrimRight(s, ".")
	if !strings.HasPrefix(s, "[") {
		s = strings.TrimRight(s, "]")
	}
	if at, err := netip.ParseAddrPort(s); err == nil {
		return netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
	}
	host, port, _ := strings.Cut(strings.TrimPrefix(s, "["), "]")
	a, err := netip.ParseAddr(host)
	if err != nil || a.IsUnspecified() || !strings.ContainsAny(host, ".") && strings.Count(host, ":") < 2 {
		return netip.AddrPort{}
	}
	n, _ := strconv.ParseUint(strings.TrimPrefix(port, ":"), 10, 16)
	return netip.AddrPortFrom(a.Unmap().WithZone(""), uint16(n))
}

// commonWords are those of replies and wrappers, in which no name is looked for.
var commonWords = func() *strings.Replacer {
	var pairs []string
	for _, k := range errorKinds {
		for _, p := range k.phrases {
			pairs = append(pairs, p, " ")
		}
	}
	for _, p := range []string{"primary target ip address responded with", "target host responded with error", "attempted failover to alternate host, but that did not succeed",
		"either there are no alternate hosts, or delivery failed to all alternate hosts", "the last endpoint attempted was", "proxy session setup failed on frontend with",
		"microsoft exchange server", "generating server", "exchange server", "send connector", "receive connector", "remote server"} {
		pairs = append(pairs, p, " ")
	}
	return strings.NewReplacer(pairs...)
}()

// names tells whether the text names a server as a word of its own, outside of what replies say anyway. Names shorter than three
// letters are not looked for.
func (e *ErrorText) names(name string) bool {
	const least = 3
	name = asciiLower(name)
	for rest := commonWords.Replace(strings.ReplaceAll(e.words, "\n", " ")); len(name) >= least; {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		end := i + len(name)
		before := i == 0 || !isWord(rest[i-1])
		after := end == len(rest) || !isWord(rest[end]) || rest[end] == '.' // the domain begins, or the sentence ends
		if before && after {
			return true
		}
		rest = rest[end:]
	}
	return false
}

func isWord(c byte) bool {
	return c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == '-' || c == '_' || c >= 0x80
}
