package psexport_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// dialects write connectors as the shells do.
var dialects = map[string]func([]connector.ReceiveConnector) string{
	"CLIXML":                     asCLIXML,
	"JSON of PowerShell 7":       func(cs []connector.ReceiveConnector) string { return asJSON(cs, textEnum) },
	"JSON of old shells":         func(cs []connector.ReceiveConnector) string { return asJSON(cs, numberEnum) },
	"JSON of Windows PowerShell": func(cs []connector.ReceiveConnector) string { return asJSON(cs, objectEnum) },
	"native JSON": func(cs []connector.ReceiveConnector) string {
		data, _ := json.MarshalIndent(connector.Topology{Connectors: cs}, "", "  ")
		return string(data)
	},
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

// asCLIXML writes what Export-Clixml does over a remote session: type names once, enums with text and number, collections of
// objects with a ToString, serialized data beside them.
func asCLIXML(cs []connector.ReceiveConnector) string {
	var b strings.Builder
	id := 100
	obj := func(name, text, inner string) {
		id++
		fmt.Fprintf(&b, `<Obj N="%s" RefId="%d"><ToString>%s</ToString>%s</Obj>`, name, id, escape(text), inner)
	}
	list := func(name string, items []string) {
		id++
		fmt.Fprintf(&b, `<Obj N="%s" RefId="%d"><TN RefId="%d"><T>Microsoft.Exchange.Data.MultiValuedProperty</T></TN><LST>`, name, id, id)
		for _, item := range items {
			id++
			fmt.Fprintf(&b, `<Obj RefId="%d"><ToString>%s</ToString><Props><S N="Expression">%s</S><S N="Name">other</S></Props><MS></MS></Obj>`, id, escape(item), escape(item))
		}
		b.WriteString("</LST></Obj>")
	}
	b.WriteString("<Objs>")
	for i, c := range cs {
		fmt.Fprintf(&b, "\n<Obj RefId=\"%d\">", i)
		if i == 0 {
			b.WriteString(`<TN RefId="0"><T>Deserialized.Microsoft.Exchange.Data.Directory.SystemConfiguration.ReceiveConnector</T></TN>`)
		} else {
			b.WriteString(`<TNRef RefId="0" />`)
		}
		fmt.Fprintf(&b, "<ToString>%s</ToString><Props>\n", escape(c.ID.String()))
		obj("AuthMechanism", c.AuthMechanism.String(), fmt.Sprintf("<I32>%d</I32>", c.AuthMechanism))
		obj("PermissionGroups", c.PermissionGroups.String(), fmt.Sprintf("<I32>%d</I32>", c.PermissionGroups))
		if c.TransportRole != 0 {
			obj("TransportRole", c.TransportRole.String(), fmt.Sprintf("<I32>%d</I32>", c.TransportRole))
		}
		list("Bindings", stringsOf(c.Bindings))
		list("RemoteIPRanges", stringsOf(c.RemoteIPRanges))
		obj("Fqdn", c.FQDN, "")
		for name, v := range flags(c) {
			fmt.Fprintf(&b, `<B N="%s">%t</B>`, name, v)
		}
		b.WriteString("</Props><MS><S N=\"PSComputerName\">ex01</S></MS></Obj>")
	}
	return b.String() + "</Objs>"
}

func flags(c connector.ReceiveConnector) map[string]bool {
	return map[string]bool{"Enabled": !c.Disabled, "RequireTLS": c.RequireTLS, "SuppressXAnonymousTls": c.SuppressXAnonymousTLS,
		"EnableAuthGSSAPI": c.EnableAuthGSSAPI, "DomainSecureEnabled": c.DomainSecure}
}

func stringsOf[T fmt.Stringer](vs []T) []string {
	texts := []string{}
	for _, v := range vs {
		texts = append(texts, v.String())
	}
	return texts
}

func textEnum(text string, _ uint64) any     { return text }
func numberEnum(_ string, number uint64) any { return number }
func objectEnum(text string, number uint64) any {
	return map[string]any{"value": number, "Value": text}
}

// asJSON writes what ConvertTo-Json does: one object bare, several as a list.
func asJSON(cs []connector.ReceiveConnector, enum func(string, uint64) any) string {
	var objects []map[string]any
	for _, c := range cs {
		o := map[string]any{
			"Identity": c.ID.String(), "Name": c.ID.Name, "Server": c.ID.Server, "Fqdn": c.FQDN,
			"Bindings": stringsOf(c.Bindings), "RemoteIPRanges": stringsOf(c.RemoteIPRanges),
			"AuthMechanism":    enum(c.AuthMechanism.String(), uint64(c.AuthMechanism)),
			"PermissionGroups": enum(c.PermissionGroups.String(), uint64(c.PermissionGroups)),
		}
		if c.TransportRole != 0 {
			o["TransportRole"] = enum(c.TransportRole.String(), uint64(c.TransportRole))
		}
		for name, v := range flags(c) {
			o[name] = v
		}
		objects = append(objects, o)
	}
	if len(objects) == 1 {
		data, _ := json.Marshal(objects[0])
		return string(data)
	}
	data, _ := json.Marshal(objects)
	return string(data)
}
