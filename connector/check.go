package connector

import "fmt"

// checker collects the reasons why a topology cannot be compiled, in its order.
type checker struct {
	errs       []error
	connectors map[ID]bool // so far, by their keys
}

func (k *checker) bad(src Source, err error, path string, args ...any) {
	k.errs = append(k.errs, &ModelError{Source: src, Path: fmt.Sprintf(path, args...), Err: err})
}

func (k *checker) servers(t *Topology) {
	servers := make(map[string]bool)
	for i, s := range t.Servers {
		if s.Name == "" {
			k.bad(s.Source, ErrEmpty, "servers[%d].name", i)
		} else if key := foldKey(s.Name); servers[key] {
			k.bad(s.Source, fmt.Errorf("server %s: %w", s.Name, ErrDuplicate), "servers[%d].name", i)
		} else {
			servers[key] = true
		}
		for j, a := range s.Addresses {
			if !a.IsValid() || a.IsUnspecified() {
				k.bad(s.Source, ErrInvalid, "servers[%d].addresses[%d]", i, j)
			}
		}
	}
}

func (k *checker) connector(i int, c *ReceiveConnector) {
	if k.connectors == nil {
		k.connectors = make(map[ID]bool)
	}
	key := c.ID.Key()
	switch {
	case c.ID.Server == "" || c.ID.Name == "":
		k.bad(c.Source, ErrIdentity, "connectors[%d].identity", i)
	case k.connectors[key]:
		k.bad(c.Source, fmt.Errorf("connector %s: %w", c.ID, ErrDuplicate), "connectors[%d].identity", i)
	}
	k.connectors[key] = true
	for j, b := range c.Bindings {
		if !b.IsValid() || b.Port() == 0 {
			k.bad(c.Source, ErrInvalid, "connectors[%d].bindings[%d]", i, j)
		}
	}
	for j := range c.RemoteIPRanges {
		if !c.RemoteIPRanges[j].IsValid() {
			k.bad(c.Source, ErrInvalid, "connectors[%d].remoteIPRanges[%d]", i, j)
		}
	}
}

// rest checks what comes behind the connectors.
func (k *checker) rest(t *Topology) {
	for i, d := range t.Databases {
		if d.Kind.String() == "" {
			k.bad(Source{}, ErrInvalid, "databases[%d].kind", i)
		}
	}
	for i, n := range t.Networks {
		if n.Kind.String() == "" {
			k.bad(Source{}, ErrInvalid, "networks[%d].kind", i)
		}
		for j, r := range n.Ranges {
			if !r.IsValid() {
				k.bad(Source{}, ErrInvalid, "networks[%d].ranges[%d]", i, j)
			}
		}
	}
	for i, a := range t.Accepted {
		if a.Check == "" {
			k.bad(a.Source, ErrEmpty, "accepted[%d].check", i)
		}
		if a.Reason == "" {
			k.bad(a.Source, ErrEmpty, "accepted[%d].reason", i)
		}
		for j, r := range a.Ranges {
			if !r.IsValid() {
				k.bad(a.Source, ErrInvalid, "accepted[%d].ranges[%d]", i, j)
			}
		}
	}
}
