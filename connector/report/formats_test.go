package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/internal/golden"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// small is two servers of which one has a relay that takes the mail of the other, and a warning; a third fault is accepted.
func small(t testing.TB) report.Audit {
	top := topotest.MustBuild(
		topotest.Exchange("2010", "EX01").Roles(hub).Site("A").At("10.1.0.11").DefaultConnectors().Relay("10.0.0.0/8").Set("Client EX01", "AuthMechanism", "Tls, BasicAuthRequireTLS"),
		topotest.Exchange("2010", "EX02").Roles(hub).Site("B").At("10.2.0.11").DefaultConnectors().Set("Client EX02", "AuthMechanism", "Tls, BasicAuthRequireTLS"))
	for i := range top.Connectors {
		top.Connectors[i].Source = connector.Source{File: "exports/ex 01.csv", Line: i + 2, Col: 7}
	}
	top.Accepted = []connector.Acceptance{{Check: "RC102", Subject: `EX02\Client EX02`, Reason: "reviewed in May"}}
	checks, err := audit.ParseChecks("RC001,RC004,RC102")
	require.NoError(t, err)
	x, err := connector.Compile(top)
	require.NoError(t, err)
	findings, err := audit.Run(context.Background(), top, checks...)
	require.NoError(t, err)
	require.Len(t, findings, 3)
	return report.Audit{Topology: top, Findings: findings, Flows: audit.EachFlow(top, x), Checks: checks}
}

func TestMarkdown(t *testing.T) {
	a := small(t)
	golden.Check(t, goldens+"audit.md", text(t, func(b *bytes.Buffer) error { return report.Markdown.Audit(b, a) }))
	golden.Check(t, goldens+"matrix.md", text(t, func(b *bytes.Buffer) error {
		return report.Markdown.Matrix(b, audit.MatrixOf(audit.Flows(a.Topology, compiled(t, a.Topology))))
	}))
	golden.Check(t, goldens+"whatif.md", text(t, func(b *bytes.Buffer) error {
		return report.Markdown.WhatIf(b, whatIf(t, a.Topology, `Set-ReceiveConnector 'EX01\Default EX01' -RemoteIPRanges @{Add='10.2.0.11'}`))
	}))
	golden.Check(t, goldens+"plan.md", text(t, func(b *bytes.Buffer) error {
		plans, err := audit.Plans(context.Background(), a.Topology)
		require.NoError(t, err)
		return report.Markdown.Plans(b, report.Plans{Topology: a.Topology, Plans: plans})
	}))
	golden.Check(t, goldens+"tests.md", text(t, func(b *bytes.Buffer) error { return report.Markdown.Tests(b, everything(t)) }))
}

func compiled(t testing.TB, top *connector.Topology) *connector.Index {
	x, err := connector.Compile(top)
	require.NoError(t, err)
	return x
}

// What Markdown would take for markup is shown as it is, at the beginning of a line, too.
func TestMarkdownEscapes(t *testing.T) {
	for name, want := range map[string]string{
		"# no heading": `\# no heading`, "1. no list": `1\. no list`, "10) no list": `10\) no list`, "- no list": `\- no list`, "## no heading": `\#\# no heading`, "#1": "#<!-- -->1", "http://x www.x.example :smile: ::1 a:b": "http:<!-- -->//x www<!-- -->.x.example :<!-- -->smile: ::1 a:b", `EX01\a  b`: `EX01\\a &nbsp;b`, "-1": "-1", "10.0.0.1": "10.0.0.1", "a*b_c`d": "a\\*b\\_c\\`d",
		"<b>&lt;": `\<b>&amp;lt;`, "[a](b)": `\[a\](b)`, `back\slash`: `back\\slash`, "a|b": `a\|b`, "@everybody": `@<!-- -->everybody`, "~~x~~ $y$": `\~\~x\~\~ \$y\$`,
		"tab\tand\nline": `tab\\u0009and\\nline`,
	} {
		out := text(t, func(b *bytes.Buffer) error {
			return report.Markdown.Shares(b, report.Shares{Name: name, Server: "S", Local: "L"})
		})
		assert.Equal(t, want+" -> S L: none of these addresses is of this family\n", out)
	}
	prose := text(t, func(b *bytes.Buffer) error {
		return report.Markdown.Audit(b, report.Audit{Topology: &connector.Topology{}, About: "Title\n---\n===\nRelay #\n\n#"})
	})
	assert.Contains(t, prose, "Title\n\\---\n\\===\nRelay \\#\n\n\\#\n")
	table := text(t, func(b *bytes.Buffer) error {
		return report.Markdown.Checks(b, []*audit.Check{{ID: "X|Y", Title: "`a`\n|b|"}})
	})
	assert.Contains(t, table, "| X\\|Y |  | \\`a\\`\\\\n\\|b\\| |\n")
	script := text(t, func(b *bytes.Buffer) error {
		return report.Markdown.Plans(b, report.Plans{Topology: &connector.Topology{}})
	})
	assert.Equal(t, "```powershell\n# Nothing to do: no finding is more than a note.\n```\n", script)
}

// A terminal gets lines that fit, but for commands, which are copied, and tables; what is broken off is indented. No word is lost.
func TestTerminalWidth(t *testing.T) {
	a := small(t)
	plain := text(t, func(b *bytes.Buffer) error { return report.Text.Audit(b, a) })
	for _, width := range []int{30, 60, 80, 200} {
		out := text(t, func(b *bytes.Buffer) error {
			return report.Text.Audit(report.Terminal{Writer: b, Width: width}, a)
		})
		assert.Equal(t, strings.Fields(plain), strings.Fields(out))
		for line := range strings.Lines(out) {
			words := strings.Fields(line)
			fits := utf8.RuneCountInString(strings.TrimRight(line, "\n")) <= width
			assert.True(t, fits || strings.Contains(line, "-ReceiveConnector ") || len(words) == 1, "%d: %q", width, line)
		}
		assert.NotContains(t, out, "\x1b")
		assert.NotContains(t, out, " \n")
	}
	for _, width := range []int{0, 5, 1000} {
		assert.Equal(t, plain, text(t, func(b *bytes.Buffer) error {
			return report.Text.Audit(report.Terminal{Writer: b, Width: width}, a)
		}), "no width, one in which nothing can be wrapped, and one in which nothing need be")
	}
	golden.Check(t, goldens+"terminal.txt", strings.ReplaceAll(text(t, func(b *bytes.Buffer) error {
		return report.Text.Audit(report.Terminal{Writer: b, Width: 76, Colour: true}, a)
	}), "\x1b", "ESC"))
}

// Columns of a terminal are not letters: those of East Asia take two, and marks none.
func TestTerminalColumns(t *testing.T) {
	at := func(name string, width int) []string {
		return strings.Split(strings.TrimRight(text(t, func(b *bytes.Buffer) error {
			return report.Text.Shares(report.Terminal{Writer: b, Width: width}, report.Shares{Name: name, Server: "S", Local: "L"})
		}), "\n"), "\n")
	}
	assert.Len(t, at("aaaaaaaaaa", 65), 1)
	assert.Len(t, at("中文服务器名称中文服", 65), 2)
	assert.Len(t, at("e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", 65), 1)
	rows := strings.Split(text(t, func(b *bytes.Buffer) error {
		return report.Text.Checks(b, []*audit.Check{{ID: "中文", Severity: audit.Note, Title: "x"}, {ID: "abcd", Severity: audit.Note, Title: "y"}})
	}), "\n")
	assert.Equal(t, []string{"check severity title", "中文  note     x", "abcd  note     y", ""}, rows)
}

// Other formats take a terminal for the writer it holds.
func TestTerminalOfOthers(t *testing.T) {
	a := small(t)
	for f := report.JSON; f <= report.JUnit; f++ {
		plain := text(t, func(b *bytes.Buffer) error { return f.Audit(b, a) })
		assert.Equal(t, plain, text(t, func(b *bytes.Buffer) error {
			return f.Audit(report.Terminal{Writer: b, Width: 20, Colour: true}, a)
		}), f.String())
	}
}

// A finding of SARIF is at its line, has the commands, and is suppressed if it is accepted. The schema is held against it in .ci/run.
func TestSARIF(t *testing.T) {
	golden.Check(t, goldens+"audit.sarif", text(t, func(b *bytes.Buffer) error { return report.SARIF.Audit(b, small(t)) }))
}

func TestSARIFPlaces(t *testing.T) {
	for file, want := range map[string]string{
		"exports/ex 01.csv": "exports/ex%2001.csv", "/srv/a#b?.xml": "file:///srv/a%23b%3F.xml", `C:\exports\ex01.xml`: "file:///C:/exports/ex01.xml",
		`C:/exports/ex01.xml`: "file:///C:/exports/ex01.xml", `\\files\exports\ex01.xml`: "file://files/exports/ex01.xml", `exports\ex01.xml`: "exports/ex01.xml", "a:b.json": "./a:b.json",
	} {
		out := text(t, func(b *bytes.Buffer) error {
			f := audit.Finding{Check: "RC001", Severity: audit.Error, Source: connector.Source{File: file}}
			return report.SARIF.Audit(b, report.Audit{Topology: &connector.Topology{}, Findings: []audit.Finding{f}})
		})
		var got struct {
			Runs []struct {
				Results []struct {
					Locations []struct {
						PhysicalLocation struct {
							ArtifactLocation struct{ URI string }
							Region           *struct{}
						}
					}
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		place := got.Runs[0].Results[0].Locations[0].PhysicalLocation
		assert.Equal(t, want, place.ArtifactLocation.URI)
		assert.Nil(t, place.Region, "no line is known")
	}
	nowhere := text(t, func(b *bytes.Buffer) error {
		return report.SARIF.Audit(b, report.Audit{Topology: &connector.Topology{}, Findings: []audit.Finding{{Check: "RC001", Severity: audit.Error}}})
	})
	assert.NotContains(t, nowhere, `"locations"`)
}

// What changes is new, updated or absent.
func TestSARIFOfChanges(t *testing.T) {
	w := whatIf(t, small(t).Topology, `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges '192.0.2.1'; Set-ReceiveConnector 'EX01\Default EX01' -AuthMechanism 'Tls, BasicAuthRequireTLS'`)
	out := text(t, func(b *bytes.Buffer) error { return report.SARIF.WhatIf(b, w) })
	for _, want := range []string{`"baselineState": "new"`, `"baselineState": "absent"`} {
		assert.Contains(t, out, want)
	}
	none := text(t, func(b *bytes.Buffer) error { return report.SARIF.WhatIf(b, report.WhatIf{}) })
	assert.Contains(t, none, `"results": []`)
	assert.NotContains(t, none, "invocations")

	// What was not looked at, because the cmdlets refuse it, is not taken for what is fine.
	top := small(t).Topology
	w = whatIf(t, top, `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges '0.0.0.0-255.255.255.255'`)
	require.Error(t, w.Refused)
	for _, tried := range []bool{true, false} {
		if !tried {
			w.Comparison = nil
		}
		refused := text(t, func(b *bytes.Buffer) error { return report.SARIF.WhatIf(b, w) })
		assert.Contains(t, refused, fmt.Sprintf(`"executionSuccessful": %t`, tried))
		assert.Contains(t, refused, `the cmdlets would refuse this: `)
	}
}

// The identity of a finding does not depend on where it stands, and does on what it is about.
func TestSARIFIdentity(t *testing.T) {
	id := func(f audit.Finding) string {
		out := text(t, func(b *bytes.Buffer) error {
			return report.SARIF.Audit(b, report.Audit{Topology: &connector.Topology{}, Findings: []audit.Finding{f}})
		})
		_, rest, ok := strings.Cut(out, `"finding/v1": "`)
		require.True(t, ok)
		return rest[:32]
	}
	f := small(t).Findings[0]
	moved, renamed, other := f, f, f
	moved.Source.Line++
	renamed.Subject.Name = strings.ToUpper(f.Subject.Name)
	other.Addrs = append([]connector.Range{connector.MustParseRange("192.0.2.1")}, f.Addrs...)
	assert.Equal(t, id(f), id(moved))
	assert.Equal(t, id(f), id(renamed), "but for the case")
	assert.NotEqual(t, id(f), id(other))

	// Of findings that share all of that what they say is told apart.
	said := f
	said.Message = "something else"
	out := text(t, func(b *bytes.Buffer) error {
		return report.SARIF.Audit(b, report.Audit{Topology: &connector.Topology{}, Findings: []audit.Finding{f, said}})
	})
	_, first, _ := strings.Cut(out, `"finding/v1": "`)
	_, second, _ := strings.Cut(first, `"finding/v1": "`)
	assert.NotEqual(t, first[:32], second[:32])
}

// As JUnit a finding fails from a severity on, is skipped if it is accepted, and passes else; where nothing was found a test passes.
func TestAuditJUnit(t *testing.T) {
	a := small(t)
	golden.Check(t, goldens+"audit.xml", text(t, func(b *bytes.Buffer) error { return report.JUnit.Audit(b, a) }))
	counts := func(a report.Audit) (tests, failures, skipped int) {
		var got struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Suites   []struct {
				Skipped int `xml:"skipped,attr"`
			} `xml:"testsuite"`
		}
		require.NoError(t, xml.Unmarshal([]byte(text(t, func(b *bytes.Buffer) error { return report.JUnit.Audit(b, a) })), &got))
		for _, s := range got.Suites {
			skipped += s.Skipped
		}
		return got.Tests, got.Failures, skipped
	}
	for failOn, want := range map[audit.Severity]int{0: 1, audit.Warning: 2, audit.Error: 1, audit.Error + 1: 0} {
		a.FailOn = failOn
		tests, failures, skipped := counts(a)
		assert.Equal(t, []int{4, want, 1}, []int{tests, failures, skipped}, "from %d on", failOn)
	}
	several := a
	other := a.Findings[0]
	other.Message = "takes other mail"
	several.Findings = append(slices.Clone(a.Findings), a.Findings[0], other)
	tests, _, _ := counts(several)
	assert.Equal(t, 6, tests)
	names := text(t, func(b *bytes.Buffer) error { return report.JUnit.Audit(b, several) })
	for _, name := range []string{`name="EX01\Relay: takes mail from EX02 without Exchange Server authentication; EX01\Default EX01 offers it"`, `offers it (2)"`, `name="EX01\Relay: takes other mail"`} {
		assert.Contains(t, names, name, "findings of one subject are told apart by what they say")
	}
	// The flows are tests, too, where all checks were run and errors count.
	all := report.Audit{Topology: a.Topology, Flows: a.Flows}
	tests, failures, _ := counts(all)
	assert.Equal(t, []int{len(audit.All()) + 1, 1}, []int{tests, failures})
	all.FailOn = audit.Error + 1
	tests, failures, _ = counts(all)
	assert.Equal(t, []int{len(audit.All()), 0}, []int{tests, failures})
	all = report.Audit{Topology: &connector.Topology{}, Flows: func(func(audit.FlowResult) bool) {}}
	tests, failures, _ = counts(all)
	assert.Equal(t, []int{len(audit.All()) + 1, 0}, []int{tests, failures})
}

// Every report has text, Markdown, JSON and HTML; what a report has not is an error that says so, and nothing is written.
func TestEveryForm(t *testing.T) {
	a := small(t)
	x := compiled(t, a.Topology)
	conn := connector.Conn{Server: "EX01", Local: connector.MustParseBinding("10.1.0.11:25"), Remote: connector.MustParseBinding("10.2.0.11:25").Addr()}
	d, err := audit.Diagnose(context.Background(), a.Topology, "451 5.7.3 Cannot achieve Exchange Server authentication")
	require.NoError(t, err)
	controls, err := audit.Hardening(context.Background(), a.Topology)
	require.NoError(t, err)
	w := whatIf(t, a.Topology, `Set-ReceiveConnector 'EX01\Default EX01' -RemoteIPRanges @{Add='10.2.0.11'}`)
	e := x.Explain(conn)
	reports := map[string]struct {
		write func(report.Format, io.Writer) error
		more  []report.Format
	}{
		"audit":  {func(f report.Format, w io.Writer) error { return f.Audit(w, a) }, []report.Format{report.SARIF, report.JUnit}},
		"whatif": {func(f report.Format, out io.Writer) error { return f.WhatIf(out, w) }, []report.Format{report.SARIF}},
		"replay": {func(f report.Format, w io.Writer) error { return f.Replay(w, replayed(t)) }, []report.Format{report.SARIF}},
		"tests":  {func(f report.Format, w io.Writer) error { return f.Tests(w, everything(t)) }, []report.Format{report.JUnit}},
		"plans":  {func(f report.Format, w io.Writer) error { return f.Plans(w, report.Plans{Topology: a.Topology}) }, nil},
		"diagnosis": {func(f report.Format, w io.Writer) error {
			return f.Diagnosis(w, report.Diagnosis{Topology: a.Topology, Diagnosis: d})
		}, nil},
		"hardening": {func(f report.Format, w io.Writer) error { return f.Hardening(w, controls) }, nil},
		"checks":    {func(f report.Format, w io.Writer) error { return f.Checks(w, audit.All()) }, nil},
		"explain":   {func(f report.Format, w io.Writer) error { return f.Explain(w, audit.All()) }, nil},
		"flows":     {func(f report.Format, w io.Writer) error { return f.Flows(w, audit.Flows(a.Topology, x)) }, nil},
		"matrix": {func(f report.Format, w io.Writer) error {
			return f.Matrix(w, audit.MatrixOf(audit.Flows(a.Topology, x)))
		}, nil},
		"moves":       {func(f report.Format, out io.Writer) error { return f.Moves(out, w.Comparison.Moves) }, nil},
		"explanation": {func(f report.Format, w io.Writer) error { return f.Explanation(w, e) }, nil},
		"match":       {func(f report.Format, w io.Writer) error { return f.Match(w, e) }, nil},
		"answers": {func(f report.Format, w io.Writer) error {
			return f.Answers(w, report.Answers{Topology: a.Topology, Explanations: []*connector.Explanation{e}})
		}, nil},
		"verdict": {func(f report.Format, w io.Writer) error {
			return f.Verdict(w, x.Simulate(conn, connector.Peer{Kind: connector.PeerExchangeServer}))
		}, nil},
		"shares": {func(f report.Format, w io.Writer) error {
			return f.Shares(w, report.Shares{Name: "x", Server: "EX01", Local: "0.0.0.0:25"})
		}, nil},
		"warnings": {func(f report.Format, w io.Writer) error { return f.Warnings(w, make([]psexport.Warning, 1)) }, nil},
	}
	for name, r := range reports {
		t.Run(name, func(t *testing.T) {
			forms := append([]report.Format{report.Text, report.JSON, report.Markdown, report.HTML}, r.more...)
			for f := report.Format(0); f <= report.JUnit+1; f++ {
				var b bytes.Buffer
				err := r.write(f, &b)
				found := false
				for _, form := range forms {
					found = found || form == f
				}
				if !found {
					assert.ErrorIs(t, err, report.ErrFormat, "%s", f)
					assert.Empty(t, b.String())
					continue
				}
				assert.NoError(t, err)
				assert.NotZero(t, b.Len(), "%s", f)
				assert.ErrorIs(t, r.write(f, full{}), errFull, "%s tells that it cannot be written", f)
				if f == report.HTML {
					page(t, func(b *bytes.Buffer) error { return r.write(f, b) })
				}
			}
		})
	}
}

// The schema has a definition for each report; .ci/run holds the output of the example programs against it.
func TestSchemaIsJSON(t *testing.T) {
	var s struct {
		Defs map[string]any `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal([]byte(report.Schema()), &s))
	for _, name := range []string{"audit", "plans", "whatIf", "diagnosis", "explanation", "verdict", "moves", "flows", "matrix", "shares", "checks", "hardening", "warnings", "replay", "tests"} {
		assert.Contains(t, s.Defs, name)
	}
}
