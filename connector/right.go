package connector

import (
	"slices"
	"strings"
)

// Rights are the extended rights that count in an SMTP session, named as Get-ADPermission shows them. The bit values are this
// library's own. Zero is none.
// Source: Receive connectors (documented); what each of them allows is said beside it.
type Rights uint32

const (
	RightSubmit                          Rights = 1 << iota // to authenticate, and to send MAIL FROM
	RightAcceptAnyRecipient                                 // to send to domains that are not accepted domains: to relay
	RightAcceptAnySender                                    // to send as anybody
	RightAcceptAuthoritativeDomainSender                    // to send as somebody of an accepted domain
	RightAcceptAuthenticationFlag                           // the mail counts as internal
	RightAcceptExch50                                       // XEXCH50
	RightBypassAntiSpam                                     // anti-spam agents are passed
	RightBypassMessageSizeLimit                             // limits of size are passed
	RightAcceptHeadersRouting                               // routing headers are kept
	RightAcceptHeadersForest                                // headers of the forest are kept
	RightAcceptHeadersOrganization                          // headers of the organization are kept
	RightAcceptXAttr                                        // the rest is between Exchange servers
	RightAcceptXProxyFrom
	RightAcceptXSessionParams
	RightAcceptXShadow // shadow redundancy
	RightAcceptXSysProbe
	RightSendXMessageContext
)

var rightNames = []flagName{
	{uint64(RightSubmit), "ms-Exch-SMTP-Submit"},
	{uint64(RightAcceptAnyRecipient), "ms-Exch-SMTP-Accept-Any-Recipient"},
	{uint64(RightAcceptAnySender), "ms-Exch-SMTP-Accept-Any-Sender"},
	{uint64(RightAcceptAuthoritativeDomainSender), "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender"},
	{uint64(RightAcceptAuthenticationFlag), "ms-Exch-SMTP-Accept-Authentication-Flag"},
	{uint64(RightAcceptExch50), "ms-Exch-SMTP-Accept-Exch50"},
	{uint64(RightBypassAntiSpam), "ms-Exch-Bypass-Anti-Spam"},
	{uint64(RightBypassMessageSizeLimit), "ms-Exch-Bypass-Message-Size-Limit"},
	{uint64(RightAcceptHeadersRouting), "ms-Exch-Accept-Headers-Routing"},
	{uint64(RightAcceptHeadersForest), "ms-Exch-Accept-Headers-Forest"},
	{uint64(RightAcceptHeadersOrganization), "ms-Exch-Accept-Headers-Organization"},
	{uint64(RightAcceptXAttr), "ms-Exch-SMTP-Accept-Xattr"},
	{uint64(RightAcceptXProxyFrom), "ms-Exch-SMTP-Accept-XProxyFrom"},
	{uint64(RightAcceptXSessionParams), "ms-Exch-SMTP-Accept-XSessionParams"},
	{uint64(RightAcceptXShadow), "ms-Exch-SMTP-Accept-XShadow"},
	{uint64(RightAcceptXSysProbe), "ms-Exch-SMTP-Accept-XSysProbe"},
	{uint64(RightSendXMessageContext), "ms-Exch-SMTP-Send-XMessageContext"},
}

// ParseRights reads "ms-Exch-SMTP-Submit, ms-Exch-Bypass-Anti-Spam" in any order and case, or "None". Every error is a
// [*ParseError].
func ParseRights(s string) (Rights, error) {
	v, err := parseFlags("extended right", s, rightNames)
	return Rights(v), err
}

// Has tells whether all rights of f are in r.
func (r Rights) Has(f Rights) bool { return r&f == f }

// String prints the names in the order of the constants, "None" for zero.
func (r Rights) String() string { return printFlags(uint64(r), rightNames) }

// rights returns which right a [Grant] is about, and whether it is one of those in [Rights]. The rights to send the several kinds
// of message context count as one.
func (g Grant) rights() (Rights, bool) {
	const context = "ms-exch-smtp-send-xmessagecontext"
	if len(g.Right) >= len(context) && strings.EqualFold(g.Right[:len(context)], context) {
		return RightSendXMessageContext, true
	}
	bit, ok := flagBit(g.Right, rightNames)
	return Rights(bit), ok
}

// Principal is on whose behalf a session acts, as far as rights are concerned. Zero is not set.
// Source: Receive connectors, and the permissions that setup grants (documented); which session acts for whom is inferred from
// them.
type Principal uint8

const (
	PrincipalAnonymous             Principal = iota + 1 // nobody authenticated
	PrincipalAuthenticatedUsers                         // a user did, with AUTH
	PrincipalExchangeServers                            // an Exchange server did, with X-EXPS
	PrincipalHubTransportServers                        // a Hub Transport server, by direct trust of its certificate
	PrincipalEdgeTransportServers                       // an Edge Transport server, by direct trust of its certificate
	PrincipalExternallySecured                          // anybody on a connector with ExternalAuthoritative
	PrincipalExchangeLegacyInterop                      // Exchange 2003 and before
	PrincipalPartnerServers                             // a partner, by domain security
)

// principalNames are the names of Get-ADPermission; before \ stands the domain, or what is written here.
var principalNames = [...]string{"", `NT AUTHORITY\ANONYMOUS LOGON`, `NT AUTHORITY\Authenticated Users`, `Exchange Servers`,
	`MS Exchange\Hub Transport Servers`, `MS Exchange\Edge Transport Servers`, `MS Exchange\Externally Secured Servers`,
	`ExchangeLegacyInterop`, `MS Exchange\Partner Servers`}

// String prints the name as Get-ADPermission shows it, without a domain that depends on the organization.
func (p Principal) String() string {
	if int(p) < len(principalNames) {
		return principalNames[p]
	}
	return ""
}

// securityIdentifiers are those that are the same everywhere. That the last three stand for Hub Transport, Edge Transport and
// externally secured servers is inferred from the rights each holds.
var securityIdentifiers = map[string]Principal{
	"S-1-5-7":  PrincipalAnonymous,
	"S-1-5-11": PrincipalAuthenticatedUsers,
	"S-1-9-1419165041-1139599005-3936102811-1022490595-21": PrincipalHubTransportServers,
	"S-1-9-1419165041-1139599005-3936102811-1022490595-22": PrincipalEdgeTransportServers,
	"S-1-9-1419165041-1139599005-3936102811-1022490595-23": PrincipalExternallySecured,
}

// isOf tells whether a grant to this name is one to p. A name is looked at behind its domain; what is granted to Everyone is
// granted to all.
func (p Principal) isOf(name string) bool {
	if named, ok := securityIdentifiers[strings.ToUpper(name)]; ok {
		return named == p
	}
	own := p.String()
	return own != "" && (strings.EqualFold(afterDomain(name), afterDomain(own)) || isEveryone(name))
}

func isEveryone(name string) bool {
	return strings.EqualFold(strings.TrimPrefix(name, `\`), "Everyone") || strings.EqualFold(name, "S-1-1-0")
}

// mayBeOf tells whether a grant to this name may be one to p, although no known name of p says so: a user may be a member of any
// group, or be named itself; a name without a domain may be Everyone, and one of the system anonymous clients, in the language of
// the Windows that wrote it.
func (p Principal) mayBeOf(name string) bool {
	switch {
	case p.String() == "" || p.isOf(name) || isKnownPrincipal(name):
		return false
	case p == PrincipalAuthenticatedUsers:
		return true
	case strings.HasPrefix(strings.ToUpper(name), "S-1-"): // of somebody whom nobody resolved
		return false
	case !strings.Contains(name, `\`):
		return true
	case p == PrincipalAnonymous:
		domain, own := strings.ToLower(beforeDomain(name)), strings.ToLower(afterDomain(name))
		isSystem := slices.Contains(strings.FieldsFunc(domain, func(r rune) bool { return r == ' ' || r == '-' }), "nt")
		return isSystem && !slices.Contains([]string{"system", "self", "network service", "local service"}, own)
	}
	return false
}

// isKnownPrincipal tells whether a name, or a security identifier, is that of a principal or of everyone.
func isKnownPrincipal(name string) bool {
	return isEveryone(name) || securityIdentifiers[strings.ToUpper(name)] != 0 ||
		slices.ContainsFunc(principalNames[1:], func(own string) bool { return strings.EqualFold(afterDomain(own), afterDomain(name)) })
}

func beforeDomain(name string) string { return name[:max(0, strings.LastIndexByte(name, '\\'))] }

func afterDomain(name string) string { return name[strings.LastIndexByte(name, '\\')+1:] }

const (
	rightsOfExternal = RightSubmit | RightAcceptAnyRecipient | RightAcceptAnySender | RightAcceptAuthenticationFlag |
		RightAcceptAuthoritativeDomainSender | RightAcceptExch50 | RightBypassAntiSpam | RightBypassMessageSizeLimit | RightAcceptHeadersRouting
	rightsOfServers = rightsOfExternal | RightAcceptHeadersForest | RightAcceptHeadersOrganization | RightAcceptXAttr | RightAcceptXProxyFrom |
		RightAcceptXSessionParams | RightAcceptXShadow | RightAcceptXSysProbe | RightSendXMessageContext
)

// groupRights is what a permission group gives to whom.
var groupRights = []struct {
	group     PermissionGroups
	principal Principal
	rights    Rights
	since2010 Rights // of them those that 2007 did not give (observed; the documents of later versions have them)
}{
	{GroupAnonymousUsers, PrincipalAnonymous, RightSubmit | RightAcceptAnySender | RightAcceptAuthoritativeDomainSender | RightAcceptHeadersRouting, RightAcceptAuthoritativeDomainSender},
	{GroupExchangeUsers, PrincipalAuthenticatedUsers, RightSubmit | RightAcceptAnyRecipient | RightBypassAntiSpam | RightAcceptHeadersRouting, RightAcceptHeadersRouting},
	{GroupExchangeServers, PrincipalExchangeServers, rightsOfServers, 0},
	{GroupExchangeServers, PrincipalHubTransportServers, rightsOfServers, 0},
	{GroupExchangeServers, PrincipalEdgeTransportServers, rightsOfServers, 0},
	{GroupExchangeServers, PrincipalExternallySecured, rightsOfExternal, 0},
	{GroupExchangeLegacyServers, PrincipalExchangeLegacyInterop, rightsOfExternal, 0},
	{GroupPartners, PrincipalPartnerServers, RightSubmit | RightAcceptHeadersRouting, 0},
}

// GroupRights returns what the permission groups give to a principal on a server of generation g. An unknown generation is taken
// for 2010 or later.
// Source: Receive connectors (documented); the list of 2007 is observed.
func GroupRights(groups PermissionGroups, p Principal, g Generation) (rights Rights) {
	for _, row := range groupRights {
		if row.principal == p && groups.Has(row.group) {
			rights |= row.rights
			if g == Generation2007 {
				rights &^= row.since2010
			}
		}
	}
	return rights
}

// EffectiveRights is what a principal may do on a connector.
type EffectiveRights struct {
	Held Rights // sure
	Open Rights // it may have them or not: groups or rights are not known
}

// EffectiveRights returns what p may do on c, which is on a server of generation g: what the permission groups give and what
// is granted beside them, without what is denied, which counts more (inferred: all of it stands on the connector itself).
//
// Every right that is not sure is open where permission groups or rights are missing, and with group Custom if no right is told.
// So is what is granted or denied to a name that p may be behind: for users any that is not a known principal, for anonymous
// clients one of the system, for all one without a domain, which may be Everyone in another language.
func (c ReceiveConnector) EffectiveRights(p Principal, g Generation) EffectiveRights {
	e := EffectiveRights{Held: GroupRights(c.PermissionGroups, p, g)}
	var denied, perhapsGranted, perhapsDenied Rights
	for _, grant := range c.Rights {
		right, ok := grant.rights()
		switch {
		case ok && p.mayBeOf(grant.Principal) && grant.Deny:
			perhapsDenied |= right
		case ok && p.mayBeOf(grant.Principal):
			perhapsGranted |= right
		case !ok || !p.isOf(grant.Principal):
		case grant.Deny:
			denied |= right
		default:
			e.Held |= right
		}
	}
	if c.rightsUnknown() {
		e.Open = ^Rights(0) >> (32 - len(rightNames))
	} else if c.Missing.Has(PropertyPermissionGroups) {
		e.Open = GroupRights(^PermissionGroups(0), p, g)
	}
	e.Open |= perhapsGranted | e.Held&perhapsDenied
	e.Held &^= denied | perhapsDenied
	e.Open &^= denied | e.Held
	return e
}

// rightsUnknown tells whether there may be rights beyond the groups that nobody told.
func (c ReceiveConnector) rightsUnknown() bool {
	custom := c.PermissionGroups.Has(GroupCustom) || c.Missing.Has(PropertyPermissionGroups)
	return c.Missing.Has(PropertyRights) || custom && len(c.Rights) == 0
}

// answer tells whether all rights of r are held: StepRefused if one is surely not, StepUnknown if it is open.
func (e EffectiveRights) answer(r Rights) StepState {
	switch {
	case e.Held.Has(r):
		return StepDone
	case (e.Held | e.Open).Has(r):
		return StepUnknown
	}
	return StepRefused
}

// MayRelay tells whether clients can send to foreign recipients through the connector without authenticating: StepDone if they
// can, StepUnknown if rights that are not known decide it, or if only the null sender is left. The generation is that of its server.
func (c ReceiveConnector) MayRelay(g Generation) StepState {
	if c.Missing.Has(PropertyAuthMechanism) {
		return StepUnknown
	}
	p := PrincipalAnonymous
	if c.AuthMechanism.Has(AuthExternalAuthoritative) {
		p = PrincipalExternallySecured
	}
	e := c.EffectiveRights(p, g)
	answer := e.answer(RightSubmit | RightAcceptAnyRecipient)
	if answer == StepDone && e.Held&(RightAcceptAnySender|RightAcceptAuthoritativeDomainSender) == 0 {
		return StepUnknown // with no sender but the null one
	}
	return answer
}

// InGroups tells whether a grant says what the permission groups of c, on a server of generation g, give anyway.
func (c ReceiveConnector) InGroups(grant Grant, g Generation) bool {
	right, ok := grant.rights()
	if !ok || grant.Deny {
		return false
	}
	for p := PrincipalAnonymous; p <= PrincipalPartnerServers; p++ {
		if p.isOf(grant.Principal) && !GroupRights(c.PermissionGroups, p, g).Has(right) {
			return false
		}
	}
	return isKnownPrincipal(grant.Principal)
}
