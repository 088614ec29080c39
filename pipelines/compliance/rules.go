package compliance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

// Source is a directory of Rego.
type Source struct {
	// Name is what positions call it.
	Name string
	FS   fs.FS
}

// Rule is one rule, compiled.
type Rule struct {
	ID, Title, Remediation string
	Severity               pipelines.Severity
	// Mode of the resources in its scope: managed or data.
	Mode string
	// Resources and Related are types with the arguments that the rule reads.
	Resources, Related resource.Wanted
	// References are arguments in which a reference is as good as a value.
	References []string
	// decides: it says itself what is unknown.
	decides bool
	query   rego.PreparedEvalQuery
}

// refused are the built-in functions whose result is not of the input alone.
var refused = []string{"http.send", "opa.runtime", "rego.parse_module", "rego.metadata.chain", "time.now_ns", "rand.intn", "uuid.rfc4122",
	"net.lookup_ip_addr", "trace", "print", "internal.print"}

// capabilities are OPA's less what a policy may not do.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return slices.Contains(refused, b.Name) })
	c.AllowNet = []string{}
	return c
}

// Load compiles the rules of all sources. An error names file and line; there
// is no part success.
func Load(ctx context.Context, sources ...Source) ([]*Rule, error) {
	modules := map[string]*ast.Module{}
	for _, source := range sources {
		if err := parse(source, modules); err != nil {
			return nil, err
		}
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithStrict(true)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, placed(compiler.Errors)
	}
	var rules []*Rule
	ids := map[string]string{}
	for _, name := range sorted(modules) {
		rule, err := read(name, modules[name])
		if err != nil {
			return nil, err
		}
		if rule == nil {
			if !imported(modules, modules[name]) {
				return nil, wrong(name, modules[name].Package.Location, "the package %s is neither a rule (no custom.id) nor imported by one", dotted(modules[name]))
			}
			continue
		}
		if other := ids[rule.ID]; other != "" {
			return nil, wrong(name, modules[name].Package.Location, "the rule id %q is that of %s too", rule.ID, other)
		}
		ids[rule.ID] = name
		if rule.query, err = rego.New(rego.Compiler(compiler), rego.Query(rule.ask(modules[name])), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx); err != nil {
			return nil, wrong(name, modules[name].Package.Location, "preparing the rule: %v", err)
		}
		rules = append(rules, rule)
	}
	if len(rules) == 0 {
		return nil, &pipelines.Error{Err: errors.New("loading policies: there is no rule"), Hint: "name a directory of rules with --policies, or leave --no-builtin out"}
	}
	return rules, nil
}

// ask is the query of a rule: what it denies, and what it cannot tell.
func (r *Rule) ask(m *ast.Module) string {
	deny := m.Package.Path.String() + ".deny"
	if !r.decides {
		return "deny := " + deny
	}
	return "deny := " + deny + "; unknown := " + m.Package.Path.String() + ".unknown"
}

func parse(source Source, modules map[string]*ast.Module) error {
	found := 0
	err := fs.WalkDir(source.FS, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(p, ".rego") || strings.HasSuffix(p, "_test.rego") {
			return err
		}
		text, err := fs.ReadFile(source.FS, p)
		if err != nil {
			return err
		}
		name := path.Join(source.Name, p)
		m, err := ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1, Capabilities: capabilities()})
		if err != nil {
			return placed(err)
		}
		if m == nil {
			return &pipelines.Error{Position: pipelines.Position{Path: name}, Err: errors.New("the file is empty")}
		}
		modules[name] = m
		found++
		return nil
	})
	var known *pipelines.Error
	if err != nil && !errors.As(err, &known) {
		return fmt.Errorf("reading the policies in %q: %w", source.Name, err)
	}
	if err == nil && found == 0 {
		return &pipelines.Error{Err: fmt.Errorf("reading the policies in %q: there is no .rego file", source.Name), Hint: "see docs/policies.md"}
	}
	return err
}

// placed turns the errors of OPA into the first one, with its place.
func placed(err error) error {
	var list ast.Errors
	if errors.As(err, &list) && len(list) > 0 {
		e := list[0]
		at := pipelines.Position{}
		if e.Location != nil {
			at = pipelines.Position{Path: e.Location.File, Line: e.Location.Row, Column: e.Location.Col}
		}
		return &pipelines.Error{Position: at, Err: fmt.Errorf("compiling policies: %s", e.Message), Hint: "see docs/policies.md for what a policy may do"}
	}
	return fmt.Errorf("compiling policies: %w", err)
}

func wrong(name string, at *ast.Location, format string, args ...any) error {
	p := pipelines.Position{Path: name}
	if at != nil {
		p.Line, p.Column = at.Row, at.Col
	}
	return &pipelines.Error{Position: p, Err: fmt.Errorf(format, args...), Hint: "see docs/policies.md"}
}

func dotted(m *ast.Module) string { return strings.TrimPrefix(m.Package.Path.String(), "data.") }

// imported says whether another module imports a package.
func imported(modules map[string]*ast.Module, lib *ast.Module) bool {
	for _, m := range modules {
		for _, i := range m.Imports {
			if m != lib && i.Path.String() == lib.Package.Path.String() {
				return true
			}
		}
	}
	return false
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
