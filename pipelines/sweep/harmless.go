package sweep

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"
)

// harmless says whether the tests of a unit make nothing outside: every run only plans, or
// every provider that the unit needs is mocked in each file. What cannot be read is not.
func harmless(unit string) bool {
	var files []string
	for _, pattern := range []string{"*.tftest.hcl", "tests/*.tftest.hcl"} {
		found, err := filepath.Glob(filepath.Join(unit, pattern))
		if err != nil {
			return false
		}
		files = append(files, found...)
	}
	others, err := filepath.Glob(filepath.Join(unit, "*", "*.tftest.*"))
	if err != nil || len(files) == 0 {
		return false
	}
	for _, name := range others {
		if !slices.Contains(files, name) {
			return false // of another directory of tests, or in JSON
		}
	}
	module, _ := tfconfig.LoadModule(unit)
	for _, file := range files {
		if !harmlessFile(file, module) {
			return false
		}
	}
	return true
}

func harmlessFile(file string, module *tfconfig.Module) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	parsed, diags := hclparse.NewParser().ParseHCL(text, file)
	if diags.HasErrors() {
		return false
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		return false
	}
	var mocked []string
	applies := false
	for _, block := range body.Blocks {
		switch block.Type {
		case "mock_provider":
			if len(block.Labels) == 1 && block.Body.Attributes["alias"] == nil {
				mocked = append(mocked, block.Labels[0])
			}
		case "provider":
			return false
		case "run":
			command := block.Body.Attributes["command"]
			applies = applies || command == nil || hcl.ExprAsKeyword(command.Expr) != "plan"
			for _, inner := range block.Body.Blocks {
				if inner.Type == "module" || inner.Type == "providers" {
					return false // of another configuration
				}
			}
		}
	}
	if !applies {
		return true
	}
	if len(module.ModuleCalls) > 0 {
		return false // their providers may be others
	}
	for name := range module.RequiredProviders {
		if !slices.Contains(mocked, name) {
			return false
		}
	}
	return len(mocked) > 0
}
