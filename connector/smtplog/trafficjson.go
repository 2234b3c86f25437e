package smtplog

import (
	"encoding/json"
	"fmt"
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
	Bound       uint64            `json:"bound"` // above which hashes of connectors are too many
	Open        []Session         `json:"open"`
	Problems    []problemObject   `json:"problems"`
}

type connectorObject struct {
	Direction Direction `json:"direction"`
	Connector string    `json:"connector"`
	Beyond    Tally     `json:"beyond"`
	Clients   []Client  `json:"clients"`
	Bound     uint64    `json:"bound"`
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
		Connectors: []connectorObject{}, Open: []Session{}, Problems: []problemObject{}}
	for _, k := range t.connectors.sorted(connectorKey.compare) {
		c := t.connectors.entries[k]
		clients := c.list(k)
		o.Connectors = append(o.Connectors, connectorObject{k.direction, k.name, c.beyond, clients, c.clients.bound})
	}
	o.Beyond, o.Bound = t.beyond, t.connectors.bound
	for _, pieces := range t.open {
		o.Open = append(o.Open, pieces...)
	}
	slices.SortFunc(o.Open, comparePieces)
	for _, p := range t.Problems() {
		po := problemObject{Count: p.Count, Kind: kindOf(p.Err)}
		for _, e := range p.Examples {
			po.Examples = append(po.Examples, lineObject{e.Source, e.Text, e.Err.Error()})
		}
		o.Problems = append(o.Problems, po)
	}
	return json.Marshal(o)
}

// UnmarshalJSON reads what MarshalJSON writes, in place of what t held.
func (t *Traffic) UnmarshalJSON(data []byte) error {
	var o trafficObject
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	if o.Format != trafficFormat {
		return fmt.Errorf("not a saved traffic of logs: format %q, not %q", o.Format, trafficFormat)
	}
	*t = Traffic{Files: o.Files, Lines: o.Lines, Records: o.Records, Interrupted: o.Interrupted, beyond: o.Beyond}
	t.init()
	t.connectors.bound = o.Bound
	for _, co := range o.Connectors {
		c := newConnectorTraffic()
		c.beyond, c.clients.bound = co.Beyond, co.Bound
		for _, client := range co.Clients {
			c.clients.entries[clientKey{client.Local, client.Remote}] = &client.Tally
		}
		t.connectors.entries[connectorKey{co.Direction, co.Connector}] = c
	}
	for _, s := range o.Open {
		t.Add(s)
	}
	for _, p := range o.Problems {
		err := errOf(p.Kind)
		for i, e := range p.Examples {
			n := 0
			if i == 0 {
				n = p.Count
			}
			t.note(&LineError{e.Source, e.Text, told{e.Detail, err}}, n)
		}
	}
	return nil
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
