// Package policies embeds the built-in rules, so that a version of the program
// is a version of the rules.
package policies

import "embed"

// FS holds the rules on Terraform's resources and the tests beside them. A domain
// is named here, or nothing evaluates it.
//
//go:embed encryption/*/*.rego exposure/*/*.rego iam/*/*.rego lib/*/*.rego network/*/*.rego operations/*/*.rego transport/*/*.rego
var FS embed.FS

// Kubernetes holds the rules on Kubernetes objects and the tests beside them. They
// are apart, so that neither kind of rule is asked about the other's documents.
//
//go:embed kubernetes/*/*.rego
var Kubernetes embed.FS
