package ems

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// command is one cmdlet with its arguments.
type command struct {
	name      string
	at        int
	arguments []argument
	piped     bool // what the one before returns goes in here
}

// argument is a parameter with its value, or a value that stands alone.
type argument struct {
	parameter string // as written; empty for a value alone
	at        int
	valued    bool // it has a value, of which an empty list is one
	items     []item
	// add and remove are the entries of @{Add=...; Remove=...}.
	table       bool
	add, remove []item
}

// item is one value.
type item struct {
	text string
	at   int
	null bool // $null
	flag bool // $true, $false or a number
}

// texts returns the values of items that are not $null.
func texts(items []item) (ts []string) {
	for _, i := range items {
		if !i.null {
			ts = append(ts, i.text)
		}
	}
	return ts
}

// grammar reads commands from tokens.
type grammar struct {
	tokens []token
	at     int
}

// commands returns the pipelines of a text, each of them one command or several. On an error it goes on with the next one.
func commands(text string) (pipelines [][]command, errs []*tokenError) {
	ts, err := tokens(text)
	if err != nil {
		return nil, []*tokenError{asTokenError(err)}
	}
	g := &grammar{tokens: ts}
	for g.at < len(g.tokens) {
		if g.peek().kind == tokenEnd {
			g.at++
			continue
		}
		p, err := g.pipeline()
		if err != nil {
			errs = append(errs, asTokenError(err))
			for g.peek().kind != tokenEnd {
				g.at++
			}
			continue
		}
		pipelines = append(pipelines, p)
	}
	return pipelines, errs
}

func asTokenError(err error) *tokenError {
	var e *tokenError
	errors.As(err, &e)
	return e
}

func (g *grammar) peek() token { return g.tokens[g.at] }

// mark takes a mark if it comes next.
func (g *grammar) mark(text string) bool {
	if t := g.peek(); t.kind != tokenMark || t.text != text {
		return false
	}
	g.at++
	return true
}

func (g *grammar) unexpected() error {
	t := g.peek()
	if t.kind == tokenEnd {
		return &tokenError{t.at, fmt.Errorf("%w: it ends too early", ErrSyntax)}
	}
	if t.kind == tokenVariable {
		return &tokenError{t.at, ErrVariable}
	}
	return &tokenError{t.at, fmt.Errorf("%w: %q is not expected here", ErrSyntax, t.text)}
}

func (g *grammar) pipeline() (cs []command, err error) {
	for {
		c, err := g.command()
		if err != nil {
			return nil, err
		}
		c.piped = len(cs) > 0
		cs = append(cs, c)
		if g.peek().kind == tokenEnd {
			return cs, nil
		}
		if !g.mark("|") {
			return nil, g.unexpected()
		}
	}
}

func (g *grammar) command() (c command, err error) {
	t := g.peek()
	if t.kind != tokenWord {
		return c, g.unexpected()
	}
	g.at++
	c.name, c.at = t.text, t.at
	for {
		switch t := g.peek(); {
		case t.kind == tokenEnd || t.kind == tokenMark && t.text == "|":
			return c, nil
		case t.kind == tokenParameter:
			g.at++
			a := argument{parameter: t.text, at: t.at}
			if t.glue || !isSwitch(c.name, t.text) && g.startsValue() {
				err = g.value(&a)
			}
			c.arguments = append(c.arguments, a)
		default:
			a := argument{at: t.at}
			err = g.value(&a)
			c.arguments = append(c.arguments, a)
		}
		if err != nil {
			return c, err
		}
	}
}

// startsValue tells whether a value comes next.
func (g *grammar) startsValue() bool {
	switch t := g.peek(); t.kind {
	case tokenWord, tokenString, tokenVariable:
		return true
	case tokenMark:
		return t.text == "@{" || t.text == "@(" || t.text == "("
	}
	return false
}

func (g *grammar) value(a *argument) (err error) {
	a.valued = true
	if g.mark("@{") {
		a.table = true
		return g.table(a)
	}
	a.items, err = g.items()
	return err
}

// table reads what stands in @{...}: Add and Remove with their values.
func (g *grammar) table(a *argument) error {
	for !g.mark("}") {
		key := g.peek()
		var to *[]item
		switch {
		case key.kind != tokenWord && key.kind != tokenString:
			return g.unexpected()
		case strings.EqualFold(key.text, "Add"):
			to = &a.add
		case strings.EqualFold(key.text, "Remove"):
			to = &a.remove
		default:
			return &tokenError{key.at, fmt.Errorf("%w: Add and Remove are known, not %q", ErrSyntax, key.text)}
		}
		g.at++
		if !g.mark("=") {
			return g.unexpected()
		}
		items, err := g.items()
		if err != nil {
			return err
		}
		*to = append(*to, items...)
		for g.mark(";") {
		}
	}
	return nil
}

func isNumber(word string) bool {
	_, err := strconv.Atoi(word)
	return err == nil
}

// isCommand tells whether a word looks like the name of a cmdlet, Verb-Noun.
func isCommand(word string) bool {
	verb, noun, ok := strings.Cut(word, "-")
	return ok && verb != "" && noun != "" && !strings.ContainsFunc(verb+noun, func(r rune) bool { return !isLetter(r) })
}

// items reads values separated by commas, in parentheses or not.
func (g *grammar) items() (items []item, err error) {
	for {
		switch t := g.peek(); {
		case g.mark("@(") || g.mark("("):
			if next := g.peek(); next.kind == tokenWord && isCommand(next.text) {
				return nil, &tokenError{next.at, ErrVariable}
			}
			for !g.mark(")") {
				inner, err := g.items()
				if err != nil {
					return nil, err
				}
				items = append(items, inner...)
			}
		case t.kind == tokenString || t.kind == tokenWord:
			g.at++
			items = append(items, item{text: t.text, at: t.at, flag: t.kind == tokenWord && isNumber(t.text)})
		case t.kind == tokenVariable && strings.EqualFold(t.text, "null"):
			g.at++
			items = append(items, item{at: t.at, null: true})
		case t.kind == tokenVariable && (strings.EqualFold(t.text, "true") || strings.EqualFold(t.text, "false")):
			g.at++
			items = append(items, item{text: t.text, at: t.at, flag: true})
		default:
			return nil, g.unexpected()
		}
		if !g.mark(",") {
			return items, nil
		}
	}
}
