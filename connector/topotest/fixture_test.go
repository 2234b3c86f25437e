package topotest_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// recorder keeps what a check reports, and the names of subtests.
type recorder struct{ errors, names []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(f string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(f, args...))
}
func (r *recorder) Run(name string, f func(*recorder)) bool {
	var sub recorder
	f(&sub)
	r.names = append(r.names, name)
	for _, n := range sub.names {
		r.names = append(r.names, name+"/"+n)
	}
	r.errors = append(r.errors, sub.errors...)
	return len(sub.errors) == 0
}

const topology = `{"connectors": [
 {"identity": "EX01\\Default", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0/0"], "authMechanism": "Tls, ExchangeServer", "permissionGroups": "ExchangeServers"},
 {"identity": "EX01\\Relay", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.0.0/24"]},
 {"identity": "EX01\\Twin", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.1.0.0/24"]},
 {"identity": "EX01\\Other", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.1.0.0/24"]}]}
`

func load(t *testing.T, sections string) (*topotest.Fixture, error) {
	return topotest.Load(fstest.MapFS{"s.txtar": {Data: []byte("A story.\n-- topology.json --\n" + topology + sections)}}, "s.txtar")
}

func TestLoad(t *testing.T) {
	f, err := load(t, `-- expect.txt --
# a comment

EX01 10.0.0.1:25 10.0.0.5 -> EX01\Relay
EX01 10.0.0.1:25 10.1.0.5 -> EX01\Twin (doubt: Tie)
EX01 10.0.0.1:26 10.1.0.5 -> refused NotListening
-- explain 2 --
10.1.0.5 -> EX01 10.0.0.1:25: EX01\Twin by 10.1.0.0/24 (doubt: Tie)
  Won                EX01\Twin by 10.1.0.0/24 (256 addresses)
  LostTie            EX01\Other by 10.1.0.0/24 (256 addresses)
  LostToNarrower     EX01\Default by 0.0.0.0/0 (4,294,967,296 addresses)
  NotInRange         EX01\Relay
`)
	require.NoError(t, err)
	assert.Equal(t, "A story.", f.Story)
	assert.Equal(t, "s.txtar", f.Name)
	require.Len(t, f.Cases, 3)
	var r recorder
	f.Check(&r)
	assert.Empty(t, r.errors)
}

func TestFixtureReportsDifferences(t *testing.T) {
	f, err := load(t, `-- expect.txt --
EX01 10.0.0.1:25 10.0.0.5 -> EX01\Default
EX01 10.0.0.1:26 10.1.0.5 -> refused
EX01 *:25 10.0.0.5 -> EX01\Relay
EX01 10.0.0.1:25 10.0.0.0/24 -> EX01\Relay
-- findings.txt --
RC009 note possible EX01\Relay: 10.0.0.0/24
RC001 error certain EX01\Relay: 10.0.0.7
-- explain 7 --
-- explain x --
-- explain 3 --
-- explain 4 --
-- nonsense --
-- fix RC009 --
-- fix RC009 0.ps1 --
-- fix RC009 x.ps1 --
`)
	require.NoError(t, err)
	var r recorder
	f.Check(&r)
	require.Len(t, r.errors, 10)
	assert.Equal(t, `s.txtar/expect.txt:1: EX01 10.0.0.1:25 10.0.0.5
  want EX01\Default
  got  EX01\Relay
    10.0.0.5 -> EX01 10.0.0.1:25: EX01\Relay by 10.0.0.0/24
      Won                EX01\Relay by 10.0.0.0/24 (256 addresses)
      LostToNarrower     EX01\Default by 0.0.0.0/0 (4,294,967,296 addresses)
      NotInRange         EX01\Twin
      NotInRange         EX01\Other
`, r.errors[0])
	assert.Equal(t, `s.txtar: findings.txt does not hold:
  missing: RC001 error certain EX01\Relay: 10.0.0.7
  too many: RC004 warning certain EX01\Twin: 10.1.0.0/24
  too many: RC002 note possible EX01\Other: 10.1.0.0/24
  too many: RC009 note possible EX01\Twin: 10.1.0.0/24
  too many: RC902 note certain EX01
  too many: RC905 note certain EX01
`, r.errors[1])
	for _, e := range r.errors[2:] {
		assert.Contains(t, e, topotest.ErrSection.Error())
	}
	_, err = f.Answer("after.txt")
	require.ErrorIs(t, err, topotest.ErrSection, "a fix section that is no fix")

	f, err = load(t, "-- findings.txt --\nRC002 note possible EX01\\Other: 10.1.0.0/24\nRC004 warning certain EX01\\Twin: 10.1.0.0/24\nRC009 note possible EX01\\Twin: 10.1.0.0/24\nRC009 note possible EX01\\Relay: 10.0.0.0/24\nRC902 note certain EX01\nRC905 note certain EX01\n")
	require.NoError(t, err)
	r = recorder{}
	f.Check(&r)
	require.Len(t, r.errors, 1)
	assert.Contains(t, r.errors[0], "in another order:\nRC004 warning certain EX01\\Twin")
}

// The sections that ask more than decisions and findings.
func TestFurtherSections(t *testing.T) {
	f, err := topotest.Load(fstest.MapFS{"s.txtar": {Data: []byte(`A story.
-- topology.json --
{"servers": [{"name": "EX01", "site": "A", "version": "2019", "addresses": ["10.0.0.1"]}, {"name": "EDGE", "site": "A", "version": "2019", "roles": "Edge", "addresses": ["172.16.0.5"]}],
 "connectors": [
 {"identity": "EX01\\Default Frontend EX01", "transportRole": "FrontendTransport", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0-255.255.255.255"], "authMechanism": "Tls, ExchangeServer", "permissionGroups": "ExchangeServers"},
 {"identity": "EX01\\Online", "transportRole": "FrontendTransport", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["192.0.2.0/28"], "authMechanism": "Tls", "permissionGroups": "AnonymousUsers"},
 {"identity": "EDGE\\Default", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0-255.255.255.255"], "authMechanism": "Tls, ExchangeServer", "permissionGroups": "ExchangeServers"}],
 "networks": [{"name": "online", "kind": "Hybrid", "ranges": ["192.0.2.0/27"]}]}
-- error.txt --
550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain
-- suspects.txt --
-- change.ps1 --
Set-ReceiveConnector 'EX01\Online' -RemoteIPRanges 192.0.2.0/27
-- refusals.txt --
-- moves.txt --
EX01 0.0.0.0:25: EX01\Default Frontend EX01 -> EX01\Online: 192.0.2.16/28, for example 192.0.2.16
-- networks.txt --
online -> EDGE 0.0.0.0:25: EDGE\Default: 192.0.2.0/27
online -> EX01 0.0.0.0:25: EX01\Online: 192.0.2.0/28
online -> EX01 0.0.0.0:25: EX01\Default Frontend EX01: 192.0.2.16/28
-- hardening.txt --
RC303 EDGE\Default: met, and the letter would break EX01 -> EDGE port 25 EdgeOutbound
RC304 EDGE\Default: not met, and the letter would break EX01 -> EDGE port 25 EdgeOutbound
`)}}, "s.txtar")
	require.NoError(t, err)
	var r recorder
	f.Check(&r)
	require.Len(t, r.errors, 1)
	assert.Contains(t, r.errors[0], "suspects.txt does not hold:\n  too many: ", "somebody is to blame")
	assert.Equal(t, "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", f.Error)
	f.Change = "Set-ReceiveConnector 'EX01\\Online' -RemoteIPRanges 0.0.0.0-255.255.255.255"
	got, err := f.Answer("refusals.txt")
	require.NoError(t, err)
	assert.Contains(t, got, `of EX01\Default Frontend EX01 are equal at 0.0.0.0:25`)
	f.Change = "Set-ReceiveConnector Nobody"
	_, err = f.Answer("moves.txt")
	require.ErrorIs(t, err, connector.ErrNotFound)
}

func TestUnusableTopology(t *testing.T) {
	f, err := topotest.Load(fstest.MapFS{"s": {Data: []byte("-- topology.json --\n{\"servers\": [{\"name\": \"A\"}, {\"name\": \"a\"}]}\n-- expect.txt --\n-- findings.txt --\n-- fix RC001 1.ps1 --\n-- after.txt --\n")}}, "s")
	require.NoError(t, err)
	for _, s := range f.Sections {
		_, err := f.Answer(s.Name)
		require.ErrorIs(t, err, connector.ErrDuplicate, s.Name)
	}
}

func TestLoadErrors(t *testing.T) {
	_, err := topotest.Load(fstest.MapFS{}, "s")
	require.ErrorIs(t, err, fs.ErrNotExist)
	for why, row := range map[string]struct{ text, at string }{
		"no topology":     {"just text", "s"},
		"no JSON":         {"-- topology.json --\nx\n", "s/topology.json:1:1"},
		"an unknown key":  {"-- topology.json --\n{\"server\": []}\n", "s/topology.json:1:12"},
		"no arrow":        {"-- expect.txt --\n\nEX01 10.0.0.1:25 10.0.0.5\n", "s/expect.txt:2"},
		"a bad one after": {"-- after.txt --\nEX01 10.0.0.5 -> nobody\n", "s/after.txt:1:18"},
		"no endpoint":     {"-- expect.txt --\nEX01 10.0.0.1 10.0.0.5 -> EX01\\A\n", "s/expect.txt:1"},
		"no identity":     {"-- expect.txt --\nEX01 10.0.0.1:25 10.0.0.5 -> Relay\n", "s/expect.txt:1"},
		"no outcome":      {"-- expect.txt --\nEX01 10.0.0.1:25 10.0.0.5 -> refused Perhaps\n", "s/expect.txt:1"},
	} {
		_, err := topotest.Load(fstest.MapFS{"s": {Data: []byte(row.text)}}, "s")
		var me *connector.ModelError
		require.ErrorAs(t, err, &me, why)
		assert.True(t, strings.HasPrefix(me.Source.String(), row.at), "%s: %s", why, me.Source)
	}
}

func ExampleLoad() {
	story := fstest.MapFS{"relay.txtar": {Data: []byte(`The relay serves its subnet.
-- topology.json --
{"connectors": [{"identity": "EX01\\Relay", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.5.0/24"]}]}
-- expect.txt --
EX01 10.0.0.1:25 10.0.5.7 -> EX01\Relay
EX01 10.0.0.1:25 10.0.6.1 -> refused NoRange
`)}}
	f, err := topotest.Load(story, "relay.txtar")
	if err != nil {
		panic(err)
	}
	t := &recorder{} // in a test, the *testing.T
	f.Check(t)
	fmt.Println(f.Story, len(f.Cases), "decisions,", len(t.errors), "do not hold")
	// Output: The relay serves its subnet. 2 decisions, 0 do not hold
}

// An updated story says what the topology does today, and holds; comments above cases stay.
func TestUpdated(t *testing.T) {
	text := `Two sites.
-- topology.json --
{"servers": [{"name": "EX01", "site": "A", "version": "14.3", "roles": "HubTransport", "addresses": ["10.1.0.11"]}, {"name": "EX02", "site": "B", "version": "14.3", "roles": "HubTransport", "addresses": ["10.2.0.11"]}],
 "connectors": [
 {"identity": "EX01\\Default", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0/0"], "authMechanism": "Tls, ExchangeServer", "permissionGroups": "ExchangeServers"},
 {"identity": "EX02\\Default", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.0.0/8"], "permissionGroups": "AnonymousUsers"}]}
-- expect.txt --
# It holds.
EX01 *:25 any -> EX01\Default

[wrong]
# Why it is wrong.
name: EX02 *:25 10.0.0.0/7 -> EX02\Default
EX02 *:25 EX01 -> EX02\Default by 10.0.0.0/9, authenticated
EX02 *:25 10.0.0.1 as Anonymous -> mail refused, reply 550
flow EX01 EX02 Mail -> passes
flow * * Mail -> passes
flow * EX01 Mail -> fails
no finding RC001
finding RC002
EX01 *:25 nobody -> served
-- error.txt --
451 5.7.3
-- findings.txt --
-- after.txt --
EX01 *:25 10.0.0.1 -> EX01\Other
`
	f, err := topotest.Load(fstest.MapFS{"s": {Data: []byte(text)}}, "s")
	require.NoError(t, err)
	updated, err := f.Updated()
	require.NoError(t, err)
	assert.Contains(t, updated, `-- expect.txt --
# It holds.
EX01 *:25 any -> EX01\Default

[wrong]
# Why it is wrong.
name: EX02 0.0.0.0:25 10.0.0.0/8 -> EX02\Default

# Why it is wrong.
name: EX02 0.0.0.0:25 11.0.0.0/8 -> refused NoRange
EX02 *:25 EX01 -> EX02\Default by 10.0.0.0/8, not authenticated
EX02 *:25 10.0.0.1 as Anonymous -> mail accepted, reply 550 5.7.1 'Unable to relay'
flow EX01 EX02 Mail -> fails
flow EX01 EX02 Mail port=25 -> fails
flow EX02 EX01 Mail port=25 -> passes
flow * EX01 Mail -> passes
finding RC001
no finding RC002
EX01 *:25 nobody -> served
-- error.txt --
451 5.7.3
-- findings.txt --
RC001 error certain EX02\Default: 10.1.0.11
RC005 note possible EX02: 0.0.0.0-9.255.255.255 11.0.0.0-255.255.255.255
`)
	assert.Contains(t, updated, "-- after.txt --\nEX01 *:25 10.0.0.1 -> EX01\\Default\n")
	f, err = topotest.Load(fstest.MapFS{"s": {Data: []byte(updated)}}, "s")
	require.NoError(t, err)
	var r recorder
	f.Check(&r)
	require.Len(t, r.errors, 1, "%s", r.errors)
	assert.Contains(t, r.errors[0], "cannot be asked: not in the topology: nobody")
	again, err := f.Updated()
	require.NoError(t, err)
	assert.Equal(t, updated, again)

	f, err = topotest.Load(fstest.MapFS{"s": {Data: []byte(text + "-- nonsense --\n")}}, "s")
	require.NoError(t, err)
	_, err = f.Updated()
	require.ErrorIs(t, err, topotest.ErrSection)
}
