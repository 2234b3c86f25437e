package report

import (
	"fmt"
	"strconv"

	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// usageView is a table of who used which range of a connector.
type usageView struct {
	Title string
	Rows  []usageRow
}

type usageRow struct {
	Name              string
	Sessions, Sources int
	Percent           string // of the sessions of the connector
	Width             string // of a bar, of 100
}

// page returns the replay as a page, with a bar for each range that was used.
func (r Replay) page() page {
	p := page{Title: "Protocol logs"}
	p.Verdict, p.tone = r.verdict()
	add := func(id, title string, write func(*outline)) {
		if s := partOf(id, title, write); len(s.Blocks) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
	add("read", "What was read", r.read)
	add("agreement", "Do the logs agree?", r.agreement)
	add("servers", "Addresses of servers, as the logs show them", r.servers)
	add("targets", "Where servers could not authenticate, by their send logs", r.targets)
	add("findings", "Findings", r.findings)
	add("change", "The change", r.backTest)
	if len(r.Usage) > 0 {
		used := partOf("usage", "Who used what", r.usage)
		used.Usage = r.usageViews()
		p.Sections = append(p.Sections, used)
	}
	return p
}

// verdict is what the logs come to, in one line.
func (r Replay) verdict() (string, tone) {
	t := r.Traffic.Total()
	switch {
	case r.BackTest != nil && r.BackTest.Losing > 0:
		return fmt.Sprintf("Of %s %d are those of clients that would lose something by the change, or may.", count(r.BackTest.Sessions, "session"), r.BackTest.Losing), bad
	case r.Refused != nil:
		return "The cmdlets would refuse the change.", bad
	case len(r.Targets) > 0:
		return fmt.Sprintf("Servers could not authenticate at %s.", count(len(r.Targets), "target")), bad
	case r.Replay == nil:
		return fmt.Sprintf("%s with %s.", count(t.Sessions, "session"), count(t.Messages, "message")), note
	}
	judged, _ := r.Replay.Judged()
	var wrong []string
	for _, f := range r.Findings {
		if toneOf(f) == bad {
			wrong = append(wrong, f.Check+" "+f.Subject.String())
		}
	}
	switch {
	case len(wrong) > 0 && r.Replay.Agreed == judged:
		return fmt.Sprintf("The logs do not disagree, and mail between servers fails by the configuration: %s.", some(wrong, 4)), bad
	case judged == 0:
		return "No session could be compared with the configuration.", note
	case r.Replay.Agreed < judged:
		return fmt.Sprintf("The logs disagree with the configuration: %d of %s reached another connector.", judged-r.Replay.Agreed, count(judged, "session")), bad
	case r.BackTest != nil:
		return fmt.Sprintf("Of %s none would lose anything by the change.", count(r.BackTest.Sessions, "session")), good
	}
	return fmt.Sprintf("The logs agree: all of %s reached the connector that the configuration predicts.", count(judged, "session")), good
}

func (r Replay) usageViews() (views []usageView) {
	for _, u := range r.Usage {
		if u.Connector.IsZero() || u.All.Sessions == 0 { // the list has them
			continue
		}
		v := usageView{Title: fmt.Sprintf("%s: %s, %s", u.Connector, count(u.All.Sessions, "session"), count(u.All.Messages, "message"))}
		row := func(name string, used smtplog.RangeUsage) {
			share := 0.0
			if u.All.Sessions > 0 {
				share = 100 * float64(used.All.Sessions) / float64(u.All.Sessions)
			}
			v.Rows = append(v.Rows, usageRow{name, used.All.Sessions, len(used.Sources), strconv.FormatFloat(share, 'f', 1, 64), num(share)})
		}
		for _, used := range u.Ranges {
			row(used.Range.String(), used)
		}
		if u.Beyond > 0 {
			row("clients that are too many to be listed", smtplog.RangeUsage{All: smtplog.Tally{Sessions: u.Beyond}})
		}
		if u.Outside.All.Sessions > 0 {
			name := "outside of its ranges"
			if !u.Configured {
				name = "from anywhere"
			}
			row(name, u.Outside)
		}
		if len(v.Rows) > 0 {
			views = append(views, v)
		}
	}
	return views
}
