package valuesfile

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// oddities finds the first value that is not allowed.
type oddities struct {
	name    string
	lenient bool
	err     error
}

func (v *oddities) Visit(node ast.Node) ast.Visitor {
	if v.err != nil {
		return nil
	}
	switch node.Type() {
	case ast.LiteralType: // a block is text, whatever stands in it
		return nil
	case ast.AliasType, ast.AnchorType, ast.MergeKeyType:
		if !v.lenient {
			v.err = Refuse(v.name, node, "write the value out where it is used", "anchors and aliases are not allowed")
		}
	case ast.TagType:
		if !v.lenient {
			v.err = Refuse(v.name, node, "take it out, and quote what shall be text", "tags are not allowed")
		}
	case ast.DirectiveType:
		v.err = Refuse(v.name, node, "take it out", "directives are not allowed")
	case ast.InfinityType, ast.NanType:
		v.err = Refuse(v.name, node, "write a number, or quote it", "a number without a value cannot be handed to a chart")
	case ast.StringType, ast.IntegerType, ast.FloatType:
		if why := ambiguous(node); why != "" && !v.lenient {
			v.err = Refuse(v.name, node, `quote it where it is text: "`+written(node)+`"`, "the value %s is %s", written(node), why)
		}
	}
	if v.err != nil {
		return nil
	}
	return v
}

func written(node ast.Node) string {
	return printable.Text(strings.TrimSpace(node.GetToken().Value), 60)
}

var (
	booleans    = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$`)
	octal       = regexp.MustCompile(`^[-+]?0o?[0-7_]+$`)
	sexagesimal = regexp.MustCompile(`^[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?$`)
	grouped     = regexp.MustCompile(`^[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?$`)
	date        = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?$`)
)

// ambiguous says what else a plain scalar may be taken for; "" where nothing.
func ambiguous(node ast.Node) string {
	t := node.GetToken()
	if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType || node.Type() == ast.LiteralType {
		return ""
	}
	text := strings.TrimSpace(t.Value)
	switch {
	case booleans.MatchString(text):
		return "a boolean to helm and text to others"
	case len(text) > 1 && text != "0" && octal.MatchString(text):
		return "an octal number to helm"
	case sexagesimal.MatchString(text) && strings.Contains(text, ":"):
		return "a number of base 60 to some"
	case grouped.MatchString(text):
		return "a number with separators to helm and text to others"
	case date.MatchString(text):
		return "a date to helm and text to others"
	}
	if node.Type() == ast.IntegerType {
		if n, err := strconv.ParseInt(text, 0, 64); err == nil && (n > 1<<53 || n < -(1<<53)) || errors.Is(err, strconv.ErrRange) {
			return "a number that loses digits on its way through helm"
		}
	}
	return ""
}
