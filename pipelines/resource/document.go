// Package resource reads configuration and plans as one document of resources,
// so that a rule is written once and judges both.
package resource

import "github.com/penstock-dev/penstock/pipelines"

// Kind is where a document came from.
type Kind string

const (
	Configuration Kind = "configuration" // .tf files, evaluated without credentials, providers or init
	Plan          Kind = "plan"          // terraform show -json
)

// Document is what there is to judge.
type Document struct {
	Kind Kind
	// Path is the unit or the plan file.
	Path      string
	Resources []Resource
	// Opaque lists what could not be looked into, such as a call of a module
	// that is not in this repository. None of it is ever a pass.
	Opaque []Opaque
}

// Resource is one instance of a resource that will exist.
type Resource struct {
	// Address is Terraform's: module.vpc["a"].aws_subnet.this[0].
	Address string
	Type    string
	Name    string
	// Module is the address of the module that it is in, "" at the root.
	Module string
	// Mode is "managed" or "data".
	Mode string
	// Key is the instance key: nil, a float64 of count, or a string of for_each.
	// When count or for_each cannot be known there is one instance, and
	// Existence says why it is unknown.
	Key       any
	Existence *Reason
	Position  pipelines.Position
	// Values are the arguments as JSON values, nested blocks always as arrays of
	// objects, as in a plan. An unset argument is absent. Markers (see Unknown,
	// Ref and Partial) stand for what is not a plain value.
	Values map[string]any
	// Positions are where the arguments and blocks of the top level stand.
	Positions map[string]pipelines.Position
}

// Reason says why something is unknown, and where.
type Reason struct {
	Message  string
	Position pipelines.Position
}

// Opaque is something that could not be looked into.
type Opaque struct {
	// Address is what it is, such as module.network.
	Address string
	Reason
}

// The markers: objects with exactly one member, which no provider's schema has.
const (
	// Unknown: {"$unknown": {"message", "path", "line"}} cannot be known yet.
	UnknownMarker = "$unknown"
	// Ref: {"$ref": {"address", "type", "name", "attribute", "key"?}} is a
	// reference to a computed attribute of another resource of the same
	// configuration: which resource is known, the value is not. Address is
	// without the instance key of its last part; key is there if it is known.
	RefMarker = "$ref"
	// Partial: {"$partial": "arn:aws:s3:::${aws_s3_bucket.logs.id}/*"} is a text
	// that is known but for the references in it.
	PartialMarker = "$partial"
)

// Wanted says which arguments of which resource types are needed: what is not
// wanted is not decoded. Nil wants everything; an empty list wants the whole type.
type Wanted map[string][]string
