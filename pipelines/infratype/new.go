package infratype

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/penstock-dev/penstock/pipelines"
)

// ErrArgument says that a type of that name cannot be written.
var ErrArgument = errors.New("it cannot be written")

//go:embed skeleton
var skeleton embed.FS

// New is an infrastructure type to be.
type New struct {
	// Root is the bundle's Terraform, such as bundle/terraform. Check has to hold there.
	Root string
	// Module is the name of its module, such as sns-topic: the type is then sns_topics.
	Module string
}

// Type is what the type is called in service.tfvars.
func (n New) Type() string {
	name := strings.ReplaceAll(n.Module, "-", "_")
	switch {
	case strings.HasSuffix(name, "s"), strings.HasSuffix(name, "x"), strings.HasSuffix(name, "ch"):
		return name + "es"
	case strings.HasSuffix(name, "y") && !strings.HasSuffix(name, "ay") && !strings.HasSuffix(name, "ey"):
		return strings.TrimSuffix(name, "y") + "ies"
	}
	return name + "s"
}

// Write writes the module with its contract, example and tests, and adds the type to
// both roots. It returns the paths of what it wrote, relative to Root and sorted; the
// result passes Check. Nothing that is there is overwritten, but for the roots, which
// get their lines.
func (n New) Write() ([]string, error) {
	if !moduleName.MatchString(n.Module) || len(n.Module) > 40 {
		return nil, &pipelines.Error{Err: fmt.Errorf("writing the type %q: %w: it is no name of a module", n.Module, ErrArgument),
			Hint: "write lower-case words with - between them, in the singular, such as sns-topic"}
	}
	root, err := os.OpenRoot(n.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the bundle's Terraform: %w", err)
	}
	defer root.Close()
	if err := Check(root.FS()); err != nil {
		return nil, fmt.Errorf("writing the type %q: what is there has to hold first: %w", n.Module, err)
	}
	added, changed, err := n.files(root.FS())
	if err != nil {
		return nil, fmt.Errorf("writing the type %q: %w", n.Module, err)
	}
	for _, name := range slices.Sorted(maps.Keys(added)) {
		if _, err := root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return nil, &pipelines.Error{Err: fmt.Errorf("writing the type %q: %w: %q is there already", n.Module, ErrArgument, name),
				Hint: "name another, or remove it: nothing is overwritten"}
		}
	}
	maps.Copy(added, changed)
	names := slices.Sorted(maps.Keys(added))
	for _, name := range names {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return nil, fmt.Errorf("writing %q: %w", name, err)
		}
		if err := root.WriteFile(name, added[name], 0o644); err != nil {
			return nil, fmt.Errorf("writing %q: %w", name, err)
		}
	}
	return names, nil
}

// files are the new ones and those that change, as terraform fmt writes them.
func (n New) files(fsys fs.FS) (added, changed map[string][]byte, err error) {
	module := path.Join(Modules, n.Module)
	added, changed = map[string][]byte{}, map[string][]byte{}
	for name, from := range map[string]string{
		module + "/contract.yaml": "contract.yaml", module + "/main.tf": "main.tf", module + "/variables.tf": "variables.tf",
		module + "/outputs.tf": "outputs.tf", module + "/versions.tf": "versions.tf", module + "/example/main.tf": "example.tf",
		module + "/example/versions.tf": "versions.tf", module + "/tests/" + n.Module + ".tftest.hcl": "test.tftest.hcl",
		IAC + "/" + n.Type() + ".tf": "root.tf",
	} {
		if added[name], err = n.text(from); err != nil {
			return nil, nil, err
		}
	}
	for root, from := range map[string]string{IAC: "variable-iac.tf", IAM: "variable-iam.tf"} {
		name := root + "/variables.tf"
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, nil, err
		}
		more, err := n.text(from)
		if err != nil {
			return nil, nil, err
		}
		changed[name] = append(text, more...)
	}
	kind := n.Type()
	name := IAM + "/main.tf"
	if changed[name], err = insert(fsys, name, "locals", "resources", kind+" = var."+kind); err != nil {
		return nil, nil, err
	}
	name = IAC + "/outputs.tf"
	changed[name], err = insert(fsys, name, "output", "value", kind+" = { for name, resource in module."+kind+" : name => resource.parameters }")
	return added, changed, err
}

func (n New) text(name string) ([]byte, error) {
	text, err := skeleton.ReadFile("skeleton/" + name)
	if err != nil {
		return nil, err
	}
	filled := strings.NewReplacer("@TYPE@", n.Type(), "@MODULE@", n.Module, "@PREFIX@", strings.ToUpper(strings.ReplaceAll(n.Module, "-", "_"))).Replace(string(text))
	if path.Ext(name) == ".yaml" {
		return []byte(filled), nil
	}
	return hclwrite.Format([]byte(filled)), nil
}

// insert adds a line to the object that is the value of an attribute in a block.
func insert(fsys fs.FS, name, block, attribute, line string) ([]byte, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	file, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		found := b.Body.Attributes[attribute]
		if b.Type != block || found == nil {
			continue
		}
		object, ok := found.Expr.(*hclsyntax.ObjectConsExpr)
		if !ok {
			continue
		}
		end := object.SrcRange.End.Byte - 1 // before the brace
		return hclwrite.Format(slices.Concat(text[:end], []byte(line+"\n"), text[end:])), nil
	}
	return nil, &pipelines.Error{Position: pipelines.Position{Path: name, Line: 1, Column: 1}, Err: fmt.Errorf("there is no %s with an object %q to add the type to", block, attribute)}
}
