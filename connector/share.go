package connector

import (
	"net/netip"

	"go4.org/netipx"
)

// Share is what one connector serves of some sources at a local endpoint, or what none does.
type Share struct {
	Outcome   Outcome
	Connector ID      // the zero ID unless Outcome is [Selected]
	Addrs     []Range // exactly, in address order
	Doubt     Doubt   // of any of the answers
}

// Shares tells what becomes of every address of some ranges at a local endpoint: one Share for each connector and outcome, in the order of
// their first address. If it is one, all of the addresses reach one connector, or none reaches any. Only ranges of local's family count;
// there is no Share if there is none, or if the endpoint is not valid.
func (x *Index) Shares(server string, local netip.AddrPort, rs ...Range) (shares []Share) {
	type key struct {
		outcome   Outcome
		connector ID
	}
	asked := IPSet(rs...).Ranges()
	at := make(map[key]int)
	var sets []*netipx.IPSetBuilder
	for region, m := range x.Regions(server, local) {
		for len(asked) > 0 && (asked[0].To().Less(region.From()) || asked[0].From().Is4() != region.From().Is4()) {
			asked = asked[1:]
		}
		for _, r := range asked {
			if region.To().Less(r.From()) {
				break
			}
			k := key{m.Outcome(), m.Connector()}
			i, known := at[k]
			if !known {
				i = len(shares)
				at[k] = i
				shares, sets = append(shares, Share{Outcome: k.outcome, Connector: k.connector}), append(sets, new(netipx.IPSetBuilder))
			}
			sets[i].AddRange(common(r, region))
			shares[i].Doubt |= m.Doubt()
		}
	}
	for i := range shares {
		set, _ := sets[i].IPSet() // valid ranges do not fail
		shares[i].Addrs = RangesOf(set)
	}
	return shares
}

// common returns what two ranges that overlap have in common.
func common(a, b netipx.IPRange) netipx.IPRange {
	from, to := a.From(), a.To()
	if from.Less(b.From()) {
		from = b.From()
	}
	if b.To().Less(to) {
		to = b.To()
	}
	return netipx.IPRangeFrom(from, to)
}
