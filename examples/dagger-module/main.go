// A module of a platform team that uses Penstock as a dependency and adds what
// only this team wants.
package main

import (
	"context"

	"github.com/penstock-dev/penstock/examples/dagger-module/internal/dagger"
)

// Catalog is the team's module.
type Catalog struct{}

// Gate judges a catalog as this team does: without tflint, and with the stages
// that need neither terraform nor providers.
//
// Example: dagger call gate --source=../infrastructure-modules
func (c *Catalog) Gate(
	ctx context.Context,
	// The repository that holds the catalog.
	source *dagger.Directory,
	// The penstock program to run; by default Penstock's module builds it.
	// +optional
	program *dagger.File,
	// Branch, tag or commit to compare with; without it every unit is judged.
	// +optional
	base string,
) (string, error) {
	return dag.Penstock(dagger.PenstockOpts{Source: source, Program: program}).
		Check(dagger.PenstockCheckOpts{Base: base, Stages: []string{"terraform-fmt", "compliance"}}).
		Assert(ctx)
}
