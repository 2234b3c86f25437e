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

// documented is the worked example of the documentation, and a second server.
const documented = `{"connectors": [
 {"identity": "Exchange01\\Client Frontend", "transportRole": "FrontendTransport", "bindings": ["0.0.0.0:25", "[::]:25"], "remoteIPRanges": ["0.0.0.0-255.255.255.255", "::/0"]},
 {"identity": "Exchange01\\Custom Connector A", "transportRole": "FrontendTransport", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["192.168.1.0-192.168.1.255"]},
 {"identity": "Exchange01\\Custom Connector B", "transportRole": "FrontendTransport", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["192.168.1.75"]},
 {"identity": "Exchange02\\Inner", "bindings": ["10.0.0.2:25"], "remoteIPRanges": ["192.168.1.0/24"]},
 {"identity": "Exchange02\\Outer", "bindings": ["0.0.0.0:25", "0.0.0.0:587"], "remoteIPRanges": ["0.0.0.0/0"]}]}`

func call(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.json")
	require.NoError(t, os.WriteFile(path, []byte(documented), 0o644))
	var out, errs bytes.Buffer
	status = run(append(args, path), strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

// The worked example of the documentation, with a reason for every loser.
func TestDocumentedExample(t *testing.T) {
	for remote, want := range map[string][]string{
		"192.168.1.75":  {`Custom Connector B Won 192.168.1.75`, `Custom Connector A LostToNarrower 192.168.1.0-192.168.1.255`, `Client Frontend LostToNarrower 0.0.0.0-255.255.255.255`},
		"192.168.1.100": {`Custom Connector A Won 192.168.1.0-192.168.1.255`, `Client Frontend LostToNarrower 0.0.0.0-255.255.255.255`, `Custom Connector B NotInRange `},
		"192.168.2.1":   {`Client Frontend Won 0.0.0.0-255.255.255.255`, `Custom Connector A NotInRange `, `Custom Connector B NotInRange `},
	} {
		status, out, stderr := call(t, "", "-server", "exchange01", "-local", "10.0.0.1:25", "-remote", remote, "-format", "json")
		assert.Zero(t, status)
		assert.Empty(t, stderr)
		var got struct {
			Outcome, Connector, Range, Binding, Doubt string
			Steps                                     []struct{ Connector, Reason, Range, Rule string }
		}
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		assert.Equal(t, "Selected", got.Outcome)
		assert.Equal(t, "0.0.0.0:25", got.Binding)
		var steps []string
		for _, s := range got.Steps {
			steps = append(steps, strings.TrimPrefix(s.Connector, `Exchange01\`)+" "+s.Reason+" "+s.Range)
			assert.NotEmpty(t, s.Rule)
		}
		assert.Equal(t, want, steps)

		_, text, _ := call(t, "", "-server", "exchange01", "-remote", remote)
		assert.Contains(t, text, "Won")
		assert.Contains(t, text, "[documented: ")
	}
}

// Without -server all servers are asked, without -local every endpoint on port 25 that has an answer of its own.
func TestEverywhere(t *testing.T) {
	status, out, _ := call(t, "192.168.1.75\n\n# a comment\nfd00::1\n ::ffff:192.168.1.9 \n", "-remote", "-")
	assert.Zero(t, status)
	assert.Equal(t, `192.168.1.75 -> Exchange01 0.0.0.0:25: Exchange01\Custom Connector B by 192.168.1.75
192.168.1.75 -> Exchange02 0.0.0.0:25: Exchange02\Outer by 0.0.0.0/0
192.168.1.75 -> Exchange02 10.0.0.2:25: Exchange02\Inner by 192.168.1.0/24
fd00::1 -> Exchange01 [::]:25: Exchange01\Client Frontend by ::/0
fd00::1 -> Exchange02 [::]:25: NotListening
::ffff:192.168.1.9 -> Exchange01 0.0.0.0:25: Exchange01\Custom Connector A by 192.168.1.0-192.168.1.255
::ffff:192.168.1.9 -> Exchange02 0.0.0.0:25: Exchange02\Outer by 0.0.0.0/0
::ffff:192.168.1.9 -> Exchange02 10.0.0.2:25: Exchange02\Inner by 192.168.1.0/24
`, out)

	// Known addresses replace the endpoints; endpoints of one answer are asked once.
	_, out, _ = call(t, "192.168.1.75", "-addr", "Exchange02=10.0.0.2", "-addr", "Exchange01=10.0.0.1,10.0.0.3,fd00::1", "-remote", "-")
	assert.Equal(t, `192.168.1.75 -> Exchange01 10.0.0.1:25: Exchange01\Custom Connector B by 192.168.1.75
192.168.1.75 -> Exchange02 10.0.0.2:25: Exchange02\Inner by 192.168.1.0/24
`, out)

	_, out, _ = call(t, "", "-local", "0.0.0.0:587", "-remote", "10.0.0.9")
	assert.Contains(t, out, "Exchange01 0.0.0.0:587: NotListening")
	assert.Contains(t, out, `Exchange02 0.0.0.0:587: Exchange02\Outer by 0.0.0.0/0`)
}

// A refusal is an answer.
func TestRefusals(t *testing.T) {
	for outcome, args := range map[string][]string{
		"UnknownServer": {"-server", "EX99", "-remote", "10.0.0.1"},
		"NotListening":  {"-server", "Exchange01", "-local", "10.0.0.1:26", "-remote", "10.0.0.1"},
		"NoRange":       {"-server", "Exchange02", "-local", "10.0.0.2:25", "-remote", "10.0.0.1"},
		"InvalidConn":   {"-server", "Exchange02", "-local", "10.0.0.2:25", "-remote", "fd00::1"},
	} {
		status, out, stderr := call(t, "", append(args, "-format", "json")...)
		assert.Zero(t, status)
		assert.Empty(t, stderr)
		if outcome == "NoRange" {
			assert.Contains(t, out, `"outcome":"Selected","connector":"Exchange02\\Outer"`, "the wildcard serves it")
			continue
		}
		assert.Contains(t, out, `"outcome":"`+outcome+`"`)
	}
}

// What a peer gets, beside who serves it.
func TestPeer(t *testing.T) {
	status, out, stderr := call(t, "", "-server", "exchange01", "-remote", "192.168.1.75", "-peer", "anonymous", "-tls", "IfOffered")
	assert.Zero(t, status)
	assert.Empty(t, stderr)
	assert.Contains(t, out, `Exchange01\Custom Connector B by 192.168.1.75`)
	assert.Contains(t, out, "  EHLO in clear: [SIZE], PIPELINING")
	assert.Contains(t, out, "    MAIL FROM foreign domain: refused, 530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM (doubt: Version)\n")
	status, out, _ = call(t, "192.168.1.75\n192.168.2.1\n", "-server", "exchange01", "-remote", "-", "-peer", "exchangeserver", "-format", "json")
	assert.Zero(t, status)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	for _, line := range lines {
		var got struct {
			Connector, Cause string
			Session          []struct{ Stage, State string }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &got))
		assert.Equal(t, "NoMechanism", got.Cause)
		assert.Len(t, got.Session, 9)
	}
}

// What the files tell of a server that connects counts.
func TestPeerThatIsKnown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wan.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"servers": [{"name": "EX02", "version": "2013", "addresses": ["10.0.2.1"], "useDowngradedExchangeServerAuth": true}],
 "connectors": [{"identity": "EX01\\WAN", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.2.0/24"], "authMechanism": "Tls, ExchangeServer", "permissionGroups": "ExchangeServers", "suppressXAnonymousTls": true}]}`), 0o644))
	for remote, want := range map[string]string{"10.0.2.1": "authenticate: done, 235", "10.0.2.2": "authenticate: refused, 451 5.7.3"} {
		var out, errs bytes.Buffer
		assert.Zero(t, run([]string{"-server", "EX01", "-remote", remote, "-peer", "exchangeserver", path}, nil, &out, &errs))
		assert.Contains(t, out.String(), want)
	}
}

// A range, or a network of the topology, is answered as a whole.
func TestManySources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hybrid.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"servers": [{"name": "EX01", "addresses": ["10.0.0.1", "fd00::1"]}],
 "connectors": [{"identity": "EX01\\Default", "bindings": ["0.0.0.0:25", "[::]:25"], "remoteIPRanges": ["0.0.0.0/0", "::/0"]},
  {"identity": "EX01\\Online", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["192.0.2.0/28"]}],
 "networks": [{"name": "Online", "kind": "Hybrid", "ranges": ["192.0.2.0/24", "2001:db8::/32"]}]}`), 0o644))
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"-remote", "ONLINE"}, "Online -> EX01 10.0.0.1:25: they do not reach one connector\n  EX01\\Online: 192.0.2.0/28\n  EX01\\Default: 192.0.2.16-192.0.2.255\n" +
			"Online -> EX01 [fd00::1]:25: all of them reach EX01\\Default\n"},
		{[]string{"-remote", "192.0.2.0/29", "-server", "ex01"}, "192.0.2.0/29 -> ex01 10.0.0.1:25: all of them reach EX01\\Online\n"},
		{[]string{"-remote", "192.0.2.0-192.0.2.9", "-local", "0.0.0.0:587"}, "192.0.2.0-192.0.2.9 -> EX01 0.0.0.0:587: all of them reach no connector (NotListening)\n"},
	} {
		var out, errs bytes.Buffer
		assert.Zero(t, run(append(row.args, path), nil, &out, &errs))
		assert.Empty(t, errs.String())
		assert.Equal(t, row.want, out.String())
	}
	status, _, stderr := call(t, "", "-remote", "10.0.0.0/8", "-peer", "user", path)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "-peer is about one address")
}

func TestUnusable(t *testing.T) {
	for why, row := range map[string]struct {
		args  []string
		stdin string
		says  string
	}{
		"no address":          {nil, "", "-remote and a file are needed"},
		"not an address":      {[]string{"-remote", "x"}, "", "-remote x: neither an address nor a range, and no network of the files"},
		"a bad line":          {[]string{"-remote", "-"}, "10.0.0.1\nmail.contoso.com\n", "standard input:2: ParseAddr"},
		"not an endpoint":     {[]string{"-local", "10.0.0.1", "-remote", "10.0.0.1"}, "", "the port is missing"},
		"an unknown format":   {[]string{"-format", "x"}, "", "format"},
		"a contradiction":     {[]string{"-addr", "x", "-remote", "10.0.0.1"}, "", "server addresses"},
		"an endless line":     {[]string{"-remote", "-"}, strings.Repeat("1", 1<<20), "token too long"},
		"an unknown peer":     {[]string{"-peer", "robot", "-remote", "10.0.0.1"}, "", "not a known value"},
		"an unknown policy":   {[]string{"-peer", "user", "-tls", "maybe", "-remote", "10.0.0.1"}, "", "not a known value"},
		"a policy of nobody":  {[]string{"-tls", "insists", "-remote", "10.0.0.1"}, "", "-tls says what a client does"},
		"one of a server":     {[]string{"-peer", "exchangeserver", "-tls", "insists", "-remote", "10.0.0.1"}, "", "-tls says what a client does"},
		"a file that is none": {[]string{"-remote", "10.0.0.1", "/nowhere/x"}, "", "no such file"},
	} {
		status, _, stderr := call(t, row.stdin, row.args...)
		assert.Equal(t, 2, status, why)
		assert.Contains(t, stderr, row.says, why)
	}
	status, _, stderr := call(t, "", "-h")
	assert.Zero(t, status)
	assert.Contains(t, stderr, "rcselect -server EX01")

	bad := filepath.Join(t.TempDir(), "bad.json")
	require.NoError(t, os.WriteFile(bad, []byte(`{"servers": [{"name": ""}]}`), 0o644))
	var errs bytes.Buffer
	assert.Equal(t, 2, run([]string{"-remote", "10.0.0.1", bad}, nil, nil, &errs))
	assert.Contains(t, errs.String(), "nothing given")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.json")
	require.NoError(t, os.WriteFile(path, []byte(documented), 0o644))
	var errs bytes.Buffer
	assert.Equal(t, 2, run([]string{"-remote", "10.0.0.1", path}, nil, full{}, &errs))
	assert.Contains(t, errs.String(), "disk full")
	assert.Equal(t, 2, run([]string{"-remote", "-", path}, strings.NewReader(strings.Repeat("10.0.0.1\n", 5000)), full{}, &errs))
}

func TestEveryForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.json")
	require.NoError(t, os.WriteFile(path, []byte(documented), 0o644))
	ask := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		status := run(args, strings.NewReader("192.168.1.75\n192.168.1.76\n"), &out, &errs)
		return status, out.String(), errs.String()
	}
	for _, args := range [][]string{{"-remote", "192.168.1.75"}, {"-remote", "-"}, {"-remote", "192.168.0.0/16"}, {"-remote", "192.168.1.75", "-peer", "anonymous"}} {
		formtest.Check(t, ask, nil, path, append(args, path)...)
	}
	_, out, _ := ask("-remote", "-", "-format", "html", path)
	assert.Equal(t, 1, strings.Count(out, "<!DOCTYPE"), "many answers are one page")
	status, _, stderr := ask("-remote", "x", "-format", "html", path)
	assert.Equal(t, 2, status)
	assert.NotEmpty(t, stderr)
}

// A file is not there where a line of the input is of no use, and what was answered before is on the pipe.
func TestHalfAnswered(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	status, _, stderr := call(t, "192.168.1.75\nnonsense\n", "-remote", "-", "-o", file)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "standard input:2")
	assert.NoFileExists(t, file)
	_, out, _ := call(t, "192.168.1.75\nnonsense\n", "-remote", "-")
	assert.Contains(t, out, "192.168.1.75 -> Exchange01")
}
