package resource

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines"
)

// instance is one instance of a resource or a module call.
type instance struct {
	key       cty.Value // NilVal without count or for_each
	scope     scope
	existence *Reason
}

// expansion are the instances of one block.
type expansion []instance

// suffix is the instance key as it stands in an address.
func (i instance) suffix() string {
	switch key := i.plainKey().(type) {
	case float64:
		return "[" + strconv.Itoa(int(key)) + "]"
	case string:
		return "[" + strconv.Quote(key) + "]"
	}
	return ""
}

func (i instance) plainKey() any {
	if i.key == cty.NilVal {
		return nil
	}
	if i.key.Type() == cty.String {
		return i.key.AsString()
	}
	f, _ := i.key.AsBigFloat().Float64()
	return f
}

// expand evaluates count or for_each of a resource, once.
func (m *module) expand(key string) expansion {
	if done, ok := m.instances[key]; ok {
		return done
	}
	if m.busy[key] {
		return expansion{{existence: &Reason{Message: key + " depends on itself", Position: m.src.resources[key].at}}}
	}
	m.busy[key] = true
	m.instances[key] = m.instancesOf(m.src.resources[key].body)
	delete(m.busy, key)
	return m.instances[key]
}

func (m *module) instancesOf(b body) expansion {
	if a, ok := b.attributes["count"]; ok {
		return m.counted(a)
	}
	if a, ok := b.attributes["for_each"]; ok {
		return m.forEach(a)
	}
	return expansion{{}}
}

func (m *module) counted(a attribute) expansion {
	v := m.eval(a.expr, nil)
	reason, bad := m.undecided(v, a.at)
	bare, _ := v.Unmark()
	if !bad {
		n, err := strconv.Atoi(numberText(bare))
		switch {
		case err != nil || n < 0:
			reason = Reason{"count is not a whole number", a.at}
		case n > instanceLimit:
			reason = Reason{fmt.Sprintf("count is over %d", instanceLimit), a.at}
		default:
			list := expansion{}
			for i := range n {
				key := cty.NumberIntVal(int64(i))
				list = append(list, instance{key: key, scope: scope{"count": cty.ObjectVal(map[string]cty.Value{"index": key})}})
			}
			return list
		}
	}
	return expansion{{scope: scope{"count": cty.ObjectVal(map[string]cty.Value{"index": unknown(cty.Number, a.at, "count is not known")})}, existence: &reason}}
}

func numberText(v cty.Value) string {
	switch {
	case v.Type() == cty.Number:
		return v.AsBigFloat().Text('f', -1)
	case v.Type() == cty.String:
		return v.AsString()
	}
	return ""
}

func (m *module) forEach(a attribute) expansion {
	v := m.eval(a.expr, nil)
	reason, bad := m.undecided(v, a.at)
	bare, _ := v.Unmark()
	if !bad && !bare.CanIterateElements() {
		reason, bad = Reason{"for_each is neither a map nor a set", a.at}, true
	}
	if bad {
		each := cty.ObjectVal(map[string]cty.Value{"key": unknown(cty.String, a.at, "for_each is not known"),
			"value": unknown(cty.DynamicPseudoType, a.at, "for_each is not known")})
		return expansion{{scope: scope{"each": each}, existence: &reason}}
	}
	list := expansion{}
	for it := bare.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if bare.Type().IsSetType() {
			key = value
		}
		key, _ = key.Unmark()
		if key.Type() != cty.String || !key.IsKnown() || key.IsNull() || strings.Contains(key.AsString(), refOpen) {
			key = cty.StringVal(fmt.Sprintf("(known after apply %d)", len(list)+1))
		}
		list = append(list, instance{key: key, scope: scope{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}})
	}
	return list
}

// undecided says why count or for_each cannot be known.
func (m *module) undecided(v cty.Value, at pipelines.Position) (Reason, bool) {
	bare, marks := v.Unmark()
	if bare.IsKnown() && !bare.IsNull() {
		for mark := range marks {
			if n, ok := mark.(refMark); ok && !mentions(bare, int(n)) {
				r := m.e.refs[n]
				return Reason{fmt.Sprintf("whether it exists depends on %s.%s", r.address, r.attribute), at}, true
			}
		}
		return Reason{}, false
	}
	r := reasonOf(marks)
	if r.path != "" {
		at = pipelines.Position{Path: r.path, Line: r.line}
	}
	return Reason{r.message, at}, true
}

// metaArguments are Terraform's own, not the resource's.
var metaArguments = map[string]bool{"count": true, "for_each": true, "provider": true, "depends_on": true, "lifecycle": true,
	"provisioner": true, "connection": true, "timeouts": true}

// members are the names of a body's arguments and nested blocks.
func (b body) members() map[string]bool {
	names := map[string]bool{}
	for name := range b.attributes {
		names[name] = true
	}
	for _, n := range b.blocks {
		names[n.name()] = true
	}
	return names
}

// own are the members of a resource that are not Terraform's.
func (b body) own() map[string]bool {
	names := b.members()
	for name := range metaArguments {
		delete(names, name)
	}
	return names
}

// place is where an argument or the first block of a name stands.
func (b body) place(name string) pipelines.Position {
	if a, ok := b.attributes[name]; ok {
		return a.at
	}
	for _, n := range b.blocks {
		if n.name() == name {
			return n.at
		}
	}
	return pipelines.Position{}
}

// member evaluates an argument, or all nested blocks of a name as a list.
func (m *module) member(b body, name string, s scope) cty.Value {
	var list []cty.Value
	if a, ok := b.attributes[name]; ok {
		v := m.eval(a.expr, s)
		if a.json && blockLike(name) && v.Type().IsObjectType() && v.IsKnown() && !v.IsMarked() {
			v = cty.TupleVal([]cty.Value{v}) // JSON writes a single block without its list
		}
		more := slices.ContainsFunc(b.blocks, func(n nested) bool { return n.name() == name })
		if !a.json || !more {
			return v
		}
		if !v.IsKnown() || v.IsNull() || v.IsMarked() || !v.CanIterateElements() {
			return unknown(cty.DynamicPseudoType, a.at, "the number of "+name+" blocks is not known")
		}
		list = v.AsValueSlice()
	}
	for _, n := range b.blocks {
		switch {
		case n.kind == name:
			list = append(list, m.object1(n.body, s))
		case n.kind == "dynamic" && len(n.labels) == 1 && n.labels[0] == name:
			generated, undecided := m.dynamic(n, s)
			if undecided != cty.NilVal {
				return undecided
			}
			list = append(list, generated...)
		}
	}
	return cty.TupleVal(list)
}

func (m *module) object1(b body, s scope) cty.Value {
	values := map[string]cty.Value{}
	for name := range b.members() {
		values[name] = m.member(b, name, s)
	}
	return cty.ObjectVal(values)
}

// dynamic evaluates a dynamic block: its blocks, or why they cannot be known.
func (m *module) dynamic(n nested, s scope) ([]cty.Value, cty.Value) {
	iterator := n.labels[0]
	if a, ok := n.body.attributes["iterator"]; ok {
		if name := hcl.ExprAsKeyword(a.expr); name != "" {
			iterator = name
		}
	}
	var content *body
	for _, inner := range n.body.blocks {
		if inner.kind == "content" {
			content = &inner.body
		}
	}
	a, ok := n.body.attributes["for_each"]
	if !ok || content == nil {
		return nil, unknown(cty.DynamicPseudoType, n.at, "the dynamic block has no for_each or no content")
	}
	v := m.eval(a.expr, s)
	reason, bad := m.undecided(v, a.at)
	bare, _ := v.Unmark()
	if !bad && !bare.CanIterateElements() {
		reason, bad = Reason{"for_each is known only after apply, or no list", a.at}, true
	}
	if bad {
		return nil, unknown(cty.DynamicPseudoType, reason.Position, "the number of "+n.labels[0]+" blocks is not known: "+reason.Message)
	}
	var list []cty.Value
	for it := bare.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if bare.Type().IsSetType() {
			key = value
		}
		if m.e.count++; m.e.count > instanceLimit {
			return nil, unknown(cty.DynamicPseudoType, n.at, fmt.Sprintf("there are more than %d blocks", instanceLimit))
		}
		list = append(list, m.object1(*content, s.with(iterator, cty.ObjectVal(map[string]cty.Value{"key": key, "value": value}))))
	}
	return list, cty.NilVal
}
