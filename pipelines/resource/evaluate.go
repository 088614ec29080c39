package resource

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"

	"github.com/penstock-dev/penstock/pipelines"
)

// evaluator is one evaluation of a unit and of the modules that it calls.
type evaluator struct {
	ctx     context.Context
	fsys    fs.FS
	sources map[string]*source
	refs    []reference
	count   int // instances so far
}

// scope holds what is only known at one place: each, count, self, iterators.
type scope map[string]cty.Value

// module is one instance of a module.
type module struct {
	e         *evaluator
	src       *source
	address   string
	parent    *module
	depth     int
	existence *Reason
	// args are the arguments of its call, and the scope that they stand in.
	args   map[string]attribute
	called scope
	tagged defaultTags

	values    map[string]cty.Value // var.x, local.x, and attributes of resources
	busy      map[string]bool
	instances map[string]expansion
	children  map[string]calledModule
	functions map[string]function.Function
}

// eval evaluates an expression. What cannot be known is an unknown value that
// is marked with the reason.
func (m *module) eval(expr hcl.Expression, s scope) (result cty.Value) {
	at := position(expr.Range())
	defer func() {
		if p := recover(); p != nil { // a bug of a function must not end the run
			result = unknown(cty.DynamicPseudoType, at, fmt.Sprintf("it cannot be evaluated: %.200v", p))
		}
	}()
	ctx := &hcl.EvalContext{Variables: m.variables(expr, s, at), Functions: m.functions}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		return unknown(cty.DynamicPseudoType, at, describe(diags))
	}
	if v.IsKnown() && holdsRef(v) && gated(expr, ctx) {
		return unknown(cty.DynamicPseudoType, at, "a condition in it depends on what is known only after apply")
	}
	if !v.IsKnown() && !hasReason(v) {
		v = v.Mark(reasonMark{"it depends on what is known only after apply", at.Path, at.Line})
	}
	return v
}

func describe(diags hcl.Diagnostics) string {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			if i := strings.Index(d.Detail, refOpen); i >= 0 {
				return d.Summary
			}
			return fmt.Sprintf("%s: %.300s", d.Summary, d.Detail)
		}
	}
	return "it cannot be evaluated"
}

// variables gathers what an expression needs, and no more.
func (m *module) variables(expr hcl.Expression, s scope, at pipelines.Position) map[string]cty.Value {
	found := map[string]map[string]cty.Value{}
	put := func(root, name string, v cty.Value) {
		if found[root] == nil {
			found[root] = map[string]cty.Value{}
		}
		found[root][name] = v
	}
	data := map[string]map[string]cty.Value{}
	out := map[string]cty.Value{}
	for _, t := range expr.Variables() {
		root := t.RootName()
		if v, ok := s[root]; ok {
			out[root] = v
			continue
		}
		first, second := nameAt(t, 1), nameAt(t, 2)
		switch root {
		case "var":
			put(root, first, m.variable(first, at))
		case "local":
			put(root, first, m.local(first, at))
		case "module":
			put(root, first, m.call(first).object(at))
		case "path":
			put(root, "module", cty.StringVal(slashDot(m.src.dir)))
			put(root, "root", cty.StringVal(slashDot(m.root().src.dir)))
			put(root, "cwd", unknown(cty.String, at, "path.cwd depends on where Terraform runs"))
		case "terraform":
			put(root, "workspace", unknown(cty.String, at, "the workspace is known only when Terraform runs"))
		case "each", "count", "self":
			out[root] = unknown(cty.DynamicPseudoType, at, root+" is not known here")
		case "data":
			if data[first] == nil {
				data[first] = map[string]cty.Value{}
			}
			data[first][second] = m.object("data."+first+"."+second, m.asked(t, 3, expr), at, data[first][second])
		default:
			put(root, first, m.object(root+"."+first, m.asked(t, 2, expr), at, found[root][first]))
		}
	}
	for kind, names := range data {
		put("data", kind, cty.ObjectVal(names))
	}
	for root, names := range found {
		out[root] = cty.ObjectVal(names)
	}
	return out
}

func slashDot(dir string) string {
	if dir == "." {
		return "."
	}
	return "./" + dir
}

func nameAt(t hcl.Traversal, i int) string {
	if i >= len(t) {
		return ""
	}
	if attr, ok := t[i].(hcl.TraverseAttr); ok {
		return attr.Name
	}
	return ""
}

// asked are the attributes of a resource that an expression needs: the one that
// is named after it, else all that are named in the expression or the module.
func (m *module) asked(t hcl.Traversal, from int, expr hcl.Expression) map[string]bool {
	for _, step := range t[min(from, len(t)):] {
		if attr, ok := step.(hcl.TraverseAttr); ok {
			return map[string]bool{attr.Name: true}
		}
	}
	names := map[string]bool{}
	if e, ok := expr.(hclsyntax.Expression); ok {
		_ = hclsyntax.VisitAll(e, func(node hclsyntax.Node) hcl.Diagnostics {
			if relative, ok := node.(*hclsyntax.RelativeTraversalExpr); ok {
				mention(relative, names)
			}
			if scoped, ok := node.(*hclsyntax.ScopeTraversalExpr); ok && len(scoped.Traversal) > 1 && scoped.Traversal.RootName() != t.RootName() {
				mention(scoped, names)
			}
			return nil
		})
	}
	if len(names) == 0 {
		return m.src.names
	}
	return names
}

func (m *module) root() *module {
	for m.parent != nil {
		m = m.parent
	}
	return m
}

// once evaluates a value the first time that it is needed. A value that needs
// itself is unknown.
func (m *module) once(key string, at pipelines.Position, evaluate func() cty.Value) cty.Value {
	if v, ok := m.values[key]; ok {
		return v
	}
	if m.busy[key] {
		return unknown(cty.DynamicPseudoType, at, key+" depends on itself")
	}
	m.busy[key] = true
	v := evaluate()
	delete(m.busy, key)
	m.values[key] = v
	return v
}

func (m *module) local(name string, at pipelines.Position) cty.Value {
	return m.once("local."+name, at, func() cty.Value {
		expr, ok := m.src.locals[name]
		if !ok {
			return unknown(cty.DynamicPseudoType, at, fmt.Sprintf("there is no local %q", name))
		}
		return m.eval(expr, nil)
	})
}

// variable is the argument of the call, a value from tfvars, or the default.
func (m *module) variable(name string, at pipelines.Position) cty.Value {
	return m.once("var."+name, at, func() cty.Value {
		declared, ok := m.src.variables[name]
		if !ok {
			return unknown(cty.DynamicPseudoType, at, fmt.Sprintf("there is no variable %q", name))
		}
		wanted, defaults := cty.DynamicPseudoType, (*typeexpr.Defaults)(nil)
		if t, ok := declared.body.attributes["type"]; ok {
			if known, d, diags := typeexpr.TypeConstraintWithDefaults(t.expr); !diags.HasErrors() {
				wanted, defaults = known, d
			}
		}
		v, given := m.argument(name)
		fallback, hasDefault := declared.body.attributes["default"]
		if hasDefault && (!given || v.IsKnown() && v.IsNull() && !m.nullable(declared)) {
			v, given = m.eval(fallback.expr, nil), true
		}
		if !given {
			return unknown(wanted.WithoutOptionalAttributesDeep(), declared.at, fmt.Sprintf("var.%s has no value", name))
		}
		if defaults != nil && v.IsKnown() && !v.IsNull() {
			v = applyDefaults(defaults, v)
		}
		converted, err := convert.Convert(v, wanted)
		if err != nil {
			return unknown(cty.DynamicPseudoType, at, fmt.Sprintf("var.%s: %v", name, err))
		}
		return converted
	})
}

// applyDefaults fills in optional() attributes; the library does not take marks.
func applyDefaults(defaults *typeexpr.Defaults, v cty.Value) cty.Value {
	bare, marks := v.UnmarkDeepWithPaths()
	filled := defaults.Apply(bare)
	defer func() { _ = recover() }() // a path that conversion moved: marks stay off
	return filled.MarkWithPaths(marks)
}

func (m *module) nullable(declared *block) bool {
	a, ok := declared.body.attributes["nullable"]
	if !ok {
		return true
	}
	v := m.eval(a.expr, nil)
	return !v.RawEquals(cty.False)
}

// argument is what the call of the module, or a tfvars file, gives a variable.
func (m *module) argument(name string) (cty.Value, bool) {
	a, ok := m.args[name]
	if !ok {
		return cty.NilVal, false
	}
	if m.parent == nil {
		return m.eval(a.expr, nil), true
	}
	return m.parent.eval(a.expr, m.called), true
}

// with returns the scope with one more name.
func (s scope) with(name string, v cty.Value) scope {
	out := maps.Clone(s)
	if out == nil {
		out = scope{}
	}
	out[name] = v
	return out
}

// local returns the directory that a local module source leads to.
func localSource(dir, source string) (string, bool) {
	if source != "." && source != ".." && !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") {
		return "", false
	}
	return path.Join(dir, strings.Replace(source, "//", "/", 1)), true
}
