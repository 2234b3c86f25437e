package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

var rc004 = &Check{
	ID:       "RC004",
	Title:    "two connectors tie for the same addresses",
	Severity: Warning,
	Run:      checkRC004,
	Doc: `At one endpoint, two or more connectors have ranges of the same number of addresses that hold these sources,
and both are bound to the exact local address or both to the wildcard. The one the server read first serves them, and the
order cannot be seen from outside: every answer about these sources is in doubt, and may be another one after a restart.

One finding for each connector that comes first in the configuration; the related ones tie with it. The cmdlets refuse
equal ranges on one binding, so it stems from an import, a directory edit, or two bindings.

List the sources at one of the connectors only, or as single addresses at the one that is meant.

Source: the order in a tie: product.`,
}

func checkRC004(p *Pass) error {
	for _, h := range p.spaceOf().holdings {
		if isEmpty(h.tied) {
			continue
		}
		f := Finding{Subject: h.connector.ID, Certainty: Certain, Addrs: connector.RangesOf(h.tied), Related: p.tiedWith(h)}
		if conn, ok := p.connFrom(firstOf(h.tied), h.connector.ID); ok {
			f.Witness = p.look(conn)
		}
		f.Message = fmt.Sprintf("ties with %s: which of them serves these sources cannot be seen from outside", names(f.Related))
		p.Report(f)
	}
	return nil
}

// tiedWith returns the connectors that tie with one for what it wins in a tie: who would win in its place, and so on while there is
// a tie.
func (p *Pass) tiedWith(h *holding) (ids []connector.ID) {
	for _, local := range h.at {
		gone := []connector.ID{h.connector.ID}
		left := tiesAt(p.Index, h.connector.ID, local)
		for !isEmpty(left) {
			x := p.withoutAll(gone)
			var again netipx.IPSetBuilder
			for region, m := range x.Regions(p.Server, local) {
				if m.Outcome() != connector.Selected || !left.OverlapsRange(region) {
					continue
				}
				if !slices.Contains(gone, m.Connector()) {
					gone = append(gone, m.Connector())
				}
				if !slices.Contains(ids, m.Connector()) {
					ids = append(ids, m.Connector())
				}
				if m.Doubt().Has(connector.DoubtTie) {
					again.AddRange(region)
				}
			}
			next, _ := again.IPSet() // valid ranges do not fail
			left = overlap(left, next)
		}
	}
	return ids
}

// tiesAt returns what a connector wins in a tie at an endpoint.
func tiesAt(x *connector.Index, id connector.ID, local netip.AddrPort) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for region, m := range x.Regions(id.Server, local) {
		if m.Connector().Equal(id) && m.Doubt().Has(connector.DoubtTie) {
			b.AddRange(region)
		}
	}
	set, _ := b.IPSet() // valid ranges do not fail
	return set
}

// withoutAll returns the index of the server without some of its connectors.
func (p *Pass) withoutAll(gone []connector.ID) *connector.Index {
	t := p.only(p.Server)
	t.Connectors = slices.DeleteFunc(slices.Clone(t.Connectors), func(c connector.ReceiveConnector) bool { return slices.ContainsFunc(gone, c.ID.Equal) })
	return mustCompile(t)
}

// names lists connectors.
func names(ids []connector.ID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return strings.Join(texts, ", ")
}
