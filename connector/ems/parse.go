package ems

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Note tells what was read in another way than a reader may expect: what the model does not hold, what was taken for granted.
type Note struct {
	Source connector.Source
	Text   string
}

// String prints the place and the text.
func (n Note) String() string { return n.Source.String() + ": " + n.Text }

// maxText is how long a text of commands may be, in bytes.
const maxText = 1 << 20

// ErrGroupRight reports that a right is taken which a permission group gives: the model knows a group only as a whole.
var ErrGroupRight = errors.New("a permission group gives this right, and taking single rights from a group is not modelled; deny it, or take the group")

// ErrTooLong reports a text of more than a million bytes.
var ErrTooLong = errors.New("longer than commands are")

// Parse reads commands of the Exchange Management Shell as the changes that they make to t, one after the other; t stays as it is. The
// name stands for the text in errors and notes.
//
// Set-, New- and Remove-ReceiveConnector are read, Add- and Remove-ADPermission for rights on a connector, and Get-ReceiveConnector in
// front of them. Values are written out: strings with or without quotation marks, lists, @{Add=...; Remove=...}, $true, $false,
// $null. Parameters may be cut short, comments and line continuations stand where PowerShell takes them. A parameter that the
// model does not hold is passed over with a note.
//
// A connector is named SERVER\Name, or Name where that is clear. New-ReceiveConnector needs -Server unless there is one server only,
// and a usage type; without -TransportRole it gets HubTransport on a server from 2013 on (inferred), which a server also is if one of
// its connectors has a transport role. A Set-ReceiveConnector that changes nothing the model holds is a change all the same, because the
// cmdlet looks at all of the connector; -WhatIf is read as if it were not there. Whether the cmdlets accept the changes is not asked, see
// [connector.Topology.ValidateAll].
//
// The error joins a [*connector.ModelError] for each command that cannot be read, with line and column and around [ErrSyntax],
// [ErrCmdlet], [ErrParameter], [ErrVariable], [ErrGroupRight], [connector.ErrNotFound], or the error of a value; there are no changes then.
func Parse(name string, t *connector.Topology, text string) ([]connector.Change, []Note, error) {
	p := &parser{name: name, text: text, t: t}
	if len(text) > maxText {
		return nil, nil, &connector.ModelError{Source: connector.Source{File: name}, Err: ErrTooLong}
	}
	pipelines, errs := commands(text)
	for _, pipeline := range pipelines {
		if err := p.pipeline(pipeline); err != nil {
			errs = append(errs, asTokenError(err))
		}
	}
	slices.SortStableFunc(errs, func(a, b *tokenError) int { return a.at - b.at })
	var all []error
	for _, e := range errs {
		all = append(all, &connector.ModelError{Source: p.source(e.at), Err: e.err})
	}
	if err := errors.Join(all...); err != nil {
		return nil, p.notes, err
	}
	return p.changes, p.notes, nil
}

type parser struct {
	name, text string
	t          *connector.Topology // with the changes so far
	changes    []connector.Change
	notes      []Note
}

// source turns an offset into line and column.
func (p *parser) source(at int) connector.Source {
	before := p.text[:at]
	line := strings.Count(before, "\n")
	return connector.Source{File: p.name, Line: line + 1, Col: at - strings.LastIndexByte(before, '\n')}
}

func (p *parser) note(at int, format string, args ...any) {
	p.notes = append(p.notes, Note{p.source(at), fmt.Sprintf(format, args...)})
}

func fail(at int, format string, args ...any) error {
	return &tokenError{at, fmt.Errorf(format, args...)}
}

// arguments are the values of a command by parameter.
type arguments map[string]argument

// pipeline reads commands of which each gets what the one before returns.
func (p *parser) pipeline(cs []command) error {
	var connectors []connector.ReceiveConnector // that come in through the pipe
	for i, c := range cs {
		known, ok := cmdletOf(c.name)
		if !ok {
			return fail(c.at, "%s: %w", c.name, ErrCmdlet)
		}
		args, err := p.arguments(known, c)
		if err != nil {
			return err
		}
		switch known.name {
		case "Get-ReceiveConnector":
			if c.piped {
				return fail(c.at, "%s: %w: nothing can be piped into it", c.name, ErrSyntax)
			}
			if connectors, err = p.get(c, args); err != nil {
				return err
			}
			if i == len(cs)-1 {
				return fail(c.at, "%s: %w: it reads only, and nothing takes what it returns", c.name, ErrSyntax)
			}
			continue
		case "Out-Null":
			continue
		case "New-ReceiveConnector":
			err = p.create(c, args)
		default:
			err = p.each(known.name, c, args, connectors)
		}
		if err != nil {
			return err
		}
		connectors = nil
	}
	return nil
}

// arguments sorts the arguments of a command by parameter.
func (p *parser) arguments(known cmdlet, c command) (arguments, error) {
	args := make(arguments)
	for _, a := range c.arguments {
		name := known.positional
		if a.parameter != "" {
			var err error
			if name, err = known.parameter(a.parameter); err != nil {
				return nil, fail(a.at, "%s -%s: %w", known.name, a.parameter, err)
			}
		}
		if name == "" {
			return nil, fail(a.at, "%s: %w: it takes no value", known.name, ErrSyntax)
		}
		if _, twice := args[name]; twice {
			return nil, fail(a.at, "%s -%s: %w", known.name, name, connector.ErrDuplicate)
		}
		switch {
		case name == "AccessRights":
			if len(a.items) != 1 || !strings.EqualFold(a.items[0].text, "ExtendedRight") {
				p.note(a.at, "-AccessRights: only extended rights are modelled, the others are left out")
			}
		case slices.Contains(known.passedOver, name):
			if !slices.Contains(commonValues, name) {
				p.note(a.at, "-%s: not modelled, so it is left out", name)
			}
		case slices.Contains(known.switches, name):
			if len(a.items) == 1 && strings.EqualFold(a.items[0].text, "false") {
				continue
			}
			if name == "WhatIf" {
				p.note(a.at, "-WhatIf: read as if it were not there")
			}
		case !a.valued:
			return nil, fail(a.at, "%s -%s: %w: its value is missing", known.name, name, ErrSyntax)
		}
		args[name] = a
	}
	return args, nil
}

// one returns the only value of an argument.
func (args arguments) one(name string) (item, bool, error) {
	a, ok := args[name]
	if !ok {
		return item{}, false, nil
	}
	if a.table || len(a.items) != 1 || a.items[0].null {
		return item{}, false, fail(a.at, "-%s: %w: it takes one value", name, ErrSyntax)
	}
	return a.items[0], true, nil
}

// get returns the connectors that Get-ReceiveConnector does: all, those of a server, or those that an identity names, in which *
// stands for anything.
func (p *parser) get(c command, args arguments) (found []connector.ReceiveConnector, err error) {
	identity, named, err := args.one("Identity")
	if err != nil {
		return nil, err
	}
	server, placed, err := args.one("Server")
	if err != nil {
		return nil, err
	}
	for _, rc := range p.t.Connectors {
		switch {
		case placed && !strings.EqualFold(short(server.text), rc.ID.Server):
		case named && !names(identity.text, rc.ID, like):
		default:
			found = append(found, rc)
		}
	}
	if len(found) == 0 {
		return nil, fail(c.at, "%s: no such receive connector: %w", c.name, connector.ErrNotFound)
	}
	return found, nil
}

// short returns a server's name without its domain.
func short(name string) string {
	name, _, _ = strings.Cut(name, ".")
	return name
}

// names tells whether an identity, SERVER\Name or Name, names a connector.
func names(identity string, id connector.ID, is func(pattern, text string) bool) bool {
	server, name, ok := strings.Cut(identity, `\`)
	if !ok {
		return is(identity, id.Name)
	}
	return (is(server, id.Server) || is(short(server), id.Server)) && is(name, id.Name)
}

// like tells whether a text fits to a pattern in which * stands for anything, ignoring case.
func like(pattern, text string) bool {
	pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = rest
	}
	return strings.HasSuffix(text, last)
}

// target finds the one connector that a command is about.
func (p *parser) target(c command, args arguments) (connector.ReceiveConnector, error) {
	identity, ok, err := args.one("Identity")
	if err != nil {
		return connector.ReceiveConnector{}, err
	}
	if !ok {
		return connector.ReceiveConnector{}, fail(c.at, "%s: %w: which connector? -Identity is missing", c.name, ErrSyntax)
	}
	var found []connector.ReceiveConnector
	var where []string
	for _, rc := range p.t.Connectors {
		if names(identity.text, rc.ID, strings.EqualFold) {
			found = append(found, rc)
			where = append(where, rc.ID.Server)
		}
	}
	switch len(found) {
	case 0:
		return connector.ReceiveConnector{}, fail(identity.at, "%s: no such receive connector: %w", identity.text, connector.ErrNotFound)
	case 1:
		return found[0], nil
	}
	return connector.ReceiveConnector{}, fail(identity.at, `%s: %w: there is one on %s; write SERVER\Name`, identity.text, connector.ErrDuplicate, strings.Join(where, ", "))
}

// each makes the change of a command to the connector it names, or to each that comes in.
func (p *parser) each(cmdlet string, c command, args arguments, connectors []connector.ReceiveConnector) error {
	if !c.piped {
		rc, err := p.target(c, args)
		if err != nil {
			return err
		}
		connectors = []connector.ReceiveConnector{rc}
	} else if a, ok := args["Identity"]; ok {
		return fail(a.at, "%s -Identity: %w: the connectors come through the pipe", c.name, ErrSyntax)
	} else if len(connectors) == 0 {
		return fail(c.at, "%s: %w: nothing is piped into it", c.name, ErrSyntax)
	}
	for _, rc := range connectors {
		var err error
		change := connector.Remove(rc)
		switch cmdlet {
		case "Set-ReceiveConnector":
			change, err = p.set(rc, args)
		case "Add-ADPermission", "Remove-ADPermission":
			change, err = p.permission(cmdlet == "Add-ADPermission", c, rc, args)
		}
		if err != nil {
			return err
		}
		if change.IsNoop() && cmdlet != "Set-ReceiveConnector" {
			continue
		}
		if err := p.make(c, change); err != nil {
			return err
		}
	}
	return nil
}

// make applies a change.
func (p *parser) make(c command, change connector.Change) error {
	next, err := p.t.Apply(change)
	if err != nil {
		return fail(c.at, "%s: %w", c.name, errors.Unwrap(err))
	}
	p.t = next
	p.changes = append(p.changes, change)
	return nil
}

func (p *parser) set(rc connector.ReceiveConnector, args arguments) (connector.Change, error) {
	after := rc.Clone()
	if err := p.apply(&after, args); err != nil {
		return connector.Change{}, err
	}
	for _, name := range connector.Settings() {
		if a, ok := args[name]; ok && !after.Knows(name) && !a.table {
			p.note(a.at, "-%s: what it was is not known, so whether that changes anything is not known", name)
		}
	}
	s, _ := p.t.Server(rc.ID.Server)
	for _, name := range []string{"Bindings", "RemoteIPRanges"} {
		if a := args[name]; a.table && s.Version.Generation() == connector.Generation2007 {
			p.note(a.at, "-%s: Exchange 2007 takes whole lists only", name)
		}
	}
	return connector.Edit(rc, func(c *connector.ReceiveConnector) { *c = after }), nil
}

// apply gives a connector the values of all parameters that are settings.
func (p *parser) apply(c *connector.ReceiveConnector, args arguments) error {
	for _, name := range connector.Settings() {
		a, ok := args[name]
		if !ok {
			continue
		}
		p.doubtful(name, a)
		err := error(nil)
		if a.table {
			err = p.edit(c, name, a)
		} else {
			err = c.Set(name, texts(a.items)...)
		}
		if err != nil {
			return valueError(name, a, err)
		}
	}
	return nil
}

// doubtful notes values that mean something else than they look like.
func (p *parser) doubtful(name string, a argument) {
	for _, i := range slices.Concat(a.items, a.add) {
		switch {
		case name == "RemoteIPRanges" && (i.text == "0.0.0.0" || i.text == "::"):
			p.note(i.at, "-RemoteIPRanges: %s is one address; all of them are 0.0.0.0-255.255.255.255 and ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", i.text)
		case name == "PermissionGroups" && strings.Contains(strings.ToLower(i.text), "custom"):
			p.note(i.at, "-PermissionGroups: Custom cannot be given; Exchange shows it by itself where there are rights beyond the groups")
		}
	}
}

// valueError brings an error of a value to its place.
func valueError(name string, a argument, err error) error {
	var e *tokenError
	if errors.As(err, &e) {
		return err
	}
	at := a.at
	var pe *connector.ParseError
	if errors.As(err, &pe) {
		for _, i := range slices.Concat(a.items, a.add, a.remove) {
			if i.text == pe.Input {
				at = i.at
			}
		}
	}
	return fail(at, "-%s: %w", name, err)
}

// edit adds and removes entries of a list.
func (p *parser) edit(c *connector.ReceiveConnector, name string, a argument) error {
	switch name {
	case "RemoteIPRanges":
		return editList(p, *c, name, a, &c.RemoteIPRanges, connector.ParseRange, connector.Range.Span)
	case "Bindings":
		return editList(p, *c, name, a, &c.Bindings, connector.ParseBinding, func(b netip.AddrPort) netip.AddrPort { return b })
	}
	return fail(a.at, "-%s: %w: it is no list", name, ErrSyntax)
}

// editList removes, then adds, and notes what was not there and what was there already. Entries are the same if what they mean is.
func editList[T any, M comparable](p *parser, c connector.ReceiveConnector, name string, a argument, list *[]T, parse func(string) (T, error), meaning func(T) M) error {
	remove, err := parseAll(a.remove, parse)
	if err != nil {
		return err
	}
	add, err := parseAll(a.add, parse)
	if err != nil {
		return err
	}
	listed := make(map[M]bool, len(*list))
	for _, v := range *list {
		listed[meaning(v)] = true
	}
	gone := make(map[M]bool, len(remove))
	for i, v := range remove {
		m := meaning(v)
		switch {
		case listed[m]:
		case c.Knows(name):
			p.note(a.remove[i].at, "-%s: %s does not list %s, so nothing is removed", name, c.ID, a.remove[i].text)
		default:
			p.note(a.remove[i].at, "-%s: %s is not among the entries of %s that are known; whether it is listed is not known", name, a.remove[i].text, c.ID)
		}
		gone[m], listed[m] = true, false
	}
	*list = slices.DeleteFunc(*list, func(v T) bool { return gone[meaning(v)] })
	for i, v := range add {
		m := meaning(v)
		if listed[m] {
			p.note(a.add[i].at, "-%s: %s lists %s already", name, c.ID, a.add[i].text)
			continue
		}
		listed[m] = true
		*list = append(*list, v)
	}
	return nil
}

func parseAll[T any](items []item, parse func(string) (T, error)) (all []T, err error) {
	for _, text := range texts(items) {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// permission grants or takes extended rights.
func (p *parser) permission(add bool, c command, rc connector.ReceiveConnector, args arguments) (connector.Change, error) {
	user, ok, err := args.one("User")
	if err != nil {
		return connector.Change{}, err
	}
	rights := texts(args["ExtendedRights"].items)
	if !ok || len(rights) == 0 {
		return connector.Change{}, fail(c.at, "%s: %w: it needs -User and -ExtendedRights", c.name, ErrSyntax)
	}
	_, deny := args["Deny"]
	s, _ := p.t.Server(rc.ID.Server)
	for _, i := range args["ExtendedRights"].items {
		if _, err := connector.ParseRights(i.text); err != nil && !strings.HasPrefix(strings.ToLower(i.text), "ms-exch-smtp-send-xmessagecontext") {
			p.note(i.at, "-ExtendedRights: %s is no right that counts in a session, as far as this library knows", i.text)
		}
		if g := (connector.Grant{Principal: user.text, Right: i.text}); !add && !deny && rc.InGroups(g, s.Version.Generation()) {
			return connector.Change{}, fail(i.at, "%s: %s: %w", c.name, i.text, ErrGroupRight)
		}
	}
	return connector.Edit(rc, func(c *connector.ReceiveConnector) {
		for _, r := range rights {
			g := connector.Grant{Principal: user.text, Right: r, Deny: deny}
			i := slices.IndexFunc(c.Rights, func(o connector.Grant) bool {
				return strings.EqualFold(o.Principal, g.Principal) && strings.EqualFold(o.Right, g.Right) && o.Deny == g.Deny
			})
			switch {
			case add && i < 0:
				c.Rights = append(c.Rights, g)
			case !add && i >= 0:
				c.Rights = slices.Delete(c.Rights, i, i+1)
			case !add:
				p.note(user.at, "Remove-ADPermission: %s is not known to be granted on %s", g, c.ID)
			}
		}
		if len(c.Rights) == 0 && !c.Missing.Has(connector.PropertyRights) {
			c.PermissionGroups &^= connector.GroupCustom // which stands for such rights
		}
	}), nil
}

// create reads New-ReceiveConnector.
func (p *parser) create(c command, args arguments) error {
	name, ok, err := args.one("Name")
	if err != nil {
		return err
	}
	if !ok {
		return fail(c.at, "%s: %w: -Name is missing", c.name, ErrSyntax)
	}
	server, err := p.server(c, args)
	if err != nil {
		return err
	}
	usage, err := usageOf(c, args)
	if err != nil {
		return err
	}
	rc, err := p.begin(usage, connector.ID{Server: server.Name, Name: name.text}, args)
	if err != nil {
		return err
	}
	if usage == connector.UsageInternal && server.Roles.Has(connector.RoleEdge) {
		rc.PermissionGroups &^= connector.GroupExchangeLegacyServers // which there is not on Edge Transport servers
	}
	if err := p.apply(&rc, args); err != nil {
		return err
	}
	if _, told := args["TransportRole"]; !told {
		switch roles := p.hasRoles(server); {
		case roles:
			rc.TransportRole = connector.HubTransport
			if !server.Roles.Has(connector.RoleEdge) {
				p.note(c.at, "New-ReceiveConnector: without -TransportRole it is taken to be HubTransport (inferred)")
			}
		case !server.Version.IsValid():
			p.note(c.at, "New-ReceiveConnector: without -TransportRole it would be HubTransport from 2013 on (inferred), and the version of %s is not known", server.Name)
		}
	}
	if _, taken := p.t.Connector(rc.ID); taken {
		return fail(c.at, "New-ReceiveConnector: there is a receive connector %s already: %w", rc.ID, connector.ErrDuplicate)
	}
	return p.make(c, connector.Create(rc))
}

// hasRoles tells whether the connectors of a server have transport roles: from 2013 on, which one that has a role shows.
func (p *parser) hasRoles(s connector.Server) bool {
	if s.Version.IsValid() {
		return s.Version.Generation() >= connector.Generation2013
	}
	return slices.ContainsFunc(p.t.Connectors, func(c connector.ReceiveConnector) bool {
		return strings.EqualFold(c.ID.Server, s.Name) && c.TransportRole != 0
	})
}

// server finds the server on which a connector is created.
func (p *parser) server(c command, args arguments) (connector.Server, error) {
	all := p.t.AllServers()
	named, ok, err := args.one("Server")
	switch {
	case err != nil:
		return connector.Server{}, err
	case !ok && len(all) == 1:
		return all[0], nil
	case !ok:
		return connector.Server{}, fail(c.at, "%s: %w: on which server? -Server is missing", c.name, ErrSyntax)
	}
	for _, s := range all {
		if strings.EqualFold(s.Name, named.text) || strings.EqualFold(s.Name, short(named.text)) {
			return s, nil
		}
	}
	return connector.Server{}, fail(named.at, "server %s: %w", named.text, connector.ErrNotFound)
}

// usageOf returns the usage type, which is a switch or the value of -Usage.
func usageOf(c command, args arguments) (usage connector.Usage, err error) {
	var given []string
	for _, s := range usageSwitches {
		if _, ok := args[s]; ok {
			given = append(given, s)
		}
	}
	if u, ok, err := args.one("Usage"); err != nil {
		return 0, err
	} else if ok {
		given = append(given, u.text)
	}
	if len(given) != 1 {
		return 0, fail(c.at, "%s: %w: it needs one usage type: -%s", c.name, ErrSyntax, strings.Join(usageSwitches, ", -"))
	}
	if usage, err = connector.ParseUsage(given[0]); err != nil {
		return 0, fail(args["Usage"].at, "-Usage: %w", err)
	}
	return usage, nil
}

// begin returns the connector as its usage type gives it. The documents say that what a usage type gives must not be said, and say it in
// examples of their own, so that is a note.
func (p *parser) begin(usage connector.Usage, id connector.ID, args arguments) (connector.ReceiveConnector, error) {
	bindings, ranges := args["Bindings"], args["RemoteIPRanges"]
	bs, err := parseAll(bindings.items, connector.ParseBinding)
	if err != nil {
		return connector.ReceiveConnector{}, valueError("Bindings", bindings, err)
	}
	rs, err := parseAll(ranges.items, connector.ParseRange)
	if err != nil {
		return connector.ReceiveConnector{}, valueError("RemoteIPRanges", ranges, err)
	}
	if given := usage == connector.UsageClient || usage == connector.UsageInternal; given && len(bs) > 0 {
		p.note(bindings.at, "New-ReceiveConnector: the documents disagree whether -Bindings may be said with usage %s, which gives them; those that are said are taken", usage)
		bs = nil
	}
	if usage == connector.UsageInternet && len(rs) > 0 {
		p.note(ranges.at, "New-ReceiveConnector: the documents disagree whether -RemoteIPRanges may be said with usage Internet, which gives them; those that are said are taken")
		rs = nil
	}
	c, err := connector.NewConnector(usage, id, bs, rs)
	if err != nil {
		return c, fail(args["Name"].at, "New-ReceiveConnector: %w", err)
	}
	return c, nil
}
