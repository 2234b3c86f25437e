package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The decisions of today are written, a change is told, reviewed, and written anew.
func TestSnapshot(t *testing.T) {
	workIn(t, map[string]string{"t.json": topology, "after.json": strings.Replace(topology, "10.9.0.0/24", "10.9.0.0/25", 1)})
	status, out, _ := call(t, "-snapshot", "s.txt", "-update", "t.json")
	assert.Zero(t, status)
	assert.Equal(t, "s.txt: written\n", out)
	before, err := os.ReadFile("s.txt")
	require.NoError(t, err)
	assert.Contains(t, string(before), "\nEX01 0.0.0.0:25 10.9.0.0/24 -> EX01\\Relay\n")
	status, out, _ = call(t, "-snapshot", "s.txt", "t.json")
	assert.Zero(t, status)
	assert.Contains(t, out, "ok   s.txt")
	status, out, _ = call(t, "-snapshot", "s.txt", "after.json")
	assert.Equal(t, 1, status)
	assert.Equal(t, "FAIL s.txt: not what the snapshot has:\n  EX01 0.0.0.0:25: EX01\\Relay -> EX01\\Default EX01\n    10.9.0.128/25\n    128 addresses, for example 10.9.0.128\n", out)
	status, out, _ = call(t, "-snapshot", "s.txt", "-update", "after.json")
	assert.Zero(t, status)
	assert.Contains(t, out, "written anew; what is otherwise than the last time:\n  EX01 0.0.0.0:25: EX01\\Relay")
	status, _, _ = call(t, "-snapshot", "s.txt", "after.json")
	assert.Zero(t, status)
	// A part of it is lost, or it cannot be read any more.
	lost := strings.Replace(string(before), "EX01 0.0.0.0:25 10.9.0.0/24 -> EX01\\Relay\n", "", 1)
	require.NoError(t, os.WriteFile("s.txt", []byte(lost), 0o644))
	status, out, _ = call(t, "-snapshot", "s.txt", "t.json")
	assert.Equal(t, 1, status)
	assert.Contains(t, out, "a part of it is lost:\n    EX01 0.0.0.0:25: EX01\\Relay: 256 addresses, 10.9.0.0/24\n")
	require.NoError(t, os.WriteFile("s.txt", []byte(string(before)+"<<<<<<< HEAD\n"), 0o644))
	link := "link.txt"
	if err := os.Symlink("s.txt", link); err != nil {
		link = "s.txt" // where links are a privilege
	}
	status, out, errs := call(t, "-snapshot", link, "-update", "t.json")
	assert.Zero(t, status)
	assert.Equal(t, link+": written\n", out)
	assert.Contains(t, errs, "warning: what changed is not told, because the last snapshot cannot be read: "+link+":10:13: ")
	data, err := os.ReadFile("s.txt")
	require.NoError(t, err)
	assert.Equal(t, string(before), string(data))
	// A snapshot is a file of expectations like any other.
	require.NoError(t, os.WriteFile("s.expect", before, 0o644))
	status, out, _ = call(t, "-cover", "t.json", "s.expect")
	assert.Zero(t, status)
	assert.Contains(t, out, "3 of 3 connectors, 3 of 3 ranges, 2 of 2 listeners")
}

// The expectations are asked of what the servers would be.
func TestChange(t *testing.T) {
	workIn(t, map[string]string{"t.json": topology, "expect.txt": good})
	status, out, _ := call(t, "-change", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add='10.2.0.11'}`, "t.json", "expect.txt")
	assert.Equal(t, 1, status)
	assert.Contains(t, out, "FAIL expect.txt:2: EX01 *:25 EX02\n  want EX01\\Default EX01, authenticated\n  got  EX01\\Relay, not authenticated\n")
	status, out, errs := call(t, "-change", `Set-ReceiveConnector EX01\Relay -Comment x`, "-change", `Set-ReceiveConnector EX01\Relay -RemoteIPRanges @{Add='10.9.1.1'}`, "t.json", "expect.txt")
	assert.Zero(t, status, out)
	assert.Contains(t, errs, "note: change:1:33: -Comment: not modelled")
	_, _, _ = call(t, "-snapshot", "s.txt", "-update", "t.json")
	status, out, _ = call(t, "-snapshot", "s.txt", "-change", `Remove-ReceiveConnector EX01\Relay`, "t.json")
	assert.Equal(t, 1, status)
	assert.Contains(t, out, "EX01\\Relay -> EX01\\Default EX01\n    10.9.0.0/24\n")
	status, out, _ = call(t, "-change", `New-ReceiveConnector -Name New -Server EX01 -Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 10.9.0.128-10.9.1.127`, "t.json", "expect.txt")
	assert.Equal(t, 1, status)
	assert.Contains(t, out, "The cmdlets would refuse this:\n")
	assert.Contains(t, out, "overlap in part")
	for change, why := range map[string]string{"# nothing": "no command", "Restart-Computer": "change:1:1", `Set-ReceiveConnector EX01\Gone -Enabled $false`: "not in the topology"} {
		status, _, errs = call(t, "-change", change, "t.json", "expect.txt")
		assert.Equal(t, 2, status)
		assert.Contains(t, errs, why)
	}
	status, _, errs = call(t, "-change", "x", "-update", "-snapshot", "s.txt", "t.json")
	assert.Equal(t, 2, status)
	assert.Contains(t, errs, "not yet made")
}

func TestUpdateStory(t *testing.T) {
	workIn(t, map[string]string{"story.txtar": story, "bad.txtar": story + "-- nonsense --\n"})
	status, out, _ := call(t, "-update", "story.txtar")
	assert.Zero(t, status, out)
	data, err := os.ReadFile("story.txtar")
	require.NoError(t, err)
	assert.Contains(t, string(data), `-- expect.txt --
# The subnet.
EX01 *:25 10.0.5.0/24 -> EX01\Relay
EX01 0.0.0.0:25 10.0.4.0/24 -> refused NoRange
EX01 0.0.0.0:25 10.0.5.0/24 -> EX01\Relay
`)
	status, _, errs := call(t, "-update", "bad.txtar")
	assert.Equal(t, 2, status)
	assert.Contains(t, errs, "nonsense")
	data, err = os.ReadFile("bad.txtar")
	require.NoError(t, err)
	assert.Equal(t, story+"-- nonsense --\n", string(data), "it stays as it is")
}

func TestGenerate(t *testing.T) {
	workIn(t, map[string]string{"t.json": topology, "logs/RECV20261120-1.LOG": log, "empty.LOG": "#Fields: date-time\n", "bad.LOG": log + "x\n", "n.json": `{"servers": [{"name": "EX01"}]}`})
	status, out, _ := call(t, "-generate", "t.json")
	assert.Zero(t, status)
	assert.Contains(t, out, "EX01 0.0.0.0:25 10.9.0.0/24 -> EX01\\Relay by 10.9.0.0/24\n")
	require.NoError(t, os.WriteFile("all.expect", []byte(out), 0o644))
	status, out, _ = call(t, "-cover", "t.json", "all.expect")
	assert.Zero(t, status, out)

	status, out, errs := call(t, "-generate", "-log", "logs")
	assert.Zero(t, status)
	assert.Equal(t, "[EX01\\Relay]\n# 1 session, 2026-11-20\nEX01 10.1.0.11:25 10.9.0.7 as Anonymous -> EX01\\Relay, mail accepted\n", out)
	assert.Equal(t, "warning: sessions left out: 1; the log does not tell endpoint or server, or there are too many clients\n", errs)
	status, _, errs = call(t, "-generate", "-log", "bad.LOG")
	assert.Zero(t, status)
	assert.Contains(t, errs, "bad.LOG:8: ")

	for _, args := range [][]string{{"-log", "empty.LOG"}, {"n.json"}} {
		status, out, errs = call(t, append([]string{"-generate"}, args...)...)
		assert.Equal(t, 2, status, args)
		assert.Empty(t, out)
		assert.Contains(t, errs, "nothing to expect")
	}
	status, _, errs = call(t, "-generate", "-log", "gone.LOG")
	assert.Equal(t, 2, status)
	assert.Contains(t, errs, "gone.LOG")
}

func TestGenerateIsInterrupted(t *testing.T) {
	workIn(t, map[string]string{"RECV-1.LOG": log})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	assert.Equal(t, 2, run(ctx, []string{"-generate", "-log", "RECV-1.LOG"}, strings.NewReader(""), &out, &errs))
	assert.Empty(t, out.String())
	assert.Contains(t, errs.String(), "interrupted")
}

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestNothingIsWritten(t *testing.T) {
	workIn(t, map[string]string{"t.json": topology, "expect.txt": good})
	for _, args := range [][]string{{"t.json", "expect.txt"}, {"-junit", "-", "t.json", "expect.txt"}, {"-generate", "t.json"}} {
		var errs bytes.Buffer
		assert.Equal(t, 2, run(context.Background(), args, strings.NewReader(""), full{}, &errs), args)
		assert.Equal(t, "the disk is full\n", errs.String())
	}
}
