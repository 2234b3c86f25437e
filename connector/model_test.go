package connector_test

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/internal/gen"
)

func relay(server string, ranges ...string) connector.ReceiveConnector {
	return listening(server, "Relay", "0.0.0.0:25", ranges...)
}

func listening(server, name, binding string, ranges ...string) connector.ReceiveConnector {
	c := connector.ReceiveConnector{ID: connector.ID{Server: server, Name: name}, Bindings: []netip.AddrPort{connector.MustParseBinding(binding)}}
	for _, r := range ranges {
		c.RemoteIPRanges = append(c.RemoteIPRanges, connector.MustParseRange(r))
	}
	return c
}

// standard is a connector as Exchange installs it: everything may come, and Exchange servers can authenticate.
func standard(server string) connector.ReceiveConnector {
	c := listening(server, "Default", "0.0.0.0:25", "0.0.0.0-255.255.255.255")
	c.AuthMechanism = connector.AuthTLS | connector.AuthExchangeServer
	c.PermissionGroups = connector.GroupExchangeServers
	return c
}

func conn(server, local, remote string) connector.Conn {
	return connector.Conn{Server: server, Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddr(remote)}
}

func TestAllServers(t *testing.T) {
	top := &connector.Topology{
		Servers: []connector.Server{{Name: "EX01", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}, {Name: "EX02"}},
		Connectors: []connector.ReceiveConnector{listening("ex02", "A", "10.0.0.2:25"), listening("EX03", "A", "10.0.0.3:25"),
			listening("EX03", "B", "10.0.0.3:587"), listening("ex01", "A", "10.0.0.99:25"), listening("EX03", "C", "0.0.0.0:25")},
	}
	before := top.Clone()
	all := top.AllServers()
	require.Len(t, all, 3)
	assert.Equal(t, "[10.0.0.1]", texts(all[0].Addresses), "addresses that are told are not added to")
	assert.False(t, all[0].Missing.Has(connector.PropertyAddresses))
	assert.Equal(t, "[10.0.0.2]", texts(all[1].Addresses), "a binding is a possible address")
	assert.Equal(t, connector.PropertyAddresses, all[1].Missing)
	assert.Equal(t, "EX03", all[2].Name)
	assert.Equal(t, "[10.0.0.3]", texts(all[2].Addresses), "once")
	assert.True(t, all[2].Missing.Has(connector.PropertyVersion|connector.PropertySite|connector.PropertyAddresses))
	assert.True(t, reflect.DeepEqual(before, top), "nothing is written to the topology")
}

func texts(as []netip.Addr) string {
	s := "["
	for i, a := range as {
		if i > 0 {
			s += " "
		}
		s += a.String()
	}
	return s + "]"
}

func TestLookUpsFoldCase(t *testing.T) {
	top := &connector.Topology{Servers: []connector.Server{{Name: "EX01"}}, Connectors: []connector.ReceiveConnector{relay("EX01")}}
	_, ok := top.Server("ex01")
	assert.True(t, ok)
	_, ok = top.Server("EX02")
	assert.False(t, ok)
	c, ok := top.Connector(connector.ID{Server: "ex01", Name: "RELAY"})
	assert.True(t, ok)
	assert.Equal(t, "Relay", c.ID.Name, "the spelling is kept")
	_, ok = top.Connector(connector.ID{Server: "EX01", Name: "Other"})
	assert.False(t, ok)
}

// Every field counts, except Source: a field that Equal forgot would hide a change.
func TestEqualLooksAtEveryField(t *testing.T) {
	checkFields(t, connector.Server{}, connector.Server.Equal)
	checkFields(t, connector.ReceiveConnector{}, connector.ReceiveConnector.Equal)
	checkFields(t, connector.Database{}, connector.Database.Equal)
	checkFields(t, connector.Network{}, connector.Network.Equal)
	checkFields(t, connector.Acceptance{}, connector.Acceptance.Equal)

	full := func() *connector.Topology {
		return &connector.Topology{Servers: make([]connector.Server, 1), Connectors: make([]connector.ReceiveConnector, 1),
			Databases: make([]connector.Database, 1), Networks: make([]connector.Network, 1), Accepted: make([]connector.Acceptance, 1)}
	}
	for i := range 5 {
		o := full()
		f := reflect.ValueOf(o).Elem().Field(i)
		f.Set(reflect.Zero(f.Type()))
		assert.False(t, full().Equal(o), "list %d", i)
	}
	assert.True(t, full().Equal(full()))
}

func checkFields[T any](t *testing.T, zero T, equal func(T, T) bool) {
	t.Helper()
	kind := reflect.TypeOf(zero)
	for i := range kind.NumField() {
		var v T
		f := reflect.ValueOf(&v).Elem().Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Struct:
			switch p := f.Addr().Interface().(type) {
			case *connector.ID:
				p.Name = "x"
			case *connector.Version:
				*p = connector.MustParseVersion("2016")
			case *connector.Source:
				p.Line = 1
			case *connector.Limits:
				checkFields(t, connector.Limits{}, func(a, b connector.Limits) bool { return a == b })
				p.MaxHopCount = connector.LimitOf(0)
			case *connector.Limit:
				*p = connector.Unlimited
			default:
				require.Fail(t, "a field of a kind this test does not set", "%s", kind.Field(i).Name)
			}
		default:
			f.SetUint(1)
		}
		assert.Equal(t, kind.Field(i).Name == "Source", equal(zero, v), "%s.%s", kind, kind.Field(i).Name)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	top := &connector.Topology{
		Servers:    []connector.Server{{Name: "A", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}},
		Connectors: []connector.ReceiveConnector{relay("A", "10.0.0.0/8")},
		Databases:  []connector.Database{{Name: "D", Copies: []string{"A"}}},
		Networks:   []connector.Network{{Name: "N", Ranges: []connector.Range{connector.MustParseRange("10.0.0.1")}}},
		Accepted:   []connector.Acceptance{{Check: "RC001", Ranges: []connector.Range{connector.MustParseRange("10.0.0.1")}}},
	}
	top.Connectors[0].Rights = []connector.Grant{{Right: "r"}}
	c := top.Clone()
	require.True(t, reflect.DeepEqual(top, c))
	c.Servers[0].Addresses[0] = netip.MustParseAddr("::1")
	c.Connectors[0].Bindings[0] = netip.MustParseAddrPort("[::]:1")
	c.Connectors[0].RemoteIPRanges[0] = connector.MustParseRange("::1")
	c.Connectors[0].Rights[0].Right = "x"
	c.Databases[0].Copies[0] = "x"
	c.Networks[0].Ranges[0] = connector.MustParseRange("::1")
	assert.Equal(t, "[10.0.0.1]", texts(top.Servers[0].Addresses))
	assert.Equal(t, "0.0.0.0:25", top.Connectors[0].Bindings[0].String())
	assert.Equal(t, "10.0.0.0/8", top.Connectors[0].RemoteIPRanges[0].String())
	assert.Equal(t, "r", top.Connectors[0].Rights[0].Right)
	assert.Equal(t, "A", top.Databases[0].Copies[0])
	assert.Equal(t, "10.0.0.1", top.Networks[0].Ranges[0].String())
	c.Accepted[0].Ranges[0] = connector.MustParseRange("::1")
	assert.Equal(t, "10.0.0.1", top.Accepted[0].Ranges[0].String())
}

// Plain encoding/json reads and writes the native form too, without positions.
func TestPlainJSON(t *testing.T) {
	for seed := range uint64(50) {
		top := gen.Topology(gen.Rand(seed))
		data, err := json.Marshal(top)
		require.NoError(t, err)
		var back connector.Topology
		require.NoError(t, json.Unmarshal(data, &back), string(data))
		assert.True(t, top.Equal(&back), string(data))
	}
}

func TestCompileErrors(t *testing.T) {
	top := &connector.Topology{
		Servers: []connector.Server{{}, {Name: "EX01"}, {Name: "ex01"}, {Name: "EX02", Addresses: []netip.Addr{{}, netip.IPv4Unspecified()}}},
		Connectors: []connector.ReceiveConnector{
			{ID: connector.ID{Server: "EX01"}}, relay("EX01"), relay("ex01"),
			{ID: connector.ID{Server: "EX01", Name: "B"}, Bindings: make([]netip.AddrPort, 1), RemoteIPRanges: make([]connector.Range, 2),
				Source: connector.Source{File: "f", Line: 3, Col: 4}},
			{ID: connector.ID{Server: "EX01", Name: "C"}, Bindings: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:0")}},
		},
		Databases: []connector.Database{{}},
		Networks:  []connector.Network{{Ranges: make([]connector.Range, 1)}},
		Accepted:  []connector.Acceptance{{Ranges: make([]connector.Range, 1), Source: connector.Source{File: "f", Line: 9}}},
	}
	_, err := connector.Compile(top)
	require.Error(t, err)
	assert.Equal(t, `servers[0].name: nothing given
servers[2].name: server ex01: given more than once
servers[3].addresses[0]: not a valid value
servers[3].addresses[1]: not a valid value
connectors[0].identity: not of the form SERVER\Name
connectors[2].identity: connector ex01\Relay: given more than once
f:3:4: connectors[3].bindings[0]: not a valid value
f:3:4: connectors[3].remoteIPRanges[0]: not a valid value
f:3:4: connectors[3].remoteIPRanges[1]: not a valid value
connectors[4].bindings[0]: not a valid value
databases[0].kind: not a valid value
networks[0].kind: not a valid value
networks[0].ranges[0]: not a valid value
f:9: accepted[0].check: nothing given
f:9: accepted[0].reason: nothing given
f:9: accepted[0].ranges[0]: not a valid value`, err.Error(), "all errors, in input order")
	require.ErrorIs(t, err, connector.ErrDuplicate)
	var me *connector.ModelError
	require.ErrorAs(t, err, &me)
	_, err = connector.WhatIf(top)
	require.ErrorIs(t, err, connector.ErrDuplicate)
}

// A server that nobody runs is refused before it takes all memory.
func TestCompileLimits(t *testing.T) {
	c := relay("EX01")
	for i := range 1025 {
		c.Bindings = append(c.Bindings, netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(1000+i)))
	}
	_, err := connector.Compile(&connector.Topology{Connectors: []connector.ReceiveConnector{c}})
	require.ErrorIs(t, err, connector.ErrTooLarge)
	assert.Equal(t, "server EX01: 1026 local endpoints: more than this library compiles, 1024", err.Error())

	c.Bindings = c.Bindings[:1000]
	c.RemoteIPRanges = make([]connector.Range, 5000)
	for i := range c.RemoteIPRanges {
		c.RemoteIPRanges[i] = connector.MustParseRange("10.0.0.1")
	}
	_, err = connector.Compile(&connector.Topology{Connectors: []connector.ReceiveConnector{c}})
	require.ErrorIs(t, err, connector.ErrTooLarge)
	assert.Equal(t, "server EX01: 5000000 ranges at its local endpoints together: more than this library compiles, 4194304", err.Error())
}

func TestSourceText(t *testing.T) {
	assert.Equal(t, "", connector.Source{}.String())
	assert.Equal(t, "f", connector.Source{File: "f"}.String())
	assert.Equal(t, "f:2", connector.Source{File: "f", Line: 2}.String())
	assert.Equal(t, "f:2:3", connector.Source{File: "f", Line: 2, Col: 3}.String())
}
