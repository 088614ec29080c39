package resource

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// tryFunc is Terraform's try(), with one care more: the text that stands for a
// reference fails where its value would not (it has no attributes and is no
// number), so that a failure on it decides nothing.
var tryFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "expressions", Type: customdecode.ExpressionClosureType},
	Type: func(args []cty.Value) (cty.Type, error) {
		v, err := firstThatWorks(args)
		return v.Type(), err
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return firstThatWorks(args) },
})

func firstThatWorks(args []cty.Value) (cty.Value, error) {
	for _, arg := range args {
		closure := customdecode.ExpressionClosureFromVal(arg)
		v, diags := closure.Value()
		switch {
		case diags.HasErrors() && isLater(closure), !diags.HasErrors() && !v.IsWhollyKnown():
			return cty.DynamicVal.Mark(reasonMark{message: "try() depends on what is known only after apply"}), nil
		case !diags.HasErrors():
			return v, nil
		}
	}
	return cty.DynamicVal, errors.New("no expression succeeded")
}

// canFunc is Terraform's can(), with the same care.
var canFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "expression", Type: customdecode.ExpressionClosureType}},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		closure := customdecode.ExpressionClosureFromVal(args[0])
		v, diags := closure.Value()
		if diags.HasErrors() && isLater(closure) || !diags.HasErrors() && (!v.IsWhollyKnown() || v.ContainsMarked()) {
			return cty.UnknownVal(cty.Bool).Mark(reasonMark{message: "can() depends on what is known only after apply"}), nil
		}
		return cty.BoolVal(!diags.HasErrors()), nil
	},
})

// isLater says whether an expression reads what is known only after apply.
func isLater(closure *customdecode.ExpressionClosure) bool {
	for _, t := range closure.Expression.Variables() {
		for n := len(t); n > 0; n-- {
			v, diags := t[:n].TraverseAbs(closure.EvalContext)
			if diags.HasErrors() {
				continue
			}
			whole := n == len(t)
			if !v.IsKnown() || v.IsMarked() || whole && (!v.IsWhollyKnown() || v.ContainsMarked()) {
				return true
			}
			break // what is there is known, and has no such member
		}
	}
	return false
}

// flattenFunc flattens, unless something in it is a reference that may be to a
// list: how many elements there are is not known then.
func (e *evaluator) flattenFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType, AllowMarked: true}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if e.holdsList(args[0]) {
				return cty.DynamicPseudoType, nil
			}
			v, err := stdlib.Flatten(args[0])
			return v.Type(), err
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if e.holdsList(args[0]) {
				return cty.DynamicVal.Mark(reasonMark{message: "flatten() holds what is known only after apply, and may be a list"}), nil
			}
			return stdlib.Flatten(args[0])
		},
	})
}

// texts end the names of attributes that are texts for sure.
var texts = []string{"id", "arn", "name", "identifier", "bucket", "key", "address", "endpoint", "ip", "block", "url"}

func (e *evaluator) holdsList(v cty.Value) bool {
	_, marks := v.UnmarkDeep()
	for mark := range marks {
		if n, ok := mark.(refMark); ok {
			attribute := e.refs[n].attribute
			if !slices.Contains(texts, attribute[strings.LastIndexByte(attribute, '_')+1:]) {
				return true
			}
		}
	}
	return false
}
