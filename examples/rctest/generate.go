package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/receiveconnector/receiveconnector/connector/report"
	"github.com/receiveconnector/receiveconnector/connector/topotest"
	"github.com/receiveconnector/receiveconnector/examples/internal/logs"
)

// write writes expectations from the topology, or from logs.
func (q *question) write(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	var cases []topotest.Case
	if len(q.logs) > 0 {
		traffic, err := logs.Read(ctx, q.logs, runtime.GOMAXPROCS(0), stdin, stderr)
		if err != nil {
			return err
		}
		if traffic.Interrupted {
			return errors.New("rctest: interrupted; nothing is written, because expectations of a part would look like all")
		}
		var left int
		if cases, left = topotest.Clients(traffic); left > 0 {
			fmt.Fprintf(stderr, "warning: sessions left out: %d; the log does not tell endpoint or server, or there are too many clients\n", left)
		}
		if len(traffic.Problems()) > 0 {
			_ = report.Text.Replay(stderr, report.Replay{Traffic: traffic})
		}
	} else {
		t, err := q.topology(stderr)
		if err != nil {
			return err
		}
		if cases, err = topotest.Regions(t); err != nil {
			return err
		}
	}
	if len(cases) == 0 {
		return errors.New("rctest: nothing to expect: no connector listens, or no session of a receive log was read")
	}
	_, err := io.WriteString(stdout, topotest.FormatCases(cases))
	return err
}
