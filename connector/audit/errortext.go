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
	// Senders are the generations whose queues wrap a reply like this, nil if nothing tells.
	Senders []connector.Generation
	Purpose connector.Purpose // OutboundProxy if the reply came through a front end
	// Endpoint is where the sender connected to; the port is 0 if only the address is told.
	Endpoint netip.AddrPort
	Source   netip.Addr   // the sender's address, of a line of a log
	Selected connector.ID // the connector that a line of a receive log names
	Host     string       // full name of the target, in lower case
	Mentions []netip.Addr // all addresses of the text, in order
	words    string       // in lower case, blanks folded
}

var (
	blanks    = regexp.MustCompile(`[\s\x{a0}]+(?:>[\s>]*)?`)
	quotes    = strings.NewReplacer("&quot;", `"`, "&#34;", `"`, "&gt;", ">", "&lt;", "<", "&nbsp;", " ", "“", `"`, "”", `"`, "„", `"`, "’", "'", "=\r\n", "", "=\n", "", "\x00", "", "\ufeff", "")
	codes     = regexp.MustCompile(`\b([245]\d\d)[ -]#?([245]\.\d{1,3}\.\d{1,3})\b`)
	addresses = regexp.MustCompile(`\[?[0-9A-Fa-f:.]*[0-9A-Fa-f]\]?(?::\d{1,5})?`)
	attempted = regexp.MustCompile(`last endpoint attempted was (\S+)`)
	labelled  = regexp.MustCompile(`\{ip=([^}]+)\}`)
	labelHost = regexp.MustCompile(`\{fqdn=([^}]+)\}`)
	logTime   = regexp.MustCompile(`^\d{4}-\d\d-\d\dT[\d:.]+Z?,`)
	quoted    = regexp.MustCompile(`451 5\.7\.3 "cannot achieve`)
	dots      = regexp.MustCompile(`(?:\.\.\.|…)["'\s]*$`)
)

// mostText is how much of a text is looked at; an error that administrators paste is far shorter.
const mostText = 1 << 20

// ReadError takes apart an error as a queue shows it in LastError, an NDR, or a line of a send or receive log, with any text around
// it. It never fails: what is not known is of kind [ErrorOther].
func ReadError(text string) ErrorText {
	if len(text) > mostText {
		text = text[:mostText]
	}
	text = quotes.Replace(strings.ToValidUTF8(text, "?"))
	e := ErrorText{}
	for line := range strings.Lines(text) {
		e.readLogLine(strings.TrimSpace(line))
	}
	folded := strings.TrimSpace(blanks.ReplaceAllString(text, " "))
	e.words = strings.ToLower(folded)
	e.Kind = e.kind()
	e.Reply = e.reply(folded)
	e.readWrapper()
	e.readAddresses()
	return e
}

// kind finds the words that tell, else a code that no other kind shares.
func (e *ErrorText) kind() ErrorKind {
	for k := ErrorCannotAchieve; k < ErrorCutOff; k++ {
		if slices.ContainsFunc(errorKinds[k].phrases, func(p string) bool { return strings.Contains(e.words, p) }) {
			return k
		}
	}
	if head := dots.ReplaceAllString(e.words, ""); head != e.words {
		return cutOffKind(head)
	}
	for k := ErrorCannotAchieve; k < ErrorCutOff; k++ {
		if slices.ContainsFunc(errorKinds[k].codes, func(c string) bool { return hasCode(e.words, c) }) {
			return k
		}
	}
	return ErrorOther
}

// cutOffKind finds the phrase that a text which a console cut off begins at its end.
func cutOffKind(head string) ErrorKind {
	const least = 8 // letters that tell one phrase from all others
	for k := ErrorCannotAchieve; k < ErrorCutOff; k++ {
		for _, p := range errorKinds[k].phrases {
			for n := len(p) - 1; n >= least; n-- {
				if strings.HasSuffix(head, p[:n]) {
					return k
				}
			}
		}
	}
	return ErrorCutOff
}

// hasCode tells whether a text has a code as a word of its own.
func hasCode(words, code string) bool {
	for rest := words; ; {
		i := strings.Index(rest, code)
		if i < 0 {
			return false
		}
		before, after := i == 0 || !isWord(rest[i-1]), i+len(code) == len(rest) || !isWord(rest[i+len(code)])
		if before && after {
			return true
		}
		rest = rest[i+len(code):]
	}
}

func isWord(c byte) bool {
	return c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_'
}

// reply returns the reply with the telling words, else the innermost one, which comes last.
func (e *ErrorText) reply(folded string) (reply string) {
	found := codes.FindAllStringSubmatchIndex(folded, -1)
	for i, m := range found {
		end := len(folded)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		words := strings.TrimLeft(folded[m[1]:end], ` ;,"':-`)
		if i := strings.IndexAny(words, `"'{}]>`); i >= 0 {
			words = words[:i]
		}
		words = strings.TrimRight(words, " .,-")
		const longest = 200
		if len(words) > longest {
			words = strings.ToValidUTF8(words[:longest], "") + "..."
		}
		reply = strings.TrimSpace(folded[m[2]:m[3]] + " " + folded[m[4]:m[5]] + " " + words)
		if slices.ContainsFunc(errorKinds[e.Kind].phrases, func(p string) bool { return strings.Contains(strings.ToLower(words), p) }) {
			return reply
		}
	}
	return reply
}

// readWrapper tells the sender's generation by what its queue wraps replies in. Sources: KB979175 (documented), the later form is
// observed.
func (e *ErrorText) readWrapper() {
	switch {
	case hasCode(e.words, "4.4.395"):
		e.Senders = []connector.Generation{connector.Generation2016, connector.Generation2019, connector.Generation2019OrSE, connector.GenerationSE}
	case strings.Contains(e.words, "4.4.0 primary target ip address responded with"):
		e.Senders = []connector.Generation{connector.Generation2010, connector.Generation2013, connector.Generation2016}
	case quoted.MatchString(e.words):
		e.Senders = []connector.Generation{connector.Generation2007}
	}
	if strings.Contains(e.words, "proxy session setup failed on frontend") {
		e.Purpose = connector.OutboundProxy
	}
}

// transportPorts are those that Exchange servers listen on.
var transportPorts = []uint16{25, 465, 475, 587, 717, 2525}

func (e *ErrorText) readAddresses() {
	if m := attempted.FindStringSubmatch(e.words); m != nil && !e.Endpoint.IsValid() {
		e.Endpoint = endpoint(strings.TrimRight(m[1], `.,;"'`))
	}
	if m := labelled.FindStringSubmatch(e.words); m != nil && !e.Endpoint.IsValid() {
		e.Endpoint = endpoint(m[1])
	}
	if m := labelHost.FindStringSubmatch(e.words); m != nil {
		e.Host = strings.TrimSpace(m[1])
	}
	for _, s := range addresses.FindAllString(e.words, -1) {
		at := endpoint(s)
		if !at.IsValid() {
			continue
		}
		if !slices.Contains(e.Mentions, at.Addr()) {
			e.Mentions = append(e.Mentions, at.Addr())
		}
		if !e.Endpoint.IsValid() && slices.Contains(transportPorts, at.Port()) {
			e.Endpoint = at
		}
	}
}

// endpoint reads an address with or without a port; the zero AddrPort if it is none.
func endpoint(s string) netip.AddrPort {
	s = strings.TrimRight(s, ".")
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

// readLogLine reads the endpoints of a line of a protocol log: date-time, connector-id, session-id, sequence-number,
// local-endpoint, remote-endpoint, ... In a receive log the connector is SERVER\Name, and the local endpoint is the target.
func (e *ErrorText) readLogLine(line string) {
	if e.Endpoint.IsValid() || !logTime.MatchString(line) {
		return
	}
	fields := strings.Split(line, ",")
	const least = 7
	if len(fields) < least {
		return
	}
	id, err := connector.ParseID(fields[1])
	n := len(fields)
	for i := 2; i+2 < n; i++ { // a name may hold commas
		local, remote := endpoint(fields[i]), endpoint(fields[i+1])
		if local.Port() == 0 || remote.Port() == 0 {
			continue
		}
		if err == nil && strings.Contains(fields[1], `\`) {
			e.Endpoint, e.Source, e.Selected = local, remote.Addr(), id
			e.Selected.Name = strings.TrimSpace(strings.Join(append([]string{id.Name}, fields[2:max(2, i-2)]...), ","))
		} else {
			e.Endpoint, e.Source = remote, local.Addr()
		}
		return
	}
}

// names tells whether the text has a name as a word of its own. Names shorter than three letters are not looked for.
func (e *ErrorText) names(name string) bool {
	const least = 3
	name = strings.ToLower(name)
	for rest := e.words; len(name) >= least; {
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
