package scaffold

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// module is the interface of a module.
type module struct {
	*tfconfig.Module
	// defaults are exact; those of tfconfig went through JSON.
	defaults map[string]cty.Value
	// ephemeral are the outputs that a root module cannot have.
	ephemeral map[string]bool
}

// limit is the largest file that is read, in bytes.
const limit = 8 << 20

// read reads the interface of the module in dir.
func read(fsys fs.FS, dir string) (m *module, err error) {
	defer func() { // tfconfig panics on a number beyond what a float holds
		if r := recover(); r != nil {
			m, err = nil, errors.New("its interface cannot be told: "+printable.Text(fmt.Sprint(r), 300))
		}
	}()
	names, err := configuration(fsys, dir)
	if err != nil {
		return nil, err
	}
	m = &module{Module: tfconfig.NewModule(dir), defaults: map[string]cty.Value{}, ephemeral: map[string]bool{}}
	parser := hclparse.NewParser()
	for _, name := range names {
		if err := m.add(parser, fsys, name); err != nil {
			return nil, err
		}
	}
	return m, m.check()
}

// configuration are the files that Terraform reads of a directory, overrides last.
func configuration(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no directory %q", dir)
	}
	if err != nil {
		return nil, err
	}
	var names, overrides []string
	for _, entry := range entries {
		name := entry.Name()
		base, ok := strings.CutSuffix(strings.TrimSuffix(name, ".json"), ".tf")
		switch {
		case !ok || entry.IsDir() || strings.HasPrefix(name, "."):
		case base == "override" || strings.HasSuffix(base, "_override"):
			overrides = append(overrides, path.Join(dir, name))
		default:
			names = append(names, path.Join(dir, name))
		}
	}
	if len(names)+len(overrides) == 0 {
		return nil, fmt.Errorf("there is no Terraform configuration in %q", dir)
	}
	return append(names, overrides...), nil
}

// add reads one file.
func (m *module) add(parser *hclparse.Parser, fsys fs.FS, name string) error {
	opened, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer opened.Close()
	if info, err := opened.Stat(); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%q is not a regular file", name)
	}
	src, err := io.ReadAll(io.LimitReader(opened, limit+1))
	switch what := nesting.TooDeep(src); {
	case err != nil:
		return err
	case len(src) > limit:
		return fmt.Errorf("%q is over %d MiB", name, limit>>20)
	case what != "":
		return fmt.Errorf("%q: %s", name, what)
	}
	parse := parser.ParseHCL
	if strings.HasSuffix(name, ".json") {
		parse = parser.ParseJSON
	}
	file, diags := parse(src, name)
	if diags.HasErrors() {
		return broken(diags)
	}
	if diags := tfconfig.LoadModuleFromFile(file, m.Module); diags.HasErrors() {
		return broken(diags)
	}
	return m.more(file)
}

func broken(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Subject != nil {
			return fmt.Errorf("%s:%d: %s", d.Subject.Filename, d.Subject.Start.Line, printable.Text(d.Summary+": "+d.Detail, 300))
		}
	}
	return errors.New(printable.Text(diags.Error(), 300))
}

// more reads what tfconfig does not tell.
func (m *module) more(file *hcl.File) error {
	content, _, diags := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "variable", LabelNames: []string{"name"}}, {Type: "output", LabelNames: []string{"name"}}}})
	if diags.HasErrors() {
		return broken(diags)
	}
	for _, b := range content.Blocks {
		inner, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "default"}, {Name: "ephemeral"}}})
		if a := inner.Attributes["default"]; a != nil && b.Type == "variable" {
			value, diags := a.Expr.Value(nil)
			if diags.HasErrors() {
				return broken(diags)
			}
			m.defaults[b.Labels[0]] = value
		}
		if a := inner.Attributes["ephemeral"]; a != nil && b.Type == "output" {
			value, diags := a.Expr.Value(nil)
			m.ephemeral[b.Labels[0]] = diags.HasErrors() || value.RawEquals(cty.True)
		}
	}
	return nil
}

// reserved are the arguments of a module block that are no variables.
var reserved = []string{"source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"}

// check refuses names that could not be written again.
func (m *module) check() error {
	for name := range m.Variables {
		if !hclsyntax.ValidIdentifier(name) || slices.Contains(reserved, name) {
			return fmt.Errorf("%q is no name of a variable", name)
		}
	}
	for name := range m.Outputs {
		if !hclsyntax.ValidIdentifier(name) {
			return fmt.Errorf("%q is no name of an output", name)
		}
	}
	for name, p := range m.RequiredProviders {
		for _, alias := range append([]tfconfig.ProviderRef{{Name: name}}, p.ConfigurationAliases...) {
			if !hclsyntax.ValidIdentifier(alias.Name) || alias.Alias != "" && !hclsyntax.ValidIdentifier(alias.Alias) {
				return fmt.Errorf("%q is no name of a provider", name)
			}
		}
	}
	return nil
}
