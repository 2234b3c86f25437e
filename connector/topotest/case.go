package topotest

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

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

	// Conn is who connects where. A Server of * is every server of the topology. Of Local the address may be left out, which is
	// every local address at which something listens on the port, and the port, too: every endpoint.
	Conn connector.Conn
	// From says instead of Conn.Remote who connects: addresses and ranges, the name of a server or of a network of the topology,
	// any, or several of these, separated by commas. The case must hold for every address of them.
	From string
	// Peer is what connects. It is needed for whatever comes behind the decision, unless From is one server, which
	// then connects as what the topology tells of it.
	Peer *connector.Peer

	// Of a connection, what is wanted is any of these.
	Want           connector.ID             // the connector; a Server of * is the one that is asked, * in Name any text
	By             connector.Range          // the range that decides, in any notation
	Refused        bool                     // that no connector serves it
	Outcome        connector.Outcome        // how it is refused, or Selected: by any connector
	Authentication connector.Authentication // how far authentication gets
	Encryption     connector.StepState      // whether the session gets encrypted
	Mail           connector.StepState      // what becomes of mail to accepted domains, with whichever sender
	Relay          connector.StepState      // what becomes of mail to any other domain
	Reply          connector.Reply          // a refusal somewhere in the session, as far as it is given; a Text is how it begins
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

// decides tells whether the case wants something of the decision.
func (c Case) decides() bool {
	return !c.Want.IsZero() || c.By.IsValid() || c.Refused || c.Outcome != 0
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
	case c.Flow != nil && c.State == 0:
		return invalid("nothing is wanted of the flow: passes, for example")
	case c.Flow == nil && c.State != 0:
		return invalid("a state is wanted, but no flow is asked about")
	case c.Findings == nil && c.Found:
		return invalid("a finding is wanted, but none is asked about")
	case c.Flow != nil:
		return nil
	case c.Findings != nil:
		if c.Findings.Checks == "" {
			return nil
		}
		_, err := audit.ParseChecks(c.Findings.Checks)
		return err
	}
	return c.checkConnection()
}

func (c Case) checkConnection() error {
	served := !c.Want.IsZero() || c.By.IsValid() || c.Outcome == connector.Selected
	switch {
	case c.Conn.Server == "":
		return invalid("the server is missing; * is every one")
	case c.From == "" && !c.Conn.Remote.IsValid():
		return invalid("the client is missing; any is every address")
	case c.From != "" && c.Conn.Remote.IsValid():
		return invalid("the client is given twice: as From and as Conn.Remote")
	case !c.decides() && !c.follows():
		return invalid("nothing is wanted")
	case served && (c.Refused || c.Outcome > connector.Selected):
		return invalid("a connection cannot be served and refused")
	case c.Refused && c.Outcome == connector.Selected:
		return invalid("a connection cannot be served and refused")
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
	for _, part := range parts(c.From) {
		list = append(list, word(part.text))
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
	if !c.Want.IsZero() {
		served = answerWord(c.Want.String())
	} else if c.Outcome == connector.Selected || c.By.IsValid() {
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

// title names the case in a test.
func (c Case) title() string {
	if c.Name != "" {
		return c.Name
	}
	return c.Question()
}
