package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/smtplog"
	"github.com/receiveconnector/receiveconnector/examples/internal/formtest"
)

// config is two sites with a relay that covers the servers of the other one; no address is known.
const config = `{"servers": [
  {"name": "EX01", "fqdn": "ex01.corp.example", "site": "Vienna", "version": "14.3.123.4"},
  {"name": "EX03", "fqdn": "ex03.corp.example", "site": "Graz", "version": "14.3.123.4"}],
 "connectors": [
  {"identity": "EX01\\Default EX01", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0-255.255.255.255"], "authMechanism": "Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer", "permissionGroups": "ExchangeUsers, ExchangeServers, ExchangeLegacyServers"},
  {"identity": "EX01\\Relay", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.5.0/24", "10.2.0.0/24"], "authMechanism": "Tls", "permissionGroups": "AnonymousUsers"},
  {"identity": "EX03\\Default EX03", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0-255.255.255.255"], "authMechanism": "Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer", "permissionGroups": "ExchangeUsers, ExchangeServers, ExchangeLegacyServers"}]}`

const header = "#Software: Microsoft Exchange Server\n#Log-type: SMTP Receive Protocol Log\n#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context\n"

// session writes a session of a log.
func session(id int, connector, local, remote string, lines ...string) string {
	var b strings.Builder
	for i, l := range append(append([]string{"+,,"}, lines...), "-,,Local") {
		fmt.Fprintf(&b, "2026-11-20T08:%02d:%02d.000Z,%s,%016X,%d,%s,%s:50001,%s\n", id%60, i, connector, 0x08DE280000000000+id, i, local, remote, l)
	}
	return b.String()
}

const queued = `>,"250 2.6.0 <1@a> [InternalId=1, Hostname=b] Queued mail for delivery",`

// story is a log that agrees: a scanner, and a server that finds nothing to authenticate with.
func story() string {
	return header + session(1, `EX01\Relay`, "10.1.0.11:25", "10.0.5.7", "<,EHLO scanner,", ">,250  ex01.corp.example Hello [10.0.5.7] SIZE STARTTLS,", queued) +
		session(2, `EX01\Relay`, "10.1.0.11:25", "10.2.0.11", "<,EHLO ex03.corp.example,", ">,250  ex01.corp.example Hello [10.2.0.11] SIZE STARTTLS,", "<,QUIT,") +
		session(3, `EX01\Relay`, "10.1.0.11:25", "10.2.0.11", "<,EHLO ex03.corp.example,", ">,250  ex01.corp.example Hello [10.2.0.11] SIZE STARTTLS,", "<,QUIT,")
}

// workIn makes files and goes there.
func workIn(t *testing.T, files map[string]string) {
	t.Chdir(t.TempDir())
	for name, data := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(data), 0o644))
	}
}

// ask runs the program.
func ask(t *testing.T, stdin string, args ...string) (status int, out, errs string) {
	var stdout, stderr bytes.Buffer
	status = run(context.Background(), args, strings.NewReader(stdin), &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

// The fault is found from a log and a configuration that knows no address, with sessions as witnesses.
func TestFindsTheFault(t *testing.T) {
	workIn(t, map[string]string{"config.json": config, "logs/RECV20261120-1.LOG": story(), "logs/notes.txt": ""})
	status, out, errs := ask(t, "", "-config", "config.json", "logs")
	assert.Equal(t, 1, status)
	assert.Equal(t, "warning: other files in the folders, not read: 1; a log is named *.LOG or *.LOG.gz\n", errs)
	for _, want := range []string{
		"15 records of 1 log: 3 sessions, 1 message, 2026-11-20 08:01 to 08:03 UTC\n",
		"The logs agree: all of 3 sessions reached the connector that the configuration predicts.\n",
		"  EX01 10.1.0.11: the local end of its receive log, 3 sessions (taken over)\n",
		"  EX03 10.2.0.11: gives its name in EHLO, 2 sessions (taken over)\n",
		"RC001 error",
		"Set-ReceiveConnector ",
		"  seen in the logs: 10.2.0.11 at 10.1.0.11:25: 2 sessions, 0 messages, 2026-11-20 08:02 to 08:03, EHLO ex03.corp.example, in clear\n    offered: X-ANONYMOUSTLS never, X-EXPS never\n",
		"    for example session 08DE280000000002, " + filepath.FromSlash("logs/RECV20261120-1.LOG") + ":9\n",
		"  EX01\\Relay: 3 sessions, 1 message, 2026-11-20 08:01 to 08:03\n    10.0.5.0/24: 1 session of 1 source\n      10.0.5.7: 1 session, 1 message, at 2026-11-20 08:01, EHLO scanner, in clear\n",
		"  EX03\\Default EX03: nobody\n",
	} {
		assert.Contains(t, out, want)
	}
	status, _, _ = ask(t, "", "-config", "config.json", "-fail-on", "never", "logs")
	assert.Zero(t, status)
}

func TestBackTest(t *testing.T) {
	workIn(t, map[string]string{"config.json": config, "after.json": strings.Replace(config, `"10.0.5.0/24", `, "", 1), "RECV.LOG": story()})
	change := "Set-ReceiveConnector 'EX01\\Relay' -RemoteIPRanges @{Remove='10.0.5.0/24'}"
	for _, args := range [][]string{{"-change", change}, {"-after", "after.json"}} {
		status, out, errs := ask(t, "", append(args, "-config", "config.json", "RECV.LOG")...)
		assert.Equal(t, 1, status, errs)
		assert.Contains(t, out, "1 change, tried on these sessions:\n  EX01\\Relay: RemoteIPRanges -10.0.5.0/24\n  Of 3 sessions 1 would have reached another connector; 1 are those of clients that lose something, or may.\n")
		assert.Contains(t, out, "  EX01 10.1.0.11:25: EX01\\Relay -> EX01\\Default EX01: 1 session of 1 client\n    loses submission\n      10.0.5.7: 1 session, 1 message, at 2026-11-20 08:01, EHLO scanner, in clear\n")
	}
	_, out, _ := ask(t, "", "-config", "config.json", "-change", "Set-ReceiveConnector 'EX01\\Relay' -Fqdn mail.example", "RECV.LOG")
	assert.Contains(t, out, "  None of 3 sessions would have reached another connector or lost anything.\n")
	_, out, _ = ask(t, "", "-config", "config.json", "-change", "Set-ReceiveConnector 'EX01\\Relay' -Bindings @{Add='0.0.0.0:99999'}", "RECV.LOG")
	assert.Empty(t, out)
	status, out, _ := ask(t, "", "-config", "config.json", "-change", "New-ReceiveConnector -Name Relay -Server EX01 -Usage Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 10.9.9.9", "RECV.LOG")
	assert.Equal(t, 2, status)
	assert.Empty(t, out)
}

// However the logs come, they tell the same: in a folder, packed, in a zip archive, on standard input, saved and merged.
func TestWhereLogsComeFrom(t *testing.T) {
	log := story()
	cut := strings.Index(log, "\n2026-11-20T08:02:02") + 1 // between a command and its reply
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, log)
	require.NoError(t, w.Close())
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	f, err := z.Create("a/RECV20261120-1.LOG")
	require.NoError(t, err)
	_, _ = io.WriteString(f, log)
	_, err = z.Create("a/notes.txt")
	require.NoError(t, err)
	require.NoError(t, z.Close())
	workIn(t, map[string]string{"config.json": config, "whole.LOG": log, "logs/RECV-9.LOG": log[:cut], "logs/RECV-10.LOG": log[cut:], "packed.log.gz": packed.String(), "logs.zip": archive.String()})
	want := ""
	for _, args := range [][]string{{"whole.LOG"}, {"logs"}, {"-processors", "2", "logs"}, {"packed.log.gz"}, {"logs.zip"}, {"-"}, {"logs/RECV-10.LOG", "logs/RECV-9.LOG"}, {"whole.LOG", "./whole.LOG"},
		{"one.json", "two.json"}, {"two.json", "one.json"}} {
		if args[0] == "one.json" {
			for name, part := range map[string]string{"one.json": "logs/RECV-9.LOG", "two.json": "logs/RECV-10.LOG"} {
				status, out, errs := ask(t, "", "-save", name, part)
				require.Zero(t, status)
				require.Empty(t, out+errs)
			}
		}
		status, out, _ := ask(t, log, append([]string{"-config", "config.json", "-format", "json"}, args...)...)
		require.Equal(t, 1, status, args)
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		delete(got, "read")
		comparable := strings.NewReplacer(`"Encrypted"`, "").Replace(fmt.Sprint(withoutSources(got)))
		if want == "" {
			want = comparable
		}
		assert.Equal(t, want, comparable, args)
	}
	t.Run("saved and told", func(t *testing.T) {
		status, out, _ := ask(t, "", "-config", "config.json", "-save", "all.json", "whole.LOG")
		assert.Equal(t, 1, status)
		assert.Contains(t, out, "The logs agree")
		data, err := os.ReadFile("all.json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, new(smtplog.Traffic)))
	})
	t.Run("without a configuration", func(t *testing.T) {
		status, out, _ := ask(t, "", "whole.LOG")
		assert.Zero(t, status)
		assert.Contains(t, out, "  EX01\\Relay: 3 sessions")
		assert.Contains(t, out, "    from anywhere: 3 sessions of 2 sources\n")
		assert.NotContains(t, out, "agree")
	})
}

// withoutSources leaves out where examples are.
func withoutSources(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "source")
		for k := range v {
			v[k] = withoutSources(v[k])
		}
	case []any:
		for i := range v {
			v[i] = withoutSources(v[i])
		}
	}
	return v
}

func TestUnusable(t *testing.T) {
	workIn(t, map[string]string{"config.json": config, "RECV.LOG": story(), "tracking.LOG": "#Log-type: Message Tracking Log\n#Fields: a\nb\n", "bad.json": "{}", "bad.zip": "x", "none/x.txt": "", "empty.json": `{"servers": []}`})
	for _, row := range []struct{ want, args string }{
		{"name the logs", ""}, {"name the logs", "-config config.json"}, {"needs the configuration", "-change x RECV.LOG"}, {"not both", "-config config.json -change x -after config.json RECV.LOG"},
		{"no such file", "gone.LOG"}, {"no such file", "-config gone.json RECV.LOG"}, {"no such file", "-config config.json -after gone.json RECV.LOG"}, {"no record", "none"},
		{"not an SMTP protocol log", "tracking.LOG"}, {"bad.json: not a saved traffic of logs", "bad.json"}, {"bad.zip", "bad.zip"}, {"neither receive connectors nor servers", "-config empty.json RECV.LOG"},
		{"flag provided", "-nonsense"}, {"change", "-config config.json -change Get-Mailbox RECV.LOG"}, {"no command", "-config config.json -change # RECV.LOG"}, {"no such file", "-save gone/x.json RECV.LOG"},
	} {
		status, out, errs := ask(t, "", strings.Fields(row.args)...)
		assert.Equal(t, 2, status, row.args)
		assert.Empty(t, out, row.args)
		assert.Contains(t, errs, row.want, row.args)
	}
	status, _, errs := ask(t, "", "-h")
	assert.Zero(t, status)
	assert.Contains(t, errs, "usage: rcreplay")
}

// An interrupt ends the reading; what was read is told and marked, and the status says so.
func TestInterrupt(t *testing.T) {
	workIn(t, map[string]string{"config.json": config})
	ctx, cancel := context.WithCancel(context.Background())
	var stdout, stderr bytes.Buffer
	status := run(ctx, []string{"-config", "config.json", "-save", "part.json", "-"}, io.MultiReader(strings.NewReader(story()), stuck(cancel)), &stdout, &stderr)
	assert.Equal(t, exitInterrupted, status, stderr.String())
	assert.True(t, strings.HasPrefix(stdout.String(), "PARTIAL: reading was interrupted; what follows is what was read until then.\n15 records of 1 log: 3 sessions"), stdout.String())

	// What was saved says so, too, and whatever comes when the context is done is not read.
	stdout.Reset()
	status = run(ctx, []string{"-config", "config.json", "-format", "json", "-", "part.json"}, strings.NewReader(""), &stdout, &stderr)
	assert.Equal(t, exitInterrupted, status)
	assert.Contains(t, stdout.String(), `"interrupted": true`)
	assert.Contains(t, stdout.String(), `"files": 0`)
	status, out, _ := ask(t, "", "part.json")
	assert.Equal(t, exitInterrupted, status)
	assert.True(t, strings.HasPrefix(out, "PARTIAL: "))
}

// stuck is a reader from which nothing comes; who reads it is interrupted.
type stuck context.CancelFunc

func (s stuck) Read([]byte) (int, error) {
	s()
	select {}
}

func TestSave(t *testing.T) {
	workIn(t, map[string]string{"keep.json": `{"format":"kept"}`, "empty.LOG": "#\n", "bad.LOG": story() + "x\n"})
	status, _, errs := ask(t, "", "-save", "keep.json", "empty.LOG")
	assert.Equal(t, 2, status)
	assert.Contains(t, errs, "no record")
	data, err := os.ReadFile("keep.json")
	require.NoError(t, err)
	assert.Equal(t, `{"format":"kept"}`, string(data))
	status, out, errs := ask(t, "", "-save", "keep.json", "bad.LOG")
	assert.Zero(t, status)
	assert.Empty(t, out)
	assert.Contains(t, errs, "  not as expected, 1 time: not as many fields as the header names\n    bad.LOG:19: ")
}

// Logs are what there is only once: nothing is written over one, be it named or in a folder that is.
func TestLogsAreKept(t *testing.T) {
	workIn(t, map[string]string{"logs/RECV.LOG": story(), "config.json": config})
	for _, args := range [][]string{{"-o", "logs/RECV.LOG", "logs"}, {"-o", "logs/../logs/RECV.LOG", "logs/RECV.LOG"}, {"-save", "logs/RECV.LOG", "logs"}, {"-save", "config.json", "-config", "config.json", "logs"}} {
		status, _, errs := ask(t, "", args...)
		assert.Equal(t, 2, status, args)
		assert.Contains(t, errs, "not written over", args)
	}
	data, err := os.ReadFile("logs/RECV.LOG")
	require.NoError(t, err)
	assert.Equal(t, story(), string(data))
	status, _, errs := ask(t, "", "-o", "logs/report.txt", "logs")
	assert.Zero(t, status, errs)
	assert.FileExists(t, "logs/report.txt", "a new file may be in the folder")
	for range 2 {
		status, _, errs = ask(t, "", "-o", "report.txt", "logs/RECV.LOG")
		assert.Zero(t, status, "a report is written over: %s", errs)
	}
}

func TestEveryForm(t *testing.T) {
	path := file(t, "config.json", config)
	logs := file(t, "RECV.LOG", story())
	ask := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		status := run(context.Background(), args, strings.NewReader(""), &out, &errs)
		return status, out.String(), errs.String()
	}
	formtest.Check(t, ask, []string{"sarif"}, path, "-config", path, "-change", `Set-ReceiveConnector 'EX01\Relay' -RemoteIPRanges '10.0.5.0/25'`, logs)
	formtest.Check(t, ask, []string{"sarif"}, logs, logs)
	status, _, stderr := ask("-save", filepath.Join(t.TempDir(), "x.json"), "-o", filepath.Join(t.TempDir(), "y"), logs)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "with -save alone nothing is told")
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}
