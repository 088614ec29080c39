package resource

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines"
)

// object is a resource as other expressions see it, with the attributes that
// were asked for: configured ones are read through, all others are references.
func (m *module) object(key string, asked map[string]bool, at pipelines.Position, already cty.Value) cty.Value {
	b, ok := m.src.resources[key]
	if !ok {
		return unknown(cty.DynamicPseudoType, at, fmt.Sprintf("there is no resource %q", key))
	}
	if already != cty.NilVal { // named twice in one expression: everything that either asks for
		merged := map[string]bool{}
		for name := range asked {
			merged[name] = true
		}
		bare, _ := already.Unmark()
		collect(bare, merged)
		asked = merged
	}
	instances := m.expand(key)
	one := func(i instance) cty.Value {
		values := map[string]cty.Value{}
		for name := range asked {
			values[name] = m.attribute(key, b, i, name)
		}
		return cty.ObjectVal(values)
	}
	_, counted := b.body.attributes["count"]
	_, keyed := b.body.attributes["for_each"]
	if !counted && !keyed {
		return one(instances[0])
	}
	if len(instances) == 1 && instances[0].existence != nil {
		return unknown(cty.DynamicPseudoType, instances[0].existence.Position, instances[0].existence.Message)
	}
	if counted {
		var list []cty.Value
		for _, i := range instances {
			list = append(list, one(i))
		}
		return cty.TupleVal(list)
	}
	members := map[string]cty.Value{}
	for _, i := range instances {
		members[i.key.AsString()] = one(i)
	}
	return cty.ObjectVal(members)
}

// collect adds the attribute names of an object, or of the objects in a list.
func collect(v cty.Value, names map[string]bool) {
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		return
	}
	if v.Type().IsObjectType() {
		for name := range v.Type().AttributeTypes() {
			names[name] = true
		}
	}
	for it := v.ElementIterator(); it.Next(); {
		_, member := it.Element()
		member, _ = member.Unmark()
		if member.Type().IsObjectType() {
			collect(member, names)
		}
	}
}

// attribute is one attribute of one instance.
func (m *module) attribute(key string, b *block, i instance, name string) cty.Value {
	return m.once(key+i.suffix()+"."+name, b.at, func() cty.Value {
		if b.body.own()[name] {
			return m.member(b.body, name, i.scope)
		}
		if len(key) > 5 && key[:5] == "data." && b.labels[0] == "aws_iam_policy_document" && (name == "json" || name == "minified_json") {
			return m.policyDocument(b, i)
		}
		return m.e.computed(reference{address: join(m.address, key), kind: b.labels[0], name: b.labels[1], attribute: name, key: i.plainKey()})
	})
}

// calledModule is a module call: its instances, or why there are none.
type calledModule struct {
	modules expansionOf
	opaque  *Reason
	err     error
	counted bool
	keyed   bool
	keys    expansion
}

type expansionOf []*module

// call evaluates a module call, once.
func (m *module) call(name string) calledModule {
	if done, ok := m.children[name]; ok {
		return done
	}
	b, ok := m.src.calls[name]
	if !ok {
		return calledModule{opaque: &Reason{Message: fmt.Sprintf("there is no module %q", name)}}
	}
	m.children[name] = calledModule{opaque: &Reason{"module." + name + " depends on itself", b.at}}
	c := m.open(name, b)
	m.children[name] = c
	return c
}

func (m *module) open(name string, b *block) calledModule {
	opaque := func(at pipelines.Position, format string, args ...any) calledModule {
		return calledModule{opaque: &Reason{fmt.Sprintf(format, args...), at}}
	}
	a, ok := b.body.attributes["source"]
	if !ok {
		return opaque(b.at, "the module has no source")
	}
	v, _ := m.eval(a.expr, nil).Unmark()
	if v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
		return opaque(a.at, "the source of the module is not known")
	}
	dir, local := localSource(m.src.dir, v.AsString())
	if !local {
		return opaque(a.at, "the module %q is not in this repository: judge its plan instead", v.AsString())
	}
	for above := m; above != nil; above = above.parent {
		if above.src.dir == dir {
			return opaque(b.at, "modules call each other in a circle: %s calls %s", m.src.dir, dir)
		}
	}
	if m.depth >= depthLimit {
		return opaque(b.at, "modules call each other more than %d deep", depthLimit)
	}
	src, err := m.e.load(m.e.ctx, dir)
	if err != nil {
		return calledModule{err: fmt.Errorf("calling module %q: %w", name, err)}
	}
	c := calledModule{keys: m.instancesOf(b.body)}
	_, c.counted = b.body.attributes["count"]
	_, c.keyed = b.body.attributes["for_each"]
	for _, i := range c.keys {
		child := m.e.module(src, m, join(m.address, "module."+name)+i.suffix())
		child.args, child.called, child.existence = b.body.attributes, i.scope, i.existence
		if child.existence == nil {
			child.existence = m.existence
		}
		child.providerTags()
		c.modules = append(c.modules, child)
	}
	return c
}

// object is the module as expressions see it: its outputs.
func (c calledModule) object(at pipelines.Position) cty.Value {
	if c.opaque != nil {
		return unknown(cty.DynamicPseudoType, at, c.opaque.Message)
	}
	if c.err != nil {
		return unknown(cty.DynamicPseudoType, at, c.err.Error())
	}
	outputs := func(m *module) cty.Value {
		values := map[string]cty.Value{}
		for name, expr := range m.src.outputs {
			values[name] = m.output(name, expr, at)
		}
		return cty.ObjectVal(values)
	}
	if !c.counted && !c.keyed {
		return outputs(c.modules[0])
	}
	if len(c.keys) == 1 && c.keys[0].existence != nil {
		return unknown(cty.DynamicPseudoType, at, c.keys[0].existence.Message)
	}
	var list []cty.Value
	members := map[string]cty.Value{}
	for n, i := range c.keys {
		list = append(list, outputs(c.modules[n]))
		if c.keyed {
			members[i.key.AsString()] = list[n]
		}
	}
	if c.keyed {
		return cty.ObjectVal(members)
	}
	return cty.TupleVal(list)
}

func (m *module) output(name string, expr hcl.Expression, at pipelines.Position) cty.Value {
	return m.once("output."+name, at, func() cty.Value { return m.eval(expr, nil) })
}
