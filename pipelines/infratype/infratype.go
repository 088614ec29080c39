package infratype

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Directories of a bundle's Terraform.
const (
	Modules = "modules"
	IAM     = "service-iam"
	IAC     = "service-iac"
)

// Load reads the contracts of all types, sorted by type; fsys is bundle/terraform.
// Everything that is wrong with them is in one error, joined: each is a
// *pipelines.Error with file, line and hint. There is no part success.
func Load(fsys fs.FS) ([]Contract, error) {
	names, err := fs.Glob(fsys, path.Join(Modules, "*", File))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("reading the contracts: there is none: " + path.Join(Modules, "*", File))
	}
	inputs, err := readRoot(fsys, IAC)
	if err != nil {
		return nil, err
	}
	var contracts []Contract
	var wrong []error
	seen := map[string]string{}
	for _, name := range names {
		c, s, err := read(fsys, name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		wrong = append(wrong, c.judge(fsys, s)...)
		if _, ok := inputs.variables[c.Type]; !ok {
			wrong = append(wrong, refuse(s.at("type"), "declare it in "+IAC+"/variables.tf, as penstock new infra-type does",
				"the type %q is no variable of %s", c.Type, IAC))
		}
		for step, value := range map[string]string{"type": c.Type, "prefix": c.Prefix} {
			if other := seen[step+value]; other != "" {
				wrong = append(wrong, refuse(s.at(step), "take another", "the %s %q is also that of %s", step, value, other))
			}
			seen[step+value] = name
		}
		contracts = append(contracts, *c)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	slices.SortFunc(contracts, func(a, b Contract) int { return strings.Compare(a.Type, b.Type) })
	return contracts, nil
}

// Check says whether the Terraform of a bundle may be bundled: Load, each module that
// makes something has a contract, and both roots use each type. Its errors are as Load's.
func Check(fsys fs.FS) error {
	contracts, err := Load(fsys)
	wrong := []error{err}
	entries, err := fs.ReadDir(fsys, Modules)
	if err != nil {
		return fmt.Errorf("reading the modules: %w", err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			wrong = append(wrong, inner(fsys, path.Join(Modules, entry.Name())))
		}
	}
	if wrong[0] == nil {
		wrong = append(wrong, wired(fsys, contracts)...)
	}
	return errors.Join(wrong...)
}
