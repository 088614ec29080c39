package compliance

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// Compiled are rules that are compiled once, to judge many plans.
type Compiled struct {
	run    *run
	digest string
	// always: waivers expire by the time of each plan.
	always bool
}

// Compile reads and compiles the rules as Run would. A rule that does not compile is an error.
func (c Compliance) Compile(ctx context.Context) (*Compiled, error) {
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the catalog: %w", err)
	}
	defer root.Close()
	digest, err := c.Digest()
	if err != nil {
		return nil, err
	}
	r, err := c.begin(ctx, root.FS())
	return &Compiled{run: r, digest: digest, always: c.Now.IsZero()}, err
}

// Digest is that of the rules, settings and waivers: see Compliance.Digest.
func (k *Compiled) Digest() string { return k.digest }

// Plan judges the JSON of a plan, as Run judges one of Plans, and reads it once. unit is
// what the result calls it, waived the unit whose waivers count. It may be called from
// many goroutines at once. Decided is not told.
func (k *Compiled) Plan(ctx context.Context, plan io.Reader, unit, waived string) pipelines.Result {
	one := &run{Compliance: k.run.Compliance, rules: k.run.rules, wanted: k.run.wanted, settings: k.run.settings}
	one.Decided = nil
	if k.always {
		one.Now = time.Now()
	}
	for _, w := range k.run.waivers {
		own := *w // which of them were used is known of this plan alone
		one.waivers = append(one.waivers, &own)
	}
	one.Plans = []PlanOf{{Unit: unit, Waived: waived, from: plan}}
	one.ofPlans()
	return one.Each(ctx, Stage, one.unit).Results[0]
}
