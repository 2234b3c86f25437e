package psexport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Reasons the characters of a file cannot be read.
var (
	ErrCutCharacter = errors.New("the file ends in the middle of a UTF-16 character: it was cut off, so write or copy it anew")
	ErrNUL          = errors.New("a NUL character: a binary file, or text to which a shell appended in another encoding; write the export anew")
	ErrUTF32        = errors.New("UTF-32, which this library does not read; write the export with -Encoding UTF8")
)

// text is a file as UTF-8 without a byte order mark, and what was assumed and lost on the way.
type text struct {
	*bufio.Reader
	page     *codePage // assumed, because the file is not UTF-8
	pageLine int       // 1-based, of the first byte that is not
	lost     int       // characters that mean nothing, read as U+FFFD
	lostLine int       // 1-based, of the first of them
}

// decodeText tells the encoding of r from its first bytes. Windows PowerShell redirects in UTF-16 with a mark, other tools
// leave the mark out, and cmd.exe and -Encoding Default write a code page.
func decodeText(r io.Reader) *text {
	t := &text{}
	b := bufio.NewReaderSize(r, 16) // for the mark; blocks are read past it
	head, _ := b.Peek(4)
	mark := func(m string) bool {
		ok := bytes.HasPrefix(head, []byte(m))
		if ok {
			b.Discard(len(m))
		}
		return ok
	}
	d := &decoder{text: t, src: b}
	switch {
	case mark("\xff\xfe\x00\x00"), mark("\x00\x00\xfe\xff"):
		d.err = ErrUTF32
	case mark("\xff\xfe"):
		d.order = binary.LittleEndian
	case mark("\xfe\xff"):
		d.order = binary.BigEndian
	case mark("\xef\xbb\xbf"):
	case len(head) > 1 && head[0] != 0 && head[1] == 0:
		d.order = binary.LittleEndian
	case len(head) > 1 && head[0] == 0 && head[1] != 0:
		d.order = binary.BigEndian
	}
	t.Reader = bufio.NewReader(d)
	return t
}

// blockSize is how many bytes are decoded at a time, and the most that is looked at to tell a code page.
const blockSize = 64 << 10

// decoder reads a file block by block as UTF-8.
type decoder struct {
	*text
	src   *bufio.Reader
	order binary.ByteOrder // of UTF-16; nil for anything else
	line  int              // line feeds before the block
	block []byte           // read and not decoded
	out   []byte           // decoded, from at on not handed out
	at    int
	err   error // what ends the output
}

func (d *decoder) Read(p []byte) (int, error) {
	for d.at == len(d.out) {
		if d.err != nil {
			return 0, d.err
		}
		d.out, d.at = d.out[:0], 0
		d.fill()
	}
	n := copy(p, d.out[d.at:])
	d.at += n
	return n, nil
}

// fill decodes the next block.
func (d *decoder) fill() {
	left := len(d.block)
	d.block = slices.Grow(d.block, blockSize)[:blockSize]
	n, err := io.ReadFull(d.src, d.block[left:])
	d.block = d.block[:left+n]
	end := err != nil
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	var used int
	if d.order != nil {
		used, err = d.utf16(end, err)
	} else {
		used = d.bytes(end)
	}
	d.block = d.block[:copy(d.block, d.block[used:])]
	if end {
		d.err = err
	}
	if i := bytes.IndexByte(d.out, 0); i >= 0 {
		d.out, d.err = d.out[:i], ErrNUL
	}
	d.line += bytes.Count(d.out, []byte("\n"))
}

// bytes decodes UTF-8, or a code page from the first line on that is not.
func (d *decoder) bytes(end bool) (used int) {
	b := d.block
	if d.page == nil {
		if !end {
			b = b[:len(b)-cutRune(b)]
		}
		if utf8.Valid(b) {
			d.out = append(d.out, b...)
			return len(b)
		}
		// Lines before the first that is not UTF-8 are what they look like, so a file may change its encoding where a shell
		// appended to it.
		b = d.block
		d.out = append(d.out, b[:1+bytes.LastIndexByte(validPrefix(b), '\n')]...)
		b = b[len(d.out):]
		d.page = guessCodePage(b)
		d.pageLine = d.line + 1 + bytes.Count(d.out, []byte("\n"))
	}
	line := max(d.line+1, d.pageLine)
	for _, c := range b {
		r := d.page.rune(c)
		if c == '\n' {
			line++
		}
		if r == utf8.RuneError {
			d.lose(line)
		}
		d.out = utf8.AppendRune(d.out, r)
	}
	return len(d.block)
}

// cutRune returns how many bytes at the end of b begin a character that goes on behind it.
func cutRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// validPrefix returns what of b is UTF-8.
func validPrefix(b []byte) []byte {
	n := 0
	for n < len(b) {
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return b[:n]
}

// utf16 decodes UTF-16. Half of a surrogate pair becomes U+FFFD.
func (d *decoder) utf16(end bool, err error) (int, error) {
	b, used, line := d.block, 0, d.line+1
	for ; used+1 < len(b); used += 2 {
		r := rune(d.order.Uint16(b[used:]))
		if r < utf8.RuneSelf {
			if r == '\n' {
				line++
			}
			d.out = append(d.out, byte(r))
			continue
		}
		if utf16.IsSurrogate(r) {
			if used+3 >= len(b) && !end {
				return used, err
			}
			pair := utf8.RuneError
			if used+3 < len(b) {
				pair = utf16.DecodeRune(r, rune(d.order.Uint16(b[used+2:])))
			}
			if r = pair; r == utf8.RuneError {
				d.lose(line)
			} else {
				used += 2
			}
		}
		d.out = utf8.AppendRune(d.out, r)
	}
	if end && used < len(b) && errors.Is(err, io.EOF) {
		return len(b), ErrCutCharacter
	}
	return used, err
}

func (t *text) lose(line int) {
	if t.lost++; t.lost == 1 {
		t.lostLine = line
	}
}
