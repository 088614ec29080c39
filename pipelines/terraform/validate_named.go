package terraform

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
)

// namedProviders are the providers that required_providers names anywhere on the
// base, or in the root where there is no base. Terraform runs a provider to
// validate code, so a pull request may use the providers that are in use, and not
// bring a new one that is run before anybody has looked at it.
func (v Validate) namedProviders() ([]string, error) {
	from := v.Base
	if from == nil {
		from = os.DirFS(v.Root)
	}
	var found []string
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && errors.Is(err, fs.ErrPermission):
			return nil // it allows nothing
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.Type().IsRegular() && (strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tofu")):
			found = append(found, namedIn(from, name)...)
		}
		return nil
	})
	slices.Sort(found)
	return slices.Compact(found), err
}

func namedIn(from fs.FS, name string) []string {
	if info, err := fs.Stat(from, name); err != nil || info.Size() > maxFile {
		return nil
	}
	src, err := fs.ReadFile(from, name)
	if err != nil || !bytes.Contains(src, []byte("required_providers")) || nesting.TooDeep(src) != "" {
		return nil
	}
	file, _ := hclsyntax.ParseConfig(src, "", hcl.InitialPos)
	if file == nil {
		return nil
	}
	return requiredProviders(file.Body.(*hclsyntax.Body))
}

// requiredProviders reads the sources that terraform { required_providers {} } names.
func requiredProviders(body *hclsyntax.Body) (found []string) {
	for _, settings := range body.Blocks {
		if settings.Type != "terraform" {
			continue
		}
		for _, required := range settings.Body.Blocks {
			if required.Type != "required_providers" {
				continue
			}
			for _, attr := range required.Body.Attributes {
				found = append(found, fullAddress(sourceOf(attr.Expr))...)
			}
		}
	}
	return found
}

// sourceOf is the source in one entry of required_providers, where it is written out.
func sourceOf(entry hclsyntax.Expression) string {
	pairs, _ := hcl.ExprMap(entry)
	for _, pair := range pairs {
		if hcl.ExprAsKeyword(pair.Key) != "source" {
			continue
		}
		if value, diags := pair.Value.Value(nil); !diags.HasErrors() && value.Type() == cty.String && value.IsKnown() && !value.IsNull() {
			return value.AsString()
		}
	}
	return ""
}
