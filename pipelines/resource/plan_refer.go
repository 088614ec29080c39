package resource

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// planModule is a module of the plan's configuration: only what tells which
// resource an unknown value refers to.
type planModule struct {
	Resources []struct {
		Address     string                     `json:"address"`
		Expressions map[string]json.RawMessage `json:"expressions"`
	} `json:"resources"`
	Outputs map[string]struct {
		Expression json.RawMessage `json:"expression"`
	} `json:"outputs"`
	Calls map[string]struct {
		Expressions map[string]json.RawMessage `json:"expressions"`
		Module      planModule                 `json:"module"`
	} `json:"module_calls"`
}

// planScope resolves references as they read in one module.
type planScope struct {
	reader *planReader
	module []string // names of the calls that lead to it
}

var moduleStep = regexp.MustCompile(`module\.([^.\[]+)(?:\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?`)

func moduleNames(address string) []string {
	var names []string
	for _, m := range moduleStep.FindAllStringSubmatch(address, -1) {
		names = append(names, m[1])
	}
	return names
}

// find returns the module and its parent's arguments for it.
func (s planScope) find() (*planModule, map[string]json.RawMessage) {
	m := &s.reader.config
	var args map[string]json.RawMessage
	for _, name := range s.module {
		call, ok := m.Calls[name]
		if !ok {
			return &planModule{}, nil
		}
		m, args = &call.Module, call.Expressions
	}
	return m, args
}

// written is what the configuration writes at one place: an expression, nested
// blocks, or nothing. known is false where the configuration does not tell.
type written struct {
	raw   json.RawMessage
	known bool
}

func (s planScope) expressions(r planResource) written {
	m, _ := s.find()
	address := r.Type + "." + r.Name
	if r.Mode == "data" {
		address = "data." + address
	}
	for _, candidate := range m.Resources {
		if candidate.Address == address {
			raw, err := json.Marshal(candidate.Expressions)
			return written{raw, err == nil}
		}
	}
	return written{}
}

// at is what is written for a member.
func (w written) at(name string) written {
	var members map[string]json.RawMessage
	if !w.known || json.Unmarshal(w.raw, &members) != nil {
		return written{}
	}
	return written{members[name], true}
}

// item is what is written for the n-th nested block.
func (w written) item(n int) written {
	var list []json.RawMessage
	if !w.known || w.raw == nil || json.Unmarshal(w.raw, &list) != nil || n >= len(list) {
		return written{raw: w.raw, known: w.known && w.raw != nil && w.references() != nil}
	}
	return written{list[n], true}
}

func (w written) references() []string {
	var e struct {
		References []string `json:"references"`
	}
	if w.raw == nil || json.Unmarshal(w.raw, &e) != nil {
		return nil
	}
	return e.References
}

// merge puts markers where a value is unknown. A computed argument that nobody
// wrote is absent, as it is in plain configuration.
func (s planScope) merge(value, unknown any, w written) any {
	switch flag := unknown.(type) {
	case bool:
		if flag {
			return s.missing(w)
		}
	case map[string]any:
		object, _ := value.(map[string]any)
		out := map[string]any{}
		for name, member := range object {
			if v := s.merge(member, flag[name], w.at(name)); v != nil {
				out[name] = v
			}
		}
		for name, inner := range flag {
			if _, had := object[name]; !had {
				if v := s.merge(nil, inner, w.at(name)); v != nil {
					out[name] = v
				}
			}
		}
		return out
	case []any:
		list, _ := value.([]any)
		out := []any{}
		for i := range max(len(list), len(flag)) {
			var item, inner any
			if i < len(list) {
				item = list[i]
			}
			if i < len(flag) {
				inner = flag[i]
			}
			if v := s.merge(item, inner, w.item(i)); v != nil {
				out = append(out, v)
			}
		}
		return out
	}
	return withoutNulls(value)
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, member := range v {
			if member = withoutNulls(member); member != nil {
				out[key] = member
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, withoutNulls(item))
		}
		return out
	}
	return v
}

// missing is an unknown value: a reference, unknown, or nothing that was written.
func (s planScope) missing(w written) any {
	if w.known && w.raw == nil {
		return nil
	}
	if r, ok := s.resolve(w.references(), 0); ok {
		return refMarker(r)
	}
	return unknownMarker(reasonMark{message: "it is known only after apply"})
}

// resolve follows references through variables and outputs to one resource.
func (s planScope) resolve(references []string, depth int) (reference, bool) {
	// A plan lists each reference with all its prefixes; the longest says it all.
	var whole []string
	for _, r := range references {
		longer := slices.ContainsFunc(references, func(o string) bool {
			return o != r && strings.HasPrefix(o, r) && (o[len(r)] == '.' || o[len(r)] == '[')
		})
		if !longer {
			whole = append(whole, r)
		}
	}
	if len(whole) != 1 || depth > depthLimit {
		return reference{}, false
	}
	m, args := s.find()
	parts := strings.Split(whole[0], ".")
	switch {
	case parts[0] == "var" && len(parts) == 2 && len(s.module) > 0:
		up := planScope{s.reader, s.module[:len(s.module)-1]}
		return up.resolve(written{args[parts[1]], true}.references(), depth+1)
	case parts[0] == "module" && len(parts) == 3:
		name, _, _ := strings.Cut(parts[1], "[")
		down := planScope{s.reader, append(s.module[:len(s.module):len(s.module)], name)}
		return down.resolve(written{m.Calls[name].Module.Outputs[parts[2]].Expression, true}.references(), depth+1)
	case slices.Contains([]string{"var", "local", "module", "each", "count", "self", "path", "terraform"}, parts[0]):
		return reference{}, false
	}
	mode := ""
	if parts[0] == "data" {
		mode, parts = "data.", parts[1:]
	}
	if len(parts) != 3 {
		return reference{}, false
	}
	name, _, _ := strings.Cut(parts[1], "[")
	prefix := ""
	for _, call := range s.module {
		prefix += "module." + call + "."
	}
	return reference{address: prefix + mode + parts[0] + "." + name, kind: parts[0], name: name, attribute: parts[2]}, true
}
