package config

import "github.com/penstock-dev/penstock/pipelines"

// Live configures the stages on live infrastructure. All of it counts as it stands
// on the base: a change never chooses who may read, sign or approve it.
type Live struct {
	// Environments, in the order in which a change goes through them. Default: one
	// named "default", of every live unit and without gates.
	Environments []Environment `json:"environments,omitempty"`
	// Units say what single units come after.
	Units []LiveUnit `json:"units,omitempty"`
	// Allow is what a plan may start and fetch.
	Allow Allow `json:"allow,omitempty"`
	// Store keeps capsules, journals and leases: a directory, s3://BUCKET/PREFIX or,
	// for capsules alone, oci://REGISTRY/REPOSITORY. Default: .penstock beneath the root.
	Store string `json:"store,omitempty"`
	// Recipients can open capsules: age1... or SSH public keys.
	Recipients []string `json:"recipients,omitempty" jsonschema:"minLength=1"`
	// Signers may sign capsules: their public keys by name.
	Signers map[string]string `json:"signers,omitempty"`
	// Approvers may approve what needs a person: their public keys by name, as the forge names them.
	Approvers map[string]string `json:"approvers,omitempty"`
	// Authors are the e-mail addresses in people's commits, by the names that approvers
	// have: who wrote or committed a part of a change does not approve it.
	Authors map[string][]string `json:"authors,omitempty"`
	// AuthorsKnown: what needs a person is applied only where every author and committer
	// of the change is one of Authors.
	AuthorsKnown bool `json:"authors_known,omitempty"`
	// Expires is how long a capsule may be applied, such as "24h". Default 72h.
	Expires string `json:"expires,omitempty" jsonschema:"pattern=^[0-9]+[hm]$"`
	// Stateful are more types of resources that hold data.
	Stateful []string `json:"stateful,omitempty" jsonschema:"minLength=1"`
	// Drift is what does not alarm.
	Drift Drift `json:"drift,omitempty"`
}

// Environment is a named place: which units are in it, with which state and roles.
type Environment struct {
	// Name, such as dvlp.
	Name string `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$"`
	// Paths are globs of the units in it. Default: those with the name as a part of
	// their path, and those with a file NAME.tfvars.
	Paths []string `json:"paths,omitempty" jsonschema:"minLength=1"`
	// VarFiles are given to each plan, relative to the unit, where they exist.
	// Default: NAME.tfvars.
	VarFiles []string `json:"var_files,omitempty" jsonschema:"minLength=1"`
	// Backend is where state is kept. Default: as the unit says.
	Backend Backend `json:"backend,omitempty"`
	// Roles are assumed for what is done in it.
	Roles Roles `json:"roles,omitempty"`
	// Gates: false lets a local capsule be applied, unsigned and from a dirty tree. Default true.
	Gates *bool `json:"gates,omitempty"`
	// Approve is the risk from which a person has to approve. Default high.
	Approve string `json:"approve,omitempty" jsonschema:"enum=low,enum=high,enum=destructive"`
	// Approvers are the names of those who may. Default: all of live.approvers.
	Approvers []string `json:"approvers,omitempty" jsonschema:"minLength=1"`
	// Approvals: "forge" takes the word of an approver who let the run that applies
	// use the forge's environment of the same name, beside signed records. What
	// destroys, and what names its target, needs a signed record all the same.
	// Default "signed": nothing but signed records.
	Approvals string `json:"approvals,omitempty" jsonschema:"enum=signed,enum=forge"`
	// Position is where the environment stands.
	Position pipelines.Position `json:"-"`
}

// Gated says whether only a signed and reviewed capsule is applied.
func (e Environment) Gated() bool { return e.Gates == nil || *e.Gates }

// ByForge says whether the forge's approval of a run counts.
func (e Environment) ByForge() bool { return e.Approvals == "forge" }

// Backend is a backend of Terraform and its arguments.
type Backend struct {
	// Type is the backend's, such as s3 or local.
	Type string `json:"type,omitempty" jsonschema:"pattern=^[a-z][a-z0-9]*$"`
	// Config are its arguments; {env} and {unit} stand for the names.
	Config map[string]any `json:"config,omitempty"`
}

// Roles are the roles of one environment, such as ARNs of AWS.
type Roles struct {
	// Plan reads.
	Plan string `json:"plan,omitempty"`
	// Apply writes.
	Apply string `json:"apply,omitempty"`
}

// LiveUnit says more about the units that match Path.
type LiveUnit struct {
	// Path is a glob relative to the root.
	Path string `json:"path" jsonschema:"required,minLength=1"`
	// After are the units that have to be applied before, {env} standing for the name.
	After []string `json:"after,omitempty" jsonschema:"minLength=1"`
	// Position is where it stands.
	Position pipelines.Position `json:"-"`
}

// Allow is what may run or be fetched before and during a plan; what it does not
// name is refused before anything runs.
type Allow struct {
	// Providers are HOST/NAMESPACE/TYPE, * standing for any namespace or type.
	// Default: those of hashicorp.
	Providers []string `json:"providers,omitempty" jsonschema:"minLength=1"`
	// Modules are globs of the sources of modules that are not local.
	Modules []string `json:"modules,omitempty" jsonschema:"minLength=1"`
	// DataSources are types that start programs or reach any host, such as external.
	DataSources []string `json:"data_sources,omitempty" jsonschema:"minLength=1"`
	// Provisioners are their types, such as local-exec.
	Provisioners []string `json:"provisioners,omitempty" jsonschema:"minLength=1"`
	// Backends are types beyond s3, gcs, azurerm and local, such as http.
	Backends []string `json:"backends,omitempty" jsonschema:"minLength=1"`
	// Settings are arguments that are harmless here though they need not be, as
	// PROVIDER.ARGUMENT, such as aws.endpoints.
	Settings []string `json:"settings,omitempty" jsonschema:"minLength=1"`
}

// Drift configures what is no alarm.
type Drift struct {
	// Ignore are attributes that others may change.
	Ignore []DriftIgnore `json:"ignore,omitempty"`
}

// DriftIgnore lets an attribute drift until a date.
type DriftIgnore struct {
	// Unit is a glob. Default: every unit.
	Unit string `json:"unit,omitempty"`
	// Resource is a glob of addresses, and Attribute the path in it, such as tags.LastScan.
	Resource  string `json:"resource" jsonschema:"required,minLength=1"`
	Attribute string `json:"attribute" jsonschema:"required,minLength=1"`
	// Reason and Expires (YYYY-MM-DD, UTC, the last day).
	Reason  string `json:"reason" jsonschema:"required,minLength=1"`
	Expires string `json:"expires" jsonschema:"required,pattern=^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`
	// Position is where it stands.
	Position pipelines.Position `json:"-"`
}
