package report

import (
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// Moves writes who changes hands: as text a block for each server and pair of connectors, where moves that differ in the local endpoint
// alone are one; as JSON a list of
//
//	{"server", "locals", "from", "to", "addresses", "count", "witness", "doubt"}
//
// where from or to is empty for what is refused and count is a number in decimal, as text because it may be large. No moves are an
// empty list.
func (f Format) Moves(w io.Writer, moves []connector.Move) error {
	if f == JSON {
		return writeJSON(w, movesJSON(moves), true)
	}
	var b outline
	if len(moves) == 0 {
		b.WriteString("No source of any endpoint changes hands.\n")
	}
	writeMoves(&b, "", moves)
	return f.outline(w, "Who changes hands", &b)
}

// movement is a move at several local endpoints.
type movement struct {
	connector.Move
	locals []netip.AddrPort
}

// merged makes one of moves that differ in the local endpoint alone.
func merged(moves []connector.Move) (all []movement) {
	for _, m := range moves {
		i := slices.IndexFunc(all, func(o movement) bool {
			return strings.EqualFold(o.Server, m.Server) && o.From.Equal(m.From) && o.To.Equal(m.To) && o.Doubt == m.Doubt && slices.Equal(o.Addrs, m.Addrs)
		})
		if i < 0 {
			all = append(all, movement{Move: m})
			i = len(all) - 1
		}
		all[i].locals = append(all[i].locals, m.Local)
	}
	return all
}

// countOf returns the number of addresses in ranges that do not overlap.
func countOf(rs []connector.Range) *big.Int {
	n := new(big.Int)
	for _, r := range rs {
		n.Add(n, r.Size())
	}
	return n
}

// mostRanges is how many ranges of a move are printed.
const mostRanges = 12

// writeMoves writes a block for each move.
func writeMoves(b *outline, indent string, moves []connector.Move) {
	for _, m := range merged(moves) {
		m.write(b, indent, m.who())
	}
}

// writeUnsettled writes a block for each of those who may move.
func writeUnsettled(b *outline, indent string, moves []connector.Move) {
	for _, m := range merged(moves) {
		m.write(b, indent, orRefused(m.From)+", or another one")
	}
}

// who names the connectors. Another one can have the name of one that is gone, or has another name now.
func (m movement) who() string {
	former := ""
	if m.From.Equal(m.To) {
		former = "the former "
	}
	return former + orRefused(m.From) + " -> " + orRefused(m.To)
}

func (m movement) write(b *outline, indent, who string) {
	b.printf("%s%s %s: %s\n%s  %s\n", indent, m.Server, strings.Join(texts(m.locals), ", "), who, indent, ranges(m.Addrs))
	b.printf("%s  %s, for example %s\n", indent, connector.CountAddresses(countOf(m.Addrs)), m.Witness)
	if m.Doubt != 0 {
		b.printf("%s  in doubt: %s\n", indent, m.Doubt)
	}
}

// ranges prints ranges, if they are not too many to be read.
func ranges(rs []connector.Range) string {
	list := texts(rs)
	if len(list) > mostRanges {
		list = append(list[:mostRanges], fmt.Sprintf("and %d more ranges", len(rs)-mostRanges))
	}
	return strings.Join(list, ", ")
}

func orRefused(id connector.ID) string {
	if id.IsZero() {
		return "refused"
	}
	return id.String()
}

type moveObject struct {
	Server    string   `json:"server"`
	Locals    []string `json:"locals"`    // local endpoints, ADDRESS:PORT
	From      string   `json:"from"`      // connector before; empty if the sources were refused
	To        string   `json:"to"`        // connector after; empty if the sources are refused
	Addresses []string `json:"addresses"` // exactly the sources, as ranges
	Count     string   `json:"count"`     // how many addresses, in decimal
	Witness   string   `json:"witness"`   // one of the sources
	Doubt     string   `json:"doubt"`
}

func movesJSON(moves []connector.Move) []moveObject {
	list := []moveObject{}
	for _, m := range merged(moves) {
		list = append(list, moveObject{m.Server, texts(m.locals), m.From.String(), m.To.String(), texts(m.Addrs), countOf(m.Addrs).String(), m.Witness.String(), m.Doubt.String()})
	}
	return list
}
