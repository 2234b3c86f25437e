package smtplog_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/genlog"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// A generated log of 20 servers, whose connectors the oracle chose, replays with full agreement but for the planted deviations, each of
// which is found with its cause and its number of sessions.
func TestReplayFindsWhatWasPlanted(t *testing.T) {
	top := genlog.Topology(20)
	x, err := connector.Compile(top)
	require.NoError(t, err)
	for _, planted := range []bool{false, true} {
		w := genlog.NewWriter(1, genlog.Clients(gen.Rand(1), top, 10, planted))
		var log bytes.Buffer
		require.NoError(t, w.Write(&log, 100_000))
		var r smtplog.Reader
		require.NoError(t, r.Read("RECV.LOG", &log))
		traffic := r.Traffic()
		assert.Empty(t, traffic.Problems())
		total := traffic.Total()
		assert.Equal(t, w.Truth.Sessions, total.Sessions)
		assert.Zero(t, total.Partial)
		assert.Equal(t, w.Truth.Messages, total.Messages)
		assert.Equal(t, w.Truth.Lines, traffic.Records)

		replay := traffic.Replay(x)
		assert.Equal(t, w.Truth.Planted[""], replay.Agreed)
		assert.Empty(t, replay.NotJudged)
		found := map[string]int{"": replay.Agreed}
		for _, g := range replay.Disagreements {
			found[g.Judgement.String()] += g.Tally.Sessions
		}
		assert.Equal(t, w.Truth.Planted, found)
		if judged, share := replay.Judged(); !planted {
			assert.Equal(t, total.Sessions, judged)
			assert.Equal(t, 1.0, share)
		} else {
			assert.Len(t, found, 7)
			assert.Less(t, share, 1.0)
		}
	}
}
