// Package output is where the example programs write: standard output, a terminal, or a file.
package output

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
	p, errP := filepath.Abs(a)
	q, errQ := filepath.Abs(b)
	return errP == nil && errQ == nil && p == q
}

// NotRead refuses to write over a file that is read, or that is in a folder that is.
func NotRead(name string, read ...string) error {
	for _, r := range read {
		if Same(name, r) || within(name, r) {
			return fmt.Errorf("%s: not written over, because it is read as well", name)
		}
	}
	return nil
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

// Create begins a file, or the one that a link leads to. To a device or a pipe it just writes.
func Create(name string) (*File, error) {
	mode := fs.FileMode(0o644)
	switch info, err := os.Stat(name); {
	case err == nil && info.Mode().IsRegular():
		mode = info.Mode().Perm()
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return nil, err
		}
	case err == nil:
		return open(name, os.O_WRONLY)
	default:
		if _, err := os.Lstat(name); err == nil { // a link to a file that is not there yet
			return open(name, os.O_WRONLY|os.O_CREATE)
		}
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return nil, err
	}
	return &File{f, name}, f.Chmod(mode)
}

func open(name string, flag int) (*File, error) {
	f, err := os.OpenFile(name, flag, 0o644)
	if err != nil {
		return nil, err
	}
	return &File{f, ""}, nil
}

// Keep ends the file and gives it its name.
func (f *File) Keep() error {
	err := f.Close()
	if f.name != "" {
		if err == nil {
			err = os.Rename(f.File.Name(), f.name)
		}
		if err != nil {
			err = errors.Join(err, os.Remove(f.File.Name()))
		}
	}
	return err
}

// Discard ends the file and leaves what was there before.
func (f *File) Discard() {
	f.Close()
	if f.name != "" {
		os.Remove(f.File.Name())
	}
}

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
