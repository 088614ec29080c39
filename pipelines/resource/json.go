package resource

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	hcljson "github.com/hashicorp/hcl/v2/json"
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
	return out, nil
}

// blockLike says whether a value of JSON syntax stands for a nested block.
func blockLike(name string) bool {
	return !slices.ContainsFunc(mapNames, func(end string) bool { return name == end || strings.HasSuffix(name, "_"+end) })
}
