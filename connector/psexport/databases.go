package psexport

import (
	"cmp"
	"errors"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// ErrDatabaseKind reports a database that may hold mailboxes or public folders.
var ErrDatabaseKind = errors.New("nothing tells a mailbox database from a public-folder database here; export it without Select-Object, or with ObjectClass")

// database reads an object of Get-MailboxDatabase or Get-PublicFolderDatabase, from an export or from the canonical text form.
func (r *Reader) database(v value, k kind) {
	m := &mapper{reader: r, object: v}
	id, _ := v.prop("Identity")
	m.name = cmp.Or(v.simpleName(), id.simpleName())
	d := connector.Database{Name: m.name, Kind: connector.MailboxDatabase}
	switch {
	case m.name == "":
		m.fail(v, "Name", connector.ErrEmpty)
		return
	case k == kindDatabase:
		m.fail(v, "ObjectClass", ErrDatabaseKind)
		return
	case k == kindPublicFolderDatabase:
		d.Kind = connector.PublicFolderDatabase
	}
	mounted, assumed := mountedOn(m)
	d.Mounted = mounted
	for _, name := range []string{"Servers", "DatabaseCopies"} {
		copies, ok := v.prop(name)
		if !ok || copies.empty() {
			continue
		}
		names, loss := copies.names()
		if loss != "" {
			m.lose(copies.src, name, 0, loss, "which servers hold a copy is known in part")
		}
		for _, name := range names {
			d.Copies = append(d.Copies, hostName(name[strings.LastIndexByte(name, '\\')+1:])) // DB1\EX01
		}
		break
	}
	if !m.failed {
		r.databasesExported = r.databasesExported || !m.complete()
		r.addDatabase(d, assumed, v.src)
	}
}

// mountedOn returns the server that mounts a database. Without -Status the cmdlet does not tell, so the server is taken that the
// database is listed under; that is an assumption, which gives way to what another file tells.
func mountedOn(m *mapper) (server string, assumed bool) {
	mounted := true
	status, told := m.object.prop("Mounted")
	if told = told && !status.null && status.scalar() != ""; told {
		m.boolean(status, "Mounted", &mounted)
	}
	if !mounted {
		return "", false
	}
	if on := hostName(m.text("MountedOnServer")); on != "" {
		return on, false
	}
	v, _ := m.object.prop("Server")
	listed := hostName(v.simpleName())
	assumed = !told && !m.complete()
	if assumed {
		m.lose(m.object.src, "MountedOnServer", 0, "not in the export without -Status",
			"the database is taken as mounted on "+cmp.Or(listed, "no server"))
	}
	return listed, assumed
}

// acceptance reads what [WriteText] writes of an accepted finding.
func (r *Reader) acceptance(v value) {
	m := &mapper{reader: r, object: v}
	m.name = m.text("AcceptedCheck")
	a := connector.Acceptance{
		Check:   m.name,
		Subject: m.text("Subject"),
		Ranges:  many(m, "Ranges", 0, "for which addresses the finding is accepted is unknown", parseRange),
		Reason:  m.text("Reason"),
		Source:  v.src,
	}
	for _, required := range []string{a.Check, a.Reason} {
		if required == "" {
			m.fail(v, "AcceptedCheck, Reason", connector.ErrEmpty)
		}
	}
	if !m.failed {
		r.addAcceptance(a)
	}
}

// network reads a network of the canonical text form.
func (r *Reader) network(v value) {
	m := &mapper{reader: r, object: v}
	m.name = m.text("Name")
	n := connector.Network{
		Name:   m.name,
		Kind:   one(m, "NetworkKind", 0, "what the network is is unknown", connector.ParseNetworkKind),
		Ranges: many(m, "Ranges", 0, "the addresses of the network are unknown", parseRange),
	}
	if n.Name == "" {
		m.fail(v, "Name", connector.ErrEmpty)
	}
	if !m.failed && n.Kind != 0 {
		r.addNetwork(n)
	}
}
