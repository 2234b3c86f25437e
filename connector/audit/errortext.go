package audit

import (
	"net/netip"
	"regexp"
	"slices"
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
	More     int          // further errors of the kind in the text, which are not looked at
	Clipped  bool         // the text is longer than what was looked at, 1 MB

	ofServer bool   // the account that an event names is that of a computer
	words    string // in lower case; blanks are folded, to a line end where there is one
	at       int    // where the telling words begin in it
	end      int    // and where they end
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
	codes    = regexp.MustCompile(`\b([245]\d\d)[ \n-]#?([245]\.\d{1,3}\.\d{1,3})\b`)
	wrappers = regexp.MustCompile(`\b451 4\.4\.(?:0|395)\b`)
	// afterReply ends a reply: quotes and brackets, the end of the line or sentence, and what wrappers go on with.
	afterReply = regexp.MustCompile(`["'{}<>\[\]\n]|\. |,(?:\d|,|$)|[ ,]*the last endpoint attempted| attempted failover`)
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
				e.Kind, e.at, e.end, e.More = k, i, i+len(p), strings.Count(flat, p)-1
				return
			}
		}
	}
	e.Kind = ErrorOther
	found := codes.FindAllStringSubmatchIndex(e.words, -1)
	cutAtCode := false
	for _, m := range found {
		if k := cutOffKind(e.afterCode(m[1])); k != 0 {
			e.Kind, e.at, e.end = k, m[0], m[1]
			return
		}
	}
	for _, m := range found {
		kinds, own := kindsOfCode(e.words[m[2]:m[3]], e.words[m[4]:m[5]])
		rest, cut := e.afterCode(m[1])
		cutAtCode = cutAtCode || rest == "" && cut && len(kinds) > 1
		if own || rest == "" && len(kinds) == 1 {
			e.Kind, e.at, e.end, e.SameCode = kinds[0], m[0], m[1], nil
			return
		}
		for _, k := range kinds {
			if !slices.Contains(e.SameCode, k) {
				e.SameCode = append(e.SameCode, k)
			}
		}
	}
	if (strings.Contains(e.words, "...") || cutAtCode) && wrappers.MatchString(e.words) {
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
	const longest = 300 // no reply that is known is longer
	words = e.words[at:min(len(e.words), at+longest)]
	end := strings.IndexAny(words, "\"'{}<>\n")
	cut = end < 0 || words[end] == '\n'
	if end >= 0 {
		words = words[:end]
	}
	if i := strings.Index(words, "..."); i >= 0 {
		words, cut = words[:i], true
	}
	words = strings.ToValidUTF8(words, "")
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
		if last == nil || e.Kind >= ErrorCutOff || m[0] <= e.at {
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
