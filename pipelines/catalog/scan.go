package catalog

import (
	"encoding/json"
	"go/scanner"
	"go/token"
	"path"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
	"github.com/penstock-dev/penstock/pipelines/internal/skim"
)

// ref is what a file refers to, as far as its text tells.
type ref struct {
	what what
	// path as written; for a tree, the literal prefix.
	path string
	// fromRoot: relative to the directory that Terraform runs in or to the
	// repository, which the file does not know, as well as to its own.
	fromRoot bool
}

type what int

const (
	aFile    what = iota // this file
	aTree                // everything under this prefix of a path
	aUnit                // this directory of configuration
	aConfig              // this Terragrunt file and what it refers to
	anywhere             // a path that the text does not tell
	above                // a file of this name in a parent directory, as find_in_parent_folders looks
	nothing              // no path
)

// facts are what one file's text says, wherever the file stands.
type facts struct {
	refs []ref
	// live: it has a backend or cloud block, so that its directory is applied as it is.
	live bool
	// broken: it could not be read, so that nobody knows whether it has one.
	broken bool
}

// configuration says whether Terraform or OpenTofu reads the file as configuration.
func configuration(name string) bool {
	for _, suffix := range []string{".tf", ".tofu", ".tf.json", ".tofu.json"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

func scannable(name string) bool {
	return configuration(name) || strings.HasSuffix(name, ".hcl") && name != ".tflint.hcl" && name != ".terraform.lock.hcl" ||
		strings.HasSuffix(name, "_test.go")
}

// scanLimit is the largest file that is parsed, in bytes.
const scanLimit = 8 << 20

// scan reads the facts of a file. What cannot be parsed may refer to anything.
func scan(name string, src []byte) facts {
	switch {
	case len(src) > scanLimit:
		return unreadable()
	case strings.HasSuffix(name, ".json"):
		return scanJSON(src)
	case strings.HasSuffix(name, ".go"):
		return facts{refs: literals(src)}
	}
	if skim.Plain(src, refers) { // no error in it, and nothing that could refer to anything
		return facts{}
	}
	return parse(name, src)
}

// parse reads the facts of HCL.
func parse(name string, src []byte) facts {
	if nesting.TooDeep(src) != "" {
		return unreadable()
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return unreadable()
	}
	s := &hclScan{}
	s.body(file.Body.(*hclsyntax.Body), nil)
	return s.facts
}

// unreadable is a file that may refer to anything, and be anything.
func unreadable() facts { return facts{refs: []ref{{what: anywhere}}, broken: true} }

type hclScan struct{ facts }

func (s *hclScan) body(body *hclsyntax.Body, blocks []string) {
	for _, attribute := range body.Attributes {
		_ = hclsyntax.VisitAll(attribute.Expr, func(node hclsyntax.Node) hcl.Diagnostics {
			if call, ok := node.(*hclsyntax.FunctionCallExpr); ok {
				s.call(call)
			}
			return nil
		})
		s.attribute(blocks, attribute)
	}
	for _, block := range body.Blocks {
		if block.Type == "backend" || block.Type == "cloud" {
			s.live = true
		}
		s.body(block.Body, append(blocks[:len(blocks):len(blocks)], block.Type))
	}
}

// attribute adds what an argument of a block names by itself.
func (s *hclScan) attribute(blocks []string, a *hclsyntax.Attribute) {
	within := strings.Join(blocks, ".") + "." + a.Name
	switch within {
	case "module.source", "terraform.source", "run.module.source", "dependency.config_path":
		s.source(a.Expr)
	case "include.path":
		if _, isCall := a.Expr.(*hclsyntax.FunctionCallExpr); !isCall { // a call was seen already
			s.add(aConfig, a.Expr)
		}
	case "dependencies.paths":
		if tuple, ok := a.Expr.(*hclsyntax.TupleConsExpr); ok {
			for _, e := range tuple.Exprs {
				s.source(e)
			}
			return
		}
		s.source(a.Expr)
	}
}

// source adds the source of a module if it is local.
func (s *hclScan) source(e hclsyntax.Expression) {
	prefix, whole := literal(e)
	if !whole {
		s.refs = append(s.refs, tree(prefix))
		return
	}
	if local(prefix) {
		s.refs = append(s.refs, ref{what: aUnit, path: strings.Replace(prefix, "//", "/", 1)})
	}
}

func local(source string) bool {
	return source == "." || source == ".." || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../")
}

// call adds what a function call reads.
func (s *hclScan) call(call *hclsyntax.FunctionCallExpr) {
	switch what := readBy(strings.TrimPrefix(call.Name, "core::")); what {
	case nothing:
	case anywhere:
		s.refs = append(s.refs, ref{what: anywhere})
	case above:
		name := "terragrunt.hcl"
		if len(call.Args) > 0 {
			var whole bool
			if name, whole = literal(call.Args[0]); !whole {
				s.refs = append(s.refs, ref{what: anywhere})
				return
			}
		}
		s.refs = append(s.refs, ref{what: above, path: name})
	default:
		if len(call.Args) > 0 {
			s.add(what, call.Args[0])
		}
	}
}

// add adds a path that an expression gives.
func (s *hclScan) add(what what, e hclsyntax.Expression) {
	prefix, whole := literal(e)
	rooted := strings.HasPrefix(prefix, fromRoot)
	prefix = strings.TrimPrefix(prefix, fromRoot)
	switch {
	case whole || what == aTree && prefix != "":
		if !whole {
			prefix = directory(prefix)
		}
		s.refs = append(s.refs, ref{what: what, path: prefix, fromRoot: rooted})
	default:
		r := tree(prefix)
		r.fromRoot = rooted
		s.refs = append(s.refs, r)
	}
}

// tree is everything under what is known of a path, or anything.
func tree(prefix string) ref {
	if prefix == "" {
		return ref{what: anywhere}
	}
	return ref{what: aTree, path: directory(prefix)}
}

// directory is the part of a prefix that names whole directories.
func directory(prefix string) string {
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		return prefix[:i+1]
	}
	return "./"
}

// fromRoot marks a path that does not start in the file's own directory.
const fromRoot = "\x00"

// literal returns the text that an expression is known to begin with, and
// whether that is all of it. path.module is ".".
func literal(e hclsyntax.Expression) (string, bool) {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type() == cty.String && e.Val.IsKnown() && !e.Val.IsNull() {
			return e.Val.AsString(), true
		}
	case *hclsyntax.TemplateExpr:
		text := ""
		for _, part := range e.Parts {
			t, whole := literal(part)
			text += t
			if !whole {
				return text, false
			}
		}
		return text, true
	case *hclsyntax.TemplateWrapExpr:
		return literal(e.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return literal(e.Expression)
	case *hclsyntax.ScopeTraversalExpr:
		switch traversal(e.Traversal) {
		case "path.module":
			return ".", true
		case "path.root", "path.cwd":
			return fromRoot + ".", true
		}
	case *hclsyntax.FunctionCallExpr:
		switch e.Name {
		case "abspath", "pathexpand", "dirname":
			return "", false
		case "get_terragrunt_dir":
			return ".", true
		}
	}
	return "", false
}

func traversal(t hcl.Traversal) string {
	var parts []string
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			parts = append(parts, step.Name)
		case hcl.TraverseAttr:
			parts = append(parts, step.Name)
		}
	}
	return strings.Join(parts, ".")
}

// scanJSON reads JSON configuration: module sources, and templates anywhere.
func scanJSON(src []byte) facts {
	var root any
	if json.Unmarshal(src, &root) != nil {
		return unreadable()
	}
	s := &hclScan{}
	s.value(root, nil)
	return s.facts
}

func (s *hclScan) value(v any, keys []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if key == "backend" || key == "cloud" {
				s.live = true
			}
			s.value(member, append(keys[:len(keys):len(keys)], key))
		}
	case []any:
		for _, item := range v {
			s.value(item, keys)
		}
	case string:
		if len(keys) == 3 && keys[0] == "module" && keys[2] == "source" && local(v) {
			s.refs = append(s.refs, ref{what: aUnit, path: strings.Replace(v, "//", "/", 1)})
		}
		if !strings.Contains(v, "{") {
			return
		}
		if nesting.TooDeep([]byte(v)) != "" {
			s.refs = append(s.refs, ref{what: anywhere})
			return
		}
		expr, diags := hclsyntax.ParseTemplate([]byte(v), "", hcl.InitialPos)
		if diags.HasErrors() {
			s.refs = append(s.refs, ref{what: anywhere})
			return
		}
		_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcl.Diagnostics {
			if call, ok := node.(*hclsyntax.FunctionCallExpr); ok {
				s.call(call)
			}
			return nil
		})
	}
}

// literals are the texts in a Go test that could be paths: which of them are is
// seen where the file stands.
func literals(src []byte) []ref {
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(src)), src, func(token.Position, string) {}, 0)
	var refs []ref
	for {
		_, tok, text := s.Scan()
		if tok == token.EOF {
			return refs
		}
		if tok != token.STRING {
			continue
		}
		text, err := strconv.Unquote(text)
		if err != nil || text == "" || len(text) > 1000 || path.IsAbs(text) {
			continue
		}
		if i := strings.IndexByte(text, '%'); i >= 0 {
			if strings.Contains(text[:i], "/") {
				refs = append(refs, ref{what: aTree, path: directory(text[:i]), fromRoot: true})
			}
			continue
		}
		refs = append(refs, ref{what: aUnit, path: text, fromRoot: true})
	}
}
