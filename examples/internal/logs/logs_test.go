package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

const log = `#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2026-11-20T08:00:00.000Z,EX01\Relay,08DE280000000001,0,10.1.0.11:25,10.0.5.7:50001,+,,
2026-11-20T08:00:00.030Z,EX01\Relay,08DE280000000001,1,10.1.0.11:25,10.0.5.7:50001,-,,Local
`

func TestProgressLine(t *testing.T) {
	assert.Equal(t, "25 %, 1.0 of 4.0 GB, 500 MB/s, 0:06 left", progressLine(1e9, 4e9, 2*time.Second))
	assert.Equal(t, "0 %, 0.0 of 4.0 GB, 0 MB/s", progressLine(0, 4e9, time.Second))
	assert.Equal(t, "1.0 GB, 500 MB/s", progressLine(1e9, 0, 2*time.Second))
	assert.Equal(t, "10 %, 1.0 of 10.0 GB, 10 MB/s, 15:00 left", progressLine(1e9, 10e9, 100*time.Second))
	var b bytes.Buffer
	progress(&b, new(int64), 1)()
	assert.Empty(t, b.String(), "silent where nobody looks")
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	progress(f, new(int64), 1)()
	info, err := f.Stat()
	require.NoError(t, err)
	assert.Zero(t, info.Size())
	require.NoError(t, f.Close())
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		progress(null, new(int64), 1)() // a terminal of a kind
		null.Close()
	}
}

func TestShare(t *testing.T) {
	for _, row := range []struct {
		sizes []int64
		n     int
		want  string
	}{{nil, 2, "[]"}, {[]int64{5}, 2, "[1]"}, {[]int64{5, 5, 5, 5}, 2, "[2 2]"}, {[]int64{1, 1, 100, 1}, 2, "[3 1]"}, {[]int64{0, 0, 0}, 3, "[1 1 1]"}, {[]int64{9, 9, 9}, 1, "[3]"}} {
		var files []file
		for _, size := range row.sizes {
			files = append(files, file{size: size})
		}
		got := []int{}
		n := 0
		for _, s := range share(files, row.n) {
			got = append(got, len(s))
			n += len(s)
		}
		assert.Equal(t, len(files), n)
		assert.Equal(t, row.want, fmt.Sprint(got), row.sizes)
	}
}

func TestInterruptedWhileSavedTrafficIsRead(t *testing.T) {
	to := new(smtplog.Traffic)
	require.NoError(t, merge(to, "x.json", io.MultiReader(strings.NewReader("{"), errReader{context.Canceled})))
	assert.True(t, to.Interrupted)
	assert.ErrorContains(t, merge(to, "x.json", errReader{io.ErrUnexpectedEOF}), "x.json: unexpected EOF")
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// A log that is gone by the time it is to be read is a problem, and the others are read.
func TestLogIsGone(t *testing.T) {
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(log)), nil }
	gone := func() (io.ReadCloser, error) { return nil, os.ErrNotExist }
	traffic, err := readShare(context.Background(), []file{{name: "RECV-1.LOG", open: open}, {name: "RECV-2.LOG", open: gone}}, new(int64))
	require.NoError(t, err)
	assert.Equal(t, 2, traffic.Records)
	require.Len(t, traffic.Problems(), 1)
	assert.Equal(t, "RECV-2.LOG: file does not exist", traffic.Problems()[0].Examples[0].Error())
}

func TestPatterns(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"RECV-10.LOG", "RECV-9.LOG", "SEND-1.LOG"} {
		require.NoError(t, os.WriteFile(name, []byte(log), 0o644))
	}
	assert.Equal(t, []string{"RECV-9.LOG", "RECV-10.LOG", "x*"}, matched([]string{"RECV-*.LOG", "x*"}))
}
