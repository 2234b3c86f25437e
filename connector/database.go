package connector

import "slices"

// DatabaseKind tells mailbox databases from public-folder databases. Zero is not set and not valid.
type DatabaseKind uint8

const (
	MailboxDatabase      DatabaseKind = iota + 1
	PublicFolderDatabase              // Exchange 2010 and earlier
)

// String prints "Mailbox" or "PublicFolder".
func (k DatabaseKind) String() string {
	switch k {
	case MailboxDatabase:
		return "Mailbox"
	case PublicFolderDatabase:
		return "PublicFolder"
	}
	return ""
}

// ParseDatabaseKind reads "Mailbox" or "PublicFolder" in any case. Every error is a [*ParseError].
func ParseDatabaseKind(s string) (DatabaseKind, error) {
	return parseName[DatabaseKind]("database kind", s, []string{"", "Mailbox", "PublicFolder"})
}

// AppendText appends what String returns.
func (k DatabaseKind) AppendText(b []byte) ([]byte, error) { return append(b, k.String()...), nil }

// MarshalText returns what String returns.
func (k DatabaseKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is [ParseDatabaseKind].
func (k *DatabaseKind) UnmarshalText(text []byte) (err error) {
	*k, err = ParseDatabaseKind(string(text))
	return err
}

// Database says where mail ends up, and so which servers must send to which.
type Database struct {
	Name    string       `json:"name"`
	Kind    DatabaseKind `json:"kind"`
	Mounted string       `json:"mounted,omitzero"` // name of the server; empty is dismounted
	Copies  []string     `json:"copies,omitzero"`  // names of the servers that hold a copy
}

// Equal tells whether two records say the same.
func (d Database) Equal(o Database) bool {
	return d.Name == o.Name && d.Kind == o.Kind && d.Mounted == o.Mounted && slices.Equal(d.Copies, o.Copies)
}
