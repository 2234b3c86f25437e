package logs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
