package ems

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reasons a text is not read as commands.
var (
	ErrSyntax    = errors.New("not a form of command that is read here")
	ErrCmdlet    = errors.New("not a cmdlet that is read here")
	ErrParameter = errors.New("not a parameter of the cmdlet")
	ErrVariable  = errors.New("the values of variables and expressions are not known here; write them out, a list perhaps as @{Add=...; Remove=...}")
)

// tokenKind tells what a token is. The marks are kinds of their own.
type tokenKind uint8

const (
	tokenWord      tokenKind = iota + 1 // a bare word
	tokenString                         // quoted
	tokenParameter                      // -Name, or -Name: with the value behind it
	tokenVariable                       // $true
	tokenMark                           // one of @{ @( ( ) } = , |
	tokenEnd                            // of a command: a line end, a semicolon, the end of the text
)

type token struct {
	kind tokenKind
	text string // without quotes, dash, colon and dollar
	at   int    // offset in bytes
	glue bool   // of a parameter: the value follows the colon
}

// goesOn tells whether a line that ends with the token goes on in the next one.
func (t token) goesOn() bool { return t.kind == tokenMark && (t.text == "|" || t.text == ",") }

// tokenError is an error at an offset of the text.
type tokenError struct {
	at  int
	err error
}

func (e *tokenError) Error() string { return e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// tokenizer splits a text as PowerShell does, as far as commands with literal values go.
type tokenizer struct {
	text  string
	at    int
	depth int // of braces and parentheses, in which lines do not end a command
	// hash tells that the innermost bracket is that of a hash table, in which = is a mark.
	hash []bool
}

// tokens returns all tokens; the last one is a tokenEnd.
func tokens(text string) ([]token, error) {
	z := &tokenizer{text: text}
	var ts []token
	for {
		t, err := z.next()
		if err != nil {
			return nil, err
		}
		if t.kind == tokenEnd && t.text == "\n" && len(ts) > 0 && ts[len(ts)-1].goesOn() {
			continue
		}
		ts = append(ts, t)
		if t.kind == tokenEnd && z.at >= len(text) {
			return ts, nil
		}
	}
}

func (z *tokenizer) peek() rune {
	if z.at >= len(z.text) {
		return -1
	}
	r, _ := utf8.DecodeRuneInString(z.text[z.at:])
	return r
}

func (z *tokenizer) take() rune {
	r, n := utf8.DecodeRuneInString(z.text[z.at:])
	z.at += n
	return r
}

func (z *tokenizer) has(prefix string) bool { return strings.HasPrefix(z.text[z.at:], prefix) }

// blanks passes over what stands between tokens: blanks, comments, lines that go on.
func (z *tokenizer) blanks() {
	for z.at < len(z.text) {
		switch r := z.peek(); {
		case r == ' ' || r == '\t' || r == '\r' || r == '\u00a0' || r == '\ufeff' || z.depth > 0 && r == '\n':
			z.take()
		case z.has("<#"):
			end := strings.Index(z.text[z.at:], "#>")
			if end < 0 {
				z.at = len(z.text)
				return
			}
			z.at += end + len("#>")
		case r == '#':
			for z.at < len(z.text) && z.peek() != '\n' {
				z.take()
			}
		case z.has("`\n"):
			z.at += 2
		case z.has("`\r\n"):
			z.at += 3
		default:
			return
		}
	}
}

func (z *tokenizer) next() (token, error) {
	z.blanks()
	t := token{at: z.at}
	r := z.peek()
	switch {
	case r < 0:
		if z.depth > 0 {
			return t, &tokenError{z.at, fmt.Errorf("%w: a bracket is not closed", ErrSyntax)}
		}
		t.kind = tokenEnd
	case r == '\n' || r == ';' && !z.inHash():
		t.kind, t.text = tokenEnd, string(z.take())
	case z.has("@{") || z.has("@("):
		t.kind, t.text = tokenMark, z.text[z.at:z.at+2]
		z.at += 2
		z.open(t.text == "@{")
	case strings.ContainsRune("(){},|;=", r) && (r != '=' || z.inHash()):
		t.kind, t.text = tokenMark, string(z.take())
		switch r {
		case '(', '{':
			z.open(false)
		case ')', '}':
			z.close()
		}
	case isQuote(r):
		return z.single(t)
	case isDoubleQuote(r):
		return z.double(t)
	case r == '$':
		z.take()
		t.kind, t.text = tokenVariable, z.word()
	case isDash(r) && isLetter(z.after(r)):
		z.take()
		t.kind = tokenParameter
		for isLetter(z.peek()) || '0' <= z.peek() && z.peek() <= '9' {
			t.text += string(z.take())
		}
		if t.glue = z.peek() == ':'; t.glue {
			z.take()
		}
	default:
		t.kind, t.text = tokenWord, z.word()
		if t.text == "" {
			return t, &tokenError{t.at, ErrSyntax}
		}
	}
	return t, nil
}

func (z *tokenizer) inHash() bool { return len(z.hash) > 0 && z.hash[len(z.hash)-1] }

func (z *tokenizer) open(hash bool) {
	z.depth++
	z.hash = append(z.hash, hash)
}

func (z *tokenizer) close() {
	if z.depth > 0 {
		z.depth--
		z.hash = z.hash[:len(z.hash)-1]
	}
}

// after returns the rune behind the next one.
func (z *tokenizer) after(next rune) rune {
	r, _ := utf8.DecodeRuneInString(z.text[z.at+utf8.RuneLen(next):])
	return r
}

// word takes a bare word. A backtick takes the meaning from what follows it.
func (z *tokenizer) word() string {
	var b strings.Builder
	for z.at < len(z.text) {
		r := z.peek()
		if strings.ContainsRune(" \t\r\n(){};,|\u00a0", r) || isQuote(r) || isDoubleQuote(r) || r == '=' && z.inHash() {
			break
		}
		if z.take(); r == '`' && z.at < len(z.text) {
			r = z.take()
		}
		b.WriteRune(r)
	}
	return b.String()
}

// single takes a string in apostrophes, in which two of them are one.
func (z *tokenizer) single(t token) (token, error) {
	t.kind = tokenString
	var b strings.Builder
	for z.take(); z.at < len(z.text); {
		r := z.take()
		if isQuote(r) {
			if !isQuote(z.peek()) {
				t.text = b.String()
				return t, nil
			}
			r = z.take()
		}
		b.WriteRune(r)
	}
	return t, &tokenError{t.at, fmt.Errorf("%w: a string is not closed", ErrSyntax)}
}

// escapes are what a backtick makes of letters in a string.
var escapes = map[rune]rune{'n': '\n', 'r': '\r', 't': '\t', '0': 0}

// double takes a string in quotation marks, in which two of them are one, and a backtick escapes.
func (z *tokenizer) double(t token) (token, error) {
	t.kind = tokenString
	var b strings.Builder
	for z.take(); z.at < len(z.text); {
		at := z.at
		r := z.take()
		switch {
		case isDoubleQuote(r) && !isDoubleQuote(z.peek()):
			t.text = b.String()
			return t, nil
		case isDoubleQuote(r):
			r = z.take()
		case r == '`' && z.at < len(z.text):
			if r = z.take(); escapes[r] != 0 || r == '0' {
				r = escapes[r]
			}
		case r == '$' && (unicode.IsLetter(z.peek()) || unicode.IsDigit(z.peek()) || strings.ContainsRune("({_$?^:", z.peek())):
			return t, &tokenError{at, ErrVariable}
		}
		b.WriteRune(r)
	}
	return t, &tokenError{t.at, fmt.Errorf("%w: a string is not closed", ErrSyntax)}
}

func isDoubleQuote(r rune) bool { return r == '"' || '\u201c' <= r && r <= '\u201e' }

// isDash tells whether PowerShell takes r for the dash of a parameter: what word processors make of it as well.
func isDash(r rune) bool { return r == '-' || '\u2013' <= r && r <= '\u2015' }

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
