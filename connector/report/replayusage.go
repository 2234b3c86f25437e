package report

import (
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

func (r Replay) usage(b *outline) {
	if r.Usage == nil {
		return
	}
	b.section("Who used what:", neutral)
	b.WriteString("A source stands under the narrowest range of the connector that holds it; a wide range holds more than 256 addresses, or in IPv6 more than a /64.\n")
	for _, u := range r.Usage {
		if u.Connector.IsZero() {
			b.printf("  connectors that are too many to be listed: %s\n", tally(&u.All))
			continue
		}
		known := ""
		if !u.Configured && r.Replay != nil {
			known = " (not in the configuration)"
		}
		if u.All.Sessions == 0 {
			b.printf("  %s%s: nobody\n", u.Connector, known)
			continue
		}
		b.printf("  %s%s: %s\n", u.Connector, known, tally(&u.All))
		if u.Beyond > 0 {
			b.printf("    %s of clients that are too many to be listed\n", count(u.Beyond, "session"))
		}
		var unused []string
		for _, used := range u.Ranges {
			if used.All.Sessions == 0 {
				unused = append(unused, used.Range.String())
				continue
			}
			name := used.Range.String()
			if used.Wide() {
				name += " (wide)"
			}
			r.used(b, name, used)
		}
		if len(unused) > 0 {
			most := mostRanges
			if r.Everything {
				most = len(unused)
			}
			nobody := "nobody"
			if u.Beyond > 0 {
				nobody = "nobody of those who are listed"
			}
			b.printf("    %s from %s\n", nobody, some(unused, most))
		}
		if u.Outside.All.Sessions > 0 {
			name := "outside of its ranges"
			if !u.Configured {
				name = "from anywhere"
			}
			r.used(b, name, u.Outside)
		}
	}
}

func (r Replay) used(b *outline, name string, u smtplog.RangeUsage) {
	b.printf("    %s: %s of %s\n", name, count(u.All.Sessions, "session"), count(len(u.Sources), "source"))
	for i, s := range u.Sources {
		if i == mostSources && !r.Everything && len(u.Sources) > mostSources+1 {
			b.printf("      and %d more sources\n", len(u.Sources)-i)
			break
		}
		address := "address not known"
		if s.Addr.IsValid() {
			address = s.Addr.String()
		}
		b.printf("      %s: %s\n", address, clientText(&s.Tally))
	}
}

// tally prints what all have in common.
func tally(t *smtplog.Tally) string {
	s := fmt.Sprintf("%s, %s, %s", count(t.Sessions, "session"), count(t.Messages, "message"), span(t.First, t.Last))
	if t.Transient > 0 {
		s += fmt.Sprintf(", %d x 4xx", t.Transient)
	}
	if t.Permanent > 0 {
		s += fmt.Sprintf(", %d x 5xx", t.Permanent)
	}
	return s
}

// clientText prints what one client did.
func clientText(t *smtplog.Tally) string {
	parts := []string{tally(t)}
	if t.Hello.Text != "" {
		parts = append(parts, "EHLO "+quotedIfOdd(t.Hello.Text))
	}
	switch encrypted := t.Traits.Of(smtplog.Encrypted); {
	case encrypted == 0 && t.Partial == t.Sessions: // who knows
	case encrypted == 0:
		parts = append(parts, "in clear")
	case encrypted < t.Sessions:
		parts = append(parts, fmt.Sprintf("TLS in %d", encrypted))
	default:
		parts = append(parts, "TLS")
	}
	if how := t.Authentication(); how != "" {
		parts = append(parts, "authenticated with "+how)
	}
	if n := t.Traits.Of(smtplog.AuthFailed); n > 0 {
		parts = append(parts, fmt.Sprintf("authentication failed in %d", n))
	}
	return strings.Join(parts, ", ")
}

// offers prints which ways to Exchange Server authentication sessions were offered, as far as their logs show.
func offers(t *smtplog.Tally) string {
	saw := t.Traits.Of(smtplog.SawOffer)
	if saw == 0 {
		return "what was offered is not in the logs"
	}
	var parts []string
	for _, o := range []struct {
		name  string
		trait smtplog.Traits
	}{{"X-ANONYMOUSTLS", smtplog.OfferedXAnonymousTLS}, {"X-EXPS", smtplog.OfferedXEXPS}} {
		switch n := t.Traits.Of(o.trait); n {
		case 0:
			parts = append(parts, o.name+" never")
		case saw:
			parts = append(parts, o.name+" always")
		default:
			parts = append(parts, fmt.Sprintf("%s in %d of %d", o.name, n, saw))
		}
	}
	s := "offered: " + strings.Join(parts, ", ")
	if n := t.Traits.Of(smtplog.CannotAchieve); n > 0 {
		s += fmt.Sprintf("; 451 5.7.3 Cannot achieve in %d", n)
	}
	return s
}
