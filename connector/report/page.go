package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"
	"unicode"
)

// page is a report as HTML: one file that loads nothing, in which nothing runs but the script that adds buttons, and which can be read
// without it.
type page struct {
	Title    string
	Verdict  string // the answer in one line
	tone     tone
	Details  []string
	About    []string // paragraphs
	Sections []section
}

// section is a part of a page.
type section struct {
	ID, Title string
	Intro     []string
	Matrix    *matrixView
	Maps      []mapCard
	Cards     []card
	Blocks    []block
	Usage     []usageView
}

// mapCard is one map, or one before and one after a change.
type mapCard struct {
	Tone, Title string
	Intro       []string
	Views       []mapView
	Findings    []reference
}

// reference leads to another part of the page.
type reference struct{ ID, Title string }

// card is a part that stands apart.
type card struct {
	ID, Tone string
	Blocks   []block
}

// block is a line of an outline, with what belongs to it: Kind is heading, paragraph, list, item, command, script or table.
type block struct {
	Kind, Tone, Text string
	Level            int // of a heading
	Head             []string
	Rows             [][]string
	Children         []block
}

//go:embed page/page.html
var pageHTML string

//go:embed page/style.css
var pageCSS string

//go:embed page/script.js
var pageScript string

var pageTemplate = template.Must(template.New("").Funcs(template.FuncMap{
	"t": markup, "s": isolated, "v": visible, "one": func(b block) []block { return []block{b} },
}).Parse(pageHTML))

// pageOf returns an outline as a page of one section.
func pageOf(title string, b *outline) page {
	blocks := b.blocks()
	for i := range blocks {
		blocks[i].Level = 2 // the page has none above them but its title
	}
	return page{Title: title, Sections: []section{{ID: "report", Blocks: blocks}}}
}

// write writes the page. Its policy forbids everything but its own style and its own script.
func (p page) write(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>%s</title>
<style>%s</style>
</head>
`, digest(pageCSS), digest(pageScript), template.HTMLEscapeString(visible(p.heading())), pageCSS)
	if err := pageTemplate.ExecuteTemplate(&b, "page", p); err != nil {
		return err
	}
	fmt.Fprintf(&b, "<script>%s</script>\n</html>\n", pageScript)
	_, err := w.Write(b.Bytes())
	return err
}

// heading is the title of the window.
func (p page) heading() string {
	if p.Verdict == "" {
		return p.Title
	}
	return p.Title + ": " + p.Verdict
}

// Tone and Sign are those of the verdict.
func (p page) Tone() string { return p.tone.class() }
func (p page) Sign() string { return p.tone.sign() }

// digest is how a policy names what it allows.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// gaps are spaces that HTML would make one of.
var gaps = regexp.MustCompile("  +")

// markup returns text as HTML that shows it as it is. Letters that are written from right to left stand apart, so that they do not turn round
// what is beside them.
func markup(s string) template.HTML {
	var b strings.Builder
	for part, apart := range byDirection(visible(s)) {
		if apart {
			b.WriteString("<bdi>" + template.HTMLEscapeString(part) + "</bdi>")
		} else {
			b.WriteString(template.HTMLEscapeString(part))
		}
	}
	return template.HTML(gaps.ReplaceAllString(b.String(), `<span class="gap">$0</span>`))
}

// isolated returns text for a drawing, where characters do what bdi does.
func isolated(s string) string {
	var b strings.Builder
	for part, apart := range byDirection(visible(s)) {
		if apart {
			part = "\u2068" + part + "\u2069"
		}
		b.WriteString(part)
	}
	return b.String()
}

// byDirection yields the parts of a text, and whether they are written from right to left.
func byDirection(s string) func(yield func(string, bool) bool) {
	return func(yield func(string, bool) bool) {
		for s != "" {
			from := strings.IndexFunc(s, rightToLeft)
			if from < 0 {
				yield(s, false)
				return
			}
			if from > 0 && !yield(s[:from], false) {
				return
			}
			s = s[from:]
			end := 0
			for i, r := range s { // spaces and signs between such letters belong to them
				if rightToLeft(r) || unicode.Is(unicode.Mn, r) && end == i {
					end = i + len(string(r))
				} else if unicode.IsLetter(r) || unicode.IsDigit(r) {
					break
				}
			}
			if !yield(s[:end], true) {
				return
			}
			s = s[end:]
		}
	}
}

func rightToLeft(r rune) bool {
	return r >= 0x590 && unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Samaritan, unicode.Mandaic, unicode.Adlam)
}

// blocks returns an outline as blocks.
func (b *outline) blocks() []block {
	root := &node{depth: -1}
	open := []*node{root}
	for l := range b.lines {
		if l.text == "" && l.kind != script {
			continue
		}
		n := &node{depth: l.depth, line: l}
		if l.kind == table || l.kind == script || l.kind == prose {
			n.depth = 0
		}
		for open[len(open)-1].depth >= n.depth {
			open = open[:len(open)-1]
		}
		parent := open[len(open)-1]
		parent.children = append(parent.children, n)
		open = append(open, n)
	}
	return root.blocks(false)
}

// node is a line with those that are indented below it.
type node struct {
	depth    int
	line     line
	children []*node
}

// blocks returns what stands below a line; in a list, where lines are items.
func (n *node) blocks(list bool) (all []block) {
	for _, c := range n.children {
		x := block{Kind: "paragraph", Tone: c.line.tone.class(), Text: visible(c.line.text)}
		switch c.line.kind {
		case heading:
			x.Kind, x.Level = "heading", 3
		case command:
			x.Kind = "command"
			if i := len(all) - 1; i >= 0 && all[i].Kind == "command" {
				all[i].Text += "\n" + x.Text
				continue
			}
		case script:
			x.Kind = "script"
		case table:
			x.Kind, x.Head, x.Rows = "table", c.line.rows[0], c.line.rows[1:]
		}
		x.Children = c.blocks(true)
		if list && x.Kind == "paragraph" {
			x.Kind = "item"
			if i := len(all) - 1; i >= 0 && all[i].Kind == "list" {
				all[i].Children = append(all[i].Children, x)
				continue
			}
			x = block{Kind: "list", Children: []block{x}}
		}
		all = append(all, x)
	}
	return all
}
