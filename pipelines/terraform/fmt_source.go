package terraform

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/skim"
)

// opinion is what can be said of a file without asking terraform.
type opinion struct {
	// broken says why the source is not HCL, with the position. Nothing else counts then.
	broken *pipelines.Error
	// formatted is the source in HCL's canonical form.
	formatted []byte
	// canonical: formatted is what the file holds already.
	canonical bool
	// doubt is the first construct that terraform fmt may rewrite beyond the
	// canonical form, nil where there is none.
	doubt *doubt
}

type doubt struct {
	line, column int
	what         string
}

// clean: terraform fmt would leave the file alone, and that is certain.
func (o opinion) clean() bool { return o.broken == nil && o.canonical && o.doubt == nil }

// examine is the whole of what we know about formatting, as a pure function.
func examine(path string, src []byte) opinion {
	if skim.Plain(src, nil) { // as most are: there is no need of a tree
		formatted := hclwrite.Format(src)
		return opinion{formatted: formatted, canonical: bytes.Equal(src, formatted)}
	}
	return parse(path, src)
}

// parse is examine for any source.
func parse(path string, src []byte) opinion {
	if what := nesting.TooDeep(src); what != "" {
		return opinion{broken: &pipelines.Error{Position: pipelines.Position{Path: printable.Path(path)},
			Err: fmt.Errorf("could not be read: %s", what)}}
	}
	file, diags := hclsyntax.ParseConfig(src, "", hcl.InitialPos)
	if diags.HasErrors() {
		return opinion{broken: brokenAt(path, diags)}
	}
	formatted := hclwrite.Format(src)
	o := opinion{formatted: formatted, canonical: bytes.Equal(src, formatted)}
	if body, ok := file.Body.(*hclsyntax.Body); ok {
		o.doubt = doubtful(body, src, nil)
	}
	return o
}

// brokenAt turns the error that stands first in the source into one with a
// place; the parser reports in the order in which it gives up.
func brokenAt(path string, diags hcl.Diagnostics) *pipelines.Error {
	var first *hcl.Diagnostic
	for _, d := range diags {
		if d.Severity == hcl.DiagError && (first == nil || start(d) < start(first)) {
			first = d
		}
	}
	at := pipelines.Position{Path: printable.Path(path)}
	if first.Subject != nil {
		at.Line, at.Column = first.Subject.Start.Line, first.Subject.Start.Column
	}
	return &pipelines.Error{Position: at,
		Err: fmt.Errorf("could not be read: %s", printable.Text(first.Summary+": "+first.Detail, 300))}
}

func start(d *hcl.Diagnostic) int {
	if d.Subject == nil {
		return -1
	}
	return d.Subject.Start.Byte
}

// difference is the place where two texts part: line and column count from 1,
// the column in characters.
func difference(a, b []byte) (line, column int) {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	start := bytes.LastIndexByte(a[:n], '\n') + 1
	return bytes.Count(a[:n], []byte{'\n'}) + 1, utf8.RuneCount(a[start:n]) + 1
}
