package resource

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// defaultTags are the default_tags of the AWS providers that a module has, by the
// name under which it knows them: "aws", "aws.virginia".
type defaultTags map[string]cty.Value

// providerTags reads the providers of a module; those of its caller come with it,
// the default one by itself and others where its call names them.
func (m *module) providerTags() {
	m.tagged = defaultTags{}
	if m.parent != nil {
		m.inheritTags()
	}
	for _, provider := range m.src.providers {
		name := provider.labels[0]
		if name != "aws" {
			continue
		}
		if alias, ok := provider.body.attributes["alias"]; ok {
			v, _ := m.eval(alias.expr, nil).Unmark()
			if v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
				continue
			}
			name += "." + v.AsString()
		}
		delete(m.tagged, name)
		for _, n := range provider.body.blocks {
			if tags, ok := n.body.attributes["tags"]; ok && n.kind == "default_tags" {
				m.tagged[name] = m.eval(tags.expr, nil)
			}
		}
	}
}

func (m *module) inheritTags() {
	if tags, ok := m.parent.tagged["aws"]; ok {
		m.tagged["aws"] = tags
	}
	given, ok := m.args["providers"]
	if !ok {
		return
	}
	pairs, diags := hcl.ExprMap(given.expr)
	if diags.HasErrors() {
		return
	}
	for _, pair := range pairs {
		delete(m.tagged, providerName(pair.Key))
		if tags, ok := m.parent.tagged[providerName(pair.Value)]; ok {
			m.tagged[providerName(pair.Key)] = tags
		}
	}
}

// providerName is aws or aws.virginia, as it is written.
func providerName(expr hcl.Expression) string {
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() {
		return ""
	}
	name := t.RootName()
	if alias := nameAt(t, 1); alias != "" {
		name += "." + alias
	}
	return name
}

// tagsAll computes what the AWS provider does: its default tags and the resource's own.
func (m *module) tagsAll(r *Resource, b *block) {
	provider := "aws"
	if a, ok := b.body.attributes["provider"]; ok {
		provider = providerName(a.expr)
	}
	tagged, defaults := m.tagged[provider]
	own, has := r.Values["tags"]
	if !strings.HasPrefix(r.Type, "aws_") || !has && !defaults {
		return
	}
	if !defaults {
		r.Values["tags_all"] = own
		return
	}
	all := map[string]any{}
	for _, part := range []any{first(m.e.decode(tagged)), own} {
		tags, ok := part.(map[string]any)
		if _, odd := tags[UnknownMarker]; part != nil && (!ok || odd) {
			r.Values["tags_all"] = part
			return
		}
		for k, v := range tags {
			all[k] = v
		}
	}
	r.Values["tags_all"] = all
}

func first(v any, _ bool) any { return v }
