package gate

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
)

// walker visits function calls, and knows what they stand in.
type walker struct {
	stack []hclsyntax.Node
	visit func(call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node)
}

func (w *walker) Enter(node hclsyntax.Node) hcl.Diagnostics {
	if call, ok := node.(*hclsyntax.FunctionCallExpr); ok {
		w.visit(call, slices.Clone(w.stack))
	}
	switch node.(type) {
	case *hclsyntax.Block, *hclsyntax.ForExpr:
		w.stack = append(w.stack, node)
	}
	return nil
}

func (w *walker) Exit(node hclsyntax.Node) hcl.Diagnostics {
	switch node.(type) {
	case *hclsyntax.Block, *hclsyntax.ForExpr:
		w.stack = w.stack[:len(w.stack)-1]
	}
	return nil
}

// stackOf is what the arguments of a block stand in.
func stackOf(b *hcl.Block) []hclsyntax.Node {
	if body, ok := b.Body.(*hclsyntax.Body); ok {
		return []hclsyntax.Node{&hclsyntax.Block{Type: b.Type, Labels: b.Labels, Body: body}}
	}
	return nil
}

// calls visits every function call of a file, in either syntax.
func (j *judge) calls(f *file, visit func(call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node, at hcl.Range)) {
	if native := f.native(); native != nil {
		_ = hclsyntax.Walk(native, &walker{visit: func(call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node) {
			visit(call, stack, call.Range())
		}})
		return
	}
	pos := hcl.InitialPos
	err := jsonStrings(f.src, func(s string, offset int) {
		pos = forward(pos, f.src, offset)
		at := hcl.Range{Filename: f.name, Start: pos, End: pos}
		if hides(s) && bytes.Contains(f.src, []byte("dynamic")) {
			j.unreadable(at, "a dynamic block hides what "+quoted(s)+" means; write it in the native syntax, or use another iterator")
		}
		j.templateCalls(s, at, func(call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node) { visit(call, stack, at) })
	})
	if err != nil {
		j.unreadable(hcl.Range{Filename: f.name}, err.Error())
	}
}

// templateCalls visits the function calls of a template.
func (j *judge) templateCalls(s string, at hcl.Range, visit func(*hclsyntax.FunctionCallExpr, []hclsyntax.Node)) {
	if !strings.Contains(s, "${") && !strings.Contains(s, "%{") {
		return
	}
	if what := nesting.TooDeep([]byte(s)); what != "" {
		j.unreadable(at, what)
		return
	}
	parsed, diags := hclsyntax.ParseTemplate([]byte(s), at.Filename, hcl.InitialPos)
	if diags.HasErrors() {
		j.unreadable(at, diags[0].Summary)
		return
	}
	_ = hclsyntax.Walk(parsed, &walker{visit: visit})
}

// hides says whether a name would hide what paths are made of, as the iterator
// of a dynamic block: in JSON, what stands within the block is not told.
func hides(name string) bool {
	return slices.Contains([]string{"path", "local", "var", "each", "count", "terraform", "tofu"}, name)
}

// forward moves a position on to an offset: counting from the start each time
// would take hours for a large file.
func forward(pos hcl.Pos, src []byte, offset int) hcl.Pos {
	between := src[pos.Byte:offset]
	if lines := bytes.Count(between, []byte("\n")); lines > 0 {
		pos.Line += lines
		pos.Column = len(between) - bytes.LastIndexByte(between, '\n')
	} else {
		pos.Column += len(between)
	}
	pos.Byte = offset
	return pos
}

// functions visits the names of all functions that a file calls.
func (j *judge) functions(f *file, visit func(name string, at hcl.Range)) {
	j.calls(f, func(call *hclsyntax.FunctionCallExpr, _ []hclsyntax.Node, at hcl.Range) { visit(call.Name, at) })
}

// expressions judges the functions that read files.
func (j *judge) expressions(m *module, f *file) {
	j.calls(f, func(call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node, at hcl.Range) {
		j.function(m, call, stack, at)
	})
}

func (j *judge) function(m *module, call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node, at hcl.Range) {
	name := strings.TrimPrefix(call.Name, "core::")
	reads := strings.HasPrefix(name, "file") || name == "templatefile"
	switch {
	case name == "templatestring" && !matches(j.allow.setting, "function.templatestring"):
		j.find(at, "file", toAllow("settings", "function.templatestring"), "templatestring is not allowed: its template is not in the text, and may read any file")
	case !reads || len(call.Args) == 0:
	case call.ExpandFinal:
		j.find(at, "file", "write the path out", "%s reads a path that cannot be told", name)
	default:
		var pattern hcl.Expression
		if name == "fileset" && len(call.Args) > 1 {
			pattern = call.Args[1]
		}
		found := j.place(m, stack, call.Args[0], pattern, at, name)
		if name == "templatefile" {
			for _, f := range found {
				j.templatesAt(f, at)
			}
		}
	}
}

// templatesAt judges the templates that a path may lead to: a template calls functions too.
func (j *judge) templatesAt(f found, at hcl.Range) {
	if f.whole {
		j.template(f.name, at)
		return
	}
	real, err := j.resolve(f.name)
	if err != nil {
		return // there is none
	}
	err = fs.WalkDir(j.fsys, real, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == ".terraform") && name != real:
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, f.suffix):
			j.template(name, at)
		}
		return nil
	})
	if err != nil {
		j.unreadable(at, "the templates below "+quoted(f.name)+": "+plain(err).Error())
	}
}

// template judges one file as a template. What is none is left alone: terraform
// would not read it as one either.
func (j *judge) template(name string, at hcl.Range) {
	if j.templates[name] {
		return
	}
	j.templates[name] = true
	src, err := j.read(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNoText) { // these terraform refuses itself
			j.unreadable(at, "the template "+quoted(name)+": "+err.Error())
		}
		return
	}
	parsed, diags := hclsyntax.ParseTemplate(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return // terraform refuses it too
	}
	m := &module{dir: path.Dir(name), bare: true}
	_ = hclsyntax.Walk(parsed, &walker{visit: func(call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node) {
		j.function(m, call, stack, call.Range())
	}})
}
