package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/gate"
)

// allowList is what may run or be fetched, as the gate takes it.
func allowList(a config.Allow) gate.Allow {
	return gate.Allow{Providers: a.Providers, Modules: a.Modules, DataSources: a.DataSources, Provisioners: a.Provisioners,
		Backends: a.Backends, Settings: a.Settings}
}

// gate reads the configuration before anything of it runs.
func (p *planning) gate(t Target) ([]pipelines.Finding, error) {
	allow := allowList(p.Config.Live.Allow)
	if len(allow.Providers) == 0 {
		allow.Providers = []string{"registry.terraform.io/hashicorp/*", "registry.opentofu.org/hashicorp/*"}
	}
	return gate.Judge(p.root.FS(), t.Unit.Path, allow)
}

// gateModules reads the modules that init downloaded, before the plan runs.
func (p *planning) gateModules(w *unitWorkspace) ([]pipelines.Finding, error) {
	if _, err := os.Stat(filepath.Join(w.Modules(), "modules.json")); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	allow := allowList(p.Config.Live.Allow)
	if len(allow.Providers) == 0 {
		allow.Providers = []string{"registry.terraform.io/hashicorp/*", "registry.opentofu.org/hashicorp/*"}
	}
	unit, err := filepath.Rel(w.Dir, w.Unit)
	if err != nil {
		return nil, err
	}
	return gate.JudgeModules(os.DirFS(w.Dir), filepath.ToSlash(unit), allow)
}

// failed describes a plan that terraform ended with an error.
func (p *planning) failed(t Target, out string, exit int, r *Record) pipelines.Result {
	return pipelines.Result{Verdict: pipelines.NotRun, Reason: fmt.Sprintf("terraform plan ended with %d", exit),
		Hint: "run the plan yourself: penstock plan --only " + t.ID()}
}

// describe says what a plan would do, without a value of it.
func (p *planning) describe(ctx context.Context, t Target, out string, r *Record) pipelines.Result {
	f, err := read(ctx, filepath.Join(out, JSONFile), t, p.Root, p.Config)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	r.Planned.Risk, r.Planned.Changes, r.Planned.Policies = f.manifestRisk(t), f.changes, f.policies
	if r.Outcome == NoChanges {
		return pipelines.Result{Reason: "no changes", Judged: map[string]int{"changes": 0}}
	}
	return pipelines.Result{Judged: map[string]int{"changes": len(f.list)},
		Reason: fmt.Sprintf("%d changes, risk %s", len(f.list), f.risk.Level)}
}

// relative keeps a path of the working copy out of what is shown.
func relative(t Target, name string) string { return path.Join(t.Unit.Path, path.Base(name)) }
