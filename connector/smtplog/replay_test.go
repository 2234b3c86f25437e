package smtplog_test

import (
	"io"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
	"github.com/receiveconnector/receiveconnector/connector/internal/genlog"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// A generated week of logs of 20 servers, whose connectors the oracle chose, is streamed and not stored, and replays with full agreement but
// for the planted deviations, each of which is found with its cause and its number of sessions. WEEK_LINES makes it as long as one likes.
func TestReplayFindsWhatWasPlanted(t *testing.T) {
	lines := 100_000
	if n, err := strconv.Atoi(os.Getenv("WEEK_LINES")); err == nil {
		lines = n
	}
	top := genlog.Topology(20)
	x, err := connector.Compile(top)
	require.NoError(t, err)
	for _, planted := range []bool{false, true} {
		w := genlog.NewWriter(1, genlog.Clients(gen.Rand(1), top, 10, planted))
		w.Pace = 2 * 7 * 24 * time.Hour / time.Duration(lines)
		var r smtplog.Reader
		begin := time.Now()
		count := &counter{r: stream(w, lines)}
		require.NoError(t, r.Read("RECV.LOG", count))
		traffic := r.Traffic()
		took := time.Since(begin)
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		t.Logf("%d lines, %.1f GB in %s, with their generation on another core; %d MB from the system", traffic.Lines, float64(count.n.Load())/1e9, took.Round(time.Millisecond), memory.Sys>>20)

		assert.Empty(t, traffic.Problems())
		total := traffic.Total()
		assert.Equal(t, w.Truth.Sessions, total.Sessions)
		assert.Zero(t, total.Partial)
		assert.Equal(t, w.Truth.Messages, total.Messages)
		assert.Equal(t, w.Truth.Lines, traffic.Records)
		assert.InDelta(t, 7*24, total.Last.Sub(total.First).Hours(), 2)

		replay := traffic.Replay(x)
		assert.Equal(t, w.Truth.Planted[""], replay.Agreed)
		assert.Empty(t, replay.NotJudged)
		found := map[string]int{"": replay.Agreed}
		for _, g := range replay.Disagreements {
			found[g.Judgement.String()] += g.Tally.Sessions
		}
		assert.Equal(t, w.Truth.Planted, found)
		judged, share := replay.Judged()
		assert.Equal(t, total.Sessions, judged)
		if planted {
			assert.Len(t, found, 7)
			assert.Less(t, share, 1.0)
		} else {
			assert.Equal(t, 1.0, share)
		}
		t.Logf("%d sessions, %.4f %% agree, planted %v", judged, 100*share, found)
	}
}

// stream is the log that w writes, as it is written.
func stream(w *genlog.Writer, lines int) io.Reader {
	r, p := io.Pipe()
	go func() { p.CloseWithError(w.Write(p, lines)) }()
	return r
}

type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
