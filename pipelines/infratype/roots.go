package infratype

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/penstock-dev/penstock/pipelines"
)

// configuration is what Check looks at in a directory of Terraform.
type configuration struct {
	variables map[string]pipelines.Position
	// modules are the sources of module calls, by the variable that for_each names.
	modules map[string]string
	// resources are the keys of local.resources.
	resources map[string]pipelines.Position
	// makes is where the first resource, data source or provider stands.
	makes *pipelines.Position
}

// readRoot reads the *.tf of a directory, and evaluates nothing.
func readRoot(fsys fs.FS, dir string) (*configuration, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.tf"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("reading the configuration: there is no *.tf in %q", dir)
	}
	c := &configuration{variables: map[string]pipelines.Position{}, modules: map[string]string{}, resources: map[string]pipelines.Position{}}
	parser := hclparse.NewParser()
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
		file, diags := parser.ParseHCL(text, name)
		if diags.HasErrors() {
			return nil, refuse(place(diags[0].Subject), "run terraform validate", "%s", diags[0].Summary)
		}
		for _, block := range file.Body.(*hclsyntax.Body).Blocks {
			c.see(block)
		}
	}
	return c, nil
}

func place(r *hcl.Range) pipelines.Position {
	if r == nil {
		return pipelines.Position{}
	}
	return pipelines.Position{Path: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}

func (c *configuration) see(block *hclsyntax.Block) {
	at := block.DefRange()
	switch {
	case block.Type == "variable" && len(block.Labels) == 1:
		c.variables[block.Labels[0]] = place(&at)
	case block.Type == "resource" || block.Type == "data" || block.Type == "ephemeral" || block.Type == "provider":
		if c.makes == nil {
			p := place(&at)
			c.makes = &p
		}
	case block.Type == "module":
		source, each := block.Body.Attributes["source"], block.Body.Attributes["for_each"]
		if source == nil || each == nil {
			return
		}
		text, diags := source.Expr.Value(nil)
		if name := variable(each.Expr); name != "" && !diags.HasErrors() && text.Type().FriendlyName() == "string" {
			c.modules[name] = text.AsString()
		}
	case block.Type == "locals":
		list := block.Body.Attributes["resources"]
		if list == nil {
			return
		}
		object, ok := list.Expr.(*hclsyntax.ObjectConsExpr)
		if !ok {
			return
		}
		for _, item := range object.Items {
			if key := hcl.ExprAsKeyword(item.KeyExpr); key != "" && key == variable(item.ValueExpr) {
				at := item.KeyExpr.Range()
				c.resources[key] = place(&at)
			}
		}
	}
}

// variable is X where the expression is var.X, else empty.
func variable(e hclsyntax.Expression) string {
	traversal, diags := hcl.AbsTraversalForExpr(e)
	if diags.HasErrors() || len(traversal) != 2 || traversal.RootName() != "var" {
		return ""
	}
	attribute, _ := traversal[1].(hcl.TraverseAttr)
	return attribute.Name
}

// inner refuses a module without a contract that makes something: nobody would
// know what it grants, writes and has to hold.
func inner(fsys fs.FS, dir string) error {
	if _, err := fs.Stat(fsys, path.Join(dir, File)); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading a contract: %w", err)
	}
	c, err := readRoot(fsys, dir)
	if err != nil {
		return err
	}
	if c.makes != nil {
		return refuse(*c.makes, "write "+path.Join(dir, File)+": docs/infra-types.md says what is in it",
			"the module %q makes something and has no contract", dir)
	}
	return nil
}

// wired says which types the roots do not use, and what they use that is no type.
func wired(fsys fs.FS, contracts []Contract) (wrong []error) {
	iam, err := readRoot(fsys, IAM)
	if err != nil {
		return []error{err}
	}
	iac, err := readRoot(fsys, IAC)
	if err != nil {
		return []error{err}
	}
	types := map[string]bool{}
	for _, c := range contracts {
		types[c.Type] = true
		if _, ok := iam.variables[c.Type]; !ok {
			wrong = append(wrong, refuse(c.Position, "declare it in "+IAM+"/variables.tf", "the type %q is no variable of %s", c.Type, IAM))
		}
		if _, ok := iam.resources[c.Type]; !ok {
			wrong = append(wrong, refuse(c.Position, "add "+c.Type+" = var."+c.Type+" to local.resources of "+IAM, "%s grants nothing on the type %q", IAM, c.Type))
		}
		if iac.modules[c.Type] != "../"+path.Join(Modules, c.Module) {
			wrong = append(wrong, refuse(c.Position, "call ../"+path.Join(Modules, c.Module)+" with for_each = var."+c.Type, "%s does not make the type %q by its module", IAC, c.Type))
		}
	}
	for name, source := range iac.modules {
		if !types[name] {
			wrong = append(wrong, refuse(iac.variables[name], "write its contract", "%s makes %q by %q, which is no type", IAC, name, strings.TrimPrefix(source, "../")))
		}
	}
	for name, at := range iam.resources {
		if !types[name] {
			wrong = append(wrong, refuse(at, "write its contract", "%s grants on %q, which is no type", IAM, name))
		}
	}
	return wrong
}
