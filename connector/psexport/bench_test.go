package psexport_test

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

// manyConnectors returns n connectors as servers have them: every property told, no rights.
func manyConnectors(n int) *connector.Topology {
	t := &connector.Topology{}
	r := gen.Rand(1)
	for len(t.Connectors) < n {
		for _, c := range gen.Organization(r).Connectors {
			c.ID = connector.ID{Server: fmt.Sprintf("EX%03d", len(t.Connectors)/10), Name: fmt.Sprintf("Relay %d", len(t.Connectors)%10)}
			c.PermissionGroups &^= connector.GroupCustom
			c.Rights, c.SuppressXAnonymousTLS = nil, false
			t.Connectors = append(t.Connectors, c)
		}
	}
	t.Connectors = t.Connectors[:n]
	return t
}

// node is any XML element.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

// BenchmarkRead compares reading into a model with what the standard library takes to decode the same bytes into plain values,
// which is less work. Text has no such peer.
func BenchmarkRead(b *testing.B) {
	peers := map[string]func(text string) error{
		"CLIXML": func(text string) error { return xml.Unmarshal([]byte(text), new(node)) },
		"JSON of PowerShell 7": func(text string) error {
			var v any
			return json.Unmarshal([]byte(text), &v)
		},
		"CSV, joined by blanks": func(text string) error {
			r := csv.NewReader(strings.NewReader(text))
			r.Comma, r.FieldsPerRecord = ';', -1
			_, err := r.ReadAll()
			return err
		},
		"Format-List": nil,
		"native JSON": func(text string) error { return json.Unmarshal([]byte(text), new(connector.Topology)) },
	}
	for _, n := range []int{5, 3000} {
		top := manyConnectors(n)
		for dialect, peer := range peers {
			text := dialects[dialect](top)
			name := strings.ReplaceAll(strings.SplitN(dialect, ",", 2)[0], " ", "_")
			b.Run(fmt.Sprintf("dialect=%s/n=%d/impl=ours", name, n), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					var r psexport.Reader
					require.NoError(b, r.Read("f", strings.NewReader(text)))
					got, _, _ := r.Topology()
					require.Len(b, got.Connectors, n)
				}
			})
			if peer == nil {
				continue
			}
			b.Run(fmt.Sprintf("dialect=%s/n=%d/impl=std", name, n), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					require.NoError(b, peer(text))
				}
			})
		}
	}
}
