package infratype

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	reflected "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	schemaFile = "../../schemas/infra-type.schema.json"
	docsFile   = "../../docs/infra-types.md"
	begin, end = "<!-- of the contracts -->\n", "<!-- end -->"
)

func TestSchemaIsThatOfTheTypes(t *testing.T) {
	reflector := &reflected.Reflector{ExpandedStruct: true}
	if err := reflector.AddGoComments("github.com/penstock-dev/penstock/pipelines/infratype", ".", reflected.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	schema := reflector.Reflect(&Contract{})
	schema.ID = "https://github.com/penstock-dev/penstock/schemas/infra-type.schema.json"
	schema.Title = File
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if n := strings.Count(string(text), `"description"`); n < 15 {
		t.Errorf("only %d descriptions: the comments of the types were not found", n)
	}
	golden(t, schemaFile, text)
}

// Editors take every contract that there is, and complain of a wrong one.
func TestContractsHoldTheSchema(t *testing.T) {
	content, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("contract.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text []byte) error {
		encoded, err := yaml.YAMLToJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
		if err != nil {
			t.Fatal(err)
		}
		return compiled.Validate(value)
	}
	files := copied(t)
	for _, c := range contracts(t) {
		text := files[Modules+"/"+c.Module+"/"+File].Data
		if err := validate(text); err != nil {
			t.Errorf("%s: %v", c.Type, err)
		}
		for old, wrong := range map[string]string{"prefix:": "prefx:", "parameters:": "parameters: []\nx:", "schema: ": "schema: x"} {
			if validate([]byte(strings.Replace(string(text), old, wrong, 1))) == nil {
				t.Errorf("%s: the schema takes %q", c.Type, wrong)
			}
		}
	}
	if validate([]byte(strings.Replace(string(files[queue].Data), "sqs:SendMessage", "sqs:Send*", 1))) == nil {
		t.Error("the schema takes a wildcard")
	}
}

// tables are what docs/infra-types.md says of the contracts.
func tables(list []Contract) string {
	var b strings.Builder
	b.WriteString("| type | module | what | container gets | rules |\n|---|---|---|---|---|\n")
	for _, c := range list {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | `%s_NAME_...` | `%s` |\n", c.Type, c.Module, c.Summary, c.Prefix, strings.Join(c.Policies, "` `"))
	}
	b.WriteString("\n| type | word | allows | on |\n|---|---|---|---|\n")
	for _, c := range list {
		if len(c.Access) == 0 {
			fmt.Fprintf(&b, "| `%s` | none | | |\n", c.Type)
		}
		for _, word := range slices.Sorted(maps.Keys(c.Access)) {
			for _, s := range c.Access[word] {
				on := "`" + strings.Join(s.Resources, "` `") + "`"
				if s.Through == ResourcePolicy {
					on = "the resource itself, by its own policy"
				}
				fmt.Fprintf(&b, "| `%s` | `%s` | `%s` | %s |\n", c.Type, word, strings.Join(s.Actions, "` `"), on)
			}
		}
	}
	b.WriteString("\n| parameter beneath `/ENVIRONMENT/SERVICE/` | what | secret |\n|---|---|---|\n")
	for _, c := range list {
		for _, p := range c.Parameters {
			secret := ""
			if p.Secret {
				secret = "reference to `" + strings.Join(p.Properties, "`, `") + "`"
			}
			fmt.Fprintf(&b, "| `%s/NAME/%s` | %s | %s |\n", c.Type, p.Name, p.Description, secret)
		}
	}
	return b.String()
}

func TestDocumentedTypesAreTheContracts(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the tables", docsFile)
	}
	golden(t, docsFile, []byte(before+begin+"\n"+tables(contracts(t))+"\n"+end+after))
}
