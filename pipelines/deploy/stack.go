package deploy

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/live"
)

// stack plans a stack and, where that would change something, applies a capsule: in an
// environment without gates one of this plan, in another the one that was sealed when
// the change was reviewed.
func (d *deploying) stack(ctx context.Context, name string) (*pipelines.Report, error) {
	plans := filepath.Join(d.room, name)
	planned, err := d.command(ctx, name, name+" plan", slices.Concat([]string{name, "plan"}, d.Flags.cloud(), []string{"--out", plans})...)
	if err != nil || planned.Verdict != pipelines.Pass && planned.Verdict != pipelines.Waived {
		return planned, err
	}
	if left := d.Service.LeftOut(name, name); left != nil {
		return left, nil
	}
	changes, err := changed(plans)
	if err != nil || !changes {
		return planned, err
	}
	apply := slices.Concat([]string{name, "apply"}, d.Flags.cloud(), d.Flags.store())
	identities := d.Identities
	if d.Service.Ungated() {
		if err := d.seal(ctx, name, plans); err != nil {
			return nil, err
		}
		capsules, err := filepath.Glob(filepath.Join(plans, "targets", "*", "*", "*", "plan.capsule"))
		if err != nil || len(capsules) != 1 {
			return nil, fmt.Errorf("sealing %s: there are %d capsules in place of one: %w", name, len(capsules), err)
		}
		apply, identities = append(apply, "--capsule", capsules[0]), append(slices.Clone(identities), d.keys.identity)
	}
	for _, identity := range identities {
		apply = append(apply, "--identity", identity)
	}
	return d.command(ctx, name, name+" apply", apply...)
}

// changed says whether the plan of the one unit in a directory would change something.
func changed(plans string) (bool, error) {
	records, err := live.Records(plans)
	if err != nil {
		return false, err
	}
	if len(records) != 1 {
		return false, fmt.Errorf("reading the plan: there are %d units in place of one", len(records))
	}
	for _, record := range records {
		switch record.Outcome {
		case live.NoChanges:
			return false, nil
		case live.Changes:
			return true, nil
		default:
			return false, fmt.Errorf("reading the plan: it ended with %q", record.Outcome)
		}
	}
	return false, nil
}

// seal makes a capsule of a plan, in a process that runs neither terraform nor a provider.
func (d *deploying) seal(ctx context.Context, name, plans string) error {
	argv := slices.Concat([]string{name, "seal", "--plans", plans, "--key", d.keys.signer, "--local", "--recipient", d.keys.recipient}, d.where())
	out, err := d.start(ctx, argv)
	if err != nil {
		return err
	}
	if out.Exit != pipelines.ExitClean {
		return said(name+" seal", out)
	}
	return nil
}
