package connector_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
)

func TestParseLimit(t *testing.T) {
	for in, want := range map[string]connector.Limit{"20": connector.LimitOf(20), " 0 ": connector.LimitOf(0), "unlimited": connector.Unlimited, "Unlimited": connector.Unlimited} {
		got, err := connector.ParseLimit(in)
		require.NoError(t, err, in)
		assert.Equal(t, want.String(), got.String())
		back, err := connector.ParseLimit(got.String())
		require.NoError(t, err)
		assert.Equal(t, got, back, "print and parse are inverse")
	}
	assert.Equal(t, "Unlimited", connector.Unlimited.String())
	assert.Empty(t, connector.Limit{}.String(), "not told is not 0")
	assert.NotEqual(t, connector.Limit{}, connector.LimitOf(0))
	n, ok := connector.LimitOf(7).Number()
	assert.True(t, ok && n == 7)
	_, ok = connector.Unlimited.Number()
	assert.False(t, ok)
	for in, want := range map[string]struct {
		offset int
		err    error
	}{"": {0, connector.ErrEmpty}, " -1": {1, connector.ErrLimit}, "+1": {0, connector.ErrLimit}, "4294967296": {0, connector.ErrLimit}, "20 MB": {0, connector.ErrLimit}} {
		_, err := connector.ParseLimit(in)
		checkParseError(t, err, "limit", want.offset, want.err)
	}
}

func TestParseTimeSpan(t *testing.T) {
	for in, want := range map[string]connector.TimeSpan{"00:10:00": 10 * connector.Minute, "1.00:00:00": connector.Day, "00:00:05.5000000": 5, "23:59:59": connector.Day - 1, "12.01:02:03": 12*connector.Day + connector.Hour + 2*connector.Minute + 3} {
		got, err := connector.ParseTimeSpan(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
		back, err := connector.ParseTimeSpan(got.String())
		require.NoError(t, err)
		assert.Equal(t, got, back, "print and parse are inverse")
	}
	assert.Equal(t, "1.00:10:00", (connector.Day + 10*connector.Minute).String())
	assert.Empty(t, connector.TimeSpan(0).String())
	for in, want := range map[string]struct {
		offset int
		err    error
	}{"": {0, connector.ErrEmpty}, " 10": {1, connector.ErrTimeSpan}, "00:00:00": {0, connector.ErrTimeSpan}, "24:00:00": {0, connector.ErrTimeSpan}, "00:60:00": {0, connector.ErrTimeSpan},
		"0:+1:00": {0, connector.ErrTimeSpan}, "00:00:": {0, connector.ErrTimeSpan}, "10000.00:00:01": {0, connector.ErrTimeSpan}, "00:00:01.x": {0, connector.ErrTimeSpan}, "-00:00:01": {0, connector.ErrTimeSpan}} {
		_, err := connector.ParseTimeSpan(in)
		checkParseError(t, err, "time span", want.offset, want.err)
	}
}

func checkParseError(t *testing.T, err error, kind string, offset int, want error) {
	t.Helper()
	var pe *connector.ParseError
	require.ErrorAs(t, err, &pe)
	require.ErrorIs(t, err, want)
	assert.Equal(t, kind, pe.Kind)
	assert.Equal(t, offset, pe.Offset, pe.Input)
}

func TestLimitsAll(t *testing.T) {
	var l connector.Limits
	names := 0
	for name, v := range l.All() {
		names++
		text := "7"
		if name == "ConnectionTimeout" || name == "ConnectionInactivityTimeout" {
			text = "00:00:07"
		}
		require.NoError(t, v.UnmarshalText([]byte(text)), name)
	}
	assert.Equal(t, 8, names)
	seven := connector.LimitOf(7)
	assert.Equal(t, connector.Limits{7, 7, seven, seven, seven, seven, seven, seven}, l, "what is set through the pointer is set in the limits")
	for range l.All() {
		break
	}
	text, err := seven.AppendText([]byte("x"))
	require.NoError(t, err)
	assert.Equal(t, "x7", string(text))
	text, err = connector.Minute.AppendText(nil)
	require.NoError(t, err)
	assert.Equal(t, "00:01:00", string(text))
}
