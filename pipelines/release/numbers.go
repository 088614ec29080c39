package release

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines"
)

// A number is written out with all of its digits wherever it becomes text: a few bytes
// of source could fill the memory. No number of a configuration has such an exponent.
var (
	hugeNumber = regexp.MustCompile(`[0-9.][eE][+-]?0*[1-9][0-9]{3,}`)
	huge       = regexp.MustCompile(`^[0-9.]+[eE][+-]?0*[1-9][0-9]{3,}$`)
)

// hugeAt refuses a source that holds a number with an exponent of four digits or more.
func hugeAt(p string, text []byte) error {
	if !hugeNumber.Match(text) {
		return nil
	}
	if strings.HasSuffix(p, ".json") {
		var root any
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		if decoder.Decode(&root) == nil && hugeValue(root, false) {
			return unreadable(pipelines.Position{Path: p}, "it holds a number that is too large")
		}
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(text, p, hcl.InitialPos) // what is wrong with it the parser says
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenNumberLit && huge.Match(t.Bytes) {
			return unreadable(place(t.Range), "the number is too large")
		}
	}
	return nil
}

// hugeValue looks into JSON: strings are templates, and types are expressions.
func hugeValue(v any, isType bool) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if hugeValue(member, key == "type") {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if hugeValue(item, isType) {
				return true
			}
		}
	case json.Number:
		return huge.MatchString(strings.TrimPrefix(v.String(), "-"))
	case string:
		lex := hclsyntax.LexTemplate
		if isType {
			lex = hclsyntax.LexExpression
		}
		tokens, _ := lex([]byte(v), "", hcl.InitialPos)
		for _, t := range tokens {
			if t.Type == hclsyntax.TokenNumberLit && huge.Match(t.Bytes) {
				return true
			}
		}
	}
	return false
}

// tame says whether all numbers in a value can be written out: a text may have become one.
func tame(v cty.Value) bool {
	ok := true
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.Type() == cty.Number && v.IsKnown() && !v.IsNull() {
			if n := v.AsBigFloat(); n.IsInf() || n.MantExp(nil) > 1<<14 || n.MantExp(nil) < -1<<14 {
				ok = false
			}
		}
		return ok, nil
	})
	return ok
}
