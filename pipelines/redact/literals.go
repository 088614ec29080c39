package redact

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
)

// Literals are the texts that stand in the code of a unit: who can read the pull
// request can read them. The zero value has none.
type Literals struct {
	texts   map[string]bool
	names   map[string]bool // identifiers, and keys of objects
	secrets map[string]bool // values of what the code calls sensitive
}

// Has tells whether the code has the text as a literal, or as a part of a template.
func (l Literals) Has(text string) bool { return l.texts[text] }

// With returns the literals of both: of the code as it is and as it was, so that
// values before the change can be shown too. What either calls secret, is.
func (l Literals) With(other Literals) Literals {
	both := Literals{texts: map[string]bool{}, names: map[string]bool{}, secrets: map[string]bool{}}
	for _, one := range []Literals{l, other} {
		maps.Copy(both.texts, one.texts)
		maps.Copy(both.names, one.names)
		maps.Copy(both.secrets, one.secrets)
	}
	return both
}

// ReadLiterals collects the literals of HCL files: configuration (.tf, .tofu, and
// their .json forms) and values of variables (.tfvars, .tfvars.json). Left out, and
// remembered as secrets, are defaults and values of variables that are marked
// sensitive, arguments of sensitive(), outputs that are sensitive, and what has the
// name of a secret. A file that cannot be read is an error, and so is one that is
// not HCL: what it marks sensitive would not be known.
func ReadLiterals(fsys fs.FS, files []string) (Literals, error) {
	l := Literals{texts: map[string]bool{}, names: map[string]bool{}, secrets: map[string]bool{}}
	sensitive := map[string]bool{}
	var values []*hclsyntax.Body
	var documents, jsonValues []map[string]any
	for _, name := range files {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return Literals{}, fmt.Errorf("reading the literals: %w", err)
		}
		switch {
		case strings.HasSuffix(name, ".tfvars.json"), strings.HasSuffix(name, ".tf.json"), strings.HasSuffix(name, ".tofu.json"):
			var document map[string]any
			if err := json.Unmarshal(src, &document); err != nil {
				return Literals{}, fmt.Errorf("reading the literals of %q: it is not JSON", name)
			}
			if strings.HasSuffix(name, ".tfvars.json") {
				jsonValues = append(jsonValues, document)
			} else {
				documents = append(documents, document)
				sensitiveInJSON(document, sensitive)
			}
		default:
			body, err := parse(src, name)
			if err != nil {
				return Literals{}, err
			}
			if path.Ext(name) == ".tfvars" {
				values = append(values, body)
				continue
			}
			sensitiveIn(body, sensitive)
			l.body(body, false)
		}
	}
	for _, body := range values {
		for name, attribute := range body.Attributes {
			l.names[name] = true
			l.expression(attribute.Expr, sensitive[name] || holdsSecret(name))
		}
	}
	for _, document := range documents {
		l.document(document, sensitive)
	}
	for _, document := range jsonValues {
		for name, value := range document {
			l.value(value, sensitive[name] || holdsSecret(name))
		}
	}
	return l, nil
}

func parse(src []byte, name string) (*hclsyntax.Body, error) {
	if why := nesting.TooDeep(src); why != "" {
		return nil, fmt.Errorf("reading the literals of %q: %s", name, why)
	}
	file, diagnostics := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diagnostics.HasErrors() || file == nil {
		return nil, fmt.Errorf("reading the literals of %q: %w", name, errNotHCL)
	}
	return file.Body.(*hclsyntax.Body), nil
}

var errNotHCL = errors.New("it is not HCL")

// sensitiveIn remembers which variables are marked.
func sensitiveIn(body *hclsyntax.Body, sensitive map[string]bool) {
	for _, block := range body.Blocks {
		if block.Type == "variable" && len(block.Labels) == 1 && marked(block.Body) {
			sensitive[block.Labels[0]] = true
		}
	}
}

// marked tells whether a block is sensitive: unless it says so by a plain false, a
// mark counts.
func marked(body *hclsyntax.Body) bool {
	for _, name := range []string{"sensitive", "ephemeral"} {
		if attribute, set := body.Attributes[name]; set {
			if v, d := attribute.Expr.Value(nil); d.HasErrors() || !v.RawEquals(cty.False) {
				return true
			}
		}
	}
	return false
}

// body collects what a block holds.
func (l Literals) body(body *hclsyntax.Body, secret bool) {
	for name, attribute := range body.Attributes {
		l.names[name] = true
		l.expression(attribute.Expr, secret || holdsSecret(name))
	}
	l.blocks(body, secret)
}

func (l Literals) blocks(body *hclsyntax.Body, secret bool) {
	for _, block := range body.Blocks {
		l.names[block.Type] = true
		for _, label := range block.Labels {
			l.names[label] = true
		}
		if block.Type != "variable" && block.Type != "output" {
			l.body(block.Body, secret)
			continue
		}
		hidden := secret || marked(block.Body) || len(block.Labels) == 1 && holdsSecret(block.Labels[0])
		for name, attribute := range block.Body.Attributes { // not what describes it
			l.expression(attribute.Expr, hidden && (name == "default" || name == "value"))
		}
		l.blocks(block.Body, false)
	}
}

// expression collects what an expression holds, its functions' arguments too.
func (l Literals) expression(e hclsyntax.Expression, secret bool) {
	_ = hclsyntax.Walk(e, &literalWalk{literals: l, hidden: []bool{secret}})
}

// literalWalk walks an expression, with a mark for each level of it.
type literalWalk struct {
	literals Literals
	hidden   []bool
	// values are the members of objects that have the name of a secret.
	values map[hclsyntax.Expression]bool
}

func (c *literalWalk) Enter(n hclsyntax.Node) hcl.Diagnostics {
	hidden := c.hidden[len(c.hidden)-1]
	if e, ok := n.(hclsyntax.Expression); ok { // the scope of a for expression is none, and cannot be a key of a map
		hidden = hidden || c.values[e]
	}
	switch e := n.(type) {
	case *hclsyntax.FunctionCallExpr:
		hidden = hidden || e.Name == "sensitive"
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			key := keyOf(item.KeyExpr)
			if holdsSecret(key) {
				if c.values == nil {
					c.values = map[hclsyntax.Expression]bool{}
				}
				c.values[item.ValueExpr] = true
			}
			if key != "" && !hidden {
				c.literals.names[key] = true
			}
		}
	case *hclsyntax.ScopeTraversalExpr:
		for _, step := range e.Traversal {
			switch s := step.(type) {
			case hcl.TraverseRoot:
				c.literals.names[s.Name] = true
			case hcl.TraverseAttr:
				c.literals.names[s.Name] = true
			}
		}
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type() == cty.String && e.Val.IsKnown() && !e.Val.IsNull() {
			c.literals.text(e.Val.AsString(), hidden)
		}
	}
	c.hidden = append(c.hidden, hidden)
	return nil
}

func (c *literalWalk) Exit(hclsyntax.Node) hcl.Diagnostics {
	c.hidden = c.hidden[:len(c.hidden)-1]
	return nil
}

// keyOf is the key of an object's member, where it is plain.
func keyOf(e hclsyntax.Expression) string {
	if keyword := hcl.ExprAsKeyword(e); keyword != "" {
		return keyword
	}
	v, d := e.Value(nil)
	if d.HasErrors() || v.Type() != cty.String || v.IsNull() || !v.IsKnown() {
		return ""
	}
	return v.AsString()
}

func (l Literals) text(text string, secret bool) {
	switch {
	case secret:
		l.secrets[text] = true
	case text != "":
		l.texts[text] = true
		if trimmed := strings.TrimSpace(text); trimmed != text && trimmed != "" {
			l.texts[trimmed] = true
		}
	}
}
