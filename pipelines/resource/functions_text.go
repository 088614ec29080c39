package resource

import (
	"crypto/md5"  //nolint:gosec // the function that Terraform has
	"crypto/sha1" //nolint:gosec // the function that Terraform has
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/apparentlymart/go-cidr/cidr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"github.com/zclconf/go-cty/cty/gocty"
)

// text makes a function of a text.
func textFunc(f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, err := f(args[0].AsString())
			return cty.StringVal(out), err
		},
	})
}

// testFunc makes a function that tests a text by another.
func testFunc(f func(s, by string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "by", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

func hexOf(sum []byte) (string, error) { return hex.EncodeToString(sum), nil }

var textFunctions = map[string]function.Function{
	"base64encode": textFunc(func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
	"base64decode": textFunc(func(s string) (string, error) {
		out, err := base64.StdEncoding.DecodeString(s)
		return string(out), err
	}),
	"urlencode": textFunc(func(s string) (string, error) { return url.QueryEscape(s), nil }),
	"basename":  textFunc(func(s string) (string, error) { return path.Base(s), nil }),
	"dirname":   textFunc(func(s string) (string, error) { return path.Dir(s), nil }),
	"md5":       textFunc(func(s string) (string, error) { sum := md5.Sum([]byte(s)); return hexOf(sum[:]) }),  //nolint:gosec // Terraform's
	"sha1":      textFunc(func(s string) (string, error) { sum := sha1.Sum([]byte(s)); return hexOf(sum[:]) }), //nolint:gosec // Terraform's
	"sha256":    textFunc(func(s string) (string, error) { sum := sha256.Sum256([]byte(s)); return hexOf(sum[:]) }),
	"sha512":    textFunc(func(s string) (string, error) { sum := sha512.Sum512([]byte(s)); return hexOf(sum[:]) }),
	"base64sha256": textFunc(func(s string) (string, error) {
		sum := sha256.Sum256([]byte(s))
		return base64.StdEncoding.EncodeToString(sum[:]), nil
	}),
	"base64sha512": textFunc(func(s string) (string, error) {
		sum := sha512.Sum512([]byte(s))
		return base64.StdEncoding.EncodeToString(sum[:]), nil
	}),
	"startswith":  testFunc(strings.HasPrefix),
	"endswith":    testFunc(strings.HasSuffix),
	"strcontains": testFunc(strings.Contains),
	"replace": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "old", Type: cty.String}, {Name: "new", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, old, by := args[0].AsString(), args[1].AsString(), args[2].AsString()
			if len(old) > 1 && old[0] == '/' && old[len(old)-1] == '/' {
				re, err := regexp.Compile(old[1 : len(old)-1])
				if err != nil {
					return cty.NilVal, err
				}
				return cty.StringVal(re.ReplaceAllString(s, by)), nil
			}
			if old == "" || len(s)*(len(by)+1) > FileLimit {
				return cty.NilVal, errors.New("the result would be too large")
			}
			return cty.StringVal(strings.ReplaceAll(s, old, by)), nil
		},
	}),
}

var networkFunctions = map[string]function.Function{
	"cidrhost": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "host", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			_, network, err := net.ParseCIDR(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			host, _ := args[1].AsBigFloat().Int(nil)
			ip, err := cidr.HostBig(network, host)
			return cty.StringVal(ip.String()), err
		},
	}),
	"cidrnetmask": textFunc(func(s string) (string, error) {
		_, network, err := net.ParseCIDR(s)
		if err != nil {
			return "", err
		}
		return net.IP(network.Mask).String(), nil
	}),
	"cidrsubnet": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "newbits", Type: cty.Number}, {Name: "netnum", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			_, network, err := net.ParseCIDR(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			var bits int
			if err := gocty.FromCtyValue(args[1], &bits); err != nil {
				return cty.NilVal, err
			}
			number, _ := args[2].AsBigFloat().Int(nil)
			subnet, err := cidr.SubnetBig(network, bits, number)
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(subnet.String()), nil
		},
	}),
	"cidrsubnets": function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "prefix", Type: cty.String}},
		VarParam: &function.Parameter{Name: "newbits", Type: cty.Number},
		Type:     function.StaticReturnType(cty.List(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			_, network, err := net.ParseCIDR(args[0].AsString())
			if err != nil || len(args) == 1 {
				return cty.ListValEmpty(cty.String), err
			}
			ones, _ := network.Mask.Size()
			var subnets []cty.Value
			var current *net.IPNet
			for _, arg := range args[1:] {
				var bits int
				if err := gocty.FromCtyValue(arg, &bits); err != nil {
					return cty.NilVal, err
				}
				next, err := cidr.Subnet(network, bits, 0)
				if current != nil && err == nil {
					var over bool
					if next, over = cidr.NextSubnet(current, ones+bits); over || !network.Contains(next.IP) {
						err = errors.New("the prefix has no room for them")
					}
				}
				if err != nil {
					return cty.NilVal, err
				}
				current = next
				subnets = append(subnets, cty.StringVal(next.String()))
			}
			return cty.ListVal(subnets), nil
		},
	}),
}

func boolsFunc(until bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				if !v.IsKnown() {
					return cty.UnknownVal(cty.Bool), nil
				}
				if !v.IsNull() && v.True() == until {
					return cty.BoolVal(until), nil
				}
			}
			return cty.BoolVal(!until), nil
		},
	})
}

var allTrueFunc, anyTrueFunc = boolsFunc(false), boolsFunc(true)

var sumFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Number)}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		total := cty.Zero
		for it := args[0].ElementIterator(); it.Next(); {
			_, v := it.Element()
			total = total.Add(v)
		}
		return total, nil
	},
})

var indexFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !args[0].CanIterateElements() {
			return cty.NilVal, errors.New("the argument must be a list or a tuple")
		}
		n := int64(0)
		for it := args[0].ElementIterator(); it.Next(); n++ {
			_, v := it.Element()
			equal, err := stdlib.Equal(v, args[1])
			if err != nil || !equal.IsKnown() {
				return cty.UnknownVal(cty.Number), err
			}
			if equal.True() {
				return cty.NumberIntVal(n), nil
			}
		}
		return cty.NilVal, errors.New("the value is not in the list")
	},
})

var matchKeysFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "values", Type: cty.List(cty.DynamicPseudoType)}, {Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "wanted", Type: cty.List(cty.DynamicPseudoType)}},
	Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		var list []cty.Value
		values, keys := args[0].AsValueSlice(), args[1].AsValueSlice()
		for i, key := range keys {
			for _, wanted := range args[2].AsValueSlice() {
				if i < len(values) && key.RawEquals(wanted) {
					list = append(list, values[i])
					break
				}
			}
		}
		if len(list) == 0 {
			return cty.ListValEmpty(t.ElementType()), nil
		}
		return cty.ListVal(list), nil
	},
})

var transposeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "map", Type: cty.Map(cty.List(cty.String))}},
	Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		out := map[string][]cty.Value{}
		for it := args[0].ElementIterator(); it.Next(); {
			key, list := it.Element()
			for _, v := range list.AsValueSlice() {
				out[v.AsString()] = append(out[v.AsString()], key)
			}
		}
		members := map[string]cty.Value{}
		for key, list := range out {
			members[key] = cty.ListVal(list)
		}
		if len(members) == 0 {
			return cty.MapValEmpty(t.ElementType()), nil
		}
		return cty.MapVal(members), nil
	},
})
