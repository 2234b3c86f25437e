package topotest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// stateWant is something that a case may want of a session: how it is said, and where it is kept.
type stateWant struct {
	texts [3]string // for Done, Refused and Unknown
	of    func(*Case) *connector.StepState
}

// stateWants are in the order in which they are printed.
var stateWants = []stateWant{
	{[3]string{"encrypted", "not encrypted", "encryption unknown"}, func(c *Case) *connector.StepState { return &c.Encryption }},
	{[3]string{"authenticated", "not authenticated", "authentication unknown"}, nil},
	{[3]string{"mail accepted", "mail refused", "mail unknown"}, func(c *Case) *connector.StepState { return &c.Mail }},
	{[3]string{"may relay", "may not relay", "relay unknown"}, func(c *Case) *connector.StepState { return &c.Relay }},
}

// authenticationNotSought is how a case says that a peer does not ask for authentication.
const authenticationNotSought = "authentication not sought"

// states are those that texts of a stateWant are for.
var states = [3]connector.StepState{connector.StepDone, connector.StepRefused, connector.StepUnknown}

// authentications are those that texts of a stateWant are for.
var authentications = [3]connector.Authentication{connector.Authenticated, connector.NotAuthenticated, connector.AuthenticationUnknown}

// text prints what c wants; nothing if it is not asked.
func (w stateWant) text(c Case) string {
	if w.of == nil && c.Authentication == connector.AuthenticationNotSought {
		return authenticationNotSought
	}
	for i, text := range w.texts {
		if w.of == nil && c.Authentication == authentications[i] || w.of != nil && *w.of(&c) == states[i] {
			return text
		}
	}
	return ""
}

// set reads what text prints, and tells whether it is something of this kind.
func (w stateWant) set(c *Case, text string) bool {
	if w.of == nil && strings.EqualFold(text, authenticationNotSought) {
		c.Authentication = connector.AuthenticationNotSought
		return true
	}
	for i, t := range w.texts {
		if !strings.EqualFold(text, t) {
			continue
		}
		if w.of == nil {
			c.Authentication = authentications[i]
		} else {
			*w.of(c) = states[i]
		}
		return true
	}
	return false
}

// wantText is what stands behind the arrow.
type wantText struct {
	text   string
	offset int // in the line
}

// indentOf returns how many blanks a text begins with.
func indentOf(text string) int { return len(text) - len(strings.TrimLeft(text, blanks)) }

func (w wantText) flow(c *Case) error {
	state, ok := value(strings.TrimSpace(w.text), audit.FlowPasses, audit.FlowOutside)
	if !ok {
		return at(w.offset+indentOf(w.text), invalid("not what becomes of a flow: passes, fails, partly fails, unknown, no source, no target, no listener or outside"))
	}
	c.State = state
	return nil
}

// connection reads what is wanted of a connection: wants separated by commas, and the doubt at the end.
func (w wantText) connection(c *Case) error {
	text, doubt, hasDoubt := cut(w.text, "(doubt: ")
	if hasDoubt {
		if err := parseDoubt(c, doubt, w.offset+len(w.text)-len(doubt)); err != nil {
			return err
		}
	}
	for rest, offset := text, w.offset; ; {
		n := span(rest, ",")
		if n < 0 {
			return at(offset+indentOf(rest), invalid("a quotation mark is not closed"))
		}
		if err := parseWant(c, strings.TrimSpace(rest[:n]), offset+indentOf(rest[:n])); err != nil {
			return err
		}
		if n == len(rest) {
			return nil
		}
		rest, offset = rest[n+1:], offset+n+1
	}
}

func parseDoubt(c *Case, text string, offset int) error {
	names, closed := strings.CutSuffix(strings.TrimSpace(text), ")")
	if !closed {
		return at(offset, invalid("a doubt ends in a parenthesis"))
	}
	for name := range strings.SplitSeq(names, ",") {
		d, ok := doubtNamed(strings.TrimSpace(name))
		if !ok {
			return at(offset, invalid("not a doubt: Tie, Missing, Role or Version"))
		}
		c.Doubt |= d
	}
	return nil
}

func doubtNamed(name string) (connector.Doubt, bool) {
	for _, d := range []connector.Doubt{connector.DoubtTie, connector.DoubtMissing, connector.DoubtRole, connector.DoubtVersion} {
		if strings.EqualFold(name, d.String()) {
			return d, true
		}
	}
	return 0, false
}

// parseWant reads one thing that is wanted.
func parseWant(c *Case, text string, offset int) error {
	twice := at(offset, fmt.Errorf("%w: one thing is wanted of each kind", connector.ErrDuplicate))
	for _, w := range stateWants {
		already := w.text(*c) != ""
		if w.set(c, text) {
			if already {
				return twice
			}
			return nil
		}
	}
	decided := c.decides()
	if rest, ok := cutWord(text, "refused"); ok {
		if decided {
			return twice
		}
		c.Refused = rest == ""
		if rest != "" {
			outcome, ok := value(rest, connector.NoRange, connector.UnknownServer)
			if !ok {
				return at(offset+len(text)-len(rest), invalid("not how a connection is refused: NoRange, NotListening or UnknownServer"))
			}
			c.Outcome = outcome
		}
		return nil
	}
	if rest, ok := cutWord(text, "reply"); ok {
		if c.Reply != (connector.Reply{}) {
			return twice
		}
		return parseReply(c, rest, offset+len(text)-len(rest))
	}
	served, by, hasBy := cut(text, " by ")
	if hasBy {
		r, err := connector.ParseRange(strings.TrimSpace(by))
		if err != nil {
			return at(offset+len(text)-len(by), err)
		}
		c.By = r
	}
	if served = strings.TrimSpace(served); strings.EqualFold(served, "served") {
		if !hasBy {
			c.Outcome = connector.Selected
		}
		if decided {
			return twice
		}
		return nil
	}
	id, err := connector.ParseID(unquoted(served))
	switch {
	case strings.HasPrefix(served, `"`):
		return at(offset, invalid("names stand in single quotes"))
	case err != nil:
		return at(offset, invalid("neither SERVER\\Connector nor anything else that can be wanted: "+wantList))
	case decided:
		return twice
	case strings.Contains(served, everything) && !strings.Contains(served, "'"):
		c.Like = served
	default:
		c.Want = id
	}
	return nil
}

const wantList = "served, served by RANGE, refused, authenticated, not authenticated, encrypted, not encrypted, mail accepted, mail refused, may relay, may not relay, reply CODE"

// cutWord cuts a keyword off, in any case.
func cutWord(text, keyword string) (rest string, ok bool) {
	if len(text) < len(keyword) || !strings.EqualFold(text[:len(keyword)], keyword) {
		return text, false
	}
	rest = text[len(keyword):]
	return strings.TrimLeft(rest, blanks), rest == "" || strings.IndexByte(blanks, rest[0]) >= 0
}

// parseReply reads CODE, or CODE ENHANCED, and perhaps how the text begins, in quotes.
func parseReply(c *Case, text string, offset int) error {
	ts, err := tokens(text, offset)
	if err != nil {
		return err
	}
	if len(ts) == 0 {
		return at(offset, invalid("the code of the reply is missing"))
	}
	code, err := strconv.Atoi(ts[0].text)
	if err != nil || code < 200 || code > 599 {
		return at(ts[0].offset, invalid("not the code of a reply"))
	}
	c.Reply.Code = code
	ts = ts[1:]
	if len(ts) > 0 && ts[0].bare() && strings.Trim(ts[0].text, "0123456789.") == "" {
		c.Reply.Enhanced = ts[0].text
		ts = ts[1:]
	}
	switch {
	case len(ts) == 1 && !ts[0].bare():
		c.Reply.Text = ts[0].text
	case len(ts) > 0:
		return at(ts[0].offset, invalid("the text of a reply stands in single quotes"))
	}
	return nil
}
