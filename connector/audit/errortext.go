package audit

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// ErrorText is an error, taken apart. What the text does not tell is zero.
type ErrorText struct {
	Kind  ErrorKind
	Reply string // as the text has it: code, enhanced code and words, without what wraps them
	// SameCode are, for [ErrorOther], the kinds that share the code. Their words are others, so none of them is assumed.
	SameCode []ErrorKind
	// Senders are the generations whose queues wrap a reply like this, nil if nothing tells.
	Senders []connector.Generation
	Purpose connector.Purpose // OutboundProxy if the reply came through a front end
	// Endpoint is where the sender connected to; the port is 0 if only the address is told.
	Endpoint netip.AddrPort
	Host     string       // full name of the target, in lower case
	NextHop  string       // NextHopDomain of the queue, in lower case: a site or a name
	Sender   string       // name of the server whose queue it is, or that generated the NDR, in lower case
	Source   netip.Addr   // the sender's address, of a line of a log
	Selected connector.ID // the connector that a line of a receive log names
	Mentions []netip.Addr // all addresses of the text, in order, 1,000 at most
	Clipped  bool         // the text is longer than what was looked at, 1 MB

	words string // in lower case; blanks are folded, to a line end where there is one
	at    int    // where the telling words begin in it
	end   int    // and where they end
}

// mostText and mostMentions are how much of a text is looked at; what administrators paste is far shorter.
const (
	mostText     = 1 << 20
	mostMentions = 1000
)

var (
	blanks = regexp.MustCompile(`[\s\x{a0}]+(?:>[\s>]*)?`)
	tags   = regexp.MustCompile(`(?i)</?(?:a|b|blockquote|br|code|div|em|font|i|li|p|pre|span|strong|table|td|tr|tt|u|ul)\b[^<>]{0,200}>`)
	signs  = strings.NewReplacer("&quot;", `"`, "&#34;", `"`, "&gt;", ">", "&lt;", "<", "&nbsp;", " ",
		"“", `"`, "”", `"`, "„", `"`, "’", "'", "…", "...", "=\r\n", "", "=\n", "", "\x00", "", "\ufeff", "")
	codes     = regexp.MustCompile(`\b([245]\d\d)[ \n-]#?([245]\.\d{1,3}\.\d{1,3})\b`)
	wrappers  = regexp.MustCompile(`\b451 4\.4\.(?:0|395)\b`)
	addresses = regexp.MustCompile(`\[?[0-9a-f:.]*[0-9a-f]\]?(?::\d{1,5})?`)
	attempted = regexp.MustCompile(`last[ \n]endpoint[ \n]attempted[ \n]was[ \n]([^\s;,]+)`)
	lastIP    = regexp.MustCompile(`lastattemptedip=([^\]\s;]+)`)
	labelled  = regexp.MustCompile(`\{ip=([^}]+)\}`)
	labelHost = regexp.MustCompile(`\{fqdn=([^}]+)\}`)
	nextHop   = regexp.MustCompile(`nexthopdomain\s*:\s*(\S+)`)
	queueID   = regexp.MustCompile(`([a-z0-9][a-z0-9-]*)\\(?:\d+|submission|unreachable|poison|shadow)\b`)
	generated = regexp.MustCompile(`generating[ \n]server:\s*([a-z0-9.-]+)`)
	logTime   = regexp.MustCompile(`^\d{4}-\d\d-\d\dt[\d:.]+z?,`)
	quoted    = regexp.MustCompile(`451 5\.7\.3 "cannot achieve`)
	// afterReply ends a reply: quotes and brackets, the end of the line or sentence, and what wrappers go on with.
	afterReply = regexp.MustCompile(`["'{}<>\[\]\n]|\. |[ ,]*the last endpoint attempted| attempted failover`)
)

// ReadError takes apart an error as a queue shows it in LastError, an NDR, or a line of a send or receive log, with any text around
// it. It never fails: what is not known is of kind [ErrorOther]. Of several errors the first of the most telling kind counts.
func ReadError(text string) ErrorText {
	e := ErrorText{Clipped: len(text) > mostText}
	if e.Clipped {
		text = text[:mostText]
	}
	text = tags.ReplaceAllString(signs.Replace(strings.ToValidUTF8(text, "?")), " ")
	folded := strings.Trim(blanks.ReplaceAllStringFunc(text, func(s string) string {
		if strings.Contains(s, "\n") {
			return "\n"
		}
		return " "
	}), " \n")
	e.words = asciiLower(folded)
	e.findKind()
	e.Reply = e.reply(folded)
	e.readWrapper()
	e.readRecord(folded)
	e.readMentions()
	return e
}

// asciiLower is lower case that keeps every byte where it is.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// findKind finds the words that tell, else the beginning of such words where something cut them off, else a code that stands alone
// or that no other text has.
func (e *ErrorText) findKind() {
	flat := strings.ReplaceAll(e.words, "\n", " ")
	for k := ErrorCannotAchieve; k < ErrorCutOff; k++ {
		for _, p := range errorKinds[k].phrases {
			if i := strings.Index(flat, p); i >= 0 {
				e.Kind, e.at, e.end = k, i, i+len(p)
				return
			}
		}
	}
	e.Kind = ErrorOther
	found := codes.FindAllStringSubmatchIndex(e.words, -1)
	for _, m := range found {
		if k := cutOffKind(e.afterCode(m[1])); k != 0 {
			e.Kind, e.at, e.end = k, m[0], m[1]
			return
		}
	}
	for _, m := range found {
		kinds, own := kindsOfCode(e.words[m[2]:m[3]], e.words[m[4]:m[5]])
		if rest, _ := e.afterCode(m[1]); own || rest == "" && len(kinds) == 1 {
			e.Kind, e.at, e.end, e.SameCode = kinds[0], m[0], m[1], nil
			return
		}
		for _, k := range kinds {
			if !slices.Contains(e.SameCode, k) {
				e.SameCode = append(e.SameCode, k)
			}
		}
	}
	if strings.Contains(e.words, "...") && wrappers.MatchString(e.words) {
		e.Kind = ErrorCutOff
	}
}

// kindsOfCode returns the kinds that a code may stand for, and whether it is one that no other text has. The whole code counts more
// than the enhanced one alone.
func kindsOfCode(code, enhanced string) (kinds []ErrorKind, own bool) {
	var looser []ErrorKind
	for k := ErrorCannotAchieve; k < ErrorCutOff; k++ {
		switch {
		case slices.Contains(errorKinds[k].own, enhanced):
			return []ErrorKind{k}, true
		case slices.Contains(errorKinds[k].codes, code+" "+enhanced):
			kinds = append(kinds, k)
		case slices.Contains(errorKinds[k].codes, enhanced):
			looser = append(looser, k)
		}
	}
	if kinds == nil {
		kinds = looser
	}
	return kinds, false
}

// afterCode returns the words behind a code, up to a quote, the end of the line or the dots of a console, and whether they may have
// been cut off there.
func (e *ErrorText) afterCode(at int) (words string, cut bool) {
	words = e.words[at:]
	end := strings.IndexAny(words, "\"'{}<>\n")
	cut = end < 0 || words[end] == '\n'
	if end >= 0 {
		words = words[:end]
	}
	if i := strings.Index(words, "..."); i >= 0 {
		words, cut = words[:i], true
	}
	return strings.TrimPrefix(strings.Trim(words, ` ;,:-.`), "smtp; "), cut
}

// cutOffKind tells which phrase the words begin, if they were cut off and only one kind begins like this; zero if none does.
func cutOffKind(words string, cut bool) (kind ErrorKind) {
	const least = 3 // letters
	if !cut || len(words) < least {
		return 0
	}
	for k := ErrorCannotAchieve; k < ErrorCutOff; k++ {
		for _, p := range errorKinds[k].phrases {
			if !strings.HasPrefix(p, words) {
				continue
			}
			if kind != 0 && kind != k {
				return ErrorCutOff
			}
			kind = k
		}
	}
	return kind
}

// reply returns the reply with the telling words, else the innermost one, which comes last.
func (e *ErrorText) reply(folded string) string {
	var last []int
	for _, m := range codes.FindAllStringSubmatchIndex(e.words, -1) {
		if last == nil || e.Kind == ErrorOther || m[0] <= e.at {
			last = m
		}
	}
	if last == nil {
		return ""
	}
	from, end := last[1], len(folded)
	if last[0] <= e.at && e.end > from {
		from = e.end
	}
	if stop := afterReply.FindStringIndex(e.words[from:]); stop != nil {
		end = from + stop[0]
	}
	words := strings.ReplaceAll(strings.Trim(folded[last[1]:end], " \n;,\"':-."), "\n", " ")
	const longest = 200
	if len(words) > longest {
		words = strings.ToValidUTF8(words[:longest], "") + "..."
	}
	return strings.TrimSpace(folded[last[2]:last[3]] + " " + folded[last[4]:last[5]] + " " + words)
}

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
			e.Endpoint = endpoint(strings.TrimRight(m[1], `.,;"'])}`))
		}
	}
	if m := labelHost.FindStringSubmatch(behind); m != nil {
		e.Host = strings.TrimSpace(m[1])
	}
	e.NextHop = lastMatch(nextHop, before)
	e.Sender = lastMatch(queueID, before)
	if e.Sender == "" {
		e.Sender, _, _ = strings.Cut(lastMatch(generated, before), ".")
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
