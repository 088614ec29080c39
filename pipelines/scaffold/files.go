package scaffold

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// call is how the unit calls its module.
type call struct {
	name, source string
	places       places
}

// callName is the last part of a path as a name in the configuration.
func callName(unit string) string {
	name := strings.ReplaceAll(path.Base(unit), ".", "_")
	if !hclsyntax.ValidIdentifier(name) {
		name = "unit_" + name
	}
	return name
}

// files are the unit's, by name, as terraform fmt writes them.
func (m *module) files(c call) map[string][]byte {
	files := map[string]string{"main.tf": m.main(c), "versions.tf": m.versions(c), "variables.tf": m.variables(), "outputs.tf": m.outputs(c)}
	for _, name := range c.places.values {
		files[name] = m.values()
	}
	formatted := map[string][]byte{}
	for name, text := range files {
		if text = strings.TrimSpace(text); text != "" {
			formatted[name] = hclwrite.Format([]byte(text + "\n"))
		}
	}
	return formatted
}

// main is the call, and the providers that it wants by another name.
func (m *module) main(c call) string {
	var b strings.Builder
	aliases := m.aliases()
	for _, a := range aliases {
		fmt.Fprintf(&b, "provider %q {\nalias = %q\n}\n\n", a.Name, a.Alias)
	}
	fmt.Fprintf(&b, "module %q {\nsource = %s\n", c.name, quoted(c.source))
	if len(aliases) > 0 {
		b.WriteString("\nproviders = {\n")
		for _, a := range aliases {
			fmt.Fprintf(&b, "%s.%s = %s.%s\n", a.Name, a.Alias, a.Name, a.Alias)
		}
		b.WriteString("}\n")
	}
	for _, v := range m.sorted(true) {
		fmt.Fprintf(&b, "\n# required: %s\n%s = var.%s\n", about(v), v.Name, v.Name)
	}
	for _, v := range m.sorted(false) {
		fmt.Fprintf(&b, "\n# optional: %s\n%s", about(v), commented(v.Name+" = "+m.standard(v)))
	}
	b.WriteString("}\n")
	return b.String()
}

// sorted are the variables with or without a default, by name.
func (m *module) sorted(required bool) (list []*tfconfig.Variable) {
	for _, name := range slices.Sorted(maps.Keys(m.Variables)) {
		if v := m.Variables[name]; v.Required == required {
			list = append(list, v)
		}
	}
	return list
}

// aliases are the configurations of providers that the module wants to be passed.
func (m *module) aliases() (list []tfconfig.ProviderRef) {
	for _, name := range slices.Sorted(maps.Keys(m.RequiredProviders)) {
		for _, a := range m.RequiredProviders[name].ConfigurationAliases {
			if a.Alias != "" {
				list = append(list, a)
			}
		}
	}
	return list
}

// about is a variable in one line of a comment, whatever its author wrote.
func about(v *tfconfig.Variable) string {
	text := strings.Join(strings.Fields(typeOf(v)), " ")
	if v.Sensitive {
		text += ", sensitive"
	}
	if d := strings.Join(strings.Fields(v.Description), " "); d != "" {
		text += ", " + d
	}
	return printable.Text(text, 400)
}

// typeOf is the type as it was written where it is one, else any.
func typeOf(v *tfconfig.Variable) string {
	expr, diags := hclsyntax.ParseExpression([]byte(v.Type), "", hcl.InitialPos)
	if diags.HasErrors() {
		return "any"
	}
	if _, _, diags := typeexpr.TypeConstraintWithDefaults(expr); diags.HasErrors() {
		return "any"
	}
	return v.Type
}

// standard is the default as configuration.
func (m *module) standard(v *tfconfig.Variable) string {
	value, known := m.defaults[v.Name]
	if !known {
		return "null"
	}
	return string(hclwrite.TokensForValue(value).Bytes())
}

func quoted(s string) string { return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes()) }

// commented is text of configuration as a comment, formatted as it will be once
// somebody takes the signs away.
func commented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(string(hclwrite.Format([]byte(text)))) {
		b.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}

// versions says what the module needs, and where state is kept.
func (m *module) versions(c call) string {
	var b strings.Builder
	fmt.Fprintf(&b, "terraform {\nbackend %q {} # where state is kept stands in penstock.yaml\n", c.places.backend)
	if len(m.RequiredCore) > 0 {
		fmt.Fprintf(&b, "\nrequired_version = %s\n", quoted(strings.Join(m.RequiredCore, ", ")))
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m.RequiredProviders)) {
		p := m.RequiredProviders[name]
		source := p.Source
		if source == "" {
			source = "hashicorp/" + name
		}
		entry := fmt.Sprintf("%s = {\nsource = %s\n", name, quoted(source))
		if len(p.VersionConstraints) > 0 {
			entry += fmt.Sprintf("version = %s\n", quoted(strings.Join(p.VersionConstraints, ", ")))
		}
		list = append(list, entry+"}\n")
	}
	if len(list) > 0 {
		b.WriteString("\nrequired_providers {\n" + strings.Join(list, "\n") + "}\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// variables are those that the module has no default for: the unit has none either.
func (m *module) variables() string {
	var b strings.Builder
	for _, v := range m.sorted(true) {
		fmt.Fprintf(&b, "variable %q {\n", v.Name)
		if v.Description != "" {
			fmt.Fprintf(&b, "description = %s\n", quoted(v.Description))
		}
		fmt.Fprintf(&b, "type = %s\n", typeOf(v))
		if v.Sensitive {
			b.WriteString("sensitive = true\n")
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

// outputs are the module's, passed on. A root module has no ephemeral ones.
func (m *module) outputs(c call) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.Outputs)) {
		if m.ephemeral[name] {
			continue
		}
		o := m.Outputs[name]
		fmt.Fprintf(&b, "output %q {\n", name)
		if o.Description != "" {
			fmt.Fprintf(&b, "description = %s\n", quoted(o.Description))
		}
		fmt.Fprintf(&b, "value = module.%s.%s\n", c.name, name)
		if o.Sensitive {
			b.WriteString("sensitive = true\n")
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

// values has a line to fill in for each variable without a default. They stay
// comments: a plan without them says which are missing.
func (m *module) values() string {
	var b strings.Builder
	for _, v := range m.sorted(true) {
		if v.Sensitive {
			fmt.Fprintf(&b, "# required: %s\n# Give it as TF_VAR_%s, in no file.\n\n", about(v), v.Name)
			continue
		}
		fmt.Fprintf(&b, "# required: %s\n# %s =\n\n", about(v), v.Name)
	}
	if b.Len() == 0 { // the file is what puts the unit into an environment
		b.WriteString("# The module requires nothing. Its optional variables stand in main.tf.\n")
	}
	return b.String()
}
