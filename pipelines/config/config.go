// Package config holds penstock.yaml: its types, a strict reader and the JSON
// Schema that editors use. Everything works without the file.
package config

import "github.com/penstock-dev/penstock/pipelines"

// File is the configuration's name at the root of a repository.
const File = "penstock.yaml"

// Config is what penstock.yaml says. Its zero value is what holds without one.
type Config struct {
	// Version of the format: 1.
	Version int `json:"version" jsonschema:"required,enum=1"`
	// Units say what directories are where the convention says otherwise.
	Units []UnitRule `json:"units,omitempty"`
	// Compliance configures policies, their settings and their waivers.
	Compliance Compliance `json:"compliance,omitempty"`
	// Live configures plan, apply and drift of live infrastructure.
	Live Live `json:"live,omitempty"`
	// Service describes a service repository, and is nil elsewhere.
	Service *Service `json:"service,omitempty"`
	// Image says of the service's image what convention does not.
	Image Image `json:"image,omitempty"`
	// Terratest configures the tests of modules.
	Terratest Terratest `json:"terratest,omitempty"`
	// Release says of releases of modules what convention does not.
	Release Release `json:"release,omitempty"`
}

// UnitRule gives the directories that match Path a kind, or takes them out.
// The last rule that matches a directory counts.
type UnitRule struct {
	// Path is a slash-separated glob relative to the root; ** crosses directories.
	Path string `json:"path" jsonschema:"required,minLength=1"`
	// Kind is module, example, test, live, or ignore: not a unit at all.
	Kind string `json:"kind" jsonschema:"required,enum=module,enum=example,enum=test,enum=live,enum=ignore"`
	// Position is where the rule stands.
	Position pipelines.Position `json:"-"`
}

// Compliance configures the compliance stage.
type Compliance struct {
	// Policies are directories of Rego, relative to the root, beside the built-in rules.
	Policies []string `json:"policies,omitempty" jsonschema:"minLength=1,pattern=^[^/]"`
	// Settings are what the rules compare with.
	Settings Settings `json:"settings,omitempty"`
	// Rules switches single rules, by id.
	Rules map[string]Rule `json:"rules,omitempty"`
	// Waivers excuse findings, by name and until a date.
	Waivers []Waiver `json:"waivers,omitempty"`
}

// Settings are what the rules compare with; rules see them as input.settings.
type Settings struct {
	// AllowedPorts may be reached from the whole world. Default: none.
	AllowedPorts []int `json:"allowed_ports,omitempty" jsonschema:"minimum=1,maximum=65535"`
	// Bastion is from where SSH and RDP may come.
	Bastion Bastion `json:"bastion,omitempty"`
	// RequiredTags must be on every resource that can have tags. Default: none, the rule is off.
	RequiredTags []string `json:"required_tags,omitempty" jsonschema:"minLength=1"`
	// Disposable are tags, NAME=VALUE, of what may be deleted by mistake: with one of them
	// nothing needs deletion protection. Default: none.
	Disposable []string `json:"disposable,omitempty" jsonschema:"pattern=^[^\\x3d]+\\x3d.+$"`
	// Custom is for rules of your own; it is passed to them as it is.
	Custom map[string]any `json:"custom,omitempty"`
}

// Bastion says what the bastion host is. Without it, a security group named
// "bastion" is.
type Bastion struct {
	// SecurityGroups are ids ("sg-0123...") or names.
	SecurityGroups []string `json:"security_groups,omitempty" jsonschema:"minLength=1"`
	// CIDRs are address ranges, such as "10.1.2.0/24".
	CIDRs []string `json:"cidrs,omitempty" jsonschema:"pattern=^[0-9A-Fa-f.:]+/[0-9]+$"`
}

// Rule switches one rule.
type Rule struct {
	// Enabled: false leaves the rule out. Default true.
	Enabled *bool `json:"enabled,omitempty"`
	// Unknown: "pass" lets what cannot be decided pass. Default "unknown": it does not.
	Unknown string `json:"unknown,omitempty" jsonschema:"enum=unknown,enum=pass"`
	// Position is where the rule is named.
	Position pipelines.Position `json:"-"`
}

// Waiver excuses the findings of one rule until a date.
type Waiver struct {
	// Rule is the id of the rule.
	Rule string `json:"rule" jsonschema:"required,minLength=1"`
	// Unit is a glob of unit paths. Default: every unit.
	Unit string `json:"unit,omitempty" jsonschema:"anyof_required=unit"`
	// Resource is a glob of resource addresses in which * matches any
	// characters. Default: every resource of the unit; one of unit and resource is required.
	Resource string `json:"resource,omitempty" jsonschema:"anyof_required=resource"`
	// Owner is who answers for it.
	Owner string `json:"owner" jsonschema:"required,minLength=1"`
	// Reason is why it is excused.
	Reason string `json:"reason" jsonschema:"required,minLength=1"`
	// Expires is the last day on which it holds: YYYY-MM-DD, UTC.
	Expires string `json:"expires" jsonschema:"required,format=date"`
	// Position is where the waiver stands.
	Position pipelines.Position `json:"-"`
}
