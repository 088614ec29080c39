package release

import (
	"encoding/json"

	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines"
)

// Interface is what callers of a module depend on: what they give, what they get, what
// they need, and under which addresses what it made stands in their state.
type Interface struct {
	// Variables and Outputs are by name.
	Variables map[string]Variable `json:"variables"`
	Outputs   map[string]Output   `json:"outputs"`
	// Terraform is required_version, of the module and all local modules that it reaches.
	Terraform string `json:"terraform,omitempty"`
	// Providers are by source, such as "hashicorp/aws".
	Providers map[string]Provider `json:"providers"`
	// Configured are the providers that the module configures itself, as type or type.alias.
	Configured []string `json:"configured,omitempty"`
	// Resources are the addresses of what it manages, local modules included, each with
	// how it repeats: "", "count" or "for_each".
	Resources map[string]string `json:"resources"`
	// Calls are the modules that it calls, by address.
	Calls   map[string]Call `json:"calls"`
	Moved   []Move          `json:"moved,omitempty"`
	Removed []Removal       `json:"removed,omitempty"`
}

// Variable is what a caller gives.
type Variable struct {
	// Type is a type constraint, with its optional attributes and their defaults.
	Type string `json:"type"`
	// Required: it has no default.
	Required bool `json:"required"`
	// Default is its value, and left out where the variable is sensitive.
	Default    json.RawMessage `json:"default,omitempty" jsonschema:"oneof_type=null;boolean;number;string;array;object"`
	Sensitive  bool            `json:"sensitive,omitempty"`
	Nullable   bool            `json:"nullable"`
	Ephemeral  bool            `json:"ephemeral,omitempty"`
	Deprecated bool            `json:"deprecated,omitempty"`
	// Validations are conditions, each as its words with one space in between.
	Validations []Validation `json:"validations,omitempty"`

	ty cty.Type
	// exact is the default's value, of a sensitive one too: it never leaves the process.
	exact string
	at    pipelines.Position
}

// Validation is a condition that a value has to meet.
type Validation struct {
	Condition string `json:"condition"`
	Message   string `json:"message"`
}

// Output is what a caller gets.
type Output struct {
	Sensitive  bool `json:"sensitive,omitempty"`
	Ephemeral  bool `json:"ephemeral,omitempty"`
	Deprecated bool `json:"deprecated,omitempty"`

	at pipelines.Position
}

// Provider is one that the module, or a local module that it reaches, needs.
type Provider struct {
	// Version holds all constraints, "" where there is none.
	Version string `json:"version,omitempty"`
	// Aliases are the configurations that a caller has to pass.
	Aliases []string `json:"aliases,omitempty"`
}

// Call is a module that is called.
type Call struct {
	// Source is left out of a local module: what it holds is in the interface itself.
	Source  string `json:"source,omitempty"`
	Version string `json:"version,omitempty"`
	// Repeats is "", "count" or "for_each".
	Repeats string `json:"repeats,omitempty"`
}

// Move is a moved block; addresses are without instance keys.
type Move struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Removal is a removed block.
type Removal struct {
	From string `json:"from"`
	// Destroy: what stood there is destroyed, and not only forgotten.
	Destroy bool `json:"destroy"`
}

func empty() *Interface {
	return &Interface{Variables: map[string]Variable{}, Outputs: map[string]Output{}, Providers: map[string]Provider{},
		Resources: map[string]string{}, Calls: map[string]Call{}}
}
