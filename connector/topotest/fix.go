package topotest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/audit"
	"github.com/receiveconnector/receiveconnector/connector/ems"
)

// fixOf parses the name of a fix section: "fix RC001 1.ps1".
func fixOf(section string) (check string, n int, err error) {
	fields := strings.Fields(strings.TrimSuffix(section, ".ps1"))
	if len(fields) != 3 || fields[0] != "fix" || !strings.HasSuffix(section, ".ps1") {
		return "", 0, fmt.Errorf("%s: %w", section, ErrSection)
	}
	if n, err = strconv.Atoi(fields[2]); err != nil || n < 1 {
		return "", 0, fmt.Errorf("%s: %w: fixes are counted from 1", section, ErrSection)
	}
	return fields[1], n, nil
}

func (f *Fixture) commands(section string) (string, error) {
	fixes, err := f.fixes(section)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, fix := range fixes {
		for _, c := range fix.Changes {
			s, _ := f.Topology.Server(c.Target.Server)
			lines, err := ems.Commands(c, s.Version)
			if err != nil {
				return "", err
			}
			b.WriteString(strings.Join(lines, "\n") + "\n")
		}
	}
	return b.String(), nil
}

// fixes returns the N-th fix of each finding of a check that has so many.
func (f *Fixture) fixes(section string) ([]audit.Fix, error) {
	check, n, err := fixOf(section)
	if err != nil {
		return nil, err
	}
	findings, err := audit.Run(context.Background(), f.Topology)
	if err != nil {
		return nil, err
	}
	var fixes []audit.Fix
	for _, finding := range findings {
		if finding.Check == check && len(finding.Fixes) >= n {
			fixes = append(fixes, finding.Fixes[n-1])
		}
	}
	return fixes, nil
}

// fixed returns the topology with the fixes of every fix section applied: one after the other, each taken from an audit of
// what the ones before left, because two findings of one server may want to change the same connector.
func (f *Fixture) fixed() (*connector.Topology, error) {
	t := f.Topology
	for _, s := range f.Sections {
		if !strings.HasPrefix(s.Name, "fix ") {
			continue
		}
		check, n, err := fixOf(s.Name)
		if err != nil {
			return nil, err
		}
		for {
			findings, err := audit.Run(context.Background(), t)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(findings, func(o audit.Finding) bool { return o.Check == check && len(o.Fixes) >= n })
			if i < 0 {
				break // each fix removes its finding, so this comes
			}
			if t, err = t.Apply(findings[i].Fixes[n-1].Changes...); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}
