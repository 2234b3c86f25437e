// Package output is where the example programs write: standard output, a terminal, or a file.
package output

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"

	"github.com/receiveconnector/receiveconnector/connector/report"
)

// To returns standard output as reports want it: a terminal with its width, and with colours unless NO_COLOR or TERM=dumb says no; anything
// else as it is. COLUMNS, where it is set, is the width.
func To(stdout io.Writer) io.Writer {
	f, ok := stdout.(*os.File)
	if !ok {
		return stdout
	}
	width, colours, ok := terminal(f)
	if !ok {
		return stdout
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		width = n
	}
	return report.Terminal{Writer: f, Width: width, Colour: colours && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// Same tells whether two names are of one file, be it there or not.
func Same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX == nil && errY == nil {
		return os.SameFile(x, y)
	}
	p, errP := whole(a)
	q, errQ := whole(b)
	return errP == nil && errQ == nil && p == q
}

// whole returns the whole name of a file that need not be there, without links in that of its folder.
func whole(name string) (string, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	return filepath.Join(dir, filepath.Base(name)), err
}

// NotRead refuses to write over a file that is read, be it named, in a folder that is, or standard input.
func NotRead(name string, read ...string) error {
	for _, r := range read {
		if r != "" && (Same(name, r) || within(name, r)) {
			return readAsWell(name)
		}
	}
	info, err := os.Stat(name)
	if in, errIn := os.Stdin.Stat(); err == nil && errIn == nil && info.Mode().IsRegular() && os.SameFile(info, in) {
		return readAsWell(name)
	}
	return nil
}

func readAsWell(name string) error {
	return fmt.Errorf("%s: not written over, because it is read as well", name)
}

// within tells whether a file is there, somewhere in a folder.
func within(name, folder string) bool {
	file, errFile := filepath.EvalSymlinks(name)
	dir, errDir := filepath.EvalSymlinks(folder)
	if errFile != nil || errDir != nil {
		return false
	}
	file, errFile = filepath.Abs(file)
	dir, errDir = filepath.Abs(dir)
	rel, err := filepath.Rel(dir, file)
	return errFile == nil && errDir == nil && err == nil && filepath.IsLocal(rel)
}

// WrittenBy refuses to write over a file that does not begin as those that a program writes; a device or a pipe is no such file.
func WrittenBy(program, begin, name string) error {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil // it is not there, or writing will say what is wrong
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, len(begin))
	if n, _ := io.ReadFull(f, head); n > 0 && string(head[:n]) != begin {
		return fmt.Errorf("%s: not written over, because %s did not write it; name another file", name, program)
	}
	return nil
}

// File is a file that is written whole or not at all. What it is is only there once it is kept.
type File struct {
	*os.File
	name string // that it gets; empty if it has it
}

// Create begins a file, or the one that a link leads to. It keeps the mode of the file that is there. To a device or a pipe it just writes.
func Create(name string) (*File, error) {
	name, err := target(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(name)
	if err == nil {
		f, err := os.OpenFile(name, os.O_WRONLY, 0) // which says whether it may be written
		if err != nil || !info.Mode().IsRegular() {
			return &File{f, ""}, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	f, err := besides(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if info != nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			(&File{f, name}).Discard()
			return nil, err
		}
	}
	return &File{f, name}, nil
}

// target returns what a link leads to, be it there or not.
func target(name string) (string, error) {
	const most = 40 // links that lead to links
	for range most {
		to, err := os.Readlink(name)
		if err != nil { // it is no link
			return name, nil
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return "", fmt.Errorf("%s: too many links", name)
}

// besides creates a file in the folder of another one, as anybody may read it who may read what is created there.
func besides(name string) (f *os.File, err error) {
	const most = 100 // others that are being written
	for i := range most {
		f, err = os.OpenFile(filepath.Join(filepath.Dir(name), fmt.Sprintf(".%d-%d.new", os.Getpid(), i)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return f, err
}

// Keep ends the file and gives it its name.
func (f *File) Keep() error {
	err := f.Close()
	if f.name == "" {
		return err
	}
	if err == nil {
		err = os.Rename(f.File.Name(), f.name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, errors.Join(err, os.Remove(f.File.Name())))
	}
	return nil
}

// Discard ends the file and leaves what was there before.
func (f *File) Discard() {
	f.Close()
	if f.name != "" {
		os.Remove(f.File.Name())
	}
}

// DiscardOnInterrupt discards a file and ends the program if it is interrupted, until what it returns is called.
func DiscardOnInterrupt(f *File) (stop func()) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	go func() {
		if _, ok := <-interrupted; ok {
			f.Discard()
			os.Exit(exitInterrupted)
		}
	}()
	return func() {
		signal.Stop(interrupted)
		close(interrupted)
	}
}

const exitInterrupted = 130

// Replace writes a file, whole or not at all, see [Create].
func Replace(name, text string) error {
	f, err := Create(name)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Discard()
		return err
	}
	return f.Keep()
}
