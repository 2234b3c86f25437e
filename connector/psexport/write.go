package psexport

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/receiveconnector/receiveconnector/connector"
)

// ErrNoText reports a topology that the text form cannot hold: a name with a line end, or with what separates the entries of a
// list. The JSON form holds it.
var ErrNoText = errors.New("cannot be written as text")

// WriteJSON writes t in the native JSON form, indented, a range or binding a line, in t's own order. Reading it back gives an
// equal topology.
func WriteJSON(w io.Writer, t *connector.Topology) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(t)
}

// WriteText writes t in the canonical text form: what Format-List shows, an object a block, a range or binding a line, so that
// it can be kept beside code and a change of it read in review.
//
//	Identity                  : EX01\Relay
//	TransportRole             : FrontendTransport
//	Enabled                   : True
//	Bindings                  : {0.0.0.0:25}
//	RemoteIPRanges            : {10.0.5.0/24,
//	                            10.0.6.7}
//
// Servers come first, then connectors, databases, networks and accepted findings, each by name; connectors of one server stay in their order,
// which settles ties, and so do ranges. A property of its own, Missing, says what is not known; what is not in the block has
// no value. [Reader] reads the form like any other text, and what comes out equals t but for the order.
func WriteText(w io.Writer, t *connector.Topology) error {
	x := &textWriter{w: bufio.NewWriter(w)}
	for _, s := range sorted(t.Servers, func(s connector.Server) string { return s.Name }) {
		x.server(s)
	}
	for _, c := range sorted(t.Connectors, func(c connector.ReceiveConnector) string { return c.ID.Server }) {
		x.connector(c)
	}
	for _, d := range sorted(t.Databases, func(d connector.Database) string { return d.Name }) {
		x.database(d)
	}
	for _, n := range sorted(t.Networks, func(n connector.Network) string { return n.Name }) {
		x.network(n)
	}
	for _, a := range sorted(t.Accepted, func(a connector.Acceptance) string { return a.Check }) {
		x.acceptance(a)
	}
	if err := errors.Join(x.errs...); err != nil {
		return err
	}
	return x.w.Flush()
}

// sorted returns a copy of list by name, ignoring case; equal names stay in their order.
func sorted[T any](list []T, name func(T) string) []T {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(fold(name(a)), fold(name(b))) })
	return list
}

type textWriter struct {
	w    *bufio.Writer
	name string // of the object at hand
	errs []error
}

const textIndent = "                            " // as long as a key, with blanks, and what follows it

// block begins an object with the property that names it.
func (x *textWriter) block(key, name string) {
	if x.name != "" {
		x.w.WriteByte('\n')
	}
	x.name = name
	if name == "" {
		x.refuse(key, name)
	}
	x.text(key, name)
}

// text writes a property of one value; an empty one is left out.
func (x *textWriter) text(key, value string) {
	if value == "" {
		return
	}
	x.check(key, value, "")
	_, cut := cutDots(value)
	if strings.TrimLeft(value, " \t") != value || key != "Identity" && strings.TrimRight(value, " \t") != value || strings.HasPrefix(value, "@{") || strings.HasPrefix(value, "{") || cut || lostType(value) {
		x.refuse(key, value)
	}
	fmt.Fprintf(x.w, "%-*s: %s\n", len(textIndent)-2, key, value)
}

// check refuses what the reader would take for something else: the forbidden characters, those nobody sees, and broken ones.
func (x *textWriter) check(key, value, forbidden string) {
	if strings.ContainsAny(value, forbidden) || strings.ContainsFunc(value, unicode.IsControl) || !utf8.ValidString(value) || asPlain(value) != value {
		x.refuse(key, value)
	}
}

func (x *textWriter) refuse(key, value string) {
	x.errs = append(x.errs, &connector.ModelError{Path: clip(x.name) + ": " + key, Err: fmt.Errorf("%s: %w", strconv.Quote(clip(value)), ErrNoText)})
}

// flag writes a boolean that is not what its absence means.
func (x *textWriter) flag(key string, value bool) {
	if value {
		x.text(key, "True")
	}
}

// list writes a property of several values, a line each.
func (x *textWriter) list(key string, values []string, forbidden string) {
	if len(values) == 0 {
		return
	}
	for _, v := range values {
		x.check(key, v, forbidden+"{}")
		if _, cut := cutDots(v); cut || v == "" {
			x.refuse(key, v)
		}
	}
	fmt.Fprintf(x.w, "%-*s: {%s}\n", len(textIndent)-2, key, strings.Join(values, ",\n"+textIndent))
}

// separators split the text of a list.
const separators = " ,;|\t\"'"

func (x *textWriter) missing(missing, conflicting connector.Properties) {
	x.text("Missing", missing.String())
	if conflicting != 0 {
		x.text("Conflicting", conflicting.String())
	}
}

func (x *textWriter) server(s connector.Server) {
	x.block("Name", s.Name)
	x.text("Fqdn", s.FQDN)
	if strings.ContainsAny(s.Site, "/=") { // behind these a name in a directory begins
		x.refuse("Site", s.Site)
	}
	x.text("Site", s.Site)
	x.text("DatabaseAvailabilityGroup", s.DAG)
	x.text("AdminDisplayVersion", s.Version.String())
	x.text("ServerRole", s.Roles.String())
	x.list("Addresses", stringsOf(s.Addresses), separators)
	x.flag("UseDowngradedExchangeServerAuth", s.DowngradedExchangeAuth)
	x.text("InternalTransportCertificateThumbprint", s.InternalTransportCertificate)
	x.flag("NoCertificate", s.NoCertificate)
	x.flag("Unsubscribed", s.Unsubscribed)
	x.missing(s.Missing, s.Conflicting)
}

func (x *textWriter) connector(c connector.ReceiveConnector) {
	x.block("Identity", c.ID.String())
	x.text("TransportRole", c.TransportRole.String())
	x.text("Enabled", map[bool]string{false: "True", true: "False"}[c.Disabled])
	x.list("Bindings", stringsOf(c.Bindings), separators)
	x.list("RemoteIPRanges", stringsOf(c.RemoteIPRanges), separators)
	x.text("AuthMechanism", c.AuthMechanism.String())
	x.text("PermissionGroups", c.PermissionGroups.String())
	var rights []string
	for _, g := range c.Rights {
		x.check("Rights", g.Principal, ":")
		x.check("Rights", g.Right, ":")
		deny := ""
		if strings.HasPrefix(g.Principal, "-") || strings.TrimSpace(g.Principal) != g.Principal || g.Principal == "" {
			x.refuse("Rights", g.Principal)
		}
		if strings.TrimSpace(g.Right) != g.Right || g.Right == "" {
			x.refuse("Rights", g.Right)
		}
		if g.Deny {
			deny = "-"
		}
		rights = append(rights, deny+g.Principal+": "+g.Right)
	}
	x.list("Rights", rights, ",;|\t\"'")
	x.text("Fqdn", c.FQDN)
	x.flag("RequireTLS", c.RequireTLS)
	x.flag("SuppressXAnonymousTls", c.SuppressXAnonymousTLS)
	x.flag("EnableAuthGSSAPI", c.EnableAuthGSSAPI)
	x.flag("DomainSecureEnabled", c.DomainSecure)
	x.text("SizeEnabled", c.SizeEnabled.String())
	x.text("MaxMessageSize", c.MaxMessageSize.String())
	for name, extension := range connector.ExtensionSwitches() {
		if c.DisabledExtensions.Has(extension) {
			x.text(name, "False")
		}
	}
	x.flag("OrarEnabled", c.OrarEnabled)
	x.flag("LongAddressesEnabled", c.LongAddressesEnabled)
	for name, limit := range c.Limits.All() {
		x.text(name, limit.String())
	}
	x.missing(c.Missing, c.Conflicting)
}

func (x *textWriter) database(d connector.Database) {
	x.block("Name", d.Name)
	class := "msExchPrivateMDB"
	if d.Kind == connector.PublicFolderDatabase {
		class = "msExchPublicMDB"
	}
	x.list("ObjectClass", []string{class}, separators)
	x.text("Mounted", map[bool]string{true: "True", false: "False"}[d.Mounted != ""])
	if strings.Contains(d.Mounted, ".") { // behind it the domain begins
		x.refuse("MountedOnServer", d.Mounted)
	}
	x.text("MountedOnServer", d.Mounted)
	x.list("DatabaseCopies", d.Copies, separators+`.\/=`)
	x.text("Missing", connector.Properties(0).String())
}

func (x *textWriter) network(n connector.Network) {
	x.block("Name", n.Name)
	x.text("NetworkKind", n.Kind.String())
	x.list("Ranges", stringsOf(n.Ranges), separators)
	x.text("Missing", connector.Properties(0).String())
}

func (x *textWriter) acceptance(a connector.Acceptance) {
	x.block("AcceptedCheck", a.Check)
	x.text("Subject", a.Subject)
	x.list("Ranges", stringsOf(a.Ranges), separators)
	x.text("Reason", a.Reason)
	x.text("Missing", connector.Properties(0).String())
}

func stringsOf[T netip.Addr | netip.AddrPort | connector.Range](list []T) []string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprint(v)
	}
	return texts
}
