package logs

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// progress tells, on a terminal, how much is read, how fast, and how long it will take, until stop is called. Elsewhere it is silent.
func progress(w io.Writer, read *int64, total int64) (stop func()) {
	f, ok := w.(*os.File)
	if !ok {
		return func() {}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func() {}
	}
	done, begin := make(chan struct{}), time.Now()
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(time.Second / 2)
		defer tick.Stop()
		for {
			select {
			case <-done:
				fmt.Fprintf(w, "\r%s\r", strings.Repeat(" ", lineWidth))
				return
			case <-tick.C:
				fmt.Fprintf(w, "\r%-*s", lineWidth, progressLine(atomic.LoadInt64(read), total, time.Since(begin)))
			}
		}
	})
	return func() {
		close(done)
		wait.Wait()
	}
}

// lineWidth is how many characters of a terminal are written over.
const lineWidth = 60

// progressLine prints "12 %, 1.2 of 9.8 GB, 780 MB/s, 0:11 left"; of a stream whose length is not known "1.2 GB, 780 MB/s".
func progressLine(read, total int64, since time.Duration) string {
	rate := float64(read) / max(since.Seconds(), 1e-3)
	if total < read {
		return fmt.Sprintf("%.1f GB, %.0f MB/s", float64(read)/1e9, rate/1e6)
	}
	line := fmt.Sprintf("%d %%, %.1f of %.1f GB, %.0f MB/s", 100*read/max(total, 1), float64(read)/1e9, float64(total)/1e9, rate/1e6)
	if rate > 0 {
		left := time.Duration(float64(total-read) / rate * float64(time.Second)).Round(time.Second)
		line += fmt.Sprintf(", %d:%02d left", int(left.Minutes()), int(left.Seconds())%60)
	}
	return line
}
