package main

import (
	"context"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// TerraformFmt finds files that terraform fmt would rewrite.
//
// Example: dagger call --source=. terraform-fmt --base=origin/main assert
func (p *Penstock) TerraformFmt(
	ctx context.Context,
	// Branch, tag or commit to compare with; without it every unit is judged.
	// +optional
	base string,
) (*Run, error) {
	return p.run(ctx, base, []string{"terraform-fmt"}, nil)
}

// TerraformValidate runs terraform validate on each unit.
//
// Example: dagger call --source=. terraform-validate --base=origin/main assert
func (p *Penstock) TerraformValidate(
	ctx context.Context,
	// Branch, tag or commit to compare with; without it every unit is judged.
	// +optional
	base string,
) (*Run, error) {
	return p.run(ctx, base, []string{"terraform-validate"}, nil)
}

// Tflint runs tflint on each unit.
//
// Example: dagger call --source=. tflint --base=origin/main assert
func (p *Penstock) Tflint(
	ctx context.Context,
	// Branch, tag or commit to compare with; without it every unit is judged.
	// +optional
	base string,
) (*Run, error) {
	return p.run(ctx, base, []string{"tflint"}, nil)
}

// Compliance judges every resource by policy.
//
// Example: dagger call --source=. compliance --base=origin/main summary
func (p *Penstock) Compliance(
	ctx context.Context,
	// Branch, tag or commit to compare with; without it every unit is judged.
	// +optional
	base string,
) (*Run, error) {
	return p.run(ctx, base, []string{"compliance"}, nil)
}

// Fix rewrites the files that terraform fmt would rewrite, as a change to apply.
//
// Example: dagger call --source=. fix
// +generate
func (p *Penstock) Fix() *dagger.Changeset {
	before := p.Source.WithoutDirectory(".git")
	after := p.bare("terraform").
		WithDirectory("/work", before).
		WithWorkdir(p.inside()).
		WithExec([]string{"penstock", "terraform-fmt", "--fix", "--all"}, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}).
		Directory("/work")
	return after.Changes(before)
}

// Formatted fails where terraform fmt would rewrite a file.
// +check
func (p *Penstock) Formatted(ctx context.Context) error { return p.assert(ctx, "terraform-fmt") }

// Compliant fails where a resource breaks a rule.
// +check
func (p *Penstock) Compliant(ctx context.Context) error { return p.assert(ctx, "compliance") }

// assert judges every unit by one stage.
func (p *Penstock) assert(ctx context.Context, name string) error {
	run, err := p.run(ctx, "", []string{name}, nil)
	if err != nil {
		return err
	}
	_, err = run.Assert(ctx)
	return err
}
