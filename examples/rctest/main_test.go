package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/examples/internal/formtest"
)

func call(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(context.Background(), args, strings.NewReader(""), &out, &err)
	return status, out.String(), err.String()
}

// two servers of two sites, mail between which passes.
const topology = `{
 "servers": [{"name": "EX01", "fqdn": "ex01.contoso.com", "site": "A", "version": "14.3", "roles": "HubTransport", "addresses": ["10.1.0.11"]},
             {"name": "EX02", "fqdn": "ex02.contoso.com", "site": "B", "version": "14.3", "roles": "HubTransport", "addresses": ["10.2.0.11"]}],
 "connectors": [
  {"identity": "EX01\\Default EX01", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0-255.255.255.255"], "authMechanism": "Tls, ExchangeServer", "permissionGroups": "ExchangeServers", "fqdn": "ex01.contoso.com"},
  {"identity": "EX01\\Relay", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.9.0.0/24"], "permissionGroups": "AnonymousUsers"},
  {"identity": "EX02\\Default EX02", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["0.0.0.0-255.255.255.255"], "authMechanism": "Tls, ExchangeServer", "permissionGroups": "ExchangeServers", "fqdn": "ex02.contoso.com"}]}`

const story = `A relay for one subnet.
-- topology.json --
{"connectors": [{"identity": "EX01\\Relay", "bindings": ["0.0.0.0:25"], "remoteIPRanges": ["10.0.5.0/24"]}]}
-- expect.txt --
# The subnet.
EX01 *:25 10.0.5.0/24 -> EX01\Relay
EX01 *:25 10.0.4.0/23 -> EX01\Relay
`

const log = `#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2026-11-20T08:00:00.000Z,EX01\Relay,08DE280000000001,0,10.1.0.11:25,10.9.0.7:50001,+,,
2026-11-20T08:00:00.020Z,EX01\Relay,08DE280000000001,1,10.1.0.11:25,10.9.0.7:50001,<,EHLO x,
2026-11-20T08:00:00.020Z,EX01\Relay,08DE280000000001,2,10.1.0.11:25,10.9.0.7:50001,>,"250 2.6.0 <1@x> [InternalId=1, Hostname=EX01] Queued mail for delivery",
2026-11-20T08:00:00.030Z,EX01\Relay,08DE280000000001,3,10.1.0.11:25,10.9.0.7:50001,-,,Local
2026-11-20T08:00:00.000Z,nameless,08DE280000000002,0,10.1.0.11:25,10.9.0.7:50001,+,,
2026-11-20T08:00:00.030Z,nameless,08DE280000000002,1,10.1.0.11:25,10.9.0.7:50001,-,,Local
`

// workIn makes a folder with files the working directory.
func workIn(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
}

const good = "EX01 *:25 10.9.0.0/24 -> EX01\\Relay\nEX01 *:25 EX02 -> EX01\\Default EX01, authenticated\nflow * * * -> passes\nno finding error\n"

// Each way to ask, its status, and what is said where.
func TestAsk(t *testing.T) {
	workIn(t, map[string]string{
		"t.json": topology, "expect.txt": good, "bad.expect": "x: EX01 *:25 10.9.0.0/23 -> EX01\\Relay\n", "none.expect": "# nothing yet\n", "broken.expect": "\nEX01 *:25 10.9.0.300 -> served\n",
		"story.txtar": story, "mine.txt": good, "mine": "# nothing\n", "fine.txtar": strings.Split(story, "EX01 *:25 10.0.4.0/23")[0], "none.txtar": strings.Split(story, "# The subnet")[0], "broken.txtar": "-- topology.json --\n{}\n-- expect.txt --\nx\n", "drift.expect": "EX01 *:25 nobody -> served\n", "empty.json": `{"networks": []}`,
		"nonsense.txt":  "EX01 : 10.9.0.1 EX01\\Relay\n",
		"export.xml":    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Objs/>\n",
		"gotestsum.xml": "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"unit\" tests=\"1\">\n</testsuites>\n",
		"twice.json":    `{"servers": [{"name": "A"}, {"name": "a"}]}`,
	})
	for _, row := range []struct {
		args   string
		status int
		out    string
		errs   string
	}{
		{"t.json expect.txt", 0, "ok   expect.txt: 4 expectations hold\n", ""},
		{"mine.txt t.json", 0, "ok   mine.txt: 4 expectations hold\n", ""}, // told by what is in it
		{"-expect mine t.json", 1, "UNTESTED mine: nothing is expected\n", ""},
		{"t.json fine.txtar", 1, "UNTESTED t.json: nothing is expected\nok   fine.txtar: 1 expectation holds\n", ""},
		{"fine.txtar none.txtar", 1, "UNTESTED none.txtar: nothing is expected\n", ""},
		{"fine.txtar", 0, "ok   fine.txtar: 1 expectation holds\n", ""},
		{"-junit - -format json t.json expect.txt", 2, "", "standard output is for one of"},
		{"-expect t.json t.json", 2, "", "is it a file of expectations?"},
		{"t.json bad.expect", 1, "FAIL bad.expect:1: x: EX01 *:25 10.9.0.0/23\n  want EX01\\Relay\n  got  EX01\\Default EX01\n       for 10.9.1.0/24 at EX01 0.0.0.0:25\n", ""},
		{"t.json bad.expect expect.txt", 1, "FAIL bad.expect: 1 of 1 expectation does not hold\nok   expect.txt: 4 expectations hold\n1 of 5 expectations does not hold.\n", ""},
		{"t.json drift.expect", 1, "cannot be asked: not in the topology: nobody", ""},
		{"t.json", 1, "UNTESTED", ""},
		{"t.json none.expect", 1, "UNTESTED none.expect: nothing is expected\n", ""},
		{"t.json none.expect expect.txt", 1, "UNTESTED none.expect: nothing is expected\nok   expect.txt: 4", ""},
		{"-cover t.json", 1, "coverage: 0 %", ""},
		{"-cover t.json expect.txt", 0, "coverage: 70 %: 2 of 3 connectors, 2 of 3 ranges, 1 of 2 listeners, ", ""},
		{"-min 70 t.json expect.txt", 0, "coverage: 70 %", ""},
		{"-min 71 t.json expect.txt", 1, "FAIL coverage: 70 %, and 71 % are asked for", ""},
		{"-min x t.json", 2, "", "a number from 0 to 100"},
		{"-min 101 t.json", 2, "", "a number from 0 to 100"},
		{"story.txtar", 1, "FAIL story.txtar/expect.txt:3: EX01 *:25 10.0.4.0/23", ""},
		{"-addr EX01=10.1.0.12 t.json expect.txt", 0, "ok ", ""},
		{"-h", 0, "", "usage: rctest"},
		{"", 2, "", "rctest: name the files of your servers"},
		{"expect.txt", 2, "", "rctest: name the files of your servers"},
		{"expect.txt story.txtar", 2, "", "rctest: name the exports that the expectations are about"},
		{"-cover story.txtar", 2, "", "rctest: name the exports"},
		{"-update t.json", 2, "", "rctest: -update writes a snapshot or stories"},
		{"-update -snapshot s.txt t.json fine.txtar", 2, "", "not both"},
		{"-update -snapshot expect.txt t.json", 2, "", "expect.txt: not written over, because rctest did not write it"},
		{"-log x t.json", 2, "", "rctest: -log goes with -generate"},
		{"-generate", 2, "", "rctest: -generate needs exports"},
		{"-generate -cover t.json", 2, "", "rctest: -generate goes with exports and -log alone"},
		{"-generate t.json expect.txt", 2, "", "rctest: -generate goes with exports and -log alone"},
		{"-generate -log x t.json", 2, "", "rctest: expectations are generated from exports or from logs"},
		{"-snapshot s.txt t.json", 2, "", "-update writes the decisions of today"},
		{"-snapshot none.expect t.json", 2, "", "none.expect: no decision in it"},
		{"-snapshot broken.expect t.json", 2, "", "broken.expect:2:11: "},
		{"-snapshot . -update t.json", 2, "", "is a directory"},
		{"t.json broken.expect", 2, "", "broken.expect:2:11: case"},
		{"t.json gone.expect", 2, "", "gone.expect"},
		{"gone.txtar", 2, "", "gone.txtar"},
		{"broken.txtar", 2, "", "broken.txtar/expect.txt:1:2: "},
		{"empty.json expect.txt", 2, "", "neither receive connectors nor servers"},
		{"gone.json expect.txt", 2, "", "gone.json"},
		{"twice.json expect.txt", 2, "", "given more than once"},
		{"-junit t.json expect.txt", 2, "", "t.json: not written over, because rctest did not write it"},
		{"t.json -junit expect.txt", 2, "", "expect.txt: not written over, because rctest did not write it"},
		{"-junit t.json t.json expect.txt", 2, "", "t.json: not written over, because it is read as well"},
		{"-junit export.xml t.json expect.txt", 2, "", "export.xml: not written over, because rctest did not write it"},
		{"-junit ./new -snapshot new -update t.json", 2, "", "name one file"},
		{"-junit gotestsum.xml t.json expect.txt", 2, "", "gotestsum.xml: not written over, because rctest did not write it"},
		{"-snapshot t.json -update t.json", 2, "", "t.json: not written over, because it is read as well"},
		{"nonsense.txt t.json", 2, "", "hint: a file of expectations in which no line can be read is taken for an export"},
		{"t.json expect.txt expect.txt", 0, "ok   expect.txt: 4 expectations hold\n", ""},
		{"-junit no/such/folder.xml t.json expect.txt", 2, "", "no/such/folder.xml"},
		{"-nonsense", 2, "", "nonsense"},
		{"-generate empty.json", 2, "", "neither receive connectors nor servers"},
	} {
		t.Run(row.args, func(t *testing.T) {
			status, out, errs := call(t, strings.Fields(row.args)...)
			assert.Equal(t, row.status, status, out+errs)
			assert.Contains(t, out, row.out)
			assert.Contains(t, strings.ReplaceAll(errs, `\`, "/"), row.errs)
			if row.status == 2 && !strings.HasPrefix(row.args, "-junit no/such") { // which is found when all is asked
				assert.Empty(t, out)
				assert.LessOrEqual(t, strings.Count(errs, "\n"), 2, errs)
			}
		})
	}
}

// A pipe is read once; it is an export unless -expect says otherwise.
func TestPipe(t *testing.T) {
	workIn(t, map[string]string{"t.json": topology, "expect.txt": good})
	pipe := func(name string) string {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { r.Close() })
		go func() {
			data, _ := os.ReadFile(name)
			_, _ = w.Write(data)
			w.Close()
		}()
		return fmt.Sprintf("/dev/fd/%d", r.Fd())
	}
	if _, err := os.Stat("/dev/fd"); err != nil {
		return // pipes have no names there
	}
	status, out, errs := call(t, pipe("t.json"), "expect.txt")
	assert.Zero(t, status, errs)
	assert.Contains(t, out, "ok   expect.txt: 4 expectations hold")
	status, out, errs = call(t, "t.json", "-expect", pipe("expect.txt"))
	assert.Zero(t, status, out+errs)
}

// A device stays one, a report keeps its mode, and a link leads where it led.
func TestWhereReportsGo(t *testing.T) {
	workIn(t, map[string]string{"t.json": topology, "expect.txt": good})
	status, _, errs := call(t, "-junit", os.DevNull, "t.json", "expect.txt")
	assert.Zero(t, status, errs)
	info, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	assert.False(t, info.Mode().IsRegular())
	status, _, errs = call(t, "-junit", "r.xml", "t.json", "expect.txt")
	assert.Zero(t, status, errs)
	require.NoError(t, os.Chmod("r.xml", 0o600))
	link := "dangling.xml"
	if err := os.Symlink("target.xml", link); err != nil {
		link = "target.xml" // where links are a privilege
	}
	for _, name := range []string{"r.xml", link} {
		status, _, errs = call(t, "-junit", name, "t.json", "expect.txt")
		assert.Zero(t, status, errs)
	}
	if info, err = os.Stat("r.xml"); assert.NoError(t, err) && runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	assert.FileExists(t, "target.xml")
	if info, err = os.Lstat(link); assert.NoError(t, err) && link != "target.xml" {
		assert.NotZero(t, info.Mode()&os.ModeSymlink)
	}
}

// Programs are told, too, that nothing could be asked.
func TestUnusableForPrograms(t *testing.T) {
	workIn(t, map[string]string{"t.json": topology, "bad.expect": "nonsense\n", "mine.new": "keep"})
	status, out, _ := call(t, "-junit", "-", "t.json", "bad.expect")
	assert.Equal(t, 2, status)
	assert.Contains(t, out, `<error type="unusable" message="bad.expect:1:9: `)
	status, out, _ = call(t, "-format", "json", "t.json", "bad.expect")
	assert.Equal(t, 2, status)
	var o struct{ Error string }
	require.NoError(t, json.Unmarshal([]byte(out), &o))
	assert.Contains(t, o.Error, "bad.expect:1:9: ")
	status, _, _ = call(t, "-snapshot", "mine", "-update", "t.json")
	assert.Zero(t, status)
	data, err := os.ReadFile("mine.new")
	require.NoError(t, err)
	assert.Equal(t, "keep", string(data))
}

func TestFormats(t *testing.T) {
	workIn(t, map[string]string{"t.json": topology, "expect.txt": good})
	status, out, _ := call(t, "-format", "json", "-cover", "t.json", "expect.txt")
	assert.Zero(t, status)
	var o struct{ Holds bool }
	require.NoError(t, json.Unmarshal([]byte(out), &o))
	assert.True(t, o.Holds)
	status, out, _ = call(t, "-junit", "r.xml", "t.json", "expect.txt")
	assert.Zero(t, status)
	assert.Contains(t, out, "ok   expect.txt")
	data, err := os.ReadFile("r.xml")
	require.NoError(t, err)
	_, out, _ = call(t, "-junit", "-", "t.json", "expect.txt")
	assert.Equal(t, string(data), out)
	var x struct {
		Tests int `xml:"tests,attr"`
	}
	require.NoError(t, xml.Unmarshal(data, &x))
	assert.Equal(t, 4, x.Tests)
}

// A report of an earlier time does not stay where nothing could be asked.
func TestJUnitOfUnusableInput(t *testing.T) {
	workIn(t, map[string]string{"t.json": topology, "expect.txt": good, "broken.expect": "nonsense\n"})
	for _, args := range [][]string{{"t.json", "broken.expect"}, {"gone.json", "expect.txt"}, {"-min", "50", "expect.txt"}} {
		status, _, _ := call(t, "-junit", "r.xml", "t.json", "expect.txt")
		assert.Zero(t, status)
		status, _, errs := call(t, append([]string{"-junit", "r.xml"}, args...)...)
		assert.Equal(t, 2, status)
		data, err := os.ReadFile("r.xml")
		require.NoError(t, err)
		assert.Contains(t, string(data), `<testsuites name="topotest" tests="1" failures="0" errors="1">`)
		assert.Contains(t, html.UnescapeString(string(data)), strings.Split(errs, "\n")[0])
	}
}

func TestEveryForm(t *testing.T) {
	path, cases := file(t, "t.json", topology), file(t, "expect.txt", "EX01 *:25 10.9.0.0/24 -> EX01\\Relay\nEX01 *:25 10.8.0.0/24 -> EX01\\Relay\n")
	ask := func(args ...string) (int, string, string) { return call(t, args...) }
	formtest.Check(t, ask, []string{"junit"}, path, "-cover", path, cases)
	junit := filepath.Join(t.TempDir(), "j.xml")
	status, out, _ := call(t, "-format", "junit", path, cases)
	assert.Equal(t, 1, status)
	_, _, _ = call(t, "-junit", junit, path, cases)
	data, err := os.ReadFile(junit)
	require.NoError(t, err)
	assert.Equal(t, out, string(data), "-junit writes the same as well")
	for _, args := range [][]string{{"-o", junit, "-junit", junit, path, cases}, {"-o", junit, "-snapshot", junit, "-update", path}, {"-generate", "-format", "json", path}} {
		status, _, stderr := call(t, args...)
		assert.Equal(t, 2, status)
		assert.NotEmpty(t, stderr)
	}
	// Programs are told why nothing could be asked, in the file, too; people on standard error alone.
	for form, want := range map[string]bool{"json": true, "junit": true, "text": false, "html": false} {
		o := filepath.Join(t.TempDir(), "o")
		status, _, stderr := call(t, "-format", form, "-o", o, path, file(t, "bad.expect", "nonsense\n"))
		assert.Equal(t, 2, status)
		assert.Contains(t, stderr, "bad.expect:1")
		_, err := os.Stat(o)
		assert.Equal(t, want, err == nil, form)
	}
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}
