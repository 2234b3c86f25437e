package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
	"github.com/receiveconnector/receiveconnector/examples/internal/formtest"
)

func call(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, nil, &out, &err)
	return status, out.String(), err.String()
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// A stranger pastes what the queue shows, beside the exports, and gets the relay connector named first.
func TestError(t *testing.T) {
	const queue = `451 4.4.0 Primary target IP address responded with: "451 5.7.3 Cannot achieve Exchange Server authentication." Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all alternate hosts.`
	path := founding(t)
	status, out, stderr := call("-error", queue, path)
	assert.Equal(t, 1, status, "a connector is very likely to blame")
	assert.Empty(t, stderr)
	assert.Contains(t, out, "\n1. very likely: EX01\\Relay takes mail from EX03, EX04 without Exchange Server authentication; EX01\\Default EX01 offers it\n")
	assert.Contains(t, out, "Set-ReceiveConnector -Identity 'EX01\\Default EX01' -RemoteIPRanges @{Add='10.1.0.12','10.2.0.11','10.2.0.12'}")
	assert.Contains(t, out, "outside the configuration")

	var piped, errs bytes.Buffer
	assert.Equal(t, 1, run([]string{"-error", "-", "-format", "json", path}, strings.NewReader("Identity  : EX03\\7\nLastError : "+queue+" The last endpoint attempted was 10.1.0.12:25\n"), &piped, &errs))
	var got struct {
		Target   string
		Suspects []struct{ Subject, Likelihood string }
	}
	require.NoError(t, json.Unmarshal(piped.Bytes(), &got))
	assert.Equal(t, "EX02", got.Target)
	assert.Equal(t, `EX02\Relay`, got.Suspects[0].Subject)

	for _, row := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"-error", "454 4.7.0 Temporary authentication failure", path}, 0, "clocks"},
		{[]string{"-error", queue, "-fail-on", "never", path}, 0, "very likely"},
		{[]string{"-error", queue}, 2, "-error needs the files of your servers"},
		{[]string{"-error", " ", path}, 2, "nothing given"},
		{[]string{"-error", "x", "-flows", path}, 2, "one at a time"},
		{[]string{"-flows", "-topology", path}, 2, "one at a time"},
	} {
		status, out, stderr := call(row.args...)
		assert.Equal(t, row.status, status, row.args)
		assert.Contains(t, out+stderr, row.says, row.args)
		assert.NotContains(t, out, "Two data centres")
	}
	assert.Equal(t, 2, run([]string{"-error", "-", path}, broken{}, &piped, &errs))
	assert.Contains(t, errs.String(), "no input")
	assert.Equal(t, 2, run([]string{"-error", "x", path}, nil, full{}, &errs))
}

// What to do, as a script for all servers; and every fix with its commands.
func TestPlan(t *testing.T) {
	status, out, stderr := call("-plan", founding(t))
	assert.Zero(t, status)
	assert.Empty(t, stderr)
	assert.True(t, strings.HasPrefix(out, "# 4 changes on EX01, EX02, EX03, EX04: "), out)
	for _, want := range []string{"param([switch]$CheckOnly, [switch]$Rollback)\n", "\n        Set-ReceiveConnector -Identity 'EX03\\Default EX03' -RemoteIPRanges @{Add=", "\n        Set-ReceiveConnector -Identity 'EX03\\Default EX03' -RemoteIPRanges @{Remove=", "@{ Name = 'Default EX04'; RemoteIPRanges = @("} {
		assert.Contains(t, out, want)
	}
	status, story, _ := call("-plan")
	assert.Zero(t, status)
	assert.Equal(t, out, story, "without a file that of the story, and nothing around it")
	status, out, _ = call("-plan", "-format", "json", founding(t))
	assert.Zero(t, status)
	var got struct{ Plans []struct{ Server string } }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Len(t, got.Plans, 4)
	status, out, _ = call("-plan", "-server", "ex03", founding(t))
	assert.Zero(t, status)
	assert.True(t, strings.HasPrefix(out, "# 1 change on EX03: "), out)
	status, _, stderr = call("-plan", "-server", "EX09", founding(t))
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "no file names a server of this name")
	status, _, stderr = call("-server", "EX01", founding(t))
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "-server goes with -plan")
	status, _, stderr = call("-plan", "-flows", founding(t))
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "one at a time")
	assert.Equal(t, 2, run([]string{"-plan", founding(t)}, nil, full{}, &bytes.Buffer{}))

	_, brief, _ := call("-fail-on", "never", founding(t))
	_, all, _ := call("-fail-on", "never", "-all-fixes", founding(t))
	assert.NotContains(t, brief, "New-ReceiveConnector")
	assert.Contains(t, all, "New-ReceiveConnector -Name 'Exchange servers to EX01'")
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("no input") }

// The matrix shows the two sites at a glance.
func TestFlowMatrix(t *testing.T) {
	status, out, stderr := call("-flows", founding(t))
	assert.Equal(t, 1, status, "required flows fail")
	assert.Empty(t, stderr)
	assert.Contains(t, out, "from / to EX01 EX02 EX03 EX04\nEX01      .    f    F    F\nEX02      f    .    F    F\nEX03      F    F    .    f\nEX04      F    F    f    .\n")
	assert.Contains(t, out, "EX01 -> EX03 port 25 PublicFolderReplication: fails, taken by EX03\\Relay\n")
	status, out, _ = call("-flows", "-fail-on", "never", founding(t))
	assert.Zero(t, status)
	assert.NotEmpty(t, out)
	status, out, _ = call("-flows")
	assert.Zero(t, status, "it is a story")
	assert.Contains(t, out, "Two data centres")
	status, out, _ = call("-flows", "-format", "json")
	assert.Zero(t, status)
	assert.True(t, json.Valid([]byte(out)))
	var errs bytes.Buffer
	assert.Equal(t, 2, run([]string{"-flows", founding(t)}, nil, full{}, &errs))
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
	assert.Equal(t, "warning: "+connectors+`:2:1: EX10\Default EX10: RequireTLS, SuppressXAnonymousTls, EnableAuthGSSAPI, DomainSecureEnabled, Fqdn: `+
		"not in the export, so what clients are offered there is known in part only (and 1 more like it)\n", stderr)
	assert.Contains(t, out, "RC001 warning (possible) EX10\\Relay")
	status, _, _ = call("-fail-on", "warning", "-addr", "EX10=10.0.0.10", "-addr", "EX16=10.0.0.16,10.0.0.17", connectors, servers)
	assert.Equal(t, 1, status)
	status, out, _ = call("-addr", "EX10=10.0.0.10", "-addr", "EX16=10.0.0.16", servers, connectors)
	assert.Equal(t, 1, status, out)

	// Without a server list the address is a single host like any other.
	status, out, _ = call("-fail-on", "warning", connectors)
	assert.Zero(t, status)
	assert.NotContains(t, out, "RC001")
	assert.NotContains(t, out, "RC009")
	assert.Contains(t, out, "RC902 note (certain) EX10\n")
	assert.Contains(t, out, "RC905 note (certain) EX10\n")
}

// Every cmdlet in another file and dialect, in any order: the founding story, from what an administrator would hand over.
func TestAnyMixOfFiles(t *testing.T) {
	f, err := topotest.Load(stories, "founding_story.txtar")
	require.NoError(t, err)
	var servers, connectors, names, databases strings.Builder
	servers.WriteString("Name,Fqdn,Site,AdminDisplayVersion,ServerRole\r\n")
	connectors.WriteString("[PS] C:\\>Get-ReceiveConnector | fl\r\n")
	for _, s := range f.Topology.Servers {
		fmt.Fprintf(&servers, "%s,%s,contoso.com/Configuration/Sites/%s,Version 14.3 (Build 123.4),\"%s\"\r\n", s.Name, s.FQDN, s.Site, s.Roles)
		fmt.Fprintf(&names, "{\"Name\": %q, \"Type\": 1, \"TTL\": 1200, \"IPAddress\": %q}\n", s.FQDN, s.Addresses[0])
	}
	for _, c := range f.Topology.Connectors {
		fmt.Fprintf(&connectors, "\r\n\r\nAuthMechanism    : %s\r\nBindings         : %s\r\nFqdn             : %s\r\nEnabled          : True\r\nPermissionGroups : %s\r\nRemoteIPRanges   : {%s}\r\nIdentity         : %s\r\n",
			c.AuthMechanism, strings.ReplaceAll(strings.Trim(fmt.Sprint(c.Bindings), "[]"), " ", ", "), c.FQDN, c.PermissionGroups, strings.ReplaceAll(strings.Trim(fmt.Sprint(c.RemoteIPRanges), "[]"), " ", ", "), c.ID)
	}
	databases.WriteString("<Objs>")
	for i, d := range f.Topology.Databases {
		kind := map[connector.DatabaseKind]string{connector.MailboxDatabase: "MailboxDatabase", connector.PublicFolderDatabase: "PublicFolderDatabase"}[d.Kind]
		fmt.Fprintf(&databases, `<Obj RefId="%d"><TN RefId="%d"><T>Deserialized.Microsoft.Exchange.Data.Directory.SystemConfiguration.%s</T></TN><Props><S N="Name">%s</S><S N="MountedOnServer">%s.contoso.com</S><B N="Mounted">true</B><Obj N="Servers" RefId="%d"><LST>`,
			i, i, kind, d.Name, d.Mounted, 100+i)
		for _, c := range d.Copies {
			fmt.Fprintf(&databases, "<S>%s</S>", c)
		}
		databases.WriteString("</LST></Obj></Props></Obj>")
	}
	databases.WriteString("</Objs>")
	dag := `{"Name": "DAG1", "Servers": ["EX01", "EX02", "EX03", "EX04"], "WitnessServer": "fs01"}`
	paths := []string{file(t, "connectors", connectors.String()), file(t, "servers", servers.String()), file(t, "names", names.String()),
		file(t, "databases", databases.String()), file(t, "dag", dag)}
	_, want, _ := call()
	want = want[strings.Index(want, "8 required flows"):]
	for range len(paths) {
		status, out, stderr := call(paths...)
		require.Equal(t, 1, status, stderr)
		assert.Contains(t, stderr, "(and 11 more like it)\n")
		assert.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.Contains(t, out, "8 required flows between servers fail:\n")
		assert.Equal(t, strings.Split(want, "\n")[:9], strings.Split(out[strings.Index(out, "8 required flows"):], "\n")[:9])
		assert.Equal(t, 4, strings.Count(out, "RC001 error (certain)"))
		paths = append(paths[1:], paths[0])
	}
}

// What was read comes out again as native JSON or as text, and goes in again.
func TestTopology(t *testing.T) {
	status, asJSON, stderr := call("-topology")
	assert.Zero(t, status)
	assert.Empty(t, stderr)
	assert.True(t, strings.HasPrefix(asJSON, "{\n  \"servers\": [\n"), asJSON[:100])
	asText := ""
	for _, row := range [][2]string{{"-topology=json", asJSON}, {"-topology=text", ""}} {
		status, out, stderr := call(row[0], file(t, "t", asJSON))
		assert.Zero(t, status)
		assert.Empty(t, stderr)
		if row[1] != "" {
			assert.Equal(t, row[1], out)
		}
		asText = out
	}
	assert.True(t, strings.HasPrefix(asText, "Name                      : EX01\nFqdn "), asText[:100])
	status, out, stderr := call("-topology", file(t, "t", asText))
	assert.Zero(t, status)
	assert.Empty(t, stderr)
	assert.Equal(t, asJSON, out)

	status, out, stderr = call("-topology", "-addr", "EX01=10.0.0.7", file(t, "c.json", `{"Identity": "EX01\\A", "Bindings": "0.0.0.0:25", "RemoteIPRanges": "{10.0.0.1, 10.0.0.2...}", "AuthMechanism": 0, "PermissionGroups": 0, "Enabled": true}`))
	assert.Zero(t, status)
	assert.Contains(t, stderr, "RemoteIPRanges: cut off with dots, so whom the connector serves is unknown\n")
	assert.Contains(t, out, `"missing": "RemoteIPRanges, Fqdn,`)
	assert.Contains(t, out, `"10.0.0.7"`)

	status, out, _ = call("-topology=false", file(t, "t", asText))
	assert.Equal(t, 1, status)
	assert.Contains(t, out, "RC001")
	status, _, stderr = call("-topology=xml")
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "json or text")
	var b bytes.Buffer
	assert.Equal(t, 2, run([]string{"-topology"}, nil, full{}, &b))
	assert.Contains(t, b.String(), "disk full")
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
	_, _, stderr = call("-addr", "ex01.contoso.com=10.0.0.1", founding(t))
	assert.Empty(t, stderr, "the full name is fine")
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
		{"a directory", []string{t.TempDir()}, []string{"a directory; name the files in it"}},
		{"nothing about servers", []string{file(t, "n.json", `{"networks": [{"name": "N", "kind": "Gateway", "ranges": ["10.0.0.1"]}]}`)}, []string{"n.json: neither receive connectors nor servers"}},
		{"a web page", []string{file(t, "m.html", "<!DOCTYPE html>\n<html>")}, []string{"m.html: XML, but not what Export-Clixml writes, but a web page (HTML); write Get-ReceiveConnector | Export-Clixml FILE and read that"}},
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
	assert.Contains(t, stderr, "server a: given more than once, first at ")
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
	assert.Equal(t, 2, run([]string{founding(t)}, nil, full{}, &stderr))
	assert.Contains(t, stderr.String(), "disk full")
}

func TestEveryForm(t *testing.T) {
	path := founding(t)
	formtest.Check(t, call, []string{"sarif", "junit"}, path, path)
	for _, mode := range []string{"-flows", "-hardening", "-plan"} {
		formtest.Check(t, call, nil, path, mode, path)
	}
	formtest.Check(t, call, nil, path, "-error", "451 5.7.3 Cannot achieve Exchange Server authentication", path)
	for _, form := range []string{"sarif", "junit"} {
		status, _, stderr := call("-list", "-format", form)
		assert.Equal(t, 2, status)
		assert.Equal(t, "rcaudit: -format "+form+" is for findings, not for what was asked instead\n", stderr)
	}
	status, out, _ := call("-format", "html")
	assert.Zero(t, status)
	assert.Contains(t, out, "public-folder replication\nbetween the sites is stuck", "the story")
}

// In JUnit what -fail-on says is a failure.
func TestJUnitFailOn(t *testing.T) {
	for failOn, want := range map[string]string{"error": `tests="55" failures="12"`, "never": `tests="47" failures="0"`} {
		status, out, _ := call("-format", "junit", "-fail-on", failOn, founding(t))
		assert.Contains(t, out, `<testsuites name="audit" `+want, failOn)
		assert.Equal(t, failOn == "error", status == 1, "as the exit status says")
	}
}
