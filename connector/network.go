package connector

import "slices"

// NetworkKind says what addresses outside the list of servers are. Zero is not set and not valid.
type NetworkKind uint8

const (
	NetworkGateway     NetworkKind = iota + 1 // source of everything behind a translating gateway
	NetworkBalancer                           // source of everything a load balancer passes on
	NetworkHybrid                             // Exchange Online
	NetworkPartner                            // hosts of a partner
	NetworkPlanned                            // addresses at which Exchange servers will be installed
	NetworkCrossForest                        // Exchange servers of another forest
)

var networkNames = [...]string{"", "Gateway", "Balancer", "Hybrid", "Partner", "Planned", "CrossForest"}

// String prints "Gateway", "Balancer", "Hybrid", "Partner", "Planned" or "CrossForest".
func (k NetworkKind) String() string {
	if int(k) < len(networkNames) {
		return networkNames[k]
	}
	return ""
}

// ParseNetworkKind reads what String prints, in any case. Every error is a [*ParseError].
func ParseNetworkKind(s string) (NetworkKind, error) {
	return parseName[NetworkKind]("network kind", s, networkNames[:])
}

// AppendText appends what String returns.
func (k NetworkKind) AppendText(b []byte) ([]byte, error) { return append(b, k.String()...), nil }

// MarshalText returns what String returns.
func (k NetworkKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is [ParseNetworkKind].
func (k *NetworkKind) UnmarshalText(text []byte) (err error) {
	*k, err = ParseNetworkKind(string(text))
	return err
}

// Network is a set of addresses with a meaning.
type Network struct {
	Name   string      `json:"name"`
	Kind   NetworkKind `json:"kind"`
	Ranges []Range     `json:"ranges,omitzero"`
}

// Equal tells whether two records say the same.
func (n Network) Equal(o Network) bool {
	return n.Name == o.Name && n.Kind == o.Kind && slices.Equal(n.Ranges, o.Ranges)
}
