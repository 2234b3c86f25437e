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

	"github.com/receiveconnector/receiveconnector/examples/internal/formtest"
)

func call(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, strings.NewReader(stdin), &out, &err)
	return status, out.String(), err.String()
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// two servers of two sites, mail between which passes.
const topology = `{
 "servers": [{"name": "EX01", "fqdn": "ex01.contoso.com", "site": "A", "version": "14.3", "addresses": ["10.1.0.11"]},
             {"name": "EX02", "fqdn": "ex02.contoso.com", "site": "B", "version": "14.3", "addresses": ["10.2.0.11"]}],
 "connectors": [
  {"identity": "EX01\\Default EX01", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0-255.255.255.255"], "authMechanism": "Tls, ExchangeServer", "permissionGroups": "ExchangeServers", "fqdn": "ex01.contoso.com"},
  {"identity": "EX01\\Relay", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.9.0.0/24"], "permissionGroups": "AnonymousUsers"},
  {"identity": "EX02\\Default EX02", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0-255.255.255.255"], "authMechanism": "Tls, ExchangeServer", "permissionGroups": "ExchangeServers", "fqdn": "ex02.contoso.com"}]}`

func TestChanges(t *testing.T) {
	path := file(t, "t.json", topology)
	for _, row := range []struct {
		why    string
		args   []string
		stdin  string
		status int
		says   []string
	}{
		{"a relay swallows the other server", []string{path, "--", `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges @{Add='10.2.0.0/16'}`}, "", 1,
			[]string{"1 change:\n  EX01\\Relay: RemoteIPRanges +10.2.0.0/16\n", "EX01 0.0.0.0:25: EX01\\Default EX01 -> EX01\\Relay\n    10.2.0.0/16\n    65,536 addresses", "appears: RC001 error (certain) EX01\\Relay", "Mail between servers that breaks:\n  EX02 -> EX01 port 25 Mail: passes -> fails, taken by EX01\\Relay"}},
		{"an application server more", []string{path, "--", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add='10.9.1.7'}`}, "", 0, []string{"10.9.1.7", "No finding appears", "No mail between servers is known to break"}},
		{"in words, as another shell leaves them", []string{path, "--", "Set-ReceiveConnector", `EX01\Default EX01`, "-RemoteIPRanges", "@{Add=10.2.0.11}"}, "", 0, []string{"1 change:\n  EX01\\Default EX01: RemoteIPRanges +10.2.0.11\n", "Nobody changes hands: at 1 local endpoint of EX01"}},
		{"words with signs of the shell in them", []string{path, "--", "Set-ReceiveConnector", `EX01\Relay`, "-Name", "Joe's (new) relay"}, "", 0, []string{"Name Relay -> Joe's (new) relay"}},
		{"several, a text each", []string{path, "--", `Set-ReceiveConnector EX01\Relay -Enabled $false`, `Remove-ReceiveConnector EX01\Relay`}, "", 0, []string{"2 changes:\n  EX01\\Relay: Enabled True -> False\n  EX01\\Relay: removed\n"}},
		{"from a script", []string{path, "--", "-"}, "# tonight\nSet-ReceiveConnector EX01\\Relay `\n -Enabled $false -Banner x\n", 0, []string{"Enabled True -> False", "note: change:3:18: -Banner: not modelled"}},
		{"nothing that the model holds", []string{path, "--", `Set-ReceiveConnector EX01\Relay -Comment x`}, "", 0, []string{"EX01\\Relay: unchanged", "-Comment: not modelled", "Nobody changes hands: at 1 local endpoint of EX01"}},
		{"a script of Windows PowerShell", []string{path, "--", "-"}, "\xff\xfeR\x00e\x00m\x00o\x00v\x00e\x00-\x00R\x00e\x00c\x00e\x00i\x00v\x00e\x00C\x00o\x00n\x00n\x00e\x00c\x00t\x00o\x00r\x00 \x00E\x00X\x000\x001\x00\\\x00R\x00e\x00l\x00a\x00y\x00", 0, []string{"EX01\\Relay: removed"}},
		{"a name that begins like a comment", []string{path, "--", "Set-ReceiveConnector", `EX01\Relay`, "-Name", "#1"}, "", 0, []string{"Name Relay -> #1"}},
		{"clients lose something, and are told", []string{path, "--", `Set-ReceiveConnector EX01\Relay -PermissionGroups None`}, "", 0, []string{"What clients can no longer do:\n  EX01 0.0.0.0:25: send to accepted domains without authenticating\n    10.9.0.0/24, for example 10.9.0.0\n"}},
		{"nothing counts", []string{path, "-fail-on", "never", "--", `Remove-ReceiveConnector 'EX01\Default EX01'`}, "", 0, []string{"that breaks"}},
		{"the listener goes", []string{path, "--", `Remove-ReceiveConnector 'EX01\Default EX01'`}, "", 1, []string{"EX01\\Default EX01 -> refused", "EX02 -> EX01 port 25 Mail: passes -> fails"}},
		{"refused by the cmdlet", []string{path, "--", `New-ReceiveConnector -Name New -Server EX01 -Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 10.9.0.128-10.9.1.127`}, "", 1, []string{"The cmdlets would refuse this:\n  EX01\\New, in our words: range 10.9.0.128-10.9.1.127 and range 10.9.0.0/24 of EX01\\Relay overlap in part"}},
		{"refused, but what if", []string{"-force", path, "--", `New-ReceiveConnector -Name New -Server EX01 -Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 10.9.0.128-10.9.1.127`}, "", 1, []string{"What follows is what would be", "10.9.1.0/25"}},
		{"a note counts if it is asked to", []string{"-fail-on", "note", path, "--", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges 10.8.0.0/24`}, "", 0, []string{"RC009"}},
		{"help", []string{"-h"}, "", 0, nil},
	} {
		t.Run(row.why, func(t *testing.T) {
			status, out, stderr := call(row.stdin, row.args...)
			for _, s := range row.says {
				assert.Contains(t, out, s)
			}
			assert.Equal(t, row.status, status, out+stderr)
			assert.Equal(t, row.why == "help", stderr != "", stderr)
		})
	}
	_, out, _ := call("", path, "--", `New-ReceiveConnector -Name New -Server EX01 -Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 10.9.0.128-10.9.1.127`)
	assert.NotContains(t, out, "changes hands", "what is refused changes nothing")

	status, out, _ := call("", "-format", "json", path, "--", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add='10.2.0.0/16'}`)
	assert.Equal(t, 1, status)
	var o struct {
		Breaks bool
		Moves  []struct{ Addresses []string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &o))
	assert.True(t, o.Breaks)
	assert.Equal(t, []string{"10.2.0.0/16"}, o.Moves[0].Addresses)
}

// A week ago and today.
func TestBeforeAndAfter(t *testing.T) {
	before := file(t, "before.json", topology)
	after := file(t, "after.json", strings.Replace(topology, "10.9.0.0/24", "10.2.0.0/24", 1))
	status, out, stderr := call("", "-before", before, "-after", after)
	assert.Equal(t, 1, status)
	assert.Empty(t, stderr)
	for _, want := range []string{"EX01\\Relay: RemoteIPRanges +10.2.0.0/24 -10.9.0.0/24", "appears: RC001 error", "EX02 -> EX01 port 25 Mail: passes -> fails", "10.9.0.0/24\n    256 addresses"} {
		assert.Contains(t, out, want)
	}
	status, out, _ = call("", "-before", after, "-after", before)
	assert.Zero(t, status)
	assert.Contains(t, out, "Mail between servers that heals:")
	status, out, _ = call("", "-before", before, "-after", before)
	assert.Zero(t, status)
	assert.Contains(t, out, "No connector changes, as far as these go: rights, Name, Enabled, ")

	// Parts of a configuration in several files.
	connectors := file(t, "c.json", `{"connectors": [{"identity": "EX01\\Relay", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.2.0.0/24"]}]}`)
	servers := file(t, "s.json", `{"servers": [{"name": "EX01"}]}`)
	status, _, stderr = call("", "-before", servers, "-before", connectors, "-after", servers+","+connectors)
	assert.Zero(t, status, stderr)
}

type full struct{}

func (full) Write([]byte) (int, error)  { return 0, errors.New("disk full") }
func (full) Read(p []byte) (int, error) { return 0, errors.New("no input") }

// What cannot be used is said in one line, with the place.
func TestUnusable(t *testing.T) {
	path := file(t, "t.json", topology)
	broken := file(t, "broken.json", `{"connectors": [{"identity": "x"}]}`)
	empty := file(t, "empty.json", `{"servers": []}`)
	twice := file(t, "twice.json", `{"servers": [{"name": ""}], "connectors": [{"identity": "A\\B"}]}`)
	for _, row := range []struct {
		why  string
		args []string
		says string
	}{
		{"no arguments", nil, "name the files of your servers"},
		{"no changes", []string{path}, "which changes?"},
		{"no changes behind --", []string{path, "--"}, "which changes?"},
		{"no files", []string{"--", "Remove-ReceiveConnector x"}, "name the files"},
		{"half of two", []string{"-before", path}, "go together"},
		{"all at once", []string{"-before", path, "-after", path, "--", "x"}, "not both"},
		{"files beside", []string{"-before", path, "-after", path, path}, "not both"},
		{"a file that is not there", []string{"nowhere.json", "--", "x"}, "nowhere.json"},
		{"a file that is broken", []string{broken, "--", "x"}, "broken.json:1:30"},
		{"another one", []string{"-before", broken, "-after", path}, "broken.json:1:30"},
		{"and another", []string{"-before", path, "-after", broken}, "broken.json:1:30"},
		{"nothing in it", []string{empty, "--", "x"}, "neither receive connectors nor servers"},
		{"no model", []string{twice, "--", `Remove-ReceiveConnector A\B`}, "nothing given"},
		{"no such flag", []string{"-colour", path}, "-colour"},
		{"no such severity", []string{"-fail-on", "bad", path}, "bad"},
		{"no command", []string{path, "--", "Restart-Service x"}, "change:1:1: Restart-Service: not a cmdlet that is read here"},
		{"no command at all", []string{path, "--", "# later"}, "there is no command in the changes"},
		{"a name that there is", []string{path, "--", `New-ReceiveConnector relay -Server EX01 -Custom -Bindings 0.0.0.0:26 -RemoteIPRanges 10.0.0.1`}, "there is a receive connector EX01\\relay already"},
		{"a string that does not end", []string{path, "--", `Remove-ReceiveConnector 'EX01\Relay`}, "change:1:25: not a form of command that is read here: a string is not closed"},
		{"a bad value", []string{path, "--", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges 10.0.0.0/33`}, "change:1:49: -RemoteIPRanges: range \"10.0.0.0/33\": byte 9"},
		{"no such connector", []string{path, "--", `Set-ReceiveConnector EX09\Relay -Enabled $true`}, "no such receive connector"},
		{"a variable that the shell has taken away", []string{path, "--", "Set-ReceiveConnector", `EX01\Relay`, "-Enabled"}, "-Enabled: not a form of command that is read here: its value is missing"},
	} {
		status, out, stderr := call("", row.args...)
		assert.Equal(t, 2, status, row.why)
		assert.Contains(t, stderr, row.says, row.why)
		assert.Empty(t, out, row.why)
		assert.Equal(t, 1, strings.Count(stderr, "\n"), "%s: one line: %s", row.why, stderr)
	}
	assert.Equal(t, 2, run([]string{path, "--", "-"}, full{}, &bytes.Buffer{}, &bytes.Buffer{}))
	assert.Equal(t, 2, run([]string{path, "--", `Remove-ReceiveConnector EX01\Relay`}, nil, full{}, &bytes.Buffer{}))
}

func TestEveryForm(t *testing.T) {
	path := file(t, "t.json", topology)
	ask := func(args ...string) (int, string, string) { return call("", args...) }
	formtest.Check(t, ask, []string{"sarif"}, path, path, "--", `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges '10.0.0.0/8'`)
	formtest.Check(t, ask, []string{"sarif"}, path, path, "--", `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges '0.0.0.0-255.255.255.255'`)
	formtest.Check(t, ask, []string{"sarif"}, path, "-before", path, "-after", file(t, "after.json", strings.ReplaceAll(topology, "10.9.0.0/24", "10.0.0.0/8")))
}
