package smtplog

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"maps"
	"slices"
	"time"
)

// live is a session that has not ended.
type live struct {
	dialog
	// A line of the session holds prefix behind its time and the comma, and ends behind the sequence number and the comma, as they are
	// written. They tell the session from others; in a send log prefix does alone, because there the endpoints come later.
	prefix, ends []byte
	id           []byte
	born         int
	slot         uint32
	localRead    bool
	stamp        [stampLength]byte // of the last line
}

// session returns the session, which shares nothing with s.
func (s *live) session() Session {
	o := s.Session
	o.ID = text(s.id)
	return o
}

// Bounds of what is kept.
const (
	slots    = 1 << 12 // a power of two
	mostNew  = 1 << 15 // sessions in one generation
	idleTime = 24 * time.Hour
)

// tracker follows the sessions of one or several logs. Most lines belong to a session that is known: a few comparisons of bytes tell, and
// nothing is allocated.
type tracker struct {
	scanner
	hand func(*live) bool // is told each session as it ends, which holds until it returns; false stops

	last  *live
	slots [slots]*live  // by session-id
	ended [slots]uint64 // hashes of sessions that have ended, to know their lines if more of them come
	seed  maphash.Seed
	// Sessions whose slot is taken, in two generations: if the younger one is full, what the older one holds is handed out as it is.
	young, old map[string]*live
	born       int
	free       []*live
	words      words
	key        []byte    // of a session that is looked for in the generations
	joined     [2][]byte // see parts
}

func newTracker(hand func(*live) bool, problem func(*LineError) bool) *tracker {
	t := &tracker{hand: hand, seed: maphash.MakeSeed(), last: new(live), young: make(map[string]*live), old: make(map[string]*live), words: newWords()}
	t.scanner = scanner{problem: problem, known: t.known, record: t.record}
	return t
}

// known reads a line of a session that is known. It tells whether it is one.
func (t *tracker) known(line []byte) bool {
	rest := line[head:]
	s := t.last
	if len(s.prefix) == 0 || !bytes.HasPrefix(rest, s.prefix) { // it has none once it has ended
		n := bytes.IndexByte(rest, ',')
		if n < 0 || len(rest) < n+1+idLength {
			return false
		}
		s = t.slots[slotOf(rest[n+1:n+1+idLength])]
		if s == nil || !bytes.HasPrefix(rest, s.prefix) {
			return false
		}
		t.last = s
	}
	rest = rest[len(s.prefix):]
	i := 0
	for i < len(rest) && '0' <= rest[i] && rest[i] <= '9' {
		i++
	}
	if i == len(rest) || rest[i] != ',' {
		return false
	}
	rest = rest[i+1:]
	if !bytes.HasPrefix(rest, s.ends) || t.direction != 0 && s.Direction != t.direction {
		return false
	}
	rest = rest[len(s.ends):]
	if len(rest) < 2 || rest[1] != ',' {
		return false
	}
	e, ok := event(rest[:1])
	if !ok || !s.line(e, rest[2:], t.words) {
		return false
	}
	t.read++
	t.took(s, line)
	return true
}

// idLength is the length of a session-id: 16 hexadecimal digits (observed).
const idLength = 16

func slotOf(id []byte) uint32 {
	w0, w1 := binary.LittleEndian.Uint64(id), binary.LittleEndian.Uint64(id[8:])
	return uint32((w0*0x9e3779b97f4a7c15 ^ w1*0xff51afd7ed558ccd) >> 32 % slots)
}

// took counts a line that was read, and hands out the session if it was the last one.
func (t *tracker) took(s *live, stamp []byte) {
	s.Lines++
	s.stamp = [stampLength]byte(stamp)
	if !s.Ended {
		return
	}
	if t.slots[s.slot] != s {
		t.nameKey(s.Direction, s.prefix, s.ends)
		delete(t.young, string(t.key))
		delete(t.old, string(t.key))
	}
	t.ended[s.slot] = t.hash(s.Direction, s.prefix, s.ends)
	t.end(s)
}

// hash is never 0.
func (t *tracker) hash(d Direction, prefix, ends []byte) uint64 {
	h := maphash.Bytes(t.seed, prefix)
	if d == Receive {
		h = h*31 + maphash.Bytes(t.seed, ends)
	}
	return h | 1
}

// end hands out a session that is not in the generations any more.
func (t *tracker) end(s *live) {
	if s.Last, _ = t.parse(s.stamp[:]); s.Last.Before(s.First) { // the clock went back
		s.Last = s.First
	}
	s.conclude()
	s.piece = s.rest()
	t.stopped = t.stopped || !t.hand(s)
	if t.slots[s.slot] == s {
		t.slots[s.slot] = nil
	}
	s.prefix = s.prefix[:0]
	t.free = append(t.free, s)
}

// record reads a line of a session that is perhaps not known.
func (t *tracker) record(line []byte, f *fields, e Event) error {
	s := t.find(line, f)
	if s == nil {
		return ErrEnded
	}
	t.endpoints(s, f)
	s.event(e, f[dataColumn], f[contextColumn], t.words)
	t.took(s, f[dateTime])
	return nil
}

// endpoints reads the endpoints: once, but of a send log as soon as they are there.
func (t *tracker) endpoints(s *live, f *fields) {
	first := s.Lines == 0
	if first || s.Direction == Send && !s.localRead && len(f[localEndpoint]) > 0 {
		s.localRead = len(f[localEndpoint]) > 0
		s.Local = t.endpoint(f[localEndpoint], false)
	}
	if first {
		s.Remote = t.endpoint(f[remoteEndpoint], s.Direction == Receive)
	}
}

// find returns the session of a line, nil if it has ended a moment ago.
func (t *tracker) find(line []byte, f *fields) *live {
	direction := t.of(f)
	prefix, ends := t.parts(line, f)
	id := f[sessionID]
	var padded [idLength]byte
	if len(id) < idLength {
		copy(padded[:], id)
		id = padded[:]
	}
	slot := slotOf(id)
	s := t.slots[slot]
	if s == nil || s.Direction != direction || !bytes.Equal(s.prefix, prefix) || direction == Receive && !bytes.Equal(s.ends, ends) {
		s = t.keptElsewhere(direction, prefix, ends)
	}
	if s == nil {
		if t.ended[slot] == t.hash(direction, prefix, ends) {
			return nil
		}
		s = t.begin(f, direction, slot)
		s.prefix = append(s.prefix[:0], prefix...)
		s.ends = append(s.ends[:0], ends...)
		t.keep(s)
	} else if direction == Send {
		s.ends = append(s.ends[:0], ends...)
	}
	t.last = s
	return s
}

// parts returns what stands between the time and the sequence number, and between that and the event, as it is written; in another
// order of columns as it would be.
func (t *tracker) parts(line []byte, f *fields) (prefix, ends []byte) {
	if !t.layout.standard || line[0] == '"' {
		join := func(to []byte, a, b column) []byte {
			to = append(append(to[:0], f[a]...), ',')
			return append(append(to, f[b]...), ',')
		}
		t.joined[0], t.joined[1] = join(t.joined[0], connectorID, sessionID), join(t.joined[1], localEndpoint, remoteEndpoint)
		return t.joined[0], t.joined[1]
	}
	if line[head] != '"' { // and nothing else holds a comma
		from := head + len(f[connectorID]) + len(",") + len(f[sessionID]) + len(",")
		sequence := from + len(f[sequenceNumber]) + len(",")
		end := sequence + len(f[localEndpoint]) + len(",") + len(f[remoteEndpoint]) + len(",")
		if end < len(line) && line[from-1] == ',' && line[sequence-1] == ',' && line[end-1] == ',' && bytes.IndexByte(line[:end], '"') < 0 {
			return line[head:from], line[sequence:end]
		}
	}
	rest := line[head:]
	cut := func() []byte {
		from := rest
		_, rest, _, _ = cutField(rest)
		_, rest, _, _ = cutField(rest)
		return from[:len(from)-len(rest)]
	}
	prefix = cut()
	_, rest, _, _ = cutField(rest)
	return prefix, cut()
}

func (t *tracker) nameKey(d Direction, prefix, ends []byte) {
	t.key = append(append(t.key[:0], byte(d)), prefix...)
	if d == Receive {
		t.key = append(t.key, ends...)
	}
}

// keptElsewhere returns a session that is not in a slot, nil if there is none. It goes into the younger generation.
func (t *tracker) keptElsewhere(d Direction, prefix, ends []byte) *live {
	if len(t.young)+len(t.old) == 0 {
		return nil
	}
	t.nameKey(d, prefix, ends)
	s := t.young[string(t.key)]
	if s == nil {
		if s = t.old[string(t.key)]; s != nil {
			delete(t.old, string(t.key))
			t.keepElsewhere(s)
		}
	}
	return s
}

// begin makes a session of its first line.
func (t *tracker) begin(f *fields, d Direction, slot uint32) *live {
	var s *live
	if n := len(t.free); n > 0 {
		s, t.free = t.free[n-1], t.free[:n-1]
	} else {
		s = new(live)
	}
	t.born++
	s.dialog = dialog{}
	s.born, s.slot, s.id, s.localRead = t.born, slot, append(s.id[:0], f[sessionID]...), false
	s.Source, s.Direction, s.Connector, s.First = t.source(), d, t.words.of(f[connectorID]).text, t.now
	return s
}

// keep puts a session into its slot, or elsewhere if one that is not idle has it.
func (t *tracker) keep(s *live) {
	if o := t.slots[s.slot]; o != nil {
		if last, _ := parseStamp(o.stamp[:]); last.Add(idleTime).After(t.now) {
			t.keepElsewhere(s)
			return
		}
		t.end(o)
	}
	t.slots[s.slot] = s
}

func (t *tracker) keepElsewhere(s *live) {
	if len(t.young) >= mostNew {
		all := slices.Collect(maps.Values(t.old))
		clear(t.old)
		t.young, t.old = t.old, t.young
		t.handAll(all)
	}
	t.nameKey(s.Direction, s.prefix, s.ends)
	t.young[string(t.key)] = s
}

// handAll hands out sessions that have not ended, in the order they began.
func (t *tracker) handAll(sessions []*live) {
	slices.SortFunc(sessions, func(a, b *live) int { return a.born - b.born })
	for _, s := range sessions {
		t.end(s)
	}
}

// flush hands out what has not ended.
func (t *tracker) flush() {
	all := slices.AppendSeq(slices.Collect(maps.Values(t.young)), maps.Values(t.old))
	for _, s := range t.slots {
		if s != nil {
			all = append(all, s)
		}
	}
	clear(t.young)
	clear(t.old)
	t.handAll(all)
}
