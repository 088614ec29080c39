package resource

import (
	"fmt"
	"maps"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	yaml "github.com/zclconf/go-cty-yaml"

	"github.com/penstock-dev/penstock/pipelines"
)

// passing are functions whose result is known even where an argument is a
// reference: they move texts about, and never look into them.
var passing = map[string]function.Function{
	"can": canFunc, "try": tryFunc,
	"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
	"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc,
	"format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "join": stdlib.JoinFunc,
	"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "length": lengthFunc, "lookup": stdlib.LookupFunc,
	"merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc, "setproduct": stdlib.SetProductFunc,
	"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	"tobool": stdlib.MakeToFunc(cty.Bool), "tostring": stdlib.MakeToFunc(cty.String), "tonumber": stdlib.MakeToFunc(cty.Number),
	"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
	"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	"one":   oneFunc, "sensitive": sameFunc, "nonsensitive": sameFunc, "ephemeralasnull": sameFunc,
	"alltrue": allTrueFunc, "anytrue": anyTrueFunc,
}

// looking are functions that look into a text, so that of a reference, whose
// text is not known, their result is not either.
var looking = map[string]function.Function{
	"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc, "max": stdlib.MaxFunc,
	"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc,
	"chomp": stdlib.ChompFunc, "indent": stdlib.IndentFunc, "lower": stdlib.LowerFunc, "upper": stdlib.UpperFunc,
	"title": stdlib.TitleFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "split": stdlib.SplitFunc,
	"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
	"trimsuffix": stdlib.TrimSuffixFunc, "trimspace": stdlib.TrimSpaceFunc, "contains": stdlib.ContainsFunc,
	"setintersection": stdlib.SetIntersectionFunc, "setsubtract": stdlib.SetSubtractFunc, "sort": stdlib.SortFunc,
	"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "formatdate": stdlib.FormatDateFunc,
	"timeadd": stdlib.TimeAddFunc, "yamldecode": yaml.YAMLDecodeFunc, "yamlencode": yaml.YAMLEncodeFunc,
	"index": indexFunc, "sum": sumFunc, "matchkeys": matchKeysFunc, "transpose": transposeFunc,
}

// late are functions whose result is known only when Terraform runs them.
var late = []string{"timestamp", "plantimestamp", "uuid", "uuidv5", "bcrypt", "abspath", "pathexpand", "rsadecrypt",
	"base64gzip", "timecmp", "textencodebase64", "textdecodebase64", "templatestring", "issensitive", "type"}

// allFunctions are those that an expression of the module may call.
func (m *module) allFunctions() map[string]function.Function {
	all := maps.Clone(passing)
	for name, f := range looking {
		all[name] = veiled(name, f)
	}
	for name, f := range textFunctions {
		all[name] = veiled(name, f)
	}
	for name, f := range networkFunctions {
		all[name] = veiled(name, f)
	}
	for name, f := range m.fileFunctions() {
		all[name] = veiled(name, f)
	}
	all["flatten"] = m.e.flattenFunc()
	for _, name := range late {
		all[name] = lateFunction(name)
	}
	for name, f := range maps.Clone(all) {
		all["core::"+name] = f
	}
	return all
}

// veiled makes a function unknown where an argument is or holds a reference.
func veiled(name string, f function.Function) function.Function {
	params := append([]function.Parameter{}, f.Params()...)
	for i := range params {
		params[i].AllowMarked = true
	}
	spec := &function.Spec{Params: params}
	if v := f.VarParam(); v != nil {
		variadic := *v
		variadic.AllowMarked = true
		spec.VarParam = &variadic
	}
	spec.Type = func(args []cty.Value) (cty.Type, error) {
		bare := make([]cty.Value, len(args))
		for i, arg := range args {
			bare[i], _ = arg.UnmarkDeep()
		}
		return f.ReturnTypeForValues(bare)
	}
	spec.Impl = func(args []cty.Value, t cty.Type) (cty.Value, error) {
		bare := make([]cty.Value, len(args))
		var marks []cty.ValueMarks
		for i, arg := range args {
			var deep cty.ValueMarks
			bare[i], deep = arg.UnmarkDeep()
			marks = append(marks, deep)
			for mark := range deep {
				if _, ok := mark.(refMark); ok {
					return cty.UnknownVal(t).Mark(reasonMark{message: name + "() looks into a value that is known only after apply"}), nil
				}
			}
		}
		v, err := f.Call(bare)
		if err != nil {
			return v, err
		}
		if v.IsKnown() && v.IsWhollyKnown() {
			return v, nil
		}
		return v.WithMarks(marks...), nil
	}
	return function.New(spec)
}

func lateFunction(name string) function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Type: cty.DynamicPseudoType, AllowUnknown: true, AllowDynamicType: true, AllowNull: true, AllowMarked: true},
		Type:     function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			return unknown(cty.DynamicPseudoType, pipelines.Position{}, name+"() is known only when Terraform runs"), nil
		},
	})
}

var anything = function.Parameter{Name: "value", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowDynamicType: true, AllowNull: true, AllowMarked: true}

// sameFunc returns its argument: sensitive() and the like.
var sameFunc = function.New(&function.Spec{
	Params: []function.Parameter{anything},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], nil },
})

// lengthFunc counts elements, or the characters of a text that is known.
var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{anything},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark()
		switch {
		case !v.IsKnown():
			return cty.UnknownVal(cty.Number).WithMarks(marks), nil
		case v.IsNull():
			return cty.NilVal, fmt.Errorf("the argument must not be null")
		case v.Type() == cty.String:
			return cty.NumberIntVal(int64(len([]rune(v.AsString())))).WithMarks(marks), nil
		case !v.CanIterateElements():
			return cty.NilVal, fmt.Errorf("the argument must be a string, a collection or a structure")
		case v.Type().IsSetType() && !v.IsWhollyKnown():
			return cty.UnknownVal(cty.Number).WithMarks(marks), nil
		}
		// Marks on the whole say that the number of elements depends on a reference:
		// equal ones in a set would be one, empty ones are left out by compact().
		return cty.NumberIntVal(int64(v.LengthInt())).WithMarks(marks), nil
	},
})

// oneFunc returns the only element of a list, or null.
var oneFunc = function.New(&function.Spec{
	Params: []function.Parameter{anything},
	Type: func(args []cty.Value) (cty.Type, error) {
		v, _ := args[0].Unmark()
		if !v.IsKnown() || !v.CanIterateElements() || v.LengthInt() != 1 {
			return cty.DynamicPseudoType, nil
		}
		it := v.ElementIterator()
		it.Next()
		_, element := it.Element()
		return element.Type(), nil
	},
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark()
		switch {
		case !v.IsKnown():
			return cty.UnknownVal(t).WithMarks(marks), nil
		case v.IsNull() || !v.CanIterateElements():
			return cty.NilVal, fmt.Errorf("the argument must be a list, a set or a tuple")
		}
		switch v.LengthInt() {
		case 0:
			return cty.NullVal(t).WithMarks(marks), nil
		case 1:
			it := v.ElementIterator()
			it.Next()
			_, element := it.Element()
			return element.WithMarks(marks), nil
		}
		return cty.NilVal, fmt.Errorf("the argument must have at most one element")
	},
})
