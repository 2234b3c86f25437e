package connector

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// Reason is the furthest stage a connector reached on the way to serving a connection. Reasons ascend: the later, the
// nearer the connector came. Zero is not set.
type Reason uint8

const (
	Disabled           Reason = iota + 1 // Enabled is $false
	OtherPort                            // no binding on the port
	OtherFamily                          // bound to the port, but in the other address family
	OtherAddress                         // bound to the port on another local address
	WrongRole                            // bound to the endpoint, but the process of the other transport role has it
	NotInRange                           // listens, but none of its ranges contains the source
	LostToNarrower                       // contains the source, but the winner's range has fewer addresses
	LostToExactBinding                   // range of the same size, but the winner is bound to the exact local address
	LostTie                              // equal in range and binding; the winner is first in configuration order
	Won
)

var reasonNames = [...]string{"", "Disabled", "OtherPort", "OtherFamily", "OtherAddress", "WrongRole", "NotInRange",
	"LostToNarrower", "LostToExactBinding", "LostTie", "Won"}

// String prints the name of the constant.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return ""
}

var reasonBases = [...]Basis{
	Disabled:     {"a disabled connector does not take part", Inferred, "New-ReceiveConnector, -Enabled"},
	OtherPort:    {"a connector listens on the ports of its bindings only", Documented, "Receive connectors"},
	OtherFamily:  {"IPv4 and IPv6 have separate bindings", Inferred, "New-ReceiveConnector, -Bindings"},
	OtherAddress: {"a connector listens on the local addresses of its bindings only", Documented, "Receive connectors"},
	WrongRole: {"where both transport roles are bound to one endpoint, Front End Transport stops (documented), so the Transport service answers",
		Inferred, "KB2958036"},
	NotInRange: {"a connector serves the sources in its RemoteIPRanges only", Documented, "New-ReceiveConnector, -RemoteIPRanges"},
	LostToNarrower: {"of the ranges that contain the source the one with the fewest addresses wins",
		Documented, "Receive connectors: the most specific match is used; counted in addresses: product"},
	LostToExactBinding: {"of two ranges of one size the connector bound to the exact local address wins", Product, ""},
	LostTie: {"of two connectors equal in range and binding the one the server read first wins; the order cannot be seen from outside",
		Product, ""},
	Won: {"its range has the fewest addresses of all that contain the source", Documented, "Receive connectors, New-ReceiveConnector"},
}

// Basis returns the rule behind the reason.
func (r Reason) Basis() Basis {
	if int(r) < len(reasonBases) {
		return reasonBases[r]
	}
	return Basis{}
}

// Step tells how far one connector of the server came.
type Step struct {
	Connector ID
	Reason    Reason
	// Binding is the binding the connection would have come through; set from WrongRole on.
	Binding netip.AddrPort
	// Range is the connector's narrowest range that contains the source; set from LostToNarrower on.
	Range Range
	// Missing names the properties of the connector that the decision looks at and that are unknown.
	Missing Properties
}

// Basis returns the rule that decided the step.
func (s Step) Basis() Basis { return s.Reason.Basis() }

// Explanation is a decision with the reason for every connector of the server. It shares nothing with the index.
type Explanation struct {
	Conn  Conn // as asked
	Match Match
	// Steps has one entry for each connector of the server: the winner first, then the others by how near they came, those
	// of one reason in decision order, or in the order of the configuration if they never competed. At the port of mailbox
	// delivery the implicit connector is among them, see [MailboxDelivery].
	Steps []Step
}

// decisive are the properties the decision looks at.
const decisive = PropertyBindings | PropertyRemoteIPRanges | PropertyTransportRole | PropertyEnabled

// Explain returns the decision of [Index.Select] for c with the reason why each connector of the server won or lost.
func (x *Index) Explain(c Conn) *Explanation {
	e := &Explanation{Conn: c, Match: x.Select(c)}
	if o := e.Match.Outcome(); o == InvalidConn || o == UnknownServer {
		return e
	}
	n, s := c.normal(), x.server(c.Server)
	type ranked struct {
		Step
		rank rank
	}
	var steps []ranked
	winner := rank{connector: -1}
	l := s.listener(n.Local)
	connectors := s.connectors
	if s.delivers(n.Local) {
		connectors = append([]int{s.delivery}, connectors...)
	}
	for _, i := range connectors {
		rc := &x.connectors[i]
		step := ranked{Step{Connector: rc.ID, Missing: rc.Missing & decisive}, rank{connector: i}}
		var binding int
		if step.Reason, binding = approach(rc, n.Local); step.Reason == 0 {
			step.Reason, step.Binding = WrongRole, rc.Bindings[binding]
			if rc.competes(l.owner) && (i == s.delivery || !s.delivers(n.Local)) {
				step.Reason = NotInRange
				if r, ok := rc.narrowest(n.Remote, i, step.Binding); ok {
					step.rank, step.Range = r, rc.RemoteIPRanges[r.entry]
					step.Reason = LostToNarrower
				}
			}
		}
		if rc == e.Match.connector() {
			winner = step.rank
		}
		steps = append(steps, step)
	}
	for i, step := range steps {
		if step.Reason == LostToNarrower {
			steps[i].Reason = lost(step.rank, winner)
		}
	}
	slices.SortStableFunc(steps, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.Reason, a.Reason), compareRank(a.rank, b.rank))
	})
	for _, s := range steps {
		e.Steps = append(e.Steps, s.Step)
	}
	return e
}

// narrowest returns the rank of the connector's best range that contains a.
func (c *ReceiveConnector) narrowest(a netip.Addr, position int, binding netip.AddrPort) (best rank, ok bool) {
	v4, n := a.Is4(), u128.Of(a)
	for entry := range c.RemoteIPRanges {
		r := &c.RemoteIPRanges[entry]
		if !r.has(v4, n) {
			continue
		}
		k := rank{r.size(), !binding.Addr().IsUnspecified(), position, entry}
		if !ok || compareRank(k, best) < 0 {
			best, ok = k, true
		}
	}
	return best, ok
}

// NarrowestRange returns the entry of RemoteIPRanges by which the connector takes part in the decision about a source, and whether it has
// one: of those that hold the source the one with the fewest addresses, of equal ones the first. Source: "most specific match" (documented),
// counted in addresses (product).
func (c ReceiveConnector) NarrowestRange(source netip.Addr) (Range, bool) {
	source = source.Unmap().WithZone("")
	if !source.IsValid() {
		return Range{}, false
	}
	best, ok := c.narrowest(source, 0, netip.AddrPort{})
	if !ok {
		return Range{}, false
	}
	return c.RemoteIPRanges[best.entry], true
}

// Winner returns the step of the connector that serves the connection, and whether one does.
func (e *Explanation) Winner() (Step, bool) {
	if len(e.Steps) > 0 && e.Steps[0].Reason == Won {
		return e.Steps[0], true
	}
	return Step{}, false
}

// String prints the decision and the steps, a line each.
func (e *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", e.Conn, e.Match)
	for _, s := range e.Steps {
		fmt.Fprintf(&b, "  %s\n", s)
	}
	return b.String()
}

// String prints the connector, the reason, and the range it came with.
func (s Step) String() string {
	text := fmt.Sprintf("%-18s %s", s.Reason, s.Connector)
	if s.Range.IsValid() {
		text += fmt.Sprintf(" by %s (%s)", s.Range, CountAddresses(s.Range.Size()))
	}
	if s.Missing != 0 {
		text += ", unknown: " + s.Missing.String()
	}
	return text
}
