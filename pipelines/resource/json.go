package resource

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// topLevel are the blocks of a configuration with their labels.
var topLevel = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "resource", LabelNames: []string{"type", "name"}}, {Type: "data", LabelNames: []string{"type", "name"}},
	{Type: "module", LabelNames: []string{"name"}}, {Type: "variable", LabelNames: []string{"name"}},
	{Type: "output", LabelNames: []string{"name"}}, {Type: "provider", LabelNames: []string{"name"}},
	{Type: "locals"},
}}

// jsonBody reads JSON syntax, in which only a schema tells a nested block from
// an argument. Without one, a member that is written as an object or as a list
// of objects is taken for a block, unless its name is that of a map.
func jsonBody(name string, src []byte) (body, error) {
	file, diags := hcljson.Parse(src, name)
	if err := broken(diags); err != nil {
		return body{}, err
	}
	content, _, diags := file.Body.PartialContent(topLevel)
	if err := broken(diags); err != nil {
		return body{}, err
	}
	var out body
	for _, b := range content.Blocks {
		inner, err := jsonMembers(b.Body)
		if err != nil {
			return body{}, err
		}
		out.blocks = append(out.blocks, nested{b.Type, b.Labels, inner, position(b.DefRange)})
	}
	return out, nil
}

// mapNames end the names of arguments that are maps.
var mapNames = []string{"tags", "tags_all", "variables", "parameters", "labels", "annotations", "for_each", "default", "value",
	"source", "triggers", "providers", "assume_role_policy", "policy"}

func jsonMembers(b hcl.Body) (body, error) {
	attributes, diags := b.JustAttributes()
	if err := broken(diags); err != nil {
		return body{}, err
	}
	out := body{attributes: map[string]attribute{}}
	for name, a := range attributes {
		out.attributes[name] = attribute{expr: a.Expr, at: position(a.NameRange), json: true}
	}
	out.dynamics()
	return out, nil
}

// dynamics turns {"dynamic": {"ingress": {"for_each": ..., "content": {...}}}} into
// blocks. What is written otherwise stays, and is unknown.
func (b *body) dynamics() {
	a, ok := b.attributes["dynamic"]
	if !ok {
		return
	}
	var blocks []nested
	for _, part := range parts(a.expr) {
		kinds, diags := hcl.ExprMap(part)
		if diags.HasErrors() {
			return
		}
		for _, kind := range kinds {
			label, diags := kind.Key.Value(nil)
			if diags.HasErrors() {
				return
			}
			for _, each := range parts(kind.Value) {
				n := nested{kind: "dynamic", labels: []string{label.AsString()}, at: a.at, body: jsonObject(each, a)}
				for _, content := range parts(n.body.attributes["content"].expr) {
					n.body.blocks = append(n.body.blocks, nested{kind: "content", at: a.at, body: jsonObject(content, a)})
				}
				blocks = append(blocks, n)
			}
		}
	}
	delete(b.attributes, "dynamic")
	b.blocks = append(b.blocks, blocks...)
}

// parts are the elements of a list, or the one thing that is none.
func parts(expr hcl.Expression) []hcl.Expression {
	if expr == nil {
		return nil
	}
	if list, diags := hcl.ExprList(expr); !diags.HasErrors() {
		return list
	}
	return []hcl.Expression{expr}
}

// jsonObject is the body that an object stands for.
func jsonObject(expr hcl.Expression, of attribute) body {
	out := body{attributes: map[string]attribute{}}
	pairs, _ := hcl.ExprMap(expr)
	for _, pair := range pairs {
		if name, diags := pair.Key.Value(nil); !diags.HasErrors() && name.Type() == cty.String {
			out.attributes[name.AsString()] = attribute{expr: pair.Value, at: of.at, json: true}
		}
	}
	out.dynamics()
	return out
}

// within are the paths that lead on from a block.
func within(paths []string, name string) []string {
	var inner []string
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, name+"."); ok {
			inner = append(inner, rest)
		}
	}
	return inner
}

// jsonBlocks makes a list of each block that JSON writes without one, as far as
// somebody wants what is inside of it. A dynamic block in there is not evaluated.
func jsonBlocks(v any, inner []string) any {
	if len(inner) == 0 {
		return v
	}
	if object, ok := v.(map[string]any); ok && !marked(object) {
		v = []any{object}
	}
	list, _ := v.([]any)
	for i, item := range list {
		object, ok := item.(map[string]any)
		if _, dynamic := object["dynamic"]; dynamic {
			list[i] = unknownMarker(reasonMark{message: "dynamic blocks inside of blocks in JSON syntax are not evaluated: judge its plan instead"})
		} else if ok {
			for name, member := range object {
				object[name] = jsonBlocks(member, within(inner, name))
			}
		}
	}
	return v
}

func marked(object map[string]any) bool {
	for _, marker := range []string{UnknownMarker, RefMarker, PartialMarker} {
		if _, ok := object[marker]; ok {
			return true
		}
	}
	return false
}

// blockLike says whether a value of JSON syntax stands for a nested block.
func blockLike(name string) bool {
	return !slices.ContainsFunc(mapNames, func(end string) bool { return name == end || strings.HasSuffix(name, "_"+end) })
}
