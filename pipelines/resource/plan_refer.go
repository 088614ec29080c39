package resource

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// planModule is a module of the plan's configuration: only what tells which
// resource an unknown value refers to.
type planModule struct {
	Resources []plannedBlock `json:"resources"`
	Outputs   map[string]struct {
		Expression json.RawMessage `json:"expression"`
	} `json:"outputs"`
	Calls map[string]struct {
		Expressions map[string]json.RawMessage `json:"expressions"`
		Module      planModule                 `json:"module"`
	} `json:"module_calls"`
}

// plannedBlock is a resource block.
type plannedBlock struct {
	Address     string                     `json:"address"`
	Expressions map[string]json.RawMessage `json:"expressions"`
	ForEach     json.RawMessage            `json:"for_each_expression"`
}

// planScope resolves references as they read in one instance of a module.
type planScope struct {
	reader *planReader
	module []step // the calls that lead to it
	// key is the instance key of what the reference stands in, and forEach what
	// its for_each is made from.
	key     any
	forEach json.RawMessage
}

// step is one name of an address and its instance key, nil without one.
type step struct {
	name string
	key  any
}

var addressStep = regexp.MustCompile(`^([^.\[]+)(?:\[("(?:[^"\\]|\\.)*"|\d+)\])?(?:\.|$)`)

// stepsOf cuts an address at its points: module.m["a.b"].aws_vpc.this[0].id.
func stepsOf(address string) []step {
	var steps []step
	for address != "" {
		m := addressStep.FindStringSubmatch(address)
		if m == nil {
			return nil
		}
		s := step{name: m[1]}
		if text, err := strconv.Unquote(m[2]); err == nil {
			s.key = text
		} else if n, err := strconv.Atoi(m[2]); err == nil {
			s.key = float64(n)
		}
		steps = append(steps, s)
		address = address[len(m[0]):]
	}
	return steps
}

// callsOf are the calls of a module's address: each second step.
func callsOf(address string) []step {
	var calls []step
	for i, s := range stepsOf(address) {
		if i%2 == 1 {
			calls = append(calls, s)
		}
	}
	return calls
}

// prefix is the address of the module with a point at its end.
func (s planScope) prefix() string {
	var b strings.Builder
	for _, call := range s.module {
		b.WriteString(reference{address: "module." + call.name, key: call.key}.instance() + ".")
	}
	return b.String()
}

// find returns the module and its parent's arguments for it.
func (s planScope) find() (*planModule, map[string]json.RawMessage) {
	m := &s.reader.config
	var args map[string]json.RawMessage
	for _, step := range s.module {
		call, ok := m.Calls[step.name]
		if !ok {
			return &planModule{}, nil
		}
		m, args = &call.Module, call.Expressions
	}
	return m, args
}

// block is the block that a planned resource is an instance of.
func (s planScope) block(r planResource) (plannedBlock, bool) {
	m, _ := s.find()
	address := r.Type + "." + r.Name
	if r.Mode == "data" {
		address = "data." + address
	}
	i := slices.IndexFunc(m.Resources, func(b plannedBlock) bool { return b.Address == address })
	if i < 0 {
		return plannedBlock{}, false
	}
	return m.Resources[i], true
}

// whole leaves out the prefixes that a plan lists beside each reference.
func whole(references []string) []string {
	return slices.DeleteFunc(slices.Clone(references), func(r string) bool {
		return slices.ContainsFunc(references, func(o string) bool {
			return len(o) > len(r) && strings.HasPrefix(o, r) && (o[len(r)] == '.' || o[len(r)] == '[')
		})
	})
}

// resolve follows references through variables and outputs to one resource.
func (s planScope) resolve(references []string, depth int) (reference, bool) {
	list := whole(references)
	if own := slices.DeleteFunc(slices.Clone(list), func(r string) bool { return r == "each.key" || r == "count.index" }); len(own) == 1 && len(list) == 2 && s.key != nil {
		return s.beside(own[0])
	}
	if len(list) != 1 || depth > depthLimit {
		return reference{}, false
	}
	m, args := s.find()
	steps := stepsOf(list[0])
	switch {
	case len(steps) == 2 && steps[0].name == "var" && len(s.module) > 0:
		last := len(s.module) - 1
		up := planScope{reader: s.reader, module: s.module[:last], key: s.module[last].key}
		return up.resolve(referencesOf(args[steps[1].name]), depth+1)
	case len(steps) == 3 && steps[0].name == "module":
		down := planScope{reader: s.reader, module: append(slices.Clone(s.module), steps[1])}
		return down.resolve(referencesOf(m.Calls[steps[1].name].Module.Outputs[steps[2].name].Expression), depth+1)
	case len(steps) == 3 && steps[0].name == "each" && steps[1].name == "value" && s.key != nil:
		// for_each goes over the instances of another resource
		if over := whole(referencesOf(s.forEach)); len(over) == 1 {
			r, ok := s.beside(over[0])
			r.attribute = steps[2].name
			return r, ok
		}
		return reference{}, false
	}
	return s.named(steps)
}

// notResources are the first words of references to anything else.
var notResources = []string{"var", "local", "module", "each", "count", "self", "path", "terraform"}

// named is a reference to an attribute of a resource.
func (s planScope) named(steps []step) (reference, bool) {
	mode := ""
	if len(steps) > 0 && steps[0].name == "data" {
		mode, steps = "data.", steps[1:]
	}
	if len(steps) != 3 || slices.Contains(notResources, steps[0].name) || steps[2].key != nil {
		return reference{}, false
	}
	return reference{address: s.prefix() + mode + steps[0].name + "." + steps[1].name, kind: steps[0].name, name: steps[1].name,
		attribute: steps[2].name, key: steps[1].key}, true
}

// beside is a reference to the instance of a resource with the same key:
// aws_s3_bucket.this[each.key].id. Of these a plan does not tell the attribute.
func (s planScope) beside(resource string) (reference, bool) {
	r, ok := s.named(append(stepsOf(resource), step{}))
	r.key, r.attribute = s.key, ""
	return r, ok
}

func referencesOf(raw json.RawMessage) []string {
	list, _ := written{state: expression, options: []json.RawMessage{orNull(raw)}}.references()
	return list
}
