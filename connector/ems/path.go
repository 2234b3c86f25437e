package ems

import (
	"fmt"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// path is what becomes of one connector, from state to state; nil where there is none.
type path struct {
	states   []*connector.ReceiveConnector
	numbers  []int    // those of the states among the literals
	literals []string // of the states in PowerShell, where some look the same one for all
}

// guarded is lines that are to be run if a connector has not come further than a state.
type guarded struct {
	path, state int
	lines       []string
}

// paths are what becomes of connectors by changes, and the commands of each change.
type paths struct {
	all      []path
	commands [][]guarded
}

// pathsOf follows each connector through changes. One that is removed and created anew under its name is the same.
func pathsOf(t *connector.Topology, changes []connector.Change) (ps paths, err error) {
	at := make(map[connector.ID]int) // which path the connector of a name is on
	for _, c := range changes {
		i, ok := at[c.Target.Key()]
		switch {
		case ok && (ps.all[i].last() == nil) == (c.Before == nil):
		case ok:
			return ps, fmt.Errorf("%s: %w", c.Target, ErrName)
		default:
			i = len(ps.all)
			ps.all = append(ps.all, path{states: []*connector.ReceiveConnector{c.Before}})
			at[c.Target.Key()] = i
		}
		if c.After != nil {
			if other, taken := at[c.After.ID.Key()]; taken && other != i {
				return ps, fmt.Errorf("%s: %w", c.After.ID, ErrName)
			}
			at[c.After.ID.Key()] = i
		}
		main, rights, err := linesOf(t, c)
		if err != nil {
			return ps, err
		}
		var commands []guarded
		for _, lines := range [][]string{main, rights} {
			if len(lines) > 0 {
				commands = append(commands, guarded{i, len(ps.all[i].states) - 1, lines})
				ps.all[i].states = append(ps.all[i].states, c.After)
			}
		}
		ps.commands = append(ps.commands, commands)
	}
	for i := range ps.all {
		if err := ps.all[i].print(); err != nil {
			return ps, err
		}
	}
	for _, commands := range ps.commands {
		for i := range commands {
			commands[i].state = ps.all[commands[i].path].numbers[commands[i].state]
		}
	}
	return ps, nil
}

// linesOf returns the commands of a change, and those of rights beyond the groups. Cmdlets that come over the network do not see the
// script's $ErrorActionPreference, so each is told to stop at an error.
func linesOf(t *connector.Topology, c connector.Change) (main, rights []string, err error) {
	s, _ := t.Server(c.Target.Server)
	lines, err := (writer{change: c, generation: s.Version.Generation(), each: " -ErrorAction Stop"}).lines()
	if err == nil && (isPattern(c.Target.String()) || c.After != nil && isPattern(c.After.ID.String())) {
		err = ErrWildcard
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.Target, err)
	}
	first := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Get-") })
	if first < 0 {
		first = len(lines)
	}
	return lines[:first], lines[first:], nil
}

func (p path) last() *connector.ReceiveConnector { return p.states[len(p.states)-1] }

// server returns the server on which the connector is, or is not.
func (p path) server() string {
	i := slices.IndexFunc(p.states, func(c *connector.ReceiveConnector) bool { return c != nil })
	return p.states[i].ID.Server // a change without any is none
}

// print writes the states. One that comes after the connector was gone must not look like one before.
func (p *path) print() error {
	compared := properties(p.states)
	gone := false
	for _, c := range p.states {
		literal := "@{}"
		if c != nil {
			parts := []string{"Name = " + Quote(c.ID.Name)}
			for _, name := range compared {
				parts = append(parts, fmt.Sprintf("%s = @(%s)", name, strings.TrimPrefix(list(valuesOf(c, name)), "@()")))
			}
			literal = "@{ " + strings.Join(parts, "; ") + " }"
		}
		n := len(p.literals)
		if n == 0 || p.literals[n-1] != literal {
			if c != nil && gone && slices.ContainsFunc(p.literals, func(l string) bool { return strings.EqualFold(l, literal) }) {
				return fmt.Errorf("%s: %w", c.ID, ErrName)
			}
			gone = gone || c == nil && n > 0
			p.literals = append(p.literals, literal)
			n++
		}
		p.numbers = append(p.numbers, n-1)
	}
	return nil
}

func valuesOf(c *connector.ReceiveConnector, property string) []string {
	values, _ := c.Setting(property)
	return values
}

// recognise are the properties by which a connector is recognised that is not there before, or after.
var recognise = []string{"Enabled", "Bindings", "RemoteIPRanges", "AuthMechanism", "PermissionGroups"}

// properties returns those in which states of a connector differ and which can be compared, with those by which it is recognised if there is
// none of it in some state. Not compared is what is not known in one of them, whose text depends on the language of the server, or to
// which Exchange adds by itself, as Custom to the groups where there are rights, and the name that it may give to one that is made without.
func properties(states []*connector.ReceiveConnector) (names []string) {
	there := slices.DeleteFunc(slices.Clone(states), func(c *connector.ReceiveConnector) bool { return c == nil })
	for _, name := range connector.Settings() {
		wanted := len(there) < len(states) && slices.Contains(recognise, name)
		comparable := name != "Name" && name != "MaxMessageSize"
		for _, c := range there {
			values := valuesOf(c, name)
			untold := len(values) == 0 && !slices.Contains([]string{"Bindings", "RemoteIPRanges", "Fqdn"}, name)
			filled := name == "Fqdn" && len(there) < len(states) && c.FQDN == ""
			custom := name == "PermissionGroups" && (len(c.Rights) > 0 || c.PermissionGroups.Has(connector.GroupCustom))
			wanted = wanted || !slices.Equal(values, valuesOf(there[0], name))
			comparable = comparable && c.Knows(name) && !untold && !custom && !filled
		}
		if wanted && comparable {
			names = append(names, name)
		}
	}
	return names
}
