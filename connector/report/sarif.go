package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// sarifSchema is where the schema of SARIF 2.1.0 is published.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations,omitempty"`
	Results     []sarifResult     `json:"results"`
}

// sarifInvocation says that something was not looked at, so that no result is not taken for a good one.
type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	Notifications       []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string             `json:"id"`
	ShortDescription sarifText          `json:"shortDescription"`
	FullDescription  sarifText          `json:"fullDescription"`
	Help             sarifText          `json:"help"`
	Default          sarifConfiguration `json:"defaultConfiguration"`
	Properties       sarifTags          `json:"properties"`
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

type sarifTags struct {
	Tags []string `json:"tags"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations,omitempty"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Baseline     string             `json:"baselineState,omitempty"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Properties   sarifProperties    `json:"properties"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	Name               string `json:"name"`
	FullyQualifiedName string `json:"fullyQualifiedName"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

// sarifProperties are what SARIF has no place for. A fix there is an edit of a file; ours are commands for a shell.
type sarifProperties struct {
	Certainty string   `json:"certainty"`
	Addresses []string `json:"addresses"`
	Flows     []string `json:"flows"`
	Related   []string `json:"related"`
	Commands  []string `json:"commands"` // of the best fix
	Column    int      `json:"column,omitempty"`
}

// sarif is a run of checks.
type sarif struct {
	checks []*audit.Check
	sarifRun
}

func newSARIF(checks []*audit.Check) *sarif {
	s := &sarif{checks: checks, sarifRun: sarifRun{Results: []sarifResult{}}}
	s.Tool.Driver = sarifDriver{Name: "receiveconnector", InformationURI: "https://github.com/receiveconnector/receiveconnector", Rules: []sarifRule{}}
	for _, c := range checks {
		s.Tool.Driver.Rules = append(s.Tool.Driver.Rules, sarifRule{ID: c.ID, ShortDescription: plainText(c.Title), FullDescription: plainText(firstParagraph(c.Doc)), Help: plainText(c.Doc),
			Default: sarifConfiguration{c.Severity.String()}, Properties: sarifTags{[]string{themeOf(c)}}})
	}
	return s
}

func firstParagraph(text string) string {
	first, _, _ := strings.Cut(text, "\n\n")
	return first
}

func (s *sarif) write(w io.Writer) error {
	seen := make(map[string]int)
	for _, r := range s.Results {
		seen[r.Fingerprints[identity]]++
	}
	for _, r := range s.Results {
		if id := r.Fingerprints[identity]; seen[id] > 1 {
			r.Fingerprints[identity] = digestOf(id, r.Message.Text)
		}
	}
	return writeJSON(w, sarifLog{sarifSchema, "2.1.0", []sarifRun{s.sarifRun}}, true)
}

// add adds a finding about t; baseline is how it differs from before, if that was compared.
func (s *sarif) add(t *connector.Topology, f audit.Finding, baseline string) {
	r := sarifResult{RuleID: f.Check, Level: f.Severity.String(), Baseline: baseline, Fingerprints: map[string]string{identity: fingerprint(f)},
		Properties: sarifProperties{f.Certainty.String(), texts(f.Addrs), texts(f.Flows), texts(f.Related), []string{}, f.Source.Col}}
	r.RuleIndex = slices.IndexFunc(s.checks, func(c *audit.Check) bool { return c.ID == f.Check })
	text, markdown := f.Subject.String()+": "+f.Message, escaped(f.Subject.String()+": "+f.Message)
	if len(f.Addrs) > 0 {
		text += "\nAddresses: " + ranges(f.Addrs)
		markdown += "\n\nAddresses: " + escaped(ranges(f.Addrs))
	}
	if len(f.Fixes) > 0 {
		fix := f.Fixes[0]
		commands, err := Audit{Topology: t}.commands(fix)
		text += "\nFix: " + fix.String()
		markdown += "\n\nFix: " + escaped(fix.String())
		if err != nil {
			text += "\nIt cannot be written as commands: " + err.Error()
		} else {
			var m markdownWriter
			m.fence("powershell", strings.Join(commands, "\n"))
			text += "\n" + strings.Join(commands, "\n")
			markdown += "\n" + m.text.String()
			r.Properties.Commands = commands
		}
	}
	r.Message = sarifText{linkFree(text), markdown}
	if f.Accepted != "" {
		r.Suppressions = []sarifSuppression{{"external", "accepted", f.Accepted}}
	}
	location := sarifLocation{Physical: physical(f.Source)}
	if !f.Subject.IsZero() {
		location.Logical = []sarifLogical{{Name: f.Subject.Name, FullyQualifiedName: f.Subject.String()}}
		if f.Subject.Name == "" {
			location.Logical[0].Name = f.Subject.Server
		}
	}
	if location.Physical != nil || location.Logical != nil {
		r.Locations = []sarifLocation{location}
	}
	s.Results = append(s.Results, r)
}

// identity names the fingerprint of findings.
const identity = "finding/v1"

// fingerprint is the same for a finding as long as the check, the subject, the addresses and the port are, wherever it stands in the export. Of
// several that share it the messages are told apart, too.
func fingerprint(f audit.Finding) string {
	port := ""
	if f.Witness != nil {
		port = fmt.Sprint(f.Witness.Explanation.Conn.Local.Port())
	}
	return digestOf(f.Check, f.Subject.Key().String(), strings.Join(texts(f.Addrs), " "), port)
}

func digestOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:16])
}

// physical is a place in a file; nil if there is no file. A column is left out: ours count bytes, those of SARIF characters.
func physical(s connector.Source) *sarifPhysical {
	if s.File == "" {
		return nil
	}
	p := &sarifPhysical{Artifact: sarifArtifact{fileURI(s.File)}}
	if s.Line > 0 {
		p.Region = &sarifRegion{s.Line}
	}
	return p
}

// fileURI returns the name of a file as a URI, a relative one if the name is: of Windows or of another system, which its form tells.
func fileURI(name string) string {
	drive := len(name) > 2 && name[1] == ':' && (name[2] == '\\' || name[2] == '/')
	if drive || strings.HasPrefix(name, `\\`) || !strings.Contains(name, "/") {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	switch {
	case drive:
		return (&url.URL{Scheme: "file", Path: "/" + name}).String()
	case strings.HasPrefix(name, "//"): // of a share
		host, path, _ := strings.Cut(name[2:], "/")
		return (&url.URL{Scheme: "file", Host: host, Path: "/" + path}).String()
	case strings.HasPrefix(name, "/"):
		return (&url.URL{Scheme: "file", Path: name}).String()
	}
	return (&url.URL{Path: name}).String()
}

// plainText is a message without markup. Braces stay what they are: a message without arguments has no placeholders.
func plainText(s string) sarifText { return sarifText{Text: linkFree(s)} }

// linkFree keeps a name from being taken for a link to a place.
func linkFree(s string) string { return strings.ReplaceAll(s, "](", "] (") }

func (a Audit) sarif() *sarif {
	s := newSARIF(a.checks())
	for _, f := range a.Findings {
		s.add(a.Topology, f, "")
	}
	return s
}

// sarif has the findings that change: new, updated, or absent.
func (c WhatIf) sarif() *sarif {
	s := newSARIF(audit.All())
	if c.Refused != nil {
		s.Invocations = []sarifInvocation{{ExecutionSuccessful: c.Comparison != nil}}
		for _, r := range refusalsJSON(c.Refused) {
			text := strings.TrimSpace(r.Connector + " the cmdlets would refuse this: " + r.Text)
			s.Invocations[0].Notifications = append(s.Invocations[0].Notifications, sarifNotification{"error", plainText(text)})
		}
	}
	if c.Comparison == nil {
		return s
	}
	for _, f := range c.Comparison.Findings {
		switch {
		case f.Before == nil:
			s.add(c.Comparison.After, *f.After, "new")
		case f.After == nil:
			s.add(c.Comparison.Before, *f.Before, "absent")
		default:
			s.add(c.Comparison.After, *f.After, "updated")
		}
	}
	return s
}

// sarif has the findings that the logs confirm or not.
func (r Replay) sarif() *sarif {
	s := newSARIF(audit.All())
	for _, f := range r.Findings {
		s.add(r.Topology, f, "")
	}
	return s
}
