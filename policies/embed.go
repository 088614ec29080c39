// Package policies embeds the built-in rules, so that a version of the program
// is a version of the rules.
package policies

import "embed"

// FS holds the rules and the tests beside them.
//
//go:embed */*/*.rego
var FS embed.FS
