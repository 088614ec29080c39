package terraform

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// doubtful finds the first construct, in source order or nearly so, that
// terraform fmt may rewrite although it is canonical HCL. It is deliberately
// wider than what terraform rewrites: a doubt costs a question, a construct that
// is overlooked costs a wrong verdict. Terraform
//   - takes an interpolation that is a whole value out of its quotes,
//   - writes the type of a variable in its present form (not "list", not list),
//   - writes the labels of blocks in quotes, without comments between them.
func doubtful(body *hclsyntax.Body, src []byte, outer []string) *doubt {
	var first *doubt
	note := func(at hcl.Pos, what string) {
		if first == nil || at.Line < first.line {
			first = &doubt{line: at.Line, column: at.Column, what: what}
		}
	}
	variable := len(outer) == 1 && outer[0] == "variable"
	for name, attr := range body.Attributes {
		at := attr.Expr.Range()
		switch {
		case variable && name == "type" && legacyType(attr.Expr, at.SliceBytes(src)):
			note(at.Start, "the type of a variable in an old form")
		case wholeInterpolation(attr.Expr, at.SliceBytes(src)):
			note(at.Start, "an interpolation that is a whole value")
		}
	}
	for _, block := range body.Blocks {
		if !plainHeader(block, src) {
			note(block.TypeRange.Start, "block labels that are not plain quoted strings")
		}
		if inner := doubtful(block.Body, src, append(outer[:len(outer):len(outer)], block.Type)); inner != nil {
			note(hcl.Pos{Line: inner.line, Column: inner.column}, inner.what)
		}
	}
	return first
}

func wholeInterpolation(expr hclsyntax.Expression, src []byte) bool {
	switch expr := expr.(type) {
	case *hclsyntax.TemplateWrapExpr:
		return true
	case *hclsyntax.TemplateExpr:
		return len(expr.Parts) < 2 && bytes.HasPrefix(src, []byte(`"${`))
	}
	return false
}

func legacyType(expr hclsyntax.Expression, src []byte) bool {
	switch expr.(type) {
	case *hclsyntax.TemplateExpr, *hclsyntax.TemplateWrapExpr:
		return true
	}
	switch string(src) {
	case "list", "map", "set":
		return true
	}
	return false
}

// plainHeader: the block's header is what terraform would write from its labels,
// spaces aside.
func plainHeader(block *hclsyntax.Block, src []byte) bool {
	end := block.TypeRange.End.Byte
	apart := func(start int) bool { return len(bytes.Trim(src[end:start], " \t")) == 0 }
	for i, label := range block.Labels {
		at := block.LabelRanges[i]
		quoted := `"` + label + `"`
		if !apart(at.Start.Byte) || string(at.SliceBytes(src)) != quoted || !plainLabel(label) {
			return false
		}
		end = at.End.Byte
	}
	return apart(block.OpenBraceRange.Start.Byte)
}

// plainLabel: a label that is the same with and without escapes.
func plainLabel(label string) bool {
	for _, c := range []byte(label) {
		if c < ' ' || c > '~' || c == '\\' || c == '"' || c == '$' || c == '%' {
			return false
		}
	}
	return true
}
