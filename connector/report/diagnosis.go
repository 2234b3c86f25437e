package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
)

// Diagnosis is a diagnosis with the topology it was made in.
type Diagnosis struct {
	Topology  *connector.Topology
	Diagnosis *audit.Diagnosis
}

// Diagnosis writes what an error means and its possible causes, the likeliest first. As JSON it is one object:
//
//	{"error": {"kind", "reply", "senders", "purpose", "endpoint", "source", "connector", "sameCode", "more", "clipped"}, "meaning", "target",
//	 "suspects": [{"title", "likelihood", "subject", "addresses", "for", "against", "witness": {...}, "reply", "cause",
//	               "confirm", "remedy", "fixes": [{"title", "safe", "commands"}], "basis"}]}
//
// A suspect without a subject lies outside what the topology describes; witness is what Explanation writes.
func (f Format) Diagnosis(w io.Writer, d Diagnosis) error {
	if f == JSON {
		return writeJSON(w, d.json(), true)
	}
	var b outline
	d.head(&b)
	for i, s := range d.Diagnosis.Suspects {
		d.suspect(&b, i+1, s)
	}
	if f == HTML {
		p := pageOf("Diagnosis", &b)
		p.Verdict, p.tone = "No cause is known.", note
		if s := d.Diagnosis.Suspects; len(s) > 0 {
			p.Verdict, p.tone = strings.TrimSpace(fmt.Sprintf("%s: %s %s", s[0].Likelihood, s[0].Subject, s[0].Title))+".", toneOfSuspect(s[0])
		}
		return p.write(w)
	}
	return f.outline(w, "Diagnosis", &b)
}

func (d Diagnosis) head(b *outline) {
	e := d.Diagnosis.Error
	b.printf("%s\n  %s\n", cmp.Or(e.Reply, "no reply is known in this text"), d.Diagnosis.Meaning)
	if e.Clipped {
		b.WriteString("  only the first megabyte of the text was looked at\n")
	}
	if e.More > 0 {
		b.printf("  the text holds %s of the kind; this is about the first\n", count(e.More, "more error"))
	}
	for _, k := range e.SameCode {
		b.printf("  the same code is that of %s: %s\n", k, k.Meaning())
	}
	if e.Kind == audit.ErrorCutOff {
		b.WriteString("  the whole text: Get-Queue | Format-List Identity,NextHopDomain,LastError\n")
	}
	if len(e.Senders) > 0 {
		b.printf("  worded by a sender of %s\n", strings.Join(texts(e.Senders), ", "))
	}
	if e.Purpose != 0 {
		b.printf("  through a front end (%s)\n", e.Purpose)
	}
	if d.Diagnosis.Target != "" {
		b.printf("  said about %s\n", d.Diagnosis.Target)
	}
	if e.Kind == audit.ErrorCannotAchieve && d.Diagnosis.Target == "" {
		b.WriteString("  the text names no target that is known here; LastError of Exchange 2013 and later and the send log name it\n")
	}
	switch len(d.Diagnosis.Suspects) {
	case 0:
		b.WriteString("No cause is known.\n")
	case 1:
		b.WriteString("1 possible cause:\n")
	default:
		b.printf("%d possible causes, the likeliest first:\n", len(d.Diagnosis.Suspects))
	}
}

// toneOfSuspect returns how likely a suspect is to blame.
func toneOfSuspect(s audit.Suspect) tone {
	return [...]tone{0: neutral, audit.Unlikely: neutral, audit.Thinkable: note, audit.Plausible: warning, audit.VeryLikely: bad}[s.Likelihood]
}

func (d Diagnosis) suspect(b *outline, n int, s audit.Suspect) {
	a := Audit{Topology: d.Topology}
	b.WriteString("\n")
	b.heading(toneOfSuspect(s))
	if s.Outside() {
		b.printf("%d. %s: %s (outside the configuration)\n", n, s.Likelihood, s.Title)
	} else {
		b.printf("%d. %s: %s %s\n", n, s.Likelihood, s.Subject, s.Title)
	}
	if s.Likelihood == audit.Unlikely { // only why
		evidence(b, s)
		return
	}
	if s.Witness == nil || s.Witness.Cause.Basis() != s.Basis { // else the example has it
		b.printf("  rule: %s\n", s.Basis)
	}
	evidence(b, s)
	if len(s.Addrs) > 0 {
		b.printf("  addresses: %s\n", strings.Join(texts(s.Addrs), ", "))
	}
	if s.Witness != nil {
		a.witness(b, s.Witness)
	}
	if s.Confirm != "" {
		b.printf("  to confirm: %s\n", s.Confirm)
	}
	if s.Remedy != "" {
		b.printf("  remedy: %s\n", s.Remedy)
	}
	a.writeFixes(b, s.Fixes)
}

func evidence(b *outline, s audit.Suspect) {
	for _, text := range s.For {
		b.printf("  for: %s\n", text)
	}
	for _, text := range s.Against {
		b.printf("  against: %s\n", text)
	}
}

type diagnosisObject struct {
	Error    errorObject     `json:"error"`
	Meaning  string          `json:"meaning"`
	Target   string          `json:"target"`
	Suspects []suspectObject `json:"suspects"`
}

type errorObject struct {
	Kind      string   `json:"kind"`
	Reply     string   `json:"reply"`
	Senders   []string `json:"senders"`
	Purpose   string   `json:"purpose,omitempty"`
	Endpoint  string   `json:"endpoint,omitempty"`
	Source    string   `json:"source,omitempty"`
	Connector string   `json:"connector,omitempty"`
	SameCode  []string `json:"sameCode,omitempty"`
	More      int      `json:"more,omitempty"`
	Clipped   bool     `json:"clipped,omitempty"`
}

type suspectObject struct {
	Title      string             `json:"title"`
	Likelihood string             `json:"likelihood"`
	Subject    string             `json:"subject"`
	Addresses  []string           `json:"addresses"`
	For        []string           `json:"for"`
	Against    []string           `json:"against"`
	Witness    *explanationObject `json:"witness,omitempty"`
	Reply      string             `json:"reply,omitempty"`
	Cause      string             `json:"cause,omitempty"`
	Confirm    string             `json:"confirm,omitempty"`
	Remedy     string             `json:"remedy,omitempty"`
	Fixes      []fixObject        `json:"fixes"`
	Basis      string             `json:"basis"`
}

func (d Diagnosis) json() diagnosisObject {
	e := d.Diagnosis.Error
	o := diagnosisObject{Meaning: d.Diagnosis.Meaning.String(), Target: d.Diagnosis.Target, Suspects: []suspectObject{},
		Error: errorObject{Kind: e.Kind.String(), Reply: e.Reply, Senders: texts(e.Senders), Purpose: e.Purpose.String(),
			Connector: e.Selected.String(), SameCode: texts(e.SameCode), More: e.More, Clipped: e.Clipped}}
	if e.Endpoint.IsValid() {
		o.Error.Endpoint = e.Endpoint.String()
	}
	if e.Source.IsValid() {
		o.Error.Source = e.Source.String()
	}
	a := Audit{Topology: d.Topology}
	for _, s := range d.Diagnosis.Suspects {
		so := suspectObject{Title: s.Title, Likelihood: s.Likelihood.String(), Subject: s.Subject.String(), Addresses: texts(s.Addrs), For: append([]string{}, s.For...),
			Against: append([]string{}, s.Against...), Confirm: s.Confirm, Remedy: s.Remedy, Fixes: a.fixes(s.Fixes), Basis: s.Basis.String()}
		if s.Witness != nil {
			w := explanationJSON(s.Witness.Explanation)
			so.Witness, so.Reply, so.Cause = &w, s.Witness.Reply.String(), s.Witness.Cause.String()
		}
		o.Suspects = append(o.Suspects, so)
	}
	return o
}
