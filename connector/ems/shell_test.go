package ems_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/ems"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

// shell is as much of PowerShell as the scripts need, over connectors that are a topology.
type shell struct {
	t      *testing.T
	live   *connector.Topology
	left   int                  // how many commands may still be run, before it stops half-way
	states map[string][]literal // by number
	at     map[string]int
}

// literal is a state of a script: the values of properties; nil where there is no connector.
type literal map[string][]string

var (
	literalLine = regexp.MustCompile(`^@\{(.*)\},?$`)
	entry       = regexp.MustCompile(`(\w+) = (@\(((?:'(?:[^']|'')*',?)*)\)|'((?:[^']|'')*)')`)
	text        = regexp.MustCompile(`'((?:[^']|'')*)'`)
	findLine    = regexp.MustCompile(`^\$at(\d+) = Find-State '((?:[^']|'')*)' \$states(\d+)$`)
	ifLine      = regexp.MustCompile(`^if \(\$at(\d+) -le (\d+)\) \{$`)
	confirmLine = regexp.MustCompile(`^Confirm-State '((?:[^']|'')*)' \$states(\d+)$`)
)

func literalOf(body string) literal {
	l := make(literal)
	for _, m := range entry.FindAllStringSubmatch(body, -1) {
		l[m[1]] = []string{}
		for _, v := range text.FindAllStringSubmatch(m[2], -1) {
			l[m[1]] = append(l[m[1]], strings.ReplaceAll(v[1], "''", "'"))
		}
	}
	return l
}

// holds is Test-State.
func (s *shell) holds(server string, states []literal, l literal) bool {
	var found []connector.ReceiveConnector
	for _, c := range s.live.Connectors {
		if strings.EqualFold(c.ID.Server, server) && slices.ContainsFunc(states, func(l literal) bool { return len(l) > 0 && strings.EqualFold(l["Name"][0], c.ID.Name) }) {
			found = append(found, c)
		}
	}
	if len(l) == 0 || len(found) != 1 {
		return len(l) == 0 && len(found) == 0
	}
	for name, want := range l {
		got, known := found[0].Setting(name)
		require.True(s.t, known, name)
		slices.Sort(got)
		if !strings.EqualFold(strings.Join(got, ", "), strings.Join(slices.Sorted(slices.Values(want)), ", ")) {
			return false
		}
	}
	return true
}

// run does one half of a script, line by line, until it has run as many commands as it may; false if its check stops it.
func (s *shell) run(half string) bool {
	s.states, s.at = make(map[string][]literal), make(map[string]int)
	current, skip := "", false
	for line := range strings.Lines(half) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line == "}" || line == ")" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "Write-Warning ") || line == "if ($CheckOnly) { return }":
		case strings.HasPrefix(line, "$states"):
			current, _, _ = strings.Cut(strings.TrimPrefix(line, "$states"), " ")
		case literalLine.MatchString(line):
			s.states[current] = append(s.states[current], literalOf(literalLine.FindStringSubmatch(line)[1]))
		case findLine.MatchString(line):
			m := findLine.FindStringSubmatch(line)
			server := strings.ReplaceAll(m[2], "''", "'")
			s.at[m[1]] = slices.IndexFunc(s.states[m[3]], func(l literal) bool { return s.holds(server, s.states[m[3]], l) })
			if s.at[m[1]] < 0 {
				return false
			}
		case ifLine.MatchString(line):
			m := ifLine.FindStringSubmatch(line)
			state, err := strconv.Atoi(m[2])
			require.NoError(s.t, err)
			skip = s.at[m[1]] > state
		case confirmLine.MatchString(line):
			m := confirmLine.FindStringSubmatch(line)
			states := s.states[m[2]]
			require.True(s.t, s.holds(strings.ReplaceAll(m[1], "''", "'"), states, states[len(states)-1]), line)
		case skip:
		case s.left == 0:
			return true
		default:
			s.left--
			changes, _, err := ems.Parse("script", s.live, line)
			require.NoError(s.t, err)
			s.live, err = s.live.Apply(changes...)
			require.NoError(s.t, err)
		}
	}
	return true
}

// after returns what becomes of a topology by one half of a script, of at most so many commands; nil if its check stops it.
func after(t *testing.T, top *connector.Topology, half string, commands int) *connector.Topology {
	s := &shell{t: t, live: top, left: commands}
	if !s.run(half) {
		return nil
	}
	return s.live
}

// Wherever a script stopped, it can be run again, to the end, and rolled back, to where it began: whatever the changes are.
func TestScriptsStopAnywhere(t *testing.T) {
	r := gen.Rand(8)
	scripts, restored := 0, 0
	for n := range 500 {
		top := twoServers()
		for i := range top.Connectors {
			if n%3 > 0 { // else some values are not known, and stay
				top.Connectors[i].Missing = 0
				top.Connectors[i].TransportRole = connector.FrontendTransport
			}
		}
		var steps []ems.Step
		end := top
		for i := range 1 + r.IntN(5) {
			c, ok := changeOf(r, end, i)
			if !ok {
				continue
			}
			if next, err := end.Apply(c); err == nil { // else the name is taken
				end = next
				steps = append(steps, ems.Step{Change: c})
			}
		}
		script, err := ems.Script(top, "x", nil, steps...)
		if err != nil { // a name is taken by another one, or it cannot be said
			continue
		}
		scripts++
		_, body, _ := strings.Cut(script, "if (-not $Rollback) {\n")
		there, back, _ := strings.Cut(body, "\n} else {\n")
		const all = 1 << 20
		require.True(t, sameSets(end, after(t, top, there, all)), script)
		if strings.Contains(back, "throw '") {
			continue
		}
		complete := !strings.Contains(script, "Not undone")
		if complete {
			restored++
		}
		for commands := range strings.Count(there, "-ErrorAction Stop\n") + 1 {
			stopped := after(t, top, there, commands)
			require.True(t, sameSets(end, after(t, stopped, there, all)), "stopped after %d, and run again\n%s", commands, script)
			undone := after(t, stopped, back, all) // what cannot be undone may stop the check
			require.True(t, !complete || undone != nil && sameSets(top, undone), "stopped after %d, and rolled back\n%s", commands, script)
			half := after(t, end, back, commands)
			require.NotNil(t, half, script)
			undone = after(t, half, back, all)
			require.NotNil(t, undone, script)
			require.True(t, !complete || sameSets(top, undone), "rolled back, stopped after %d, and rolled back again\n%s", commands, script)
		}
	}
	t.Log(scripts, "scripts,", restored, "of which restore everything")
	assert.Greater(t, scripts, 400)
	assert.Greater(t, restored, 100)
}

// What somebody did to half of a step is not taken for the step, nor for nothing.
func TestScriptsStopAtMixedStates(t *testing.T) {
	top := twoServers()
	c, _ := top.Connector(connector.ID{Server: "EX01", Name: "Relay"})
	change := connector.Edit(c, func(c *connector.ReceiveConnector) { c.Disabled, c.AuthMechanism = true, connector.AuthTLS })
	script, err := ems.Script(top, "x", nil, ems.Step{Change: change})
	require.NoError(t, err)
	_, body, _ := strings.Cut(script, "if (-not $Rollback) {\n")
	there, back, _ := strings.Cut(body, "\n} else {\n")
	for _, live := range []connector.Change{
		connector.SetAuth(c, connector.AuthTLS),
		connector.SetEnabled(c, false),
		connector.Remove(c),
		connector.Edit(c, func(c *connector.ReceiveConnector) { c.ID.Name = "Other" }),
	} {
		now, err := top.Apply(live)
		require.NoError(t, err)
		assert.Nil(t, after(t, now, there, 9), live)
		assert.Nil(t, after(t, now, back, 9), live)
	}
}

// changeOf makes some change to some connector.
func changeOf(r *rand.Rand, top *connector.Topology, n int) (connector.Change, bool) {
	if r.IntN(6) == 0 || len(top.Connectors) == 0 {
		c := relay(fmt.Sprintf("10.%d.0.0/16", 100+n))
		c.ID = connector.ID{Server: "EX01", Name: []string{"Relay", fmt.Sprintf("New %d", n)}[r.IntN(2)]}
		c.TransportRole = connector.FrontendTransport
		if r.IntN(2) == 0 {
			c.Rights = []connector.Grant{{Principal: "A", Right: "ms-Exch-SMTP-Submit"}}
		}
		_, taken := top.Connector(c.ID)
		return connector.Create(c), !taken
	}
	c := top.Connectors[r.IntN(len(top.Connectors))]
	if r.IntN(6) == 0 {
		return connector.Remove(c), true
	}
	change := connector.Edit(c, func(c *connector.ReceiveConnector) {
		for range 1 + r.IntN(2) {
			switch r.IntN(7) {
			case 0:
				c.Disabled = !c.Disabled
			case 1:
				c.RequireTLS, c.Missing = !c.RequireTLS, c.Missing&^connector.PropertyRequireTLS
			case 2:
				c.FQDN, c.Missing = fmt.Sprintf("f%d", r.IntN(2)), c.Missing&^connector.PropertyFQDN
			case 3:
				c.AuthMechanism ^= connector.AuthTLS
			case 4:
				c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange(fmt.Sprintf("10.200.%d.%d", n, r.IntN(200))))
			case 5:
				c.ID.Name = fmt.Sprintf("Name %d", r.IntN(9))
			case 6:
				c.Rights = append(c.Rights, connector.Grant{Principal: fmt.Sprintf("P%d", r.IntN(1<<30)), Right: "ms-Exch-SMTP-Submit"})
			}
		}
	})
	return change, !change.IsNoop()
}
