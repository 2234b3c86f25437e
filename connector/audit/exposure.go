package audit

import (
	"fmt"
	"math/big"
	"strings"

	"go4.org/netipx"

	"github.com/receiveconnector/receiveconnector/connector"
)

// fewAddresses is how many addresses a relay may serve, as those of one subnet, before it counts as large.
const fewAddresses = 256

// exposure is who stands behind a set of sources.
type exposure struct {
	all     *netipx.IPSet
	public  *netipx.IPSet // of the Internet
	servers *netipx.IPSet // of known and planned Exchange servers
	hiding  []connector.Network
}

func (p *Pass) exposureOf(set *netipx.IPSet) exposure {
	e := exposure{all: set, public: overlap(set, publicAddresses), servers: overlap(set, p.traffic.where)}
	for _, n := range p.traffic.list {
		if hides(n) && !isEmpty(overlap(set, connector.IPSet(n.Ranges...))) {
			e.hiding = append(e.hiding, n)
		}
	}
	return e
}

// hides tells whether many clients arrive under the addresses of a network.
func hides(n connector.Network) bool {
	return n.Kind == connector.NetworkGateway || n.Kind == connector.NetworkBalancer
}

// isLarge tells whether the set holds more than a subnet's worth of addresses.
func (e exposure) isLarge() bool { return countOf(e.all).Cmp(big.NewInt(fewAddresses)) > 0 }

// String prints "256 addresses, 16 of them public, 2 of Exchange servers; the gateway fw hides others behind one of them".
func (e exposure) String() string {
	var b strings.Builder
	b.WriteString(connector.CountAddresses(countOf(e.all)))
	switch {
	case isEmpty(less(e.all, e.public)):
		b.WriteString(", public")
	case !isEmpty(e.public):
		fmt.Fprintf(&b, ", of them public: %s", connector.CountAddresses(countOf(e.public)))
	default:
		b.WriteString(", none of them public")
	}
	if !isEmpty(e.servers) {
		fmt.Fprintf(&b, ", of Exchange servers: %s", connector.CountAddresses(countOf(e.servers)))
	}
	for _, n := range e.hiding {
		fmt.Fprintf(&b, "; %s hides others behind them", networkText(n))
	}
	return b.String()
}

func networkText(n connector.Network) string {
	return fmt.Sprintf("%s %s", strings.ToLower(n.Kind.String()), n.Name)
}

// countOf returns how many addresses a set has.
func countOf(set *netipx.IPSet) *big.Int {
	n := new(big.Int)
	for _, r := range connector.RangesOf(set) {
		n.Add(n, r.Size())
	}
	return n
}

// publicAddresses are those of the Internet: of IPv4 what is not set aside for private, shared, local, multicast or reserved use, for
// documents or measurements, of IPv6 the global unicast addresses but for those of documents. Source: RFC 6890, RFC 4291.
var publicAddresses = public()

func public() *netipx.IPSet {
	var b netipx.IPSetBuilder
	b.AddSet(rangesOf("0.0.0.0/0", "2000::/3"))
	b.RemoveSet(rangesOf("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",
		"192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"))
	set, _ := b.IPSet() // valid ranges do not fail
	return set
}

func rangesOf(texts ...string) *netipx.IPSet {
	rs := make([]connector.Range, len(texts))
	for i, s := range texts {
		rs[i] = connector.MustParseRange(s)
	}
	return connector.IPSet(rs...)
}
