package bundle

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/goccy/go-yaml"
	"golang.org/x/mod/semver"

	"github.com/penstock-dev/penstock/pipelines"
)

const (
	chartsDir    = "charts"
	terraformDir = "terraform"
	modulesDir   = terraformDir + "/modules"
)

// whole says whether the content has what every bundle has.
func whole(fsys fs.FS) error {
	for _, dir := range []string{terraformDir, chartsDir} {
		if info, err := fs.Stat(fsys, dir); err != nil || !info.IsDir() {
			return refuse(ErrContent, "give the directory that holds terraform/ and charts/", "there is no %q in it", dir)
		}
	}
	return nil
}

// checked asks who knows infrastructure types whether they may be bundled.
func (p Pack) checked(c *content) error {
	if p.Check == nil {
		return nil
	}
	terraform, err := fs.Sub(c.fs(), terraformDir)
	if err == nil {
		err = p.Check(terraform)
	}
	if err == nil {
		return nil
	}
	hint := hintMend
	var known *pipelines.Error
	if errors.As(err, &known) && known.Hint != "" {
		hint = known.Hint
	}
	return refuse(ErrContent, hint, "its %s cannot be bundled: %v", terraformDir, err)
}

// charts reads what charts/ holds: each directory there is a chart.
func charts(fsys fs.FS) ([]Chart, error) {
	entries, err := fs.ReadDir(fsys, chartsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the charts: %w", err)
	}
	found := []Chart{}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue // platform.yaml: values for all of them
		}
		name := path.Join(chartsDir, entry.Name(), "Chart.yaml")
		var chart struct {
			Name    string `yaml:"name"`
			Version string `yaml:"version"`
		}
		if err := readYAML(fsys, name, &chart); err != nil {
			return nil, err
		}
		if chart.Name != entry.Name() || !semver.IsValid("v"+chart.Version) {
			return nil, refuse(ErrContent, hintMend, "%s: the chart's name is %q and its version %q: the name is the directory's, the version a semantic one", name, chart.Name, chart.Version)
		}
		found = append(found, Chart{Name: chart.Name, Version: chart.Version, Path: path.Dir(name)})
	}
	slices.SortFunc(found, func(a, b Chart) int { return cmp.Compare(a.Path, b.Path) })
	return found, nil
}

// infraTypes reads the contracts of the modules.
func infraTypes(fsys fs.FS) ([]InfraType, error) {
	contracts, err := fs.Glob(fsys, modulesDir+"/*/contract.yaml")
	if err != nil {
		return nil, err
	}
	found, by := []InfraType{}, map[string]string{}
	for _, name := range contracts {
		var contract struct {
			Type   string `yaml:"type"`
			Module string `yaml:"module"`
		}
		if err := readYAML(fsys, name, &contract); err != nil {
			return nil, err
		}
		if !nameForm.MatchString(contract.Type) || contract.Module != path.Base(path.Dir(name)) {
			return nil, refuse(ErrContent, hintMend, "%s: the type is %q and the module %q: the module is the directory's name", name, contract.Type, contract.Module)
		}
		if other, twice := by[contract.Type]; twice {
			return nil, refuse(ErrContent, hintMend, "%s: the type %q is that of %s", name, contract.Type, other)
		}
		by[contract.Type] = name
		found = append(found, InfraType{Type: contract.Type, Module: contract.Module})
	}
	slices.SortFunc(found, func(a, b InfraType) int { return cmp.Compare(a.Type, b.Type) })
	return found, nil
}

func readYAML(fsys fs.FS, name string, v any) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return refuse(ErrContent, hintMend, "%s: %v", name, err)
	}
	if err := yaml.Unmarshal(text, v); err != nil {
		return refuse(ErrContent, hintMend, "%s: it is not YAML as it has to be: %v", name, yaml.FormatError(err, false, false))
	}
	return nil
}
