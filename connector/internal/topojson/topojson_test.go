package topojson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/topojson"
)

func decode(text string) (*connector.Topology, error) {
	n, err := topojson.Parse("t.json", strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	return topojson.Decode("t.json", n)
}

func TestDecodeReadsWhatMarshalWrites(t *testing.T) {
	for seed := range uint64(100) {
		top := gen.Topology(gen.Rand(seed))
		for _, write := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return json.MarshalIndent(v, "", " ") }} {
			data, err := write(top)
			require.NoError(t, err)
			back, err := decode(string(data))
			require.NoError(t, err, string(data))
			require.True(t, top.Equal(back), string(data))
		}
	}
}

func TestDecodeEveryField(t *testing.T) {
	text := `{"servers": [{"name": "EX01", "fqdn": "ex01.contoso.com", "site": "S", "dag": "D", "version": "14.3", "roles": "Mailbox",
  "addresses": ["10.0.0.1"], "useDowngradedExchangeServerAuth": true, "internalTransportCertificateThumbprint": "AB12", "missing": "Site", "conflicting": "Site"}],
"connectors": [{"identity": "EX01\\A", "transportRole": "HubTransport", "disabled": true, "bindings": ["0.0.0.0:25"],
  "remoteIPRanges": ["10.0.0.0/8"], "authMechanism": "Tls", "permissionGroups": "Partners", "fqdn": "f",
  "rights": [{"principal": "p", "right": "r", "deny": true}], "requireTLS": true, "suppressXAnonymousTls": true,
  "enableAuthGSSAPI": true, "domainSecureEnabled": true, "missing": "Rights", "conflicting": "Rights"}],
"databases": [{"name": "DB", "kind": "PublicFolder", "mounted": "EX01", "copies": ["EX01"]}],
"networks": [{"name": "N", "kind": "Gateway", "ranges": ["10.0.0.9"]}],
"accepted": [{"check": "RC005", "subject": "EX01\\A", "ranges": ["10.0.0.9"], "reason": "meant"}]}`
	top, err := decode(text)
	require.NoError(t, err)
	data, err := json.Marshal(top)
	require.NoError(t, err)
	assert.JSONEq(t, text, string(data), "nothing is lost")
	assert.Equal(t, "t.json:3:16", top.Connectors[0].Source.String())
	assert.Equal(t, "t.json:1:14", top.Servers[0].Source.String())
}

// All errors, each with line, column and path.
func TestDecodeErrors(t *testing.T) {
	_, err := decode(`{"servers": [{"version": "x", "Name": "EX01"},
  {"name": 5, "addresses": ["10.0.0.0/8", "?"]}, 7],
 "connectors": {"identity": ""},
 "networks": [{"name": "N", "kind": "None", "ranges": ["10.0.0.9-10.0.0.1"], "extra": 1}],
 "databases": [{"name": "D", "kind": "Mailbox", "mounted": null, "copies": [true]}]}`)
	require.Error(t, err)
	assert.Equal(t, `t.json:1:26: servers[0].version: version "x": byte 0: not a version of Exchange
t.json:1:39: servers[0].Name: unknown key
t.json:1:14: servers[0].name: required and missing
t.json:2:12: servers[1].name: wrong kind of value: a number instead of a string
t.json:2:29: servers[1].addresses[0]: address "10.0.0.0/8": byte 0: not an IP address
t.json:2:43: servers[1].addresses[1]: range "?": byte 0: not an IP address: unable to parse IP
t.json:2:50: servers[2]: wrong kind of value: a number instead of an object
t.json:3:16: connectors: wrong kind of value: an object instead of an array
t.json:4:37: networks[0].kind: network kind "None": byte 0: not a known value
t.json:4:56: networks[0].ranges[0]: range "10.0.0.9-10.0.0.1": byte 9: the range ends before it starts
t.json:4:87: networks[0].extra: unknown key
t.json:5:60: databases[0].mounted: wrong kind of value: null instead of a string
t.json:5:77: databases[0].copies[0]: wrong kind of value: a boolean instead of a string`, err.Error())
	_, err = decode(`{"accepted": [{"subject": "EX01", "ranges": ["x"], "until": "May"}]}`)
	assert.Equal(t, `t.json:1:46: accepted[0].ranges[0]: range "x": byte 0: not an IP address: unable to parse IP
t.json:1:61: accepted[0].until: unknown key
t.json:1:15: accepted[0].check: required and missing
t.json:1:15: accepted[0].reason: required and missing`, err.Error())
	_, err = decode(`{"networks": [{"kind": "Planned"}]}`)
	assert.Equal(t, "t.json:1:15: networks[0].name: required and missing", err.Error())
	_, err = decode(`{"servers": [` + strings.Repeat(`1,`, 500) + `1]}`)
	assert.Equal(t, 101, strings.Count(err.Error(), "\n")+1, "a file full of errors is not a message full of errors")
	assert.Contains(t, err.Error(), "too many errors")
}

func TestParseErrors(t *testing.T) {
	for _, row := range []struct {
		why, in, at string
		want        error
	}{
		{"ends too early", `{"servers": [`, "t.json:1:14", io.ErrUnexpectedEOF},
		{"ends in a string", "{\n\"serv", "t.json:2:6", io.ErrUnexpectedEOF},
		{"not JSON", "{\n  \"servers\": ?\n}", "t.json:2:14", nil},
		{"a comma too many", `{"servers": [1,]}`, "t.json:1:16", nil},
		{"two values", "{} {}", "t.json:1:4", topojson.ErrTrailing},
		{"duplicate key", "{\"a\": 1,\n \"a\": 2}", "t.json:2:2", topojson.ErrDuplicateKey},
		{"too deep", strings.Repeat("[", 10_000), "t.json:1:101", topojson.ErrTooDeep},
		{"too deep in objects", strings.Repeat(`{"a":`, 10_000), "t.json:1:501", topojson.ErrTooDeep},
		{"too many values", "[" + strings.Repeat("0,", 3<<20) + "0]", "", topojson.ErrTooMany},
	} {
		t.Run(row.why, func(t *testing.T) {
			_, err := topojson.Parse("t.json", strings.NewReader(row.in))
			var me *connector.ModelError
			require.ErrorAs(t, err, &me)
			if row.want != nil {
				require.ErrorIs(t, err, row.want)
			}
			if row.at != "" {
				assert.Equal(t, row.at, me.Source.String(), err.Error())
			}
		})
	}
	_, err := topojson.Parse("t.json", io.LimitReader(zeros{}, 200<<20))
	require.ErrorIs(t, err, topojson.ErrTooLarge)
	_, err = topojson.Parse("t.json", iotestErr{})
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("broken disk")

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errBroken }

// zeros is an endless number.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("1"), len(p))), nil }

func TestIsNative(t *testing.T) {
	for in, want := range map[string]bool{`{"connectors": []}`: true, `{"Connectors": []}`: false, `[]`: false, `{}`: false,
		`{"connectors": [{"identity": "A\\B"}]}`: true, `{"connectors": [{"Identity": "A\\B"}], "servers": []}`: false, `{"servers": [{}, 1, {"": 1}]}`: true} {
		n, err := topojson.Parse("t.json", strings.NewReader(in))
		require.NoError(t, err)
		assert.Equal(t, want, topojson.IsNative(n), in)
	}
}

// Several values, as in a file to which several commands wrote; positions go on counting.
func TestParseAll(t *testing.T) {
	nodes, err := topojson.ParseAll("t.json", 3, strings.NewReader("{\"a\": 1}\r\n[2]\n \"x\" null \n"))
	require.NoError(t, err)
	var at []string
	for _, n := range nodes {
		at = append(at, fmt.Sprint(n.Kind, " ", n.Line, ":", n.Col))
	}
	assert.Equal(t, []string{"an object 3:1", "an array 4:1", "a string 5:2", "null 5:6"}, at)
	for in, want := range map[string]string{"": "t.json:7:1", "{}\n{": "t.json:8:2", "{} ]": "t.json:7:4", "{}{\"a\":1,\"a\":2}": "t.json:7:10"} {
		_, err := topojson.ParseAll("t.json", 7, strings.NewReader(in))
		var me *connector.ModelError
		require.ErrorAs(t, err, &me, in)
		assert.Equal(t, want, me.Source.String(), in)
	}
	_, err = topojson.ParseAll("t.json", 7, io.MultiReader(strings.NewReader("{\n\n"), iotestErr{}))
	require.ErrorIs(t, err, errBroken)
	assert.Contains(t, err.Error(), "t.json:9: ")
}

// FuzzParse holds the parser against encoding/json: both take the same texts, and read the same values.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a": [1, -0.5e+3, true, null, "x\u00e9\ud834\udd1e\ud834"]}`, "[1,]", "01", "-", "1.", "1e", "\"\xff\"", "\"a\nb\"", `"\x"`, `"\`, "{\"a\":}", "nul", "[}", "{} {}", " \t\r\n1 "} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := topojson.Parse("f", bytes.NewReader(b))
		if errors.Is(err, topojson.ErrDuplicateKey) || errors.Is(err, topojson.ErrTooDeep) {
			return
		}
		require.Equal(t, json.Valid(b), err == nil, "%v", err)
		if err != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		var want any
		require.NoError(t, d.Decode(&want))
		require.Equal(t, want, plain(n))
	})
}

// plain is what encoding/json would make of a node.
func plain(n topojson.Node) any {
	switch n.Kind {
	case topojson.Null:
		return nil
	case topojson.Bool:
		return n.Text == "true"
	case topojson.Number:
		return json.Number(n.Text)
	case topojson.String:
		return n.Text
	case topojson.Array:
		list := []any{}
		for _, item := range n.Items {
			list = append(list, plain(item))
		}
		return list
	}
	object := map[string]any{}
	for _, m := range n.Members {
		object[m.Key] = plain(m.Value)
	}
	return object
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"servers": [{"name": "A"}]}`, `{"connectors": [{"identity": "A\\B", "bindings": ["0.0.0.0:25"]}]}`, `[1, "x", null, true]`, `{"a": {}}`, "{", "\"\xff\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := topojson.Parse("f", strings.NewReader(s))
		if err == nil {
			var top *connector.Topology
			if top, err = topojson.Decode("f", n); err == nil {
				data, err := json.Marshal(top)
				require.NoError(t, err)
				back, err := decode(string(data))
				require.NoError(t, err, string(data))
				require.True(t, top.Equal(back), string(data))
				return
			}
		}
		lines := strings.Count(s, "\n") + 1
		var me *connector.ModelError
		require.ErrorAs(t, err, &me)
		require.LessOrEqual(t, me.Source.Line, lines)
		require.LessOrEqual(t, me.Source.Col, len(s)+2)
	})
}
