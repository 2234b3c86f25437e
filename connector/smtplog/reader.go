package smtplog

import (
	"context"
	"errors"
	"io"
	"io/fs"
)

// Reader reads logs into a [Traffic], one after the other, so that a session may go on from one file of a set to the next one. The zero
// Reader is ready. It is not safe for concurrent use: to read with several processors, take a Reader for each and merge.
type Reader struct {
	traffic *Traffic
	tracker *tracker
}

func (r *Reader) init() {
	if r.tracker != nil {
		return
	}
	r.traffic = new(Traffic)
	r.traffic.init()
	r.tracker = newTracker(r.add, func(e *LineError) bool { r.traffic.note(e, 1); return true })
}

func (r *Reader) add(s *live) bool {
	if s.Whole() {
		r.traffic.countLive(s)
	} else {
		r.traffic.Add(s.session())
	}
	return true
}

// Read reads a log; see [Records] for what it may be. What is wrong with lines is counted, and the rest is read. The error is a [*LineError],
// with where reading ended: one around [ErrForeign], or what the log's Read returned. It is counted, too, and so is what was read before; one
// of a context that is done marks the Traffic as interrupted instead.
func (r *Reader) Read(name string, log io.Reader) error {
	r.init()
	err := r.tracker.stream(name, log)
	r.traffic.Lines += r.tracker.line
	r.traffic.Records += r.tracker.read
	interrupted := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	switch {
	case interrupted:
		r.traffic.Interrupted = true
	case err != nil:
		r.traffic.Note(err)
	}
	if !interrupted || r.tracker.line > 0 {
		r.traffic.Files++
	}
	return err
}

// ReadFS reads files of fsys, one after the other; [Files] names those of a folder in the right order. One that cannot be opened or read to
// its end is counted among the problems, and the next one follows.
func (r *Reader) ReadFS(fsys fs.FS, names ...string) {
	r.init()
	for _, name := range names {
		f, err := fsys.Open(name)
		if err != nil {
			r.traffic.Note(err)
			continue
		}
		_ = r.Read(name, f) // it is counted
		f.Close()
	}
}

// Traffic returns what was read, with sessions that have not ended, and makes the Reader empty again.
func (r *Reader) Traffic() *Traffic {
	r.init()
	r.tracker.flush()
	t := r.traffic
	*r = Reader{}
	return t
}
