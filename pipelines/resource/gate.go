package resource

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// gated says whether a condition inside of an expression is about a reference: its
// text is compared then, which is not its value, and what comes out may be the
// reference itself, which looks as if it were decided.
func gated(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	node, ok := expr.(hclsyntax.Expression)
	if !ok {
		return false
	}
	found := false
	refers := func(e hclsyntax.Expression, in *hcl.EvalContext) bool {
		if e == nil || comparesWithNull(e) {
			return false
		}
		v, diags := e.Value(in)
		return !diags.HasErrors() && holdsRef(v)
	}
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.ConditionalExpr:
			found = found || refers(n.Condition, ctx)
		case *hclsyntax.ForExpr:
			if found {
				return nil
			}
			collection, diags := n.CollExpr.Value(ctx)
			collection, _ = collection.Unmark()
			if diags.HasErrors() || !collection.CanIterateElements() {
				return nil
			}
			for it := collection.ElementIterator(); it.Next() && !found; {
				key, value := it.Element()
				inner := ctx.NewChild()
				inner.Variables = map[string]cty.Value{n.ValVar: value}
				if n.KeyVar != "" {
					inner.Variables[n.KeyVar] = key
				}
				found = refers(n.CondExpr, inner) || gated(n.ValExpr, inner) || n.KeyExpr != nil && gated(n.KeyExpr, inner)
			}
		}
		return nil
	})
	return found
}

// comparesWithNull says whether a condition is x != null or the like, which holds
// for an id or ARN whatever it is.
func comparesWithNull(e hclsyntax.Expression) bool {
	binary, ok := e.(*hclsyntax.BinaryOpExpr)
	if !ok || binary.Op != hclsyntax.OpEqual && binary.Op != hclsyntax.OpNotEqual {
		return false
	}
	for _, side := range []hclsyntax.Expression{binary.LHS, binary.RHS} {
		if literal, ok := side.(*hclsyntax.LiteralValueExpr); ok && literal.Val.IsNull() {
			return true
		}
	}
	return false
}

// holdsRef says whether a value is made from a reference.
func holdsRef(v cty.Value) bool {
	_, marks := v.UnmarkDeep()
	for mark := range marks {
		if _, ok := mark.(refMark); ok {
			return true
		}
	}
	return false
}
