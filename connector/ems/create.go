package ems

import (
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

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
