package ems

import (
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

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
