package live

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// state is where a target keeps its state: the type of the backend and its
// arguments as text. The zero value is Terraform's default, a file beside the code.
type state struct {
	kind string
	args map[string]string
}

// identity are the arguments that tell two states of one backend apart.
var identity = map[string][]string{
	"s3": {"bucket", "key"}, "gcs": {"bucket", "prefix"}, "local": {"path"},
	"azurerm": {"storage_account_name", "container_name", "key"}, "http": {"address"},
}

// same says whether two states are one, as far as both are known.
func (s state) same(other state) bool {
	if s.kind == "" || s.kind != other.kind {
		return false
	}
	compared := false
	for _, name := range identity[s.kind] {
		a, known := s.args[name]
		b, also := other.args[name]
		if known && also {
			if a != b {
				return false
			}
			compared = true
		}
	}
	return compared
}

// String names the state for people and for capsules, without credentials.
func (s state) String() string {
	var parts []string
	for _, name := range identity[s.kind] {
		parts = append(parts, name+"="+s.args[name])
	}
	return strings.TrimSpace(s.kind + " " + strings.Join(parts, " "))
}

// record is the state as a journal has it.
func (s state) record() *ledger.Backend {
	b := &ledger.Backend{Type: s.kind, Coordinates: map[string]string{}}
	for _, name := range append([]string{"region", "endpoint"}, identity[s.kind]...) {
		if value, ok := s.args[name]; ok {
			b.Coordinates[name] = value
		}
	}
	return b
}

// stateOf is where a target keeps its state: as the unit says and, beyond that,
// as its environment does. Beside an error it is what could be read of it: whoever
// reads that state comes after a unit that is broken.
func stateOf(fsys fs.FS, t Target) (state, error) {
	declared, broken := declaredBackend(fsys, t.Unit.Path)
	s := state{kind: declared.kind, args: declared.args}
	backend := t.Environment.Backend
	if backend.Type == "" {
		if s.kind == "" || s.kind == "local" {
			s.kind, s.args = "local", map[string]string{"path": t.localState(s.args["path"])}
		}
		return s, broken
	}
	if s.kind != "" && s.kind != backend.Type {
		return s, &pipelines.Error{Position: declared.at, Err: fmt.Errorf("the unit declares the backend %q, its environment %q keeps state in %q", s.kind, t.Environment.Name, backend.Type),
			Hint: fmt.Sprintf("write backend %q {}, or change the environment's backend in penstock.yaml", backend.Type)}
	}
	s.kind = backend.Type
	if s.args == nil {
		s.args = map[string]string{}
	}
	for name, value := range backend.Config {
		if _, said := s.args[name]; !said {
			s.args[name] = t.expand(fmt.Sprint(value))
		}
	}
	return s, broken
}

// localState is the file of a state that nobody has said a place for, or what the
// unit itself says, relative to the root. Beside the code it would be taken for a
// part of the unit by the next plan.
func (t Target) localState(declared string) string {
	if declared != "" {
		return path.Join(t.Unit.Path, declared)
	}
	return path.Join(".penstock", "state", t.Environment.Name, cmp.Or(strings.TrimPrefix(t.Unit.Path, "."), "root")+".tfstate")
}

// overrides are the arguments of init that put a target's state where its environment
// says, and a backend block where the unit has none. Terraform works in a copy of
// the unit, so that a file of state is named from root.
func (t Target) overrides(fsys fs.FS, root string) (args []string, block string, err error) {
	declared, err := declaredBackend(fsys, t.Unit.Path)
	if err != nil {
		return nil, "", err
	}
	kind, given := t.Environment.Backend.Type, map[string]string{}
	for name, value := range t.Environment.Backend.Config {
		if _, said := declared.args[name]; !said {
			given[name] = t.expand(fmt.Sprint(value))
		}
	}
	if kind == "" && declared.kind == "" {
		kind = "local"
	}
	if kind == "local" || kind == "" && declared.kind == "local" {
		file := given["path"]
		if file == "" {
			file = t.localState(declared.args["path"])
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(root, filepath.FromSlash(file))
		}
		given["path"] = file
	}
	if declared.kind == "" {
		block = fmt.Sprintf("{\"terraform\": {\"backend\": {%q: {}}}}\n", kind)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		args = append(args, "-backend-config="+name+"="+given[name])
	}
	return args, block, nil
}

// declared is a backend block: its arguments as far as they are plain values.
type declared struct {
	state
	at pipelines.Position
}

// declaredBackend reads the backend block of a unit, also beside the error of a file
// that is broken.
func declaredBackend(fsys fs.FS, unit string) (declared, error) {
	found := declared{}
	var first error
	entries, err := fs.ReadDir(fsys, unit)
	if err != nil {
		return found, fmt.Errorf("reading %q: %w", unit, err)
	}
	parser := hclparse.NewParser()
	for _, entry := range entries {
		name := path.Join(unit, entry.Name())
		isJSON := strings.HasSuffix(name, ".tf.json") || strings.HasSuffix(name, ".tofu.json")
		if entry.IsDir() || !isJSON && !strings.HasSuffix(name, ".tf") && !strings.HasSuffix(name, ".tofu") {
			continue
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			first = cmp.Or(first, fmt.Errorf("reading %q: %w", name, err))
			continue
		}
		parse := parser.ParseHCL
		if isJSON {
			parse = parser.ParseJSON
		}
		file, diags := parse(src, name)
		if diags.HasErrors() {
			first = cmp.Or(first, broken(name, diags))
		}
		if file == nil || file.Body == nil {
			continue
		}
		settings, _, _ := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "terraform"}}})
		for _, block := range settings.Blocks {
			inner, _, _ := block.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "backend", LabelNames: []string{"type"}}, {Type: "cloud"}}})
			for _, b := range inner.Blocks {
				found.kind, found.args = "cloud", map[string]string{}
				if b.Type == "backend" {
					found.kind = b.Labels[0]
				}
				found.at = pipelines.Position{Path: name, Line: b.DefRange.Start.Line, Column: b.DefRange.Start.Column}
				attributes, _ := b.Body.JustAttributes() // nested blocks tell no states apart
				for key, attribute := range attributes {
					if value, diags := attribute.Expr.Value(nil); !diags.HasErrors() {
						found.args[key] = text(value)
					}
				}
			}
		}
	}
	return found, first
}

func broken(name string, diags hcl.Diagnostics) error {
	at := pipelines.Position{Path: name}
	if where := diags[0].Subject; where != nil {
		at.Line, at.Column = where.Start.Line, where.Start.Column
	}
	return &pipelines.Error{Position: at, Err: fmt.Errorf("parsing the configuration: %s", diags[0].Summary), Hint: "run penstock terraform-validate"}
}

// text is a value as text, "" for what is none.
func text(v cty.Value) string {
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() || !s.IsKnown() {
		return ""
	}
	return s.AsString()
}
