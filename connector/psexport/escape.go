package psexport

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape replaces _xHHHH_, which CLIXML writes for characters XML cannot hold: UTF-16 units, so a character outside the
// basic plane takes two, and half of one becomes U+FFFD.
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for s != "" {
		unit, ok := escaped(s)
		if !ok {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		s = s[len("_xHHHH_"):]
		r := rune(unit)
		if utf16.IsSurrogate(r) {
			low, _ := escaped(s)
			if r = utf16.DecodeRune(r, rune(low)); r != utf8.RuneError {
				s = s[len("_xHHHH_"):]
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

func escaped(s string) (uint16, bool) {
	if len(s) < len("_xHHHH_") || s[0] != '_' || s[1] != 'x' || s[6] != '_' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return uint16(n), err == nil
}
