package compliance

import (
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

// read reads a rule's METADATA; nil is a library.
func read(name string, m *ast.Module) (*Rule, error) {
	var a *ast.Annotations
	for _, each := range m.Annotations {
		if each.Scope == "package" {
			a = each
		}
	}
	if a == nil || a.Custom["id"] == nil {
		return nil, nil
	}
	md := metadata{name: name, a: a}
	r := &Rule{ID: md.text("id"), Title: a.Title, Severity: pipelines.Severity(md.text("severity")), Remediation: md.text("remediation"),
		Resources: md.types("resources", true), Related: md.types("related", false), References: md.list("references"), Mode: "managed"}
	switch r.Severity {
	case pipelines.Low, pipelines.Medium, pipelines.High, pipelines.Critical:
	default:
		md.fail("custom.severity is %q, allowed are low, medium, high, critical", string(r.Severity))
	}
	if mode, ok := a.Custom["mode"]; ok {
		if r.Mode, _ = mode.(string); r.Mode != "managed" && r.Mode != "data" {
			md.fail("custom.mode is %v, allowed are managed, data", mode)
		}
	}
	if a.Title == "" {
		md.fail("the METADATA has no title")
	}
	denies := false
	for _, rule := range m.Rules {
		denies = denies || string(rule.Head.Name) == "deny" || rule.Head.Ref().String() == "deny"
		r.decides = r.decides || string(rule.Head.Name) == "unknown" || rule.Head.Ref().String() == "unknown"
	}
	if !denies {
		md.fail("the rule %q defines no deny", r.ID)
	}
	return r, md.err
}

// metadata reads annotations and keeps the first error.
type metadata struct {
	name string
	a    *ast.Annotations
	err  error
}

func (md *metadata) fail(format string, args ...any) {
	if md.err == nil {
		md.err = wrong(md.name, md.a.Location, format, args...)
	}
}

func (md *metadata) text(key string) string {
	s, _ := md.a.Custom[key].(string)
	if s == "" {
		md.fail("the METADATA has no custom.%s, which is required", key)
	}
	return s
}

func (md *metadata) list(key string) []string {
	v, ok := md.a.Custom[key]
	if !ok {
		return nil
	}
	return md.texts(key, v)
}

func (md *metadata) texts(key string, v any) []string {
	list, ok := v.([]any)
	if !ok {
		md.fail("custom.%s is not a list", key)
	}
	var out []string
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			md.fail("custom.%s holds what is not a text", key)
		}
		out = append(out, s)
	}
	return out
}

func (md *metadata) types(key string, needed bool) resource.Wanted {
	types, ok := md.a.Custom[key].(map[string]any)
	if !ok || len(types) == 0 {
		if needed || md.a.Custom[key] != nil {
			md.fail("custom.%s has to map resource types to the arguments that the rule reads", key)
		}
		return nil
	}
	wanted := resource.Wanted{}
	for _, name := range sorted(types) {
		paths := md.texts(key+"."+name, types[name])
		if len(paths) == 0 {
			md.fail("custom.%s.%s is empty: name the arguments that the rule reads", key, name)
		}
		wanted[name] = paths
	}
	return wanted
}
