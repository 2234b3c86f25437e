package report_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

var (
	ids    = regexp.MustCompile(` id="([^"]*)"`)
	links  = regexp.MustCompile(` (?:href|src|aria-labelledby)="([^"]*)"`)
	policy = regexp.MustCompile(`style-src '([^']*)'; script-src '([^']*)'`)
	inside = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(style|script)>`)
)

// page writes a page and asserts what holds of all: it is whole and loads nothing, its policy allows what is in it, and every link leads to a
// place that there is once.
func page(t testing.TB, write func(*bytes.Buffer) error) string {
	t.Helper()
	html := text(t, write)
	assert.True(t, strings.HasPrefix(html, "<!DOCTYPE html>\n<html lang=\"en\">") && strings.HasSuffix(html, "</html>\n"))
	seen := make(map[string]bool)
	for _, m := range ids.FindAllStringSubmatch(html, -1) {
		assert.False(t, seen[m[1]], "the id %s is there twice", m[1])
		seen[m[1]] = true
	}
	for _, m := range links.FindAllStringSubmatch(html, -1) {
		for id := range strings.FieldsSeq(m[1]) {
			assert.True(t, seen[strings.TrimPrefix(id, "#")], "%s leads nowhere in the page", m[0])
		}
	}
	allowed := policy.FindStringSubmatch(html)
	require.NotNil(t, allowed)
	parts := inside.FindAllStringSubmatch(html, -1)
	require.Len(t, parts, 2, "one style and one script")
	for i, part := range parts {
		sum := sha256.Sum256([]byte(part[2]))
		assert.Equal(t, "sha256-"+base64.StdEncoding.EncodeToString(sum[:]), allowed[i+1], "the policy allows the %s", part[1])
	}
	assert.NotContains(t, html, "ZgotmplZ", "the template took a value for an attack")
	for _, tag := range []string{"section", "article", "table", "details", "svg", "ul", "li", "figure", "g", "pre", "tr", "div"} {
		opened := len(regexp.MustCompile(`<`+tag+`[ >]`).FindAllString(html, -1))
		assert.Equal(t, opened, strings.Count(html, "</"+tag+">"), "each %s ends", tag)
	}
	return html
}

// The page of the founding story has the verdict, a cell for each pair that leads to its reason, one map of all four servers before and after
// the fix, and the commands.
func TestAuditPage(t *testing.T) {
	a := auditOf(t, story(t, "examples/rcaudit/founding_story.txtar"))
	a.About = "What happened.\n\nAnd then."
	html := page(t, func(b *bytes.Buffer) error { return report.HTML.Audit(b, a) })
	for _, want := range []string{
		"<title>Receive connectors of EX01, EX02, EX03, EX04: Mail between servers fails: 8 of 8 required flows (PublicFolderReplication). Relay of EX01, EX02, EX03, EX04 takes it.</title>",
		`<p class="verdict bad">`, "<p class=\"about\">What happened.</p>\n<p class=\"about\">And then.</p>",
		`aria-label="EX01 to EX03: a required flow fails"`, `aria-label="EX01 to EX02: a flow that may occur would fail"`,
		"<h3>Connections to port 25 of EX01, EX02</h3>", "<h3>Connections to port 25 of EX03, EX04</h3>", "<figcaption>Now</figcaption>",
		"<figcaption>After the fix, on EX01: add the servers&#39; addresses to the connector that has Exchange Server authentication</figcaption>",
		"✗ EX03, EX04 → Relay: mail fails: the selected connector does not offer Exchange Server authentication", "! EX01, EX02 → Relay: mail that may occur would not authenticate, and what that does is unknown: the selected connector does not offer Exchange Server authentication",
		"✓ EX02, EX03, EX04 → Default: mail passes",
		"<td>10.0.0.0 – 10.255.255.255</td><td>Relay</td><td>10.0.0.0/8</td>",
		`Set-ReceiveConnector -Identity &#39;EX01\Default EX01&#39; -RemoteIPRanges @{Add=&#39;10.1.0.12&#39;,&#39;10.2.0.11&#39;,&#39;10.2.0.12&#39;}`,
		`<a href="#finding1">RC001 EX01\Relay</a>`,
	} {
		assert.Contains(t, html, want)
	}
	assert.Equal(t, 16, strings.Count(html, "<a href=\"#flow"+"")-strings.Count(html, `<li class="bad"><a href="#flow`)-strings.Count(html, `<li class="warning"><a href="#flow`)-strings.Count(html, `<li class="neutral"><a href="#flow`), "a cell for each pair")
	assert.Contains(t, html, "EX03\\Relay by 10.0.0.0/8 (16,777,216 addresses)", "an explanation")
}

// What is fine says so; what is not known does, too.
func TestAuditPageVerdicts(t *testing.T) {
	hub := topotest.Exchange("2010", "EX01").Roles("HubTransport").Site("A").At("10.1.0.11").DefaultConnectors()
	other := topotest.Exchange("2010", "EX02").Roles("HubTransport").Site("B").At("10.2.0.11").DefaultConnectors()
	for name, test := range map[string]struct {
		top  *connector.Topology
		want []string
	}{
		"passes":  {topotest.MustBuild(hub, other), []string{`<p class="verdict good">`, "Mail between servers passes: all of 2 required flows."}},
		"alone":   {topotest.MustBuild(hub), []string{"No flows between servers are known."}},
		"notes":   {topotest.MustBuild(hub.Set("Client EX01", "Bindings", "0.0.0.0:587"), other), []string{`<p class="verdict good">`, "Mail between servers passes: all of 2 required flows.", "4 receive connectors: 2 notes."}},
		"finding": {topotest.MustBuild(hub.Set("Client EX01", "AuthMechanism", "Tls, BasicAuthRequireTLS"), other), []string{`<p class="verdict warning">`, "Mail between servers passes: all of 2 required flows."}},
	} {
		t.Run(name, func(t *testing.T) {
			html := page(t, func(b *bytes.Buffer) error { return report.HTML.Audit(b, auditOf(t, test.top)) })
			for _, want := range test.want {
				assert.Contains(t, html, want)
			}
		})
	}
	empty := page(t, func(b *bytes.Buffer) error {
		return report.HTML.Audit(b, report.Audit{Topology: &connector.Topology{}})
	})
	assert.Contains(t, empty, "Nothing was found.")
	bad := &connector.Topology{Connectors: make([]connector.ReceiveConnector, 1)}
	assert.Error(t, report.HTML.Audit(&bytes.Buffer{}, report.Audit{Topology: bad}), "that cannot be compiled")
	assert.Error(t, report.HTML.Answers(&bytes.Buffer{}, report.Answers{Topology: bad}))
}

// Names are data: none becomes markup, runs, or turns round what is beside it; commands with what cannot be seen are not written.
func TestPageOfHostileNames(t *testing.T) {
	names := []string{`<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`, `</title></style></script><b>`, "a\u202eb", "line\nbreak", "\x1b[31mred", `שרת דואר`, `{{.}}`}
	top := story(t, "examples/rcaudit/founding_story.txtar")
	for i := range top.Connectors {
		top.Connectors[i].ID.Name += " " + names[i%len(names)]
	}
	for i := range top.Servers {
		name := top.Servers[i].Name + names[i]
		for j := range top.Connectors {
			if top.Connectors[j].ID.Server == top.Servers[i].Name {
				top.Connectors[j].ID.Server = name
			}
		}
		for j := range top.Databases {
			if top.Databases[j].Mounted == top.Servers[i].Name {
				top.Databases[j].Mounted = name
			}
		}
		top.Servers[i].Name = name
	}
	html := page(t, func(b *bytes.Buffer) error { return report.HTML.Audit(b, auditOf(t, top)) })
	for _, never := range []string{"<img", "<b>", "\u202e", "\x1b", "<script>alert"} {
		assert.NotContains(t, html, never)
	}
	for _, want := range []string{"&lt;img src=x onerror=alert(1)&gt;", `a\u202eb`, `line\nbreak`, `\u001b[31mred`, "<bdi>שרת דואר</bdi>", "{{.}}"} {
		assert.Contains(t, html, want)
	}
	plain := text(t, func(b *bytes.Buffer) error { return report.Text.Audit(b, auditOf(t, top)) })
	assert.NotContains(t, plain, "\x1b")
	assert.NotContains(t, plain, "\u202e")
	assert.Contains(t, plain, `\u001b[31mred`)
	assert.Contains(t, plain, "a name or a value holds a character that cannot be seen")
	plans, err := audit.Plans(context.Background(), top)
	require.NoError(t, err)
	var b bytes.Buffer
	assert.ErrorContains(t, report.Text.Plans(&b, report.Plans{Topology: top, Plans: plans}), "a name or a value holds a character that cannot be seen")
	assert.Empty(t, b.String(), "a script that is not what it looks like is none")
	md := text(t, func(b *bytes.Buffer) error { return report.Markdown.Audit(b, auditOf(t, top)) })
	for line := range strings.Lines(md) {
		if !strings.Contains(line, "-ReceiveConnector ") { // which is code
			assert.NotContains(t, strings.ReplaceAll(line, `\<`, ""), "<")
		}
	}
}

// A what-if has the maps before and after, with who moves framed.
func TestWhatIfPage(t *testing.T) {
	html := page(t, func(b *bytes.Buffer) error {
		return report.HTML.WhatIf(b, whatIf(t, story(t, "examples/rcaudit/founding_story.txtar"), `Set-ReceiveConnector 'EX01\Default EX01' -RemoteIPRanges @{Add='10.2.0.11','10.2.0.12'}`))
	})
	for _, want := range []string{"No mail between servers is known to break. 2 flows would heal, 2 of them required. A warning appears or grows. Clients lose what they could do. Sources change hands.", "<figcaption>Before</figcaption>", "<figcaption>After</figcaption>",
		"<title>changes hands: 10.2.0.11 – 10.2.0.12</title>", "✗ EX03, EX04 → Relay", "✓ EX03, EX04 → Default: mail passes"} {
		assert.Contains(t, html, want)
	}
	assert.Equal(t, 2, strings.Count(html, `class="framed"`))
	for name, test := range map[string]struct{ commands, want string }{
		"moves":   {`Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges @{Add='11.0.0.0/8'}`, "No mail between servers is known to break. A warning appears or grows. Clients lose what they could do. Sources change hands."},
		"nothing": {`Set-ReceiveConnector 'EX01\Relay' -Banner '220 hello'`, "No mail between servers is known to break. Nobody changes hands."},
	} {
		t.Run(name, func(t *testing.T) {
			top := story(t, "examples/rcaudit/founding_story.txtar")
			html := page(t, func(b *bytes.Buffer) error { return report.HTML.WhatIf(b, whatIf(t, top, test.commands)) })
			assert.Contains(t, html, test.want)
		})
	}
	refused := page(t, func(b *bytes.Buffer) error { return report.HTML.WhatIf(b, report.WhatIf{Refused: assert.AnError}) })
	assert.Contains(t, refused, "The cmdlets would refuse this.")
	breaks := page(t, func(b *bytes.Buffer) error {
		return report.HTML.WhatIf(b, whatIf(t, topotest.MustBuild(
			topotest.Exchange("2010", "EX01").Roles("HubTransport").Site("A").At("10.1.0.11").DefaultConnectors().Relay("192.0.2.1"),
			topotest.Exchange("2010", "EX02").Roles("HubTransport").Site("B").At("10.2.0.11").DefaultConnectors()), `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges @{Add='10.0.0.0/8'}`))
	})
	assert.Contains(t, breaks, "Mail between servers breaks: ")
	assert.Contains(t, breaks, "✓ EX02 → Default: mail passes")
	assert.Contains(t, breaks, "✗ EX02 → Relay: mail fails")
}

// Answers are one page, with a map of the servers that were asked and no others.
func TestAnswersPage(t *testing.T) {
	top := story(t, "examples/rcaudit/founding_story.txtar")
	x, err := connector.Compile(top)
	require.NoError(t, err)
	conn := connector.Conn{Server: "ex01", Local: netip.MustParseAddrPort("10.1.0.11:25"), Remote: netip.MustParseAddr("10.2.0.11")}
	everything := connector.MustParseRange("10.0.0.0/7")
	a := report.Answers{Topology: top, Explanations: []*connector.Explanation{x.Explain(conn)}, Verdicts: []*connector.Verdict{x.Simulate(conn, connector.Peer{Kind: connector.PeerAnonymous})},
		Shares: []report.Shares{{Name: "10.0.0.0/7", Server: "EX01", Local: "0.0.0.0:25", Shares: x.Shares("EX01", conn.Local, everything)}}}
	html := page(t, func(b *bytes.Buffer) error { return report.HTML.Answers(b, a) })
	for _, want := range []string{"10.0.0.0/7 -&gt; EX01 0.0.0.0:25: they do not reach one connector, EX01\\Relay by 10.0.0.0/8, EX01\\Relay by 10.0.0.0/8, mail of Anonymous ", "<h3>Connections to port 25 of ex01</h3>", "10.0.0.0/7 is framed.", "asked about", "they do not reach one connector", "a peer of kind Anonymous"} {
		assert.Contains(t, html, want)
	}
	assert.NotContains(t, html, "EX02")
	var one, all bytes.Buffer
	require.NoError(t, report.Text.Explanation(&one, a.Explanations[0]))
	require.NoError(t, report.Text.Verdict(&one, a.Verdicts[0]))
	require.NoError(t, report.Text.Shares(&one, a.Shares[0]))
	require.NoError(t, report.Text.Answers(&all, a))
	assert.Equal(t, one.String(), all.String(), "other forms are one after the other")
	all.Reset()
	require.NoError(t, report.Text.Answers(&all, report.Answers{Explanations: a.Explanations, Brief: true}))
	assert.Equal(t, 1, strings.Count(all.String(), "\n"))
}

// What could not be checked is not said to pass, in the audit and in the matrix alike.
func TestPageOfUnknown(t *testing.T) {
	top := topotest.MustBuild(
		topotest.Exchange("2010", "EX01").Roles("HubTransport").Site("A").DefaultConnectors(),
		topotest.Exchange("2010", "EX02").Roles("HubTransport").Site("B").DefaultConnectors())
	verdict := `<p class="verdict note"><span aria-hidden="true">?</span> Whether mail between servers passes is not known: none of 2 required flows could be checked.</p>`
	assert.Contains(t, page(t, func(b *bytes.Buffer) error { return report.HTML.Audit(b, auditOf(t, top)) }), verdict)
	flows := audit.Flows(top, compiled(t, top))
	assert.Contains(t, page(t, func(b *bytes.Buffer) error { return report.HTML.Matrix(b, audit.MatrixOf(flows)) }), verdict)
	top.Servers[0].Addresses = []netip.Addr{netip.MustParseAddr("10.1.0.11")}
	assert.Contains(t, page(t, func(b *bytes.Buffer) error { return report.HTML.Audit(b, auditOf(t, top)) }), "Mail between servers is not known to fail; 1 of 2 required flows could not be checked.")
}

// Listeners that differ in what becomes of mail have maps of their own, though their ranges are alike.
func TestMapsOfOtherSettings(t *testing.T) {
	server := func(name, site, address string) topotest.Server {
		return topotest.Exchange("2010", name).Roles("HubTransport").Site(site).At(address).DefaultConnectors()
	}
	top := topotest.MustBuild(server("EX01", "A", "10.1.0.11"), server("EX02", "B", "10.2.0.11").Set("Default EX02", "PermissionGroups", "ExchangeUsers"), server("EX03", "C", "10.3.0.11"))
	html := page(t, func(b *bytes.Buffer) error { return report.HTML.Audit(b, auditOf(t, top)) })
	for _, want := range []string{"<h3>Connections to port 25 of EX02</h3>", "✗ EX01, EX03 → Default: mail fails"} {
		assert.Contains(t, html, want)
	}
	assert.Equal(t, 2, strings.Count(html, "<figure>"), "before and after the fix of EX02; at the others one connector alone answers, and mail passes")
	assert.Contains(t, html, "After the fix, on EX02")
	assert.Contains(t, html, "one connector alone answers there: Connections to port 25 of EX01, EX03")
}

// Where who answers is in doubt, a page does not say that mail passes, nor that a connector is alone.
func TestPageOfDoubt(t *testing.T) {
	hub := topotest.Exchange("2010", "EX01").Roles("HubTransport").Site("A").At("10.1.0.11").DefaultConnectors()
	other := topotest.Exchange("2010", "EX02").Roles("HubTransport").Site("B").At("10.2.0.11").DefaultConnectors()
	missing := topotest.MustBuild(hub.Relay("192.0.2.0/24"), other)
	for i := range missing.Connectors {
		if missing.Connectors[i].ID.Name == "Relay" {
			missing.Connectors[i].Missing = connector.PropertyRemoteIPRanges
		}
	}
	tie := topotest.MustBuild(hub.Relay("0.0.0.0-255.255.255.255"), other)
	for want, top := range map[string]*connector.Topology{"Missing": missing, "Tie": tie} {
		html := page(t, func(b *bytes.Buffer) error { return report.HTML.Audit(b, auditOf(t, top)) })
		_, maps, _ := strings.Cut(html, `<section id="maps"`)
		maps, _, _ = strings.Cut(maps, "</section>")
		assert.Contains(t, maps, "(in doubt: "+want+")")
		assert.Contains(t, maps, "? who answers is in doubt ("+want+") for ")
		assert.NotContains(t, maps, "✓ EX02")
		assert.NotContains(t, maps, "alone answers there: Connections to port 25 of EX01")
		assert.Equal(t, want == "Missing", strings.Contains(maps, "not all of its ranges are known"))
		x := compiled(t, top)
		e := x.Explain(connector.Conn{Server: "EX01", Local: netip.MustParseAddrPort("10.1.0.11:25"), Remote: netip.MustParseAddr("10.2.0.11")})
		assert.Contains(t, page(t, func(b *bytes.Buffer) error {
			return report.HTML.Answers(b, report.Answers{Topology: top, Explanations: []*connector.Explanation{e}})
		}), "(in doubt: "+want+")")
	}
}

// The fix that a map shows is of its port.
func TestAfterFixOfPort(t *testing.T) {
	a := auditOf(t, story(t, "examples/rcaudit/founding_story.txtar"))
	for i := range a.Findings {
		for j := range a.Findings[i].Flows {
			a.Findings[i].Flows[j].Port = 2525
		}
	}
	html := page(t, func(b *bytes.Buffer) error { return report.HTML.Audit(b, a) })
	assert.NotContains(t, html, "After the fix")
}

// A large organization gives a page that a browser can show: what is alike is said once.
func TestLargePage(t *testing.T) {
	var parts []topotest.Part
	for i := range 130 {
		name := "EX" + string(rune('A'+i/26)) + string(rune('A'+i%26))
		s := topotest.Exchange("2016", name).Site("A").At(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}).String()).DefaultConnectors()
		if i == 129 {
			s = s.Relay("10.0.0.0/24")
		}
		parts = append(parts, s)
	}
	top := topotest.MustBuild(parts...)
	x, err := connector.Compile(top)
	require.NoError(t, err)
	html := page(t, func(b *bytes.Buffer) error {
		return report.HTML.Audit(b, report.Audit{Topology: top, Flows: audit.EachFlow(top, x)})
	})
	assert.Less(t, len(html), 8<<20)
	assert.Contains(t, html, "The matrix and the marks have 120 of 130 servers and networks, those of which most flows fail")
	assert.Contains(t, html, "to EXEZ: a flow that may occur would fail", "the one with the fault is among them")
	assert.LessOrEqual(t, strings.Count(html, "<figure>"), 12)
}

// Expectations and diagnoses say in one line what they come to.
func TestVerdictsOfPages(t *testing.T) {
	_, holding := results(t, servers("10.0.5.0/24"), `EX01 *:25 10.0.5.0/24 -> EX01\Relay`)
	suites := []report.TestSuite{{Name: "expect.txt", Cases: holding}}
	moved := &report.SnapshotChange{Name: "decisions.txt", Changes: topotest.Changes{Moves: make([]connector.Move, 1)}}
	for want, w := range map[string]report.Tests{
		"6 of 10 expectations do not hold.":            everything(t),
		"1 expectation holds.":                         {Suites: suites},
		"Nothing could be asked.":                      {Err: assert.AnError},
		"The cmdlets would refuse the change.":         {Refused: assert.AnError},
		"Untested: nothing is expected.":               {},
		"The decisions are not what the snapshot has.": {Suites: suites, Snapshot: moved},
		"No source of any endpoint changes hands.":     {Snapshot: &report.SnapshotChange{Name: "decisions.txt"}},
		"Covered are 0 %, and 101 % are asked for.":    {Suites: suites, Coverage: &topotest.Coverage{}, Least: 101},
	} {
		html := page(t, func(b *bytes.Buffer) error { return report.HTML.Tests(b, w) })
		assert.Contains(t, html, "<title>Expectations: "+want+"</title>")
		assert.Equal(t, w.Hold(), strings.Contains(html, `<p class="verdict good">`), want)
	}
	top := story(t, "examples/rcaudit/founding_story.txtar")
	for text, want := range map[string]string{
		"451 5.7.3 Cannot achieve Exchange Server authentication": "very likely: EX01\\Relay takes mail from EX03, EX04 without Exchange Server authentication; EX01\\Default EX01 offers it.",
		"hello": "No cause is known.",
	} {
		d, err := audit.Diagnose(context.Background(), top, text)
		require.NoError(t, err)
		assert.Contains(t, page(t, func(b *bytes.Buffer) error {
			return report.HTML.Diagnosis(b, report.Diagnosis{Topology: top, Diagnosis: d})
		}), "<title>Diagnosis: "+want+"</title>")
	}
}
