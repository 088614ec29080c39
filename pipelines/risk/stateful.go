package risk

import (
	_ "embed"
	"fmt"
	"path"
	"strings"
)

// builtIn are the stateful types that everybody has, one a line.
//
//go:embed stateful.txt
var builtIn string

// types is a set of resource types, some with stars.
type types struct {
	names    map[string]bool
	patterns []string
}

func statefulTypes(more []string) (*types, error) {
	t := &types{names: map[string]bool{}}
	for line := range strings.Lines(builtIn) {
		name, _, _ := strings.Cut(line, "#")
		if name = strings.TrimSpace(name); name != "" {
			t.names[name] = true
		}
	}
	for _, name := range more {
		if _, err := path.Match(name, ""); err != nil || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("reading the stateful types: %q is no resource type, nor one with stars", name)
		}
		if strings.ContainsAny(name, `*?[\`) {
			t.patterns = append(t.patterns, name)
		} else {
			t.names[name] = true
		}
	}
	return t, nil
}

func (t *types) has(name string) bool {
	if t.names[name] {
		return true
	}
	for _, pattern := range t.patterns {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}
