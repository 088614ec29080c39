// Package infratype reads the contracts of infrastructure types: what a service may
// declare in service.tfvars, what it is granted on it, and what is looked up of it
// afterwards. The Terraform root service-iam reads the same files, so that what is
// documented, granted and looked up has one source.
package infratype

import "github.com/penstock-dev/penstock/pipelines"

// Schema is the one that this version reads.
const Schema = "penstock.infra-type/v1"

// File is a contract's name in the directory of its module.
const File = "contract.yaml"

// Contract is what one infrastructure type promises.
type Contract struct {
	// Schema of the file.
	Schema string `json:"schema" jsonschema:"required,enum=penstock.infra-type/v1"`
	// Type is the key in service.tfvars and the variable of both roots, such as sqs_queues.
	Type string `json:"type" jsonschema:"required,pattern=^[a-z][a-z0-9]*(_[a-z0-9]+)*$"`
	// Module is the directory beneath modules/.
	Module string `json:"module" jsonschema:"required,pattern=^[a-z][a-z0-9]*(-[a-z0-9]+)*$"`
	// Prefix of the environment variables that the container gets, such as SQS.
	Prefix string `json:"prefix" jsonschema:"required,pattern=^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$"`
	// Summary is one line that says what is made.
	Summary string `json:"summary" jsonschema:"required,minLength=1"`
	// Access is what each word allows. {} where there is nothing to call.
	Access map[string][]Statement `json:"access" jsonschema:"required"`
	// Parameters are what the module writes to SSM beneath /ENVIRONMENT/SERVICE/TYPE/NAME/.
	Parameters []Parameter `json:"parameters" jsonschema:"required,minItems=1"`
	// Policies are the compliance rules that say something of the type, by id.
	Policies []string `json:"policies" jsonschema:"required,minItems=1"`
	// Example is a directory of the module that calls it, ready to be planned.
	Example string `json:"example" jsonschema:"required,minLength=1"`
	// Tests is a directory of the module with its *.tftest.hcl.
	Tests string `json:"tests" jsonschema:"required,minLength=1"`
	// Position is where the contract stands.
	Position pipelines.Position `json:"-"`
}

// Statement allows actions on resources.
type Statement struct {
	// Actions are exact: no wildcard.
	Actions []string `json:"actions" jsonschema:"required,minItems=1,pattern=^[a-z0-9-]+:[A-Z][A-Za-z0-9]*$"`
	// Resources are ARNs with {partition}, {region}, {account}, {environment}, {service} and
	// {name} in them. A * may stand only at the end, for what lies within one resource: /*.
	Resources []string `json:"resources,omitempty" jsonschema:"minLength=1,pattern=^arn:{partition}:"`
	// Through is role-policy (default: the role's own), or resource-policy where AWS
	// makes the id, so that the module names the role in the policy of the resource.
	Through string `json:"through,omitempty" jsonschema:"enum=role-policy,enum=resource-policy"`
}

// Parameter is one value that a module writes to SSM.
type Parameter struct {
	// Name is the last part of the SSM parameter's; in upper case, of the environment variable's.
	Name string `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9]*(_[a-z0-9]+)*$"`
	// Description is one line.
	Description string `json:"description" jsonschema:"required,minLength=1"`
	// Secret: the value is the ARN of a secret, never the secret. The container gets a reference
	// for each of Properties, named PREFIX_NAME_PROPERTY, in place of the value.
	Secret bool `json:"secret,omitempty"`
	// Properties of a secret that is a JSON object. Default: the secret as a whole.
	Properties []string `json:"properties,omitempty" jsonschema:"minLength=1"`
}

// The ways in which something is granted.
const (
	RolePolicy     = "role-policy"
	ResourcePolicy = "resource-policy"
)
