package gate

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// piece is a part of a path: text, the directory that path.module and its like
// stand for, or an expression whose text is not known.
type piece struct {
	text  string
	start *string
	expr  hcl.Expression
	in    scope
}

// scope is where an expression stands.
type scope struct {
	m     *module
	stack []hclsyntax.Node
}

// effort bounds how much of one expression is followed, total that of all, and
// branches how many texts one can be. Beyond that nothing is known, so it is refused.
const (
	effort   = 5000
	total    = 2_000_000
	branches = 64
	deepest  = 40
)

// place judges a path that configuration reads; pattern is the second argument
// of fileset. It returns what is known of the files.
func (j *judge) place(m *module, stack []hclsyntax.Node, e, pattern hcl.Expression, at hcl.Range, what string) []found {
	j.budget = min(effort, j.left)
	defer func(before int) { j.left -= before - max(0, j.budget) }(j.budget)
	in := scope{m, stack}
	spelled := j.spell(e, in, 0)
	if pattern != nil {
		spelled = cross(cross(spelled, [][]piece{{{text: "/"}}}), j.spell(pattern, in, 0))
	}
	var all []found
	for _, pieces := range spelled {
		f, why := j.located(pieces)
		if why == "" && pattern != nil {
			why = badPattern(f)
		}
		if why != "" {
			j.find(at, "file", `begin the path with "${path.module}/" and write it out, or use names that are written out in the configuration`,
				"%s reads %s: it could be a credential of the run", what, why)
			return nil
		}
		all = append(all, f)
	}
	return all
}

// found is what a path is known to be: dir/rest..., all of it where whole.
type found struct {
	name   string // the path, or the directory that it lies in
	whole  bool
	suffix string // how it ends where it is not whole
	rest   string // what is known beyond the directory
}

// located says what a path leads to, or why it may not be read.
func (j *judge) located(pieces []piece) (found, string) {
	base, known, i := j.root, "", 0
	pieces = slices.DeleteFunc(slices.Clone(pieces), func(p piece) bool { return p.text == "" && p.start == nil && p.expr == nil }) // empty texts
	if len(pieces) > 0 && pieces[0].start != nil {
		base, i = *pieces[0].start, 1
		if i < len(pieces) && (pieces[i].expr != nil || !strings.HasPrefix(pieces[i].text, "/")) {
			return found{}, "a path that goes on after path.module without a slash"
		}
	}
	first := i
	for ; i < len(pieces) && pieces[i].expr == nil && pieces[i].start == nil; i++ {
		known += pieces[i].text
	}
	if first == 0 && (strings.HasPrefix(known, "/") || strings.HasPrefix(known, "~") || strings.Contains(known, `\`)) {
		return found{}, "an absolute path"
	}
	if why := secret(known, i == len(pieces)); why != "" {
		return found{}, why
	}
	full := path.Join(base, known)
	if !fs.ValidPath(full) {
		return found{}, "what is outside of the repository"
	}
	if i == len(pieces) {
		if _, err := j.resolve(full); errors.Is(err, errEscapes) {
			return found{}, "a symbolic link that leads out of the repository"
		}
		return found{name: full, whole: true}, ""
	}
	f := found{name: path.Join(base, known[:strings.LastIndexByte(known, '/')+1]), rest: known[strings.LastIndexByte(known, '/')+1:]}
	if !fs.ValidPath(f.name) {
		return found{}, "what is outside of the repository"
	}
	start := first == 0 && known == "" // whatever comes next may be what the path begins with
	for ; i < len(pieces); i++ {
		switch p := pieces[i]; {
		case p.start != nil:
			return found{}, "a path that cannot be told"
		case p.expr != nil:
			if !j.tame(p.expr, p.in, start, 0) {
				return found{}, "a path of which the text does not tell that it stays in the repository"
			}
			f.suffix = ""
		default:
			if !tameText(p.text, start) {
				return found{}, "a path that may lead out of the repository"
			}
			f.suffix += p.text
		}
	}
	if j.linksOut(f.name) {
		return found{}, "below a directory with a symbolic link that leads out of the repository"
	}
	return f, ""
}

// secret says what of a written path is never read: what git and terraform keep
// for themselves holds tokens.
func secret(known string, whole bool) string {
	parts := strings.Split(known, "/")
	for i, part := range parts {
		lower := strings.ToLower(part)
		if lower == ".git" || lower == ".terraform" || !whole && i == len(parts)-1 && hidden(part) {
			return "what git or terraform keep for themselves"
		}
	}
	return ""
}

// badPattern refuses patterns of fileset that could list what secret refuses, or
// more than the repository.
func badPattern(f found) string {
	if !f.whole {
		return "files by a pattern that is not written out"
	}
	i := strings.IndexAny(f.name, "*?[{")
	if i < 0 {
		return ""
	}
	cut := strings.LastIndexByte(f.name[:i], '/') + 1
	switch dir, rest := f.name[:cut], f.name[cut:]; {
	case strings.Contains(rest, "..") || strings.Contains(rest, `\`):
		return "files by a pattern that may lead out of the repository"
	case dir == "" && (strings.ContainsAny(rest, "/{") || strings.Contains(rest, "**")):
		return "the whole repository, in which git keeps a token"
	}
	return ""
}

// spell says what texts an expression can be, each as its pieces.
func (j *judge) spell(e hcl.Expression, in scope, depth int) [][]piece {
	unknown := [][]piece{{{expr: e, in: in}}}
	if j.budget--; j.budget < 0 || depth > deepest {
		return unknown
	}
	known := func(s string) [][]piece { return [][]piece{{{text: s}}} }
	start := func(dir string) [][]piece { return [][]piece{{{start: &dir}}} }
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		if v, err := convert.Convert(e.Val, cty.String); err == nil && v.IsKnown() && !v.IsNull() {
			return known(v.AsString())
		}
	case *hclsyntax.TemplateExpr:
		return j.joined(e.Parts, in, depth)
	case *hclsyntax.TemplateWrapExpr:
		return j.spell(e.Wrapped, in, depth+1)
	case *hclsyntax.ParenthesesExpr:
		return j.spell(e.Expression, in, depth+1)
	case *hclsyntax.ConditionalExpr:
		return bounded(append(j.spell(e.TrueResult, in, depth+1), j.spell(e.FalseResult, in, depth+1)...), unknown)
	case *hclsyntax.FunctionCallExpr:
		if (e.Name == "abspath" || e.Name == "pathexpand") && len(e.Args) == 1 && !e.ExpandFinal {
			return j.spell(e.Args[0], in, depth+1)
		}
		if parts := partsOf(e); parts != nil {
			return j.joined(parts, in, depth)
		}
	case *hclsyntax.ScopeTraversalExpr:
		if _, _, hidden := in.bound(e.Traversal.RootName()); hidden || in.m.bare {
			return unknown
		}
		switch names := dotted(e.Traversal); {
		case names == "path.module":
			return start(in.m.dir)
		case names == "path.root" || names == "path.cwd":
			return start(j.root)
		case len(e.Traversal) == 2:
			if values, ok := j.named(e.Traversal, in.m); ok && len(values) > 0 {
				var all [][]piece
				for _, v := range values {
					all = append(all, j.spell(v.expr, v.in, depth+1)...)
				}
				return bounded(all, unknown)
			}
		}
	case hclsyntax.Node:
	default:
		if !j.affords(e) {
			return unknown
		}
		if inner, ok := template(e); ok {
			return j.spell(inner, in, depth+1)
		}
	}
	return unknown
}

// joined is the text of parts, one after the other.
func (j *judge) joined(parts []hclsyntax.Expression, in scope, depth int) [][]piece {
	all := [][]piece{{}}
	for _, part := range parts {
		if all = cross(all, j.spell(part, in, depth+1)); len(all) > branches {
			return [][]piece{{{}, {expr: nowhere, in: in}}}
		}
	}
	return all
}

// partsOf are the parts that join or format put together, where both the text
// between them and their number are written out.
func partsOf(call *hclsyntax.FunctionCallExpr) (parts []hclsyntax.Expression) {
	if len(call.Args) < 2 || call.ExpandFinal {
		return nil
	}
	pattern, ok := text(call.Args[0])
	if !ok {
		return nil
	}
	list := call.Args[1:]
	var between []string
	switch call.Name {
	case "format":
		if between = strings.Split(pattern, "%s"); len(between) != len(list)+1 || strings.Contains(strings.Join(between, ""), "%") {
			return nil
		}
	case "join":
		tuple, ok := call.Args[1].(*hclsyntax.TupleConsExpr)
		if !ok || len(call.Args) != 2 {
			return nil
		}
		list, between = tuple.Exprs, []string{""}
		for range len(list) - 1 {
			between = append(between, pattern)
		}
		between = append(between, "")
	default:
		return nil
	}
	for i, text := range between {
		if parts = append(parts, literal(text)); i < len(list) {
			parts = append(parts, list[i])
		}
	}
	return parts
}

func literal(s string) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: cty.StringVal(s)}
}

// nowhere is an expression of which nothing is known.
var nowhere hcl.Expression = &hclsyntax.ScopeTraversalExpr{Traversal: hcl.Traversal{hcl.TraverseRoot{Name: "nowhere"}}}

func bounded(all, otherwise [][]piece) [][]piece {
	if len(all) > branches {
		return otherwise
	}
	return all
}

func cross(heads, tails [][]piece) [][]piece {
	var all [][]piece
	for _, head := range heads {
		for _, tail := range tails {
			if len(all) > branches {
				return all
			}
			all = append(all, append(head[:len(head):len(head)], tail...))
		}
	}
	return all
}

// affords says whether a value of JSON is still followed, by its size: it is
// evaluated as a whole.
func (j *judge) affords(e hcl.Expression) bool {
	j.budget -= (e.Range().End.Byte - e.Range().Start.Byte) / 16
	return j.budget >= 0
}

// template is a string of JSON as the template that it is.
func template(e hcl.Expression) (hclsyntax.Expression, bool) {
	s, ok := text(e)
	if !ok {
		return nil, false
	}
	parsed, diags := hclsyntax.ParseTemplate([]byte(s), "", hcl.InitialPos)
	return parsed, !diags.HasErrors()
}

func dotted(t hcl.Traversal) string {
	var names []string
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, step.Name)
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		default:
			names = append(names, "*")
		}
	}
	return strings.Join(names, ".")
}

// linksOut says whether a link below a directory leads out of the repository.
func (j *judge) linksOut(dir string) (out bool) {
	if known, ok := j.links[dir]; ok {
		return known
	}
	defer func() { j.links[dir] = out }()
	real, err := j.resolve(dir)
	if err != nil {
		return errors.Is(err, errEscapes)
	}
	_ = fs.WalkDir(j.fsys, real, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type()&fs.ModeSymlink != 0 {
			if _, err := j.resolve(name); errors.Is(err, errEscapes) {
				out = true
				return fs.SkipAll
			}
		}
		return nil
	})
	return out
}
