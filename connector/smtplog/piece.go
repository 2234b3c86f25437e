package smtplog

import "cmp"

// piece is what it takes to go on with a session that other lines belong to: where the dialog stands at its end, and what was said in it, if
// its beginning is not there.
type piece struct {
	Greeting   greeting `json:"greeting,omitzero"`
	Encrypting Traits   `json:"encrypting,omitzero"`
	Mechanism  Traits   `json:"mechanism,omitzero"`
	Lines      []said   `json:"lines,omitempty"`
	Cut        bool     `json:"cut,omitzero"` // not all of the lines are there
}

// said is a line.
type said struct {
	Event   Event  `json:"event"`
	Data    string `json:"data,omitempty"`
	Context string `json:"context,omitempty"`
}

// mostSaid is how many bytes of lines are kept of one piece.
const mostSaid = 8 << 10

// record keeps a line of a session whose beginning is not there.
func (d *dialog) record(e Event, data, context []byte) {
	size := len(data) + len(context) + 16
	if d.cut || d.size+size > mostSaid {
		d.cut = true
		return
	}
	d.size += size
	d.lines = append(d.lines, said{e, string(data), string(context)})
}

// rest returns what it takes to go on with the session.
func (d *dialog) rest() *piece {
	if d.Whole() {
		return nil
	}
	return &piece{d.greeting, d.encrypting, d.mechanism, d.lines, d.cut}
}

// joined makes one session of its pieces, which are in order.
func joined(pieces []Session) Session {
	d := dialog{Session: pieces[0]}
	w := newWords()
	d.stand(pieces[0].piece)
	for i := range pieces[1:] {
		d.goOn(&pieces[i+1], w)
	}
	d.conclude()
	d.piece = nil
	return d.Session
}

func (d *dialog) stand(p *piece) {
	if p != nil {
		d.greeting, d.encrypting, d.mechanism = p.Greeting, p.Encrypting, p.Mechanism
	}
}

// goOn adds the piece that follows: what its lines tell is told anew, now that it is known what came before.
func (d *dialog) goOn(o *Session, w words) {
	sum := *o
	sum.First, sum.Source, sum.Connector = d.First, d.Source, d.Connector
	sum.Lines += d.Lines
	sum.Messages += d.Messages
	sum.Transient += d.Transient
	sum.Permanent += d.Permanent
	sum.Started, sum.Ended = d.Started || o.Started, d.Ended || o.Ended
	if d.Last.After(sum.Last) {
		sum.Last = d.Last
	}
	if !sum.Local.IsValid() {
		sum.Local = d.Local
	}
	if o.piece != nil && !o.piece.Cut && !o.Started {
		sum.Traits, sum.Hello, sum.Host, sum.Rights, sum.Reply, sum.Client = d.Traits, d.Hello, d.Host, d.Rights, d.Reply, d.Client
		counted := sum
		d.Session = sum
		for _, l := range o.piece.Lines {
			d.event(l.Event, []byte(l.Data), []byte(l.Context), w)
		}
		d.Messages, d.Transient, d.Permanent = counted.Messages, counted.Transient, counted.Permanent
		return
	}
	sum.Traits |= d.Traits
	sum.Hello, sum.Host = cmp.Or(o.Hello, d.Hello), cmp.Or(o.Host, d.Host)
	sum.Rights, sum.Reply = cmp.Or(o.Rights, d.Rights), cmp.Or(o.Reply, d.Reply)
	if !sum.Client.IsValid() {
		sum.Client = d.Client
	}
	d.Session = sum
	d.stand(o.piece)
}
