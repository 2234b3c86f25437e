package connector

import (
	"strconv"
	"strings"
)

// flagName spells one bit of a flags type.
type flagName struct {
	bit  uint64
	name string
}

// printFlags writes the names of the set bits in ascending order, "None" for zero, and the plain number if a bit has
// no name, which is what .NET does.
func printFlags(v uint64, names []flagName) string {
	if v == 0 {
		return "None"
	}
	var parts []string
	rest := v
	for _, f := range names {
		if v&f.bit != 0 {
			parts = append(parts, f.name)
			rest &^= f.bit
		}
	}
	if rest != 0 {
		return strconv.FormatUint(v, 10)
	}
	return strings.Join(parts, ", ")
}

// parseFlags reads names separated by commas, in any order and case, or one decimal number.
func parseFlags(kind, s string, names []flagName) (uint64, error) {
	fail := func(offset int, err error) (uint64, error) {
		return 0, &ParseError{Kind: kind, Input: s, Offset: offset, Err: err}
	}
	if strings.TrimSpace(s) == "" {
		return fail(0, ErrEmpty)
	}
	if n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64); err == nil {
		var all uint64
		for _, f := range names {
			all |= f.bit
		}
		if n&^all != 0 {
			return fail(0, ErrUnknownName)
		}
		return n, nil
	}
	var v uint64
	none, noneAt, count := false, 0, 0
	at := 0
	for part := range strings.SplitSeq(s, ",") {
		name := strings.TrimSpace(part)
		nameAt := at + strings.Index(part, name)
		at += len(part) + 1
		count++
		if strings.EqualFold(name, "None") {
			none, noneAt = true, nameAt
			continue
		}
		bit, ok := flagBit(name, names)
		if !ok {
			return fail(nameAt, ErrUnknownName)
		}
		v |= bit
	}
	if none && count > 1 {
		return fail(noneAt, ErrNoneNotAlone)
	}
	return v, nil
}

func flagBit(name string, names []flagName) (uint64, bool) {
	for _, f := range names {
		if strings.EqualFold(name, f.name) {
			return f.bit, true
		}
	}
	return 0, false
}

// parseName reads one of the names of an enumeration, in any case.
func parseName[T ~uint8](kind, s string, names []string) (T, error) {
	for i, name := range names {
		if name != "" && strings.EqualFold(strings.TrimSpace(s), name) {
			return T(i), nil
		}
	}
	return 0, &ParseError{Kind: kind, Input: s, Err: ErrUnknownName}
}
