package smtplog

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// trafficFormat names the JSON form of a Traffic.
const trafficFormat = "smtplog traffic 1"

type trafficObject struct {
	Format      string            `json:"format"`
	Files       int               `json:"files"`
	Lines       int               `json:"lines"`
	Records     int               `json:"records"`
	Interrupted bool              `json:"interrupted,omitempty"`
	Beyond      Tally             `json:"beyond"`
	Connectors  []connectorObject `json:"connectors"`
	Bound       *uint64           `json:"bound"` // above which hashes of connectors are too many
	Open        []openObject      `json:"open"`
	OpenBound   *uint64           `json:"openBound"`
	Problems    []problemObject   `json:"problems"`
}

type connectorObject struct {
	Direction Direction `json:"direction"`
	Connector string    `json:"connector"`
	Beyond    Tally     `json:"beyond"`
	Clients   []Client  `json:"clients"`
	Bound     *uint64   `json:"bound"`
}

// openObject is a piece of a session.
type openObject struct {
	Session
	Piece *piece `json:"piece"`
}

type problemObject struct {
	Kind     string       `json:"kind"` // empty for none of the Err values
	Count    int          `json:"count"`
	Examples []lineObject `json:"examples"`
}

type lineObject struct {
	Source connector.Source `json:"source"`
	Text   string           `json:"text,omitempty"`
	Detail string           `json:"detail"`
}

// MarshalJSON writes everything that Merge needs, as one object with "format": "smtplog traffic 1". What it holds besides is not a
// promise: read it with UnmarshalJSON.
func (t *Traffic) MarshalJSON() ([]byte, error) {
	t.init()
	o := trafficObject{Format: trafficFormat, Files: t.Files, Lines: t.Lines, Records: t.Records, Interrupted: t.Interrupted,
		Connectors: []connectorObject{}, Open: []openObject{}, Problems: []problemObject{}}
	for _, k := range t.connectors.sorted(connectorKey.compare) {
		c := t.connectors.entries[k]
		clients := c.list(k)
		o.Connectors = append(o.Connectors, connectorObject{k.direction, k.name, c.beyond, clients, &c.clients.bound})
	}
	t.open.trim()
	o.Beyond, o.Bound, o.OpenBound = t.beyond, &t.connectors.bound, &t.open.bound
	for _, pieces := range t.open.entries {
		for _, s := range *pieces {
			o.Open = append(o.Open, openObject{s, s.piece})
		}
	}
	slices.SortFunc(o.Open, func(a, b openObject) int { return comparePieces(a.Session, b.Session) })
	for _, p := range t.Problems() {
		po := problemObject{Count: p.Count, Kind: kindOf(p.Err)}
		for _, e := range p.Examples {
			po.Examples = append(po.Examples, lineObject{e.Source, e.Text, e.Err.Error()})
		}
		o.Problems = append(o.Problems, po)
	}
	return json.Marshal(o)
}

// UnmarshalJSON reads what MarshalJSON writes, in place of what t held. The error tells what MarshalJSON cannot have written: another form,
// numbers that count nothing, an entry that contradicts the one around it or comes twice. t is unchanged then.
func (t *Traffic) UnmarshalJSON(data []byte) error {
	var o trafficObject
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	if o.Format != trafficFormat {
		return fmt.Errorf("not a saved traffic of logs: format %q, not %q", o.Format, trafficFormat)
	}
	loaded := Traffic{Files: o.Files, Lines: o.Lines, Records: o.Records, Interrupted: o.Interrupted, beyond: o.Beyond}
	loaded.init()
	if err := loaded.load(&o); err != nil {
		return fmt.Errorf("a saved traffic of logs that was changed: %w", err)
	}
	*t = loaded
	t.bind()
	return nil
}

func (t *Traffic) load(o *trafficObject) error {
	if !counts(o.Files, o.Lines, o.Records) || !o.Beyond.valid() {
		return errors.New("a number that counts nothing")
	}
	for _, co := range o.Connectors {
		k := connectorKey{co.Direction, co.Connector}
		if co.Direction == 0 || t.connectors.entries[k] != nil {
			return fmt.Errorf("connector %q: without a direction, or twice", co.Connector)
		}
		c := newConnectorTraffic()
		if err := c.load(co); err != nil {
			return fmt.Errorf("connector %q: %w", co.Connector, err)
		}
		t.connectors.entries[k] = c
	}
	for i, s := range o.Open {
		if s.Direction == 0 || s.Whole() || !counts(s.Lines, s.Messages, s.Transient, s.Permanent) || s.Lines == 0 {
			return fmt.Errorf("open[%d]: not a piece of a session", i)
		}
		s.piece = s.Piece
		t.Add(s.Session)
	}
	for i, p := range o.Problems {
		if !counts(p.Count) || p.Count == 0 || len(p.Examples) == 0 {
			return fmt.Errorf("problems[%d]: a problem without a count or a place", i)
		}
		err := errOf(p.Kind)
		for j, e := range p.Examples {
			n := 0
			if j == 0 {
				n = p.Count
			}
			t.note(&LineError{e.Source, e.Text, told{e.Detail, err}}, n)
		}
	}
	if !t.connectors.restore(o.Bound) || !t.open.restore(o.OpenBound) {
		return errors.New("a bound that does not fit")
	}
	return nil
}

func (c *connectorTraffic) load(o connectorObject) error {
	c.beyond = o.Beyond
	if !o.Beyond.valid() {
		return errors.New("a number that counts nothing")
	}
	for _, client := range o.Clients {
		k := clientKey{client.Local, client.Remote}
		picked, other := client.Local, client.Remote // the port that is another one each time
		if o.Direction == Receive {
			picked, other = other, picked
		}
		plain := plainEndpoint(picked) && plainEndpoint(other) && picked.Port() == 0
		if client.Direction != o.Direction || client.Connector != o.Connector || !plain || !client.valid() || c.clients.entries[k] != nil {
			return fmt.Errorf("client %s %s: not one of it, or twice", client.Local, client.Remote)
		}
		c.clients.entries[k] = &client.Tally
	}
	if !c.clients.restore(o.Bound) {
		return errors.New("a bound that does not fit")
	}
	return nil
}

// plainEndpoint tells whether an endpoint is as it is kept: without a zone, and not IPv4 in IPv6.
func plainEndpoint(e netip.AddrPort) bool {
	return e.Addr() == e.Addr().Unmap().WithZone("")
}

// mostCounted is more than anybody counts, and small enough to be added up.
const mostCounted = 1 << 48

func counts(numbers ...int) bool {
	return !slices.ContainsFunc(numbers, func(n int) bool { return n < 0 || int64(n) > mostCounted })
}

// valid tells whether sessions can have been counted like that.
func (t *Tally) valid() bool {
	return counts(t.Sessions, t.Partial, t.Lines, t.Messages, t.Transient, t.Permanent) && counts(t.Traits[:]...) && t.Partial <= t.Sessions &&
		slices.Max(t.Traits[:]) <= t.Sessions
}

func kindOf(err error) string {
	for _, k := range kinds {
		if k.err == err {
			return k.name
		}
	}
	return ""
}

func errOf(kind string) error {
	for _, k := range kinds {
		if k.name == kind {
			return k.err
		}
	}
	return nil
}

// told is an error that was written and read again.
type told struct {
	text string
	err  error // nil for none of the Err values
}

func (t told) Error() string { return t.text }
func (t told) Unwrap() error { return t.err }
