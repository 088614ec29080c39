package tflint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// maxConfig bounds a configuration, in bytes.
const maxConfig = 1 << 20

// configuration is what tflint is told to use for a unit. Its name is empty where
// there is none.
type configuration struct {
	name    string
	content []byte
}

// find looks where tflint looks: in the unit, and then, in place of the home
// directory, in the root of the catalog.
func find(from fs.FS, unit string) (configuration, error) {
	for _, name := range []string{
		path.Join(unit, ".tflint.hcl"), path.Join(unit, ".tflint.json"), ".tflint.hcl", ".tflint.json",
	} {
		f, err := from.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return configuration{}, unreadable(name, err)
		}
		content, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
		_ = f.Close()
		if err == nil && len(content) > maxConfig {
			err = fmt.Errorf("it has more than %d bytes", maxConfig)
		}
		if err != nil {
			return configuration{}, unreadable(name, err)
		}
		return configuration{name: name, content: content}, nil
	}
	return configuration{}, nil
}

func unreadable(name string, err error) error {
	var known *fs.PathError
	if errors.As(err, &known) {
		err = known.Err
	}
	return &pipelines.Error{Position: pipelines.Position{Path: printable.Path(name)}, Err: fmt.Errorf("could not be read: %w", err)}
}

// changed: the configuration of a unit is not the one that counts.
func (c configuration) changed(counts configuration) bool {
	return c.name != counts.name || !bytes.Equal(c.content, counts.content)
}

var configSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "config"}, {Type: "plugin", LabelNames: []string{"name"}},
}}

var (
	pluginName    = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	pluginVersion = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+-]*$`)
	pluginSource  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?/[A-Za-z0-9_-]+/[A-Za-z0-9_-][A-Za-z0-9._-]*$`)
)

// check refuses a configuration that leads tflint to a plugin outside of the
// place that holds fetched ones: a plugin is a program, and the checkout is
// whatever a pull request put into it.
func (c configuration) check() error {
	if c.name == "" {
		return nil
	}
	refuse := func(at hcl.Range, hint, format string, args ...any) error {
		return &pipelines.Error{Err: fmt.Errorf(format, args...), Hint: hint,
			Position: pipelines.Position{Path: printable.Path(c.name), Line: at.Start.Line, Column: at.Start.Column}}
	}
	if bytes.Count(c.content, []byte("["))+bytes.Count(c.content, []byte("{"))+bytes.Count(c.content, []byte("(")) > 10_000 {
		return unreadable(c.name, errors.New("brackets are nested too deeply"))
	}
	file, diags := c.parse()
	if diags.HasErrors() {
		at := hcl.Range{}
		if diags[0].Subject != nil {
			at = *diags[0].Subject
		}
		return refuse(at, "", "could not be read: %s", printable.Text(diags[0].Summary+": "+diags[0].Detail, 300))
	}
	content, _, _ := file.Body.PartialContent(configSchema) // the rest is for tflint to judge
	for _, block := range content.Blocks {
		attributes, _, _ := block.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{
			{Name: "plugin_dir"}, {Name: "source"}, {Name: "version"},
		}})
		if block.Type == "config" {
			if dir, ok := attributes.Attributes["plugin_dir"]; ok {
				return refuse(dir.Range, "remove plugin_dir, and give each plugin a source and a version",
					"plugin_dir is set, but no plugin is run from a directory that the configuration names")
			}
			continue
		}
		if !pluginName.MatchString(block.Labels[0]) {
			return refuse(block.DefRange, "", "plugin %q is no name of a plugin", printable.Text(block.Labels[0], 100))
		}
		for name, pattern := range map[string]*regexp.Regexp{"source": pluginSource, "version": pluginVersion} {
			attribute, ok := attributes.Attributes[name]
			if !ok {
				continue
			}
			value, diags := attribute.Expr.Value(nil)
			if diags.HasErrors() || value.IsNull() || value.Type() != cty.String || !pattern.MatchString(value.AsString()) {
				return refuse(attribute.Range, "", "the %s of plugin %q is no %s", name, block.Labels[0], name)
			}
		}
	}
	return nil
}

func (c configuration) parse() (*hcl.File, hcl.Diagnostics) {
	if strings.HasSuffix(c.name, ".json") {
		return json.Parse(c.content, c.name)
	}
	return hclsyntax.ParseConfig(c.content, c.name, hcl.InitialPos)
}
