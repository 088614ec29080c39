package gate

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// hidden says whether a name, or the beginning of one, could be "..", .git or
// .terraform once more text follows.
func hidden(part string) bool {
	part = strings.ToLower(part)
	if part == "" || part[0] != '.' {
		return false
	}
	for _, name := range []string{".git", ".terraform"} {
		if strings.HasPrefix(name, part) || strings.HasPrefix(part, name) {
			return true
		}
	}
	return strings.Trim(part, ".") == ""
}

// tameText says whether a text in the middle of a path cannot lead upwards, or to
// what git keeps, whatever stands before and after it.
func tameText(s string, start bool) bool {
	if start && (strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~")) {
		return false
	}
	return !strings.Contains(s, `\`) && !slices.ContainsFunc(strings.Split(s, "/"), hidden)
}

// tame says whether every text that an expression can be is tame. What it cannot
// follow is not.
func (j *judge) tame(e hcl.Expression, in scope, start bool, depth int) bool {
	if j.budget--; j.budget < 0 || depth > deepest {
		return false
	}
	each := func(list ...hclsyntax.Expression) bool {
		return !slices.ContainsFunc(list, func(e hclsyntax.Expression) bool { return !j.tame(e, in, start, depth+1) })
	}
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return !e.Val.IsKnown() || e.Val.IsNull() || e.Val.Type() != cty.String || tameText(e.Val.AsString(), start)
	case *hclsyntax.TemplateExpr:
		if len(e.Parts) == 0 {
			return true
		}
		if first, ok := e.Parts[0].(*hclsyntax.ScopeTraversalExpr); ok && first.Traversal.RootName() == "path" {
			return start && !slices.ContainsFunc(e.Parts[1:], func(part hclsyntax.Expression) bool { return !j.tame(part, in, false, depth+1) })
		}
		return each(e.Parts...) // any part may be what it begins with: those before it may be empty
	case *hclsyntax.TemplateWrapExpr:
		return each(e.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return each(e.Expression)
	case *hclsyntax.ConditionalExpr:
		return each(e.TrueResult, e.FalseResult)
	case *hclsyntax.BinaryOpExpr, *hclsyntax.UnaryOpExpr: // a number or a bool
		return true
	case *hclsyntax.IndexExpr:
		return each(e.Collection)
	case *hclsyntax.RelativeTraversalExpr:
		return each(e.Source)
	case *hclsyntax.SplatExpr:
		return each(e.Source)
	case *hclsyntax.TupleConsExpr:
		return each(e.Exprs...)
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			if !each(item.KeyExpr, item.ValueExpr) {
				return false
			}
		}
		return true
	case *hclsyntax.ObjectConsKeyExpr:
		if keyword := hcl.ExprAsKeyword(e.Wrapped); keyword != "" && !e.ForceNonLiteral {
			return true
		}
		return each(e.Wrapped)
	case *hclsyntax.ForExpr:
		in.stack = append(in.stack[:len(in.stack):len(in.stack)], e)
		return (e.KeyExpr == nil || j.tame(e.KeyExpr, in, start, depth+1)) && j.tame(e.ValExpr, in, start, depth+1)
	case *hclsyntax.FunctionCallExpr:
		if strings.TrimPrefix(e.Name, "core::") == "fileset" {
			return true // judged where it is called
		}
		return slices.Contains(rearranging, strings.TrimPrefix(e.Name, "core::")) && each(e.Args...)
	case *hclsyntax.ScopeTraversalExpr:
		return j.tameName(e.Traversal, in, start, depth)
	case hclsyntax.Node:
		return false
	}
	return j.tameJSON(e, in, start, depth)
}

// rearranging are the functions whose results hold no text that is not in their
// arguments: none that cuts, replaces or decodes.
var rearranging = []string{"toset", "tolist", "tomap", "tostring", "tonumber", "concat", "flatten", "keys", "values", "merge", "lower", "upper",
	"title", "distinct", "sort", "reverse", "lookup", "element", "slice", "compact", "coalesce", "coalescelist", "try", "zipmap", "setunion",
	"setproduct", "setintersection", "setsubtract", "join", "range", "length", "one", "basename", "sensitive", "nonsensitive", "max", "min"}

// tameName follows a name to what it stands for.
func (j *judge) tameName(t hcl.Traversal, in scope, start bool, depth int) bool {
	if e, outer, ok := in.bound(t.RootName()); ok {
		return e != nil && j.tame(e, outer, start, depth+1)
	}
	if in.m.bare {
		return false
	}
	switch t.RootName() {
	case "count", "terraform", "tofu":
		return true
	case "path":
		return start
	case "each":
		for _, node := range in.stack {
			if b, ok := node.(*hclsyntax.Block); ok {
				all := in.m.each[blockKey(b.Type, b.Labels)] // an override file may say it anew
				return len(all) > 0 && !slices.ContainsFunc(all, func(e hcl.Expression) bool { return !j.tame(e, scope{in.m, nil}, start, depth+1) })
			}
		}
	case "local", "var":
		values, ok := j.named(t, in.m)
		for _, v := range values {
			ok = ok && j.tame(v.expr, v.in, start, depth+1)
		}
		return ok
	}
	return false
}

// bound says what a for expression or a dynamic block around an expression binds
// a name to: these names hide all others, even path and local.
func (s scope) bound(name string) (e hcl.Expression, outer scope, ok bool) {
	for i := len(s.stack) - 1; i >= 0; i-- {
		outer = scope{s.m, s.stack[:i]}
		switch n := s.stack[i].(type) {
		case *hclsyntax.ForExpr:
			if n.KeyVar == name || n.ValVar == name {
				return n.CollExpr, outer, true
			}
		case *hclsyntax.Block:
			each, iterator := n.Body.Attributes["for_each"], n.Body.Attributes["iterator"]
			if n.Type != "dynamic" || !slices.Contains(n.Labels, name) && (iterator == nil || hcl.ExprAsKeyword(iterator.Expr) != name) {
				continue
			}
			if each == nil {
				return nil, outer, true
			}
			return each.Expr, outer, true
		}
	}
	return nil, s, false
}

func (j *judge) tameJSON(e hcl.Expression, in scope, start bool, depth int) bool {
	if !j.affords(e) {
		return false
	}
	if pairs, diags := hcl.ExprMap(e); !diags.HasErrors() {
		return !slices.ContainsFunc(pairs, func(p hcl.KeyValuePair) bool {
			return !j.tame(p.Key, in, start, depth+1) || !j.tame(p.Value, in, start, depth+1)
		})
	}
	if items, diags := hcl.ExprList(e); !diags.HasErrors() {
		return !slices.ContainsFunc(items, func(item hcl.Expression) bool { return !j.tame(item, in, start, depth+1) })
	}
	if inner, ok := template(e); ok {
		return j.tame(inner, in, start, depth+1)
	}
	v, diags := e.Value(nil)
	return !diags.HasErrors() && v.Type() != cty.String
}

// value is an expression that a name stands for.
type value struct {
	expr hcl.Expression
	in   scope
}

// named are the expressions that local.x or var.x can stand for. A variable of
// the unit that nothing in the repository sets is set by whoever runs terraform.
func (j *judge) named(t hcl.Traversal, m *module) (list []value, ok bool) {
	if len(t) < 2 {
		return nil, false
	}
	step, isAttr := t[1].(hcl.TraverseAttr)
	if !isAttr {
		return nil, false
	}
	switch t.RootName() {
	case "local":
		for _, e := range m.locals[step.Name] {
			list = append(list, value{e, scope{m, nil}})
		}
		return list, len(list) > 0
	case "var":
		for _, e := range m.variables[step.Name] {
			list = append(list, value{e, scope{m, nil}})
		}
		for _, c := range m.callers {
			content, _, _ := c.block.Body.PartialContent(attributes(step.Name))
			if a := content.Attributes[step.Name]; a != nil {
				list = append(list, value{a.Expr, scope{c.from, stackOf(c.block)}})
			}
		}
		if m.top {
			j.readValues()
			for _, e := range j.values[step.Name] {
				list = append(list, value{e, scope{outside, nil}})
			}
			return list, !j.opaque
		}
		return list, true
	}
	return nil, false
}

// outside is where values are set that know no names of a module.
var outside = &module{bare: true}

// readValues reads every .tfvars of the repository: which of them is given to
// terraform, the text does not tell.
func (j *judge) readValues() {
	if j.values != nil {
		return
	}
	j.values = map[string][]hcl.Expression{}
	_ = fs.WalkDir(j.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			j.opaque = true
			return nil
		case d.IsDir() && (d.Name() == ".git" || d.Name() == ".terraform"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".tfvars") && !strings.HasSuffix(name, ".tfvars.json"):
			return nil
		}
		src, err := j.read(name)
		if err != nil {
			j.opaque = true
			return nil
		}
		var parsed *hcl.File
		if path.Ext(name) == ".json" {
			parsed, _ = hcljson.Parse(src, name)
		} else {
			parsed, _ = hclsyntax.ParseConfig(src, name, hcl.InitialPos)
		}
		if parsed == nil || parsed.Body == nil {
			j.opaque = true
			return nil
		}
		attrs, diags := parsed.Body.JustAttributes()
		j.opaque = j.opaque || diags.HasErrors()
		for key, a := range attrs {
			j.values[key] = append(j.values[key], a.Expr)
		}
		return nil
	})
}
