package service

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// kept are the arguments of backends that tell two states apart, and what they are
// where penstock.yaml leaves them out. {unit} is SERVICE/STACK.
var kept = map[string]struct{ argument, standard string }{
	"s3":      {"key", "{env}/{unit}/terraform.tfstate"},
	"azurerm": {"key", "{env}/{unit}/terraform.tfstate"},
	"gcs":     {"prefix", "{env}/{unit}"},
	"local":   {"path", ".penstock/state/{env}/{unit}/terraform.tfstate"},
}

// unit is what a stack is called in the workspace, in capsules, journals and leases,
// which services may share.
func unit(service, stack string) string { return path.Join(service, stack) }

// liveConfig is penstock.yaml of a workspace: who may do what is the service's,
// what may run and by which rules it is judged is the bundle's.
func liveConfig(root, service string, own, bundle *config.Config, environments ...string) (*config.Config, error) {
	c := &config.Config{Version: 1, Live: own.Live, Compliance: bundle.Compliance}
	c.Compliance.Waivers = append(slices.Clone(bundle.Compliance.Waivers), own.Compliance.Waivers...)
	c.Compliance.Policies = nil
	for _, dir := range bundle.Compliance.Policies {
		c.Compliance.Policies = append(c.Compliance.Policies, path.Join(service, dir))
	}
	c.Live.Allow = bundle.Live.Allow
	c.Live.Stateful = append(slices.Clone(bundle.Live.Stateful), own.Live.Stateful...)
	c.Live.Units = []config.LiveUnit{{Path: unit(service, IaC), After: []string{unit(service, IAM)}}}
	c.Live.Environments = nil
	for _, e := range own.Live.Environments {
		if len(environments) > 0 && !slices.Contains(environments, e.Name) {
			continue
		}
		e.Paths, e.VarFiles = nil, []string{valuesFile}
		for _, stack := range Stacks {
			e.Paths = append(e.Paths, unit(service, stack))
		}
		var err error
		if e.Backend, err = backend(root, service, e); err != nil {
			return nil, err
		}
		c.Live.Environments = append(c.Live.Environments, e)
	}
	c.Units = []config.UnitRule{{Path: service + "/**", Kind: "ignore"}}
	for _, stack := range Stacks {
		c.Units = append(c.Units, config.UnitRule{Path: unit(service, stack), Kind: string(pipelines.Live)})
	}
	return c, nil
}

// backend is where the state of each stack is kept: its key holds environment,
// service and stack, so that two never share a state.
func backend(root, service string, e config.Environment) (config.Backend, error) {
	b := config.Backend{Type: e.Backend.Type, Config: map[string]any{}}
	if b.Type == "" {
		b.Type = "local"
	}
	for key, value := range e.Backend.Config {
		b.Config[key] = value
	}
	standard, known := kept[b.Type]
	if known && b.Config[standard.argument] == nil {
		b.Config[standard.argument] = standard.standard
	}
	if file, ok := b.Config["path"].(string); ok && b.Type == "local" && !filepath.IsAbs(file) {
		// A plan holds where its state is, and a workspace is gone after each run.
		b.Config["path"] = filepath.Join(root, filepath.FromSlash(file))
	}
	for key, value := range b.Config {
		if known && key != standard.argument {
			continue
		}
		if apart(fmt.Sprint(value), service, e.Name) {
			return b, nil
		}
	}
	return b, &config.Error{Cause: &pipelines.Error{Position: e.Position,
		Err:  fmt.Errorf("the state of %q in %q has no place of its own: nothing in it names environment, service and stack", service, e.Name),
		Hint: fmt.Sprintf("write {env}/{unit} into %s of the backend, or leave it out", cmp.Or(standard.argument, "the argument"))}}
}

// apart says whether a place holds environment, service and stack. {unit} is
// the service and the stack, an environment or a service may be written out.
func apart(place, service, environment string) bool {
	parts := strings.Split(strings.NewReplacer("{env}", environment, "{unit}", service+"/\x00").Replace(place), "/")
	return slices.Contains(parts, environment) && slices.Contains(parts, service) && slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, "\x00") })
}

// valuesFile is the generated file of values in each stack.
const valuesFile = "service.tfvars.json"

// bundleConfig is penstock.yaml in the bundle's terraform directory: what its roots may start and
// fetch, and the rules by which their plans are judged.
func bundleConfig(terraform fs.FS) (*config.Config, error) {
	c, err := config.Load(terraform)
	if err != nil {
		return nil, fmt.Errorf("reading the bundle: %w", err)
	}
	if c.Service != nil || len(c.Live.Environments) > 0 || len(c.Live.Signers) > 0 || len(c.Live.Approvers) > 0 || len(c.Live.Recipients) > 0 {
		return nil, refuse(inBundle(pipelines.Position{Path: config.File}), "leave live.allow, live.stateful and compliance in it", "it says what is the service's to say")
	}
	return c, nil
}
