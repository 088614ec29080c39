package terraform

import (
	"context"

	"github.com/penstock-dev/penstock/pipelines"
)

// ValidateStage is the name of the stage.
const ValidateStage = "terraform-validate"

// Validate runs terraform validate on each unit.
type Validate struct {
	pipelines.Scope
	// Program is the terraform or tofu to run. Default: terraform, else tofu, of PATH.
	Program string
	// Mirror is a filesystem mirror: the only place that providers come from when it is set.
	Mirror string
}

// Run is not there yet, and says so: nothing passes.
func (v Validate) Run(ctx context.Context) (*pipelines.Report, error) {
	return v.Each(ctx, ValidateStage, func(context.Context, pipelines.Unit) pipelines.Result {
		return pipelines.Result{Verdict: pipelines.NotRun, Reason: "this stage is not built yet"}
	}), nil
}
