package resource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
)

// FileLimit is the largest configuration file that is read, in bytes.
const FileLimit = 8 << 20

// source is the text of a module: its blocks, before anything is evaluated.
type source struct {
	dir       string
	variables map[string]*block
	locals    map[string]hcl.Expression
	resources map[string]*block // "aws_vpc.this", "data.aws_iam_policy_document.this"
	order     []string          // the keys of resources, as written
	calls     map[string]*block
	callOrder []string
	outputs   map[string]hcl.Expression
	providers []*block
	// names are all attribute names that any expression mentions.
	names map[string]bool
	// dialects are the files that OpenTofu reads in place of others, by what is in
	// them: with Terraform it is something else that counts.
	origins  map[string]string
	dialects []Opaque
}

// block is a block of either syntax.
type block struct {
	labels []string
	body   body
	at     pipelines.Position
}

// body holds arguments and nested blocks in the order of the text.
type body struct {
	attributes map[string]attribute
	blocks     []nested
}

type attribute struct {
	expr hcl.Expression
	at   pipelines.Position
	json bool
}

type nested struct {
	kind   string
	labels []string
	body   body
	at     pipelines.Position
}

// name is what the block is of: ingress, of a dynamic block too.
func (n nested) name() string {
	if n.kind == "dynamic" && len(n.labels) == 1 {
		return n.labels[0]
	}
	return n.kind
}

// load reads all configuration files of a directory.
func (e *evaluator) load(ctx context.Context, dir string) (*source, error) {
	if s, ok := e.sources[dir]; ok {
		return s, nil
	}
	entries, err := fs.ReadDir(e.fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", dir, plain(err))
	}
	s := &source{dir: dir, variables: map[string]*block{}, locals: map[string]hcl.Expression{}, resources: map[string]*block{},
		calls: map[string]*block{}, outputs: map[string]hcl.Expression{}, names: map[string]bool{}, origins: map[string]string{}}
	var names, overrides []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || !isConfiguration(name) {
			continue
		}
		stem := name[:strings.IndexByte(name, '.')]
		if stem == "override" || strings.HasSuffix(stem, "_override") {
			overrides = append(overrides, name)
		} else {
			names = append(names, name)
		}
	}
	read := shadowed(slices.Clone(names))
	for _, name := range names {
		if !slices.Contains(read, name) {
			s.doubt(path.Join(dir, name), strings.Replace(path.Join(dir, name), ".tf", ".tofu", 1))
		}
	}
	for _, name := range append(read, overrides...) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := e.file(s, path.Join(dir, name), slices.Contains(overrides, name)); err != nil {
			return nil, err
		}
	}
	e.sources[dir] = s
	return s, nil
}

// isConfiguration says whether Terraform or OpenTofu reads a file.
func isConfiguration(name string) bool {
	for _, suffix := range []string{".tf", ".tofu", ".tf.json", ".tofu.json"} {
		if strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".") {
			return true
		}
	}
	return false
}

func (e *evaluator) file(s *source, name string, override bool) error {
	src, err := e.read(name)
	if err != nil {
		return err
	}
	var b body
	if strings.HasSuffix(name, ".json") {
		b, err = jsonBody(name, src)
	} else {
		file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
		if err = broken(diags); err == nil {
			b = syntaxBody(file.Body.(*hclsyntax.Body), s.names)
		}
	}
	if err != nil {
		return err
	}
	for _, n := range b.blocks {
		s.compare(n)
		s.add(n, override)
	}
	return nil
}

// read reads a file within bounds.
func (e *evaluator) read(name string) ([]byte, error) {
	file, err := e.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, plain(err))
	}
	defer file.Close()
	src, err := io.ReadAll(io.LimitReader(file, FileLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %q: %w", name, plain(err))
	case len(src) > FileLimit:
		return nil, &pipelines.Error{Position: pipelines.Position{Path: name}, Err: fmt.Errorf("it is over %d MiB", FileLimit>>20)}
	case !utf8.Valid(src):
		return nil, &pipelines.Error{Position: pipelines.Position{Path: name, Line: 1, Column: 1}, Err: errors.New("it is not UTF-8 text")}
	}
	if what := nesting.TooDeep(src); what != "" {
		return nil, &pipelines.Error{Position: pipelines.Position{Path: name}, Err: errors.New(what)}
	}
	return src, nil
}

// plain leaves the path of the machine out of an error.
func plain(err error) error {
	var known *fs.PathError
	if errors.As(err, &known) {
		return known.Err
	}
	return err
}

// broken is the first error of a parse, with its place.
func broken(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		err := &pipelines.Error{Err: fmt.Errorf("%s: %s", d.Summary, d.Detail), Hint: "run terraform fmt on it to see it there too"}
		if d.Subject != nil {
			err.Position = position(*d.Subject)
		}
		return err
	}
	return nil
}

func position(r hcl.Range) pipelines.Position {
	return pipelines.Position{Path: r.Filename, Line: r.Start.Line, Column: r.Start.Column, EndLine: r.End.Line, EndColumn: r.End.Column}
}

// syntaxBody turns a parsed body into ours and collects the names in it.
func syntaxBody(b *hclsyntax.Body, names map[string]bool) body {
	out := body{attributes: map[string]attribute{}}
	for name, a := range b.Attributes {
		out.attributes[name] = attribute{expr: a.Expr, at: position(a.SrcRange)}
		_ = hclsyntax.VisitAll(a.Expr, func(node hclsyntax.Node) hcl.Diagnostics {
			mention(node, names)
			return nil
		})
	}
	for _, inner := range b.Blocks {
		out.blocks = append(out.blocks, nested{inner.Type, inner.Labels, syntaxBody(inner.Body, names), position(inner.DefRange())})
	}
	return out
}

// mention notes the attribute names in a node.
func mention(node hclsyntax.Node, names map[string]bool) {
	var steps hcl.Traversal
	switch node := node.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		steps = node.Traversal
	case *hclsyntax.RelativeTraversalExpr:
		steps = node.Traversal
	}
	for _, step := range steps {
		if attr, ok := step.(hcl.TraverseAttr); ok {
			names[attr.Name] = true
		}
	}
}

// add files a block of the top level; an override replaces arguments of what is there.
func (s *source) add(n nested, override bool) {
	b := &block{n.labels, n.body, n.at}
	put := func(to map[string]*block, order *[]string, key string) {
		if old, ok := to[key]; ok && override {
			old.override(n.body)
			return
		}
		if _, ok := to[key]; !ok && order != nil {
			*order = append(*order, key)
		}
		to[key] = b
	}
	switch {
	case n.kind == "resource" && len(n.labels) == 2:
		put(s.resources, &s.order, n.labels[0]+"."+n.labels[1])
	case n.kind == "data" && len(n.labels) == 2:
		put(s.resources, &s.order, "data."+n.labels[0]+"."+n.labels[1])
	case n.kind == "module" && len(n.labels) == 1:
		put(s.calls, &s.callOrder, n.labels[0])
	case n.kind == "variable" && len(n.labels) == 1:
		put(s.variables, nil, n.labels[0])
	case n.kind == "provider" && len(n.labels) == 1:
		s.providers = append(s.providers, b)
	case n.kind == "output" && len(n.labels) == 1:
		if value, ok := n.body.attributes["value"]; ok {
			s.outputs[n.labels[0]] = value.expr
		}
	case n.kind == "locals":
		for name, a := range n.body.attributes {
			s.locals[name] = a.expr
		}
	}
}

// override replaces arguments, and all nested blocks of a kind that it has,
// whether they are written as blocks, as dynamic ones or as an argument.
func (b *block) override(with body) {
	replaced := with.members()
	b.body.blocks = slices.DeleteFunc(b.body.blocks, func(n nested) bool { return replaced[n.name()] })
	for name := range replaced {
		delete(b.body.attributes, name)
	}
	maps.Copy(b.body.attributes, with.attributes)
	b.body.blocks = append(b.body.blocks, with.blocks...)
}
