package service

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Values is the file with what holds in every environment; OverlayOf is that of one.
const Values = "service.tfvars"

const overlaySuffix = "-iac.tfvars"

// OverlayOf is the file with what an environment says otherwise.
func OverlayOf(environment string) string { return environment + overlaySuffix }

// limit is the largest file of values that is read, in bytes.
const limit = 1 << 20

// said is what the files of values say, by the name of the variable.
type said map[string]*literal

// readValues reads service.tfvars and, on top of it, that of an environment.
func readValues(fsys fs.FS, environment string) (said, error) {
	base, err := readFile(fsys, Values)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refuse(pipelines.Position{Path: Values}, "write one; it may be empty", "there is no such file")
	}
	if err != nil {
		return nil, err
	}
	over, err := readFile(fsys, OverlayOf(environment))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	whole := (&literal{kind: mapping}).overlaid(&literal{kind: mapping, members: base})
	return whole.overlaid(&literal{kind: mapping, members: over}).members, nil
}

// strays refuses files of values of environments that there are not: what is in
// them would count nowhere.
func strays(fsys fs.FS, environments []string) error {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return fmt.Errorf("reading the repository: %w", err)
	}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), overlaySuffix)
		if ok && !slices.Contains(environments, name) {
			return refuse(pipelines.Position{Path: printable.Path(entry.Name())}, hintFor(name, environments, "rename it to one of an environment of penstock.yaml, or take it away"),
				"there is no environment %q", name)
		}
	}
	return nil
}

func readFile(fsys fs.FS, name string) (said, error) {
	at := pipelines.Position{Path: name}
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if !info.Mode().IsRegular() { // a named pipe would be waited for
		return nil, refuse(at, "put a file in its place", "it is not a regular file")
	}
	file, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer file.Close()
	src, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return parse(name, src)
}

// parse reads the text of a file of values.
func parse(name string, src []byte) (said, error) {
	at := pipelines.Position{Path: name}
	if len(src) > limit {
		return nil, refuse(at, "take out what is generated", "it is over %d bytes", limit)
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff")) // some editors begin a file with it
	if !utf8.Valid(src) {
		valid := src[:invalid(src)]
		at.Line = 1 + bytes.Count(valid, []byte("\n"))
		at.Column = 1 + utf8.RuneCount(valid[bytes.LastIndexByte(valid, '\n')+1:])
		return nil, refuse(at, "save it as UTF-8", "it is not UTF-8")
	}
	if deep := nesting.TooDeep(src); deep != "" {
		return nil, refuse(at, "", "%s", deep)
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, broken(diags)
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, refuse(at, "", "it is not in HCL's own syntax")
	}
	if len(body.Blocks) > 0 {
		b := body.Blocks[0]
		return nil, refuse(place(b.TypeRange), fmt.Sprintf("write %s = { ... }", printable.Text(b.Type, 60)), "there is a block, allowed are values")
	}
	values := said{}
	for _, key := range slices.Sorted(maps.Keys(body.Attributes)) {
		attribute := body.Attributes[key]
		value, err := plain(key, attribute.Expr)
		if err != nil {
			return nil, err
		}
		value.at = place(attribute.NameRange)
		values[key] = value
	}
	return values, nil
}

// invalid is where the first byte stands that is not UTF-8.
func invalid(src []byte) int {
	for at := 0; at < len(src); {
		r, size := utf8.DecodeRune(src[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return len(src)
}

// broken is the first complaint of the parser.
func broken(diags hcl.Diagnostics) error {
	d := diags.Errs()[0]
	first, at, hint := "", pipelines.Position{}, ""
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError {
			if diag.Subject != nil {
				at = place(*diag.Subject)
			}
			first, hint = diag.Summary, diag.Detail
			break
		}
	}
	if first == "" {
		first = d.Error()
	}
	return refuse(at, printable.Text(hint, 300), "%s", printable.Text(first, 300))
}
