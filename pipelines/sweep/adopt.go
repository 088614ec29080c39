package sweep

import (
	"context"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
)

func (w *workspace) adopt(ctx context.Context, orphans []record.Create, lost bool) {
	for _, c := range orphans {
		if how, _ := deployed.AdoptionOf(c.Type); how != deployed.Nothing {
			w.leak(c.Address, c.Type, "orphan")
		}
	}
}

func (o *one) tests() {}

func (s *sweeping) lastLook(ctx context.Context, r deployed.Run, all []deployed.Deployment, result *pipelines.Result) {
}
