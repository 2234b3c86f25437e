package ems

import (
	"errors"
	"fmt"
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
	if len(text) > maxText {
		return nil, nil, &connector.ModelError{Source: connector.Source{File: name}, Err: ErrTooLong}
	}
	p := &parser{name: name, t: t, lines: []int{0}, noted: make(map[Note]bool)}
	for i := range len(text) {
		if text[i] == '\n' {
			p.lines = append(p.lines, i+1)
		}
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
	name    string
	lines   []int               // the offsets at which they begin
	t       *connector.Topology // with the changes so far
	changes []connector.Change
	notes   []Note
	noted   map[Note]bool
}

// source turns an offset into line and column.
func (p *parser) source(at int) connector.Source {
	line, _ := slices.BinarySearch(p.lines, at+1) // the first line that begins behind it, counted from 0: its own, from 1
	return connector.Source{File: p.name, Line: line, Col: at - p.lines[line-1] + 1}
}

func (p *parser) note(at int, format string, args ...any) {
	n := Note{p.source(at), fmt.Sprintf(format, args...)}
	if !p.noted[n] { // which connectors that come through a pipe have in common
		p.noted[n] = true
		p.notes = append(p.notes, n)
	}
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
	var changes []connector.Change
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
		if !change.IsNoop() || cmdlet == "Set-ReceiveConnector" {
			changes = append(changes, change)
		}
	}
	return p.make(c, changes...)
}

// make applies the changes of a command.
func (p *parser) make(c command, changes ...connector.Change) error {
	next, err := p.t.Apply(changes...)
	if err != nil {
		return fail(c.at, "%s: %w", c.name, errors.Unwrap(err))
	}
	p.t = next
	p.changes = append(p.changes, changes...)
	return nil
}
