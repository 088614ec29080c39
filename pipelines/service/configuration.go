package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// The stacks of a service, in their order: roots of the bundle.
const (
	IAM = "service-iam"
	IaC = "service-iac"
)

// Stacks are all of them.
var Stacks = []string{IAM, IaC}

// Configuration is what a service is made of in one environment.
type Configuration struct {
	Environment config.ServiceEnvironment
	// Settings are all effective values, by name.
	Settings []Setting
	// values are those of each stack by the name of the variable, of the stack's own types.
	values map[string]map[string]cty.Value
}

// Configure works out the effective values of a service in an environment: those of
// the files of values, of penstock.yaml, and the defaults of the bundle. repository
// holds the files, terraform is the bundle's directory of that name. What is wrong
// is an *Error or a *config.Error.
func Configure(repository, terraform fs.FS, s config.Service, environment string) (*Configuration, error) {
	e, err := s.In(environment)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(s.Environments))
	for i, one := range s.Environments {
		names[i] = one.Name
	}
	if err := strays(repository, names); err != nil {
		return nil, err
	}
	values, err := readValues(repository, environment)
	if err != nil {
		return nil, err
	}
	known, err := givenBy(repository, s, e)
	if err != nil {
		return nil, err
	}
	c := &Configuration{Environment: e, values: map[string]map[string]cty.Value{}}
	roots := map[string]map[string]variable{}
	for _, stack := range Stacks {
		if roots[stack], err = declared(terraform, stack); err != nil {
			return nil, err
		}
	}
	if err := whole(values, known, roots); err != nil {
		return nil, err
	}
	found := settings{}
	for _, stack := range Stacks {
		c.values[stack] = map[string]cty.Value{}
		for _, name := range slices.Sorted(maps.Keys(roots[stack])) {
			if err := c.take(stack, roots[stack][name], values[name], known[name], found); err != nil {
				return nil, err
			}
		}
	}
	c.Settings = found.sorted()
	return c, nil
}

// whole refuses what no root declares, and what is not of the type that they want.
func whole(values said, known map[string]*literal, roots map[string]map[string]variable) error {
	var there []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		if given := known[name]; given != nil {
			return refuse(value.at, fmt.Sprintf("take it out; it is said in %s:%d", given.at.Path, given.at.Line), "%s is not set here", name)
		}
		found := false
		kind := cty.DynamicPseudoType
		for _, stack := range Stacks {
			v, ok := roots[stack][name]
			if !ok {
				continue
			}
			var err error
			if kind, err = union(kind, v.kind); err != nil {
				return refuse(v.at, "let the roots of the bundle agree", "the variable %q has two types: %v", name, err)
			}
			found = true
		}
		if !found {
			if there == nil {
				there = settable(known, roots)
			}
			return refuse(value.at, hintFor(name, there, "take it out"), "there is no %q", name)
		}
		if err := conform(name, value, kind); err != nil {
			return err
		}
	}
	return nil
}

// settable are the names that a service may set.
func settable(known map[string]*literal, roots map[string]map[string]variable) []string {
	names := map[string]bool{}
	for _, variables := range roots {
		for name := range variables {
			if known[name] == nil {
				names[name] = true
			}
		}
	}
	return slices.Collect(maps.Keys(names))
}

// take sets one variable of a stack: what the service says, what penstock.yaml does,
// or its default. All are written out, so that nothing else can set one.
func (c *Configuration) take(stack string, v variable, value, given *literal, found settings) error {
	if given != nil {
		value = given
	}
	if value == nil || value.kind == nothing {
		if v.standard == nil {
			return refuse(v.at, "set it in "+Values+" or in "+OverlayOf(c.Environment.Name), "%s needs %q, and nothing sets it", stack, v.name)
		}
		c.values[stack][v.name] = *v.standard
		found.add(stack, v, *v.standard, nil)
		return nil
	}
	converted, err := v.convert(value.cty())
	if err != nil {
		return refuse(value.at, "allowed is "+allowed(v.kind), "%s: %v", v.name, err)
	}
	c.values[stack][v.name] = converted
	found.add(stack, v, converted, value)
	return nil
}

// Tfvars are the values of a stack as Terraform reads them: the same bytes for the
// same values, whichever file said them.
func (c *Configuration) Tfvars(stack string) ([]byte, error) {
	document := map[string]json.RawMessage{}
	for name, value := range c.values[stack] {
		text, err := asJSON(value)
		if err != nil {
			return nil, fmt.Errorf("writing the values of %s: %s: %w", stack, name, err)
		}
		document[name] = text
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b) // it sorts the names
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("writing the values of %s: %w", stack, err)
	}
	return b.Bytes(), nil
}

func asJSON(v cty.Value) (json.RawMessage, error) {
	if v.IsNull() {
		return json.RawMessage("null"), nil
	}
	return ctyjson.Marshal(v, v.Type()) // a type of its own leaves none to be written
}

// givenBy are the values that penstock.yaml says, by the names of variables: whoever
// may change an account or a boundary there is decided by its review.
func givenBy(repository fs.FS, s config.Service, e config.ServiceEnvironment) (map[string]*literal, error) {
	content, err := fs.ReadFile(repository, config.File)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", config.File, err)
	}
	at, err := config.Where(config.File, content)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.Environments, func(one config.ServiceEnvironment) bool { return one.Name == e.Name })
	here := func(path ...any) pipelines.Position {
		return at(append([]any{"service", "environments", i}, path...)...)
	}
	known := map[string]*literal{}
	set := func(name, value string, at pipelines.Position) {
		l := &literal{at: at, kind: nothing} // known, and left to the default of the bundle
		if value != "" {
			l.kind, l.value = text, cty.StringVal(value)
		}
		known[name] = l
	}
	set("service", s.Name, at("service", "name"))
	set("owner", s.Owner, at("service", "owner"))
	set("namespace", s.Name, at("service", "name"))
	if s.Namespace != "" {
		set("namespace", s.Namespace, at("service", "namespace"))
	}
	set("environment", e.Name, here("name"))
	set("account", e.Account, here("account"))
	set("region", e.Region, here("region"))
	set("boundary", e.Boundary, here("boundary"))
	set("cluster", e.Cluster.Name, here("cluster", "name"))
	set("identity", e.Cluster.Identity, here("cluster", "identity"))
	set("oidc_provider", e.Cluster.OIDCProvider, here("cluster", "oidc_provider"))
	return known, nil
}
