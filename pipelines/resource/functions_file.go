package resource

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// errOutside refuses a path that leads out of the module: a pull request must
// not make the judge read what it wants to see.
var errOutside = errors.New("it reads outside of the module")

// inside turns a path as an expression gives it into one of the file system.
func (m *module) inside(given string) (string, error) {
	if path.IsAbs(given) {
		return "", fmt.Errorf("%w: %q", errOutside, given)
	}
	// path.module stands for the module's directory as seen from the root.
	full := path.Clean(given)
	if prefix := slashDot(m.src.dir); given != prefix && !strings.HasPrefix(given, prefix+"/") || m.src.dir == "." {
		full = path.Join(m.src.dir, given)
	}
	if m.src.dir != "." && full != m.src.dir && !strings.HasPrefix(full, m.src.dir+"/") || !fs.ValidPath(full) {
		return "", fmt.Errorf("%w: %q", errOutside, given)
	}
	return full, nil
}

func (m *module) content(given string) ([]byte, error) {
	full, err := m.inside(given)
	if err != nil {
		return nil, err
	}
	return m.e.read(full)
}

func (m *module) fileFunctions() map[string]function.Function {
	of := func(f func([]byte) string) function.Function {
		return textFunc(func(given string) (string, error) {
			content, err := m.content(given)
			return f(content), err
		})
	}
	return map[string]function.Function{
		"file":       of(func(b []byte) string { return string(b) }),
		"filebase64": of(base64.StdEncoding.EncodeToString),
		"filesha256": of(func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }),
		"filebase64sha256": of(func(b []byte) string {
			sum := sha256.Sum256(b)
			return base64.StdEncoding.EncodeToString(sum[:])
		}),
		"fileexists": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "path", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Bool),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				full, err := m.inside(args[0].AsString())
				if err != nil {
					return cty.NilVal, err
				}
				info, err := fs.Stat(m.e.fsys, full)
				return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
			},
		}),
		"fileset": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Set(cty.String)),
			Impl:   m.fileset,
		}),
		"templatefile": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType}},
			Type:   function.StaticReturnType(cty.DynamicPseudoType),
			Impl:   m.templatefile,
		}),
	}
}

func (m *module) fileset(args []cty.Value, _ cty.Type) (cty.Value, error) {
	dir, err := m.inside(args[0].AsString())
	if err != nil {
		return cty.NilVal, err
	}
	if _, err := m.inside(path.Join(args[0].AsString(), args[1].AsString())); err != nil {
		return cty.NilVal, err
	}
	sub, err := fs.Sub(m.e.fsys, dir)
	if err != nil {
		return cty.NilVal, err
	}
	matches, err := doublestar.Glob(sub, args[1].AsString(), doublestar.WithFilesOnly())
	if err != nil {
		return cty.NilVal, err
	}
	if len(matches) > instanceLimit {
		return cty.NilVal, fmt.Errorf("over %d files match", instanceLimit)
	}
	if len(matches) == 0 {
		return cty.SetValEmpty(cty.String), nil
	}
	var list []cty.Value
	for _, match := range matches {
		list = append(list, cty.StringVal(match))
	}
	return cty.SetVal(list), nil
}

func (m *module) templatefile(args []cty.Value, _ cty.Type) (cty.Value, error) {
	content, err := m.content(args[0].AsString())
	if err != nil {
		return cty.NilVal, err
	}
	expr, diags := hclsyntax.ParseTemplate(content, args[0].AsString(), hcl.InitialPos)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	vars := args[1]
	if !vars.CanIterateElements() || !(vars.Type().IsObjectType() || vars.Type().IsMapType()) {
		return cty.NilVal, errors.New("the variables must be a map")
	}
	ctx := &hcl.EvalContext{Variables: vars.AsValueMap(), Functions: m.functions}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return v, nil
}
