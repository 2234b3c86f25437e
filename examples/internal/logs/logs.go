// Package logs reads the protocol logs that the example programs are given: files, folders, archives, patterns, standard input.
package logs

import (
	"archive/zip"
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// file is a log that is to be read.
type file struct {
	name string
	size int64 // as it lies on the disk; 0 if it is not known
	open func() (io.ReadCloser, error)
}

// Read reads logs, several at a time: each processor reads neighbours of the list, so that sessions go on from file to file, and what
// they tell is merged. Until the context is done, which leaves the traffic Interrupted; the error is about what cannot be opened or was
// saved and cannot be read. On a terminal stderr shows the progress.
func Read(ctx context.Context, names []string, processors int, stdin io.Reader, stderr io.Writer) (*smtplog.Traffic, error) {
	files, others, err := expand(names, &idle{ctx: ctx, r: stdin, results: make(chan result, 1), buf: make([]byte, 256<<10)})
	if err != nil {
		return nil, err
	}
	if others > 0 {
		fmt.Fprintf(stderr, "warning: other files in the folders, not read: %d; a log is named *.LOG or *.LOG.gz\n", others)
	}
	var total, read int64
	for _, f := range files {
		total += f.size
	}
	stop := progress(stderr, &read, total)
	defer stop()

	shares := share(files, max(1, processors))
	results := make([]*smtplog.Traffic, len(shares))
	errs := make([]error, len(shares))
	var wait sync.WaitGroup
	for i, share := range shares {
		wait.Go(func() { results[i], errs[i] = readShare(ctx, share, &read) })
	}
	wait.Wait()
	merged := new(smtplog.Traffic)
	for _, t := range results {
		merged.Merge(t)
	}
	return merged, errors.Join(errs...)
}

// share parts files into neighbours of about the same size.
func share(files []file, n int) (shares [][]file) {
	var total, done int64
	for _, f := range files {
		total += f.size + 1
	}
	for i, f := range files {
		if i == 0 || done*int64(n)/total > (done-files[i-1].size-1)*int64(n)/total {
			shares = append(shares, nil)
		}
		last := len(shares) - 1
		shares[last] = append(shares[last], f)
		done += f.size + 1
	}
	return shares
}

// readShare reads files one after the other, until the context is done. The error is about what was saved and cannot be read; what is wrong
// with logs is counted.
func readShare(ctx context.Context, files []file, read *int64) (*smtplog.Traffic, error) {
	var logs smtplog.Reader
	saved := new(smtplog.Traffic)
	var errs []error
	for _, f := range files {
		if ctx.Err() != nil {
			saved.Interrupted = true
			break
		}
		r, err := f.open()
		if err != nil { // it was there when the folder was read
			saved.Note(&smtplog.LineError{Source: connector.Source{File: f.name}, Err: err})
			continue
		}
		b := bufio.NewReader(counted{ctx, r, read})
		if first, _ := b.Peek(1); string(first) == "{" {
			errs = append(errs, merge(saved, f.name, b))
		} else {
			_ = logs.Read(f.name, b) // it is counted
		}
		r.Close()
	}
	t := logs.Traffic()
	t.Merge(saved)
	return t, errors.Join(errs...)
}

// merge adds what -save wrote.
func merge(to *smtplog.Traffic, name string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if errors.Is(err, context.Canceled) {
		to.Interrupted = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var t smtplog.Traffic
	if err := json.Unmarshal(data, &t); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	to.Merge(&t)
	return nil
}

// idle reads standard input, which may have nothing to say, until the context is done.
type idle struct {
	ctx     context.Context
	r       io.Reader
	results chan result
	buf     []byte
	left    []byte // of buf, not handed out
}

type result struct {
	n   int
	err error
}

func (i *idle) Read(p []byte) (int, error) {
	if len(i.left) == 0 {
		go func() {
			n, err := i.r.Read(i.buf)
			i.results <- result{n, err}
		}()
		select {
		case <-i.ctx.Done(): // nobody uses buf any more
			return 0, i.ctx.Err()
		case got := <-i.results:
			if i.left = i.buf[:got.n]; got.err != nil && got.n == 0 {
				return 0, got.err
			}
		}
	}
	n := copy(p, i.left)
	i.left = i.left[n:]
	return n, nil
}

// counted counts what is read, and ends where the context does.
type counted struct {
	ctx  context.Context
	r    io.Reader
	read *int64
}

func (c counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	atomic.AddInt64(c.read, int64(n))
	return n, err
}

// expand names the files behind the arguments, each once, and counts those in folders that are no logs.
func expand(names []string, stdin io.Reader) (files []file, others int, err error) {
	seen := make(map[string]bool)
	add := func(f file, path string) {
		if !seen[path] {
			seen[path] = true
			files = append(files, f)
		}
	}
	for _, name := range matched(names) {
		if name == "-" {
			add(file{name: "standard input", open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }}, name)
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return nil, 0, err
		}
		switch {
		case info.IsDir():
			n, err := folder(os.DirFS(name), name, func(f file) { add(f, absolute(f.name)) })
			if err != nil {
				return nil, 0, err
			}
			others += n
		case strings.EqualFold(filepath.Ext(name), ".zip"):
			archive, err := zip.OpenReader(name) // open until the end of the program
			if err != nil {
				return nil, 0, fmt.Errorf("%s: %w", name, err)
			}
			n, err := folder(archive, name, func(f file) { add(f, absolute(f.name)) })
			if err != nil {
				return nil, 0, err
			}
			others += n
		default:
			add(file{name, info.Size(), func() (io.ReadCloser, error) { return os.Open(name) }}, absolute(name))
		}
	}
	return files, others, nil
}

// matched replaces patterns, which the shells of Windows leave to programs, by the files they match.
func matched(names []string) (list []string) {
	for _, name := range names {
		if _, err := os.Stat(name); err != nil && strings.ContainsAny(name, "*?[") {
			if found, err := filepath.Glob(name); err == nil && len(found) > 0 {
				slices.SortFunc(found, func(a, b string) int { return smtplog.CompareFiles(filepath.ToSlash(a), filepath.ToSlash(b)) })
				list = append(list, found...)
				continue
			}
		}
		list = append(list, name)
	}
	return list
}

func absolute(name string) string {
	path, err := filepath.Abs(name)
	return cmp.Or(path, name, fmt.Sprint(err))
}

// folder adds the logs of a folder, in the order in which to read them.
func folder(fsys fs.FS, name string, add func(file)) (others int, err error) {
	logs, rest, err := smtplog.Files(fsys)
	for _, log := range logs {
		f := file{name: filepath.Join(name, filepath.FromSlash(log)), open: func() (io.ReadCloser, error) { return fsys.Open(log) }}
		if info, err := fs.Stat(fsys, log); err == nil {
			f.size = info.Size()
		}
		add(f)
	}
	return len(rest), err
}
