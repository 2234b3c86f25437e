package topotest

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// Case asks one question of a topology and says what is wanted of the answer. It is a row of a table in Go, and a line of a
// file: [ParseCase] reads what String prints.
//
// The question is about connections, unless Flow or Findings is set. What is wanted must hold for everything that the question
// is about, and at least one thing must be wanted. Wants that are zero are not asked, but for Doubt.
type Case struct {
	Name   string           // of the subtest; the question, if empty
	Why    string           // printed when the case fails
	Group  string           // a heading, in files
	Source connector.Source // where it is written down

	// Conn is who connects where. A Server of * is every server of the topology. Local may be a [Port] alone, which is every local
	// address at which something listens on it; the zero Local is those of every port that connectors are bound to, whereas a line
	// that leaves it out is about port 25.
	Conn connector.Conn
	// From says instead of Conn.Remote who connects: addresses and ranges, names of servers or networks of the topology,
	// any, or several of these, separated by commas. What is in single quotes is a name, and a quote in it is doubled; blanks need
	// no quotes. The case must hold for every address of them.
	From string
	// Peer is what connects. It is needed for whatever comes behind the decision, unless From is one server, which
	// then connects as what the topology tells of it.
	Peer *connector.Peer

	// Of a connection, what is wanted is any of these.
	Want           connector.ID             // the connector
	Like           string                   // instead of Want the connector by SERVER\Name, where * is any text, and as SERVER the one that is asked
	By             connector.Range          // the range that decides, in any notation
	Refused        bool                     // that no connector serves it
	Outcome        connector.Outcome        // how it is refused; or Selected: that any connector serves it
	Authentication connector.Authentication // how far authentication gets
	Encryption     connector.StepState      // whether the session gets encrypted
	Mail           connector.StepState      // what becomes of mail to accepted domains, with whichever sender
	Relay          connector.StepState      // what becomes of mail to any other domain
	Reply          connector.Reply          // a refusal somewhere in the session: its Code, and as far as they are given Enhanced and how Text begins
	// Doubt is that of the decision and of what follows from it: none, unless it is said.
	Doubt connector.Doubt

	Flow  *Flows          // the question is about flows between servers ...
	State audit.FlowState // ... of which this is wanted

	Findings *Findings // the question is about findings of an audit, of which there must be none ...
	Found    bool      // ... or at least one
}

// everything is how a question names every server, address or flow.
const everything = "*"

// asked tells whether a name in a question stands for a certain one.
func asked(name string) bool { return name != "" && name != everything }

// Port is a local endpoint of which the address is left out.
func Port(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.Addr{}, port) }

// decides tells whether the case wants something of the decision.
func (c Case) decides() bool {
	return !c.Want.IsZero() || c.Like != "" || c.By.IsValid() || c.Refused || c.Outcome != 0
}

// isOne tells whether the question is about one connection.
func (c Case) isOne() bool {
	return asked(c.Conn.Server) && c.Conn.Local.IsValid() && c.Conn.Remote.IsValid()
}

// says tells whether the case says who serves, or that nobody does, and not only that somebody does.
func (c Case) says() bool {
	_, name, _ := strings.Cut(c.Like, `\`)
	return !c.Want.IsZero() || strings.Trim(name, everything) != "" || c.By.IsValid() || c.Refused || c.Outcome > connector.Selected
}

// follows tells whether the case wants something of the session behind the decision.
func (c Case) follows() bool {
	return c.Authentication != 0 || c.Encryption != 0 || c.Mail != 0 || c.Relay != 0 || c.Reply != connector.Reply{}
}

// check tells what is wrong with the case itself.
func (c Case) check() error {
	ofConnection := c.decides() || c.follows() || c.Doubt != 0
	switch {
	case c.Flow != nil && c.Findings != nil:
		return invalid("a case is about flows or about findings, not both")
	case (c.Flow != nil || c.Findings != nil) && (ofConnection || c.Conn != connector.Conn{} || c.From != "" || c.Peer != nil):
		return invalid("a case about flows or findings is not about a connection")
	case c.Flow == nil && c.State != 0:
		return invalid("a state is wanted, but no flow is asked about")
	case c.Findings == nil && c.Found:
		return invalid("a finding is wanted, but none is asked about")
	case c.Flow != nil:
		return c.Flow.check(c.State)
	case c.Findings != nil:
		return c.Findings.check()
	}
	if err := c.checkQuestion(); err != nil {
		return err
	}
	return c.checkWants()
}

// checkQuestion tells what is wrong with a question about a connection.
func (c Case) checkQuestion() error {
	switch {
	case c.Conn.Server == "":
		return invalid("the server is missing; * is every one")
	case c.From == "" && !c.Conn.Remote.IsValid():
		return invalid("the client is missing; any is every address")
	case c.From != "" && c.Conn.Remote.IsValid():
		return invalid("the client is given twice: as From and as Conn.Remote")
	case c.Conn.Local.Addr().IsValid() && c.Conn.Local.Port() == 0:
		return invalid("the local endpoint has no port")
	case span(c.From, "") < 0:
		return invalid("in From a quotation mark is not closed")
	}
	if c.Peer != nil {
		if err := checkPeer(*c.Peer); err != nil {
			return err
		}
	}
	if c.From != "" {
		for _, p := range parts(c.From) {
			if err := p.check(); err != nil {
				return fmt.Errorf("the client: %w", err)
			}
		}
	}
	return plain(c.Conn.Server, c.From)
}

// checkWants tells what is wrong with what is wanted of a connection.
func (c Case) checkWants() error {
	served := !c.Want.IsZero() || c.Like != "" || c.By.IsValid()
	switch {
	case !c.decides() && !c.follows():
		return invalid("nothing is wanted")
	case !c.Want.IsZero() && c.Like != "":
		return invalid("a connector is wanted twice: as Want and as Like")
	case served && c.Outcome == connector.Selected:
		return invalid("that a connection is served is wanted twice")
	case served && (c.Refused || c.Outcome != 0), c.Refused && c.Outcome == connector.Selected:
		return invalid("a connection cannot be served and refused")
	case c.Outcome > connector.UnknownServer, c.Authentication > connector.AuthenticationNotSought, c.Doubt&^(connector.DoubtTie|connector.DoubtMissing|connector.DoubtRole|connector.DoubtVersion) != 0:
		return invalid("there is no such value")
	case c.Reply != connector.Reply{} && (c.Reply.Code < 200 || c.Reply.Code > 599 || c.Reply.Side != 0 || strings.Trim(c.Reply.Enhanced, "0123456789.") != ""):
		return invalid("a reply is wanted by its code, which is three digits, and perhaps its enhanced code and the beginning of its text")
	}
	for _, state := range []connector.StepState{c.Encryption, c.Mail, c.Relay} {
		if state != 0 && !slices.Contains(states[:], state) {
			return invalid("a state that is wanted is done, refused or unknown")
		}
	}
	if id, err := connector.ParseID(c.Want.String()); !c.Want.IsZero() && (err != nil || id != c.Want) {
		return invalid("a connector has a server and a name")
	}
	if c.Like != "" {
		if _, err := connector.ParseID(c.Like); err != nil {
			return err
		}
		if answerWord(c.Like) != c.Like || !strings.Contains(c.Like, everything) {
			return invalid("a pattern of names has a *, and no comma and no quote, in place of which * stands")
		}
	}
	return plain(c.Want.Server, c.Want.Name, c.Like, c.Reply.Text)
}

// plain refuses control characters, which a line cannot hold.
func plain(texts ...string) error {
	for _, text := range texts {
		if strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
			return invalid("a control character, or no UTF-8")
		}
	}
	return nil
}

func invalid(text string) error { return fmt.Errorf("%w: %s", connector.ErrInvalid, text) }

// Question prints what is asked, as a line of a file has it: "EX01 *:25 10.0.5.0/24 as Anonymous".
func (c Case) Question() string {
	switch {
	case c.Flow != nil:
		return c.Flow.String()
	case c.Findings != nil:
		return c.Findings.question(c.Found)
	}
	words := []string{word(c.Conn.Server), localText(c.Conn.Local), sources(c)}
	if c.Peer != nil {
		words = append(words, "as", peerText(*c.Peer))
	}
	return strings.Join(words, " ")
}

// sources prints who connects.
func sources(c Case) string {
	if c.From == "" {
		return c.Conn.Remote.String()
	}
	var list []string
	for _, p := range parts(c.From) {
		list = append(list, p.source())
	}
	return strings.Join(list, ",")
}

// localText prints a local endpoint of which the address, or both, may be left out.
func localText(local netip.AddrPort) string {
	switch {
	case local.IsValid():
		return local.String()
	case local.Port() != 0:
		return everything + ":" + strconv.Itoa(int(local.Port()))
	}
	return everything
}

// Wanted prints what is wanted, as a line of a file has it behind the arrow: `EX01\Relay by 10.0.5.0/24, may relay`. It is empty for a
// case about findings, whose question says it.
func (c Case) Wanted() string {
	switch {
	case c.Findings != nil:
		return ""
	case c.Flow != nil:
		return c.State.String()
	}
	var wants []string
	served := ""
	switch {
	case strings.Contains(c.Want.String(), everything):
		served = quoted(c.Want.String())
	case !c.Want.IsZero():
		served = answerWord(c.Want.String())
	case c.Like != "":
		served = c.Like
	case c.Outcome == connector.Selected || c.By.IsValid():
		served = "served"
	}
	if c.By.IsValid() {
		served += " by " + c.By.String()
	}
	if served != "" {
		wants = append(wants, served)
	}
	if c.Refused || c.Outcome > connector.Selected {
		refused := "refused"
		if c.Outcome != 0 {
			refused += " " + c.Outcome.String()
		}
		wants = append(wants, refused)
	}
	for _, w := range stateWants {
		if text := w.text(c); text != "" {
			wants = append(wants, text)
		}
	}
	if c.Reply != (connector.Reply{}) {
		wants = append(wants, "reply "+replyText(c.Reply))
	}
	return strings.Join(wants, ", ") + doubtText(c.Doubt)
}

// replyText prints a reply that is wanted.
func replyText(r connector.Reply) string {
	text := strconv.Itoa(r.Code)
	if r.Enhanced != "" {
		text += " " + r.Enhanced
	}
	if r.Text != "" {
		text += " " + quoted(r.Text)
	}
	return text
}

func doubtText(d connector.Doubt) string {
	if d == 0 {
		return ""
	}
	return " (doubt: " + d.String() + ")"
}

// String prints the case as a line of a file: the name if there is one, the question, the arrow and what is wanted.
func (c Case) String() string {
	text := c.Question()
	if c.Findings == nil {
		text += " -> " + c.Wanted()
	}
	if c.Name != "" {
		text = name(c.Name) + ": " + text
	}
	return text
}

// Title names the case in a test: its Name, or the question.
func (c Case) Title() string {
	if c.Name != "" {
		return c.Name
	}
	return c.Question()
}
