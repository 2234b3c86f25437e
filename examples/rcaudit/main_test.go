package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

func call(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, &out, &err)
	return status, out.String(), err.String()
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// founding writes the founding story as a file of native JSON, as a user would have it.
func founding(t *testing.T) string {
	t.Helper()
	f, err := topotest.Load(stories, "founding_story.txtar")
	require.NoError(t, err)
	data, err := json.Marshal(f.Topology)
	require.NoError(t, err)
	return file(t, "topology.json", string(data))
}

// The main job: everything a person needs, and exit status 0, because it is a story.
func TestFoundingStory(t *testing.T) {
	status, out, stderr := call()
	assert.Zero(t, status)
	assert.Empty(t, stderr)
	for _, want := range []string{
		"Two data centres",
		"8 required flows between servers fail:\n",
		"  EX01 -> EX03 port 25 PublicFolderReplication: taken by EX03\\Relay\n",
		"range 10.0.0.0/8, 16,777,216 addresses",
		"range 0.0.0.0-255.255.255.255, 4,294,967,296 addresses",
		"reply: 451 5.7.3 Cannot achieve Exchange Server authentication (raised by the sender)",
		`queue on the sender (Exchange 2010): 451 4.4.0 Primary target IP address responded with: "451 5.7.3`,
		"    Set-ReceiveConnector -Identity 'EX01\\Default EX01' -RemoteIPRanges @{Add='10.1.0.12','10.2.0.11','10.2.0.12'}\n",
		"Why only PublicFolderReplication?",
		"no mailbox database is mounted in DC2",
		"inside a site Mailbox and Hub Transport talk RPC, not SMTP",
		"4 flows: possible, would not authenticate; what that does is unknown",
	} {
		assert.Contains(t, out, want)
	}
	assert.Equal(t, 4, strings.Count(out, "RC001 error (certain)"))
}

func TestFiles(t *testing.T) {
	path := founding(t)
	status, out, stderr := call(path)
	assert.Equal(t, 1, status, "errors are found")
	assert.Empty(t, stderr)
	assert.Contains(t, out, "8 required flows between servers fail")
	assert.NotContains(t, out, "Two data centres")

	status, out, _ = call("-format", "json", path, "-fail-on", "never") // in any order
	assert.Zero(t, status)
	var got struct{ Findings []struct{ Check string } }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Len(t, got.Findings, 4)
}

// Connectors in one file, servers in another, addresses by hand; and the least severity that counts.
func TestMixedFilesAndAddresses(t *testing.T) {
	connectors := file(t, "connectors.json", `[
{"Identity": "EX10\\Default EX10", "Bindings": ["0.0.0.0:25"], "RemoteIPRanges": ["0.0.0.0-255.255.255.255"], "AuthMechanism": "Tls, ExchangeServer", "PermissionGroups": "ExchangeServers", "Enabled": true},
{"Identity": "EX10\\Relay", "Bindings": ["0.0.0.0:25"], "RemoteIPRanges": ["10.0.0.16"], "AuthMechanism": "None", "PermissionGroups": "AnonymousUsers", "Enabled": true}]`)
	servers := file(t, "servers.json", `[{"Name": "EX10", "AdminDisplayVersion": "Version 14.3 (Build 123.4)", "ServerRole": "Mailbox, HubTransport", "Site": "A"},
{"Name": "EX16", "AdminDisplayVersion": "Version 15.1 (Build 2507.6)", "ServerRole": "Mailbox", "Site": "A"}]`)
	status, out, stderr := call("-addr", "EX10=10.0.0.10", "-addr", "EX16=10.0.0.16,10.0.0.17", connectors, servers)
	assert.Zero(t, status, "from the other address mail passes, so it may fail only in part: "+out)
	assert.Empty(t, stderr)
	assert.Contains(t, out, "RC001 warning (possible) EX10\\Relay")
	status, _, _ = call("-fail-on", "warning", "-addr", "EX10=10.0.0.10", "-addr", "EX16=10.0.0.16,10.0.0.17", connectors, servers)
	assert.Equal(t, 1, status)
	status, out, _ = call("-addr", "EX10=10.0.0.10", "-addr", "EX16=10.0.0.16", servers, connectors)
	assert.Equal(t, 1, status, out)

	// Without a server list the address is a single host like any other.
	status, out, _ = call("-fail-on", "note", connectors)
	assert.Zero(t, status)
	assert.Contains(t, out, "nothing found")
}

func TestWarnings(t *testing.T) {
	path := file(t, "c.json", `{"Identity": "EX01\\A", "Bindings": ["0.0.0.0:25"], "RemoteIPRanges": ["10.0.0.1"], "Enabled": true}`)
	status, _, stderr := call(path)
	assert.Zero(t, status)
	assert.Contains(t, stderr, "warning: "+path+`:1:1: EX01\A: AuthMechanism: not in the export`)
}

// The errors of all files, and a warning where an address is given to nobody.
func TestAllFilesAreReported(t *testing.T) {
	a, b := file(t, "a.json", `{"connectors": [{"identity": "x"}]}`), file(t, "b.json", "")
	status, _, stderr := call(a, b)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, a+":1:30: connectors[0].identity")
	assert.Contains(t, stderr, b+": the file is empty")

	status, _, stderr = call("-addr", "EX99=10.0.0.1", founding(t))
	assert.Equal(t, 1, status)
	assert.Equal(t, "warning: -addr EX99: no file names a server of this name\n", stderr)
}

func TestUnusable(t *testing.T) {
	bad := file(t, "bad.json", `{"connectors": [{"identity": "EX01\\A", "remoteIPRanges": ["10.0.0.9-10.0.0.1", "x"]}]}`)
	twice := file(t, "twice.json", `{"connectors": [{"identity": "EX01\\A"}], "databases": [{"name": "D", "kind": "Mailbox"}], "networks": [{"name": "", "kind": "Planned", "ranges": []}], "servers": [{"name": ""}]}`)
	for _, row := range []struct {
		why  string
		args []string
		says []string
	}{
		{"bad ranges, all of them", []string{bad}, []string{bad + `:1:60: connectors[0].remoteIPRanges[0]: range "10.0.0.9-10.0.0.1": byte 9: the range ends before it starts`, "remoteIPRanges[1]"}},
		{"a model that does not compile", []string{twice}, []string{"servers[0].name: nothing given"}},
		{"no such file", []string{"/nowhere/x.json"}, []string{"no such file"}},
		{"a directory", []string{t.TempDir()}, []string{"directory"}},
		{"another cmdlet", []string{file(t, "m.json", `[{"Alias": "joe"}]`)}, []string{"m.json:1:2: not the output of Get-ReceiveConnector"}},
		{"an unknown flag", []string{"-x"}, []string{"flag provided but not defined: -x"}},
		{"an unknown format", []string{"-format", "xml"}, []string{"format", "not a known value"}},
		{"an unknown severity", []string{"-fail-on", "fatal"}, []string{"severity"}},
		{"an unreadable address", []string{"-addr", "EX01=x"}, []string{"server addresses"}},
		{"addresses without a file", []string{"-addr", "EX01=10.0.0.1"}, []string{"no file is given"}},
	} {
		t.Run(row.why, func(t *testing.T) {
			status, out, stderr := call(row.args...)
			assert.Equal(t, 2, status)
			assert.Empty(t, out)
			for _, want := range row.says {
				assert.Contains(t, stderr, want)
			}
		})
	}
	conflict := file(t, "s.json", `{"servers": [{"name": "A", "site": "S"}, {"name": "a", "site": "T"}]}`)
	status, _, stderr := call(conflict)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "told differently in two places")
}

func TestHelp(t *testing.T) {
	status, _, stderr := call("-h")
	assert.Zero(t, status)
	assert.Contains(t, stderr, "rcaudit -addr EX01=10.1.0.11")
	assert.Contains(t, stderr, "-fail-on")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrors(t *testing.T) {
	var stderr bytes.Buffer
	assert.Equal(t, 2, run([]string{founding(t)}, full{}, &stderr))
	assert.Contains(t, stderr.String(), "disk full")
}
