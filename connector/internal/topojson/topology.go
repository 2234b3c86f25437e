package topojson

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Reasons a value of the native form is refused, besides those of package connector.
var (
	ErrUnknownKey = errors.New("unknown key")
	ErrWrongKind  = errors.New("wrong kind of value")
	ErrRequired   = errors.New("required and missing")
)

// IsNative tells whether a value looks like the native form of a topology: an object with at least one of its keys, whose lists
// do not hold what a shell exported: there all names begin with a capital.
func IsNative(n Node) bool {
	found := false
	for _, key := range []string{"servers", "connectors", "databases", "networks", "accepted"} {
		list, ok := n.Member(key)
		found = found || ok
		for _, item := range list.Items {
			if len(item.Members) > 0 && item.Members[0].Key != "" && 'A' <= item.Members[0].Key[0] && item.Members[0].Key[0] <= 'Z' {
				return false
			}
		}
	}
	return found
}

// Decode reads the native form. The error joins a [*connector.ModelError] for everything that is wrong, in input order.
func Decode(name string, n Node) (*connector.Topology, error) {
	d := &decoder{file: name}
	t := &connector.Topology{}
	d.object(n, "", fields{
		"servers":    list(d, &t.Servers, d.server),
		"connectors": list(d, &t.Connectors, d.connector),
		"databases":  list(d, &t.Databases, d.database),
		"networks":   list(d, &t.Networks, d.network),
		"accepted":   list(d, &t.Accepted, d.acceptance),
	})
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	return t, nil
}

// maxErrors is how many errors are reported before the reader gives up on a file.
const maxErrors = 100

type decoder struct {
	file string
	errs []error
}

// fields says for each key of an object how its value is read.
type fields map[string]func(n Node, path string)

func (d *decoder) fail(n Node, path string, err error) {
	switch {
	case len(d.errs) > maxErrors:
		return
	case len(d.errs) == maxErrors:
		path, err = "", errors.New("too many errors, the rest is not reported")
	}
	d.errs = append(d.errs, &connector.ModelError{Source: d.source(n), Path: path, Err: err})
}

func (d *decoder) source(n Node) connector.Source {
	return connector.Source{File: d.file, Line: n.Line, Col: n.Col}
}

func (d *decoder) is(n Node, path string, k Kind) bool {
	if n.Kind != k {
		d.fail(n, path, fmt.Errorf("%w: %s instead of %s", ErrWrongKind, n.Kind, k))
		return false
	}
	return true
}

func (d *decoder) object(n Node, path string, fs fields, required ...string) {
	if !d.is(n, path, Object) {
		return
	}
	for _, m := range n.Members {
		at := m.Key
		if path != "" {
			at = path + "." + m.Key
		}
		read, ok := fs[m.Key]
		if !ok {
			d.fail(m.Value, at, ErrUnknownKey)
			continue
		}
		read(m.Value, at)
	}
	for _, key := range required {
		if _, ok := n.Member(key); !ok {
			d.fail(n, path+"."+key, ErrRequired)
		}
	}
}

func list[T any](d *decoder, to *[]T, read func(n Node, path string, v *T)) func(Node, string) {
	return func(n Node, path string) {
		if !d.is(n, path, Array) {
			return
		}
		for i, item := range n.Items {
			var v T
			read(item, fmt.Sprintf("%s[%d]", path, i), &v)
			*to = append(*to, v)
		}
	}
}

func (d *decoder) text(to *string) func(Node, string) {
	return func(n Node, path string) {
		if d.is(n, path, String) {
			*to = n.Text
		}
	}
}

func (d *decoder) flag(to *bool) func(Node, string) {
	return func(n Node, path string) {
		if d.is(n, path, Bool) {
			*to = n.Text == "true"
		}
	}
}

// parsed reads a string that has a grammar.
func parsed[T any](d *decoder, to *T, parse func(string) (T, error)) func(Node, string) {
	return func(n Node, path string) {
		if !d.is(n, path, String) {
			return
		}
		v, err := parse(n.Text)
		if err != nil {
			d.fail(n, path, err)
			return
		}
		*to = v
	}
}

// each adapts parsed to the items of a list.
func each[T any](d *decoder, parse func(string) (T, error)) func(Node, string, *T) {
	return func(n Node, path string, v *T) { parsed(d, v, parse)(n, path) }
}

func (d *decoder) server(n Node, path string, s *connector.Server) {
	s.Source = d.source(n)
	d.object(n, path, fields{
		"name":                                   d.text(&s.Name),
		"fqdn":                                   d.text(&s.FQDN),
		"site":                                   d.text(&s.Site),
		"dag":                                    d.text(&s.DAG),
		"version":                                parsed(d, &s.Version, connector.ParseVersion),
		"roles":                                  parsed(d, &s.Roles, connector.ParseServerRoles),
		"addresses":                              list(d, &s.Addresses, each(d, parseAddress)),
		"useDowngradedExchangeServerAuth":        d.flag(&s.DowngradedExchangeAuth),
		"internalTransportCertificateThumbprint": d.text(&s.InternalTransportCertificate),
		"noCertificate":                          d.flag(&s.NoCertificate),
		"unsubscribed":                           d.flag(&s.Unsubscribed),
		"missing":                                parsed(d, &s.Missing, connector.ParseProperties),
		"conflicting":                            parsed(d, &s.Conflicting, connector.ParseProperties),
	}, "name")
}

func parseAddress(s string) (netip.Addr, error) {
	r, err := connector.ParseRange(s)
	if err != nil {
		return netip.Addr{}, err
	}
	if r.Form() != connector.FormSingle {
		return netip.Addr{}, &connector.ParseError{Kind: "address", Input: s, Err: connector.ErrAddress}
	}
	return r.Span().From(), nil
}

func (d *decoder) connector(n Node, path string, c *connector.ReceiveConnector) {
	c.Source = d.source(n)
	fs := fields{
		"identity":              parsed(d, &c.ID, connector.ParseID),
		"transportRole":         parsed(d, &c.TransportRole, connector.ParseTransportRole),
		"disabled":              d.flag(&c.Disabled),
		"bindings":              list(d, &c.Bindings, each(d, connector.ParseBinding)),
		"remoteIPRanges":        list(d, &c.RemoteIPRanges, each(d, connector.ParseRange)),
		"authMechanism":         parsed(d, &c.AuthMechanism, connector.ParseAuthMechanism),
		"permissionGroups":      parsed(d, &c.PermissionGroups, connector.ParsePermissionGroups),
		"rights":                list(d, &c.Rights, d.grant),
		"fqdn":                  d.text(&c.FQDN),
		"requireTLS":            d.flag(&c.RequireTLS),
		"suppressXAnonymousTls": d.flag(&c.SuppressXAnonymousTLS),
		"enableAuthGSSAPI":      d.flag(&c.EnableAuthGSSAPI),
		"domainSecureEnabled":   d.flag(&c.DomainSecure),
		"sizeEnabled":           parsed(d, &c.SizeEnabled, connector.ParseSizeMode),
		"maxMessageSize":        parsed(d, &c.MaxMessageSize, connector.ParseByteSize),
		"disabledExtensions":    parsed(d, &c.DisabledExtensions, connector.ParseExtensions),
		"orarEnabled":           d.flag(&c.OrarEnabled),
		"longAddressesEnabled":  d.flag(&c.LongAddressesEnabled),
		"missing":               parsed(d, &c.Missing, connector.ParseProperties),
		"conflicting":           parsed(d, &c.Conflicting, connector.ParseProperties),
	}
	for name, limit := range c.Limits.All() {
		key := strings.ToLower(name[:1]) + name[1:]
		fs[key] = parsed(d, new(struct{}), func(s string) (struct{}, error) { return struct{}{}, limit.UnmarshalText([]byte(s)) })
	}
	d.object(n, path, fs, "identity")
}

func (d *decoder) grant(n Node, path string, g *connector.Grant) {
	d.object(n, path, fields{
		"principal": d.text(&g.Principal),
		"right":     d.text(&g.Right),
		"deny":      d.flag(&g.Deny),
	}, "principal", "right")
}

func (d *decoder) database(n Node, path string, b *connector.Database) {
	d.object(n, path, fields{
		"name":    d.text(&b.Name),
		"kind":    parsed(d, &b.Kind, connector.ParseDatabaseKind),
		"mounted": d.text(&b.Mounted),
		"copies":  list(d, &b.Copies, func(n Node, path string, s *string) { d.text(s)(n, path) }),
	}, "name", "kind")
}

func (d *decoder) network(n Node, path string, w *connector.Network) {
	d.object(n, path, fields{
		"name":   d.text(&w.Name),
		"kind":   parsed(d, &w.Kind, connector.ParseNetworkKind),
		"ranges": list(d, &w.Ranges, each(d, connector.ParseRange)),
	}, "name", "kind")
}

func (d *decoder) acceptance(n Node, path string, a *connector.Acceptance) {
	a.Source = d.source(n)
	d.object(n, path, fields{
		"check":   d.text(&a.Check),
		"subject": d.text(&a.Subject),
		"ranges":  list(d, &a.Ranges, each(d, connector.ParseRange)),
		"reason":  d.text(&a.Reason),
	}, "check", "reason")
}
