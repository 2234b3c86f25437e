package report

import (
	"net/netip"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

type replayObject struct {
	Read          readObject            `json:"read"`
	Total         smtplog.Tally         `json:"total"`
	Agreed        int                   `json:"agreed"`
	InDoubt       int                   `json:"agreedInDoubt"`
	Judged        int                   `json:"judged"`
	Sent          int                   `json:"sent"`
	Disagreements []judgedObject        `json:"disagreements"`
	NotJudged     []judgedObject        `json:"notJudged"`
	Usage         []usageObject         `json:"usage"`
	Servers       []serverAddressObject `json:"servers"`
	Targets       []smtplog.Client      `json:"targets"`
	Findings      []*findingObject      `json:"findings"`
	Change        *backTestObject       `json:"change"`
}

type readObject struct {
	Files       int                `json:"files"`
	Lines       int                `json:"lines"`
	Records     int                `json:"records"`
	Interrupted bool               `json:"interrupted"`
	Problems    []logProblemObject `json:"problems"`
}

type logProblemObject struct {
	Reason   string   `json:"reason"`
	Count    int      `json:"count"`
	Examples []string `json:"examples"`
}

type judgedObject struct {
	Judgement string        `json:"judgement"`
	Meaning   string        `json:"meaning"`
	Logged    string        `json:"logged"`
	Local     string        `json:"local"`
	Predicted string        `json:"predicted"`
	Range     string        `json:"range"`
	All       smtplog.Tally `json:"all"`
	Clients   []string      `json:"clients"`
}

type usageObject struct {
	Connector  string        `json:"connector"`
	Configured bool          `json:"configured"`
	All        smtplog.Tally `json:"all"`
	Beyond     int           `json:"beyond"`
	Unused     []string      `json:"unused"`
	Ranges     []usedObject  `json:"ranges"`
	Outside    usedObject    `json:"outside"`
}

type usedObject struct {
	Range   string         `json:"range"`
	Wide    bool           `json:"wide"`
	All     smtplog.Tally  `json:"all"`
	Sources []sourceObject `json:"sources"`
}

type sourceObject struct {
	Address string        `json:"address"`
	All     smtplog.Tally `json:"all"`
}

type serverAddressObject struct {
	Server   string `json:"server"`
	Address  string `json:"address"`
	Evidence string `json:"evidence"`
	Proven   bool   `json:"proven"`
	Known    bool   `json:"known"`
	Added    bool   `json:"added"`
	Sessions int    `json:"sessions"`
}

type backTestObject struct {
	Changes   []changeObject  `json:"changes"`
	Refused   []refusalObject `json:"refused"`
	Sessions  int             `json:"sessions"`
	Moved     int             `json:"moved"`
	Losing    int             `json:"losing"`
	NotJudged int             `json:"notJudged"`
	Groups    []lossObject    `json:"groups"`
}

type lossObject struct {
	Server   string           `json:"server"`
	Local    string           `json:"local"`
	From     string           `json:"from"`
	To       string           `json:"to"`
	Moves    bool             `json:"moves"`
	Loses    string           `json:"loses"`
	MayLose  string           `json:"mayLose"`
	Disagree int              `json:"disagree"`
	All      smtplog.Tally    `json:"all"`
	Clients  []smtplog.Client `json:"clients"`
}

func (r Replay) json() replayObject {
	o := replayObject{Read: readObject{r.Traffic.Files, r.Traffic.Lines, r.Traffic.Records, r.Traffic.Interrupted, []logProblemObject{}}, Total: r.Traffic.Total()}
	for _, p := range r.Traffic.Problems() {
		po := logProblemObject{Reason: p.Err.Error(), Count: p.Count}
		for _, e := range p.Examples {
			po.Examples = append(po.Examples, e.Error())
		}
		o.Read.Problems = append(o.Read.Problems, po)
	}
	if r.Replay != nil {
		o.Agreed, o.InDoubt, o.Sent = r.Replay.Agreed, r.Replay.InDoubt, r.Replay.Sent
		o.Judged, _ = r.Replay.Judged()
		o.Disagreements, o.NotJudged = judgedJSON(r.Replay.Disagreements), judgedJSON(r.Replay.NotJudged)
	}
	if r.Usage != nil {
		o.Usage = []usageObject{}
	}
	if r.Replay != nil {
		o.Servers, o.Targets, o.Findings = []serverAddressObject{}, append([]smtplog.Client{}, r.Targets...), []*findingObject{}
	}
	for _, u := range r.Usage {
		uo := usageObject{u.Connector.String(), u.Configured, u.All, u.Beyond, texts(u.Unused()), []usedObject{}, usedJSON(u.Outside)}
		for _, used := range u.Ranges {
			uo.Ranges = append(uo.Ranges, usedJSON(used))
		}
		o.Usage = append(o.Usage, uo)
	}
	for _, s := range r.Servers {
		o.Servers = append(o.Servers, serverAddressObject{s.Server, s.Addr.String(), s.Evidence.String(), s.Evidence.Proven(), s.Known, s.Useful(), s.Tally.Sessions})
	}
	for _, f := range r.Findings {
		o.Findings = append(o.Findings, findingJSON(r.Topology, f))
	}
	if r.Changes != nil || r.BackTest != nil {
		o.Change = &backTestObject{Changes: changesJSON(r.Changes), Refused: refusalsJSON(r.Refused), Groups: []lossObject{}}
	}
	if t := r.BackTest; t != nil {
		o.Change.Sessions, o.Change.Moved, o.Change.Losing, o.Change.NotJudged = t.Sessions, t.Moved, t.Losing, t.NotJudged
		for _, g := range t.Groups {
			o.Change.Groups = append(o.Change.Groups, lossObject{g.Server, g.Local.String(), g.From.String(), g.To.String(), g.Moves, g.Loses.String(), g.MayLose.String(), g.Disagree, g.Tally, g.Clients})
		}
	}
	return o
}

func judgedJSON(groups []smtplog.Group) []judgedObject {
	list := []judgedObject{}
	for _, g := range groups {
		o := judgedObject{Judgement: g.Judgement.String(), Meaning: g.Judgement.Meaning(), Logged: g.Logged, Local: endpoint(g.Local),
			Predicted: g.Predicted.Connector().String(), All: g.Tally, Clients: texts(g.Clients)}
		if g.Predicted.Outcome() == connector.Selected {
			o.Range = g.Predicted.Range().String()
		}
		list = append(list, o)
	}
	return list
}

func endpoint(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func usedJSON(u smtplog.RangeUsage) usedObject {
	o := usedObject{Wide: u.Wide(), All: u.All, Sources: []sourceObject{}}
	if u.Range.IsValid() {
		o.Range = u.Range.String()
	}
	for _, s := range u.Sources {
		so := sourceObject{All: s.Tally}
		if s.Addr.IsValid() {
			so.Address = s.Addr.String()
		}
		o.Sources = append(o.Sources, so)
	}
	return o
}
