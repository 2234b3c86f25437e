package connector

import (
	"cmp"

	"github.com/receiveconnector/receiveconnector/connector/internal/u128"
)

// rank is what the decision order looks at: one range of one connector at one local endpoint.
type rank struct {
	size      u128.Uint128 // addresses in the range, less one
	exact     bool         // the connector is bound to this very local address, not to the wildcard
	connector int          // position in the configuration
	entry     int          // position of the range in the connector's list
}

// compareRank is THE decision order: of all ranges that contain the client the first in this order wins. A cutter, which compares no
// ranks, keeps to it: its candidates come in this order but for their sizes, and those come first.
//
//  1. The range with the fewest addresses, whatever its notation. A connector counts with its narrowest range.
//  2. The exact local address before the wildcard.
//  3. The order of the configuration, which no one can see from outside: whoever wins by it wins with [DoubtTie].
//
// Source: "most specific match for the client IP" (Receive connectors, New-ReceiveConnector: documented); counting
// addresses, the binding as second key and the order as third are known from the product.
func compareRank(a, b rank) int {
	return cmp.Or(compareVisible(a, b), cmp.Compare(a.connector, b.connector), cmp.Compare(a.entry, b.entry))
}

// compareVisible is the part of the decision order that can be seen from outside. Two connectors that are equal here tie.
func compareVisible(a, b rank) int {
	if c := a.size.Compare(b.size); c != 0 {
		return c
	}
	if a.exact == b.exact {
		return 0
	}
	if a.exact {
		return -1
	}
	return 1
}

// lost tells by which part of the decision order a rank lost to the winner's.
func lost(r, winner rank) Reason {
	switch {
	case r.connector == winner.connector:
		return Won
	case r.size != winner.size:
		return LostToNarrower
	case r.exact != winner.exact:
		return LostToExactBinding
	}
	return LostTie
}
