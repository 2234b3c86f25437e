package smtplog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// decoded returns the text of a log as UTF-8, without a byte order mark: gzip is unpacked, UTF-16, as PowerShell writes it, is told by its
// mark or by its NULs.
func decoded(r io.Reader) (io.Reader, error) {
	const most = 3 // times packed
	for range most {
		b := bufio.NewReader(r)
		head, err := b.Peek(4)
		if err != nil && err != io.EOF {
			return nil, err
		}
		switch {
		case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
			if r, err = gzip.NewReader(b); err != nil {
				return nil, err
			}
			continue
		case bytes.HasPrefix(head, []byte("PK\x03\x04")):
			return nil, fmt.Errorf("%w: a zip archive; unpack it", ErrForeign)
		case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
			_, err = b.Discard(len("\xef\xbb\xbf"))
			return b, err
		case bytes.HasPrefix(head, []byte{0xff, 0xfe}), len(head) == 4 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
			return &utf16Reader{r: b, order: binary.LittleEndian}, nil
		case bytes.HasPrefix(head, []byte{0xfe, 0xff}), len(head) == 4 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
			return &utf16Reader{r: b, order: binary.BigEndian}, nil
		}
		return b, nil
	}
	return nil, fmt.Errorf("%w: packed more than %d times", ErrForeign, most-1)
}

// utf16Reader reads UTF-16 as UTF-8. What is no character becomes U+FFFD, marks are left out.
type utf16Reader struct {
	r     *bufio.Reader
	order binary.ByteOrder
	out   []byte // decoded and not handed out
	at    int
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	const atOnce = 32 << 10 // bytes
	for u.at == len(u.out) {
		if u.err != nil {
			return 0, u.err
		}
		u.out, u.at = u.out[:0], 0
		for len(u.out) < atOnce && u.err == nil {
			u.character()
		}
	}
	n := copy(p, u.out[u.at:])
	u.at += n
	return n, nil
}

func (u *utf16Reader) character() {
	unit, ok := u.unit()
	if !ok {
		return
	}
	c := rune(unit)
	if utf16.IsSurrogate(c) {
		c = utf8.RuneError
		if next, err := u.r.Peek(2); err == nil {
			if pair := utf16.DecodeRune(rune(unit), rune(u.order.Uint16(next))); pair != utf8.RuneError {
				c = pair
				_, _ = u.r.Discard(2) // it was just seen
			}
		}
	}
	if c != '\ufeff' {
		u.out = utf8.AppendRune(u.out, c)
	}
}

func (u *utf16Reader) unit() (uint16, bool) {
	var b [2]byte
	if _, u.err = io.ReadFull(u.r, b[:]); u.err != nil {
		return 0, false
	}
	return u.order.Uint16(b[:]), true
}

// Sizes of what is read at once, and of the longest line that is looked at, in bytes.
const (
	blockSize   = 256 << 10
	longestLine = 1 << 20
)

// blocks reads blocks of whole lines. Its buffer serves one stream after the other.
type blocks struct{ buf []byte }

// each hands out blocks, of which the last line of the last one alone may lack its end; they hold until the next one. A line that is too
// long is handed to long, as far as it was read. Both return false to stop.
func (l *blocks) each(r io.Reader, block, long func(b []byte) bool) error {
	if l.buf == nil {
		l.buf = make([]byte, blockSize)
	}
	n := 0
	for skipping, idle := false, 0; ; {
		m, err := r.Read(l.buf[n:])
		fresh := n
		n += m
		if skipping {
			end := bytes.IndexByte(l.buf[:n], '\n')
			if skipping = end < 0; skipping {
				n = 0
			} else {
				n, fresh = copy(l.buf, l.buf[end+1:n]), 0
			}
		}
		if end := bytes.LastIndexByte(l.buf[fresh:n], '\n'); end >= 0 {
			if !block(l.buf[:fresh+end+1]) {
				return nil
			}
			n = copy(l.buf, l.buf[fresh+end+1:n])
		}
		switch {
		case err == io.EOF:
			if n > 0 {
				block(l.buf[:n])
			}
			return nil
		case err != nil:
			return err
		case n == longestLine:
			if !long(l.buf[:n]) {
				return nil
			}
			n, skipping = 0, true
		case n == len(l.buf):
			l.buf = append(l.buf, make([]byte, min(n, longestLine-n))...)
		}
		if idle++; m > 0 {
			idle = 0
		}
		if idle > 100 {
			return io.ErrNoProgress
		}
	}
}
