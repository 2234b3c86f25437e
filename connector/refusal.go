package connector

import (
	"fmt"
	"net/netip"
	"strings"
)

// RefusalRule is a rule by which the cmdlets refuse a change. The rules are in the order in which [Topology.Validate] looks at them.
// Zero is not set.
type RefusalRule uint8

const (
	RuleName                       RefusalRule = iota + 1 // a name has 64 characters at most
	RuleRequired                                          // a connector is created with bindings and remote ranges
	RuleLimit                                             // a number is outside what its parameter takes
	RuleTransportRole                                     // there is no TransportRole before Exchange 2013
	RuleBasicAuthRequireTLS                               // BasicAuthRequireTLS needs BasicAuth and Tls
	RuleExternalAuthoritative                             // beside ExternalAuthoritative only Tls
	RuleExternalAuthoritativeGroup                        // ExternalAuthoritative needs ExchangeServers
	RuleRequireTLS                                        // RequireTLS needs Tls
	RuleFQDN                                              // beside ExchangeServer the FQDN is a name of the server, or none
	RuleDomainSecure                                      // domain security needs Tls, and no ExternalAuthoritative
	RuleBinaryMIME                                        // BinaryMimeEnabled needs ChunkingEnabled
	RuleTimeout                                           // ConnectionTimeout is longer than ConnectionInactivityTimeout
	RuleLongAddresses                                     // LongAddressesEnabled is for the Transport service
	RuleEdgeGroup                                         // no ExchangeUsers and no ExchangeLegacyServers on Edge Transport
	RuleRoleConflict                                      // two transport roles on one local endpoint
	RuleRangeConflict                                     // equal or partly overlapping ranges on one local endpoint
	RuleTooManyRanges                                     // more remote ranges than the directory takes
)

// MaxRemoteIPRanges is how many entries of RemoteIPRanges the directory surely refuses. Somewhere from 1,200 on it does (observed).
const MaxRemoteIPRanges = 1300

var refusalRules = [...]Basis{
	RuleName:                       {"a name has at most 64 characters", Documented, "New-ReceiveConnector, -Name"},
	RuleRequired:                   {"a connector is created with bindings and remote IP ranges", Documented, "New-ReceiveConnector, -Bindings, -RemoteIPRanges"},
	RuleLimit:                      {"each number has its bounds", Documented, "New-ReceiveConnector"},
	RuleTransportRole:              {"TransportRole exists from Exchange 2013 on", Documented, "New-ReceiveConnector, -TransportRole"},
	RuleBasicAuthRequireTLS:        {"BasicAuthRequireTLS needs BasicAuth and Tls", Documented, "New-ReceiveConnector, -AuthMechanism"},
	RuleExternalAuthoritative:      {"only Tls may stand beside ExternalAuthoritative", Documented, "New-ReceiveConnector, -AuthMechanism"},
	RuleExternalAuthoritativeGroup: {"ExternalAuthoritative needs permission group ExchangeServers", Documented, "New-ReceiveConnector, -AuthMechanism"},
	RuleRequireTLS:                 {"RequireTLS needs Tls", Documented, "New-ReceiveConnector, -RequireTLS"},
	RuleFQDN:                       {"beside ExchangeServer the FQDN is the full or short name of the server, or empty", Documented, "Exchange 2007 help, New-ReceiveConnector"},
	RuleDomainSecure:               {"domain security needs Tls and no ExternalAuthoritative", Documented, "New-ReceiveConnector, -DomainSecureEnabled"},
	RuleBinaryMIME:                 {"BinaryMimeEnabled needs ChunkingEnabled", Documented, "New-ReceiveConnector, -BinaryMimeEnabled"},
	RuleTimeout:                    {"ConnectionTimeout is longer than ConnectionInactivityTimeout", Documented, "New-ReceiveConnector, -ConnectionTimeout"},
	RuleLongAddresses:              {"LongAddressesEnabled is for connectors of the Transport service", Documented, "New-ReceiveConnector, -LongAddressesEnabled"},
	RuleEdgeGroup:                  {"ExchangeUsers and ExchangeLegacyServers do not exist on Edge Transport servers", Documented, "Receive connectors"},
	RuleRoleConflict:               {"connectors of different transport roles must not share a local endpoint, whatever their ranges", Documented, "KB2958036"},
	RuleRangeConflict:              {"on one binding the ranges of two connectors must not be equal or overlap in part", Documented, "Receive connectors, custom receive connectors"},
	RuleTooManyRanges:              {"the directory holds 1,200 to 1,300 remote IP ranges of a connector", Observed, "granikos.eu; the limit itself is documented"},
}

// Refusal is one reason why New-, Set- or Remove-ReceiveConnector refuses a change.
type Refusal struct {
	Target ID
	Rule   RefusalRule
	// Text is what the cmdlet says, if Mark is Documented or Observed; else it is our own wording, and what the cmdlet says is
	// not known.
	Text string
	Mark Mark
	// Of a conflict: the other connector, the binding of each, and the range of each if ranges conflict.
	Other         ID
	Binding       netip.AddrPort
	OtherBinding  netip.AddrPort
	Range         Range
	OtherRange    Range
	OtherDisabled bool
}

// Error prints the connector and what the cmdlet says, or the reason in our words.
func (r *Refusal) Error() string { return r.Target.String() + ": " + r.Text }

// Basis returns the rule by which the change is refused.
func (r *Refusal) Basis() Basis {
	if r.Rule == RuleRangeConflict && r.Binding != r.OtherBinding {
		return Basis{"where one binding is the wildcard of the other, the ranges of two connectors may be equal and must not overlap in part", Product, ""}
	}
	return refusalRules[r.Rule]
}

// Quoted tells whether Text is what the cmdlet says.
func (r *Refusal) Quoted() bool { return r.Mark == Documented || r.Mark == Observed }

// Refusals returns what an error of [Topology.Validate] or [Topology.ValidateAll] holds, in its order; none if it is of another kind.
func Refusals(err error) (all []*Refusal) {
	switch e := err.(type) {
	case *Refusal:
		return []*Refusal{e}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, Refusals(inner)...)
		}
	case interface{ Unwrap() error }:
		return Refusals(e.Unwrap())
	}
	return all
}

// What the cmdlets say, where that is known.
const (
	textRoleConflict = `The values that you specified for the Bindings and RemoteIPRanges parameters conflict with the settings on Receive connector "%s". Receive connectors assigned to different Transport roles on a single server must listen on unique local IP address & port bindings.`
	textFQDN         = `When the AuthMechanism parameter on a Receive connector is set to the value ExchangeServer, you must set the FQDN parameter on the Receive connector to one of the following values: the FQDN of the transport server "%s", the NetBios name of the transport server "%s", or $null.`
	textTooMany      = `The administrative limit for this request was exceeded.`
)

// ownWords makes a refusal whose text of Exchange is not known.
func ownWords(rule RefusalRule, format string, args ...any) *Refusal {
	return &Refusal{Rule: rule, Text: fmt.Sprintf(format, args...), Mark: Unknown}
}

// conflictText says in our words which ranges are in each other's way.
func (r *Refusal) conflictText() string {
	how := "overlap in part"
	if r.Range.Compare(r.OtherRange) == 0 {
		how = "are equal"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "range %s and range %s of %s %s at %s", r.Range, r.OtherRange, r.Other, how, r.Binding)
	if r.Binding != r.OtherBinding {
		fmt.Fprintf(&b, " and %s", r.OtherBinding)
	}
	if r.OtherDisabled {
		b.WriteString("; that it is disabled does not help")
	}
	return b.String()
}
