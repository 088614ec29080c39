package values

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/infratype"
	"github.com/penstock-dev/penstock/pipelines/service"
)

// wanted is one parameter that a stack writes, and what is made of it.
type wanted struct {
	// parameter is its name in SSM.
	parameter string
	// stack writes it.
	stack string
	// at is where the resource is declared, as far as that is known.
	at pipelines.Position
	// variable is what the container gets; "" for the role.
	variable string
	// secret: the value is the ARN of a secret, with properties.
	secret     bool
	properties map[string]string // by variable
}

// roleOf is the parameter with the ARN of a service's role.
func roleOf(environment, name string) string {
	return path.Join("/", environment, name, "iam/role/arn")
}

// ssmName is what a part of a parameter's name may be.
var ssmName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// resources are the wanted parameters of everything that the values of service-iac
// declare, sorted by parameter.
func resources(c *service.Configuration, s config.Service, contracts []infratype.Contract) ([]wanted, error) {
	text, err := c.Tfvars(service.IaC)
	if err != nil {
		return nil, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("reading the values of %s: %w", service.IaC, err)
	}
	var all []wanted
	for _, contract := range contracts {
		raw, ok := values[contract.Type]
		if !ok {
			return nil, &pipelines.Error{Position: contract.Position, Err: fmt.Errorf("the type %q is no variable of %s", contract.Type, service.IaC),
				Hint: "the bundle does not fit together: ask the platform team"}
		}
		var named map[string]json.RawMessage
		if err := json.Unmarshal(raw, &named); err != nil {
			return nil, fmt.Errorf("reading %s: it is no mapping by name", contract.Type)
		}
		for _, name := range slices.Sorted(maps.Keys(named)) {
			at := declaredAt(c.Settings, contract.Type, name)
			if !ssmName.MatchString(name) || name == "." || name == ".." {
				return nil, &pipelines.Error{Position: at, Err: fmt.Errorf("the name %q of %s cannot be a part of a parameter's", name, contract.Type),
					Hint: "use letters, digits, - and _"}
			}
			for _, p := range contract.Parameters {
				all = append(all, want(path.Join("/", c.Environment.Name, s.Name, contract.Type, name), at, contract.Prefix, name, p))
			}
		}
	}
	slices.SortFunc(all, func(a, b wanted) int { return strings.Compare(a.parameter, b.parameter) })
	return all, nil
}

func want(beneath string, at pipelines.Position, prefix, name string, p infratype.Parameter) wanted {
	w := wanted{parameter: path.Join(beneath, p.Name), stack: service.IaC, at: at, variable: upper(prefix, name, p.Name), secret: p.Secret}
	if p.Secret && len(p.Properties) > 0 {
		w.properties = map[string]string{}
		for _, property := range p.Properties {
			w.properties[upper(prefix, name, property)] = property
		}
	}
	return w
}

var unfit = regexp.MustCompile(`[^A-Z0-9]+`)

// upper is the name of an environment variable: PREFIX_NAME_PARAM.
func upper(parts ...string) string {
	return unfit.ReplaceAllString(strings.ToUpper(strings.Join(parts, "_")), "_")
}

// declaredAt is the first line of the service's own files that says something of a resource.
func declaredAt(settings []service.Setting, kind, name string) pipelines.Position {
	var first pipelines.Position
	for _, s := range settings {
		inner := strings.HasPrefix(s.Name, kind+"."+name+".") || strings.HasPrefix(s.Name, fmt.Sprintf("%s[%q].", kind, name))
		if !inner || strings.HasPrefix(s.Source.Path, "bundle:") {
			continue
		}
		// service.tfvars comes before an overlay's, as it is read
		if first.Path == "" || s.Source.Path == first.Path && s.Source.Line < first.Line || s.Source.Path == service.Values && first.Path != service.Values {
			first = s.Source
		}
	}
	return first
}

// twice refuses two sources of one environment variable: which one counts would be chance.
func twice(entries []Entry) error {
	seen := map[string]Entry{}
	var wrong []error
	for _, e := range entries {
		if before, there := seen[e.variable]; there && e.variable != "" {
			wrong = append(wrong, &pipelines.Error{Position: e.at, Err: fmt.Errorf("the environment variable %s is made of %s and of %s", e.variable, before.Source, e.Source),
				Hint: "rename one of them"})
		}
		seen[e.variable] = e
	}
	return errors.Join(wrong...)
}
