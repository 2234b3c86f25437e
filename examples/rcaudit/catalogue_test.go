package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// storyFile writes the topology of a story as native JSON.
func storyFile(t *testing.T, name string) string {
	t.Helper()
	f, err := topotest.Load(os.DirFS("../../testdata/topologies"), name+".txtar")
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, psexport.WriteJSON(&b, f.Topology))
	return file(t, name+".json", b.String())
}

func TestList(t *testing.T) {
	status, out, stderr := call("-list")
	assert.Zero(t, status)
	assert.Empty(t, stderr)
	assert.Equal(t, len(audit.All())+1, strings.Count(out, "\n"), "and the header")
	assert.Contains(t, out, "RC010 warning  servers of one group answer the same source differently\n")
	status, out, _ = call("-list", "-format", "json")
	assert.Zero(t, status)
	var got []struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Len(t, got, len(audit.All()))
}

func TestExplain(t *testing.T) {
	status, out, stderr := call("-explain", "rc001,RC90")
	assert.Zero(t, status)
	assert.Empty(t, stderr)
	assert.Contains(t, out, "RC001 error: server-to-server mail lands on a connector without Exchange Server authentication\n\nExchange servers insist")
	assert.Contains(t, out, "\n\nRC908 note: ")
	assert.NotContains(t, out, "RC002 ")
}

// Which checks are asked decides what is found, and what the exit status counts.
func TestChecksAndFailOn(t *testing.T) {
	path := storyFile(t, "gateway_hides_the_internet_behind_a_trusted_address") // RC202 error, RC205 warning, RC009 note
	for _, row := range []struct {
		args   []string
		status int
		finds  string
	}{
		{nil, 1, "RC009 RC202 RC205"},
		{[]string{"-fail-on", "never"}, 0, "RC009 RC202 RC205"},
		{[]string{"-checks", "RC205"}, 0, "RC205"},
		{[]string{"-checks", "RC205", "-fail-on", "warning"}, 1, "RC205"},
		{[]string{"-checks", "RC009", "-fail-on", "warning"}, 0, "RC009"},
		{[]string{"-checks", "RC009", "-fail-on", "note"}, 1, "RC009"},
		{[]string{"-checks", "rc0,RC9", "-fail-on", "error"}, 0, "RC009"},
	} {
		status, out, stderr := call(append(row.args, "-format", "json", path)...)
		assert.Equal(t, row.status, status, row.args)
		assert.Empty(t, stderr)
		var got struct{ Findings []struct{ Check string } }
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		found := make(map[string]bool)
		for _, f := range got.Findings {
			found[f.Check] = true
		}
		for _, id := range strings.Fields(row.finds) {
			assert.True(t, found[id], "%v: %s", row.args, id)
		}
		assert.Len(t, found, len(strings.Fields(row.finds)), row.args)
	}
}

// An error that the file accepts does not fail a build; one that has grown does.
func TestAcceptedDoesNotFail(t *testing.T) {
	status, out, _ := call(storyFile(t, "findings_are_accepted"))
	assert.Zero(t, status)
	assert.Contains(t, out, "5 notes, 1 accepted.\n")
	assert.Contains(t, out, "\n  accepted: a network of its own, reviewed in May\n")
	status, _, _ = call(storyFile(t, "findings_beyond_what_was_accepted"))
	assert.Equal(t, 1, status)
	status, _, stderr := call(file(t, "t.json", `{"accepted": [{"check": "RC001"}], "servers": [{"name": "EX01"}]}`))
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "t.json:1:15: accepted[0].reason: required and missing")
}

func TestHardening(t *testing.T) {
	status, out, stderr := call("-hardening", storyFile(t, "edge_as_installed_against_the_guides"))
	assert.Zero(t, status, "nobody has obeyed yet")
	assert.Empty(t, stderr)
	assert.Contains(t, out, "it would break 1 flow, first EX01 -> EDGE port 25 EdgeOutbound\n")
	obeyed := storyFile(t, "edge_was_hardened_to_the_letter")
	status, _, _ = call("-hardening", obeyed)
	assert.Equal(t, 1, status, "a flow is broken")
	status, _, _ = call("-hardening", "-fail-on", "never", obeyed)
	assert.Zero(t, status)
	status, out, _ = call("-hardening")
	assert.Zero(t, status, "the founding story")
	assert.Contains(t, out, "RC301 no anonymous submission on internal connectors\n")
}

func TestUnusableAboutChecks(t *testing.T) {
	path := storyFile(t, "defaults_only")
	for _, row := range []struct {
		args []string
		says string
	}{
		{[]string{"-checks", "RC7", path}, `check "RC7": byte 0: not a known value`},
		{[]string{"-explain", "RC001,"}, `check "RC001,": byte 6: nothing given`},
		{[]string{"-list", path}, "take no file"},
		{[]string{"-explain", "RC001", path}, "take no file"},
		{[]string{"-list", "-explain", "RC001"}, "one at a time"},
		{[]string{"-list", "-plan"}, "one at a time"},
		{[]string{"-hardening", "-flows", path}, "one at a time"},
		{[]string{"-fail-on", "sometimes", path}, "severity"},
	} {
		status, out, stderr := call(row.args...)
		assert.Equal(t, 2, status, row.args)
		assert.Empty(t, out)
		assert.Contains(t, stderr, row.says, row.args)
	}
}
