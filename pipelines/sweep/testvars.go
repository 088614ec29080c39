package sweep

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// variablesOfTests writes down the variables that the tests of a unit set to plain values, and
// returns the argument that names the file: what a test left is destroyed with them. Of those
// that several runs set, the last counts, which is the one that left it.
func variablesOfTests(unit, work string) ([]string, error) {
	values := map[string]json.RawMessage{}
	parser := hclparse.NewParser()
	for _, pattern := range []string{"*.tftest.hcl", "*.tofutest.hcl", "tests/*.tftest.hcl", "tests/*.tofutest.hcl"} {
		files, err := filepath.Glob(filepath.Join(unit, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if parsed, diags := parser.ParseHCLFile(file); !diags.HasErrors() {
				collect(parsed.Body, values)
			}
		}
	}
	if len(values) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(work, "tests.tfvars.json")
	return []string{"-var-file=" + file}, os.WriteFile(file, text, 0o600)
}

// collect adds the variables of a file, and then those of its runs. What is no plain value,
// such as an output of another run, is left out: terraform then says that it is missing.
func collect(body hcl.Body, values map[string]json.RawMessage) {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "variables"}, {Type: "run", LabelNames: []string{"name"}}}})
	for _, block := range content.Blocks.OfType("variables") {
		attributes, _ := block.Body.JustAttributes()
		for name, attribute := range attributes {
			value, diags := attribute.Expr.Value(nil)
			if diags.HasErrors() {
				continue
			}
			if text, err := ctyjson.Marshal(value, value.Type()); err == nil {
				values[name] = text
			}
		}
	}
	for _, block := range content.Blocks.OfType("run") {
		collect(block.Body, values)
	}
}
