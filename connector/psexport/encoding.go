package psexport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrCutCharacter reports UTF-16 that ends in the middle of a character.
var ErrCutCharacter = errors.New("the file ends in the middle of a UTF-16 character")

// decodeText returns r as UTF-8 without a byte order mark. Windows PowerShell redirects in UTF-16 with a mark, and
// Export-Clixml writes either.
func decodeText(r io.Reader) *bufio.Reader {
	b := bufio.NewReader(r)
	head, _ := b.Peek(3)
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		b.Discard(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		b.Discard(2)
		return bufio.NewReader(&utf16Reader{r: b, order: binary.LittleEndian})
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		b.Discard(2)
		return bufio.NewReader(&utf16Reader{r: b, order: binary.BigEndian})
	}
	return b
}

// utf16Reader turns UTF-16 into UTF-8. Half a surrogate pair becomes U+FFFD.
type utf16Reader struct {
	r       *bufio.Reader
	order   binary.ByteOrder
	pending []byte
	err     error // what ended the input
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.pending) < len(p) && u.err == nil {
		c, err := u.unit()
		if err != nil {
			u.err = err
			break
		}
		r := rune(c)
		if utf16.IsSurrogate(r) {
			next, err := u.r.Peek(2)
			r = utf8.RuneError
			if err == nil {
				if pair := utf16.DecodeRune(rune(c), rune(u.order.Uint16(next))); pair != utf8.RuneError {
					r = pair
					u.r.Discard(2)
				}
			}
		}
		u.pending = utf8.AppendRune(u.pending, r)
	}
	if len(u.pending) == 0 {
		return 0, u.err
	}
	n := copy(p, u.pending)
	u.pending = u.pending[:copy(u.pending, u.pending[n:])]
	return n, nil
}

func (u *utf16Reader) unit() (uint16, error) {
	var two [2]byte
	n, err := io.ReadFull(u.r, two[:])
	if n == 1 {
		return 0, ErrCutCharacter
	}
	if err != nil {
		return 0, err
	}
	return u.order.Uint16(two[:]), nil
}
