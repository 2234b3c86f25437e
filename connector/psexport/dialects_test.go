package psexport_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

// shellObject is an object as a cmdlet gives it, before any dialect.
type shellObject struct {
	cmdlet string // without Get-
	text   string // its ToString
	props  []shellProp
}

// shellProp is a property: exactly one of list, flag, enum and text is meant.
type shellProp struct {
	name   string
	text   string
	number uint64 // behind an enum
	list   []string
	is     propKind
}

type propKind uint8

const (
	isText propKind = iota
	isFlag
	isEnum
	isList
	isNull
)

func text(name, s string) shellProp { return shellProp{name: name, text: s} }
func flag(name string, v bool) shellProp {
	return shellProp{name: name, text: map[bool]string{true: "True", false: "False"}[v], is: isFlag}
}
func enum(name, s string, n uint64) shellProp {
	return shellProp{name: name, text: s, number: n, is: isEnum}
}
func list(name string, items ...string) shellProp {
	return shellProp{name: name, list: items, is: isList}
}

// announced are the properties that the exports of most tests leave out.
const announced = connector.PropertySizeEnabled | connector.PropertyMaxMessageSize | connector.PropertyExtensions

// typeNames are the ends of the .NET types.
var typeNames = map[string]string{
	"ReceiveConnector": "Microsoft.Exchange.Data.Directory.SystemConfiguration.ReceiveConnector", "ExchangeServer": "Microsoft.Exchange.Data.Directory.Management.ExchangeServer",
	"ADPermission": "Microsoft.Exchange.Management.RecipientTasks.ADAcePresentationObject", "DatabaseAvailabilityGroup": "Microsoft.Exchange.Data.Directory.SystemConfiguration.DatabaseAvailabilityGroup",
	"TransportService": "Microsoft.Exchange.Data.Directory.Management.TransportServer", "MailboxDatabase": "Microsoft.Exchange.Data.Directory.SystemConfiguration.MailboxDatabase",
	"PublicFolderDatabase": "Microsoft.Exchange.Data.Directory.SystemConfiguration.PublicFolderDatabase", "DnsName": "Microsoft.DnsClient.Commands.DnsRecord_A",
}

// cmdletsOf returns what the cmdlets would give of a topology, cmdlet by cmdlet.
func cmdletsOf(t *connector.Topology) (all [][]shellObject) {
	var servers, transport, names, dags, connectors, permissions, mailboxes, folders []shellObject
	members := map[string][]string{}
	for _, s := range t.Servers {
		servers = append(servers, shellObject{"ExchangeServer", s.Name, []shellProp{
			text("Name", s.Name), text("Fqdn", s.FQDN), text("Site", "contoso.com/Configuration/Sites/"+s.Site), text("AdminDisplayVersion", s.Version.String()),
			enum("ServerRole", s.Roles.String(), 0), text("Edition", "Enterprise")}})
		transport = append(transport, shellObject{"TransportService", s.Name, []shellProp{
			text("Name", s.Name), flag("UseDowngradedExchangeServerAuth", s.DowngradedExchangeAuth), text("InternalTransportCertificateThumbprint", s.InternalTransportCertificate)}})
		for _, a := range s.Addresses {
			names = append(names, shellObject{"DnsName", s.FQDN, []shellProp{text("Name", s.FQDN), text("Type", "A"), text("TTL", "3600"), text("Section", "Answer"), text("IPAddress", a.String())}})
		}
		if s.DAG != "" {
			members[s.DAG] = append(members[s.DAG], s.Name)
		}
	}
	for name, servers := range members {
		dags = append(dags, shellObject{"DatabaseAvailabilityGroup", name, []shellProp{text("Name", name), list("Servers", servers...), text("WitnessServer", "fs01")}})
	}
	for _, c := range t.Connectors {
		props := []shellProp{enum("AuthMechanism", c.AuthMechanism.String(), uint64(c.AuthMechanism)), {name: "Banner", is: isNull}, list("Bindings", stringsOf(c.Bindings)...),
			flag("DomainSecureEnabled", c.DomainSecure), flag("SuppressXAnonymousTls", c.SuppressXAnonymousTLS), text("Fqdn", c.FQDN), flag("Enabled", !c.Disabled),
			enum("PermissionGroups", c.PermissionGroups.String(), uint64(c.PermissionGroups)), list("RemoteIPRanges", stringsOf(c.RemoteIPRanges)...),
			flag("RequireTLS", c.RequireTLS), flag("EnableAuthGSSAPI", c.EnableAuthGSSAPI), text("Server", c.ID.Server)}
		if c.TransportRole != 0 {
			props = append(props, enum("TransportRole", c.TransportRole.String(), uint64(c.TransportRole)))
		} else {
			props = append(props, shellProp{name: "TransportRole", is: isNull})
		}
		for name, extension := range connector.ExtensionSwitches() {
			props = append(props, flag(name, !c.DisabledExtensions.Has(extension)))
		}
		props = append(props, flag("OrarEnabled", c.OrarEnabled), flag("LongAddressesEnabled", c.LongAddressesEnabled), text("MaxMessageSize", c.MaxMessageSize.String()),
			enum("SizeEnabled", c.SizeEnabled.String(), uint64(c.SizeEnabled%connector.SizeDisabled)))
		for name, limit := range c.Limits.All() {
			props = append(props, text(name, limit.String()))
		}
		props = append(props, text("Name", c.ID.Name), text("Identity", c.ID.String()), text("ExchangeVersion", "0.1 (8.0.535.0)"))
		connectors = append(connectors, shellObject{"ReceiveConnector", c.ID.String(), props})
		for _, g := range c.Rights {
			permissions = append(permissions, shellObject{"ADPermission", "", []shellProp{text("Identity", c.ID.String()), text("User", g.Principal), flag("Deny", g.Deny),
				list("AccessRights", "ExtendedRight"), list("ExtendedRights", g.Right), flag("IsInherited", false)}})
		}
	}
	for _, d := range t.Databases {
		o := shellObject{"MailboxDatabase", d.Name, []shellProp{text("Name", d.Name), text("MountedOnServer", ""), flag("Mounted", d.Mounted != ""), list("Servers", d.Copies...), text("Server", d.Copies[0])}}
		if d.Mounted != "" {
			o.props[1].text = d.Mounted + ".contoso.com"
		}
		if d.Kind == connector.PublicFolderDatabase {
			o.cmdlet = "PublicFolderDatabase"
			o.props = append(o.props, text("ReplicationPeriod", "15"))
			folders = append(folders, o)
		} else {
			o.props = append(o.props, text("ProhibitSendReceiveQuota", "2.3 GB"))
			mailboxes = append(mailboxes, o)
		}
	}
	for _, objects := range [][]shellObject{servers, connectors, permissions, transport, names, dags, mailboxes, folders} {
		if len(objects) > 0 {
			all = append(all, objects)
		}
	}
	return all
}

// dialects write a topology as the shells do.
var dialects = map[string]func(*connector.Topology) string{
	"CLIXML":                       func(t *connector.Topology) string { return asCLIXML(cmdletsOf(t), false) },
	"CLIXML of Depth 1":            func(t *connector.Topology) string { return asCLIXML(cmdletsOf(t), true) },
	"JSON of PowerShell 7":         func(t *connector.Topology) string { return asJSON(cmdletsOf(t), textEnum, plainList) },
	"JSON of old shells":           func(t *connector.Topology) string { return asJSON(cmdletsOf(t), numberEnum, plainList) },
	"JSON of Windows PowerShell":   func(t *connector.Topology) string { return asJSON(cmdletsOf(t), objectEnum, countedList) },
	"JSON cut by -Depth":           func(t *connector.Topology) string { return asJSON(cmdletsOf(t), textEnum, flatList) },
	"JSON that went round":         func(t *connector.Topology) string { return asJSON(cmdletsOf(t), squeezedEnum, plainList) },
	"CSV, joined by commas":        func(t *connector.Topology) string { return asCSV(cmdletsOf(t), ',', ",") },
	"CSV, joined by blanks":        func(t *connector.Topology) string { return asCSV(cmdletsOf(t), ';', " ") },
	"CSV, joined by semicolons":    func(t *connector.Topology) string { return asCSV(cmdletsOf(t), ';', "; ") },
	"CSV, joined by bars":          func(t *connector.Topology) string { return asCSV(cmdletsOf(t), '\t', "|") },
	"CSV, joined by line ends":     func(t *connector.Topology) string { return asCSV(cmdletsOf(t), ',', "\r\n") },
	"Format-List":                  func(t *connector.Topology) string { return asList(cmdletsOf(t), 120, "\r\n") },
	"Format-List, narrow":          func(t *connector.Topology) string { return asList(cmdletsOf(t), 80, "\n") },
	"Format-List, from a web page": func(t *connector.Topology) string { return asList(cmdletsOf(t), 1000, "\n\n") },
	"native JSON":                  nativeJSON,
	"native JSON by this package":  func(t *connector.Topology) string { return written(psexport.WriteJSON, t) },
	"the canonical text form":      func(t *connector.Topology) string { return written(psexport.WriteText, t) },
	"the canonical text form, CRLF": func(t *connector.Topology) string {
		return strings.ReplaceAll(written(psexport.WriteText, t), "\n", "\r\n")
	},
}

func nativeJSON(t *connector.Topology) string {
	data, _ := json.Marshal(t)
	return string(data)
}

func written(write func(io.Writer, *connector.Topology) error, t *connector.Topology) string {
	var b bytes.Buffer
	if err := write(&b, t); err != nil {
		panic(err)
	}
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

// asCLIXML writes what Export-Clixml does: type names once, enums with text and number, collections of objects with a ToString,
// serialized data beside them. Flat leaves only texts below the properties.
func asCLIXML(all [][]shellObject, flat bool) string {
	var b strings.Builder
	id := 100
	obj := func(name, inner string) {
		id++
		fmt.Fprintf(&b, `<Obj N="%s" RefId="%d">%s</Obj>`, name, id, inner)
	}
	item := func(s string) string {
		if flat {
			return "<S>" + escape(s) + "</S>"
		}
		id++
		return fmt.Sprintf(`<Obj RefId="%d"><ToString>%s</ToString><Props><S N="Expression">%s</S><S N="Name">%[2]s</S></Props><MS><BA N="SerializationData">AAEAAAD</BA></MS></Obj>`, id, escape(s), escape(s))
	}
	b.WriteString("<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">")
	for kind, objects := range all {
		for i, o := range objects {
			id++
			fmt.Fprintf(&b, "\n<Obj RefId=\"%d\">", id)
			if i == 0 {
				fmt.Fprintf(&b, `<TN RefId="%d"><T>Deserialized.%s</T><T>System.Object</T></TN>`, kind, typeNames[o.cmdlet])
			} else {
				fmt.Fprintf(&b, `<TNRef RefId="%d" />`, kind)
			}
			fmt.Fprintf(&b, "<ToString>%s</ToString><Props>\n", escape(o.text))
			for _, p := range o.props {
				switch p.is {
				case isText:
					fmt.Fprintf(&b, `<S N="%s">%s</S>`, p.name, escape(p.text))
				case isFlag:
					fmt.Fprintf(&b, `<B N="%s">%s</B>`, p.name, strings.ToLower(p.text))
				case isEnum:
					obj(p.name, fmt.Sprintf("<ToString>%s</ToString><I32>%d</I32>", p.text, p.number))
				case isNull:
					fmt.Fprintf(&b, `<Nil N="%s" />`, p.name)
				case isList:
					var items strings.Builder
					for _, s := range p.list {
						items.WriteString(item(s))
					}
					obj(p.name, `<TN RefId="`+fmt.Sprint(1000+id)+`"><T>Microsoft.Exchange.Data.MultiValuedProperty</T></TN><LST>`+items.String()+"</LST>")
				}
			}
			b.WriteString("</Props><MS><S N=\"PSComputerName\">ex01</S></MS></Obj>")
		}
	}
	return b.String() + "</Objs>"
}

func stringsOf[T fmt.Stringer](vs []T) []string {
	texts := []string{}
	for _, v := range vs {
		texts = append(texts, v.String())
	}
	return texts
}

func textEnum(p shellProp) any { return p.text }
func numberEnum(p shellProp) any {
	if p.name == "ServerRole" { // whose numbers are not documented
		return p.text
	}
	return p.number
}
func objectEnum(p shellProp) any {
	return map[string]any{"value": p.number, "Value": p.text}
}
func squeezedEnum(p shellProp) any { return "@{Value=" + p.text + "}" }

func plainList(items []string) any { return append([]string{}, items...) }
func countedList(items []string) any {
	return map[string]any{"value": append([]string{}, items...), "Count": len(items)}
}
func flatList(items []string) any {
	if len(items) == 0 {
		return items // an empty list is within the depth
	}
	return strings.Join(items, " ")
}

// asJSON writes what ConvertTo-Json does, one value after the other as when several commands are appended to one file: one
// object bare, several as a list.
func asJSON(all [][]shellObject, enum func(shellProp) any, list func([]string) any) string {
	var b strings.Builder
	for _, objects := range all {
		var values []map[string]any
		for _, o := range objects {
			v := map[string]any{}
			for _, p := range o.props {
				switch p.is {
				case isText:
					v[p.name] = p.text
				case isFlag:
					v[p.name] = p.text == "True"
				case isEnum:
					v[p.name] = enum(p)
				case isList:
					v[p.name] = list(append([]string{}, p.list...))
				case isNull:
					v[p.name] = nil
				}
			}
			values = append(values, v)
		}
		data, _ := json.MarshalIndent(values, "", "    ")
		if len(values) == 1 {
			data, _ = json.MarshalIndent(values[0], "", "    ")
		}
		b.Write(data)
		b.WriteString("\r\n")
	}
	return b.String()
}

// asCSV writes what Export-Csv does after lists were joined, a table for each cmdlet.
func asCSV(all [][]shellObject, comma rune, joiner string) string {
	var b strings.Builder
	for _, objects := range all {
		fmt.Fprintf(&b, "#TYPE Selected.%s\r\n", typeNames[objects[0].cmdlet])
		w := csv.NewWriter(&b)
		w.Comma, w.UseCRLF = comma, false
		var header []string
		for _, p := range objects[0].props {
			header = append(header, p.name)
		}
		w.Write(header)
		for _, o := range objects {
			var row []string
			for _, p := range o.props {
				s := p.text
				if p.is == isList {
					s = strings.Join(p.list, joiner)
					if len(p.list) == 0 {
						s = "{}"
					}
				}
				row = append(row, s)
			}
			w.Write(row)
		}
		w.Flush()
	}
	return b.String()
}

// asList writes what Format-List shows in a console of some width, with prompts.
func asList(all [][]shellObject, width int, end string) string {
	var b strings.Builder
	for _, objects := range all {
		fmt.Fprintf(&b, "[PS] C:\\Windows\\system32>Get-%s | fl%s%s", objects[0].cmdlet, end, end)
		pad := 0
		for _, p := range objects[0].props {
			pad = max(pad, len(p.name))
		}
		for _, o := range objects {
			b.WriteString(end)
			for _, p := range o.props {
				s := p.text
				if p.is == isList {
					s = "{" + strings.Join(p.list, ", ") + "}"
				}
				head := fmt.Sprintf("%-*s : ", pad, p.name)
				for i, piece := range wrap(s, width-len(head)) {
					if i > 0 {
						head = strings.Repeat(" ", len(head))
					}
					b.WriteString(head + piece + end)
				}
			}
			b.WriteString(end)
		}
		b.WriteString(end)
	}
	return b.String()
}

// wrap breaks a text at the last blank that fits, or in the middle of a word that does not.
func wrap(s string, width int) (pieces []string) {
	for r := []rune(s); ; {
		if len(r) <= width {
			return append(pieces, string(r))
		}
		at := width
		if r[width] != ' ' {
			for at > 0 && r[at-1] != ' ' {
				at--
			}
		}
		if at == 0 {
			pieces, r = append(pieces, string(r[:width])), r[width:]
			continue
		}
		pieces = append(pieces, strings.TrimRight(string(r[:at]), " "))
		r = []rune(strings.TrimLeft(string(r[at:]), " "))
	}
}

// inTextOrder is the order in which the canonical text form has a topology.
func inTextOrder(t *connector.Topology) *connector.Topology {
	t = t.Clone()
	slices.SortStableFunc(t.Servers, func(a, b connector.Server) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(t.Connectors, func(a, b connector.ReceiveConnector) int { return strings.Compare(a.ID.Server, b.ID.Server) })
	slices.SortStableFunc(t.Databases, func(a, b connector.Database) int { return strings.Compare(a.Name, b.Name) })
	return t
}
