package psexport

import (
	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/topojson"
)

// fromJSON turns a node of ConvertTo-Json into a value.
func fromJSON(name string, n topojson.Node) value {
	v := value{src: connector.Source{File: name, Line: n.Line, Col: n.Col}}
	switch n.Kind {
	case topojson.Null:
		v.null = true
	case topojson.Array:
		v.list = true
		for _, item := range n.Items {
			v.items = append(v.items, fromJSON(name, item))
		}
	case topojson.Object:
		return fromObject(name, n, v)
	default:
		v.text, v.number = n.Text, n.Kind == topojson.Number
	}
	return v
}

// fromObject also unwraps what Windows PowerShell puts around enums and collections: {"value": 31, "Value": "Tls, ..."},
// whose keys differ in case only, {"Value": "..."}, and {"value": [...], "Count": 2}.
func fromObject(name string, n topojson.Node, v value) value {
	text, named := n.Member("Value")
	number, numbered := n.Member("value")
	_, counted := n.Member("Count")
	switch {
	case named && text.Kind == topojson.String && len(n.Members) <= 2:
		v.text = text.Text
		return v
	case counted && numbered && number.Kind == topojson.Array && len(n.Members) == 2:
		return fromJSON(name, number)
	case numbered && number.Kind == topojson.Number && len(n.Members) == 1:
		v.text, v.number = number.Text, true
		return v
	}
	v.props = make(map[string]value, len(n.Members))
	for _, m := range n.Members {
		v.set(propertyKey(m.Key), fromJSON(name, m.Value))
	}
	return v
}
