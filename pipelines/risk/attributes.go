package risk

import (
	"encoding/json"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// node is an attribute, at any depth, before and after.
type node struct {
	// top is the attribute or block of the resource that it belongs to, name the
	// attribute itself, parent the block around it.
	top, name, parent string
	before, after     any
	unknown           any
	beforeSensitive   any
	afterSensitive    any
}

// pending is a security-relevant value that is known only after the apply.
type pending struct {
	address, config string
	top, name       string
	message         string
	level           Level
	create          bool
	// block: it is, or is in, what a dynamic block may have made, of which the
	// configuration in the plan says nothing.
	block bool
}

// attributes judges what becomes of the attributes that protect, open, encrypt or
// grant. Whatever their type, they are known by their names: providers agree on
// most of them, and a name that means something else elsewhere asks a person once
// too often, which is the lesser harm.
func (j *Judge) attributes(r *tfjson.ResourceChange) {
	c := r.Change
	judged := attributeJudge{judge: j, resource: r, create: c.Actions.Create() || c.Before == nil}
	if all, _ := c.AfterUnknown.(bool); all {
		j.add(High, r.Address, "unknown-value", "all of it is known only after the apply: it cannot be judged")
	}
	judged.whole()
	judged.walk(node{before: c.Before, after: c.After, unknown: c.AfterUnknown,
		beforeSensitive: c.BeforeSensitive, afterSensitive: c.AfterSensitive}, 0)
}

type attributeJudge struct {
	judge    *Judge
	resource *tfjson.ResourceChange
	create   bool
}

func (a attributeJudge) add(level Level, rule, message string) {
	a.judge.add(level, a.resource.Address, rule, message)
}

// walk descends into objects and lists. Elements of lists are paired by position,
// which for sets may pair the wrong ones; what is judged as a set, such as rules
// of a firewall, is judged as a whole where it is met.
func (a attributeJudge) walk(n node, depth int) {
	if n.name != "" && a.met(n) {
		return
	}
	for _, key := range keys(n.before, n.after, n.unknown) {
		child := node{top: n.top, name: n.name, parent: n.parent, before: at(n.before, key), after: at(n.after, key),
			unknown: at(n.unknown, key), beforeSensitive: at(n.beforeSensitive, key), afterSensitive: at(n.afterSensitive, key)}
		if name, ok := key.(string); ok {
			child.name, child.parent = name, n.name
			if depth == 0 {
				child.top = name
			}
		}
		if _, element := key.(int); element && !nested(child.before) && !nested(child.after) && !nested(child.unknown) {
			continue // a plain element has no name of its own; its list was met
		}
		a.walk(child, depth+1)
	}
}

// met judges one named attribute and tells whether it is done with.
func (a attributeJudge) met(n node) bool {
	check := checkOf(a.resource.Type, n)
	if check == nil {
		return false
	}
	what := quoted(n)
	switch {
	case marked(n.unknown):
		p := pending{address: a.resource.Address, config: unindexed(a.resource.Address), top: n.top, name: n.name,
			message: what + " is known only after the apply", level: High, create: a.create,
			block: nested(at(a.resource.Change.AfterUnknown, n.top)) || nested(n.before)}
		if _, isKey := keyNames[n.name]; isKey && a.create {
			p.level = Low // some key encrypts, from the beginning
		}
		a.judge.pending = append(a.judge.pending, p)
	case marked(n.beforeSensitive) || marked(n.afterSensitive):
		if !equal(n.before, n.after) && !(n.before == nil && n.after == nil) || !equal(n.beforeSensitive, n.afterSensitive) && !a.create {
			a.add(High, "sensitive-change", what+" is sensitive and changes: it cannot be shown")
		}
	case a.create || !equal(n.before, n.after):
		check(a, n)
	}
	return true
}

// quoted names an attribute by what the provider's schema calls it.
func quoted(n node) string {
	if n.top == n.name {
		return n.name
	}
	return n.top + " " + n.name
}

// settle decides what was pending: a value that the unit sets is its own, and a
// person has to know it; one that the provider computes is the provider's.
func (j *Judge) settle() {
	for _, p := range j.pending {
		set, known := j.configured[p.config]
		switch {
		case !known || set[p.top] || set[p.top+" "+p.name] || p.block && !set[p.top+" "]:
			j.add(p.level, p.address, "unknown-value", p.message+": it cannot be judged")
		case !p.create || p.name == "ingress":
			j.add(Low, p.address, "unknown-value", p.message+", and the code does not set it")
		}
	}
	j.pending = nil
}

// config remembers which attributes that matter a resource of the code sets.
func (j *Judge) config(module string, r *tfjson.ConfigResource) error {
	set := map[string]bool{}
	for name, e := range r.Expressions {
		if e == nil || e.ExpressionData == nil || len(e.NestedBlocks) == 0 {
			set[name] = true
			continue
		}
		set[name+" "] = true
		for _, block := range e.NestedBlocks {
			inBlock(set, name, block)
		}
		if checkOf(r.Type, node{top: name, name: name}) != nil {
			set[name] = true
		}
	}
	address := r.Address
	if module != "" {
		address = module + "." + address
	}
	j.configured[address] = set
	return nil
}

// inBlock remembers what a block sets, and the blocks in it, under its outermost one.
func inBlock(set map[string]bool, top string, block map[string]*tfjson.Expression) {
	for name, e := range block {
		set[top+" "+name] = true
		if e == nil || e.ExpressionData == nil {
			continue
		}
		for _, inner := range e.NestedBlocks {
			inBlock(set, top, inner)
		}
	}
}

// keys are the keys of objects, sorted, or the positions of lists.
func keys(values ...any) []any {
	longest, names := 0, map[string]bool{}
	for _, v := range values {
		switch v := v.(type) {
		case []any:
			longest = max(longest, len(v))
		case map[string]any:
			for name := range v {
				names[name] = true
			}
		}
	}
	var list []any
	for i := range longest {
		list = append(list, i)
	}
	for _, name := range sorted(names) {
		list = append(list, name)
	}
	return list
}

// at is the member of a value; a mark of the whole is a mark of each member.
func at(value, key any) any {
	switch v := value.(type) {
	case bool:
		return v
	case map[string]any:
		if name, ok := key.(string); ok {
			return v[name]
		}
	case []any:
		if i, ok := key.(int); ok && i < len(v) {
			return v[i]
		}
	}
	return nil
}

func nested(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// number reads a number, which the decoder left as text.
func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// texts are the strings in a value: one, or those of a list.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		if v = strings.TrimSpace(v); v != "" {
			return []string{v}
		}
	case []any:
		var list []string
		for _, element := range v {
			list = append(list, texts(element)...)
		}
		return list
	}
	return nil
}
